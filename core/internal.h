/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of core/ share and no shell may use.
 */
#ifndef TERN_CORE_INTERNAL_H
#define TERN_CORE_INTERNAL_H

#include "core/tern.h"

/** define TERN_MIN_SND_MSS - smallest MSS believed of a peer: less would make us
 * send mostly headers.  Our own cfg.mss may be smaller.
 */
#define TERN_MIN_SND_MSS 48

static inline u32 tern_min(u32 a, u32 b)
{
	return a < b ? a : b;
}

static inline u32 tern_max(u32 a, u32 b)
{
	return a > b ? a : b;
}

/* Octets of sequence space a segment takes (SEG.LEN). */
static inline u32 tern_seg_space(const struct tern_seg *seg)
{
	return seg->len + !!(seg->flags & TERN_SYN) + !!(seg->flags & TERN_FIN);
}

/* Our FIN was sent at least once; only then does snd_max pass snd_end. */
static inline bool tern_fin_sent(const struct tern_conn *conn)
{
	return conn->fin_queued && tern_seq_lt(conn->snd_end, conn->snd_max);
}

/* Our FIN is acknowledged. */
static inline bool tern_fin_acked(const struct tern_conn *conn)
{
	return conn->fin_queued && tern_seq_lt(conn->snd_end, conn->snd_una);
}

/* The peer's FIN is reached: everything before it was received. */
static inline bool tern_fin_received(const struct tern_conn *conn)
{
	return conn->fin_seen && tern_seq_lt(conn->rcv_fin, conn->rcv_nxt);
}

/*
 * Something sent is believed to be on its way.  Not "snd_una != snd_max": a
 * timeout rewinds snd_nxt, and a window probe does not count.
 */
static inline bool tern_in_flight(const struct tern_conn *conn)
{
	return conn->snd_nxt != conn->snd_una;
}

/* Where the peer's window starts: the SYN does not use any of it. */
static inline tern_seq tern_snd_base(const struct tern_conn *conn)
{
	return conn->syn_acked ? conn->snd_una : tern_seq_add(conn->iss, 1);
}

/* Nothing happens to this connection any more. */
static inline bool tern_is_over(const struct tern_conn *conn)
{
	return conn->state == TERN_CLOSED || conn->state == TERN_TIME_WAIT ||
	       conn->state == TERN_LISTEN;
}

/* Timestamp @a is older than @b: they wrap like sequence numbers. */
static inline bool tern_ts_before(u32 a, u32 b)
{
	return (s32)(a - b) < 0;
}

/* The states in which the peer may send us data and FIN. */
static inline bool tern_can_receive(const struct tern_conn *conn)
{
	return conn->state == TERN_ESTABLISHED ||
	       conn->state == TERN_FIN_WAIT_1 || conn->state == TERN_FIN_WAIT_2;
}

/* conn.c */
struct tern_result tern_result_for(const struct tern_conn *conn);
void tern_set_state(struct tern_conn *conn, struct tern_result *res,
		    enum tern_state state);
void tern_enter_closed(struct tern_conn *conn, struct tern_result *res,
		       enum tern_error error);
void tern_enter_time_wait(struct tern_conn *conn, struct tern_result *res);
void tern_enter_fin_wait_2(struct tern_conn *conn, u64 now,
			   struct tern_result *res);
void tern_abort_into(struct tern_conn *conn, struct tern_result *res,
		     enum tern_error error);
void tern_init(struct tern_conn *conn, tern_seq iss,
	       const struct tern_config *cfg);
void tern_syn_taken(struct tern_conn *conn, u64 now, const struct tern_seg *syn);

/* output.c */
tern_seq tern_acceptable_seq(const struct tern_conn *conn);

/* timer.c */
void tern_arm(struct tern_conn *conn, enum tern_timer timer, u64 now, u64 delay);
void tern_disarm(struct tern_conn *conn, enum tern_timer timer);
void tern_disarm_all(struct tern_conn *conn);

/* timestamp.c */
u32 tern_ts_space(const struct tern_conn *conn);
void tern_ts_fill(const struct tern_conn *conn, u64 now, struct tern_seg *seg);
enum tern_drop tern_ts_check(const struct tern_conn *conn, u64 now,
			     const struct tern_seg *seg);
void tern_ts_taken(struct tern_conn *conn, u64 now, const struct tern_seg *seg);
bool tern_ts_echo(const struct tern_conn *conn, u64 now,
		  const struct tern_seg *seg, u32 *ms);

/* sack.c */
void tern_sack_arrived(struct tern_conn *conn, tern_seq seq);
u32 tern_sack_space(const struct tern_conn *conn);
void tern_sack_fill(const struct tern_conn *conn, struct tern_seg *seg);
bool tern_sack_update(struct tern_conn *conn, const struct tern_seg *seg);
void tern_sack_acked(struct tern_conn *conn);
void tern_sack_timeout(struct tern_conn *conn);
bool tern_sack_lost(const struct tern_conn *conn);
u32 tern_sack_pipe(const struct tern_conn *conn);
bool tern_sack_hole(const struct tern_conn *conn, bool lost_only,
		    struct tern_range *hole);
tern_seq tern_sack_tail(const struct tern_conn *conn);
tern_seq tern_sack_skip(const struct tern_conn *conn);
u32 tern_sack_gap(const struct tern_conn *conn);

/* rtt.c */
u32 tern_rto(const struct tern_conn *conn);
u32 tern_persist_interval(const struct tern_conn *conn);
void tern_rtt_init(struct tern_conn *conn);
void tern_rtt_sent(struct tern_conn *conn, u64 now, tern_seq last);
void tern_rtt_cancel(struct tern_conn *conn);
void tern_rtt_acked(struct tern_conn *conn, u64 now, const struct tern_seg *seg);
void tern_rtt_syn_lost(struct tern_conn *conn);

/* congestion.c */
void tern_cwnd_init(struct tern_conn *conn);
void tern_cwnd_acked(struct tern_conn *conn, u32 acked);
void tern_cwnd_dupack(struct tern_conn *conn, struct tern_result *res);
void tern_cwnd_timeout(struct tern_conn *conn);
void tern_cwnd_idle(struct tern_conn *conn, u64 now);
u32 tern_cwnd_room(const struct tern_conn *conn);

/* reasm.c */
u32 tern_ranges_find(const struct tern_range *range, u32 count, tern_seq start,
		     tern_seq end);
bool tern_ranges_add(struct tern_range *range, u8 *count, u32 most,
		     tern_seq start, tern_seq end);
void tern_ranges_remove(struct tern_range *range, u8 *count, u32 first,
			u32 removed);
bool tern_reasm_held(const struct tern_conn *conn, tern_seq start, tern_seq end);
bool tern_reasm_add(struct tern_conn *conn, tern_seq start, tern_seq end);

#endif /* TERN_CORE_INTERNAL_H */
