// SPDX-License-Identifier: GPL-2.0
/*
 * The picture: two columns, time running down, as in the figures of a textbook.
 *
 *	     time     state | a segment's label                      | state
 *	                    |--------------------------------------->|
 *
 * What the client says is written from the left, what the server says from the
 * right.  A state change stands on the arrow that caused it when it follows at
 * once, and on a line with a time of its own when it comes later.
 */
#include "ladder.h"

#define TIME_WIDTH 10
#define STATE_WIDTH 12
#define LEFT_WIDTH (TIME_WIDTH + 1 + STATE_WIDTH + 1)	/* before the client's line */
#define FRAME (LEFT_WIDTH + 1 + 1 + 1 + STATE_WIDTH)	/* all but the middle */
#define MAX_TOKENS 20

/** struct glyphs - what lines are made of */
struct glyphs {
	const char *line;	/* a host's line */
	const char *gap;	/* the same while nothing happens */
	const char *dash;
	const char *right;	/* arrow heads */
	const char *left;
	const char *from_left;	/* where an arrow leaves a line */
	const char *from_right;
	const char *cross;	/* lost */
	const char *dots;
};

static const struct glyphs utf8_glyphs = {
	"│", "┊", "─", "▶", "◀", "├", "┤", "╳", "··",
};

static const struct glyphs ascii_glyphs = {
	"|", ":", "-", ">", "<", "|", "|", "X", "..",
};

#define C_RESET "\033[0m"
#define C_BOLD "\033[1m"
#define C_DIM "\033[2m"
#define C_RED "\033[1;31m"
#define C_GREEN "\033[1;32m"
#define C_YELLOW "\033[33m"
#define C_MAGENTA "\033[1;35m"
#define C_CYAN "\033[36m"

struct pen {
	const struct glyphs *g;
	bool colour;
	int middle;		/* columns between the two lines */
	bool steps;		/* times are numbers of steps */
	u64 start;		/* ns of the first event */
};

/** struct token - a word of a label and its colour */
struct token {
	char text[OPTIONS_TEXT];
	const char *colour;
};

/** struct cell - text that knows its width, as colours and glyphs have none or more */
struct cell {
	char text[2048];
	size_t used;
	int width;
};

static void cell_add(const struct pen *pen, struct cell *cell, const char *colour,
		     const char *text, int width)
{
	bool paint = pen->colour && colour;
	int n = snprintf(cell->text + cell->used, sizeof(cell->text) - cell->used, "%s%s%s",
			 paint ? colour : "", text, paint ? C_RESET : "");

	if (n > 0 && (size_t)n < sizeof(cell->text) - cell->used) {
		cell->used += (size_t)n;
		cell->width += width;
	}
	cell->text[cell->used] = '\0';
}

static void cell_ascii(const struct pen *pen, struct cell *cell, const char *colour,
		       const char *text)
{
	cell_add(pen, cell, colour, text, (int)strlen(text));
}

static void cell_fill(const struct pen *pen, struct cell *cell, const char *colour,
		      const char *glyph, int times)
{
	char text[512];
	size_t used = 0, len = strlen(glyph);

	for (int i = 0; i < times && used + len < sizeof(text); i++) {
		memcpy(text + used, glyph, len);
		used += len;
	}
	text[used] = '\0';
	if (times > 0)
		cell_add(pen, cell, colour, text, times);
}

/* One line of the picture; @when NULL leaves the time out, @left and @right are states. */
static void row_between(const struct pen *pen, const u64 *when, const char *left,
			const char *left_line, const struct cell *middle,
			const char *right_line, const char *right)
{
	const char *bold = pen->colour ? C_BOLD C_CYAN : "", *end = pen->colour ? C_RESET : "";
	char time[32] = "";
	u64 us;

	if (when && pen->steps) {
		snprintf(time, sizeof(time), "%llu", (unsigned long long)*when);
	} else if (when) {
		us = (*when - pen->start) / 1000;
		snprintf(time, sizeof(time), "%llu.%06llu", (unsigned long long)(us / USEC_PER_SEC),
			 (unsigned long long)(us % USEC_PER_SEC));
	}
	printf("%s%*s%s %s%*s%s %s%s%*s%s", pen->colour ? C_DIM : "", TIME_WIDTH, time, end,
	       bold, STATE_WIDTH, left ? left : "", end, left_line, middle->text,
	       pen->middle - middle->width > 0 ? pen->middle - middle->width : 0, "", right_line);
	if (right)
		printf(" %s%s%s", bold, right, end);
	putchar('\n');
}

