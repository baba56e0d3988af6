// SPDX-License-Identifier: GPL-2.0
/*
 * Header octets to struct tern_seg and back, options, checksum; and the
 * arithmetic of sequence numbers, for seq.h has no test file of its own.
 */
#include "tests/unit/test.h"

/* Puts the octets in memory of just that size, so that reading on is caught. */
static enum tern_drop parse_exact(const u8 *octets, u32 readable, u32 total,
				  struct tern_seg *seg)
{
	u8 *copy = malloc(readable ? readable : 1);
	enum tern_drop drop;

	memcpy(copy, octets, readable);
	drop = tern_parse(copy, total, seg);
	free(copy);
	return drop;
}

static const u8 plain[TERN_HDR_LEN] = {
	0x12, 0x34, 0xab, 0xcd, 0xff, 0xff, 0xff, 0xf0, 0x80, 0x00, 0x00, 0x01,
	0x50, TERN_ACK | TERN_PSH, 0xbe, 0xef, 0x3f, 0xff, 0xff, 0xfe,
};

static void every_field_is_read(void)
{
	struct tern_seg seg;

	CHECK_EQ(parse_exact(plain, 20, 20 + 777, &seg), TERN_DROP_NONE);
	CHECK_EQ(seg.sport, 0x1234);
	CHECK_EQ(seg.dport, 0xabcd);
	CHECK_EQ(seg.seq, 0xfffffff0);
	CHECK_EQ(seg.ack, 0x80000001);
	CHECK_EQ(seg.hlen, 20);
	CHECK_EQ(seg.flags, TERN_ACK | TERN_PSH);
	CHECK_EQ(seg.wnd, 0x3ffffffe);
	CHECK_EQ(seg.len, 777);
	CHECK_EQ(seg.mss, 0);
	CHECK_EQ(seg.rexmit, false);
}

static void every_truncation_is_refused(void)
{
	u8 octets[TERN_HDR_MAX];
	struct tern_seg seg;
	u32 words;
	u32 total;

	for (words = 0; words < 16; words++) {
		memset(octets, TERN_OPT_NOP, sizeof(octets));
		memcpy(octets, plain, sizeof(plain));
		octets[12] = (u8)(words << 4);
		CHECK_EQ(tern_hlen(octets), words * 4);
		for (total = 0; total <= TERN_HDR_MAX; total++) {
			enum tern_drop want = TERN_DROP_NONE;

			test_note("%u words, %u octets", words, total);
			if (total < TERN_HDR_LEN)
				want = TERN_DROP_SHORT;
			else if (words < 5)
				want = TERN_DROP_HLEN;
			else if (total < words * 4)
				want = TERN_DROP_SHORT;
			CHECK_EQ(parse_exact(octets, total, total, &seg), want);
			if (want == TERN_DROP_NONE)
				CHECK_EQ(seg.len, total - words * 4);
		}
	}
}

static void ports_of_zero_are_refused(void)
{
	static const struct {
		u16 sport, dport;
		enum tern_drop want;
	} rows[] = {
		{ 0, 0, TERN_DROP_PORT },
		{ 0, 1, TERN_DROP_PORT },
		{ 1, 0, TERN_DROP_PORT },
		{ 0, 0x0100, TERN_DROP_PORT },
		{ 0x0100, 0x0001, TERN_DROP_NONE },
		{ 0xffff, 0xffff, TERN_DROP_NONE },
	};
	u8 octets[TERN_HDR_LEN];
	struct tern_seg seg;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		test_note("row %u", i);
		memcpy(octets, plain, sizeof(plain));
		octets[0] = (u8)(rows[i].sport >> 8);
		octets[1] = (u8)rows[i].sport;
		octets[2] = (u8)(rows[i].dport >> 8);
		octets[3] = (u8)rows[i].dport;
		CHECK_EQ(parse_exact(octets, 20, 20, &seg), rows[i].want);
	}
}

