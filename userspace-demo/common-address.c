// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses of both families behind one struct, and the checksum over them.  What
 * else differs between IPv4 and IPv6 is where the difference is: in client-ip.c
 * and ladder-capture.c.
 */
#include <arpa/inet.h>
#include <net/if.h>

#include "common.h"

u32 address_len(const struct address *addr)
{
	return addr->family == AF_INET6 ? 16 : 4;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && a->scope == b->scope &&
	       !memcmp(a->octet, b->octet, address_len(a));
}

/* 0.0.0.0 or ::, or none at all */
bool address_is_any(const struct address *addr)
{
	static const u8 zero[16];

	return !memcmp(addr->octet, zero, address_len(addr));
}

bool address_is_link_local(const struct address *addr)
{
	return addr->family == AF_INET6 && addr->octet[0] == 0xfe &&
	       (addr->octet[1] & 0xc0) == 0x80;
}

/* The address of one host? */
bool address_is_unicast(const struct address *addr)
{
	if (addr->family == AF_INET6)
		return addr->octet[0] != 0xff && !address_is_any(addr);
	/* not 0/8, not 224/4 and above */
	return addr->octet[0] && addr->octet[0] < 224;
}

/* @octets of an address in a header, network order */
struct address address_of(sa_family_t family, const void *octets)
{
	static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct address addr = { .family = family };

	/* what runs over IPv4 is told as IPv4, even to a socket of AF_INET6 */
	if (family == AF_INET6 && !memcmp(octets, mapped, sizeof(mapped))) {
		addr.family = AF_INET;
		octets = (const u8 *)octets + sizeof(mapped);
	}
	memcpy(addr.octet, octets, address_len(&addr));
	return addr;
}

/* Returns the length of what it wrote to @sa. */
socklen_t address_to_sockaddr(const struct address *addr, u16 port, struct sockaddr_storage *sa)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)sa;
	struct sockaddr_in *in = (struct sockaddr_in *)sa;

	memset(sa, 0, sizeof(*sa));
	sa->ss_family = addr->family;
	if (addr->family == AF_INET6) {
		in6->sin6_port = htons(port);
		in6->sin6_scope_id = addr->scope;
		memcpy(&in6->sin6_addr, addr->octet, 16);
		return sizeof(*in6);
	}
	in->sin_port = htons(port);
	memcpy(&in->sin_addr, addr->octet, 4);
	return sizeof(*in);
}

struct address address_of_sockaddr(const struct sockaddr_storage *sa, u16 *port)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
	struct address addr;

	if (sa->ss_family == AF_INET6) {
		addr = address_of(AF_INET6, &in6->sin6_addr);
		if (addr.family == AF_INET6)
			addr.scope = in6->sin6_scope_id;
		*port = ntohs(in6->sin6_port);
	} else {
		addr = address_of(AF_INET, &in->sin_addr);
		*port = ntohs(in->sin_port);
	}
	return addr;
}

/* "10.0.0.1", "fd00::1", without an interface */
bool parse_address(const char *text, struct address *addr)
{
	u8 octets[16];

	if (inet_pton(AF_INET, text, octets) == 1)
		*addr = address_of(AF_INET, octets);
	else if (inet_pton(AF_INET6, text, octets) == 1)
		*addr = address_of(AF_INET6, octets);
	else
		return false;
	return true;
}

/* "10.0.0.1:40000", "[fd00::1]:40000" */
bool parse_endpoint(const char *text, struct endpoint *end)
{
	bool v6 = *text == '[';
	const char *host = text + v6, *stop = strchr(host, v6 ? ']' : ':');
	char copy[INET6_ADDRSTRLEN];
	const char *port;
	u64 n;

	if (!stop || (size_t)(stop - host) >= sizeof(copy))
		return false;
	port = stop + v6;
	memcpy(copy, host, (size_t)(stop - host));
	copy[stop - host] = '\0';
	if (!!strchr(copy, ':') != v6 || !parse_address(copy, &end->addr) || *port != ':' ||
	    !parse_number(port + 1, 0, 65535, &n))
		return false;
	end->port = (u16)n;
	return true;
}

static u32 interface_arg(const char *option, const char *text, const char *name)
{
	u32 index = if_nametoindex(name);
	char known[IF_NAMESIZE];
	u64 n;

	if (!index && parse_number(name, 1, INT32_MAX, &n) && if_indextoname((u32)n, known))
		index = (u32)n;
	if (!index)
		die(EXIT_USAGE, "%s: %s: there is no interface '%s' here", option, text, name);
	return index;
}

