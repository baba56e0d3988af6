#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Loading and leaving, also with traffic and with namespaces that come and go.
# Real time, two CPUs.
. tests/vm/lib.sh

# Loading and unloading turns netfilter's static key on and off, which patches
# running code, and qemu with a thread for each CPU executes the old code for ever
# now and then.  Connection tracking keeps the key on; it is a good neighbour to
# test with, too.
modprobe nf_conntrack enable_hooks=1

test_rmmod_is_refused_while_a_program_holds_a_socket()
{
	local server

	tern-echo --port 7 --quiet & server=$!
	sleep 0.3
	if rmmod tern 2> /tmp/rmmod.err; then
		fail "it left"
	fi
	grep -qi 'in use' /tmp/rmmod.err || fail "$(cat /tmp/rmmod.err)"
	kill "$server"
	wait "$server"
	rmmod tern || fail "it does not leave"
	insmod tern.ko || fail "it does not come back"
}

test_rmmod_with_TIME_WAIT_and_an_orphan()
{
	make_pair a b
	in_ns a vm-bench churn 127.0.0.1 5000 20 || fail "no connections"
	[ "$(counter a now_time_wait)" = 20 ] || fail "$(counter a now_time_wait) in TIME_WAIT"
	# A client that is killed while nobody acknowledges leaves an orphan.
	ip netns exec b tern-echo --port 7 --quiet --discard & local server=$!
	wait_until 5 listens b
	ip netns exec a vm-bulk client 10.7.0.2 7 100000000 > /dev/null 2>&1 & local client=$!
	sleep 0.5
	ip -n a link set v0 down
	{ kill -9 "$client" "$server"; wait "$client" "$server"; } 2> /dev/null
	[ "$(counter a now_orphans)" -ge 1 ] || fail "no orphan: $(states a)"
	rmmod tern || fail "it does not leave: $(lsmod | grep tern)"
	insmod tern.ko || fail "it does not come back"
	drop_pair a b
}

test_insmod_100_times_with_traffic()
{
	local flood i

	make_pair a b
	# Octets from a raw socket, which the module does not own, all the time.
	(while :; do in_ns a vm-inject random 10.7.0.1 10.7.0.2 7 300 "$RANDOM"; done) \
		2> /dev/null & flood=$!
	for ((i = 0; i < 100; i++)); do
		in_ns a vm-bench churn 127.0.0.1 5000 5 || fail "round $i: no connections" || break
		in_ns b vm-bench churn 10.7.0.2 5000 3 || fail "round $i: no connections" || break
		rmmod tern || fail "round $i: it does not leave" || break
		insmod tern.ko || fail "round $i: it does not come back" || break
	done
	kill "$flood"
	wait "$flood" 2> /dev/null
	drop_pair a b
}

test_namespaces_end_with_connections_in_them()
{
	local i server client

	for ((i = 0; i < 20; i++)); do
		make_pair a b delay 5ms
		ip netns exec b vm-bulk server 5001 100000000 > /dev/null 2>&1 & server=$!
		wait_until 5 listens b
		ip netns exec a vm-bulk client 10.7.0.2 5001 100000000 > /dev/null 2>&1 & client=$!
		sleep 0.1
		in_ns a vm-bench churn 127.0.0.1 5000 3 || fail "no connections"
		{ kill -9 "$server" "$client"; wait "$server" "$client"; } 2> /dev/null
		drop_pair a b
	done
	wait_until 60 no_namespaces || fail "$(ls /run/netns)"
	rmmod tern || fail "it does not leave"
	insmod tern.ko || fail "it does not come back"
}

no_namespaces()
{
	[ -z "$(ls /run/netns)" ]
}

test_protocol_parameter()
{
	rmmod tern
	insmod tern.ko protocol=6 2> /dev/null && fail "it took TCP's number"
	insmod tern.ko protocol=254 || fail "it does not take 254"
	[ "$(cat /sys/module/tern/parameters/protocol)" = 254 ] || fail "it is not 254"
	tern-echo --protocol 254 --port 7 --quiet & local server=$!
	sleep 0.3
	kill "$server"
	wait "$server"
	rmmod tern && insmod tern.ko || fail "it does not come back"
}

test_10_MB_each_way_on_two_CPUs()
{
	local server

	make_pair a b delay 1ms loss 1%
	ip netns exec b vm-bulk server 5001 10000000 & server=$!
	wait_until 5 listens b
	in_ns a vm-bulk client 10.7.0.2 5001 10000000 > /dev/null || fail "the client failed"
	wait "$server" || fail "the server failed"
	drop_pair a b
}

# under_SYNs COMMAND...: in b, while SYNs from many ports come in from a; afterwards
# nothing may be held.
under_SYNs()
{
	local flood said

	make_pair a b
	in_ns a sysctl -qw net.tern.enable=0
	(while :; do in_ns a vm-inject syn-flood 10.7.0.1 10.7.0.2 5000 60000; done) \
		> /dev/null 2>&1 & flood=$!
	said=$(in_ns b "$@") || fail "$said"
	kill "$flood"
	wait "$flood" 2> /dev/null
	nothing_left b
	rmmod tern || fail "it does not leave"
	insmod tern.ko || fail "it does not come back"
	drop_pair a b
}

test_listen_that_fails_while_SYNs_come()
{
	under_SYNs vm-hard listen-race 10.7.0.2 5000 5
}

test_a_listener_that_moves_while_SYNs_come()
{
	under_SYNs vm-hard relisten 127.0.0.1 5
}

run_tests module rmmod_is_refused_while_a_program_holds_a_socket \
	rmmod_with_TIME_WAIT_and_an_orphan insmod_100_times_with_traffic \
	namespaces_end_with_connections_in_them protocol_parameter \
	10_MB_each_way_on_two_CPUs listen_that_fails_while_SYNs_come \
	a_listener_that_moves_while_SYNs_come
exit "$FAILED"
