#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tests that boot a kernel, on kernels that watch (scripts/vm/debug/):
#
#	tests/debug.sh [KERNEL [PART...]]	all, or those of kasan or kcsan, or some
#
# kasan looks at memory, locks, lifetimes and leaks, and lets allocations fail; kcsan
# at data races, on two CPUs.  Whatever either of them reports ends its run with
# "not ok", but for data races in which Tern has no part: scripts/vm/reports.awk says
# what that means, and each run how many there were.
#
# Two VMs run beside each other.  Results are lines "ok - KERNEL: SUITE: name"; the last
# line counts them.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

# KERNEL, MODE, what runs one after the other in one VM.  "virtual": one CPU, time as
# the tests want it; "smp": two CPUs, real time.
RUNS=(
	"kasan virtual fault"
	"kasan virtual ipv6 sysctl"
	"kasan virtual api options timers"
	"kasan virtual data cli"
	"kasan virtual hard input"
	"kasan virtual flood"
	"kasan virtual scripts"
	"kasan virtual scenarios"
	"kasan virtual soak"
	"kasan smp module storm sysfuzz"
	"kcsan smp module"
	"kcsan smp soak"
	"kcsan smp storm sysfuzz"
)

# What such a kernel says nothing about, by the name of its function: everything is
# several times slower there, and not everything by the same factor.
#
#	bench			Tern's speed against TCP's: no part of RUNS at all
EXCEPT='^$'

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 130' INT TERM
only=${1:-}
shift || true
wanted=" $* "

# parts_of LIST...: those that are wanted, and there.
parts_of()
{
	local part

	for part; do
		[ "$wanted" = "  " ] || [[ $wanted == *" $part "* ]] || continue
		[ -e "tests/vm/t-$part.sh" ] || {
			echo "debug.sh: there is no part $part" >&2
			exit 1
		}
		echo "$part"
	done
}

# one_run NUMBER KERNEL MODE PART...: its results go to $out/NUMBER.
one_run()
{
	local number=$1 kernel=$2 mode=$3 args=() part script='' status=0 begin=$SECONDS
	shift 3

	export KERNEL=$kernel TERN_VM_APPEND=slab_nomerge
	if [ "$*" = scenarios ]; then
		# they are judged on this side
		tests/vm/run.sh scenarios || status=$?
	else
		for part; do
			script+="EXCEPT='$EXCEPT' tests/vm/part.sh $part; "
		done
		[ "$mode" = virtual ] || args=(--real --smp 2)
		args+=(--timeout 2400 --add tests/scripts:tests/scripts --add module:module)
		scripts/vm.sh --no-build "${args[@]}" "$script true" || status=$?
	fi > "$out/$number" 2> "$out/$number.err"
	grep -v '^\(not \)\?ok - ' "$out/$number"
	cat "$out/$number.err"
	[ $status = 0 ] ||
		echo "not ok - vm: the run of $* ended with $status" >> "$out/$number"
	sed -n "s/^\(\(not \)\?ok - \)/\1$kernel: /p" "$out/$number" | tee "$out/$number.results"
	echo "# $kernel, $mode: $*: $((SECONDS - begin)) s"
}

number=0
for kernel in kasan kcsan; do
	[ -z "$only" ] || [ "$only" = "$kernel" ] || continue
	# once, and not in each run
	KERNEL=$kernel scripts/vm/module.sh >&2 || exit 1
done
make -s vm-programs >&2 || exit 1
begin=$SECONDS
for run in "${RUNS[@]}"; do
	read -r kernel mode list <<< "$run"
	[ -z "$only" ] || [ "$only" = "$kernel" ] || continue
	# shellcheck disable=SC2086 # it is a list
	mapfile -t parts < <(parts_of $list)
	[ ${#parts[@]} -gt 0 ] || continue
	while [ "$(jobs -rp | wc -l)" -ge "${JOBS:-2}" ]; do
		wait -n || true
	done
	number=$((number + 1))
	one_run $number "$kernel" "$mode" "${parts[@]}" &
done
wait
passed=$(cat "$out"/*.results | grep -c '^ok - ')
failed=$(cat "$out"/*.results | grep -c '^not ok - ')
echo "debug: $passed passed, $failed failed, in $((SECONDS - begin)) s"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