static void reserved_bits_and_idle_ack_are_ignored(void)
{
	u8 octets[TERN_HDR_LEN];
	struct tern_seg seg;

	memcpy(octets, plain, sizeof(plain));
	octets[12] |= 0x0f;
	octets[13] = 0xff & ~TERN_ACK;
	CHECK_EQ(parse_exact(octets, 20, 20, &seg), TERN_DROP_NONE);
	CHECK_EQ(seg.flags, TERN_FIN | TERN_SYN | TERN_RST | TERN_PSH);
	CHECK_EQ(seg.ack, 0);
}

#define OPTIONS_MAX 8

struct option_row {
	const char *name;
	u8 len;
	u8 octet[OPTIONS_MAX];
	enum tern_drop want;
	u16 mss;
};

static const struct option_row option_rows[] = {
	{ "MSS", 4, { 2, 4, 0x05, 0xb4 }, TERN_DROP_NONE, 1460 },
	{ "MSS 0", 4, { 2, 4, 0, 0 }, TERN_DROP_NONE, 0 },
	{ "MSS 65535", 4, { 2, 4, 255, 255 }, TERN_DROP_NONE, 65535 },
	{ "MSS of length 3", 4, { 2, 3, 5, 1 }, TERN_DROP_OPTIONS, 0 },
	{ "MSS of length 2", 4, { 2, 2, 1, 1 }, TERN_DROP_OPTIONS, 0 },
	{ "MSS of length 5", 8, { 2, 5, 5, 5, 5, 1, 1, 1 }, TERN_DROP_OPTIONS, 0 },
	{ "MSS past the end", 4, { 1, 2, 4, 5 }, TERN_DROP_OPTIONS, 0 },
	{ "MSS kind alone at the end", 4, { 1, 1, 1, 2 }, TERN_DROP_OPTIONS, 0 },
	{ "no-op before MSS", 8, { 1, 2, 4, 2, 0, 1, 1, 1 }, TERN_DROP_NONE, 512 },
	{ "end hides MSS", 8, { 0, 1, 1, 1, 2, 4, 2, 0 }, TERN_DROP_NONE, 0 },
	{ "end hides nonsense", 8, { 1, 0, 9, 0, 9, 0, 9, 0 }, TERN_DROP_NONE, 0 },
	{ "no-ops only", 4, { 1, 1, 1, 1 }, TERN_DROP_NONE, 0 },
	{ "unknown skipped", 8, { 99, 4, 7, 7, 2, 4, 1, 0 }, TERN_DROP_NONE, 256 },
	{ "unknown without data", 8, { 99, 2, 2, 4, 1, 0, 0, 0 }, TERN_DROP_NONE, 256 },
	{ "unknown of length 0", 4, { 99, 0, 0, 0 }, TERN_DROP_OPTIONS, 0 },
	{ "unknown of length 1", 4, { 99, 1, 0, 0 }, TERN_DROP_OPTIONS, 0 },
	{ "unknown, all of it", 8, { 99, 8, 2, 4, 1, 0, 0, 0 }, TERN_DROP_NONE, 0 },
	{ "unknown, one too long", 8, { 99, 9, 2, 4, 1, 0, 0, 0 }, TERN_DROP_OPTIONS, 0 },
	{ "unknown of length 255", 4, { 99, 255, 0, 0 }, TERN_DROP_OPTIONS, 0 },
	{ "length missing", 4, { 1, 1, 1, 99 }, TERN_DROP_OPTIONS, 0 },
	{ "the last MSS counts", 8, { 2, 4, 1, 0, 2, 4, 2, 0 }, TERN_DROP_NONE, 512 },
};

static void options(void)
{
	u8 octets[TERN_HDR_MAX];
	struct tern_seg seg;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(option_rows); i++) {
		const struct option_row *row = &option_rows[i];
		u32 hlen = TERN_HDR_LEN + row->len;

		test_note("%s", row->name);
		memcpy(octets, plain, sizeof(plain));
		octets[12] = (u8)(hlen << 2);
		memcpy(octets + TERN_HDR_LEN, row->octet, row->len);
		CHECK_EQ(parse_exact(octets, hlen, hlen + 9, &seg), row->want);
		if (row->want != TERN_DROP_NONE)
			continue;
		CHECK_EQ(seg.mss, row->mss);
		CHECK_EQ(seg.len, 9);
	}
}

