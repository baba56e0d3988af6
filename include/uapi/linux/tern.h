/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What a program includes to use Tern through the socket API.
 *
 *	fd = socket(AF_INET, SOCK_STREAM, IPPROTO_TERN);
 *
 * Everything else is as for a TCP socket; doc/protocol.md is the protocol.
 */
#ifndef _UAPI_LINUX_TERN_H
#define _UAPI_LINUX_TERN_H

/** define IPPROTO_TERN - IP protocol number, for experiments (RFC 3692) */
#define IPPROTO_TERN 253

/** define SOL_TERN - level of Tern's socket options */
#define SOL_TERN 253

/*
 * Socket options at level SOL_TERN; numbers and arguments are those of the TCP
 * option that means the same.
 */

/** define TERN_NODELAY - int: non-zero turns the Nagle algorithm off */
#define TERN_NODELAY 1

/** define TERN_KEEPIDLE - int, s, 1 to 32767: silence after which SO_KEEPALIVE probes */
#define TERN_KEEPIDLE 4

/** define TERN_KEEPINTVL - int, s, 1 to 32767: time between two probes */
#define TERN_KEEPINTVL 5

/** define TERN_KEEPCNT - int, 1 to 127: unanswered probes that end the connection */
#define TERN_KEEPCNT 6

/** define TERN_USER_TIMEOUT - int, ms: how long data may stay unacknowledged; 0 (the
 * default) leaves it to the number of retransmissions
 */
#define TERN_USER_TIMEOUT 18

#endif /* _UAPI_LINUX_TERN_H */
