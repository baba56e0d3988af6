// SPDX-License-Identifier: GPL-2.0
/*
 * The differences that are meant.  Each has a section in doc/differences.md, by its
 * name.  A rule says as narrowly as it can when it applies: which step, in which state,
 * which side did what.
 */
#include <errno.h>
#include <poll.h>

#include "tests/differ/differ.h"

/* Least time between two answers to segments of no use: tcp_invalid_ratelimit */
#define ANSWER_INTERVAL (500 * MSEC)

/* What there is to say of a step */

static bool is_segment(const struct moment *m)
{
	return m->step->kind == STEP_SEGMENT;
}

static bool is_call(const struct moment *m, u8 call)
{
	return m->step->kind == STEP_CALL && m->step->call == call;
}

static bool has(const struct moment *m, u8 flags)
{
	return is_segment(m) && (m->step->flags & flags) == flags;
}

/* A set of states, as bits */
#define IN(state) (1u << (state))

static bool was_in(const struct moment *m, u32 states)
{
	return states & IN(m->before[TERN].state) && states & IN(m->before[TCP].state);
}

static bool silent(const struct view *view)
{
	return !view->n;
}

/* The connection is there no more */
static bool gone(const struct view *view)
{
	return view->state == TERN_CLOSED || view->state == TERN_LISTEN;
}

/* One segment was sent, and it is this */
static bool said(const struct view *view, u8 flags)
{
	return view->n == 1 && view->seen[0].flags == flags && !view->seen[0].len;
}

/* Sequence number of the step's segment, from the left edge of a side's window */
static int seq_off(const struct moment *m, u32 side)
{
	const struct side *was = &m->was[side];

	return (int)(side_number(was, m->sequence, m->step->seq_base, m->step->seq_off) -
		     was->left);
}

/* Acknowledgment number of the step's segment, from one past all that was sent */
static int ack_off(const struct moment *m, u32 side)
{
	const struct side *was = &m->was[side];

	return (int)(side_number(was, m->sequence, m->step->ack_base, m->step->ack_off) -
		     was->max);
}

/* How far behind @una its acknowledgment number lies */
static int ack_behind(const struct moment *m)
{
	const struct side *was = &m->was[TCP];

	return has(m, TERN_ACK) && was->synced ?
	       (int)(was->una - side_number(was, m->sequence, m->step->ack_base,
					    m->step->ack_off)) : 0;
}

static int segment_space(const struct moment *m)
{
	return (int)m->step->len + !!(m->step->flags & TERN_SYN) +
	       !!(m->step->flags & TERN_FIN);
}

/* The rules */

/*
 * Both answer segments without data that are of no use at most once in 500 ms; TCP
 * counts challenge ACKs among them, Tern does not limit those.
 */
static u32 challenge_limit(const struct moment *m)
{
	u32 quiet = silent(&m->view[TERN]) ? TERN : TCP;

	if (!is_segment(m) || !silent(&m->view[quiet]) || !said(&m->view[!quiet], TERN_ACK))
		return 0;
	if (m->step->len && !(m->step->flags & (TERN_SYN | TERN_RST)) &&
	    !(quiet == TCP && (ack_behind(m) > 65535 || ack_off(m, TCP) > 0)))
		return 0;
	if (!m->was[quiet].answered || m->now - m->was[quiet].answered > ANSWER_INTERVAL)
		return 0;
	return ASPECT_SEGMENTS;
}

/* After the peer's FIN, TCP takes a RST one octet before what it expects. */
static u32 rst_before_fin(const struct moment *m)
{
	if (!has(m, TERN_RST) || seq_off(m, TCP) != -1 ||
	    !was_in(m, IN(TERN_CLOSE_WAIT) | IN(TERN_LAST_ACK) | IN(TERN_CLOSING)))
		return 0;
	return m->view[TCP].state != m->before[TCP].state ? ~0u : 0;
}

/* SYN with FIN: Tern drops it, TCP looks at the SYN. */
static u32 syn_fin(const struct moment *m)
{
	if (!has(m, TERN_SYN | TERN_FIN) || !silent(&m->view[TERN]))
		return 0;
	return said(&m->view[TCP], TERN_ACK) || said(&m->view[TCP], TERN_RST) ||
	       said(&m->view[TCP], TERN_RST | TERN_ACK) ||
	       said(&m->view[TCP], TERN_SYN | TERN_ACK) ? ASPECT_SEGMENTS : 0;
}

