/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The socket, the tables it stands in, and who may touch what when.
 *
 * Lock order (take from top to bottom, any may be left out):
 *
 *	1. the socket lock (lock_sock() in a process; bh_lock_sock() in softirq,
 *	   where a socket in use sends the packet to the backlog and the timer to
 *	   a deferred bit)
 *	2. tern_request.lock	(one half-open connection)
 *	3. tern_listener.lock	(the two queues of one listener)
 *	4. tern_net.tw_lock	(the TIME_WAIT queue)
 *	5. tern_net.ports_lock	(owners of local ports)
 *	6. the bucket locks inside the rhashtables
 *
 * A child's socket lock is taken under its request's lock, as the child is not
 * yet visible to anyone; that is the one step upwards.  The child of a SYN cookie
 * has no request before it.
 *
 * Lifetime:
 *
 *	struct sock	counted by sk_refcnt: one for life (dropped by
 *			tern_destroy()), one while it stands in the connection
 *			table, one while its timer is armed, one while a deferred
 *			timeout waits.  Freed after an RCU grace period, so a
 *			lookup needs rcu_read_lock() and refcount_inc_not_zero().
 *	tern_request	counted: one while it stands in the table, one while its
 *			timer is armed; freed after a grace period.  Its reference
 *			to the port goes on to the child, and from there to
 *			TIME_WAIT.
 *	tern_tw_entry	not counted: used under rcu_read_lock() only, freed after a
 *			grace period by whoever takes it out of the table.
 *	tern_port	counted by the owners and connections that use the port;
 *			freed after a grace period.
 *	tern_listener	lives as long as its socket: freed by the socket's
 *			destructor, after the grace period.
 *	the module	is pinned by the programs that hold sockets.  A socket gives
 *			its own pin back when its program lets go of it, so that
 *			neither an orphan nor TIME_WAIT keeps the module loaded;
 *			unloading aborts what is left.
 *	packets		on their way out do not belong to a socket (skb->sk is not
 *			set): nothing of the module is referred to from a queue
 *			somewhere below.
 */
#ifndef TERN_MODULE_SOCK_H
#define TERN_MODULE_SOCK_H

#include <linux/atomic.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/ktime.h>
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <net/inet_sock.h>
#include <net/netns/generic.h>
#include <net/sock.h>

#include "core/tern.h"
#include "core/wire.h"
#include "module/compat.h"
#include "module/stats.h"

/* enum tern_kind - what stands behind an entry of the connection table */
enum tern_kind {
	TERN_KIND_SOCK,		/* struct tern_sock */
	TERN_KIND_REQUEST,	/* struct tern_request: SYN_RECEIVED */
	TERN_KIND_TW,		/* struct tern_tw_entry: TIME_WAIT */
};

/**
 * struct tern_ends - the two ends of a connection: the key of the connection table
 * @laddr: our address; both are v4-mapped (::ffff:a.b.c.d) for one over IPv4
 * @raddr: the peer's address
 * @lport: our port
 * @rport: the peer's port
 * @scope: index of the interface, if an address is link-local and so means
 *	something there only; else 0
 * @v6: it runs over IPv6
 */
struct tern_ends {
	struct in6_addr laddr;
	struct in6_addr raddr;
	__be16 lport;
	__be16 rport;
	int scope;
	bool v6;
};

/**
 * struct tern_addrs6 - what of &struct tern_ends does not fit into a table entry
 * @laddr: our address
 * @raddr: the peer's address
 * @scope: as in &struct tern_ends
 */
struct tern_addrs6 {
	struct in6_addr laddr;
	struct in6_addr raddr;
	int scope;
};

/**
 * struct tern_entry - a place in the connection table
 * @node: the table's link
 * @laddr: our address, over IPv4; over IPv6, see tern_entry_addrs6()
 * @raddr: the peer's address, over IPv4
 * @lport: our port
 * @rport: the peer's port
 * @kind: &enum tern_kind; never changes
 * @reuse: its owner had set SO_REUSEADDR
 * @dead: a request or TIME_WAIT entry that was taken out of the table; under
 *	tern_request.lock or tern_net.tw_lock
 * @v6: the connection runs over IPv6
 */
