// SPDX-License-Identifier: GPL-2.0
/*
 * The simulator's command: runs seeds or scripts, tells what has happened, and makes a
 * script of a seed that fails.  README.md says how it is used.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sim/sim.h"

/* Every so many seeds the script that a seed has made is run, too: it must be the same. */
#define REPLAY_EVERY 20
#define SHRINK_RUNS 20000

/* struct options - what the command line says */
struct options {
	u64 seed;
	u64 seeds;
	bool verbose;
	bool floor;
	bool keep;
	u32 shrink_runs;
	const char *label;
	const char *out;
};

static struct world world;
static struct tally tally;

static const char * const did_names[DIDS] = {
	[DID_OPEN] = "connections established",
	[DID_SIMULTANEOUS] = "simultaneous opens",
	[DID_SELF] = "connections to oneself",
	[DID_REFUSED] = "refused",
	[DID_RESET] = "reset",
	[DID_TIMEDOUT] = "timed out",
	[DID_ABORTED] = "aborted",
	[DID_TIMEOUT] = "retransmission timeouts",
	[DID_RECOVERY] = "fast retransmits",
	[DID_CHALLENGE] = "challenges",
	[DID_SACK] = "with SACK",
	[DID_TIMESTAMPS] = "with timestamps",
	[DID_NO_SACK] = "without SACK",
	[DID_NO_TIMESTAMPS] = "without timestamps",
	[DID_PROBE] = "window probes",
	[DID_SHUT_WINDOW] = "shut windows",
	[DID_KEEPALIVE] = "keep-alive probes",
	[DID_BARE_RST] = "RST for nobody",
	[DID_RST] = "RST of a connection",
	[DID_TW_DROP] = "TIME_WAIT drops",
	[DID_TW_ACK] = "TIME_WAIT answers",
	[DID_TW_RESTART] = "TIME_WAIT starts again",
	[DID_TW_REOPEN] = "TIME_WAIT lets a SYN in",
	[DID_REUSE] = "ports used again",
	[DID_EXCUSED] = "with numbers of packets under way",
	[DID_TOO_BIG] = "too big for the path",
	[DID_TO_DOWN] = "to a host that is down",
	[DID_TO_CUT] = "into a partition",
	[DID_NO_ROOM] = "SYN without room",
	[DID_SEQ_WRAP] = "sequence numbers wrap",
	[DID_TSVAL_WRAP] = "timestamps wrap",
	[DID_FORGOT] = "crashes that forget",
	[DID_RANGES_FORGOTTEN] = "out-of-order data thrown away",
	[DID_LONELY] = "waits for a peer that is gone",
};

/* Why the engine did not use a segment; those that cannot come here are not named. */
static const char * const drop_names[TERN_DROP_CORE] = {
	[TERN_DROP_FLAGS] = "flags",
	[TERN_DROP_WINDOW] = "window",
	[TERN_DROP_RST] = "RST",
	[TERN_DROP_SYN] = "SYN",
	[TERN_DROP_ACK] = "ACK",
	[TERN_DROP_DUPLICATE] = "duplicate",
	[TERN_DROP_RANGES] = "ranges",
	[TERN_DROP_ORPHAN] = "orphan",
	[TERN_DROP_PAWS] = "PAWS",
};

/* The arrows of rfc9293#section-3.3.2, figure 5, that a host can go. */
static const struct {
	u8 from;
	u8 to;
} arrows[] = {
	{ TERN_CLOSED, TERN_SYN_SENT },
	{ TERN_LISTEN, TERN_SYN_RECEIVED },
	{ TERN_SYN_SENT, TERN_SYN_RECEIVED },
	{ TERN_SYN_SENT, TERN_ESTABLISHED },
	{ TERN_SYN_SENT, TERN_CLOSED },
	{ TERN_SYN_RECEIVED, TERN_ESTABLISHED },
	{ TERN_SYN_RECEIVED, TERN_FIN_WAIT_1 },
	{ TERN_SYN_RECEIVED, TERN_CLOSED },
	{ TERN_ESTABLISHED, TERN_FIN_WAIT_1 },
	{ TERN_ESTABLISHED, TERN_CLOSE_WAIT },
	{ TERN_ESTABLISHED, TERN_CLOSED },
	{ TERN_FIN_WAIT_1, TERN_FIN_WAIT_2 },
	{ TERN_FIN_WAIT_1, TERN_CLOSING },
	{ TERN_FIN_WAIT_1, TERN_CLOSED },
	{ TERN_FIN_WAIT_2, TERN_TIME_WAIT },
	{ TERN_FIN_WAIT_2, TERN_CLOSED },
	{ TERN_CLOSING, TERN_TIME_WAIT },
	{ TERN_CLOSING, TERN_CLOSED },
	{ TERN_CLOSE_WAIT, TERN_LAST_ACK },
	{ TERN_CLOSE_WAIT, TERN_CLOSED },
	{ TERN_LAST_ACK, TERN_CLOSED },
};

