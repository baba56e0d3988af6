// SPDX-License-Identifier: GPL-2.0
/*
 * The transitions that the searches have seen: from which state, because of what, to
 * which state, and what was sent.  Each must be one of the table below, which says
 * where rfc9293 has it, and each of the table must have been seen.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/explore/explore.h"

#define SENDS 24
#define SEND_TEXT 48
#define CHAINS 64
#define LINE 256
#define FIGURE "figure 5"

struct rule {
	u8 from;
	u8 to;
	const char *event;
	const char *why;
};

#define END_USER "close() or shutdown()"
#define GIVE_UP "no answer to any retransmission"

/* In the order of the document */
static const struct rule rules[] = {
	{ TERN_CLOSED, TERN_LISTEN, "listen()", FIGURE },
	{ TERN_CLOSED, TERN_SYN_SENT, "connect()", FIGURE },
	{ TERN_LISTEN, TERN_SYN_RECEIVED, "SYN", FIGURE },
	{ TERN_LISTEN, TERN_CLOSED, "close()", FIGURE },
	{ TERN_SYN_SENT, TERN_ESTABLISHED, "SYN,ACK of our SYN", FIGURE },
	{ TERN_SYN_SENT, TERN_SYN_RECEIVED, "SYN", FIGURE },
	{ TERN_SYN_SENT, TERN_CLOSED, "close()", FIGURE },
	{ TERN_SYN_RECEIVED, TERN_ESTABLISHED, "ACK of our SYN", FIGURE },
	{ TERN_SYN_RECEIVED, TERN_FIN_WAIT_1, END_USER, FIGURE },
	{ TERN_SYN_RECEIVED, TERN_CLOSED, "RST",
	  FIGURE "; what a listener opened ends, and the listener is in LISTEN as before" },
	{ TERN_ESTABLISHED, TERN_FIN_WAIT_1, END_USER, FIGURE },
	{ TERN_ESTABLISHED, TERN_CLOSE_WAIT, "FIN", FIGURE },
	{ TERN_FIN_WAIT_1, TERN_FIN_WAIT_2, "ACK of our FIN", FIGURE },
	{ TERN_FIN_WAIT_1, TERN_CLOSING, "FIN", FIGURE },
	{ TERN_FIN_WAIT_2, TERN_TIME_WAIT, "FIN", FIGURE },
	{ TERN_CLOSING, TERN_TIME_WAIT, "ACK of our FIN", FIGURE },
	{ TERN_CLOSE_WAIT, TERN_LAST_ACK, END_USER, FIGURE },
	{ TERN_LAST_ACK, TERN_CLOSED, "ACK of our FIN", FIGURE },
	{ TERN_TIME_WAIT, TERN_CLOSED, "2 MSL have passed", FIGURE },

	{ TERN_SYN_RECEIVED, TERN_ESTABLISHED, "SYN,ACK of our SYN",
	  "simultaneous open, section 3.5 figure 7" },
	{ TERN_ESTABLISHED, TERN_CLOSE_WAIT, "octets in front of a FIN that came before",
	  "figure 5, in another order" },
	{ TERN_FIN_WAIT_1, TERN_CLOSING, "octets in front of a FIN that came before",
	  "figure 5, in another order" },
	{ TERN_FIN_WAIT_2, TERN_TIME_WAIT, "octets in front of a FIN that came before",
	  "figure 5, in another order" },
	{ TERN_TIME_WAIT, TERN_CLOSED, "SYN beyond the old numbers, for a listener",
	  "section 3.6.1: the wait ends early and the listener takes the SYN" },

	{ TERN_SYN_SENT, TERN_CLOSED, "RST,ACK of our SYN",
	  "section 3.10.7.3, second: nobody listens" },
	{ TERN_ESTABLISHED, TERN_CLOSED, "RST", "section 3.10.7.4, second" },
	{ TERN_FIN_WAIT_1, TERN_CLOSED, "RST", "section 3.10.7.4, second" },
	{ TERN_FIN_WAIT_2, TERN_CLOSED, "RST", "section 3.10.7.4, second" },
	{ TERN_CLOSE_WAIT, TERN_CLOSED, "RST", "section 3.10.7.4, second" },
	{ TERN_CLOSING, TERN_CLOSED, "RST", "section 3.10.7.4, second" },
	{ TERN_LAST_ACK, TERN_CLOSED, "RST", "section 3.10.7.4, second" },

	{ TERN_SYN_SENT, TERN_CLOSED, "abort()", "section 3.10.5" },
	{ TERN_SYN_RECEIVED, TERN_CLOSED, "abort()", "section 3.10.5" },
	{ TERN_ESTABLISHED, TERN_CLOSED, "abort()", "section 3.10.5" },
	{ TERN_FIN_WAIT_1, TERN_CLOSED, "abort()", "section 3.10.5" },
	{ TERN_FIN_WAIT_2, TERN_CLOSED, "abort()", "section 3.10.5" },
	{ TERN_CLOSE_WAIT, TERN_CLOSED, "abort()", "section 3.10.5" },
	{ TERN_CLOSING, TERN_CLOSED, "abort()", "section 3.10.5" },
	{ TERN_LAST_ACK, TERN_CLOSED, "abort()", "section 3.10.5" },
	{ TERN_ESTABLISHED, TERN_CLOSED, "close() with unread octets",
	  "section 3.6.1: the peer is told that octets were lost" },
	{ TERN_FIN_WAIT_1, TERN_CLOSED, "close() with unread octets", "section 3.6.1" },
	{ TERN_FIN_WAIT_2, TERN_CLOSED, "close() with unread octets", "section 3.6.1" },
	{ TERN_CLOSE_WAIT, TERN_CLOSED, "close() with unread octets", "section 3.6.1" },
	{ TERN_CLOSING, TERN_CLOSED, "close() with unread octets", "section 3.6.1" },
	{ TERN_LAST_ACK, TERN_CLOSED, "close() with unread octets", "section 3.6.1" },
	{ TERN_ESTABLISHED, TERN_CLOSED, "close() of its listener",
	  "section 3.10.5: nobody will accept it" },
	{ TERN_CLOSE_WAIT, TERN_CLOSED, "close() of its listener",
	  "section 3.10.5: nobody will accept it" },
	{ TERN_FIN_WAIT_1, TERN_CLOSED, "octets for a user who has gone", "section 3.6.1" },
	{ TERN_FIN_WAIT_2, TERN_CLOSED, "octets for a user who has gone", "section 3.6.1" },

	{ TERN_SYN_SENT, TERN_CLOSED, GIVE_UP, "section 3.8.3, R2" },
	{ TERN_SYN_RECEIVED, TERN_CLOSED, GIVE_UP, "section 3.8.3, R2" },
	{ TERN_ESTABLISHED, TERN_CLOSED, GIVE_UP, "section 3.8.3, R2" },
	{ TERN_FIN_WAIT_1, TERN_CLOSED, GIVE_UP, "section 3.8.3, R2" },
	{ TERN_CLOSE_WAIT, TERN_CLOSED, GIVE_UP, "section 3.8.3, R2" },
	{ TERN_CLOSING, TERN_CLOSED, GIVE_UP, "section 3.8.3, R2" },
	{ TERN_LAST_ACK, TERN_CLOSED, GIVE_UP, "section 3.8.3, R2" },
	{ TERN_ESTABLISHED, TERN_CLOSED, "no answer to any window probe",
	  "section 3.8.6.1: only a peer that answers may keep its window closed" },
	{ TERN_CLOSE_WAIT, TERN_CLOSED, "no answer to any window probe", "section 3.8.6.1" },
	{ TERN_FIN_WAIT_1, TERN_CLOSED, "no answer to any window probe", "section 3.8.6.1" },
	{ TERN_CLOSING, TERN_CLOSED, "no answer to any window probe", "section 3.8.6.1" },
	{ TERN_LAST_ACK, TERN_CLOSED, "no answer to any window probe", "section 3.8.6.1" },
	{ TERN_FIN_WAIT_2, TERN_CLOSED, "no FIN for long, and the user has gone",
	  "not in the RFC: what nobody will read is not waited for; 60 s by default" },
};

