// SPDX-License-Identifier: GPL-2.0
/*
 * Reassembly against a model that remembers every octet by itself, and what of it
 * is seen by a shell.
 */
#include "tests/unit/test.h"

#define OCTETS 96

/** struct model - octet i of the stream is there or not; the first @next all are */
struct model {
	bool there[OCTETS];
	u32 next;
};

static u32 model_ranges(const struct model *model, struct tern_range *range)
{
	u32 count = 0;
	u32 i;

	for (i = model->next; i < OCTETS; i++) {
		if (!model->there[i])
			continue;
		if (i == model->next || !model->there[i - 1]) {
			if (range)
				range[count].start = tern_seq_of(IRS + 1 + i);
			count++;
		}
		if (range)
			range[count - 1].end = tern_seq_of(IRS + 2 + i);
	}
	return count;
}

/* False, and nothing is changed, when there would be too many ranges. */
static bool model_add(struct model *model, u32 start, u32 end)
{
	struct model after = *model;
	u32 i;

	for (i = start; i < end; i++)
		after.there[i] = true;
	while (after.next < OCTETS && after.there[after.next])
		after.next++;
	if (model_ranges(&after, NULL) > TERN_RANGES)
		return false;
	*model = after;
	return true;
}

static bool model_held(const struct model *model, u32 start, u32 end)
{
	u32 i;

	for (i = start; i < end; i++) {
		if (!model->there[i])
			return false;
	}
	return true;
}

static void compare(const struct tern_conn *conn, const struct model *model)
{
	struct tern_range range[OCTETS];
	u32 count = model_ranges(model, range);
	u32 i;

	CHECK_EQ(conn->rcv_nxt, IRS + 1 + model->next);
	CHECK_EQ(conn->n_ranges, count);
	for (i = 0; i < count; i++) {
		CHECK_EQ(conn->range[i].start, range[i].start);
		CHECK_EQ(conn->range[i].end, range[i].end);
	}
}

/* One stream of OCTETS, in random pieces of at most @longest */
static u32 random_stream(struct random *r, u32 longest)
{
	struct tern_conn conn = { .rcv_nxt = tern_seq_of(IRS + 1) };
	struct model model = { .next = 0 };
	u32 refused = 0;
	u32 i;

	for (i = 0; i < 300 && model.next < OCTETS; i++) {
		u32 start = model.next + random_below(r, OCTETS - model.next);
		u32 end = start + 1 + random_below(r, longest);
		tern_seq from, to;
		bool fits;

		if (random_percent(r, 10))
			start = model.next;
		if (end > OCTETS)
			end = OCTETS;
		from = tern_seq_of(IRS + 1 + start);
		to = tern_seq_of(IRS + 1 + end);
		CHECK_EQ(tern_reasm_held(&conn, from, to),
			 model_held(&model, start, end));
		fits = model_add(&model, start, end);
		CHECK_EQ(tern_reasm_add(&conn, from, to), fits);
		CHECK(fits || start != model.next);
		compare(&conn, &model);
		refused += !fits;
	}
	CHECK_EQ(conn.rcv_held, model.next);
	return refused;
}

static void against_a_model(void)
{
	struct random r;
	u32 refused = 0;
	u32 seed;

	for (seed = 0; seed < 3000; seed++) {
		test_note("seed %u", seed);
		random_seed(&r, seed);
		refused += random_stream(&r, 1 + seed % 12);
	}
	CHECK(refused > 100);
}

/* Every second octet from 1 on: as many ranges as there can be */
static void fill_ranges(struct end *e)
{
	s32 i;

	reach(e, TERN_ESTABLISHED);
	for (i = 0; i < TERN_RANGES; i++) {
		arrive(e, TERN_ACK, 10 + 20 * i, 0, 10);
		CHECK_EQ(e->res.events, TERN_EV_DATA);
		CHECK_EQ(e->res.data_pos, 10 + 20 * i);
		CHECK_EQ(e->res.data_len, 10);
		CHECK_OUT(e, TERN_ACK, 0, 0, 0);
	}
	CHECK_EQ(e->conn.n_ranges, TERN_RANGES);
}

