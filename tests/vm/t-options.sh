#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Keep-alive, user timeout, SACK and timestamps: what a program sets, and what the
# wire shows.  Virtual time.
. tests/vm/lib.sh

make_pair a b

# cut: what b sends is lost from now on; mend: it arrives again.
cut_off()
{
	tc -n b qdisc add dev v1 root netem loss 100%
}

mend()
{
	tc -n b qdisc del dev v1 root
}

# count FILE FILTER: packets in a capture
count()
{
	tcpdump -Z root -n -r "$1" "$2" 2> /dev/null | wc -l
}

# octets FILE FILTER: each packet from the IP header on, in hexadecimal, one a line
octets()
{
	tcpdump -Z root -n -x -r "$1" "$2" 2> /dev/null | awk '
		!/0x[0-9a-f]*:/ { if (line) print line; line = ""; next }
		{ for (i = 2; i <= NF; i++) line = line $i }
		END { if (line) print line }'
}

# rounded FILE FILTER: the times of packets in whole seconds since the first one
rounded()
{
	times "$1" "$2" | awk '{ printf "%.0f ", $1 }'
}

# expect FILE HOW FROM TO: it ended like that, after FROM to TO seconds
expect()
{
	local how after

	read -r how after < "$1" || fail "it said nothing" || return
	[ "$how" = "$2" ] || fail "it ended with $how after $after s" || return
	awk -v t="$after" -v from="$3" -v to="$4" 'BEGIN { exit !(t >= from && t <= to) }' ||
		fail "$how after $after s, not $3 to $4"
}

connected()
{
	[[ $(states a) == *01* && $(states b) == *01* ]]
}

# silent_peer SECONDS: in b, a listener on port 7 whose program reads nothing
silent_peer()
{
	ip netns exec b vm-options silent 7 "$1" & PEER=$!
	wait_until 5 listens b
}

peer_away()
{
	{ kill -9 "$PEER"; wait "$PEER"; } 2> /dev/null
	wait_until 3000 holds_nothing b || fail "b holds $(states b)"
	nothing_left a
}

test_values_and_ranges_are_those_of_TCP()
{
	local said

	ip -n a link set lo up
	said=$(in_ns a vm-options values) || fail "$said"
	nothing_left a
}

# SEG.SEQ = SND.NXT-1: with nothing sent, that of the SYN; then RST one further.
test_keepalive_probes_a_peer_that_is_gone()
{
	local client iss

	silent_peer 1000
	capture a v0 /tmp/keep.pcap
	ip netns exec a vm-options wait 10.7.0.2 7 idle=10 interval=5 count=3 > /tmp/wait.out &
	client=$!
	wait_until 2 connected || fail "no connection"
	cut_off
	wait "$client"
	mend
	capture stop
	expect /tmp/wait.out ETIMEDOUT 25 25.1
	[ "$(rounded /tmp/keep.pcap 'ip src 10.7.0.1')" = "0 0 10 15 20 25 " ] ||
		fail "sent at $(rounded /tmp/keep.pcap 'ip src 10.7.0.1')"
	iss=$(octets /tmp/keep.pcap 'ip src 10.7.0.1 and ip[33] = 2' | cut -c 49-56)
	[ "$(count /tmp/keep.pcap "ip src 10.7.0.1 and ip[33] = 16 and ip[24:4] = 0x$iss")" = 3 ] ||
		fail "the probes' sequence number is not the SYN's"
	[ "$(count /tmp/keep.pcap "ip[33] & 4 != 0 and ip[24:4] = 0x$iss + 1")" = 1 ] ||
		fail "no RST"
	peer_away
}

