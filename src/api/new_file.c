#include "api/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ATTEMPTS = 100 };

static bool failed(struct hd_error *error)
{
  return hd_fail_internal(error, "cannot write: %s", strerror(errno));
}

/* Makes the file appear under a name that begins with a dot: what reads the directory
 * meanwhile, or after this process was killed, does not take it for a snapshot. */
static bool give_temporary(struct hd_new_file *file, bool (*make)(struct hd_new_file *file))
{
  const char *slash = strrchr(file->path, '/'), *name = slash ? slash + 1 : file->path;
  for (int i = 0; i < ATTEMPTS; i++) {
    int length = snprintf(file->temporary, sizeof file->temporary, "%.*s.%s.%ld-%d",
                          (int)(name - file->path), file->path, name, (long)getpid(), i);
    if (length < 0 || (size_t)length >= sizeof file->temporary) {
      errno = ENAMETOOLONG;
      break;
    }
    if (make(file))
      return true;
    if (errno != EEXIST)
      break;
  }
  file->temporary[0] = '\0';
  return false;
}

static bool open_named(struct hd_new_file *file)
{
  file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  return file->fd >= 0;
}

static bool open_nameless(struct hd_new_file *file)
{
  char directory[PATH_MAX];
  const char *slash = strrchr(file->path, '/');
  /* A name is given through /proc alone: without it there would be none. */
  if (access("/proc/self/fd", X_OK) != 0)
    return false;
  snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - file->path) + 1 : 1,
           slash ? file->path : ".");
  file->fd = open(directory, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
  file->nameless = file->fd >= 0;
  return file->nameless;
}

static bool link_named(struct hd_new_file *file)
{
  char self[64];
  snprintf(self, sizeof self, "/proc/self/fd/%d", file->fd);
  return linkat(AT_FDCWD, self, AT_FDCWD, file->temporary, AT_SYMLINK_FOLLOW) == 0;
}

/* The permissions are those of the file that is replaced, else what the umask leaves. */
static bool open_temporary(struct hd_new_file *file, const struct stat *old, struct hd_error *error)
{
  return ((open_nameless(file) || give_temporary(file, open_named)) &&
          (!old || fchmod(file->fd, old->st_mode & 07777) == 0)) ||
         failed(error);
}

bool hd_new_file_create(struct hd_new_file *file, const char *path, bool replaces,
                        struct hd_error *error)
{
  struct stat old;
  *file = (struct hd_new_file){.fd = -1, .replaces = replaces};
  bool exists = stat(path, &old) == 0;
  if (!exists && replaces)
    return failed(error);
  if (exists && S_ISDIR(old.st_mode)) {
    errno = EISDIR;
    return failed(error);
  }
  if (exists && !S_ISREG(old.st_mode)) {
    file->fd = open(path, O_WRONLY | O_CLOEXEC);
    return file->fd >= 0 || failed(error);
  }
  /* Whoever may not write the file is not to replace it, either. */
  if (exists && access(path, W_OK) != 0)
    return failed(error);
  char *real = exists ? realpath(path, NULL) : NULL;
  int length = snprintf(file->path, sizeof file->path, "%s", real ? real : path);
  free(real);
  if (length < 0 || (size_t)length >= sizeof file->path) {
    errno = ENAMETOOLONG;
    return failed(error);
  }
  return open_temporary(file, exists ? &old : NULL, error);
}

bool hd_new_file_write(struct hd_new_file *file, const void *data, size_t length,
                       struct hd_error *error)
{
  const char *at = data;
  while (length) {
    ssize_t written = write(file->fd, at, length);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return failed(error);
    at += written;
    length -= (size_t)written;
  }
  return true;
}

/* Both names change places, which is refused where one is not there. */
static bool take_place(const struct hd_new_file *file)
{
  if (!file->replaces)
    return rename(file->temporary, file->path) == 0;
  if (renameat2(AT_FDCWD, file->temporary, AT_FDCWD, file->path, RENAME_EXCHANGE) == 0)
    return unlink(file->temporary) == 0;
  if (errno != EINVAL && errno != ENOSYS)
    return false;
  /* Not every file system can do that. */
  return access(file->path, F_OK) == 0 && rename(file->temporary, file->path) == 0;
}

bool hd_new_file_finish(struct hd_new_file *file, struct hd_error *error)
{
  if (file->nameless && !give_temporary(file, link_named))
    return failed(error);
  int status = close(file->fd);
  file->fd = -1;
  if (status != 0 || (file->temporary[0] && !take_place(file)))
    return failed(error);
  file->temporary[0] = '\0';
  return true;
}

void hd_new_file_drop(struct hd_new_file *file)
{
  if (file->fd >= 0)
    close(file->fd);
  if (file->temporary[0])
    unlink(file->temporary);
  file->fd = -1;
  file->temporary[0] = '\0';
}
