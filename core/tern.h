/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Tern protocol engine: everything a shell may see and call.
 *
 * The engine is a pure function of what it is told.  A shell (the kernel module,
 * the raw-socket demo, a simulator) tells it what happened -- the user called,
 * a segment arrived, a deadline passed -- together with the time, and then asks
 * it, until it says no, which segment is due.  The engine never sees a byte of
 * user data, only positions in the two streams; the shell owns the bytes.
 *
 * The tail of every entry is the same in every shell:
 *
 *	result = tern_...(conn, now, ...);
 *	act on result.events and result.drop;
 *	while (tern_next_segment(conn, now, &seg))
 *		put seg on the wire;
 *	arm one timer for tern_next_deadline(conn);
 *
 * A struct tern_conn is plain data without pointers: assigning it takes a
 * snapshot, and the same calls give the same results.  Shells read its fields,
 * only core/ writes them.  The engine does no locking: one call at a time for
 * one connection is the shell's duty.
 *
 * Times are u64 microseconds on a monotonic clock of the shell's choice.
 * Sequence numbers are tern_seq, everything is in host byte order.
 */
#ifndef TERN_CORE_TERN_H
#define TERN_CORE_TERN_H

#include "core/seq.h"
#include "core/types.h"
#include "core/wire.h"

/** define TERN_NEVER - a deadline that is not set, us */
#define TERN_NEVER (~(u64)0)

/** define TERN_MAX_WINDOW - largest window offered or believed, octets: keeps
 * every pair of sequence numbers comparable
 */
#define TERN_MAX_WINDOW (1u << 30)

/** define TERN_RANGES - out-of-order ranges a connection remembers */
#define TERN_RANGES 16

/** define TERN_SACKED - ranges that the peer has told of and a connection remembers */
#define TERN_SACKED 16

/*
 * enum tern_state - the states of rfc9293#section-3.3.2
 *
 * The numbers are those of /proc/net/tcp, so that people and tools read them.
 */
enum tern_state {
	TERN_ESTABLISHED = 1,
	TERN_SYN_SENT = 2,
	TERN_SYN_RECEIVED = 3,
	TERN_FIN_WAIT_1 = 4,
	TERN_FIN_WAIT_2 = 5,
	TERN_TIME_WAIT = 6,
	TERN_CLOSED = 7,
	TERN_CLOSE_WAIT = 8,
	TERN_LAST_ACK = 9,
	TERN_LISTEN = 10,
	TERN_CLOSING = 11,
};

/* enum tern_error - why a connection ended; the shell has the errno for it */
enum tern_error {
	TERN_OK,		/* it was closed in the ordinary way */
	TERN_ERR_REFUSED,	/* RST answered our SYN: ECONNREFUSED */
	TERN_ERR_RESET,		/* RST on a synchronised connection: ECONNRESET */
	TERN_ERR_TIMEDOUT,	/* nobody answers any more: ETIMEDOUT */
	TERN_ERR_ABORTED,	/* our own user aborted: ECONNABORTED */
};

/*
 * enum tern_timer - the deadlines of a connection, rfc9293#section-3.10.8
 */
enum tern_timer {
	TERN_TIMER_REXMT,	/* retransmission, rfc6298 */
	TERN_TIMER_PERSIST,	/* zero-window probe and silly-window override */
	TERN_TIMER_DELACK,	/* delayed acknowledgment, rfc1122#section-4.2.3.2 */
	TERN_TIMER_FIN_WAIT_2,	/* bounds FIN_WAIT_2 when no user is left */
	TERN_TIMER_KEEPALIVE,	/* rfc9293#section-3.8.4 */
	TERN_TIMER_USER,	/* user timeout, rfc9293#section-3.10.8 */
	TERN_TIMERS,
};

