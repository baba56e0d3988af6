// SPDX-License-Identifier: GPL-2.0
/*
 * The deadlines, to the microsecond of virtual time: retransmission and giving up,
 * window probes, delayed ACK, FIN_WAIT_2 without a user.
 */
#include "tests/unit/test.h"

/* Retransmissions at doubling intervals, then, as long again later, the end. */
static void expect_backoff(struct end *e, u64 wait, u32 retries, u8 flags, s32 pos,
			   s32 ack, u32 len)
{
	u32 i;

	for (i = 0; i < retries; i++) {
		test_note("retransmission %u", i);
		CHECK_EQ(pass_deadline(e), wait);
		CHECK_EQ(e->out[e->next_out].rexmit, true);
		CHECK_OUT(e, flags, pos, ack, len);
		CHECK_QUIET(e);
		CHECK_EQ(e->conn.rexmits_total, i + 1);
		wait = 2 * wait < 120 * SEC ? 2 * wait : 120 * SEC;
	}
	CHECK_EQ(pass_deadline(e), wait);
	CHECK_STATE(e, TERN_CLOSED);
	CHECK_EQ(e->conn.error, TERN_ERR_TIMEDOUT);
	CHECK_QUIET(e);
}

static void syn_six_times(void)
{
	struct end e;

	reach(&e, TERN_SYN_SENT);
	expect_backoff(&e, 1 * SEC, 6, TERN_SYN, -1, 0, 0);
	CHECK_EQ(e.now, START + 127 * SEC);
}

static void syn_ack_five_times(void)
{
	struct end e;

	reach(&e, TERN_SYN_RECEIVED);
	expect_backoff(&e, 1 * SEC, 5, TERN_SYN | TERN_ACK, -1, 0, 0);
	CHECK_EQ(e.now, START + 63 * SEC);
}

/* A user who has closed meanwhile does not make it more. */
static void syn_ack_five_times_after_close(void)
{
	struct end e;
	u32 i;

	reach(&e, TERN_SYN_RECEIVED);
	end_close(&e);
	for (i = 0; i < 5; i++) {
		look_away(&e);
		pass_deadline(&e);
		CHECK_OUT(&e, TERN_SYN | TERN_ACK, -1, 0, 0);
	}
	pass_deadline(&e);
	CHECK_STATE(&e, TERN_CLOSED);
	CHECK_EQ(e.now, START + 63 * SEC);
}

static void data_fifteen_times(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 100);
	CHECK_EQ(e.out[0].rexmit, false);
	look_away(&e);
	expect_backoff(&e, 300 * MSEC, 15, TERN_PSH | TERN_ACK, 0, 0, 100);
}

static void fin_fifteen_times(void)
{
	struct end e;

	reach(&e, TERN_FIN_WAIT_1);
	expect_backoff(&e, 300 * MSEC, 15, TERN_FIN | TERN_ACK, 0, 0, 0);
	reach(&e, TERN_CLOSING);
	expect_backoff(&e, 300 * MSEC, 15, TERN_FIN | TERN_ACK, 0, 1, 0);
	reach(&e, TERN_LAST_ACK);
	expect_backoff(&e, 300 * MSEC, 15, TERN_FIN | TERN_ACK, 0, 1, 0);
}

static void data_with_fin(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 10);
	end_close(&e);
	CHECK_OUT(&e, TERN_PSH | TERN_ACK, 0, 0, 10);
	CHECK_OUT(&e, TERN_FIN | TERN_ACK, 10, 0, 0);
	/* both are one segment the second time */
	expect_backoff(&e, 300 * MSEC, 15, TERN_FIN | TERN_PSH | TERN_ACK, 0, 0, 10);
}

static void orphan_eight_times(void)
{
	struct end e;

	reach(&e, TERN_FIN_WAIT_1);
	end_orphan(&e);
	CHECK_QUIET(&e);
	expect_backoff(&e, 300 * MSEC, 8, TERN_FIN | TERN_ACK, 0, 0, 0);
}

static void counts_of_zero(void)
{
	struct tern_config cfg = default_config();
	struct end e;

	cfg.syn_retries = 0;
	cfg.synack_retries = 0;
	cfg.data_retries = 0;
	reach_with(&e, TERN_SYN_SENT, &cfg);
	expect_backoff(&e, 1 * SEC, 0, 0, 0, 0, 0);
	reach_with(&e, TERN_SYN_RECEIVED, &cfg);
	expect_backoff(&e, 1 * SEC, 0, 0, 0, 0, 0);
	reach_with(&e, TERN_FIN_WAIT_1, &cfg);
	expect_backoff(&e, 300 * MSEC, 0, 0, 0, 0, 0);
}

