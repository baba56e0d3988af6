// SPDX-License-Identifier: GPL-2.0
/*
 * What the demo programs share.  Nothing here knows about connections, sockets
 * or captures.
 */
#include <errno.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

static const char *program_name = "tern";

void set_program_name(const char *name)
{
	program_name = name;
}

void complain(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void die(int code, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: ", program_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(code);
}

/* Decimal digits and nothing else, so that "1O", "-1", " 7" and "" are refused. */
bool parse_number(const char *text, u64 min, u64 max, u64 *value)
{
	u64 n = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (n > (UINT64_MAX - 9) / 10)
			return false;
		n = n * 10 + (u64)(*text - '0');
	}
	if (n < min || n > max)
		return false;
	*value = n;
	return true;
}

/* Seconds with up to six decimals ("60", "0.25"), as microseconds. */
bool parse_decimal_us(const char *text, u64 *us)
{
	u64 whole = 0, part = 0, scale = USEC_PER_SEC;
	int digits = 0;

	for (; *text >= '0' && *text <= '9'; text++, digits++) {
		if (whole > (1ull << 40))
			return false;
		whole = whole * 10 + (u64)(*text - '0');
	}
	if (!digits)
		return false;
	if (*text == '.') {
		for (text++; *text >= '0' && *text <= '9'; text++) {
			if (scale == 1)
				return false;
			scale /= 10;
			part += (u64)(*text - '0') * scale;
		}
		if (scale == USEC_PER_SEC)
			return false;
	}
	if (*text)
		return false;
	*us = whole * USEC_PER_SEC + part;
	return true;
}

u64 number_arg(const char *option, const char *text, u64 min, u64 max)
{
	u64 value;

	if (!parse_number(text, min, max, &value))
		die(EXIT_USAGE, "%s: '%s' is not a number from %llu to %llu", option,
		    text, (unsigned long long)min, (unsigned long long)max);
	return value;
}

u64 decimal_arg_us(const char *option, const char *text, u64 max_us)
{
	u64 us;

	if (!parse_decimal_us(text, &us) || us > max_us)
		die(EXIT_USAGE, "%s: '%s' is not a number of seconds from 0 to %llu",
		    option, text, (unsigned long long)(max_us / USEC_PER_SEC));
	return us;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* One escape after its backslash; returns how many characters it took, 0 if wrong. */
static int unescape_one(const char *text, u8 *octet)
{
	static const char from[] = "nrt0\\";
	static const char to[] = "\n\r\t\0\\";
	const char *found = *text ? strchr(from, *text) : NULL;

	if (found) {
		*octet = (u8)to[found - from];
		return 1;
	}
	if (*text == 'x' && hex_digit(text[1]) >= 0 && hex_digit(text[2]) >= 0) {
		*octet = (u8)(hex_digit(text[1]) * 16 + hex_digit(text[2]));
		return 3;
	}
	return 0;
}

/* @text with \n \r \t \0 \\ \xHH resolved, in memory the caller frees. */
u8 *unescape_arg(const char *option, const char *text, size_t *len)
{
	u8 *out = malloc(strlen(text) + 1);
	size_t n = 0;

	if (!out)
		die(EXIT_ENVIRONMENT, "out of memory");
	while (*text) {
		int took;

		if (*text != '\\') {
			out[n++] = (u8)*text++;
			continue;
		}
		took = unescape_one(text + 1, &out[n]);
		if (!took) {
			free(out);
			die(EXIT_USAGE, "%s: '%s' is none of \\n \\r \\t \\0 \\\\ \\xHH",
			    option, text);
		}
		n++;
		text += 1 + took;
	}
	*len = n;
	return out;
}

/* SIGINT and SIGTERM as a file for poll(), so that they come between two steps. */
int signals_open(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		die(EXIT_ENVIRONMENT, "signalfd: %s", strerror(errno));
	return fd;
}

/* The signal that came, or 0. */
int signals_read(int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	return (int)info.ssi_signo;
}

static u64 clock_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (u64)ts.tv_sec * USEC_PER_SEC + (u64)ts.tv_nsec / 1000;
}

