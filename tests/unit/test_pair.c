// SPDX-License-Identifier: GPL-2.0
/*
 * Two engines, joined by a network that loses, duplicates, reorders, delays and
 * corrupts, everything from a seed.  Each side is a small shell with real octets:
 * an octet is known by its position, is overwritten once it is acknowledged, and
 * is compared when it arrives and when it is read.
 */
#include "tests/unit/test.h"

#define STREAM_MAX 20000
#define PAYLOAD_MAX 1460
#define IN_FLIGHT_MAX 512
/* Timeouts back off to two minutes, and the users look every few milliseconds. */
#define EVENTS_MAX 2000000
#define SEEDS 300

/* struct side - one shell with its user */
struct side {
	u32 id;
	struct tern_config cfg;
	struct tern_conn conn;
	struct tern_tw tw;
	tern_seq iss;
	bool open, in_tw, over;
	/* sending: the user will write @want in all, then close */
	u8 snd[STREAM_MAX];
	u32 want, written, released;
	bool closes_after_eof;
	/* receiving */
	u8 rcv[STREAM_MAX];
	bool there[STREAM_MAX];
	u32 read;
	bool eof;
};

/* Of two packets that arrive at the same time the older comes first. */
struct packet {
	u64 at;
	u64 order;
	u32 to;
	u32 len;
	u8 octets[TERN_HDR_MAX + PAYLOAD_MAX];
};

struct net {
	struct random r;
	u64 now;
	u64 next_user;
	struct side side[2];
	struct packet packet[IN_FLIGHT_MAX];
	u32 n_packets;
	/* percent */
	u32 loss, duplication, corruption;
	/* us */
	u32 delay, jitter;
	u64 lost, sent, order;
};

static u8 octet_at(u32 id, u32 pos)
{
	return (u8)((pos * 2654435761u >> 13) ^ pos ^ (id ? 0xa5 : 0));
}

/* The network */

static void put_on_link(struct net *net, u32 to, const u8 *octets, u32 len)
{
	u32 copies = 1 + random_percent(&net->r, net->duplication);

	net->sent++;
	if (random_percent(&net->r, net->loss)) {
		net->lost++;
		return;
	}
	while (copies-- && net->n_packets < IN_FLIGHT_MAX) {
		struct packet *packet = &net->packet[net->n_packets++];

		packet->at = net->now + net->delay +
			     random_below(&net->r, net->jitter + 1);
		packet->order = net->order++;
		packet->to = to;
		packet->len = len;
		memcpy(packet->octets, octets, len);
		if (random_percent(&net->r, net->corruption))
			packet->octets[random_below(&net->r, len)] ^= 0x10;
	}
}

static void transmit(struct net *net, struct side *from, struct tern_seg *seg)
{
	u8 octets[TERN_HDR_MAX + PAYLOAD_MAX];
	u32 hlen;
	u16 sum;

	seg->sport = (u16)(1000 + from->id);
	seg->dport = (u16)(1000 + !from->id);
	CHECK(seg->len <= PAYLOAD_MAX);
	if (seg->len) {
		CHECK(seg->pos + seg->len <= from->written);
		CHECK(seg->pos >= from->released);
	}
	hlen = tern_build_len(seg);
	tern_build(seg, octets);
	if (seg->len)
		memcpy(octets + hlen, from->snd + seg->pos, seg->len);
	sum = tern_csum_fold(tern_csum_add(0, octets, hlen + seg->len));
	octets[TERN_CSUM_OFFSET] = (u8)(sum >> 8);
	octets[TERN_CSUM_OFFSET + 1] = (u8)sum;
	put_on_link(net, !from->id, octets, hlen + seg->len);
}

/* A shell */

static void take_data(struct side *side, const struct tern_result *res,
		      const u8 *payload)
{
	u32 i;

	CHECK(res->data_pos + res->data_len <= STREAM_MAX);
	for (i = 0; i < res->data_len; i++) {
		u32 pos = res->data_pos + i;
		u8 octet = payload[res->data_off + i];

		CHECK_EQ(octet, octet_at(!side->id, pos));
		side->rcv[pos] = octet;
		side->there[pos] = true;
	}
}

