// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzer "pair": two hosts, and between them an adversary that is the input.
 *
 * It chooses which packet in flight is delivered next, lost, duplicated, damaged, changed
 * (with a good checksum) or forged, what the users do and how time passes.  Then the
 * network is fair, the users close, and everything must end.  As long as nothing was
 * changed or forged, what is read is what was written.
 *
 * No packet lives longer than half of TIME_WAIT: the one thing that the protocol asks of
 * a network.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/host/host.h"

const char * const fuzz_name = "pair";

#define OPS_MAX 500
#define FLIGHT_MAX 64
#define ENDS_MAX 64
#define TIME_WAIT (60 * SEC)
#define LIFETIME (TIME_WAIT / 2)
/* What users write in all; with small segments, each octet costs packets */
#define WRITTEN_MAX 6000
#define WRITTEN_SMALL 400
/* Packets and timeouts until all has ended, once the network is fair, beside those that
 * octets need
 */
#define FAIR_MAX 3000
#define FAIR_OCTET 12
#define LISTENER_PORT 7
#define CLIENT_PORT 1000
#define OTHER_PORT 2000

/* One end of a connection that was, or is: what is known of it when it is gone */
struct one_end {
	u8 host;
	u16 lport;
	u16 rport;
	u32 name;
	tern_seq iss;
	tern_seq irs;
	u32 written;
	u32 read;
	bool eof;
	bool broken_off;	/* aborted, or abandoned by its user, or it ended in an error */
	bool gone;
};

struct flight {
	struct host_packet packet;
	u64 born;
};

static struct pair {
	struct host host[2];
	u64 skew[2];	/* how far the clock of each is ahead */
	u64 now;
	u32 base;	/* of the first connection's numbers */
	u32 step;
	u32 written;
	struct flight flight[FLIGHT_MAX];
	u32 n_flight;
	struct one_end end[ENDS_MAX];
	u32 n_ends;
	bool tampered;
	bool full;	/* more ends than are remembered */
} pair;

/* What becomes of the sockets */

static struct one_end *end_of(u8 host, u32 name)
{
	u32 i;

	for (i = 0; i < pair.n_ends; i++) {
		if (pair.end[i].host == host && pair.end[i].name == name)
			return &pair.end[i];
	}
	if (pair.n_ends == ENDS_MAX) {
		pair.full = true;
		return NULL;
	}
	memset(&pair.end[i], 0, sizeof(pair.end[i]));
	pair.end[i].host = host;
	pair.end[i].name = name;
	pair.n_ends++;
	return &pair.end[i];
}

/* The end at the other side of @e, or NULL */
static const struct one_end *peer_of(const struct one_end *e)
{
	u32 i;

	for (i = 0; i < pair.n_ends; i++) {
		const struct one_end *peer = &pair.end[i];

		if (peer->host != e->host && peer->iss == e->irs && peer->lport == e->rport &&
		    peer->rport == e->lport)
			return peer;
	}
	return NULL;
}

static void note_sock(u8 host, const struct host_sock *s)
{
	struct one_end *e;

	if (s->kind != HOST_CONN)
		return;
	e = end_of(host, s->name);
	if (!e)
		return;
	e->lport = s->lport;
	e->rport = s->rport;
	e->iss = s->conn.iss;
	e->irs = s->conn.irs;
	e->written = s->written;
	e->eof |= s->eof;
	if (s->over && s->conn.state == TERN_CLOSED && s->conn.error)
		e->broken_off = true;
	/* it was received; a user who is gone reads no more */
	if (!s->user && !s->queued)
		e->broken_off = true;
}

/* Take what was sent; see what has changed */
static void after(u8 host)
{
	struct host *h = &pair.host[host];
	u32 i;

	if (h->broken)
		fuzz_broken("host %u: %s", host, h->broken);
	for (i = 0; i < h->n_out; i++) {
		struct tern_seg seg;

		LAW(host_seg(&h->out[i], &seg), "what a host sends can be read");
		fuzz_show_seg(host ? "     <- sends" : "     -> sends", &seg, tern_seq_of(0),
			      tern_seq_of(0));
		if (pair.n_flight == FLIGHT_MAX)
			continue;
		pair.flight[pair.n_flight].packet = h->out[i];
		pair.flight[pair.n_flight++].born = pair.now;
	}
	h->n_out = 0;
	for (i = 0; i < HOST_SOCKS; i++)
		note_sock(host, &h->sock[i]);
}

