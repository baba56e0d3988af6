// SPDX-License-Identifier: GPL-2.0
/*
 * The calls of vm-sysfuzz that make, connect and use sockets.
 */
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "tests/vm/sysfuzz.h"

static int file = -1, pipes[2], unix_pair[2];

void fuzz_sockets_init(void)
{
	file = memfd_create("sysfuzz", MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, 100000) || pipe2(pipes, O_NONBLOCK | O_CLOEXEC) ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, unix_pair))
		abort();
}

void fuzz_socket(struct fuzzer *f)
{
	static const int types[] = { SOCK_DGRAM, SOCK_SEQPACKET, -1, 77 };
	static const int protocols[] = { -1, 255, 256, 509 };
	int type = SOCK_STREAM | (percent(f, 90) ? SOCK_NONBLOCK : 0);
	int protocol = IPPROTO_TERN, family = percent(f, 50) ? AF_INET : AF_INET6, fd;

	if (percent(f, 2))
		type = ONE_OF(f, types);
	else if (percent(f, 1))
		protocol = ONE_OF(f, protocols);
	fd = check(f, "socket", socket(family, type, protocol));
	if (fd >= 0)
		keep_fd(f, fd);
}

/* Both ends of a connection, which chance alone rarely makes. */
void fuzz_pair(struct fuzzer *f)
{
	union address addr = { .sa.sa_family = percent(f, 50) ? AF_INET : AF_INET6 };
	int fds[3] = { -1, -1, -1 };
	socklen_t len = sizeof(addr);

	for (int i = 0; i < 2; i++)
		fds[i] = socket(addr.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TERN);
	if (!listen(fds[0], 1) && !getsockname(fds[0], &addr.sa, &len)) {
		connect(fds[1], &addr.sa, len);
		fds[2] = accept4(fds[0], NULL, NULL, SOCK_NONBLOCK);
	}
	for (int i = 0; i < 3; i++) {
		if (fds[i] >= 0)
			keep_fd(f, fds[i]);
	}
}

void fuzz_bind(struct fuzzer *f)
{
	union address *addr = good_memory(f, sizeof(*addr));
	socklen_t len = any_address(f, addr);
	int fd = any_fd(f), one = 1;

	if (percent(f, 60))
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (percent(f, 4))
		check(f, "bind", bind(fd, any_memory(f, 28), (int)below(f, 200) - 20));
	else
		check(f, "bind", bind(fd, &addr->sa, len));
}

void fuzz_listen(struct fuzzer *f)
{
	check(f, "listen", listen(any_fd(f), percent(f, 90) ? (int)below(f, 8) :
				  (int)(below(f, 0xffffffff))));
}

void fuzz_connect(struct fuzzer *f)
{
	union address *addr = good_memory(f, sizeof(*addr));
	socklen_t len = any_address(f, addr);

	if (percent(f, 6)) {
		addr->sa.sa_family = AF_UNSPEC;
		len = percent(f, 90) ? sizeof(addr->sa) : below(f, 29);
	}
	check(f, "connect", connect(any_fd(f), percent(f, 97) ? &addr->sa : any_memory(f, 28),
				    len));
}

void fuzz_accept(struct fuzzer *f)
{
	int flags = percent(f, 95) ? SOCK_NONBLOCK : (int)below(f, 0xffffffff);
	socklen_t len = percent(f, 80) ? below(f, 40) : below(f, 0xffffffff);
	void *addr = percent(f, 60) ? any_memory(f, 128) : NULL;
	int fd = check(f, "accept", accept4(any_fd(f), addr, percent(f, 97) ? &len : NULL, flags));

	if (fd >= 0)
		keep_fd(f, fd);
}

/* An address is cut off where the caller has no room, and nothing is written there. */
void fuzz_names(struct fuzzer *f)
{
	socklen_t len = below(f, 64), room = len;
	uint8_t *at = good_memory(f, 256);
	bool peer = percent(f, 50);
	int fd = any_fd(f);
	long result;

	memset(at, 0xa5, 256);
	if (percent(f, 5)) {
		len = below(f, 0xffffffff);
		at = any_memory(f, 128);
		check(f, "getpeername", getpeername(fd, (void *)at, percent(f, 90) ? &len : NULL));
		return;
	}
	result = peer ? getpeername(fd, (void *)at, &len) : getsockname(fd, (void *)at, &len);
	if (check(f, peer ? "getpeername" : "getsockname", result) < 0)
		return;
	for (size_t i = room; i < 256; i++) {
		if (at[i] != 0xa5) {
			law("a name of %u octets was written to where %u fit", len, room);
			break;
		}
	}
	if (len != sizeof(struct sockaddr_in) && len != sizeof(struct sockaddr_in6))
		law("a name has %u octets", len);
}