/* Progress starts the count again. */
static void progress_counts_anew(void)
{
	struct end e;
	u32 i;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 200);
	for (i = 0; i < 15; i++)
		pass_deadline(&e);
	CHECK_EQ(e.conn.rexmits, 15);
	look_away(&e);
	arrive(&e, TERN_ACK, 0, 100, 0);
	CHECK_EQ(e.conn.rexmits, 0);
	for (i = 0; i < 15; i++)
		pass_deadline(&e);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	pass_deadline(&e);
	CHECK_STATE(&e, TERN_CLOSED);
}

/* rfc6298#section-5, 5.1 to 5.3 */
static void the_timer_restarts_with_every_ack(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 3 * MSS);
	CHECK_EQ(tern_next_deadline(&e.conn), e.now + 300 * MSEC);
	e.now += 200 * MSEC;
	arrive(&e, TERN_ACK, 0, MSS, 0);
	CHECK_EQ(tern_next_deadline(&e.conn), e.now + e.conn.rto);
	arrive(&e, TERN_ACK, 0, 3 * MSS, 0);
	CHECK_EQ(tern_next_deadline(&e.conn), TERN_NEVER);
}

/* An established connection that has nothing to say waits for ever. */
static void idle_has_no_deadline(void)
{
	static const enum tern_state idle[] = {
		TERN_ESTABLISHED, TERN_FIN_WAIT_2, TERN_CLOSE_WAIT,
		TERN_TIME_WAIT, TERN_CLOSED,
	};
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(idle); i++) {
		test_note("%s", tern_state_name(idle[i]));
		reach(&e, idle[i]);
		CHECK_EQ(tern_next_deadline(&e.conn), TERN_NEVER);
		e.now += 1000000 * SEC;
		end_timeout(&e);
		CHECK_STATE(&e, idle[i]);
		CHECK_QUIET(&e);
	}
}

/* With a closed window: 0.3 s after it closed, doubling; each is answered. */
static void an_answered_probe_is_repeated_for_ever(void)
{
	struct end e;
	u64 wait = 300 * MSEC;
	u32 i;

	reach(&e, TERN_ESTABLISHED);
	arrive_wnd(&e, TERN_ACK, 0, 0, 0, 0);
	end_send(&e, 100);
	CHECK_QUIET(&e);
	for (i = 0; i < 100; i++) {
		test_note("probe %u", i);
		CHECK_EQ(pass_deadline(&e), wait);
		CHECK_OUT(&e, TERN_ACK, 0, 0, 1);
		arrive(&e, TERN_ACK, 0, 0, 0);
		CHECK_QUIET(&e);
		wait = 2 * wait < 120 * SEC ? 2 * wait : 120 * SEC;
	}
	CHECK_STATE(&e, TERN_ESTABLISHED);
	arrive_wnd(&e, TERN_ACK, 0, 0, 0, 1000);
	CHECK_OUT(&e, TERN_PSH | TERN_ACK, 0, 0, 100);
}

static void an_unanswered_probe_gives_up(void)
{
	struct end e;
	u64 wait = 300 * MSEC;
	u32 i;

	reach(&e, TERN_ESTABLISHED);
	arrive_wnd(&e, TERN_ACK, 0, 0, 0, 0);
	end_send(&e, 100);
	for (i = 0; i < 15; i++) {
		test_note("probe %u", i);
		CHECK_EQ(pass_deadline(&e), wait);
		CHECK_OUT(&e, TERN_ACK, 0, 0, 1);
		wait = 2 * wait < 120 * SEC ? 2 * wait : 120 * SEC;
	}
	CHECK_EQ(pass_deadline(&e), wait);
	CHECK_STATE(&e, TERN_CLOSED);
	CHECK_EQ(e.conn.error, TERN_ERR_TIMEDOUT);
	CHECK_QUIET(&e);
}

/* The peer may take the probe's octet and keep the window closed. */
static void a_probe_that_is_taken(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	arrive_wnd(&e, TERN_ACK, 0, 0, 0, 0);
	end_send(&e, 3);
	pass_deadline(&e);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 1);
	arrive(&e, TERN_ACK, 0, 1, 0);
	CHECK_EQ(e.res.acked, 1);
	CHECK_QUIET(&e);
	pass_deadline(&e);
	CHECK_OUT(&e, TERN_ACK, 1, 0, 1);
	arrive_wnd(&e, TERN_ACK, 0, 2, 0, 10);
	CHECK_OUT(&e, TERN_PSH | TERN_ACK, 2, 0, 1);
}

/* FIN alone behind a closed window probes, too. */
static void a_fin_is_its_own_probe(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	arrive_wnd(&e, TERN_ACK, 0, 0, 0, 0);
	end_close(&e);
	CHECK_QUIET(&e);
	CHECK_EQ(pass_deadline(&e), 300 * MSEC);
	CHECK_OUT(&e, TERN_FIN | TERN_ACK, 0, 0, 0);
	arrive(&e, TERN_ACK, 0, 1, 0);
	CHECK_STATE(&e, TERN_FIN_WAIT_2);
	CHECK_EQ(tern_next_deadline(&e.conn), TERN_NEVER);
}

