// SPDX-License-Identifier: GPL-2.0
/*
 * The explorer's command line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/explore/explore.h"

#define DOCUMENT "doc/transitions.md"
/* of the worlds for the test command; the bounds of each leave much less */
#define MAX_TEST 8000000
#define MAX_LARGE 40000000
#define MASKS_EVERY 7

static const char help[] =
"Usage: explore COMMAND\n"
"  test          search the worlds of the test command; is " DOCUMENT " up to date?\n"
"  write         the same, and write it\n"
"  all           search the larger ones, too; write it\n"
"  world NAME... search these\n"
"  masks NAME... and compare the futures of states that hash alike\n"
"  why-three     what the third message is for\n"
"  list          the worlds\n";

static void say_path(const struct world *w, const struct report *r)
{
	printf("not ok - explore: %s: %s (after %u steps)\n\n", w->name, r->broken, r->n_path);
	story_print(w, r->path, r->n_path);
	putchar('\n');
}

/* Return: failures */
static u32 say_report(const struct world *w, const struct report *r)
{
	char bounds[160] = "";

	if (w->finds && r->broken && !strcmp(w->finds, r->broken)) {
		printf("ok - explore: %s: found in %u steps, as it must be: %s\n", w->name,
		       r->n_path, r->broken);
		return 0;
	}
	if (r->broken) {
		say_path(w, r);
		return 1;
	}
	if (w->finds) {
		printf("not ok - explore: %s: not found: %s\n", w->name, w->finds);
		return 1;
	}
	if (r->pruned) {
		printf("not ok - explore: %s: more than %u states\n", w->name, r->states);
		return 1;
	}
	snprintf(bounds, sizeof(bounds), r->cut ? "%llu segments found no room" : "nothing cut off",
		 (unsigned long long)r->cut);
	printf("ok - explore: %s: %u states, %llu arrows, depth %u, %s, %.1f s, %llu MB\n",
	       w->name, r->states, (unsigned long long)r->edges, r->depth, bounds, r->seconds,
	       (unsigned long long)r->bytes >> 20);
	if (r->masks)
		printf("ok - explore: %s: %llu pairs of states that hash alike have one future\n",
		       w->name, (unsigned long long)r->masks);
	return 0;
}

static u32 search_world(const struct world *w, u32 max, u32 masks)
{
	struct report r = search(w, max, masks);
	u32 failed = say_report(w, &r);

	fflush(stdout);
	free(r.path);
	return failed;
}

static char *written(size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (!out) {
		perror("explore");
		exit(2);
	}
	arrows_write(out);
	fclose(out);
	return text;
}

/* Return: failures */
static u32 document(bool write)
{
	char *text, *old;
	size_t len, n = 0;
	FILE *f;
	bool same;

	text = written(&len);
	f = fopen(DOCUMENT, write ? "w" : "r");
	if (!f) {
		printf("not ok - explore: %s: %s\n", DOCUMENT, strerror(errno));
		free(text);
		return 1;
	}
	if (write) {
		fwrite(text, 1, len, f);
		same = !ferror(f);
	} else {
		old = calloc(1, len + 2);
		n = old ? fread(old, 1, len + 1, f) : 0;
		same = n == len && !memcmp(old, text, len);
		free(old);
	}
	fclose(f);
	free(text);
	if (same)
		printf("ok - explore: %s is %s\n", DOCUMENT, write ? "written" : "up to date");
	else
		printf("not ok - explore: %s is not up to date: make explore writes it\n",
		       DOCUMENT);
	return !same;
}

static u32 search_all(bool write, bool large)
{
	u32 failed = 0, i;

	for (i = 0; i < n_worlds; i++) {
		if (!worlds[i].large)
			failed += search_world(&worlds[i], MAX_TEST, 0);
	}
	/* the document has what the worlds of the test command have seen */
	printf("# %u different arrows\n", arrows_count());
	failed += arrows_check();
	failed += document(write && !failed);
	for (i = 0; i < n_worlds && large; i++) {
		if (worlds[i].large)
			failed += search_world(&worlds[i], MAX_LARGE, 0);
	}
	return failed;
}

static u32 search_named(int argc, char **argv, u32 masks)
{
	u32 failed = 0, i;
	int a;

	for (a = 2; a < argc; a++) {
		for (i = 0; i < n_worlds && strcmp(worlds[i].name, argv[a]) != 0; i++)
			;
		if (i == n_worlds) {
			fprintf(stderr, "explore: no world %s\n", argv[a]);
			exit(2);
		}
		failed += search_world(&worlds[i], MAX_LARGE, masks);
	}
	return failed;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	struct rusage usage;
	u32 failed = 0, i;

	if (!strcmp(command, "why-three")) {
		why_three();
		return 0;
	}
	if (!strcmp(command, "list")) {
		for (i = 0; i < n_worlds; i++)
			printf("%-18s %s\n", worlds[i].name, worlds[i].what);
		return 0;
	}
	if (!strcmp(command, "test")) {
		failed = search_all(false, false);
	} else if (!strcmp(command, "write")) {
		failed = search_all(true, false);
	} else if (!strcmp(command, "all")) {
		failed = search_all(true, true);
	} else if (argc > 2 && !strcmp(command, "world")) {
		failed = search_named(argc, argv, 0);
	} else if (argc > 2 && !strcmp(command, "masks")) {
		failed = search_named(argc, argv, MASKS_EVERY);
	} else {
		fputs(help, stderr);
		return 2;
	}
	getrusage(RUSAGE_SELF, &usage);
	printf("# %.1f s, %ld MB\n", (double)usage.ru_utime.tv_sec +
	       (double)usage.ru_utime.tv_usec / 1e6, usage.ru_maxrss >> 10);
	return failed ? 1 : 0;
}