/* One option of @kind, its length octet @len, in @room octets; the rest is no-ops. */
static enum tern_drop parse_one(u8 kind, u8 len, u32 room, u32 before,
				struct tern_seg *seg)
{
	u8 octets[TERN_HDR_MAX];
	u32 hlen = TERN_HDR_LEN + room;

	memset(octets, TERN_OPT_NOP, sizeof(octets));
	memcpy(octets, plain, sizeof(plain));
	octets[12] = (u8)(hlen << 2);
	octets[TERN_HDR_LEN + before] = kind;
	if (before + 1 < room)
		octets[TERN_HDR_LEN + before + 1] = len;
	return parse_exact(octets, hlen, hlen, seg);
}

/*
 * rfc9293#section-3.1 and 3.2, rfc2018#section-2 and 3, rfc7323#section-3.2: each
 * option has one length; what is not known is skipped by its own (MUST-6), and none
 * may say less than its kind and length (MUST-7) or more than there is.
 */
static bool right_length(u32 kind, u32 len)
{
	switch (kind) {
	case TERN_OPT_MSS:
		return len == 4;
	case TERN_OPT_SACK_PERMITTED:
		return len == 2;
	case TERN_OPT_SACK:
		return len == 10 || len == 18 || len == 26 || len == 34;
	case TERN_OPT_TIMESTAMPS:
		return len == 10;
	default:
		return len >= 2;
	}
}

static void every_kind_with_every_length(void)
{
	struct tern_seg seg;
	u32 room, before;
	u32 kind, len;
	bool good;

	for (room = 4; room <= 40; room += 4) {
		for (before = 0; before < room; before += 3) {
			for (kind = 2; kind < 256; kind++) {
				for (len = 0; len <= 45; len++) {
					test_note("kind %u, length %u, at %u of %u",
						  kind, len, before, room);
					good = right_length(kind, len) &&
					       len <= room - before;
					CHECK_EQ(parse_one((u8)kind, (u8)len, room,
							   before, &seg),
						 good ? TERN_DROP_NONE :
						 TERN_DROP_OPTIONS);
				}
				len = 255;
				CHECK_EQ(parse_one((u8)kind, 255, room, before, &seg),
					 TERN_DROP_OPTIONS);
			}
		}
	}
}

/* The length octet itself is missing. */
static void a_kind_at_the_very_end(void)
{
	struct tern_seg seg;
	u32 kind;

	for (kind = 0; kind < 256; kind++) {
		test_note("kind %u", kind);
		CHECK_EQ(parse_one((u8)kind, 0, 40, 39, &seg),
			 kind < 2 ? TERN_DROP_NONE : TERN_DROP_OPTIONS);
	}
}

static u32 put_option(u8 *at, u8 kind, u8 len, u8 fill)
{
	memset(at, fill, len);
	at[0] = kind;
	at[1] = len;
	return len;
}

