#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The same transport over IPv6, and what is special to it.  Virtual time.
. tests/vm/lib.sh

# make_pair6 A B [NETEM...]: make_pair, with fd07::1 and ::2, fe80::1 and ::2 as well.
make_pair6()
{
	local a=$1 b=$2

	make_pair "$@"
	ip -n "$a" addr add fd07::1/64 dev v0 nodad
	ip -n "$b" addr add fd07::2/64 dev v1 nodad
	ip -n "$a" addr add fe80::1/64 dev v0 nodad
	ip -n "$b" addr add fe80::2/64 dev v1 nodad
}

# states6 NS: the states of all lines of /proc/net/tern6, as numbers, sorted.
states6()
{
	in_ns "$1" awk 'NR > 1 { print $4 }' /proc/net/tern6 | sort | tr '\n' ' '
}

listens6()
{
	[[ $(states6 "$1") == *0A* ]]
}

only_listens6()
{
	[ "$(states6 "$1")" = "0A " ]
}

# start_echo6 NS ADDRESS [first]
start_echo6()
{
	ip netns exec "$1" vm-ipv6 echo "$2" 7 ${3:+"$3"} & SERVER=$!
	wait_until 5 listens6 "$1"
}

# stop PID...
stop()
{
	{ kill "$@"; wait "$@"; } 2> /dev/null
}

talk()
{
	in_ns "$@" 2> /tmp/talk || fail "$(cat /tmp/talk)"
}

# hard NS ARGUMENT...: vm-hard, whose complaint becomes the verdict.
hard()
{
	local ns=$1 said
	shift
	said=$(in_ns "$ns" vm-hard "$@") || fail "$said"
}

# The sequences of vm-api, and those of vm-ipv6.
sequences()
{
	ip netns add api
	ip -n api link set lo up
	ip -n api link add v0 type veth peer name v1
	ip -n api addr add 10.66.0.1/24 broadcast + dev v0
	ip -n api addr add fd66::1/64 dev v0 nodad
	ip -n api addr add fe80::1/64 dev v0 nodad
	ip -n api link set v0 up
	ip -n api link set v1 up
	# Neighbours that never answer.
	ip -n api neigh replace 10.66.0.2 dev v0 lladdr 02:00:00:00:00:99 nud permanent
	ip -n api neigh replace fd66::2 dev v0 lladdr 02:00:00:00:00:99 nud permanent
	in_ns api vm-api ipv6 || FAILED=1
	in_ns api vm-api mapped || FAILED=1
	in_ns api vm-ipv6 api || FAILED=1
}

test_everything_is_released()
{
	nothing_left api
	ip netns del api
}

test_over_a_link_with_global_and_link_local_addresses()
{
	make_pair6 a b
	start_echo6 b ::
	talk a vm-ipv6 talk fd07::2 7
	talk a vm-ipv6 talk fe80::2%v0 7
	# The same listener, over IPv4 from both kinds of socket.
	talk a vm-ipv6 talk 10.7.0.2 7
	talk a vm-ipv6 talk ::ffff:10.7.0.2 7
	stop "$SERVER"
	start_echo6 b fe80::2%v1
	talk a vm-ipv6 talk fe80::2%v0 7
	# To ourselves, which goes through the loopback device.
	talk b vm-ipv6 talk fe80::2%v1 7
	stop "$SERVER"
	nothing_left a && nothing_left b
	drop_pair a b
}

# Connections of the same two link-local addresses and ports over two links.
test_link_local_addresses_mean_something_on_their_link_only()
{
	local first second

	make_pair6 a b
	ip -n a link add w0 type veth peer name w1 netns b
	ip -n a addr add fe80::1/64 dev w0 nodad
	ip -n b addr add fe80::2/64 dev w1 nodad
	ip -n a link set w0 up
	ip -n b link set w1 up
	start_echo6 b ::
	# Both are bound to the port of an interface each.
	ip netns exec a vm-ipv6 talk fe80::2%v0 7 40000 & first=$!
	ip netns exec a vm-ipv6 talk fe80::2%w0 7 40000 & second=$!
	wait "$first" || fail "over v0"
	wait "$second" || fail "over w0"
	stop "$SERVER"
	nothing_left a && nothing_left b
	drop_pair a b
}

