// SPDX-License-Identifier: GPL-2.0
/*
 * SEGMENT ARRIVES, rfc9293#section-3.10.7, in its order and with its numbers;
 * rfc5961 makes the RST, SYN and ACK checks stricter.
 *
 * Nothing is sent from here: what is owed to the peer is noted in the
 * connection (ack_now, snd_nxt), and tern_next_segment() finds it.
 */
#include "core/internal.h"

/* A bare segment outside the window is answered once in this time, us. */
#define OOW_INTERVAL 500000u

/* What a step says to the next one. */
enum step {
	STEP_DONE, /* no more to do for this segment */
	STEP_NEXT,
};

static void drop(struct tern_result *res, enum tern_drop why)
{
	res->drop = (u8)why;
}

/* @seq inside the receive window as it was last offered */
static bool in_window(const struct tern_conn *conn, tern_seq seq)
{
	return tern_seq_dist(conn->rcv_nxt, seq) <
	       tern_seq_dist(conn->rcv_nxt, conn->rcv_adv);
}

/*
 * The ACK that answers a segment of no use.  Two ends that disagree would answer
 * each other's bare ACKs for ever: those are answered now and then only.
 */
static void answer_unacceptable(struct tern_conn *conn, u64 now,
				const struct tern_seg *seg)
{
	if (!tern_seg_space(seg)) {
		if (conn->oow_acked != TERN_NEVER && now >= conn->oow_acked &&
		    now - conn->oow_acked < OOW_INTERVAL)
			return;
		conn->oow_acked = now;
	}
	conn->ack_now = true;
}

/* rfc9293#section-3.10.7.1 */
bool tern_reset_for(const struct tern_seg *seg, struct tern_seg *rst)
{
	if (seg->flags & TERN_RST)
		return false;

	memset(rst, 0, sizeof(*rst));
	rst->sport = seg->dport;
	rst->dport = seg->sport;
	rst->flags = TERN_RST;
	if (seg->flags & TERN_ACK) {
		rst->seq = seg->ack;
	} else {
		rst->flags |= TERN_ACK;
		rst->ack = tern_seq_add(seg->seq, tern_seg_space(seg));
	}
	return true;
}

/*
 * rfc9293#section-3.10.7.2.  SYN with FIN opens nothing: the RFC would keep the
 * FIN for later, Linux drops it, and so does Tern.
 */
enum tern_listen_verdict
tern_listen_segment_arrives(const struct tern_seg *seg)
{
	/* First */
	if (seg->flags & TERN_RST)
		return TERN_LISTEN_DROP;
	/* Second */
	if (seg->flags & TERN_ACK)
		return TERN_LISTEN_RESET;
	/* Third */
	if ((seg->flags & (TERN_SYN | TERN_FIN)) == TERN_SYN)
		return TERN_LISTEN_SYN;
	/* Fourth */
	return TERN_LISTEN_DROP;
}

/*
 * rfc9293#section-3.8.6: a segment that is not older than the last one counts.  One that
 * has @moved snd_una is the latest whatever its sequence number: the window counts from
 * snd_una, so that the old one would now reach beyond what the peer has offered.
 */
static void window_update(struct tern_conn *conn, const struct tern_seg *seg, bool moved)
{
	bool was_closed = !conn->snd_wnd;

	if (!moved && !tern_seq_lt(conn->snd_wl1, seg->seq) &&
	    !(conn->snd_wl1 == seg->seq &&
	      tern_seq_leq(conn->snd_wl2, seg->ack)))
		return;

	conn->snd_wnd = tern_min(seg->wnd, TERN_MAX_WINDOW);
	conn->snd_wnd_max = tern_max(conn->snd_wnd_max, conn->snd_wnd);
	conn->snd_wl1 = seg->seq;
	conn->snd_wl2 = seg->ack;
	if (was_closed && conn->snd_wnd) {
		conn->probes = 0;
		tern_disarm(conn, TERN_TIMER_PERSIST);
	}
}

