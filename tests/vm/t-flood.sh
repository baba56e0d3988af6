#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# SYN floods and SYN cookies: a server s between a client c and an attacker x, who
# sends in the name of addresses behind him that answer nothing.
. tests/vm/lib.sh

BOUND=256
FLOOD=/tmp/flood WATCH=/tmp/watch

make_pair c s
ip netns add x
ip link add v2 netns s type veth peer name v3 netns x
ip -n s addr add 10.8.0.2/24 dev v2
ip -n x addr add 10.8.0.1/24 dev v3
ip -n s link set v2 up
ip -n x link set v3 up
ip -n s neigh replace 10.8.0.1 dev v2 nud permanent \
	lladdr "$(ip netns exec x cat /sys/class/net/v3/address)"
ip -n x neigh replace 10.8.0.2 dev v3 nud permanent \
	lladdr "$(ip netns exec s cat /sys/class/net/v2/address)"
ip -n s route add 10.66.0.0/16 via 10.8.0.1
in_ns x sysctl -qw net.tern.enable=0

cookies()
{
	in_ns s sysctl -qw net.tern.syncookies="$1"
}

# serve OPTION...: an echo server in s, SERVER its process; unserve: end it.
serve()
{
	ip netns exec s tern-echo --port 7 --quiet "$@" & SERVER=$!
	wait_until 5 listens s
}

unserve()
{
	kill "$SERVER"
	wait "$SERVER"
	wait_until 200 holds_nothing s || fail "s holds: $(states s)"
}

# remember NAME...: the counters as they are; grown NAME: by how much it has grown.
remember()
{
	local name

	for name; do
		printf -v "before_$name" %s "$(counter s "$name")"
	done
}

grown()
{
	local before=before_$1

	echo $(($(counter s "$1") - ${!before}))
}

grew_by()
{
	[ "$(grown "$1")" = "$2" ] || fail "$1 grew by $(grown "$1"), not $2"
}

# hand PORT STEP...: the client of vm-flood that does what it is told.
hand()
{
	local port=$1 said
	shift
	said=$(in_ns x vm-flood hand 10.8.0.1 "$port" 10.8.0.2 7 "$@") || fail "$said"
}

client()
{
	in_ns c vm-flood client 10.7.0.2 7 "$@"
}

half_open_at_least()
{
	[ "$(counter s now_half_open)" -ge "$1" ]
}

# fill: so many half-open connections that there is room for no more.
fill()
{
	in_ns x vm-flood flood 10.8.0.2 7 $((BOUND + 100)) 10.66.0.0 > /dev/null
	[ "$(counter s now_half_open)" = "$BOUND" ] ||
		fail "$(counter s now_half_open) half-open connections"
}

flood_start()
{
	ip netns exec x vm-flood flood 10.8.0.2 7 3000000 10.66.0.0 > "$FLOOD" & FLOODER=$!
	ip netns exec s vm-flood watch 10 > "$WATCH" & WATCHER=$!
	wait_until 5 half_open_at_least "$BOUND" || fail "no flood"
}

flood_stop()
{
	kill "$FLOODER" "$WATCHER"
	wait "$FLOODER" "$WATCHER"
}

# at_most NAME BOUND: what was seen while the flood went on.
at_most()
{
	local seen

	seen=$(sed "s/.*\<$1 \([0-9-]*\).*/\1/" "$WATCH")
	[ "$seen" -ge 0 ] && [ "$seen" -le "$2" ] || fail "$1 was $seen, more than $2"
}

