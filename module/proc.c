// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/net/tern: a line per listener and connection, in the columns (and with
 * the state numbers) of /proc/net/tcp, further columns behind them.
 * /proc/net/tern6: the same in the columns of /proc/net/tcp6, for listeners of AF_INET6
 * and connections that run over IPv6.  (One of an AF_INET6 socket that runs over IPv4
 * is in the other file, from its first segment to the end of TIME_WAIT.)
 * /proc/net/tern_stat: the counters, a name and a number a line.
 */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <net/ipv6.h>

#include "module/tern_sock.h"

/**
 * struct tern_proc - where a reader of /proc/net/tern or tern6 is
 * @net: the namespace, referenced while the file is open
 * @iter: the walk through one of the two tables
 * @ports: the walk is through the ports (listeners), which come first
 * @walking: @iter is in use
 * @v6: it is tern6
 * @line: number of the next line
 */
struct tern_proc {
	struct net *net;
	struct rhashtable_iter iter;
	bool ports;
	bool walking;
	bool v6;
	unsigned int line;
};

static struct tern_net *tern_proc_net(const struct seq_file *m)
{
	const struct tern_proc *proc = m->private;

	return tern_net(proc->net);
}

/* What one line says; the names are those of the columns. */
struct tern_proc_line {
	struct tern_ends ends;
	u8 state;
	u8 timer;
	u8 retransmits;
	u32 tx_queue;
	u32 rx_queue;
	u64 when_us;
	kuid_t uid;
	unsigned long inode;
	int refs;
	const void *where;
	u32 rto_us;
	u32 cwnd;
	u32 ssthresh;
	u32 srtt_us;
	u32 rcv_wnd;
	u32 snd_wnd;
	u32 mss;
	u32 rexmits_total;
};

/* Timer numbers of /proc/net/tcp. */
enum {
	TERN_PROC_NO_TIMER = 0,
	TERN_PROC_REXMT = 1,
	TERN_PROC_FIN_WAIT_2 = 2,
	TERN_PROC_KEEPALIVE = 2,
	TERN_PROC_TIME_WAIT = 3,
	TERN_PROC_PERSIST = 4,
};

static void tern_proc_addr(struct seq_file *m, const struct in6_addr *addr, __be16 port)
{
	const struct tern_proc *proc = m->private;
	int i;

	seq_putc(m, ' ');
	for (i = proc->v6 ? 0 : 3; i < 4; i++)
		seq_printf(m, "%08X", (__force u32)addr->s6_addr32[i]);
	seq_printf(m, ":%04X", ntohs(port));
}

static void tern_proc_print(struct seq_file *m, const struct tern_proc_line *l)
{
	struct tern_proc *proc = m->private;

	seq_printf(m, "%4u:", proc->line++);
	tern_proc_addr(m, &l->ends.laddr, l->ends.lport);
	tern_proc_addr(m, &l->ends.raddr, l->ends.rport);
	seq_printf(m, " %02X %08X:%08X %02X:%08lX %08X %5u %8d %lu %d %pK",
		   l->state, l->tx_queue, l->rx_queue, l->timer,
		   (unsigned long)jiffies_delta_to_clock_t(usecs_to_jiffies(l->when_us)),
		   l->retransmits, from_kuid_munged(seq_user_ns(m), l->uid), 0,
		   l->inode, l->refs, l->where);
	seq_printf(m, " %u %u %u %u %u %u %u %u\n", l->rto_us, l->srtt_us, l->cwnd,
		   l->ssthresh, l->snd_wnd, l->rcv_wnd, l->mss, l->rexmits_total);
}

static void tern_proc_header(struct seq_file *m)
{
	const struct tern_proc *proc = m->private;

	seq_puts(m, "  sl  local_address ");
	seq_printf(m, "%*s", proc->v6 ? 24 : 0, "");
	seq_puts(m, proc->v6 ? "remote_address                        " : "rem_address   ");
	seq_puts(m, "st tx_queue rx_queue tr tm->when retrnsmt");
	seq_puts(m, "   uid  timeout inode ref pointer");
	seq_puts(m, " rto_us srtt_us cwnd ssthresh snd_wnd rcv_wnd mss rexmits\n");
}

