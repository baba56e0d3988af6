// SPDX-License-Identifier: GPL-2.0
/*
 * Listeners: half-open connections, and finished ones that wait for accept().
 *
 * A SYN makes a struct tern_request, not a socket.  Whenever something happens to
 * it (a segment, its timer), the engine's connection is made whole on the stack,
 * told, and made small again; so SYN_RECEIVED runs the same engine as every other
 * state.  When the third message has come, a child socket takes the request's
 * place in the connection table.
 *
 * When there are too many requests a SYN is answered with a cookie (cookie.c) and
 * makes nothing at all: the third message, if it comes, makes the child.
 */
#include <linux/slab.h>
#include <net/inet_common.h>
#include <net/inet_hashtables.h>

#include "module/tern_sock.h"
#include "module/trace.h"

/* Over IPv4, and over IPv6. */
static struct kmem_cache *tern_request_cache[2];

int tern_request_cache_init(void)
{
	tern_request_cache[false] = kmem_cache_create("tern_request",
						      sizeof(struct tern_request), 0,
						      SLAB_HWCACHE_ALIGN, NULL);
	tern_request_cache[true] = kmem_cache_create("tern_request6",
						     sizeof(struct tern_request6), 0, 0, NULL);
	if (tern_request_cache[false] && tern_request_cache[true])
		return 0;
	tern_request_cache_exit();
	return -ENOMEM;
}

/** tern_request_cache_exit() - after rcu_barrier() */
void tern_request_cache_exit(void)
{
	kmem_cache_destroy(tern_request_cache[true]);
	kmem_cache_destroy(tern_request_cache[false]);
}

static void tern_request_free(struct tern_request *rq)
{
	kmem_cache_free(tern_request_cache[rq->e.v6], rq);
}

static void tern_request_free_rcu(struct rcu_head *rcu)
{
	tern_request_free(container_of(rcu, struct tern_request, rcu));
}

static void tern_request_put(struct tern_request *rq)
{
	if (refcount_dec_and_test(&rq->refs))
		call_rcu(&rq->rcu, tern_request_free_rcu);
}

static struct tern_net *tern_request_net(const struct tern_request *rq)
{
	return tern_net(sock_net(rq->listener));
}

/* Off its listener's list and timer; under its lock. */
static void tern_request_detach(struct tern_request *rq)
{
	struct tern_listener *lst = tern_sk(rq->listener)->listener;

	rq->e.dead = true;
	if (timer_delete(&rq->timer))
		tern_request_put(rq);
	spin_lock_bh(&lst->lock);
	if (!list_empty(&rq->link)) {
		list_del_init(&rq->link);
		WRITE_ONCE(lst->n_requests, lst->n_requests - 1);
	}
	spin_unlock_bh(&lst->lock);
	atomic_dec(&tern_request_net(rq)->requests);
}

/* End a request that became no connection; under its lock. */
static void tern_request_kill(struct tern_request *rq)
{
	struct tern_net *tn = tern_request_net(rq);

	tern_request_detach(rq);
	tern_remove(tn, &rq->e);
	tern_port_unconn(tn, rq->e.lport, rq->e.reuse);
	tern_request_put(rq);
}

/* The tail of every entry: what tern_pump() is for a socket.  Under its lock. */
static void tern_request_pump(struct tern_request *rq, struct tern_conn *conn, u64 now)
{
	struct tern_net *tn = tern_request_net(rq);
	struct tern_seg seg;

	while (tern_next_segment(conn, now, &seg))
		tern_xmit_entry(tn, &rq->e, rq->listener, &seg);
	if (conn->state != TERN_SYN_RECEIVED) {
		tern_request_kill(rq);
		return;
	}
	tern_req_pack(&rq->req, conn);
	/* of its deadlines that is the one which is kept */
	if (!mod_timer(&rq->timer, tern_jiffies_until(rq->req.deadline, now)))
		refcount_inc(&rq->refs);
}

