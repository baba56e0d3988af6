#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# userland.sh ARCH - print the path of a directory that holds programs of another
# architecture for the VM, and what is needed to compile some, making it first when
# it is not in the cache.  Nothing of it runs on this machine.
#
# The packages are this distribution's; which, apt says, and the directory's name
# holds a hash of its answer.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${TERN_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/tern}
# shellcheck source=scripts/vm/apt.sh
. "$here/apt.sh"

packages=(bash busybox-static coreutils ethtool findutils iproute2 iputils-ping kmod
	  strace tcpdump util-linux libc6-dev libpcap-dev)

[ $# -eq 1 ] || { echo "usage: scripts/vm/userland.sh ARCH" >&2; exit 2; }
arch=$1
dir=$cache/userland/$arch
# asked once a day
if [ -z "$(find "$dir/current" "$here/userland.sh" -newer "$dir/asked" 2>/dev/null)" ] &&
   [ -n "$(find "$dir/asked" -mtime -1 2>/dev/null)" ]; then
	echo "$dir/$(<"$dir/current")"
	exit 0
fi

mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
apt_options=()
apt_private "$arch" stable
key=$({
	cat "$here/userland.sh"
	apt-get "${apt_options[@]}" --print-uris -qq -y install "${packages[@]}" | cut -d ' ' -f 2
} | sha256sum | cut -c 1-16)
if [ ! -e "$dir/$key" ]; then
	echo "userland.sh: fetching programs for $arch into $cache" >&2
	temp=$(mktemp -d "$dir/.fetch.XXXXXX")
	trap 'rm -rf "$temp"' EXIT
	chmod 755 "$temp"
	apt_unpack "$temp" "${packages[@]}"
	mv "$temp" "$dir/$key"
	trap - EXIT
fi
echo "$key" >"$dir/current.new"
mv "$dir/current.new" "$dir/current"
touch "$dir/asked"
echo "$dir/$key"
