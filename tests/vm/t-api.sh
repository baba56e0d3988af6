#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The socket API, call by call against TCP: see vm-api.c.
. tests/vm/lib.sh

ip netns add api
ip -n api link set lo up
ip -n api link add v0 type veth peer name v1
ip -n api addr add 10.66.0.1/24 broadcast + dev v0
ip -n api link set v0 up
ip -n api link set v1 up
# A neighbour that never answers.
ip -n api neigh replace 10.66.0.2 dev v0 lladdr 02:00:00:00:00:99 nud permanent
in_ns api vm-api || FAILED=1

test_everything_is_released()
{
	nothing_left api
}

run_tests api everything_is_released
ip netns del api
exit "$FAILED"