/* SND.UNA < SEG.ACK <= SND.NXT: takes it off the retransmission queue */
static void new_ack(struct tern_conn *conn, u64 now, const struct tern_seg *seg,
		    struct tern_result *res)
{
	tern_seq ack = seg->ack;
	u32 acked = tern_seq_dist(conn->snd_una, ack);
	u32 user = acked;

	if (!conn->syn_acked)
		user--;
	if (conn->fin_queued && tern_seq_lt(conn->snd_end, ack))
		user--;
	if (user) {
		res->acked = user;
		res->events |= TERN_EV_ACKED;
	}

	tern_rtt_acked(conn, now, seg);
	conn->snd_una = ack;
	conn->snd_nxt = tern_seq_max(conn->snd_nxt, ack);
	conn->stalled = now;
	tern_sack_acked(conn);
	if (conn->syn_acked) {
		tern_cwnd_acked(conn, acked);
	} else {
		conn->syn_acked = true;
		conn->dupacks = 0;
		if (conn->rexmits)
			tern_rtt_syn_lost(conn);
		tern_cwnd_init(conn);
	}
	conn->rexmits = 0;
	/* rfc6298#section-5, 5.2 and 5.3 */
	if (tern_in_flight(conn))
		tern_arm(conn, TERN_TIMER_REXMT, now, tern_rto(conn));
	else
		tern_disarm(conn, TERN_TIMER_REXMT);
}

/* SYN-SENT, first and second: rfc9293#section-3.10.7.3 */
static enum step syn_sent_ack_rst(struct tern_conn *conn,
				  const struct tern_seg *seg,
				  struct tern_result *res)
{
	bool ack = seg->flags & TERN_ACK;

	/* First: only the SYN was sent, so only one ACK is acceptable */
	if (ack && (seg->ack != conn->snd_max || conn->snd_max == conn->iss)) {
		if (!(seg->flags & TERN_RST))
			res->events |= TERN_EV_RESET;
		drop(res, TERN_DROP_ACK);
		return STEP_DONE;
	}
	/* Second: without an ACK anyone could have sent it */
	if (seg->flags & TERN_RST) {
		if (ack)
			tern_enter_closed(conn, res, TERN_ERR_REFUSED);
		else
			drop(res, TERN_DROP_RST);
		return STEP_DONE;
	}
	return STEP_NEXT;
}

/*
 * rfc9293#section-3.10.7.3.  Payload on SYN and SYN-ACK is neither taken nor
 * acknowledged: the peer sends it again.
 */
static void syn_sent(struct tern_conn *conn, u64 now,
		     const struct tern_seg *seg, struct tern_result *res)
{
	if (syn_sent_ack_rst(conn, seg, res) == STEP_DONE)
		return;

	/* Third: security; there is none.  Fifth: neither SYN nor RST */
	if ((seg->flags & (TERN_SYN | TERN_FIN)) != TERN_SYN) {
		drop(res, TERN_DROP_FLAGS);
		return;
	}

	/* Fourth */
	tern_syn_taken(conn, now, seg);
	if (seg->flags & TERN_ACK) {
		new_ack(conn, now, seg, res);
		tern_set_state(conn, res, TERN_ESTABLISHED);
		res->events |= TERN_EV_ESTABLISHED;
		conn->ack_now = true;
		return;
	}
	/*
	 * Simultaneous open, rfc9293#section-3.5 figure 7.  The peer may answer
	 * our SYN or our SYN-ACK: neither can be timed.
	 */
	tern_set_state(conn, res, TERN_SYN_RECEIVED);
	conn->snd_nxt = conn->iss;
	conn->rexmits = 0;
	tern_rtt_cancel(conn);
	tern_disarm(conn, TERN_TIMER_REXMT);
}

/*
 * Before the first step: a SYN with the sequence number of the peer's first one,
 * while ours is not acknowledged.  Either the peer did not get our SYN-ACK, or
 * this is its SYN-ACK of a simultaneous open.  By the letter of the RFC that one
 * is outside the window and its ACK is lost; the ends agree faster if it counts.
 */
