// SPDX-License-Identifier: GPL-2.0
/*
 * The tail of every entry: act on what the engine says, send what is due, arm
 * the timer, wake who waits.
 */
#include <linux/errno.h>

#include "module/tern_sock.h"
#include "module/trace.h"

/* Half the receive buffer is for octets, half for what they are kept in. */
static u32 tern_rcv_space(const struct sock *sk)
{
	return max(READ_ONCE(sk->sk_rcvbuf) / 2, 1);
}

/**
 * tern_config() - what a connection of this socket is opened with
 * @sk: socket, or the listener
 * @ends: the two ends
 * @mss: payload of one packet on the path, octets
 * @cfg: where to put it
 */
void tern_config(const struct sock *sk, const struct tern_ends *ends, u16 mss,
		 struct tern_config *cfg)
{
	const struct tern_net *tn = tern_net(sock_net(sk));
	u32 delack = tern_sysctl(tn, TERN_SYSCTL_DELACK) * USEC_PER_MSEC;
	u32 rto_min = tern_sysctl(tn, TERN_SYSCTL_RTO_MIN) * USEC_PER_MSEC;

	/* The kernel's timer runs up to a tick late; the bound is one for the peer. */
	if (delack)
		delack = max_t(s32, delack - USEC_PER_SEC / HZ, 1);

	*cfg = (struct tern_config) {
		.rto_initial = tern_sysctl(tn, TERN_SYSCTL_RTO_INITIAL) * USEC_PER_MSEC,
		.rto_min = rto_min,
		.rto_max = max_t(u32, rto_min,
				 tern_sysctl(tn, TERN_SYSCTL_RTO_MAX) * USEC_PER_MSEC),
		.delack = delack,
		.fin_wait_2 = tern_sysctl(tn, TERN_SYSCTL_FIN_WAIT_2) * USEC_PER_SEC,
		.rcv_buf = tern_rcv_space(sk),
		.mss = mss,
		.peer_mss = ends->v6 ? TERN_DEFAULT_MSS6 : TERN_DEFAULT_MSS,
		.syn_retries = tern_sysctl(tn, TERN_SYSCTL_SYN_RETRIES),
		.synack_retries = tern_sysctl(tn, TERN_SYSCTL_SYNACK_RETRIES),
		.data_retries = tern_sysctl(tn, TERN_SYSCTL_DATA_RETRIES),
		.orphan_retries = tern_sysctl(tn, TERN_SYSCTL_ORPHAN_RETRIES),
		.ts_offset = tern_ts_offset(ends),
		.nodelay = READ_ONCE(tern_sk(sk)->options.nodelay),
		.sack = tern_sysctl(tn, TERN_SYSCTL_SACK),
		.timestamps = tern_sysctl(tn, TERN_SYSCTL_TIMESTAMPS),
	};
	tern_config_patience(sk, cfg);
}

static u32 tern_option_or(const struct sock *sk, u32 option, enum tern_sysctl otherwise)
{
	return option ? option : tern_sysctl(tern_net(sock_net(sk)), otherwise);
}

/** tern_config_patience() - the part of it that says how long a silent peer is waited for */
void tern_config_patience(const struct sock *sk, struct tern_config *cfg)
{
	const struct tern_options *options = &tern_sk(sk)->options;

	cfg->keep_idle = 0;
	if (sock_flag(sk, SOCK_KEEPOPEN))
		cfg->keep_idle = (u64)USEC_PER_SEC *
			tern_option_or(sk, READ_ONCE(options->keep_idle), TERN_SYSCTL_KEEP_IDLE);
	cfg->keep_interval = (u64)USEC_PER_SEC *
		tern_option_or(sk, READ_ONCE(options->keep_interval), TERN_SYSCTL_KEEP_INTERVAL);
	cfg->keep_probes = tern_option_or(sk, READ_ONCE(options->keep_probes),
					  TERN_SYSCTL_KEEP_PROBES);
	cfg->user_timeout = (u64)USEC_PER_MSEC * READ_ONCE(options->user_timeout);
}

/** tern_note_path() - trace and count what one call brought about */
void tern_note_path(const struct tern_net *tn, const struct tern_entry *e,
		    const struct tern_result *res)
{
	u8 old = res->old_state;
	int i;

	for (i = 0; i < res->path_len; i++) {
		trace_tern_state(e, old, res->path[i]);
		old = res->path[i];
	}
	if (res->events & TERN_EV_ESTABLISHED)
		tern_count(tn, TERN_MIB_ESTABLISHED);
	if (res->events & TERN_EV_TIMEOUT)
		tern_count(tn, TERN_MIB_REXMT_TIMEOUTS);
	if (res->events & TERN_EV_RECOVERY)
		tern_count(tn, TERN_MIB_RECOVERIES);
}

/* What a user sees; as for TCP, a reset after the peer's FIN means that nobody reads. */
static int tern_errno(const struct sock *sk)
{
	static const int errnos[] = {
		[TERN_ERR_REFUSED] = ECONNREFUSED,
		[TERN_ERR_RESET] = ECONNRESET,
		[TERN_ERR_TIMEDOUT] = ETIMEDOUT,
		[TERN_ERR_ABORTED] = ECONNABORTED,
	};
	u8 error = tern_sk(sk)->conn.error;
	int err = errnos[error];

	if (error == TERN_ERR_RESET && sk->sk_state == TCP_CLOSE_WAIT)
		err = EPIPE;
	/* Somebody on the way may have said why nobody answers. */
	if (error == TERN_ERR_TIMEDOUT && READ_ONCE(sk->sk_err_soft))
		err = READ_ONCE(sk->sk_err_soft);
	return err;
}

