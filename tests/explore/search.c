// SPDX-License-Identifier: GPL-2.0
/*
 * Breadth-first search over the states of a world.
 *
 * Why not SPIN: the engine's state is plain data, so taking a snapshot is assignment
 * and storing one is copying; what SPIN would add is its hash table and its search,
 * some hundred lines here.  What it would cost: c_track of every struct with masks
 * written as a second copy of it, a Promela model of the calls, its depth-first search
 * (the shortest counterexample needs -DBFS or iteration), and a package more.
 *
 * A state is stored as its 128-bit hash, the state it was reached from and by which
 * action; whole states, packed, are kept of two generations of the search only.  Two
 * states of one hash would be a collision: with ten million states its odds are 1 in
 * 10^24.  All edges are kept, so that afterwards the ways to an end can be followed
 * backwards.
 *
 * There is no reduction by symmetry or partial order.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "tests/explore/explore.h"

#define STATE_WORDS (sizeof(struct state) / sizeof(u64))
/* a property of a state; look_back() adds the states from which it can be had */
#define FINAL 1
#define CALM 2
/* an edge that needs nobody's decision: arrival, loss, time, and users who read */
#define BY_ITSELF 0x80000000u
#define PACKED_MAX (sizeof(struct state) + STATE_WORDS + 16)

/** struct bytes - states, packed, one behind the other */
struct bytes {
	u8 *byte;
	size_t used;
	size_t room;
};

struct known {
	struct hash hash;
	u32 parent;
	struct action by;
};

struct finder {
	const struct world *w;
	struct state root;
	struct known *known;
	u32 *slot;
	u32 slots;
	u32 max;
	u32 n;
	u32 *edge;		/* targets, in the order of their origins */
	u64 n_edges;
	u64 edge_room;
	u64 *first;		/* of each state, where its edges begin */
	u8 *good;		/* of each state: FINAL, CALM */
	struct bytes now;
	struct bytes next;
	struct bytes all;	/* with @masks */
	u64 *at;		/* with @masks: where in @all */
	u32 masks;
	u64 pairs;
	struct report *r;
};

static void out_of_memory(void)
{
	fflush(stdout);
	fputs("explore: out of memory\n", stderr);
	exit(2);
}

/* Memory that costs nothing before it is used, all 0. */
static void *reserve(u64 bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		out_of_memory();
	return p;
}

/* Packed states: what differs from the first one, in words */

static void with_root(const struct finder *f, struct state *st)
{
	const u64 *root = (const u64 *)&f->root;
	u64 *word = (u64 *)st;
	u32 i;

	for (i = 0; i < STATE_WORDS; i++)
		word[i] ^= root[i];
}

/* What every connection was opened with is not worth storing. */
static void without_config(struct state *st, const struct tern_config *cfg)
{
	u32 i, j;

	for (i = 0; i < HOSTS; i++) {
		for (j = 0; j < HOST_SOCKS; j++) {
			struct host_sock *s = &st->host[i].sock[j];

			if (s->kind != HOST_CONN)
				continue;
			if (cfg)
				s->conn.cfg = *cfg;
			else
				memset(&s->conn.cfg, 0, sizeof(s->conn.cfg));
		}
	}
}

static void pack(const struct finder *f, const struct state *st, struct bytes *to)
{
	struct state copy;
	const u64 *word = (const u64 *)&copy;
	u32 i = 0;

	if (to->used + PACKED_MAX > to->room) {
		to->room = to->room ? to->room * 2 : 1 << 20;
		to->byte = realloc(to->byte, to->room);
		if (!to->byte)
			out_of_memory();
	}
	memcpy(&copy, st, sizeof(copy));
	without_config(&copy, NULL);
	with_root(f, &copy);
	while (i < STATE_WORDS) {
		u32 zero = 0, some = 0;

		while (zero < 255 && i + zero < STATE_WORDS && !word[i + zero])
			zero++;
		i += zero;
		while (some < 255 && i + some < STATE_WORDS && word[i + some])
			some++;
		to->byte[to->used++] = (u8)zero;
		to->byte[to->used++] = (u8)some;
		memcpy(to->byte + to->used, word + i, some * sizeof(u64));
		to->used += some * sizeof(u64);
		i += some;
	}
}

/* Return: octets it took */
static size_t unpack(const struct finder *f, const u8 *from, struct state *st)
{
	u64 *word = (u64 *)st;
	size_t used = 0;
	u32 i = 0;

	while (i < STATE_WORDS) {
		u32 zero = from[used++], some = from[used++];

		memset(word + i, 0, zero * sizeof(u64));
		i += zero;
		memcpy(word + i, from + used, some * sizeof(u64));
		used += some * sizeof(u64);
		i += some;
	}
	with_root(f, st);
	without_config(st, &f->root.host[0].cfg);
	return used;
}

/* The table */

