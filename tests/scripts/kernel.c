// SPDX-License-Identifier: GPL-2.0
/*
 * Target "kernel": tern.ko of the running kernel, in a network namespace of our
 * own whose only interface is a tun device.  The runner is the host behind it:
 * what it writes there arrives, what arrives there was sent.
 *
 * A write() returns when the segment has been dealt with and its answers stand in
 * the device, so nothing here waits for anything but the clock.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/tern.h>
#include "tests/scripts/run.h"
#include "tests/scripts/net.h"

#define DEVICE "tern0"
#define FIRST_PORT 1024
#define PEER_PORT 40000
#define PROBES 2000
#define TIME_WAITS 20
#define SYSCTLS_MAX 8
#define BUF_MAX 65536
/*
 * A tick of the kernel; how late its timers may run: what a deadline is rounded up
 * by, the tick that has begun, and one more; and the unit of /proc/net/tern.
 */
#define TICK (4 * MSEC)
#define TIMER_LATE (3 * TICK)
#define PROC_UNIT (10 * MSEC)

static struct kernel {
	int tun;
	int sock;		/* the connection's socket, or -1 */
	int listener;
	struct ends ends;
	u16 port;		/* the next case's */
	u32 read_pos;
	u32 send_pos;
	u32 left;		/* what was acknowledged last */
	int error;
	int rcvbuf;		/* of sockets to come, 0 for the default */
	const char *trouble;	/* what is wrong with a packet */
	u32 time_waits;		/* left behind by cases that are over */
	struct {
		char name[32];
		u32 value;
	} changed[SYSCTLS_MAX];	/* of net.tern, with the values from before */
	u32 n_changed;
	bool path_changed;	/* it was told of a smaller path MTU */
	u32 hash[PROBES];	/* iss less the clock, for each port */
} host = { .sock = -1, .listener = -1, .port = FIRST_PORT };

/* Clock */

static u64 kernel_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * SEC + (u64)ts.tv_nsec / 1000;
}

static void sleep_until(u64 us)
{
	struct timespec ts = { (time_t)(us / SEC), (long)(us % SEC * 1000) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static void kernel_pass(u64 us)
{
	sleep_until(kernel_now() + us + TIMER_LATE);
}

/* The device */

static void kernel_inject(const u8 *octets, u32 len)
{
	u8 seg[SEG_MAX], packet[SEG_MAX + 64];
	u32 n;

	memcpy(seg, octets, len);
	n = ip_put(seg, len, packet);
	if (write(host.tun, packet, n) != (ssize_t)n)
		die("kernel: the device does not take a packet: %s", strerror(errno));
}

static void kernel_icmp(const struct icmp_error *icmp)
{
	u8 packet[256];
	u32 n = icmp_put(icmp, packet);

	if (!n || write(host.tun, packet, n) != (ssize_t)n)
		die("kernel: no such ICMP error, or the device does not take it: '%s'",
		    icmp->code);
	host.path_changed |= icmp->kind == ICMP_IS_TOO_BIG;
}

static u32 kernel_collect(u8 *octets, u32 size)
{
	u8 packet[SEG_MAX];
	struct tern_seg seg;
	const char *why;
	ssize_t n;
	u32 len;
	u8 *got;

	while ((n = read(host.tun, packet, sizeof(packet))) > 0) {
		got = ip_get(packet, (u32)n, &len, &why);
		if (!got)
			continue;
		if (why || len > size) {
			host.trouble = why ? why : "it sent a packet that is too long";
			continue;
		}
		memcpy(octets, got, len);
		if (tern_parse(octets, len, &seg) == TERN_DROP_NONE &&
		    (seg.flags & (TERN_ACK | TERN_RST)) == TERN_ACK)
			host.left = tern_seq_bits(seg.ack);
		return len;
	}
	return 0;
}

static void discard(void)
{
	u8 octets[SEG_MAX];

	while (kernel_collect(octets, sizeof(octets)))
		;
}

/* Sockets */

static socklen_t address(struct sockaddr_storage *to, const unsigned char *addr, u16 port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
	struct sockaddr_in *in = (struct sockaddr_in *)to;

	memset(to, 0, sizeof(*to));
	if (settings.ipv6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, addr, 16);
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	memcpy(&in->sin_addr, addr + 12, 4);
	return sizeof(*in);
}

static int bound_socket(void)
{
	struct sockaddr_storage at;
	socklen_t len = address(&at, tern_addr, host.ends.lport);
	int fd = socket(settings.ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, PROTOCOL);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len))
		die("kernel: a socket for port %u: %s", host.ends.lport, strerror(errno));
	if (host.rcvbuf)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &host.rcvbuf, sizeof(host.rcvbuf));
	return fd;
}