static void tern_proc_ends(struct tern_proc_line *l, const struct tern_entry *e)
{
	tern_ends_of_entry(&l->ends, e);
	l->where = e;
}

/* The timer that matters: the one a reader of /proc/net/tcp knows. */
static void tern_proc_timer(struct tern_proc_line *l, const struct tern_conn *conn)
{
	static const u8 shown[][2] = {
		{ TERN_TIMER_REXMT, TERN_PROC_REXMT },
		{ TERN_TIMER_PERSIST, TERN_PROC_PERSIST },
		{ TERN_TIMER_FIN_WAIT_2, TERN_PROC_FIN_WAIT_2 },
		{ TERN_TIMER_KEEPALIVE, TERN_PROC_KEEPALIVE },
	};
	u64 now = tern_now();
	int i;

	for (i = 0; i < ARRAY_SIZE(shown); i++) {
		u64 deadline = READ_ONCE(conn->deadline[shown[i][0]]);

		if (deadline == TERN_NEVER)
			continue;
		l->timer = shown[i][1];
		l->when_us = deadline > now ? deadline - now : 0;
		return;
	}
}

static void tern_proc_conn(struct tern_proc_line *l, const struct tern_conn *conn)
{
	l->state = READ_ONCE(conn->state);
	l->retransmits = READ_ONCE(conn->rexmits);
	l->rto_us = READ_ONCE(conn->rto);
	l->srtt_us = READ_ONCE(conn->srtt);
	l->cwnd = READ_ONCE(conn->cwnd);
	l->ssthresh = READ_ONCE(conn->ssthresh);
	l->snd_wnd = READ_ONCE(conn->snd_wnd);
	l->rcv_wnd = tern_rcv_wnd(conn);
	l->mss = READ_ONCE(conn->snd_mss);
	l->rexmits_total = READ_ONCE(conn->rexmits_total);
	tern_proc_timer(l, conn);
}

/*
 * The socket is not locked: each number is one that was true a moment ago, not
 * all of them at the same one.
 */
static void tern_proc_sock(struct seq_file *m, struct sock *sk)
{
	struct tern_sock *ts = tern_sk(sk);
	struct tern_proc_line l = {
		.tx_queue = tern_seq_dist(ts->conn.snd_una, ts->conn.snd_end),
		.rx_queue = READ_ONCE(ts->rcv_tail) - READ_ONCE(ts->rcv_head),
		.uid = sk_uid(sk),
		.inode = sock_i_ino(sk),
		.refs = refcount_read(&sk->sk_refcnt),
	};

	tern_proc_ends(&l, &ts->e);
	tern_proc_conn(&l, &ts->conn);
	tern_proc_print(m, &l);
}

static void tern_proc_request(struct seq_file *m, struct tern_request *rq)
{
	struct tern_config cfg;
	struct tern_conn conn;
	struct tern_proc_line l = { .refs = refcount_read(&rq->refs) };

	spin_lock_bh(&rq->lock);
	if (!rq->e.dead) {
		tern_proc_ends(&l, &rq->e);
		tern_config(rq->listener, &l.ends, rq->mss, &cfg);
		tern_req_unpack(&conn, &rq->req, &cfg);
		l.uid = sk_uid(rq->listener);
		tern_proc_conn(&l, &conn);
		tern_proc_print(m, &l);
	}
	spin_unlock_bh(&rq->lock);
}

static void tern_proc_tw(struct seq_file *m, const struct tern_tw_entry *tw)
{
	struct tern_proc_line l = {
		.state = TERN_TIME_WAIT,
		.timer = TERN_PROC_TIME_WAIT,
		.when_us = jiffies_to_usecs(tern_tw_remaining(tern_proc_net(m), tw)),
		.uid = GLOBAL_ROOT_UID,
		.refs = 1,
	};

	tern_proc_ends(&l, &tw->e);
	tern_proc_print(m, &l);
}

