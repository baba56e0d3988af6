// SPDX-License-Identifier: GPL-2.0
/*
 * Which segment is due: sizes, Nagle, silly windows, PSH, FIN, windows that close
 * and shrink.
 */
#include "tests/unit/test.h"

static void data_is_cut_and_pushed(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 3000);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 1000);
	CHECK_OUT(&e, TERN_ACK, 1000, 0, 1000);
	CHECK_EQ(e.out[2].pos, 2000);
	CHECK_OUT(&e, TERN_PSH | TERN_ACK, 2000, 0, 1000);
	CHECK_QUIET(&e);
}

/* Two SENDs in one segment: PSH is at the end of the later. */
static void psh_where_the_latest_send_ends(void)
{
	struct end e;

	reach(&e, TERN_SYN_SENT);
	end_send(&e, 400);
	end_send(&e, 1100);
	e.conn.cfg.nodelay = true;
	arrive(&e, TERN_SYN | TERN_ACK, -1, 0, 0);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 1000);
	CHECK_OUT(&e, TERN_PSH | TERN_ACK, 1000, 0, 500);
}

static void nagle(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 10);
	CHECK_OUT(&e, TERN_PSH | TERN_ACK, 0, 0, 10);
	end_send(&e, 10);
	end_send(&e, 10);
	CHECK_QUIET(&e);
	/* a full segment need not wait */
	end_send(&e, 990);
	CHECK_OUT(&e, TERN_ACK, 10, 0, 1000);
	CHECK_QUIET(&e);
	/* the rest goes when all is acknowledged, not before */
	arrive(&e, TERN_ACK, 0, 10, 0);
	CHECK_QUIET(&e);
	arrive(&e, TERN_ACK, 0, 1010, 0);
	CHECK_OUT(&e, TERN_PSH | TERN_ACK, 1010, 0, 10);
}

static void nagle_off(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 10);
	end_send(&e, 10);
	CHECK_OUT(&e, TERN_PSH | TERN_ACK, 0, 0, 10);
	CHECK_QUIET(&e);
	tern_set_nodelay(&e.conn, true);
	end_laws(&e);
	CHECK_OUT(&e, TERN_PSH | TERN_ACK, 10, 0, 10);
	end_send(&e, 10);
	CHECK_OUT(&e, TERN_PSH | TERN_ACK, 20, 0, 10);
	tern_set_nodelay(&e.conn, false);
	end_send(&e, 10);
	CHECK_QUIET(&e);
}

static void fin_ends_nagle(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 10);
	end_send(&e, 10);
	look_away(&e);
	end_close(&e);
	CHECK_OUT(&e, TERN_FIN | TERN_PSH | TERN_ACK, 10, 0, 10);
	CHECK_QUIET(&e);
}

/* FIN takes a sequence number, and so a place in the window. */
static void fin_needs_room_in_the_window(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	arrive_wnd(&e, TERN_ACK, 0, 0, 0, 100);
	end_send(&e, 100);
	look_away(&e);
	end_close(&e);
	CHECK_STATE(&e, TERN_FIN_WAIT_1);
	CHECK_QUIET(&e);
	arrive_wnd(&e, TERN_ACK, 0, 0, 0, 101);
	CHECK_OUT(&e, TERN_FIN | TERN_ACK, 100, 0, 0);
}

static void no_data_after_the_fin(void)
{
	struct end e;

	reach(&e, TERN_FIN_WAIT_1);
	CHECK_EQ(end_send(&e, 10), false);
	arrive(&e, TERN_ACK, 0, 0, 100);
	pass(&e, 40 * MSEC);
	CHECK_OUT(&e, TERN_ACK, 1, 100, 0);
	CHECK_QUIET(&e);
}

/* A peer whose window was never more than @wnd */
static void small_window(struct end *e, u32 wnd)
{
	end_init(e);
	e->wnd = wnd;
	end_open(e);
	e->now += 100 * MSEC;
	arrive(e, TERN_SYN | TERN_ACK, -1, 0, 0);
	look_away(e);
}

