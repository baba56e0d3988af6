// SPDX-License-Identifier: GPL-2.0
/*
 * Whose segment is it?  The two tables of a namespace: connections of every kind
 * (sockets, half-open, TIME_WAIT) by addresses and ports, and local ports with
 * the sockets that own them, listeners among them.
 *
 * Lookups run under rcu_read_lock() and take no lock.  A connection changes its
 * kind by replacing its entry in one step, so a segment finds the old or the new
 * one, never none.
 */
#include <linux/random.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "module/tern_sock.h"

/* The table's key is struct tern_ends, in whatever form the entry has it. */
static u32 tern_conns_hash(const void *key, u32 len, u32 seed)
{
	return tern_ends_hash(key, seed);
}

static u32 tern_conns_hash_entry(const void *e, u32 len, u32 seed)
{
	struct tern_ends ends;

	tern_ends_of_entry(&ends, e);
	return tern_ends_hash(&ends, seed);
}

static int tern_conns_differ(struct rhashtable_compare_arg *arg, const void *e)
{
	return !tern_entry_has_ends(e, arg->key);
}

static const struct rhashtable_params tern_conns_params = {
	.key_len = sizeof(struct tern_ends),
	.head_offset = offsetof(struct tern_entry, node),
	.hashfn = tern_conns_hash,
	.obj_hashfn = tern_conns_hash_entry,
	.obj_cmpfn = tern_conns_differ,
	.automatic_shrinking = true,
};

static const struct rhashtable_params tern_ports_params = {
	.key_len = sizeof_field(struct tern_port, port),
	.key_offset = offsetof(struct tern_port, port),
	.head_offset = offsetof(struct tern_port, node),
	.automatic_shrinking = true,
};

int tern_demux_init(struct tern_net *tn)
{
	int err;

	spin_lock_init(&tn->ports_lock);
	err = rhashtable_init(&tn->conns, &tern_conns_params);
	if (err)
		return err;
	err = rhashtable_init(&tn->ports, &tern_ports_params);
	if (err)
		rhashtable_destroy(&tn->conns);
	return err;
}

/** tern_demux_exit() - the namespace ends; both tables are empty */
void tern_demux_exit(struct tern_net *tn)
{
	WARN_ON(atomic_read(&tn->conns.nelems));
	WARN_ON(atomic_read(&tn->ports.nelems));
	rhashtable_destroy(&tn->conns);
	rhashtable_destroy(&tn->ports);
}

/**
 * tern_lookup() - find a connection of any kind
 * @tn: namespace
 * @ends: its ends
 *
 * Return: its entry, or NULL; valid until rcu_read_unlock().
 */
struct tern_entry *tern_lookup(struct tern_net *tn, const struct tern_ends *ends)
{
	return rhashtable_lookup(&tn->conns, ends, tern_conns_params);
}

/** tern_insert() - Return: 0, -EEXIST, or that there is no memory */
int tern_insert(struct tern_net *tn, struct tern_entry *e)
{
	struct tern_ends ends;
	int err;

	tern_ends_of_entry(&ends, e);
	err = rhashtable_lookup_insert_key(&tn->conns, &ends, &e->node, tern_conns_params);
	return err && err != -EEXIST ? -ENOBUFS : err;
}

/** tern_remove() - Return: false when it was not in the table */
bool tern_remove(struct tern_net *tn, struct tern_entry *e)
{
	return !rhashtable_remove_fast(&tn->conns, &e->node, tern_conns_params);
}

/** tern_replace() - put @new where @old stands, in one step; the keys are equal */
int tern_replace(struct tern_net *tn, struct tern_entry *old, struct tern_entry *new)
{
	return rhashtable_replace_fast(&tn->conns, &old->node, &new->node,
				       tern_conns_params);
}

/** tern_unhash() - take a socket out of the connection table, if it is in it */
void tern_unhash(struct sock *sk)
{
	struct tern_sock *ts = tern_sk(sk);

	if (!ts->hashed)
		return;
	ts->hashed = false;
	tern_remove(tern_net(sock_net(sk)), &ts->e);
	__sock_put(sk);
}

static struct tern_port *tern_port_find(struct tern_net *tn, u32 port)
{
	return rhashtable_lookup_fast(&tn->ports, &port, tern_ports_params);
}

