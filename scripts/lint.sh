#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# lint.sh - style: checkpatch and kernel-doc of the kernel, codespell, shellcheck.
set -euo pipefail

cd "$(dirname "$0")/.."
scripts/deps.sh lint
checkpatch=$(scripts/kernel.sh checkpatch)
kernel_doc=$(scripts/kernel.sh kernel-doc)
failed=0

# say NAME COMMAND...: run it, and say so when it fails
say() {
	local name=$1
	shift
	if "$@"; then
		echo "lint: $name: clean"
	else
		echo "lint: $name: FAILED"
		failed=1
	fi
}

# what git knows or would add; without git, what is there
files() {
	if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard -- "$@"
	else
		find . -path ./build -prune -o -type f -print | sed 's,^\./,,' |
			while IFS= read -r f; do
				for pattern in "$@"; do
					# shellcheck disable=SC2053 # a pattern is meant
					[[ $f == $pattern ]] && echo "$f" && break
				done
			done
	fi | sort -u | while IFS= read -r f; do [ -f "$f" ] && echo "$f"; done || true
}

mapfile -t c_files < <(files '*.c' '*.h')
mapfile -t doc_files < <(files 'core/*.[ch]' 'module/*.[ch]' 'include/*.h')
mapfile -t text_files < <(files '*.c' '*.h' '*.sh' '*.md' Makefile Kbuild '.ci/*' 'scripts/*')
shell_files=()
while IFS= read -r file; do
	case $(head -n 1 "$file") in
	'#!/bin/bash'*|'#!/bin/sh'*) shell_files+=("$file") ;;
	esac
done < <(files '*.sh' 'scripts/*' 'tests/*' '.ci/*')

# MACRO_ARG_REUSE, MACRO_ARG_PRECEDENCE: in trace.h and the tests' tables the
# argument is a name.
ignore=MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE
# Programs have no ARRAY_SIZE, BIT, __printf or kernel types, and core/ has none
# but those it defines.
# compat.h is there to ask for the version; trace.h is laid out as every trace header.
ignore_compat=$ignore,LINUX_VERSION_CODE,CONSTANT_COMPARISON
ignore_trace=$ignore,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT
ignore_outside=$ignore,ARRAY_SIZE,BIT_MACRO,PREFER_DEFINED_ATTRIBUTE_MACRO,PREFER_KERNEL_TYPES

run_checkpatch() {
	local file inside=() outside=() status=0

	for file in "${c_files[@]}"; do
		case $file in
		module/compat.h) one_checkpatch "$ignore_compat" "$file" || status=1 ;;
		module/trace.h) one_checkpatch "$ignore_trace" "$file" || status=1 ;;
		module/*|include/*) inside+=("$file") ;;
		*) outside+=("$file") ;;
		esac
	done
	[ ${#inside[@]} -eq 0 ] || one_checkpatch "$ignore" "${inside[@]}" || status=1
	[ ${#outside[@]} -eq 0 ] || one_checkpatch "$ignore_outside" "${outside[@]}" || status=1
	return "$status"
}

one_checkpatch() {
	local list=$1
	shift
	perl "$checkpatch" --strict --no-tree --no-summary --terse --show-types \
		--max-line-length=100 --ignore "$list" -f "$@"
}

run_kernel_doc() {
	[ ${#doc_files[@]} -gt 0 ] || return 0
	perl "$kernel_doc" -none -Werror "${doc_files[@]}"
}

run_codespell() { codespell --quiet-level=2 "${text_files[@]}"; }

# SC1091: files that are not there now; SC2317: traps and functions called by name;
# SC2015: in "A && B || fail" both must hold; SC2016: awk's programs have $ signs
run_shellcheck() { shellcheck -e SC1091,SC2317,SC2015,SC2016 "${shell_files[@]}"; }

say checkpatch run_checkpatch
say kernel-doc run_kernel_doc
say codespell run_codespell
say shellcheck run_shellcheck
exit $failed