/* struct floor - kinds that are counted, and those that never came */
struct floor {
	u32 kinds;
	u32 never;
	char names[2000];
};

static void kind(struct floor *floor, const char *a, const char *b, u64 n)
{
	size_t used = strlen(floor->names);

	printf("  %-18s %-34s %llu\n", a, b, (unsigned long long)n);
	floor->kinds++;
	if (n)
		return;
	floor->never++;
	snprintf(floor->names + used, sizeof(floor->names) - used, "%s%s %s",
		 used ? ", " : "", a, b);
}

static void print_kinds(struct floor *floor)
{
	char name[64];
	u32 i;

	memset(floor, 0, sizeof(*floor));
	for (i = 0; i < VERBS; i++)
		kind(floor, "event", verb_name(i), tally.verb[i]);
	for (i = 0; i < DIDS; i++)
		kind(floor, "what happened", did_names[i], tally.did[i]);
	for (i = 0; i < TERN_DROP_CORE; i++) {
		if (drop_names[i])
			kind(floor, "dropped for", drop_names[i], tally.drop[i]);
	}
	for (i = 0; i < ARRAY_SIZE(arrows); i++) {
		snprintf(name, sizeof(name), "%s -> %s", tern_state_name(arrows[i].from),
			 tern_state_name(arrows[i].to));
		kind(floor, "arrow", name, tally.arrow[arrows[i].from][arrows[i].to]);
	}
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void print_tally(double took)
{
	if (took < 0.001)
		took = 0.001;
	printf("runs %llu (%.0f/s), steps %llu (%.0f/s), packets %llu, sockets %llu,\n",
	       (unsigned long long)tally.runs, (double)tally.runs / took,
	       (unsigned long long)tally.steps, (double)tally.steps / took,
	       (unsigned long long)tally.packets, (unsigned long long)tally.lives);
	printf("octets read %llu, virtual time %llu s, longest fair end %llu s, CPU %.1f s\n",
	       (unsigned long long)tally.octets,
	       (unsigned long long)(tally.virtual_us / SEC),
	       (unsigned long long)(tally.fair_us_max / SEC), took);
}

/* The script again, with what comes of it. */
static void print_run(FILE *file, struct script *script)
{
	world.trace = file;
	run_script(&world, script);
	world.trace = NULL;
	if (world.law)
		fprintf(file, "; %llu.%06llu broken: %s: %s\n",
			(unsigned long long)(world.t / SEC),
			(unsigned long long)(world.t % SEC), world.law, world.why);
}

/* What the script alone says, and then as comments what comes of it */
static bool write_script(const struct options *options, u64 seed, struct script *script,
			 const char *law)
{
	char name[400];
	FILE *file;

	snprintf(name, sizeof(name), "%s/seed-%llu.sim", options->out,
		 (unsigned long long)seed);
	file = fopen(name, "w");
	if (!file) {
		perror(name);
		return false;
	}
	fprintf(file, "; breaks: %s\n", law);
	script_print(file, script);
	fclose(file);
	printf("kept in %s:\n", name);
	return true;
}

static void report(const struct options *options, u64 seed, struct script *script)
{
	const char *law = world.law;
	u32 n = script->n, runs;

	printf("seed %llu: %s: %s\n", (unsigned long long)seed, world.law, world.why);
	run_script(&world, script);
	if (!world.law || strcmp(world.law, law)) {
		printf("seed %llu: its script does not do that\n", (unsigned long long)seed);
		if (options->out)
			write_script(options, seed, script, law);
		return;
	}
	runs = shrink(&world, script, law, options->shrink_runs);
	printf("seed %llu: %u events of %u left after %u runs\n", (unsigned long long)seed,
	       script->n, n, runs);
	if (options->out)
		write_script(options, seed, script, law);
	script_print(stdout, script);
	printf("; breaks: %s: %s\n", world.law ? world.law : "nothing", world.why);
}

static bool replays(u64 seed, struct script *script)
{
	u64 hash = world.hash;

	run_script(&world, script);
	if (world.hash == hash && !world.law)
		return true;
	printf("seed %llu: its script makes another run\n", (unsigned long long)seed);
	return false;
}

/* Return: seeds that failed */
static u32 run_seeds(const struct options *options)
{
	struct script script = { 0 };
	u32 failed = 0, full = 0, twice = 0, different = 0;
	u64 i;

	for (i = 0; i < options->seeds; i++) {
		u64 seed = options->seed + i;

		world.trace = options->verbose ? stdout : NULL;
		run_seed(&world, seed, &script);
		world.trace = NULL;
		full += world.full;
		if (world.law) {
			failed++;
			report(options, seed, &script);
			if (!options->keep)
				break;
		} else if (seed % REPLAY_EVERY == 0) {
			twice++;
			different += !replays(seed, &script);
		}
	}
	free(script.event);
	if (full)
		printf("%u runs ended early: too many sockets\n", full);
	if (failed)
		printf("not ok - %s: seeds %llu to %llu keep the laws: %u do not\n",
		       options->label, (unsigned long long)options->seed,
		       (unsigned long long)(options->seed + options->seeds - 1), failed);
	else
		printf("ok - %s: seeds %llu to %llu keep the laws\n", options->label,
		       (unsigned long long)options->seed,
		       (unsigned long long)(options->seed + options->seeds - 1));
	if (different)
		printf("not ok - %s: a seed's script makes the same run: %u do not\n",
		       options->label, different);
	else if (twice)
		printf("ok - %s: a seed's script makes the same run (%u)\n", options->label,
		       twice);
	return failed + different;
}

/* "; breaks: LAW" in the first line: the law that the script is meant to break, or "" */
static bool expected(FILE *file, char *law, size_t size)
{
	static const char mark[] = "; breaks: ";
	char line[256];

	law[0] = '\0';
	if (!fgets(line, sizeof(line), file))
		return false;
	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, mark, strlen(mark)))
		snprintf(law, size, "%s", line + strlen(mark));
	rewind(file);
	return true;
}

