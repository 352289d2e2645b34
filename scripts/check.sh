#!/bin/sh
# Runs every check, then the tests; words for pytest may follow: `check.sh tests/path -k bridge`.
#
# All of them run, also when one fails, and any failure is the script's. With PORTSCOPE_STRICT=1 a skipped test fails.
# Without words the tests of container engines, which mostly wait for them, run beside all others and are printed last;
# then, as root, a sample of random hosts on a new seed, which is printed and not counted.
set -u
cd "$(dirname "$0")/.." || exit 1
bin=$PWD/.venv/bin
PATH=$bin:$PATH:/usr/sbin:/sbin
export PATH
failed=
fresh=

check() {
	printf '== %s\n' "$*"
	"$@" || failed="$failed $1"
}

check ruff check .
check ruff format --check .
check mypy
check lint-imports --no-cache
check env NO_MKDOCS_2_WARNING=1 mkdocs build --quiet
if [ $# -gt 0 ]; then
	check pytest "$@"
else
	told=$(mktemp)
	# The shell lets what runs beside it ignore an interrupt; here it ends as the rest does, and removes what it made.
	env --default-signal=INT pytest -p no:cacheprovider tests/engines >"$told" 2>&1 &
	engines=$!
	trap 'kill -INT "$engines" 2>/dev/null; wait "$engines"; rm -f "$told"' EXIT
	trap 'exit 130' INT TERM
	check pytest --ignore=tests/engines
	printf '== pytest tests/engines\n'
	wait "$engines" || failed="$failed engines"
	cat "$told"
	if [ "$(id -u)" = 0 ]; then
		printf '== scripts/fresh.sh\n'
		sh scripts/fresh.sh || fresh=yes
	fi
fi
[ -z "$fresh" ] || echo "a fresh seed found something: see above; make fresh counts it, this run does not" >&2
[ -z "$failed" ] && exit 0
echo "failed:$failed" >&2
exit 1
