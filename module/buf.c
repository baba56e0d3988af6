// SPDX-License-Identifier: GPL-2.0
/*
 * The bytes of a socket, which the engine knows only as positions.
 *
 * Sending: what the user writes is copied once, into page fragments; skbs in
 * sk_write_queue hold them until the peer has acknowledged them, and each segment
 * sent refers to the same pages.  Receiving: skbs are kept as they came, in order
 * in sk_receive_queue, beyond a hole in ts->ooo, and copied once to the user.
 * Both are charged to the socket.
 */
#include <linux/skbuff.h>
#include <net/sock.h>

#include "module/tern_sock.h"

/* define TERN_CHUNK - octets of one skb of the send queue, at the most */
#define TERN_CHUNK 65536

/* Give back what one skb of the send queue holds. */
static void tern_chunk_free(struct sock *sk, struct sk_buff *skb)
{
	__skb_unlink(skb, &sk->sk_write_queue);
	sk_wmem_queued_add(sk, -skb->truesize);
	sk_mem_uncharge(sk, skb->truesize);
	__kfree_skb(skb);
}

static struct sk_buff *tern_chunk_new(struct sock *sk)
{
	struct sk_buff *skb = alloc_skb(0, sk->sk_allocation);

	if (!skb)
		return NULL;
	if (!sk_wmem_schedule(sk, skb->truesize)) {
		__kfree_skb(skb);
		return NULL;
	}
	/* The checksum is made when a segment is sent, not while octets are copied. */
	skb->ip_summed = CHECKSUM_PARTIAL;
	sk_wmem_queued_add(sk, skb->truesize);
	sk_mem_charge(sk, skb->truesize);
	__skb_queue_tail(&sk->sk_write_queue, skb);
	return skb;
}

/**
 * tern_buf_copy_in() - take some of what the user writes into the send queue
 * @sk: socket, locked
 * @msg: where it comes from
 * @size: how much there is, more than 0
 *
 * Return: octets taken, 1 to @size; -ENOMEM when there is no memory for any,
 * -EFAULT.
 */
int tern_buf_copy_in(struct sock *sk, struct msghdr *msg, size_t size)
{
	struct sk_buff *skb = skb_peek_tail(&sk->sk_write_queue);
	struct page_frag *pfrag = sk_page_frag(sk);
	bool merge;
	int err, n;
	u32 copy;

	if (!sk_page_frag_refill(sk, pfrag))
		return -ENOMEM;
	merge = skb && skb->len < TERN_CHUNK &&
		skb_can_coalesce(skb, skb_shinfo(skb)->nr_frags, pfrag->page, pfrag->offset);
	if (!skb || (!merge && (skb->len >= TERN_CHUNK ||
				skb_shinfo(skb)->nr_frags == MAX_SKB_FRAGS)))
		skb = tern_chunk_new(sk);
	if (!skb)
		return -ENOMEM;

	n = skb_shinfo(skb)->nr_frags;
	copy = min3(size, (size_t)(pfrag->size - pfrag->offset), (size_t)TERN_CHUNK);
	err = sk_wmem_schedule(sk, copy) ? 0 : -ENOMEM;
	if (!err)
		err = skb_copy_to_page_nocache(sk, &msg->msg_iter, skb, pfrag->page,
					       pfrag->offset, copy);
	if (err) {
		if (!skb->len)
			tern_chunk_free(sk, skb);
		return err;
	}
	if (merge) {
		skb_frag_size_add(&skb_shinfo(skb)->frags[n - 1], copy);
	} else {
		skb_fill_page_desc(skb, n, pfrag->page, pfrag->offset, copy);
		get_page(pfrag->page);
	}
	pfrag->offset += copy;
	return copy;
}

/* Where position @pos lies: the skb, and how far into it. */
static struct sk_buff *tern_chunk_at(const struct sock *sk, u32 pos, u32 *off)
{
	u32 skip = pos - tern_sk(sk)->snd_base;
	struct sk_buff *skb;

	skb_queue_walk(&sk->sk_write_queue, skb) {
		if (skip < skb->len) {
			*off = skip;
			return skb;
		}
		skip -= skb->len;
	}
	return NULL;
}

/* Let @to share the pages of [@off, @off + @len) of @from and its successors. */
static bool tern_share_pages(struct sk_buff *to, const struct sock *sk,
			     struct sk_buff *from, u32 off, u32 len)
{
	int i, n = 0;

	for (; len && from != (struct sk_buff *)&sk->sk_write_queue; from = from->next) {
		for (i = 0; len && i < skb_shinfo(from)->nr_frags; i++) {
			const skb_frag_t *frag = &skb_shinfo(from)->frags[i];
			u32 size = skb_frag_size(frag);
			u32 part;

			if (off >= size) {
				off -= size;
				continue;
			}
			if (n == MAX_SKB_FRAGS)
				return false;
			part = min(size - off, len);
			skb_fill_page_desc(to, n, skb_frag_page(frag),
					   skb_frag_off(frag) + off, part);
			skb_frag_ref(to, n++);
			to->len += part;
			to->data_len += part;
			to->truesize += part;
			len -= part;
			off = 0;
		}
	}
	return !len;
}