static void release(struct side *side, u32 acked)
{
	CHECK(side->released + acked <= side->written);
	while (acked--) {
		side->snd[side->released] ^= 0xff;
		side->released++;
	}
}

/* The tail of every entry, as tern.h has it; and its laws. */
static void pump(struct net *net, struct side *side, struct tern_result res,
		 const u8 *payload)
{
	struct tern_seg seg;
	u32 n = 0;

	if (res.events & TERN_EV_DATA)
		take_data(side, &res, payload);
	if (res.events & TERN_EV_ACKED)
		release(side, res.acked);
	if (res.events & TERN_EV_FIN)
		side->eof = true;
	if (res.events & TERN_EV_CHALLENGE)
		tern_challenge_ack(&side->conn);
	while (tern_next_segment(&side->conn, net->now, &seg)) {
		CHECK(n++ < 1000);
		transmit(net, side, &seg);
	}
	CHECK(!tern_check(&side->conn));
	CHECK(tern_next_deadline(&side->conn) > net->now);
	if (res.events & TERN_EV_CLOSED) {
		CHECK_EQ(side->conn.error, TERN_OK);
		side->over = true;
	}
	if (res.events & TERN_EV_TIME_WAIT) {
		tern_tw_init(&side->tw, &side->conn);
		side->in_tw = true;
		side->over = true;
	}
}

/* What a listener keeps of a connection request is small. */
static void maybe_repack(struct net *net, struct side *side)
{
	struct tern_req req;

	if (side->conn.state != TERN_SYN_RECEIVED || !side->conn.passive ||
	    side->written || !random_percent(&net->r, 70))
		return;
	tern_req_pack(&req, &side->conn);
	tern_req_unpack(&side->conn, &req, &side->cfg);
}

/* Neither open nor in TIME_WAIT */
static void without_connection(struct net *net, struct side *side,
			       const struct tern_seg *seg)
{
	struct tern_result res;
	struct tern_seg rst;

	if (!side->over && tern_listen_segment_arrives(seg) == TERN_LISTEN_SYN) {
		side->open = true;
		res = tern_open_syn(&side->conn, net->now, side->iss, &side->cfg,
				    seg);
		pump(net, side, res, NULL);
	} else if (tern_reset_for(seg, &rst)) {
		transmit(net, side, &rst);
	}
}

static void deliver(struct net *net, const struct packet *packet)
{
	struct side *side = &net->side[packet->to];
	struct tern_result res;
	struct tern_seg seg, reply;

	if (tern_csum_fold(tern_csum_add(0, packet->octets, packet->len)))
		return;
	CHECK_EQ(tern_parse(packet->octets, packet->len, &seg), TERN_DROP_NONE);
	if (side->in_tw) {
		enum tern_tw_verdict verdict;

		verdict = tern_tw_segment_arrives(&side->tw,
						  tern_tsval(net->now, side->cfg.ts_offset),
						  &seg, &reply);
		if (verdict == TERN_TW_ACK || verdict == TERN_TW_RESTART)
			transmit(net, side, &reply);
	} else if (!side->open || side->over) {
		without_connection(net, side, &seg);
	} else {
		maybe_repack(net, side);
		res = tern_segment_arrives(&side->conn, net->now, &seg);
		if (res.events & TERN_EV_RESET && tern_reset_for(&seg, &reply))
			transmit(net, side, &reply);
		pump(net, side, res, packet->octets + seg.hlen);
	}
}

/* The users */

static const struct tern_result nothing_new;

static void user_write(struct net *net, struct side *side)
{
	u32 n = random_below(&net->r, side->want - side->written + 1);
	u32 i;

	if (n > 4000)
		n = 4000;
	if (!tern_send(&side->conn, n))
		return;
	for (i = 0; i < n; i++, side->written++)
		side->snd[side->written] = octet_at(side->id, side->written);
	pump(net, side, nothing_new, NULL);
}

static void user_read(struct net *net, struct side *side)
{
	u32 ready = tern_rcv_pos(&side->conn) - side->read;
	u32 n = random_below(&net->r, ready + 1);
	u32 i;

	CHECK_EQ(ready, side->conn.rcv_held);
	for (i = 0; i < n; i++, side->read++) {
		CHECK(side->there[side->read]);
		CHECK_EQ(side->rcv[side->read], octet_at(!side->id, side->read));
	}
	tern_receive(&side->conn, n);
	pump(net, side, nothing_new, NULL);
}

