#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deps.sh WHAT... - make sure the programs that a part of the tree needs are
# installed.  Says nothing and takes no time when nothing is missing.
set -euo pipefail

usage() {
	cat <<-END
	usage: scripts/deps.sh WHAT...

	Installs what is missing through the system's package manager
	(Debian and Ubuntu); names it on other systems.

	  build   compiler and libraries for the module and the programs
	  vm      what scripts/vm.sh needs to boot a kernel
	  matrix  what other architectures need besides build and vm
	  test    what make test needs besides build and vm
	  lint    what make lint needs
	  fuzz    what make fuzz needs: libFuzzer and AFL++
	  kernel  what building a debugging kernel needs besides build
	END
}

# Each line: the package, and how to see that it is there: a command, or a file.
needs() {
	case $1 in
	build)
		echo "gcc gcc"
		echo "make make"
		echo "bc bc"
		echo "libc6-dev /usr/include/stdio.h"
		echo "libelf1 ${elf:-/usr/lib/libelf.so.1}"
		echo "libpcap-dev /usr/include/pcap/pcap.h"
		echo "xz-utils xz"
		echo "kmod depmod"
		;;
	vm)
		echo "qemu-system-x86 qemu-system-x86_64"
		echo "busybox-static busybox"
		echo "cpio cpio"
		echo "kmod depmod"
		echo "iproute2 tc"
		echo "iproute2 ss"
		echo "tcpdump tcpdump"
		echo "ethtool ethtool"
		;;
	matrix)
		echo "qemu-system-arm qemu-system-aarch64"
		echo "qemu-system-misc qemu-system-s390x"
		echo "gcc-aarch64-linux-gnu aarch64-linux-gnu-gcc"
		echo "gcc-s390x-linux-gnu s390x-linux-gnu-gcc"
		echo "util-linux unshare"
		;;
	test)
		echo "sparse sparse"
		echo "gcovr gcovr"
		;;
	lint)
		echo "codespell codespell"
		echo "shellcheck shellcheck"
		echo "perl perl"
		echo "xz-utils xz"
		;;
	fuzz)
		echo "clang clang"
		echo "libclang-rt-dev ${fuzzer:-/usr/lib/clang/libclang_rt.fuzzer.a}"
		echo "llvm llvm-cov"
		echo "afl++ afl-fuzz"
		;;
	kernel)
		echo "flex flex"
		echo "bison bison"
		echo "libelf-dev /usr/include/gelf.h"
		;;
	*)
		echo "deps.sh: '$1' is not one of build, vm, matrix, test, lint, fuzz, kernel" >&2
		return 2
		;;
	esac
}

# system programs live in sbin, which an ordinary user's PATH may lack
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

if [ $# -eq 0 ]; then
	usage >&2
	exit 2
fi
case $1 in -h|--help) usage; exit 0 ;; esac

for elf in /usr/lib/*/libelf.so.1 /usr/lib64/libelf.so.1; do
	[ -e "$elf" ] && break
done

for fuzzer in /usr/lib/llvm-*/lib/clang/*/lib/*/libclang_rt.fuzzer*.a; do
	[ -e "$fuzzer" ] && break
done

packages=()
missing=()
for what in "$@"; do
	list=$(needs "$what")
	while read -r package sign; do
		case $sign in
		/*)	[ -e "$sign" ] && continue ;;
		*)	command -v "$sign" >/dev/null && continue ;;
		esac
		case " ${packages[*]-} " in
		*" $package "*) ;;
		*) packages+=("$package") ;;
		esac
		missing+=("$sign")
	done <<<"$list"
done
[ ${#packages[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
	echo "deps.sh: missing: ${missing[*]}" >&2
	echo "deps.sh: install them (Debian's packages: ${packages[*]}) and try again" >&2
	exit 1
fi

root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "deps.sh: missing: ${missing[*]}" >&2
		echo "deps.sh: as root: apt-get install --no-install-recommends ${packages[*]}" >&2
		exit 1
	fi
	root=(sudo)
fi

echo "deps.sh: installing ${packages[*]} (needed: $*)" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
	"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 </dev/null
}
if ! { apt update && apt install --no-install-recommends "${packages[@]}"; }; then
	tail -n 20 "$log" >&2
	echo "deps.sh: could not install ${packages[*]}" >&2
	exit 1
fi
