#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tests/scripts/ against tern.ko, again over IPv6, and with its own numbers at the wrap.
. tests/vm/lib.sh

# Failing cases it names itself and ends with 1; anything else is a crash.
scripts()
{
	local status=0

	vm-scripts --target kernel "$@" tests/scripts/*.script || status=$?
	[ $status = 0 ] || FAILED=1
	[ $status -le 1 ] || echo "not ok - scripts: kernel: $*: the runner ended with $status"
}

modprobe tun
scripts --table
scripts --brief --label "kernel over IPv6" --ipv6
scripts --brief --label "kernel near the wrap" --near-wrap --iss 0xffffffc0 --irs 0xffffff9c
exit "$FAILED"
