/* A file by its path; the last row of sources.def: what nothing else takes. */
#include "input/source.h"

#include <string.h>

static bool accepts(const char *argument)
{
  (void)argument;
  return true;
}

static bool expand(const struct hd_source *self, const char *argument, struct hd_handles *handles,
                   struct hd_error *error)
{
  const char *name = hd_arena_copy(&handles->arena, argument, strlen(argument));
  if (!name || !hd_vec_push(&handles->items, (struct hd_handle){self, name, 0, 0}))
    return hd_fail_memory(error);
  return true;
}

extern const struct hd_source hd_source_file;
const struct hd_source hd_source_file = {"file", accepts, expand, hd_source_open_file};
