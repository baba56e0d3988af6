// SPDX-License-Identifier: GPL-2.0
/*
 * Timestamps and protection against wrapped sequence numbers, rfc7323#section-3
 * and 5.  What they say about the round trip is for rtt.c.
 */
#include "core/internal.h"

/* rfc7323#section-5.5: what came before so long a silence says nothing, us. */
#define TS_OUTDATED (24ull * 24 * 3600 * 1000000)

u32 tern_tsval(u64 now, u32 ts_offset)
{
	return (u32)(now / 1000) + ts_offset;
}

/* Octets that the option takes from the payload of each segment. */
u32 tern_ts_space(const struct tern_conn *conn)
{
	return conn->ts_ok ? TERN_TS_LEN : 0;
}

/* rfc7323#section-3.2: on every segment once both ends have agreed */
void tern_ts_fill(const struct tern_conn *conn, u64 now, struct tern_seg *seg)
{
	if (!conn->ts_ok)
		return;
	seg->has_ts = true;
	seg->tsval = tern_tsval(now, conn->cfg.ts_offset);
	seg->tsecr = seg->flags & TERN_ACK ? conn->ts_recent : 0;
}

static bool outdated(const struct tern_conn *conn, u64 now)
{
	return conn->last_rcv < now && now - conn->last_rcv > TS_OUTDATED;
}

/*
 * rfc7323#section-5.3, R1; and section 3.2: what lacks the option that was agreed
 * on is dropped without an answer.
 */
enum tern_drop tern_ts_check(const struct tern_conn *conn, u64 now,
			     const struct tern_seg *seg)
{
	if (!conn->ts_ok)
		return TERN_DROP_NONE;
	if (!seg->has_ts)
		return TERN_DROP_NO_TS;
	if (tern_ts_before(seg->tsval, conn->ts_recent) && !outdated(conn, now))
		return TERN_DROP_PAWS;
	return TERN_DROP_NONE;
}

/*
 * rfc7323#section-5.3, R3: of an acceptable segment that reaches what was acknowledged;
 * or any after so long a silence, for the next ones are judged by it.  That it carries
 * the option tern_ts_check() has seen to.
 */
void tern_ts_taken(struct tern_conn *conn, u64 now, const struct tern_seg *seg)
{
	if (conn->ts_ok && (tern_seq_leq(seg->seq, conn->rcv_acked) ||
			    outdated(conn, now)))
		conn->ts_recent = seg->tsval;
}

/* An ACK's echo: how long ago what it echoes was sent, ms; false when it does not say. */
bool tern_ts_echo(const struct tern_conn *conn, u64 now,
		  const struct tern_seg *seg, u32 *ms)
{
	u32 age = tern_tsval(now, conn->cfg.ts_offset) - seg->tsecr;

	if (!conn->ts_ok || tern_ts_before(age, 0))
		return false;
	*ms = age;
	return true;
}
