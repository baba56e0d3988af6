// SPDX-License-Identifier: GPL-2.0
/*
 * TIME_WAIT: the table around the engine's struct tern_tw.
 *
 * A connection that has nothing left to do but wait gives its place in the
 * connection table to an entry of 64 bytes (over IPv6, 104).  All entries of a namespace wait the
 * same time, so a queue in order of arrival is in order of expiry, and one timer
 * for the first of them is enough.  They remember when the wait began rather than
 * when it ends: a new length holds for all of them at once.
 */
#include <linux/slab.h>

#include "module/tern_sock.h"
#include "module/trace.h"

/* Over IPv4, and over IPv6. */
static struct kmem_cache *tern_tw_cache[2];

int tern_tw_cache_init(void)
{
	tern_tw_cache[false] = kmem_cache_create("tern_time_wait", sizeof(struct tern_tw_entry),
						 0, SLAB_HWCACHE_ALIGN, NULL);
	tern_tw_cache[true] = kmem_cache_create("tern_time_wait6", sizeof(struct tern_tw_entry6),
						0, 0, NULL);
	if (tern_tw_cache[false] && tern_tw_cache[true])
		return 0;
	tern_tw_cache_exit();
	return -ENOMEM;
}

/** tern_tw_cache_exit() - after rcu_barrier() */
void tern_tw_cache_exit(void)
{
	kmem_cache_destroy(tern_tw_cache[true]);
	kmem_cache_destroy(tern_tw_cache[false]);
}

static struct tern_tw_entry *tern_tw_alloc(const struct tern_ends *ends)
{
	struct tern_tw_entry *tw = kmem_cache_zalloc(tern_tw_cache[ends->v6], GFP_ATOMIC);

	BUILD_BUG_ON(offsetof(struct tern_tw_entry6, tw) != 0);
	return tw;
}

static void tern_tw_free(struct tern_tw_entry *tw)
{
	kmem_cache_free(tern_tw_cache[tw->e.v6], tw);
}

static unsigned long tern_tw_length(const struct tern_net *tn)
{
	return (unsigned long)tern_sysctl(tn, TERN_SYSCTL_TIME_WAIT) * HZ;
}

/** tern_tw_remaining() - jiffies until an entry ends, 0 when it is due */
unsigned long tern_tw_remaining(const struct tern_net *tn, const struct tern_tw_entry *tw)
{
	unsigned long waited = (u32)jiffies - READ_ONCE(tw->since);
	unsigned long length = tern_tw_length(tn);

	return waited < length ? length - waited : 0;
}

static void tern_tw_free_rcu(struct rcu_head *rcu)
{
	tern_tw_free(container_of(rcu, struct tern_tw_entry, rcu));
}

/* An entry that is out of the connection table leaves the rest; under tw_lock. */
static void tern_tw_leave(struct tern_net *tn, struct tern_tw_entry *tw)
{
	tw->e.dead = true;
	list_del(&tw->queue);
	tn->tw_count--;
	tern_port_unconn(tn, tw->e.lport, tw->e.reuse);
	trace_tern_state(&tw->e, TERN_TIME_WAIT, TERN_CLOSED);
	call_rcu(&tw->rcu, tern_tw_free_rcu);
}

/* End the wait of an entry on the queue; under tw_lock. */
static void tern_tw_end(struct tern_net *tn, struct tern_tw_entry *tw)
{
	tern_remove(tn, &tw->e);
	tern_tw_leave(tn, tw);
}

static void tern_tw_arm(struct tern_net *tn)
{
	struct tern_tw_entry *first = list_first_entry_or_null(&tn->tw_queue,
							       struct tern_tw_entry, queue);

	if (first)
		mod_timer(&tn->tw_timer, jiffies + tern_timer_step(tern_tw_remaining(tn, first)));
}

