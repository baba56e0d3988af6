// SPDX-License-Identifier: GPL-2.0
/*
 * Reassembly: which octets beyond rcv_nxt were received, as few ranges.
 *
 * The ranges ascend, and there is a hole before each of them.  The bytes are the
 * shell's.
 */
#include "core/internal.h"

/* Are all of [start, end) held already? */
bool tern_reasm_held(const struct tern_conn *conn, tern_seq start, tern_seq end)
{
	u32 i;

	for (i = 0; i < conn->n_ranges; i++) {
		if (tern_seq_leq(conn->range[i].start, start) &&
		    tern_seq_leq(end, conn->range[i].end))
			return true;
	}
	return false;
}

static void remove_ranges(struct tern_conn *conn, u32 first, u32 count)
{
	u32 i;

	for (i = first; i + count < conn->n_ranges; i++)
		conn->range[i] = conn->range[i + count];
	conn->n_ranges = (u8)(conn->n_ranges - count);
}

/* In order: rcv_nxt moves, over the ranges it now reaches, too. */
static void advance(struct tern_conn *conn, tern_seq end)
{
	u32 reached = 0;

	while (reached < conn->n_ranges &&
	       tern_seq_leq(conn->range[reached].start, end)) {
		end = tern_seq_max(end, conn->range[reached].end);
		reached++;
	}
	remove_ranges(conn, 0, reached);
	conn->rcv_held += tern_seq_dist(conn->rcv_nxt, end);
	conn->rcv_nxt = end;
}

/* Out of order: one range more, or some that it touches become one. */
static bool insert(struct tern_conn *conn, tern_seq start, tern_seq end)
{
	u32 first = 0;
	u32 touched = 0;
	u32 i;

	while (first < conn->n_ranges &&
	       tern_seq_lt(conn->range[first].end, start))
		first++;
	while (first + touched < conn->n_ranges &&
	       tern_seq_leq(conn->range[first + touched].start, end))
		touched++;

	if (touched) {
		struct tern_range *range = &conn->range[first];

		range->start = tern_seq_min(range->start, start);
		range->end = tern_seq_max(conn->range[first + touched - 1].end,
					  end);
		remove_ranges(conn, first + 1, touched - 1);
		return true;
	}
	if (conn->n_ranges == TERN_RANGES)
		return false;
	for (i = conn->n_ranges; i > first; i--)
		conn->range[i] = conn->range[i - 1];
	conn->range[first].start = start;
	conn->range[first].end = end;
	conn->n_ranges++;
	return true;
}

/*
 * [start, end) arrived, not empty and inside the window.  False when it would
 * take a range more than there are.
 */
bool tern_reasm_add(struct tern_conn *conn, tern_seq start, tern_seq end)
{
	if (start != conn->rcv_nxt)
		return insert(conn, start, end);
	advance(conn, end);
	return true;
}
