// SPDX-License-Identifier: GPL-2.0
/*
 * The command line of tern-client.  Everything is checked here, so that the rest
 * need not.
 */
#include <getopt.h>

#include "client.h"

static const char help[] =
"Usage: tern-client [OPTIONS] HOST PORT\n"
"Open a Tern connection over a raw socket: send, receive, close, tell about it.\n"
"HOST is an IPv4 or IPv6 address; a link-local one has its interface behind it, as\n"
"in fe80::1%eth0.  What is received goes to standard output, the account of\n"
"segments and states to standard error.\n"
"\n"
"What to send (standard input to its end, unless --send or --no-stdin is given):\n"
"  --send TEXT          send TEXT; repeatable; \\n \\r \\t \\0 \\\\ \\xHH understood.\n"
"                       The first rides on the third segment of the handshake,\n"
"                       each further one follows when the last is acknowledged\n"
"  --stdin              send standard input too, after every --send\n"
"  --no-stdin           send nothing of standard input\n"
"\n"
"How to close:\n"
"  --close first        when all is sent and acknowledged, close both directions\n"
"  --close second       wait for the server's FIN, then close\n"
"  --close half         (default) FIN after the last octet, then go on receiving\n"
"                       until the server's FIN\n"
"  --close never        leave it to the server, a reset or --timeout\n"
"  --expect N           before closing, wait until N octets have been received\n"
"  --close-after MS     close MS milliseconds after ESTABLISHED instead\n"
"  --abort              when it is time to close, send RST instead of FIN\n"
"  --time-wait SECONDS  how long TIME_WAIT lasts, default 60; 0 leaves at once\n"
"  --timeout SECONDS    abort if all this has not ended by then, default never\n"
"\n"
"Which end we are:\n"
"  --source ADDR        local address, IPv4 or IPv6 as HOST; default: the route's\n"
"  --sport N            local port, default: random\n"
"  --listen             wait on PORT of the local address HOST for a connection\n"
"                       instead of opening one\n"
"  --protocol N         IP protocol number, default 253\n"
"  --force              go on although the tern module is enabled here\n"
"\n"
"The protocol's parameters:\n"
"  --isn N              initial sequence number, default: random\n"
"  --mss N              largest payload, default: the path's MTU less 40, or\n"
"                       60 over IPv6\n"
"  --rcvbuf N           receive buffer, octets, default 65535\n"
"  --nodelay            turn the Nagle algorithm off\n"
"  --no-sack            do without selective acknowledgments\n"
"  --no-timestamps      do without timestamps\n"
"  --delack MS          longest delay of an acknowledgment, default 40\n"
"  --rto MS             first retransmission timeout, default 1000\n"
"  --rto-min MS         its lower bound, default 200\n"
"  --rto-max MS         its upper bound, default 120000\n"
"  --syn-retries N      retransmissions of SYN or SYN-ACK, default 6 or 5\n"
"  --data-retries N     retransmissions of data and FIN, default 15\n"
"\n"
"Segments to lose:\n"
"  --lose SPEC          repeatable; SPEC is out|in:KIND:NUMBERS.  KIND is SYN,\n"
"                       SYN-ACK, ACK (nothing but an acknowledgment), LAST-ACK\n"
"                       (one that acknowledges a FIN), DATA, FIN, RST or ANY.\n"
"                       NUMBERS, as in 1,3-5, count such segments, those sent\n"
"                       again too\n"
"\n"
"What to tell:\n"
"  --log FILE           events for programs, such as tern-ladder --client-log\n"
"  --quiet              errors only\n"
"  --verbose            counters, delayed acknowledgments and dropped packets too\n"
"  --help, --version\n"
"\n"
"Exit codes: 0 done, 1 wrong arguments, 2 this machine does not let us (no\n"
"CAP_NET_RAW, no route, ...), 3 refused, 4 timed out, 5 reset by the peer,\n"
"6 fewer octets came than --expect, 130 or 143 interrupted.\n";

enum {
	OPT_SEND = 256, OPT_STDIN, OPT_NO_STDIN, OPT_CLOSE, OPT_EXPECT, OPT_CLOSE_AFTER,
	OPT_ABORT, OPT_TIME_WAIT, OPT_TIMEOUT, OPT_SOURCE, OPT_SPORT, OPT_LISTEN,
	OPT_PROTOCOL, OPT_FORCE, OPT_ISN, OPT_MSS, OPT_RCVBUF, OPT_NODELAY, OPT_NO_SACK,
	OPT_NO_TIMESTAMPS, OPT_DELACK,
	OPT_RTO, OPT_RTO_MIN, OPT_RTO_MAX, OPT_SYN_RETRIES, OPT_DATA_RETRIES, OPT_LOSE,
	OPT_LOG, OPT_QUIET, OPT_VERBOSE, OPT_HELP, OPT_VERSION,
};

