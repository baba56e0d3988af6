// SPDX-License-Identifier: GPL-2.0
/*
 * What a seed decides: the hosts of a run, what their users do next, and the fate of
 * each packet.  Every decision becomes an event of the script before it happens, and
 * not more than one at a time, so that the script alone makes the same run.
 */
#include <string.h>

#include "tests/sim/sim.h"

#define PORTS 3
#define PERMILLE 1000

static bool chance(struct weather *at, u32 permille)
{
	return random_below(&at->r, PERMILLE) < permille;
}

static u64 pick(struct weather *at, const u64 *choice, u32 n)
{
	return choice[random_below(&at->r, n)];
}

#define PICK(at, ...) \
	pick(at, (const u64[]){ __VA_ARGS__ }, \
	     ARRAY_SIZE(((const u64[]){ __VA_ARGS__ })))

static void happen(struct world *w, u8 verb, u32 host, u64 a, u64 b, u64 c, u64 d)
{
	struct event e = {
		.verb = verb,
		.host = (u8)host,
		.at = w->t,
		.arg = { a, b, c, d },
	};

	script_add(w->script, &e);
	world_do(w, &e);
}

/* How things are */

static void set(struct world *w, u32 h, enum key key, u64 value)
{
	happen(w, VERB_SET, h, key, value, 0, 0);
}

static void set_timing(struct world *w, u32 h)
{
	struct weather *at = w->weather;

	if (chance(at, 300)) {
		set(w, h, KEY_KEEP_IDLE, PICK(at, 1 * SEC, 10 * SEC, 100 * SEC));
		set(w, h, KEY_KEEP_INTERVAL, PICK(at, SEC, 5 * SEC, 60 * SEC));
		set(w, h, KEY_KEEP_PROBES, 1 + random_below(&at->r, 5));
	}
	if (chance(at, 200))
		set(w, h, KEY_USER_TIMEOUT, PICK(at, 3 * SEC, 20 * SEC, 200 * SEC));
	if (chance(at, 300))
		set(w, h, KEY_RTO_INITIAL, PICK(at, SEC, 3 * SEC));
	if (chance(at, 300))
		set(w, h, KEY_RTO_MAX, PICK(at, 3 * SEC, 20 * SEC, 60 * SEC));
	if (chance(at, 500))
		set(w, h, KEY_DELACK, PICK(at, 0, 1, 20 * MSEC, 150 * MSEC));
	if (chance(at, 500))
		set(w, h, KEY_FIN_WAIT_2, PICK(at, SEC, 10 * SEC));
	if (chance(at, 300))
		set(w, h, KEY_SYN_RETRIES, 1 + random_below(&at->r, 5));
	if (chance(at, 300))
		set(w, h, KEY_SYNACK_RETRIES, 1 + random_below(&at->r, 5));
	if (chance(at, 300))
		set(w, h, KEY_DATA_RETRIES, 3 + random_below(&at->r, 5));
	if (chance(at, 300))
		set(w, h, KEY_ORPHAN_RETRIES, 2 + random_below(&at->r, 4));
	if (chance(at, 300))
		set(w, h, KEY_SLACK, PICK(at, 1, MSEC, 10 * MSEC));
}

static void set_sizes(struct world *w, u32 h)
{
	struct weather *at = w->weather;
	u64 rcv_buf = PICK(at, HOST_BUF, HOST_BUF, 5000, 1000, 200,
			   1 + random_below(&at->r, 30));

	/* each octet may have to wait for a window of its own */
	if (rcv_buf * 60 < at->most_written)
		at->most_written = (u32)rcv_buf * 60;
	set(w, h, KEY_RCV_BUF, rcv_buf);
	set(w, h, KEY_MSS, PICK(at, 1460, 1460, 1000, 536, 100, 1 + random_below(&at->r, 60)));
	if (chance(at, 300))
		set(w, h, KEY_SACK, 0);
	if (chance(at, 300))
		set(w, h, KEY_TIMESTAMPS, 0);
	if (chance(at, 300))
		set(w, h, KEY_NODELAY, 1);
}

