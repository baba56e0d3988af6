// SPDX-License-Identifier: GPL-2.0
/*
 * What IPv6 wants otherwise than IPv4: the socket API's addresses, routes, the packet
 * on its way out, and what is registered.  Everything else is the same code.
 *
 * Built only for a kernel with IPv6; where that is turned off at boot, nothing is
 * registered and nothing here is reached.
 */
#include <linux/icmpv6.h>
#include <linux/module.h>
#include <linux/security.h>
#include <net/addrconf.h>
#include <net/inet_common.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/protocol.h>
#include <net/transp_v6.h>

#include "module/tern_sock.h"

static struct tern6_sock *tern6_sk(struct sock *sk)
{
	return container_of(tern_sk(sk), struct tern6_sock, sk);
}

/** tern6_enabled() - is there IPv6 on this machine? */
bool tern6_enabled(void)
{
	return ipv6_mod_enabled();
}

/* The flow of a socket whose ends are known. */
static void tern6_flow(struct sock *sk, struct flowi6 *fl6)
{
	const struct inet_sock *inet = inet_sk(sk);

	memset(fl6, 0, sizeof(*fl6));
	fl6->flowi6_proto = sk->sk_protocol;
	fl6->daddr = sk->sk_v6_daddr;
	fl6->saddr = sk->sk_v6_rcv_saddr;
	fl6->flowlabel = ip6_make_flowinfo(inet6_sk(sk)->tclass, 0);
	fl6->flowi6_oif = sk->sk_bound_dev_if;
	fl6->flowi6_mark = READ_ONCE(sk->sk_mark);
	fl6->fl6_dport = inet->inet_dport;
	fl6->fl6_sport = inet->inet_sport;
	fl6->flowi6_uid = sk->sk_uid;
	security_sk_classify_flow(sk, flowi6_to_flowi_common(fl6));
}

/* The route of a flow; a routing header may lead elsewhere first. */
static struct dst_entry *tern6_lookup_route(struct sock *sk, struct flowi6 *fl6)
{
	struct in6_addr *final_p, final;

	rcu_read_lock();
	final_p = fl6_update_dst(fl6, rcu_dereference(inet6_sk(sk)->opt), &final);
	rcu_read_unlock();
	return ip6_dst_lookup_flow(sock_net(sk), sk, fl6, final_p);
}

/** tern6_route() - tern_route() for IPv6 */
int tern6_route(struct sock *sk)
{
	struct dst_entry *dst;
	struct flowi6 fl6;

	tern6_flow(sk, &fl6);
	dst = tern6_lookup_route(sk, &fl6);
	if (IS_ERR(dst))
		return PTR_ERR(dst);
	ip6_dst_store(sk, dst, NULL, NULL);
	return 0;
}

/** tern6_opt_len() - octets of extension headers in each packet of a socket */
u32 tern6_opt_len(const struct sock *sk)
{
	const struct ipv6_txoptions *opt;
	u32 len = 0;

	rcu_read_lock();
	opt = rcu_dereference(inet6_sk(sk)->opt);
	if (opt)
		len = opt->opt_flen + opt->opt_nflen;
	rcu_read_unlock();
	return len;
}

/*
 * Not ip6_xmit(): it tells netfilter of the socket, and a packet that waits in a queue
 * there (NFQUEUE) would keep it.
 */
static int tern6_output(struct net *net, struct sk_buff *skb, const struct in6_addr *saddr,
			const struct in6_addr *daddr, u8 tclass, int hop_limit)
{
	struct dst_entry *dst = skb_dst(skb);
	struct ipv6hdr *hdr;

	if (hop_limit < 0)
		hop_limit = ip6_dst_hoplimit(dst);
	hdr = skb_push(skb, sizeof(*hdr));
	skb_reset_network_header(skb);
	ip6_flow_hdr(hdr, tclass, 0);
	hdr->nexthdr = tern_protocol;
	hdr->hop_limit = hop_limit;
	hdr->saddr = *saddr;
	hdr->daddr = *daddr;
	skb->protocol = htons(ETH_P_IPV6);
	IP6_UPD_PO_STATS(net, ip6_dst_idev(dst), IPSTATS_MIB_OUT, skb->len);
	return ip6_local_out(net, NULL, skb);
}

/**
 * tern6_send() - hand a segment of a socket to IPv6
 * @sk: socket, locked; under rcu_read_lock()
 * @skb: header and payload, with its route; consumed
 *
 * Extension headers are the kernel's to write, which it does only for a socket: the
 * kernel socket stands in, and with them goes the hop limit of the route.
 */
