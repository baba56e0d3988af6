// SPDX-License-Identifier: GPL-2.0
/*
 * The socket API: what a program does to a socket, told to the engine.
 *
 * Where there is a choice, a program sees what it would see of a TCP socket.
 */
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/sockios.h>
#include <linux/swap.h>
#include <asm/ioctls.h>
#include <net/inet_common.h>
#include <net/inet_hashtables.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "module/tern_sock.h"
#include "module/trace.h"
#include "uapi/linux/tern.h"

/* Accounting of memory, for all namespaces together, as for TCP. */
static atomic_long_t tern_memory_allocated;
static DEFINE_PER_CPU(int, tern_memory_per_cpu_fw_alloc);
static struct percpu_counter tern_sockets_allocated;
static unsigned long tern_memory_pressure;
static long tern_mem[3];	/* pages: low, pressure, high */
static int tern_wmem[3] = { 4096, 262144, 4194304 };	/* octets: min, default, max */
static int tern_rmem[3] = { 4096, 262144, 6291456 };

/** tern_unpin() - a socket, locked, does not keep the module loaded any more */
void tern_unpin(struct sock *sk)
{
	struct tern_sock *ts = tern_sk(sk);

	if (ts->unpinned)
		return;
	ts->unpinned = true;
	module_put(THIS_MODULE);
}

/* Runs after the last reference is gone and a grace period is over. */
static void tern_sock_destruct(struct sock *sk)
{
	struct tern_sock *ts = tern_sk(sk);

	kfree(ts->listener);
	ts->listener = NULL;
	/* The core gives back the reference that sk_alloc() took. */
	if (ts->unpinned)
		__module_get(THIS_MODULE);
	if (IS_ENABLED(CONFIG_IPV6) && sk->sk_family == AF_INET6)
		inet6_sock_destruct(sk);
	else
		inet_sock_destruct(sk);
}

/** tern_sock_reset() - bring our part of a new or cloned socket to its beginning */
void tern_sock_reset(struct sock *sk)
{
	struct tern_sock *ts = tern_sk(sk);

	memset_startat(ts, 0, e);
	ts->conn.state = TERN_CLOSED;
	skb_queue_head_init(&ts->ooo);
	INIT_LIST_HEAD(&ts->accept_node);
	tern_timer_init(sk);
}

