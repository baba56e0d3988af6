// SPDX-License-Identifier: GPL-2.0
/*
 * The user's calls in every state, and the figures of rfc9293#section-3.3 to 3.6
 * seen from the user's side.
 */
#include "tests/unit/test.h"

static const enum tern_state all_states[] = {
	TERN_SYN_SENT, TERN_SYN_RECEIVED, TERN_ESTABLISHED, TERN_FIN_WAIT_1,
	TERN_FIN_WAIT_2, TERN_CLOSING, TERN_TIME_WAIT, TERN_CLOSE_WAIT,
	TERN_LAST_ACK, TERN_CLOSED,
};

static void open_sends_syn(void)
{
	struct end e;

	end_init(&e);
	end_open(&e);
	CHECK_STATE(&e, TERN_SYN_SENT);
	CHECK_EQ(e.res.path_len, 1);
	CHECK_EQ(e.out[0].mss, MSS);
	CHECK_EQ(e.out[0].wnd, 20 * MSS);
	CHECK_OUT(&e, TERN_SYN, -1, 0, 0);
	CHECK_QUIET(&e);
	CHECK_EQ(tern_snd_pos(&e.conn), 0);
	CHECK_EQ(tern_rcv_pos(&e.conn), 0);
}

static void open_syn_sends_syn_ack(void)
{
	struct tern_seg syn;
	struct end e;

	end_init(&e);
	syn = peer_seg(&e, TERN_SYN, -1, 0, 0);
	syn.len = 500; /* payload on SYN: refused */
	end_open_syn(&e, &syn);
	CHECK_STATE(&e, TERN_SYN_RECEIVED);
	CHECK_EQ(e.res.old_state, TERN_LISTEN);
	CHECK_EQ(e.out[0].mss, MSS);
	CHECK_OUT(&e, TERN_SYN | TERN_ACK, -1, 0, 0);
	CHECK_QUIET(&e);
	CHECK_EQ(e.conn.rcv_held, 0);
}

/* rfc9293#section-3.7.1, MUST-15: 536 over IPv4, 1220 over IPv6, as the shell says */
static void the_mss_of_a_silent_peer(void)
{
	struct tern_seg syn;
	struct end e;

	end_init(&e);
	e.cfg.mss = 1440;
	e.cfg.peer_mss = TERN_DEFAULT_MSS6;
	syn = peer_seg(&e, TERN_SYN, -1, 0, 0);
	syn.mss = 0;
	end_open_syn(&e, &syn);
	CHECK_EQ(e.conn.snd_mss, 1220);
	CHECK_EQ(e.conn.peer_mss, 1220);

	end_init(&e);
	e.cfg.mss = 1440;
	e.cfg.peer_mss = TERN_DEFAULT_MSS6;
	syn = peer_seg(&e, TERN_SYN, -1, 0, 0);
	syn.mss = 1300;
	end_open_syn(&e, &syn);
	CHECK_EQ(e.conn.snd_mss, 1300);
}

static void the_peers_mss(void)
{
	static const struct {
		u16 ours, theirs, want;
	} rows[] = {
		{ 1000, 1460, 1000 }, { 1000, 536, 536 }, { 1000, 1000, 1000 },
		{ 1000, 0, 536 }, { 400, 0, 400 }, { 1000, 48, 48 },
		{ 1000, 47, 48 }, { 1000, 1, 48 }, { 20, 1, 20 },
		{ 65535, 65535, 65535 }, { 0, 536, 1 },
	};
	struct tern_seg syn;
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		test_note("ours %u, theirs %u", rows[i].ours, rows[i].theirs);
		end_init(&e);
		e.cfg.mss = rows[i].ours;
		syn = peer_seg(&e, TERN_SYN, -1, 0, 0);
		syn.mss = rows[i].theirs;
		end_open_syn(&e, &syn);
		CHECK_EQ(e.conn.snd_mss, rows[i].want);
		/* the path may lower it later, and nothing raises it */
		tern_set_mss(&e.conn, 65535);
		CHECK_EQ(e.conn.snd_mss, rows[i].want);
		tern_set_mss(&e.conn, 10);
		CHECK_EQ(e.conn.snd_mss, rows[i].want < 10 ? rows[i].want : 10);
		tern_set_mss(&e.conn, 0);
		CHECK_EQ(e.conn.snd_mss, 1);
		end_laws(&e);
	}
}

