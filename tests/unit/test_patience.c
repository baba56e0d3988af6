// SPDX-License-Identifier: GPL-2.0
/*
 * How long a silent peer is waited for: keep-alive (rfc9293#section-3.8.4) and the
 * user timeout (rfc9293#section-3.10.8, rfc5482).
 */
#include "tests/unit/test.h"

#define IDLE (7200 * SEC)
#define INTERVAL (75 * SEC)
#define PROBES 9

static struct tern_config keeping(void)
{
	struct tern_config cfg = default_config();

	cfg.keep_idle = IDLE;
	cfg.keep_interval = INTERVAL;
	cfg.keep_probes = PROBES;
	return cfg;
}

static struct tern_config limited(u64 timeout)
{
	struct tern_config cfg = default_config();

	cfg.user_timeout = timeout;
	return cfg;
}

/* A window that is closed, and data that waits for it: the probes' answers */
static void closed_window(struct end *e, u64 timeout)
{
	struct tern_config cfg = limited(timeout);

	reach_with(e, TERN_ESTABLISHED, &cfg);
	arrive_wnd(e, TERN_ACK, 0, 0, 0, 0);
	end_send(e, 100);
	CHECK_QUIET(e);
}

static void ended(struct end *e)
{
	CHECK_STATE(e, TERN_CLOSED);
	CHECK_EQ(e->conn.error, TERN_ERR_TIMEDOUT);
}

/* Keep-alive */

/* MUST-25: off by default */
static void nothing_into_the_silence(void)
{
	static const u8 states[] = {
		TERN_ESTABLISHED, TERN_CLOSE_WAIT, TERN_FIN_WAIT_2,
	};
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		test_note("%s", tern_state_name(states[i]));
		reach(&e, states[i]);
		pass(&e, 1 * SEC);
		look_away(&e);
		CHECK_EQ(tern_next_deadline(&e.conn), TERN_NEVER);
	}
}

/*
 * MUST-26: after the idle time, not before it; the probes are SEG.SEQ = SND.NXT-1
 * without data; then RST.
 */
static void probes_and_the_end(void)
{
	static const u8 states[] = {
		TERN_ESTABLISHED, TERN_CLOSE_WAIT, TERN_FIN_WAIT_2,
	};
	struct tern_config cfg = keeping();
	struct end e;
	u32 i;
	u32 n;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		test_note("%s", tern_state_name(states[i]));
		reach_with(&e, states[i], &cfg);
		pass(&e, 1 * SEC);
		look_away(&e);
		CHECK_EQ(pass_deadline(&e), IDLE - 1 * SEC);
		for (n = 1; n <= PROBES; n++) {
			CHECK_OUT(&e, TERN_ACK, snd_pos(&e) - 1, rcv_pos(&e), 0);
			CHECK_EQ(e.out[e.next_out - 1].wnd, tern_rcv_wnd(&e.conn));
			CHECK_QUIET(&e);
			CHECK_STATE(&e, states[i]);
			CHECK_EQ(pass_deadline(&e), INTERVAL);
		}
		CHECK_OUT(&e, TERN_RST | TERN_ACK, snd_pos(&e), rcv_pos(&e), 0);
		ended(&e);
	}
}

static void a_peer_that_answers(void)
{
	struct tern_config cfg = keeping();
	struct end e;
	u32 i;

	reach_with(&e, TERN_ESTABLISHED, &cfg);
	for (i = 0; i < 20; i++) {
		pass(&e, IDLE);
		CHECK_OUT(&e, TERN_ACK, -1, 0, 0);
		/* one is lost, the second one answered: the count starts anew */
		pass(&e, INTERVAL);
		CHECK_OUT(&e, TERN_ACK, -1, 0, 0);
		e.now += 30 * MSEC;
		arrive(&e, TERN_ACK, 0, 0, 0);
		CHECK_QUIET(&e);
		CHECK_EQ(e.conn.keep_sent, 0);
	}
	CHECK_STATE(&e, TERN_ESTABLISHED);
	CHECK_EQ(e.conn.rexmits_total, 0);
	/* idle from the answer on, not from the probe */
	pass(&e, IDLE - 1);
	CHECK_QUIET(&e);
	pass(&e, 1);
	CHECK_OUT(&e, TERN_ACK, -1, 0, 0);
}

