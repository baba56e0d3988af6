// SPDX-License-Identifier: GPL-2.0
/*
 * A run, step by step, as a ladder; and the one that shows why three messages.
 *
 * A segment that arrives in the step after it left is one arrow; one that arrives
 * later is drawn when it leaves and again whenever it arrives.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/explore/explore.h"
#include "tests/explore/show.h"

#define SHOW_MAX 512
#define WAY_MAX 64

/** struct tale - a run that is told */
struct tale {
	const struct world *w;
	const struct action *path;
	u32 n;
	struct step *step;	/* of each action, what it did */
	struct show list[SHOW_MAX];
	u32 shown;
};

static struct show *next(struct tale *t, u32 step, u8 kind, u8 side)
{
	struct show *s = &t->list[t->shown < SHOW_MAX - 1 ? t->shown++ : t->shown];

	memset(s, 0, sizeof(*s));
	s->step = step + 1;
	s->kind = kind;
	s->side = side;
	return s;
}

static bool same(const struct host_packet *packet, const struct step *step)
{
	struct tern_seg seg;

	host_seg(packet, &seg);
	return packet->src == step->src && seg.flags == step->seg.flags &&
	       seg.seq == step->seg.seq && seg.ack == step->seg.ack &&
	       seg.len == step->seg.len && seg.wnd == step->seg.wnd;
}

/* When does what was sent in step @at arrive, or get lost?  t->n: neither */
static u32 fate(const struct tale *t, u32 at, const struct host_packet *packet)
{
	u32 i;

	for (i = at + 1; i < t->n; i++) {
		u8 act = t->step[i].action.act;

		if ((act == ACT_DELIVER || act == ACT_LOSE) && same(packet, &t->step[i]))
			break;
	}
	return i;
}

/* Does it arrive at once?  Losses of others in between do not count. */
static bool at_once(const struct tale *t, u32 at, u32 arrives)
{
	u32 i;

	if (arrives >= t->n || t->step[arrives].action.act != ACT_DELIVER)
		return false;
	for (i = at + 1; i < arrives; i++) {
		if (t->step[i].action.act != ACT_LOSE)
			return false;
	}
	return true;
}

/* The step that sent what arrives in step @at, at once; t->n when none did */
static u32 origin(const struct tale *t, u32 at)
{
	u32 i, j;

	for (i = at; i-- > 0;) {
		for (j = 0; j < t->step[i].n_sent; j++) {
			if (same(&t->step[i].sent[j], &t->step[at]) && at_once(t, i, at))
				return i;
		}
		if (t->step[i].action.act != ACT_LOSE)
			break;
	}
	return t->n;
}

static void number(const struct tale *t, struct show *s, u8 src)
{
	s->seq = tern_seq_dist(state_iss(t->w, src, state_gen(t->w, src, s->seg.seq)),
			       s->seg.seq);
	if (s->seg.flags & TERN_RST && !tern_seq_bits(s->seg.seq))
		s->seq = 0;
	if (s->seg.flags & TERN_ACK)
		s->ack = tern_seq_dist(state_iss(t->w, !src, state_gen(t->w, !src, s->seg.ack)),
				       s->seg.ack);
}

/* The states that step @at brought its host */
static u32 states(const struct tale *t, u32 at, u8 *state)
{
	const struct step *step = &t->step[at];
	u32 n = 0, i, j;

	for (i = 0; i < step->n_told; i++) {
		for (j = 0; j < step->told[i].res.path_len && n < SHOW_STATES; j++)
			state[n++] = step->told[i].res.path[j];
	}
	return n;
}

static const char *call_text(const struct tale *t, u32 at)
{
	const struct action a = t->step[at].action;

	switch (a.act) {
	case ACT_LISTEN:
		return "listen()";
	case ACT_UNLISTEN:
		return "close() of the listener";
	case ACT_CONNECT:
		return "connect()";
	case ACT_ACCEPT:
		return "accept() gives a connection";
	case ACT_WRITE:
		return "write() of one octet";
	case ACT_READ:
		return "read() of one octet";
	case ACT_SHUTDOWN:
		return "shutdown()";
	case ACT_CLOSE:
		return "close()";
	case ACT_ABORT:
		return "abort";
	case ACT_TIMER:
		return a.arg == TERN_TIMER_REXMT ? "[timer: no acknowledgment]" :
		       a.arg == TERN_TIMER_PERSIST ? "[timer: window still closed]" :
		       a.arg == TERN_TIMER_DELACK ? "[timer: delayed acknowledgment]" :
		       "[timer: FIN_WAIT_2 has lasted long enough]";
	case ACT_REQUEST:
		return "[timer: nobody has acknowledged the SYN-ACK]";
	case ACT_WAITED:
		return "[timer: 2 MSL have passed]";
	case ACT_CRASH:
		return "crashes, and has forgotten everything";
	default:
		return NULL;
	}
}

