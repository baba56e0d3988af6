// SPDX-License-Identifier: GPL-2.0
/*
 * A run as tern-ladder draws it: its events, from ours.
 */
#include <unistd.h>

#include "tests/explore/show.h"
#include "userspace-demo/ladder.h"

static void state_on(struct ladder *l, u32 *link, u64 step, u8 side, u8 state)
{
	struct event *e = add_event(l, step, EVENT_STATE, (enum host)side);

	e->new_state = state;
	e->attached = true;
	*link = e->order;
}

static void segment(struct ladder *l, const struct show *s)
{
	struct event *e = add_event(l, s->step, EVENT_SEGMENT, (enum host)s->side);
	u32 at = e->order, start = NO_EVENT, tip = NO_EVENT, last = NO_EVENT, i;

	e->seg = s->seg;
	e->seq = s->seq;
	e->ack = s->ack;
	e->lost = s->kind == SHOW_LOST;
	e->late = s->kind == SHOW_LATE;
	e->old = s->old;
	/* events move when there are more of them: indices, not pointers */
	if (s->from_state)
		state_on(l, &start, s->step, s->side, s->from_state);
	for (i = 0; i < s->n_states; i++) {
		u32 one;

		state_on(l, &one, s->step, !s->side, s->state[i]);
		if (last == NO_EVENT)
			tip = one;
		else
			l->event[last].next_state = one;
		last = one;
	}
	l->event[at].at_start = start;
	l->event[at].at_tip = tip;
}

void show(const struct show *list, u32 n, const u8 *first)
{
	struct ladder l = {
		.opt = {
			.steps = true, .width = 80, .gap = UINT64_MAX,
			.colour = isatty(STDOUT_FILENO),
		},
		.first_state = { first[0], first[1] },
	};
	struct event *e;
	u32 i;

	for (i = 0; i < n; i++) {
		switch (list[i].kind) {
		case SHOW_NOTE:
			e = add_event(&l, list[i].step, EVENT_NOTE, (enum host)list[i].side);
			event_what(e, list[i].text);
			break;
		case SHOW_STATE:
			e = add_event(&l, list[i].step, EVENT_STATE, (enum host)list[i].side);
			e->new_state = list[i].state[0];
			break;
		default:
			segment(&l, &list[i]);
			break;
		}
	}
	draw_ladder(&l);
	for (i = 0; i < l.n; i++)
		free(l.event[i].what);
	free(l.event);
}