/* The answer of a live Tern: rfc9293#section-3.10.7.4, first */
static void a_probe_is_answered(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	arrive(&e, TERN_ACK, -1, 0, 0);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 0);
	/* even with an octet of rubbish, and when the window is closed */
	e.now += 1 * SEC;
	arrive(&e, TERN_ACK, -1, 0, 1);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 0);
	e.now += 1 * SEC;
	arrive(&e, TERN_ACK, 0, 0, 20 * MSS);
	look_away(&e);
	CHECK_EQ(tern_rcv_wnd(&e.conn), 0);
	arrive(&e, TERN_ACK, 20 * MSS - 1, 0, 0);
	CHECK_OUT(&e, TERN_ACK, 0, 20 * MSS, 0);
	CHECK_EQ(e.conn.rcv_held, 20 * MSS);
}

/* A RST that answers a probe: the peer was restarted. */
static void a_probe_that_is_reset(void)
{
	struct tern_config cfg = keeping();
	struct end e;

	reach_with(&e, TERN_ESTABLISHED, &cfg);
	pass(&e, IDLE);
	arrive(&e, TERN_RST, 0, 0, 0);
	CHECK_STATE(&e, TERN_CLOSED);
	CHECK_EQ(e.conn.error, TERN_ERR_RESET);
}

/* Whatever is acceptable counts; what is not, anybody could have sent. */
static void what_counts_as_a_sign_of_life(void)
{
	static const struct {
		const char *name;
		u8 flags;
		s32 pos, ack;
		u32 len;
		bool counts;
	} rows[] = {
		{ "ACK", TERN_ACK, 0, 0, 0, true },
		{ "data", TERN_ACK, 0, 0, 10, true },
		{ "data out of order", TERN_ACK, 100, 0, 10, true },
		{ "an old ACK in the window", TERN_ACK, 0, -5, 0, true },
		{ "the peer's own probe", TERN_ACK, -1, 0, 0, false },
		{ "old data", TERN_ACK, -10, 0, 10, false },
		{ "beyond the window", TERN_ACK, 20 * MSS, 0, 10, false },
		{ "RST elsewhere in the window", TERN_RST, 5, 0, 0, false },
		{ "SYN", TERN_SYN, 0, 0, 0, false },
	};
	struct tern_config cfg = keeping();
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		test_note("%s", rows[i].name);
		reach_with(&e, TERN_ESTABLISHED, &cfg);
		pass(&e, IDLE / 2);
		arrive(&e, rows[i].flags, rows[i].pos, rows[i].ack, rows[i].len);
		pass(&e, 1 * SEC);
		look_away(&e);
		pass(&e, IDLE / 2 - 1 * SEC);
		CHECK_EQ(e.n_out, !rows[i].counts);
		pass(&e, IDLE / 2);
		CHECK(e.n_out);
	}
}

