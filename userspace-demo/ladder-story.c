// SPDX-License-Identifier: GPL-2.0
/*
 * Events put in order and understood: numbers relative to the initial ones, what
 * was sent again, what crossed on the way, which captured segment was lost.
 */
#include "ladder.h"

#define NEIGHBOURS 4096	/* events looked at around one, at the most */

struct event *add_event(struct ladder *l, u64 ns, enum event_kind kind, enum host side)
{
	struct event *e;

	if (l->n == MAX_EVENTS) {
		l->too_many = true;
		return NULL;
	}
	if (l->n == l->room) {
		u32 room = l->room ? l->room * 2 : 256;

		e = realloc(l->event, room * sizeof(*e));
		if (!e)
			die(EXIT_ENVIRONMENT, "out of memory for %u events", room);
		l->event = e;
		l->room = room;
	}
	e = &l->event[l->n];
	memset(e, 0, sizeof(*e));
	e->ns = ns;
	e->order = l->n++;
	e->kind = (u8)kind;
	e->side = (u8)side;
	e->at_start = NO_EVENT;
	e->at_tip = NO_EVENT;
	e->next_state = NO_EVENT;
	return e;
}

/* Texts come out of files: keep what can be printed. */
void event_what(struct event *e, const char *text)
{
	char *copy = strndup(text, WHAT_LEN);

	if (!copy)
		die(EXIT_ENVIRONMENT, "out of memory");
	for (char *c = copy; *c; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
	e->what = copy;
}

/* At the very same time: cause before effect, as far as the clock's grain tells. */
static int rank(const struct event *e)
{
	if (e->kind == EVENT_SEGMENT)
		return e->side == CLIENT ? 1 : 3;
	return e->side == CLIENT ? 0 : 2;
}

static int by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	if (rank(x) != rank(y))
		return rank(x) - rank(y);
	return x->order < y->order ? -1 : 1;
}

static u32 seg_space(const struct tern_seg *seg)
{
	return seg->len + !!(seg->flags & TERN_SYN) + !!(seg->flags & TERN_FIN);
}

static bool same_segment(const struct tern_seg *a, const struct tern_seg *b)
{
	return a->seq == b->seq && a->ack == b->ack && a->flags == b->flags && a->len == b->len;
}

/* The captured segment that a "lost in" record tells about comes shortly before it. */
static void mark_lost(struct ladder *l, u32 record)
{
	const struct event *lost = &l->event[record];

	for (u32 i = record; i-- > 0 && record - i <= NEIGHBOURS;) {
		struct event *e = &l->event[i];

		if (lost->ns - e->ns > NSEC_PER_SEC)
			return;
		if (e->kind == EVENT_SEGMENT && e->side != lost->side && !e->lost &&
		    same_segment(&e->seg, &lost->seg)) {
			e->lost = true;
			return;
		}
	}
}

/**
 * struct track - what one side has sent so far
 * @max: one past the highest sequence number sent
 * @started: @max holds
 * @fin: sequence number after its FIN
 * @fin_sent: @fin holds
 */
struct track {
	tern_seq max;
	bool started;
	tern_seq fin;
	bool fin_sent;
};

static void learn_isn(struct ladder *l, struct track *track, const struct event *e)
{
	const struct tern_seg *seg = &e->seg;

	if (seg->flags & TERN_SYN) {
		u32 isn = tern_seq_bits(seg->seq);

		if (!l->isn_known[e->side] || l->isn[e->side] != isn)
			memset(track, 0, sizeof(*track));	/* a new connection */
		l->isn[e->side] = isn;
		l->isn_known[e->side] = true;
	} else if (!l->isn_known[e->side] && !(seg->flags & TERN_RST)) {
		/* the capture began later: count from the first number seen */
		l->isn[e->side] = tern_seq_bits(seg->seq) - 1;
		l->isn_known[e->side] = true;
	}
}

