// SPDX-License-Identifier: GPL-2.0
/*
 * The shell around the engine: it owns the octets, the engine the positions.
 *
 * Everything that happens ends in conn_act(), which does what the engine asks
 * for, sends what is due, and gives back what an ended connection held.
 */
#include <errno.h>
#include <unistd.h>

#include "client.h"

/* A write of this size to a pipe that poll() called writable does not block. */
#define STDOUT_CHUNK 4096
#define CHALLENGE_INTERVAL (100 * USEC_PER_MSEC)

static void ring_alloc(struct client *c, struct ring *ring, u32 size)
{
	u32 power = 1;

	if (ring->data)
		return;
	while (power < size)
		power <<= 1;
	ring->data = malloc(power);
	if (!ring->data)
		die(EXIT_ENVIRONMENT, "out of memory for a buffer of %u octets", power);
	ring->size = power;
	ring->head = 0;
	ring->tail = 0;
	c->allocated += power;
}

static void ring_free(struct client *c, struct ring *ring)
{
	free(ring->data);
	c->allocated -= ring->size;
	memset(ring, 0, sizeof(*ring));
}

/* Put octets at a position beyond head; the tail is the caller's to move. */
static void ring_put(struct ring *ring, u32 pos, const u8 *from, u32 len)
{
	u32 at = pos & (ring->size - 1);
	u32 first = len < ring->size - at ? len : ring->size - at;

	if (len > ring->size || pos - ring->head > ring->size - len)
		die(EXIT_ENVIRONMENT, "internal error: octets %u+%u do not fit the buffer",
		    pos, len);
	memcpy(ring->data + at, from, first);
	memcpy(ring->data, from + first, len - first);
}

static void conn_alloc(struct client *c)
{
	c->conn = calloc(1, sizeof(*c->conn));
	if (!c->conn)
		die(EXIT_ENVIRONMENT, "out of memory");
	c->allocated += sizeof(*c->conn);
	c->phase = PHASE_CONNECTION;
}

static void conn_free(struct client *c)
{
	if (c->conn)
		c->allocated -= sizeof(*c->conn);
	free(c->conn);
	c->conn = NULL;
	ring_free(c, &c->snd);
}

/* What is still held at the very end; only a reader that has gone leaves anything. */
void conn_release(struct client *c)
{
	conn_free(c);
	ring_free(c, &c->rcv);
	for (u32 i = 0; i < c->opt.n_sends; i++)
		free(c->opt.send[i].text);
	c->opt.n_sends = 0;
}

static void log_path(struct client *c, const struct tern_result *res)
{
	u8 old_state = res->old_state;

	for (u32 i = 0; i < res->path_len && i < TERN_PATH; i++) {
		log_state(c, old_state, res->path[i]);
		old_state = res->path[i];
	}
}

void conn_pump(struct client *c, u64 now)
{
	struct tern_seg seg;

	if (!c->conn)
		return;
	memset(&seg, 0, sizeof(seg));
	while (tern_next_segment(c->conn, now, &seg)) {
		seg.sport = c->lport;
		seg.dport = c->rport;
		if (seg.len && (seg.len > ring_used(&c->snd) ||
				seg.pos - c->snd.head > ring_used(&c->snd) - seg.len))
			die(EXIT_ENVIRONMENT, "internal error: octets %u+%u are not buffered",
			    seg.pos, seg.len);
		wire_send(c, &seg, &c->raddr);
		memset(&seg, 0, sizeof(seg));
	}
}

static void enter_time_wait(struct client *c, u64 now)
{
	u64 held = c->allocated;

	tern_tw_init(&c->tw, c->conn);
	conn_free(c);
	if (!ring_used(&c->rcv))
		ring_free(c, &c->rcv);
	log_note(c, "TIME_WAIT of %llu.%03llu s: %llu octets given back, %zu kept",
		 (unsigned long long)(c->opt.time_wait / USEC_PER_SEC),
		 (unsigned long long)(c->opt.time_wait % USEC_PER_SEC / USEC_PER_MSEC),
		 (unsigned long long)(held - c->allocated), sizeof(c->tw));
	c->allocated += sizeof(c->tw);
	c->phase = PHASE_TIME_WAIT;
	c->tw_until = now + c->opt.time_wait;
}

