// SPDX-License-Identifier: GPL-2.0
/*
 * SYN cookies (rfc4987#section-3.6): what a listener answers when it keeps nothing.
 *
 * The initial sequence number of the SYN-ACK is the cookie.  The third message brings
 * it back, and with it all that the SYN said.
 *
 *	bits 31-4	MAC: SipHash with a secret key over both addresses and ports,
 *			irs, the minute, the index of the MSS, and the namespace
 *	bits 3-1	index of the MSS in the table below
 *	bit 0		parity of the minute
 *
 * A minute is one of 60 s of the monotonic clock.  A cookie is good in the minute it
 * was made in and in the next one: for 60 s at the least, less than 120 s at the most.
 * Of the 2^32 numbers 16 are good at any time for given ends and irs (two minutes,
 * eight MSS), so one guess in 2^28 is: 10,000 guesses a second, each of which draws a
 * RST or is lost, find one in seven hours and a half; who finds one has a connection
 * in the name of an address whose packets he does not see.  Only a listener that sent
 * cookies in the last two minutes looks at guesses at all.
 *
 * Only a cookie that came back is remembered, so that it opens one connection and not
 * a second one when it comes again after the first has ended: a table of 2^14
 * fingerprints of 32 bits for each namespace that listens (64 KiB), where a newer one
 * overwrites an older one in its place.  A good cookie is taken for a used one with a
 * probability of 2^-32.  A used one that another one has overwritten is good again
 * until its time is over: with n connections a second by cookies that happens to one
 * in about 2^14 / n each second.
 *
 * What cannot be kept in a cookie is lost: the SYN-ACK offers neither SACK nor
 * timestamps, is sent once and not again, and is not timed; when the third message is
 * lost, and the peer waits for us to speak, nobody sends anything.  When the first
 * data segment overtakes the third message it must follow the SYN directly, or the
 * numbers do not fit and the answer is RST.  The MSS is rounded down to one of the
 * table.  The clock of rfc6528 does not move the initial sequence number.
 */
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <net/netns/hash.h>

#include "module/tern_sock.h"
#include "module/trace.h"

/* How long a cookie can be good, s. */
#define TERN_COOKIE_MINUTE 60
#define TERN_COOKIE_VALID (2 * TERN_COOKIE_MINUTE)

/* Of the cookie: index and parity. */
#define TERN_COOKIE_LOW_BITS 4

/*
 * The least that is believed, the least that IPv4 gives (and who says nothing), and
 * what MTUs of 1280, 1500 and 9000 octets leave for IPv6 and IPv4.
 */
static const u16 tern_cookie_table[8] = { 48, 536, 1220, 1240, 1440, 1460, 8940, 8960 };

/* One for the cookies, one for the fingerprints. */
static siphash_aligned_key_t tern_cookie_key[2] __read_mostly;

static u64 tern_cookie_mac(const struct tern_net *tn, const struct tern_ends *ends,
			   tern_seq irs, u32 minute, u32 index)
{
	net_get_random_once(tern_cookie_key, sizeof(tern_cookie_key));
	return siphash_3u64(tern_ends_siphash(ends, &tern_cookie_key[0]),
			    (u64)tern_seq_bits(irs) << 32 | minute,
			    (u64)net_hash_mix(tn->net) << 32 | index, &tern_cookie_key[0]);
}

static tern_seq tern_cookie_seq(u64 mac, u32 minute, u32 index)
{
	return tern_seq_of((u32)mac << TERN_COOKIE_LOW_BITS | index << 1 | (minute & 1));
}

/* The largest of the table that the peer takes. */
static u32 tern_cookie_index(const struct tern_ends *ends, u16 mss)
{
	u32 index = ARRAY_SIZE(tern_cookie_table) - 1;

	if (!mss)
		mss = ends->v6 ? TERN_DEFAULT_MSS6 : TERN_DEFAULT_MSS;
	while (index && tern_cookie_table[index] > mss)
		index--;
	return index;
}

static u32 tern_cookie_seconds(void)
{
	return ktime_get_seconds();
}

/* Written once a second at the most: under a flood all CPUs read it. */
static void tern_cookie_expect(struct tern_listener *lst)
{
	u32 until = tern_cookie_seconds() + TERN_COOKIE_VALID;

	if (READ_ONCE(lst->cookies_until) != until)
		WRITE_ONCE(lst->cookies_until, until);
}

/**
 * tern_cookie_answer() - answer a SYN, and keep nothing
 * @tn: namespace
 * @sk: the listener, not locked
 * @ends: the two ends
 * @mss: payload of one packet on this path, octets
 * @syn: the SYN
 */
