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

/* R2 of rfc9293#section-3.8.3, counted in retransmissions */
static u32 retries(const struct tern_conn *conn)
{
	if (conn->state == TERN_SYN_SENT)
		return conn->cfg.syn_retries;
	if (!conn->syn_acked)
		return conn->cfg.synack_retries;
	return conn->orphan ? conn->cfg.orphan_retries : conn->cfg.data_retries;
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
	conn->rexmits++;
	return true;
}

/* rfc6298#section-5, 5.4 to 5.6: go back to snd_una, and wait twice as long */
static void rexmt_timeout(struct tern_conn *conn, u64 now,
			  struct tern_result *res)
{
	if (!try_again(conn, res))
		return;
	if (conn->syn_acked)
		tern_cwnd_timeout(conn);
	conn->snd_nxt = conn->snd_una;
	conn->rtt_timing = false;
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
		*res = tern_abort(conn, TERN_ERR_TIMEDOUT);
		return;
	}
	if (conn->probes < 255)
		conn->probes++;
	conn->force = true;
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
	if (passed(conn, TERN_TIMER_DELACK, now))
		conn->ack_now = true;
	if (passed(conn, TERN_TIMER_REXMT, now))
		rexmt_timeout(conn, now, &res);
	if (passed(conn, TERN_TIMER_PERSIST, now))
		persist_timeout(conn, &res);
	return res;
}
