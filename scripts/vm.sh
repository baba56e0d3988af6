#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vm.sh - run a command in a virtual machine that has tern.ko loaded.
#
# The machine is emulated (no KVM, no root) and lives in memory only.  Its first
# process is scripts/vm/init; what it runs sees this tree's programs, tests and
# scripts in /tern.
set -euo pipefail

usage() {
	cat <<-END
	usage: scripts/vm.sh [OPTION]... [COMMAND [ARG...]]

	Boots a distribution kernel under emulation with tern.ko loaded and runs
	COMMAND in it as root, in /tern.  Its output is this script's output, its exit
	status this script's.  A single COMMAND is read by the shell; with ARGs, it is
	run with exactly these.  Without a COMMAND: an interactive shell.

	  --virtual          virtual time (default for a COMMAND): one CPU, a sleeping
	                     machine jumps to its next timer, the clock counts instructions
	  --real             real time (default for the shell)
	  --smp N            N CPUs (with --real only)
	  --mem MIB          memory, default 1024
	  --pcap FILE        keep the packets of all interfaces outside named network
	                     namespaces; inside: capture NS IFACE FILE (capture --help)
	  --pcap-filter EXPR what --pcap keeps, default proto 253 (tcpdump's language)
	  --out DIR          afterwards, what is in the machine's /out is put into DIR
	  --add FILE[:PATH]  put a file or directory of this machine into the VM,
	                     at PATH or in /tern
	  --timeout SECONDS  give up after so much wall time: default 300, 0 never
	  --kernel-log FILE  keep the kernel's log
	  --allow-warnings   a warning in the kernel's log is no failure
	  --no-module        do not load tern.ko
	  --no-build         take module and programs as they are, do not build first

	exit status: that of COMMAND; 99 when the kernel's log shows a bug or warning,
	or it crashed; 124 on timeout; 125 when the machine could not run the command

	environment: KERNEL and TERN_CACHE as scripts/kernel.sh has them;
	TERN_VM_APPEND: more for the kernel's command line
	END
}

die() { echo "vm.sh: $*" >&2; exit 125; }
# $1 as a word that a shell reads as it is
quote() { printf "'%s' " "${1//\'/\'\\\'\'}"; }
number() {
	case $2 in
	''|*[!0-9]*|???????*) die "$1 wants a number, not '$2'" ;;
	esac
}

top=$(cd "$(dirname "$0")/.." && pwd)
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
time='' smp='' mem=1024 pcap='' pcap_filter='proto 253' out='' timeout=''
kernel_log='' allow='' module=1 build=1
add=()
while [ $# -gt 0 ]; do
	case $1 in
	--smp|--mem|--pcap|--pcap-filter|--out|--add|--timeout|--kernel-log)
		[ $# -ge 2 ] || die "$1 wants a value" ;;
	esac
	case $1 in
	--real)		time=real ;;
	--virtual)	time=virtual ;;
	--smp)		number "$1" "$2"; smp=$((10#$2)); shift ;;
	--mem)		number "$1" "$2"; mem=$((10#$2)); shift ;;
	--pcap)		pcap=$2; shift ;;
	--pcap-filter)	pcap_filter=$2; shift ;;
	--out)		out=$2; shift ;;
	--add)		add+=("$2"); shift ;;
	--timeout)	number "$1" "$2"; timeout=$((10#$2)); shift ;;
	--kernel-log)	kernel_log=$2; shift ;;
	--allow-warnings) allow=1 ;;
	--no-module)	module='' ;;
	--no-build)	build='' ;;
	-h|--help)	usage; exit 0 ;;
	--)		shift; break ;;
	-*)		usage >&2; die "no option $1" ;;
	*)		break ;;
	esac
	shift
