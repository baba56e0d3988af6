// SPDX-License-Identifier: GPL-2.0
/*
 * The ledger: every socket that there was, and what can be said only by one who sees
 * both ends.  It watches the hosts through the hooks of tests/host/host.h.
 */
#include <string.h>

#include "core/internal.h"
#include "tests/sim/sim.h"

static struct world *watched;

void ledger_watch(struct world *w)
{
	watched = w;
}

struct life *ledger_life(struct world *w, u32 host, u32 name)
{
	if (name >= SIM_NAMES) {
		w->full = true;
		name = 0;
	}
	return &w->life[host][name];
}

/* Which one, for a report */
#define LIFE_FORMAT "socket %u:%u (to %u:%u, %s)"
#define LIFE_ARGS(h, life) \
	(h), (life)->name, (life)->raddr, (life)->rport, \
	(life)->irs_known ? "synchronised" : "alone"

static u16 octets16(const u8 *octet)
{
	return (u16)(octet[0] << 8 | octet[1]);
}

static tern_seq octets32(const u8 *octet)
{
	return tern_seq_of((u32)octet[0] << 24 | (u32)octet[1] << 16 |
			   (u32)octet[2] << 8 | octet[3]);
}

/*
 * Is a packet on its way, from an older connection of the same four numbers, that lies
 * in the sequence space of the one that begins with @iss, or acknowledges that?
 */
static bool haunted(const struct world *w, u32 h, const struct life *life)
{
	u32 i;

	for (i = 0; i < w->n_flight; i++) {
		const struct host_packet *p = &w->packet[w->heap[i].slot];
		const u8 *octet = p->octet;

		if (p->len < TERN_HDR_LEN)
			continue;
		if (p->src == h && p->dst == life->raddr && octets16(octet) == life->lport &&
		    octets16(octet + 2) == life->rport &&
		    tern_seq_lt(life->iss, tern_seq_add(octets32(octet + 4), p->len)))
			return true;
		if (p->dst == h && p->src == life->raddr && octets16(octet) == life->rport &&
		    octets16(octet + 2) == life->lport && octet[13] & TERN_ACK &&
		    tern_seq_lt(life->iss, octets32(octet + 8)))
			return true;
	}
	return false;
}

/* An older socket of the same four numbers, on this host? */
static bool reused(const struct world *w, u32 h, const struct life *life)
{
	u32 name;

	for (name = 1; name < life->name; name++) {
		const struct life *old = &w->life[h][name];

		if (old->name && old->raddr == life->raddr && old->lport == life->lport &&
		    old->rport == life->rport)
			return true;
	}
	return false;
}

/* A second socket with the numbers of the first: whoever knows that one looks again. */
static void forget_twins(struct world *w, u32 h, const struct life *life)
{
	u32 name;

	for (name = 1; name < SIM_NAMES && name <= w->host[life->raddr].last_name; name++) {
		struct life *other = &w->life[life->raddr][name];

		if (other->peer && other->raddr == h && other->irs == life->iss)
			other->peer = 0;
	}
}

/* In the place of one that was in TIME_WAIT: beyond all its numbers. */
static void check_reopened(struct world *w, const struct host *h, const struct life *life)
{
	u32 i;

	for (i = 0; i < HOST_WAITS; i++) {
		const struct host_wait *wait = &h->wait[i];

		if (wait->used && wait->raddr == life->raddr &&
		    wait->lport == life->lport && wait->rport == life->rport &&
		    !tern_seq_lt(wait->tw.snd_nxt, life->iss))
			world_broken(w, "who reopens begins beyond the old numbers",
				     LIFE_FORMAT, LIFE_ARGS(h->addr, life));
	}
}

static struct life *life_of(struct world *w, const struct host *h, const struct host_sock *s)
{
	struct life *life = ledger_life(w, h->addr, s->name);

	if (life->name == s->name || w->full)
		return life;
	life->name = s->name;
	life->raddr = s->raddr;
	life->lport = s->lport;
	life->rport = s->rport;
	life->iss = s->conn.iss;
	life->una = life->iss;
	life->sent = life->iss;
	life->una_at = w->t;
	life->rcv_at = w->t;
	life->excused = haunted(w, h->addr, life);
	w->tally->lives++;
	w->tally->did[DID_EXCUSED] += life->excused;
	w->tally->did[DID_REUSE] += reused(w, h->addr, life);
	forget_twins(w, h->addr, life);
	check_reopened(w, h, life);
	return life;
}

