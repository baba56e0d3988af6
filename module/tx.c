// SPDX-License-Identifier: GPL-2.0
/*
 * A segment out: header, checksum, IP.
 *
 * What cannot be built or routed is counted and forgotten: for the protocol it is
 * a lost packet.  Nothing sent refers to a socket (skb->sk), so that packets in a
 * queue below keep neither a socket nor the module.
 */
#include <linux/ip.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_fib.h>
#include <net/route.h>

#include "module/tern_sock.h"

/*
 * Room for what the layers below push in front: link, IP with options.  It is enough
 * for IPv6 without extension headers.
 */
#define TERN_HEADROOM (MAX_HEADER + sizeof(struct iphdr) + MAX_IPOPTLEN + TERN_HDR_MAX)

/* Write the header in front of the payload, checksum included. */
static void tern_push_header(struct sk_buff *skb, const struct tern_seg *seg,
			     const struct tern_ends *ends)
{
	u32 hlen = tern_build_len(seg);
	u8 *hdr = skb_push(skb, hlen);
	__sum16 check;
	__wsum sum;

	skb_reset_transport_header(skb);
	tern_build(seg, hdr);
	sum = skb_checksum(skb, 0, skb->len, 0);
	if (tern_ends_v6(ends))
		check = csum_ipv6_magic(&ends->laddr, &ends->raddr, skb->len, tern_protocol, sum);
	else
		check = csum_tcpudp_magic(tern_v4(&ends->laddr), tern_v4(&ends->raddr),
					  skb->len, tern_protocol, sum);
	memcpy(hdr + TERN_CSUM_OFFSET, &check, sizeof(check));
	skb->ip_summed = CHECKSUM_NONE;
}

static void tern_count_out(struct tern_net *tn, const struct tern_seg *seg)
{
	tern_count(tn, TERN_MIB_OUT_SEGS);
	if (seg->rexmit)
		tern_count(tn, TERN_MIB_RETRANS_SEGS);
	if (seg->flags & TERN_RST)
		tern_count(tn, TERN_MIB_OUT_RSTS);
}

/** tern_dst_check() - the socket's route, if it has one that is still good */
struct dst_entry *tern_dst_check(struct sock *sk)
{
	return __sk_dst_check(sk, tern_sock_v6(sk) ? inet6_sk(sk)->dst_cookie : 0);
}

/*
 * Not ip_queue_xmit(): it tells netfilter of the socket, and a packet that waits in
 * a queue there (NFQUEUE) would keep it.
 */
static int tern_to_ip(struct sock *sk, struct sk_buff *skb)
{
	struct inet_sock *inet = inet_sk(sk);
	struct dst_entry *dst;
	int err = 0;

	rcu_read_lock();
	dst = tern_dst_check(sk);
	if (!dst) {
		err = tern_route(sk);
		dst = __sk_dst_get(sk);
	}
	if (!err) {
		skb_dst_set_noref(skb, dst);
		if (tern_sock_v6(sk))
			err = tern6_send(sk, skb);
		else
			err = tern_send_ip(skb, sk, inet->inet_saddr, inet->inet_daddr,
					   rcu_dereference(inet->inet_opt), inet->tos);
	} else {
		kfree_skb(skb);
	}
	rcu_read_unlock();
	return err;
}

/**
 * tern_xmit() - send a segment of a socket's connection
 * @sk: socket, locked
 * @seg: what tern_next_segment() gave; the ports are filled in here
 */
void tern_xmit(struct sock *sk, struct tern_seg *seg)
{
	struct tern_net *tn = tern_net(sock_net(sk));
	struct tern_ends ends;
	struct sk_buff *skb;
	int err;

	tern_ends_of_entry(&ends, &tern_sk(sk)->e);
	seg->sport = ntohs(ends.lport);
	seg->dport = ntohs(ends.rport);
	skb = tern_buf_segment(sk, seg->pos, seg->len, TERN_HEADROOM);
	if (!skb) {
		tern_count(tn, TERN_MIB_OUT_FAILED);
		return;
	}
	tern_push_header(skb, seg, &ends);
	tern_count_out(tn, seg);
	err = tern_to_ip(sk, skb);
	if (net_xmit_eval(err))
		tern_count(tn, TERN_MIB_OUT_FAILED);
}

/* What a listener has set holds for the SYN-ACKs in its name, too. */
static int tern_like_oif(const struct sock *like)
{
	return like ? READ_ONCE(like->sk_bound_dev_if) : 0;
}

static u8 tern_like_tos(const struct sock *like, const struct tern_ends *ends)
{
	if (!like)
		return 0;
	return tern_ends_v6(ends) ? inet6_sk(like)->tclass : READ_ONCE(inet_sk(like)->tos);
}

static struct dst_entry *tern_bare_route(struct tern_net *tn, const struct tern_ends *ends,
					 const struct sock *like)
{
	int oif = tern_like_oif(like);
	struct flowi4 fl4;
	struct rtable *rt;

	if (tern_ends_v6(ends))
		return tern6_bare_route(tn, ends, oif);
	rt = ip_route_output_ports(tn->net, &fl4, NULL, tern_v4(&ends->raddr),
				   tern_v4(&ends->laddr), 0, 0, tern_protocol,
				   RT_TOS(tern_like_tos(like, ends)), oif);
	return IS_ERR(rt) ? ERR_CAST(rt) : &rt->dst;
}

/**
 * tern_xmit_bare() - send a segment without payload, without a socket
 * @tn: namespace
 * @ends: from where to where
 * @like: listener whose interface and Diffserv field hold for it, or NULL
 * @seg: the segment, ports included
 */