static enum step first_syn(struct tern_conn *conn, struct tern_seg *seg,
			   struct tern_result *res)
{
	if (!(seg->flags & TERN_SYN) || (seg->flags & TERN_RST) ||
	    conn->syn_acked || seg->seq != conn->irs)
		return STEP_NEXT;

	if (!(seg->flags & TERN_ACK)) {
		conn->snd_nxt = conn->iss;
		tern_rtt_cancel(conn);
		drop(res, TERN_DROP_SYN);
		return STEP_DONE;
	}
	if (!conn->passive) {
		seg->flags &= (u8)~TERN_SYN;
		seg->seq = conn->rcv_nxt;
		seg->len = 0;
		/* the ACK check below refuses any other */
		if (tern_seq_lt(conn->snd_una, seg->ack) &&
		    tern_seq_leq(seg->ack, conn->snd_max))
			conn->ack_now = true;
	}
	return STEP_NEXT;
}

/* Second: rfc9293#section-3.10.7.4 by state, for a RST at exactly rcv_nxt */
static void reset_by_peer(struct tern_conn *conn, struct tern_result *res)
{
	enum tern_error error = TERN_ERR_RESET;

	if (conn->state == TERN_SYN_RECEIVED && !conn->passive)
		error = TERN_ERR_REFUSED;
	else if (conn->state == TERN_CLOSING || conn->state == TERN_LAST_ACK)
		error = TERN_OK;
	tern_enter_closed(conn, res, error);
}

/*
 * Second and fourth, RST and SYN: rfc5961#section-3.2 and 4.2.  A blind attacker
 * must hit rcv_nxt exactly; the peer, if it meant it, answers the challenge ACK
 * with a RST that does.
 */
static enum step rst_and_syn(struct tern_conn *conn, const struct tern_seg *seg,
			     struct tern_result *res)
{
	if (seg->flags & TERN_RST) {
		if (seg->seq == conn->rcv_nxt) {
			reset_by_peer(conn, res);
		} else if (in_window(conn, seg->seq)) {
			res->events |= TERN_EV_CHALLENGE;
			drop(res, TERN_DROP_RST);
		} else {
			drop(res, TERN_DROP_WINDOW);
		}
		return STEP_DONE;
	}
	if (seg->flags & TERN_SYN) {
		res->events |= TERN_EV_CHALLENGE;
		drop(res, TERN_DROP_SYN);
		return STEP_DONE;
	}
	return STEP_NEXT;
}

/* rfc9293#section-3.10.7.4, first: the table of four cases */
static bool acceptable(const struct tern_conn *conn, const struct tern_seg *seg)
{
	u32 space = tern_seg_space(seg);

	if (conn->rcv_adv == conn->rcv_nxt)
		return !space && seg->seq == conn->rcv_nxt;
	return in_window(conn, seg->seq) ||
	       (space && in_window(conn, tern_seq_add(seg->seq, space - 1)));
}

/*
 * What is not acceptable may still bring an acknowledgment: to a closed window (MUST-66);
 * and from before rcv_nxt, while we ourselves send from before snd_max.  That is what who
 * has sent beyond the window he knows of does, with a probe or because an old segment
 * said that it is closed: he cannot know that it was taken, until he is told.  If both
 * ends do that, neither would be heard.
 */
static bool brings_ack(const struct tern_conn *conn, const struct tern_seg *seg)
{
	if (seg->seq == conn->rcv_nxt)
		return conn->rcv_adv == conn->rcv_nxt;
	return conn->syn_acked && tern_acceptable_seq(conn) != conn->snd_max &&
	       seg->flags & TERN_ACK && tern_seq_lt(conn->snd_una, seg->ack) &&
	       tern_seq_leq(seg->ack, conn->snd_max) &&
	       tern_seq_dist(seg->seq, conn->rcv_nxt) <= conn->rcv_buf &&
	       tern_seg_space(seg) <= 1;
}

