// SPDX-License-Identifier: GPL-2.0
/*
 * A flood of SYNs, those who have to live with it, and a hand for SYN cookies.
 *
 *	vm-flood flood DADDR DPORT COUNT NETWORK
 *			SYNs from random addresses of a network of 2^16 as fast as it
 *			goes, until COUNT or SIGTERM; prints how many and how fast
 *	vm-flood client ADDRESS PORT COUNT MILLISECONDS
 *			COUNT times, 4 ms apart: connect to an echo server, send, read it
 *			back, close; gives up each after a time, and all after 10
 *			such; prints how it went
 *	vm-flood watch MILLISECONDS
 *			looks at memory so often, until SIGTERM; prints the most it saw
 *	vm-flood hand SADDR SPORT DADDR DPORT STEP...
 *			a client that does just what the steps say, in a namespace
 *			where Tern is off
 *
 *	syn[:MSS]	a SYN, with numbers beyond those of the last one; SYN-ACK must
 *			come, its number is the cookie
 *	offer		SYNs from here on offer SACK and timestamps
 *	again		the same SYN; SYN-ACK must come, the first one's number stays
 *	ack		ACK; the first one is the third message
 *	data:N fin:N	the same with N octets, and with N octets and FIN
 *	rst		RST, and forget the connection
 *	port:N skip:N	go on from another port, or N numbers further
 *	replay		the third message again, as it was
 *	forge:N		N third messages with random cookies; N RSTs must come
 *	sleep:S
 *	want:rst want:ack want:nothing want:fin want:octets:N
 *			what comes next; octets and FIN are acknowledged by what is
 *			sent afterwards
 *	largest:N	the most octets in one segment so far
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tern.h>
#include <netinet/ip.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/put.h"

#define HDR 20
#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

static atomic_int stopped;

static void stop(int signal)
{
	stopped = signal;
}

static void die(const char *what)
{
	fprintf(stderr, "vm-flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

static uint32_t next_random(void)
{
	static uint32_t state;

	if (!state)
		state = (uint32_t)now_us() | 1;
	/* xorshift32 */
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static uint16_t get16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

/* A segment from anyone to anyone. */
struct packet {
	uint8_t octets[sizeof(struct iphdr) + 2048];
	size_t len;		/* of header and payload */
};

static uint8_t *header(struct packet *p)
{
	return p->octets + sizeof(struct iphdr);
}

static void make(struct packet *p, uint32_t saddr, uint32_t daddr, uint16_t sport,
		 uint16_t dport, uint8_t flags)
{
	struct iphdr *ip = (struct iphdr *)p->octets;
	uint8_t *h = header(p);

	memset(p, 0, sizeof(*p));
	p->len = HDR;
	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->protocol = IPPROTO_TERN;
	ip->saddr = saddr;
	ip->daddr = daddr;
	put16(h, sport);
	put16(h + 2, dport);
	h[12] = HDR / 4 << 4;
	h[13] = flags;
	put32(h + 16, 65535);
}

static uint32_t add16(const uint8_t *at, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? at[i] : at[i] << 8;
	return sum;
}

static void transmit(int fd, struct packet *p)
{
	struct iphdr *ip = (struct iphdr *)p->octets;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = ip->daddr };
	uint32_t sum = IPPROTO_TERN + p->len + add16((uint8_t *)&ip->saddr, 8);
	uint8_t *h = header(p);

	put16(h + 14, 0);
	sum += add16(h, p->len);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(h + 14, ~sum);
	if (sendto(fd, p->octets, sizeof(*ip) + p->len, 0, (struct sockaddr *)&to,
		   sizeof(to)) < 0 && errno != ENOBUFS)
		die("sendto");
}

static int raw_socket(int protocol)
{
	int fd = socket(AF_INET, SOCK_RAW, protocol);

	if (fd < 0)
		die("raw socket");
	return fd;
}

static int cmd_flood(uint32_t daddr, uint16_t dport, long count, const char *network)
{
	int fd = raw_socket(IPPROTO_RAW);
	uint32_t net = ntohl(inet_addr(network));
	double start = now_us(), seconds;
	struct packet p;
	long n;

	for (n = 0; n < count && !stopped; n++) {
		uint32_t r = next_random();

		make(&p, htonl(net | (r & 0xffff)), daddr, 1024 + (r >> 16) % 60000, dport, SYN);
		put32(header(&p) + 4, next_random());
		transmit(fd, &p);
	}
	seconds = (now_us() - start) / 1e6;
	printf("%ld SYNs, %.0f a second\n", n, n / seconds);
	return 0;
}

static void set_timeouts(int fd, long ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)))
		die("timeout");
}

