#!/bin/sh
# Installs what is missing for one goal: `setup.sh run` (the demo) or `setup.sh test` (all tests).
#
# 1. A Python of a version that pyproject.toml allows.
# 2. Programs. As root on Debian and its relatives: installs the missing packages, never removing another one.
#    Otherwise: names them, and what will not work without.
# 3. .venv, a private environment with the package itself (editable) and, for tests, its test tools.
#
# Idempotent: when nothing is missing it does nothing and takes a moment.
set -eu
cd "$(dirname "$0")/.."
goal=${1:-}
case $goal in run | test) ;; *) echo "usage: setup.sh run|test" >&2; exit 2 ;; esac
PATH=$PATH:/usr/sbin:/sbin
venv=$PWD/.venv

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# program | Debian package | goal that needs it | what is lost without it
programs() {
	cat <<-'END'
		ip|iproute2|run|the demo and all kernel tests
		nft|nftables|run|the demo and all kernel tests
		iptables-nft|iptables|run|the demo and all kernel tests
		nsenter|util-linux|run|the demo and all kernel tests
		dockerd|docker.io|test|the tests with a real Docker Engine
		docker|docker-cli|test|the tests with a real Docker Engine
		docker-compose|docker-compose|test|the comparison of labs with Docker Compose
		busybox|busybox-static|test|the tests with a real Docker Engine
		podman|podman|test|the tests with a real Podman
		netavark|netavark|test|the tests with a real Podman
		runc|runc|test|the tests with a real Docker Engine and a real Podman
		containerd|containerd|test|the tests with a real containerd
		cni-portmap|containernetworking-plugins|test|the tests with a real containerd
		aardvark-dns|aardvark-dns|test|the tests of names with a real Podman
		nginx|nginx|test|the tests of reverse proxies
		haproxy|haproxy|test|the tests of reverse proxies
		caddy|caddy|test|the tests of reverse proxies
		apache2|apache2-bin|test|the tests of reverse proxies
		dnsmasq|dnsmasq-base|test|the tests of resolvers
		unbound|unbound|test|the tests of resolvers
		openssl|openssl|test|the test that reads a certificate
		ssh|openssh-client|test|the tests of hosts by ssh
		dropbear|dropbear-bin|test|the tests of hosts by ssh
		strace|strace|test|the test that no secret is opened
		curl|curl|test|the tests of names and reverse proxies
		sysctl|procps|test|all kernel tests
		arptables-legacy|arptables|test|the kernel tests of arptables-legacy
		ipset|ipset|test|the kernel tests of ipsets
		conntrack|conntrack|test|the kernel tests of connection tracking
		tshark|tshark|test|the tests that open a proof's packets
		linux.uml|user-mode-linux|test|the tests under a second kernel
		tmux|tmux|test|the tests of the workbench in a real terminal
		dot|graphviz|test|the test that Graphviz draws a report
		chromium|chromium|test|the tests of reports in a real browser
	END
}

# The program is there; a busybox counts only when it is static, as an image made of it alone must run.
present() {
	# Podman starts netavark, and containerd the plugins of CNI, by their path, which is in nobody's PATH.
	[ "$1" != netavark ] || { [ -x /usr/lib/podman/netavark ]; return; }
	[ "$1" != aardvark-dns ] || { [ -x /usr/lib/podman/aardvark-dns ]; return; }
	[ "$1" != cni-portmap ] || { [ -x /usr/lib/cni/portmap ]; return; }
	command -v "$1" >/dev/null 2>&1 || return 1
	[ "$1" != busybox ] || ! ldd "$(command -v busybox)" >/dev/null 2>&1
}

allowed_version() {
	"$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1
}

makes_environments() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

# The first Python of an allowed version that can make environments; else the first of an allowed version.
find_python() {
	first=
	for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
		allowed_version "$candidate" || continue
		if makes_environments "$candidate"; then
			echo "$candidate"
			return
		fi
		first=${first:-$candidate}
	done
	echo "$first"
}

missing_programs() {
	programs | while IFS='|' read -r program package need lost; do
		[ "$need" = run ] || [ "$need" = "$goal" ] || continue
		present "$program" || printf '%s|%s|%s\n' "$program" "$package" "$lost"
	done
}

