// SPDX-License-Identifier: GPL-2.0
/*
 * The laws of what is not a whole connection: a listener, and TIME_WAIT.
 */
#include "tests/fuzz/end.h"

enum tern_listen_verdict end_listen(const struct tern_seg *seg)
{
	enum tern_listen_verdict verdict = tern_listen_segment_arrives(seg);
	struct tern_seg rst;
	bool reset = tern_reset_for(seg, &rst);

	if (seg->flags & TERN_RST)
		LAW(verdict == TERN_LISTEN_DROP, "a listener drops RST");
	else if (seg->flags & TERN_ACK)
		LAW(verdict == TERN_LISTEN_RESET, "a listener resets what acknowledges");
	else
		LAW(verdict == ((seg->flags & (TERN_SYN | TERN_FIN)) == TERN_SYN ?
				TERN_LISTEN_SYN : TERN_LISTEN_DROP), "a listener takes SYN");

	LAW(reset == !(seg->flags & TERN_RST), "all but RST is answered with RST");
	if (!reset)
		return verdict;
	LAW(rst.flags & TERN_RST && !rst.len && rst.sport == seg->dport && rst.dport == seg->sport,
	    "the RST goes back");
	if (seg->flags & TERN_ACK)
		LAW(rst.flags == TERN_RST && rst.seq == seg->ack, "RST at the acknowledgment");
	else
		LAW(rst.flags == (TERN_RST | TERN_ACK) && !tern_seq_bits(rst.seq) &&
		    rst.ack == tern_seq_add(seg->seq, tern_seg_space(seg)),
		    "RST acknowledges what has no acknowledgment");
	return verdict;
}

/* rfc1122#section-4.2.2.13, rfc6191#section-2; what is 2^31 away is neither old nor new */
static bool reopens(const struct tern_tw *tw, const struct tern_seg *seg)
{
	s64 beyond = (s32)(tern_seq_dist(tw->rcv_nxt, seg->seq) - 1) + 1ll;
	s64 later = (s32)(seg->tsval - tw->ts_recent - 1) + 1ll;

	if ((seg->flags & (TERN_SYN | TERN_ACK | TERN_FIN | TERN_RST)) != TERN_SYN)
		return false;
	if (tw->ts_ok && seg->has_ts && later)
		return later > 0;
	return beyond > 0;
}

static void check_reply(const struct end *e, const struct tern_seg *seg,
			const struct tern_seg *reply, u32 tsval)
{
	const struct tern_tw *tw = &e->tw;

	LAW(reply->sport == seg->dport && reply->dport == seg->sport, "the answer goes back");
	LAW(reply->flags == TERN_ACK && !reply->len && !reply->n_sack, "the answer is an ACK");
	LAW(reply->seq == tw->snd_nxt && reply->ack == tw->rcv_nxt, "behind both FINs");
	LAW(reply->wnd == tw->rcv_wnd, "with the window that was offered");
	LAW(reply->has_ts == tw->ts_ok, "with timestamps if they were in use");
	LAW(!reply->has_ts || (reply->tsval == tsval && reply->tsecr == tw->ts_recent),
	    "with the clock and the latest timestamp");
}

/* Two ends that both wait do not answer each other for ever. */
static void must_calm_down(const struct tern_tw *tw, const struct tern_seg *reply)
{
	struct tern_tw other = *tw;
	struct tern_seg back;

	other.snd_nxt = tw->rcv_nxt;
	other.rcv_nxt = tw->snd_nxt;
	LAW(tern_tw_segment_arrives(&other, 0, reply, &back) == TERN_TW_DROP,
	    "an answer from TIME_WAIT is not answered in TIME_WAIT");
}

void end_time_wait(struct end *e, const struct tern_seg *seg)
{
	u32 tsval = tern_tsval(e->now, e->world.ts_offset);
	tern_seq next = tern_seq_add(seg->seq, tern_seg_space(seg));
	struct tern_tw before = e->tw;
	enum tern_tw_verdict verdict;
	struct tern_seg reply;
	tern_seq iss;

	fuzz_show_seg("<-", seg, e->conn.irs, e->conn.iss);
	verdict = tern_tw_segment_arrives(&e->tw, tsval, seg, &reply);
	fuzz_show("     TIME_WAIT says %d", verdict);
	LAW(before.snd_nxt == e->tw.snd_nxt && before.rcv_nxt == e->tw.rcv_nxt &&
	    before.ts_recent == e->tw.ts_recent, "TIME_WAIT learns nothing");
	LAW(verdict <= TERN_TW_REOPEN, "a verdict of its kind");
	LAW((verdict == TERN_TW_REOPEN) == reopens(&e->tw, seg), "what is newer reopens");
	if (seg->flags & TERN_RST)
		LAW(verdict == TERN_TW_DROP, "a RST does not end TIME_WAIT");
	else if (tern_seg_space(seg) && verdict != TERN_TW_REOPEN)
		LAW(verdict == TERN_TW_ACK || verdict == TERN_TW_RESTART,
		    "what takes sequence space is answered");
	LAW((verdict == TERN_TW_RESTART) ==
	    ((seg->flags & (TERN_FIN | TERN_SYN | TERN_RST)) == TERN_FIN && next == e->tw.rcv_nxt),
	    "the FIN again waits anew");
	if (verdict != TERN_TW_DROP) {
		check_reply(e, seg, &reply, tsval);
		must_calm_down(&e->tw, &reply);
	}
	if (verdict == TERN_TW_REOPEN) {
		iss = tern_tw_iss(&e->tw, tern_seq_of(e->world.iss));
		LAW(tern_seq_lt(e->tw.snd_nxt, iss), "the next connection begins beyond the last");
	}
	e->digest = fuzz_mix(e->digest, verdict);
}
