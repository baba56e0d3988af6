// SPDX-License-Identifier: GPL-2.0
/*
 * tern-echo: an ordinary server on the socket API.
 *
 * Nothing here knows the protocol: with --tcp the same program serves TCP.  One
 * process, many connections, one loop around poll().
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

#define BUFFER 16384
#define MOST_CONNS 4096

struct options {
	struct endpoint bind;	/* family 0: every address there is */
	int protocol;
	int backlog;
	u32 max_conns;
	u64 count;		/* serve so many, 0: no end */
	bool has_close_first;
	u64 close_first;	/* octets */
	bool has_close_after;
	u64 close_after;	/* us */
	bool half;
	u8 *farewell;
	size_t farewell_len;
	bool discard;
	bool has_source;
	u64 source;		/* octets */
	bool quiet;
	bool verbose;
};

/**
 * struct conn - one accepted connection
 * @fd: its socket
 * @peer: "10.0.0.1:40000", "[fd00::1]:40000"
 * @close_at: when to close, us, TERN_NEVER
 * @received: octets read
 * @sent: octets written
 * @eof: the peer sends no more
 * @said_farewell: the farewell is in the buffer or further
 * @start: first octet of @buffer still to be written
 * @end: one past the last
 * @buffer: what is to be written
 */
struct conn {
	int fd;
	char peer[ENDPOINT_TEXT];
	u64 close_at;
	u64 received;
	u64 sent;
	bool eof;
	bool said_farewell;
	u32 start;
	u32 end;
	u8 buffer[BUFFER];
};

struct server {
	struct options opt;
	int fd;
	int signals;
	u32 n_conns;
	u64 accepted;
	u64 served;
	struct conn *conn[MOST_CONNS];
	struct pollfd poll[MOST_CONNS + 2];
};

static const char help[] =
"Usage: tern-echo [OPTIONS]\n"
"Accept Tern connections and send back what comes, until the client closes.\n"
"\n"
"  --port N            port, default 7\n"
"  --bind ADDR         local address, IPv4 or IPv6, a link-local one with its\n"
"                      interface (fe80::1%eth0); default ::, which is all of both,\n"
"                      or 0.0.0.0, all of IPv4, where there is no IPv6\n"
"  --backlog N         connections that may wait to be accepted, default 16\n"
"  --max-conns N       connections served at a time, default 256, at most 4096\n"
"  --count N           end after N connections; --once is --count 1\n"
"  --protocol N        IP protocol number, default 253\n"
"  --tcp               TCP instead of Tern, for comparing\n"
"\n"
"What to do with a connection:\n"
"  --discard           read and send nothing back\n"
"  --source BYTES      send BYTES octets of a pattern instead of echoing, then\n"
"                      close; octet n is the character 32 + (n + n / 95) mod 95\n"
"  --close-first N     close as soon as N octets have been sent back\n"
"  --close-after MS    close MS milliseconds after accepting\n"
"  --half              when the client has closed its direction, send a farewell\n"
"                      in the other one before closing it, at once or, with\n"
"                      --close-after, when its time has come\n"
"  --farewell TEXT     that text, default \"goodbye\\n\"; \\n \\r \\t \\0 \\\\ \\xHH known\n"
"\n"
"  --quiet             errors only\n"
"  --verbose           every read and write\n"
"  --help, --version\n"
"\n"
"Exit codes: 0 done, or ended by SIGINT or SIGTERM; 1 wrong arguments; 2 this\n"
"machine does not let us (module not loaded, port in use, ...).\n";

enum {
	OPT_PORT = 256, OPT_BIND, OPT_BACKLOG, OPT_ONCE, OPT_COUNT, OPT_CLOSE_FIRST,
	OPT_CLOSE_AFTER, OPT_HALF, OPT_FAREWELL, OPT_DISCARD, OPT_SOURCE, OPT_MAX_CONNS,
	OPT_QUIET, OPT_VERBOSE, OPT_PROTOCOL, OPT_TCP, OPT_HELP, OPT_VERSION,
};

static const struct option long_options[] = {
	{ "port", required_argument, NULL, OPT_PORT },
	{ "bind", required_argument, NULL, OPT_BIND },
	{ "backlog", required_argument, NULL, OPT_BACKLOG },
	{ "once", no_argument, NULL, OPT_ONCE },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "close-first", required_argument, NULL, OPT_CLOSE_FIRST },
	{ "close-after", required_argument, NULL, OPT_CLOSE_AFTER },
	{ "half", no_argument, NULL, OPT_HALF },
	{ "farewell", required_argument, NULL, OPT_FAREWELL },
	{ "discard", no_argument, NULL, OPT_DISCARD },
	{ "source", required_argument, NULL, OPT_SOURCE },
	{ "max-conns", required_argument, NULL, OPT_MAX_CONNS },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "verbose", no_argument, NULL, OPT_VERBOSE },
	{ "protocol", required_argument, NULL, OPT_PROTOCOL },
	{ "tcp", no_argument, NULL, OPT_TCP },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static void read_farewell(struct options *opt, const char *text)
{
	free(opt->farewell);
	opt->farewell = unescape_arg("--farewell", text, &opt->farewell_len);
	if (!opt->farewell_len || opt->farewell_len > BUFFER)
		die(EXIT_USAGE, "--farewell: between 1 and %d octets", BUFFER);
}

