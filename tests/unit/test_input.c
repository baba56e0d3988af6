// SPDX-License-Identifier: GPL-2.0
/*
 * SEGMENT ARRIVES, rfc9293#section-3.10.7: each step as a table, the figures of
 * sections 3.3 to 3.6, and random segments in every state.
 */
#include "tests/unit/test.h"

#define SYN TERN_SYN
#define FIN TERN_FIN
#define RST TERN_RST
#define PSH TERN_PSH
#define ACK TERN_ACK

static const enum tern_state synchronized[] = {
	TERN_SYN_RECEIVED, TERN_ESTABLISHED, TERN_FIN_WAIT_1, TERN_FIN_WAIT_2,
	TERN_CLOSING, TERN_CLOSE_WAIT, TERN_LAST_ACK,
};

/* 3.10.7.1 and 3.10.7.2: no connection */

static void listener_verdicts(void)
{
	static const struct {
		u8 flags;
		enum tern_listen_verdict want;
	} rows[] = {
		{ SYN, TERN_LISTEN_SYN },
		{ SYN | PSH, TERN_LISTEN_SYN },
		{ SYN | FIN, TERN_LISTEN_DROP },
		{ SYN | ACK, TERN_LISTEN_RESET },
		{ SYN | RST, TERN_LISTEN_DROP },
		{ RST, TERN_LISTEN_DROP },
		{ RST | ACK, TERN_LISTEN_DROP },
		{ ACK, TERN_LISTEN_RESET },
		{ FIN | ACK, TERN_LISTEN_RESET },
		{ FIN, TERN_LISTEN_DROP },
		{ PSH, TERN_LISTEN_DROP },
		{ 0, TERN_LISTEN_DROP },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tern_seg seg = { .flags = rows[i].flags };

		test_note("flags 0x%x", rows[i].flags);
		CHECK_EQ(tern_listen_segment_arrives(&seg), rows[i].want);
	}
}

static void the_reset_for_nobody(void)
{
	static const struct {
		u8 flags;
		u32 len;
		u8 want;
		u32 seq, ack;
	} rows[] = {
		/* with ACK: its number; without: what it would be acknowledged by */
		{ ACK, 0, RST, 0x11, 0 },
		{ ACK, 100, RST, 0x11, 0 },
		{ SYN | ACK, 0, RST, 0x11, 0 },
		{ SYN, 0, RST | ACK, 0, 0xffffffff },
		{ 0, 1, RST | ACK, 0, 0xffffffff },
		{ SYN, 1, RST | ACK, 0, 0 },
		{ FIN, 5, RST | ACK, 0, 4 },
		{ SYN | FIN, 5, RST | ACK, 0, 5 },
		{ 0, 0, RST | ACK, 0, 0xfffffffe },
	};
	struct tern_seg rst;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tern_seg seg = {
			.sport = 5, .dport = 6, .seq = tern_seq_of(0xfffffffe),
			.ack = tern_seq_of(0x11), .flags = rows[i].flags,
			.len = rows[i].len,
		};

		test_note("row %u", i);
		CHECK(tern_reset_for(&seg, &rst));
		CHECK_EQ(rst.flags, rows[i].want);
		CHECK_EQ(rst.seq, rows[i].seq);
		CHECK_EQ(rst.ack, rows[i].ack);
		CHECK_EQ(rst.sport, 6);
		CHECK_EQ(rst.dport, 5);
		CHECK_EQ(rst.len, 0);
		seg.flags |= RST;
		CHECK(!tern_reset_for(&seg, &rst));
	}
}

/* In CLOSED nothing is used; the shell answers for nobody. */
static void closed_uses_nothing(void)
{
	struct end e;

	reach(&e, TERN_CLOSED);
	arrive(&e, SYN | ACK, -1, 0, 0);
	CHECK_EQ(e.res.drop, TERN_DROP_CLOSED);
	CHECK_QUIET(&e);
}

/* 3.10.7.3: SYN-SENT */

static const struct {
	const char *name;
	u8 flags;
	s32 ack;
	enum tern_state to;
	enum tern_error error;
	u8 out;
} syn_sent_rows[] = {
	{ "SYN-ACK", SYN | ACK, 0, TERN_ESTABLISHED, TERN_OK, ACK },
	{ "SYN-ACK of nothing", SYN | ACK, -1, TERN_SYN_SENT, TERN_OK, RST },
	{ "SYN-ACK of more", SYN | ACK, 1, TERN_SYN_SENT, TERN_OK, RST },
	{ "ACK of nothing", ACK, -1, TERN_SYN_SENT, TERN_OK, RST },
	{ "ACK of more", ACK, 1, TERN_SYN_SENT, TERN_OK, RST },
	{ "ACK of the SYN", ACK, 0, TERN_SYN_SENT, TERN_OK, 0 },
	{ "RST of the SYN", RST | ACK, 0, TERN_CLOSED, TERN_ERR_REFUSED, 0 },
	{ "RST of nothing", RST | ACK, -1, TERN_SYN_SENT, TERN_OK, 0 },
	{ "RST of more", RST | ACK, 1, TERN_SYN_SENT, TERN_OK, 0 },
	{ "RST without ACK", RST, 0, TERN_SYN_SENT, TERN_OK, 0 },
	{ "RST with SYN", RST | SYN, 0, TERN_SYN_SENT, TERN_OK, 0 },
	{ "SYN", SYN, 0, TERN_SYN_RECEIVED, TERN_OK, SYN | ACK },
	{ "SYN with FIN", SYN | FIN, 0, TERN_SYN_SENT, TERN_OK, 0 },
	{ "FIN", FIN | ACK, 0, TERN_SYN_SENT, TERN_OK, 0 },
	{ "no flags", 0, 0, TERN_SYN_SENT, TERN_OK, 0 },
};

