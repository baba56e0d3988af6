#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# matrix.sh [KERNEL...] - build tern.ko for each of these kernels, boot it and run the
# VM tests; a table at the end.  A kernel that cannot be had is a failure, too, with
# what its sources said.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
all=(stock rt 6.12 newest arm64 s390x)
logs=build/matrix

usage() {
	cat <<-END
	usage: scripts/matrix.sh [KERNEL...]

	Kernels, as scripts/kernel.sh knows them: ${all[*]}
	(all of them when none is named).

	environment: PARTS, the parts of tests/vm/run.sh to run, all when empty
	END
}

count() { grep -c "^$1 - " "$2" || true; }

# What went wrong first, for the last column.
remark() {
	local log=$1

	sed -n 's/^not ok - //p' "$log" | head -n 3 | cut -c 1-100 | paste -sd ';'
}

rows=()
failed=0

row() { rows+=("$(printf '%-7s %-28s %-7s %6s %6s %7s  %s' "$@")"); }

# one KERNEL: a row of the table
one() {
	local kernel=$1 log=$logs/$1.log release begin=$SECONDS passed wrong status
	local parts=()

	export KERNEL=$kernel TERN_TEST_PATIENCE=3
	read -ra parts <<<"${PARTS:-}"
	echo "== $kernel"
	if ! release=$(scripts/kernel.sh release 2>"$log"); then
		cat "$log"
		row "$kernel" - "no" - - - "cannot be had: $(tail -n 2 "$log" | paste -sd ';')"
		return 1
	fi
	if ! scripts/vm/module.sh >"$log" 2>&1; then
		cat "$log"
		row "$kernel" "$release" FAILED - - "$((SECONDS - begin)) s" \
			"$(grep -m 1 -E 'error:|warning:|ERROR' "$log")"
		return 1
	fi
	# what compares the tests' captures runs here
	make -s build/bin/tern-ladder >>"$log" 2>&1
	tests/vm/run.sh "${parts[@]}" 2>&1 </dev/null | tee -a "$log" |
		grep -vE '^ok - '
	status=${PIPESTATUS[0]}
	passed=$(count ok "$log")
	wrong=$(count 'not ok' "$log")
	# ended without having said why
	[ "$status" -eq 0 ] || [ "$wrong" -gt 0 ] || wrong=1
	row "$kernel" "$release" ok "$passed" "$wrong" "$((SECONDS - begin)) s" "$(remark "$log")"
	[ "$wrong" -eq 0 ] && [ "$passed" -gt 0 ]
}

case ${1:-} in -h|--help) usage; exit 0 ;; esac
[ $# -gt 0 ] || set -- "${all[@]}"
for kernel; do
	case " ${all[*]} " in
	*" $kernel "*) ;;
	*) usage >&2; exit 2 ;;
	esac
done
mkdir -p "$logs"
scripts/deps.sh build vm matrix
for kernel; do
	one "$kernel" || failed=$((failed + 1))
done

echo
printf '%-7s %-28s %-7s %6s %6s %7s  %s\n' kernel release build passed failed time remarks
printf '%s\n' "${rows[@]}"
if [ $failed -gt 0 ]; then
	echo "matrix: $failed of $# kernels failed; logs are in $logs/"
	exit 1
fi
echo "matrix: all of $# kernels pass"