/* What to do with a connection; false when @option is none of that. */
static bool read_service(struct options *opt, int option, const char *arg)
{
	switch (option) {
	case OPT_CLOSE_FIRST:
		opt->close_first = number_arg("--close-first", arg, 0, 1ull << 40);
		opt->has_close_first = true;
		break;
	case OPT_CLOSE_AFTER:
		opt->close_after = number_arg("--close-after", arg, 0, 86400000) *
				   USEC_PER_MSEC;
		opt->has_close_after = true;
		break;
	case OPT_HALF:
		opt->half = true;
		break;
	case OPT_FAREWELL:
		read_farewell(opt, arg);
		opt->half = true;
		break;
	case OPT_DISCARD:
		opt->discard = true;
		break;
	case OPT_SOURCE:
		opt->source = number_arg("--source", arg, 1, 1ull << 40);
		opt->has_source = true;
		break;
	default:
		return false;
	}
	return true;
}

static void read_option(struct options *opt, int option, const char *arg)
{
	if (read_service(opt, option, arg))
		return;
	switch (option) {
	case OPT_PORT:
		opt->bind.port = (u16)number_arg("--port", arg, 1, 65535);
		break;
	case OPT_BIND:
		opt->bind.addr = address_arg("--bind", arg);
		break;
	case OPT_BACKLOG:
		opt->backlog = (int)number_arg("--backlog", arg, 0, 65535);
		break;
	case OPT_ONCE:
		opt->count = 1;
		break;
	case OPT_COUNT:
		opt->count = number_arg("--count", arg, 1, 1000000000);
		break;
	case OPT_MAX_CONNS:
		opt->max_conns = (u32)number_arg("--max-conns", arg, 1, MOST_CONNS);
		break;
	case OPT_QUIET:
		opt->quiet = true;
		break;
	case OPT_VERBOSE:
		opt->verbose = true;
		break;
	case OPT_PROTOCOL:
		opt->protocol = (int)number_arg("--protocol", arg, 1, 254);
		break;
	case OPT_TCP:
		opt->protocol = IPPROTO_TCP;
		break;
	case OPT_HELP:
		fputs(help, stdout);
		exit(EXIT_OK);
	case OPT_VERSION:
		puts("tern-echo " DEMO_VERSION);
		exit(EXIT_OK);
	default:	/* getopt has complained */
		fputs("Try tern-echo --help\n", stderr);
		exit(EXIT_USAGE);
	}
}

static void read_options(struct options *opt, int argc, char **argv)
{
	int option;

	opt->bind.port = 7;
	opt->backlog = 16;
	opt->max_conns = 256;
	opt->protocol = TERN_PROTOCOL;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		read_option(opt, option, optarg);
	if (optind != argc)
		die(EXIT_USAGE, "'%s': there are only options; try tern-echo --help",
		    argv[optind]);
	if (opt->quiet && opt->verbose)
		die(EXIT_USAGE, "--quiet and --verbose exclude each other");
	if (opt->discard && (opt->has_source || opt->has_close_first))
		die(EXIT_USAGE, "--discard sends nothing: no --source, no --close-first with it");
	if (opt->has_source && (opt->has_close_first || opt->half))
		die(EXIT_USAGE, "--source closes by itself: no --close-first, no --half with it");
	if (opt->half && !opt->farewell)
		read_farewell(opt, "goodbye\\n");
}

static void __printf(3, 4)
tell(const struct server *s, const struct conn *conn, const char *format, ...)
{
	va_list args;

	if (s->opt.quiet)
		return;
	if (conn)
		printf("%s: ", conn->peer);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static void no_socket(const struct options *opt)
{
	if (errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT)
		die(EXIT_ENVIRONMENT,
		    "no sockets for protocol %d: the tern module is not loaded (insmod tern.ko)",
		    opt->protocol);
	die(EXIT_ENVIRONMENT, "socket for protocol %d: %s", opt->protocol, strerror(errno));
}

/* The socket; without --bind one for IPv6 and IPv4, or for IPv4 where that is all. */
static int open_socket(struct options *opt)
{
	sa_family_t wanted = opt->bind.addr.family;
	int type = SOCK_STREAM | SOCK_CLOEXEC, fd, off = 0;

	opt->bind.addr.family = wanted ? wanted : AF_INET6;
	fd = socket(opt->bind.addr.family, type, opt->protocol);
	if (fd < 0 && !wanted) {
		opt->bind.addr.family = AF_INET;
		fd = socket(AF_INET, type, opt->protocol);
	}
	if (fd < 0)
		no_socket(opt);
	if (opt->bind.addr.family == AF_INET6 && address_is_any(&opt->bind.addr) &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)))
		die(EXIT_ENVIRONMENT, "IPV6_V6ONLY: %s", strerror(errno));
	return fd;
}

