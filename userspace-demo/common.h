/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the demo programs share: strict reading of arguments, clocks, error
 * messages, and the checksum of a segment over IPv4.
 *
 * The system's headers come before core's everywhere in this directory, because
 * core/types.h gives memcpy and memset their compiler builtins.
 */
#ifndef TERN_DEMO_COMMON_H
#define TERN_DEMO_COMMON_H

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

/** define FLAGS_TEXT - room for the longest flags_text() */
#define FLAGS_TEXT 48

void set_program_name(const char *name);
__printf(1, 2) void complain(const char *format, ...);
__noreturn __printf(2, 3) void die(int code, const char *format, ...);

bool parse_number(const char *text, u64 min, u64 max, u64 *value);
bool parse_decimal_us(const char *text, u64 *us);
bool parse_address(const char *text, u32 *addr);
bool parse_endpoint(const char *text, u32 *addr, u16 *port);
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

const char *address_text(u32 addr, char text[INET_ADDRSTRLEN]);
const char *flags_text(u8 flags, char text[FLAGS_TEXT]);
const char *timer_text(unsigned int timer);

u16 segment_csum(u32 saddr, u32 daddr, u8 protocol, const void *segment, u32 len);
enum csum_verdict verify_csum(u32 saddr, u32 daddr, u8 protocol,
			      const void *segment, u32 len);

#endif /* TERN_DEMO_COMMON_H */