/* Data that waits for its ACK says as much, and has its own limit. */
static void not_while_data_is_outstanding(void)
{
	struct tern_config cfg = keeping();
	struct end e;
	u32 i;

	cfg.keep_idle = 10 * SEC;
	cfg.keep_interval = 1 * SEC;
	cfg.keep_probes = 2;
	reach_with(&e, TERN_ESTABLISHED, &cfg);
	pass(&e, 9 * SEC);
	end_send(&e, 100);
	for (i = 0; i < 15; i++) {
		CHECK_OUT(&e, TERN_ACK | TERN_PSH, 0, 0, 100);
		CHECK_QUIET(&e);
		pass_deadline(&e);
	}
	CHECK_STATE(&e, TERN_ESTABLISHED);
	/* acknowledged: idle begins with that */
	arrive(&e, TERN_ACK, 0, 100, 0);
	look_away(&e);
	CHECK_EQ(pass_deadline(&e), 10 * SEC);
	CHECK_OUT(&e, TERN_ACK, 99, 0, 0);

	/* data between two probes: the probes end, and the data is given up by itself */
	end_send(&e, 100);
	CHECK_OUT(&e, TERN_ACK | TERN_PSH, 100, 0, 100);
	for (i = 0; i < 15; i++) {
		pass_deadline(&e);
		if (e.next_out == e.n_out)
			pass_deadline(&e);
		CHECK_OUT(&e, TERN_ACK | TERN_PSH, 100, 0, 100);
		CHECK_QUIET(&e);
	}

	/* nor while a closed window is probed */
	reach_with(&e, TERN_ESTABLISHED, &cfg);
	arrive_wnd(&e, TERN_ACK, 0, 0, 0, 0);
	end_send(&e, 100);
	for (i = 0; i < 20; i++) {
		pass_deadline(&e);
		arrive(&e, TERN_ACK, 0, 0, 0);
		if (e.next_out < e.n_out)
			CHECK_EQ(e.out[e.next_out++].len, 1);
		CHECK_QUIET(&e);
	}
	CHECK_STATE(&e, TERN_ESTABLISHED);
}

static void not_before_the_handshake(void)
{
	struct tern_config cfg = keeping();
	struct end e;

	cfg.keep_idle = 1 * MSEC;
	cfg.keep_interval = 1 * MSEC;
	cfg.keep_probes = 1;
	reach_with(&e, TERN_SYN_SENT, &cfg);
	CHECK_EQ(pass_deadline(&e), 1 * SEC);
	CHECK_OUT(&e, TERN_SYN, -1, 0, 0);
	reach_with(&e, TERN_SYN_RECEIVED, &cfg);
	CHECK_EQ(pass_deadline(&e), 1 * SEC);
	CHECK_OUT(&e, TERN_SYN | TERN_ACK, -1, 0, 0);
	/* a half-open connection that was packed heard its peer just now */
	arrive(&e, TERN_ACK, 0, 0, 0);
	CHECK_QUIET(&e);
	CHECK_EQ(tern_next_deadline(&e.conn), e.now + 1 * MSEC);
	reach_with(&e, TERN_TIME_WAIT, &cfg);
	CHECK_EQ(tern_next_deadline(&e.conn), TERN_NEVER);
}

static void on_and_off(void)
{
	struct end e;

	/* late: the silence was long enough */
	reach(&e, TERN_ESTABLISHED);
	pass(&e, 3 * IDLE);
	tern_set_keepalive(&e.conn, IDLE, INTERVAL, PROBES);
	end_laws(&e);
	CHECK(tern_next_deadline(&e.conn) <= e.now + 1);
	pass_deadline(&e);
	CHECK_OUT(&e, TERN_ACK, -1, 0, 0);
	CHECK_EQ(pass_deadline(&e), INTERVAL);
	CHECK_OUT(&e, TERN_ACK, -1, 0, 0);
	/* off between two probes */
	tern_set_keepalive(&e.conn, 0, INTERVAL, PROBES);
	end_laws(&e);
	CHECK_EQ(tern_next_deadline(&e.conn), TERN_NEVER);
	/* and on: what was sent before does not count */
	tern_set_keepalive(&e.conn, IDLE, 5 * SEC, 1);
	end_laws(&e);
	pass_deadline(&e);
	CHECK_OUT(&e, TERN_ACK, -1, 0, 0);
	CHECK_EQ(pass_deadline(&e), 5 * SEC);
	CHECK_OUT(&e, TERN_RST | TERN_ACK, 0, 0, 0);
	ended(&e);

	/* a shorter one, halfway */
	reach(&e, TERN_ESTABLISHED);
	tern_set_keepalive(&e.conn, IDLE, INTERVAL, PROBES);
	end_laws(&e);
	pass(&e, 10 * SEC);
	tern_set_keepalive(&e.conn, 15 * SEC, INTERVAL, PROBES);
	end_laws(&e);
	CHECK_EQ(pass_deadline(&e), 5 * SEC);
	CHECK_OUT(&e, TERN_ACK, -1, 0, 0);

	/* before the connection is open, and after it is over */
	reach(&e, TERN_SYN_SENT);
	tern_set_keepalive(&e.conn, 1 * SEC, INTERVAL, PROBES);
	tern_set_user_timeout(&e.conn, 1 * SEC);
	end_laws(&e);
	reach(&e, TERN_CLOSED);
	tern_set_keepalive(&e.conn, 1 * SEC, INTERVAL, PROBES);
	tern_set_user_timeout(&e.conn, 1 * SEC);
	end_laws(&e);
	reach(&e, TERN_TIME_WAIT);
	tern_set_keepalive(&e.conn, 1 * SEC, INTERVAL, PROBES);
	tern_set_user_timeout(&e.conn, 1 * SEC);
	end_laws(&e);
}

