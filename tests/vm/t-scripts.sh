#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tests/scripts/ against tern.ko, and again with its own numbers at the wrap.
. tests/vm/lib.sh

modprobe tun
files=(tests/scripts/*.script)
vm-scripts --target kernel --table "${files[@]}" || FAILED=1
vm-scripts --target kernel --brief --label "kernel near the wrap" --near-wrap \
	--iss 0xffffffc0 --irs 0xffffff9c "${files[@]}" || FAILED=1
exit "$FAILED"
