#!/usr/bin/env bash
# Installs what is missing, builds the release (all that `cmake --install` takes),
# records a leaking service for a few seconds and shows where its memory went.
set -euo pipefail
cd "$(dirname "$0")"
. tests/support/packages.sh
need demo

echo "building heapdiff (release)"
mkdir -p build
cmake --preset release -G Ninja >build/demo.log 2>&1 &&
  cmake --build --preset release -j "$(nproc)" --target all program_leaky-service \
    >>build/demo.log 2>&1 || { cat build/demo.log; exit 1; }

heapdiff=$PWD/build/release/heapdiff
service=$PWD/build/release/testdata/programs/leaky-service
# Its own place for snapshots and memory of the last set: nothing outside this clone.
export LC_ALL=C.UTF-8
export XDG_STATE_HOME=$PWD/build/demo/state
export XDG_CACHE_HOME=$PWD/build/demo/cache
unset DEBUGINFOD_URLS
rm -rf build/demo
mkdir -p build/demo
run() {
  printf '\n$ heapdiff'
  printf ' %s' "$@" | sed "s|$service|./leaky-service|"
  printf '\n'
  "$heapdiff" "$@"
}

run record -o build/demo/heapdiff.data -i 1s -- "$service" --seconds 6
run top build/demo/heapdiff.data
run list cache_put
