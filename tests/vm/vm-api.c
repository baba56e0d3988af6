// SPDX-License-Identifier: GPL-2.0
/*
 * What programs see of a socket: each sequence of calls is made on a TCP socket
 * and on a Tern socket, over loopback, and both transcripts must be the same.
 *
 *	vm-api			AF_INET
 *	vm-api ipv6		AF_INET6
 *	vm-api mapped		AF_INET6, to IPv4 addresses
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tern.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vm/addr.h"
#include "tests/vm/transcript.h"

static int port = 20000;

static enum { IPV4, IPV6, MAPPED } version;

/* For each IPv4 address in the sequences, one that is the same to IPv6. */
static const struct {
	const char *v4;
	const char *v6;
} hosts[] = {
	{ "127.0.0.1", "::1" },
	{ "127.0.0.2", "fd66::1" },
	{ "0.0.0.0", "::" },
	{ "10.66.0.2", "fd66::2" },
	{ "10.66.0.255", "ff02::1" },
	{ "224.0.0.1", "ff0e::1" },
	{ "192.0.2.1", "2001:db8::1" },
	{ "203.0.113.1", "2001:db8::2" },
};

static int new_socket(void)
{
	int fd = socket(version == IPV4 ? AF_INET : AF_INET6, SOCK_STREAM, protocol);

	if (fd < 0) {
		perror("socket");
		exit(1);
	}
	return fd;
}

static union address address(const char *host, int to_port)
{
	union address addr = { .v6.sin6_port = htons(to_port) };
	char mapped[64];

	if (version == IPV4) {
		addr.sa.sa_family = AF_INET;
		inet_pton(AF_INET, host, &addr.v4.sin_addr);
		return addr;
	}
	addr.sa.sa_family = AF_INET6;
	snprintf(mapped, sizeof(mapped), "::ffff:%s", host);
	for (size_t i = 0; version == IPV6 && i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		if (!strcmp(host, hosts[i].v4))
			strcpy(mapped, hosts[i].v6);
	}
	if (inet_pton(AF_INET6, mapped, &addr.v6.sin6_addr) != 1)
		abort();
	return addr;
}

static int do_bind(int fd, const char *host, int to_port)
{
	union address addr = address(host, to_port);

	return bind(fd, &addr.sa, address_len(&addr));
}

static int do_connect(int fd, const char *host, int to_port)
{
	union address addr = address(host, to_port);

	return connect(fd, &addr.sa, address_len(&addr));
}

static void set_int(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		say("setsockopt=%s ", strerrorname_np(errno));
}

static int get_error(int fd)
{
	int value = -1;
	socklen_t len = sizeof(value);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &len);
	return value;
}

static void note_so_error(int fd)
{
	int err = get_error(fd);

	say("SO_ERROR=%s ", err ? strerrorname_np(err) : "0");
}

static void nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static int listener_at(int at)
{
	int fd = new_socket();

	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (do_bind(fd, "127.0.0.1", at) || listen(fd, 8)) {
		perror("listener");
		exit(1);
	}
	return fd;
}

/* A connected pair; the listener is closed again. */
static void new_pair(int *client, int *server)
{
	int lfd = listener_at(++port);

	*client = new_socket();
	if (do_connect(*client, "127.0.0.1", port)) {
		perror("connect");
		exit(1);
	}
	*server = accept(lfd, NULL, NULL);
	if (*server < 0) {
		perror("accept");
		exit(1);
	}
	close(lfd);
}

/* Poll for what is there now, after waiting up to a second for any of @want. */
static void note_poll(const char *who, int fd, short want)
{
	struct pollfd p = { .fd = fd, .events = want };

	poll(&p, 1, 1000);
	p.events = POLLIN | POLLOUT | POLLRDHUP;
	poll(&p, 1, 0);
	say("poll(%s)=", who);
	say("%s%s%s%s%s ", p.revents & POLLIN ? "I" : "", p.revents & POLLOUT ? "O" : "",
	    p.revents & POLLRDHUP ? "R" : "", p.revents & POLLHUP ? "H" : "",
	    p.revents & POLLERR ? "E" : "");
}

