#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Peers, routers and programs that make it hard: what would be held or sent for ever,
# or get stuck.  Virtual time.
. tests/vm/lib.sh

# hard NS ARGUMENT...: vm-hard, whose complaint becomes the verdict.
hard()
{
	local ns=$1 said
	shift
	said=$(in_ns "$ns" vm-hard "$@") || fail "$said"
}

# grew NS NAME BEFORE: the counter is beyond BEFORE.
grew()
{
	[ "$(counter "$1" "$2")" -gt "$3" ] || fail "$2 is $3 as before"
}

start_echo()
{
	ip netns exec b tern-echo --port 7 --quiet "$@" & SERVER=$!
	wait_until 5 listens b
}

# stop PID...
stop()
{
	{ kill "$@"; wait "$@"; } 2> /dev/null
}

only_listen()
{
	[ "$(states a)" = "0A " ] && [ "$(states b)" = "0A " ]
}

test_an_orphan_whose_peer_keeps_its_window_shut_is_ended()
{
	local before

	ip netns add a
	ip -n a link set lo up
	in_ns a sysctl -qw net.tern.orphan_retries=4
	before=$(counter a out_rsts)
	hard a orphan 127.0.0.1 5000
	[ "$(counter a out_rsts)" = $((before + 1)) ] ||
		fail "$(($(counter a out_rsts) - before)) RSTs"
	nothing_left a
	ip netns del a
}

# crossing_SYNs DELAY MOST: each of two listeners takes a SYN that the other seems to
# have sent; what they make of it never fits together.  Until both have given up, they
# may send each other fewer than MOST segments.
crossing_SYNs()
{
	local listeners=() segs

	make_pair a b delay "$1"
	ip netns exec a tern-echo --port 7 --quiet & listeners+=($!)
	ip netns exec b tern-echo --port 7 --quiet & listeners+=($!)
	wait_until 5 only_listen || fail "they do not listen"
	hard a syn 10.7.0.1 7 10.7.0.2 7 1000
	hard b syn 10.7.0.2 7 10.7.0.1 7 2000
	sleep 0.8
	[ "$(states a)$(states b)" = "03 0A 03 0A " ] || fail "states $(states a), $(states b)"
	wait_until 100 only_listen || fail "states $(states a), $(states b)"
	segs=$(($(counter a in_segs) + $(counter b in_segs)))
	[ "$segs" -lt "$2" ] || fail "$segs segments"
	stop "${listeners[@]}"
	nothing_left a && nothing_left b
	drop_pair a b
}

test_crossing_SYNs_of_a_third_party_are_no_storm()
{
	crossing_SYNs 100ms 60
}

# An ACK that comes half a second after the last is answered: two a second from each
# end for 65 s, and two SYNs and twelve SYN-ACKs.
test_crossing_SYNs_over_a_long_way_are_no_storm()
{
	crossing_SYNs 500ms 274
}

test_10000_single_octets_wait_for_a_reader_that_sleeps()
{
	ip netns add a
	ip -n a link set lo up
	hard a tiny 127.0.0.1 5000
	nothing_left a
	ip netns del a
}

test_IP_options_make_segments_smaller()
{
	local size

	make_pair a b
	start_echo
	size=$(in_ns a vm-hard exchange 10.7.0.2 7 20 options) || fail "$size"
	[ "$size" = 1408 ] || fail "segments of $size"
	stop "$SERVER"
	drop_pair a b
}

# rfc9293#section-3.7.1: they come out of what the peer takes, too.
test_IP_options_and_a_peer_with_a_small_MSS()
{
	local size

	make_pair a b
	ip -n b link set v1 mtu 1040
	start_echo
	size=$(in_ns a vm-hard exchange 10.7.0.2 7 20 options) || fail "$size"
	[ "$size" = 948 ] || fail "segments of $size"
	stop "$SERVER"
	drop_pair a b
}

# The last address in the option is where it goes, the header's where it goes first.
test_a_source_route_in_an_active_OPEN()
{
	local capture

	make_pair a b
	ip -n b addr add 10.9.0.1/32 dev lo
	in_ns b sysctl -qw net.ipv4.conf.all.accept_source_route=1 \
		net.ipv4.conf.v1.accept_source_route=1 net.ipv4.ip_forward=1
	start_echo
	ip netns exec a tcpdump -Z root -n -i v0 -w /tmp/route.pcap -U 2> /dev/null & capture=$!
	sleep 1
	# there is no other way to 10.9.0.1
	in_ns a vm-hard connect 10.9.0.1 7 | grep -q ENETUNREACH || fail "there is a route"
	hard a source-route 10.9.0.1 7 10.7.0.2
	sleep 1
	stop "$capture"
	tcpdump -Z root -nv -r /tmp/route.pcap 'src 10.7.0.1' 2> /dev/null |
		grep -q 'LSRR.*10.9.0.1' || fail "no source route on the wire"
	stop "$SERVER"
	drop_pair a b
}