static void delayed_ack_after_40_ms(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	arrive(&e, TERN_ACK, 0, 0, 100);
	CHECK_QUIET(&e);
	CHECK_EQ(pass_deadline(&e), 40 * MSEC);
	CHECK_OUT(&e, TERN_ACK, 0, 100, 0);
	CHECK_EQ(tern_next_deadline(&e.conn), TERN_NEVER);
}

static void every_second_segment_at_once(void)
{
	struct end e;
	s32 i;

	reach(&e, TERN_ESTABLISHED);
	for (i = 0; i < 10; i += 2) {
		arrive(&e, TERN_ACK, i * 100, 0, 100);
		CHECK_QUIET(&e);
		e.now += 39 * MSEC;
		arrive(&e, TERN_ACK, i * 100 + 100, 0, 100);
		CHECK_OUT(&e, TERN_ACK, 0, i * 100 + 200, 0);
		CHECK_EQ(tern_next_deadline(&e.conn), TERN_NEVER);
	}
}

/* The 40 ms count from the first of them, and data on its way out takes it along. */
static void delayed_ack_rides_on_data(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	arrive(&e, TERN_ACK, 0, 0, 100);
	e.now += 10 * MSEC;
	end_send(&e, 5);
	CHECK_OUT(&e, TERN_PSH | TERN_ACK, 0, 100, 5);
	CHECK_EQ(e.conn.deadline[TERN_TIMER_DELACK], TERN_NEVER);
}

static void without_delay(void)
{
	struct tern_config cfg = default_config();
	struct end e;

	cfg.delack = 0;
	reach_with(&e, TERN_ESTABLISHED, &cfg);
	arrive(&e, TERN_ACK, 0, 0, 100);
	CHECK_OUT(&e, TERN_ACK, 0, 100, 0);
}

static void fin_wait_2_without_a_user(void)
{
	struct end e;

	/* the user leaves in FIN_WAIT_2 */
	reach(&e, TERN_FIN_WAIT_2);
	e.now += 1000 * SEC;
	end_orphan(&e);
	CHECK_EQ(pass_deadline(&e), 60 * SEC);
	CHECK_STATE(&e, TERN_CLOSED);
	CHECK_EQ(e.conn.error, TERN_OK);
	CHECK_QUIET(&e);

	/* before it */
	reach(&e, TERN_FIN_WAIT_1);
	end_orphan(&e);
	e.now += 10 * MSEC;
	arrive(&e, TERN_ACK, 0, 1, 0);
	CHECK_STATE(&e, TERN_FIN_WAIT_2);
	end_orphan(&e);
	CHECK_EQ(pass_deadline(&e), 60 * SEC);
	CHECK_STATE(&e, TERN_CLOSED);

	/* and the peer closes in time */
	reach(&e, TERN_FIN_WAIT_2);
	end_orphan(&e);
	e.now += 60 * SEC - 1;
	arrive(&e, TERN_FIN | TERN_ACK, 0, 1, 0);
	CHECK_STATE(&e, TERN_TIME_WAIT);
	CHECK_OUT(&e, TERN_ACK, 1, 1, 0);
}

/* A shell that comes late loses time, nothing else. */
static void a_late_timeout(void)
{
	struct end e;

	reach(&e, TERN_SYN_SENT);
	e.now += 5000 * SEC;
	end_timeout(&e);
	CHECK_OUT(&e, TERN_SYN, -1, 0, 0);
	CHECK_QUIET(&e);
	CHECK_EQ(tern_next_deadline(&e.conn), e.now + 2 * SEC);
}

static const struct test tests[] = {
	TEST(syn_six_times),
	TEST(syn_ack_five_times),
	TEST(syn_ack_five_times_after_close),
	TEST(data_fifteen_times),
	TEST(fin_fifteen_times),
	TEST(data_with_fin),
	TEST(orphan_eight_times),
	TEST(counts_of_zero),
	TEST(progress_counts_anew),
	TEST(the_timer_restarts_with_every_ack),
	TEST(idle_has_no_deadline),
	TEST(an_answered_probe_is_repeated_for_ever),
	TEST(an_unanswered_probe_gives_up),
	TEST(a_probe_that_is_taken),
	TEST(a_fin_is_its_own_probe),
	TEST(delayed_ack_after_40_ms),
	TEST(every_second_segment_at_once),
	TEST(delayed_ack_rides_on_data),
	TEST(without_delay),
	TEST(fin_wait_2_without_a_user),
	TEST(a_late_timeout),
};

int main(void)
{
	return run_tests("timer", tests, ARRAY_SIZE(tests));
}
