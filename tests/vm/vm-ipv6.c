// SPDX-License-Identifier: GPL-2.0
/*
 * What is special to sockets of AF_INET6.
 *
 *	vm-ipv6 api			sequences of calls, against TCP.  There is an
 *					interface v0 with fe80::1 and fd66::1
 *	vm-ipv6 echo ADDRESS PORT [first]
 *					until killed, send back what comes, one
 *					connection after the other; "first": close
 *					before the peer does
 *	vm-ipv6 talk ADDRESS PORT [SPORT]
 *					say hello to it, from port SPORT
 *	vm-ipv6 hold ADDRESS PORT	connect, say so, and wait to be killed; the peer
 *					may reset it
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/vm/addr.h"
#include "tests/vm/transcript.h"

static int port = 30000;

static int new_socket(int family)
{
	int fd = socket(family, SOCK_STREAM, protocol);

	if (fd < 0) {
		perror("socket");
		exit(1);
	}
	return fd;
}

static union address address(const char *host, int to_port)
{
	union address addr;

	if (!parse_address(host, to_port, &addr)) {
		fprintf(stderr, "vm-ipv6: not an IP host: '%s'\n", host);
		exit(1);
	}
	return addr;
}

static int do_bind(int fd, const char *host, int at)
{
	union address addr = address(host, at);

	return bind(fd, &addr.sa, address_len(&addr));
}

static int do_connect(int fd, const char *host, int to)
{
	union address addr = address(host, to);

	return connect(fd, &addr.sa, address_len(&addr));
}

static int get_int(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, level, name, &value, &len))
		return -errno;
	return value;
}

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

static int listener_at(const char *host, int at)
{
	union address addr = address(host, at);
	int fd = new_socket(addr.sa.sa_family);

	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, &addr.sa, address_len(&addr)) || listen(fd, 8)) {
		perror("listener");
		exit(1);
	}
	return fd;
}

/* A name as far as it is the same each time and for both: the port where it is @known. */
static void note_name(const char *what, int (*get)(int, struct sockaddr *, socklen_t *), int fd,
		      int known)
{
	union address addr = { 0 };
	socklen_t len = sizeof(addr);
	char text[64] = "";

	if (get(fd, &addr.sa, &len)) {
		note(what, -1);
		return;
	}
	inet_ntop(addr.sa.sa_family, address_octets(&addr), text, sizeof(text));
	say("%s=%s", what, text);
	if (addr.sa.sa_family == AF_INET6)
		say("%%%u/%u", addr.v6.sin6_scope_id, addr.v6.sin6_flowinfo);
	say("%s ", ntohs(addr.v6.sin6_port) == known ? "-known" : "");
}

/* Connect a socket of @family to @to, where @at listens, and look at all the names. */
static void connect_names(int family, const char *to, const char *at)
{
	int lfd = listener_at(at, ++port), fd = new_socket(family), server;
	char buf[8] = "";

	say("(%s to %s) ", to, at);
	if (note("connect", do_connect(fd, to, port))) {
		note_name("own", getsockname, fd, port);
		goto out;
	}
	server = accept(lfd, NULL, NULL);
	note_name("own", getsockname, fd, port);
	note_name("peer", getpeername, fd, port);
	note_name("server", getsockname, server, port);
	note_name("server-peer", getpeername, server, port);
	note("send", send(server, "hello", 5, 0));
	note("recv", recv(fd, buf, sizeof(buf), 0));
	say("got=%s v6only=%d ", buf, get_int(server, SOL_IPV6, IPV6_V6ONLY));
	close(fd);
	close(server);
	close(lfd);
	return;
out:
	close(fd);
	close(lfd);
}

static void test_names(void)
{
	connect_names(AF_INET6, "::1", "::1");
	connect_names(AF_INET6, "::1", "::");
	connect_names(AF_INET6, "fd66::1", "::");
	connect_names(AF_INET6, "::", "::");
}

