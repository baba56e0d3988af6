// SPDX-License-Identifier: GPL-2.0
/*
 * The raw socket: segments to octets and back, the path to the peer, and what
 * ICMP says about it.  The kernel writes the IP header; client-ip.c knows which.
 */
#include <errno.h>
#include <time.h>	/* linux/errqueue.h needs it first */
#include <linux/errqueue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

#define RECEIVE_BATCH 64
#define RAW_RCVBUF (4 << 20)

/* Room for what comes beside a packet, aligned as that wants. */
union control {
	struct cmsghdr align;
	u8 octets[512];
};

static void set_option(int fd, int level, int option, int value, const char *name)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		die(EXIT_ENVIRONMENT, "setsockopt %s: %s", name, strerror(errno));
}

static void refuse_next_to_module(const struct client *c)
{
	FILE *f = fopen("/proc/sys/net/tern/enable", "r");
	int enabled = f ? fgetc(f) : '0';

	if (f)
		fclose(f);
	if (enabled != '1')
		return;
	complain("the tern module is enabled in this network namespace and takes every segment\n"
		 "  before a raw socket sees it.  Run tern-client in another namespace or on another\n"
		 "  host, or turn the module off here: sysctl net.tern.enable=0%s",
		 c->opt.force ? "" : "  (--force goes on)");
	if (!c->opt.force)
		exit(EXIT_ENVIRONMENT);
}

static int bind_address(int fd, const struct address *addr)
{
	struct sockaddr_storage sa;
	socklen_t len = address_to_sockaddr(addr, 0, &sa);

	return bind(fd, (struct sockaddr *)&sa, len);
}

static __noreturn void no_address(const char *what, const struct address *addr)
{
	const char *why = errno == EADDRNOTAVAIL ? "not an address of this host" :
						   strerror(errno);
	char text[ADDRESS_TEXT];

	die(EXIT_ENVIRONMENT, "%s%s: %s", what, address_text(addr, text), why);
}

static void bind_local(struct client *c, const struct address *addr)
{
	if (bind_address(c->fd, addr))
		no_address("", addr);
	c->laddr = *addr;
}

static __noreturn void no_route(const struct address *peer)
{
	const char *why = errno == EACCES ? "a broadcast address" : strerror(errno);
	char text[ADDRESS_TEXT];

	die(EXIT_ENVIRONMENT, "no route to %s: %s", address_text(peer, text), why);
}

/**
 * wire_route() - ask the kernel for the way to @peer
 * @c: client; learns its local address if it has none yet
 * @peer: the peer
 *
 * Return: the MSS of the path's MTU.
 */
