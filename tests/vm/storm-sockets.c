// SPDX-License-Identifier: GPL-2.0
/*
 * What storms do with sockets: the helpers that all of them use, and the storms in which
 * two ends of a connection, or many sockets, get into each other's way.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/time.h>

#include "tests/vm/storm.h"

#define PORT 7000

/** address_of() - of a host; NULL is this very host */
union address address_of(const struct host *host, bool v6, int port)
{
	union address addr = { 0 };
	char text[32];

	if (!host)
		strcpy(text, v6 ? "::1" : "127.0.0.1");
	else
		snprintf(text, sizeof(text), v6 ? "fd07::%x" : "10.7.0.%d", host->octet);
	addr.sa.sa_family = v6 ? AF_INET6 : AF_INET;
	inet_pton(addr.sa.sa_family, text,
		  v6 ? (void *)&addr.v6.sin6_addr : (void *)&addr.v4.sin_addr);
	addr.v6.sin6_port = htons(port);
	return addr;
}

/** any_address() - all addresses; of IPv6, both families' */
union address any_address(bool v6, int port)
{
	union address addr = { .v6.sin6_port = htons(port) };

	addr.sa.sa_family = v6 ? AF_INET6 : AF_INET;
	return addr;
}

/* What ICMP errors, routes and links that go away may bring to a call. */
static const short from_network[] = {
	ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN, ENONET, ENOPROTOOPT, EMSGSIZE,
	EOPNOTSUPP, EACCES, EPROTO, ETIMEDOUT, ECONNREFUSED, ECONNRESET, ECONNABORTED, EINVAL,
	0
};

static const struct {
	const char *call;
	short errnos[16];
	bool network;
} documented[] = {
	{ "socket", { EMFILE, ENOBUFS, ENOMEM, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EAFNOSUPPORT },
	  false },
	{ "bind", { EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENOBUFS }, false },
	{ "listen", { EADDRINUSE, EINVAL, ENETDOWN, ENOBUFS }, false },
	{ "accept", { EMFILE, EAGAIN, EINTR, EINVAL, ECONNABORTED }, false },
	{ "connect", { EINPROGRESS, EALREADY, EISCONN, EINTR, EADDRNOTAVAIL, EADDRINUSE,
		       ENOBUFS, EPIPE }, true },
	{ "recv", { EAGAIN, EINTR, ENOTCONN, EPIPE }, true },
	{ "send", { EAGAIN, EINTR, ENOTCONN, EPIPE }, true },
	{ "shutdown", { ENOTCONN }, false },
	{ "close", { EINTR }, false },
};

static bool listed(const short *errnos, int err)
{
	while (*errnos && *errnos != err)
		errnos++;
	return *errnos;
}

/** expected() - did a call succeed?  If not, it must be for a documented reason */
bool expected(const char *call, int result)
{
	if (result >= 0)
		return true;
	if (errno == ECONNRESET || errno == EPIPE)
		tally->reset++;
	for (size_t i = 0; i < sizeof(documented) / sizeof(documented[0]); i++) {
		if (strcmp(documented[i].call, call))
			continue;
		if (listed(documented[i].errnos, errno) ||
		    (documented[i].network && listed(from_network, errno)))
			return false;
	}
	broken("%s: %s", call, strerror(errno));
	return false;
}

void set_option(int fd, int level, int option, int value)
{
	setsockopt(fd, level, option, &value, sizeof(value));
}

/** set_patience() - how long a call on a socket may block, 0: for ever */
void set_patience(int fd, unsigned int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

/** new_socket() - that blocks for a while only; -1 where Tern is not loaded */
int new_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TERN);

	if (!expected("socket", fd))
		return -1;
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	set_patience(fd, 100);
	return fd;
}

/** new_listener() - on all addresses; -1 when somebody else is there */
int new_listener(int family, int port, int backlog)
{
	union address addr = any_address(family == AF_INET6, port);
	int fd = new_socket(family);

	if (fd < 0)
		return -1;
	if (expected("bind", bind(fd, &addr.sa, address_len(&addr))) &&
	    expected("listen", listen(fd, backlog)))
		return fd;
	close(fd);
	return -1;
}

