/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of tern-client:
 *
 *	tern-client.c		main(): set up, the poll() loop
 *	client-options.c	the command line
 *	client-conn.c		the shell around the engine: buffers, results, TIME_WAIT
 *	client-wire.c		the raw socket: segments in and out
 *	client-ip.c		what differs there between IPv4 and IPv6
 *	client-lose.c		segments lost on purpose
 *	client-log.c		what people and machines read about it
 */
#ifndef TERN_DEMO_CLIENT_H
#define TERN_DEMO_CLIENT_H

#include <sys/socket.h>

#include "common.h"

#define MAX_SENDS 256
#define MAX_LOSE_RULES 64
#define SEND_BUFFER (256u << 10)	/* a power of two */
#define MAX_PIECE (128u << 10)		/* longest --send text */
#define MAX_SEGMENT 65535

/* enum close_mode - which end closes, and how */
enum close_mode {
	CLOSE_FIRST,	/* this end, both directions at once */
	CLOSE_SECOND,	/* the peer; this end follows */
	CLOSE_HALF,	/* this end's direction; it goes on receiving */
	CLOSE_NEVER,
};

/* enum direction - seen from this program */
enum direction {
	DIR_OUT,
	DIR_IN,
	DIRECTIONS,
};

/* enum lose_kind - what --lose can count; one segment can be of several kinds */
enum lose_kind {
	LOSE_SYN,
	LOSE_SYN_ACK,
	LOSE_ACK,	/* nothing but an acknowledgment */
	LOSE_LAST_ACK,	/* such a one that acknowledges a FIN */
	LOSE_DATA,
	LOSE_FIN,
	LOSE_RST,
	LOSE_ANY,
	LOSE_KINDS,
};

/**
 * struct lose_rule - lose some segments of a kind
 * @dir: &enum direction
 * @kind: &enum lose_kind
 * @from: the first of them, counted from 1
 * @to: the last
 */
struct lose_rule {
	u8 dir;
	u8 kind;
	u32 from;
	u32 to;
};

/** struct piece - one --send TEXT */
struct piece {
	u8 *text;
	size_t len;
};

struct options {
	struct address host;	/* with @listen the local address */
	u16 port;
	struct address source;	/* family 0: the route decides */
	u16 sport;		/* 0: random */
	u8 protocol;
	bool listen;
	bool use_stdin;
	bool abort;
	bool force;
	bool quiet;
	bool verbose;
	bool has_isn;
	bool has_close_after;
	u32 isn;
	enum close_mode close;
	u64 expect;
	u64 close_after;	/* us */
	u64 time_wait;		/* us */
	u64 timeout;		/* us, 0: none */
	const char *log_path;
	struct tern_config cfg;
	u32 n_sends;
	struct piece send[MAX_SENDS];
	u32 n_lose;
	struct lose_rule lose[MAX_LOSE_RULES];
};

/** struct ring - octets by their position in a stream, from @head up to @tail */
struct ring {
	u8 *data;
	u32 size;		/* a power of two */
	u32 head;
	u32 tail;
};

/* enum phase - what there is */
enum phase {
	PHASE_LISTEN,
	PHASE_CONNECTION,
	PHASE_TIME_WAIT,
	PHASE_CLOSED,
};

/**
 * struct arrival - a packet that came
 * @saddr: its source
 * @daddr: its destination
 * @octets: the packet, then the segment in it
 * @len: how many
 */
struct arrival {
	struct address saddr;
	struct address daddr;
	const u8 *octets;
	u32 len;
};

/* enum unwrapped - what was found in a packet */
enum unwrapped {
	UNWRAP_OK,
	UNWRAP_MALFORMED,
	UNWRAP_NOT_OURS,
};

/* enum icmp_says - what an ICMP error means to us; the last two are hard errors */
enum icmp_says {
	ICMP_SAYS_NOTHING,
	ICMP_SAYS_UNREACHABLE,
	ICMP_SAYS_REFUSED,
	ICMP_SAYS_NO_PROTOCOL,
};

struct sock_extended_err;

/**
 * struct ip_version - what differs between IPv4 and IPv6
 * @name: to be read
 * @header: octets of a header without options
 * @min_mtu: what every link carries
 * @usual_mtu: to be assumed where nothing is known
 * @level: of these socket options:
 * @mtu: the path's MTU
 * @mtu_discover: whether to discover it
 * @always: that option's value for: never fragment
 * @recverr: ICMP errors, please; in the error queue, such an error
 * @recvpktinfo: where packets were sent to, please
 * @unwrap: find the segment of a protocol in a packet
 * @icmp: judge an ICMP error
 */
