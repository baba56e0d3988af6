// SPDX-License-Identifier: GPL-2.0
/*
 * The small forms: TIME_WAIT as struct tern_tw, SYN_RECEIVED as struct tern_req.
 */
#include "tests/unit/test.h"

#define WINDOW 5000u

static struct tern_tw entry(void)
{
	return (struct tern_tw){
		.snd_nxt = tern_seq_of(0xfffffff8),
		.rcv_nxt = tern_seq_of(0xfffffffc),
		.rcv_wnd = WINDOW,
	};
}

static void init_from_a_connection(void)
{
	struct tern_tw tw;
	struct end e;

	reach(&e, TERN_TIME_WAIT);
	tern_tw_init(&tw, &e.conn);
	CHECK_EQ(tw.snd_nxt, ISS + 2);
	CHECK_EQ(tw.rcv_nxt, IRS + 2);
	CHECK_EQ(tw.rcv_wnd, tern_rcv_wnd(&e.conn));
	CHECK(sizeof(tw) <= 16);
}

#define SYN TERN_SYN
#define FIN TERN_FIN
#define RST TERN_RST
#define ACK TERN_ACK

/* @off is counted from rcv_nxt */
static const struct {
	const char *name;
	u8 flags;
	s32 off;
	u32 len;
	enum tern_tw_verdict want;
} verdicts[] = {
	{ "the FIN again", FIN | ACK, -1, 0, TERN_TW_RESTART },
	{ "the FIN again with its data", FIN | ACK, -101, 100, TERN_TW_RESTART },
	{ "an older FIN", FIN | ACK, -2, 0, TERN_TW_ACK },
	{ "a FIN beyond", FIN | ACK, 0, 0, TERN_TW_ACK },
	{ "RST exactly", RST, 0, 0, TERN_TW_DROP },
	{ "RST with ACK", RST | ACK, 0, 0, TERN_TW_DROP },
	{ "RST in the window", RST, 100, 0, TERN_TW_DROP },
	{ "RST outside", RST, -100, 0, TERN_TW_DROP },
	{ "RST with SYN", RST | SYN, 100, 0, TERN_TW_DROP },
	{ "RST with FIN", RST | FIN | ACK, -1, 0, TERN_TW_DROP },
	{ "new SYN, one beyond", SYN, 1, 0, TERN_TW_REOPEN },
	{ "new SYN, far beyond", SYN, 0x7fffffff, 0, TERN_TW_REOPEN },
	{ "SYN at rcv_nxt", SYN, 0, 0, TERN_TW_ACK },
	{ "old SYN", SYN, -1, 0, TERN_TW_ACK },
	{ "very old SYN", SYN, -0x7fffffff, 0, TERN_TW_ACK },
	{ "SYN-ACK beyond", SYN | ACK, 1, 0, TERN_TW_ACK },
	{ "SYN with FIN", SYN | FIN, 1, 0, TERN_TW_ACK },
	{ "the last ACK", ACK, 0, 0, TERN_TW_DROP },
	{ "ACK inside the window", ACK, 10, 0, TERN_TW_DROP },
	{ "an old ACK", ACK, -1, 0, TERN_TW_ACK },
	{ "ACK at the right edge", ACK, WINDOW, 0, TERN_TW_ACK },
	{ "ACK before the right edge", ACK, WINDOW - 1, 0, TERN_TW_DROP },
	{ "data beyond the FIN", ACK, 0, 100, TERN_TW_ACK },
	{ "old data again", ACK, -101, 100, TERN_TW_ACK },
	{ "old data without ACK", 0, -101, 100, TERN_TW_ACK },
};

