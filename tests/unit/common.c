// SPDX-License-Identifier: GPL-2.0
/*
 * What the unit tests share; test.h says how it is used.
 *
 * end_laws() is the part that matters most: whatever a test is about, after every
 * call of the engine the laws that every shell relies on are checked.
 */
#include <setjmp.h>
#include <stdarg.h>

#include "tests/host/laws.h"
#include "tests/unit/test.h"

#define WHY_MAX 400

static jmp_buf failed;
static char why[WHY_MAX];
static char note[120];

/* Running and checking */

static void __attribute__((noreturn, format(printf, 3, 4)))
fail(const char *file, int line, const char *format, ...)
{
	const char *base = strrchr(file, '/');
	va_list args;
	int n;

	n = snprintf(why, sizeof(why), "%s:%d: ", base ? base + 1 : file, line);
	va_start(args, format);
	n += vsnprintf(why + n, sizeof(why) - (size_t)n, format, args);
	va_end(args);
	if (note[0] && n < (int)sizeof(why))
		snprintf(why + n, sizeof(why) - (size_t)n, " [%s]", note);
	longjmp(failed, 1);
}

static bool run_test(const char *file, const struct test *test)
{
	note[0] = '\0';
	if (setjmp(failed)) {
		printf("not ok - core/%s: %s: %s\n", file, test->name, why);
		return false;
	}
	test->run();
	printf("ok - core/%s: %s\n", file, test->name);
	return true;
}

int run_tests(const char *file, const struct test *tests, u32 count)
{
	u32 bad = 0;
	u32 i;

	for (i = 0; i < count; i++) {
		bad += !run_test(file, &tests[i]);
		fflush(stdout);
	}
	return bad ? 1 : 0;
}

void test_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(note, sizeof(note), format, args);
	va_end(args);
}

void check_that(const char *file, int line, const char *what, bool holds)
{
	if (!holds)
		fail(file, line, "not true: %s", what);
}

void check_equal(const char *file, int line, const char *what, u64 got, u64 want)
{
	if (got != want)
		fail(file, line, "%s is %llu (0x%llx), not %llu (0x%llx)", what,
		     (unsigned long long)got, (unsigned long long)got,
		     (unsigned long long)want, (unsigned long long)want);
}

void check_state(const char *file, int line, u8 got, u8 want)
{
	if (got != want)
		fail(file, line, "state is %s, not %s", tern_state_name(got),
		     tern_state_name(want));
}

/* What was sent */

static const char *flags_name(u8 flags, char *text)
{
	sprintf(text, "%s%s%s%s%s", flags & TERN_SYN ? "S" : "",
		flags & TERN_FIN ? "F" : "", flags & TERN_RST ? "R" : "",
		flags & TERN_PSH ? "P" : "", flags & TERN_ACK ? "A" : "");
	return text;
}

static s32 pos_of(u32 first, tern_seq seq)
{
	return (s32)(tern_seq_bits(seq) - first - 1);
}

void check_out(const char *file, int line, struct end *e, u8 flags, s32 pos,
	       s32 ack, u32 len)
{
	const struct tern_seg *seg = &e->out[e->next_out];
	s32 got_ack = seg->flags & TERN_ACK ? pos_of(IRS, seg->ack) : 0;
	char want_text[8];
	char got_text[8];

	if (e->next_out == e->n_out)
		fail(file, line, "nothing sent, not %s pos %d ack %d len %u",
		     flags_name(flags, want_text), pos, ack, len);
	if (!(flags & TERN_ACK))
		ack = 0;
	if (seg->flags != flags || pos_of(ISS, seg->seq) != pos ||
	    got_ack != ack || seg->len != len)
		fail(file, line,
		     "sent %s pos %d ack %d len %u, not %s pos %d ack %d len %u",
		     flags_name(seg->flags, got_text), pos_of(ISS, seg->seq),
		     got_ack, seg->len, flags_name(flags, want_text), pos, ack,
		     len);
	e->next_out++;
}