static void set_host(struct world *w, u32 h)
{
	struct weather *at = w->weather;
	u64 now, offset = PICK(at, 0, 1, (1ull << 32) - 3 * SEC, (1ull << 31) - SEC,
			       5000000000ull, (1000ull << 32) - 2 * SEC, 1ull << 62,
			       (1ull << 63) - 5 * SEC, (u64)random_u32(&at->r) << 12);
	s64 ppm = chance(at, 500) ? 0 : (s64)random_below(&at->r, 400001) - 200000;
	u32 spread = (u32)PICK(at, 0xffffffff, 20000, 1000);

	happen(w, VERB_CLOCK, h, offset, (u64)ppm, 0, 0);
	now = world_clock(w, h);
	/* most begin shortly before the wrap, of which the clock makes 250 an ms */
	happen(w, VERB_ISS, h, 0u - (u32)(now / 4) -
	       random_below(&at->r, (u32)PICK(at, 60000, 2000000)), spread, 0, 0);
	set(w, h, KEY_TS_OFFSET, chance(at, 500) ? random_u32(&at->r) :
	    (u32)(0u - now / 1000 - random_below(&at->r, 20000)));
	set_timing(w, h);
	set_sizes(w, h);
}

/* A packet lives less than half as long as the shortest TIME_WAIT (rfc9293#section-3.4.3). */
static void set_network(struct world *w)
{
	struct weather *at = w->weather;
	u64 time_wait = PICK(at, 100 * MSEC, SEC, 2 * SEC, 10 * SEC, 60 * SEC, 120 * SEC);
	u64 most;
	u32 i, j;

	for (i = 0; i < w->hosts; i++)
		set(w, i, KEY_TIME_WAIT, time_wait * (1 + random_below(&at->r, 2)));
	/* the fastest clock is 20 % too fast */
	at->lifetime = time_wait * 2 / 5;
	most = at->lifetime / 4 < 100 * MSEC ? at->lifetime / 4 : 100 * MSEC;
	for (i = 0; i < w->hosts; i++) {
		for (j = 0; j < w->hosts; j++)
			happen(w, VERB_DELAY, i, j, 1 + random_below(&at->r, (u32)most), 0, 0);
	}
}

/* How bad it is, for a while: it is not an event, what comes of it is. */
static void change(struct weather *at)
{
	at->drop = (u32)PICK(at, 0, 0, 10, 50, 200, 500);
	at->again = (u32)PICK(at, 0, 0, 20, 100, 300);
	at->late = (u32)PICK(at, 0, 0, 20, 100, 500);
	at->flip = (u32)PICK(at, 0, 0, 10, 50);
	at->cut_short = (u32)PICK(at, 0, 0, 0, 10, 50);
	at->jitter = PICK(at, MSEC, 20 * MSEC, 300 * MSEC, at->lifetime);
	if (at->jitter > at->lifetime / 2)
		at->jitter = at->lifetime / 2;
}

void weather_start(struct world *w, u64 seed)
{
	static struct weather weather;
	struct weather *at = &weather;
	u32 i;

	memset(at, 0, sizeof(*at));
	w->weather = at;
	at->r.state = (seed + 1) * 0x9e3779b97f4a7c15ull;
	for (i = 0; i < 4; i++)
		random_u32(&at->r);
	at->ticks = 40 + random_below(&at->r, 200);
	at->pace = PICK(at, MSEC, 10 * MSEC, 10 * MSEC, 100 * MSEC, SEC);
	at->octets = 200000;
	at->most_written = 16000;
	at->crashes = (u32)PICK(at, 0, 0, 5, 20);
	at->partitions = (u32)PICK(at, 0, 30, 150);
	at->closes = (u32)PICK(at, 5, 20, 80);
	at->stalls = (u32)PICK(at, 0, 300, 900);
	at->bulk = (u32)PICK(at, 100, 500, 900);
	happen(w, VERB_HOSTS, 0, chance(at, 250) ? 3 : chance(at, 50) ? 1 : 2, 0, 0, 0);
	for (i = 0; i < w->hosts; i++)
		set_host(w, i);
	set_network(w);
	change(at);
}

/* Packets */

static void decide(struct world *w, u8 verb, const struct host_packet *packet,
		   u64 number, u64 value)
{
	struct event e = {
		.verb = verb,
		.host = packet->src,
		.at = number,
		.arg = { packet->dst, value },
	};

	script_add(w->script, &e);
}

void weather_fate(struct world *w, const struct host_packet *packet, u64 number)
{
	struct weather *at = w->weather;

	if (chance(at, at->again))
		decide(w, VERB_AGAIN, packet, number, random_below(&at->r, (u32)at->jitter));
	if (chance(at, at->drop)) {
		decide(w, VERB_DROP, packet, number, 0);
		return;
	}
	if (chance(at, at->late))
		decide(w, VERB_LATE, packet, number, random_below(&at->r, (u32)at->jitter));
	if (chance(at, at->flip))
		decide(w, VERB_FLIP, packet, number, random_below(&at->r, 8u * packet->len));
	if (chance(at, at->cut_short))
		decide(w, VERB_SHORT, packet, number, random_below(&at->r, packet->len));
}