struct tern_entry {
	struct rhash_head node;
	__be32 laddr;
	__be32 raddr;
	__be16 lport;
	__be16 rport;
	u8 kind;
	u8 reuse;
	bool dead;
	bool v6;
};

/**
 * struct tern_port - a local port in use
 * @node: link of tern_net.ports
 * @port: the port, host order; the key
 * @refs: users: owners, connections of all kinds
 * @conns: connections (also half-open and TIME_WAIT) that did not bind() it
 * @conns_noreuse: those of them without SO_REUSEADDR
 * @owners: sockets that bound it, listeners among them; walked under RCU,
 *	changed under tern_net.ports_lock
 * @rcu: to free it
 */
struct tern_port {
	struct rhash_head node;
	u32 port;
	refcount_t refs;
	atomic_t conns;
	atomic_t conns_noreuse;
	struct hlist_head owners;
	struct rcu_head rcu;
};

/**
 * struct tern_listener - what a socket has only while it listens
 * @lock: protects all of it
 * @accept_queue: children waiting for accept(), oldest first, by accept_node
 * @requests: half-open connections, by tern_request.link
 * @n_accept: length of @accept_queue
 * @n_requests: length of @requests; both are also read without the lock
 * @cookies_until: until then a cookie of this listener may come back, s of the
 *	monotonic clock; not under the lock
 * @closed: the listener is gone: nothing is queued any more
 */
struct tern_listener {
	spinlock_t lock;	/* all below */
	struct list_head accept_queue;
	struct list_head requests;
	u32 n_accept;
	u32 n_requests;
	u32 cookies_until;
	bool closed;
};

/**
 * struct tern_request - a half-open connection (SYN_RECEIVED), without a socket
 * @e: its place in the connection table
 * @lock: protects @req and @e.dead
 * @refs: see the top of this file
 * @req: the engine's part
 * @port: the local port, one reference
 * @listener: the listening socket; valid while not @e.dead
 * @link: in tern_listener.requests, under that lock
 * @timer: retransmits the SYN-ACK
 * @rcu: to free it
 * @mss: payload of one packet on this path, octets
 */
struct tern_request {
	struct tern_entry e;
	spinlock_t lock;	/* @req, @e.dead */
	refcount_t refs;
	struct tern_req req;
	struct tern_port *port;
	struct sock *listener;
	struct list_head link;
	struct timer_list timer;
	struct rcu_head rcu;
	u16 mss;
};

/** struct tern_request6 - one over IPv6, with the addresses of @rq.e */
struct tern_request6 {
	struct tern_request rq;
	struct tern_addrs6 addrs;
};

/**
 * struct tern_tw_entry - a connection in TIME_WAIT
 * @e: its place in the connection table
 * @tw: the engine's part, never changed
 * @since: when the wait (re)started, low 32 bits of jiffies
 * @acked: when a bare segment was last answered, the same
 * @queue: in tern_net.tw_queue, in order of @since, under tw_lock
 * @rcu: to free it, once off the queue
 */
struct tern_tw_entry {
	struct tern_entry e;
	struct tern_tw tw;
	u32 since;
	u32 acked;
	union {
		struct list_head queue;
		struct rcu_head rcu;
	};
};

/** struct tern_tw_entry6 - one over IPv6, with the addresses of @tw.e */
struct tern_tw_entry6 {
	struct tern_tw_entry tw;
	struct tern_addrs6 addrs;
};