/* The system doubles it, and half of that is for octets. */
static const char *call_rcvbuf(const u32 *args)
{
	host.rcvbuf = (int)args[0];
	return NULL;
}

static const char *call_connect(const u32 *args)
{
	struct sockaddr_storage to;
	socklen_t len = address(&to, peer_addr, host.ends.rport);

	(void)args;
	host.sock = bound_socket();
	if (!connect(host.sock, (struct sockaddr *)&to, len) || errno != EINPROGRESS)
		return "not in progress";
	return NULL;
}

static const char *call_listen(const u32 *args)
{
	(void)args;
	host.listener = bound_socket();
	return listen(host.listener, 16) ? strerror(errno) : NULL;
}

static const char *call_unlisten(const u32 *args)
{
	(void)args;
	close(host.listener);
	host.listener = -1;
	return NULL;
}

static const char *call_accept(const u32 *args)
{
	(void)args;
	if (host.sock >= 0)
		close(host.sock);
	host.sock = accept4(host.listener, NULL, NULL, SOCK_NONBLOCK);
	return host.sock < 0 ? strerror(errno) : NULL;
}

static const char *call_send(const u32 *args)
{
	static u8 octets[BUF_MAX];
	u32 i;

	for (i = 0; i < args[0] && i < sizeof(octets); i++)
		octets[i] = payload_octet(host.send_pos + i);
	host.send_pos += i;
	return send(host.sock, octets, i, MSG_NOSIGNAL) == (ssize_t)i ? NULL : "cannot send";
}

static const char *call_read(const u32 *args)
{
	static u8 octets[BUF_MAX];
	u32 n = args[0];
	u32 i;

	if (n > sizeof(octets) || recv(host.sock, octets, n, 0) != (ssize_t)n)
		return "there is less to read";
	for (i = 0; i < n; i++) {
		if (octets[i] != payload_octet(host.read_pos + i))
			return "a wrong octet was read";
	}
	host.read_pos += n;
	return NULL;
}

static const char *call_eof(const u32 *args)
{
	u8 octet;

	(void)args;
	return recv(host.sock, &octet, 1, 0) ? "not the end of the stream" : NULL;
}

static const char *call_shutdown(const u32 *args)
{
	(void)args;
	return shutdown(host.sock, SHUT_WR) ? strerror(errno) : NULL;
}

static const char *call_close(const u32 *args)
{
	(void)args;
	close(host.sock);
	host.sock = -1;
	return NULL;
}

