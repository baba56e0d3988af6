/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is true of the engine after every call, whoever calls: every harness checks
 * these.  Each function gives the name of the first law that does not hold, or NULL.
 */
#ifndef TERN_TEST_LAWS_H
#define TERN_TEST_LAWS_H

#include "core/tern.h"

/** define LAWS_DRAIN_MAX - segments that can be due at once, at the most */
#define LAWS_DRAIN_MAX 20000

/**
 * laws_result() - the result tells the whole truth about the state
 * @conn: the connection after the call
 * @before: its state before the call; 0 when that is not known
 * @res: what the call returned
 */
const char *laws_result(const struct tern_conn *conn, u8 before,
			const struct tern_result *res);

/**
 * laws_segment() - what may be said of every segment
 * @conn: the connection that gave it
 * @before: the same before it did
 * @seg: the segment
 */
const char *laws_segment(const struct tern_conn *conn, const struct tern_conn *before,
			 const struct tern_seg *seg);

/**
 * laws_rest() - the engine has nothing more to say: a deadline lies in the future if one
 *	is needed, and asking early changes nothing
 * @conn: the connection, drained
 * @now: us
 */
const char *laws_rest(const struct tern_conn *conn, u64 now);

#endif /* TERN_TEST_LAWS_H */
