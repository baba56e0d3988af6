// SPDX-License-Identifier: GPL-2.0
/*
 * Round-trip time and retransmission timeout, rfc6298.
 *
 * One segment at a time is timed, and never one that was sent twice (Karn's
 * algorithm, rfc6298#section-3), unless timestamps tell the two apart.
 */
#include "core/internal.h"

/* A round trip longer than this says no more than this does, us. */
#define RTT_MAX 1000000000u
/* rfc6298#section-5, 5.7: the timeout for data after a SYN was lost, us. */
#define RTO_SYN_LOST 3000000u

static u32 clamp_rto(const struct tern_conn *conn, u64 rto)
{
	if (rto < conn->cfg.rto_min)
		rto = conn->cfg.rto_min;
	if (rto > conn->cfg.rto_max)
		rto = conn->cfg.rto_max;
	return rto ? (u32)rto : 1;
}

static u32 back_off(const struct tern_conn *conn, u32 times)
{
	u64 rto = (u64)conn->rto << tern_min(times, 31);
	u32 most = tern_max(conn->cfg.rto_max, 1);

	return rto > most ? most : (u32)rto;
}

/* 5.5: the timeout now, doubled for every retransmission */
u32 tern_rto(const struct tern_conn *conn)
{
	return back_off(conn, conn->rexmits);
}

/* rfc9293#section-3.8.6.1: probes start at the timeout and back off alike */
u32 tern_persist_interval(const struct tern_conn *conn)
{
	return back_off(conn, conn->probes);
}

/* 2.1 */
void tern_rtt_init(struct tern_conn *conn)
{
	conn->rto = tern_max(conn->cfg.rto_initial, 1);
}

/*
 * What was timed was sent again, or is acknowledged late.  Timestamps still tell:
 * from the next acknowledgment on.
 */
void tern_rtt_cancel(struct tern_conn *conn)
{
	conn->rtt_timing = false;
	conn->rtt_seq = tern_seq_add(conn->snd_una, ~0u);
}

/* A segment that ends with @last is sent for the first time. */
void tern_rtt_sent(struct tern_conn *conn, u64 now, tern_seq last)
{
	if (conn->rtt_timing)
		return;
	conn->rtt_timing = true;
	conn->rtt_start = now;
	conn->rtt_seq = last;
}

/* 2.2 and 2.3, with a clock granularity of 1 us */
static void sample(struct tern_conn *conn, u32 r)
{
	u64 var;

	if (!conn->srtt) {
		conn->srtt = r;
		conn->rttvar = r / 2;
	} else {
		u32 delta = conn->srtt > r ? conn->srtt - r : r - conn->srtt;

		conn->rttvar = conn->rttvar - conn->rttvar / 4 + delta / 4;
		conn->srtt = tern_max(conn->srtt - conn->srtt / 8 + r / 8, 1);
	}
	var = (u64)conn->rttvar * 4;
	conn->rto = clamp_rto(conn, conn->srtt + (var ? var : 1));
}

/*
 * rfc7323#section-4: an echo says which of two transmissions was received.  Once in
 * a round trip, as with the timed segment, whose clock is finer and goes first.
 */
static bool sample_echo(struct tern_conn *conn, u64 now, const struct tern_seg *seg)
{
	u32 ms;

	if (conn->rtt_timing || !tern_seq_lt(conn->rtt_seq, seg->ack) ||
	    !tern_ts_echo(conn, now, seg, &ms))
		return false;
	conn->rtt_seq = conn->snd_max;
	sample(conn, tern_max(tern_min(ms, RTT_MAX / 1000), 1) * 1000);
	return true;
}

/*
 * New data is acknowledged.  Without a measurement a timeout that was backed off
 * stays so (the end of rfc6298#section-5): the acknowledged data was sent
 * twice, and nothing shorter is known to be long enough.
 */
void tern_rtt_acked(struct tern_conn *conn, u64 now, const struct tern_seg *seg)
{
	if (conn->rtt_timing && tern_seq_lt(conn->rtt_seq, seg->ack)) {
		u64 r = now > conn->rtt_start ? now - conn->rtt_start : 1;

		conn->rtt_timing = false;
		sample(conn, r > RTT_MAX ? RTT_MAX : (u32)r);
	} else if (!sample_echo(conn, now, seg) && conn->rexmits &&
		   tern_in_flight(conn)) {
		conn->rto = tern_rto(conn);
	}
}

/*
 * 5.7: the SYN had to be sent again, so nothing was measured and the initial
 * timeout may be too short.  Linux does the same.
 */
void tern_rtt_syn_lost(struct tern_conn *conn)
{
	if (!conn->srtt)
		conn->rto = clamp_rto(conn, RTO_SYN_LOST);
}