static int any_flags(struct fuzzer *f)
{
	int flags = percent(f, 90) ? MSG_DONTWAIT : 0;

	if (percent(f, 30))
		flags |= below(f, 0x8000000);
	return flags | MSG_NOSIGNAL;
}

void fuzz_send(struct fuzzer *f)
{
	size_t len = below(f, percent(f, 80) ? 2000 : 12000);
	union address addr;
	socklen_t size = any_address(f, &addr);

	if (percent(f, 2))
		len = (size_t)below(f, 0xffffffff) << below(f, 32);
	if (percent(f, 90))
		check(f, "send", send(any_fd(f), any_memory(f, len > 12000 ? 12000 : len), len,
				      any_flags(f)));
	else
		check(f, "send", sendto(any_fd(f), any_memory(f, len > 12000 ? 12000 : len), len,
					any_flags(f), &addr.sa, size));
}

void fuzz_recv(struct fuzzer *f)
{
	size_t len = below(f, percent(f, 80) ? 2000 : 12000);

	if (percent(f, 2))
		len = (size_t)below(f, 0xffffffff) << below(f, 32);
	check(f, "recv", recv(any_fd(f), any_memory(f, len > 12000 ? 12000 : len), len,
			      any_flags(f)));
}

/* A message: up to eight pieces, control data of any kind, an address. */
static void any_message(struct fuzzer *f, struct msghdr *m, struct iovec *pieces, void *control,
			union address *addr)
{
	static const int levels[] = { SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, SOL_TERN };
	static const size_t many[] = { 1024, 1025, 1UL << 40, -1UL };
	struct cmsghdr *c = control;

	memset(m, 0, sizeof(*m));
	m->msg_iov = pieces;
	m->msg_iovlen = below(f, 9);
	for (size_t i = 0; i < 8; i++) {
		size_t len = below(f, percent(f, 90) ? 1000 : 3000);

		pieces[i] = (struct iovec) { .iov_base = any_memory(f, len), .iov_len = len };
		if (percent(f, 1))
			pieces[i].iov_len = below(f, 0xffffffff);
	}
	if (percent(f, 2))
		m->msg_iovlen = ONE_OF(f, many);
	if (percent(f, 40)) {
		m->msg_control = control;
		m->msg_controllen = below(f, 256);
		memset(control, below(f, 2) ? 0 : 0xff, 256);
		c->cmsg_len = percent(f, 80) ? sizeof(*c) + below(f, 40) : below(f, 0xffffffff);
		c->cmsg_level = ONE_OF(f, levels);
		c->cmsg_type = below(f, 80);
		if (percent(f, 5))
			m->msg_control = any_memory(f, 128);
	}
	if (percent(f, 30)) {
		m->msg_name = addr;
		m->msg_namelen = any_address(f, addr);
	}
	m->msg_flags = below(f, 0xffffffff);
}

void fuzz_sendmsg(struct fuzzer *f)
{
	uint8_t control[256] __attribute__((aligned(8)));
	struct iovec pieces[8];
	union address addr;
	struct msghdr m;

	any_message(f, &m, pieces, control, &addr);
	check(f, "send", sendmsg(any_fd(f), percent(f, 99) ? &m : any_memory(f, sizeof(m)),
				 any_flags(f)));
}

void fuzz_recvmsg(struct fuzzer *f)
{
	uint8_t control[256] __attribute__((aligned(8)));
	size_t room, total = 0;
	struct iovec pieces[8];
	union address addr;
	struct msghdr m;
	long n;

	any_message(f, &m, pieces, control, &addr);
	room = m.msg_iovlen <= 8 ? m.msg_iovlen : 0;
	for (size_t i = 0; i < room; i++)
		total += pieces[i].iov_len;
	/* Where the pieces lie over each other what is in them means nothing; how much does. */
	n = check(f, "recv", recvmsg(any_fd(f), &m, any_flags(f) & ~MSG_TRUNC));
	if (n > (long)total)
		law("recvmsg gave %ld octets, there is room for %zu", n, total);
}

void fuzz_shutdown(struct fuzzer *f)
{
	check(f, "shutdown", shutdown(any_fd(f), percent(f, 95) ? (int)below(f, 3) :
				      (int)below(f, 0xffffffff)));
}

