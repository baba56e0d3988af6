// SPDX-License-Identifier: GPL-2.0
/*
 * tern_next_segment(): which segment is due now.
 *
 * Nothing is queued: what is due follows from the connection's fields, in this
 * order: RST, SYN, the retransmission that loss recovery asks for, data and FIN
 * (which carry an ACK), a retransmission that it merely allows, a keep-alive probe,
 * ACK alone.  To give a segment is to have sent it.
 */
#include "core/internal.h"

/*
 * Where a segment without data goes: behind everything sent, but not beyond the
 * peer's window, which may have shrunk: there it would not be acceptable.
 */
tern_seq tern_acceptable_seq(const struct tern_conn *conn)
{
	tern_seq edge = tern_seq_add(tern_snd_base(conn), conn->snd_wnd);

	return tern_seq_min(conn->snd_max, edge);
}

/* Acknowledgment and window, as every segment but the first SYN carries them. */
static void acknowledge(struct tern_conn *conn, u64 now, struct tern_seg *seg)
{
	seg->wnd = tern_rcv_wnd(conn);
	conn->rcv_adv = tern_seq_add(conn->rcv_nxt, seg->wnd);
	if (conn->state == TERN_SYN_SENT) {
		tern_ts_fill(conn, now, seg);
		return;
	}
	seg->flags |= TERN_ACK;
	seg->ack = conn->rcv_nxt;
	tern_ts_fill(conn, now, seg);
	tern_sack_fill(conn, seg);
	conn->rcv_acked = conn->rcv_nxt;
	conn->ack_now = false;
	conn->delack_segs = 0;
	tern_disarm(conn, TERN_TIMER_DELACK);
}

/* What sending [seg->seq, end) means to the retransmission queue. */
static void note_sent(struct tern_conn *conn, u64 now, struct tern_seg *seg,
		      tern_seq end)
{
	if (tern_seq_lt(seg->seq, conn->snd_max)) {
		seg->rexmit = true;
		conn->rexmits_total++;
	}
	conn->snd_max = tern_seq_max(conn->snd_max, end);
	conn->last_sent = now;
}

/* SYN, or SYN-ACK */
static void give_syn(struct tern_conn *conn, u64 now, struct tern_seg *seg)
{
	tern_seq end = tern_seq_add(conn->iss, 1);
	bool first = conn->snd_max == conn->iss;
	bool first_ack = conn->state != TERN_SYN_SENT &&
			 conn->rcv_acked == conn->irs;

	seg->seq = conn->iss;
	seg->flags = TERN_SYN;
	seg->mss = conn->cfg.mss;
	seg->sack_permitted = conn->sack_ok;
	acknowledge(conn, now, seg);
	if (first || !first_ack) {
		note_sent(conn, now, seg, end);
	} else {
		/* of a simultaneous open: the SYN was sent, the SYN-ACK was not */
		conn->last_sent = now;
	}
	conn->snd_nxt = end;
	if (first)
		tern_rtt_sent(conn, now, conn->iss);
	if (conn->deadline[TERN_TIMER_REXMT] == TERN_NEVER)
		tern_arm(conn, TERN_TIMER_REXMT, now, tern_rto(conn));
}

/* Does the user's or our FIN still wait at snd_nxt, and may it go? */
static bool waiting(const struct tern_conn *conn)
{
	switch (conn->state) {
	case TERN_ESTABLISHED:
	case TERN_FIN_WAIT_1:
	case TERN_CLOSE_WAIT:
	case TERN_CLOSING:
	case TERN_LAST_ACK:
		break;
	default:
		return false;
	}
	/*
	 * rfc9293#section-3.10.4: of an open that is not acknowledged yet, FIN
	 * may follow the SYN, data waits.
	 */
	if (!conn->syn_acked &&
	    conn->snd_end != tern_seq_add(conn->iss, 1))
		return false;
	return tern_seq_lt(conn->snd_nxt, conn->snd_end) ||
	       (conn->fin_queued && conn->snd_nxt == conn->snd_end);
}

/* User octets handed over at and after @seq. */
static u32 octets_from(const struct tern_conn *conn, tern_seq seq)
{
	return tern_seq_until(seq, conn->snd_end);
}

/*
 * Fill in a segment of @len octets at @seq, and FIN; whatever decides that may
 * be sent has decided.
 */
static void give_data(struct tern_conn *conn, u64 now, struct tern_seg *seg,
		      tern_seq seq, u32 len, bool fin)
{
	tern_seq end = tern_seq_add(seq, len);

	seg->seq = seq;
	seg->len = len;
	seg->pos = tern_seq_dist(conn->iss, seq) - 1;
	if (len && end == conn->snd_psh)
		seg->flags |= TERN_PSH;
	if (fin) {
		seg->flags |= TERN_FIN;
		end = tern_seq_add(end, 1);
	}
	acknowledge(conn, now, seg);
	note_sent(conn, now, seg, end);
}

/* Largest payload of a segment sent now: SACK blocks take room, too. */
static u32 largest(const struct tern_conn *conn)
{
	return conn->snd_mss - tern_sack_space(conn);
}