/* One more reference to the port, made if it is not in use; under ports_lock. */
static struct tern_port *tern_port_get(struct tern_net *tn, u32 port)
{
	struct tern_port *p = tern_port_find(tn, port);

	if (p) {
		refcount_inc(&p->refs);
		return p;
	}
	p = kzalloc(sizeof(*p), GFP_ATOMIC);
	if (!p)
		return NULL;
	p->port = port;
	refcount_set(&p->refs, 1);
	if (rhashtable_insert_fast(&tn->ports, &p->node, tern_ports_params)) {
		kfree(p);
		return NULL;
	}
	return p;
}

/* One reference less; under ports_lock. */
static void tern_port_put(struct tern_net *tn, struct tern_port *p)
{
	if (!refcount_dec_and_test(&p->refs))
		return;
	rhashtable_remove_fast(&tn->ports, &p->node, tern_ports_params);
	kfree_rcu(p, rcu);
}

static void tern_port_count(struct tern_port *p, bool reuse, int n)
{
	atomic_add(n, &p->conns);
	if (!reuse)
		atomic_add(n, &p->conns_noreuse);
}

/**
 * tern_port_conn() - a connection uses a local port that it does not own
 * @tn: namespace
 * @port: local port
 * @reuse: SO_REUSEADDR, to be said again in tern_port_unconn()
 * @which: where to put the port, or NULL
 *
 * Return: 0 or -ENOBUFS.
 */
int tern_port_conn(struct tern_net *tn, __be16 port, bool reuse, struct tern_port **which)
{
	struct tern_port *p;

	spin_lock_bh(&tn->ports_lock);
	p = tern_port_get(tn, ntohs(port));
	if (p)
		tern_port_count(p, reuse, 1);
	spin_unlock_bh(&tn->ports_lock);
	if (p && which)
		*which = p;
	return p ? 0 : -ENOBUFS;
}

/** tern_port_unconn() - and does not use it any more */
void tern_port_unconn(struct tern_net *tn, __be16 port, bool reuse)
{
	struct tern_port *p;

	spin_lock_bh(&tn->ports_lock);
	p = tern_port_find(tn, ntohs(port));
	if (!WARN_ON_ONCE(!p)) {
		tern_port_count(p, reuse, -1);
		tern_port_put(tn, p);
	}
	spin_unlock_bh(&tn->ports_lock);
}

/* Is it bound to addresses of IPv4: to that in sk_rcv_saddr, or to all? */
static bool tern_owns_v4(const struct sock *sk)
{
#if IS_ENABLED(CONFIG_IPV6)
	const struct in6_addr *addr = &sk->sk_v6_rcv_saddr;

	if (sk->sk_family == AF_INET6)
		return !sk->sk_ipv6only && (ipv6_addr_any(addr) || ipv6_addr_v4mapped(addr));
#endif
	return true;
}

/* Is there an address that both are bound to?  The kernel's answer is not for modules. */
static bool tern_owners_meet(const struct sock *sk, const struct sock *other)
{
#if IS_ENABLED(CONFIG_IPV6)
	const struct in6_addr *a = &sk->sk_v6_rcv_saddr, *b = &other->sk_v6_rcv_saddr;

	/* a v4-mapped address is one of IPv4 */
	if (sk->sk_family == AF_INET6 && other->sk_family == AF_INET6 &&
	    !ipv6_addr_v4mapped(a) && !ipv6_addr_v4mapped(b) &&
	    (ipv6_addr_any(a) || ipv6_addr_any(b) || ipv6_addr_equal(a, b)))
		return true;
#endif
	return tern_owns_v4(sk) && tern_owns_v4(other) &&
	       (!sk->sk_rcv_saddr || !other->sk_rcv_saddr ||
		sk->sk_rcv_saddr == other->sk_rcv_saddr);
}

/* Do two sockets that want the same port stand in each other's way? */
static bool tern_owners_conflict(const struct sock *sk, const struct sock *other)
{
	if (sk->sk_bound_dev_if && other->sk_bound_dev_if &&
	    sk->sk_bound_dev_if != other->sk_bound_dev_if)
		return false;
	if (!tern_owners_meet(sk, other))
		return false;
	return !sk->sk_reuse || !other->sk_reuse ||
	       inet_sk_state_load(other) == TCP_LISTEN;
}

