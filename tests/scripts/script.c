// SPDX-License-Identifier: GPL-2.0
/*
 * One case: its statements are executed against the target, and what the target
 * says is held against them.  README.md has the language.
 *
 * The names that a script uses for sequence numbers are resolved from what a peer
 * can know: the segments that passed.  They stand for what held when the last
 * statement that makes something happen was begun.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scripts/run.h"

#define QUEUE_MAX 64
#define DELACK (40 * MSEC)

/**
 * struct model - what the peer knows
 * @iss: the target's initial sequence number, once @iss_known
 * @una: the most that we have acknowledged
 * @max: one past the highest that the target has sent
 * @left: what it has acknowledged last: the left edge of its window
 * @wnd: its window
 * @seq: of the segment that we sent last
 * @ack: the same
 * @end: one past that segment
 * @tsval: of the segment that the target sent last with a timestamp
 */
struct model {
	bool iss_known;
	u32 iss;
	u32 una;
	u32 max;
	u32 left;
	u32 wnd;
	u32 seq;
	u32 ack;
	u32 end;
	u32 tsval;
};

/** struct sent - a segment from the target that no statement has looked at yet */
struct sent {
	struct tern_seg seg;
	char options[WORD_MAX];
};

static struct run {
	struct model live;
	struct model then;
	struct ends ends;
	struct status before;	/* after the setup */
	u64 before_at;
	u64 begun;		/* the target's clock */
	u64 passed;		/* what the script let pass */
	struct sent queue[QUEUE_MAX];
	u32 n_queue;
	const char *at;		/* rest of the text */
	char *why;
} run;

static u32 wrapped;

u32 cases_wrapped(void)
{
	return wrapped;
}

static bool __attribute__((format(printf, 1, 2))) fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(run.why, WHY_MAX, format, args);
	va_end(args);
	return false;
}

/* Words */

/* The next word without taking it; an option list "<...>" is one word. */
static bool peek(char *word)
{
	const char *p = run.at + strspn(run.at, " \t\n");
	size_t n;

	if (p[0] == '<' && p[1] && !strchr(" \t\n", p[1]))
		n = strcspn(p, ">") + 1;
	else
		n = strcspn(p, " \t\n");
	if (!n || n >= WORD_MAX)
		return false;
	memcpy(word, p, n);
	word[n] = '\0';
	return true;
}

static bool next(char *word)
{
	if (!peek(word))
		return false;
	run.at += strspn(run.at, " \t\n");
	run.at += strlen(word);
	return true;
}

/* Takes the next word if it is @word. */
static bool take(const char *word)
{
	char got[WORD_MAX];

	return peek(got) && !strcmp(got, word) && next(got);
}

static bool is_operator(const char *word)
{
	return word[0] && !word[1] && strchr("<>!+=", word[0]);
}

/* A word that still belongs to the statement. */
static bool more(char *word)
{
	return peek(word) && !is_operator(word);
}

static bool number_of(const char *word, u32 *value)
{
	char *end;

	*value = (u32)strtoul(word, &end, 0);
	return end != word && !*end;
}

static bool take_number(u32 *value)
{
	char word[WORD_MAX];

	return more(word) && number_of(word, value) && next(word);
}

static bool take_time(u64 *us)
{
	static const struct {
		const char *unit;
		u64 us;
	} units[] = { { "us", 1 }, { "ms", MSEC }, { "s", SEC } };
	char word[WORD_MAX], *end;
	u64 value;
	size_t i;

	if (!more(word))
		return false;
	value = strtoull(word, &end, 10);
	for (i = 0; i < ARRAY_SIZE(units) && end != word; i++) {
		if (!strcmp(end, units[i].unit)) {
			*us = value * units[i].us;
			return next(word);
		}
	}
	return false;
}

