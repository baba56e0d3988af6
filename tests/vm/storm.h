/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of vm-storm share: actors, hosts, sockets, and how a law that does
 * not hold is told.
 *
 * An actor is a thread that does one kind of thing again and again until the time is
 * over.  Whatever it decides comes from its own random numbers, so a seed names the
 * decisions of all; the order in which the kernel meets them is up to the two CPUs.
 */
#ifndef TERN_TESTS_VM_STORM_H
#define TERN_TESTS_VM_STORM_H

#include <linux/tern.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/random.h"
#include "tests/vm/addr.h"

/**
 * struct host - a network namespace
 * @ns: refers to it
 * @octet: the last one of its addresses: 10.7.0.octet, fd07::octet
 */
struct host {
	int ns;
	int octet;
};

/**
 * struct actor - a thread
 * @name: what it is
 * @run: what it does
 * @host: where
 * @random: its random numbers
 * @doing: what it is about to do, for who asks why it does not end
 * @arg: for @run
 */
struct actor {
	const char *name;
	void (*run)(struct actor *a);
	const struct host *host;
	struct random random;
	const char *doing;
	void *arg;
	pthread_t thread;
};

/**
 * struct storm - one kind of storm
 * @name: its name
 * @begin: makes the actors
 * @end: what remains to be done after them, or NULL
 * @reloads: the module is taken out and put back meanwhile
 * @special: what &struct tally.special counts, or NULL; it must have happened
 */
struct storm {
	const char *name;
	void (*begin)(void);
	void (*end)(void);
	bool reloads;
	const char *special;
};

/** struct tally - what has happened, as the actors saw it */
struct tally {
	atomic_ulong operations;
	atomic_ulong opened;
	atomic_ulong accepted;
	atomic_ulong reset;
	atomic_ulong sent;	/* by raw sockets */
	atomic_ulong failures;
	atomic_ulong special;	/* as &struct storm.special says */
};

/* In memory that children share. */
extern struct tally *tally;

/* vm-storm.c: actors */
void actor_add(const char *name, void (*run)(struct actor *a), const struct host *host,
	       void *arg);
void actors_add(int n, const char *name, void (*run)(struct actor *a),
		const struct host *host, void *arg);
bool more(struct actor *a, const char *doing);
bool time_left(void);
double seconds(void);
void pause_us(struct actor *a, unsigned int most);
void broken(const char *format, ...) __attribute__((format(printf, 1, 2)));
void die(const char *what) __attribute__((noreturn));
void race(struct actor *a, int n, void (*fn)(struct actor *a, int i, void *arg), void *arg);

static inline uint32_t below(struct actor *a, uint32_t n)
{
	return random_below(&a->random, n);
}

/* Once in n times. */
static inline bool once_in(struct actor *a, uint32_t n)
{
	return !below(a, n);
}

/* storm-host.c: namespaces, links, files of /proc */
struct host *host_new(int octet);
void host_enter(const struct host *host);
void host_drop(struct host *host);
void host_quick(void);
bool link_pair(const struct host *a, const struct host *b);
int link_delete(const char *name);
int link_change(const char *name, bool up, unsigned int mtu);
int address_change(const char *name, const union address *addr, bool add);
int route_mtu(const char *name, const union address *to, unsigned int mtu, bool add);
bool write_file(const char *path, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
long counter(const char *name);
void wait_for(const char *what, bool (*done)(void));
bool holds_nothing(void);
long slab_active(const char *name);
long module_users(void);
int module_unload(void);
int module_load(void);

/* storm-raw.c: segments without a socket */
struct raw {
	int fd4, fd6;
	union address from, to;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
};

void raw_open(struct raw *r);
void raw_close(struct raw *r);
void raw_send(struct raw *r, const void *payload, size_t len);
void raw_flood(struct actor *a);
void raw_noise(struct actor *a);
void raw_icmp(struct actor *a);
void raw_cookies(struct actor *a);

/* storm-sockets.c: helpers */
union address address_of(const struct host *host, bool v6, int port);
union address any_address(bool v6, int port);
int new_socket(int family);
int new_listener(int family, int port, int backlog);
int connect_to(struct actor *a, const union address *to);
bool expected(const char *call, int result);
void close_somehow(struct actor *a, int fd);
void talk(struct actor *a, int fd);
void set_option(int fd, int level, int option, int value);
void set_patience(int fd, unsigned int ms);
bool make_connection(struct actor *a, bool v6, int fds[2]);
void serve(struct actor *a);
void visit(struct actor *a);
void bulk(struct actor *a);
void sink(struct actor *a);

/* The hosts of a storm, with a link between them. */
extern struct host *host_a, *host_b;

/* storm-sockets.c, storm-threads.c, storm-system.c */
extern const struct storm socket_storms[], thread_storms[], system_storms[];

#endif /* TERN_TESTS_VM_STORM_H */
