#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel.sh - a distribution kernel, unpacked in a cache outside the tree, and
# what builds modules for it.
#
# Packages are named, resolved and downloaded by apt and unpacked with
# dpkg -x: nothing is installed and no root is needed.  A kernel appears in the
# cache by one rename, when it is complete, under a name that holds its version;
# there is no state in between that a later run could mistake for a kernel.
set -euo pipefail

usage() {
	cat <<-END
	usage: scripts/kernel.sh COMMAND

	  image       path of the bootable kernel
	  vmlinux     path of the same kernel as an ELF file, or nothing
	  release     its release, as uname -r says
	  modules     path of its /lib/modules/RELEASE
	  headers     path to build modules against (make -C ...)
	  arch        its architecture, as Debian says
	  cross       what the names of the compilers for it begin with, or nothing
	  build DIR [MAKE ARGUMENT...]
	              make in headers for the module in DIR, with the right compiler
	  root        directory that the packages are unpacked in
	  checkpatch  path of checkpatch.pl of the distribution's kernel source
	  kernel-doc  path of kernel-doc of the same source
	  source DIR  unpack the distribution's kernel source into DIR
	  source-version  its version

	environment:
	  KERNEL      which kernel:
$(flavours)
	  TERN_CACHE  the cache, default \${XDG_CACHE_HOME:-~/.cache}/tern
	END
}

die() { echo "kernel.sh: $*" >&2; exit 1; }

PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
cache=${TERN_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/tern}
kernel=${KERNEL:-stock}

# What KERNEL=... means, each in a function of its own that sets
#	start	the packages to start from
#	arch	the architecture, as Debian says; cross: the prefix of its compiler
#	suites	where the packages are, if not in the machine's own sources, see
#		vm/apt.sh; the last one is preferred
#	tools	packages without which modules cannot be built, if the machine's own
#		compiler will not do: they are unpacked beside the kernel
flavour_stock() {
	local id

	id=$(. /etc/os-release 2>/dev/null && echo "${ID:-debian} ${ID_LIKE:-}") || true
	case " $id " in
	*" ubuntu "*)
		start=(linux-image-virtual linux-headers-virtual) ;;
	*)	start=(linux-image-cloud-amd64 linux-headers-cloud-amd64) ;;
	esac
}

flavour_rt() {
	start=(linux-image-rt-amd64 linux-headers-rt-amd64)
}

flavour_6_12() {
	start=(linux-image-cloud-amd64 linux-headers-cloud-amd64)
	suites=(stable bookworm-backports)
}

flavour_newest() {
	start=(linux-image-cloud-amd64 linux-headers-cloud-amd64)
	suites=(trixie trixie-backports)
	tools=(make binutils bash dash coreutils sed grep mawk findutils diffutils)
}

flavour_arm64() {
	start=(linux-image-cloud-arm64 linux-headers-cloud-arm64)
	suites=(stable)
	arch=arm64
	cross=aarch64-linux-gnu-
}

flavour_s390x() {
	start=(linux-image-s390x linux-headers-s390x)
	suites=(stable)
	arch=s390x
	cross=s390x-linux-gnu-
}

flavours() {
	cat <<-END
	              stock    the distribution's own (default)
	              rt       the same with PREEMPT_RT
	              6.12     Debian 12's backports
	              newest   Debian 13's backports, with the compiler it wants
	              arm64    the distribution's own for this architecture, emulated;
	              s390x    weak memory order, and big-endian
	              kasan    built from its source for debugging, see
	              kcsan    scripts/vm/debug/
	END
}

apt_options=(-o APT::Sandbox::User=root)
choose() {
	arch=amd64 cross='' suites=() tools=()
	case $kernel in
	stock|kasan|kcsan)
		flavour_stock ;;
	rt|6.12|newest|arm64|s390x)
		"flavour_${kernel//./_}" ;;
	*)	die "KERNEL=$kernel: not known, see scripts/kernel.sh --help" ;;
	esac
}