static bool are_peers(u32 h, const struct life *life, const struct life *other)
{
	return other->name && other->raddr == h && other->lport == life->rport &&
	       other->rport == life->lport && other->iss == life->irs;
}

/* The other end of a connection: the latest socket that has these numbers. */
static struct life *peer_of(struct world *w, u32 h, struct life *life)
{
	u32 name = w->host[life->raddr].last_name;

	if (life->peer)
		return &w->life[life->raddr][life->peer];
	if (!life->irs_known)
		return NULL;
	if (name >= SIM_NAMES)
		name = SIM_NAMES - 1;
	for (; name; name--) {
		struct life *other = &w->life[life->raddr][name];

		if (are_peers(h, life, other) &&
		    (!other->irs_known || other->irs == life->iss)) {
			life->peer = name;
			return other;
		}
	}
	return NULL;
}

/* Is it there, on its host, and not over? */
static bool alive(const struct world *w, u32 h, const struct life *life)
{
	u32 i;

	for (i = 0; i < HOST_SOCKS; i++) {
		const struct host_sock *s = &w->host[h].sock[i];

		if (s->kind != HOST_FREE && s->kind != HOST_LISTENER && !s->over &&
		    s->name == life->name)
			return true;
	}
	return false;
}

/* Segments */

static void check_window(struct world *w, u32 h, const struct life *life,
			 const struct life *peer, const struct tern_seg *seg)
{
	tern_seq end = tern_seq_add(seg->seq, seg->len);
	tern_seq edge = tern_seq_add(life->iss, 1 + peer->syn_wnd);

	if (peer->edge_known)
		edge = peer->edge;
	if (seg->len > 1 && tern_seq_lt(edge, end))
		world_broken(w, "segments stay in the window that the peer has told",
			     LIFE_FORMAT ": %u octets beyond", LIFE_ARGS(h, life),
			     tern_seq_dist(edge, end));
	if (seg->len == 1 && tern_seq_lt(edge, seg->seq))
		world_broken(w, "a probe asks at the window's edge",
			     LIFE_FORMAT, LIFE_ARGS(h, life));
	w->tally->did[DID_PROBE] += seg->len == 1 && end != edge && tern_seq_lt(edge, end);
}

/* A socket's RST: its user is gone, or it has given up. */
static void check_rst(struct world *w, const struct host *h, const struct host_sock *s,
		      const struct life *life)
{
	w->tally->did[DID_RST]++;
	if (s->user && s->conn.error != TERN_ERR_TIMEDOUT)
		world_broken(w, "RST only from who aborts, has left or gives up",
			     LIFE_FORMAT, LIFE_ARGS(h->addr, life));
}

/* A RST of no socket: there is none in a synchronised state. */
static void check_bare_rst(struct world *w, const struct host *h,
			   const struct host_packet *packet, const struct tern_seg *seg)
{
	u32 i;

	w->tally->did[DID_BARE_RST]++;
	for (i = 0; i < HOST_SOCKS; i++) {
		const struct host_sock *s = &h->sock[i];

		if (s->kind == HOST_CONN && !s->over && s->raddr == packet->dst &&
		    s->lport == seg->sport && s->rport == seg->dport &&
		    s->conn.state != TERN_SYN_SENT && s->conn.state != TERN_SYN_RECEIVED)
			world_broken(w, "no bare RST for a synchronised connection",
				     "host %u, port %u", h->addr, seg->sport);
		if (s->kind == HOST_LISTENER && s->lport == seg->sport &&
		    seg->flags & TERN_ACK)
			world_broken(w, "a listener refuses no SYN",
				     "host %u, port %u", h->addr, seg->sport);
	}
	for (i = 0; i < HOST_WAITS; i++) {
		const struct host_wait *wait = &h->wait[i];

		if (wait->used && wait->raddr == packet->dst && wait->lport == seg->sport &&
		    wait->rport == seg->dport)
			world_broken(w, "TIME_WAIT sends no RST", "host %u, port %u",
				     h->addr, seg->sport);
	}
}