static void row(const struct pen *pen, const u64 *when, const char *left,
		const struct cell *middle, const char *right)
{
	row_between(pen, when, left, pen->g->line, middle, pen->g->line, right);
}

static void empty_row(const struct pen *pen)
{
	struct cell middle = { 0 };

	row(pen, NULL, NULL, &middle, NULL);
}

/* A line of text between the columns, on the side it belongs to. */
static void text_row(const struct pen *pen, const u64 *when, const char *left,
		     const char *right, const struct cell *text, enum host side)
{
	struct cell middle = { 0 };
	int room = pen->middle - text->width - 1;

	cell_fill(pen, &middle, NULL, " ", side == CLIENT ? 1 : room);
	cell_add(pen, &middle, NULL, text->text, text->width);
	cell_fill(pen, &middle, NULL, " ", side == CLIENT ? room : 1);
	row(pen, when, left, &middle, right);
}

static void __printf(3, 4)
add_token(struct token *token, const char *colour, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(token->text, sizeof(token->text), format, args);
	va_end(args);
	token->colour = colour;
}

static const char *segment_colour(const struct event *e)
{
	if (e->seg.flags & TERN_RST)
		return C_RED;
	if (e->seg.flags & TERN_SYN)
		return C_GREEN;
	if (e->seg.flags & TERN_FIN)
		return C_MAGENTA;
	return e->seg.len ? C_BOLD : NULL;
}

static int number_tokens(const struct ladder *l, const struct event *e, struct token *t)
{
	static const char * const isn_name[SIDES] = { "client_isn", "server_isn" };
	const char *mine = isn_name[e->side], *theirs = isn_name[other_side(e->side)];
	u32 seq = tern_seq_bits(e->seg.seq), ack = tern_seq_bits(e->seg.ack);
	bool syn = e->seg.flags & TERN_SYN;
	int n = 0;

	if (l->opt.absolute && !syn)
		add_token(&t[n++], NULL, "seq=%u", seq);
	else if (syn)
		add_token(&t[n++], NULL, "seq=%s(%u)", mine, seq);
	else if (e->third)
		add_token(&t[n++], NULL, "seq=%s+1", mine);
	else
		add_token(&t[n++], NULL, "seq=%u", e->seq);
	if (!(e->seg.flags & TERN_ACK))
		return n;
	if (l->opt.absolute && !syn)
		add_token(&t[n++], NULL, "ack=%u", ack);
	else if (syn && e->ack == 1)
		add_token(&t[n++], NULL, "ack=%s+1(%u)", theirs, ack);
	else if (e->third || (e->seg.flags & TERN_RST && e->ack == 1))
		add_token(&t[n++], NULL, "ack=%s+1", theirs);
	else
		add_token(&t[n++], NULL, "ack=%u", e->ack);
	return n;
}

/* The first octets of the payload, as a programmer would write them. */
static void payload_token(const struct event *e, struct token *t)
{
	char text[4 * PAYLOAD_KEPT + 8];
	u32 shown = e->kept < 12 || e->seg.len == e->kept ? e->kept : 12;
	size_t n = 0;

	if (shown > 16)
		shown = 12;
	text[n++] = '"';
	for (u32 i = 0; i < shown; i++) {
		u8 c = e->payload[i];

		if (c == '\n' || c == '\r' || c == '\t') {
			text[n++] = '\\';
			text[n++] = c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
		} else if (c == '"' || c == '\\') {
			text[n++] = '\\';
			text[n++] = (char)c;
		} else {
			text[n++] = c < ' ' || c > '~' ? '.' : (char)c;
		}
	}
	text[n] = '\0';
	add_token(t, NULL, "%s\"%s", text, shown < e->seg.len ? "..." : "");
}

/*
 * Timestamps are on every segment once both ends have them, so that only the
 * handshake tells of them; their values are in the list.
 */
static int option_tokens(const struct ladder *l, const struct event *e, struct token *t)
{
	u32 base = l->opt.absolute ? 0 : tern_seq_bits(e->seg.ack) - e->ack;
	bool syn = e->seg.flags & TERN_SYN;
	int n = 0;

	if (e->seg.mss)
		add_token(&t[n++], NULL, "mss=%u", e->seg.mss);
	if (e->seg.sack_permitted)
		add_token(&t[n++], NULL, "SACK-permitted");
	if (syn && e->seg.has_ts)
		add_token(&t[n++], NULL, "TS");
	for (u32 i = 0; i < e->seg.n_sack; i++)
		add_token(&t[n++], C_YELLOW, "%s%u-%u", i ? "" : "SACK ",
			  tern_seq_bits(e->seg.sack[i].start) - base,
			  tern_seq_bits(e->seg.sack[i].end) - base);
	return n;
}

