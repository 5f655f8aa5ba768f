#!/bin/sh
# Every script of the project is well-formed; shellcheck finds nothing in the
# shell's, where it is installed.
# usage: check_scripts.sh PROJECT-ROOT
set -u
cd "$1" || exit 1
faults=0
checked=0

# A script without a "#!" line is one that others source: POSIX shell.
check_shell() {
  checked=$((checked + 1))
  dialect='sh'
  case $(head -n 1 "$1") in
    '#!'*bash*) dialect=bash ;;
  esac
  $dialect -n "$1" || faults=$((faults + 1))
  if command -v shellcheck >/dev/null; then
    shellcheck --severity=warning --shell=$dialect "$1" || faults=$((faults + 1))
  fi
}

check_python() {
  checked=$((checked + 1))
  python3 -c 'import sys; compile(open(sys.argv[1]).read(), sys.argv[1], "exec")' "$1" ||
    faults=$((faults + 1))
}

list=$(mktemp)
trap 'rm -f "$list"' EXIT
find . -path ./build -prune -o -path ./.git -prune -o -type f \
  \( -name '*.sh' -o -name '*.py' -o -path './.ci/*' \) -print >"$list"
while IFS= read -r file; do
  case $(head -n 1 "$file") in
    '#!'*sh) check_shell "$file" ;;
    '#!'*python3) check_python "$file" ;;
    *) case $file in
         *.py) check_python "$file" ;;
         *.sh) check_shell "$file" ;;
       esac ;;
  esac
done <"$list"
if [ "$checked" -eq 0 ]; then
  echo "no script was found"
  exit 1
fi
echo "$checked scripts checked, $faults faulty"
[ "$faults" -eq 0 ]
