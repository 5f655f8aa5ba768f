/* "FILE@N", where there is a FILE and nothing of the whole name. Which snapshot has
 * the number N shows when the file is read. */
#include "input/numbered.h"

#include <string.h>
#include <sys/stat.h>

/* The length of FILE, 0 where the name does not end in "@N". */
static size_t split(const char *name, int64_t *number)
{
  const char *at = strrchr(name, '@');
  *number = 0;
  if (!at || at == name || !at[1])
    return 0;
  for (const char *digit = at + 1; *digit; digit++) {
    if (*digit < '0' || *digit > '9' || *number > INT32_MAX)
      return 0;
    *number = *number * 10 + (*digit - '0');
  }
  return (size_t)(at - name);
}

/* FILE as a text of its own; NULL where the name has none, or on want of memory. */
static char *file_of(const char *name)
{
  int64_t number;
  size_t length = split(name, &number);
  char *file = length ? hd_strdup(name) : NULL;
  if (file)
    file[length] = '\0';
  return file;
}

static bool accepts(const char *argument)
{
  struct stat status;
  HD_SCOPED_FREE char *file = stat(argument, &status) == 0 ? NULL : file_of(argument);
  return file && stat(file, &status) == 0 && !S_ISDIR(status.st_mode);
}

static bool expand(const struct hd_source *self, const char *argument, struct hd_handles *handles,
                   struct hd_error *error)
{
  const char *name = hd_arena_copy(&handles->arena, argument, strlen(argument));
  return (name && hd_vec_push(&handles->items, (struct hd_handle){self, name, 0, 0})) ||
         hd_fail_memory(error);
}

static bool open_file(const struct hd_handle *handle, const struct hd_input_options *options,
                      struct hd_input **input, struct hd_error *error)
{
  HD_SCOPED_FREE char *file = file_of(handle->name);
  return file ? hd_input_open(file, options, input, error) : hd_fail_memory(error);
}

extern const struct hd_source hd_source_numbered;
const struct hd_source hd_source_numbered = {"numbered snapshot", accepts, expand, open_file};

bool hd_handle_number(const struct hd_handle *handle, int64_t *number)
{
  return handle->source == &hd_source_numbered && split(handle->name, number);
}
