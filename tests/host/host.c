// SPDX-License-Identifier: GPL-2.0
/*
 * The host of host.h.  In the order of a packet's way: octets, who it is for, the tail
 * of every entry, the user's calls, time.
 */
#include <string.h>

#include "tests/host/host.h"
#include "tests/host/laws.h"

#define MSEC 1000ull
#define SEC 1000000ull
/* How often TIME_WAIT answers a bare segment, as the module does. */
#define BARE_INTERVAL (500 * MSEC)

static const struct tern_result nothing_new;

/*
 * The earliest deadline that may be left when a call is over: a timer can be late, and
 * then a packet or the user finds it already due and leaves it so.
 */
static _Thread_local u64 due;

static u64 earliest(const struct host *h);

/* Every call but host_timeout() begins with this. */
static void begin(const struct host *h)
{
	u64 deadline = earliest(h);

	due = deadline <= h->now ? deadline : h->now + 1;
}

static void law(struct host *h, const char *broken)
{
	if (!h->broken)
		h->broken = broken;
}

/* What nobody wants to see */

void __attribute__((weak)) host_told(const struct host *h, const struct host_sock *s,
				     const struct tern_result *res)
{
	(void)h;
	(void)s;
	(void)res;
}

void __attribute__((weak)) host_sent(const struct host *h, const struct host_sock *s,
				     const struct host_packet *packet,
				     const struct tern_seg *seg)
{
	(void)h;
	(void)s;
	(void)packet;
	(void)seg;
}

void __attribute__((weak)) host_waited(const struct host *h, const struct host_wait *w,
				       const struct tern_seg *seg,
				       enum tern_tw_verdict verdict)
{
	(void)h;
	(void)w;
	(void)seg;
	(void)verdict;
}

u8 __attribute__((weak)) host_octet(u8 addr, u32 name, u32 pos)
{
	return (u8)((pos * 2654435761u >> 13) ^ pos ^ name * 29 ^ addr * 101);
}

struct tern_config host_config(void)
{
	return (struct tern_config){
		.rto_initial = 1 * SEC,
		.rto_min = 200 * MSEC,
		.rto_max = 120 * SEC,
		.delack = 40 * MSEC,
		.fin_wait_2 = 60 * SEC,
		.rcv_buf = HOST_BUF,
		.mss = HOST_MTU - TERN_HDR_MAX,
		.syn_retries = 6,
		.synack_retries = 5,
		.data_retries = 15,
		.orphan_retries = 8,
		.sack = true,
		.timestamps = true,
	};
}

void host_init(struct host *h, u8 addr, u64 now)
{
	memset(h, 0, sizeof(*h));
	h->addr = addr;
	h->now = now;
	h->cfg = host_config();
	h->time_wait = 60 * SEC;
}

/* Octets */

/* @s: whose payload it is, or NULL when there is none */
static void transmit(struct host *h, u8 dst, const struct tern_seg *seg,
		     const struct host_sock *s)
{
	struct host_packet *packet = &h->out[h->n_out];
	u32 hlen = tern_build_len(seg);
	u16 sum;
	u32 i;

	if (h->n_out == HOST_OUT || hlen + seg->len > HOST_MTU) {
		h->lost++;
		return;
	}
	h->n_out++;
	packet->src = h->addr;
	packet->dst = dst;
	packet->len = (u16)(hlen + seg->len);
	tern_build(seg, packet->octet);
	for (i = 0; i < seg->len; i++)
		packet->octet[hlen + i] = host_octet(h->addr, s->name, seg->pos + i);
	sum = tern_csum_fold(tern_csum_add(0, packet->octet, packet->len));
	packet->octet[TERN_CSUM_OFFSET] = (u8)(sum >> 8);
	packet->octet[TERN_CSUM_OFFSET + 1] = (u8)sum;
	host_sent(h, s, packet, seg);
}