/* What left in step @at; the first takes the state its sender entered */
static void tell_sent(struct tale *t, u32 at, u8 from_state)
{
	const struct step *step = &t->step[at];
	u32 i;

	for (i = 0; i < step->n_sent; i++) {
		u32 ends = fate(t, at, &step->sent[i]);
		u8 kind = SHOW_LATE;
		struct show *s;

		/* the arrow of the arrival shows it */
		if (at_once(t, at, ends))
			continue;
		if (ends < t->n && t->step[ends].action.act == ACT_LOSE)
			kind = SHOW_LOST;
		s = next(t, at, kind, step->sent[i].src);
		host_seg(&step->sent[i], &s->seg);
		number(t, s, s->side);
		s->from_state = from_state;
		from_state = 0;
	}
}

/* Does anything that step @at sent carry its new state? */
static bool carried(const struct tale *t, u32 at)
{
	return t->step[at].n_sent > 0;
}

static void tell_arrival(struct tale *t, u32 at)
{
	const struct step *step = &t->step[at];
	struct show *s = next(t, at, SHOW_ARROW, step->src);
	u32 from = origin(t, at);
	u8 state[SHOW_STATES];

	s->seg = step->seg;
	number(t, s, s->side);
	s->n_states = (u8)states(t, at, s->state);
	if (from == t->n) {
		s->old = true;
	} else if (t->step[from].action.act != ACT_DELIVER) {
		u32 n = states(t, from, state);

		s->from_state = n ? state[n - 1] : 0;
	}
	tell_sent(t, at, 0);
}

static void tell_step(struct tale *t, u32 at)
{
	const struct step *step = &t->step[at];
	u8 state[SHOW_STATES];
	u32 n = states(t, at, state);
	struct show *s;

	if (step->action.act == ACT_LOSE)
		return;
	if (step->action.act == ACT_DELIVER) {
		tell_arrival(t, at);
		return;
	}
	s = next(t, at, SHOW_NOTE, step->action.host);
	snprintf(s->text, sizeof(s->text), "%s", call_text(t, at));
	if (n && !carried(t, at)) {
		s = next(t, at, SHOW_STATE, step->action.host);
		s->state[0] = state[n - 1];
		n = 0;
	}
	tell_sent(t, at, n ? state[n - 1] : 0);
}

/* Run it again, to know what each step did. */
static struct tale *run(const struct world *w, const struct action *path, u32 n)
{
	struct tale *t = calloc(1, sizeof(*t));
	struct state st;
	u32 i;

	if (!t)
		exit(2);
	t->w = w;
	t->path = path;
	t->n = n;
	t->step = calloc(n + 1, sizeof(*t->step));
	if (!t->step)
		exit(2);
	state_init(w, &st);
	for (i = 0; i < n; i++)
		state_step(w, &st, path[i], &t->step[i]);
	return t;
}

void story_print(const struct world *w, const struct action *path, u32 n)
{
	u8 first[HOSTS] = { TERN_CLOSED, TERN_CLOSED };
	struct tale *t = run(w, path, n);
	u32 i;

	for (i = 0; i < HOSTS; i++) {
		if (w->listens[i] && !w->unlisten)
			first[i] = TERN_LISTEN;
	}
	for (i = 0; i < n; i++)
		tell_step(t, i);
	show(t->list, t->shown, first);
	free(t->step);
	free(t);
}

/* Why three */

static const struct world *world_named(const char *name)
{
	u32 i;

	for (i = 0; i < n_worlds; i++) {
		if (!strcmp(worlds[i].name, name))
			return &worlds[i];
	}
	fprintf(stderr, "explore: no world %s\n", name);
	exit(2);
}

