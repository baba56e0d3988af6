// SPDX-License-Identifier: GPL-2.0
/*
 * The user's calls, rfc9293#section-3.10.1 to 3.10.6, and the one door through
 * which the state changes: tern_set_state().
 *
 * Nothing here makes a segment: a call changes what tern_next_segment() finds due.
 */
#include "core/internal.h"

struct tern_result tern_result_for(const struct tern_conn *conn)
{
	struct tern_result res;

	memset(&res, 0, sizeof(res));
	res.old_state = conn->state;
	return res;
}

/* The only place that writes conn->state. */
void tern_set_state(struct tern_conn *conn, struct tern_result *res,
		    enum tern_state state)
{
	conn->state = (u8)state;
	if (res->path_len < TERN_PATH)
		res->path[res->path_len++] = (u8)state;
}

void tern_enter_closed(struct tern_conn *conn, struct tern_result *res,
		       enum tern_error error)
{
	tern_set_state(conn, res, TERN_CLOSED);
	conn->error = (u8)error;
	conn->ack_now = false;
	conn->rexmit_head = false;
	conn->in_recovery = false;
	conn->force = false;
	conn->rtt_timing = false;
	conn->keep_due = false;
	conn->n_ranges = 0;
	conn->n_sacked = 0;
	tern_disarm_all(conn);
	res->events |= TERN_EV_CLOSED;
}

/* What is left to send is the ACK of the peer's FIN. */
void tern_enter_time_wait(struct tern_conn *conn, struct tern_result *res)
{
	tern_set_state(conn, res, TERN_TIME_WAIT);
	tern_disarm_all(conn);
	res->events |= TERN_EV_TIME_WAIT;
}

void tern_enter_fin_wait_2(struct tern_conn *conn, u64 now,
			   struct tern_result *res)
{
	tern_set_state(conn, res, TERN_FIN_WAIT_2);
	if (conn->orphan)
		tern_arm(conn, TERN_TIMER_FIN_WAIT_2, now, conn->cfg.fin_wait_2);
}

/* Everything of a new connection but its state; used by tern_req_unpack(), too. */
void tern_init(struct tern_conn *conn, tern_seq iss,
	       const struct tern_config *cfg)
{
	memset(conn, 0, sizeof(*conn));
	conn->cfg = *cfg;
	if (!conn->cfg.mss)
		conn->cfg.mss = 1;
	if (!conn->cfg.peer_mss)
		conn->cfg.peer_mss = TERN_DEFAULT_MSS;
	conn->state = TERN_CLOSED;
	tern_disarm_all(conn);
	conn->iss = iss;
	conn->snd_una = iss;
	conn->snd_nxt = iss;
	conn->snd_max = iss;
	conn->snd_end = tern_seq_add(iss, 1);
	conn->snd_psh = conn->snd_end;
	conn->snd_wl2 = iss;
	conn->recover = iss;
	conn->rcv_buf = tern_min(tern_max(cfg->rcv_buf, 1), TERN_MAX_WINDOW);
	conn->snd_mss = conn->cfg.mss;
	conn->oow_acked = TERN_NEVER;
	conn->stalled = TERN_NEVER;
	conn->last_rcv = TERN_NEVER;
	conn->sack_ok = cfg->sack;
	conn->ts_ok = cfg->timestamps;
	tern_rtt_init(conn);
	tern_cwnd_init(conn);
}

/* rfc9293#section-3.7.1: the options of every segment come out of the payload */
static void limit_mss(struct tern_conn *conn, u32 mss, u32 options)
{
	u32 room = mss > options ? mss - options : 0;

	conn->snd_mss = (u16)tern_max(tern_min(conn->snd_mss, room), 1);
}

/*
 * The peer's SYN: its sequence number, window and options.  The window that our own
 * SYN offered counts from rcv_nxt, wherever the peer's SYN puts that.
 *
 * rfc9293#section-3.7.1: without the MSS option a default; a value of 0 says nothing
 * either.
 */
void tern_syn_taken(struct tern_conn *conn, u64 now, const struct tern_seg *syn)
{
	u32 told = tern_seq_dist(conn->rcv_nxt, conn->rcv_adv);
	u32 mss = syn->mss ? syn->mss : conn->cfg.peer_mss;

	conn->irs = syn->seq;
	conn->rcv_nxt = tern_seq_add(syn->seq, 1);
	conn->rcv_acked = syn->seq;
	conn->rcv_adv = tern_seq_add(conn->rcv_nxt, told);
	conn->snd_wnd = tern_min(syn->wnd, TERN_MAX_WINDOW);
	conn->snd_wnd_max = conn->snd_wnd;
	conn->snd_wl1 = syn->seq;
	conn->snd_wl2 = syn->flags & TERN_ACK ? syn->ack : conn->iss;

	/* what only one end offers is not agreed on (rfc7323#section-3.2, rfc2018) */
	conn->sack_ok = conn->sack_ok && syn->sack_permitted;
	conn->ts_ok = conn->ts_ok && syn->has_ts;
	conn->ts_recent = syn->tsval;
	conn->last_rcv = now;

	conn->peer_mss = (u16)tern_max(mss, TERN_MIN_SND_MSS);
	limit_mss(conn, tern_min(conn->cfg.mss, conn->peer_mss), tern_ts_space(conn));
}