/* Users */

/* A socket of this kind on @h that its user can name: its label, or -1 */
static int some_label(struct world *w, u32 h, enum host_kind kind)
{
	struct weather *at = w->weather;
	int found[HOST_SOCKS];
	u32 n = 0;
	int label;

	for (label = 0; label < (int)at->label && n < HOST_SOCKS; label++) {
		int s = world_socket(w, h, (u64)label);

		if (s >= 0 && w->host[h].sock[s].kind == kind && w->host[h].sock[s].user)
			found[n++] = label;
	}
	return n ? found[random_below(&at->r, n)] : -1;
}

static void tick_listen(struct world *w, u32 h)
{
	struct weather *at = w->weather;
	u64 port = 1 + random_below(&at->r, PORTS);
	u32 i;

	for (i = 0; i < HOST_SOCKS; i++) {
		if (w->host[h].sock[i].kind == HOST_LISTENER && w->host[h].sock[i].lport == port)
			return;
	}
	happen(w, VERB_LISTEN, h, port, 1 + random_below(&at->r, 4), at->label++, 0);
}

/* To a listener, if there is one, mostly; or to a socket that does the same. */
static void tick_connect(struct world *w, u32 h)
{
	struct weather *at = w->weather;
	u32 peer = random_below(&at->r, w->hosts);
	u64 lport = 1 + random_below(&at->r, PORTS);
	u64 rport = 1 + random_below(&at->r, PORTS);
	u32 i, used = 0;

	if (peer == h && w->hosts > 1 && !chance(at, 50))
		peer = (h + 1) % w->hosts;
	for (i = 0; i < HOST_SOCKS; i++) {
		const struct host_sock *s = &w->host[peer].sock[i];

		if (s->kind == HOST_LISTENER && chance(at, 700))
			rport = s->lport;
		if (s->kind == HOST_CONN && s->conn.state == TERN_SYN_SENT && s->raddr == h &&
		    chance(at, 700)) {
			rport = s->lport;
			lport = s->rport;
		}
		used += w->host[h].sock[i].kind != HOST_FREE;
	}
	/* or where there was one before */
	for (i = 0; i < HOST_WAITS; i++) {
		const struct host_wait *wait = &w->host[peer].wait[i];

		if (wait->used && wait->raddr == h && chance(at, 200)) {
			lport = wait->rport;
			rport = wait->lport;
		}
	}
	if (used < HOST_SOCKS - 3)
		happen(w, VERB_CONNECT, h, lport, peer, rport, at->label++);
}

static void tick_write(struct world *w, u32 h)
{
	struct weather *at = w->weather;
	int label = some_label(w, h, HOST_CONN);
	const struct host_sock *s;
	u32 len;

	if (label < 0)
		return;
	s = &w->host[h].sock[world_socket(w, h, (u64)label)];
	len = chance(at, at->bulk) ? 1 + random_below(&at->r, 8000) :
	      1 + random_below(&at->r, 40);
	if (len > at->octets || s->written - s->released + len > at->most_written)
		len = 1;
	if (s->written - s->released + len > at->most_written)
		return;
	at->octets -= len < at->octets ? len : at->octets;
	happen(w, VERB_WRITE, h, (u64)label, len, 0, 0);
}

static void tick_read(struct world *w, u32 h)
{
	struct weather *at = w->weather;
	int label = some_label(w, h, HOST_CONN);
	u32 held;

	if (label < 0 || chance(at, at->stalls))
		return;
	held = w->host[h].sock[world_socket(w, h, (u64)label)].conn.rcv_held;
	if (held)
		happen(w, VERB_READ, h, (u64)label,
		       chance(at, 500) ? HOST_BUF : 1 + random_below(&at->r, held), 0, 0);
}

static void tick_accept(struct world *w, u32 h)
{
	struct weather *at = w->weather;
	int label = some_label(w, h, HOST_LISTENER);
	const struct host_sock *listener;
	u32 i;

	if (label < 0)
		return;
	listener = &w->host[h].sock[world_socket(w, h, (u64)label)];
	for (i = 0; i < HOST_SOCKS; i++) {
		const struct host_sock *s = &w->host[h].sock[i];

		if (s->queued && s->lport == listener->lport) {
			happen(w, VERB_ACCEPT, h, (u64)label, at->label++, 0, 0);
			return;
		}
	}
}