static const struct option long_options[] = {
	{ "send", required_argument, NULL, OPT_SEND },
	{ "stdin", no_argument, NULL, OPT_STDIN },
	{ "no-stdin", no_argument, NULL, OPT_NO_STDIN },
	{ "close", required_argument, NULL, OPT_CLOSE },
	{ "expect", required_argument, NULL, OPT_EXPECT },
	{ "close-after", required_argument, NULL, OPT_CLOSE_AFTER },
	{ "abort", no_argument, NULL, OPT_ABORT },
	{ "time-wait", required_argument, NULL, OPT_TIME_WAIT },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "source", required_argument, NULL, OPT_SOURCE },
	{ "sport", required_argument, NULL, OPT_SPORT },
	{ "listen", no_argument, NULL, OPT_LISTEN },
	{ "protocol", required_argument, NULL, OPT_PROTOCOL },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "isn", required_argument, NULL, OPT_ISN },
	{ "mss", required_argument, NULL, OPT_MSS },
	{ "rcvbuf", required_argument, NULL, OPT_RCVBUF },
	{ "nodelay", no_argument, NULL, OPT_NODELAY },
	{ "no-sack", no_argument, NULL, OPT_NO_SACK },
	{ "no-timestamps", no_argument, NULL, OPT_NO_TIMESTAMPS },
	{ "delack", required_argument, NULL, OPT_DELACK },
	{ "rto", required_argument, NULL, OPT_RTO },
	{ "rto-min", required_argument, NULL, OPT_RTO_MIN },
	{ "rto-max", required_argument, NULL, OPT_RTO_MAX },
	{ "syn-retries", required_argument, NULL, OPT_SYN_RETRIES },
	{ "data-retries", required_argument, NULL, OPT_DATA_RETRIES },
	{ "lose", required_argument, NULL, OPT_LOSE },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "verbose", no_argument, NULL, OPT_VERBOSE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

#define MAX_SECONDS 86400ull

static u32 ms_arg(const char *option, const char *text, u64 min, u64 max)
{
	return (u32)(number_arg(option, text, min, max) * USEC_PER_MSEC);
}

static struct address host_arg(const char *what, const char *text)
{
	struct address addr = address_arg(what, text);

	if (!address_is_unicast(&addr))
		die(EXIT_USAGE, "%s: %s is not the address of one host", what, text);
	return addr;
}

static enum close_mode close_arg(const char *text)
{
	static const char * const names[] = {
		[CLOSE_FIRST] = "first", [CLOSE_SECOND] = "second",
		[CLOSE_HALF] = "half", [CLOSE_NEVER] = "never",
	};

	for (int i = CLOSE_FIRST; i <= CLOSE_NEVER; i++) {
		if (!strcmp(text, names[i]))
			return (enum close_mode)i;
	}
	die(EXIT_USAGE, "--close: '%s' is not one of first, second, half, never", text);
}

static void add_send(struct options *opt, const char *text)
{
	struct piece *piece = &opt->send[opt->n_sends];

	if (opt->n_sends == MAX_SENDS)
		die(EXIT_USAGE, "--send: more than %d of them", MAX_SENDS);
	if (strlen(text) > MAX_PIECE)
		die(EXIT_USAGE, "--send: a text of more than %u octets", MAX_PIECE);
	piece->text = unescape_arg("--send", text, &piece->len);
	if (!piece->len)
		die(EXIT_USAGE, "--send: an empty text");
	opt->n_sends++;
}

/* The protocol's parameters; false when @option is none of them. */
static bool read_parameter(struct options *opt, int option, const char *arg)
{
	struct tern_config *cfg = &opt->cfg;

	switch (option) {
	case OPT_ISN:
		opt->isn = (u32)number_arg("--isn", arg, 0, UINT32_MAX);
		opt->has_isn = true;
		break;
	case OPT_MSS:
		cfg->mss = (u16)number_arg("--mss", arg, 1, 65495);
		break;
	case OPT_RCVBUF:
		cfg->rcv_buf = (u32)number_arg("--rcvbuf", arg, 1, 64u << 20);
		break;
	case OPT_NODELAY:
		cfg->nodelay = true;
		break;
	case OPT_NO_SACK:
		cfg->sack = false;
		break;
	case OPT_NO_TIMESTAMPS:
		cfg->timestamps = false;
		break;
	case OPT_DELACK:
		cfg->delack = ms_arg("--delack", arg, 0, 500);
		break;
	case OPT_RTO:
		cfg->rto_initial = ms_arg("--rto", arg, 1, 600000);
		break;
	case OPT_RTO_MIN:
		cfg->rto_min = ms_arg("--rto-min", arg, 1, 600000);
		break;
	case OPT_RTO_MAX:
		cfg->rto_max = ms_arg("--rto-max", arg, 1, 600000);
		break;
	case OPT_SYN_RETRIES:
		cfg->syn_retries = (u8)number_arg("--syn-retries", arg, 0, 30);
		cfg->synack_retries = cfg->syn_retries;
		break;
	case OPT_DATA_RETRIES:
		cfg->data_retries = (u8)number_arg("--data-retries", arg, 0, 30);
		cfg->orphan_retries = cfg->data_retries;
		break;
	default:
		return false;
	}
	return true;
}