# The package lists that the flavour needs, in apt_options.
ready_apt() {
	if ! command -v apt-cache >/dev/null || ! command -v dpkg >/dev/null; then
		die "needs a Debian or Ubuntu system (apt-cache, apt-get, dpkg)"
	fi
	[ "$(dpkg --print-architecture)" = amd64 ] ||
		die "only amd64 is supported so far"
	[ ${#suites[@]} -gt 0 ] || return 0
	# shellcheck source=scripts/vm/apt.sh
	. "$here/vm/apt.sh"
	apt_private "$arch" "${suites[@]}" || die "cannot read the lists of ${suites[*]}"
	case ${suites[-1]} in
	stable)	;;
	*)	apt_options+=(-o "APT::Default-Release=${suites[-1]}") ;;
	esac
}

# Package lists of our own, in the cache: for a system that has none or old ones.
private_lists() {
	local state=$cache/apt/$kernel

	# other suites have lists of their own anyway
	[ ${#suites[@]} -eq 0 ] || return 1
	echo "kernel.sh: reading package lists" >&2
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	apt_options+=(-o "Dir::State::lists=$state/lists" -o "Dir::Cache=$state/cache")
	apt-get "${apt_options[@]}" -q update >"$state/log" 2>&1 </dev/null || {
		tail -n 5 "$state/log" >&2
		return 1
	}
}

# of alternatives, marked with |, the first
depends() { apt-cache "${apt_options[@]}" depends --important "$1" 2>/dev/null |
	awk '/^ .?Depends: / { if (!other && $2 ~ /^linux-[a-z]*-/) print $2
			       other = /^ \|/ }'; }

version() { apt-cache "${apt_options[@]}" show --no-all-versions "$1" 2>/dev/null |
	awk '/^Version: / && !v { v = $2 } END { print v }'; }

# The packages to fetch, from the two that the distribution keeps up to date.
# Sets packages, key.
resolve() {
	local todo=("${start[@]}") p d seen=" "

	packages=()
	while [ ${#todo[@]} -gt 0 ]; do
		p=${todo[0]}
		todo=("${todo[@]:1}")
		case $seen in *" $p "*) continue ;; esac
		seen+="$p "
		# only those named by a version hold files
		case $p in
		linux-kbuild-*)
			# programs that run while the module is built: here
			[ "$arch" = amd64 ] || p+=:amd64=$(version "$p")
			packages+=("$p") ;;
		*-[0-9]*)
			packages+=("$p") ;;
		esac
		for d in $(depends "$p"); do
			case $d in
			linux-image-*|linux-modules-*|linux-headers-*|linux-kbuild-*|\
			linux-binary-*|linux-base-*)
				todo+=("$d") ;;
			esac
		done
	done
	release=
	for p in "${packages[@]}"; do
		case $p in linux-image-[0-9]*) release=${p#linux-image-} ;; esac
	done
	[ -n "$release" ] || return 1
	case " ${packages[*]} " in
	*" linux-headers-$release "*) ;;
	*) return 1 ;;
	esac
	# Ubuntu keeps the less usual network modules apart
	p=linux-modules-extra-$release
	[ -n "$(version "$p")" ] && packages+=("$p")
	key=${release}_$(version "linux-image-$release")
	key=${key//[^A-Za-z0-9._+~-]/_}
}

# Download the packages named into $1.
download() {
	local dir=$1
	shift
	(cd "$dir" && apt-get "${apt_options[@]}" -q download "$@" >log 2>&1 </dev/null)
}

# The packages' files refer to each other by absolute paths: point them into
# the place where they will be.
relocate() {
	local root=$1 final=$2 link target

	find "$root" -type l -lname '/*' -print | while read -r link; do
		target=$(readlink "$link")
		ln -sfn "$final$target" "$link"
	done
	for file in "$root"/usr/src/linux-headers-*/Makefile \
		    "$root"/usr/src/linux-headers-*/.kernelvariables; do
		[ -f "$file" ] || continue
		sed -i -e "s,\(^\|[ =]\)/usr/\(src\|lib\)/linux-,\1$final/usr/\2/linux-,g" "$file"
	done
}