/* Does a sequence number of this name exist?  @n: of so many characters */
static bool name_of(const char *name, size_t n, u32 *value)
{
	const struct model *m = &run.then;
	const struct {
		const char *name;
		u32 value;
	} names[] = {
		{ "iss", run.live.iss }, { "irs", settings.irs }, { "una", m->una },
		{ "max", m->max }, { "left", m->left }, { "inside", m->left + m->wnd / 2 },
		{ "right", m->left + m->wnd - 1 }, { "beyond", m->left + m->wnd },
		{ "seg.seq", m->seq }, { "seg.ack", m->ack }, { "seg.end", m->end },
		{ "tsval", m->tsval },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (strlen(names[i].name) == n && !strncmp(names[i].name, name, n)) {
			*value = names[i].value;
			return true;
		}
	}
	return false;
}

/* A sequence number: NAME, NUMBER, NAME+NUMBER, NAME-NUMBER */
static bool seq_of(const char *word, u32 *value)
{
	size_t n = strcspn(word, "+-");
	u32 offset = 0;

	if (number_of(word, value))
		return true;
	if ((word[n] && !number_of(word + n + 1, &offset)) || !name_of(word, n, value))
		return false;
	*value += word[n] == '-' ? 0u - offset : offset;
	return true;
}

/* Segments from the target */

static void log_seg(const char *way, const struct tern_seg *seg, const char *options)
{
	if (settings.verbose)
		printf("  %s %s seq iss%+d irs%+d ack iss%+d irs%+d len %u wnd %u %s\n", way,
		       flags_text(seg->flags),
		       (int)(tern_seq_bits(seg->seq) - run.live.iss),
		       (int)(tern_seq_bits(seg->seq) - settings.irs),
		       (int)(tern_seq_bits(seg->ack) - run.live.iss),
		       (int)(tern_seq_bits(seg->ack) - settings.irs),
		       seg->len, seg->wnd, options);
}

static void learn_iss(u32 iss)
{
	run.live.iss_known = true;
	run.live.iss = iss;
	run.live.una = iss;
	run.live.max = iss + 1;
}

/* What a segment tells the peer. */
static void learn(const struct tern_seg *seg)
{
	u32 end = tern_seq_bits(seg->seq) + seg->len + !!(seg->flags & TERN_FIN) +
		  !!(seg->flags & TERN_SYN);
	struct model *m = &run.live;

	if (seg->flags & TERN_RST)
		return;
	if (seg->flags & TERN_SYN && !m->iss_known)
		learn_iss(tern_seq_bits(seg->seq));
	if ((s32)(end - m->max) > 0)
		m->max = end;
	if (seg->flags & TERN_ACK)
		m->left = tern_seq_bits(seg->ack);
	if (seg->flags & (TERN_ACK | TERN_SYN))
		m->wnd = seg->wnd;
	if (seg->has_ts)
		m->tsval = seg->tsval;
}

static bool check_payload(const u8 *octets, const struct tern_seg *seg)
{
	u32 pos = tern_seq_bits(seg->seq) - run.live.iss - 1;
	u32 i;

	for (i = 0; i < seg->len; i++) {
		if (octets[seg->hlen + i] != payload_octet(pos + i))
			return fail("octet %u of the payload is wrong", i);
	}
	return true;
}

/* Everything the target has sent goes into the queue. */
static bool drain(void)
{
	u8 octets[SEG_MAX];
	struct sent *sent;
	enum tern_drop bad;
	u32 len;

	while ((len = settings.target->collect(octets, sizeof(octets)))) {
		if (run.n_queue == QUEUE_MAX)
			return fail("it sends without end");
		sent = &run.queue[run.n_queue++];
		bad = tern_parse(octets, len, &sent->seg);
		if (bad != TERN_DROP_NONE)
			return fail("it sent a malformed segment (%d)", bad);
		if (sent->seg.sport != run.ends.lport || sent->seg.dport != run.ends.rport)
			return fail("it sent %s from port %u to %u",
				    flags_text(sent->seg.flags), sent->seg.sport,
				    sent->seg.dport);
		options_text(octets + TERN_HDR_LEN, sent->seg.hlen - TERN_HDR_LEN,
			     sent->options, sizeof(sent->options));
		learn(&sent->seg);
		log_seg(">", &sent->seg, sent->options);
		if (!check_payload(octets, &sent->seg))
			return false;
	}
	if (settings.target->trouble())
		return fail("%s", settings.target->trouble());
	return true;
}

