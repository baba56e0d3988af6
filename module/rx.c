// SPDX-License-Identifier: GPL-2.0
/*
 * A packet in: checked, parsed, and given to whoever it is for.
 *
 * tern_rcv() owns the packet that the hook has stolen; every path from here ends
 * in exactly one of: queued to a socket, used up, or tern_drop_skb() with a reason.
 */
#include <linux/filter.h>
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <net/checksum.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "module/tern_sock.h"
#include "module/trace.h"

/** tern_drop_skb() - a segment that is of no use: count why, and free it */
void tern_drop_skb(struct tern_net *tn, struct sk_buff *skb, unsigned int why)
{
	tern_count_drop(tn, why);
	trace_tern_drop(skb, why);
	kfree_skb(skb);
}

/**
 * tern_challenge_allowed() - may one more challenge ACK go out? (rfc5961#section-7)
 * @tn: namespace
 *
 * So many a second for the namespace; a race at the turn of the second lets a few
 * more through, which does no harm.  The limit is drawn anew each second, half to
 * one and a half times the set one: a known one would tell a blind attacker how
 * many others have drawn.
 */
bool tern_challenge_allowed(struct tern_net *tn)
{
	unsigned int limit = tern_sysctl(tn, TERN_SYSCTL_CHALLENGE_ACKS);
	unsigned long second = jiffies / HZ;

	if (limit && READ_ONCE(tn->challenge_window) != second) {
		WRITE_ONCE(tn->challenge_window, second);
		atomic_set(&tn->challenge_left, (limit + 1) / 2 + get_random_u32() % limit);
	}
	if (limit && atomic_dec_return(&tn->challenge_left) < 0) {
		tern_count(tn, TERN_MIB_CHALLENGE_LIMITED);
		return false;
	}
	tern_count(tn, TERN_MIB_CHALLENGE_ACKS);
	return true;
}

/**
 * tern_filter() - do the socket's filters (SO_ATTACH_FILTER, BPF, LSM) let a segment in?
 * @sk: socket, need not be locked
 * @skb: segment; a filter may cut payload off its end
 * @seg: its header
 */
bool tern_filter(struct sock *sk, struct sk_buff *skb, struct tern_seg *seg)
{
	if (sk_filter_trim_cap(sk, skb, seg->hlen))
		return false;
	seg->len = skb->len - seg->hlen;
	return true;
}

/*
 * A segment for a socket, locked, that stands in the connection table; @skb is consumed.
 * tern_pump() follows.
 */
static void tern_segment(struct sock *sk, struct sk_buff *skb, struct tern_seg *seg)
{
	struct tern_net *tn = tern_net(sock_net(sk));
	struct tern_result res;

	/*
	 * Data that the buffer has no room for must not be acknowledged; what the
	 * segment says otherwise counts all the same.
	 */
	if (seg->len && !tern_buf_room(sk, skb)) {
		tern_count_drop(tn, TERN_DROP_MEMORY);
		seg->len = 0;
		seg->flags &= ~(TERN_FIN | TERN_PSH);
	}
	res = tern_segment_arrives(&tern_sk(sk)->conn, tern_now(), seg);
	if (!tern_apply(sk, &res, skb, seg))
		consume_skb(skb);
}

/**
 * tern_backlog_rcv() - a segment that had to wait for its socket
 * @sk: socket, owned
 * @skb: segment; consumed
 *
 * Its header was found good before it was put there.  Meanwhile the connection may
 * have left the socket: then it is looked up again.  All that waited is answered
 * together (MUST-59), unless the connection is over and has to leave the socket.
 */
