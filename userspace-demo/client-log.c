// SPDX-License-Identifier: GPL-2.0
/*
 * What tern-client says: to people on standard error, to machines in --log FILE.
 *
 * The machine's log has one event a line: seconds of CLOCK_REALTIME (the clock
 * of packet captures), the kind of event, then key=value fields.  tern-ladder
 * draws from it what the wire does not show.
 */
#include <errno.h>

#include "client.h"

void log_open(struct client *c)
{
	c->start = monotonic_us();
	if (!c->opt.log_path)
		return;
	c->log = fopen(c->opt.log_path, "w");
	if (!c->log)
		die(EXIT_ENVIRONMENT, "--log %s: %s", c->opt.log_path, strerror(errno));
	setvbuf(c->log, NULL, _IOLBF, 0);
}

static void __printf(2, 3)
machine(struct client *c, const char *format, ...)
{
	u64 now = realtime_us();
	va_list args;

	if (!c->log)
		return;
	fprintf(c->log, "%llu.%06llu ", (unsigned long long)(now / USEC_PER_SEC),
		(unsigned long long)(now % USEC_PER_SEC));
	va_start(args, format);
	vfprintf(c->log, format, args);
	va_end(args);
	fputc('\n', c->log);
}

static void human_va(struct client *c, const char *format, va_list args)
{
	u64 now = monotonic_us() - c->start;

	fprintf(stderr, "%5llu.%06llu  ", (unsigned long long)(now / USEC_PER_SEC),
		(unsigned long long)(now % USEC_PER_SEC));
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

static void __printf(2, 3)
human(struct client *c, const char *format, ...)
{
	va_list args;

	if (c->opt.quiet)
		return;
	va_start(args, format);
	human_va(c, format, args);
	va_end(args);
}

void log_state(struct client *c, u8 old_state, u8 new_state)
{
	human(c, "   %s -> %s", tern_state_name(old_state), tern_state_name(new_state));
	machine(c, "state %u old=%s new=%s", c->lport, tern_state_name(old_state),
		tern_state_name(new_state));
}

/* Sequence numbers are easier to follow from 0, where the SYN has its own. */
static void relative(const struct client *c, enum direction dir,
		     const struct tern_seg *seg, u32 *seq, u32 *ack)
{
	const struct tern_conn *conn = c->conn;

	*seq = tern_seq_bits(seg->seq);
	*ack = tern_seq_bits(seg->ack);
	if (!conn || (dir == DIR_OUT ? seg->dport : seg->sport) != c->rport)
		return;
	if (dir == DIR_OUT) {
		*seq -= tern_seq_bits(conn->iss);
		*ack -= tern_seq_bits(conn->irs);
	} else {
		*seq -= tern_seq_bits(conn->irs);
		*ack -= tern_seq_bits(conn->iss);
	}
}

static void log_lost(struct client *c, enum direction dir, const struct tern_seg *seg,
		     const char *flags)
{
	char options[OPTIONS_TEXT];

	machine(c, "lost dir=%s port=%u seq=%u ack=%u flags=%s len=%u wnd=%u rexmit=%d%s",
		dir == DIR_OUT ? "out" : "in", c->lport, tern_seq_bits(seg->seq),
		tern_seq_bits(seg->ack), flags, seg->len, seg->wnd,
		dir == DIR_OUT && seg->rexmit, options_text(seg, 0, TS_VALUES, options));
}

void log_segment(struct client *c, enum direction dir, const struct tern_seg *seg,
		 bool lost)
{
	char flags[FLAGS_TEXT], text[160], options[OPTIONS_TEXT];
	bool syn = seg->flags & TERN_SYN;
	u32 seq, ack;
	int n;

	flags_text(seg->flags, flags);
	if (lost)
		log_lost(c, dir, seg, flags);
	if (c->opt.quiet)
		return;
	relative(c, dir, seg, &seq, &ack);
	if (syn)	/* the numbers themselves, once */
		n = snprintf(text, sizeof(text), "%-8s seq=%u", flags, tern_seq_bits(seg->seq));
	else
		n = snprintf(text, sizeof(text), "%-8s seq=%u", flags, seq);
	if (seg->flags & TERN_ACK)
		n += snprintf(text + n, sizeof(text) - (size_t)n, " ack=%u",
			      syn ? tern_seq_bits(seg->ack) : ack);
	snprintf(text + n, sizeof(text) - (size_t)n, " len=%u win=%u", seg->len, seg->wnd);
	/* that there are timestamps is worth a word once; SACK counts as the number does */
	options_text(seg, tern_seq_bits(seg->ack) - ack,
		     c->opt.verbose ? TS_VALUES : syn ? TS_PRESENT : TS_NONE, options);
	human(c, "%s %s%s%s%s", dir == DIR_OUT ? "->" : "<-", text, options,
	      dir == DIR_OUT && seg->rexmit ? "  (again)" : "",
	      lost ? "  LOST on purpose" : "");
}

void log_timeout(struct client *c, unsigned int timer, u64 us)
{
	human(c, "   timer %s after %llu.%03llu s", timer_text(timer),
	      (unsigned long long)(us / USEC_PER_SEC),
	      (unsigned long long)(us % USEC_PER_SEC / USEC_PER_MSEC));
	machine(c, "timeout port=%u timer=%s rto_us=%llu", c->lport, timer_text(timer),
		(unsigned long long)us);
}

void log_note(struct client *c, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	human(c, "   %s", text);
	machine(c, "note %s", text);
}

void log_verbose(struct client *c, const char *format, ...)
{
	va_list args;

	if (!c->opt.verbose)
		return;
	va_start(args, format);
	human_va(c, format, args);
	va_end(args);
}

/* The last words: what was counted, and the proof that nothing is held any more. */
void log_end(struct client *c)
{
	const struct wire_counts *n = &c->count;
	u32 snd = c->snd.tail - c->snd.head, rcv = c->rcv.tail - c->rcv.head;
	bool nothing = !c->allocated && !snd && !rcv && !c->conn;

	log_verbose(c, "   segments: %llu sent, %llu received; lost on purpose: %llu out, %llu in",
		    (unsigned long long)n->sent, (unsigned long long)n->received,
		    (unsigned long long)n->lost[DIR_OUT], (unsigned long long)n->lost[DIR_IN]);
	log_verbose(c, "   checksums: %llu wrong, %llu left to hardware; malformed: %llu",
		    (unsigned long long)n->bad_csum, (unsigned long long)n->partial_csum,
		    (unsigned long long)n->malformed);
	log_verbose(c, "   not for us: %llu; could not be sent: %llu",
		    (unsigned long long)n->not_ours, (unsigned long long)n->send_errors);
	human(c, "   holds %s: %llu octets of memory, %u to be sent, %u received",
	      nothing ? "nothing" : "something", (unsigned long long)c->allocated, snd, rcv);
	machine(c, "holds %s port=%u allocated=%llu sndbuf=%u rcvbuf=%u",
		nothing ? "nothing" : "something", c->lport,
		(unsigned long long)c->allocated, snd, rcv);
	if (c->log && fclose(c->log))
		complain("--log %s: %s", c->opt.log_path, strerror(errno));
	c->log = NULL;
}