done
if [ $# -gt 0 ]; then
	run='command'
	time=${time:-virtual}
	timeout=${timeout:-300}
else
	run=shell
	time=${time:-real}
	timeout=${timeout:-0}
fi
if [ "$time" = virtual ] && [ "${smp:-1}" -ne 1 ]; then
	die "virtual time has one CPU: --smp needs --real"
fi
smp=${smp:-1}
{ [ "$smp" -ge 1 ] && [ "$smp" -le 64 ]; } || die "--smp: between 1 and 64"
[ "$mem" -ge 128 ] || die "--mem: at least 128"
for file in "$pcap" "$kernel_log"; do
	if [ -n "$file" ] && ! { : >>"$file"; } 2>/dev/null; then
		die "cannot write $file"
	fi
done

"$top/scripts/deps.sh" vm >&2
arch=$("$top/scripts/kernel.sh" arch)
[ "$arch" = amd64 ] || "$top/scripts/deps.sh" matrix >&2
release=$("$top/scripts/kernel.sh" release)
kernel=$("$top/scripts/kernel.sh" vmlinux)
[ -n "$kernel" ] || kernel=$("$top/scripts/kernel.sh" image)
base=$("$top/scripts/vm/base.sh")

# the programs for another architecture are beside this machine's own
programs=build/bin
compiler=()
if [ "$arch" != amd64 ]; then
	programs=build/bin-$arch
	compiler=("BIN=$programs" "CC=$("$top/scripts/kernel.sh" cross)gcc \
		--sysroot=$("$top/scripts/vm/userland.sh" "$arch")")
fi

ko=$top/build/$release/tern.ko
if [ -n "$build" ]; then
	mkdir -p "$top/build"
	exec 9>"$top/build/.vm.lock"
	flock 9
	if [ -n "$module" ] && { ! [ -e "$ko" ] || ! [ -e "${ko%/*}/.built" ] ||
				[ -n "$(find "$top"/{core,module,include,Kbuild} \
				-newer "${ko%/*}/.built" -print -quit)" ]; }; then
		"$top/scripts/vm/module.sh" >&2 || die "the module was not built"
	fi
	make -s -C "$top" vm-programs "${compiler[@]}" >&2 </dev/null || die "the programs were not built"
	exec 9>&-
fi
[ -z "$module" ] || [ -e "$ko" ] || die "no $ko: make vm-module"

temp=$(mktemp -d "${TMPDIR:-/tmp}/tern-vm.XXXXXX")
pids=()
cleanup() {
	local pid

	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	rm -rf "$temp"
}
trap cleanup EXIT
# whatever goes wrong in this script is not the command's doing
trap 'die "line $LINENO failed"' ERR
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The emulated machine of each architecture, with its serial line, which is the
# kernel's log, and a bus for virtio.  Sets qemu, bus, tty (a second line, for the
# shell), append.
machine_amd64() {
	local cpu=max,la57=off

	# QEMU 7.2 loses the flags when an interrupt comes soon after CMPXCHG16B, by
	# which newer kernels allocate: a double fault, sooner or later.
	case ${KERNEL:-stock} in
	stock|kasan|kcsan) ;;
	*) cpu+=,cx16=off ;;
	esac
	# shellcheck disable=SC2054 # qemu's options have commas
	qemu=(qemu-system-x86_64 -machine pc -cpu "$cpu" -serial chardev:log)
	bus=pci
	tty=ttyS1
	append="console=ttyS0 tsc=reliable no_timer_check"
	# Calibrating the local timer spins for 100 ms, costly under emulation; the
	# HPET is as precise.
	[ "$time" = real ] || append+=" nolapic_timer"
}

machine_arm64() {
	# shellcheck disable=SC2054
	qemu=(qemu-system-aarch64 -machine virt -cpu max,pauth-impdef=on,sve=off
	      -serial chardev:log)
	bus=pci
	tty=hvc0
	append="console=ttyAMA0"
}

machine_s390x() {
	# shellcheck disable=SC2054
	qemu=(qemu-system-s390x -machine s390-ccw-virtio -cpu max
	      -device sclpconsole,chardev=log)
	bus=ccw
	tty=hvc0
	append="console=ttysclp0"
}

"machine_$arch"

# The tree's part of the root file system, put behind the base.
guest=$temp/root
mkdir -p "$guest/tern/.vm" "$guest/tern/build" "$guest/tern/tests" "$guest/tern/scripts"
cp "$top/scripts/vm/init" "$guest/init"
cp -r "$top/scripts/vm" "$guest/tern/scripts/"
cp "$top"/scripts/*.sh "$guest/tern/scripts/"
[ -z "$module" ] || cp "$ko" "$guest/tern/tern.ko"
[ ! -d "$top/$programs" ] || cp -r "$top/$programs" "$guest/tern/build/bin"
[ ! -d "$top/tests/vm" ] || cp -r "$top/tests/vm" "$guest/tern/tests/"
# $1 where it is in the guest, which has its programs and libraries in /usr
guest_path() {
	case $1 in
	/bin/*|/sbin/*|/lib/*|/lib64/*) echo "/usr$1" ;;
	*) echo "$1" ;;
	esac
}

for file in "${add[@]}"; do
	path=/tern/$(basename "${file%%:*}")
	case $file in *:*) path=${file#*:} file=${file%%:*} ;; esac
	[ -e "$file" ] || die "--add: no $file"
	case $path in
	*..*)	die "--add: $path" ;;
	/*)	;;
	*)	path=/tern/$path ;;
	esac
	path=$(guest_path "$path")
	mkdir -p "$guest$(dirname "$path")"
	cp -rL "$file" "$guest$path"
done

# output that goes to one place keeps its order
merge=
if [ "$(readlink /proc/$$/fd/1)" = "$(readlink /proc/$$/fd/2)" ]; then
	merge=1
fi
{ tput cols; tput lines; } >"$temp/size" 2>/dev/null || true
{
	echo "run=$run"
	echo "module=$module"
	echo "merge=$merge"
	echo "files=${out:+1}"
	echo "tty=$tty"
	echo "pcap=${pcap:+$(quote "$pcap_filter")}"
	{ read -r columns; read -r rows; } <"$temp/size" || true
	echo "rows=${rows:-24} columns=${columns:-80} term=${TERM:-linux}"
} >"$guest/tern/.vm/config"
if [ $# -eq 1 ]; then
	printf '%s\n' "$1" >"$guest/tern/.vm/command"
elif [ $# -gt 1 ]; then
	# each argument arrives as it is
	for arg in "$@"; do
		quote "$arg"
	done >"$guest/tern/.vm/command"
fi
# libraries that the programs want and the base lacks are rare: two lists tell; of
# another architecture's ldd knows nothing, and its programs want none
find "$guest" -type f -perm -u+x ! -name '*.sh' ! -name init -exec ldd {} + 2>/dev/null |
	grep -o '/[^ :]*' | grep -v "^$guest" | sort -u >"$temp/libs" || true
if [ -s "$temp/libs" ]; then
	cpio -t --quiet <"$base" | sed 's|^\.*/*|/|' | sort >"$temp/have"
	while read -r lib; do
		path=$(guest_path "$lib")
		grep -qxF "$path" "$temp/have" && continue
		mkdir -p "$guest${path%/*}"
		cp -L "$lib" "$guest$path"
	done <"$temp/libs"
fi
{
	cat "$base"
	cd "$guest"
	find . -mindepth 1 | cpio -o -H newc -R 0:0 --quiet
} >"$temp/initrd"
rm -rf "$guest"

# shellcheck disable=SC2054 # qemu's options have commas
qemu+=(
	-nodefaults -no-user-config -no-reboot
	-accel "tcg${TERN_TCG:-}" -m "$mem"
	-display none -device "virtio-serial-$bus,max_ports=8"
	-kernel "$kernel" -initrd "$temp/initrd"
	-chardev "file,id=log,path=$temp/log"
)
if [ "$time" = virtual ]; then
	# shellcheck disable=SC2054
	qemu+=(-smp 1 -icount shift=1,sleep=off)
	[ "$arch" = s390x ] || qemu+=(-rtc "base=utc,clock=vm")
else
	qemu+=(-smp "$smp")
fi
# A panic ends the run at once; no address is random, so that runs repeat.
append+=" loglevel=8 panic=-1 oops=panic softlockup_panic=1"
append+=" nokaslr mitigations=off random.trust_cpu=on net.ifnames=0"
# What a boot spends most of its time on, and networking does not need.
append+=" cryptomgr.notests"
append+=" initcall_blacklist=load_system_certificate_list,crypto_kdf108_init"
# With KASAN, interpreting ACPI's table of interrupts takes half a minute; without it
# there is no MSI.
[ "${KERNEL:-stock}" != kasan ] || append+=" pci=noacpi,nomsi"
append+=" ${TERN_VM_APPEND:-}"

port() {
	qemu+=(-chardev "file,id=$1,path=$temp/$1" -device "virtserialport,chardev=$1,name=tern.$1")
}
mkfifo "$temp/stdout" "$temp/stderr"
for name in stdout stderr status; do
	port $name
done
[ -z "$pcap" ] || port pcap
[ -z "$out" ] || port files

cat "$temp/stdout" &
readers=($!)
cat "$temp/stderr" >&2 &
readers+=($!)
pids+=("${readers[@]}")

limit=(timeout -k 5 "$timeout")
status=0
if [ $run = shell ]; then
	echo "vm.sh: Linux $release, tern.ko ${module:+is loaded}${module:-is not loaded}; exit or Ctrl-A X ends it" | sed 's/is loaded1/is loaded/' >&2
	# shellcheck disable=SC2054
	qemu+=(-chardev stdio,id=tty,mux=on,signal=off -mon tty)
	if [ "$tty" = hvc0 ]; then
		qemu+=(-device "virtconsole,chardev=tty")
	else
		qemu+=(-serial chardev:tty)
	fi
	"${limit[@]:0:1}" --foreground "${limit[@]:1}" "${qemu[@]}" -append "$append" || status=$?
else
	# setpriv: should this script be killed, so is the machine
	setpriv --pdeathsig TERM "${limit[@]}" "${qemu[@]}" -append "$append" </dev/null \
		2>"$temp/qemu" &
	pids+=($!)
	wait $! || status=$?
fi

# a machine that never started never opened these
: <>"$temp/stdout" <>"$temp/stderr"
wait "${readers[@]}" || true
pids=()

touch "$temp/log" "$temp/status" "$temp/pcap"
tr -d '\r' <"$temp/log" >"$temp/log.text"
[ -z "$kernel_log" ] || cp "$temp/log.text" "$kernel_log"
[ -z "$pcap" ] || cp "$temp/pcap" "$pcap"
if [ -n "$out" ] && [ -s "$temp/files" ]; then
	mkdir -p "$out" "$temp/unpacked"
	tar -xm --no-same-owner -C "$temp/unpacked" -f "$temp/files"
	cp -r "$temp/unpacked/out/." "$out"
fi

bad='WARNING:|BUG:|BUG TERN|Oops:|Call [Tt]race|refcount_t:|unregister_netdevice: waiting'
bad+='|suspicious RCU|Kernel panic|[Ll]eaked|general protection fault|soft lockup|detected stall'
# what the debugging kernels say in other words
bad+='|UBSAN:|unreferenced object|ref_tracker:|blocked for more than|ODEBUG: Out of memory'
bad+='|kmemleak: (Cannot|Automatic memory scanning thread ended)|lockdep is turned off'
bad+='|Out of memory: Killed|printk messages dropped'
awk -f "$top/scripts/vm/reports.awk" "$temp/log.text" >"$temp/log.reports"
if grep -qE "$bad" "$temp/log.reports"; then
	echo "vm.sh: the kernel's log:" >&2
	grep -E -A 50 "$bad" "$temp/log.reports" | head -n 150 >&2
	[ -n "$allow" ] || exit 99
fi
if read -r word code <"$temp/status" && [ "$word" = exit ]; then
	exit "$code"
fi
# Ctrl-A X at the shell
if [ $run = shell ] && [ $status -eq 0 ]; then
	exit 0
fi
if [ $status -eq 124 ] || [ $status -eq 137 ]; then
	echo "vm.sh: no end after $timeout s" >&2
	exit 124
fi
cat "$temp/qemu" >&2 || true
echo "vm.sh: the machine ended without a result; the end of its log:" >&2
tail -n 15 "$temp/log.text" >&2
exit 125
