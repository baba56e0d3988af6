#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# base.sh - print the path of the part of the VM's root file system that does
# not depend on this tree, making it first when it is not in the cache: busybox,
# the machine's own ip, tc, tcpdump, ss ... with their libraries, and the kernel
# modules that networking tests want.  For another architecture the programs come
# from its packages.
#
# The name of the file holds a hash of everything it was made from.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${TERN_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/tern}
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# bash is the guest's shell: busybox's prefers its own applets to the real ip
# and tc, whatever PATH says
tools="bash busybox ip tc ss bridge tcpdump ethtool kmod"
# busybox's own versions of these run applets, too, rather than what PATH says
runners="env timeout nohup nice setsid xargs find unshare nsenter taskset chroot"
optional="nstat strace ping"
modules="virtio_pci virtio_ccw virtio_console virtio_net veth tun dummy ifb bridge
	sch_netem sch_tbf sch_fq sch_fq_codel sch_ingress cls_u32 cls_matchall
	act_gact act_mirred
	sctp dccp dccp_ipv4 dccp_diag sctp_diag inet_diag tcp_diag udp_diag raw_diag
	af_packet_diag unix_diag netlink_diag nf_conntrack
	virtio_blk virtiofs overlay"

root=$("$here/../kernel.sh" root)
release=$("$here/../kernel.sh" release)
arch=$("$here/../kernel.sh" arch)
userland=
[ "$arch" = amd64 ] || userland=$("$here/userland.sh" "$arch")

# where a program is
find_tool() {
	local dir

	[ -n "$userland" ] || { command -v "$1"; return; }
	for dir in bin sbin; do
		[ -e "$userland/usr/$dir/$1" ] && echo "$userland/usr/$dir/$1" && return
	done
	return 1
}

# $1 of the userland, which a link may be named by as if it were the root
inside() {
	local path=$1 target

	while [ -L "$userland$path" ]; do
		target=$(readlink "$userland$path")
		case $target in
		/*) path=$target ;;
		*) path=${path%/*}/$target ;;
		esac
	done
	echo "$userland$path"
}

# The libraries an executable names, theirs, and its loader, by the paths they have
# in the VM.
libraries() {
	local todo=("$1") name dir file loader seen=" "

	if [ -z "$userland" ]; then
		ldd "$1" 2>/dev/null | grep -o '/[^ ]*' || true
		return
	fi
	loader=$(LC_ALL=C readelf -lW "$1" | sed -n 's/.*interpreter: \(.*\)\]/\1/p')
	[ -n "$loader" ] || return 0
	echo "$loader"
	while [ ${#todo[@]} -gt 0 ]; do
		file=${todo[0]}
		todo=("${todo[@]:1}")
		for name in $(LC_ALL=C readelf -dW "$file" |
			      sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
			case $seen in *" $name "*) continue ;; esac
			seen+="$name "
			for dir in "$userland"/usr/lib/*-linux-gnu "$userland/usr/lib"; do
				[ -e "$dir/$name" ] || continue
				echo "${dir#"$userland"}/$name"
				todo+=("$dir/$name")
				break
			done
		done
	done
}

have=()
for tool in $tools $runners $optional; do
	path=$(find_tool "$tool") || {
		case " $optional " in *" $tool "*) continue ;; esac
		echo "base.sh: $tool is missing" >&2
		exit 1
	}
	have+=("$path")
done

key=$({
	cat "$here/base.sh"
	echo "$root"
	stat -L -c '%n %Y %s' "${have[@]}"
	# the libraries: any installed or upgraded package may have changed them
	stat -c %Y /var/lib/dpkg/status 2>/dev/null || true
} | sha256sum | cut -c 1-16)
base=$cache/vm/base-$key.cpio
if [ -e "$base" ]; then
	echo "$base"
	exit 0
fi

mkdir -p "$cache/vm"
temp=$(mktemp -d "$cache/vm/.base.XXXXXX")
trap 'rm -rf "$temp"' EXIT
top=$temp/root

mkdir -p "$top"/usr/{bin,sbin,lib,lib64} "$top"/{dev,proc,sys,run,tmp,etc,root,var,mnt,out,tern}
for dir in bin sbin lib lib64; do
	ln -s "usr/$dir" "$top/$dir"
done

# an executable with the libraries it names, each where it expects them
put() {
	local lib

	cp -L "$1" "$top/$2"
	libraries "$1" | while read -r lib; do
		[ -e "$top$lib" ] && continue
		mkdir -p "$top${lib%/*}"
		cp -L "$(inside "$lib")" "$top$lib"
	done
}

for path in "${have[@]}"; do
	case ${path##*/} in
	bash|busybox)	put "$path" "usr/bin/${path##*/}" ;;
	*)		put "$path" "usr/sbin/${path##*/}" ;;
	esac
done
ln -s bash "$top/usr/bin/sh"
for name in modprobe insmod rmmod lsmod modinfo depmod; do
	ln -s kmod "$top/usr/sbin/$name"
done
busybox --list | while read -r name; do
	[ -e "$top/usr/sbin/$name" ] || [ -L "$top/usr/sbin/$name" ] ||
		[ -e "$top/usr/bin/$name" ] || [ "$name" = "[[" ] ||
		ln -s busybox "$top/usr/bin/$name"
done
# netem's tables
for dir in /usr/lib/tc /lib/tc; do
	if [ -d "$userland$dir" ]; then
		mkdir -p "$top$dir"
		cp -L "$userland$dir"/*.dist "$top$dir" 2>/dev/null || true
		break
	fi
done

echo "root:x:0:0:root:/root:/bin/sh" >"$top/etc/passwd"
echo "root:x:0:" >"$top/etc/group"
printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 tern-vm\n' >"$top/etc/hosts"
echo "tern-vm" >"$top/etc/hostname"
printf 'icmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\ntern 253 TERN\n' >"$top/etc/protocols"

# modules and what they need, as depmod found it
source=$root/lib/modules/$release
target=$top/lib/modules/$release
mkdir -p "$target"
for name in $modules; do
	# a name may be built in, or unknown to this kernel
	{ grep -E "(^|/)${name//_/[_-]}\.ko[.a-z]*:" "$source/modules.dep" || true; } |
		tr -d : | tr ' ' '\n'
done | sort -u | while read -r file; do
	[ -n "$file" ] || continue
	mkdir -p "$target/${file%/*}"
	cp "$source/$file" "$target/$file"
done
cp "$source"/modules.{order,builtin} "$target"
[ ! -e "$source/modules.builtin.modinfo" ] || cp "$source/modules.builtin.modinfo" "$target"
depmod -b "$top" "$release"

(cd "$top" && find . | LC_ALL=C sort |
	cpio -o -H newc -R 0:0 --quiet) >"$temp/base.cpio"
mv "$temp/base.cpio" "$base"
# earlier ones; a run that is just starting may still want a young one
find "$cache/vm" -maxdepth 1 -name 'base-*.cpio' -mtime +1 ! -name "base-$key.cpio" -delete
echo "$base"