#define N_RULES (sizeof(rules) / sizeof(rules[0]))

/* What was sent when, in words; sorted */
struct sends {
	char text[SENDS][SEND_TEXT];
	u32 n;
	bool seen;
};

struct chain {
	char text[LINE];
};

static struct sends seen[N_RULES];
static struct chain chains[CHAINS];
static u32 n_chains;
static char stranger[LINE];
static bool overflow;

/* What a call sent */

static void flags_text(const struct tern_seg *seg, char *text)
{
	static const struct {
		u8 flag;
		const char *name;
	} flag[] = {
		{ TERN_FIN, "FIN" }, { TERN_SYN, "SYN" }, { TERN_RST, "RST" },
		{ TERN_ACK, "ACK" },
	};
	u32 i;

	*text = '\0';
	if (seg->len)
		strcat(text, "octets");
	for (i = 0; i < 4; i++) {
		if (!(seg->flags & flag[i].flag))
			continue;
		if (*text)
			strcat(text, ",");
		strcat(text, flag[i].name);
	}
}

static void sent_text(const struct step *step, char *text)
{
	char last[32] = "", one[32];
	struct tern_seg seg;
	u32 i;

	*text = '\0';
	for (i = 0; i < step->n_sent; i++) {
		host_seg(&step->sent[i], &seg);
		flags_text(&seg, one);
		/* several segments of octets are some octets */
		if (!strcmp(one, last) || strlen(text) + strlen(one) + 4 > SEND_TEXT)
			continue;
		if (*text)
			strcat(text, ", then ");
		strcat(text, one);
		strcpy(last, one);
	}
	if (!*text)
		strcpy(text, "nothing");
}

