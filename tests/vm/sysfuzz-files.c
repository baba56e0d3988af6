// SPDX-License-Identifier: GPL-2.0
/*
 * The files and netlink messages of vm-sysfuzz: net.tern.*, /proc/net/tern*, sock_diag.
 */
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "tests/vm/sysfuzz.h"

/* As doc/protocol.md has them. */
static const struct { const char *name; unsigned long min, max; } settings[] = {
	{ "enable", 0, 1 }, { "time_wait_s", 1, 3600 }, { "max_time_wait", 0, 1 << 24 },
	{ "fin_wait_2_s", 1, 3600 }, { "rto_initial_ms", 10, 60000 },
	{ "rto_min_ms", 10, 60000 }, { "rto_max_ms", 1000, 600000 }, { "delack_ms", 0, 499 },
	{ "syn_retries", 0, 30 }, { "synack_retries", 0, 30 }, { "data_retries", 0, 30 },
	{ "orphan_retries", 0, 30 }, { "max_orphans", 0, 1 << 24 },
	{ "max_syn_backlog", 1, 1 << 20 }, { "syncookies", 0, 2 },
	{ "challenge_acks_per_s", 0, 1 << 24 }, { "sack", 0, 1 }, { "timestamps", 0, 1 },
	{ "keepalive_time_s", 1, 32767 }, { "keepalive_interval_s", 1, 32767 },
	{ "keepalive_probes", 1, 127 },
};

static int setting_fd[COUNT(settings)];

void fuzz_files_init(void)
{
	char path[64];

	for (size_t i = 0; i < COUNT(settings); i++) {
		snprintf(path, sizeof(path), "/proc/sys/net/tern/%s", settings[i].name);
		setting_fd[i] = open(path, O_RDWR | O_CLOEXEC);
		if (setting_fd[i] < 0) {
			perror(path);
			exit(2);
		}
	}
}

static void check_setting(size_t i)
{
	char text[64] = "", *end;
	ssize_t n = pread(setting_fd[i], text, sizeof(text) - 1, 0);
	unsigned long value = strtoul(text, &end, 10);

	if (n < 2 || strcmp(end, "\n") || value < settings[i].min || value > settings[i].max)
		law("net.tern.%s is '%s'", settings[i].name, text);
}

/** check_sysctls() - all within their bounds? */
void check_sysctls(void)
{
	for (size_t i = 0; i < COUNT(settings); i++)
		check_setting(i);
}

/* Return: its length; it may have NULs in it. */
static size_t any_text(struct fuzzer *f, size_t i, char *text, size_t room)
{
	static const char *const odd[] = {
		"", " ", "\n", "-1", "+1", "0x10", "010", "1.5", "1e3", "one", "1 2", "1\n2\n",
		" 1", "1 ", "\t1\t", "4294967295", "4294967296", "18446744073709551616",
		"99999999999999999999999999999999", "-0", "--1", "1,2", "\xff\xfe", "%d%n",
	};
	unsigned long at[] = { settings[i].min, settings[i].max, settings[i].min - 1,
			       settings[i].max + 1 };
	size_t len;

	switch (below(f, 5)) {
	case 0:
		return snprintf(text, room, "%s", odd[below(f, COUNT(odd))]);
	case 1:
		return snprintf(text, room, "%lu\n", at[below(f, COUNT(at))]);
	case 2:
		len = below(f, percent(f, 80) ? 40 : room);
		for (size_t k = 0; k < len; k++)
			text[k] = percent(f, 70) ? '0' + below(f, 10) : below(f, 256);
		return len;
	default:
		return snprintf(text, room, "%lu\n", settings[i].min +
				below(f, settings[i].max - settings[i].min + 1));
	}
}

void fuzz_sysctl(struct fuzzer *f)
{
	size_t i = below(f, COUNT(settings)), len;
	char *text = good_memory(f, 9000);

	/* Without Tern nothing else happens; and it must not take all day in the end. */
	if (!i && percent(f, 90))
		i = 1 + below(f, COUNT(settings) - 1);
	len = any_text(f, i, text, 9000);
	if (percent(f, 95))
		check(f, "sysctl write", pwrite(setting_fd[i], text, len, percent(f, 95) ? 0 :
						below(f, 20)));
	else
		check(f, "sysctl write", pwrite(setting_fd[i], any_memory(f, 4096), 4096, 0));
	check_setting(i);
	if (!i)
		check(f, "sysctl write", pwrite(setting_fd[i], "1", 1, 0));
}

void fuzz_proc(struct fuzzer *f)
{
	static const char *const paths[] = {
		"/proc/self/net/tern", "/proc/self/net/tern6", "/proc/self/net/tern_stat",
		"/proc/self/net/protocols",
	};
	int fd = open(paths[below(f, COUNT(paths))], O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		if (errno != EMFILE && errno != EINTR)
			law("/proc: %s", strerror(errno));
		return;
	}
	for (int n = below(f, 12); n; n--) {
		size_t len = percent(f, 50) ? 1 + below(f, 100) : below(f, 8000);

		switch (below(f, 4)) {
		case 0:
			check(f, "proc read", lseek(fd, percent(f, 90) ? below(f, 20000) :
						    (off_t)below(f, 0xffffffff) << 31,
						    below(f, 5)));
			break;
		case 1:
			check(f, "proc read", pread(fd, any_memory(f, len), len, below(f, 9000)));
			break;
		default:
			check(f, "proc read", read(fd, any_memory(f, len), len));
		}
	}
	close(fd);
}

/* Another MTU for loopback, over which all of this goes. */
static void change_mtu(struct fuzzer *f)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_name = "lo" };

	ifr.ifr_mtu = 1280 + below(f, 65536 - 1280);
	if (fd >= 0) {
		ioctl(fd, SIOCSIFMTU, &ifr);
		close(fd);
	}
}

/* sock_diag knows nothing of Tern, and must say so whatever it is asked. */
void fuzz_diag(struct fuzzer *f)
{
	static const uint8_t protocols[] = { IPPROTO_TERN, IPPROTO_TERN, 255, 0, 6 };
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 body;
		uint8_t more[64];
	} m = { 0 };
	char answer[4096];
	int fd;

	if (percent(f, 30)) {
		change_mtu(f);
		return;
	}
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return;
	m.head.nlmsg_len = sizeof(m.head) + (percent(f, 80) ? sizeof(m.body) :
					     below(f, sizeof(m.body) + sizeof(m.more)));
	m.head.nlmsg_type = percent(f, 80) ? SOCK_DIAG_BY_FAMILY : 18 + below(f, 5);
	m.head.nlmsg_flags = NLM_F_REQUEST | (percent(f, 50) ? NLM_F_DUMP : 0);
	m.body.sdiag_family = percent(f, 50) ? AF_INET : AF_INET6;
	m.body.sdiag_protocol = protocols[below(f, sizeof(protocols))];
	m.body.idiag_states = below(f, 0xffffffff);
	m.body.id.idiag_sport = htons(7300 + below(f, 5));
	m.body.id.idiag_if = below(f, 3);
	for (size_t i = 0; i < sizeof(m.more); i++)
		m.more[i] = below(f, 256);
	check(f, "diag", send(fd, &m, m.head.nlmsg_len, 0));
	check(f, "diag", recv(fd, answer, sizeof(answer), 0));
	close(fd);
}