void tern_cookie_answer(struct tern_net *tn, const struct sock *sk, const struct tern_ends *ends,
			u16 mss, const struct tern_seg *syn)
{
	u32 minute = tern_cookie_seconds() / TERN_COOKIE_MINUTE;
	u32 index = tern_cookie_index(ends, syn->mss);
	struct tern_seg plain = *syn;
	u64 now = tern_now();
	struct tern_config cfg;
	struct tern_conn conn;
	struct tern_seg seg;
	tern_seq iss;

	/* What is agreed on now would be forgotten. */
	plain.sack_permitted = false;
	plain.has_ts = false;

	iss = tern_cookie_seq(tern_cookie_mac(tn, ends, syn->seq, minute, index), minute, index);
	tern_config(sk, ends, mss, &cfg);
	tern_open_syn(&conn, now, iss, &cfg, &plain);
	if (!tern_next_segment(&conn, now, &seg))
		return;
	/* Before it can come back. */
	tern_cookie_expect(tern_sk(sk)->listener);
	tern_count(tn, TERN_MIB_SYNCOOKIES_SENT);
	trace_tern_cookie_sent(ends, tern_cookie_table[index]);
	seg.sport = ntohs(ends->lport);
	seg.dport = ntohs(ends->rport);
	tern_xmit_bare(tn, ends, sk, &seg);
}

/**
 * tern_cookie_expected() - may an ACK for a listener bring a cookie?
 * @tn: namespace
 * @sk: the listener
 * @ack: the segment
 */
bool tern_cookie_expected(const struct tern_net *tn, const struct sock *sk,
			  const struct tern_seg *ack)
{
	return (ack->flags & (TERN_ACK | TERN_SYN | TERN_RST)) == TERN_ACK &&
	       tern_sysctl(tn, TERN_SYSCTL_SYNCOOKIES) &&
	       tern_cookie_seconds() < READ_ONCE(tern_sk(sk)->listener->cookies_until);
}

/**
 * tern_cookie_check() - does an ACK bring a cookie of ours, in time?
 * @tn: namespace
 * @ends: the two ends
 * @ack: the segment
 * @cookie: where to put what it says
 */
bool tern_cookie_check(const struct tern_net *tn, const struct tern_ends *ends,
		       const struct tern_seg *ack, struct tern_cookie *cookie)
{
	tern_seq iss = tern_seq_add(ack->ack, ~0u);
	tern_seq irs = tern_seq_add(ack->seq, ~0u);
	u32 minute = tern_cookie_seconds() / TERN_COOKIE_MINUTE;
	u32 index = tern_seq_bits(iss) >> 1 & (ARRAY_SIZE(tern_cookie_table) - 1);

	/* This minute or the last one, as the parity says. */
	minute -= (minute ^ tern_seq_bits(iss)) & 1;
	cookie->mac = tern_cookie_mac(tn, ends, irs, minute, index);
	cookie->mss = tern_cookie_table[index];
	return tern_cookie_seq(cookie->mac, minute, index) == iss;
}

/* The place of a cookie in the table of used ones, and what stands there if it was. */
static u32 *tern_cookie_slot(const struct tern_net *tn, const struct tern_cookie *cookie,
			     u32 *fingerprint)
{
	u64 hash = siphash_1u64(cookie->mac, &tern_cookie_key[1]);

	/* 0 is an empty place. */
	*fingerprint = upper_32_bits(hash) ?: 1;
	return &tn->cookies_used[lower_32_bits(hash) % TERN_COOKIES_USED];
}

/** tern_cookie_used() - has this cookie made a connection already? */
bool tern_cookie_used(const struct tern_net *tn, const struct tern_cookie *cookie)
{
	u32 fingerprint;
	u32 *slot = tern_cookie_slot(tn, cookie, &fingerprint);

	return READ_ONCE(*slot) == fingerprint;
}

/** tern_cookie_use() - it has now */
void tern_cookie_use(struct tern_net *tn, const struct tern_cookie *cookie)
{
	u32 fingerprint;
	u32 *slot = tern_cookie_slot(tn, cookie, &fingerprint);

	WRITE_ONCE(*slot, fingerprint);
}

/**
 * tern_cookie_prepare() - a namespace's first listener: memory for the used ones
 * @tn: namespace
 *
 * Here and not when the first cookie is sent, as memory can be waited for; and not in
 * the beginning, as most namespaces have no listener.
 *
 * Return: 0 or -ENOBUFS.
 */
int tern_cookie_prepare(struct tern_net *tn)
{
	u32 *used;

	if (READ_ONCE(tn->cookies_used))
		return 0;
	used = kvcalloc(TERN_COOKIES_USED, sizeof(*used), GFP_KERNEL_ACCOUNT);
	if (!used)
		return -ENOBUFS;
	/* Who finds the socket in LISTEN finds the table. */
	if (cmpxchg(&tn->cookies_used, NULL, used))
		kvfree(used);
	return 0;
}

/** tern_cookie_exit() - the namespace ends */
void tern_cookie_exit(struct tern_net *tn)
{
	kvfree(tn->cookies_used);
}
