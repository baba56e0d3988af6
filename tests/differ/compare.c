// SPDX-License-Identifier: GPL-2.0
/*
 * What both sides did in a step, brought into one form and held together.
 *
 * Left out on purpose: the size of windows (only closed and open are told apart), PSH,
 * how a run of octets was cut into segments, and how often the same octets were sent
 * again in one step.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/differ/differ.h"

static u32 end_of(const struct seen *s)
{
	return s->seq + s->len + !!(s->flags & TERN_FIN);
}

static bool is_stream(const struct seen *s)
{
	return !(s->flags & (TERN_SYN | TERN_RST)) && (s->len || s->flags & TERN_FIN);
}

static bool same_options(const struct seen *a, const struct seen *b)
{
	return a->mss == b->mss && a->sack_ok == b->sack_ok && a->has_ts == b->has_ts &&
	       a->tsecr == b->tsecr && a->n_sack == b->n_sack &&
	       !memcmp(a->sack, b->sack, a->n_sack * sizeof(a->sack[0]));
}

static bool same_segment(const struct seen *a, const struct seen *b)
{
	if (a->flags != b->flags || a->seq != b->seq || a->ack != b->ack || a->len != b->len)
		return false;
	/* neither window nor blocks of a RST mean anything */
	if (a->flags & TERN_RST)
		return a->has_ts == b->has_ts && a->tsecr == b->tsecr;
	return !a->wnd == !b->wnd && same_options(a, b);
}

/* A run of octets that follow each other, with a FIN at the end, is one segment. */
static bool joins(const struct seen *last, const struct seen *next)
{
	return is_stream(last) && is_stream(next) && !(last->flags & TERN_FIN) &&
	       end_of(last) == next->seq && last->ack == next->ack &&
	       last->rexmit == next->rexmit;
}

static bool sent_already(const struct view *to, const struct seen *next)
{
	u32 i;

	for (i = 0; i < to->n; i++) {
		if (next->rexmit && same_segment(&to->seen[i], next))
			return true;
	}
	return false;
}

/* The form in which they are compared */
static void normal_form(const struct view *from, struct view *to)
{
	struct seen *last;
	u32 i;

	*to = *from;
	to->n = 0;
	for (i = 0; i < from->n; i++) {
		last = to->n ? &to->seen[to->n - 1] : NULL;
		if (last && joins(last, &from->seen[i])) {
			last->len += from->seen[i].len;
			last->flags |= from->seen[i].flags;
		} else if (!sent_already(to, &from->seen[i])) {
			to->seen[to->n++] = from->seen[i];
		}
	}
}

bool same_segments(const struct view *a, const struct view *b)
{
	static struct view form[SIDES];
	u32 i;

	normal_form(a, &form[TERN]);
	normal_form(b, &form[TCP]);
	if (form[TERN].n != form[TCP].n)
		return false;
	for (i = 0; i < form[TERN].n; i++) {
		if (!same_segment(&form[TERN].seen[i], &form[TCP].seen[i]))
			return false;
	}
	return true;
}

static void leave_out(struct view *view, u32 i)
{
	memmove(&view->seen[i], &view->seen[i + 1], (--view->n - i) * sizeof(view->seen[0]));
}

/* Is seen[i] sent again from the same place on as an earlier one? */
static bool repeats(const struct view *view, u32 i)
{
	u32 j;

	for (j = 0; j < i; j++) {
		if (view->seen[j].rexmit && view->seen[j].seq == view->seen[i].seq)
			return true;
	}
	return false;
}

/* How often a timer runs out in one step is not compared. */
static void leave_out_repetitions(struct view *view)
{
	u32 i;

	for (i = view->n; i--;) {
		if (view->seen[i].rexmit && repeats(view, i))
			leave_out(view, i);
	}
}

/*
 * Timers of both sides may have run out while the step was made: what both have sent
 * again is no answer to it.
 */
void leave_out_common(struct view *views)
{
	struct view *a = &views[TERN], *b = &views[TCP];
	u32 i, j;

	leave_out_repetitions(a);
	leave_out_repetitions(b);
	for (i = 0; i < a->n; i++) {
		if (!a->seen[i].rexmit || a->seen[i].flags & TERN_SYN)
			continue;
		for (j = 0; j < b->n; j++) {
			if (!b->seen[j].rexmit || a->seen[i].seq != b->seen[j].seq)
				continue;
			leave_out(a, i--);
			leave_out(b, j);
			break;
		}
	}
}

/* TCP makes FIN_WAIT_2 without a user wait as TIME_WAIT does, with the timer's number of that */
static u8 timer_of(const struct view *view)
{
	return view->state == TERN_FIN_WAIT_2 && view->timer == 3 ? 2 : view->timer;
}

u32 compare(const struct moment *m)
{
	const struct view *a = &m->view[TERN], *b = &m->view[TCP];
	u32 differs = 0;

	if (!same_segments(a, b))
		differs |= ASPECT_SEGMENTS;
	if (a->ret != b->ret)
		differs |= ASPECT_RETURN;
	if (a->state != b->state)
		differs |= ASPECT_STATE;
	if (a->poll != b->poll || a->listener_poll != b->listener_poll)
		differs |= ASPECT_POLL;
	if (a->state == b->state && timer_of(a) != timer_of(b))
		differs |= ASPECT_TIMER;
	if (a->unread != b->unread)
		differs |= ASPECT_UNREAD;
	if (a->hash != b->hash || a->trouble || b->trouble)
		differs |= ASPECT_DATA;
	return differs;
}

/* For a reader */

static size_t seen_text(const struct seen *s, char *text, size_t size)
{
	size_t n;
	u32 i;

	n = (size_t)snprintf(text, size, " %s seq %d", flags_text(s->flags), (int)s->seq);
	if (s->flags & TERN_ACK)
		n += (size_t)snprintf(text + n, size - n, " ack %d", (int)s->ack);
	if (s->len)
		n += (size_t)snprintf(text + n, size - n, " len %u", s->len);
	n += (size_t)snprintf(text + n, size - n, " wnd %u", s->wnd);
	if (s->mss)
		n += (size_t)snprintf(text + n, size - n, " mss %u", s->mss);
	if (s->sack_ok)
		n += (size_t)snprintf(text + n, size - n, " sackOK");
	if (s->has_ts)
		n += (size_t)snprintf(text + n, size - n, " ts %u", s->tsecr);
	for (i = 0; i < s->n_sack && n < size; i++)
		n += (size_t)snprintf(text + n, size - n, " sack %u:%u", s->sack[i][0],
				      s->sack[i][1]);
	if (s->rexmit)
		n += (size_t)snprintf(text + n, size - n, " again");
	return n + (size_t)snprintf(text + n, size - n, ";");
}

void view_text(const struct view *view, char *text, size_t size)
{
	size_t n = 0;
	u32 i;

	for (i = 0; i < view->n && n + 200 < size; i++)
		n += seen_text(&view->seen[i], text + n, size - n);
	if (!view->n)
		n += (size_t)snprintf(text, size, " nothing;");
	if (n + 100 > size)
		return;
	if (view->ret < 0)
		n += (size_t)snprintf(text + n, size - n, " %s",
				      strerrorname_np((int)-view->ret));
	else
		n += (size_t)snprintf(text + n, size - n, " returned %ld", view->ret);
	snprintf(text + n, size - n, " = %s timer %u %u ms poll %x listener %x unread %d%s%s",
		 tern_state_name(view->state), view->timer, view->due, (u32)view->poll,
		 (u32)view->listener_poll, view->unread, view->trouble ? ": " : "",
		 view->trouble ? view->trouble : "");
}
