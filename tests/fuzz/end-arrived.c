// SPDX-License-Identifier: GPL-2.0
/*
 * The laws of what arrives at one end: what may be believed, what must be, and what the
 * peer is owed for it.
 */
#include "tests/fuzz/end.h"

/* The stream variables, which a segment that is not acceptable leaves alone */
static bool untouched(const struct end *e)
{
	const struct tern_conn *old = &e->before, *conn = &e->conn;

	return conn->state == old->state && conn->snd_una == old->snd_una &&
	       conn->rcv_nxt == old->rcv_nxt && conn->snd_wnd == old->snd_wnd &&
	       conn->n_ranges == old->n_ranges && conn->fin_seen == old->fin_seen &&
	       conn->syn_acked == old->syn_acked && conn->ts_recent == old->ts_recent;
}

/* Position of @seq in the received stream, which lies within 2^31 of what was received */
static u64 rcv_pos(const struct end *e, tern_seq seq)
{
	u32 pos = tern_seq_dist(e->conn.irs, seq) - 1;

	return e->rcv + (u64)(s64)(s32)(pos - (u32)e->rcv);
}

static bool is_held(const struct end *e, u64 start, u64 end)
{
	u32 i;

	for (i = 0; i < e->n_held; i++) {
		if (e->held[i].start <= start && end <= e->held[i].end)
			return true;
	}
	return false;
}

/* [start, end) and all that it touches become one, in place of the first of them. */
static void hold(struct end *e, u64 start, u64 end)
{
	struct span kept[TERN_RANGES + 2];
	u32 i, n = 0;
	bool put = false;

	for (i = 0; i < e->n_held; i++) {
		struct span *s = &e->held[i];

		if (s->end < start || end < s->start)
			continue;
		start = s->start < start ? s->start : start;
		end = s->end > end ? s->end : end;
	}
	for (i = 0; i < e->n_held; i++) {
		struct span *s = &e->held[i];

		if (s->end < start) {
			kept[n++] = *s;
		} else if (end < s->start) {
			if (!put)
				kept[n++] = (struct span){ start, end };
			put = true;
			kept[n++] = *s;
		}
	}
	if (!put)
		kept[n++] = (struct span){ start, end };
	for (i = 0; i < n; i++)
		e->held[i] = kept[i];
	e->n_held = n;
}

/* In order: over what it now reaches, too */
static void advance(struct end *e)
{
	u32 i;

	while (e->n_held && e->held[0].start <= e->rcv) {
		if (e->held[0].end > e->rcv)
			e->rcv = e->held[0].end;
		e->n_held--;
		for (i = 0; i < e->n_held; i++)
			e->held[i] = e->held[i + 1];
	}
}

static void take(struct end *e, const struct tern_seg *seg, const struct tern_result *res)
{
	u64 start = rcv_pos(e, tern_seq_add(seg->seq, res->data_off));
	u64 end = start + res->data_len;

	LAW(res->data_off + res->data_len <= seg->len, "accepted octets lie in the payload");
	LAW((u32)start == res->data_pos, "data_pos is where they are in the stream");
	LAW(start >= e->rcv, "no octet is accepted twice");
	LAW(!is_held(e, start, end), "no octets are accepted that are held");
	LAW(end <= e->edge, "accepted octets lie in the window");
	LAW(!e->eof, "no octet behind the FIN");
	LAW(!e->before.orphan, "an orphan takes nothing");
	if (start > e->rcv)
		e->latest = start;
	else if (!e->n_held)
		e->unacked++;
	hold(e, start, end);
	LAW(e->n_held <= TERN_RANGES + 1, "held ranges are bounded");
	advance(e);
}

/* What is held already came again: rfc2018 wants to hear of it first. */
static void again(struct end *e, const struct tern_seg *seg, const struct tern_result *res)
{
	u64 start = rcv_pos(e, seg->seq);
	u64 end = start + seg->len;

	start = start < e->rcv ? e->rcv : start;
	end = end > e->edge ? e->edge : end;
	if (res->drop == TERN_DROP_DUPLICATE && start < end && is_held(e, start, end))
		e->latest = start;
}