static int label_tokens(const struct ladder *l, const struct event *e, struct token *t)
{
	char flags[FLAGS_TEXT];
	int n = 0;

	add_token(&t[n++], segment_colour(e), "%s", flags_text(e->seg.flags, flags));
	n += number_tokens(l, e, t + n);
	add_token(&t[n++], NULL, "len=%u", e->seg.len);
	add_token(&t[n++], NULL, "win=%u", e->seg.wnd);
	n += option_tokens(l, e, t + n);
	if (e->kept)
		payload_token(e, &t[n++]);
	if (e->rexmit)
		add_token(&t[n++], C_YELLOW, "(sent again)");
	if (e->crossed)
		add_token(&t[n++], C_YELLOW, "(crossing)");
	if (e->old)
		add_token(&t[n++], C_YELLOW, "(sent long ago)");
	if (e->captured && e->csum == CSUM_BAD)
		add_token(&t[n++], C_RED, "BAD CHECKSUM");
	return n;
}

/*
 * The label, broken into lines that fit.  @left and @right are states that
 * belong to the first of them.
 */
static void draw_label(const struct pen *pen, const struct ladder *l, const struct event *e,
		       const char *left, const char *right)
{
	struct token tokens[MAX_TOKENS];
	int n = label_tokens(l, e, tokens), i = 0;
	bool first = true;

	while (i < n) {
		struct cell text = { 0 };

		do {
			if (text.width)
				cell_ascii(pen, &text, NULL, " ");
			cell_ascii(pen, &text, tokens[i].colour, tokens[i].text);
			i++;
		} while (i < n && text.width + 1 + (int)strlen(tokens[i].text) <= pen->middle - 2);
		text_row(pen, first ? &e->ns : NULL, first ? left : NULL,
			 first ? right : NULL, &text, e->side);
		first = false;
	}
}

static void draw_arrow(const struct pen *pen, const struct event *e, const char *left,
		       const char *right)
{
	const struct glyphs *g = pen->g;
	bool from_client = e->side == CLIENT;
	const char *colour = e->lost ? C_RED : segment_colour(e);
	struct cell middle = { 0 };
	int dashes = pen->middle - 1, way = pen->middle * 3 / 5;
	const char *word = e->lost ? "lost" : "late";

	if (!e->lost && !e->late) {
		if (!from_client)
			cell_add(pen, &middle, colour, g->left, 1);
		cell_fill(pen, &middle, colour, g->dash, dashes);
		if (from_client)
			cell_add(pen, &middle, colour, g->right, 1);
	} else if (from_client) {
		cell_fill(pen, &middle, colour, g->dash, way);
		cell_add(pen, &middle, colour, e->lost ? g->cross : g->gap, 1);
		cell_ascii(pen, &middle, colour, " ");
		cell_ascii(pen, &middle, colour, word);
	} else {
		cell_fill(pen, &middle, NULL, " ", pen->middle - way - 6);
		cell_ascii(pen, &middle, colour, word);
		cell_ascii(pen, &middle, colour, " ");
		cell_add(pen, &middle, colour, e->lost ? g->cross : g->gap, 1);
		cell_fill(pen, &middle, colour, g->dash, way);
	}
	row_between(pen, NULL, left, from_client ? g->from_left : g->line, &middle,
		    from_client ? g->line : g->from_right, right);
}

static void draw_gap(const struct pen *pen, u64 ns)
{
	const struct glyphs *g = pen->g;
	struct cell middle = { 0 };
	char text[48];
	int width;

	snprintf(text, sizeof(text), "%s %llu.%03llu s %s", g->dots,
		 (unsigned long long)(ns / NSEC_PER_SEC),
		 (unsigned long long)(ns % NSEC_PER_SEC / 1000000), g->dots);
	/* the dots are two columns each, however many octets they are */
	width = (int)strlen(text) - 2 * ((int)strlen(g->dots) - 2);
	cell_fill(pen, &middle, NULL, " ", (pen->middle - width) / 2);
	cell_add(pen, &middle, C_DIM, text, width);
	row_between(pen, NULL, NULL, g->gap, &middle, g->gap, NULL);
}