/* The same in SYN_SENT, where TCP's connection opens */
static u32 syn_fin_opens(const struct moment *m)
{
	return has(m, TERN_SYN | TERN_FIN) && was_in(m, IN(TERN_SYN_SENT)) &&
	       m->view[TERN].state == TERN_SYN_SENT &&
	       m->view[TCP].state != TERN_SYN_SENT ? ~0u : 0;
}

/* Without ACK, SYN and RST: TCP drops it before it looks at the sequence number. */
static u32 no_ack_flag(const struct moment *m)
{
	return is_segment(m) && !(m->step->flags & (TERN_ACK | TERN_SYN | TERN_RST)) &&
	       silent(&m->view[TCP]) && said(&m->view[TERN], TERN_ACK) ? ASPECT_SEGMENTS : 0;
}

/* A half-open connection of a listener: TCP looks at the ACK before anything else. */
static u32 syn_received_order(const struct moment *m)
{
	return has(m, TERN_ACK) && was_in(m, IN(TERN_SYN_RECEIVED)) && ack_off(m, TCP) &&
	       said(&m->view[TCP], TERN_RST) &&
	       (silent(&m->view[TERN]) || said(&m->view[TERN], TERN_ACK)) ?
	       ASPECT_SEGMENTS : 0;
}

/* After a simultaneous open, TCP takes an ACK of nothing for that of its SYN. */
static u32 syn_received_una(const struct moment *m)
{
	return has(m, TERN_ACK) && was_in(m, IN(TERN_SYN_RECEIVED)) &&
	       m->side[TCP].sock >= 0 && ack_off(m, TCP) == -1 &&
	       said(&m->view[TERN], TERN_RST) &&
	       m->view[TCP].state != TERN_SYN_RECEIVED ? ~0u : 0;
}

/* In TIME_WAIT TCP echoes the latest timestamp, Tern the connection's last. */
static u32 time_wait_timestamp(const struct moment *m)
{
	const struct seen *a = &m->view[TERN].seen[0], *b = &m->view[TCP].seen[0];

	return was_in(m, IN(TERN_TIME_WAIT)) && m->view[TERN].n == 1 && m->view[TCP].n == 1 &&
	       a->flags == TERN_ACK && b->flags == TERN_ACK && a->seq == b->seq &&
	       a->ack == b->ack && a->has_ts && b->has_ts && a->tsecr != b->tsecr ?
	       ASPECT_SEGMENTS : 0;
}

/* A bare segment in the window: Tern has nothing to say in TIME_WAIT, TCP answers. */
static u32 time_wait_bare(const struct moment *m)
{
	return is_segment(m) && !m->step->len &&
	       !(m->step->flags & (TERN_SYN | TERN_FIN | TERN_RST)) &&
	       was_in(m, IN(TERN_TIME_WAIT)) && silent(&m->view[TERN]) &&
	       said(&m->view[TCP], TERN_ACK) ? ASPECT_SEGMENTS : 0;
}

/* connect() with the ends of a connection that waits: TCP goes on from its timestamps. */
static u32 connect_again(const struct moment *m)
{
	return is_call(m, CALL_CONNECT) && m->view[TERN].ret == -EADDRNOTAVAIL &&
	       m->view[TCP].ret == -EINPROGRESS &&
	       was_in(m, IN(TERN_FIN_WAIT_2) | IN(TERN_TIME_WAIT)) ? ~0u : 0;
}

/* Octets sent again: TCP keeps the segments as they were, Tern cuts them anew. */
static u32 repacketized(const struct moment *m)
{
	/* what both have sent again from the same place on has been left out already */
	return silent(&m->view[TERN]) && silent(&m->view[TCP]) ? ASPECT_SEGMENTS : 0;
}

/* While octets are sent again after a timeout, TCP sends a FIN at once, Tern in its turn. */
static u32 fin_after_timeout(const struct moment *m)
{
	return (is_call(m, CALL_SHUTDOWN_WR) || is_call(m, CALL_SHUTDOWN_RDWR) ||
		is_call(m, CALL_CLOSE)) && m->was[TCP].una != m->was[TCP].max &&
	       silent(&m->view[TERN]) && said(&m->view[TCP], TERN_FIN | TERN_ACK) ?
	       ASPECT_SEGMENTS : 0;
}

/* RST after a simultaneous open: refused by the RFC, reset for TCP */
static u32 refused_or_reset(const struct moment *m)
{
	return has(m, TERN_RST) && was_in(m, IN(TERN_SYN_RECEIVED)) && m->side[TCP].sock >= 0 &&
	       gone(&m->view[TERN]) && gone(&m->view[TCP]) ? ~0u : 0;
}