/* Return: the index of the state of this hash; its slot when there is none */
static u32 find(const struct finder *f, struct hash h, u32 *slot)
{
	u32 i = (u32)h.a & (f->slots - 1);

	while (f->slot[i]) {
		const struct known *known = &f->known[f->slot[i] - 1];

		if (known->hash.a == h.a && known->hash.b == h.b)
			return f->slot[i] - 1;
		i = (i + 1) & (f->slots - 1);
	}
	*slot = i;
	return NO_STATE;
}

static void add_edge(struct finder *f, u32 to)
{
	if (f->n_edges == f->edge_room) {
		f->edge_room = f->edge_room ? f->edge_room * 2 : 1 << 20;
		f->edge = realloc(f->edge, f->edge_room * sizeof(*f->edge));
		if (!f->edge)
			out_of_memory();
	}
	f->edge[f->n_edges++] = to;
}

static u32 add_state(struct finder *f, const struct state *st, struct hash h, u32 slot,
		     u32 parent, struct action by)
{
	u32 i = f->n++;

	f->known[i] = (struct known){ .hash = h, .parent = parent, .by = by };
	f->slot[slot] = i + 1;
	f->good[i] = (state_final(st) ? FINAL : 0) | (state_calm(st) ? CALM : 0);
	f->r->finals += f->good[i] & FINAL;
	pack(f, st, &f->next);
	if (f->masks) {
		f->at[i] = f->all.used;
		pack(f, st, &f->all);
	}
	return i;
}

/* The way to @state, and one step more if @last is not NULL */
static void keep_path(struct finder *f, u32 state, const struct action *last)
{
	u32 n = !!last, i = state;

	for (; f->known[i].parent != NO_STATE; i = f->known[i].parent)
		n++;
	f->r->path = calloc(n ? n : 1, sizeof(*f->r->path));
	if (!f->r->path)
		out_of_memory();
	f->r->n_path = n;
	if (last)
		f->r->path[--n] = *last;
	for (i = state; n; i = f->known[i].parent)
		f->r->path[--n] = f->known[i].by;
}

static void found(struct finder *f, const char *broken, u32 state,
		  const struct action *last)
{
	if (f->r->broken)
		return;
	f->r->broken = broken;
	keep_path(f, state, last);
}

/* Are the masks right? */

static int by_hash(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct hash));
}

static u32 successors(const struct world *w, const struct state *st, struct hash *out)
{
	struct action list[ACTIONS_MAX];
	u32 n = state_actions(w, st, list), i;

	for (i = 0; i < n; i++) {
		struct state next;
		struct step step;
		const char *broken;

		memcpy(&next, st, sizeof(next));
		broken = state_step(w, &next, list[i], &step);
		out[i] = canon_hash(w, &next);
		out[i].a ^= (u64)!!broken;
	}
	qsort(out, n, sizeof(*out), by_hash);
	return n;
}

/* A state that hashes as the known one @i does: the same must follow from it. */
static void compare(struct finder *f, u32 i, const struct state *st, u32 parent,
		    const struct action *by)
{
	struct hash a[ACTIONS_MAX], b[ACTIONS_MAX];
	struct state other;
	u32 n;

	unpack(f, f->all.byte + f->at[i], &other);
	if (!memcmp(&other, st, sizeof(other)))
		return;
	f->pairs++;
	n = successors(f->w, st, a);
	if (n != successors(f->w, &other, b) || memcmp(a, b, n * sizeof(a[0])))
		found(f, "states that hash alike have the same future", parent, by);
}

static bool by_itself(u8 act)
{
	return act == ACT_DELIVER || act == ACT_LOSE || act == ACT_TIMER ||
	       act == ACT_REQUEST || act == ACT_WAITED || act == ACT_READ ||
	       act == ACT_ACCEPT;
}

/* One state, and what can follow from it */
static void expand(struct finder *f, u32 at, const struct state *st)
{
	struct action list[ACTIONS_MAX];
	u32 n = state_actions(f->w, st, list), i, moves = 0;

	f->first[at] = f->n_edges;
	for (i = 0; i < n && !f->r->broken; i++) {
		struct state next;
		struct step step;
		const char *broken;
		struct hash h;
		u32 to, slot = 0;

		moves += list[i].act != ACT_LOSE;
		memcpy(&next, st, sizeof(next));
		broken = state_step(f->w, &next, list[i], &step);
		f->r->cut += step.cut;
		if (broken) {
			found(f, broken, at, &list[i]);
			return;
		}
		arrows_note(f->w, st, &next, &step);
		h = canon_hash(f->w, &next);
		to = find(f, h, &slot);
		if (to == NO_STATE && f->n < f->max)
			to = add_state(f, &next, h, slot, at, list[i]);
		else if (to == NO_STATE)
			f->r->pruned++;
		else if (f->masks && f->n_edges % f->masks == 0)
			compare(f, to, &next, at, &list[i]);
		add_edge(f, to | (by_itself(list[i].act) ? BY_ITSELF : 0));
	}
	if (!moves && !(f->good[at] & FINAL))
		found(f, "there is always something to do, or all is over", at, NULL);
}