static void leave_time_wait(struct client *c)
{
	memset(&c->tw, 0, sizeof(c->tw));
	c->allocated -= sizeof(c->tw);
	c->phase = PHASE_CLOSED;
	log_state(c, TERN_TIME_WAIT, TERN_CLOSED);
}

static void conn_closed(struct client *c)
{
	static const char * const why[] = {
		[TERN_OK] = "closed",
		[TERN_ERR_REFUSED] = "connection refused",
		[TERN_ERR_RESET] = "connection reset by the peer",
		[TERN_ERR_TIMEDOUT] = "connection timed out: nobody answers",
		[TERN_ERR_ABORTED] = "aborted by this end",
	};
	static const int code[] = {
		[TERN_OK] = EXIT_OK,
		[TERN_ERR_REFUSED] = EXIT_REFUSED,
		[TERN_ERR_RESET] = EXIT_RESET,
		[TERN_ERR_TIMEDOUT] = EXIT_TIMED_OUT,
		[TERN_ERR_ABORTED] = EXIT_OK,
	};
	u8 error = c->conn->error <= TERN_ERR_ABORTED ? c->conn->error : TERN_OK;
	bool again = c->opt.listen && c->established_at == TERN_NEVER && !c->closed_here;

	if (error != TERN_OK)
		log_note(c, "%s", why[error]);
	conn_free(c);
	if (!ring_used(&c->rcv))
		ring_free(c, &c->rcv);
	if (again) {
		conn_listen(c);
		return;
	}
	if (c->exit_code == EXIT_OK)
		c->exit_code = code[error];
	c->phase = PHASE_CLOSED;
}

static void take_data(struct client *c, const struct tern_result *res,
		      const struct tern_seg *seg, const u8 *payload)
{
	if (res->data_off > seg->len || res->data_len > seg->len - res->data_off)
		die(EXIT_ENVIRONMENT, "internal error: octets %u+%u of a payload of %u",
		    res->data_off, res->data_len, seg->len);
	ring_put(&c->rcv, res->data_pos, payload + res->data_off, res->data_len);
}

/**
 * conn_act() - do what the engine said after any call to it
 * @c: client
 * @now: us
 * @res: what the call returned
 * @seg: the segment that arrived, NULL when it was something else
 * @payload: its octets
 */
static void conn_act(struct client *c, u64 now, const struct tern_result *res,
		     const struct tern_seg *seg, const u8 *payload)
{
	struct tern_seg rst;
	const char *broken;
	u32 held;

	log_path(c, res);
	if (res->events & TERN_EV_ESTABLISHED) {
		c->established_at = now;
		ring_alloc(c, &c->rcv, c->conn->cfg.rcv_buf);
	}
	if (res->events & TERN_EV_DATA && seg)
		take_data(c, res, seg, payload);
	if (res->events & TERN_EV_ACKED)
		c->snd.head += res->acked;
	if (c->rcv.data) {
		held = c->rcv.head + c->conn->rcv_held;
		c->received += held - c->rcv.tail;
		c->rcv.tail = held;
	}
	if (res->events & TERN_EV_FIN)
		c->peer_fin = true;
	if (res->events & TERN_EV_RESET && seg && tern_reset_for(seg, &rst))
		wire_send(c, &rst, &c->raddr);
	if (res->events & TERN_EV_CHALLENGE && now - c->challenged_at >= CHALLENGE_INTERVAL) {
		c->challenged_at = now;
		tern_challenge_ack(c->conn);
	}
	broken = tern_check(c->conn);
	if (broken)
		die(EXIT_ENVIRONMENT, "internal error: the connection breaks '%s'", broken);
	conn_pump(c, now);
	if (res->events & TERN_EV_TIME_WAIT)
		enter_time_wait(c, now);
	else if (res->events & TERN_EV_CLOSED)
		conn_closed(c);
}