static void tern_proc_listener_ends(struct tern_proc_line *l, const struct tern_sock *ts,
				    u32 port)
{
	l->ends.lport = htons(port);
	l->where = ts;
	if (ts->inet.sk.sk_family == AF_INET)
		ipv6_addr_set_v4mapped(ts->inet.inet_rcv_saddr, &l->ends.laddr);
#if IS_ENABLED(CONFIG_IPV6)
	else
		l->ends.laddr = ts->inet.sk.sk_v6_rcv_saddr;
#endif
}

static void tern_proc_listeners(struct seq_file *m, const struct tern_port *p)
{
	const struct tern_proc *proc = m->private;
	struct tern_sock *ts;

	hlist_for_each_entry_rcu(ts, &p->owners, owner_node) {
		struct sock *sk = &ts->inet.sk;
		struct tern_proc_line l = {
			.state = TERN_LISTEN,
			.refs = refcount_read(&sk->sk_refcnt),
		};

		if (inet_sk_state_load(sk) != TCP_LISTEN ||
		    sk->sk_family != (proc->v6 ? AF_INET6 : AF_INET))
			continue;
		tern_proc_listener_ends(&l, ts, p->port);
		/* As for TCP: how many wait to be accepted, and how many may. */
		l.rx_queue = READ_ONCE(ts->listener->n_accept);
		l.tx_queue = READ_ONCE(sk->sk_max_ack_backlog);
		l.uid = sk_uid(sk);
		l.inode = sock_i_ino(sk);
		tern_proc_print(m, &l);
	}
}

static void tern_proc_walk(struct tern_proc *proc, struct tern_net *tn, bool ports)
{
	if (proc->walking)
		rhashtable_walk_exit(&proc->iter);
	rhashtable_walk_enter(ports ? &tn->ports : &tn->conns, &proc->iter);
	proc->ports = ports;
	proc->walking = true;
}

/* The walk's next object; when the ports are through, go on with the connections. */
static void *tern_proc_step(struct seq_file *m, void *v)
{
	struct tern_net *tn = tern_proc_net(m);
	struct tern_proc *proc = m->private;

	for (;;) {
		while (IS_ERR(v))	/* the table was resized: go on */
			v = rhashtable_walk_next(&proc->iter);
		if (v || !proc->ports)
			return v;
		rhashtable_walk_stop(&proc->iter);
		tern_proc_walk(proc, tn, false);
		rhashtable_walk_start(&proc->iter);
		v = rhashtable_walk_next(&proc->iter);
	}
}

static void *tern_proc_start(struct seq_file *m, loff_t *pos)
	__acquires(RCU)
{
	struct tern_net *tn = tern_proc_net(m);
	struct tern_proc *proc = m->private;

	if (!*pos || !proc->walking) {
		tern_proc_walk(proc, tn, true);
		proc->line = 0;
	}
	rhashtable_walk_start(&proc->iter);
	return *pos ? tern_proc_step(m, rhashtable_walk_peek(&proc->iter)) : SEQ_START_TOKEN;
}

static void *tern_proc_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct tern_proc *proc = m->private;

	++*pos;
	return tern_proc_step(m, rhashtable_walk_next(&proc->iter));
}

static void tern_proc_stop(struct seq_file *m, void *v)
	__releases(RCU)
{
	struct tern_proc *proc = m->private;

	rhashtable_walk_stop(&proc->iter);
}

static int tern_proc_show(struct seq_file *m, void *v)
{
	struct tern_proc *proc = m->private;
	struct tern_entry *e = v;

	if (v == SEQ_START_TOKEN) {
		tern_proc_header(m);
		return 0;
	}
	if (proc->ports) {
		tern_proc_listeners(m, v);
		return 0;
	}
	if (e->v6 != proc->v6)
		return 0;
	switch ((enum tern_kind)e->kind) {
	case TERN_KIND_SOCK:
		tern_proc_sock(m, &container_of(e, struct tern_sock, e)->inet.sk);
		break;
	case TERN_KIND_REQUEST:
		tern_proc_request(m, container_of(e, struct tern_request, e));
		break;
	case TERN_KIND_TW:
		tern_proc_tw(m, container_of(e, struct tern_tw_entry, e));
		break;
	}
	return 0;
}

