// SPDX-License-Identifier: GPL-2.0
/*
 * Header bytes of a segment to and from struct tern_seg, and the checksum.
 *
 * Knows the layout and nothing about connections.  Every octet that is read
 * comes from outside.
 */
#include "core/wire.h"

/* Octets at which the fields start; the checksum's is in wire.h. */
#define OFF_SPORT 0
#define OFF_DPORT 2
#define OFF_SEQ 4
#define OFF_ACK 8
#define OFF_HLEN 12
#define OFF_FLAGS 13
#define OFF_WND 16

#define FLAGS_KNOWN (TERN_FIN | TERN_SYN | TERN_RST | TERN_PSH | TERN_ACK)
#define OPT_MSS_LEN 4
#define OPT_SACK_PERMITTED_LEN 2
#define OPT_SACK_LEN(blocks) (2 + 8 * (blocks))
#define OPT_TIMESTAMPS_LEN 10

static u16 get16(const u8 *p)
{
	return (u16)(p[0] << 8 | p[1]);
}

static u32 get32(const u8 *p)
{
	return (u32)get16(p) << 16 | get16(p + 2);
}

static void put16(u8 *p, u16 value)
{
	p[0] = (u8)(value >> 8);
	p[1] = (u8)value;
}

static void put32(u8 *p, u32 value)
{
	put16(p, (u16)(value >> 16));
	put16(p + 2, (u16)value);
}

u32 tern_hlen(const u8 *hdr)
{
	return (u32)(hdr[OFF_HLEN] >> 4) * 4;
}

/* rfc2018#section-3: pairs of edges, left and right */
static bool parse_sack(const u8 *opt, u32 opt_len, struct tern_seg *seg)
{
	u32 blocks = (opt_len - 2) / 8;
	u32 i;

	if (!blocks || blocks > TERN_SACK_BLOCKS || opt_len != OPT_SACK_LEN(blocks))
		return false;
	for (i = 0; i < blocks; i++) {
		seg->sack[i].start = tern_seq_of(get32(opt + 2 + 8 * i));
		seg->sack[i].end = tern_seq_of(get32(opt + 6 + 8 * i));
	}
	seg->n_sack = (u8)blocks;
	return true;
}

/* One option of @opt_len octets, its kind and length included; the last of a kind counts. */
static bool parse_option(const u8 *opt, u32 opt_len, struct tern_seg *seg)
{
	switch (opt[0]) {
	case TERN_OPT_MSS:
		seg->mss = opt_len == OPT_MSS_LEN ? get16(opt + 2) : 0;
		return opt_len == OPT_MSS_LEN;
	case TERN_OPT_SACK_PERMITTED:
		seg->sack_permitted = true;
		return opt_len == OPT_SACK_PERMITTED_LEN;
	case TERN_OPT_SACK:
		return parse_sack(opt, opt_len, seg);
	case TERN_OPT_TIMESTAMPS:
		if (opt_len != OPT_TIMESTAMPS_LEN)
			return false;
		seg->has_ts = true;
		seg->tsval = get32(opt + 2);
		seg->tsecr = seg->flags & TERN_ACK ? get32(opt + 6) : 0;
		return true;
	default:
		return true;
	}
}

/*
 * rfc9293#section-3.1: kind alone, or kind, length, data.  An option that is not
 * known is skipped by its length (MUST-6); a list that cannot be walked says
 * nothing that could be trusted.
 */
static bool parse_options(const u8 *opt, u32 len, struct tern_seg *seg)
{
	u32 i = 0;

	while (i < len) {
		u32 opt_len;

		if (opt[i] == TERN_OPT_END)
			break;
		if (opt[i] == TERN_OPT_NOP) {
			i++;
			continue;
		}
		if (len - i < 2)
			return false;
		opt_len = opt[i + 1];
		if (opt_len < 2 || opt_len > len - i)
			return false;
		if (!parse_option(opt + i, opt_len, seg))
			return false;
		i += opt_len;
	}
	return true;
}

enum tern_drop tern_parse(const u8 *hdr, u32 total, struct tern_seg *seg)
{
	u32 hlen;

	if (total < TERN_HDR_LEN)
		return TERN_DROP_SHORT;
	hlen = tern_hlen(hdr);
	if (hlen < TERN_HDR_LEN)
		return TERN_DROP_HLEN;
	if (hlen > total)
		return TERN_DROP_SHORT;

