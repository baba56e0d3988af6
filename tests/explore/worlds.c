// SPDX-License-Identifier: GPL-2.0
/*
 * The worlds.
 */
#include "tests/explore/explore.h"

#define CLIENT_SERVER .opens = { 1, 0 }, .listens = { false, true }
/* the same world with two messages and with three */
#define WHY_THREE CLIENT_SERVER, .net = 2, .rcv_buf = 2, .mss = 1, .write = { 0, 1 }, .tries = 1
#define GHOST "a server sends to nobody"

#define BOTH .opens = { 1, 1 }
#define AGAIN .opens = { 2, 0 }, .listens = { false, true }
#define WORST .net = 2, .write = {1, 0}, .same_iss = true, .orderly = true, .shutdown = true, .clean = true
#define OLD_OCTET "an octet of another connection is not received"

const struct world worlds[] = {
	{
		.name = "open-close",
		.what = "one connection, closed and shut down in every order: nobody sees an error",
		CLIENT_SERVER, .net = 2, .shutdown = true, .clean = true, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "open-close-3",
		.what = "the same with three segments on their way",
		CLIENT_SERVER, .net = 3, .shutdown = true, .clean = true, .large=true, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "abort",
		.what = "users abort, listeners come and go",
		CLIENT_SERVER, .net = 2, .unlisten = true, .shutdown = true, .abort = true, .half_open=1, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "give-up",
		.what = "after a retransmission or two everybody gives up",
		CLIENT_SERVER, .net = 2, .shutdown = true, .abort=true, .tries = 1, .write={1,0}, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "both-open",
		.what = "simultaneous open",
		BOTH, .net = 2, .shutdown = true, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "both-open-abort",
		.what = "simultaneous open, aborted and given up",
		BOTH, .net = 2, .shutdown = true, .abort=true, .tries = 1, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "window-1",
		.what = "two octets through a window of one",
		CLIENT_SERVER, .net = 2, .rcv_buf = 1, .write={2,0}, .half_open=1, .mss = 1,
	},
	{
		.name = "window-0",
		.what = "a window that stays closed",
		CLIENT_SERVER, .net = 2, .rcv_buf = 1, .write={2,0}, .shutdown=true, .tries=1, .mss = 1,
	},
	{
		.name = "half-close",
		.what = "octets go on one way when the other is closed",
		CLIENT_SERVER, .net = 2, .write={1,0}, .shutdown=true, .half_open=1, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "both-ways",
		.what = "octets both ways",
		CLIENT_SERVER, .net = 2, .write={1,1}, .half_open=1, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "reorder",
		.what = "octets and FIN in any order",
		CLIENT_SERVER, .net = 3, .write={2,0}, .nodelay=true, .half_open=1, .orderly=true,.shutdown=true, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "delayed-ack",
		.what = "acknowledgments held back",
		CLIENT_SERVER, .net = 2, .write={2,0}, .delack=true, .orderly=true, .shutdown=true, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "sack",
		.what = "selective acknowledgments",
		CLIENT_SERVER, .net = 2, .write={2,0}, .sack=true, .nodelay=true, .orderly=true, .shutdown=true, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "incarnations",
		.what = "old duplicates meet the next connection",
		AGAIN, .net = 2, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "incarnations-3",
		.what = "old duplicates meet the next connection",
		AGAIN, .net = 3, .large=true, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "incarnations-data",
		.what = "the same with octets",
		AGAIN, .net = 2, .write={1,0}, .half_open=1, .large=true, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "crash",
		.what = "a host forgets everything and comes back",
		AGAIN, .net = 2, .crashes = { 1, 1 }, .half_open=1, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "crash-data",
		.what = "the same with octets",
		AGAIN, .net = 2, .crashes = { 1, 0 }, .write={1,0},.half_open=1, .large=true, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "time-wait",
		.what = "the next connection has the same numbers, and TIME_WAIT protects it",
		AGAIN, WORST, .msl=true, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "time-wait-short",
		.what = "the same when TIME_WAIT ends too early: it does not",
		AGAIN, WORST, .finds=OLD_OCTET, .rcv_buf = 2, .mss = 1,
	},
	{
		.name = "two-messages",
		.what = "a server that believes a SYN: it has a ghost",
		.finds = GHOST,
		WHY_THREE, .two_messages = true,
	},
	{
		.name = "three-messages",
		.what = "the same with three messages: it has none",
		WHY_THREE,
	},
};

const u32 n_worlds = sizeof(worlds) / sizeof(worlds[0]);
