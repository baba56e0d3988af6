#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel.sh - a distribution kernel, unpacked in a cache outside the tree.
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
	  root        directory that the packages are unpacked in
	  checkpatch  path of checkpatch.pl of the distribution's kernel source
	  kernel-doc  path of kernel-doc of the same source
	  source DIR  unpack the distribution's kernel source into DIR
	  source-version  its version

	environment:
	  KERNEL      which kernel: stock (default), the distribution's own; kasan or
	              kcsan, built from its source for debugging (scripts/vm/debug/)
	  TERN_CACHE  the cache, default \${XDG_CACHE_HOME:-~/.cache}/tern
	END
}

die() { echo "kernel.sh: $*" >&2; exit 1; }

PATH=$PATH:/usr/sbin:/sbin
cache=${TERN_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/tern}
kernel=${KERNEL:-stock}

# What KERNEL=... means: the packages to start from.  Another suite or
# architecture would also set apt_options to an apt state of its own.
apt_options=(-o APT::Sandbox::User=root)
choose() {
	local id=debian like=

	[ -r /etc/os-release ] && {
		id=$(. /etc/os-release && echo "${ID:-}")
		like=$(. /etc/os-release && echo "${ID_LIKE:-}")
	}
	case $kernel in
	stock)	;;
	*)	die "KERNEL=$kernel: only stock, kasan and kcsan are known" ;;
	esac
	if ! command -v apt-cache >/dev/null || ! command -v dpkg >/dev/null; then
		die "needs a Debian or Ubuntu system (apt-cache, apt-get, dpkg)"
	fi
	[ "$(dpkg --print-architecture)" = amd64 ] ||
		die "only amd64 is supported so far"
	case " $id $like " in
	*" ubuntu "*)
		start=(linux-image-virtual linux-headers-virtual) ;;
	*)	start=(linux-image-cloud-amd64 linux-headers-cloud-amd64) ;;
	esac
}

# Package lists of our own, in the cache: for a system that has none or old ones.
private_lists() {
	local state=$cache/apt/$kernel

	echo "kernel.sh: reading package lists" >&2
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	apt_options+=(-o "Dir::State::lists=$state/lists" -o "Dir::Cache=$state/cache")
	apt-get "${apt_options[@]}" -q update >"$state/log" 2>&1 </dev/null || {
		tail -n 5 "$state/log" >&2
		return 1
	}
}

depends() { apt-cache "${apt_options[@]}" depends --important "$1" 2>/dev/null |
	sed -n 's/^ *Depends: \(linux-[a-z]*-[^ ]*\)$/\1/p'; }

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
		case $p in *-[0-9]*) packages+=("$p") ;; esac
		for d in $(depends "$p"); do
			case $d in
			linux-image-*|linux-modules-*|linux-headers-*|linux-kbuild-*)
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
	unpack_vmlinux "$temp/root/boot/vmlinuz-$release" "$temp/root/boot/vmlinux-$release"
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

	case $kernel in
	kasan|kcsan)
		root=$("$(dirname "$0")/vm/debug-kernel.sh" "$kernel")
		return ;;
	esac
	if [ -r "$current" ] && [ -e "$cache/kernel/$kernel/$(<"$current")/release" ] &&
	   ! [ /var/lib/apt/lists -nt "$current" ]; then
		root=$cache/kernel/$kernel/$(<"$current")
		return
	fi
	choose
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

case ${1:-} in
image|vmlinux|release|modules|headers|root)
	get_kernel
	release=$(<"$root/release")
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
checkpatch)	echo "$scripts/checkpatch.pl" ;;
kernel-doc)	echo "$scripts/kernel-doc" ;;
esac