/* How a number reads in a message: from the nearer end of the two. */
static const char *seq_text(tern_seq seq, char *text)
{
	s32 from_iss = (s32)(tern_seq_bits(seq) - run.live.iss);
	s32 from_irs = (s32)(tern_seq_bits(seq) - settings.irs);

	if (!tern_seq_bits(seq))
		strcpy(text, "0");
	else if (run.live.iss_known && abs(from_iss) < abs(from_irs))
		sprintf(text, "iss%+d", from_iss);
	else
		sprintf(text, "irs%+d", from_irs);
	return text;
}

static const char *seg_text(const struct tern_seg *seg)
{
	static char text[160];
	char seq[32], ack[32];

	snprintf(text, sizeof(text), "%s seq %s ack %s len %u wnd %u", flags_text(seg->flags),
		 seq_text(seg->seq, seq), seg->flags & TERN_ACK ? seq_text(seg->ack, ack) : "-",
		 seg->len, seg->wnd);
	return text;
}

/* Nothing is left that no ">" has named. */
static bool quiet(void)
{
	if (run.n_queue)
		return fail("it also sent %s", seg_text(&run.queue[0].seg));
	return true;
}

/* A statement that makes something happen begins. */
static bool happen(void)
{
	run.then = run.live;
	return quiet();
}

/* < KIND ... */

/**
 * struct words - the words of a segment statement; empty when not given
 */
struct words {
	char seq[WORD_MAX];
	char ack[WORD_MAX];
	u8 flags;
	u32 len;
	u32 wnd;
	u32 least;	/* so many times */
	u32 most;
	bool has_wnd;
	bool has_options;
	char options[WORD_MAX];
};

/* "5", or "5..8" */
static bool read_times(const char *word, struct words *w)
{
	char rest;

	if (sscanf(word, "%u..%u%c", &w->least, &w->most, &rest) == 2)
		return w->least <= w->most;
	w->most = 0;
	if (!number_of(word, &w->least))
		return false;
	w->most = w->least;
	return true;
}

static bool read_field(const char *name, struct words *w)
{
	char word[WORD_MAX];

	if (!strcmp(name, "seq"))
		return more(word) && next(w->seq);
	if (!strcmp(name, "ack"))
		return more(word) && next(w->ack);
	if (!strcmp(name, "len"))
		return take_number(&w->len);
	if (!strcmp(name, "wnd")) {
		w->has_wnd = true;
		return take_number(&w->wnd);
	}
	if (!strcmp(name, "times"))
		return more(word) && next(word) && read_times(word, w);
	if (!strcmp(name, "opts") && next(word) && word[0] == '<') {
		w->has_options = true;
		snprintf(w->options, sizeof(w->options), "%.*s", (int)strlen(word) - 2, word + 1);
		return true;
	}
	return false;
}

/* @ours: we send it; what a script does not say follows from that */
static bool read_words(struct words *w, bool ours)
{
	char word[WORD_MAX];

	memset(w, 0, sizeof(*w));
	w->least = 1;
	w->most = 1;
	if (!next(word) || !flags_read(word, &w->flags))
		return fail("script: a kind of segment is missing at '%s'", run.at);
	while (more(word)) {
		next(word);
		if (!read_field(word, w))
			return fail("script: '%s' is no field of a segment, or has no value", word);
	}
	if (!w->seq[0] && w->flags & TERN_SYN)
		strcpy(w->seq, ours ? "irs" : "iss");
	else if (!w->seq[0])
		strcpy(w->seq, ours ? "left" : "max");
	if (!w->ack[0])
		strcpy(w->ack, ours ? "max" : "left");
	return true;
}

/* Options with numbers in the place of their names; @text has room for WORD_MAX. */
static bool resolve_options(const char *options, char *text)
{
	char word[WORD_MAX];
	size_t n = 0, len;
	u32 value;

	while (*options) {
		len = strcspn(options, " ,:");
		snprintf(word, sizeof(word), "%.*s", (int)len, options);
		if (len && name_of(word, strcspn(word, "+-"), &value) && seq_of(word, &value))
			snprintf(word, sizeof(word), "%u", value);
		n += (size_t)snprintf(text + n, WORD_MAX - n, "%s", word);
		options += len;
		if (*options && n + 1 < WORD_MAX)
			text[n++] = *options++;
		if (n + 1 >= WORD_MAX)
			return false;
	}
	text[n] = '\0';
	return true;
}