static void syn_sent(void)
{
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(syn_sent_rows); i++) {
		test_note("%s", syn_sent_rows[i].name);
		reach(&e, TERN_SYN_SENT);
		arrive(&e, syn_sent_rows[i].flags, -1, syn_sent_rows[i].ack, 0);
		CHECK_STATE(&e, syn_sent_rows[i].to);
		CHECK_EQ(e.conn.error, syn_sent_rows[i].error);
		CHECK_EQ(e.n_out, syn_sent_rows[i].out ? 1 : 0);
		if (syn_sent_rows[i].out)
			CHECK_EQ(e.out[0].flags, syn_sent_rows[i].out);
		if (syn_sent_rows[i].out == RST)
			CHECK_EQ(e.out[0].seq, ISS + 1 + (u32)syn_sent_rows[i].ack);
	}
}

/* SYN carries no data: neither taken nor acknowledged, and later sent again. */
static void payload_on_syn_ack_is_refused(void)
{
	struct end e;

	reach(&e, TERN_SYN_SENT);
	arrive(&e, SYN | ACK | PSH, -1, 0, 100);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	CHECK_EQ(e.res.events, TERN_EV_ESTABLISHED);
	CHECK_OUT(&e, ACK, 0, 0, 0);
	arrive(&e, ACK, 0, 0, 100);
	CHECK_EQ(e.res.data_pos, 0);
	CHECK_EQ(e.res.data_len, 100);
}

/* 3.10.7.4, first: the four cases of the acceptability test */

struct acceptable_row {
	s32 pos;
	u32 len;
	u32 taken_off, taken;
	enum tern_drop drop;
};

/* RCV.NXT is 0 and RCV.WND 20,000 */
static const struct acceptable_row acceptable_rows[] = {
	{ 0, 0, 0, 0, TERN_DROP_NONE },
	{ 19999, 0, 0, 0, TERN_DROP_NONE },
	{ 20000, 0, 0, 0, TERN_DROP_WINDOW },
	{ -1, 0, 0, 0, TERN_DROP_WINDOW },
	{ 0x7fffffff, 0, 0, 0, TERN_DROP_WINDOW },
	{ 0, 1000, 0, 1000, TERN_DROP_NONE },
	{ 19999, 1, 0, 1, TERN_DROP_NONE },
	{ 20000, 1, 0, 0, TERN_DROP_WINDOW },
	{ -10, 10, 0, 0, TERN_DROP_DUPLICATE },
	{ -10, 9, 0, 0, TERN_DROP_DUPLICATE },
	{ -10, 11, 10, 1, TERN_DROP_NONE },
	{ 19999, 10, 0, 1, TERN_DROP_WINDOW },
	{ 19000, 1000, 0, 1000, TERN_DROP_NONE },
	{ 19000, 1001, 0, 1000, TERN_DROP_WINDOW },
	{ 0, 20001, 0, 20000, TERN_DROP_WINDOW },
};

static void acceptability_with_a_window(void)
{
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(acceptable_rows); i++) {
		const struct acceptable_row *row = &acceptable_rows[i];

		test_note("pos %d len %u", row->pos, row->len);
		reach(&e, TERN_ESTABLISHED);
		arrive(&e, ACK, row->pos, 0, row->len);
		CHECK_EQ(e.res.drop, row->drop);
		CHECK_EQ(e.res.data_len, row->taken);
		CHECK_EQ(e.res.data_off, row->taken_off);
		if (row->taken)
			CHECK_EQ(e.res.data_pos, row->pos + (s32)row->taken_off);
		/* the answer to what is not acceptable */
		if (row->drop && !row->taken)
			CHECK_OUT(&e, ACK, 0, 0, 0);
		if (!row->len && !row->drop)
			CHECK_QUIET(&e);
	}
}

/* A connection whose buffer of 1,000 is full */
static void closed_window(struct end *e)
{
	struct tern_config cfg = default_config();

	cfg.rcv_buf = 1000;
	reach_with(e, TERN_ESTABLISHED, &cfg);
	arrive(e, ACK, 0, 0, 1000);
	pass(e, 1 * SEC);
	CHECK_EQ(tern_rcv_wnd(&e->conn), 0);
	end_send(e, 500);
	look_away(e);
}

static void acceptability_with_a_closed_window(void)
{
	static const struct {
		s32 pos;
		u32 len;
		bool ack_used, answered;
	} rows[] = {
		{ 1000, 0, true, false },
		{ 999, 0, false, true },
		{ 1001, 0, false, true },
		/* a probe: its ACK is used, it is answered, its octet is not taken */
		{ 1000, 1, true, true },
		{ 1000, 1000, true, true },
		{ 999, 1, false, true },
		{ 1001, 1, false, true },
	};
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		test_note("pos %d len %u", rows[i].pos, rows[i].len);
		closed_window(&e);
		arrive(&e, ACK, rows[i].pos, 500, rows[i].len);
		CHECK_EQ(e.res.acked, rows[i].ack_used ? 500 : 0);
		CHECK_EQ(e.res.data_len, 0);
		if (rows[i].answered)
			CHECK_OUT(&e, ACK, 500, 1000, 0);
		CHECK_QUIET(&e);
	}
	closed_window(&e);
	arrive(&e, RST, 1000, 0, 0);
	CHECK_STATE(&e, TERN_CLOSED);
	closed_window(&e);
	arrive(&e, FIN | ACK, 1000, 0, 0);
	CHECK_STATE(&e, TERN_ESTABLISHED);
}

