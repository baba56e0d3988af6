/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Header bytes of a segment, and the segment in host order.
 *
 * The layout is in doc/protocol.md.  Nothing here knows about connections.
 */
#ifndef TERN_CORE_WIRE_H
#define TERN_CORE_WIRE_H

#include "core/seq.h"
#include "core/types.h"

/** define TERN_HDR_LEN - octets of a header without options */
#define TERN_HDR_LEN 20
/** define TERN_HDR_MAX - octets of the longest header */
#define TERN_HDR_MAX 60
/** define TERN_CSUM_OFFSET - octet at which the checksum field starts */
#define TERN_CSUM_OFFSET 14
/** define TERN_DEFAULT_MSS - payload a peer takes that says nothing (rfc9293#section-3.7.1) */
#define TERN_DEFAULT_MSS 536
/** define TERN_DEFAULT_MSS6 - the same over IPv6 */
#define TERN_DEFAULT_MSS6 1220

/* Flags, as in TCP; 0x20, ECE 0x40 and CWR 0x80 are reserved. */
#define TERN_FIN 0x01
#define TERN_SYN 0x02
#define TERN_RST 0x04
#define TERN_PSH 0x08
#define TERN_ACK 0x10

/* Option kinds, as in TCP. */
#define TERN_OPT_END 0
#define TERN_OPT_NOP 1
#define TERN_OPT_MSS 2
#define TERN_OPT_SACK_PERMITTED 4
#define TERN_OPT_SACK 5
#define TERN_OPT_TIMESTAMPS 8

/** define TERN_TS_LEN - octets that a timestamps option takes in a header, padding included */
#define TERN_TS_LEN 12
/** define TERN_SACK_BLOCKS - blocks of the longest SACK option; one less beside timestamps */
#define TERN_SACK_BLOCKS 4

/** struct tern_range - octets [start, end) of the sequence space */
struct tern_range {
	tern_seq start;
	tern_seq end;
};

/**
 * struct tern_seg - a segment, host order
 * @sport: source port; the engine neither reads nor sets the ports
 * @dport: destination port
 * @seq: sequence number (SEG.SEQ)
 * @ack: acknowledgment number (SEG.ACK), 0 without the ACK flag
 * @wnd: window, octets (SEG.WND)
 * @len: octets of payload; SYN and FIN are not counted
 * @pos: on the way out, position in the stream of the first payload octet, modulo 2^32
 * @hlen: on the way in, octets of header
 * @flags: TERN_FIN and so on
 * @mss: value of the MSS option, octets; 0 when it is absent
 * @tsval: TSval of the timestamps option (rfc7323#section-3), if @has_ts
 * @tsecr: its TSecr, 0 without the ACK flag
 * @has_ts: it carries the timestamps option
 * @sack_permitted: it carries the SACK-permitted option (rfc2018#section-2)
 * @n_sack: blocks of its SACK option; 0 when it is absent
 * @rexmit: on the way out, some of it was sent before
 * @sack: the blocks, as the peer sent them: nothing about them is checked
 */
struct tern_seg {
	u16 sport;
	u16 dport;
	tern_seq seq;
	tern_seq ack;
	u32 wnd;
	u32 len;
	u32 pos;
	u8 hlen;
	u8 flags;
	u16 mss;
	u32 tsval;
	u32 tsecr;
	bool has_ts;
	bool sack_permitted;
	u8 n_sack;
	bool rexmit;
	struct tern_range sack[TERN_SACK_BLOCKS];
};

/*
 * enum tern_drop - why (a part of) a segment was not used; each is a counter
 *
 * The parser's reasons come first, then the engine's; a shell numbers its own
 * from TERN_DROP_CORE.
 */
enum tern_drop {
	TERN_DROP_NONE,		/* it was used */
	/* tern_parse(): malformed */
	TERN_DROP_SHORT,	/* shorter than its header */
	TERN_DROP_HLEN,		/* header length below 5 words */
	TERN_DROP_OPTIONS,	/* an option list that cannot be walked */
	TERN_DROP_PORT,		/* source or destination port 0 */
	/* tern_segment_arrives() and its kin */
	TERN_DROP_CLOSED,	/* for nobody: no such connection */
	TERN_DROP_FLAGS,	/* no ACK where one is required, or SYN with FIN */
	TERN_DROP_WINDOW,	/* outside the receive window */
	TERN_DROP_RST,		/* RST that is not exactly at rcv_nxt */
	TERN_DROP_SYN,		/* SYN on a synchronised connection */
	TERN_DROP_ACK,		/* acknowledges what was never sent, or too old */
	TERN_DROP_DUPLICATE,	/* data that was received before */
	TERN_DROP_RANGES,	/* out-of-order data with no range left for it */
	TERN_DROP_ORPHAN,	/* data for a user who is gone */
	TERN_DROP_PAWS,		/* older than what was received: rfc7323#section-5 */
	TERN_DROP_NO_TS,	/* without the timestamps that were agreed on */
	TERN_DROP_CORE,		/* count of the above */
};

/**
 * tern_hlen() - header length a header claims
 * @hdr: its first TERN_HDR_LEN octets
 *
 * Return: octets, 0 to 60, unchecked.
 */
u32 tern_hlen(const u8 *hdr);

/**
 * tern_parse() - read a header
 * @hdr: the segment's octets, of which min(@total, tern_hlen()) can be read
 * @total: octets of header and payload
 * @seg: where to put it; undefined unless TERN_DROP_NONE is returned
 *
 * The checksum is the caller's to verify.
 *
 * Return: TERN_DROP_NONE, or why it is malformed: TERN_DROP_SHORT,
 * TERN_DROP_HLEN, TERN_DROP_OPTIONS, TERN_DROP_PORT.
 */
enum tern_drop tern_parse(const u8 *hdr, u32 total, struct tern_seg *seg);

/** tern_build_len() - octets of header that tern_build() writes for @seg, a multiple of 4 */
u32 tern_build_len(const struct tern_seg *seg);

/**
 * tern_build() - write a header, checksum field 0
 * @seg: the segment
 * @hdr: tern_build_len() octets
 */
void tern_build(const struct tern_seg *seg, u8 *hdr);

/**
 * tern_csum_add() - add octets to an Internet checksum (rfc1071)
 * @sum: 0, or what an earlier call gave; every part but the last has even length
 * @data: the octets
 * @len: how many, at most 65,535
 *
 * Return: the unfolded sum; the big-endian 16-bit words of at most 2^16 calls fit.
 */
u64 tern_csum_add(u64 sum, const void *data, u32 len);

/**
 * tern_csum_fold() - the checksum, ready for the field
 * @sum: what tern_csum_add() gave over pseudo-header, header and payload
 *
 * Return: host order; 0 when the summed data held a correct checksum.
 */
u16 tern_csum_fold(u64 sum);

#endif /* TERN_CORE_WIRE_H */
