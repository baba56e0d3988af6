// SPDX-License-Identifier: GPL-2.0
/*
 * What the wire does not show: states, timers and lost segments, out of the log
 * of tern-client and out of the kernel's trace.
 */
#include <errno.h>

#include "ladder.h"

#define LINE_LEN 1024

/* The value of "key=" in @line, up to a space; false when it is not there. */
static bool field(const char *line, const char *key, char *value, size_t size)
{
	const char *at = line;
	size_t len;

	while ((at = strstr(at, key))) {
		if (at == line || at[-1] == ' ')
			break;
		at++;
	}
	if (!at)
		return false;
	at += strlen(key);
	len = strcspn(at, " ");
	if (!len || len >= size)
		return false;
	memcpy(value, at, len);
	value[len] = '\0';
	return true;
}

static bool number_field(const char *line, const char *key, u64 max, u64 *value)
{
	char text[32];

	return field(line, key, text, sizeof(text)) && parse_number(text, 0, max, value);
}

static bool states_field(const char *line, u8 *old_state, u8 *new_state)
{
	char from[16], to[16];

	return field(line, "old=", from, sizeof(from)) && field(line, "new=", to, sizeof(to)) &&
	       parse_state(from, old_state) && parse_state(to, new_state);
}

static void add_state(struct ladder *l, u64 ns, enum host side, u8 old_state, u8 new_state)
{
	struct event *e;

	/* a listener is where the server's story starts, not a part of it */
	if (new_state == TERN_LISTEN) {
		if (!l->first_state[side])
			l->first_state[side] = TERN_LISTEN;
		return;
	}
	if (!l->first_state[side])
		l->first_state[side] = old_state;
	e = add_event(l, ns, EVENT_STATE, side);
	if (!e)
		return;
	e->old_state = old_state;
	e->new_state = new_state;
}

/* Two numbers with @between them, and what follows them in @end. */
static bool two_numbers(const char *text, char between, u32 *a, u32 *b, const char **end)
{
	u32 *number[] = { a, b };
	char copy[16];
	u64 n;

	for (int i = 0; i < 2; i++) {
		size_t len = strspn(text, "0123456789");

		if (len >= sizeof(copy))
			return false;
		memcpy(copy, text, len);
		copy[len] = '\0';
		if (!parse_number(copy, 0, UINT32_MAX, &n))
			return false;
		*number[i] = (u32)n;
		text += len;
		if (!i && *text++ != between)
			return false;
	}
	*end = text;
	return true;
}

/* What options_text() wrote; an option that is not there is no error. */
static bool options_fields(const char *line, struct tern_seg *seg)
{
	char text[OPTIONS_TEXT];
	const char *at = text;
	u32 start, end;
	u64 mss;

	if (field(line, "mss=", text, sizeof(text))) {
		if (!parse_number(text, 0, 65535, &mss))
			return false;
		seg->mss = (u16)mss;
	}
	seg->sack_permitted = strstr(line, " sack-permitted");
	if (field(line, "ts=", text, sizeof(text))) {
		if (!two_numbers(text, '/', &seg->tsval, &seg->tsecr, &at) || *at)
			return false;
		seg->has_ts = true;
	}
	if (!field(line, "sack=", text, sizeof(text)))
		return true;
	for (at = text; seg->n_sack < TERN_SACK_BLOCKS; at++) {
		if (!two_numbers(at, '-', &start, &end, &at))
			return false;
		seg->sack[seg->n_sack].start = tern_seq_of(start);
		seg->sack[seg->n_sack++].end = tern_seq_of(end);
		if (*at != ',')
			break;
	}
	return !*at;
}

/* A lost segment, as tern-client describes it. */
static bool add_lost(struct ladder *l, u64 ns, enum host side, const char *line)
{
	char dir[8], flags[FLAGS_TEXT];
	struct tern_seg seg = { 0 };
	u64 seq, ack, len, wnd;
	struct event *e;
	u8 bits;
	bool out;

	if (!field(line, "dir=", dir, sizeof(dir)) ||
	    !field(line, "flags=", flags, sizeof(flags)) || !parse_flags(flags, &bits) ||
	    !number_field(line, "seq=", UINT32_MAX, &seq) ||
	    !number_field(line, "ack=", UINT32_MAX, &ack) ||
	    !number_field(line, "len=", 65535, &len) ||
	    !number_field(line, "wnd=", UINT32_MAX, &wnd) || !options_fields(line, &seg))
		return false;
	seg.seq = tern_seq_of((u32)seq);
	seg.ack = tern_seq_of((u32)ack);
	seg.len = (u32)len;
	seg.wnd = (u32)wnd;
	seg.flags = bits;
	out = !strcmp(dir, "out");
	/* a segment that never reached the wire, or one that the capture has too */
	e = out ? add_event(l, ns, EVENT_SEGMENT, side) : add_event(l, ns, EVENT_LOST, side);
	if (!e)
		return true;
	e->lost = true;
	e->csum = CSUM_UNKNOWN;
	e->seg = seg;
	return true;
}

static bool add_text(struct ladder *l, u64 ns, enum host side, enum event_kind kind,
		     const char *text)
{
	struct event *e = add_event(l, ns, kind, side);

	if (e)
		event_what(e, text);
	return true;
}

static bool add_timeout(struct ladder *l, u64 ns, enum host side, const char *line)
{
	char timer[32];
	struct event *e;
	u64 us;

	if (!field(line, "timer=", timer, sizeof(timer)) ||
	    !number_field(line, "rto_us=", UINT64_MAX / 2, &us))
		return false;
	e = add_event(l, ns, EVENT_TIMEOUT, side);
	if (!e)
		return true;
	e->us = us;
	event_what(e, timer);
	return true;
}