/* Out of memory: all that is out of order is thrown away. */
static void forget(struct net *net, struct side *side)
{
	u32 i;

	for (i = tern_rcv_pos(&side->conn); i < STREAM_MAX; i++)
		side->there[i] = false;
	tern_forget_ranges(&side->conn);
	pump(net, side, nothing_new, NULL);
}

static void user(struct net *net, struct side *side)
{
	if (!side->open || side->over)
		return;
	if (random_percent(&net->r, 2))
		forget(net, side);
	if (random_percent(&net->r, 60))
		user_read(net, side);
	if (side->over || side->conn.fin_queued)
		return;
	if (side->written < side->want)
		user_write(net, side);
	else if ((side->eof || !side->closes_after_eof) &&
		 (side->conn.state == TERN_ESTABLISHED ||
		  side->conn.state == TERN_SYN_RECEIVED ||
		  side->conn.state == TERN_CLOSE_WAIT))
		pump(net, side, tern_close(&side->conn, net->now), NULL);
}

/* A run */

static void side_init(struct net *net, struct side *side, u32 id)
{
	static const u32 buf[] = { 200, 1000, 5000, 20000 };
	static const u16 mss[] = { 100, 536, 1000, PAYLOAD_MAX };

	side->id = id;
	side->cfg = default_config();
	side->cfg.rcv_buf = buf[random_below(&net->r, ARRAY_SIZE(buf))];
	side->cfg.mss = mss[random_below(&net->r, ARRAY_SIZE(mss))];
	/* to give up is another test */
	side->cfg.syn_retries = 20;
	side->cfg.synack_retries = 20;
	side->cfg.data_retries = 20;
	side->cfg.nodelay = random_percent(&net->r, 30);
	/* both agree on each of them about half of the time */
	side->cfg.sack = random_percent(&net->r, 70);
	side->cfg.timestamps = random_percent(&net->r, 70);
	side->cfg.ts_offset = 0u - random_below(&net->r, 20000);
	/* both directions cross the wrap, mostly */
	side->iss = tern_seq_of(0u - random_below(&net->r, STREAM_MAX));
	side->want = random_below(&net->r, STREAM_MAX + 1);
	if (random_percent(&net->r, 15))
		side->want = 0;
	side->closes_after_eof = random_percent(&net->r, 30);
}

static void open_side(struct net *net, struct side *side)
{
	side->open = true;
	pump(net, side, tern_open(&side->conn, net->now, side->iss, &side->cfg),
	     NULL);
}

static void net_init(struct net *net, u64 seed)
{
	memset(net, 0, sizeof(*net));
	random_seed(&net->r, seed);
	net->now = START;
	net->loss = random_below(&net->r, 4) * 7;
	net->duplication = random_below(&net->r, 4) * 5;
	net->corruption = random_below(&net->r, 3);
	net->delay = random_below(&net->r, 50000);
	net->jitter = random_below(&net->r, 3) * 20000;
	side_init(net, &net->side[0], 0);
	side_init(net, &net->side[1], 1);
	/* both waiting for the other's end of file would wait for ever */
	if (net->side[0].closes_after_eof)
		net->side[1].closes_after_eof = false;
	open_side(net, &net->side[0]);
	if (seed % 5 == 0) {
		net->now += random_below(&net->r, 2 * net->delay + 1);
		open_side(net, &net->side[1]);
	}
}