static void verdict_table(void)
{
	struct tern_tw tw = entry();
	u32 i;

	for (i = 0; i < ARRAY_SIZE(verdicts); i++) {
		struct tern_seg seg = {
			.sport = 7, .dport = 9,
			.seq = tern_seq_add(tw.rcv_nxt, (u32)verdicts[i].off),
			.ack = tw.snd_nxt,
			.wnd = 99,
			.len = verdicts[i].len,
			.flags = verdicts[i].flags,
		};
		enum tern_tw_verdict verdict;
		struct tern_seg reply;

		test_note("%s", verdicts[i].name);
		verdict = tern_tw_segment_arrives(&tw, 0, &seg, &reply);
		CHECK_EQ(verdict, verdicts[i].want);
		if (verdict != TERN_TW_ACK && verdict != TERN_TW_RESTART)
			continue;
		CHECK_EQ(reply.flags, TERN_ACK);
		CHECK_EQ(reply.seq, tw.snd_nxt);
		CHECK_EQ(reply.ack, tw.rcv_nxt);
		CHECK_EQ(reply.wnd, WINDOW);
		CHECK_EQ(reply.len, 0);
		CHECK_EQ(reply.sport, 9);
		CHECK_EQ(reply.dport, 7);
	}
}

static void a_closed_window(void)
{
	struct tern_tw tw = entry();
	struct tern_seg seg = { .seq = tw.rcv_nxt, .flags = TERN_ACK };
	struct tern_seg reply;

	tw.rcv_wnd = 0;
	CHECK_EQ(tern_tw_segment_arrives(&tw, 0, &seg, &reply), TERN_TW_DROP);
	seg.seq = tern_seq_add(tw.rcv_nxt, 1);
	CHECK_EQ(tern_tw_segment_arrives(&tw, 0, &seg, &reply), TERN_TW_ACK);
	seg.seq = tern_seq_add(tw.rcv_nxt, ~0u);
	seg.flags |= TERN_FIN;
	CHECK_EQ(tern_tw_segment_arrives(&tw, 0, &seg, &reply), TERN_TW_RESTART);
}

/* Two ends in TIME_WAIT do not answer each other's answers. */
static void replies_come_to_an_end(void)
{
	struct tern_tw a = entry();
	struct tern_tw b = { .snd_nxt = a.rcv_nxt, .rcv_nxt = a.snd_nxt, .rcv_wnd = 1 };
	struct tern_seg seg = { .seq = a.rcv_nxt, .flags = TERN_ACK, .len = 1 };
	struct tern_seg reply;

	CHECK_EQ(tern_tw_segment_arrives(&a, 0, &seg, &reply), TERN_TW_ACK);
	seg = reply;
	CHECK_EQ(tern_tw_segment_arrives(&b, 0, &seg, &reply), TERN_TW_DROP);
}

static void iss_beyond_the_old_numbers(void)
{
	struct tern_tw tw = entry();
	u32 snd_nxt = tern_seq_bits(tw.snd_nxt);
	static const s32 old[] = { 0, -1, -100, -0x7fffffff };
	static const s32 fresh[] = { 1, 8, 100, 0x7fffffff };
	u32 i;

	for (i = 0; i < 4; i++) {
		tern_seq iss = tern_seq_of(snd_nxt + (u32)fresh[i]);

		test_note("%d", fresh[i]);
		CHECK_EQ(tern_tw_iss(&tw, iss), iss);
		test_note("%d", old[i]);
		iss = tern_tw_iss(&tw, tern_seq_of(snd_nxt + (u32)old[i]));
		CHECK(tern_seq_lt(tw.snd_nxt, iss));
	}
}

/*
 * rfc6191#section-2: with timestamps on both, the later one is new, whatever its
 * sequence number; at the same time, and without timestamps, a greater number is.
 */