int tern6_send(struct sock *sk, struct sk_buff *skb)
{
	const struct ipv6_pinfo *np = inet6_sk(sk);
	struct ipv6_txoptions *opt = rcu_dereference(np->opt);
	struct net *net = sock_net(sk);
	struct flowi6 fl6;

	if (opt) {
		tern6_flow(sk, &fl6);
		return ip6_xmit(tern_net(net)->ctl_sk6, skb, &fl6, READ_ONCE(sk->sk_mark), opt,
				np->tclass, READ_ONCE(sk->sk_priority));
	}
	skb->mark = READ_ONCE(sk->sk_mark);
	skb->priority = READ_ONCE(sk->sk_priority);
	return tern6_output(net, skb, &sk->sk_v6_rcv_saddr, &sk->sk_v6_daddr, np->tclass,
			    np->hop_limit);
}

/** tern6_bare_route() - the way between two ends, without a socket */
struct dst_entry *tern6_bare_route(struct tern_net *tn, const struct tern_ends *ends, int oif)
{
	struct flowi6 fl6 = {
		.flowi6_proto = tern_protocol,
		.saddr = ends->laddr,
		.daddr = ends->raddr,
		.flowi6_oif = ends->scope ? ends->scope : oif,
	};

	return ip6_dst_lookup_flow(tn->net, NULL, &fl6, NULL);
}

/** tern6_send_bare() - hand a segment without a socket, with its route, to IPv6 */
int tern6_send_bare(struct tern_net *tn, struct sk_buff *skb, const struct tern_ends *ends,
		    u8 tclass)
{
	return tern6_output(tn->net, skb, &ends->laddr, &ends->raddr, tclass, -1);
}

/** tern6_is_unicast() - from one host to us alone?  No mapped address is on the wire. */
bool tern6_is_unicast(const struct sk_buff *skb)
{
	const struct in6_addr *saddr = &ipv6_hdr(skb)->saddr;

	return skb_dst(skb) && ipv6_unicast_destination(skb) && !ipv6_addr_is_multicast(saddr) &&
	       !ipv6_addr_any(saddr) && !ipv6_addr_v4mapped(saddr);
}

/**
 * tern6_child_init() - what a clone must not share with its listener
 * @sk: the clone, locked; under rcu_read_lock()
 * @listener: a socket of AF_INET6
 * @ends: of the connection; over IPv4, the addresses are in place
 */
void tern6_child_init(struct sock *sk, const struct sock *listener,
		      const struct tern_ends *ends)
{
	struct ipv6_pinfo *np = &tern6_sk(sk)->inet6;
	struct inet_sock *inet = inet_sk(sk);
	struct ipv6_txoptions *opt;

	inet->pinet6 = np;
	np->ipv6_mc_list = NULL;
	np->ipv6_ac_list = NULL;
	tern_no_flowlabels(sk);
	np->pktoptions = NULL;
	np->rxpmtu = NULL;
	RCU_INIT_POINTER(np->opt, NULL);
	if (ends->v6) {
		sk->sk_v6_rcv_saddr = ends->laddr;
		sk->sk_v6_daddr = ends->raddr;
		inet->inet_rcv_saddr = LOOPBACK4_IPV6;
		inet->inet_saddr = LOOPBACK4_IPV6;
		inet->inet_daddr = LOOPBACK4_IPV6;
		if (ends->scope)
			sk->sk_bound_dev_if = ends->scope;
		opt = rcu_dereference(inet6_sk(listener)->opt);
		if (opt)
			RCU_INIT_POINTER(np->opt, ipv6_dup_options(sk, opt));
	}
	np->saddr = sk->sk_v6_rcv_saddr;
}

/* Find the way, and by it our address. */
static int tern6_connect_prepare(struct sock *sk, const struct in6_addr *daddr, __be16 port)
{
	struct ipv6_pinfo *np = inet6_sk(sk);
	struct inet_sock *inet = inet_sk(sk);
	struct dst_entry *dst;
	struct flowi6 fl6;

	sk->sk_v6_daddr = *daddr;
	inet->inet_dport = port;
	tern6_flow(sk, &fl6);
	dst = tern6_lookup_route(sk, &fl6);
	if (IS_ERR(dst))
		return PTR_ERR(dst);
	dst_release(dst);

	if (ipv6_addr_any(&sk->sk_v6_rcv_saddr))
		sk->sk_v6_rcv_saddr = fl6.saddr;
	np->saddr = sk->sk_v6_rcv_saddr;
	np->flow_label = 0;
	inet->inet_saddr = LOOPBACK4_IPV6;
	inet->inet_rcv_saddr = LOOPBACK4_IPV6;
	return 0;
}

/* A link-local address needs an interface: the one the socket is bound to from now on. */
static int tern6_connect_scope(struct sock *sk, const struct sockaddr_in6 *peer, int addr_len)
{
	if (addr_len >= (int)sizeof(*peer) && peer->sin6_scope_id) {
		if (!sk_dev_equal_l3scope(sk, peer->sin6_scope_id))
			return -EINVAL;
		sk->sk_bound_dev_if = peer->sin6_scope_id;
	}
	return sk->sk_bound_dev_if ? 0 : -EINVAL;
}

