// SPDX-License-Identifier: GPL-2.0
/*
 * Segments for connections that live: mutated, in fragments, behind extension headers,
 * mixed with ICMP errors.
 *
 *	vm-rawfuzz SADDR DADDR PORT SEED COUNT
 *
 * Unlike vm-inject's random octets these get far: the program does the handshake (with
 * and without timestamps and SACK), follows the numbers of each connection, and spoils
 * one thing at a time, with valid checksums.  Tern must be off where it runs, or would
 * answer, too.  The seed names all that is sent, as far as the answers are the same.
 *
 * What must hold: each answer has a valid checksum and header, acknowledges nothing that
 * was never sent, and new connections can be made until the end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tern.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/random.h"
#include "tests/vm/addr.h"
#include "tests/vm/put.h"

#define HDR 20
#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ONE_OF(array) ((array)[below(COUNT(array))])
#define CONNS 8

/* A segment with options and payload has room behind all headers that may come. */
#define HEADROOM 512
#define ROOM 2048

struct conn {
	uint16_t sport;
	uint32_t snd_nxt, snd_max, rcv_nxt, iss;
	uint32_t ts_val, ts_recent;
	bool ts, sack, open;
};

static union address me, you;
static uint16_t port;
static int tx, rx;
static struct random numbers;
static unsigned long sent, answers, opened, refused, failures;
static struct conn conns[CONNS];

static uint32_t rnd(void)
{
	return random_u32(&numbers);
}

static uint32_t below(uint32_t n)
{
	return random_below(&numbers, n);
}

static bool percent(uint32_t n)
{
	return below(100) < n;
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static void broken(const char *what, uint32_t a, uint32_t b)
{
	if (failures++ < 10)
		printf("rawfuzz: %s (%u, %u)\n", what, a, b);
}

static bool v6(void)
{
	return me.sa.sa_family == AF_INET6;
}

/* Of a segment or an ICMPv6 message between these two; 0 when it is right already. */
static uint16_t checksum(const uint8_t *at, size_t len, uint8_t protocol,
			 const union address *from, const union address *to)
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

/* @at has HEADROOM octets in front; @frag is the field of an IPv4 header. */
static void ip_send(uint8_t *at, size_t len, uint8_t protocol, uint16_t frag, uint16_t id)
{
	union address to = you;
	size_t hlen;

	to.v6.sin6_port = 0;
	if (v6()) {
		struct ip6_hdr *ip = (void *)(at - sizeof(*ip));

		memset(ip, 0, sizeof(*ip));
		ip->ip6_vfc = 6 << 4;
		ip->ip6_plen = htons(len);
		ip->ip6_nxt = protocol;
		ip->ip6_hlim = 64;
		ip->ip6_src = me.v6.sin6_addr;
		ip->ip6_dst = you.v6.sin6_addr;
		hlen = sizeof(*ip);
	} else {
		struct iphdr *ip = (void *)(at - sizeof(*ip));

		*ip = (struct iphdr) {
			.version = 4, .ihl = 5, .ttl = 64, .protocol = protocol,
			.id = htons(id), .frag_off = htons(frag),
			.saddr = me.v4.sin_addr.s_addr, .daddr = you.v4.sin_addr.s_addr,
		};
		hlen = sizeof(*ip);
	}
	sendto(tx, at - hlen, hlen + len, 0, &to.sa, address_len(&to));
	sent++;
}

/* One extension header of 8 octets or more in front of @at; Return: its length. */
static size_t extension(uint8_t *at, uint8_t *next)
{
	static const uint8_t kinds[] = { IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING,
					 IPPROTO_FRAGMENT, IPPROTO_DSTOPTS, IPPROTO_AH, 135 };
	uint8_t kind = kinds[below(COUNT(kinds))], *h;
	size_t len = kind == IPPROTO_FRAGMENT ? 8 : 8 * (1 + below(3));

	h = at - len;
	memset(h, 0, len);
	h[0] = *next;
	h[1] = len / 8 - 1;
	switch (kind) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_DSTOPTS:
		/* Padding, or an option that nobody knows. */
		h[2] = percent(80) ? 1 : rnd();
		h[3] = percent(90) ? len - 4 : rnd();
		break;
	case IPPROTO_ROUTING:
		h[2] = percent(50) ? 253 : below(5);
		h[3] = percent(70) ? 0 : below(4);
		break;
	case IPPROTO_FRAGMENT:
		put16(h + 2, percent(70) ? 0 : rnd());
		put32(h + 4, rnd());
		break;
	default:
		h[2] = rnd();
	}
	if (percent(4))
		h[1] = rnd();
	*next = kind;
	return len;
}

