#include "record/reach.h"

#include "agent/protocol.h"
#include "record/agent_path.h"
#include "record/copy_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Below the root of a process: links in a path there mean what they mean to it. */
static int open_inside(int root, const char *path, int flags)
{
  struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC), .resolve = RESOLVE_IN_ROOT};
  return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

bool hd_reach_open(pid_t pid, const struct hd_process_status *status, struct hd_reach *reach,
                   struct hd_error *error)
{
  char path[64];
  *reach = (struct hd_reach)HD_REACH_INIT;
  reach->pid = pid;
  reach->uid = status->fsuid;
  reach->gid = status->fsgid;
  snprintf(path, sizeof path, "/proc/%ld/root", (long)pid);
  reach->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return reach->root >= 0 ||
         hd_fail_input(error, "its files cannot be looked at: %s", strerror(errno));
}

/* The same file under the same name on both sides. */
bool hd_reach_sees(const struct hd_reach *reach, const char *path)
{
  struct stat here, there;
  int fd = open_inside(reach->root, path, O_PATH);
  bool same = fd >= 0 && fstat(fd, &there) == 0 && stat(path, &here) == 0 &&
              here.st_dev == there.st_dev && here.st_ino == there.st_ino;
  if (fd >= 0)
    close(fd);
  return same;
}

/* Whether anybody at all may read it. */
static bool is_public(const char *path)
{
  struct stat info;
  char part[PATH_MAX];
  for (size_t i = 1; path[i] && i < sizeof part; i++) {
    if (path[i] != '/')
      continue;
    memcpy(part, path, i);
    part[i] = '\0';
    if (stat(part, &info) != 0 || !(info.st_mode & S_IXOTH))
      return false;
  }
  return stat(path, &info) == 0 && (info.st_mode & S_IROTH);
}

