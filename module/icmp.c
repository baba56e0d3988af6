// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors about segments of ours (rfc5927, rfc9293#section-3.9.2.2).
 *
 * Anyone can forge one, so a hard error ends only a connection that is being
 * opened, and news of a smaller path MTU counts only when the quoted sequence
 * number is one that is under way.
 */
#include <linux/icmp.h>
#include <linux/ip.h>
#include <net/icmp.h>
#include <net/ip.h>

#include "module/tern_sock.h"

/**
 * tern_mtu_changed() - the path takes smaller packets than we thought
 * @sk: socket, locked
 * @mtu: octets
 */
void tern_mtu_changed(struct sock *sk, u32 mtu)
{
	struct tern_sock *ts = tern_sk(sk);
	struct dst_entry *dst = __sk_dst_get(sk);

	if (!ts->hashed || !dst)
		return;
	dst->ops->update_pmtu(dst, sk, NULL, mtu, true);
	if (!__sk_dst_check(sk, 0) && tern_route(sk))
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

static void tern_icmp_sock(struct sock *sk, const struct sk_buff *skb, tern_seq seq, u32 info)
{
	struct tern_sock *ts = tern_sk(sk);
	const int type = icmp_hdr(skb)->type;
	const int code = icmp_hdr(skb)->code;

	if (!ts->hashed || !tern_quoted_seq_valid(&ts->conn, seq))
		return;
	if (type == ICMP_DEST_UNREACH && code == ICMP_FRAG_NEEDED) {
		ts->mtu = info;
		if (!sock_owned_by_user(sk))
			tern_mtu_changed(sk, info);
		else if (!test_and_set_bit(TERN_DEFERRED_MSS, &ts->deferred))
			sock_hold(sk);
	} else if (type == ICMP_DEST_UNREACH && code <= NR_ICMP_UNREACH) {
		/* A host that knows no such protocol refuses, as one without a listener. */
		tern_icmp_hard(sk, code == ICMP_PROT_UNREACH ? ECONNREFUSED :
				   icmp_err_convert[code].errno);
	} else if (type == ICMP_TIME_EXCEEDED) {
		tern_icmp_hard(sk, EHOSTUNREACH);
	}
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
	struct tern_net *tn = tern_net(dev_net(skb->dev));
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const u8 *quoted = skb->data + iph->ihl * 4;
	struct tern_entry *e;
	struct sock *sk;
	__be16 ports[2];
	__be32 seq;

	memcpy(ports, quoted, sizeof(ports));
	memcpy(&seq, quoted + sizeof(ports), sizeof(seq));
	e = tern_lookup(tn, iph->saddr, ports[0], iph->daddr, ports[1]);
	if (!e)
		return -ENOENT;
	/* Half-open and finished connections do not care. */
	if (e->kind != TERN_KIND_SOCK)
		return 0;
	sk = &container_of(e, struct tern_sock, e)->inet.sk;
	if (!refcount_inc_not_zero(&sk->sk_refcnt))
		return 0;
	bh_lock_sock(sk);
	tern_icmp_sock(sk, skb, tern_seq_of(ntohl(seq)), info);
	bh_unlock_sock(sk);
	sock_put(sk);
	return 0;
}
