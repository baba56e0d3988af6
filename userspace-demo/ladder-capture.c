// SPDX-License-Identifier: GPL-2.0
/*
 * Segments out of a packet capture.  Anything can be in such a file: every
 * length is checked against what was really captured.
 */
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <pcap/pcap.h>

#include "ladder.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8

/**
 * struct packet - what was captured of a packet, from some layer on
 * @octet: it
 * @len: how much of it was captured
 * @total: how long it was on the wire, from the end of IP's headers on
 * @saddr: source
 * @daddr: destination
 */
struct packet {
	const u8 *octet;
	u32 len;
	u32 total;
	struct address saddr;
	struct address daddr;
};

static bool skip(struct packet *p, u32 n)
{
	if (p->len < n)
		return false;
	p->octet += n;
	p->len -= n;
	return true;
}

static u32 get16(const u8 *octet)
{
	return (u32)octet[0] << 8 | octet[1];
}

static bool is_ip(u32 ethertype)
{
	return ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6;
}

/* The families of BSD loopback: AF_INET, and AF_INET6 of five systems. */
static bool is_ip_family(u8 family)
{
	return family == 2 || family == 10 || family == 23 || family == 24 || family == 28 ||
	       family == 30;
}

/* Step over the link's header; false when no IP packet follows. */
static bool skip_link(struct packet *p, int link)
{
	u32 type;

	switch (link) {
	case DLT_EN10MB:
		if (p->len < 14)
			return false;
		type = get16(p->octet + 12);
		skip(p, 14);
		while ((type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ) && p->len >= 4) {
			type = get16(p->octet + 2);
			skip(p, 4);
		}
		return is_ip(type);
	case DLT_LINUX_SLL:
		return p->len >= 16 && is_ip(get16(p->octet + 14)) && skip(p, 16);
	case DLT_LINUX_SLL2:
		return p->len >= 20 && is_ip(get16(p->octet)) && skip(p, 20);
	case DLT_NULL:	/* in either byte order */
	case DLT_LOOP:
		return p->len >= 4 && (is_ip_family(p->octet[0]) || is_ip_family(p->octet[3])) &&
		       skip(p, 4);
	default:
		return true;
	}
}

static bool link_supported(int link)
{
	return link == DLT_EN10MB || link == DLT_LINUX_SLL || link == DLT_LINUX_SLL2 ||
	       link == DLT_NULL || link == DLT_LOOP || link == DLT_RAW || link == DLT_IPV4 ||
	       link == DLT_IPV6;
}

/* Step over an IPv4 header; false when no segment follows. */
static bool skip_ipv4(struct ladder *l, struct packet *p)
{
	struct iphdr ip;
	u32 ihl, len;

	if (p->len < sizeof(ip))
		return false;
	memcpy(&ip, p->octet, sizeof(ip));
	if (ip.protocol != l->opt.protocol)
		return false;
	ihl = ip.ihl * 4u;
	len = ntohs(ip.tot_len);
	if (ihl < sizeof(ip) || len < ihl || ip.frag_off & htons(IP_MF | IP_OFFMASK)) {
		l->malformed++;
		return false;
	}
	if (!skip(p, ihl)) {
		l->cut++;
		return false;
	}
	p->total = len - ihl;
	p->saddr = address_of(AF_INET, &ip.saddr);
	p->daddr = address_of(AF_INET, &ip.daddr);
	return true;
}

/* Octets of the extension header of type @next that @p is at, 0 for none we know. */
static u32 extension_len(const struct packet *p, u8 next)
{
	if (p->len < 8)
		return 0;
	switch (next) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		return (p->octet[1] + 1u) * 8;
	case IPPROTO_AH:
		return (p->octet[1] + 2u) * 4;
	case IPPROTO_FRAGMENT:
		return 8;
	default:
		return 0;
	}
}

/* Step over IPv6's header and its extensions (rfc8200#section-4). */
static bool skip_ipv6(struct ladder *l, struct packet *p)
{
	bool fragment = false;
	struct ip6_hdr ip;
	u32 len;
	u8 next;

	if (p->len < sizeof(ip))
		return false;
	memcpy(&ip, p->octet, sizeof(ip));
	skip(p, sizeof(ip));
	p->total = ntohs(ip.ip6_plen);
	p->saddr = address_of(AF_INET6, &ip.ip6_src);
	p->daddr = address_of(AF_INET6, &ip.ip6_dst);
	for (next = ip.ip6_nxt; next != l->opt.protocol; p->total -= len) {
		len = extension_len(p, next);
		if (!len || len > p->len || len > p->total)
			return false;
		/* a fragment that is all of the packet is none (rfc6946) */
		if (next == IPPROTO_FRAGMENT && get16(p->octet + 2) & 0xfff9)
			fragment = true;
		next = p->octet[0];
		/* what follows the header in a later fragment is no header */
		if (fragment)
			break;
		skip(p, len);
	}
	if (fragment && next == l->opt.protocol)
		l->malformed++;
	return !fragment;
}

static bool skip_ip(struct ladder *l, struct packet *p)
{
	u8 version = p->len ? p->octet[0] >> 4 : 0;
	bool ok = (version == 4 && skip_ipv4(l, p)) || (version == 6 && skip_ipv6(l, p));

	if (ok && p->len > p->total)	/* padding of the link */
		p->len = p->total;
	return ok;
}

static bool is_end(const struct endpoint *end, const struct address *addr, u16 port)
{
	return end->port == port && address_equal(&end->addr, addr);
}

