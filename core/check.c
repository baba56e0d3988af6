// SPDX-License-Identifier: GPL-2.0
/*
 * The invariants of a connection, by name.  They hold between any two calls,
 * whatever a peer sends.
 */
#include "core/internal.h"

/* The first condition that fails gives its name. */
static void holds(const char **broken, bool condition, const char *name)
{
	if (!condition && !*broken)
		*broken = name;
}

/* SYN and FIN are where the state says they are. */
static const char *check_state(const struct tern_conn *conn)
{
	const char *broken = NULL;
	u8 state = conn->state;
	bool closed_our_side = state == TERN_FIN_WAIT_1 ||
			       state == TERN_FIN_WAIT_2 ||
			       state == TERN_CLOSING ||
			       state == TERN_LAST_ACK ||
			       state == TERN_TIME_WAIT;
	bool peer_closed = state == TERN_CLOSE_WAIT || state == TERN_CLOSING ||
			   state == TERN_LAST_ACK || state == TERN_TIME_WAIT;
	bool fin_acked = state == TERN_FIN_WAIT_2 || state == TERN_TIME_WAIT;
	bool opening = state == TERN_SYN_SENT || state == TERN_SYN_RECEIVED;

	holds(&broken, state >= TERN_ESTABLISHED && state <= TERN_CLOSING,
	      "state is one of the eleven");
	holds(&broken, state != TERN_LISTEN, "a connection is never in LISTEN");
	holds(&broken, conn->error <= TERN_ERR_ABORTED,
	      "error is one of its kind");
	holds(&broken, !conn->error || state == TERN_CLOSED,
	      "error only once CLOSED");
	holds(&broken, !conn->rst_due || state == TERN_CLOSED,
	      "RST due only once CLOSED");
	if (state == TERN_CLOSED)
		return broken;

	holds(&broken, conn->fin_queued == closed_our_side,
	      "FIN queued as the state says");
	holds(&broken, tern_fin_received(conn) == peer_closed,
	      "FIN received as the state says");
	holds(&broken, tern_fin_acked(conn) == fin_acked,
	      "FIN acknowledged as the state says");
	holds(&broken, conn->syn_acked || opening ||
	      state == TERN_FIN_WAIT_1 || state == TERN_CLOSING,
	      "SYN acknowledged as the state says");
	holds(&broken, !conn->syn_acked || !opening,
	      "SYN not acknowledged before ESTABLISHED");
	return broken;
}

static const char *check_send(const struct tern_conn *conn)
{
	const char *broken = NULL;
	tern_seq last = tern_seq_add(conn->snd_end, conn->fin_queued);
	tern_seq data = tern_seq_add(conn->iss, 1);

	holds(&broken, tern_seq_leq(conn->snd_una, conn->snd_nxt),
	      "snd_una <= snd_nxt");
	holds(&broken, tern_seq_leq(conn->snd_nxt, conn->snd_max),
	      "snd_nxt <= snd_max");
	holds(&broken, tern_seq_leq(conn->snd_max, last),
	      "snd_max <= snd_end, or FIN");
	holds(&broken, tern_seq_leq(conn->snd_psh, conn->snd_end),
	      "snd_psh <= snd_end");
	holds(&broken, tern_seq_dist(conn->snd_una, last) <= TERN_MAX_WINDOW + 2,
	      "unacknowledged data at most the largest window");
	if (!conn->syn_acked) {
		holds(&broken, conn->snd_una == conn->iss,
		      "snd_una is iss before the ACK of SYN");
		holds(&broken, conn->snd_max == conn->iss || conn->snd_max == data ||
		      (conn->fin_queued && conn->snd_end == data),
		      "no data is sent before the ACK of SYN");
	}
	holds(&broken, conn->snd_wnd <= conn->snd_wnd_max,
	      "snd_wnd <= snd_wnd_max");
	holds(&broken, conn->snd_wnd_max <= TERN_MAX_WINDOW,
	      "snd_wnd_max is bounded");
	holds(&broken, conn->snd_mss >= 1, "snd_mss at least 1");
	holds(&broken, conn->snd_mss <= conn->cfg.mss,
	      "snd_mss at most our own mss");
	holds(&broken, conn->cwnd >= conn->snd_mss, "cwnd at least a segment");
	holds(&broken, conn->cwnd <= TERN_MAX_WINDOW, "cwnd is bounded");
	holds(&broken, conn->ssthresh >= 2, "ssthresh at least two octets");
	holds(&broken, tern_seq_leq(conn->recover, conn->snd_max),
	      "recover <= snd_max");
	holds(&broken, !conn->in_recovery ||
	      tern_seq_lt(conn->snd_una, conn->recover),
	      "recovery ends when recover is acknowledged");
	holds(&broken, !conn->rexmit_head || conn->in_recovery,
	      "a head is retransmitted only in recovery");
	return broken;
}

static const char *check_receive(const struct tern_conn *conn)
{
	const char *broken = NULL;
	u32 window = tern_seq_dist(conn->rcv_nxt, conn->rcv_adv);

	holds(&broken, window <= TERN_MAX_WINDOW, "rcv_nxt <= rcv_adv");
	holds(&broken, conn->rcv_buf >= 1 && conn->rcv_buf <= TERN_MAX_WINDOW,
	      "rcv_buf is bounded");
	holds(&broken, conn->rcv_held <= TERN_MAX_WINDOW,
	      "rcv_held is bounded");
	if (conn->state == TERN_SYN_SENT) {
		holds(&broken, !conn->rcv_held && !conn->n_ranges &&
		      !conn->fin_seen,
		      "nothing is received before a SYN");
		return broken;
	}
	holds(&broken, tern_seq_leq(conn->rcv_acked, conn->rcv_nxt),
	      "rcv_acked <= rcv_nxt");
	if (conn->fin_seen) {
		holds(&broken, tern_seq_leq(conn->rcv_nxt, tern_seq_add(conn->rcv_fin, 1)),
		      "rcv_nxt at most past the FIN");
		holds(&broken, tern_seq_lt(conn->rcv_fin, conn->rcv_adv),
		      "the FIN was inside the window");
	}
	return broken;
}

