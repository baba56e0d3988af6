// SPDX-License-Identifier: GPL-2.0
/*
 * Selective acknowledgments (rfc2018): which blocks to tell the peer of, which
 * ones the peer has told us of, and what follows for loss recovery (rfc6675,
 * whose function names are in the comments).
 *
 * The peer's blocks are advice: only the acknowledgment number releases data, and
 * a block that makes no sense is passed over.
 */
#include "core/internal.h"

#define DUP_THRESH 3
/* Below this payload, blocks beside data would leave too little room for it. */
#define MSS_FOR_BLOCKS 128

/* The out-of-order range that holds @seq, or n_ranges. */
static u32 range_of(const struct tern_conn *conn, tern_seq seq)
{
	return tern_ranges_find(conn->range, conn->n_ranges, seq,
				tern_seq_add(seq, 1));
}

/* Octets arrived out of order at @seq: its range is the one to be told first. */
void tern_sack_arrived(struct tern_conn *conn, tern_seq seq)
{
	u32 latest = range_of(conn, seq);
	tern_seq kept[TERN_SACK_BLOCKS];
	u32 n = 1;
	u32 i;

	kept[0] = seq;
	for (i = 0; i < conn->n_recent && n < TERN_SACK_BLOCKS; i++) {
		u32 range = range_of(conn, conn->recent[i]);

		if (range != latest && range < conn->n_ranges)
			kept[n++] = conn->recent[i];
	}
	for (i = 0; i < n; i++)
		conn->recent[i] = kept[i];
	conn->n_recent = (u8)n;
}

static u32 blocks(const struct tern_conn *conn)
{
	if (!conn->sack_ok)
		return 0;
	return tern_min(conn->n_ranges, TERN_SACK_BLOCKS - conn->ts_ok);
}

/* Octets that SACK blocks take from the payload of a segment sent now. */
u32 tern_sack_space(const struct tern_conn *conn)
{
	u32 n = blocks(conn);

	return n && conn->snd_mss >= MSS_FOR_BLOCKS ? 4 + 8 * n : 0;
}

static void put_block(struct tern_seg *seg, const struct tern_range *range)
{
	u32 i;

	for (i = 0; i < seg->n_sack; i++) {
		if (seg->sack[i].start == range->start)
			return;
	}
	seg->sack[seg->n_sack++] = *range;
}

/* rfc2018#section-4: the latest first, then those told last, then any others */
void tern_sack_fill(const struct tern_conn *conn, struct tern_seg *seg)
{
	u32 most = blocks(conn);
	u32 i;

	/* SYN has enough of its own, and nothing to tell of in an ordinary handshake */
	if (seg->flags & TERN_SYN || (seg->len && !tern_sack_space(conn)))
		return;
	for (i = 0; i < conn->n_recent && seg->n_sack < most; i++) {
		u32 range = range_of(conn, conn->recent[i]);

		if (range < conn->n_ranges)
			put_block(seg, &conn->range[range]);
	}
	for (i = 0; i < conn->n_ranges && seg->n_sack < most; i++)
		put_block(seg, &conn->range[i]);
}

/*
 * Does a block tell of octets that were sent and lie beyond snd_una?  As distances from
 * there: edges 2^31 apart compare each with the next, and make no sense together.
 */
static bool believable(const struct tern_conn *conn, const struct tern_range *block)
{
	u32 start = tern_seq_dist(conn->snd_una, block->start);
	u32 end = tern_seq_dist(conn->snd_una, block->end);

	return start && start < end &&
	       end <= tern_seq_dist(conn->snd_una, conn->snd_max);
}

/*
 * Update(): take in the blocks of an acceptable ACK.  True when they tell of octets
 * that were not known to have arrived: the duplicate acknowledgment of rfc6675.
 */
bool tern_sack_update(struct tern_conn *conn, const struct tern_seg *seg)
{
	bool news = false;
	u32 i;

	for (i = 0; i < seg->n_sack; i++) {
		tern_seq start = seg->sack[i].start;
		tern_seq end = seg->sack[i].end;

		if (!believable(conn, &seg->sack[i]) ||
		    tern_ranges_find(conn->sacked, conn->n_sacked, start, end) <
		    conn->n_sacked)
			continue;
		news |= tern_ranges_add(conn->sacked, &conn->n_sacked,
					TERN_SACKED, start, end);
	}
	return news;
}

