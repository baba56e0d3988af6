#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tern next to TCP, in the same boot and in virtual time.
. tests/vm/lib.sh

# Not a bar yet, but a guard: nothing may become absurdly slow unnoticed.
test_connect_is_not_much_slower_than_TCP()
{
	local line

	line=$(vm-bench connect 127.0.0.1 5004 500) || fail "it failed" || return
	echo "# $line" >&2
	[ "$(echo "$line" | awk '{ print $NF < 2 }')" = 1 ] || fail "$line"
}

run_tests bench connect_is_not_much_slower_than_TCP