# An ELF image boots faster than the compressed one: the guest need not unpack
# itself under emulation.  The compressed part starts at the magic number of its
# compressor; when none of them fits there is no ELF image, which is no error.
unpack_vmlinux() {
	local image=$1 out=$2 name magic pos

	while read -r name magic; do
		command -v "$name" >/dev/null || continue
		while read -r pos; do
			tail -c +$((pos + 1)) "$image" | "$name" -dc >"$out" 2>/dev/null || true
			[ "$(head -c 4 "$out" | tail -c 3)" = ELF ] && return 0
		done < <(LC_ALL=C grep -abo -P "$magic" "$image" | cut -d: -f1)
	done <<-'END'
	xz \xfd7zXZ\x00
	gzip \x1f\x8b\x08
	zstd \x28\xb5\x2f\xfd
	lz4 \x02\x21\x4c\x18
	END
	rm -f "$out"
}

# The build tools that the machine lacks: gcc as the headers want it, and all that
# they, it and the kernel's own helpers depend on.
fetch_tools() {
	local dir=$1 compiler

	compiler=$(apt-cache "${apt_options[@]}" depends --important \
		"linux-headers-$release" | sed -n 's/^ *Depends: \(gcc-[^ ]*\)$/\1/p')
	[ -n "$compiler" ] || die "the headers for $release name no compiler"
	echo "kernel.sh: fetching $compiler for it" >&2
	# shellcheck disable=SC2086 # it may be several
	apt_unpack "$dir" "${tools[@]}" $compiler "linux-headers-$release" ||
		die "cannot download $compiler"
	ln -sf mawk "$dir/usr/bin/awk"
}