/* enum tern_sysctl - the numbers an operator sets; struct tern_net.sysctl */
enum tern_sysctl {
	TERN_SYSCTL_ENABLE,		/* 0: the protocol is left alone here */
	TERN_SYSCTL_TIME_WAIT,		/* s */
	TERN_SYSCTL_MAX_TIME_WAIT,	/* entries */
	TERN_SYSCTL_FIN_WAIT_2,		/* s */
	TERN_SYSCTL_RTO_INITIAL,	/* ms */
	TERN_SYSCTL_RTO_MIN,		/* ms */
	TERN_SYSCTL_RTO_MAX,		/* ms */
	TERN_SYSCTL_DELACK,		/* ms */
	TERN_SYSCTL_SYN_RETRIES,
	TERN_SYSCTL_SYNACK_RETRIES,
	TERN_SYSCTL_DATA_RETRIES,
	TERN_SYSCTL_ORPHAN_RETRIES,
	TERN_SYSCTL_MAX_ORPHANS,	/* sockets */
	TERN_SYSCTL_MAX_SYN_BACKLOG,	/* half-open connections of one listener */
	TERN_SYSCTL_SYNCOOKIES,		/* 0: never, 1: when the queue is full, 2: always */
	TERN_SYSCTL_CHALLENGE_ACKS,	/* per second, 0: no limit */
	TERN_SYSCTL_SACK,		/* 1: offer selective acknowledgments */
	TERN_SYSCTL_TIMESTAMPS,		/* 1: offer timestamps */
	TERN_SYSCTL_KEEP_IDLE,		/* s */
	TERN_SYSCTL_KEEP_INTERVAL,	/* s */
	TERN_SYSCTL_KEEP_PROBES,
	TERN_SYSCTLS,
};

/**
 * struct tern_net - Tern in one network namespace
 * @net: the namespace
 * @conns: struct tern_entry by addresses and ports
 * @ports: struct tern_port by port
 * @ports_lock: protects @ports' membership and every tern_port.owners
 * @tw_lock: protects @tw_queue and the queue links
 * @tw_queue: TIME_WAIT entries, the one that ends first at the front: all wait
 *	the same time
 * @tw_timer: runs when the first of them ends
 * @tw_count: length of @tw_queue
 * @requests: half-open connections
 * @orphans: sockets without a user
 * @sockets: sockets that have not been destroyed yet
 * @challenge_window: second (of jiffies) to which @challenge_left belongs
 * @challenge_left: challenge ACKs that may still be sent in it
 * @cookies_used: fingerprints of the SYN cookies that made a connection,
 *	TERN_COOKIES_USED of them; NULL before the first listener
 * @ctl_sk: kernel socket whose settings segments without a socket are sent with
 * @ctl_sk6: the same for IPv6, for segments behind extension headers; NULL without IPv6
 * @leaving: the namespace ends, nothing comes in any more
 * @mib: counters, &enum tern_mib
 * @sysctl: &enum tern_sysctl; written by the sysctl files, read with READ_ONCE()
 * @sysctl_table: the files' table, with pointers into @sysctl
 * @sysctl_header: its registration
 */
struct tern_net {
	struct net *net;
	struct rhashtable conns;
	struct rhashtable ports;
	spinlock_t ports_lock;	/* @ports and their owners */

	spinlock_t tw_lock;	/* @tw_queue, @tw_count */
	struct list_head tw_queue;
	struct timer_list tw_timer;
	u32 tw_count;

	atomic_t requests;
	atomic_t orphans;
	atomic_t sockets;

	unsigned long challenge_window;
	atomic_t challenge_left;

	u32 *cookies_used;

	struct sock *ctl_sk;
	struct sock *ctl_sk6;
	bool leaving;
	struct tern_mib __percpu *mib;

	unsigned int sysctl[TERN_SYSCTLS];
	struct ctl_table *sysctl_table;
	struct ctl_table_header *sysctl_header;
};

/* enum tern_deferred - bits of &struct tern_sock.deferred */
enum tern_deferred {
	TERN_DEFERRED_TIMER,	/* a timeout met the socket in use */
	TERN_DEFERRED_MSS,	/* so did news of a smaller path MTU */
	TERN_DEFERRED_PUMP,	/* segments of the backlog are to be answered, all at once */
};

