// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and leaving: the ladder of what is registered, up and down, and the
 * part of it that every network namespace has.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/module.h>
#include <net/inet_common.h>
#include <net/net_namespace.h>
#include <net/protocol.h>

#include "module/tern_sock.h"
#include "uapi/linux/tern.h"

#define CREATE_TRACE_POINTS
#include "module/trace.h"

unsigned int tern_net_id __read_mostly;
u8 tern_protocol __read_mostly = IPPROTO_TERN;

module_param_named(protocol, tern_protocol, byte, 0444);
MODULE_PARM_DESC(protocol, "IP protocol number, one that nobody else has registered (default 253)");

/*
 * Where Tern is on, the netfilter hook has taken every segment before IP looks
 * for a handler.  What still comes here belongs to a namespace where Tern is off
 * and perhaps to a raw socket, which has its copy already.
 */
static int tern_not_ours(struct sk_buff *skb)
{
	kfree_skb(skb);
	return 0;
}

static const struct net_protocol tern_net_protocol = {
	.handler = tern_not_ours,
	.err_handler = tern_icmp_err,
	.no_policy = 1,
};

static struct inet_protosw tern_protosw = {
	.type = SOCK_STREAM,
	.prot = &tern_prot,
	.ops = &tern_stream_ops,
};

static int __net_init tern_net_init(struct net *net)
{
	struct tern_net *tn = tern_net(net);
	int err;

	tn->net = net;
	tern_tw_net_init(tn);
	err = tern_stats_init(tn);
	if (err)
		return err;
	err = tern_demux_init(tn);
	if (err)
		goto err_stats;
	err = inet_ctl_sock_create(&tn->ctl_sk, PF_INET, SOCK_RAW, tern_protocol, net);
	if (err)
		goto err_demux;
	err = tern6_net_init(tn);
	if (err)
		goto err_ctl_sk;
	err = tern_sysctl_init(tn);
	if (err)
		goto err_net6;
	err = tern_proc_init(net);
	if (err)
		goto err_sysctl;
	err = tern_hook_init(net);
	if (err)
		goto err_proc;
	return 0;

err_proc:
	tern_proc_exit(net);
err_sysctl:
	tern_sysctl_exit(tn);
err_net6:
	tern6_net_exit(tn);
err_ctl_sk:
	inet_ctl_sock_destroy(tn->ctl_sk);
err_demux:
	tern_demux_exit(tn);
err_stats:
	tern_stats_exit(tn);
	return err;
}

/* No segment comes in any more; a grace period follows before tern_net_exit(). */
static void __net_exit tern_net_pre_exit(struct net *net)
{
	tern_hook_exit(net);
}

static void __net_exit tern_net_exit(struct net *net)
{
	struct tern_net *tn = tern_net(net);

	tern_proc_exit(net);
	tern_sysctl_exit(tn);
	tern_tw_net_exit(tn);
	tern_sock_exit(tn);
	tern6_net_exit(tn);
	inet_ctl_sock_destroy(tn->ctl_sk);
	tern_demux_exit(tn);
	tern_cookie_exit(tn);
	tern_stats_exit(tn);
}

static struct pernet_operations tern_net_ops = {
	.init = tern_net_init,
	.pre_exit = tern_net_pre_exit,
	.exit = tern_net_exit,
	.id = &tern_net_id,
	.size = sizeof(struct tern_net),
};

static int __init tern_init(void)
{
	int err;

	/* What is carried in skb->cb, and what a flood costs: see doc/design.md. */
	BUILD_BUG_ON(sizeof(struct tern_cb) > sizeof_field(struct sk_buff, cb));
	BUILD_BUG_ON(sizeof(struct tern_entry) > 24);
	BUILD_BUG_ON(sizeof(struct tern_tw_entry) > 64);
	/* A debugging kernel's locks and timers are several times as large, those
	 * that sleep (PREEMPT_RT) have a queue.
	 */
	BUILD_BUG_ON(!IS_ENABLED(CONFIG_DEBUG_SPINLOCK) && !IS_ENABLED(CONFIG_PREEMPT_RT) &&
		     sizeof(struct tern_request) > 192);

	/* Asked before the hooks are in place, and settled by inet_add_protocol(). */
	if (rcu_access_pointer(inet_protos[tern_protocol])) {
		pr_err("IP protocol %u belongs to someone else\n", tern_protocol);
		return -EBUSY;
	}
	err = tern_tw_cache_init();
	if (err)
		return err;
	err = tern_request_cache_init();
	if (err)
		goto err_tw_cache;
	err = tern_prot_init();
	if (err)
		goto err_request_cache;
	err = register_pernet_subsys(&tern_net_ops);
	if (err)
		goto err_proto;
	err = inet_add_protocol(&tern_net_protocol, tern_protocol);
	if (err) {
		err = -EBUSY;
		goto err_pernet;
	}
	err = tern6_register();
	if (err)
		goto err_protocol;
	tern_protosw.protocol = tern_protocol;
	inet_register_protosw(&tern_protosw);
	return 0;

err_protocol:
	inet_del_protocol(&tern_net_protocol, tern_protocol);
err_pernet:
	unregister_pernet_subsys(&tern_net_ops);
err_proto:
	tern_prot_exit();
err_request_cache:
	tern_request_cache_exit();
err_tw_cache:
	tern_tw_cache_exit();
	return err;
}

/*
 * No program holds a socket, or we would not be here.  First nothing new can
 * come in, then what is left in the namespaces (orphans, TIME_WAIT) is ended,
 * then the last timers and RCU callbacks run out, then the caches go.
 */
static void __exit tern_exit(void)
{
	inet_unregister_protosw(&tern_protosw);
	tern6_unregister();
	inet_del_protocol(&tern_net_protocol, tern_protocol);
	unregister_pernet_subsys(&tern_net_ops);
	synchronize_rcu();
	rcu_barrier();
	tern_prot_exit();
	tern_request_cache_exit();
	tern_tw_cache_exit();
}

module_init(tern_init);
module_exit(tern_exit);

MODULE_DESCRIPTION("Tern: a small transport protocol with TCP's connections");
MODULE_LICENSE("GPL");
/* socket(AF_INET, SOCK_STREAM, 253) loads the module. */
MODULE_ALIAS_NET_PF_PROTO_TYPE(PF_INET, 253, 1);
MODULE_ALIAS_NET_PF_PROTO_TYPE(PF_INET6, 253, 1);
