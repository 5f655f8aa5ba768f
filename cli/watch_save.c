#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A new directory, named by the time; a number is added where there is one of this second. */
static bool make_directory(char *path, size_t size)
{
  enum { TRIES = 100 };
  time_t now = time(NULL);
  struct tm tm;
  char stamp[32];
  strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", localtime_r(&now, &tm));
  for (int i = 0; i < TRIES; i++) {
    snprintf(path, size, i ? "heapdiff.saved-%s-%d" : "heapdiff.saved-%s", stamp, i);
    if (mkdir(path, 0777) == 0)
      return true;
    if (errno != EEXIST)
      return false;
  }
  return false;
}

static bool copy(const char *from, const char *to)
{
  int in = open(from, O_RDONLY | O_CLOEXEC);
  int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  char buffer[65536];
  ssize_t length = -1;
  while (out >= 0 && (length = read(in, buffer, sizeof buffer)) > 0)
    if (write(out, buffer, (size_t)length) != length) {
      length = -1;
      break;
    }
  bool fine = length == 0;
  fine &= out >= 0 && close(out) == 0;
  if (in >= 0)
    close(in);
  return fine;
}

void watch_save(const hd_session *session, char *said, size_t size)
{
  char directory[64], target[4200];
  size_t count = hd_session_kept_count(session), saved = 0;
  if (!make_directory(directory, sizeof directory)) {
    snprintf(said, size, "not saved: %s: %s", directory, strerror(errno));
    return;
  }
  const char *before = "";
  for (size_t i = 0; i < count; i++) {
    const char *path = hd_session_kept_path(session, i);
    if (strcmp(path, before) == 0)
      continue;
    before = path;
    const char *base = strrchr(path, '/');
    snprintf(target, sizeof target, "%s/%s", directory, base ? base + 1 : path);
    /* Snapshots are replaced, never written into: a second name costs nothing. */
    if (link(path, target) != 0 && !copy(path, target)) {
      snprintf(said, size, "not all saved: %s: %s", target, strerror(errno));
      return;
    }
    saved++;
  }
  snprintf(said, size, "%zu file%s saved in %s", saved, saved == 1 ? "" : "s", directory);
}
