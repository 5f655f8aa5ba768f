#!/bin/sh
# The completion scripts are well-formed for each shell that is installed, and
# bash's and fish's complete verbs, options and their values.
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
expect 'top tree traces' heapdiff t
expect 'text json' heapdiff tree --format ''
expect '--version' heapdiff --v
expect 'function file' heapdiff top --by f
expect 'function file' heapdiff top --by = f
expect 'always' heapdiff info --color al
expect '--interval' heapdiff record --int
expect '--source-path' heapdiff list --so
expect 'list' heapdiff help l
expect '' heapdiff top --focus s
# Processes that run: this one is among them.
names_this() {
  COMP_WORDS=("$@" "")
  COMP_CWORD=$#
  _heapdiff 2>/dev/null
  if [[ " ${COMPREPLY[*]} " != *" $$ "* ]]; then
    echo "completing '$*': $$ is not among '${COMPREPLY[*]}'"
    exit 1
  fi
}
names_this heapdiff snap
names_this heapdiff record --pid
END
if command -v bash >/dev/null; then
  bash "$folder/try" "$folder/bash"
fi

# fish: what it offers for a line, each with its description behind a tab.
offers() {
  wanted=$1
  line=$2
  have=$(HOME=$folder fish --no-config -c "source $folder/fish; complete -C '$line'" | cut -f1 |
    tr '\n' ' ')
  if [ "$have" != "$wanted " ]; then
    echo "fish completing '$line': '$have', not '$wanted '"
    exit 1
  fi
}
if command -v fish >/dev/null; then
  offers 'top' 'heapdiff to'
  offers '--every' 'heapdiff top --ev'
  offers '--ca-cert' 'heapdiff record --ca'
  offers 'file function' 'heapdiff top --by f'
fi

# zsh: the function is what completes, and its options can be parsed.
if command -v zsh >/dev/null; then
  cat >"$folder/_arguments" <<'END'
#autoload
print -rl -- "$@"
END
  cp "$folder/zsh" "$folder/_heapdiff"
  zsh -f -c '
    fpath=("$1" $fpath)
    autoload -Uz compinit && compinit -u -D
    [[ $_comps[heapdiff] == _heapdiff ]] || { print "zsh does not know it"; exit 1 }
    autoload -Uz _heapdiff _arguments
    words=(heapdiff top --every) CURRENT=3
    _heapdiff
  ' zsh "$folder" >"$folder/said" 2>&1 || { cat "$folder/said"; exit 1; }
  grep -q -- '--every=\[of a URL' "$folder/said" || { cat "$folder/said"; exit 1; }
fi
