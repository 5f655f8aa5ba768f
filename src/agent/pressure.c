/* Three limits may end a process: RLIMIT_AS and RLIMIT_DATA, at which its
 * allocations fail, and the memory limit of a cgroup, at which the kernel kills.
 * Against the last one counts what the process has resident by itself, and, as
 * others share the group, what the group has less the page cache that the kernel
 * would drop first ("inactive_file"; cgroup-v2.rst, memory.stat). */
#include "pressure.h"

#include "clock.h"
#include "config.h"
#include "files.h"
#include "memory.h"
#include "process_info.h"

#include <string.h>

/* How often the figures are looked at: as seldom as that where nothing grows, as
 * often where it grows fast. And the limits themselves, which may be changed while
 * the process runs. */
#define SELDOM_NS UINT64_C(1000000000)
#define OFTEN_NS UINT64_C(50000000)
#define LIMITS_NS UINT64_C(10000000000)
/* What must be free again before a second snapshot is taken, in ten thousandths. */
enum { CLEAR = 1000, PAGE = 4096 };

static struct {
  struct hd_scratch_text *buffer;
  struct hd_limits limits;
  uint64_t limits_at;
  uint64_t before, before_ns; /* the share when it was looked at last */
  bool passed;
} pressure;

void hd_pressure_start(void)
{
  pressure.passed = false;
  pressure.before_ns = 0;
  if (!hd_config.set.oom_percent)
    return;
  if (!pressure.buffer)
    pressure.buffer = hd_map(sizeof *pressure.buffer);
  if (pressure.buffer)
    hd_process_limits(&pressure.limits, pressure.buffer);
}

bool hd_pressure_is_watched(void)
{
  const struct hd_limits *limits = &pressure.limits;
  return hd_config.set.oom_percent && pressure.buffer &&
         (limits->cgroup || limits->address_space || limits->data);
}

/* Used memory in ten thousandths of a limit. */
static uint64_t share(uint64_t used, uint64_t limit)
{
  return limit ? (uint64_t)((double)used * 10000 / (double)limit) : 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
  return a > b ? a : b;
}

static uint64_t read_number(const char *group, const char *name)
{
  char value[32];
  struct hd_text path = {pressure.buffer->path, 0, sizeof pressure.buffer->path, false};
  hd_text_add(&path, group);
  hd_text_add(&path, name);
  if (path.failed)
    return 0;
  hd_read_file(pressure.buffer->path, value, sizeof value);
  return hd_decimal(value);
}

static uint64_t droppable(const char *group, bool unified)
{
  struct hd_text path = {pressure.buffer->path, 0, sizeof pressure.buffer->path, false};
  hd_text_add(&path, group);
  hd_text_add(&path, "/memory.stat");
  if (path.failed ||
      !hd_read_file(pressure.buffer->path, pressure.buffer->file, sizeof pressure.buffer->file))
    return 0;
  const char *name = unified ? "\ninactive_file " : "\ntotal_inactive_file ";
  const char *at = strstr(pressure.buffer->file, name);
  return at ? hd_decimal(at + strlen(name)) : 0;
}

/* memory.stat costs the kernel more than the rest: it is read where it matters. */
static uint64_t group_share(uint64_t wanted)
{
  const struct hd_limits *limits = &pressure.limits;
  if (!limits->cgroup)
    return 0;
  uint64_t used =
      read_number(limits->group, limits->unified ? "/memory.current" : "/memory.usage_in_bytes");
  if (share(used, limits->cgroup) < wanted)
    return share(used, limits->cgroup);
  uint64_t cache = droppable(limits->group, limits->unified);
  return share(cache < used ? used - cache : 0, limits->cgroup);
}

static uint64_t highest_share(uint64_t wanted)
{
  const struct hd_limits *limits = &pressure.limits;
  struct hd_pages pages = hd_process_pages();
  uint64_t most = larger(share(pages.size * PAGE, limits->address_space),
                         share(pages.data * PAGE, limits->data));
  most = larger(most, share(pages.resident * PAGE, limits->cgroup));
  return most >= wanted ? most : larger(most, group_share(wanted));
}

/* At half of the time that is left if it goes on as since the last look. */
static uint64_t next_look(uint64_t share_now, uint64_t wanted, uint64_t now_ns)
{
  uint64_t wait = SELDOM_NS, passed_ns = now_ns - pressure.before_ns;
  uint64_t grown = share_now > pressure.before ? share_now - pressure.before : 0;
  uint64_t left = share_now < wanted ? wanted - share_now : 0;
  if (grown)
    wait = (uint64_t)((double)passed_ns * (double)left / (double)grown / 2);
  else if (!pressure.before_ns)
    wait = OFTEN_NS;
  pressure.before = share_now;
  pressure.before_ns = now_ns;
  return now_ns + (wait < OFTEN_NS ? OFTEN_NS : wait > SELDOM_NS ? SELDOM_NS : wait);
}

bool hd_pressure_has_come(uint64_t now_ns, uint64_t *next_ns)
{
  uint64_t wanted = hd_config.set.oom_percent * 100;
  if (!pressure.buffer || !wanted) {
    *next_ns = UINT64_MAX;
    return false;
  }
  if (now_ns - pressure.limits_at >= LIMITS_NS) {
    hd_process_limits(&pressure.limits, pressure.buffer);
    pressure.limits_at = now_ns;
  }
  if (!hd_pressure_is_watched()) {
    *next_ns = now_ns + LIMITS_NS;
    return false;
  }
  uint64_t most = highest_share(wanted);
  bool comes = most >= wanted && !pressure.passed;
  pressure.passed = most >= wanted || (pressure.passed && most + CLEAR >= wanted);
  *next_ns = next_look(most, wanted, now_ns);
  return comes;
}

void hd_pressure_forked(void)
{
  pressure.passed = false;
  pressure.before_ns = 0;
}