static void tern_request_timer(struct timer_list *t)
{
	struct tern_request *rq = timer_container_of(rq, t, timer);
	struct tern_config cfg;
	struct tern_result res;
	struct tern_conn conn;
	struct tern_ends ends;
	u64 now = tern_now();

	spin_lock(&rq->lock);
	if (!rq->e.dead) {
		tern_ends_of_entry(&ends, &rq->e);
		tern_config(rq->listener, &ends, rq->mss, &cfg);
		tern_req_unpack(&conn, &rq->req, &cfg);
		res = tern_timeout(&conn, now);
		tern_note_path(tern_request_net(rq), &rq->e, &res);
		if (conn.state == TERN_CLOSED)
			tern_count(tern_request_net(rq), TERN_MIB_CONN_TIMEOUTS);
		tern_request_pump(rq, &conn, now);
	}
	spin_unlock(&rq->lock);
	tern_request_put(rq);
}

/* As for TCP: so many may wait to be accepted, and one more. */
static bool tern_accept_full(const struct sock *sk)
{
	return READ_ONCE(tern_sk(sk)->listener->n_accept) > READ_ONCE(sk->sk_max_ack_backlog);
}

/*
 * Has the listener room for one more SYN?  Asked without the lock it saves making a
 * request for nothing, and under a flood the lock.
 */
static unsigned int tern_listen_room(const struct sock *sk)
{
	u32 limit = min(max(READ_ONCE(sk->sk_max_ack_backlog), 8U),
			tern_sysctl(tern_net(sock_net(sk)), TERN_SYSCTL_MAX_SYN_BACKLOG));

	if (tern_accept_full(sk))
		return TERN_DROP_ACCEPT_OVERFLOW;
	if (READ_ONCE(tern_sk(sk)->listener->n_requests) >= limit)
		return TERN_DROP_SYN_OVERFLOW;
	return TERN_DROP_NONE;
}

/* Does the socket still listen at this port?  Under its listener's lock. */
static bool tern_listens(const struct sock *sk, const struct tern_entry *e)
{
	return !tern_sk(sk)->listener->closed && inet_sk_state_load(sk) == TCP_LISTEN &&
	       inet_sk(sk)->inet_num == ntohs(e->lport);
}

/* May the listener take one more SYN?  Then @rq is on its list. */
static unsigned int tern_request_enqueue(struct sock *sk, struct tern_request *rq)
{
	struct tern_listener *lst = tern_sk(sk)->listener;
	unsigned int why;

	spin_lock_bh(&lst->lock);
	why = tern_listens(sk, &rq->e) ? tern_listen_room(sk) : TERN_DROP_RACE;
	if (why == TERN_DROP_NONE) {
		WRITE_ONCE(lst->n_requests, lst->n_requests + 1);
		list_add_tail(&rq->link, &lst->requests);
	}
	spin_unlock_bh(&lst->lock);
	return why;
}

static struct tern_request *tern_request_new(struct tern_net *tn, struct sock *sk,
					     const struct tern_ends *ends)
{
	struct tern_request *rq;

	BUILD_BUG_ON(offsetof(struct tern_request6, rq) != 0);
	rq = kmem_cache_zalloc(tern_request_cache[ends->v6], GFP_ATOMIC);
	if (!rq)
		return NULL;
	tern_entry_init(&rq->e, TERN_KIND_REQUEST, ends, sk->sk_reuse);
	rq->listener = sk;
	rq->mss = tern_path_mss(tn, ends, sk);
	spin_lock_init(&rq->lock);
	refcount_set(&rq->refs, 1);
	INIT_LIST_HEAD(&rq->link);
	timer_setup(&rq->timer, tern_request_timer, 0);
	return rq;
}

