#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tern next to TCP, in the same boot and in virtual time.
. tests/vm/lib.sh

# Not a bar yet, but a guard: nothing may become absurdly slow unnoticed.
test_connect_is_not_much_slower_than_TCP()
{
	local line

	line=$(vm-bench connect 127.0.0.1 5004 500) || fail "it failed" || return
	echo "# $line" >&2
	[ "$(echo "$line" | awk '{ print $NF < 2 }')" = 1 ] || fail "$line"
}

# seconds ON BYTES NETEM...: one way through a bad network of 50 ms there and back, with
# SACK and timestamps (1) or without (0).
seconds()
{
	local on=$1 bytes=$2 ns server
	shift 2

	make_pair a b
	tc -n a qdisc add dev v0 root netem delay 25ms "$@"
	tc -n b qdisc add dev v1 root netem delay 25ms
	for ns in a b; do
		in_ns "$ns" sysctl -qw "net.tern.sack=$on" "net.tern.timestamps=$on"
	done
	ip netns exec b vm-bulk server 5001 "0:$bytes" & server=$!
	wait_until 5 listens b
	in_ns a vm-bulk client 10.7.0.2 5001 "$bytes:0"
	wait "$server"
	drop_pair a b
}

# compare NAME BYTES NETEM...: both ways in turn; sets RATIO.
compare()
{
	local name=$1 without with
	shift
	without=$(seconds 0 "$@")
	with=$(seconds 1 "$@")
	RATIO=$(awk -v a="$without" -v b="$with" 'BEGIN { printf "%.2f", b ? a / b : 0 }')
	echo "# $name: $without s, with SACK and timestamps $with s: $RATIO times as fast" >&2
}

# Random loss holds the window at a few segments, whatever recovers them: test_loss.c
# has the mean of many runs and the bounds.  Single ones differ by half; here only
# nothing may be badly wrong.
test_throughput_under_5_percent_random_loss()
{
	compare "1 MB, 5 % loss" 1000000 loss 5% limit 10000
	[ "$(echo "$RATIO" | awk '{ print ($1 > 0.4) }')" = 1 ] || fail "ratio $RATIO"
}

# A queue that overflows loses many segments of one window.
test_throughput_through_a_short_queue()
{
	compare "3 MB, 20 Mbit/s, a queue of 50" 3000000 rate 20mbit limit 50
	[ "$(echo "$RATIO" | awk '{ print ($1 > 1.3) }')" = 1 ] || fail "ratio $RATIO"
}

run_tests bench connect_is_not_much_slower_than_TCP \
	throughput_under_5_percent_random_loss throughput_through_a_short_queue
