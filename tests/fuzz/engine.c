// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzer "engine": one engine against arbitrary segments and calls, from every state.
 *
 * An input is a configuration, a state to begin in, and operations: user calls, time, and
 * segments whose numbers lie near those that matter.  Nothing in it names a sequence
 * number or a time: all are distances, so each input runs in more than one world
 * (numbers at the wrap, at the sign bit) and must come out the same.
 */
#include <string.h>

#include "tests/fuzz/end.h"

const char * const fuzz_name = "engine";

/* Operations of one input; what is behind them is not read. */
#define OPS_MAX 400

static const struct world worlds[] = {
	{ 1000, 5000, 5000000000ull, 100, 200 },
	{ 0xffffffd8, 0xffffff9c, 1000, 0xfffffff0, 0xfffffffe },
	{ 0x7fffffd8, 0x7fffff9c, 4294967296000ull, 0x7ffffff0, 0x7ffffffe },
	{ 0xffffffff, 0x7fffffff, 5000000000ull, 0, 0xffffffff },
	{ 0, 0, 1000000, 0, 0 },
	{ 0x80000000, 0xffffffff, 7000000000ull, 0x80000000, 0 },
};

/* How far from a number that matters */
static u32 delta(struct input *in, u32 kind)
{
	switch (kind & 15) {
	case 8:
		return 1;
	case 9:
		return ~0u;
	case 10:
		return input_u8(in);
	case 11:
		return 0u - input_u8(in);
	case 12:
		return input_u16(in);
	case 13:
		return 0u - input_u16(in);
	case 14:
		return 0x7fffffffu + input_u8(in) % 3;
	case 15:
		return input_u32(in);
	default:
		return 0;
	}
}

static tern_seq edge_of(struct input *in, const struct tern_range *range, u32 count, bool end,
			tern_seq otherwise)
{
	const struct tern_range *r;

	if (!count)
		return otherwise;
	r = &range[input_u8(in) % count];
	return end ? r->end : r->start;
}

static tern_seq pick_seq(struct input *in, const struct end *e)
{
	const struct tern_conn *conn = &e->conn;
	tern_seq next = end_rcv_nxt(e), base = next;
	u8 kind = input_u8(in);

	if (conn->state == TERN_SYN_SENT || conn->state == TERN_CLOSED)
		return tern_seq_add(next, delta(in, kind >> 4));
	switch (kind & 15) {
	case 6:
		base = conn->rcv_adv;
		break;
	case 7:
		base = conn->irs;
		break;
	case 8:
		base = conn->fin_seen ? conn->rcv_fin : next;
		break;
	case 9:
	case 10:
		base = edge_of(in, conn->range, conn->n_ranges, kind & 1, next);
		break;
	case 11:
		base = conn->rcv_acked;
		break;
	case 12:
	case 13:
	case 14:
		base = tern_seq_add(next, conn->cfg.mss * ((kind & 15u) - 11));
		break;
	case 15:
		base = tern_seq_add(next, tern_seq_dist(next, conn->rcv_adv) / 2);
		break;
	default:
		break;
	}
	return tern_seq_add(base, delta(in, kind >> 4));
}

static tern_seq pick_ack(struct input *in, const struct end *e)
{
	const struct tern_conn *conn = &e->conn;
	tern_seq base = conn->snd_max;
	u8 kind = input_u8(in);

	switch (kind & 15) {
	case 5:
	case 6:
	case 7:
		base = conn->snd_una;
		break;
	case 8:
		base = conn->snd_nxt;
		break;
	case 9:
		base = conn->iss;
		break;
	case 10:
		base = conn->recover;
		break;
	case 11:
	case 12:
		base = edge_of(in, conn->sacked, conn->n_sacked, kind & 1, conn->snd_una);
		break;
	case 13:
	case 14:
		base = tern_seq_add(conn->snd_una, conn->snd_mss * ((kind & 15u) - 12));
		break;
	case 15:
		base = conn->snd_end;
		break;
	default:
		break;
	}
	return tern_seq_add(base, delta(in, kind >> 4));
}

