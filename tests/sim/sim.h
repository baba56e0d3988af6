/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The simulator: hosts (tests/host) in a network and a time that it makes up.
 *
 * A run is a list of events: what the users do, what happens to the hosts, and the
 * fate of each packet that does not simply arrive.  A seed makes such a list while it
 * runs (weather.c), a script has it already (script.c); the world (world.c) is the
 * same for both, and ledger.c watches it with the eyes of one who sees both ends.
 */
#ifndef TERN_SIM_H
#define TERN_SIM_H

#include <stdio.h>

#include "tests/host/host.h"
#include "tests/random.h"

typedef int64_t s64;

/** define SIM_HOSTS - hosts of a run, at the most */
#define SIM_HOSTS 3
/** define SIM_NAMES - sockets that a host may have in a run, one after the other */
#define SIM_NAMES 512
/** define SIM_FLIGHT - packets on their way at once; more are lost */
#define SIM_FLIGHT 512
/** define SIM_LABELS - sockets that users may name in a run */
#define SIM_LABELS 512
/** define SIM_ARGS - arguments of an event */
#define SIM_ARGS 4

#define MSEC 1000ull
#define SEC 1000000ull
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* enum verb - what happens; script.c has the words */
enum verb {
	/* how things are */
	VERB_HOSTS,
	VERB_CLOCK,
	VERB_ISS,
	VERB_DELAY,
	VERB_SET,
	/* users */
	VERB_LISTEN,
	VERB_CONNECT,
	VERB_ACCEPT,
	VERB_WRITE,
	VERB_READ,
	VERB_SHUTDOWN,
	VERB_CLOSE,
	VERB_ABORT,
	VERB_NODELAY,
	VERB_KEEPALIVE,
	VERB_PATIENCE,
	VERB_BUFFER,
	VERB_FORGET,
	/* hosts and paths */
	VERB_WAKE,
	VERB_CUT,
	VERB_MEND,
	VERB_MTU,
	VERB_DOWN,
	VERB_UP,
	VERB_FAIR,
	/* the fate of a packet: event.at is its number */
	VERB_DROP,
	VERB_AGAIN,
	VERB_LATE,
	VERB_FLIP,
	VERB_SHORT,
	VERBS,
	VERB_FATE = VERB_DROP,
};

/* enum key - what VERB_SET sets */
enum key {
	KEY_SACK,
	KEY_TIMESTAMPS,
	KEY_NODELAY,
	KEY_KEEP_IDLE,
	KEY_KEEP_INTERVAL,
	KEY_KEEP_PROBES,
	KEY_USER_TIMEOUT,
	KEY_RTO_INITIAL,
	KEY_RTO_MIN,
	KEY_RTO_MAX,
	KEY_DELACK,
	KEY_FIN_WAIT_2,
	KEY_RCV_BUF,
	KEY_MSS,
	KEY_PEER_MSS,
	KEY_SYN_RETRIES,
	KEY_SYNACK_RETRIES,
	KEY_DATA_RETRIES,
	KEY_ORPHAN_RETRIES,
	KEY_TS_OFFSET,
	KEY_TIME_WAIT,
	KEY_SLACK,
	KEY_TWO_MESSAGES,
	KEYS,
};

/**
 * struct event - one thing that happens
 * @verb: &enum verb
 * @host: whom it happens to; of a packet, who sent it
 * @at: when, us; of a fate, the number of the packet on its way from @host to arg[0]
 * @arg: as the table in script.c says
 */
struct event {
	u8 verb;
	u8 host;
	u64 at;
	u64 arg[SIM_ARGS];
};

/** struct script - events in the order in which they happen, and how many */
struct script {
	struct event *event;
	u32 n;
	u32 room;
};

/**
 * struct weather - what a seed decides by; weather.c
 * @ticks: events to come before the fair weather
 */
struct weather {
	struct random r;
	u64 next;
	u32 ticks;
	u64 pace;
	u64 lifetime;
	u64 jitter;
	u32 octets;
	u32 label;
	u32 most_written;
	/* per thousand */
	u32 drop, again, late, flip, cut_short;
	u32 crashes, partitions, closes, stalls, bulk;
};

/** struct fate - what happens to one packet */
struct fate {
	bool drop;
	bool again;
	bool flip;
	bool cut_short;
	u64 late;
	u64 again_late;
	u32 bit;
	u32 len;
};

/**
 * struct flight - a packet on its way, in a heap: the earliest first, of two at once the
 *	older
 */
struct flight {
	u64 at;
	u64 order;
	u32 slot;
};

/**
 * struct life - what the ledger knows of one socket, which may be gone
 * @name: its name on its host; 0 for one that there was not
 * @peer: name of the socket it is connected with, 0 when that is not known
 * @simultaneous: it met the peer's SYN while its own was on its way
 * @excused: when it was opened there were packets of an older connection that the
 *	protocol has no means to tell from its own (rfc9293#section-3.4.3)
 * @left: its user has gone and not read to the end of file
 * @crashed: its host has forgotten it
 * @fin: it was told of the peer's FIN
 * @offers_sack: its SYN said so
 * @rst: it has sent one
 * @sent: end of what it sent
 * @tried_at: when it last sent the oldest octet that waits, or a keep-alive probe
 * @syn_wnd: window of its SYN
 * @una_at: when something was last acknowledged, or nothing waited for it
 * @narrow_at: when the peer's window last had no room for a segment
 * @rcv_at: when the peer was last heard
 */