/** connect_to() - a socket that is connected, or about to be; or -1 */
int connect_to(struct actor *a, const union address *to)
{
	int fd = new_socket(to->sa.sa_family);

	if (fd < 0)
		return -1;
	a->doing = "connect";
	if (expected("connect", connect(fd, &to->sa, address_len(to)))) {
		tally->opened++;
		return fd;
	}
	if (errno == EINPROGRESS)
		return fd;
	expected("close", close(fd));
	return -1;
}

/** close_somehow() - with FIN, with RST, in two steps, or with octets unread */
void close_somehow(struct actor *a, int fd)
{
	struct linger now = { .l_onoff = 1 }, later = { .l_onoff = 1, .l_linger = 1 };
	char c;

	if (fd < 0)
		return;
	a->doing = "close";
	switch (below(a, 6)) {
	case 0:
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		break;
	case 1:
		expected("shutdown", shutdown(fd, SHUT_WR));
		break;
	case 2:
		expected("shutdown", shutdown(fd, SHUT_RDWR));
		break;
	case 3:
		expected("shutdown", shutdown(fd, SHUT_WR));
		expected("recv", recv(fd, &c, 1, 0));
		break;
	case 4:
		if (once_in(a, 8))
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &later, sizeof(later));
		break;
	}
	expected("close", close(fd));
}

/** talk() - a few calls on a connected socket, none of which waits for long */
void talk(struct actor *a, int fd)
{
	static const char octets[20000];
	char buf[4096];

	for (int n = below(a, 4); n; n--) {
		a->doing = "talk";
		if (once_in(a, 2))
			expected("send", send(fd, octets, 1 + below(a, once_in(a, 4) ? 20000 : 100),
					      MSG_NOSIGNAL | MSG_DONTWAIT));
		else
			expected("recv", recv(fd, buf, sizeof(buf),
					      once_in(a, 4) ? MSG_PEEK | MSG_DONTWAIT :
					      MSG_DONTWAIT));
	}
}

/** make_connection() - both ends of one within this host; false when there is none */
bool make_connection(struct actor *a, bool v6, int fds[2])
{
	union address addr = address_of(NULL, v6, 0);
	socklen_t len = sizeof(addr);
	int listener = new_socket(addr.sa.sa_family);

	fds[0] = -1;
	fds[1] = -1;
	if (listener < 0)
		return false;
	if (expected("bind", bind(listener, &addr.sa, address_len(&addr))) &&
	    expected("listen", listen(listener, 1)) &&
	    !getsockname(listener, &addr.sa, &len))
		fds[0] = connect_to(a, &addr);
	if (fds[0] >= 0) {
		fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		expected("accept", fds[1]);
	}
	close(listener);
	if (fds[1] >= 0) {
		tally->accepted++;
		set_patience(fds[1], 100);
		return true;
	}
	if (fds[0] >= 0)
		close(fds[0]);
	return false;
}

/* Accept what comes for a while; each is served a little. */
static void accept_some(struct actor *a, int listener, int n)
{
	while (n-- && time_left()) {
		int fd;

		a->doing = "accept";
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (!expected("accept", fd))
			continue;
		tally->accepted++;
		talk(a, fd);
		close_somehow(a, fd);
	}
}

/** serve() - listen at @a->arg with queues of all lengths, and close while they are full */
void serve(struct actor *a)
{
	while (more(a, "listen")) {
		int fd = new_listener(once_in(a, 4) ? AF_INET : AF_INET6, (long)a->arg,
				      below(a, 20));

		if (fd < 0) {
			pause_us(a, 1000);
			continue;
		}
		if (once_in(a, 3))
			set_patience(fd, 20);
		for (int n = below(a, 4); n; n--) {
			accept_some(a, fd, below(a, 12));
			pause_us(a, 4000);
		}
		/* Shut down, it can listen again. */
		if (once_in(a, 4)) {
			expected("shutdown", shutdown(fd, SHUT_RDWR));
			if (expected("listen", listen(fd, below(a, 4))))
				accept_some(a, fd, 2);
		}
		a->doing = "close a listener";
		close(fd);
	}
}

