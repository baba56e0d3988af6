// SPDX-License-Identifier: GPL-2.0
/*
 * A state of a world, what can happen in it, and the laws that hold in all of them.
 *
 * Time: the clocks of the hosts know nothing of each other and segments take as long
 * as they like, so a deadline that is set may pass before or after anything else.
 * Each host's time stands still at NOW; every deadline that is set lies LATER behind
 * it, and one that passes is moved to the next microsecond first.  That is more than
 * can happen (a delayed acknowledgment may be later than any retransmission), so what
 * holds here does not hold because of the length of a timer.
 *
 * The network is a set: a segment that is on its way may arrive any number of times
 * and may be lost at any time, so a second copy adds nothing.  Where only one can be
 * on its way it leaves when it arrives: there is loss, but no repetition.
 *
 * Sequence numbers: the how many-th connection of a host, its generation, tells its
 * initial sequence number, and the generations lie so far apart that each sequence
 * number tells its generation.
 */
#include <string.h>

#include "tests/explore/explore.h"

#define NOW 1000000000ull
#define SEC 1000000ull
#define LATER (100 * SEC)
#define SPACING (1u << 20)

static const u16 ports[HOSTS] = { 1000, 7 };
/* the second generation of each host begins shortly before a sign or a wrap */
static const u32 bases[HOSTS] = { 0x7fefff00, 0xffefff00 };

/* The step that is under way, for host_told(). */
static struct step *watched;

tern_seq state_iss(const struct world *w, u8 host, u16 gen)
{
	return tern_seq_of(bases[host] + (w->same_iss ? 0 : gen * SPACING));
}

u16 state_gen(const struct world *w, u8 host, tern_seq seq)
{
	if (w->same_iss)
		return 0;
	return (u16)((tern_seq_bits(seq) - bases[host] + SPACING / 2) / SPACING);
}

void host_told(const struct host *h, const struct host_sock *s,
	       const struct tern_result *res)
{
	struct told *told;

	if (!watched || watched->n_told == TOLD_MAX)
		return;
	told = &watched->told[watched->n_told++];
	told->host = h->addr;
	told->user = s->user || s->queued;
	told->res = *res;
	told->error = s->conn.error;
}

static void switch_on(const struct world *w, struct state *st, u8 at)
{
	struct host *h = &st->host[at];
	u8 tries = w->tries ? w->tries : 255;

	host_init(h, at, NOW);
	h->two_messages = w->two_messages && w->listens[at];
	h->cfg.rto_initial = SEC;
	h->cfg.rto_min = SEC;
	h->cfg.rto_max = SEC;
	h->cfg.delack = w->delack ? SEC / 25 : 0;
	h->cfg.rcv_buf = w->rcv_buf;
	h->cfg.mss = w->mss;
	h->cfg.syn_retries = tries;
	h->cfg.synack_retries = w->half_open ? w->half_open : tries;
	h->cfg.data_retries = tries;
	h->cfg.orphan_retries = tries;
	h->cfg.sack = w->sack;
	h->cfg.nodelay = w->nodelay;
	h->cfg.timestamps = false;
	if (w->listens[at] && !w->unlisten)
		host_listen(h, ports[at], 2);
}

void state_init(const struct world *w, struct state *st)
{
	memset(st, 0, sizeof(*st));
	switch_on(w, st, 0);
	switch_on(w, st, 1);
}

static bool live(const struct host_sock *s)
{
	return s->kind == HOST_REQUEST || (s->kind == HOST_CONN && !s->over);
}

static const struct host_sock *live_sock(const struct host *h)
{
	u32 i;

	for (i = 0; i < HOST_SOCKS; i++) {
		if (live(&h->sock[i]))
			return &h->sock[i];
	}
	return NULL;
}

/* What can happen */

struct list {
	struct action *action;
	u32 n;
};

static void add(struct list *list, enum act act, u32 host, u32 slot, u32 arg)
{
	if (list->n < ACTIONS_MAX)
		list->action[list->n++] = (struct action){
			.act = act, .host = (u8)host, .slot = (u8)slot, .arg = (u8)arg,
		};
}

static bool may_write(const struct world *w, u32 host, const struct host_sock *s)
{
	u8 state = s->conn.state;

	return s->written < w->write[host] &&
	       (state == TERN_SYN_SENT || state == TERN_SYN_RECEIVED ||
		state == TERN_ESTABLISHED || state == TERN_CLOSE_WAIT);
}

