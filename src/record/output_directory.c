#include "record/output_directory.h"

#include "agent/protocol.h"
#include "base/strings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SNAPSHOT_HEAD "{\"heapdiff\":"
#define GZIP_HEAD "\x1f\x8b"
/* The tag of the first field that an agent writes: a sample type. */
#define PPROF_HEAD 0x0a
enum { MAX_OLD = 10000 };

static bool ends_in(const char *name, const char *suffix)
{
  size_t length = strlen(name), tail = strlen(suffix);
  return length > tail && strcmp(name + length - tail, suffix) == 0;
}

bool hd_snapshot_name(const char *name)
{
  return name[0] != '.' && (ends_in(name, HD_SNAPSHOT_SUFFIX) || ends_in(name, HD_PPROF_SUFFIX));
}

static bool leftover_name(const char *name)
{
  return name[0] == '.' && strstr(name, HD_SNAPSHOT_SUFFIX) && ends_in(name, HD_TEMPORARY_SUFFIX);
}

/* Whether a file is heapdiff's by its name and by its first bytes: only such
 * files are ever moved or deleted. An empty one of that name counts. */
static bool is_ours(int directory, const char *name)
{
  struct stat info;
  if ((!hd_snapshot_name(name) && !leftover_name(name)) ||
      fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
    return false;
  int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0)
    return false;
  char head[sizeof SNAPSHOT_HEAD - 1];
  ssize_t length = read(fd, head, sizeof head);
  close(fd);
  if (length == 0)
    return true;
  return (length == (ssize_t)sizeof head && memcmp(head, SNAPSHOT_HEAD, sizeof head) == 0) ||
         (length >= 2 && memcmp(head, GZIP_HEAD, 2) == 0) || (length >= 1 && head[0] == PPROF_HEAD);
}

typedef HD_VEC(const char *) name_list;

/* What a directory holds of heapdiff's. */
struct contents {
  struct hd_arena arena;
  name_list ours;
};

static void contents_deinit(struct contents *contents)
{
  hd_vec_deinit(&contents->ours);
  hd_arena_deinit(&contents->arena);
}

static bool add_name(struct contents *contents, int directory, const char *name)
{
  if (!is_ours(directory, name))
    return true;
  const char *copy = hd_arena_copy(&contents->arena, name, strlen(name));
  return copy && hd_vec_push(&contents->ours, copy);
}

static bool contents_read(int directory, struct contents *contents, struct hd_error *error)
{
  memset(contents, 0, sizeof *contents);
  int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = fd < 0 ? NULL : fdopendir(fd);
  if (!stream) {
    hd_fail_input(error, "the directory cannot be read: %s", strerror(errno));
    if (fd >= 0)
      close(fd);
    return false;
  }
  bool good = true;
  for (struct dirent *entry; good && (entry = readdir(stream));)
    good = add_name(contents, directory, entry->d_name);
  closedir(stream);
  if (!good)
    contents_deinit(contents);
  return good || hd_fail_memory(error);
}

/* Makes the first directory of DIR.old, DIR.old.2, DIR.old.3... that is not there
 * yet: what was moved aside once is never touched again. */
static bool make_old(struct hd_output_directory *directory, int *fd, struct hd_error *error)
{
  char *path = directory->moved_to;
  for (unsigned n = 1; n <= MAX_OLD; n++) {
    char number[16] = "";
    if (n > 1)
      snprintf(number, sizeof number, ".%u", n);
    int length =
        snprintf(path, sizeof directory->moved_to, "%s.old%s", directory->absolute, number);
    if (length < 0 || (size_t)length >= sizeof directory->moved_to)
      return hd_fail_usage(error, "the name of the output directory is too long");
    if (mkdir(path, 0777) != 0 && errno == EEXIST)
      continue;
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *fd >= 0 ||
           hd_fail_input(error, "the directory for the older recording cannot be made: %s",
                         strerror(errno));
  }
  return hd_fail_input(error,
                       "there are %d older recordings beside it: delete those that are of no "
                       "use any more, or name another directory with --output",
                       MAX_OLD);
}

