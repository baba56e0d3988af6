// SPDX-License-Identifier: GPL-2.0
/*
 * Selective acknowledgments: what is agreed on, which blocks are told (rfc2018), and
 * what the blocks of a peer, honest or not, make of loss recovery (rfc6675).
 */
#include "tests/unit/test.h"

/* An active open, both ends with SACK; @ts: and with timestamps. */
static void open_sack(struct end *e, u32 wnd, bool ts)
{
	struct tern_seg seg;

	end_init(e);
	e->cfg.sack = true;
	e->cfg.timestamps = ts;
	e->wnd = wnd;
	end_open(e);
	e->now += 100 * MSEC;
	seg = peer_seg(e, TERN_SYN | TERN_ACK, -1, 0, 0);
	seg.sack_permitted = true;
	seg.has_ts = ts;
	seg.tsval = 1;
	end_segment(e, &seg);
	CHECK_EQ(e->conn.sack_ok, true);
	CHECK_EQ(e->conn.ts_ok, ts);
	look_away(e);
}

/* An ACK with @n blocks; edges as positions, in pairs. */
static void ack_blocks(struct end *e, s32 ack, const s32 *edge, u32 n)
{
	struct tern_seg seg = peer_seg(e, TERN_ACK, rcv_pos(e), ack, 0);
	u32 i;

	for (i = 0; i < n; i++) {
		seg.sack[i].start = tern_seq_of(ISS + 1 + (u32)edge[2 * i]);
		seg.sack[i].end = tern_seq_of(ISS + 1 + (u32)edge[2 * i + 1]);
	}
	seg.n_sack = (u8)n;
	end_segment(e, &seg);
}

#define EDGES(...) ((const s32[]){ __VA_ARGS__ })
#define SACK(e, ack, ...) \
	ack_blocks(e, ack, EDGES(__VA_ARGS__), ARRAY_SIZE(EDGES(__VA_ARGS__)) / 2)

static void expect(struct end *e, s32 pos, u32 len)
{
	CHECK_OUT(e, e->out[e->next_out].flags & TERN_PSH ? TERN_ACK | TERN_PSH :
		  TERN_ACK, pos, 0, len);
}

/* @n segments of new data are in flight, @more wait. */
static void in_flight(struct end *e, u32 n, u32 more)
{
	open_sack(e, 1000000, false);
	e->conn.cwnd = n * MSS;
	end_send(e, (n + more) * MSS);
	CHECK_EQ(e->n_out, n);
	look_away(e);
}

static bool sacked(const struct end *e, u32 i, s32 start, s32 end)
{
	return i < e->conn.n_sacked &&
	       e->conn.sacked[i].start == tern_seq_of(ISS + 1 + (u32)start) &&
	       e->conn.sacked[i].end == tern_seq_of(ISS + 1 + (u32)end);
}

/* Agreeing: rfc2018#section-2 */

static void only_when_both_offer(void)
{
	struct tern_seg seg;
	struct end e;
	u32 i;

	for (i = 0; i < 4; i++) {
		bool ours = i & 1;
		bool theirs = i & 2;

		test_note("active, ours %u, theirs %u", ours, theirs);
		end_init(&e);
		e.cfg.sack = ours;
		end_open(&e);
		CHECK_EQ(e.out[0].sack_permitted, ours);
		seg = peer_seg(&e, TERN_SYN | TERN_ACK, -1, 0, 0);
		seg.sack_permitted = theirs;
		end_segment(&e, &seg);
		CHECK_EQ(e.conn.sack_ok, ours && theirs);

		test_note("passive, ours %u, theirs %u", ours, theirs);
		end_init(&e);
		e.cfg.sack = ours;
		seg = peer_seg(&e, TERN_SYN, -1, 0, 0);
		seg.sack_permitted = theirs;
		end_open_syn(&e, &seg);
		CHECK_EQ(e.out[0].flags, TERN_SYN | TERN_ACK);
		CHECK_EQ(e.out[0].sack_permitted, ours && theirs);
		/* the SYN-ACK again says the same */
		pass_deadline(&e);
		CHECK_EQ(e.out[1].flags, TERN_SYN | TERN_ACK);
		CHECK_EQ(e.out[1].sack_permitted, ours && theirs);

		test_note("simultaneous, ours %u, theirs %u", ours, theirs);
		end_init(&e);
		e.cfg.sack = ours;
		end_open(&e);
		seg = peer_seg(&e, TERN_SYN, -1, 0, 0);
		seg.sack_permitted = theirs;
		end_segment(&e, &seg);
		CHECK_EQ(e.out[1].flags, TERN_SYN | TERN_ACK);
		CHECK_EQ(e.out[1].sack_permitted, ours && theirs);
		arrive(&e, TERN_ACK, 0, 0, 0);
		CHECK_STATE(&e, TERN_ESTABLISHED);
		CHECK_EQ(e.conn.sack_ok, ours && theirs);
	}
}

/* No SYN, no permission; and none of it after the handshake. */
static void permission_comes_with_syn_only(void)
{
	struct tern_seg seg;
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	e.conn.cfg.sack = true;
	seg = peer_seg(&e, TERN_ACK, 0, 0, 0);
	seg.sack_permitted = true;
	end_segment(&e, &seg);
	CHECK_EQ(e.conn.sack_ok, false);

	open_sack(&e, 20 * MSS, false);
	end_send(&e, 100);
	CHECK_EQ(e.out[0].sack_permitted, false);
	CHECK_EQ(e.out[0].n_sack, 0);
}

static void not_agreed_not_used(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	arrive(&e, TERN_ACK, 2 * MSS, 0, MSS);
	CHECK_EQ(e.out[0].n_sack, 0);
	look_away(&e);
	end_send(&e, 5 * MSS);
	look_away(&e);
	ack_blocks(&e, 0, EDGES(1000, 5000), 1);
	CHECK_EQ(e.conn.n_sacked, 0);
	CHECK_EQ(e.conn.in_recovery, false);
}

static void kept_while_half_open(void)
{
	struct tern_req req;
	struct tern_seg seg;
	struct end e;
	u32 i;

	for (i = 0; i < 4; i++) {
		end_init(&e);
		e.cfg.sack = true;
		e.cfg.timestamps = true;
		seg = peer_seg(&e, TERN_SYN, -1, 0, 0);
		seg.sack_permitted = i & 1;
		seg.has_ts = i & 2;
		seg.tsval = 77;
		end_open_syn(&e, &seg);
		tern_req_pack(&req, &e.conn);
		memset(&e.conn, 0x5a, sizeof(e.conn));
		tern_req_unpack(&e.conn, &req, &e.cfg);
		CHECK_EQ(e.conn.sack_ok, i & 1);
		CHECK_EQ(e.conn.ts_ok, !!(i & 2));
		CHECK_EQ(e.conn.snd_mss, i & 2 ? MSS - 12 : MSS);
		if (i & 2)
			CHECK_EQ(e.conn.ts_recent, 77);
		look_away(&e);
		pass_deadline(&e);
		CHECK_EQ(e.out[0].sack_permitted, i & 1);
		CHECK_EQ(e.out[0].has_ts, !!(i & 2));
		CHECK_EQ(e.out[0].tsecr, i & 2 ? 77 : 0);
	}
}

