/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small generator of random numbers, the same everywhere: xorshift64*, of which the
 * upper half is used.  A test that fails says its seed.
 */
#ifndef TERN_TEST_RANDOM_H
#define TERN_TEST_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct random - a sequence of random numbers
 * @state: never 0
 */
struct random {
	uint64_t state;
};

static inline uint32_t random_u32(struct random *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return (uint32_t)((r->state * 0x2545f4914f6cdd1dull) >> 32);
}

/* Neighbours among the seeds have nothing in common. */
static inline void random_seed(struct random *r, uint64_t seed)
{
	int i;

	r->state = (seed + 1) * 0x9e3779b97f4a7c15ull;
	for (i = 0; i < 4; i++)
		random_u32(r);
}

/* 0 to @n - 1 */
static inline uint32_t random_below(struct random *r, uint32_t n)
{
	return (uint32_t)((uint64_t)random_u32(r) * n >> 32);
}

/* true in @percent of 100 cases */
static inline bool random_percent(struct random *r, uint32_t percent)
{
	return random_below(r, 100) < percent;
}

#endif /* TERN_TEST_RANDOM_H */