/* rfc9293#section-3.10.1, active */
struct tern_result tern_open(struct tern_conn *conn, u64 now, tern_seq iss,
			     const struct tern_config *cfg)
{
	struct tern_result res;

	tern_init(conn, iss, cfg);
	conn->last_sent = now;
	res = tern_result_for(conn);
	tern_set_state(conn, &res, TERN_SYN_SENT);
	return res;
}

/* rfc9293#section-3.10.7.2, third: a SYN reached a listener */
struct tern_result tern_open_syn(struct tern_conn *conn, u64 now, tern_seq iss,
				 const struct tern_config *cfg,
				 const struct tern_seg *syn)
{
	struct tern_result res;

	tern_init(conn, iss, cfg);
	conn->last_sent = now;
	conn->passive = true;
	tern_syn_taken(conn, now, syn);
	res = tern_result_for(conn);
	res.old_state = TERN_LISTEN;
	tern_set_state(conn, &res, TERN_SYN_RECEIVED);
	return res;
}

/*
 * rfc4987#section-3.6: the SYN that this segment follows, the SYN-ACK that it
 * acknowledges.  When that one was sent nobody knows: it is not timed.
 */
struct tern_result tern_open_cookie(struct tern_conn *conn, u64 now,
				    const struct tern_config *cfg, u16 mss,
				    const struct tern_seg *ack)
{
	struct tern_result res;
	struct tern_seg syn;
	struct tern_seg syn_ack;

	memset(&syn, 0, sizeof(syn));
	syn.seq = tern_seq_add(ack->seq, ~0u);
	syn.wnd = ack->wnd;
	syn.flags = TERN_SYN;
	syn.mss = mss;
	res = tern_open_syn(conn, now, tern_seq_add(ack->ack, ~0u), cfg, &syn);
	/* to give it is to have sent it */
	tern_next_segment(conn, now, &syn_ack);
	conn->rtt_timing = false;
	return res;
}

/* rfc9293#section-3.10.2: what is sent before ESTABLISHED waits for it */
bool tern_send(struct tern_conn *conn, u32 len)
{
	u32 unacked;

	if (conn->state != TERN_SYN_SENT && conn->state != TERN_SYN_RECEIVED &&
	    conn->state != TERN_ESTABLISHED && conn->state != TERN_CLOSE_WAIT)
		return false;

	unacked = tern_seq_dist(tern_snd_base(conn), conn->snd_end);
	if (unacked > TERN_MAX_WINDOW || len > TERN_MAX_WINDOW - unacked)
		return false;

	conn->snd_end = tern_seq_add(conn->snd_end, len);
	conn->snd_psh = conn->snd_end;
	return true;
}

/* Room in the receive buffer, octets; held data can exceed a buffer made smaller. */
static u32 rcv_free(const struct tern_conn *conn)
{
	return conn->rcv_buf > conn->rcv_held ?
	       conn->rcv_buf - conn->rcv_held : 0;
}

/*
 * A window update is worth a segment of its own when the right edge moves by two
 * segments or half the buffer; then tern_rcv_wnd() moves it, too.
 */
static void update_window(struct tern_conn *conn)
{
	u32 enough = tern_min(conn->rcv_buf / 2, 2 * (u32)conn->cfg.mss);
	u32 offered = tern_seq_dist(conn->rcv_nxt, conn->rcv_adv);
	u32 free = rcv_free(conn);

	if (tern_can_receive(conn) && free > offered &&
	    free - offered >= tern_max(enough, 1))
		conn->ack_now = true;
}

/* rfc9293#section-3.10.3 */
void tern_receive(struct tern_conn *conn, u32 len)
{
	conn->rcv_held -= tern_min(len, conn->rcv_held);
	update_window(conn);
}

/*
 * rfc9293#section-3.10.4.  The FIN goes behind what is queued, whatever the
 * state is called meanwhile.
 */
struct tern_result tern_close(struct tern_conn *conn, u64 now)
{
	struct tern_result res = tern_result_for(conn);