static void insert(struct sends *s, const char *text)
{
	u32 i, j;

	s->seen = true;
	for (i = 0; i < s->n && strcmp(s->text[i], text) < 0; i++)
		;
	if (i < s->n && !strcmp(s->text[i], text))
		return;
	if (s->n == SENDS) {
		overflow = true;
		return;
	}
	for (j = s->n++; j > i; j--)
		memcpy(s->text[j], s->text[j - 1], SEND_TEXT);
	strcpy(s->text[i], text);
}

/* Why a step from one state to the next was made */

static const char *segment_event(const struct tern_seg *seg, u8 from, u8 to)
{
	if (seg->flags & TERN_RST)
		return from == TERN_SYN_SENT ? "RST,ACK of our SYN" : "RST";
	if (to == TERN_SYN_RECEIVED)
		return "SYN";
	if (to == TERN_ESTABLISHED)
		return seg->flags & TERN_SYN ? "SYN,ACK of our SYN" : "ACK of our SYN";
	if (to == TERN_FIN_WAIT_2 || from == TERN_CLOSING || from == TERN_LAST_ACK)
		return "ACK of our FIN";
	if (to == TERN_CLOSED)
		return "octets for a user who has gone";
	return seg->flags & TERN_FIN ? "FIN" : "octets in front of a FIN that came before";
}

static const char *timer_event(u8 timer)
{
	if (timer == TERN_TIMER_FIN_WAIT_2)
		return "no FIN for long, and the user has gone";
	return timer == TERN_TIMER_PERSIST ? "no answer to any window probe" : GIVE_UP;
}

static const char *event(const struct step *step, u8 from, u8 to)
{
	switch (step->action.act) {
	case ACT_CONNECT:
		return "connect()";
	case ACT_SHUTDOWN:
		return from == TERN_SYN_SENT ? "close()" : END_USER;
	case ACT_CLOSE:
		if (to != TERN_CLOSED)
			return END_USER;
		return from == TERN_SYN_SENT ? "close()" : "close() with unread octets";
	case ACT_ABORT:
		return "abort()";
	case ACT_UNLISTEN:
		return "close() of its listener";
	case ACT_DELIVER:
		return segment_event(&step->seg, from, to);
	case ACT_TIMER:
		return timer_event(step->action.arg);
	case ACT_REQUEST:
		return GIVE_UP;
	default:
		return "?";
	}
}