/* The network */

static void remove_flight(u32 i)
{
	pair.n_flight--;
	memmove(&pair.flight[i], &pair.flight[i + 1],
		(pair.n_flight - i) * sizeof(pair.flight[0]));
}

static void set_clocks(void)
{
	/* numbers go on faster than octets are written (rfc9293#section-3.4.1) */
	u32 iss = pair.base + pair.step++ * 20000;
	u8 i;

	for (i = 0; i < 2; i++) {
		pair.host[i].now = pair.now + pair.skew[i];
		pair.host[i].iss = tern_seq_of(iss + i * 0x40000000u);
	}
}

static void deliver_one(u32 i)
{
	struct host_packet packet = pair.flight[i].packet;
	bool expired = pair.now - pair.flight[i].born > LIFETIME;

	fuzz_show("  deliver %u of %u to host %u%s", i, pair.n_flight, packet.dst,
		  expired ? ": expired" : "");
	remove_flight(i);
	if (expired)
		return;
	set_clocks();
	host_packet(&pair.host[packet.dst], &packet);
	after(packet.dst);
}

static u32 which(struct input *in, u8 op)
{
	return op & 128 ? input_u8(in) % pair.n_flight : 0;
}

static void duplicate_one(u32 i)
{
	fuzz_show("  duplicate %u", i);
	if (pair.n_flight < FLIGHT_MAX)
		pair.flight[pair.n_flight++] = pair.flight[i];
}

/* The checksum field, so that it is good */
static void seal(struct host_packet *packet)
{
	u16 sum;

	packet->octet[TERN_CSUM_OFFSET] = 0;
	packet->octet[TERN_CSUM_OFFSET + 1] = 0;
	sum = tern_csum_fold(tern_csum_add(0, packet->octet, packet->len));
	packet->octet[TERN_CSUM_OFFSET] = (u8)(sum >> 8);
	packet->octet[TERN_CSUM_OFFSET + 1] = (u8)sum;
}

/* An octet of the header is another one: unseen by the checksum only if it is meant to */
static void change(struct input *in, u32 i, bool sealed)
{
	struct host_packet *packet = &pair.flight[i].packet;
	u32 at = input_u8(in) % packet->len;
	u8 by = input_u8(in);

	fuzz_show("  %s octet %u of %u by 0x%x", sealed ? "change" : "damage", at, i, by);
	packet->octet[at] ^= by;
	if (sealed) {
		seal(packet);
		pair.tampered = true;
	}
}

/* What an attacker who knows the four numbers and something of the rest might send */
static void forge(struct input *in)
{
	u8 dst = input_u8(in) & 1, flags = input_u8(in) & 0x1f, which_sock = input_u8(in);
	const struct host_sock *s = &pair.host[dst].sock[which_sock % HOST_SOCKS];
	struct tern_seg seg;
	struct flight *f;

	if (pair.n_flight == FLIGHT_MAX)
		return;
	memset(&seg, 0, sizeof(seg));
	seg.sport = s->rport ? s->rport : CLIENT_PORT;
	seg.dport = s->lport ? s->lport : LISTENER_PORT;
	seg.seq = tern_seq_add(s->conn.rcv_nxt, which_sock & 128 ? input_u32(in) : input_u8(in));
	seg.flags = flags;
	if (flags & TERN_ACK)
		seg.ack = tern_seq_add(s->conn.snd_max,
				       which_sock & 64 ? input_u32(in) : 0u - input_u8(in));
	seg.wnd = input_u16(in);
	seg.len = which_sock & 32 ? input_u8(in) : 0;
	seg.has_ts = s->conn.ts_ok && !(which_sock & 16);
	seg.tsval = s->conn.ts_recent;
	f = &pair.flight[pair.n_flight++];
	f->born = pair.now;
	f->packet.src = !dst;
	f->packet.dst = dst;
	f->packet.len = (u16)(tern_build_len(&seg) + seg.len);
	memset(f->packet.octet, 'x', f->packet.len);
	tern_build(&seg, f->packet.octet);
	seal(&f->packet);
	pair.tampered = true;
	fuzz_show_seg("forge", &seg, tern_seq_of(0), tern_seq_of(0));
}

