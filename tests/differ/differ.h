/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the differential test share.
 *
 *	main.c		command line, seeds, files, the summary
 *	run.c		a sequence on both sides, step by step; shrinking
 *	generate.c	the next step of a random sequence, by the state reached
 *	step.c		steps and sequences as text
 *	side.c		one of the two hosts: its sockets, and what its peer knows of it
 *	wire.c		the tun device, and Tern's header as TCP's and back
 *	compare.c	what both did, brought into one form and held together
 *	rules.c		the differences that are meant
 *
 * One tun device leads to both: protocol 253 is Tern's, protocol 6 is TCP's.  The
 * program is the peer of both connections, which have the same addresses and ports.
 */
#ifndef TERN_DIFFER_DIFFER_H
#define TERN_DIFFER_DIFFER_H

#include "tests/scripts/run.h"

#define STEPS_MAX 64
#define SEGS_MAX 256
#define SACKS_MAX 3
#define LINE_MAX_LEN 400

/* enum which - the two sides */
enum which {
	TERN,
	TCP,
	SIDES,
};

/* Steps */

/* enum base - the number that a step's sequence number counts from; see side_number() */
enum base {
	BASE_LEFT,	/* left edge of the side's window: what it expects next */
	BASE_RIGHT,	/* last octet of the window it has offered */
	BASE_BEYOND,	/* one further */
	BASE_IRS,	/* the peer's initial sequence number */
	BASE_UNA,	/* the most that the peer has acknowledged */
	BASE_MAX,	/* one past all that the side has sent */
	BASE_ISS,	/* the side's initial sequence number */
	BASES,
};

enum step_kind {
	STEP_SEGMENT,
	STEP_CALL,
	STEP_WAIT,
};

/* enum ts_mode - the timestamps of a segment, if they are agreed on */
enum ts_mode {
	TS_NOW,
	TS_OLD,
	TS_NONE,
};

enum user_call {
	CALL_CONNECT,
	CALL_LISTEN,
	CALL_UNLISTEN,
	CALL_ACCEPT,
	CALL_SEND,
	CALL_RECV,
	CALL_PEEK,
	CALL_SHUTDOWN_RD,
	CALL_SHUTDOWN_WR,
	CALL_SHUTDOWN_RDWR,
	CALL_CLOSE,
	CALL_ABORT,
	CALL_ERROR,
	CALL_NODELAY,
	CALL_DISCONNECT,
	CALL_PEER,
	CALLS,
};

/**
 * struct step - one thing that happens to both sides
 * @kind: &enum step_kind
 * @flags: of the segment
 * @seq_base: &enum base; @seq_off: from there
 * @ack_base: &enum base; @ack_off: from there
 * @len: octets of payload
 * @wnd: window
 * @ts: &enum ts_mode
 * @n_sack: blocks in @sack
 * @sack: from and to, counted from BASE_UNA
 * @call: &enum user_call
 * @arg: of the call; of STEP_WAIT: milliseconds
 */
struct step {
	u8 kind;
	u8 flags;
	u8 seq_base;
	u8 ack_base;
	u8 ts;
	u8 n_sack;
	u8 call;
	int seq_off;
	int ack_off;
	u32 len;
	u32 wnd;
	int arg;
	int sack[SACKS_MAX][2];
};

/**
 * struct sequence - a whole run
 * @seed: that it was made from, 0 for a file
 * @irs: the peer's initial sequence number
 * @peer_mss: in its SYN, 0 for no option
 * @sack: both hosts offer SACK; @peer_sack: the peer does
 * @ts: both hosts offer timestamps; @peer_ts: the peer does
 * @nodelay: the sockets have no Nagle algorithm
 * @n: steps
 * @step: the steps
 */
struct sequence {
	u32 seed;
	u32 irs;
	u16 peer_mss;
	bool sack;
	bool peer_sack;
	bool ts;
	bool peer_ts;
	bool nodelay;
	u32 n;
	struct step step[STEPS_MAX];
};

/* What is seen */

/**
 * struct seen - a segment that a side has sent, in numbers that both can have
 * @flags: without PSH
 * @seq: counted from the side's iss; @ack: from the sequence's irs
 * @len: payload; @wnd: window
 * @rexmit: all of it was sent before
 * @probe: a segment for the sake of its answer: at or before what was acknowledged
 * @mss: option, 0 for none; @sack_ok, @has_ts, @tsecr: as in struct tern_seg
 * @n_sack: blocks; @sack: from the sequence's irs
 */
struct seen {
	u8 flags;
	bool rexmit;
	bool sack_ok;
	bool has_ts;
	u8 n_sack;
	u16 mss;
	u32 seq;
	u32 ack;
	u32 len;
	u32 wnd;
	u32 tsecr;
	u32 sack[TERN_SACK_BLOCKS][2];
};

/**
 * struct view - what a side did in one step, and where it stands
 * @ret: of the call, -errno when it failed
 * @hash: of the octets that the call read
 * @state: &enum tern_state, from /proc/net
 * @timer: number of the timer in /proc/net, @due: when, ms
 * @poll: events of the socket, -1 without one; @listener_poll: of the listener
 * @unread: octets to read, as FIONREAD has them
 * @n: segments sent
 * @seen: the segments
 * @trouble: NULL, or what is wrong with what was sent
 */