u64 monotonic_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

u64 realtime_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

u32 random_u32(void)
{
	u32 number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		die(EXIT_ENVIRONMENT, "no random numbers");
	return number;
}

static const struct {
	u8 bit;
	const char *name;
} flag_names[] = {
	/* the order people say them in: SYN-ACK, FIN-ACK, PSH-ACK */
	{ TERN_SYN, "SYN" }, { TERN_FIN, "FIN" }, { TERN_RST, "RST" },
	{ TERN_PSH, "PSH" }, { TERN_ACK, "ACK" },
	{ 0x20, "0x20" }, { 0x40, "ECE" }, { 0x80, "CWR" },
};

/* "SYN-ACK"; "none" without any flag */
const char *flags_text(u8 flags, char text[FLAGS_TEXT])
{
	size_t used = 0;

	for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++) {
		if (flags & flag_names[i].bit)
			used += (size_t)snprintf(text + used, FLAGS_TEXT - used, "%s%s",
						 used ? "-" : "", flag_names[i].name);
	}
	if (!used)
		snprintf(text, FLAGS_TEXT, "none");
	return text;
}

/* What flags_text() wrote. */
bool parse_flags(const char *text, u8 *flags)
{
	*flags = 0;
	if (!strcmp(text, "none"))
		return true;
	while (*text) {
		size_t len = strcspn(text, "-"), i;

		for (i = 0; i < ARRAY_SIZE(flag_names); i++) {
			if (strlen(flag_names[i].name) == len &&
			    !strncmp(text, flag_names[i].name, len))
				break;
		}
		if (i == ARRAY_SIZE(flag_names))
			return false;
		*flags |= flag_names[i].bit;
		text += len;
		if (*text == '-' && !*++text)
			return false;
	}
	return *flags != 0;
}

bool parse_state(const char *text, u8 *state)
{
	for (u8 i = TERN_ESTABLISHED; i <= TERN_CLOSING; i++) {
		if (!strcmp(text, tern_state_name(i))) {
			*state = i;
			return true;
		}
	}
	return false;
}

const char *timer_text(unsigned int timer)
{
	static const char * const names[TERN_TIMERS] = {
		[TERN_TIMER_REXMT] = "REXMT",
		[TERN_TIMER_PERSIST] = "PERSIST",
		[TERN_TIMER_DELACK] = "DELACK",
		[TERN_TIMER_FIN_WAIT_2] = "FIN_WAIT_2",
	};

	return timer < TERN_TIMERS ? names[timer] : "?";
}

static size_t __printf(3, 4)
add_option(char text[OPTIONS_TEXT], size_t used, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text + used, OPTIONS_TEXT - used, format, args);
	va_end(args);
	return n > 0 && used + (size_t)n < OPTIONS_TEXT ? used + (size_t)n : used;
}

/**
 * options_text() - a segment's options, each with a space before it
 * @seg: the segment
 * @base: what to subtract from the edges of SACK blocks
 * @ts: how much to say about timestamps
 * @text: where to put it: " mss=1460 sack-permitted ts=5/0", " sack=101-201,301-401"
 *
 * Return: @text.
 */
const char *options_text(const struct tern_seg *seg, u32 base, enum ts_text ts,
			 char text[OPTIONS_TEXT])
{
	size_t used = 0;

	text[0] = '\0';
	if (seg->mss)
		used = add_option(text, used, " mss=%u", seg->mss);
	if (seg->sack_permitted)
		used = add_option(text, used, " sack-permitted");
	if (seg->has_ts && ts == TS_VALUES)
		used = add_option(text, used, " ts=%u/%u", seg->tsval, seg->tsecr);
	else if (seg->has_ts && ts == TS_PRESENT)
		used = add_option(text, used, " ts");
	for (u32 i = 0; i < seg->n_sack && i < TERN_SACK_BLOCKS; i++)
		used = add_option(text, used, "%s%u-%u", i ? "," : " sack=",
				  tern_seq_bits(seg->sack[i].start) - base,
				  tern_seq_bits(seg->sack[i].end) - base);
	return text;
}