struct life {
	u32 name;
	u32 peer;
	u8 raddr;
	u8 error;
	u16 lport;
	u16 rport;
	tern_seq iss;
	tern_seq irs;
	tern_seq una;
	bool irs_known;
	bool opened;
	bool simultaneous;
	bool excused;
	bool closed;
	bool aborted;
	bool left;
	bool crashed;
	bool over;
	bool fin;
	bool edge_known;
	bool offers_sack;
	bool rst;
	tern_seq edge;
	tern_seq sent;
	u32 syn_wnd;
	u32 written;
	u32 read;
	u32 rcv_pos;
	u64 last_rcv;
	u64 una_at;
	u64 narrow_at;
	u64 tried_at;
	u64 rcv_at;
};

/* enum happened - what is counted beside verbs, drops and arrows */
enum happened {
	DID_OPEN,
	DID_SIMULTANEOUS,
	DID_SELF,
	DID_REFUSED,
	DID_RESET,
	DID_TIMEDOUT,
	DID_ABORTED,
	DID_TIMEOUT,
	DID_RECOVERY,
	DID_CHALLENGE,
	DID_SACK,
	DID_TIMESTAMPS,
	DID_NO_SACK,
	DID_NO_TIMESTAMPS,
	DID_PROBE,
	DID_SHUT_WINDOW,
	DID_KEEPALIVE,
	DID_BARE_RST,
	DID_RST,
	DID_TW_DROP,
	DID_TW_ACK,
	DID_TW_RESTART,
	DID_TW_REOPEN,
	DID_REUSE,
	DID_EXCUSED,
	DID_TOO_BIG,
	DID_TO_DOWN,
	DID_TO_CUT,
	DID_NO_ROOM,
	DID_SEQ_WRAP,
	DID_TSVAL_WRAP,
	DID_FORGOT,
	DID_RANGES_FORGOTTEN,
	DID_LONELY,
	DIDS,
};

/** struct tally - what the runs have done, all together */
struct tally {
	u64 runs;
	u64 steps;
	u64 packets;
	u64 lives;
	u64 octets;
	u64 virtual_us;
	u64 fair_us_max;
	u64 verb[VERBS];
	u64 did[DIDS];
	u64 drop[TERN_DROP_CORE];
	u64 arrow[TERN_CLOSING + 1][TERN_CLOSING + 1];
};

/**
 * struct world - a run
 * @t: true time, us
 * @clock: of each host: what it shows at time 0, and how much faster it runs, ppm
 * @timer: true time at which the host's next deadline is served
 * @trouble: of two hosts, when something that was not fair last happened between them
 * @weather: the seed's, or NULL when @script says all
 * @script: what happens; what the seed does is added at its end
 * @law: the first law that was broken, or NULL
 * @why: and what there is to say about it
 * @hash: of all that has happened
 */
struct world {
	struct host host[SIM_HOSTS];
	struct host_packet packet[SIM_FLIGHT];
	u32 hosts;
	u64 t;
	/* from here on a new run begins with zeros */
	struct {
		u64 offset;
		s64 ppm;
		u32 iss_base;
		u32 iss_spread;
		u32 slack;
		bool down;
	} is[SIM_HOSTS];
	u64 timer[SIM_HOSTS];
	bool cut[SIM_HOSTS][SIM_HOSTS];
	u16 mtu[SIM_HOSTS][SIM_HOSTS];
	u32 delay[SIM_HOSTS][SIM_HOSTS];
	u64 count[SIM_HOSTS][SIM_HOSTS];
	u64 trouble[SIM_HOSTS][SIM_HOSTS];

	struct flight heap[SIM_FLIGHT];
	u32 n_flight;
	u32 spare[SIM_FLIGHT];
	u64 order;

	struct life life[SIM_HOSTS][SIM_NAMES];
	/* sockets by the labels of the script: index + 1 */
	struct {
		u8 host;
		u8 index;
	} label[SIM_LABELS];

	struct weather *weather;
	struct script *script;
	u32 cursor;
	/* fates of the script, by number of the packet */
	struct event **fate[SIM_HOSTS][SIM_HOSTS];
	u32 n_fates[SIM_HOSTS][SIM_HOSTS];
	u32 next_fate[SIM_HOSTS][SIM_HOSTS];

	bool fair;
	bool ending;
	bool full;
	u64 fair_at;
	u64 fair_limit;
	u64 steps;
	const char *law;
	char why[240];
	u64 hash;
	struct tally *tally;
	FILE *trace;
};

/* world.c */
void run_seed(struct world *w, u64 seed, struct script *script);
void run_script(struct world *w, struct script *script);
void world_do(struct world *w, const struct event *e);
void world_broken(struct world *w, const char *law, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void world_trouble(struct world *w, u32 a, u32 b, u64 until);
u64 world_clock(const struct world *w, u32 host);
int world_socket(const struct world *w, u32 host, u64 label);

/* weather.c */
void weather_start(struct world *w, u64 seed);
void weather_tick(struct world *w);
void weather_fate(struct world *w, const struct host_packet *packet, u64 number);

/* ledger.c */
void ledger_watch(struct world *w);
void ledger_read(struct world *w, u32 host, int s, const u8 *octet, u32 pos, u32 len);
void ledger_crash(struct world *w, u32 host);
bool ledger_lonely(struct world *w, u32 host, int s);
void ledger_end(struct world *w);
struct life *ledger_life(struct world *w, u32 host, u32 name);

/* script.c */
void script_add(struct script *script, const struct event *e);
void script_clear(struct script *script);
bool script_parse(struct script *script, FILE *file, const char *name);
void script_print(FILE *file, const struct script *script);
void event_print(FILE *file, const struct event *e);
void packet_print(const struct world *w, const struct host_packet *packet, const char *what);
const char *verb_name(u32 verb);

/* shrink.c */
u32 shrink(struct world *w, struct script *script, const char *law, u32 most);

#endif /* TERN_SIM_H */