static tern_seq first_number(const struct client *c, u64 now, u32 secret)
{
	/*
	 * F() of rfc6528 is a keyed hash of addresses and ports.  This program
	 * has a new random key each time and uses it for one connection, so the
	 * hash is a random number.
	 */
	return c->opt.has_isn ? tern_seq_of(c->opt.isn) : tern_iss(now, secret);
}

void conn_open(struct client *c, u64 now)
{
	struct tern_config cfg = c->opt.cfg;
	struct tern_result res;
	u16 mss;

	c->rport = c->opt.port;
	mss = wire_route(c, &c->opt.host);
	c->raddr = c->opt.host;
	c->lport = c->opt.sport ? c->opt.sport : (u16)(32768 + random_u32() % 28232);
	if (!cfg.mss || cfg.mss > mss)
		cfg.mss = mss;
	conn_alloc(c);
	ring_alloc(c, &c->snd, SEND_BUFFER);
	res = tern_open(c->conn, now, first_number(c, now, random_u32()), &cfg);
	/* what is handed over now leaves with the third segment */
	conn_user(c, now);
	conn_act(c, now, &res, NULL, NULL);
}

void conn_listen(struct client *c)
{
	c->phase = PHASE_LISTEN;
	c->lport = c->opt.port;
	c->raddr = (struct address) { 0 };
	c->rport = 0;
	log_state(c, TERN_CLOSED, TERN_LISTEN);
}

static void accept_syn(struct client *c, u64 now, const struct address *saddr,
		       const struct tern_seg *seg)
{
	struct tern_config cfg = c->opt.cfg;
	struct tern_result res;
	u16 mss = wire_route(c, saddr);

	c->raddr = *saddr;
	c->rport = seg->sport;
	if (!cfg.mss || cfg.mss > mss)
		cfg.mss = mss;
	conn_alloc(c);
	ring_alloc(c, &c->snd, SEND_BUFFER);
	res = tern_open_syn(c->conn, now, first_number(c, now, random_u32()), &cfg, seg);
	log_segment(c, DIR_IN, seg, false);
	conn_act(c, now, &res, NULL, NULL);
}

/* rfc9293#section-3.10.7.1: a segment for nobody */
static void reset_stranger(struct client *c, const struct address *saddr,
			   const struct tern_seg *seg)
{
	char text[ADDRESS_TEXT];
	struct tern_seg rst;

	memset(&rst, 0, sizeof(rst));
	if (!tern_reset_for(seg, &rst))
		return;
	log_verbose(c, "   a segment for nobody, from %s port %u", address_text(saddr, text),
		    seg->sport);
	wire_send(c, &rst, saddr);
}

static void listener_segment(struct client *c, u64 now, const struct address *saddr,
			     const struct tern_seg *seg)
{
	enum tern_listen_verdict verdict = tern_listen_segment_arrives(seg);

	if (verdict == TERN_LISTEN_SYN) {
		accept_syn(c, now, saddr, seg);
		return;
	}
	log_segment(c, DIR_IN, seg, false);
	if (verdict == TERN_LISTEN_RESET)
		reset_stranger(c, saddr, seg);
}

static void time_wait_segment(struct client *c, u64 now, const struct address *saddr,
			      const struct tern_seg *seg)
{
	struct tern_seg reply;

	memset(&reply, 0, sizeof(reply));
	switch (tern_tw_segment_arrives(&c->tw, tern_tsval(now, c->opt.cfg.ts_offset), seg,
					&reply)) {
	case TERN_TW_RESTART:
		c->tw_until = now + c->opt.time_wait;
		log_note(c, "the peer repeated its FIN: acknowledged again, the wait starts anew");
		wire_send(c, &reply, saddr);
		break;
	case TERN_TW_ACK:
		wire_send(c, &reply, saddr);
		break;
	case TERN_TW_REOPEN:	/* there is no listener to give it to */
		reset_stranger(c, saddr, seg);
		break;
	default:
		break;
	}
}

