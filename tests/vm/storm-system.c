// SPDX-License-Identifier: GPL-2.0
/*
 * Storms in which what is around the sockets moves: settings, routes, links, namespaces,
 * the module itself, and those who look at all that.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/vm/storm.h"

#define PORT 7200

/* net.tern.*, while everything is under way. */

static const struct { const char *name; unsigned int min, max; } settings[] = {
	{ "enable", 0, 1 }, { "time_wait_s", 1, 3600 }, { "max_time_wait", 0, 40 },
	{ "fin_wait_2_s", 1, 2 }, { "rto_initial_ms", 10, 500 }, { "rto_min_ms", 10, 1000 },
	{ "rto_max_ms", 1000, 2000 }, { "delack_ms", 0, 499 }, { "syn_retries", 0, 3 },
	{ "synack_retries", 0, 2 }, { "data_retries", 0, 4 }, { "orphan_retries", 0, 2 },
	{ "max_orphans", 0, 10 }, { "max_syn_backlog", 1, 16 }, { "syncookies", 0, 2 },
	{ "challenge_acks_per_s", 0, 100 }, { "sack", 0, 1 }, { "timestamps", 0, 1 },
	{ "keepalive_time_s", 1, 2 }, { "keepalive_interval_s", 1, 2 },
	{ "keepalive_probes", 1, 2 },
};

static void turn(struct actor *a)
{
	char path[64];

	while (more(a, "sysctl")) {
		unsigned int i = below(a, sizeof(settings) / sizeof(settings[0]));
		unsigned int value = settings[i].min +
			below(a, settings[i].max - settings[i].min + 1);

		/* On most of the time, or nothing else would happen. */
		if (!i && !once_in(a, 4))
			value = 1;
		snprintf(path, sizeof(path), "/proc/sys/net/tern/%s", settings[i].name);
		if (!write_file(path, "%u", value))
			broken("%s does not take %u", settings[i].name, value);
		pause_us(a, 1000);
	}
	/* What has begun ends by the settings it ends with. */
	host_quick();
	write_file("/proc/sys/net/tern/max_time_wait", "65536");
}

static void sysctls_begin(void)
{
	actor_add("who turns", turn, host_a, NULL);
	actor_add("who turns", turn, host_b, NULL);
	actors_add(2, "server", serve, host_b, (void *)PORT);
	actors_add(2, "visitor", visit, host_a, (void *)PORT);
	actor_add("reader", sink, host_b, (void *)(PORT + 1));
	actor_add("sender", bulk, host_a, (void *)(PORT + 1));
	actor_add("noise", raw_noise, host_a, (void *)PORT);
}

/* The files that list connections, read in pieces from anywhere. */

static void check_line(const char *path, const char *line)
{
	unsigned int n, state, left = 0;
	char ends[2][64];

	if (strstr(path, "_stat")) {
		if (sscanf(line, "%63s %u", ends[0], &n) != 2)
			broken("%s: '%s'", path, line);
		return;
	}
	if (strstr(line, "local_address"))
		return;
	if (sscanf(line, " %u: %63s %63s %2X %8X", &n, ends[0], ends[1], &state, &left) != 5 ||
	    !state || state > 12)
		broken("%s: '%s'", path, line);
}

/* From the beginning to the end, each line a whole one. */
static void read_all(struct actor *a, const char *path)
{
	FILE *f = fopen(path, "re");
	char line[512];

	if (!f)
		return;
	setvbuf(f, NULL, _IOFBF, 256 << below(a, 6));
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		check_line(path, line);
		if (once_in(a, 64))
			pause_us(a, 200);
	}
	fclose(f);
}

static void read_pieces(struct actor *a, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[4096];
	ssize_t n;

	if (fd < 0)
		return;
	for (int i = below(a, 30); i; i--) {
		if (once_in(a, 4))
			lseek(fd, below(a, 5000), SEEK_SET);
		n = read(fd, buf, 1 + below(a, once_in(a, 2) ? 4096 : 40));
		if (n < 0 && errno != EINTR)
			broken("%s: read: %s", path, strerror(errno));
	}
	close(fd);
}