/* As the user has the directory's name, where it is no link to elsewhere. */
static void shorten_moved_to(struct hd_output_directory *directory)
{
  struct stat info;
  char shown[sizeof directory->moved_to];
  if (lstat(directory->name, &info) != 0 || S_ISLNK(info.st_mode))
    return;
  snprintf(shown, sizeof shown, "%s%s", directory->name,
           directory->moved_to + strlen(directory->absolute));
  memcpy(directory->moved_to, shown, sizeof shown);
}

static bool move_to(struct hd_output_directory *directory, const name_list *names,
                    struct hd_error *error)
{
  int fd = -1;
  bool good = make_old(directory, &fd, error) || hd_error_in(error, directory->moved_to);
  for (size_t i = 0; good && i < names->count; i++)
    if (renameat(directory->fd, names->items[i], fd, names->items[i]) != 0) {
      hd_fail_input(error, "the older snapshot %.128s cannot be moved to %.512s: %s",
                    names->items[i], directory->moved_to, strerror(errno));
      good = hd_error_in(error, directory->name);
    }
  if (fd >= 0)
    close(fd);
  if (good)
    shorten_moved_to(directory);
  else
    directory->moved_to[0] = '\0';
  return good;
}

static bool move_aside(struct hd_output_directory *directory, struct hd_error *error)
{
  struct contents contents;
  if (!contents_read(directory->fd, &contents, error))
    return hd_error_in(error, directory->name);
  bool snapshots = false;
  for (size_t i = 0; i < contents.ours.count; i++)
    snapshots |= hd_snapshot_name(contents.ours.items[i]);
  bool good = true;
  if (snapshots)
    good = move_to(directory, (const name_list *)&contents.ours, error);
  contents_deinit(&contents);
  return good;
}

static bool take_name(const char *name, struct hd_output_directory *directory,
                      struct hd_error *error)
{
  size_t length = strlen(name);
  while (length > 1 && name[length - 1] == '/')
    length--;
  if (!length)
    return hd_fail_usage(error, "the name of the output directory is empty");
  if (length >= sizeof directory->name)
    return hd_fail_usage(error, "the name of the output directory is too long");
  memcpy(directory->name, name, length);
  directory->name[length] = '\0';
  return true;
}

static bool open_locked(struct hd_output_directory *directory, struct hd_error *error)
{
  if (mkdir(directory->name, 0777) != 0 && errno != EEXIST)
    return hd_fail_input(error, "the output directory cannot be made: %s", strerror(errno));
  directory->fd = open(directory->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory->fd < 0 && errno == ENOTDIR)
    return hd_fail_input(error, "is not a directory: name another with --output");
  if (directory->fd < 0 || !realpath(directory->name, directory->absolute))
    return hd_fail_input(error, "the output directory cannot be opened: %s", strerror(errno));
  if (faccessat(AT_FDCWD, directory->name, W_OK | X_OK, AT_EACCESS) != 0)
    return hd_fail_input(error,
                         "the output directory is not writable: %s; name another with "
                         "--output",
                         strerror(errno));
  /* A file system without locks is no reason to refuse. */
  if (flock(directory->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return hd_fail_input(error, "another heapdiff is recording there: name another directory "
                                "with --output");
  return true;
}

bool hd_output_directory_open(const char *name, struct hd_output_directory *directory,
                              struct hd_error *error)
{
  *directory = (struct hd_output_directory)HD_OUTPUT_DIRECTORY_INIT;
  if (!take_name(name ? name : HD_DEFAULT_DIRECTORY, directory, error))
    return false;
  if ((open_locked(directory, error) || hd_error_in(error, directory->name)) &&
      move_aside(directory, error))
    return true;
  hd_output_directory_close(directory);
  return false;
}

void hd_output_directory_close(struct hd_output_directory *directory)
{
  if (directory->fd >= 0)
    close(directory->fd);
  directory->fd = -1;
}

off_t hd_output_log_size(const struct hd_output_directory *directory)
{
  struct stat info;
  return fstatat(directory->fd, HD_LOG_NAME, &info, AT_SYMLINK_NOFOLLOW) == 0 ? info.st_size : 0;
}