void conn_segment_arrives(struct client *c, u64 now, const struct address *saddr,
			  const struct tern_seg *seg, const u8 *payload)
{
	struct tern_result res;

	if (c->phase == PHASE_LISTEN) {
		listener_segment(c, now, saddr, seg);
		return;
	}
	if (!address_equal(saddr, &c->raddr) || seg->sport != c->rport) {
		c->count.not_ours++;
		reset_stranger(c, saddr, seg);
		return;
	}
	log_segment(c, DIR_IN, seg, false);
	if (c->phase == PHASE_TIME_WAIT) {
		time_wait_segment(c, now, saddr, seg);
		return;
	}
	if (c->phase != PHASE_CONNECTION) {
		reset_stranger(c, saddr, seg);
		return;
	}
	res = tern_segment_arrives(c->conn, now, seg);
	conn_act(c, now, &res, seg, payload);
}

/* How long the retransmission timer ran: the timeout with its backoff (rfc6298 5.5). */
static u64 backed_off_rto(const struct tern_conn *conn)
{
	u64 rto = conn->rto;

	for (u32 i = 0; i < conn->rexmits && rto < conn->cfg.rto_max; i++)
		rto *= 2;
	return rto < conn->cfg.rto_max ? rto : conn->cfg.rto_max;
}

static void log_timers(struct client *c, u64 now)
{
	const struct tern_conn *conn = c->conn;
	const u64 length[TERN_TIMERS] = {
		[TERN_TIMER_REXMT] = backed_off_rto(conn),
		[TERN_TIMER_PERSIST] = backed_off_rto(conn),
		[TERN_TIMER_DELACK] = conn->cfg.delack,
		[TERN_TIMER_FIN_WAIT_2] = conn->cfg.fin_wait_2,
	};

	for (unsigned int timer = 0; timer < TERN_TIMERS; timer++) {
		if (conn->deadline[timer] > now)
			continue;
		/* a delayed acknowledgment is everyday business */
		if (timer != TERN_TIMER_DELACK || c->opt.verbose)
			log_timeout(c, timer, length[timer]);
	}
}

void conn_timers(struct client *c, u64 now)
{
	struct tern_result res;

	if (c->phase == PHASE_TIME_WAIT && now >= c->tw_until)
		leave_time_wait(c);
	if (!c->conn || now < tern_next_deadline(c->conn))
		return;
	log_timers(c, now);
	res = tern_timeout(c->conn, now);
	conn_act(c, now, &res, NULL, NULL);
}

u64 conn_next_deadline(const struct client *c)
{
	u64 due = TERN_NEVER;

	if (c->phase == PHASE_TIME_WAIT)
		return c->tw_until;
	if (!c->conn)
		return due;
	due = tern_next_deadline(c->conn);
	if (c->opt.has_close_after && c->established_at != TERN_NEVER && !c->closed_here &&
	    c->established_at + c->opt.close_after < due)
		due = c->established_at + c->opt.close_after;
	return due;
}

static bool handed_over(const struct client *c)
{
	return c->next_piece == c->opt.n_sends && !c->stdin_open;
}

/*
 * One --send text is one SEND.  The next follows when the one before it is
 * acknowledged, so that each travels in segments of its own.
 */