static void note_sent(struct world *w, u32 h, struct life *life, const struct tern_seg *seg,
		      tern_seq una)
{
	u32 space = tern_seg_space(seg);
	tern_seq end = tern_seq_add(seg->seq, space);

	if (space && tern_seq_lt(life->sent, end)) {
		w->tally->did[DID_SEQ_WRAP] +=
			tern_seq_bits(end) < tern_seq_bits(life->sent);
		life->sent = end;
	}
	/* the oldest that waits for an answer, or a keep-alive probe */
	if (!(seg->flags & TERN_RST) &&
	    (space ? seg->seq == una : tern_seq_lt(seg->seq, una)))
		life->tried_at = w->t;
	life->rst |= !!(seg->flags & TERN_RST);
	life->offers_sack |= seg->sack_permitted;
	if (seg->flags & TERN_SYN && !(seg->flags & TERN_ACK))
		life->syn_wnd = seg->wnd;
	if (seg->flags & TERN_ACK && !(seg->flags & TERN_RST)) {
		tern_seq edge = tern_seq_add(seg->ack, seg->wnd);

		if (life->edge_known && tern_seq_lt(edge, life->edge))
			world_broken(w, "the window told never shrinks",
				     LIFE_FORMAT, LIFE_ARGS(h, life));
		life->edge = edge;
		life->edge_known = true;
	}
	w->tally->did[DID_SHUT_WINDOW] += seg->flags & TERN_ACK && !seg->wnd &&
					  !(seg->flags & TERN_RST);
	w->tally->did[DID_SACK] += seg->n_sack > 0;
	w->tally->did[DID_TSVAL_WRAP] += seg->has_ts && seg->tsval < 1000;
}

void host_sent(const struct host *h, const struct host_sock *s,
	       const struct host_packet *packet, const struct tern_seg *seg)
{
	struct world *w = watched;
	struct life *life, *peer;

	if (!s) {
		if (seg->flags & TERN_RST)
			check_bare_rst(w, h, packet, seg);
		return;
	}
	life = life_of(w, h, s);
	if (w->full)
		return;
	if (seg->flags & TERN_ACK) {
		life->irs = s->conn.irs;
		life->irs_known = true;
	}
	note_sent(w, h->addr, life, seg, s->conn.snd_una);
	if (seg->flags & TERN_RST)
		check_rst(w, h, s, life);
	peer = peer_of(w, h->addr, life);
	if (!peer || life->excused || peer->excused)
		return;
	if (seg->len)
		check_window(w, h->addr, life, peer, seg);
	if (seg->n_sack && !peer->offers_sack)
		world_broken(w, "no SACK to who has not offered it",
			     LIFE_FORMAT, LIFE_ARGS(h->addr, life));
	if (seg->flags & TERN_ACK && tern_seq_lt(peer->sent, seg->ack))
		world_broken(w, "only what was sent is acknowledged",
			     LIFE_FORMAT, LIFE_ARGS(h->addr, life));
}

void host_waited(const struct host *h, const struct host_wait *wait,
		 const struct tern_seg *seg, enum tern_tw_verdict verdict)
{
	static const enum happened did[] = {
		[TERN_TW_DROP] = DID_TW_DROP,
		[TERN_TW_ACK] = DID_TW_ACK,
		[TERN_TW_RESTART] = DID_TW_RESTART,
		[TERN_TW_REOPEN] = DID_TW_REOPEN,
	};

	const struct life *old = ledger_life(watched, h->addr, wait->name);

	watched->tally->did[did[verdict]]++;
	if (seg->flags & TERN_RST && verdict != TERN_TW_DROP)
		world_broken(watched, "TIME_WAIT does not hear a RST", "host %u", h->addr);
	if (verdict == TERN_TW_REOPEN && seg->seq == old->irs)
		world_broken(watched, "TIME_WAIT lets no old SYN in",
			     LIFE_FORMAT, LIFE_ARGS(h->addr, old));
}

/* Calls */