test_proc_and_tracepoint_show_addresses()
{
	local line

	make_pair6 a b
	start_echo6 b fd07::2
	line=$(in_ns b awk 'NR == 2 { print $2, $3, $4 }' /proc/net/tern6)
	[ "$line" = "000007FD000000000000000002000000:0007 00000000000000000000000000000000:0000 0A" ] ||
		fail "/proc/net/tern6: $line"
	[ -z "$(states b)" ] || fail "/proc/net/tern: $(states b)"
	trace_start
	talk a vm-ipv6 talk fd07::2 7 40000
	echo 0 > /sys/kernel/tracing/tracing_on
	trace_text | grep -q 'local=\[fd07::2\]:7 remote=\[fd07::1\]:40000 old=SYN_RECEIVED new=ESTABLISHED' ||
		fail "$(trace_text | head -n 5)"
	stop "$SERVER"
	drop_pair a b
}

# bulk NETEM...: 300,000 octets each way.
bulk()
{
	local server

	make_pair6 a b "$@"
	ip netns exec b vm-bulk server6 5001 300000 & server=$!
	wait_until 5 listens6 b
	in_ns a vm-bulk client fd07::2 5001 300000 > /dev/null || fail "the client failed"
	wait "$server" || fail "the server failed"
	nothing_left a && nothing_left b
	drop_pair a b
}

test_octets_both_ways()
{
	bulk delay 5ms
}

test_octets_both_ways_over_a_lossy_link()
{
	bulk delay 10ms loss 5% reorder 10% duplicate 2%
}

test_a_SYN_that_nobody_answers_is_sent_again()
{
	local capture

	make_pair6 a b
	in_ns a sysctl -qw net.tern.syn_retries=3
	in_ns b sysctl -qw net.tern.enable=0
	ip -n a neigh replace fd07::9 dev v0 lladdr 02:00:00:00:00:99 nud permanent
	ip netns exec a tcpdump -Z root -i v0 -w /tmp/syn6.pcap 'ip6 proto 253' 2> /dev/null & capture=$!
	sleep 0.5
	[ "$(in_ns a vm-hard connect fd07::9 7)" = ETIMEDOUT ] || fail "no timeout"
	sleep 0.1
	stop "$capture"
	times /tmp/syn6.pcap | awk 'BEGIN { want = 0; ok = 1 }
		{ if ($1 < want - 0.02 || $1 > want + 0.05) ok = 0; want = 2 * want + 1 }
		END { exit !(ok && NR == 4) }' || fail "$(times /tmp/syn6.pcap | tr '\n' ' ')"
	nothing_left a
	drop_pair a b
}

test_a_segment_for_nobody_draws_RST()
{
	make_pair6 a b
	[ "$(in_ns a vm-hard connect fd07::2 9)" = ECONNREFUSED ] || fail "global"
	[ "$(in_ns a vm-hard connect fe80::2%v0 9)" = ECONNREFUSED ] || fail "link-local"
	[ "$(counter b out_rsts)" = 2 ] || fail "$(counter b out_rsts) RSTs"
	nothing_left a && nothing_left b
	drop_pair a b
}

test_TIME_WAIT_and_a_new_SYN_in_it()
{
	make_pair6 a b
	start_echo6 b :: first
	talk a vm-ipv6 talk fd07::2 7 40000
	[ "$(states6 b)" = "06 0A " ] || fail "states $(states6 b)"
	talk a vm-ipv6 talk fd07::2 7 40000
	[ "$(states6 b)" = "06 0A " ] || fail "states $(states6 b)"
	[ "$(counter b time_wait_reopens)" = 1 ] || fail "$(counter b time_wait_reopens) reopened"
	# Over a link-local address, the answer goes out where the SYN came in.
	talk a vm-ipv6 talk fe80::2%v0 7 40001
	[ "$(counter b now_time_wait)" = 2 ] || fail "$(counter b now_time_wait) in TIME_WAIT"
	stop "$SERVER"
	hard a syn fe80::1 40001 fe80::2%v0 7 4
	sleep 0.1
	[ "$(counter b time_wait_acks)" = 1 ] || fail "$(counter b time_wait_acks) answers"
	[ "$(counter a in_segs)" -gt 0 ] || fail "nothing came back"
	[ "$(counter a drop_no_connection)" = 1 ] || fail "the answer did not come"
	nothing_left b
	drop_pair a b
}

