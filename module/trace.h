/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: tern:tern_state for every change of state, of sockets, half-open
 * connections and TIME_WAIT entries alike; tern:tern_drop for every segment that
 * the module threw away, with the reason as enum tern_drop and tern_shell_drop
 * number it (what a connection's engine did not use is only counted);
 * tern:tern_cookie_sent and tern:tern_cookie_accepted for SYN cookies.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tern

#if !defined(TERN_MODULE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define TERN_MODULE_TRACE_H

#include <linux/in6.h>
#include <linux/skbuff.h>
#include <linux/tracepoint.h>

#include "module/tern_sock.h"

#define tern_show_state(state) __print_symbolic(state,		\
	{ TERN_ESTABLISHED, "ESTABLISHED" },			\
	{ TERN_SYN_SENT, "SYN_SENT" },				\
	{ TERN_SYN_RECEIVED, "SYN_RECEIVED" },			\
	{ TERN_FIN_WAIT_1, "FIN_WAIT_1" },			\
	{ TERN_FIN_WAIT_2, "FIN_WAIT_2" },			\
	{ TERN_TIME_WAIT, "TIME_WAIT" },			\
	{ TERN_CLOSED, "CLOSED" },				\
	{ TERN_CLOSE_WAIT, "CLOSE_WAIT" },			\
	{ TERN_LAST_ACK, "LAST_ACK" },				\
	{ TERN_LISTEN, "LISTEN" },				\
	{ TERN_CLOSING, "CLOSING" })

TRACE_EVENT(tern_state,
	TP_PROTO(const struct tern_entry *e, u8 old, u8 new),
	TP_ARGS(e, old, new),
	TP_STRUCT__entry(
		__array(u8, local, sizeof(struct sockaddr_in6))
		__array(u8, remote, sizeof(struct sockaddr_in6))
		__field(u8, old)
		__field(u8, new)
	),
	TP_fast_assign(
		struct tern_ends ends;

		tern_ends_of_entry(&ends, e);
		tern_ends_sockaddrs(&ends, __entry->local, __entry->remote);
		__entry->old = old;
		__entry->new = new;
	),
	TP_printk("local=%pISpc remote=%pISpc old=%s new=%s",
		  __entry->local, __entry->remote,
		  tern_show_state(__entry->old), tern_show_state(__entry->new))
);

TRACE_EVENT(tern_drop,
	TP_PROTO(const struct sk_buff *skb, unsigned int why),
	TP_ARGS(skb, why),
	TP_STRUCT__entry(
		__array(u8, saddr, sizeof(struct sockaddr_in6))
		__array(u8, daddr, sizeof(struct sockaddr_in6))
		__field(unsigned int, len)
		__field(unsigned int, why)
	),
	TP_fast_assign(
		static const struct tern_seg no_ports;
		struct tern_ends ends;

		tern_ends_of_skb(&ends, skb, &no_ports);
		tern_ends_sockaddrs(&ends, __entry->daddr, __entry->saddr);
		__entry->len = skb->len;
		__entry->why = why;
	),
	TP_printk("saddr=%pISc daddr=%pISc len=%u reason=%u",
		  __entry->saddr, __entry->daddr, __entry->len, __entry->why)
);

DECLARE_EVENT_CLASS(tern_cookie,
	TP_PROTO(const struct tern_ends *ends, u16 mss),
	TP_ARGS(ends, mss),
	TP_STRUCT__entry(
		__array(u8, local, sizeof(struct sockaddr_in6))
		__array(u8, remote, sizeof(struct sockaddr_in6))
		__field(u16, mss)
	),
	TP_fast_assign(
		tern_ends_sockaddrs(ends, __entry->local, __entry->remote);
		__entry->mss = mss;
	),
	TP_printk("local=%pISpc remote=%pISpc mss=%u", __entry->local, __entry->remote,
		  __entry->mss)
);

DEFINE_EVENT(tern_cookie, tern_cookie_sent,
	TP_PROTO(const struct tern_ends *ends, u16 mss),
	TP_ARGS(ends, mss)
);

DEFINE_EVENT(tern_cookie, tern_cookie_accepted,
	TP_PROTO(const struct tern_ends *ends, u16 mss),
	TP_ARGS(ends, mss)
);

#endif /* TERN_MODULE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
