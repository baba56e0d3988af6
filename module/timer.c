// SPDX-License-Identifier: GPL-2.0
/*
 * One kernel timer per connection, set for the engine's earliest deadline.
 *
 * The timer is moved only for an earlier deadline; when it runs too early it finds
 * nothing due and is set again.  So the common case, a deadline that moves away
 * with every acknowledgment, costs nothing.
 */
#include "module/tern_sock.h"

/* define TERN_R1 - timeouts in a row after which IP looks for another route */
#define TERN_R1 3

/**
 * tern_timer_step() - how far ahead to set a timer for something so far away
 * @left: jiffies
 *
 * The kernel runs a timer late by up to an eighth of its length.  An eighth early,
 * and again for what is left, is on time after a few steps.
 *
 * Return: jiffies from now, at least 1: the current tick has begun already.
 */
unsigned long tern_timer_step(unsigned long left)
{
	return left < 56 ? left + 1 : left - left / 8;
}

/**
 * tern_jiffies_until() - when to look at a deadline, in jiffies; perhaps too early
 * @deadline: us
 * @now: us
 */
unsigned long tern_jiffies_until(u64 deadline, u64 now)
{
	u64 us = deadline > now ? deadline - now : 0;

	return jiffies + tern_timer_step(usecs_to_jiffies(min_t(u64, us, 3600ULL * USEC_PER_SEC)));
}

static void tern_timer_due(struct sock *sk)
{
	struct tern_sock *ts = tern_sk(sk);
	struct tern_result res;

	if (!ts->hashed)
		return;
	res = tern_timeout(&ts->conn, tern_now());
	/* R1 of rfc9293#section-3.8.3: perhaps it is the route (MUST-20). */
	if (res.events & TERN_EV_TIMEOUT && ts->conn.rexmits >= TERN_R1)
		dst_negative_advice(sk);
	tern_apply_pump(sk, &res);
}

/* Runs with a reference to the socket, which it gives back. */
static void tern_timer_fn(struct timer_list *t)
{
	struct sock *sk = timer_container_of(sk, t, sk_timer);
	struct tern_sock *ts = tern_sk(sk);

	bh_lock_sock(sk);
	if (!sock_owned_by_user(sk))
		tern_timer_due(sk);
	else if (!test_and_set_bit(TERN_DEFERRED_TIMER, &ts->deferred))
		sock_hold(sk);
	bh_unlock_sock(sk);
	sock_put(sk);
}

/** tern_timer_init() - prepare a new socket's timer */
void tern_timer_init(struct sock *sk)
{
	timer_setup(&sk->sk_timer, tern_timer_fn, 0);
}

/**
 * tern_timer_arm() - see to it that the timer runs by the next deadline
 * @sk: socket, locked
 * @now: us
 */
void tern_timer_arm(struct sock *sk, u64 now)
{
	u64 deadline = tern_next_deadline(&tern_sk(sk)->conn);
	unsigned long when;

	if (deadline == TERN_NEVER)
		return;
	/* Not by its expires: the wheel may run it an eighth of its length after that. */
	if (timer_pending(&sk->sk_timer) && deadline >= tern_sk(sk)->timer_by)
		return;
	tern_sk(sk)->timer_by = deadline;
	when = tern_jiffies_until(deadline, now);
	sk_reset_timer(sk, &sk->sk_timer, when);
}

/** tern_timer_soon() - there is more to send than is good to send at once; socket locked */
void tern_timer_soon(struct sock *sk)
{
	tern_sk(sk)->timer_by = 0;
	sk_reset_timer(sk, &sk->sk_timer, jiffies + 1);
}

/**
 * tern_release_cb() - the user lets go of the lock: what was deferred happens now
 * @sk: socket, still owned
 */
void tern_release_cb(struct sock *sk)
{
	struct tern_sock *ts = tern_sk(sk);

	if (test_and_clear_bit(TERN_DEFERRED_MSS, &ts->deferred)) {
		tern_mtu_changed(sk, ts->mtu);
		__sock_put(sk);
	}
	if (test_and_clear_bit(TERN_DEFERRED_TIMER, &ts->deferred)) {
		tern_timer_due(sk);
		__sock_put(sk);
	}
	if (test_and_clear_bit(TERN_DEFERRED_PUMP, &ts->deferred))
		tern_pump(sk);
}
