#!/bin/sh
# Runs every check, then the tests; words for pytest may follow: `check.sh tests/path -k bridge`.
#
# All of them run, also when one fails, and any failure is the script's. With PORTSCOPE_STRICT=1 a skipped test fails.
set -u
cd "$(dirname "$0")/.." || exit 1
bin=$PWD/.venv/bin
PATH=$bin:$PATH:/usr/sbin:/sbin
export PATH
failed=

check() {
	printf '== %s\n' "$*"
	"$@" || failed="$failed $1"
}

check ruff check .
check ruff format --check .
check mypy
check lint-imports --no-cache
check pytest "$@"
[ -z "$failed" ] && exit 0
echo "failed:$failed" >&2
exit 1