/* enum tern_event - bits of &struct tern_result.events: what the shell must act on */
enum tern_event {
	TERN_EV_ESTABLISHED = 1 << 0,	/* the handshake is complete */
	TERN_EV_DATA = 1 << 1,		/* payload accepted: data_off, data_len, data_pos */
	TERN_EV_ACKED = 1 << 2,		/* release acked octets of the send buffer */
	TERN_EV_FIN = 1 << 3,		/* the peer sends no more: end of file for the reader */
	TERN_EV_CLOSED = 1 << 4,	/* CLOSED, conn->error says why; after draining, free it */
	TERN_EV_TIME_WAIT = 1 << 5,	/* TIME_WAIT: drain, tern_tw_init(), free the connection */
	TERN_EV_RESET = 1 << 6,		/* answer this segment with tern_reset_for() */
	TERN_EV_CHALLENGE = 1 << 7,	/* rfc5961: if the limit allows, tern_challenge_ack() */
	TERN_EV_TIMEOUT = 1 << 8,	/* the retransmission timer expired; for a counter */
	TERN_EV_RECOVERY = 1 << 9,	/* duplicate ACKs told of a loss; for a counter */
};

/** define TERN_PATH - state changes one call can make, at the most */
#define TERN_PATH 4

/**
 * struct tern_result - what one call did, for the shell to act on
 * @events: &enum tern_event bits
 * @acked: octets of user data newly acknowledged (TERN_EV_ACKED)
 * @data_off: offset of the accepted octets in the payload (TERN_EV_DATA)
 * @data_len: how many octets were accepted (TERN_EV_DATA)
 * @data_pos: position of the first of them in the received stream, modulo 2^32;
 *	the first octet of the stream has position 0
 * @drop: &enum tern_drop, why the segment or a part of it was not used
 * @old_state: &enum tern_state before the call
 * @path_len: how many state changes the call made
 * @path: the states entered, in order
 */
struct tern_result {
	u32 events;
	u32 acked;
	u32 data_off;
	u32 data_len;
	u32 data_pos;
	u8 drop;
	u8 old_state;
	u8 path_len;
	u8 path[TERN_PATH];
};

/**
 * struct tern_config - what a connection is opened with; the shell owns the
 *	choice, the connection keeps a copy
 * @keep_idle: silence after which keep-alive probes are sent, us; 0 turns them off
 * @keep_interval: time between two probes, us
 * @user_timeout: how long data may stay unacknowledged, us; 0 leaves it to the
 *	number of retransmissions
 * @rto_initial: timeout before the first round trip is measured, us (rfc6298 2.1: 1 s)
 * @rto_min: lower bound of the timeout, us
 * @rto_max: upper bound of the timeout and of every backoff, us
 * @delack: longest time an acknowledgment is held back, us
 * @fin_wait_2: longest FIN_WAIT_2 without a user, us
 * @rcv_buf: receive buffer the user gives, octets, 1 to TERN_MAX_WINDOW
 * @mss: largest payload one packet carries to us and to the peer, octets (MTU
 *	less headers without options); announced in the MSS option
 * @peer_mss: what a peer takes that sends no MSS option, octets: TERN_DEFAULT_MSS
 *	(also when 0) or TERN_DEFAULT_MSS6
 * @ts_offset: what is added to the clock to make TSval: a keyed hash of the two
 *	addresses, the same for all connections between them (rfc7323#section-5.4)
 * @syn_retries: retransmissions of SYN before giving up
 * @synack_retries: of SYN-ACK
 * @data_retries: of data and FIN (R2 of rfc9293#section-3.8.3)
 * @orphan_retries: of data and FIN when no user is left
 * @keep_probes: unanswered keep-alive probes after which the connection is given up
 * @nodelay: true turns the Nagle algorithm off
 * @sack: offer selective acknowledgments, and use them if the peer does, too
 * @timestamps: the same for timestamps
 */
struct tern_config {
	u64 keep_idle;
	u64 keep_interval;
	u64 user_timeout;
	u32 rto_initial;
	u32 rto_min;
	u32 rto_max;
	u32 delack;
	u32 fin_wait_2;
	u32 rcv_buf;
	u32 ts_offset;
	u16 mss;
	u16 peer_mss;
	u8 syn_retries;
	u8 synack_retries;
	u8 data_retries;
	u8 orphan_retries;
	u8 keep_probes;
	bool nodelay : 1;
	bool sack : 1;
	bool timestamps : 1;
};