/* Words at the side they concern, broken into lines that fit. */
static void draw_words(const struct pen *pen, const struct event *e, const char *colour,
		       const char *words)
{
	bool first = true;

	while (*words) {
		int room = pen->middle - 2, len = (int)strlen(words);
		struct cell text = { 0 };
		char part[WHAT_LEN + 64];

		if (len > room) {
			for (len = room; len > 0 && words[len] != ' '; len--)
				;
			if (!len)
				len = room;
		}
		snprintf(part, sizeof(part), "%.*s", len, words);
		cell_ascii(pen, &text, colour, part);
		text_row(pen, first ? &e->ns : NULL, NULL, NULL, &text, e->side);
		words += len;
		while (*words == ' ')
			words++;
		first = false;
	}
}

static void draw_timeout(const struct pen *pen, const struct event *e)
{
	char text[128], length[32];

	snprintf(length, sizeof(length), "%llu.%03llu s",
		 (unsigned long long)(e->us / USEC_PER_SEC),
		 (unsigned long long)(e->us % USEC_PER_SEC / USEC_PER_MSEC));
	if (!strcmp(e->what, "REXMT"))
		snprintf(text, sizeof(text), "[timer: no ACK for %s]", length);
	else if (!strcmp(e->what, "PERSIST"))
		snprintf(text, sizeof(text), "[timer: window shut for %s]", length);
	else
		snprintf(text, sizeof(text), "[timer: %.40s after %s]", e->what, length);
	draw_words(pen, e, C_YELLOW, text);
}

static void draw_other(const struct ladder *l, const struct pen *pen, const struct event *e)
{
	char text[WHAT_LEN + 32];

	switch (e->kind) {
	case EVENT_TIMEOUT:
		draw_timeout(pen, e);
		break;
	case EVENT_NOTE:
		if (!l->opt.no_notes)
			draw_words(pen, e, C_DIM, e->what);
		break;
	case EVENT_HOLDS:
		snprintf(text, sizeof(text), "holds %s%s", e->what,
			 strcmp(e->what, "nothing") ? "" : " any more");
		draw_words(pen, e, C_CYAN, text);
		break;
	case EVENT_DROP:
		snprintf(text, sizeof(text), "[dropped: %s]", e->what);
		draw_words(pen, e, C_YELLOW, text);
		break;
	default:
		break;
	}
}

static bool drawn(const struct ladder *l, const struct event *e)
{
	return e->kind != EVENT_LOST && !e->attached &&
	       !(e->kind == EVENT_NOTE && l->opt.no_notes);
}

static void draw_state(const struct pen *pen, const struct event *e, const u64 *when)
{
	const char *name = tern_state_name(e->new_state);
	struct cell middle = { 0 };

	row(pen, when, e->side == CLIENT ? name : NULL, &middle,
	    e->side == SERVER ? name : NULL);
}

/* A segment, the state its sender entered in sending it, those it led to. */
static void draw_segment(const struct ladder *l, const struct pen *pen, const struct event *e)
{
	const char *start = NULL, *tip = NULL;
	bool from_client = e->side == CLIENT;
	u32 at = e->at_tip;

	if (e->at_start != NO_EVENT)
		start = tern_state_name(l->event[e->at_start].new_state);
	draw_label(pen, l, e, from_client ? start : NULL, from_client ? NULL : start);
	if (at != NO_EVENT) {
		tip = tern_state_name(l->event[at].new_state);
		at = l->event[at].next_state;
	}
	draw_arrow(pen, e, from_client ? NULL : tip, from_client ? tip : NULL);
	for (; at != NO_EVENT; at = l->event[at].next_state)
		draw_state(pen, &l->event[at], NULL);
}

static void draw_events(const struct ladder *l, const struct pen *pen)
{
	u64 last = 0;
	bool first = true;

	for (u32 i = 0; i < l->n; i++) {
		const struct event *e = &l->event[i];

		if (!drawn(l, e))
			continue;
		if (!first && e->ns - last >= l->opt.gap)
			draw_gap(pen, e->ns - last);
		else if (!first)
			empty_row(pen);
		first = false;
		last = e->ns;
		if (e->kind == EVENT_SEGMENT)
			draw_segment(l, pen, e);
		else if (e->kind == EVENT_STATE)
			draw_state(pen, e, &e->ns);
		else
			draw_other(l, pen, e);
	}
	empty_row(pen);
}

