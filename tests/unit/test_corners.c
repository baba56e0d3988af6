// SPDX-License-Identifier: GPL-2.0
/*
 * Corners that neither the scripts nor ordinary traffic turn, whatever file of core/ they
 * are in: clocks that go back, shells that do not drain, configurations of zeros.
 */
#include "tests/unit/test.h"

/* The invariants of what is half open */

static void half_open_and_data_sent(struct tern_conn *c)
{
	c->fin_queued = true;
	c->state = TERN_FIN_WAIT_1;
	c->snd_end = tern_seq_add(c->snd_end, 5);
	c->snd_max = tern_seq_add(c->iss, 3);
}

static void half_open_and_acked(struct tern_conn *c)
{
	c->syn_acked = true;
}

static void no_syn_and_held(struct tern_conn *c)
{
	c->rcv_held = 1;
}

static void no_syn_and_range(struct tern_conn *c)
{
	c->n_ranges = 1;
}

static void no_syn_and_fin(struct tern_conn *c)
{
	c->fin_seen = true;
}

static void range_behind_fin(struct tern_conn *c)
{
	c->n_ranges = 1;
	c->range[0].start = tern_seq_add(c->rcv_nxt, 1);
	c->range[0].end = tern_seq_add(c->rcv_nxt, 2);
}

static void orphan_waits_elsewhere(struct tern_conn *c)
{
	c->orphan = true;
	c->deadline[TERN_TIMER_FIN_WAIT_2] = START * 2;
}

static void invariants_of_states(void)
{
	static const struct {
		enum tern_state state;
		void (*break_it)(struct tern_conn *conn);
	} rows[] = {
		{ TERN_SYN_RECEIVED, half_open_and_data_sent },
		{ TERN_SYN_RECEIVED, half_open_and_acked },
		{ TERN_SYN_SENT, no_syn_and_held },
		{ TERN_SYN_SENT, no_syn_and_range },
		{ TERN_SYN_SENT, no_syn_and_fin },
		{ TERN_CLOSE_WAIT, range_behind_fin },
		{ TERN_ESTABLISHED, orphan_waits_elsewhere },
	};
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		test_note("row %u", i);
		reach(&e, rows[i].state);
		CHECK(!tern_check(&e.conn));
		rows[i].break_it(&e.conn);
		CHECK(tern_check(&e.conn));
	}
}

/* Shells */

static void a_listener_is_no_connection(void)
{
	struct tern_result res;
	struct tern_seg seg;
	struct end e;

	reach(&e, TERN_CLOSED);
	e.conn.state = TERN_LISTEN;
	seg = peer_seg(&e, TERN_ACK, 0, 0, 0);
	res = tern_segment_arrives(&e.conn, e.now, &seg);
	CHECK_EQ(res.drop, TERN_DROP_CLOSED);
	CHECK(!tern_next_segment(&e.conn, e.now, &seg));
}

/* An answer to a SYN that is not sent yet */
static void an_answer_too_early(void)
{
	struct tern_result res;
	struct tern_seg seg;
	struct end e;

	end_init(&e);
	tern_open(&e.conn, e.now, tern_seq_of(ISS), &e.cfg);
	seg = peer_seg(&e, TERN_SYN | TERN_ACK, -1, -1, 0);
	res = tern_segment_arrives(&e.conn, e.now, &seg);
	CHECK_EQ(res.events, TERN_EV_RESET);
	CHECK_EQ(res.drop, TERN_DROP_ACK);
	CHECK_STATE(&e, TERN_SYN_SENT);
}

/* The count of what waits for an ACK does not wrap. */
static void three_hundred_segments_before_draining(void)
{
	struct tern_seg seg;
	struct end e;
	u32 i;

	reach(&e, TERN_ESTABLISHED);
	for (i = 0; i < 300; i++) {
		seg = peer_seg(&e, TERN_ACK, (s32)i, 0, 1);
		tern_segment_arrives(&e.conn, e.now, &seg);
	}
	CHECK_EQ(e.conn.delack_segs, 255);
	end_laws(&e);
	CHECK_OUT(&e, TERN_ACK, 0, 300, 0);
}

/*
 * The last thing it heard of the engine was an armed keep-alive timer; then something was
 * sent, and acknowledged.
 */
