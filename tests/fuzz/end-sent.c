// SPDX-License-Identifier: GPL-2.0
/*
 * The laws of what one end sends, from what it was told and what it has sent before.
 */
#include "tests/fuzz/end.h"

/* Where blocks beside data would leave too little room for it, as core/sack.c says. */
#define MSS_FOR_BLOCKS 128

/* Position of @seq in the sent stream; it lies within 2^31 of what is acknowledged. */
static u64 sent_pos(const struct end *e, tern_seq seq)
{
	u32 pos = tern_seq_dist(e->conn.iss, seq) - 1;

	return e->released + (u64)(s64)(s32)(pos - (u32)e->released);
}

static u64 rcv_next(const struct end *e)
{
	return e->rcv + e->eof;
}

/* Octets that SACK blocks take beside data */
static u32 block_room(const struct end *e, const struct tern_conn *conn)
{
	u32 n = tern_min(e->n_held, TERN_SACK_BLOCKS - conn->ts_ok);

	return conn->sack_ok && n && conn->snd_mss >= MSS_FOR_BLOCKS ? 4 + 8 * n : 0;
}

static void header(const struct end *e, const struct tern_conn *before,
		   const struct tern_seg *seg)
{
	u32 offset = e->world.ts_offset;

	LAW(seg->has_ts == before->ts_ok, "timestamps on every segment, or on none");
	LAW(!seg->has_ts || seg->tsval == tern_tsval(e->now, offset), "TSval is the clock");
	LAW(!seg->has_ts || seg->tsecr == (seg->flags & TERN_ACK ? before->ts_recent : 0),
	    "TSecr is the latest of the peer's");
	LAW(seg->sack_permitted == (seg->flags & TERN_SYN && before->sack_ok),
	    "SACK-permitted on SYN, if it is offered");
	LAW(seg->wnd <= TERN_MAX_WINDOW, "no window larger than the largest");
}

/* rfc2018#section-4: the block of the latest arrival first, and as many as there are */
static void sack_blocks(const struct end *e, const struct tern_conn *before,
			const struct tern_seg *seg)
{
	u32 most = tern_min(e->n_held, TERN_SACK_BLOCKS - before->ts_ok);
	u32 i, j, k;

	if (seg->flags & (TERN_SYN | TERN_RST) || !before->sack_ok ||
	    (seg->len && before->snd_mss < MSS_FOR_BLOCKS))
		most = 0;
	LAW(seg->n_sack == most, "as many SACK blocks as there are and fit");
	for (i = 0; i < seg->n_sack; i++) {
		u64 start = tern_seq_dist(e->conn.rcv_nxt, seg->sack[i].start) + rcv_next(e);
		u64 end = tern_seq_dist(e->conn.rcv_nxt, seg->sack[i].end) + rcv_next(e);

		for (j = 0; j < e->n_held; j++) {
			if (e->held[j].start == start && e->held[j].end == end)
				break;
		}
		LAW(j < e->n_held, "a SACK block is what is held");
		for (k = 0; k < i; k++)
			LAW(seg->sack[k].start != seg->sack[i].start, "no SACK block twice");
		if (i)
			continue;
		for (k = 0; k < e->n_held; k++) {
			if (e->held[k].start <= e->latest && e->latest < e->held[k].end)
				LAW(k == j, "the latest arrival is in the first SACK block");
		}
	}
}

/* rfc9293#section-3.8.6: never taken back; moved by what is free, in steps worth it */
static void tell_window(struct end *e, const struct tern_seg *seg)
{
	u32 held = (u32)(e->rcv - e->taken);
	u32 room = e->conn.rcv_buf > held ? e->conn.rcv_buf - held : 0;
	u64 edge = rcv_next(e) + seg->wnd;

	if (e->conn.state == TERN_SYN_SENT)
		edge = seg->wnd;
	LAW(edge >= e->edge, "the window's right edge never moves left");
	if (edge > e->edge) {
		LAW(seg->wnd <= room, "no larger window than the buffer has room");
		LAW(edge - e->edge >= tern_min(e->conn.rcv_buf / 2, e->conn.cfg.mss) ||
		    !e->edge, "no silly window is offered");
	}
	e->edge = edge;
}

