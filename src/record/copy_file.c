#include "record/copy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, const char *data, size_t size)
{
  while (size) {
    ssize_t done = write(fd, data, size);
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      return false;
    data += done;
    size -= (size_t)done;
  }
  return true;
}

static bool copy_bytes(int from, int to)
{
  char buffer[65536];
  for (;;) {
    ssize_t got = read(from, buffer, sizeof buffer);
    if (got == 0)
      return true;
    if (got < 0 && errno != EINTR)
      return false;
    if (got > 0 && !write_all(to, buffer, (size_t)got))
      return false;
  }
}

bool hd_copy_file(int from, int directory, const char *name, mode_t mode)
{
  char temporary[NAME_MAX + 1];
  int length = snprintf(temporary, sizeof temporary, ".%s.tmp", name);
  if (length < 0 || (size_t)length >= sizeof temporary) {
    errno = ENAMETOOLONG;
    return false;
  }
  unlinkat(directory, temporary, 0);
  int to = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (to < 0)
    return false;
  bool good = copy_bytes(from, to) && fchmod(to, mode) == 0;
  int why = errno;
  if (close(to) != 0 && good) {
    why = errno;
    good = false;
  }
  if (good && renameat(directory, temporary, directory, name) != 0) {
    why = errno;
    good = false;
  }
  if (!good)
    unlinkat(directory, temporary, 0);
  errno = why;
  return good;
}