static int tern6_connect_mapped(struct sock *sk, const struct in6_addr *daddr, __be16 port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = tern_v4(daddr),
	};

	if (ipv6_only_sock(sk))
		return -ENETUNREACH;
	return tern_prot_connect(sk, (struct sockaddr_unsized *)&sin, sizeof(sin));
}

static int tern6_prot_connect(struct sock *sk, struct sockaddr_unsized *uaddr, int addr_len)
{
	const struct sockaddr_in6 *peer = (const struct sockaddr_in6 *)uaddr;
	struct in6_addr daddr;
	int type, err;

	if (addr_len < SIN6_LEN_RFC2133)
		return -EINVAL;
	if (peer->sin6_family != AF_INET6)
		return -EAFNOSUPPORT;
	daddr = peer->sin6_addr;
	/* As for TCP, to connect to :: is to connect to ourselves. */
	if (ipv6_addr_any(&daddr)) {
		if (ipv6_addr_v4mapped(&sk->sk_v6_rcv_saddr))
			ipv6_addr_set_v4mapped(htonl(INADDR_LOOPBACK), &daddr);
		else
			daddr = in6addr_loopback;
	}
	type = ipv6_addr_type(&daddr);
	if (type & IPV6_ADDR_MULTICAST)
		return -ENETUNREACH;
	if (type & IPV6_ADDR_LINKLOCAL) {
		err = tern6_connect_scope(sk, peer, addr_len);
		if (err)
			return err;
	}
	if (type & IPV6_ADDR_MAPPED)
		return tern6_connect_mapped(sk, &daddr, peer->sin6_port);
	err = tern_connect_check(sk, peer->sin6_port);
	if (err)
		return err;
	return tern_connect_open(sk, tern6_connect_prepare(sk, &daddr, peer->sin6_port));
}

/*
 * What came to the hook with another header in front: the kernel has walked the
 * extension headers, or put the fragments together.
 */
static int tern6_rcv(struct sk_buff *skb)
{
	struct net *net = dev_net(skb->dev);
	const struct tern_net *tn = tern_net(net);

	if (tern_sysctl(tn, TERN_SYSCTL_ENABLE) && !READ_ONCE(tn->leaving))
		tern_rcv(net, skb);
	else
		kfree_skb(skb);
	return 0;
}

static const struct inet6_protocol tern6_protocol = {
	.handler = tern6_rcv,
	.err_handler = tern6_icmp_err,
	.flags = INET6_PROTO_NOPOLICY | INET6_PROTO_FINAL,
};

struct proto tern6_prot;

static struct inet_protosw tern6_protosw = {
	.type = SOCK_STREAM,
	.prot = &tern6_prot,
	.ops = &tern6_stream_ops,
};

/** tern6_prot_init() - make the protocol of AF_INET6 out of that of AF_INET, and register it */
int tern6_prot_init(void)
{
	BUILD_BUG_ON(offsetof(struct tern6_sock, sk) != 0);
	BUILD_BUG_ON(offsetofend(struct tern6_sock, inet6) != sizeof(struct tern6_sock));
	if (!tern6_enabled())
		return 0;

	tern6_prot = tern_prot;
	strscpy(tern6_prot.name, "TERNv6", sizeof(tern6_prot.name));
	tern6_prot.connect = tern6_prot_connect;
	tern6_prot.max_header = MAX_HEADER + sizeof(struct ipv6hdr) + TERN_HDR_MAX;
	tern6_prot.obj_size = sizeof(struct tern6_sock);
	tern_set_pinfo_offset(&tern6_prot, offsetof(struct tern6_sock, inet6));

	return proto_register(&tern6_prot, 1);
}

/** tern6_prot_exit() - after rcu_barrier(): no socket is left */
void tern6_prot_exit(void)
{
	if (tern6_enabled())
		proto_unregister(&tern6_prot);
}

/** tern6_register() - packets may come, and programs */
int tern6_register(void)
{
	int err;

	if (!tern6_enabled())
		return 0;
	if (inet6_add_protocol(&tern6_protocol, tern_protocol))
		return -EBUSY;
	tern6_protosw.protocol = tern_protocol;
	err = inet6_register_protosw(&tern6_protosw);
	if (err)
		inet6_del_protocol(&tern6_protocol, tern_protocol);
	return err;
}

/** tern6_unregister() - no more of either */
void tern6_unregister(void)
{
	if (!tern6_enabled())
		return;
	inet6_unregister_protosw(&tern6_protosw);
	inet6_del_protocol(&tern6_protocol, tern_protocol);
}

int tern6_net_init(struct tern_net *tn)
{
	if (!tern6_enabled())
		return 0;
	return inet_ctl_sock_create(&tn->ctl_sk6, PF_INET6, SOCK_RAW, tern_protocol, tn->net);
}

void tern6_net_exit(struct tern_net *tn)
{
	if (tn->ctl_sk6)
		inet_ctl_sock_destroy(tn->ctl_sk6);
}
