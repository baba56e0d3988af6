# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the tests in the VM share.  Sourced; each test is a function named in the
# script's last lines and run by run_tests, which prints its verdict.

set -u

FAILED=0
WHY=

# fail WHY: the running test does not hold.
fail()
{
	WHY=${WHY:-$*}
	return 1
}

# run_tests PREFIX FUNCTION...: each in turn, "ok - PREFIX: name" or "not ok"; with
# ONLY set, those whose names it matches; with EXCEPT set, not those that it matches.
run_tests()
{
	local prefix=$1 name
	shift
	for name; do
		[[ $name =~ ${ONLY:-.} && ! $name =~ ${EXCEPT:-^$} ]] || continue
		WHY=
		if "test_$name" && [ -z "$WHY" ]; then
			echo "ok - $prefix: ${name//_/ }"
		else
			echo "not ok - $prefix: ${name//_/ }: ${WHY:-it failed}"
			FAILED=1
		fi
	done
	return $FAILED
}

# make_pair A B [NETEM...]: two namespaces joined by a veth pair, 10.7.0.1 and .2.
make_pair()
{
	local a=$1 b=$2
	shift 2
	ip netns add "$a"
	ip netns add "$b"
	ip link add v0 netns "$a" type veth peer name v1 netns "$b"
	ip -n "$a" addr add 10.7.0.1/24 broadcast + dev v0
	ip -n "$b" addr add 10.7.0.2/24 broadcast + dev v1
	ip -n "$a" link set lo up
	ip -n "$b" link set lo up
	ip -n "$a" link set v0 up
	ip -n "$b" link set v1 up
	ip -n "$a" route add 224.0.0.0/4 dev v0
	ip -n "$a" neigh replace 10.7.0.2 dev v0 nud permanent \
		lladdr "$(ip netns exec "$b" cat /sys/class/net/v1/address)"
	ip -n "$b" neigh replace 10.7.0.1 dev v1 nud permanent \
		lladdr "$(ip netns exec "$a" cat /sys/class/net/v0/address)"
	if [ $# -gt 0 ]; then
		tc -n "$a" qdisc add dev v0 root netem "$@"
		tc -n "$b" qdisc add dev v1 root netem "$@"
	fi
}

drop_pair()
{
	ip netns del "$1"
	ip netns del "$2"
}

# in_ns NS COMMAND...  (In the background "ip netns exec" itself, whose process
# becomes the command, so that it can be killed and waited for.)
in_ns()
{
	local ns=$1
	shift
	ip netns exec "$ns" "$@"
}

# counter NS NAME: one number of /proc/net/tern_stat.
counter()
{
	in_ns "$1" awk -v name="$2" '$1 == name { print $2; found = 1 }
		END { if (!found) print "no-such-counter" }' /proc/net/tern_stat
}

# states NS: the states of all lines of /proc/net/tern, as numbers, sorted; a listener on
# all addresses of IPv6 is one of them, as it listens on those of IPv4, too.
states()
{
	in_ns "$1" awk 'FILENAME ~ /6$/ ? $2 ~ /^0+:/ && $4 == "0A" : FNR > 1 { print $4 }' \
		/proc/net/tern /proc/net/tern6 | sort | tr '\n' ' '
}

# wait_until SECONDS COMMAND...: until it succeeds; looks often at first, and then
# less and less, as in virtual time it is the looking that takes time.
wait_until()
{
	local end=$((SECONDS + $1)) pause=0.05 tries=0
	shift
	while ! "$@"; do
		[ $SECONDS -le $end ] || return 1
		sleep $pause
		case $((tries += 1)) in
		20) pause=0.5 ;;
		40) pause=10 ;;
		esac
	done
}

listens()
{
	[[ $(states "$1") == *0A* ]]
}

# holds_nothing NS: no socket, half-open connection, TIME_WAIT entry or port.
holds_nothing()
{
	in_ns "$1" awk '/^now_/ && $2 { bad = 1 } END { exit bad }' /proc/net/tern_stat
}

nothing_left()
{
	wait_until 200 holds_nothing "$1" ||
		fail "$1 holds: $(in_ns "$1" grep '^now_' /proc/net/tern_stat | tr '\n' ' ')"
}

# trace_start / trace_text: changes of state as the kernel saw them.
trace_start()
{
	echo mono > /sys/kernel/tracing/trace_clock
	: > /sys/kernel/tracing/trace
	echo 1 > /sys/kernel/tracing/events/tern/tern_state/enable
	echo 1 > /sys/kernel/tracing/tracing_on
}

trace_text()
{
	grep -v '^#' /sys/kernel/tracing/trace
}

# times FILE [FILTER]: the seconds since the first packet of a capture, one a line.
times()
{
	tcpdump -Z root -tt -n -r "$1" ${2:+"$2"} 2> /dev/null |
		awk '{ if (!n++) first = $1; printf "%.3f\n", $1 - first }'
}