/* Make a request for a SYN and answer it; or say why not. */
static unsigned int tern_listen_open(struct tern_net *tn, struct sock *sk,
				     const struct tern_ends *ends, const struct tern_seg *syn,
				     struct tern_tw_entry *reopens)
{
	u64 now = tern_now();
	struct tern_request *rq;
	struct tern_config cfg;
	struct tern_result res;
	struct tern_conn conn;
	unsigned int why;
	tern_seq iss;

	rq = tern_request_new(tn, sk, ends);
	if (!rq)
		return TERN_DROP_MEMORY;
	why = TERN_DROP_MEMORY;
	if (tern_port_conn(tn, rq->e.lport, rq->e.reuse, &rq->port))
		goto free;

	iss = tern_new_iss(ends);
	if (reopens)
		iss = tern_tw_iss(&reopens->tw, iss);
	tern_config(sk, ends, rq->mss, &cfg);
	res = tern_open_syn(&conn, now, iss, &cfg, syn);

	spin_lock(&rq->lock);
	why = tern_request_enqueue(sk, rq);
	if (why != TERN_DROP_NONE)
		goto unlock;
	atomic_inc(&tn->requests);
	if (reopens ? tern_tw_give_place(tn, reopens, &rq->e) : tern_insert(tn, &rq->e)) {
		/* Its listener may have seen it already: the last reference frees it. */
		tern_request_detach(rq);
		spin_unlock(&rq->lock);
		tern_port_unconn(tn, rq->e.lport, rq->e.reuse);
		tern_request_put(rq);
		return TERN_DROP_RACE;
	}
	tern_note_path(tn, &rq->e, &res);
	tern_count(tn, TERN_MIB_PASSIVE_OPENS);
	tern_request_pump(rq, &conn, now);
	spin_unlock(&rq->lock);
	return TERN_DROP_NONE;

unlock:
	spin_unlock(&rq->lock);
	tern_port_unconn(tn, rq->e.lport, rq->e.reuse);
free:
	tern_request_free(rq);
	return why;
}

/* A SYN: make a request, or answer with a cookie, or say why neither. */
static unsigned int tern_listen_syn(struct tern_net *tn, struct sock *sk,
				    const struct tern_ends *ends, const struct tern_seg *syn,
				    struct tern_tw_entry *reopens)
{
	unsigned int cookies = tern_sysctl(tn, TERN_SYSCTL_SYNCOOKIES);
	unsigned int why = tern_listen_room(sk);

	/* The TIME_WAIT entry would get the third message; and its numbers bind ours. */
	if (reopens)
		cookies = 0;
	if (why == TERN_DROP_NONE)
		why = cookies == 2 ? TERN_DROP_SYN_OVERFLOW :
		      tern_listen_open(tn, sk, ends, syn, reopens);
	if (why != TERN_DROP_SYN_OVERFLOW || !cookies)
		return why;
	tern_cookie_answer(tn, sk, ends, tern_path_mss(tn, ends, sk), syn);
	return TERN_DROP_NONE;
}

static bool tern_listen_ack(struct tern_net *tn, struct sock *sk, const struct tern_ends *ends,
			    struct sk_buff *skb, const struct tern_seg *ack);

/**
 * tern_listen_rcv() - a segment that a listener gets
 * @tn: namespace
 * @sk: the listener, found under rcu_read_lock(), not locked
 * @ends: the ends of the segment
 * @skb: the segment; consumed
 * @seg: its header
 * @reopens: the TIME_WAIT entry in whose place the new connection comes, or NULL
 */
void tern_listen_rcv(struct tern_net *tn, struct sock *sk, const struct tern_ends *ends,
		     struct sk_buff *skb, struct tern_seg *seg, struct tern_tw_entry *reopens)
{
	unsigned int why = TERN_DROP_LISTEN;