/* The segment of a statement, and what it tells the model. */
static void inject(const struct words *w, const struct options *options)
{
	struct model *m = &run.live;
	u8 octets[SEG_MAX];
	struct tern_seg seg;
	u32 len;

	seg = (struct tern_seg){
		.sport = run.ends.rport, .dport = run.ends.lport,
		.seq = tern_seq_of(m->seq), .flags = w->flags, .len = w->len,
		.wnd = w->has_wnd ? w->wnd : 65535, .pos = m->seq - settings.irs - 1,
	};
	if (w->flags & TERN_ACK)
		seg.ack = tern_seq_of(m->ack);
	m->end = m->seq + w->len + !!(w->flags & TERN_SYN) + !!(w->flags & TERN_FIN);
	if (w->flags & TERN_ACK && (s32)(m->ack - m->una) > 0 && (s32)(m->ack - m->max) <= 0)
		m->una = m->ack;
	run.then.seq = m->seq;
	run.then.ack = m->ack;
	run.then.end = m->end;

	log_seg("<", &seg, w->options);
	len = seg_put(&seg, options, octets);
	settings.target->inject(octets, len);
}

static bool do_inject(void)
{
	struct model *m = &run.live;
	struct options options;
	char text[WORD_MAX];
	struct words w;
	u32 i;

	if (!read_words(&w, true))
		return false;
	if (!seq_of(w.seq, &m->seq) || !seq_of(w.ack, &m->ack))
		return fail("script: no number '%s' or '%s'", w.seq, w.ack);
	if (w.len > 1400 || w.least != w.most || !resolve_options(w.options, text) ||
	    !options_read(text, &options))
		return fail("script: too long, or no options: '%s'", w.options);
	for (i = 0; i < w.least; i++) {
		inject(&w, &options);
		if (!drain())
			return false;
		/* as many more as it has octets */
		m->seq += w.len;
	}
	return true;
}

/* < ICMP ... */

static bool read_icmp_kind(struct icmp_error *icmp)
{
	static const char *const kinds[] = {
		[ICMP_IS_UNREACH] = "unreach",
		[ICMP_IS_TIME_EXCEEDED] = "time-exceeded",
		[ICMP_IS_TOO_BIG] = "too-big",
	};
	char word[WORD_MAX];
	u8 i;

	if (!next(word))
		return false;
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i], word))
			continue;
		icmp->kind = i;
		if (i == ICMP_IS_TOO_BIG)
			return true;
		if (!more(word) || !next(word) || strlen(word) >= sizeof(icmp->code))
			return false;
		strcpy(icmp->code, word);
		return true;
	}
	return false;
}

static bool do_icmp(void)
{
	struct icmp_error icmp = { .seq = run.then.una, .ends = run.ends };
	char word[WORD_MAX], value[WORD_MAX];

	if (!read_icmp_kind(&icmp))
		return fail("script: no such ICMP error at '%s'", run.at);
	while (more(word)) {
		next(word);
		if (strcmp(word, "seq") && strcmp(word, "mtu"))
			return fail("script: '%s' is no field of an ICMP error", word);
		if (!more(value) || !next(value) ||
		    !seq_of(value, word[0] == 's' ? &icmp.seq : &icmp.mtu))
			return fail("script: '%s' wants a number", word);
	}
	if (settings.verbose)
		printf("  < ICMP %u %s seq iss%+d mtu %u\n", icmp.kind, icmp.code,
		       (int)(icmp.seq - run.live.iss), icmp.mtu);
	if (!settings.target->icmp)
		return fail("script: this target knows no ICMP");
	settings.target->icmp(&icmp);
	return drain();
}

static bool do_arrive(void)
{
	if (!happen())
		return false;
	return take("ICMP") ? do_icmp() : do_inject();
}