static bool wanted_client(const struct ladder *l, const struct endpoint *end)
{
	const struct endpoint *client = &l->opt.client;

	return !l->opt.has_client || (address_equal(&client->addr, &end->addr) &&
				      (!client->port || client->port == end->port));
}

/* Is this the segment that says which connection we draw? */
static bool adopt(struct ladder *l, const struct packet *p, const struct tern_seg *seg,
		  bool any)
{
	struct endpoint from = { p->saddr, seg->sport }, to = { p->daddr, seg->dport };
	bool syn = (seg->flags & (TERN_SYN | TERN_ACK | TERN_RST)) == TERN_SYN;

	if (!syn && !any)
		return false;
	if (wanted_client(l, &from)) {
		l->end[CLIENT] = from;
		l->end[SERVER] = to;
	} else if (any && wanted_client(l, &to)) {
		l->end[CLIENT] = to;
		l->end[SERVER] = from;
	} else {
		return false;
	}
	l->known = true;
	return true;
}

static void keep_segment(struct ladder *l, u64 ns, const struct packet *p,
			 const struct tern_seg *seg)
{
	struct event *e;
	enum host side;

	if (is_end(&l->end[CLIENT], &p->saddr, seg->sport) &&
	    is_end(&l->end[SERVER], &p->daddr, seg->dport)) {
		side = CLIENT;
	} else if (is_end(&l->end[SERVER], &p->saddr, seg->sport) &&
		   is_end(&l->end[CLIENT], &p->daddr, seg->dport)) {
		side = SERVER;
	} else {
		l->other++;
		return;
	}
	e = add_event(l, ns, EVENT_SEGMENT, side);
	if (!e)
		return;
	e->captured = true;
	e->seg = *seg;
	e->csum = p->len < p->total ? CSUM_UNKNOWN :
		  verify_csum(&p->saddr, &p->daddr, l->opt.protocol, p->octet, p->total);
	l->csums[e->csum]++;
	if (p->len > seg->hlen && p->len - seg->hlen >= seg->len) {
		e->kept = seg->len < PAYLOAD_KEPT ? (u8)seg->len : PAYLOAD_KEPT;
		memcpy(e->payload, p->octet + seg->hlen, e->kept);
	}
}

enum pass {
	FIND_SYN,	/* the first SYN says who the client is */
	FIND_ANY,	/* there is none: the first segment does */
	KEEP,
};

static void one_packet(struct ladder *l, u64 ns, struct packet p, enum pass pass)
{
	struct tern_seg seg = { 0 };
	u32 hlen;

	if (!skip_ip(l, &p))
		return;
	hlen = p.len < TERN_HDR_LEN ? TERN_HDR_LEN : tern_hlen(p.octet);
	if (p.total < TERN_HDR_LEN) {
		l->malformed++;
		return;
	}
	if (p.len < TERN_HDR_LEN || (p.len < hlen && p.len < p.total)) {
		l->cut++;
		return;
	}
	if (tern_parse(p.octet, p.total, &seg) != TERN_DROP_NONE) {
		l->malformed++;
		return;
	}
	if (pass == KEEP)
		keep_segment(l, ns, &p, &seg);
	else if (!l->known)
		adopt(l, &p, &seg, pass == FIND_ANY);
}

static pcap_t *open_capture(const struct ladder *l)
{
	char error[PCAP_ERRBUF_SIZE];
	const char *name;
	pcap_t *pcap;
	int link;

	pcap = pcap_open_offline_with_tstamp_precision(l->opt.capture,
						       PCAP_TSTAMP_PRECISION_NANO, error);
	if (!pcap)
		die(EXIT_ENVIRONMENT, "cannot read %s: %s", l->opt.capture, error);
	link = pcap_datalink(pcap);
	if (!link_supported(link)) {
		name = pcap_datalink_val_to_name(link);
		die(EXIT_ENVIRONMENT,
		    "%s: link type %s (%d) is none of EN10MB, LINUX_SLL, LINUX_SLL2, RAW, NULL",
		    l->opt.capture, name ? name : "unknown", link);
	}
	return pcap;
}

static void pass_over(struct ladder *l, enum pass pass)
{
	struct pcap_pkthdr *hdr;
	pcap_t *pcap = open_capture(l);
	int link = pcap_datalink(pcap);
	const u_char *octet;
	int got;

	l->malformed = 0;
	l->cut = 0;
	while ((got = pcap_next_ex(pcap, &hdr, &octet)) == 1) {
		struct packet p = { .octet = octet, .len = hdr->caplen };
		u64 ns = (u64)hdr->ts.tv_sec * NSEC_PER_SEC + (u64)hdr->ts.tv_usec;

		if (pass != KEEP && l->known)
			break;
		if (skip_link(&p, link))
			one_packet(l, ns, p, pass);
	}
	if (got == PCAP_ERROR && pass == KEEP)
		complain("%s: %s; what comes before it is drawn", l->opt.capture,
			 pcap_geterr(pcap));
	pcap_close(pcap);
}

/**
 * read_capture() - the segments of one connection
 * @l: ladder; learns its two ends
 *
 * The file is read more than once, because only the first SYN tells which
 * connection it is.
 */
void read_capture(struct ladder *l)
{
	pass_over(l, FIND_SYN);
	if (!l->known)
		pass_over(l, FIND_ANY);
	if (!l->known)
		die(EXIT_ENVIRONMENT,
		    "%s: no Tern segments in it (protocol %u%s; %llu malformed, %llu cut off)",
		    l->opt.capture, l->opt.protocol,
		    l->opt.has_client ? ", that client" : "",
		    (unsigned long long)l->malformed, (unsigned long long)l->cut);
	pass_over(l, KEEP);
}
