// SPDX-License-Identifier: GPL-2.0
/*
 * The deadlines of a connection and what happens when they pass,
 * rfc9293#section-3.10.8.
 */
#include "core/internal.h"

/* At least 1 us from now: a deadline that is due at once would never drain. */
void tern_arm(struct tern_conn *conn, enum tern_timer timer, u64 now, u64 delay)
{
	conn->deadline[timer] = now + (delay ? delay : 1);
}

void tern_disarm(struct tern_conn *conn, enum tern_timer timer)
{
	conn->deadline[timer] = TERN_NEVER;
}

void tern_disarm_all(struct tern_conn *conn)
{
	u32 i;

	for (i = 0; i < TERN_TIMERS; i++)
		conn->deadline[i] = TERN_NEVER;
}

u64 tern_next_deadline(const struct tern_conn *conn)
{
	u64 next = TERN_NEVER;
	u32 i;

	for (i = 0; i < TERN_TIMERS; i++) {
		if (conn->deadline[i] < next)
			next = conn->deadline[i];
	}
	return next;
}

static bool passed(struct tern_conn *conn, enum tern_timer timer, u64 now)
{
	u64 deadline = conn->deadline[timer];

	if (deadline == TERN_NEVER || deadline > now)
		return false;
	tern_disarm(conn, timer);
	return true;
}

/*
 * R2 of rfc9293#section-3.8.3, counted in retransmissions.  For data, the time that
 * the user has set goes before the count; nobody is left to set one for an orphan.
 */
static u32 retries(const struct tern_conn *conn)
{
	if (conn->state == TERN_SYN_SENT)
		return conn->cfg.syn_retries;
	if (!conn->syn_acked)
		return conn->cfg.synack_retries;
	if (conn->orphan)
		return conn->cfg.orphan_retries;
	return conn->cfg.user_timeout ? ~0u : conn->cfg.data_retries;
}

/*
 * One more try, unless there were enough.  No RST then: the peer did not answer
 * the segments either.
 */
static bool try_again(struct tern_conn *conn, struct tern_result *res)
{
	if (conn->rexmits >= retries(conn)) {
		tern_enter_closed(conn, res, TERN_ERR_TIMEDOUT);
		return false;
	}
	if (conn->rexmits < 255)
		conn->rexmits++;
	return true;
}

/* rfc6298#section-5, 5.4 to 5.6: go back to snd_una, and wait twice as long */
static void rexmt_timeout(struct tern_conn *conn, u64 now,
			  struct tern_result *res)
{
	if (!try_again(conn, res))
		return;
	res->events |= TERN_EV_TIMEOUT;
	if (conn->syn_acked)
		tern_cwnd_timeout(conn);
	conn->snd_nxt = conn->snd_una;
	tern_rtt_cancel(conn);
	tern_arm(conn, TERN_TIMER_REXMT, now, tern_rto(conn));
}

/*
 * Only an unanswered probe counts: a peer that keeps its window closed and says
 * so may do that for ever (rfc9293#section-3.8.6.1, MUST-37).  But not to an
 * orphan, which no user is there to end: it would be kept for ever, too.
 */
static void persist_timeout(struct tern_conn *conn, struct tern_result *res)
{
	if (!conn->snd_wnd && !try_again(conn, res))
		return;
	if (conn->orphan && conn->probes >= conn->cfg.orphan_retries) {
		tern_abort_into(conn, res, TERN_ERR_TIMEDOUT);
		return;
	}
	if (conn->probes < 255)
		conn->probes++;
	conn->force = true;
}

/*
 * rfc9293#section-3.8.4: only into silence, and only when nothing waits for an
 * acknowledgment, which says as much.  One unanswered probe says nothing (MUST-29).
 */
static void keepalive_timeout(struct tern_conn *conn, u64 now,
			      struct tern_result *res)
{
	u64 silent = now > conn->last_rcv ? now - conn->last_rcv : 0;
	bool gone = conn->cfg.user_timeout ?
		    silent >= conn->cfg.user_timeout && conn->keep_sent :
		    conn->keep_sent >= conn->cfg.keep_probes;

	if (conn->stalled != TERN_NEVER || silent < conn->cfg.keep_idle)
		return; /* tern_next_segment() sets the timer again */
	if (gone) {
		tern_abort_into(conn, res, TERN_ERR_TIMEDOUT);
		return;
	}
	if (conn->keep_sent < 255)
		conn->keep_sent++;
	conn->keep_due = true;
	tern_arm(conn, TERN_TIMER_KEEPALIVE, now, conn->cfg.keep_interval);
}

struct tern_result tern_timeout(struct tern_conn *conn, u64 now)
{
	struct tern_result res = tern_result_for(conn);

	if (tern_is_over(conn))
		return res;

	if (passed(conn, TERN_TIMER_FIN_WAIT_2, now)) {
		tern_enter_closed(conn, &res, TERN_OK);
		return res;
	}
	/* progress may have been made, and the deadline not moved yet */
	if (passed(conn, TERN_TIMER_USER, now) && conn->stalled != TERN_NEVER &&
	    now - conn->stalled >= conn->cfg.user_timeout) {
		tern_enter_closed(conn, &res, TERN_ERR_TIMEDOUT);
		return res;
	}
	if (passed(conn, TERN_TIMER_KEEPALIVE, now)) {
		keepalive_timeout(conn, now, &res);
		if (conn->state == TERN_CLOSED)
			return res;
	}
	if (passed(conn, TERN_TIMER_DELACK, now))
		conn->ack_now = true;
	if (passed(conn, TERN_TIMER_REXMT, now))
		rexmt_timeout(conn, now, &res);
	if (conn->state != TERN_CLOSED && passed(conn, TERN_TIMER_PERSIST, now))
		persist_timeout(conn, &res);
	return res;
}