static void close_in_every_state(void)
{
	static const struct {
		enum tern_state from, to;
		bool fin;
		s32 ack;
	} rows[] = {
		{ TERN_SYN_SENT, TERN_CLOSED, false, 0 },
		{ TERN_SYN_RECEIVED, TERN_FIN_WAIT_1, true, 0 },
		{ TERN_ESTABLISHED, TERN_FIN_WAIT_1, true, 0 },
		{ TERN_FIN_WAIT_1, TERN_FIN_WAIT_1, false, 0 },
		{ TERN_FIN_WAIT_2, TERN_FIN_WAIT_2, false, 0 },
		{ TERN_CLOSING, TERN_CLOSING, false, 0 },
		{ TERN_TIME_WAIT, TERN_TIME_WAIT, false, 0 },
		{ TERN_CLOSE_WAIT, TERN_LAST_ACK, true, 1 },
		{ TERN_LAST_ACK, TERN_LAST_ACK, false, 0 },
		{ TERN_CLOSED, TERN_CLOSED, false, 0 },
	};
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		test_note("%s", tern_state_name(rows[i].from));
		reach(&e, rows[i].from);
		end_close(&e);
		CHECK_STATE(&e, rows[i].to);
		CHECK_EQ(e.conn.error, TERN_OK);
		if (rows[i].fin)
			CHECK_OUT(&e, TERN_FIN | TERN_ACK, 0, rows[i].ack, 0);
		CHECK_QUIET(&e);
		/* again: nothing */
		end_close(&e);
		CHECK_EQ(e.res.path_len, 0);
		CHECK_QUIET(&e);
	}
}

static void abort_in_every_state(void)
{
	static const struct {
		enum tern_state from;
		bool rst;
		s32 pos, ack;
	} rows[] = {
		{ TERN_SYN_SENT, false, 0, 0 },
		{ TERN_SYN_RECEIVED, true, 0, 0 },
		{ TERN_ESTABLISHED, true, 0, 0 },
		{ TERN_FIN_WAIT_1, true, 1, 0 },
		{ TERN_FIN_WAIT_2, true, 1, 0 },
		{ TERN_CLOSE_WAIT, true, 0, 1 },
		{ TERN_CLOSING, false, 0, 0 },
		{ TERN_LAST_ACK, false, 0, 0 },
		{ TERN_TIME_WAIT, false, 0, 0 },
	};
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		test_note("%s", tern_state_name(rows[i].from));
		reach(&e, rows[i].from);
		end_abort(&e, TERN_ERR_ABORTED);
		CHECK_STATE(&e, TERN_CLOSED);
		CHECK_EQ(e.conn.error, TERN_ERR_ABORTED);
		if (rows[i].rst)
			CHECK_OUT(&e, TERN_RST | TERN_ACK, rows[i].pos,
				  rows[i].ack, 0);
		CHECK_QUIET(&e);
		end_abort(&e, TERN_ERR_RESET);
		CHECK_EQ(e.res.events, 0);
		CHECK_EQ(e.conn.error, TERN_ERR_ABORTED);
		CHECK_QUIET(&e);
	}
}

/* What was queued is gone; the RST comes after what was sent. */
static void abort_with_data(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 50 * MSS);
	look_away(&e);
	arrive(&e, TERN_ACK, 10, 0, 10); /* a hole in front of it */
	look_away(&e);
	end_abort(&e, TERN_ERR_ABORTED);
	CHECK_OUT(&e, TERN_RST | TERN_ACK, 10 * MSS, 0, 0);
	CHECK_QUIET(&e);
}

/* Both have closed, but the FIN has not been sent, or octets are unread: the peer hears of it. */
static void abort_after_both_closed(void)
{
	struct end e;

	/* window closed: data and FIN wait */
	reach(&e, TERN_CLOSE_WAIT);
	arrive_wnd(&e, TERN_ACK, 1, 0, 0, 0);
	end_send(&e, 10);
	end_close(&e);
	CHECK_STATE(&e, TERN_LAST_ACK);
	end_abort(&e, TERN_ERR_ABORTED);
	CHECK_OUT(&e, TERN_RST | TERN_ACK, 0, 1, 0);
	CHECK_QUIET(&e);

	reach(&e, TERN_ESTABLISHED);
	arrive(&e, TERN_FIN | TERN_ACK, 0, 0, 10);
	look_away(&e);
	end_close(&e);
	CHECK_STATE(&e, TERN_LAST_ACK);
	CHECK_OUT(&e, TERN_FIN | TERN_ACK, 0, 11, 0);
	end_abort(&e, TERN_ERR_ABORTED);
	CHECK_OUT(&e, TERN_RST | TERN_ACK, 1, 11, 0);
	CHECK_QUIET(&e);

	reach(&e, TERN_FIN_WAIT_1);
	arrive(&e, TERN_FIN | TERN_ACK, 0, 0, 10);
	CHECK_STATE(&e, TERN_CLOSING);
	look_away(&e);
	end_abort(&e, TERN_ERR_ABORTED);
	CHECK_OUT(&e, TERN_RST | TERN_ACK, 1, 11, 0);
	CHECK_QUIET(&e);
}

