// SPDX-License-Identifier: GPL-2.0
/*
 * One of the two hosts: its sockets, and what its peer, this program, knows of it.
 *
 * What a step says in words (left, max) is told to each side in its own numbers, and
 * what a side sends is written down in numbers that both can have: counted from its
 * own iss, and from the peer's, which is the same for both.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/tern.h>
#include "tests/differ/differ.h"
#include "tests/scripts/net.h"

#define RCVBUF (128 * 1024)
#define SNDBUF (128 * 1024)
#define BUF_MAX 65536

struct side sides[SIDES] = {
	[TERN] = { .protocol = IPPROTO_TERN, .name = "tern", .proc = "/proc/net/tern" },
	[TCP] = { .protocol = IPPROTO_TCP, .name = "tcp", .proc = "/proc/net/tcp" },
};

/* Numbers */

u32 side_number(const struct side *side, const struct sequence *sequence, u8 base, int off)
{
	u32 from[BASES] = {
		[BASE_LEFT] = side->left,
		[BASE_RIGHT] = side->right - 1,
		[BASE_BEYOND] = side->right,
		[BASE_IRS] = sequence->irs,
		[BASE_UNA] = side->una,
		[BASE_MAX] = side->max,
		[BASE_ISS] = side->iss,
	};

	return from[base] + (u32)off;
}

static bool before(u32 a, u32 b)
{
	return (int)(a - b) < 0;
}

/* Calls */

static struct sockaddr_in address(const unsigned char *addr, u16 port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

	memcpy(&in.sin_addr, addr + 12, 4);
	return in;
}

static int level(const struct side *side)
{
	return side->protocol == IPPROTO_TCP ? IPPROTO_TCP : SOL_TERN;
}

static void set_nodelay(const struct side *side, int fd, int on)
{
	/* the two options have the same number */
	setsockopt(fd, level(side), TCP_NODELAY, &on, sizeof(on));
}

static int bound_socket(const struct side *side, const struct sequence *sequence)
{
	struct sockaddr_in at = address(tern_addr, local_port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, side->protocol);
	int on = 1, rcvbuf = RCVBUF, sndbuf = SNDBUF;

	if (fd < 0)
		die("differ: %s: no socket: %s", side->name, strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
	set_nodelay(side, fd, sequence->nodelay);
	if (!bind(fd, (struct sockaddr *)&at, sizeof(at)))
		return fd;
	on = errno;
	close(fd);
	errno = on;
	return -1;
}

static long call_connect(struct side *side, const struct sequence *sequence)
{
	struct sockaddr_in to = address(peer_addr, peer_port);

	if (side->sock < 0)
		side->sock = bound_socket(side, sequence);
	if (side->sock < 0)
		return -1;
	return connect(side->sock, (struct sockaddr *)&to, sizeof(to));
}

static long call_disconnect(struct side *side)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	return connect(side->sock, &none, sizeof(none));
}

static long call_listen(struct side *side, const struct sequence *sequence)
{
	int fd, why;

	if (side->listener < 0) {
		fd = bound_socket(side, sequence);
		if (fd < 0)
			return -1;
		if (listen(fd, 16)) {
			why = errno;
			close(fd);
			errno = why;
			return -1;
		}
		side->listener = fd;
		return 0;
	}
	return listen(side->listener, 16);
}

static long call_accept(struct side *side, const struct sequence *sequence)
{
	int fd = accept4(side->listener, NULL, NULL, SOCK_NONBLOCK);

	if (fd < 0)
		return -1;
	if (side->sock >= 0)
		close(side->sock);
	side->sock = fd;
	side->sent = 0;
	set_nodelay(side, fd, sequence->nodelay);
	return 0;
}

static long call_send(struct side *side, u32 n)
{
	static u8 octets[BUF_MAX];
	long ret;
	u32 i;

	for (i = 0; i < n && i < sizeof(octets); i++)
		octets[i] = payload_octet(side->sent + i);
	ret = send(side->sock, octets, i, MSG_NOSIGNAL);
	if (ret > 0)
		side->sent += (u32)ret;
	return ret;
}

