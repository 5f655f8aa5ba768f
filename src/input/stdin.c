/* "-": one snapshot on standard input. */
#include "input/source.h"

#include <string.h>

static bool accepts(const char *argument)
{
  return strcmp(argument, "-") == 0;
}

static bool expand(const struct hd_source *self, const char *argument, struct hd_handles *handles,
                   struct hd_error *error)
{
  (void)argument;
  for (size_t i = 0; i < handles->items.count; i++)
    if (handles->items.items[i].source == self)
      return hd_fail_usage(error, "'-' is named twice: standard input holds one snapshot");
  return hd_vec_push(&handles->items, (struct hd_handle){self, "-", 0, 0}) || hd_fail_memory(error);
}

extern const struct hd_source hd_source_stdin;
const struct hd_source hd_source_stdin = {"standard input", accepts, expand, hd_source_open_file};
