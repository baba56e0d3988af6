#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# requirements.sh - doc/requirements.md is true as far as a program can tell: each label
# of RFC 9293's Appendix B once, each with a verdict, and every function and test that
# a row names exists.  It cannot tell whether the function does what the row says.
set -euo pipefail

cd "$(dirname "$0")/.."
doc=${1:-doc/requirements.md}
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
failed=0

# check NAME LINES-THAT-SHOULD-NOT-BE
check() {
	if [ -z "$2" ]; then
		echo "ok - requirements: $1"
	else
		echo "not ok - requirements: $1: ${2//$'\n'/; }"
		failed=1
	fi
}

# "label|verdict|where|proof" of each row that begins like a label
awk -F ' *[|] *' '/^[|] *(MUST|SHLD|MAY|REC)/ {
	gsub(/\|/, "", $2)
	print (NF == 7 ? "" : "!") $2 "|" $4 "|" $5 "|" $6
}' "$doc" >"$temp/rows"

labels() {
	seq -f 'MUST-%g' 69
	seq -f 'SHLD-%g' 31
	seq -f 'MAY-%g' 18
	echo REC-1
}

labels | sort >"$temp/wanted"
cut -d '|' -f 1 "$temp/rows" | sort >"$temp/got"
check "every label of Appendix B ($(wc -l <"$temp/wanted"))" \
	"$(comm -23 "$temp/wanted" <(sort -u "$temp/got") | sed 's/$/ is missing/')"
check "no label twice, and no other" \
	"$(uniq -d "$temp/got" | sed 's/$/ has two rows/'
	   comm -13 "$temp/wanted" <(sort -u "$temp/got") | sed 's/$/ is no label/')"

# what is met names a function and a proof; what is not gives the reason
check "every row has a verdict" "$(awk -F '|' '
	function bad(why) { print $1 ": " why }
	$2 ~ /^met(: .+)?$/ {
		if ($3 !~ /^`/)
			bad("met, and no function")
		if ($4 !~ /^(`|by reading$)/)
			bad("met, and no proof")
		next
	}
	$2 ~ /^(not applicable|different|not met): ./ {
		if ($3 !~ /^(`|-$)/ || $4 !~ /^(`|-$|by reading$)/)
			bad("where or proof is neither a name nor -")
		next
	}
	$2 ~ /^(not applicable|different|not met)/ { bad("no reason"); next }
	{ bad("no verdict") }' "$temp/rows")"

# names COLUMN: "label FILE NAME" for each `FILE:NAME` or `FILE`, of which two are one row
names() {
	awk -F '|' -v column="$1" '{
		rest = $column
		while (match(rest, /`[^`]*`/)) {
			name = substr(rest, RSTART + 1, RLENGTH - 2)
			rest = substr(rest, RSTART + RLENGTH)
			file = name
			sub(/:.*/, "", file)
			sub(/^[^:]*:?/, "", name)
			print $1 "|" file "|" name
		}
		gsub(/`[^`]*`|[, -]/, "", $column)
		if ($column != "" && $column != "byreading")
			print $1 "|?|" $column
	}' "$temp/rows"
}

# defines FILE NAME: not a declaration, not a call: its opening brace comes before a ";"
defines() {
	awk -v name="$2" '
		$0 ~ "^([a-z_].*[ *])?" name "\\(" { open = 1 }
		open && /^\{|\) *\{/ { found = 1; exit }
		open && /;[ \t]*$/ { open = 0 }
		END { exit !found }' "$1"
}

missing() {
	echo "$1: no $3 in $2"
}

functions() {
	local label file name

	while IFS='|' read -r label file name; do
		case $file in
		core/*.c|module/*.c) ;;
		*)	missing "$label" "core/ or module/" "$file"
			continue ;;
		esac
		[ -f "$file" ] && [ -n "$name" ] && defines "$file" "$name" ||
			missing "$label" "$file" "${name:-name}"
	done
}

# of tests/vm/t-X.sh: defined, and one of those that are run
vm_test() {
	grep -q "^$2()" "$1" && grep -qE "(^|[[:space:]])${2#test_}([[:space:]]|\$)" "$1"
}

tests() {
	local label file name path

	while IFS='|' read -r label file name; do
		case $file in
		test_*.c)
			path=tests/unit/$file
			[ -f "$path" ] && defines "$path" "$name" && grep -q "TEST($name)" "$path" ;;
		t-*.sh)
			path=tests/vm/$file
			[ -f "$path" ] && vm_test "$path" "$name" ;;
		vm-*.c)
			path=tests/vm/$file
			[ -f "$path" ] && [ -n "$name" ] && grep -qF "{ \"$name\"," "$path" ;;
		*.script)
			path=tests/scripts/$file
			[ -f "$path" ] && { [ -z "$name" ] ||
				awk -v text="group $name" 'index($0, text) == 1 { found = 1 }
					END { exit !found }' "$path"; } ;;
		*)	path=tests
			false ;;
		esac || missing "$label" "$path" "${name:-$file}"
	done
}

names 3 >"$temp/functions"
names 4 >"$temp/tests"
check "every function is defined where it is said to be ($(sort -u -t '|' -k 2 "$temp/functions" | wc -l))" \
	"$(functions <"$temp/functions")"
check "every test exists and is run ($(sort -u -t '|' -k 2 "$temp/tests" | wc -l))" \
	"$(tests <"$temp/tests")"

verdicts() {
	awk -F '|' -v verdict="$1" '$2 == verdict || index($2, verdict ":") == 1 { n++ }
		END { print n + 0 }' "$temp/rows"
}

sum="$(wc -l <"$temp/rows") labels: $(verdicts met) met, $(verdicts 'not applicable') not applicable"
sum+=", $(verdicts different) different, $(verdicts 'not met') not met"
told=$(sed -n 's/^\*\*Totals: \(.*\)\.\*\*$/\1/p' "$doc")
check "totals: $sum" "$([ "$told" = "$sum" ] || echo "the document says $told")"
echo "by reading alone: $(grep -c '|by reading$' "$temp/rows")"
exit $failed
