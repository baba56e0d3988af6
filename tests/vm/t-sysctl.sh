#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# net.tern.*: ranges that refuse nonsense, and one set per namespace.
. tests/vm/lib.sh

DIR=/proc/sys/net/tern
ip netns add other

refused()
{
	local before

	before=$(cat "$DIR/$1")
	if { echo "$2" > "$DIR/$1"; } 2> /dev/null; then
		fail "$1 took '$2'"
		return 1
	fi
	[ "$(cat "$DIR/$1")" = "$before" ] || fail "$1 changed"
}

accepted()
{
	local before

	before=$(cat "$DIR/$1")
	{ echo "$2" > "$DIR/$1"; } 2> /dev/null || fail "$1 refused '$2'" || return
	[ "$(cat "$DIR/$1")" = "$2" ] || fail "$1 is $(cat "$DIR/$1")"
	echo "$before" > "$DIR/$1"
}

test_nonsense_is_refused()
{
	local file

	for file in "$DIR"/*; do
		file=${file##*/}
		refused "$file" -1 && refused "$file" hello && refused "$file" 99999999999 ||
			return 1
	done
	refused enable 2 && refused time_wait_s 0 && refused time_wait_s 3601 &&
		refused rto_min_ms 0 && refused syn_retries 31 && refused delack_ms 501 &&
		refused rto_max_ms 999 && refused max_syn_backlog 0
}

test_sense_is_accepted()
{
	accepted time_wait_s 1 && accepted time_wait_s 120 && accepted syn_retries 0 &&
		accepted rto_initial_ms 3000 && accepted challenge_acks_per_s 0 &&
		accepted delack_ms 0 && accepted fin_wait_2_s 3600
}

test_a_namespace_has_its_own()
{
	in_ns other sysctl -qw net.tern.time_wait_s=7
	[ "$(cat "$DIR/time_wait_s")" = 60 ] || fail "the other's value is here"
	[ "$(in_ns other sysctl -n net.tern.time_wait_s)" = 7 ] || fail "it is lost"
}

# A floor above the ceiling makes the ceiling follow, not the kernel fail.
test_rto_min_above_rto_max()
{
	sysctl -qw net.tern.rto_max_ms=1000 net.tern.rto_min_ms=5000
	vm-bench churn 127.0.0.1 5003 3 || fail "no connections"
	sysctl -qw net.tern.rto_min_ms=200 net.tern.rto_max_ms=120000
}

run_tests sysctl nonsense_is_refused sense_is_accepted a_namespace_has_its_own \
	rto_min_above_rto_max
ip netns del other
exit "$FAILED"
