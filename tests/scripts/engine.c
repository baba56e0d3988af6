// SPDX-License-Identifier: GPL-2.0
/*
 * Target "engine": core/ in the host of tests/host/, with one pair of ports.  Its
 * clock is a number.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/host.h"
#include "tests/scripts/run.h"

#define PORT 7
#define PEER 2
#define PEER_PORT 40000
#define BACKLOG 8

static struct engine {
	struct host host;
	int listener;	/* the sockets that the user holds, or -1 */
	int sock;
	u32 read_pos;
	u32 first_out;	/* in host.out: what was not collected yet */
} engine;

/* Every stream has the same octets here. */
u8 host_octet(u8 addr, u32 name, u32 pos)
{
	(void)addr;
	(void)name;
	return payload_octet(pos);
}

static void engine_begin(struct ends *ends)
{
	struct host *h = &engine.host;

	host_init(h, 1, 5000000000ull); /* beyond 32 bits of us */
	h->cfg.ts_offset = 0xffb3b2cc; /* TSval passes 2^32 in 500 ms */
	h->cfg.mss = 1460;
	h->iss = tern_seq_of(settings.iss);
	engine.listener = -1;
	engine.sock = -1;
	engine.read_pos = 0;
	engine.first_out = 0;
	*ends = (struct ends){ .lport = PORT, .rport = PEER_PORT };
}

static void engine_end(void)
{
}

static void engine_inject(const u8 *octets, u32 len)
{
	struct host_packet packet = { .src = PEER, .dst = 1, .len = (u16)len };
	u16 sum;

	if (len > sizeof(packet.octet))
		die("engine: a segment of %u octets", len);
	memcpy(packet.octet, octets, len);
	if (len >= TERN_HDR_LEN) {
		sum = tern_csum_fold(tern_csum_add(0, octets, len));
		packet.octet[TERN_CSUM_OFFSET] = (u8)(sum >> 8);
		packet.octet[TERN_CSUM_OFFSET + 1] = (u8)sum;
	}
	host_packet(&engine.host, &packet);
}

static u32 engine_collect(u8 *seg, u32 size)
{
	struct host *h = &engine.host;
	const struct host_packet *packet = &h->out[engine.first_out];

	if (h->lost)
		die("engine: more than %u segments at once", HOST_OUT);
	if (engine.first_out == h->n_out || packet->len > size) {
		h->n_out = 0;
		engine.first_out = 0;
		return 0;
	}
	engine.first_out++;
	memcpy(seg, packet->octet, packet->len);
	/* checksums are the kernel target's to show */
	seg[TERN_CSUM_OFFSET] = 0;
	seg[TERN_CSUM_OFFSET + 1] = 0;
	return packet->len;
}

static void engine_pass(u64 us)
{
	struct host *h = &engine.host;
	u64 until = h->now + us, next;

	while ((next = host_deadline(h)) <= until) {
		h->now = next > h->now ? next : h->now;
		host_timeout(h);
	}
	h->now = until;
}

static u64 engine_now(void)
{
	return engine.host.now;
}

/* A case has one connection at a time: its socket, or its request, or NULL. */
static const struct host_sock *connection(void)
{
	u32 i;

	for (i = 0; i < HOST_SOCKS; i++) {
		const struct host_sock *s = &engine.host.sock[i];

		if (s->kind == HOST_REQUEST || (s->kind == HOST_CONN && !s->over))
			return s;
	}
	return NULL;
}

static const struct host_wait *waiting(void)
{
	u32 i;

	for (i = 0; i < HOST_WAITS; i++) {
		if (engine.host.wait[i].used)
			return &engine.host.wait[i];
	}
	return NULL;
}

/* The user's calls */

static const char *call_rcvbuf(const u32 *args)
{
	engine.host.cfg.rcv_buf = args[0];
	return NULL;
}

static const char *call_connect(const u32 *args)
{
	(void)args;
	engine.sock = host_connect(&engine.host, PORT, PEER, PEER_PORT);
	return engine.sock < 0 ? "there is a connection" : NULL;
}

static const char *call_listen(const u32 *args)
{
	(void)args;
	engine.listener = host_listen(&engine.host, PORT, BACKLOG);
	return engine.listener < 0 ? "there is a listener" : NULL;
}

static const char *call_unlisten(const u32 *args)
{
	(void)args;
	host_close(&engine.host, engine.listener);
	engine.listener = -1;
	return NULL;
}

static const char *call_accept(const u32 *args)
{
	(void)args;
	engine.sock = host_accept(&engine.host, engine.listener);
	return engine.sock < 0 ? "nothing to accept" : NULL;
}

static const char *call_send(const u32 *args)
{
	return host_write(&engine.host, engine.sock, args[0]) ? NULL : "cannot send";
}

static const char *call_read(const u32 *args)
{
	static u8 octets[HOST_BUF];
	u32 i;

	if (args[0] > sizeof(octets) ||
	    host_read(&engine.host, engine.sock, octets, args[0]) != args[0])
		return "there is less to read";
	for (i = 0; i < args[0]; i++) {
		if (octets[i] != payload_octet(engine.read_pos++))
			return "a wrong octet was read";
	}
	return NULL;
}