static long call_recv(struct side *side, u32 n, int flags, u32 *hash)
{
	static u8 octets[BUF_MAX];
	long ret, i;

	ret = recv(side->sock, octets, n < sizeof(octets) ? n : sizeof(octets), flags);
	for (i = 0; i < ret; i++)
		*hash = (*hash ^ octets[i]) * 16777619u;
	return ret;
}

static long call_error(struct side *side)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(side->sock, SOL_SOCKET, SO_ERROR, &error, &len))
		return -1;
	return error;
}

static long call_close(int *fd, bool hard)
{
	struct linger now = { 1, 0 };
	int ret;

	if (hard)
		setsockopt(*fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	ret = close(*fd);
	*fd = -1;
	return ret;
}

static long call_peer(struct side *side)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	return getpeername(side->sock, (struct sockaddr *)&in, &len);
}

long side_call(struct side *side, const struct sequence *sequence, const struct step *step,
	       u32 *hash)
{
	switch (step->call) {
	case CALL_CONNECT:
		return call_connect(side, sequence);
	case CALL_LISTEN:
		return call_listen(side, sequence);
	case CALL_UNLISTEN:
		return call_close(&side->listener, false);
	case CALL_ACCEPT:
		return call_accept(side, sequence);
	case CALL_SEND:
		return call_send(side, (u32)step->arg);
	case CALL_RECV:
		return call_recv(side, (u32)step->arg, 0, hash);
	case CALL_PEEK:
		return call_recv(side, (u32)step->arg, MSG_PEEK, hash);
	case CALL_SHUTDOWN_RD:
		return shutdown(side->sock, SHUT_RD);
	case CALL_SHUTDOWN_WR:
		return shutdown(side->sock, SHUT_WR);
	case CALL_SHUTDOWN_RDWR:
		return shutdown(side->sock, SHUT_RDWR);
	case CALL_CLOSE:
		return call_close(&side->sock, false);
	case CALL_ABORT:
		return call_close(&side->sock, true);
	case CALL_ERROR:
		return call_error(side);
	case CALL_NODELAY:
		side->nagle |= side->sock >= 0 && !step->arg;
		return setsockopt(side->sock, level(side), TCP_NODELAY, &step->arg,
				  sizeof(step->arg));
	case CALL_DISCONNECT:
		return call_disconnect(side);
	default:
		return call_peer(side);
	}
}

/* Segments to the side */

static void segment_options(const struct side *side, const struct sequence *sequence,
			    const struct step *step, u32 tsval, struct options *options)
{
	bool syn = step->flags & TERN_SYN;
	char text[LINE_MAX_LEN];
	size_t n = 0;
	u32 i;

	text[0] = '\0';
	if (syn && sequence->peer_mss)
		n += (size_t)snprintf(text, sizeof(text), "mss %u", sequence->peer_mss);
	if (syn && sequence->peer_sack)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%ssackOK", n ? "," : "");
	if ((syn ? sequence->peer_ts : side->ts_ok) && step->ts != TS_NONE)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%sts %u %u", n ? "," : "",
				      step->ts == TS_OLD ? tsval - 100000 : tsval,
				      step->flags & TERN_ACK ? side->tsval : 0);
	for (i = 0; i < step->n_sack; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%u:%u",
				      i || !n ? "" : ",", i ? " " : "sack ",
				      side->una + (u32)step->sack[i][0],
				      side->una + (u32)step->sack[i][1]);
	if (!options_read(text, options))
		die("differ: options '%s'", text);
}

/* What the peer has acknowledged with a segment that the side believes, it knows. */
static void peer_acked(struct side *side, const struct tern_seg *seg)
{
	u32 ack = tern_seq_bits(seg->ack), seq = tern_seq_bits(seg->seq);

	if (seg->flags & TERN_SYN && !side->synced) {
		side->wnd = seg->wnd;
		side->wl1 = seq;
	}
	if (!(seg->flags & TERN_ACK) || (seg->flags & TERN_RST) ||
	    (seg->flags & TERN_SYN && side->synced) ||
	    (side->synced && seq - side->left >= side->right - side->left) ||
	    before(side->max, ack))
		return;
	if (before(side->una, ack))
		side->una = ack;
	side->wnd = seg->wnd;
	side->wl1 = seq;
}