/**
 * struct tern_conn - one end of a connection (the TCB of rfc9293#section-3.3.1)
 *
 * Send side:  snd_una <= snd_nxt <= snd_max <= snd_end (+ 1 for a sent FIN).
 * The SYN has sequence number @iss, the first user octet @iss + 1, the FIN
 * @snd_end.  Between snd_una and snd_max lies what was sent and is not yet
 * acknowledged: the retransmission queue; a timeout rewinds snd_nxt to snd_una.
 *
 * @cfg: copy of what it was opened with
 * @deadline: when each &enum tern_timer is due, us, TERN_NEVER when not set
 * @iss: initial send sequence number
 * @snd_una: oldest unacknowledged sequence number
 * @snd_nxt: next sequence number to be sent (again)
 * @snd_max: one past the highest sequence number ever sent
 * @snd_end: one past the last octet the user has handed over
 * @snd_psh: end of the user's latest SEND; the segment that reaches it carries PSH
 * @snd_wl1: sequence number of the segment that last set @snd_wnd
 * @snd_wl2: its acknowledgment number
 * @snd_wnd: the peer's window, octets from @snd_una
 * @snd_wnd_max: the largest @snd_wnd seen (sender SWS avoidance)
 * @irs: initial receive sequence number
 * @rcv_nxt: next sequence number expected
 * @rcv_acked: @rcv_nxt as last told to the peer (Last.ACK.sent)
 * @rcv_adv: right edge of the window as last told to the peer; never moves left
 * @rcv_buf: size of the user's receive buffer, octets
 * @rcv_held: octets received in order that the user has not taken yet
 * @rcv_fin: sequence number of the peer's FIN, if @fin_seen
 * @range: out-of-order octets, ascending, disjoint, not adjacent
 * @recent: one octet of each range of the latest out-of-order arrivals, the
 *	latest first: the order in which SACK blocks are sent (rfc2018#section-4)
 * @sacked: octets beyond snd_una that the peer has told it holds, like @range
 * @snd_rxt: end of what was retransmitted in this recovery (HighRxt of rfc6675)
 * @snd_rescue: no rescue retransmission before snd_una is beyond it (RescueRxt)
 * @ts_recent: the peer's TSval to echo (TS.Recent of rfc7323), if @ts_ok
 * @srtt: smoothed round-trip time, us; 0 before the first measurement
 * @rttvar: its variation, us
 * @rto: current timeout without backoff, us
 * @rtt_seq: the timed segment is acknowledged when snd_una passes this
 * @rtt_start: when it was sent, us, if @rtt_timing
 * @cwnd: congestion window, octets (rfc5681)
 * @ssthresh: slow start threshold, octets
 * @recover: snd_max when loss recovery began (rfc6582)
 * @last_sent: when data was last sent, us (restart after idle)
 * @last_rcv: when the SYN came or a segment last passed the ACK check, us
 * @stalled: since when the oldest thing to be acknowledged waits, us; TERN_NEVER
 *	when nothing does
 * @oow_acked: when a bare unacceptable segment was last answered, us
 * @rexmits_total: segments retransmitted in this connection's life
 * @peer_mss: largest payload the peer takes in one packet, octets, options of IP and
 *	of the segment included; 0 before its SYN
 * @snd_mss: largest payload sent in one segment without SACK blocks, octets
 * @state: &enum tern_state
 * @error: &enum tern_error, once CLOSED
 * @rexmits: retransmissions (or unanswered probes) since the last progress
 * @dupacks: duplicate acknowledgments in a row
 * @probes: window probes sent since the peer's window closed: their backoff
 * @keep_sent: keep-alive probes sent since the peer was last heard of
 * @n_ranges: used entries of @range
 * @n_recent: used entries of @recent
 * @n_sacked: used entries of @sacked
 * @delack_segs: segments received since the last ACK was sent
 * @ack_now: an acknowledgment is due at once
 * @fin_queued: the user has closed: FIN follows the last octet
 * @fin_seen: the peer's FIN arrived, perhaps out of order: @rcv_fin
 * @passive: opened by a SYN that reached a listener
 * @orphan: no user is left
 * @rst_due: an abort owes the peer a RST
 * @rtt_timing: one segment is being timed
 * @in_recovery: fast recovery is under way
 * @rexmit_head: retransmit one segment at snd_una before anything else
 * @force: the persist timer fired: send a segment whatever its size
 * @keep_due: the keep-alive timer fired: a probe is due
 * @sack_ok: both ends have agreed on SACK; before that, we offer it
 * @ts_ok: the same for timestamps
 * @syn_acked: our SYN is acknowledged; "snd_una == iss" would come true again
 *	after 2^32 octets
 */
