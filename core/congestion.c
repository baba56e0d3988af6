// SPDX-License-Identifier: GPL-2.0
/*
 * Congestion control: slow start and congestion avoidance (rfc5681), initial
 * window (rfc6928), and recovery from loss: with SACK that of rfc6675, without it
 * fast retransmit and NewReno fast recovery (rfc6582) with limited transmit
 * (rfc3042).  All in octets.
 *
 * Only says how much may be sent, and asks for a retransmission with
 * conn->rexmit_head; with SACK, output.c asks sack.c for the further ones.
 */
#include "core/internal.h"

#define DUPACKS_FOR_LOSS 3

static u32 initial_window(const struct tern_conn *conn)
{
	u32 mss = conn->snd_mss;

	return tern_min(10 * mss, tern_max(2 * mss, 14600));
}

static void set_cwnd(struct tern_conn *conn, u32 octets)
{
	octets = tern_max(octets, conn->snd_mss);
	conn->cwnd = tern_min(octets, TERN_MAX_WINDOW);
}

/* FlightSize of rfc5681#section-2: sent and not acknowledged. */
static u32 flight(const struct tern_conn *conn)
{
	return tern_seq_dist(conn->snd_una, conn->snd_max);
}

/* rfc5681#section-3.1, equation 4 */
static void halve_ssthresh(struct tern_conn *conn, u32 flight_size)
{
	conn->ssthresh = tern_max(flight_size / 2, 2 * (u32)conn->snd_mss);
}

/*
 * When the handshake is complete.  rfc5681#section-3.1: one segment if SYN or
 * SYN-ACK had to be sent again.
 */
void tern_cwnd_init(struct tern_conn *conn)
{
	conn->ssthresh = TERN_MAX_WINDOW;
	set_cwnd(conn, conn->rexmits ? conn->snd_mss : initial_window(conn));
}

/* rfc5681#section-3.1, equations 2 and 3, counting octets as rfc3465 does */
static void grow(struct tern_conn *conn, u32 acked)
{
	u32 mss = conn->snd_mss;
	u64 more;

	if (conn->cwnd < conn->ssthresh)
		more = tern_min(acked, 2 * mss);
	else
		more = (u64)mss * tern_min(acked, conn->cwnd) / conn->cwnd;
	set_cwnd(conn, conn->cwnd + tern_max((u32)more, 1));
}

/* rfc6582#section-3.2, 3, partial: the next hole is where snd_una is now */
static void acked_in_part(struct tern_conn *conn, u32 acked)
{
	u32 left = conn->cwnd > acked ? conn->cwnd - acked : 0;

	/* rfc6675 asks the scoreboard for it, and cwnd stays */
	if (conn->sack_ok)
		return;
	conn->rexmit_head = true;
	set_cwnd(conn, left + (acked >= conn->snd_mss ? conn->snd_mss : 0));
}

/* rfc6582#section-3.2, 3, full: option (1), which bursts less */
static void acked_in_full(struct tern_conn *conn)
{
	u32 window = tern_max(flight(conn), conn->snd_mss) + conn->snd_mss;

	conn->in_recovery = false;
	conn->rexmit_head = false;
	set_cwnd(conn, conn->sack_ok ? conn->ssthresh :
		 tern_min(conn->ssthresh, window));
}

/* @acked octets more are acknowledged; snd_una has moved already. */
void tern_cwnd_acked(struct tern_conn *conn, u32 acked)
{
	conn->dupacks = 0;
	if (!conn->in_recovery)
		grow(conn, acked);
	else if (tern_seq_lt(conn->snd_una, conn->recover))
		acked_in_part(conn, acked);
	else
		acked_in_full(conn);
	/* recover must stay comparable, however much is sent without a loss */
	if (tern_seq_lt(conn->recover, conn->snd_una))
		conn->recover = tern_seq_add(conn->snd_una, ~0u);
}

/* Has enough come after it that what begins at snd_una must be lost? */
static bool head_is_lost(const struct tern_conn *conn)
{
	/* not what a timeout sends again; blocks tell that better than their lack */
	if (conn->sack_ok) /* rfc6675#section-5.1 */
		return !tern_seq_lt(conn->snd_una, conn->recover) &&
		       (conn->dupacks >= DUPACKS_FOR_LOSS || tern_sack_lost(conn));
	/* rfc6582#section-3.2, 2 */
	return tern_seq_lt(conn->recover, conn->snd_una) &&
	       conn->dupacks == DUPACKS_FOR_LOSS;
}

/*
 * A duplicate acknowledgment.  Without SACK, each says that a segment has left the
 * network (rfc5681#section-3.2, 4); with it, the scoreboard says which.
 */
void tern_cwnd_dupack(struct tern_conn *conn, struct tern_result *res)
{
	if (conn->dupacks < 255)
		conn->dupacks++;
	if (conn->in_recovery) {
		if (!conn->sack_ok)
			set_cwnd(conn, conn->cwnd + conn->snd_mss);
		return;
	}
	if (!head_is_lost(conn))
		return;

	/* rfc5681#section-3.2, 2: limited transmit, beyond cwnd, does not count */
	halve_ssthresh(conn, tern_min(flight(conn), conn->cwnd));
	set_cwnd(conn, conn->ssthresh +
		 (conn->sack_ok ? 0 : DUPACKS_FOR_LOSS * conn->snd_mss));
	conn->recover = conn->snd_max;
	conn->snd_rxt = conn->snd_una;
	conn->in_recovery = true;
	conn->rexmit_head = true;
	tern_rtt_cancel(conn);
	res->events |= TERN_EV_RECOVERY;
}

/*
 * rfc5681#section-3.1, rfc6582#section-4.  The threshold stays when the same
 * data times out again.
 */
void tern_cwnd_timeout(struct tern_conn *conn)
{
	if (conn->rexmits <= 1)
		halve_ssthresh(conn, flight(conn));
	set_cwnd(conn, conn->snd_mss);
	conn->recover = conn->snd_max;
	conn->in_recovery = false;
	conn->rexmit_head = false;
	conn->dupacks = 0;
	tern_sack_timeout(conn);
}

/* rfc5681#section-4.1: what was known about the path has aged */
void tern_cwnd_idle(struct tern_conn *conn, u64 now)
{
	if (now > conn->last_sent && now - conn->last_sent > conn->rto)
		set_cwnd(conn, tern_min(conn->cwnd, initial_window(conn)));
}

/*
 * Octets that congestion lets out now.  rfc3042: each of the first two duplicate
 * acknowledgments lets out a segment, without changing cwnd; with SACK that is what
 * comes of counting.
 */
u32 tern_cwnd_room(const struct tern_conn *conn)
{
	u32 window = conn->cwnd;
	u32 used;

	if (conn->sack_ok) {
		used = tern_sack_pipe(conn);
	} else {
		used = tern_seq_dist(tern_snd_base(conn), conn->snd_nxt);
		/* rfc3042: for new data only */
		if (!conn->in_recovery && conn->snd_nxt == conn->snd_max)
			window += tern_min(conn->dupacks, 2) * conn->snd_mss;
	}
	return window > used ? window - used : 0;
}