static bool one_connection(const struct sockaddr_in *sin, long ms)
{
	static const char text[] = "the quick brown fox";
	int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_TERN);
	char back[sizeof(text)];
	bool ok = false;

	if (fd < 0)
		die("socket");
	set_timeouts(fd, ms);
	if (!connect(fd, (const struct sockaddr *)sin, sizeof(*sin)) &&
	    send(fd, text, sizeof(text), MSG_NOSIGNAL) == sizeof(text) &&
	    recv(fd, back, sizeof(back), MSG_WAITALL) == sizeof(back) &&
	    !memcmp(text, back, sizeof(text)) && !shutdown(fd, SHUT_WR))
		ok = recv(fd, back, sizeof(back), 0) == 0;
	return close(fd) == 0 && ok;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int cmd_client(const struct sockaddr_in *sin, int count, long ms)
{
	double *took = calloc(count, sizeof(*took));
	int ok = 0;

	if (!took)
		die("calloc");
	for (int i = 0; i < count && i < ok + 10; i++) {
		double start = now_us();

		if (one_connection(sin, ms))
			took[ok++] = now_us() - start;
		usleep(4000);
	}
	qsort(took, ok, sizeof(*took), ascending);
	printf("%d of %d, median %.0f us, worst %.0f us\n", ok, count, ok ? took[ok / 2] : 0,
	       ok ? took[ok - 1] : 0);
	free(took);
	return ok != count;
}

/* The number behind a name at the beginning of a line of a file, or -1. */
static long number_in(const char *path, const char *name)
{
	FILE *f = fopen(path, "r");
	char line[512];
	long number = -1;

	if (!f)
		die(path);
	while (number < 0 && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, strlen(name)) && strchr(" :", line[strlen(name)]))
			number = atol(line + strlen(name) + 1);
	}
	fclose(f);
	return number;
}

static int cmd_watch(long ms)
{
	long half_open = 0, sockets = 0, slab = 0, n, most = -1, least = 0, samples = 0;

	for (; !stopped; samples++) {
		n = number_in("/proc/net/tern_stat", "now_half_open");
		half_open = n > half_open ? n : half_open;
		n = number_in("/proc/net/tern_stat", "now_sockets");
		sockets = n > sockets ? n : sockets;
		n = number_in("/proc/slabinfo", "tern_request");
		slab = n > slab ? n : slab;
		n = number_in("/proc/meminfo", "MemAvailable");
		most = most < 0 ? n : most;
		least = !least || n < least ? n : least;
		usleep(ms * 1000);
	}
	printf("half_open %ld sockets %ld slab %ld kib %ld samples %ld\n", half_open, sockets, slab,
	       most - least, samples);
	return 0;
}

/* The client that does what it is told. */
static struct {
	int in, out;
	uint32_t saddr, daddr;
	uint16_t sport, dport;
	uint32_t irs;		/* of the server: our SYN's number */
	uint32_t iss;		/* the cookie */
	uint32_t snd_nxt, rcv_nxt;
	unsigned int largest;
	bool offer;
} hand;

/* SACK-permitted, timestamps */
static const uint8_t offers[] = { 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0 };

static int wrong(const char *step, const char *what)
{
	printf("%s: %s\n", step, what);
	exit(1);
}

static void tell(uint8_t flags, uint32_t seq, uint32_t ack, int octets, int mss)
{
	struct packet p;
	uint8_t *h;

	make(&p, hand.saddr, hand.daddr, hand.sport, hand.dport, flags);
	h = header(&p);
	put32(h + 4, seq);
	put32(h + 8, ack);
	if (mss) {
		h[12] = (HDR + 4) / 4 << 4;
		h[HDR] = 2;
		h[HDR + 1] = 4;
		put16(h + HDR + 2, mss);
		p.len += 4;
	}
	if (hand.offer && flags & SYN) {
		memcpy(h + p.len, offers, sizeof(offers));
		p.len += sizeof(offers);
		h[12] = p.len / 4 << 4;
	}
	memset(h + p.len, 'x', octets);
	p.len += octets;
	transmit(hand.out, &p);
}

/* The next segment for us within @ms; its header, or NULL. */
static const uint8_t *hear(int ms, unsigned int *len)
{
	static uint8_t packet[65536];
	struct pollfd p = { .fd = hand.in, .events = POLLIN };
	const struct iphdr *ip = (struct iphdr *)packet;
	const uint8_t *h = packet + sizeof(*ip);
	ssize_t n;

	while (poll(&p, 1, ms) == 1) {
		n = recv(hand.in, packet, sizeof(packet), 0);
		if (n < (ssize_t)(sizeof(*ip) + HDR) || ip->saddr != hand.daddr ||
		    get16(h) != hand.dport || get16(h + 2) != hand.sport)
			continue;
		*len = n - sizeof(*ip) - (h[12] >> 4) * 4;
		if (*len > hand.largest)
			hand.largest = *len;
		return h;
	}
	return NULL;
}

static void step_syn(const char *step, int mss, bool again)
{
	const uint8_t *h;
	unsigned int len;

	if (!again) {
		hand.irs = hand.snd_nxt ? hand.snd_nxt + 100000 : next_random();
		hand.snd_nxt = hand.irs + 1;
	}
	tell(SYN, hand.irs, 0, 0, mss);
	h = hear(500, &len);
	if (!h)
		wrong(step, "no SYN-ACK");
	if (h[13] != (SYN | ACK) || get32(h + 8) != hand.irs + 1 || len)
		wrong(step, "that is no SYN-ACK");
	/* the header and an MSS, and no other option */
	if (h[12] >> 4 != 6 || h[HDR] != 2 || !get32(h + 16))
		wrong(step, "options, or no window");
	if (again) {
		if (get32(h + 4) == hand.iss)
			wrong(step, "the same number");
		return;
	}
	hand.iss = get32(h + 4);
	hand.rcv_nxt = hand.iss + 1;
}