/* End up to a batch of entries that are due, then let others have the CPU. */
static void tern_tw_timer(struct timer_list *t)
{
	struct tern_net *tn = timer_container_of(tn, t, tw_timer);
	struct tern_tw_entry *tw, *next;
	int batch = 256;

	spin_lock(&tn->tw_lock);
	list_for_each_entry_safe(tw, next, &tn->tw_queue, queue) {
		if (!batch-- || tern_tw_remaining(tn, tw))
			break;
		tern_tw_end(tn, tw);
	}
	tern_tw_arm(tn);
	spin_unlock(&tn->tw_lock);
}

void tern_tw_net_init(struct tern_net *tn)
{
	spin_lock_init(&tn->tw_lock);
	INIT_LIST_HEAD(&tn->tw_queue);
	timer_setup(&tn->tw_timer, tern_tw_timer, 0);
}

/** tern_tw_net_exit() - the namespace ends: so do all waits; no segment comes in any more */
void tern_tw_net_exit(struct tern_net *tn)
{
	struct tern_tw_entry *tw, *next;
	int batch;

	timer_delete_sync(&tn->tw_timer);
	while (tn->tw_count) {
		batch = 256;
		spin_lock_bh(&tn->tw_lock);
		list_for_each_entry_safe(tw, next, &tn->tw_queue, queue) {
			if (!batch--)
				break;
			tern_tw_end(tn, tw);
		}
		spin_unlock_bh(&tn->tw_lock);
		cond_resched();
	}
}

/** tern_tw_length_changed() - net.tern.time_wait_s has another value */
void tern_tw_length_changed(struct tern_net *tn)
{
	spin_lock_bh(&tn->tw_lock);
	tern_tw_arm(tn);
	spin_unlock_bh(&tn->tw_lock);
}

/* Room for one more: at the limit the entry that has waited longest goes. */
static bool tern_tw_make_room(struct tern_net *tn)
{
	unsigned int max = tern_sysctl(tn, TERN_SYSCTL_MAX_TIME_WAIT);
	struct tern_tw_entry *oldest;

	if (tn->tw_count < max)
		return true;
	tern_count(tn, TERN_MIB_TIME_WAIT_OVERFLOW);
	oldest = list_first_entry_or_null(&tn->tw_queue, struct tern_tw_entry, queue);
	if (!max || !oldest)
		return false;
	tern_tw_end(tn, oldest);
	return true;
}

/* Put @tw in the socket's place; under tw_lock. */
static bool tern_tw_take_place(struct tern_net *tn, struct sock *sk, struct tern_tw_entry *tw)
{
	struct tern_sock *ts = tern_sk(sk);
	bool counted = false;

	/* A connection whose port its user had bound was not counted by the port. */
	if (ts->bound) {
		if (tern_port_conn(tn, tw->e.lport, tw->e.reuse, NULL))
			return false;
		counted = true;
	}
	if (tern_replace(tn, &ts->e, &tw->e)) {
		if (counted)
			tern_port_unconn(tn, tw->e.lport, tw->e.reuse);
		return false;
	}
	if (!counted) {
		/* The entry has taken over the reference to the port. */
		ts->port = NULL;
		inet_sk(sk)->inet_num = 0;
	}
	return true;
}

/**
 * tern_tw_enter() - a connection has reached TIME_WAIT: an entry takes its place
 * @sk: socket, locked, its connection drained
 *
 * The connection is over for the socket either way.  Without memory or room for
 * the entry there is no wait, which is counted.
 */
void tern_tw_enter(struct sock *sk)
{
	struct tern_net *tn = tern_net(sock_net(sk));
	struct tern_sock *ts = tern_sk(sk);
	struct tern_tw_entry *tw;
	struct tern_ends ends;
	bool placed = false;

	tern_count(tn, TERN_MIB_TIME_WAITED);
	tern_ends_of_entry(&ends, &ts->e);
	tw = tern_tw_alloc(&ends);
	if (!tw) {
		tern_count(tn, TERN_MIB_TIME_WAIT_OVERFLOW);
		trace_tern_state(&ts->e, TERN_TIME_WAIT, TERN_CLOSED);
		tern_done(sk);
		return;
	}
	tern_entry_init(&tw->e, TERN_KIND_TW, &ends, ts->e.reuse);
	tern_tw_init(&tw->tw, &ts->conn);
	tw->since = jiffies;
	tw->acked = tw->since - HZ;

	spin_lock_bh(&tn->tw_lock);
	if (tern_tw_make_room(tn) && tern_tw_take_place(tn, sk, tw)) {
		placed = true;
		list_add_tail(&tw->queue, &tn->tw_queue);
		if (!tn->tw_count++)
			tern_tw_arm(tn);
	}
	spin_unlock_bh(&tn->tw_lock);

	if (placed) {
		ts->hashed = false;
		__sock_put(sk);
	} else {
		trace_tern_state(&ts->e, TERN_TIME_WAIT, TERN_CLOSED);
		tern_tw_free(tw);
	}
	tern_done(sk);
}