struct tern_conn {
	struct tern_config cfg;
	u64 deadline[TERN_TIMERS];

	tern_seq iss;
	tern_seq snd_una;
	tern_seq snd_nxt;
	tern_seq snd_max;
	tern_seq snd_end;
	tern_seq snd_psh;
	tern_seq snd_wl1;
	tern_seq snd_wl2;
	u32 snd_wnd;
	u32 snd_wnd_max;

	tern_seq irs;
	tern_seq rcv_nxt;
	tern_seq rcv_acked;
	tern_seq rcv_adv;
	u32 rcv_buf;
	u32 rcv_held;
	tern_seq rcv_fin;
	struct tern_range range[TERN_RANGES];
	tern_seq recent[TERN_SACK_BLOCKS];
	struct tern_range sacked[TERN_SACKED];
	tern_seq snd_rxt;
	tern_seq snd_rescue;
	u32 ts_recent;

	u32 srtt;
	u32 rttvar;
	u32 rto;
	tern_seq rtt_seq;
	u64 rtt_start;

	u32 cwnd;
	u32 ssthresh;
	tern_seq recover;
	u64 last_sent;
	u64 last_rcv;
	u64 stalled;
	u64 oow_acked;
	u32 rexmits_total;
	u16 peer_mss;
	u16 snd_mss;

	u8 state;
	u8 error;
	u8 rexmits;
	u8 dupacks;
	u8 probes;
	u8 keep_sent;
	u8 n_ranges;
	u8 n_recent;
	u8 n_sacked;
	u8 delack_segs;
	bool ack_now : 1;
	bool fin_queued : 1;
	bool fin_seen : 1;
	bool passive : 1;
	bool orphan : 1;
	bool rst_due : 1;
	bool rtt_timing : 1;
	bool in_recovery : 1;
	bool rexmit_head : 1;
	bool force : 1;
	bool keep_due : 1;
	bool syn_acked : 1;
	bool sack_ok : 1;
	bool ts_ok : 1;
};

/**
 * struct tern_req - a passively opened connection in SYN_RECEIVED, made small
 *
 * What a listener keeps for a SYN until the third message comes: all that
 * differs between two such connections.  tern_req_unpack() makes the whole
 * connection again, so that there is one engine and no twin of it.
 *
 * @deadline: when the SYN-ACK is due again, us
 * @rtt_start: when the first SYN-ACK was sent, us
 * @oow_acked: when a bare unacceptable segment was last answered, us
 * @iss: initial send sequence number
 * @irs: initial receive sequence number
 * @snd_wnd: the peer's window
 * @ts_recent: the peer's TSval, if @ts_ok
 * @peer_mss: largest payload the peer takes
 * @rexmits: retransmissions of the SYN-ACK so far
 * @sent: the first SYN-ACK has been sent
 * @sack_ok: both ends have agreed on SACK
 * @ts_ok: both ends have agreed on timestamps
 */
