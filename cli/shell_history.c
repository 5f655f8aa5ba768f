#include "shell_history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool shell_history_path(char *path, size_t size)
{
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  int length;
  if (state && state[0] == '/')
    length = snprintf(path, size, "%s/heapdiff/shell_history", state);
  else if (home && home[0] == '/')
    length = snprintf(path, size, "%s/.local/state/heapdiff/shell_history", home);
  else
    return false;
  if (length < 0 || (size_t)length >= size)
    return false;
  for (char *c = path + 1; *c; c++)
    if (*c == '/') {
      *c = '\0';
      mkdir(path, 0700);
      *c = '/';
    }
  return true;
}