/* A copy, for a payload scattered over more fragments than one skb can have. */
static struct sk_buff *tern_copy_pages(const struct sock *sk, struct sk_buff *from,
				       u32 off, u32 len, u32 headroom)
{
	struct sk_buff *skb;
	u32 done = 0;
	int err, i;

	skb = alloc_skb_with_frags(headroom, len, 0, &err, GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb_reserve(skb, headroom);
	skb->len += len;
	skb->data_len = len;
	for (; done < len && from != (struct sk_buff *)&sk->sk_write_queue; from = from->next) {
		for (i = 0; done < len && i < skb_shinfo(from)->nr_frags; i++) {
			const skb_frag_t *frag = &skb_shinfo(from)->frags[i];
			u32 size = skb_frag_size(frag);
			u32 part;
			u8 *at;

			if (off >= size) {
				off -= size;
				continue;
			}
			part = min(size - off, len - done);
			/* sk_page_frag() memory may be high: not on 64 bits, but be exact. */
			at = kmap_local_page(skb_frag_page(frag));
			err = skb_store_bits(skb, done, at + skb_frag_off(frag) + off, part);
			kunmap_local(at);
			if (err)
				goto failed;
			done += part;
			off = 0;
		}
	}
	if (done == len)
		return skb;
failed:
	kfree_skb(skb);
	return NULL;
}

/**
 * tern_buf_segment() - an skb with octets of the send queue as its payload
 * @sk: socket, locked
 * @pos: position of the first octet; not looked at when @len is 0
 * @len: how many, may be 0
 * @headroom: room in front of them, octets
 *
 * Return: the skb, or NULL without memory.
 */
struct sk_buff *tern_buf_segment(struct sock *sk, u32 pos, u32 len, u32 headroom)
{
	struct sk_buff *skb, *from;
	u32 off;

	skb = alloc_skb(headroom, GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb_reserve(skb, headroom);
	if (!len)
		return skb;

	from = tern_chunk_at(sk, pos, &off);
	if (WARN_ON_ONCE(!from)) {
		kfree_skb(skb);
		return NULL;
	}
	if (tern_share_pages(skb, sk, from, off, len))
		return skb;
	kfree_skb(skb);
	return tern_copy_pages(sk, from, off, len, headroom);
}

/* Drop @octets from the front of an skb that has more. */
static void tern_chunk_trim(struct sock *sk, struct sk_buff *skb, u32 octets)
{
	struct skb_shared_info *info = skb_shinfo(skb);
	u32 left = octets;
	int i = 0;

	while (left >= skb_frag_size(&info->frags[i])) {
		left -= skb_frag_size(&info->frags[i]);
		skb_frag_unref(skb, i++);
	}
	if (i) {
		info->nr_frags -= i;
		memmove(info->frags, info->frags + i, info->nr_frags * sizeof(skb_frag_t));
	}
	skb_frag_off_add(&info->frags[0], left);
	skb_frag_size_sub(&info->frags[0], left);
	skb->len -= octets;
	skb->data_len -= octets;
	skb->truesize -= octets;
	sk_wmem_queued_add(sk, -(int)octets);
	sk_mem_uncharge(sk, octets);
}

/** tern_buf_acked() - the peer has the first @octets of the send queue: release them */
void tern_buf_acked(struct sock *sk, u32 octets)
{
	struct sk_buff *skb;

	tern_sk(sk)->snd_base += octets;
	while (octets) {
		skb = skb_peek(&sk->sk_write_queue);
		if (WARN_ON_ONCE(!skb))
			return;
		if (octets < skb->len) {
			tern_chunk_trim(sk, skb, octets);
			return;
		}
		octets -= skb->len;
		tern_chunk_free(sk, skb);
	}
}

/** tern_buf_purge_send() - release the whole send queue */
void tern_buf_purge_send(struct sock *sk)
{
	struct sk_buff *skb;

	while ((skb = skb_peek(&sk->sk_write_queue)))
		tern_chunk_free(sk, skb);
}

/**
 * tern_buf_room() - may the payload of this skb be kept?
 * @sk: socket, locked
 * @skb: a segment with payload
 *
 * When memory is short, what lies beyond a hole goes first: the peer still has it.
 */
bool tern_buf_room(struct sock *sk, const struct sk_buff *skb)
{
	struct tern_sock *ts = tern_sk(sk);
	int tries;

	for (tries = 0; tries < 2; tries++) {
		if (atomic_read(&sk->sk_rmem_alloc) <= sk->sk_rcvbuf &&
		    sk_rmem_schedule(sk, (struct sk_buff *)skb, skb->truesize))
			return true;
		if (skb_queue_empty(&ts->ooo))
			break;
		tern_count(tern_net(sock_net(sk)), TERN_MIB_RCV_PRUNED);
		__skb_queue_purge(&ts->ooo);
		tern_forget_ranges(&ts->conn);
	}
	return false;
}

/* define TERN_TUB - octets of memory of an skb into which small payloads are copied */
#define TERN_TUB 4096

/*
 * Many small segments cost far more than they carry.  When they have used up a
 * quarter of the buffer, their octets are copied together.  Return: true when
 * those of @skb were, and it is freed.
 */
static bool tern_copy_together(struct sock *sk, struct sk_buff *tail, struct sk_buff *skb)
{
	struct tern_cb *cb = TERN_CB(skb);
	struct sk_buff *tub = tail;

	if (skb->truesize < 4 * cb->len || cb->len > TERN_TUB / 4 ||
	    atomic_read(&sk->sk_rmem_alloc) < sk->sk_rcvbuf / 4)
		return false;
	if (!tub || skb_is_nonlinear(tub) || skb_cloned(tub) || skb_tailroom(tub) < cb->len ||
	    TERN_CB(tub)->off + TERN_CB(tub)->len != tub->len) {
		tub = alloc_skb(SKB_WITH_OVERHEAD(TERN_TUB), GFP_ATOMIC);
		if (!tub || !sk_rmem_schedule(sk, tub, tub->truesize)) {
			kfree_skb(tub);
			return false;
		}
		*TERN_CB(tub) = (struct tern_cb) { .pos = cb->pos };
		skb_set_owner_r(tub, sk);
		__skb_queue_tail(&sk->sk_receive_queue, tub);
	}
	if (WARN_ON_ONCE(skb_copy_bits(skb, cb->off, skb_put(tub, cb->len), cb->len)))
		return false;
	TERN_CB(tub)->len += cb->len;
	__kfree_skb(skb);
	return true;
}

/* Append octets that are next in order; what the tail has already is skipped. */
static void tern_queue_in_order(struct sock *sk, struct sk_buff *skb)
{
	struct sk_buff *tail = skb_peek_tail(&sk->sk_receive_queue);
	struct tern_sock *ts = tern_sk(sk);
	struct tern_cb *cb = TERN_CB(skb);
	u32 skip = ts->rcv_tail - cb->pos;
	bool stolen;
	int delta;

	if (skip >= cb->len) {
		__kfree_skb(skb);
		return;
	}
	cb->pos += skip;
	cb->off += skip;
	cb->len -= skip;
	WRITE_ONCE(ts->rcv_tail, ts->rcv_tail + cb->len);

	if (tail && !cb->off && cb->len == skb->len &&
	    TERN_CB(tail)->off + TERN_CB(tail)->len == tail->len &&
	    skb_try_coalesce(tail, skb, &stolen, &delta)) {
		TERN_CB(tail)->len += cb->len;
		atomic_add(delta, &sk->sk_rmem_alloc);
		sk_mem_charge(sk, delta);
		kfree_skb_partial(skb, stolen);
		return;
	}
	if (!tern_copy_together(sk, tail, skb))
		__skb_queue_tail(&sk->sk_receive_queue, skb);
}

/* Keep octets that lie beyond a hole, in order of position. */
static void tern_queue_ooo(struct tern_sock *ts, struct sk_buff *skb)
{
	struct sk_buff *after;

	skb_queue_reverse_walk(&ts->ooo, after) {
		if (!tern_pos_before(TERN_CB(skb)->pos, TERN_CB(after)->pos)) {
			__skb_queue_after(&ts->ooo, after, skb);
			return;
		}
	}
	__skb_queue_head(&ts->ooo, skb);
}

/**
 * tern_buf_queue() - keep the octets the engine has accepted
 * @sk: socket, locked
 * @skb: the segment; it belongs to the socket from here on
 * @hlen: octets of header in front of the payload
 * @res: which octets of the payload
 */
void tern_buf_queue(struct sock *sk, struct sk_buff *skb, u32 hlen,
		    const struct tern_result *res)
{
	struct tern_sock *ts = tern_sk(sk);
	struct tern_cb *cb = TERN_CB(skb);
	struct sk_buff *next;

	__skb_pull(skb, hlen);
	skb_dst_drop(skb);
	cb->pos = res->data_pos;
	cb->off = res->data_off;
	cb->len = res->data_len;

	if (tern_pos_before(ts->rcv_tail, cb->pos)) {
		skb_set_owner_r(skb, sk);
		tern_queue_ooo(ts, skb);
		return;
	}
	skb_set_owner_r(skb, sk);
	tern_queue_in_order(sk, skb);
	while ((next = skb_peek(&ts->ooo)) &&
	       !tern_pos_before(ts->rcv_tail, TERN_CB(next)->pos)) {
		__skb_unlink(next, &ts->ooo);
		tern_queue_in_order(sk, next);
	}
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_data_ready(sk);
}
