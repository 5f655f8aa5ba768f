#include "symbols/cache_dir.h"

#include "symbols/cache_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum {
  LOCK_ATTEMPTS = 50,
  LOCK_PAUSE_NS = 10000000,
  USED_SECONDS = 3600, /* a use is marked once an hour: a file that is read stays clean */
};

static const char ending[] = ".symbols", temporary_ending[] = ".new";

static bool ends_in(const char *name, const char *tail)
{
  size_t length = strlen(name), size = strlen(tail);
  return length > size && strcmp(name + length - size, tail) == 0;
}

void hd_cache_dir_init(struct hd_cache_dir *dir)
{
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  int length = 0;
  dir->most_total = HD_CACHE_MOST_TOTAL;
  /* https://specifications.freedesktop.org/basedir-spec: a relative path is none. */
  if (cache && cache[0] == '/')
    length = snprintf(dir->path, sizeof dir->path, "%s/heapdiff", cache);
  else if (home && home[0] == '/')
    length = snprintf(dir->path, sizeof dir->path, "%s/.cache/heapdiff", home);
  if (length <= 0 || (size_t)length >= sizeof dir->path)
    dir->path[0] = '\0';
}

static void path_of(const struct hd_cache_dir *dir, const char *name, const char *tail,
                    char path[PATH_MAX])
{
  snprintf(path, PATH_MAX, "%s/%s%s", dir->path, name, tail);
}

static bool read_whole(int fd, char *data, size_t size)
{
  for (size_t at = 0; at < size;) {
    ssize_t got = pread(fd, data + at, size - at, (off_t)at);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    at += (size_t)got;
  }
  return true;
}

void *hd_cache_dir_read(const struct hd_cache_dir *dir, const char *name, size_t *size)
{
  char path[PATH_MAX];
  struct stat status;
  if (!dir->path[0])
    return NULL;
  path_of(dir, name, ending, path);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return NULL;
  void *data = NULL;
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
      status.st_size <= HD_CACHE_MOST_FILE) {
    *size = (size_t)status.st_size;
    data = hd_alloc(*size);
    if (data && !read_whole(fd, data, *size)) {
      hd_free(data);
      data = NULL;
    }
    if (data && time(NULL) - status.st_mtim.tv_sec > USED_SECONDS)
      futimens(fd, NULL);
  }
  close(fd);
  return data;
}

static void make_folders(const struct hd_cache_dir *dir)
{
  char path[sizeof dir->path];
  memcpy(path, dir->path, sizeof path);
  for (char *c = path + 1; *c; c++)
    if (*c == '/') {
      *c = '\0';
      mkdir(path, 0700);
      *c = '/';
    }
  mkdir(path, 0700);
}

int hd_cache_dir_lock(const struct hd_cache_dir *dir)
{
  char path[PATH_MAX];
  if (!dir->path[0])
    return -1;
  path_of(dir, "lock", "", path);
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0 && errno == ENOENT) {
    make_folders(dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  }
  if (fd < 0)
    return -1;
  for (int i = 0; i < LOCK_ATTEMPTS; i++) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
      return fd;
    nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
  }
  close(fd);
  return -1;
}