/** visit() - connect to @a->arg of the other host, or of this one, talk, and leave */
void visit(struct actor *a)
{
	const struct host *other = a->host == host_a ? host_b : host_a;

	while (more(a, "visit")) {
		union address to = address_of(once_in(a, 4) ? NULL : other, once_in(a, 2),
					      (long)a->arg);
		int fd = connect_to(a, &to);

		if (fd < 0) {
			pause_us(a, 500);
			continue;
		}
		talk(a, fd);
		close_somehow(a, fd);
	}
}

/** sink() - accept at @a->arg, and read for as long as somebody sends */
void sink(struct actor *a)
{
	char buf[16384];

	while (more(a, "sink")) {
		int listener = new_listener(AF_INET6, (long)a->arg, 8), fd;

		if (listener < 0) {
			pause_us(a, 2000);
			continue;
		}
		while (time_left()) {
			a->doing = "accept";
			fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			if (!expected("accept", fd)) {
				if (errno != EAGAIN)
					break;
				continue;
			}
			tally->accepted++;
			set_patience(fd, 100);
			a->doing = "read";
			while (time_left() && recv(fd, buf, sizeof(buf), 0) > 0)
				tally->operations++;
			close_somehow(a, fd);
		}
		close(listener);
	}
}

/** bulk() - send as much as possible to @a->arg of the other host */
void bulk(struct actor *a)
{
	const struct host *other = a->host == host_a ? host_b : host_a;
	static const char octets[30000];

	while (more(a, "bulk")) {
		union address to = address_of(other, once_in(a, 2), (long)a->arg);
		int fd = connect_to(a, &to), n = 1 + below(a, 200);

		if (fd < 0) {
			pause_us(a, 2000);
			continue;
		}
		a->doing = "send";
		while (n-- && time_left() &&
		       expected("send", send(fd, octets, sizeof(octets), MSG_NOSIGNAL)))
			tally->operations++;
		close_somehow(a, fd);
	}
}

/* accept racing with RST: those who come leave at once, those who accept are several. */

struct shared_listener {
	atomic_int fd;
};

static struct shared_listener shared = { .fd = -1 };

static void accept_shared(struct actor *a)
{
	while (more(a, "accept"))
		accept_some(a, shared.fd, 1);
}

static void knock(struct actor *a)
{
	struct linger now = { .l_onoff = 1 };

	while (more(a, "knock")) {
		union address to = address_of(host_b, once_in(a, 2), PORT);
		int fd = connect_to(a, &to);

		if (fd < 0)
			continue;
		if (once_in(a, 3))
			talk(a, fd);
		if (!once_in(a, 8))
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(fd);
	}
}

static void accept_begin(void)
{
	host_enter(host_b);
	shared.fd = new_listener(AF_INET6, PORT, 4);
	if (shared.fd < 0)
		die("listener");
	set_patience(shared.fd, 100);
	actors_add(3, "who accepts", accept_shared, host_b, NULL);
	actors_add(3, "who knocks", knock, host_a, NULL);
	actor_add("noise", raw_noise, host_a, (void *)PORT);
}

static void accept_end(void)
{
	close(shared.fd);
}

/* close racing with FIN, RST and data. */

static void close_one(struct actor *a, int i, void *arg)
{
	int *fds = arg;

	if (once_in(a, 2))
		talk(a, fds[i]);
	close_somehow(a, fds[i]);
}

static void closers(struct actor *a)
{
	while (more(a, "connection")) {
		int fds[2];

		if (!make_connection(a, once_in(a, 2), fds))
			continue;
		talk(a, fds[0]);
		talk(a, fds[1]);
		a->doing = "both close";
		race(a, 2, close_one, fds);
	}
}