fetch() {
	local final=$cache/kernel/$kernel/$key temp deb

	mkdir -p "$cache/kernel/$kernel"
	temp=$(mktemp -d "$cache/kernel/$kernel/.fetch.XXXXXX")
	# shellcheck disable=SC2064 # the value of now is meant
	trap "rm -rf '$temp'" EXIT
	mkdir "$temp/deb" "$temp/root"
	echo "kernel.sh: fetching kernel $release into $cache" >&2
	if ! download "$temp/deb" "${packages[@]}"; then
		# the lists may be older than the archive
		if ! { private_lists && resolve; }; then
			die "cannot find the kernel packages"
		fi
		final=$cache/kernel/$kernel/$key
		download "$temp/deb" "${packages[@]}" || {
			tail -n 5 "$temp/deb/log" >&2
			die "cannot download ${packages[*]}"
		}
	fi
	for deb in "$temp"/deb/*.deb; do
		dpkg -x "$deb" "$temp/root"
	done
	# newer packages have it beside the modules
	if [ ! -e "$temp/root/boot/vmlinuz-$release" ]; then
		mkdir -p "$temp/root/boot"
		mv "$temp/root/usr/lib/modules/$release/vmlinuz" \
			"$temp/root/boot/vmlinuz-$release" || true
	fi
	# where /lib is a link to /usr/lib the packages may say either
	if [ ! -e "$temp/root/lib/modules/$release" ]; then
		mkdir -p "$temp/root/lib"
		ln -s ../usr/lib/modules "$temp/root/lib/modules"
	fi
	relocate "$temp/root" "$final"
	# parts that nobody reads
	rm -rf "$temp/root/usr/share/doc" "$temp/root/usr/share/bug" \
		"$temp/root/usr/share/lintian"
	[ -r "$temp/root/boot/vmlinuz-$release" ] ||
		die "the packages hold no kernel image for $release"
	[ -e "$temp/root/usr/src/linux-headers-$release/Makefile" ] ||
		die "the packages hold no headers for $release"
	depmod -b "$temp/root" "$release"
	[ "$arch" != amd64 ] ||
		unpack_vmlinux "$temp/root/boot/vmlinuz-$release" "$temp/root/boot/vmlinux-$release"
	[ ${#tools[@]} -eq 0 ] || fetch_tools "$temp/root/tools"
	echo "$release" >"$temp/root/release"
	if [ ! -e "$final" ]; then
		mv "$temp/root" "$final"
	fi
	rm -rf "$temp"
	trap - EXIT
}

# Sets root to the unpacked kernel, fetching it when it is not there.  The answer
# of apt is remembered until the system's package lists change.
get_kernel() {
	local current=$cache/kernel/$kernel/current

	choose
	case $kernel in
	kasan|kcsan)
		root=$("$here/vm/debug-kernel.sh" "$kernel")
		return ;;
	esac
	if [ -r "$current" ] && [ -e "$cache/kernel/$kernel/$(<"$current")/release" ]; then
		root=$cache/kernel/$kernel/$(<"$current")
		if [ ${#suites[@]} -gt 0 ]; then
			[ -z "$(find "$current" -mtime -1)" ] || return 0
		elif ! [ /var/lib/apt/lists -nt "$current" ]; then
			return 0
		fi
	fi
	ready_apt
	mkdir -p "$cache/kernel/$kernel"
	# one fetches, the others wait and find it
	exec 9>"$cache/kernel/$kernel/lock"
	flock 9
	if ! resolve; then
		if ! { private_lists && resolve; }; then
			die "apt knows no ${start[*]}"
		fi
	fi
	[ -e "$cache/kernel/$kernel/$key/release" ] || fetch
	echo "$key" >"$current.new"
	mv "$current.new" "$current"
	root=$cache/kernel/$kernel/$key
	exec 9>&-
}

# Sets package and v to the package of the kernel's source and its version.
source_package() {
	choose
	ready_apt
	package=$(depends linux-source | grep '^linux-source-' | head -n 1) || true
	if [ -z "$package" ]; then
		private_lists || true
		package=$(depends linux-source | grep '^linux-source-' | head -n 1) || true
	fi
	[ -n "$package" ] || die "apt knows no linux-source"
	v=$(version "$package")
}

# Unpack the source, or those files of it that tar's further arguments name, into $1
# by way of $2.
unpack_source() {
	local dir=$1 temp=$2 tarball
	shift 2

	mkdir "$temp/deb"
	echo "kernel.sh: fetching $package" >&2
	download "$temp/deb" "$package" || {
		private_lists || true
		v=$(version "$package")
		download "$temp/deb" "$package" || {
			tail -n 5 "$temp/deb/log" >&2
			die "cannot download $package"
		}
	}
	# the names of the tarball's top directory and place differ
	tarball=$(dpkg --fsys-tarfile "$temp"/deb/*.deb | tar -t |
		grep -E '/linux-source-[^/]*\.tar\.[a-z0-9]+$' | head -n 1) || true
	[ -n "$tarball" ] || die "$package holds no source tarball"
	dpkg --fsys-tarfile "$temp"/deb/*.deb | tar -xO "$tarball" >"$temp/source"
	tar -xf "$temp/source" -C "$dir" "$@"
	rm -rf "$temp/source" "$temp/deb"
}

# The kernel source package is large and only a few scripts of it are wanted.
get_source_scripts() {
	local package v temp dir=$cache/checkpatch

	scripts=$dir/current
	if [ -e "$scripts/checkpatch.pl" ] && ! [ /var/lib/apt/lists -nt "$dir/checked" ]; then
		return
	fi
	mkdir -p "$dir"
	exec 9>"$dir/lock"
	flock 9
	source_package
	if [ ! -e "$dir/$v/checkpatch.pl" ]; then
		temp=$(mktemp -d "$dir/.fetch.XXXXXX")
		# shellcheck disable=SC2064 # the value of now is meant
		trap "rm -rf '$temp'" EXIT
		mkdir "$temp/scripts"
		unpack_source "$temp/scripts" "$temp" --strip-components=2 --wildcards \
			'*/scripts/checkpatch.pl' '*/scripts/spelling.txt' \
			'*/scripts/const_structs.checkpatch' '*/scripts/kernel-doc'
		[ -e "$temp/scripts/checkpatch.pl" ] || die "$package holds no checkpatch.pl"
		[ -e "$dir/$v" ] || mv "$temp/scripts" "$dir/$v"
		rm -rf "$temp"
		trap - EXIT
	fi
	ln -sfn "$v" "$dir/current.new"
	mv -T "$dir/current.new" "$dir/current"
	touch "$dir/checked"
	exec 9>&-
}

