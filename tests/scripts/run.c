// SPDX-License-Identifier: GPL-2.0
/*
 * run [OPTION...] FILE... - run scripts against a target and print the verdicts.
 *
 *	--target engine|kernel	default engine
 *	--iss N, --irs N	initial sequence numbers; the kernel chooses its own iss
 *	--near-wrap		kernel: wait until its own iss is just below 2^32
 *	--ipv6			kernel: over IPv6
 *	--label TEXT		in the verdicts
 *	--brief			a line for each file, not for each of its groups
 *	--table			print the cases of each state and kind; none may be missing
 *	--only LINE		only the cases that begin in this line of the file
 *	--verbose
 *
 * README.md has the language.  This file reads the scripts, expands their sets,
 * runs case after case, and counts.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scripts/run.h"

#define SETUPS_MAX 8
#define GROUPS_MAX 64
#define SHOWN_MAX 5

struct settings settings = { .target = &engine_target, .iss = 1000000, .irs = 3000000000u };

/** struct setup - a way into a state */
struct setup {
	char state[WORD_MAX];
	char title[128];
	char text[TEXT_MAX];
};

/** struct group - cases that share a verdict */
struct group {
	char name[128];
	u32 cases;
	u32 failed;
	u32 elsewhere;	/* cases that "only" keeps for other runs */
};

/* One file */
static struct file {
	char name[64];
	struct setup setups[SETUPS_MAX];
	u32 n_setups;
	bool setups_used;
	char title[128];	/* of the "group" line, or empty */
	struct group groups[GROUPS_MAX];
	u32 n_groups;
	char only[64];		/* of the "only" line, or empty */
	int line;
} file;

static const char *const seq_edges[] = { "left-1", "left", "inside", "right", "beyond" };
static const char *const ack_edges[] = { "una-1", "una", "max", "max+1" };
static const u8 columns[] = {
	TERN_SYN, TERN_SYN | TERN_ACK, TERN_SYN | TERN_FIN, TERN_ACK,
	TERN_FIN, TERN_FIN | TERN_ACK, TERN_RST, TERN_RST | TERN_ACK,
};

/* The grid: rows are states in the order of their life */
static const u8 rows[] = {
	TERN_CLOSED, TERN_LISTEN, TERN_SYN_SENT, TERN_SYN_RECEIVED, TERN_ESTABLISHED,
	TERN_FIN_WAIT_1, TERN_FIN_WAIT_2, TERN_CLOSE_WAIT, TERN_CLOSING, TERN_LAST_ACK,
	TERN_TIME_WAIT,
};

static struct {
	u32 count[ARRAY_SIZE(rows)][ARRAY_SIZE(columns)];
	u32 seqs[ARRAY_SIZE(rows)][ARRAY_SIZE(columns)];
	u32 acks[ARRAY_SIZE(rows)][ARRAY_SIZE(columns)];
} grid;

static const char *label;
static bool brief;
static int only;
static u32 total, total_failed, total_elsewhere;

void die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: line %d: ", file.name, file.line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(2);
}

/* Counting */

static u32 edges(const char *const *names, size_t n, const char *word)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!strcmp(names[i], word))
			return 1u << i;
	}
	return 0;
}

static void count_in_grid(const char *state, u8 flags, const char *seq, const char *ack)
{
	size_t r, c;

	for (r = 0; r < ARRAY_SIZE(rows); r++) {
		for (c = 0; c < ARRAY_SIZE(columns); c++) {
			if (columns[c] != flags || strcmp(tern_state_name(rows[r]), state))
				continue;
			grid.count[r][c]++;
			grid.seqs[r][c] |= edges(seq_edges, ARRAY_SIZE(seq_edges), seq);
			grid.acks[r][c] |= edges(ack_edges, ARRAY_SIZE(ack_edges), ack);
		}
	}
}

static struct group *group_of(const char *name)
{
	u32 i;

	for (i = 0; i < file.n_groups; i++) {
		if (!strcmp(file.groups[i].name, name))
			return &file.groups[i];
	}
	if (file.n_groups == GROUPS_MAX)
		die("more than %u groups", GROUPS_MAX);
	memset(&file.groups[i], 0, sizeof(file.groups[i]));
	snprintf(file.groups[i].name, sizeof(file.groups[i].name), "%s", name);
	file.n_groups++;
	return &file.groups[i];
}

/* Cases */

static void verdict(struct group *group, const struct setup *setup, const char *text, bool ok,
		    const char *why)
{
	group->cases++;
	total++;
	if (ok)
		return;
	group->failed++;
	total_failed++;
	if (group->failed <= SHOWN_MAX)
		printf("not ok - scripts: %s: %s: line %d: %s; %s: %s\n", label, file.name,
		       file.line, setup->title, text, why);
	else if (group->failed == SHOWN_MAX + 1)
		printf("(more of %s: %s)\n", file.name, group->name);
	fflush(stdout);
}