struct tern_req {
	u64 deadline;
	u64 rtt_start;
	u64 oow_acked;
	tern_seq iss;
	tern_seq irs;
	u32 snd_wnd;
	u32 ts_recent;
	u16 peer_mss;
	u8 rexmits;
	bool sent : 1;
	bool sack_ok : 1;
	bool ts_ok : 1;
};

/**
 * struct tern_tw - a connection in TIME_WAIT: all that it takes to answer for it
 * @snd_nxt: the sequence number after our FIN
 * @rcv_nxt: the sequence number after the peer's FIN
 * @ts_recent: the peer's TSval, if @ts_ok
 * @rcv_wnd: the window that was last offered, octets
 * @ts_ok: timestamps were in use
 *
 * The length of the wait and its clock are the shell's.
 */
struct tern_tw {
	tern_seq snd_nxt;
	tern_seq rcv_nxt;
	u32 ts_recent;
	u32 rcv_wnd : 31;
	u32 ts_ok : 1;
};

/* enum tern_tw_verdict - what the shell does with a segment in TIME_WAIT */
enum tern_tw_verdict {
	TERN_TW_DROP,		/* nothing (a RST: rfc1337) */
	TERN_TW_ACK,		/* send the reply, the wait goes on */
	TERN_TW_RESTART,	/* the peer's FIN again: send the reply, wait anew */
	TERN_TW_REOPEN,		/* a new SYN: for the listener; without one, send the reply */
};

/* enum tern_listen_verdict - what a listener does with a segment */
enum tern_listen_verdict {
	TERN_LISTEN_DROP,	/* nothing */
	TERN_LISTEN_RESET,	/* answer with tern_reset_for() */
	TERN_LISTEN_SYN,	/* a connection request: tern_open_syn() */
};

/* conn.c: the user's calls, rfc9293#section-3.10.1 to 3.10.6 */

/**
 * tern_open() - active OPEN: send SYN
 * @conn: memory for the connection, written whole
 * @now: us
 * @iss: initial send sequence number (tern_iss())
 * @cfg: copied
 *
 * Return: path CLOSED -> SYN_SENT.
 */
struct tern_result tern_open(struct tern_conn *conn, u64 now, tern_seq iss,
			     const struct tern_config *cfg);

/**
 * tern_open_syn() - a SYN reached a listener: send SYN-ACK
 * @conn: memory for the connection, written whole
 * @now: us
 * @iss: initial send sequence number
 * @cfg: copied
 * @syn: the segment, which tern_listen_segment_arrives() judged TERN_LISTEN_SYN
 *
 * Data on the SYN is neither kept nor acknowledged.
 *
 * Return: path LISTEN -> SYN_RECEIVED.
 */
struct tern_result tern_open_syn(struct tern_conn *conn, u64 now, tern_seq iss,
				 const struct tern_config *cfg,
				 const struct tern_seg *syn);

/**
 * tern_open_cookie() - the third message brought a SYN cookie back (rfc4987#section-3.6)
 * @conn: memory for the connection, written whole
 * @now: us
 * @cfg: copied; as the SYN-ACK was sent with
 * @mss: the peer's, as the cookie has it
 * @ack: the segment; the shell has found its cookie good
 *
 * Nothing was kept of SYN and SYN-ACK: all that they said follows from this
 * segment.  It is not used up: tern_segment_arrives() comes next, and makes the
 * connection ESTABLISHED.
 *
 * Return: path LISTEN -> SYN_RECEIVED.
 */
struct tern_result tern_open_cookie(struct tern_conn *conn, u64 now,
				    const struct tern_config *cfg, u16 mss,
				    const struct tern_seg *ack);

/**
 * tern_send() - SEND: the user has handed over octets
 * @conn: connection
 * @len: how many; the shell keeps them until TERN_EV_ACKED releases them
 *
 * Return: false, and nothing happened, when this end has closed or the
 * connection cannot send (EPIPE), or when @len octets more would make the
 * unacknowledged data exceed TERN_MAX_WINDOW.
 */
