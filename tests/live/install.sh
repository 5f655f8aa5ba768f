#!/bin/sh
# Installs into an empty directory and uses what lies there as a user would: the
# binary finds its agent, the man pages and completions are there, and a program
# outside the project builds against the library by pkg-config.
#
#   install.sh BUILD-DIR CC
set -eu
build=$1
cc=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/prefix" >/dev/null
cd "$work"
export XDG_STATE_HOME="$work/state" XDG_CACHE_HOME="$work/cache"
unset HEAPDIFF_AGENT
prefix/bin/heapdiff record -q -o data -- sh -c 'echo recorded' | grep -q recorded
prefix/bin/heapdiff info data | grep -q '^format *native'
for page in man1/heapdiff.1 man1/heapdiff-top.1 man5/heapdiff-snapshot.5 man7/heapdiff-formats.7; do
  test -s prefix/share/man/$page
done
test -s prefix/share/bash-completion/completions/heapdiff
test -s prefix/share/zsh/site-functions/_heapdiff
test -s prefix/share/fish/vendor_completions.d/heapdiff.fish

cat >user.c <<'END'
#include <heapdiff/query.h>
#include <heapdiff/record.h>
#include <heapdiff/version.h>
#include <stdio.h>

static bool put(void *context, const char *data, size_t length)
{
  return fwrite(data, 1, length, context) == length;
}

int main(int argc, char **argv)
{
  struct hd_session_options options = {0};
  struct hd_error error = HD_ERROR_INIT;
  hd_session *session;
  hd_view *view;
  (void)argc;
  const char *paths[] = {argv[1]};
  struct hd_style style = {0};
  if (!hd_session_create(&options, &session, &error) ||
      !hd_session_select(session, paths, 1, &error) || !hd_info(session, &view, &error) ||
      !hd_report(view, &style, put, stdout, &error)) {
    fprintf(stderr, "%s\n", error.text);
    return 1;
  }
  hd_view_destroy(view);
  hd_session_destroy(session);
  return 0;
}
END
pc=$(dirname "$(find prefix -name heapdiff.pc)")
flags=$(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs heapdiff)
# shellcheck disable=SC2086
"$cc" -Wall -Werror user.c $flags ${SANITIZE:-} -o user
./user data | grep -q '^format *native'
echo "installed: $(prefix/bin/heapdiff --version)"