static void tick_option(struct world *w, u32 h)
{
	struct weather *at = w->weather;
	int label = some_label(w, h, HOST_CONN);

	if (label < 0)
		return;
	switch (random_below(&at->r, 5)) {
	case 0:
		happen(w, VERB_NODELAY, h, (u64)label, random_below(&at->r, 2), 0, 0);
		break;
	case 1:
		happen(w, VERB_KEEPALIVE, h, (u64)label, PICK(at, 0, SEC, 30 * SEC),
		       PICK(at, SEC, 10 * SEC), 1 + random_below(&at->r, 4));
		break;
	case 2:
		happen(w, VERB_PATIENCE, h, (u64)label, PICK(at, 0, 3 * SEC, 30 * SEC), 0, 0);
		break;
	case 3:
		happen(w, VERB_BUFFER, h, (u64)label,
		       PICK(at, HOST_BUF, HOST_BUF / 2, 4000, 1000), 0, 0);
		break;
	default:
		happen(w, VERB_FORGET, h, (u64)label, 0, 0, 0);
		break;
	}
}

static void tick_close(struct world *w, u32 h)
{
	struct weather *at = w->weather;
	int label = some_label(w, h, chance(at, 100) ? HOST_LISTENER : HOST_CONN);
	static const u8 how[] = { VERB_SHUTDOWN, VERB_SHUTDOWN, VERB_CLOSE, VERB_CLOSE,
				  VERB_ABORT };

	if (label < 0)
		return;
	if (w->host[h].sock[world_socket(w, h, (u64)label)].kind == HOST_LISTENER)
		happen(w, VERB_CLOSE, h, (u64)label, 0, 0, 0);
	else
		happen(w, how[random_below(&at->r, ARRAY_SIZE(how))], h, (u64)label, 0, 0, 0);
}

/* Hosts and paths */

static void tick_path(struct world *w, u32 h)
{
	struct weather *at = w->weather;
	u32 to = random_below(&at->r, w->hosts);

	if (w->cut[h][to])
		happen(w, VERB_MEND, h, to, 0, 0, 0);
	else if (chance(at, 500))
		happen(w, VERB_CUT, h, to, 0, 0, 0);
}

/* Settings change for the connections that are opened next. */
static void tick_set(struct world *w, u32 h)
{
	struct weather *at = w->weather;

	switch (random_below(&at->r, 4)) {
	case 0:
		set(w, h, KEY_SACK, random_below(&at->r, 2));
		break;
	case 1:
		set(w, h, KEY_TIMESTAMPS, random_below(&at->r, 2));
		break;
	case 2:
		set(w, h, KEY_NODELAY, random_below(&at->r, 2));
		break;
	default:
		set(w, h, KEY_DELACK, PICK(at, 0, 40 * MSEC));
		break;
	}
}

static void tick_host(struct world *w, u32 h)
{
	struct weather *at = w->weather;

	if (w->is[h].down)
		happen(w, VERB_UP, h, chance(at, 400), 0, 0, 0);
	else if (chance(at, at->crashes))
		happen(w, VERB_DOWN, h, 0, 0, 0, 0);
	else if (chance(at, at->partitions))
		tick_path(w, h);
	else if (chance(at, 10))
		happen(w, VERB_MTU, h, random_below(&at->r, w->hosts),
		       PICK(at, 64, 300, 1000, 1400), 0, 0);
	else if (chance(at, 10))
		happen(w, VERB_WAKE, h, 0, 0, 0, 0);
	else if (chance(at, 10))
		tick_set(w, h);
}

static u64 until_next(struct weather *at)
{
	u32 kind = random_below(&at->r, 100);

	if (kind < 88)
		return 1 + random_below(&at->r, 2 * (u32)at->pace);
	if (kind < 99)
		return 1 + random_below(&at->r, 20 * (u32)at->pace);
	return 1 + random_below(&at->r, 300 * (u32)SEC);
}

static void tick(struct world *w)
{
	struct weather *at = w->weather;
	u32 h = random_below(&at->r, w->hosts);
	u32 kind = random_below(&at->r, 100);

	if (chance(at, 30))
		change(at);
	if (w->is[h].down || kind < 15)
		tick_host(w, h);
	else if (chance(at, at->closes))
		tick_close(w, h);
	else if (kind < 24)
		tick_listen(w, h);
	else if (kind < 36)
		tick_connect(w, h);
	else if (kind < 50)
		tick_accept(w, h);
	else if (kind < 70)
		tick_write(w, h);
	else if (kind < 95)
		tick_read(w, h);
	else
		tick_option(w, h);
}

void weather_tick(struct world *w)
{
	struct weather *at = w->weather;

	if (!at->ticks || at->label + 2 >= SIM_LABELS) {
		happen(w, VERB_FAIR, 0, 0, 0, 0, 0);
		return;
	}
	at->ticks--;
	tick(w);
	at->next = w->t + until_next(at);
}
