// SPDX-License-Identifier: GPL-2.0
/*
 * Random sequences.  A sequence grows step by step: what comes next is drawn by the
 * state that both sides have reached, so that all of them are reached often, and what
 * makes no sense in a state comes up as well, only less often.
 */
#include <string.h>

#include "tests/differ/differ.h"
#include "tests/random.h"

static struct random random_numbers;

u32 draw(u32 below)
{
	return random_below(&random_numbers, below);
}

/* An index, as often as its weight says */
static u32 weighted(const u8 *weights, u32 n)
{
	u32 sum = 0, i, at;

	for (i = 0; i < n; i++)
		sum += weights[i];
	at = draw(sum);
	for (i = 0; at >= weights[i]; i++)
		at -= weights[i];
	return i;
}

static int one_of(const int *of, u32 n)
{
	return of[draw(n)];
}

#define ONE_OF(...) \
	one_of((const int[]){ __VA_ARGS__ }, ARRAY_SIZE(((const int[]){ __VA_ARGS__ })))

void sequence_start(struct sequence *s, u32 seed)
{
	memset(s, 0, sizeof(*s));
	random_seed(&random_numbers, seed);
	random_u32(&random_numbers);
	s->seed = seed;
	/* near the wrap, near the sign bit, or anywhere */
	switch (draw(4)) {
	case 0:
		s->irs = 0u - draw(3000);
		break;
	case 1:
		s->irs = 0x80000000u - draw(3000);
		break;
	default:
		s->irs = random_u32(&random_numbers);
		break;
	}
	s->peer_mss = (u16)ONE_OF(1460, 1460, 1460, 1000, 1000, 536, 536, 0, 0, 100);
	s->sack = draw(2);
	s->peer_sack = s->sack && draw(4);
	s->ts = !draw(3);
	s->peer_ts = s->ts && draw(4);
	s->nodelay = draw(8);
}

/* Segments */

static void draw_flags(struct step *step)
{
	static const struct {
		u8 flags;
		u8 weight;
	} kinds[] = {
		{ TERN_ACK, 45 }, { TERN_FIN | TERN_ACK, 16 }, { TERN_RST, 6 },
		{ TERN_RST | TERN_ACK, 5 }, { TERN_SYN, 7 }, { TERN_SYN | TERN_ACK, 5 },
		{ 0, 3 }, { TERN_FIN, 3 }, { TERN_SYN | TERN_FIN, 1 },
		{ TERN_SYN | TERN_FIN | TERN_ACK, 1 }, { TERN_SYN | TERN_RST, 1 },
	};
	u8 weights[ARRAY_SIZE(kinds)];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		weights[i] = kinds[i].weight;
	step->flags = kinds[weighted(weights, ARRAY_SIZE(kinds))].flags;
}

static void draw_seq(struct step *step)
{
	/* a number that differs between the sides must not become an irs */
	bool syn = step->flags & TERN_SYN;

	step->seq_base = BASE_LEFT;
	switch (draw(20)) {
	case 0:
		step->seq_off = -1;
		break;
	case 1:
		step->seq_off = -1 - (int)draw(500);
		break;
	case 2:
	case 3:
		step->seq_off = 1 + (int)draw(3000);
		break;
	case 4:
		/* octets at the edge would lie at another place on each side */
		step->seq_off = syn ? 70000 : step->len ? 1 : 0;
		step->seq_base = syn ? BASE_LEFT : BASE_BEYOND;
		if (!syn && !step->len && !(step->flags & TERN_FIN))
			step->seq_base = BASE_RIGHT;
		break;
	case 5:
		step->seq_base = syn ? BASE_LEFT : BASE_BEYOND;
		step->seq_off = draw(4) ? ONE_OF(1, 1, 1000, 100000) : 0;
		break;
	case 6:
		step->seq_base = BASE_IRS;
		step->seq_off = ONE_OF(0, 0, 0, 1, -1);
		break;
	case 7:
		step->seq_off = (int)random_u32(&random_numbers);
		break;
	default:
		break;
	}
}

static void draw_ack(struct step *step)
{
	step->ack_base = BASE_MAX;
	switch (draw(20)) {
	case 0:
		step->ack_base = BASE_UNA;
		/* seldom: an ACK from before the beginning ends a sequence */
		step->ack_off = draw(3) ? 0 : -1 - (int)draw(draw(5) ? 100 : 2000);
		break;
	case 1:
	case 2:
		step->ack_base = BASE_UNA;
		break;
	case 3:
		step->ack_base = BASE_UNA;
		step->ack_off = 1 + (int)draw(1500);
		break;
	case 4:
		step->ack_off = ONE_OF(1, 1, 2, 1000, 100000);
		break;
	case 5:
		step->ack_base = BASE_ISS;
		step->ack_off = draw(8) ? 1 : ONE_OF(0, -1);
		break;
	case 6:
		step->ack_base = BASE_UNA;
		step->ack_off = draw(3) ? 1 : -70000;
		break;
	case 7:
		step->ack_off = draw(3) ? 0 : (int)random_u32(&random_numbers);
		break;
	default:
		break;
	}
}

