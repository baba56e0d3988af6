#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Wrong arguments and wrong places: each program says what is wrong, and how it ends.
. tests/vm/lib.sh

# says STATUS TEXT COMMAND...: it ends with STATUS and its error mentions TEXT.
says()
{
	local status=$1 text=$2 got
	shift 2
	"$@" > /tmp/cli.out 2> /tmp/cli.err < /dev/null
	got=$?
	[ "$got" = "$status" ] || fail "$*: ended with $got, not $status: $(cat /tmp/cli.err)" || return
	grep -qi -- "$text" /tmp/cli.err || fail "$*: no '$text' in: $(cat /tmp/cli.err)"
}

test_help()
{
	local program

	for program in tern-client tern-echo tern-ladder; do
		$program --help > /tmp/cli.out || fail "$program --help fails" || return
		grep -q "^Usage: $program" /tmp/cli.out || fail "$program: no usage" || return
		$program --version > /tmp/cli.out || fail "$program --version fails" || return
	done
}

test_client_arguments()
{
	says 1 "needed.*--help" tern-client &&
	says 1 "needed.*--help" tern-client 10.0.0.1 &&
	says 1 port tern-client 10.0.0.1 0 &&
	says 1 port tern-client 10.0.0.1 65536 &&
	says 1 port tern-client 10.0.0.1 7x &&
	says 1 address tern-client nowhere 7 &&
	says 1 host tern-client 255.255.255.255 7 &&
	says 1 close tern-client --close sometime 10.0.0.1 7 &&
	says 1 lose tern-client --lose out:NONSENSE:1 10.0.0.1 7 &&
	says 1 lose tern-client --lose up:SYN:1 10.0.0.1 7 &&
	says 1 lose tern-client --lose out:SYN:0 10.0.0.1 7 &&
	says 1 lose tern-client --lose out:SYN 10.0.0.1 7 &&
	says 1 expect tern-client --expect -1 10.0.0.1 7 &&
	says 1 mss tern-client --mss 0 10.0.0.1 7 &&
	says 1 syn-retries tern-client --syn-retries 99 10.0.0.1 7 &&
	says 1 option tern-client --no-such-option 10.0.0.1 7
}

test_client_in_the_wrong_place()
{
	ip netns add bare
	says 2 "route\|unreachable" ip netns exec bare tern-client --force 10.0.0.1 7 &&
	says 2 net.tern.enable tern-client 127.0.0.1 7 &&
	says 2 CAP_NET_RAW unshare -U tern-client --force 127.0.0.1 7
	ip netns del bare
}

test_echo_arguments()
{
	says 1 port tern-echo --port 65536 &&
	says 1 port tern-echo --port x &&
	says 1 bind tern-echo --bind nowhere &&
	says 1 backlog tern-echo --backlog -5 &&
	says 1 option tern-echo --no-such-option
}

test_echo_without_the_module()
{
	rmmod tern || fail "it does not leave" || return
	# No file to load it from by itself.
	says 2 insmod tern-echo --port 7
	insmod tern.ko
}

test_echo_on_a_taken_port()
{
	tern-echo --port 7 --quiet & local server=$!
	sleep 0.2
	says 2 "in use" tern-echo --port 7
	kill "$server"
	wait "$server"
}

test_ladder_arguments()
{
	head -c 100 /dev/urandom > /tmp/noise
	says 1 "needed.*--help" tern-ladder &&
	says 2 nonexistent tern-ladder /nonexistent.pcap &&
	says 2 noise tern-ladder /tmp/noise &&
	says 1 option tern-ladder --no-such-option /tmp/noise
}

run_tests cli help client_arguments client_in_the_wrong_place echo_arguments \
	echo_without_the_module echo_on_a_taken_port ladder_arguments
exit "$FAILED"