static void understand(struct ladder *l, struct track track[SIDES], struct event *e)
{
	const struct tern_seg *seg = &e->seg;
	struct track *mine = &track[e->side], *theirs = &track[other_side(e->side)];
	tern_seq end = tern_seq_add(seg->seq, seg_space(seg));

	learn_isn(l, mine, e);
	if (l->isn_known[e->side])
		e->seq = tern_seq_bits(seg->seq) - l->isn[e->side];
	if (seg->flags & TERN_ACK && l->isn_known[other_side(e->side)])
		e->ack = tern_seq_bits(seg->ack) - l->isn[other_side(e->side)];
	else if (seg->flags & TERN_ACK)
		e->ack = tern_seq_bits(seg->ack);

	if (seg_space(seg) && !(seg->flags & TERN_RST)) {
		e->rexmit = mine->started && tern_seq_leq(end, mine->max);
		if (!mine->started || tern_seq_lt(mine->max, end))
			mine->max = end;
		mine->started = true;
	}
	if (seg->flags & TERN_FIN) {
		e->crossed = !mine->fin_sent && theirs->fin_sent && seg->flags & TERN_ACK &&
			     tern_seq_lt(seg->ack, theirs->fin);
		mine->fin = end;
		mine->fin_sent = true;
	}
	if ((seg->flags & (TERN_SYN | TERN_ACK)) == TERN_SYN)
		e->crossed = !e->rexmit && theirs->started;
}

/* The third message: the client's first one that acknowledges the server's SYN. */
static void mark_third(struct ladder *l)
{
	bool syn = false, syn_ack = false;

	for (u32 i = 0; i < l->n; i++) {
		struct event *e = &l->event[i];
		u8 flags = e->seg.flags & (TERN_SYN | TERN_ACK | TERN_RST);

		if (e->kind != EVENT_SEGMENT)
			continue;
		if (e->side == CLIENT && flags == TERN_SYN) {
			syn = true;
		} else if (e->side == SERVER && flags == (TERN_SYN | TERN_ACK)) {
			syn_ack = true;
		} else if (e->side == CLIENT && flags == TERN_ACK && syn && syn_ack) {
			e->third = e->ack == 1 && e->seq == 1;
			return;
		}
	}
}

/* Can the arrival of @seg, which @fin_acked says acknowledges our FIN, lead to this? */
static bool may_cause(const struct event *state, const struct event *seg, bool fin_acked)
{
	u8 flags = seg->seg.flags;

	if (flags & TERN_RST)
		return state->new_state == TERN_CLOSED || state->new_state == TERN_LISTEN;
	switch (state->new_state) {
	case TERN_SYN_RECEIVED:
		return flags & TERN_SYN;
	case TERN_ESTABLISHED:
		return flags & TERN_ACK;
	case TERN_FIN_WAIT_2:
		return fin_acked;
	case TERN_CLOSE_WAIT:
	case TERN_CLOSING:
		return flags & TERN_FIN;
	case TERN_TIME_WAIT:
		return state->old_state == TERN_CLOSING ? fin_acked : flags & TERN_FIN;
	case TERN_CLOSED:
		return state->old_state == TERN_LAST_ACK && fin_acked;
	default:
		return false;
	}
}

/*
 * A program runs a little after the segments it is told of have arrived, perhaps
 * after several of them: find the first that can have led to a state.
 */
static u32 find_cause(const struct ladder *l, u32 at, const struct track *own)
{
	const struct event *state = &l->event[at];
	u32 cause = NO_EVENT;
	bool fin_acked;

	for (u32 i = at; i-- > 0 && at - i <= NEIGHBOURS;) {
		const struct event *e = &l->event[i];

		if (state->ns - e->ns > AT_ONCE)
			break;
		if (e->kind == EVENT_STATE && e->side == state->side && !e->attached)
			break;	/* what led to that one does not lead to this one */
		if (e->kind != EVENT_SEGMENT || e->side == state->side || e->lost)
			continue;
		fin_acked = own->fin_sent && e->seg.flags & TERN_ACK &&
			    tern_seq_leq(own->fin, e->seg.ack);
		if (may_cause(state, e, fin_acked))
			cause = i;
	}
	return cause;
}

