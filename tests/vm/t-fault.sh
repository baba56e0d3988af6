#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Allocations that fail, each of them: a call says so or goes on without, a segment is
# lost and sent again, nothing crashes and nothing stays behind.  Virtual time, on a
# kernel with fault injection (KERNEL=kasan).
#
# What may fail is chosen by address: an allocation counts when somebody between
# FIRST and LAST is among its callers.  Which ones did fail is read from the stacks in
# the kernel's log: the first function of Tern's in each, and from where in it the call
# went out.  In the end that is held against the calls in the sources.
#
# What took time to find out:
# - failslab leaves those that may wait alone unless ignore-gfp-wait says N, and
#   fail_page_alloc single pages unless min-order says 0.
# - kmemleak, KASAN and the debug objects allocate for themselves meanwhile, in the
#   same call; those failures are none of the call's.
# - A page fault of the program counts, too, and ends in the OOM killer: vm-fault
#   locks its memory.
. tests/vm/lib.sh

DEBUG=/sys/kernel/debug
LOG=/tmp/fault.log STACKS=/tmp/fault.stacks
# where modules lie
MODULES_FIRST=0xffffffffa0000000 MODULES_LAST=0xffffffffff000000
# Calls that are among those that allocate, and here do not.
UNREACHABLE=

if ! [ -e "$DEBUG/failslab" ] || ! [ -e module/main.c ]; then
	echo "not ok - fault: it needs KERNEL=kasan, and the sources (--add module)"
	exit 1
fi

# faults FIRST LAST PROBABILITY TIMES: from here on; TIMES may be -1.
faults()
{
	local kind

	for kind in failslab fail_page_alloc fail_usercopy; do
		echo "$1" > "$DEBUG/$kind/require-start"
		echo "$2" > "$DEBUG/$kind/require-end"
		echo "$4" > "$DEBUG/$kind/times"
		echo "$3" > "$DEBUG/$kind/probability"
	done
	# a copy from a program that fails is for the program to repeat: fail-nth only
	echo 0 > "$DEBUG/fail_usercopy/probability"
}

no_faults()
{
	faults 0 18446744073709551615 0 1
	dmesg -c >> "$LOG"
}

# fault ARGUMENT...: vm-fault in namespace a; what it says of each call is kept.
fault()
{
	in_ns a vm-fault "$@" > /tmp/fault.out 2> /tmp/fault.err ||
		fail "$(head -n 3 /tmp/fault.err | tr '\n' ';')"
	sed 's/^/# /' /tmp/fault.out >&2
	dmesg -c >> "$LOG"
}

# Not what is far below a call, or each cache would be made seventy times: sysfs and
# debugfs can do without many of their files.
depth()
{
	echo "$1" > "$DEBUG/failslab/stacktrace-depth"
	echo "$1" > "$DEBUG/fail_page_alloc/stacktrace-depth"
}

test_loading_the_module()
{
	ip netns add a
	rmmod tern || fail "it does not leave"
	faults "$MODULES_FIRST" "$MODULES_LAST" 0 1
	depth 12
	fault module tern.ko
	depth 32
	no_faults
	ip netns del a
	insmod tern.ko || fail "it does not come back"
}

test_a_namespace()
{
	ip netns add a
	faults "$MODULES_FIRST" "$MODULES_LAST" 0 1
	fault namespace
	fault listen 127.0.0.1
	fault listen ::1
	no_faults
	ip netns del a
}

prepare_calls()
{
	ip netns add a
	ip -n a link set lo up
}

test_calls()
{
	prepare_calls
	fault calls 127.0.0.1 5000
	nothing_left a
	ip netns del a
}

test_calls_over_IPv6()
{
	prepare_calls
	fault calls ::1 5000
	nothing_left a
	ip netns del a
}