/* Time */

static u64 next_deadline(void)
{
	u64 next = TERN_NEVER;
	u32 i;

	for (i = 0; i < 2; i++) {
		u64 deadline = host_deadline(&pair.host[i]);

		if (deadline != TERN_NEVER && deadline - pair.skew[i] < next)
			next = deadline - pair.skew[i];
	}
	return next;
}

static void serve(void)
{
	u8 i;

	set_clocks();
	for (i = 0; i < 2; i++) {
		host_timeout(&pair.host[i]);
		after(i);
	}
}

static void time_passes(struct input *in, bool to_deadline)
{
	static const u64 some[] = { 1 * MSEC, 10 * MSEC, 40 * MSEC, 200 * MSEC, 1 * SEC, 3 * SEC,
				    29 * SEC, 61 * SEC };
	u64 next = next_deadline();

	if (to_deadline && next != TERN_NEVER)
		pair.now = next > pair.now ? next : pair.now;
	else
		pair.now += some[input_u8(in) % ARRAY_SIZE(some)];
	fuzz_show("  time %llu us", (unsigned long long)pair.now);
	serve();
}

/* The users */

static void read_some(u8 host, int s, u32 len)
{
	struct host_sock *sock = &pair.host[host].sock[s];
	const struct one_end *peer;
	struct one_end *e;
	u8 octets[HOST_BUF];
	u32 i, from = sock->read, n;

	if (sock->kind != HOST_CONN || !sock->user)
		return;
	e = end_of(host, sock->name);
	n = host_read(&pair.host[host], s, octets, tern_min(len, HOST_BUF));
	fuzz_show("  host %u socket %d reads %u", host, s, n);
	after(host);
	if (!e || !n)
		return;
	e->read += n;
	peer = peer_of(e);
	if (pair.tampered)
		return;
	LAW(peer || pair.full, "what is read was written by somebody");
	if (!peer)
		return;
	LAW(e->read <= peer->written, "no more is read than was written");
	for (i = 0; i < n; i++)
		LAW(octets[i] == host_octet(peer->host, peer->name, from + i),
		    "every octet that is read is the one that was written");
}

static void accept_all(u8 host)
{
	int i;

	for (i = 0; i < HOST_SOCKS; i++) {
		int s = host_accept(&pair.host[host], i);

		if (s < 0)
			continue;
		fuzz_show("  host %u accepts %d", host, s);
		after(host);
	}
}

static void break_off(u8 host, int s)
{
	struct host_sock *sock = &pair.host[host].sock[s];
	struct one_end *e = sock->kind == HOST_CONN ? end_of(host, sock->name) : NULL;

	if (e)
		e->broken_off = true;
}

static void write_some(u8 host, int s, u32 len)
{
	const struct tern_config *a = &pair.host[0].cfg, *b = &pair.host[1].cfg;
	bool small = tern_min(a->mss, b->mss) < 100 || tern_min(a->rcv_buf, b->rcv_buf) < 100;
	u32 most = small ? WRITTEN_SMALL : WRITTEN_MAX;

	len = tern_min(len, most - pair.written);
	len = host_write(&pair.host[host], s, len);
	fuzz_show("  host %u socket %d writes %u", host, s, len);
	pair.written += len;
	after(host);
}

static void tune(struct input *in, struct host *h, int s)
{
	u8 kind = input_u8(in);

	switch (kind & 7) {
	case 0:
		host_nodelay(h, s, kind & 8);
		break;
	case 1:
		host_keepalive(h, s, (kind >> 3) * SEC, SEC, kind >> 6);
		break;
	case 2:
		host_user_timeout(h, s, (kind >> 3) * 100 * MSEC);
		break;
	case 3:
		host_rcv_buf(h, s, 100u * (kind >> 3) + 100);
		break;
	case 4:
		host_mtu(h, !h->addr, 20u + (kind >> 3) * 8);
		break;
	default:
		host_forget(h, s);
		break;
	}
}