/*
 * Both windows were closed, both ends have probed, and both windows opened before the
 * probes came: each has taken the other's octet and does not know of its own.
 */
static void crossing_probes(void)
{
	struct tern_config cfg = default_config();
	struct end e;

	cfg.rcv_buf = 1000;
	reach_with(&e, TERN_ESTABLISHED, &cfg);
	arrive_wnd(&e, ACK, 0, 0, 1000, 0);
	pass(&e, 1 * SEC);
	look_away(&e);
	end_send(&e, 500);
	pass_deadline(&e);
	CHECK_OUT(&e, ACK, 0, 1000, 1);
	end_receive(&e, 1000);
	CHECK_OUT(&e, ACK, 0, 1000, 0);
	/* its probe; its window is still closed, as far as it says */
	arrive_wnd(&e, ACK, 1000, 0, 1, 0);
	CHECK_EQ(rcv_pos(&e), 1001);
	pass_deadline(&e);
	CHECK_OUT(&e, ACK, 0, 1001, 0);
	/* an older ACK says nothing, one from too far back neither */
	arrive_wnd(&e, ACK, 1000, 0, 0, 1000);
	CHECK_EQ(snd_pos(&e), 1);
	CHECK_EQ(tern_snd_pos(&e.conn), 0);
	arrive_wnd(&e, ACK, 0, 1, 0, 1000);
	CHECK_EQ(tern_snd_pos(&e.conn), 0);
	/* and what has taken our octet, sent from before its own: it is heard */
	arrive_wnd(&e, ACK, 1000, 1, 0, 1000);
	CHECK_EQ(tern_snd_pos(&e.conn), 1);
	CHECK_EQ(snd_pos(&e), 500);
}

/* Bare segments outside the window are answered now and then only. */
static void no_war_of_acknowledgments(void)
{
	struct end e;
	u32 i;

	reach(&e, TERN_ESTABLISHED);
	for (i = 0; i < 100; i++)
		arrive(&e, ACK, -5, 0, 0);
	CHECK_EQ(e.sent, 1);
	/* one that may be the peer's retransmission always */
	for (i = 0; i < 10; i++)
		arrive(&e, ACK, -5, 0, 5);
	CHECK_EQ(e.sent, 11);
}

/* Second, RST: rfc5961#section-3.2 */
static void rst_in_every_state(void)
{
	struct end e;
	u32 i;
	u32 k;

	for (i = 0; i < ARRAY_SIZE(synchronized); i++) {
		enum tern_state state = synchronized[i];
		bool ordinary = state == TERN_CLOSING || state == TERN_LAST_ACK;

		test_note("%s", tern_state_name(state));
		for (k = 0; k < 4; k++) {
			static const s32 off[] = { -1, 1, 19000, 20000 };
			bool inside = k == 1 || k == 2;
			u32 challenge = inside ? TERN_EV_CHALLENGE : 0;

			reach(&e, state);
			arrive(&e, RST, rcv_pos(&e) + off[k], 0, 0);
			CHECK_STATE(&e, state);
			CHECK_EQ(e.res.events, challenge);
			CHECK_EQ(e.res.drop, inside ? TERN_DROP_RST : TERN_DROP_WINDOW);
			if (inside)
				CHECK_OUT(&e, ACK, snd_pos(&e), rcv_pos(&e), 0);
			CHECK_QUIET(&e);
		}
		reach(&e, state);
		arrive(&e, RST, rcv_pos(&e), 0, 0);
		CHECK_STATE(&e, TERN_CLOSED);
		CHECK_EQ(e.conn.error, ordinary ? TERN_OK : TERN_ERR_RESET);
		CHECK_QUIET(&e);
	}
}

/* Fourth, SYN: rfc5961#section-4.2, wherever it is */
static void syn_in_every_state(void)
{
	static const s32 off[] = { -20, -1, 0, 1, 19999, 20000, 100000 };
	struct end e;
	u32 i;
	u32 k;

	for (i = 0; i < ARRAY_SIZE(synchronized); i++) {
		for (k = 0; k < ARRAY_SIZE(off); k++) {
			bool again;
			s32 pos;

			reach(&e, synchronized[i]);
			pos = rcv_pos(&e) + off[k];
			/* the first SYN again is another test */
			again = e.conn.state == TERN_SYN_RECEIVED && pos == -1;
			test_note("%s, pos %d", tern_state_name(e.conn.state), pos);
			if (again)
				continue;
			arrive(&e, k % 2 ? SYN : SYN | ACK, pos, snd_pos(&e), 0);
			CHECK_STATE(&e, synchronized[i]);
			CHECK_EQ(e.res.events, TERN_EV_CHALLENGE);
			CHECK_EQ(e.res.drop, TERN_DROP_SYN);
			CHECK_OUT(&e, ACK, snd_pos(&e), rcv_pos(&e), 0);
			CHECK_QUIET(&e);
		}
	}
}

static void challenges_are_the_shells_to_limit(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	e.no_challenge = true;
	arrive(&e, SYN, 100, 0, 0);
	CHECK_EQ(e.res.events, TERN_EV_CHALLENGE);
	CHECK_QUIET(&e);
}

