// SPDX-License-Identifier: GPL-2.0
/*
 * One end under test: making a call, twice, and the laws that hold whatever the call is.
 */
#include <string.h>

#include "tests/fuzz/end.h"
#include "tests/host/laws.h"

/* Timeouts that a silent peer can lead to, whatever the configuration. */
#define SILENCE_MAX 3000

static const struct tern_result nothing;

static const char * const call_names[] = {
	[CALL_OPEN] = "open",
	[CALL_OPEN_SYN] = "open by SYN",
	[CALL_OPEN_COOKIE] = "open by cookie",
	[CALL_SEGMENT] = "segment",
	[CALL_TIMEOUT] = "timeout",
	[CALL_SEND] = "send",
	[CALL_RECEIVE] = "receive",
	[CALL_CLOSE] = "close",
	[CALL_ORPHAN] = "orphan",
	[CALL_ABORT] = "abort",
	[CALL_RCV_BUF] = "receive buffer",
	[CALL_NODELAY] = "nodelay",
	[CALL_KEEPALIVE] = "keepalive",
	[CALL_USER_TIMEOUT] = "user timeout",
	[CALL_MSS] = "mss",
	[CALL_FORGET] = "forget ranges",
};

void end_init(struct end *e, const struct world *world, const struct tern_config *cfg)
{
	memset(e, 0, sizeof(*e));
	e->world = *world;
	e->cfg = *cfg;
	e->cfg.ts_offset = world->ts_offset;
	e->now = world->start;
	e->conn.state = TERN_CLOSED;
}

tern_seq end_rcv_nxt(const struct end *e)
{
	return e->conn.state == TERN_SYN_SENT || e->conn.state == TERN_CLOSED ?
	       tern_seq_of(e->world.irs) : e->conn.rcv_nxt;
}

struct tern_seg end_peer_seg(const struct end *e, u8 flags, u32 wnd)
{
	struct tern_seg seg;

	memset(&seg, 0, sizeof(seg));
	seg.sport = 2;
	seg.dport = 1;
	seg.hlen = TERN_HDR_LEN;
	seg.flags = flags;
	seg.seq = end_rcv_nxt(e);
	seg.wnd = wnd;
	if (flags & TERN_ACK)
		seg.ack = e->conn.snd_max;
	if (flags & TERN_SYN) {
		seg.mss = 1460;
		seg.sack_permitted = true;
	}
	if (flags & TERN_SYN || e->conn.ts_ok) {
		seg.has_ts = true;
		seg.tsval = e->world.peer_ts + (u32)((e->now - e->world.start) / 1000);
		if (flags & TERN_ACK)
			seg.tsecr = tern_tsval(e->now, e->world.ts_offset);
	}
	return seg;
}

/* The call itself.  @conn may be a copy. */
static bool apply(const struct end *e, struct tern_conn *conn, const struct call *call,
		  struct tern_result *res)
{
	tern_seq iss = tern_seq_of(e->world.iss);

	*res = nothing;
	switch (call->kind) {
	case CALL_OPEN:
		*res = tern_open(conn, e->now, iss, &e->cfg);
		return true;
	case CALL_OPEN_SYN:
		*res = tern_open_syn(conn, e->now, iss, &e->cfg, &call->seg);
		return true;
	case CALL_OPEN_COOKIE:
		*res = tern_open_cookie(conn, e->now, &e->cfg, (u16)call->n, &call->seg);
		return true;
	case CALL_SEGMENT:
		*res = tern_segment_arrives(conn, e->now, &call->seg);
		if (res->events & TERN_EV_CHALLENGE && call->challenge)
			tern_challenge_ack(conn);
		return true;
	case CALL_TIMEOUT:
		*res = tern_timeout(conn, e->now);
		return true;
	case CALL_CLOSE:
		*res = tern_close(conn, e->now);
		return true;
	case CALL_ORPHAN:
		*res = tern_orphan(conn, e->now);
		return true;
	case CALL_ABORT:
		*res = tern_abort(conn, (enum tern_error)call->n);
		return true;
	case CALL_SEND:
		return tern_send(conn, call->n);
	case CALL_RECEIVE:
		tern_receive(conn, call->n);
		return true;
	case CALL_RCV_BUF:
		tern_set_rcv_buf(conn, call->n);
		return true;
	case CALL_NODELAY:
		tern_set_nodelay(conn, call->n);
		return true;
	case CALL_KEEPALIVE:
		tern_set_keepalive(conn, call->time, call->interval, (u8)call->n);
		return true;
	case CALL_USER_TIMEOUT:
		tern_set_user_timeout(conn, call->time);
		return true;
	case CALL_MSS:
		tern_set_mss(conn, (u16)call->n);
		return true;
	case CALL_FORGET:
		tern_forget_ranges(conn);
		return true;
	}
	return false;
}

