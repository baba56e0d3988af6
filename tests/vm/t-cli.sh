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
		grep -q "IPv6" /tmp/cli.out || fail "$program: nothing about IPv6" || return
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

test_client_addresses()
{
	local wrong

	for wrong in nowhere 10.0.0 10.0.0.1.1 1::2::3 fd00::12345 '[fd00::1]' fd00::1:7:8:9:10:11:12 \
		'' % %lo "fe80::$(printf '1%.0s' {1..80})"; do
		says 1 "HOST: .*not an IPv4 or IPv6 address" tern-client "$wrong" 7 || return
	done
	for wrong in 0.0.0.0 255.255.255.255 224.0.0.1 :: ff02::1 ::ffff:224.0.0.1; do
		says 1 "HOST: .*one host" tern-client "$wrong" 7 || return
	done
	says 1 "needs its interface" tern-client fe80::1 7 &&
	says 1 "needs its interface" tern-client febf::1 7 &&
	says 1 "needs its interface" tern-client --source fe80::1 fd00::1 7 &&
	says 1 "no interface 'nosuch'" tern-client fe80::1%nosuch 7 &&
	says 1 "no interface ''" tern-client fe80::1% 7 &&
	says 1 "no interface '99999999999'" tern-client fe80::1%99999999999 7 &&
	says 1 "only an IPv6 link-local" tern-client fd00::1%lo 7 &&
	says 1 "only an IPv6 link-local" tern-client 10.0.0.1%lo 7 &&
	says 1 "the other IPv6" tern-client --source 10.0.0.1 fd00::1 7 &&
	says 1 "the other IPv6" tern-client --source fd00::1 10.0.0.1 7 &&
	says 1 "the other IPv6" tern-client --source fd00::1 ::ffff:10.0.0.1 7 &&
	says 1 "no --source" tern-client --listen --source fd00::1 fd00::2 7 &&
	says 1 "source: .*address" tern-client --source nowhere fd00::1 7
}

test_client_in_the_wrong_place()
{
	ip netns add bare
	says 2 "route\|unreachable" ip netns exec bare tern-client --force 10.0.0.1 7 &&
	says 2 "no route" ip netns exec bare tern-client --force fd00::1 7 &&
	says 2 "not an address" ip netns exec bare tern-client --force --listen fd00::1 7 &&
	says 2 net.tern.enable tern-client 127.0.0.1 7 &&
	says 2 net.tern.enable tern-client ::1 7 &&
	says 2 CAP_NET_RAW unshare -U tern-client --force 127.0.0.1 7 &&
	says 2 CAP_NET_RAW unshare -U tern-client --force ::1 7
	ip netns del bare
}

# talk ADDRESS SERVER-ADDRESS: two raw clients, one of which listens.
talk()
{
	local server

	ip netns exec b tern-client --listen --close second --send pong --log /tmp/b.log \
		"$2" 7 > /tmp/b.out 2> /tmp/b.err & server=$!
	wait_until 5 grep -qs LISTEN /tmp/b.log || fail "$2: $(cat /tmp/b.err)" || return
	in_ns a tern-client --close first --time-wait 0 --send ping --expect 4 "$1" 7 \
		> /tmp/a.out 2> /tmp/a.err || fail "$1: $(cat /tmp/a.err)"
	wait "$server" || fail "$2: $(cat /tmp/b.err)"
	[ "$(cat /tmp/a.out /tmp/b.out)" = pongping ] || fail "$1: $(cat /tmp/a.out /tmp/b.out)"
	grep -q 'holds nothing' /tmp/a.err || fail "$1: $(tail -n 1 /tmp/a.err)"
	rm /tmp/b.log
}

# Two namespaces with addresses of all kinds; the raw clients live in "a".
make_pair_of_both()
{
	make_pair a b
	ip -n a addr add fd07::1/64 dev v0 nodad
	ip -n b addr add fd07::2/64 dev v1 nodad
	ip -n a addr add fe80::1/64 dev v0 nodad
	ip -n b addr add fe80::2/64 dev v1 nodad
	in_ns a sysctl -qw net.tern.enable=0 2> /dev/null
}

