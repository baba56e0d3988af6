// SPDX-License-Identifier: GPL-2.0
/*
 * tern-ladder: draw a connection as textbooks do, from what was captured on the
 * wire and recorded at its two ends.
 */
#include <errno.h>
#include <getopt.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ladder.h"

#define MIN_WIDTH 72
#define MAX_WIDTH 132
#define WIDEST_BY_ITSELF 100

static const char help[] =
"Usage: tern-ladder [OPTIONS] CAPTURE.pcap\n"
"Draw a Tern connection: two columns, each segment an arrow, states beside them.\n"
"\n"
"Where things come from:\n"
"  CAPTURE.pcap         the segments, as tcpdump -w wrote them\n"
"  --client-log FILE    states, lost segments and timers, from tern-client --log\n"
"  --server-log FILE    the same of a server that is tern-client --listen\n"
"  --server-trace FILE  states from the kernel: the text of tracefs' file trace,\n"
"                       events tern_state and tern_drop, trace_clock tai\n"
"  --trace-shift [-]S   seconds to add to the trace's times (-37 where the\n"
"                       machine knows that TAI is ahead of UTC)\n"
"  --client ADDR[:PORT] who the client is; default: the sender of the first SYN.\n"
"                       An IPv6 address with a port is in brackets: [ADDR]:PORT\n"
"  --protocol N         IP protocol number, default 253\n"
"\n"
"What comes out:\n"
"  --list               one line an event instead of the picture\n"
"  --no-times           leave the times out of --list, values of timestamps too\n"
"  --absolute           sequence numbers as they are on the wire\n"
"  --no-notes           leave tern-client's notes out of the picture\n"
"  --gap SECONDS        draw silences of at least that length, default 0.15\n"
"  --width N            columns, 72 to 132, default: the terminal's, 80 to 100\n"
"  --color WHEN         always, never, or auto (default): on a terminal\n"
"  --ascii              no line-drawing characters\n"
"  --help, --version\n"
"\n"
"A segment's time is that of the capture.  Captured at the client's interface,\n"
"a client's segment is shown when it leaves, a server's when it arrives.  States\n"
"have times of their own: one that follows a segment within 5 ms stands on its\n"
"arrow, a later one on a line of its own, so that a long way shows its delay.\n"
"\n"
"Exit codes: 0 done, 1 wrong arguments, 2 a file cannot be read or has no Tern\n"
"segments in it.\n";

enum {
	OPT_CLIENT = 256, OPT_CLIENT_LOG, OPT_SERVER_LOG, OPT_SERVER_TRACE, OPT_TRACE_SHIFT,
	OPT_PROTOCOL, OPT_LIST, OPT_NO_TIMES, OPT_ABSOLUTE, OPT_NO_NOTES, OPT_GAP, OPT_WIDTH,
	OPT_COLOUR, OPT_ASCII, OPT_HELP, OPT_VERSION,
};

static const struct option long_options[] = {
	{ "client", required_argument, NULL, OPT_CLIENT },
	{ "client-log", required_argument, NULL, OPT_CLIENT_LOG },
	{ "server-log", required_argument, NULL, OPT_SERVER_LOG },
	{ "server-trace", required_argument, NULL, OPT_SERVER_TRACE },
	{ "trace-shift", required_argument, NULL, OPT_TRACE_SHIFT },
	{ "protocol", required_argument, NULL, OPT_PROTOCOL },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "no-times", no_argument, NULL, OPT_NO_TIMES },
	{ "absolute", no_argument, NULL, OPT_ABSOLUTE },
	{ "no-notes", no_argument, NULL, OPT_NO_NOTES },
	{ "gap", required_argument, NULL, OPT_GAP },
	{ "width", required_argument, NULL, OPT_WIDTH },
	{ "color", required_argument, NULL, OPT_COLOUR },
	{ "ascii", no_argument, NULL, OPT_ASCII },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static void client_arg(struct ladder_options *opt, const char *text)
{
	if (!parse_endpoint(text, &opt->client) && !parse_address(text, &opt->client.addr))
		die(EXIT_USAGE, "--client: '%s' is none of ADDR, IPV4:PORT, [IPV6]:PORT", text);
	opt->has_client = true;
}