static void hand_over(struct client *c)
{
	const struct piece *piece;

	if (c->opt.listen && c->established_at == TERN_NEVER)
		return;
	while (c->next_piece < c->opt.n_sends) {
		piece = &c->opt.send[c->next_piece];
		if (ring_used(&c->snd) || piece->len > ring_room(&c->snd))
			return;
		if (piece->len && !tern_send(c->conn, (u32)piece->len))
			return;
		ring_put(&c->snd, c->snd.tail, piece->text, (u32)piece->len);
		c->snd.tail += (u32)piece->len;
		c->next_piece++;
	}
}

static bool time_to_close(const struct client *c, u64 now)
{
	if (c->closed_here || c->established_at == TERN_NEVER)
		return false;
	if (c->opt.has_close_after)
		return now >= c->established_at + c->opt.close_after;
	switch (c->opt.close) {
	case CLOSE_FIRST:
		if (c->peer_fin)
			return true;
		return handed_over(c) && !ring_used(&c->snd) && c->received >= c->opt.expect;
	case CLOSE_SECOND:
		return c->peer_fin;
	case CLOSE_HALF:
		return handed_over(c) && (c->received >= c->opt.expect || c->peer_fin);
	default:
		return false;
	}
}

/* The user's moves: SEND what waits to be sent, CLOSE or ABORT when it is time. */
void conn_user(struct client *c, u64 now)
{
	struct tern_result res;

	if (!c->conn)
		return;
	if (!c->closed_here)
		hand_over(c);
	if (!time_to_close(c, now))
		return;
	if (c->opt.abort) {
		conn_abort(c, now, TERN_ERR_ABORTED);
		return;
	}
	c->closed_here = true;
	res = tern_close(c->conn, now);
	conn_act(c, now, &res, NULL, NULL);
	if (c->opt.close == CLOSE_HALF || !c->conn)
		return;
	res = tern_orphan(c->conn, now);
	conn_act(c, now, &res, NULL, NULL);
}

void conn_abort(struct client *c, u64 now, enum tern_error error)
{
	struct tern_result res;

	c->closed_here = true;
	if (!c->conn) {
		if (c->phase == PHASE_TIME_WAIT)
			leave_time_wait(c);
		c->phase = PHASE_CLOSED;
		return;
	}
	res = tern_abort(c->conn, error);
	conn_act(c, now, &res, NULL, NULL);
}

bool conn_wants_stdin(const struct client *c)
{
	return c->stdin_open && c->conn && !c->closed_here &&
	       c->next_piece == c->opt.n_sends && ring_room(&c->snd) &&
	       (!c->opt.listen || c->established_at != TERN_NEVER);
}

void conn_read_stdin(struct client *c)
{
	u8 text[16384];
	u32 room = ring_room(&c->snd);
	ssize_t n = read(STDIN_FILENO, text, room < sizeof(text) ? room : sizeof(text));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		if (n < 0)
			complain("standard input: %s", strerror(errno));
		c->stdin_open = false;
		return;
	}
	if (!tern_send(c->conn, (u32)n)) {
		c->stdin_open = false;
		return;
	}
	ring_put(&c->snd, c->snd.tail, text, (u32)n);
	c->snd.tail += (u32)n;
}

bool conn_wants_stdout(const struct client *c)
{
	return ring_used(&c->rcv) && !c->stdout_gone;
}

void conn_write_stdout(struct client *c)
{
	u32 at = c->rcv.head & (c->rcv.size - 1), len = ring_used(&c->rcv);
	ssize_t n;

	if (len > c->rcv.size - at)
		len = c->rcv.size - at;
	if (len > STDOUT_CHUNK)
		len = STDOUT_CHUNK;
	n = write(STDOUT_FILENO, c->rcv.data + at, len);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) {
		complain("standard output: %s", strerror(errno));
		c->stdout_gone = true;
		c->exit_code = EXIT_ENVIRONMENT;
		return;
	}
	c->rcv.head += (u32)n;
	if (c->conn)
		tern_receive(c->conn, (u32)n);
	else if (!ring_used(&c->rcv))
		ring_free(c, &c->rcv);
}