static void the_first_syn_again(void)
{
	struct end e;

	reach(&e, TERN_SYN_RECEIVED);
	arrive(&e, SYN, -1, 0, 0);
	CHECK_STATE(&e, TERN_SYN_RECEIVED);
	CHECK_OUT(&e, SYN | ACK, -1, 0, 0);
	CHECK_QUIET(&e);
	/* Karn: which SYN-ACK is it that is acknowledged now? */
	e.now += 10 * MSEC;
	arrive(&e, ACK, 0, 0, 0);
	CHECK_EQ(e.conn.srtt, 0);
}

/* The third message was lost: the peer's SYN-ACK again is answered with it. */
static void the_syn_ack_again(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	arrive(&e, SYN | ACK, -1, 0, 0);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	CHECK_OUT(&e, ACK, 0, 0, 0);
	CHECK_QUIET(&e);
}

/* Fifth, ACK: in SYN-RECEIVED only that of our SYN */
static void ack_in_syn_received(void)
{
	static const struct {
		s32 ack;
		bool good;
	} rows[] = { { -2, false }, { -1, false }, { 0, true }, { 1, false }, { 1000, false } };
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		test_note("ack %d", rows[i].ack);
		reach(&e, TERN_SYN_RECEIVED);
		arrive(&e, ACK, 0, rows[i].ack, 0);
		if (rows[i].good) {
			CHECK_STATE(&e, TERN_ESTABLISHED);
			CHECK_EQ(e.res.events, TERN_EV_ESTABLISHED);
		} else {
			CHECK_STATE(&e, TERN_SYN_RECEIVED);
			CHECK_EQ(e.res.events, TERN_EV_RESET);
			CHECK_EQ(e.out[0].flags, RST);
			CHECK_EQ(e.out[0].seq, ISS + 1 + (u32)rows[i].ack);
			e.next_out++;
		}
		CHECK_QUIET(&e);
	}
}

/* SND.UNA is 1,000, SND.NXT 3,000, and the peer never offered more than 20,000 */
static void ack_range(void)
{
	static const struct {
		s32 ack;
		u32 acked;
		enum tern_drop drop;
		u32 events;
		bool data_taken;
	} rows[] = {
		{ 999, 0, TERN_DROP_NONE, TERN_EV_DATA, true },
		{ 0, 0, TERN_DROP_NONE, TERN_EV_DATA, true },
		{ 1000 - 20000, 0, TERN_DROP_NONE, TERN_EV_DATA, true },
		{ 999 - 20000, 0, TERN_DROP_ACK, TERN_EV_CHALLENGE, false },
		{ 1000, 0, TERN_DROP_NONE, TERN_EV_DATA, true },
		{ 1001, 1, TERN_DROP_NONE, TERN_EV_DATA | TERN_EV_ACKED, true },
		{ 3000, 2000, TERN_DROP_NONE, TERN_EV_DATA | TERN_EV_ACKED, true },
		{ 3001, 0, TERN_DROP_ACK, 0, false },
		{ 0x7fff0000, 0, TERN_DROP_ACK, 0, false },
	};
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		test_note("ack %d", rows[i].ack);
		reach(&e, TERN_ESTABLISHED);
		end_send(&e, 3000);
		arrive(&e, ACK, 0, 1000, 0);
		look_away(&e);
		arrive(&e, ACK, 0, rows[i].ack, 10);
		CHECK_EQ(e.res.acked, rows[i].acked);
		CHECK_EQ(e.res.drop, rows[i].drop);
		CHECK_EQ(e.res.events, rows[i].events);
		CHECK_EQ(e.conn.rcv_held, rows[i].data_taken ? 10 : 0);
		if (!rows[i].data_taken)
			CHECK_OUT(&e, ACK, 3000, 0, 0);
		CHECK_QUIET(&e);
	}
}

/*
 * Closed before our SYN was acknowledged: an ACK from before it belongs to another
 * connection of these ports, and so does its text.
 */
static void no_old_ack_before_the_syn_is_acked(void)
{
	struct end e;

	reach(&e, TERN_SYN_RECEIVED);
	end_close(&e);
	look_away(&e);
	arrive(&e, ACK, 0, -100, 10);
	CHECK_EQ(e.res.drop, TERN_DROP_ACK);
	CHECK_EQ(rcv_pos(&e), 0);
	arrive(&e, ACK, 0, -1, 10);
	CHECK_EQ(e.res.drop, TERN_DROP_ACK);
	CHECK_EQ(rcv_pos(&e), 0);
	arrive(&e, ACK, 0, 0, 10);
	CHECK_EQ(rcv_pos(&e), 10);
	CHECK_STATE(&e, TERN_FIN_WAIT_1);
}

static void no_ack_no_use(void)
{
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(synchronized); i++) {
		test_note("%s", tern_state_name(synchronized[i]));
		reach(&e, synchronized[i]);
		arrive(&e, PSH, rcv_pos(&e), 0, 10);
		CHECK_STATE(&e, synchronized[i]);
		CHECK_EQ(e.res.events, 0);
		CHECK_EQ(e.res.drop, TERN_DROP_FLAGS);
		CHECK_QUIET(&e);
	}
}

/*
 * An acknowledgment that moves snd_una is the latest, although a segment with a higher
 * sequence number came before it: the right edge stays where the peer has put it.
 */
static void what_moves_brings_its_window(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	CHECK(end_send(&e, 1000));
	arrive_wnd(&e, TERN_ACK, 100, 0, 100, 1500);
	CHECK_EQ(e.conn.snd_wnd, 1500);
	arrive_wnd(&e, TERN_ACK, 0, 1000, 100, 500);
	CHECK_EQ(e.conn.snd_wnd, 500);
	/* and what came before it says nothing */
	arrive_wnd(&e, TERN_ACK, 100, 0, 100, 1500);
	CHECK_EQ(e.conn.snd_wnd, 500);
}

