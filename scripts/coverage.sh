#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# coverage.sh - which lines and branches of core/ the tests of this machine reach, all
# together: unit tests, scripts, fuzzers' corpora, and what else drives the engine.
#
# tests/coverage.gaps names those that are not reached.  An end with an error: one that is
# not named, or one that is named and reached.
set -euo pipefail

cd "$(dirname "$0")/.."
scripts/deps.sh build test
work=build/coverage
cflags=(-std=gnu11 -O0 -g -Wall -Wextra -D_GNU_SOURCE= -I. -Iinclude/uapi)
rm -rf $work
mkdir -p $work/core

# the engine once, with counters; every program is linked with it
for source in core/*.c; do
	gcc "${cflags[@]}" --coverage -c -o "$work/${source%.c}.o" "$source" &
done
wait
objects=("$work"/core/*.o)

# program NAME SOURCE-OR-FLAG...
program() {
	local name=$1
	shift
	gcc "${cflags[@]}" -o "$work/$name" "$@" "${objects[@]}" --coverage
}

# run LIMIT COMMAND...: what it says of failures is for its own suite to say
run() {
	local limit=$1
	shift
	timeout "$limit" "$@" >"$work/log" 2>&1 </dev/null ||
		echo "coverage: $(basename "$1") ended with an error: $(tail -n 1 "$work/log")" >&2
}

common=(tests/host/laws.c)
for source in tests/unit/*.c; do
	case $source in tests/unit/test_*) ;; *) common+=("$source") ;; esac
done
for source in tests/unit/test_*.c; do
	name=$(basename "$source" .c)
	program "$name" "$source" "${common[@]}"
	run 60 "$work/$name"
done

program scripts tests/scripts/*.c tests/host/host.c tests/host/laws.c
run 60 $work/scripts --brief tests/scripts/*.script

program fuzz-wire tests/fuzz/wire.c tests/fuzz/fuzz.c tests/fuzz/replay.c
program fuzz-engine tests/fuzz/engine.c tests/fuzz/end*.c tests/fuzz/fuzz.c \
	tests/fuzz/replay.c tests/host/laws.c
program fuzz-pair -DHOST_SOCKS=4 -DHOST_WAITS=4 -DHOST_BUF=4096 -DHOST_MTU=288 -DHOST_OUT=64 \
	tests/fuzz/pair.c tests/fuzz/fuzz.c tests/fuzz/replay.c tests/host/host.c \
	tests/host/laws.c
for name in wire engine pair; do
	run 60 $work/fuzz-$name "tests/fuzz/corpus/$name.hex"
done

gcovr --root . --filter 'core/' --json "$work/coverage.json" $work/core >/dev/null
python3 scripts/coverage.py "$work/coverage.json" tests/coverage.gaps