void fuzz_poll(struct fuzzer *f)
{
	struct pollfd p[4];

	for (int i = 0; i < 4; i++)
		p[i] = (struct pollfd) { .fd = any_fd(f), .events = below(f, 0x10000) };
	check(f, "poll", poll(percent(f, 97) ? p : any_memory(f, sizeof(p)), 1 + below(f, 4),
			      percent(f, 90) ? 0 : (int)below(f, 4)));
}

void fuzz_ioctl(struct fuzzer *f)
{
	static const unsigned int known[] = {
		SIOCINQ, SIOCOUTQ, SIOCATMARK, FIONBIO, FIOASYNC, SIOCGSTAMP_OLD, SIOCGSTAMPNS_OLD,
		SIOCOUTQNSD, SIOCGSTAMP_NEW, SIOCGSTAMPNS_NEW, SIOCGIFCONF,
	};
	unsigned int command = known[below(f, COUNT(known))];
	int fd = any_fd(f), *value = good_memory(f, 256);
	long result;

	memset(value, 0, 256);
	*value = below(f, 2);
	if (percent(f, 15)) {
		command = (percent(f, 50) ? 0x8900 : 0x5400) + below(f, 0x90);
		/* Not who gets signals, and no bridges. */
		if (command == 0x8901 || command == 0x8902)
			return;
		memset(value, below(f, 256), 256);
	}
	result = check(f, "ioctl", ioctl(fd, command, percent(f, 95) ? value : any_memory(f, 4)));
	if (!result && (command == SIOCINQ || command == SIOCOUTQ) && *value < 0)
		law("ioctl %#x says %d", command, *value);
}

void fuzz_fcntl(struct fuzzer *f)
{
	static const int flags[] = { O_NONBLOCK, O_NONBLOCK, O_NONBLOCK, 0, O_ASYNC, O_APPEND,
				     O_DIRECT, O_NOATIME };
	int fd = any_fd(f), copy;

	switch (below(f, 4)) {
	case 0:
		check(f, "fcntl", fcntl(fd, F_SETFL, flags[below(f, 8)] | O_NONBLOCK));
		break;
	case 1:
		check(f, "fcntl", fcntl(fd, F_GETFL));
		break;
	case 2:
		check(f, "fcntl", fcntl(fd, percent(f, 50) ? F_GETLK : 1024 + below(f, 20),
					any_memory(f, 64)));
		break;
	default:
		copy = check(f, "fcntl", fcntl(fd, F_DUPFD_CLOEXEC, 3));
		if (copy >= 0)
			keep_fd(f, copy);
	}
}

/* Between a socket and a pipe, a file, another socket. */
void fuzz_splice(struct fuzzer *f)
{
	size_t len = below(f, percent(f, 90) ? 5000 : 100000);
	unsigned int flags = SPLICE_F_NONBLOCK | below(f, 16);
	off_t at = below(f, 100000);

	switch (below(f, 5)) {
	case 0:
		check(f, "splice", splice(any_fd(f), NULL, pipes[1], NULL, len, flags));
		break;
	case 1:
		check(f, "splice", splice(pipes[0], NULL, any_fd(f), NULL, len, flags));
		break;
	case 2:
		check(f, "splice", sendfile(any_fd(f), file, percent(f, 90) ? &at : NULL, len));
		break;
	case 3:
		check(f, "splice", sendfile(any_fd(f), any_fd(f), NULL, len));
		break;
	default:
		check(f, "splice", splice(file, &at, pipes[1], NULL, len, flags));
	}
}

/* A descriptor goes on a journey; it may come back. */
void fuzz_pass(struct fuzzer *f)
{
	union { char buf[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = { { 0 } };
	struct iovec io = { .iov_base = (char [1]) { 0 }, .iov_len = 1 };
	struct msghdr m = {
		.msg_iov = &io, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int fd = any_fd(f);

	if (percent(f, 50)) {
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
		check(f, "pass", sendmsg(unix_pair[0], &m, MSG_DONTWAIT));
		return;
	}
	if (check(f, "pass", recvmsg(unix_pair[1], &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) < 0)
		return;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_type == SCM_RIGHTS) {
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
		keep_fd(f, fd);
	}
}

void fuzz_close(struct fuzzer *f)
{
	struct linger linger = { .l_onoff = below(f, 2), .l_linger = below(f, 3) };

	if (percent(f, 30))
		setsockopt(any_fd(f), SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	drop_fd(f);
}
