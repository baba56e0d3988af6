// SPDX-License-Identifier: GPL-2.0
/*
 * Peers, routers and programs that make it hard; each command ends with 0 if what
 * it is about holds, and else says why not.
 *
 *	vm-hard orphan ADDRESS PORT	close with a full send buffer; the reader sleeps,
 *					and must be told by a reset
 *	vm-hard tiny ADDRESS PORT	10,000 single octets to a reader that sleeps
 *	vm-hard filter ADDRESS PORT	a socket filter that lets nothing through
 *	vm-hard filter-data ADDRESS PORT
 *					a listener whose filter lets no octets through,
 *					for a peer elsewhere
 *	vm-hard lowat ADDRESS PORT	a low-water mark above the buffer's size
 *	vm-hard linger ADDRESS PORT	SO_LINGER, and a peer that keeps its side open
 *	vm-hard off ADDRESS PORT	connect() and listen() where Tern is off
 *	vm-hard connect ADDRESS PORT	print by name how connect() ends
 *	vm-hard exchange ADDRESS PORT ROUNDS [options]
 *					send to an echo server, with "options" behind 40
 *					octets of IP options; print the segment size
 *	vm-hard source-route ADDRESS PORT HOP
 *					connect by way of HOP (IP_OPTIONS), exchange an octet
 *	vm-hard tos ADDRESS PORT	a connection whose both ends ask for Diffserv 0x28
 *	vm-hard syn SADDR SPORT DADDR DPORT SEQ
 *					send one SYN from whatever address
 *	vm-hard icmp CODE MTU syn|data	until killed, answer segments that come with
 *					"destination unreachable"
 *	vm-hard icmp6 TYPE CODE MTU syn|data
 *					the same over IPv6, with any ICMPv6 error
 *	vm-hard listen-race ADDRESS PORT SECONDS
 *					listen() on ADDRESS while another socket listens
 *	vm-hard relisten ADDRESS SECONDS
 *					a listener without bind() that is shut down and
 *					listens again, while SYNs come
 *
 * Where only an ADDRESS and a PORT are given, both ends are in this process.  An
 * ADDRESS is of IPv4 or of IPv6.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/tern.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/addr.h"
#include "tests/vm/put.h"

#define HDR 20
#define SYN 0x02

static const char *command = "vm-hard";
static char octets[65536];

/* What the arguments ADDRESS and PORT say. */
static union address addr;

static int wrong(const char *what)
{
	printf("%s: %s\n", command, what);
	return 1;
}

static void die(const char *what)
{
	printf("%s: %s: %s\n", command, what, strerror(errno));
	exit(1);
}

static void set_int(int fd, int option, int value)
{
	if (setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)))
		die("setsockopt");
}

static void set_timeout(int fd, int option, int seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	if (setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv)))
		die("setsockopt");
}

static int new_socket(void)
{
	int fd = socket(addr.sa.sa_family, SOCK_STREAM, IPPROTO_TERN);

	if (fd < 0)
		die("socket");
	set_int(fd, SO_REUSEADDR, 1);
	return fd;
}

static int do_bind(int fd, const union address *at)
{
	return bind(fd, &at->sa, address_len(at));
}

static int do_connect(int fd, const union address *to)
{
	return connect(fd, &to->sa, address_len(to));
}

static void nonblocking(int fd)
{
	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		die("fcntl");
}

/* A connection whose two ends are ours. */
static void make_connection(int *client, int *server)
{
	int listener = new_socket();

	if (do_bind(listener, &addr) || listen(listener, 1))
		die("listen");
	*client = new_socket();
	if (do_connect(*client, &addr))
		die("connect");
	*server = accept(listener, NULL, NULL);
	if (*server < 0)
		die("accept");
	close(listener);
}

