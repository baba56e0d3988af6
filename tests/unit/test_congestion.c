// SPDX-License-Identifier: GPL-2.0
/*
 * rfc5681, rfc6582, rfc3042 and rfc6928: how much may be on its way.
 */
#include "tests/unit/test.h"

/* A connection with 1,000 octets a segment and a peer's window of a million */
static void wide(struct end *e)
{
	end_init(e);
	e->wnd = 1000000;
	end_open(e);
	e->now += 100 * MSEC;
	arrive(e, TERN_SYN | TERN_ACK, -1, 0, 0);
	look_away(e);
}

static void expect_data(struct end *e, s32 first, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		CHECK_OUT(e, TERN_ACK, first + (s32)i * MSS, 0, MSS);
	CHECK_QUIET(e);
}

static void initial_window(void)
{
	static const struct {
		u16 mss;
		u32 window;
	} rows[] = {
		{ 48, 480 }, { 536, 5360 }, { 1000, 10000 }, { 1460, 14600 },
		{ 1461, 14600 }, { 7300, 14600 }, { 7301, 14602 },
		{ 65535, 131070 },
	};
	struct tern_config cfg = default_config();
	struct tern_conn conn;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		test_note("mss %u", rows[i].mss);
		cfg.mss = rows[i].mss;
		tern_init(&conn, tern_seq_of(ISS), &cfg);
		CHECK_EQ(conn.cwnd, rows[i].window);
		CHECK(conn.ssthresh >= TERN_MAX_WINDOW);
	}
}

/* rfc5681#section-3.1: one segment when SYN or SYN-ACK was lost */
static void one_segment_after_a_lost_syn(void)
{
	struct end e;

	reach(&e, TERN_SYN_SENT);
	pass_deadline(&e);
	arrive(&e, TERN_SYN | TERN_ACK, -1, 0, 0);
	CHECK_EQ(e.conn.cwnd, MSS);
	reach(&e, TERN_SYN_RECEIVED);
	pass_deadline(&e);
	arrive(&e, TERN_ACK, 0, 0, 0);
	CHECK_EQ(e.conn.cwnd, MSS);
}

static void slow_start(void)
{
	struct end e;

	wide(&e);
	end_send(&e, 100 * MSS);
	expect_data(&e, 0, 10);
	/* each acknowledged segment lets out two */
	arrive(&e, TERN_ACK, 0, MSS, 0);
	CHECK_EQ(e.conn.cwnd, 11 * MSS);
	expect_data(&e, 10 * MSS, 2);
	/* an ACK of two segments counts for two, of more for two as well */
	arrive(&e, TERN_ACK, 0, 3 * MSS, 0);
	CHECK_EQ(e.conn.cwnd, 13 * MSS);
	expect_data(&e, 12 * MSS, 4);
	arrive(&e, TERN_ACK, 0, 8 * MSS, 0);
	CHECK_EQ(e.conn.cwnd, 15 * MSS);
	/* a peer that acknowledges octet by octet gains nothing */
	arrive(&e, TERN_ACK, 0, 8 * MSS + 1, 0);
	CHECK_EQ(e.conn.cwnd, 15 * MSS + 1);
}

static void congestion_avoidance(void)
{
	struct end e;
	u32 i;

	wide(&e);
	e.conn.ssthresh = 10 * MSS;
	end_send(&e, 100 * MSS);
	look_away(&e);
	arrive(&e, TERN_ACK, 0, MSS, 0);
	/* mss * mss / cwnd */
	CHECK_EQ(e.conn.cwnd, 10100);
	for (i = 2; i <= 10; i++)
		arrive(&e, TERN_ACK, 0, (s32)i * MSS, 0);
	/* about one segment in a round trip */
	CHECK(e.conn.cwnd > 10900 && e.conn.cwnd <= 11000);
}

static void duplicate_acks(struct end *e, s32 ack, u32 count)
{
	while (count--)
		arrive(e, TERN_ACK, 0, ack, 0);
}

/* Ten in flight, the second is lost. */
static void lose_one(struct end *e)
{
	wide(e);
	end_send(e, 100 * MSS);
	expect_data(e, 0, 10);
	arrive(e, TERN_ACK, 0, MSS, 0);
	expect_data(e, 10 * MSS, 2);
}