static void reopened_by_a_timestamp(void)
{
	static const struct {
		const char *name;
		bool old_ts, new_ts;
		u32 tsval;
		s32 off;
		bool reopens;
	} rows[] = {
		{ "later, lower number", true, true, 1001, -5000, true },
		{ "later, same number", true, true, 1001, 0, true },
		{ "later by much", true, true, 1000u + 0x7fffffff, -1, true },
		{ "earlier, higher number", true, true, 999, 5000, false },
		{ "earlier by much", true, true, 1000u - 0x7fffffff, 5000, false },
		{ "same time, higher number", true, true, 1000, 1, true },
		{ "same time, same number", true, true, 1000, 0, false },
		{ "same time, lower number", true, true, 1000, -1, false },
		{ "new one without, higher", true, false, 0, 1, true },
		{ "new one without, lower", true, false, 2000, -1, false },
		{ "old one without, higher", false, true, 1, 1, true },
		{ "neither, higher", false, false, 0, 1, true },
		{ "neither, lower", false, false, 0, -1, false },
	};
	struct tern_seg reply;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tern_tw tw = entry();
		struct tern_seg syn = {
			.seq = tern_seq_add(tw.rcv_nxt, (u32)rows[i].off),
			.flags = TERN_SYN,
			.has_ts = rows[i].new_ts,
			.tsval = rows[i].tsval,
		};

		test_note("%s", rows[i].name);
		tw.ts_ok = rows[i].old_ts;
		tw.ts_recent = 1000;
		CHECK_EQ(tern_tw_segment_arrives(&tw, 7, &syn, &reply),
			 rows[i].reopens ? TERN_TW_REOPEN : TERN_TW_ACK);
		CHECK_EQ(reply.has_ts, rows[i].old_ts);
		if (rows[i].old_ts) {
			CHECK_EQ(reply.tsval, 7);
			CHECK_EQ(reply.tsecr, 1000);
		}
		/* with ACK or FIN or RST it is no request, however new */
		syn.flags = TERN_SYN | TERN_ACK;
		CHECK_EQ(tern_tw_segment_arrives(&tw, 7, &syn, &reply), TERN_TW_ACK);
		syn.flags = TERN_SYN | TERN_RST;
		CHECK_EQ(tern_tw_segment_arrives(&tw, 7, &syn, &reply), TERN_TW_DROP);
	}
}

static void timestamps_outlive_the_connection(void)
{
	struct tern_config cfg = default_config();
	struct tern_seg seg, reply;
	struct tern_tw tw;
	struct end e;

	end_init(&e);
	e.cfg = cfg;
	e.cfg.timestamps = true;
	end_open(&e);
	seg = peer_seg(&e, TERN_SYN | TERN_ACK, -1, 0, 0);
	seg.has_ts = true;
	seg.tsval = 0xfffffffe;
	end_segment(&e, &seg);
	end_close(&e);
	seg = peer_seg(&e, TERN_FIN | TERN_ACK, 0, 1, 0);
	seg.has_ts = true;
	seg.tsval = 3;
	end_segment(&e, &seg);
	CHECK_STATE(&e, TERN_TIME_WAIT);
	tern_tw_init(&tw, &e.conn);
	CHECK_EQ(tw.ts_ok, true);
	CHECK_EQ(tw.ts_recent, 3);
	CHECK_EQ(tern_tw_segment_arrives(&tw, 99, &seg, &reply), TERN_TW_RESTART);
	CHECK_EQ(reply.has_ts, true);
	CHECK_EQ(reply.tsval, 99);
	CHECK_EQ(reply.tsecr, 3);
}

/* Packed and unpacked */

static void repack(struct end *e)
{
	struct tern_req req;

	tern_req_pack(&req, &e->conn);
	memset(&e->conn, 0x5a, sizeof(e->conn));
	tern_req_unpack(&e->conn, &req, &e->cfg);
}

static void random_config(struct random *r, struct tern_config *cfg)
{
	static const u16 mss[] = { 0, 1, 30, 536, 1000, 1460, 65535 };
	static const u32 buf[] = { 1, 100, 20000, TERN_MAX_WINDOW };

	cfg->mss = mss[random_below(r, ARRAY_SIZE(mss))];
	cfg->rcv_buf = buf[random_below(r, ARRAY_SIZE(buf))];
	cfg->synack_retries = (u8)random_below(r, 4);
	cfg->nodelay = random_percent(r, 50);
	cfg->delack = random_percent(r, 50) ? 40 * MSEC : 0;
	cfg->sack = random_percent(r, 50);
	cfg->timestamps = random_percent(r, 50);
	cfg->ts_offset = random_u32(r);
	cfg->keep_idle = random_percent(r, 50) ? 100 * MSEC : 0;
	cfg->keep_interval = 50 * MSEC;
	cfg->keep_probes = 2;
}

