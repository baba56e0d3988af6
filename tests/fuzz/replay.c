// SPDX-License-Identifier: GPL-2.0
/*
 * The main program of a fuzzer where there is no libFuzzer: replays inputs, shows them,
 * and makes random ones of a seed.
 *
 * An input is a file, or a line of a packed corpus (FILE.hex: two digits an octet).  The
 * inputs run in a child, so that one which crashes or hangs is told and the others go on.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/random.h"

#define SIZE_MAX_INPUT 4096
#define FAILURES_MAX 5
/* One input that takes longer than this hangs, s. */
#define PATIENCE 20

struct sample {
	u8 *data;
	u32 size;
};

static struct sample *samples;
static u32 n_samples;

/* What the child is at; the parent reads it when the child is dead. */
static struct progress {
	u32 next;
	u32 size;
	u8 data[SIZE_MAX_INPUT];
} *progress;

static const char *crash_dir = ".";
static const char *label;
static struct random random_numbers;
static u32 random_count;
static u32 seconds_max;

static void __attribute__((noreturn)) die(const char *what, const char *which)
{
	fprintf(stderr, "%s: %s: %s\n", fuzz_name, which, what);
	exit(2);
}

static void add_sample(const u8 *data, size_t size)
{
	struct sample *s;

	if (size > SIZE_MAX_INPUT)
		size = SIZE_MAX_INPUT;
	samples = realloc(samples, (n_samples + 1) * sizeof(*samples));
	if (!samples)
		die("no memory", "samples");
	s = &samples[n_samples++];
	s->size = (u32)size;
	s->data = malloc(size ? size : 1);
	if (!s->data)
		die("no memory", "samples");
	memcpy(s->data, data, size);
}

static void read_hex(FILE *file, const char *name)
{
	static char line[2 * SIZE_MAX_INPUT + 2];
	static u8 octets[SIZE_MAX_INPUT];
	u32 i, len;

	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#')
			continue;
		len = (u32)strcspn(line, "\n");
		for (i = 0; i < len / 2; i++) {
			if (sscanf(line + 2 * i, "%2hhx", &octets[i]) != 1)
				die("not a line of hexadecimal digits", name);
		}
		add_sample(octets, len / 2);
	}
}

