// SPDX-License-Identifier: GPL-2.0
/*
 * Target "engine": core/ in the smallest shell that is a whole host for one pair
 * of ports: a listener, a half-open connection in its small form, a connection,
 * TIME_WAIT, and RST for what is for nobody.  Its clock is a number.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scripts/run.h"

#define BARE_INTERVAL (500 * MSEC)
#define OUT_MAX 64
#define RCV_BUF 131072

/* What stands in the place of the connection. */
enum place {
	NOBODY,
	REQUEST,
	CONNECTION,
	WAITING,	/* in TIME_WAIT */
};

static struct engine {
	u64 now;
	bool listening;
	enum place place;
	struct tern_conn conn;
	struct tern_req req;
	struct tern_tw tw;
	u64 tw_since;
	u64 tw_acked;
	u64 tw_length;
	u32 challenge_limit;	/* in a second, 0 for none */
	u32 challenges;		/* in @challenge_second */
	u64 challenge_second;
	bool user;	/* somebody holds the connection's socket */
	bool queued;	/* in the accept queue */
	int error;
	const char *broken;	/* the invariant that does not hold */
	struct ends ends;
	u8 out[OUT_MAX][SEG_MAX];
	u32 out_len[OUT_MAX];
	u32 out_first;
	u32 out_end;
} host;

static const struct tern_config defaults = {
	.rto_initial = 1 * SEC,
	.rto_min = 200 * MSEC,
	.rto_max = 120 * SEC,
	.delack = 40 * MSEC,
	.fin_wait_2 = 60 * SEC,
	.rcv_buf = RCV_BUF,
	.mss = 1460,
	.syn_retries = 6,
	.synack_retries = 5,
	.data_retries = 15,
	.orphan_retries = 8,
	.ts_offset = 0xffb3b2cc, /* TSval passes 2^32 in 500 ms */
	.sack = true,
	.timestamps = true,
};

static struct tern_config config;

static void engine_begin(struct ends *ends)
{
	memset(&host, 0, sizeof(host));
	host.now = 5000000000ull; /* beyond 32 bits of us */
	host.tw_length = 60 * SEC;
	config = defaults;
	*ends = (struct ends){ .lport = 7, .rport = 40000 };
	host.ends = *ends;
}

static void engine_end(void)
{
	host.place = NOBODY;
}

static void transmit(const struct tern_seg *seg)
{
	struct tern_seg copy = *seg;
	u32 i, hlen, slot = host.out_end % OUT_MAX;
	u8 *octets = host.out[slot];

	if (host.out_end - host.out_first == OUT_MAX)
		die("engine: more than %u segments at once", OUT_MAX);
	copy.sport = host.ends.lport;
	copy.dport = host.ends.rport;
	hlen = tern_build_len(&copy);
	tern_build(&copy, octets);
	for (i = 0; i < seg->len; i++)
		octets[hlen + i] = payload_octet(seg->pos + i);
	host.out_len[slot] = hlen + seg->len;
	host.out_end++;
}

static u32 engine_collect(u8 *seg, u32 size)
{
	u32 slot = host.out_first % OUT_MAX;

	if (host.out_first == host.out_end || host.out_len[slot] > size)
		return 0;
	host.out_first++;
	memcpy(seg, host.out[slot], host.out_len[slot]);
	return host.out_len[slot];
}

/* Data that waits for a reader survives the connection: rcv_held stays. */
static void leave(const struct tern_result *res)
{
	static const int errnos[] = {
		[TERN_ERR_REFUSED] = ECONNREFUSED,
		[TERN_ERR_RESET] = ECONNRESET,
		[TERN_ERR_TIMEDOUT] = ETIMEDOUT,
		[TERN_ERR_ABORTED] = ECONNABORTED,
	};

	if (res->events & TERN_EV_CLOSED) {
		host.place = NOBODY;
		host.error = errnos[host.conn.error];
	}
	if (res->events & TERN_EV_TIME_WAIT) {
		tern_tw_init(&host.tw, &host.conn);
		host.place = WAITING;
		host.tw_since = host.now;
		host.tw_acked = host.now - BARE_INTERVAL;
	}
	if (res->events & TERN_EV_ESTABLISHED && host.place == REQUEST) {
		host.place = CONNECTION;
		host.queued = true;
	}
	if (host.place == NOBODY)
		host.queued = false;
}