/* Room to write again: wake who was told that there was none. */
static void tern_write_space(struct sock *sk)
{
	struct socket_wq *wq;

	if (!sk->sk_socket || !test_bit(SOCK_NOSPACE, &sk->sk_socket->flags) ||
	    !__sk_stream_is_writeable(sk, 1))
		return;
	clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_poll(&wq->wait, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
	rcu_read_unlock();
	sk_wake_async(sk, SOCK_WAKE_SPACE, POLL_OUT);
}

static int tern_init_sock(struct sock *sk)
{
	tern_sock_reset(sk);
	sk->sk_write_space = tern_write_space;
	sk->sk_destruct = tern_sock_destruct;
	WRITE_ONCE(sk->sk_sndbuf, tern_wmem[1]);
	WRITE_ONCE(sk->sk_rcvbuf, tern_rmem[1]);
	sock_set_flag(sk, SOCK_RCU_FREE);
	sk_sockets_allocated_inc(sk);
	atomic_inc(&tern_net(sock_net(sk))->sockets);
	return 0;
}

/* The end of a socket's life, also of one that was never used. */
static void tern_destroy_sock(struct sock *sk)
{
	struct tern_net *tn = tern_net(sock_net(sk));
	struct tern_sock *ts = tern_sk(sk);

	ts->destroyed = true;
	tern_put_port(sk);
	tern_buf_purge_send(sk);
	__skb_queue_purge(&ts->ooo);
	if (ts->orphaned)
		atomic_dec(&tn->orphans);
	atomic_dec(&tn->sockets);
	sk_sockets_allocated_dec(sk);
}

/**
 * tern_destroy() - nobody needs the socket any more
 * @sk: socket, locked, CLOSED, without a user; freed when the last reference goes
 */
void tern_destroy(struct sock *sk)
{
	if (tern_sk(sk)->destroyed)
		return;
	WARN_ON_ONCE(!sock_flag(sk, SOCK_DEAD));
	tern_destroy_sock(sk);
	sk_stream_kill_queues(sk);
	xfrm_sk_free_policy(sk);
	tern_unpin(sk);
	sock_put(sk);
}

/**
 * tern_done() - the connection has left the socket
 * @sk: socket, locked
 *
 * What was received can still be read.  An orphan is destroyed.
 */
void tern_done(struct sock *sk)
{
	struct tern_sock *ts = tern_sk(sk);

	tern_unhash(sk);
	sk_stop_timer(sk, &sk->sk_timer);
	tern_buf_purge_send(sk);
	__skb_queue_purge(&ts->ooo);
	if (!(sk->sk_userlocks & SOCK_BINDPORT_LOCK))
		tern_put_port(sk);
	ts->conn.state = TERN_CLOSED;
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	inet_sk_set_state(sk, TCP_CLOSE);
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_state_change(sk);
	else
		tern_destroy(sk);
}

/**
 * tern_abort_sock() - end a connection with RST, and its socket, which has no user
 * @sk: socket, locked; the caller has a reference of its own
 */
void tern_abort_sock(struct sock *sk)
{
	struct tern_sock *ts = tern_sk(sk);
	struct tern_result res;

	if (!sock_flag(sk, SOCK_DEAD))
		sock_orphan(sk);
	__skb_queue_purge(&sk->sk_receive_queue);
	if (ts->hashed) {
		res = tern_abort(&ts->conn, TERN_ERR_ABORTED);
		tern_apply_pump(sk, &res);
	} else {
		tern_destroy(sk);
	}
}

/* One orphan of a namespace, with a reference, or NULL. */
static struct sock *tern_any_sock(struct tern_net *tn)
{
	struct rhashtable_iter iter;
	struct tern_entry *e;
	struct sock *sk = NULL;

	rhashtable_walk_enter(&tn->conns, &iter);
	rhashtable_walk_start(&iter);
	while (!sk && (e = rhashtable_walk_next(&iter))) {
		if (IS_ERR(e) || e->kind != TERN_KIND_SOCK)
			continue;
		sk = &container_of(e, struct tern_sock, e)->inet.sk;
		if (!refcount_inc_not_zero(&sk->sk_refcnt))
			sk = NULL;
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
	return sk;
}

/** tern_sock_exit() - the namespace ends: so do the connections that nobody holds */
void tern_sock_exit(struct tern_net *tn)
{
	struct sock *sk;

	while ((sk = tern_any_sock(tn))) {
		lock_sock(sk);
		tern_abort_sock(sk);
		release_sock(sk);
		sock_put(sk);
		cond_resched();
	}
}

static void tern_close_connection(struct sock *sk)
{
	struct tern_sock *ts = tern_sk(sk);
	bool unread = !skb_queue_empty(&sk->sk_receive_queue);
	struct tern_result res;

	__skb_queue_purge(&sk->sk_receive_queue);
	if (sk->sk_state == TCP_LISTEN)
		tern_listen_stop(sk);
	if (!ts->hashed)
		return;
	/* Octets that nobody will read: the peer must hear of it (rfc2525#section-2.17). */
	if (unread || (sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime))
		res = tern_abort(&ts->conn, TERN_ERR_ABORTED);
	else
		res = tern_close(&ts->conn, tern_now());
	tern_apply_pump(sk, &res);
}

/* The user is gone; what is left of the connection goes on alone, if it may. */
static void tern_close_orphan(struct sock *sk)
{
	struct tern_net *tn = tern_net(sock_net(sk));
	struct tern_sock *ts = tern_sk(sk);
	struct tern_result res;

	if (!ts->hashed) {
		tern_destroy(sk);
		return;
	}
	ts->orphaned = true;
	if (atomic_inc_return(&tn->orphans) > tern_sysctl(tn, TERN_SYSCTL_MAX_ORPHANS)) {
		tern_count(tn, TERN_MIB_ORPHAN_OVERFLOW);
		res = tern_abort(&ts->conn, TERN_ERR_ABORTED);
	} else {
		res = tern_orphan(&ts->conn, tern_now());
	}
	tern_apply_pump(sk, &res);
}

/* SO_LINGER: until the peer has everything; socket locked. */
static void tern_linger(struct sock *sk, long timeout)
{
	const int closing = TCPF_FIN_WAIT1 | TCPF_CLOSING | TCPF_LAST_ACK;
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	add_wait_queue(sk_sleep(sk), &wait);
	while (timeout && (1 << sk->sk_state & closing) && !signal_pending(current))
		sk_wait_event(sk, &timeout, !(1 << inet_sk_state_load(sk) & closing), &wait);
	remove_wait_queue(sk_sleep(sk), &wait);
}

/* close(2), by the last who held the socket. */
static void tern_prot_close(struct sock *sk, long timeout)
{
	lock_sock(sk);
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	tern_close_connection(sk);
	tern_linger(sk, timeout);
	sock_hold(sk);
	sock_orphan(sk);
	release_sock(sk);

	/* Nobody can own the lock now; the backlog is empty. */
	local_bh_disable();
	bh_lock_sock(sk);
	tern_close_orphan(sk);
	/* What pins us until we have returned is the struct socket. */
	tern_unpin(sk);
	bh_unlock_sock(sk);
	local_bh_enable();
	sock_put(sk);
}

static void tern_prot_shutdown(struct sock *sk, int how)
{
	struct tern_sock *ts = tern_sk(sk);
	struct tern_result res;

	if (!(how & SEND_SHUTDOWN) || !ts->hashed)
		return;
	res = tern_close(&ts->conn, tern_now());
	tern_apply_pump(sk, &res);
}

/* Addresses and ports that the user has not bound are the connection's: they go with it. */
static void tern_forget_ends(struct sock *sk)
{
	struct inet_sock *inet = inet_sk(sk);

	if (!(sk->sk_userlocks & SOCK_BINDPORT_LOCK)) {
		tern_put_port(sk);
		inet->inet_sport = 0;
	}
	if (!(sk->sk_userlocks & SOCK_BINDADDR_LOCK))
		inet_reset_saddr(sk);
	inet->inet_dport = 0;
	inet->inet_daddr = 0;
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		sk->sk_v6_daddr = in6addr_any;
#endif
}

/* connect(AF_UNSPEC), a failed connect(), shutdown() of a listener; locked. */
static int tern_prot_disconnect(struct sock *sk, int flags)
{
	bool was_syn_sent = sk->sk_state == TCP_SYN_SENT;
	struct tern_sock *ts = tern_sk(sk);
	struct tern_result res;

	if (sk->sk_state == TCP_LISTEN) {
		tern_listen_stop(sk);
	} else if (ts->hashed) {
		/* As for TCP: an error, unless all was sent and received. */
		res = tern_abort(&ts->conn, TERN_OK);
		if (ts->conn.rst_due || was_syn_sent)
			WRITE_ONCE(sk->sk_err, ECONNRESET);
		smp_wmb(); /* as in tern_apply_closed() */
		tern_apply_pump(sk, &res);
	}
	__skb_queue_purge(&sk->sk_receive_queue);
	ts->rcv_head = ts->rcv_tail;
	if (sk->sk_frag.page) {
		put_page(sk->sk_frag.page);
		sk->sk_frag.page = NULL;
		sk->sk_frag.offset = 0;
	}
	tern_forget_ends(sk);
	WRITE_ONCE(sk->sk_shutdown, 0);
	sock_reset_flag(sk, SOCK_DONE);
	sk_dst_reset(sk);
	memset(&ts->conn, 0, sizeof(ts->conn));
	ts->conn.state = TERN_CLOSED;
	sk_error_report(sk);
	return 0;
}

/* Find the way, and by it our address. */
static int tern_connect_prepare(struct sock *sk, const struct sockaddr_in *peer)
{
	struct inet_sock *inet = inet_sk(sk);
	struct flowi4 *fl4 = &inet->cork.fl.u.ip4;
	struct rtable *rt;
	bool unicast;

	rt = ip_route_output_ports(sock_net(sk), fl4, sk,
				   tern_first_hop(sk, peer->sin_addr.s_addr),
				   inet->inet_saddr, peer->sin_port, inet->inet_sport,
				   sk->sk_protocol, tern_route_tos(sk), sk->sk_bound_dev_if);
	if (IS_ERR(rt))
		return PTR_ERR(rt);
	unicast = !(rt->rt_flags & (RTCF_MULTICAST | RTCF_BROADCAST));
	ip_rt_put(rt);
	if (!unicast)
		return -ENETUNREACH;

	if (!inet->inet_saddr)
		inet->inet_saddr = fl4->saddr;
	sk_rcv_saddr_set(sk, inet->inet_saddr);
	/* The route of 0.0.0.0 leads to ourselves. */
	sk_daddr_set(sk, peer->sin_addr.s_addr ? peer->sin_addr.s_addr : fl4->daddr);
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		inet6_sk(sk)->saddr = sk->sk_v6_rcv_saddr;
#endif
	inet->inet_dport = peer->sin_port;
	return 0;
}

/** tern_connect_check() - may this socket connect to @port?  0, or why not. */
int tern_connect_check(const struct sock *sk, __be16 port)
{
	if (!port)
		return -EADDRNOTAVAIL;	/* port 0 does not exist on the wire */
	/* Where Tern is off, no answer would reach us. */
	if (!tern_sysctl(tern_net(sock_net(sk)), TERN_SYSCTL_ENABLE))
		return -ENETDOWN;
	return 0;
}

/* A local port, a place in the table, a route. */
static int tern_connect_place(struct sock *sk)
{
	int err = tern_hash_connect(sk);

	if (err)
		return err;
	err = tern_route(sk);
	if (err)
		tern_unhash(sk);
	return err;
}

/**
 * tern_connect_open() - the end of connect(2): send the SYN
 * @sk: socket, locked
 * @err: 0, and it has both addresses and the peer's port; or what failed before that
 *
 * Return: 0, @err, or what kept it from a port, a place in the table or a route.
 */
int tern_connect_open(struct sock *sk, int err)
{
	struct tern_sock *ts = tern_sk(sk);
	struct tern_config cfg;
	struct tern_result res;
	struct tern_ends ends;

	if (!err)
		err = tern_connect_place(sk);
	if (err) {
		tern_forget_ends(sk);
		return err;
	}
	WRITE_ONCE(sk->sk_err, 0);
	sk_set_txhash(sk);
	ts->rcv_head = 0;
	ts->rcv_tail = 0;
	ts->snd_base = 0;
	tern_ends_of_entry(&ends, &ts->e);
	tern_config(sk, &ends, tern_dst_mss(__sk_dst_get(sk)), &cfg);
	res = tern_open(&ts->conn, tern_now(), tern_new_iss(&ends), &cfg);
	tern_count(tern_net(sock_net(sk)), TERN_MIB_ACTIVE_OPENS);
	tern_apply_pump(sk, &res);
	return 0;
}

/** tern_prot_connect() - connect(2) to an IPv4 address; also, mapped, of an AF_INET6 socket */
int tern_prot_connect(struct sock *sk, struct sockaddr_unsized *uaddr, int addr_len)
{
	const struct sockaddr_in *peer = (const struct sockaddr_in *)uaddr;
	int err;

	if (addr_len < (int)sizeof(*peer))
		return -EINVAL;
	if (peer->sin_family != AF_INET)
		return -EAFNOSUPPORT;
	err = tern_connect_check(sk, peer->sin_port);
	if (err)
		return err;
	return tern_connect_open(sk, tern_connect_prepare(sk, peer));
}

/* Take what the user writes, as far as there is room; -EAGAIN when there is none. */
static int tern_send_some(struct sock *sk, struct msghdr *msg)
{
	struct tern_sock *ts = tern_sk(sk);
	u32 room = TERN_MAX_WINDOW - tern_seq_dist(ts->conn.snd_una, ts->conn.snd_end);
	int n;

	if (sk->sk_err || sk->sk_shutdown & SEND_SHUTDOWN)
		return -EPIPE;
	if (!room || !sk_stream_memory_free(sk))
		return -EAGAIN;
	n = tern_buf_copy_in(sk, msg, min_t(size_t, msg_data_left(msg), room));
	if (n > 0 && WARN_ON_ONCE(!tern_send(&ts->conn, n)))
		return -EPIPE;
	return n == -ENOMEM ? -EAGAIN : n;
}

static int tern_prot_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)
{
	long timeo = sock_sndtimeo(sk, msg->msg_flags & MSG_DONTWAIT);
	int copied = 0, pushed = 0, err = 0;

	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;

	lock_sock(sk);
	sk_clear_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	if ((1 << sk->sk_state) & ~(TCPF_ESTABLISHED | TCPF_CLOSE_WAIT))
		err = sk_stream_wait_connect(sk, &timeo);

	while (!err && msg_data_left(msg)) {
		err = tern_send_some(sk, msg);
		if (err > 0) {
			copied += err;
			err = 0;
			/* Let the first octets travel while the others are copied. */
			if (copied - pushed >= 65536) {
				tern_pump(sk);
				pushed = copied;
			}
		} else if (err == -EAGAIN) {
			set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
			tern_pump(sk);
			pushed = copied;
			err = sk_stream_wait_memory(sk, &timeo);
		}
	}
	if (copied != pushed)
		tern_pump(sk);
	if (copied)
		err = copied;
	else if (err)
		err = sk_stream_error(sk, msg->msg_flags, err);
	release_sock(sk);
	return err;
}

/*
 * Copy out octets that are there, from @peeked octets after the first unread one;
 * without MSG_PEEK they are taken.  Return: how many, 0 when there are none.
 */
static int tern_recv_some(struct sock *sk, struct msghdr *msg, size_t len, int flags,
			  u32 peeked)
{
	struct tern_sock *ts = tern_sk(sk);
	u32 skip = flags & MSG_PEEK ? peeked : 0;
	struct sk_buff *skb;
	struct tern_cb *cb;
	u32 n;

	skb_queue_walk(&sk->sk_receive_queue, skb) {
		cb = TERN_CB(skb);
		if (skip < cb->len)
			goto found;
		skip -= cb->len;
	}
	return 0;

found:
	n = min_t(size_t, cb->len - skip, len);
	if (!(flags & MSG_TRUNC) && skb_copy_datagram_msg(skb, cb->off + skip, msg, n))
		return -EFAULT;
	if (flags & MSG_PEEK)
		return n;
	cb->off += n;
	cb->pos += n;
	cb->len -= n;
	WRITE_ONCE(ts->rcv_head, cb->pos);
	if (!cb->len) {
		__skb_unlink(skb, &sk->sk_receive_queue);
		__kfree_skb(skb);
	}
	if (ts->hashed)
		tern_receive(&ts->conn, n);
	return n;
}

/* Nothing to read now: 0 to return what there is, an error, or 1 to wait. */
static int tern_recv_idle(struct sock *sk, long timeo, int copied)
{
	/* What went wrong after the first octets is for the next call to tell. */
	if (copied && (sk->sk_err || sk->sk_state == TCP_CLOSE || !timeo ||
		       sk->sk_shutdown & RCV_SHUTDOWN || signal_pending(current)))
		return 0;
	if (sock_flag(sk, SOCK_DONE))
		return 0;
	if (sk->sk_err)
		return sock_error(sk);
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		return 0;
	if (sk->sk_state == TCP_CLOSE)
		return -ENOTCONN;
	if (!timeo)
		return -EAGAIN;
	if (signal_pending(current))
		return sock_intr_errno(timeo);
	return 1;
}

/**
 * tern_recvmsg() - recvmsg(2), but for the error queue
 * @sk: socket
 * @msg: where to put the octets
 * @len: how many are wanted
 * @flags: MSG_*
 *
 * Return: how many there were, 0 at the end of the stream, or an error.
 */
int tern_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags)
{
	int copied = 0, err = 0, target;
	long timeo;

	if (flags & MSG_OOB)
		return -EINVAL;

	lock_sock(sk);
	if (sk->sk_state == TCP_LISTEN) {
		err = -ENOTCONN;
		goto out;
	}
	timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	target = sock_rcvlowat(sk, flags & MSG_WAITALL, len);
	do {
		err = tern_recv_some(sk, msg, len - copied, flags, copied);
		if (err < 0 || (!len && !skb_queue_empty(&sk->sk_receive_queue)))
			break;
		if (err) {
			copied += err;
			continue;
		}
		if (copied >= target)
			break;
		/* The window may have to open for more to come. */
		tern_pump(sk);
		err = tern_recv_idle(sk, timeo, copied);
		if (err <= 0)
			break;
		sk_wait_data(sk, &timeo, skb_peek_tail(&sk->sk_receive_queue));
	} while (copied < len);
	tern_pump(sk);
out:
	release_sock(sk);
	return copied ? copied : err;
}

