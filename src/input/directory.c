/* A directory: every regular file in it that is not hidden, by name. Which of
 * them are snapshots, and of which series, is found out later. */
#include "input/source.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool accepts(const char *argument)
{
  struct stat status;
  return stat(argument, &status) == 0 && S_ISDIR(status.st_mode);
}

static int by_name(const void *a, const void *b)
{
  return strcmp(((const struct hd_handle *)a)->name, ((const struct hd_handle *)b)->name);
}

static bool add(const struct hd_source *self, const char *directory, const char *name,
                struct hd_handles *handles, struct hd_error *error)
{
  size_t length = strlen(directory);
  const char *slash = length && directory[length - 1] == '/' ? "" : "/";
  const char *path = hd_arena_printf(&handles->arena, "%s%s%s", directory, slash, name);
  if (!path)
    return hd_fail_memory(error);
  struct stat status;
  if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
    return true;
  return hd_vec_push(&handles->items, (struct hd_handle){self, path, handles->groups, 0}) ||
         hd_fail_memory(error);
}

static bool expand(const struct hd_source *self, const char *argument, struct hd_handles *handles,
                   struct hd_error *error)
{
  DIR *directory = opendir(argument);
  if (!directory) {
    hd_fail_input(error, "cannot open the directory: %s", strerror(errno));
    return hd_error_in(error, argument);
  }
  size_t first = handles->items.count;
  handles->groups++;
  bool fine = true;
  for (struct dirent *entry; fine && (entry = readdir(directory));)
    if (entry->d_name[0] != '.')
      fine = add(self, argument, entry->d_name, handles, error);
  closedir(directory);
  size_t found = handles->items.count - first;
  if (fine && !found) {
    hd_fail_input(error, "there is no snapshot in this directory");
    return hd_error_in(error, argument);
  }
  if (found > 1)
    qsort(handles->items.items + first, found, sizeof *handles->items.items, by_name);
  return fine;
}

extern const struct hd_source hd_source_directory;
const struct hd_source hd_source_directory = {"directory", accepts, expand, hd_source_open_file};
