// SPDX-License-Identifier: GPL-2.0
/*
 * rfc6298: the estimator with numbers worked out by hand, Karn's algorithm, and
 * the backoff.
 */
#include "tests/unit/test.h"

/* An acknowledgment of all before @ack, without options */
static void acked(struct tern_conn *conn, u64 now, tern_seq ack)
{
	struct tern_seg seg = { .flags = TERN_ACK, .ack = ack };

	tern_rtt_acked(conn, now, &seg);
}

/* rto_min 200 ms, rto_max 120 s; 5 ms later the next round trip starts. */
static void round_trip(struct tern_conn *conn, u64 *now, u64 r)
{
	tern_seq last = conn->snd_nxt;

	tern_rtt_sent(conn, *now, last);
	*now += r;
	acked(conn, *now, tern_seq_add(last, 1));
	*now += 5 * MSEC;
}

static void start(struct tern_conn *conn, u64 *now)
{
	struct tern_config cfg = default_config();

	tern_init(conn, tern_seq_of(ISS), &cfg);
	*now = START;
}

static void estimator_by_hand(void)
{
	static const struct {
		u32 r, srtt, rttvar, rto;
	} rows[] = {
		/* the first: R, R/2, R + 4 * R/2 */
		{ 100000, 100000, 50000, 300000 },
		/* 3/4 * 50000 + 1/4 * 80000; 7/8 * 100000 + 1/8 * 180000 */
		{ 180000, 110000, 57500, 340000 },
		/* 3/4 * 57500 + 1/4 * 80000; 7/8 * 110000 + 1/8 * 30000 */
		{ 30000, 100000, 63125, 352500 },
		/* the old SRTT is in the variation: 3/4 * 63125 + 1/4 * 700000 */
		{ 800000, 187500, 222344, 1076876 },
	};
	struct tern_conn conn;
	u64 now;
	u32 i;

	start(&conn, &now);
	CHECK_EQ(conn.rto, 1 * SEC);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		test_note("sample %u", i);
		round_trip(&conn, &now, rows[i].r);
		CHECK_EQ(conn.srtt, rows[i].srtt);
		CHECK_EQ(conn.rttvar, rows[i].rttvar);
		CHECK_EQ(conn.rto, rows[i].rto);
	}
}

static void bounds(void)
{
	struct tern_conn conn;
	u64 now;
	u32 i;

	start(&conn, &now);
	for (i = 0; i < 50; i++)
		round_trip(&conn, &now, 80);
	CHECK(conn.srtt >= 70 && conn.srtt <= 80);
	CHECK_EQ(conn.rto, 200 * MSEC);
	for (i = 0; i < 50; i++)
		round_trip(&conn, &now, 500 * SEC);
	CHECK_EQ(conn.rto, 120 * SEC);

	/* nonsense: a clock that stands still, and one that jumps for years */
	start(&conn, &now);
	round_trip(&conn, &now, 0);
	CHECK(conn.srtt >= 1);
	CHECK_EQ(conn.rto, 200 * MSEC);
	round_trip(&conn, &now, 1ull << 60);
	CHECK_EQ(conn.rto, 120 * SEC);
}

/* G of rfc6298#section-2: with no variation at all there is still some slack */
static void a_steady_path_keeps_some_slack(void)
{
	struct tern_conn conn;
	u64 now;
	u32 i;

	start(&conn, &now);
	conn.cfg.rto_min = 1;
	for (i = 0; i < 200; i++)
		round_trip(&conn, &now, 8000);
	CHECK_EQ(conn.srtt, 8000);
	CHECK(conn.rto > conn.srtt);
	CHECK(conn.rto < conn.srtt + 100);

	start(&conn, &now);
	conn.cfg.rto_min = 1;
	round_trip(&conn, &now, 1);
	CHECK_EQ(conn.rttvar, 0);
	CHECK_EQ(conn.rto, 2);
}

static void one_segment_is_timed_at_a_time(void)
{
	struct tern_conn conn;
	u64 now;

	start(&conn, &now);
	tern_rtt_sent(&conn, now, tern_seq_of(0xfffffffe));
	tern_rtt_sent(&conn, now + 50 * MSEC, tern_seq_of(2));
	CHECK_EQ(conn.rtt_seq, 0xfffffffe);
	CHECK_EQ(conn.rtt_start, now);

	/* all but its last octet acknowledged: not yet; then across the wrap */
	acked(&conn, now + 60 * MSEC, tern_seq_of(0xfffffffe));
	CHECK_EQ(conn.srtt, 0);
	acked(&conn, now + 80 * MSEC, tern_seq_of(3));
	CHECK_EQ(conn.srtt, 80 * MSEC);
	CHECK_EQ(conn.rtt_timing, false);
}