static void keepalive_of_a_shell_that_stopped_draining(void)
{
	struct tern_config cfg = default_config();
	struct tern_result res;
	struct tern_seg seg;
	struct end e;

	cfg.keep_idle = 10 * SEC;
	cfg.keep_interval = SEC;
	cfg.keep_probes = 1;
	reach_with(&e, TERN_ESTABLISHED, &cfg);
	CHECK(tern_send(&e.conn, 100));
	CHECK(tern_next_segment(&e.conn, e.now, &seg));
	e.now += 20 * SEC;
	seg = peer_seg(&e, TERN_ACK, 0, 100, 0);
	tern_segment_arrives(&e.conn, e.now, &seg);
	res = tern_timeout(&e.conn, e.now);
	CHECK_EQ(res.path_len, 0);
	CHECK(!e.conn.keep_due);
	end_laws(&e);
}

/* A clock that goes back does not make the engine silent for as long. */
static void a_clock_that_goes_back(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	arrive(&e, TERN_ACK, -500, 0, 0);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 0);
	arrive(&e, TERN_ACK, -500, 0, 0);
	CHECK_QUIET(&e);
	e.now -= 3600 * SEC;
	arrive(&e, TERN_ACK, -500, 0, 0);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 0);
}

/* Loss */

/* rfc6582#section-3.2, 3: less than a segment acknowledged gives nothing back */
static void a_small_partial_acknowledgment(void)
{
	struct end e;
	u32 i, cwnd;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 8 * MSS);
	for (i = 0; i < 3; i++)
		arrive(&e, TERN_ACK, 0, 0, 0);
	CHECK(e.conn.in_recovery);
	cwnd = e.conn.cwnd;
	arrive(&e, TERN_ACK, 0, 10, 0);
	CHECK(e.conn.in_recovery);
	CHECK_EQ(e.conn.cwnd, cwnd - 10);
}

/* The peer's window has room for the octets that were lost, and not for the FIN. */
static void a_head_without_its_fin(void)
{
	struct end e;
	u32 i;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 600);
	end_close(&e);
	CHECK_EQ(tern_fin_sent(&e.conn), true);
	look_away(&e);
	e.wnd = 600;
	for (i = 0; i < 4; i++)
		arrive(&e, TERN_ACK, 0, 0, 0);
	CHECK(e.conn.in_recovery);
	CHECK_OUT(&e, TERN_PSH | TERN_ACK, 0, 0, 600);
}

/* Whatever an operator sets, a timeout is not 0. */
static void timeouts_of_zero(void)
{
	struct tern_config cfg = default_config();
	struct end e;

	cfg.rto_initial = 0;
	cfg.rto_min = 0;
	cfg.rto_max = 0;
	reach_with(&e, TERN_ESTABLISHED, &cfg);
	CHECK_EQ(e.conn.rto, 1);
	CHECK_EQ(tern_rto(&e.conn), 1);
}

/* rfc9293#section-3.10.7.4, first, in TIME_WAIT with a closed window */
static void time_wait_with_a_closed_window(void)
{
	struct tern_tw tw = { .snd_nxt = tern_seq_of(ISS), .rcv_nxt = tern_seq_of(IRS) };
	struct tern_seg seg = { .flags = TERN_ACK, .seq = tern_seq_of(IRS) };
	struct tern_seg reply;

	CHECK_EQ(tern_tw_segment_arrives(&tw, 0, &seg, &reply), TERN_TW_DROP);
	seg.seq = tern_seq_of(IRS + 1);
	CHECK_EQ(tern_tw_segment_arrives(&tw, 0, &seg, &reply), TERN_TW_ACK);
	seg.seq = tern_seq_of(IRS);
	seg.len = 1;
	CHECK_EQ(tern_tw_segment_arrives(&tw, 0, &seg, &reply), TERN_TW_ACK);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(invariants_of_states),
		TEST(a_listener_is_no_connection),
		TEST(an_answer_too_early),
		TEST(three_hundred_segments_before_draining),
		TEST(keepalive_of_a_shell_that_stopped_draining),
		TEST(a_clock_that_goes_back),
		TEST(a_small_partial_acknowledgment),
		TEST(a_head_without_its_fin),
		TEST(timeouts_of_zero),
		TEST(time_wait_with_a_closed_window),
	};

	return run_tests("corners", tests, ARRAY_SIZE(tests));
}
