// SPDX-License-Identifier: GPL-2.0
/*
 * Network namespaces for storms, the links between them, and what the kernel says of
 * itself in files.
 *
 * It talks to rtnetlink itself: a program for each change would make a storm a breeze.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>

#include "tests/vm/storm.h"

/* Longer than anything here takes on the slowest machine, and short of for ever. */
#define PATIENCE 120

union request {
	struct nlmsghdr head;
	char octets[1024];
};

static void *begin(union request *r, int type, int flags, size_t len)
{
	memset(r, 0, sizeof(*r));
	r->head.nlmsg_type = type;
	r->head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	r->head.nlmsg_len = NLMSG_LENGTH(len);
	return NLMSG_DATA(&r->head);
}

static struct rtattr *put(union request *r, int type, const void *data, size_t len)
{
	struct rtattr *at = (void *)(r->octets + NLMSG_ALIGN(r->head.nlmsg_len));

	at->rta_type = type;
	at->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(at), data, len);
	r->head.nlmsg_len = NLMSG_ALIGN(r->head.nlmsg_len) + RTA_ALIGN(at->rta_len);
	return at;
}

static void nest_end(union request *r, struct rtattr *at)
{
	at->rta_len = r->octets + r->head.nlmsg_len - (char *)at;
}

/* Return: 0, or the errno of the answer. */
static int ask(union request *r)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	char answer[2048];
	ssize_t n;

	if (fd < 0)
		die("netlink");
	if (send(fd, r, r->head.nlmsg_len, 0) < 0)
		die("netlink");
	do {
		n = recv(fd, answer, sizeof(answer), 0);
	} while (n < 0 && errno == EINTR);
	close(fd);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)))
		die("netlink");
	return -((struct nlmsgerr *)NLMSG_DATA((struct nlmsghdr *)answer))->error;
}

/* A pair of links: "v0" here, "v1" in the namespace @peer. */
static int new_pair(int peer)
{
	struct rtattr *info, *data, *other;
	struct ifinfomsg none = { 0 };
	union request r;

	begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(none));
	put(&r, IFLA_IFNAME, "v0", 3);
	info = put(&r, IFLA_LINKINFO, NULL, 0);
	put(&r, IFLA_INFO_KIND, "veth", 4);
	data = put(&r, IFLA_INFO_DATA, NULL, 0);
	other = put(&r, VETH_INFO_PEER, &none, sizeof(none));
	put(&r, IFLA_IFNAME, "v1", 3);
	put(&r, IFLA_NET_NS_FD, &peer, sizeof(peer));
	nest_end(&r, other);
	nest_end(&r, data);
	nest_end(&r, info);
	return ask(&r);
}

/** link_delete() - Return: 0 or an errno */
int link_delete(const char *name)
{
	struct ifinfomsg *m;
	union request r;

	m = begin(&r, RTM_DELLINK, 0, sizeof(*m));
	m->ifi_index = if_nametoindex(name);
	return m->ifi_index ? ask(&r) : ENODEV;
}

/** link_change() - up or down, and another MTU if that is not 0; 0 or an errno */
int link_change(const char *name, bool up, unsigned int mtu)
{
	struct ifinfomsg *m;
	union request r;

	m = begin(&r, RTM_NEWLINK, 0, sizeof(*m));
	m->ifi_index = if_nametoindex(name);
	m->ifi_flags = up ? IFF_UP : 0;
	m->ifi_change = IFF_UP;
	if (mtu)
		put(&r, IFLA_MTU, &mtu, sizeof(mtu));
	return m->ifi_index ? ask(&r) : ENODEV;
}

