// SPDX-License-Identifier: GPL-2.0
/*
 * One line an event, for programs and for grep.
 *
 *	TIME client>server SYN seq=0 ack=0 len=0 win=65535 mss=1460 sack-permitted ts=5/0 csum=ok
 *	TIME server state LISTEN SYN_RECEIVED
 *	TIME client lost out ACK seq=1 ack=1 len=0 win=65535 ts=9/7 sack=101-201
 *	TIME client timeout REXMT 1.000000
 *	TIME client holds nothing
 *
 * TIME is seconds since the first event, ts= a timestamp and the one it echoes.
 */
#include "ladder.h"

static const char * const side_names[SIDES] = { "client", "server" };

static void print_header(const struct ladder *l, const struct event *e)
{
	char flags[FLAGS_TEXT], options[OPTIONS_TEXT];
	bool absolute = l->opt.absolute;

	printf("%s seq=%u ack=%u len=%u win=%u", flags_text(e->seg.flags, flags),
	       absolute ? tern_seq_bits(e->seg.seq) : e->seq,
	       absolute ? tern_seq_bits(e->seg.ack) : e->ack, e->seg.len, e->seg.wnd);
	fputs(options_text(&e->seg, absolute ? 0 : tern_seq_bits(e->seg.ack) - e->ack,
			   l->opt.no_times ? TS_PRESENT : TS_VALUES, options), stdout);
}

static void print_segment(const struct ladder *l, const struct event *e)
{
	static const char * const csum[] = {
		[CSUM_OK] = "ok", [CSUM_PARTIAL] = "partial",
		[CSUM_BAD] = "BAD", [CSUM_UNKNOWN] = "unknown",
	};

	if (!e->captured) {
		printf("%s lost out ", side_names[e->side]);
		print_header(l, e);
	} else {
		printf("%s>%s ", side_names[e->side], side_names[other_side(e->side)]);
		print_header(l, e);
		printf(" csum=%s", csum[e->csum]);
	}
	if (e->rexmit)
		fputs(" rexmit", stdout);
	if (e->captured && e->lost)
		fputs(" lost", stdout);
	if (e->crossed)
		fputs(" crossed", stdout);
}

static void print_event(const struct ladder *l, const struct event *e)
{
	const char *side = side_names[e->side];

	switch (e->kind) {
	case EVENT_SEGMENT:
		print_segment(l, e);
		break;
	case EVENT_STATE:
		printf("%s state %s %s", side, tern_state_name(e->old_state),
		       tern_state_name(e->new_state));
		break;
	case EVENT_LOST:
		printf("%s lost in ", side);
		print_header(l, e);
		break;
	case EVENT_TIMEOUT:
		printf("%s timeout %s %llu.%06llu", side, e->what,
		       (unsigned long long)(e->us / USEC_PER_SEC),
		       (unsigned long long)(e->us % USEC_PER_SEC));
		break;
	case EVENT_NOTE:
		printf("%s note %s", side, e->what);
		break;
	case EVENT_HOLDS:
		printf("%s holds %s", side, e->what);
		break;
	case EVENT_DROP:
		printf("%s drop %s", side, e->what);
		break;
	}
}

void print_list(const struct ladder *l)
{
	for (u32 i = 0; i < l->n; i++) {
		const struct event *e = &l->event[i];
		u64 us = (e->ns - l->event[0].ns) / 1000;

		if (!l->opt.no_times)
			printf("%llu.%06llu ", (unsigned long long)(us / USEC_PER_SEC),
			       (unsigned long long)(us % USEC_PER_SEC));
		print_event(l, e);
		putchar('\n');
	}
}
