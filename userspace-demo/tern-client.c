// SPDX-License-Identifier: GPL-2.0
/*
 * tern-client: the Tern protocol over a raw socket, one connection, one process.
 *
 * It runs where the kernel module does not.  The engine is the module's; what
 * surrounds it here is a clock, a socket, and one loop around poll().
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "client.h"

static u64 end_of_time(const struct client *c)
{
	return c->opt.timeout ? c->start + c->opt.timeout : TERN_NEVER;
}

/*
 * poll() itself may be late by a thousandth of a long wait; a timer as a file is
 * not.  It is never set to 0, which would turn it off.
 */
static void set_timer(const struct client *c)
{
	u64 due = conn_next_deadline(c);
	struct itimerspec at = { 0 };

	if (end_of_time(c) < due)
		due = end_of_time(c);
	if (due != TERN_NEVER) {
		at.it_value.tv_sec = (time_t)(due / USEC_PER_SEC);
		at.it_value.tv_nsec = (long)(due % USEC_PER_SEC * 1000 + 1);
	}
	if (timerfd_settime(c->timer, TFD_TIMER_ABSTIME, &at, NULL))
		die(EXIT_ENVIRONMENT, "timerfd_settime: %s", strerror(errno));
}

/* Wait for the sockets, standard input and output, or the next deadline. */
static void wait_and_serve(struct client *c, bool *more)
{
	struct pollfd fds[] = {
		{ .fd = c->fd, .events = POLLIN },
		{ .fd = conn_wants_stdin(c) ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = conn_wants_stdout(c) ? STDOUT_FILENO : -1, .events = POLLOUT },
		{ .fd = c->signals, .events = POLLIN },
		{ .fd = c->timer, .events = POLLIN },
	};
	u64 now;

	set_timer(c);
	if (poll(fds, ARRAY_SIZE(fds), *more ? 0 : -1) < 0) {
		if (errno != EINTR)
			die(EXIT_ENVIRONMENT, "poll: %s", strerror(errno));
		return;
	}
	now = monotonic_us();
	if (fds[0].revents & POLLERR)
		wire_errors(c, now);
	*more = fds[0].revents & POLLIN && wire_receive(c, now);
	if (fds[1].revents && conn_wants_stdin(c))
		conn_read_stdin(c);
	if (fds[2].revents && conn_wants_stdout(c))
		conn_write_stdout(c);
	if (fds[3].revents)
		c->interrupted = signals_read(c->signals);
}

static void give_up(struct client *c, u64 now)
{
	if (c->interrupted)
		c->exit_code = 128 + c->interrupted;
	else
		c->exit_code = EXIT_TIMED_OUT;
	log_note(c, "%s", c->interrupted ? "interrupted" : "--timeout is over");
	conn_abort(c, now, TERN_ERR_ABORTED);
}

static void run(struct client *c)
{
	bool more = false;

	signal(SIGPIPE, SIG_IGN);
	c->signals = signals_open();
	c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (c->timer < 0)
		die(EXIT_ENVIRONMENT, "timerfd_create: %s", strerror(errno));
	if (c->opt.listen)
		conn_listen(c);
	else
		conn_open(c, monotonic_us());
	while (c->phase != PHASE_CLOSED || conn_wants_stdout(c)) {
		u64 now;

		wait_and_serve(c, &more);
		now = monotonic_us();
		if (c->stdout_gone && c->conn && !c->closed_here)
			conn_abort(c, now, TERN_ERR_ABORTED);
		if (c->interrupted || now >= end_of_time(c)) {
			give_up(c, now);
			break;
		}
		conn_timers(c, now);
		conn_user(c, now);
		conn_pump(c, now);
	}
}

int main(int argc, char **argv)
{
	static struct client c;

	set_program_name("tern-client");
	read_options(&c.opt, argc, argv);
	c.established_at = TERN_NEVER;
	c.stdin_open = c.opt.use_stdin;
	wire_open(&c);
	log_open(&c);
	run(&c);
	if (c.exit_code == EXIT_OK && c.received < c.opt.expect) {
		complain("%llu octets were expected, %llu came",
			 (unsigned long long)c.opt.expect, (unsigned long long)c.received);
		c.exit_code = EXIT_SHORT;
	}
	close(c.route_fd);
	close(c.fd);
	close(c.signals);
	close(c.timer);
	conn_release(&c);
	log_end(&c);
	return c.exit_code;
}