static void close_begin(void)
{
	actors_add(2, "both ends", closers, host_a, NULL);
	actors_add(2, "both ends", closers, host_b, NULL);
}

/* connect racing with connect on the same ends. */

struct match {
	union address ends[2];
	atomic_int connected;
	bool same_side;
};

/* Return: a socket that is bound, with @from. */
static int bound_socket(const union address *from)
{
	int fd = new_socket(from->sa.sa_family);

	if (fd < 0 || expected("bind", bind(fd, &from->sa, address_len(from))))
		return fd;
	close(fd);
	return -1;
}

static void one_connects(struct actor *a, int i, void *arg)
{
	struct match *m = arg;
	const union address *to = &m->ends[m->same_side ? 1 : !i];
	int fd;

	if (!m->same_side)
		host_enter(i ? host_b : host_a);
	fd = bound_socket(&m->ends[m->same_side ? 0 : i]);
	if (fd < 0)
		return;
	if (expected("connect", connect(fd, &to->sa, address_len(to)))) {
		/* Of those who want the same ends, one has them for as long as he likes. */
		if (m->same_side && m->connected++)
			broken("two sockets have the same ends");
		tally->opened++;
		tally->special++;
		talk(a, fd);
		if (m->same_side)
			m->connected--;
	}
	close_somehow(a, fd);
}

/* Simultaneous open: two hosts, each with a port that the other one connects to. */
static void meet(struct actor *a)
{
	int base = (long)a->arg, n = 0;

	while (more(a, "simultaneous open")) {
		bool v6 = once_in(a, 2);
		struct match m = {
			.ends = { address_of(host_a, v6, base + n % 500),
				  address_of(host_b, v6, base + n % 500) },
		};

		n++;
		race(a, 2, one_connects, &m);
	}
}

/* Two or three sockets of one host want to be the same end of the same connection. */
static void compete(struct actor *a)
{
	int base = (long)a->arg, n = 0;

	while (more(a, "the same ends")) {
		bool v6 = once_in(a, 2);
		struct match m = {
			.ends = { address_of(host_a, v6, base + n % 500),
				  address_of(once_in(a, 2) ? host_a : host_b, v6, PORT) },
			.same_side = true,
		};

		/* To itself: the ends are one. */
		if (once_in(a, 8))
			m.ends[1] = m.ends[0];
		n++;
		race(a, 2 + below(a, 2), one_connects, &m);
	}
}

static void connect_begin(void)
{
	actor_add("simultaneous", meet, host_a, (void *)20000);
	actor_add("simultaneous", meet, host_a, (void *)21000);
	actor_add("competitors", compete, host_a, (void *)22000);
	actor_add("competitors", compete, host_a, (void *)23000);
	actor_add("server", sink, host_b, (void *)PORT);
	actor_add("server", sink, host_b, (void *)PORT);
	actor_add("server", sink, host_a, (void *)PORT);
}

/* Listeners that close with full queues, with floods in front and without. */

static void listeners_begin(void)
{
	actors_add(2, "listener", serve, host_b, (void *)PORT);
	actors_add(3, "visitor", visit, host_a, (void *)PORT);
	actor_add("handshakes", raw_cookies, host_a, (void *)PORT);
	actor_add("flood", raw_flood, host_a, (void *)PORT);
	host_enter(host_b);
	write_file("/proc/sys/net/tern/syncookies", "0");
}

static void toggle_cookies(struct actor *a)
{
	while (more(a, "sysctl")) {
		write_file("/proc/sys/net/tern/syncookies", "%u", below(a, 3));
		write_file("/proc/sys/net/tern/max_syn_backlog", "%u", 1 + below(a, 16));
		pause_us(a, 20000);
	}
}