static bool starts(const char **line, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*line, word, len))
		return false;
	*line += len;
	return true;
}

/* "state 40000 old=X new=Y": the port is the third word of the line. */
static bool log_port(const char *rest, bool state, u16 *port)
{
	char text[8];
	size_t len;
	u64 n;

	if (!state) {
		if (!number_field(rest, "port=", 65535, &n))
			return false;
	} else {
		len = strcspn(rest, " ");
		if (len >= sizeof(text))
			return false;
		memcpy(text, rest, len);
		text[len] = '\0';
		if (!parse_number(text, 0, 65535, &n))
			return false;
	}
	*port = (u16)n;
	return true;
}

static bool log_line(struct ladder *l, enum host side, char *line)
{
	const char *rest = strchr(line, ' ');
	u64 us, ns;
	u16 port;
	u8 from, to;
	bool state;

	if (!rest)
		return false;
	line[rest - line] = '\0';
	if (!parse_decimal_us(line, &us))
		return false;
	ns = us * 1000;
	rest++;
	if (starts(&rest, "note "))
		return add_text(l, ns, side, EVENT_NOTE, rest);
	state = !strncmp(rest, "state ", 6);
	if (!log_port(state ? rest + 6 : rest, state, &port))
		return false;
	if (port != l->end[side].port) {
		l->other_records++;
		return true;
	}
	if (state) {
		if (!states_field(rest, &from, &to))
			return false;
		add_state(l, ns, side, from, to);
		return true;
	}
	if (starts(&rest, "lost "))
		return add_lost(l, ns, side, rest);
	if (starts(&rest, "timeout "))
		return add_timeout(l, ns, side, rest);
	if (starts(&rest, "holds "))
		return add_text(l, ns, side, EVENT_HOLDS,
				!strncmp(rest, "nothing", 7) ? "nothing" : rest);
	return false;
}

/* Each line of @path to @one; a line that says nothing to us is counted. */
static void each_line(struct ladder *l, const char *path, enum host side,
		      bool (*one)(struct ladder *l, enum host side, char *line))
{
	FILE *f = fopen(path, "r");
	char line[LINE_LEN];
	size_t len;
	int c;

	if (!f)
		die(EXIT_ENVIRONMENT, "cannot read %s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		len = strlen(line);
		if (len && line[len - 1] == '\n') {
			line[len - 1] = '\0';
		} else if (!feof(f)) {	/* too long for anything we know */
			do
				c = fgetc(f);
			while (c != '\n' && c != EOF);
			l->wrong_records++;
			continue;
		}
		if (!one(l, side, line))
			l->wrong_records++;
	}
	if (ferror(f))
		die(EXIT_ENVIRONMENT, "cannot read %s: %s", path, strerror(errno));
	fclose(f);
}

void read_log(struct ladder *l, enum host side, const char *path)
{
	each_line(l, path, side, log_line);
}

/* The time stands before the event's name: "... 12.345678: tern_state: ..." */
static bool trace_time(const char *line, const char *event, u64 *us)
{
	char text[32];
	const char *end = event, *start;

	while (end > line && end[-1] == ' ')
		end--;
	if (end == line || *--end != ':')
		return false;
	start = end;
	while (start > line && start[-1] != ' ')
		start--;
	if ((size_t)(end - start) >= sizeof(text))
		return false;
	memcpy(text, start, (size_t)(end - start));
	text[end - start] = '\0';
	return parse_decimal_us(text, us);
}

static bool trace_side(struct ladder *l, const char *line, enum host *side)
{
	struct endpoint local, remote;
	char text[ENDPOINT_TEXT];

	if (!field(line, "local=", text, sizeof(text)) ||
	    !parse_endpoint(text, &local) ||
	    !field(line, "remote=", text, sizeof(text)) ||
	    !parse_endpoint(text, &remote))
		return false;
	for (*side = CLIENT; *side < SIDES; ++*side) {
		const struct endpoint *here = &l->end[*side], *there = &l->end[other_side(*side)];

		if (local.port != here->port)
			continue;
		if (address_equal(&local.addr, &here->addr) &&
		    address_equal(&remote.addr, &there->addr) && remote.port == there->port)
			return true;
		/* a listener has no peer, and may listen on any address */
		if (!remote.port && (address_equal(&local.addr, &here->addr) ||
				     address_is_any(&local.addr)))
			return true;
	}
	l->other_records++;
	return true;
}

static bool trace_line(struct ladder *l, enum host unused, char *line)
{
	const char *state = strstr(line, "tern_state:"), *drop = strstr(line, "tern_drop:");
	u64 us, shift = l->opt.trace_shift;
	char reason[64];
	enum host side;
	u8 from, to;

	(void)unused;
	if (!state && !drop)	/* the trace's own head lines, other events */
		return true;
	if (!trace_time(line, state ? state : drop, &us) || !trace_side(l, line, &side))
		return false;
	if (side == SIDES)
		return true;
	us = l->opt.trace_back ? us - shift : us + shift;
	if (drop)
		return field(line, "reason=", reason, sizeof(reason)) &&
		       add_text(l, us * 1000, side, EVENT_DROP, reason);
	if (!states_field(line, &from, &to))
		return false;
	/* a listening socket's own end is no part of this connection */
	if (from == TERN_LISTEN && to == TERN_CLOSED)
		return true;
	add_state(l, us * 1000, side, from, to);
	return true;
}

void read_trace(struct ladder *l, const char *path)
{
	each_line(l, path, SERVER, trace_line);
}
