// SPDX-License-Identifier: GPL-2.0
/*
 * Move octets both ways at once over one connection and compare every one.
 *
 *	vm-bulk server PORT BYTES[:EXPECT] [tcp]
 *	vm-bulk server6 PORT BYTES[:EXPECT] [tcp]	with a socket of AF_INET6
 *	vm-bulk client ADDRESS PORT BYTES[:EXPECT] [tcp]
 *
 * Each end sends BYTES octets of a pattern that depends on the position and the
 * direction, closes its direction, and reads to the end of file; EXPECT octets (the
 * same number unless told) must have come.  The client prints the seconds it took.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tern.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/addr.h"

static void die(const char *what)
{
	fprintf(stderr, "vm-bulk: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint8_t pattern(uint64_t pos, int direction)
{
	uint64_t x = (pos / 8 + 1) * 0x9e3779b97f4a7c15ull + direction;

	return x >> (pos % 8 * 8);
}

static uint64_t send_some(int fd, uint64_t sent, uint64_t total, int direction)
{
	uint8_t buf[16384];
	uint64_t n = total - sent < sizeof(buf) ? total - sent : sizeof(buf);
	ssize_t ret;

	for (uint64_t i = 0; i < n; i++)
		buf[i] = pattern(sent + i, direction);
	ret = send(fd, buf, n, MSG_NOSIGNAL);
	if (ret < 0 && errno != EAGAIN)
		die("send");
	return ret < 0 ? 0 : ret;
}

/* Return: octets read, -1 at the end of file. */
static int64_t recv_some(int fd, uint64_t got, int direction)
{
	uint8_t buf[16384];
	ssize_t ret = recv(fd, buf, sizeof(buf), 0);

	if (ret < 0 && errno == EAGAIN)
		return 0;
	if (ret < 0)
		die("recv");
	for (ssize_t i = 0; i < ret; i++) {
		if (buf[i] != pattern(got + i, direction)) {
			fprintf(stderr, "vm-bulk: octet %llu is wrong\n",
				(unsigned long long)(got + i));
			exit(1);
		}
	}
	return ret ? ret : -1;
}

static void transfer(int fd, const char *amounts, int direction)
{
	const char *colon = strchr(amounts, ':');
	uint64_t total = strtoull(amounts, NULL, 0);
	uint64_t expect = colon ? strtoull(colon + 1, NULL, 0) : total;
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	uint64_t sent = 0, got = 0;
	int64_t n = 0;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (!total && shutdown(fd, SHUT_WR))
		die("shutdown");
	if (!total)
		p.events = POLLIN;
	while (n >= 0 || sent < total) {
		if (poll(&p, 1, 900000) <= 0)
			die("stuck");
		if (p.revents & POLLOUT && sent < total) {
			sent += send_some(fd, sent, total, direction);
			if (sent == total) {
				if (shutdown(fd, SHUT_WR))
					die("shutdown");
				p.events = POLLIN;
			}
		}
		if (p.revents & (POLLIN | POLLERR | POLLHUP) && n >= 0) {
			n = recv_some(fd, got, !direction);
			if (n > 0)
				got += n;
		}
	}
	if (got != expect) {
		fprintf(stderr, "vm-bulk: %llu octets came, not %llu\n",
			(unsigned long long)got, (unsigned long long)expect);
		exit(1);
	}
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	int server = argc > 1 && !strncmp(argv[1], "server", 6);
	int tcp = argc > 1 && !strcmp(argv[argc - 1], "tcp");
	union address addr;
	int fd, one = 1;
	double begin;

	if (argc != (server ? 4 : 5) + tcp) {
		fprintf(stderr, "usage: see the top of the source\n");
		return 1;
	}
	if (!parse_address(!server ? argv[2] : strcmp(argv[1], "server") ? "::" : "0.0.0.0",
			   atoi(argv[server ? 2 : 3]), &addr))
		die("address");
	fd = socket(addr.sa.sa_family, SOCK_STREAM, tcp ? IPPROTO_TCP : IPPROTO_TERN);
	if (fd < 0)
		die("socket");
	if (server) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(fd, &addr.sa, address_len(&addr)) || listen(fd, 1))
			die("listen");
		fd = accept(fd, NULL, NULL);
		if (fd < 0)
			die("accept");
		transfer(fd, argv[3], 1);
	} else {
		if (connect(fd, &addr.sa, address_len(&addr)))
			die("connect");
		begin = seconds();
		transfer(fd, argv[4], 0);
		printf("%.3f\n", seconds() - begin);
	}
	close(fd);
	return 0;
}
