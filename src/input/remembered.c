#include "input/remembered.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "input/state.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One small file a working directory, named by a hash of its path. */
static bool state_file(struct hd_buffer *path, bool make)
{
  if (!hd_state_path("last", make, path))
    return false;
  hd_buffer_puts(path, ".json");
  return !path->failed;
}

/* The "@N" of a numbered snapshot (numbered.c), "" where there is none. */
static const char *number_of(const char *path)
{
  const char *at = strrchr(path, '@');
  bool numbered = at && at[1] && at[1 + strspn(at + 1, "0123456789")] == '\0';
  return numbered && access(path, F_OK) != 0 ? at : "";
}

/* The absolute name of what the user named; NULL where there is no such file. */
static char *absolute_of(const char *path)
{
  const char *number = number_of(path);
  struct hd_buffer name = HD_BUFFER_INIT;
  hd_buffer_append(&name, path, strlen(path) - strlen(number));
  HD_SCOPED_FREE char *file = name.failed ? NULL : realpath(hd_buffer_text(&name), NULL);
  hd_buffer_clear(&name);
  hd_buffer_puts(&name, file ? file : "");
  hd_buffer_puts(&name, number);
  if (file && !name.failed)
    return name.data;
  hd_buffer_deinit(&name);
  return NULL;
}

static json_t *to_json(const char *const *paths, size_t count, int64_t pid)
{
  HD_SCOPED_FREE char *here = getcwd(NULL, 0);
  json_t *object = json_object(), *list = json_array();
  json_object_set_new(object, "directory", json_string(here ? here : ""));
  for (size_t i = 0; i < count; i++) {
    HD_SCOPED_FREE char *absolute = absolute_of(paths[i]);
    json_t *path = absolute ? json_string(absolute) : NULL;
    if (json_array_append_new(list, path) != 0) {
      /* standard input, a name that JSON cannot hold, or want of memory */
      json_decref(list);
      json_decref(object);
      return NULL;
    }
  }
  if (json_object_set_new(object, "paths", list) == 0 &&
      json_object_set_new(object, "pid", json_integer(pid)) == 0)
    return object;
  json_decref(object);
  return NULL;
}

void hd_remember(const char *const *paths, size_t count, int64_t pid)
{
  struct hd_buffer path = HD_BUFFER_INIT, temporary = HD_BUFFER_INIT;
  json_t *object = state_file(&path, true) ? to_json(paths, count, pid) : NULL;
  hd_buffer_printf(&temporary, "%s.%ld", hd_buffer_text(&path), (long)getpid());
  if (object && !temporary.failed) {
    if (json_dump_file(object, temporary.data, 0) != 0 ||
        rename(temporary.data, path.data) != 0)
      unlink(temporary.data);
  }
  json_decref(object);
  hd_buffer_deinit(&path);
  hd_buffer_deinit(&temporary);
}

static bool from_json(json_t *object, struct hd_arena *arena, struct hd_remembered *remembered)
{
  HD_SCOPED_FREE char *here = getcwd(NULL, 0);
  const char *directory = json_string_value(json_object_get(object, "directory"));
  json_t *list = json_object_get(object, "paths");
  size_t count = json_array_size(list);
  if (!here || !directory || strcmp(here, directory) != 0 || !count)
    return false;
  remembered->paths = hd_arena_alloc(arena, count * sizeof *remembered->paths);
  remembered->count = 0;
  remembered->pid = json_integer_value(json_object_get(object, "pid"));
  for (size_t i = 0; remembered->paths && i < count; i++) {
    const char *path = json_string_value(json_array_get(list, i));
    HD_SCOPED_FREE char *still_there = path ? absolute_of(path) : NULL;
    if (!still_there)
      return false;
    path = hd_arena_copy(arena, path, strlen(path));
    if (!path)
      return false;
    remembered->paths[remembered->count++] = path;
  }
  return remembered->count == count;
}

bool hd_recall(struct hd_arena *arena, struct hd_remembered *remembered)
{
  struct hd_buffer path = HD_BUFFER_INIT;
  json_t *object = state_file(&path, false) ? json_load_file(path.data, 0, NULL) : NULL;
  bool fine = object && from_json(object, arena, remembered);
  json_decref(object);
  hd_buffer_deinit(&path);
  return fine;
}