int tern_backlog_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct tern_net *tn = tern_net(sock_net(sk));
	struct tern_seg seg;
	unsigned int why = tern_parse(skb->data, skb->len, &seg);

	if (WARN_ON_ONCE(why != TERN_DROP_NONE)) {
		tern_drop_skb(tn, skb, why);
	} else if (tern_sk(sk)->hashed) {
		tern_segment(sk, skb, &seg);
		if (tern_sk(sk)->conn.state == TERN_CLOSED ||
		    tern_sk(sk)->conn.state == TERN_TIME_WAIT)
			tern_pump(sk);
		else
			set_bit(TERN_DEFERRED_PUMP, &tern_sk(sk)->deferred);
	} else {
		local_bh_disable();
		tern_dispatch(tn, skb, &seg);
		local_bh_enable();
	}
	return 0;
}

/* Return: false when the socket is not this connection's any more. */
static bool tern_sock_rcv(struct tern_net *tn, struct sock *sk, struct sk_buff *skb,
			  struct tern_seg *seg)
{
	bool ours = true;

	if (!refcount_inc_not_zero(&sk->sk_refcnt))
		return false;
	if (!tern_filter(sk, skb, seg)) {
		tern_drop_skb(tn, skb, TERN_DROP_FILTER);
		sock_put(sk);
		return true;
	}
	bh_lock_sock_nested(sk);
	if (sock_owned_by_user(sk)) {
		/* Neither is held while it waits. */
		skb_dst_drop(skb);
		skb->dev = NULL;
		if (sk_add_backlog(sk, skb, READ_ONCE(sk->sk_rcvbuf) +
				   READ_ONCE(sk->sk_sndbuf)))
			tern_drop_skb(tn, skb, TERN_DROP_BACKLOG);
	} else if (tern_sk(sk)->hashed) {
		tern_segment(sk, skb, seg);
		tern_pump(sk);
	} else {
		ours = false;
	}
	bh_unlock_sock(sk);
	sock_put(sk);
	return ours;
}

/* For nobody: RST (rfc9293#section-3.10.7.1). */
static void tern_nobody_rcv(struct tern_net *tn, struct sk_buff *skb,
			    const struct tern_seg *seg)
{
	tern_xmit_reset(tn, skb, seg);
	tern_drop_skb(tn, skb, TERN_DROP_CLOSED);
}

static bool tern_entry_rcv(struct tern_net *tn, struct tern_entry *e,
			   const struct tern_ends *ends, struct sk_buff *skb,
			   struct tern_seg *seg)
{
	switch ((enum tern_kind)e->kind) {
	case TERN_KIND_SOCK:
		return tern_sock_rcv(tn, &container_of(e, struct tern_sock, e)->inet.sk, skb, seg);
	case TERN_KIND_REQUEST:
		return tern_request_rcv(tn, container_of(e, struct tern_request, e), ends, skb,
					seg);
	case TERN_KIND_TW:
		tern_tw_rcv(tn, container_of(e, struct tern_tw_entry, e), ends, skb, seg);
		return true;
	}
	return false;
}

/**
 * tern_dispatch() - give a parsed segment to whoever it is for
 * @tn: namespace; softirqs are off
 * @skb: segment, its network header set, skb->data at its header; consumed
 * @seg: its header
 */
void tern_dispatch(struct tern_net *tn, struct sk_buff *skb, struct tern_seg *seg)
{
	struct tern_ends ends;
	struct tern_entry *e;
	struct sock *sk;
	int tries;

	tern_ends_of_skb(&ends, skb, seg);
	rcu_read_lock();
	/* A connection that changes hands under our eyes is looked up again, a few times. */
	for (tries = 0; tries < 4; tries++) {
		e = tern_lookup(tn, &ends);
		if (!e) {
			sk = tern_lookup_listener(tn, &ends, skb->skb_iif);
			if (sk)
				tern_listen_rcv(tn, sk, &ends, skb, seg, NULL);
			else
				tern_nobody_rcv(tn, skb, seg);
			goto out;
		}
		if (tern_entry_rcv(tn, e, &ends, skb, seg))
			goto out;
	}
	tern_drop_skb(tn, skb, TERN_DROP_RACE);
out:
	rcu_read_unlock();
}