/* The most probes there can be are not fewer than the user said. */
static void as_many_probes_as_said(void)
{
	struct tern_config cfg = keeping();
	struct end e;
	u32 n;

	cfg.keep_idle = 1 * SEC;
	cfg.keep_interval = 1 * SEC;
	cfg.keep_probes = 255;
	reach_with(&e, TERN_ESTABLISHED, &cfg);
	for (n = 0; n < 255; n++) {
		look_away(&e);
		pass_deadline(&e);
		CHECK_STATE(&e, TERN_ESTABLISHED);
		CHECK_OUT(&e, TERN_ACK, -1, 0, 0);
	}
	pass_deadline(&e);
	ended(&e);
}

/* With a user timeout, that decides how many probes there are. */
static void keepalive_with_a_user_timeout(void)
{
	struct tern_config cfg = keeping();
	struct end e;

	cfg.user_timeout = IDLE + 150 * SEC;
	reach_with(&e, TERN_ESTABLISHED, &cfg);
	CHECK_EQ(pass_deadline(&e), IDLE);
	CHECK_OUT(&e, TERN_ACK, -1, 0, 0);
	pass_deadline(&e);
	CHECK_OUT(&e, TERN_ACK, -1, 0, 0);
	CHECK_EQ(pass_deadline(&e), INTERVAL);
	CHECK_OUT(&e, TERN_RST | TERN_ACK, 0, 0, 0);
	ended(&e);

	/* more than the count would allow */
	cfg.keep_probes = 1;
	reach_with(&e, TERN_ESTABLISHED, &cfg);
	pass(&e, IDLE + INTERVAL);
	CHECK_STATE(&e, TERN_ESTABLISHED);

	/* shorter than the idle time: one probe has its chance */
	cfg.user_timeout = 1 * SEC;
	reach_with(&e, TERN_ESTABLISHED, &cfg);
	CHECK_EQ(pass_deadline(&e), IDLE);
	CHECK_OUT(&e, TERN_ACK, -1, 0, 0);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	arrive(&e, TERN_ACK, 0, 0, 0);
	CHECK_EQ(pass_deadline(&e), INTERVAL);
	CHECK_STATE(&e, TERN_ESTABLISHED);
}

/* User timeout */

static void data_that_nobody_acknowledges(void)
{
	struct tern_config cfg = limited(10 * SEC);
	struct end e;
	u64 begin;

	reach_with(&e, TERN_ESTABLISHED, &cfg);
	pass(&e, 100 * SEC);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	begin = e.now;
	end_send(&e, 100);
	pass(&e, 3 * SEC);
	/* more of it does not make it later */
	end_send(&e, 100);
	while (e.conn.state == TERN_ESTABLISHED) {
		look_away(&e);
		pass_deadline(&e);
	}
	CHECK_EQ(e.now - begin, 10 * SEC);
	/* rfc9293#section-3.10.8: "delete the TCB", and no RST */
	CHECK_QUIET(&e);
	ended(&e);
}

