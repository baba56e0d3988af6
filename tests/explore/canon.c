// SPDX-License-Identifier: GPL-2.0
/*
 * What of a state can influence the future, as 128 bits.
 *
 * Numbers are relative: a generation is its rank among those that something still
 * refers to, a sequence number its generation and its distance from the first one, a
 * deadline is set or not.  What is left out of a connection, and why nothing can
 * depend on it:
 *
 *	cfg			the same in all connections of a world
 *	srtt, rttvar, rto, rtt_*	rto is clamped between two equal bounds
 *	last_sent, last_rcv, stalled	no time passes, no keep-alive, no user timeout
 *	oow_acked		no time passes since: each bare segment is answered
 *	rexmits_total		a counter for people
 *	snd_psh			the end of the last write is snd_end
 *	cwnd, ssthresh beyond CWND_FREE	more than all octets of a world: no limit
 *	probes beyond @tries	that many are too many; who never gives up counts none
 *	dupacks beyond 4	three are told from fewer and from more
 *	recover below snd_una	only that it is below counts
 *	rcv_acked		but that the SYN-ACK of a simultaneous open was sent
 *	error			only once CLOSED
 *	peer_mss, snd_mss	the same in all connections of a world
 *	edge, edge_known	the right edge that was told is rcv_adv
 *	written, released, read	snd_end, snd_una, rcv_nxt and rcv_held say it
 *	snd_rxt, snd_rescue, recent, sacked	without SACK
 *	buf			the octets are checked when they come: known by position
 *	PSH			no receiver looks at it
 *
 * A connection that is over has only its user, and what he can still read.  tests:
 * `explore --masks` compares what follows from states that hash alike.
 */
#include <string.h>

#include "tests/explore/explore.h"

#define WORDS 512
#define CWND_FREE 5

struct canon {
	const struct world *w;
	u32 word[WORDS];
	u32 n;
	u16 gens[HOSTS][PASTS];
	u32 n_gens[HOSTS];
};

static u64 mix(u64 a, u64 b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (u64)product ^ (u64)(product >> 64);
}

static struct hash hash_words(const u32 *word, u32 n)
{
	struct hash h = { 0x9e3779b97f4a7c15ull ^ n, 0xc2b2ae3d27d4eb4full + n };
	u32 i;

	for (i = 0; i < n; i += 2) {
		u64 x = word[i] | (i + 1 < n ? (u64)word[i + 1] << 32 : 0);

		h.a = mix(h.a ^ x, 0xa0761d6478bd642full);
		h.b = mix(h.b ^ (x << 31 | x >> 33), 0xe7037ed1a0b428dbull) + h.b;
	}
	h.a = mix(h.a ^ 0x8ebc6af09c88c6e3ull, h.b ^ 0x589965cc75374cc3ull) ^ h.a;
	h.b = mix(h.b, 0x1d8e4e27c47d124full) ^ h.b;
	return h;
}

static void put(struct canon *c, u32 word)
{
	if (c->n < WORDS)
		c->word[c->n++] = word;
}

static void put_hash(struct canon *c, struct hash h)
{
	put(c, (u32)h.a);
	put(c, (u32)(h.a >> 32));
	put(c, (u32)h.b);
	put(c, (u32)(h.b >> 32));
}

static u32 rank(const struct canon *c, u8 space, u16 gen)
{
	u32 i;

	for (i = 0; i < c->n_gens[space] && c->gens[space][i] != gen; i++)
		;
	return i < c->n_gens[space] ? i : 0xff;
}

/* @seq of the numbers that host @space counts with */
static void put_seq(struct canon *c, u8 space, tern_seq seq)
{
	u16 gen = state_gen(c->w, space, seq);

	put(c, rank(c, space, gen) << 24 |
	       (tern_seq_dist(state_iss(c->w, space, gen), seq) & 0xffffff));
}

/* Which generations are referred to? */

static void note_gen(u16 *gens, u32 *n, u16 gen)
{
	u32 i, j;

	for (i = 0; i < *n && gens[i] < gen; i++)
		;
	if ((i < *n && gens[i] == gen) || *n == PASTS)
		return;
	for (j = (*n)++; j > i; j--)
		gens[j] = gens[j - 1];
	gens[i] = gen;
}

/* Does the packet have a number of its sender's? */
static bool has_seq(const struct tern_seg *seg)
{
	return tern_seq_bits(seg->seq) || !(seg->flags & TERN_RST);
}