/*
 * The ranges ascend and none is empty; before each there is a hole, before the first
 * one only if @hole.  @order and @empty are the names.  Return: the end of the last.
 */
static tern_seq check_set(const char **broken, const struct tern_range *range, u32 count,
			  tern_seq before, bool hole, const char *order, const char *empty)
{
	u32 i;

	for (i = 0; i < count; i++) {
		holds(broken, i || hole ? tern_seq_lt(before, range[i].start) :
		      tern_seq_leq(before, range[i].start), order);
		holds(broken, tern_seq_lt(range[i].start, range[i].end), empty);
		before = range[i].end;
	}
	return before;
}

static const char *check_ranges(const struct tern_conn *conn)
{
	const char *broken = NULL;
	tern_seq end;

	holds(&broken, conn->n_ranges <= TERN_RANGES, "ranges in their array");
	if (broken)
		return broken;
	end = check_set(&broken, conn->range, conn->n_ranges, conn->rcv_nxt, true,
			"ranges ascend with holes between them", "no range is empty");
	holds(&broken, tern_seq_leq(end, conn->rcv_adv),
	      "ranges inside the window");
	holds(&broken, !conn->n_ranges || !conn->fin_seen ||
	      tern_seq_leq(end, conn->rcv_fin),
	      "no range beyond the FIN");
	holds(&broken, !conn->n_ranges || !tern_fin_received(conn),
	      "no range after the FIN is reached");
	return broken;
}

static const char *check_sacked(const struct tern_conn *conn)
{
	const char *broken = NULL;
	tern_seq end;

	holds(&broken, conn->n_sacked <= TERN_SACKED, "SACKed ranges in their array");
	holds(&broken, conn->n_recent <= TERN_SACK_BLOCKS,
	      "recent arrivals in their array");
	holds(&broken, !conn->n_sacked || conn->sack_ok,
	      "SACKed ranges only if agreed on");
	if (broken)
		return broken;
	end = check_set(&broken, conn->sacked, conn->n_sacked, conn->snd_una, false,
			"SACKed ranges ascend with holes between them",
			"no SACKed range is empty");
	holds(&broken, tern_seq_leq(end, conn->snd_max),
	      "only what was sent is SACKed");
	return broken;
}

static const char *check_timers(const struct tern_conn *conn)
{
	const char *broken = NULL;

	holds(&broken, conn->rto >= 1, "rto at least 1 us");
	if (conn->state == TERN_CLOSED || conn->state == TERN_TIME_WAIT) {
		holds(&broken, tern_next_deadline(conn) == TERN_NEVER,
		      "no deadline once it is over");
		return broken;
	}
	holds(&broken, !tern_in_flight(conn) ||
	      conn->deadline[TERN_TIMER_REXMT] != TERN_NEVER,
	      "in flight, the retransmission timer runs");
	holds(&broken, conn->deadline[TERN_TIMER_FIN_WAIT_2] == TERN_NEVER ||
	      (conn->orphan && conn->state == TERN_FIN_WAIT_2),
	      "FIN_WAIT_2 is bounded only without a user");
	holds(&broken, conn->state != TERN_FIN_WAIT_2 || !conn->orphan ||
	      conn->deadline[TERN_TIMER_FIN_WAIT_2] != TERN_NEVER,
	      "FIN_WAIT_2 without a user is bounded");
	holds(&broken, conn->deadline[TERN_TIMER_KEEPALIVE] == TERN_NEVER ||
	      conn->cfg.keep_idle, "keep-alive only if the user wants it");
	holds(&broken, conn->deadline[TERN_TIMER_USER] == TERN_NEVER ||
	      conn->cfg.user_timeout, "a user timeout only if the user wants it");
	holds(&broken, !conn->delack_segs || conn->ack_now ||
	      conn->deadline[TERN_TIMER_DELACK] != TERN_NEVER,
	      "a delayed acknowledgment is timed");
	return broken;
}

const char *tern_check(const struct tern_conn *conn)
{
	const char *name;

	name = check_state(conn);
	if (!name)
		name = check_send(conn);
	if (!name)
		name = check_receive(conn);
	if (!name)
		name = check_ranges(conn);
	if (!name)
		name = check_sacked(conn);
	if (!name)
		name = check_timers(conn);
	return name;
}

const char *tern_state_name(u8 state)
{
	switch (state) {
	case TERN_ESTABLISHED:
		return "ESTABLISHED";
	case TERN_SYN_SENT:
		return "SYN_SENT";
	case TERN_SYN_RECEIVED:
		return "SYN_RECEIVED";
	case TERN_FIN_WAIT_1:
		return "FIN_WAIT_1";
	case TERN_FIN_WAIT_2:
		return "FIN_WAIT_2";
	case TERN_TIME_WAIT:
		return "TIME_WAIT";
	case TERN_CLOSED:
		return "CLOSED";
	case TERN_CLOSE_WAIT:
		return "CLOSE_WAIT";
	case TERN_LAST_ACK:
		return "LAST_ACK";
	case TERN_LISTEN:
		return "LISTEN";
	case TERN_CLOSING:
		return "CLOSING";
	default:
		return "?";
	}
}
