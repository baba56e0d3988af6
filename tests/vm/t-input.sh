#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Packets that nobody should send: each counted, answered if it must be, harmless.
. tests/vm/lib.sh

make_pair a b
in_ns a sysctl -qw net.tern.enable=0
ip netns exec b tern-echo --port 7 --quiet & SERVER=$!
wait_until 5 listens b

bad_packet()
{
	local name=$1 item=$2 resets=$3 before rsts

	before=$( [ "$item" = - ] || counter b "$item")
	rsts=$(counter b out_rsts)
	in_ns a vm-inject "$name" 10.7.0.1 10.7.0.2 7 || fail "not sent" || return
	sleep 0.02
	[ "$item" = - ] || [ "$(counter b "$item")" = $((before + 1)) ] ||
		fail "$item was $before and is $(counter b "$item")" || return
	[ "$(counter b out_rsts)" = $((rsts + resets)) ] ||
		fail "$(($(counter b out_rsts) - rsts)) RSTs" || return
	[ "$(states b)" = "0A " ] || fail "states $(states b)"
}

while read -r name item resets; do
	eval "test_bad_packet_${name//-/_}() { bad_packet $name $item $resets; }"
	run_tests input "bad_packet_${name//-/_}" || FAILED=1
done < <(vm-inject list)

test_a_segment_in_fragments_is_whole_again()
{
	in_ns a vm-inject fragments 10.7.0.1 10.7.0.2 7 16 || fail "not sent"
	sleep 0.02
	[ "$(states b)" = "03 0A " ] || fail "states $(states b)"
	wait_until 100 only_listens || fail "states $(states b)"
}

test_overlapping_fragments_have_no_effect()
{
	local before

	before=$(counter b in_segs)
	in_ns a vm-inject fragments 10.7.0.1 10.7.0.2 7 8 || fail "not sent"
	sleep 0.02
	[ "$(counter b in_segs)" = "$before" ] || fail "it came in"
	[ "$(states b)" = "0A " ] || fail "states $(states b)"
}

# Every segment that came is either in a drop counter or was used.
test_the_server_still_serves()
{
	echo hello | in_ns a tern-client --quiet --time-wait 0 10.7.0.2 7 > /tmp/answer ||
		fail "the client failed"
	[ "$(cat /tmp/answer)" = hello ] || fail "it answered '$(cat /tmp/answer)'"
}

test_random_octets_have_no_effect()
{
	in_ns a vm-inject random 10.7.0.1 10.7.0.2 7 20000 1 || fail "not sent"
	in_ns a vm-inject random 10.7.0.1 10.7.0.2 7 20000 2 || fail "not sent"
	wait_until 200 only_listens || fail "states $(states b)"
	test_the_server_still_serves
}

test_random_octets_into_a_connection_have_no_effect()
{
	local client

	ip netns exec a tern-client --quiet --no-stdin --sport 40001 --send one --close second \
		--time-wait 0 10.7.0.2 7 > /tmp/answer & client=$!
	sleep 0.2
	in_ns a vm-inject random 10.7.0.1 10.7.0.2 7 20000 3 || fail "not sent"
	kill "$client"
	wait "$client"
	wait_until 1000 only_listens || fail "states $(states b)"
	test_the_server_still_serves
}

only_listens()
{
	[ "$(states b)" = "0A " ]
}

test_a_SYN_flood_is_bounded()
{
	local most

	in_ns a vm-inject syn-flood 10.7.0.1 10.7.0.2 7 5000 || fail "not sent"
	most=$(counter b now_half_open)
	[ "$most" -gt 0 ] && [ "$most" -le 1024 ] || fail "$most half-open connections"
	[ $((most + $(counter b syncookies_sent))) -ge 5000 ] || fail "some drew no answer"
	# They age out, and then everybody is served again.
	wait_until 100 only_listens || fail "states $(states b | cut -c 1-60)"
	test_the_server_still_serves
}

run_tests input a_segment_in_fragments_is_whole_again \
	overlapping_fragments_have_no_effect \
	the_server_still_serves random_octets_have_no_effect \
	random_octets_into_a_connection_have_no_effect a_SYN_flood_is_bounded
kill "$SERVER"
wait "$SERVER"

test_everything_is_released()
{
	nothing_left b
}

test_a_switched_off_namespace_is_left_alone()
{
	local before

	before=$(counter a in_segs)
	in_ns b vm-inject ack-to-nobody 10.7.0.2 10.7.0.1 7
	sleep 0.1
	[ "$(counter a in_segs)" = "$before" ] || fail "it was taken"
}

run_tests input everything_is_released a_switched_off_namespace_is_left_alone
drop_pair a b
exit "$FAILED"