/* A FIN in front of octets, octets behind a FIN, two FINs: does the peer contradict itself? */
static void note_stream(struct side *side, const struct step *step, u32 seq)
{
	u32 end = seq + step->len;

	if (step->flags & (TERN_SYN | TERN_RST) || !side->synced ||
	    end - side->left > 0x40000000)
		return;
	if (step->flags & TERN_FIN) {
		side->muddled |= side->has_fin && side->fin != end;
		side->fin = end;
		side->has_fin = true;
	}
	if (step->len && (!side->has_data || before(side->data_end, end))) {
		side->data_end = end;
		side->has_data = true;
	}
	side->muddled |= side->has_fin && side->has_data && before(side->fin, side->data_end);
}

void side_segment(struct side *side, const struct sequence *sequence, const struct step *step,
		  u32 tsval)
{
	struct tern_seg seg = {
		.sport = peer_port, .dport = local_port, .flags = step->flags,
		.wnd = step->wnd, .len = step->len,
	};
	struct options options;
	u8 octets[SEG_MAX];
	u32 seq = side_number(side, sequence, step->seq_base, step->seq_off);

	seg.seq = tern_seq_of(seq);
	seg.pos = seq - sequence->irs - 1;
	if (step->flags & TERN_ACK)
		seg.ack = tern_seq_of(side_number(side, sequence, step->ack_base,
						  step->ack_off));
	segment_options(side, sequence, step, tsval, &options);
	side->last = seq;
	note_stream(side, step, seq);
	wire_send(side, octets, seg_put(&seg, &options, octets));
	if ((step->flags & TERN_SYN) && !side->synced)
		side->ts_ok = sequence->ts && sequence->peer_ts && step->ts != TS_NONE;
	if (!side->ts_ok || step->ts == TS_NOW)
		peer_acked(side, &seg);
}

/* Segments from the side */

static bool note_syn(struct side *side, const struct tern_seg *seg)
{
	u32 seq = tern_seq_bits(seg->seq);

	if (side->max != side->iss && seq == side->iss)
		return false;
	side->iss = seq;
	side->una = seq;
	side->max = seq + 1;
	side->synced = false;
	side->sent = 0;
	side->has_fin = false;
	side->has_data = false;
	side->muddled = false;
	side->right = side->left;
	return true;
}

static void note_ack(struct side *side, const struct tern_seg *seg)
{
	u32 ack = tern_seq_bits(seg->ack);

	if (!side->synced || before(side->left, ack))
		side->left = ack;
	if (!side->synced || before(side->right, ack + seg->wnd))
		side->right = ack + seg->wnd;
	side->synced = true;
}

static bool octets_wrong(u32 pos, const u8 *payload, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++) {
		if (payload[i] != payload_octet(pos + i))
			return true;
	}
	return false;
}

/* The RST that answers a segment without ACK counts from that segment. */
static u32 ack_seen(const struct side *side, const struct sequence *sequence,
		    const struct tern_seg *seg)
{
	u32 ack = tern_seq_bits(seg->ack);

	if (!(seg->flags & TERN_ACK))
		return 0;
	return ack - (seg->flags & TERN_RST && seg->seq == tern_seq_of(0) ?
		      side->last : sequence->irs);
}