static void acked(struct end *e, const struct tern_seg *seg, const struct tern_result *res)
{
	const struct tern_conn *conn = &e->conn;
	u32 pos;

	LAW(conn->snd_una == e->before.snd_una ||
	    (seg->flags & TERN_ACK && conn->snd_una == seg->ack),
	    "snd_una is what the peer acknowledged");
	e->released += res->acked;
	LAW(e->released <= e->sent, "only what was sent is acknowledged");
	if (!conn->syn_acked)
		return;
	pos = tern_seq_dist(conn->iss, conn->snd_una) - 1;
	LAW(pos == (u32)e->released || (conn->fin_queued && pos == (u32)(e->released + 1) &&
					e->released == e->given && e->fin_sent),
	    "what is acknowledged is released");
	LAW(conn->state == TERN_CLOSED || tern_snd_pos(conn) == (u32)e->released,
	    "tern_snd_pos() is where the queue begins");
}

static void fin(struct end *e, const struct tern_seg *seg, const struct tern_result *res)
{
	const struct tern_conn *old = &e->before, *conn = &e->conn;

	if (old->fin_seen)
		LAW(conn->fin_seen && conn->rcv_fin == old->rcv_fin, "the FIN stays where it is");
	else if (conn->fin_seen)
		LAW(seg->flags & TERN_FIN && rcv_pos(e, conn->rcv_fin) < e->edge &&
		    conn->rcv_fin == tern_seq_add(seg->seq, seg->len),
		    "the FIN is where the segment says");
	if (!(res->events & TERN_EV_FIN))
		return;
	LAW(!e->eof, "the FIN is reached once");
	LAW(rcv_pos(e, conn->rcv_fin) == e->rcv, "the FIN is reached when all before it is");
	e->eof = true;
}

static u8 expected_error(const struct tern_conn *conn)
{
	switch (conn->state) {
	case TERN_SYN_SENT:
		return TERN_ERR_REFUSED;
	case TERN_SYN_RECEIVED:
		return conn->passive ? TERN_ERR_RESET : TERN_ERR_REFUSED;
	case TERN_CLOSING:
	case TERN_LAST_ACK:
		return TERN_OK;
	default:
		return TERN_ERR_RESET;
	}
}

/* rfc5961#section-3.2: exactly at rcv_nxt it resets, elsewhere in the window it asks */
static void reset(const struct end *e, const struct tern_seg *seg,
		  const struct tern_result *res)
{
	const struct tern_conn *old = &e->before;
	bool believed = seg->seq == old->rcv_nxt;
	u64 pos;

	if (old->state == TERN_SYN_SENT)
		believed = seg->flags & TERN_ACK && seg->ack == old->snd_max &&
			   old->snd_max != old->iss;
	if (believed) {
		LAW(e->conn.state == TERN_CLOSED, "a RST in its place resets");
		LAW(e->conn.error == expected_error(old), "the error is the state's");
		LAW(!e->conn.rst_due, "a RST is not answered");
		return;
	}
	LAW(untouched(e), "a RST elsewhere changes nothing");
	if (old->state == TERN_SYN_SENT)
		return;
	/* at rcv_nxt itself it was believed */
	pos = rcv_pos(e, seg->seq);
	LAW(!!(res->events & TERN_EV_CHALLENGE) == (pos > e->rcv && pos < e->edge),
	    "a RST in the window is challenged");
}

/* Is it an ordinary segment, exactly what comes next, with a good acknowledgment? */
static bool acceptable(const struct end *e, const struct tern_seg *seg)
{
	const struct tern_conn *old = &e->before;

	return old->syn_acked && old->state != TERN_CLOSED && seg->seq == old->rcv_nxt &&
	       (seg->flags & ~(TERN_PSH | TERN_FIN)) == TERN_ACK &&
	       (!old->ts_ok || (seg->has_ts && !tern_ts_before(seg->tsval, old->ts_recent))) &&
	       tern_seq_dist(old->snd_una, seg->ack) <=
	       tern_seq_dist(old->snd_una, old->snd_max) &&
	       (!(seg->len || seg->flags & TERN_FIN) || old->rcv_adv != old->rcv_nxt);
}

