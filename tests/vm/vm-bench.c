// SPDX-License-Identifier: GPL-2.0
/*
 * Open and close many connections, or time it.
 *
 *	vm-bench churn ADDRESS PORT COUNT	COUNT connections, an octet each way, quietly
 *	vm-bench connect ADDRESS PORT COUNT	microseconds of one connect + accept +
 *						close of both ends, Tern and TCP in turn
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tern.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "vm-bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

static int listener(int protocol, struct sockaddr_in *sin)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, protocol);

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)sin, sizeof(*sin)) || listen(fd, 16))
		die("listen");
	return fd;
}

static void one_octet(int from, int to)
{
	char c = 'x';

	if (send(from, &c, 1, 0) != 1 || recv(to, &c, 1, 0) != 1 || c != 'x')
		die("exchange");
}

/* The client closes first, so the listener's port keeps no TIME_WAIT. */
static void one_connection(int protocol, int lfd, struct sockaddr_in *sin, int talk)
{
	int a, b, fd = socket(AF_INET, SOCK_STREAM, protocol);

	if (fd < 0 || connect(fd, (struct sockaddr *)sin, sizeof(*sin)))
		die("connect");
	a = fd;
	b = accept(lfd, NULL, NULL);
	if (b < 0)
		die("accept");
	if (talk) {
		one_octet(a, b);
		one_octet(b, a);
	}
	if (close(a) || close(b))
		die("close");
}

static double time_connections(int protocol, struct sockaddr_in *sin, long count)
{
	int lfd = listener(protocol, sin);
	double start;

	for (long i = 0; i < 50; i++)
		one_connection(protocol, lfd, sin, 0);
	start = now_us();
	for (long i = 0; i < count; i++)
		one_connection(protocol, lfd, sin, 0);
	start = (now_us() - start) / count;
	close(lfd);
	return start;
}

int main(int argc, char **argv)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	double tern, tcp;
	long count;
	int lfd;

	if (argc != 5 || !inet_aton(argv[2], &sin.sin_addr)) {
		fprintf(stderr, "usage: see the top of the source\n");
		return 1;
	}
	sin.sin_port = htons(atoi(argv[3]));
	count = strtol(argv[4], NULL, 0);
	if (!strcmp(argv[1], "churn")) {
		lfd = listener(IPPROTO_TERN, &sin);
		for (long i = 0; i < count; i++)
			one_connection(IPPROTO_TERN, lfd, &sin, 1);
		close(lfd);
		return 0;
	}
	tcp = time_connections(IPPROTO_TCP, &sin, count);
	tern = time_connections(IPPROTO_TERN, &sin, count);
	printf("connect + accept + close: tern %.1f us, tcp %.1f us, ratio %.2f\n", tern, tcp,
	       tern / tcp);
	return 0;
}