/* The engine says CLOSED: why, before anyone can see that. */
static void tern_apply_closed(struct sock *sk)
{
	struct tern_net *tn = tern_net(sock_net(sk));
	struct tern_sock *ts = tern_sk(sk);

	switch ((enum tern_error)ts->conn.error) {
	case TERN_ERR_TIMEDOUT:
		tern_count(tn, TERN_MIB_CONN_TIMEOUTS);
		break;
	case TERN_ERR_RESET:
	case TERN_ERR_REFUSED:
		tern_count(tn, TERN_MIB_CONN_RESETS);
		break;
	default:
		break;
	}
	if (!ts->conn.error)
		return;
	WRITE_ONCE(sk->sk_err, tern_errno(sk));
	/* Pairs with the barrier in tern_poll(): who sees CLOSE sees the error. */
	smp_wmb();
	sk_error_report(sk);
}

static void tern_apply_path(struct sock *sk, const struct tern_result *res)
{
	tern_note_path(tern_net(sock_net(sk)), &tern_sk(sk)->e, res);
	if (res->events & TERN_EV_CLOSED)
		tern_apply_closed(sk);
	/*
	 * TIME_WAIT never shows: the kernel takes a socket in it for a struct
	 * inet_timewait_sock.  The pump ends it at once.
	 */
	if (res->path_len && tern_sk(sk)->conn.state != TERN_TIME_WAIT)
		inet_sk_set_state(sk, tern_sk(sk)->conn.state);
	/* The peer has everything: what tern_linger() waits for. */
	if (res->path_len && sk->sk_state == TCP_FIN_WAIT2 && !sock_flag(sk, SOCK_DEAD))
		sk->sk_state_change(sk);
}

/* The peer sends no more. */
static void tern_apply_fin(struct sock *sk)
{
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | RCV_SHUTDOWN);
	sock_set_flag(sk, SOCK_DONE);
	if (sock_flag(sk, SOCK_DEAD))
		return;
	sk->sk_state_change(sk);
	/* As for TCP: a reader of both directions hangs up, one of the other reads EOF. */
	if (sk->sk_shutdown == SHUTDOWN_MASK)
		sk_wake_async(sk, SOCK_WAKE_WAITD, POLL_HUP);
	else
		sk_wake_async(sk, SOCK_WAKE_WAITD, POLL_IN);
}

/**
 * tern_apply() - act on what the engine said
 * @sk: socket, locked
 * @res: what it said
 * @skb: the segment it said it of, or NULL
 * @seg: its header, or NULL
 *
 * tern_pump() follows.
 *
 * Return: true when @skb was queued and is no longer the caller's.
 */
bool tern_apply(struct sock *sk, const struct tern_result *res, struct sk_buff *skb,
		const struct tern_seg *seg)
{
	struct tern_net *tn = tern_net(sock_net(sk));
	struct tern_sock *ts = tern_sk(sk);
	bool queued = false;

	if (res->drop != TERN_DROP_NONE)
		tern_count_drop(tn, res->drop);
	tern_apply_path(sk, res);
	if (res->events & TERN_EV_RESET && skb)
		tern_xmit_reset(tn, skb, seg);
	if (res->events & TERN_EV_CHALLENGE && tern_challenge_allowed(tn))
		tern_challenge_ack(&ts->conn);
	if (res->events & TERN_EV_ACKED) {
		/* What ICMP complained of is over. */
		WRITE_ONCE(sk->sk_err_soft, 0);
		tern_buf_acked(sk, res->acked);
	}
	if (res->events & TERN_EV_DATA && skb) {
		tern_buf_queue(sk, skb, seg->hlen, res);
		queued = true;
	}
	if (res->events & TERN_EV_FIN)
		tern_apply_fin(sk);
	if (res->events & TERN_EV_ESTABLISHED && !sock_flag(sk, SOCK_DEAD)) {
		sk->sk_state_change(sk);
		sk_wake_async(sk, SOCK_WAKE_IO, POLL_OUT);
	}
	if (res->events & TERN_EV_ACKED && !sock_flag(sk, SOCK_DEAD))
		sk->sk_write_space(sk);
	return queued;
}

/**
 * tern_pump() - send what is due, and see to what comes after
 * @sk: socket, locked
 *
 * A connection that is over leaves the socket here, and an orphan is destroyed:
 * the caller's reference is then all that keeps it.
 */
void tern_pump(struct sock *sk)
{
	struct tern_sock *ts = tern_sk(sk);
	u32 rcv_buf = tern_rcv_space(sk);
	/* So much at a time; the timer goes on. */
	int budget = 512;
	u64 now = tern_now();
	struct tern_seg seg;

	if (!ts->hashed)
		return;
	if (rcv_buf != ts->conn.rcv_buf)
		tern_set_rcv_buf(&ts->conn, rcv_buf);
	/* The route, or the room that IP leaves, may have shrunk without a word. */
	if (tern_dst_check(sk))
		tern_set_mss(&ts->conn, tern_send_mss(sk));
	while (budget-- && tern_next_segment(&ts->conn, now, &seg))
		tern_xmit(sk, &seg);

	if (budget < 0)
		tern_timer_soon(sk);
	else if (ts->conn.state == TERN_TIME_WAIT)
		tern_tw_enter(sk);
	else if (ts->conn.state == TERN_CLOSED)
		tern_done(sk);
	else
		tern_timer_arm(sk, now);
}

/** tern_apply_pump() - both, for what no segment brought about */
void tern_apply_pump(struct sock *sk, const struct tern_result *res)
{
	tern_apply(sk, res, NULL, NULL);
	tern_pump(sk);
}
