// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzer "wire": core/wire.h on arbitrary octets.
 *
 * The first octet says which half: octets into the parser, or fields into the builder.
 * What may not be read lies behind memory of exactly the right size, where the
 * sanitizers see it.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

const char * const fuzz_name = "wire";

/* A copy that ends where reading must end. */
static u8 *exactly(const u8 *data, size_t len)
{
	u8 *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, data, len);
	return copy;
}

static bool same_blocks(const struct tern_seg *a, const struct tern_seg *b)
{
	u32 i;

	for (i = 0; i < a->n_sack; i++) {
		if (a->sack[i].start != b->sack[i].start || a->sack[i].end != b->sack[i].end)
			return false;
	}
	return true;
}

/* All that a header holds; @hlen may differ: padding and unknown options are not built. */
static void must_be_same(const struct tern_seg *a, const struct tern_seg *b)
{
	LAW(a->sport == b->sport && a->dport == b->dport, "the ports come back");
	LAW(a->seq == b->seq, "the sequence number comes back");
	LAW(a->ack == b->ack, "the acknowledgment number comes back");
	LAW(a->wnd == b->wnd, "the window comes back");
	LAW(a->flags == b->flags, "the flags come back");
	LAW(a->len == b->len, "the length of the payload comes back");
	LAW(a->mss == b->mss, "the MSS comes back");
	LAW(a->sack_permitted == b->sack_permitted, "SACK-permitted comes back");
	LAW(a->has_ts == b->has_ts, "timestamps come back");
	LAW(a->tsval == b->tsval && a->tsecr == b->tsecr, "both timestamps come back");
	LAW(a->n_sack == b->n_sack && same_blocks(a, b), "the SACK blocks come back");
}

/* parse_octets(build(seg)) is seg.  Only what fits a header can be built. */
static void there_and_back(const struct tern_seg *seg)
{
	u32 hlen = tern_build_len(seg);
	struct tern_seg back;
	u8 *hdr;

	LAW(hlen >= TERN_HDR_LEN && hlen % 4 == 0, "a header is a number of words");
	if (hlen > TERN_HDR_MAX)
		return;
	hdr = malloc(hlen);
	if (!hdr)
		abort();
	memset(hdr, 0xa5, hlen);
	tern_build(seg, hdr);
	LAW(tern_hlen(hdr) == hlen, "the header says how long it is");
	LAW(!hdr[TERN_CSUM_OFFSET] && !hdr[TERN_CSUM_OFFSET + 1], "the checksum field is 0");
	LAW(tern_parse(hdr, hlen + seg->len, &back) == TERN_DROP_NONE, "what is built parses");
	LAW(back.hlen == hlen, "the parser finds the payload");
	must_be_same(seg, &back);
	fuzz_show_seg("again", &back, tern_seq_of(0), tern_seq_of(0));
	free(hdr);
}

/* Is the list one that can be walked, and what does it say?  By the text, not by the code. */
static bool options_walk(const u8 *opt, u32 len)
{
	u32 left = len;

	while (left && opt[0] != TERN_OPT_END) {
		u32 n = 1;

		if (opt[0] != TERN_OPT_NOP) {
			if (left < 2 || opt[1] < 2 || opt[1] > left)
				return false;
			n = opt[1];
		}
		if ((opt[0] == TERN_OPT_MSS && n != 4) ||
		    (opt[0] == TERN_OPT_SACK_PERMITTED && n != 2) ||
		    (opt[0] == TERN_OPT_TIMESTAMPS && n != 10) ||
		    (opt[0] == TERN_OPT_SACK && (n < 10 || n > 34 || n % 8 != 2)))
			return false;
		opt += n;
		left -= n;
	}
	return true;
}

static enum tern_drop expected(const u8 *hdr, size_t size)
{
	u32 hlen;

	if (size < TERN_HDR_LEN)
		return TERN_DROP_SHORT;
	hlen = (u32)(hdr[12] >> 4) * 4;
	if (hlen < TERN_HDR_LEN)
		return TERN_DROP_HLEN;
	if (hlen > size)
		return TERN_DROP_SHORT;
	if (!options_walk(hdr + TERN_HDR_LEN, hlen - TERN_HDR_LEN))
		return TERN_DROP_OPTIONS;
	if (!(hdr[0] | hdr[1]) || !(hdr[2] | hdr[3]))
		return TERN_DROP_PORT;
	return TERN_DROP_NONE;
}