/* rfc9293#section-3.10.7.4, fifth: SND.WL1 and SND.WL2 keep old windows out */
static void old_windows_do_not_count(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	arrive_wnd(&e, ACK, 0, 0, 10, 5000);
	CHECK_EQ(e.conn.snd_wnd, 5000);
	arrive_wnd(&e, ACK, 20, 0, 10, 6000);
	CHECK_EQ(e.conn.snd_wnd, 6000);
	/* sent before that one, and overtaken */
	arrive_wnd(&e, ACK, 10, 0, 10, 7000);
	CHECK_EQ(e.conn.snd_wnd, 6000);
	CHECK_EQ(tern_rcv_pos(&e.conn), 30);
	arrive_wnd(&e, ACK, 30, 0, 0, 8000);
	CHECK_EQ(e.conn.snd_wnd, 8000);
	/* the same numbers count, as a probe's answer has them */
	arrive_wnd(&e, ACK, 30, 0, 0, 9000);
	CHECK_EQ(e.conn.snd_wnd, 9000);
	/* same sequence number, older acknowledgment */
	end_send(&e, 100);
	arrive_wnd(&e, ACK, 30, 100, 0, 9500);
	CHECK_EQ(e.conn.snd_wnd, 9500);
	arrive_wnd(&e, ACK, 30, 50, 0, 100);
	CHECK_EQ(e.conn.snd_wnd, 9500);
}

/* Figure 5 */

static const struct {
	enum tern_state from;
	u8 flags;
	/* relative to what is expected, and to all that was sent */
	s32 pos, ack;
	enum tern_state to;
	u32 events;
} figure_5[] = {
	{ TERN_SYN_RECEIVED, ACK, 0, 0, TERN_ESTABLISHED, TERN_EV_ESTABLISHED },
	{ TERN_SYN_RECEIVED, FIN | ACK, 0, 0, TERN_CLOSE_WAIT,
	  TERN_EV_ESTABLISHED | TERN_EV_FIN },
	{ TERN_ESTABLISHED, FIN | ACK, 0, 0, TERN_CLOSE_WAIT, TERN_EV_FIN },
	{ TERN_FIN_WAIT_1, ACK, 0, 0, TERN_FIN_WAIT_2, 0 },
	{ TERN_FIN_WAIT_1, FIN | ACK, 0, -1, TERN_CLOSING, TERN_EV_FIN },
	{ TERN_FIN_WAIT_1, FIN | ACK, 0, 0, TERN_TIME_WAIT,
	  TERN_EV_FIN | TERN_EV_TIME_WAIT },
	{ TERN_FIN_WAIT_2, FIN | ACK, 0, 0, TERN_TIME_WAIT,
	  TERN_EV_FIN | TERN_EV_TIME_WAIT },
	{ TERN_CLOSING, ACK, 0, 0, TERN_TIME_WAIT, TERN_EV_TIME_WAIT },
	{ TERN_LAST_ACK, ACK, 0, 0, TERN_CLOSED, TERN_EV_CLOSED },
	/* what moves nothing */
	{ TERN_ESTABLISHED, ACK, 0, 0, TERN_ESTABLISHED, 0 },
	{ TERN_FIN_WAIT_1, ACK, 0, -1, TERN_FIN_WAIT_1, 0 },
	{ TERN_FIN_WAIT_2, ACK, 0, 0, TERN_FIN_WAIT_2, 0 },
	{ TERN_CLOSING, ACK, 0, -1, TERN_CLOSING, 0 },
	{ TERN_CLOSING, FIN | ACK, -1, -1, TERN_CLOSING, 0 },
	{ TERN_CLOSE_WAIT, ACK, 0, 0, TERN_CLOSE_WAIT, 0 },
	{ TERN_CLOSE_WAIT, FIN | ACK, -1, 0, TERN_CLOSE_WAIT, 0 },
	{ TERN_LAST_ACK, ACK, 0, -1, TERN_LAST_ACK, 0 },
	{ TERN_LAST_ACK, FIN | ACK, -1, -1, TERN_LAST_ACK, 0 },
};

static void every_transition(void)
{
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(figure_5); i++) {
		test_note("row %u, %s", i, tern_state_name(figure_5[i].from));
		reach(&e, figure_5[i].from);
		arrive(&e, figure_5[i].flags, rcv_pos(&e) + figure_5[i].pos,
		       snd_pos(&e) + figure_5[i].ack, 0);
		CHECK_STATE(&e, figure_5[i].to);
		CHECK_EQ(e.res.events, figure_5[i].events);
		CHECK_EQ(e.conn.error, TERN_OK);
		/* every FIN is acknowledged, a repeated one again */
		if (figure_5[i].flags & FIN)
			CHECK_OUT(&e, ACK, snd_pos(&e), 1, 0);
		CHECK_QUIET(&e);
	}
}

/* The peer's FIN again in FIN_WAIT_1 that carries the ACK of ours, as in CLOSING */
static void simultaneous_close(void)
{
	struct end e;

	/* figure 13: FINs cross; each is acknowledged */
	reach(&e, TERN_FIN_WAIT_1);
	arrive(&e, FIN | ACK, 0, 0, 0);
	CHECK_STATE(&e, TERN_CLOSING);
	CHECK_OUT(&e, ACK, 1, 1, 0);
	arrive(&e, ACK, 1, 1, 0);
	CHECK_STATE(&e, TERN_TIME_WAIT);
	CHECK_QUIET(&e);
}

