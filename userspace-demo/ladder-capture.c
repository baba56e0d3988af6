// SPDX-License-Identifier: GPL-2.0
/*
 * Segments out of a packet capture.  Anything can be in such a file: every
 * length is checked against what was really captured.
 */
#include <netinet/ip.h>
#include <pcap/pcap.h>

#include "ladder.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8

/** struct packet - what was captured of a packet, from some layer on */
struct packet {
	const u8 *octet;
	u32 len;
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

/* Step over the link's header; false when no IPv4 packet follows. */
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
		return type == ETHERTYPE_IPV4;
	case DLT_LINUX_SLL:
		return p->len >= 16 && get16(p->octet + 14) == ETHERTYPE_IPV4 && skip(p, 16);
	case DLT_LINUX_SLL2:
		return p->len >= 20 && get16(p->octet) == ETHERTYPE_IPV4 && skip(p, 20);
	case DLT_NULL:	/* AF_INET in either byte order */
	case DLT_LOOP:
		return p->len >= 4 && (p->octet[0] == 2 || p->octet[3] == 2) && skip(p, 4);
	default:
		return true;
	}
}

static bool link_supported(int link)
{
	return link == DLT_EN10MB || link == DLT_LINUX_SLL || link == DLT_LINUX_SLL2 ||
	       link == DLT_NULL || link == DLT_LOOP || link == DLT_RAW || link == DLT_IPV4;
}

/* The segment inside an IPv4 packet: @total is its length on the wire. */
static bool skip_ip(struct ladder *l, struct packet *p, struct iphdr *ip, u32 *total)
{
	u32 ihl, len;

	if (p->len < sizeof(*ip))
		return false;
	memcpy(ip, p->octet, sizeof(*ip));
	if (ip->version != 4 || ip->protocol != l->opt.protocol)
		return false;
	ihl = ip->ihl * 4u;
	len = ntohs(ip->tot_len);
	if (ihl < sizeof(*ip) || len < ihl || ip->frag_off & htons(IP_MF | IP_OFFMASK)) {
		l->malformed++;
		return false;
	}
	if (!skip(p, ihl)) {
		l->cut++;
		return false;
	}
	*total = len - ihl;
	if (p->len > *total)	/* padding of the link */
		p->len = *total;
	return true;
}

static bool is_end(const struct endpoint *end, u32 addr, u16 port)
{
	return end->addr == addr && end->port == port;
}

static bool wanted_client(const struct ladder *l, u32 addr, u16 port)
{
	return !l->opt.has_client || (l->opt.client.addr == addr &&
				      (!l->opt.client.port || l->opt.client.port == port));
}

/* Is this the segment that says which connection we draw? */
static bool adopt(struct ladder *l, const struct iphdr *ip, const struct tern_seg *seg,
		  bool any)
{
	struct endpoint from = { ip->saddr, seg->sport }, to = { ip->daddr, seg->dport };
	bool syn = (seg->flags & (TERN_SYN | TERN_ACK | TERN_RST)) == TERN_SYN;

	if (!syn && !any)
		return false;
	if (wanted_client(l, from.addr, from.port)) {
		l->end[CLIENT] = from;
		l->end[SERVER] = to;
	} else if (any && wanted_client(l, to.addr, to.port)) {
		l->end[CLIENT] = to;
		l->end[SERVER] = from;
	} else {
		return false;
	}
	l->known = true;
	return true;
}

static void keep_segment(struct ladder *l, u64 ns, const struct packet *p,
			 const struct iphdr *ip, u32 total, const struct tern_seg *seg)
{
	struct event *e;
	enum host side;

	if (is_end(&l->end[CLIENT], ip->saddr, seg->sport) &&
	    is_end(&l->end[SERVER], ip->daddr, seg->dport)) {
		side = CLIENT;
	} else if (is_end(&l->end[SERVER], ip->saddr, seg->sport) &&
		   is_end(&l->end[CLIENT], ip->daddr, seg->dport)) {
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
	e->csum = p->len < total ? CSUM_UNKNOWN :
		  verify_csum(ip->saddr, ip->daddr, l->opt.protocol, p->octet, total);
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
	struct iphdr ip;
	u32 total, hlen;

	if (!skip_ip(l, &p, &ip, &total))
		return;
	hlen = p.len < TERN_HDR_LEN ? TERN_HDR_LEN : tern_hlen(p.octet);
	if (total < TERN_HDR_LEN) {
		l->malformed++;
		return;
	}
	if (p.len < TERN_HDR_LEN || (p.len < hlen && p.len < total)) {
		l->cut++;
		return;
	}
	if (tern_parse(p.octet, total, &seg) != TERN_DROP_NONE) {
		l->malformed++;
		return;
	}
	if (pass == KEEP)
		keep_segment(l, ns, &p, &ip, total, &seg);
	else if (!l->known)
		adopt(l, &ip, &seg, pass == FIND_ANY);
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