/* rfc5961 section 7, without the chance that doc/protocol.md 11.3 adds */
static bool challenge_allowed(void)
{
	if (host.challenge_second != host.now / SEC)
		host.challenges = 0;
	host.challenge_second = host.now / SEC;
	return !host.challenge_limit || host.challenges++ < host.challenge_limit;
}

/* The tail of every entry. */
static void settle(const struct tern_result *res, const struct tern_seg *seg)
{
	struct tern_seg out;

	if (res->events & TERN_EV_RESET && seg && tern_reset_for(seg, &out))
		transmit(&out);
	if (res->events & TERN_EV_CHALLENGE && challenge_allowed())
		tern_challenge_ack(&host.conn);
	/* as the module, which looks at the route anew each time */
	tern_set_mss(&host.conn, config.mss);
	while (tern_next_segment(&host.conn, host.now, &out))
		transmit(&out);
	if (!host.broken)
		host.broken = tern_check(&host.conn);
	leave(res);
	if (host.place == REQUEST)
		tern_req_pack(&host.req, &host.conn);
}

static void to_listener(const struct tern_seg *seg, tern_seq iss)
{
	struct tern_result res;
	struct tern_seg rst;

	switch (tern_listen_segment_arrives(seg)) {
	case TERN_LISTEN_DROP:
		break;
	case TERN_LISTEN_RESET:
		if (tern_reset_for(seg, &rst))
			transmit(&rst);
		break;
	case TERN_LISTEN_SYN:
		host.place = REQUEST;
		host.user = false;
		res = tern_open_syn(&host.conn, host.now, iss, &config, seg);
		settle(&res, NULL);
		break;
	}
}

static void to_nobody(const struct tern_seg *seg)
{
	struct tern_seg rst;

	if (host.listening)
		to_listener(seg, tern_seq_of(settings.iss));
	else if (tern_reset_for(seg, &rst))
		transmit(&rst);
}

/* As the module: bare segments are answered twice a second. */
static bool tw_may_answer(const struct tern_seg *seg)
{
	if (seg->len || seg->flags & (TERN_SYN | TERN_FIN))
		return true;
	if (host.now - host.tw_acked < BARE_INTERVAL)
		return false;
	host.tw_acked = host.now;
	return true;
}

static void to_time_wait(const struct tern_seg *seg)
{
	u32 tsval = tern_tsval(host.now, config.ts_offset);
	struct tern_seg reply;

	switch (tern_tw_segment_arrives(&host.tw, tsval, seg, &reply)) {
	case TERN_TW_DROP:
		return;
	case TERN_TW_REOPEN:
		if (!host.listening)
			break;
		to_listener(seg, tern_tw_iss(&host.tw, tern_seq_of(settings.iss)));
		return;
	case TERN_TW_RESTART:
		host.tw_since = host.now;
		break;
	case TERN_TW_ACK:
		if (!tw_may_answer(seg))
			return;
		break;
	}
	transmit(&reply);
}

static void engine_inject(const u8 *octets, u32 len)
{
	struct tern_result res;
	struct tern_seg seg;

	if (tern_parse(octets, len, &seg) != TERN_DROP_NONE)
		return;
	switch (host.place) {
	case NOBODY:
		to_nobody(&seg);
		return;
	case WAITING:
		to_time_wait(&seg);
		return;
	case REQUEST:
		tern_req_unpack(&host.conn, &host.req, &config);
		break;
	case CONNECTION:
		break;
	}
	res = tern_segment_arrives(&host.conn, host.now, &seg);
	settle(&res, &seg);
}

