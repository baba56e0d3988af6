// SPDX-License-Identifier: GPL-2.0
/*
 * Counters: one set per CPU and namespace, added up by who reads them.
 */
#include <linux/percpu.h>

#include "module/tern_sock.h"

/** tern_stats_init() - counters of a namespace, all 0 */
int tern_stats_init(struct tern_net *tn)
{
	tn->mib = alloc_percpu(struct tern_mib);
	return tn->mib ? 0 : -ENOMEM;
}

void tern_stats_exit(struct tern_net *tn)
{
	free_percpu(tn->mib);
}

/**
 * tern_mib_sum() - a counter over all CPUs
 * @tn: namespace
 * @index: &enum tern_mib_item, or TERN_MIB_ITEMS + a drop reason
 */
u64 tern_mib_sum(const struct tern_net *tn, unsigned int index)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct tern_mib *mib = per_cpu_ptr(tn->mib, cpu);

		sum += index < TERN_MIB_ITEMS ? READ_ONCE(mib->v[index]) :
			READ_ONCE(mib->drop[index - TERN_MIB_ITEMS]);
	}
	return sum;
}
