// SPDX-License-Identifier: GPL-2.0
/*
 * Timestamps and PAWS, rfc7323: what is agreed on, what is echoed, what is too old,
 * and what an echo says about the round trip.
 */
#include "tests/unit/test.h"

#define DAY (24ull * 3600 * SEC)
/* The peer's clock when it sends its SYN */
#define PEER 1000u

static u32 our_clock(const struct end *e)
{
	return tern_tsval(e->now, e->cfg.ts_offset);
}

static struct tern_seg with_ts(const struct end *e, u8 flags, s32 pos, s32 ack,
			       u32 len, u32 tsval)
{
	struct tern_seg seg = peer_seg(e, flags, pos, ack, len);

	seg.has_ts = true;
	seg.tsval = tsval;
	if (flags & TERN_ACK)
		seg.tsecr = our_clock(e);
	return seg;
}

static void arrive_ts(struct end *e, u8 flags, s32 pos, s32 ack, u32 len, u32 tsval)
{
	struct tern_seg seg = with_ts(e, flags, pos, ack, len, tsval);

	end_segment(e, &seg);
}

/* An ACK of all up to @ack that echoes @tsecr */
static void arrive_echo(struct end *e, s32 ack, u32 tsecr)
{
	struct tern_seg seg = with_ts(e, TERN_ACK, 0, ack, 0, PEER);

	seg.tsecr = tsecr;
	end_segment(e, &seg);
}

static void open_ts(struct end *e, u32 tsval)
{
	end_init(e);
	e->cfg.timestamps = true;
	e->cfg.ts_offset = 0xfffffff0;
	end_open(e);
	e->now += 100 * MSEC;
	arrive_ts(e, TERN_SYN | TERN_ACK, -1, 0, 0, tsval);
	CHECK_EQ(e->conn.ts_ok, true);
	look_away(e);
}

/* The option of the next segment sent */
static void check_ts(struct end *e, u32 tsecr)
{
	const struct tern_seg *seg = &e->out[e->next_out];

	CHECK(e->next_out < e->n_out);
	e->next_out++;
	CHECK_EQ(seg->has_ts, true);
	CHECK_EQ(seg->tsval, our_clock(e));
	CHECK_EQ(seg->tsecr, tsecr);
}

static void not_used(struct end *e, enum tern_drop why)
{
	CHECK_EQ(e->res.drop, why);
	CHECK_EQ(e->res.events, 0);
	CHECK_EQ(e->res.path_len, 0);
}

/* Agreeing: rfc7323#section-3.2 */

static void only_when_both_offer(void)
{
	struct tern_seg seg;
	struct end e;
	u32 i;

	for (i = 0; i < 4; i++) {
		bool ours = i & 1;
		bool theirs = i & 2;

		test_note("active, ours %u, theirs %u", ours, theirs);
		end_init(&e);
		e.cfg.timestamps = ours;
		end_open(&e);
		CHECK_EQ(e.out[0].has_ts, ours);
		/* "TSecr ... MUST be zero" without ACK */
		CHECK_EQ(e.out[0].tsecr, 0);
		CHECK_EQ(e.out[0].tsval, ours ? our_clock(&e) : 0);
		seg = with_ts(&e, TERN_SYN | TERN_ACK, -1, 0, 0, 55);
		seg.has_ts = theirs;
		end_segment(&e, &seg);
		CHECK_STATE(&e, TERN_ESTABLISHED);
		CHECK_EQ(e.conn.ts_ok, ours && theirs);
		CHECK_EQ(e.out[1].has_ts, ours && theirs);
		CHECK_EQ(e.out[1].tsecr, ours && theirs ? 55 : 0);
		CHECK_EQ(e.conn.snd_mss, ours && theirs ? MSS - 12 : MSS);

		test_note("passive, ours %u, theirs %u", ours, theirs);
		end_init(&e);
		e.cfg.timestamps = ours;
		seg = with_ts(&e, TERN_SYN, -1, 0, 0, 66);
		seg.has_ts = theirs;
		end_open_syn(&e, &seg);
		CHECK_EQ(e.out[0].has_ts, ours && theirs);
		CHECK_EQ(e.out[0].tsecr, ours && theirs ? 66 : 0);
		CHECK_EQ(e.conn.snd_mss, ours && theirs ? MSS - 12 : MSS);

		test_note("simultaneous, ours %u, theirs %u", ours, theirs);
		end_init(&e);
		e.cfg.timestamps = ours;
		end_open(&e);
		seg = with_ts(&e, TERN_SYN, -1, 0, 0, 77);
		seg.has_ts = theirs;
		end_segment(&e, &seg);
		CHECK_EQ(e.out[1].flags, TERN_SYN | TERN_ACK);
		CHECK_EQ(e.out[1].has_ts, ours && theirs);
		CHECK_EQ(e.out[1].tsecr, ours && theirs ? 77 : 0);
		seg = with_ts(&e, TERN_SYN | TERN_ACK, -1, 0, 0, 78);
		seg.has_ts = theirs;
		end_segment(&e, &seg);
		CHECK_STATE(&e, TERN_ESTABLISHED);
	}
}

