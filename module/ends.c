// SPDX-License-Identifier: GPL-2.0
/*
 * The two ends of a connection, over IPv4 or IPv6, and where they come from and go
 * to: a segment, a socket, an entry of the connection table.
 *
 * Everything that does not talk to IP itself has one way of dealing with both
 * versions: struct tern_ends.
 */
#include <linux/jhash.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <net/ipv6.h>

#include "module/tern_sock.h"

static int tern_scope(const struct in6_addr *laddr, const struct in6_addr *raddr, int dif)
{
	return (__ipv6_addr_type(laddr) | __ipv6_addr_type(raddr)) & IPV6_ADDR_LINKLOCAL ? dif : 0;
}

/**
 * tern_ends_of_skb() - of a segment that came in
 * @ends: where to put them
 * @skb: the packet, its network header set
 * @seg: its header
 */
void tern_ends_of_skb(struct tern_ends *ends, const struct sk_buff *skb,
		      const struct tern_seg *seg)
{
	ends->v6 = tern_skb_v6(skb);
	ends->lport = htons(seg->dport);
	ends->rport = htons(seg->sport);
	ends->scope = 0;
	if (ends->v6) {
		ends->laddr = ipv6_hdr(skb)->daddr;
		ends->raddr = ipv6_hdr(skb)->saddr;
		ends->scope = tern_scope(&ends->laddr, &ends->raddr, skb->skb_iif);
	} else {
		ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, &ends->laddr);
		ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr, &ends->raddr);
	}
}

/*
 * Where an entry over IPv6 keeps its addresses: in what it stands for, at a place that
 * is good to read as long as the entry itself.
 */
static struct tern_addrs6 *tern_entry_addrs6(const struct tern_entry *e)
{
	switch ((enum tern_kind)e->kind) {
	case TERN_KIND_SOCK:
#if IS_ENABLED(CONFIG_IPV6)
		return &container_of(e, struct tern6_sock, sk.e)->addrs;
#else
		break;
#endif
	case TERN_KIND_REQUEST:
		return &container_of(e, struct tern_request6, rq.e)->addrs;
	case TERN_KIND_TW:
		return &container_of(e, struct tern_tw_entry6, tw.e)->addrs;
	}
	return NULL;
}

/** tern_ends_of_entry() - of a connection in the table */
void tern_ends_of_entry(struct tern_ends *ends, const struct tern_entry *e)
{
	const struct tern_addrs6 *addrs;

	ends->v6 = READ_ONCE(e->v6);
	ends->lport = e->lport;
	ends->rport = e->rport;
	if (ends->v6) {
		addrs = tern_entry_addrs6(e);
		ends->laddr = addrs->laddr;
		ends->raddr = addrs->raddr;
		ends->scope = addrs->scope;
	} else {
		ipv6_addr_set_v4mapped(e->laddr, &ends->laddr);
		ipv6_addr_set_v4mapped(e->raddr, &ends->raddr);
		ends->scope = 0;
	}
}

/**
 * tern_entry_init() - fill in an entry that is not in the table
 * @e: the entry, in an object that has room for @ends
 * @kind: what the object is
 * @ends: its ends
 * @reuse: SO_REUSEADDR
 */
void tern_entry_init(struct tern_entry *e, enum tern_kind kind, const struct tern_ends *ends,
		     bool reuse)
{
	struct tern_addrs6 *addrs;

	e->kind = kind;
	e->reuse = reuse;
	e->lport = ends->lport;
	e->rport = ends->rport;
	if (ends->v6) {
		addrs = tern_entry_addrs6(e);
		addrs->laddr = ends->laddr;
		addrs->raddr = ends->raddr;
		addrs->scope = ends->scope;
	} else {
		e->laddr = tern_v4(&ends->laddr);
		e->raddr = tern_v4(&ends->raddr);
	}
	WRITE_ONCE(e->v6, ends->v6);
}

/** tern_entry_of_sock() - fill in a socket's entry from its addresses */
void tern_entry_of_sock(struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);
	struct tern_ends ends = { .lport = inet->inet_sport, .rport = inet->inet_dport };

