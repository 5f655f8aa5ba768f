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

static uint64_t decimal(const char *text)
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
  return at ? decimal(at + strlen(name)) : 0;
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
  return at ? decimal(at) * (1000000000u / ticks) : 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
  if (!a || !b)
    return a ? a : b;
  return a < b ? a : b;
}

/* The limits from a group up to the root: each holds for all below it. */
static uint64_t walk_up(const char *mount, char *group, const char *name, char *path,
                        size_t capacity)
{
  uint64_t limit = 0;
  char value[32];
  for (;;) {
    struct hd_text text = {path, 0, capacity, false};
    hd_text_add(&text, mount);
    hd_text_add(&text, group);
    hd_text_add(&text, name);
    if (!text.failed && hd_read_file(path, value, sizeof value)) {
      uint64_t one = decimal(value); /* "max" reads as 0 */
      limit = smaller(limit, one < LIMIT_NONE ? one : 0);
    }
    char *slash = strrchr(group, '/');
    if (!slash)
      return limit;
    *slash = '\0';
  }
}

/* A line of /proc/self/cgroup is "number:controllers:group"; the second version's
 * has no controllers. */
static uint64_t line_limit(char *line, struct hd_scratch_text *buffer)
{
  char *controllers = strchr(line, ':');
  char *group = controllers ? strchr(controllers + 1, ':') : NULL;
  if (!group || group[1] != '/')
    return 0;
  *group++ = '\0';
  controllers++;
  if (group[1] == '\0')
    group[0] = '\0';
  if (!*controllers)
    return walk_up("/sys/fs/cgroup", group, "/memory.max", buffer->path, sizeof buffer->path);
  if (strcmp(controllers, "memory") == 0)
    return walk_up("/sys/fs/cgroup/memory", group, "/memory.limit_in_bytes", buffer->path,
                   sizeof buffer->path);
  return 0;
}

uint64_t hd_process_cgroup_limit(struct hd_scratch_text *buffer)
{
  uint64_t limit = 0;
  hd_read_file("/proc/self/cgroup", buffer->file, sizeof buffer->file);
  for (char *line = buffer->file, *end; *line; line = end + 1) {
    end = strchr(line, '\n');
    if (!end)
      break;
    *end = '\0';
    limit = smaller(limit, line_limit(line, buffer));
  }
  return limit;
}

static uint64_t resource_limit(int resource)
{
  struct rlimit limit;
  if (hd_sys4(SYS_prlimit64, 0, resource, 0, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return 0;
  return limit.rlim_cur;
}

uint64_t hd_process_rlimit(void)
{
  return smaller(resource_limit(RLIMIT_AS), resource_limit(RLIMIT_DATA));
}