test_a_client_gets_through_a_flood()
{
	local quiet loud syns

	serve --backlog "$BOUND"
	quiet=$(client 200 500) || fail "without a flood: $quiet"
	remember syncookies_sent syncookies_received syncookies_failed syncookies_replayed \
		passive_opens drop_syn_overflow drop_accept_overflow
	flood_start
	loud=$(client 200 500) || fail "with it: $loud"
	flood_stop
	syns=$(cut -d ' ' -f 1 "$FLOOD")
	echo "# flood: $(cat "$FLOOD"); $(grown syncookies_sent) cookies sent," \
		"$(grown syncookies_received) came back" >&2
	echo "# client without the flood: $quiet" >&2
	echo "# client with the flood: $loud" >&2
	echo "# most of: $(cat "$WATCH")" >&2
	# Every SYN became a request or drew a cookie; the client's all came back.
	grew_by syncookies_received 200
	grew_by syncookies_failed 0
	grew_by syncookies_replayed 0
	grew_by drop_syn_overflow 0
	grew_by drop_accept_overflow 0
	[ $(($(grown syncookies_sent) + $(grown passive_opens))) = $((syns + 400)) ] ||
		fail "$syns SYNs, $(grown syncookies_sent) cookies, $(grown passive_opens) opens"
	[ "$syns" -gt $((20 * BOUND)) ] || fail "only $syns SYNs"
	# 21 objects of 192 octets in a page
	at_most half_open "$BOUND"
	at_most slab $((BOUND + 63))
	at_most sockets 50
	unserve
}

test_without_cookies_he_does_not()
{
	local said

	cookies 0
	serve --backlog "$BOUND"
	remember syncookies_sent
	flood_start
	said=$(client 5 200) && fail "he does: $said"
	flood_stop
	echo "# client without cookies: $said" >&2
	[ "${said%% *}" -le 1 ] || fail "$said"
	grew_by syncookies_sent 0
	unserve
	cookies 1
}

test_a_full_queue()
{
	local said

	serve --backlog "$BOUND"
	fill
	remember syncookies_received drop_syn_overflow
	said=$(client 1 500) || fail "$said"
	grew_by syncookies_received 1
	cookies 0
	client 1 500 > /dev/null && fail "without cookies he got in"
	[ "$(grown drop_syn_overflow)" -ge 1 ] || fail "nothing was dropped"
	# They age out, and cookies are not needed.
	wait_until 100 only_listens || fail "states $(states s | cut -c 1-60)"
	said=$(client 1 500) || fail "later: $said"
	grew_by syncookies_received 1
	cookies 1
	unserve
}

only_listens()
{
	[ "$(states s)" = "0A " ]
}

test_never_when_full_always()
{
	serve --backlog "$BOUND"
	remember syncookies_sent syncookies_received
	cookies 1
	hand 4001 syn
	[ "$(states s)" = "03 0A " ] || fail "1: states $(states s)"
	grew_by syncookies_sent 0
	cookies 2
	hand 4002 syn
	[ "$(states s)" = "03 0A " ] || fail "2: states $(states s)"
	grew_by syncookies_sent 1
	hand 4003 syn ack want:nothing data:5 want:octets:5 fin:0 want:fin ack
	grew_by syncookies_received 1
	# None is taken any more, either, once they are off.
	cookies 2
	hand 4004 syn sleep:3 ack want:rst & sleep 1
	cookies 0
	wait "$!" || fail "taken when they were off"
	grew_by syncookies_received 1
	cookies 1
	wait_until 100 only_listens || fail "states $(states s)"
	unserve
}

test_another_value_is_refused()
{
	local value

	for value in 3 -1 x; do
		in_ns s sh -c "echo $value > /proc/sys/net/tern/syncookies" 2> /dev/null &&
			fail "it took $value"
	done
	[ "$(in_ns s sysctl -n net.tern.syncookies)" = 1 ] || fail "it has changed"
}

test_a_cookie_is_good_for_a_minute()
{
	cookies 2
	serve
	remember syncookies_received syncookies_failed
	hand 4001 syn sleep:59 ack want:nothing data:1 want:octets:1 fin:0 want:fin ack
	hand 4001 syn sleep:60 ack want:nothing fin:0 want:fin ack
	grew_by syncookies_received 2
	grew_by syncookies_failed 0
	unserve
	cookies 1
}