/**
 * struct tern_options - what a program has set at level SOL_TERN; a child inherits it
 * @keep_idle: TERN_KEEPIDLE, s; 0: as net.tern says, also for the next two
 * @keep_interval: TERN_KEEPINTVL, s
 * @user_timeout: TERN_USER_TIMEOUT, ms; 0: none
 * @keep_probes: TERN_KEEPCNT
 * @nodelay: TERN_NODELAY
 */
struct tern_options {
	u32 keep_idle;
	u32 keep_interval;
	u32 user_timeout;
	u8 keep_probes;
	bool nodelay;
};

/**
 * struct tern_sock - a Tern socket; everything under the socket lock
 * @inet: the generic socket; must be first
 * @options: socket options; outlive the connection
 * @e: its place in the connection table, while @hashed
 * @conn: the engine's connection; all zero but CLOSED while there is none
 * @port: the local port, or NULL
 * @owner_node: in tern_port.owners, while @bound
 * @accept_node: in the listener's accept queue
 * @listener: while and after it listens
 * @ooo: received skbs beyond the first hole, in order of position
 * @rcv_head: position of the next octet the user reads; also read without the lock
 * @rcv_tail: position after the last octet of sk_receive_queue
 * @snd_base: position of the first octet of sk_write_queue
 * @mtu: path MTU that came while the socket was in use, octets
 * @deferred: &enum tern_deferred bits
 * @timer_by: the deadline that sk_timer was set for, us, while it is pending
 * @hashed: it stands in the connection table, which holds a reference
 * @bound: it is an owner of @port, else (with a port) one of its connections
 * @destroyed: tern_destroy() has run
 * @unpinned: its reference to the module was given back
 * @orphaned: it is counted in tern_net.orphans
 */
struct tern_sock {
	struct inet_sock inet;
	struct tern_options options;
	struct tern_entry e;
	struct tern_conn conn;

	struct tern_port *port;
	struct hlist_node owner_node;
	struct list_head accept_node;
	struct tern_listener *listener;

	struct sk_buff_head ooo;
	u32 rcv_head;
	u32 rcv_tail;
	u32 snd_base;
	u32 mtu;
	unsigned long deferred;
	u64 timer_by;

	bool hashed;
	bool bound;
	bool destroyed;
	bool unpinned;
	bool orphaned;
};

#if IS_ENABLED(CONFIG_IPV6)
/**
 * struct tern6_sock - a Tern socket of AF_INET6
 * @sk: must be first
 * @addrs: the addresses of @sk.e, where that is over IPv6
 * @inet6: the generic part; must be last
 */
struct tern6_sock {
	struct tern_sock sk;
	struct tern_addrs6 addrs;
	struct ipv6_pinfo inet6;
};
#endif

/**
 * struct tern_cb - what a queued skb carries along, in skb->cb
 * @pos: position in the stream of the first octet that is left
 * @off: where in the skb that octet lies
 * @len: octets that are left
 */
struct tern_cb {
	u32 pos;
	u32 off;
	u32 len;
};

#define TERN_CB(skb) ((struct tern_cb *)(skb)->cb)

static inline struct tern_sock *tern_sk(const struct sock *sk)
{
	return (struct tern_sock *)sk;
}

/** tern_sock_v6() - does the socket's connection, if it has ends, run over IPv6? */
static inline bool tern_sock_v6(const struct sock *sk)
{
	return IS_ENABLED(CONFIG_IPV6) && tern_sk(sk)->e.v6;
}

/** tern_skb_v6() - did (or will) it travel over IPv6?  Its network header is set */
static inline bool tern_skb_v6(const struct sk_buff *skb)
{
	return IS_ENABLED(CONFIG_IPV6) && ip_hdr(skb)->version == 6;
}

