#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tern against Linux TCP: sequences that once differed, then random ones (SEEDS of them,
# from FIRST on), on both; tests/differ/, doc/differences.md.
. tests/vm/lib.sh

# differ NAME ARGUMENT...: what the program says goes before the verdict.
differ()
{
	local name=$1 status=0
	shift
	vm-differ "$@" || status=$?
	case $status in
	0)	echo "ok - differ: $name" ;;
	1)	echo "not ok - differ: $name: differences that are not meant" ;;
	*)	echo "not ok - differ: $name: the program ended with $status" ;;
	esac
	[ $status = 0 ] || FAILED=1
}

# rules_described: each rule has its section in the document, and each section its rule
rules_described()
{
	local only

	vm-differ --rules | sort > /tmp/rules
	sed -n 's/^#### //p' doc/differences.md | sort > /tmp/sections
	# also when neither says anything
	only=$([ -s /tmp/rules ] || echo nothing; diff /tmp/rules /tmp/sections | grep '^[-+<>]')
	if [ -z "$only" ]; then
		echo "ok - differ: every difference that is meant is described"
	else
		echo "not ok - differ: every difference that is meant is described: $only"
		FAILED=1
	fi
}

# what is meant is written down for the TCP of one kernel; others have other edges
case $(uname -r) in
6.1.*)	;;
*)	echo "skip - differ: Tern against TCP: the differences are those of Linux 6.1"
	exit 0 ;;
esac
modprobe tun
rules_described
differ "known sequences" tests/differ/known/*.differ
differ "${SEEDS:-500} random sequences" --first "${FIRST:-1}" --seeds "${SEEDS:-500}"
exit "$FAILED"
