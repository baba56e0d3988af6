#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# debug-kernel.sh NAME - print the root of a debugging kernel in the cache, building
# it first when it is not there; scripts/vm/debug/ has a NAME.config for each.
#
# It is built once, from the distribution's source package, and kept as kernel.sh
# keeps a packaged one: the same places, a name that holds the version and a hash of
# the configuration, one rename when it is complete.  Only what building a module
# needs is kept of the tree.
#
# What took time to find out:
# - SLUB_TINY and KASAN exclude each other, and so do KASAN and KCSAN.
# - FAULT_INJECTION_STACKTRACE_FILTER is not offered on x86-64, as stacks could not
#   be unwound when it was written.  With frame pointers they can: that line of
#   Kconfig goes.
# - That filter is asked last, and not at all for /proc/self/fail-nth: it does not
#   say which allocations are counted.  Here it is asked first.
# - Booted as an ELF file (PVH) the kernel runs C before it has page tables for KASAN's
#   shadow, and ends without a word: that code is not instrumented here, and does not
#   look for Xen, with a memcmp() that is.
# - "allnoconfig" drops, without a word, whatever depends on something that is off:
#   each line that was asked for is looked for in the result.
# - The release holds the hash, too: build/RELEASE/tern.ko of another configuration
#   would not fit.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${TERN_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/tern}
PATH=$PATH:/usr/sbin:/sbin

die() { echo "debug-kernel.sh: $*" >&2; exit 1; }

name=${1:-}
if [ $# -ne 1 ] || ! [ -r "$here/debug/$name.config" ] || [ "$name" = common ]; then
	die "want the name of a kernel: $(cd "$here/debug" &&
		echo -- *.config | sed 's/-- //; s/common.config//; s/\.config//g')"
fi
dir=$cache/kernel/$name

# The configuration as asked for, without comments.
wanted() { grep -hv '^#' "$here/debug/common.config" "$here/debug/$name.config"; }

# What is changed in the tree, in $1; see above.
change() {
	sed -i '/^config FAULT_INJECTION_STACKTRACE_FILTER/,/^config/ {
		/depends on !X86_64/d
	}' "$1/lib/Kconfig.debug"
	printf '%s_SANITIZE := n\n' KASAN KCSAN UBSAN >>"$1/arch/x86/platform/pvh/Makefile"
	sed -i 's/xen_cpuid_base()/0/' "$1/arch/x86/platform/pvh/enlighten.c"
	sed -i '/^bool should_fail_ex(/,/^}/ s/^{$/{\
	if ((attr->probability || (in_task() \&\& current->fail_nth)) \&\&\
	    !fail_stacktrace(attr))\
		return false;\
/' "$1/lib/fault-inject.c"
}

hash=$({ wanted; declare -f change; gcc --version; } | sha256sum | cut -c 1-8)
current=$dir/current-$hash
if [ -r "$current" ] && [ -e "$dir/$(<"$current")/release" ] &&
   ! [ /var/lib/apt/lists -nt "$current" ]; then
	echo "$dir/$(<"$current")"
	exit 0
fi

# Write the configuration of the tree in $1, and see that it is what was asked for.
configure() {
	local tree=$1 line missing=

	wanted | sed "s/^\(CONFIG_LOCALVERSION=\"[^\"]*\)\"/\1-$hash\"/" >"$tree/wanted"
	make -C "$tree" KCONFIG_ALLCONFIG=wanted allnoconfig >"$tree/log" 2>&1 || {
		tail -n 20 "$tree/log" >&2
		die "it cannot be configured"
	}
	while read -r line; do
		case $line in
		*=n)	! grep -q "^${line%n}" "$tree/.config" || missing+=" $line" ;;
		CONFIG_*) grep -qxF "$line" "$tree/.config" || missing+=" $line" ;;
		esac
	done <"$tree/wanted"
	[ -z "$missing" ] || die "the configuration lacks$missing"
}

# What building a module against the tree $1 needs, into $2.
keep_headers() {
	mkdir -p "$2"
	(
		cd "$1"
		{
			find . arch/x86 -maxdepth 1 -name 'Makefile*'
			find include scripts arch/x86/include '(' -type f -o -type l ')' \
				! -name '*.o' ! -name '*.cmd'
			echo .config
			echo Module.symvers
			echo tools/objtool/objtool
		} | tar -c -T - -f - | tar -x -C "$2" -f -
	)
}

build() {
	local version=$1 key=$2 temp tree root release begin=$SECONDS

	"$here/../deps.sh" build kernel >&2
	temp=$(mktemp -d "$dir/.build.XXXXXX")
	# shellcheck disable=SC2064 # the value of now is meant
	trap "rm -rf '$temp'" EXIT
	tree=$temp/tree
	root=$temp/root
	mkdir "$tree" "$root"
	echo "debug-kernel.sh: building the kernel $name of $version, which takes a while" >&2
	KERNEL=stock "$here/../kernel.sh" source "$tree"
	change "$tree"
	configure "$tree"
	# a tree of its own: nothing of a make that is running us
	if ! env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -C "$tree" -j"$(nproc)" \
			vmlinux modules >"$tree/log" 2>&1 </dev/null; then
		grep -E 'error|Error' "$tree/log" | head -n 20 >&2 || true
		die "it cannot be built"
	fi
	release=$(make -s -C "$tree" kernelrelease)
	mkdir "$root/boot"
	strip -s -o "$root/boot/vmlinux-$release" "$tree/vmlinux"
	ln -s "vmlinux-$release" "$root/boot/vmlinuz-$release"
	make -s -C "$tree" INSTALL_MOD_PATH="$root" modules_install >>"$tree/log" 2>&1
	rm -f "$root/lib/modules/$release"/{build,source}
	depmod -b "$root" "$release"
	keep_headers "$tree" "$root/usr/src/linux-headers-$release"
	cp "$tree/System.map" "$root/boot/System.map-$release"
	echo "$release" >"$root/release"
	mv "$root" "$dir/$key"
	rm -rf "$temp"
	trap - EXIT
	echo "debug-kernel.sh: built in $((SECONDS - begin)) s" >&2
}

mkdir -p "$dir"
# one builds, the others wait and find it
exec 8>"$dir/lock"
flock 8
version=$(KERNEL=stock "$here/../kernel.sh" source-version)
key=${version//[^A-Za-z0-9._+~-]/_}_$hash
[ -e "$dir/$key/release" ] || build "$version" "$key"
echo "$key" >"$current.new"
mv "$current.new" "$current"
echo "$dir/$key"