static void start_listening(struct server *s)
{
	const struct endpoint *local = &s->opt.bind;
	struct sockaddr_storage sa;
	char text[ADDRESS_TEXT];
	socklen_t len;
	int one = 1;

	s->fd = open_socket(&s->opt);
	if (setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		die(EXIT_ENVIRONMENT, "SO_REUSEADDR: %s", strerror(errno));
	len = address_to_sockaddr(&local->addr, local->port, &sa);
	address_text(&local->addr, text);
	if (bind(s->fd, (struct sockaddr *)&sa, len))
		die(EXIT_ENVIRONMENT, "cannot have %s port %u: %s", text, local->port,
		    strerror(errno));
	if (listen(s->fd, s->opt.backlog))
		die(EXIT_ENVIRONMENT, "listen: %s", strerror(errno));
	if (fcntl(s->fd, F_SETFL, O_NONBLOCK))
		die(EXIT_ENVIRONMENT, "O_NONBLOCK: %s", strerror(errno));
	tell(s, NULL, "listening on %s port %u, protocol %d", text, local->port,
	     s->opt.protocol);
}

static bool may_accept(const struct server *s)
{
	return s->n_conns < s->opt.max_conns && (!s->opt.count || s->accepted < s->opt.count);
}

static void accept_one(struct server *s, u64 now)
{
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	struct endpoint peer;
	struct conn *conn;
	int fd;

	fd = accept4(s->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		/* the client may have gone again; the rest is worth a word */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			complain("accept: %s", strerror(errno));
			poll(NULL, 0, 100);	/* out of files or memory: do not spin */
		}
		return;
	}
	conn = calloc(1, sizeof(*conn));
	if (!conn) {
		complain("out of memory for a connection");
		close(fd);
		return;
	}
	conn->fd = fd;
	conn->close_at = s->opt.has_close_after ? now + s->opt.close_after : TERN_NEVER;
	peer.addr = address_of_sockaddr(&from, &peer.port);
	endpoint_text(&peer, conn->peer);
	s->conn[s->n_conns++] = conn;
	s->accepted++;
	tell(s, conn, "accepted");
}

static void end_conn(struct server *s, u32 i, const char *why)
{
	struct conn *conn = s->conn[i];

	tell(s, conn, "%s: %llu octets received, %llu sent", why,
	     (unsigned long long)conn->received, (unsigned long long)conn->sent);
	close(conn->fd);
	free(conn);
	s->conn[i] = s->conn[--s->n_conns];
	s->served++;
}

/* Put more of what is to be said into an empty buffer. */
static void refill(const struct server *s, struct conn *conn)
{
	u64 left, n;

	if (conn->start != conn->end)
		return;
	conn->start = 0;
	conn->end = 0;
	if (s->opt.has_source) {
		left = s->opt.source - conn->sent;
		conn->end = (u32)(left < BUFFER ? left : BUFFER);
		for (u32 i = 0; i < conn->end; i++) {
			n = conn->sent + i;
			conn->buffer[i] = (u8)(32 + (n + n / 95) % 95);
		}
	} else if (conn->eof && s->opt.half && !conn->said_farewell) {
		memcpy(conn->buffer, s->opt.farewell, s->opt.farewell_len);
		conn->end = (u32)s->opt.farewell_len;
		conn->said_farewell = true;
	}
}

/* Is everything said?  Then the caller closes. */
static const char *finished(const struct server *s, const struct conn *conn, u64 now)
{
	if (now >= conn->close_at)
		return "closed after its time";
	if (s->opt.has_close_first && conn->sent >= s->opt.close_first)
		return "closed first";
	if (s->opt.has_source && conn->sent == s->opt.source)
		return "closed after the last octet";
	if (!conn->eof || conn->start != conn->end)
		return NULL;
	if (!s->opt.half || (conn->said_farewell && conn->close_at == TERN_NEVER))
		return "closed after the client";
	return NULL;
}

static short events_wanted(const struct server *s, const struct conn *conn)
{
	bool pending = conn->start != conn->end;
	short events = 0;

	if (pending)
		events |= POLLOUT;
	/* with --source what comes is read and forgotten */
	if (!conn->eof && (!pending || s->opt.has_source))
		events |= POLLIN;
	return events;
}

