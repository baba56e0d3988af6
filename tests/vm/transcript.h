/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sequences of calls that are made on TCP sockets and on Tern sockets: both
 * transcripts must be the same.
 *
 * A transcript is the list of the calls' results, errno by name; a sequence also
 * says what it must contain, so that both being wrong alike is noticed.
 */
#ifndef TERN_TESTS_VM_TRANSCRIPT_H
#define TERN_TESTS_VM_TRANSCRIPT_H

#include <errno.h>
#include <linux/tern.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static char transcript[65536];
static size_t used;
static int protocol;

struct sequence {
	const char *name;
	void (*run)(void);
	const char *expect;
};

static inline void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	used += vsnprintf(transcript + used, sizeof(transcript) - used, format, args);
	va_end(args);
	if (used >= sizeof(transcript))
		abort();
}

/* Note what a call returned; success is noted as the number, failure by name. */
static inline long note(const char *call, long ret)
{
	if (ret < 0)
		say("%s=%s ", call, strerrorname_np(errno));
	else
		say("%s=%ld ", call, ret);
	return ret;
}

static inline const char *transcript_of(const struct sequence *s, int proto)
{
	used = 0;
	transcript[0] = '\0';
	protocol = proto;
	s->run();
	return strdup(transcript);
}

/* Return: 1 when one of them does not hold. */
static inline int compare(const char *suite, const struct sequence *sequences, size_t count)
{
	int failed = 0;

	for (size_t i = 0; i < count; i++) {
		const struct sequence *s = &sequences[i];
		const char *tcp = transcript_of(s, IPPROTO_TCP);
		const char *tern = transcript_of(s, IPPROTO_TERN);

		if (!strcmp(tcp, tern) && strstr(tern, s->expect)) {
			printf("ok - %s: %s\n", suite, s->name);
			continue;
		}
		printf("not ok - %s: %s: tcp [%s] tern [%s] expected [%s]\n", suite, s->name,
		       tcp, tern, s->expect);
		failed = 1;
	}
	return failed;
}

#endif /* TERN_TESTS_VM_TRANSCRIPT_H */
