// SPDX-License-Identifier: GPL-2.0
/*
 * Sets of octets as a few ranges that ascend and do not touch: reassembly keeps
 * in one what was received beyond rcv_nxt, sack.c in another what the peer holds.
 * The bytes are the shell's.
 */
#include "core/internal.h"

/* Which of the ranges holds all of [start, end)?  @count when none does. */
u32 tern_ranges_find(const struct tern_range *range, u32 count, tern_seq start,
		     tern_seq end)
{
	u32 i;

	for (i = 0; i < count; i++) {
		if (tern_seq_leq(range[i].start, start) &&
		    tern_seq_leq(end, range[i].end))
			break;
	}
	return i;
}

void tern_ranges_remove(struct tern_range *range, u8 *count, u32 first,
			u32 removed)
{
	u32 i;

	for (i = first; i + removed < *count; i++)
		range[i] = range[i + removed];
	*count = (u8)(*count - removed);
}

/*
 * One range more, or some that [start, end) touches become one.  False when there
 * are @most of them already.
 */
bool tern_ranges_add(struct tern_range *range, u8 *count, u32 most,
		     tern_seq start, tern_seq end)
{
	u32 first = 0;
	u32 touched = 0;
	u32 i;

	while (first < *count && tern_seq_lt(range[first].end, start))
		first++;
	while (first + touched < *count &&
	       tern_seq_leq(range[first + touched].start, end))
		touched++;

	if (touched) {
		start = tern_seq_min(range[first].start, start);
		end = tern_seq_max(range[first + touched - 1].end, end);
		tern_ranges_remove(range, count, first + 1, touched - 1);
	} else {
		if (*count == most)
			return false;
		for (i = *count; i > first; i--)
			range[i] = range[i - 1];
		(*count)++;
	}
	range[first].start = start;
	range[first].end = end;
	return true;
}

/* Are all of [start, end) held already? */
bool tern_reasm_held(const struct tern_conn *conn, tern_seq start, tern_seq end)
{
	return tern_ranges_find(conn->range, conn->n_ranges, start, end) <
	       conn->n_ranges;
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
	tern_ranges_remove(conn->range, &conn->n_ranges, 0, reached);
	conn->rcv_held += tern_seq_dist(conn->rcv_nxt, end);
	conn->rcv_nxt = end;
}

/*
 * [start, end) arrived, not empty and inside the window.  False when it would
 * take a range more than there are.
 */
bool tern_reasm_add(struct tern_conn *conn, tern_seq start, tern_seq end)
{
	if (start != conn->rcv_nxt)
		return tern_ranges_add(conn->range, &conn->n_ranges, TERN_RANGES,
				       start, end);
	advance(conn, end);
	return true;
}