static void step_send(uint8_t flags, int octets)
{
	tell(flags, hand.snd_nxt, hand.rcv_nxt, octets, 0);
	hand.snd_nxt += octets + !!(flags & FIN);
}

static void step_forge(const char *step, int count)
{
	const uint8_t *h;
	unsigned int len;

	for (int i = 0; i < count; i++) {
		uint32_t guess = next_random();

		tell(ACK, hand.irs + 1, guess, 0, 0);
		h = hear(100, &len);
		if (!h || h[13] != RST || get32(h + 4) != guess)
			wrong(step, "no RST");
	}
}

/* Until @octets have come, in order, and FIN if that is what is waited for. */
static void step_receive(const char *step, unsigned int octets, bool fin)
{
	const uint8_t *h;
	unsigned int len, got = 0;
	bool over = false;

	while (got < octets || (fin && !over)) {
		h = hear(500, &len);
		if (!h)
			wrong(step, "it does not come");
		if (h[13] & RST)
			wrong(step, "RST");
		if (get32(h + 4) != hand.rcv_nxt)
			continue;
		got += len;
		over = h[13] & FIN;
		hand.rcv_nxt += len + over;
	}
}

static void step_want(const char *step, const char *what)
{
	unsigned int len;
	const uint8_t *h;

	if (!strcmp(what, "fin")) {
		step_receive(step, 0, true);
	} else if (!strncmp(what, "octets:", 7)) {
		step_receive(step, atoi(what + 7), false);
	} else {
		h = hear(200, &len);
		if (!strcmp(what, "ack") && !(h && h[13] == ACK && !len))
			wrong(step, "no ACK");
		if (!strcmp(what, "nothing") && h)
			wrong(step, "something came");
		if (!strcmp(what, "rst") && !(h && h[13] == RST && get32(h + 4) == hand.rcv_nxt))
			wrong(step, h ? "that is no RST" : "nothing came");
	}
}

static void do_step(const char *step)
{
	const char *colon = strchr(step, ':');
	int n = colon ? atoi(colon + 1) : 0;

	if (!strncmp(step, "syn", 3))
		step_syn(step, n, false);
	else if (!strcmp(step, "offer"))
		hand.offer = true;
	else if (!strcmp(step, "again"))
		step_syn(step, 0, true);
	else if (!strcmp(step, "ack"))
		step_send(ACK, 0);
	else if (!strncmp(step, "data:", 5))
		step_send(ACK, n);
	else if (!strncmp(step, "fin:", 4))
		step_send(ACK | FIN, n);
	else if (!strcmp(step, "rst"))
		tell(RST, hand.snd_nxt, 0, 0, 0);
	else if (!strcmp(step, "replay"))
		tell(ACK, hand.irs + 1, hand.rcv_nxt = hand.iss + 1, 0, 0);
	else if (!strncmp(step, "forge:", 6))
		step_forge(step, n);
	else if (!strncmp(step, "port:", 5))
		hand.sport = n;
	else if (!strncmp(step, "skip:", 5))
		hand.snd_nxt += n;
	else if (!strncmp(step, "sleep:", 6))
		sleep(n);
	else if (!strncmp(step, "want:", 5))
		step_want(step, colon + 1);
	else if (!strncmp(step, "largest:", 8) && hand.largest != (unsigned int)n)
		wrong(step, "another size");
	else if (strncmp(step, "largest:", 8))
		wrong(step, "no such step");
}

static int cmd_hand(char **argv)
{
	hand.in = raw_socket(IPPROTO_TERN);
	hand.out = raw_socket(IPPROTO_RAW);
	hand.saddr = inet_addr(argv[0]);
	hand.sport = atoi(argv[1]);
	hand.daddr = inet_addr(argv[2]);
	hand.dport = atoi(argv[3]);
	for (argv += 4; *argv; argv++)
		do_step(*argv);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	signal(SIGTERM, stop);
	if (argc == 3 && !strcmp(argv[1], "watch"))
		return cmd_watch(atol(argv[2]));
	if (argc > 6 && !strcmp(argv[1], "hand"))
		return cmd_hand(argv + 2);
	if (argc != 6 || !inet_aton(argv[2], &sin.sin_addr)) {
		fprintf(stderr, "usage: see the top of the source\n");
		return 1;
	}
	sin.sin_port = htons(atoi(argv[3]));
	if (!strcmp(argv[1], "flood"))
		return cmd_flood(sin.sin_addr.s_addr, atoi(argv[3]), atol(argv[4]), argv[5]);
	return cmd_client(&sin, atoi(argv[4]), atol(argv[5]));
}