static void cookies_begin(void)
{
	host_enter(host_b);
	write_file("/proc/sys/net/tern/syncookies", "2");
	actors_add(2, "listener", serve, host_b, (void *)PORT);
	actors_add(2, "visitor", visit, host_a, (void *)PORT);
	actors_add(2, "handshakes", raw_cookies, host_a, (void *)PORT);
	actor_add("flood", raw_flood, host_a, (void *)PORT);
	actor_add("who changes his mind", toggle_cookies, host_b, NULL);
}

/* Who has a port: with and without SO_REUSEADDR, of both families, listening or not. */

static atomic_int listening[4];

static void claim(struct actor *a)
{
	while (more(a, "claim")) {
		int which = below(a, 4), fd = new_socket(once_in(a, 2) ? AF_INET : AF_INET6);
		union address addr = { 0 };
		socklen_t len = sizeof(addr);
		bool v6;

		if (fd < 0)
			continue;
		getsockname(fd, &addr.sa, &len);
		v6 = addr.sa.sa_family == AF_INET6;
		set_option(fd, SOL_SOCKET, SO_REUSEADDR, below(a, 2));
		/* The law is about those that want all addresses of both families. */
		addr = any_address(v6, once_in(a, 8) ? 0 : PORT + which);
		if (expected("bind", bind(fd, &addr.sa, address_len(&addr))) &&
		    once_in(a, 2) && expected("listen", listen(fd, 1))) {
			if (addr.v6.sin6_port) {
				tally->special++;
				if (listening[which]++)
					broken("two listen at one port");
				pause_us(a, 200);
				listening[which]--;
			}
		} else if (once_in(a, 2)) {
			addr = address_of(NULL, v6, PORT + which);
			expected("connect", connect(fd, &addr.sa, address_len(&addr)));
		}
		close_somehow(a, fd);
	}
}

static void bind_begin(void)
{
	actors_add(5, "who claims", claim, host_a, NULL);
}

/* Both families at one port: of both, of one, of one on behalf of the other. */

static void of_one_family(struct actor *a)
{
	while (more(a, "listen")) {
		bool v6 = once_in(a, 2);
		int fd = new_socket(v6 ? AF_INET6 : AF_INET);
		union address addr = any_address(v6, PORT);

		if (fd < 0)
			continue;
		if (v6)
			set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		if (once_in(a, 2))
			addr = address_of(host_b, v6, PORT);
		if (expected("bind", bind(fd, &addr.sa, address_len(&addr))) &&
		    expected("listen", listen(fd, below(a, 4))))
			accept_some(a, fd, below(a, 6));
		close(fd);
		pause_us(a, 1000);
	}
}

/* An AF_INET6 socket to an IPv4 address. */
static void visit_mapped(struct actor *a)
{
	while (more(a, "mapped")) {
		union address v4 = address_of(host_b, false, PORT), to = any_address(true, PORT);
		int fd;

		to.v6.sin6_addr.s6_addr32[2] = htonl(0xffff);
		to.v6.sin6_addr.s6_addr32[3] = v4.v4.sin_addr.s_addr;
		fd = connect_to(a, &to);
		if (fd < 0) {
			pause_us(a, 500);
			continue;
		}
		if (once_in(a, 4))
			set_option(fd, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET);
		talk(a, fd);
		close_somehow(a, fd);
	}
}

static void families_begin(void)
{
	actors_add(3, "listener", of_one_family, host_b, NULL);
	actor_add("listener of both", serve, host_b, (void *)PORT);
	actors_add(2, "visitor", visit, host_a, (void *)PORT);
	actors_add(2, "mapped visitor", visit_mapped, host_a, NULL);
}

const struct storm socket_storms[] = {
	{ .name = "accept", .begin = accept_begin, .end = accept_end },
	{ .name = "close", .begin = close_begin },
	{ .name = "connect", .begin = connect_begin, .special = "connected" },
	{ .name = "listeners", .begin = listeners_begin },
	{ .name = "cookies", .begin = cookies_begin },
	{ .name = "bind", .begin = bind_begin, .special = "listened" },
	{ .name = "families", .begin = families_begin },
	{ .name = NULL },
};