/* As for TCP: a port in use is free to share when all say SO_REUSEADDR and nobody listens. */
static bool tern_port_conflict(const struct sock *sk, const struct tern_port *p)
{
	const struct tern_sock *owner;

	if (atomic_read(&p->conns) && (!sk->sk_reuse || atomic_read(&p->conns_noreuse)))
		return true;
	hlist_for_each_entry(owner, &p->owners, owner_node) {
		if (&owner->inet.sk != sk && tern_owners_conflict(sk, &owner->inet.sk))
			return true;
	}
	return false;
}

/* Make @sk, which has none, an owner of @port. */
static int tern_port_own(struct sock *sk, u32 port)
{
	struct tern_net *tn = tern_net(sock_net(sk));
	struct tern_sock *ts = tern_sk(sk);
	struct tern_port *p;
	int err = 0;

	spin_lock_bh(&tn->ports_lock);
	p = tern_port_get(tn, port);
	if (!p) {
		err = -ENOBUFS;
		goto out;
	}
	if (tern_port_conflict(sk, p)) {
		tern_port_put(tn, p);
		err = -EADDRINUSE;
		goto out;
	}
	hlist_add_head_rcu(&ts->owner_node, &p->owners);
	ts->port = p;
	ts->bound = true;
	inet_sk(sk)->inet_num = port;
out:
	spin_unlock_bh(&tn->ports_lock);
	return err;
}

/**
 * tern_port_listen() - let an owner listen, if nobody else does
 * @sk: socket, locked, owner of a port; from the moment it is LISTEN it gets segments
 *
 * Return: 0 or -EADDRINUSE.
 */
int tern_port_listen(struct sock *sk)
{
	struct tern_net *tn = tern_net(sock_net(sk));
	int err = -EADDRINUSE;

	spin_lock_bh(&tn->ports_lock);
	if (!tern_port_conflict(sk, tern_sk(sk)->port)) {
		/* Pairs with inet_sk_state_load(): who sees LISTEN sees the listener. */
		smp_wmb();
		inet_sk_set_state(sk, TCP_LISTEN);
		err = 0;
	}
	spin_unlock_bh(&tn->ports_lock);
	return err;
}

/**
 * tern_get_port() - bind: make a socket an owner of a local port
 * @sk: socket, locked
 * @port: host order; 0 for any free one of net.ipv4.ip_local_port_range
 *
 * Return: 0, -EADDRINUSE or -ENOBUFS.
 */
int tern_get_port(struct sock *sk, unsigned short port)
{
	struct net *net = sock_net(sk);
	int low, high, i, n, offset;

	if (port)
		return tern_port_own(sk, port);

	inet_get_local_port_range(net, &low, &high);
	n = high - low + 1;
	offset = get_random_u32() % n;
	for (i = 0; i < n; i++) {
		u32 try = low + (offset + i) % n;
		bool taken;

		if (inet_is_local_reserved_port(net, try))
			continue;
		rcu_read_lock();
		taken = tern_port_find(tern_net(net), try);
		rcu_read_unlock();
		if (!taken && !tern_port_own(sk, try))
			return 0;
		cond_resched();
	}
	return -EADDRINUSE;
}

/** tern_put_port() - a socket does not use its local port any more */
void tern_put_port(struct sock *sk)
{
	struct tern_net *tn = tern_net(sock_net(sk));
	struct tern_sock *ts = tern_sk(sk);

	if (!ts->port)
		return;
	spin_lock_bh(&tn->ports_lock);
	if (ts->bound)
		hlist_del_rcu(&ts->owner_node);
	else
		tern_port_count(ts->port, ts->e.reuse, -1);
	tern_port_put(tn, ts->port);
	spin_unlock_bh(&tn->ports_lock);
	ts->port = NULL;
	ts->bound = false;
	inet_sk(sk)->inet_num = 0;
}

static int tern_hash(struct sock *sk)
{
	struct tern_sock *ts = tern_sk(sk);
	int err;

	sock_hold(sk);
	ts->hashed = true;
	err = tern_insert(tern_net(sock_net(sk)), &ts->e);
	if (err) {
		ts->hashed = false;
		__sock_put(sk);
	}
	return err;
}