static void sock_calls(const struct world *w, const struct state *st, u32 host, u32 slot,
		       struct list *list)
{
	const struct host_sock *s = &st->host[host].sock[slot];

	if (s->kind != HOST_CONN || !s->user)
		return;
	if (!s->over && may_write(w, host, s))
		add(list, ACT_WRITE, host, slot, 0);
	if (s->conn.rcv_held)
		add(list, ACT_READ, host, slot, 0);
	if (!s->over && w->shutdown && !s->conn.fin_queued &&
	    !(w->orderly && s->conn.state == TERN_SYN_SENT))
		add(list, ACT_SHUTDOWN, host, slot, 0);
	if (!w->orderly || s->over || (s->eof && !s->conn.rcv_held))
		add(list, ACT_CLOSE, host, slot, 0);
	if (!s->over && w->abort)
		add(list, ACT_ABORT, host, slot, 0);
}

/* One connection at a time: a program closes before it opens again. */
static bool may_connect(const struct world *w, const struct state *st, u32 host)
{
	const struct host *h = &st->host[host];
	u32 i;

	if (st->opened[host] >= w->opens[host] || h->wait[0].used)
		return false;
	for (i = 0; i < HOST_SOCKS; i++) {
		if (live(&h->sock[i]) || (h->sock[i].kind == HOST_CONN && h->sock[i].user))
			return false;
	}
	return true;
}

static void calls(const struct world *w, const struct state *st, u32 host,
		  struct list *list)
{
	const struct host *h = &st->host[host];
	bool listener = false, queued = false;
	u32 i;

	for (i = 0; i < HOST_SOCKS; i++) {
		listener |= h->sock[i].kind == HOST_LISTENER;
		queued |= h->sock[i].queued;
	}
	if (w->unlisten && w->listens[host])
		add(list, listener ? ACT_UNLISTEN : ACT_LISTEN, host, 0, 0);
	if (may_connect(w, st, host))
		add(list, ACT_CONNECT, host, 0, 0);
	if (listener && queued)
		add(list, ACT_ACCEPT, host, 0, 0);
	for (i = 0; i < HOST_SOCKS; i++)
		sock_calls(w, st, host, i, list);
	if (st->crashed[host] < w->crashes[host])
		add(list, ACT_CRASH, host, 0, 0);
}

/* May something of a connection that host @peer still has arrive? */
static bool may_send(const struct state *st, u32 peer)
{
	const struct host_sock *s = live_sock(&st->host[peer]);

	/* what is half-open, or opens, is of a connection to come */
	return st->n_net || (s && s->kind == HOST_CONN && s->conn.state != TERN_SYN_SENT);
}

static void timers(const struct world *w, const struct state *st, u32 host,
		   struct list *list)
{
	const struct host *h = &st->host[host];
	u32 i, t;

	for (i = 0; i < HOST_SOCKS; i++) {
		const struct host_sock *s = &h->sock[i];

		if (s->kind == HOST_REQUEST)
			add(list, ACT_REQUEST, host, i, 0);
		if (s->kind != HOST_CONN || s->over)
			continue;
		for (t = 0; t < TERN_TIMERS; t++) {
			if (s->conn.deadline[t] != TERN_NEVER &&
			    !(w->clean && t == TERN_TIMER_FIN_WAIT_2))
				add(list, ACT_TIMER, host, i, t);
		}
	}
	if (h->wait[0].used && !(w->msl && may_send(st, !host)))
		add(list, ACT_WAITED, host, 0, 0);
}

u32 state_actions(const struct world *w, const struct state *st, struct action *out)
{
	struct list list = { .action = out };
	u32 i;

	for (i = 0; i < HOSTS; i++)
		calls(w, st, i, &list);
	for (i = 0; i < st->n_net; i++)
		add(&list, ACT_DELIVER, st->net[i].dst, i, 0);
	for (i = 0; i < HOSTS; i++)
		timers(w, st, i, &list);
	for (i = 0; i < st->n_net; i++)
		add(&list, ACT_LOSE, st->net[i].dst, i, 0);
	return list.n;
}

/* It happens */

