/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the demo programs share: strict reading of arguments, clocks, error
 * messages, and in common-address.c addresses and the checksum of a segment.
 *
 * The system's headers come before core's everywhere in this directory, because
 * core/types.h gives memcpy and memset their compiler builtins.
 */
#ifndef TERN_DEMO_COMMON_H
#define TERN_DEMO_COMMON_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/tern.h"
#include "core/wire.h"

#define DEMO_VERSION "0.1"

/* The kernel's names for what the compiler offers. */
#define __printf(fmt, args) __attribute__((__format__(__printf__, fmt, args)))
#define __noreturn __attribute__((__noreturn__))
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/** define TERN_PROTOCOL - IP protocol number used when nothing else is asked for */
#define TERN_PROTOCOL 253

#define USEC_PER_SEC 1000000ull
#define USEC_PER_MSEC 1000ull

/* Exit codes of all the programs here; each --help lists the ones it uses. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_USAGE = 1,		/* wrong arguments */
	EXIT_ENVIRONMENT = 2,	/* the machine does not let us */
	EXIT_REFUSED = 3,
	EXIT_TIMED_OUT = 4,
	EXIT_RESET = 5,
	EXIT_SHORT = 6,		/* fewer octets than --expect asked for */
};

/** enum csum_verdict - what the checksum field of a segment holds */
enum csum_verdict {
	CSUM_OK,	/* the right checksum */
	CSUM_PARTIAL,	/* the pseudo-header's sum, left for hardware to complete */
	CSUM_BAD,
	CSUM_UNKNOWN,	/* not all octets are there to be summed */
};

/**
 * struct address - of IPv4 or IPv6
 * @family: AF_INET, AF_INET6, or 0 for none
 * @scope: the interface of an IPv6 link-local address where it matters, else 0
 * @octet: network order, 4 or 16 of them
 *
 * An IPv4-mapped address of IPv6 does not occur: it is an IPv4 address here.
 */
struct address {
	sa_family_t family;
	u32 scope;
	u8 octet[16];
};

struct endpoint {
	struct address addr;
	u16 port;
};

/** define ADDRESS_TEXT - room for an address with its interface */
#define ADDRESS_TEXT (INET6_ADDRSTRLEN + 1 + IF_NAMESIZE)
/** define ENDPOINT_TEXT - room for "[address]:port" */
#define ENDPOINT_TEXT (ADDRESS_TEXT + 8)

/* enum ts_text - what options_text() says about timestamps */
enum ts_text {
	TS_NONE,
	TS_PRESENT,	/* " ts" */
	TS_VALUES,	/* " ts=VALUE/ECHO" */
};

/** define OPTIONS_TEXT - room for the longest options_text() */
#define OPTIONS_TEXT 160

/** define FLAGS_TEXT - room for the longest flags_text() */
#define FLAGS_TEXT 48

void set_program_name(const char *name);
__printf(1, 2) void complain(const char *format, ...);
__noreturn __printf(2, 3) void die(int code, const char *format, ...);

bool parse_number(const char *text, u64 min, u64 max, u64 *value);
bool parse_decimal_us(const char *text, u64 *us);
bool parse_flags(const char *text, u8 *flags);
bool parse_state(const char *text, u8 *state);
u64 number_arg(const char *option, const char *text, u64 min, u64 max);
u64 decimal_arg_us(const char *option, const char *text, u64 max_us);
u8 *unescape_arg(const char *option, const char *text, size_t *len);

int signals_open(void);
int signals_read(int fd);

u64 monotonic_us(void);
u64 realtime_us(void);
u32 random_u32(void);

const char *flags_text(u8 flags, char text[FLAGS_TEXT]);
const char *options_text(const struct tern_seg *seg, u32 base, enum ts_text ts,
			 char text[OPTIONS_TEXT]);
const char *timer_text(unsigned int timer);

/* common-address.c */
u32 address_len(const struct address *addr);
bool address_equal(const struct address *a, const struct address *b);
bool address_is_any(const struct address *addr);
bool address_is_link_local(const struct address *addr);
bool address_is_unicast(const struct address *addr);
struct address address_of(sa_family_t family, const void *octets);
socklen_t address_to_sockaddr(const struct address *addr, u16 port, struct sockaddr_storage *sa);
struct address address_of_sockaddr(const struct sockaddr_storage *sa, u16 *port);
struct address address_arg(const char *option, const char *text);
bool parse_address(const char *text, struct address *addr);
bool parse_endpoint(const char *text, struct endpoint *end);
const char *address_text(const struct address *addr, char text[ADDRESS_TEXT]);
const char *endpoint_text(const struct endpoint *end, char text[ENDPOINT_TEXT]);
u16 segment_csum(const struct address *saddr, const struct address *daddr, u8 protocol,
		 const void *segment, u32 len);
enum csum_verdict verify_csum(const struct address *saddr, const struct address *daddr,
			      u8 protocol, const void *segment, u32 len);

#endif /* TERN_DEMO_COMMON_H */
