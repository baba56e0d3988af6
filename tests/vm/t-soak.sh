#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Everything at once, for kernels that watch: octets both ways over networks of every
# badness, connections that come and go, strange packets, a flood, programs that are
# killed, sysctls that change, and in the end nothing may be left.  ROUNDS of it, each
# with another network; real or virtual time.
. tests/vm/lib.sh

ROUNDS=${ROUNDS:-4}
RANDOM=${SEED:-1}
SEGMENTS=0 CONNECTIONS=0

# A network for a round: everything that netem can do to a packet, in some amount.  Not
# by $(...), which would not go on with the numbers of RANDOM.
network()
{
	NETWORK="delay $((RANDOM % 8))ms $((RANDOM % 4))ms loss $((RANDOM % 6))%"
	NETWORK+=" duplicate $((RANDOM % 4))% reorder $((RANDOM % 20))%"
	NETWORK+=" corrupt $((RANDOM % 2))%"
}

# job NAME NS COMMAND...: one that has to end well.
job()
{
	local name=$1 ns=$2
	shift 2

	ip netns exec "$ns" "$@" > /dev/null & work[$!]=$name
}

# victim NS COMMAND...: one that is killed in the middle.
victim()
{
	local ns=$1
	shift

	ip netns exec "$ns" "$@" > /dev/null 2>&1 & killed+=($!)
}

servers()
{
	ip netns exec b tern-echo --port 7 --quiet & echo=$!
	job "the server of IPv4" b vm-bulk server 5001 150000
	job "the server of IPv6" b vm-bulk server6 5002 100000
	victim b vm-bulk server 5004 100000000
}

clients()
{
	job "the client of IPv4" a vm-bulk client 10.7.0.2 5001 150000
	job "the client of IPv6" a vm-bulk client fd07::2 5002 100000
	job "the client in the flood" a vm-flood client 10.7.0.2 7 30 60000
	job "the churn in b" b vm-bench churn 127.0.0.1 5003 40
	job "the churn in a" a vm-bench churn 10.7.0.1 5003 40
	victim a vm-bulk client 10.7.0.2 5004 100000000
}

four_listen()
{
	[ "$(states b)" = "0A 0A 0A 0A " ]
}

# What else goes on meanwhile: packets that nobody should send, SYNs from everywhere,
# an operator who changes his mind and looks at everything.  (Never 0 of syncookies: who
# has been sent a cookie is reset then.)
nuisance()
{
	local i

	for ((i = 0; i < 3; i++)); do
		in_ns a vm-inject random 10.7.0.1 10.7.0.2 7 200 "$RANDOM"
		in_ns a vm-flood flood 10.7.0.2 7 200 10.66.0.0 > /dev/null
		in_ns b sysctl -qw net.tern.sack=$((i % 2)) net.tern.syncookies=$((1 + i % 2)) \
			net.tern.delack_ms=$((i * 20))
		in_ns b cat /proc/net/tern /proc/net/tern6 /proc/net/tern_stat > /dev/null
	done
	in_ns b sysctl -qw net.tern.syncookies=1
}

round()
{
	local killed=() pid ns echo
	declare -A work=()

	network
	make_pair a b
	ip -n a addr add fd07::1/64 dev v0 nodad
	ip -n b addr add fd07::2/64 dev v1 nodad
	ip -n b route add 10.66.0.0/16 via 10.7.0.1
	# shellcheck disable=SC2086 # it is words
	tc -n a qdisc add dev v0 root netem $NETWORK
	# shellcheck disable=SC2086
	tc -n b qdisc add dev v1 root netem $NETWORK
	echo "# round $1: $NETWORK" >&2
	# in real time, what waits in the end is waited for
	for ns in a b; do
		in_ns "$ns" sysctl -qw net.tern.time_wait_s=3 net.tern.rto_max_ms=2000 \
			net.tern.orphan_retries=3 net.tern.fin_wait_2_s=3
	done
	servers
	wait_until 60 four_listen || fail "round $1: they do not listen: $(states b)"
	clients
	nuisance
	sleep 2
	{ kill -9 "${killed[@]}"; wait "${killed[@]}"; } 2> /dev/null
	for pid in "${!work[@]}"; do
		wait "$pid" || fail "round $1: ${work[$pid]} failed"
	done
	{ kill "$echo"; wait "$echo"; } 2> /dev/null
	SEGMENTS=$((SEGMENTS + $(counter a in_segs) + $(counter b in_segs)))
	CONNECTIONS=$((CONNECTIONS + $(counter a established) + $(counter b established)))
	# with the connections that are still there, or after all have ended
	[ $(($1 % 2)) = 0 ] || { nothing_left a && nothing_left b; }
	drop_pair a b
}

test_everything_at_once()
{
	local i

	for ((i = 1; i <= ROUNDS; i++)); do
		round "$i"
		# it may leave while the namespaces end
		if [ $((i % 2)) = 0 ]; then
			rmmod tern || fail "round $i: it does not leave"
			insmod tern.ko || fail "round $i: it does not come back"
		fi
	done
	echo "# $ROUNDS rounds, $CONNECTIONS ends of connections, $SEGMENTS segments" >&2
}

run_tests soak everything_at_once
exit "$FAILED"