/* A segment as it is in every world */
static u64 mix_seg(const struct end *e, u64 hash, const struct tern_seg *seg)
{
	u32 i;

	hash = fuzz_mix(hash, tern_seq_bits(seg->seq) - e->world.iss);
	hash = fuzz_mix(hash, seg->flags | (u64)seg->mss << 8 | (u64)seg->len << 32);
	hash = fuzz_mix(hash, seg->wnd | (u64)seg->pos << 32);
	if (seg->flags & TERN_ACK)
		hash = fuzz_mix(hash, tern_seq_bits(seg->ack) - e->world.irs);
	if (seg->has_ts)
		hash = fuzz_mix(hash, seg->tsval - tern_tsval(e->world.start, e->world.ts_offset));
	if (seg->has_ts && seg->flags & TERN_ACK)
		hash = fuzz_mix(hash, seg->tsecr - e->world.peer_ts);
	for (i = 0; i < seg->n_sack; i++) {
		hash = fuzz_mix(hash, tern_seq_bits(seg->sack[i].start) - e->world.irs);
		hash = fuzz_mix(hash, tern_seq_bits(seg->sack[i].end) - e->world.irs);
	}
	return fuzz_mix(hash, (u64)seg->n_sack << 3 | seg->sack_permitted << 2 |
			seg->has_ts << 1 | seg->rexmit);
}

static u64 mix_result(u64 hash, const struct tern_result *res)
{
	u32 i;

	hash = fuzz_mix(hash, res->events | (u64)res->acked << 32);
	hash = fuzz_mix(hash, res->data_off | (u64)res->data_len << 32);
	hash = fuzz_mix(hash, res->data_pos | (u64)res->drop << 32 | (u64)res->path_len << 40);
	for (i = 0; i < res->path_len && i < TERN_PATH; i++)
		hash = fuzz_mix(hash, res->path[i]);
	return hash;
}

/* What of the connection says how it goes on */
static u64 mix_conn(const struct end *e, u64 hash, const struct tern_conn *conn)
{
	u64 deadline = tern_next_deadline(conn);

	hash = fuzz_mix(hash, conn->cwnd | (u64)conn->ssthresh << 32);
	hash = fuzz_mix(hash, conn->srtt | (u64)conn->rto << 32);
	hash = fuzz_mix(hash, conn->rcv_held | (u64)conn->snd_wnd << 32);
	return fuzz_mix(hash, deadline == TERN_NEVER ? 0 : deadline - e->world.start);
}

/* The whole call on a copy, its laws unasked: only what comes out. */
static u64 make_twin(const struct end *e, struct tern_conn *twin, const struct call *call)
{
	struct tern_result res;
	struct tern_seg seg;
	u64 hash = fuzz_mix(0, apply(e, twin, call, &res));
	u32 n = 0;

	hash = mix_result(hash, &res);
	while (n++ < LAWS_DRAIN_MAX && tern_next_segment(twin, e->now, &seg))
		hash = mix_seg(e, hash, &seg);
	return mix_conn(e, hash, twin);
}

static void law(const char *broken)
{
	if (broken)
		fuzz_broken("%s", broken);
}

/* Segments due at once: what congestion lets out, cut at every hole, and a few more. */
static u32 drain_max(const struct tern_conn *conn)
{
	u32 space = tern_sack_space(conn);
	u32 mss = conn->snd_mss > space ? conn->snd_mss - space : 1;

	return 16 + 2 * TERN_SACKED + (conn->cwnd + 4 * conn->snd_mss) / mss;
}