u16 wire_route(struct client *c, const struct address *peer)
{
	const struct ip_version *ip = c->ip;
	struct sockaddr_storage sa;
	struct address from;
	socklen_t len;
	int mtu = 0;
	u16 port;

	if (c->route_fd >= 0)
		close(c->route_fd);
	c->route_fd = socket(peer->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (c->route_fd < 0)
		die(EXIT_ENVIRONMENT, "socket: %s", strerror(errno));
	set_option(c->route_fd, ip->level, ip->mtu_discover, ip->always, "MTU_DISCOVER");
	if (c->opt.source.family && bind_address(c->route_fd, &c->opt.source))
		no_address("--source ", &c->opt.source);
	/* any port will do: connecting a UDP socket sends nothing */
	len = address_to_sockaddr(peer, 9, &sa);
	if (connect(c->route_fd, (struct sockaddr *)&sa, len))
		no_route(peer);
	len = sizeof(sa);
	if (getsockname(c->route_fd, (struct sockaddr *)&sa, &len))
		die(EXIT_ENVIRONMENT, "getsockname: %s", strerror(errno));
	from = address_of_sockaddr(&sa, &port);
	if (!c->laddr.family)
		bind_local(c, &from);
	len = sizeof(mtu);
	if (getsockopt(c->route_fd, ip->level, ip->mtu, &mtu, &len) || mtu < (int)ip->min_mtu)
		mtu = (int)ip->usual_mtu;
	if (mtu > MAX_SEGMENT)
		mtu = MAX_SEGMENT;
	return (u16)(mtu - (int)ip->header - TERN_HDR_LEN);
}

void wire_open(struct client *c)
{
	int size = RAW_RCVBUF;

	c->route_fd = -1;
	refuse_next_to_module(c);
	c->ip = ip_version(&c->opt.host);
	c->fd = socket(c->opt.host.family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       c->opt.protocol);
	if (c->fd < 0 && (errno == EPERM || errno == EACCES))
		die(EXIT_ENVIRONMENT,
		    "a raw socket needs the capability CAP_NET_RAW: run as root, or give it to\n"
		    "  the program with: sudo setcap cap_net_raw+ep tern-client");
	if (c->fd < 0)
		die(EXIT_ENVIRONMENT, "%s raw socket for protocol %u: %s", c->ip->name,
		    c->opt.protocol, strerror(errno));
	set_option(c->fd, c->ip->level, c->ip->mtu_discover, c->ip->always, "MTU_DISCOVER");
	set_option(c->fd, c->ip->level, c->ip->recverr, 1, "RECVERR");
	set_option(c->fd, c->ip->level, c->ip->recvpktinfo, 1, "PKTINFO");
	/* beyond the system's limit where we may, up to it otherwise */
	if (setsockopt(c->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		set_option(c->fd, SOL_SOCKET, SO_RCVBUF, size, "SO_RCVBUF");
	if (c->opt.listen)
		bind_local(c, &c->opt.host);
	else if (c->opt.source.family)
		bind_local(c, &c->opt.source);
}

static void put_payload(const struct client *c, const struct tern_seg *seg, u8 *to)
{
	for (u32 i = 0; i < seg->len; i++)
		to[i] = c->snd.data[(seg->pos + i) & (c->snd.size - 1)];
}

/**
 * wire_send() - build a segment and hand it to IP
 * @c: client
 * @seg: the segment, ports and all
 * @raddr: to whom
 *
 * What cannot be sent is lost, and the protocol recovers.
 */
void wire_send(struct client *c, const struct tern_seg *seg, const struct address *raddr)
{
	static u8 packet[TERN_HDR_MAX + MAX_SEGMENT];
	u32 hlen = tern_build_len(seg), len = hlen + seg->len;
	struct sockaddr_storage to;
	socklen_t to_len = address_to_sockaddr(raddr, 0, &to);
	u16 csum;

	if (len > MAX_SEGMENT - c->ip->header)
		die(EXIT_ENVIRONMENT, "internal error: a segment of %u octets", len);
	tern_build(seg, packet);
	if (seg->len)
		put_payload(c, seg, packet + hlen);
	csum = segment_csum(&c->laddr, raddr, c->opt.protocol, packet, len);
	packet[TERN_CSUM_OFFSET] = (u8)(csum >> 8);
	packet[TERN_CSUM_OFFSET + 1] = (u8)csum;

	if (lose_segment(c, DIR_OUT, seg)) {
		log_segment(c, DIR_OUT, seg, true);
		return;
	}
	log_segment(c, DIR_OUT, seg, false);
	/* an error that ICMP reported earlier is told, and cleared, by the next call */
	for (int tries = 0; tries < 2; tries++) {
		if (sendto(c->fd, packet, len, 0, (struct sockaddr *)&to, to_len) >= 0) {
			c->count.sent++;
			return;
		}
		if (errno == EMSGSIZE && c->conn && address_equal(&c->raddr, raddr))
			tern_set_mss(c->conn, wire_route(c, raddr));
	}
	c->count.send_errors++;
	log_note(c, "could not send it: %s", strerror(errno));
}

/* Find the segment inside a packet; false when there is none for us: counted. */
static bool unwrap(struct client *c, struct arrival *a, struct msghdr *msg)
{
	u32 octets = a->len;
	enum unwrapped found = c->ip->unwrap(a, c->opt.protocol, msg);

	if (found == UNWRAP_OK && !address_is_unicast(&a->saddr))
		found = UNWRAP_MALFORMED;
	if (found == UNWRAP_OK && !address_equal(&a->daddr, &c->laddr))
		found = UNWRAP_NOT_OURS;
	switch (found) {
	case UNWRAP_OK:
		return true;
	case UNWRAP_NOT_OURS:
		c->count.not_ours++;
		return false;
	default:
		c->count.malformed++;
		log_verbose(c, "<- a packet of %u octets that is not %s as it should be",
			    octets, c->ip->name);
		return false;
	}
}

static bool csum_good(struct client *c, const struct arrival *a)
{
	char text[ADDRESS_TEXT];

	switch (verify_csum(&a->saddr, &a->daddr, c->opt.protocol, a->octets, a->len)) {
	case CSUM_OK:
		return true;
	case CSUM_PARTIAL:
		c->count.partial_csum++;
		return true;
	default:
		c->count.bad_csum++;
		log_verbose(c, "<- a segment with a wrong checksum from %s",
			    address_text(&a->saddr, text));
		return false;
	}
}

static void one_packet(struct client *c, u64 now, struct arrival *a, struct msghdr *msg)
{
	char text[ADDRESS_TEXT];
	struct tern_seg seg = { 0 };

	if (!unwrap(c, a, msg))
		return;
	if (tern_parse(a->octets, a->len, &seg) != TERN_DROP_NONE) {
		c->count.malformed++;
		log_verbose(c, "<- a malformed segment of %u octets from %s", a->len,
			    address_text(&a->saddr, text));
		return;
	}
	if (!csum_good(c, a))
		return;
	if (seg.dport != c->lport) {
		c->count.not_ours++;
		return;
	}
	c->count.received++;
	if (lose_segment(c, DIR_IN, &seg)) {
		log_segment(c, DIR_IN, &seg, true);
		return;
	}
	conn_segment_arrives(c, now, &a->saddr, &seg, a->octets + seg.hlen);
}

/**
 * wire_receive() - read what has arrived
 * @c: client
 * @now: us
 *
 * Return: true when there may be more; the caller looks after timers in between.
 */
bool wire_receive(struct client *c, u64 now)
{
	static u8 packet[MAX_SEGMENT + 1];

	for (int i = 0; i < RECEIVE_BATCH; i++) {
		struct sockaddr_storage from = { 0 };
		union control control;
		struct iovec iov = { .iov_base = packet, .iov_len = sizeof(packet) };
		struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof(from),
				      .msg_iov = &iov, .msg_iovlen = 1,
				      .msg_control = &control, .msg_controllen = sizeof(control) };
		struct arrival arrival = { .octets = packet };
		ssize_t n = recvmsg(c->fd, &msg, 0);

		if (n < 0)
			return false;
		arrival.len = (u32)n;
		one_packet(c, now, &arrival, &msg);
	}
	return true;
}

static void path_is_smaller(struct client *c, u32 mtu)
{
	if (mtu < c->ip->min_mtu)
		mtu = c->ip->min_mtu;
	if (c->conn && mtu <= MAX_SEGMENT)
		tern_set_mss(c->conn, (u16)(mtu - c->ip->header - TERN_HDR_LEN));
	log_note(c, "the path takes only packets of %u octets", mtu);
}

static void one_error(struct client *c, u64 now, const struct sock_extended_err *err)
{
	enum icmp_says what = c->ip->icmp(err);
	char text[ADDRESS_TEXT];

	if (err->ee_errno == EMSGSIZE) {
		path_is_smaller(c, err->ee_info);
		return;
	}
	if (what == ICMP_SAYS_NOTHING)
		return;
	address_text(&c->raddr, text);
	if (what == ICMP_SAYS_NO_PROTOCOL)
		log_note(c, "%s does not know protocol %u: is tern.ko loaded there?", text,
			 c->opt.protocol);
	else
		log_note(c, "ICMP says of %s: %s", text, strerror((int)err->ee_errno));
	/* hard errors end only what is not yet synchronised: rfc5927 */
	if (what != ICMP_SAYS_UNREACHABLE && c->conn && c->conn->state == TERN_SYN_SENT)
		conn_abort(c, now, TERN_ERR_REFUSED);
}

/* ICMP errors wait in a queue of their own; the engine hears only of those that matter. */
void wire_errors(struct client *c, u64 now)
{
	for (int i = 0; i < RECEIVE_BATCH; i++) {
		struct sockaddr_storage sa = { 0 };
		union control control;
		char payload[64];
		struct iovec iov = { .iov_base = payload, .iov_len = sizeof(payload) };
		struct msghdr msg = { .msg_name = &sa, .msg_namelen = sizeof(sa),
				      .msg_iov = &iov, .msg_iovlen = 1,
				      .msg_control = &control, .msg_controllen = sizeof(control) };
		struct address about;
		u16 port;

		if (recvmsg(c->fd, &msg, MSG_ERRQUEUE) < 0)
			return;
		about = address_of_sockaddr(&sa, &port);
		if (!address_equal(&about, &c->raddr))
			continue;
		for (struct cmsghdr *cm = CMSG_FIRSTHDR(&msg); cm; cm = CMSG_NXTHDR(&msg, cm)) {
			struct sock_extended_err err;

			if (cm->cmsg_level != c->ip->level || cm->cmsg_type != c->ip->recverr)
				continue;
			memcpy(&err, CMSG_DATA(cm), sizeof(err));
			one_error(c, now, &err);
		}
	}
}