static void backoff_doubles_to_the_bound(void)
{
	struct tern_conn conn;
	u64 want = 1 * SEC;
	u64 now;
	u32 i;

	start(&conn, &now);
	for (i = 0; i < 256; i++) {
		test_note("%u times", i);
		conn.rexmits = (u8)i;
		conn.probes = (u8)i;
		CHECK_EQ(tern_rto(&conn), want);
		CHECK_EQ(tern_persist_interval(&conn), want);
		want = 2 * want < 120 * SEC ? 2 * want : 120 * SEC;
	}
}

static void the_handshake_is_measured(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	CHECK_EQ(e.conn.srtt, 100 * MSEC);
	CHECK_EQ(e.conn.rttvar, 50 * MSEC);
	CHECK_EQ(e.conn.rto, 300 * MSEC);

	reach(&e, TERN_SYN_RECEIVED);
	e.now += 80 * MSEC;
	arrive(&e, TERN_ACK, 0, 0, 0);
	CHECK_EQ(e.conn.srtt, 80 * MSEC);
	CHECK_EQ(e.conn.rto, 240 * MSEC);
}

/* 5.7: the first data after a repeated SYN waits 3 s */
static void a_repeated_syn_is_not_measured(void)
{
	struct end e;

	reach(&e, TERN_SYN_SENT);
	pass_deadline(&e);
	CHECK_OUT(&e, TERN_SYN, -1, 0, 0);
	e.now += 1 * MSEC;
	arrive(&e, TERN_SYN | TERN_ACK, -1, 0, 0);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	CHECK_EQ(e.conn.srtt, 0);
	CHECK_EQ(e.conn.rto, 3 * SEC);

	reach(&e, TERN_SYN_RECEIVED);
	pass_deadline(&e);
	CHECK_OUT(&e, TERN_SYN | TERN_ACK, -1, 0, 0);
	arrive(&e, TERN_ACK, 0, 0, 0);
	CHECK_EQ(e.conn.srtt, 0);
	CHECK_EQ(e.conn.rto, 3 * SEC);
}

/* Karn: no sample from what was sent twice, and the backoff stays till there is one */
static void karn(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 100);
	look_away(&e);
	CHECK_EQ(pass_deadline(&e), 300 * MSEC);
	CHECK_EQ(pass_deadline(&e), 600 * MSEC);
	e.now += 1 * MSEC;
	arrive(&e, TERN_ACK, 0, 100, 0);
	CHECK_EQ(e.conn.srtt, 100 * MSEC);
	CHECK_EQ(e.conn.rttvar, 50 * MSEC);

	/* the next segment starts with the timeout that was long enough */
	end_send(&e, 100);
	CHECK_EQ(tern_next_deadline(&e.conn), e.now + 1200 * MSEC);
	e.now += 100 * MSEC;
	arrive(&e, TERN_ACK, 0, 200, 0);
	CHECK_EQ(e.conn.srtt, 100 * MSEC);
	CHECK_EQ(e.conn.rttvar, 37500);
	CHECK_EQ(e.conn.rto, 250 * MSEC);
}

/* What was sent before a timeout and acknowledged after it is not measured either. */
static void karn_for_all_that_was_in_flight(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 3 * MSS);
	pass_deadline(&e);
	arrive(&e, TERN_ACK, 0, 3 * MSS, 0);
	CHECK_EQ(e.conn.srtt, 100 * MSEC);
	CHECK_EQ(e.conn.rttvar, 50 * MSEC);
}

static const struct test tests[] = {
	TEST(estimator_by_hand),
	TEST(bounds),
	TEST(a_steady_path_keeps_some_slack),
	TEST(one_segment_is_timed_at_a_time),
	TEST(backoff_doubles_to_the_bound),
	TEST(the_handshake_is_measured),
	TEST(a_repeated_syn_is_not_measured),
	TEST(karn),
	TEST(karn_for_all_that_was_in_flight),
};

int main(void)
{
	return run_tests("rtt", tests, ARRAY_SIZE(tests));
}