	memset(seg, 0, sizeof(*seg));
	seg->sport = get16(hdr + OFF_SPORT);
	seg->dport = get16(hdr + OFF_DPORT);
	seg->seq = tern_seq_of(get32(hdr + OFF_SEQ));
	seg->flags = hdr[OFF_FLAGS] & FLAGS_KNOWN;
	if (seg->flags & TERN_ACK)
		seg->ack = tern_seq_of(get32(hdr + OFF_ACK));
	seg->wnd = get32(hdr + OFF_WND);
	seg->hlen = (u8)hlen;
	seg->len = total - hlen;

	if (!parse_options(hdr + TERN_HDR_LEN, hlen - TERN_HDR_LEN, seg))
		return TERN_DROP_OPTIONS;
	if (!seg->sport || !seg->dport)
		return TERN_DROP_PORT;
	return TERN_DROP_NONE;
}

u32 tern_build_len(const struct tern_seg *seg)
{
	u32 len = TERN_HDR_LEN;

	if (seg->mss)
		len += OPT_MSS_LEN;
	if (seg->has_ts)
		len += TERN_TS_LEN;
	else if (seg->sack_permitted)
		len += 2 + OPT_SACK_PERMITTED_LEN;
	if (seg->n_sack)
		len += 2 + OPT_SACK_LEN((u32)seg->n_sack);
	return len;
}

static u8 *put_kind(u8 *opt, u8 kind, u32 len)
{
	opt[0] = kind;
	opt[1] = (u8)len;
	return opt + 2;
}

/* As TCP lays them out: every number at a multiple of 4 octets. */
static void build_options(const struct tern_seg *seg, u8 *opt)
{
	u32 i;

	if (seg->mss) {
		opt = put_kind(opt, TERN_OPT_MSS, OPT_MSS_LEN);
		put16(opt, seg->mss);
		opt += 2;
	}
	if (seg->sack_permitted) {
		if (!seg->has_ts)
			opt = put_kind(opt, TERN_OPT_NOP, TERN_OPT_NOP);
		opt = put_kind(opt, TERN_OPT_SACK_PERMITTED, OPT_SACK_PERMITTED_LEN);
	} else if (seg->has_ts) {
		opt = put_kind(opt, TERN_OPT_NOP, TERN_OPT_NOP);
	}
	if (seg->has_ts) {
		opt = put_kind(opt, TERN_OPT_TIMESTAMPS, OPT_TIMESTAMPS_LEN);
		put32(opt, seg->tsval);
		put32(opt + 4, seg->tsecr);
		opt += 8;
	}
	if (seg->n_sack) {
		opt = put_kind(opt, TERN_OPT_NOP, TERN_OPT_NOP);
		opt = put_kind(opt, TERN_OPT_SACK, OPT_SACK_LEN(seg->n_sack));
	}
	for (i = 0; i < seg->n_sack; i++, opt += 8) {
		put32(opt, tern_seq_bits(seg->sack[i].start));
		put32(opt + 4, tern_seq_bits(seg->sack[i].end));
	}
}

void tern_build(const struct tern_seg *seg, u8 *hdr)
{
	u32 hlen = tern_build_len(seg);

	memset(hdr, 0, hlen);
	put16(hdr + OFF_SPORT, seg->sport);
	put16(hdr + OFF_DPORT, seg->dport);
	put32(hdr + OFF_SEQ, tern_seq_bits(seg->seq));
	if (seg->flags & TERN_ACK)
		put32(hdr + OFF_ACK, tern_seq_bits(seg->ack));
	hdr[OFF_HLEN] = (u8)(hlen / 4 << 4);
	hdr[OFF_FLAGS] = seg->flags;
	put32(hdr + OFF_WND, seg->wnd);
	build_options(seg, hdr + TERN_HDR_LEN);
}

u64 tern_csum_add(u64 sum, const void *data, u32 len)
{
	const u8 *p = data;

	for (; len > 1; len -= 2, p += 2)
		sum += get16(p);
	if (len)
		sum += (u32)p[0] << 8; /* rfc1071: padded with a zero octet */
	return sum;
}

u16 tern_csum_fold(u64 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u16)~sum;
}