	(void)now;
	switch (conn->state) {
	case TERN_SYN_SENT:
		tern_enter_closed(conn, &res, TERN_OK);
		break;
	case TERN_SYN_RECEIVED:
	case TERN_ESTABLISHED:
		conn->fin_queued = true;
		tern_set_state(conn, &res, TERN_FIN_WAIT_1);
		break;
	case TERN_CLOSE_WAIT:
		conn->fin_queued = true;
		tern_set_state(conn, &res, TERN_LAST_ACK);
		break;
	default:
		break;
	}
	return res;
}

struct tern_result tern_orphan(struct tern_conn *conn, u64 now)
{
	struct tern_result res = tern_result_for(conn);

	if (!conn->orphan && conn->state == TERN_FIN_WAIT_2)
		tern_arm(conn, TERN_TIMER_FIN_WAIT_2, now, conn->cfg.fin_wait_2);
	conn->orphan = true;
	return res;
}

/*
 * rfc9293#section-3.10.5: RST where the peer may still wait for something.  By the
 * RFC that is not so once both have closed; but here the state is one of those from
 * CLOSE on, with the FIN perhaps still queued behind data, and the user may have left
 * received octets unread, of which the peer should know (section 3.6.1, SHLD-3).
 */
void tern_abort_into(struct tern_conn *conn, struct tern_result *res,
		     enum tern_error error)
{
	switch (conn->state) {
	case TERN_CLOSED:
	case TERN_LISTEN:
		return;
	case TERN_SYN_RECEIVED:
	case TERN_ESTABLISHED:
	case TERN_FIN_WAIT_1:
	case TERN_FIN_WAIT_2:
	case TERN_CLOSE_WAIT:
		conn->rst_due = true;
		break;
	case TERN_CLOSING:
	case TERN_LAST_ACK:
		conn->rst_due = conn->rcv_held || tern_seq_leq(conn->snd_max, conn->snd_end);
		break;
	default:
		break;
	}
	tern_enter_closed(conn, res, error);
}

struct tern_result tern_abort(struct tern_conn *conn, enum tern_error error)
{
	struct tern_result res = tern_result_for(conn);

	tern_abort_into(conn, &res, error);
	return res;
}

void tern_set_rcv_buf(struct tern_conn *conn, u32 octets)
{
	conn->rcv_buf = tern_min(tern_max(octets, 1), TERN_MAX_WINDOW);
	update_window(conn);
}

/* Whether there will be timestamps the peer's SYN says; until then nothing is sent. */
void tern_set_mss(struct tern_conn *conn, u16 mss)
{
	limit_mss(conn, mss,
		  conn->state == TERN_SYN_SENT ? 0 : tern_ts_space(conn));
}

/* The place of the FIN is no data; it stays known. */
void tern_forget_ranges(struct tern_conn *conn)
{
	conn->n_ranges = 0;
}

void tern_challenge_ack(struct tern_conn *conn)
{
	if (!tern_is_over(conn) && conn->state != TERN_SYN_SENT)
		conn->ack_now = true;
}

u32 tern_rcv_pos(const struct tern_conn *conn)
{
	/* The peer's SYN comes first; until it has come there is no stream. */
	if (conn->rcv_nxt == conn->irs)
		return 0;
	return tern_seq_dist(conn->irs, conn->rcv_nxt) - 1 -
	       tern_fin_received(conn);
}

u32 tern_snd_pos(const struct tern_conn *conn)
{
	return tern_seq_dist(conn->iss, tern_snd_base(conn)) - 1 -
	       tern_fin_acked(conn);
}

/*
 * rfc9293#section-3.8.6.2.2, silly window avoidance: the right edge stays until
 * it can move by a segment or half the buffer, and it never moves left.
 */
u32 tern_rcv_wnd(const struct tern_conn *conn)
{
	u32 step = tern_min(conn->rcv_buf / 2, conn->cfg.mss);
	u32 offered = tern_seq_dist(conn->rcv_nxt, conn->rcv_adv);
	u32 free = rcv_free(conn);

	if (free > offered && free - offered >= step)
		return free;
	return offered;
}

/* rfc6528: ISN = M + F(localip, localport, remoteip, remoteport, secretkey) */
tern_seq tern_iss(u64 now, u32 hash)
{
	return tern_seq_of((u32)(now / 4) + hash);
}

void tern_set_keepalive(struct tern_conn *conn, u64 idle, u64 interval, u8 probes)
{
	conn->cfg.keep_idle = idle;
	conn->cfg.keep_interval = interval;
	conn->cfg.keep_probes = probes;
	conn->keep_sent = 0;
	conn->keep_due = false;
	tern_disarm(conn, TERN_TIMER_KEEPALIVE);
}

void tern_set_user_timeout(struct tern_conn *conn, u64 timeout)
{
	conn->cfg.user_timeout = timeout;
	tern_disarm(conn, TERN_TIMER_USER);
}

void tern_set_nodelay(struct tern_conn *conn, bool nodelay)
{
	conn->cfg.nodelay = nodelay;
}