# sites: the calls in the sources that allocate, "function call", one a line.
sites()
{
	awk '
	/^[a-z].*\(/ && !/;$/ {
		name = $0
		sub(/\(.*/, "", name)
		sub(/.*[ *]/, "", name)
	}
	/^\t+ *[^ *]/ {
		line = " " $0
		while (match(line, /[^a-z_0-9](k[mz]alloc|kcalloc|kvcalloc|alloc_skb|alloc_skb_with_frags|kmem_cache_create|kmem_cache_zalloc|alloc_percpu|percpu_counter_init|sk_clone_lock|sk_page_frag_refill|proc_create_data|proc_create_net_single|rhashtable_init|rhashtable_insert_fast|rhashtable_lookup_insert_key|proto_register|inet_ctl_sock_create|register_pernet_subsys|nf_register_net_hooks|ip_route_output_ports|ip6_dst_lookup_flow|tern_register_sysctl|__seq_open_private|ip_build_and_send_pkt|ip6_xmit|ip_setsockopt|ipv6_setsockopt|pskb_may_pull)\(/)) {
			call = substr(line, RSTART + 1, RLENGTH - 2)
			if (line !~ /\/\*.*\(\)/)
				print name, call
			line = substr(line, RSTART + RLENGTH)
		}
	}' module/*.c
}

# range FUNCTION: FIRST and LAST of it, also where the compiler has changed its name.
range()
{
	grep '\[tern\]$' /proc/kallsyms | sort | awk -v name="$1" '
	found { print first, "0x" $1; exit }
	{ plain = $3; sub(/\..*/, "", plain) }
	plain == name && $3 !~ /cold/ && $2 ~ /[tT]/ { first = "0x" $1; found = 1 }'
}

# Each function that allocates fails a few times in turn, wherever it is called.
test_each_function()
{
	local name first last address

	prepare_calls
	ip -n a link set lo mtu 1500
	tc -n a qdisc add dev lo root netem delay 5ms 1ms loss 2% duplicate 2% reorder 5%
	for name in $(sites | awk '{ print $1 }' | sort -u); do
		read -r first last < <(range "$name")
		# what belongs to loading has gone
		[ -n "${last:-}" ] || continue
		address=127.0.0.1
		[[ $name != tern6* ]] || address=::1
		faults "$first" "$last" 100 6
		in_ns a vm-fault work "$address" 5000 1 2> /tmp/fault.err ||
			fail "$name: $(< /tmp/fault.err)"
		echo "# $name: $((6 - $(cat "$DEBUG/failslab/times"))) failed" >&2
		no_faults
	done
	nothing_left a
	ip netns del a
}

# Any of them, now and then, for as long as it takes.
test_all_at_random()
{
	local address before

	prepare_calls
	ip -n a link set lo mtu 1500
	tc -n a qdisc add dev lo root netem delay 5ms 1ms loss 1%
	for address in 127.0.0.1 ::1; do
		faults "$MODULES_FIRST" "$MODULES_LAST" 5 -1
		in_ns a vm-fault work "$address" 5000 4 2> /tmp/fault.err ||
			fail "$address: $(< /tmp/fault.err)"
		no_faults
	done
	before=$(counter a out_failed)
	[ "$before" -gt 0 ] || fail "no segment was lost for want of memory"
	nothing_left a
	ip netns del a
}

# What needs a special occasion: a header that is not in one piece, a reader that lets
# little segments pile up, a table that grows while packets come, a host whose first
# packet over IPv6 answers one (a route there is copied once).
test_special_occasions()
{
	local capture first last

	prepare_calls
	read -r first last < <(range tern_copy_together)
	faults "$first" "$last" 100 6
	in_ns a vm-hard tiny 127.0.0.1 5000 || fail "little segments"
	no_faults
	ip netns del a
	make_pair a b
	ip -n a addr add fd07::1/64 dev v0 nodad
	ip -n b addr add fd07::2/64 dev v1 nodad
	# whom a capture shows it to has a share in the packet
	ip netns exec b tcpdump -Z root -n -i v1 -w /dev/null 2> /dev/null & capture=$!
	ip netns exec b tern-echo --port 7 --quiet & local server=$!
	wait_until 5 listens b
	sleep 1
	read -r first last < <(range tern_rcv_check)
	faults "$first" "$last" 50 -1
	for _ in 1 2 3 4 5 6 7 8; do
		in_ns a vm-inject fragments 10.7.0.1 10.7.0.2 7 16
	done
	in_ns a sysctl -qw net.tern.enable=0
	faults "$MODULES_FIRST" "$MODULES_LAST" 50 -1
	in_ns a vm-inject syn-flood fd07::1 fd07::2 7 500 > /dev/null
	in_ns a vm-inject syn-flood 10.7.0.1 10.7.0.2 7 2000 > /dev/null
	no_faults
	{ kill "$capture" "$server"; wait "$capture" "$server"; } 2> /dev/null
	nothing_left b
	drop_pair a b
}

# stacks: "function+offset kind", one line for each failure in the log.
stacks()
{
	awk '
	{ sub(/^\[ *[0-9.]+\] ?/, "") }
	/^FAULT_INJECTION: forcing a failure/ { inside = 1; found = ""; own = 0; next }
	inside && /^name / { kind = $2; sub(/,.*/, "", kind) }
	inside && /kmemleak|stack_depot|debug_object|kasan_save|ref_tracker/ && found == "" { own = 1 }
	inside && /\[tern\]$/ && $1 != "?" && found == "" {
		found = $1
		sub(/\/.*/, "", found)
		sub(/\.[a-z0-9.]*\+/, "+", found)
	}
	inside && /<\/TASK>/ {
		inside = 0
		if (own)
			print "debugging", kind
		else
			print found == "" ? "elsewhere" : found, kind
	}' "$LOG"
}

# Every call in the sources that allocates has failed: of each function, from as many
# places in it as it has such calls.
test_every_allocation_has_failed()
{
	local name calls hit all=0 done=0 missing=

	stacks > "$STACKS"
	while read -r calls name; do
		case " $UNREACHABLE " in *" $name "*) continue ;; esac
		hit=$(awk -v name="$name" '{ split($1, a, "+") } a[1] == name && !seen[$1]++ { n++ }
			END { print n + 0 }' "$STACKS")
		[ "$hit" -le "$calls" ] || hit=$calls
		all=$((all + calls))
		done=$((done + hit))
		[ "$hit" = "$calls" ] || missing+=" $name ($hit of $calls)"
	done < <(sites | awk '{ print $1 }' | sort | uniq -c)
	echo "# $(grep -c . "$STACKS") failures: $(grep -c ^elsewhere "$STACKS") outside Tern," \
		"$(grep -c ^debugging "$STACKS") of the debugging itself" >&2
	awk '$1 ~ /\+/ { split($1, a, "+"); n[a[1]]++ } END { for (f in n) print "#", n[f], f }' \
		"$STACKS" | sort -k 3 >&2
	echo "# $done of $all calls that allocate have failed" >&2
	[ -z "$missing" ] || fail "not$missing"
}

echo N > "$DEBUG/failslab/ignore-gfp-wait"
echo N > "$DEBUG/fail_page_alloc/ignore-gfp-wait"
echo N > "$DEBUG/fail_page_alloc/ignore-gfp-highmem"
echo 0 > "$DEBUG/fail_page_alloc/min-order"
: > "$LOG"
dmesg -c > /dev/null
run_tests fault loading_the_module a_namespace calls calls_over_IPv6 \
	each_function all_at_random special_occasions \
	every_allocation_has_failed
exit "$FAILED"