static const char *call_eof(const u32 *args)
{
	const struct host_sock *s = &engine.host.sock[engine.sock];

	(void)args;
	if (engine.sock < 0 || !s->eof || s->conn.rcv_held)
		return "not the end of the stream";
	return NULL;
}

static const char *call_shutdown(const u32 *args)
{
	(void)args;
	if (!connection())
		return "no connection";
	host_shutdown(&engine.host, engine.sock);
	return NULL;
}

static const char *call_abort(const u32 *args)
{
	(void)args;
	host_abort(&engine.host, engine.sock);
	engine.sock = -1;
	return NULL;
}

static const char *call_close(const u32 *args)
{
	(void)args;
	host_close(&engine.host, engine.sock);
	engine.sock = -1;
	return NULL;
}

static const char *call_nodelay(const u32 *args)
{
	host_nodelay(&engine.host, engine.sock, args[0]);
	return NULL;
}

static const char *call_keepalive(const u32 *args)
{
	host_keepalive(&engine.host, engine.sock, args[0] * SEC, args[1] * SEC, (u8)args[2]);
	return NULL;
}

static const char *call_user_timeout(const u32 *args)
{
	host_user_timeout(&engine.host, engine.sock, args[0] * MSEC);
	return NULL;
}

static const char *call_second(const u32 *args)
{
	(void)args;
	engine_pass(SEC - engine.host.now % SEC);
	return NULL;
}

static const struct call engine_calls[] = {
	{ "connect", call_connect }, { "listen", call_listen },
	{ "unlisten", call_unlisten }, { "accept", call_accept },
	{ "send", call_send }, { "read", call_read },
	{ "shutdown", call_shutdown }, { "close", call_close },
	{ "abort", call_abort }, { "eof", call_eof },
	{ "rcvbuf", call_rcvbuf }, { "nodelay", call_nodelay },
	{ "keepalive", call_keepalive }, { "user_timeout", call_user_timeout },
	{ "second", call_second }, { NULL, NULL },
};

/* What of net.tern the module does itself, and this host, too */
static const char *engine_sysctl(const char *name, u32 value)
{
	if (!strcmp(name, "challenge_acks_per_s"))
		engine.host.challenge_limit = value;
	else if (!strcmp(name, "time_wait_s"))
		engine.host.time_wait = value * SEC;
	else if (!strcmp(name, "sack"))
		engine.host.cfg.sack = value;
	else if (!strcmp(name, "timestamps"))
		engine.host.cfg.timestamps = value;
	else if (!strcmp(name, "data_retries"))
		engine.host.cfg.data_retries = (u8)value;
	else if (!strcmp(name, "orphan_retries"))
		engine.host.cfg.orphan_retries = (u8)value;
	else
		return "the engine has no such setting";
	return NULL;
}

static void conn_timer(const struct tern_conn *conn, struct status *status)
{
	static const u8 shown[][2] = {
		{ TERN_TIMER_REXMT, TIMER_REXMT },
		{ TERN_TIMER_PERSIST, TIMER_PERSIST },
		{ TERN_TIMER_FIN_WAIT_2, TIMER_FIN_WAIT_2 },
		{ TERN_TIMER_KEEPALIVE, TIMER_KEEPALIVE },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shown); i++) {
		if (conn->deadline[shown[i][0]] == TERN_NEVER)
			continue;
		status->timer = shown[i][1];
		status->left = conn->deadline[shown[i][0]] - engine.host.now;
		return;
	}
}

/* What the user sees of its socket, whatever became of the connection */
static void user_status(const struct host_sock *s, struct status *status)
{
	static const int errnos[] = {
		[TERN_ERR_REFUSED] = ECONNREFUSED,
		[TERN_ERR_RESET] = ECONNRESET,
		[TERN_ERR_TIMEDOUT] = ETIMEDOUT,
		[TERN_ERR_ABORTED] = ECONNABORTED,
	};

	status->user = true;
	status->unread = s->conn.rcv_held;
	if (s->over && s->conn.state == TERN_CLOSED)
		status->error = errnos[s->conn.error];
}

static void engine_status(struct status *status)
{
	const struct host_sock *s = connection();
	const struct host_wait *w = waiting();

	memset(status, 0, sizeof(*status));
	if (engine.sock >= 0)
		user_status(&engine.host.sock[engine.sock], status);
	if (s && s->kind == HOST_REQUEST) {
		status->state = TERN_SYN_RECEIVED;
		status->timer = TIMER_REXMT;
		status->left = s->req.deadline - engine.host.now;
	} else if (s) {
		status->state = s->conn.state;
		status->waiting = s->queued;
		conn_timer(&s->conn, status);
	} else if (w) {
		status->state = TERN_TIME_WAIT;
		status->timer = TIMER_TIME_WAIT;
		status->left = w->since + engine.host.time_wait - engine.host.now;
	} else {
		status->state = engine.listener < 0 ? TERN_CLOSED : TERN_LISTEN;
	}
}

static const char *engine_trouble(void)
{
	return engine.host.broken;
}

const struct target engine_target = {
	.name = "engine",
	.slack = 0,
	.calls = engine_calls,
	.begin = engine_begin,
	.end = engine_end,
	.inject = engine_inject,
	.collect = engine_collect,
	.sysctl = engine_sysctl,
	.pass = engine_pass,
	.now = engine_now,
	.status = engine_status,
	.trouble = engine_trouble,
};