void tern_xmit_bare(struct tern_net *tn, const struct tern_ends *ends, const struct sock *like,
		    const struct tern_seg *seg)
{
	u8 tos = tern_like_tos(like, ends);
	struct dst_entry *dst;
	struct sk_buff *skb;
	int err;

	dst = tern_bare_route(tn, ends, like);
	if (IS_ERR(dst))
		goto failed;
	skb = alloc_skb(TERN_HEADROOM, GFP_ATOMIC);
	if (!skb) {
		dst_release(dst);
		goto failed;
	}
	skb_reserve(skb, TERN_HEADROOM);
	skb_dst_set(skb, dst);
	tern_push_header(skb, seg, ends);
	tern_count_out(tn, seg);
	err = tern_ends_v6(ends) ? tern6_send_bare(tn, skb, ends, tos) :
		tern_send_ip(skb, tn->ctl_sk, tern_v4(&ends->laddr),
			     tern_v4(&ends->raddr), NULL, tos);
	if (net_xmit_eval(err))
		tern_count(tn, TERN_MIB_OUT_FAILED);
	return;

failed:
	tern_count(tn, TERN_MIB_OUT_FAILED);
}

/** tern_xmit_entry() - the same, from the two ends that an entry of the table names */
void tern_xmit_entry(struct tern_net *tn, const struct tern_entry *e, const struct sock *like,
		     struct tern_seg *seg)
{
	struct tern_ends ends;

	tern_ends_of_entry(&ends, e);
	seg->sport = ntohs(ends.lport);
	seg->dport = ntohs(ends.rport);
	tern_xmit_bare(tn, &ends, like, seg);
}

/** tern_xmit_reset() - the RST that answers a received segment, unless it is one */
void tern_xmit_reset(struct tern_net *tn, const struct sk_buff *skb, const struct tern_seg *seg)
{
	struct tern_ends ends;
	struct tern_seg rst;

	if (!tern_reset_for(seg, &rst))
		return;
	tern_ends_of_skb(&ends, skb, seg);
	tern_xmit_bare(tn, &ends, NULL, &rst);
}

/** tern_dst_mss() - payload that one packet on this route carries, octets */
u16 tern_dst_mss(const struct dst_entry *dst)
{
	if (IS_ENABLED(CONFIG_IPV6) && dst->ops->family == AF_INET6)
		return clamp_t(u32, dst_mtu(dst), IPV6_MIN_MTU, IP_MAX_MTU) -
		       sizeof(struct ipv6hdr) - TERN_HDR_LEN;
	return clamp_t(u32, dst_mtu(dst), IPV4_MIN_MTU, IP_MAX_MTU) -
	       sizeof(struct iphdr) - TERN_HDR_LEN;
}

static u32 tern_opt_len(const struct sock *sk)
{
	const struct ip_options_rcu *opt;
	u32 len = 0;

	if (tern_sock_v6(sk))
		return tern6_opt_len(sk);
	rcu_read_lock();
	opt = rcu_dereference(inet_sk(sk)->inet_opt);
	if (opt)
		len = opt->opt.optlen;
	rcu_read_unlock();
	return len;
}

/**
 * tern_send_mss() - payload that one packet of this socket carries, octets
 * @sk: socket, locked, with a route
 *
 * rfc9293#section-3.7.1: what the path and the peer take, less the options of IP
 * (MUST-16).
 */
u16 tern_send_mss(struct sock *sk)
{
	u32 mss = tern_dst_mss(__sk_dst_get(sk));
	u32 options = tern_opt_len(sk);

	if (tern_sk(sk)->conn.peer_mss)
		mss = min_t(u32, mss, tern_sk(sk)->conn.peer_mss);
	return mss > options ? mss - options : 1;
}

/** tern_path_mss() - the path takes so much between two ends; without one the least there is */
u16 tern_path_mss(struct tern_net *tn, const struct tern_ends *ends, const struct sock *like)
{
	struct dst_entry *dst = tern_bare_route(tn, ends, like);
	u16 mss;

	if (IS_ERR(dst))
		return tern_ends_v6(ends) ? IPV6_MIN_MTU - sizeof(struct ipv6hdr) - TERN_HDR_LEN :
			IPV4_MIN_MTU - sizeof(struct iphdr) - TERN_HDR_LEN;
	mss = tern_dst_mss(dst);
	dst_release(dst);
	return mss;
}

/** tern_first_hop() - @daddr, or where a source route of the program leads first (MUST-51) */
__be32 tern_first_hop(const struct sock *sk, __be32 daddr)
{
	const struct ip_options_rcu *opt;

	rcu_read_lock();
	opt = rcu_dereference(inet_sk(sk)->inet_opt);
	if (opt && opt->opt.srr)
		daddr = opt->opt.faddr;
	rcu_read_unlock();
	return daddr;
}

/**
 * tern_route() - find the way for a socket whose addresses and ports are known
 * @sk: socket, locked, its entry filled in
 *
 * Return: 0, or why there is none.
 */
int tern_route(struct sock *sk)
{
	struct inet_sock *inet = inet_sk(sk);
	struct rtable *rt;

	if (tern_sock_v6(sk))
		return tern6_route(sk);
	rt = ip_route_output_ports(sock_net(sk), &inet->cork.fl.u.ip4, sk,
				   tern_first_hop(sk, inet->inet_daddr),
				   inet->inet_saddr, inet->inet_dport, inet->inet_sport,
				   sk->sk_protocol, tern_route_tos(sk), sk->sk_bound_dev_if);
	if (IS_ERR(rt))
		return PTR_ERR(rt);
	sk_setup_caps(sk, &rt->dst);
	return 0;
}