static void limited_transmit_and_fast_retransmit(void)
{
	struct end e;

	lose_one(&e);
	/* rfc3042: one new segment for each of the first two */
	duplicate_acks(&e, MSS, 1);
	expect_data(&e, 12 * MSS, 1);
	duplicate_acks(&e, MSS, 1);
	expect_data(&e, 13 * MSS, 1);
	CHECK_EQ(e.conn.cwnd, 11 * MSS);
	CHECK_EQ(e.conn.in_recovery, false);

	/* the third: half of the 11 sent without rfc3042, and three have left */
	duplicate_acks(&e, MSS, 1);
	CHECK_EQ(e.out[e.next_out].rexmit, true);
	expect_data(&e, MSS, 1);
	CHECK_EQ(e.conn.in_recovery, true);
	CHECK_EQ(e.conn.ssthresh, 5500);
	CHECK_EQ(e.conn.cwnd, 5500 + 3 * MSS);
	CHECK_EQ(e.conn.rexmits_total, 1);

	/* each further one inflates, until there is room for new data */
	duplicate_acks(&e, MSS, 3);
	CHECK_EQ(e.conn.cwnd, 11500);
	CHECK_QUIET(&e);
	duplicate_acks(&e, MSS, 2);
	CHECK_QUIET(&e);
	duplicate_acks(&e, MSS, 1);
	expect_data(&e, 14 * MSS, 1);
}

/* rfc6582: all that was sent before the loss is acknowledged */
static void full_acknowledgment_ends_recovery(void)
{
	struct end e;

	lose_one(&e);
	duplicate_acks(&e, MSS, 3);
	look_away(&e);
	arrive(&e, TERN_ACK, 0, 14 * MSS, 0);
	CHECK_EQ(e.conn.in_recovery, false);
	/* nothing is in flight: option 1 lets two segments out, no burst */
	CHECK_EQ(e.conn.cwnd, 2 * MSS);
	expect_data(&e, 14 * MSS, 2);
}

/* rfc6582: a partial one says that the next segment is lost, too */
static void partial_acknowledgment_retransmits(void)
{
	struct end e;
	u32 before;

	lose_one(&e);
	duplicate_acks(&e, MSS, 3);
	look_away(&e);
	before = e.conn.cwnd;
	arrive(&e, TERN_ACK, 0, 4 * MSS, 0);
	CHECK_EQ(e.conn.in_recovery, true);
	CHECK_EQ(e.conn.cwnd, before - 3 * MSS + MSS);
	CHECK_EQ(e.out[e.next_out].rexmit, true);
	expect_data(&e, 4 * MSS, 1);
	arrive(&e, TERN_ACK, 0, 5 * MSS, 0);
	expect_data(&e, 5 * MSS, 1);
	CHECK_EQ(e.conn.rexmits_total, 3);
}

/* The window that came with the acknowledgment bounds what goes again. */
static void recovery_stays_inside_the_window(void)
{
	struct end e;

	lose_one(&e);
	duplicate_acks(&e, MSS, 3);
	look_away(&e);
	arrive_wnd(&e, TERN_ACK, 0, 4 * MSS, 0, 500);
	CHECK_OUT(&e, TERN_ACK, 4 * MSS, 0, 500);
	CHECK_QUIET(&e);
}

/* After a timeout what the peer says it has is skipped, and no more. */
static void go_back_over_what_is_missing(void)
{
	struct end e;

	wide(&e);
	end_send(&e, 10 * MSS);
	look_away(&e);
	pass_deadline(&e);
	look_away(&e);
	arrive(&e, TERN_ACK, 0, 3 * MSS, 0);
	expect_data(&e, 3 * MSS, 3);
}

static void timeout_collapses(void)
{
	struct end e;

	wide(&e);
	end_send(&e, 100 * MSS);
	look_away(&e);
	pass_deadline(&e);
	CHECK_EQ(e.conn.cwnd, MSS);
	CHECK_EQ(e.conn.ssthresh, 5 * MSS);
	expect_data(&e, 0, 1);
	/* the same data again: the threshold stays */
	pass_deadline(&e);
	CHECK_EQ(e.conn.cwnd, MSS);
	CHECK_EQ(e.conn.ssthresh, 5 * MSS);
	expect_data(&e, 0, 1);
	/* slow start over what was sent before: go back N */
	arrive(&e, TERN_ACK, 0, MSS, 0);
	CHECK_EQ(e.out[e.next_out].rexmit, true);
	expect_data(&e, MSS, 2);
	/* the peer had the rest */
	arrive(&e, TERN_ACK, 0, 10 * MSS, 0);
	CHECK_EQ(e.conn.snd_nxt, e.conn.snd_max);
	CHECK_EQ(snd_pos(&e), 14 * MSS);
}