static void shift_arg(struct ladder_options *opt, const char *text)
{
	opt->trace_back = *text == '-';
	opt->trace_shift = decimal_arg_us("--trace-shift", text + opt->trace_back,
					  86400 * USEC_PER_SEC);
}

static bool colour_arg(const char *text)
{
	if (!strcmp(text, "always"))
		return true;
	if (!strcmp(text, "never"))
		return false;
	if (!strcmp(text, "auto"))
		return isatty(STDOUT_FILENO);
	die(EXIT_USAGE, "--color: '%s' is not one of auto, always, never", text);
}

static void read_option(struct ladder_options *opt, int option, const char *arg)
{
	switch (option) {
	case OPT_CLIENT:
		client_arg(opt, arg);
		break;
	case OPT_CLIENT_LOG:
		opt->log[CLIENT] = arg;
		break;
	case OPT_SERVER_LOG:
		opt->log[SERVER] = arg;
		break;
	case OPT_SERVER_TRACE:
		opt->trace = arg;
		break;
	case OPT_TRACE_SHIFT:
		shift_arg(opt, arg);
		break;
	case OPT_PROTOCOL:
		opt->protocol = (u8)number_arg("--protocol", arg, 1, 254);
		break;
	case OPT_LIST:
		opt->list = true;
		break;
	case OPT_NO_TIMES:
		opt->no_times = true;
		break;
	case OPT_ABSOLUTE:
		opt->absolute = true;
		break;
	case OPT_NO_NOTES:
		opt->no_notes = true;
		break;
	case OPT_GAP:
		opt->gap = decimal_arg_us("--gap", arg, 86400 * USEC_PER_SEC) * 1000;
		break;
	case OPT_WIDTH:
		opt->width = (int)number_arg("--width", arg, MIN_WIDTH, MAX_WIDTH);
		break;
	case OPT_COLOUR:
		opt->colour = colour_arg(arg);
		break;
	case OPT_ASCII:
		opt->ascii = true;
		break;
	case OPT_HELP:
		fputs(help, stdout);
		exit(EXIT_OK);
	case OPT_VERSION:
		puts("tern-ladder " DEMO_VERSION);
		exit(EXIT_OK);
	default:	/* getopt has complained */
		fputs("Try tern-ladder --help\n", stderr);
		exit(EXIT_USAGE);
	}
}

static int terminal_width(void)
{
	struct winsize size = { 0 };

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ||
	    size.ws_col < 80)
		return 80;
	return size.ws_col < WIDEST_BY_ITSELF ? size.ws_col : WIDEST_BY_ITSELF;
}

static void read_options(struct ladder_options *opt, int argc, char **argv)
{
	int option;

	opt->protocol = TERN_PROTOCOL;
	opt->colour = isatty(STDOUT_FILENO);
	opt->width = terminal_width();
	opt->gap = 150 * USEC_PER_MSEC * 1000;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		read_option(opt, option, optarg);
	if (argc - optind != 1)
		die(EXIT_USAGE, "one capture is needed, and nothing else; try tern-ladder --help");
	opt->capture = argv[optind];
	if (opt->no_times && !opt->list)
		die(EXIT_USAGE, "--no-times goes with --list");
	if (!strcmp(opt->capture, "-"))
		die(EXIT_USAGE, "the capture is read more than once: a file, not standard input");
}

int main(int argc, char **argv)
{
	static struct ladder l;

	set_program_name("tern-ladder");
	read_options(&l.opt, argc, argv);
	read_capture(&l);
	for (int side = CLIENT; side < SIDES; side++) {
		if (l.opt.log[side])
			read_log(&l, (enum host)side, l.opt.log[side]);
	}
	if (l.opt.trace)
		read_trace(&l, l.opt.trace);
	tell_story(&l);
	if (l.opt.list)
		print_list(&l);
	else
		draw_ladder(&l);
	for (u32 i = 0; i < l.n; i++)
		free(l.event[i].what);
	free(l.event);
	if (fflush(stdout) || ferror(stdout))
		die(EXIT_ENVIRONMENT, "standard output: %s", strerror(errno));
	return EXIT_OK;
}