static void test_mapped(void)
{
	connect_names(AF_INET6, "::ffff:127.0.0.1", "127.0.0.1");
	connect_names(AF_INET6, "::ffff:127.0.0.1", "::");
	connect_names(AF_INET6, "::ffff:127.0.0.1", "::ffff:127.0.0.1");
	connect_names(AF_INET6, "::ffff:0.0.0.0", "0.0.0.0");
	connect_names(AF_INET, "127.0.0.1", "::");
	connect_names(AF_INET, "127.0.0.1", "::ffff:127.0.0.1");
	connect_names(AF_INET, "127.0.0.1", "::ffff:0.0.0.0");
	/* Each of these two listens to the other version. */
	connect_names(AF_INET6, "::1", "0.0.0.0");
	connect_names(AF_INET6, "::1", "::ffff:0.0.0.0");
}

static void test_link_local(void)
{
	connect_names(AF_INET6, "fe80::1%v0", "::");
	connect_names(AF_INET6, "fe80::1%v0", "fe80::1%v0");
	connect_names(AF_INET6, "fe80::1", "::");
}

static void test_wrong_scope(void)
{
	int fd = new_socket(AF_INET6), lfd = listener_at("::", ++port);

	note("lo", do_bind(fd, "fe80::1%lo", port + 1));
	note("none", do_bind(fd, "fe80::1", port + 1));
	note("bind", do_bind(fd, "fe80::1%v0", 0));
	say("bound-to-v0=%d ", get_int(fd, SOL_SOCKET, SO_BINDTOIFINDEX) ==
	    (int)if_nametoindex("v0"));
	note("other", do_connect(fd, "fe80::1%lo", port));
	note("connect", do_connect(fd, "fe80::1%v0", port));
	close(fd);
	close(lfd);
}

static void test_v6only(void)
{
	int fd = new_socket(AF_INET6), other = new_socket(AF_INET6);
	int v4 = new_socket(AF_INET), client;

	port++;
	say("default=%d ", get_int(fd, SOL_IPV6, IPV6_V6ONLY));
	note("set", set_int(fd, SOL_IPV6, IPV6_V6ONLY, 1));
	note("bind", do_bind(fd, "::", port));
	note("set-bound", set_int(fd, SOL_IPV6, IPV6_V6ONLY, 0));
	note("listen", listen(fd, 1));
	client = new_socket(AF_INET);
	note("v4", do_connect(client, "127.0.0.1", port));
	close(client);
	note("bind-v4", do_bind(v4, "0.0.0.0", port));
	note("listen-v4", listen(v4, 1));
	client = new_socket(AF_INET);
	note("v4", do_connect(client, "127.0.0.1", port));
	close(client);
	client = new_socket(AF_INET6);
	note("v6", do_connect(client, "::1", port));
	close(client);
	note("only", set_int(other, SOL_IPV6, IPV6_V6ONLY, 1));
	note("to-mapped", do_connect(other, "::ffff:127.0.0.1", port));
	note("bind-mapped", do_bind(other, "::ffff:127.0.0.1", port + 1));
	close(other);
	other = new_socket(AF_INET6);
	note("bind-v6", do_bind(other, "::1", 0));
	note("to-mapped", do_connect(other, "::ffff:127.0.0.1", port));
	close(other);
	other = new_socket(AF_INET6);
	note("bind-mapped", do_bind(other, "::ffff:127.0.0.1", 0));
	note("to-v6", do_connect(other, "::1", port));
	note("to-any", do_connect(other, "::", port));
	note_name("peer", getpeername, other, port);
	close(other);
	close(fd);
	close(v4);
}

