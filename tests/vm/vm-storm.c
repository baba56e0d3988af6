// SPDX-License-Identifier: GPL-2.0
/*
 * Storms: many things at once, on as many CPUs as there are, and then the count of what
 * is left.
 *
 *	vm-storm list			the names
 *	vm-storm NAME SEED SECONDS	one storm
 *	vm-storm rest			only the count of what somebody else has left
 *
 * A storm makes two hosts (network namespaces), lets its actors loose for so many
 * seconds, and waits until all is quiet.  Then births equal deaths, or it fails:
 *
 *	- no host holds a socket, half-open connection, wait or port (/proc/net/tern_stat);
 *	- every state was left as often as it was entered (tracepoint tern_state);
 *	- the namespaces are gone, so nothing refers to them;
 *	- no object of a tern slab is in use, no socket is registered, no memory accounted;
 *	- nothing holds the module, it leaves, and it comes back.
 *
 * On the way each call may fail only as it is documented to, and each actor ends.  The
 * time bounds what is done, never what is expected: nothing here fails for being slow.
 *
 * It wants to be root in the first network namespace, with tern.ko in its directory and
 * slab_nomerge on the kernel's command line.  The last line is the verdict.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#include "tests/vm/storm.h"

#define MAX_ACTORS 32

/* Nobody takes so long but who hangs. */
#define HANGS_AFTER 120

/* Pages that each CPU may have put aside in the accounting of memory. */
#define MEMORY_SLACK (256 * 2)

struct tally *tally;
struct host *host_a, *host_b;

static struct actor actors[MAX_ACTORS];
static int n_actors;
static const struct storm *storm;
static unsigned long seed;
static double ends_at;

static pthread_mutex_t say = PTHREAD_MUTEX_INITIALIZER;

/** broken() - something does not hold; the storm goes on */
void broken(const char *format, ...)
{
	va_list args;

	/* The first few will do. */
	if (tally->failures++ > 20)
		return;
	pthread_mutex_lock(&say);
	printf("storm %s: seed %lu: ", storm ? storm->name : "?", seed);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	pthread_mutex_unlock(&say);
}

/** die() - the test itself cannot go on */
void die(const char *what)
{
	int err = errno;

	printf("storm %s: seed %lu: %s: %s\n", storm ? storm->name : "?", seed, what,
	       strerror(err));
	fflush(stdout);
	_exit(2);
}

/** seconds() - monotonic */
double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* On a slow machine longer, until what the storm is about has happened at all. */
bool time_left(void)
{
	double now = seconds();

	return now < ends_at || (storm->special && !tally->special && now < ends_at + 60);
}

/** more() - shall an actor go on?  Then it is about to do something */
bool more(struct actor *a, const char *doing)
{
	a->doing = doing;
	if (!time_left())
		return false;
	tally->operations++;
	return true;
}

/** pause_us() - for a while, up to so long: to be somewhere else when others meet */
void pause_us(struct actor *a, unsigned int most)
{
	usleep(below(a, most + 1));
}

/** actor_add() - one more, before the storm begins */
void actor_add(const char *name, void (*run)(struct actor *a), const struct host *host,
	       void *arg)
{
	struct actor *a = &actors[n_actors];

	if (n_actors == MAX_ACTORS) {
		errno = E2BIG;
		die("actors");
	}
	*a = (struct actor) {
		.name = name, .run = run, .host = host, .arg = arg, .doing = "nothing yet",
	};
	random_seed(&a->random, seed ^ (uint64_t)(n_actors + 1) << 32);
	n_actors++;
}

void actors_add(int n, const char *name, void (*run)(struct actor *a),
		const struct host *host, void *arg)
{
	while (n--)
		actor_add(name, run, host, arg);
}

static void *actor_main(void *arg)
{
	struct actor *a = arg;

	host_enter(a->host);
	a->run(a);
	a->doing = "nothing more";
	return NULL;
}

struct runner {
	struct actor own;
	struct actor *a;
	void (*fn)(struct actor *a, int i, void *arg);
	void *arg;
	atomic_int *ready;
	int i, n;
};

static void *runner_main(void *arg)
{
	struct runner *r = arg;

	/* As close together as can be had. */
	++*r->ready;
	while (*r->ready < r->n)
		sched_yield();
	r->fn(&r->own, r->i, r->arg);
	return NULL;
}