/* rfc9293#section-3.10.7.4, fifth, and 3.8.6: what must be believed */
static void believe(const struct end *e, const struct tern_seg *seg,
		    const struct tern_result *res)
{
	const struct tern_conn *old = &e->before, *conn = &e->conn;
	bool newer = tern_seq_lt(old->snd_wl1, seg->seq) ||
		     (old->snd_wl1 == seg->seq && tern_seq_leq(old->snd_wl2, seg->ack));
	u32 wnd = newer ? tern_min(seg->wnd, TERN_MAX_WINDOW) : old->snd_wnd;

	LAW(conn->snd_una == seg->ack, "a good acknowledgment counts");
	LAW(conn->snd_wnd == wnd, "the window of the latest segment counts");
	if (!old->orphan)
		LAW(conn->state != TERN_CLOSED || old->state == TERN_LAST_ACK,
		    "nothing ordinary ends a connection");
	if (!tern_can_receive(old) || !(seg->len || seg->flags & TERN_FIN))
		return;
	if (seg->len && (!old->fin_seen || old->rcv_fin != old->rcv_nxt)) {
		if (old->orphan)
			LAW(conn->state == TERN_CLOSED && res->drop == TERN_DROP_ORPHAN,
			    "octets for an orphan reset");
		else
			LAW(res->events & TERN_EV_DATA && !res->data_off,
			    "what comes next is accepted");
	}
}

/* SYN, and what acknowledges nothing that was sent */
static void refuse(const struct end *e, const struct tern_seg *seg,
		   const struct tern_result *res)
{
	const struct tern_conn *old = &e->before;

	if (!old->syn_acked || old->state == TERN_CLOSED)
		return;
	if (seg->flags & TERN_SYN) {
		LAW(untouched(e), "a SYN in a connection changes nothing");
		LAW(seg->flags & TERN_FIN || res->events & TERN_EV_CHALLENGE,
		    "a SYN in a connection is challenged");
	} else if (!(seg->flags & TERN_ACK) || tern_seq_lt(old->snd_max, seg->ack)) {
		LAW(untouched(e), "a segment without a good acknowledgment changes nothing");
	}
}

static void events(const struct end *e, const struct tern_seg *seg,
		   const struct tern_result *res)
{
	const struct tern_conn *old = &e->before, *conn = &e->conn;
	bool entered = false;
	u32 i;

	for (i = 0; i < res->path_len; i++)
		entered |= res->path[i] == TERN_ESTABLISHED;
	LAW(!!(res->events & TERN_EV_ESTABLISHED) == entered, "ESTABLISHED is told when entered");
	LAW(!(res->events & TERN_EV_RESET) || (res->drop && untouched(e)),
	    "what is answered with RST changes nothing");
	LAW(!(res->events & TERN_EV_CHALLENGE) || (res->drop && conn->state == old->state),
	    "what is challenged changes nothing");
	LAW(!(res->events & TERN_EV_RECOVERY) || (!old->in_recovery && conn->in_recovery),
	    "a recovery begins once");
	LAW(!(res->events & TERN_EV_TIMEOUT), "no segment is a timeout");
	LAW(conn->snd_wnd == old->snd_wnd || conn->snd_wnd == tern_min(seg->wnd, TERN_MAX_WINDOW),
	    "the peer's window is one that it told");
	if (old->state == TERN_CLOSED)
		LAW(untouched(e) && res->drop == TERN_DROP_CLOSED && !res->events,
		    "CLOSED takes nothing");
}

/* rfc5681#section-3.1: an acknowledgment opens the congestion window by little */
static void congestion(const struct end *e, const struct tern_result *res)
{
	const struct tern_conn *old = &e->before, *conn = &e->conn;
	u64 mss = old->snd_mss;

	if (!old->syn_acked || conn->state == TERN_CLOSED)
		return;
	LAW(conn->cwnd <= old->cwnd + mss * (res->events & TERN_EV_RECOVERY ? 5 : 2) + 1,
	    "cwnd grows by little");
	LAW(conn->ssthresh <= old->ssthresh || res->events & TERN_EV_RECOVERY,
	    "ssthresh moves when something is lost");
	if (!old->in_recovery && !conn->in_recovery)
		LAW(conn->cwnd >= old->cwnd, "cwnd shrinks when something is lost");
}

