#include "input/state.h"

#include "base/alloc.h"
#include "base/index.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool hd_state_path(const char *folder, bool make, struct hd_buffer *path)
{
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  HD_SCOPED_FREE char *here = getcwd(NULL, 0);
  if (!here)
    return false;
  if (state && state[0] == '/')
    hd_buffer_puts(path, state);
  else if (home && home[0] == '/')
    hd_buffer_printf(path, "%s/.local/state", home);
  else
    return false;
  hd_buffer_printf(path, "/heapdiff/%s", folder);
  if (path->failed)
    return false;
  for (char *c = path->data + 1; make && *c; c++)
    if (*c == '/') {
      *c = '\0';
      mkdir(path->data, 0700);
      *c = '/';
    }
  if (make)
    mkdir(path->data, 0700);
  hd_buffer_printf(path, "/%016" PRIx64, hd_hash(here, strlen(here)));
  return !path->failed;
}
