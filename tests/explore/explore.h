/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The explorer: two hosts of tests/host/ around the real core/, and everything that
 * can happen to them, breadth first.
 *
 *	worlds.c	the worlds: what there is and what may happen
 *	state.c		a state of a world, its actions, the laws
 *	canon.c		what of a state can influence the future, as a hash
 *	search.c	breadth-first search and what it proves
 *	arrows.c	the transitions seen, doc/transitions.md
 *	story.c		a run as a ladder
 *	main.c		the command line
 */
#ifndef TERN_TEST_EXPLORE_H
#define TERN_TEST_EXPLORE_H

#include <stdio.h>

#include "tests/host/host.h"

/** define HOSTS - 0 is called the client, 1 the server */
#define HOSTS 2
/** define NET_MAX - segments on their way, at the most */
#define NET_MAX 6
/** define PASTS - connections of a host that something still remembers */
#define PASTS 24
/** define NO_GEN - no connection */
#define NO_GEN 0xffff
/** define ACTIONS_MAX - what can happen in one state, at the most */
#define ACTIONS_MAX 64
/** define NO_STATE - no index of a state */
#define NO_STATE 0xffffffffu

/**
 * struct world - a bounded world
 * @name: what it is called
 * @what: what it is for, a sentence
 * @finds: the broken law that a search must find here; NULL: none may be
 * @net: how many different segments can be on their way, up to NET_MAX; with one only,
 *	none arrives twice
 * @opens: active opens of each host, one after the other
 * @listens: the host has a listener
 * @unlisten: listeners are opened and closed at will
 * @write: octets a connection may write, by host
 * @rcv_buf: receive buffer, octets
 * @mss: largest payload
 * @shutdown: users close one direction
 * @abort: users abort
 * @crashes: how often each host may lose its memory
 * @tries: retransmissions before giving up; 0: nobody ever gives up
 * @half_open: SYN-ACKs that a listener repeats before giving up; 0: as @tries
 * @delack: acknowledgments may be held back
 * @sack: selective acknowledgments
 * @nodelay: Nagle's algorithm is off
 * @same_iss: every connection of a host starts with the same sequence number: the
 *	worst that can be chosen
 * @msl: TIME_WAIT ends only when no old segment is on its way, and the peer sends no
 *	more either: what 2 MSL are long enough for
 * @orderly: users close what they have read to its end, and nothing else
 * @clean: no user may see an error; for that FIN_WAIT_2 waits as long as it takes
 * @two_messages: the server believes a SYN
 * @large: not for the test command
 */
struct world {
	const char *name;
	const char *what;
	const char *finds;
	u8 net;
	u8 opens[HOSTS];
	bool listens[HOSTS];
	bool unlisten;
	u8 write[HOSTS];
	u8 rcv_buf;
	u8 mss;
	bool shutdown;
	bool abort;
	u8 crashes[HOSTS];
	u8 tries;
	u8 half_open;
	bool delack;
	bool sack;
	bool nodelay;
	bool same_iss;
	bool msl;
	bool orderly;
	bool clean;
	bool two_messages;
	bool large;
};

extern const struct world worlds[];
extern const u32 n_worlds;

/**
 * struct past - what is known of a connection that something still refers to: only the
 *	laws look at it
 * @gen: its generation: the how many-th of its host
 * @irs: the generation of the peer's connection whose SYN it took, or NO_GEN
 * @written: octets its user wrote
 * @fin: its user wrote no more
 */
struct past {
	u16 gen;
	u16 irs;
	u8 written;
	bool fin;
};

/**
 * struct state - all of a world at one moment
 * @host: the hosts
 * @net: the segments on their way, no two the same
 * @n_net: how many
 * @next: generation of each host's next connection
 * @past: of each host
 * @n_past: how many
 * @mate: with @same_iss, of each socket: the name of the socket it was established with
 * @opened: active opens so far
 * @crashed: crashes so far
 * @ghost: with @two_messages: name of a connection that was established with nobody
 */
struct state {
	struct host host[HOSTS];
	struct host_packet net[NET_MAX];
	u8 n_net;
	u16 next[HOSTS];
	struct past past[HOSTS][PASTS];
	u8 n_past[HOSTS];
	u8 mate[HOSTS][HOST_SOCKS];
	u8 opened[HOSTS];
	u8 crashed[HOSTS];
	u8 ghost;
};

