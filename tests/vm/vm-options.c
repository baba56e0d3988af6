// SPDX-License-Identifier: GPL-2.0
/*
 * Socket options that say how long a silent peer is waited for.
 *
 *	vm-options values		call by call, against TCP's options of the
 *					same meaning: the transcripts must be equal
 *	vm-options wait ADDRESS PORT [OPTION]...
 *	vm-options wait-accepted PORT [OPTION]...
 *					wait for data on a connection; the second one's
 *					options are set on the listener only
 *	vm-options fill ADDRESS PORT DELAY [OPTION]...
 *					after DELAY seconds write until there is no room,
 *					and wait
 *	vm-options silent PORT SECONDS	accept, and read nothing for that long
 *
 * OPTION is idle=S, interval=S, count=N, user=MS, late=S (set them so much later)
 * or quiet=S (wait no longer than that).  Those that wait print how it ended and
 * after how many seconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tern.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "vm-options: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int new_socket(int protocol)
{
	int fd = socket(AF_INET, SOCK_STREAM, protocol);
	int one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		die("socket");
	return fd;
}

static struct sockaddr_in address(const char *host, int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (host && !inet_aton(host, &sin.sin_addr))
		die("address");
	return sin;
}

static void listen_at(int fd, const char *host, int port)
{
	struct sockaddr_in sin = address(host, port);

	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) || listen(fd, 4))
		die("listen");
}

static int connect_to(int fd, const char *host, int port)
{
	struct sockaddr_in sin = address(host, port);

	return connect(fd, (struct sockaddr *)&sin, sizeof(sin));
}

/* Against TCP */

static char transcript[2][16384];

static void say(char *to, const char *format, ...)
{
	size_t used = strlen(to);
	va_list args;

	va_start(args, format);
	vsnprintf(to + used, sizeof(transcript[0]) - used, format, args);
	va_end(args);
}

static void say_option(char *to, int fd, int level, int name)
{
	int value[2] = { -1, -1 };
	socklen_t len = sizeof(value);

	if (getsockopt(fd, level, name, value, &len))
		say(to, "get(%d)=%s\n", name, strerrorname_np(errno));
	else
		say(to, "get(%d)=%d in %u\n", name, value[0], len);
}

static const int names[] = { TERN_KEEPIDLE, TERN_KEEPINTVL, TERN_KEEPCNT, TERN_USER_TIMEOUT };

static void say_all(char *to, const char *whose, int fd, int level)
{
	int alive = -1;
	socklen_t len = sizeof(alive);

	getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &alive, &len);
	say(to, "%s: SO_KEEPALIVE=%d\n", whose, alive);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		say_option(to, fd, level, names[i]);
}

static void say_set(char *to, int fd, int level, int name, int value, socklen_t len)
{
	int buf[2] = { value, 0 };
	int ret = setsockopt(fd, level, name, buf, len);

	say(to, "set(%d, %d, len %u)=%s\n", name, value, len,
	    ret ? strerrorname_np(errno) : "0");
}

static void each_value(char *to, int fd, int level)
{
	static const int values[] = {
		0, -1, 1, 2, 126, 127, 128, 255, 256, 257, 32766, 32767, 32768, 65536,
		1000000, 0x7fffffff, -0x7fffffff - 1,
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
			say_set(to, fd, level, names[i], values[k], sizeof(int));
			say_option(to, fd, level, names[i]);
		}
	}
}

static void odd_lengths(char *to, int fd, int level)
{
	int value = 7;
	socklen_t len;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (len = 0; len <= 8; len++)
			say_set(to, fd, level, names[i], 5, len);
		for (len = 0; len <= 5; len++) {
			socklen_t got = len;
			int ret = getsockopt(fd, level, names[i], &value, &got);

			say(to, "get(%d, len %u)=%d %u\n", names[i], len, ret, got);
		}
		len = (socklen_t)-1;
		if (getsockopt(fd, level, names[i], &value, &len))
			say(to, "get(%d, len -1)=%s\n", names[i], strerrorname_np(errno));
		if (setsockopt(fd, level, names[i], NULL, sizeof(int)))
			say(to, "set(%d, NULL)=%s\n", names[i], strerrorname_np(errno));
		len = sizeof(int);
		if (getsockopt(fd, level, names[i], NULL, &len))
			say(to, "get(%d, NULL)=%s\n", names[i], strerrorname_np(errno));
	}
}

static void set_each(int fd, int level, int first)
{
	int one = 1;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int value = first + (int)i;

		if (setsockopt(fd, level, names[i], &value, sizeof(value)))
			die("setsockopt");
	}
	if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)))
		die("SO_KEEPALIVE");
}

/* What accept() gives has what the listener has when the connection is made. */
static void inheritance(char *to, int protocol, int level)
{
	int listener = new_socket(protocol);
	int client = new_socket(protocol);
	int zero = 0;
	int fd;

	set_each(listener, level, 11);
	listen_at(listener, "127.0.0.1", 21000);
	say_all(to, "listener", listener, level);
	if (connect_to(client, "127.0.0.1", 21000))
		die("connect");
	fd = accept(listener, NULL, NULL);
	say_all(to, "accepted", fd, level);
	say_all(to, "client", client, level);
	set_each(listener, level, 31);
	setsockopt(listener, SOL_SOCKET, SO_KEEPALIVE, &zero, sizeof(zero));
	say_all(to, "accepted, after the listener has changed", fd, level);
	set_each(client, level, 41);
	say_all(to, "connected", client, level);
	shutdown(client, SHUT_RDWR);
	shutdown(fd, SHUT_RDWR);
	usleep(100000);
	set_each(client, level, 51);
	say_all(to, "closed", client, level);
	close(fd);
	close(client);
	close(listener);
}