bool host_seg(const struct host_packet *packet, struct tern_seg *seg)
{
	return !tern_csum_fold(tern_csum_add(0, packet->octet, packet->len)) &&
	       tern_parse(packet->octet, packet->len, seg) == TERN_DROP_NONE;
}

/* The tail of every entry */

static void transmit_reset(struct host *h, u8 dst, const struct tern_seg *seg)
{
	struct tern_seg rst;

	if (!h->silent && tern_reset_for(seg, &rst))
		transmit(h, dst, &rst, NULL);
}

static void free_sock(struct host_sock *s)
{
	memset(s, 0, sizeof(*s));
}

static void to_time_wait(struct host *h, const struct host_sock *s)
{
	struct host_wait *oldest = &h->wait[0];
	u32 i;

	for (i = 0; i < HOST_WAITS; i++) {
		struct host_wait *w = &h->wait[i];

		if (!w->used || (oldest->used && w->since < oldest->since))
			oldest = w;
	}
	memset(oldest, 0, sizeof(*oldest));
	oldest->used = true;
	oldest->raddr = s->raddr;
	oldest->lport = s->lport;
	oldest->rport = s->rport;
	oldest->name = s->name;
	tern_tw_init(&oldest->tw, &s->conn);
	oldest->since = h->now;
	oldest->acked = h->now - BARE_INTERVAL;
}

static void take_data(struct host *h, struct host_sock *s, const struct tern_result *res,
		      const u8 *payload)
{
	u32 i;

	if (res->data_pos + res->data_len - s->read > HOST_BUF) {
		law(h, "accepted octets lie in the receive buffer");
		return;
	}
	for (i = 0; i < res->data_len; i++)
		s->buf[(res->data_pos + i) % HOST_BUF] = payload[res->data_off + i];
}

static void drain(struct host *h, struct host_sock *s)
{
	struct tern_conn before = s->conn;
	struct tern_seg seg;
	u32 n = 0;

	while (tern_next_segment(&s->conn, h->now, &seg)) {
		law(h, laws_segment(&s->conn, &before, &seg));
		if (n++ == LAWS_DRAIN_MAX)
			law(h, "the engine comes to rest");
		if (h->broken)
			return;
		if (seg.len && seg.pos - s->released >= s->written - s->released)
			law(h, "only octets that the user has kept for it");
		if (seg.flags & TERN_ACK && !(seg.flags & TERN_RST)) {
			tern_seq edge = tern_seq_add(seg.ack, seg.wnd);

			if (s->edge_known && tern_seq_lt(edge, s->edge))
				law(h, "the window's right edge never moves left");
			s->edge = edge;
			s->edge_known = true;
		}
		seg.sport = s->lport;
		seg.dport = s->rport;
		transmit(h, s->raddr, &seg, s);
		before = s->conn;
	}
}

/* The connection is over, or is small now. */
static void leave(struct host *h, struct host_sock *s, u32 events)
{
	if (events & TERN_EV_TIME_WAIT)
		to_time_wait(h, s);
	if (events & (TERN_EV_TIME_WAIT | TERN_EV_CLOSED)) {
		s->over = true;
		if (s->kind == HOST_REQUEST || (!s->user && !s->queued))
			free_sock(s);
	} else if (s->kind == HOST_REQUEST) {
		tern_req_pack(&s->req, &s->conn);
		memset(&s->conn, 0, sizeof(s->conn));
	}
}

/* rfc5961#section-7, without the chance that doc/protocol.md 11.3 adds */
static bool challenge_allowed(struct host *h)
{
	if (h->challenge_second != h->now / SEC)
		h->challenges = 0;
	h->challenge_second = h->now / SEC;
	return !h->challenge_limit || h->challenges++ < h->challenge_limit;
}