static void user(struct input *in, u8 op)
{
	u8 kind = input_u8(in), host = op >> 5 & 1;
	int s = kind >> 4 & 3;
	struct host *h = &pair.host[host];

	set_clocks();
	fuzz_show("  host %u socket %d: call %u", host, s, kind & 7);
	switch (kind & 7) {
	case 0:
		host_connect(h, CLIENT_PORT, !host, LISTENER_PORT);
		break;
	case 1: /* both do it: a simultaneous open */
		host_connect(h, host ? OTHER_PORT : CLIENT_PORT, !host,
			     host ? CLIENT_PORT : OTHER_PORT);
		break;
	case 2:
		host_shutdown(h, s);
		break;
	case 3: /* not the listener */
		if (h->sock[s].kind != HOST_CONN)
			return;
		break_off(host, s);
		host_close(h, s);
		break;
	case 4:
		break_off(host, s);
		host_abort(h, s);
		break;
	case 5:
		accept_all(host);
		break;
	case 6:
		tune(in, h, s);
		break;
	default:
		write_some(host, s, input_u8(in));
		break;
	}
	after(host);
}

static void operation(struct input *in)
{
	u8 op = input_u8(in), host = op >> 5 & 1;
	u32 i;

	set_clocks();
	switch (op & 15) {
	case 7:
		if (pair.n_flight)
			duplicate_one(which(in, op));
		break;
	case 8:
		if (pair.n_flight && op & 64)
			forge(in);
		else if (pair.n_flight)
			change(in, which(in, op), op & 16);
		break;
	case 9:
		if (!pair.n_flight)
			break;
		i = which(in, op);
		fuzz_show("  lose %u", i);
		remove_flight(i);
		break;
	case 10:
		time_passes(in, true);
		break;
	case 11:
		time_passes(in, false);
		break;
	case 12:
		write_some(host, op >> 6, input_u16(in) & 0x3fff);
		break;
	case 13:
		read_some(host, op >> 6, input_u16(in));
		break;
	case 14:
	case 15:
		user(in, op);
		break;
	default:
		if (pair.n_flight)
			deliver_one(which(in, op));
		break;
	}
}

/* The fair network, and users who come to an end */

static void finish_sock(u8 host, int s)
{
	struct host_sock *sock = &pair.host[host].sock[s];
	struct one_end *e;

	if (sock->kind != HOST_CONN || !sock->user)
		return;
	read_some(host, s, HOST_BUF);
	if (!sock->over) {
		host_shutdown(&pair.host[host], s);
		after(host);
	}
	if (!sock->over)
		return;
	e = end_of(host, sock->name);
	host_close(&pair.host[host], s);
	if (e)
		e->gone = true;
	after(host);
}

static bool all_ended(void)
{
	u32 i;

	for (i = 0; i < 2 * HOST_SOCKS; i++) {
		u8 kind = pair.host[i / HOST_SOCKS].sock[i % HOST_SOCKS].kind;

		if (kind == HOST_CONN || kind == HOST_REQUEST)
			return false;
	}
	for (i = 0; i < 2 * HOST_WAITS; i++) {
		if (pair.host[i / HOST_WAITS].wait[i % HOST_WAITS].used)
			return false;
	}
	return !pair.n_flight;
}

/*
 * Nothing is under way and no timer runs.  That may be only where one end has gone without
 * a word: the other's user, in FIN_WAIT_2, waits in vain and at last closes.
 */
static void give_up(void)
{
	bool excuse = false;
	u32 i;

	for (i = 0; i < pair.n_ends; i++)
		excuse |= pair.end[i].broken_off;
	LAW(excuse || pair.full || pair.tampered, "nobody waits for ever without a timer");
	for (i = 0; i < 2 * HOST_SOCKS; i++) {
		u8 host = (u8)(i / HOST_SOCKS);
		int s = i % HOST_SOCKS;

		if (pair.host[host].sock[s].kind != HOST_CONN)
			continue;
		break_off(host, s);
		host_close(&pair.host[host], s);
		after(host);
	}
}