static void send_behind(uint8_t *at, size_t len)
{
	uint8_t next = IPPROTO_TERN;
	size_t more;

	for (int n = 1 + below(4); n; n--) {
		more = extension(at, &next);
		at -= more;
		len += more;
	}
	ip_send(at, len, next, 0, 0);
}

/* Cut anywhere, sometimes so that parts lie over each other or one is missing. */
static void send_fragments(const uint8_t *at, size_t len)
{
	size_t cut = 8 * (1 + below(percent(60) ? 3 : len / 8)), from = 0, n;
	uint8_t buf[HEADROOM + ROOM] __attribute__((aligned(8)));
	uint32_t id = rnd();

	while (from < len) {
		bool last = len - from <= cut || percent(20);

		n = last ? len - from : cut;
		memcpy(buf + HEADROOM, at + from, n);
		if (v6()) {
			uint8_t *h = buf + HEADROOM - 8;

			memset(h, 0, 8);
			h[0] = IPPROTO_TERN;
			put16(h + 2, from | !last);
			put32(h + 4, id);
			ip_send(h, n + 8, IPPROTO_FRAGMENT, 0, 0);
		} else {
			ip_send(buf + HEADROOM, n, IPPROTO_TERN,
				from / 8 | (last ? 0 : 0x2000), id);
		}
		from += n;
		if (!last && percent(8))
			from = percent(50) ? from - 8 : from + 8;
	}
}

/* An error about a segment that @c might have got from the peer. */
static void send_icmp(const struct conn *c)
{
	static const uint8_t types[] = { 3, 3, 3, 4, 5, 11, 12 };
	static const uint32_t mtus[] = { 0, 1, 68, 552, 576, 1279, 1280, 1281, 1400, 1500, 65535 };
	uint8_t buf[HEADROOM + 256] __attribute__((aligned(8))) = { 0 }, *h = buf + HEADROOM;
	uint32_t mtu = mtus[below(COUNT(mtus))], sum = 0;
	size_t at = 8 + (v6() ? 40 : 20), len = at + (percent(80) ? 8 + below(40) : below(20));
	uint8_t *ip = h + 8;

	if (v6()) {
		ip[0] = 0x60;
		ip[6] = IPPROTO_TERN;
		memcpy(ip + 8, &you.v6.sin6_addr, 16);
		memcpy(ip + 24, &me.v6.sin6_addr, 16);
		h[0] = percent(50) ? ICMP6_PACKET_TOO_BIG : 1 + below(4);
		h[1] = h[0] == ICMP6_PACKET_TOO_BIG ? 0 : below(8);
		put32(h + 4, mtu);
	} else {
		ip[0] = percent(95) ? 0x45 : 0x40 | below(16);
		ip[9] = IPPROTO_TERN;
		memcpy(ip + 12, &you.v4.sin_addr, 4);
		memcpy(ip + 16, &me.v4.sin_addr, 4);
		h[0] = ONE_OF(types);
		h[1] = percent(40) ? ICMP_FRAG_NEEDED : below(18);
		put16(h + 6, mtu);
	}
	put16(h + at, port);
	put16(h + at + 2, c->sport);
	put32(h + at + 4, percent(70) ? c->rcv_nxt - below(3) : rnd());
	if (v6()) {
		put16(h + 2, checksum(h, len, IPPROTO_ICMPV6, &me, &you));
	} else {
		for (size_t i = 0; i < len; i++)
			sum += i & 1 ? h[i] : h[i] << 8;
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		put16(h + 2, ~sum);
	}
	ip_send(h, len, v6() ? IPPROTO_ICMPV6 : IPPROTO_ICMP, 0, rnd());
}

struct segment {
	uint8_t flags;
	uint32_t seq, ack, wnd;
	uint8_t options[40];
	size_t olen, len;
};

static void option(struct segment *s, const void *octets, size_t len)
{
	if (s->olen + len > sizeof(s->options))
		return;
	memcpy(s->options + s->olen, octets, len);
	s->olen += len;
}

static void timestamp(struct segment *s, uint32_t val, uint32_t echo)
{
	uint8_t o[12] = { 1, 1, 8, 10 };

	put32(o + 4, val);
	put32(o + 8, echo);
	option(s, o, sizeof(o));
}

