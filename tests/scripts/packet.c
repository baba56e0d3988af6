// SPDX-License-Identifier: GPL-2.0
/*
 * Segments and options as octets and as text, and the IP packet around them.
 *
 * tern_build() and tern_parse() do the fixed header; options are done here, so
 * that a script can send lists that core/ would never write.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdio.h>
#include <string.h>

#include "tests/scripts/run.h"
#include "tests/scripts/net.h"

#define OPT_SACK_OK 4
#define OPT_SACK 5
#define OPT_TS 8

static void put_be32(u8 *p, u32 value)
{
	p[0] = (u8)(value >> 24);
	p[1] = (u8)(value >> 16);
	p[2] = (u8)(value >> 8);
	p[3] = (u8)value;
}

static u32 get_be32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

/* Options */

static bool option_add(struct options *o, u8 kind, const u8 *data, u32 len)
{
	if (o->len + 2 + len > sizeof(o->octets))
		return false;
	o->octets[o->len] = kind;
	o->octets[o->len + 1] = (u8)(2 + len);
	memcpy(o->octets + o->len + 2, data, len);
	o->len += 2 + len;
	return true;
}

/* " 5:9 12:14" is two blocks */
static bool sack_read(const char *text, struct options *o)
{
	u8 data[38];
	u32 len = 0;
	unsigned int from, to;
	int n;

	while (sscanf(text, " %u:%u%n", &from, &to, &n) == 2 && len + 8 <= sizeof(data)) {
		put_be32(data + len, from);
		put_be32(data + len + 4, to);
		len += 8;
		text += n;
	}
	return !*text && option_add(o, OPT_SACK, data, len);
}

/* Octets as they are, for lists that no end would send: "02 04 05 b4" */
static bool hex_read(const char *text, struct options *o)
{
	unsigned int octet;
	int n;

	while (sscanf(text, " %2x%n", &octet, &n) == 1 && o->len < sizeof(o->octets)) {
		o->octets[o->len++] = (u8)octet;
		text += n;
	}
	return !*text;
}

static bool option_read(const char *text, struct options *o)
{
	unsigned int a, b;
	u8 data[10];
	int n = 0;

	if (sscanf(text, "mss %u%n", &a, &n) == 1 && !text[n]) {
		data[0] = (u8)(a >> 8);
		data[1] = (u8)a;
		return option_add(o, TERN_OPT_MSS, data, 2);
	}
	if (!strcmp(text, "sackOK"))
		return option_add(o, OPT_SACK_OK, data, 0);
	if (sscanf(text, "ts %u %u%n", &a, &b, &n) == 2 && !text[n]) {
		put_be32(data, a);
		put_be32(data + 4, b);
		return option_add(o, OPT_TS, data, 8);
	}
	if (!strncmp(text, "sack", 4))
		return sack_read(text + 4, o);
	if (!strncmp(text, "hex ", 4))
		return hex_read(text + 4, o);
	return false;
}

bool options_read(const char *text, struct options *o)
{
	char copy[TEXT_MAX], *save, *item;

	o->len = 0;
	snprintf(copy, sizeof(copy), "%s", text);
	for (item = strtok_r(copy, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
		while (*item == ' ')
			item++;
		if (!option_read(item, o))
			return false;
	}
	while (o->len % 4)
		o->octets[o->len++] = TERN_OPT_END;
	return true;
}

static u32 sack_text(const u8 *p, u32 len, const char *comma, char *text, size_t size)
{
	u32 n = (u32)snprintf(text, size, "%ssack", comma);
	u32 i;

	for (i = 0; i < len && n < size; i += 8)
		n += (u32)snprintf(text + n, size - n, " %u:%u", get_be32(p + i),
				   get_be32(p + i + 4));
	return n;
}

void options_text(const u8 *p, u32 len, char *text, size_t size)
{
	size_t n = 0;
	u32 i, opt;

	text[0] = '\0';
	for (i = 0; i + 1 < len && p[i] != TERN_OPT_END && n < size; i += opt) {
		const char *comma = n ? "," : "";

		opt = p[i] == TERN_OPT_NOP ? 1 : p[i + 1];
		if (p[i] == TERN_OPT_NOP)
			continue;
		if (opt < 2 || i + opt > len)
			break;
		if (p[i] == TERN_OPT_MSS && opt == 4)
			n += snprintf(text + n, size - n, "%smss %u", comma,
				      p[i + 2] << 8 | p[i + 3]);
		else if (p[i] == OPT_SACK_OK && opt == 2)
			n += snprintf(text + n, size - n, "%ssackOK", comma);
		else if (p[i] == OPT_TS && opt == 10)
			n += snprintf(text + n, size - n, "%sts %u %u", comma,
				      get_be32(p + i + 2), get_be32(p + i + 6));
		else if (p[i] == OPT_SACK && opt > 2 && opt % 8 == 2)
			n += sack_text(p + i + 2, opt - 2, comma, text + n, size - n);
		else
			n += snprintf(text + n, size - n, "%skind %u", comma, p[i]);
	}
}

/* Segments */

static const struct {
	const char *name;
	u8 flags;
} kinds[] = {
	{ "SYN", TERN_SYN },
	{ "SYN-ACK", TERN_SYN | TERN_ACK },
	{ "SYN-FIN", TERN_SYN | TERN_FIN },
	{ "ACK", TERN_ACK },
	{ "FIN", TERN_FIN },
	{ "FIN-ACK", TERN_FIN | TERN_ACK },
	{ "RST", TERN_RST },
	{ "RST-ACK", TERN_RST | TERN_ACK },
	{ "NONE", 0 },
	{ "SYN-FIN-ACK", TERN_SYN | TERN_FIN | TERN_ACK },
	{ "SYN-RST", TERN_SYN | TERN_RST },
};

bool flags_read(const char *text, u8 *flags)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i].name, text))
			continue;
		*flags = kinds[i].flags;
		return true;
	}
	return false;
}