static const struct seq_operations tern_proc_ops = {
	.start = tern_proc_start,
	.next = tern_proc_next,
	.stop = tern_proc_stop,
	.show = tern_proc_show,
};

static const char *const tern_mib_names[TERN_MIB_ITEMS] = {
	[TERN_MIB_IN_SEGS] = "in_segs",
	[TERN_MIB_OUT_SEGS] = "out_segs",
	[TERN_MIB_OUT_FAILED] = "out_failed",
	[TERN_MIB_RETRANS_SEGS] = "retrans_segs",
	[TERN_MIB_REXMT_TIMEOUTS] = "rexmt_timeouts",
	[TERN_MIB_RECOVERIES] = "loss_recoveries",
	[TERN_MIB_OUT_RSTS] = "out_rsts",
	[TERN_MIB_ACTIVE_OPENS] = "active_opens",
	[TERN_MIB_PASSIVE_OPENS] = "passive_opens",
	[TERN_MIB_ESTABLISHED] = "established",
	[TERN_MIB_CONN_TIMEOUTS] = "conn_timeouts",
	[TERN_MIB_CONN_RESETS] = "conn_resets",
	[TERN_MIB_TIME_WAITED] = "time_waited",
	[TERN_MIB_TIME_WAIT_ACKS] = "time_wait_acks",
	[TERN_MIB_TIME_WAIT_REOPENS] = "time_wait_reopens",
	[TERN_MIB_TIME_WAIT_OVERFLOW] = "time_wait_overflow",
	[TERN_MIB_CHALLENGE_ACKS] = "challenge_acks",
	[TERN_MIB_CHALLENGE_LIMITED] = "challenge_limited",
	[TERN_MIB_SYNCOOKIES_SENT] = "syncookies_sent",
	[TERN_MIB_SYNCOOKIES_RECEIVED] = "syncookies_received",
	[TERN_MIB_SYNCOOKIES_FAILED] = "syncookies_failed",
	[TERN_MIB_SYNCOOKIES_REPLAYED] = "syncookies_replayed",
	[TERN_MIB_ORPHAN_OVERFLOW] = "orphan_overflow",
	[TERN_MIB_RCV_PRUNED] = "rcv_pruned",
};

static const char *const tern_drop_names[TERN_DROPS] = {
	[TERN_DROP_SHORT] = "drop_short",
	[TERN_DROP_HLEN] = "drop_header_length",
	[TERN_DROP_OPTIONS] = "drop_options",
	[TERN_DROP_PORT] = "drop_port_zero",
	[TERN_DROP_CLOSED] = "drop_no_connection",
	[TERN_DROP_FLAGS] = "drop_flags",
	[TERN_DROP_WINDOW] = "drop_outside_window",
	[TERN_DROP_RST] = "drop_rst_not_exact",
	[TERN_DROP_SYN] = "drop_syn_in_connection",
	[TERN_DROP_ACK] = "drop_bad_ack",
	[TERN_DROP_DUPLICATE] = "drop_duplicate",
	[TERN_DROP_RANGES] = "drop_too_many_holes",
	[TERN_DROP_ORPHAN] = "drop_user_gone",
	[TERN_DROP_PAWS] = "drop_old_timestamp",
	[TERN_DROP_NO_TS] = "drop_no_timestamp",
	[TERN_DROP_CHECKSUM] = "drop_checksum",
	[TERN_DROP_NOT_UNICAST] = "drop_not_unicast",
	[TERN_DROP_MEMORY] = "drop_memory",
	[TERN_DROP_BACKLOG] = "drop_backlog",
	[TERN_DROP_SYN_OVERFLOW] = "drop_syn_overflow",
	[TERN_DROP_ACCEPT_OVERFLOW] = "drop_accept_overflow",
	[TERN_DROP_TIME_WAIT] = "drop_time_wait",
	[TERN_DROP_LISTEN] = "drop_listen",
	[TERN_DROP_POLICY] = "drop_policy",
	[TERN_DROP_FILTER] = "drop_filter",
	[TERN_DROP_RACE] = "drop_race",
};

