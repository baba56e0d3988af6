// SPDX-License-Identifier: GPL-2.0
/*
 * Requirements of rfc9293#appendix-B that no other test is about; the list of all of
 * them, with the test of each, is doc/requirements.md.
 */
#include "tests/unit/test.h"

#define HOUR (3600 * SEC)

/* A list that any receiver can walk, up to the last octet of the header */
static void walk_options(const u8 *octets, u32 hlen)
{
	u32 at = TERN_HDR_LEN;

	while (at < hlen && octets[at] != TERN_OPT_END) {
		if (octets[at] == TERN_OPT_NOP) {
			at++;
			continue;
		}
		CHECK(hlen - at >= 2);
		CHECK(octets[at + 1] >= 2);
		CHECK(octets[at + 1] <= hlen - at);
		at += octets[at + 1];
	}
	for (; at < hlen; at++)
		CHECK_EQ(octets[at], 0);
}

/* MUST-68, MUST-69 */
static void options_have_lengths_and_end_in_zeros(void)
{
	u32 i;

	for (i = 0; i < 2 * 2 * 2 * (TERN_SACK_BLOCKS + 1); i++) {
		struct tern_seg seg = {
			.mss = i & 1 ? 1460 : 0,
			.has_ts = i & 2,
			.sack_permitted = i & 4,
			.n_sack = (u8)(i / 8),
		};
		u8 octets[2 * TERN_HDR_MAX];

		test_note("options %u", i);
		/* blocks and SACK-permitted never go together, nor four and timestamps */
		if (tern_build_len(&seg) > TERN_HDR_MAX)
			continue;
		memset(octets, 0xa5, sizeof(octets));
		tern_build(&seg, octets);
		CHECK_EQ(tern_hlen(octets), tern_build_len(&seg));
		walk_options(octets, tern_hlen(octets));
		CHECK_EQ(octets[tern_hlen(octets)], 0xa5);
	}
}

/* MUST-5: whatever the flags; and what is not for this segment changes nothing */
static void an_option_on_any_segment(void)
{
	static const u8 list[] = { 99, 3, 7, 2, 4, 1, 0, 0 };
	u8 octets[TERN_HDR_LEN + sizeof(list)] = { 0, 1, 0, 2 };
	struct tern_seg seg;
	struct end e;
	u32 flags;

	memcpy(octets + TERN_HDR_LEN, list, sizeof(list));
	octets[12] = sizeof(octets) << 2;
	for (flags = 0; flags <= 0xff; flags++) {
		test_note("flags 0x%02x", flags);
		octets[13] = (u8)flags;
		CHECK_EQ(tern_parse(octets, sizeof(octets) + 5, &seg), TERN_DROP_NONE);
		CHECK_EQ(seg.mss, 256);
		CHECK_EQ(seg.len, 5);
	}
	reach(&e, TERN_ESTABLISHED);
	seg = peer_seg(&e, TERN_ACK, 0, 0, 100);
	seg.mss = 256;
	end_segment(&e, &seg);
	CHECK_EQ(e.res.data_len, 100);
	CHECK_EQ(e.conn.snd_mss, MSS);
}

static void expect_mss_on_syn_only(const struct end *e)
{
	u32 i;

	CHECK(e->n_out && e->n_out < MAX_OUT);
	for (i = 0; i < e->n_out; i++) {
		test_note("segment %u", i);
		CHECK_EQ(e->out[i].mss, e->out[i].flags & TERN_SYN ? MSS : 0);
	}
}

/* MUST-65, SHLD-5: in a life with retransmissions, a challenge and an abort */
static void mss_on_syn_and_nowhere_else(void)
{
	struct tern_tw tw = { .rcv_nxt = tern_seq_of(IRS), .rcv_wnd = 1000 };
	struct tern_seg syn, reply = { .mss = 1 };
	struct end e;

	end_init(&e);
	end_open(&e);
	pass_deadline(&e);
	arrive(&e, TERN_SYN | TERN_ACK, -1, 0, 0);
	end_send(&e, 3 * MSS);
	pass_deadline(&e);
	arrive(&e, TERN_SYN, 5, 0, 0);
	arrive(&e, TERN_ACK, 0, 3 * MSS, 10);
	end_close(&e);
	pass_deadline(&e);
	end_abort(&e, TERN_ERR_ABORTED);
	expect_mss_on_syn_only(&e);

	end_init(&e);
	syn = peer_seg(&e, TERN_SYN, -1, 0, 0);
	end_open_syn(&e, &syn);
	pass_deadline(&e);
	expect_mss_on_syn_only(&e);
	CHECK(tern_reset_for(&syn, &reply));
	CHECK_EQ(reply.mss, 0);
	reply.mss = 1;
	CHECK_EQ(tern_tw_segment_arrives(&tw, 0, &syn, &reply), TERN_TW_ACK);
	CHECK_EQ(reply.mss, 0);
}