static void serve_deadline(void)
{
	struct tern_result res;

	if (host.place == WAITING) {
		host.place = NOBODY;
		return;
	}
	if (host.place == REQUEST)
		tern_req_unpack(&host.conn, &host.req, &config);
	res = tern_timeout(&host.conn, host.now);
	settle(&res, NULL);
}

static u64 next_deadline(void)
{
	switch (host.place) {
	case NOBODY:
		return TERN_NEVER;
	case WAITING:
		return host.tw_since + host.tw_length;
	default:
		return tern_next_deadline(&host.conn);
	}
}

static void engine_pass(u64 us)
{
	u64 until = host.now + us, next;

	while ((next = next_deadline()) <= until) {
		host.now = next > host.now ? next : host.now;
		serve_deadline();
	}
	host.now = until;
}

static u64 engine_now(void)
{
	return host.now;
}

/* The user's calls */

static const char *call_rcvbuf(const u32 *args)
{
	config.rcv_buf = args[0];
	return NULL;
}

static const char *call_connect(const u32 *args)
{
	struct tern_result res;

	(void)args;
	if (host.place != NOBODY)
		return "there is a connection";
	host.place = CONNECTION;
	host.user = true;
	res = tern_open(&host.conn, host.now, tern_seq_of(settings.iss), &config);
	settle(&res, NULL);
	return NULL;
}

static const char *call_listen(const u32 *args)
{
	(void)args;
	host.listening = true;
	return NULL;
}

static const char *call_unlisten(const u32 *args)
{
	struct tern_result res;

	(void)args;
	host.listening = false;
	if (host.place == REQUEST)
		host.place = NOBODY;
	if (!host.queued)
		return NULL;
	res = tern_abort(&host.conn, TERN_ERR_ABORTED);
	settle(&res, NULL);
	return NULL;
}

static const char *call_accept(const u32 *args)
{
	(void)args;
	if (!host.queued)
		return "nothing to accept";
	host.queued = false;
	host.user = true;
	return NULL;
}

static const char *call_send(const u32 *args)
{
	struct tern_result none = { 0 };

	if (host.place != CONNECTION || !tern_send(&host.conn, args[0]))
		return "cannot send";
	settle(&none, NULL);
	return NULL;
}

static const char *call_read(const u32 *args)
{
	struct tern_result none = { 0 };

	if (args[0] > host.conn.rcv_held)
		return "there is less to read";
	tern_receive(&host.conn, args[0]);
	if (host.place == CONNECTION)
		settle(&none, NULL);
	return NULL;
}

static const char *call_eof(const u32 *args)
{
	const struct tern_conn *conn = &host.conn;

	(void)args;
	if (conn->rcv_held || !conn->fin_seen || !tern_seq_lt(conn->rcv_fin, conn->rcv_nxt))
		return "not the end of the stream";
	return NULL;
}

static const char *call_shutdown(const u32 *args)
{
	struct tern_result res;

	(void)args;
	if (host.place != CONNECTION)
		return "no connection";
	res = tern_close(&host.conn, host.now);
	settle(&res, NULL);
	return NULL;
}

static const char *call_abort(const u32 *args)
{
	struct tern_result res;

	(void)args;
	host.user = false;
	if (host.place != CONNECTION)
		return NULL;
	res = tern_abort(&host.conn, TERN_ERR_ABORTED);
	settle(&res, NULL);
	return NULL;
}

static const char *call_close(const u32 *args)
{
	struct tern_result res;

	if (host.conn.rcv_held)
		return call_abort(args);
	host.user = false;
	if (host.place != CONNECTION)
		return NULL;
	res = tern_close(&host.conn, host.now);
	settle(&res, NULL);
	if (host.place != CONNECTION)
		return NULL;
	res = tern_orphan(&host.conn, host.now);
	settle(&res, NULL);
	return NULL;
}