/* Returns why the connection is over, or NULL. */
static const char *read_some(const struct server *s, struct conn *conn)
{
	u8 scrap[BUFFER], *to = s->opt.has_source ? scrap : conn->buffer;
	ssize_t n = read(conn->fd, to, BUFFER);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? NULL : strerror(errno);
	if (s->opt.verbose)
		tell(s, conn, n ? "read %zd octets" : "read the end (%zd)", n);
	conn->received += (u64)n;
	if (!n)
		conn->eof = true;
	else if (!s->opt.discard && !s->opt.has_source)
		conn->end = (u32)n;
	return NULL;
}

static const char *write_some(const struct server *s, struct conn *conn)
{
	u32 len = conn->end - conn->start;
	ssize_t n;

	if (s->opt.has_close_first && len > s->opt.close_first - conn->sent)
		len = (u32)(s->opt.close_first - conn->sent);
	n = send(conn->fd, conn->buffer + conn->start, len, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? NULL : strerror(errno);
	if (s->opt.verbose)
		tell(s, conn, "wrote %zd octets", n);
	conn->start += (u32)n;
	conn->sent += (u64)n;
	return NULL;
}

static void serve_one(struct server *s, u32 i, short revents, u64 now)
{
	struct conn *conn = s->conn[i];
	const char *why = NULL;

	if (revents & (POLLIN | POLLHUP | POLLERR) && !conn->eof &&
	    (conn->start == conn->end || s->opt.has_source)) {
		if (!s->opt.has_source) {
			conn->start = 0;
			conn->end = 0;
		}
		why = read_some(s, conn);
	} else if (revents & (POLLHUP | POLLERR)) {
		/* nobody is left to write to; writing tells why */
		why = conn->start != conn->end ? write_some(s, conn) : NULL;
		if (!why)
			why = "gone";
	}
	if (!why)
		refill(s, conn);
	if (!why && conn->start != conn->end)
		why = write_some(s, conn);
	if (!why)
		refill(s, conn);
	if (!why)
		why = finished(s, conn, now);
	if (why)
		end_conn(s, i, why);
}

static u64 next_close(const struct server *s)
{
	u64 due = TERN_NEVER;

	for (u32 i = 0; i < s->n_conns; i++) {
		if (s->conn[i]->close_at < due)
			due = s->conn[i]->close_at;
	}
	return due;
}

/* What to wait for: signals, the listener, then the connections in their order. */
static void prepare_poll(struct server *s)
{
	s->poll[0] = (struct pollfd) { .fd = s->signals, .events = POLLIN };
	s->poll[1] = (struct pollfd) { .fd = may_accept(s) ? s->fd : -1, .events = POLLIN };
	for (u32 i = 0; i < s->n_conns; i++)
		s->poll[i + 2] = (struct pollfd) {
			.fd = s->conn[i]->fd,
			.events = events_wanted(s, s->conn[i]),
		};
}

static void wait_for_events(struct server *s)
{
	u64 due = next_close(s), now = monotonic_us();
	struct timespec wait = { 0 };

	if (due != TERN_NEVER && due > now) {
		wait.tv_sec = (time_t)((due - now) / USEC_PER_SEC);
		wait.tv_nsec = (long)((due - now) % USEC_PER_SEC * 1000);
	}
	if (ppoll(s->poll, s->n_conns + 2, due == TERN_NEVER ? NULL : &wait, NULL) < 0 &&
	    errno != EINTR)
		die(EXIT_ENVIRONMENT, "poll: %s", strerror(errno));
}

static void run(struct server *s)
{
	while (!s->opt.count || s->served < s->opt.count) {
		u64 now;

		prepare_poll(s);
		wait_for_events(s);
		if (s->poll[0].revents)
			return;
		now = monotonic_us();
		/* from the last, because end_conn() moves the last into the gap */
		for (u32 i = s->n_conns; i-- > 0;) {
			if (s->poll[i + 2].revents || now >= s->conn[i]->close_at)
				serve_one(s, i, s->poll[i + 2].revents, now);
		}
		if (s->poll[1].revents) {
			accept_one(s, now);
			/* it may have something to say, or to close, at once */
			if (s->n_conns && (s->opt.has_source || s->opt.has_close_first))
				serve_one(s, s->n_conns - 1, 0, now);
		}
	}
}

int main(int argc, char **argv)
{
	static struct server s;

	set_program_name("tern-echo");
	read_options(&s.opt, argc, argv);
	s.signals = signals_open();
	start_listening(&s);
	run(&s);
	while (s.n_conns)
		end_conn(&s, s.n_conns - 1, "closed, the server ends");
	close(s.fd);
	close(s.signals);
	free(s.opt.farewell);
	tell(&s, NULL, "%llu connections served", (unsigned long long)s.served);
	return EXIT_OK;
}