static void note(u8 from, u8 to, const char *why, const char *sent)
{
	u32 i;

	for (i = 0; i < N_RULES; i++) {
		if (rules[i].from == from && rules[i].to == to &&
		    !strcmp(rules[i].event, why)) {
			insert(&seen[i], sent);
			return;
		}
	}
	if (!*stranger)
		snprintf(stranger, sizeof(stranger), "%s -> %s: %s", tern_state_name(from),
			 tern_state_name(to), why);
}

/* Several changes in one call are the steps they are, and listed together, too. */
static void note_chain(const struct step *step, const struct tern_result *res)
{
	char line[LINE], flags[32] = "";
	u32 i, j;
	int n;

	if (step->action.act == ACT_DELIVER)
		flags_text(&step->seg, flags);
	n = snprintf(line, sizeof(line), "| %s | %s", *flags ? flags :
		     event(step, res->old_state, res->path[0]),
		     tern_state_name(res->old_state));
	for (i = 0; i < res->path_len; i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, " → %s",
			      tern_state_name(res->path[i]));
	for (i = 0; i < n_chains && strcmp(chains[i].text, line) < 0; i++)
		;
	if (i < n_chains && !strcmp(chains[i].text, line))
		return;
	if (n_chains == CHAINS) {
		overflow = true;
		return;
	}
	for (j = n_chains++; j > i; j--)
		chains[j] = chains[j - 1];
	strcpy(chains[i].text, line);
}

static void note_result(const struct step *step, const struct tern_result *res)
{
	char sent[SEND_TEXT];
	u8 from = res->old_state;
	u32 i;

	sent_text(step, sent);
	for (i = 0; i < res->path_len; i++) {
		u8 to = res->path[i];

		note(from, to, event(step, from, to),
		     i + 1 < res->path_len ? "" : sent);
		from = to;
	}
	if (res->path_len > 1)
		note_chain(step, res);
}

void arrows_note(const struct world *w, const struct state *before,
		 const struct state *after, const struct step *step)
{
	u8 host = step->action.host;
	u32 i;

	/* those are not the protocol's */
	if (w->two_messages)
		return;
	if (step->action.act == ACT_LISTEN)
		note(TERN_CLOSED, TERN_LISTEN, "listen()", "nothing");
	else if (step->action.act == ACT_UNLISTEN)
		note(TERN_LISTEN, TERN_CLOSED, "close()", "nothing");
	else if (step->action.act == ACT_WAITED)
		note(TERN_TIME_WAIT, TERN_CLOSED, "2 MSL have passed", "nothing");
	else if (step->action.act == ACT_DELIVER && before->host[host].wait[0].used &&
		 !after->host[host].wait[0].used)
		note(TERN_TIME_WAIT, TERN_CLOSED, "SYN beyond the old numbers, for a listener",
		     "");
	for (i = 0; i < step->n_told; i++) {
		if (step->told[i].res.path_len)
			note_result(step, &step->told[i].res);
	}
}

/* The document */

static void write_table(FILE *out, bool figure)
{
	u32 i, j;

	for (i = 0; i < N_RULES; i++) {
		const char *comma = "";

		if (!strncmp(rules[i].why, FIGURE, strlen(FIGURE)) != figure ||
		    !seen[i].seen)
			continue;
		fprintf(out, "| %s | %s | %s | ", tern_state_name(rules[i].from),
			rules[i].event, tern_state_name(rules[i].to));
		for (j = 0; j < seen[i].n; j++) {
			if (!*seen[i].text[j])
				continue;
			fprintf(out, "%s%s", comma, seen[i].text[j]);
			comma = "; ";
		}
		if (!*comma)
			fputs("see below", out);
		if (figure)
			fprintf(out, " |\n");
		else
			fprintf(out, " | %s |\n", rules[i].why);
	}
}