/** struct way - a run that is made, not found */
struct way {
	const struct world *w;
	struct state st;
	struct step step;
	struct action *to;
	u32 n;
};

static void go(struct way *way, struct action a)
{
	if (way->n == WAY_MAX)
		return;
	way->to[way->n++] = a;
	state_step(way->w, &way->st, a, &way->step);
}

/* It arrives, and that was the last of it.  Return: it was answered. */
static bool arrive(struct way *way, u32 slot)
{
	u8 host = way->st.net[slot].dst, answers;

	go(way, (struct action){ .act = ACT_DELIVER, .host = host, .slot = (u8)slot });
	answers = way->step.n_sent;
	go(way, (struct action){ .act = ACT_LOSE, .host = host, .slot = (u8)slot });
	return answers;
}

static bool possible(const struct way *way, const struct action *a)
{
	struct action list[ACTIONS_MAX];
	u32 n = state_actions(way->w, &way->st, list), i;

	for (i = 0; i < n && memcmp(&list[i], a, sizeof(*a)); i++)
		;
	return i < n;
}

/*
 * The same in another world, as far as it goes there: with three messages the answers
 * arrive at once, with two when all is done.
 */
static u32 follow(const struct world *w, const struct action *path, u32 n,
		  struct action *to)
{
	struct way way = { .w = w, .to = to };
	bool answered = false;
	u32 i;

	state_init(w, &way.st);
	for (i = 0; i < n; i++) {
		if (!possible(&way, &path[i]))
			continue;
		if (path[i].act != ACT_DELIVER) {
			go(&way, path[i]);
			continue;
		}
		answered = arrive(&way, path[i].slot);
		while (!w->two_messages && answered && way.st.n_net)
			answered = arrive(&way, way.st.n_net - 1u);
	}
	answered = w->two_messages;
	while (answered && way.st.n_net)
		answered = arrive(&way, way.st.n_net - 1u);
	return way.n;
}

static void none_found(const struct world *w)
{
	struct report r = search(w, 20000000, 0);

	if (r.broken) {
		printf("not ok - explore: %s: %s\n", w->name, r.broken);
		exit(1);
	}
	printf("The same search, through every order of calls, arrivals, repetitions, losses and\n"
	       "timeouts of this world, ends after %u states and %llu steps between them:\n"
	       "no connection is established that the client has not agreed to.\n",
	       r.states, (unsigned long long)r.edges);
	free(r.path);
}

void why_three(void)
{
	const struct world *two = world_named("two-messages");
	const struct world *three = world_named("three-messages");
	struct report r = search(two, 20000000, 0);
	struct action *path;
	u32 n;

	if (!r.broken || !two->finds || strcmp(r.broken, two->finds) != 0) {
		puts("not ok - explore: the two-message variant has no ghost");
		exit(1);
	}
	path = calloc(WAY_MAX, sizeof(*path));
	if (!path)
		exit(2);
	puts("Why three messages, and not two\n\n"
	     "Two messages would be faster: the client says SYN, the server answers SYN-ACK and\n"
	     "takes the connection for granted. A search through everything that can happen\n"
	     "to such a client and server finds this, in the fewest steps there are:\n");
	n = follow(two, r.path, r.n_path, path);
	story_print(two, path, n);
	puts("\nThe client had given up before its SYN arrived: the network had kept it, or it\n"
	     "was an old duplicate. With two messages the server cannot tell that from a SYN of\n"
	     "now. It believes in a connection that exists at one end only, a ghost: holds\n"
	     "memory for it, gives it to a program, sends data, all for nobody. Only because\n"
	     "it sent data did it learn the truth; a server that waits for the client to\n"
	     "speak first holds its ghost for ever.\n\n"
	     "With three messages, the same client and the same SYN:\n");
	n = follow(three, r.path, r.n_path, path);
	story_print(three, path, n);
	puts("\nThe server has answered, and waits. Nobody was there to say the third message,\n"
	     "the ACK of the SYN-ACK: a number of the server's own, which an old SYN cannot know.\n"
	     "The client's RST ends the matter; were it lost, the server would repeat its SYN-ACK\n"
	     "a few times and forget. accept() has had nothing to give at any time.\n");
	none_found(three);
	free(path);
	free(r.path);
}
