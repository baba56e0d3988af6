#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Calls with arguments that nobody checks before, segments that no peer would send, from
# seeds; afterwards nothing is left.
#
#	t-sysfuzz.sh			short runs
#	t-sysfuzz.sh long CALLS [SEED]	with so many calls, and a tenth as many packets
. tests/vm/lib.sh

# The module goes and comes back: see t-module.sh.
modprobe nf_conntrack enable_hooks=1

# fuzzed SEED CALLS THREADS: in a namespace of its own, which ends with all in it.
fuzzed()
{
	local status=0

	# Nobody is to load modules because of a number that was drawn.
	echo > /proc/sys/kernel/modprobe
	ip netns add fuzz
	ip -n fuzz link set lo up
	in_ns fuzz vm-sysfuzz "$@" > /tmp/sysfuzz 2>&1 || status=$?
	cat /tmp/sysfuzz
	[ "$status" = 0 ] || fail "$(head -n 1 /tmp/sysfuzz)"
	ip netns del fuzz
	echo /sbin/modprobe > /proc/sys/kernel/modprobe
	vm-storm rest > /tmp/rest 2>&1 || fail "$(head -n 1 /tmp/rest)"
}

test_one_thread()
{
	fuzzed "${SEED:-1}" "${CALLS:-20000}" 1
}

test_three_threads_with_the_same_sockets()
{
	fuzzed "${SEED:-2}" "${CALLS:-20000}" 3
}

# segments SADDR DADDR: to an echo server in b
segments()
{
	local status=0

	in_ns a vm-rawfuzz "$1" "$2" 7 "${SEED:-3}" "$((${CALLS:-30000} / 10))" \
		> /tmp/rawfuzz 2>&1 || status=$?
	cat /tmp/rawfuzz
	[ "$status" = 0 ] || fail "$2: $(head -n 1 /tmp/rawfuzz)"
}

test_segments_of_all_kinds_on_live_connections()
{
	local server

	make_pair a b
	ip -n a addr add fd07::1/64 dev v0 nodad
	ip -n b addr add fd07::2/64 dev v1 nodad
	in_ns a sysctl -qw net.tern.enable=0
	in_ns b sysctl -qw net.tern.time_wait_s=1 net.tern.fin_wait_2_s=1 \
		net.tern.orphan_retries=1 net.tern.data_retries=2 net.tern.synack_retries=1 \
		net.tern.rto_max_ms=1000
	ip netns exec b tern-echo --port 7 --quiet & server=$!
	wait_until 30 listens b
	segments 10.7.0.1 10.7.0.2
	segments fd07::1 fd07::2
	kill -0 "$server" || fail "the server is gone"
	in_ns b vm-bench churn 10.7.0.2 5000 3 || fail "no connections afterwards"
	{ kill "$server"; wait "$server"; } 2> /dev/null
	nothing_left b
	drop_pair a b
	vm-storm rest > /tmp/rest 2>&1 || fail "$(head -n 1 /tmp/rest)"
}

if [ "${1:-}" = long ]; then
	CALLS=$2
	SEED=${3:-$((SECONDS + $$))}
fi
run_tests sysfuzz one_thread three_threads_with_the_same_sockets \
	segments_of_all_kinds_on_live_connections
exit "$FAILED"
