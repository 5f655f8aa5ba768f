#include "record/fetch_store.h"

#include "agent/protocol.h"
#include "writers/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void hd_store_init(struct hd_store *store, const struct hd_output_directory *directory,
                   const char *url, uint64_t keep, uint64_t keep_bytes)
{
  *store = (struct hd_store){.directory = directory, .keep = keep, .keep_bytes = keep_bytes};
  hd_url_file_stem(url, &store->stem);
}

static void forget(struct hd_stored *stored)
{
  for (int i = 0; i < HD_STORED_KINDS; i++)
    hd_free(stored->names[i]);
}

void hd_store_deinit(struct hd_store *store)
{
  for (size_t i = 0; i < store->moments.count; i++)
    forget(&store->moments.items[i]);
  hd_vec_deinit(&store->moments);
  hd_buffer_deinit(&store->stem);
}

/* "localhost-6060.heap.20261125T190312.125Z.heapdiff": file_name.c reads the time. */
static char *name_of(const struct hd_store *store, const char *kind, int64_t time_ns)
{
  char when[32], name[NAME_MAX];
  time_t seconds = (time_t)(time_ns / 1000000000);
  struct tm tm;
  gmtime_r(&seconds, &tm);
  strftime(when, sizeof when, "%Y%m%dT%H%M%S", &tm);
  snprintf(name, sizeof name, "%s.%s.%s.%03dZ%s", hd_buffer_text(&store->stem), kind, when,
           (int)(time_ns / 1000000 % 1000), HD_SNAPSHOT_SUFFIX);
  return hd_strdup(name);
}

static bool put(void *context, const void *data, size_t length, struct hd_error *error)
{
  const int *fd = context;
  const char *at = data;
  while (length) {
    ssize_t n = write(*fd, at, length);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return hd_fail_internal(error, "%s", strerror(errno));
    at += n;
    length -= (size_t)n;
  }
  return true;
}

static bool copy(const struct hd_fetched *fetched, int fd, struct hd_error *error)
{
  char buffer[64 << 10];
  struct hd_output output = {.take = put, .context = &fd};
  bool fine = fetched->compressed || hd_output_compress(&output, error);
  off_t at = 0;
  for (ssize_t n; fine && (n = pread(fetched->answer.fd, buffer, sizeof buffer, at)) != 0; at += n)
    fine = n > 0 ? hd_output_put(&output, buffer, (size_t)n, error)
                 : hd_fail_internal(error, "%s", strerror(errno));
  fine = fine && hd_output_end(&output, error);
  hd_output_deinit(&output);
  return fine;
}

/* Whole under its name, or not there at all; errno says why. */
static bool write_file(const struct hd_store *store, const struct hd_fetched *fetched,
                       const char *name, uint64_t *bytes)
{
  char temporary[NAME_MAX + 8];
  int directory = store->directory->fd;
  struct hd_error error = HD_ERROR_INIT;
  snprintf(temporary, sizeof temporary, ".%s%s", name, HD_TEMPORARY_SUFFIX);
  int fd =
      openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0)
    return false;
  errno = 0;
  bool fine = copy(fetched, fd, &error);
  int reason = errno;
  struct stat status;
  *bytes += fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0;
  if (close(fd) != 0 && fine) {
    fine = false;
    reason = errno;
  }
  if (fine && renameat(directory, temporary, directory, name) != 0) {
    fine = false;
    reason = errno;
  }
  if (!fine)
    unlinkat(directory, temporary, 0);
  errno = reason ? reason : ENOMEM;
  return fine;
}

size_t hd_store_least(const struct hd_stored *moments, size_t count)
{
  size_t least = 1;
  for (size_t i = 2; i + 1 < count; i++)
    if (moments[i + 1].time_ns - moments[i - 1].time_ns <
        moments[least + 1].time_ns - moments[least - 1].time_ns)
      least = i;
  return least;
}

static bool too_many(const struct hd_store *store)
{
  return (store->keep && store->moments.count > store->keep) ||
         (store->keep_bytes && store->bytes > store->keep_bytes);
}

static void thin_out(struct hd_store *store)
{
  while (store->moments.count > 2 && too_many(store)) {
    size_t i = hd_store_least(store->moments.items, store->moments.count);
    struct hd_stored *stored = &store->moments.items[i];
    for (int kind = 0; kind < HD_STORED_KINDS; kind++)
      if (stored->names[kind])
        unlinkat(store->directory->fd, stored->names[kind], 0);
    store->bytes -= stored->bytes;
    forget(stored);
    memmove(stored, stored + 1, (store->moments.count - i - 1) * sizeof *stored);
    store->moments.count--;
    store->thinned++;
  }
}

bool hd_store_add(struct hd_store *store, const struct hd_fetched *fetched[HD_STORED_KINDS],
                  struct hd_error *error)
{
  struct hd_stored stored = {0};
  bool fine = true;
  for (int kind = 0; fine && kind < HD_STORED_KINDS; kind++) {
    const struct hd_fetched *one = fetched[kind];
    if (!one)
      continue;
    stored.time_ns = stored.time_ns ? stored.time_ns : one->time_ns;
    stored.names[kind] = name_of(store, one->has_heap ? "heap" : "goroutine", one->time_ns);
    fine = stored.names[kind] != NULL;
    if (fine && !write_file(store, one, stored.names[kind], &stored.bytes)) {
      store->failed++;
      store->failed_errno = errno;
      hd_free(stored.names[kind]);
      stored.names[kind] = NULL;
    }
  }
  bool any = stored.names[0] || stored.names[1];
  if (fine && any && hd_vec_push(&store->moments, stored)) {
    store->bytes += stored.bytes;
    thin_out(store);
    return true;
  }
  forget(&stored);
  return (fine && !any) || hd_fail_memory(error);
}
