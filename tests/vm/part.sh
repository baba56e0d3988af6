#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# part.sh NAME - run tests/vm/t-NAME.sh in the VM.  One that ends with an error without
# having said "not ok", or has said nothing at all, has failed.

name=$1
said=/tmp/part.$name

"tests/vm/t-$name.sh" | tee "$said"
status=${PIPESTATUS[0]}
if ! grep -qE '^(ok|not ok|skip) - ' "$said"; then
	echo "not ok - $name: no result, and exit status $status"
elif [ "$status" != 0 ] && ! grep -q '^not ok - ' "$said"; then
	echo "not ok - $name: exit status $status"
fi