static void transmit(struct conn *c, const struct segment *s)
{
	uint8_t buf[HEADROOM + ROOM] __attribute__((aligned(8))) = { 0 }, *h = buf + HEADROOM;
	size_t hlen = HDR + ((s->olen + 3) & ~3UL), len = hlen + s->len;
	uint32_t end = s->seq + s->len + !!(s->flags & SYN) + !!(s->flags & FIN);

	put16(h, c->sport);
	put16(h + 2, port);
	put32(h + 4, s->seq);
	put32(h + 8, s->ack);
	h[12] = hlen / 4 << 4;
	h[13] = s->flags;
	put32(h + 16, s->wnd);
	memcpy(h + HDR, s->options, s->olen);
	memset(h + hlen, 'r', s->len);
	put16(h + 14, checksum(h, len, IPPROTO_TERN, &me, &you));
	/* What lies within any window the peer can have opened. */
	if (end - c->snd_max < 1 << 20)
		c->snd_max = end;
	if (v6() && percent(12))
		send_behind(h, len);
	else if (len >= 16 && percent(8))
		send_fragments(h, len);
	else
		ip_send(h, len, IPPROTO_TERN, 0, rnd());
}

/* What the peer says about a connection of ours. */
static void track(const uint8_t *h, size_t len)
{
	size_t hlen = (h[12] >> 4) * 4;
	uint32_t end = get32(h + 4) + len - hlen + !!(h[13] & SYN) + !!(h[13] & FIN);
	struct conn *c = NULL;

	for (int i = 0; i < CONNS; i++) {
		if (conns[i].sport == (h[2] << 8 | h[3]))
			c = &conns[i];
	}
	answers++;
	if (!c || (h[0] << 8 | h[1]) != port)
		return;
	/* A reset of a segment that nobody expects repeats its numbers. */
	if (h[13] & RST) {
		c->open = false;
		return;
	}
	if (c->open && h[13] & ACK && (int32_t)(get32(h + 8) - c->snd_max) > 0)
		broken("acknowledged, but never sent", get32(h + 8), c->snd_max);
	if (h[13] & SYN || (int32_t)(end - c->rcv_nxt) > 0)
		c->rcv_nxt = end;
	for (size_t i = HDR; i < hlen && h[i]; i += h[i] == 1 ? 1 : h[i + 1]) {
		if (h[i] == 8)
			c->ts_recent = get32(h + i + 2);
		if (h[i] == 8 && h[13] & SYN)
			c->ts = true;
		if (h[i] == 4 && h[13] & SYN)
			c->sack = true;
		if (h[i] != 1 && (i + 1 >= hlen || h[i + 1] < 2)) {
			broken("an option without length", h[i], i);
			break;
		}
	}
}

/* Take in what has come; wait up to so many ms for the first of it. */
static void listen_for(int ms)
{
	uint8_t buf[4096];
	struct pollfd p = { .fd = rx, .events = POLLIN };

	for (int i = 0; i < 100 && poll(&p, 1, i ? 0 : ms) == 1; i++) {
		ssize_t n = recv(rx, buf, sizeof(buf), MSG_DONTWAIT);
		size_t at = v6() ? 0 : (buf[0] & 15) * 4;

		if (n < (ssize_t)at + HDR || (buf[at + 12] >> 4) * 4 > n - (ssize_t)at ||
		    buf[at + 12] >> 4 < 5) {
			broken("a segment that is none", n, at);
			continue;
		}
		if (checksum(buf + at, n - at, IPPROTO_TERN, &you, &me))
			broken("a wrong checksum", n, at);
		track(buf + at, n - at);
	}
}

static void handshake(struct conn *c)
{
	static const uint16_t sizes[] = { 1440, 1440, 536, 100, 48, 1, 65535 };
	static uint16_t sport = 20000;
	struct segment s = { .flags = SYN, .wnd = percent(80) ? 65535 : below(5000) };
	uint8_t mss[4] = { 2, 4 };

	memset(c, 0, sizeof(*c));
	sport = sport == 60000 ? 20000 : sport + 1;
	c->sport = sport;
	c->iss = rnd();
	c->snd_max = c->iss;
	c->ts_val = rnd();
	put16(mss + 2, ONE_OF(sizes));
	if (percent(80))
		option(&s, mss, sizeof(mss));
	if (percent(70))
		option(&s, (uint8_t []){ 4, 2, 1, 1 }, 4);
	if (percent(50))
		timestamp(&s, c->ts_val, 0);
	s.seq = c->iss;
	transmit(c, &s);
	c->snd_nxt = c->iss + 1;
	for (int i = 0; i < 20 && !c->rcv_nxt; i++)
		listen_for(50);
	if (!c->rcv_nxt) {
		refused++;
		return;
	}
	c->open = true;
	s = (struct segment) { .flags = ACK, .seq = c->snd_nxt, .ack = c->rcv_nxt, .wnd = 65535 };
	if (c->ts)
		timestamp(&s, ++c->ts_val, c->ts_recent);
	transmit(c, &s);
	opened++;
}