static u32 pick_wnd(struct input *in, const struct end *e)
{
	static const u32 some[] = {
		0, 1, 2, 100, 536, 1460, 14600, 65535, 1 << 20, TERN_MAX_WINDOW - 1,
		TERN_MAX_WINDOW, TERN_MAX_WINDOW + 1, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	u8 kind = input_u8(in);

	if (kind < 64)
		return e->conn.snd_wnd;
	if (kind < 128)
		return tern_seq_dist(e->conn.snd_una, e->conn.snd_max) + kind - 96;
	if (kind < 192)
		return some[kind % ARRAY_SIZE(some)];
	return input_u16(in);
}

static u32 pick_len(struct input *in, const struct end *e, const struct tern_seg *seg)
{
	u8 kind = input_u8(in);
	u32 len;

	if (kind < 64)
		len = e->conn.cfg.mss;
	else if (kind < 128)
		len = kind - 63u;
	else if (kind < 160)
		len = tern_seq_dist(seg->seq, e->conn.rcv_adv) + kind - 144;
	else if (kind < 192)
		len = tern_seq_dist(seg->seq, e->conn.rcv_nxt) + kind - 176;
	else
		len = input_u16(in);
	return tern_min(len, 65495);
}

static u32 pick_mss(u8 kind)
{
	static const u16 some[] = { 1460, 0, 1, 2, 47, 48, 100, 127, 128, 129, 140, 536, 1220,
				    8960, 65495, 65535 };

	return some[kind % ARRAY_SIZE(some)];
}

static void pick_timestamps(struct input *in, const struct end *e, struct tern_seg *seg)
{
	u8 kind = input_u8(in);

	seg->has_ts = kind & 1;
	if (!seg->has_ts)
		return;
	seg->tsval = kind & 2 && e->conn.ts_ok && e->conn.state != TERN_SYN_SENT ?
		     e->conn.ts_recent :
		     e->world.peer_ts + (u32)((e->now - e->world.start) / 1000);
	seg->tsval += delta(in, kind >> 4);
	if (seg->flags & TERN_ACK)
		seg->tsecr = tern_tsval(e->now, e->world.ts_offset) -
			     (kind & 4 ? delta(in, 8 + (kind >> 5)) : 0);
}

static void pick_blocks(struct input *in, const struct end *e, struct tern_seg *seg)
{
	u8 kind = input_u8(in);
	u32 flight = tern_seq_dist(e->conn.snd_una, e->conn.snd_max);
	u32 mss = e->conn.snd_mss;
	u32 i;

	seg->n_sack = 1 + (kind & 3);
	if (seg->has_ts && seg->n_sack == TERN_SACK_BLOCKS)
		seg->n_sack--;
	for (i = 0; i < seg->n_sack; i++) {
		u8 where = input_u8(in), how = input_u8(in);
		tern_seq start = tern_seq_add(e->conn.snd_una, mss * (where & 31));

		if (where & 32)
			start = edge_of(in, e->conn.sacked, e->conn.n_sacked, where & 16, start);
		if (where & 64)
			start = tern_seq_add(e->conn.snd_una, flight / 2);
		start = tern_seq_add(start, delta(in, where & 128 ? how : 0));
		seg->sack[i].start = start;
		seg->sack[i].end = tern_seq_add(start, how < 64 ? mss * (how & 7) + mss :
						delta(in, how >> 4) + how % 16);
	}
}

/* The parser has the last word: what it would not give, no engine meets. */
static bool wire(struct tern_seg *seg)
{
	u8 hdr[TERN_HDR_MAX];
	u32 hlen = tern_build_len(seg);

	if (hlen > TERN_HDR_MAX)
		return false;
	tern_build(seg, hdr);
	return tern_parse(hdr, hlen + seg->len, seg) == TERN_DROP_NONE;
}

static struct tern_seg pick_seg(struct input *in, const struct end *e)
{
	static const u8 flags[16] = {
		TERN_ACK, TERN_ACK, TERN_ACK, TERN_ACK, TERN_ACK, TERN_ACK, TERN_ACK,
		TERN_ACK | TERN_PSH, TERN_ACK | TERN_FIN, TERN_ACK | TERN_FIN, TERN_SYN,
		TERN_SYN | TERN_ACK, TERN_RST, TERN_RST | TERN_ACK, TERN_FIN,
	};
	u8 kind = input_u8(in);
	struct tern_seg seg;

	seg = end_peer_seg(e, (kind & 15) == 15 ? input_u8(in) & 0x1f : flags[kind & 15], 65535);
	seg.seq = pick_seq(in, e);
	if (seg.flags & TERN_ACK)
		seg.ack = pick_ack(in, e);
	seg.wnd = kind & 16 ? pick_wnd(in, e) : e->conn.snd_wnd;
	if (kind & 32)
		seg.len = pick_len(in, e, &seg);
	if (seg.flags & TERN_SYN) {
		u8 options = input_u8(in);

		seg.mss = (u16)pick_mss(options & 15);
		seg.sack_permitted = !(options & 16);
		seg.has_ts = !(options & 32);
		if (!seg.has_ts)
			seg.tsecr = 0;
	}
	if (kind & 64)
		pick_timestamps(in, e, &seg);
	if (kind & 128)
		pick_blocks(in, e, &seg);
	return seg;
}

/* Opening, and getting somewhere */

static void arrive(struct end *e, struct tern_seg seg)
{
	struct call call = { .kind = CALL_SEGMENT, .challenge = true, .seg = seg };

	end_call(e, &call);
}

static void user(struct end *e, enum call_kind kind, u32 n)
{
	struct call call = { .kind = kind, .n = n };

	end_call(e, &call);
}

static struct tern_config pick_config(struct input *in)
{
	static const u32 bufs[] = { 65535, 1, 2, 100, 1460, 2920, 20000, 1 << 20,
				    TERN_MAX_WINDOW - 1, TERN_MAX_WINDOW, 0xffffffff, 0 };
	static const u32 times[] = { 200000, 0, 1, 1000, 1000000, 0xffffffff };
	u8 bits = input_u8(in), mss = input_u8(in), buf = input_u8(in), more = input_u8(in);
	struct tern_config cfg = {
		.rto_initial = 1000000, .rto_max = 120000000, .delack = 40000,
		.fin_wait_2 = 60000000,
	};

	cfg.sack = !(bits & 1);
	cfg.timestamps = !(bits & 2);
	cfg.nodelay = bits & 4;
	if (bits & 8) {
		cfg.keep_idle = (1 + input_u8(in) % 16) * SEC;
		cfg.keep_interval = input_u8(in) % 8 * SEC;
		cfg.keep_probes = bits >> 6;
	}
	if (bits & 16)
		cfg.user_timeout = input_u8(in) * 100 * MSEC;
	cfg.mss = (u16)pick_mss(mss & 15);
	cfg.peer_mss = mss & 16 ? TERN_DEFAULT_MSS6 : mss & 32 ? TERN_DEFAULT_MSS : 0;
	cfg.rcv_buf = bufs[buf % ARRAY_SIZE(bufs)];
	cfg.syn_retries = (more & 3) + 1;
	cfg.synack_retries = (more & 3) + 1;
	cfg.data_retries = (more >> 2 & 3) + 2;
	cfg.orphan_retries = more >> 4 & 3;
	cfg.rto_min = times[(more >> 6) + (bits & 32 ? 2 : 0)];
	if (bits & 32) {
		cfg.delack = times[buf >> 4 & 1];
		cfg.fin_wait_2 = times[1 + (buf >> 5 & 1)];
		cfg.rto_initial = times[mss >> 6];
		cfg.rto_max = times[(mss >> 6) + 2];
	}
	return cfg;
}

static void open_passive(struct input *in, struct end *e, bool cookie)
{
	struct call call = { .kind = cookie ? CALL_OPEN_COOKIE : CALL_OPEN_SYN };
	u8 kind = input_u8(in);

	call.seg = end_peer_seg(e, cookie ? TERN_ACK : TERN_SYN, 65535);
	if (cookie) {
		call.n = pick_mss(kind & 15);
		call.seg.seq = tern_seq_add(call.seg.seq, 1);
		call.seg.ack = tern_seq_of(e->world.iss + 1);
	} else {
		call.seg.mss = (u16)pick_mss(kind & 15);
		call.seg.sack_permitted = !(kind & 16);
		call.seg.has_ts = !(kind & 32);
	}
	if (kind & 64)
		call.seg.wnd = pick_wnd(in, e);
	if (!wire(&call.seg) || (!cookie && end_listen(&call.seg) != TERN_LISTEN_SYN))
		return;
	end_call(e, &call);
	if (!cookie)
		return;
	call.kind = CALL_SEGMENT;
	end_call(e, &call);
	LAW(e->conn.state == TERN_ESTABLISHED, "the third message opens what its cookie says");
}

/* What a connection has to go through on its way to @state */
static void reach(struct input *in, struct end *e, enum tern_state state, bool passive)
{
	struct call call = { .kind = CALL_OPEN };
	bool active_close = state == TERN_FIN_WAIT_1 || state == TERN_FIN_WAIT_2 ||
			    state == TERN_CLOSING || state == TERN_TIME_WAIT;

	if (passive)
		open_passive(in, e, false);
	else
		end_call(e, &call);
	if (state == TERN_SYN_SENT || e->over)
		return;
	if (!passive)
		arrive(e, end_peer_seg(e, state == TERN_SYN_RECEIVED ? TERN_SYN :
				       TERN_SYN | TERN_ACK, 65535));
	else if (state != TERN_SYN_RECEIVED)
		arrive(e, end_peer_seg(e, TERN_ACK, 65535));
	if (active_close)
		user(e, CALL_CLOSE, 0);
	if (state == TERN_FIN_WAIT_2 || state == TERN_TIME_WAIT)
		arrive(e, end_peer_seg(e, TERN_ACK, 65535));
	if (state == TERN_CLOSING || state == TERN_CLOSE_WAIT || state == TERN_LAST_ACK) {
		struct tern_seg seg = end_peer_seg(e, TERN_ACK | TERN_FIN, 65535);

		seg.ack = e->conn.snd_una;
		arrive(e, seg);
	}
	if (state == TERN_TIME_WAIT)
		arrive(e, end_peer_seg(e, TERN_ACK | TERN_FIN, 65535));
	if (state == TERN_LAST_ACK)
		user(e, CALL_CLOSE, 0);
}

static void begin(struct input *in, struct end *e)
{
	static const u8 states[] = {
		TERN_ESTABLISHED, TERN_SYN_SENT, TERN_SYN_RECEIVED, TERN_FIN_WAIT_1,
		TERN_FIN_WAIT_2, TERN_TIME_WAIT, TERN_CLOSE_WAIT, TERN_LAST_ACK, TERN_CLOSING,
	};
	u8 kind = input_u8(in);

	if (kind >= 240)
		open_passive(in, e, true);
	else
		reach(in, e, states[kind % ARRAY_SIZE(states)], kind & 128);
	fuzz_show("-- %s", tern_state_name(e->conn.state));
}

/* What may happen to it then */

static void time_passes(struct input *in, struct end *e)
{
	static const u64 some[] = {
		1, 1 * MSEC, 10 * MSEC, 40 * MSEC, 200 * MSEC, 500 * MSEC, 1 * SEC, 3 * SEC,
		60 * SEC, 3600 * SEC, 25 * 24 * 3600 * SEC, 60ull * 24 * 3600 * SEC,
	};
	u8 kind = input_u8(in);
	u64 deadline = tern_next_deadline(&e->conn);
	bool known = deadline != TERN_NEVER && deadline > e->now;

	if (kind < 64 && known)
		e->now = deadline;
	else if (kind < 80 && known)
		e->now = deadline + some[kind % 8];
	else if (kind < 96 && known)
		e->now = deadline - 1;
	else if (kind < 208)
		e->now += some[kind % ARRAY_SIZE(some)];
	else
		e->now += input_u16(in);
	fuzz_show("  time +%llu us", (unsigned long long)(e->now - e->world.start));
	if (!(kind & 1) || kind < 64)
		user(e, CALL_TIMEOUT, 0);
}

static void user_call(struct input *in, struct end *e)
{
	struct call call = { .kind = CALL_CLOSE };
	u8 kind = input_u8(in);

	switch (kind & 15) {
	case 0:
	case 1:
		call.kind = CALL_CLOSE;
		break;
	case 2:
		user(e, CALL_CLOSE, 0);
		call.kind = CALL_ORPHAN;
		break;
	case 3:
		call.kind = CALL_ABORT;
		call.n = TERN_ERR_REFUSED + (kind >> 4 & 3);
		break;
	case 4:
	case 5:
		call.kind = CALL_RCV_BUF;
		call.n = kind & 16 ? input_u32(in) : input_u16(in);
		break;
	case 6:
		call.kind = CALL_NODELAY;
		call.n = kind >> 4 & 1;
		break;
	case 7:
	case 8:
		call.kind = CALL_KEEPALIVE;
		call.n = kind >> 4 & 3;
		call.time = input_u8(in) * (kind & 128 ? SEC : 0);
		call.interval = input_u8(in) * SEC;
		break;
	case 9:
	case 10:
		call.kind = CALL_USER_TIMEOUT;
		call.time = input_u8(in) * (kind & 128 ? SEC : 10 * MSEC);
		break;
	case 11:
	case 12:
		call.kind = CALL_MSS;
		call.n = kind & 16 ? input_u16(in) : pick_mss(input_u8(in));
		break;
	default:
		call.kind = CALL_FORGET;
		break;
	}
	if (!e->over && !e->waiting)
		end_call(e, &call);
}

static void send_some(struct input *in, struct end *e, u8 kind)
{
	switch (kind >> 5) {
	case 0:
		user(e, CALL_SEND, e->conn.snd_mss);
		break;
	case 1:
		user(e, CALL_SEND, 4 * e->conn.snd_mss);
		break;
	case 2:
		user(e, CALL_SEND, 20 * e->conn.snd_mss);
		break;
	case 3:
		user(e, CALL_SEND, input_u8(in));
		break;
	case 4:
		user(e, CALL_SEND, input_u16(in));
		break;
	case 5:
		user(e, CALL_SEND, input_u32(in));
		break;
	default:
		user(e, CALL_SEND, 1);
		break;
	}
}

static void one_segment(struct input *in, struct end *e, u8 op)
{
	struct call call = { .kind = CALL_SEGMENT, .challenge = !(op & 32) };

	call.seg = pick_seg(in, e);
	if (!wire(&call.seg))
		return;
	end_listen(&call.seg);
	if (e->waiting)
		end_time_wait(e, &call.seg);
	else
		end_call(e, &call);
}

static void operation(struct input *in, struct end *e)
{
	u8 op = input_u8(in);

	if ((op & 31) < 16 || e->waiting)
		one_segment(in, e, op);
	else if ((op & 31) < 21)
		send_some(in, e, op);
	else if ((op & 31) < 23)
		user(e, CALL_RECEIVE, op & 128 ? e->conn.rcv_held :
		     tern_min(input_u16(in), e->conn.rcv_held));
	else if ((op & 31) < 29)
		time_passes(in, e);
	else
		user_call(in, e);
}

static u64 run(struct input in, u32 world)
{
	struct end e;
	struct tern_config cfg = pick_config(&in);
	u32 ops;

	fuzz_show("world %u: iss 0x%x irs 0x%x", world, worlds[world].iss, worlds[world].irs);
	end_init(&e, &worlds[world], &cfg);
	begin(&in, &e);
	for (ops = 0; ops < OPS_MAX && !e.over && !input_end(&in); ops++)
		operation(&in, &e);
	if (!e.over && !e.waiting)
		end_silence(&e);
	if (e.over) /* it takes nothing more */
		arrive(&e, end_peer_seg(&e, TERN_ACK, 0));
	return e.digest;
}

int fuzz_one_input(const u8 *data, size_t size)
{
	struct input in = { data, size, 0 };
	u32 n = ARRAY_SIZE(worlds);
	u32 world = input_u8(&in) % n;
	u64 digest = run(in, world);
	u32 i;

	for (i = 1; i < (fuzz_thorough ? n : 2); i++)
		LAW(run(in, (world + (fuzz_thorough ? i : 1 + size % (n - 1))) % n) == digest,
		    "it is the same in every world");
	return 0;
}