/* shutdown() before our SYN is acknowledged: TCP forgets it, Tern sends FIN. */
static u32 shutdown_syn_received(const struct moment *m)
{
	if (!is_call(m, CALL_SHUTDOWN_WR) && !is_call(m, CALL_SHUTDOWN_RDWR))
		return 0;
	return was_in(m, IN(TERN_SYN_RECEIVED)) &&
	       m->view[TERN].state == TERN_FIN_WAIT_1 &&
	       m->view[TCP].state == TERN_SYN_RECEIVED ? ~0u : 0;
}

/* Data after shutdown() in both directions: TCP resets, Tern keeps it for the reader. */
static u32 shutdown_both(const struct moment *m)
{
	if (!is_segment(m) || !(m->step->len || m->step->flags & TERN_FIN) ||
	    !was_in(m, IN(TERN_FIN_WAIT_1) | IN(TERN_FIN_WAIT_2)))
		return 0;
	return gone(&m->view[TCP]) && !gone(&m->view[TERN]) && m->view[TCP].n == 1 &&
	       (m->view[TCP].seen[0].flags & TERN_RST) ? ~0u : 0;
}

/* TCP refuses an ACK of what lies before its first octet, Tern as RFC 5961 has it. */
static u32 old_ack(const struct moment *m)
{
	const struct side *was = &m->was[TCP];
	int behind = ack_behind(m), sent = (int)(was->una - was->iss) - 1;

	return is_segment(m) && !(m->step->flags & (TERN_SYN | TERN_RST)) &&
	       behind > sent && behind > 0 && behind <= 65535 &&
	       !was_in(m, IN(TERN_SYN_RECEIVED)) &&
	       (m->differs || m->sequence->ts) ? ~0u : 0;
}

/* Half-open connections: TCP forgets them when their timer runs out, Tern at once. */
static u32 request_outlives_listener(const struct moment *m)
{
	return is_call(m, CALL_UNLISTEN) && was_in(m, IN(TERN_SYN_RECEIVED)) &&
	       m->view[TERN].state == TERN_CLOSED ? ~0u : 0;
}

/* Another SYN in SYN_RECEIVED: RFC 5961 challenges it, TCP gives up the first one. */
static u32 syn_in_syn_received(const struct moment *m)
{
	return has(m, TERN_SYN) && was_in(m, IN(TERN_SYN_RECEIVED)) && gone(&m->view[TCP]) &&
	       m->view[TERN].state == TERN_SYN_RECEIVED ? ~0u : 0;
}

/*
 * FIN_WAIT_2 without a user is much like TIME_WAIT for TCP: a FIN out of order or a SYN
 * draws RST, and any RST in the window ends it.
 */
static u32 orphan_fin_wait_2(const struct moment *m)
{
	return is_segment(m) && m->step->flags & (TERN_SYN | TERN_FIN | TERN_RST) &&
	       was_in(m, IN(TERN_FIN_WAIT_2)) && m->side[TCP].sock < 0 &&
	       gone(&m->view[TCP]) && !gone(&m->view[TERN]) ? ~0u : 0;
}

/* Octets behind the peer's FIN: Tern does not look at them, TCP resets. */
static u32 data_beyond_fin(const struct moment *m)
{
	return is_segment(m) && m->step->len && seq_off(m, TCP) < 0 &&
	       seq_off(m, TCP) + segment_space(m) > 0 && gone(&m->view[TCP]) &&
	       was_in(m, IN(TERN_CLOSE_WAIT) | IN(TERN_CLOSING) | IN(TERN_LAST_ACK)) ? ~0u : 0;
}

/* A peer that contradicts itself: Tern believes what came first, TCP what is in order. */
static u32 contradicting_fin(const struct moment *m)
{
	return is_segment(m) && m->side[TCP].muddled ? ~0u : 0;
}

/* New payload for an orphan: TCP's RST is that of a segment for nobody, Tern's of ABORT. */
static u32 orphan_rst(const struct moment *m)
{
	return is_segment(m) && said(&m->view[TERN], TERN_RST | TERN_ACK) &&
	       said(&m->view[TCP], TERN_RST) && was_in(m, IN(TERN_FIN_WAIT_1) |
						      IN(TERN_FIN_WAIT_2)) ?
	       ASPECT_SEGMENTS : 0;
}

/* In ESTABLISHED, TCP says nothing to an ACK of what was never sent. */
static u32 ack_of_unsent(const struct moment *m)
{
	return has(m, TERN_ACK) && was_in(m, IN(TERN_ESTABLISHED)) && ack_off(m, TCP) > 0 &&
	       silent(&m->view[TCP]) && said(&m->view[TERN], TERN_ACK) ? ASPECT_SEGMENTS : 0;
}