	if (!tern_filter(sk, skb, seg)) {
		tern_drop_skb(tn, skb, TERN_DROP_FILTER);
		return;
	}
	switch (tern_listen_segment_arrives(seg)) {
	case TERN_LISTEN_SYN:
		why = tern_listen_syn(tn, sk, ends, seg, reopens);
		break;
	case TERN_LISTEN_RESET:
		if (tern_listen_ack(tn, sk, ends, skb, seg))
			return;
		tern_xmit_reset(tn, skb, seg);
		break;
	case TERN_LISTEN_DROP:
		break;
	}
	if (why != TERN_DROP_NONE)
		tern_drop_skb(tn, skb, why);
	else
		consume_skb(skb);
}

/* A child that nobody has seen yet is not wanted after all. */
static void tern_child_discard(struct sock *child)
	__releases(&child->sk_lock.slock)
{
	child->sk_state = TCP_CLOSE;
	sock_set_flag(child, SOCK_DEAD);
	tern_destroy(child);
	bh_unlock_sock(child);
	sock_put(child);
}

/* A socket for a connection whose handshake is complete; locked. */
static struct sock *tern_child_new(const struct sock *listener, const struct tern_ends *ends,
				   bool reuse, const struct tern_conn *conn)
{
	struct sock *sk = sk_clone_lock(listener, GFP_ATOMIC);
	struct tern_sock *ts = tern_sk(sk);
	struct inet_sock *inet = inet_sk(sk);

	if (!sk)
		return NULL;
	tern_sock_reset(sk);
	tern_unpin(sk);
	sk->sk_state = TCP_SYN_RECV;
	sk->sk_frag.page = NULL;
	RCU_INIT_POINTER(inet->inet_opt, NULL);
	inet->mc_list = NULL;
	if (!ends->v6) {
		sk_rcv_saddr_set(sk, tern_v4(&ends->laddr));
		sk_daddr_set(sk, tern_v4(&ends->raddr));
		inet->inet_saddr = inet->inet_rcv_saddr;
	}
	if (IS_ENABLED(CONFIG_IPV6) && sk->sk_family == AF_INET6)
		tern6_child_init(sk, listener, ends);
	inet->inet_sport = ends->lport;
	inet->inet_dport = ends->rport;
	inet->inet_num = ntohs(ends->lport);
	tern_entry_init(&ts->e, TERN_KIND_SOCK, ends, reuse);
	ts->conn = *conn;
	atomic_inc(&tern_net(sock_net(sk))->sockets);
	if (!tern_route(sk))
		return sk;

	__acquire(&sk->sk_lock.slock);	/* sk_clone_lock() did */
	tern_child_discard(sk);
	return NULL;
}

/*
 * The third message came: a child for it, locked, with room for what it carries; or
 * why there is none.
 */
static unsigned int tern_child_for(const struct sock *listener, const struct tern_ends *ends,
				   bool reuse, const struct tern_conn *conn,
				   const struct sk_buff *skb, const struct tern_seg *seg,
				   struct sock **child)
{
	/* Asked again under the lock; here it saves making a child for nothing. */
	if (tern_accept_full(listener))
		return TERN_DROP_ACCEPT_OVERFLOW;
	*child = tern_child_new(listener, ends, reuse, conn);
	if (!*child)
		return TERN_DROP_MEMORY;
	if (!seg->len || tern_buf_room(*child, skb))
		return TERN_DROP_NONE;

	__acquire(&(*child)->sk_lock.slock);	/* sk_clone_lock() did */
	tern_child_discard(*child);
	return TERN_DROP_MEMORY;
}

/* Room in the accept queue?  Then @child is in it. */
static bool tern_child_enqueue(struct sock *listener, struct sock *child)
{
	struct tern_listener *lst = tern_sk(listener)->listener;
	bool ok;

	spin_lock_bh(&lst->lock);
	ok = tern_listens(listener, &tern_sk(child)->e) && !tern_accept_full(listener);
	if (ok) {
		WRITE_ONCE(lst->n_accept, lst->n_accept + 1);
		list_add_tail(&tern_sk(child)->accept_node, &lst->accept_queue);
	}
	spin_unlock_bh(&lst->lock);
	return ok;
}