/* SHLD-2: in every state, and with a closed window as well */
static void a_reset_with_data(void)
{
	static const enum tern_state states[] = {
		TERN_SYN_RECEIVED, TERN_ESTABLISHED, TERN_FIN_WAIT_1, TERN_FIN_WAIT_2,
		TERN_CLOSE_WAIT, TERN_CLOSING, TERN_LAST_ACK,
	};
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		test_note("%s", tern_state_name(states[i]));
		reach(&e, states[i]);
		arrive(&e, TERN_RST | TERN_ACK, rcv_pos(&e), snd_pos(&e), 500);
		CHECK_STATE(&e, TERN_CLOSED);
		CHECK_EQ(e.res.data_len, 0);
		CHECK_QUIET(&e);
	}
	reach(&e, TERN_ESTABLISHED);
	for (i = 0; i < 20; i++)
		arrive(&e, TERN_ACK, (s32)i * MSS, 0, MSS);
	CHECK_EQ(tern_rcv_wnd(&e.conn), 0);
	look_away(&e);
	arrive(&e, TERN_RST, rcv_pos(&e), 0, 500);
	CHECK_STATE(&e, TERN_CLOSED);
	CHECK_QUIET(&e);
	reach(&e, TERN_SYN_SENT);
	arrive(&e, TERN_RST | TERN_ACK, -1, 0, 500);
	CHECK_STATE(&e, TERN_CLOSED);
	CHECK_EQ(e.conn.error, TERN_ERR_REFUSED);
}

/* MUST-58, MUST-59: what has waited behind a hole is acknowledged with it, once */
static void one_ack_for_all_that_a_hole_held_up(void)
{
	struct end e;
	s32 i;

	reach(&e, TERN_ESTABLISHED);
	for (i = 9; i > 0; i--)
		arrive(&e, TERN_ACK, i * MSS, 0, MSS);
	look_away(&e);
	arrive(&e, TERN_ACK, 0, 0, MSS);
	CHECK_OUT(&e, TERN_ACK, 0, 10 * MSS, 0);
	CHECK_QUIET(&e);
	CHECK_EQ(tern_next_deadline(&e.conn), TERN_NEVER);
}

/* SHLD-4: rfc6191#section-2 */
static void a_later_timestamp_ends_time_wait(void)
{
	static const struct {
		const char *name;
		u32 recent, tsval;
		s32 pos;
		bool has_ts, reopens;
	} rows[] = {
		{ "later, an old number", 1000, 1001, -5, true, true },
		{ "later, a new number", 1000, 1001, 5, true, true },
		{ "later across the wrap", 0xffffffff, 0, -5, true, true },
		{ "earlier, a new number", 1000, 999, 5, true, false },
		{ "the same, a new number", 1000, 1000, 5, true, true },
		{ "the same, an old number", 1000, 1000, -5, true, false },
		{ "none, a new number", 1000, 0, 5, false, true },
		{ "none, an old number", 1000, 0, -5, false, false },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tern_tw tw = {
			.rcv_nxt = tern_seq_of(IRS),
			.ts_recent = rows[i].recent,
			.rcv_wnd = 1000,
			.ts_ok = 1,
		};
		struct tern_seg syn = {
			.seq = tern_seq_of(IRS + (u32)rows[i].pos),
			.flags = TERN_SYN,
			.has_ts = rows[i].has_ts,
			.tsval = rows[i].tsval,
		};
		struct tern_seg reply;

		test_note("%s", rows[i].name);
		CHECK_EQ(tern_tw_segment_arrives(&tw, 0, &syn, &reply),
			 rows[i].reopens ? TERN_TW_REOPEN : TERN_TW_ACK);
	}
}

/* MUST-21: a shorter time than the count would give, and a longer one */
static void the_user_sets_r2(void)
{
	static const u64 timeouts[] = { 5 * SEC, 30 * SEC, 5000 * SEC };
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		test_note("timeout %u", i);
		reach(&e, TERN_ESTABLISHED);
		tern_set_user_timeout(&e.conn, timeouts[i]);
		end_send(&e, 100);
		pass(&e, timeouts[i] - 1);
		CHECK_STATE(&e, TERN_ESTABLISHED);
		CHECK(e.conn.rexmits > 3);
		pass(&e, 1);
		CHECK_STATE(&e, TERN_CLOSED);
		CHECK_EQ(e.conn.error, TERN_ERR_TIMEDOUT);
	}
}

/* How long it takes until nobody tries any more */
static u64 until_closed(struct end *e)
{
	u64 begin = e->now;

	while (e->conn.state != TERN_CLOSED)
		pass_deadline(e);
	CHECK_EQ(e->conn.error, TERN_ERR_TIMEDOUT);
	return e->now - begin;
}

/* SHLD-11, with the lowest timeout there is */
static void r2_is_at_least_100_s(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	e.conn.rto = e.cfg.rto_min;
	end_send(&e, 100);
	CHECK(until_closed(&e) >= 100 * SEC);
	reach(&e, TERN_ESTABLISHED);
	e.conn.rto = e.cfg.rto_min;
	end_close(&e);
	end_orphan(&e);
	CHECK(until_closed(&e) >= 100 * SEC);
}

