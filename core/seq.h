/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sequence numbers as a type of their own, and their arithmetic
 * (rfc9293#section-3.4).
 *
 * Sequence numbers live on a circle of 2^32: two of them compare only while
 * they are less than 2^31 apart, and a plain "<" is wrong at the wrap.  The type
 * is __bitwise, so sparse refuses every operation that is not one of these.
 */
#ifndef TERN_CORE_SEQ_H
#define TERN_CORE_SEQ_H

#include "core/types.h"

/** typedef tern_seq - a sequence number, host byte order, modulo 2^32 */
typedef u32 __bitwise tern_seq;

/* A sequence number from its 32 bits, and back. */
static inline tern_seq tern_seq_of(u32 bits)
{
	return (__force tern_seq)bits;
}

static inline u32 tern_seq_bits(tern_seq seq)
{
	return (__force u32)seq;
}

/* The sequence number @n octets after @seq. */
static inline tern_seq tern_seq_add(tern_seq seq, u32 n)
{
	return tern_seq_of(tern_seq_bits(seq) + n);
}

/* How many octets @to lies after @from; 2^32 - k when it lies k before. */
static inline u32 tern_seq_dist(tern_seq from, tern_seq to)
{
	return tern_seq_bits(to) - tern_seq_bits(from);
}

/* a < b */
static inline bool tern_seq_lt(tern_seq a, tern_seq b)
{
	return (s32)(tern_seq_bits(a) - tern_seq_bits(b)) < 0;
}

/* a <= b */
static inline bool tern_seq_leq(tern_seq a, tern_seq b)
{
	return (s32)(tern_seq_bits(a) - tern_seq_bits(b)) <= 0;
}

/* Octets from @from to @to; 0 when that is not later. */
static inline u32 tern_seq_until(tern_seq from, tern_seq to)
{
	return tern_seq_lt(from, to) ? tern_seq_dist(from, to) : 0;
}

static inline tern_seq tern_seq_max(tern_seq a, tern_seq b)
{
	return tern_seq_lt(a, b) ? b : a;
}

static inline tern_seq tern_seq_min(tern_seq a, tern_seq b)
{
	return tern_seq_lt(a, b) ? a : b;
}

#endif /* TERN_CORE_SEQ_H */