# every_tos FILTER: the Diffserv fields that were seen, each once.
diffserv()
{
	tcpdump -Z root -nv -r /tmp/tos.pcap 2> /dev/null |
		grep -o 'tos 0x[0-9a-f]*\|class 0x[0-9a-f]*' | sort -u | tr '\n' ' '
}

test_the_Diffserv_field_of_every_segment()
{
	local address capture

	ip netns add a
	ip -n a link set lo up
	for address in 127.0.0.1 ::1; do
		ip netns exec a tcpdump -Z root -n -i lo -w /tmp/tos.pcap -U 2> /dev/null & capture=$!
		sleep 1
		hard a tos "$address" 5000
		sleep 1
		stop "$capture"
		case $(diffserv) in
		"tos 0x28 " | "class 0x28 ") ;;
		*) fail "$address: $(diffserv)" ;;
		esac
	done
	nothing_left a
	ip netns del a
}

# What a dead route says of its MTU means nothing.
test_a_route_that_goes_does_not_shrink_segments()
{
	local client size address

	make_pair a b delay 10ms
	ip -n a addr add fd07::1/64 dev v0 nodad
	ip -n b addr add fd07::2/64 dev v1 nodad
	for address in 10.7.0.2 fd07::2; do
		ip -n a route add "$address" dev v0
		ip netns exec b vm-bulk server6 5001 100000000 > /dev/null 2>&1 & SERVER=$!
		sleep 0.5
		ip netns exec a vm-bulk client "$address" 5001 100000000 > /dev/null 2>&1 & client=$!
		sleep 2
		ip -n a route del "$address" dev v0
		sleep 2
		size=$(in_ns a awk '$4 == "01" { print $(NF - 1) }' /proc/net/tern /proc/net/tern6)
		[ "${size:-0}" -ge 1428 ] || fail "$address: segments of '$size'"
		stop "$client" "$SERVER"
	done
	drop_pair a b
}

test_a_smaller_MTU_of_the_interface_is_noticed_without_ICMP()
{
	local server client

	make_pair a b delay 10ms rate 20mbit
	ip -n a link set lo down
	ip -n b link set lo down
	ip netns exec b vm-bulk server 5001 3000000 & server=$!
	wait_until 5 listens b
	ip netns exec a vm-bulk client 10.7.0.2 5001 3000000 > /dev/null & client=$!
	sleep 0.7
	[ "$(states a)$(states b)" = "01 01 0A " ] || fail "too late: $(states a), $(states b)"
	ip -n a link set v0 mtu 1000
	ip -n b link set v1 mtu 1000
	wait "$client" || fail "the client failed"
	wait "$server" || fail "the server failed"
	drop_pair a b
}

test_a_socket_filter_drops()
{
	local before

	ip netns add a
	ip -n a link set lo up
	before=$(counter a drop_filter)
	hard a filter 127.0.0.1 5000
	grew a drop_filter "$before"
	ip netns del a
}

# The data of the third segment meets the listener's filter, as what follows will.
test_a_listener_s_filter_sees_the_third_segment()
{
	local client before

	make_pair a b
	in_ns a sysctl -qw net.tern.enable=0
	before=$(counter b drop_filter)
	(
		wait_until 5 listens b
		exec ip netns exec a tern-client --quiet --no-stdin --send hello \
			--close never --timeout 9 10.7.0.2 5000
	) > /dev/null 2>&1 & client=$!
	hard b filter-data 10.7.0.2 5000
	grew b drop_filter "$before"
	stop "$client"
	nothing_left b
	drop_pair a b
}

test_a_low_water_mark_above_the_buffer()
{
	ip netns add a
	ip -n a link set lo up
	hard a lowat 127.0.0.1 5000
	ip netns del a
}

test_close_lingers_until_the_peer_has_everything()
{
	ip netns add a
	ip -n a link set lo up
	tc -n a qdisc add dev lo root netem delay 20ms
	hard a linger 127.0.0.1 5000
	nothing_left a
	ip netns del a
}

# again ISN: the same four-tuple each time; the server closes first.
again()
{
	in_ns a tern-client --quiet --no-stdin --send x --sport 40001 --isn "$1" --close second \
		--time-wait 0 --timeout 20 10.7.0.2 7 > /tmp/answer || fail "the client failed"
	[ "$(cat /tmp/answer)" = x ] || fail "the answer is '$(cat /tmp/answer)'"
}