/* The child has its place and is in the queue: the segment is its first; unlocks it. */
static void tern_child_start(struct sock *listener, struct sock *child,
			     const struct tern_result *res, struct sk_buff *skb,
			     const struct tern_seg *seg)
	__releases(&child->sk_lock.slock)
{
	if (!tern_apply(child, res, skb, seg))
		consume_skb(skb);
	tern_pump(child);
	bh_unlock_sock(child);
	listener->sk_data_ready(listener);
}

/*
 * The third message came: a child takes the request's place.  When there is no
 * room or memory, the request stays as it was and the segment is lost: the peer
 * sends again.  Under rq->lock; @skb is consumed.
 */
static void tern_request_establish(struct tern_net *tn, struct tern_request *rq,
				   const struct tern_ends *ends, const struct tern_conn *conn,
				   const struct tern_result *res, struct sk_buff *skb,
				   const struct tern_seg *seg)
{
	struct sock *listener = rq->listener;
	struct sock *child;
	unsigned int why;

	why = tern_child_for(listener, ends, rq->e.reuse, conn, skb, seg, &child);
	if (why != TERN_DROP_NONE) {
		tern_drop_skb(tn, skb, why);
		return;
	}
	__acquire(&child->sk_lock.slock);	/* sk_clone_lock() did */
	if (!tern_child_enqueue(listener, child)) {
		tern_child_discard(child);
		tern_drop_skb(tn, skb, TERN_DROP_ACCEPT_OVERFLOW);
		return;
	}
	/*
	 * One of the clone's two references is for life, the other the table's.
	 * The request's share of the port is the child's now.
	 */
	WARN_ON_ONCE(tern_replace(tn, &rq->e, &tern_sk(child)->e));
	tern_sk(child)->hashed = true;
	tern_sk(child)->port = rq->port;
	tern_request_detach(rq);
	tern_request_put(rq);
	tern_child_start(listener, child, res, skb, seg);
}

/*
 * Give the child of a cookie, locked, its place in the connection table and in the
 * accept queue; or say why it has none.
 */
static unsigned int tern_cookie_place(struct tern_net *tn, struct sock *listener,
				      struct sock *child, const struct tern_cookie *cookie)
{
	struct tern_sock *ts = tern_sk(child);
	unsigned int why = TERN_DROP_RACE;

	if (tern_port_conn(tn, ts->e.lport, ts->e.reuse, &ts->port))
		return TERN_DROP_MEMORY;
	if (tern_insert(tn, &ts->e))
		return TERN_DROP_RACE;
	/*
	 * Nobody else can have these ends now: a cookie that is unused here stays so
	 * until it is marked.
	 */
	if (!tern_cookie_used(tn, cookie)) {
		why = TERN_DROP_ACCEPT_OVERFLOW;
		if (tern_child_enqueue(listener, child)) {
			tern_cookie_use(tn, cookie);
			/* One of the clone's two references is for life, one the table's. */
			ts->hashed = true;
			return TERN_DROP_NONE;
		}
	}
	tern_remove(tn, &ts->e);
	return why;
}

/*
 * A cookie came back.  When there is no room or memory the segment is lost: the peer
 * sends again.  @skb is consumed.
 */
static void tern_cookie_establish(struct tern_net *tn, struct sock *listener,
				  const struct tern_ends *ends, const struct tern_cookie *cookie,
				  struct sk_buff *skb, const struct tern_seg *seg)
{
	u64 now = tern_now();
	struct tern_result opened, res;
	struct tern_config cfg;
	struct tern_conn conn;
	struct sock *child;
	unsigned int why;