static void all_of_it(char *to, int protocol, int level)
{
	int fd = new_socket(protocol);

	say_all(to, "new", fd, level);
	each_value(to, fd, level);
	odd_lengths(to, fd, level);
	close(fd);
	inheritance(to, protocol, level);
}

static int cmd_values(void)
{
	char *a = transcript[0], *b = transcript[1];

	all_of_it(a, IPPROTO_TCP, SOL_TCP);
	all_of_it(b, IPPROTO_TERN, SOL_TERN);
	if (strlen(a) < 4000 || !strstr(a, "set(4, 32767, len 4)=0")) {
		printf("the transcript is not what it was to be\n");
		return 1;
	}
	for (int line = 1; *a || *b; line++) {
		size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");

		if (n != m || memcmp(a, b, n)) {
			printf("line %d: TCP %.*s, Tern %.*s\n", line, (int)n, a, (int)m, b);
			return 1;
		}
		a += n + 1;
		b += m + 1;
	}
	return 0;
}

/* Waiting */

static int option(int argc, char **argv, const char *name, int otherwise)
{
	size_t len = strlen(name);

	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], name, len) && argv[i][len] == '=')
			return atoi(argv[i] + len + 1);
	}
	return otherwise;
}

static void set_int(int fd, int level, int name, int value)
{
	if (value && setsockopt(fd, level, name, &value, sizeof(value)))
		die("setsockopt");
}

static void set_patience(int fd, int argc, char **argv)
{
	int idle = option(argc, argv, "idle", 0);

	set_int(fd, SOL_TERN, TERN_KEEPIDLE, idle);
	set_int(fd, SOL_TERN, TERN_KEEPINTVL, option(argc, argv, "interval", 0));
	set_int(fd, SOL_TERN, TERN_KEEPCNT, option(argc, argv, "count", 0));
	set_int(fd, SOL_TERN, TERN_USER_TIMEOUT, option(argc, argv, "user", 0));
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, !!idle);
}

static int tell(const char *how, double begin)
{
	printf("%s %.2f\n", how, seconds() - begin);
	return 0;
}

/* How it ends, and when. */
static int wait_for(int fd, short events, double begin, int argc, char **argv)
{
	struct pollfd p = { .fd = fd, .events = events };
	int late = option(argc, argv, "late", 0);
	int quiet = option(argc, argv, "quiet", 1000000);
	socklen_t len = sizeof(int);
	int err = 0;

	if (late) {
		sleep(late);
		set_patience(fd, argc, argv);
	}
	if (!poll(&p, 1, quiet * 1000))
		return tell("quiet", begin);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return tell(err ? strerrorname_np(err) : "0", begin);
}

static int cmd_wait(int argc, char **argv)
{
	double begin = seconds();
	int fd = new_socket(IPPROTO_TERN);

	if (!option(argc, argv, "late", 0))
		set_patience(fd, argc, argv);
	if (connect_to(fd, argv[0], atoi(argv[1])))
		return tell(strerrorname_np(errno), begin);
	return wait_for(fd, POLLIN, begin, argc, argv);
}

static int cmd_wait_accepted(int argc, char **argv)
{
	int listener = new_socket(IPPROTO_TERN);
	int fd;

	set_patience(listener, argc, argv);
	listen_at(listener, NULL, atoi(argv[0]));
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		die("accept");
	return wait_for(fd, POLLIN, seconds(), argc, argv);
}

static int cmd_fill(int argc, char **argv)
{
	static char octets[65536];
	int fd = new_socket(IPPROTO_TERN);
	double begin;

	set_patience(fd, argc, argv);
	if (connect_to(fd, argv[0], atoi(argv[1])))
		die("connect");
	sleep(atoi(argv[2]));
	begin = seconds();
	while (send(fd, octets, sizeof(octets), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		;
	if (errno != EAGAIN)
		die("send");
	return wait_for(fd, POLLIN, begin, argc, argv);
}

static int cmd_silent(char **argv)
{
	int listener = new_socket(IPPROTO_TERN);
	int fd;

	listen_at(listener, NULL, atoi(argv[0]));
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		die("accept");
	sleep(atoi(argv[1]));
	return 0;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (!strcmp(command, "values"))
		return cmd_values();
	if (!strcmp(command, "wait") && argc > 3)
		return cmd_wait(argc - 2, argv + 2);
	if (!strcmp(command, "wait-accepted") && argc > 2)
		return cmd_wait_accepted(argc - 2, argv + 2);
	if (!strcmp(command, "fill") && argc > 4)
		return cmd_fill(argc - 2, argv + 2);
	if (!strcmp(command, "silent") && argc > 3)
		return cmd_silent(argv + 2);
	fprintf(stderr, "usage: see the top of the source\n");
	return 1;
}