/*
 * Nobody believes in a connection that the other end has not opened with it.  But whose
 * SYN met another's can take the ACK of that one's successor for its own, until data or
 * RST tells them apart: both numbers are then in the window.
 */
static void check_opened(struct world *w, u32 h, struct life *life,
			 const struct tern_conn *conn)
{
	struct life *peer = peer_of(w, h, life);

	life->opened = true;
	w->tally->did[DID_OPEN]++;
	w->tally->did[conn->sack_ok ? DID_SACK : DID_NO_SACK]++;
	w->tally->did[conn->ts_ok ? DID_TIMESTAMPS : DID_NO_TIMESTAMPS]++;
	w->tally->did[DID_SELF] += peer == life;
	if (life->excused || (peer && peer->excused))
		return;
	if (!peer)
		world_broken(w, "an established connection has two ends",
			     LIFE_FORMAT, LIFE_ARGS(h, life));
	else if ((!peer->irs_known || peer->irs != life->iss) &&
		 (!life->simultaneous || alive(w, life->raddr, peer)))
		world_broken(w, "both ends of a connection agree on the numbers",
			     LIFE_FORMAT, LIFE_ARGS(h, life));
}

static void check_fin(struct world *w, u32 h, struct life *life)
{
	struct life *peer = peer_of(w, h, life);

	life->fin = true;
	if (!peer || life->excused || peer->excused)
		return;
	if (!peer->closed)
		world_broken(w, "end of file only if the peer has closed",
			     LIFE_FORMAT, LIFE_ARGS(h, life));
	else if (life->rcv_pos != peer->written)
		world_broken(w, "end of file behind the last octet",
			     LIFE_FORMAT ": %u of %u", LIFE_ARGS(h, life), life->rcv_pos,
			     peer->written);
}

/* What the peer has acknowledged it has. */
static void check_acked(struct world *w, u32 h, struct life *life, u32 released,
			bool fin_acked)
{
	struct life *peer = peer_of(w, h, life);

	if (!peer || life->excused || peer->excused)
		return;
	if (released > peer->rcv_pos)
		world_broken(w, "what is acknowledged was received",
			     LIFE_FORMAT ": %u of %u", LIFE_ARGS(h, life), released,
			     peer->rcv_pos);
	if (fin_acked && (!peer->fin || peer->rcv_pos != life->written))
		world_broken(w, "whose FIN is acknowledged was heard to the end",
			     LIFE_FORMAT ": %u of %u", LIFE_ARGS(h, life), peer->rcv_pos,
			     life->written);
}

/* One that was reset has no peer that goes on. */
static void check_reset(struct world *w, u32 h, struct life *life)
{
	struct life *peer = peer_of(w, h, life);

	if (!peer || life->excused || peer->excused)
		return;
	if (peer != life && alive(w, life->raddr, peer))
		world_broken(w, "reset only by a peer that is gone",
			     LIFE_FORMAT, LIFE_ARGS(h, life));
}

/* Does the other host remember an older connection of these ports?  It hears no RST. */
static bool waited_for(const struct world *w, u32 h, const struct life *life)
{
	u32 i;

	for (i = 0; i < HOST_WAITS; i++) {
		const struct host_wait *wait = &w->host[life->raddr].wait[i];

		if (wait->used && wait->raddr == h && wait->lport == life->rport &&
		    wait->rport == life->lport)
			return true;
	}
	return false;
}

/*
 * One that nobody answers: something must have kept the answer to its last try away; or,
 * when it was the user's time that has run out, what came of an earlier one.
 */