static const char *call_abort(const u32 *args)
{
	struct linger now = { 1, 0 };

	setsockopt(host.sock, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	return call_close(args);
}

static bool set_int(int level, int name, u32 value)
{
	int n = (int)value;

	return !setsockopt(host.sock, level, name, &n, sizeof(n));
}

static const char *call_nodelay(const u32 *args)
{
	return set_int(SOL_TERN, TERN_NODELAY, args[0]) ? NULL : strerror(errno);
}

static const char *call_keepalive(const u32 *args)
{
	bool on = args[0];

	if (on && !(set_int(SOL_TERN, TERN_KEEPIDLE, args[0]) &&
		    set_int(SOL_TERN, TERN_KEEPINTVL, args[1]) &&
		    set_int(SOL_TERN, TERN_KEEPCNT, args[2])))
		return strerror(errno);
	return set_int(SOL_SOCKET, SO_KEEPALIVE, on) ? NULL : strerror(errno);
}

static const char *call_user_timeout(const u32 *args)
{
	return set_int(SOL_TERN, TERN_USER_TIMEOUT, args[0]) ? NULL : strerror(errno);
}

/* The kernel's seconds are jiffies / HZ, which begin anywhere in those of its clock. */
static const char *call_second(const u32 *args)
{
	unsigned long long jiffies = 0;
	char line[128];
	FILE *in = fopen("/proc/timer_list", "r");
	u32 hz = SEC / TICK;

	(void)args;
	while (in && fgets(line, sizeof(line), in) &&
	       sscanf(line, " jiffies: %llu", &jiffies) != 1)
		;
	if (in)
		fclose(in);
	if (!jiffies)
		return "/proc/timer_list does not tell of jiffies";
	sleep_until(kernel_now() + (hz - jiffies % hz + 1) * TICK);
	return NULL;
}

static const struct call kernel_calls[] = {
	{ "connect", call_connect }, { "listen", call_listen },
	{ "unlisten", call_unlisten }, { "accept", call_accept },
	{ "send", call_send }, { "read", call_read },
	{ "shutdown", call_shutdown }, { "close", call_close },
	{ "abort", call_abort }, { "eof", call_eof },
	{ "rcvbuf", call_rcvbuf }, { "nodelay", call_nodelay },
	{ "keepalive", call_keepalive }, { "user_timeout", call_user_timeout },
	{ "second", call_second }, { NULL, NULL },
};

static FILE *open_sysctl(const char *name, const char *mode)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/tern/%s", name);
	return fopen(path, mode);
}

static const char *set_sysctl(const char *name, u32 value)
{
	FILE *out = open_sysctl(name, "w");

	if (!out || fprintf(out, "%u", value) < 0 || fclose(out))
		return strerror(errno);
	return NULL;
}

static const char *kernel_sysctl(const char *name, u32 value)
{
	FILE *in = open_sysctl(name, "r");
	u32 i;

	if (!in || host.n_changed == SYSCTLS_MAX ||
	    fscanf(in, "%u", &host.changed[host.n_changed].value) != 1)
		return "no such sysctl, or too many";
	fclose(in);
	for (i = 0; i < host.n_changed && strcmp(host.changed[i].name, name); i++)
		;
	if (i == host.n_changed)
		snprintf(host.changed[host.n_changed++].name, sizeof(host.changed[0].name),
			 "%s", name);
	return set_sysctl(name, value);
}

static void restore_sysctls(void)
{
	while (host.n_changed--) {
		if (set_sysctl(host.changed[host.n_changed].name,
			       host.changed[host.n_changed].value))
			die("kernel: %s cannot be set back", host.changed[host.n_changed].name);
	}
	host.n_changed = 0;
}

/* What is to be seen */

/* A line of /proc/net/tern: the case's connection, or its listener? */
static void status_line(const char *line, struct status *status)
{
	/* the numbers of /proc/net/tcp */
	static const u8 timers[] = { TIMER_NONE, TIMER_REXMT, TIMER_FIN_WAIT_2,
				     TIMER_TIME_WAIT, TIMER_PERSIST };
	unsigned int lport, rport, state, tx, rx, timer;
	unsigned long when;

	if (sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%x %x %x:%x %x:%lx", &lport, &rport,
		   &state, &tx, &rx, &timer, &when) != 7 || lport != host.ends.lport)
		return;
	if (state == TERN_LISTEN) {
		status->waiting = rx;
		if (status->state == TERN_CLOSED)
			status->state = TERN_LISTEN;
	} else if (rport == host.ends.rport && timer < ARRAY_SIZE(timers)) {
		status->state = (u8)state;
		status->timer = timers[timer];
		/* one number for two timers, of which one runs without a user only */
		if (status->timer == TIMER_FIN_WAIT_2 && host.sock >= 0)
			status->timer = TIMER_KEEPALIVE;
		status->left = when * PROC_UNIT;
	}
}

