// SPDX-License-Identifier: GPL-2.0
/*
 * The raw socket: segments to octets and back, the path to the peer, and what
 * ICMP says about it.  The kernel writes the IP header.
 */
#include <errno.h>
#include <time.h>	/* linux/errqueue.h needs it first */
#include <linux/errqueue.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

#define RECEIVE_BATCH 64
#define RAW_RCVBUF (4 << 20)
#define MIN_MTU 68

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

static void bind_local(struct client *c, u32 addr)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_addr.s_addr = addr };
	char text[INET_ADDRSTRLEN];

	if (bind(c->fd, (struct sockaddr *)&local, sizeof(local)))
		die(EXIT_ENVIRONMENT, "%s: %s", address_text(addr, text),
		    errno == EADDRNOTAVAIL ? "not an address of this host" : strerror(errno));
	c->laddr = addr;
}

/**
 * wire_route() - ask the kernel for the way to @peer
 * @c: client; learns its local address if it has none yet
 * @peer: network order
 *
 * Return: the MSS of the path's MTU.
 */
u16 wire_route(struct client *c, u32 peer)
{
	/* any port will do: connecting a UDP socket sends nothing */
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9),
				  .sin_addr.s_addr = peer };
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = c->opt.source };
	socklen_t len = sizeof(from);
	char text[INET_ADDRSTRLEN];
	int mtu = 0;

	if (c->route_fd >= 0)
		close(c->route_fd);
	c->route_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (c->route_fd < 0)
		die(EXIT_ENVIRONMENT, "socket: %s", strerror(errno));
	set_option(c->route_fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, "IP_MTU_DISCOVER");
	if (c->opt.source && bind(c->route_fd, (struct sockaddr *)&from, sizeof(from)))
		die(EXIT_ENVIRONMENT, "--source %s: %s", address_text(c->opt.source, text),
		    errno == EADDRNOTAVAIL ? "not an address of this host" : strerror(errno));
	if (connect(c->route_fd, (struct sockaddr *)&to, sizeof(to)))
		die(EXIT_ENVIRONMENT, "no route to %s: %s", address_text(peer, text),
		    errno == EACCES ? "a broadcast address" : strerror(errno));
	len = sizeof(from);
	if (getsockname(c->route_fd, (struct sockaddr *)&from, &len))
		die(EXIT_ENVIRONMENT, "getsockname: %s", strerror(errno));
	if (!c->laddr)
		bind_local(c, from.sin_addr.s_addr);
	len = sizeof(mtu);
	if (getsockopt(c->route_fd, IPPROTO_IP, IP_MTU, &mtu, &len) || mtu < MIN_MTU)
		mtu = TERN_DEFAULT_MSS + 40;
	if (mtu > MAX_SEGMENT)
		mtu = MAX_SEGMENT;
	return (u16)(mtu - (int)sizeof(struct iphdr) - TERN_HDR_LEN);
}

bool is_unicast(u32 addr)
{
	u32 host = ntohl(addr);

	return host >> 24 && host >> 28 < 14;	/* not 0/8, not 224/4 and above */
}