test_client_to_client()
{
	make_pair_of_both
	in_ns b sysctl -qw net.tern.enable=0
	talk 10.7.0.2 10.7.0.2
	talk ::ffff:10.7.0.2 10.7.0.2
	talk fd07::2 fd07::2
	talk fe80::2%v0 fe80::2%v1
	# Where the module is, RST comes.
	in_ns b sysctl -qw net.tern.enable=1
	says 3 "<- RST" ip netns exec a tern-client fd07::2 7
	drop_pair a b
}

# serves FAMILIES ARGUMENT...: who is answered by tern-echo with these arguments.
serves()
{
	local want=$1 got='' server address
	shift

	: > /tmp/echo.out
	ip netns exec b tern-echo --port 7 "$@" > /tmp/echo.out & server=$!
	wait_until 5 grep -q listening /tmp/echo.out || fail "$*: it does not listen" || return
	for address in 10.7.0.2 fd07::2 fe80::2%v0; do
		in_ns a tern-client --quiet --close first --time-wait 0 --send ping --expect 4 \
			"$address" 7 > /tmp/a.out 2> /tmp/a.err && got+="$address "
	done
	kill "$server"
	wait "$server"
	[ "$got" = "$want" ] || fail "$*: serves $got"
}

test_echo_addresses()
{
	make_pair_of_both
	serves "10.7.0.2 fd07::2 fe80::2%v0 "
	grep -q '^10\.7\.0\.1:[0-9]*: accepted' /tmp/echo.out &&
	grep -q '^\[fd07::1\]:[0-9]*: accepted' /tmp/echo.out &&
	grep -q '^\[fe80::[^]]*%v1\]:[0-9]*: accepted' /tmp/echo.out ||
		fail "peers: $(grep accepted /tmp/echo.out | tr '\n' ' ')"
	serves "10.7.0.2 fd07::2 fe80::2%v0 " --bind ::
	serves "10.7.0.2 " --bind 0.0.0.0
	serves "10.7.0.2 " --bind ::ffff:10.7.0.2
	serves "fd07::2 " --bind fd07::2
	serves "fe80::2%v0 " --bind fe80::2%v1
	drop_pair a b
}

test_echo_arguments()
{
	says 1 port tern-echo --port 65536 &&
	says 1 port tern-echo --port x &&
	says 1 bind tern-echo --bind nowhere &&
	says 1 bind tern-echo --bind 1::2::3 &&
	says 1 "needs its interface" tern-echo --bind fe80::1 &&
	says 1 "no interface" tern-echo --bind fe80::1%nosuch &&
	says 2 "cannot have fd00::9" tern-echo --bind fd00::9 &&
	says 1 backlog tern-echo --backlog -5 &&
	says 1 option tern-echo --no-such-option
}

# Where nobody knows the protocol, ICMP and ICMPv6 say so.
test_client_without_the_module()
{
	local address

	rmmod tern || fail "it does not leave" || return
	make_pair_of_both
	for address in 10.7.0.2 fd07::2 fe80::2%v0; do
		says 3 "$address does not know protocol" ip netns exec a tern-client "$address" 7
	done
	drop_pair a b
	insmod tern.ko
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
	says 1 client tern-ladder --client nowhere /tmp/noise &&
	says 1 client tern-ladder --client 'fd00::1]:7' /tmp/noise &&
	says 1 client tern-ladder --client '[10.0.0.1]:7' /tmp/noise &&
	says 1 client tern-ladder --client '[fd00::1]7' /tmp/noise &&
	says 1 client tern-ladder --client '[fd00::1]:70000' /tmp/noise &&
	says 2 noise tern-ladder --client '[fd00::1]:7' /tmp/noise &&
	says 2 noise tern-ladder --client fd00::1 /tmp/noise &&
	says 1 option tern-ladder --no-such-option /tmp/noise
}

run_tests cli help client_arguments client_addresses client_in_the_wrong_place \
	client_to_client echo_addresses echo_arguments client_without_the_module \
	echo_without_the_module echo_on_a_taken_port ladder_arguments
exit "$FAILED"