get_source() {
	local package v temp

	source_package
	temp=$(mktemp -d "$1/.fetch.XXXXXX")
	unpack_source "$1" "$temp" --strip-components=1
	rm -rf "$temp"
}

# Run a command in a directory tree of its own that has the flavour's tools in /usr
# and, where they are here, the cache and this source tree.  No root is needed where
# a user may have a name space of his own.
in_tools() {
	local view user=() status=0

	[ "$(id -u)" -eq 0 ] || user=(--map-root-user)
	view=$(mktemp -d)
	# shellcheck disable=SC2016 # it is for the other shell
	unshare "${user[@]}" --mount bash -c '
		view=$1 tools=$2 cache=$3 tree=$4
		shift 4
		mount -t tmpfs tmpfs "$view" || exit
		for dir in bin sbin lib lib64; do ln -s "usr/$dir" "$view/$dir"; done
		mkdir "$view/usr" "$view/tmp"
		mount --rbind "$tools/usr" "$view/usr" || exit
		for dir in /proc /dev "$cache" "$tree"; do
			mkdir -p "$view$dir" && mount --rbind "$dir" "$view$dir" || exit
		done
		exec chroot "$view" /usr/bin/env -i PATH=/usr/bin:/usr/sbin HOME=/tmp "$@"
	' in_tools "$view" "$root/tools" "$(cd "$cache" && pwd -P)" \
		"$(cd "$here/.." && pwd -P)" "$@" || status=$?
	rmdir "$view"
	return $status
}

# make in the headers for the module in a directory
build() {
	local dir=$1 words=()
	shift

	words=(make -C "$root/usr/src/linux-headers-$release" M="$dir")
	[ -z "$cross" ] || words+=("CROSS_COMPILE=$cross")
	if [ -d "$root/tools" ]; then
		in_tools "${words[@]}" "$@"
	else
		"${words[@]}" "$@"
	fi
}

case ${1:-} in
image|vmlinux|release|modules|headers|root|build)
	get_kernel
	release=$(<"$root/release")
	;;
arch|cross)
	choose
	;;
checkpatch|kernel-doc)
	get_source_scripts
	;;
source)
	[ -d "${2:-}" ] || die "source wants a directory"
	get_source "$2"
	exit
	;;
source-version)
	source_package
	echo "$v"
	exit
	;;
-h|--help)
	usage
	exit 0
	;;
*)
	usage >&2
	exit 2
	;;
esac

case $1 in
image)		echo "$root/boot/vmlinuz-$release" ;;
vmlinux)	[ ! -e "$root/boot/vmlinux-$release" ] || echo "$root/boot/vmlinux-$release" ;;
release)	echo "$release" ;;
modules)	echo "$root/lib/modules/$release" ;;
headers)	echo "$root/usr/src/linux-headers-$release" ;;
root)		echo "$root" ;;
arch)		echo "$arch" ;;
cross)		echo "$cross" ;;
build)		shift; [ $# -gt 0 ] || die "build wants a directory"
		build "$@" ;;
checkpatch)	echo "$scripts/checkpatch.pl" ;;
kernel-doc)	echo "$scripts/kernel-doc" ;;
esac
