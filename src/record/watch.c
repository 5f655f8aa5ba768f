#include "record/watch.h"

#include "agent/protocol.h"
#include "input/open.h"
#include "readers/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

extern const struct hd_reader hd_reader_native, hd_reader_pprof;

static int64_t monotonic_ns(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void hd_watch_init(struct hd_watch *watch, const struct hd_output_directory *directory,
                   void (*on_snapshot)(void *context, const struct hd_record_event *event),
                   void *context)
{
  *watch = (struct hd_watch){.directory = directory,
                             .on_snapshot = on_snapshot,
                             .context = context,
                             .start_ns = monotonic_ns(),
                             .fd = -1};
  if (!on_snapshot)
    return;
  watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (watch->fd < 0)
    return;
  if (inotify_add_watch(watch->fd, directory->absolute, IN_MOVED_TO | IN_ONLYDIR) < 0) {
    close(watch->fd);
    watch->fd = -1;
  }
}

/* Tells of the profile just read; the watch and the path come in `context`. */
struct reading {
  struct hd_watch *watch;
  const char *path;
  bool told;
};

static bool tell(void *context, struct hd_profile *profile, struct hd_error *error)
{
  (void)error;
  struct reading *reading = context;
  struct hd_watch *watch = reading->watch;
  const struct hd_meta *meta = &profile->meta;
  int64_t moment = meta->mono_ns ? meta->mono_ns : monotonic_ns();
  struct hd_record_event event = {
      .elapsed_ns = moment > watch->start_ns ? moment - watch->start_ns : 0,
      .path = reading->path,
      .program = meta->program ? meta->program : "",
      .pid = meta->pid,
      .sequence = meta->sequence,
      .live_bytes = (int64_t)hd_profile_total(profile, HD_INUSE_SPACE),
      .rss = meta->rss,
  };
  reading->told = true;
  watch->on_snapshot(watch->context, &event);
  hd_profile_destroy(profile);
  return true;
}

static bool is_pprof_name(const char *name)
{
  size_t length = strlen(name), tail = strlen(HD_PPROF_SUFFIX);
  return length > tail && strcmp(name + length - tail, HD_PPROF_SUFFIX) == 0;
}

/* A snapshot that cannot be read is told of all the same, with its figures
 * unknown: the reader of the recording will say what is wrong with it. */
static void read_and_tell(struct hd_watch *watch, const char *path)
{
  struct hd_error error = HD_ERROR_INIT;
  struct hd_input_options options = {0};
  struct hd_input *input = NULL;
  struct reading reading = {.watch = watch, .path = path};
  struct hd_sink sink = {tell, &reading};
  const struct hd_reader *reader = is_pprof_name(path) ? &hd_reader_pprof : &hd_reader_native;
  if (hd_input_open(path, &options, &input, &error))
    reader->read(hd_input_stream(input), &sink, &error);
  hd_input_close(input);
  if (reading.told || access(path, F_OK) != 0) /* thinned out before it was read */
    return;
  struct hd_record_event event = {.elapsed_ns = monotonic_ns() - watch->start_ns,
                                  .path = path,
                                  .program = "",
                                  .sequence = -1,
                                  .live_bytes = -1,
                                  .rss = -1};
  watch->on_snapshot(watch->context, &event);
}

static void consider(struct hd_watch *watch, const char *name)
{
  if (!watch->on_snapshot || !hd_snapshot_name(name))
    return;
  uint32_t id;
  size_t known = watch->seen.items.count;
  if (!hd_strings_intern(&watch->seen, name, strlen(name), &id) || watch->seen.items.count == known)
    return;
  char path[PATH_MAX + NAME_MAX + 2];
  snprintf(path, sizeof path, "%s/%s", watch->directory->name, name);
  read_and_tell(watch, path);
}

void hd_watch_take(struct hd_watch *watch)
{
  char buffer[16 * 1024] __attribute__((aligned(__alignof__(struct inotify_event))));
  bool overflowed = false;
  if (watch->fd < 0)
    return;
  for (;;) {
    ssize_t length = read(watch->fd, buffer, sizeof buffer);
    if (length <= 0)
      break;
    const struct inotify_event *event;
    for (char *at = buffer; at < buffer + length; at += sizeof *event + event->len) {
      event = (const struct inotify_event *)(const void *)at;
      overflowed |= (event->mask & IN_Q_OVERFLOW) != 0;
      if (event->len)
        consider(watch, event->name);
    }
  }
  if (overflowed)
    hd_watch_scan(watch);
}

static int by_name(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The snapshots of a directory, sorted by name. */
struct names {
  struct hd_arena arena;
  HD_VEC(const char *) items;
};

/* What cannot be listed is left out: nothing depends on it but messages. */
static void names_read(const struct hd_output_directory *directory, struct names *names)
{
  memset(names, 0, sizeof *names);
  int fd = openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = fd < 0 ? NULL : fdopendir(fd);
  if (!stream) {
    if (fd >= 0)
      close(fd);
    return;
  }
  for (struct dirent *entry; (entry = readdir(stream));) {
    const char *name = entry->d_name;
    const char *copy =
        hd_snapshot_name(name) ? hd_arena_copy(&names->arena, name, strlen(name)) : NULL;
    if (copy && !hd_vec_push(&names->items, copy))
      break;
  }
  closedir(stream);
  if (names->items.count)
    qsort(names->items.items, names->items.count, sizeof *names->items.items, by_name);
}

static void names_deinit(struct names *names)
{
  hd_vec_deinit(&names->items);
  hd_arena_deinit(&names->arena);
}

void hd_watch_scan(struct hd_watch *watch)
{
  struct names names;
  if (!watch->on_snapshot)
    return;
  names_read(watch->directory, &names);
  for (size_t i = 0; i < names.items.count; i++)
    consider(watch, names.items.items[i]);
  names_deinit(&names);
}

void hd_watch_deinit(struct hd_watch *watch)
{
  if (watch->fd >= 0)
    close(watch->fd);
  watch->fd = -1;
  hd_strings_deinit(&watch->seen);
}

/* Length of the name without its sequence and suffix: what a series shares. */
static size_t series_length(const char *name)
{
  bool pprof = is_pprof_name(name);
  size_t length = strlen(name) - strlen(pprof ? HD_PPROF_SUFFIX : HD_SNAPSHOT_SUFFIX);
  while (length > 0 && name[length - 1] != '.')
    length--;
  return length;
}

void hd_watch_count(const struct hd_output_directory *directory, uint64_t *snapshots,
                    uint64_t *series)
{
  struct names names;
  names_read(directory, &names);
  *snapshots = names.items.count;
  *series = 0;
  size_t last_length = 0;
  for (size_t i = 0; i < names.items.count; i++) {
    size_t length = series_length(names.items.items[i]);
    *series += i == 0 || length != last_length ||
               memcmp(names.items.items[i - 1], names.items.items[i], length) != 0;
    last_length = length;
  }
  names_deinit(&names);
}
