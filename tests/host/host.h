/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A host: core/ in a shell that is plain data.
 *
 * Sockets, half-open connections in their small form, TIME_WAIT, a listener with its
 * accept queue, RST for what is for nobody: all that one host of one network has.  It
 * owns no clock, no randomness and no network: whoever drives it (the simulator, the
 * explorer, a fuzzer) sets its time, hands it packets, and takes what it sends.
 * Copying the struct takes a snapshot.
 *
 * An octet of a stream is host_octet() of the sending socket's name and its position,
 * so nothing need be kept of what was written, and a reader that knows its peer can
 * tell every octet.
 *
 * After each call the laws of tests/host/laws.h have been checked; the first that was
 * broken is in @broken, and stays there.
 *
 * A harness that wants to see more than the struct tells defines host_told(),
 * host_sent() or host_waited(); they change nothing.
 */
#ifndef TERN_TEST_HOST_H
#define TERN_TEST_HOST_H

#include "core/tern.h"

/* Sizes, which a harness may choose for itself when it is compiled. */
#ifndef HOST_SOCKS
/** define HOST_SOCKS - sockets of a host, half-open connections and listeners included */
#define HOST_SOCKS 8
#endif
#ifndef HOST_WAITS
/** define HOST_WAITS - entries in TIME_WAIT; more replace the oldest */
#define HOST_WAITS 8
#endif
#ifndef HOST_BUF
/** define HOST_BUF - receive buffer of a socket, octets, a power of two; a connection's
 * rcv_buf is at most this
 */
#define HOST_BUF 16384
#endif
#ifndef HOST_MTU
/** define HOST_MTU - longest packet, octets */
#define HOST_MTU (TERN_HDR_MAX + 1460)
#endif
#ifndef HOST_OUT
/** define HOST_OUT - packets that wait to be taken; more are lost, and counted */
#define HOST_OUT 256
#endif

/* enum host_kind - what a slot holds */
enum host_kind {
	HOST_FREE,
	HOST_LISTENER,
	HOST_REQUEST,	/* half-open: req */
	HOST_CONN,	/* conn; also one that is over and still has a user */
};

/**
 * struct host_packet - a packet on its way
 * @src: host that sent it
 * @dst: host it is for
 * @len: octets
 * @octet: header, checksum included, and payload
 */
struct host_packet {
	u8 src;
	u8 dst;
	u16 len;
	u8 octet[HOST_MTU];
};

/**
 * struct host_sock - a socket
 * @kind: &enum host_kind
 * @user: a program holds it
 * @queued: in the accept queue of the listener on its port
 * @over: the connection has ended, or went to TIME_WAIT
 * @eof: the peer sends no more
 * @raddr: the other host
 * @lport: our port
 * @rport: the other port
 * @name: of this incarnation, never 0, never again on this host
 * @edge: right edge of the window it has told, if @edge_known
 * @edge_known: it has told one
 * @written: octets the user has written
 * @released: of which acknowledged
 * @read: octets the user has read
 * @backlog: of a listener: half-open and queued connections, at the most
 * @req: HOST_REQUEST
 * @conn: HOST_CONN, and HOST_REQUEST while it is looked at
 * @buf: received octets, at their positions modulo HOST_BUF
 */
struct host_sock {
	u8 kind;
	bool user;
	bool queued;
	bool over;
	bool eof;
	u8 raddr;
	u16 lport;
	u16 rport;
	u32 name;
	tern_seq edge;
	bool edge_known;
	u32 written;
	u32 released;
	u32 read;
	u32 backlog;
	struct tern_req req;
	struct tern_conn conn;
	u8 buf[HOST_BUF];
};

/**
 * struct host_wait - an entry in TIME_WAIT
 * @used: it is one
 * @raddr: the other host
 * @lport: our port
 * @rport: the other port
 * @name: of the socket it was
 * @tw: what is left of it
 * @since: when it began, us; it ends host.time_wait later, whatever that is by then
 * @acked: when a bare segment was last answered, us
 */
struct host_wait {
	bool used;
	u8 raddr;
	u16 lport;
	u16 rport;
	u32 name;
	struct tern_tw tw;
	u64 since;
	u64 acked;
};

/**
 * struct host - all of it; the driver may set what is marked so
 * @addr: its address
 * @two_messages: (driver) a listener that believes the third message before it came:
 *	the protocol that the three-way handshake is not
 * @silent: (driver) what is for nobody is not answered: a host that drops it
 * @now: (driver) its clock, us
 * @iss: (driver) what tern_iss() gives the next connection that opens
 * @time_wait: (driver) length of TIME_WAIT, us
 * @challenge_limit: (driver) challenge ACKs a second, 0 for no limit
 * @challenges: sent in @challenge_second
 * @challenge_second: of its clock
 * @cfg: (driver) what connections are opened with
 * @last_name: the latest socket's
 * @broken: the first law that was broken, or NULL
 * @lost: packets that found @out full
 * @n_out: used entries of @out
 * @sock: the sockets
 * @wait: TIME_WAIT
 * @out: (driver: takes them and sets @n_out to 0) what it has sent, oldest first
 */