	tern_config(listener, ends, tern_path_mss(tn, ends, listener), &cfg);
	opened = tern_open_cookie(&conn, now, &cfg, cookie->mss, seg);
	res = tern_segment_arrives(&conn, now, seg);
	why = res.drop;
	if (res.events & TERN_EV_ESTABLISHED)
		why = tern_child_for(listener, ends, listener->sk_reuse, &conn, skb, seg, &child);
	else if (WARN_ON_ONCE(why == TERN_DROP_NONE))
		why = TERN_DROP_LISTEN;
	if (why != TERN_DROP_NONE) {
		tern_drop_skb(tn, skb, why);
		return;
	}
	__acquire(&child->sk_lock.slock);	/* sk_clone_lock() did */
	why = tern_cookie_place(tn, listener, child, cookie);
	if (why != TERN_DROP_NONE) {
		tern_child_discard(child);
		tern_drop_skb(tn, skb, why);
		return;
	}
	tern_count(tn, TERN_MIB_SYNCOOKIES_RECEIVED);
	tern_count(tn, TERN_MIB_PASSIVE_OPENS);
	trace_tern_cookie_accepted(ends, cookie->mss);
	tern_note_path(tn, &tern_sk(child)->e, &opened);
	tern_child_start(listener, child, &res, skb, seg);
}

/*
 * An ACK for which there is no connection: does it bring a cookie back?
 * Return: false when it is to be answered with RST, else @skb is consumed.
 */
static bool tern_listen_ack(struct tern_net *tn, struct sock *sk, const struct tern_ends *ends,
			    struct sk_buff *skb, const struct tern_seg *ack)
{
	struct tern_cookie cookie;

	if (!tern_cookie_expected(tn, sk, ack))
		return false;
	if (!tern_cookie_check(tn, ends, ack, &cookie)) {
		tern_count(tn, TERN_MIB_SYNCOOKIES_FAILED);
		return false;
	}
	if (tern_cookie_used(tn, &cookie)) {
		tern_count(tn, TERN_MIB_SYNCOOKIES_REPLAYED);
		return false;
	}
	tern_cookie_establish(tn, sk, ends, &cookie, skb, ack);
	return true;
}

/*
 * A first SYN was answered with a cookie, a second one, when there was room again, made
 * this request, and the peer has taken the cookie.  Under rq->lock.
 */
static bool tern_request_outrun(struct tern_net *tn, const struct tern_request *rq,
				const struct tern_ends *ends, const struct tern_seg *seg)
{
	struct tern_cookie cookie;

	return tern_cookie_expected(tn, rq->listener, seg) &&
	       seg->ack != tern_seq_add(rq->req.iss, 1) &&
	       seg->seq == tern_seq_add(rq->req.irs, 1) &&
	       tern_cookie_check(tn, ends, seg, &cookie) && !tern_cookie_used(tn, &cookie);
}

/**
 * tern_request_rcv() - a segment for a half-open connection
 * @tn: namespace
 * @rq: the request, found under rcu_read_lock()
 * @ends: its ends
 * @skb: the segment; consumed when true is returned
 * @seg: its header
 *
 * Return: false when the request is gone meanwhile and the lookup must be repeated.
 */
bool tern_request_rcv(struct tern_net *tn, struct tern_request *rq,
		      const struct tern_ends *ends, struct sk_buff *skb,
		      struct tern_seg *seg)
{
	struct tern_config cfg;
	struct tern_result res;
	struct tern_conn conn;
	u64 now = tern_now();

	spin_lock(&rq->lock);
	if (rq->e.dead) {
		spin_unlock(&rq->lock);
		return false;
	}
	/* The child will have the listener's filters: its first octets meet them, too. */
	if (!tern_filter(rq->listener, skb, seg)) {
		spin_unlock(&rq->lock);
		tern_drop_skb(tn, skb, TERN_DROP_FILTER);
		return true;
	}
	if (tern_request_outrun(tn, rq, ends, seg)) {
		trace_tern_state(&rq->e, TERN_SYN_RECEIVED, TERN_CLOSED);
		tern_request_kill(rq);
		spin_unlock(&rq->lock);
		return false;
	}
	tern_config(rq->listener, ends, rq->mss, &cfg);
	tern_req_unpack(&conn, &rq->req, &cfg);
	res = tern_segment_arrives(&conn, now, seg);
	if (res.events & TERN_EV_ESTABLISHED) {
		tern_request_establish(tn, rq, ends, &conn, &res, skb, seg);
		spin_unlock(&rq->lock);
		return true;
	}