/* A directory in `parent` that is the process's alone. */
static bool make_in(struct hd_reach *reach, const char *parent, bool for_code)
{
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
  struct statvfs mount;
  int fd = open_inside(reach->root, parent, O_RDONLY | O_DIRECTORY);
  uint8_t random[8];
  if (fd < 0)
    return false;
  int length = snprintf(reach->name, sizeof reach->name, "heapdiff-");
  if (getrandom(random, sizeof random, 0) != sizeof random)
    memset(random, 0, sizeof random);
  for (size_t i = 0; i < sizeof random; i++)
    reach->name[length++] = letters[random[i] % 32];
  reach->name[length] = '\0';
  errno = EROFS;
  if (fstatvfs(fd, &mount) == 0 && !(mount.f_flag & ST_RDONLY) &&
      !(for_code && (mount.f_flag & ST_NOEXEC)) && mkdirat(fd, reach->name, 0700) == 0) {
    reach->apart_fd = openat(fd, reach->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (reach->apart_fd >= 0 &&
        (reach->uid == geteuid() || fchown(reach->apart_fd, reach->uid, reach->gid) == 0)) {
      reach->parent_fd = fd;
      snprintf(reach->apart, sizeof reach->apart, "%s/%s", parent, reach->name);
      return true;
    }
    if (reach->apart_fd >= 0)
      close(reach->apart_fd);
    reach->apart_fd = -1;
    unlinkat(fd, reach->name, AT_REMOVEDIR);
  }
  int why = errno;
  close(fd);
  errno = why;
  return false;
}

static bool make_anywhere(struct hd_reach *reach, bool for_code, struct hd_error *error)
{
  static const char *const parents[] = {"/tmp", "/var/tmp", "/dev/shm", "/run"};
  int why = ENOENT;
  if (reach->apart_fd >= 0)
    return true;
  for (size_t i = 0; i < sizeof parents / sizeof *parents; i++) {
    if (make_in(reach, parents[i], for_code))
      return true;
    why = i == 0 ? errno : why;
  }
  return hd_fail_input(error,
                       "it sees other files than heapdiff, and no directory that both can "
                       "write to: tried /tmp, /var/tmp, /dev/shm and /run there: %s",
                       strerror(why));
}

/* Without the mark `heapdiff snap` names the file there. */
static void mark(const struct hd_reach *reach, const char *directory)
{
  size_t size = strlen(directory);
  int fd = openat(reach->apart_fd, HD_REACH_MARK, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0)
    return;
  if (write(fd, directory, size) != (ssize_t)size)
    unlinkat(reach->apart_fd, HD_REACH_MARK, 0);
  close(fd);
}

bool hd_reach_make_apart(struct hd_reach *reach, const struct hd_output_directory *directory,
                         struct hd_error *error)
{
  if (!make_anywhere(reach, false, error))
    return false;
  mark(reach, directory->absolute);
  return true;
}

bool hd_reach_agent(struct hd_reach *reach, const char *agent, struct hd_error *error)
{
  if (hd_reach_sees(reach, agent) && (reach->uid == geteuid() || is_public(agent))) {
    snprintf(reach->agent, sizeof reach->agent, "%s", agent);
    return true;
  }
  if (!make_anywhere(reach, true, error))
    return false;
  int from = open(agent, O_RDONLY | O_CLOEXEC);
  bool good = from >= 0 && hd_copy_file(from, reach->apart_fd, HD_AGENT_FILE, 0755);
  int why = errno;
  if (from >= 0)
    close(from);
  if (!good)
    return hd_fail_input(error, "the agent cannot be copied to where it sees it: %s",
                         strerror(why));
  reach->copied = true;
  int length = snprintf(reach->agent, sizeof reach->agent, "%s/%s", reach->apart, HD_AGENT_FILE);
  return (length > 0 && (size_t)length < sizeof reach->agent) ||
         hd_fail_internal(error, "the name of the agent's copy is too long");
}

void hd_reach_forget_agent(struct hd_reach *reach)
{
  if (reach->copied)
    unlinkat(reach->apart_fd, HD_AGENT_FILE, 0);
  reach->copied = false;
}

/* --- fetching ------------------------------------------------------------------------------ */

/* The file stays, empty, so that the agent finds what it thins out; the process's user can
 * put anything in its place. */
static bool fetch_snapshot(const struct hd_reach *reach, const char *name, int to)
{
  struct stat info;
  int fd = openat(reach->apart_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return errno == ENOENT;
  bool good = true;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0)
    good = hd_copy_file(fd, to, name, info.st_mode & 0666) && ftruncate(fd, 0) == 0;
  int why = errno;
  close(fd);
  errno = why;
  return good;
}

static bool fetch_log(struct hd_reach *reach, int to)
{
  struct stat info;
  int fd = openat(reach->apart_fd, HD_LOG_NAME,
                  O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  bool good = true;
  if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size != reach->logged) {
    good = hd_copy_file(fd, to, HD_LOG_NAME, info.st_mode & 0666);
    reach->logged = info.st_size;
  }
  int why = errno;
  if (fd >= 0)
    close(fd);
  errno = why;
  return good;
}

static DIR *list(int directory)
{
  int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = fd < 0 ? NULL : fdopendir(fd);
  if (!stream && fd >= 0)
    close(fd);
  return stream;
}

/* What the agent has thinned out there goes here, too; no more than it says that it has:
 * the files may have gone for another reason. */
static void thin(struct hd_reach *reach, int here, uint64_t thinned)
{
  DIR *stream = reach->thinned < thinned ? list(here) : NULL;
  for (struct dirent *entry; stream && (entry = readdir(stream));)
    if (hd_snapshot_name(entry->d_name) && reach->thinned < thinned &&
        faccessat(reach->apart_fd, entry->d_name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 &&
        errno == ENOENT && unlinkat(here, entry->d_name, 0) == 0)
      reach->thinned++;
  if (stream)
    closedir(stream);
}

static int by_name(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void note_fetched(struct hd_reach *reach, const char *name)
{
  uint32_t id;
  hd_strings_intern(&reach->fetched, name, strlen(name), &id);
}

/* In the order in which they were written. False: one at least is still there. */
static bool fetch_snapshots(struct hd_reach *reach, int to)
{
  struct hd_arena arena = HD_ARENA_INIT;
  HD_VEC(const char *) names = {0};
  DIR *stream = list(reach->apart_fd);
  bool good = true;
  int why = 0;
  for (struct dirent *entry; stream && (entry = readdir(stream));) {
    const char *name = entry->d_name;
    const char *copy =
        hd_snapshot_name(name) && !hd_strings_find(&reach->fetched, name, strlen(name))
            ? hd_arena_copy(&arena, name, strlen(name))
            : NULL;
    if (copy && !hd_vec_push(&names, copy))
      break;
  }
  if (stream)
    closedir(stream);
  if (names.count)
    qsort(names.items, names.count, sizeof *names.items, by_name);
  for (size_t i = 0; i < names.count; i++)
    if (fetch_snapshot(reach, names.items[i], to)) {
      note_fetched(reach, names.items[i]);
    } else {
      why = errno;
      good = false;
    }
  hd_vec_deinit(&names);
  hd_arena_deinit(&arena);
  errno = why;
  return good;
}

bool hd_reach_fetch(struct hd_reach *reach, const struct hd_output_directory *directory,
                    uint64_t thinned)
{
  if (reach->apart_fd < 0)
    return true;
  bool good = fetch_log(reach, directory->fd);
  int why = good ? 0 : errno;
  if (!fetch_snapshots(reach, directory->fd)) {
    why = errno;
    good = false;
  }
  thin(reach, directory->fd, thinned);
  errno = why;
  return good;
}

/* What could not be fetched stays. */
static void remove_fetched(const struct hd_reach *reach)
{
  DIR *stream = list(reach->apart_fd);
  struct stat info;
  unlinkat(reach->apart_fd, HD_REACH_MARK, 0);
  for (struct dirent *entry; stream && (entry = readdir(stream));)
    if (fstatat(reach->apart_fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(info.st_mode) &&
        ((hd_snapshot_name(entry->d_name) && info.st_size == 0) ||
         (strcmp(entry->d_name, HD_LOG_NAME) == 0 && info.st_size == reach->logged)))
      unlinkat(reach->apart_fd, entry->d_name, 0);
  if (stream)
    closedir(stream);
}

void hd_reach_close(struct hd_reach *reach)
{
  hd_reach_forget_agent(reach);
  if (reach->apart_fd >= 0)
    remove_fetched(reach);
  if (reach->parent_fd >= 0)
    unlinkat(reach->parent_fd, reach->name, AT_REMOVEDIR);
  hd_strings_deinit(&reach->fetched);
  int *open[] = {&reach->apart_fd, &reach->parent_fd, &reach->root};
  for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
    if (*open[i] >= 0)
      close(*open[i]);
    *open[i] = -1;
  }
}
