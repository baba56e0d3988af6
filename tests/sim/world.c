// SPDX-License-Identifier: GPL-2.0
/*
 * The world: time, clocks, the network, and what an event does.  All of it follows
 * from the events; nothing here is random.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

#define TRUE_END 1000000000000000ull
#define FAIR_STEPS 400000
/* A packet that tells its sender what the path takes has no octets but these. */
#define ICMP_LEN 2

void world_broken(struct world *w, const char *law, const char *format, ...)
{
	va_list args;

	if (w->law)
		return;
	w->law = law;
	va_start(args, format);
	vsnprintf(w->why, sizeof(w->why), format, args);
	va_end(args);
}

/* Fowler, Noll, Vo, on words. */
static void remember(struct world *w, u64 value)
{
	w->hash = (w->hash ^ value) * 0x100000001b3ull;
	w->hash ^= w->hash >> 29;
}

/* Clocks */

static u64 clock_at(const struct world *w, u32 host, u64 t)
{
	return w->is[host].offset + t + (u64)((s64)t * w->is[host].ppm / 1000000);
}

u64 world_clock(const struct world *w, u32 host)
{
	return clock_at(w, host, w->t);
}

/* The true time at which the host's clock first shows @deadline, or later. */
static u64 true_time(const struct world *w, u32 host, u64 deadline)
{
	u64 shown = deadline - w->is[host].offset;
	u64 t;

	if (deadline <= world_clock(w, host))
		return w->t;
	if (deadline == TERN_NEVER || shown > TRUE_END / 1000)
		return TERN_NEVER;
	t = shown * 1000000 / (u64)(1000000 + w->is[host].ppm);
	while (clock_at(w, host, t) >= deadline && t > w->t)
		t--;
	while (clock_at(w, host, t) < deadline)
		t++;
	return t;
}

void world_trouble(struct world *w, u32 a, u32 b, u64 until)
{
	if (w->trouble[a][b] < until)
		w->trouble[a][b] = until;
	if (w->trouble[b][a] < until)
		w->trouble[b][a] = until;
}

/* The network */

