/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the unit tests of core/ share: checks, and one end of a connection with a
 * clock, whose peer is the test.
 *
 * A test is a function in a table; the first check that fails ends it.  Numbers
 * are written as positions in the two streams: 0 is the first octet of user data,
 * -1 is the SYN.  ISS and IRS lie so close to the wrap that every test crosses it.
 */
#ifndef TERN_TEST_H
#define TERN_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/internal.h"
#include "tests/random.h"

#define ISS 0xfffffff0u
#define IRS 0xfffffffau
/* The clock starts beyond 32 bits of microseconds. */
#define START 5000000000ull
#define MSEC 1000ull
#define SEC 1000000ull
#define MSS 1000
#define MAX_OUT 64
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define CHECK(cond) \
	check_that(__FILE__, __LINE__, #cond, (cond))
#define CHECK_EQ(got, want) \
	check_equal(__FILE__, __LINE__, #got, (u64)(got), (u64)(want))
#define CHECK_STATE(end, want) \
	check_state(__FILE__, __LINE__, (end)->conn.state, (want))
/* The next segment the end has sent. */
#define CHECK_OUT(end, flags, pos, ack, len) \
	check_out(__FILE__, __LINE__, end, flags, pos, ack, len)
/* It has sent nothing that was not looked at. */
#define CHECK_QUIET(end) \
	check_quiet(__FILE__, __LINE__, end)

/** struct test - a row of the table that main() runs */
struct test {
	const char *name;
	void (*run)(void);
};

#define TEST(name) { #name, name }

int run_tests(const char *file, const struct test *tests, u32 count);

/** test_note() - says in which row of a table a check failed; "" for none */
void test_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

void check_that(const char *file, int line, const char *what, bool holds);
void check_equal(const char *file, int line, const char *what, u64 got, u64 want);
void check_state(const char *file, int line, u8 got, u8 want);

/**
 * struct end - one end of a connection, as a shell has it
 * @conn: the engine
 * @cfg: what it is opened with
 * @now: the clock
 * @wnd: window in the segments that the test lets arrive
 * @res: what the last call returned
 * @edge: right edge of the window it has told
 * @edge_known: it has told one
 * @no_challenge: the rate limit forbids challenge ACKs
 * @out: what it sent and the test has not looked at
 * @n_out: segments in @out
 * @next_out: the next to look at
 * @sent: segments sent in all
 */
struct end {
	struct tern_conn conn;
	struct tern_config cfg;
	u64 now;
	u32 wnd;
	struct tern_result res;
	tern_seq edge;
	bool edge_known;
	bool no_challenge;
	struct tern_seg out[MAX_OUT];
	u32 n_out;
	u32 next_out;
	u32 sent;
};

void check_out(const char *file, int line, struct end *e, u8 flags, s32 pos,
	       s32 ack, u32 len);
void check_quiet(const char *file, int line, struct end *e);

struct tern_config default_config(void);
void end_init(struct end *e);

/* The engine's entries.  After each: act on the result, drain, check the laws. */
void end_open(struct end *e);
void end_open_syn(struct end *e, const struct tern_seg *syn);
void end_segment(struct end *e, const struct tern_seg *seg);
void end_timeout(struct end *e);
void end_close(struct end *e);
void end_orphan(struct end *e);
void end_abort(struct end *e, enum tern_error error);
bool end_send(struct end *e, u32 len);
void end_receive(struct end *e, u32 len);
void end_laws(struct end *e);

/* A segment from the peer: stream positions as above. */
struct tern_seg peer_seg(const struct end *e, u8 flags, s32 pos, s32 ack, u32 len);
void arrive(struct end *e, u8 flags, s32 pos, s32 ack, u32 len);
/* The same with a window. */
void arrive_wnd(struct end *e, u8 flags, s32 pos, s32 ack, u32 len, u32 wnd);

/* Let time pass; deadlines on the way are served. */
void pass(struct end *e, u64 us);
/* Jump to the next deadline and serve it.  Returns how long it took. */
u64 pass_deadline(struct end *e);
/* Forget what was sent. */
void look_away(struct end *e);

/*
 * A fresh connection in @state by the ordinary way, nothing unread or unsent: our
 * stream and the peer's are at position 0, and each FIN, where there is one, has
 * that position.
 */
void reach(struct end *e, enum tern_state state);
void reach_with(struct end *e, enum tern_state state, const struct tern_config *cfg);
/* Position of what this end expects of the peer: 1 after its FIN. */
s32 rcv_pos(const struct end *e);
/* Position of what comes after all that this end has sent: 1 after our FIN. */
s32 snd_pos(const struct end *e);

#endif /* TERN_TEST_H */