/* enum act - what can happen */
enum act {
	ACT_LISTEN,
	ACT_UNLISTEN,
	ACT_CONNECT,
	ACT_ACCEPT,
	ACT_WRITE,
	ACT_READ,
	ACT_SHUTDOWN,
	ACT_CLOSE,
	ACT_ABORT,
	ACT_DELIVER,	/* and it stays: it may arrive again */
	ACT_LOSE,
	ACT_TIMER,	/* of a connection; arg: the timer */
	ACT_REQUEST,	/* the timer of a half-open connection */
	ACT_WAITED,	/* TIME_WAIT is over */
	ACT_CRASH,
};

/**
 * struct action - something that happens
 * @act: &enum act
 * @host: where
 * @slot: socket, packet
 * @arg: timer
 */
struct action {
	u8 act;
	u8 host;
	u8 slot;
	u8 arg;
};

/**
 * struct told - a result of the engine, for those who watch a step
 * @host: where
 * @user: a program holds the connection, or will
 * @error: &enum tern_error, if it is over
 * @res: the result
 */
struct told {
	u8 host;
	bool user;
	u8 error;
	struct tern_result res;
};

/** define TOLD_MAX - results in one step, at the most */
#define TOLD_MAX 8

/**
 * struct step - what happened in one step
 * @action: because of this
 * @seg: of ACT_DELIVER and ACT_LOSE: the segment
 * @src: its sender
 * @payload: the first octet of its payload
 * @told: the engine's results
 * @n_told: how many
 * @sent: what was sent, of it what was new or is on its way already
 * @n_sent: how many
 * @cut: of which there was no room for
 */
struct step {
	struct action action;
	struct tern_seg seg;
	u8 src;
	u8 payload;
	struct told told[TOLD_MAX];
	u8 n_told;
	struct host_packet sent[HOST_OUT];
	u8 n_sent;
	u8 cut;
};

/* state.c */
void state_init(const struct world *w, struct state *st);
u32 state_actions(const struct world *w, const struct state *st, struct action *list);
/** state_step() - return: the first law that it broke, or NULL */
const char *state_step(const struct world *w, struct state *st, struct action action,
		       struct step *step);
/** state_final() - both are closed: nothing is left but those who listen */
bool state_final(const struct state *st);
/** state_calm() - all that was to be sent is acknowledged, SYN and FIN, too */
bool state_calm(const struct state *st);
u16 state_gen(const struct world *w, u8 host, tern_seq seq);
tern_seq state_iss(const struct world *w, u8 host, u16 gen);

/** struct hash - 128 bits */
struct hash {
	u64 a;
	u64 b;
};

/* canon.c */
/** canon_hash() - equal for states that nothing in the future can tell apart */
struct hash canon_hash(const struct world *w, const struct state *st);
/** canon_gens() - generations of @host that @st refers to, ascending; return: how many */
u32 canon_gens(const struct world *w, const struct state *st, u8 host, u16 *gens);

/**
 * struct report - what a search found
 * @states: different states
 * @edges: steps from one to another, or to itself
 * @depth: steps to the farthest
 * @finals: states in which nothing is left
 * @cut: steps in which a segment found no room
 * @pruned: states that were not stored any more
 * @stuck: states from which no way leads to an end, or to rest
 * @seconds: it took
 * @bytes: of memory it took, at the most
 * @broken: the law that was broken, or NULL
 * @path: the steps that lead there, shortest
 * @n_path: how many
 * @masks: pairs of different states of one hash that were compared
 */
struct report {
	u32 states;
	u64 edges;
	u32 depth;
	u32 finals;
	u64 cut;
	u64 pruned;
	u32 stuck;
	double seconds;
	u64 bytes;
	const char *broken;
	struct action *path;
	u32 n_path;
	u64 masks;
};

/* search.c */
/**
 * search() - explore @w
 * @w: the world
 * @max: states, at the most
 * @masks: compare one in so many pairs of states that hash alike; 0: none
 */
struct report search(const struct world *w, u32 max, u32 masks);

/* arrows.c */
void arrows_note(const struct world *w, const struct state *before,
		 const struct state *after, const struct step *step);
/** arrows_write() - doc/transitions.md */
void arrows_write(FILE *out);
/** arrows_check() - print results as tests/run.sh reads them; return: failures */
u32 arrows_check(void);
/** arrows_count() - return: different arrows seen */
u32 arrows_count(void);

/* story.c */
void story_print(const struct world *w, const struct action *path, u32 n);
void why_three(void);

#endif /* TERN_TEST_EXPLORE_H */