/* Longer than the count of retransmissions, too. */
static void longer_than_the_count(void)
{
	struct tern_config cfg = limited(5000 * SEC);
	struct end e;
	u64 begin;

	cfg.data_retries = 2;
	reach_with(&e, TERN_ESTABLISHED, &cfg);
	begin = e.now;
	end_send(&e, 100);
	while (e.conn.state == TERN_ESTABLISHED) {
		look_away(&e);
		pass_deadline(&e);
	}
	CHECK_EQ(e.now - begin, 5000 * SEC);
	ended(&e);
}

static void progress_starts_it_anew(void)
{
	struct tern_config cfg = limited(10 * SEC);
	struct end e;
	s32 i;

	reach_with(&e, TERN_ESTABLISHED, &cfg);
	end_send(&e, 5000);
	for (i = 1; i < 5; i++) {
		pass(&e, 10 * SEC - 1);
		look_away(&e);
		arrive(&e, TERN_ACK, 0, i * 1000, 0);
		CHECK_STATE(&e, TERN_ESTABLISHED);
	}
	/* an ACK of nothing new is no progress */
	pass(&e, 9 * SEC);
	arrive(&e, TERN_ACK, 0, 4000, 0);
	arrive(&e, TERN_ACK, 0, 4000, 100);
	pass(&e, 1 * SEC - 1);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	pass(&e, 1);
	ended(&e);

	/* all acknowledged: the next data has all of the time */
	reach_with(&e, TERN_ESTABLISHED, &cfg);
	end_send(&e, 100);
	pass(&e, 9 * SEC);
	arrive(&e, TERN_ACK, 0, 100, 0);
	pass(&e, 9 * SEC);
	end_send(&e, 100);
	pass(&e, 10 * SEC - 1);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	pass(&e, 1);
	ended(&e);
}

/* "rfc9293#section-3.8.6.1": answered for ever, but the user has said how long */
static void a_window_that_stays_closed(void)
{
	struct end e;
	u64 begin;
	u32 probes = 0;

	closed_window(&e, 1000 * SEC);
	begin = e.now;
	for (;;) {
		pass_deadline(&e);
		if (e.conn.state != TERN_ESTABLISHED)
			break;
		if (e.next_out == e.n_out)
			continue;
		CHECK_OUT(&e, TERN_ACK, 0, 0, 1);
		look_away(&e);
		probes++;
		arrive(&e, TERN_ACK, 0, 0, 0);
	}
	CHECK(probes > 10);
	CHECK_EQ(e.now - begin, 1000 * SEC);
	ended(&e);

	/* it opens in time */
	closed_window(&e, 10 * SEC);
	pass(&e, 9 * SEC);
	look_away(&e);
	arrive_wnd(&e, TERN_ACK, 0, 0, 0, 1000);
	CHECK_OUT(&e, TERN_ACK | TERN_PSH, 0, 0, 100);
	arrive(&e, TERN_ACK, 0, 100, 0);
	pass(&e, 100 * SEC);
	CHECK_STATE(&e, TERN_ESTABLISHED);
}

static void while_opening(void)
{
	struct tern_config cfg = limited(10 * SEC);
	struct end e;

	reach_with(&e, TERN_SYN_SENT, &cfg);
	pass(&e, 10 * SEC - 1);
	CHECK_STATE(&e, TERN_SYN_SENT);
	pass(&e, 1);
	ended(&e);
	CHECK_EQ(e.sent, 3);

	/* the count of SYNs holds as well */
	cfg.user_timeout = 1000 * SEC;
	reach_with(&e, TERN_SYN_SENT, &cfg);
	pass(&e, 127 * SEC);
	ended(&e);
}