u32 canon_gens(const struct world *w, const struct state *st, u8 host, u16 *gens)
{
	u32 n = 0, i, side;

	for (i = 0; i < st->n_net; i++) {
		struct tern_seg seg;

		host_seg(&st->net[i], &seg);
		if (st->net[i].src == host && has_seq(&seg))
			note_gen(gens, &n, state_gen(w, host, seg.seq));
		if (st->net[i].src != host && seg.flags & TERN_ACK)
			note_gen(gens, &n, state_gen(w, host, seg.ack));
	}
	for (side = 0; side < HOSTS; side++) {
		const struct host *h = &st->host[side];
		bool own = side == host;

		for (i = 0; i < HOST_SOCKS; i++) {
			const struct host_sock *s = &h->sock[i];

			if (s->kind == HOST_REQUEST)
				note_gen(gens, &n,
					 state_gen(w, host, own ? s->req.iss : s->req.irs));
			else if (s->kind == HOST_CONN && !s->over &&
				 (own || s->conn.state != TERN_SYN_SENT))
				note_gen(gens, &n,
					 state_gen(w, host, own ? s->conn.iss : s->conn.irs));
		}
		if (h->wait[0].used)
			note_gen(gens, &n, state_gen(w, host, own ? h->wait[0].tw.snd_nxt :
						     h->wait[0].tw.rcv_nxt));
	}
	return n;
}

/* A connection */

static u32 least(u32 a, u32 b)
{
	return a < b ? a : b;
}

static void put_send(struct canon *c, u8 host, const struct tern_conn *conn)
{
	bool below = tern_seq_lt(conn->recover, conn->snd_una);
	u32 i;

	put_seq(c, host, conn->iss);
	put_seq(c, host, conn->snd_una);
	put_seq(c, host, conn->snd_nxt);
	put_seq(c, host, conn->snd_max);
	put_seq(c, host, conn->snd_end);
	put_seq(c, host, conn->snd_wl2);
	put_seq(c, host, below ? conn->iss : conn->recover);
	put(c, conn->snd_wnd);
	put(c, conn->snd_wnd_max);
	put(c, least(conn->cwnd, CWND_FREE) << 16 | least(conn->ssthresh, CWND_FREE));
	put(c, conn->rexmits | least(conn->probes, c->w->tries) << 8 |
	       least(conn->dupacks, 4) << 16 | (u32)below << 24);
	if (!conn->sack_ok)
		return;
	put_seq(c, host, conn->snd_rxt);
	put_seq(c, host, conn->snd_rescue);
	put(c, conn->n_sacked);
	for (i = 0; i < conn->n_sacked; i++) {
		put_seq(c, host, conn->sacked[i].start);
		put_seq(c, host, conn->sacked[i].end);
	}
}

static void put_receive(struct canon *c, u8 peer, const struct tern_conn *conn)
{
	u32 i;

	put(c, tern_seq_dist(conn->rcv_nxt, conn->rcv_adv));
	if (conn->state == TERN_SYN_SENT)
		return;
	put_seq(c, peer, conn->irs);
	put_seq(c, peer, conn->rcv_nxt);
	put_seq(c, peer, conn->snd_wl1);
	put(c, conn->rcv_held | (u32)(!conn->syn_acked && conn->rcv_acked == conn->irs) << 16 |
	       (u32)conn->n_ranges << 17);
	for (i = 0; i < conn->n_ranges; i++) {
		put_seq(c, peer, conn->range[i].start);
		put_seq(c, peer, conn->range[i].end);
	}
	if (conn->fin_seen)
		put_seq(c, peer, conn->rcv_fin);
	if (!conn->sack_ok || !conn->n_ranges)
		return;
	put(c, conn->n_recent);
	for (i = 0; i < conn->n_recent; i++)
		put_seq(c, peer, conn->recent[i]);
}

static void put_conn(struct canon *c, u8 host, const struct tern_conn *conn)
{
	u32 set = 0, t;

	for (t = 0; t < TERN_TIMERS; t++)
		set |= (u32)(conn->deadline[t] != TERN_NEVER) << t;
	put(c, conn->state | set << 8 | least(conn->delack_segs, 2) << 16 |
	       (u32)conn->sack_ok << 18);
	put(c, conn->ack_now | conn->fin_queued << 1 | conn->fin_seen << 2 |
	       conn->passive << 3 | conn->orphan << 4 | conn->rst_due << 5 |
	       conn->in_recovery << 6 | conn->rexmit_head << 7 | conn->force << 8 |
	       conn->syn_acked << 9);
	put_send(c, host, conn);
	put_receive(c, !host, conn);
}

