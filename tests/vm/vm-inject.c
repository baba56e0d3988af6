// SPDX-License-Identifier: GPL-2.0
/*
 * Send packets that nobody should send.
 *
 *	vm-inject list			the cases, each with the counter it must move
 *	vm-inject list6			those for IPv6
 *	vm-inject CASE SADDR DADDR DPORT
 *	vm-inject fragments SADDR DADDR DPORT OFFSET	a SYN in two fragments, the second
 *			begins at OFFSET octets: 16 fits, 8 overlaps
 *	vm-inject random SADDR DADDR DPORT COUNT SEED
 *	vm-inject syn-flood SADDR DADDR DPORT COUNT	SYNs from COUNT source ports
 *
 * The addresses are both of IPv4 or both of IPv6.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tern.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/vm/addr.h"
#include "tests/vm/put.h"

#define HDR 20
#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

static union address saddr, daddr;
static uint16_t dport;

struct packet {
	uint8_t octets[2048];
	size_t len;
	uint16_t frag;		/* of the IP header, host order */
	bool wrong_checksum;
	union address from;
	union address to;
	uint8_t next;		/* IPv6: the extension header in front */
	uint8_t ext[8];		/* and what it is */
};

/* A header without options; the cases spoil it afterwards. */
static void base(struct packet *p, uint8_t flags, const void *payload, size_t len)
{
	uint8_t *h = p->octets;

	memset(p, 0, sizeof(*p));
	p->from = saddr;
	p->to = daddr;
	p->next = IPPROTO_TERN;
	p->len = HDR + len;
	put16(h, 40000);
	put16(h + 2, dport);
	put32(h + 4, 1000);
	put32(h + 8, flags & ACK ? 2000 : 0);
	h[12] = 5 << 4;
	h[13] = flags;
	put32(h + 16, 65535);
	memcpy(h + HDR, payload, len);
}

static void options(struct packet *p, const uint8_t *opts, size_t len)
{
	memcpy(p->octets + HDR, opts, len);
	p->octets[12] = (HDR + len) / 4 << 4;
	p->len = HDR + len;
}