static void the_peers_window_bounds(void)
{
	struct end e;

	small_window(&e, 2500);
	end_send(&e, 9000);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 1000);
	CHECK_OUT(&e, TERN_ACK, 1000, 0, 1000);
	CHECK_QUIET(&e);
	/* the right edge moves, not the acknowledgment */
	arrive_wnd(&e, TERN_ACK, 0, 0, 0, 3000);
	CHECK_OUT(&e, TERN_ACK, 2000, 0, 1000);
	CHECK_QUIET(&e);
}

/* rfc9293#section-3.8.6.2.1: half of the largest window, or wait */
static void sender_avoids_silly_windows(void)
{
	struct end e;

	small_window(&e, 800);
	end_send(&e, 5000);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 800);
	arrive_wnd(&e, TERN_ACK, 0, 800, 0, 399);
	CHECK_QUIET(&e);
	arrive_wnd(&e, TERN_ACK, 0, 800, 0, 400);
	CHECK_OUT(&e, TERN_ACK, 800, 0, 400);
	arrive_wnd(&e, TERN_ACK, 0, 1200, 0, 50);
	CHECK_QUIET(&e);
	/* the override: better a small segment than none */
	CHECK_EQ(pass_deadline(&e), e.conn.rto);
	CHECK_OUT(&e, TERN_ACK, 1200, 0, 50);
	CHECK_QUIET(&e);
}

static void the_override_is_no_retry(void)
{
	struct end e;

	small_window(&e, 800);
	e.conn.cfg.data_retries = 0;
	end_send(&e, 5000);
	arrive_wnd(&e, TERN_ACK, 0, 800, 0, 50);
	look_away(&e);
	pass_deadline(&e);
	CHECK_OUT(&e, TERN_ACK, 800, 0, 50);
	CHECK_STATE(&e, TERN_ESTABLISHED);
}

/* What is left of the user's data is not silly. */
static void the_last_octets_go_at_once(void)
{
	struct end e;

	small_window(&e, 800);
	end_send(&e, 830);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 800);
	arrive_wnd(&e, TERN_ACK, 0, 800, 0, 40);
	CHECK_OUT(&e, TERN_PSH | TERN_ACK, 800, 0, 30);
}

/* rfc9293#section-3.8.6.2.2 */
static void receiver_avoids_silly_windows(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	arrive(&e, TERN_ACK, 0, 0, 1000);
	arrive(&e, TERN_ACK, 1000, 0, 1000);
	CHECK_EQ(e.out[0].wnd, 18000);
	look_away(&e);
	/* 999 free octets more: the right edge stays */
	end_receive(&e, 999);
	arrive(&e, TERN_ACK, 2000, 0, 0);
	arrive(&e, TERN_ACK, 2000, 0, 100);
	pass(&e, 40 * MSEC);
	CHECK_EQ(e.out[0].wnd, 17900);
	look_away(&e);
	/* a whole segment: it moves with the next ACK */
	end_receive(&e, 1);
	CHECK_QUIET(&e);
	arrive(&e, TERN_ACK, 2100, 0, 100);
	pass(&e, 40 * MSEC);
	CHECK_EQ(e.out[0].wnd, 18800);
}

/* rfc9293#section-3.8.6: a sender must be robust against it */
static void the_peer_shrinks_its_window(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 5000);
	look_away(&e);
	arrive_wnd(&e, TERN_ACK, 0, 1000, 0, 1500);
	CHECK_QUIET(&e);
	/* what must be said meanwhile is said inside the window */
	arrive(&e, TERN_ACK, 10, 1000, 10);
	CHECK_OUT(&e, TERN_ACK, 2500, 0, 0);
	/* again only what fits */
	pass_deadline(&e);
	CHECK_OUT(&e, TERN_ACK, 1000, 0, 1000);
	CHECK_QUIET(&e);
	/* the peer took the rest nevertheless */
	arrive(&e, TERN_ACK, 0, 5000, 0);
	CHECK_EQ(e.res.acked, 4000);
	CHECK_EQ(tern_next_deadline(&e.conn), TERN_NEVER);
}

/* What is due again goes, and be it silly. */
static void the_peer_shrinks_its_window_to_little(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 5000);
	look_away(&e);
	arrive_wnd(&e, TERN_ACK, 0, 1000, 0, 100);
	pass_deadline(&e);
	CHECK_OUT(&e, TERN_ACK, 1000, 0, 100);
	CHECK_QUIET(&e);
}

