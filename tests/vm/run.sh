#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tests that boot a kernel.
#
#	tests/vm/run.sh [PART...]	parts: scenarios api options timers data input
#					hard ipv6 flood sysctl cli bench scripts differ
#					module storm sysfuzz
#
# All but the last three run in virtual time, in two VMs beside each other; "module" in a
# third one afterwards, "storm" and "sysfuzz" in a fourth, in real time on two CPUs.

set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. scripts/scenarios.sh

# slower machines get more time
patience=${TERN_TEST_PATIENCE:-1}
VIRTUAL=(scenarios api options timers data input hard sysctl cli)
BESIDE=(ipv6 flood bench scripts differ)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
failed=0

# guest ARGUMENTS... -- PART...: run parts in one VM.
guest()
{
	local args=() part script=

	while [ "$1" != -- ]; do
		args+=("$1")
		shift
	done
	shift
	for part; do
		case $part in
		# judged on this side
		scenarios)	script+="tests/vm/t-$part.sh; " ;;
		*)		script+="tests/vm/part.sh $part; " ;;
		esac
	done
	args+=(--add tests/scripts:tests/scripts --add tests/differ/known:tests/differ/known
		--add doc/differences.md:doc/differences.md)
	TERN_VM_APPEND=slab_nomerge scripts/vm.sh "${args[@]}" "$script true" && return
	echo "not ok - vm: the run of $* ended with $?: a kernel warning or a crash"
	failed=1
}

# What must have happened on the wire and in the states, line by line.
check_scenarios()
{
	local name dir exit_status

	for name in "${SCENARIOS[@]}"; do
		dir=$out/scenarios/$name
		scenario "$name"
		exit_status=$(cat "$dir/client.exit" 2> /dev/null)
		if [ "$exit_status" != "$CLIENT_EXIT" ]; then
			echo "not ok - scenario: $name: the client ended with '$exit_status'"
			failed=1
			continue
		fi
		build/bin/tern-ladder --list --no-times --client-log "$dir/client.log" \
			--server-trace "$dir/server.trace" "$dir/wire.pcap" > "$dir/list" 2>&1
		if [ -n "${TERN_WRITE_EXPECT:-}" ]; then
			cp "$dir/list" "tests/vm/expect/$name"
		fi
		if diff -u "tests/vm/expect/$name" "$dir/list" >&2; then
			echo "ok - scenario: $name"
		else
			echo "not ok - scenario: $name: the wire or the states differ"
			failed=1
		fi
	done
}

# both_guests: two VMs beside each other; what the second one says comes at the end.
both_guests()
{
	local second=

	if ((${#beside[@]})); then
		guest --timeout $((1500 * patience)) -- "${beside[@]}" > "$out/beside" 2>&1 & second=$!
	fi
	if ((${#virtual[@]})); then
		guest --timeout $((1500 * patience)) --out "$out" -- "${virtual[@]}"
		[[ " ${virtual[*]} " != *" scenarios "* ]] || check_scenarios
	fi
	if [ -n "$second" ]; then
		wait "$second"
		cat "$out/beside"
		# a function in the background cannot set our variable
		! grep -q '^not ok - vm:' "$out/beside" || failed=1
	fi
}

(($#)) || set -- "${VIRTUAL[@]}" "${BESIDE[@]}" module storm sysfuzz
virtual=() beside=() storms=()
for part; do
	case " ${BESIDE[*]} " in
	*" $part "*)	beside+=("$part") ;;
	*)
		case $part in
		module)		;;
		storm|sysfuzz)	storms+=("$part") ;;
		*)		virtual+=("$part") ;;
		esac ;;
	esac
done
both_guests
if [[ " $* " == *" module "* ]]; then
	guest --real --smp 2 --timeout $((400 * patience)) -- module
fi
if ((${#storms[@]})); then
	guest --real --smp 2 --timeout 900 -- "${storms[@]}"
fi
exit $failed
