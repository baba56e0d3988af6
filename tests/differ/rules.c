// SPDX-License-Identifier: GPL-2.0
/*
 * The differences that are meant.  Each has a section in doc/differences.md, by its
 * name.  A rule says as narrowly as it can when it applies: which step, in which state,
 * which side did what.
 */
#include "tests/differ/differ.h"

struct rule rules[] = {
	{ "none", NULL, false, 0 },
};

const u32 n_rules = 0;
