#include "api/read_text.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool read_all(int fd, size_t most, char **text, size_t *length, struct hd_error *error)
{
  size_t capacity = 0;
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
    if (!got)
      break;
    *length += (size_t)got;
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
  bool fine = fd >= 0 ? read_all(fd, most, text, length, error)
                      : hd_fail_usage(error, "cannot open: %s", strerror(errno));
  if (fd >= 0)
    close(fd);
  return fine || hd_error_in(error, path);
}