/*
 * First, for what is neither RST nor SYN (rfc5961#section-4.2 challenges a SYN
 * wherever it is); before it, rfc7323#section-5.3.
 */
static enum step check_sequence(struct tern_conn *conn, u64 now,
				struct tern_seg *seg, struct tern_result *res)
{
	enum tern_drop why = tern_ts_check(conn, now, seg);
	u32 space = tern_seg_space(seg);
	tern_seq end = tern_seq_add(seg->seq, space);

	if (why != TERN_DROP_NONE) {
		drop(res, why);
		if (why == TERN_DROP_PAWS)
			answer_unacceptable(conn, now, seg);
		return STEP_DONE;
	}
	if (acceptable(conn, seg))
		return STEP_NEXT;
	if (space && tern_seq_lt(seg->seq, conn->rcv_nxt) &&
	    tern_seq_leq(end, conn->rcv_nxt))
		drop(res, TERN_DROP_DUPLICATE);
	else
		drop(res, TERN_DROP_WINDOW);
	answer_unacceptable(conn, now, seg);

	if (brings_ack(conn, seg)) {
		seg->len = 0;
		seg->flags &= (u8)~TERN_FIN;
		return STEP_NEXT;
	}
	return STEP_DONE;
}

/* Fifth, SYN-RECEIVED */
static enum step ack_of_syn(struct tern_conn *conn, u64 now,
			    const struct tern_seg *seg, struct tern_result *res)
{
	if (!tern_seq_lt(conn->snd_una, seg->ack) ||
	    !tern_seq_leq(seg->ack, conn->snd_max)) {
		res->events |= TERN_EV_RESET;
		drop(res, TERN_DROP_ACK);
		conn->ack_now = false;
		return STEP_DONE;
	}
	conn->snd_wnd = tern_min(seg->wnd, TERN_MAX_WINDOW);
	conn->snd_wnd_max = tern_max(conn->snd_wnd_max, conn->snd_wnd);
	conn->snd_wl1 = seg->seq;
	conn->snd_wl2 = seg->ack;
	new_ack(conn, now, seg, res);
	tern_set_state(conn, res, TERN_ESTABLISHED);
	res->events |= TERN_EV_ESTABLISHED;
	return STEP_NEXT;
}

/*
 * rfc5681#section-2, the definition of a duplicate acknowledgment, (a) to (e); with
 * SACK, that of rfc6675#section-2.
 */
static bool is_dupack(struct tern_conn *conn, const struct tern_seg *seg, bool moved)
{
	if (conn->sack_ok)
		return tern_sack_update(conn, seg);
	return !moved && tern_in_flight(conn) && conn->syn_acked &&
	       !tern_seg_space(seg) && seg->ack == conn->snd_una &&
	       conn->snd_wnd &&
	       tern_min(seg->wnd, TERN_MAX_WINDOW) == conn->snd_wnd;
}

/* Fifth, ESTABLISHED: the range of rfc5961#section-5.2, then the queue */
static enum step ack_of_data(struct tern_conn *conn, u64 now,
			     const struct tern_seg *seg,
			     struct tern_result *res)
{
	/* before our SYN is acknowledged (the user has closed at once) no ACK is merely old */
	tern_seq oldest = tern_seq_add(conn->snd_una,
				       conn->syn_acked ? 0u - conn->snd_wnd_max : 1);
	bool moves = tern_seq_lt(conn->snd_una, seg->ack);

	if (tern_seq_lt(conn->snd_max, seg->ack)) {
		answer_unacceptable(conn, now, seg);
		drop(res, TERN_DROP_ACK);
		return STEP_DONE;
	}
	if (tern_seq_lt(seg->ack, oldest)) {
		res->events |= TERN_EV_CHALLENGE;
		drop(res, TERN_DROP_ACK);
		return STEP_DONE;
	}
	if (tern_seq_lt(seg->ack, conn->snd_una))
		return STEP_NEXT; /* old, but its data may be new */