/* Fast retransmit, and after a partial acknowledgment: one segment at snd_una */
static bool give_head(struct tern_conn *conn, u64 now, struct tern_seg *seg)
{
	tern_seq sent = tern_seq_min(conn->snd_max, conn->snd_end);
	u32 len = tern_seq_until(conn->snd_una, sent);
	tern_seq end;
	bool fin;

	conn->rexmit_head = false;
	len = tern_min(len, tern_min(largest(conn), conn->snd_wnd));
	if (conn->n_sacked)
		len = tern_min(len, tern_seq_dist(conn->snd_una,
						  conn->sacked[0].start));
	end = tern_seq_add(conn->snd_una, len);
	fin = tern_fin_sent(conn) && end == conn->snd_end && conn->snd_wnd > len;
	if (!len && !fin)
		return false;

	give_data(conn, now, seg, conn->snd_una, len, fin);
	conn->snd_nxt = tern_seq_max(conn->snd_nxt,
				     tern_seq_add(end, fin ? 1 : 0));
	conn->snd_rxt = end;
	conn->snd_rescue = end;
	/* what is in flight behind the hole is acknowledged late: do not time it */
	tern_rtt_cancel(conn);
	tern_arm(conn, TERN_TIMER_REXMT, now, tern_rto(conn));
	return true;
}

/* What is left of the peer's window at @seq, octets. */
static u32 window_at(const struct tern_conn *conn, tern_seq seq)
{
	return tern_seq_until(seq, tern_seq_add(tern_snd_base(conn), conn->snd_wnd));
}

/*
 * rfc6675#section-5, (C) and NextSeg(): the next hole that is lost; with @any, when
 * there was nothing new to send, one that may be, or once in a recovery the end of
 * all that was sent.
 */
static bool give_hole(struct tern_conn *conn, u64 now, struct tern_seg *seg,
		      bool any)
{
	struct tern_range hole;
	bool rescue = false;
	bool fin = false;
	u32 len;

	if (!conn->in_recovery || !conn->sack_ok ||
	    tern_cwnd_room(conn) < conn->snd_mss)
		return false;
	if (!tern_sack_hole(conn, !any, &hole)) {
		if (!any || tern_seq_leq(conn->snd_una, conn->snd_rescue))
			return false;
		/* the peer may hold all of it, and our FIN, too */
		hole.start = tern_sack_tail(conn);
		if (hole.start == conn->snd_max)
			return false;
		hole.end = tern_seq_min(conn->snd_max, conn->snd_end);
		rescue = true;
		fin = tern_fin_sent(conn);
	}
	len = tern_seq_until(hole.start, hole.end);
	if (rescue && len > largest(conn))
		hole.start = tern_seq_add(hole.end, 0u - largest(conn));
	len = tern_min(tern_min(len, largest(conn)), window_at(conn, hole.start));
	fin = fin && window_at(conn, hole.end);
	if (!len && !fin)
		return false;

	give_data(conn, now, seg, hole.start, len, fin);
	if (rescue)
		conn->snd_rescue = conn->recover;
	else
		conn->snd_rxt = tern_seq_add(hole.start, len);
	return true;
}

/*
 * rfc9293#section-3.8.6.1: the peer's window is closed.  One octet (or the FIN)
 * asks for it; snd_nxt stays, so it is not in flight and not retransmitted.
 */
static bool give_probe(struct tern_conn *conn, u64 now, struct tern_seg *seg)
{
	u32 len = octets_from(conn, conn->snd_nxt) ? 1 : 0;

	conn->force = false;
	give_data(conn, now, seg, conn->snd_nxt, len, !len);
	tern_arm(conn, TERN_TIMER_PERSIST, now, tern_persist_interval(conn));
	return true;
}

/*
 * rfc9293#section-3.8.6.2.1 (silly window avoidance) and 3.7.4 (Nagle): is a
 * segment of @len octets, of @avail that wait, worth sending now?  @gap: octets until
 * the next ones that the peer holds already
 */
static bool worth_sending(const struct tern_conn *conn, u32 len, u32 avail, u32 gap)
{
	bool alone = !tern_in_flight(conn) || conn->cfg.nodelay ||
		     conn->fin_queued;

	if (len == largest(conn) || len == gap || conn->force)
		return true;
	/* again: the queue was cut into segments before */
	if (tern_seq_lt(conn->snd_nxt, conn->snd_max) &&
	    (!tern_in_flight(conn) ||
	     tern_seq_leq(conn->snd_max, tern_seq_add(conn->snd_nxt, len))))
		return true;
	if (!alone)
		return false;
	return len == avail || len >= tern_max(conn->snd_wnd_max / 2, 1);
}

