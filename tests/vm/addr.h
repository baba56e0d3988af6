/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Addresses of either version of IP, for the programs that run over both.
 */
#ifndef TERN_TESTS_VM_ADDR_H
#define TERN_TESTS_VM_ADDR_H

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* The port is at the same place in both. */
union address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static inline socklen_t address_len(const union address *addr)
{
	return addr->sa.sa_family == AF_INET6 ? sizeof(addr->v6) : sizeof(addr->v4);
}

/* "10.7.0.1", "::1", "fe80::1%v0"; Return: 0 when it is none. */
static inline int parse_address(const char *text, int port, union address *to)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;

	memset(to, 0, sizeof(*to));
	if (getaddrinfo(text, NULL, &hints, &found))
		return 0;
	memcpy(to, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	to->v6.sin6_port = htons(port);
	return 1;
}

/* Octets of the address itself: 4 or 16. */
static inline const uint8_t *address_octets(const union address *addr)
{
	return addr->sa.sa_family == AF_INET6 ? addr->v6.sin6_addr.s6_addr :
		(const uint8_t *)&addr->v4.sin_addr;
}

static inline size_t address_size(const union address *addr)
{
	return addr->sa.sa_family == AF_INET6 ? 16 : 4;
}

#endif /* TERN_TESTS_VM_ADDR_H */
