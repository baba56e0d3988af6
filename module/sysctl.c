// SPDX-License-Identifier: GPL-2.0
/*
 * net.tern.*: what an operator sets, per network namespace.
 *
 * Every value has a range; what lies outside is refused with EINVAL and changes
 * nothing.  A connection copies its timers' values when it is opened; limits, and
 * the length of TIME_WAIT for all that wait, hold at once.
 */
#include <linux/slab.h>
#include <linux/sysctl.h>

#include "module/tern_sock.h"

/** struct tern_sysctl_desc - one file of net/tern */
struct tern_sysctl_desc {
	const char *name;
	unsigned int def;
	unsigned int min;
	unsigned int max;
};

static const struct tern_sysctl_desc tern_sysctls[TERN_SYSCTLS] = {
	[TERN_SYSCTL_ENABLE] = { "enable", 1, 0, 1 },
	[TERN_SYSCTL_TIME_WAIT] = { "time_wait_s", 60, 1, 3600 },
	[TERN_SYSCTL_MAX_TIME_WAIT] = { "max_time_wait", 65536, 0, 1 << 24 },
	[TERN_SYSCTL_FIN_WAIT_2] = { "fin_wait_2_s", 60, 1, 3600 },
	[TERN_SYSCTL_RTO_INITIAL] = { "rto_initial_ms", 1000, 10, 60000 },
	[TERN_SYSCTL_RTO_MIN] = { "rto_min_ms", 200, 10, 60000 },
	[TERN_SYSCTL_RTO_MAX] = { "rto_max_ms", 120000, 1000, 600000 },
	[TERN_SYSCTL_DELACK] = { "delack_ms", 40, 0, 499 },
	[TERN_SYSCTL_SYN_RETRIES] = { "syn_retries", 6, 0, 30 },
	[TERN_SYSCTL_SYNACK_RETRIES] = { "synack_retries", 5, 0, 30 },
	[TERN_SYSCTL_DATA_RETRIES] = { "data_retries", 15, 0, 30 },
	[TERN_SYSCTL_ORPHAN_RETRIES] = { "orphan_retries", 8, 0, 30 },
	[TERN_SYSCTL_MAX_ORPHANS] = { "max_orphans", 8192, 0, 1 << 24 },
	[TERN_SYSCTL_MAX_SYN_BACKLOG] = { "max_syn_backlog", 1024, 1, 1 << 20 },
	[TERN_SYSCTL_SYNCOOKIES] = { "syncookies", 1, 0, 2 },
	[TERN_SYSCTL_CHALLENGE_ACKS] = { "challenge_acks_per_s", 0, 0, 1 << 24 },
	[TERN_SYSCTL_SACK] = { "sack", 1, 0, 1 },
	[TERN_SYSCTL_TIMESTAMPS] = { "timestamps", 1, 0, 1 },
	[TERN_SYSCTL_KEEP_IDLE] = { "keepalive_time_s", 7200, 1, 32767 },
	[TERN_SYSCTL_KEEP_INTERVAL] = { "keepalive_interval_s", 75, 1, 32767 },
	[TERN_SYSCTL_KEEP_PROBES] = { "keepalive_probes", 9, 1, 127 },
};

/* A new length of TIME_WAIT: whoever has waited long enough by it leaves now. */
static int tern_sysctl_time_wait(TERN_CTL_TABLE *table, int write, void *buffer,
				 size_t *lenp, loff_t *ppos)
{
	unsigned int *value = table->data;
	int err = proc_douintvec_minmax(table, write, buffer, lenp, ppos);

	if (!err && write)
		tern_tw_length_changed(container_of(value, struct tern_net,
						    sysctl[TERN_SYSCTL_TIME_WAIT]));
	return err;
}

/** tern_sysctl_init() - net/tern of a namespace, with the default values */
int tern_sysctl_init(struct tern_net *tn)
{
	struct ctl_table *table;
	unsigned int i;

	/* One more for the end mark that older kernels look for. */
	table = kcalloc(TERN_SYSCTLS + 1, sizeof(*table), GFP_KERNEL);
	if (!table)
		return -ENOMEM;

	for (i = 0; i < TERN_SYSCTLS; i++) {
		const struct tern_sysctl_desc *desc = &tern_sysctls[i];

		tn->sysctl[i] = desc->def;
		table[i].procname = desc->name;
		table[i].data = &tn->sysctl[i];
		table[i].maxlen = sizeof(unsigned int);
		table[i].mode = 0644;
		table[i].proc_handler = proc_douintvec_minmax;
		table[i].extra1 = (void *)&desc->min;
		table[i].extra2 = (void *)&desc->max;
	}
	table[TERN_SYSCTL_TIME_WAIT].proc_handler = tern_sysctl_time_wait;

	tn->sysctl_header = tern_register_sysctl(tn->net, "net/tern", table, TERN_SYSCTLS);
	if (!tn->sysctl_header) {
		kfree(table);
		return -ENOMEM;
	}
	tn->sysctl_table = table;
	return 0;
}

void tern_sysctl_exit(struct tern_net *tn)
{
	unregister_net_sysctl_table(tn->sysctl_header);
	kfree(tn->sysctl_table);
}
