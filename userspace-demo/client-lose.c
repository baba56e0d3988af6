// SPDX-License-Identifier: GPL-2.0
/*
 * Segments lost on purpose: --lose DIRECTION:KIND:NUMBERS.
 *
 * Everything is counted per direction and kind from 1, retransmissions too, so
 * that "out:SYN:1" loses the first SYN and lets its retransmission pass.
 */
#include <strings.h>

#include "client.h"

static const char * const kind_names[LOSE_KINDS] = {
	[LOSE_SYN] = "SYN", [LOSE_SYN_ACK] = "SYN-ACK", [LOSE_ACK] = "ACK",
	[LOSE_LAST_ACK] = "LAST-ACK", [LOSE_DATA] = "DATA", [LOSE_FIN] = "FIN",
	[LOSE_RST] = "RST", [LOSE_ANY] = "ANY",
};

#define LOSE_MAX_NUMBER 1000000

static __noreturn void wrong_spec(const char *spec, const char *why)
{
	die(EXIT_USAGE,
	    "--lose '%s': %s; it reads out|in:KIND:N[,N or N-M]...\n"
	    "  with KIND one of SYN SYN-ACK ACK LAST-ACK DATA FIN RST ANY, as in out:SYN:1,3-5",
	    spec, why);
}

/* "3" or "3-5", up to a comma or the end; returns what follows it. */
static const char *parse_range(const char *spec, const char *text,
			       struct lose_rule *rule)
{
	char number[32];
	size_t len = strcspn(text, ",");
	char *dash;
	u64 from, to;

	if (len >= sizeof(number))
		wrong_spec(spec, "a number is too long");
	memcpy(number, text, len);
	number[len] = '\0';
	dash = strchr(number, '-');
	if (dash)
		*dash++ = '\0';
	if (!parse_number(number, 1, LOSE_MAX_NUMBER, &from))
		wrong_spec(spec, "numbers go from 1 to 1000000");
	to = from;
	if (dash && !parse_number(dash, from, LOSE_MAX_NUMBER, &to))
		wrong_spec(spec, "a range N-M needs N <= M <= 1000000");
	rule->from = (u32)from;
	rule->to = (u32)to;
	return text + len;
}

static u8 parse_kind(const char *spec, const char *text, size_t len)
{
	for (u8 i = 0; i < LOSE_KINDS; i++) {
		if (strlen(kind_names[i]) == len && !strncasecmp(text, kind_names[i], len))
			return i;
	}
	wrong_spec(spec, "unknown kind of segment");
}

void parse_lose(struct options *opt, const char *spec)
{
	struct lose_rule rule = { 0 };
	const char *text = spec;
	size_t len;

	if (!strncmp(text, "out:", 4)) {
		rule.dir = DIR_OUT;
		text += 4;
	} else if (!strncmp(text, "in:", 3)) {
		rule.dir = DIR_IN;
		text += 3;
	} else {
		wrong_spec(spec, "it must start with out: or in:");
	}
	len = strcspn(text, ":");
	rule.kind = parse_kind(spec, text, len);
	text += len;
	if (*text != ':')
		wrong_spec(spec, "it does not say which of them");
	do {
		text = parse_range(spec, text + 1, &rule);
		if (opt->n_lose == MAX_LOSE_RULES)
			die(EXIT_USAGE, "--lose: more than %d numbers and ranges",
			    MAX_LOSE_RULES);
		opt->lose[opt->n_lose++] = rule;
	} while (*text == ',');
}

/* Does the segment acknowledge the FIN that was sent against its direction? */
static bool acks_fin(const struct client *c, enum direction dir,
		     const struct tern_seg *seg)
{
	const struct tern_conn *conn = c->conn;

	if (c->phase == PHASE_TIME_WAIT)
		return dir == DIR_OUT && seg->ack == c->tw.rcv_nxt;
	if (!conn)
		return false;
	if (dir == DIR_OUT)
		return conn->fin_seen && seg->ack == tern_seq_add(conn->rcv_fin, 1);
	return conn->fin_queued && seg->ack == tern_seq_add(conn->snd_end, 1);
}

static u32 kinds_of(const struct client *c, enum direction dir,
		    const struct tern_seg *seg)
{
	u32 kinds = 1u << LOSE_ANY;

	if (seg->flags & TERN_SYN)
		kinds |= seg->flags & TERN_ACK ? 1u << LOSE_SYN_ACK : 1u << LOSE_SYN;
	if (seg->flags & TERN_RST)
		kinds |= 1u << LOSE_RST;
	if (seg->flags & TERN_FIN)
		kinds |= 1u << LOSE_FIN;
	if (seg->len)
		kinds |= 1u << LOSE_DATA;
	if (kinds == 1u << LOSE_ANY && seg->flags & TERN_ACK) {
		kinds |= 1u << LOSE_ACK;
		if (acks_fin(c, dir, seg))
			kinds |= 1u << LOSE_LAST_ACK;
	}
	return kinds;
}

/**
 * lose_segment() - count a segment, and say whether it is to be lost
 * @c: client
 * @dir: which way it goes
 * @seg: the segment
 */
bool lose_segment(struct client *c, enum direction dir, const struct tern_seg *seg)
{
	u32 kinds = kinds_of(c, dir, seg);
	bool lose = false;

	for (u32 kind = 0; kind < LOSE_KINDS; kind++) {
		if (kinds & 1u << kind)
			c->seen[dir][kind]++;
	}
	for (u32 i = 0; i < c->opt.n_lose; i++) {
		const struct lose_rule *rule = &c->opt.lose[i];
		u32 n = c->seen[dir][rule->kind];

		if (rule->dir == dir && kinds & 1u << rule->kind &&
		    n >= rule->from && n <= rule->to)
			lose = true;
	}
	if (lose)
		c->count.lost[dir]++;
	return lose;
}
