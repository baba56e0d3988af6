#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fuzz.sh - the long run of the fuzzers in tests/fuzz/.
#
# shellcheck disable=SC2086 # the names of fuzzers have no blanks
set -euo pipefail

usage() {
	cat <<-END
	usage: scripts/fuzz.sh [--engine libfuzzer|afl] [--keep] SECONDS [FUZZER...]

	Runs each fuzzer (wire, engine, pair) for so many seconds, beginning with its
	corpus in tests/fuzz/corpus, and prints executions, executions a second and
	coverage.  An input that breaks a law is put in build/fuzz/FUZZER-crashes, made
	small and shown.

	  --engine E  libfuzzer (clang) or afl (AFL++)
	  --keep      put what is new into the corpus, minimised
	END
}

cd "$(dirname "$0")/.."
engine=libfuzzer keep=
while [ $# -gt 0 ]; do
	case $1 in
	--engine) engine=${2:-}; shift ;;
	--keep)	keep=1 ;;
	-h|--help) usage; exit 0 ;;
	-*)	usage >&2; exit 2 ;;
	*)	break ;;
	esac
	shift
done
seconds=${1:-}
shift || true
case $seconds in ''|*[!0-9]*) usage >&2; exit 2 ;; esac
case $engine in
libfuzzer|afl) ;;
*)	echo "fuzz.sh: '$engine' is neither libfuzzer nor afl" >&2; exit 2 ;;
esac
[ $# -gt 0 ] || set -- wire engine pair
for name in "$@"; do
	[ -e "tests/fuzz/$name.c" ] || { echo "fuzz.sh: no fuzzer $name" >&2; exit 2; }
done

scripts/deps.sh build fuzz
work=build/fuzz
mkdir -p $work
failed=0

# The input small, and in words
show() {
	local name=$1 crash=$2 small=$2.min

	echo "fuzz: $name: broken by $crash"
	timeout 60 $work/$name-libfuzzer -minimize_crash=1 -max_total_time=20 \
		-exact_artifact_path="$small" "$crash" >/dev/null 2>&1 || true
	[ -s "$small" ] || cp "$crash" "$small"
	echo "fuzz: $name: as small as it got: $small"
	timeout 60 $work/$name --show "$small" 2>&1 | tail -n 100 || true
}

# What of core/ the inputs in a directory reach
coverage() {
	local name=$1 dir=$2

	rm -f $work/$name.profraw
	LLVM_PROFILE_FILE=$work/$name.profraw $work/$name-cover -runs=0 "$dir" >/dev/null 2>&1 ||
		true
	llvm-profdata merge -o $work/$name.profdata $work/$name.profraw
	llvm-cov report $work/$name-cover -instr-profile=$work/$name.profdata core |
		awk -v name="$name" '$1 == "TOTAL" {
			print "fuzz: " name ": core/: " $10 " of lines, " $13 " of branches" }'
}

run_libfuzzer() {
	local name=$1 found=$work/$1-found log=$work/$1.log

	timeout $((seconds + 120)) $work/$name-libfuzzer -max_total_time="$seconds" -timeout=20 \
		-max_len=600 -print_final_stats=1 -artifact_prefix=$work/$name-crashes/ \
		"$found" $work/$name-corpus >"$log" 2>&1 || true
	awk -v name="$name" -v s="$seconds" '
		/stat::number_of_executed_units/ { runs = $2 }
		/stat::average_exec_per_sec/ { rate = $2 }
		/ cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") edges = $(i + 1) }
		END { print "fuzz: " name ": libfuzzer: " runs + 0 " executions, " rate \
			" a second, " edges " edges"; exit !runs }' "$log"
}

run_afl() {
	local name=$1 out=$work/$1-afl-out stats

	rm -rf "$out"
	AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 \
		timeout $((seconds + 120)) afl-fuzz -V "$seconds" -t 2000+ -m none -G 600 \
		-i $work/$name-corpus -o "$out" -- $work/$name-afl >$work/$name.log 2>&1 || true
	stats=$out/default/fuzzer_stats
	[ -e "$stats" ] || { tail -n 20 $work/$name.log; return 1; }
	awk -F' *: *' -v name="$name" '
		{ of[$1] = $2 }
		END { print "fuzz: " name ": afl: " of["execs_done"] " executions, " \
			of["execs_per_sec"] " a second, " of["edges_found"] " edges, " \
			of["bitmap_cvg"] " of the map, stability " of["stability"] }' "$stats"
	find "$out"/default/queue -maxdepth 1 -type f -exec cp -t $work/$name-found {} +
	find "$out"/default/crashes "$out"/default/hangs -maxdepth 1 -type f -name 'id*' \
		-exec cp -t $work/$name-crashes {} +
}

# The corpus again, with what is new, and no more of it than is needed
keep() {
	local name=$1 merged=$work/$1-merged

	rm -rf "$merged" && mkdir "$merged"
	$work/$name-libfuzzer -merge=1 "$merged" $work/$name-corpus $work/$name-found \
		>/dev/null 2>&1
	$work/$name --pack "$merged" | sort >"$work/$name.hex"
	cp "$work/$name.hex" tests/fuzz/corpus/
	echo "fuzz: $name: $(wc -l <"$work/$name.hex") inputs in the corpus," \
		"$(wc -c <"$work/$name.hex") octets"
}

for name in "$@"; do
	make -s $work/$name $work/$name-libfuzzer $work/$name-cover
	[ $engine = libfuzzer ] || make -s $work/$name-afl
	rm -rf $work/$name-corpus $work/$name-found $work/$name-crashes
	mkdir $work/$name-corpus $work/$name-found $work/$name-crashes
	$work/$name --unpack $work/$name-corpus tests/fuzz/corpus/$name.hex
	run_$engine "$name" || failed=1
	cp $work/$name-found/* $work/$name-corpus/ 2>/dev/null || true
	coverage "$name" $work/$name-corpus
	for crash in "$work/$name"-crashes/*; do
		[ -e "$crash" ] || continue
		failed=1
		show "$name" "$crash"
	done
	[ -z "$keep" ] || keep "$name"
done
exit $failed