static bool tern_is_unicast(const struct sk_buff *skb)
{
	const struct rtable *rt = skb_rtable(skb);

	if (skb->pkt_type != PACKET_HOST)
		return false;
	if (tern_skb_v6(skb))
		return tern6_is_unicast(skb);
	return !(rt && rt->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST)) &&
	       !ipv4_is_multicast(ip_hdr(skb)->saddr) &&
	       !ipv4_is_lbcast(ip_hdr(skb)->saddr) && !ipv4_is_zeronet(ip_hdr(skb)->saddr);
}

static __wsum tern_pseudo(struct sk_buff *skb, int proto)
{
	if (tern_skb_v6(skb))
		return ip6_compute_pseudo(skb, proto);
	return csum_tcpudp_nofold(ip_hdr(skb)->saddr, ip_hdr(skb)->daddr, skb->len, proto, 0);
}

/*
 * Make the header linear, verify the checksum, parse.  From here on skb->data
 * is the first octet of the header.
 */
static unsigned int tern_rcv_check(struct sk_buff *skb, struct tern_seg *seg)
{
	u32 hlen;

	if (!tern_is_unicast(skb))
		return TERN_DROP_NOT_UNICAST;
	/* What is in front of the header is 0 in the sum of an IPv4 packet, not of IPv6. */
	skb_pull_rcsum(skb, skb_transport_offset(skb));
	if (!pskb_may_pull(skb, TERN_HDR_LEN))
		return TERN_DROP_SHORT;
	hlen = tern_hlen(skb->data);
	if (hlen > TERN_HDR_LEN && !pskb_may_pull(skb, hlen))
		return TERN_DROP_SHORT;
	/* skb_checksum_init() takes what the device or a local sender has verified. */
	if (skb_checksum_init(skb, tern_protocol, tern_pseudo) ||
	    (!skb_csum_unnecessary(skb) && __skb_checksum_complete(skb)))
		return TERN_DROP_CHECKSUM;
	return tern_parse(skb->data, skb->len, seg);
}

/*
 * Connection tracking takes a new flow into its table in a hook of its own, which
 * may come after ours: the packet does not get there.
 */
static void tern_confirm_ct(struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_NF_CONNTRACK)
	const struct nf_ct_hook *hook = rcu_dereference(nf_ct_hook);
	enum ip_conntrack_info info;
	const struct nf_conn *ct = nf_ct_get(skb, &info);

	if (hook && ct && !nf_ct_is_confirmed(ct))
		hook->confirm(skb);
#endif
}

static bool tern_policy_check(struct sk_buff *skb)
{
	return tern_skb_v6(skb) ? xfrm6_policy_check(NULL, XFRM_POLICY_IN, skb) :
		xfrm4_policy_check(NULL, XFRM_POLICY_IN, skb);
}

/**
 * tern_rcv() - a packet of our protocol for this host
 * @net: namespace
 * @skb: network and transport header set, skb->data at one of them; consumed
 */
void tern_rcv(struct net *net, struct sk_buff *skb)
{
	struct tern_net *tn = tern_net(net);
	struct tern_seg seg;
	unsigned int why;

	tern_count(tn, TERN_MIB_IN_SEGS);
	/* Whoever sent it, or tracks it, is not waited for. */
	skb_orphan(skb);
	/* To an address of ours it comes by loopback, and still belongs to the other link. */
	if (tern_skb_v6(skb))
		skb->skb_iif = inet6_iif(skb);
	why = TERN_DROP_POLICY;
	if (tern_policy_check(skb)) {
		tern_confirm_ct(skb);
		nf_reset_ct(skb);
		why = tern_rcv_check(skb, &seg);
	}
	if (why != TERN_DROP_NONE)
		tern_drop_skb(tn, skb, why);
	else
		tern_dispatch(tn, skb, &seg);
}