static void look(struct actor *a)
{
	static const char *const paths[] = {
		"/proc/thread-self/net/tern", "/proc/thread-self/net/tern6",
		"/proc/thread-self/net/tern_stat",
	};

	while (more(a, "read")) {
		const char *path = paths[below(a, 3)];

		if (once_in(a, 2))
			read_all(a, path);
		else
			read_pieces(a, path);
		tally->special++;
	}
}

static void proc_begin(void)
{
	actors_add(2, "who looks", look, host_b, NULL);
	actor_add("who looks", look, host_a, NULL);
	actors_add(2, "server", serve, host_b, (void *)PORT);
	actors_add(2, "visitor", visit, host_a, (void *)PORT);
	actor_add("handshakes", raw_cookies, host_a, (void *)PORT);
}

/* Errors of ICMP and ICMPv6 for connections that are about to end. */

static void icmp_begin(void)
{
	actor_add("router", raw_icmp, host_b, NULL);
	actor_add("router", raw_icmp, host_a, NULL);
	actors_add(2, "server", serve, host_b, (void *)PORT);
	actors_add(3, "visitor", visit, host_a, (void *)PORT);
	actor_add("reader", sink, host_b, (void *)(PORT + 1));
	actor_add("sender", bulk, host_a, (void *)(PORT + 1));
}

/* Routes and their MTU, under load. */

static void reroute(struct actor *a)
{
	while (more(a, "route")) {
		bool v6 = once_in(a, 2);
		union address to = address_of(host_b, v6, 0);
		unsigned int mtu = v6 ? 1280 + below(a, 300) : 100 + below(a, 1500);

		switch (below(a, 4)) {
		case 0:
			route_mtu(NULL, &to, 0, true);
			break;
		case 1:
			route_mtu("v0", &to, mtu, false);
			break;
		case 2:
			link_change("v0", true, v6 ? mtu : 68 + below(a, 3000));
			break;
		default:
			route_mtu("v0", &to, mtu, true);
		}
		pause_us(a, 3000);
	}
	link_change("v0", true, 1500);
}

static void routes_begin(void)
{
	actors_add(2, "who changes routes", reroute, host_a, NULL);
	actors_add(2, "reader", sink, host_b, (void *)PORT);
	actors_add(3, "sender", bulk, host_a, (void *)PORT);
	actor_add("server", serve, host_b, (void *)(PORT + 1));
	actor_add("visitor", visit, host_a, (void *)(PORT + 1));
}

/* Links that go down, lose their addresses, or go away. */

static void unplug(struct actor *a)
{
	while (more(a, "link")) {
		union address addr = address_of(host_a, once_in(a, 2), 0);

		switch (below(a, 5)) {
		case 0:
			address_change("v0", &addr, false);
			pause_us(a, 5000);
			address_change("v0", &addr, true);
			break;
		case 1:
			link_change("lo", false, 0);
			pause_us(a, 5000);
			link_change("lo", true, 0);
			break;
		case 2:
			link_change("v0", false, 0);
			pause_us(a, 5000);
			link_change("v0", true, 0);
			break;
		default:
			if (!link_delete("v0"))
				tally->special++;
			pause_us(a, 5000);
			if (!link_pair(host_a, host_b))
				broken("no new link");
			host_enter(host_a);
		}
		pause_us(a, 60000);
	}
}

/* Sockets that belong to a link. */
static void tied(struct actor *a)
{
	while (more(a, "tied")) {
		union address to = address_of(host_b, once_in(a, 2), PORT);
		int fd = new_socket(to.sa.sa_family);

		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "v0", 3);
		if (expected("connect", connect(fd, &to.sa, address_len(&to)))) {
			tally->opened++;
			talk(a, fd);
		}
		close_somehow(a, fd);
	}
}

static void interfaces_begin(void)
{
	actor_add("who unplugs", unplug, host_a, NULL);
	actor_add("reader", sink, host_b, (void *)PORT);
	actors_add(2, "sender", bulk, host_a, (void *)PORT);
	actor_add("tied", tied, host_a, NULL);
	actor_add("server", serve, host_b, (void *)(PORT + 1));
	actor_add("visitor", visit, host_a, (void *)(PORT + 1));
}

/*
 * Those who hold sockets are in a room; who wants the module out waits until the room is
 * empty, and then it must go, with whatever sockets have left behind.
 * Now and then he tries without waiting.
 */
static pthread_rwlock_t room = PTHREAD_RWLOCK_INITIALIZER;
static atomic_int waiting;