void check_quiet(const char *file, int line, struct end *e)
{
	const struct tern_seg *seg = &e->out[e->next_out];
	char text[8];

	if (e->next_out < e->n_out)
		fail(file, line, "sent %s pos %d len %u, not nothing",
		     flags_name(seg->flags, text), pos_of(ISS, seg->seq),
		     seg->len);
}

void look_away(struct end *e)
{
	e->n_out = 0;
	e->next_out = 0;
}

static void keep_out(struct end *e, const struct tern_seg *seg)
{
	if (e->next_out == e->n_out)
		look_away(e);
	if (e->n_out < MAX_OUT)
		e->out[e->n_out++] = *seg;
	e->sent++;
}

/* The laws */

static void check_law(const char *broken)
{
	if (broken)
		fail(__FILE__, __LINE__, "law: %s", broken);
}

/* The test's end has a memory: the window it has told. */
static void check_sent(struct end *e, const struct tern_conn *before,
		       const struct tern_seg *seg)
{
	tern_seq edge = tern_seq_add(seg->ack, seg->wnd);

	check_law(laws_segment(&e->conn, before, seg));
	if (seg->flags & TERN_RST || !(seg->flags & TERN_ACK))
		return;
	if (e->edge_known)
		CHECK(tern_seq_leq(e->edge, edge));
	e->edge = edge;
	e->edge_known = true;
}

void end_laws(struct end *e)
{
	struct tern_conn before = e->conn;
	struct tern_seg seg;
	u32 n = 0;

	check_law(tern_check(&e->conn));
	while (tern_next_segment(&e->conn, e->now, &seg)) {
		CHECK(n++ < LAWS_DRAIN_MAX);
		check_sent(e, &before, &seg);
		keep_out(e, &seg);
		before = e->conn;
	}
	check_law(laws_rest(&e->conn, e->now));
}

/* The engine's entries */

struct tern_config default_config(void)
{
	return (struct tern_config){
		.rto_initial = 1 * SEC,
		.rto_min = 200 * MSEC,
		.rto_max = 120 * SEC,
		.delack = 40 * MSEC,
		.fin_wait_2 = 60 * SEC,
		.rcv_buf = 20 * MSS,
		.mss = MSS,
		.syn_retries = 6,
		.synack_retries = 5,
		.data_retries = 15,
		.orphan_retries = 8,
	};
}

void end_init(struct end *e)
{
	memset(e, 0, sizeof(*e));
	e->cfg = default_config();
	e->now = START;
	e->wnd = 20 * MSS;
	e->conn.state = TERN_CLOSED;
}

void end_open(struct end *e)
{
	e->res = tern_open(&e->conn, e->now, tern_seq_of(ISS), &e->cfg);
	check_law(laws_result(&e->conn, TERN_CLOSED, &e->res));
	end_laws(e);
}

void end_open_syn(struct end *e, const struct tern_seg *syn)
{
	e->res = tern_open_syn(&e->conn, e->now, tern_seq_of(ISS), &e->cfg, syn);
	check_law(laws_result(&e->conn, TERN_LISTEN, &e->res));
	end_laws(e);
}

void end_segment(struct end *e, const struct tern_seg *seg)
{
	u8 before = e->conn.state;
	struct tern_seg rst;

	e->res = tern_segment_arrives(&e->conn, e->now, seg);
	check_law(laws_result(&e->conn, before, &e->res));
	CHECK(e->res.data_off + e->res.data_len <= seg->len);
	if (e->res.events & TERN_EV_RESET && tern_reset_for(seg, &rst))
		keep_out(e, &rst);
	if (e->res.events & TERN_EV_CHALLENGE && !e->no_challenge)
		tern_challenge_ack(&e->conn);
	end_laws(e);
}

void end_timeout(struct end *e)
{
	u8 before = e->conn.state;

	e->res = tern_timeout(&e->conn, e->now);
	check_law(laws_result(&e->conn, before, &e->res));
	end_laws(e);
}

void end_close(struct end *e)
{
	u8 before = e->conn.state;

	e->res = tern_close(&e->conn, e->now);
	check_law(laws_result(&e->conn, before, &e->res));
	end_laws(e);
}