/* "once ... successfully negotiated ... in every non-<RST> segment" */
static void on_every_segment(void)
{
	struct end e;

	open_ts(&e, PEER);
	end_send(&e, 2 * (MSS - 12));
	CHECK_OUT(&e, TERN_ACK, 0, 0, MSS - 12);
	e.next_out = 0;
	check_ts(&e, PEER);
	check_ts(&e, PEER);
	/* the retransmission has a time of its own */
	pass_deadline(&e);
	check_ts(&e, PEER);
	arrive_ts(&e, TERN_ACK, 0, 1976, 0, PEER + 1);
	end_close(&e);
	check_ts(&e, PEER + 1);
	arrive_ts(&e, TERN_FIN | TERN_ACK, 0, 1977, 0, PEER + 2);
	CHECK_STATE(&e, TERN_TIME_WAIT);
	check_ts(&e, PEER + 2);

	open_ts(&e, PEER);
	end_abort(&e, TERN_ERR_ABORTED);
	CHECK_EQ(e.out[0].flags, TERN_RST | TERN_ACK);
	check_ts(&e, PEER);
}

/* What the peer must not send, it is not asked about. */
static void not_agreed_not_looked_at(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	arrive_ts(&e, TERN_ACK, 0, 0, 100, 5);
	CHECK(e.res.events & TERN_EV_DATA);
	arrive_ts(&e, TERN_ACK, 100, 0, 100, 4);
	CHECK(e.res.events & TERN_EV_DATA);
	CHECK_EQ(e.out[0].has_ts, false);
}

/* rfc7323#section-3.2: "SHOULD silently drop"; a RST is taken */
static void a_segment_without_the_option(void)
{
	struct end e;

	open_ts(&e, PEER);
	end_send(&e, 100);
	look_away(&e);
	arrive(&e, TERN_ACK, 0, 0, 100);
	not_used(&e, TERN_DROP_NO_TS);
	arrive(&e, TERN_ACK, 0, 100, 0);
	not_used(&e, TERN_DROP_NO_TS);
	arrive(&e, TERN_FIN | TERN_ACK, 0, 100, 0);
	not_used(&e, TERN_DROP_NO_TS);
	arrive(&e, TERN_ACK, -100, 0, 100);
	not_used(&e, TERN_DROP_NO_TS);
	CHECK_QUIET(&e);
	CHECK_EQ(e.conn.snd_una, ISS + 1);
	CHECK_EQ(e.conn.rcv_nxt, IRS + 1);
	arrive(&e, TERN_RST, 0, 0, 0);
	CHECK_STATE(&e, TERN_CLOSED);
	CHECK_EQ(e.conn.error, TERN_ERR_RESET);
}

static void the_third_message_without_the_option(void)
{
	struct tern_seg seg;
	struct end e;

	end_init(&e);
	e.cfg.timestamps = true;
	seg = with_ts(&e, TERN_SYN, -1, 0, 0, PEER);
	end_open_syn(&e, &seg);
	look_away(&e);
	arrive(&e, TERN_ACK, 0, 0, 0);
	not_used(&e, TERN_DROP_NO_TS);
	CHECK_STATE(&e, TERN_SYN_RECEIVED);
	/* older than the SYN: not from this connection */
	arrive_ts(&e, TERN_ACK, 0, 0, 0, PEER - 1);
	not_used(&e, TERN_DROP_PAWS);
	CHECK_STATE(&e, TERN_SYN_RECEIVED);
	arrive_ts(&e, TERN_ACK, 0, 0, 0, PEER);
	CHECK_STATE(&e, TERN_ESTABLISHED);
}

/* PAWS: rfc7323#section-5 */