void side_saw(struct side *side, const struct sequence *sequence, const struct tern_seg *seg,
	      const u8 *payload, struct view *view)
{
	struct seen *seen = &view->seen[view->n];
	u32 seq = tern_seq_bits(seg->seq), i;
	u32 end = seq + seg->len + !!(seg->flags & TERN_SYN) + !!(seg->flags & TERN_FIN);
	bool rexmit;

	if ((seg->flags & TERN_SYN))
		rexmit = !note_syn(side, seg);
	else
		rexmit = end != seq && !before(side->max, end);
	side->lost |= rexmit && !(seg->flags & TERN_SYN);
	if (seg->has_ts)
		side->tsval = seg->tsval;
	if ((seg->flags & (TERN_ACK | TERN_RST)) == TERN_ACK)
		note_ack(side, seg);
	if (octets_wrong(seq - side->iss - 1, payload, seg->len))
		view->trouble = "wrong octets";
	if (view->n == SEGS_MAX)
		return;
	view->n++;
	*seen = (struct seen){
		.flags = seg->flags & (u8)~TERN_PSH,
		/* the RST that answers a segment without ACK counts from nothing */
		.seq = seg->flags & TERN_RST && !seq ? 0 : seq - side->iss,
		.ack = ack_seen(side, sequence, seg),
		.len = seg->len, .wnd = seg->wnd, .mss = seg->mss,
		.sack_ok = seg->sack_permitted, .has_ts = seg->has_ts,
		.tsecr = seg->has_ts ? seg->tsecr : 0, .n_sack = seg->n_sack,
		.rexmit = rexmit,
	};
	for (i = 0; i < seg->n_sack; i++) {
		seen->sack[i][0] = tern_seq_bits(seg->sack[i].start) - sequence->irs;
		seen->sack[i][1] = tern_seq_bits(seg->sack[i].end) - sequence->irs;
	}
	if (!(seg->flags & TERN_RST) && before(side->max, end))
		side->max = end;
}

/* Where it stands */

static void status_line(const char *line, struct view *view)
{
	unsigned int lport, rport, state, timer;
	unsigned long when;

	if (sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%x %x %*x:%*x %x:%lx", &lport, &rport,
		   &state, &timer, &when) != 5 || lport != local_port)
		return;
	if (state == TERN_LISTEN) {
		if (view->state == TERN_CLOSED)
			view->state = TERN_LISTEN;
	} else if (rport == peer_port) {
		view->state = (u8)state;
		view->timer = (u8)timer;
		view->due = (u32)when * 10;
	}
}

static int events(int fd)
{
	struct pollfd ask = { fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0 };

	if (fd < 0)
		return -1;
	poll(&ask, 1, 0);
	return ask.revents;
}

void side_look(struct side *side, struct view *view)
{
	FILE *in = fopen(side->proc, "r");
	char line[512];

	view->state = TERN_CLOSED;
	view->timer = 0;
	view->due = 0;
	while (in && fgets(line, sizeof(line), in))
		status_line(line, view);
	if (in)
		fclose(in);
	view->poll = events(side->sock);
	view->listener_poll = events(side->listener);
	view->unread = 0;
	if (side->sock >= 0 && ioctl(side->sock, FIONREAD, &view->unread))
		view->unread = -errno;
}

/* Begin and end of a sequence */

void sides_begin(const struct sequence *sequence)
{
	u32 i;

	set_sysctl("ipv4/tcp_sack", sequence->sack ? "1" : "0");
	set_sysctl("tern/sack", sequence->sack ? "1" : "0");
	set_sysctl("ipv4/tcp_timestamps", sequence->ts ? "1" : "0");
	set_sysctl("tern/timestamps", sequence->ts ? "1" : "0");
	for (i = 0; i < SIDES; i++) {
		struct side fresh = {
			.protocol = sides[i].protocol, .name = sides[i].name,
			.proc = sides[i].proc, .sock = -1, .listener = -1,
			.left = sequence->irs, .right = sequence->irs,
			.nagle = !sequence->nodelay,
		};

		sides[i] = fresh;
	}
	/* the next sequence has other ports: what this one leaves behind is not in its way */
	if (++local_port >= 60000)
		local_port = 1024;
}

void sides_end(void)
{
	struct sequence none = { .irs = 0 };
	struct step rst = { .flags = TERN_RST, .seq_base = BASE_LEFT };
	u32 i;

	for (i = 0; i < SIDES; i++) {
		if (sides[i].listener >= 0)
			call_close(&sides[i].listener, false);
		if (sides[i].sock >= 0)
			call_close(&sides[i].sock, true);
		/* a connection without a user ends by a RST that hits */
		side_segment(&sides[i], &none, &rst, 0);
	}
}