static void add_sack(struct conn *c, struct segment *s)
{
	uint8_t o[36] = { 1, 1, 5 };
	uint32_t n = 1 + below(c->ts ? 3 : 4);

	o[3] = 2 + 8 * n;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t left = c->rcv_nxt - below(60000);
		uint32_t len = percent(60) ? 1 + below(3000) : percent(50) ? 0x7fffffff : rnd();

		put32(o + 4 + 8 * i, percent(95) ? left : rnd());
		put32(o + 8 + 8 * i, left + len);
	}
	option(s, o, 4 + 8 * n);
}

/* What this segment does wrong, if anything. */
static void spoil(struct conn *c, struct segment *s)
{
	static const uint32_t windows[] = { 0, 0, 1, 2, 100, 1 << 30, 0x7fffffff, 0xffffffff };

	switch (below(20)) {
	case 0 ... 4:		/* nothing: data in order */
		s->len = percent(30) ? 1 : below(1200);
		c->snd_nxt += s->len;
		break;
	case 5 ... 8:		/* a hole */
		s->seq += 1 + below(percent(50) ? 200 : 60000);
		s->len = 1 + below(percent(60) ? 10 : 1200);
		break;
	case 9:			/* old or new acknowledgments */
		s->ack -= below(3000);
		break;
	case 10:
		s->ack += below(70000);
		break;
	case 11:
		s->seq = rnd();
		s->ack = percent(50) ? s->ack : rnd();
		s->len = below(3);
		break;
	case 12:
		s->flags = rnd();
		s->seq += below(5) - 2;
		break;
	case 13:
		s->flags |= FIN;
		s->len = below(100);
		if (percent(50))
			c->snd_nxt += s->len + 1;
		break;
	case 14:
		s->flags |= RST;
		s->seq += percent(30) ? 0 : 1 + below(1000);
		break;
	case 15:
		s->flags = SYN | (percent(50) ? ACK : 0);
		if (percent(50))
			s->seq = c->iss;
		break;
	case 16:		/* half the sequence space away */
		s->seq += 0x7fffffff + below(3);
		break;
	case 17:
		s->wnd = ONE_OF(windows);
		break;
	default:		/* data again that was sent before */
		s->seq -= below(3000);
		s->len = below(1200);
	}
}

static void one(struct conn *c)
{
	struct segment s = {
		.flags = ACK | (percent(20) ? PSH : 0), .seq = c->snd_nxt, .ack = c->rcv_nxt,
		.wnd = percent(80) ? 65535 : below(100000),
	};
	uint32_t val = ++c->ts_val;

	spoil(c, &s);
	if (percent(5))
		val = percent(50) ? val - 1000 : rnd();
	if (c->ts ? percent(97) : percent(3))
		timestamp(&s, val, percent(80) ? c->ts_recent : rnd());
	if (percent(c->sack ? 40 : 5))
		add_sack(c, &s);
	if (percent(2)) {
		s.olen = below(sizeof(s.options) + 1);
		for (size_t i = 0; i < s.olen; i++)
			s.options[i] = rnd();
	}
	transmit(c, &s);
	if (percent(6))
		send_icmp(c);
}

static void open_sockets(void)
{
	int big = 4 << 20, one = 1;

	tx = socket(me.sa.sa_family, SOCK_RAW, IPPROTO_RAW);
	rx = socket(me.sa.sa_family, SOCK_RAW, IPPROTO_TERN);
	if (tx < 0 || rx < 0) {
		perror("raw socket");
		exit(2);
	}
	setsockopt(rx, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	setsockopt(tx, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
}

int main(int argc, char **argv)
{
	unsigned long count, late;

	if (argc != 6 || !parse_address(argv[1], 0, &me) || !parse_address(argv[2], 0, &you) ||
	    me.sa.sa_family != you.sa.sa_family) {
		fprintf(stderr, "usage: vm-rawfuzz SADDR DADDR PORT SEED COUNT\n");
		return 2;
	}
	port = atoi(argv[3]);
	random_seed(&numbers, strtoul(argv[4], NULL, 0));
	count = strtoul(argv[5], NULL, 0);
	open_sockets();
	while (sent < count) {
		for (int i = 0; i < CONNS; i++) {
			if (!conns[i].open || percent(1))
				handshake(&conns[i]);
		}
		for (int n = 0; n < 40; n++) {
			one(&conns[below(CONNS)]);
			if (percent(30))
				listen_for(0);
		}
		if (percent(5))
			usleep(1000 * below(50));
	}
	late = opened;
	for (int i = 0; i < 50 && late == opened; i++)
		handshake(&conns[0]);
	if (late == opened)
		broken("no new connection in the end", opened, refused);
	printf("rawfuzz: seed %s, %s: %lu packets, %lu answers, %lu connections, %lu not made\n",
	       argv[4], argv[2], sent, answers, opened, refused);
	return failures ? 1 : 0;
}