static void send_in_every_state(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(all_states); i++) {
		enum tern_state state = all_states[i];
		bool can = state == TERN_SYN_SENT || state == TERN_SYN_RECEIVED ||
			   state == TERN_ESTABLISHED || state == TERN_CLOSE_WAIT;
		struct end e;

		test_note("%s", tern_state_name(state));
		reach(&e, state);
		CHECK_EQ(end_send(&e, 10), can);
		if (state == TERN_ESTABLISHED)
			CHECK_OUT(&e, TERN_PSH | TERN_ACK, 0, 0, 10);
		else if (state == TERN_CLOSE_WAIT)
			CHECK_OUT(&e, TERN_PSH | TERN_ACK, 0, 1, 10);
		CHECK_QUIET(&e);
	}
}

static void send_is_bounded(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	CHECK(!tern_send(&e.conn, TERN_MAX_WINDOW + 1));
	CHECK(!tern_send(&e.conn, ~0u));
	CHECK(end_send(&e, TERN_MAX_WINDOW - 1));
	CHECK(!tern_send(&e.conn, 2));
	CHECK(end_send(&e, 1));
	CHECK(!tern_send(&e.conn, 1));
	CHECK(tern_send(&e.conn, 0));
	arrive(&e, TERN_ACK, 0, 5, 0);
	CHECK(!tern_send(&e.conn, 6));
	CHECK(end_send(&e, 5));
	end_close(&e);
	CHECK(!tern_send(&e.conn, 0));
}

/* The third segment may carry data, story and rfc9293#section-3.5 alike. */
static void data_waits_for_the_third_segment(void)
{
	struct end e;

	reach(&e, TERN_SYN_SENT);
	CHECK(end_send(&e, 100));
	CHECK_QUIET(&e);
	arrive(&e, TERN_SYN | TERN_ACK, -1, 0, 0);
	CHECK_EQ(e.res.events, TERN_EV_ESTABLISHED);
	CHECK_OUT(&e, TERN_PSH | TERN_ACK, 0, 0, 100);
	CHECK_QUIET(&e);
}

static void close_in_syn_received_waits_for_data(void)
{
	struct end e;

	reach(&e, TERN_SYN_RECEIVED);
	end_send(&e, 100);
	end_close(&e);
	CHECK_STATE(&e, TERN_FIN_WAIT_1);
	CHECK_QUIET(&e);
	arrive(&e, TERN_ACK, 0, 0, 0);
	CHECK_OUT(&e, TERN_FIN | TERN_PSH | TERN_ACK, 0, 0, 100);
	arrive(&e, TERN_ACK, 0, 101, 0);
	CHECK_EQ(e.res.acked, 100);
	CHECK_STATE(&e, TERN_FIN_WAIT_2);
}

/* The FIN behind a SYN-ACK that was lost: both come again. */
static void close_in_syn_received_and_syn_ack_lost(void)
{
	struct end e;

	reach(&e, TERN_SYN_RECEIVED);
	end_close(&e);
	CHECK_OUT(&e, TERN_FIN | TERN_ACK, 0, 0, 0);
	pass_deadline(&e);
	CHECK_OUT(&e, TERN_SYN | TERN_ACK, -1, 0, 0);
	CHECK_OUT(&e, TERN_FIN | TERN_ACK, 0, 0, 0);
	CHECK_QUIET(&e);
	/* the SYN alone, then all */
	arrive(&e, TERN_ACK, 0, 0, 0);
	CHECK_STATE(&e, TERN_FIN_WAIT_1);
	arrive(&e, TERN_ACK, 0, 1, 0);
	CHECK_STATE(&e, TERN_FIN_WAIT_2);
	CHECK_EQ(tern_snd_pos(&e.conn), 0);
}