/** race() - @fn at the same time in @n (at most 4) threads, in the caller's namespace */
void race(struct actor *a, int n, void (*fn)(struct actor *a, int i, void *arg), void *arg)
{
	pthread_t threads[4];
	struct runner r[4];
	atomic_int ready = 0;

	for (int i = 0; i < n; i++) {
		r[i] = (struct runner) {
			.own = *a, .fn = fn, .arg = arg, .ready = &ready, .i = i, .n = n,
		};
		r[i].own.random.state ^= random_u32(&a->random) | 1;
		errno = pthread_create(&threads[i], NULL, runner_main, &r[i]);
		if (errno)
			die("pthread_create");
	}
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

/* Let all loose, and wait for them. */
static void run_actors(double length)
{
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += length + 60 + HANGS_AFTER;
	ends_at = seconds() + length;
	for (int i = 0; i < n_actors; i++) {
		errno = pthread_create(&actors[i].thread, NULL, actor_main, &actors[i]);
		if (errno)
			die("pthread_create");
	}
	for (int i = 0; i < n_actors; i++) {
		if (!pthread_timedjoin_np(actors[i].thread, NULL, &limit))
			continue;
		for (int j = 0; j < n_actors; j++) {
			if (strcmp(actors[j].doing, "nothing more"))
				broken("%s does not end: %s", actors[j].name, actors[j].doing);
		}
		_exit(1);
	}
}

#define TRACING "/sys/kernel/tracing/"
#define STATES TRACING "events/tern/tern_state/"

/* Count changes of state.  Not while the module goes: it takes the tracepoint along. */
static bool states_begin(void)
{
	return write_file(STATES "trigger", "hist:keys=old,new:size=512");
}

/* Every state but CLOSED is left as often as it is entered; Return: those opened. */
static unsigned long states_end(void)
{
	unsigned long in[16] = { 0 }, out[16] = { 0 }, n, births = 0;
	FILE *f = fopen(STATES "hist", "re");
	unsigned int old, new;
	char line[256];

	if (!f)
		die("hist");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "{ old: %u, new: %u } hitcount: %lu", &old, &new, &n) != 3)
			continue;
		out[old & 15] += n;
		in[new & 15] += n;
		/* 7: CLOSED, 10: LISTEN, as the kernel numbers them */
		if (old == 7 || old == 10)
			births += new == 10 ? 0 : n;
	}
	fclose(f);
	write_file(STATES "trigger", "!hist:keys=old,new:size=512");
	for (int i = 0; i < 16; i++) {
		unsigned long lost = in[i] > out[i] ? in[i] - out[i] : out[i] - in[i];

		/*
		 * What a listener makes comes out of LISTEN.  The tracer itself refuses an
		 * event now and then that interrupts another one; what is really left
		 * behind, were it a single one, is seen in the counters and slabs.
		 */
		if (i != 7 && i != 10 && lost > 1 + in[i] / 2000)
			broken("state %d was entered %lu times, left %lu times", i, in[i], out[i]);
	}
	return births;
}

static struct host home;
static long namespaces_before;

/*
 * The kernel frees the last one that went only when the next one goes: so one more goes
 * now and then, and one may be left.
 */
static bool namespaces_gone(void)
{
	static unsigned int asked;

	if (!(asked++ % 16)) {
		if (unshare(CLONE_NEWNET))
			die("unshare");
		host_enter(&home);
	}
	return slab_active("net_namespace") <= namespaces_before;
}

static const char *const slabs[] = {
	"TERN", "TERNv6", "tern_request", "tern_request6", "tern_time_wait", "tern_time_wait6",
};

static bool slabs_empty(void)
{
	for (size_t i = 0; i < sizeof(slabs) / sizeof(slabs[0]); i++) {
		if (slab_active(slabs[i]) > 0)
			return false;
	}
	return true;
}

static bool unused(void)
{
	return !module_users();
}

/* Sockets and memory of TERN and TERNv6, as the kernel counts them for all namespaces. */
static void check_protocols(void)
{
	FILE *f = fopen("/proc/net/protocols", "re");
	long size, sockets, memory;
	char line[256], name[16];
	int found = 0;

	if (!f)
		die("/proc/net/protocols");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%15s %ld %ld %ld", name, &size, &sockets, &memory) != 4 ||
		    strncmp(name, "TERN", 4))
			continue;
		found++;
		if (sockets)
			broken("%s: %ld sockets are left", name, sockets);
		if (memory > MEMORY_SLACK)
			broken("%s: %ld pages are accounted", name, memory);
	}
	fclose(f);
	if (!found)
		broken("/proc/net/protocols does not know it");
}

