/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of tern-client:
 *
 *	tern-client.c		main(): set up, the poll() loop
 *	client-options.c	the command line
 *	client-conn.c		the shell around the engine: buffers, results, TIME_WAIT
 *	client-wire.c		the raw socket: segments in and out
 *	client-lose.c		segments lost on purpose
 *	client-log.c		what people and machines read about it
 */
#ifndef TERN_DEMO_CLIENT_H
#define TERN_DEMO_CLIENT_H

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
	u32 host;		/* network order; with @listen the local address */
	u16 port;
	u32 source;		/* network order, 0: the route decides */
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
 * @laddr: local address, network order
 * @raddr: peer's address, network order, 0 while listening
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
	u32 laddr;
	u32 raddr;
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
void conn_segment_arrives(struct client *c, u64 now, u32 saddr,
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
bool is_unicast(u32 addr);
void wire_open(struct client *c);
u16 wire_route(struct client *c, u32 peer);
void wire_send(struct client *c, const struct tern_seg *seg, u32 raddr);
bool wire_receive(struct client *c, u64 now);
void wire_errors(struct client *c, u64 now);

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