static uint16_t checksum(const struct packet *p)
{
	const uint8_t *a = address_octets(&p->from), *b = address_octets(&p->to);
	uint32_t sum = IPPROTO_TERN + p->len;

	for (size_t i = 0; i < address_size(&p->to); i += 2)
		sum += (a[i] << 8 | a[i + 1]) + (b[i] << 8 | b[i + 1]);
	for (size_t i = 0; i < p->len; i++)
		sum += i & 1 ? p->octets[i] : p->octets[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static void fill_checksum(struct packet *p)
{
	if (p->len < HDR)
		return;
	put16(p->octets + 14, 0);
	put16(p->octets + 14, checksum(p) + p->wrong_checksum);
}

/* The IP header in front of @len octets, with its fragment field.  Return: its length. */
static size_t ip_header(uint8_t *buf, const struct packet *p, size_t len, uint16_t frag)
{
	struct iphdr *ip = (struct iphdr *)buf;

	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->protocol = IPPROTO_TERN;
	ip->saddr = p->from.v4.sin_addr.s_addr;
	ip->daddr = p->to.v4.sin_addr.s_addr;
	ip->id = htons(4711);
	ip->frag_off = htons(frag);
	(void)len;
	return sizeof(*ip);
}

/* The same for IPv6, with an extension header and a fragment header where needed. */
static size_t ip6_header(uint8_t *buf, const struct packet *p, size_t len, uint16_t frag)
{
	struct ip6_hdr *ip = (struct ip6_hdr *)buf;
	uint8_t *next = &ip->ip6_nxt, *at = buf + sizeof(*ip);

	ip->ip6_vfc = 6 << 4;
	ip->ip6_hlim = 64;
	ip->ip6_src = p->from.v6.sin6_addr;
	ip->ip6_dst = p->to.v6.sin6_addr;
	if (p->next != IPPROTO_TERN) {
		*next = p->next;
		memcpy(at, p->ext, sizeof(p->ext));
		next = at;
		at += sizeof(p->ext);
	}
	if (frag) {
		*next = IPPROTO_FRAGMENT;
		put16(at + 2, (frag & 0x1fff) << 3 | frag >> 13);
		put32(at + 4, 4711);
		next = at;
		at += 8;
	}
	*next = IPPROTO_TERN;
	ip->ip6_plen = htons(at - buf - sizeof(*ip) + len);
	return at - buf;
}

/* Octets [from, to) of a packet, as they are, with the IP header's fragment field. */
static void transmit_part(int fd, const struct packet *p, size_t from, size_t end,
			  uint16_t frag)
{
	union address to = p->to;
	uint8_t buf[4096] = { 0 };
	size_t len = (to.sa.sa_family == AF_INET6 ? ip6_header : ip_header)(buf, p, end - from,
									    frag);

	to.v6.sin6_port = 0;
	memcpy(buf + len, p->octets + from, end - from);
	if (sendto(fd, buf, len + end - from, 0, &to.sa, address_len(&to)) < 0 &&
	    errno != ENOBUFS) {
		perror("sendto");
		exit(1);
	}
}

static void transmit(int fd, struct packet *p)
{
	fill_checksum(p);
	transmit_part(fd, p, 0, p->len, p->frag);
}

/* A SYN with an MSS option, the first 16 octets and then the rest from @offset on. */
static void send_fragments(int fd, size_t offset)
{
	struct packet p;

	base(&p, SYN, "", 0);
	options(&p, (uint8_t[]){ 2, 4, 5, 180 }, 4);
	fill_checksum(&p);
	transmit_part(fd, &p, 0, 16, 0x2000);
	transmit_part(fd, &p, offset, p.len, offset / 8);
}

static void c_empty(struct packet *p) { p->len -= HDR; }
static void c_short(struct packet *p) { p->len = 10; }
static void c_one_short(struct packet *p) { p->len = HDR - 1; }
static void c_hlen_small(struct packet *p) { p->octets[12] = 4 << 4; }
static void c_hlen_zero(struct packet *p) { p->octets[12] &= 0x0f; }
static void c_hlen_past_end(struct packet *p) { p->octets[12] = 15 << 4; }
static void c_opt_len_zero(struct packet *p) { options(p, (uint8_t[]){ 9, 0, 0, 0 }, 4); }
static void c_opt_len_one(struct packet *p) { options(p, (uint8_t[]){ 9, 1, 0, 0 }, 4); }
static void c_opt_past_end(struct packet *p) { options(p, (uint8_t[]){ 1, 1, 9, 5 }, 4); }
static void c_opt_no_length(struct packet *p) { options(p, (uint8_t[]){ 1, 1, 1, 9 }, 4); }
static void c_mss_short(struct packet *p) { options(p, (uint8_t[]){ 2, 3, 1, 0 }, 4); }
static void c_sport_zero(struct packet *p) { put16(p->octets, 0); }
static void c_dport_zero(struct packet *p) { put16(p->octets + 2, 0); }
static void c_checksum(struct packet *p) { p->wrong_checksum = true; }
static void c_first_fragment(struct packet *p) { p->frag = 0x2000; p->len = 24; }
static void c_last_fragment(struct packet *p) { p->frag = 3; }
static void c_ack_nobody(struct packet *p) { base(p, ACK, "", 0); put16(p->octets + 2, 4); }
static void c_syn_nobody(struct packet *p) { put16(p->octets + 2, 4); }
static void c_rst_nobody(struct packet *p) { base(p, RST, "", 0); put16(p->octets + 2, 4); }
static void c_ack_listener(struct packet *p) { base(p, ACK, "x", 1); }
static void c_rst_listener(struct packet *p) { base(p, RST, "", 0); }
static void c_syn_fin(struct packet *p) { base(p, SYN | FIN, "", 0); }
static void c_nothing(struct packet *p) { base(p, 0, "", 0); }
static void c_all_flags(struct packet *p) { base(p, 0xff, "x", 1); }
static void c_broadcast(struct packet *p) { p->to.v4.sin_addr.s_addr |= htonl(255); }
static void c_multicast(struct packet *p) { p->to.v4.sin_addr.s_addr = htonl(0xe0000001); }

static void c_multicast6(struct packet *p)
{
	parse_address("ff02::1%v0", 0, &p->to);
}

static void c_anycast(struct packet *p)
{
	/* The subnet's routers. */
	memset(p->to.v6.sin6_addr.s6_addr + 8, 0, 8);
}

static void c_from_multicast(struct packet *p)
{
	parse_address("ff02::2", 0, &p->from);
}

static void c_from_nobody(struct packet *p)
{
	p->from.v6.sin6_addr = in6addr_any;
}

static void c_from_mapped(struct packet *p)
{
	parse_address("::ffff:10.7.0.1", 0, &p->from);
}

/* A segment that draws a RST, behind an extension header. */
static void behind(struct packet *p, uint8_t next, const uint8_t *ext)
{
	c_ack_nobody(p);
	p->next = next;
	memcpy(p->ext, ext, sizeof(p->ext));
}

static const uint8_t padding[8] = { 0, 0, IP6OPT_PADN, 4 };
static const uint8_t unknown_skip[8] = { 0, 0, 0x1e, 4 };
static const uint8_t unknown_drop[8] = { 0, 0, 0x5e, 4 };
static const uint8_t past_end[8] = { 0, 200, IP6OPT_PADN, 4 };
static const uint8_t visited[8] = { 0, 0, 253, 0 };

static void c_hop_by_hop(struct packet *p) { behind(p, IPPROTO_HOPOPTS, padding); }
static void c_dst_opts(struct packet *p) { behind(p, IPPROTO_DSTOPTS, padding); }
static void c_dst_opts_skip(struct packet *p) { behind(p, IPPROTO_DSTOPTS, unknown_skip); }
static void c_dst_opts_drop(struct packet *p) { behind(p, IPPROTO_DSTOPTS, unknown_drop); }
static void c_dst_opts_past_end(struct packet *p) { behind(p, IPPROTO_DSTOPTS, past_end); }
static void c_routing(struct packet *p) { behind(p, IPPROTO_ROUTING, visited); }
static void c_not_walkable(struct packet *p) { behind(p, IPPROTO_NONE, padding); }

static void c_checksum_behind(struct packet *p)
{
	c_dst_opts(p);
	p->wrong_checksum = true;
}

static void c_atomic_fragment(struct packet *p)
{
	const uint8_t whole[8] = { 0, 0, 0, 0, 1, 2, 3, 4 };

	behind(p, IPPROTO_FRAGMENT, whole);
}

/* The case, the counter that must grow by one ("-" for none), RSTs it must draw. */
static const struct {
	const char *name;
	void (*spoil)(struct packet *p);
	const char *counter;
	int resets;
	int family;		/* 0 for both */
} cases[] = {
	{ "no-octets", c_empty, "drop_short", 0, 0 },
	{ "ten-octets", c_short, "drop_short", 0, 0 },
	{ "one-octet-short", c_one_short, "drop_short", 0, 0 },
	{ "header-length-4-words", c_hlen_small, "drop_header_length", 0, 0 },
	{ "header-length-0", c_hlen_zero, "drop_header_length", 0, 0 },
	{ "header-length-past-end", c_hlen_past_end, "drop_short", 0, 0 },
	{ "option-length-0", c_opt_len_zero, "drop_options", 0, 0 },
	{ "option-length-1", c_opt_len_one, "drop_options", 0, 0 },
	{ "option-past-end", c_opt_past_end, "drop_options", 0, 0 },
	{ "option-without-length", c_opt_no_length, "drop_options", 0, 0 },
	{ "mss-option-of-3-octets", c_mss_short, "drop_options", 0, 0 },
	{ "source-port-0", c_sport_zero, "drop_port_zero", 0, 0 },
	{ "destination-port-0", c_dport_zero, "drop_port_zero", 0, 0 },
	{ "wrong-checksum", c_checksum, "drop_checksum", 0, 0 },
	{ "first-fragment-alone", c_first_fragment, "-", 0, 0 },
	{ "last-fragment-alone", c_last_fragment, "-", 0, 0 },
	{ "ack-to-nobody", c_ack_nobody, "drop_no_connection", 1, 0 },
	{ "syn-to-nobody", c_syn_nobody, "drop_no_connection", 1, 0 },
	{ "rst-to-nobody", c_rst_nobody, "drop_no_connection", 0, 0 },
	{ "ack-to-listener", c_ack_listener, "drop_listen", 1, 0 },
	{ "rst-to-listener", c_rst_listener, "drop_listen", 0, 0 },
	{ "syn-fin-to-listener", c_syn_fin, "drop_listen", 0, 0 },
	{ "no-flags-to-listener", c_nothing, "drop_listen", 0, 0 },
	{ "all-flags-to-listener", c_all_flags, "drop_listen", 0, 0 },
	{ "to-broadcast", c_broadcast, "drop_not_unicast", 0, AF_INET },
	{ "to-multicast", c_multicast, "drop_not_unicast", 0, AF_INET },
	{ "to-multicast6", c_multicast6, "drop_not_unicast", 0, AF_INET6 },
	{ "to-anycast", c_anycast, "drop_not_unicast", 0, AF_INET6 },
	/* IPv6 itself drops this one. */
	{ "from-multicast", c_from_multicast, "-", 0, AF_INET6 },
	{ "from-nobody", c_from_nobody, "drop_not_unicast", 0, AF_INET6 },
	{ "from-mapped-address", c_from_mapped, "drop_not_unicast", 0, AF_INET6 },
	{ "behind-hop-by-hop", c_hop_by_hop, "drop_no_connection", 1, AF_INET6 },
	{ "behind-destination-options", c_dst_opts, "drop_no_connection", 1, AF_INET6 },
	{ "behind-unknown-option", c_dst_opts_skip, "drop_no_connection", 1, AF_INET6 },
	/* What says that who does not know it must not go on; what cannot be walked. */
	{ "behind-forbidding-option", c_dst_opts_drop, "-", 0, AF_INET6 },
	{ "behind-options-past-end", c_dst_opts_past_end, "-", 0, AF_INET6 },
	{ "behind-no-next-header", c_not_walkable, "-", 0, AF_INET6 },
	{ "behind-routing-header", c_routing, "drop_no_connection", 1, AF_INET6 },
	{ "behind-atomic-fragment", c_atomic_fragment, "drop_no_connection", 1, AF_INET6 },
	{ "wrong-checksum-behind", c_checksum_behind, "drop_checksum", 0, AF_INET6 },
};

#define N_CASES (sizeof(cases) / sizeof(cases[0]))

static uint32_t next_random(uint32_t *state)
{
	/* xorshift32 */
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Random octets; every other time behind a header that gets past the parser. */
static void send_random(int fd, unsigned long count, uint32_t seed)
{
	struct packet p;

	for (unsigned long n = 0; n < count; n++) {
		base(&p, next_random(&seed), "", 0);
		p.len = next_random(&seed) % 200;
		for (size_t i = n & 1 ? HDR : 0; i < p.len; i++)
			p.octets[i] = next_random(&seed);
		if (n & 1) {
			p.len += HDR;
			put16(p.octets, 40000 + next_random(&seed) % 8);
			put32(p.octets + 4, 1000 + next_random(&seed) % 3);
		}
		transmit(fd, &p);
	}
}

static void send_syns(int fd, unsigned long count)
{
	struct packet p;

	for (unsigned long n = 0; n < count; n++) {
		base(&p, SYN, "", 0);
		put16(p.octets, 1024 + n % 60000);
		transmit(fd, &p);
	}
}

static int raw_socket(void)
{
	int one = 1, fd = socket(daddr.sa.sa_family, SOCK_RAW, IPPROTO_RAW);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one))) {
		perror("raw socket");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct packet p;

	if (argc == 2 && !strncmp(argv[1], "list", 4)) {
		int not_this = strcmp(argv[1], "list6") ? AF_INET6 : AF_INET;

		for (size_t i = 0; i < N_CASES; i++) {
			if (cases[i].family != not_this)
				printf("%s %s %d\n", cases[i].name, cases[i].counter,
				       cases[i].resets);
		}
		return 0;
	}
	if (argc < 5 || !parse_address(argv[2], 0, &saddr) ||
	    !parse_address(argv[3], 0, &daddr) || saddr.sa.sa_family != daddr.sa.sa_family) {
		fprintf(stderr, "usage: see the top of the source\n");
		return 1;
	}
	dport = atoi(argv[4]);
	if (!strcmp(argv[1], "random") && argc == 7) {
		send_random(raw_socket(), strtoul(argv[5], NULL, 0), strtoul(argv[6], NULL, 0));
		return 0;
	}
	if (!strcmp(argv[1], "fragments") && argc == 6) {
		send_fragments(raw_socket(), strtoul(argv[5], NULL, 0) & 24);
		return 0;
	}
	if (!strcmp(argv[1], "syn-flood") && argc == 6) {
		send_syns(raw_socket(), strtoul(argv[5], NULL, 0));
		return 0;
	}
	for (size_t i = 0; i < N_CASES; i++) {
		if (strcmp(cases[i].name, argv[1]))
			continue;
		base(&p, SYN, "", 0);
		cases[i].spoil(&p);
		transmit(raw_socket(), &p);
		return 0;
	}
	fprintf(stderr, "vm-inject: no case '%s'\n", argv[1]);
	return 1;
}