/* An address of this host or another, with its interface where it needs one. */
struct address address_arg(const char *option, const char *text)
{
	const char *percent = strchr(text, '%');
	size_t len = percent ? (size_t)(percent - text) : strlen(text);
	char copy[INET6_ADDRSTRLEN] = "";
	struct address addr;

	if (len < sizeof(copy))
		memcpy(copy, text, len);
	if (!parse_address(copy, &addr))
		die(EXIT_USAGE, "%s: '%s' is not an IPv4 or IPv6 address", option, text);
	if (percent && !address_is_link_local(&addr))
		die(EXIT_USAGE, "%s: %s: only an IPv6 link-local address has an interface",
		    option, text);
	if (percent)
		addr.scope = interface_arg(option, text, percent + 1);
	else if (address_is_link_local(&addr))
		die(EXIT_USAGE, "%s: %s is link-local and needs its interface, as in %s%%eth0",
		    option, text, text);
	return addr;
}

const char *address_text(const struct address *addr, char text[ADDRESS_TEXT])
{
	char name[IF_NAMESIZE];
	size_t used;

	if (!inet_ntop(addr->family, addr->octet, text, ADDRESS_TEXT))
		snprintf(text, ADDRESS_TEXT, "?");
	if (!addr->scope)
		return text;
	used = strlen(text);
	if (if_indextoname(addr->scope, name))
		snprintf(text + used, ADDRESS_TEXT - used, "%%%s", name);
	else
		snprintf(text + used, ADDRESS_TEXT - used, "%%%u", addr->scope);
	return text;
}

const char *endpoint_text(const struct endpoint *end, char text[ENDPOINT_TEXT])
{
	bool v6 = end->addr.family == AF_INET6;
	char addr[ADDRESS_TEXT];

	snprintf(text, ENDPOINT_TEXT, "%s%s%s:%u", v6 ? "[" : "",
		 address_text(&end->addr, addr), v6 ? "]" : "", end->port);
	return text;
}

/*
 * rfc9293#section-3.1 and rfc8200#section-8.1.  The two pseudo-headers have their
 * zeros in different places and the length in 16 or 32 bits; the words, and so the
 * sum, are the same.
 */
static u64 pseudo_sum(const struct address *saddr, const struct address *daddr,
		      u8 protocol, u32 len)
{
	const u8 rest[8] = { (u8)(len >> 24), (u8)(len >> 16), (u8)(len >> 8), (u8)len,
			     0, 0, 0, protocol };
	u64 sum;

	sum = tern_csum_add(0, saddr->octet, address_len(saddr));
	sum = tern_csum_add(sum, daddr->octet, address_len(daddr));
	return tern_csum_add(sum, rest, sizeof(rest));
}

/**
 * segment_csum() - the checksum for a segment whose field is 0
 * @saddr: source
 * @daddr: destination
 * @protocol: IP protocol number
 * @segment: header and payload
 * @len: their octets, at most 65,515
 *
 * Return: host order.
 */
u16 segment_csum(const struct address *saddr, const struct address *daddr, u8 protocol,
		 const void *segment, u32 len)
{
	return tern_csum_fold(tern_csum_add(pseudo_sum(saddr, daddr, protocol, len),
					    segment, len));
}

/**
 * verify_csum() - judge the checksum of a segment that arrived
 * @saddr: source
 * @daddr: destination
 * @protocol: IP protocol number
 * @segment: header and payload
 * @len: their octets
 *
 * A virtual link delivers segments whose sender left the checksum for hardware
 * that does not exist: the field then holds the sum of the pseudo-header, not
 * complemented, and nothing on the way could have damaged the segment.
 *
 * Return: CSUM_OK, CSUM_PARTIAL or CSUM_BAD.
 */
enum csum_verdict verify_csum(const struct address *saddr, const struct address *daddr,
			      u8 protocol, const void *segment, u32 len)
{
	const u8 *octet = segment;
	u16 field, partial;

	if (len < TERN_HDR_LEN)
		return CSUM_BAD;
	if (!segment_csum(saddr, daddr, protocol, segment, len))
		return CSUM_OK;
	field = (u16)(octet[TERN_CSUM_OFFSET] << 8 | octet[TERN_CSUM_OFFSET + 1]);
	partial = (u16)~tern_csum_fold(pseudo_sum(saddr, daddr, protocol, len));
	return field == partial ? CSUM_PARTIAL : CSUM_BAD;
}