static void write_diagram(FILE *out)
{
	u32 i;

	fputs("```mermaid\nstateDiagram-v2\n    [*] --> CLOSED\n", out);
	for (i = 0; i < N_RULES; i++) {
		if (!seen[i].seen || strncmp(rules[i].why, FIGURE, strlen(FIGURE)) != 0)
			continue;
		fprintf(out, "    %s --> %s : %s\n", tern_state_name(rules[i].from),
			tern_state_name(rules[i].to), rules[i].event);
	}
	fputs("```\n", out);
}

static void write_worlds(FILE *out)
{
	u32 i;

	for (i = 0; i < n_worlds; i++) {
		if (!worlds[i].large)
			fprintf(out, "| %s | %s |\n", worlds[i].name, worlds[i].what);
	}
}

void arrows_write(FILE *out)
{
	u32 i;

	/* in two parts: it is not this file's licence */
	fprintf(out, "<!-- SPDX-License-%s -->\n", "Identifier: GPL-2.0");
	fputs("<!-- Written by tests/explore (make explore); do not edit. -->\n"
	      "# The states, and every way from one to another\n\n"
	      "Nobody has written these tables by hand: a program has run two ends of the engine\n"
	      "through everything that can happen to them in the small worlds listed at the end,\n"
	      "and has noted each change of state. What a table does not have did not happen.\n\n"
	      "An event is a call of the user, a segment that arrives, or time that has passed. A\n"
	      "segment is named by what it does here: an *ACK of our FIN* may carry octets, too.\n"
	      "*Sent* is what the same call sent: what stands between semicolons are\n"
	      "alternatives, as more may have been waiting to be sent.\n\n"
	      "## RFC 9293, figure 5\n\n", out);
	write_diagram(out);
	fputs("\n| from | event | to | sent |\n| --- | --- | --- | --- |\n", out);
	write_table(out, true);
	fputs("\nOne arrow of the figure is not there: from LISTEN to SYN_SENT by SEND. A socket\n"
	      "that listens is never itself a connection, so there is nothing to send on\n"
	      "(section 3.10.2 leaves that to the implementation's calls).\n\n"
	      "The figure's arrow from SYN_RECEIVED to LISTEN is the one to CLOSED here: what a\n"
	      "listener opens is a connection of its own, and the listener stays where it is.\n\n"
	      "## Not in the figure\n\n"
	      "The figure leaves out resets, giving up, and what comes in another order.\n\n"
	      "| from | event | to | sent | where it comes from |\n"
	      "| --- | --- | --- | --- | --- |\n", out);
	write_table(out, false);
	fputs("\n## Several changes in one call\n\n"
	      "One segment can do several things; the tables above have each of them. *See below*\n"
	      "there means that the arrow was never the last one of its call.\n\n"
	      "| segment | states |\n| --- | --- |\n", out);
	for (i = 0; i < n_chains; i++)
		fprintf(out, "%s |\n", chains[i].text);
	fputs("\n## The worlds\n\n"
	      "| world | what for |\n| --- | --- |\n", out);
	write_worlds(out);
	fputs("\n`make explore` searches them, and larger ones, and prints how many states and\n"
	      "arrows each has; the head of tests/explore/state.c says what is held still.\n", out);
}

static u32 say(const char *name, const char *why)
{
	if (!*why) {
		printf("ok - explore: %s\n", name);
		return 0;
	}
	printf("not ok - explore: %s: %s\n", name, why);
	return 1;
}

u32 arrows_check(void)
{
	char missing[LINE] = "";
	u32 i, failed;

	for (i = 0; i < N_RULES && !*missing; i++) {
		if (!seen[i].seen)
			snprintf(missing, sizeof(missing), "%s -> %s: %s",
				 tern_state_name(rules[i].from), tern_state_name(rules[i].to),
				 rules[i].event);
	}
	failed = say("every arrow of RFC 9293 was seen", missing);
	failed += say("no arrow is there that RFC 9293 has not", stranger);
	failed += say("there is room for all that was seen", overflow ? "no" : "");
	return failed;
}

u32 arrows_count(void)
{
	u32 n = 0, i;

	for (i = 0; i < N_RULES; i++)
		n += seen[i].seen;
	return n;
}