static void old_and_new(void)
{
	static const struct {
		const char *name;
		u32 recent, tsval;
		bool old;
	} rows[] = {
		{ "equal", 1000, 1000, false },
		{ "one older", 1000, 999, true },
		{ "one newer", 1000, 1001, false },
		{ "as new as can be", 1000, 1000u + 0x7fffffff, false },
		{ "as old as can be", 1000, 1000u - 0x7fffffff, true },
		{ "half the circle", 1000, 1000u + 0x80000000, true },
		{ "the clock wraps", 0xffffffff, 0, false },
		{ "and is old", 0, 0xffffffff, true },
		{ "wraps by much", 0xfffffff0, 0x7fffffef, false },
		{ "zero is a time", 0, 0, false },
	};
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		test_note("%s", rows[i].name);
		open_ts(&e, rows[i].recent);
		end_send(&e, 100);
		look_away(&e);
		arrive_ts(&e, TERN_ACK, 0, 100, 50, rows[i].tsval);
		if (!rows[i].old) {
			CHECK(e.res.events & TERN_EV_DATA);
			CHECK(e.res.events & TERN_EV_ACKED);
			CHECK_EQ(e.conn.ts_recent, rows[i].tsval);
			continue;
		}
		/* R1: "Send an acknowledgment in reply ... and drop the segment" */
		not_used(&e, TERN_DROP_PAWS);
		CHECK_EQ(e.conn.snd_una, ISS + 1);
		CHECK_EQ(e.conn.ts_recent, rows[i].recent);
		CHECK_OUT(&e, TERN_ACK, 100, 0, 0);
		CHECK_QUIET(&e);
		/* once more: data is answered each time */
		arrive_ts(&e, TERN_ACK, 0, 100, 50, rows[i].tsval);
		CHECK_OUT(&e, TERN_ACK, 100, 0, 0);
	}
}

/* Two ends that find each other's bare ACKs old do not answer for ever. */
static void old_bare_acks_are_answered_now_and_then(void)
{
	struct end e;
	u32 i;

	open_ts(&e, PEER);
	for (i = 0; i < 1000; i++) {
		e.now += 1 * MSEC;
		arrive_ts(&e, TERN_ACK, 0, 0, 0, PEER - 1);
		not_used(&e, TERN_DROP_PAWS);
	}
	CHECK(e.sent <= 6);
}

/* R1: "if the RST bit is not set"; rfc5961 challenges a SYN as before */
static void rst_and_syn_are_exempt(void)
{
	struct end e;

	open_ts(&e, PEER);
	arrive_ts(&e, TERN_SYN, 0, 0, 0, PEER - 1);
	CHECK(e.res.events & TERN_EV_CHALLENGE);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 0);
	arrive_ts(&e, TERN_RST, 1, 0, 0, PEER - 1);
	CHECK(e.res.events & TERN_EV_CHALLENGE);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	arrive_ts(&e, TERN_RST | TERN_ACK, 0, 0, 0, PEER - 1);
	CHECK_STATE(&e, TERN_CLOSED);
	CHECK_EQ(e.conn.error, TERN_ERR_RESET);
}

/* rfc7323#section-5.5: after 24 days TS.Recent is not valid */
static void after_24_days_of_silence(void)
{
	struct end e;

	open_ts(&e, PEER);
	e.now += 24 * DAY;
	arrive_ts(&e, TERN_ACK, 0, 0, 50, PEER - 1);
	not_used(&e, TERN_DROP_PAWS);
	e.now += 1;
	arrive_ts(&e, TERN_ACK, 0, 0, 50, PEER - 1);
	CHECK(e.res.events & TERN_EV_DATA);
	CHECK_EQ(e.conn.ts_recent, PEER - 1);
	/* valid again */
	arrive_ts(&e, TERN_ACK, 50, 0, 50, PEER - 2);
	not_used(&e, TERN_DROP_PAWS);
}

/* The first segment after the silence is lost; the second one comes out of order. */
static void after_24_days_the_first_one_is_lost(void)
{
	u32 tsval = PEER + 0x80000000u + 1000;
	struct end e;

	open_ts(&e, PEER);
	e.now += 25 * DAY;
	arrive_ts(&e, TERN_ACK, 500, 0, 500, tsval);
	CHECK(e.res.events & TERN_EV_DATA);
	e.now += 300 * MSEC;
	arrive_ts(&e, TERN_ACK, 0, 0, 500, tsval + 300);
	CHECK(e.res.events & TERN_EV_DATA);
	CHECK_EQ(e.conn.rcv_nxt, IRS + 1 + 1000);
	CHECK_EQ(e.conn.ts_recent, tsval + 300);
}

