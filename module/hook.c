// SPDX-License-Identifier: GPL-2.0
/*
 * The way in: a netfilter hook at LOCAL_IN takes every packet of the protocol
 * in a namespace where Tern is on.  Nothing is decided here but "is it ours?".
 *
 * Over IPv6 a segment may stand behind extension headers, or be in fragments, which
 * are put together only after the hook.  Those are the kernel's to deal with, and
 * come in afterwards as the protocol's packets do: see ipv6.c.
 */
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>

#include "module/tern_sock.h"

static unsigned int tern_hook(void *priv, struct sk_buff *skb,
			      const struct nf_hook_state *state)
{
	u8 protocol = state->pf == NFPROTO_IPV6 ? ipv6_hdr(skb)->nexthdr :
		ip_hdr(skb)->protocol;

	if (protocol != tern_protocol ||
	    !tern_sysctl(tern_net(state->net), TERN_SYSCTL_ENABLE))
		return NF_ACCEPT;

	/*
	 * Softirqs are off already, but for a packet that comes back from a program
	 * (NFQUEUE).
	 */
	local_bh_disable();
	tern_rcv(state->net, skb);
	local_bh_enable();
	return NF_STOLEN;
}

/* Last in the chain: firewalls see, and may refuse, what we take. */
static const struct nf_hook_ops tern_hook_ops[] = {
	{
		.hook = tern_hook,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP_PRI_LAST,
	},
	{
		.hook = tern_hook,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP6_PRI_LAST,
	},
};

static unsigned int tern_hook_count(void)
{
	return ARRAY_SIZE(tern_hook_ops) - !tern6_enabled();
}

/** tern_hook_init() - start taking packets in a namespace */
int tern_hook_init(struct net *net)
{
	return nf_register_net_hooks(net, tern_hook_ops, tern_hook_count());
}

/** tern_hook_exit() - take no more; some may be on their way until a grace period is over */
void tern_hook_exit(struct net *net)
{
	WRITE_ONCE(tern_net(net)->leaving, true);
	nf_unregister_net_hooks(net, tern_hook_ops, tern_hook_count());
}