void end_arrived(struct end *e, const struct tern_seg *seg, const struct tern_result *res)
{
	bool opened = e->before.state == TERN_SYN_SENT && e->conn.state != TERN_SYN_SENT &&
		      e->conn.state != TERN_CLOSED;

	if (opened)
		LAW(seg->flags & TERN_SYN && e->conn.irs == seg->seq,
		    "the peer's SYN says where its stream begins");
	acked(e, seg, res);
	if (res->events & TERN_EV_DATA)
		take(e, seg, res);
	else
		again(e, seg, res);
	fin(e, seg, res);
	events(e, seg, res);
	if (seg->flags & TERN_RST && e->before.state != TERN_CLOSED)
		reset(e, seg, res);
	else if (acceptable(e, seg))
		believe(e, seg, res);
	else
		refuse(e, seg, res);
	congestion(e, res);
}

/* rfc9293#section-3.10.7.4, first; rfc5681#section-4.2; rfc9293#section-3.8.6.3 */
void end_answered(struct end *e, const struct tern_seg *seg, const struct tern_result *res)
{
	const struct tern_conn *old = &e->before, *conn = &e->conn;
	tern_seq next = tern_seq_add(seg->seq, tern_seg_space(seg));
	/* 3.10.7.4, seventh: text behind the FIN "should not occur" and is ignored */
	bool owed = tern_seg_space(seg) && (tern_can_receive(old) ||
					    (tern_seq_lt(seg->seq, old->rcv_nxt) &&
					     tern_seq_leq(next, old->rcv_nxt)));

	if (old->state == TERN_SYN_SENT || old->state == TERN_CLOSED ||
	    conn->state == TERN_CLOSED || seg->flags & (TERN_RST | TERN_SYN))
		return;
	if (owed && !(res->events & TERN_EV_DATA) &&
	    (res->drop == TERN_DROP_WINDOW || res->drop == TERN_DROP_DUPLICATE ||
	     res->drop == TERN_DROP_PAWS || res->drop == TERN_DROP_RANGES))
		LAW(e->acks, "what is not accepted is answered");
	if (res->events & TERN_EV_FIN)
		LAW(e->acks, "the FIN is acknowledged at once");
	if (res->events & TERN_EV_DATA && (old->n_ranges || conn->n_ranges))
		LAW(e->acks, "what is out of order is acknowledged at once");
	LAW(e->unacked < 2, "every second segment is acknowledged");
	LAW(!e->unacked || conn->deadline[TERN_TIMER_DELACK] <= e->now + conn->cfg.delack,
	    "an acknowledgment is held back no longer than that");
	if (res->events & TERN_EV_RECOVERY && conn->snd_wnd)
		LAW(e->drained && e->first.seq == conn->snd_una && e->first.rexmit,
		    "recovery sends again what is lost");
}

void end_same_held(const struct end *e)
{
	const struct tern_conn *conn = &e->conn;
	tern_seq first = tern_seq_add(conn->irs, 1);
	u32 i;

	if (conn->state == TERN_SYN_SENT || conn->state == TERN_CLOSED)
		return;
	LAW(conn->rcv_nxt == tern_seq_add(first, (u32)e->rcv + e->eof),
	    "rcv_nxt is what was accepted in order");
	LAW(tern_rcv_pos(conn) == (u32)e->rcv, "tern_rcv_pos() is what was accepted in order");
	LAW(conn->rcv_held == e->rcv - e->taken, "rcv_held is what the user has not taken");
	LAW(conn->n_ranges == e->n_held, "what is held is what was accepted out of order");
	for (i = 0; i < e->n_held; i++)
		LAW(conn->range[i].start == tern_seq_add(first, (u32)e->held[i].start) &&
		    conn->range[i].end == tern_seq_add(first, (u32)e->held[i].end),
		    "every range is what was accepted out of order");
}
