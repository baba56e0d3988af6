/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the script runner share.
 *
 *	run.c		the files, the cases, the verdicts and the table
 *	script.c	one case: read and executed statement by statement
 *	packet.c	segments and their options as octets and as text, IP around them
 *	icmp.c		ICMP errors, of either IP version, that quote a segment
 *	engine.c	target: core/ in the host of tests/host/, with a virtual clock
 *	kernel.c	target: tern.ko, its peer behind a tun device
 *
 * A target is one host that speaks Tern; the runner is its only peer.  Both
 * targets eat and give the octets of segments, so nothing but these, the user's
 * calls and struct status can differ.
 */
#ifndef TERN_SCRIPTS_RUN_H
#define TERN_SCRIPTS_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/tern.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define MSEC 1000ull
#define SEC 1000000ull
#define TEXT_MAX 4096
#define SEG_MAX 2048

/* enum timer - what a script may say of the timer */
enum timer {
	TIMER_NONE,
	TIMER_REXMT,
	TIMER_PERSIST,
	TIMER_FIN_WAIT_2,
	TIMER_TIME_WAIT,
	TIMER_KEEPALIVE,
};

/**
 * struct status - what can be seen of a connection from its own host
 * @state: &enum tern_state; LISTEN when there is a listener and no connection
 * @timer: &enum timer, the first of these that runs
 * @left: until it is due, us
 * @unread: octets that the user can read
 * @waiting: connections that wait for accept()
 * @error: the error that the user will see, errno
 * @user: there is a socket that could see it
 */
struct status {
	u8 state;
	u8 timer;
	u64 left;
	u32 unread;
	u32 waiting;
	int error;
	bool user;
};

/**
 * struct ends - the names of a case's connection
 * @lport: the target's port
 * @rport: the runner's
 */
struct ends {
	u16 lport;
	u16 rport;
};

/* enum icmp_kind - what an ICMP error says, whichever IP version it is of */
enum icmp_kind {
	ICMP_IS_UNREACH,
	ICMP_IS_TIME_EXCEEDED,
	ICMP_IS_TOO_BIG,
};

/**
 * struct icmp_error - an ICMP error about a segment of the target
 * @kind: &enum icmp_kind
 * @code: its code, a number of the IP version, or one of &icmp_codes
 * @mtu: for ICMP_IS_TOO_BIG, with the header of IPv4
 * @seq: sequence number of the quoted segment
 * @ends: its ports
 */
struct icmp_error {
	u8 kind;
	char code[16];
	u32 mtu;
	u32 seq;
	struct ends ends;
};

/** define ARGS_MAX - numbers that a call can have */
#define ARGS_MAX 3

/**
 * struct call - one of the user's calls
 * @name: in a script
 * @call: makes it, with ARGS_MAX numbers; NULL or what went wrong
 */
struct call {
	const char *name;
	const char *(*call)(const u32 *args);
};

/**
 * struct target - a host under test
 * @name: for the verdicts
 * @slack: how much later than asked its clock may run, us, and how coarse it is
 * @begin: a fresh connection's place: nothing stands there
 * @end: forget it again, whatever state it is in
 * @inject: a segment from the peer arrives
 * @icmp: an ICMP error arrives, NULL when the target knows of none
 * @collect: the next segment that was sent; its length, 0 when there is none
 * @calls: the user's calls, up to one without a name
 * @sysctl: the operator sets net.tern.@name until the case is over; NULL or what went wrong
 * @pass: let time pass
 * @now: the target's clock, us
 * @status: see &struct status
 * @trouble: NULL, or what is wrong with the target whatever the script expects
 */
struct target {
	const char *name;
	u64 slack;
	const struct call *calls;
	void (*begin)(struct ends *ends);
	void (*end)(void);
	void (*inject)(const u8 *seg, u32 len);
	void (*icmp)(const struct icmp_error *icmp);
	u32 (*collect)(u8 *seg, u32 size);
	const char *(*sysctl)(const char *name, u32 value);
	void (*pass)(u64 us);
	u64 (*now)(void);
	void (*status)(struct status *status);
	const char *(*trouble)(void);
};

/**
 * struct settings - what the command line chooses
 * @target: of the two
 * @iss: the target's initial sequence number, where it lets us choose
 * @irs: the peer's
 * @ipv6: kernel target: IPv6 instead of IPv4
 * @near_wrap: kernel target: wait for an iss just below @iss
 * @verbose: print every case and segment
 */
struct settings {
	const struct target *target;
	u32 iss;
	u32 irs;
	bool ipv6;
	bool near_wrap;
	bool verbose;
};

extern struct settings settings;
extern const struct target engine_target;
extern const struct target kernel_target;

/* kernel.c */
/** kernel_open() - the namespace, the tun device and, near the wrap, the probes */
void kernel_open(void);

/* packet.c */
/** struct options - an option list, as text between commas and as octets */
struct options {
	u8 octets[40];
	u32 len;
};

/** options_read() - "mss 1000,sackOK,ts 1 0,sack 5:9 12:14" as octets; false when it is not */
bool options_read(const char *text, struct options *options);
/** options_text() - octets of options as such a text */
void options_text(const u8 *octets, u32 len, char *text, size_t size);

/** seg_put() - a segment as octets, checksum 0; returns its length */
u32 seg_put(const struct tern_seg *seg, const struct options *options, u8 *octets);
/** flags_read() - "SYN-ACK" and so on; false when it is none */
bool flags_read(const char *text, u8 *flags);
/** flags_text() - the same the other way round; PSH is not shown */
const char *flags_text(u8 flags);
/** payload_octet() - the octet that every stream has at a position */
u8 payload_octet(u32 pos);

/** ip_put() - IP header in front of a segment whose checksum it fills in */
u32 ip_put(u8 *seg, u32 len, u8 *packet);
/** ip_get() - what the packet carries for us, NULL when it is not ours; @why: it is bad */
u8 *ip_get(u8 *packet, u32 len, u32 *seg_len, const char **why);

/** peer_checksum() - of what a packet from the peer carries, with the pseudo-header */
u16 peer_checksum(const u8 *octets, u32 len, u8 protocol);

/* icmp.c */
/** icmp_put() - the packet; its length, 0 when the code is none of the IP version */
u32 icmp_put(const struct icmp_error *icmp, u8 *packet);

/* script.c */
/** case_run() - run one case, every set expanded; false with @why when it fails */
bool case_run(const char *state, const char *setup, const char *text, char *why);
/** case_kind() - flags, and words for seq and ack, of the first segment a case injects */
bool case_kind(const char *text, u8 *flags, char *seq, char *ack);

#define WHY_MAX 700
#define WORD_MAX 256

/** cases_wrapped() - cases in which the target's numbers passed 2^32 */
u32 cases_wrapped(void);

void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...);

#endif /* TERN_SCRIPTS_RUN_H */