/** address_change() - give a link an address of 24 or 64 bits, or take it; 0 or an errno */
int address_change(const char *name, const union address *addr, bool add)
{
	struct ifaddrmsg *m;
	union request r;

	m = begin(&r, add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE : 0, sizeof(*m));
	m->ifa_family = addr->sa.sa_family;
	m->ifa_prefixlen = m->ifa_family == AF_INET6 ? 64 : 24;
	m->ifa_flags = m->ifa_family == AF_INET6 ? IFA_F_NODAD : 0;
	m->ifa_index = if_nametoindex(name);
	put(&r, IFA_LOCAL, address_octets(addr), address_size(addr));
	return m->ifa_index ? ask(&r) : ENODEV;
}

/**
 * route_mtu() - a route to one address by a link, and what fits into its packets
 * @name: the link, or NULL for a route that leads nowhere
 * @to: the address
 * @mtu: octets
 * @add: or take it away
 *
 * Return: 0 or an errno.
 */
int route_mtu(const char *name, const union address *to, unsigned int mtu, bool add)
{
	unsigned int index = name ? if_nametoindex(name) : 0;
	struct rtattr *metrics;
	union request r;
	struct rtmsg *m;

	m = begin(&r, add ? RTM_NEWROUTE : RTM_DELROUTE,
		  add ? NLM_F_CREATE | NLM_F_REPLACE : 0, sizeof(*m));
	m->rtm_family = to->sa.sa_family;
	m->rtm_dst_len = address_size(to) * 8;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_scope = name && m->rtm_family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	m->rtm_type = name ? RTN_UNICAST : RTN_UNREACHABLE;
	put(&r, RTA_DST, address_octets(to), address_size(to));
	if (name) {
		put(&r, RTA_OIF, &index, sizeof(index));
		metrics = put(&r, RTA_METRICS, NULL, 0);
		put(&r, RTAX_MTU, &mtu, sizeof(mtu));
		nest_end(&r, metrics);
	}
	return ask(&r);
}

/* Who is at @addr has the link address @mac, for ever. */
static int neighbour(const char *name, const union address *addr, const void *mac)
{
	union request r;
	struct ndmsg *m;

	m = begin(&r, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*m));
	m->ndm_family = addr->sa.sa_family;
	m->ndm_ifindex = if_nametoindex(name);
	m->ndm_state = NUD_PERMANENT;
	put(&r, NDA_DST, address_octets(addr), address_size(addr));
	put(&r, NDA_LLADDR, mac, 6);
	return ask(&r);
}

static bool link_address(const char *name, void *mac)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { 0 };
	bool ok;

	strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	ok = !ioctl(fd, SIOCGIFHWADDR, &ifr);
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	close(fd);
	return ok;
}

/* Addresses of both kinds for one end of a pair. */
static bool link_begin(const char *name, const struct host *host)
{
	union address v4 = address_of(host, false, 0), v6 = address_of(host, true, 0);

	return !link_change(name, true, 0) && !address_change(name, &v4, true) &&
	       !address_change(name, &v6, true);
}

/**
 * link_pair() - join two hosts: v0 in @a, v1 in @b
 *
 * In @b the address 10.7.0.100 (fd07::64) lies behind @a, where nobody has it: the one
 * in whose name segments are sent to which no host may answer.
 *
 * Return: false when something else was under way with one of them.
 */
bool link_pair(const struct host *a, const struct host *b)
{
	const struct host nobody = { .octet = 100 };
	union address v4 = address_of(&nobody, false, 0), v6 = address_of(&nobody, true, 0);
	char mac[6];

	host_enter(a);
	if (new_pair(b->ns) || !link_begin("v0", a) || !link_address("v0", mac))
		return false;
	host_enter(b);
	return link_begin("v1", b) && !neighbour("v1", &v4, mac) && !neighbour("v1", &v6, mac);
}

/** write_file() - Return: whether it was taken */
bool write_file(const char *path, const char *format, ...)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), len;
	char text[256];
	bool ok = false;
	va_list args;

	if (fd < 0)
		return false;
	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ok = write(fd, text, len) == len;
	close(fd);
	return ok;
}