# Installs Debian packages. A new service (docker.io has one) is not started: portscope does not need it running.
install_packages() {
	say "installing Debian packages: $*"
	guard=
	if [ -d /usr/sbin ] && [ ! -e /usr/sbin/policy-rc.d ]; then
		guard=/usr/sbin/policy-rc.d
		trap 'rm -f "$guard"' EXIT
		trap 'exit 130' INT TERM HUP
		printf '#!/bin/sh\nexit 101\n' >"$guard"
		chmod 755 "$guard"
	fi
	export DEBIAN_FRONTEND=noninteractive
	done=0
	# One broken source among many must not keep the packages of the others away.
	apt-get update -q </dev/null >&2 || say "apt-get update had trouble with a source; going on with what it has"
	apt-get install -q -y --no-install-recommends --no-remove "$@" </dev/null >&2 || done=$?
	if [ -n "$guard" ]; then
		rm -f "$guard"
		trap - EXIT INT TERM HUP
	fi
	[ "$done" -eq 0 ] || fail "apt-get could not install: $* (its own words are above); install them and try again"
}

python=$(find_python)
[ -n "$python" ] || [ "$(id -u)" -eq 0 ] || fail "no Python 3.11 to 3.14 found; install one, or name it: make $goal PYTHON=/path/to/python3"

missing=$(missing_programs)
packages=$(printf '%s\n' "$missing" | cut -d '|' -f 2 | sort -u | tr '\n' ' ')
if [ -z "$python" ]; then
	packages="$packages python3 python3-venv"
elif [ ! -x "$venv/bin/python" ] && ! makes_environments "$python"; then
	packages="$packages $(basename "$python")-venv"
fi

if [ -n "$(echo $packages)" ]; then
	if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
		# shellcheck disable=SC2086 # a list of words is meant
		install_packages $packages
		python=$(find_python)
	else
		printf '%s\n' "$missing" | while IFS='|' read -r program package lost; do
			[ -z "$program" ] || say "missing: $program (Debian package $package); left out without it: $lost"
		done
		say "an administrator can install them: apt-get install --no-install-recommends" $packages
	fi
fi
[ -n "$python" ] || fail "no Python 3.11 to 3.14 found; install one, or name it: make $goal PYTHON=/path/to/python3"
[ "$(id -u)" -eq 0 ] || [ "$goal" = run ] || say "not root: the tests that build namespaces or start an engine are left out"

# The legacy iptables writer is compiled on this machine.
extras=
[ "$goal" = run ] || extras=test
compiler=no
if command -v cc >/dev/null 2>&1; then compiler=yes; fi

# Bytecode, so that the first answer is as quick as the second. Does nothing where it is up to date.
compile_all() { "$venv/bin/python" -m compileall -q engine views workbench || :; }

stamp=$venv/.portscope-$goal
state=$({ cat pyproject.toml scripts/setup.sh; echo "$PWD $compiler"; "$python" -V; } | sha256sum)
if [ -x "$venv/bin/portscope" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$state" ]; then
	compile_all
	exit 0
fi

if ! "$venv/bin/python" -c 'import pip' >/dev/null 2>&1 || ! allowed_version "$venv/bin/python" || ! grep -qsF "$PWD" "$venv/bin/pip"; then
	makes_environments "$python" || fail "$python cannot make environments; install the package $(basename "$python")-venv"
	say "making .venv with $("$python" -V)"
	"$python" -m venv --clear "$venv" || fail "$python could not make .venv (its own words are above)"
fi
say "installing portscope${extras:+ and its test tools} into .venv"
"$venv/bin/python" -m pip install -q --disable-pip-version-check -e ".${extras:+[$extras]}" ||
	fail "pip could not install what pyproject.toml names (its own words are above); is a package index reachable?"
legacy() { "$venv/bin/python" -m pip install -q --disable-pip-version-check -e ".[legacy]" >/dev/null 2>&1; }
if [ $compiler = no ]; then
	say "no C compiler: going on without python-iptables, the writer of legacy iptables rules"
elif ! legacy; then
	say "python-iptables could not be compiled: going on without the writer of legacy iptables rules"
fi
# What judges reports in the browser: Mermaid draws its diagrams, axe checks that a page is accessible. Whole files of npm
# packages, never run outside of the browser.
browser_packages() {
	[ "$goal" = test ] || return 0
	if ! command -v npm >/dev/null 2>&1; then
		say "no npm: going on without mermaid and axe-core; left out: the browser tests that need them"
		return 0
	fi
	rm -rf "$venv/web" && mkdir -p "$venv/web"
	for package in mermaid@11.17.2 axe-core@4.14.1; do
		archive=$(cd "$venv/web" && npm pack --silent "$package") || fail "npm could not fetch $package; is a registry reachable?"
		mkdir "$venv/web/${package%@*}"
		tar -xzf "$venv/web/$archive" -C "$venv/web/${package%@*}" --strip-components=1
		rm "$venv/web/$archive"
	done
}
browser_packages
compile_all
printf '%s\n' "$state" >"$stamp"