	/* an answered probe: the peer is alive, rfc9293#section-3.8.6.1 */
	if (!tern_in_flight(conn))
		conn->rexmits = 0;
	if (moves)
		new_ack(conn, now, seg, res);
	if (is_dupack(conn, seg, moves))
		tern_cwnd_dupack(conn, res);
	window_update(conn, seg, moves);
	return STEP_NEXT;
}

/* Fifth, what the acknowledgment of our FIN does in each state */
static enum step ack_of_fin(struct tern_conn *conn, u64 now,
			    struct tern_result *res)
{
	if (!tern_fin_acked(conn))
		return STEP_NEXT;

	switch (conn->state) {
	case TERN_FIN_WAIT_1:
		tern_enter_fin_wait_2(conn, now, res);
		return STEP_NEXT;
	case TERN_CLOSING:
		tern_enter_time_wait(conn, res);
		return STEP_DONE;
	case TERN_LAST_ACK:
		tern_enter_closed(conn, res, TERN_OK);
		return STEP_DONE;
	default:
		return STEP_NEXT;
	}
}

/* Fifth */
static enum step check_ack(struct tern_conn *conn, u64 now,
			   const struct tern_seg *seg, struct tern_result *res)
{
	enum step step;

	if (!(seg->flags & TERN_ACK)) {
		drop(res, TERN_DROP_FLAGS);
		return STEP_DONE;
	}
	if (conn->state == TERN_SYN_RECEIVED)
		step = ack_of_syn(conn, now, seg, res);
	else
		step = ack_of_data(conn, now, seg, res);
	if (step == STEP_DONE)
		return STEP_DONE;

	/* not before this: a blind attacker would set the clock of rfc7323 5.3, R3 */
	tern_ts_taken(conn, now, seg);
	conn->last_rcv = now;
	conn->keep_sent = 0;
	return ack_of_fin(conn, now, res);
}

/* rfc9293#section-3.8.6.3: at the second segment at once, or after cfg.delack */
static void delay_ack(struct tern_conn *conn, u64 now)
{
	if (conn->delack_segs < 255)
		conn->delack_segs++;
	if (conn->delack_segs >= 2 || !conn->cfg.delack)
		conn->ack_now = true;
	else
		tern_arm(conn, TERN_TIMER_DELACK, now, conn->cfg.delack);
}

/*
 * [start, end) is new, at least in part.  rfc5681#section-4.2: what is out of
 * order, or fills a hole, is acknowledged at once.
 */
static void take_data(struct tern_conn *conn, u64 now, tern_seq start,
		      tern_seq end, struct tern_result *res)
{
	bool in_order = start == conn->rcv_nxt && !conn->n_ranges;

	if (!in_order)
		conn->ack_now = true;
	if (tern_reasm_held(conn, start, end)) {
		tern_sack_arrived(conn, start);
		drop(res, TERN_DROP_DUPLICATE);
		return;
	}
	if (!tern_reasm_add(conn, start, end)) {
		drop(res, TERN_DROP_RANGES);
		return;
	}
	if (conn->n_ranges && tern_seq_lt(conn->rcv_nxt, start))
		tern_sack_arrived(conn, start);
	res->events |= TERN_EV_DATA;
	res->data_len = tern_seq_dist(start, end);
	res->data_pos = tern_seq_dist(conn->irs, start) - 1;
	if (in_order)
		delay_ack(conn, now);
}