/* Receiving: rfc2018#section-4 */

static void check_blocks(struct end *e, const s32 *edge, u32 n)
{
	const struct tern_seg *seg = &e->out[e->next_out++];
	u32 i;

	CHECK_EQ(e->next_out, e->n_out);
	CHECK_EQ(seg->n_sack, n);
	for (i = 0; i < n; i++) {
		CHECK_EQ(seg->sack[i].start, IRS + 1 + (u32)edge[2 * i]);
		CHECK_EQ(seg->sack[i].end, IRS + 1 + (u32)edge[2 * i + 1]);
	}
}

#define BLOCKS(e, ...) \
	check_blocks(e, EDGES(__VA_ARGS__), ARRAY_SIZE(EDGES(__VA_ARGS__)) / 2)
#define NO_BLOCKS(e) check_blocks(e, NULL, 0)

static void data_at(struct end *e, s32 pos, u32 len)
{
	struct tern_seg seg = peer_seg(e, TERN_ACK, pos, 0, len);

	seg.has_ts = e->conn.ts_ok;
	seg.tsval = 1;
	end_segment(e, &seg);
}

static void the_latest_block_comes_first(void)
{
	struct end e;

	open_sack(&e, 20 * MSS, false);
	data_at(&e, 2000, 1000);
	BLOCKS(&e, 2000, 3000);
	data_at(&e, 6000, 1000);
	BLOCKS(&e, 6000, 7000, 2000, 3000);
	data_at(&e, 10000, 1000);
	BLOCKS(&e, 10000, 11000, 6000, 7000, 2000, 3000);
	data_at(&e, 4000, 1000);
	BLOCKS(&e, 4000, 5000, 10000, 11000, 6000, 7000, 2000, 3000);
	/* the fifth: the oldest has no place */
	data_at(&e, 14000, 1000);
	BLOCKS(&e, 14000, 15000, 4000, 5000, 10000, 11000, 6000, 7000);
	/* again what is held: "the block that contains the segment" */
	data_at(&e, 2000, 1000);
	BLOCKS(&e, 2000, 3000, 14000, 15000, 4000, 5000, 10000, 11000);
	/* the block is all that is contiguous */
	data_at(&e, 7000, 500);
	BLOCKS(&e, 6000, 7500, 2000, 3000, 14000, 15000, 4000, 5000);
	/* two become one */
	data_at(&e, 5000, 1000);
	BLOCKS(&e, 4000, 7500, 2000, 3000, 14000, 15000, 10000, 11000);
	/* a part of the first hole: what advances the ACK is no block */
	data_at(&e, 0, 1000);
	BLOCKS(&e, 4000, 7500, 2000, 3000, 14000, 15000, 10000, 11000);
	data_at(&e, 1000, 1000);
	BLOCKS(&e, 4000, 7500, 14000, 15000, 10000, 11000);
	/* all but the last */
	data_at(&e, 3000, 1000);
	BLOCKS(&e, 14000, 15000, 10000, 11000);
	data_at(&e, 7500, 1000);
	BLOCKS(&e, 14000, 15000, 10000, 11000);
	data_at(&e, 8500, 1000);
	data_at(&e, 9500, 500);
	e.next_out++;
	BLOCKS(&e, 14000, 15000);
	data_at(&e, 11000, 1000);
	data_at(&e, 12000, 1000);
	look_away(&e);
	data_at(&e, 13000, 1000);
	NO_BLOCKS(&e);
}

/* However often one block grows, the others keep their order. */
static void a_block_that_grows(void)
{
	struct end e;
	s32 i;

	open_sack(&e, 20 * MSS, false);
	data_at(&e, 2000, 100);
	data_at(&e, 10000, 100);
	data_at(&e, 6000, 100);
	for (i = 0; i < 5; i++)
		data_at(&e, 14000 + 100 * i, 100);
	e.next_out = e.n_out - 1;
	BLOCKS(&e, 14000, 14500, 6000, 6100, 10000, 10100, 2000, 2100);
}

/* rfc2018#section-3: forty octets of options hold three beside timestamps */
static void three_beside_timestamps(void)
{
	struct end e;

	open_sack(&e, 20 * MSS, true);
	data_at(&e, 2000, 100);
	BLOCKS(&e, 2000, 2100);
	data_at(&e, 4000, 100);
	data_at(&e, 6000, 100);
	look_away(&e);
	data_at(&e, 8000, 100);
	BLOCKS(&e, 8000, 8100, 6000, 6100, 4000, 4100);
	CHECK(e.out[e.next_out - 1].has_ts);
	CHECK(tern_build_len(&e.out[e.next_out - 1]) <= TERN_HDR_MAX);
	/* what was pushed out comes back when there is room */
	data_at(&e, 8000, 100);
	look_away(&e);
	data_at(&e, 3000, 1000);
	BLOCKS(&e, 3000, 4100, 8000, 8100, 6000, 6100);
	data_at(&e, 2100, 900);
	BLOCKS(&e, 2000, 4100, 8000, 8100, 6000, 6100);
	data_at(&e, 0, 2000);
	BLOCKS(&e, 8000, 8100, 6000, 6100);
}

/* A window of 20,000: octets beyond it are not held and not told. */
static void no_block_beyond_the_window(void)
{
	struct end e;

	open_sack(&e, 20 * MSS, false);
	data_at(&e, 19500, 1000);
	BLOCKS(&e, 19500, 20000);
	data_at(&e, 20000, 1000);
	BLOCKS(&e, 19500, 20000);
	/* old data beside it changes nothing */
	data_at(&e, -1000, 1000);
	BLOCKS(&e, 19500, 20000);
}

/* More ranges than are remembered: what was not kept is not told. */
static void only_what_is_kept_is_told(void)
{
	struct end e;
	s32 i;

	open_sack(&e, 20 * MSS, false);
	for (i = 1; i <= TERN_RANGES; i++)
		data_at(&e, i * 1000, 100);
	look_away(&e);
	data_at(&e, 17000, 100);
	CHECK_EQ(e.res.drop, TERN_DROP_RANGES);
	BLOCKS(&e, 16000, 16100, 15000, 15100, 14000, 14100, 13000, 13100);
	/* the shell has given up all of it (rfc2018#section-8) */
	tern_forget_ranges(&e.conn);
	data_at(&e, 500, 100);
	BLOCKS(&e, 500, 600);
}

/* rfc9293#section-3.7.1: options come out of the payload */
static void blocks_beside_data(void)
{
	struct end e;

	open_sack(&e, 1000000, false);
	data_at(&e, 2000, 100);
	data_at(&e, 4000, 100);
	look_away(&e);
	end_send(&e, 2000);
	expect(&e, 0, MSS - 20);
	expect(&e, 980, MSS - 20);
	CHECK_EQ(e.out[0].n_sack, 2);
	CHECK_EQ(e.out[1].n_sack, 2);
	CHECK_EQ(tern_build_len(&e.out[0]) + e.out[0].len, TERN_HDR_LEN + MSS);

	open_sack(&e, 1000000, true);
	data_at(&e, 2000, 100);
	look_away(&e);
	end_send(&e, 2000);
	CHECK_EQ(e.out[0].n_sack, 1);
	CHECK_EQ(tern_build_len(&e.out[0]) + e.out[0].len, TERN_HDR_LEN + MSS);
}

