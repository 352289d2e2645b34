#!/bin/sh
# Builds the wheel and the source archive into dist/. The same commit gives the same bytes: files carry the commit's time.
set -eu
cd "$(dirname "$0")/.."
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
rm -rf dist
.venv/bin/python -m build --outdir dist
ls -l dist