static const char *call_nodelay(const u32 *args)
{
	struct tern_result none = { 0 };

	tern_set_nodelay(&host.conn, args[0]);
	settle(&none, NULL);
	return NULL;
}

static const char *call_keepalive(const u32 *args)
{
	struct tern_result none = { 0 };

	tern_set_keepalive(&host.conn, args[0] * SEC, args[1] * SEC, (u8)args[2]);
	settle(&none, NULL);
	return NULL;
}

static const char *call_user_timeout(const u32 *args)
{
	struct tern_result none = { 0 };

	tern_set_user_timeout(&host.conn, args[0] * MSEC);
	settle(&none, NULL);
	return NULL;
}

static const char *call_second(const u32 *args)
{
	(void)args;
	engine_pass(SEC - host.now % SEC);
	return NULL;
}

/* What of net.tern the module does itself, and this host, too */
static const char *engine_sysctl(const char *name, u32 value)
{
	if (!strcmp(name, "challenge_acks_per_s"))
		host.challenge_limit = value;
	else if (!strcmp(name, "time_wait_s"))
		host.tw_length = value * SEC;
	else if (!strcmp(name, "sack"))
		config.sack = value;
	else if (!strcmp(name, "timestamps"))
		config.timestamps = value;
	else if (!strcmp(name, "data_retries"))
		config.data_retries = (u8)value;
	else if (!strcmp(name, "orphan_retries"))
		config.orphan_retries = (u8)value;
	else
		return "the engine has no such setting";
	return NULL;
}

static const char *engine_call(const char *name, const u32 *args)
{
	static const struct {
		const char *name;
		const char *(*call)(const u32 *args);
	} calls[] = {
		{ "connect", call_connect }, { "listen", call_listen },
		{ "unlisten", call_unlisten }, { "accept", call_accept },
		{ "send", call_send }, { "read", call_read },
		{ "shutdown", call_shutdown }, { "close", call_close },
		{ "abort", call_abort }, { "eof", call_eof },
		{ "rcvbuf", call_rcvbuf }, { "nodelay", call_nodelay },
		{ "keepalive", call_keepalive }, { "user_timeout", call_user_timeout },
		{ "second", call_second },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		if (!strcmp(calls[i].name, name))
			return calls[i].call(args);
	}
	return "no such call";
}

static void conn_timer(struct status *status)
{
	static const u8 shown[][2] = {
		{ TERN_TIMER_REXMT, TIMER_REXMT },
		{ TERN_TIMER_PERSIST, TIMER_PERSIST },
		{ TERN_TIMER_FIN_WAIT_2, TIMER_FIN_WAIT_2 },
		{ TERN_TIMER_KEEPALIVE, TIMER_KEEPALIVE },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shown); i++) {
		if (host.conn.deadline[shown[i][0]] == TERN_NEVER)
			continue;
		status->timer = shown[i][1];
		status->left = host.conn.deadline[shown[i][0]] - host.now;
		return;
	}
}

static void engine_status(struct status *status)
{
	memset(status, 0, sizeof(*status));
	status->waiting = host.queued;
	status->error = host.error;
	status->user = host.user;
	if (host.user)
		status->unread = host.conn.rcv_held;
	switch (host.place) {
	case NOBODY:
		status->state = host.listening ? TERN_LISTEN : TERN_CLOSED;
		break;
	case WAITING:
		status->state = TERN_TIME_WAIT;
		status->timer = TIMER_TIME_WAIT;
		status->left = host.tw_since + host.tw_length - host.now;
		break;
	default:
		status->state = host.conn.state;
		conn_timer(status);
	}
}

static const char *engine_trouble(void)
{
	return host.broken;
}

const struct target engine_target = {
	.name = "engine",
	.slack = 0,
	.begin = engine_begin,
	.end = engine_end,
	.inject = engine_inject,
	.collect = engine_collect,
	.call = engine_call,
	.sysctl = engine_sysctl,
	.pass = engine_pass,
	.now = engine_now,
	.status = engine_status,
	.trouble = engine_trouble,
};
