// SPDX-License-Identifier: GPL-2.0
/*
 * A failing script made short: whatever can be left out while the same law is broken
 * is left out (delta debugging), then numbers are made round and small.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

/* struct search - @tries: runs so far, of at most @most */
struct search {
	struct world *w;
	const char *law;
	u32 tries;
	u32 most;
	struct script trial;
};

static bool still_fails(struct search *search)
{
	if (search->tries >= search->most)
		return false;
	search->tries++;
	run_script(search->w, &search->trial);
	return search->w->law && !strcmp(search->w->law, search->law);
}

static void swap(struct script *a, struct script *b)
{
	struct script c = *a;

	*a = *b;
	*b = c;
}

/* Without the @n events from @first on */
static bool without(struct search *search, struct script *script, u32 first, u32 n)
{
	u32 i;

	script_clear(&search->trial);
	for (i = 0; i < script->n; i++) {
		if (i < first || i >= first + n)
			script_add(&search->trial, &script->event[i]);
	}
	if (!still_fails(search))
		return false;
	swap(script, &search->trial);
	return true;
}

/* From the end: what comes late depends on what was before, not the other way. */
static bool leave_out(struct search *search, struct script *script, u32 n)
{
	bool any = false;
	u32 end = script->n;

	while (end) {
		u32 first = end > n ? end - n : 0;

		any |= without(search, script, first, end - first);
		end = first;
	}
	return any;
}

static bool with(struct search *search, struct script *script, u32 i, const struct event *e)
{
	script_clear(&search->trial);
	for (u32 j = 0; j < script->n; j++)
		script_add(&search->trial, j == i ? e : &script->event[j]);
	if (!still_fails(search))
		return false;
	swap(script, &search->trial);
	return true;
}

/* Arguments that are amounts: 1, else half as much, as often as that goes. */
static void make_small(struct search *search, struct script *script, u32 i, u32 arg)
{
	struct event e = script->event[i];

	if (e.arg[arg] <= 1)
		return;
	e.arg[arg] = 1;
	if (with(search, script, i, &e))
		return;
	do {
		e = script->event[i];
		e.arg[arg] /= 2;
	} while (e.arg[arg] && with(search, script, i, &e));
}

static u64 round_time(u64 at, u64 unit)
{
	return at / unit * unit;
}

/* As early as the event before it, or at a round time. */
static void make_early(struct search *search, struct script *script, u32 i, u64 last)
{
	static const u64 units[] = { SEC, 100 * MSEC, 10 * MSEC, MSEC };
	struct event e = script->event[i];
	u32 unit;

	if (e.at == last)
		return;
	e.at = last;
	if (with(search, script, i, &e))
		return;
	for (unit = 0; unit < ARRAY_SIZE(units); unit++) {
		e = script->event[i];
		e.at = round_time(e.at, units[unit]);
		if (e.at > last && e.at < script->event[i].at &&
		    with(search, script, i, &e))
			return;
	}
}

static void make_simple(struct search *search, struct script *script)
{
	u64 last = 0;
	u32 i;

	for (i = 0; i < script->n; i++) {
		u8 verb = script->event[i].verb;

		if (verb == VERB_WRITE || verb == VERB_READ || verb == VERB_AGAIN ||
		    verb == VERB_LATE || verb == VERB_ISS)
			make_small(search, script, i, 1);
		if (verb < VERB_FATE) {
			make_early(search, script, i, last);
			last = script->event[i].at;
		}
	}
}

/* Return: how many runs it took; @w is as the last run left it. */
u32 shrink(struct world *w, struct script *script, const char *law, u32 most)
{
	struct search search = { .w = w, .law = law, .most = most };
	bool again = true;
	u32 n;

	for (n = script->n / 2; n > 1; n /= 2)
		leave_out(&search, script, n);
	while (again && search.tries < most) {
		again = false;
		if (script->n > 3)
			again |= leave_out(&search, script, 2);
		again |= leave_out(&search, script, 1);
		if (!again)
			make_simple(&search, script);
	}
	leave_out(&search, script, 1);
	free(search.trial.event);
	return search.tries;
}
