#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# storm.sh storm MINUTES [SEED] | sysfuzz CALLS [SEED] - the long runs of
# tests/vm/t-storm.sh and t-sysfuzz.sh in a VM of two CPUs in real time; KERNEL as
# scripts/kernel.sh has it.
set -euo pipefail

cd "$(dirname "$0")/.."
kind=${1:?storm or sysfuzz} amount=${2:?how much} seed=${3:-$RANDOM}
for number in "$amount" "$seed"; do
	case $number in
	''|*[!0-9]*|????????*)
		echo "storm.sh: '$number' is not a number, or too large" >&2
		exit 2 ;;
	esac
done
# Slow machines are given time; who hangs is found out inside.
case $kind in
storm)		limit=$((amount * 120 + 1200)) ;;
sysfuzz)	limit=$((amount / 100 + 1200)) ;;
*)		echo "storm.sh: storm or sysfuzz, not '$kind'" >&2; exit 2 ;;
esac
echo "storm.sh: seed $seed"
TERN_VM_APPEND=slab_nomerge exec scripts/vm.sh --real --smp 2 --timeout "$limit" -- \
	"tests/vm/t-$kind.sh" long "$amount" "$seed"
