#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Octets: many of them, both ways, over a bad network, and over many connections.
. tests/vm/lib.sh

bulk()
{
	local server

	ip netns exec b vm-bulk server 5001 "$1" & server=$!
	wait_until 5 listens b
	in_ns a vm-bulk client 10.7.0.2 5001 "$1" > /dev/null || fail "the client failed"
	wait "$server" || fail "the server failed"
}

test_10_MB_each_way_over_loss_duplication_and_reordering()
{
	make_pair a b delay 4ms 2ms loss 5% duplicate 2% reorder 10%
	bulk 10000000
	[ "$(counter a retrans_segs)" -gt 100 ] || fail "hardly any retransmission?"
	[ "$(counter a now_connections)" -le 1 ] || fail "more than TIME_WAIT is left"
	nothing_left a && nothing_left b
	drop_pair a b
}

test_30_MB_each_way_over_a_good_network()
{
	make_pair a b
	bulk 30000000
	# Nothing is lost here, so nothing is sent twice.
	[ "$(counter a retrans_segs)" = 0 ] || fail "$(counter a retrans_segs) retransmissions"
	nothing_left a && nothing_left b
	drop_pair a b
}

test_the_raw_client_moves_1_MB_each_way_over_loss()
{
	local server

	make_pair a b delay 4ms loss 3%
	in_ns a sysctl -qw net.tern.enable=0
	ip netns exec b tern-echo --once --quiet & server=$!
	wait_until 5 listens b
	head -c 1000000 /dev/urandom > /tmp/sent
	in_ns a tern-client --quiet --close half --time-wait 0 --timeout 600 10.7.0.2 7 \
		< /tmp/sent > /tmp/received || fail "the client failed"
	wait "$server" || fail "the server failed"
	cmp /tmp/sent /tmp/received || fail "the octets differ"
	nothing_left b
	drop_pair a b
}

# objects CACHE: objects in use, after the allocator has let go of what it keeps ready.
objects()
{
	echo 1 > "/sys/kernel/slab/$1/shrink"
	awk -v cache="$1" '$1 == cache { print $2 }' /proc/slabinfo
}

test_1000_connections_leave_nothing()
{
	local cache before=()

	ip netns add a
	ip -n a link set lo up
	in_ns a vm-bench churn 127.0.0.1 5002 10 || fail "churn failed"
	nothing_left a
	sleep 1
	for cache in TERN tern_request tern_time_wait; do
		before+=("$(objects "$cache")")
	done
	in_ns a vm-bench churn 127.0.0.1 5002 1000 || fail "churn failed"
	[ "$(counter a now_time_wait)" = 1000 ] || fail "$(counter a now_time_wait) in TIME_WAIT"
	nothing_left a
	sleep 1
	for cache in TERN tern_request tern_time_wait; do
		[ "$(objects "$cache")" = "${before[0]}" ] ||
			fail "$cache: ${before[0]} objects before, now another number"
		before=("${before[@]:1}")
	done
	grep -q '^TERN .* 0 ' /proc/net/protocols || fail "$(grep ^TERN /proc/net/protocols)"
	ip netns del a
}

time_waits()
{
	counter a now_time_wait
}

test_10000_in_TIME_WAIT_end_on_time()
{
	local before begin end

	ip netns add a
	ip -n a link set lo up
	in_ns a sysctl -qw net.tern.time_wait_s=30
	in_ns a vm-bench churn 127.0.0.1 5002 10 || fail "churn failed"
	nothing_left a
	sleep 1
	before=$(objects tern_time_wait)
	begin=$(cut -d ' ' -f 1 /proc/uptime)
	in_ns a vm-bench churn 127.0.0.1 5002 10000 || fail "churn failed"
	end=$(cut -d ' ' -f 1 /proc/uptime)
	[ "$(time_waits)" = 10000 ] || fail "$(time_waits) in TIME_WAIT"
	[ "$(objects tern_time_wait)" = $((before + 10000)) ] ||
		fail "$(objects tern_time_wait) objects, $before before"
	sleep "$(awk -v begin="$begin" '{ left = begin + 29.8 - $1; print (left > 0 ? left : 0) }' \
		/proc/uptime)"
	[ "$(time_waits)" = 10000 ] || fail "only $(time_waits) left before the first is due"
	sleep "$(awk -v end="$end" '{ left = end + 30.1 - $1; print (left > 0 ? left : 0) }' /proc/uptime)"
	[ "$(time_waits)" = 0 ] || fail "$(time_waits) left after the last was due"
	nothing_left a
	sleep 1
	[ "$(objects tern_time_wait)" = "$before" ] || fail "$(objects tern_time_wait) objects left"
	ip netns del a
}

test_listing_1000_connections_shows_each_once()
{
	local lines

	ip netns add a
	ip -n a link set lo up
	in_ns a vm-bench churn 127.0.0.1 5002 1000 || fail "churn failed"
	lines=$(in_ns a dd if=/proc/net/tern bs=1000 2> /dev/null | awk 'NR > 1 { print $2, $3 }')
	[ "$(echo "$lines" | wc -l)" = 1000 ] || fail "$(echo "$lines" | wc -l) lines"
	[ "$(echo "$lines" | sort -u | wc -l)" = 1000 ] || fail "some lines twice"
	ip netns del a
}

run_tests data 10_MB_each_way_over_loss_duplication_and_reordering \
	30_MB_each_way_over_a_good_network \
	the_raw_client_moves_1_MB_each_way_over_loss \
	1000_connections_leave_nothing 10000_in_TIME_WAIT_end_on_time \
	listing_1000_connections_shows_each_once
exit "$FAILED"