struct view {
	long ret;
	u32 hash;
	u8 state;
	u8 timer;
	u32 due;
	int poll;
	int listener_poll;
	int unread;
	u32 n;
	struct seen seen[SEGS_MAX];
	const char *trouble;
};

/**
 * struct side - a host under test, and what its peer knows of it
 * @protocol: IP protocol; @name: for reports; @proc: its file in /proc/net
 * @sock: the connection's socket, or -1; @listener: the same
 * @iss: of the side; @left, @right, @max, @una: see &enum base
 * @synced: @left is known from an acknowledgment
 * @tsval: TSval that came last
 * @ts_ok: the SYNs have agreed on timestamps
 * @sent: octets that the user has sent
 * @answered: when it last sent an ACK that no data asked for, us
 * @wnd: window that the peer has offered last
 * @wl1: sequence number of the segment that told of it
 * @last: sequence number of the segment that it got last
 * @fin: place of the first FIN that the peer has sent, if @has_fin
 * @data_end: end of the furthest octets that it has sent, if @has_data
 * @lost: it has sent octets again, or has received duplicate ACKs: less may leave at once
 * @nagle: Nagle's algorithm is on
 * @muddled: FIN and octets of the peer contradict each other
 */
struct side {
	u8 protocol;
	const char *name;
	const char *proc;
	int sock;
	int listener;
	u32 iss;
	u32 left;
	u32 right;
	u32 max;
	u32 una;
	u32 tsval;
	u32 sent;
	u32 wnd;
	u32 wl1;
	u32 last;
	u32 fin;
	u32 data_end;
	u64 answered;
	bool has_fin;
	bool has_data;
	bool lost;
	bool nagle;
	bool muddled;
	bool synced;
	bool ts_ok;
};

/* enum aspect - what can differ */
enum aspect {
	ASPECT_SEGMENTS = 1,
	ASPECT_RETURN = 2,
	ASPECT_STATE = 4,
	ASPECT_POLL = 8,
	ASPECT_UNREAD = 16,
	ASPECT_DATA = 32,
	ASPECT_TIMER = 64,
};

#define ASPECTS 7

/**
 * struct moment - all that a rule may look at
 * @sequence: what is being run; @step: the step that was made
 * @side: the two
 * @before: where they stood before the step; @view: what they did
 * @differs: &enum aspect that are not explained yet
 * @now: us; @since: us since each side's last answer to a segment of no use
 */
struct moment {
	const struct sequence *sequence;
	const struct step *step;
	const struct side *side;
	struct side was[SIDES];
	struct view before[SIDES];
	struct view view[SIDES];
	u32 differs;
	u64 now;
};

/**
 * struct rule - a difference that is meant; doc/differences.md has the reasons
 * @name: under which it stands there
 * @explains: the aspects of @moment that it explains, 0 when it does not apply
 * @ends: the two sides stand in different places afterwards: nothing more to compare
 * @hidden: the same, even if nothing was to be seen of it in the step itself
 * @count: how often it was seen
 */
struct rule {
	const char *name;
	u32 (*explains)(const struct moment *m);
	bool ends;
	bool hidden;
	u32 count;
};

extern struct rule rules[];
extern const u32 n_rules;

/* side.c */
extern struct side sides[SIDES];
void sides_begin(const struct sequence *sequence);
void sides_end(void);
u32 side_number(const struct side *side, const struct sequence *sequence, u8 base, int off);
long side_call(struct side *side, const struct sequence *sequence, const struct step *step,
	       u32 *hash);
void side_segment(struct side *side, const struct sequence *sequence, const struct step *step,
		  u32 tsval);
void side_saw(struct side *side, const struct sequence *sequence, const struct tern_seg *seg,
	      const u8 *payload, struct view *view);
void side_look(struct side *side, struct view *view);

/* wire.c */
extern u16 local_port;
extern const u16 peer_port;
void wire_open(void);
void wire_send(const struct side *side, const u8 *octets, u32 len);
void wire_collect(const struct sequence *sequence, struct view *views);
u64 wire_now(void);
void wire_sleep(u64 us);
void set_sysctl(const char *name, const char *value);

/* step.c */
extern const char *const call_names[CALLS];
void step_text(const struct step *step, char *text, size_t size);
void sequence_print(const struct sequence *sequence);
bool sequence_read(const char *path, struct sequence *sequence);

/* generate.c */
u32 draw(u32 below);
void sequence_start(struct sequence *sequence, u32 seed);
void next_step(struct sequence *sequence, const struct view *view);

/* compare.c */
u32 compare(const struct moment *m);
void leave_out_common(struct view *views);
bool same_segments(const struct view *a, const struct view *b);
void view_text(const struct view *view, char *text, size_t size);

/* run.c */
struct outcome {
	int at;			/* the step that differed, or -1 */
	u32 differs;
	const struct rule *ended;
};

extern bool verbose;
extern u64 steps_run, comparisons_made;
void sequence_run(struct sequence *sequence, bool generate, struct outcome *outcome);
void sequence_shrink(struct sequence *sequence, u32 differs);
void rules_count(bool on);

#endif /* TERN_DIFFER_DIFFER_H */