# A second client sees to it that cookies are still looked at.
test_a_stale_cookie_is_refused()
{
	cookies 2
	serve
	remember syncookies_received syncookies_failed drop_listen
	hand 4001 syn sleep:121 ack want:rst & sleep 100
	hand 4002 syn
	wait "$!" || fail "it was not"
	grew_by syncookies_received 0
	grew_by syncookies_failed 1
	grew_by drop_listen 1
	# Without one, an ACK is not even taken for a cookie.
	hand 4003 syn sleep:125 ack want:rst
	grew_by syncookies_failed 1
	unserve
	cookies 1
}

test_a_used_cookie_is_refused()
{
	cookies 2
	serve
	remember syncookies_received syncookies_replayed
	hand 4001 syn ack data:5 want:octets:5 fin:0 want:fin ack replay want:rst replay want:rst
	grew_by syncookies_received 1
	grew_by syncookies_replayed 2
	only_listens || fail "states $(states s)"
	# A new one from the same place is not the old one.
	hand 4001 syn ack data:5 want:octets:5 fin:0 want:fin ack
	grew_by syncookies_received 2
	unserve
	cookies 1
}

test_ten_thousand_guesses()
{
	cookies 2
	serve
	remember syncookies_received syncookies_failed established
	hand 4001 syn forge:10000 ack want:nothing fin:0 want:fin ack
	grew_by syncookies_received 1
	grew_by syncookies_failed 10000
	grew_by established 1
	unserve
	cookies 1
}

# From another port, or behind another SYN, it is no better than a guess.
test_a_cookie_is_for_one_connection()
{
	cookies 2
	serve
	remember syncookies_received syncookies_failed
	hand 4001 syn port:4002 ack want:rst
	hand 4001 syn skip:1 ack want:rst
	grew_by syncookies_received 0
	grew_by syncookies_failed 2
	unserve
	cookies 1
}

test_the_first_octets_and_FIN_come_with_it()
{
	cookies 2
	serve
	remember syncookies_received
	hand 4001 syn fin:100 want:octets:100 want:fin ack
	# What else a SYN offers is not taken up: the client looks at the SYN-ACK's options.
	hand 4002 offer syn:1460 fin:100 want:octets:100 want:fin ack
	grew_by syncookies_received 2
	wait_until 5 only_listens || fail "states $(states s)"
	unserve
	cookies 1
}

# MSS in the SYN, largest segment that comes; 10.8.0.2's own is 1460.
test_the_MSS_is_kept()
{
	local mss largest port=4000

	cookies 2
	serve --source 6000
	while read -r mss largest; do
		port=$((port + 1))
		hand "$port" "syn:$mss" ack want:octets:$((4 * largest)) "largest:$largest" rst ||
			fail "MSS $mss: $WHY" || break
	done <<-END
	0 536
	536 536
	1219 536
	1300 1240
	1440 1440
	1459 1440
	65535 1460
	100 48
	END
	unserve
	cookies 1
}

# One is served, one waits; the next one's ACK is lost, and with octets it comes again.
test_a_full_accept_queue()
{
	local one two three

	cookies 2
	serve --backlog 0 --max-conns 1
	remember syncookies_sent syncookies_received drop_accept_overflow out_rsts
	hand 4001 syn ack want:nothing sleep:5 rst & one=$!
	sleep 0.5
	# This one has its cookie while there is room.
	hand 4003 syn sleep:2 ack want:nothing sleep:6 data:5 want:octets:5 \
		fin:0 want:fin ack & three=$!
	sleep 0.5
	hand 4002 syn ack want:nothing sleep:6 rst & two=$!
	sleep 2
	grew_by syncookies_sent 3
	grew_by syncookies_received 2
	grew_by drop_accept_overflow 1
	# And a SYN is not even answered.
	in_ns x vm-flood hand 10.8.0.1 4004 10.8.0.2 7 syn > /dev/null &&
		fail "a SYN was answered"
	grew_by drop_accept_overflow 2
	wait "$one" && wait "$two" && wait "$three" || fail "they were not served"
	grew_by syncookies_received 3
	grew_by out_rsts 0
	unserve
	cookies 1
}