/** tern_ends_v6() - so that a kernel without IPv6 has no code for it */
static inline bool tern_ends_v6(const struct tern_ends *ends)
{
	return IS_ENABLED(CONFIG_IPV6) && ends->v6;
}

/** tern_v4() - the IPv4 address in a v4-mapped one */
static inline __be32 tern_v4(const struct in6_addr *mapped)
{
	return mapped->s6_addr32[3];
}

/** tern_now() - the time, as the engine wants it: us, monotonic */
static inline u64 tern_now(void)
{
	return ktime_to_us(ktime_get());
}

/** tern_pos_before() - positions of a stream are modulo 2^32, like sequence numbers */
static inline bool tern_pos_before(u32 a, u32 b)
{
	return (s32)(a - b) < 0;
}

/* main.c */
extern unsigned int tern_net_id;
extern u8 tern_protocol;

static inline struct tern_net *tern_net(const struct net *net)
{
	return net_generic(net, tern_net_id);
}

static inline unsigned int tern_sysctl(const struct tern_net *tn, enum tern_sysctl which)
{
	return READ_ONCE(tn->sysctl[which]);
}

/* stats.c */
int tern_stats_init(struct tern_net *tn);
void tern_stats_exit(struct tern_net *tn);

static inline void tern_count(const struct tern_net *tn, enum tern_mib_item item)
{
	this_cpu_inc(tn->mib->v[item]);
}

static inline void tern_count_drop(const struct tern_net *tn, unsigned int why)
{
	this_cpu_inc(tn->mib->drop[why]);
}

u64 tern_mib_sum(const struct tern_net *tn, unsigned int index);

/* sysctl.c */
int tern_sysctl_init(struct tern_net *tn);
void tern_sysctl_exit(struct tern_net *tn);

/* proc.c */
int tern_proc_init(struct net *net);
void tern_proc_exit(struct net *net);

/* hook.c */
int tern_hook_init(struct net *net);
void tern_hook_exit(struct net *net);

/* rx.c */
void tern_rcv(struct net *net, struct sk_buff *skb);
void tern_dispatch(struct tern_net *tn, struct sk_buff *skb, struct tern_seg *seg);
int tern_backlog_rcv(struct sock *sk, struct sk_buff *skb);
void tern_drop_skb(struct tern_net *tn, struct sk_buff *skb, unsigned int why);
bool tern_challenge_allowed(struct tern_net *tn);
bool tern_filter(struct sock *sk, struct sk_buff *skb, struct tern_seg *seg);

/* icmp.c */
int tern_icmp_err(struct sk_buff *skb, u32 info);
int tern6_icmp_err(struct sk_buff *skb, struct inet6_skb_parm *opt, u8 type, u8 code,
		   int offset, __be32 info);
void tern_mtu_changed(struct sock *sk, u32 mtu);

/* tx.c */
void tern_xmit(struct sock *sk, struct tern_seg *seg);
void tern_xmit_bare(struct tern_net *tn, const struct tern_ends *ends, const struct sock *like,
		    const struct tern_seg *seg);
void tern_xmit_entry(struct tern_net *tn, const struct tern_entry *e, const struct sock *like,
		     struct tern_seg *seg);
void tern_xmit_reset(struct tern_net *tn, const struct sk_buff *skb, const struct tern_seg *seg);
int tern_route(struct sock *sk);
u16 tern_dst_mss(const struct dst_entry *dst);
u16 tern_send_mss(struct sock *sk);
u16 tern_path_mss(struct tern_net *tn, const struct tern_ends *ends, const struct sock *like);
__be32 tern_first_hop(const struct sock *sk, __be32 daddr);
struct dst_entry *tern_dst_check(struct sock *sk);

