#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run every scenario of the demo; the host compares what was seen.
. scripts/scenarios.sh
OUT=/out/scenarios scripts/scenario.sh "${SCENARIOS[@]}"
for ns in client server wire; do
	ip netns del $ns
done