/* Seventh: the segment text, cut to what is new and inside the window */
static enum step take_text(struct tern_conn *conn, u64 now,
			   const struct tern_seg *seg, struct tern_result *res)
{
	tern_seq start = tern_seq_max(seg->seq, conn->rcv_nxt);
	tern_seq seg_end = tern_seq_add(seg->seq, seg->len);
	tern_seq end = tern_seq_min(seg_end, conn->rcv_adv);

	if (!seg->len)
		return STEP_NEXT;
	if (!tern_can_receive(conn)) {
		drop(res, TERN_DROP_WINDOW); /* the peer had sent its FIN */
		return STEP_NEXT;
	}
	/* there is no data beyond the FIN */
	if (conn->fin_seen)
		end = tern_seq_min(end, conn->rcv_fin);
	if (tern_seq_lt(end, seg_end))
		drop(res, TERN_DROP_WINDOW);
	if (!tern_seq_lt(start, end)) {
		if (!res->drop)
			drop(res, TERN_DROP_DUPLICATE);
		conn->ack_now = true;
		return STEP_NEXT;
	}
	/* rfc9293#section-3.6.1: nobody will read it, and the peer should know */
	if (conn->orphan) {
		drop(res, TERN_DROP_ORPHAN);
		tern_abort_into(conn, res, TERN_ERR_ABORTED);
		return STEP_DONE;
	}
	take_data(conn, now, start, end, res);
	if (res->events & TERN_EV_DATA)
		res->data_off = tern_seq_dist(seg->seq, start);
	return STEP_NEXT;
}

/*
 * A FIN may come before the data in front of it; its place is remembered.  One
 * in front of data that was received already contradicts that data and is not
 * believed.
 */
static void note_fin(struct tern_conn *conn, const struct tern_seg *seg,
		     struct tern_result *res)
{
	tern_seq fin = tern_seq_add(seg->seq, seg->len);

	conn->ack_now = true;
	if (conn->fin_seen)
		return;
	if (!in_window(conn, fin) ||
	    (conn->n_ranges &&
	     tern_seq_lt(fin, conn->range[conn->n_ranges - 1].end))) {
		drop(res, TERN_DROP_WINDOW);
		return;
	}
	conn->fin_seen = true;
	conn->rcv_fin = fin;
}

/* Eighth */
static void check_fin(struct tern_conn *conn, const struct tern_seg *seg,
		      struct tern_result *res)
{
	if (!tern_can_receive(conn))
		return;
	if (seg->flags & TERN_FIN)
		note_fin(conn, seg, res);
	if (!conn->fin_seen || conn->rcv_nxt != conn->rcv_fin)
		return;

	conn->rcv_nxt = tern_seq_add(conn->rcv_nxt, 1);
	conn->ack_now = true;
	res->events |= TERN_EV_FIN;
	switch (conn->state) {
	case TERN_ESTABLISHED:
		tern_set_state(conn, res, TERN_CLOSE_WAIT);
		break;
	case TERN_FIN_WAIT_1:
		tern_set_state(conn, res, TERN_CLOSING);
		break;
	default:
		tern_enter_time_wait(conn, res);
		break;
	}
}

/* rfc9293#section-3.10.7.4, "Otherwise" */
static void synchronized(struct tern_conn *conn, u64 now, struct tern_seg *seg,
			 struct tern_result *res)
{
	/* no end sends this; to challenge it would help only a scanner */
	if ((seg->flags & (TERN_SYN | TERN_FIN | TERN_RST)) ==
	    (TERN_SYN | TERN_FIN)) {
		drop(res, TERN_DROP_FLAGS);
		return;
	}
	if (first_syn(conn, seg, res) == STEP_DONE)
		return;
	/* First, second and fourth */
	if (rst_and_syn(conn, seg, res) == STEP_DONE)
		return;
	if (check_sequence(conn, now, seg, res) == STEP_DONE)
		return;
	/* Third: security, there is none.  Fifth */
	if (check_ack(conn, now, seg, res) == STEP_DONE)
		return;
	/* Sixth: urgent data, there is none.  Seventh and eighth */
	if (take_text(conn, now, seg, res) == STEP_DONE)
		return;
	check_fin(conn, seg, res);
}

struct tern_result tern_segment_arrives(struct tern_conn *conn, u64 now,
					const struct tern_seg *seg)
{
	struct tern_result res = tern_result_for(conn);
	struct tern_seg copy;

	if (tern_is_over(conn)) {
		drop(&res, TERN_DROP_CLOSED);
		return res;
	}
	if (conn->state == TERN_SYN_SENT) {
		syn_sent(conn, now, seg, &res);
		return res;
	}
	copy = *seg;
	synchronized(conn, now, &copy, &res);
	return res;
}
