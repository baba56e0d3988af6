/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between story.c, which knows what happened, and show.c, which has it drawn by
 * tern-ladder: those two have different things called host.
 */
#ifndef TERN_TEST_EXPLORE_SHOW_H
#define TERN_TEST_EXPLORE_SHOW_H

#include "core/tern.h"

/* enum show_kind - what is drawn */
enum show_kind {
	SHOW_NOTE,	/* words, at one side */
	SHOW_STATE,	/* a state with no segment to stand on */
	SHOW_ARROW,	/* a segment arrives */
	SHOW_LATE,	/* a segment leaves; it arrives later */
	SHOW_LOST,	/* a segment leaves, and is lost */
};

/** define SHOW_TEXT - octets of a note */
#define SHOW_TEXT 160
/** define SHOW_STATES - states on one arrow */
#define SHOW_STATES 8

/**
 * struct show - one thing that is drawn
 * @step: in this step
 * @kind: &enum show_kind
 * @side: 0 the client, 1 the server; of a segment, the sender
 * @old: it left long ago
 * @from_state: of a segment: the state its sender entered in sending it; or 0
 * @n_states: how many states
 * @state: entered on this arrow, in order; of SHOW_STATE: the state
 * @seg: the segment
 * @seq: its number from the initial one of its connection
 * @ack: its acknowledgment number likewise
 * @text: the words
 */
struct show {
	u32 step;
	u8 kind;
	u8 side;
	bool old;
	u8 from_state;
	u8 n_states;
	u8 state[SHOW_STATES];
	struct tern_seg seg;
	u32 seq;
	u32 ack;
	char text[SHOW_TEXT];
};

/** show() - draw a ladder; @first are the states at its head */
void show(const struct show *list, u32 n, const u8 *first);

#endif /* TERN_TEST_EXPLORE_SHOW_H */
