// SPDX-License-Identifier: GPL-2.0
/*
 * Throughput under loss, with SACK and timestamps and without, in virtual time: one
 * end sends, the other reads; 25 ms each way; the data segments that get lost follow
 * from the seed or are chosen.
 *
 * With random loss the window is what rfc5681 makes of the loss rate, with SACK or
 * without (about the square root of 1.5 / p segments: 5.5 at 5 %), so there is little
 * to gain; where many segments of one window are lost there is much.
 */
#include "tests/unit/test.h"

#define ON_THE_WAY 4096
#define WAY (25 * MSEC)
#define CHUNK 65536

struct packet {
	u64 at;
	u32 to;
	struct tern_seg seg;
};

/* struct path - two ends and what is between them, in order of arrival */
struct path {
	struct random r;
	u64 now;
	struct tern_conn conn[2];
	bool open[2];
	struct packet packet[ON_THE_WAY];
	u32 first, n;
	/* data segments sent for the first time, and lost, so far */
	u32 sent, lost, rexmits, timeouts;
	/* loss in percent, or one in three of these segments */
	u32 percent, holes_from, holes_to;
};

static bool is_lost(struct path *path, const struct tern_seg *seg)
{
	if (!seg->len)
		return false;
	if (seg->rexmit)
		path->rexmits++;
	else
		path->sent++;
	if (path->percent)
		return random_percent(&path->r, path->percent);
	return !seg->rexmit && path->sent > path->holes_from &&
	       path->sent <= path->holes_to && path->sent % 3 == 0;
}

static void pump(struct path *path, u32 id, struct tern_result res)
{
	struct tern_seg seg;

	if (res.events & TERN_EV_TIMEOUT && !id)
		path->timeouts++;
	if (path->conn[id].rcv_held)
		tern_receive(&path->conn[id], path->conn[id].rcv_held);
	while (tern_next_segment(&path->conn[id], path->now, &seg)) {
		struct packet *p;

		if (is_lost(path, &seg)) {
			path->lost++;
			continue;
		}
		CHECK(path->n < ON_THE_WAY);
		p = &path->packet[(path->first + path->n++) % ON_THE_WAY];
		p->at = path->now + WAY;
		p->to = !id;
		p->seg = seg;
	}
	CHECK(!tern_check(&path->conn[id]));
}

static void deliver(struct path *path, const struct tern_config *cfg)
{
	struct packet p = path->packet[path->first];
	struct tern_result res;

	path->first = (path->first + 1) % ON_THE_WAY;
	path->n--;
	if (path->open[p.to]) {
		res = tern_segment_arrives(&path->conn[p.to], path->now, &p.seg);
	} else {
		path->open[p.to] = true;
		res = tern_open_syn(&path->conn[p.to], path->now, tern_seq_of(IRS),
				    cfg, &p.seg);
	}
	pump(path, p.to, res);
}

/* The next thing that happens: a timer of one end, or a segment arrives. */
static void event(struct path *path, const struct tern_config *cfg)
{
	u64 at = path->n ? path->packet[path->first].at : TERN_NEVER;
	u32 who = 2;
	u32 i;

	for (i = 0; i < 2; i++) {
		u64 due = path->open[i] ? tern_next_deadline(&path->conn[i]) : TERN_NEVER;

		if (due < at) {
			at = due;
			who = i;
		}
	}
	CHECK(at != TERN_NEVER);
	path->now = at;
	if (who < 2)
		pump(path, who, tern_timeout(&path->conn[who], path->now));
	else
		deliver(path, cfg);
}

/* Seconds from ESTABLISHED until all @octets have arrived */
static double transfer(struct path *path, u32 octets, bool options, u64 seed)
{
	static const struct tern_result nothing_new;
	struct tern_config cfg = default_config();
	u32 written = 0;
	u64 start = 0;

	cfg.rcv_buf = 4000000;
	cfg.mss = 1460;
	cfg.sack = options;
	cfg.timestamps = options;
	random_seed(&path->r, seed);
	path->now = START;
	path->open[0] = true;
	pump(path, 0, tern_open(&path->conn[0], path->now, tern_seq_of(ISS), &cfg));
	while (tern_rcv_pos(&path->conn[1]) < octets) {
		event(path, &cfg);
		if (path->conn[0].state != TERN_ESTABLISHED)
			continue;
		if (!start)
			start = path->now;
		while (written < octets &&
		       tern_seq_dist(path->conn[0].snd_nxt, path->conn[0].snd_end) < CHUNK) {
			u32 n = octets - written < CHUNK ? octets - written : CHUNK;

			CHECK(tern_send(&path->conn[0], n));
			written += n;
			pump(path, 0, nothing_new);
		}
	}
	return (double)(path->now - start) / (double)SEC;
}

/* 40 transfers of 1 MB each: the mean, in kB/s */
static double throughput(u32 percent, bool options, struct path *sum)
{
	static struct path path;
	double seconds = 0;
	u32 seed;

	memset(sum, 0, sizeof(*sum));
	for (seed = 0; seed < 40; seed++) {
		memset(&path, 0, sizeof(path));
		path.percent = percent;
		seconds += transfer(&path, 1000000, options, seed);
		sum->rexmits += path.rexmits;
		sum->lost += path.lost;
		sum->timeouts += path.timeouts;
	}
	return 40 * 1000 / seconds;
}

static void random_loss(void)
{
	static const u32 percents[] = { 1, 2, 5, 10 };
	static struct path with, without;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(percents); i++) {
		double a = throughput(percents[i], false, &without);
		double b = throughput(percents[i], true, &with);

		printf("# %2u %% loss, 50 ms: %.0f kB/s (%u timeouts, %u sent again for %u lost), ",
		       percents[i], a, without.timeouts, without.rexmits, without.lost);
		printf("with SACK and timestamps %.0f kB/s (%u, %u for %u): %.2f\n",
		       b, with.timeouts, with.rexmits, with.lost, b / a);
		test_note("%u percent", percents[i]);
		/* the options cost 12 octets of 1,460 */
		CHECK(b > 0.93 * a);
		CHECK(percents[i] < 10 || b > 1.03 * a);
		CHECK(percents[i] < 5 || with.timeouts < without.timeouts);
		/* what the peer holds is hardly ever sent again */
		CHECK(with.rexmits * 100 < with.lost * 115);
	}
}

/* One in three of 90 segments of a large window: 30 holes */
static void many_holes_in_one_window(void)
{
	static struct path with, without;
	double a, b;

	without.holes_from = 300;
	without.holes_to = 390;
	with.holes_from = 300;
	with.holes_to = 390;
	a = transfer(&without, 1000000, false, 0);
	b = transfer(&with, 1000000, true, 0);
	printf("# 30 holes in one window: %.2f s, with SACK %.2f s: %.2f times faster\n",
	       a, b, a / b);
	CHECK_EQ(without.lost, 30);
	CHECK_EQ(with.lost, 30);
	CHECK(a > 2 * b);
}

static const struct test tests[] = {
	TEST(random_loss),
	TEST(many_holes_in_one_window),
};

int main(void)
{
	return run_tests("loss", tests, ARRAY_SIZE(tests));
}
