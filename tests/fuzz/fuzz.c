// SPDX-License-Identifier: GPL-2.0
/*
 * What the fuzzers share; fuzz.h says what for.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

bool fuzz_showing;
bool fuzz_thorough;

bool input_end(const struct input *in)
{
	return in->at >= in->size;
}

u8 input_u8(struct input *in)
{
	return input_end(in) ? 0 : in->data[in->at++];
}

u16 input_u16(struct input *in)
{
	u16 low = input_u8(in);

	return (u16)(low | input_u8(in) << 8);
}

u32 input_u32(struct input *in)
{
	u32 low = input_u16(in);

	return low | (u32)input_u16(in) << 16;
}

void fuzz_broken(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "fuzz: %s: broken: ", fuzz_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

void fuzz_show(const char *format, ...)
{
	va_list args;

	if (!fuzz_showing)
		return;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

const char *fuzz_flags(u8 flags, char *text)
{
	static const char * const names[] = { "FIN", "SYN", "RST", "PSH", "ACK" };
	char *at = text;
	u32 i;

	*at = '\0';
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (flags & 1 << i)
			at += sprintf(at, "%s%s", at == text ? "" : "-", names[i]);
	}
	return at == text ? "none" : text;
}

static s32 position(tern_seq first, tern_seq seq)
{
	return (s32)tern_seq_dist(first, seq) - 1;
}

void fuzz_show_seg(const char *arrow, const struct tern_seg *seg, tern_seq iss, tern_seq irs)
{
	char flags[32];
	u32 i;

	if (!fuzz_showing)
		return;
	printf("  %s %-7s seq=%d len=%u", arrow, fuzz_flags(seg->flags, flags),
	       position(iss, seg->seq), seg->len);
	if (seg->flags & TERN_ACK)
		printf(" ack=%d", position(irs, seg->ack));
	printf(" win=%u", seg->wnd);
	if (seg->mss)
		printf(" mss=%u", seg->mss);
	if (seg->sack_permitted)
		printf(" sack-permitted");
	if (seg->has_ts)
		printf(" ts=%u/%u", seg->tsval, seg->tsecr);
	for (i = 0; i < seg->n_sack; i++)
		printf(" sack=%d..%d", position(irs, seg->sack[i].start),
		       position(irs, seg->sack[i].end));
	putchar('\n');
}

/* Not for any adversary: only to tell two runs apart. */
u64 fuzz_mix(u64 hash, u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 29;
}