const char *flags_text(u8 flags)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].flags == (flags & ~TERN_PSH))
			return kinds[i].name;
	}
	return "strange";
}

u8 payload_octet(u32 pos)
{
	return (u8)(pos * 7 + (pos >> 8));
}

/* seg->pos says which octets of the stream the payload is. */
u32 seg_put(const struct tern_seg *seg, const struct options *options, u8 *octets)
{
	struct tern_seg bare = *seg;
	u32 i, hlen;

	bare.mss = 0;
	tern_build(&bare, octets);
	memcpy(octets + TERN_HDR_LEN, options->octets, options->len);
	hlen = TERN_HDR_LEN + options->len;
	octets[12] = (u8)(hlen / 4 << 4);
	for (i = 0; i < seg->len; i++)
		octets[hlen + i] = payload_octet(seg->pos + i);
	return hlen + seg->len;
}

/* IP: an address is 16 octets, an IPv4 one its last four. */

static u16 checksum(const u8 *saddr, const u8 *daddr, const u8 *seg, u32 len, u8 protocol)
{
	u32 skip = settings.ipv6 ? 0 : 12;
	u8 tail[4] = { (u8)(len >> 8), (u8)len, 0, protocol };
	u64 sum;

	sum = tern_csum_add(0, saddr + skip, 16 - skip);
	sum = tern_csum_add(sum, daddr + skip, 16 - skip);
	sum = tern_csum_add(sum, tail, 4);
	return tern_csum_fold(tern_csum_add(sum, seg, len));
}

u16 peer_checksum(const u8 *octets, u32 len, u8 protocol)
{
	return checksum(peer_addr, tern_addr, octets, len, protocol);
}

static u32 ip6_put(const u8 *seg, u32 len, u8 *packet)
{
	struct ip6_hdr *ip = (struct ip6_hdr *)packet;

	memset(ip, 0, sizeof(*ip));
	ip->ip6_vfc = 6 << 4;
	ip->ip6_plen = htons((u16)len);
	ip->ip6_nxt = PROTOCOL;
	ip->ip6_hlim = 64;
	memcpy(&ip->ip6_src, peer_addr, 16);
	memcpy(&ip->ip6_dst, tern_addr, 16);
	memcpy(packet + sizeof(*ip), seg, len);
	return sizeof(*ip) + len;
}

u32 ip_put(u8 *seg, u32 len, u8 *packet)
{
	struct iphdr *ip = (struct iphdr *)packet;
	u16 sum;

	sum = peer_checksum(seg, len, PROTOCOL);
	seg[TERN_CSUM_OFFSET] = (u8)(sum >> 8);
	seg[TERN_CSUM_OFFSET + 1] = (u8)sum;
	if (settings.ipv6)
		return ip6_put(seg, len, packet);

	memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = htons((u16)(sizeof(*ip) + len));
	ip->frag_off = htons(IP_DF);
	ip->ttl = 64;
	ip->protocol = PROTOCOL;
	memcpy(&ip->saddr, peer_addr + 12, 4);
	memcpy(&ip->daddr, tern_addr + 12, 4);
	ip->check = htons(tern_csum_fold(tern_csum_add(0, ip, sizeof(*ip))));
	memcpy(packet + sizeof(*ip), seg, len);
	return sizeof(*ip) + len;
}

u8 *ip_get(u8 *packet, u32 len, u32 *seg_len, const char **why)
{
	u32 hlen = settings.ipv6 ? sizeof(struct ip6_hdr) : (packet[0] & 15u) * 4;
	u32 total, at = settings.ipv6 ? 8 : 12, size = settings.ipv6 ? 16 : 4;
	u8 *seg = packet + hlen;

	*why = NULL;
	/* what a host says of itself (router solicitations and the like) is not ours */
	if (len < hlen || packet[0] >> 4 != (settings.ipv6 ? 6 : 4) ||
	    packet[settings.ipv6 ? 6 : 9] != PROTOCOL)
		return NULL;
	if (settings.ipv6)
		total = hlen + (u32)(packet[4] << 8 | packet[5]);
	else
		total = (u32)(packet[2] << 8 | packet[3]);
	*seg_len = total - hlen;
	if (total != len)
		*why = "the IP header has the wrong length";
	else if (memcmp(packet + at, tern_addr + 16 - size, size) ||
		 memcmp(packet + at + size, peer_addr + 16 - size, size))
		*why = "the IP header has the wrong addresses";
	else if (!settings.ipv6 && tern_csum_fold(tern_csum_add(0, packet, hlen)))
		*why = "the checksum of the IP header is wrong";
	else if (checksum(tern_addr, peer_addr, seg, *seg_len, PROTOCOL))
		*why = "the checksum is wrong";
	return seg;
}