/* > KIND ... */

static bool same_seq(const char *word, tern_seq got, u32 offset)
{
	u32 want;

	if (!strcmp(word, "any"))
		return true;
	if (!strcmp(word, "later"))
		return (s32)(tern_seq_bits(got) - run.then.max) > 0;
	return seq_of(word, &want) && want + offset == tern_seq_bits(got);
}

/* "any" in the place of a number is any number. */
static bool same_options(const char *want, const char *got)
{
	while (*want) {
		if (!strncmp(want, "any", 3)) {
			want += 3;
			if (!strspn(got, "0123456789"))
				return false;
			got += strspn(got, "0123456789");
		} else if (*want++ != *got++) {
			return false;
		}
	}
	return !*got;
}

/* @offset: how far behind its @seq, for the further ones of several */
static bool is_expected(const struct words *w, const char *options, const struct sent *sent,
			u32 offset)
{
	/* an RST that answers a segment opens no window */
	if (w->flags & TERN_RST && sent->seg.wnd)
		return false;
	return (sent->seg.flags & ~TERN_PSH) == w->flags && sent->seg.len == w->len &&
	       same_seq(w->seq, sent->seg.seq, offset) &&
	       (!(w->flags & TERN_ACK) || same_seq(w->ack, sent->seg.ack, 0)) &&
	       (!w->has_wnd || w->wnd == sent->seg.wnd) &&
	       (!w->has_options || same_options(options, sent->options));
}

static void dequeue(void)
{
	run.n_queue--;
	memmove(run.queue, run.queue + 1, run.n_queue * sizeof(run.queue[0]));
}

static bool do_expect(void)
{
	const struct sent *sent = &run.queue[0];
	const char *begin = run.at;
	char options[WORD_MAX];
	struct words w;
	u32 i;

	if (take("nothing"))
		return quiet();
	if (!read_words(&w, false))
		return false;
	if (!resolve_options(w.options, options))
		return fail("script: no options: '%s'", w.options);
	for (i = 0; i < w.most; i++) {
		if (!run.n_queue && i >= w.least)
			break;
		if (!run.n_queue)
			return fail("it did not send%.*s", (int)(run.at - begin), begin);
		if (!is_expected(&w, options, sent, i * w.len)) {
			if (i >= w.least)
				break;
			return fail("it sent %s <%s>, not%.*s", seg_text(&sent->seg),
				    sent->options, (int)(run.at - begin), begin);
		}
		if (w.flags & TERN_SYN && tern_seq_bits(sent->seg.seq) != run.live.iss)
			learn_iss(tern_seq_bits(sent->seg.seq));
		dequeue();
	}
	return true;
}

/* ! CALL [N] and + TIME */

static bool do_sysctl(void)
{
	char name[WORD_MAX];
	const char *bad;
	u32 value;

	if (!next(name) || !take_number(&value))
		return fail("script: sysctl wants a name and a number");
	bad = settings.target->sysctl(name, value);
	return bad ? fail("sysctl %s: %s", name, bad) : drain();
}

static const char *user_call(const char *name, const u32 *args)
{
	const struct call *call;

	for (call = settings.target->calls; call->name; call++) {
		if (!strcmp(call->name, name))
			return call->call(args);
	}
	return "no such call";
}

static bool do_call(void)
{
	u32 args[ARGS_MAX] = { 0 };
	char name[WORD_MAX];
	const char *bad;
	int i;

	if (!happen() || !next(name))
		return false;
	if (!strcmp(name, "sysctl"))
		return do_sysctl();
	for (i = 0; i < ARGS_MAX && take_number(&args[i]); i++)
		;
	if (settings.verbose)
		printf("  ! %s %u\n", name, args[0]);
	bad = user_call(name, args);
	if (bad)
		return fail("%s: %s", name, bad);
	return drain();
}

static bool pass(u64 us)
{
	if (!happen())
		return false;
	run.passed += us;
	settings.target->pass(us);
	return drain();
}

