// SPDX-License-Identifier: GPL-2.0
/*
 * What differs between IPv4 and IPv6 for a raw socket: what the kernel hands over
 * of a packet, the names of options, and how ICMP says the same things.
 */
#include <errno.h>
#include <time.h>	/* linux/errqueue.h needs it first */
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include "client.h"

/* An IPv4 raw socket gives the whole packet, its header included. */
static enum unwrapped unwrap4(struct arrival *a, u8 protocol, struct msghdr *msg)
{
	struct iphdr ip;
	u32 ihl, total;

	(void)msg;
	if (a->len < sizeof(ip))
		return UNWRAP_MALFORMED;
	memcpy(&ip, a->octets, sizeof(ip));
	ihl = ip.ihl * 4u;
	total = ntohs(ip.tot_len);
	if (ip.version != 4 || ihl < sizeof(ip) || total < ihl || total > a->len ||
	    ip.frag_off & htons(IP_MF | IP_OFFMASK))
		return UNWRAP_MALFORMED;
	if (ip.protocol != protocol)
		return UNWRAP_NOT_OURS;
	a->saddr = address_of(AF_INET, &ip.saddr);
	a->daddr = address_of(AF_INET, &ip.daddr);
	a->octets += ihl;
	a->len = total - ihl;
	return UNWRAP_OK;
}

/*
 * An IPv6 raw socket gives what follows the headers of IP (rfc3542#section-3), put
 * together again if it came in fragments.  The addresses come beside it.
 */
static enum unwrapped unwrap6(struct arrival *a, u8 protocol, struct msghdr *msg)
{
	struct in6_pktinfo info;
	u16 port;

	(void)protocol;
	if (msg->msg_namelen < sizeof(struct sockaddr_in6))
		return UNWRAP_MALFORMED;
	a->saddr = address_of_sockaddr(msg->msg_name, &port);
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(msg); cm; cm = CMSG_NXTHDR(msg, cm)) {
		if (cm->cmsg_level != IPPROTO_IPV6 || cm->cmsg_type != IPV6_PKTINFO)
			continue;
		memcpy(&info, CMSG_DATA(cm), sizeof(info));
		a->daddr = address_of(AF_INET6, &info.ipi6_addr);
		if (address_is_link_local(&a->daddr))
			a->daddr.scope = info.ipi6_ifindex;
		return UNWRAP_OK;
	}
	return UNWRAP_MALFORMED;
}

static enum icmp_says icmp4(const struct sock_extended_err *err)
{
	if (err->ee_origin != SO_EE_ORIGIN_ICMP || err->ee_type != ICMP_DEST_UNREACH)
		return ICMP_SAYS_NOTHING;
	if (err->ee_code == ICMP_PROT_UNREACH)
		return ICMP_SAYS_NO_PROTOCOL;
	return err->ee_code == ICMP_PORT_UNREACH ? ICMP_SAYS_REFUSED : ICMP_SAYS_UNREACHABLE;
}

static enum icmp_says icmp6(const struct sock_extended_err *err)
{
	if (err->ee_origin != SO_EE_ORIGIN_ICMP6)
		return ICMP_SAYS_NOTHING;
	if (err->ee_type == ICMP6_PARAM_PROB && err->ee_code == ICMP6_PARAMPROB_NEXTHEADER)
		return ICMP_SAYS_NO_PROTOCOL;
	if (err->ee_type != ICMP6_DST_UNREACH)
		return ICMP_SAYS_NOTHING;
	return err->ee_code == ICMP6_DST_UNREACH_NOPORT ? ICMP_SAYS_REFUSED :
							  ICMP_SAYS_UNREACHABLE;
}

static const struct ip_version ipv4 = {
	.name = "IPv4",
	.header = sizeof(struct iphdr),
	.min_mtu = 68,
	.usual_mtu = 576,
	.level = IPPROTO_IP,
	.mtu = IP_MTU,
	.mtu_discover = IP_MTU_DISCOVER,
	.always = IP_PMTUDISC_DO,
	.recverr = IP_RECVERR,
	.recvpktinfo = IP_PKTINFO,
	.unwrap = unwrap4,
	.icmp = icmp4,
};

static const struct ip_version ipv6 = {
	.name = "IPv6",
	.header = sizeof(struct ip6_hdr),
	.min_mtu = 1280,
	.usual_mtu = 1280,
	.level = IPPROTO_IPV6,
	.mtu = IPV6_MTU,
	.mtu_discover = IPV6_MTU_DISCOVER,
	.always = IPV6_PMTUDISC_DO,
	.recverr = IPV6_RECVERR,
	.recvpktinfo = IPV6_RECVPKTINFO,
	.unwrap = unwrap6,
	.icmp = icmp6,
};

const struct ip_version *ip_version(const struct address *addr)
{
	return addr->family == AF_INET6 ? &ipv6 : &ipv4;
}