/* How to close, and when; false when @option is none of that. */
static bool read_closing(struct options *opt, int option, const char *arg)
{
	switch (option) {
	case OPT_CLOSE:
		opt->close = close_arg(arg);
		break;
	case OPT_EXPECT:
		opt->expect = number_arg("--expect", arg, 0, 1ull << 40);
		break;
	case OPT_CLOSE_AFTER:
		opt->close_after = number_arg("--close-after", arg, 0, MAX_SECONDS * 1000) *
				   USEC_PER_MSEC;
		opt->has_close_after = true;
		break;
	case OPT_ABORT:
		opt->abort = true;
		break;
	case OPT_TIME_WAIT:
		opt->time_wait = decimal_arg_us("--time-wait", arg, 3600 * USEC_PER_SEC);
		break;
	case OPT_TIMEOUT:
		opt->timeout = decimal_arg_us("--timeout", arg, MAX_SECONDS * USEC_PER_SEC);
		if (!opt->timeout)
			die(EXIT_USAGE, "--timeout: 0 seconds leave no time for anything");
		break;
	default:
		return false;
	}
	return true;
}

static void read_option(struct options *opt, int option, const char *arg)
{
	if (read_parameter(opt, option, arg) || read_closing(opt, option, arg))
		return;
	switch (option) {
	case OPT_SEND:
		add_send(opt, arg);
		break;
	case OPT_SOURCE:
		opt->source = host_arg("--source", arg);
		break;
	case OPT_SPORT:
		opt->sport = (u16)number_arg("--sport", arg, 1, 65535);
		break;
	case OPT_LISTEN:
		opt->listen = true;
		break;
	case OPT_PROTOCOL:
		opt->protocol = (u8)number_arg("--protocol", arg, 1, 254);
		break;
	case OPT_FORCE:
		opt->force = true;
		break;
	case OPT_LOSE:
		parse_lose(opt, arg);
		break;
	case OPT_LOG:
		opt->log_path = arg;
		break;
	case OPT_QUIET:
		opt->quiet = true;
		break;
	case OPT_VERBOSE:
		opt->verbose = true;
		break;
	case OPT_HELP:
		fputs(help, stdout);
		exit(EXIT_OK);
	case OPT_VERSION:
		puts("tern-client " DEMO_VERSION);
		exit(EXIT_OK);
	default:	/* getopt has complained */
		fputs("Try tern-client --help\n", stderr);
		exit(EXIT_USAGE);
	}
}

static void check_together(const struct options *opt)
{
	if (opt->quiet && opt->verbose)
		die(EXIT_USAGE, "--quiet and --verbose exclude each other");
	if (opt->listen && (opt->source.family || opt->sport))
		die(EXIT_USAGE, "--listen binds HOST and PORT: no --source, no --sport with it");
	if (opt->source.family && opt->source.family != opt->host.family)
		die(EXIT_USAGE, "--source and HOST: one is an IPv4 address, the other IPv6");
	if (opt->source.scope && opt->host.scope && opt->source.scope != opt->host.scope)
		die(EXIT_USAGE, "--source and HOST are on different interfaces");
	if (opt->close == CLOSE_NEVER && (opt->has_close_after || opt->abort))
		die(EXIT_USAGE, "--close never excludes --close-after and --abort");
	if (opt->has_close_after && opt->expect)
		die(EXIT_USAGE, "--close-after and --expect exclude each other");
	if (opt->cfg.rto_min > opt->cfg.rto_max)
		die(EXIT_USAGE, "--rto-min is more than --rto-max");
	if (opt->cfg.rto_initial > opt->cfg.rto_max)
		die(EXIT_USAGE, "--rto is more than --rto-max");
}

void read_options(struct options *opt, int argc, char **argv)
{
	int option, want_stdin = -1;

	*opt = (struct options) {
		.protocol = TERN_PROTOCOL,
		.close = CLOSE_HALF,
		.time_wait = 60 * USEC_PER_SEC,
		.cfg = {
			.rto_initial = 1000000, .rto_min = 200000, .rto_max = 120000000,
			.delack = 40000, .fin_wait_2 = 60000000, .rcv_buf = 65535,
			.syn_retries = 6, .synack_retries = 5, .data_retries = 15,
			.orphan_retries = 8, .sack = true, .timestamps = true,
		},
	};
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == OPT_STDIN || option == OPT_NO_STDIN)
			want_stdin = option == OPT_STDIN;
		else
			read_option(opt, option, optarg);
	}
	if (argc - optind != 2)
		die(EXIT_USAGE, "HOST and PORT are needed, no more; try tern-client --help");
	opt->host = host_arg("HOST", argv[optind]);
	opt->port = (u16)number_arg("PORT", argv[optind + 1], 1, 65535);
	opt->use_stdin = want_stdin < 0 ? !opt->n_sends : want_stdin;
	check_together(opt);
}