static bool is_before(const struct packet *a, const struct packet *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static u32 earliest(const struct net *net)
{
	u32 first = 0;
	u32 i;

	for (i = 1; i < net->n_packets; i++) {
		if (is_before(&net->packet[i], &net->packet[first]))
			first = i;
	}
	return first;
}

/* The next thing that happens, of a packet, two timers and the users. */
static void event(struct net *net)
{
	u32 first = earliest(net);
	u64 at = net->n_packets ? net->packet[first].at : TERN_NEVER;
	u64 timer[2];
	u32 i;

	for (i = 0; i < 2; i++)
		timer[i] = net->side[i].open && !net->side[i].over ?
			   tern_next_deadline(&net->side[i].conn) : TERN_NEVER;
	for (i = 0; i < 2; i++) {
		if (timer[i] <= at && timer[i] <= net->next_user &&
		    timer[i] <= timer[!i]) {
			net->now = timer[i] > net->now ? timer[i] : net->now;
			pump(net, &net->side[i],
			     tern_timeout(&net->side[i].conn, net->now), NULL);
			return;
		}
	}
	if (at <= net->next_user) {
		static struct packet packet;

		net->now = at > net->now ? at : net->now;
		packet = net->packet[first];
		net->packet[first] = net->packet[--net->n_packets];
		deliver(net, &packet);
		return;
	}
	net->now = net->next_user > net->now ? net->next_user : net->now;
	user(net, &net->side[random_below(&net->r, 2)]);
	net->next_user = net->now + 1 + random_below(&net->r, 30000);
}

static void check_end(struct net *net)
{
	u32 i;

	for (i = 0; i < 2; i++) {
		struct side *side = &net->side[i];
		struct side *peer = &net->side[!i];

		CHECK(side->over);
		CHECK(side->eof);
		CHECK_EQ(side->written, side->want);
		CHECK_EQ(side->released, side->written);
		CHECK_EQ(tern_rcv_pos(&side->conn), peer->written);
		CHECK_EQ(tern_snd_pos(&side->conn), side->written);
		while (side->read < peer->written) {
			CHECK(side->there[side->read]);
			CHECK_EQ(side->rcv[side->read],
				 octet_at(!i, side->read));
			side->read++;
		}
	}
	/* one of them, or both, had the last word */
	CHECK(net->side[0].in_tw || net->side[1].in_tw);
}

static void run(struct net *net, u64 seed)
{
	u32 n = 0;

	test_note("seed %llu", (unsigned long long)seed);
	net_init(net, seed);
	while (!net->side[0].over || !net->side[1].over) {
		CHECK(n++ < EVENTS_MAX);
		event(net);
	}
	check_end(net);
}

static void every_octet_arrives(void)
{
	static struct net net;
	u64 lost = 0;
	u64 seed;

	for (seed = 0; seed < SEEDS; seed++) {
		run(&net, seed);
		lost += net.lost;
	}
	CHECK(lost > 1000);
}

/* Nothing is lost, nothing is late: then nothing is sent twice. */
static void a_perfect_link_needs_no_retransmission(void)
{
	static struct net net;
	u64 seed;

	for (seed = 0; seed < 20; seed++) {
		test_note("seed %llu", (unsigned long long)seed);
		memset(&net, 0, sizeof(net));
		random_seed(&net.r, seed);
		net.now = START;
		net.delay = 10 * MSEC;
		side_init(&net, &net.side[0], 0);
		side_init(&net, &net.side[1], 1);
		net.side[0].cfg.rcv_buf = 20000;
		net.side[1].cfg.rcv_buf = 20000;
		net.side[0].closes_after_eof = false;
		open_side(&net, &net.side[0]);
		while (!net.side[0].over || !net.side[1].over) {
			CHECK(net.sent < EVENTS_MAX);
			event(&net);
		}
		check_end(&net);
		CHECK_EQ(net.side[0].conn.rexmits_total, 0);
		CHECK_EQ(net.side[1].conn.rexmits_total, 0);
	}
}

/* The same seed, the same connection: to the octet. */
static void runs_repeat(void)
{
	static struct net one, two;

	run(&one, 7);
	run(&two, 7);
	CHECK_EQ(one.now, two.now);
	CHECK_EQ(one.sent, two.sent);
	CHECK(!memcmp(&one.side[0].conn, &two.side[0].conn, sizeof(struct tern_conn)));
	CHECK(!memcmp(&one.side[1].conn, &two.side[1].conn, sizeof(struct tern_conn)));
}

static const struct test tests[] = {
	TEST(every_octet_arrives),
	TEST(a_perfect_link_needs_no_retransmission),
	TEST(runs_repeat),
};

int main(void)
{
	return run_tests("pair", tests, ARRAY_SIZE(tests));
}