/* Where segments are tiny, data goes without blocks, an ACK alone with them. */
static void no_blocks_beside_tiny_data(void)
{
	struct end e;

	open_sack(&e, 1000000, false);
	tern_set_mss(&e.conn, 100);
	data_at(&e, 2000, 100);
	BLOCKS(&e, 2000, 2100);
	end_send(&e, 200);
	expect(&e, 0, 100);
	CHECK_EQ(e.out[0].n_sack, 0);
}

/* Sending: the scoreboard takes what makes sense */

static void nonsense_blocks(void)
{
	static const struct {
		const char *name;
		s32 start, end;
		bool taken;
	} rows[] = {
		{ "one segment", 2000, 3000, true },
		{ "one octet", 2000, 2001, true },
		{ "up to snd_max", 2000, 10000, true },
		{ "all but the first octet", 1001, 10000, true },
		{ "empty", 2000, 2000, false },
		{ "empty at snd_una", 1000, 1000, false },
		{ "backwards", 3000, 2000, false },
		{ "backwards by half the circle", 3000, 3000 - 0x7fffffff, false },
		{ "half the circle", 2000, (s32)(2000u + 0x7fffffffu), false },
		{ "all of the circle but one", 2000, 1999, false },
		{ "everything, from snd_una", 1000, 10000, false },
		{ "below snd_una", 0, 1000, false },
		{ "across snd_una", 500, 2000, false },
		{ "far below", -1000, -500, false },
		{ "one octet above snd_max", 9000, 10001, false },
		{ "across snd_max", 9000, 12000, false },
		{ "above snd_max", 10000, 11000, false },
		{ "what is queued and not sent", 12000, 13000, false },
	};
	struct end e;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		test_note("%s", rows[i].name);
		open_sack(&e, 10 * MSS, false);
		end_send(&e, 20 * MSS);
		arrive_wnd(&e, TERN_ACK, 0, 1000, 0, 9 * MSS);
		look_away(&e);
		SACK(&e, 1000, rows[i].start, rows[i].end);
		CHECK_EQ(e.conn.n_sacked, rows[i].taken);
		CHECK_EQ(e.conn.dupacks, rows[i].taken);
		if (rows[i].taken)
			CHECK(sacked(&e, 0, rows[i].start, rows[i].end));
		CHECK_EQ(e.conn.snd_una, ISS + 1 + 1000);
		/* nonsense beside sense does not spoil it */
		SACK(&e, 1000, rows[i].start, rows[i].end, 5000, 6000);
		CHECK(rows[i].taken || sacked(&e, 0, 5000, 6000));
	}
}

static void blocks_that_overlap(void)
{
	struct end e;

	in_flight(&e, 20, 0);
	SACK(&e, 0, 2000, 3000, 2500, 3500, 2000, 3000, 1900, 2100);
	CHECK_EQ(e.conn.n_sacked, 1);
	CHECK(sacked(&e, 0, 1900, 3500));
	SACK(&e, 0, 3500, 4000, 6000, 7000);
	CHECK_EQ(e.conn.n_sacked, 2);
	CHECK(sacked(&e, 0, 1900, 4000));
	SACK(&e, 0, 1000, 9000);
	CHECK_EQ(e.conn.n_sacked, 1);
	CHECK(sacked(&e, 0, 1000, 9000));
	/* the acknowledgment eats from the left */
	arrive(&e, TERN_ACK, 0, 5000, 0);
	CHECK_EQ(e.conn.n_sacked, 1);
	CHECK(sacked(&e, 0, 5000, 9000));
	arrive(&e, TERN_ACK, 0, 9000, 0);
	CHECK_EQ(e.conn.n_sacked, 0);
}

static void seventeen_ranges(void)
{
	struct end e;
	s32 i;

	in_flight(&e, 40, 0);
	for (i = 0; i < 16; i++)
		SACK(&e, 0, 1000 + 2000 * i, 2000 + 2000 * i);
	CHECK_EQ(e.conn.n_sacked, 16);
	SACK(&e, 0, 34000, 35000);
	CHECK_EQ(e.conn.n_sacked, 16);
	CHECK(sacked(&e, 15, 31000, 32000));
	/* what makes fewer of them still counts */
	SACK(&e, 0, 1000, 32000, 34000, 35000);
	CHECK_EQ(e.conn.n_sacked, 2);
	CHECK(sacked(&e, 0, 1000, 32000));
	CHECK(sacked(&e, 1, 34000, 35000));
}

/* An ACK that is old, or of what was never sent, says nothing about blocks, either. */
static void blocks_of_unacceptable_acks(void)
{
	struct end e;

	in_flight(&e, 10, 10);
	arrive(&e, TERN_ACK, 0, 2000, 0);
	look_away(&e);
	SACK(&e, 1000, 4000, 5000);
	CHECK_EQ(e.conn.n_sacked, 0);
	SACK(&e, 30000, 4000, 5000);
	CHECK_EQ(e.conn.n_sacked, 0);
}

/* rfc6675#section-2: "Duplicate Acknowledgment" */
static void what_a_duplicate_is(void)
{
	struct end e;

	in_flight(&e, 10, 0);
	/* without a block, or with no news, it is none, however often it comes */
	arrive(&e, TERN_ACK, 0, 0, 0);
	arrive(&e, TERN_ACK, 0, 0, 0);
	arrive(&e, TERN_ACK, 0, 0, 0);
	CHECK_EQ(e.conn.dupacks, 0);
	SACK(&e, 0, 2000, 3000);
	SACK(&e, 0, 2000, 3000);
	SACK(&e, 0, 2200, 2800);
	CHECK_EQ(e.conn.dupacks, 1);
	/* data beside it or a new window are no hindrance */
	arrive_wnd(&e, TERN_ACK, 0, 0, 10, 900000);
	SACK(&e, 0, 2000, 3100);
	CHECK_EQ(e.conn.dupacks, 2);
	CHECK_EQ(e.conn.in_recovery, false);
	/* a cumulative one with news: the count starts anew, and it counts */
	SACK(&e, 1000, 2000, 3200);
	CHECK_EQ(e.conn.dupacks, 1);
	CHECK_EQ(e.conn.in_recovery, false);
}