static bool write_whole(int fd, const char *data, size_t size)
{
  while (size) {
    ssize_t written = write(fd, data, size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    data += written;
    size -= (size_t)written;
  }
  return true;
}

bool hd_cache_dir_write(const struct hd_cache_dir *dir, const char *name, const void *data,
                        size_t size)
{
  char path[PATH_MAX], temporary[PATH_MAX];
  path_of(dir, name, ending, path);
  path_of(dir, name, temporary_ending, temporary);
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return false;
  bool fine = write_whole(fd, data, size);
  fine = close(fd) == 0 && fine;
  if (fine && rename(temporary, path) == 0)
    return true;
  unlink(temporary);
  return false;
}

/* --- the whole folder ------------------------------------------------------------- */

struct kept {
  char name[NAME_MAX + 1];
  uint64_t size;
  struct timespec used;
};

struct listing {
  HD_VEC(struct kept) files;
  uint64_t bytes;
};

static int by_use(const void *a, const void *b)
{
  const struct kept *x = a, *y = b;
  if (x->used.tv_sec != y->used.tv_sec)
    return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
  return (x->used.tv_nsec > y->used.tv_nsec) - (x->used.tv_nsec < y->used.tv_nsec);
}

/* Cache files alone, least recently used first; `leftovers`: what was not finished is
 * removed. False: the folder cannot be read, or memory is short. */
static bool list(const struct hd_cache_dir *dir, bool leftovers, struct listing *listing)
{
  *listing = (struct listing){.bytes = 0};
  DIR *stream = dir->path[0] ? opendir(dir->path) : NULL;
  bool fine = stream != NULL;
  for (struct dirent *entry; fine && (entry = readdir(stream));) {
    struct stat status;
    struct kept kept;
    if (leftovers && ends_in(entry->d_name, temporary_ending))
      unlinkat(dirfd(stream), entry->d_name, 0);
    if (!ends_in(entry->d_name, ending) ||
        fstatat(dirfd(stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(status.st_mode))
      continue;
    memset(&kept, 0, sizeof kept);
    snprintf(kept.name, sizeof kept.name, "%s", entry->d_name);
    kept.size = (uint64_t)status.st_size;
    kept.used = status.st_mtim;
    listing->bytes += kept.size;
    fine = hd_vec_push(&listing->files, kept);
  }
  if (stream)
    closedir(stream);
  if (listing->files.count > 1)
    qsort(listing->files.items, listing->files.count, sizeof *listing->files.items, by_use);
  return fine;
}

static bool drop(const struct hd_cache_dir *dir, const struct kept *kept)
{
  char path[PATH_MAX];
  path_of(dir, kept->name, "", path);
  return unlink(path) == 0;
}

void hd_cache_dir_trim(const struct hd_cache_dir *dir)
{
  struct listing listing;
  bool fine = list(dir, true, &listing);
  uint64_t enough = dir->most_total / 4 * 3;
  bool full = listing.bytes > dir->most_total;
  for (size_t i = 0; fine && full && i < listing.files.count && listing.bytes > enough; i++)
    if (drop(dir, &listing.files.items[i]))
      listing.bytes -= listing.files.items[i].size;
  hd_vec_deinit(&listing.files);
}

static uint32_t answers_of(const struct hd_cache_dir *dir, const struct kept *kept)
{
  char path[PATH_MAX];
  struct hd_cache_header header;
  path_of(dir, kept->name, "", path);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return 0;
  bool fine = read_whole(fd, (char *)&header, sizeof header);
  close(fd);
  return fine ? hd_cache_file_answers(&header) : 0;
}

bool hd_symbol_cache_ask(struct hd_symbol_cache_usage *usage, struct hd_error *error)
{
  struct hd_cache_dir dir;
  struct listing listing;
  hd_cache_dir_init(&dir);
  *usage = (struct hd_symbol_cache_usage){.files = 0};
  snprintf(usage->path, sizeof usage->path, "%s", dir.path);
  bool fine = list(&dir, false, &listing) || access(dir.path, F_OK) != 0;
  usage->files = listing.files.count;
  usage->bytes = listing.bytes;
  for (size_t i = 0; i < listing.files.count; i++)
    usage->addresses += answers_of(&dir, &listing.files.items[i]);
  hd_vec_deinit(&listing.files);
  if (fine)
    return true;
  hd_fail_input(error, "the cache cannot be read: %s", strerror(errno));
  return hd_error_in(error, dir.path);
}

bool hd_symbol_cache_clear(struct hd_symbol_cache_usage *usage, struct hd_error *error)
{
  struct hd_cache_dir dir;
  struct listing listing;
  hd_cache_dir_init(&dir);
  *usage = (struct hd_symbol_cache_usage){.files = 0};
  snprintf(usage->path, sizeof usage->path, "%s", dir.path);
  if (!dir.path[0] || access(dir.path, F_OK) != 0)
    return true;
  int lock = hd_cache_dir_lock(&dir);
  bool fine = lock >= 0 && list(&dir, true, &listing);
  for (size_t i = 0; fine && i < listing.files.count; i++) {
    fine = drop(&dir, &listing.files.items[i]);
    usage->files += fine;
    usage->bytes += fine ? listing.files.items[i].size : 0;
  }
  int reason = errno;
  if (lock >= 0) {
    hd_vec_deinit(&listing.files);
    close(lock);
  }
  if (fine)
    return true;
  hd_fail_input(error, "the cache cannot be cleared: %s",
                lock < 0 && reason == EWOULDBLOCK ? "another process is writing to it; try again"
                                                  : strerror(reason));
  return hd_error_in(error, dir.path);
}
