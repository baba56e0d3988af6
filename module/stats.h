/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The counters of a namespace, as /proc/net/tern_stat shows them.
 */
#ifndef TERN_MODULE_STATS_H
#define TERN_MODULE_STATS_H

#include "core/wire.h"

/* enum tern_mib_item - what is counted besides drops */
enum tern_mib_item {
	TERN_MIB_IN_SEGS,		/* segments that arrived, good or bad */
	TERN_MIB_OUT_SEGS,		/* segments handed to IP */
	TERN_MIB_OUT_FAILED,		/* segments due that could not be built or routed */
	TERN_MIB_RETRANS_SEGS,		/* of out_segs, those sent before */
	TERN_MIB_REXMT_TIMEOUTS,	/* times the retransmission timer expired */
	TERN_MIB_RECOVERIES,		/* losses that duplicate ACKs told of */
	TERN_MIB_OUT_RSTS,		/* of out_segs, those with RST */
	TERN_MIB_ACTIVE_OPENS,		/* CLOSED -> SYN_SENT */
	TERN_MIB_PASSIVE_OPENS,		/* LISTEN -> SYN_RECEIVED */
	TERN_MIB_ESTABLISHED,		/* handshakes completed */
	TERN_MIB_CONN_TIMEOUTS,		/* connections given up: nobody answered */
	TERN_MIB_CONN_RESETS,		/* connections ended by the peer's RST */
	TERN_MIB_TIME_WAITED,		/* entries into TIME_WAIT */
	TERN_MIB_TIME_WAIT_ACKS,	/* segments answered in TIME_WAIT */
	TERN_MIB_TIME_WAIT_REOPENS,	/* TIME_WAIT ended early by a new SYN */
	TERN_MIB_TIME_WAIT_OVERFLOW,	/* the oldest entry was shed, or none could be made */
	TERN_MIB_CHALLENGE_ACKS,	/* challenge ACKs sent */
	TERN_MIB_CHALLENGE_LIMITED,	/* challenge ACKs the rate limit withheld */
	TERN_MIB_SYNCOOKIES_SENT,	/* SYN-ACKs with a cookie */
	TERN_MIB_SYNCOOKIES_RECEIVED,	/* connections that a cookie made */
	TERN_MIB_SYNCOOKIES_FAILED,	/* ACKs with a cookie that is forged or stale */
	TERN_MIB_SYNCOOKIES_REPLAYED,	/* ACKs with a cookie that was used before */
	TERN_MIB_ORPHAN_OVERFLOW,	/* orphans aborted: too many */
	TERN_MIB_RCV_PRUNED,		/* out-of-order data given up for lack of memory */
	TERN_MIB_ITEMS,
};

/* enum tern_shell_drop - why the module itself dropped a segment; goes on from &enum tern_drop */
enum tern_shell_drop {
	TERN_DROP_CHECKSUM = TERN_DROP_CORE,	/* wrong checksum */
	TERN_DROP_NOT_UNICAST,	/* to a broadcast or multicast address, or not to us */
	TERN_DROP_MEMORY,	/* no memory for it, or the receive buffer is full */
	TERN_DROP_BACKLOG,	/* too many waited for a socket in use */
	TERN_DROP_SYN_OVERFLOW,	/* SYN: the listener's half-open connections are too many */
	TERN_DROP_ACCEPT_OVERFLOW, /* SYN or ACK: the accept queue is full */
	TERN_DROP_TIME_WAIT,	/* TIME_WAIT ignores it (RST) */
	TERN_DROP_LISTEN,	/* a listener has no use for it (RST, SYN-FIN, ACK) */
	TERN_DROP_POLICY,	/* IPsec policy forbids it */
	TERN_DROP_FILTER,	/* a socket filter (SO_ATTACH_FILTER, BPF) forbids it */
	TERN_DROP_RACE,		/* its connection went away meanwhile */
	TERN_DROPS,
};

/** struct tern_mib - one CPU's share of the counters */
struct tern_mib {
	unsigned long v[TERN_MIB_ITEMS];
	unsigned long drop[TERN_DROPS];
};

#endif /* TERN_MODULE_STATS_H */
