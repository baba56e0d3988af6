#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Storms, one after the other; after each, births equal deaths.  Real time, two CPUs.
#
#	t-storm.sh			each for a moment
#	t-storm.sh long MINUTES [SEED]	all of them together for so many minutes
. tests/vm/lib.sh

# Loading and unloading patches running code, which is not safe on more than one
# emulated CPU unless something keeps netfilter's static key on: see t-module.sh.
modprobe nf_conntrack enable_hooks=1

seed=1
length=1.2
if [ "${1:-}" = long ]; then
	seed=${3:-$((SECONDS + $$))}
	length=$(awk -v m="$2" -v n="$(vm-storm list | wc -l)" 'BEGIN { print m * 60 / n }')
fi

storms=$(vm-storm list) && [ -n "$storms" ] || {
	echo "not ok - storm: there are none"
	exit 1
}
for name in $storms; do
	[[ $name =~ ${ONLY:-.} && ! $name =~ ${EXCEPT:-^$} ]] || continue
	vm-storm "$name" "$seed" "$length" 2>&1 | tee /tmp/storm
	if [ "${PIPESTATUS[0]}" = 0 ]; then
		echo "ok - storm: $name"
	else
		echo "not ok - storm: $name: $(grep -v ' operations, ' /tmp/storm | head -n 1)"
		FAILED=1
	fi
done
exit "$FAILED"