static void the_ninth_range_is_refused(void)
{
	struct end e;

	fill_ranges(&e);
	arrive(&e, TERN_ACK, 10 + 20 * TERN_RANGES, 0, 10);
	CHECK_EQ(e.res.events, 0);
	CHECK_EQ(e.res.drop, TERN_DROP_RANGES);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 0);

	/* what only makes one longer, or two into one, still fits */
	arrive(&e, TERN_ACK, 20, 0, 5);
	CHECK_EQ(e.res.events, TERN_EV_DATA);
	arrive(&e, TERN_ACK, 20, 0, 10);
	CHECK_EQ(e.res.events, TERN_EV_DATA);
	CHECK_EQ(e.conn.n_ranges, TERN_RANGES - 1);
	arrive(&e, TERN_ACK, 10 + 20 * TERN_RANGES, 0, 10);
	CHECK_EQ(e.res.events, TERN_EV_DATA);
}

static void in_order_always_fits(void)
{
	struct end e;

	fill_ranges(&e);
	arrive(&e, TERN_ACK, 0, 0, 5);
	CHECK_EQ(e.res.events, TERN_EV_DATA);
	CHECK_EQ(tern_rcv_pos(&e.conn), 5);
	/* there are holes behind it: no delay, rfc5681#section-4.2 */
	CHECK_OUT(&e, TERN_ACK, 0, 5, 0);
	arrive(&e, TERN_ACK, 5, 0, 10);
	CHECK_EQ(e.res.events, TERN_EV_DATA);
	CHECK_EQ(tern_rcv_pos(&e.conn), 20);
	CHECK_EQ(e.conn.n_ranges, TERN_RANGES - 1);
	CHECK_OUT(&e, TERN_ACK, 0, 20, 0);

	/* one over everything */
	arrive(&e, TERN_ACK, 0, 0, 400);
	CHECK_EQ(e.res.data_off, 20);
	CHECK_EQ(e.res.data_len, 380);
	CHECK_EQ(tern_rcv_pos(&e.conn), 400);
	CHECK_EQ(e.conn.n_ranges, 0);
	CHECK_EQ(e.conn.rcv_held, 400);
}

static void forgotten_ranges_come_again(void)
{
	struct end e;

	fill_ranges(&e);
	tern_forget_ranges(&e.conn);
	end_laws(&e);
	CHECK_EQ(e.conn.n_ranges, 0);
	arrive(&e, TERN_ACK, 0, 0, 10);
	CHECK_EQ(tern_rcv_pos(&e.conn), 10);
	arrive(&e, TERN_ACK, 10, 0, 10);
	CHECK_EQ(e.res.events, TERN_EV_DATA);
	CHECK_EQ(tern_rcv_pos(&e.conn), 20);
}

static void duplicates_out_of_order(void)
{
	struct end e;

	reach(&e, TERN_ESTABLISHED);
	arrive(&e, TERN_ACK, 100, 0, 100);
	look_away(&e);
	arrive(&e, TERN_ACK, 100, 0, 100);
	CHECK_EQ(e.res.events, 0);
	CHECK_EQ(e.res.drop, TERN_DROP_DUPLICATE);
	CHECK_OUT(&e, TERN_ACK, 0, 0, 0);
	arrive(&e, TERN_ACK, 120, 0, 10);
	CHECK_EQ(e.res.drop, TERN_DROP_DUPLICATE);
}

static const struct test tests[] = {
	TEST(against_a_model),
	TEST(the_ninth_range_is_refused),
	TEST(in_order_always_fits),
	TEST(forgotten_ranges_come_again),
	TEST(duplicates_out_of_order),
};

int main(void)
{
	return run_tests("reasm", tests, ARRAY_SIZE(tests));
}
