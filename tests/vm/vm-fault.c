// SPDX-License-Identifier: GPL-2.0
/*
 * Calls whose allocations fail, one after the other, and work that has to be done
 * although some fail.
 *
 *	vm-fault calls ADDRESS PORT	what a program does with sockets
 *	vm-fault listen ADDRESS		the first listener of a namespace
 *	vm-fault namespace		a namespace is made
 *	vm-fault module FILE		the module is loaded
 *	vm-fault work ADDRESS PORT ROUNDS
 *			connections with octets both ways, also out of many little pieces;
 *			a call that fails for want of memory is made again
 *
 * /proc/thread-self/fail-nth lets the kernel fail the n-th allocation from here on, of
 * those that the filters in debugfs let count: for n = 1, 2, ... until the call makes
 * fewer.  Each time it has to succeed nevertheless or to say ENOMEM or the like, and
 * then to work when it is made again.  Memory of the program itself is locked, or a
 * page fault would be what fails.
 *
 * Each call's line says how many failed and how it ended then.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tern.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vm/addr.h"

/* No call makes so many. */
#define MOST 3000
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* One of the things that is done again and again. */
struct call {
	const char *name;
	void (*prepare)(void);
	int (*run)(void);
	void (*undo)(void);	/* also sees whether it has worked */
};

static union address addr;
static const char *module_file;
static int fail_nth, listener = -1, client = -1, server = -1;
static char octets[100000], got[100000];
static bool wrong;