static void settle(struct host *h, struct host_sock *s, const struct tern_result *res,
		   const u8 *payload)
{
	if (res->events & TERN_EV_DATA)
		take_data(h, s, res, payload);
	if (res->events & TERN_EV_ACKED)
		s->released += res->acked;
	if (s->released > s->written)
		law(h, "only what was written is acknowledged");
	if (s->released != tern_snd_pos(&s->conn))
		law(h, "what is acknowledged is released");
	if (tern_rcv_pos(&s->conn) - s->read != s->conn.rcv_held)
		law(h, "what is held was received and not read");
	if (res->events & TERN_EV_FIN)
		s->eof = true;
	if (res->events & TERN_EV_ESTABLISHED && s->kind == HOST_REQUEST) {
		s->kind = HOST_CONN;
		s->queued = true;
	}
	if (res->events & TERN_EV_CHALLENGE && challenge_allowed(h))
		tern_challenge_ack(&s->conn);
	law(h, tern_check(&s->conn));
	drain(h, s);
	law(h, laws_rest(&s->conn, due - 1));
	host_told(h, s, res);
	leave(h, s, res->events);
}

/* A call of the engine that gives a result: @before is the state it found. */
static void result(struct host *h, struct host_sock *s, u8 before,
		   const struct tern_result *res, const u8 *payload)
{
	law(h, laws_result(&s->conn, before, res));
	settle(h, s, res, payload);
}

/* Who is it for */

static struct host_sock *find(struct host *h, u16 lport, u8 raddr, u16 rport)
{
	u32 i;

	for (i = 0; i < HOST_SOCKS; i++) {
		struct host_sock *s = &h->sock[i];

		if ((s->kind == HOST_CONN || s->kind == HOST_REQUEST) && !s->over &&
		    s->lport == lport && s->raddr == raddr && s->rport == rport)
			return s;
	}
	return NULL;
}

static struct host_wait *find_wait(struct host *h, u16 lport, u8 raddr, u16 rport)
{
	u32 i;

	for (i = 0; i < HOST_WAITS; i++) {
		struct host_wait *w = &h->wait[i];

		if (w->used && w->lport == lport && w->raddr == raddr && w->rport == rport)
			return w;
	}
	return NULL;
}

static struct host_sock *find_listener(struct host *h, u16 port)
{
	u32 i;

	for (i = 0; i < HOST_SOCKS; i++) {
		if (h->sock[i].kind == HOST_LISTENER && h->sock[i].lport == port)
			return &h->sock[i];
	}
	return NULL;
}

static struct host_sock *new_sock(struct host *h, enum host_kind kind)
{
	u32 i;

	for (i = 0; i < HOST_SOCKS; i++) {
		struct host_sock *s = &h->sock[i];

		if (s->kind == HOST_FREE) {
			free_sock(s);
			s->kind = kind;
			s->name = ++h->last_name;
			return s;
		}
	}
	return NULL;
}

/* Connections that came by this listener and nobody has accepted */
static u32 waiting(const struct host *h, u16 port)
{
	u32 i, n = 0;

	for (i = 0; i < HOST_SOCKS; i++) {
		const struct host_sock *s = &h->sock[i];

		n += s->lport == port && (s->kind == HOST_REQUEST || s->queued);
	}
	return n;
}

/* What two messages would be: the server takes its own word for the client's. */
static void believe(struct host *h, struct host_sock *s)
{
	struct tern_seg ack = { .hlen = TERN_HDR_LEN, .flags = TERN_ACK };
	struct tern_result res;

	tern_req_unpack(&s->conn, &s->req, &h->cfg);
	ack.seq = s->conn.rcv_nxt;
	ack.ack = s->conn.snd_max;
	ack.wnd = s->conn.snd_wnd;
	ack.has_ts = s->conn.ts_ok;
	ack.tsval = s->conn.ts_recent;
	ack.tsecr = tern_tsval(h->now, h->cfg.ts_offset);
	res = tern_segment_arrives(&s->conn, h->now, &ack);
	result(h, s, TERN_SYN_RECEIVED, &res, NULL);
}