/* What is echoed: rfc7323#section-4.3 */

/* (A) delayed ACKs: the earliest segment that is not acknowledged */
static void delayed_acks_echo_the_earliest(void)
{
	struct end e;

	open_ts(&e, PEER);
	arrive_ts(&e, TERN_ACK, 0, 0, 500, PEER + 10);
	CHECK_QUIET(&e);
	arrive_ts(&e, TERN_ACK, 500, 0, 500, PEER + 20);
	check_ts(&e, PEER + 10);
	arrive_ts(&e, TERN_ACK, 1000, 0, 500, PEER + 30);
	CHECK_QUIET(&e);
	pass(&e, 50 * MSEC);
	CHECK_EQ(e.n_out - e.next_out, 1);
	CHECK_EQ(e.out[e.next_out].tsecr, PEER + 30);
}

/* (B) a hole: the last segment that advanced the left edge; (C) what fills it */
static void holes_echo_what_came_in_order(void)
{
	struct end e;

	open_ts(&e, PEER);
	arrive_ts(&e, TERN_ACK, 0, 0, 500, PEER + 1);
	arrive_ts(&e, TERN_ACK, 1000, 0, 500, PEER + 3);
	check_ts(&e, PEER + 1);
	arrive_ts(&e, TERN_ACK, 2000, 0, 500, PEER + 5);
	check_ts(&e, PEER + 1);
	arrive_ts(&e, TERN_ACK, 500, 0, 500, PEER + 2);
	check_ts(&e, PEER + 2);
	arrive_ts(&e, TERN_ACK, 1500, 0, 500, PEER + 4);
	check_ts(&e, PEER + 4);
	CHECK_EQ(e.conn.rcv_nxt, IRS + 1 + 2500);
}

/* R3 is for acceptable segments only. */
static void no_echo_of_what_is_unacceptable(void)
{
	struct end e;

	open_ts(&e, PEER);
	arrive_ts(&e, TERN_ACK, 0, 0, 500, PEER + 1);
	arrive_ts(&e, TERN_ACK, 500, 0, 500, PEER + 1);
	look_away(&e);
	/* an old duplicate with a new time, and one beyond the window */
	arrive_ts(&e, TERN_ACK, 0, 0, 500, PEER + 9);
	check_ts(&e, PEER + 1);
	arrive_ts(&e, TERN_ACK, 30000, 0, 500, PEER + 9);
	check_ts(&e, PEER + 1);
	CHECK_EQ(e.conn.ts_recent, PEER + 1);
	/* old at its beginning and new at its end is acceptable */
	arrive_ts(&e, TERN_ACK, 500, 0, 1000, PEER + 10);
	CHECK_EQ(e.conn.ts_recent, PEER + 10);
	/* and so is an ACK alone, but what it follows is not acknowledged yet */
	arrive_ts(&e, TERN_ACK, 1500, 0, 0, PEER + 11);
	CHECK_EQ(e.conn.ts_recent, PEER + 10);
	pass(&e, 50 * MSEC);
	arrive_ts(&e, TERN_ACK, 1500, 0, 0, PEER + 11);
	CHECK_EQ(e.conn.ts_recent, PEER + 11);
}

/* The round trip: rfc7323#section-4 */

static void an_echo_measures_what_was_sent_twice(void)
{
	struct end e;
	u32 second;

	open_ts(&e, PEER);
	CHECK_EQ(e.conn.srtt, 100 * MSEC);
	end_send(&e, 100);
	pass_deadline(&e);
	CHECK_EQ(e.conn.rexmits, 1);
	second = our_clock(&e);
	e.now += 20 * MSEC;
	arrive_echo(&e, 100, second);
	/* 7/8 of 100 ms and 1/8 of 20 ms */
	CHECK_EQ(e.conn.srtt, 90 * MSEC);
	CHECK_EQ(e.conn.rto, 90 * MSEC + 4 * (37500 + 20000));
}

/* It was late and not lost: the echo is that of the first one. */
static void an_echo_of_the_first_one(void)
{
	struct end e;
	u32 first;

	open_ts(&e, PEER);
	first = our_clock(&e);
	end_send(&e, 100);
	pass_deadline(&e);
	arrive_echo(&e, 100, first);
	CHECK_EQ(e.conn.srtt, 125 * MSEC);
}

