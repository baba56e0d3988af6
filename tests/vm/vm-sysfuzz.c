// SPDX-License-Identifier: GPL-2.0
/*
 * System calls on Tern sockets, with arguments that nobody checks before.
 *
 *	vm-sysfuzz SEED CALLS [THREADS]
 *
 * The seed names all calls and their arguments; with one thread (the default) they come
 * in the same order each time.  Several threads share their sockets.  What must hold:
 *
 *	- a call that fails does so with an errno that is documented for it;
 *	- none takes long: a signal comes every few ms, and ends what blocks;
 *	- what the kernel fills in, it fills in to the end, and not beyond (options);
 *	- a sysctl is within its bounds, whatever is written to it.
 *
 * That the kernel says nothing, and that all is released in the end, is for the caller to
 * see.  It takes over its network namespace's net.tern.*, and loopback.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/vm/sysfuzz.h"

#define FDS 24
#define MAX_THREADS 8
#define HANGS_AFTER 120

static atomic_int fds[FDS];
static atomic_ulong calls_left, made;
static atomic_int failures, working;
static unsigned long seed;
static struct fuzzer fuzzers[MAX_THREADS];

/* Of a fuzzer's memory: pages to read and write, one not there, one for reading only. */
#define PAGE 4096UL
#define WRITABLE (4 * PAGE)

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/** law() - one does not hold */
void law(const char *format, ...)
{
	va_list args;

	if (failures++ > 20)
		return;
	printf("sysfuzz: seed %lu: ", seed);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

uint32_t below(struct fuzzer *f, uint32_t n)
{
	return random_below(&f->random, n);
}

bool percent(struct fuzzer *f, uint32_t n)
{
	return below(f, 100) < n;
}

/* What the network has to say may come with these calls; */
static const short network[] = {
	ENETUNREACH, EHOSTUNREACH, ENETDOWN, ETIMEDOUT, ECONNREFUSED, ECONNRESET, ECONNABORTED,
	EPIPE, EMSGSIZE, 0
};

/* these with any call that has a descriptor and a pointer. */
static const short any[] = { EBADF, ENOTSOCK, EFAULT, EINVAL, EINTR, 0 };

/* As their manual pages and doc/protocol.md have them. */
static const struct {
	const char *call;
	short errnos[28];
	const short *more[2];
} documented[] = {
	{ "socket", { EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EMFILE, EINVAL, ENOBUFS },
	  { NULL } },
	{ "bind", { EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EACCES, ENODEV, ENOBUFS }, { any } },
	{ "listen", { EADDRINUSE, ENETDOWN, EOPNOTSUPP, ENOBUFS }, { any } },
	{ "connect", { EINPROGRESS, EALREADY, EISCONN, EADDRNOTAVAIL, EADDRINUSE,
		       EAFNOSUPPORT, EAGAIN, EACCES, ENODEV, ENOBUFS }, { any, network } },
	{ "accept", { EAGAIN, EMFILE, EOPNOTSUPP }, { any } },
	{ "getsockname", { 0 }, { any } },
	{ "getpeername", { ENOTCONN }, { any } },
	{ "send", { EAGAIN, ENOTCONN, EOPNOTSUPP, ENOBUFS, ENOMEM }, { any, network } },
	{ "recv", { EAGAIN, ENOTCONN, EOPNOTSUPP }, { any, network } },
	{ "shutdown", { ENOTCONN }, { any } },
	{ "poll", { 0 }, { any } },
	{ "ioctl", { ENOTTY, EPERM, ENODEV, ENOENT, EADDRNOTAVAIL, EOPNOTSUPP, ENXIO,
		     ESRCH, ENETUNREACH, EAFNOSUPPORT, EEXIST, ENETDOWN, ERANGE, ENOPKG,
		     EPFNOSUPPORT }, { any } },
	{ "fcntl", { EMFILE, EPERM, EAGAIN, EACCES, EBUSY, ENOTDIR }, { any } },
	{ "splice", { EAGAIN, ENOTCONN, ESPIPE, ENOMEM, EOPNOTSUPP, EOVERFLOW }, { any, network } },
	{ "pass", { EAGAIN, EMFILE, ETOOMANYREFS }, { any } },
	{ "close", { EINTR, EBADF }, { NULL } },
	/* What is not Tern's has a wealth of reasons; 524 (ENOTSUPP) is SOL_SOCKET's. */
	{ "setsockopt", { ENOPROTOOPT, EDOM, EPERM, EACCES, ENOMEM, ENOBUFS, ENODEV,
			  EADDRNOTAVAIL, EOPNOTSUPP, ENOTCONN, EISCONN, EBUSY, ENOENT, E2BIG,
			  EADDRINUSE, ERANGE, ENXIO, EAFNOSUPPORT, ESRCH, ENOSPC, EPROTO,
			  EMSGSIZE, 524 }, { any } },
	{ "setsockopt SOL_TERN", { ENOPROTOOPT }, { any } },
	{ "getsockopt", { ENOPROTOOPT, EOPNOTSUPP, ENOTCONN, ERANGE, EPERM, ENOENT, ENODATA,
			  EADDRNOTAVAIL, ENODEV, ENXIO, ENOMEM }, { any } },
	{ "getsockopt SOL_TERN", { ENOPROTOOPT }, { any } },
	{ "sysctl write", { EINVAL, EFAULT, EINTR }, { NULL } },
	{ "proc read", { EINVAL, EFAULT, EINTR }, { NULL } },
	{ "diag", { EAGAIN, ENOENT, EOPNOTSUPP, ENOBUFS }, { any } },
};

static bool listed(const short *errnos, int err)
{
	while (errnos && *errnos && *errnos != err)
		errnos++;
	return errnos && *errnos;
}

/** check() - Return: the result of a call that may have failed, if for a good reason */
long check(struct fuzzer *f, const char *call, long result)
{
	if (result >= 0)
		return result;
	f->failed++;
	for (size_t i = 0; i < COUNT(documented); i++) {
		if (strcmp(documented[i].call, call))
			continue;
		if (listed(documented[i].errnos, errno) || listed(documented[i].more[0], errno) ||
		    listed(documented[i].more[1], errno))
			return -1;
	}
	law("%s: errno %d (%s)", call, errno, strerror(errno));
	return -1;
}

/** any_fd() - a socket, nearly always */
int any_fd(struct fuzzer *f)
{
	static const int wrong[] = { -1, 1000000, 0 };

	if (percent(f, 1))
		return ONE_OF(f, wrong);
	return fds[below(f, FDS)] - 1;
}

/** keep_fd() - for others to use; what was in its place is closed */
void keep_fd(struct fuzzer *f, int fd)
{
	int old = atomic_exchange(&fds[below(f, FDS)], fd + 1) - 1;

	if (old >= 0)
		check(f, "close", close(old));
}

void drop_fd(struct fuzzer *f)
{
	int old = atomic_exchange(&fds[below(f, FDS)], 0) - 1;

	if (old >= 0)
		check(f, "close", close(old));
}

/** good_memory() - @len octets (at most 12 KiB) behind which nothing is mapped */
void *good_memory(struct fuzzer *f, size_t len)
{
	return f->pages + WRITABLE - len;
}

/** any_memory() - the same, or where the kernel must not write, or not even look */
void *any_memory(struct fuzzer *f, size_t len)
{
	if (!percent(f, 8))
		return good_memory(f, len);
	switch (below(f, 6)) {
	case 0:
		return NULL;
	case 1:
		return f->pages + WRITABLE;		/* not there */
	case 2:
		return f->pages + WRITABLE - len / 2;	/* ends too early */
	case 3:
		return f->pages + WRITABLE + PAGE;		/* for reading only */
	case 4:
		return (void *)0xffff888000000000UL;	/* the kernel's own */
	default:
		return f->pages + WRITABLE - len - 1;	/* odd */
	}
}

/** any_address() - mostly of this host, and mostly of a few ports; Return: its length */
socklen_t any_address(struct fuzzer *f, union address *addr)
{
	static const char *const v4[] = {
		"127.0.0.1", "127.0.0.1", "127.0.0.1", "0.0.0.0", "127.0.0.2", "224.0.0.1",
		"255.255.255.255", "192.0.2.1",
	};
	static const char *const v6[] = {
		"::1", "::1", "::1", "::", "::ffff:127.0.0.1", "::ffff:127.0.0.1", "fe80::1",
		"ff02::1", "2001:db8::1", "::ffff:0.0.0.0", "::ffff:224.0.0.1",
	};
	socklen_t len;

	memset(addr, 0, sizeof(*addr));
	addr->v6.sin6_port = percent(f, 95) ? htons(7300 + below(f, 5)) : 0;
	if (percent(f, 50)) {
		addr->sa.sa_family = AF_INET;
		inet_pton(AF_INET, v4[below(f, COUNT(v4))], &addr->v4.sin_addr);
	} else {
		addr->sa.sa_family = AF_INET6;
		inet_pton(AF_INET6, v6[below(f, COUNT(v6))], &addr->v6.sin6_addr);
		if (percent(f, 10))
			addr->v6.sin6_scope_id = below(f, 4);
		if (percent(f, 10))
			addr->v6.sin6_flowinfo = below(f, 0xffffffff);
	}
	len = address_len(addr);
	if (percent(f, 3))
		addr->sa.sa_family = below(f, 50);
	return percent(f, 3) ? below(f, sizeof(*addr) + 1) : len;
}

static const struct {
	void (*call)(struct fuzzer *f);
	const char *name;
	unsigned int weight;
} kinds[] = {
	{ fuzz_socket, "socket", 10 }, { fuzz_pair, "pair", 6 }, { fuzz_bind, "bind", 8 },
	{ fuzz_listen, "listen", 6 }, { fuzz_connect, "connect", 14 }, { fuzz_accept, "accept", 8 },
	{ fuzz_names, "getsockname", 3 }, { fuzz_send, "send", 8 }, { fuzz_recv, "recv", 8 },
	{ fuzz_sendmsg, "sendmsg", 5 }, { fuzz_recvmsg, "recvmsg", 5 },
	{ fuzz_shutdown, "shutdown", 3 }, { fuzz_poll, "poll", 3 }, { fuzz_ioctl, "ioctl", 4 },
	{ fuzz_fcntl, "fcntl", 4 }, { fuzz_splice, "splice", 4 }, { fuzz_pass, "pass", 2 },
	{ fuzz_close, "close", 5 }, { fuzz_setsockopt, "setsockopt", 18 },
	{ fuzz_getsockopt, "getsockopt", 10 }, { fuzz_sysctl, "sysctl", 2 },
	{ fuzz_proc, "/proc", 2 }, { fuzz_diag, "netlink", 1 },
};

static atomic_ulong per_kind[COUNT(kinds)];

static void one_call(struct fuzzer *f)
{
	unsigned int sum = 0, at, i;

	for (i = 0; i < COUNT(kinds); i++)
		sum += kinds[i].weight;
	at = below(f, sum);
	for (i = 0; at >= kinds[i].weight; i++)
		at -= kinds[i].weight;
	f->since = now();
	f->call = kinds[i].name;
	kinds[i].call(f);
	f->call = NULL;
	per_kind[i]++;
	made++;
}

static void *fuzz(void *arg)
{
	struct fuzzer *f = arg;

	while (calls_left-- > 0 && calls_left < 1UL << 62)
		one_call(f);
	working--;
	return NULL;
}

/* Ends calls that block, and says which one does not come back for all that. */
static void watch(int n, const pthread_t *threads)
{
	while (working) {
		usleep(5000);
		for (int i = 0; i < n; i++) {
			const char *call = fuzzers[i].call;

			/* Who is done is still there: he is joined later. */
			pthread_kill(threads[i], SIGALRM);
			if (!call || now() - fuzzers[i].since < HANGS_AFTER)
				continue;
			law("%s does not come back", call);
			_exit(1);
		}
	}
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void init_fuzzer(struct fuzzer *f, int i)
{
	random_seed(&f->random, seed ^ (uint64_t)(i + 1) << 40);
	f->pages = mmap(NULL, WRITABLE + 2 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (f->pages == MAP_FAILED || mprotect(f->pages + WRITABLE, PAGE, PROT_NONE) ||
	    mprotect(f->pages + WRITABLE + PAGE, PAGE, PROT_READ)) {
		perror("mmap");
		exit(2);
	}
}

/*
 * Some options turn static keys of the kernel on, and off again with the last socket.
 * Patching running code is not safe on more than one emulated CPU (see t-module.sh): they
 * are on before anything runs, and stay on.
 */
static void hold_static_keys(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IP, IP_MINTTL, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &one, sizeof(one));
}

static void init(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct rlimit most = { .rlim_cur = 256, .rlim_max = 256 };

	sigaction(SIGALRM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	signal(SIGURG, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &most);
	hold_static_keys();
	fuzz_sockets_init();
	fuzz_files_init();
}

int main(int argc, char **argv)
{
	int n = argc > 3 ? atoi(argv[3]) : 1;
	pthread_t threads[MAX_THREADS];
	unsigned long failed = 0;
	double begin = now();

	if (argc < 3 || n < 1 || n > MAX_THREADS) {
		fprintf(stderr, "usage: vm-sysfuzz SEED CALLS [THREADS]\n");
		return 2;
	}
	seed = strtoul(argv[1], NULL, 0);
	calls_left = strtoul(argv[2], NULL, 0);
	init();
	working = n;
	for (int i = 0; i < n; i++) {
		init_fuzzer(&fuzzers[i], i);
		errno = pthread_create(&threads[i], NULL, fuzz, &fuzzers[i]);
		if (errno) {
			perror("pthread_create");
			return 2;
		}
	}
	watch(n, threads);
	for (int i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		failed += fuzzers[i].failed;
	}
	check_sysctls();
	printf("sysfuzz: seed %lu, %d thread(s): %lu calls, %.0f a second, %lu errnos:", seed, n,
	       made, made / (now() - begin), failed);
	for (size_t i = 0; i < COUNT(kinds); i++)
		printf(" %s %lu", kinds[i].name, per_kind[i]);
	printf("\n");
	return failures ? 1 : 0;
}