# A live peer, whose program does nothing, answers; each probe after the idle time.
test_keepalive_goes_on_while_answered()
{
	local client

	silent_peer 1000
	capture a v0 /tmp/keep.pcap
	ip netns exec a vm-options wait 10.7.0.2 7 idle=10 interval=5 count=1 quiet=95 \
		> /tmp/wait.out & client=$!
	wait_until 2 connected || fail "no connection"
	wait "$client"
	capture stop
	expect /tmp/wait.out quiet 95 95.1
	[ "$(rounded /tmp/keep.pcap 'ip src 10.7.0.1 and ip[33] = 16')" = \
		"0 10 20 30 40 50 60 70 80 90 " ] ||
		fail "sent at $(rounded /tmp/keep.pcap 'ip src 10.7.0.1 and ip[33] = 16')"
	# nine answers, and the ACK of the FIN at the end
	[ "$(count /tmp/keep.pcap 'ip src 10.7.0.2 and ip[33] = 16')" = 10 ] ||
		fail "$(count /tmp/keep.pcap 'ip src 10.7.0.2 and ip[33] = 16') ACKs"
	peer_away
}

# The options of a listener are those of what it accepts.
test_an_accepted_connection_keeps_alive()
{
	local server client

	ip netns exec b vm-options wait-accepted 7 idle=20 interval=2 count=2 > /tmp/wait.out &
	server=$!
	wait_until 5 listens b
	ip netns exec a vm-options wait 10.7.0.2 7 quiet=100 > /dev/null & client=$!
	wait_until 2 connected || fail "no connection"
	tc -n a qdisc add dev v0 root netem loss 100%
	wait "$server"
	expect /tmp/wait.out ETIMEDOUT 23.9 24.1
	wait "$client"
	tc -n a qdisc del dev v0 root
	wait_until 3000 holds_nothing a
	nothing_left b
}

test_keepalive_that_is_turned_on_late()
{
	local client

	silent_peer 1000
	ip netns exec a vm-options wait 10.7.0.2 7 idle=10 interval=5 count=2 late=60 \
		> /tmp/wait.out & client=$!
	wait_until 2 connected || fail "no connection"
	cut_off
	wait "$client"
	mend
	# the silence was long enough: the first probe goes at once
	expect /tmp/wait.out ETIMEDOUT 70 70.2
	peer_away
}

# Three hours without a word: the handshake is all there is, and the end works.
test_keepalive_is_off_by_default()
{
	local client

	silent_peer 20000
	capture a v0 /tmp/keep.pcap
	ip netns exec a vm-options wait 10.7.0.2 7 quiet=10800 > /tmp/wait.out & client=$!
	sleep 10790
	[ "$(count /tmp/keep.pcap 'ip')" = 3 ] || fail "$(count /tmp/keep.pcap 'ip') packets"
	connected || fail "states $(states a)$(states b)"
	wait "$client"
	capture stop
	expect /tmp/wait.out quiet 10800 10801
	peer_away
}

test_the_usual_two_hours()
{
	local client

	in_ns a sysctl -qw net.tern.keepalive_probes=2
	silent_peer 20000
	capture a v0 /tmp/keep.pcap
	ip netns exec a vm-options wait 10.7.0.2 7 idle=7200 > /tmp/wait.out & client=$!
	wait_until 2 connected || fail "no connection"
	cut_off
	wait "$client"
	mend
	capture stop
	in_ns a sysctl -qw net.tern.keepalive_probes=9
	expect /tmp/wait.out ETIMEDOUT 7350 7351
	[ "$(rounded /tmp/keep.pcap 'ip src 10.7.0.1')" = "0 0 7200 7275 7350 " ] ||
		fail "sent at $(rounded /tmp/keep.pcap 'ip src 10.7.0.1')"
	peer_away
}

test_user_timeout_of_data()
{
	local client

	silent_peer 1000
	ip netns exec a vm-options fill 10.7.0.2 7 5 user=10000 > /tmp/wait.out & client=$!
	wait_until 2 connected || fail "no connection"
	cut_off
	wait "$client"
	mend
	expect /tmp/wait.out ETIMEDOUT 10 10.1
	peer_away
}

# The peer is alive and says so, but its window stays closed.
test_user_timeout_of_a_peer_that_never_reads()
{
	local client

	silent_peer 1000
	capture a v0 /tmp/keep.pcap
	ip netns exec a vm-options fill 10.7.0.2 7 0 user=30000 > /tmp/wait.out & client=$!
	wait "$client"
	capture stop
	expect /tmp/wait.out ETIMEDOUT 30 31
	[ "$(count /tmp/keep.pcap 'ip src 10.7.0.2 and ip[36:4] = 0')" -ge 4 ] ||
		fail "no window was closed"
	peer_away
}