/* Of two of a kind the last one counts; end of list hides what comes after it. */
static void two_of_a_kind(void)
{
	u8 octets[TERN_HDR_MAX];
	u8 *opt = octets + TERN_HDR_LEN;
	struct tern_seg seg;
	u32 n;

	memset(octets, TERN_OPT_NOP, sizeof(octets));
	memcpy(octets, plain, sizeof(plain));
	octets[12] = 0xf0;
	n = put_option(opt, TERN_OPT_TIMESTAMPS, 10, 0x11);
	n += put_option(opt + n, TERN_OPT_TIMESTAMPS, 10, 0x22);
	put_option(opt + n, TERN_OPT_SACK_PERMITTED, 2, 0);
	CHECK_EQ(parse_exact(octets, 60, 60, &seg), TERN_DROP_NONE);
	CHECK_EQ(seg.tsval, 0x22222222);
	CHECK_EQ(seg.tsecr, 0x22222222);
	CHECK_EQ(seg.sack_permitted, true);

	n = put_option(opt, TERN_OPT_SACK, 18, 0x33);
	n += put_option(opt + n, TERN_OPT_SACK, 10, 0x44);
	opt[n] = TERN_OPT_END;
	put_option(opt + n + 1, TERN_OPT_TIMESTAMPS, 10, 0x55);
	CHECK_EQ(parse_exact(octets, 60, 60, &seg), TERN_DROP_NONE);
	CHECK_EQ(seg.n_sack, 1);
	CHECK_EQ(seg.sack[0].start, 0x44444444);
	CHECK_EQ(seg.has_ts, false);
}

/* rfc7323#section-3.2: TSecr "is valid if the ACK bit is set", and else 0 */
static void an_echo_needs_an_ack(void)
{
	u8 octets[TERN_HDR_LEN + 12];
	struct tern_seg seg;

	memset(octets, TERN_OPT_NOP, sizeof(octets));
	memcpy(octets, plain, sizeof(plain));
	octets[12] = 0x80;
	put_option(octets + 20, TERN_OPT_TIMESTAMPS, 10, 0x66);
	octets[13] = TERN_SYN;
	CHECK_EQ(parse_exact(octets, 32, 32, &seg), TERN_DROP_NONE);
	CHECK_EQ(seg.tsval, 0x66666666);
	CHECK_EQ(seg.tsecr, 0);
}

static void random_octets_never_hurt(void)
{
	u8 octets[TERN_HDR_MAX];
	struct tern_seg seg;
	struct random r;
	u32 accepted = 0;
	u32 i;
	u32 k;

	random_seed(&r, 1);
	for (i = 0; i < 100000; i++) {
		u32 total = random_below(&r, 100);

		for (k = 0; k < sizeof(octets); k++)
			octets[k] = (u8)random_below(&r, k < 20 ? 256 : 8);
		if (parse_exact(octets, total < 60 ? total : 60, total, &seg) ==
		    TERN_DROP_NONE) {
			CHECK_EQ(seg.len + seg.hlen, total);
			accepted++;
		}
	}
	CHECK(accepted > 1000);
}

static struct tern_seg random_seg(struct random *r)
{
	struct tern_seg seg = {
		.sport = (u16)(1 + random_below(r, 65535)),
		.dport = (u16)(1 + random_below(r, 65535)),
		.seq = tern_seq_of(random_u32(r)),
		.wnd = random_u32(r),
		.len = random_below(r, 2000),
		.flags = (u8)random_below(r, 32),
	};

	if (seg.flags & TERN_ACK)
		seg.ack = tern_seq_of(random_u32(r));
	if (seg.flags & TERN_SYN)
		seg.mss = (u16)random_u32(r);
	seg.hlen = seg.mss ? 24 : 20;
	return seg;
}

static void what_is_built_is_parsed(void)
{
	u8 octets[TERN_HDR_MAX];
	struct random r;
	u32 i;

	random_seed(&r, 2);
	for (i = 0; i < 20000; i++) {
		struct tern_seg seg = random_seg(&r);
		struct tern_seg again;

		memset(octets, 0xa5, sizeof(octets));
		tern_build(&seg, octets);
		CHECK_EQ(tern_build_len(&seg), seg.hlen);
		CHECK_EQ(octets[seg.hlen], 0xa5);
		CHECK_EQ(octets[12], seg.hlen << 2);
		CHECK_EQ(octets[TERN_CSUM_OFFSET], 0);
		CHECK_EQ(octets[TERN_CSUM_OFFSET + 1], 0);
		CHECK_EQ(parse_exact(octets, seg.hlen, seg.hlen + seg.len, &again),
			 TERN_DROP_NONE);
		CHECK_EQ(again.sport, seg.sport);
		CHECK_EQ(again.dport, seg.dport);
		CHECK_EQ(again.seq, seg.seq);
		CHECK_EQ(again.ack, seg.ack);
		CHECK_EQ(again.wnd, seg.wnd);
		CHECK_EQ(again.len, seg.len);
		CHECK_EQ(again.hlen, seg.hlen);
		CHECK_EQ(again.flags, seg.flags);
		CHECK_EQ(again.mss, seg.mss);
	}
}

