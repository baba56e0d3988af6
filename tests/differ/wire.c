// SPDX-License-Identifier: GPL-2.0
/*
 * The tun device, and the translator between Tern's header and TCP's.
 *
 * Both headers have 20 octets and the same options.  They differ in octets 14 to 19:
 * Tern has checksum (16 bits) and window (32), TCP has window (16), checksum and
 * urgent pointer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "tests/differ/differ.h"
#include "tests/scripts/net.h"

#define DEVICE "differ0"
#define TCP_WINDOW 14
#define TCP_CSUM 16

const u16 peer_port = 40000;
u16 local_port = 1024;
static int tun;

u64 wire_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * SEC + (u64)ts.tv_nsec / 1000;
}

void wire_sleep(u64 us)
{
	struct timespec ts = { (time_t)(us / SEC), (long)(us % SEC * 1000) };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

void set_sysctl(const char *name, const char *value)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	out = fopen(path, "w");
	if (!out || fprintf(out, "%s", value) < 0 || fclose(out))
		die("differ: %s = %s: %s", path, value, strerror(errno));
}

/* The translator */

static void to_tcp(u8 *seg)
{
	u32 wnd = (u32)seg[16] << 24 | (u32)seg[17] << 16 | (u32)seg[18] << 8 | seg[19];

	if (wnd > 0xffff)
		wnd = 0xffff;
	seg[TCP_WINDOW] = (u8)(wnd >> 8);
	seg[TCP_WINDOW + 1] = (u8)wnd;
	memset(seg + TCP_CSUM, 0, 4);
}

static void to_tern(u8 *seg)
{
	u8 high = seg[TCP_WINDOW], low = seg[TCP_WINDOW + 1];

	seg[14] = seg[TCP_CSUM];
	seg[15] = seg[TCP_CSUM + 1];
	seg[16] = 0;
	seg[17] = 0;
	seg[18] = high;
	seg[19] = low;
}

/* The device */

static void ip_header(u8 *packet, u32 len, u8 protocol)
{
	struct iphdr *ip = (struct iphdr *)packet;

	memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = htons((u16)(sizeof(*ip) + len));
	ip->frag_off = htons(IP_DF);
	ip->ttl = 64;
	ip->protocol = protocol;
	memcpy(&ip->saddr, peer_addr + 12, 4);
	memcpy(&ip->daddr, tern_addr + 12, 4);
	ip->check = htons(tern_csum_fold(tern_csum_add(0, ip, sizeof(*ip))));
}

void wire_send(const struct side *side, const u8 *octets, u32 len)
{
	u8 packet[SEG_MAX + sizeof(struct iphdr)];
	u8 *seg = packet + sizeof(struct iphdr);
	u32 at = TERN_CSUM_OFFSET;
	u16 sum;

	memcpy(seg, octets, len);
	if (side->protocol != PROTOCOL) {
		to_tcp(seg);
		at = TCP_CSUM;
	}
	sum = peer_checksum(seg, len, side->protocol);
	seg[at] = (u8)(sum >> 8);
	seg[at + 1] = (u8)sum;
	ip_header(packet, len, side->protocol);
	len += sizeof(struct iphdr);
	if (write(tun, packet, len) != (ssize_t)len)
		die("differ: the device does not take a packet: %s", strerror(errno));
}

static struct side *side_of(const u8 *packet, ssize_t len)
{
	u32 i;

	if (len < (ssize_t)sizeof(struct iphdr) || packet[0] != 0x45 ||
	    memcmp(packet + 12, tern_addr + 12, 4) || memcmp(packet + 16, peer_addr + 12, 4))
		return NULL;
	for (i = 0; i < SIDES; i++) {
		if (sides[i].protocol == packet[9])
			return &sides[i];
	}
	return NULL;
}

/* The pseudo-header of what comes has the addresses the other way round: the same sum. */
static void one_packet(const struct sequence *sequence, u8 *packet, u32 len, struct view *views)
{
	struct side *side = side_of(packet, len);
	struct tern_seg seg;
	struct view *view;
	u32 total;
	u8 *octets;

	if (!side)
		return;
	view = &views[side - sides];
	octets = packet + sizeof(struct iphdr);
	total = len - sizeof(struct iphdr);
	if (peer_checksum(octets, total, side->protocol)) {
		view->trouble = "a wrong checksum";
		return;
	}
	if (side->protocol != PROTOCOL && total >= TERN_HDR_LEN)
		to_tern(octets);
	if (tern_parse(octets, total, &seg) != TERN_DROP_NONE) {
		view->trouble = "a malformed header";
		return;
	}
	/* what is left of the sequences before */
	if (seg.sport != local_port || seg.dport != peer_port)
		return;
	side_saw(side, sequence, &seg, octets + seg.hlen, view);
}

/* A write() returns when what it brings has been answered: nothing is to be waited for. */
void wire_collect(const struct sequence *sequence, struct view *views)
{
	u8 packet[SEG_MAX];
	ssize_t n;

	while ((n = read(tun, packet, sizeof(packet))) > 0)
		one_packet(sequence, packet, (u32)n, views);
}

/* Begin of all */

static void run(const char *command)
{
	if (system(command))
		die("differ: %s: failed", command);
}

void wire_open(void)
{
	struct ifreq req = { .ifr_flags = IFF_TUN | IFF_NO_PI };

	/* walking a large table for each look at /proc/net/tcp is what takes the time */
	set_sysctl("ipv4/tcp_child_ehash_entries", "256");
	if (unshare(CLONE_NEWNET))
		die("differ: no network namespace: %s", strerror(errno));
	prctl(PR_SET_TIMERSLACK, 1);
	tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	strcpy(req.ifr_name, DEVICE);
	if (tun < 0 || ioctl(tun, TUNSETIFF, &req))
		die("differ: no tun device: %s", strerror(errno));
	run("ip address add 10.7.0.1/24 dev " DEVICE);
	run("ip link set " DEVICE " up");
	run("ip link set lo up");
	/* each segment with data is acknowledged at once */
	run("ip route change 10.7.0.0/24 dev " DEVICE " src 10.7.0.1 quickack 1");
}