/* Is every word of the "only" line true of this run? */
static bool ours(void)
{
	const struct {
		const char *word;
		bool is;
	} words[] = {
		{ "kernel", settings.target == &kernel_target },
		{ "engine", settings.target == &engine_target },
		{ "ipv4", !settings.ipv6 },
		{ "ipv6", settings.ipv6 },
	};
	char copy[sizeof(file.only)], *save, *word;
	bool all = true;
	size_t i;

	strcpy(copy, file.only);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		for (i = 0; i < ARRAY_SIZE(words) && strcmp(words[i].word, word); i++)
			;
		if (i == ARRAY_SIZE(words))
			die("only what? '%s'", word);
		all &= words[i].is;
	}
	return all;
}

static void run_one(const char *text)
{
	char why[WHY_MAX], seq[WORD_MAX] = "", ack[WORD_MAX] = "";
	const char *name = file.title;
	u8 flags = 0;
	u32 i;

	if (!case_kind(text, &flags, seq, ack) && !name[0])
		die("no segment in '%s'", text);
	if (!name[0])
		name = flags_text(flags);
	if (!ours()) {
		group_of(name)->elsewhere += file.n_setups;
		total_elsewhere += file.n_setups;
		return;
	}
	for (i = 0; i < file.n_setups; i++) {
		const struct setup *setup = &file.setups[i];

		if (settings.verbose)
			printf("%s: line %d: %s; %s\n", file.name, file.line, setup->title, text);
		if (!file.title[0])
			count_in_grid(setup->state, flags, seq, ack);
		verdict(group_of(name), setup, text,
			case_run(setup->state, setup->text, text, why), why);
	}
}

/* "a {b,c} d" is "a b d" and "a c d" */
static void expand(const char *text)
{
	const char *open = strchr(text, '{');
	const char *close = open ? strchr(open, '}') : NULL;
	const char *item, *end;
	char one[TEXT_MAX];

	if (!open) {
		run_one(text);
		return;
	}
	if (!close)
		die("'{' without '}'");
	for (item = open + 1; item <= close; item = end + 1) {
		end = item + strcspn(item, ",}");
		if (snprintf(one, sizeof(one), "%.*s%.*s%s", (int)(open - text), text,
			     (int)(end - item), item, close + 1) >= (int)sizeof(one))
			die("too long");
		expand(one);
	}
}

/* Files */

/* state NAME ... - everything behind the first line is the setup */
static void add_setup(const char *text)
{
	struct setup *setup;
	const char *rest = strchr(text, '\n');

	if (file.setups_used)
		file.n_setups = 0;
	file.setups_used = false;
	if (file.n_setups == SETUPS_MAX)
		die("more than %u setups", SETUPS_MAX);
	setup = &file.setups[file.n_setups++];
	if (sscanf(text, "state %63[A-Z_0-9]", setup->state) != 1)
		die("which state?");
	snprintf(setup->title, sizeof(setup->title), "%.*s", (int)strcspn(text + 6, "\n"),
		 text + 6);
	snprintf(setup->text, sizeof(setup->text), "%s", rest ? rest : "");
}

/* One entry: a line and the indented ones that belong to it */
static void run_entry(char *text)
{
	char *p;

	if (!strncmp(text, "state ", 6)) {
		add_setup(text);
		return;
	}
	if (!strncmp(text, "group", 5)) {
		snprintf(file.title, sizeof(file.title), "%.*s",
			 (int)strcspn(text + 5, "\n"), text + 5 + strspn(text + 5, " "));
		return;
	}
	if (!strncmp(text, "only", 4)) {
		snprintf(file.only, sizeof(file.only), "%.*s", (int)strcspn(text + 4, "\n"),
			 text + 4);
		return;
	}
	if (!file.n_setups)
		die("a case before the first state");
	file.setups_used = true;
	for (p = text; (p = strpbrk(p, "\n\t")); )
		*p = ' ';
	if (!only || only == file.line)
		expand(text);
}

static void report_file(void)
{
	u32 i, cases = 0, failed = 0, elsewhere = 0;

	for (i = 0; i < file.n_groups; i++) {
		const struct group *g = &file.groups[i];

		cases += g->cases;
		failed += g->failed;
		elsewhere += g->elsewhere;
		if (!brief && g->elsewhere)
			printf("(%s: %s: %s: %u cases for other runs only)\n", label,
			       file.name, g->name, g->elsewhere);
		if (!brief && !g->failed && g->cases)
			printf("ok - scripts: %s: %s: %s (%u)\n", label, file.name, g->name,
			       g->cases);
	}
	if (brief && elsewhere)
		printf("(%s: %s: %u cases for other runs only)\n", label, file.name,
		       elsewhere);
	if (brief && !failed && cases)
		printf("ok - scripts: %s: %s (%u)\n", label, file.name, cases);
	fflush(stdout);
}

static void strip(char *line)
{
	line[strcspn(line, "#\n")] = '\0';
	while (line[0] && strchr(" \t", line[strlen(line) - 1]))
		line[strlen(line) - 1] = '\0';
}