/* rfc6675#section-5, 3: limited transmit; 4: the third */
static void recovery_by_three_duplicates(void)
{
	struct end e;

	in_flight(&e, 10, 10);
	SACK(&e, 0, 1000, 2000);
	expect(&e, 10000, MSS);
	SACK(&e, 0, 1000, 3000);
	expect(&e, 11000, MSS);
	CHECK_QUIET(&e);
	CHECK_EQ(e.conn.in_recovery, false);
	SACK(&e, 0, 1000, 4000);
	CHECK_EQ(e.conn.in_recovery, true);
	CHECK(e.res.events & TERN_EV_RECOVERY);
	/* half of the 10 sent without limited transmit */
	CHECK_EQ(e.conn.ssthresh, 5000);
	CHECK_EQ(e.conn.cwnd, 5000);
	CHECK_EQ(e.out[e.next_out].rexmit, true);
	expect(&e, 0, MSS);
	CHECK_QUIET(&e);
	/* pipe: 8 in the tail, 1 sent again; it must fall to 4 */
	SACK(&e, 0, 1000, 5000);
	SACK(&e, 0, 1000, 6000);
	SACK(&e, 0, 1000, 7000);
	CHECK_EQ(tern_sack_pipe(&e.conn), 6000);
	CHECK_QUIET(&e);
	SACK(&e, 0, 1000, 8000);
	CHECK_QUIET(&e);
	SACK(&e, 0, 1000, 9000);
	expect(&e, 12000, MSS);
	CHECK_QUIET(&e);
	/* nothing is learned twice */
	SACK(&e, 0, 1000, 9000);
	CHECK_QUIET(&e);
	CHECK_EQ(e.conn.cwnd, 5000);
	/* RecoveryPoint is 12000 */
	arrive(&e, TERN_ACK, 0, 11999, 0);
	CHECK_EQ(e.conn.in_recovery, true);
	CHECK_EQ(e.conn.cwnd, 5000);
	look_away(&e);
	arrive(&e, TERN_ACK, 0, 12000, 0);
	CHECK_EQ(e.conn.in_recovery, false);
	CHECK_EQ(e.conn.cwnd, e.conn.ssthresh);
	CHECK_EQ(e.conn.cwnd, 5000);
}

/* Small segments: the third duplicate counts though few octets are SACKed. */
static void recovery_by_three_small_duplicates(void)
{
	struct end e;

	in_flight(&e, 10, 0);
	SACK(&e, 0, 1000, 1010);
	SACK(&e, 0, 1000, 1020);
	CHECK_EQ(e.conn.in_recovery, false);
	SACK(&e, 0, 1000, 1030);
	CHECK_EQ(e.conn.in_recovery, true);
	expect(&e, 0, MSS);
}

/* rfc6675#section-4, IsLost(): 3 ranges, or more than 2 segments' octets */
static void recovery_by_what_is_lost(void)
{
	struct end e;

	in_flight(&e, 10, 0);
	SACK(&e, 0, 1000, 3000);
	CHECK_EQ(e.conn.in_recovery, false);
	in_flight(&e, 10, 0);
	SACK(&e, 0, 1000, 3001);
	CHECK_EQ(e.conn.in_recovery, true);
	expect(&e, 0, MSS);

	in_flight(&e, 10, 0);
	SACK(&e, 0, 2000, 2001, 4000, 4001);
	CHECK_EQ(e.conn.in_recovery, false);
	in_flight(&e, 10, 0);
	SACK(&e, 0, 2000, 2001, 4000, 4001, 6000, 6001);
	CHECK_EQ(e.conn.in_recovery, true);
	expect(&e, 0, MSS);
}

/* NextSeg(): rule 1 before rule 2; a hole that is not lost waits */
static void lost_holes_before_new_data(void)
{
	struct end e;

	in_flight(&e, 10, 10);
	SACK(&e, 0, 2000, 3000, 4000, 5000, 6000, 7000);
	CHECK_EQ(e.conn.cwnd, 5000);
	expect(&e, 0, MSS);
	CHECK_QUIET(&e);
	CHECK_EQ(tern_sack_pipe(&e.conn), 6000);
	/* 3000 is lost now, too; but 1000 comes first */
	SACK(&e, 0, 6000, 8000);
	expect(&e, 1000, MSS);
	CHECK_QUIET(&e);
	SACK(&e, 0, 6000, 9000);
	expect(&e, 3000, MSS);
	expect(&e, 5000, MSS);
	CHECK_QUIET(&e);
	SACK(&e, 0, 6000, 10000);
	expect(&e, 10000, MSS);
	CHECK_QUIET(&e);
	CHECK_EQ(tern_sack_pipe(&e.conn), 5000);
	CHECK_EQ(e.conn.rexmits_total, 4);
}

/* Rule 3: without new data, what is not lost yet; rule 1 when it is */
static void a_hole_that_may_be_lost(void)
{
	struct end e;

	in_flight(&e, 10, 0);
	SACK(&e, 0, 1000, 4000);
	expect(&e, 0, MSS);
	SACK(&e, 0, 8000, 10000);
	CHECK_QUIET(&e);
	SACK(&e, 4000, 8000, 10000);
	expect(&e, 4000, MSS);
	CHECK_QUIET(&e);
	SACK(&e, 4000, 7000, 10000);
	expect(&e, 5000, MSS);
	expect(&e, 6000, MSS);
	CHECK_QUIET(&e);
}

/* Rule 2 before rule 3 */
static void new_data_before_what_may_be_lost(void)
{
	struct end e;

	in_flight(&e, 10, 10);
	SACK(&e, 0, 1000, 4000);
	expect(&e, 0, MSS);
	SACK(&e, 0, 8000, 10000);
	CHECK_QUIET(&e);
	SACK(&e, 4000, 8000, 10000);
	expect(&e, 10000, MSS);
	CHECK_QUIET(&e);
}

/* Rule 4: the end of what was sent, once in a recovery */
static void rescue_once(void)
{
	struct end e;

	in_flight(&e, 10, 0);
	SACK(&e, 0, 1000, 7000);
	expect(&e, 0, MSS);
	CHECK_QUIET(&e);
	arrive(&e, TERN_ACK, 0, 7000, 0);
	expect(&e, 9000, MSS);
	CHECK_QUIET(&e);
	CHECK_EQ(e.conn.in_recovery, true);
	/* it arrived: now there is a hole, by rule 3 */
	SACK(&e, 7000, 9000, 10000);
	expect(&e, 7000, MSS);
	expect(&e, 8000, MSS);
	CHECK_QUIET(&e);
	/* no second one, HighRxt as it was */
	SACK(&e, 8000, 9000, 10000);
	CHECK_QUIET(&e);
	arrive(&e, TERN_ACK, 0, 10000, 0);
	CHECK_EQ(e.conn.in_recovery, false);
	CHECK_EQ(e.conn.cwnd, e.conn.ssthresh);
}

/* Shorter than a segment: what the peer holds already is not sent. */
static void rescue_of_a_short_tail(void)
{
	struct end e;

	in_flight(&e, 10, 0);
	SACK(&e, 0, 1000, 2000, 3000, 4000, 5000, 9500);
	expect(&e, 0, MSS);
	expect(&e, 2000, MSS);
	expect(&e, 4000, MSS);
	/* not before what was sent first is acknowledged */
	CHECK_QUIET(&e);
	SACK(&e, 2000, 3000, 4000, 5000, 9500);
	expect(&e, 9500, 500);
	CHECK_QUIET(&e);
}

/* "If HighACK is greater than RescueRxt": not when it is there */
static void no_rescue_at_the_first_acknowledgment(void)
{
	struct end e;

	in_flight(&e, 10, 0);
	SACK(&e, 0, 2000, 8000);
	expect(&e, 0, MSS);
	expect(&e, 1000, MSS);
	CHECK_QUIET(&e);
	SACK(&e, 1000, 2000, 8000);
	CHECK_QUIET(&e);
	SACK(&e, 1001, 2000, 8000);
	expect(&e, 9000, MSS);
	CHECK_QUIET(&e);
}

