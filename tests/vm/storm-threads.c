// SPDX-License-Identifier: GPL-2.0
/*
 * Storms in which several threads or processes hold the same socket, and those who wait
 * must be woken: by calls of others, by the peer, by signals, by death.
 *
 * Sockets that many meddle with stand in slots.  Anyone may use what he saw in a slot;
 * only who takes it out of its slot closes it.  So a call may meet a number that is no
 * socket any more, or another one, but nothing of the test itself is ever closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/wait.h>

#include "tests/vm/storm.h"

#define PORT 7100
#define SLOTS 12

static atomic_int slots[SLOTS];

static int slot(struct actor *a)
{
	return slots[below(a, SLOTS)];
}

/* Put @fd somewhere, and end what was there. */
static void slot_put(struct actor *a, int fd)
{
	int old = atomic_exchange(&slots[below(a, SLOTS)], fd);

	if (old > 0)
		close_somehow(a, old);
}

static void slots_empty(void)
{
	for (int i = 0; i < SLOTS; i++) {
		int fd = atomic_exchange(&slots[i], 0);

		if (fd > 0)
			close(fd);
	}
}

/* What may go wrong with a number that others close is a lot; this never is right. */
static void sane(const char *call, long result)
{
	if (result < 0 && (errno >= 512 || errno == EFAULT))
		broken("%s: errno %d", call, errno);
	if (result < 0 && (errno == ECONNRESET || errno == EPIPE))
		tally->reset++;
}

/* New sockets for the slots: listeners, connections, unconnected ones. */
static void supply(struct actor *a)
{
	while (more(a, "supply")) {
		union address to = address_of(NULL, once_in(a, 2), PORT + below(a, 2));
		int fds[2];

		switch (below(a, 4)) {
		case 0:
			fds[0] = new_listener(AF_INET6, PORT + below(a, 2), below(a, 4));
			if (fds[0] >= 0)
				slot_put(a, fds[0]);
			break;
		case 1:
			fds[0] = connect_to(a, &to);
			if (fds[0] >= 0)
				slot_put(a, fds[0]);
			break;
		case 2:
			fds[0] = new_socket(to.sa.sa_family);
			if (fds[0] >= 0)
				slot_put(a, fds[0]);
			break;
		default:
			if (make_connection(a, once_in(a, 2), fds)) {
				slot_put(a, fds[0]);
				slot_put(a, fds[1]);
			}
		}
	}
}

/* One call that may block, though not for ever. */
static void block_once(struct actor *a, int fd)
{
	static char octets[65536];
	union address to = address_of(NULL, once_in(a, 2), PORT + below(a, 2));
	char buf[4096];
	long n;

	switch (below(a, 4)) {
	case 0:
		sane("recv", recv(fd, buf, sizeof(buf), once_in(a, 8) ? MSG_WAITALL : 0));
		break;
	case 1:
		sane("send", send(fd, octets, sizeof(octets), MSG_NOSIGNAL));
		break;
	case 2:
		n = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		sane("accept", n);
		if (n >= 0) {
			tally->accepted++;
			set_patience(n, 100);
			slot_put(a, n);
		}
		break;
	default:
		sane("connect", connect(fd, &to.sa, address_len(&to)));
	}
}

static void blocker(struct actor *a)
{
	while (more(a, "block")) {
		int fd = slot(a);

		if (fd > 0)
			block_once(a, fd);
	}
}

/*
 * Not those that turn static keys of the kernel on and off (SO_TIMESTAMP): patching running
 * code is not safe on more than one emulated CPU, see t-module.sh.
 */
