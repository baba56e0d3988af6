/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One end of a connection under test, and all that can be said of it from outside.
 *
 * Beside the engine stands what its shell has been told and what went out, in stream
 * positions that never wrap.  After every call the two are held against each other, and
 * the call is made twice, on a copy, too: the same input, the same output.
 */
#ifndef TERN_FUZZ_END_H
#define TERN_FUZZ_END_H

#include "tests/fuzz/fuzz.h"

/**
 * struct world - the numbers a run starts with.  What an engine does is the same in every
 *	world, but for these.
 * @iss: our initial sequence number
 * @irs: that of the peer's first SYN
 * @start: the clock, us, a multiple of 1000
 * @ts_offset: of &struct tern_config
 * @peer_ts: the peer's timestamp at @start
 */
struct world {
	u32 iss;
	u32 irs;
	u64 start;
	u32 ts_offset;
	u32 peer_ts;
};

/* enum call_kind - what a shell can do */
enum call_kind {
	CALL_OPEN,
	CALL_OPEN_SYN,
	CALL_OPEN_COOKIE,
	CALL_SEGMENT,
	CALL_TIMEOUT,
	CALL_SEND,
	CALL_RECEIVE,
	CALL_CLOSE,
	CALL_ORPHAN,
	CALL_ABORT,
	CALL_RCV_BUF,
	CALL_NODELAY,
	CALL_KEEPALIVE,
	CALL_USER_TIMEOUT,
	CALL_MSS,
	CALL_FORGET,
};

/**
 * struct call - one call with its arguments
 * @kind: &enum call_kind
 * @challenge: the rate limit allows a challenge ACK
 * @n: octets, or what else is a small number
 * @time: a duration, us
 * @interval: another
 * @seg: the segment
 */
struct call {
	enum call_kind kind;
	bool challenge;
	u32 n;
	u64 time;
	u64 interval;
	struct tern_seg seg;
};

/** struct span - octets [start, end) of the received stream */
struct span {
	u64 start;
	u64 end;
};

/**
 * struct end - one end under test
 * @conn: the engine
 * @before: the same before the latest call
 * @cfg: what it is opened with
 * @world: the numbers
 * @now: the clock
 * @digest: of all that came out, the same in every world
 * @over: CLOSED, or its TIME_WAIT has ended
 * @waiting: in TIME_WAIT: @tw
 * @tuned: the user has changed something since it was opened
 * @given: octets the user has handed over
 * @released: of which acknowledged
 * @sent: octets sent at least once
 * @fin_sent: so was the FIN
 * @rcv: octets received in order
 * @taken: of which the user has taken
 * @eof: the peer's FIN is reached
 * @edge: right edge of the window told
 * @latest: where octets last came out of order
 * @held: octets that came out of order
 * @n_held: used entries of @held
 * @unacked: segments in order that no ACK has followed
 * @acks: segments with ACK sent in the latest call
 * @first: the first segment sent in the latest call, if @drained
 * @drained: segments sent in the latest call
 */
struct end {
	struct tern_conn conn;
	struct tern_conn before;
	struct tern_config cfg;
	struct world world;
	u64 now;
	u64 digest;
	bool over;
	bool waiting;
	bool tuned;
	struct tern_tw tw;
	u64 given;
	u64 released;
	u64 sent;
	bool fin_sent;
	u64 rcv;
	u64 taken;
	bool eof;
	u64 edge;
	u64 latest;
	struct span held[TERN_RANGES + 2];
	u32 n_held;
	u32 unacked;
	u32 acks;
	struct tern_seg first;
	u32 drained;
};

/** end_init() - an end that is not open yet */
void end_init(struct end *e, const struct world *world, const struct tern_config *cfg);

/** end_call() - make the call, drain, check every law */
void end_call(struct end *e, const struct call *call);

/** end_time_wait() - a segment for what is in TIME_WAIT, and the laws of that */
void end_time_wait(struct end *e, const struct tern_seg *seg);

/** end_listen() - what a listener says of a segment, and the laws of that */
enum tern_listen_verdict end_listen(const struct tern_seg *seg);

/** end_silence() - the peer says nothing any more, and the end must come */
void end_silence(struct end *e);

/** end_peer_seg() - what a well-behaved peer would send now: an ACK of everything */
struct tern_seg end_peer_seg(const struct end *e, u8 flags, u32 wnd);

/** end_rcv_nxt() - what the peer's next number is; before its SYN, that of the SYN */
tern_seq end_rcv_nxt(const struct end *e);

/* end-sent.c: the laws of what goes out */

/** end_sent() - @seg was sent; @before is the engine before it */
void end_sent(struct end *e, const struct tern_conn *before, const struct tern_seg *seg);

/* end-arrived.c: the laws of what comes in */

/** end_arrived() - @seg arrived and nothing is sent yet */
void end_arrived(struct end *e, const struct tern_seg *seg, const struct tern_result *res);

/** end_answered() - the same, when what was due is sent */
void end_answered(struct end *e, const struct tern_seg *seg, const struct tern_result *res);

/** end_same_held() - what came out of order is what the engine has */
void end_same_held(const struct end *e);

#endif /* TERN_FUZZ_END_H */