/* In each recovery it waits for the ACK of the first retransmission. */
static void rescue_in_the_next_recovery(void)
{
	struct end e;

	in_flight(&e, 10, 10);
	SACK(&e, 0, 1000, 10000);
	arrive(&e, TERN_ACK, 0, 10000, 0);
	look_away(&e);
	arrive(&e, TERN_ACK, 0, snd_pos(&e), 0);
	arrive(&e, TERN_ACK, 0, snd_pos(&e), 0);
	CHECK_EQ(snd_pos(&e), 20000);
	end_send(&e, 6 * MSS);
	look_away(&e);
	SACK(&e, 20000, 21000, 25000);
	expect(&e, 20000, MSS);
	CHECK_QUIET(&e);
	arrive(&e, TERN_ACK, 0, 25000, 0);
	expect(&e, 25000, MSS);
	CHECK_QUIET(&e);
}

/* The head is as long as the hole. */
static void a_short_hole_at_the_head(void)
{
	struct end e;

	in_flight(&e, 10, 0);
	SACK(&e, 0, 300, 4000);
	expect(&e, 0, 300);
	CHECK_QUIET(&e);
}

/* The window closes with the ACK that tells of the loss. */
static void no_room_for_the_head(void)
{
	struct end e;

	in_flight(&e, 10, 0);
	e.wnd = 0;
	SACK(&e, 0, 1000, 4000);
	CHECK_EQ(e.conn.in_recovery, true);
	CHECK_QUIET(&e);
	e.wnd = 1000000;
	SACK(&e, 0, 1000, 6000);
	expect(&e, 0, MSS);
	CHECK_QUIET(&e);
}

/* "MUST include the highest outstanding unSACKed sequence number": the FIN */
static void rescue_of_the_fin(void)
{
	struct end e;

	open_sack(&e, 1000000, false);
	end_send(&e, 10 * MSS);
	end_close(&e);
	look_away(&e);
	SACK(&e, 0, 1000, 8000);
	expect(&e, 0, MSS);
	CHECK_QUIET(&e);
	arrive(&e, TERN_ACK, 0, 8000, 0);
	CHECK_OUT(&e, TERN_ACK | TERN_PSH | TERN_FIN, 9000, 0, MSS);
	CHECK_QUIET(&e);
	SACK(&e, 8000, 9000, 10000);
	expect(&e, 8000, MSS);
	arrive(&e, TERN_ACK, 0, 10001, 0);
	CHECK_STATE(&e, TERN_FIN_WAIT_2);

	/* the FIN alone is missing */
	open_sack(&e, 1000000, false);
	end_send(&e, 10 * MSS);
	end_close(&e);
	look_away(&e);
	SACK(&e, 0, 1000, 10000);
	expect(&e, 0, MSS);
	CHECK_QUIET(&e);
	arrive(&e, TERN_ACK, 0, 10000, 0);
	CHECK_OUT(&e, TERN_ACK | TERN_FIN, 10000, 0, 0);
	CHECK_QUIET(&e);
	arrive(&e, TERN_ACK, 0, 10001, 0);
	CHECK_STATE(&e, TERN_FIN_WAIT_2);
}

/* A FIN that is SACKed, as no honest peer does: it is sent nowhere but at its place. */
static void a_sacked_fin(void)
{
	struct end e;

	open_sack(&e, 1000000, false);
	end_send(&e, 10 * MSS);
	end_close(&e);
	look_away(&e);
	SACK(&e, 0, 2000, 10001);
	expect(&e, 0, MSS);
	expect(&e, 1000, MSS);
	arrive(&e, TERN_ACK, 0, 1000, 0);
	CHECK_EQ(snd_pos(&e), 10001);
	look_away(&e);
	arrive(&e, TERN_ACK, 0, 1500, 0);
	CHECK_EQ(snd_pos(&e), 10001);
	look_away(&e);
	pass_deadline(&e);
	expect(&e, 1500, 500);
	CHECK_QUIET(&e);
	arrive(&e, TERN_ACK, 0, 10001, 0);
	CHECK_STATE(&e, TERN_FIN_WAIT_2);

	/* the FIN alone */
	open_sack(&e, 1000000, false);
	end_send(&e, 4 * MSS);
	end_close(&e);
	look_away(&e);
	SACK(&e, 0, 4000, 4001, 2000, 2500, 3000, 3500);
	CHECK_EQ(snd_pos(&e), 4001);
	look_away(&e);
	while (e.now < START + 100 * SEC)
		pass_deadline(&e);
	CHECK_EQ(snd_pos(&e), 4001);
}

/* rfc6675#section-5: HighACK at RecoveryPoint ends it, and another one may begin */
static void the_next_loss_is_recovered_as_well(void)
{
	struct end e;

	in_flight(&e, 10, 20);
	SACK(&e, 0, 1000, 10000);
	CHECK_EQ(e.conn.in_recovery, true);
	arrive(&e, TERN_ACK, 0, 10000, 0);
	CHECK_EQ(e.conn.in_recovery, false);
	CHECK(snd_pos(&e) >= 14000);
	look_away(&e);
	/* the first segment after the recovery is lost */
	SACK(&e, 10000, 11000, 14000);
	CHECK_EQ(e.conn.in_recovery, true);
	expect(&e, 10000, MSS);
}

/* rfc6675#section-5.1: after a timeout, not before RecoveryPoint is acknowledged */
static void a_timeout_in_recovery(void)
{
	struct end e;

	in_flight(&e, 10, 10);
	SACK(&e, 0, 2000, 3000, 4000, 5000, 6000, 10000);
	CHECK_EQ(e.conn.in_recovery, true);
	look_away(&e);
	pass_deadline(&e);
	CHECK_EQ(e.conn.in_recovery, false);
	CHECK_EQ(e.conn.cwnd, MSS);
	CHECK_EQ(tern_seq_bits(e.conn.recover), ISS + 1 + (u32)snd_pos(&e));
	expect(&e, 0, MSS);
	CHECK_QUIET(&e);
	/* news, but no new recovery */
	SACK(&e, 0, 10000, 11000);
	SACK(&e, 0, 10000, 12000);
	SACK(&e, 0, 10000, 13000);
	SACK(&e, 0, 10000, snd_pos(&e));
	CHECK_EQ(e.conn.in_recovery, false);
	CHECK_QUIET(&e);
	/* what the peer holds is not sent again: the holes are */
	arrive(&e, TERN_ACK, 0, 1000, 0);
	expect(&e, 1000, MSS);
	expect(&e, 3000, MSS);
	CHECK_QUIET(&e);
	arrive(&e, TERN_ACK, 0, 3000, 0);
	expect(&e, 5000, MSS);
	CHECK_EQ(e.conn.in_recovery, false);
}