/* A number behind a name in a file whose lines are names and numbers; -1: there is none. */
static long number_in(const char *path, const char *name)
{
	char line[512], word[64];
	FILE *f = fopen(path, "re");
	long value = -1, v;

	if (!f)
		return -1;
	while (value < 0 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %ld", word, &v) == 2 && !strcmp(word, name))
			value = v;
	}
	fclose(f);
	return value;
}

/** counter() - a number of /proc/net/tern_stat in the namespace of this thread */
long counter(const char *name)
{
	return number_in("/proc/thread-self/net/tern_stat", name);
}

/**
 * slab_active() - objects of a cache that are in use
 * @name: the cache; a CPU's free ones count as used until shrinking takes them back
 */
long slab_active(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", name);
	if (!write_file(path, "1"))
		return -1;
	return number_in("/proc/slabinfo", name);
}

/** module_users() - what keeps the module loaded; -1: it is not */
long module_users(void)
{
	FILE *f = fopen("/sys/module/tern/refcnt", "re");
	long n = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

/** module_unload() - Return: 0 or an errno */
int module_unload(void)
{
	return syscall(SYS_delete_module, "tern", O_NONBLOCK) ? errno : 0;
}

/** module_load() - Return: 0 or an errno */
int module_load(void)
{
	int fd = open("tern.ko", O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		die("tern.ko");
	err = syscall(SYS_finit_module, fd, "", 0) ? errno : 0;
	close(fd);
	return err;
}

/* Waits that take minutes would do nothing but hold up the storm. */
void host_quick(void)
{
	static const char *const quick[] = {
		"time_wait_s 1", "fin_wait_2_s 1", "rto_initial_ms 100", "rto_min_ms 20",
		"rto_max_ms 1000", "syn_retries 2", "synack_retries 1", "data_retries 3",
		"orphan_retries 2", "enable 1", "keepalive_time_s 1", "keepalive_interval_s 1",
		"keepalive_probes 1",
	};
	char name[32], path[64];
	int value;

	for (size_t i = 0; i < sizeof(quick) / sizeof(quick[0]); i++) {
		if (sscanf(quick[i], "%31s %d", name, &value) != 2)
			continue;
		snprintf(path, sizeof(path), "/proc/sys/net/tern/%s", name);
		/* The module may just be out. */
		if (!write_file(path, "%d", value) && errno != ENOENT)
			broken("%s does not take %d", name, value);
	}
	/* Where connections are tracked, a flood would fill the table. */
	write_file("/proc/sys/net/netfilter/nf_conntrack_generic_timeout", "1");
}

/** host_enter() - this thread goes to that host */
void host_enter(const struct host *host)
{
	if (setns(host->ns, CLONE_NEWNET))
		die("setns");
}

/** host_new() - a namespace, in which the calling thread is then */
struct host *host_new(int octet)
{
	struct host *host = calloc(1, sizeof(*host));

	if (!host || unshare(CLONE_NEWNET))
		die("unshare");
	host->octet = octet;
	host->ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (host->ns < 0)
		die("/proc/thread-self/ns/net");
	write_file("/proc/sys/net/ipv6/conf/all/accept_dad", "0");
	write_file("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
	if (link_change("lo", true, 0))
		die("lo");
	host_quick();
	return host;
}

/** host_drop() - it goes when nobody is there any more */
void host_drop(struct host *host)
{
	close(host->ns);
	free(host);
}

/** holds_nothing() - no socket, connection, port or wait is left in this namespace */
bool holds_nothing(void)
{
	return !counter("now_sockets") && !counter("now_orphans") &&
	       !counter("now_half_open") && !counter("now_time_wait") &&
	       !counter("now_connections") && !counter("now_ports");
}

/** wait_for() - until @done, or nobody would wait any longer: then that is told */
void wait_for(const char *what, bool (*done)(void))
{
	double end = seconds() + PATIENCE;

	while (!done()) {
		if (seconds() > end) {
			broken("%s", what);
			return;
		}
		usleep(20000);
	}
}