static void check_timedout(struct world *w, u32 h, struct life *life,
			   const struct tern_conn *conn)
{
	const struct life *peer = peer_of(w, h, life);
	u64 since = conn->snd_una != conn->snd_max ? life->una_at : life->rcv_at;
	bool waits = conn->snd_max != tern_seq_add(conn->snd_end, conn->fin_queued);
	u64 trouble = w->trouble[h][life->raddr];
	u64 round_trip = w->delay[h][life->raddr] + w->delay[life->raddr][h];

	/* a SYN may first have to get rid of what the other end remembers */
	if (trouble >= (life->irs_known ? life->tried_at : since) ||
	    w->t < life->tried_at + round_trip + MSEC ||
	    (conn->orphan && (waits || !conn->snd_wnd)))
		return;
	if (conn->cfg.user_timeout &&
	    (life->narrow_at >= since || trouble + conn->cfg.rto_max >= since))
		return;
	if (!life->irs_known && waited_for(w, h, life))
		return;
	/* it met the SYN of one that had given up at once, and nobody knows of it */
	if (life->simultaneous && (!peer || !alive(w, life->raddr, peer)))
		return;
	/* A peer that has filled our window sends from its edge; while what fills it is lost,
	 * that is not acceptable (rfc9293#section-3.4), and its acknowledgments are not heard.
	 */
	if (peer && life->edge_known && tern_seq_leq(life->edge, peer->sent))
		return;
	world_broken(w, "nobody gives up in a network that works",
		     LIFE_FORMAT ": last try %llu us, trouble %llu us", LIFE_ARGS(h, life),
		     (unsigned long long)life->tried_at, (unsigned long long)trouble);
}

static void check_closed(struct world *w, u32 h, struct life *life,
			 const struct host_sock *s, u8 before)
{
	const struct tern_conn *conn = &s->conn;

	life->error = conn->error;
	switch (conn->error) {
	case TERN_ERR_REFUSED:
		w->tally->did[DID_REFUSED]++;
		check_reset(w, h, life);
		break;
	case TERN_ERR_RESET:
		w->tally->did[DID_RESET]++;
		check_reset(w, h, life);
		break;
	case TERN_ERR_TIMEDOUT:
		w->tally->did[DID_TIMEDOUT]++;
		/* an old SYN's SYN-ACK has no answer, and no user hears of it */
		if (s->kind != HOST_REQUEST)
			check_timedout(w, h, life, conn);
		break;
	case TERN_ERR_ABORTED:
		w->tally->did[DID_ABORTED]++;
		if (!life->rst && before != TERN_SYN_SENT && before != TERN_CLOSING &&
		    before != TERN_LAST_ACK)
			world_broken(w, "who aborts says so",
				     LIFE_FORMAT, LIFE_ARGS(h, life));
		break;
	default:
		break;
	}
}

static bool entered(const struct tern_result *res, u8 state)
{
	u32 i;

	for (i = 0; i < res->path_len; i++) {
		if (res->path[i] == state)
			return true;
	}
	return false;
}

static void count(struct world *w, const struct tern_result *res)
{
	u8 at = res->old_state;
	u32 i;

	for (i = 0; i < res->path_len; i++) {
		w->tally->arrow[at][res->path[i]]++;
		at = res->path[i];
	}
	w->tally->drop[res->drop]++;
	w->tally->did[DID_SIMULTANEOUS] += res->old_state == TERN_SYN_SENT &&
					   entered(res, TERN_SYN_RECEIVED);
	w->tally->did[DID_TIMEOUT] += !!(res->events & TERN_EV_TIMEOUT);
	w->tally->did[DID_RECOVERY] += !!(res->events & TERN_EV_RECOVERY);
	w->tally->did[DID_CHALLENGE] += !!(res->events & TERN_EV_CHALLENGE);
}

static void note_progress(struct world *w, struct life *life, const struct tern_conn *conn)
{
	if (life->una != conn->snd_una || conn->snd_una == conn->snd_max) {
		life->una = conn->snd_una;
		life->una_at = w->t;
	}
	if (conn->snd_wnd < conn->snd_mss || conn->snd_wnd < conn->snd_wnd_max / 2)
		life->narrow_at = w->t;
	if (life->last_rcv != conn->last_rcv) {
		life->last_rcv = conn->last_rcv;
		life->rcv_at = w->t;
	}
}

