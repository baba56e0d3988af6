// SPDX-License-Identifier: GPL-2.0
/*
 * The script language: events as lines of text, and back.  README.md explains it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

#define LINE 256
#define EVENTS_MAX 200000

/* struct word - the name of a verb and how many arguments it takes */
static const struct {
	const char *name;
	u32 args;
} verbs[VERBS] = {
	[VERB_HOSTS] = { "hosts", 1 },
	[VERB_CLOCK] = { "clock", 2 },
	[VERB_ISS] = { "iss", 2 },
	[VERB_DELAY] = { "delay", 2 },
	[VERB_SET] = { "set", 2 },
	[VERB_LISTEN] = { "listen", 3 },
	[VERB_CONNECT] = { "connect", 4 },
	[VERB_ACCEPT] = { "accept", 2 },
	[VERB_WRITE] = { "write", 2 },
	[VERB_READ] = { "read", 2 },
	[VERB_SHUTDOWN] = { "shutdown", 1 },
	[VERB_CLOSE] = { "close", 1 },
	[VERB_ABORT] = { "abort", 1 },
	[VERB_NODELAY] = { "nodelay", 2 },
	[VERB_KEEPALIVE] = { "keepalive", 4 },
	[VERB_PATIENCE] = { "patience", 2 },
	[VERB_BUFFER] = { "buffer", 2 },
	[VERB_FORGET] = { "forget", 1 },
	[VERB_WAKE] = { "wake", 0 },
	[VERB_CUT] = { "cut", 1 },
	[VERB_MEND] = { "mend", 1 },
	[VERB_MTU] = { "mtu", 2 },
	[VERB_DOWN] = { "down", 0 },
	[VERB_UP] = { "up", 1 },
	[VERB_FAIR] = { "fair", 0 },
	[VERB_DROP] = { "drop", 1 },
	[VERB_AGAIN] = { "again", 2 },
	[VERB_LATE] = { "late", 2 },
	[VERB_FLIP] = { "flip", 2 },
	[VERB_SHORT] = { "short", 2 },
};

static const char * const keys[KEYS] = {
	[KEY_SACK] = "sack",
	[KEY_TIMESTAMPS] = "timestamps",
	[KEY_NODELAY] = "nodelay",
	[KEY_KEEP_IDLE] = "keep_idle",
	[KEY_KEEP_INTERVAL] = "keep_interval",
	[KEY_KEEP_PROBES] = "keep_probes",
	[KEY_USER_TIMEOUT] = "user_timeout",
	[KEY_RTO_INITIAL] = "rto_initial",
	[KEY_RTO_MIN] = "rto_min",
	[KEY_RTO_MAX] = "rto_max",
	[KEY_DELACK] = "delack",
	[KEY_FIN_WAIT_2] = "fin_wait_2",
	[KEY_RCV_BUF] = "rcv_buf",
	[KEY_MSS] = "mss",
	[KEY_PEER_MSS] = "peer_mss",
	[KEY_SYN_RETRIES] = "syn_retries",
	[KEY_SYNACK_RETRIES] = "synack_retries",
	[KEY_DATA_RETRIES] = "data_retries",
	[KEY_ORPHAN_RETRIES] = "orphan_retries",
	[KEY_TS_OFFSET] = "ts_offset",
	[KEY_TIME_WAIT] = "time_wait",
	[KEY_SLACK] = "slack",
	[KEY_TWO_MESSAGES] = "two_messages",
};

const char *verb_name(u32 verb)
{
	return verbs[verb].name;
}

void script_clear(struct script *script)
{
	script->n = 0;
}

void script_add(struct script *script, const struct event *e)
{
	if (script->n == script->room) {
		script->room = script->room ? 2 * script->room : 1024;
		script->event = realloc(script->event,
					script->room * sizeof(*script->event));
		if (!script->event)
			abort();
	}
	script->event[script->n++] = *e;
}

void event_print(FILE *file, const struct event *e)
{
	u32 i;

	if (e->verb >= VERB_FATE)
		fprintf(file, "#%llu", (unsigned long long)e->at);
	else
		fprintf(file, "%llu.%06llu", (unsigned long long)(e->at / SEC),
			(unsigned long long)(e->at % SEC));
	fprintf(file, " %u %s", e->host, verbs[e->verb].name);
	for (i = 0; i < verbs[e->verb].args; i++) {
		if (e->verb == VERB_SET && !i)
			fprintf(file, " %s", keys[e->arg[0]]);
		else if (e->verb == VERB_CLOCK && i)
			fprintf(file, " %lld", (long long)e->arg[i]);
		else
			fprintf(file, " %llu", (unsigned long long)e->arg[i]);
	}
	fputc('\n', file);
}

void script_print(FILE *file, const struct script *script)
{
	u32 i;

	for (i = 0; i < script->n; i++)
		event_print(file, &script->event[i]);
}