/* rfc9293#section-3.5, figure 7, and its SYNs crossing twice */
static void simultaneous_open(void)
{
	struct end e;

	reach(&e, TERN_SYN_SENT);
	arrive(&e, SYN, -1, 0, 0);
	CHECK_STATE(&e, TERN_SYN_RECEIVED);
	CHECK_OUT(&e, SYN | ACK, -1, 0, 0);
	CHECK_QUIET(&e);
	/* the peer's SYN-ACK */
	arrive(&e, SYN | ACK, -1, 0, 0);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	CHECK(e.res.events & TERN_EV_ESTABLISHED);
	look_away(&e);
	CHECK_EQ(tern_next_deadline(&e.conn), TERN_NEVER);
	end_send(&e, 10);
	CHECK_OUT(&e, PSH | ACK, 0, 0, 10);
	arrive(&e, ACK, 0, 10, 10);
	CHECK_EQ(e.res.data_pos, 0);

	/* or a plain ACK of our SYN */
	reach(&e, TERN_SYN_SENT);
	arrive(&e, SYN, -1, 0, 0);
	look_away(&e);
	arrive(&e, ACK, 0, 0, 0);
	CHECK_STATE(&e, TERN_ESTABLISHED);

	/* refused now: it was an active open */
	reach(&e, TERN_SYN_SENT);
	arrive(&e, SYN, -1, 0, 0);
	arrive(&e, RST | ACK, 0, 0, 0);
	CHECK_STATE(&e, TERN_CLOSED);
	CHECK_EQ(e.conn.error, TERN_ERR_REFUSED);
}

static void a_lost_syn_ack_of_a_simultaneous_open(void)
{
	struct end e;

	reach(&e, TERN_SYN_SENT);
	arrive(&e, SYN, -1, 0, 0);
	look_away(&e);
	CHECK_EQ(pass_deadline(&e), 1 * SEC);
	CHECK_OUT(&e, SYN | ACK, -1, 0, 0);
	CHECK_EQ(pass_deadline(&e), 2 * SEC);
	CHECK_OUT(&e, SYN | ACK, -1, 0, 0);
}

/* rfc9293#section-3.5, figure 8: an old SYN is reset by the one who knows better */
static void an_old_duplicate_syn(void)
{
	struct end e;

	reach(&e, TERN_SYN_RECEIVED);
	arrive(&e, RST, 0, 0, 0);
	CHECK_STATE(&e, TERN_CLOSED);
	CHECK_EQ(e.res.events, TERN_EV_CLOSED);

	/* and the one who knows: an ACK that is not for its SYN */
	reach(&e, TERN_SYN_SENT);
	arrive(&e, SYN | ACK, -1, -100, 0);
	CHECK_STATE(&e, TERN_SYN_SENT);
	CHECK_OUT(&e, RST, -100, 0, 0);
	arrive(&e, SYN | ACK, -1, 0, 0);
	CHECK_STATE(&e, TERN_ESTABLISHED);
}

/* rfc9293#section-3.5.1, figure 9: one end has crashed and calls again */
static void half_open_discovery(void)
{
	struct end e;

	/* the end that did not crash challenges the strange SYN */
	reach(&e, TERN_ESTABLISHED);
	arrive(&e, SYN, 5000000, 0, 0);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	CHECK_OUT(&e, ACK, 0, 0, 0);
	/* the RST that answers has the number of that ACK */
	arrive(&e, RST, 0, 0, 0);
	CHECK_STATE(&e, TERN_CLOSED);
	CHECK_EQ(e.conn.error, TERN_ERR_RESET);

	/* the end that crashed resets an ACK it cannot place */
	reach(&e, TERN_SYN_SENT);
	arrive(&e, ACK, 0, 5000, 0);
	CHECK_OUT(&e, RST, 5000, 0, 0);
	CHECK_STATE(&e, TERN_SYN_SENT);
}

/* Seventh: text */

static void data_on_the_third_segment(void)
{
	struct end e;

	reach(&e, TERN_SYN_RECEIVED);
	arrive(&e, PSH | ACK, 0, 0, 100);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	CHECK_EQ(e.res.events, TERN_EV_ESTABLISHED | TERN_EV_DATA);
	CHECK_EQ(e.res.data_pos, 0);
	CHECK_EQ(e.res.data_len, 100);

	/* all at once: data and FIN as well */
	reach(&e, TERN_SYN_RECEIVED);
	arrive(&e, FIN | PSH | ACK, 0, 0, 100);
	CHECK_STATE(&e, TERN_CLOSE_WAIT);
	CHECK_EQ(e.res.path_len, 2);
	CHECK_EQ(e.res.path[0], TERN_ESTABLISHED);
	CHECK_EQ(e.res.path[1], TERN_CLOSE_WAIT);
	CHECK_OUT(&e, ACK, 0, 101, 0);
}

/* The third message was lost, the data behind it was not. */
static void data_before_the_third_segment(void)
{
	struct end e;

	reach(&e, TERN_SYN_RECEIVED);
	arrive(&e, ACK, 100, 0, 100);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	CHECK_EQ(e.res.data_pos, 100);
	CHECK_EQ(tern_rcv_pos(&e.conn), 0);
	CHECK_OUT(&e, ACK, 0, 0, 0);
}

