#include "input/source.h"

#include "input/http.h"

#include <unistd.h>

#define HD_SOURCE(symbol) extern const struct hd_source symbol;
#include "input/sources.def"
#undef HD_SOURCE

static const struct hd_source *const sources[] = {
#define HD_SOURCE(symbol) &symbol,
#include "input/sources.def"
#undef HD_SOURCE
};

bool hd_source_expand(const char *argument, struct hd_handles *handles, struct hd_error *error)
{
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
    if (sources[i]->accepts(argument))
      return sources[i]->expand(sources[i], argument, handles, error);
  return hd_fail_usage(error, "'%s' is no source of snapshots", argument);
}

bool hd_source_open_file(const struct hd_handle *handle, const struct hd_input_options *options,
                         struct hd_input **input, struct hd_error *error)
{
  return hd_input_open(handle->name, options, input, error);
}

void hd_handles_deinit(struct hd_handles *handles)
{
  for (size_t i = 0; i < handles->items.count; i++)
    if (handles->items.items[i].fetched)
      close(handles->items.items[i].fetched - 1);
  hd_http_destroy(handles->http);
  hd_vec_deinit(&handles->items);
  hd_arena_deinit(&handles->arena);
}