#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6 && !ipv6_addr_v4mapped(&sk->sk_v6_rcv_saddr)) {
		ends.v6 = true;
		ends.laddr = sk->sk_v6_rcv_saddr;
		ends.raddr = sk->sk_v6_daddr;
		ends.scope = tern_scope(&ends.laddr, &ends.raddr, sk->sk_bound_dev_if);
	}
#endif
	if (!ends.v6) {
		ipv6_addr_set_v4mapped(inet->inet_rcv_saddr, &ends.laddr);
		ipv6_addr_set_v4mapped(inet->inet_daddr, &ends.raddr);
	}
	tern_entry_init(&tern_sk(sk)->e, TERN_KIND_SOCK, &ends, sk->sk_reuse);
}

/** tern_entry_has_ends() - are these the ends of that connection? */
bool tern_entry_has_ends(const struct tern_entry *e, const struct tern_ends *ends)
{
	const struct tern_addrs6 *addrs;

	if (e->lport != ends->lport || e->rport != ends->rport || READ_ONCE(e->v6) != ends->v6)
		return false;
	if (!ends->v6)
		return e->laddr == tern_v4(&ends->laddr) && e->raddr == tern_v4(&ends->raddr);
	addrs = tern_entry_addrs6(e);
	return ipv6_addr_equal(&addrs->laddr, &ends->laddr) &&
	       ipv6_addr_equal(&addrs->raddr, &ends->raddr) && addrs->scope == ends->scope;
}

static u32 tern_both_ports(const struct tern_ends *ends)
{
	return (__force u32)ends->lport << 16 | (__force u32)ends->rport;
}

/** tern_ends_hash() - for the connection table */
u32 tern_ends_hash(const struct tern_ends *ends, u32 seed)
{
	if (ends->v6) {
		seed = jhash2((__force const u32 *)ends->laddr.s6_addr32, 4, seed);
		seed = jhash2((__force const u32 *)ends->raddr.s6_addr32, 4, seed);
		return jhash_2words(ends->scope, tern_both_ports(ends), seed);
	}
	return jhash_3words((__force u32)tern_v4(&ends->laddr), (__force u32)tern_v4(&ends->raddr),
			    tern_both_ports(ends), seed);
}

/** tern_ends_siphash() - of the addresses and ports, with a secret key */
u64 tern_ends_siphash(const struct tern_ends *ends, const siphash_key_t *key)
{
	return siphash(ends, offsetof(struct tern_ends, scope), key);
}

/** tern_new_iss() - initial sequence number for a connection between @ends (rfc6528) */
tern_seq tern_new_iss(const struct tern_ends *ends)
{
	static siphash_aligned_key_t key;

	net_get_random_once(&key, sizeof(key));
	return tern_iss(tern_now(), tern_ends_siphash(ends, &key));
}

/** tern_ts_offset() - what a connection's timestamps start with (rfc7323#section-5.4) */
u32 tern_ts_offset(const struct tern_ends *ends)
{
	static siphash_aligned_key_t key;

	net_get_random_once(&key, sizeof(key));
	return siphash(ends, offsetof(struct tern_ends, lport), &key);
}

static void tern_sockaddr(void *to, const struct in6_addr *addr, __be16 port,
			  const struct tern_ends *ends)
{
	struct sockaddr_in6 *sin6 = to;
	struct sockaddr_in *sin = to;

	memset(to, 0, sizeof(*sin6));
	if (ends->v6) {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = port;
		sin6->sin6_addr = *addr;
		sin6->sin6_scope_id = ends->scope;
	} else {
		sin->sin_family = AF_INET;
		sin->sin_port = port;
		sin->sin_addr.s_addr = tern_v4(addr);
	}
}

/**
 * tern_ends_sockaddrs() - as %pIS prints them
 * @ends: the ends
 * @local: sizeof(struct sockaddr_in6) octets for our end
 * @remote: and for the peer's
 */
void tern_ends_sockaddrs(const struct tern_ends *ends, void *local, void *remote)
{
	tern_sockaddr(local, &ends->laddr, ends->lport, ends);
	tern_sockaddr(remote, &ends->raddr, ends->rport, ends);
}