static void text_where_none_can_be(void)
{
	static const enum tern_state states[] = {
		TERN_CLOSE_WAIT, TERN_CLOSING, TERN_LAST_ACK,
	};
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		test_note("%s", tern_state_name(states[i]));
		reach(&e, states[i]);
		arrive(&e, ACK, 1, 0, 100);
		CHECK_EQ(e.res.events, 0);
		CHECK_EQ(e.conn.rcv_held, 0);
		CHECK_STATE(&e, states[i]);
	}
}

static void a_fin_out_of_order(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	arrive(&e, FIN | ACK, 100, 0, 50);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	CHECK_EQ(e.res.events, TERN_EV_DATA);
	CHECK_OUT(&e, ACK, 0, 0, 0);
	arrive(&e, ACK, 0, 0, 100);
	CHECK_STATE(&e, TERN_CLOSE_WAIT);
	CHECK_EQ(e.res.events, TERN_EV_DATA | TERN_EV_FIN);
	CHECK_OUT(&e, ACK, 0, 151, 0);
	CHECK_EQ(tern_rcv_pos(&e.conn), 150);

	/* the FIN alone, and ranges forgotten meanwhile: it stays known */
	reach(&e, TERN_FIN_WAIT_2);
	arrive(&e, FIN | ACK, 100, 1, 0);
	tern_forget_ranges(&e.conn);
	end_laws(&e);
	arrive(&e, ACK, 0, 1, 100);
	CHECK_STATE(&e, TERN_TIME_WAIT);
}

/* Data behind a FIN, and a FIN before data: a peer that contradicts itself */
static void contradictions(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	arrive(&e, FIN | ACK, 100, 0, 0);
	arrive(&e, ACK, 50, 0, 100);
	CHECK_EQ(e.res.data_len, 50);
	arrive(&e, ACK, 100, 0, 100);
	CHECK_EQ(e.res.data_len, 0);
	arrive(&e, ACK, 0, 0, 1000);
	CHECK_EQ(tern_rcv_pos(&e.conn), 100);
	CHECK_STATE(&e, TERN_CLOSE_WAIT);

	reach(&e, TERN_ESTABLISHED);
	arrive(&e, ACK, 100, 0, 100);
	arrive(&e, FIN | ACK, 150, 0, 0);
	arrive(&e, ACK, 0, 0, 100);
	CHECK_EQ(tern_rcv_pos(&e.conn), 200);
	CHECK_STATE(&e, TERN_ESTABLISHED);
}

/* A FIN one octet beyond the window is not taken with the data before it. */
static void a_fin_beyond_the_window(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	arrive(&e, FIN | ACK, 19000, 0, 1000);
	arrive(&e, ACK, 0, 0, 19000);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	CHECK_EQ(tern_rcv_pos(&e.conn), 20000);
	end_receive(&e, 20000);
	arrive(&e, FIN | ACK, 20000, 0, 0);
	CHECK_STATE(&e, TERN_CLOSE_WAIT);
}

/* rfc9293#section-3.6.1 */
static void data_for_an_orphan(void)
{
	static const enum tern_state states[] = { TERN_FIN_WAIT_1, TERN_FIN_WAIT_2 };
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		test_note("%s", tern_state_name(states[i]));
		reach(&e, states[i]);
		end_orphan(&e);
		/* old data is no offence */
		arrive(&e, ACK, -10, 0, 10);
		CHECK_STATE(&e, states[i]);
		look_away(&e);
		arrive(&e, ACK, 0, snd_pos(&e), 10);
		CHECK_STATE(&e, TERN_CLOSED);
		CHECK_EQ(e.res.drop, TERN_DROP_ORPHAN);
		CHECK_EQ(e.conn.error, TERN_ERR_ABORTED);
		CHECK_OUT(&e, RST | ACK, 1, 0, 0);
		CHECK_QUIET(&e);
	}
}

/* Random segments */

/** struct account - what must add up over a connection's life */
struct account {
	u64 sent, acked, read;
	u32 rcv_pos;
};

static tern_seq random_seq(struct random *r, const struct tern_conn *c)
{
	tern_seq edge[] = {
		c->rcv_nxt, c->rcv_nxt, c->rcv_adv, c->irs, c->rcv_fin,
		c->rcv_acked, c->range[0].start,
		c->range[random_below(r, TERN_RANGES)].end,
		tern_seq_of(random_u32(r)),
	};
	tern_seq seq = edge[random_below(r, ARRAY_SIZE(edge))];

	if (random_percent(r, 20))
		return tern_seq_add(seq, random_below(r, 3000));
	return tern_seq_add(seq, random_below(r, 7) - 3);
}

static tern_seq random_ack(struct random *r, const struct tern_conn *c)
{
	tern_seq edge[] = {
		c->snd_una, c->snd_max, c->snd_max, c->snd_nxt, c->iss,
		c->snd_end, c->recover,
		tern_seq_add(c->snd_una, 0u - c->snd_wnd_max),
		tern_seq_of(random_u32(r)),
	};
	tern_seq ack = edge[random_below(r, ARRAY_SIZE(edge))];

	if (random_percent(r, 60))
		return ack;
	return tern_seq_add(ack, random_below(r, 7) - 3);
}