test_half_open_connections_over_IPv6_age_out()
{
	make_pair6 a b
	in_ns a sysctl -qw net.tern.enable=0
	start_echo6 b ::
	in_ns a vm-inject syn-flood fd07::1 fd07::2 7 100
	sleep 0.5
	[ "$(counter b now_half_open)" = 8 ] || fail "$(counter b now_half_open) half-open"
	wait_until 100 only_listens6 b || fail "states $(states6 b | head -c 100)"
	stop "$SERVER"
	nothing_left b
	drop_pair a b
}

test_SYN_cookies_over_IPv6()
{
	make_pair6 a b
	in_ns b sysctl -qw net.tern.syncookies=2
	start_echo6 b ::
	talk a vm-ipv6 talk fd07::2 7
	talk a vm-ipv6 talk fe80::2%v0 7
	talk a vm-ipv6 talk ::ffff:10.7.0.2 7
	[ "$(counter b syncookies_received)" = 3 ] || fail "$(counter b syncookies_received) came back"
	[ "$(counter b now_half_open)" = 0 ] || fail "$(counter b now_half_open) half-open"
	stop "$SERVER"
	nothing_left b
	drop_pair a b
}

# ends_with ADDRESS ERROR
ends_with()
{
	local said

	said=$(in_ns a vm-hard connect "$1" 7)
	[ "$said" = "$2" ] || fail "connect to $1: $said"
}

test_ICMPv6_errors_end_an_attempt_to_connect()
{
	local router what

	make_pair6 a b
	ip -n a route add fd08::/64 via fd07::2
	ip -n b route add unreachable fd08::/64
	in_ns b sysctl -qw net.ipv6.conf.all.forwarding=1 net.tern.enable=0
	ends_with fd08::1 ENETUNREACH
	for what in "1 0 ENETUNREACH" "1 1 EACCES" "1 3 EHOSTUNREACH" "1 4 ECONNREFUSED" \
		"4 0 EPROTO" "4 1 ECONNREFUSED"; do
		# shellcheck disable=SC2086 # type, code and error
		set -- $what
		ip netns exec b vm-hard icmp6 "$1" "$2" 0 syn & router=$!
		sleep 0.2
		ends_with fd07::2 "$3"
		# ICMPv6 is limited to one a second for each peer.
		sleep 1.1
		stop "$router"
	done
	nothing_left a
	drop_pair a b
}

test_ICMPv6_errors_do_not_end_a_connection()
{
	local router code size

	make_pair6 a b delay 5ms
	start_echo6 b ::
	for code in 0 1 3 4; do
		ip netns exec b vm-hard icmp6 1 "$code" 0 data & router=$!
		sleep 0.2
		size=$(in_ns a vm-hard exchange fd07::2 7 5) || fail "code $code: $size"
		[ "$size" = 1428 ] || fail "code $code: segments of $size"
		stop "$router"
	done
	stop "$SERVER"
	drop_pair a b
}

test_packet_too_big_makes_segments_smaller()
{
	local router size

	make_pair6 a b delay 5ms
	start_echo6 b ::
	# what it says is too large does not arrive: were it acknowledged, the message
	# would be about nothing on its way any more
	tc -n b qdisc add dev v1 ingress
	tc -n b filter add dev v1 parent ffff: protocol ipv6 u32 \
		match u16 0x05b4 0xffff at 4 action drop
	ip netns exec b vm-hard icmp6 2 0 1400 data & router=$!
	sleep 0.2
	size=$(in_ns a vm-hard exchange fd07::2 7 20) || fail "$size"
	[ "$size" = 1328 ] || fail "segments of $size"
	size=$(in_ns a vm-hard exchange fe80::2%v0 7 20) || fail "$size"
	[ "$size" = 1328 ] || fail "link-local: segments of $size"
	stop "$router" "$SERVER"
	drop_pair a b
}