/* snd_una has moved: forget what lies before it. */
void tern_sack_acked(struct tern_conn *conn)
{
	u32 passed = 0;

	while (passed < conn->n_sacked &&
	       tern_seq_leq(conn->sacked[passed].end, conn->snd_una))
		passed++;
	tern_ranges_remove(conn->sacked, &conn->n_sacked, 0, passed);
	if (conn->n_sacked)
		conn->sacked[0].start = tern_seq_max(conn->sacked[0].start,
						     conn->snd_una);
}

/*
 * The retransmission timer has expired.  A peer that held what follows snd_una
 * would have acknowledged it: it has thrown away what it told of
 * (rfc2018#section-8), and the rest is not believed, either.
 */
void tern_sack_timeout(struct tern_conn *conn)
{
	if (conn->n_sacked && conn->sacked[0].start == conn->snd_una)
		conn->n_sacked = 0;
}

/* IsLost() of the hole before sacked[i], if there is one: the same for all of its octets */
static bool is_lost(const struct tern_conn *conn, u32 i)
{
	u32 beyond = 0;
	u32 j;

	if (conn->n_sacked - i >= DUP_THRESH)
		return true;
	for (j = i; j < conn->n_sacked; j++)
		beyond += tern_seq_dist(conn->sacked[j].start, conn->sacked[j].end);
	return beyond > (DUP_THRESH - 1) * conn->snd_mss;
}

/* Is what begins at snd_una believed to be lost? */
bool tern_sack_lost(const struct tern_conn *conn)
{
	return is_lost(conn, 0);
}

/*
 * SetPipe(): octets believed to be under way.  Outside recovery (after a timeout)
 * what lies beyond snd_nxt is to be sent again and is not.
 */
u32 tern_sack_pipe(const struct tern_conn *conn)
{
	tern_seq end = conn->in_recovery ? conn->snd_max : conn->snd_nxt;
	tern_seq at = tern_snd_base(conn);
	u32 pipe = 0;
	u32 i;

	for (i = 0; i < conn->n_sacked; i++) {
		tern_seq hole_end = tern_seq_min(conn->sacked[i].start, end);

		if (!conn->in_recovery || !is_lost(conn, i))
			pipe += tern_seq_until(at, hole_end);
		if (conn->in_recovery)
			pipe += tern_seq_until(at, tern_seq_min(hole_end, conn->snd_rxt));
		at = conn->sacked[i].end;
	}
	return pipe + tern_seq_until(at, end);
}

/*
 * NextSeg(), rules 1 (@lost_only) and 3: the first octets after snd_rxt, below the
 * highest that the peer holds, that it does not hold.
 */
bool tern_sack_hole(const struct tern_conn *conn, bool lost_only,
		    struct tern_range *hole)
{
	tern_seq at = tern_seq_max(conn->snd_una, conn->snd_rxt);
	u32 i;

	for (i = 0; i < conn->n_sacked; i++) {
		if (tern_seq_lt(at, conn->sacked[i].start) &&
		    (!lost_only || is_lost(conn, i))) {
			hole->start = at;
			hole->end = conn->sacked[i].start;
			return true;
		}
		at = tern_seq_max(at, conn->sacked[i].end);
	}
	return false;
}

/* NextSeg(), rule 4: what lies beyond all that the peer holds */
tern_seq tern_sack_tail(const struct tern_conn *conn)
{
	return conn->n_sacked ? conn->sacked[conn->n_sacked - 1].end :
	       conn->snd_una;
}

/* After a timeout: snd_nxt, or where the range that holds it ends. */
tern_seq tern_sack_skip(const struct tern_conn *conn)
{
	u32 i = tern_ranges_find(conn->sacked, conn->n_sacked, conn->snd_nxt,
				 tern_seq_add(conn->snd_nxt, 1));

	return i < conn->n_sacked ? conn->sacked[i].end : conn->snd_nxt;
}

/* Octets from snd_nxt to the next one that the peer holds; without one, all there are. */
u32 tern_sack_gap(const struct tern_conn *conn)
{
	u32 i;

	for (i = 0; i < conn->n_sacked; i++) {
		if (tern_seq_lt(conn->snd_nxt, conn->sacked[i].start))
			return tern_seq_dist(conn->snd_nxt, conn->sacked[i].start);
	}
	return ~0u;
}
