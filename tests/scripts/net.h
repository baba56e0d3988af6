/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two ends of the tun device; an IPv4 address is the last four octets.
 */
#ifndef TERN_SCRIPTS_NET_H
#define TERN_SCRIPTS_NET_H

#define PROTOCOL 253

/* fd07::a07:1 and 10.7.0.1 */
static const unsigned char tern_addr[16] = { 0xfd, 7, [12] = 10, 7, 0, 1 };
/* and .2 */
static const unsigned char peer_addr[16] = { 0xfd, 7, [12] = 10, 7, 0, 2 };

#endif /* TERN_SCRIPTS_NET_H */
