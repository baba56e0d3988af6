#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the VM: run scenarios between two namespaces and keep what was seen.
#
#	scripts/scenario.sh NAME...
#
# The server is tern-echo on the module in namespace "server"; the client is
# tern-client on a raw socket in "client", where the module is switched off.  A
# bridge with a delay of 20 ms each way lies between them.  For each scenario, in
# $OUT/NAME: wire.pcap (at the client's interface), client.log, server.trace
# (tracepoint tern:tern_state), and what both ends say that they hold.

set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/scenarios.sh

# What VIA names: the client's and the server's address, the latter as the client
# has to write it.
declare -A CLIENT_IP=([ipv4]=10.9.0.1 [ipv6]=fd09::1 [link-local]=fe80::1)
declare -A SERVER_IP=([ipv4]=10.9.0.2 [ipv6]=fd09::2 [link-local]=fe80::2%c0)
PORT=7
DELAY=20ms
TRACING=/sys/kernel/tracing

fail()
{
	echo "scenario.sh: $*" >&2
	exit 1
}

# join CLIENT SERVER: give each its address.  The picture is about Tern: let no ARP
# and no neighbour discovery come between.
join()
{
	local length=24 nodad=()

	[[ $1 != *:* ]] || length=64 nodad=(nodad)
	ip -n client addr add "$1/$length" dev c0 "${nodad[@]}"
	ip -n server addr add "$2/$length" dev s0 "${nodad[@]}"
	ip -n client neigh replace "$2" dev c0 nud permanent \
		lladdr "$(ip netns exec server cat /sys/class/net/s0/address)"
	ip -n server neigh replace "$1" dev s0 nud permanent \
		lladdr "$(ip netns exec client cat /sys/class/net/c0/address)"
}

make_network()
{
	local end via

	for end in client server wire; do
		ip netns add $end
	done
	ip -n wire link add bridge up type bridge
	ip link add c0 netns client type veth peer name toc netns wire
	ip link add s0 netns server type veth peer name tos netns wire
	# The delay is on the way, not at an end: the client's interface sees each
	# segment when the client sends it, and when it arrives there.
	for end in toc tos; do
		ip -n wire link set $end master bridge up
		tc -n wire qdisc add dev $end root netem delay $DELAY
	done
	for end in client:c0 server:s0; do
		ip -n "${end%:*}" link set lo up
		# only the addresses that join() gives, none made from the hardware's
		ip -n "${end%:*}" link set "${end#*:}" addrgenmode none up
	done
	for via in "${!CLIENT_IP[@]}"; do
		join "${CLIENT_IP[$via]}" "${SERVER_IP[$via]%\%*}"
	done
	ip netns exec client sysctl -qw net.tern.enable=0
}

# The counters that say what the server's kernel holds right now.
holds()
{
	ip netns exec server grep '^now_' /proc/net/tern_stat
}

# What the server's kernel shows of listeners and connections.
tables()
{
	ip netns exec server cat /proc/net/tern /proc/net/tern6
}

# Wait until the kernel holds nothing any more, TIME_WAIT included.
wait_for_nothing()
{
	local tries

	for ((tries = 0; tries < 300; tries++)); do
		holds | awk '$2 { exit 1 }' && return 0
		sleep 1
	done
	return 1
}

trace_on()
{
	echo tai > $TRACING/trace_clock
	: > $TRACING/trace
	echo 1 > $TRACING/events/tern/tern_state/enable
	echo 1 > $TRACING/tracing_on
}

trace_off()
{
	echo 0 > $TRACING/tracing_on
	cat $TRACING/trace > "$1"
}

wait_for_listener()
{
	local tries

	for ((tries = 0; tries < 100; tries++)); do
		tables | awk '$4 == "0A" { found = 1 } END { exit !found }' && return 0
		sleep 0.05
	done
	fail "tern-echo does not listen"
}

run_scenario()
{
	local dir=${OUT:-/out}/$1 server=

	scenario "$1" || fail "no scenario '$1'"
	mkdir -p "$dir"
	holds > "$dir/stat.before"
	trace_on
	capture client c0 "$dir/wire.pcap" 'proto 253'
	if ((${#SERVER[@]})); then
		ip netns exec server tern-echo --port $PORT "${SERVER[@]}" \
			> "$dir/server.out" 2> "$dir/server.err" &
		server=$!
		wait_for_listener
	fi
	tables > "$dir/proc.before"
	echo 0 > "$dir/client.exit"
	ip netns exec client tern-client --no-stdin --log "$dir/client.log" "${CLIENT[@]}" \
		"${SERVER_IP[$VIA]}" $PORT > "$dir/client.out" 2> "$dir/client.err" ||
		echo $? > "$dir/client.exit"
	if [ -n "$server" ]; then
		wait "$server" || fail "$1: tern-echo failed: $(cat "$dir/server.err")"
	fi
	tables > "$dir/proc.after-client"
	wait_for_nothing || fail "$1: the kernel holds on to something: $(holds | tr '\n' ' ')"
	capture stop
	trace_off "$dir/server.trace"
	tables > "$dir/proc.after"
	ip netns exec server cat /proc/net/tern_stat > "$dir/stat.after"
}

(($#)) || fail "usage: scenario.sh NAME..."
make_network
for name; do
	run_scenario "$name"
done