/* rfc9293#section-3.6, figure 12 and the sentence on half-closed connections */
static void half_close_ours(void)
{
	struct end e;

	reach(&e, TERN_FIN_WAIT_2);
	arrive(&e, TERN_ACK, 0, 1, MSS);
	CHECK_EQ(e.res.events, TERN_EV_DATA);
	arrive(&e, TERN_ACK, MSS, 1, MSS);
	CHECK_OUT(&e, TERN_ACK, 1, 2 * MSS, 0);
	end_receive(&e, 2 * MSS);
	look_away(&e);
	arrive(&e, TERN_FIN | TERN_ACK, 2 * MSS, 1, 10);
	CHECK_EQ(e.res.events, TERN_EV_DATA | TERN_EV_FIN | TERN_EV_TIME_WAIT);
	CHECK_EQ(e.res.data_pos, 2 * MSS);
	CHECK_OUT(&e, TERN_ACK, 1, 2 * MSS + 11, 0);
	CHECK_EQ(tern_rcv_pos(&e.conn), 2 * MSS + 10);
}

static void half_close_theirs(void)
{
	struct end e;

	reach(&e, TERN_CLOSE_WAIT);
	end_send(&e, 1500);
	CHECK_OUT(&e, TERN_ACK, 0, 1, 1000);
	CHECK_QUIET(&e); /* Nagle */
	arrive(&e, TERN_ACK, 1, 1000, 0);
	CHECK_EQ(e.res.acked, 1000);
	CHECK_OUT(&e, TERN_PSH | TERN_ACK, 1000, 1, 500);
	end_close(&e);
	CHECK_OUT(&e, TERN_FIN | TERN_ACK, 1500, 1, 0);
	arrive(&e, TERN_ACK, 1, 1500, 0);
	CHECK_STATE(&e, TERN_LAST_ACK);
	CHECK_EQ(e.res.acked, 500);
	arrive(&e, TERN_ACK, 1, 1501, 0);
	CHECK_STATE(&e, TERN_CLOSED);
	CHECK_EQ(e.conn.error, TERN_OK);
	CHECK_EQ(e.res.acked, 0);
	CHECK_EQ(tern_snd_pos(&e.conn), 1500);
}

static void orphan_changes_nothing_at_once(void)
{
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(all_states); i++) {
		reach(&e, all_states[i]);
		if (e.conn.state == TERN_CLOSED)
			continue;
		end_orphan(&e);
		CHECK_STATE(&e, all_states[i]);
		CHECK_QUIET(&e);
	}
}

static void window_updates(void)
{
	struct end e;
	u32 i;

	reach(&e, TERN_ESTABLISHED);
	for (i = 0; i < 20; i++)
		arrive(&e, TERN_ACK, (s32)i * MSS, 0, MSS);
	CHECK_EQ(tern_rcv_wnd(&e.conn), 0);
	CHECK_EQ(e.out[e.n_out - 1].wnd, 0);
	look_away(&e);

	/* less than two segments: silence; then one update */
	end_receive(&e, 2 * MSS - 1);
	CHECK_QUIET(&e);
	end_receive(&e, 1);
	CHECK_EQ(e.out[0].wnd, 2 * MSS);
	CHECK_OUT(&e, TERN_ACK, 0, 20 * MSS, 0);
	CHECK_QUIET(&e);
	/* more than there is: all */
	end_receive(&e, ~0u);
	CHECK_EQ(e.conn.rcv_held, 0);
	CHECK_EQ(tern_rcv_wnd(&e.conn), 20 * MSS);
}

/* Half of a small buffer is enough, and one octet of the smallest. */
static void window_updates_of_small_buffers(void)
{
	struct tern_config cfg = default_config();
	struct end e;

	cfg.rcv_buf = 100;
	reach_with(&e, TERN_ESTABLISHED, &cfg);
	arrive(&e, TERN_ACK, 0, 0, 100);
	pass(&e, 1 * SEC);
	look_away(&e);
	end_receive(&e, 49);
	CHECK_QUIET(&e);
	end_receive(&e, 1);
	CHECK_EQ(e.out[0].wnd, 50);

	cfg.rcv_buf = 1;
	reach_with(&e, TERN_ESTABLISHED, &cfg);
	arrive(&e, TERN_ACK, 0, 0, 1);
	pass(&e, 1 * SEC);
	look_away(&e);
	end_receive(&e, 1);
	CHECK_EQ(e.out[0].wnd, 1);
}