# A smaller link on the way, and a router that says so.
test_a_router_with_a_smaller_link()
{
	local server

	make_pair6 a r delay 2ms
	ip netns add b
	ip -n r link add w0 mtu 1300 type veth peer name w1 mtu 1300 netns b
	ip -n r addr add fd08::1/64 dev w0 nodad
	ip -n b addr add fd08::2/64 dev w1 nodad
	ip -n b link set lo up
	ip -n r link set w0 up
	ip -n b link set w1 up
	in_ns r sysctl -qw net.ipv6.conf.all.forwarding=1
	ip -n a route add fd08::/64 via fd07::2
	ip -n b route add fd07::/64 via fd08::1
	ip netns exec b vm-bulk server6 5001 300000 & server=$!
	wait_until 5 listens6 b
	in_ns a vm-bulk client fd08::2 5001 300000 > /dev/null || fail "the client failed"
	wait "$server" || fail "the server failed"
	nothing_left a && nothing_left b
	drop_pair a b
	ip netns del r
}

test_extension_headers_make_segments_smaller()
{
	local size

	make_pair6 a b
	start_echo6 b ::
	size=$(in_ns a vm-hard exchange fd07::2 7 20 options) || fail "$size"
	[ "$size" = 1388 ] || fail "segments of $size"
	stop "$SERVER"
	drop_pair a b
}

test_traffic_class_and_hop_limit()
{
	local capture server

	make_pair6 a b
	ip netns exec b tcpdump -Z root -i v1 -w /tmp/class.pcap 'ip6 proto 253' 2> /dev/null & capture=$!
	sleep 0.5
	start_echo6 b ::
	talk a vm-ipv6 talk fd07::2 7
	sleep 0.1
	stop "$capture" "$SERVER"
	[ "$(tcpdump -r /tmp/class.pcap 'ip6[0:4] = 0x60000000 and ip6[7] = 64' 2> /dev/null | wc -l)" = \
	  "$(tcpdump -r /tmp/class.pcap 2> /dev/null | wc -l)" ] || fail "not 0 and 64"
	nothing_left a
	drop_pair a b
}

test_hostile_programs_over_IPv6()
{
	ip netns add a
	ip -n a link set lo up
	in_ns a sysctl -qw net.tern.orphan_retries=4
	hard a orphan ::1 5000
	hard a filter ::1 5001
	hard a lowat ::1 5002
	hard a orphan ::ffff:127.0.0.1 5003
	nothing_left a
	in_ns a sysctl -qw net.tern.enable=0
	hard a off ::1 5004
	hard a off ::ffff:127.0.0.1 5004
	nothing_left a
	ip netns del a
}

bad_packet()
{
	local name=$1 item=$2 resets=$3 before rsts

	before=$( [ "$item" = - ] || counter b "$item")
	rsts=$(counter b out_rsts)
	in_ns a vm-inject "$name" fd07::1 fd07::2 7 || fail "not sent" || return
	sleep 0.02
	[ "$item" = - ] || [ "$(counter b "$item")" = $((before + 1)) ] ||
		fail "$item was $before and is $(counter b "$item")" || return
	[ "$(counter b out_rsts)" = $((rsts + resets)) ] ||
		fail "$(($(counter b out_rsts) - rsts)) RSTs" || return
	[ "$(states6 b)" = "0A " ] || fail "states $(states6 b)"
}

bad_packets()
{
	local name item resets

	make_pair6 a b
	in_ns a sysctl -qw net.tern.enable=0
	# Many errors at once would be limited.
	in_ns b sysctl -qw net.ipv6.conf.all.forwarding=1
	ip -n a neigh replace fd07:: dev v0 nud permanent \
		lladdr "$(in_ns b cat /sys/class/net/v1/address)"
	start_echo6 b ::
	while read -r name item resets; do
		eval "test_bad_packet_${name//-/_}() { bad_packet $name $item $resets; }"
		run_tests ipv6 "bad_packet_${name//-/_}" || FAILED=1
	done < <(vm-inject list6)
}

test_a_segment_in_fragments_is_whole_again()
{
	in_ns a vm-inject fragments fd07::1 fd07::2 7 16 || fail "not sent"
	sleep 0.02
	[ "$(states6 b)" = "03 0A " ] || fail "states $(states6 b)"
	wait_until 100 only_listens6 b || fail "states $(states6 b)"
}

