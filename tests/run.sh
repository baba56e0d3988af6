#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh [SUITE...] - run the tests and count them.
#
# The suites are named in SUITES below; without a name, all of them.
# A suite is a program that prints a line for each result to its standard output,
#
#	ok - NAME
#	not ok - NAME: WHY
#	skip - NAME: WHY
#
# and anything else it likes.  A suite that ends with an error without having
# said "not ok", that runs too long, or that has no result counts as one failure.
# The last line is the sum of all.
set -euo pipefail

SUITES="unit scripts sim explore fuzz coverage purity requirements build vm"

cd "$(dirname "$0")/.."
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
passed=0 failed=0 skipped=0
failures=()

# suite NAME SECONDS COMMAND...
suite() {
	local name=$1 limit=$2 log=$temp/$1.log status=0 ok not_ok skip begin=$SECONDS
	shift 2

	echo "== $name"
	# the suite's processes end with it
	timeout -k 10 "$limit" "$@" 2>&1 </dev/null | tee "$log" || status=$?
	ok=$(grep -c '^ok - ' "$log" || true)
	not_ok=$(grep -c '^not ok - ' "$log" || true)
	skip=$(grep -c '^skip - ' "$log" || true)
	passed=$((passed + ok))
	failed=$((failed + not_ok))
	skipped=$((skipped + skip))
	while IFS= read -r line; do
		failures+=("${line#not ok - }")
	done < <(grep '^not ok - ' "$log" || true)

	local why=
	if [ $status -eq 124 ] || [ $status -eq 137 ]; then
		why="no end after $limit s"
	elif [ $status -ne 0 ] && [ "$not_ok" -eq 0 ]; then
		why="exit status $status"
	elif [ $((ok + not_ok + skip)) -eq 0 ]; then
		why="no result"
	fi
	if [ -n "$why" ]; then
		echo "not ok - $name: $why"
		failed=$((failed + 1))
		failures+=("$name: $why")
	fi
	echo "== $name: $ok passed, $not_ok failed, $((SECONDS - begin)) s"
}

unit() {
	local source program

	if ! make -s -k unit 2>&1; then
		failed=$((failed + 1))
		failures+=("unit: some programs were not built")
		echo "not ok - unit: some programs were not built"
	fi
	for source in tests/unit/test_*.c; do
		if [ ! -e "$source" ]; then
			echo "not ok - unit: there are no programs"
			failed=$((failed + 1))
			failures+=("unit: there are no programs")
			break
		fi
		program=build/unit/$(basename "$source" .c)
		# one that was not built just now has been counted
		[ "$program" -nt "$source" ] || continue
		suite "unit-$(basename "$program")" 120 "$program"
	done
}

# tests/scripts/ against the engine, and again with the numbers near the wrap: both
# ends' together at 2^32, the left edge at 0, the sign bit between the edges
scripts() {
	local numbers status=0 files=(tests/scripts/*.script)

	make -s scripts || return
	build/unit/scripts --table "${files[@]}" || status=$?
	for numbers in 0xffffffd8:0xffffff9c 0x7fffffd8:0x7fffff9c 0xffffffff:0xffffffff; do
		build/unit/scripts --brief --label "engine $numbers" \
			--iss "${numbers%:*}" --irs "${numbers#*:}" "${files[@]}" || status=$?
	done
	# 1 is what it says itself, line by line; anything else is a crash
	[ $status -le 1 ] || echo "not ok - scripts: the runner ended with $status"
	return $status
}

# the cases first, then seeds: most of them fast, some with sanitizers
sim() {
	make -s sim-programs || return
	build/sim/sim --label "sim: case" tests/sim/cases/*.sim &&
		build/sim/sim --floor --out build/sim --seeds 22500 &&
		build/sim/sim-checked --label "sim, sanitized" --out build/sim \
			--seed 1 --seeds 2500
}

# every run of two small hosts, and the transitions as doc/transitions.md has them
explore() {
	make -s build/bin/explore || return
	build/bin/explore test
}

# tests/fuzz/: the corpora, that of one engine with all kinds of numbers; then random inputs
# made of them
fuzz() {
	local name all status=0 crashes=build/fuzz/crashes

	make -s fuzzers || return
	mkdir -p $crashes
	# each with how many
	for name in wire:200000 engine:8000 pair:2500; do
		all=
		[ "$name" != engine:8000 ] || all=--thorough
		build/fuzz/${name%:*} ${all:+$all} --crashes $crashes \
			tests/fuzz/corpus/${name%:*}.hex || status=$?
		build/fuzz/${name%:*} --seed "${FUZZ_SEED:-1}" --random ${name#*:} --seconds 8 \
			--crashes $crashes tests/fuzz/corpus/${name%:*}.hex || status=$?
	done
	[ $status -le 1 ] || echo "not ok - fuzz: a replay ended with $status"
	return $status
}

# tern.ko without a warning of the compiler or of sparse
build() {
	if scripts/vm/module.sh; then
		echo "ok - build: tern.ko without a warning (W=1)"
	else
		echo "not ok - build: tern.ko without a warning (W=1)"
	fi
	if scripts/vm/module.sh --sparse; then
		echo "ok - build: sparse has nothing to say"
	else
		echo "not ok - build: sparse has nothing to say"
	fi
	if make -s vm-programs; then
		echo "ok - build: the programs"
	else
		echo "not ok - build: the programs"
	fi
}

# suites of a function run it in a shell of their own
if [ "${1:-}" = --function ]; then
	"$2"
	exit
fi

if [ $# -eq 0 ]; then
	# shellcheck disable=SC2086 # words
	set -- $SUITES
fi
for name in "$@"; do
	case " $SUITES " in
	*" $name "*) ;;
	*)	echo "run.sh: no suite $name; there are $SUITES" >&2
		exit 2 ;;
	esac
done
scripts/deps.sh build test
for name in "$@"; do
	case $name in
	unit)	unit ;;
	scripts) suite scripts 120 tests/run.sh --function scripts ;;
	sim)	suite sim 600 tests/run.sh --function sim ;;
	explore) suite explore 600 tests/run.sh --function explore ;;
	fuzz)	suite fuzz 300 tests/run.sh --function fuzz ;;
	coverage) suite coverage 300 scripts/coverage.sh ;;
	purity)	suite purity 300 tests/purity.sh ;;
	requirements) suite requirements 60 tests/requirements.sh ;;
	build)	suite build 900 tests/run.sh --function build ;;
	vm)	suite vm 3000 tests/vm/run.sh ;;
	esac
done

if [ $failed -gt 0 ]; then
	echo "== failed:"
	printf '  %s\n' "${failures[@]}"
fi
if [ $skipped -gt 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ $failed -eq 0 ] && [ $passed -gt 0 ]