/* Wait until a segment that is under way has arrived. */
static void settle(void)
{
	usleep(20000);
}

static void test_unconnected(void)
{
	int fd = new_socket();
	union address addr;
	socklen_t len = sizeof(addr);
	char c;

	note("send", send(fd, "x", 1, MSG_NOSIGNAL));
	note("recv", recv(fd, &c, 1, 0));
	note("accept", accept(fd, NULL, NULL));
	note("getpeername", getpeername(fd, &addr.sa, &len));
	note("shutdown", shutdown(fd, SHUT_WR));
	note_poll("fd", fd, POLLIN);
	close(fd);
}

static void test_bind(void)
{
	int a = new_socket(), b = new_socket();

	port += 2;
	note("elsewhere", do_bind(a, "192.0.2.1", port));
	note("bind", do_bind(a, "127.0.0.1", port));
	note("again", do_bind(a, "127.0.0.1", port + 1));
	note("taken", do_bind(b, "127.0.0.1", port));
	note("any", do_bind(b, "0.0.0.0", port));
	note("other-address", do_bind(b, "127.0.0.2", port));
	close(a);
	close(b);
}

static void test_reuse(void)
{
	int a = new_socket(), b = new_socket(), c = new_socket();

	port++;
	set_int(a, SOL_SOCKET, SO_REUSEADDR, 1);
	set_int(b, SOL_SOCKET, SO_REUSEADDR, 1);
	note("a", do_bind(a, "127.0.0.1", port));
	note("b", do_bind(b, "127.0.0.1", port));
	note("without", do_bind(c, "127.0.0.1", port));
	note("listen-a", listen(a, 1));
	note("listen-b", listen(b, 1));
	set_int(c, SOL_SOCKET, SO_REUSEADDR, 1);
	note("bind-to-listener", do_bind(c, "127.0.0.1", port));
	close(a);
	close(b);
	close(c);
}

static void test_time_wait_bind(void)
{
	int client, server, fd;
	union address addr;
	socklen_t len = sizeof(addr);
	char c;

	new_pair(&client, &server);
	getsockname(server, &addr.sa, &len);
	/* The server closes first, so its port is in TIME_WAIT. */
	close(server);
	note("eof", recv(client, &c, 1, 0));
	close(client);
	settle();
	fd = new_socket();
	note("bind", bind(fd, &addr.sa, len));
	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	note("bind-reuse", bind(fd, &addr.sa, len));
	note("listen", listen(fd, 1));
	close(fd);
}

static void test_refused(void)
{
	int fd = new_socket();

	port++;
	note("connect", do_connect(fd, "127.0.0.1", port));
	note_so_error(fd);
	note("again", do_connect(fd, "127.0.0.1", port));
	close(fd);
}

static void test_refused_nonblocking(void)
{
	int fd = new_socket();

	port++;
	nonblocking(fd);
	note("connect", do_connect(fd, "127.0.0.1", port));
	note_poll("fd", fd, POLLOUT);
	note_so_error(fd);
	note_so_error(fd);
	close(fd);
}

static void test_connect_nonblocking(void)
{
	int lfd = listener_at(++port), fd = new_socket(), s;

	nonblocking(fd);
	note("connect", do_connect(fd, "127.0.0.1", port));
	note_poll("fd", fd, POLLOUT);
	note_so_error(fd);
	note("done", do_connect(fd, "127.0.0.1", port));
	note("connected", do_connect(fd, "127.0.0.1", port));
	s = accept(lfd, NULL, NULL);
	say("accepted=%d ", s >= 0);
	close(s);
	close(fd);
	close(lfd);
}

static void test_connect_in_progress(void)
{
	int fd = new_socket();

	/* A neighbour that does not exist; see vm-api.sh. */
	nonblocking(fd);
	note("connect", do_connect(fd, "10.66.0.2", 9));
	note("again", do_connect(fd, "10.66.0.2", 9));
	note_poll("fd", fd, 0);
	note("send", send(fd, "x", 1, MSG_NOSIGNAL));
	note("shutdown", shutdown(fd, SHUT_RDWR));
	close(fd);
}