/* TCP takes a segment that begins right behind the window as one inside. */
static u32 right_edge(const struct moment *m)
{
	const struct side *was = &m->was[TCP];
	u32 seq = side_number(was, m->sequence, m->step->seq_base, m->step->seq_off);

	return is_segment(m) && was->synced && seq == was->right &&
	       !was_in(m, IN(TERN_CLOSED) | IN(TERN_LISTEN)) ? ~0u : 0;
}

/* TCP takes a segment that ends right before the window as one inside: its ACK counts. */
static u32 left_edge(const struct moment *m)
{
	const struct side *was = &m->was[TCP];
	bool acks = m->step->flags & TERN_ACK && was->max != was->una;

	return is_segment(m) && was->synced && segment_space(m) &&
	       !(m->step->flags & (TERN_SYN | TERN_RST)) &&
	       seq_off(m, TCP) + segment_space(m) == 0 && (m->differs || acks) ? ~0u : 0;
}

/* RST in CLOSING and LAST_ACK: the RFC has no error to tell, TCP has ECONNRESET. */
static u32 reset_while_closing(const struct moment *m)
{
	return has(m, TERN_RST) && was_in(m, IN(TERN_CLOSING) | IN(TERN_LAST_ACK)) &&
	       m->differs == ASPECT_POLL && (m->view[TERN].poll ^ m->view[TCP].poll) == POLLERR ?
	       ASPECT_POLL : 0;
}

/* Timestamps are agreed on and missing: RFC 7323 and Tern drop it, TCP does not mind. */
static u32 no_timestamp(const struct moment *m)
{
	return is_segment(m) && m->step->ts == TS_NONE && m->was[TCP].ts_ok &&
	       !(m->step->flags & (TERN_RST | TERN_SYN)) ? ~0u : 0;
}

/*
 * The peer's window: TCP takes it from an older segment that acknowledges more, and not
 * from one that only makes it smaller.
 */
static u32 window_update(const struct moment *m)
{
	const struct side *was = &m->was[TCP], *side = &m->side[TCP];
	u32 seq = side_number(was, m->sequence, m->step->seq_base, m->step->seq_off);
	bool shrinks = seq == was->wl1 && side->una == was->una && m->step->wnd < was->wnd;
	bool older = (int)(seq - was->wl1) < 0 && side->una != was->una &&
		     m->step->wnd != was->wnd;

	return has(m, TERN_ACK) && was->synced && !(m->step->flags & (TERN_SYN | TERN_RST)) &&
	       (shrinks || older) ? ~0u : 0;
}

/* A reader makes room: when that is worth an ACK depends on the size of the buffer. */
static u32 window_announced(const struct moment *m)
{
	u32 quiet = silent(&m->view[TERN]) ? TERN : TCP;
	const struct seen *seen = &m->view[!quiet].seen[0];

	return is_call(m, CALL_RECV) && silent(&m->view[quiet]) &&
	       said(&m->view[!quiet], TERN_ACK) &&
	       seen->ack + m->sequence->irs == m->was[!quiet].left ? ASPECT_SEGMENTS : 0;
}

/* When a connection is given up: after so many tries, or after so long */
static u32 given_up(const struct moment *m)
{
	u32 late = gone(&m->view[TERN]) ? TCP : TERN;

	return m->step->kind == STEP_WAIT && gone(&m->view[!late]) && !gone(&m->view[late]) &&
	       (m->view[late].timer == 1 || m->view[late].timer == 4) ? ~0u : 0;
}

/* The SYN-ACK of a simultaneous open offers what TCP's SYN offered. */
static u32 simultaneous_options(const struct moment *m)
{
	const struct seen *a = &m->view[TERN].seen[0], *b = &m->view[TCP].seen[0];

	return m->view[TERN].n && m->view[TCP].n && a->flags == (TERN_SYN | TERN_ACK) &&
	       b->flags == a->flags && a->ack == b->ack && a->sack_ok <= b->sack_ok &&
	       a->has_ts <= b->has_ts ? ASPECT_SEGMENTS : 0;
}

/* A FIN beyond a hole: TCP's blocks have it in them. */
static u32 sack_fin(const struct moment *m)
{
	static struct view bare[SIDES];
	const struct side *side = &m->side[TCP];
	u32 i, which;

	if (!m->sequence->peer_sack || !side->has_fin || (int)(side->fin - side->left) <= 0)
		return 0;
	for (which = 0; which < SIDES; which++) {
		bare[which] = m->view[which];
		for (i = 0; i < bare[which].n; i++)
			bare[which].seen[i].n_sack = 0;
	}
	return same_segments(&bare[TERN], &bare[TCP]) ? ASPECT_SEGMENTS : 0;
}