static void be_fair(void)
{
	u64 next;
	u32 n;
	int i;

	fuzz_show("-- the network is fair, the users close");
	for (n = 0; !all_ended(); n++) {
		LAW(n < FAIR_MAX + FAIR_OCTET * pair.written, "in a fair network everything ends");
		set_clocks();
		for (i = 0; i < HOST_SOCKS; i++) {
			accept_all(0);
			accept_all(1);
			finish_sock(0, i);
			finish_sock(1, i);
		}
		if (pair.n_flight) {
			deliver_one(0);
			continue;
		}
		if (all_ended())
			break;
		next = next_deadline();
		if (next == TERN_NEVER) {
			give_up();
			continue;
		}
		pair.now = next > pair.now ? next : pair.now;
		fuzz_show("  time %llu us", (unsigned long long)pair.now);
		serve();
	}
}

/* Who was not broken off, and whose peer was not, has read all. */
static void must_have_read_all(void)
{
	u32 i;

	for (i = 0; i < pair.n_ends; i++) {
		const struct one_end *e = &pair.end[i], *peer = peer_of(e);

		if (!peer || peer->irs != e->iss || e->broken_off || peer->broken_off)
			continue;
		LAW(e->gone && e->eof, "who is not broken off reads to the end");
		LAW(e->read == peer->written, "all that was written is read");
	}
}

static struct tern_config pick_config(struct input *in)
{
	static const u16 mss[] = { 200, 100, 20, 1 };
	static const u32 buf[] = { HOST_BUF, HOST_BUF / 4, 500, 1 };
	u8 bits = input_u8(in), more = input_u8(in);
	struct tern_config cfg = host_config();

	cfg.sack = !(bits & 1);
	cfg.timestamps = !(bits & 2);
	cfg.nodelay = bits & 4;
	if (bits & 8)
		cfg.delack = 0;
	cfg.mss = mss[bits >> 4 & 3];
	cfg.rcv_buf = buf[bits >> 6];
	cfg.data_retries = 4 + (more & 7);
	cfg.syn_retries = 1 + (more >> 3 & 3);
	cfg.synack_retries = 1 + (more >> 3 & 3);
	cfg.orphan_retries = more >> 5 & 1;
	if (more & 64)
		cfg.keep_idle = 5 * SEC;
	cfg.keep_interval = 1 * SEC;
	cfg.keep_probes = 2;
	if (more & 128)
		cfg.user_timeout = 2 * SEC;
	return cfg;
}

static void run(struct input in, u32 base)
{
	u32 ops;
	u8 i;

	fuzz_show("world: iss 0x%x", base);
	pair.now = 5000000000ull;
	pair.written = 0;
	pair.n_flight = 0;
	pair.n_ends = 0;
	pair.tampered = false;
	pair.full = false;
	pair.base = base;
	pair.step = 0;
	for (i = 0; i < 2; i++) {
		pair.skew[i] = i * 123456789ull;
		host_init(&pair.host[i], i, pair.now + pair.skew[i]);
		pair.host[i].time_wait = TIME_WAIT;
		pair.host[i].cfg = pick_config(&in);
	}
	host_listen(&pair.host[1], LISTENER_PORT, 2);
	set_clocks();
	host_connect(&pair.host[0], CLIENT_PORT, 1, LISTENER_PORT);
	after(0);
	for (ops = 0; ops < OPS_MAX && !input_end(&in); ops++)
		operation(&in);
	be_fair();
	if (!pair.tampered && !pair.full)
		must_have_read_all();
}

int fuzz_one_input(const u8 *data, size_t size)
{
	static const u32 bases[] = { 1000, 0xffffffc0, 0x7fffffc0, 0xbfffffc0, 0x3fffffc0 };
	struct input in = { data, size, 0 };
	u32 n = ARRAY_SIZE(bases);
	u32 base = input_u8(&in) % n, i;

	/*
	 * Not that it comes out the same: a RST for what has no ACK has the sequence number
	 * 0 (rfc9293#section-3.10.7.1), which may lie in a window or not.
	 */
	for (i = 0; i < (fuzz_thorough ? n : 1); i++)
		run(in, bases[(base + i) % n]);
	return 0;
}