/* The peer's FIN came again: the wait starts anew, at the end of the queue. */
static void tern_tw_restart(struct tern_net *tn, struct tern_tw_entry *tw)
{
	spin_lock_bh(&tn->tw_lock);
	if (!tw->e.dead) {
		WRITE_ONCE(tw->since, (u32)jiffies);
		list_move_tail(&tw->queue, &tn->tw_queue);
	}
	spin_unlock_bh(&tn->tw_lock);
}

/*
 * Two ends that disagree would answer each other's bare ACKs for ever: those are
 * answered twice a second, as in every other state.
 */
static bool tern_tw_may_answer(struct tern_tw_entry *tw, const struct tern_seg *seg)
{
	u32 now = jiffies;

	if (seg->len || seg->flags & (TERN_SYN | TERN_FIN))
		return true;
	if (now - READ_ONCE(tw->acked) < HZ / 2)
		return false;
	WRITE_ONCE(tw->acked, now);
	return true;
}

/**
 * tern_tw_give_place() - a half-open connection takes the entry's place
 * @tn: namespace
 * @tw: entry, found under rcu_read_lock(); freed when 0 is returned
 * @e: the new connection's place, with the same key
 *
 * Return: 0, or -EEXIST when the entry is gone meanwhile.
 */
int tern_tw_give_place(struct tern_net *tn, struct tern_tw_entry *tw, struct tern_entry *e)
{
	int err = -EEXIST;

	spin_lock_bh(&tn->tw_lock);
	if (!tw->e.dead && !tern_replace(tn, &tw->e, e)) {
		tern_tw_leave(tn, tw);
		tern_count(tn, TERN_MIB_TIME_WAIT_REOPENS);
		err = 0;
	}
	spin_unlock_bh(&tn->tw_lock);
	return err;
}

/**
 * tern_tw_rcv() - a segment for a connection in TIME_WAIT
 * @tn: namespace
 * @tw: entry, found under rcu_read_lock()
 * @ends: its ends
 * @skb: the segment; consumed
 * @seg: its header
 */
void tern_tw_rcv(struct tern_net *tn, struct tern_tw_entry *tw, const struct tern_ends *ends,
		 struct sk_buff *skb, struct tern_seg *seg)
{
	struct tern_seg reply;
	struct sock *sk;
	u32 tsval;

	tsval = tw->tw.ts_ok ? tern_tsval(tern_now(), tern_ts_offset(ends)) : 0;
	switch (tern_tw_segment_arrives(&tw->tw, tsval, seg, &reply)) {
	case TERN_TW_DROP:
		tern_drop_skb(tn, skb, TERN_DROP_TIME_WAIT);
		return;
	case TERN_TW_REOPEN:
		sk = tern_lookup_listener(tn, ends, skb->skb_iif);
		if (sk) {
			tern_listen_rcv(tn, sk, ends, skb, seg, tw);
			return;
		}
		break;
	case TERN_TW_RESTART:
		tern_tw_restart(tn, tw);
		break;
	case TERN_TW_ACK:
		if (!tern_tw_may_answer(tw, seg)) {
			tern_drop_skb(tn, skb, TERN_DROP_TIME_WAIT);
			return;
		}
		break;
	}
	tern_count(tn, TERN_MIB_TIME_WAIT_ACKS);
	tern_xmit_entry(tn, &tw->e, NULL, &reply);
	consume_skb(skb);
}