/* What a side has sent of its stream in this step, new octets: where it ends */
static bool new_octets(const struct view *view, u32 *from, u32 *to)
{
	u32 i;

	*from = 0;
	*to = 0;
	for (i = 0; i < view->n; i++) {
		const struct seen *s = &view->seen[i];

		if (s->rexmit || s->flags & (TERN_SYN | TERN_RST) || !s->len)
			continue;
		if (!*to)
			*from = s->seq;
		*to = s->seq + s->len;
	}
	return *to;
}

/* A loss, Nagle's algorithm, or so much in flight that the initial window may count */
static bool may_hold_back(const struct moment *m)
{
	u32 mss = m->sequence->peer_mss ? m->sequence->peer_mss : TERN_DEFAULT_MSS;
	const struct side *side;
	u32 i;

	for (i = 0; i < SIDES; i++) {
		side = &m->side[i];
		if (side->lost || side->nagle || side->max - side->una >= 9 * mss)
			return true;
	}
	return false;
}

/* How much goes out at once: congestion control and Nagle's algorithm differ. */
static u32 amount(const struct moment *m)
{
	u32 from[SIDES], to[SIDES];
	bool any;

	any = new_octets(&m->view[TERN], &from[TERN], &to[TERN]);
	any |= new_octets(&m->view[TCP], &from[TCP], &to[TCP]);
	if (!any || to[TERN] == to[TCP] || !may_hold_back(m))
		return 0;
	return !from[TERN] || !from[TCP] || from[TERN] == from[TCP] ? ASPECT_SEGMENTS : 0;
}

struct rule rules[] = {
	{ .name = "old-ack", .explains = old_ack, .ends = true, .hidden = true },
	{ .name = "challenge-limit", .explains = challenge_limit },
	{ .name = "rst-before-fin", .explains = rst_before_fin, .ends = true },
	{ .name = "syn-fin", .explains = syn_fin },
	{ .name = "syn-fin-opens", .explains = syn_fin_opens, .ends = true },
	{ .name = "no-ack-flag", .explains = no_ack_flag },
	{ .name = "syn-received-order", .explains = syn_received_order },
	{ .name = "syn-received-una", .explains = syn_received_una, .ends = true },
	{ .name = "time-wait-timestamp", .explains = time_wait_timestamp },
	{ .name = "time-wait-bare", .explains = time_wait_bare, .ends = true },
	{ .name = "connect-again", .explains = connect_again, .ends = true },
	{ .name = "repacketized", .explains = repacketized },
	{ .name = "fin-after-timeout", .explains = fin_after_timeout, .ends = true },
	{ .name = "refused-or-reset", .explains = refused_or_reset, .ends = true,
	  .hidden = true },
	{ .name = "shutdown-syn-received", .explains = shutdown_syn_received, .ends = true },
	{ .name = "shutdown-both", .explains = shutdown_both, .ends = true },
	{ .name = "orphan-rst", .explains = orphan_rst },
	{ .name = "ack-of-unsent", .explains = ack_of_unsent },
	{ .name = "right-edge", .explains = right_edge, .ends = true,
	  .hidden = true },
	{ .name = "left-edge", .explains = left_edge, .ends = true, .hidden = true },
	{ .name = "window-update", .explains = window_update, .ends = true, .hidden = true },
	{ .name = "window-announced", .explains = window_announced },
	{ .name = "given-up", .explains = given_up, .ends = true },
	{ .name = "simultaneous-options", .explains = simultaneous_options },
	{ .name = "sack-fin", .explains = sack_fin },
	{ .name = "request-outlives-listener", .explains = request_outlives_listener,
	  .ends = true },
	{ .name = "syn-in-syn-received", .explains = syn_in_syn_received, .ends = true },
	{ .name = "orphan-fin-wait-2", .explains = orphan_fin_wait_2, .ends = true },
	{ .name = "reset-while-closing", .explains = reset_while_closing, .ends = true },
	{ .name = "no-timestamp", .explains = no_timestamp, .ends = true,
	  .hidden = true },
	{ .name = "data-beyond-fin", .explains = data_beyond_fin, .ends = true },
	{ .name = "contradicting-fin", .explains = contradicting_fin, .ends = true },
	{ .name = "amount", .explains = amount, .ends = true },
};

const u32 n_rules = ARRAY_SIZE(rules);