static bool do_pass(void)
{
	u64 us;

	if (!take_time(&us))
		return fail("script: no time at '%s'", run.at);
	return pass(us);
}

/* = STATE ... */

static const char *const timers[] = {
	[TIMER_NONE] = "none",
	[TIMER_REXMT] = "rexmt",
	[TIMER_PERSIST] = "persist",
	[TIMER_FIN_WAIT_2] = "fin_wait_2",
	[TIMER_TIME_WAIT] = "time_wait",
	[TIMER_KEEPALIVE] = "keepalive",
};

/* How late the target is by its own clock. */
static u64 lateness(void)
{
	return settings.target->now() - run.begun - run.passed;
}

static bool check_left(const struct status *got, u64 left)
{
	u64 slack = settings.target->slack;

	if (got->left > left + slack || got->left + lateness() + slack < left)
		return fail("the timer %s has %llu us left, not %llu", timers[got->timer],
			    (unsigned long long)got->left, (unsigned long long)left);
	return true;
}

/* The timer DELACK: nothing now, and within its time an ACK of all that came. */
static bool check_delack(void)
{
	u32 end = run.live.end;
	const struct tern_seg *seg = &run.queue[0].seg;

	if (!pass(DELACK + settings.target->slack))
		return false;
	if (!run.n_queue)
		return fail("no delayed ACK came");
	if (seg->flags != TERN_ACK || seg->len || tern_seq_bits(seg->ack) != end ||
	    tern_seq_bits(seg->seq) != run.then.max)
		return fail("it sent %s as delayed ACK", seg_text(seg));
	dequeue();
	return true;
}

/* The timer is the one that ran after the setup, and nobody has touched it. */
static bool check_same_timer(const struct status *got)
{
	u64 left = run.before.left - (settings.target->now() - run.before_at);
	u64 slack = settings.target->slack;

	if (got->timer != run.before.timer)
		return fail("the timer is %s, no longer %s", timers[got->timer],
			    timers[run.before.timer]);
	if (got->timer && (got->left > left + slack || got->left + slack < left))
		return fail("the timer %s was moved: %llu us left, not %llu", timers[got->timer],
			    (unsigned long long)got->left, (unsigned long long)left);
	return true;
}

static bool check_timer(const struct status *got)
{
	char word[WORD_MAX];
	size_t i;
	u64 left;

	if (take("delack"))
		return check_delack();
	if (take("same"))
		return check_same_timer(got);
	if (!more(word))
		return fail("script: which timer?");
	for (i = 0; i < ARRAY_SIZE(timers); i++) {
		if (strcmp(word, timers[i]))
			continue;
		next(word);
		if (got->timer != i)
			return fail("the timer is %s (%llu us left), not %s", timers[got->timer],
				    (unsigned long long)got->left, word);
		return !take_time(&left) || check_left(got, left);
	}
	return fail("script: no timer '%s'", word);
}

static bool check_error(const struct status *got, char *word)
{
	static const struct {
		const char *name;
		int error;
		int or_error;
	} errors[] = {
		{ "ok", 0, 0 },
		/* as for TCP: EPIPE when the peer had closed */
		{ "reset", ECONNRESET, EPIPE },
		{ "refused", ECONNREFUSED, ECONNREFUSED },
		{ "timedout", ETIMEDOUT, ETIMEDOUT },
		{ "ENETUNREACH", ENETUNREACH, ENETUNREACH },
		{ "EHOSTUNREACH", EHOSTUNREACH, EHOSTUNREACH },
		{ "ECONNREFUSED", ECONNREFUSED, ECONNREFUSED },
		{ "EHOSTDOWN", EHOSTDOWN, EHOSTDOWN },
		{ "ENONET", ENONET, ENONET },
		{ "EOPNOTSUPP", EOPNOTSUPP, EOPNOTSUPP },
		{ "EACCES", EACCES, EACCES },
		{ "EPROTO", EPROTO, EPROTO },
	};
	size_t i;

	if (!strcmp(word, "error") && more(word))
		next(word);
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		if (strcmp(errors[i].name, word))
			continue;
		if (!got->user)
			return fail("there is no user to see '%s'", word);
		if (got->error != errors[i].error && got->error != errors[i].or_error)
			return fail("the user sees error %d, not %s", got->error, word);
		return true;
	}
	return fail("script: what is '%s'?", word);
}