static u64 drain(struct end *e, u64 hash)
{
	u32 most = drain_max(&e->conn);
	struct tern_conn before = e->conn;
	struct tern_seg seg;

	while (tern_next_segment(&e->conn, e->now, &seg)) {
		fuzz_show_seg("->", &seg, e->conn.iss, e->conn.irs);
		if (!e->drained++)
			e->first = seg;
		LAW(e->drained <= most, "the engine comes to rest");
		law(laws_segment(&e->conn, &before, &seg));
		law(tern_check(&e->conn));
		end_sent(e, &before, &seg);
		hash = mix_seg(e, hash, &seg);
		before = e->conn;
		most = tern_max(most, drain_max(&e->conn));
	}
	return hash;
}

/* After draining.  A deadline that had passed before the call and was not served stays. */
static void rest(const struct end *e, const struct call *call)
{
	u32 i;

	if (tern_next_deadline(&e->before) > e->now || call->kind <= CALL_OPEN_COOKIE ||
	    call->kind == CALL_TIMEOUT) {
		law(laws_rest(&e->conn, e->now));
		return;
	}
	law(tern_check(&e->conn));
	for (i = 0; i < TERN_TIMERS; i++)
		LAW(e->conn.deadline[i] > e->now || e->conn.deadline[i] == e->before.deadline[i],
		    "a new deadline lies in the future");
}

/* What only a segment may change */
static void must_stay(const struct end *e, const struct call *call)
{
	const struct tern_conn *old = &e->before, *conn = &e->conn;

	LAW(conn->snd_una == old->snd_una && conn->syn_acked == old->syn_acked,
	    "only a segment acknowledges");
	LAW(conn->rcv_nxt == old->rcv_nxt && conn->irs == old->irs, "only a segment brings octets");
	LAW(conn->fin_seen == old->fin_seen, "only a segment brings a FIN");
	LAW(conn->snd_wnd == old->snd_wnd, "only a segment changes the peer's window");
	LAW(conn->n_ranges == old->n_ranges || call->kind == CALL_FORGET ||
	    conn->state == TERN_CLOSED, "only a segment changes what is held");
}

static void note_user(struct end *e, const struct call *call, bool done)
{
	e->tuned |= call->kind >= CALL_SEND;
	switch (call->kind) {
	case CALL_SEND:
		e->given += done ? call->n : 0;
		LAW(done || e->conn.snd_end == e->before.snd_end, "a SEND refused gives nothing");
		break;
	case CALL_RECEIVE:
		e->taken += call->n;
		break;
	case CALL_FORGET:
		e->n_held = 0;
		break;
	default:
		break;
	}
}

/* rfc6298#section-5, 5.4 to 5.6: from snd_una again, and twice as long */
static void must_back_off(const struct end *e)
{
	const struct tern_conn *conn = &e->conn;
	u32 times = tern_min(conn->rexmits, 31);
	u64 most = tern_max(conn->cfg.rto_max, 1);
	u64 wait = (u64)e->before.rto << times;
	u64 deadline = conn->deadline[TERN_TIMER_REXMT];

	LAW(conn->rexmits == tern_min(e->before.rexmits + 1u, 255), "a timeout is counted");
	LAW(deadline == TERN_NEVER || deadline == e->now + (wait > most ? most : wait),
	    "each timeout waits twice as long");
	LAW(!conn->syn_acked || conn->cwnd == conn->snd_mss, "a timeout leaves one segment");
	if (!conn->syn_acked || conn->snd_wnd) {
		LAW(e->drained, "a timeout sends again");
		LAW(e->first.seq == conn->snd_una, "a timeout sends from snd_una");
		LAW(deadline != TERN_NEVER, "what is sent again is timed");
	}
}

/*
 * The small form of a half-open connection answers as the connection.  It keeps one
 * deadline, and no user has touched what it stands for.
 */
static void small_form(const struct end *e, const struct call *call, u64 hash)
{
	struct tern_conn big;
	struct tern_req req;
	struct tern_config cfg = e->cfg;

	if (e->before.state != TERN_SYN_RECEIVED || !e->before.passive || e->tuned ||
	    cfg.user_timeout || e->before.deadline[TERN_TIMER_DELACK] != TERN_NEVER ||
	    (call->kind != CALL_SEGMENT && call->kind != CALL_TIMEOUT) ||
	    e->now - e->world.start > 24ull * 24 * 3600 * SEC)
		return;
	tern_req_pack(&req, &e->before);
	cfg.sack = !cfg.sack; /* as it was agreed on, not as it would be now */
	tern_req_unpack(&big, &req, &cfg);
	law(tern_check(&big));
	LAW(make_twin(e, &big, call) == hash, "the small form answers as the connection");
	tern_req_pack(&req, &big);
}