static void shorter_than_the_retransmission_timeout(void)
{
	struct tern_config cfg = limited(1 * MSEC);
	struct end e;

	reach_with(&e, TERN_ESTABLISHED, &cfg);
	end_send(&e, 100);
	CHECK_OUT(&e, TERN_ACK | TERN_PSH, 0, 0, 100);
	CHECK_EQ(pass_deadline(&e), 1 * MSEC);
	CHECK_QUIET(&e);
	ended(&e);
}

/* Closed and alone, the FIN is what waits. */
static void fin_only(void)
{
	static const u8 states[] = { TERN_FIN_WAIT_1, TERN_LAST_ACK, TERN_CLOSING };
	struct tern_config cfg = limited(10 * SEC);
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		test_note("%s", tern_state_name(states[i]));
		reach_with(&e, states[i], &cfg);
		pass(&e, 10 * SEC - 1);
		CHECK_STATE(&e, states[i]);
		pass(&e, 1);
		ended(&e);
	}
	/* acknowledged: nothing waits in FIN_WAIT_2 */
	reach_with(&e, TERN_FIN_WAIT_2, &cfg);
	pass(&e, 1000 * SEC);
	CHECK_STATE(&e, TERN_FIN_WAIT_2);
}

/* Set while data waits: it counts from when that began to wait. */
static void set_and_unset_later(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	end_send(&e, 100);
	pass(&e, 20 * SEC);
	tern_set_user_timeout(&e.conn, 30 * SEC);
	end_laws(&e);
	pass(&e, 10 * SEC - 1);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	tern_set_user_timeout(&e.conn, 0);
	end_laws(&e);
	pass(&e, 100 * SEC);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	/* long ago: now */
	tern_set_user_timeout(&e.conn, 30 * SEC);
	end_laws(&e);
	pass(&e, 1);
	ended(&e);
}

/* 0 is the count of retransmissions, as it was. */
static void none_is_the_count(void)
{
	struct tern_config cfg = limited(0);
	struct end e;
	u32 i;

	cfg.data_retries = 3;
	reach_with(&e, TERN_ESTABLISHED, &cfg);
	end_send(&e, 100);
	for (i = 0; i < 3; i++)
		pass_deadline(&e);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	pass_deadline(&e);
	ended(&e);
}

/* Odd peers: what they say about segments and windows */

static void any_mss(void)
{
	static const struct {
		u16 told, ours, sent, with_ts;
	} rows[] = {
		/* rfc9293#section-3.7.1: nothing said, or nothing sensible: 536 */
		{ 0, 1000, 536, 524 },
		{ 0, 400, 400, 388 },
		/* too small to be true */
		{ 1, 1000, 48, 36 },
		{ 47, 1000, 48, 36 },
		{ 48, 1000, 48, 36 },
		{ 49, 1000, 49, 37 },
		{ 65535, 1000, 1000, 988 },
		{ 65535, 65535, 65535, 65523 },
		{ 1, 1, 1, 1 },
		{ 65535, 5, 5, 1 },
	};
	struct tern_seg seg;
	struct end e;
	u32 i;

	for (i = 0; i < 4 * ARRAY_SIZE(rows); i++) {
		u32 row = i / 4;
		bool ts = i & 1;

		test_note("row %u, timestamps %u, passive %u", row, ts, i & 2);
		end_init(&e);
		e.cfg.mss = rows[row].ours;
		e.cfg.timestamps = ts;
		e.wnd = 1000000;
		if (!(i & 2))
			end_open(&e);
		seg = peer_seg(&e, i & 2 ? TERN_SYN : TERN_SYN | TERN_ACK, -1, 0, 0);
		seg.mss = rows[row].told;
		seg.has_ts = ts;
		if (i & 2) {
			end_open_syn(&e, &seg);
			CHECK_EQ(e.out[0].mss, rows[row].ours);
			seg = peer_seg(&e, TERN_ACK, 0, 0, 0);
			seg.has_ts = ts;
		}
		end_segment(&e, &seg);
		CHECK_STATE(&e, TERN_ESTABLISHED);
		look_away(&e);
		end_send(&e, 200000);
		CHECK_OUT(&e, TERN_ACK, 0, 0, ts ? rows[row].with_ts : rows[row].sent);
	}
}