struct ip_version {
	const char *name;
	u32 header;
	u32 min_mtu;
	u32 usual_mtu;
	int level;
	int mtu;
	int mtu_discover;
	int always;
	int recverr;
	int recvpktinfo;
	enum unwrapped (*unwrap)(struct arrival *a, u8 protocol, struct msghdr *msg);
	enum icmp_says (*icmp)(const struct sock_extended_err *err);
};

struct wire_counts {
	u64 sent;
	u64 received;
	u64 send_errors;
	u64 malformed;
	u64 bad_csum;
	u64 partial_csum;
	u64 not_ours;
	u64 lost[DIRECTIONS];
};

/**
 * struct client - the program
 * @opt: the command line
 * @fd: raw socket
 * @route_fd: UDP socket connected to the peer, asked for source address and MTU
 * @ip: the version of IP that @fd speaks
 * @laddr: local address, family 0 until it is known
 * @raddr: peer's address, family 0 while listening
 * @lport: local port
 * @rport: peer's port
 * @phase: &enum phase
 * @conn: the connection, NULL unless PHASE_CONNECTION
 * @snd: octets handed over and not yet acknowledged
 * @rcv: octets received in order and not yet written to standard output; the
 *	out-of-order ones lie beyond its tail
 * @tw: what answers in PHASE_TIME_WAIT
 * @tw_until: end of that wait, us
 * @next_piece: the next --send text to hand over
 * @stdin_open: standard input may have more
 * @stdout_gone: nobody reads what we write
 * @peer_fin: the peer has sent its last octet
 * @closed_here: this end has closed or aborted
 * @established_at: us, TERN_NEVER before
 * @received: octets received in order, all in all
 * @allocated: octets of memory the connection holds
 * @signals: SIGINT and SIGTERM, as a file
 * @timer: the next deadline, as a file
 * @interrupted: one of them came, or 0
 * @exit_code: what to end with
 * @start: when the program started, us
 * @challenged_at: when the last challenge ACK was allowed, us
 * @log: machine's log, or NULL
 * @count: what the wire saw
 * @seen: segments seen by --lose, by direction and kind
 */
struct client {
	struct options opt;
	int fd;
	int route_fd;
	const struct ip_version *ip;
	struct address laddr;
	struct address raddr;
	u16 lport;
	u16 rport;
	enum phase phase;

	struct tern_conn *conn;
	struct ring snd;
	struct ring rcv;
	struct tern_tw tw;
	u64 tw_until;

	u32 next_piece;
	bool stdin_open;
	bool stdout_gone;
	bool peer_fin;
	bool closed_here;
	u64 established_at;
	u64 received;
	u64 allocated;
	int signals;
	int timer;
	int interrupted;
	int exit_code;

	u64 start;
	u64 challenged_at;
	FILE *log;
	struct wire_counts count;
	u32 seen[DIRECTIONS][LOSE_KINDS];
};

/* Octets in a ring, and octets it has room for. */
static inline u32 ring_used(const struct ring *ring)
{
	return ring->tail - ring->head;
}

static inline u32 ring_room(const struct ring *ring)
{
	return ring->size - ring_used(ring);
}

/* client-options.c */
void read_options(struct options *opt, int argc, char **argv);

/* client-conn.c */
void conn_open(struct client *c, u64 now);
void conn_listen(struct client *c);
void conn_segment_arrives(struct client *c, u64 now, const struct address *saddr,
			  const struct tern_seg *seg, const u8 *payload);
void conn_timers(struct client *c, u64 now);
u64 conn_next_deadline(const struct client *c);
void conn_user(struct client *c, u64 now);
void conn_pump(struct client *c, u64 now);
void conn_abort(struct client *c, u64 now, enum tern_error error);
bool conn_wants_stdin(const struct client *c);
void conn_read_stdin(struct client *c);
bool conn_wants_stdout(const struct client *c);
void conn_write_stdout(struct client *c);
void conn_release(struct client *c);

/* client-wire.c */
void wire_open(struct client *c);
u16 wire_route(struct client *c, const struct address *peer);
void wire_send(struct client *c, const struct tern_seg *seg, const struct address *raddr);
bool wire_receive(struct client *c, u64 now);
void wire_errors(struct client *c, u64 now);

/* client-ip.c */
const struct ip_version *ip_version(const struct address *addr);

/* client-lose.c */
void parse_lose(struct options *opt, const char *spec);
bool lose_segment(struct client *c, enum direction dir, const struct tern_seg *seg);

/* client-log.c */
void log_open(struct client *c);
void log_state(struct client *c, u8 old_state, u8 new_state);
void log_segment(struct client *c, enum direction dir, const struct tern_seg *seg,
		 bool lost);
void log_timeout(struct client *c, unsigned int timer, u64 us);
void log_note(struct client *c, const char *format, ...)
	__printf(2, 3);
void log_verbose(struct client *c, const char *format, ...)
	__printf(2, 3);
void log_end(struct client *c);

#endif /* TERN_DEMO_CLIENT_H */