/* Try one ephemeral port: -EEXIST when another would do. */
static int tern_hash_port(struct sock *sk, u32 port)
{
	struct tern_net *tn = tern_net(sock_net(sk));
	struct inet_sock *inet = inet_sk(sk);
	struct tern_sock *ts = tern_sk(sk);
	struct tern_port *p;
	bool owned;
	int err;

	rcu_read_lock();
	p = tern_port_find(tn, port);
	owned = p && !hlist_empty(&p->owners);
	rcu_read_unlock();
	if (owned)
		return -EEXIST;

	inet->inet_num = port;
	inet->inet_sport = htons(port);
	tern_entry_of_sock(sk);
	err = tern_port_conn(tn, inet->inet_sport, ts->e.reuse, &ts->port);
	if (err)
		return err;
	err = tern_hash(sk);
	if (err) {
		tern_put_port(sk);
		inet->inet_sport = 0;
	}
	return err;
}

/**
 * tern_hash_connect() - give a connecting socket a local port, if it has none,
 *	and its place in the connection table
 * @sk: socket, locked, with both addresses and the peer's port
 *
 * Return: 0, -EADDRNOTAVAIL when every port is taken, -ENOBUFS.
 */
int tern_hash_connect(struct sock *sk)
{
	struct net *net = sock_net(sk);
	int low, high, i, n, offset, err;

	if (tern_sk(sk)->port) {
		tern_entry_of_sock(sk);
		err = tern_hash(sk);
		return err == -EEXIST ? -EADDRNOTAVAIL : err;
	}

	inet_get_local_port_range(net, &low, &high);
	n = high - low + 1;
	offset = get_random_u32() % n;
	for (i = 0; i < n; i++) {
		u32 try = low + (offset + i) % n;

		if (inet_is_local_reserved_port(net, try))
			continue;
		err = tern_hash_port(sk, try);
		if (err != -EEXIST)
			return err;
		cond_resched();
	}
	return -EADDRNOTAVAIL;
}

/*
 * How well is a segment that came in by @dif with @ends for a listener, if it is at
 * all (else -1)?
 */
static int tern_listener_score(const struct sock *sk, const struct tern_ends *ends, int dif)
{
	int bound_if = READ_ONCE(sk->sk_bound_dev_if);
	bool bound;

	if (bound_if && bound_if != dif)
		return -1;
	if (ends->v6) {
#if IS_ENABLED(CONFIG_IPV6)
		if (sk->sk_family != AF_INET6)
			return -1;
		bound = !ipv6_addr_any(&sk->sk_v6_rcv_saddr);
		if (bound && !ipv6_addr_equal(&sk->sk_v6_rcv_saddr, &ends->laddr))
			return -1;
#else
		return -1;
#endif
	} else {
		__be32 addr = READ_ONCE(inet_sk(sk)->inet_rcv_saddr);

		bound = addr;
		if (ipv6_only_sock(sk) || (bound && addr != tern_v4(&ends->laddr)))
			return -1;
	}
	return (sk->sk_family == AF_INET) + 2 * bound + 4 * !!bound_if;
}

/**
 * tern_lookup_listener() - who listens there?
 * @tn: namespace
 * @ends: the ends of the segment
 * @dif: interface it came in by
 *
 * A listener on the address is preferred to one on all addresses, one bound to
 * the interface to one that is not; and for IPv4, one of AF_INET to one of AF_INET6.
 *
 * Return: the socket, not referenced, valid until rcu_read_unlock(); or NULL.
 */
struct sock *tern_lookup_listener(struct tern_net *tn, const struct tern_ends *ends, int dif)
{
	struct tern_port *p = tern_port_find(tn, ntohs(ends->lport));
	struct sock *best = NULL;
	struct tern_sock *ts;
	int best_score = -1;

	if (!p)
		return NULL;
	hlist_for_each_entry_rcu(ts, &p->owners, owner_node) {
		struct sock *sk = &ts->inet.sk;
		int score;

		/* One that moves to another port may lead the walk astray. */
		if (inet_sk_state_load(sk) != TCP_LISTEN ||
		    READ_ONCE(ts->inet.inet_num) != p->port)
			continue;
		score = tern_listener_score(sk, ends, dif);
		if (score <= best_score)
			continue;
		best = sk;
		best_score = score;
	}
	return best;
}
