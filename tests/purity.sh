#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# purity.sh - core/ is arithmetic on plain data and nothing else: it can be built
# for a machine that has no library and no kernel.
set -euo pipefail

cd "$(dirname "$0")/.."
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
failed=0

# check NAME LINES-THAT-SHOULD-NOT-BE
check() {
	if [ -z "$2" ]; then
		echo "ok - purity: $1"
	else
		echo "not ok - purity: $1: ${2//$'\n'/; }"
		failed=1
	fi
}

shopt -s nullglob
sources=(core/*.c)
headers=(core/*.h)
if [ ${#sources[@]} -eq 0 ]; then
	echo "not ok - purity: there is no core/*.c"
	exit 1
fi

objects=()
errors=
for source in "${sources[@]}"; do
	object=$temp/$(basename "$source" .c).o
	if gcc -std=gnu11 -ffreestanding -nostdlib -O2 -fno-pic -fno-stack-protector \
	       -fno-asynchronous-unwind-tables -Wall -Wextra -Werror -I. \
	       -c -o "$object" "$source" 2>"$temp/errors"; then
		objects+=("$object")
	else
		cat "$temp/errors"
		errors+="$source "
	fi
done
check "builds freestanding" "$errors"
if [ -n "$errors" ]; then
	exit 1
fi

ld -r -o "$temp/core.o" "${objects[@]}"
check "no undefined symbol but memcpy and memset" \
	"$(nm -u "$temp/core.o" | awk '$2 != "memcpy" && $2 != "memset" { print $2 }')"
check "no writable data" \
	"$(nm "$temp/core.o" | awk '$2 ~ /^[bBdDcCgGsS]$/ { print $3 }')"
# the compiler needs headers of its own for fixed-size integers and bool, once
check "includes nothing outside core/" \
	"$(grep -nE '^[[:space:]]*#[[:space:]]*include' "${sources[@]}" "${headers[@]}" |
		grep -vE 'include "core/[a-z_]+\.h"' |
		grep -vE 'core/[a-z_]+\.[ch]:[0-9]+:#include "[a-z_]+\.h"' |
		grep -vE '^core/types\.h:[0-9]+:[[:space:]]*#[[:space:]]*include <(linux/(types|string)\.h|(stdint|stdbool|stddef)\.h)>' || true)"
check "knows of the kernel in types.h only" \
	"$(grep -n '__KERNEL__' "${sources[@]}" "${headers[@]}" | grep -v '^core/types\.h:' || true)"
exit $failed