static bool check_rest(const struct status *got)
{
	char word[WORD_MAX];
	u32 n;

	while (more(word)) {
		next(word);
		if (!strcmp(word, "unread") && take_number(&n)) {
			if (got->unread != n)
				return fail("%u octets can be read, not %u", got->unread, n);
		} else if (!strcmp(word, "waiting") && take_number(&n)) {
			if (got->waiting != n)
				return fail("%u connections wait for accept, not %u",
					    got->waiting, n);
		} else if (!check_error(got, word)) {
			return false;
		}
	}
	return true;
}

static bool check_unchanged(const struct status *got)
{
	char word[WORD_MAX];

	if (got->state != run.before.state)
		return fail("the state is %s, no longer %s", tern_state_name(got->state),
			    tern_state_name(run.before.state));
	if (got->unread != run.before.unread)
		return fail("%u octets can be read, no longer %u", got->unread,
			    run.before.unread);
	/* unless another one is named */
	if (got->error != run.before.error && (!peek(word) || strcmp(word, "error")))
		return fail("the user sees error %d", got->error);
	return check_same_timer(got);
}

static bool do_status(void)
{
	struct status got;
	char word[WORD_MAX];

	if (!quiet() || !next(word))
		return false;
	settings.target->status(&got);
	if (settings.verbose)
		printf("  = %s %s %llu us\n", tern_state_name(got.state), timers[got.timer],
		       (unsigned long long)got.left);
	if (!strcmp(word, "unchanged"))
		return check_unchanged(&got) && check_rest(&got);
	if (strcmp(tern_state_name(got.state), word))
		return fail("the state is %s, not %s", tern_state_name(got.state), word);
	if (got.state != TERN_CLOSED && got.state != TERN_LISTEN && !check_timer(&got))
		return false;
	return check_rest(&got);
}

/* All of a text */

static bool execute(const char *text)
{
	char word[WORD_MAX];
	bool ok;

	run.at = text;
	while (next(word)) {
		switch (is_operator(word) ? word[0] : 0) {
		case '<':
			ok = do_arrive();
			break;
		case '>':
			ok = do_expect();
			break;
		case '!':
			ok = do_call();
			break;
		case '+':
			ok = do_pass();
			break;
		case '=':
			ok = do_status();
			break;
		default:
			ok = fail("script: what is '%s'?", word);
		}
		if (!ok)
			return false;
	}
	return quiet();
}

static bool execute_case(const char *state, const char *setup, const char *text)
{
	if (!execute(setup))
		return false;
	settings.target->status(&run.before);
	run.before_at = settings.target->now();
	if (strcmp(tern_state_name(run.before.state), state))
		return fail("the setup leads to %s", tern_state_name(run.before.state));
	if (settings.verbose)
		printf("  -- %s\n", text);
	return execute(text);
}

bool case_run(const char *state, const char *setup, const char *text, char *why)
{
	bool ok;

	memset(&run, 0, sizeof(run));
	run.why = why;
	why[0] = '\0';
	settings.target->begin(&run.ends);
	run.live.left = settings.irs;
	run.live.wnd = 65536;
	run.begun = settings.target->now();
	ok = execute_case(state, setup, text);
	if (!ok && !why[0])
		fail("script: it ends too early");
	wrapped += run.live.iss_known && run.live.max < run.live.iss;
	settings.target->end();
	return ok;
}

bool case_kind(const char *text, u8 *flags, char *seq, char *ack)
{
	char word[WORD_MAX], why[WHY_MAX];
	struct words w;

	memset(&run, 0, sizeof(run));
	run.why = why;
	run.at = text;
	while (next(word)) {
		if (strcmp(word, "<"))
			continue;
		if (!read_words(&w, true))
			return false;
		*flags = w.flags;
		strcpy(seq, w.seq);
		strcpy(ack, w.flags & TERN_ACK ? w.ack : "");
		return true;
	}
	return false;
}