static void put_sock(struct canon *c, u8 host, const struct host_sock *s, u8 mate)
{
	put(c, s->kind | (u32)s->user << 8 | (u32)s->queued << 9 | (u32)s->over << 10 |
	       (u32)s->eof << 11 | (u32)mate << 16);
	if (s->kind == HOST_REQUEST) {
		put_seq(c, host, s->req.iss);
		put_seq(c, !host, s->req.irs);
		put(c, s->req.snd_wnd);
		put(c, s->req.rexmits | (u32)s->req.sent << 8 | (u32)s->req.sack_ok << 9 |
		       (u32)(s->req.deadline != TERN_NEVER) << 10);
	} else if (s->kind == HOST_CONN && s->over) {
		put(c, s->conn.rcv_held);
	} else if (s->kind == HOST_CONN) {
		put_conn(c, host, &s->conn);
	}
}

/* Sockets in the order of their age: which slot one has does not matter. */
static void put_host(struct canon *c, const struct state *st, u8 host)
{
	const struct host *h = &st->host[host];
	u32 order[HOST_SOCKS], n = 0, i, j;

	for (i = 0; i < HOST_SOCKS; i++) {
		if (h->sock[i].kind == HOST_FREE)
			continue;
		for (j = n++; j && h->sock[order[j - 1]].name > h->sock[i].name; j--)
			order[j] = order[j - 1];
		order[j] = i;
	}
	put(c, n | (u32)st->opened[host] << 8 | (u32)st->crashed[host] << 16);
	/* a listener has no name worth an order */
	for (i = 0; i < n; i++) {
		if (h->sock[order[i]].kind == HOST_LISTENER)
			put(c, HOST_LISTENER);
	}
	for (i = 0; i < n; i++) {
		if (h->sock[order[i]].kind != HOST_LISTENER)
			put_sock(c, host, &h->sock[order[i]], st->mate[host][order[i]]);
	}
	put(c, h->wait[0].used);
	if (h->wait[0].used) {
		put_seq(c, host, h->wait[0].tw.snd_nxt);
		put_seq(c, !host, h->wait[0].tw.rcv_nxt);
		put(c, h->wait[0].tw.rcv_wnd);
	}
}

static struct hash packet_hash(struct canon *c, const struct host_packet *packet)
{
	u32 begin = c->n, i;
	struct tern_seg seg;
	struct hash h;

	host_seg(packet, &seg);
	put(c, packet->src | (u32)(seg.flags & ~TERN_PSH) << 8 | (u32)seg.n_sack << 16 |
	       (u32)seg.sack_permitted << 24);
	if (has_seq(&seg))
		put_seq(c, packet->src, seg.seq);
	if (seg.flags & TERN_ACK)
		put_seq(c, packet->dst, seg.ack);
	put(c, seg.wnd);
	put(c, seg.len);
	/* whose octets they are its number tells, unless all have the same */
	for (i = 0; i < seg.len && c->w->same_iss; i++)
		put(c, packet->octet[seg.hlen + i]);
	for (i = 0; i < seg.n_sack; i++) {
		put_seq(c, packet->dst, seg.sack[i].start);
		put_seq(c, packet->dst, seg.sack[i].end);
	}
	h = hash_words(c->word + begin, c->n - begin);
	c->n = begin;
	return h;
}

static void put_net(struct canon *c, const struct state *st)
{
	struct hash h[NET_MAX];
	u32 i, j;

	for (i = 0; i < st->n_net; i++) {
		struct hash one = packet_hash(c, &st->net[i]);

		for (j = i; j && h[j - 1].a > one.a; j--)
			h[j] = h[j - 1];
		h[j] = one;
	}
	put(c, st->n_net);
	for (i = 0; i < st->n_net; i++)
		put_hash(c, h[i]);
}

static void put_past(struct canon *c, const struct state *st, u8 host)
{
	u32 i, j;

	/* in the order of their ranks, which is that of the generations */
	for (i = 0; i < c->n_gens[host]; i++) {
		for (j = 0; j < st->n_past[host]; j++) {
			const struct past *past = &st->past[host][j];

			if (past->gen != c->gens[host][i])
				continue;
			put(c, i | (u32)past->written << 8 | (u32)past->fin << 16);
			put(c, past->irs == NO_GEN ? 0xfe : rank(c, !host, past->irs));
		}
	}
}

struct hash canon_hash(const struct world *w, const struct state *st)
{
	struct canon c;
	u8 host;

	c.w = w;
	c.n = 0;
	for (host = 0; host < HOSTS; host++)
		c.n_gens[host] = canon_gens(w, st, host, c.gens[host]);
	for (host = 0; host < HOSTS; host++) {
		put_host(&c, st, host);
		if (!w->same_iss)
			put_past(&c, st, host);
	}
	put_net(&c, st);
	put(&c, st->ghost);
	return hash_words(c.word, c.n);
}