static int tern_stat_show(struct seq_file *m, void *v)
{
	struct tern_net *tn = tern_net(seq_file_single_net(m));
	unsigned int i;

	for (i = 0; i < TERN_MIB_ITEMS; i++)
		seq_printf(m, "%s %llu\n", tern_mib_names[i], tern_mib_sum(tn, i));
	for (i = TERN_DROP_NONE + 1; i < TERN_DROPS; i++)
		seq_printf(m, "%s %llu\n", tern_drop_names[i],
			   tern_mib_sum(tn, TERN_MIB_ITEMS + i));
	/* What there is now, unlike the counts above. */
	seq_printf(m, "now_sockets %d\n", atomic_read(&tn->sockets));
	seq_printf(m, "now_orphans %d\n", atomic_read(&tn->orphans));
	seq_printf(m, "now_half_open %d\n", atomic_read(&tn->requests));
	seq_printf(m, "now_time_wait %u\n", READ_ONCE(tn->tw_count));
	seq_printf(m, "now_connections %d\n", atomic_read(&tn->conns.nelems));
	seq_printf(m, "now_ports %d\n", atomic_read(&tn->ports.nelems));
	return 0;
}

/*
 * Not proc_create_net(): the walk goes on from one read() to the next and is ended
 * by the last close, or listing many connections would take quadratic time.
 */
static int tern_proc_open_version(struct inode *inode, struct file *file, bool v6)
{
	struct net *net = maybe_get_net(pde_data(inode));
	struct tern_proc *proc;

	if (!net)
		return -ENXIO;
	proc = __seq_open_private(file, &tern_proc_ops, sizeof(*proc));
	if (!proc) {
		put_net(net);
		return -ENOMEM;
	}
	proc->net = net;
	proc->v6 = v6;
	return 0;
}

static int tern_proc_open(struct inode *inode, struct file *file)
{
	return tern_proc_open_version(inode, file, false);
}

static int tern_proc_open6(struct inode *inode, struct file *file)
{
	return tern_proc_open_version(inode, file, true);
}

static int tern_proc_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;
	struct tern_proc *proc = m->private;

	if (proc->walking)
		rhashtable_walk_exit(&proc->iter);
	put_net(proc->net);
	return seq_release_private(inode, file);
}

static const struct proc_ops tern_proc_file_ops = {
	.proc_open = tern_proc_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = tern_proc_release,
};

static const struct proc_ops tern_proc_file_ops6 = {
	.proc_open = tern_proc_open6,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = tern_proc_release,
};

/** tern_proc_init() - the files of a namespace */
int tern_proc_init(struct net *net)
{
	if (!proc_create_data("tern", 0444, net->proc_net, &tern_proc_file_ops, net))
		return -ENOMEM;
	if (!proc_create_net_single("tern_stat", 0444, net->proc_net, tern_stat_show, NULL))
		goto err_tern;
	if (tern6_enabled() &&
	    !proc_create_data("tern6", 0444, net->proc_net, &tern_proc_file_ops6, net))
		goto err_stat;
	return 0;

err_stat:
	remove_proc_entry("tern_stat", net->proc_net);
err_tern:
	remove_proc_entry("tern", net->proc_net);
	return -ENOMEM;
}

void tern_proc_exit(struct net *net)
{
	if (tern6_enabled())
		remove_proc_entry("tern6", net->proc_net);
	remove_proc_entry("tern_stat", net->proc_net);
	remove_proc_entry("tern", net->proc_net);
}