static const struct { int level, option, most; } options[] = {
	{ SOL_SOCKET, SO_RCVBUF, 300000 }, { SOL_SOCKET, SO_SNDBUF, 300000 },
	{ SOL_SOCKET, SO_REUSEADDR, 2 }, { SOL_SOCKET, SO_KEEPALIVE, 2 },
	{ SOL_SOCKET, SO_RCVLOWAT, 10000 }, { SOL_SOCKET, SO_PRIORITY, 7 },
	{ SOL_SOCKET, SO_MARK, 9 }, { SOL_SOCKET, SO_BUSY_POLL, 10 },
	{ SOL_SOCKET, SO_OOBINLINE, 2 },
	{ SOL_TERN, TERN_NODELAY, 2 }, { SOL_TERN, TERN_KEEPIDLE, 3 },
	{ SOL_TERN, TERN_KEEPINTVL, 3 }, { SOL_TERN, TERN_KEEPCNT, 3 },
	{ SOL_TERN, TERN_USER_TIMEOUT, 2000 },
	{ IPPROTO_IP, IP_TOS, 255 }, { IPPROTO_IP, IP_RECVERR, 2 }, { IPPROTO_IP, IP_TTL, 255 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, 6 },
	{ IPPROTO_IPV6, IPV6_V6ONLY, 2 }, { IPPROTO_IPV6, IPV6_TCLASS, 255 },
	{ IPPROTO_IPV6, IPV6_RECVERR, 2 }, { IPPROTO_IPV6, IPV6_MTU_DISCOVER, 6 },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255 },
};

static void meddle_option(struct actor *a, int fd)
{
	unsigned int i = below(a, sizeof(options) / sizeof(options[0]));
	char buf[256];
	socklen_t len = sizeof(buf);

	if (once_in(a, 3))
		sane("getsockopt", getsockopt(fd, options[i].level, options[i].option, buf, &len));
	else
		set_option(fd, options[i].level, options[i].option, below(a, options[i].most));
}

static void meddle(struct actor *a)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	while (more(a, "meddle")) {
		int fd = slot(a), i = below(a, SLOTS), n;

		if (fd <= 0)
			continue;
		switch (below(a, 12)) {
		case 0 ... 3:
			meddle_option(a, fd);
			break;
		case 4:
			sane("shutdown", shutdown(fd, below(a, 3)));
			break;
		case 5:
			fd = atomic_exchange(&slots[i], 0);
			if (fd > 0)
				close_somehow(a, fd);
			break;
		case 6:
			sane("connect", connect(fd, &none, sizeof(none)));
			break;
		case 7:
			fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
			if (fd >= 0)
				slot_put(a, fd);
			break;
		case 8:
			sane("listen", listen(fd, below(a, 4)));
			break;
		case 9:
			sane("ioctl", ioctl(fd, once_in(a, 2) ? SIOCINQ : SIOCOUTQ, &n));
			break;
		default:
			pause_us(a, 300);
		}
	}
}

static void threads_begin(void)
{
	actors_add(2, "supply", supply, host_a, NULL);
	actors_add(4, "who blocks", blocker, host_a, NULL);
	actors_add(3, "who meddles", meddle, host_a, NULL);
}

/* poll, epoll and select while others close. */

static void poll_some(struct actor *a)
{
	struct pollfd p[4];
	char buf[512];

	for (int i = 0; i < 4; i++)
		p[i] = (struct pollfd) { .fd = slot(a), .events = below(a, 0x40) };
	sane("poll", poll(p, 4, below(a, 30)));
	for (int i = 0; i < 4; i++) {
		if (p[i].fd > 0 && p[i].revents & POLLIN)
			sane("recv", recv(p[i].fd, buf, sizeof(buf), MSG_DONTWAIT));
	}
}

static void epoll_some(struct actor *a, int epoll)
{
	struct epoll_event events[8], e;
	char buf[512];
	int n;

	for (int i = 0; i < 4; i++) {
		e = (struct epoll_event) { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP };
		if (once_in(a, 2))
			e.events |= EPOLLET;
		e.data.fd = slot(a);
		/* Those that stay in the set go with the last who closes them. */
		if (e.data.fd > 0)
			sane("epoll_ctl", epoll_ctl(epoll, once_in(a, 4) ? EPOLL_CTL_DEL :
						    EPOLL_CTL_ADD, e.data.fd, &e));
	}
	n = epoll_wait(epoll, events, 8, below(a, 30));
	sane("epoll_wait", n);
	for (int i = 0; i < n; i++) {
		if (events[i].events & EPOLLIN && once_in(a, 2))
			sane("recv", recv(events[i].data.fd, buf, sizeof(buf), MSG_DONTWAIT));
	}
}