/* Both listen, to different things: who gets what? */
static void test_preferences(void)
{
	static const char *const pairs[][2] = {
		{ "::", "127.0.0.1" }, { "::", "::1" }, { "::ffff:127.0.0.1", "0.0.0.0" },
	};

	for (int i = 0; i < 3; i++) {
		int a = new_socket(AF_INET6), b, to[2] = { 0, 0 };
		union address second = address(pairs[i][1], ++port);

		b = new_socket(second.sa.sa_family);
		set_int(a, SOL_SOCKET, SO_REUSEADDR, 1);
		set_int(b, SOL_SOCKET, SO_REUSEADDR, 1);
		note("a", do_bind(a, pairs[i][0], port));
		note("b", do_bind(b, pairs[i][1], port));
		note("listen-a", listen(a, 4));
		note("listen-b", listen(b, 4));
		fcntl(a, F_SETFL, O_NONBLOCK);
		for (int k = 0; k < 2; k++) {
			to[k] = new_socket(k ? AF_INET6 : AF_INET);
			note("connect", do_connect(to[k], k ? "::1" : "127.0.0.1", port));
			usleep(20000);
			say("a-has-it=%d ", accept(a, NULL, NULL) >= 0);
		}
		close(to[0]);
		close(to[1]);
		close(a);
		close(b);
	}
}

static const char *const places[] = {
	"::", "::1", "fd66::1", "::ffff:0.0.0.0", "::ffff:127.0.0.1", "0.0.0.0", "127.0.0.1",
};

/* Every place against every other, one way of sharing. */
static void bind_both(const char *first, const char *second, int reuse, int only, bool listening)
{
	union address a = address(first, ++port), b = address(second, port);
	int one = new_socket(a.sa.sa_family), two = new_socket(b.sa.sa_family);

	say("\n%s+%s-%d%d%d: ", first, second, reuse, only, listening);
	set_int(one, SOL_SOCKET, SO_REUSEADDR, reuse & 1);
	set_int(two, SOL_SOCKET, SO_REUSEADDR, reuse >> 1);
	if (a.sa.sa_family == AF_INET6)
		set_int(one, SOL_IPV6, IPV6_V6ONLY, only & 1);
	if (b.sa.sa_family == AF_INET6)
		set_int(two, SOL_IPV6, IPV6_V6ONLY, only >> 1);
	note("one", bind(one, &a.sa, address_len(&a)));
	if (listening)
		note("listen", listen(one, 1));
	if (!note("two", bind(two, &b.sa, address_len(&b))))
		note("listen", listen(two, 1));
	close(one);
	close(two);
}

static void test_bind_conflicts(void)
{
	const int n = sizeof(places) / sizeof(places[0]);

	for (int i = 0; i < n * n; i++) {
		/* Only in this order, TCP of Linux 6.1 does not see that they conflict. */
		if (!strcmp(places[i / n], "::ffff:0.0.0.0") &&
		    !strcmp(places[i % n], "::ffff:127.0.0.1"))
			continue;
		for (int how = 0; how < 3; how++)
			bind_both(places[i / n], places[i % n], how == 2 ? 3 : 0, 0, how == 1);
	}
}

static void test_bind_conflicts_v6only(void)
{
	const int n = sizeof(places) / sizeof(places[0]);

	for (int i = 0; i < n * n; i++) {
		for (int only = 1; only < 4; only++)
			bind_both(places[i / n], places[i % n], only == 2 ? 1 : 0, only, only & 1);
	}
}

static void test_addresses(void)
{
	int fd = new_socket(AF_INET6), v4 = new_socket(AF_INET);
	union address addr = address("::1", ++port);

	note("multicast", do_connect(fd, "ff02::1", port));
	note("multicast-global", do_connect(fd, "ff0e::1", port));
	note("no-route", do_connect(fd, "2001:db8::1", port));
	note("old-length", connect(fd, &addr.sa, 24));
	note("short", connect(fd, &addr.sa, 23));
	note("bind-old-length", bind(fd, &addr.sa, 24));
	note("v4-to-v6", connect(v4, &addr.sa, sizeof(addr.v6)));
	close(fd);
	close(v4);
	fd = new_socket(AF_INET6);
	note("bind-multicast", do_bind(fd, "ff02::1%v0", port));
	note("bind-elsewhere", do_bind(fd, "2001:db8::1", port));
	note("bind-mapped-elsewhere", do_bind(fd, "::ffff:192.0.2.1", port));
	note("refused", do_connect(fd, "::1", port));
	note("refused-mapped", do_connect(fd, "::ffff:127.0.0.1", port));
	note_name("own", getsockname, fd, port);
	close(fd);
}

