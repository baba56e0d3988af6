/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Integer types of the engine, the same names in the kernel and outside it.
 *
 * This is the one file of core/ that asks where it is built, and the one that
 * includes anything from outside core/: headers that hold types and nothing
 * else.
 */
#ifndef TERN_CORE_TYPES_H
#define TERN_CORE_TYPES_H

#ifdef __KERNEL__

#include <linux/string.h>
#include <linux/types.h>

#else

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;

#ifdef __CHECKER__
#define __bitwise __attribute__((bitwise))
#define __force __attribute__((force))
#else
#define __bitwise
#define __force
#endif

#define memcpy __builtin_memcpy
#define memset __builtin_memset

#endif /* __KERNEL__ */

#endif /* TERN_CORE_TYPES_H */