static void test_connect_timeout(void)
{
	int fd = new_socket();

	note("connect", do_connect(fd, "10.66.0.2", 9));
	note_so_error(fd);
	close(fd);
}

static void test_connect_nowhere(void)
{
	int fd = new_socket();

	note("no-route", do_connect(fd, "203.0.113.1", 9));
	note("broadcast", do_connect(fd, "10.66.0.255", 9));
	note("multicast", do_connect(fd, "224.0.0.1", 9));
	close(fd);
}

static void test_address_errors(void)
{
	union address addr = address("127.0.0.1", ++port);
	socklen_t len = address_len(&addr);
	int fd = new_socket();

	note("short", connect(fd, &addr.sa, 8));
	note("bind-short", bind(fd, &addr.sa, 8));
	addr.sa.sa_family = version == IPV4 ? AF_INET6 : AF_INET;
	note("family", connect(fd, &addr.sa, len));
	note("bind-family", bind(fd, &addr.sa, len));
	close(fd);
}

static void test_listener(void)
{
	int lfd = listener_at(++port);
	char c;

	note("connect", do_connect(lfd, "127.0.0.1", port));
	note("send", send(lfd, "x", 1, MSG_NOSIGNAL));
	note("recv", recv(lfd, &c, 1, 0));
	note("listen", listen(lfd, 1));
	nonblocking(lfd);
	note("accept", accept(lfd, NULL, NULL));
	note_poll("listener", lfd, POLLIN);
	close(lfd);
}

static void test_listener_poll(void)
{
	int lfd = listener_at(++port), fd = new_socket();

	note("connect", do_connect(fd, "127.0.0.1", port));
	note_poll("listener", lfd, POLLIN);
	close(lfd);
	/* The connection that nobody accepted is reset. */
	note_poll("client", fd, POLLRDHUP);
	note_so_error(fd);
	close(fd);
}

static void test_connected(void)
{
	int client, server;

	new_pair(&client, &server);
	note("connect", do_connect(client, "127.0.0.1", port));
	note("listen", listen(client, 1));
	note("bind", do_bind(client, "127.0.0.1", port + 1));
	note("accept", accept(client, NULL, NULL));
	note_poll("client", client, POLLOUT);
	close(client);
	close(server);
}

static void test_names(void)
{
	union address a = { 0 }, b = { 0 };
	socklen_t len = sizeof(a);
	int client, server;

	new_pair(&client, &server);
	getsockname(client, &a.sa, &len);
	getpeername(server, &b.sa, &len);
	say("len=%d ", (int)len);
	say("client-agrees=%d ", !memcmp(&a, &b, sizeof(a)));
	getsockname(server, &a.sa, &len);
	getpeername(client, &b.sa, &len);
	say("server-agrees=%d ", !memcmp(&a, &b, sizeof(a)));
	say("port=%d ", ntohs(a.v6.sin6_port) == port);
	close(client);
	close(server);
}

static void test_echo(void)
{
	char buf[16] = "";
	int client, server;

	new_pair(&client, &server);
	note("send", send(client, "hello", 5, 0));
	note("peek", recv(server, buf, sizeof(buf), MSG_PEEK));
	note("peek-again", recv(server, buf, 2, MSG_PEEK));
	note("recv", recv(server, buf, 2, 0));
	note("rest", recv(server, buf + 2, sizeof(buf) - 2, 0));
	say("got=%.5s ", buf);
	note("dontwait", recv(server, buf, 1, MSG_DONTWAIT));
	note("back", send(server, "world", 5, 0));
	note("waitall", recv(client, buf, 5, MSG_WAITALL));
	note("zero", recv(client, buf, 0, MSG_DONTWAIT));
	note("send-zero", send(client, buf, 0, 0));
	close(client);
	close(server);
}