/* Return: a connection request was taken. */
static bool to_listener(struct host *h, u8 src, const struct tern_seg *seg, tern_seq iss)
{
	struct host_sock *listener = find_listener(h, seg->dport), *s;
	struct tern_result res;

	switch (tern_listen_segment_arrives(seg)) {
	case TERN_LISTEN_DROP:
		return false;
	case TERN_LISTEN_RESET:
		transmit_reset(h, src, seg);
		return false;
	case TERN_LISTEN_SYN:
		break;
	}
	if (waiting(h, listener->lport) >= listener->backlog)
		return false;
	s = new_sock(h, HOST_REQUEST);
	if (!s)
		return false;
	s->raddr = src;
	s->lport = seg->dport;
	s->rport = seg->sport;
	res = tern_open_syn(&s->conn, h->now, iss, &h->cfg, seg);
	result(h, s, TERN_LISTEN, &res, NULL);
	if (h->two_messages && s->kind == HOST_REQUEST)
		believe(h, s);
	return true;
}

/* As the module: bare segments are answered twice a second. */
static bool may_answer(const struct host *h, struct host_wait *w, const struct tern_seg *seg)
{
	if (seg->len || seg->flags & (TERN_SYN | TERN_FIN))
		return true;
	if (h->now - w->acked < BARE_INTERVAL)
		return false;
	w->acked = h->now;
	return true;
}

static void to_wait(struct host *h, struct host_wait *w, const struct tern_seg *seg)
{
	u32 tsval = tern_tsval(h->now, h->cfg.ts_offset);
	enum tern_tw_verdict verdict;
	struct tern_seg reply;

	verdict = tern_tw_segment_arrives(&w->tw, tsval, seg, &reply);
	host_waited(h, w, seg, verdict);
	switch (verdict) {
	case TERN_TW_DROP:
		return;
	case TERN_TW_REOPEN:
		if (!find_listener(h, w->lport))
			break;
		/* the half-open connection takes the entry's place, if it finds room */
		if (to_listener(h, w->raddr, seg, tern_tw_iss(&w->tw, h->iss)))
			w->used = false;
		return;
	case TERN_TW_RESTART:
		w->since = h->now;
		break;
	case TERN_TW_ACK:
		if (!may_answer(h, w, seg))
			return;
		break;
	}
	transmit(h, w->raddr, &reply, NULL);
}

static void to_sock(struct host *h, struct host_sock *s, const struct tern_seg *seg,
		    const u8 *payload)
{
	struct tern_result res;
	u8 before;

	if (s->kind == HOST_REQUEST)
		tern_req_unpack(&s->conn, &s->req, &h->cfg);
	before = s->conn.state;
	res = tern_segment_arrives(&s->conn, h->now, seg);
	if (res.data_off + res.data_len > seg->len)
		law(h, "accepted octets lie in the payload");
	else if (res.events & TERN_EV_RESET)
		transmit_reset(h, s->raddr, seg);
	if (!h->broken)
		result(h, s, before, &res, payload);
}

void host_packet(struct host *h, const struct host_packet *packet)
{
	struct host_sock *s;
	struct host_wait *w;
	struct tern_seg seg;

	if (!host_seg(packet, &seg))
		return;
	begin(h);
	s = find(h, seg.dport, packet->src, seg.sport);
	w = find_wait(h, seg.dport, packet->src, seg.sport);
	if (s)
		to_sock(h, s, &seg, packet->octet + seg.hlen);
	else if (w)
		to_wait(h, w, &seg);
	else if (find_listener(h, seg.dport))
		to_listener(h, packet->src, &seg, h->iss);
	else
		transmit_reset(h, packet->src, &seg);
}

/* The user's calls */

/* The socket @s of a program, in a kind that fits, or NULL. */
static struct host_sock *held(struct host *h, int s, enum host_kind kind)
{
	if (s < 0 || s >= HOST_SOCKS || h->sock[s].kind != kind || !h->sock[s].user)
		return NULL;
	begin(h);
	return &h->sock[s];
}

