// SPDX-License-Identifier: GPL-2.0
/*
 * A sequence on both sides, step by step, and the shrinking of one that differs.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/differ/differ.h"

/* What is younger than this on one side only may just be late on the other. */
#define SETTLE (12 * MSEC)
#define SETTLE_TRIES 3
/* The longest that a retransmission of one side is waited for */
#define CATCH_UP_MAX (130 * SEC)

/* What a rule says of a step in which nothing differed */
#define HIDDEN 0x80000000u

bool verbose;
u64 steps_run, comparisons_made;
static bool counting = true;

void rules_count(bool on)
{
	counting = on;
}

static void clear_views(struct view *views)
{
	u32 i;

	for (i = 0; i < SIDES; i++) {
		views[i].n = 0;
		views[i].ret = 0;
		views[i].hash = 2166136261u;
		views[i].trouble = NULL;
	}
}

static void look(const struct sequence *sequence, struct view *views)
{
	u32 i;

	wire_collect(sequence, views);
	for (i = 0; i < SIDES; i++)
		side_look(&sides[i], &views[i]);
}

static bool sends_again(const struct view *view)
{
	return view->timer == 1 || view->timer == 4;
}

static bool has_rexmit(const struct view *view)
{
	u32 i;

	for (i = 0; i < view->n && !view->seen[i].rexmit; i++)
		;
	return i < view->n;
}

/*
 * The timers of both sides do not run out together: when one has sent something again,
 * and the other has not but will, it is waited for.
 */
static void catch_up(const struct sequence *sequence, struct view *views)
{
	u64 end = wire_now() + CATCH_UP_MAX;
	u32 i, late;

	for (i = 0; i < 4 && wire_now() < end; i++) {
		if (has_rexmit(&views[TERN]) == has_rexmit(&views[TCP]))
			return;
		late = has_rexmit(&views[TERN]) ? TCP : TERN;
		if (!sends_again(&views[late]))
			return;
		wire_sleep(views[late].due * MSEC + SETTLE);
		look(sequence, views);
	}
}

static void settle(const struct sequence *sequence, struct view *views)
{
	u32 tries;

	for (tries = 0; tries < SETTLE_TRIES; tries++) {
		if (same_segments(&views[TERN], &views[TCP]) &&
		    views[TERN].state == views[TCP].state)
			return;
		wire_sleep(SETTLE);
		look(sequence, views);
	}
}

static void do_step(const struct sequence *sequence, const struct step *step, u32 tsval,
		    struct view *views)
{
	u32 i;

	clear_views(views);
	if (step->kind == STEP_WAIT)
		wire_sleep((u64)step->arg * MSEC);
	for (i = 0; i < SIDES; i++) {
		if (step->kind == STEP_CALL) {
			views[i].ret = side_call(&sides[i], sequence, step, &views[i].hash);
			if (views[i].ret < 0)
				views[i].ret = -errno;
		} else if (step->kind == STEP_SEGMENT) {
			side_segment(&sides[i], sequence, step, tsval);
		}
	}
	look(sequence, views);
	catch_up(sequence, views);
	settle(sequence, views);
	steps_run++;
}

static void print_views(const struct step *step, u32 at, const struct view *views)
{
	char text[4096];
	u32 i;

	step_text(step, text, sizeof(text));
	printf("\t%u: %s\n", at + 1, text);
	for (i = 0; i < SIDES; i++) {
		view_text(&views[i], text, sizeof(text));
		printf("\t\t%-4s%s\n", sides[i].name, text);
	}
}

/* What the rules do not explain */
static u32 unexplained(struct moment *m, struct outcome *outcome)
{
	u32 i, explained;

	for (i = 0; i < n_rules && !outcome->ended; i++) {
		if (!m->differs && !rules[i].hidden)
			continue;
		explained = rules[i].explains(m) & (m->differs | (rules[i].hidden ? HIDDEN : 0));
		if (!explained)
			continue;
		m->differs &= ~explained;
		if (counting)
			rules[i].count++;
		if (verbose)
			printf("\t\t(%s)\n", rules[i].name);
		if (rules[i].ends)
			outcome->ended = &rules[i];
	}
	return m->differs;
}

/* When each side last answered what was of no use to it, for the limits on that */
static void note_answers(const struct moment *m)
{
	u32 i;

	for (i = 0; i < SIDES; i++) {
		if (m->step->kind == STEP_SEGMENT && m->view[i].n)
			sides[i].answered = m->now;
	}
}

void sequence_run(struct sequence *sequence, bool generate, struct outcome *outcome)
{
	static struct moment m;
	u32 goal = generate ? 4 + draw(28) : sequence->n, i;

	*outcome = (struct outcome){ .at = -1 };
	sides_begin(sequence);
	clear_views(m.view);
	look(sequence, m.view);
	m.sequence = sequence;
	m.side = sides;
	for (i = 0; i < goal && outcome->at < 0 && !outcome->ended; i++) {
		memcpy(m.before, m.view, sizeof(m.before));
		memcpy(m.was, sides, sizeof(m.was));
		if (generate)
			next_step(sequence, &m.view[TERN]);
		m.step = &sequence->step[i];
		m.now = wire_now();
		do_step(sequence, m.step, 1000000 + i * 10, m.view);
		m.differs = compare(&m);
		comparisons_made += ASPECTS;
		if (verbose)
			print_views(m.step, i, m.view);
		if (m.differs)
			leave_out_common(m.view);
		if (unexplained(&m, outcome)) {
			outcome->at = (int)i;
			outcome->differs = m.differs;
		}
		note_answers(&m);
	}
	sides_end();
}

/* The same kind of difference is still there with the steps [from, from + n) left out */
static bool differs_without(const struct sequence *sequence, u32 from, u32 n, u32 differs,
			    struct sequence *shorter)
{
	struct outcome outcome;

	*shorter = *sequence;
	memmove(&shorter->step[from], &shorter->step[from + n],
		(sequence->n - from - n) * sizeof(shorter->step[0]));
	shorter->n -= n;
	sequence_run(shorter, false, &outcome);
	if (outcome.at < 0 || !(outcome.differs & differs))
		return false;
	shorter->n = (u32)outcome.at + 1;
	return true;
}

/* Delta debugging: leave out runs of steps, shorter and shorter ones. */
void sequence_shrink(struct sequence *sequence, u32 differs)
{
	static struct sequence shorter;
	bool was_verbose = verbose;
	u32 n, from;

	verbose = false;
	rules_count(false);
	for (n = sequence->n / 2; n; n = n > 1 ? n / 2 : 0) {
		for (from = 0; from + n <= sequence->n && sequence->n > n;) {
			if (differs_without(sequence, from, n, differs, &shorter))
				*sequence = shorter;
			else
				from += n;
		}
	}
	rules_count(true);
	verbose = was_verbose;
}
