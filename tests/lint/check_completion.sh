#!/bin/sh
# The completion scripts are well-formed for each shell that is installed, and
# bash's completes verbs, options and their values.
# usage: check_completion.sh HEAPDIFF
set -eu
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for shell in bash zsh fish; do
  "$program" completion $shell >"$folder/$shell"
  test -s "$folder/$shell"
  if command -v $shell >/dev/null; then
    $shell -n "$folder/$shell"
  fi
done
if command -v shellcheck >/dev/null; then
  shellcheck --shell=bash --severity=warning "$folder/bash"
fi

cat >"$folder/try" <<'END'
. "$1"
expect() {
  local wanted=$1
  shift
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  _heapdiff 2>/dev/null
  if [[ "${COMPREPLY[*]}" != "$wanted" ]]; then
    echo "completing '$*': '${COMPREPLY[*]}', not '$wanted'"
    exit 1
  fi
}
expect 'top' heapdiff t
expect '--version' heapdiff --v
expect 'function file' heapdiff top --by f
expect 'function file' heapdiff top --by = f
expect 'always' heapdiff info --color al
expect '--interval' heapdiff record --int
expect '--source-path' heapdiff list --so
expect 'list' heapdiff help l
expect '' heapdiff top --focus s
END
if command -v bash >/dev/null; then
  bash "$folder/try" "$folder/bash"
fi
