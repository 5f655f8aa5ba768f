#include "api/read_text.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads up to `most` bytes, or only until it is clear that the file does not begin so. */
static bool read_all(int fd, const char *beginning, size_t most, char **text, size_t *length,
                     struct hd_error *error)
{
  size_t capacity = 0, known = strlen(beginning);
  for (;;) {
    if (*length + 1 >= capacity) {
      capacity = capacity ? capacity * 2 : 4096;
      char *more = hd_realloc(*text, capacity);
      if (!more)
        return hd_fail_memory(error);
      *text = more;
    }
    ssize_t got = read(fd, *text + *length, capacity - 1 - *length);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return hd_fail_usage(error, "cannot read: %s", strerror(errno));
    *length += (size_t)got;
    size_t looked = *length < known ? *length : known;
    if (!got || memcmp(*text, beginning, looked) != 0)
      break;
    if (*length > most)
      return hd_fail_usage(error, "is larger than %zu bytes", most);
  }
  (*text)[*length] = '\0';
  return true;
}

bool hd_read_text(const char *path, size_t most, char **text, size_t *length,
                  struct hd_error *error)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  *text = NULL;
  *length = 0;
  bool fine = fd >= 0 ? read_all(fd, "", most, text, length, error)
                      : hd_fail_usage(error, "cannot open: %s", strerror(errno));
  if (fd >= 0)
    close(fd);
  return fine || hd_error_in(error, path);
}

bool hd_read_text_of(const char *path, const char *beginning, size_t most, char **text,
                     size_t *length, struct hd_error *error)
{
  struct stat status;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool readable = fd >= 0 && fstat(fd, &status) == 0 && !S_ISDIR(status.st_mode);
  *text = NULL;
  *length = 0;
  bool fine = !readable || read_all(fd, beginning, most, text, length, error);
  if (fd >= 0)
    close(fd);
  if (fine && *text && (*length < strlen(beginning) ||
                        memcmp(*text, beginning, strlen(beginning)) != 0)) {
    hd_free(*text);
    *text = NULL;
  }
  return fine || hd_error_in(error, path);
}