bool tern_send(struct tern_conn *conn, u32 len);

/**
 * tern_receive() - RECEIVE: the user has taken octets out of the receive buffer
 * @conn: connection
 * @len: how many, at most conn->rcv_held
 *
 * May make a window update due.
 */
void tern_receive(struct tern_conn *conn, u32 len);

/**
 * tern_close() - CLOSE: the user sends no more, but may go on receiving
 * @conn: connection
 * @now: us
 *
 * Calling it again changes nothing.
 */
struct tern_result tern_close(struct tern_conn *conn, u64 now);

/**
 * tern_orphan() - nobody will send, receive or ask any more
 * @conn: connection, after tern_close()
 * @now: us
 *
 * From here on retransmissions are bounded by orphan_retries, FIN_WAIT_2 by
 * fin_wait_2, and new data from the peer aborts the connection with RST
 * (rfc9293#section-3.6.1).
 */
struct tern_result tern_orphan(struct tern_conn *conn, u64 now);

/**
 * tern_abort() - ABORT: forget everything, tell the peer with RST
 * @conn: connection
 * @error: why, kept in conn->error
 *
 * The RST, where one is due, is the last thing tern_next_segment() gives.
 */
struct tern_result tern_abort(struct tern_conn *conn, enum tern_error error);

/**
 * tern_set_rcv_buf() - the user's receive buffer has another size
 * @conn: connection
 * @octets: the new size, clamped to TERN_MAX_WINDOW; an offered window is never
 *	taken back
 */
void tern_set_rcv_buf(struct tern_conn *conn, u32 octets);

/**
 * tern_set_nodelay() - the user turns the Nagle algorithm off, or on again
 * @conn: connection
 * @nodelay: true for off
 */
void tern_set_nodelay(struct tern_conn *conn, bool nodelay);

/**
 * tern_set_keepalive() - the user wants to know when the peer is gone, or no more
 * @conn: connection
 * @idle: silence after which probes are sent, us; 0 turns them off
 * @interval: time between two probes, us
 * @probes: unanswered probes after which the connection is given up with RST
 *	and TERN_ERR_TIMEDOUT; with a user timeout, that decides
 */
void tern_set_keepalive(struct tern_conn *conn, u64 idle, u64 interval, u8 probes);

/**
 * tern_set_user_timeout() - how long data may stay unacknowledged
 * @conn: connection
 * @timeout: us, after that the connection ends with TERN_ERR_TIMEDOUT; 0 leaves
 *	it to the number of retransmissions
 */
void tern_set_user_timeout(struct tern_conn *conn, u64 timeout);

/**
 * tern_set_mss() - the path takes only this much
 * @conn: connection
 * @mss: largest payload of a segment without options, octets; raised to 1 when 0,
 *	never raises snd_mss
 */
void tern_set_mss(struct tern_conn *conn, u16 mss);

/**
 * tern_forget_ranges() - the shell gave up all its out-of-order data for lack of
 *	memory; the peer will send it again
 * @conn: connection
 */
void tern_forget_ranges(struct tern_conn *conn);

/**
 * tern_challenge_ack() - the shell's rate limit allowed a challenge ACK
 * @conn: connection that said TERN_EV_CHALLENGE
 */
void tern_challenge_ack(struct tern_conn *conn);

/** tern_rcv_pos() - position in the received stream up to which it has no holes */
u32 tern_rcv_pos(const struct tern_conn *conn);

/** tern_snd_pos() - position in the sent stream of the oldest unacknowledged octet */
u32 tern_snd_pos(const struct tern_conn *conn);

/** tern_rcv_wnd() - the window a segment sent now would offer, octets */
u32 tern_rcv_wnd(const struct tern_conn *conn);

/**
 * tern_tsval() - the timestamp of a segment sent now (rfc7323#section-5.4), ms
 * @now: us
 * @ts_offset: as in &struct tern_config
 */
u32 tern_tsval(u64 now, u32 ts_offset);