# backlog, max_syn_backlog and the half-open connections they allow.
test_the_bound_of_the_SYN_queue()
{
	local backlog most bound

	cookies 0
	while read -r backlog most bound; do
		in_ns s sysctl -qw net.tern.max_syn_backlog="$most"
		serve --backlog "$backlog"
		in_ns x vm-flood flood 10.8.0.2 7 400 10.66.0.0 > /dev/null
		[ "$(counter s now_half_open)" = "$bound" ] ||
			fail "$backlog, $most: $(counter s now_half_open)"
		unserve
	done <<-END
	3 1024 8
	300 1024 300
	300 100 100
	END
	in_ns s sysctl -qw net.tern.max_syn_backlog=1024
	cookies 1
}

# One is served, two wait; whose ACK finds no room stays half-open, and comes in later.
test_the_bound_of_the_accept_queue()
{
	local one two three late

	cookies 0
	serve --backlog 1 --max-conns 1
	remember established drop_accept_overflow out_rsts
	hand 4001 syn ack want:nothing sleep:14 rst & one=$!
	# it is accepted before the others come
	sleep 2
	hand 4004 syn sleep:7 ack sleep:10 data:5 want:octets:5 fin:0 want:fin ack & late=$!
	# its SYN finds room
	sleep 1
	hand 4002 syn ack want:nothing sleep:15 rst & two=$!
	hand 4003 syn ack want:nothing sleep:15 rst & three=$!
	sleep 1
	in_ns x vm-flood hand 10.8.0.1 4005 10.8.0.2 7 syn > /dev/null &&
		fail "a SYN was answered"
	grew_by drop_accept_overflow 1
	sleep 6
	grew_by drop_accept_overflow 2
	[ "$(states s)" = "01 01 01 03 0A " ] || fail "states $(states s)"
	wait "$one" && wait "$two" && wait "$three" && wait "$late" || fail "they were not served"
	grew_by established 4
	grew_by out_rsts 0
	unserve
	cookies 1
}

# The peer's SYN came twice, and the queue had room for the second one.
test_a_cookie_outruns_a_request()
{
	cookies 2
	serve
	remember syncookies_received syncookies_failed
	hand 4001 syn sleep:2 again ack want:nothing data:5 want:octets:5 fin:0 want:fin ack &
	sleep 1
	cookies 1
	wait "$!" || fail "it does not"
	grew_by syncookies_received 1
	grew_by syncookies_failed 0
	wait_until 5 only_listens || fail "states $(states s)"
	unserve
}

# TIME_WAIT stands where the third message would have to be seen.
test_a_SYN_that_ends_TIME_WAIT_draws_none()
{
	cookies 2
	serve --close-first 5
	remember syncookies_sent syncookies_received time_wait_reopens
	hand 4001 syn data:5 want:octets:5 want:fin fin:0 want:ack \
		syn data:5 want:octets:5 want:fin fin:0
	grew_by syncookies_sent 1
	grew_by syncookies_received 1
	grew_by time_wait_reopens 1
	unserve
	cookies 1
}

run_tests flood a_client_gets_through_a_flood without_cookies_he_does_not a_full_queue \
	never_when_full_always another_value_is_refused a_cookie_is_good_for_a_minute \
	a_stale_cookie_is_refused a_used_cookie_is_refused ten_thousand_guesses \
	a_cookie_is_for_one_connection the_first_octets_and_FIN_come_with_it \
	the_MSS_is_kept a_full_accept_queue a_cookie_outruns_a_request \
	a_SYN_that_ends_TIME_WAIT_draws_none the_bound_of_the_SYN_queue \
	the_bound_of_the_accept_queue
in_ns s sysctl -qw net.tern.syncookies=1
ip netns del x
drop_pair c s
exit "$FAILED"
