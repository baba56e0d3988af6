// SPDX-License-Identifier: GPL-2.0
/*
 * vm-differ: the same random sequences of segments and user calls go to a socket of
 * Tern and to one of the kernel's TCP, and what they do is compared.
 *
 *	vm-differ [--first N] [--seeds N] [--reports N] [--until-first] [--verbose] [FILE...]
 *	vm-differ --rules
 *
 * FILEs are sequences as text; without any, seeds are run, all or until one differs.
 * --reports says how many of those that differ are shrunk and printed, --rules lists
 * the names of the differences that are meant.  Run in the VM, by tests/vm/t-differ.sh.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/differ/differ.h"

/* for tests/scripts/packet.c: IPv4 */
struct settings settings;

static u32 sequences_run, failures, reports_max = 10;

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

/* As near to each other as the two can be brought; what remains is in rules.c. */
static void configure(void)
{
	static const char *const settings_of[][2] = {
		{ "ipv4/tcp_window_scaling", "0" }, { "ipv4/tcp_dsack", "0" },
		{ "ipv4/tcp_recovery", "0" }, { "ipv4/tcp_early_retrans", "0" },
		{ "ipv4/tcp_frto", "0" }, { "ipv4/tcp_ecn", "0" },
		{ "ipv4/tcp_fastopen", "0" }, { "ipv4/tcp_syncookies", "0" },
		{ "ipv4/tcp_rfc1337", "1" }, { "ipv4/tcp_moderate_rcvbuf", "0" },
		{ "ipv4/tcp_autocorking", "0" }, { "ipv4/tcp_retrans_collapse", "0" },
		{ "ipv4/tcp_no_metrics_save", "1" },
		{ "ipv4/tcp_congestion_control", "reno" },
		{ "ipv4/tcp_challenge_ack_limit", "2147483647" },
		{ "ipv4/tcp_comp_sack_nr", "0" }, { "ipv4/tcp_tw_reuse", "0" },
		{ "ipv4/tcp_syn_retries", "5" },
		{ "ipv4/tcp_synack_retries", "5" }, { "tern/syn_retries", "5" },
		{ "ipv4/tcp_retries2", "6" }, { "ipv4/tcp_orphan_retries", "6" },
		{ "tern/data_retries", "6" }, { "tern/orphan_retries", "6" },
		{ "tern/delack_ms", "0" }, { "tern/syncookies", "0" },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(settings_of); i++)
		set_sysctl(settings_of[i][0], settings_of[i][1]);
}

static void report(struct sequence *sequence, const char *name, const struct outcome *outcome)
{
	struct outcome again;

	failures++;
	if (failures > reports_max)
		return;
	sequence->n = (u32)outcome->at + 1;
	printf("# %s: step %d differs; shrunk:\n", name, outcome->at + 1);
	sequence_shrink(sequence, outcome->differs);
	sequence_print(sequence);
	printf("# as it went:\n");
	verbose = true;
	rules_count(false);
	sequence_run(sequence, false, &again);
	rules_count(true);
	verbose = false;
	fflush(stdout);
}

static void one_seed(u32 seed)
{
	static struct sequence sequence;
	struct outcome outcome;
	char name[32];

	snprintf(name, sizeof(name), "seed %u", seed);
	sequence_start(&sequence, seed);
	sequence_run(&sequence, true, &outcome);
	sequences_run++;
	if (outcome.at >= 0)
		report(&sequence, name, &outcome);
}

static void one_file(const char *path)
{
	static struct sequence sequence;
	struct outcome outcome;

	if (!sequence_read(path, &sequence))
		die("differ: %s cannot be read", path);
	sequence_run(&sequence, false, &outcome);
	sequences_run++;
	if (outcome.at >= 0)
		report(&sequence, path, &outcome);
}

static void summary(void)
{
	u32 i;

	printf("# %u sequences, %llu steps, %llu comparisons\n", sequences_run,
	       (unsigned long long)steps_run, (unsigned long long)comparisons_made);
	for (i = 0; i < n_rules; i++)
		printf("# %7u %s\n", rules[i].count, rules[i].name);
	printf("# %u sequences with an unexplained difference\n", failures);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "first", required_argument, NULL, 'f' },
		{ "seeds", required_argument, NULL, 'n' },
		{ "reports", required_argument, NULL, 'r' },
		{ "until-first", no_argument, NULL, 'u' },
		{ "rules", no_argument, NULL, 'l' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	u32 first = 1, seeds = 100, i;
	bool until_first = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			first = (u32)strtoul(optarg, NULL, 10);
			break;
		case 'n':
			seeds = (u32)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			reports_max = (u32)strtoul(optarg, NULL, 10);
			break;
		case 'u':
			until_first = true;
			break;
		case 'l':
			for (i = 0; i < n_rules; i++)
				puts(rules[i].name);
			return 0;
		case 'v':
			verbose = true;
			break;
		default:
			die("usage: [--first N] [--seeds N] [--reports N] [FILE...]");
		}
	}
	wire_open();
	configure();
	for (i = (u32)optind; i < (u32)argc; i++)
		one_file(argv[i]);
	for (i = 0; optind == argc && i < seeds && !(until_first && failures); i++)
		one_seed(first + i);
	summary();
	return failures != 0;
}
