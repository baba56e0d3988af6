// SPDX-License-Identifier: GPL-2.0
/*
 * The invariants: they hold in every state, and each is missed when it is broken.
 */
#include "tests/unit/test.h"

static void they_hold_in_every_state(void)
{
	struct end e;
	u8 state;

	for (state = TERN_ESTABLISHED; state <= TERN_CLOSING; state++) {
		if (state == TERN_LISTEN)
			continue;
		reach(&e, state);
		CHECK(!tern_check(&e.conn));
	}
}

/* Established, 1,000 octets in flight, one range of 10 at 100 */
static void healthy(struct end *e)
{
	reach(e, TERN_ESTABLISHED);
	end_send(e, 1000);
	arrive(e, TERN_ACK, 100, 0, 10);
	CHECK(!tern_check(&e->conn));
}

/* Each breaks one thing. */
#define BREAK(name, statement) \
	static void name(struct tern_conn *c) { statement; }
#define BEFORE(seq) tern_seq_add(seq, ~0u)
#define AFTER(seq) tern_seq_add(seq, 1)

BREAK(state_unknown, c->state = 12)
BREAK(state_zero, c->state = 0)
BREAK(state_listen, c->state = TERN_LISTEN)
BREAK(error_unknown, c->error = 99)
BREAK(error_early, c->error = TERN_ERR_RESET)
BREAK(rst_early, c->rst_due = true)
BREAK(fin_without_close, c->fin_queued = true)
BREAK(state_without_fin, c->state = TERN_FIN_WAIT_1)
BREAK(close_wait_without_fin, c->state = TERN_CLOSE_WAIT)
BREAK(fin_received, { c->fin_seen = true; c->rcv_fin = BEFORE(c->rcv_nxt); })
BREAK(syn_not_acked, c->syn_acked = false)
BREAK(una_beyond_nxt, c->snd_una = AFTER(c->snd_nxt))
BREAK(nxt_beyond_max, c->snd_nxt = AFTER(c->snd_max))
BREAK(max_beyond_end, c->snd_end = BEFORE(c->snd_max))
BREAK(psh_beyond_end, c->snd_psh = AFTER(c->snd_end))
BREAK(too_much, { c->snd_end = tern_seq_add(c->snd_una, TERN_MAX_WINDOW + 9); })
BREAK(wnd_beyond_max, c->snd_wnd = c->snd_wnd_max + 1)
BREAK(wnd_unbounded, c->snd_wnd_max = TERN_MAX_WINDOW + 1)
BREAK(mss_zero, c->snd_mss = 0)
BREAK(mss_large, c->snd_mss = (u16)(c->cfg.mss + 1))
BREAK(cwnd_small, c->cwnd = c->snd_mss - 1u)
BREAK(cwnd_large, c->cwnd = TERN_MAX_WINDOW + 1)
BREAK(ssthresh_small, c->ssthresh = 1)
BREAK(recover_beyond, c->recover = AFTER(c->snd_max))
BREAK(recovered, { c->in_recovery = true; c->recover = c->snd_una; })
BREAK(head_alone, c->rexmit_head = true)
BREAK(adv_behind, c->rcv_adv = BEFORE(c->rcv_nxt))
BREAK(buf_zero, c->rcv_buf = 0)
BREAK(buf_large, c->rcv_buf = TERN_MAX_WINDOW + 1)
BREAK(held_large, c->rcv_held = TERN_MAX_WINDOW + 1)
BREAK(acked_beyond, c->rcv_acked = AFTER(c->rcv_nxt))
BREAK(fin_outside, { c->fin_seen = true; c->rcv_fin = c->rcv_adv; })
BREAK(ranges_many, c->n_ranges = TERN_RANGES + 1)
BREAK(range_touches, c->range[0].start = c->rcv_nxt)
BREAK(range_empty, c->range[0].end = c->range[0].start)
BREAK(ranges_touch, { c->n_ranges = 2; c->range[1].start = c->range[0].end;
		      c->range[1].end = AFTER(c->range[0].end); })
BREAK(range_outside, c->range[0].end = AFTER(c->rcv_adv))
BREAK(range_beyond_fin, { c->fin_seen = true; c->rcv_fin = c->range[0].start; })
BREAK(rto_zero, c->rto = 0)
BREAK(no_timer, c->deadline[TERN_TIMER_REXMT] = TERN_NEVER)
BREAK(fin_wait_2_timer, c->deadline[TERN_TIMER_FIN_WAIT_2] = 1)
BREAK(delack_untimed, c->delack_segs = 1)
BREAK(closed_with_timer, c->state = TERN_CLOSED)

#define BROKEN(name) { #name, name }

static const struct {
	const char *name;
	void (*break_it)(struct tern_conn *conn);
} broken[] = {
	BROKEN(state_unknown), BROKEN(state_zero), BROKEN(state_listen),
	BROKEN(error_unknown), BROKEN(error_early), BROKEN(rst_early),
	BROKEN(fin_without_close), BROKEN(state_without_fin),
	BROKEN(close_wait_without_fin), BROKEN(fin_received),
	BROKEN(syn_not_acked), BROKEN(una_beyond_nxt), BROKEN(nxt_beyond_max),
	BROKEN(max_beyond_end), BROKEN(psh_beyond_end), BROKEN(too_much),
	BROKEN(wnd_beyond_max), BROKEN(wnd_unbounded), BROKEN(mss_zero),
	BROKEN(mss_large), BROKEN(cwnd_small), BROKEN(cwnd_large),
	BROKEN(ssthresh_small), BROKEN(recover_beyond), BROKEN(recovered),
	BROKEN(head_alone), BROKEN(adv_behind), BROKEN(buf_zero),
	BROKEN(buf_large), BROKEN(held_large), BROKEN(acked_beyond),
	BROKEN(fin_outside), BROKEN(ranges_many), BROKEN(range_touches),
	BROKEN(range_empty), BROKEN(ranges_touch), BROKEN(range_outside),
	BROKEN(range_beyond_fin), BROKEN(rto_zero), BROKEN(no_timer),
	BROKEN(fin_wait_2_timer), BROKEN(delack_untimed),
	BROKEN(closed_with_timer),
};

