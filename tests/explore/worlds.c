// SPDX-License-Identifier: GPL-2.0
/*
 * The worlds.  What is not named is 0: nobody gives up, nobody aborts, no octets.
 */
#include "tests/explore/explore.h"

#define CLIENT_SERVER .opens = { 1, 0 }, .listens = { false, true }, .mss = 1
#define BOTH .opens = { 1, 1 }, .mss = 1
#define AGAIN .opens = { 2, 0 }, .listens = { false, true }, .mss = 1
/* the worst that can be: every connection of a host has the same numbers */
#define SAME_NUMBERS AGAIN, .net = 2, .rcv_buf = 2, .write = { 1, 0 }, .same_iss = true, \
	.orderly = true, .shutdown = true, .clean = true
/* the same world with two messages and with three */
#define WHY_THREE CLIENT_SERVER, .net = 2, .rcv_buf = 2, .write = { 0, 1 }, .tries = 1

const struct world worlds[] = {
	{
		.name = "open-close",
		.what = "one connection, closed and shut down in every order: nobody sees an error",
		CLIENT_SERVER, .net = 2, .rcv_buf = 2, .shutdown = true, .clean = true,
	},
	{
		.name = "abort",
		.what = "users abort, listeners come and go",
		CLIENT_SERVER, .net = 2, .rcv_buf = 2, .half_open = 1,
		.unlisten = true, .shutdown = true, .abort = true,
	},
	{
		.name = "give-up",
		.what = "after one retransmission everybody gives up",
		CLIENT_SERVER, .net = 1, .rcv_buf = 2, .write = { 1, 0 }, .tries = 1,
		.shutdown = true, .abort = true,
	},
	{
		.name = "both-open",
		.what = "both open at once",
		BOTH, .net = 2, .rcv_buf = 2, .shutdown = true,
	},
	{
		.name = "both-open-abort",
		.what = "both open at once, abort and give up",
		BOTH, .net = 2, .rcv_buf = 2, .tries = 1, .shutdown = true, .abort = true,
	},
	{
		.name = "window-1",
		.what = "two octets through a window of one",
		CLIENT_SERVER, .net = 2, .rcv_buf = 1, .write = { 2, 0 }, .half_open = 1,
	},
	{
		.name = "window-0",
		.what = "a window that may stay closed; after one more try everybody gives up",
		CLIENT_SERVER, .net = 1, .rcv_buf = 1, .write = { 2, 0 }, .tries = 1,
		.shutdown = true,
	},
	{
		.name = "half-close",
		.what = "an octet while the other direction closes, in any order",
		CLIENT_SERVER, .net = 2, .rcv_buf = 2, .write = { 1, 0 },
		.orderly = true, .shutdown = true, .clean = true,
	},
	{
		.name = "both-ways",
		.what = "an octet each way, crossing",
		CLIENT_SERVER, .net = 1, .rcv_buf = 2, .write = { 1, 1 }, .half_open = 1,
		.masks = true,
	},
	{
		.name = "delayed-ack",
		.what = "acknowledgments held back",
		CLIENT_SERVER, .net = 1, .rcv_buf = 2, .write = { 2, 0 }, .delack = true,
		.orderly = true, .shutdown = true,
	},
	{
		.name = "incarnations",
		.what = "old segments meet the next connection",
		AGAIN, .net = 2, .rcv_buf = 2,
		.masks = true,
	},
	{
		.name = "crash",
		.what = "either host forgets everything and comes back",
		AGAIN, .net = 2, .rcv_buf = 2, .crashes = { 1, 1 }, .half_open = 1,
	},
	{
		.name = "time-wait",
		.what = "the next connection has the same numbers, and TIME_WAIT protects it",
		SAME_NUMBERS, .msl = true, .large = true,
	},
	{
		.name = "time-wait-short",
		.what = "TIME_WAIT ends too early, same numbers again: an old octet gets in",
		SAME_NUMBERS, .finds = "an octet of another connection is not received",
	},
	{
		.name = "two-messages",
		.what = "a server that believes a SYN: it has a ghost",
		WHY_THREE, .two_messages = true, .finds = "a server sends to nobody",
	},
	{
		.name = "three-messages",
		.what = "the same with three messages: it has none",
		WHY_THREE,
	},
	{
		.name = "open-close-3",
		.what = "open-close with three segments on their way",
		CLIENT_SERVER, .net = 3, .rcv_buf = 2, .shutdown = true, .clean = true,
		.large = true,
	},
	{
		.name = "sack",
		.what = "selective acknowledgments",
		CLIENT_SERVER, .net = 2, .rcv_buf = 2, .write = { 2, 0 }, .sack = true,
		.nodelay = true, .orderly = true, .shutdown = true, .large = true,
	},
	{
		.name = "incarnations-3",
		.what = "incarnations with three segments on their way",
		AGAIN, .net = 3, .rcv_buf = 2, .large = true,
	},
	{
		.name = "crash-octets",
		.what = "crash, with octets",
		AGAIN, .net = 2, .rcv_buf = 2, .write = { 1, 0 }, .crashes = { 1, 0 },
		.half_open = 1, .large = true,
	},
};

const u32 n_worlds = sizeof(worlds) / sizeof(worlds[0]);
