#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make demo: run one scenario in a VM and draw what was captured on the wire and
# read from the kernel.
#
#	scripts/demo.sh [SCENARIO]	"basic" without one
#	scripts/demo.sh list		the scenarios, a line each

set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/scenarios.sh

list()
{
	local name

	for name in "${SCENARIOS[@]}"; do
		scenario "$name"
		printf '%-20s %s\n' "$name" "$TITLE"
	done
}

# Before and after: every count of what the server's kernel holds.
proof()
{
	local dir=$1 name before after

	echo
	echo "What is left, as the two ends say themselves"
	echo "  client   $(sed -n 's/^[0-9.]* holds //p' "$dir/client.log" | tail -n 1)"
	echo "  server   /proc/net/tern_stat        before   after"
	while read -r name after; do
		before=$(awk -v name="$name" '$1 == name { print $2 }' "$dir/stat.before")
		printf '           %-24s %7s %7s\n' "${name#now_}" "$before" "$after"
	done < <(grep '^now_' "$dir/stat.after")
	awk '$1 != "sl" { n++ } END {
		printf "           /proc/net/tern and tern6 have %d lines\n", n }' "$dir/proc.after"
}

demo()
{
	local dir ladder

	out=$(mktemp -d)
	trap 'rm -rf "$out"' EXIT
	scripts/vm.sh --timeout 110 --out "$out" scripts/scenario.sh "$1" || {
		echo "demo: the VM failed (exit status $?)" >&2
		exit 1
	}
	dir=$out/$1
	echo
	echo "Tern: $TITLE"
	echo
	echo "$TELLS"
	echo
	ladder=(--client-log "$dir/client.log" --server-trace "$dir/server.trace")
	build/bin/tern-ladder "${ladder[@]}" "$dir/wire.pcap"
	proof "$dir"
	if [ "$(cat "$dir/client.exit")" != "$CLIENT_EXIT" ]; then
		echo "demo: the client ended with $(cat "$dir/client.exit")," \
			"not $CLIENT_EXIT:" >&2
		cat "$dir/client.err" >&2
		exit 1
	fi
}

name=${1:-basic}
if [ "$name" = list ]; then
	list
	exit 0
fi
if [ $# -gt 1 ] || ! scenario "$name"; then
	echo "demo: no scenario '$*'; these there are:" >&2
	list >&2
	exit 2
fi
demo "$name"