static void test_trunc(void)
{
	int client, server, inq = -1;
	char buf[8];

	new_pair(&client, &server);
	note("send", send(client, "abcdef", 6, 0));
	settle();
	note("ioctl", ioctl(server, SIOCINQ, &inq));
	say("inq=%d ", inq);
	note("trunc", recv(server, NULL, 4, MSG_TRUNC));
	note("rest", recv(server, buf, sizeof(buf), 0));
	note("ioctl", ioctl(server, SIOCINQ, &inq));
	say("inq=%d ", inq);
	usleep(60000);	/* a delayed acknowledgment may be on its way */
	note("outq", ioctl(client, SIOCOUTQ, &inq));
	say("outq=%d ", inq);
	close(client);
	close(server);
}

static void test_half_close(void)
{
	int client, server;
	char buf[8];

	new_pair(&client, &server);
	note("send", send(client, "bye", 3, 0));
	note("shutdown", shutdown(client, SHUT_WR));
	note("send-after", send(client, "x", 1, MSG_NOSIGNAL));
	note("recv", recv(server, buf, sizeof(buf), 0));
	note("eof", recv(server, buf, sizeof(buf), 0));
	note("eof-again", recv(server, buf, sizeof(buf), 0));
	note_poll("server", server, POLLRDHUP);
	note("answer", send(server, "still", 5, 0));
	note("client-recv", recv(client, buf, sizeof(buf), 0));
	note_poll("client", client, POLLIN);
	note("server-shutdown", shutdown(server, SHUT_WR));
	note("client-eof", recv(client, buf, sizeof(buf), 0));
	note_poll("client", client, POLLHUP);
	settle();
	note_poll("server", server, POLLHUP);
	note("recv-after", recv(client, buf, sizeof(buf), 0));
	note("send-after", send(server, "x", 1, MSG_NOSIGNAL));
	close(client);
	close(server);
}

static void test_shutdown_read(void)
{
	int client, server;
	char buf[8];

	new_pair(&client, &server);
	note("shutdown", shutdown(client, SHUT_RD));
	note("recv", recv(client, buf, sizeof(buf), 0));
	note_poll("client", client, POLLIN);
	note("bad", shutdown(client, 7));
	close(client);
	close(server);
}

static void test_close_is_eof(void)
{
	int client, server;
	char buf[8];

	new_pair(&client, &server);
	close(server);
	note("eof", recv(client, buf, sizeof(buf), 0));
	note_poll("client", client, POLLIN);
	note("send", send(client, "x", 1, MSG_NOSIGNAL));
	settle();
	/* There is nobody to take it: RST. */
	note("send-again", send(client, "x", 1, MSG_NOSIGNAL));
	note_so_error(client);
	note_poll("client", client, POLLHUP);
	close(client);
}

static void test_unread_is_reset(void)
{
	int client, server;
	char buf[8];

	new_pair(&client, &server);
	note("send", send(client, "unread", 6, 0));
	settle();
	close(server);
	settle();
	note_poll("client", client, POLLERR);
	note("recv", recv(client, buf, sizeof(buf), 0));
	note("recv-again", recv(client, buf, sizeof(buf), 0));
	note("send", send(client, "x", 1, MSG_NOSIGNAL));
	close(client);
}

static void test_linger_zero(void)
{
	struct linger linger = { .l_onoff = 1 };
	int client, server;
	char buf[8];

	new_pair(&client, &server);
	note("send", send(client, "data", 4, 0));
	settle();
	setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(client);
	settle();
	/* As for TCP: what came before the reset can still be read. */
	note_poll("server", server, POLLERR);
	note("recv", recv(server, buf, sizeof(buf), 0));
	note("recv-again", recv(server, buf, sizeof(buf), 0));
	note_so_error(server);
	close(server);
}

static void test_linger(void)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 5 };
	int client, server;
	char buf[8];

	new_pair(&client, &server);
	setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	note("send", send(client, "data", 4, 0));
	note("close", close(client));
	note("recv", recv(server, buf, sizeof(buf), 0));
	note("eof", recv(server, buf, sizeof(buf), 0));
	close(server);
}

