// SPDX-License-Identifier: GPL-2.0
/*
 * The small forms of a connection: struct tern_tw for TIME_WAIT, where little
 * can happen any more, and struct tern_req for SYN_RECEIVED, where little has.
 */
#include "core/internal.h"

void tern_tw_init(struct tern_tw *tw, const struct tern_conn *conn)
{
	tw->snd_nxt = conn->snd_max;
	tw->rcv_nxt = conn->rcv_nxt;
	tw->rcv_wnd = tern_seq_dist(conn->rcv_nxt, conn->rcv_adv) & ~(1u << 31);
	tw->ts_ok = conn->ts_ok;
	tw->ts_recent = conn->ts_recent;
}

/* rfc9293#section-3.10.7.4, first */
static bool tw_acceptable(const struct tern_tw *tw, const struct tern_seg *seg)
{
	u32 space = tern_seg_space(seg);
	u32 first = tern_seq_dist(tw->rcv_nxt, seg->seq);

	if (!tw->rcv_wnd)
		return !space && !first;
	return first < tw->rcv_wnd ||
	       (space && first + space - 1 < tw->rcv_wnd);
}

/*
 * rfc1122#section-4.2.2.13: beyond the old sequence numbers; or rfc6191#section-2:
 * later than all that the old connection sent.
 */
static bool tw_is_new(const struct tern_tw *tw, const struct tern_seg *syn)
{
	if (tw->ts_ok && syn->has_ts && syn->tsval != tw->ts_recent)
		return tern_ts_before(tw->ts_recent, syn->tsval);
	return tern_seq_lt(tw->rcv_nxt, syn->seq);
}

static enum tern_tw_verdict tw_judge(const struct tern_tw *tw,
				     const struct tern_seg *seg)
{
	u32 space = tern_seg_space(seg);

	/* rfc1337: a RST must not end the wait early */
	if (seg->flags & TERN_RST)
		return TERN_TW_DROP;

	if ((seg->flags & (TERN_SYN | TERN_ACK | TERN_FIN)) == TERN_SYN &&
	    tw_is_new(tw, seg))
		return TERN_TW_REOPEN;
	if (seg->flags & TERN_SYN)
		return TERN_TW_ACK;

	/* rfc9293#section-3.10.7.4, eighth: the FIN again, our ACK was lost */
	if ((seg->flags & TERN_FIN) &&
	    tern_seq_add(seg->seq, space) == tw->rcv_nxt)
		return TERN_TW_RESTART;

	/*
	 * An ACK for an ACK cannot go on for ever: this one is what the peer
	 * expects next, so another TIME_WAIT finds it acceptable and drops it
	 * below, and a connection answers bare segments only now and then.
	 */
	if (!tw_acceptable(tw, seg))
		return TERN_TW_ACK;
	return space ? TERN_TW_ACK : TERN_TW_DROP;
}

enum tern_tw_verdict tern_tw_segment_arrives(const struct tern_tw *tw, u32 tsval,
					     const struct tern_seg *seg,
					     struct tern_seg *reply)
{
	enum tern_tw_verdict verdict = tw_judge(tw, seg);

	memset(reply, 0, sizeof(*reply));
	if (verdict != TERN_TW_DROP) {
		reply->sport = seg->dport;
		reply->dport = seg->sport;
		reply->seq = tw->snd_nxt;
		reply->ack = tw->rcv_nxt;
		reply->wnd = tw->rcv_wnd;
		reply->flags = TERN_ACK;
		reply->has_ts = tw->ts_ok;
		reply->tsval = tsval;
		reply->tsecr = tw->ts_recent;
	}
	return verdict;
}

/*
 * rfc1122#section-4.2.2.13: the new connection must start beyond everything that
 * the old one used, so that an old segment of ours still on its way is old to it.
 */
tern_seq tern_tw_iss(const struct tern_tw *tw, tern_seq iss)
{
	if (tern_seq_lt(tw->snd_nxt, iss))
		return iss;
	return tern_seq_add(tw->snd_nxt, 65535 + 2);
}

/*
 * What is not kept is the same for every such connection, or a count: the SYN-ACK
 * went out once exactly if its deadline is set, and is due if @sent is false.
 */
void tern_req_pack(struct tern_req *req, const struct tern_conn *conn)
{
	memset(req, 0, sizeof(*req));
	req->deadline = conn->deadline[TERN_TIMER_REXMT];
	req->rtt_start = conn->rtt_timing ? conn->rtt_start : TERN_NEVER;
	req->oow_acked = conn->oow_acked;
	req->iss = conn->iss;
	req->irs = conn->irs;
	req->snd_wnd = conn->snd_wnd;
	req->peer_mss = conn->peer_mss;
	req->rexmits = conn->rexmits;
	req->sent = conn->snd_nxt != conn->iss;
	req->sack_ok = conn->sack_ok;
	req->ts_ok = conn->ts_ok;
	req->ts_recent = conn->ts_recent;
}

void tern_req_unpack(struct tern_conn *conn, const struct tern_req *req,
		     const struct tern_config *cfg)
{
	struct tern_seg syn;

	tern_init(conn, req->iss, cfg);
	memset(&syn, 0, sizeof(syn));
	syn.seq = req->irs;
	syn.wnd = req->snd_wnd;
	syn.flags = TERN_SYN;
	syn.mss = req->peer_mss;
	syn.sack_permitted = req->sack_ok;
	syn.has_ts = req->ts_ok;
	syn.tsval = req->ts_recent;
	/* as it was when it was opened, whatever @cfg says now */
	conn->sack_ok = req->sack_ok;
	conn->ts_ok = req->ts_ok;
	tern_syn_taken(conn, TERN_NEVER, &syn);
	conn->state = TERN_SYN_RECEIVED;
	conn->passive = true;
	conn->oow_acked = req->oow_acked;
	conn->rexmits = req->rexmits;
	conn->rexmits_total = req->rexmits;
	conn->deadline[TERN_TIMER_REXMT] = req->deadline;

	if (req->deadline != TERN_NEVER) {
		conn->snd_max = tern_seq_add(conn->iss, 1);
		conn->rcv_acked = conn->rcv_nxt;
		conn->rcv_adv = tern_seq_add(conn->rcv_nxt,
					     tern_rcv_wnd(conn));
	}
	if (req->sent)
		conn->snd_nxt = conn->snd_max;
	if (req->rtt_start != TERN_NEVER) {
		conn->rtt_timing = true;
		conn->rtt_start = req->rtt_start;
		conn->rtt_seq = conn->iss;
	} else {
		tern_rtt_cancel(conn);
	}
}
