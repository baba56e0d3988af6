# SPDX-License-Identifier: GPL-2.0
#
# reports.awk - the kernel's log without what is no fault of Tern's, for vm.sh to
# look for reports in:
#
# - the stacks of failures that fault injection was asked to make;
# - data races that KCSAN finds between functions none of which is called by Tern
#   (or by name is Tern's).  The kernel has many that are known and harmless; how
#   many there were, and which most often, is said in the end, on standard error.
#
# A KCSAN report lies between two lines of "=", and names its two functions in the
# first line; an injected failure ends with its task's stack.

{
	text = $0
	sub(/^\[ *[0-9.]+\] ?/, "", text)
}

text ~ /^=+$/ && block != "" {
	if (race && !ours && !more) {
		others++
		title[what]++
	} else {
		printf "%s%s\n", block, $0
	}
	# the same line does not begin another one
	block = ""
	race = ours = more = 0
	next
}

text ~ /^=+$/ || block != "" {
	block = block $0 "\n"
	if (text ~ /^BUG: KCSAN: /) {
		race = 1
		what = substr(text, 13)
	}
	if (text ~ /(^| )tern6?_|\[tern\]/)
		ours = 1
	# what another CPU reports meanwhile
	if (text ~ /WARNING:|BUG:/ && text !~ /^BUG: KCSAN: /)
		more = 1
	# other reports have such lines, too, and not always two of them
	if (!race && length(block) > 300) {
		printf "%s", block
		block = ""
	}
	next
}

text ~ /^FAULT_INJECTION: forcing a failure/ {
	injected = 200
	asked = 1
}

# what the kernel says, with a stack, of a cache or sysctls that it was kept from making
asked && text ~ /^(kmem_cache_create.* failed with error|sysctl could not get directory)/ {
	injected = 200
}

# a report in the middle of that is one
injected && text ~ /WARNING:|BUG:|KASAN|UBSAN|general protection|refcount_t|Kernel panic/ {
	injected = 0
}

injected {
	injected--
	if (text ~ /<\/TASK>/)
		injected = 0
	next
}

{ print }

END {
	printf "%s", block
	if (!others)
		exit
	printf "vm.sh: %d reports of data races outside Tern:\n", others | "cat >&2"
	sorted = "sort -rn | head -n 10 >&2"
	close("cat >&2")
	for (what in title)
		printf "%7d %s\n", title[what], what | sorted
	close(sorted)
}