static void test_sigpipe(void)
{
	int client, server, status;
	pid_t pid;

	new_pair(&client, &server);
	shutdown(client, SHUT_WR);
	pid = fork();
	if (!pid) {
		signal(SIGPIPE, SIG_DFL);
		send(client, "x", 1, 0);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	say("signal=%d ", WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
	close(client);
	close(server);
}

static void test_full_buffers(void)
{
	int client, server, n = 0;
	char buf[16384] = "";
	long ret, total = 0, got = 0;

	new_pair(&client, &server);
	set_int(client, SOL_SOCKET, SO_SNDBUF, 65536);
	nonblocking(client);
	nonblocking(server);
	while ((ret = send(client, buf, sizeof(buf), 0)) > 0 && n++ < 2000)
		total += ret;
	note("full", ret);
	/* Until the receiver's buffer is full as well, the last of it by a probe. */
	for (int quiet = 0; quiet < 100; quiet++) {
		settle();
		while ((ret = send(client, buf, sizeof(buf), 0)) > 0 && n++ < 2000) {
			total += ret;
			quiet = 0;
		}
	}
	note("still", ret);
	note_poll("client", client, 0);
	for (n = 0; n < 20000 && got < total; n++) {
		ret = recv(server, buf, sizeof(buf), 0);
		if (ret > 0)
			got += ret;
		else
			usleep(1000);
	}
	say("all=%d ", got == total);
	note_poll("client", client, POLLOUT);
	close(client);
	close(server);
}

static void test_timeouts(void)
{
	struct timeval tv = { .tv_usec = 50000 };
	int client, server;
	char c;

	new_pair(&client, &server);
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	note("recv", recv(client, &c, 1, 0));
	close(client);
	close(server);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void test_interrupted(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval timer = { .it_value.tv_usec = 50000 };
	int client, server, lfd;
	char c;

	sigaction(SIGALRM, &sa, NULL);
	new_pair(&client, &server);
	setitimer(ITIMER_REAL, &timer, NULL);
	note("recv", recv(client, &c, 1, 0));
	lfd = listener_at(++port);
	setitimer(ITIMER_REAL, &timer, NULL);
	note("accept", accept(lfd, NULL, NULL));
	close(lfd);
	close(client);
	close(server);
}

static void test_disconnect(void)
{
	struct sockaddr sa = { .sa_family = AF_UNSPEC };
	int client, server;
	char c;

	new_pair(&client, &server);
	note("disconnect", connect(client, &sa, sizeof(sa)));
	settle();
	note("recv", recv(server, &c, 1, 0));
	port++;
	note("refused", do_connect(client, "127.0.0.1", port));
	close(listener_at(port));
	server = listener_at(port);
	note("connect", do_connect(client, "127.0.0.1", port));
	close(client);
	close(server);
}

static void test_listen_without_bind(void)
{
	union address addr;
	socklen_t len = sizeof(addr);
	int lfd = new_socket(), fd = new_socket();

	note("listen", listen(lfd, 1));
	getsockname(lfd, &addr.sa, &len);
	say("port=%d ", addr.v6.sin6_port != 0);
	note("connect", do_connect(fd, "127.0.0.1", ntohs(addr.v6.sin6_port)));
	note("shutdown", shutdown(lfd, SHUT_RD));
	note("accept", accept(lfd, NULL, NULL));
	close(fd);
	close(lfd);
}

static void test_nodelay(void)
{
	int fd = new_socket(), value = -1;
	int level = protocol == IPPROTO_TCP ? IPPROTO_TCP : SOL_TERN;
	socklen_t len = sizeof(value);

	note("get", getsockopt(fd, level, TERN_NODELAY, &value, &len));
	say("value=%d ", value);
	value = 1;
	note("set", setsockopt(fd, level, TERN_NODELAY, &value, sizeof(value)));
	note("get", getsockopt(fd, level, TERN_NODELAY, &value, &len));
	say("value=%d ", value);
	note("short", setsockopt(fd, level, TERN_NODELAY, &value, 1));
	note("unknown", setsockopt(fd, level, 9999, &value, sizeof(value)));
	note("get-unknown", getsockopt(fd, level, 9999, &value, &len));
	close(fd);
}

static void test_inherit(void)
{
	int client, server, value = -1;
	socklen_t len = sizeof(value);
	pid_t pid;
	char c;

	new_pair(&client, &server);
	getsockopt(server, SOL_SOCKET, SO_REUSEADDR, &value, &len);
	say("reuse=%d ", value);
	pid = fork();
	if (!pid) {
		send(server, "c", 1, 0);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	/* The child's exit does not close what the parent holds too. */
	note("recv", recv(client, &c, 1, 0));
	note("dontwait", recv(client, &c, 1, MSG_DONTWAIT));
	close(client);
	close(server);
}

static const struct sequence sequences[] = {
	{ "calls on an unconnected socket", test_unconnected,
	  "send=EPIPE recv=ENOTCONN accept=EINVAL" },
	{ "bind and its errors", test_bind, "taken=EADDRINUSE any=EADDRINUSE other-address=0" },
	{ "SO_REUSEADDR", test_reuse, "without=EADDRINUSE listen-a=0 listen-b=EADDRINUSE" },
	{ "bind to a port in TIME_WAIT", test_time_wait_bind, "bind=EADDRINUSE bind-reuse=0" },
	{ "connection refused", test_refused, "connect=ECONNREFUSED" },
	{ "connection refused, non-blocking", test_refused_nonblocking,
	  "SO_ERROR=ECONNREFUSED SO_ERROR=0" },
	{ "connect, non-blocking", test_connect_nonblocking,
	  "connect=EINPROGRESS poll(fd)=O SO_ERROR=0" },
	{ "connect in progress", test_connect_in_progress, "again=EALREADY" },
	{ "connect times out", test_connect_timeout, "connect=ETIMEDOUT" },
	{ "connect to nowhere", test_connect_nowhere, "no-route=ENETUNREACH" },
	{ "wrong addresses", test_address_errors, "short=EINVAL" },
	{ "calls on a listener", test_listener, "accept=EAGAIN" },
	{ "listener closed before accept", test_listener_poll, "poll(listener)=I" },
	{ "calls on a connected socket", test_connected, "connect=EISCONN" },
	{ "names of both ends", test_names, "client-agrees=1 server-agrees=1 port=1" },
	{ "send and receive", test_echo, "got=hello dontwait=EAGAIN" },
	{ "MSG_TRUNC, SIOCINQ, SIOCOUTQ", test_trunc, "inq=6 trunc=4 rest=2 ioctl=0 inq=0" },
	{ "half close", test_half_close, "send-after=EPIPE recv=3 eof=0 eof-again=0" },
	{ "shutdown of reading", test_shutdown_read, "recv=0" },
	{ "close is end of file", test_close_is_eof, "eof=0" },
	{ "close with unread data is a reset", test_unread_is_reset, "recv=ECONNRESET" },
	{ "SO_LINGER 0 is a reset", test_linger_zero, "send=4" },
	{ "SO_LINGER waits", test_linger, "close=0 recv=4 eof=0" },
	{ "SIGPIPE", test_sigpipe, "signal=1" },
	{ "full buffers", test_full_buffers, "full=EAGAIN" },
	{ "SO_RCVTIMEO", test_timeouts, "recv=EAGAIN" },
	{ "interrupted calls", test_interrupted, "recv=EINTR accept=EINTR" },
	{ "connect to AF_UNSPEC", test_disconnect,
	  "disconnect=0 recv=ECONNRESET refused=ECONNREFUSED connect=0" },
	{ "listen without bind", test_listen_without_bind,
	  "port=1 connect=0 shutdown=0 accept=EINVAL" },
	{ "no-delay option", test_nodelay,
	  "value=0 set=0 get=0 value=1 short=EINVAL unknown=ENOPROTOOPT" },
	{ "inherited by a child", test_inherit, "recv=1 dontwait=EAGAIN" },
};

int main(int argc, char **argv)
{
	const char *suite = argc > 1 ? argv[1] : "api";

	if (!strcmp(suite, "ipv6"))
		version = IPV6;
	else if (!strcmp(suite, "mapped"))
		version = MAPPED;
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	return compare(suite, sequences, sizeof(sequences) / sizeof(sequences[0]));
}
