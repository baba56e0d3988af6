#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What takes time: TIME_WAIT of every usual length, and giving up.  Virtual time.
. tests/vm/lib.sh

make_pair a b

# wait_lengths: for each TIME_WAIT in the trace, how many milliseconds it lasted.
wait_lengths()
{
	trace_text | awk '
		{ match($0, /local=[^ ]* remote=[^ ]*/); key = substr($0, RSTART, RLENGTH)
		  match($0, /[0-9]+\.[0-9]+: tern_state/); t = substr($0, RSTART) + 0 }
		/new=TIME_WAIT/ { since[key] = t }
		/old=TIME_WAIT new=CLOSED/ { printf "%d\n", (t - since[key]) * 1000 }'
}

time_wait_lasts()
{
	local seconds=$1 ms

	in_ns a sysctl -qw net.tern.time_wait_s="$seconds"
	trace_start
	in_ns a vm-bench churn 127.0.0.1 5000 1 || fail "no connection" || return
	[ "$(states a)" = "06 " ] || fail "states '$(states a)', not one TIME_WAIT" || return
	nothing_left a || return
	ms=$(wait_lengths)
	# Not a tick too short; the kernel's timers have a grain of 4 ms.
	[ "$ms" -ge $((seconds * 1000)) ] && [ "$ms" -le $((seconds * 1000 + 12)) ] ||
		fail "it lasted $ms ms"
}

test_TIME_WAIT_of_1_s() { time_wait_lasts 1; }
test_TIME_WAIT_of_2_s() { time_wait_lasts 2; }
test_TIME_WAIT_of_30_s() { time_wait_lasts 30; }
test_TIME_WAIT_of_60_s() { time_wait_lasts 60; }
test_TIME_WAIT_of_120_s() { time_wait_lasts 120; }

test_a_new_length_holds_for_those_who_wait()
{
	in_ns a sysctl -qw net.tern.time_wait_s=120
	in_ns a vm-bench churn 127.0.0.1 5000 1 || fail "no connection" || return
	sleep 5
	in_ns a sysctl -qw net.tern.time_wait_s=2
	sleep 0.1
	[ -z "$(states a)" ] || fail "still there: $(states a)"
	in_ns a sysctl -qw net.tern.time_wait_s=60
}

test_the_limit_of_entries_sheds_the_oldest()
{
	local before

	before=$(counter a time_wait_overflow)
	in_ns a sysctl -qw net.tern.max_time_wait=3
	in_ns a vm-bench churn 127.0.0.1 5000 5 || fail "no connections" || return
	[ "$(states a)" = "06 06 06 " ] || fail "states $(states a)" || return
	[ "$(counter a time_wait_overflow)" = $((before + 2)) ] ||
		fail "shed $(counter a time_wait_overflow)"
	in_ns a sysctl -qw net.tern.max_time_wait=65536
	nothing_left a
}

# intervals FILE FILTER: the time between packets, in tenths of a second.
intervals()
{
	times "$1" "$2" | awk 'NR > 1 { printf "%.1f ", $1 - last } { last = $1 }'
}

syn_intervals()
{
	local retries=$1 expect=$2 got

	in_ns a sysctl -qw net.tern.syn_retries="$retries"
	in_ns b sysctl -qw net.tern.enable=0
	capture a v0 /tmp/give-up.pcap
	in_ns a vm-bulk client 10.7.0.2 5000 1 2> /tmp/give-up.err
	capture stop
	in_ns b sysctl -qw net.tern.enable=1
	in_ns a sysctl -qw net.tern.syn_retries=6
	grep -q 'Connection timed out' /tmp/give-up.err || fail "$(cat /tmp/give-up.err)" || return
	got=$(intervals /tmp/give-up.pcap 'ip src 10.7.0.1')
	[ "$got" = "$expect" ] || fail "intervals $got" || return
	nothing_left a
}

test_SYN_is_given_up_after_6_retransmissions()
{
	syn_intervals 6 "1.0 2.0 4.0 8.0 16.0 32.0 "
}

test_SYN_is_given_up_after_2_retransmissions()
{
	syn_intervals 2 "1.0 2.0 "
}

test_SYN_ACK_is_given_up_after_5_retransmissions()
{
	local got

	in_ns a sysctl -qw net.tern.enable=0
	ip netns exec b tern-echo --port 7 --quiet & local server=$!
	wait_until 5 listens b
	capture b v1 /tmp/give-up.pcap
	in_ns a vm-inject syn-flood 10.7.0.1 10.7.0.2 7 1
	sleep 0.1
	[ "$(states b)" = "03 0A " ] || fail "states $(states b)"
	sleep 70
	capture stop
	[ "$(states b)" = "0A " ] || fail "states $(states b)"
	kill "$server"
	wait "$server"
	got=$(intervals /tmp/give-up.pcap 'ip src 10.7.0.2')
	[ "$got" = "1.0 2.0 4.0 8.0 16.0 " ] || fail "intervals $got"
	in_ns a sysctl -qw net.tern.enable=1
	nothing_left b
}