	if (res.drop != TERN_DROP_NONE)
		tern_count_drop(tn, res.drop);
	tern_note_path(tn, &rq->e, &res);
	if (res.events & TERN_EV_RESET)
		tern_xmit_reset(tn, skb, seg);
	if (res.events & TERN_EV_CHALLENGE && tern_challenge_allowed(tn))
		tern_challenge_ack(&conn);
	tern_request_pump(rq, &conn, now);
	spin_unlock(&rq->lock);
	consume_skb(skb);
	return true;
}

static struct tern_listener *tern_listener_new(void)
{
	struct tern_listener *lst = kzalloc(sizeof(*lst), GFP_KERNEL);

	if (!lst)
		return NULL;
	spin_lock_init(&lst->lock);
	INIT_LIST_HEAD(&lst->accept_queue);
	INIT_LIST_HEAD(&lst->requests);
	return lst;
}

/* Socket locked, in CLOSED: begin to listen. */
static int tern_listen_start(struct sock *sk)
{
	struct inet_sock *inet = inet_sk(sk);
	struct tern_sock *ts = tern_sk(sk);
	int err;

	if (!tern_sysctl(tern_net(sock_net(sk)), TERN_SYSCTL_ENABLE))
		return -ENETDOWN;
	if (!inet->inet_num) {
		err = tern_get_port(sk, 0);
		if (err)
			return err;
		inet->inet_sport = htons(inet->inet_num);
	}
	/* One that listened before keeps its own: somebody may still look at it. */
	if (!ts->listener) {
		ts->listener = tern_listener_new();
		if (!ts->listener)
			return -ENOBUFS;
	}
	if (tern_cookie_prepare(tern_net(sock_net(sk))))
		return -ENOBUFS;
	spin_lock_bh(&ts->listener->lock);
	ts->listener->closed = false;
	spin_unlock_bh(&ts->listener->lock);

	err = tern_port_listen(sk);
	if (err)
		return err;
	tern_entry_of_sock(sk);
	trace_tern_state(&ts->e, TERN_CLOSED, TERN_LISTEN);
	return 0;
}

/** tern_listen() - listen(2); again on a listener it only changes the backlog */
int tern_listen(struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;
	int err = -EINVAL;

	lock_sock(sk);
	if (sock->state != SS_UNCONNECTED)
		goto out;
	if (sk->sk_state != TCP_CLOSE && sk->sk_state != TCP_LISTEN)
		goto out;
	WRITE_ONCE(sk->sk_max_ack_backlog, max(backlog, 0));
	err = sk->sk_state == TCP_LISTEN ? 0 : tern_listen_start(sk);
out:
	release_sock(sk);
	return err;
}

/* The oldest child that waits for accept(), with a reference for the caller, or NULL. */
static struct sock *tern_accept_pop(struct tern_listener *lst)
{
	struct tern_sock *child;

	spin_lock_bh(&lst->lock);
	child = list_first_entry_or_null(&lst->accept_queue, struct tern_sock, accept_node);
	if (child) {
		list_del_init(&child->accept_node);
		WRITE_ONCE(lst->n_accept, lst->n_accept - 1);
		sock_hold(&child->inet.sk);
	}
	spin_unlock_bh(&lst->lock);
	return child ? &child->inet.sk : NULL;
}

/* One request of a listener that is closed from here on, with a reference, or NULL. */
static struct tern_request *tern_request_pop(struct tern_listener *lst)
{
	struct tern_request *rq;