static void each_is_missed_when_broken(void)
{
	struct tern_conn conn;
	struct end e;
	u32 i;

	healthy(&e);
	for (i = 0; i < ARRAY_SIZE(broken); i++) {
		test_note("%s", broken[i].name);
		conn = e.conn;
		broken[i].break_it(&conn);
		CHECK(tern_check(&conn));
	}
}

/* Far from any other test: an orphan's FIN_WAIT_2 must have an end. */
static void an_orphan_is_bounded(void)
{
	struct end e;

	reach(&e, TERN_FIN_WAIT_2);
	end_orphan(&e);
	CHECK(!tern_check(&e.conn));
	e.conn.deadline[TERN_TIMER_FIN_WAIT_2] = TERN_NEVER;
	CHECK(tern_check(&e.conn));
}

/* Ten in flight, of which the peer holds two ranges */
static void healthy_with_blocks(struct end *e)
{
	struct tern_config cfg = default_config();

	cfg.user_timeout = 100 * SEC;
	reach_with(e, TERN_ESTABLISHED, &cfg);
	e->conn.sack_ok = true;
	end_send(e, 8000);
	e->conn.n_sacked = 2;
	e->conn.sacked[0].start = tern_seq_add(e->conn.snd_una, 1000);
	e->conn.sacked[0].end = tern_seq_add(e->conn.snd_una, 2000);
	e->conn.sacked[1].start = tern_seq_add(e->conn.snd_una, 3000);
	e->conn.sacked[1].end = e->conn.snd_max;
	CHECK(!tern_check(&e->conn));
}

BREAK(sacked_not_agreed, c->sack_ok = false)
BREAK(sacked_too_many, c->n_sacked = TERN_SACKED + 1)
BREAK(recent_too_many, c->n_recent = TERN_SACK_BLOCKS + 1)
BREAK(sacked_before_una, c->sacked[0].start = BEFORE(c->snd_una))
BREAK(sacked_empty, c->sacked[0].end = c->sacked[0].start)
BREAK(sacked_backwards, c->sacked[0].end = BEFORE(c->sacked[0].start))
BREAK(sacked_adjacent, c->sacked[1].start = c->sacked[0].end)
BREAK(sacked_overlap, c->sacked[1].start = BEFORE(c->sacked[0].end))
BREAK(sacked_beyond, c->sacked[1].end = AFTER(c->snd_max))
BREAK(keepalive_unwanted, c->deadline[TERN_TIMER_KEEPALIVE] = START * 2)
BREAK(user_timeout_unwanted, c->cfg.user_timeout = 0)

static void blocks_and_patience(void)
{
	static const struct {
		const char *name;
		void (*apply)(struct tern_conn *c);
	} rows[] = {
		{ "not agreed", sacked_not_agreed },
		{ "too many", sacked_too_many },
		{ "too many recent", recent_too_many },
		{ "before snd_una", sacked_before_una },
		{ "empty", sacked_empty },
		{ "backwards", sacked_backwards },
		{ "adjacent", sacked_adjacent },
		{ "overlap", sacked_overlap },
		{ "beyond snd_max", sacked_beyond },
		{ "keep-alive", keepalive_unwanted },
		{ "user timeout", user_timeout_unwanted },
	};
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		test_note("%s", rows[i].name);
		healthy_with_blocks(&e);
		rows[i].apply(&e.conn);
		CHECK(tern_check(&e.conn));
	}
}

static void state_names(void)
{
	static const char * const names[] = {
		[0] = "?",
		[TERN_ESTABLISHED] = "ESTABLISHED",
		[TERN_SYN_SENT] = "SYN_SENT",
		[TERN_SYN_RECEIVED] = "SYN_RECEIVED",
		[TERN_FIN_WAIT_1] = "FIN_WAIT_1",
		[TERN_FIN_WAIT_2] = "FIN_WAIT_2",
		[TERN_TIME_WAIT] = "TIME_WAIT",
		[TERN_CLOSED] = "CLOSED",
		[TERN_CLOSE_WAIT] = "CLOSE_WAIT",
		[TERN_LAST_ACK] = "LAST_ACK",
		[TERN_LISTEN] = "LISTEN",
		[TERN_CLOSING] = "CLOSING",
	};
	u32 i;

	for (i = 0; i < 256; i++)
		CHECK(!strcmp(tern_state_name((u8)i),
			      i < ARRAY_SIZE(names) ? names[i] : "?"));
}

static const struct test tests[] = {
	TEST(they_hold_in_every_state),
	TEST(each_is_missed_when_broken),
	TEST(an_orphan_is_bounded),
	TEST(blocks_and_patience),
	TEST(state_names),
};

int main(void)
{
	return run_tests("check", tests, ARRAY_SIZE(tests));
}