/* The end of a recovery that came after a timeout: HighACK >= RecoveryPoint is enough */
static void recovery_again_at_the_recovery_point(void)
{
	struct end e;

	in_flight(&e, 10, 30);
	pass_deadline(&e);
	look_away(&e);
	/* it was late, not lost */
	arrive(&e, TERN_ACK, 0, 9999, 0);
	SACK(&e, 9999, 10999, 14000);
	CHECK_EQ(e.conn.in_recovery, false);
	in_flight(&e, 10, 30);
	pass_deadline(&e);
	arrive(&e, TERN_ACK, 0, 10000, 0);
	e.conn.cwnd = 10 * MSS;
	end_laws(&e);
	look_away(&e);
	SACK(&e, 10000, 11000, 14000);
	CHECK_EQ(e.conn.in_recovery, true);
	expect(&e, 10000, MSS);
}

/* rfc2018#section-8: what was SACKed is not acknowledged, and may be gone */
static void a_peer_that_reneges(void)
{
	struct end e;

	in_flight(&e, 5, 0);
	SACK(&e, 0, 1000, 5000);
	look_away(&e);
	/* it has thrown all of it away, and takes the first only */
	arrive(&e, TERN_ACK, 0, 1000, 0);
	look_away(&e);
	CHECK_EQ(e.conn.snd_una, ISS + 1 + 1000);
	pass_deadline(&e);
	expect(&e, 1000, MSS);
	arrive(&e, TERN_ACK, 0, 2000, 0);
	expect(&e, 2000, MSS);
	expect(&e, 3000, MSS);
	arrive(&e, TERN_ACK, 0, 4000, 0);
	expect(&e, 4000, MSS);
	arrive(&e, TERN_ACK, 0, 5000, 0);
	CHECK_QUIET(&e);
	CHECK_EQ(tern_next_deadline(&e.conn), TERN_NEVER);
}

/* A hole stays, and what lies behind it is gone: everything comes again. */
static void a_peer_that_reneges_behind_a_hole(void)
{
	struct end e;
	s32 got = 0;
	u32 i;

	in_flight(&e, 10, 0);
	SACK(&e, 0, 1000, 2000, 3000, 4000, 6000, 10000);
	/* from now on it holds only what is in order */
	for (i = 0; i < 200 && got < 10000; i++) {
		bool moved = false;

		while (e.next_out < e.n_out) {
			const struct tern_seg *seg = &e.out[e.next_out++];
			s32 pos = (s32)seg->pos;

			if (!seg->len || pos > got || pos + (s32)seg->len <= got)
				continue;
			got = pos + (s32)seg->len;
			moved = true;
		}
		if (moved)
			arrive(&e, TERN_ACK, 0, got, 0);
		else
			pass_deadline(&e);
	}
	CHECK_EQ(got, 10000);
	CHECK_EQ(e.conn.snd_una, ISS + 1 + 10000);
	CHECK_EQ(tern_next_deadline(&e.conn), TERN_NEVER);
}

/* The window's right edge moves left while holes are sent again. */
static void a_window_that_shrinks_in_recovery(void)
{
	struct end e;

	in_flight(&e, 10, 10);
	SACK(&e, 0, 2000, 3000, 4000, 5000, 6000, 7000);
	expect(&e, 0, MSS);
	CHECK_QUIET(&e);
	/* up to 3,500 only */
	e.wnd = 3500;
	SACK(&e, 0, 6000, 10000);
	expect(&e, 1000, MSS);
	expect(&e, 3000, 500);
	CHECK_QUIET(&e);
	/* to nothing */
	e.wnd = 0;
	SACK(&e, 2000, 4000, 5000, 6000, 10000);
	CHECK_QUIET(&e);
	pass_deadline(&e);
	CHECK_QUIET(&e);
	pass_deadline(&e);
	expect(&e, 2000, 1);
	CHECK_QUIET(&e);
	/* and open again */
	e.wnd = 1000000;
	SACK(&e, 3000, 4000, 5000, 6000, 10000);
	CHECK(e.out[e.next_out].pos == 3000);
	look_away(&e);
	SACK(&e, 4000, 4000, 5000, 6000, 10000);
	arrive(&e, TERN_ACK, 0, 10000, 0);
	arrive(&e, TERN_ACK, 0, snd_pos(&e), 0);
	CHECK_EQ(snd_pos(&e), 20000);
}

/* The whole, with a peer that keeps a bitmap */

#define MODEL 400

/* Octets from snd_una on: does the peer hold them? */
struct model {
	bool held[MODEL];
	u32 una, max;
};

static u32 ranges_above(const struct model *m, u32 at)
{
	u32 n = 0;
	u32 i;

	for (i = at; i < m->max; i++)
		n += m->held[i] && !(i > m->una && m->held[i - 1]);
	return n;
}

/* rfc6675#section-4, IsLost(), octet by octet */
static bool model_lost(const struct model *m, u32 at, u32 mss)
{
	u32 octets = 0;
	u32 i;

	for (i = at; i < m->max; i++)
		octets += m->held[i];
	return ranges_above(m, at) >= 3 || octets > 2 * mss;
}

/* SetPipe() */
static u32 model_pipe(const struct model *m, const struct tern_conn *conn)
{
	u32 rxt = tern_seq_bits(conn->snd_rxt) - ISS - 1;
	u32 pipe = 0;
	u32 i;

	for (i = m->una; i < m->max; i++) {
		if (m->held[i])
			continue;
		pipe += !model_lost(m, i, conn->snd_mss);
		pipe += i < rxt;
	}
	return pipe;
}

/* Update(): a block is taken if there is a place for it */
static void model_take(struct model *m, u32 start, u32 end)
{
	bool touches = m->held[start - 1] || (end < m->max && m->held[end]);
	u32 i;

	for (i = start; i < end; i++)
		touches |= m->held[i];
	if (!touches && ranges_above(m, m->una) == TERN_SACKED)
		return;
	for (i = start; i < end; i++)
		m->held[i] = true;
}

static void compare_ranges(const struct model *m, const struct tern_conn *conn)
{
	u32 i;

	CHECK(conn->n_sacked == ranges_above(m, m->una));
	for (i = m->una; i < m->max; i++) {
		tern_seq at = tern_seq_of(ISS + 1 + i);

		CHECK_EQ(tern_ranges_find(conn->sacked, conn->n_sacked, at,
					  tern_seq_add(at, 1)) < conn->n_sacked,
			 m->held[i]);
	}
}

/* NextSeg(), rules 1 and 3 */
static void compare_hole(const struct model *m, const struct tern_conn *conn, bool lost)
{
	u32 rxt = tern_seq_bits(conn->snd_rxt) - ISS - 1;
	struct tern_range hole;
	u32 i;

	for (i = rxt > m->una ? rxt : m->una; i < m->max; i++) {
		if (!m->held[i] && ranges_above(m, i) &&
		    (!lost || model_lost(m, i, conn->snd_mss)))
			break;
	}
	CHECK_EQ(tern_sack_hole(conn, lost, &hole), i < m->max);
	if (i == m->max)
		return;
	CHECK_EQ(hole.start, ISS + 1 + i);
	while (!m->held[i])
		i++;
	CHECK_EQ(hole.end, ISS + 1 + i);
}

