#include "attach/process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STATUS_TEXT = 8192, STAT_TEXT = 1024 };

ssize_t hd_process_text(pid_t pid, const char *name, char *out, size_t size)
{
  char path[128];
  snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  size_t length = 0;
  ssize_t got = 0;
  while (length + 1 < size && (got = read(fd, out + length, size - 1 - length)) > 0)
    length += (size_t)got;
  int why = errno;
  close(fd);
  errno = why;
  out[length] = '\0';
  return got < 0 ? -1 : (ssize_t)length;
}

/* What follows "KEY:" and blanks on its line; NULL where there is none. */
static const char *value_of(const char *text, const char *key)
{
  size_t length = strlen(key);
  for (const char *line = text; line && *line;) {
    if (strncmp(line, key, length) == 0 && line[length] == ':') {
      line += length + 1;
      return line + strspn(line, " \t");
    }
    line = strchr(line, '\n');
    line = line ? line + 1 : NULL;
  }
  return NULL;
}

static long number_of(const char *text, const char *key)
{
  const char *value = value_of(text, key);
  return value ? strtol(value, NULL, 10) : 0;
}

/* "1000\t1000\t1000\t1000": the real and the file system's. */
static void identities(const char *text, const char *key, uint32_t *real, uint32_t *fs)
{
  const char *value = value_of(text, key);
  unsigned long ids[4] = {0};
  char *end;
  for (size_t i = 0; value && i < 4; i++, value = end)
    ids[i] = strtoul(value, &end, 10);
  *real = (uint32_t)ids[0];
  *fs = (uint32_t)ids[3];
}

/* NSpid has one a namespace, the process's own last. */
static pid_t innermost(const char *text)
{
  const char *value = value_of(text, "NSpid");
  pid_t last = 0;
  while (value && isdigit((unsigned char)*value)) {
    char *end;
    last = (pid_t)strtol(value, &end, 10);
    value = end + strspn(end, " \t");
  }
  return last;
}

bool hd_process_status_parse(const char *text, struct hd_process_status *status)
{
  memset(status, 0, sizeof *status);
  const char *name = value_of(text, "Name"), *state = value_of(text, "State");
  if (!name || !state)
    return false;
  size_t length = strcspn(name, "\n");
  if (length >= sizeof status->name)
    length = sizeof status->name - 1;
  for (size_t i = 0; i < length; i++)
    status->name[i] = isprint((unsigned char)name[i]) ? name[i] : '?';
  status->state = *state;
  status->process = (pid_t)number_of(text, "Tgid");
  status->tracer = (pid_t)number_of(text, "TracerPid");
  status->innermost_pid = innermost(text);
  identities(text, "Uid", &status->uid, &status->fsuid);
  identities(text, "Gid", &status->gid, &status->fsgid);
  const char *ignored = value_of(text, "SigIgn");
  status->ignored = ignored ? strtoull(ignored, NULL, 16) : 0;
  status->kernel = *state != 'Z' && *state != 'X' && !value_of(text, "VmSize");
  return true;
}

bool hd_process_status_read(pid_t pid, struct hd_process_status *status)
{
  char text[STATUS_TEXT];
  if (hd_process_text(pid, "status", text, sizeof text) < 0)
    return false;
  errno = ESRCH;
  return hd_process_status_parse(text, status);
}

/* --- memory map ----------------------------------------------------------------------- */

/* The kernel writes a newline in a name as \012, and nothing else so. */
static void unescape(char *path)
{
  char *to = path;
  for (const char *from = path; *from;) {
    if (strncmp(from, "\\012", 4) == 0) {
      *to++ = '\n';
      from += 4;
    } else {
      *to++ = *from++;
    }
  }
  *to = '\0';
}

static bool cut_deleted(char *path)
{
  static const char tail[] = " (deleted)";
  size_t length = strlen(path), size = sizeof tail - 1;
  if (length <= size || strcmp(path + length - size, tail) != 0)
    return false;
  path[length - size] = '\0';
  return true;
}

bool hd_maps_add(struct hd_maps *maps, char *line)
{
  struct hd_mapping mapping = {0};
  char access[5];
  int at = 0;
  line[strcspn(line, "\n")] = '\0';
  if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %" SCNx32 ":%" SCNx32 " %" SCNu64 " %n",
             &mapping.start, &mapping.end, access, &mapping.offset, &mapping.major, &mapping.minor,
             &mapping.inode, &at) < 7 ||
      !at)
    return true;
  char *path = line + at;
  mapping.executable = strchr(access, 'x') != NULL;
  mapping.deleted = cut_deleted(path);
  unescape(path);
  mapping.path = hd_arena_copy(&maps->arena, path, strlen(path));
  return mapping.path && hd_vec_push(&maps->items, mapping);
}

bool hd_maps_read(pid_t pid, struct hd_maps *maps, struct hd_error *error)
{
  char name[64];
  memset(maps, 0, sizeof *maps);
  snprintf(name, sizeof name, "/proc/%ld/maps", (long)pid);
  FILE *file = fopen(name, "re");
  if (!file)
    return hd_fail_input(error, "its memory map cannot be read: %s", strerror(errno));
  char *line = NULL;
  size_t size = 0;
  bool good = true;
  errno = 0;
  while (good && getline(&line, &size, file) > 0)
    good = hd_maps_add(maps, line);
  int why = ferror(file) ? errno : 0;
  free(line);
  fclose(file);
  if (!good)
    hd_fail_memory(error);
  else if (why || !maps->items.count)
    good = hd_fail_input(error, "its memory map cannot be read: %s",
                         why ? strerror(why) : "the process has ended");
  if (!good)
    hd_maps_deinit(maps);
  return good;
}

void hd_maps_deinit(struct hd_maps *maps)
{
  hd_vec_deinit(&maps->items);
  hd_arena_deinit(&maps->arena);
}

/* Overlay file systems give another device in stat(2) than in the map: then the inode
 * alone has to do. */
static bool is_the_file(int fd, const struct hd_mapping *mapping)
{
  struct stat info;
  return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_ino == mapping->inode;
}

int hd_mapping_open(pid_t pid, const struct hd_mapping *mapping)
{
  char name[PATH_MAX + 64];
  if (mapping->path[0] != '/')
    return -1;
  snprintf(name, sizeof name, "/proc/%ld/root%s", (long)pid, mapping->path);
  int fd = mapping->deleted ? -1 : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd >= 0 && is_the_file(fd, mapping))
    return fd;
  if (fd >= 0)
    close(fd);
  snprintf(name, sizeof name, "/proc/%ld/map_files/%" PRIx64 "-%" PRIx64, (long)pid, mapping->start,
           mapping->end);
  return open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

/* --- times ------------------------------------------------------------------------------ */

double hd_process_cpu_s(pid_t pid)
{
  clockid_t clock;
  struct timespec time;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
    return -1;
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Field 22 of /proc/PID/stat; the name before them may hold blanks, and ends in a
 * parenthesis. */
uint64_t hd_process_start(pid_t pid)
{
  enum { AFTER_NAME = 22 - 2 };
  char text[STAT_TEXT];
  if (hd_process_text(pid, "stat", text, sizeof text) < 0)
    return 0;
  const char *at = strrchr(text, ')');
  for (int i = 0; at && i < AFTER_NAME; i++)
    at = strchr(at + 1, ' ');
  return at ? strtoull(at, NULL, 10) : 0;
}