static int listener_of(const struct host *h)
{
	int i;

	for (i = 0; i < HOST_SOCKS; i++) {
		if (h->sock[i].kind == HOST_LISTENER)
			return i;
	}
	return -1;
}

static void call(struct state *st, struct action a)
{
	struct host *h = &st->host[a.host];
	u8 octet;

	switch (a.act) {
	case ACT_LISTEN:
		host_listen(h, ports[a.host], 2);
		h->last_name = st->next[a.host];
		break;
	case ACT_UNLISTEN:
		host_close(h, listener_of(h));
		break;
	case ACT_CONNECT:
		if (host_connect(h, ports[a.host], !a.host, ports[!a.host]) >= 0)
			st->opened[a.host]++;
		break;
	case ACT_ACCEPT:
		host_accept(h, listener_of(h));
		break;
	case ACT_WRITE:
		host_write(h, a.slot, 1);
		break;
	case ACT_READ:
		host_read(h, a.slot, &octet, 1);
		break;
	case ACT_SHUTDOWN:
		host_shutdown(h, a.slot);
		break;
	case ACT_CLOSE:
		host_close(h, a.slot);
		break;
	case ACT_ABORT:
		host_abort(h, a.slot);
		break;
	default:
		break;
	}
}

static void lose(struct state *st, u32 i)
{
	st->n_net--;
	memmove(&st->net[i], &st->net[i + 1], (st->n_net - i) * sizeof(st->net[0]));
	memset(&st->net[st->n_net], 0, sizeof(st->net[0]));
}

static void pass_deadline(struct host *h, struct action a)
{
	struct host_sock *s = &h->sock[a.slot];

	h->now++;
	if (a.act == ACT_TIMER)
		s->conn.deadline[a.arg] = h->now;
	else if (a.act == ACT_REQUEST)
		s->req.deadline = h->now;
	else
		h->wait[0].since = h->now - h->time_wait;
	host_timeout(h);
}

static void happen(const struct world *w, struct state *st, struct action a)
{
	struct host *h = &st->host[a.host];
	struct host_packet packet;

	h->iss = state_iss(w, a.host, st->next[a.host]);
	h->last_name = st->next[a.host];
	switch (a.act) {
	case ACT_DELIVER:
		packet = st->net[a.slot];
		/* or there would be no room for an answer */
		if (w->net == 1)
			lose(st, a.slot);
		host_packet(h, &packet);
		break;
	case ACT_LOSE:
		lose(st, a.slot);
		break;
	case ACT_TIMER:
	case ACT_REQUEST:
	case ACT_WAITED:
		pass_deadline(h, a);
		break;
	case ACT_CRASH:
		switch_on(w, st, a.host);
		h->last_name = st->next[a.host];
		st->crashed[a.host]++;
		break;
	default:
		call(st, a);
		break;
	}
	if (h->last_name != st->next[a.host])
		st->next[a.host]++;
	h->last_name = 0;
}

/* What was sent joins the set, if there is room: else it is lost, and counted. */
static void collect(const struct world *w, struct state *st, struct host *h,
		    struct step *step)
{
	u32 i, j;

	for (i = 0; i < h->n_out; i++) {
		const struct host_packet *packet = &h->out[i];

		step->sent[step->n_sent++] = *packet;
		for (j = 0; j < st->n_net; j++) {
			if (!memcmp(packet, &st->net[j], sizeof(*packet)))
				break;
		}
		if (j < st->n_net)
			continue;
		if (st->n_net == w->net)
			step->cut++;
		else
			st->net[st->n_net++] = *packet;
	}
	memset(h->out, 0, h->n_out * sizeof(h->out[0]));
	h->n_out = 0;
}

static void stand_still(u64 *when, u64 then)
{
	if (*when != TERN_NEVER)
		*when = then;
}

/* Who never gives up need not count: only the first timeout differs from the others. */
static void be_patient(u8 tries, u8 *count)
{
	if (!tries && *count > 1)
		*count = 1;
}

static void conn_at_rest(const struct world *w, struct tern_conn *conn)
{
	u32 t;

	for (t = 0; t < TERN_TIMERS; t++)
		stand_still(&conn->deadline[t], NOW + LATER);
	stand_still(&conn->last_rcv, NOW);
	stand_still(&conn->stalled, NOW);
	conn->last_sent = NOW;
	conn->rtt_start = NOW;
	/* the last bare segment was answered long ago: each is answered */
	conn->oow_acked = TERN_NEVER;
	be_patient(w->tries, &conn->rexmits);
	be_patient(w->tries, &conn->probes);
}

