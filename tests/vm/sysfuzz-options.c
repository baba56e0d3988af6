// SPDX-License-Identifier: GPL-2.0
/*
 * Socket options of vm-sysfuzz: any level, any name, any length, any value; and what
 * comes back must have been written by the kernel, all of it, and not one octet more.
 */
#include <limits.h>
#include <linux/filter.h>
#include <linux/in6.h>

#include "tests/vm/sysfuzz.h"

#define ROOM 512

static const struct { int name, min, max; } tern_options[] = {
	{ TERN_NODELAY, 0, 1 }, { TERN_KEEPIDLE, 1, 32767 }, { TERN_KEEPINTVL, 1, 32767 },
	{ TERN_KEEPCNT, 1, 127 }, { TERN_USER_TIMEOUT, 0, INT_MAX },
};

static void any_option(struct fuzzer *f, int *level, int *name)
{
	static const int levels[] = { SOL_SOCKET, SOL_SOCKET, SOL_TERN, SOL_TERN, IPPROTO_IP,
				      IPPROTO_IP, IPPROTO_IPV6, IPPROTO_IPV6, 6, 17, 58, 255 };

	*level = levels[below(f, COUNT(levels))];
	*name = below(f, 90);
	if (*level == SOL_TERN && percent(f, 80))
		*name = tern_options[below(f, COUNT(tern_options))].name;
	else if (percent(f, 5))
		*name = below(f, 0xffffffff);
}

/* Return: its length. */
static socklen_t any_length(struct fuzzer *f)
{
	static const unsigned int lengths[] = {
		4, 4, 4, 4, 4, 4, 0, 1, 2, 3, 5, 8, 12, 16, 20, 24, 32, 40, 64, 128, 136, 256, 500,
	};

	return lengths[below(f, COUNT(lengths))];
}

/* An extension header that IPv6 may take, mostly. */
static socklen_t extension_header(struct fuzzer *f, int *name, uint8_t *at)
{
	static const int names[] = { IPV6_HOPOPTS, IPV6_RTHDRDSTOPTS, IPV6_RTHDR, IPV6_DSTOPTS };
	socklen_t len = 8 * (1 + below(f, 8));

	*name = names[below(f, COUNT(names))];
	memset(at, 0, len);
	at[1] = len / 8 - 1;
	if (*name == IPV6_RTHDR) {
		at[2] = 2 * below(f, 3);
		at[3] = at[1] / 2;
	} else {
		at[2] = 1;
		at[3] = len - 4;
	}
	return len;
}

/* A filter that lets through all, nothing, or so many octets. */
static void any_filter(struct fuzzer *f, int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_RET | BPF_K, percent(f, 80) ? 0xffff : below(f, 100)),
	};
	struct sock_fprog program = { .len = 1, .filter = code };

	check(f, "setsockopt", setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
					  sizeof(program)));
}

void fuzz_setsockopt(struct fuzzer *f)
{
	static const int odd[] = { -1, INT_MIN, INT_MAX, 32767, 32768, 128, 127 };
	int fd = any_fd(f), level, name, value;
	uint8_t *at = good_memory(f, ROOM);
	socklen_t len = any_length(f);

	any_option(f, &level, &name);
	for (size_t i = 0; i < ROOM; i++)
		at[i] = percent(f, 70) ? 0 : below(f, 256);
	value = percent(f, 80) ? (int)below(f, 300) :
		ONE_OF(f, odd);
	/* The sizes that root may have would take the machine's memory. */
	if (level == SOL_SOCKET && (name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE))
		value = below(f, 1 << 18);
	/* Exclusive labels turn a static key on and off: see hold_static_keys(). */
	if (level == IPPROTO_IPV6 && name == IPV6_FLOWLABEL_MGR)
		return;
	memcpy(at, &value, sizeof(value));
	if (level == IPPROTO_IPV6 && percent(f, 15))
		len = extension_header(f, &name, at);
	if (level == SOL_SOCKET && percent(f, 3)) {
		any_filter(f, fd);
		return;
	}
	if (percent(f, 3))
		len = percent(f, 50) ? -1 : (int)below(f, 0xffffffff);
	check(f, level == SOL_TERN ? "setsockopt SOL_TERN" : "setsockopt",
	      setsockopt(fd, level, name, percent(f, 97) ? at : any_memory(f, ROOM), len));
}

/* What the option says must lie in its range, as far as it is there at all. */
static void check_value(int name, const uint8_t *at, socklen_t len, socklen_t room)
{
	int value;

	if (len != (room < sizeof(value) ? room : sizeof(value)))
		law("option %d: %u octets where %u fit", name, len, room);
	if (len < sizeof(value))
		return;
	memcpy(&value, at, sizeof(value));
	for (size_t i = 0; i < COUNT(tern_options); i++) {
		if (name == tern_options[i].name &&
		    (value < tern_options[i].min || value > tern_options[i].max))
			law("option %d is %d", name, value);
	}
}

/* Twice, over different octets: what is left of both was not written. */
static void read_twice(struct fuzzer *f, int fd, int level, int name, socklen_t room)
{
	static const uint8_t fill[2] = { 0xa5, 0x5a };
	uint8_t first[ROOM], *at = good_memory(f, ROOM);
	socklen_t len = 0;

	for (int turn = 0; turn < 2; turn++) {
		socklen_t before = len;

		memset(at, fill[turn], ROOM);
		len = room;
		if (check(f, level == SOL_TERN ? "getsockopt SOL_TERN" : "getsockopt",
			  getsockopt(fd, level, name, at, &len)) < 0)
			return;
		for (size_t i = room; i < ROOM; i++) {
			if (at[i] != fill[turn]) {
				law("option %d/%d: octet %zu written where %u fit", level, name, i,
				    room);
				return;
			}
		}
		if (!turn) {
			memcpy(first, at, ROOM);
			if (level == SOL_TERN)
				check_value(name, at, len, room);
			continue;
		}
		/* SO_GET_FILTER counts instructions. */
		if (len != before || (level == SOL_SOCKET && name == SO_GET_FILTER))
			return;
		for (size_t i = 0; i < len && i < room; i++) {
			if (first[i] == fill[0] && at[i] == fill[1]) {
				law("option %d/%d: octet %zu of %u is not filled in", level, name,
				    i, len);
				return;
			}
		}
	}
}

void fuzz_getsockopt(struct fuzzer *f)
{
	int fd = any_fd(f), level, name;
	socklen_t len = any_length(f);

	any_option(f, &level, &name);
	if (percent(f, 85)) {
		read_twice(f, fd, level, name, len);
		return;
	}
	if (percent(f, 50))
		len = percent(f, 50) ? -1 : (int)below(f, 0xffffffff);
	check(f, level == SOL_TERN ? "getsockopt SOL_TERN" : "getsockopt",
	      getsockopt(fd, level, name, any_memory(f, ROOM),
			 percent(f, 90) ? &len : any_memory(f, sizeof(len))));
}