static void acknowledgment(struct end *e, const struct tern_conn *before,
			   const struct tern_seg *seg)
{
	if (!(seg->flags & TERN_ACK)) {
		LAW(seg->flags & TERN_SYN && before->state == TERN_SYN_SENT,
		    "only the first SYN acknowledges nothing");
		tell_window(e, seg);
		return;
	}
	LAW(before->state != TERN_SYN_SENT, "nothing is acknowledged before a SYN came");
	LAW(seg->ack == before->rcv_nxt, "what is acknowledged is rcv_nxt");
	LAW(tern_seq_bits(seg->ack) ==
	    tern_seq_bits(e->conn.irs) + 1 + (u32)rcv_next(e), "rcv_nxt is what was received");
	if (seg->flags & TERN_RST)
		return;
	tell_window(e, seg);
	e->unacked = 0;
	e->acks++;
}

/* rfc9293#section-3.8.6.2.1 and 3.7.4, and what congestion lets out, for new octets */
static void worth_it(const struct end *e, const struct tern_conn *before,
		     const struct tern_seg *seg, u64 end)
{
	u32 flight = tern_seq_dist(before->snd_una, before->snd_max);

	if (seg->seq != before->snd_max || !seg->len || before->force)
		return;
	if (!before->cfg.nodelay && !before->fin_queued && tern_in_flight(before))
		LAW(seg->len == before->snd_mss - block_room(e, before),
		    "a small segment waits while one is under way");
	LAW(seg->len == before->snd_mss - block_room(e, before) || end == e->given ||
	    seg->len >= before->snd_wnd_max / 2,
	    "a segment is full, or the last, or half the window");
	if (!before->sack_ok && before->snd_nxt == before->snd_max)
		LAW(flight + seg->len <= before->cwnd + 2 * before->snd_mss,
		    "new octets inside the congestion window");
}

static void give_octets(struct end *e, const struct tern_conn *before, const struct tern_seg *seg)
{
	u64 start = sent_pos(e, seg->seq);
	u64 end = start + seg->len;
	bool fin = seg->flags & TERN_FIN;
	u64 edge = e->released + before->snd_wnd;
	u32 room = tern_min(before->cfg.mss, before->peer_mss);

	LAW(before->syn_acked || !seg->len, "no data before the SYN is acknowledged");
	LAW(start >= e->released && end <= e->given, "only octets that the user keeps for it");
	LAW(end + fin <= edge || (before->force && seg->len + fin == 1),
	    "octets and FIN inside the peer's window");
	LAW(!(seg->flags & TERN_PSH) == !(seg->len && end == e->given),
	    "PSH on the end of what was handed over");
	LAW(!fin || (before->fin_queued && end == e->given), "FIN behind the last octet");
	LAW(seg->rexmit == (start < e->sent || (e->fin_sent && start == e->sent)),
	    "what goes out again is said to");
	LAW(!seg->len || seg->len + tern_build_len(seg) - TERN_HDR_LEN <= room ||
	    room < MSS_FOR_BLOCKS + TERN_TS_LEN, "payload and options fit the packet");
	worth_it(e, before, seg, end);
	if (end > e->sent)
		e->sent = end;
	e->fin_sent |= fin;
}

static void synchronize(const struct end *e, const struct tern_conn *before,
			const struct tern_seg *seg)
{
	LAW(!before->syn_acked, "no SYN after the SYN was acknowledged");
	LAW(!(seg->flags & (TERN_FIN | TERN_RST)), "SYN alone or with ACK");
	LAW(!e->sent, "no SYN behind data");
}

/* Nothing but an acknowledgment: where it is acceptable, or a probe in front of it */
static void bare(const struct end *e, const struct tern_conn *before,
		 const struct tern_seg *seg)
{
	tern_seq edge = tern_seq_add(tern_snd_base(before), before->snd_wnd);

	if (before->keep_due && seg->seq == tern_seq_add(before->snd_una, ~0u)) {
		LAW(before->snd_una == before->snd_max, "keep-alive only when all is acknowledged");
		return;
	}
	LAW(seg->seq == tern_seq_min(before->snd_max, edge),
	    "an acknowledgment goes where the peer accepts it");
	LAW(e->conn.state != TERN_CLOSED || seg->flags & TERN_RST, "CLOSED sends nothing but RST");
}

void end_sent(struct end *e, const struct tern_conn *before, const struct tern_seg *seg)
{
	header(e, before, seg);
	sack_blocks(e, before, seg);
	acknowledgment(e, before, seg);
	if (seg->flags & TERN_RST)
		LAW(before->rst_due && !seg->len && !e->conn.rst_due, "one RST, after an abort");
	if (seg->flags & TERN_SYN)
		synchronize(e, before, seg);
	else if (seg->len || seg->flags & TERN_FIN)
		give_octets(e, before, seg);
	else
		bare(e, before, seg);
}