# Without one, it goes on for as long as it is answered.
test_no_user_timeout_by_default()
{
	local client

	silent_peer 8000
	ip netns exec a vm-options fill 10.7.0.2 7 0 quiet=7000 > /tmp/wait.out & client=$!
	wait "$client"
	expect /tmp/wait.out quiet 7000 7001
	peer_away
}

test_user_timeout_of_a_SYN()
{
	cut_off
	in_ns a vm-options wait 10.7.0.2 7 user=5000 > /tmp/wait.out
	mend
	expect /tmp/wait.out ETIMEDOUT 5 5.1
	nothing_left a
}

# syn_options SACK TIMESTAMPS FILTER: of a SYN and its SYN-ACK, with these in a.  The
# options begin at ip[40]; four octets of MSS, then what is asked about.
syn_options()
{
	in_ns a sysctl -qw net.tern.sack="$1" net.tern.timestamps="$2"
	silent_peer 5
	capture a v0 /tmp/syn.pcap
	in_ns a vm-options wait 10.7.0.2 7 quiet=1 > /dev/null
	capture stop
	in_ns a sysctl -qw net.tern.sack=1 net.tern.timestamps=1
	[ "$(count /tmp/syn.pcap "ip[33] & 2 != 0 and ip[40:2] = 0x0204 and $3")" = 2 ] ||
		fail "sack=$1 timestamps=$2: $(octets /tmp/syn.pcap 'ip[33] & 2 != 0')"
	peer_away
}

test_SYN_with_SACK_and_timestamps()
{
	syn_options 1 1 'ip[32] = 0x90 and ip[44:4] = 0x0402080a'
}

test_SYN_with_SACK_only()
{
	syn_options 1 0 'ip[32] = 0x70 and ip[44:4] = 0x01010402'
}

test_SYN_with_timestamps_only()
{
	syn_options 0 1 'ip[32] = 0x90 and ip[44:4] = 0x0101080a'
}

test_SYN_with_neither()
{
	syn_options 0 0 'ip[32] = 0x60'
}

# lossy OFFSET: SACK options at that octet of the ACKs of a transfer over loss
lossy()
{
	local server

	tc -n a qdisc add dev v0 root netem delay 10ms loss 5%
	capture b v1 /tmp/sack.pcap 'ip src 10.7.0.2'
	ip netns exec b vm-bulk server 5001 0:1000000 & server=$!
	wait_until 5 listens b
	in_ns a vm-bulk client 10.7.0.2 5001 1000000:0 > /dev/null || fail "the client failed"
	wait "$server" || fail "the server failed"
	capture stop
	tc -n a qdisc del dev v0 root
	count /tmp/sack.pcap "ip[$1:2] = 0x050a or ip[$1:2] = 0x0512 or ip[$1:2] = 0x051a"
}

test_SACK_blocks_under_loss()
{
	local with without

	with=$(lossy 54)
	[ "$with" -gt 20 ] || fail "$with ACKs with blocks"
	in_ns b sysctl -qw net.tern.sack=0
	without=$(lossy 54)
	in_ns b sysctl -qw net.tern.sack=1
	[ "$without" = 0 ] || fail "$without ACKs with blocks that were not agreed on"
	in_ns b sysctl -qw net.tern.timestamps=0
	with=$(lossy 42)
	in_ns b sysctl -qw net.tern.timestamps=1
	[ "$with" -gt 20 ] || fail "$with ACKs with blocks, without timestamps"
	nothing_left a && nothing_left b
}

run_tests options values_and_ranges_are_those_of_TCP \
	keepalive_probes_a_peer_that_is_gone keepalive_goes_on_while_answered \
	an_accepted_connection_keeps_alive keepalive_that_is_turned_on_late \
	keepalive_is_off_by_default the_usual_two_hours user_timeout_of_data \
	user_timeout_of_a_peer_that_never_reads no_user_timeout_by_default \
	user_timeout_of_a_SYN SYN_with_SACK_and_timestamps SYN_with_SACK_only \
	SYN_with_timestamps_only SYN_with_neither SACK_blocks_under_loss
drop_pair a b
exit "$FAILED"