/* Time goes back to NOW, and all deadlines with it. */
static void rest(const struct world *w, struct host *h)
{
	u32 i;

	h->now = NOW;
	h->challenges = 0;
	h->challenge_second = 0;
	for (i = 0; i < HOST_SOCKS; i++) {
		struct host_sock *s = &h->sock[i];

		if (s->kind == HOST_CONN) {
			conn_at_rest(w, &s->conn);
		} else if (s->kind == HOST_REQUEST) {
			stand_still(&s->req.deadline, NOW + LATER);
			stand_still(&s->req.rtt_start, NOW);
			s->req.oow_acked = TERN_NEVER;
			be_patient(w->half_open ? w->half_open : w->tries, &s->req.rexmits);
		}
	}
	if (h->wait[0].used) {
		h->wait[0].since = NOW;
		h->wait[0].acked = 0;
	} else {
		memset(&h->wait[0], 0, sizeof(h->wait[0]));
	}
}

/* The past */

static struct past *past_of(struct state *st, u8 host, u16 gen)
{
	u32 i;

	for (i = 0; i < st->n_past[host]; i++) {
		if (st->past[host][i].gen == gen)
			return &st->past[host][i];
	}
	return NULL;
}

static bool remember(const struct world *w, struct state *st, u8 host)
{
	u32 i;

	for (i = 0; i < HOST_SOCKS; i++) {
		const struct host_sock *s = &st->host[host].sock[i];
		bool request = s->kind == HOST_REQUEST;
		struct past *past;

		if (!live(s))
			continue;
		past = past_of(st, host, (u16)(s->name - 1));
		if (!past) {
			if (st->n_past[host] == PASTS)
				return false;
			past = &st->past[host][st->n_past[host]++];
			past->gen = (u16)(s->name - 1);
			past->irs = NO_GEN;
		}
		past->written = (u8)s->written;
		if (request || s->conn.state != TERN_SYN_SENT)
			past->irs = state_gen(w, !host,
					      request ? s->req.irs : s->conn.irs);
		past->fin = !request && s->conn.fin_queued;
	}
	return true;
}

/* Nothing refers to it any more. */
static void forget(const struct world *w, struct state *st, u8 host)
{
	u16 gens[PASTS];
	u32 n = canon_gens(w, st, host, gens), i, j, kept = 0;

	for (i = 0; i < st->n_past[host]; i++) {
		for (j = 0; j < n && gens[j] != st->past[host][i].gen; j++)
			;
		if (j < n)
			st->past[host][kept++] = st->past[host][i];
	}
	memset(&st->past[host][kept], 0,
	       (st->n_past[host] - kept) * sizeof(st->past[0][0]));
	st->n_past[host] = (u8)kept;
}

/* Laws */

/* [from, to) of the stream: each octet is what the peer wrote there. */
static const char *octets_are(const struct world *w, struct state *st, u8 host, u32 slot,
			      u32 from, u32 to)
{
	const struct host_sock *s = &st->host[host].sock[slot];
	u16 gen = state_gen(w, !host, s->conn.irs);
	const struct past *past = past_of(st, !host, gen);
	u32 name = w->same_iss ? st->mate[host][slot] : gen + 1u;
	u32 pos;

	for (pos = from; pos != to; pos++) {
		if (s->buf[pos % HOST_BUF] != host_octet(!host, name, pos))
			return "an octet of another connection is not received";
	}
	if (past && !w->same_iss && to > past->written)
		return "only what the peer wrote is received";
	return NULL;
}

static const char *check_octets(const struct world *w, struct state *st, u8 host, u32 slot)
{
	const struct host_sock *s = &st->host[host].sock[slot];
	const struct tern_conn *conn = &s->conn;
	const char *broken;
	u32 i;

	if (!conn->syn_acked)
		return NULL;
	broken = octets_are(w, st, host, slot, s->read, s->read + conn->rcv_held);
	for (i = 0; i < conn->n_ranges && !broken; i++)
		broken = octets_are(w, st, host, slot,
				    tern_seq_dist(conn->irs, conn->range[i].start) - 1,
				    tern_seq_dist(conn->irs, conn->range[i].end) - 1);
	return broken;
}