/* buf.c */
int tern_buf_copy_in(struct sock *sk, struct msghdr *msg, size_t size);
struct sk_buff *tern_buf_segment(struct sock *sk, u32 pos, u32 len, u32 headroom);
void tern_buf_acked(struct sock *sk, u32 octets);
bool tern_buf_room(struct sock *sk, const struct sk_buff *skb);
void tern_buf_queue(struct sock *sk, struct sk_buff *skb, u32 hlen,
		    const struct tern_result *res);
void tern_buf_purge_send(struct sock *sk);

/* pump.c */
bool tern_apply(struct sock *sk, const struct tern_result *res, struct sk_buff *skb,
		const struct tern_seg *seg);
void tern_pump(struct sock *sk);
void tern_apply_pump(struct sock *sk, const struct tern_result *res);
void tern_config(const struct sock *sk, const struct tern_ends *ends, u16 mss,
		 struct tern_config *cfg);
void tern_config_patience(const struct sock *sk, struct tern_config *cfg);
void tern_note_path(const struct tern_net *tn, const struct tern_entry *e,
		    const struct tern_result *res);

/* ends.c */
void tern_ends_of_skb(struct tern_ends *ends, const struct sk_buff *skb,
		      const struct tern_seg *seg);
void tern_ends_of_entry(struct tern_ends *ends, const struct tern_entry *e);
void tern_entry_init(struct tern_entry *e, enum tern_kind kind, const struct tern_ends *ends,
		     bool reuse);
void tern_entry_of_sock(struct sock *sk);
bool tern_entry_has_ends(const struct tern_entry *e, const struct tern_ends *ends);
u32 tern_ends_hash(const struct tern_ends *ends, u32 seed);
void tern_ends_sockaddrs(const struct tern_ends *ends, void *local, void *remote);
tern_seq tern_new_iss(const struct tern_ends *ends);
u32 tern_ts_offset(const struct tern_ends *ends);
u64 tern_ends_siphash(const struct tern_ends *ends, const siphash_key_t *key);

/* demux.c */
int tern_demux_init(struct tern_net *tn);
void tern_demux_exit(struct tern_net *tn);
struct tern_entry *tern_lookup(struct tern_net *tn, const struct tern_ends *ends);
struct sock *tern_lookup_listener(struct tern_net *tn, const struct tern_ends *ends, int dif);
int tern_insert(struct tern_net *tn, struct tern_entry *e);
bool tern_remove(struct tern_net *tn, struct tern_entry *e);
int tern_replace(struct tern_net *tn, struct tern_entry *old, struct tern_entry *new);
void tern_unhash(struct sock *sk);
int tern_get_port(struct sock *sk, unsigned short port);
int tern_port_listen(struct sock *sk);
void tern_put_port(struct sock *sk);
int tern_hash_connect(struct sock *sk);
int tern_port_conn(struct tern_net *tn, __be16 port, bool reuse, struct tern_port **which);
void tern_port_unconn(struct tern_net *tn, __be16 port, bool reuse);

/* sock.c */
extern struct proto tern_prot;
extern const struct proto_ops tern_stream_ops;
extern const struct proto_ops tern6_stream_ops;
int tern_prot_init(void);
void tern_prot_exit(void);
int tern_prot_connect(struct sock *sk, struct sockaddr_unsized *uaddr, int addr_len);
int tern_connect_check(const struct sock *sk, __be16 port);
int tern_connect_open(struct sock *sk, int err);
void tern_sock_reset(struct sock *sk);
void tern_done(struct sock *sk);
void tern_destroy(struct sock *sk);
void tern_unpin(struct sock *sk);
void tern_abort_sock(struct sock *sk);
void tern_sock_exit(struct tern_net *tn);

