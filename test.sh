#!/usr/bin/env bash
# Installs what is missing, builds the dev and the sanitizer presets and runs
# every test in both; closes with ctest's summary. Leaves nothing outside this
# directory but packages.
#
#   ./test.sh            everything
#   ./test.sh dev        one preset alone (dev or asan)
set -euo pipefail
cd "$(dirname "$0")"
. tests/support/packages.sh
need test
unset DEBUGINFOD_URLS # offline, and the same for everybody

mkdir -p build
jobs=$(nproc)
status=0
for preset in ${1:-asan dev}; do
  echo "== $preset: building"
  cmake --preset "$preset" -G Ninja >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
  cmake --build --preset "$preset" -j "$jobs" | tail -n 1
  echo "== $preset: testing"
  ctest --preset "$preset" -j "$jobs" || status=$?
done
exit "$status"