/**
 * tern_iss() - initial sequence number, rfc6528
 * @now: us on a clock that does not start again with the same hash key
 * @hash: keyed hash of the two addresses and ports, the F() of the RFC
 */
tern_seq tern_iss(u64 now, u32 hash);

/* input.c: segments, rfc9293#section-3.10.7 */

/**
 * tern_segment_arrives() - a segment for this connection
 * @conn: connection in any state but LISTEN and TIME_WAIT
 * @now: us
 * @seg: the segment as tern_parse() gave it; len octets of payload follow it
 *
 * Return: what to do; never both TERN_EV_RESET and a change of state.
 */
struct tern_result tern_segment_arrives(struct tern_conn *conn, u64 now,
					const struct tern_seg *seg);

/** tern_listen_segment_arrives() - a segment reached a listener (3.10.7.2) */
enum tern_listen_verdict
tern_listen_segment_arrives(const struct tern_seg *seg);

/**
 * tern_reset_for() - the RST that answers a segment for nobody (3.10.7.1)
 * @seg: the segment
 * @rst: where to put the answer, ports included
 *
 * Return: false when @seg is a RST, which is never answered.
 */
bool tern_reset_for(const struct tern_seg *seg, struct tern_seg *rst);

/* timer.c */

/**
 * tern_timeout() - time has passed
 * @conn: connection
 * @now: us; deadlines that are not reached yet are left alone
 */
struct tern_result tern_timeout(struct tern_conn *conn, u64 now);

/** tern_next_deadline() - when tern_timeout() is due, us, or TERN_NEVER */
u64 tern_next_deadline(const struct tern_conn *conn);

/* output.c */

/**
 * tern_next_segment() - which segment is due now, in order of priority
 * @conn: connection
 * @now: us
 * @seg: where to put it; all but the ports, which the shell knows.  len octets
 *	from position pos of the sent stream are its payload
 *
 * Giving a segment counts as sending it: one that the shell cannot send is lost
 * like any other, and the protocol recovers.
 *
 * There can be as many at once as the windows let out.  A shell that stops before it
 * says false must ask again soon: meanwhile the deadlines may be those of before.
 *
 * Return: false when nothing is due.
 */
bool tern_next_segment(struct tern_conn *conn, u64 now, struct tern_seg *seg);

/* timewait.c */

/** tern_tw_init() - what a connection that said TERN_EV_TIME_WAIT leaves behind */
void tern_tw_init(struct tern_tw *tw, const struct tern_conn *conn);

/**
 * tern_tw_segment_arrives() - a segment for a connection in TIME_WAIT
 * @tw: the entry
 * @tsval: tern_tsval() of now
 * @seg: the segment
 * @reply: where to put the answer, ports included, unless it is TERN_TW_DROP
 */
enum tern_tw_verdict tern_tw_segment_arrives(const struct tern_tw *tw, u32 tsval,
					     const struct tern_seg *seg,
					     struct tern_seg *reply);

/**
 * tern_tw_iss() - an initial sequence number for the connection that reopens @tw
 * @tw: the entry that said TERN_TW_REOPEN
 * @iss: what tern_iss() gave; used if it lies beyond the old sequence space
 */
tern_seq tern_tw_iss(const struct tern_tw *tw, tern_seq iss);

/** tern_req_pack() - make a passive connection in SYN_RECEIVED small */
void tern_req_pack(struct tern_req *req, const struct tern_conn *conn);

/** tern_req_unpack() - and whole again; @cfg as it was opened with */
void tern_req_unpack(struct tern_conn *conn, const struct tern_req *req,
		     const struct tern_config *cfg);

/* check.c */

/**
 * tern_check() - do the invariants of a connection hold?
 * @conn: connection
 *
 * Return: NULL, or the name of the first invariant that does not hold.
 */
const char *tern_check(const struct tern_conn *conn);

/** tern_state_name() - "ESTABLISHED" and so on; "?" for a number that is none */
const char *tern_state_name(u8 state);

#endif /* TERN_CORE_TERN_H */