static void read_file(const char *name)
{
	static u8 octets[SIZE_MAX_INPUT];
	size_t len = strlen(name);
	FILE *file = fopen(name, "rb");

	if (!file)
		die("cannot be read", name);
	if (len > 4 && !strcmp(name + len - 4, ".hex"))
		read_hex(file, name);
	else
		add_sample(octets, fread(octets, 1, sizeof(octets), file));
	fclose(file);
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void read_path(const char *path)
{
	struct dirent **names;
	char name[4096];
	struct stat st;
	int i, n;

	if (stat(path, &st))
		die("not there", path);
	if (!S_ISDIR(st.st_mode)) {
		read_file(path);
		return;
	}
	n = scandir(path, &names, visible, alphasort);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, names[i]->d_name);
		read_path(name);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

static void pack(void)
{
	u32 i, j;

	for (i = 0; i < n_samples; i++) {
		for (j = 0; j < samples[i].size; j++)
			printf("%02x", samples[i].data[j]);
		putchar('\n');
	}
}

static void write_input(const char *name, const u8 *data, size_t size)
{
	FILE *file = fopen(name, "wb");

	if (!file || fwrite(data, 1, size, file) != size)
		die("cannot be written", name);
	fclose(file);
}

static void unpack(const char *dir)
{
	char name[4096];
	u32 i;

	for (i = 0; i < n_samples; i++) {
		snprintf(name, sizeof(name), "%s/%04u", dir, i);
		write_input(name, samples[i].data, samples[i].size);
	}
}

/* Random inputs: now and then all random, mostly one of the corpus with a few changes */

static u32 below(u32 n)
{
	return random_below(&random_numbers, n);
}

static u32 mutate(u8 *data, u32 size)
{
	const struct sample *other;
	u32 at = below(size + 1), n, from;

	switch (below(8)) {
	case 0: /* some less */
		n = below(8) + 1;
		n = n > size - at ? size - at : n;
		memmove(data + at, data + at + n, size - at - n);
		return size - n;
	case 1: /* one more */
		if (size == SIZE_MAX_INPUT)
			return size;
		memmove(data + at + 1, data + at, size - at);
		data[at] = (u8)below(256);
		return size + 1;
	case 2: /* some of another, from here on */
		if (!n_samples)
			return size;
		other = &samples[below(n_samples)];
		from = below(other->size + 1);
		n = tern_min(other->size - from, SIZE_MAX_INPUT - at);
		memcpy(data + at, other->data + from, n);
		return at + n > size ? at + n : size;
	case 3: /* the same again */
		n = tern_min(below(24) + 1, size - at);
		if (size + n > SIZE_MAX_INPUT)
			return size;
		memmove(data + at + n, data + at, size - at);
		return size + n;
	case 4:
		if (at < size)
			data[at] ^= (u8)(1u << below(8));
		return size;
	default:
		if (at < size)
			data[at] = (u8)below(256);
		return size;
	}
}

static u32 random_input(u8 *data)
{
	u32 size, i;

	if (n_samples && below(8)) {
		const struct sample *s = &samples[below(n_samples)];

		size = s->size;
		memcpy(data, s->data, size);
	} else {
		size = below(300);
		for (i = 0; i < size; i++)
			data[i] = (u8)below(256);
	}
	for (i = below(6) + 1; i; i--)
		size = mutate(data, size);
	return size;
}

/* The child: from where the last one ended */
static void __attribute__((noreturn)) run_inputs(u32 from, u32 count)
{
	static u8 data[SIZE_MAX_INPUT];
	time_t begin = time(NULL);
	u32 i, size;

	for (i = 0; i < count; i++) {
		if (random_count) {
			size = random_input(data);
		} else {
			size = samples[i].size;
			memcpy(data, samples[i].data, size);
		}
		if (i < from)
			continue;
		memcpy(progress->data, data, size);
		progress->size = size;
		progress->next = i + 1;
		alarm(PATIENCE);
		fuzz_one_input(data, size);
		if (seconds_max && time(NULL) - begin >= (time_t)seconds_max)
			break;
	}
	exit(0);
}

static void tell_failure(int status)
{
	char name[4096];

	snprintf(name, sizeof(name), "%s/%s-%s-%u", crash_dir, fuzz_name,
		 random_count ? "random" : "corpus", progress->next - 1);
	write_input(name, progress->data, progress->size);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		printf("not ok - fuzz: %s: %s: hangs: %s\n", fuzz_name, label, name);
	else
		printf("not ok - fuzz: %s: %s: broken by %s\n", fuzz_name, label, name);
	fflush(stdout);
}

/* Return: failures */
static u32 run_all(u32 count)
{
	u32 failures = 0, from = 0;
	struct random seed = random_numbers;
	struct timespec begin, end;
	double took;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	while (from < count && failures < FAILURES_MAX) {
		int status;
		pid_t pid = fork();

		if (pid < 0)
			die("no child", "fork");
		random_numbers = seed;
		if (!pid)
			run_inputs(from, count);
		if (waitpid(pid, &status, 0) != pid)
			die("lost", "child");
		from = progress->next;
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			break;
		tell_failure(status);
		failures++;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	took = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
	if (!failures)
		printf("ok - fuzz: %s: %s\n", fuzz_name, label);
	printf("fuzz: %s: %s: %u inputs, %u a second\n", fuzz_name, label, from,
	       (u32)(from / (took > 0.001 ? took : 0.001)));
	return failures;
}

static void print_usage(void)
{
	printf("usage: %s [OPTION]... INPUT...\n"
	       "\n"
	       "Runs inputs of the fuzzer '%s': files, directories of files, or packed\n"
	       "corpora (FILE.hex: a line of hexadecimal digits for each input).\n"
	       "\n"
	       "  --show          print what each input says and what comes of it\n"
	       "  --thorough      run each with every kind of numbers\n"
	       "  --random N      run N random inputs instead, made of these\n"
	       "  --seed SEED     which ones\n"
	       "  --seconds S     but no longer than that\n"
	       "  --crashes DIR   where inputs that break a law are put\n"
	       "  --pack          print the inputs as a packed corpus\n"
	       "  --unpack DIR    write each into a file\n", fuzz_name, fuzz_name);
}

static void options(int argc, char **argv)
{
	static char text[80];
	u32 seed = 1;
	int i;

	for (i = 1; i < argc; i++) {
		const char *arg = argv[i];
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(arg, "--help")) {
			print_usage();
			exit(0);
		} else if (!strcmp(arg, "--show")) {
			fuzz_showing = true;
		} else if (!strcmp(arg, "--thorough")) {
			fuzz_thorough = true;
		} else if (!strcmp(arg, "--pack")) {
			label = "pack";
		} else if (arg[0] == '-' && !value) {
			die("unknown, or without its value; --help lists all", arg);
		} else if (!strcmp(arg, "--random")) {
			random_count = (u32)strtoul(argv[++i], NULL, 0);
		} else if (!strcmp(arg, "--seed")) {
			seed = (u32)strtoul(argv[++i], NULL, 0);
		} else if (!strcmp(arg, "--seconds")) {
			seconds_max = (u32)strtoul(argv[++i], NULL, 0);
		} else if (!strcmp(arg, "--crashes")) {
			crash_dir = argv[++i];
		} else if (!strcmp(arg, "--unpack")) {
			label = "unpack";
			crash_dir = argv[++i];
		} else if (arg[0] == '-') {
			die("unknown; --help lists all", arg);
		} else {
			read_path(arg);
		}
	}
	random_seed(&random_numbers, seed);
	if (random_count)
		snprintf(text, sizeof(text), "random inputs, seed %u", seed);
	else
		snprintf(text, sizeof(text), "%u inputs of the corpus%s", n_samples,
			 fuzz_thorough ? ", with all kinds of numbers" : "");
	if (!label)
		label = text;
}

int main(int argc, char **argv)
{
	u32 i;

	options(argc, argv);
	if (!strcmp(label, "pack")) {
		pack();
		return 0;
	}
	if (!strcmp(label, "unpack")) {
		unpack(crash_dir);
		return 0;
	}
	if (!n_samples && !random_count) {
		print_usage();
		return 2;
	}
	if (fuzz_showing) {
		for (i = 0; i < n_samples; i++)
			fuzz_one_input(samples[i].data, samples[i].size);
		return 0;
	}
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (progress == MAP_FAILED)
		die("no memory", "mmap");
	return run_all(random_count ? random_count : n_samples) ? 1 : 0;
}
