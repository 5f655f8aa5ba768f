#include "process_info.h"

#include "files.h"
#include "sys.h"

#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>

/* Field 22 of /proc/PID/stat; the second one, the program's name in parentheses,
 * may hold anything. */
enum { START_TIME_FIELD = 22, FIELD_AFTER_NAME = 3 };

/* cgroup v1 says "none" by a number near the largest. */
#define LIMIT_NONE (UINT64_C(1) << 62)

uint64_t hd_decimal(const char *text)
{
  uint64_t value = 0;
  while (*text == ' ' || *text == '\t')
    text++;
  for (; *text >= '0' && *text <= '9'; text++)
    value = value * 10 + (uint64_t)(*text - '0');
  return value;
}

static uint64_t field(const char *file, const char *name)
{
  const char *at = strstr(file, name);
  return at ? hd_decimal(at + strlen(name)) : 0;
}

struct hd_usage hd_process_usage(struct hd_scratch_text *buffer)
{
  hd_read_file("/proc/self/status", buffer->file, sizeof buffer->file);
  return (struct hd_usage){.rss = field(buffer->file, "\nVmRSS:") * 1024,
                           .rss_peak = field(buffer->file, "\nVmHWM:") * 1024,
                           .threads = field(buffer->file, "\nThreads:")};
}

uint64_t hd_process_start_ns(struct hd_scratch_text *buffer)
{
  uint64_t ticks = getauxval(AT_CLKTCK);
  hd_read_file("/proc/self/stat", buffer->file, sizeof buffer->file);
  const char *at = strrchr(buffer->file, ')');
  if (!at || !ticks)
    return 0;
  for (int i = FIELD_AFTER_NAME; at && i <= START_TIME_FIELD; i++)
    at = strchr(at + 1, ' ');
  return at ? hd_decimal(at) * (1000000000u / ticks) : 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
  if (!a || !b)
    return a ? a : b;
  return a < b ? a : b;
}

/* Notes a group's limit where it is tighter than those before. */
static void consider(struct hd_limits *limits, const char *directory, const char *file)
{
  char value[32];
  if (!hd_read_file(file, value, sizeof value))
    return;
  uint64_t limit = hd_decimal(value); /* "max" reads as 0 */
  if (!limit || limit >= LIMIT_NONE || (limits->cgroup && limits->cgroup <= limit) ||
      !hd_text_copy(limits->group, sizeof limits->group, directory))
    return;
  limits->cgroup = limit;
  limits->unified = strstr(file, "/memory.max") != NULL;
}

/* The limits from a group up to the root: each holds for all below it. */
static void walk_up(struct hd_limits *limits, const char *mount, char *group, const char *name,
                    struct hd_scratch_text *buffer)
{
  for (;;) {
    struct hd_text directory = {buffer->group, 0, sizeof buffer->group, false};
    struct hd_text file = {buffer->path, 0, sizeof buffer->path, false};
    hd_text_add(&directory, mount);
    hd_text_add(&directory, group);
    hd_text_add(&file, buffer->group);
    hd_text_add(&file, name);
    if (!directory.failed && !file.failed)
      consider(limits, buffer->group, buffer->path);
    char *slash = strrchr(group, '/');
    if (!slash)
      return;
    *slash = '\0';
  }
}

/* A line of /proc/self/cgroup is "number:controllers:group"; the second version's
 * has no controllers. */
static void read_line(struct hd_limits *limits, char *line, struct hd_scratch_text *buffer)
{
  char *controllers = strchr(line, ':');
  char *group = controllers ? strchr(controllers + 1, ':') : NULL;
  if (!group || group[1] != '/')
    return;
  *group++ = '\0';
  controllers++;
  if (group[1] == '\0')
    group[0] = '\0';
  if (!*controllers)
    walk_up(limits, "/sys/fs/cgroup", group, "/memory.max", buffer);
  else if (strcmp(controllers, "memory") == 0)
    walk_up(limits, "/sys/fs/cgroup/memory", group, "/memory.limit_in_bytes", buffer);
}

static uint64_t resource_limit(int resource)
{
  struct rlimit limit;
  if (hd_sys4(SYS_prlimit64, 0, resource, 0, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return 0;
  return limit.rlim_cur;
}

void hd_process_limits(struct hd_limits *limits, struct hd_scratch_text *buffer)
{
  limits->address_space = resource_limit(RLIMIT_AS);
  limits->data = resource_limit(RLIMIT_DATA);
  limits->cgroup = 0;
  hd_read_file("/proc/self/cgroup", buffer->file, sizeof buffer->file);
  for (char *line = buffer->file, *end; *line; line = end + 1) {
    end = strchr(line, '\n');
    if (!end)
      break;
    *end = '\0';
    read_line(limits, line, buffer);
  }
}

uint64_t hd_limits_resource(const struct hd_limits *limits)
{
  return smaller(limits->address_space, limits->data);
}

struct hd_pages hd_process_pages(void)
{
  enum { RESIDENT = 1, DATA = 5 };
  char line[256];
  hd_read_file("/proc/self/statm", line, sizeof line);
  struct hd_pages pages = {.size = hd_decimal(line)};
  const char *at = line;
  for (int i = 1; i <= DATA && (at = strchr(at, ' ')); i++, at++) {
    if (i == RESIDENT)
      pages.resident = hd_decimal(at);
    else if (i == DATA)
      pages.data = hd_decimal(at);
  }
  return pages;
}