/* ipv6.c; what has no substitute is called for connections over IPv6 only */
#if IS_ENABLED(CONFIG_IPV6)
extern struct proto tern6_prot;
bool tern6_enabled(void);
int tern6_prot_init(void);
void tern6_prot_exit(void);
int tern6_register(void);
void tern6_unregister(void);
int tern6_net_init(struct tern_net *tn);
void tern6_net_exit(struct tern_net *tn);
#else
static inline bool tern6_enabled(void) { return false; }
static inline int tern6_prot_init(void) { return 0; }
static inline void tern6_prot_exit(void) { }
static inline int tern6_register(void) { return 0; }
static inline void tern6_unregister(void) { }
static inline int tern6_net_init(struct tern_net *tn) { return 0; }
static inline void tern6_net_exit(struct tern_net *tn) { }
#endif
int tern6_route(struct sock *sk);
u32 tern6_opt_len(const struct sock *sk);
int tern6_send(struct sock *sk, struct sk_buff *skb);
struct dst_entry *tern6_bare_route(struct tern_net *tn, const struct tern_ends *ends, int oif);
int tern6_send_bare(struct tern_net *tn, struct sk_buff *skb, const struct tern_ends *ends,
		    u8 tclass);
bool tern6_is_unicast(const struct sk_buff *skb);
void tern6_child_init(struct sock *sk, const struct sock *listener,
		      const struct tern_ends *ends);

/* listen.c */
int tern_listen(struct socket *sock, int backlog);
void tern_listen_stop(struct sock *sk);
bool tern_accept_ready(const struct sock *sk);
void tern_listen_rcv(struct tern_net *tn, struct sock *sk, const struct tern_ends *ends,
		     struct sk_buff *skb, struct tern_seg *seg, struct tern_tw_entry *reopens);
bool tern_request_rcv(struct tern_net *tn, struct tern_request *rq,
		      const struct tern_ends *ends, struct sk_buff *skb,
		      struct tern_seg *seg);
int tern_request_cache_init(void);
void tern_request_cache_exit(void);

/* cookie.c */

/** define TERN_COOKIES_USED - how many used cookies are remembered */
#define TERN_COOKIES_USED 16384

/**
 * struct tern_cookie - what a good SYN cookie says
 * @mac: the whole of its MAC, by which it is known again
 * @mss: the peer's MSS, octets
 */
struct tern_cookie {
	u64 mac;
	u16 mss;
};

void tern_cookie_answer(struct tern_net *tn, const struct sock *sk, const struct tern_ends *ends,
			u16 mss, const struct tern_seg *syn);
bool tern_cookie_expected(const struct tern_net *tn, const struct sock *sk,
			  const struct tern_seg *ack);
bool tern_cookie_check(const struct tern_net *tn, const struct tern_ends *ends,
		       const struct tern_seg *ack, struct tern_cookie *cookie);
bool tern_cookie_used(const struct tern_net *tn, const struct tern_cookie *cookie);
void tern_cookie_use(struct tern_net *tn, const struct tern_cookie *cookie);
int tern_cookie_prepare(struct tern_net *tn);
void tern_cookie_exit(struct tern_net *tn);

/* timer.c */
void tern_timer_init(struct sock *sk);
void tern_timer_arm(struct sock *sk, u64 now);
void tern_timer_soon(struct sock *sk);
void tern_release_cb(struct sock *sk);
unsigned long tern_timer_step(unsigned long left);
unsigned long tern_jiffies_until(u64 deadline, u64 now);

/* timewait.c */
int tern_tw_cache_init(void);
void tern_tw_cache_exit(void);
void tern_tw_net_init(struct tern_net *tn);
void tern_tw_net_exit(struct tern_net *tn);
void tern_tw_enter(struct sock *sk);
void tern_tw_rcv(struct tern_net *tn, struct tern_tw_entry *tw, const struct tern_ends *ends,
		 struct sk_buff *skb, struct tern_seg *seg);
int tern_tw_give_place(struct tern_net *tn, struct tern_tw_entry *tw, struct tern_entry *e);
void tern_tw_length_changed(struct tern_net *tn);
unsigned long tern_tw_remaining(const struct tern_net *tn, const struct tern_tw_entry *tw);

#endif /* TERN_MODULE_SOCK_H */