static void status_file(const char *path, struct status *status)
{
	char line[512];
	FILE *in = fopen(path, "r");

	while (in && fgets(line, sizeof(line), in))
		status_line(line, status);
	if (in)
		fclose(in);
}

static void kernel_status(struct status *status)
{
	socklen_t len = sizeof(int);
	int value = 0;

	memset(status, 0, sizeof(*status));
	status->state = TERN_CLOSED;
	status_file("/proc/net/tern", status);
	if (settings.ipv6)
		status_file("/proc/net/tern6", status);
	if (host.sock < 0)
		return;
	if (!ioctl(host.sock, FIONREAD, &value))
		status->unread = (u32)value;
	/* asking for the error takes it away */
	if (!getsockopt(host.sock, SOL_SOCKET, SO_ERROR, &value, &len) && value)
		host.error = value;
	status->error = host.error;
	status->user = true;
}

/* The device's addresses */

static void set_address6(int fd)
{
	struct in6_ifreq req6 = { .ifr6_prefixlen = 64 };
	struct sockaddr_in6 addr = { 0 };

	req6.ifr6_ifindex = (int)if_nametoindex(DEVICE);
	memcpy(&req6.ifr6_addr, tern_addr, 16);
	if (ioctl(fd, SIOCSIFADDR, &req6))
		die("kernel: no IPv6 address: %s", strerror(errno));
	/* the kernel takes it into use in a work queue */
	addr.sin6_family = AF_INET6;
	memcpy(&addr.sin6_addr, tern_addr, 16);
	for (int tries = 0; tries < 1000; tries++) {
		int probe = socket(AF_INET6, SOCK_DGRAM, 0);
		int err = bind(probe, (struct sockaddr *)&addr, sizeof(addr));

		close(probe);
		if (!err)
			return;
		usleep(1000);
	}
	die("kernel: the IPv6 address does not become usable");
}

static void set_address(void)
{
	struct sockaddr_in *in;
	struct ifreq req;
	int fd = socket(settings.ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);

	memset(&req, 0, sizeof(req));
	strcpy(req.ifr_name, DEVICE);
	in = (struct sockaddr_in *)&req.ifr_addr;
	in->sin_family = AF_INET;
	memcpy(&in->sin_addr, tern_addr + 12, 4);
	if (!settings.ipv6 && ioctl(fd, SIOCSIFADDR, &req))
		die("kernel: no address: %s", strerror(errno));
	in->sin_addr.s_addr = htonl(0xffffff00);
	if (!settings.ipv6 && ioctl(fd, SIOCSIFNETMASK, &req))
		die("kernel: no netmask: %s", strerror(errno));
	/* the same MSS for both versions */
	req.ifr_mtu = settings.ipv6 ? 1520 : 1500;
	if (ioctl(fd, SIOCSIFMTU, &req))
		die("kernel: no MTU: %s", strerror(errno));
	memset(&req.ifr_ifru, 0, sizeof(req.ifr_ifru));
	ioctl(fd, SIOCSIFFLAGS, &req);
	/* without NOARP an address is not usable at once: there may be another one */
	req.ifr_flags = IFF_UP | IFF_RUNNING | IFF_NOARP;
	if (ioctl(fd, SIOCSIFFLAGS, &req))
		die("kernel: the device does not come up: %s", strerror(errno));
	if (settings.ipv6)
		set_address6(fd);
	close(fd);
}

/* A place for each case */

/* The port whose iss is the wanted one soonest, and sleep until then. */
static void wait_for_iss(void)
{
	u32 i, best = 0, ahead, least = ~0u;
	u64 now = kernel_now();

	for (i = 0; i < PROBES; i++) {
		ahead = settings.iss - host.hash[i] - (u32)(now / 4);
		if (ahead > TICK / 4 && ahead < least) {
			least = ahead;
			best = i;
		}
	}
	host.ends.lport = (u16)(FIRST_PORT + best);
	sleep_until(now + (u64)least * 4);
}

