// SPDX-License-Identifier: GPL-2.0
/*
 * Segments that no socket has sent, for storms: floods, noise, cookies, ICMP errors.
 *
 * They come in the name of an address that the peer has a way to and nobody has
 * (link_pair()), so that no host answers the answers.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>

#include "tests/vm/put.h"
#include "tests/vm/storm.h"

#define HDR 20
#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

static const struct host nobody = { .octet = 100 };

/** raw_open() - in the thread's namespace */
void raw_open(struct raw *r)
{
	memset(r, 0, sizeof(*r));
	r->fd4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	r->fd6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (r->fd4 < 0 || r->fd6 < 0)
		die("raw socket");
}

void raw_close(struct raw *r)
{
	close(r->fd4);
	close(r->fd6);
}

static uint16_t checksum(const uint8_t *at, size_t len, const union address *from,
			 const union address *to, uint8_t protocol)
{
	const uint8_t *a = address_octets(from), *b = address_octets(to);
	uint32_t sum = protocol + len;

	for (size_t i = 0; i < address_size(to); i += 2)
		sum += (a[i] << 8 | a[i + 1]) + (b[i] << 8 | b[i + 1]);
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? at[i] : at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* @len octets behind @headroom of buf, which an IP header is put in front of. */
static void ip_send(struct raw *r, uint8_t *at, size_t len, uint8_t protocol)
{
	union address to = r->to;

	to.v6.sin6_port = 0;
	if (to.sa.sa_family == AF_INET6) {
		struct ip6_hdr *ip = (void *)(at - sizeof(*ip));

		*ip = (struct ip6_hdr) {
			.ip6_src = r->from.v6.sin6_addr, .ip6_dst = to.v6.sin6_addr,
		};
		ip->ip6_vfc = 6 << 4;
		ip->ip6_hlim = 64;
		ip->ip6_nxt = protocol;
		ip->ip6_plen = htons(len);
		sendto(r->fd6, ip, sizeof(*ip) + len, 0, &to.sa, sizeof(to.v6));
	} else {
		struct iphdr *ip = (void *)(at - sizeof(*ip));

		*ip = (struct iphdr) {
			.version = 4, .ihl = 5, .ttl = 64, .protocol = protocol,
			.saddr = r->from.v4.sin_addr.s_addr, .daddr = to.v4.sin_addr.s_addr,
		};
		sendto(r->fd4, ip, sizeof(*ip) + len, 0, &to.sa, sizeof(to.v4));
	}
	tally->sent++;
}

/** raw_send() - a segment as @r says, with up to 1200 octets behind it */
void raw_send(struct raw *r, const void *payload, size_t len)
{
	uint8_t buf[64 + HDR + 1200] __attribute__((aligned(8))) = { 0 }, *h = buf + 64;

	put16(h, r->sport);
	put16(h + 2, r->dport);
	put32(h + 4, r->seq);
	put32(h + 8, r->ack);
	h[12] = 5 << 4;
	h[13] = r->flags;
	put32(h + 16, 65535);
	if (len)
		memcpy(h + HDR, payload, len);
	put16(h + 14, checksum(h, HDR + len, &r->from, &r->to, IPPROTO_TERN));
	ip_send(r, h, HDR + len, IPPROTO_TERN);
}

static void towards(struct actor *a, struct raw *r, int port)
{
	bool v6 = once_in(a, 2);

	r->from = address_of(&nobody, v6, 0);
	r->to = address_of(host_b, v6, 0);
	r->sport = 1024 + below(a, 60000);
	r->dport = port;
}

/** raw_flood() - SYNs from everywhere to the port that @a->arg names */
void raw_flood(struct actor *a)
{
	struct raw r;

	raw_open(&r);
	while (more(a, "SYN")) {
		towards(a, &r, (long)a->arg);
		r.flags = SYN;
		r.seq = random_u32(&a->random);
		raw_send(&r, NULL, 0);
		/* Others want the CPUs, too. */
		if (once_in(a, 16))
			pause_us(a, 4000);
	}
	raw_close(&r);
}

/**
 * raw_noise() - segments of all kinds
 *
 * Some to the port of @a->arg, some to others, each with valid checksum; some of them in
 * the name of the host itself, about connections that it may have.
 */
void raw_noise(struct actor *a)
{
	static const uint8_t flags[] = { SYN, ACK, RST, FIN | ACK, SYN | ACK, RST | ACK, 0xff, 0 };
	char octets[64] = { 0 };
	struct raw r;

	raw_open(&r);
	while (more(a, "noise")) {
		towards(a, &r, (long)a->arg + (once_in(a, 8) ? 1 : 0));
		if (once_in(a, 3))
			r.from = address_of(a->host, r.to.sa.sa_family == AF_INET6, 0);
		r.flags = flags[below(a, sizeof(flags))];
		r.seq = random_u32(&a->random);
		r.ack = random_u32(&a->random);
		raw_send(&r, octets, once_in(a, 2) ? 0 : below(a, sizeof(octets)));
		if (once_in(a, 16))
			pause_us(a, 4000);
	}
	raw_close(&r);
}

/* A socket that sees the packets of a link, without their link headers. */
static int tap(void)
{
	int size = 1 << 20, fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));

	if (fd < 0)
		die("packet socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

/*
 * One IP packet of ours that came in, or nothing.  Return: the length of its IP header,
 * and its ends as those who answer see them.
 */
static size_t tap_read(int fd, uint8_t *buf, size_t *len, struct raw *r)
{
	struct sockaddr_ll from;
	socklen_t size = sizeof(from);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n = poll(&p, 1, 20) == 1 ?
		recvfrom(fd, buf, *len, MSG_DONTWAIT, (struct sockaddr *)&from, &size) : -1;
	const struct ip6_hdr *ip6 = (void *)buf;
	const struct iphdr *ip = (void *)buf;

	if (n < (ssize_t)sizeof(*ip) + HDR || from.sll_pkttype == PACKET_OUTGOING)
		return 0;
	*len = n;
	memset(&r->from, 0, sizeof(r->from));
	memset(&r->to, 0, sizeof(r->to));
	if (ip->version == 4 && ip->protocol == IPPROTO_TERN) {
		r->from.sa.sa_family = AF_INET;
		r->to.sa.sa_family = AF_INET;
		r->from.v4.sin_addr.s_addr = ip->daddr;
		r->to.v4.sin_addr.s_addr = ip->saddr;
		return ip->ihl * 4;
	}
	if (ip->version == 6 && n >= (ssize_t)sizeof(*ip6) + HDR && ip6->ip6_nxt == IPPROTO_TERN) {
		r->from.sa.sa_family = AF_INET6;
		r->to.sa.sa_family = AF_INET6;
		r->from.v6.sin6_addr = ip6->ip6_dst;
		r->to.v6.sin6_addr = ip6->ip6_src;
		return sizeof(*ip6);
	}
	return 0;
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

/** raw_cookies() - handshakes without a socket: SYN, and ACK for whatever SYN-ACK comes */
void raw_cookies(struct actor *a)
{
	uint8_t buf[2048] __attribute__((aligned(8)));
	int fd = tap();
	struct raw r;

	raw_open(&r);
	while (more(a, "handshake")) {
		size_t len = sizeof(buf), at;

		towards(a, &r, (long)a->arg);
		r.flags = SYN;
		r.seq = random_u32(&a->random);
		raw_send(&r, NULL, 0);
		at = tap_read(fd, buf, &len, &r);
		if (!at || (buf[at + 13] & (SYN | ACK)) != (SYN | ACK))
			continue;
		r.sport = buf[at + 2] << 8 | buf[at + 3];
		r.dport = buf[at] << 8 | buf[at + 1];
		r.seq = get32(buf + at + 8);
		r.ack = get32(buf + at + 4) + 1;
		r.flags = ACK;
		for (int n = 1 + below(a, 3); n; n--)
			raw_send(&r, "octets", below(a, 7));
		r.flags = RST;
		if (once_in(a, 2))
			raw_send(&r, NULL, 0);
	}
	close(fd);
	raw_close(&r);
}

/* An ICMP error, with the packet @quoted in it. */
static void icmp_send(struct actor *a, struct raw *r, const uint8_t *quoted, size_t len)
{
	static const uint16_t mtus[] = { 0, 68, 296, 552, 576, 1279, 1280, 1300, 1492, 65535 };
	uint8_t buf[64 + 8 + 128] __attribute__((aligned(8))) = { 0 }, *h = buf + 64;
	uint16_t mtu = mtus[below(a, sizeof(mtus) / sizeof(mtus[0]))];
	bool v6 = r->to.sa.sa_family == AF_INET6, big = once_in(a, 2);
	uint32_t sum = 0;

	if (len > 128)
		len = 128;
	memcpy(h + 8, quoted, len);
	if (v6) {
		h[0] = big ? ICMP6_PACKET_TOO_BIG : 1 + below(a, 4);
		h[1] = big ? 0 : below(a, 7);
		put32(h + 4, mtu);
		put16(h + 2, checksum(h, 8 + len, &r->from, &r->to, IPPROTO_ICMPV6));
	} else {
		h[0] = once_in(a, 8) ? ICMP_TIME_EXCEEDED : ICMP_DEST_UNREACH;
		h[1] = big ? ICMP_FRAG_NEEDED : below(a, 16);
		put16(h + 6, mtu);
		for (size_t i = 0; i < 8 + len; i++)
			sum += i & 1 ? h[i] : h[i] << 8;
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		put16(h + 2, ~sum);
	}
	ip_send(r, h, 8 + len, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

/** raw_icmp() - answers segments that come to this host with errors, as routers do */
void raw_icmp(struct actor *a)
{
	uint8_t buf[2048] __attribute__((aligned(8)));
	int fd = tap();
	struct raw r;

	raw_open(&r);
	while (more(a, "ICMP")) {
		size_t len = sizeof(buf);

		if (tap_read(fd, buf, &len, &r) && once_in(a, 2))
			icmp_send(a, &r, buf, len);
	}
	close(fd);
	raw_close(&r);
}