void wire_open(struct client *c)
{
	int size = RAW_RCVBUF;

	c->route_fd = -1;
	refuse_next_to_module(c);
	c->fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, c->opt.protocol);
	if (c->fd < 0 && (errno == EPERM || errno == EACCES))
		die(EXIT_ENVIRONMENT,
		    "a raw socket needs the capability CAP_NET_RAW: run as root, or give it to\n"
		    "  the program with: sudo setcap cap_net_raw+ep tern-client");
	if (c->fd < 0)
		die(EXIT_ENVIRONMENT, "raw socket for protocol %u: %s", c->opt.protocol,
		    strerror(errno));
	set_option(c->fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, "IP_MTU_DISCOVER");
	set_option(c->fd, IPPROTO_IP, IP_RECVERR, 1, "IP_RECVERR");
	/* beyond the system's limit where we may, up to it otherwise */
	if (setsockopt(c->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		set_option(c->fd, SOL_SOCKET, SO_RCVBUF, size, "SO_RCVBUF");
	if (c->opt.listen)
		bind_local(c, c->opt.host);
	else if (c->opt.source)
		bind_local(c, c->opt.source);
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
 * @raddr: to whom, network order
 *
 * What cannot be sent is lost, and the protocol recovers.
 */
void wire_send(struct client *c, const struct tern_seg *seg, u32 raddr)
{
	static u8 packet[TERN_HDR_MAX + MAX_SEGMENT];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = raddr };
	u32 hlen = tern_build_len(seg), len = hlen + seg->len;
	u16 csum;

	if (len > MAX_SEGMENT - sizeof(struct iphdr))
		die(EXIT_ENVIRONMENT, "internal error: a segment of %u octets", len);
	tern_build(seg, packet);
	if (seg->len)
		put_payload(c, seg, packet + hlen);
	csum = segment_csum(c->laddr, raddr, c->opt.protocol, packet, len);
	packet[TERN_CSUM_OFFSET] = (u8)(csum >> 8);
	packet[TERN_CSUM_OFFSET + 1] = (u8)csum;

	if (lose_segment(c, DIR_OUT, seg)) {
		log_segment(c, DIR_OUT, seg, true);
		return;
	}
	log_segment(c, DIR_OUT, seg, false);
	/* an error that ICMP reported earlier is told, and cleared, by the next call */
	for (int tries = 0; tries < 2; tries++) {
		if (sendto(c->fd, packet, len, 0, (struct sockaddr *)&to, sizeof(to)) >= 0) {
			c->count.sent++;
			return;
		}
		if (errno == EMSGSIZE && c->conn && c->raddr == raddr)
			tern_set_mss(c->conn, wire_route(c, raddr));
	}
	c->count.send_errors++;
	log_note(c, "could not send it: %s", strerror(errno));
}

/* The segment inside a packet, or NULL: counted. */
static const u8 *unwrap(struct client *c, const u8 *packet, size_t n,
			struct iphdr *ip, u32 *len)
{
	u32 ihl, total;

	if (n < sizeof(*ip))
		goto malformed;
	memcpy(ip, packet, sizeof(*ip));
	ihl = ip->ihl * 4u;
	total = ntohs(ip->tot_len);
	if (ip->version != 4 || ihl < sizeof(*ip) || total < ihl || total > n)
		goto malformed;
	if (ip->protocol != c->opt.protocol || ip->daddr != c->laddr) {
		c->count.not_ours++;
		return NULL;
	}
	if (ip->frag_off & htons(IP_MF | IP_OFFMASK) || !is_unicast(ip->saddr))
		goto malformed;
	*len = total - ihl;
	return packet + ihl;

malformed:
	c->count.malformed++;
	log_verbose(c, "<- a packet of %zu octets that is not IPv4 as it should be", n);
	return NULL;
}

static void one_packet(struct client *c, u64 now, const u8 *packet, size_t n)
{
	char text[INET_ADDRSTRLEN];
	struct tern_seg seg = { 0 };
	enum tern_drop drop;
	struct iphdr ip;
	const u8 *octets;
	u32 len;

	octets = unwrap(c, packet, n, &ip, &len);
	if (!octets)
		return;
	drop = tern_parse(octets, len, &seg);
	if (drop != TERN_DROP_NONE) {
		c->count.malformed++;
		log_verbose(c, "<- a malformed segment of %u octets from %s", len,
			    address_text(ip.saddr, text));
		return;
	}
	switch (verify_csum(ip.saddr, ip.daddr, c->opt.protocol, octets, len)) {
	case CSUM_OK:
		break;
	case CSUM_PARTIAL:
		c->count.partial_csum++;
		break;
	default:
		c->count.bad_csum++;
		log_verbose(c, "<- a segment with a wrong checksum from %s",
			    address_text(ip.saddr, text));
		return;
	}
	if (seg.dport != c->lport) {
		c->count.not_ours++;
		return;
	}
	c->count.received++;
	if (lose_segment(c, DIR_IN, &seg)) {
		log_segment(c, DIR_IN, &seg, true);
		return;
	}
	conn_segment_arrives(c, now, ip.saddr, &seg, octets + seg.hlen);
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
		ssize_t n = recv(c->fd, packet, sizeof(packet), 0);

		if (n < 0)
			return false;
		one_packet(c, now, packet, (size_t)n);
	}
	return true;
}

static void one_error(struct client *c, u64 now, const struct sock_extended_err *err)
{
	char text[INET_ADDRSTRLEN];
	bool hard;

	if (err->ee_errno == EMSGSIZE) {
		u32 mtu = err->ee_info < MIN_MTU ? MIN_MTU : err->ee_info;

		if (c->conn && mtu <= MAX_SEGMENT)
			tern_set_mss(c->conn, (u16)(mtu - sizeof(struct iphdr) - TERN_HDR_LEN));
		log_note(c, "the path takes only packets of %u octets", mtu);
		return;
	}
	if (err->ee_origin != SO_EE_ORIGIN_ICMP || err->ee_type != ICMP_DEST_UNREACH)
		return;
	/* hard errors end only what is not yet synchronised: rfc5927 */
	hard = err->ee_code == ICMP_PROT_UNREACH || err->ee_code == ICMP_PORT_UNREACH;
	address_text(c->raddr, text);
	if (err->ee_code == ICMP_PROT_UNREACH)
		log_note(c, "%s does not know protocol %u: is tern.ko loaded there?", text,
			 c->opt.protocol);
	else
		log_note(c, "ICMP says of %s: %s", text, strerror((int)err->ee_errno));
	if (hard && c->conn && c->conn->state == TERN_SYN_SENT)
		conn_abort(c, now, TERN_ERR_REFUSED);
}

/* ICMP errors wait in a queue of their own; the engine hears only of those that matter. */
void wire_errors(struct client *c, u64 now)
{
	for (int i = 0; i < RECEIVE_BATCH; i++) {
		char control[512], payload[64];
		struct sockaddr_in about = { 0 };
		struct iovec iov = { .iov_base = payload, .iov_len = sizeof(payload) };
		struct msghdr msg = { .msg_name = &about, .msg_namelen = sizeof(about),
				      .msg_iov = &iov, .msg_iovlen = 1,
				      .msg_control = control, .msg_controllen = sizeof(control) };

		if (recvmsg(c->fd, &msg, MSG_ERRQUEUE) < 0)
			return;
		if (about.sin_addr.s_addr != c->raddr)
			continue;
		for (struct cmsghdr *cm = CMSG_FIRSTHDR(&msg); cm; cm = CMSG_NXTHDR(&msg, cm)) {
			struct sock_extended_err err;

			if (cm->cmsg_level != IPPROTO_IP || cm->cmsg_type != IP_RECVERR)
				continue;
			memcpy(&err, CMSG_DATA(cm), sizeof(err));
			one_error(c, now, &err);
		}
	}
}