static void random_blocks(struct random *r, struct model *m, struct tern_conn *conn)
{
	struct tern_seg seg = { .n_sack = (u8)(1 + random_below(r, 4)) };
	u32 i;

	for (i = 0; i < seg.n_sack; i++) {
		u32 start = random_below(r, MODEL + 20);
		u32 end = start - 5 + random_below(r, 25);

		seg.sack[i].start = tern_seq_of(ISS + 1 + start);
		seg.sack[i].end = tern_seq_of(ISS + 1 + end);
		if (start > m->una && (s32)end > (s32)start && end <= m->max)
			model_take(m, start, end);
	}
	tern_sack_update(conn, &seg);
}

static void scoreboard_against_a_bitmap(void)
{
	struct tern_conn *conn;
	struct random r;
	struct model m;
	struct end e;
	u32 i;

	open_sack(&e, 1000000, false);
	conn = &e.conn;
	random_seed(&r, 4);
	for (i = 0; i < 6000; i++) {
		test_note("step %u", i);
		if (i % 60 == 0) {
			memset(&m, 0, sizeof(m));
			m.max = MODEL - random_below(&r, 100);
			conn->snd_mss = (u16)(1 + random_below(&r, 40));
			conn->n_sacked = 0;
			conn->in_recovery = true;
			conn->snd_una = tern_seq_of(ISS + 1);
			conn->snd_rxt = conn->snd_una;
			conn->snd_max = tern_seq_add(conn->snd_una, m.max);
		}
		random_blocks(&r, &m, conn);
		if (random_percent(&r, 20) && m.una < m.max) {
			u32 una = m.una + random_below(&r, 20);

			m.una = una < m.max ? una : m.max;
			conn->snd_una = tern_seq_of(ISS + 1 + m.una);
			tern_sack_acked(conn);
		}
		/* HighRxt lies below what is SACKed */
		if (random_percent(&r, 20) && conn->n_sacked) {
			u32 most = tern_seq_dist(conn->snd_una, tern_sack_tail(conn));

			conn->snd_rxt = tern_seq_add(conn->snd_una,
						     random_below(&r, most));
		}
		compare_ranges(&m, conn);
		CHECK_EQ(tern_sack_pipe(conn), model_pipe(&m, conn));
		compare_hole(&m, conn, true);
		compare_hole(&m, conn, false);
		if (conn->n_sacked)
			CHECK_EQ(tern_sack_lost(conn),
				 model_lost(&m, m.una, conn->snd_mss));
	}
}

/* A peer that holds segments of MSS octets, and a network that loses some. */
struct receiver {
	bool held[300];
	u32 next, latest;
};

static void receive(struct receiver *rcv, const struct tern_seg *seg)
{
	u32 first = (seg->pos + MSS - 1) / MSS;
	u32 i;

	for (i = first; (i + 1) * MSS <= seg->pos + seg->len; i++)
		rcv->held[i] = true;
	rcv->latest = first;
	while (rcv->held[rcv->next])
		rcv->next++;
}

static void acknowledge(struct end *e, const struct receiver *rcv)
{
	u32 first = rcv->latest;
	u32 last = rcv->latest;

	if (rcv->latest <= rcv->next) {
		arrive(e, TERN_ACK, 0, (s32)rcv->next * MSS, 0);
		return;
	}
	while (rcv->held[first - 1])
		first--;
	while (rcv->held[last])
		last++;
	SACK(e, (s32)(rcv->next * MSS), (s32)(first * MSS), (s32)(last * MSS));
}

/* Only the first of a recovery may go out when the pipe is full. */
static void check_pipe(const struct end *e, bool entered)
{
	u32 sent = e->n_out - e->next_out;

	if (e->conn.in_recovery && sent > entered)
		CHECK(tern_sack_pipe(&e->conn) <= e->conn.cwnd);
	if (!e->conn.in_recovery && sent)
		CHECK(tern_sack_pipe(&e->conn) <= e->conn.cwnd);
}

static void never_more_than_cwnd(void)
{
	struct random r;
	struct end e;
	u32 seed;

	for (seed = 0; seed < 300; seed++) {
		struct receiver rcv = { .next = 0 };
		u32 recoveries = 0;
		u32 steps = 0;

		random_seed(&r, seed);
		in_flight(&e, 10, 0);
		e.conn.cwnd = 40 * MSS;
		e.conn.ssthresh = 20 * MSS;
		e.conn.snd_una = e.conn.snd_nxt;
		open_sack(&e, 1000000, false);
		end_send(&e, 200 * MSS);
		while (rcv.next < 200) {
			test_note("seed %u, step %u", seed, steps);
			CHECK(steps++ < 20000);
			if (e.next_out == e.n_out) {
				pass_deadline(&e);
				continue;
			}
			struct tern_seg seg = e.out[e.next_out++];
			bool before = e.conn.in_recovery;

			if (!seg.len || random_percent(&r, 10))
				continue;
			/* the queue is a list of what was sent: look at it in order */
			struct tern_seg left[MAX_OUT];
			u32 n = e.n_out - e.next_out;

			memcpy(left, &e.out[e.next_out], n * sizeof(seg));
			look_away(&e);
			receive(&rcv, &seg);
			e.now += 1 * MSEC;
			acknowledge(&e, &rcv);
			check_pipe(&e, !before && e.conn.in_recovery);
			recoveries += !before && e.conn.in_recovery;
			CHECK(e.n_out + n <= MAX_OUT);
			memmove(&e.out[n], e.out, e.n_out * sizeof(seg));
			memcpy(e.out, left, n * sizeof(seg));
			e.n_out += n;
		}
		CHECK(recoveries > 0);
	}
}

/* A peer that says anything, near what is true. */

static s32 near_pos(struct random *r, const struct end *e)
{
	u32 from = tern_seq_bits(e->conn.snd_una) - ISS - 1;
	u32 span = tern_seq_dist(e->conn.snd_una, e->conn.snd_max) + 4;
	u32 pos = from - 2 + random_below(r, span);

	/* often at the edges of segments */
	return (s32)(random_percent(r, 50) ? pos : pos - pos % 500);
}

static void hostile_segment(struct random *r, struct end *e)
{
	static const u32 windows[] = { 0, 1, 700, 3000, 20000, 1000000 };
	u8 flags = random_percent(r, 3) ? TERN_ACK | TERN_FIN : TERN_ACK;
	s32 ack = (s32)(tern_seq_bits(e->conn.snd_una) - ISS - 1);
	struct tern_seg seg;
	u32 i;

	if (random_percent(r, 30))
		ack = near_pos(r, e);
	if (random_percent(r, 10))
		e->wnd = windows[random_below(r, ARRAY_SIZE(windows))];
	seg = peer_seg(e, flags, rcv_pos(e) + (s32)random_below(r, 2000) *
		       random_percent(r, 20), ack,
		       random_percent(r, 20) ? random_below(r, 1000) : 0);
	seg.has_ts = e->conn.ts_ok;
	seg.tsval = e->conn.ts_recent + random_below(r, 3) - random_percent(r, 5);
	seg.tsecr = tern_tsval(e->now, 0) - random_below(r, 300) + random_percent(r, 5) * 999;
	seg.n_sack = (u8)random_below(r, 5);
	for (i = 0; i < seg.n_sack; i++) {
		seg.sack[i].start = tern_seq_of(ISS + 1 + (u32)near_pos(r, e));
		seg.sack[i].end = tern_seq_of(ISS + 1 + (u32)near_pos(r, e));
	}
	end_segment(e, &seg);
}