/* A connection that is established is one that the peer has agreed to. */
static const char *check_agreement(const struct world *w, struct state *st, u8 host,
				   u32 slot)
{
	const struct host_sock *s = &st->host[host].sock[slot];
	const struct past *past;

	if (w->same_iss || w->two_messages || s->kind != HOST_CONN || s->over ||
	    !s->conn.syn_acked)
		return NULL;
	past = past_of(st, !host, state_gen(w, !host, s->conn.irs));
	if (!past || past->irs != s->name - 1)
		return "no ghost: the peer has agreed to every established connection";
	if (s->eof && (!past->fin || tern_rcv_pos(&s->conn) != past->written))
		return "end of file comes behind all octets";
	return NULL;
}

/* When nothing moves any more, nothing is missing. */
static const char *check_quiet(struct state *st)
{
	const struct host_sock *s[HOSTS];
	u32 i, t;

	if (st->n_net)
		return NULL;
	for (i = 0; i < HOSTS; i++) {
		s[i] = live_sock(&st->host[i]);
		if (!s[i] || s[i]->kind == HOST_REQUEST)
			return NULL;
		for (t = 0; t < TERN_TIMERS; t++) {
			if (s[i]->conn.deadline[t] != TERN_NEVER)
				return NULL;
		}
	}
	if (s[0]->conn.irs != s[1]->conn.iss || s[1]->conn.irs != s[0]->conn.iss)
		return NULL;
	for (i = 0; i < HOSTS; i++) {
		const struct tern_conn *from = &s[i]->conn, *to = &s[!i]->conn;
		tern_seq end = tern_seq_add(from->snd_end, from->fin_queued);

		if (from->snd_una != end || to->rcv_nxt != end)
			return "when nothing moves any more, all has arrived";
	}
	return NULL;
}

/* Established with nobody: its client is not there, or waits for something else. */
static void look_for_ghost(const struct world *w, struct state *st, u8 host,
			   const struct step *step)
{
	const struct host_sock *peer = live_sock(&st->host[!host]);
	const struct host_sock *s = live_sock(&st->host[host]);
	u32 i;

	if (st->ghost || !s || s->kind != HOST_CONN)
		return;
	for (i = 0; i < step->n_told; i++) {
		const struct told *told = &step->told[i];

		if (!(told->res.events & TERN_EV_ESTABLISHED) || told->host != host)
			continue;
		if (!peer || peer->name - 1 != state_gen(w, !host, s->conn.irs))
			st->ghost = (u8)s->name;
	}
}

static const char *check_ghost(const struct state *st)
{
	u32 i, j;

	for (i = 0; i < HOSTS && st->ghost; i++) {
		for (j = 0; j < HOST_SOCKS; j++) {
			const struct host_sock *s = &st->host[i].sock[j];

			if (st->host[i].two_messages && s->name == st->ghost && s->written)
				return "a server sends to nobody";
		}
	}
	return NULL;
}

/* A segment of another connection than the one it meets */
static bool foreign(const struct world *w, u8 host, const struct host_sock *s,
		    const struct tern_seg *seg)
{
	bool request = s->kind == HOST_REQUEST;
	tern_seq iss = request ? s->req.iss : s->conn.iss;
	tern_seq irs = request ? s->req.irs : s->conn.irs;

	bool opening = !request && s->conn.state == TERN_SYN_SENT;

	if (w->same_iss)
		return false;
	/* of a RST only the sequence number counts, once there is one to compare */
	if (seg->flags & TERN_ACK && (opening || !(seg->flags & TERN_RST)) &&
	    state_gen(w, host, seg->ack) != state_gen(w, host, iss))
		return true;
	if (opening)
		return false;
	/* what answers a segment without ACK has no sequence number */
	if (seg->flags & TERN_RST && seg->flags & TERN_ACK && !tern_seq_bits(seg->seq))
		return false;
	return state_gen(w, !host, seg->seq) != state_gen(w, !host, irs);
}

