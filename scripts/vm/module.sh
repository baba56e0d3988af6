#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# module.sh [--sparse] - build tern.ko for the kernel that the VM boots; with
# --sparse, check its sources with sparse instead.
#
# The kernel's build writes beside the sources, so it is given a directory of
# links to them, build/RELEASE/: kernels do not disturb each other, and the tree
# stays clean.  A warning is an error here.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top"

scripts/deps.sh build
release=$(scripts/kernel.sh release)
dir=$top/build/$release
what="tern.ko for $release"
# Reports name functions: all of them are to be seen.
flags=-Werror
case ${KERNEL:-stock} in
kasan|kcsan)
	flags+=" -fno-inline-functions-called-once -fno-inline-small-functions"
	flags+=" -fno-partial-inlining" ;;
esac
make=(W=1 "KCFLAGS=$flags" modules)
if [ "${1:-}" = --sparse ]; then
	scripts/deps.sh test
	# a place of its own, so that a check leaves tern.ko alone
	dir=$top/build/$release-sparse
	make=(C=2 "CF=-D__CHECK_ENDIAN__" modules)
	what="sparse check"
fi
mkdir -p "$dir"

# one build at a time
exec 9>"$dir/.lock"
flock 9

# links to what is there, and none to what is gone
for file in Kbuild core/*.[ch] module/*.[ch] include/uapi/linux/*.h; do
	[ -e "$file" ] || continue
	[ -L "$dir/$file" ] && continue
	case $file in */*) mkdir -p "$dir/${file%/*}" ;; esac
	ln -s "$top/$file" "$dir/$file"
done
find "$dir" -xtype l -delete

log=$dir/build.log
# what was built is as new as its beginning: vm.sh looks whether a source is newer
touch "$dir/.start"
status=0
scripts/kernel.sh build "$dir" -j"$(nproc)" "${make[@]}" >"$log.new" 2>&1 </dev/null ||
	status=$?
# Paths as the reader knows them, and not what every build says: where make
# stands, that there is no vmlinux to take types from, which compiler it was.
sed -e "s,$dir/,,g" "$log.new" | grep -vE '^(make(\[[0-9]+\])?: (Entering|Leaving) directory|$)|Skipping BTF generation|^ +BTF|^warning: the compiler differs|^  (The kernel was built by|You are using):' >"$log" || true
rm -f "$log.new"
cat "$log"
if [ $status -ne 0 ]; then
	echo "module.sh: $what: failed" >&2
	exit 1
fi
if grep -qE '(^|[^a-z])(warning|error):' "$log"; then
	# so that the next build says it again
	rm -f "$dir"/tern.ko "$dir"/tern.o "$dir"/core/*.o "$dir"/module/*.o
	echo "module.sh: $what: warnings" >&2
	exit 1
fi
mv "$dir/.start" "$dir/.built"