/* New data and FIN, and after a timeout all that is not acknowledged */
static bool give_next(struct tern_conn *conn, u64 now, struct tern_seg *seg)
{
	u32 gap = tern_sack_gap(conn);
	u32 avail, room, len;
	bool first, fin;

	if (!waiting(conn))
		return false;
	if (conn->snd_una == conn->snd_max)
		tern_cwnd_idle(conn, now);

	avail = octets_from(conn, conn->snd_nxt);
	first = conn->snd_nxt == conn->snd_max;
	room = window_at(conn, conn->snd_nxt);
	if (!room && !tern_in_flight(conn) && conn->force)
		return give_probe(conn, now, seg);

	len = tern_min(tern_min(tern_min(avail, largest(conn)), gap),
		       tern_min(room, tern_cwnd_room(conn)));
	fin = conn->fin_queued && len == avail && room > len;
	if (!fin && (!len || !worth_sending(conn, len, avail, gap)))
		return false;

	conn->force = false;
	give_data(conn, now, seg, conn->snd_nxt, len, fin);
	conn->snd_nxt = tern_seq_add(conn->snd_nxt, len + fin);
	conn->snd_nxt = tern_sack_skip(conn);
	if (first)
		tern_rtt_sent(conn, now, tern_seq_add(conn->snd_nxt, ~0u));
	if (conn->deadline[TERN_TIMER_REXMT] == TERN_NEVER)
		tern_arm(conn, TERN_TIMER_REXMT, now, tern_rto(conn));
	return true;
}

/*
 * rfc9293#section-3.8.4: a segment that the peer has had already makes it answer.
 */
static void give_keepalive(struct tern_conn *conn, u64 now, struct tern_seg *seg)
{
	conn->keep_due = false;
	acknowledge(conn, now, seg);
	seg->seq = tern_seq_add(conn->snd_una, ~0u);
}

static void arm_at(struct tern_conn *conn, enum tern_timer timer, u64 now, u64 when)
{
	tern_arm(conn, timer, now, when > now ? when - now : 0);
}

/*
 * Either something waits to be acknowledged, and that may not take longer than the
 * user said, or the peer may not be silent for too long.
 */
static void settle_patience(struct tern_conn *conn, u64 now)
{
	if (conn->snd_una != conn->snd_max || waiting(conn)) {
		if (conn->stalled == TERN_NEVER)
			conn->stalled = now;
		if (conn->cfg.user_timeout)
			arm_at(conn, TERN_TIMER_USER, now,
			       conn->stalled + conn->cfg.user_timeout);
		tern_disarm(conn, TERN_TIMER_KEEPALIVE);
		return;
	}
	conn->stalled = TERN_NEVER;
	tern_disarm(conn, TERN_TIMER_USER);
	if (conn->cfg.keep_idle && conn->syn_acked &&
	    conn->deadline[TERN_TIMER_KEEPALIVE] == TERN_NEVER)
		arm_at(conn, TERN_TIMER_KEEPALIVE, now,
		       conn->last_rcv + conn->cfg.keep_idle);
}

/* Nothing is due: of the two timers that make something due, only one runs. */
static void settle(struct tern_conn *conn, u64 now)
{
	settle_patience(conn, now);
	conn->force = false;
	if (tern_in_flight(conn)) {
		conn->probes = 0;
		tern_disarm(conn, TERN_TIMER_PERSIST);
		if (conn->deadline[TERN_TIMER_REXMT] == TERN_NEVER)
			tern_arm(conn, TERN_TIMER_REXMT, now, tern_rto(conn));
		return;
	}
	tern_disarm(conn, TERN_TIMER_REXMT);
	if (!waiting(conn))
		tern_disarm(conn, TERN_TIMER_PERSIST);
	else if (conn->deadline[TERN_TIMER_PERSIST] == TERN_NEVER)
		tern_arm(conn, TERN_TIMER_PERSIST, now,
			 tern_persist_interval(conn));
}

/* rfc9293#section-3.10.5 */
static void give_rst(struct tern_conn *conn, u64 now, struct tern_seg *seg)
{
	conn->rst_due = false;
	seg->seq = tern_acceptable_seq(conn);
	seg->flags = TERN_RST | TERN_ACK;
	seg->ack = conn->rcv_nxt;
	tern_ts_fill(conn, now, seg);
}

bool tern_next_segment(struct tern_conn *conn, u64 now, struct tern_seg *seg)
{
	memset(seg, 0, sizeof(*seg));

	if (conn->rst_due) {
		give_rst(conn, now, seg);
		return true;
	}
	if (conn->state == TERN_CLOSED || conn->state == TERN_LISTEN)
		return false;

	if (conn->state != TERN_TIME_WAIT) {
		if (!conn->syn_acked && conn->snd_nxt == conn->iss) {
			give_syn(conn, now, seg);
			return true;
		}
		if (conn->rexmit_head && give_head(conn, now, seg))
			return true;
		if (give_hole(conn, now, seg, false) ||
		    give_next(conn, now, seg) ||
		    give_hole(conn, now, seg, true))
			return true;
		if (conn->keep_due) {
			give_keepalive(conn, now, seg);
			return true;
		}
	}
	if (conn->ack_now && conn->state != TERN_SYN_SENT) {
		seg->seq = tern_acceptable_seq(conn);
		acknowledge(conn, now, seg);
		return true;
	}
	if (conn->state != TERN_TIME_WAIT)
		settle(conn, now);
	return false;
}