/* ... changes nothing of it.  @was and @is are the same slot before and after. */
static const char *check_foreign(const struct host_sock *was, const struct host_sock *is)
{
	const struct tern_conn *a = &was->conn, *b = &is->conn;

	if (was->kind == is->kind && was->over == is->over && was->name == is->name &&
	    a->state == b->state && a->snd_una == b->snd_una && a->snd_max == b->snd_max &&
	    a->rcv_nxt == b->rcv_nxt && a->snd_wnd == b->snd_wnd && a->error == b->error &&
	    a->fin_seen == b->fin_seen && a->n_ranges == b->n_ranges)
		return NULL;
	return "a segment of another connection changes nothing";
}

/* With @same_iss: whom was it established with? */
static void meet(const struct world *w, struct state *st, u8 host)
{
	const struct host_sock *peer = live_sock(&st->host[!host]);
	u32 i;

	for (i = 0; i < HOST_SOCKS; i++) {
		const struct host_sock *s = &st->host[host].sock[i];

		if (s->kind != HOST_CONN || !s->conn.syn_acked || !w->write[!host])
			st->mate[host][i] = 0;
		else if (!st->mate[host][i])
			st->mate[host][i] = peer ? (u8)peer->name : 255;
	}
}

static const char *check(const struct world *w, struct state *st, const struct step *step)
{
	u8 host = step->action.host;
	const char *broken = st->host[host].broken;
	u32 i;

	if (!broken && st->host[host].lost)
		broken = "a host sends no more at once than there is room for";
	for (i = 0; i < step->n_told && w->clean && !broken; i++) {
		const struct told *told = &step->told[i];

		if (told->user && told->res.events & TERN_EV_CLOSED && told->error)
			broken = "no user sees an error";
	}
	for (i = 0; i < HOST_SOCKS && !broken; i++) {
		if (st->host[host].sock[i].kind != HOST_CONN)
			continue;
		broken = check_octets(w, st, host, i);
		if (!broken)
			broken = check_agreement(w, st, host, i);
	}
	if (!broken)
		broken = check_quiet(st);
	if (!broken)
		broken = check_ghost(st);
	return broken;
}

const char *state_step(const struct world *w, struct state *st, struct action a,
		       struct step *step)
{
	struct host *h = &st->host[a.host];
	const struct host_sock *met = NULL;
	static struct host_sock was;
	const char *broken;

	step->action = a;
	step->n_told = 0;
	step->n_sent = 0;
	step->cut = 0;
	if (a.act == ACT_DELIVER || a.act == ACT_LOSE) {
		const struct host_packet *packet = &st->net[a.slot];

		host_seg(packet, &step->seg);
		step->src = packet->src;
		step->payload = step->seg.len ? packet->octet[step->seg.hlen] : 0;
	}
	if (a.act == ACT_DELIVER) {
		met = live_sock(h);
		if (met && foreign(w, a.host, met, &step->seg))
			was = *met;
		else
			met = NULL;
	}

	watched = step;
	happen(w, st, a);
	watched = NULL;
	if (!remember(w, st, a.host))
		return "the explorer has room for the past";
	if (w->same_iss)
		meet(w, st, a.host);
	if (w->two_messages)
		look_for_ghost(w, st, a.host, step);
	broken = check(w, st, step);
	if (!broken && met)
		broken = check_foreign(&was, met);
	collect(w, st, h, step);
	rest(w, h);
	forget(w, st, 0);
	forget(w, st, 1);
	return broken;
}

bool state_final(const struct state *st)
{
	u32 i, j;

	if (st->n_net)
		return false;
	for (i = 0; i < HOSTS; i++) {
		if (st->host[i].wait[0].used)
			return false;
		for (j = 0; j < HOST_SOCKS; j++) {
			if (st->host[i].sock[j].kind != HOST_FREE &&
			    st->host[i].sock[j].kind != HOST_LISTENER)
				return false;
		}
	}
	return true;
}

bool state_calm(const struct state *st)
{
	u32 i, j;

	for (i = 0; i < HOSTS; i++) {
		for (j = 0; j < HOST_SOCKS; j++) {
			const struct host_sock *s = &st->host[i].sock[j];

			if (s->kind == HOST_REQUEST)
				return false;
			if (s->kind == HOST_CONN && !s->over &&
			    s->conn.snd_una != tern_seq_add(s->conn.snd_end,
							    s->conn.fin_queued))
				return false;
		}
	}
	return true;
}