static bool number(const char *word, u64 *value)
{
	char *end;

	if (!word || (!isdigit((unsigned char)*word) && *word != '-'))
		return false;
	errno = 0;
	*value = *word == '-' ? (u64)strtoll(word, &end, 10) : strtoull(word, &end, 10);
	return !errno && !*end;
}

/* "12.345678", up to six decimals, or "#12" */
static bool when(char *word, struct event *e, bool *fate)
{
	char *dot = strchr(word, '.');
	char decimals[7] = "000000";
	u64 us = 0;
	size_t n;

	*fate = *word == '#';
	if (*fate)
		return number(word + 1, &e->at);
	if (dot) {
		*dot++ = '\0';
		n = strlen(dot);
		if (!n || n > 6)
			return false;
		memcpy(decimals, dot, n);
		if (!number(decimals, &us))
			return false;
	}
	if (!number(word, &e->at) || e->at > 1000000000)
		return false;
	e->at = e->at * SEC + us;
	return true;
}

static bool argument(struct event *e, u32 i, const char *word)
{
	u32 key;

	if (e->verb != VERB_SET || i)
		return number(word, &e->arg[i]);
	for (key = 0; word && key < KEYS; key++) {
		if (!strcmp(word, keys[key])) {
			e->arg[0] = key;
			return true;
		}
	}
	return false;
}

/* Arguments that would reach beyond an array */
static bool sane(const struct event *e)
{
	switch (e->verb) {
	case VERB_HOSTS:
		return e->arg[0] >= 1 && e->arg[0] <= SIM_HOSTS;
	case VERB_DELAY:
	case VERB_CUT:
	case VERB_MEND:
	case VERB_MTU:
	case VERB_DROP:
	case VERB_AGAIN:
	case VERB_LATE:
	case VERB_FLIP:
	case VERB_SHORT:
		return e->arg[0] < SIM_HOSTS;
	case VERB_CONNECT:
		return e->arg[1] < SIM_HOSTS && e->arg[3] < SIM_LABELS;
	default:
		return true;
	}
}

static bool parse_line(char *line, struct event *e)
{
	char *word = strtok(line, " \t\n");
	u64 host;
	bool fate;
	u32 i;

	memset(e, 0, sizeof(*e));
	if (!when(word, e, &fate) || !number(strtok(NULL, " \t\n"), &host) ||
	    host >= SIM_HOSTS)
		return false;
	e->host = (u8)host;
	word = strtok(NULL, " \t\n");
	for (e->verb = 0; e->verb < VERBS; e->verb++) {
		if (word && !strcmp(word, verbs[e->verb].name))
			break;
	}
	if (e->verb == VERBS || fate != (e->verb >= VERB_FATE))
		return false;
	for (i = 0; i < verbs[e->verb].args; i++) {
		if (!argument(e, i, strtok(NULL, " \t\n")))
			return false;
	}
	return !strtok(NULL, " \t\n") && sane(e);
}

/* A line that is empty or begins with ";" says nothing. */
bool script_parse(struct script *script, FILE *file, const char *name)
{
	char line[LINE];
	u64 last = 0;
	u32 n = 0;

	script_clear(script);
	while (fgets(line, sizeof(line), file)) {
		struct event e;

		n++;
		if (line[0] == ';' || line[strspn(line, " \t\n")] == '\0')
			continue;
		if (!parse_line(line, &e) || script->n == EVENTS_MAX) {
			fprintf(stderr, "%s:%u: not an event\n", name, n);
			return false;
		}
		if (e.verb < VERB_FATE && e.at < last) {
			fprintf(stderr, "%s:%u: earlier than the line before\n", name, n);
			return false;
		}
		if (e.verb < VERB_FATE)
			last = e.at;
		script_add(script, &e);
	}
	return true;
}

/* What a packet says, numbers counted from the first of its connection. */
void packet_print(const struct world *w, const struct host_packet *packet, const char *what)
{
	struct tern_seg seg;

	fprintf(w->trace, "; %llu.%06llu %u>%u %-5s", (unsigned long long)(w->t / SEC),
		(unsigned long long)(w->t % SEC), packet->src, packet->dst, what);
	if (!host_seg(packet, &seg)) {
		fprintf(w->trace, " %u octets, damaged\n", packet->len);
		return;
	}
	fprintf(w->trace, " %u>%u %s%s%s%s%s seq %u", seg.sport, seg.dport,
		seg.flags & TERN_SYN ? "S" : "", seg.flags & TERN_FIN ? "F" : "",
		seg.flags & TERN_RST ? "R" : "", seg.flags & TERN_PSH ? "P" : "",
		seg.flags & TERN_ACK ? "A" : "", tern_seq_bits(seg.seq));
	if (seg.flags & TERN_ACK)
		fprintf(w->trace, " ack %u", tern_seq_bits(seg.ack));
	fprintf(w->trace, " wnd %u len %u", seg.wnd, seg.len);
	if (seg.has_ts)
		fprintf(w->trace, " ts %u %u", seg.tsval, seg.tsecr);
	fputc('\n', w->trace);
}