/* rfc6582#section-3.2: no fast retransmit for what a timeout has sent again */
static void no_fast_retransmit_after_a_timeout(void)
{
	struct end e;

	wide(&e);
	end_send(&e, 100 * MSS);
	pass_deadline(&e);
	arrive(&e, TERN_ACK, 0, MSS, 0);
	look_away(&e);
	duplicate_acks(&e, MSS, 4);
	CHECK_EQ(e.conn.in_recovery, false);
	CHECK_EQ(e.conn.ssthresh, 5 * MSS);
}

/* rfc5681#section-2: what is no duplicate acknowledgment */
static void what_does_not_count(void)
{
	struct end e;
	u32 i;

	lose_one(&e);
	for (i = 0; i < 4; i++) {
		/* data on it */
		arrive(&e, TERN_ACK, (s32)i * 10, MSS, 10);
		/* another window */
		arrive_wnd(&e, TERN_ACK, (s32)i * 10 + 10, MSS, 0, 900000 + i);
	}
	CHECK_EQ(e.conn.dupacks, 0);
	/* a closed window, however often it is told */
	look_away(&e);
	for (i = 0; i < 5; i++)
		arrive_wnd(&e, TERN_ACK, 40, MSS, 0, 0);
	CHECK_EQ(e.conn.dupacks, 0);
	CHECK_EQ(e.conn.in_recovery, false);
	/* nothing in flight */
	wide(&e);
	duplicate_acks(&e, 0, 5);
	CHECK_EQ(e.conn.dupacks, 0);
}

/* rfc5681#section-4.1 */
static void restart_after_idle(void)
{
	struct end e;
	u32 i;

	wide(&e);
	end_send(&e, 30 * MSS);
	for (i = 1; i <= 30; i++)
		arrive(&e, TERN_ACK, 0, (s32)i * MSS, 0);
	look_away(&e);
	CHECK_EQ(e.conn.cwnd, 40 * MSS);
	e.now += e.conn.rto;
	end_send(&e, 35 * MSS);
	CHECK_EQ(e.n_out, 35);

	for (i = 31; i <= 65; i++)
		arrive(&e, TERN_ACK, 0, (s32)i * MSS, 0);
	look_away(&e);
	e.now += e.conn.rto + 1;
	end_send(&e, 35 * MSS);
	CHECK_EQ(e.n_out, 10);
}

static void the_window_stays_bounded(void)
{
	struct tern_config cfg = default_config();
	struct tern_result res = { 0 };
	struct tern_conn conn;
	u32 i;

	cfg.mss = 65535;
	tern_init(&conn, tern_seq_of(ISS), &cfg);
	for (i = 0; i < 20000; i++)
		tern_cwnd_acked(&conn, TERN_MAX_WINDOW);
	CHECK_EQ(conn.cwnd, TERN_MAX_WINDOW);
	conn.ssthresh = 1000;
	tern_cwnd_acked(&conn, TERN_MAX_WINDOW);
	CHECK_EQ(conn.cwnd, TERN_MAX_WINDOW);
	for (i = 0; i < 300; i++)
		tern_cwnd_dupack(&conn, &res);
	CHECK(conn.cwnd <= TERN_MAX_WINDOW);
	CHECK(conn.dupacks >= 3);
}

static const struct test tests[] = {
	TEST(initial_window),
	TEST(one_segment_after_a_lost_syn),
	TEST(slow_start),
	TEST(congestion_avoidance),
	TEST(limited_transmit_and_fast_retransmit),
	TEST(full_acknowledgment_ends_recovery),
	TEST(partial_acknowledgment_retransmits),
	TEST(recovery_stays_inside_the_window),
	TEST(go_back_over_what_is_missing),
	TEST(timeout_collapses),
	TEST(no_fast_retransmit_after_a_timeout),
	TEST(what_does_not_count),
	TEST(restart_after_idle),
	TEST(the_window_stays_bounded),
};

int main(void)
{
	return run_tests("congestion", tests, ARRAY_SIZE(tests));
}