static void note_result(struct end *e, const struct call *call, const struct tern_result *res)
{
	u8 before = call->kind == CALL_OPEN ? TERN_CLOSED :
		    call->kind <= CALL_OPEN_COOKIE ? TERN_LISTEN : e->before.state;

	if (call->kind < CALL_SEND || (call->kind >= CALL_CLOSE && call->kind <= CALL_ABORT))
		law(laws_result(&e->conn, before, res));
	if (call->kind == CALL_SEGMENT)
		end_arrived(e, &call->seg, res);
	else if (call->kind > CALL_OPEN_COOKIE)
		must_stay(e, call);
	if (call->kind == CALL_OPEN_SYN || call->kind == CALL_OPEN_COOKIE)
		e->edge = tern_seq_dist(e->conn.rcv_nxt, e->conn.rcv_adv);
	if (fuzz_showing && res->path_len)
		fuzz_show("     %s -> %s", tern_state_name(res->old_state),
			  tern_state_name(e->conn.state));
	if (fuzz_showing && (res->events || res->drop))
		fuzz_show("     events 0x%x drop %u acked %u data %u at %u", res->events,
			  res->drop, res->acked, res->data_len, res->data_pos);
}

void end_call(struct end *e, const struct call *call)
{
	struct tern_conn twin;
	struct tern_result res;
	u64 hash, twin_hash;
	bool done;

	if (call->kind == CALL_SEGMENT)
		fuzz_show_seg("<-", &call->seg, e->conn.state == TERN_SYN_SENT ?
			      tern_seq_of(e->world.irs) : e->conn.irs, e->conn.iss);
	else
		fuzz_show("  %s n=%u time=%llu", call_names[call->kind], call->n,
			  (unsigned long long)call->time);
	memcpy(&e->before, &e->conn, sizeof(e->before));
	memcpy(&twin, &e->conn, sizeof(twin));
	twin_hash = make_twin(e, &twin, call);

	e->drained = 0;
	e->acks = 0;
	done = apply(e, &e->conn, call, &res);
	hash = mix_result(fuzz_mix(0, done), &res);
	note_result(e, call, &res);
	note_user(e, call, done);
	law(tern_check(&e->conn));
	hash = mix_conn(e, drain(e, hash), &e->conn);
	LAW(hash == twin_hash && !memcmp(&twin, &e->conn, sizeof(twin)),
	    "the same input, the same output");
	rest(e, call);
	end_same_held(e);
	if (call->kind == CALL_SEGMENT)
		end_answered(e, &call->seg, &res);
	if (res.events & TERN_EV_TIMEOUT && e->conn.state != TERN_CLOSED)
		must_back_off(e);
	small_form(e, call, hash);

	e->digest = fuzz_mix(e->digest, hash);
	e->over |= e->conn.state == TERN_CLOSED;
	if (res.events & TERN_EV_TIME_WAIT) {
		e->waiting = true;
		tern_tw_init(&e->tw, &e->conn);
	}
}

/* Somebody waits for something that only the peer could give. */
static bool must_end(const struct end *e)
{
	return e->conn.orphan || e->conn.snd_una != e->conn.snd_max ||
	       e->sent < e->given || (e->conn.fin_queued && !e->fin_sent);
}

void end_silence(struct end *e)
{
	struct call call = { .kind = CALL_TIMEOUT };
	u64 begin = e->now;
	u32 n = 0;

	end_call(e, &call);
	while (!e->over && !e->waiting) {
		u64 deadline = tern_next_deadline(&e->conn);
		bool patient = e->conn.cfg.user_timeout && !e->conn.orphan &&
			       e->now - begin <= e->conn.cfg.user_timeout +
						 2ull * e->conn.cfg.rto_max;

		if (deadline == TERN_NEVER) {
			LAW(!must_end(e), "nobody waits for ever without a timer");
			return;
		}
		if (n++ == SILENCE_MAX) {
			LAW(patient || !must_end(e), "a silent peer is given up");
			return;
		}
		e->now = deadline;
		end_call(e, &call);
	}
}