/* Return: false when there is no time for it. */
static bool room_enter(struct actor *a)
{
	while (waiting) {
		if (!time_left())
			return false;
		pause_us(a, 1000);
	}
	pthread_rwlock_rdlock(&room);
	return true;
}

/* Namespaces that end with everything in them. */

/* A life in a namespace of its own: listeners, connections, half-open ones, waits. */
static void short_life(struct actor *a, bool linked)
{
	struct host *own = host_new(3 + below(a, 90));
	unsigned int n = 1 + below(a, 20);
	struct raw r;
	int fds[2];

	if (linked) {
		/* With a link to host b, if that has none of this name. */
		link_pair(own, host_b);
		host_enter(own);
	}
	new_listener(AF_INET6, PORT, 2);
	raw_open(&r);
	while (n--) {
		union address to = address_of(linked ? host_b : NULL, once_in(a, 2), PORT);

		if (once_in(a, 3)) {
			if (make_connection(a, once_in(a, 2), fds)) {
				talk(a, fds[0]);
				talk(a, fds[1]);
				if (once_in(a, 2))
					close(fds[below(a, 2)]);
			}
		} else {
			connect_to(a, &to);
		}
		/* From nobody, so that it stays half-open. */
		r.from = address_of(&(struct host){ .octet = 100 }, false, 0);
		r.to = address_of(NULL, false, 0);
		r.sport = 1 + below(a, 60000);
		r.dport = PORT;
		r.flags = 2;
		raw_send(&r, NULL, 0);
	}
	/* Neither closed nor shut down: it is over. */
	_exit(0);
}

static void parent(struct actor *a)
{
	while (more(a, "namespace")) {
		bool linked = once_in(a, 3);
		pid_t child;

		/* The child has everyone's sockets, too. */
		if (!room_enter(a))
			break;
		child = fork();
		if (child < 0)
			die("fork");
		if (!child) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			a->random.state ^= (uint64_t)tally->special << 20;
			short_life(a, linked);
		}
		if (once_in(a, 3)) {
			pause_us(a, 30000);
			kill(child, SIGKILL);
		}
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
		pthread_rwlock_unlock(&room);
		tally->special++;
	}
}

static void namespaces_begin(void)
{
	actors_add(3, "parent", parent, host_a, NULL);
	actor_add("server", serve, host_b, (void *)PORT);
	actor_add("visitor", visit, host_a, (void *)PORT);
}

/* The module, taken out and put back. */

/*
 * A socket without a user that is just being freed holds the module again for a moment:
 * then it goes at one of the next tries.
 */
static int unload_empty(void)
{
	int err = EWOULDBLOCK;

	for (int tries = 0; err == EWOULDBLOCK && tries < 5000; tries++) {
		err = module_unload();
		if (err)
			usleep(1000);
	}
	return err;
}

static void take_out(struct actor *a)
{
	while (more(a, "rmmod")) {
		bool empty = !once_in(a, 3);
		int err;

		pause_us(a, 200000);
		if (empty) {
			waiting++;
			pthread_rwlock_wrlock(&room);
		}
		err = empty ? unload_empty() : module_unload();
		if (empty && err)
			broken("rmmod, while nobody holds a socket: %s", strerror(err));
		if (err && err != EWOULDBLOCK && err != EBUSY)
			broken("rmmod: %s", strerror(err));
		if (!err) {
			tally->special++;
			pause_us(a, 5000);
			err = module_load();
			if (err)
				broken("insmod: %s", strerror(err));
			host_enter(host_a);
			host_quick();
			host_enter(host_b);
			host_quick();
			write_file("/proc/sys/net/tern/max_time_wait", "%u", below(a, 50));
			host_enter(a->host);
		}
		if (empty) {
			pthread_rwlock_unlock(&room);
			waiting--;
		}
	}
}

/* Hold sockets for a while, then none; what they leave behind goes on. */
static void come_and_go(struct actor *a)
{
	const struct host *other = a->host == host_a ? host_b : host_a;

	while (more(a, "wait for the room")) {
		int fds[2], n = 1 + below(a, 6);

		if (!room_enter(a))
			break;
		while (n-- && time_left()) {
			union address to = address_of(other, once_in(a, 2), PORT);

			if (once_in(a, 2)) {
				int fd = connect_to(a, &to);

				if (fd < 0)
					continue;
				talk(a, fd);
				close_somehow(a, fd);
			} else if (make_connection(a, once_in(a, 2), fds)) {
				talk(a, fds[0]);
				close_somehow(a, fds[0]);
				close_somehow(a, fds[1]);
			}
		}
		pthread_rwlock_unlock(&room);
	}
}