static void select_some(struct actor *a)
{
	struct timeval tv = { .tv_usec = below(a, 20000) };
	int fd = slot(a);
	fd_set in, out;

	if (fd <= 0 || fd >= FD_SETSIZE)
		return;
	FD_ZERO(&in);
	FD_SET(fd, &in);
	out = in;
	sane("select", select(fd + 1, &in, &out, NULL, &tv));
}

static void watcher(struct actor *a)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	while (more(a, "watch")) {
		switch (below(a, 4)) {
		case 0:
			poll_some(a);
			break;
		case 1:
			select_some(a);
			break;
		default:
			epoll_some(a, epoll);
		}
		if (once_in(a, 32)) {
			close(epoll);
			epoll = epoll_create1(EPOLL_CLOEXEC);
		}
	}
	close(epoll);
}

static void poll_begin(void)
{
	actors_add(2, "supply", supply, host_a, NULL);
	actors_add(3, "who watches", watcher, host_a, NULL);
	actor_add("who blocks", blocker, host_a, NULL);
	actors_add(2, "who meddles", meddle, host_a, NULL);
}

/* Descriptors on their way from one process to another, and given up on the way. */

static int post[2];

static bool hand_over(int to, int fd)
{
	union { char buf[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
	struct iovec io = { .iov_base = "f", .iov_len = 1 };
	struct msghdr m = {
		.msg_iov = &io, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	memset(&control, 0, sizeof(control));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(to, &m, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

static int take_over(int from)
{
	union { char buf[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
	struct iovec io = { .iov_base = (char [1]) { 0 }, .iov_len = 1 };
	struct msghdr m = {
		.msg_iov = &io, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	int fd = -1;

	if (recvmsg(from, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) == 1) {
		c = CMSG_FIRSTHDR(&m);
		if (c && c->cmsg_type == SCM_RIGHTS)
			memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	}
	return fd;
}

static void giver(struct actor *a)
{
	while (more(a, "give")) {
		int pair[2], fds[2];

		if (!make_connection(a, once_in(a, 2), fds))
			continue;
		talk(a, fds[0]);
		if (once_in(a, 4) && !socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair)) {
			/* In a letter that nobody will ever read. */
			hand_over(pair[0], fds[0]);
			if (once_in(a, 2))
				hand_over(pair[0], pair[1]);
			close(pair[0]);
			close(pair[1]);
		} else if (hand_over(post[0], fds[0])) {
			tally->special++;
		}
		/* Its peer's life and its own end are in other hands. */
		if (once_in(a, 2))
			close_somehow(a, fds[0]);
		else
			close(fds[0]);
		hand_over(post[0], fds[1]);
		close(fds[1]);
	}
}

static void taker(struct actor *a)
{
	while (more(a, "take")) {
		int fd = take_over(post[1]);

		if (fd < 0) {
			pause_us(a, 300);
			continue;
		}
		talk(a, fd);
		if (once_in(a, 2))
			slot_put(a, fd);
		else
			close_somehow(a, fd);
	}
}

static void descriptors_begin(void)
{
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, post))
		die("socketpair");
	actors_add(2, "giver", giver, host_a, NULL);
	actors_add(2, "taker", taker, host_a, NULL);
	actors_add(2, "who blocks", blocker, host_a, NULL);
}

static void descriptors_end(void)
{
	close(post[0]);
	close(post[1]);
	slots_empty();
}

/* Who waits without limit is woken, by whatever ends the wait.  A hang is the verdict. */

enum wait { W_RECV, W_SEND, W_ACCEPT, W_CONNECT, W_POLL, W_LINGER, WAITS };
enum wake { BY_RESET, BY_FIN, BY_SHUTDOWN, BY_DATA, WAKES };

struct wake_case {
	enum wait wait;
	enum wake wake;
	int fds[2];		/* who waits; his peer, or whoever connects */
	union address to;
	atomic_bool done;
};

static void waiter(struct wake_case *w)
{
	struct linger forever = { .l_onoff = 1, .l_linger = 100 };
	struct pollfd p = { .fd = w->fds[0], .events = POLLRDHUP };
	static char octets[1 << 20];
	int fd = w->fds[0];
	char c;

	switch (w->wait) {
	case W_RECV:
		expected("recv", recv(fd, &c, 1, 0));
		break;
	case W_SEND:
		while (send(fd, octets, sizeof(octets), MSG_NOSIGNAL) > 0 && w->wake != BY_DATA)
			;
		break;
	case W_ACCEPT:
		fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (expected("accept", fd))
			close(fd);
		break;
	case W_CONNECT:
		expected("connect", connect(fd, &w->to.sa, address_len(&w->to)));
		break;
	case W_POLL:
		if (w->wake == BY_DATA)
			p.events = POLLIN;
		if (poll(&p, 1, -1) < 0)
			broken("poll: %s", strerror(errno));
		break;
	default:
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &forever, sizeof(forever));
		close(fd);
		w->fds[0] = -1;
	}
}

static void waker(struct actor *a, struct wake_case *w)
{
	struct linger now = { .l_onoff = 1 };
	static char buf[65536];

	/* Sometimes before he waits, sometimes just then, sometimes when he sleeps. */
	pause_us(a, 3000);
	if (w->wait == W_ACCEPT && w->wake != BY_SHUTDOWN) {
		connect(w->fds[1], &w->to.sa, address_len(&w->to));
		return;
	}
	switch (w->wake) {
	case BY_RESET:
		setsockopt(w->fds[1], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(w->fds[1]);
		w->fds[1] = -1;
		break;
	case BY_FIN:
		shutdown(w->fds[1], SHUT_WR);
		break;
	case BY_SHUTDOWN:
		/* What is not connected yet cannot be shut down yet. */
		do {
			shutdown(w->fds[0], SHUT_RDWR);
		} while (w->wait == W_CONNECT && !w->done);
		break;
	default:
		send(w->fds[1], buf, 100, MSG_NOSIGNAL);
		while (w->wait == W_SEND && !w->done)
			recv(w->fds[1], buf, sizeof(buf), 0);
	}
}

static void wait_or_wake(struct actor *a, int i, void *arg)
{
	struct wake_case *w = arg;

	if (i) {
		waker(a, w);
	} else {
		waiter(w);
		w->done = true;
	}
}

/* Does this ever wake that? */
static bool wakes(enum wait wait, enum wake wake)
{
	switch (wait) {
	case W_SEND:
		return wake != BY_FIN;
	case W_CONNECT:
		return wake == BY_SHUTDOWN;
	case W_LINGER:
		return wake == BY_RESET;
	default:
		return true;
	}
}

/* Sockets for one case, none of which gives up by itself. */
static bool wake_prepare(struct actor *a, struct wake_case *w, bool v6)
{
	const struct host nobody = { .octet = 100 };
	static const char octets[65536];
	socklen_t len = sizeof(w->to);

	switch (w->wait) {
	case W_ACCEPT:
		w->fds[0] = new_socket(v6 ? AF_INET6 : AF_INET);
		w->fds[1] = new_socket(v6 ? AF_INET6 : AF_INET);
		w->to = address_of(NULL, v6, 0);
		if (bind(w->fds[0], &w->to.sa, address_len(&w->to)) || listen(w->fds[0], 1) ||
		    getsockname(w->fds[0], &w->to.sa, &len))
			die("listen");
		break;
	case W_CONNECT:
		/* From host b, where a SYN gets that far and no answer comes back. */
		w->fds[0] = new_socket(v6 ? AF_INET6 : AF_INET);
		w->fds[1] = -1;
		w->to = address_of(&nobody, v6, PORT);
		break;
	default:
		if (!make_connection(a, v6, w->fds))
			return false;
	}
	set_patience(w->fds[0], 0);
	if (w->wait == W_LINGER)
		while (send(w->fds[0], octets, sizeof(octets), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
			;
	return true;
}

static void wakes_of_all(struct actor *a)
{
	static const char *const waits[] = {
		"recv", "send", "accept", "connect", "poll", "close with SO_LINGER",
	};
	static const char *const by[] = {
		"a reset", "FIN", "shutdown() in another thread", "data or room",
	};
	static __thread char text[64];

	while (more(a, "wake")) {
		struct wake_case w = { .wait = below(a, WAITS), .wake = below(a, WAKES) };

		if (!wakes(w.wait, w.wake) || !wake_prepare(a, &w, once_in(a, 2)))
			continue;
		snprintf(text, sizeof(text), "%s, to be woken by %s", waits[w.wait], by[w.wake]);
		a->doing = text;
		race(a, 2, wait_or_wake, &w);
		tally->special++;
		for (int i = 0; i < 2; i++) {
			if (w.fds[i] >= 0)
				close(w.fds[i]);
		}
	}
}

static void wakes_begin(void)
{
	host_enter(host_b);
	/* Nothing else is to end a wait for connect(). */
	write_file("/proc/sys/net/tern/syn_retries", "30");
	actors_add(4, "who waits without limit", wakes_of_all, host_b, NULL);
}

/* Signals in every call that blocks. */

#define VICTIMS 5
static pthread_t victims[VICTIMS];
static pthread_mutex_t victims_lock = PTHREAD_MUTEX_INITIALIZER;
static int n_victims;
static atomic_bool ceasefire;

static void on_signal(int signal)
{
	(void)signal;
}

static void victim(struct actor *a)
{
	pthread_mutex_lock(&victims_lock);
	victims[n_victims++] = pthread_self();
	pthread_mutex_unlock(&victims_lock);
	if (once_in(a, 2))
		serve(a);
	else
		visit(a);
	/* The thread must be there for as long as someone has a signal for it. */
	while (!ceasefire)
		usleep(1000);
}

static void shooter(struct actor *a)
{
	while (more(a, "signal")) {
		pthread_mutex_lock(&victims_lock);
		if (n_victims && !pthread_kill(victims[below(a, n_victims)], SIGUSR1))
			tally->special++;
		pthread_mutex_unlock(&victims_lock);
		pause_us(a, 300);
	}
	ceasefire = true;
}

static void signals_begin(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
	actors_add(VICTIMS, "victim", victim, host_a, (void *)PORT);
	actor_add("server", serve, host_b, (void *)PORT);
	actor_add("shooter", shooter, host_a, NULL);
}

/* kill -9 of processes that hold many sockets, whatever they are doing. */

static void hoard(struct actor *a)
{
	/* As many as it gets, in a process that will not see the next second. */
	for (;;) {
		union address to = address_of(once_in(a, 2) ? host_b : NULL, once_in(a, 2), PORT);
		int fds[2];

		switch (below(a, 3)) {
		case 0:
			fds[0] = new_listener(AF_INET6, PORT, below(a, 4));
			break;
		case 1:
			fds[0] = connect_to(a, &to);
			break;
		default:
			if (!make_connection(a, once_in(a, 2), fds))
				continue;
			talk(a, fds[1]);
		}
		if (fds[0] >= 0)
			talk(a, fds[0]);
	}
}

static void killer(struct actor *a)
{
	while (more(a, "kill")) {
		pid_t child = fork();

		if (child < 0)
			die("fork");
		if (!child) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			/* Its decisions are not those of the next one. */
			a->random.state ^= (uint64_t)tally->special << 20;
			hoard(a);
			_exit(0);
		}
		pause_us(a, 60000);
		kill(child, SIGKILL);
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
		tally->special++;
	}
}

static void kills_begin(void)
{
	actors_add(3, "killer", killer, host_a, NULL);
	actor_add("server", serve, host_b, (void *)PORT);
	actor_add("visitor", visit, host_b, (void *)PORT);
}

const struct storm thread_storms[] = {
	{ .name = "threads", .begin = threads_begin, .end = slots_empty },
	{ .name = "poll", .begin = poll_begin, .end = slots_empty },
	{ .name = "descriptors", .begin = descriptors_begin, .end = descriptors_end,
	  .special = "handed over" },
	{ .name = "wakes", .begin = wakes_begin, .special = "woken" },
	{ .name = "signals", .begin = signals_begin, .special = "signals" },
	{ .name = "kills", .begin = kills_begin, .special = "killed" },
	{ .name = NULL },
};