void end_orphan(struct end *e)
{
	u8 before = e->conn.state;

	e->res = tern_orphan(&e->conn, e->now);
	check_law(laws_result(&e->conn, before, &e->res));
	end_laws(e);
}

void end_abort(struct end *e, enum tern_error error)
{
	u8 before = e->conn.state;

	e->res = tern_abort(&e->conn, error);
	check_law(laws_result(&e->conn, before, &e->res));
	end_laws(e);
}

bool end_send(struct end *e, u32 len)
{
	bool sent = tern_send(&e->conn, len);

	end_laws(e);
	return sent;
}

void end_receive(struct end *e, u32 len)
{
	tern_receive(&e->conn, len);
	end_laws(e);
}

/* The peer, and time */

struct tern_seg peer_seg(const struct end *e, u8 flags, s32 pos, s32 ack, u32 len)
{
	struct tern_seg seg = {
		.seq = tern_seq_of(IRS + 1 + (u32)pos),
		.wnd = e->wnd,
		.len = len,
		.hlen = TERN_HDR_LEN,
		.flags = flags,
	};

	if (flags & TERN_ACK)
		seg.ack = tern_seq_of(ISS + 1 + (u32)ack);
	if (flags & TERN_SYN)
		seg.mss = MSS;
	return seg;
}

void arrive(struct end *e, u8 flags, s32 pos, s32 ack, u32 len)
{
	struct tern_seg seg = peer_seg(e, flags, pos, ack, len);

	end_segment(e, &seg);
}

void arrive_wnd(struct end *e, u8 flags, s32 pos, s32 ack, u32 len, u32 wnd)
{
	e->wnd = wnd;
	arrive(e, flags, pos, ack, len);
}

u64 pass_deadline(struct end *e)
{
	u64 begin = e->now;
	u64 deadline = tern_next_deadline(&e->conn);

	CHECK(deadline != TERN_NEVER);
	e->now = deadline;
	end_timeout(e);
	return deadline - begin;
}

void pass(struct end *e, u64 us)
{
	u64 until = e->now + us;

	while (tern_next_deadline(&e->conn) <= until)
		pass_deadline(e);
	e->now = until;
}

/* Getting somewhere */

static void reach_established(struct end *e)
{
	end_open(e);
	e->now += 100 * MSEC;
	arrive(e, TERN_SYN | TERN_ACK, -1, 0, 0);
}

void reach_with(struct end *e, enum tern_state state, const struct tern_config *cfg)
{
	struct tern_seg syn;

	end_init(e);
	e->cfg = *cfg;
	if (state == TERN_SYN_SENT) {
		end_open(e);
	} else if (state == TERN_SYN_RECEIVED) {
		syn = peer_seg(e, TERN_SYN, -1, 0, 0);
		end_open_syn(e, &syn);
	} else if (state == TERN_CLOSED) {
		end_open(e);
		end_close(e);
	} else {
		reach_established(e);
	}
	if (state == TERN_FIN_WAIT_1 || state == TERN_FIN_WAIT_2 ||
	    state == TERN_CLOSING || state == TERN_TIME_WAIT)
		end_close(e);
	if (state == TERN_FIN_WAIT_2 || state == TERN_TIME_WAIT)
		arrive(e, TERN_ACK, 0, 1, 0);
	if (state == TERN_TIME_WAIT)
		arrive(e, TERN_FIN | TERN_ACK, 0, 1, 0);
	if (state == TERN_CLOSING || state == TERN_CLOSE_WAIT ||
	    state == TERN_LAST_ACK)
		arrive(e, TERN_FIN | TERN_ACK, 0, 0, 0);
	if (state == TERN_LAST_ACK)
		end_close(e);
	CHECK_STATE(e, state);
	look_away(e);
	e->sent = 0;
}

void reach(struct end *e, enum tern_state state)
{
	struct tern_config cfg = default_config();

	reach_with(e, state, &cfg);
}

s32 rcv_pos(const struct end *e)
{
	return e->conn.state == TERN_SYN_SENT ? 0 : pos_of(IRS, e->conn.rcv_nxt);
}

s32 snd_pos(const struct end *e)
{
	return pos_of(ISS, e->conn.snd_max);
}