static struct tern_seg random_syn(struct random *r, const struct end *e)
{
	static const u16 mss[] = { 0, 1, 47, 48, 536, 1460, 65535 };
	static const u32 wnd[] = { 0, 1, 5000, TERN_MAX_WINDOW, ~0u };
	struct tern_seg syn = peer_seg(e, TERN_SYN, -1, 0, 0);

	syn.mss = mss[random_below(r, ARRAY_SIZE(mss))];
	syn.wnd = wnd[random_below(r, ARRAY_SIZE(wnd))];
	syn.len = random_percent(r, 20) ? 10 : 0;
	syn.sack_permitted = random_percent(r, 60);
	syn.has_ts = random_percent(r, 60);
	syn.tsval = 1000;
	return syn;
}

/* The same thing happens to both. */
static void random_step(struct random *r, struct end *e, struct end *twin)
{
	static const u8 flags[] = {
		TERN_ACK, TERN_ACK, TERN_ACK, TERN_ACK | TERN_FIN, TERN_SYN,
		TERN_RST | TERN_ACK, TERN_SYN | TERN_ACK, 0,
	};
	struct tern_seg seg;
	u32 n;

	switch (random_below(r, 6)) {
	case 0:
		if (tern_next_deadline(&e->conn) == TERN_NEVER)
			break;
		pass_deadline(e);
		pass_deadline(twin);
		break;
	case 1:
		n = random_below(r, 3000);
		CHECK_EQ(end_send(e, n), end_send(twin, n));
		break;
	case 2:
		if (!random_percent(r, 20))
			break;
		end_close(e);
		end_close(twin);
		break;
	default:
		seg = peer_seg(e, flags[random_below(r, ARRAY_SIZE(flags))],
			       (s32)random_below(r, 6) - 2 + rcv_pos(e),
			       (s32)random_below(r, 4) - 2 + snd_pos(e),
			       random_percent(r, 50) ? 0 : random_below(r, 200));
		seg.has_ts = random_percent(r, e->conn.ts_ok ? 90 : 20);
		seg.tsval = 999 + random_below(r, 20);
		seg.tsecr = tern_tsval(e->now, e->cfg.ts_offset) - 5;
		n = random_below(r, 3) * 1000;
		pass(e, n);
		pass(twin, n);
		end_segment(e, &seg);
		end_segment(twin, &seg);
	}
}

static void same_output(struct end *e, struct end *twin)
{
	u32 i;

	CHECK_STATE(twin, e->conn.state);
	CHECK_EQ(twin->conn.error, e->conn.error);
	CHECK_EQ(twin->res.events, e->res.events);
	CHECK_EQ(twin->res.drop, e->res.drop);
	CHECK_EQ(twin->res.acked, e->res.acked);
	CHECK_EQ(twin->res.data_pos, e->res.data_pos);
	CHECK_EQ(twin->res.data_len, e->res.data_len);
	CHECK_EQ(tern_next_deadline(&twin->conn), tern_next_deadline(&e->conn));
	CHECK_EQ(twin->n_out, e->n_out);
	for (i = 0; i < e->n_out; i++) {
		CHECK_EQ(twin->out[i].seq, e->out[i].seq);
		CHECK_EQ(twin->out[i].ack, e->out[i].ack);
		CHECK_EQ(twin->out[i].wnd, e->out[i].wnd);
		CHECK_EQ(twin->out[i].len, e->out[i].len);
		CHECK_EQ(twin->out[i].pos, e->out[i].pos);
		CHECK_EQ(twin->out[i].flags, e->out[i].flags);
		CHECK_EQ(twin->out[i].mss, e->out[i].mss);
		CHECK_EQ(twin->out[i].rexmit, e->out[i].rexmit);
		CHECK_EQ(twin->out[i].has_ts, e->out[i].has_ts);
		CHECK_EQ(twin->out[i].tsval, e->out[i].tsval);
		CHECK_EQ(twin->out[i].tsecr, e->out[i].tsecr);
		CHECK_EQ(twin->out[i].sack_permitted, e->out[i].sack_permitted);
		CHECK_EQ(twin->out[i].n_sack, e->out[i].n_sack);
		CHECK(!memcmp(twin->out[i].sack, e->out[i].sack,
			      e->out[i].n_sack * sizeof(e->out[i].sack[0])));
	}
	look_away(e);
	look_away(twin);
}