static struct tern_seg random_seg(struct random *r, const struct tern_conn *c)
{
	static const u32 len[] = { 0, 0, 0, 1, 2, 999, 1000, 20000, 65535 };
	static const u32 wnd[] = { 0, 1, 500, 1000, 20000, 1u << 30, ~0u };
	static const u8 flags[] = {
		ACK, ACK, ACK, ACK, FIN | ACK, FIN | ACK, SYN | ACK, SYN,
		RST, RST | ACK, PSH | ACK, 0,
	};
	struct tern_seg seg = {
		.seq = random_seq(r, c),
		.ack = random_ack(r, c),
		.wnd = wnd[random_below(r, ARRAY_SIZE(wnd))],
		.len = len[random_below(r, ARRAY_SIZE(len))],
		.flags = flags[random_below(r, ARRAY_SIZE(flags))],
	};

	if (seg.flags & RST && random_percent(r, 80))
		seg.flags = ACK;
	if (random_percent(r, 5))
		seg.flags = (u8)random_below(r, 32);
	if (!(seg.flags & ACK))
		seg.ack = tern_seq_of(0);
	if (seg.flags & SYN)
		seg.mss = (u16)random_u32(r);
	return seg;
}

static void random_user(struct random *r, struct end *e, struct account *account)
{
	u32 n;

	switch (random_below(r, 12)) {
	case 0: case 1: case 2:
		n = random_below(r, 4000);
		if (end_send(e, n))
			account->sent += n;
		break;
	case 3: case 4:
		n = e->conn.rcv_held ? random_below(r, e->conn.rcv_held + 1) : 0;
		account->read += n;
		end_receive(e, n);
		break;
	case 5:
		end_close(e);
		break;
	case 6:
		end_close(e);
		end_orphan(e);
		break;
	case 7: case 8: case 9:
		if (tern_next_deadline(&e->conn) != TERN_NEVER)
			pass_deadline(e);
		break;
	case 10:
		tern_set_rcv_buf(&e->conn, random_below(r, 40000));
		end_laws(e);
		break;
	default:
		tern_forget_ranges(&e->conn);
		end_laws(e);
	}
}

/* Positions only grow, and every octet is accounted for. */
static void check_account(const struct end *e, struct account *account)
{
	u32 rcv_pos = tern_rcv_pos(&e->conn);

	if (e->conn.state == TERN_CLOSED)
		return;
	account->acked += e->res.acked;
	CHECK_EQ((u32)account->acked, tern_snd_pos(&e->conn));
	CHECK(account->acked <= account->sent);
	CHECK(rcv_pos >= account->rcv_pos);
	account->rcv_pos = rcv_pos;
	CHECK_EQ(e->conn.rcv_held, rcv_pos - account->read);
}

/* Returns how many segments a live connection got. */
static u32 random_life(struct random *r, u32 steps)
{
	static const enum tern_state states[] = {
		TERN_SYN_SENT, TERN_SYN_RECEIVED, TERN_ESTABLISHED,
		TERN_FIN_WAIT_1, TERN_FIN_WAIT_2, TERN_CLOSING,
		TERN_CLOSE_WAIT, TERN_LAST_ACK, TERN_CLOSED,
	};
	struct account account = { .sent = 0 };
	struct tern_seg seg;
	struct end e;
	u32 live = 0;
	u32 i;

	reach(&e, states[random_below(r, ARRAY_SIZE(states))]);
	for (i = 0; i < steps && e.conn.state != TERN_TIME_WAIT; i++) {
		e.res.acked = 0;
		e.now += random_below(r, 60000);
		pass(&e, 0);
		if (random_percent(r, 30))
			random_user(r, &e, &account);
		if (e.conn.state == TERN_TIME_WAIT)
			break;
		CHECK_EQ(e.res.acked, 0);
		live += e.conn.state != TERN_CLOSED;
		seg = random_seg(r, &e.conn);
		end_segment(&e, &seg);
		check_account(&e, &account);
		look_away(&e);
		if (e.conn.state == TERN_CLOSED && random_percent(r, 50))
			break;
	}
	return live;
}

static void random_segments(void)
{
	struct random r;
	u32 total = 0;
	u32 seed;

	for (seed = 0; total < 200000; seed++) {
		test_note("seed %u", seed);
		random_seed(&r, seed);
		total += random_life(&r, 40);
	}
}

static const struct test tests[] = {
	TEST(listener_verdicts),
	TEST(the_reset_for_nobody),
	TEST(closed_uses_nothing),
	TEST(syn_sent),
	TEST(payload_on_syn_ack_is_refused),
	TEST(acceptability_with_a_window),
	TEST(acceptability_with_a_closed_window),
	TEST(crossing_probes),
	TEST(no_war_of_acknowledgments),
	TEST(rst_in_every_state),
	TEST(syn_in_every_state),
	TEST(challenges_are_the_shells_to_limit),
	TEST(the_first_syn_again),
	TEST(the_syn_ack_again),
	TEST(ack_in_syn_received),
	TEST(ack_range),
	TEST(no_old_ack_before_the_syn_is_acked),
	TEST(no_ack_no_use),
	TEST(what_moves_brings_its_window),
	TEST(old_windows_do_not_count),
	TEST(every_transition),
	TEST(simultaneous_close),
	TEST(simultaneous_open),
	TEST(a_lost_syn_ack_of_a_simultaneous_open),
	TEST(an_old_duplicate_syn),
	TEST(half_open_discovery),
	TEST(data_on_the_third_segment),
	TEST(data_before_the_third_segment),
	TEST(text_where_none_can_be),
	TEST(a_fin_out_of_order),
	TEST(contradictions),
	TEST(a_fin_beyond_the_window),
	TEST(data_for_an_orphan),
	TEST(random_segments),
};

int main(void)
{
	return run_tests("input", tests, ARRAY_SIZE(tests));
}