static void same_options(const struct tern_seg *a, const struct tern_seg *b)
{
	u32 i;

	CHECK_EQ(a->mss, b->mss);
	CHECK_EQ(a->sack_permitted, b->sack_permitted);
	CHECK_EQ(a->has_ts, b->has_ts);
	if (b->has_ts) {
		CHECK_EQ(a->tsval, b->tsval);
		CHECK_EQ(a->tsecr, b->tsecr);
	}
	CHECK_EQ(a->n_sack, b->n_sack);
	for (i = 0; i < b->n_sack; i++) {
		CHECK_EQ(a->sack[i].start, b->sack[i].start);
		CHECK_EQ(a->sack[i].end, b->sack[i].end);
	}
}

/* Octets of options: rfc9293#section-3.2, rfc2018, rfc7323 appendix A, words of 4 */
static u32 options_len(const struct tern_seg *seg)
{
	u32 len = seg->mss ? 4 : 0;

	if (seg->has_ts)
		len += 12; /* SACK-permitted takes the place of the padding */
	else if (seg->sack_permitted)
		len += 4;
	if (seg->n_sack)
		len += 4 + 8 * seg->n_sack;
	return len;
}

static void every_combination_of_options(void)
{
	u8 octets[TERN_HDR_MAX + 32];
	struct random r;
	u32 k;
	u32 i;

	random_seed(&r, 5);
	for (i = 0; i < 5 * 8; i++) {
		struct tern_seg seg = {
			.sport = 1, .dport = 2, .flags = TERN_ACK,
			.mss = i & 1 ? 1460 : 0,
			.sack_permitted = i & 2,
			.has_ts = i & 4,
			.tsval = random_u32(&r),
			.tsecr = random_u32(&r),
			.n_sack = (u8)(i / 8),
		};
		struct tern_seg again;
		u32 len = TERN_HDR_LEN + options_len(&seg);

		test_note("combination %u", i);
		for (k = 0; k < seg.n_sack; k++) {
			seg.sack[k].start = tern_seq_of(random_u32(&r));
			seg.sack[k].end = tern_seq_of(random_u32(&r));
		}
		CHECK_EQ(tern_build_len(&seg), len);
		if (len > TERN_HDR_MAX)
			continue;
		memset(octets, 0xa5, sizeof(octets));
		tern_build(&seg, octets);
		CHECK_EQ(octets[len], 0xa5);
		CHECK_EQ(parse_exact(octets, len, len, &again), TERN_DROP_NONE);
		same_options(&again, &seg);
		/* numbers of timestamps and blocks lie at words */
		if (seg.has_ts)
			CHECK_EQ(octets[TERN_HDR_LEN + 4 * !!seg.mss + 2],
				 TERN_OPT_TIMESTAMPS);
	}
}

/* The ack of a segment without ACK does not reach the wire. */
static void no_ack_is_written_without_the_flag(void)
{
	struct tern_seg seg = {
		.sport = 1, .dport = 2, .flags = TERN_SYN,
		.ack = tern_seq_of(0x12345678),
	};
	u8 octets[TERN_HDR_LEN];

	tern_build(&seg, octets);
	CHECK_EQ(octets[8] | octets[9] | octets[10] | octets[11], 0);
}

