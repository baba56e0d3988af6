/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzzers share: the input, read as choices; how a broken law is told; how
 * an input is shown.
 *
 * Each fuzzer is a file with fuzz_one_input() in it, which libFuzzer, AFL++ and replay.c
 * call.  It has no state between two inputs.
 */
#ifndef TERN_FUZZ_H
#define TERN_FUZZ_H

#include "core/internal.h"

typedef int64_t s64;

#define MSEC 1000ull
#define SEC 1000000ull
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* The entry, by the name that libFuzzer gives it */
int fuzz_one_input(const u8 *data, size_t size) __asm__("LLVMFuzzerTestOneInput");

/** fuzz_name - the fuzzer's */
extern const char * const fuzz_name;

/** fuzz_showing - print what the input says, and what comes of it */
extern bool fuzz_showing;

/** fuzz_thorough - try each input with all kinds of numbers, not with two only */
extern bool fuzz_thorough;

/**
 * struct input - what is left of an input
 * @data: its octets
 * @size: how many
 * @at: the next to be read
 */
struct input {
	const u8 *data;
	size_t size;
	size_t at;
};

/** input_end() - nothing is left; reading gives zeros */
bool input_end(const struct input *in);
u8 input_u8(struct input *in);
u16 input_u16(struct input *in);
u32 input_u32(struct input *in);

/** fuzz_broken() - a law does not hold: say which and stop */
void fuzz_broken(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/** fuzz_show() - a line of what happens, when it is shown */
void fuzz_show(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** fuzz_show_seg() - a segment, its numbers as positions in the two streams: 0 is the
 * first octet of data, -1 the SYN.  @iss and @irs: of who sends @seg
 */
void fuzz_show_seg(const char *arrow, const struct tern_seg *seg, tern_seq iss, tern_seq irs);

/** fuzz_flags() - "SYN-ACK" and so on, in @text of 32 octets */
const char *fuzz_flags(u8 flags, char *text);

/** fuzz_mix() - @hash of all before, and of @value, too */
u64 fuzz_mix(u64 hash, u64 value);

#define LAW(cond, name) \
	do { \
		if (!(cond)) \
			fuzz_broken("%s", name); \
	} while (0)

#endif /* TERN_FUZZ_H */