/* The fixed part, octet by octet */
static void must_be_read(const u8 *hdr, const struct tern_seg *seg)
{
	u32 seq = (u32)hdr[4] << 24 | hdr[5] << 16 | hdr[6] << 8 | hdr[7];
	u32 ack = (u32)hdr[8] << 24 | hdr[9] << 16 | hdr[10] << 8 | hdr[11];
	u32 wnd = (u32)hdr[16] << 24 | hdr[17] << 16 | hdr[18] << 8 | hdr[19];

	LAW(seg->sport == (hdr[0] << 8 | hdr[1]), "source port");
	LAW(seg->dport == (hdr[2] << 8 | hdr[3]), "destination port");
	LAW(tern_seq_bits(seg->seq) == seq, "sequence number");
	LAW(seg->flags == (hdr[13] & 0x1f), "flags");
	LAW(tern_seq_bits(seg->ack) == (hdr[13] & TERN_ACK ? ack : 0), "acknowledgment number");
	LAW(seg->wnd == wnd, "window");
	LAW(!seg->rexmit && !seg->pos, "nothing that no header holds");
	LAW(seg->n_sack <= TERN_SACK_BLOCKS, "blocks in their array");
	LAW(seg->has_ts || (!seg->tsval && !seg->tsecr), "no timestamps without the option");
	LAW(seg->flags & TERN_ACK || !seg->tsecr, "no echo without ACK");
}

static void parse_octets(const u8 *data, size_t size)
{
	struct tern_seg seg, later;
	enum tern_drop why;
	u32 hlen = size > 12 ? (u32)(data[12] >> 4) * 4 : 0;
	/* of a longer segment, the payload need not be there */
	size_t readable = size >= TERN_HDR_LEN && hlen >= TERN_HDR_LEN && hlen < size ? hlen : size;
	u8 *hdr = exactly(data, readable);

	memset(&seg, 0xff, sizeof(seg));
	why = tern_parse(hdr, (u32)size, &seg);
	fuzz_show("parse %zu octets: reason %d", size, why);
	LAW(why == TERN_DROP_NONE || (why >= TERN_DROP_SHORT && why <= TERN_DROP_PORT),
	    "the reason is one of the parser's");
	LAW(why == expected(data, size), "the reason is the one that it should be");
	memset(&later, 0, sizeof(later));
	LAW(tern_parse(hdr, (u32)size, &later) == why, "the same octets, the same answer");
	if (why == TERN_DROP_NONE) {
		fuzz_show_seg("is", &seg, tern_seq_of(0), tern_seq_of(0));
		LAW(seg.hlen == hlen && seg.len == size - hlen, "header and payload are all");
		must_be_read(hdr, &seg);
		must_be_same(&seg, &later);
		there_and_back(&seg);
	}
	free(hdr);
}

/* rfc1071: in any two parts of even length, in any order of octets; and it proves itself */
static void sum_octets(const u8 *data, size_t size)
{
	size_t cut = size ? (data[0] % (size + 1)) & ~(size_t)1 : 0;
	u8 *octets = exactly(data, size);
	u16 sum = tern_csum_fold(tern_csum_add(0, octets, (u32)size));
	u64 parts = tern_csum_add(0, octets, (u32)cut);
	u32 naive = 0;
	u8 field[2];
	size_t i;

	for (i = 0; i < size; i++) {
		naive += i % 2 ? octets[i] : (u32)octets[i] << 8;
		naive = (naive & 0xffff) + (naive >> 16);
	}
	LAW(sum == (u16)~naive, "the checksum is rfc1071's");
	parts = tern_csum_add(parts, octets + cut, (u32)(size - cut));
	LAW(tern_csum_fold(parts) == sum, "parts sum to the whole");
	/* behind an even number of octets the field makes it 0, but for the two zeros */
	field[0] = (u8)(sum >> 8);
	field[1] = (u8)sum;
	if (size % 2 == 0)
		LAW(!tern_csum_fold(tern_csum_add(parts, field, 2)), "the checksum proves itself");
	free(octets);
}

/* Fields as any shell might set them */
static void build(struct input *in)
{
	struct tern_seg seg;
	u8 what = input_u8(in);
	u32 i;

	memset(&seg, 0, sizeof(seg));
	seg.flags = input_u8(in) & 0x1f;
	seg.sport = (u16)(input_u16(in) | 1);
	seg.dport = (u16)(input_u16(in) | 0x8000);
	seg.seq = tern_seq_of(input_u32(in));
	seg.wnd = input_u32(in);
	seg.len = input_u16(in);
	if (seg.flags & TERN_ACK)
		seg.ack = tern_seq_of(input_u32(in));
	if (what & 1)
		seg.mss = input_u16(in);
	seg.sack_permitted = what & 2;
	seg.has_ts = what & 4;
	if (seg.has_ts) {
		seg.tsval = input_u32(in);
		if (seg.flags & TERN_ACK)
			seg.tsecr = input_u32(in);
	}
	seg.n_sack = (u8)(what >> 3) % (TERN_SACK_BLOCKS + 1);
	for (i = 0; i < seg.n_sack; i++) {
		seg.sack[i].start = tern_seq_of(input_u32(in));
		seg.sack[i].end = tern_seq_of(input_u32(in));
	}
	fuzz_show_seg("build", &seg, tern_seq_of(0), tern_seq_of(0));
	there_and_back(&seg);
}

int fuzz_one_input(const u8 *data, size_t size)
{
	struct input in = { data, size, 1 };

	if (!size || size > 65535)
		return 0;
	if (data[0] & 1) {
		build(&in);
	} else {
		parse_octets(data + 1, size - 1);
		sum_octets(data + 1, size - 1);
	}
	return 0;
}