# A raw client that vanishes half a second after it was started: its host, too, is
# silent then.  What it and the server are given comes from the two arrays.
vanished_peer()
{
	in_ns a sysctl -qw net.tern.enable=0
	ip netns exec b tern-echo --port 7 --once "${SERVER_ARGS[@]}" \
		> /tmp/echo.out 2>&1 & SERVER=$!
	wait_until 5 listens b
	capture b v1 /tmp/give-up.pcap
	ip netns exec a tern-client --quiet --no-stdin --close never --send x \
		"${CLIENT_ARGS[@]}" 10.7.0.2 7 > /dev/null & local client=$!
	sleep 0.5
	{ kill -9 "$client"; wait "$client"; } 2> /dev/null
}

# gives_up FILE FILTER COUNT: the last COUNT packets that match are retransmissions,
# each after twice the time of the one before, up to 120 s; the one before is none.
# (The first may wait longer: an acknowledgment restarted its timer.)
gives_up()
{
	local got

	got=$(times "$1" "$2" | tail -n $(($3 + 2)) |
		awk 'NR > 1 { printf "%.3f ", $1 - last } { last = $1 }')
	echo "$got" | awk -v count="$3" '{
		if (NF < count)
			exit 1
		first = NF - count + 1
		if (NF > count && $1 > $2 * 0.4 || $first > $(first + 1) * 0.7)
			exit 1
		for (i = first + 2; i <= NF; i++) {
			expect = $(i - 1) * 2 > 120 ? 120 : $(i - 1) * 2
			if ($i < expect * 0.98 - 0.01 || $i > expect * 1.02 + 0.01)
				exit 1
		} }' || fail "intervals $got"
}

test_data_is_given_up_after_15_retransmissions()
{
	SERVER_ARGS=(--source 500000000)
	CLIENT_ARGS=()
	vanished_peer
	wait_until 2000 holds_nothing b || fail "$(states b)"
	wait "$SERVER"
	capture stop
	in_ns a sysctl -qw net.tern.enable=1
	gives_up /tmp/give-up.pcap 'ip src 10.7.0.2 and ip[2:2] > 60' 15
	grep -qi 'timed out' /tmp/echo.out || fail "the server says: $(cat /tmp/echo.out)"
}

test_FIN_of_an_orphan_is_given_up_after_8_retransmissions()
{
	SERVER_ARGS=(--close-first 1)
	CLIENT_ARGS=(--lose in:FIN:1-99)
	vanished_peer
	wait "$SERVER"
	[ "$(counter b now_orphans)" = 1 ] || fail "no orphan: $(states b)"
	wait_until 2000 holds_nothing b || fail "$(states b)"
	capture stop
	in_ns a sysctl -qw net.tern.enable=1
	gives_up /tmp/give-up.pcap 'ip src 10.7.0.2 and ip[33] & 1 = 1' 8
}

test_zero_window_probes_go_on_while_answered()
{
	local sent

	ip netns exec b tern-echo --port 7 --once --source 300000 > /dev/null 2>&1 & local server=$!
	wait_until 5 listens b
	in_ns a sysctl -qw net.tern.enable=0
	# A client whose reader takes nothing for an hour.
	mkfifo /tmp/stalled
	ip netns exec a tern-client --quiet --no-stdin --close second --rcvbuf 5000 10.7.0.2 7 \
		> /tmp/stalled 2> /tmp/client.err & local client=$!
	exec 9< /tmp/stalled
	sleep 3600
	sent=$(counter b out_segs)
	sleep 1000
	[ $(($(counter b out_segs) - sent)) -ge 8 ] || fail "only $(($(counter b out_segs) - sent)) probes"
	[[ $(states b) == *01* ]] || fail "states $(states b)"
	[ "$(cat <&9 | wc -c)" = 300000 ] || fail "not all came"
	exec 9<&-
	rm /tmp/stalled
	wait "$client" || fail "the client failed: $(cat /tmp/client.err)"
	wait "$server"
	in_ns a sysctl -qw net.tern.enable=1
	nothing_left b
}

run_tests timers TIME_WAIT_of_1_s TIME_WAIT_of_2_s TIME_WAIT_of_30_s TIME_WAIT_of_60_s \
	TIME_WAIT_of_120_s a_new_length_holds_for_those_who_wait \
	the_limit_of_entries_sheds_the_oldest \
	SYN_is_given_up_after_6_retransmissions SYN_is_given_up_after_2_retransmissions \
	SYN_ACK_is_given_up_after_5_retransmissions \
	data_is_given_up_after_15_retransmissions \
	FIN_of_an_orphan_is_given_up_after_8_retransmissions \
	zero_window_probes_go_on_while_answered
drop_pair a b
exit "$FAILED"