/* Without an echo to go by, Karn's algorithm keeps the backoff. */
static void echoes_that_say_nothing(void)
{
	static const u32 off[] = { 1, 2, 1000, 0x7fffffff, 0x80000000 };
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(off); i++) {
		test_note("%u ms in the future", off[i]);
		open_ts(&e, PEER);
		end_send(&e, 2000);
		pass_deadline(&e);
		e.now += 20 * MSEC;
		arrive_echo(&e, 988, our_clock(&e) + off[i]);
		CHECK_EQ(e.conn.srtt, 100 * MSEC);
		CHECK_EQ(e.conn.rto, 600 * MSEC);
	}
}

/* However old the echo, the timeout stays in its bounds. */
static void echoes_that_jump(void)
{
	static const u32 age[] = { 0, 1, 100000, 1000000, 0x7ffffffe, 0x7fffffff };
	struct end e;
	u64 ms;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(age); i++) {
		test_note("%u ms ago", age[i]);
		open_ts(&e, PEER);
		end_send(&e, 100);
		pass_deadline(&e);
		arrive_echo(&e, 100, our_clock(&e) - age[i]);
		/* less than a tick is not nothing; more than 1,000 s says no more */
		ms = age[i] ? age[i] : 1;
		ms = ms < 1000000 ? ms : 1000000;
		CHECK_EQ(e.conn.srtt, 100 * MSEC / 8 * 7 + ms * MSEC / 8);
		CHECK(e.conn.rto >= 200 * MSEC && e.conn.rto <= 120 * SEC);
	}
}

/* An ACK of nothing new measures nothing (rfc7323#section-4.1). */
static void duplicates_measure_nothing(void)
{
	struct end e;

	open_ts(&e, PEER);
	end_send(&e, 2000);
	pass_deadline(&e);
	e.now += 50 * MSEC;
	arrive_echo(&e, 0, our_clock(&e) - 50);
	CHECK_EQ(e.conn.srtt, 100 * MSEC);
	/* once in a round trip: two ACKs, one measurement */
	look_away(&e);
	open_ts(&e, PEER);
	end_send(&e, 3000);
	pass_deadline(&e);
	arrive_echo(&e, 988, our_clock(&e) - 20);
	CHECK_EQ(e.conn.srtt, 90 * MSEC);
	arrive_echo(&e, 1976, our_clock(&e) - 20);
	CHECK_EQ(e.conn.srtt, 90 * MSEC);
}

/* After a SYN was lost, the echo in the SYN-ACK still tells. */
static void a_syn_that_was_lost(void)
{
	struct end e;
	u32 second;

	end_init(&e);
	e.cfg.timestamps = true;
	end_open(&e);
	pass_deadline(&e);
	second = our_clock(&e);
	CHECK_EQ(e.out[1].tsval, second);
	e.now += 30 * MSEC;
	struct tern_seg seg = with_ts(&e, TERN_SYN | TERN_ACK, -1, 0, 0, PEER);

	seg.tsecr = second;
	end_segment(&e, &seg);
	CHECK_EQ(e.conn.srtt, 30 * MSEC);
	CHECK_EQ(e.conn.rto, 200 * MSEC);
}

static void the_clock(void)
{
	CHECK_EQ(tern_tsval(0, 0), 0);
	CHECK_EQ(tern_tsval(999, 0), 0);
	CHECK_EQ(tern_tsval(1000, 7), 8);
	CHECK_EQ(tern_tsval(4294967296000ull, 0), 0);
	CHECK_EQ(tern_tsval(4294967295999ull, 2), 1);
}

static const struct test tests[] = {
	TEST(only_when_both_offer),
	TEST(on_every_segment),
	TEST(not_agreed_not_looked_at),
	TEST(a_segment_without_the_option),
	TEST(the_third_message_without_the_option),
	TEST(old_and_new),
	TEST(old_bare_acks_are_answered_now_and_then),
	TEST(rst_and_syn_are_exempt),
	TEST(after_24_days_of_silence),
	TEST(after_24_days_the_first_one_is_lost),
	TEST(delayed_acks_echo_the_earliest),
	TEST(holes_echo_what_came_in_order),
	TEST(no_echo_of_what_is_unacceptable),
	TEST(an_echo_measures_what_was_sent_twice),
	TEST(an_echo_of_the_first_one),
	TEST(echoes_that_say_nothing),
	TEST(echoes_that_jump),
	TEST(duplicates_measure_nothing),
	TEST(a_syn_that_was_lost),
	TEST(the_clock),
};

int main(void)
{
	return run_tests("timestamp", tests, ARRAY_SIZE(tests));
}