static void listen_and_go(struct actor *a)
{
	while (more(a, "wait for the room")) {
		int fd, child;

		if (!room_enter(a))
			break;
		fd = new_listener(AF_INET6, PORT, below(a, 4));
		for (int n = fd < 0 ? 0 : below(a, 8); n && !waiting; n--) {
			set_patience(fd, 20);
			child = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
			if (!expected("accept", child))
				continue;
			tally->accepted++;
			talk(a, child);
			close_somehow(a, child);
		}
		if (fd >= 0)
			close(fd);
		pthread_rwlock_unlock(&room);
	}
}

/* Without the module the files are not there; nobody asks a program to load it. */
static void module_begin(void)
{
	write_file("/proc/sys/kernel/modprobe", "\n");
	actor_add("who takes it out", take_out, host_a, NULL);
	actors_add(2, "who comes and goes", come_and_go, host_a, NULL);
	actor_add("who comes and goes", come_and_go, host_b, NULL);
	actors_add(2, "who listens and goes", listen_and_go, host_b, NULL);
	/* Whose connections nobody acknowledges any more: they leave orphans. */
	actors_add(2, "handshakes", raw_cookies, host_a, (void *)PORT);
	actor_add("noise", raw_noise, host_a, (void *)PORT);
}

static void module_end(void)
{
	write_file("/proc/sys/kernel/modprobe", "/sbin/modprobe\n");
}

/* TIME_WAIT: too many, for another length, ended by a SYN, with its namespace, with all. */

static void churn(struct actor *a)
{
	while (more(a, "churn")) {
		bool v6 = once_in(a, 2);
		union address from = address_of(NULL, v6, 30000 + below(a, 8));
		union address to = address_of(NULL, v6, PORT);
		int fd;

		if (!room_enter(a))
			break;
		/* The same ends again and again, so that many meet a wait. */
		fd = new_socket(from.sa.sa_family);
		if (fd >= 0 && once_in(a, 2))
			expected("bind", bind(fd, &from.sa, address_len(&from)));
		if (fd >= 0 && expected("connect", connect(fd, &to.sa, address_len(&to)))) {
			tally->opened++;
			talk(a, fd);
		}
		if (fd >= 0)
			close_somehow(a, fd);
		pthread_rwlock_unlock(&room);
	}
}

static void change_waits(struct actor *a)
{
	while (more(a, "sysctl")) {
		/* The module may just be out. */
		write_file("/proc/sys/net/tern/time_wait_s", "%u", 1 + below(a, 3));
		write_file("/proc/sys/net/tern/max_time_wait", "%u", below(a, 60));
		pause_us(a, 10000);
	}
}

static void timewait_begin(void)
{
	write_file("/proc/sys/kernel/modprobe", "\n");
	actors_add(3, "who churns", churn, host_b, NULL);
	actors_add(2, "who listens and goes", listen_and_go, host_b, NULL);
	actor_add("who changes waits", change_waits, host_b, NULL);
	actor_add("parent", parent, host_a, NULL);
	actor_add("who takes it out", take_out, host_a, NULL);
}

static void timewait_end(void)
{
	host_enter(host_b);
	host_quick();
	module_end();
}

const struct storm system_storms[] = {
	{ .name = "sysctls", .begin = sysctls_begin },
	{ .name = "proc", .begin = proc_begin, .special = "files read" },
	{ .name = "icmp", .begin = icmp_begin },
	{ .name = "routes", .begin = routes_begin },
	{ .name = "interfaces", .begin = interfaces_begin, .special = "links removed" },
	{ .name = "namespaces", .begin = namespaces_begin, .special = "namespaces" },
	{ .name = "timewait", .begin = timewait_begin, .end = timewait_end, .reloads = true,
	  .special = "namespaces and unloads" },
	{ .name = "module", .begin = module_begin, .end = module_end, .reloads = true,
	  .special = "unloads" },
	{ .name = NULL },
};