static void another_buffer(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	tern_set_rcv_buf(&e.conn, 100);
	end_laws(&e);
	/* what was offered stays offered */
	CHECK_EQ(tern_rcv_wnd(&e.conn), 20 * MSS);
	arrive(&e, TERN_ACK, 0, 0, MSS);
	CHECK_EQ(e.res.data_len, MSS);
	CHECK_EQ(tern_rcv_wnd(&e.conn), 19 * MSS);
	tern_set_rcv_buf(&e.conn, ~0u);
	end_laws(&e);
	CHECK_EQ(e.conn.rcv_buf, TERN_MAX_WINDOW);
	CHECK_EQ(e.out[e.n_out - 1].wnd, TERN_MAX_WINDOW - MSS);
	tern_set_rcv_buf(&e.conn, 0);
	end_laws(&e);
	CHECK(e.conn.rcv_buf >= 1);
}

/* Refused or closed before the peer said anything: nothing was received. */
static void positions_without_a_peer(void)
{
	struct end e;

	reach(&e, TERN_SYN_SENT);
	CHECK_EQ(tern_rcv_pos(&e.conn), 0);
	CHECK_EQ(tern_snd_pos(&e.conn), 0);
	reach(&e, TERN_CLOSED);
	CHECK_EQ(tern_snd_pos(&e.conn), 0);
	CHECK_EQ(tern_rcv_pos(&e.conn), 0);
}

/* It counts from the peer's SYN, whose number was not known when it was told. */
static void the_window_told_in_a_syn_stays(void)
{
	struct end e;

	reach(&e, TERN_SYN_SENT);
	tern_set_rcv_buf(&e.conn, 100);
	arrive(&e, TERN_SYN | TERN_ACK, -1, 0, 0);
	CHECK_EQ(e.out[0].wnd, 20 * MSS);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 0);
	arrive(&e, TERN_ACK, 19 * MSS, 0, MSS);
	CHECK_EQ(e.res.data_len, MSS);

	/* simultaneous open as well */
	reach(&e, TERN_SYN_SENT);
	tern_set_rcv_buf(&e.conn, 100);
	arrive(&e, TERN_SYN, -1, 0, 0);
	CHECK_EQ(e.out[0].wnd, 20 * MSS);
}

static void snapshot_and_replay(void)
{
	struct end e, again;

	reach(&e, TERN_ESTABLISHED);
	again = e;
	end_send(&e, 5000);
	arrive(&e, TERN_ACK, 0, 2000, 100);
	end_close(&e);
	end_send(&again, 5000);
	arrive(&again, TERN_ACK, 0, 2000, 100);
	end_close(&again);
	CHECK(!memcmp(&e.conn, &again.conn, sizeof(e.conn)));
}

/* rfc6528: the clock ticks every 4 us, the hash moves it */
static void initial_sequence_numbers(void)
{
	CHECK_EQ(tern_seq_dist(tern_iss(START, 7), tern_iss(START + 4, 7)), 1);
	CHECK_EQ(tern_seq_dist(tern_iss(START, 7), tern_iss(START + SEC, 7)), 250000);
	CHECK_EQ(tern_seq_dist(tern_iss(START, 7), tern_iss(START, 9)), 2);
	CHECK_EQ(tern_iss((1ull << 34) + 8, ~0u), 1);
}

/* The third message to a listener that kept nothing. */
static void end_cookie(struct end *e, u16 mss, const struct tern_seg *ack)
{
	e->res = tern_open_cookie(&e->conn, e->now, &e->cfg, mss, ack);
	CHECK_STATE(e, TERN_SYN_RECEIVED);
	CHECK_EQ(e->res.old_state, TERN_LISTEN);
	CHECK_EQ(e->res.path_len, 1);
	CHECK_EQ(e->res.events, 0);
	end_laws(e);
	/* the SYN-ACK was sent */
	CHECK_QUIET(e);
	end_segment(e, ack);
}