test_a_new_SYN_in_TIME_WAIT()
{
	local acks resets

	make_pair a b
	in_ns a sysctl -qw net.tern.enable=0
	start_echo --close-first 1
	again 1000
	[ "$(states b)" = "06 0A " ] || fail "states $(states b)"
	again 500000
	[ "$(states b)" = "06 0A " ] || fail "states $(states b)"
	[ "$(counter b time_wait_reopens)" = 1 ] || fail "$(counter b time_wait_reopens) reopened"
	stop "$SERVER"
	# Without a listener there is nothing to open: TIME_WAIT answers, and stays.
	acks=$(counter b time_wait_acks)
	resets=$(counter b out_rsts)
	hard a syn 10.7.0.1 40001 10.7.0.2 7 1000000
	sleep 0.1
	[ "$(states b)" = "06 " ] || fail "without a listener: states $(states b)"
	[ "$(counter b time_wait_acks)" = $((acks + 1)) ] || fail "no ACK"
	[ "$(counter b out_rsts)" = "$resets" ] || fail "an RST"
	[ "$(counter b time_wait_reopens)" = 1 ] || fail "reopened for nobody"
	nothing_left b
	drop_pair a b
}

# connect_ends_with ADDRESS ERROR
connect_ends_with()
{
	local said

	said=$(in_ns a vm-hard connect "$1" 7)
	[ "$said" = "$2" ] || fail "connect to $1: $said"
}

test_ICMP_errors_end_an_attempt_to_connect()
{
	local router

	make_pair a b
	ip -n a route add 10.8.0.0/24 via 10.7.0.2
	ip -n b route add unreachable 10.8.0.0/24
	in_ns b sysctl -qw net.ipv4.ip_forward=1 net.tern.enable=0
	connect_ends_with 10.8.0.1 EHOSTUNREACH
	ip netns exec b vm-hard icmp 2 0 syn & router=$!
	sleep 0.2
	connect_ends_with 10.7.0.2 ECONNREFUSED
	stop "$router"
	nothing_left a
	drop_pair a b
}

test_ICMP_errors_do_not_end_a_connection()
{
	local router code size

	make_pair a b delay 5ms
	start_echo
	for code in 0 1 2 3 13; do
		ip netns exec b vm-hard icmp "$code" 0 data & router=$!
		sleep 0.2
		size=$(in_ns a vm-hard exchange 10.7.0.2 7 5) || fail "code $code: $size"
		[ "$size" = 1448 ] || fail "code $code: segments of $size"
		stop "$router"
	done
	stop "$SERVER"
	drop_pair a b
}

test_ICMP_fragmentation_needed_makes_segments_smaller()
{
	local router size

	make_pair a b delay 5ms
	start_echo
	ip netns exec b vm-hard icmp 4 1000 data & router=$!
	sleep 0.2
	size=$(in_ns a vm-hard exchange 10.7.0.2 7 20) || fail "$size"
	[ "$size" = 948 ] || fail "segments of $size"
	stop "$router" "$SERVER"
	drop_pair a b
}

test_where_Tern_is_off_connect_and_listen_say_so()
{
	ip netns add a
	ip -n a link set lo up
	in_ns a sysctl -qw net.tern.enable=0
	hard a off 127.0.0.1 5000
	nothing_left a
	ip netns del a
}

run_tests hard an_orphan_whose_peer_keeps_its_window_shut_is_ended \
	crossing_SYNs_of_a_third_party_are_no_storm \
	crossing_SYNs_over_a_long_way_are_no_storm \
	10000_single_octets_wait_for_a_reader_that_sleeps \
	IP_options_make_segments_smaller IP_options_and_a_peer_with_a_small_MSS \
	a_source_route_in_an_active_OPEN \
	a_route_that_goes_does_not_shrink_segments the_Diffserv_field_of_every_segment \
	a_smaller_MTU_of_the_interface_is_noticed_without_ICMP \
	a_socket_filter_drops a_listener_s_filter_sees_the_third_segment \
	a_low_water_mark_above_the_buffer close_lingers_until_the_peer_has_everything \
	a_new_SYN_in_TIME_WAIT \
	ICMP_errors_end_an_attempt_to_connect ICMP_errors_do_not_end_a_connection \
	ICMP_fragmentation_needed_makes_segments_smaller \
	where_Tern_is_off_connect_and_listen_say_so
exit "$FAILED"