static void search_levels(struct finder *f)
{
	u32 at = 0;

	while (f->next.used && !f->r->broken) {
		struct bytes swap = f->now;
		size_t used = 0;

		f->now = f->next;
		f->next = swap;
		f->next.used = 0;
		f->r->depth++;
		while (used < f->now.used && !f->r->broken) {
			struct state st;

			used += unpack(f, f->now.byte + used, &st);
			expand(f, at++, &st);
		}
	}
	f->first[at] = f->n_edges;
	f->r->depth--;
}

/** struct back - the edges, turned round */
struct back {
	u64 *first;	/* of each state, where those that lead to it begin */
	u32 *from;	/* their origins */
	u32 *todo;
};

static void turn_round(struct finder *f, struct back *b)
{
	u64 e;
	u32 i;

	b->first = reserve((f->n + 3ull) * sizeof(*b->first));
	b->from = reserve((f->n_edges + 1) * sizeof(*b->from));
	b->todo = reserve((f->n + 1ull) * sizeof(*b->todo));
	for (e = 0; e < f->n_edges; e++)
		b->first[(f->edge[e] & ~BY_ITSELF) + 2]++;
	for (i = 0; i < f->n; i++)
		b->first[i + 2] += b->first[i + 1];
	for (i = 0; i < f->n; i++) {
		for (e = f->first[i]; e < f->first[i + 1]; e++) {
			u64 at = b->first[(f->edge[e] & ~BY_ITSELF) + 1]++;

			b->from[at] = i | (f->edge[e] & BY_ITSELF);
		}
	}
	f->r->bytes += f->n * 12ull + f->n_edges * 4;
}

/* From which states is there no way to one that is @good, by edges that have @only? */
static void look_back(struct finder *f, struct back *b, u8 good, u32 only,
		      const char *law)
{
	u32 n = 0, i;
	u64 e;

	for (i = 0; i < f->n; i++) {
		if (f->good[i] & good)
			b->todo[n++] = i;
	}
	while (n) {
		u32 at = b->todo[--n];

		for (e = b->first[at]; e < b->first[at + 1]; e++) {
			u32 from = b->from[e] & ~BY_ITSELF;

			if (f->good[from] & good || (b->from[e] & only) != only)
				continue;
			f->good[from] |= good;
			b->todo[n++] = from;
		}
	}
	for (i = 0; i < f->n; i++) {
		if (f->good[i] & good)
			continue;
		f->r->stuck++;
		found(f, law, i, NULL);
	}
}

static void look_back_all(struct finder *f)
{
	struct back b;

	turn_round(f, &b);
	look_back(f, &b, FINAL, 0, "every run can end with both closed");
	look_back(f, &b, CALM, BY_ITSELF, "what was sent arrives without a further call");
	munmap(b.first, (f->n + 3ull) * sizeof(*b.first));
	munmap(b.from, (f->n_edges + 1) * sizeof(*b.from));
	munmap(b.todo, (f->n + 1ull) * sizeof(*b.todo));
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct report search(const struct world *w, u32 max, u32 masks)
{
	struct report r = { 0 };
	struct finder f = { .w = w, .max = max, .masks = masks, .r = &r };
	double begin = seconds();
	struct hash h;
	u32 slot = 0;

	for (f.slots = 1024; f.slots < 2u * max; f.slots *= 2)
		;
	f.known = reserve(max * sizeof(*f.known));
	f.slot = reserve(f.slots * sizeof(*f.slot));
	f.first = reserve((max + 1ull) * sizeof(*f.first));
	f.good = reserve(max);
	if (masks)
		f.at = reserve(max * sizeof(*f.at));

	state_init(w, &f.root);
	h = canon_hash(w, &f.root);
	find(&f, h, &slot);
	add_state(&f, &f.root, h, slot, NO_STATE, (struct action){ 0 });
	search_levels(&f);
	r.states = f.n;
	r.edges = f.n_edges;
	r.masks = f.pairs;
	r.bytes = f.n * (sizeof(*f.known) + sizeof(*f.first) + 1) + f.slots * sizeof(*f.slot) +
		  f.edge_room * sizeof(*f.edge) + f.now.room + f.next.room + f.all.room;
	if (!r.broken && !r.pruned)
		look_back_all(&f);

	munmap(f.known, max * sizeof(*f.known));
	munmap(f.slot, f.slots * sizeof(*f.slot));
	munmap(f.first, (max + 1ull) * sizeof(*f.first));
	munmap(f.good, max);
	if (masks)
		munmap(f.at, max * sizeof(*f.at));
	free(f.edge);
	free(f.now.byte);
	free(f.next.byte);
	free(f.all.byte);
	r.seconds = seconds() - begin;
	return r;
}