static void test_options(void)
{
	int fd = new_socket(AF_INET6), v4 = new_socket(AF_INET), value = 1;
	socklen_t len = sizeof(value);

	say("tclass=%d hops=%d ", get_int(fd, SOL_IPV6, IPV6_TCLASS),
	    get_int(fd, SOL_IPV6, IPV6_UNICAST_HOPS) > 0);
	note("tclass", set_int(fd, SOL_IPV6, IPV6_TCLASS, 0x28));
	note("hops", set_int(fd, SOL_IPV6, IPV6_UNICAST_HOPS, 7));
	note("too-many", set_int(fd, SOL_IPV6, IPV6_UNICAST_HOPS, 256));
	say("tclass=%d hops=%d ", get_int(fd, SOL_IPV6, IPV6_TCLASS),
	    get_int(fd, SOL_IPV6, IPV6_UNICAST_HOPS));
	note("ttl", set_int(fd, SOL_IP, IP_TTL, 9));
	say("ttl=%d ", get_int(fd, SOL_IP, IP_TTL));
	note("unknown", setsockopt(fd, SOL_IPV6, 9999, &value, len));
	note("get-unknown", getsockopt(fd, SOL_IPV6, 9999, &value, &len));
	note("on-v4", setsockopt(v4, SOL_IPV6, IPV6_V6ONLY, &value, sizeof(value)));
	note("get-on-v4", getsockopt(v4, SOL_IPV6, IPV6_V6ONLY, &value, &len));
	close(fd);
	close(v4);
}

/*
 * One socket, used for one version after the other.  A TCP socket of Linux 6.1 cannot go
 * back to IPv6.
 */
static void test_reconnect(void)
{
	int six = listener_at("::1", ++port), four = listener_at("127.0.0.1", port);
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	int fd = new_socket(AF_INET6);

	for (int i = 0; i < 2; i++) {
		note("connect", do_connect(fd, i & 1 ? "::ffff:127.0.0.1" : "::1", port));
		note_name("own", getsockname, fd, port);
		note_name("peer", getpeername, fd, port);
		note("disconnect", connect(fd, &none, sizeof(none)));
		note_name("own", getsockname, fd, port);
		note_name("peer", getpeername, fd, port);
		usleep(20000);
	}
	for (int i = 0; i < 10 && protocol == IPPROTO_TERN; i++) {
		if (do_connect(fd, i & 1 ? "::ffff:127.0.0.1" : "::1", port) ||
		    send(fd, "x", 1, MSG_NOSIGNAL) != 1 || connect(fd, &none, sizeof(none)))
			note("again", -1);
	}
	close(fd);
	close(six);
	close(four);
}

/* A listener with IPv6 options and a child with the same: both are closed. */
static void test_children_of_options(void)
{
	uint8_t padding[8] = { 0, 0, 1, 4 }, back[8];
	int lfd = listener_at("::1", ++port), fd = new_socket(AF_INET6), server;
	socklen_t len = sizeof(back);
	char c;

	note("set", setsockopt(lfd, SOL_IPV6, IPV6_DSTOPTS, padding, sizeof(padding)));
	note("tclass", set_int(lfd, SOL_IPV6, IPV6_TCLASS, 0x28));
	note("connect", do_connect(fd, "::1", port));
	server = accept(lfd, NULL, NULL);
	close(lfd);
	note("get", getsockopt(server, SOL_IPV6, IPV6_DSTOPTS, back, &len));
	say("len=%d tclass=%d ", (int)len, get_int(server, SOL_IPV6, IPV6_TCLASS));
	note("send", send(server, "x", 1, 0));
	note("recv", recv(fd, &c, 1, 0));
	note("send", send(fd, "x", 1, 0));
	note("recv", recv(server, &c, 1, 0));
	close(server);
	close(fd);
}

