#include "analysis/source_text.h"

#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *strip_prefix(const char *path, const char *prefix)
{
  size_t length = strlen(prefix);
  while (length && prefix[length - 1] == '/')
    length--;
  return length && strncmp(path, prefix, length) == 0 && path[length] == '/' && path[length + 1]
             ? path + length + 1
             : NULL;
}

/* "/build/server/src/a.c" under the search path "/home/me/server": "src/a.c". */
static const char *after_directory(const char *path, const char *directory)
{
  size_t end = strlen(directory);
  while (end > 1 && directory[end - 1] == '/')
    end--;
  size_t begin = end;
  while (begin && directory[begin - 1] != '/')
    begin--;
  size_t length = end - begin;
  for (const char *at = path; length && (at = strchr(at, '/')); at++)
    if (strncmp(at + 1, directory + begin, length) == 0 && at[1 + length] == '/')
      return at + length + 2;
  return NULL;
}

static int open_regular(const char *path)
{
  struct stat status;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
    close(fd);
    errno = EINVAL;
    return -1;
  }
  return fd;
}

static int open_below(const char *directory, const char *path)
{
  struct hd_buffer name = HD_BUFFER_INIT;
  size_t length = strlen(directory);
  int fd = -1;
  for (;;) {
    hd_buffer_clear(&name);
    hd_buffer_append(&name, directory, length);
    hd_buffer_puts(&name, "/");
    hd_buffer_puts(&name, path);
    if (name.failed)
      break;
    fd = open_regular(name.data);
    if (fd >= 0 || !length)
      break;
    while (length && directory[length - 1] == '/')
      length--;
    while (length && directory[length - 1] != '/')
      length--;
    while (length && directory[length - 1] == '/')
      length--;
    if (!length && directory[0] != '/')
      break;
  }
  hd_buffer_deinit(&name);
  return fd;
}

static const char *trimmed(const char *file, const struct hd_source_search *search)
{
  for (size_t i = 0; i < search->trim_count; i++) {
    const char *rest = strip_prefix(file, search->trims[i]);
    if (rest)
      return rest;
  }
  for (size_t i = 0; !search->trim_count && i < search->path_count; i++) {
    const char *rest = after_directory(file, search->paths[i]);
    if (rest)
      return rest;
  }
  return file;
}

static int find(const char *file, const struct hd_source_search *search)
{
  const char *name = trimmed(file, search);
  if (name == file) {
    int fd = open_regular(file);
    if (fd >= 0 || file[0] == '/')
      return fd;
  }
  int fd = open_below(".", name);
  for (size_t i = 0; fd < 0 && i < search->path_count; i++)
    fd = open_below(search->paths[i], name);
  return fd;
}

static bool read_all(int fd, struct hd_source_text *text)
{
  struct stat status;
  if (fstat(fd, &status) != 0)
    return false;
  if (status.st_size > (off_t)HD_MAX_SOURCE) {
    errno = EFBIG;
    return false;
  }
  size_t size = (size_t)status.st_size, used = 0;
  text->data = hd_alloc(size + 1);
  if (!text->data) {
    errno = ENOMEM;
    return false;
  }
  while (used < size) {
    ssize_t got = read(fd, text->data + used, size - used);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return false;
    if (!got)
      break;
    used += (size_t)got;
  }
  text->data[used] = '\0';
  return true;
}

static bool split(struct hd_source_text *text)
{
  char *line = text->data;
  while (*line) {
    char *end = strchr(line, '\n');
    if (!hd_vec_push(&text->lines, line))
      return false;
    if (!end)
      return true;
    *end = '\0';
    if (end > line && end[-1] == '\r')
      end[-1] = '\0';
    line = end + 1;
  }
  return true;
}

bool hd_source_load(const char *file, const struct hd_source_search *search,
                    struct hd_source_text *text, char *why, size_t size)
{
  *text = (struct hd_source_text){0};
  errno = 0;
  int fd = find(file, search);
  bool fine = fd >= 0 && read_all(fd, text);
  int reason = errno;
  if (fd >= 0)
    close(fd);
  if (fine && !split(text)) {
    fine = false;
    reason = ENOMEM;
  }
  if (!fine) {
    hd_source_text_deinit(text);
    snprintf(why, size, "cannot read %s: %s", file, strerror(reason ? reason : ENOENT));
  }
  return fine;
}

void hd_source_text_deinit(struct hd_source_text *text)
{
  hd_vec_deinit(&text->lines);
  hd_free(text->data);
  text->data = NULL;
}