/* One's complement addition, one word at a time, straight from rfc1071 */
static u16 naive_checksum(const u8 *octets, u32 len)
{
	u32 sum = 0;
	u32 i;

	for (i = 0; i < len; i++) {
		sum += i % 2 ? octets[i] : (u32)octets[i] << 8;
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return (u16)(0xffff - sum);
}

static void checksum_against_a_naive_one(void)
{
	u8 *octets = malloc(3000);
	struct random r;
	u32 i;
	u32 k;

	random_seed(&r, 3);
	for (i = 0; i < 3000; i++) {
		u32 len = i < 100 ? i : random_below(&r, 3000);
		u32 even = random_below(&r, len + 1) & ~1u;
		u64 sum;

		for (k = 0; k < len; k++)
			octets[k] = random_percent(&r, 30) ? 0xff : (u8)random_u32(&r);
		sum = tern_csum_add(0, octets, even);
		sum = tern_csum_add(sum, octets + even, len - even);
		CHECK_EQ(tern_csum_fold(sum), naive_checksum(octets, len));
	}
	free(octets);
}

static void checksum_examples(void)
{
	static const u8 rfc1071[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	static const u8 good[] = { 0x12, 0x34, 0xed, 0xcb };
	static const u8 odd[] = { 0xab };
	u64 sum = 0;
	u32 i;

	CHECK_EQ(tern_csum_fold(0), 0xffff);
	CHECK_EQ(tern_csum_fold(tern_csum_add(0, rfc1071, 8)), 0x220d);
	CHECK_EQ(tern_csum_fold(tern_csum_add(0, good, 4)), 0);
	CHECK_EQ(tern_csum_fold(tern_csum_add(0, odd, 1)), 0x54ff);
	for (i = 0; i < 65536; i++)
		sum = tern_csum_add(sum, "\xff\xff\xff\xff", 4);
	CHECK_EQ(tern_csum_fold(sum), 0);
}

static void sequence_arithmetic(void)
{
	static const struct {
		u32 a, b;
		bool lt, leq;
		u32 dist;
	} rows[] = {
		{ 0, 0, false, true, 0 },
		{ 0, 1, true, true, 1 },
		{ 1, 0, false, false, 0xffffffff },
		{ 0xffffffff, 0, true, true, 1 },
		{ 0, 0xffffffff, false, false, 0xffffffff },
		{ 0xfffffff0, 0x10, true, true, 0x20 },
		{ 0x7fffffff, 0x80000000, true, true, 1 },
		{ 0, 0x7fffffff, true, true, 0x7fffffff },
		{ 0x90000000, 0x0fffffff, true, true, 0x7fffffff },
		{ 0x0fffffff, 0x90000000, false, false, 0x80000001 },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tern_seq a = tern_seq_of(rows[i].a);
		tern_seq b = tern_seq_of(rows[i].b);

		test_note("%x, %x", rows[i].a, rows[i].b);
		CHECK_EQ(tern_seq_lt(a, b), rows[i].lt);
		CHECK_EQ(tern_seq_leq(a, b), rows[i].leq);
		CHECK_EQ(tern_seq_dist(a, b), rows[i].dist);
		CHECK_EQ(tern_seq_add(a, rows[i].dist), b);
		CHECK_EQ(tern_seq_max(a, b), rows[i].leq ? b : a);
		CHECK_EQ(tern_seq_min(a, b), rows[i].leq ? a : b);
	}
}

static const struct test tests[] = {
	TEST(every_field_is_read),
	TEST(every_truncation_is_refused),
	TEST(ports_of_zero_are_refused),
	TEST(reserved_bits_and_idle_ack_are_ignored),
	TEST(options),
	TEST(every_kind_with_every_length),
	TEST(a_kind_at_the_very_end),
	TEST(two_of_a_kind),
	TEST(an_echo_needs_an_ack),
	TEST(every_combination_of_options),
	TEST(random_octets_never_hurt),
	TEST(what_is_built_is_parsed),
	TEST(no_ack_is_written_without_the_flag),
	TEST(checksum_against_a_naive_one),
	TEST(checksum_examples),
	TEST(sequence_arithmetic),
};

int main(void)
{
	return run_tests("wire", tests, ARRAY_SIZE(tests));
}
