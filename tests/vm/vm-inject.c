// SPDX-License-Identifier: GPL-2.0
/*
 * Send packets that nobody should send.
 *
 *	vm-inject list			the cases, each with the counter it must move
 *	vm-inject CASE SADDR DADDR DPORT
 *	vm-inject fragments SADDR DADDR DPORT OFFSET	a SYN in two fragments, the second
 *			begins at OFFSET octets: 16 fits, 8 overlaps
 *	vm-inject random SADDR DADDR DPORT COUNT SEED
 *	vm-inject syn-flood SADDR DADDR DPORT COUNT	SYNs from COUNT source ports
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tern.h>
#include <netinet/ip.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/vm/put.h"

#define HDR 20
#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

static struct in_addr saddr, daddr;
static uint16_t dport;

struct packet {
	uint8_t octets[2048];
	size_t len;
	uint16_t frag;		/* of the IP header, host order */
	bool wrong_checksum;
	struct in_addr to;
};

/* A header without options; the cases spoil it afterwards. */
static void base(struct packet *p, uint8_t flags, const void *payload, size_t len)
{
	uint8_t *h = p->octets;

	memset(p, 0, sizeof(*p));
	p->to = daddr;
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
	uint32_t sum = IPPROTO_TERN + p->len;
	const uint8_t *a = (const uint8_t *)&saddr, *b = (const uint8_t *)&p->to;

	for (int i = 0; i < 4; i += 2)
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

/* Octets [from, to) of a packet, as they are, with the IP header's fragment field. */
static void transmit_part(int fd, const struct packet *p, size_t from, size_t end,
			  uint16_t frag)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = p->to };
	uint8_t buf[4096] = { 0 };
	struct iphdr *ip = (struct iphdr *)buf;

	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->protocol = IPPROTO_TERN;
	ip->saddr = saddr.s_addr;
	ip->daddr = p->to.s_addr;
	ip->id = htons(4711);
	ip->frag_off = htons(frag);
	memcpy(buf + sizeof(*ip), p->octets + from, end - from);
	if (sendto(fd, buf, sizeof(*ip) + end - from, 0, (struct sockaddr *)&to, sizeof(to)) < 0 &&
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
static void c_broadcast(struct packet *p) { p->to.s_addr |= htonl(255); }
static void c_multicast(struct packet *p) { p->to.s_addr = htonl(0xe0000001); }

/* The case, the counter that must grow by one ("-" for none), RSTs it must draw. */
static const struct {
	const char *name;
	void (*spoil)(struct packet *p);
	const char *counter;
	int resets;
} cases[] = {
	{ "no-octets", c_empty, "drop_short", 0 },
	{ "ten-octets", c_short, "drop_short", 0 },
	{ "one-octet-short", c_one_short, "drop_short", 0 },
	{ "header-length-4-words", c_hlen_small, "drop_header_length", 0 },
	{ "header-length-0", c_hlen_zero, "drop_header_length", 0 },
	{ "header-length-past-end", c_hlen_past_end, "drop_short", 0 },
	{ "option-length-0", c_opt_len_zero, "drop_options", 0 },
	{ "option-length-1", c_opt_len_one, "drop_options", 0 },
	{ "option-past-end", c_opt_past_end, "drop_options", 0 },
	{ "option-without-length", c_opt_no_length, "drop_options", 0 },
	{ "mss-option-of-3-octets", c_mss_short, "drop_options", 0 },
	{ "source-port-0", c_sport_zero, "drop_port_zero", 0 },
	{ "destination-port-0", c_dport_zero, "drop_port_zero", 0 },
	{ "wrong-checksum", c_checksum, "drop_checksum", 0 },
	{ "first-fragment-alone", c_first_fragment, "-", 0 },
	{ "last-fragment-alone", c_last_fragment, "-", 0 },
	{ "ack-to-nobody", c_ack_nobody, "drop_no_connection", 1 },
	{ "syn-to-nobody", c_syn_nobody, "drop_no_connection", 1 },
	{ "rst-to-nobody", c_rst_nobody, "drop_no_connection", 0 },
	{ "ack-to-listener", c_ack_listener, "drop_listen", 1 },
	{ "rst-to-listener", c_rst_listener, "drop_listen", 0 },
	{ "syn-fin-to-listener", c_syn_fin, "drop_listen", 0 },
	{ "no-flags-to-listener", c_nothing, "drop_listen", 0 },
	{ "all-flags-to-listener", c_all_flags, "drop_listen", 0 },
	{ "to-broadcast", c_broadcast, "drop_not_unicast", 0 },
	{ "to-multicast", c_multicast, "drop_not_unicast", 0 },
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
	int one = 1, fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one))) {
		perror("raw socket");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct packet p;

	if (argc == 2 && !strcmp(argv[1], "list")) {
		for (size_t i = 0; i < N_CASES; i++)
			printf("%s %s %d\n", cases[i].name, cases[i].counter, cases[i].resets);
		return 0;
	}
	if (argc < 5 || !inet_aton(argv[2], &saddr) || !inet_aton(argv[3], &daddr)) {
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
