// SPDX-License-Identifier: GPL-2.0
/*
 * The laws of the engine that are checked from outside; those of one connection at
 * rest are core/check.c's.
 */
#include <string.h>

#include "core/internal.h"
#include "tests/host/laws.h"

/* Remembers the first law that does not hold. */
static void holds(const char **broken, bool cond, const char *name)
{
	if (!cond && !*broken)
		*broken = name;
}

/* rfc9293#section-3.3.2, figure 5, and RST or give-up from everywhere */
static const u16 next_states[] = {
	[TERN_CLOSED] = 1 << TERN_SYN_SENT,
	[TERN_LISTEN] = 1 << TERN_SYN_RECEIVED,
	[TERN_SYN_SENT] = 1 << TERN_SYN_RECEIVED | 1 << TERN_ESTABLISHED |
			  1 << TERN_CLOSED,
	[TERN_SYN_RECEIVED] = 1 << TERN_ESTABLISHED | 1 << TERN_FIN_WAIT_1 |
			      1 << TERN_CLOSED,
	[TERN_ESTABLISHED] = 1 << TERN_FIN_WAIT_1 | 1 << TERN_CLOSE_WAIT |
			     1 << TERN_CLOSED,
	[TERN_FIN_WAIT_1] = 1 << TERN_FIN_WAIT_2 | 1 << TERN_CLOSING |
			    1 << TERN_TIME_WAIT | 1 << TERN_CLOSED,
	[TERN_FIN_WAIT_2] = 1 << TERN_TIME_WAIT | 1 << TERN_CLOSED,
	[TERN_CLOSING] = 1 << TERN_TIME_WAIT | 1 << TERN_CLOSED,
	[TERN_CLOSE_WAIT] = 1 << TERN_LAST_ACK | 1 << TERN_CLOSED,
	[TERN_LAST_ACK] = 1 << TERN_CLOSED,
	[TERN_TIME_WAIT] = 1 << TERN_CLOSED,
};

static bool says(const struct tern_result *res, u32 event)
{
	return res->events & event;
}

const char *laws_result(const struct tern_conn *conn, u8 before,
			const struct tern_result *res)
{
	const char *broken = NULL;
	u8 at = res->old_state;
	u32 i;

	holds(&broken, !before || at == before, "the old state is the one before");
	holds(&broken, res->path_len <= TERN_PATH, "the path fits");
	for (i = 0; i < res->path_len && !broken; i++) {
		holds(&broken, next_states[at] & 1 << res->path[i], "only arrows of figure 5");
		at = res->path[i];
	}
	holds(&broken, conn->state == at, "the path leads to the state");
	holds(&broken, says(res, TERN_EV_CLOSED) == (at == TERN_CLOSED && res->path_len),
	      "CLOSED is told when it is entered");
	holds(&broken, says(res, TERN_EV_TIME_WAIT) == (at == TERN_TIME_WAIT && res->path_len),
	      "TIME_WAIT is told when it is entered");
	holds(&broken, !says(res, TERN_EV_RESET) || !res->path_len,
	      "what is answered with RST changes nothing");
	holds(&broken, says(res, TERN_EV_ACKED) == (res->acked > 0),
	      "acknowledged octets are told");
	holds(&broken, says(res, TERN_EV_DATA) == (res->data_len > 0),
	      "accepted octets are told");
	holds(&broken, res->drop < TERN_DROP_CORE, "the reason of a drop is one of core's");
	return broken;
}

/* Octets never sent before stay inside the peer's window, but for a probe of one. */
static bool keeps_window(const struct tern_conn *conn, const struct tern_conn *before,
			 const struct tern_seg *seg)
{
	tern_seq end = tern_seq_add(seg->seq, seg->len);

	return seg->len <= 1 || tern_seq_leq(end, before->snd_max) ||
	       tern_seq_leq(end, tern_seq_add(tern_snd_base(conn), conn->snd_wnd));
}

const char *laws_segment(const struct tern_conn *conn, const struct tern_conn *before,
			 const struct tern_seg *seg)
{
	bool syn = seg->flags & TERN_SYN;
	const char *broken = NULL;

	holds(&broken, !(seg->flags & ~(TERN_FIN | TERN_SYN | TERN_RST | TERN_PSH | TERN_ACK)),
	      "only flags that there are");
	holds(&broken, tern_build_len(seg) <= TERN_HDR_MAX, "the header fits");
	holds(&broken, seg->len <= conn->snd_mss, "the payload fits the MSS");
	holds(&broken, !syn || (!seg->len && seg->seq == conn->iss), "SYN at the ISS, no data");
	holds(&broken, seg->mss == (syn ? conn->cfg.mss : 0), "the MSS on SYN only");
	holds(&broken, !seg->len || seg->pos == tern_seq_dist(conn->iss, seg->seq) - 1,
	      "position and sequence number agree");
	holds(&broken, seg->flags & (TERN_RST | TERN_SYN | TERN_ACK),
	      "ACK on all but the first SYN and RST");
	holds(&broken, !seg->len ||
	      tern_seq_leq(tern_seq_add(seg->seq, seg->len), conn->snd_end),
	      "only what the user has handed over");
	holds(&broken, keeps_window(conn, before, seg), "new octets inside the window");
	return broken;
}

/* What was sent and not acknowledged, or waits to be sent, has a timer. */
static const char *alive(const struct tern_conn *conn)
{
	u64 deadline = tern_next_deadline(conn);
	bool wants = conn->snd_una != conn->snd_end || conn->fin_queued;
	const char *broken = NULL;

	if (tern_is_over(conn))
		holds(&broken, deadline == TERN_NEVER, "nothing is due when it is over");
	else if (wants && !tern_fin_acked(conn))
		holds(&broken, deadline != TERN_NEVER, "a timer runs for what waits");
	return broken;
}

const char *laws_rest(const struct tern_conn *conn, u64 now)
{
	u64 deadline = tern_next_deadline(conn);
	struct tern_conn copy;
	struct tern_result res;
	const char *broken;

	broken = tern_check(conn);
	if (!broken)
		broken = alive(conn);
	if (broken)
		return broken;
	holds(&broken, deadline > now, "the next deadline lies in the future");
	holds(&broken, conn->delack_segs < 2, "at the second segment an ACK is sent");
	/* octet by octet: assignment need not copy padding */
	memcpy(&copy, conn, sizeof(copy));
	res = tern_timeout(&copy, deadline - 1);
	holds(&broken, !memcmp(&copy, conn, sizeof(copy)) && !res.events && !res.path_len,
	      "an early timeout changes nothing");
	return broken;
}