/* Nothing beyond the window but one octet or a FIN that asks; no FIN but at the end. */
static void check_places(struct end *e)
{
	tern_seq edge = tern_seq_add(e->conn.snd_una, e->conn.snd_wnd);

	while (e->next_out < e->n_out) {
		const struct tern_seg *seg = &e->out[e->next_out++];
		u32 space = tern_seg_space(seg);
		tern_seq end = tern_seq_add(seg->seq, space);

		if (seg->flags & TERN_FIN)
			CHECK_EQ(tern_seq_add(seg->seq, seg->len), e->conn.snd_end);
		/* no packet is larger than the peer takes, no header longer than can be */
		CHECK(tern_build_len(seg) <= TERN_HDR_MAX);
		CHECK(!seg->len || tern_build_len(seg) + seg->len <= TERN_HDR_LEN + MSS);
		CHECK(space <= 1 || tern_seq_leq(end, edge));
		CHECK(!space || tern_seq_leq(e->conn.snd_una, seg->seq));
	}
}

static void hostile_step(struct random *r, struct end *e)
{
	switch (random_below(r, 12)) {
	case 0:
		if (tern_next_deadline(&e->conn) != TERN_NEVER)
			pass_deadline(e);
		break;
	case 1:
		end_send(e, 1 + random_below(r, 20000));
		break;
	case 2:
		if (random_percent(r, 5))
			end_close(e);
		break;
	case 3:
		tern_set_keepalive(&e->conn, random_below(r, 3) * SEC, 1 * SEC, 3);
		tern_set_user_timeout(&e->conn, random_percent(r, 10) * 600 * SEC);
		end_laws(e);
		break;
	case 4:
		end_receive(e, random_below(r, 5000));
		break;
	default:
		pass(e, random_below(r, 20) * MSEC);
		/* before an acknowledgment moves what they are compared with */
		check_places(e);
		hostile_segment(r, e);
	}
}

static void a_hostile_peer(void)
{
	u32 recoveries = 0;
	struct random r;
	struct end e;
	u32 seed;
	u32 i;

	for (seed = 0; seed < 3000; seed++) {
		random_seed(&r, seed);
		open_sack(&e, 1000000, random_percent(&r, 50));
		if (random_percent(&r, 50))
			e.conn.cwnd = 60 * MSS;
		end_send(&e, 30 * MSS);
		for (i = 0; i < 150 && !tern_is_over(&e.conn); i++) {
			bool before = e.conn.in_recovery;

			test_note("seed %u, step %u", seed, i);
			look_away(&e);
			hostile_step(&r, &e);
			if (e.conn.snd_una != e.conn.snd_max)
				check_places(&e);
			recoveries += !before && e.conn.in_recovery;
		}
	}
	CHECK(recoveries > 1000);
}

/*
 * Simultaneous open, closed at once, and data beyond holes before our SYN is
 * acknowledged: the repeated SYN-ACK has MSS and timestamps, and no room for blocks.
 * There are none: what does not acknowledge our SYN is not from this connection.
 */
static void no_blocks_on_a_syn(void)
{
	struct tern_seg seg;
	struct end e;
	u32 i;

	end_init(&e);
	e.cfg.sack = true;
	e.cfg.timestamps = true;
	end_open(&e);
	seg = peer_seg(&e, TERN_SYN, -1, 0, 0);
	seg.sack_permitted = true;
	seg.has_ts = true;
	seg.tsval = 1;
	end_segment(&e, &seg);
	end_close(&e);
	for (i = 0; i < 4; i++) {
		seg = peer_seg(&e, TERN_ACK, 100 + 200 * (s32)i, -1, 100);
		seg.has_ts = true;
		seg.tsval = 2;
		end_segment(&e, &seg);
	}
	CHECK_EQ(e.conn.n_ranges, 0);
	look_away(&e);
	pass_deadline(&e);
	CHECK_EQ(e.out[0].flags, TERN_SYN | TERN_ACK);
	CHECK_EQ(e.out[0].n_sack, 0);
	CHECK_EQ(tern_build_len(&e.out[0]), 36);
}

/* Each edge compares well with the next one, modulo 2^32; nothing was sent. */
static void edges_half_the_circle_apart(void)
{
	struct end e;

	open_sack(&e, 100000, false);
	SACK(&e, 0, 0x7fffffff, -2);
	CHECK_EQ(e.conn.n_sacked, 0);
	CHECK_QUIET(&e);

	in_flight(&e, 10, 0);
	SACK(&e, 0, 0x7fffffff, -2);
	SACK(&e, 0, 1000, (s32)0x80000000 + 500);
	SACK(&e, 0, (s32)0x80000000, 10000);
	CHECK_EQ(e.conn.n_sacked, 0);
	SACK(&e, 0, 1000, 10000);
	CHECK_EQ(e.conn.n_sacked, 1);
}

static const struct test tests[] = {
	TEST(edges_half_the_circle_apart),
	TEST(no_blocks_on_a_syn),
	TEST(only_when_both_offer),
	TEST(permission_comes_with_syn_only),
	TEST(not_agreed_not_used),
	TEST(kept_while_half_open),
	TEST(the_latest_block_comes_first),
	TEST(a_block_that_grows),
	TEST(three_beside_timestamps),
	TEST(no_block_beyond_the_window),
	TEST(only_what_is_kept_is_told),
	TEST(blocks_beside_data),
	TEST(no_blocks_beside_tiny_data),
	TEST(nonsense_blocks),
	TEST(blocks_that_overlap),
	TEST(seventeen_ranges),
	TEST(blocks_of_unacceptable_acks),
	TEST(what_a_duplicate_is),
	TEST(recovery_by_three_duplicates),
	TEST(recovery_by_three_small_duplicates),
	TEST(recovery_by_what_is_lost),
	TEST(lost_holes_before_new_data),
	TEST(a_hole_that_may_be_lost),
	TEST(new_data_before_what_may_be_lost),
	TEST(rescue_once),
	TEST(rescue_of_a_short_tail),
	TEST(no_rescue_at_the_first_acknowledgment),
	TEST(rescue_in_the_next_recovery),
	TEST(a_short_hole_at_the_head),
	TEST(no_room_for_the_head),
	TEST(rescue_of_the_fin),
	TEST(a_sacked_fin),
	TEST(the_next_loss_is_recovered_as_well),
	TEST(a_timeout_in_recovery),
	TEST(recovery_again_at_the_recovery_point),
	TEST(a_peer_that_reneges),
	TEST(a_peer_that_reneges_behind_a_hole),
	TEST(a_window_that_shrinks_in_recovery),
	TEST(scoreboard_against_a_bitmap),
	TEST(never_more_than_cwnd),
	TEST(a_hostile_peer),
};

int main(void)
{
	return run_tests("sack", tests, ARRAY_SIZE(tests));
}