static void kernel_begin(struct ends *ends)
{
	host.sock = -1;
	host.listener = -1;
	host.error = 0;
	host.rcvbuf = 0;
	host.trouble = NULL;
	host.read_pos = 0;
	host.send_pos = 0;
	host.ends = (struct ends){ .lport = host.port, .rport = PEER_PORT };
	if (settings.near_wrap)
		wait_for_iss();
	else if (++host.port < FIRST_PORT)
		host.port = FIRST_PORT;
	discard();
	*ends = host.ends;
}

/* A connection without a user ends by a RST that hits. */
static void reset(void)
{
	struct tern_seg rst = { .sport = host.ends.rport, .dport = host.ends.lport,
				.flags = TERN_RST, .seq = tern_seq_of(host.left) };
	struct options none = { .len = 0 };
	u8 octets[TERN_HDR_MAX];

	kernel_inject(octets, seg_put(&rst, &none, octets));
	discard();
}

static void end_connection(void)
{
	struct status status;
	int tries;

	if (host.listener >= 0)
		call_unlisten(NULL);
	if (host.sock >= 0)
		call_abort(NULL);
	discard();
	for (tries = 0; tries < 3; tries++) {
		kernel_status(&status);
		if (status.state == TERN_CLOSED)
			return;
		if (status.state == TERN_TIME_WAIT)
			break;
		reset();
	}
	if (status.state != TERN_TIME_WAIT)
		die("kernel: a connection in %s is left over", tern_state_name(status.state));
	if (++host.time_waits < TIME_WAITS && !settings.near_wrap)
		return;
	set_sysctl("time_wait_s", 1);
	kernel_pass(1100 * MSEC);
	set_sysctl("time_wait_s", 60);
	host.time_waits = 0;
}

static void kernel_end(void)
{
	restore_sysctls();
	end_connection();
	/* routes go with the device's addresses, and with them what they know */
	if (host.path_changed)
		set_address();
	host.path_changed = false;
}

/* Begin of all */

static void open_device(void)
{
	struct ifreq req = { .ifr_flags = IFF_TUN | IFF_NO_PI };

	host.tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	strcpy(req.ifr_name, DEVICE);
	if (host.tun < 0 || ioctl(host.tun, TUNSETIFF, &req))
		die("kernel: no tun device: %s", strerror(errno));
}

/* rfc6528: the clock and a hash of the ends; a SYN shows their sum. */
static void probe(void)
{
	u8 octets[SEG_MAX];
	struct tern_seg seg;
	u32 i;

	for (i = 0; i < PROBES; i++) {
		host.ends = (struct ends){ .lport = (u16)(FIRST_PORT + i), .rport = PEER_PORT };
		host.hash[i] = 0u - (u32)(kernel_now() / 4);
		call_connect(NULL);
		if (tern_parse(octets, kernel_collect(octets, sizeof(octets)), &seg) !=
		    TERN_DROP_NONE || seg.sport != host.ends.lport)
			die("kernel: no SYN from port %u", host.ends.lport);
		host.hash[i] += tern_seq_bits(seg.seq);
		call_abort(NULL);
	}
}

void kernel_open(void)
{
	if (unshare(CLONE_NEWNET))
		die("kernel: no network namespace: %s", strerror(errno));
	prctl(PR_SET_TIMERSLACK, 1);
	open_device();
	set_address();
	if (settings.near_wrap)
		probe();
}

static const char *kernel_trouble(void)
{
	return host.trouble;
}

const struct target kernel_target = {
	.name = "kernel",
	.slack = TICK + PROC_UNIT,
	.calls = kernel_calls,
	.begin = kernel_begin,
	.end = kernel_end,
	.inject = kernel_inject,
	.icmp = kernel_icmp,
	.collect = kernel_collect,
	.sysctl = kernel_sysctl,
	.pass = kernel_pass,
	.now = kernel_now,
	.status = kernel_status,
	.trouble = kernel_trouble,
};