static void die(const char *what)
{
	fprintf(stderr, "vm-fault: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void complain(const char *name, int n, const char *what)
{
	fprintf(stderr, "vm-fault: %s: failure %d: %s\n", name, n, what);
	wrong = true;
}

static bool for_want_of_memory(int error)
{
	/*
	 * ENFILE is what the kernel says of a socket's inode.  EFAULT: a copy from or to
	 * the program can be made to fail, too.
	 */
	return error == ENOMEM || error == ENOBUFS || error == ENFILE || error == EFAULT;
}

/* Let the n-th allocation fail; 0: none.  This copy may be what fails, once. */
static void inject(int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);

	if (pwrite(fail_nth, text, len, 0) != len && pwrite(fail_nth, text, len, 0) != len)
		die("fail-nth");
}

/* Return: has it failed?  A copy to us that fails is that of this very read. */
static bool injected(void)
{
	char text[16] = "";
	bool used = pread(fail_nth, text, sizeof(text) - 1, 0) > 0 && atoi(text) == 0;

	inject(0);
	return used;
}

/* How often each error came. */
static void print_errors(const int *errors)
{
	for (int i = 1; i < 256; i++) {
		if (errors[i])
			printf(", %s %d", strerrorname_np(i), errors[i]);
	}
}

static void fail_each(const struct call *call)
{
	int n, ret, error, errors[256] = { 0 }, good = 0;

	for (n = 1; n <= MOST; n++) {
		if (call->prepare)
			call->prepare();
		inject(n);
		ret = call->run();
		error = errno;
		if (!injected()) {
			if (ret < 0) {
				errno = error;
				die(call->name);
			}
			call->undo();
			break;
		}
		good += ret >= 0;
		if (ret < 0) {
			errors[error & 255]++;
			if (!for_want_of_memory(error))
				complain(call->name, n, strerror(error));
			if (call->run() < 0)
				complain(call->name, n, "it does not work afterwards");
		}
		call->undo();
	}
	if (n > MOST)
		complain(call->name, n, "no end");
	printf("%s: %d failed: good %d", call->name, n - 1, good);
	print_errors(errors);
	printf("\n");
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void prepare_socket(void)
{
	struct timeval tv = { .tv_sec = 300 };
	int one = 1;

	client = socket(addr.sa.sa_family, SOCK_STREAM, IPPROTO_TERN);
	if (client < 0)
		die("socket");
	setsockopt(client, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static void prepare_bound(void)
{
	union address any = addr;

	any.v6.sin6_port = 0;
	prepare_socket();
	if (bind(client, &any.sa, address_len(&any)))
		die("bind");
}

static void make_listener(void)
{
	int one = 1;

	listener = socket(addr.sa.sa_family, SOCK_STREAM, IPPROTO_TERN);
	if (listener < 0)
		die("socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, &addr.sa, address_len(&addr)) || listen(listener, 16))
		die("listen");
}

static void take_client(void)
{
	struct timeval tv = { .tv_sec = 300 };

	server = accept(listener, NULL, NULL);
	if (server < 0)
		die("accept");
	setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(server, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static void prepare_connected(void)
{
	prepare_socket();
	if (connect(client, &addr.sa, address_len(&addr)))
		die("connect");
}

static void prepare_pair(void)
{
	prepare_connected();
	take_client();
}

static void read_all(int fd, size_t len)
{
	size_t have = 0;
	ssize_t n;

	while (have < len) {
		n = recv(fd, got + have, len - have, 0);
		if (n <= 0)
			die("what was sent does not come");
		have += n;
	}
	if (memcmp(got, octets, len)) {
		fprintf(stderr, "vm-fault: a wrong octet\n");
		exit(1);
	}
}

static void write_all(int fd, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = send(fd, octets + done, len - done, MSG_NOSIGNAL);
		if (n < 0)
			die("send");
		done += n;
	}
}

static void prepare_unread(void)
{
	prepare_pair();
	write_all(server, 1000);
	if (recv(client, got, 1000, MSG_PEEK | MSG_WAITALL) != 1000)
		die("it has not come");
}

static void close_both(void)
{
	close_fd(&client);
	close_fd(&server);
}

static void prepare_listening(void)
{
	prepare_bound();
	if (listen(client, 5))
		die("listen");
}

static int run_socket(void)
{
	client = socket(addr.sa.sa_family, SOCK_STREAM, IPPROTO_TERN);
	return client;
}

static int run_bind(void)
{
	union address other = addr;

	other.v6.sin6_port = htons(ntohs(addr.v6.sin6_port) + 1);
	return bind(client, &other.sa, address_len(&other));
}

static int run_bind_any(void)
{
	union address any = addr;

	any.v6.sin6_port = 0;
	return bind(client, &any.sa, address_len(&any));
}

static int run_listen(void)
{
	return listen(client, 5);
}

static int run_connect(void)
{
	return connect(client, &addr.sa, address_len(&addr));
}

static void undo_connect(void)
{
	take_client();
	write_all(client, 10);
	read_all(server, 10);
	close_both();
}

static int run_accept(void)
{
	server = accept(listener, NULL, NULL);
	return server;
}

static int run_send(void)
{
	return send(client, octets, 1, MSG_NOSIGNAL);
}

static void undo_send(void)
{
	read_all(server, 1);
	close_both();
}

static int run_send_much(void)
{
	ssize_t n = send(client, octets, 40000, MSG_NOSIGNAL);

	/* The rest goes without failures, and all of it in this call. */
	if (n > 0 && n < 40000)
		n += send(client, octets + n, 40000 - n, MSG_NOSIGNAL);
	return n;
}

static void undo_send_much(void)
{
	read_all(server, 40000);
	close_both();
}

static int run_recv(void)
{
	return recv(client, got, 1000, 0);
}

static int run_nodelay(void)
{
	int one = 1;

	return setsockopt(client, SOL_TERN, TERN_NODELAY, &one, sizeof(one));
}

static int run_keepalive(void)
{
	int one = 1;

	return setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

/* Options that IP copies into each packet: no-operations. */
static int run_ip_options(void)
{
	char nops[12] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0 };
	int hops = 9;

	if (addr.sa.sa_family == AF_INET6)
		return setsockopt(client, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops));
	return setsockopt(client, IPPROTO_IP, IP_OPTIONS, nops, sizeof(nops));
}

static int run_getsockopt(void)
{
	int value;
	socklen_t len = sizeof(value);

	return getsockopt(client, SOL_TERN, TERN_NODELAY, &value, &len);
}

static int run_ioctl(void)
{
	int value;

	return ioctl(client, FIONREAD, &value);
}

static int run_poll(void)
{
	struct pollfd p = { .fd = client, .events = POLLIN | POLLOUT };

	return poll(&p, 1, 0);
}

static int run_shutdown(void)
{
	return shutdown(client, SHUT_WR);
}

static void undo_shutdown(void)
{
	if (recv(server, got, 1, 0) != 0)
		die("no end of file");
	close_both();
}

static int run_close(void)
{
	int fd = client;

	client = -1;
	return close(fd);
}

static int run_disconnect(void)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	return connect(client, &none, sizeof(none));
}

static int run_read(const char *path)
{
	int ret, error, fd = open(path, O_RDONLY);

	if (fd < 0)
		return fd;
	ret = read(fd, got, sizeof(got));
	error = errno;
	close(fd);
	errno = error;
	return ret;
}

static int run_proc(void)
{
	return run_read(addr.sa.sa_family == AF_INET6 ? "/proc/net/tern6" : "/proc/net/tern");
}

static int run_stat(void)
{
	return run_read("/proc/net/tern_stat");
}

static int run_sysctl(void)
{
	int ret, error, fd = open("/proc/sys/net/tern/time_wait_s", O_WRONLY);

	if (fd < 0)
		return fd;
	ret = write(fd, "30", 2);
	error = errno;
	close(fd);
	errno = error;
	return ret;
}

static void nothing(void)
{
}

static const struct call calls[] = {
	{ "socket", NULL, run_socket, close_both },
	{ "bind", prepare_socket, run_bind, close_both },
	{ "bind to any port", prepare_socket, run_bind_any, close_both },
	{ "listen", prepare_bound, run_listen, close_both },
	{ "listen without bind", prepare_socket, run_listen, close_both },
	{ "connect", prepare_socket, run_connect, undo_connect },
	{ "connect, bound", prepare_bound, run_connect, undo_connect },
	{ "accept", prepare_connected, run_accept, close_both },
	{ "send", prepare_pair, run_send, undo_send },
	{ "send much", prepare_pair, run_send_much, undo_send_much },
	{ "recv", prepare_unread, run_recv, close_both },
	{ "TERN_NODELAY", prepare_pair, run_nodelay, close_both },
	{ "SO_KEEPALIVE", prepare_pair, run_keepalive, close_both },
	{ "IP options", prepare_pair, run_ip_options, close_both },
	{ "getsockopt", prepare_pair, run_getsockopt, close_both },
	{ "ioctl", prepare_pair, run_ioctl, close_both },
	{ "poll", prepare_pair, run_poll, close_both },
	{ "shutdown", prepare_pair, run_shutdown, undo_shutdown },
	{ "close", prepare_pair, run_close, undo_shutdown },
	{ "close with unread octets", prepare_unread, run_close, close_both },
	{ "close a listener", prepare_listening, run_close, close_both },
	{ "disconnect", prepare_pair, run_disconnect, close_both },
	{ "/proc/net/tern", NULL, run_proc, nothing },
	{ "/proc/net/tern_stat", NULL, run_stat, nothing },
	{ "sysctl", NULL, run_sysctl, nothing },
};

static int run_unshare(void)
{
	return unshare(CLONE_NEWNET);
}

static const struct call namespace_call = {
	"namespace", NULL, run_unshare, nothing,
};

static void prepare_first_listener(void)
{
	if (unshare(CLONE_NEWNET))
		die("unshare");
	prepare_socket();
}

static const struct call listen_call = {
	"first listener", prepare_first_listener, run_listen, close_both,
};

static int run_module(void)
{
	int ret, error, fd = open(module_file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die(module_file);
	ret = syscall(SYS_finit_module, fd, "", 0);
	error = errno;
	close(fd);
	errno = error;
	return ret;
}

static void undo_module(void)
{
	if (syscall(SYS_delete_module, "tern", O_NONBLOCK))
		die("it does not leave");
}

static const struct call module_call = {
	"module", NULL, run_module, undo_module,
};

/* Until it works, a bounded number of times. */
#define AGAIN(what) ({							\
	int tries_, ret_ = -1;						\
									\
	for (tries_ = 0; tries_ < 200 && ret_ < 0; tries_++) {		\
		ret_ = (what);						\
		if (ret_ < 0 && !for_want_of_memory(errno))		\
			die(#what);					\
	}								\
	if (ret_ < 0)							\
		die(#what);						\
	ret_;								\
})

static void open_pair(int *from, int *to)
{
	struct timeval tv = { .tv_sec = 300 };

	*from = AGAIN(socket(addr.sa.sa_family, SOCK_STREAM, IPPROTO_TERN));
	AGAIN(connect(*from, &addr.sa, address_len(&addr)));
	*to = AGAIN(accept(listener, NULL, NULL));
	setsockopt(*from, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(*to, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

/*
 * Two connections are written to in turn, so that their octets do not lie side by side:
 * a segment's come out of more pieces than one packet can have.
 */
static void pieces(int a, int b)
{
	for (int i = 0; i < 2000; i += 10) {
		if (send(a, octets + i, 10, MSG_NOSIGNAL) != 10 ||
		    send(b, octets + i, 10, MSG_NOSIGNAL) != 10)
			die("send");
	}
}

static void work(int rounds)
{
	int a, b, c, d;

	make_listener();
	for (int i = 0; i < rounds; i++) {
		open_pair(&a, &b);
		open_pair(&c, &d);
		write_all(a, 30000);
		read_all(b, 30000);
		write_all(b, 30000);
		read_all(a, 30000);
		pieces(a, c);
		read_all(b, 2000);
		read_all(d, 2000);
		close(i & 1 ? a : b);
		close(i & 1 ? b : a);
		close(c);
		close(d);
	}
	close(listener);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = i * 7 + i / 256;
	if (argc > 2 && strcmp(what, "module") &&
	    !parse_address(argv[2], argc > 3 ? atoi(argv[3]) : 0, &addr))
		die(argv[2]);
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR);
	if (fail_nth < 0)
		die("fail-nth");
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		die("mlockall");
	setvbuf(stdout, NULL, _IOLBF, 0);

	if (!strcmp(what, "calls") && argc == 4) {
		make_listener();
		for (size_t i = 0; i < COUNT(calls); i++)
			fail_each(&calls[i]);
	} else if (!strcmp(what, "listen") && argc == 3) {
		fail_each(&listen_call);
	} else if (!strcmp(what, "namespace") && argc == 2) {
		fail_each(&namespace_call);
	} else if (!strcmp(what, "module") && argc == 3) {
		module_file = argv[2];
		fail_each(&module_call);
	} else if (!strcmp(what, "work") && argc == 5) {
		work(atoi(argv[4]));
	} else {
		fprintf(stderr, "usage: see the top of the source\n");
		return 1;
	}
	return wrong;
}