static void draw_sack(const struct sequence *s, struct step *step)
{
	int from;

	if (!s->sack || !s->peer_sack || (step->flags & TERN_SYN) || draw(5))
		return;
	while (step->n_sack < (s->peer_ts ? 2 : SACKS_MAX) && (!step->n_sack || !draw(2))) {
		from = (int)draw(3000);
		step->sack[step->n_sack][0] = from;
		step->sack[step->n_sack][1] = from + 1 + (int)draw(1500);
		step->n_sack++;
	}
}

static void draw_segment(const struct sequence *s, struct step *step)
{
	step->kind = STEP_SEGMENT;
	draw_flags(step);
	step->len = draw(2) ? 0 : (u32)ONE_OF(1, 10, 100, 100, 536, 1000, 1400);
	if (step->len && !draw(3))
		step->len = 1 + draw(1400);
	if ((step->flags & (TERN_SYN | TERN_RST)) && draw(4))
		step->len = 0;
	draw_seq(step);
	draw_ack(step);
	step->wnd = draw(25) ? 65535 : (u32)ONE_OF(0, 0, 1, 100, 500, 1000, 5000, 20000);
	draw_sack(s, step);
	switch (s->peer_ts ? draw(50) : 2) {
	case 0:
		step->ts = TS_OLD;
		break;
	case 1:
		step->ts = TS_NONE;
		break;
	default:
		break;
	}
}

/* The segment that takes a connection a step further on */
static void good_segment(struct step *step, u8 flags)
{
	step->kind = STEP_SEGMENT;
	step->flags = flags;
	step->seq_base = flags & TERN_SYN ? BASE_IRS : BASE_LEFT;
	step->ack_base = BASE_MAX;
	step->wnd = 65535;
}

static void call(struct step *step, u8 which, int arg)
{
	step->kind = STEP_CALL;
	step->call = which;
	step->arg = arg;
}

static void draw_call(struct step *step)
{
	static const u8 weights[CALLS] = {
		[CALL_CONNECT] = 2, [CALL_LISTEN] = 2, [CALL_UNLISTEN] = 1, [CALL_ACCEPT] = 3,
		[CALL_SEND] = 20, [CALL_RECV] = 14, [CALL_PEEK] = 2, [CALL_SHUTDOWN_RD] = 2,
		[CALL_SHUTDOWN_WR] = 8, [CALL_SHUTDOWN_RDWR] = 2, [CALL_CLOSE] = 6,
		[CALL_ABORT] = 1, [CALL_ERROR] = 3, [CALL_NODELAY] = 1, [CALL_DISCONNECT] = 1,
		[CALL_PEER] = 2,
	};

	call(step, (u8)weighted(weights, CALLS), 0);
	switch (step->call) {
	case CALL_SEND:
		step->arg = ONE_OF(1, 10, 100, 100, 500, 1000, 1460, 3000);
		break;
	case CALL_RECV:
	case CALL_PEEK:
		step->arg = ONE_OF(1, 10, 100, 65536, 65536, 65536);
		break;
	case CALL_NODELAY:
		step->arg = (int)draw(2);
		break;
	default:
		break;
	}
}

/* What leads on from a state; false when chance should say */
static bool lead_on(const struct view *view, struct step *step)
{
	switch (view->state) {
	case TERN_CLOSED:
		if (view->poll != -1)
			return false;
		call(step, draw(2) ? CALL_CONNECT : CALL_LISTEN, 0);
		return true;
	case TERN_LISTEN:
		good_segment(step, TERN_SYN);
		return true;
	case TERN_SYN_SENT:
		good_segment(step, draw(5) ? TERN_SYN | TERN_ACK : TERN_SYN);
		return true;
	case TERN_SYN_RECEIVED:
		good_segment(step, TERN_ACK);
		step->len = draw(3) ? 0 : 100;
		return true;
	case TERN_ESTABLISHED:
		if (view->poll != -1)
			return false;
		call(step, CALL_ACCEPT, 0);
		return true;
	default:
		return false;
	}
}

void next_step(struct sequence *s, const struct view *view)
{
	struct step *step = &s->step[s->n++];

	memset(step, 0, sizeof(*step));
	if (draw(100) < 75 && lead_on(view, step))
		return;
	switch (draw(20)) {
	case 0:
		step->kind = STEP_WAIT;
		step->arg = ONE_OF(10, 10, 50, 350, 550, 550, 2500, 70000, 1000000);
		break;
	case 1 ... 6:
		draw_call(step);
		break;
	case 7 ... 9:
		good_segment(step, draw(4) ? TERN_ACK : TERN_FIN | TERN_ACK);
		step->len = draw(2) ? 0 : 1 + draw(1400);
		break;
	default:
		draw_segment(s, step);
		break;
	}
}