/*
 * @previous is that side's state before this one: states of one side are drawn in
 * their order, even where FINs cross.
 */
static void attach_to_cause(struct ladder *l, u32 at, u32 cause, u32 previous)
{
	u32 *link;

	if (previous != NO_EVENT && l->event[previous].attached) {
		struct event *before = &l->event[previous];

		if (before->on > cause && l->event[before->on].at_start == previous) {
			l->event[before->on].at_start = NO_EVENT;
			before->attached = false;
			before->on = previous;
		}
	}
	if (previous != NO_EVENT && l->event[previous].on > cause)
		return;
	l->event[at].attached = true;
	l->event[at].on = cause;
	for (link = &l->event[cause].at_tip; *link != NO_EVENT; link = &l->event[*link].next_state)
		;
	*link = at;
}

/* A state that a call of the user leads to belongs to the segment that follows. */
static void attach_to_effect(struct ladder *l, u32 at)
{
	struct event *state = &l->event[at];
	u8 wanted = TERN_FIN;

	if (state->new_state == TERN_SYN_SENT)
		wanted = TERN_SYN;
	else if (state->new_state == TERN_CLOSED)
		wanted = TERN_RST;
	for (u32 i = at + 1; i < l->n && i - at <= NEIGHBOURS; i++) {
		struct event *e = &l->event[i];

		if (e->ns - state->ns > AT_ONCE)
			return;
		if (e->side != state->side || e->kind != EVENT_SEGMENT ||
		    !(e->seg.flags & wanted))
			continue;
		if (e->at_start == NO_EVENT) {
			e->at_start = at;
			state->attached = true;
			state->on = i;
		}
		return;
	}
}

static void attach_states(struct ladder *l)
{
	u32 previous[SIDES] = { NO_EVENT, NO_EVENT };
	struct track own[SIDES] = { 0 };

	for (u32 i = 0; i < l->n; i++) {
		struct event *e = &l->event[i];
		u32 cause;

		if (e->kind == EVENT_SEGMENT && e->seg.flags & TERN_FIN) {
			own[e->side].fin = tern_seq_add(e->seg.seq, e->seg.len + 1);
			own[e->side].fin_sent = true;
		}
		if (e->kind != EVENT_STATE)
			continue;
		e->on = i;
		cause = find_cause(l, i, &own[e->side]);
		if (cause != NO_EVENT)
			attach_to_cause(l, i, cause, previous[e->side]);
		if (!e->attached && (e->new_state == TERN_SYN_SENT ||
				     e->new_state == TERN_FIN_WAIT_1 ||
				     e->new_state == TERN_LAST_ACK ||
				     e->new_state == TERN_CLOSED))
			attach_to_effect(l, i);
		previous[e->side] = i;
	}
}

void tell_story(struct ladder *l)
{
	struct track track[SIDES] = { 0 };

	if (l->n)
		qsort(l->event, l->n, sizeof(*l->event), by_time);
	for (u32 i = 0; i < l->n; i++) {
		if (l->event[i].kind == EVENT_LOST)
			mark_lost(l, i);
	}
	for (u32 i = 0; i < l->n; i++) {
		if (l->event[i].kind == EVENT_SEGMENT)
			understand(l, track, &l->event[i]);
	}
	/* lost ones repeat what was captured: understood, but not counted as sent */
	for (u32 i = 0; i < l->n; i++) {
		struct event *e = &l->event[i];

		if (e->kind != EVENT_LOST)
			continue;
		e->seq = tern_seq_bits(e->seg.seq) - l->isn[other_side(e->side)];
		e->ack = e->seg.flags & TERN_ACK ?
			 tern_seq_bits(e->seg.ack) - l->isn[e->side] : 0;
	}
	mark_third(l);
	attach_states(l);
}