static void the_window_closes_on_data_in_flight(void)
{
	struct end e;
	u32 i;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 3000);
	look_away(&e);
	arrive_wnd(&e, TERN_ACK, 0, 1000, 0, 0);
	CHECK_QUIET(&e);
	/* the peer answers each probe: no end, however often */
	for (i = 0; i < 50; i++) {
		test_note("round %u", i);
		pass_deadline(&e);
		if (e.n_out > e.next_out) {
			CHECK_OUT(&e, TERN_ACK, 1000, 0, 1);
			arrive(&e, TERN_ACK, 0, 1000, 0);
		}
		CHECK_QUIET(&e);
	}
	CHECK_STATE(&e, TERN_ESTABLISHED);
	arrive_wnd(&e, TERN_ACK, 0, 1000, 0, 5000);
	CHECK_OUT(&e, TERN_ACK, 1000, 0, 1000);
}

/* The window of a SYN counts from behind it; 0 there is probed as well. */
static void a_closed_window_from_the_start(void)
{
	struct end e;

	small_window(&e, 0);
	end_send(&e, 10);
	CHECK_QUIET(&e);
	pass_deadline(&e);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 1);
	arrive_wnd(&e, TERN_ACK, 0, 1, 0, 100);
	CHECK_OUT(&e, TERN_PSH | TERN_ACK, 1, 0, 9);
}

static void a_huge_window_is_believed_in_part(void)
{
	struct end e;

	small_window(&e, ~0u);
	CHECK_EQ(e.conn.snd_wnd, TERN_MAX_WINDOW);
	arrive_wnd(&e, TERN_ACK, 0, 0, 0, TERN_MAX_WINDOW + 1);
	CHECK_EQ(e.conn.snd_wnd, TERN_MAX_WINDOW);
}

static void a_retransmission_is_marked_and_counted(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 1500);
	CHECK_EQ(e.out[0].rexmit, false);
	look_away(&e);
	pass_deadline(&e);
	CHECK_EQ(e.out[0].rexmit, true);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 1000);
	CHECK_EQ(e.conn.rexmits_total, 1);
	arrive(&e, TERN_ACK, 0, 1000, 0);
	CHECK_OUT(&e, TERN_PSH | TERN_ACK, 1000, 0, 500);
}

/* After the path's MSS fell, what was sent long goes again short. */
static void a_smaller_mss_cuts_again(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 2000);
	look_away(&e);
	tern_set_mss(&e.conn, 600);
	pass_deadline(&e);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 600);
	arrive(&e, TERN_ACK, 0, 600, 0);
	CHECK_OUT(&e, TERN_ACK, 600, 0, 600);
}

static void a_challenge_ack(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	tern_challenge_ack(&e.conn);
	end_laws(&e);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 0);
	reach(&e, TERN_SYN_SENT);
	tern_challenge_ack(&e.conn);
	end_laws(&e);
	CHECK_QUIET(&e);
	reach(&e, TERN_CLOSED);
	tern_challenge_ack(&e.conn);
	end_laws(&e);
	CHECK_QUIET(&e);
}

static const struct test tests[] = {
	TEST(data_is_cut_and_pushed),
	TEST(psh_where_the_latest_send_ends),
	TEST(nagle),
	TEST(nagle_off),
	TEST(fin_ends_nagle),
	TEST(fin_needs_room_in_the_window),
	TEST(no_data_after_the_fin),
	TEST(the_peers_window_bounds),
	TEST(sender_avoids_silly_windows),
	TEST(the_override_is_no_retry),
	TEST(the_last_octets_go_at_once),
	TEST(receiver_avoids_silly_windows),
	TEST(the_peer_shrinks_its_window),
	TEST(the_peer_shrinks_its_window_to_little),
	TEST(the_window_closes_on_data_in_flight),
	TEST(a_closed_window_from_the_start),
	TEST(a_huge_window_is_believed_in_part),
	TEST(a_retransmission_is_marked_and_counted),
	TEST(a_smaller_mss_cuts_again),
	TEST(a_challenge_ack),
};

int main(void)
{
	return run_tests("output", tests, ARRAY_SIZE(tests));
}