test_overlapping_fragments_have_no_effect()
{
	local before

	before=$(counter b in_segs)
	in_ns a vm-inject fragments fd07::1 fd07::2 7 8 || fail "not sent"
	sleep 0.02
	[ "$(counter b in_segs)" = "$before" ] || fail "it came in"
	[ "$(states6 b)" = "0A " ] || fail "states $(states6 b)"
}

test_where_Tern_is_off_nothing_comes_in()
{
	local before

	in_ns b sysctl -qw net.tern.enable=0
	before=$(counter b in_segs)
	in_ns a vm-inject syn-to-nobody fd07::1 fd07::2 7
	in_ns a vm-inject behind-destination-options fd07::1 fd07::2 7
	sleep 0.05
	[ "$(counter b in_segs)" = "$before" ] || fail "it came in"
	in_ns b sysctl -qw net.tern.enable=1
}

test_random_octets_have_no_effect()
{
	in_ns a vm-inject random fd07::1 fd07::2 7 5000 1 || fail "not sent"
	wait_until 100 only_listens6 b || fail "states $(states6 b)"
	in_ns a sysctl -qw net.tern.enable=1
	talk a vm-ipv6 talk fd07::2 7
	stop "$SERVER"
	nothing_left b
	drop_pair a b
}

no_namespaces()
{
	[ -z "$(ls /run/netns)" ]
}

test_namespaces_end_with_connections_in_them()
{
	local client i

	for ((i = 0; i < 5; i++)); do
		make_pair6 a b delay 5ms
		start_echo6 b :: first
		talk a vm-ipv6 talk fd07::2 7
		ip netns exec a vm-ipv6 hold fd07::2 7 > /dev/null & client=$!
		sleep 0.3
		[ "$(counter b now_time_wait)" = 1 ] || fail "no TIME_WAIT"
		[ "$(states6 a)" = "01 " ] || fail "states $(states6 a)"
		ip -n b link set v1 down
		{ kill -9 "$SERVER" "$client"; wait "$SERVER" "$client"; } 2> /dev/null
		[ "$(counter a now_orphans)" = 1 ] || fail "no orphan"
		drop_pair a b
	done
	wait_until 60 no_namespaces || fail "$(ls /run/netns)"
}

test_the_module_leaves_with_TIME_WAIT_over_IPv6()
{
	make_pair6 a b
	start_echo6 b :: first
	talk a vm-ipv6 talk fd07::2 7
	talk a vm-ipv6 talk ::ffff:10.7.0.2 7
	[ "$(counter b now_time_wait)" = 2 ] || fail "$(counter b now_time_wait) in TIME_WAIT"
	rmmod tern 2> /dev/null && fail "it left under a program that holds a socket"
	stop "$SERVER"
	rmmod tern || fail "it does not leave"
	insmod tern.ko || fail "it does not come back"
	start_echo6 b ::
	talk a vm-ipv6 talk fd07::2 7
	stop "$SERVER"
	nothing_left b
	drop_pair a b
}

[[ vm-api =~ ${ONLY:-.} ]] && sequences && run_tests ipv6 everything_is_released
run_tests ipv6 over_a_link_with_global_and_link_local_addresses \
	link_local_addresses_mean_something_on_their_link_only \
	proc_and_tracepoint_show_addresses \
	octets_both_ways octets_both_ways_over_a_lossy_link \
	a_SYN_that_nobody_answers_is_sent_again \
	a_segment_for_nobody_draws_RST TIME_WAIT_and_a_new_SYN_in_it \
	half_open_connections_over_IPv6_age_out SYN_cookies_over_IPv6 \
	ICMPv6_errors_end_an_attempt_to_connect ICMPv6_errors_do_not_end_a_connection \
	packet_too_big_makes_segments_smaller a_router_with_a_smaller_link \
	extension_headers_make_segments_smaller traffic_class_and_hop_limit \
	hostile_programs_over_IPv6
[[ packets =~ ${ONLY:-.} ]] && bad_packets && run_tests ipv6 \
	a_segment_in_fragments_is_whole_again overlapping_fragments_have_no_effect \
	where_Tern_is_off_nothing_comes_in random_octets_have_no_effect
run_tests ipv6 namespaces_end_with_connections_in_them \
	the_module_leaves_with_TIME_WAIT_over_IPv6
exit "$FAILED"
