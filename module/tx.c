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
#include <net/route.h>

#include "module/tern_sock.h"

/* Room for what the layers below push in front: link, IP with options. */
#define TERN_HEADROOM (MAX_HEADER + sizeof(struct iphdr) + MAX_IPOPTLEN + TERN_HDR_MAX)

/* Write the header in front of the payload, checksum included. */
static void tern_push_header(struct sk_buff *skb, const struct tern_seg *seg,
			     __be32 saddr, __be32 daddr)
{
	u32 hlen = tern_build_len(seg);
	u8 *hdr = skb_push(skb, hlen);
	__sum16 check;

	skb_reset_transport_header(skb);
	tern_build(seg, hdr);
	check = csum_tcpudp_magic(saddr, daddr, skb->len, tern_protocol,
				  skb_checksum(skb, 0, skb->len, 0));
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
	dst = __sk_dst_check(sk, 0);
	if (!dst) {
		err = tern_route(sk);
		dst = __sk_dst_get(sk);
	}
	if (!err) {
		skb_dst_set_noref(skb, dst);
		err = ip_build_and_send_pkt(skb, sk, inet->inet_saddr, inet->inet_daddr,
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
	struct inet_sock *inet = inet_sk(sk);
	struct sk_buff *skb;
	int err;

	seg->sport = ntohs(inet->inet_sport);
	seg->dport = ntohs(inet->inet_dport);
	skb = tern_buf_segment(sk, seg->pos, seg->len, TERN_HEADROOM);
	if (!skb) {
		tern_count(tn, TERN_MIB_OUT_FAILED);
		return;
	}
	tern_push_header(skb, seg, inet->inet_saddr, inet->inet_daddr);
	tern_count_out(tn, seg);
	err = tern_to_ip(sk, skb);
	if (net_xmit_eval(err))
		tern_count(tn, TERN_MIB_OUT_FAILED);
}

static struct rtable *tern_bare_route(struct tern_net *tn, struct flowi4 *fl4,
				      __be32 saddr, __be32 daddr, int oif)
{
	return ip_route_output_ports(tn->net, fl4, NULL, daddr, saddr, 0, 0,
				     tern_protocol, 0, oif);
}

/**
 * tern_xmit_bare() - send a segment without payload, without a socket
 * @tn: namespace
 * @saddr: our address
 * @daddr: the peer's
 * @oif: interface it must leave by, or 0
 * @seg: the segment, ports included
 */
void tern_xmit_bare(struct tern_net *tn, __be32 saddr, __be32 daddr, int oif,
		    const struct tern_seg *seg)
{
	struct flowi4 fl4;
	struct sk_buff *skb;
	struct rtable *rt;
	int err;

	rt = tern_bare_route(tn, &fl4, saddr, daddr, oif);
	if (IS_ERR(rt))
		goto failed;
	skb = alloc_skb(TERN_HEADROOM, GFP_ATOMIC);
	if (!skb) {
		ip_rt_put(rt);
		goto failed;
	}
	skb_reserve(skb, TERN_HEADROOM);
	skb_dst_set(skb, &rt->dst);
	tern_push_header(skb, seg, saddr, daddr);
	tern_count_out(tn, seg);
	err = ip_build_and_send_pkt(skb, tn->ctl_sk, saddr, daddr, NULL, 0);
	if (net_xmit_eval(err))
		tern_count(tn, TERN_MIB_OUT_FAILED);
	return;

failed:
	tern_count(tn, TERN_MIB_OUT_FAILED);
}

/** tern_xmit_entry() - the same, from the two ends that an entry of the table names */
void tern_xmit_entry(struct tern_net *tn, const struct tern_entry *e, int oif,
		     struct tern_seg *seg)
{
	seg->sport = ntohs(e->lport);
	seg->dport = ntohs(e->rport);
	tern_xmit_bare(tn, e->laddr, e->raddr, oif, seg);
}

/** tern_xmit_reset() - the RST that answers a received segment, unless it is one */
void tern_xmit_reset(struct tern_net *tn, const struct sk_buff *skb, const struct tern_seg *seg)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct tern_seg rst;

	if (tern_reset_for(seg, &rst))
		tern_xmit_bare(tn, iph->daddr, iph->saddr, 0, &rst);
}

/** tern_dst_mss() - payload that one packet on this route carries, octets */
u16 tern_dst_mss(const struct dst_entry *dst)
{
	return clamp_t(u32, dst_mtu(dst), IPV4_MIN_MTU, IP_MAX_MTU) -
	       sizeof(struct iphdr) - TERN_HDR_LEN;
}

/** tern_sock_mss() - payload that one packet of this socket carries, octets; it has a route */
u16 tern_sock_mss(struct sock *sk)
{
	const struct ip_options_rcu *opt;
	u16 mss = tern_dst_mss(__sk_dst_get(sk));

	rcu_read_lock();
	opt = rcu_dereference(inet_sk(sk)->inet_opt);
	if (opt)
		mss = max(mss - opt->opt.optlen, 1);
	rcu_read_unlock();
	return mss;
}

/** tern_path_mss() - the same for two addresses; the least there is without a route */
u16 tern_path_mss(struct tern_net *tn, __be32 saddr, __be32 daddr, int oif)
{
	struct flowi4 fl4;
	struct rtable *rt = tern_bare_route(tn, &fl4, saddr, daddr, oif);
	u16 mss;

	if (IS_ERR(rt))
		return IPV4_MIN_MTU - sizeof(struct iphdr) - TERN_HDR_LEN;
	mss = tern_dst_mss(&rt->dst);
	ip_rt_put(rt);
	return mss;
}

/**
 * tern_route() - find the way for a socket whose addresses and ports are known
 * @sk: socket, locked
 *
 * Return: 0, or why there is none.
 */
int tern_route(struct sock *sk)
{
	struct inet_sock *inet = inet_sk(sk);
	struct rtable *rt;

	rt = ip_route_output_ports(sock_net(sk), &inet->cork.fl.u.ip4, sk, inet->inet_daddr,
				   inet->inet_saddr, inet->inet_dport, inet->inet_sport,
				   sk->sk_protocol, RT_CONN_FLAGS(sk), sk->sk_bound_dev_if);
	if (IS_ERR(rt))
		return PTR_ERR(rt);
	sk_setup_caps(sk, &rt->dst);
	return 0;
}