void host_told(const struct host *h, const struct host_sock *s,
	       const struct tern_result *res)
{
	const struct tern_conn *conn = &s->conn;
	struct world *w = watched;
	struct life *life = life_of(w, h, s);

	if (w->full)
		return;
	count(w, res);
	life->simultaneous |= res->old_state == TERN_SYN_SENT &&
			      entered(res, TERN_SYN_RECEIVED);
	w->tally->did[DID_KEEPALIVE] += conn->keep_sent && res->old_state &&
					!res->path_len && !res->events;
	life->written = s->written;
	life->closed = conn->fin_queued;
	if (!life->irs_known && conn->state != TERN_SYN_SENT &&
	    (res->old_state != TERN_SYN_SENT || conn->state != TERN_CLOSED)) {
		life->irs = conn->irs;
		life->irs_known = true;
	}
	if (life->irs_known)
		life->rcv_pos = tern_rcv_pos(conn);
	if (entered(res, TERN_ESTABLISHED))
		check_opened(w, h->addr, life, conn);
	if (res->events & TERN_EV_FIN)
		check_fin(w, h->addr, life);
	if (life->opened)
		check_acked(w, h->addr, life, s->released,
			    entered(res, TERN_FIN_WAIT_2) || entered(res, TERN_TIME_WAIT));
	if (res->events & TERN_EV_CLOSED)
		check_closed(w, h->addr, life, s, res->old_state);
	else
		note_progress(w, life, conn);
	if (res->events & (TERN_EV_CLOSED | TERN_EV_TIME_WAIT))
		life->over = true;
}

/* Users */

/* Each octet that is read is the one that the peer wrote at this place. */
void ledger_read(struct world *w, u32 host, int s, const u8 *octet, u32 pos, u32 len)
{
	const struct host_sock *sock = &w->host[host].sock[s];
	struct life *life = ledger_life(w, host, sock->name);
	struct life *peer = peer_of(w, host, life);
	u32 i;

	life->read = pos + len;
	if (sock->kind == HOST_CONN && tern_can_receive(&sock->conn) && len &&
	    !sock->conn.rcv_held && sock->conn.rcv_adv == sock->conn.rcv_nxt)
		world_broken(w, "who has read all has an open window",
			     LIFE_FORMAT, LIFE_ARGS(host, life));
	if (w->full || life->excused || (peer && peer->excused) || !len)
		return;
	if (!peer) {
		world_broken(w, "who reads has a peer", LIFE_FORMAT, LIFE_ARGS(host, life));
		return;
	}
	if (pos + len > peer->written)
		world_broken(w, "what is read is a prefix of what was written",
			     LIFE_FORMAT ": %u octets of %u", LIFE_ARGS(host, life),
			     pos + len, peer->written);
	for (i = 0; i < len; i++) {
		if (octet[i] != host_octet(life->raddr, peer->name, pos + i)) {
			world_broken(w, "what is read is what was written",
				     LIFE_FORMAT ": octet %u", LIFE_ARGS(host, life),
				     pos + i);
			return;
		}
	}
}

void ledger_crash(struct world *w, u32 host)
{
	u32 i;

	for (i = 0; i < HOST_SOCKS; i++) {
		const struct host_sock *s = &w->host[host].sock[i];

		if (s->kind == HOST_CONN || s->kind == HOST_REQUEST)
			ledger_life(w, host, s->name)->crashed = true;
	}
}

/* Is there nobody at the other end? */
bool ledger_lonely(struct world *w, u32 host, int s)
{
	struct life *life = ledger_life(w, host, w->host[host].sock[s].name);
	struct life *peer = peer_of(w, host, life);

	return !peer || life->excused || peer->excused || !alive(w, life->raddr, peer);
}

/* Did nothing but its own and its peer's wish end it? */
static bool was_left_alone(const struct life *life)
{
	return life->opened && life->over && !life->error && !life->aborted &&
	       !life->crashed && !life->left && !life->excused;
}

/* The end: what was written and not taken back was read. */
void ledger_end(struct world *w)
{
	u32 h, name;

	for (h = 0; h < w->hosts; h++) {
		for (name = 1; name < SIM_NAMES && name <= w->host[h].last_name; name++) {
			struct life *life = &w->life[h][name];
			struct life *peer;

			if (!life->name || !was_left_alone(life) || !life->closed)
				continue;
			peer = peer_of(w, h, life);
			if (!peer || !was_left_alone(peer))
				continue;
			if (peer->read != life->written || !peer->fin)
				world_broken(w, "all that was written is read in the end",
					     LIFE_FORMAT ": %u of %u", LIFE_ARGS(h, life),
					     peer->read, life->written);
		}
	}
}
