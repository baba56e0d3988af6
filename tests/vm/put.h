/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Big-endian numbers for packets that the tests craft by hand.
 */
#ifndef TERN_TESTS_VM_PUT_H
#define TERN_TESTS_VM_PUT_H

#include <stdint.h>

static inline void put16(uint8_t *at, uint16_t v)
{
	at[0] = v >> 8;
	at[1] = v;
}

static inline void put32(uint8_t *at, uint32_t v)
{
	put16(at, v >> 16);
	put16(at + 2, v);
}

#endif /* TERN_TESTS_VM_PUT_H */
