/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every difference between the kernels Tern builds for, and nothing else.
 *
 * The oldest is 6.1.  Each entry names the version in which the kernel changed.
 */
#ifndef TERN_MODULE_COMPAT_H
#define TERN_MODULE_COMPAT_H

#include <linux/sysctl.h>
#include <linux/version.h>
#include <net/net_namespace.h>

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

#endif /* TERN_MODULE_COMPAT_H */
