#!/bin/sh
# Replays every snapshot of testdata/, of whatever format, through one reader: what
# is its own it reads, and all else it must refuse cleanly.
#
#   replay.sh REPLAY-PROGRAM TESTDATA
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
find "$2" -type f ! -path '*/programs/*' ! -name README.md | while read -r file; do
  case $file in
  *.zst) zstd -qdc "$file" ;;
  *) gzip -dcf "$file" ;;
  esac >"$work/$(echo "$file" | tr / _)"
done
"$1" "$work"/*
echo "$(ls "$work" | wc -l) files"