/* What is left when the hosts are gone. */
static void check_rest(void)
{
	int err;

	wait_for("something holds the module", unused);
	wait_for("objects are left in a slab", slabs_empty);
	for (size_t i = 0; i < sizeof(slabs) / sizeof(slabs[0]); i++) {
		if (slab_active(slabs[i]))
			broken("%s: %ld in use", slabs[i], slab_active(slabs[i]));
	}
	check_protocols();
	/* With something left it might take for ever. */
	if (tally->failures)
		return;
	err = module_unload();
	if (err)
		broken("rmmod: %s", strerror(err));
	else if (module_load())
		broken("the module does not come back");
}

/* Until nothing is left in a host.  Return: segments that came in there. */
static long quiet(struct host *host)
{
	long segments;

	host_enter(host);
	wait_for("a host holds something", holds_nothing);
	if (!holds_nothing())
		broken("%ld sockets, %ld orphans, %ld half-open, %ld wait, %ld in all, %ld ports",
		       counter("now_sockets"), counter("now_orphans"), counter("now_half_open"),
		       counter("now_time_wait"), counter("now_connections"),
		       counter("now_ports"));
	segments = counter("in_segs");
	return segments;
}

static void print_figures(double length, long segments, unsigned long births)
{
	printf("storm %s: seed %lu, %.1f s: %lu operations, %lu opened, %lu accepted, %lu reset, ",
	       storm->name, seed, length, tally->operations, tally->opened, tally->accepted,
	       tally->reset);
	printf("%lu packets sent raw, %ld segments came in, ", tally->sent, segments);
	if (storm->special)
		printf("%lu %s, ", tally->special, storm->special);
	if (births)
		printf("%lu births and deaths\n", births);
	else
		printf("births and deaths not traced\n");
	fflush(stdout);
}

static void run_storm(double length)
{
	unsigned long births = 0;
	long segments;
	bool traced;

	home.ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	host_a = host_new(1);
	host_b = host_new(2);
	if (!link_pair(host_a, host_b))
		die("veth");
	host_enter(&home);
	storm->begin();
	traced = !storm->reloads && states_begin();
	run_actors(length);
	if (storm->end)
		storm->end();
	segments = quiet(host_a) + quiet(host_b);
	host_enter(&home);
	host_drop(host_a);
	host_drop(host_b);
	/* Connections end with their namespaces, too. */
	wait_for("a namespace does not go", namespaces_gone);
	if (traced)
		births = states_end();
	print_figures(length, segments, births);
	check_rest();
	if (!tally->operations || (storm->special && !tally->special))
		broken("nothing happened");
}

static const struct storm *const lists[] = { socket_storms, thread_storms, system_storms };

static const struct storm *find(const char *name)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (const struct storm *s = lists[i]; s->name; s++) {
			if (name && !strcmp(name, s->name))
				return s;
			if (!name)
				printf("%s\n", s->name);
		}
	}
	return NULL;
}

static int only_rest(void)
{
	static const struct storm rest = { .name = "rest" };

	storm = &rest;
	home.ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	/* It was done before the other one began, too. */
	namespaces_before = 1;
	wait_for("a namespace does not go", namespaces_gone);
	check_rest();
	return tally->failures ? 1 : 0;
}

int main(int argc, char **argv)
{
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	if (tally == MAP_FAILED)
		die("mmap");
	if (argc == 2 && !strcmp(argv[1], "rest"))
		return only_rest();
	if (argc == 2 && !strcmp(argv[1], "list")) {
		find(NULL);
		return 0;
	}
	storm = argc == 4 ? find(argv[1]) : NULL;
	if (!storm) {
		fprintf(stderr, "usage: vm-storm list | rest | NAME SEED SECONDS\n");
		return 2;
	}
	seed = strtoul(argv[2], NULL, 0);
	signal(SIGPIPE, SIG_IGN);
	namespaces_before = slab_active("net_namespace");
	if (namespaces_before < 0)
		die("no slab of its own for namespaces: slab_nomerge");
	if (!namespaces_before)
		namespaces_before = 1;
	/* Taking the module out and putting it back takes its time. */
	run_storm(strtod(argv[3], NULL) * (storm->reloads ? 2 : 1));
	return tally->failures ? 1 : 0;
}
