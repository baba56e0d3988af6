// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors about segments of ours (rfc5927, rfc9293#section-3.9.2.2).
 *
 * Anyone can forge one, so a hard error ends only a connection that is being
 * opened, and news of a smaller path MTU counts only when the quoted sequence
 * number is one that is under way.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "module/tern_sock.h"

/**
 * tern_mtu_changed() - the path takes smaller packets than we thought
 * @sk: socket, locked
 * @mtu: octets
 */
void tern_mtu_changed(struct sock *sk, u32 mtu)
{
	struct dst_entry *dst;

	if (!tern_sk(sk)->hashed || (!tern_dst_check(sk) && tern_route(sk)))
		return;
	dst = __sk_dst_get(sk);
	dst->ops->update_pmtu(dst, sk, NULL, mtu, true);
	if (!tern_dst_check(sk) && tern_route(sk))
		return;
	/*
	 * What was too large is on its way no more: the retransmission timer finds out,
	 * and the pump sees what the route takes now.
	 */
	tern_pump(sk);
}

static bool tern_quoted_seq_valid(const struct tern_conn *conn, tern_seq seq)
{
	return tern_seq_leq(conn->snd_una, seq) && tern_seq_leq(seq, conn->snd_max);
}

static void tern_icmp_hard(struct sock *sk, int err)
{
	struct tern_sock *ts = tern_sk(sk);
	struct tern_result res;

	if (ts->conn.state != TERN_SYN_SENT || sock_owned_by_user(sk)) {
		WRITE_ONCE(sk->sk_err_soft, err);
		return;
	}
	res = tern_abort(&ts->conn, TERN_OK);
	WRITE_ONCE(sk->sk_err, err);
	sk_error_report(sk);
	tern_apply_pump(sk, &res);
}

/* An error about the segment @seq: @err to its sender, or a path MTU, or neither (0). */
static void tern_icmp_sock(struct sock *sk, tern_seq seq, int err, u32 mtu)
{
	struct tern_sock *ts = tern_sk(sk);

	if (!ts->hashed || !tern_quoted_seq_valid(&ts->conn, seq))
		return;
	if (mtu) {
		ts->mtu = mtu;
		if (!sock_owned_by_user(sk))
			tern_mtu_changed(sk, mtu);
		else if (!test_and_set_bit(TERN_DEFERRED_MSS, &ts->deferred))
			sock_hold(sk);
	} else if (err) {
		tern_icmp_hard(sk, err);
	}
}

/* What is quoted: its ends, and behind them @quoted, 8 octets of our header. */
static int tern_icmp_quoted(struct tern_net *tn, struct tern_ends *ends, const u8 *quoted,
			    int err, u32 mtu)
{
	struct tern_entry *e;
	struct sock *sk;
	__be32 seq;

	memcpy(&ends->lport, quoted, sizeof(ends->lport));
	memcpy(&ends->rport, quoted + 2, sizeof(ends->rport));
	memcpy(&seq, quoted + 4, sizeof(seq));
	e = tern_lookup(tn, ends);
	if (!e)
		return -ENOENT;
	/* Half-open and finished connections do not care. */
	if (e->kind != TERN_KIND_SOCK)
		return 0;
	sk = &container_of(e, struct tern_sock, e)->inet.sk;
	if (!refcount_inc_not_zero(&sk->sk_refcnt))
		return 0;
	bh_lock_sock(sk);
	tern_icmp_sock(sk, tern_seq_of(ntohl(seq)), err, mtu);
	bh_unlock_sock(sk);
	sock_put(sk);
	return 0;
}

/**
 * tern_icmp_err() - an ICMP error that quotes a segment of ours
 * @skb: the error; its data begins with the quoted IP header and 8 octets more
 * @info: for FRAG_NEEDED the MTU
 *
 * Return: 0, or -ENOENT when it is about nothing we know.
 */
int tern_icmp_err(struct sk_buff *skb, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const int type = icmp_hdr(skb)->type;
	const int code = icmp_hdr(skb)->code;
	struct tern_ends ends = { 0 };
	int err = 0;
	u32 mtu = 0;

	ipv6_addr_set_v4mapped(iph->saddr, &ends.laddr);
	ipv6_addr_set_v4mapped(iph->daddr, &ends.raddr);
	if (type == ICMP_DEST_UNREACH && code == ICMP_FRAG_NEEDED)
		mtu = max(info, 1U);
	else if (type == ICMP_DEST_UNREACH && code == ICMP_PROT_UNREACH)
		/* A host that knows no such protocol refuses, as one without a listener. */
		err = ECONNREFUSED;
	else if (type == ICMP_DEST_UNREACH && code <= NR_ICMP_UNREACH)
		err = icmp_err_convert[code].errno;
	else if (type == ICMP_TIME_EXCEEDED)
		err = EHOSTUNREACH;
	else if (type == ICMP_PARAMETERPROB)
		err = EPROTO;
	return tern_icmp_quoted(tern_net(dev_net(skb->dev)), &ends, skb->data + iph->ihl * 4,
				err, mtu);
}

#if IS_ENABLED(CONFIG_IPV6)
/**
 * tern6_icmp_err() - an ICMPv6 error that quotes a segment of ours
 * @skb: the error; its data begins with the quoted IPv6 header
 * @opt: not used
 * @type: ICMPv6 type
 * @code: and code
 * @offset: where in the data our header begins; 8 octets of it are there
 * @info: for PKT_TOOBIG the MTU
 *
 * Return: 0, or -ENOENT when it is about nothing we know.
 */
int tern6_icmp_err(struct sk_buff *skb, struct inet6_skb_parm *opt, u8 type, u8 code,
		   int offset, __be32 info)
{
	const struct ipv6hdr *hdr = (const struct ipv6hdr *)skb->data;
	struct tern_ends ends = { .v6 = true, .laddr = hdr->saddr, .raddr = hdr->daddr };
	int err = 0;
	u32 mtu = 0;

	if ((ipv6_addr_type(&hdr->saddr) | ipv6_addr_type(&hdr->daddr)) & IPV6_ADDR_LINKLOCAL)
		ends.scope = inet6_iif(skb);
	if (type == ICMPV6_PKT_TOOBIG)
		mtu = max(ntohl(info), 1U);
	else if (type == ICMPV6_PARAMPROB && code == ICMPV6_UNK_NEXTHDR)
		/* A host that knows no such protocol refuses, as one without a listener. */
		err = ECONNREFUSED;
	else if (type == ICMPV6_DEST_UNREACH || type == ICMPV6_TIME_EXCEED ||
		 type == ICMPV6_PARAMPROB)
		icmpv6_err_convert(type, code, &err);
	return tern_icmp_quoted(tern_net(dev_net(skb->dev)), &ends, skb->data + offset, err, mtu);
}
#endif