	spin_lock_bh(&lst->lock);
	lst->closed = true;
	rq = list_first_entry_or_null(&lst->requests, struct tern_request, link);
	if (rq) {
		list_del_init(&rq->link);
		WRITE_ONCE(lst->n_requests, lst->n_requests - 1);
		refcount_inc(&rq->refs);
	}
	spin_unlock_bh(&lst->lock);
	return rq;
}

/**
 * tern_listen_stop() - a listener closes: end what it has not handed out
 * @sk: listener, locked; CLOSED afterwards
 *
 * Half-open connections are forgotten (the peer's next segment draws RST), finished
 * ones are aborted with RST.
 */
void tern_listen_stop(struct sock *sk)
{
	struct tern_listener *lst = tern_sk(sk)->listener;
	struct tern_request *rq;
	struct sock *child;

	inet_sk_set_state(sk, TCP_CLOSE);
	trace_tern_state(&tern_sk(sk)->e, TERN_LISTEN, TERN_CLOSED);

	while ((rq = tern_request_pop(lst))) {
		spin_lock_bh(&rq->lock);
		if (!rq->e.dead) {
			trace_tern_state(&rq->e, TERN_SYN_RECEIVED, TERN_CLOSED);
			tern_request_kill(rq);
		}
		spin_unlock_bh(&rq->lock);
		tern_request_put(rq);
		cond_resched();
	}
	while ((child = tern_accept_pop(lst))) {
		local_bh_disable();
		bh_lock_sock(child);
		tern_abort_sock(child);
		bh_unlock_sock(child);
		local_bh_enable();
		sock_put(child);
		cond_resched();
	}
}

/** tern_accept_ready() - is there a connection to accept? */
bool tern_accept_ready(const struct sock *sk)
{
	const struct tern_listener *lst = tern_sk(sk)->listener;

	return lst && READ_ONCE(lst->n_accept);
}

static int tern_accept_wait(struct sock *sk, long timeo)
{
	DEFINE_WAIT(wait);
	int err = 0;

	/* One waiter is woken for one connection. */
	while (!err && !tern_accept_ready(sk)) {
		prepare_to_wait_exclusive(sk_sleep(sk), &wait, TASK_INTERRUPTIBLE);
		release_sock(sk);
		if (!tern_accept_ready(sk))
			timeo = schedule_timeout(timeo);
		sched_annotate_sleep();
		lock_sock(sk);
		if (tern_accept_ready(sk))
			break;
		if (sk->sk_state != TCP_LISTEN)
			err = -EINVAL;
		else if (signal_pending(current))
			err = sock_intr_errno(timeo);
		else if (!timeo)
			err = -EAGAIN;
	}
	finish_wait(sk_sleep(sk), &wait);
	return err;
}

/**
 * tern_accept() - accept(2): hand out the oldest finished connection
 * @sk: listener
 * @flags: O_NONBLOCK
 * @err: where to put -EINVAL (not listening), -EAGAIN, -EINTR or -ERESTARTSYS
 *
 * Return: the child, whose life is now the caller's, or NULL.
 */
struct sock *tern_accept(struct sock *sk, int flags, int *err)
{
	struct sock *child = NULL;
	long timeo;

	lock_sock(sk);
	*err = -EINVAL;
	if (sk->sk_state != TCP_LISTEN)
		goto out;
	if (!tern_accept_ready(sk)) {
		timeo = sock_rcvtimeo(sk, flags & O_NONBLOCK);
		*err = -EAGAIN;
		if (!timeo)
			goto out;
		*err = tern_accept_wait(sk, timeo);
		if (*err)
			goto out;
	}
	*err = -EAGAIN;
	child = tern_accept_pop(tern_sk(sk)->listener);
	if (child) {
		__sock_put(child);
		*err = 0;
	}
out:
	release_sock(sk);
	return child;
}