static bool run_file(const struct options *options, const char *name)
{
	struct script script = { 0 };
	FILE *file = fopen(name, "r");
	const char *base = strrchr(name, '/');
	char law[256];
	bool good;

	if (!file || !expected(file, law, sizeof(law)) || !script_parse(&script, file, name)) {
		printf("not ok - %s: %s: it cannot be read\n", options->label, name);
		if (file)
			fclose(file);
		return false;
	}
	fclose(file);
	if (options->verbose)
		print_run(stdout, &script);
	else
		run_script(&world, &script);
	good = world.law ? !strcmp(world.law, law) : !law[0];
	if (good)
		printf("ok - %s: %s%s%s\n", options->label, base ? base + 1 : name,
		       law[0] ? " breaks: " : "", law);
	else
		printf("not ok - %s: %s: %s\n", options->label, base ? base + 1 : name,
		       world.law ? world.law : "it breaks no law");
	free(script.event);
	return good;
}

static void __attribute__((noreturn)) usage(int status)
{
	fprintf(status ? stderr : stdout,
		"usage: sim [OPTION]... [SCRIPT]...\n\n"
		"Runs each SCRIPT; without one, runs seeds.\n\n"
		"  --seed N      the first seed (1)\n"
		"  --seeds N     how many (100)\n"
		"  --keep-going  all of them, even if one fails\n"
		"  --floor       fail if some kind of thing never happened\n"
		"  --out DIR     where the script of a seed that failed is kept\n"
		"  --shrink N    runs to make it short, at the most (20000)\n"
		"  --label NAME  in the lines that tell results (sim)\n"
		"  -v            show every event and packet\n");
	exit(status);
}

static u64 number(const char *word)
{
	char *end;
	u64 value = strtoull(word, &end, 10);

	if (*word < '0' || *word > '9' || *end) {
		fprintf(stderr, "sim: '%s' is not a number\n", word);
		exit(2);
	}
	return value;
}

static int parse(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "seeds", required_argument, NULL, 'n' },
		{ "keep-going", no_argument, NULL, 'k' },
		{ "floor", no_argument, NULL, 'f' },
		{ "out", required_argument, NULL, 'o' },
		{ "shrink", required_argument, NULL, 'r' },
		{ "label", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "vh", names, NULL)) >= 0) {
		if (c == 's')
			options->seed = number(optarg);
		else if (c == 'n')
			options->seeds = number(optarg);
		else if (c == 'k')
			options->keep = true;
		else if (c == 'f')
			options->floor = true;
		else if (c == 'o')
			options->out = optarg;
		else if (c == 'r')
			options->shrink_runs = (u32)number(optarg);
		else if (c == 'l')
			options->label = optarg;
		else if (c == 'v')
			options->verbose = true;
		else
			usage(c == 'h' ? 0 : 2);
	}
	return optind;
}

static u32 seeds(const struct options *options)
{
	struct floor floor;
	u32 failed = run_seeds(options);

	print_kinds(&floor);
	if (options->floor && !failed) {
		if (floor.never)
			printf("not ok - %s: everything happened: never: %s\n",
			       options->label, floor.names);
		else
			printf("ok - %s: everything happened (%u kinds)\n", options->label,
			       floor.kinds);
		failed += floor.never;
	}
	return failed;
}

int main(int argc, char **argv)
{
	struct options options = {
		.seed = 1,
		.seeds = 100,
		.label = "sim",
		.shrink_runs = SHRINK_RUNS,
	};
	int file = parse(argc, argv, &options);
	double begin = seconds();
	u32 failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	world.tally = &tally;
	if (file == argc)
		failed = seeds(&options);
	for (; file < argc; file++)
		failed += !run_file(&options, argv[file]);
	print_tally(seconds() - begin);
	return failed ? 1 : 0;
}