static const struct sequence sequences[] = {
	{ "names of both ends", test_names, "peer=::1%0/0-known" },
	{ "v4-mapped addresses", test_mapped, "server-peer=::ffff:127.0.0.1%0/0 " },
	{ "link-local addresses", test_link_local, "(fe80::1 to ::) connect=EINVAL" },
	{ "a scope that is not the socket's", test_wrong_scope,
	  "none=EADDRNOTAVAIL bind=0 bound-to-v0=1 other=EINVAL connect=0" },
	{ "IPV6_V6ONLY", test_v6only, "set-bound=EINVAL listen=0 v4=ECONNREFUSED bind-v4=0" },
	{ "which of two listeners", test_preferences, "a=0 b=0 listen-a=0 listen-b=EADDRINUSE" },
	{ "bind conflicts", test_bind_conflicts, "::+127.0.0.1-000: one=0 two=EADDRINUSE" },
	{ "bind conflicts with IPV6_V6ONLY", test_bind_conflicts_v6only,
	  "::+127.0.0.1-011: one=0 listen=0 two=0 listen=0" },
	{ "wrong addresses", test_addresses, "multicast=ENETUNREACH" },
	{ "options", test_options, "too-many=EINVAL tclass=40 hops=7" },
	{ "one socket for both versions in turn", test_reconnect, "peer=ENOTCONN" },
	{ "what a child has from its listener", test_children_of_options, "len=8 tclass=40" },
};

static void die(const char *what)
{
	fprintf(stderr, "vm-ipv6: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void echo(const union address *at, bool first)
{
	int lfd = new_socket(at->sa.sa_family), fd;
	char buf[16384];
	ssize_t n;

	set_int(lfd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(lfd, &at->sa, address_len(at)) || listen(lfd, 8))
		die("listen");
	for (;;) {
		fd = accept(lfd, NULL, NULL);
		if (fd < 0)
			die("accept");
		while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
			if (send(fd, buf, n, MSG_NOSIGNAL) != n || first)
				break;
		}
		close(fd);
	}
}

static int talk(const union address *to, int sport)
{
	int fd = new_socket(to->sa.sa_family);
	struct timeval tv = { .tv_sec = 100 };
	char buf[8] = "";

	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (sport && do_bind(fd, to->sa.sa_family == AF_INET6 ? "::" : "0.0.0.0", sport))
		die("bind");
	if (connect(fd, &to->sa, address_len(to)))
		die("connect");
	if (send(fd, "hello", 5, MSG_NOSIGNAL) != 5)
		die("send");
	if (recv(fd, buf, 5, MSG_WAITALL) != 5 || strcmp(buf, "hello"))
		die("recv");
	usleep(50000);
	shutdown(fd, SHUT_WR);
	if (recv(fd, buf, 1, 0))
		die("no end of file");
	close(fd);
	return 0;
}

static int hold(const union address *to)
{
	struct pollfd p = { .fd = new_socket(to->sa.sa_family), .events = POLLIN };

	if (connect(p.fd, &to->sa, address_len(to)))
		die("connect");
	printf("connected\n");
	poll(&p, 1, 1000000);
	return 0;
}

int main(int argc, char **argv)
{
	union address addr;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && !strcmp(argv[1], "api"))
		return compare("ipv6", sequences, sizeof(sequences) / sizeof(sequences[0]));
	if (argc < 4 || argc > 5) {
		fprintf(stderr, "usage: see the top of the source\n");
		return 1;
	}
	protocol = IPPROTO_TERN;
	addr = address(argv[2], atoi(argv[3]));
	if (!strcmp(argv[1], "echo"))
		echo(&addr, argc == 5);
	if (!strcmp(argv[1], "talk"))
		return talk(&addr, argc == 5 ? atoi(argv[4]) : 0);
	if (!strcmp(argv[1], "hold"))
		return hold(&addr);
	fprintf(stderr, "usage: see the top of the source\n");
	return 1;
}
