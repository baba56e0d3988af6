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
		if (opt[i] == TERN_OPT_MSS) {
			if (opt_len != OPT_MSS_LEN)
				return false;
			seg->mss = get16(opt + i + 2);
		}
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
	return TERN_HDR_LEN + (seg->mss ? OPT_MSS_LEN : 0);
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
	if (seg->mss) {
		hdr[TERN_HDR_LEN] = TERN_OPT_MSS;
		hdr[TERN_HDR_LEN + 1] = OPT_MSS_LEN;
		put16(hdr + TERN_HDR_LEN + 2, seg->mss);
	}
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