int host_listen(struct host *h, u16 port, u32 backlog)
{
	struct host_sock *s;

	if (find_listener(h, port))
		return -1;
	s = new_sock(h, HOST_LISTENER);
	if (!s)
		return -1;
	s->user = true;
	s->lport = port;
	s->backlog = backlog;
	return (int)(s - h->sock);
}

int host_connect(struct host *h, u16 lport, u8 raddr, u16 rport)
{
	struct tern_result res;
	struct host_sock *s;

	begin(h);
	if (find(h, lport, raddr, rport) || find_wait(h, lport, raddr, rport))
		return -1;
	s = new_sock(h, HOST_CONN);
	if (!s)
		return -1;
	s->user = true;
	s->raddr = raddr;
	s->lport = lport;
	s->rport = rport;
	res = tern_open(&s->conn, h->now, h->iss, &h->cfg);
	result(h, s, TERN_CLOSED, &res, NULL);
	return (int)(s - h->sock);
}

int host_accept(struct host *h, int listener)
{
	struct host_sock *l = held(h, listener, HOST_LISTENER), *first = NULL;
	u32 i;

	if (!l)
		return -1;
	for (i = 0; i < HOST_SOCKS; i++) {
		struct host_sock *s = &h->sock[i];

		if (s->queued && s->lport == l->lport && (!first || s->name < first->name))
			first = s;
	}
	if (!first)
		return -1;
	first->queued = false;
	first->user = true;
	return (int)(first - h->sock);
}

u32 host_write(struct host *h, int index, u32 len)
{
	struct host_sock *s = held(h, index, HOST_CONN);

	if (!s || s->over || !tern_send(&s->conn, len))
		return 0;
	s->written += len;
	settle(h, s, &nothing_new, NULL);
	return len;
}

u32 host_read(struct host *h, int index, u8 *octet, u32 len)
{
	struct host_sock *s = held(h, index, HOST_CONN);
	u32 i;

	if (!s)
		return 0;
	if (len > s->conn.rcv_held)
		len = s->conn.rcv_held;
	for (i = 0; i < len; i++)
		octet[i] = s->buf[(s->read + i) % HOST_BUF];
	s->read += len;
	tern_receive(&s->conn, len);
	if (!s->over)
		settle(h, s, &nothing_new, NULL);
	return len;
}

static void abort_sock(struct host *h, struct host_sock *s)
{
	u8 before = s->conn.state;
	struct tern_result res = tern_abort(&s->conn, TERN_ERR_ABORTED);

	result(h, s, before, &res, NULL);
}

void host_shutdown(struct host *h, int index)
{
	struct host_sock *s = held(h, index, HOST_CONN);
	struct tern_result res;
	u8 before;

	if (!s || s->over)
		return;
	before = s->conn.state;
	res = tern_close(&s->conn, h->now);
	result(h, s, before, &res, NULL);
}

/* Nobody will accept these; half-open ones tell nobody: their peer will ask again. */
static void stop_listening(struct host *h, struct host_sock *listener)
{
	u16 port = listener->lport;
	u32 i;

	free_sock(listener);
	for (i = 0; i < HOST_SOCKS; i++) {
		struct host_sock *s = &h->sock[i];

		if (s->lport != port)
			continue;
		if (s->kind == HOST_REQUEST || (s->queued && s->over)) {
			free_sock(s);
		} else if (s->queued) {
			s->queued = false;
			abort_sock(h, s);
		}
	}
}

static void close_sock(struct host *h, struct host_sock *s, bool hard)
{
	struct tern_result res;
	u8 before = s->conn.state;

	s->user = false;
	if (s->over) {
		free_sock(s);
		return;
	}
	if (hard || s->conn.rcv_held) {
		abort_sock(h, s);
		return;
	}
	res = tern_close(&s->conn, h->now);
	result(h, s, before, &res, NULL);
	if (s->kind != HOST_CONN || s->over)
		return;
	before = s->conn.state;
	res = tern_orphan(&s->conn, h->now);
	result(h, s, before, &res, NULL);
}

