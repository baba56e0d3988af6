/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of tern-ladder:
 *
 *	tern-ladder.c		main(), the command line
 *	ladder-capture.c	segments out of a packet capture
 *	ladder-records.c	states, losses and timers out of logs and traces
 *	ladder-story.c		events in order: relative numbers, what was sent again
 *	ladder-list.c		one line an event
 *	ladder-draw.c		the picture
 */
#ifndef TERN_DEMO_LADDER_H
#define TERN_DEMO_LADDER_H

#include "common.h"

#define NSEC_PER_SEC 1000000000ull
#define MAX_EVENTS 500000
#define PAYLOAD_KEPT 24		/* octets of payload that may be shown */
#define WHAT_LEN 200
#define AT_ONCE 5000000ull		/* ns: a state so soon belongs to the segment */
#define NO_EVENT UINT32_MAX

enum host {
	CLIENT,
	SERVER,
	SIDES,
};

enum event_kind {
	EVENT_SEGMENT,
	EVENT_STATE,
	EVENT_LOST,		/* a segment that arrived and was lost on purpose */
	EVENT_TIMEOUT,
	EVENT_NOTE,
	EVENT_HOLDS,
	EVENT_DROP,
};

/**
 * struct event - something that happened
 * @ns: when, nanoseconds of the capture's clock
 * @order: its place in what was read, for equal times
 * @kind: &enum event_kind
 * @side: where it happened; of a segment the sender
 * @csum: of a segment: its checksum
 * @lost: lost on purpose
 * @late: of a segment: it leaves, and arrives much later, if at all
 * @old: of a segment: it arrives, and left much earlier
 * @captured: of a segment: the wire carried it
 * @rexmit: all of it was sent before
 * @third: it completes the handshake
 * @crossed: its sender had not seen the other side's FIN (or SYN) yet
 * @attached: of a state: it stands on a segment's arrow
 * @on: of a state: the event it is drawn with, itself or a segment
 * @at_start: of a segment: the state its sender entered in sending it, or NO_EVENT
 * @at_tip: of a segment: the first state its receiver entered because of it
 * @next_state: of such a state: the next one on the same arrow
 * @seg: of a segment: its header
 * @seq: its sequence number from the sender's initial one
 * @ack: its acknowledgment number from the receiver's initial one
 * @payload: its first octets
 * @kept: how many of them are kept
 * @old_state: of a state change
 * @new_state: of a state change
 * @us: of a timeout: how long the timer ran
 * @what: of a timeout, note, drop: its text
 */
struct event {
	u64 ns;
	u32 order;
	u8 kind;
	u8 side;
	u8 csum;
	bool lost;
	bool late;
	bool old;
	bool captured;
	bool rexmit;
	bool third;
	bool crossed;
	bool attached;
	u32 on;
	u32 at_start;
	u32 at_tip;
	u32 next_state;
	struct tern_seg seg;
	u32 seq;
	u32 ack;
	u8 payload[PAYLOAD_KEPT];
	u8 kept;
	u8 old_state;
	u8 new_state;
	u64 us;
	char *what;
};

struct ladder_options {
	const char *capture;
	const char *log[SIDES];		/* --client-log, --server-log */
	const char *trace;
	u8 protocol;
	bool has_client;
	struct endpoint client;		/* port 0: any */
	bool trace_back;		/* the sign of @trace_shift */
	u64 trace_shift;		/* us */
	bool list;
	bool no_times;
	bool steps;			/* of tests/explore: events have steps, not times */
	bool absolute;
	bool no_notes;
	bool ascii;
	bool colour;
	int width;
	u64 gap;			/* ns */
};

/**
 * struct ladder - one connection
 * @opt: the command line
 * @end: its two ends
 * @known: the ends are known
 * @event: what happened
 * @n: how many
 * @room: for how many there is memory
 * @other: segments of other connections
 * @malformed: packets of the protocol that are no segments
 * @cut: segments cut too short by the capture to be read
 * @other_records: state records of other connections
 * @wrong_records: lines that could not be read
 * @too_many: events beyond MAX_EVENTS were left out
 * @csums: segments by their checksum
 * @first_state: state of each side before the first change, 0 unknown
 * @isn: initial sequence numbers
 * @isn_known: of each side
 */
struct ladder {
	struct ladder_options opt;
	struct endpoint end[SIDES];
	bool known;
	struct event *event;
	u32 n;
	u32 room;
	u64 other;
	u64 malformed;
	u64 cut;
	u64 other_records;
	u64 wrong_records;
	bool too_many;
	u64 csums[CSUM_UNKNOWN + 1];
	u8 first_state[SIDES];
	u32 isn[SIDES];
	bool isn_known[SIDES];
};

struct event *add_event(struct ladder *l, u64 ns, enum event_kind kind, enum host side);
void event_what(struct event *e, const char *text);

void read_capture(struct ladder *l);
void read_log(struct ladder *l, enum host side, const char *path);
void read_trace(struct ladder *l, const char *path);
void tell_story(struct ladder *l);
void print_list(const struct ladder *l);
void draw_ladder(const struct ladder *l);

static inline enum host other_side(u8 side)
{
	return side == CLIENT ? SERVER : CLIENT;
}

#endif /* TERN_DEMO_LADDER_H */