/* MUST-23 can be had: with one retransmission more than the default */
static void a_syn_is_tried_for_3_minutes_on_demand(void)
{
	struct tern_config cfg = default_config();
	struct end e;

	cfg.syn_retries = 7;
	reach_with(&e, TERN_SYN_SENT, &cfg);
	CHECK(until_closed(&e) >= 180 * SEC);
}

/* MUST-24, MUST-25 */
static void keepalive_is_the_users_choice(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	CHECK_EQ(tern_next_deadline(&e.conn), TERN_NEVER);
	tern_set_keepalive(&e.conn, 2 * HOUR, 75 * SEC, 9);
	end_laws(&e);
	CHECK_QUIET(&e);
	pass(&e, 3 * HOUR / 2);
	tern_set_keepalive(&e.conn, 0, 75 * SEC, 9);
	end_laws(&e);
	CHECK_EQ(tern_next_deadline(&e.conn), TERN_NEVER);
	pass(&e, 24 * HOUR);
	CHECK_QUIET(&e);
}

/* MUST-26 */
static void keepalive_waits_for_silence(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	tern_set_keepalive(&e.conn, 10 * SEC, 1 * SEC, 9);
	end_laws(&e);
	pass(&e, 6 * SEC);
	arrive(&e, TERN_ACK, 0, 0, 10);
	pass(&e, 1 * SEC);
	CHECK_OUT(&e, TERN_ACK, 0, 10, 0);
	/* 10 s after that segment, and not after the one before */
	pass(&e, 9 * SEC - 1);
	CHECK_QUIET(&e);
	pass(&e, 1);
	CHECK_OUT(&e, TERN_ACK, -1, 10, 0);

	/* never while data is not acknowledged, however long the silence is */
	reach(&e, TERN_ESTABLISHED);
	tern_set_keepalive(&e.conn, 10 * SEC, 1 * SEC, 9);
	e.conn.rto = 100 * SEC;
	end_send(&e, 100);
	look_away(&e);
	pass(&e, 90 * SEC);
	CHECK_QUIET(&e);
}

/* MUST-27, SHLD-12: after the time that was asked for, a segment without octets */
static void a_keepalive_comes_in_time_and_empty(void)
{
	static const u64 idle[] = { 1 * SEC, 90 * SEC, 2 * HOUR, 9 * HOUR };
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(idle); i++) {
		test_note("idle %u", i);
		reach(&e, TERN_ESTABLISHED);
		tern_set_keepalive(&e.conn, idle[i], 75 * SEC, 9);
		end_laws(&e);
		CHECK_EQ(pass_deadline(&e), idle[i]);
		CHECK_OUT(&e, TERN_ACK, -1, 0, 0);
		CHECK_QUIET(&e);
	}
}

/* MUST-29: the ninth probe without an answer, not one of those before */
static void one_lost_answer_ends_nothing(void)
{
	struct end e;
	u32 i;

	reach(&e, TERN_ESTABLISHED);
	tern_set_keepalive(&e.conn, 10 * SEC, 1 * SEC, 9);
	end_laws(&e);
	for (i = 0; i < 9; i++) {
		pass_deadline(&e);
		CHECK_OUT(&e, TERN_ACK, -1, 0, 0);
		CHECK_STATE(&e, TERN_ESTABLISHED);
	}
	/* the answer to the last one: all is well again */
	arrive(&e, TERN_ACK, 0, 0, 0);
	pass(&e, 10 * SEC + 8 * SEC);
	CHECK_STATE(&e, TERN_ESTABLISHED);
	for (i = 0; i < 9; i++)
		CHECK_OUT(&e, TERN_ACK, -1, 0, 0);
	CHECK_QUIET(&e);
	pass(&e, 1 * SEC);
	CHECK_STATE(&e, TERN_CLOSED);
	CHECK_EQ(e.conn.error, TERN_ERR_TIMEDOUT);
	CHECK_OUT(&e, TERN_RST | TERN_ACK, 0, 0, 0);
}

static const struct test tests[] = {
	TEST(options_have_lengths_and_end_in_zeros),
	TEST(an_option_on_any_segment),
	TEST(mss_on_syn_and_nowhere_else),
	TEST(a_reset_with_data),
	TEST(one_ack_for_all_that_a_hole_held_up),
	TEST(a_later_timestamp_ends_time_wait),
	TEST(the_user_sets_r2),
	TEST(r2_is_at_least_100_s),
	TEST(a_syn_is_tried_for_3_minutes_on_demand),
	TEST(keepalive_is_the_users_choice),
	TEST(keepalive_waits_for_silence),
	TEST(a_keepalive_comes_in_time_and_empty),
	TEST(one_lost_answer_ends_nothing),
};

int main(void)
{
	return run_tests("requirements", tests, ARRAY_SIZE(tests));
}