static void run_file(const char *path)
{
	const char *base = strrchr(path, '/');
	char entry[TEXT_MAX] = "", line[512];
	FILE *in = fopen(path, "r");
	int n = 0;

	memset(&file, 0, sizeof(file));
	snprintf(file.name, sizeof(file.name), "%s", base ? base + 1 : path);
	file.name[strcspn(file.name, ".")] = '\0';
	if (!in)
		die("cannot be read");
	while (fgets(line, sizeof(line), in)) {
		n++;
		strip(line);
		if (!line[0])
			continue;
		if (!strchr(" \t", line[0])) {
			if (entry[0])
				run_entry(entry);
			entry[0] = '\0';
			file.line = n;
		}
		if (strlen(entry) + strlen(line) + 2 > sizeof(entry))
			die("too long");
		if (entry[0])
			strcat(entry, "\n");
		strcat(entry, line);
	}
	fclose(in);
	if (entry[0])
		run_entry(entry);
	report_file();
}

/* The table */

static bool check_cell(size_t r, size_t c)
{
	bool has_ack = columns[c] & TERN_ACK;

	if (grid.seqs[r][c] == (1u << ARRAY_SIZE(seq_edges)) - 1 &&
	    (!has_ack || grid.acks[r][c] == (1u << ARRAY_SIZE(ack_edges)) - 1))
		return true;
	printf("not ok - scripts: %s: grid: %s in %s: %u cases, and not every edge of %s\n",
	       label, flags_text(columns[c]), tern_state_name(rows[r]), grid.count[r][c],
	       has_ack ? "SEQ and ACK" : "SEQ");
	return false;
}

static bool print_table(void)
{
	u32 sums[ARRAY_SIZE(columns)] = { 0 };
	u32 row_sum, all = 0;
	bool ok = true;
	size_t r, c;

	printf("%-12s", label);
	for (c = 0; c < ARRAY_SIZE(columns); c++)
		printf(" %7s", flags_text(columns[c]));
	printf(" %7s\n", "all");
	for (r = 0; r < ARRAY_SIZE(rows); r++) {
		row_sum = 0;
		printf("%-12s", tern_state_name(rows[r]));
		for (c = 0; c < ARRAY_SIZE(columns); c++) {
			printf(" %7u", grid.count[r][c]);
			row_sum += grid.count[r][c];
			sums[c] += grid.count[r][c];
		}
		printf(" %7u\n", row_sum);
		all += row_sum;
	}
	printf("%-12s", "all");
	for (c = 0; c < ARRAY_SIZE(columns); c++)
		printf(" %7u", sums[c]);
	printf(" %7u\n", all);
	for (r = 0; r < ARRAY_SIZE(rows); r++) {
		for (c = 0; c < ARRAY_SIZE(columns); c++)
			ok &= check_cell(r, c);
	}
	if (ok)
		printf("ok - scripts: %s: grid: every kind in every state at every edge\n", label);
	return ok;
}

/* The command line */

static u32 number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 0);

	if (end == text || *end || value > 0xffffffffu)
		die("'%s' is no count", text);
	return (u32)value;
}

static void set_target(const char *name)
{
	if (!strcmp(name, "kernel"))
		settings.target = &kernel_target;
	else if (strcmp(name, "engine"))
		die("no target '%s'", name);
}

static bool read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "target", required_argument, NULL, 't' }, { "iss", required_argument, NULL, 's' },
		{ "irs", required_argument, NULL, 'r' }, { "near-wrap", no_argument, NULL, 'w' },
		{ "ipv6", no_argument, NULL, '6' }, { "label", required_argument, NULL, 'l' },
		{ "brief", no_argument, NULL, 'b' }, { "table", no_argument, NULL, 'T' },
		{ "only", required_argument, NULL, 'o' }, { "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	bool table = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 't':
			set_target(optarg);
			break;
		case 's':
			settings.iss = number(optarg);
			break;
		case 'r':
			settings.irs = number(optarg);
			break;
		case 'w':
			settings.near_wrap = true;
			break;
		case '6':
			settings.ipv6 = true;
			break;
		case 'l':
			label = optarg;
			break;
		case 'b':
			brief = true;
			break;
		case 'T':
			table = true;
			break;
		case 'o':
			only = (int)number(optarg);
			break;
		case 'v':
			settings.verbose = true;
			break;
		default:
			exit(2);
		}
	}
	return table;
}

int main(int argc, char **argv)
{
	bool table = read_options(argc, argv);
	bool ok;

	if (!label)
		label = settings.target->name;
	if (optind == argc)
		die("no files");
	if (settings.target == &kernel_target)
		kernel_open();
	for (; optind < argc; optind++)
		run_file(argv[optind]);
	ok = !table || print_table();
	if (settings.near_wrap && !cases_wrapped()) {
		printf("not ok - scripts: %s: no case was near the wrap\n", label);
		ok = false;
	}
	printf("%s: %u cases, %u failed, numbers of its own passed 2^32 in %u\n", label, total,
	       total_failed, cases_wrapped());
	if (total_elsewhere)
		printf("%s: %u further cases are for other runs only\n", label, total_elsewhere);
	return ok && !total_failed && total ? 0 : 1;
}