static __poll_t tern_poll_stream(struct sock *sk)
{
	u8 shutdown = READ_ONCE(sk->sk_shutdown);
	__poll_t mask = 0;

	if (READ_ONCE(tern_sk(sk)->rcv_tail) - READ_ONCE(tern_sk(sk)->rcv_head) >=
	    (u32)sock_rcvlowat(sk, 0, INT_MAX))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (shutdown & SEND_SHUTDOWN || __sk_stream_is_writeable(sk, 1))
		return mask | EPOLLOUT | EPOLLWRNORM;

	sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	/* Room that was made before the bits were set would wake nobody. */
	smp_mb__after_atomic();
	if (__sk_stream_is_writeable(sk, 1))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

static __poll_t tern_poll(struct file *file, struct socket *sock, poll_table *wait)
{
	struct sock *sk = sock->sk;
	__poll_t mask = 0;
	u8 shutdown;
	int state;

	sock_poll_wait(file, sock, wait);
	state = inet_sk_state_load(sk);
	if (state == TCP_LISTEN)
		return tern_accept_ready(sk) ? EPOLLIN | EPOLLRDNORM : 0;

	shutdown = READ_ONCE(sk->sk_shutdown);
	if (shutdown == SHUTDOWN_MASK || state == TCP_CLOSE)
		mask |= EPOLLHUP;
	if (shutdown & RCV_SHUTDOWN)
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (state != TCP_SYN_SENT && state != TCP_SYN_RECV)
		mask |= tern_poll_stream(sk);
	/* Pairs with the barrier in tern_apply_closed(). */
	smp_rmb();
	if (READ_ONCE(sk->sk_err) || !skb_queue_empty_lockless(&sk->sk_error_queue))
		mask |= EPOLLERR;
	return mask;
}

/**
 * tern_ioctl() - SIOCINQ: octets to be read; SIOCOUTQ: octets not acknowledged yet
 * @sk: socket
 * @cmd: one of these
 * @value: where to put the number
 *
 * Return: 0, -EINVAL for a listener, -ENOIOCTLCMD for another command.
 */
int tern_ioctl(struct sock *sk, int cmd, int *value)
{
	struct tern_sock *ts = tern_sk(sk);
	struct sk_buff *skb;
	int err = 0;
	int n = 0;

	lock_sock(sk);
	if (sk->sk_state == TCP_LISTEN)
		err = -EINVAL;
	if (cmd == SIOCINQ) {
		n = ts->rcv_tail - ts->rcv_head;
	} else if (cmd == SIOCOUTQ) {
		skb_queue_walk(&sk->sk_write_queue, skb)
			n += skb->len;
	} else {
		err = -ENOIOCTLCMD;
	}
	release_sock(sk);
	*value = n;
	return err;
}

/* How long to wait for a silent peer has changed; socket locked. */
static void tern_patience_changed(struct sock *sk)
{
	struct tern_conn *conn = &tern_sk(sk)->conn;
	struct tern_config cfg;

	tern_config_patience(sk, &cfg);
	tern_set_keepalive(conn, cfg.keep_idle, cfg.keep_interval, cfg.keep_probes);
	tern_set_user_timeout(conn, cfg.user_timeout);
}

/* SO_KEEPALIVE */
static void tern_prot_keepalive(struct sock *sk, int on)
{
	sock_valbool_flag(sk, SOCK_KEEPOPEN, on);
	tern_patience_changed(sk);
	tern_pump(sk);
}

/* The range of an option, as for TCP; socket locked. */
static int tern_set_option(struct sock *sk, int name, int value)
{
	struct tern_options *options = &tern_sk(sk)->options;
	u32 *seconds = &options->keep_idle;

	switch (name) {
	case TERN_NODELAY:
		WRITE_ONCE(options->nodelay, !!value);
		tern_set_nodelay(&tern_sk(sk)->conn, !!value);
		return 0;
	case TERN_KEEPINTVL:
		seconds = &options->keep_interval;
		fallthrough;
	case TERN_KEEPIDLE:
		if (value < 1 || value > 32767)
			return -EINVAL;
		WRITE_ONCE(*seconds, value);
		break;
	case TERN_KEEPCNT:
		if (value < 1 || value > 127)
			return -EINVAL;
		WRITE_ONCE(options->keep_probes, value);
		break;
	case TERN_USER_TIMEOUT:
		if (value < 0)
			return -EINVAL;
		WRITE_ONCE(options->user_timeout, value);
		break;
	default:
		return -ENOPROTOOPT;
	}
	tern_patience_changed(sk);
	return 0;
}

static int tern_prot_setsockopt(struct sock *sk, int level, int name, sockptr_t val,
				unsigned int len)
{
	int value, err;

	/* IP options take room in each packet: tern_pump() looks at that. */
	if (level != SOL_TERN && IS_ENABLED(CONFIG_IPV6) && sk->sk_family == AF_INET6)
		return ipv6_setsockopt(sk, level, name, val, len);
	if (level != SOL_TERN)
		return ip_setsockopt(sk, level, name, val, len);
	if (len < sizeof(value))
		return -EINVAL;
	if (copy_from_sockptr(&value, val, sizeof(value)))
		return -EFAULT;

	lock_sock(sk);
	err = tern_set_option(sk, name, value);
	if (!err)
		tern_pump(sk);
	release_sock(sk);
	return err;
}

static int tern_get_option(struct sock *sk, int name, int *value)
{
	const struct tern_options *options = &tern_sk(sk)->options;
	struct tern_config cfg;

	tern_config_patience(sk, &cfg);
	switch (name) {
	case TERN_NODELAY:
		*value = READ_ONCE(options->nodelay);
		return 0;
	case TERN_KEEPIDLE:
		*value = READ_ONCE(options->keep_idle);
		if (!*value)
			*value = tern_sysctl(tern_net(sock_net(sk)), TERN_SYSCTL_KEEP_IDLE);
		return 0;
	case TERN_KEEPINTVL:
		*value = div_u64(cfg.keep_interval, USEC_PER_SEC);
		return 0;
	case TERN_KEEPCNT:
		*value = cfg.keep_probes;
		return 0;
	case TERN_USER_TIMEOUT:
		*value = READ_ONCE(options->user_timeout);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int tern_prot_getsockopt(struct sock *sk, int level, int name, char __user *val,
				int __user *len)
{
	int value, n, err;

	if (level != SOL_TERN && IS_ENABLED(CONFIG_IPV6) && sk->sk_family == AF_INET6)
		return ipv6_getsockopt(sk, level, name, val, len);
	if (level != SOL_TERN)
		return ip_getsockopt(sk, level, name, val, len);
	if (get_user(n, len))
		return -EFAULT;
	if (n < 0)
		return -EINVAL;

	err = tern_get_option(sk, name, &value);
	if (err)
		return err;
	n = min_t(int, n, sizeof(value));
	if (put_user(n, len) || copy_to_user(val, &value, n))
		return -EFAULT;
	return 0;
}

/* More than the window lets come would never be there; socket locked. */
static int tern_set_rcvlowat(struct sock *sk, int val)
{
	WRITE_ONCE(sk->sk_rcvlowat, clamp(val, 1, max(READ_ONCE(sk->sk_rcvbuf) / 4, 1)));
	return 0;
}

static void tern_enter_memory_pressure(struct sock *sk)
{
	WRITE_ONCE(tern_memory_pressure, 1);
}

struct proto tern_prot = {
	.name = "TERN",
	.owner = THIS_MODULE,
	.close = tern_prot_close,
	.connect = tern_prot_connect,
	.disconnect = tern_prot_disconnect,
	.accept = tern_prot_accept,
	.ioctl = tern_prot_ioctl,
	.init = tern_init_sock,
	.destroy = tern_destroy_sock,
	.shutdown = tern_prot_shutdown,
	.keepalive = tern_prot_keepalive,
	.setsockopt = tern_prot_setsockopt,
	.getsockopt = tern_prot_getsockopt,
	.sendmsg = tern_prot_sendmsg,
	.recvmsg = tern_prot_recvmsg,
	.backlog_rcv = tern_backlog_rcv,
	.release_cb = tern_release_cb,
	.unhash = tern_unhash,
	.get_port = tern_get_port,
	.put_port = tern_put_port,
	.enter_memory_pressure = tern_enter_memory_pressure,
	.memory_allocated = &tern_memory_allocated,
	.per_cpu_fw_alloc = &tern_memory_per_cpu_fw_alloc,
	.sockets_allocated = &tern_sockets_allocated,
	.memory_pressure = &tern_memory_pressure,
	.sysctl_mem = tern_mem,
	.sysctl_wmem = tern_wmem,
	.sysctl_rmem = tern_rmem,
	.max_header = MAX_HEADER + sizeof(struct iphdr) + TERN_HDR_MAX,
	.no_autobind = true,
	.obj_size = sizeof(struct tern_sock),
};

const struct proto_ops tern_stream_ops = {
	.family = PF_INET,
	.owner = THIS_MODULE,
	.release = inet_release,
	.bind = inet_bind,
	.connect = inet_stream_connect,
	.socketpair = sock_no_socketpair,
	.accept = inet_accept,
	.getname = inet_getname,
	.poll = tern_poll,
	.ioctl = inet_ioctl,
	.gettstamp = sock_gettstamp,
	.listen = tern_listen,
	.shutdown = inet_shutdown,
	.setsockopt = sock_common_setsockopt,
	.getsockopt = sock_common_getsockopt,
	.sendmsg = inet_sendmsg,
	.recvmsg = inet_recvmsg,
	.mmap = sock_no_mmap,
	TERN_NO_SENDPAGE
	.set_rcvlowat = tern_set_rcvlowat,
};

#if IS_ENABLED(CONFIG_IPV6)
const struct proto_ops tern6_stream_ops = {
	.family = PF_INET6,
	.owner = THIS_MODULE,
	.release = inet6_release,
	.bind = inet6_bind,
	.connect = inet_stream_connect,
	.socketpair = sock_no_socketpair,
	.accept = inet_accept,
	.getname = inet6_getname,
	.poll = tern_poll,
	.ioctl = inet6_ioctl,
	.gettstamp = sock_gettstamp,
	.listen = tern_listen,
	.shutdown = inet_shutdown,
	.setsockopt = sock_common_setsockopt,
	.getsockopt = sock_common_getsockopt,
	.sendmsg = inet_sendmsg,
	.recvmsg = inet_recvmsg,
	.mmap = sock_no_mmap,
	TERN_NO_SENDPAGE
	.set_rcvlowat = tern_set_rcvlowat,
};
#endif

/** tern_prot_init() - register the protocol, with limits that fit this machine's memory */
int tern_prot_init(void)
{
	unsigned long pages = nr_free_buffer_pages();
	int err;

	tern_mem[2] = max(pages / 8, 128UL);
	tern_mem[1] = tern_mem[2] / 4 * 3;
	tern_mem[0] = tern_mem[2] / 2;
	err = percpu_counter_init(&tern_sockets_allocated, 0, GFP_KERNEL);
	if (err)
		return err;
	/* A copy of tern_prot, as it is before it is registered. */
	err = tern6_prot_init();
	if (err)
		goto err_counter;
	err = proto_register(&tern_prot, 1);
	if (err)
		goto err_prot6;
	return 0;

err_prot6:
	tern6_prot_exit();
err_counter:
	percpu_counter_destroy(&tern_sockets_allocated);
	return err;
}

/** tern_prot_exit() - after rcu_barrier(): no socket is left */
void tern_prot_exit(void)
{
	proto_unregister(&tern_prot);
	tern6_prot_exit();
	percpu_counter_destroy(&tern_sockets_allocated);
}