static bool sooner(const struct flight *a, const struct flight *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void heap_add(struct world *w, struct flight flight)
{
	u32 i = w->n_flight++;

	while (i && sooner(&flight, &w->heap[(i - 1) / 2])) {
		w->heap[i] = w->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->heap[i] = flight;
}

static struct flight heap_take(struct world *w)
{
	struct flight first = w->heap[0], last = w->heap[--w->n_flight];
	u32 i = 0;

	for (;;) {
		u32 child = 2 * i + 1;

		if (child + 1 < w->n_flight && sooner(&w->heap[child + 1], &w->heap[child]))
			child++;
		if (child >= w->n_flight || !sooner(&w->heap[child], &last))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = last;
	/* free already: who takes it reads it before anything is sent */
	w->spare[w->n_flight] = first.slot;
	return first;
}

static struct host_packet *put_on_way(struct world *w, const struct host_packet *packet,
				      u64 delay)
{
	struct host_packet *copy;
	u32 slot;

	if (w->n_flight == SIM_FLIGHT) {
		world_trouble(w, packet->src, packet->dst, w->t);
		return NULL;
	}
	slot = w->spare[w->n_flight];
	copy = &w->packet[slot];
	copy->src = packet->src;
	copy->dst = packet->dst;
	copy->len = packet->len;
	memcpy(copy->octet, packet->octet, packet->len);
	heap_add(w, (struct flight){ .at = w->t + delay, .order = w->order++, .slot = slot });
	return copy;
}

/* One bit is always noticed; a packet cut short where that is not noticed is lost. */
static bool damage(struct world *w, struct host_packet *packet, const struct fate *fate)
{
	u32 bit = fate->bit % (8u * packet->len);
	struct tern_seg seg;

	if (fate->flip) {
		packet->octet[bit / 8] ^= (u8)(1u << bit % 8);
		if (host_seg(packet, &seg))
			world_broken(w, "a flipped bit is noticed", "bit %u of %u octets",
				     bit, packet->len);
	}
	if (fate->cut_short) {
		packet->len = (u16)(fate->len % packet->len);
		packet->len += packet->len == ICMP_LEN;
		return !host_seg(packet, &seg);
	}
	return true;
}

/* The router before the narrow link tells the sender. */
static bool too_big(struct world *w, const struct host_packet *packet)
{
	u16 mtu = w->mtu[packet->src][packet->dst];
	u32 hlen = tern_hlen(packet->octet);
	struct host_packet icmp = {
		.src = packet->dst,
		.dst = packet->src,
		.len = ICMP_LEN,
		.octet = { (u8)(mtu >> 8), (u8)mtu },
	};

	if (!mtu || packet->len <= hlen || packet->len - TERN_HDR_LEN <= mtu)
		return false;
	w->tally->did[DID_TOO_BIG]++;
	put_on_way(w, &icmp, w->delay[packet->src][packet->dst]);
	return true;
}

static void apply_fate(struct world *w, const struct host_packet *packet,
		       const struct fate *fate)
{
	u64 delay = w->delay[packet->src][packet->dst];
	struct host_packet damaged = { .src = packet->src, .dst = packet->dst };

	if (fate->drop || fate->flip || fate->cut_short)
		world_trouble(w, packet->src, packet->dst, w->t);
	if (fate->late)
		world_trouble(w, packet->src, packet->dst, w->t + delay + fate->late);
	if (fate->again)
		put_on_way(w, packet, delay + fate->again_late);
	if (fate->drop)
		return;
	if (fate->flip || fate->cut_short) {
		damaged.len = packet->len;
		memcpy(damaged.octet, packet->octet, packet->len);
		if (!damage(w, &damaged, fate))
			return;
		packet = &damaged;
	}
	put_on_way(w, packet, delay + fate->late);
}

static void add_fate(struct fate *fate, const struct event *e)
{
	switch (e->verb) {
	case VERB_DROP:
		fate->drop = true;
		break;
	case VERB_AGAIN:
		fate->again = true;
		fate->again_late = e->arg[1];
		break;
	case VERB_LATE:
		fate->late = e->arg[1];
		break;
	case VERB_FLIP:
		fate->flip = true;
		fate->bit = (u32)e->arg[1];
		break;
	case VERB_SHORT:
		fate->cut_short = true;
		fate->len = (u32)e->arg[1];
		break;
	default:
		break;
	}
}

/* What the script has for this packet, or the weather adds to it. */
static struct fate fate_of(struct world *w, const struct host_packet *packet, u64 number)
{
	u32 src = packet->src, dst = packet->dst;
	struct fate fate = { 0 };
	u32 i;

	if (w->fair)
		return fate;
	if (w->weather) {
		u32 n = w->script->n;

		weather_fate(w, packet, number);
		for (i = n; i < w->script->n; i++) {
			add_fate(&fate, &w->script->event[i]);
			w->tally->verb[w->script->event[i].verb]++;
		}
		return fate;
	}
	while (w->next_fate[src][dst] < w->n_fates[src][dst]) {
		const struct event *e = w->fate[src][dst][w->next_fate[src][dst]];

		if (e->at > number)
			break;
		if (e->at == number) {
			add_fate(&fate, e);
			w->tally->verb[e->verb]++;
		}
		w->next_fate[src][dst]++;
	}
	return fate;
}

static void transmit(struct world *w, const struct host_packet *packet)
{
	u64 number = w->count[packet->src][packet->dst]++;
	struct fate fate = fate_of(w, packet, number);

	w->tally->packets++;
	remember(w, (u64)packet->len << 32 | (u64)packet->octet[14] << 8 | packet->octet[15]);
	if (w->trace) {
		fprintf(w->trace, "; #%llu\n", (unsigned long long)number);
		packet_print(w, packet, "sends");
	}
	if (w->cut[packet->src][packet->dst]) {
		w->tally->did[DID_TO_CUT]++;
		world_trouble(w, packet->src, packet->dst, w->t);
		return;
	}
	if (too_big(w, packet))
		world_trouble(w, packet->src, packet->dst, w->t);
	else
		apply_fate(w, packet, &fate);
}

/* After each call of a host: take what it sent, and see when it wants to wake up. */
static void settle(struct world *w, u32 h)
{
	struct host *host = &w->host[h];
	u64 deadline;
	u32 i;

	if (host->broken)
		world_broken(w, host->broken, "on host %u", h);
	if (host->lost) {
		for (i = 0; i < w->hosts; i++)
			world_trouble(w, h, i, w->t);
		host->lost = 0;
	}
	for (i = 0; i < host->n_out; i++)
		transmit(w, &host->out[i]);
	host->n_out = 0;
	deadline = host_deadline(host);
	w->timer[h] = true_time(w, h, deadline);
	if (deadline != TERN_NEVER && w->timer[h] != TERN_NEVER)
		w->timer[h] += w->is[h].slack;
}

/* rfc6528; the key is part of the two numbers. */
static tern_seq iss_of(const struct world *w, u32 h, u16 lport, u32 raddr, u16 rport)
{
	u32 hash = ((u32)lport << 16 | rport) * 2654435761u ^ raddr * 40503u ^ h * 2246822519u;
	u32 spread = w->is[h].iss_spread;

	hash = (hash ^ hash >> 15) * 2246822519u;
	hash ^= hash >> 13;
	return tern_iss(world_clock(w, h), w->is[h].iss_base + (spread ? hash % spread : 0));
}

static struct host *host_at_work(struct world *w, u32 h)
{
	w->host[h].now = world_clock(w, h);
	return &w->host[h];
}

static void deliver(struct world *w, const struct host_packet *packet)
{
	struct host *host = host_at_work(w, packet->dst);
	const u8 *octet = packet->octet;
	u32 names = host->last_name;

	if (w->trace)
		packet_print(w, packet, "gets");
	if (w->is[packet->dst].down) {
		w->tally->did[DID_TO_DOWN]++;
		world_trouble(w, packet->src, packet->dst, w->t);
		return;
	}
	if (packet->len == ICMP_LEN) {
		host_mtu(host, packet->src, (u16)(octet[0] << 8 | octet[1]));
		settle(w, packet->dst);
		return;
	}
	if (packet->len >= TERN_HDR_LEN)
		host->iss = iss_of(w, packet->dst, (u16)(octet[2] << 8 | octet[3]),
				   packet->src, (u16)(octet[0] << 8 | octet[1]));
	host_packet(host, packet);
	if (packet->len >= TERN_HDR_LEN && (octet[13] & (TERN_SYN | TERN_ACK)) == TERN_SYN &&
	    !host->n_out && host->last_name == names) {
		/* no room for it */
		w->tally->did[DID_NO_ROOM]++;
		world_trouble(w, packet->src, packet->dst, w->t);
	}
	settle(w, packet->dst);
}

/* Events */

int world_socket(const struct world *w, u32 host, u64 label)
{
	if (label >= SIM_LABELS || w->label[label].host != host)
		return -1;
	return w->label[label].index - 1;
}

static void name_socket(struct world *w, u32 host, u64 label, int s)
{
	if (label >= SIM_LABELS || s < 0)
		return;
	w->label[label].host = (u8)host;
	w->label[label].index = (u8)(s + 1);
}

static u32 clamp32(u64 value)
{
	return value > 0xffffffff ? 0xffffffff : (u32)value;
}

static u8 clamp8(u64 value)
{
	return value > 255 ? 255 : (u8)value;
}

static u16 clamp16(u64 value, u16 most)
{
	return value > most ? most : (u16)value;
}

/* What the sysctls of a host say; true if @key is one of those that are counts or bits. */
static bool set_small(struct tern_config *cfg, u64 key, u64 value)
{
	switch (key) {
	case KEY_SACK:
		cfg->sack = value;
		return true;
	case KEY_TIMESTAMPS:
		cfg->timestamps = value;
		return true;
	case KEY_NODELAY:
		cfg->nodelay = value;
		return true;
	case KEY_KEEP_PROBES:
		cfg->keep_probes = clamp8(value);
		return true;
	case KEY_SYN_RETRIES:
		cfg->syn_retries = clamp8(value);
		return true;
	case KEY_SYNACK_RETRIES:
		cfg->synack_retries = clamp8(value);
		return true;
	case KEY_DATA_RETRIES:
		cfg->data_retries = clamp8(value);
		return true;
	case KEY_ORPHAN_RETRIES:
		cfg->orphan_retries = clamp8(value);
		return true;
	case KEY_RCV_BUF:
		cfg->rcv_buf = value < HOST_BUF ? (u32)value : HOST_BUF;
		return true;
	case KEY_MSS:
		cfg->mss = clamp16(value, HOST_MTU - TERN_HDR_MAX);
		return true;
	case KEY_PEER_MSS:
		cfg->peer_mss = clamp16(value, 65535);
		return true;
	default:
		return false;
	}
}

static void set(struct world *w, u32 h, u64 key, u64 value)
{
	struct tern_config *cfg = &w->host[h].cfg;

	if (set_small(cfg, key, value))
		return;
	switch (key) {
	case KEY_KEEP_IDLE:
		cfg->keep_idle = value;
		break;
	case KEY_KEEP_INTERVAL:
		cfg->keep_interval = value;
		break;
	case KEY_USER_TIMEOUT:
		cfg->user_timeout = value;
		break;
	case KEY_RTO_INITIAL:
		cfg->rto_initial = clamp32(value);
		break;
	case KEY_RTO_MIN:
		cfg->rto_min = clamp32(value);
		break;
	case KEY_RTO_MAX:
		cfg->rto_max = clamp32(value);
		break;
	case KEY_DELACK:
		cfg->delack = clamp32(value);
		break;
	case KEY_FIN_WAIT_2:
		cfg->fin_wait_2 = clamp32(value);
		break;
	case KEY_TS_OFFSET:
		cfg->ts_offset = clamp32(value);
		break;
	case KEY_TIME_WAIT:
		w->host[h].time_wait = value;
		break;
	case KEY_SLACK:
		w->is[h].slack = clamp32(value);
		break;
	case KEY_TWO_MESSAGES:
		w->host[h].two_messages = value;
		break;
	default:
		break;
	}
}

static void read_socket(struct world *w, u32 h, int s, u64 len)
{
	static u8 octet[HOST_BUF];
	const struct host_sock *sock = &w->host[h].sock[s];
	u32 pos = sock->read;
	u32 n;

	if (sock->kind != HOST_CONN)
		return;
	n = host_read(&w->host[h], s, octet, len < HOST_BUF ? (u32)len : HOST_BUF);
	ledger_read(w, h, s, octet, pos, n);
	w->tally->octets += n;
}

static struct life *life_of_socket(struct world *w, u32 h, int s)
{
	const struct host_sock *sock = &w->host[h].sock[s];

	return sock->kind == HOST_CONN ? ledger_life(w, h, sock->name) : NULL;
}

static void close_socket(struct world *w, u32 h, int s, bool hard)
{
	const struct host_sock *sock = &w->host[h].sock[s];
	struct life *life = life_of_socket(w, h, s);

	if (life) {
		life->aborted = !sock->over && (hard || sock->conn.rcv_held);
		life->left = !sock->eof || sock->conn.rcv_held;
	}
	if (hard)
		host_abort(&w->host[h], s);
	else
		host_close(&w->host[h], s);
}

/* What a user does with a socket that it has; @arg: without the label. */
static void use_socket(struct world *w, u32 h, const struct event *e, int s)
{
	struct host *host = &w->host[h];

	switch (e->verb) {
	case VERB_ACCEPT:
		name_socket(w, h, e->arg[1], host_accept(host, s));
		break;
	case VERB_WRITE:
		host_write(host, s, clamp16(e->arg[1], 65535));
		break;
	case VERB_READ:
		read_socket(w, h, s, e->arg[1]);
		break;
	case VERB_SHUTDOWN:
		host_shutdown(host, s);
		break;
	case VERB_CLOSE:
	case VERB_ABORT:
		close_socket(w, h, s, e->verb == VERB_ABORT);
		w->label[e->arg[0]].index = 0;
		break;
	case VERB_NODELAY:
		host_nodelay(host, s, e->arg[1]);
		break;
	case VERB_KEEPALIVE:
		host_keepalive(host, s, e->arg[1], e->arg[2], clamp8(e->arg[3]));
		break;
	case VERB_PATIENCE:
		host_user_timeout(host, s, e->arg[1]);
		break;
	case VERB_BUFFER:
		host_rcv_buf(host, s, clamp32(e->arg[1]));
		break;
	case VERB_FORGET:
		w->tally->did[DID_RANGES_FORGOTTEN] += host->sock[s].conn.n_ranges > 0;
		host_forget(host, s);
		break;
	default:
		break;
	}
}

/* What a user does that has no socket for it yet */
static void new_socket(struct world *w, u32 h, const struct event *e)
{
	struct host *host = &w->host[h];

	if (e->verb == VERB_LISTEN) {
		name_socket(w, h, e->arg[2],
			    host_listen(host, (u16)e->arg[0], clamp32(e->arg[1])));
		return;
	}
	host->iss = iss_of(w, h, (u16)e->arg[0], (u32)e->arg[1], (u16)e->arg[2]);
	name_socket(w, h, e->arg[3],
		    host_connect(host, (u16)e->arg[0], (u8)e->arg[1], (u16)e->arg[2]));
}

/* It comes back: as it was, later, or knowing nothing but its settings and its clock. */
static void up(struct world *w, u32 h, bool memory)
{
	struct tern_config cfg = w->host[h].cfg;
	u64 time_wait = w->host[h].time_wait;
	u32 last_name = w->host[h].last_name;
	bool two_messages = w->host[h].two_messages;
	u32 i;

	if (!w->is[h].down)
		return;
	w->is[h].down = false;
	if (memory)
		return;
	w->tally->did[DID_FORGOT]++;
	ledger_crash(w, h);
	host_init(&w->host[h], (u8)h, world_clock(w, h));
	w->host[h].cfg = cfg;
	w->host[h].time_wait = time_wait;
	w->host[h].last_name = last_name;
	w->host[h].two_messages = two_messages;
	for (i = 0; i < SIM_LABELS; i++) {
		if (w->label[i].host == h)
			w->label[i].index = 0;
	}
}

/* No loss, no delay but the ordinary one, from here on: when must it be over? */
static void fair(struct world *w)
{
	u64 longest = 0;
	u32 h;

	w->fair = true;
	w->fair_at = w->t;
	memset(w->cut, 0, sizeof(w->cut));
	for (h = 0; h < w->hosts; h++) {
		const struct host *host = &w->host[h];
		u64 patience = 4ull * host->cfg.rto_max + host->cfg.fin_wait_2 +
			       host->time_wait + host->cfg.keep_idle + 600 * SEC;

		up(w, h, true);
		longest = patience > longest ? patience : longest;
	}
	w->fair_limit = w->t + 2 * longest;
}

static void set_scene(struct world *w, const struct event *e)
{
	u32 h = e->host;

	switch (e->verb) {
	case VERB_HOSTS:
		w->hosts = (u32)e->arg[0];
		break;
	case VERB_CLOCK:
		if (w->t)
			break;
		w->is[h].offset = e->arg[0];
		w->is[h].ppm = (s64)e->arg[1];
		if (w->is[h].ppm < -900000 || w->is[h].ppm > 900000)
			w->is[h].ppm = 0;
		break;
	case VERB_ISS:
		w->is[h].iss_base = (u32)e->arg[0];
		w->is[h].iss_spread = (u32)e->arg[1];
		break;
	case VERB_DELAY:
		w->delay[h][e->arg[0]] = clamp32(e->arg[1]);
		break;
	case VERB_SET:
		set(w, h, e->arg[0], e->arg[1]);
		break;
	case VERB_CUT:
	case VERB_MEND:
		w->cut[h][e->arg[0]] = e->verb == VERB_CUT;
		break;
	case VERB_MTU:
		w->mtu[h][e->arg[0]] = clamp16(e->arg[1], 65535);
		break;
	case VERB_DOWN:
		w->is[h].down = true;
		break;
	case VERB_UP:
		up(w, h, e->arg[0]);
		break;
	case VERB_FAIR:
		fair(w);
		break;
	default:
		break;
	}
}

void world_do(struct world *w, const struct event *e)
{
	u32 h = e->host;
	int s;

	w->tally->verb[e->verb]++;
	remember(w, (u64)e->verb << 56 ^ e->at ^ e->arg[0] << 40);
	if (w->trace && !w->fair)
		event_print(w->trace, e);
	if (h >= w->hosts && e->verb != VERB_HOSTS)
		return;
	host_at_work(w, h);
	if (e->verb == VERB_WAKE) {
		if (!w->is[h].down)
			host_timeout(&w->host[h]);
	} else if (e->verb == VERB_LISTEN || e->verb == VERB_CONNECT) {
		if (!w->is[h].down && (e->verb == VERB_LISTEN || e->arg[1] < w->hosts))
			new_socket(w, h, e);
	} else if (e->verb >= VERB_ACCEPT && e->verb <= VERB_FORGET) {
		s = world_socket(w, h, e->arg[0]);
		if (s >= 0 && !w->is[h].down)
			use_socket(w, h, e, s);
	} else {
		set_scene(w, e);
	}
	settle(w, h);
}

/* Fair weather: everybody reads what there is, says goodbye and goes. */

static bool fair_connection(struct world *w, u32 h, int s)
{
	struct host_sock *sock = &w->host[h].sock[s];

	if (sock->conn.rcv_held) {
		read_socket(w, h, s, HOST_BUF);
		return true;
	}
	if (sock->over || (sock->eof && sock->conn.fin_queued)) {
		close_socket(w, h, s, false);
		return true;
	}
	if (sock->conn.state == TERN_ESTABLISHED || sock->conn.state == TERN_CLOSE_WAIT) {
		host_shutdown(&w->host[h], s);
		return true;
	}
	return false;
}

static void fair_users(struct world *w, u32 h)
{
	struct host *host = host_at_work(w, h);
	bool more = true;
	int s;

	while (more && !w->law) {
		more = false;
		for (s = 0; s < HOST_SOCKS; s++) {
			const struct host_sock *sock = &host->sock[s];
			bool did = false;

			if (sock->kind == HOST_LISTENER)
				did = host_accept(host, s) >= 0;
			else if (sock->kind == HOST_CONN && sock->user)
				did = fair_connection(w, h, s);
			if (did)
				settle(w, h);
			more |= did;
		}
	}
}

/* Nobody is left but listeners, and nothing is on its way to them. */
static bool only_listeners(const struct world *w)
{
	u32 h, s;

	if (w->n_flight)
		return false;
	for (h = 0; h < w->hosts; h++) {
		for (s = 0; s < HOST_SOCKS; s++) {
			u8 kind = w->host[h].sock[s].kind;

			if (kind != HOST_FREE && kind != HOST_LISTENER)
				return false;
		}
	}
	return true;
}

static void close_listeners(struct world *w)
{
	u32 h;
	int s;

	w->ending = true;
	for (h = 0; h < w->hosts; h++) {
		for (s = 0; s < HOST_SOCKS; s++) {
			if (w->host[h].sock[s].kind == HOST_LISTENER)
				host_close(host_at_work(w, h), s);
		}
		settle(w, h);
	}
}

/*
 * Nothing more will happen.  Who has closed and waits for the end of file of a peer that
 * is gone without a word may wait for ever (rfc9293#section-3.6), until its user goes,
 * too; nobody else may.
 */
static bool last_users_go(struct world *w)
{
	bool any = false;
	u32 h;
	int s;

	for (h = 0; h < w->hosts; h++) {
		for (s = 0; s < HOST_SOCKS; s++) {
			const struct host_sock *sock = &w->host[h].sock[s];

			if (sock->kind != HOST_CONN || !sock->user)
				continue;
			if (sock->conn.state != TERN_FIN_WAIT_2 || !ledger_lonely(w, h, s)) {
				world_broken(w, "nobody waits for ever",
					     "host %u: socket %u (%s)", h, sock->name,
					     tern_state_name(sock->conn.state));
				return false;
			}
			w->tally->did[DID_LONELY]++;
			host_at_work(w, h);
			close_socket(w, h, s, false);
			settle(w, h);
			any = true;
		}
	}
	return any;
}

static void check_released(struct world *w)
{
	u32 h, i;

	for (h = 0; h < w->hosts; h++) {
		const struct host *host = &w->host[h];

		for (i = 0; i < HOST_SOCKS; i++) {
			const struct host_sock *s = &host->sock[i];

			if (s->kind != HOST_FREE && s->kind != HOST_LISTENER)
				world_broken(w, "everything is released",
					     "host %u: socket %u (%s%s%s%s) is left", h,
					     s->name, tern_state_name(s->conn.state),
					     s->user ? ", with a user" : "",
					     s->queued ? ", queued" : "",
					     s->over ? ", over" : "");
		}
		for (i = 0; i < HOST_WAITS; i++) {
			if (host->wait[i].used)
				world_broken(w, "everything is released",
					     "host %u: a TIME_WAIT is left", h);
		}
		if (host_deadline(host) != TERN_NEVER)
			world_broken(w, "everything is released", "host %u: a deadline", h);
	}
}

/* The loop */

static u32 next_timer(const struct world *w)
{
	u32 first = 0;
	u32 h;

	for (h = 1; h < w->hosts; h++) {
		if (w->is[first].down || (!w->is[h].down && w->timer[h] < w->timer[first]))
			first = h;
	}
	return first;
}

static u64 next_event(const struct world *w)
{
	if (w->fair)
		return TERN_NEVER;
	if (w->weather)
		return w->weather->next;
	return w->cursor < w->script->n ? w->script->event[w->cursor].at : w->t;
}

/* Of what happens at the same time packets come first, then timers, then users. */
static bool step(struct world *w)
{
	u32 h = next_timer(w);
	u64 timer = w->is[h].down ? TERN_NEVER : w->timer[h];
	u64 packet = w->n_flight ? w->heap[0].at : TERN_NEVER;
	u64 event = next_event(w);

	if (packet == TERN_NEVER && timer == TERN_NEVER && event == TERN_NEVER)
		return false;
	w->steps++;
	if (packet <= timer && packet <= event) {
		struct flight flight = heap_take(w);

		w->t = flight.at > w->t ? flight.at : w->t;
		h = w->packet[flight.slot].dst;
		deliver(w, &w->packet[flight.slot]);
	} else if (timer <= event) {
		w->t = timer > w->t ? timer : w->t;
		host_timeout(host_at_work(w, h));
		settle(w, h);
	} else {
		w->t = event > w->t ? event : w->t;
		if (w->weather) {
			weather_tick(w);
		} else if (w->cursor < w->script->n) {
			world_do(w, &w->script->event[w->cursor++]);
			while (w->cursor < w->script->n &&
			       w->script->event[w->cursor].verb >= VERB_FATE)
				w->cursor++;
		} else {
			world_do(w, &(struct event){ .verb = VERB_FAIR, .at = w->t });
		}
		for (h = 0; w->fair && h < w->hosts; h++)
			fair_users(w, h);
		return true;
	}
	if (w->fair)
		fair_users(w, h);
	remember(w, w->t);
	return true;
}

static void run(struct world *w)
{
	u64 fair_steps = 0;

	while (!w->law && !w->full && (step(w) || last_users_go(w))) {
		if (!w->fair)
			continue;
		if (!w->ending && only_listeners(w))
			close_listeners(w);
		if (fair_steps++ > FAIR_STEPS)
			world_broken(w, "with a fair network everything ends",
				     "no end of packets and timers");
		else if (w->t > w->fair_limit)
			world_broken(w, "with a fair network everything ends",
				     "%llu s are not enough",
				     (unsigned long long)((w->t - w->fair_at) / SEC));
	}
	if (!w->law && !w->full) {
		check_released(w);
		ledger_end(w);
	}
	w->tally->runs++;
	w->tally->steps += w->steps;
	w->tally->virtual_us += w->t;
	if (w->fair && !w->law && w->t - w->fair_at > w->tally->fair_us_max)
		w->tally->fair_us_max = w->t - w->fair_at;
}

static void start(struct world *w, struct script *script)
{
	struct tally *tally = w->tally;
	FILE *trace = w->trace;
	u32 i, j;

	for (i = 0; i < SIM_HOSTS; i++) {
		for (j = 0; j < SIM_HOSTS; j++)
			free(w->fate[i][j]);
	}
	/* all but the packets and the sockets */
	memset(w->is, 0, sizeof(*w) - offsetof(struct world, is));
	for (i = 0; i < SIM_HOSTS; i++) {
		host_init(&w->host[i], (u8)i, 0);
		/* what idle turns on; none at all would say that everybody is gone */
		w->host[i].cfg.keep_interval = 75 * SEC;
		w->host[i].cfg.keep_probes = 9;
		w->timer[i] = TERN_NEVER;
		for (j = 0; j < SIM_HOSTS; j++)
			w->delay[i][j] = 10 * MSEC;
	}
	for (i = 0; i < SIM_FLIGHT; i++)
		w->spare[i] = i;
	w->t = 0;
	w->hosts = 2;
	w->tally = tally;
	w->trace = trace;
	w->script = script;
	ledger_watch(w);
}

void run_seed(struct world *w, u64 seed, struct script *script)
{
	script_clear(script);
	start(w, script);
	weather_start(w, seed);
	run(w);
	/* it would have gone on, had no law been broken */
	if (w->law && !w->fair)
		script_add(script, &(struct event){ .verb = VERB_FAIR, .at = w->t + 1 });
}

static int by_number(const void *a, const void *b)
{
	const struct event * const *x = a, * const *y = b;

	if ((*x)->at != (*y)->at)
		return (*x)->at < (*y)->at ? -1 : 1;
	return *x < *y ? -1 : *x > *y;
}

/* The fates of each direction by themselves */
static void sort_fates(struct world *w)
{
	struct script *script = w->script;
	u32 i, src, dst;

	for (src = 0; src < SIM_HOSTS; src++) {
		for (dst = 0; dst < SIM_HOSTS; dst++) {
			w->fate[src][dst] = calloc(script->n + 1, sizeof(struct event *));
			if (!w->fate[src][dst])
				abort();
		}
	}
	for (i = 0; i < script->n; i++) {
		struct event *e = &script->event[i];

		if (e->verb < VERB_FATE)
			continue;
		dst = (u32)e->arg[0];
		w->fate[e->host][dst][w->n_fates[e->host][dst]++] = e;
	}
	for (src = 0; src < SIM_HOSTS; src++) {
		for (dst = 0; dst < SIM_HOSTS; dst++)
			qsort(w->fate[src][dst], w->n_fates[src][dst],
			      sizeof(struct event *), by_number);
	}
}

void run_script(struct world *w, struct script *script)
{
	start(w, script);
	sort_fates(w);
	while (w->cursor < script->n && script->event[w->cursor].verb >= VERB_FATE)
		w->cursor++;
	run(w);
}