static void centre(char *line, int at, const char *text)
{
	int len = (int)strlen(text), start = at - len / 2;

	memcpy(line + (start < 0 ? 0 : start), text, (size_t)len);
}

static void trim(char *line, int size)
{
	while (size > 0 && line[size - 1] == ' ')
		size--;
	line[size] = '\0';
}

/* The addresses below the names; where there is no room for both, one below the other. */
static void draw_ends(const struct ladder *l, int client, int server, int width)
{
	char text[SIDES][ENDPOINT_TEXT], line[256];
	int len[SIDES];

	for (int side = 0; side < SIDES; side++) {
		endpoint_text(&l->end[side], text[side]);
		len[side] = (int)strlen(text[side]);
	}
	memset(line, ' ', sizeof(line));
	if (client + (len[CLIENT] + 1) / 2 + 2 <= server - len[SERVER] / 2 &&
	    server + (len[SERVER] + 1) / 2 <= width) {
		centre(line, client, text[CLIENT]);
		centre(line, server, text[SERVER]);
		trim(line, (int)sizeof(line) - 1);
		puts(line);
	} else {
		centre(line, client, text[CLIENT]);
		trim(line, (int)sizeof(line) - 1);
		printf("%s\n%*s\n", line, width, text[SERVER]);
	}
}

static void draw_heads(const struct ladder *l, const struct pen *pen)
{
	const int client = LEFT_WIDTH, server = LEFT_WIDTH + 1 + pen->middle;
	struct cell middle = { 0 };
	u8 c = l->first_state[CLIENT], s = l->first_state[SERVER];
	char names[256];

	memset(names, ' ', sizeof(names));
	centre(names, client, "client");
	centre(names, server, "server");
	trim(names, (int)sizeof(names) - 1);
	printf("%s%s%s\n", pen->colour ? C_BOLD : "", names, pen->colour ? C_RESET : "");
	if (!l->opt.steps)
		draw_ends(l, client, server, l->opt.width);
	row(pen, NULL, c ? tern_state_name(c) : NULL, &middle, s ? tern_state_name(s) : NULL);
	empty_row(pen);
}

static void draw_foot(const struct ladder *l, const struct pen *pen)
{
	u64 segments = l->csums[CSUM_OK] + l->csums[CSUM_PARTIAL] + l->csums[CSUM_BAD] +
		       l->csums[CSUM_UNKNOWN];

	if (pen->colour)
		fputs(C_DIM, stdout);
	printf("\n%llu segments captured; checksums: %llu right", (unsigned long long)segments,
	       (unsigned long long)l->csums[CSUM_OK]);
	if (l->csums[CSUM_PARTIAL])
		printf(", %llu left to hardware", (unsigned long long)l->csums[CSUM_PARTIAL]);
	if (l->csums[CSUM_BAD])
		printf(", %llu WRONG", (unsigned long long)l->csums[CSUM_BAD]);
	if (l->csums[CSUM_UNKNOWN])
		printf(", %llu unknown (cut off)", (unsigned long long)l->csums[CSUM_UNKNOWN]);
	fputs(".\nTimes are seconds since the first event: of a segment, when it passed the\n"
	      "interface it was captured at; of a state, when that side changed it.\n", stdout);
	if (l->other || l->other_records)
		printf("Of other connections: %llu segments, %llu records (see --client).\n",
		       (unsigned long long)l->other, (unsigned long long)l->other_records);
	if (l->malformed || l->cut || l->wrong_records)
		printf("Not drawn: %llu malformed, %llu cut off, %llu unreadable records.\n",
		       (unsigned long long)l->malformed, (unsigned long long)l->cut,
		       (unsigned long long)l->wrong_records);
	if (l->too_many)
		printf("Only the first %d events are drawn.\n", MAX_EVENTS);
	if (pen->colour)
		fputs(C_RESET, stdout);
}

void draw_ladder(const struct ladder *l)
{
	struct pen pen = {
		.g = l->opt.ascii ? &ascii_glyphs : &utf8_glyphs,
		.colour = l->opt.colour,
		.middle = l->opt.width - FRAME,
		.start = l->n ? l->event[0].ns : 0,
		.steps = l->opt.steps,
	};

	draw_heads(l, &pen);
	draw_events(l, &pen);
	if (!l->opt.steps)
		draw_foot(l, &pen);
}
