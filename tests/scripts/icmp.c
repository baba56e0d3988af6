// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors from the peer's address, about a segment that the target has sent:
 * type and code by the IP version, then the IP header and the first 20 octets that
 * are quoted.
 */
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scripts/run.h"
#include "tests/scripts/net.h"

/* A header of IPv6 is longer: the same MSS needs a larger packet. */
#define IPV6_MORE 20
#define ICMP_HEADER 8
#define QUOTED 20

/* Codes of "unreachable" that both versions have; of IPv6 as type << 8 | code */
static const struct {
	const char *name;
	int code;
	int code6;
} codes[] = {
	{ "net", ICMP_NET_UNREACH, ICMP6_DST_UNREACH << 8 | ICMP6_DST_UNREACH_NOROUTE },
	{ "host", ICMP_HOST_UNREACH, ICMP6_DST_UNREACH << 8 | ICMP6_DST_UNREACH_ADDR },
	{ "protocol", ICMP_PROT_UNREACH, ICMP6_PARAM_PROB << 8 | ICMP6_PARAMPROB_NEXTHEADER },
	{ "port", ICMP_PORT_UNREACH, ICMP6_DST_UNREACH << 8 | ICMP6_DST_UNREACH_NOPORT },
};

static bool unreach_code(const char *text, u8 *head)
{
	char *end;
	size_t i;

	head[0] = settings.ipv6 ? ICMP6_DST_UNREACH : ICMP_DEST_UNREACH;
	head[1] = (u8)strtoul(text, &end, 10);
	if (end != text && !*end)
		return true;
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		if (strcmp(codes[i].name, text))
			continue;
		head[1] = (u8)(settings.ipv6 ? codes[i].code6 : codes[i].code);
		if (settings.ipv6)
			head[0] = (u8)(codes[i].code6 >> 8);
		return true;
	}
	return false;
}

/* Type, code and what stands in octets 4 to 7 */
static bool put_head(const struct icmp_error *icmp, u8 *head)
{
	u32 mtu = htonl(settings.ipv6 ? icmp->mtu + IPV6_MORE : icmp->mtu);

	memset(head, 0, ICMP_HEADER);
	switch ((enum icmp_kind)icmp->kind) {
	case ICMP_IS_UNREACH:
		return unreach_code(icmp->code, head);
	case ICMP_IS_TIME_EXCEEDED:
		head[0] = settings.ipv6 ? ICMP6_TIME_EXCEEDED : ICMP_TIME_EXCEEDED;
		head[1] = (u8)atoi(icmp->code);
		return true;
	case ICMP_IS_TOO_BIG:
		head[0] = settings.ipv6 ? ICMP6_PACKET_TOO_BIG : ICMP_DEST_UNREACH;
		head[1] = settings.ipv6 ? 0 : ICMP_FRAG_NEEDED;
		memcpy(head + 4, &mtu, sizeof(mtu));
		return true;
	}
	return false;
}

static u32 put_ip(u8 *packet, u8 protocol, bool from_peer, u32 len)
{
	const u8 *src = from_peer ? peer_addr : tern_addr;
	const u8 *dst = from_peer ? tern_addr : peer_addr;
	struct ip6_hdr *ip6 = (struct ip6_hdr *)packet;
	struct iphdr *ip = (struct iphdr *)packet;

	if (settings.ipv6) {
		memset(ip6, 0, sizeof(*ip6));
		ip6->ip6_vfc = 6 << 4;
		ip6->ip6_plen = htons((u16)len);
		ip6->ip6_nxt = protocol;
		ip6->ip6_hlim = 64;
		memcpy(&ip6->ip6_src, src, 16);
		memcpy(&ip6->ip6_dst, dst, 16);
		return sizeof(*ip6);
	}
	memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = htons((u16)(sizeof(*ip) + len));
	ip->ttl = 64;
	ip->protocol = protocol;
	memcpy(&ip->saddr, src + 12, 4);
	memcpy(&ip->daddr, dst + 12, 4);
	ip->check = htons(tern_csum_fold(tern_csum_add(0, ip, sizeof(*ip))));
	return sizeof(*ip);
}

u32 icmp_put(const struct icmp_error *icmp, u8 *packet)
{
	struct tern_seg quoted = { .sport = icmp->ends.lport, .dport = icmp->ends.rport,
				   .seq = tern_seq_of(icmp->seq), .flags = TERN_ACK };
	u32 ip_len = settings.ipv6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
	u8 protocol = settings.ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	u8 *head = packet + ip_len;
	u32 len = ICMP_HEADER + ip_len + QUOTED;
	u16 sum;

	if (!put_head(icmp, head))
		return 0;
	put_ip(head + ICMP_HEADER, PROTOCOL, false, QUOTED);
	tern_build(&quoted, head + ICMP_HEADER + ip_len);
	sum = settings.ipv6 ? peer_checksum(head, len, protocol) :
	      tern_csum_fold(tern_csum_add(0, head, len));
	head[2] = (u8)(sum >> 8);
	head[3] = (u8)sum;
	put_ip(packet, protocol, true, len);
	return ip_len + len;
}
