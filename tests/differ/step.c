// SPDX-License-Identifier: GPL-2.0
/*
 * Steps and sequences as text.
 *
 *	set irs 1000 mss 1460 sack 1 1 ts 0 0 nodelay 1
 *	! connect
 *	< SYN-ACK seq irs ack max wnd 65535
 *	+ 50ms
 *
 * The words are those of tests/scripts/.  "sack 1 0": the hosts offer it, the peer
 * does not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/differ/differ.h"

static const char *const base_names[BASES] = {
	"left", "right", "beyond", "irs", "una", "max", "iss",
};

static const char *const ts_names[] = { "now", "old", "none" };

const char *const call_names[CALLS] = {
	"connect", "listen", "unlisten", "accept", "send", "recv", "peek", "shutdown-rd",
	"shutdown-wr", "shutdown-rdwr", "close", "abort", "error", "nodelay", "disconnect",
	"peer",
};

static const bool call_has_arg[CALLS] = {
	[CALL_SEND] = true, [CALL_RECV] = true, [CALL_PEEK] = true, [CALL_NODELAY] = true,
};

static size_t number_text(const char *name, u8 base, int off, char *text, size_t size)
{
	if (off)
		return (size_t)snprintf(text, size, " %s %s%+d", name, base_names[base], off);
	return (size_t)snprintf(text, size, " %s %s", name, base_names[base]);
}

static void segment_text(const struct step *step, char *text, size_t size)
{
	size_t n;
	u32 i;

	n = (size_t)snprintf(text, size, "< %s", flags_text(step->flags));
	n += number_text("seq", step->seq_base, step->seq_off, text + n, size - n);
	if (step->flags & TERN_ACK)
		n += number_text("ack", step->ack_base, step->ack_off, text + n, size - n);
	if (step->len)
		n += (size_t)snprintf(text + n, size - n, " len %u", step->len);
	n += (size_t)snprintf(text + n, size - n, " wnd %u", step->wnd);
	if (step->ts != TS_NOW)
		n += (size_t)snprintf(text + n, size - n, " ts %s", ts_names[step->ts]);
	for (i = 0; i < step->n_sack; i++)
		n += (size_t)snprintf(text + n, size - n, " sack %d:%d", step->sack[i][0],
				      step->sack[i][1]);
}

void step_text(const struct step *step, char *text, size_t size)
{
	switch (step->kind) {
	case STEP_SEGMENT:
		segment_text(step, text, size);
		break;
	case STEP_CALL:
		if (call_has_arg[step->call])
			snprintf(text, size, "! %s %d", call_names[step->call], step->arg);
		else
			snprintf(text, size, "! %s", call_names[step->call]);
		break;
	default:
		snprintf(text, size, "+ %dms", step->arg);
		break;
	}
}

void sequence_print(const struct sequence *s)
{
	char text[LINE_MAX_LEN];
	u32 i;

	printf("\tset irs %u mss %u sack %d %d ts %d %d nodelay %d\n", s->irs, s->peer_mss,
	       s->sack, s->peer_sack, s->ts, s->peer_ts, s->nodelay);
	for (i = 0; i < s->n; i++) {
		step_text(&s->step[i], text, sizeof(text));
		printf("\t%s\n", text);
	}
}

/* Reading */

static bool number_read(const char *text, u8 *base, int *off)
{
	size_t len = strcspn(text, "+-");
	char *end;
	u8 i;

	for (i = 0; i < BASES; i++) {
		if (strlen(base_names[i]) == len && !strncmp(text, base_names[i], len))
			break;
	}
	*base = i;
	*off = 0;
	if (i == BASES)
		return false;
	if (!text[len])
		return true;
	*off = (int)strtol(text + len, &end, 10);
	return !*end;
}

static bool word_read(struct step *step, const char *word, const char *value)
{
	u8 i;

	if (!strcmp(word, "seq"))
		return number_read(value, &step->seq_base, &step->seq_off);
	if (!strcmp(word, "ack"))
		return number_read(value, &step->ack_base, &step->ack_off);
	if (!strcmp(word, "len"))
		return sscanf(value, "%u", &step->len) == 1 && step->len <= 1460;
	if (!strcmp(word, "wnd"))
		return sscanf(value, "%u", &step->wnd) == 1 && step->wnd <= 0xffff;
	if (!strcmp(word, "sack") && step->n_sack < SACKS_MAX) {
		i = step->n_sack++;
		return sscanf(value, "%d:%d", &step->sack[i][0], &step->sack[i][1]) == 2;
	}
	for (i = 0; !strcmp(word, "ts") && i < ARRAY_SIZE(ts_names); i++) {
		step->ts = i;
		if (!strcmp(value, ts_names[i]))
			return true;
	}
	return false;
}

static bool segment_read(struct step *step, char *save)
{
	char *word = strtok_r(NULL, " \t", &save), *value;

	step->kind = STEP_SEGMENT;
	step->wnd = 65535;
	step->seq_base = BASE_LEFT;
	step->ack_base = BASE_MAX;
	if (!word || !flags_read(word, &step->flags))
		return false;
	while ((word = strtok_r(NULL, " \t", &save))) {
		value = strtok_r(NULL, " \t", &save);
		if (!value || !word_read(step, word, value))
			return false;
	}
	return true;
}

static bool call_read(struct step *step, char *save)
{
	char *word = strtok_r(NULL, " \t", &save);
	u8 i;

	step->kind = STEP_CALL;
	for (i = 0; word && i < CALLS; i++) {
		if (strcmp(word, call_names[i]))
			continue;
		step->call = i;
		word = strtok_r(NULL, " \t", &save);
		if (word)
			step->arg = atoi(word);
		return !word == !call_has_arg[i];
	}
	return false;
}

static bool set_read(struct sequence *s, const char *line)
{
	int sack, peer_sack, ts, peer_ts, nodelay;

	if (sscanf(line, " set irs %u mss %hu sack %d %d ts %d %d nodelay %d", &s->irs,
		   &s->peer_mss, &sack, &peer_sack, &ts, &peer_ts, &nodelay) != 7)
		return false;
	s->sack = sack;
	s->peer_sack = peer_sack;
	s->ts = ts;
	s->peer_ts = peer_ts;
	s->nodelay = nodelay;
	return true;
}

static bool line_read(struct sequence *s, char *line)
{
	struct step *step = &s->step[s->n];
	char *save, *word;

	line[strcspn(line, "#\n")] = '\0';
	if (set_read(s, line))
		return true;
	word = strtok_r(line, " \t", &save);
	if (!word)
		return true;
	if (s->n == STEPS_MAX)
		return false;
	memset(step, 0, sizeof(*step));
	s->n++;
	if (!strcmp(word, "<"))
		return segment_read(step, save);
	if (!strcmp(word, "!"))
		return call_read(step, save);
	step->kind = STEP_WAIT;
	return !strcmp(word, "+") && sscanf(save, "%dms", &step->arg) == 1 && step->arg >= 0;
}

bool sequence_read(const char *path, struct sequence *s)
{
	FILE *in = fopen(path, "r");
	char line[LINE_MAX_LEN];
	u32 number = 0;

	memset(s, 0, sizeof(*s));
	*s = (struct sequence){ .irs = 1000, .peer_mss = 1460, .nodelay = true };
	while (in && fgets(line, sizeof(line), in)) {
		number++;
		if (!line_read(s, line)) {
			fprintf(stderr, "%s: line %u cannot be read\n", path, number);
			fclose(in);
			return false;
		}
	}
	if (in)
		fclose(in);
	return in && s->n;
}
