#include "shell_history.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

bool shell_history_path(char *path, size_t size)
{
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  int length;
  if (state && state[0] == '/')
    length = snprintf(path, size, "%s/heapdiff/shell_history", state);
  else if (home && home[0] == '/')
    length = snprintf(path, size, "%s/.local/state/heapdiff/shell_history", home);
  else
    return false;
  if (length < 0 || (size_t)length >= size)
    return false;
  for (char *c = path + 1; *c; c++)
    if (*c == '/') {
      *c = '\0';
      mkdir(path, 0700);
      *c = '/';
    }
  return true;
}

/* The folder, locked against other shells that add a line; -1 it cannot be: then the last
 * one wins. */
static int lock_folder(const char *path)
{
  char folder[PATH_MAX];
  const char *slash = strrchr(path, '/');
  snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0)
    flock(fd, LOCK_EX);
  return fd;
}

/* What was typed may name what is nobody else's business. The file is whole at any time. */
static void save(const struct history_library *library, History *lines, const char *path)
{
  char temporary[PATH_MAX + 16];
  HistEvent event;
  mode_t mask = umask(077);
  snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());
  if (library->history(lines, &event, H_SAVE, temporary) < 0 || rename(temporary, path) != 0)
    unlink(temporary);
  umask(mask);
}

void shell_history_keep(const struct history_library *library, const char *path, const char *line)
{
  HistEvent event;
  History *lines = library->init();
  if (!lines)
    return;
  library->history(lines, &event, H_SETSIZE, SHELL_KEPT_LINES);
  library->history(lines, &event, H_SETUNIQUE, 1);
  int lock = lock_folder(path);
  library->history(lines, &event, H_LOAD, path);
  if (library->history(lines, &event, H_ENTER, line) >= 0)
    save(library, lines, path);
  if (lock >= 0)
    close(lock);
  library->end(lines);
}