/* It becomes what it would be if the SYN had been kept. */
static void a_cookie_opens_the_same_connection(void)
{
	struct tern_seg syn, ack;
	struct end kept, e;

	end_init(&kept);
	end_init(&e);
	syn = peer_seg(&kept, TERN_SYN, -1, 0, 0);
	syn.mss = 536;
	syn.wnd = 777;
	end_open_syn(&kept, &syn);
	look_away(&kept);
	ack = peer_seg(&kept, TERN_ACK, 0, 0, 0);
	ack.wnd = 888;
	end_segment(&kept, &ack);

	end_cookie(&e, 536, &ack);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	CHECK_EQ(e.res.events, TERN_EV_ESTABLISHED);
	CHECK_QUIET(&e);
	CHECK_EQ(e.conn.iss, ISS);
	CHECK_EQ(e.conn.irs, IRS);
	CHECK_EQ(e.conn.snd_wnd, 888);
	CHECK_EQ(e.conn.rcv_adv, kept.conn.rcv_adv);
	CHECK_EQ(e.conn.snd_mss, 536);
	CHECK(e.conn.passive);
	/* but for the round trip, which nobody measured */
	CHECK_EQ(e.conn.srtt, 0);
	CHECK_EQ(e.conn.rto, e.cfg.rto_initial);
	kept.conn.srtt = e.conn.srtt;
	kept.conn.rttvar = e.conn.rttvar;
	kept.conn.rto = e.conn.rto;
	kept.conn.rtt_seq = e.conn.rtt_seq;
	kept.conn.rtt_start = e.conn.rtt_start;
	kept.conn.snd_wnd_max = e.conn.snd_wnd_max;
	CHECK(!memcmp(&e.conn, &kept.conn, sizeof(e.conn)));

	end_send(&e, 1000);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 536);
}

static void a_cookie_with_data_and_fin(void)
{
	struct tern_seg ack;
	struct end e;

	end_init(&e);
	ack = peer_seg(&e, TERN_ACK | TERN_FIN | TERN_PSH, 0, 0, 300);
	end_cookie(&e, 1460, &ack);
	CHECK_STATE(&e, TERN_CLOSE_WAIT);
	CHECK_EQ(e.res.events, TERN_EV_ESTABLISHED | TERN_EV_DATA | TERN_EV_FIN);
	CHECK_EQ(e.res.data_pos, 0);
	CHECK_EQ(e.res.data_len, 300);
	CHECK_EQ(e.conn.rcv_held, 300);
	CHECK_OUT(&e, TERN_ACK, 0, 301, 0);
	CHECK_QUIET(&e);
}

static void a_cookies_mss(void)
{
	static const struct {
		u16 ours, theirs, want;
	} rows[] = {
		{ 1000, 1460, 1000 }, { 1000, 536, 536 }, { 1000, 48, 48 },
		{ 1000, 0, 536 }, { 1000, 1, 48 }, { 20, 48, 20 }, { 0, 536, 1 },
	};
	struct tern_seg ack;
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		test_note("ours %u, theirs %u", rows[i].ours, rows[i].theirs);
		end_init(&e);
		e.cfg.mss = rows[i].ours;
		ack = peer_seg(&e, TERN_ACK, 0, 0, 0);
		/* only a SYN has one */
		ack.mss = 99;
		end_cookie(&e, rows[i].theirs, &ack);
		CHECK_EQ(e.conn.snd_mss, rows[i].want);
	}
}

static const struct test tests[] = {
	TEST(open_sends_syn),
	TEST(open_syn_sends_syn_ack),
	TEST(a_cookie_opens_the_same_connection),
	TEST(a_cookie_with_data_and_fin),
	TEST(a_cookies_mss),
	TEST(the_mss_of_a_silent_peer),
	TEST(the_peers_mss),
	TEST(close_in_every_state),
	TEST(abort_in_every_state),
	TEST(abort_with_data),
	TEST(abort_after_both_closed),
	TEST(send_in_every_state),
	TEST(send_is_bounded),
	TEST(data_waits_for_the_third_segment),
	TEST(close_in_syn_received_waits_for_data),
	TEST(close_in_syn_received_and_syn_ack_lost),
	TEST(half_close_ours),
	TEST(half_close_theirs),
	TEST(orphan_changes_nothing_at_once),
	TEST(window_updates),
	TEST(window_updates_of_small_buffers),
	TEST(another_buffer),
	TEST(positions_without_a_peer),
	TEST(the_window_told_in_a_syn_stays),
	TEST(snapshot_and_replay),
	TEST(initial_sequence_numbers),
};

int main(void)
{
	return run_tests("conn", tests, ARRAY_SIZE(tests));
}