/* Data and FIN that were sent lie beyond the right edge now. */
static void nothing_beyond_a_window_that_shrinks(void)
{
	static const u32 windows[] = { 0, 1, 999, 1000, 1001, 2500, 4999, 5000 };
	struct end e;
	u32 sent;
	u32 i;
	u32 k;

	for (i = 0; i < ARRAY_SIZE(windows); i++) {
		u32 wnd = windows[i];

		test_note("window %u", wnd);
		reach(&e, TERN_ESTABLISHED);
		end_send(&e, 5 * MSS);
		end_close(&e);
		look_away(&e);
		/* it has nothing, and takes no more than that */
		arrive_wnd(&e, TERN_ACK, 0, 0, 0, wnd);
		for (k = 0; k < 12; k++) {
			sent = e.sent;
			look_away(&e);
			pass_deadline(&e);
			/* one octet asks for more, where there is none */
			for (u32 n = 0; n < e.n_out; n++) {
				CHECK(e.out[n].pos + e.out[n].len +
				      !!(e.out[n].flags & TERN_FIN) <=
				      (wnd ? wnd : 1));
			}
			if (e.sent != sent)
				arrive(&e, TERN_ACK, 0, 0, 0);
		}
		CHECK_STATE(&e, TERN_FIN_WAIT_1);
		/* it opens, and all comes in its time */
		arrive_wnd(&e, TERN_ACK, 0, 0, 0, 20 * MSS);
		for (k = 1; k <= 5; k++) {
			pass(&e, 120 * SEC);
			arrive(&e, TERN_ACK, 0, (s32)k * MSS, 0);
		}
		pass(&e, 120 * SEC);
		arrive(&e, TERN_ACK, 0, 5 * MSS + 1, 0);
		CHECK_STATE(&e, TERN_FIN_WAIT_2);
	}
}

/* The ACK was taken in, and the timer ran before anything was drained. */
static void an_ack_that_came_in_time(void)
{
	struct tern_config cfg = limited(10 * SEC);
	struct tern_result res;
	struct tern_seg seg;
	struct end e;

	reach_with(&e, TERN_ESTABLISHED, &cfg);
	end_send(&e, 2 * MSS);
	look_away(&e);
	e.now += 10 * SEC - 1;
	seg = peer_seg(&e, TERN_ACK, 0, MSS, 0);
	tern_segment_arrives(&e.conn, e.now, &seg);
	e.now += 1;
	res = tern_timeout(&e.conn, e.now);
	CHECK(!(res.events & TERN_EV_CLOSED));
	CHECK_STATE(&e, TERN_ESTABLISHED);
}

static const struct test tests[] = {
	TEST(an_ack_that_came_in_time),
	TEST(nothing_into_the_silence),
	TEST(probes_and_the_end),
	TEST(a_peer_that_answers),
	TEST(a_probe_is_answered),
	TEST(a_probe_that_is_reset),
	TEST(what_counts_as_a_sign_of_life),
	TEST(not_while_data_is_outstanding),
	TEST(not_before_the_handshake),
	TEST(on_and_off),
	TEST(as_many_probes_as_said),
	TEST(keepalive_with_a_user_timeout),
	TEST(data_that_nobody_acknowledges),
	TEST(longer_than_the_count),
	TEST(progress_starts_it_anew),
	TEST(a_window_that_stays_closed),
	TEST(while_opening),
	TEST(shorter_than_the_retransmission_timeout),
	TEST(fin_only),
	TEST(set_and_unset_later),
	TEST(none_is_the_count),
	TEST(any_mss),
	TEST(nothing_beyond_a_window_that_shrinks),
};

int main(void)
{
	return run_tests("patience", tests, ARRAY_SIZE(tests));
}
