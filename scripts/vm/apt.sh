# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# apt.sh - read by other scripts: packages of another suite or architecture.
#
# The package state (lists, and that nothing is installed) lies in the cache, so
# the machine's own is neither needed nor touched, and no root is needed.  The
# mirror is that of the machine's own sources.

# apt_sources SUITE...: the lines of a sources.list.  "stable" is the machine's own
# release and what corrects it; any other name is a suite of the same mirror.
apt_sources() {
	local codename key=/usr/share/keyrings/debian-archive-keyring.gpg uri release suite

	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	[ -e "$key" ] && key="[signed-by=$key] " || key=
	# shellcheck disable=SC2016 # they are apt's
	apt-get indextargets --format '$(COMPONENT) $(RELEASE) $(REPO_URI)' \
		'Created-By: Packages' | sed -n 's/^main //p' | sort -u |
	while read -r release uri; do
		for suite; do
			case $suite:$release in
			stable:"$codename"|stable:"$codename"-updates|stable:"$codename"-security)
				echo "deb $key$uri $release main" ;;
			stable:*) ;;
			*:"$codename")
				echo "deb $key$uri $suite main" ;;
			esac
		done
	done
}

# apt_private ARCH SUITE...: set apt_options, for apt-get and apt-cache, to a state
# that knows these suites' packages for this architecture and for amd64.  The
# lists are read again after a day.
apt_private() {
	local arch=$1 dir suites
	shift

	suites=$*
	dir=${cache:?}/apt/$arch-${suites// /-}
	apt_options=(
		-o "Dir::State=$dir" -o "Dir::State::lists=$dir/lists"
		-o "Dir::State::status=$dir/status" -o "Dir::Cache=$dir"
		-o "Dir::Etc::sourcelist=$dir/sources.list"
		-o "Dir::Etc::sourceparts=$dir/empty"
		-o "Dir::Etc::preferencesparts=$dir/empty"
		-o "APT::Architecture=$arch" -o "APT::Architectures::=$arch"
		-o "APT::Architectures::=amd64" -o "APT::Install-Recommends=false"
		-o "APT::Sandbox::User=root" -o "Debug::NoLocking=1"
	)
	[ -z "$(find "$dir/read" -mtime -1 2>/dev/null)" ] || return 0
	mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/empty"
	(
		flock 8
		[ -z "$(find "$dir/read" -mtime -1 2>/dev/null)" ] || exit 0
		echo "apt.sh: reading the package lists of $suites for $arch" >&2
		: >"$dir/status"
		apt_sources "$@" >"$dir/sources.list"
		if apt-get "${apt_options[@]}" -q update >"$dir/log" 2>&1 </dev/null; then
			touch "$dir/read"
			exit 0
		fi
		grep -E '^[EW]:' "$dir/log" >&2
		# no network: what was read before still serves
		[ -e "$dir/read" ]
	) 8>"$dir/lock"
}

# apt_unpack DIR NAME...: download these packages and whatever they depend on, and
# unpack all of them in DIR, which gets /bin, /lib ... as links into /usr.  With
# -t SUITE first, as apt-get has it.
apt_unpack() {
	local dir=$1 name deb
	shift

	mkdir -p "$dir/.deb/partial"
	for name in bin sbin lib lib32 lib64 libx32; do
		mkdir -p "$dir/usr/$name"
		ln -s "usr/$name" "$dir/$name"
	done
	apt-get "${apt_options[@]}" -o "Dir::Cache::archives=$dir/.deb" \
		-q -y --download-only install "$@" >"$dir/.deb/log" 2>&1 </dev/null || {
		tail -n 5 "$dir/.deb/log" >&2
		return 1
	}
	for deb in "$dir"/.deb/*.deb; do
		dpkg --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$dir"
	done
	rm -rf "$dir/.deb"
	rm -rf "${dir:?}"/usr/share/{doc,man,locale,bug,lintian,info}
}