struct host {
	u8 addr;
	bool two_messages;
	bool silent;
	u64 now;
	tern_seq iss;
	u64 time_wait;
	u32 challenge_limit;
	u32 challenges;
	u64 challenge_second;
	struct tern_config cfg;
	u32 last_name;
	const char *broken;
	u32 lost;
	u32 n_out;
	struct host_sock sock[HOST_SOCKS];
	struct host_wait wait[HOST_WAITS];
	struct host_packet out[HOST_OUT];
};

/**
 * host_octet() - the octet at @pos of the stream that the socket @name of host @addr sends;
 *	a harness may define its own
 */
u8 host_octet(u8 addr, u32 name, u32 pos);

/** host_config() - what the module opens connections with, when no sysctl was touched */
struct tern_config host_config(void);

/** host_init() - a host that was just switched on; its memory is all forgotten */
void host_init(struct host *h, u8 addr, u64 now);

/*
 * The user's calls.  A socket is its index, below HOST_SOCKS; -1 is none.  Calls on a
 * socket that cannot take them change nothing.
 */

/** host_listen() - return: a listener on @port; -1 when there is one or no slot is free */
int host_listen(struct host *h, u16 port, u32 backlog);

/** host_connect() - return: a socket in SYN_SENT; -1 when the four numbers are taken */
int host_connect(struct host *h, u16 lport, u8 raddr, u16 rport);

/** host_accept() - return: the next of the listener's established connections, or -1 */
int host_accept(struct host *h, int listener);

/** host_write() - return: octets taken, @len or 0 */
u32 host_write(struct host *h, int s, u32 len);

/** host_read() - return: octets put into @octet, at most @len; they leave the buffer */
u32 host_read(struct host *h, int s, u8 *octet, u32 len);

/** host_shutdown() - no more will be written */
void host_shutdown(struct host *h, int s);

/** host_close() - nobody holds it any more; unread octets make it an abort */
void host_close(struct host *h, int s);

/** host_abort() - close with RST (SO_LINGER of 0) */
void host_abort(struct host *h, int s);

/** host_nodelay() - Nagle's algorithm off, or on again */
void host_nodelay(struct host *h, int s, bool nodelay);

/** host_keepalive() - probes after @idle us of silence, every @interval us; 0 is none */
void host_keepalive(struct host *h, int s, u64 idle, u64 interval, u8 probes);

/** host_user_timeout() - how long data may stay unacknowledged, us; 0 is no bound */
void host_user_timeout(struct host *h, int s, u64 timeout);

/** host_rcv_buf() - another size of the receive buffer, 1 to HOST_BUF octets */
void host_rcv_buf(struct host *h, int s, u32 octets);

/** host_forget() - out of memory: what was received out of order is thrown away */
void host_forget(struct host *h, int s);

/** host_mtu() - the path to @raddr takes @mss octets behind a bare header, no more */
void host_mtu(struct host *h, u8 raddr, u16 mss);

/* What happens to it. */

/** host_packet() - a packet arrives: checked, parsed, and given to whom it is for */
void host_packet(struct host *h, const struct host_packet *packet);

/** host_deadline() - when host_timeout() is due, us, or TERN_NEVER */
u64 host_deadline(const struct host *h);

/** host_timeout() - serve every deadline that @now has reached */
void host_timeout(struct host *h);

/** host_seg() - return: false when @packet's checksum or header is bad; else @seg is it */
bool host_seg(const struct host_packet *packet, struct tern_seg *seg);

/*
 * What a harness may define; without that they are empty.
 */

/**
 * host_told() - a call of the engine is over and all that was due is sent
 * @h: the host
 * @s: the socket, whole; its slot may be free in a moment
 * @res: what the call gave; all 0 when it gives nothing
 */
void host_told(const struct host *h, const struct host_sock *s,
	       const struct tern_result *res);

/**
 * host_sent() - a packet is put into host.out
 * @h: the host
 * @s: the socket that sent it, before host_told(); NULL when it is none's
 * @packet: the packet
 * @seg: what it says
 */
void host_sent(const struct host *h, const struct host_sock *s,
	       const struct host_packet *packet, const struct tern_seg *seg);

/** host_waited() - TIME_WAIT has judged a segment; @w is the entry before that */
void host_waited(const struct host *h, const struct host_wait *w,
		 const struct tern_seg *seg, enum tern_tw_verdict verdict);

#endif /* TERN_TEST_HOST_H */