static void fill(int fd)
{
	while (send(fd, octets, sizeof(octets), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		;
	if (errno != EAGAIN)
		die("send");
}

static int error_of(int fd)
{
	int err = -1;
	socklen_t len = sizeof(err);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return err;
}

static int cmd_orphan(void)
{
	struct pollfd p = { .events = 0 };
	int client;

	make_connection(&client, &p.fd);
	fill(client);
	/* What is under way now fills the other end's buffer. */
	sleep(1);
	fill(client);
	close(client);
	if (poll(&p, 1, 100000) != 1)
		return wrong("nobody told the reader");
	if (error_of(p.fd) != ECONNRESET)
		return wrong("it was not a reset");
	return 0;
}

static int cmd_tiny(void)
{
	const int total = 10000;
	int client, server, one = 1, got = 0;
	ssize_t n;

	make_connection(&client, &server);
	if (setsockopt(client, SOL_TERN, TERN_NODELAY, &one, sizeof(one)))
		die("TERN_NODELAY");
	set_timeout(client, SO_SNDTIMEO, 10);
	set_timeout(server, SO_RCVTIMEO, 300);
	for (int i = 0; i < total; i++) {
		char c = i;

		if (send(client, &c, 1, MSG_NOSIGNAL) != 1)
			die("send");
		usleep(1000);
	}
	sleep(1500);
	while (got < total) {
		n = recv(server, octets, sizeof(octets), 0);
		if (n <= 0)
			die("recv");
		for (ssize_t i = 0; i < n; i++, got++) {
			if (octets[i] != (char)got)
				return wrong("a wrong octet");
		}
	}
	if (send(client, "x", 1, MSG_NOSIGNAL) != 1 || recv(server, octets, 2, 0) != 1)
		die("the connection does not live");
	return 0;
}

static int cmd_filter(void)
{
	struct sock_filter none[] = { { .code = BPF_RET | BPF_K, .k = 0 } };
	struct sock_fprog program = { .len = 1, .filter = none };
	int client, server;

	make_connection(&client, &server);
	if (setsockopt(server, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		die("SO_ATTACH_FILTER");
	if (send(client, "hello", 5, 0) != 5)
		die("send");
	set_timeout(server, SO_RCVTIMEO, 5);
	if (recv(server, octets, sizeof(octets), 0) >= 0 || errno != EAGAIN)
		return wrong("something came");
	set_int(server, SO_DETACH_FILTER, 0);
	set_timeout(server, SO_RCVTIMEO, 100);
	if (recv(server, octets, sizeof(octets), 0) != 5)
		die("recv without the filter");
	return 0;
}

/* Nothing longer than a header with an MSS option gets in; a bare ACK does. */
static int cmd_filter_data(void)
{
	/* what is longer than a SYN, 16 octets of options included */
	struct sock_filter short_only[] = {
		{ .code = BPF_LD | BPF_W | BPF_LEN },
		{ .code = BPF_JMP | BPF_JGT | BPF_K, .k = HDR + 16, .jt = 0, .jf = 1 },
		{ .code = BPF_RET | BPF_K, .k = 0 },
		{ .code = BPF_RET | BPF_K, .k = 0xffff },
	};
	struct sock_fprog program = { .len = 4, .filter = short_only };
	int listener = new_socket(), fd;

	if (setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		die("SO_ATTACH_FILTER");
	if (do_bind(listener, &addr) || listen(listener, 1))
		die("listen");
	set_timeout(listener, SO_RCVTIMEO, 10);
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		die("accept");
	set_timeout(fd, SO_RCVTIMEO, 5);
	if (recv(fd, octets, sizeof(octets), 0) >= 0 || errno != EAGAIN)
		return wrong("octets came through");
	return 0;
}

static int cmd_lowat(void)
{
	struct pollfd p = { .events = POLLIN };
	int client;

	make_connection(&client, &p.fd);
	set_int(p.fd, SO_RCVLOWAT, 1 << 30);
	for (int i = 0; i < 600; i++) {
		fill(client);
		if (poll(&p, 1, 100) == 1)
			return 0;
	}
	return wrong("never readable");
}

/* The peer has everything and keeps its own side open: close() has nothing to wait for. */
static int cmd_linger(void)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 5 };
	struct timespec from, to;
	int client, server;
	double took;

	make_connection(&client, &server);
	if (setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		die("SO_LINGER");
	if (send(client, octets, 1, 0) != 1)
		die("send");
	clock_gettime(CLOCK_MONOTONIC, &from);
	close(client);
	clock_gettime(CLOCK_MONOTONIC, &to);
	took = (to.tv_sec - from.tv_sec) + (to.tv_nsec - from.tv_nsec) / 1e9;
	if (took < 0.04 || took > 1)
		return wrong("close() took too long, or did not wait");
	return 0;
}

static int cmd_off(void)
{
	int bound = new_socket();

	if (!do_connect(new_socket(), &addr) || errno != ENETDOWN)
		die("connect");
	if (!listen(new_socket(), 1) || errno != ENETDOWN)
		die("listen");
	if (do_bind(bound, &addr))
		die("bind");
	if (!listen(bound, 1) || errno != ENETDOWN)
		die("listen after bind");
	return 0;
}

static int cmd_connect(void)
{
	int fd = new_socket();

	puts(do_connect(fd, &addr) ? strerrorname_np(errno) : "connected");
	return 0;
}

/* The segment size that /proc/net/tern or tern6 shows for a connection of ours, or -1. */
static int segment_size(int fd)
{
	FILE *f = fopen(addr.sa.sa_family == AF_INET6 ? "/proc/net/tern6" : "/proc/net/tern",
			"r");
	union address own;
	socklen_t len = sizeof(own);
	unsigned int lport, rport;
	char line[512];
	int mss = -1;

	if (!f || getsockname(fd, &own.sa, &len))
		die("/proc/net/tern");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*d: %*x:%x %*x:%x", &lport, &rport) != 2 ||
		    lport != ntohs(own.v6.sin6_port) || rport != ntohs(addr.v6.sin6_port))
			continue;
		/* The last column but one. */
		*strrchr(line, ' ') = '\0';
		mss = atoi(strrchr(line, ' '));
	}
	fclose(f);
	return mss;
}

static int cmd_exchange(int rounds, bool ip_options)
{
	static char back[20000];
	uint8_t noops[40];
	int fd = new_socket();

	/* Forty times "no operation". */
	memset(noops, IPOPT_NOP, sizeof(noops));
	if (ip_options && addr.sa.sa_family == AF_INET6) {
		/* Destination options: one that is skipped by who does not know it. */
		memset(noops, 0, sizeof(noops));
		noops[1] = sizeof(noops) / 8 - 1;
		noops[2] = 0x1e;
		noops[3] = sizeof(noops) - 4;
		if (setsockopt(fd, SOL_IPV6, IPV6_DSTOPTS, noops, sizeof(noops)))
			die("IPV6_DSTOPTS");
	} else if (ip_options && setsockopt(fd, SOL_IP, IP_OPTIONS, noops, sizeof(noops))) {
		die("IP_OPTIONS");
	}
	set_timeout(fd, SO_RCVTIMEO, 100);
	set_timeout(fd, SO_SNDTIMEO, 100);
	if (do_connect(fd, &addr))
		die("connect");
	for (int i = 0; i < rounds; i++) {
		memset(octets, i, sizeof(back));
		if (send(fd, octets, sizeof(back), MSG_NOSIGNAL) != sizeof(back))
			die("send");
		if (recv(fd, back, sizeof(back), MSG_WAITALL) != sizeof(back))
			die("recv");
		if (memcmp(octets, back, sizeof(back)))
			return wrong("a wrong octet");
	}
	printf("%d\n", segment_size(fd));
	return 0;
}

static int cmd_source_route(const char *hop)
{
	/* loose source route: kind, length, pointer, and where it leads first */
	uint8_t route[8] = { IPOPT_LSRR, 7, 4, [7] = IPOPT_NOP };
	int fd = new_socket();
	char c = 'x';

	if (inet_pton(AF_INET, hop, route + 3) != 1 ||
	    setsockopt(fd, SOL_IP, IP_OPTIONS, route, sizeof(route)))
		die("IP_OPTIONS");
	set_timeout(fd, SO_RCVTIMEO, 10);
	if (do_connect(fd, &addr))
		die("connect");
	if (send(fd, &c, 1, MSG_NOSIGNAL) != 1 || recv(fd, &c, 1, 0) != 1 || c != 'x')
		die("exchange");
	return 0;
}

static void set_tos(int fd)
{
	bool v6 = addr.sa.sa_family == AF_INET6;
	int tos = 0x28;

	if (setsockopt(fd, v6 ? SOL_IPV6 : SOL_IP, v6 ? IPV6_TCLASS : IP_TOS, &tos, sizeof(tos)))
		die("IP_TOS");
}

static int cmd_tos(void)
{
	int listener = new_socket(), client = new_socket(), server;
	char c = 'x';

	set_tos(listener);
	set_tos(client);
	if (do_bind(listener, &addr) || listen(listener, 1) || do_connect(client, &addr))
		die("connect");
	server = accept(listener, NULL, NULL);
	if (server < 0 || send(client, &c, 1, 0) != 1 || recv(server, &c, 1, 0) != 1 ||
	    send(server, &c, 1, 0) != 1 || recv(client, &c, 1, 0) != 1)
		die("exchange");
	close(client);
	close(server);
	return 0;
}

static uint32_t add16(const void *from, size_t len)
{
	const uint8_t *at = from;
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? at[i] : at[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* An IP header in front of @len octets.  Return: its length. */
static size_t ip_header(uint8_t *packet, const union address *from, const union address *to,
			size_t len)
{
	struct iphdr *ip = (struct iphdr *)packet;
	struct ip6_hdr *ip6 = (struct ip6_hdr *)packet;

	if (to->sa.sa_family == AF_INET6) {
		ip6->ip6_vfc = 6 << 4;
		ip6->ip6_plen = htons(len);
		ip6->ip6_nxt = IPPROTO_TERN;
		ip6->ip6_hlim = 64;
		ip6->ip6_src = from->v6.sin6_addr;
		ip6->ip6_dst = to->v6.sin6_addr;
		return sizeof(*ip6);
	}
	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->protocol = IPPROTO_TERN;
	ip->saddr = from->v4.sin_addr.s_addr;
	ip->daddr = to->v4.sin_addr.s_addr;
	return sizeof(*ip);
}

static int cmd_syn(char **argv)
{
	uint8_t packet[sizeof(struct ip6_hdr) + HDR] = { 0 };
	union address from, to;
	size_t len;
	uint8_t *h;
	int fd;

	if (!parse_address(argv[0], 0, &from) || !parse_address(argv[2], 0, &to))
		return wrong("that is no address");
	len = ip_header(packet, &from, &to, HDR);
	h = packet + len;
	put16(h, atoi(argv[1]));
	put16(h + 2, atoi(argv[3]));
	put32(h + 4, strtoul(argv[4], NULL, 0));
	h[12] = HDR / 4 << 4;
	h[13] = SYN;
	put32(h + 16, 65535);
	put16(h + 14, fold(IPPROTO_TERN + HDR + add16(h, HDR) +
			   add16(address_octets(&from), address_size(&from)) +
			   add16(address_octets(&to), address_size(&to))));
	fd = socket(to.sa.sa_family, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0 || sendto(fd, packet, len + HDR, 0, &to.sa, address_len(&to)) < 0)
		die("sendto");
	return 0;
}

/* Segments with octets in them that do not fit, or SYNs. */
static bool is_meant(const uint8_t *packet, ssize_t len, bool syns, int mtu)
{
	const struct iphdr *ip = (const struct iphdr *)packet;
	const uint8_t *h = packet + sizeof(*ip);

	if (len < (ssize_t)sizeof(*ip) + HDR || ip->ihl != 5 || ip->protocol != IPPROTO_TERN)
		return false;
	if (syns)
		return h[13] & SYN;
	return !(h[13] & SYN) && len > (ssize_t)sizeof(*ip) + HDR && len > mtu;
}

static void cmd_icmp(int code, int mtu, bool syns)
{
	int listening = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));
	int talking = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint8_t packet[2048], error[36];
	struct sockaddr_ll from;

	if (listening < 0 || talking < 0)
		die("raw socket");
	for (;;) {
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(listening, packet, sizeof(packet), 0,
				       (struct sockaddr *)&from, &from_len);

		if (len < 0)
			die("recvfrom");
		if (from.sll_pkttype != PACKET_HOST || !is_meant(packet, len, syns, mtu))
			continue;
		memset(error, 0, 8);
		error[0] = ICMP_DEST_UNREACH;
		error[1] = code;
		put16(error + 6, mtu);
		memcpy(error + 8, packet, sizeof(error) - 8);
		put16(error + 2, fold(add16(error, sizeof(error))));
		to.sin_addr.s_addr = ((struct iphdr *)packet)->saddr;
		if (sendto(talking, error, sizeof(error), 0, (struct sockaddr *)&to,
			   sizeof(to)) < 0)
			die("sendto");
	}
}

static bool is_meant6(const uint8_t *packet, ssize_t len, bool syns, int mtu)
{
	const struct ip6_hdr *ip = (const struct ip6_hdr *)packet;
	const uint8_t *h = packet + sizeof(*ip);

	if (len < (ssize_t)sizeof(*ip) + HDR || ip->ip6_nxt != IPPROTO_TERN)
		return false;
	if (syns)
		return h[13] & SYN;
	return !(h[13] & SYN) && len > (ssize_t)sizeof(*ip) + HDR && len > mtu;
}

/* The kernel fills in the checksum of what an ICMPv6 socket sends. */
static void cmd_icmp6(int type, int code, int mtu, bool syns)
{
	/* of all protocols: sees what is dropped before it comes to one */
	int listening = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
	int talking = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	uint8_t packet[2048], error[8 + sizeof(struct ip6_hdr) + HDR];
	struct sockaddr_ll from;

	if (listening < 0 || talking < 0)
		die("raw socket");
	for (;;) {
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(listening, packet, sizeof(packet), 0,
				       (struct sockaddr *)&from, &from_len);

		if (len < 0)
			die("recvfrom");
		if (from.sll_pkttype != PACKET_HOST || from.sll_protocol != htons(ETH_P_IPV6) ||
		    !is_meant6(packet, len, syns, mtu))
			continue;
		memset(error, 0, 8);
		error[0] = type;
		error[1] = code;
		put32(error + 4, mtu);
		memcpy(error + 8, packet, sizeof(error) - 8);
		to.sin6_addr = ((struct ip6_hdr *)packet)->ip6_src;
		to.sin6_scope_id = from.sll_ifindex;
		if (sendto(talking, error, sizeof(error), 0, (struct sockaddr *)&to,
			   sizeof(to)) < 0)
			die("sendto");
	}
}

/* Sockets bound to the same port at other addresses make every search for one long. */
static void bind_neighbours(int count)
{
	union address at = addr;

	for (int i = 0; i < count; i++) {
		at.v4.sin_addr.s_addr = htonl(0x7f000100 + i);
		if (do_bind(new_socket(), &at))
			die("bind");
	}
}

static int cmd_listen_race(int seconds)
{
	union address any = {
		.v4 = { .sin_family = AF_INET, .sin_port = addr.v4.sin_port },
	};
	time_t end = time(NULL) + seconds;
	int all = new_socket(), others[64];
	size_t i = 0;

	if (do_bind(all, &any))
		die("bind");
	bind_neighbours(500);
	for (i = 0; i < 64; i++) {
		others[i] = new_socket();
		if (do_bind(others[i], &addr))
			die("bind");
	}
	if (listen(all, 1000))
		die("listen");
	for (i = 0; time(NULL) < end; i = (i + 1) % 64) {
		for (int n = 0; n < 1000; n++) {
			if (!listen(others[i], 100) || errno != EADDRINUSE)
				return wrong("two listen on one address");
		}
		close(others[i]);
		others[i] = new_socket();
		/* Not while another socket listens on all addresses. */
		if (!do_bind(others[i], &addr) || errno != EADDRINUSE)
			return wrong("two are bound to one address");
		shutdown(all, SHUT_RDWR);
		if (do_bind(others[i], &addr) || listen(all, 1000))
			die("bind again");
	}
	return 0;
}

/* Where the listener is at the moment, in network order; 0 when it is time to end. */
static atomic_int target;

static void *knock(void *unused)
{
	struct linger reset = { .l_onoff = 1 };
	union address at = addr;
	int fd[16];

	for (;;) {
		at.v4.sin_port = atomic_load(&target);
		if (!at.v4.sin_port)
			return unused;
		for (int i = 0; i < 16; i++) {
			fd[i] = new_socket();
			nonblocking(fd[i]);
			do_connect(fd[i], &at);
		}
		for (int i = 0; i < 16; i++) {
			setsockopt(fd[i], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
			close(fd[i]);
		}
	}
}

static int port_of(int fd)
{
	union address own;
	socklen_t len = sizeof(own);

	if (getsockname(fd, &own.sa, &len))
		die("getsockname");
	return own.v4.sin_port;
}

static int cmd_relisten(int seconds)
{
	time_t end = time(NULL) + seconds;
	int listener = new_socket(), accepted = 0, mixed = 0;
	pthread_t thread;

	nonblocking(listener);
	do {
		if (listen(listener, 100))
			die("listen");
		if (!atomic_exchange(&target, port_of(listener)) &&
		    pthread_create(&thread, NULL, knock, NULL))
			die("pthread_create");
		for (int i = 0; i < 200; i++) {
			int fd = accept(listener, NULL, NULL);

			if (fd < 0)
				continue;
			accepted++;
			if (port_of(fd) != atomic_load(&target))
				mixed++;
			close(fd);
		}
		shutdown(listener, SHUT_RDWR);
	} while (time(NULL) < end);
	atomic_store(&target, 0);
	pthread_join(thread, NULL);
	if (!accepted)
		return wrong("nothing was accepted");
	return mixed ? wrong("accepted at a port that is another listener's") : 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} pairs[] = {
	{ "orphan", cmd_orphan },
	{ "tiny", cmd_tiny },
	{ "filter", cmd_filter },
	{ "filter-data", cmd_filter_data },
	{ "tos", cmd_tos },
	{ "lowat", cmd_lowat },
	{ "linger", cmd_linger },
	{ "off", cmd_off },
	{ "connect", cmd_connect },
};

int main(int argc, char **argv)
{
	if (argc < 4)
		return wrong("usage: see the top of the source");
	command = argv[1];
	if (!strcmp(command, "syn") && argc == 7)
		return cmd_syn(argv + 2);
	if (!strcmp(command, "icmp") && argc == 5)
		cmd_icmp(atoi(argv[2]), atoi(argv[3]), !strcmp(argv[4], "syn"));

	if (!strcmp(command, "icmp6") && argc == 6)
		cmd_icmp6(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), !strcmp(argv[5], "syn"));

	if (!parse_address(argv[2], 0, &addr))
		return wrong("that is no address");
	if (!strcmp(command, "relisten") && argc == 4)
		return cmd_relisten(atoi(argv[3]));
	addr.v6.sin6_port = htons(atoi(argv[3]));
	if (!strcmp(command, "exchange") && (argc == 5 || argc == 6))
		return cmd_exchange(atoi(argv[4]), argc == 6);
	if (!strcmp(command, "source-route") && argc == 5)
		return cmd_source_route(argv[4]);
	if (!strcmp(command, "listen-race") && argc == 5)
		return cmd_listen_race(atoi(argv[4]));
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]) && argc == 4; i++) {
		if (!strcmp(command, pairs[i].name))
			return pairs[i].run();
	}
	return wrong("usage: see the top of the source");
}
