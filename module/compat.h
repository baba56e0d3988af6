/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every difference between the kernels Tern builds for, and nothing else.
 *
 * The oldest is 6.1.  Each entry names the version in which the kernel changed.
 */
#ifndef TERN_MODULE_COMPAT_H
#define TERN_MODULE_COMPAT_H

#include <linux/sysctl.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <net/inet_common.h>
#include <net/ip.h>
#include <net/net_namespace.h>
#include <net/route.h>
#include <net/sock.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#include <linux/skbuff_ref.h>	/* was part of skbuff.h */
#endif

/* 6.11: handlers get a const table. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define TERN_CTL_TABLE const struct ctl_table
#else
#define TERN_CTL_TABLE struct ctl_table
#endif

/* 6.6: the length is given, 6.11: the end mark is gone. */
static inline struct ctl_table_header *
tern_register_sysctl(struct net *net, const char *path, struct ctl_table *table,
		     size_t n)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	return register_net_sysctl_sz(net, path, table, n);
#else
	return register_net_sysctl(net, path, table);
#endif
}

/* 6.6: where an AF_INET6 socket has its ipv6_pinfo is said, before it was the end. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define tern_set_pinfo_offset(prot, offset) ((prot)->ipv6_pinfo_offset = (offset))
#else
#define tern_set_pinfo_offset(prot, offset) ((void)(prot))
#endif

/* 6.19, and stable releases before it: the flow labels moved out of a socket's ipv6_pinfo. */
#ifdef TERN_FL_LIST_IN_INET	/* Kbuild has looked */
#define tern_no_flowlabels(sk) RCU_INIT_POINTER(inet_sk(sk)->ipv6_fl_list, NULL)
#else
#define tern_no_flowlabels(sk) RCU_INIT_POINTER(inet6_sk(sk)->ipv6_fl_list, NULL)
#endif

/* 6.5: splicing is a flag of sendmsg(). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define TERN_NO_SENDPAGE
#else
#define TERN_NO_SENDPAGE .sendpage = sock_no_sendpage,
#endif

/* 6.2, and later ones of 6.1: named after what they do. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define timer_delete del_timer
#define timer_delete_sync del_timer_sync
#endif

/* 6.16: named after what it does. */
#ifndef timer_container_of
#define timer_container_of(var, timer, field) from_timer(var, timer, field)
#endif

/* 6.17: the socket's owner is asked for without a lock. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define sk_uid(sk) sock_i_uid(sk)
#endif

/* 6.19: an address that may be longer than its type says has a type of its own. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define sockaddr_unsized sockaddr
#endif

/* Before 6.10 the scope of a route was a flag in its type of service. */
static inline u8 tern_route_tos(const struct sock *sk)
{
#ifdef RT_CONN_FLAGS
	return RT_CONN_FLAGS(sk);
#else
	return ip_sock_rt_tos(sk);
#endif
}

/*
 * 6.16: ip_build_and_send_pkt() is not for modules any more; DCCP was the last one.
 * It differs from __ip_queue_xmit() in that netfilter is not told of @sk, and a
 * packet that waits in a queue there does not keep it.  Only that one can add IP
 * options, which must be those of @sk.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
static inline int tern_send_ip(struct sk_buff *skb, struct sock *sk, __be32 saddr,
			       __be32 daddr, struct ip_options_rcu *opt, u8 tos)
{
	int ttl = READ_ONCE(inet_sk(sk)->uc_ttl);
	struct dst_entry *dst = skb_dst(skb);
	struct iphdr *iph;

	if (opt && opt->opt.optlen) {
		struct flowi fl = {
			.u.ip4.saddr = saddr,
			.u.ip4.daddr = opt->opt.srr ? opt->opt.faddr : daddr,
		};

		return __ip_queue_xmit(sk, skb, &fl, tos);
	}
	iph = skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	*iph = (struct iphdr) {
		.version = 4,
		.ihl = sizeof(*iph) / 4,
		.tos = tos,
		.ttl = ttl < 0 ? ip4_dst_hoplimit(dst) : ttl,
		.protocol = sk->sk_protocol,
		.saddr = saddr,
		.daddr = daddr,
	};
	if (skb->len <= IPV4_MIN_MTU || ip_dont_fragment(sk, dst))
		iph->frag_off = htons(IP_DF);
	else
		ip_select_ident(sock_net(sk), skb, NULL);
	skb->priority = READ_ONCE(sk->sk_priority);
	if (!skb->mark)
		skb->mark = READ_ONCE(sk->sk_mark);
	return ip_local_out(sock_net(sk), NULL, skb);
}
#else
#define tern_send_ip ip_build_and_send_pkt
#endif

/*
 * What the socket layer calls by way of struct proto and whose arguments changed:
 * each is here in the kernel's form and leads to a function that has one form.
 */
struct sock *tern_accept(struct sock *sk, int flags, int *err);
int tern_ioctl(struct sock *sk, int cmd, int *value);
int tern_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags);

/* 6.10: the arguments are in a struct. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
static inline struct sock *tern_prot_accept(struct sock *sk, struct proto_accept_arg *arg)
{
	return tern_accept(sk, arg->flags, &arg->err);
}
#else
static inline struct sock *tern_prot_accept(struct sock *sk, int flags, int *err, bool kern)
{
	return tern_accept(sk, flags, err);
}
#endif

/* 6.5: the caller hands the value over to the program. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
static inline int tern_prot_ioctl(struct sock *sk, int cmd, int *arg)
{
	return tern_ioctl(sk, cmd, arg);
}
#else
static inline int tern_prot_ioctl(struct sock *sk, int cmd, unsigned long arg)
{
	int value, err = tern_ioctl(sk, cmd, &value);

	return err ? err : put_user(value, (int __user *)arg);
}
#endif

/* 7.1: the length of the peer's address is in the msghdr alone. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0)
static inline int tern_prot_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags)
{
	if (flags & MSG_ERRQUEUE)
		return inet_recv_error(sk, msg, len);
	return tern_recvmsg(sk, msg, len, flags);
}
#else
static inline int tern_prot_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags,
				    int *addr_len)
{
	if (flags & MSG_ERRQUEUE)
		return inet_recv_error(sk, msg, len, addr_len);
	return tern_recvmsg(sk, msg, len, flags);
}
#endif

#endif /* TERN_MODULE_COMPAT_H */