static void a_packed_request_is_the_same_connection(void)
{
	struct end e, twin;
	struct tern_seg syn;
	struct random r;
	u32 beyond = 0;
	u32 seed;
	u32 i;

	for (seed = 0; seed < 3000; seed++) {
		test_note("seed %u", seed);
		random_seed(&r, seed);
		end_init(&e);
		random_config(&r, &e.cfg);
		syn = random_syn(&r, &e);
		end_open_syn(&e, &syn);
		look_away(&e);
		twin = e;
		/* packed for as long as it can be, again and again */
		for (i = 0; i < 12; i++) {
			if (twin.conn.state == TERN_SYN_RECEIVED &&
			    twin.conn.snd_end == tern_seq_of(ISS + 1))
				repack(&twin);
			else
				beyond++;
			random_step(&r, &e, &twin);
			same_output(&e, &twin);
		}
	}
	CHECK(beyond > 1000);
}

/* Even before the first SYN-ACK was sent. */
static void packed_before_it_is_drained(void)
{
	struct tern_seg syn;
	struct end e;

	end_init(&e);
	syn = peer_seg(&e, TERN_SYN, -1, 0, 0);
	tern_open_syn(&e.conn, e.now, tern_seq_of(ISS), &e.cfg, &syn);
	repack(&e);
	end_laws(&e);
	CHECK_OUT(&e, TERN_SYN | TERN_ACK, -1, 0, 0);
	CHECK_QUIET(&e);
	CHECK_EQ(tern_next_deadline(&e.conn), e.now + 1 * SEC);
	CHECK_EQ(e.conn.rexmits_total, 0);

	/* and between the timeout and the SYN-ACK that it makes due */
	e.now = tern_next_deadline(&e.conn);
	tern_timeout(&e.conn, e.now);
	repack(&e);
	end_laws(&e);
	CHECK_OUT(&e, TERN_SYN | TERN_ACK, -1, 0, 0);
	CHECK_QUIET(&e);
	CHECK_EQ(e.conn.rexmits, 1);
}

static void retransmissions_are_kept(void)
{
	struct end e;

	reach(&e, TERN_SYN_RECEIVED);
	pass_deadline(&e);
	pass_deadline(&e);
	repack(&e);
	end_laws(&e);
	CHECK_EQ(e.conn.rexmits, 2);
	CHECK_EQ(e.conn.rexmits_total, 2);
	CHECK_EQ(tern_next_deadline(&e.conn), e.now + 4 * SEC);
}

static const struct test tests[] = {
	TEST(init_from_a_connection),
	TEST(verdict_table),
	TEST(a_closed_window),
	TEST(replies_come_to_an_end),
	TEST(iss_beyond_the_old_numbers),
	TEST(reopened_by_a_timestamp),
	TEST(timestamps_outlive_the_connection),
	TEST(a_packed_request_is_the_same_connection),
	TEST(packed_before_it_is_drained),
	TEST(retransmissions_are_kept),
};

int main(void)
{
	return run_tests("timewait", tests, ARRAY_SIZE(tests));
}