void host_close(struct host *h, int index)
{
	struct host_sock *s = held(h, index, HOST_CONN);
	struct host_sock *listener = held(h, index, HOST_LISTENER);

	if (listener)
		stop_listening(h, listener);
	else if (s)
		close_sock(h, s, false);
}

void host_abort(struct host *h, int index)
{
	struct host_sock *s = held(h, index, HOST_CONN);

	if (s)
		close_sock(h, s, true);
}

/* The connection of the socket @s, if it is not over, or NULL. */
static struct host_sock *going(struct host *h, int index)
{
	struct host_sock *s = held(h, index, HOST_CONN);

	return s && !s->over ? s : NULL;
}

void host_nodelay(struct host *h, int index, bool nodelay)
{
	struct host_sock *s = going(h, index);

	if (!s)
		return;
	tern_set_nodelay(&s->conn, nodelay);
	settle(h, s, &nothing_new, NULL);
}

void host_keepalive(struct host *h, int index, u64 idle, u64 interval, u8 probes)
{
	struct host_sock *s = going(h, index);

	if (!s)
		return;
	tern_set_keepalive(&s->conn, idle, interval, probes);
	settle(h, s, &nothing_new, NULL);
}

void host_user_timeout(struct host *h, int index, u64 timeout)
{
	struct host_sock *s = going(h, index);

	if (!s)
		return;
	tern_set_user_timeout(&s->conn, timeout);
	settle(h, s, &nothing_new, NULL);
}

void host_rcv_buf(struct host *h, int index, u32 octets)
{
	struct host_sock *s = going(h, index);

	if (!s || !octets || octets > HOST_BUF)
		return;
	tern_set_rcv_buf(&s->conn, octets);
	settle(h, s, &nothing_new, NULL);
}

void host_forget(struct host *h, int index)
{
	struct host_sock *s = going(h, index);

	if (!s)
		return;
	tern_forget_ranges(&s->conn);
	settle(h, s, &nothing_new, NULL);
}

void host_mtu(struct host *h, u8 raddr, u16 mss)
{
	u32 i;

	begin(h);
	for (i = 0; i < HOST_SOCKS; i++) {
		struct host_sock *s = &h->sock[i];

		if (s->kind != HOST_CONN || s->over || s->raddr != raddr)
			continue;
		tern_set_mss(&s->conn, mss);
		settle(h, s, &nothing_new, NULL);
	}
}

/* Time */

static u64 sock_deadline(const struct host_sock *s)
{
	if (s->kind == HOST_REQUEST)
		return s->req.deadline;
	if (s->kind == HOST_CONN && !s->over)
		return tern_next_deadline(&s->conn);
	return TERN_NEVER;
}

static u64 earliest(const struct host *h)
{
	u64 next = TERN_NEVER;
	u32 i;

	for (i = 0; i < HOST_SOCKS; i++) {
		u64 deadline = sock_deadline(&h->sock[i]);

		next = deadline < next ? deadline : next;
	}
	return next;
}

u64 host_deadline(const struct host *h)
{
	u64 next = earliest(h);
	u32 i;

	for (i = 0; i < HOST_WAITS; i++) {
		const struct host_wait *w = &h->wait[i];

		if (w->used && w->since + h->time_wait < next)
			next = w->since + h->time_wait;
	}
	return next;
}

void host_timeout(struct host *h)
{
	u32 i;

	due = h->now + 1;
	for (i = 0; i < HOST_SOCKS; i++) {
		struct host_sock *s = &h->sock[i];
		struct tern_result res;
		u8 before;

		if (sock_deadline(s) > h->now)
			continue;
		if (s->kind == HOST_REQUEST)
			tern_req_unpack(&s->conn, &s->req, &h->cfg);
		before = s->conn.state;
		res = tern_timeout(&s->conn, h->now);
		result(h, s, before, &res, NULL);
	}
	for (i = 0; i < HOST_WAITS; i++) {
		if (h->wait[i].used && h->wait[i].since + h->time_wait <= h->now)
			h->wait[i].used = false;
	}
}
