#include "status.h"

#include "sys.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>

static struct hd_agent_status *status;

/* What this process has reported. A child inherits the records of its parent, which
 * are no samples of its own: its first report of them only says where it begins. */
static struct {
  uint64_t samples, recording_ns;
  bool inherited;
} reported;

static struct hd_agent_status *map_status(long fd)
{
  struct stat file;
  if (hd_sys2(SYS_fstat, fd, &file) != 0 || file.st_size < (off_t)sizeof *status)
    return NULL;
  long memory = hd_sys6(SYS_mmap, 0, sizeof *status, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory < 0 && memory > -4096)
    return NULL;
  struct hd_agent_status *mapped = (struct hd_agent_status *)memory;
  if (mapped->magic == HD_STATUS_MAGIC && mapped->version == HD_STATUS_VERSION)
    return mapped;
  hd_sys2(SYS_munmap, mapped, sizeof *mapped);
  return NULL;
}

void hd_status_open(const char *path, struct hd_agent_status *otherwise)
{
  long fd = *path ? hd_sys4(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0) : -1;
  struct hd_agent_status *mapped = fd >= 0 ? map_status(fd) : NULL;
  if (fd >= 0)
    hd_sys1(SYS_close, fd);
  status = mapped ? mapped : otherwise;
  reported.samples = reported.recording_ns = 0;
  reported.inherited = false;
}

void hd_status_move(const struct hd_agent_status *from, struct hd_agent_status *to)
{
  if (status != from)
    return;
  *to = *from;
  status = to;
}

void hd_status_count_process(void)
{
  if (status)
    __atomic_fetch_add(&status->processes, 1, __ATOMIC_RELAXED);
}

void hd_status_count_snapshot(void)
{
  if (status)
    __atomic_fetch_add(&status->snapshots, 1, __ATOMIC_RELAXED);
}

void hd_status_count_failure(int error)
{
  if (!status)
    return;
  __atomic_store_n(&status->failed_errno, error, __ATOMIC_RELAXED);
  __atomic_fetch_add(&status->failed, 1, __ATOMIC_RELAXED);
}

void hd_status_count_dropped(void)
{
  if (status)
    __atomic_fetch_add(&status->dropped, 1, __ATOMIC_RELAXED);
}

void hd_status_count_thinned(void)
{
  if (status)
    __atomic_fetch_add(&status->thinned, 1, __ATOMIC_RELAXED);
}

void hd_status_count_pressed(int more)
{
  if (status)
    __atomic_fetch_add(&status->pressed, (uint64_t)more, __ATOMIC_RELAXED);
}

void hd_status_signal_taken(void)
{
  if (status)
    __atomic_store_n(&status->signal_taken, 1, __ATOMIC_RELAXED);
}

void hd_status_count_writing(uint64_t ns)
{
  if (status)
    __atomic_fetch_add(&status->writing_ns, ns, __ATOMIC_RELAXED);
}

/* A clock that seems to have run backwards adds nothing. */
static void report(uint64_t *counter, uint64_t now, uint64_t *before)
{
  if (now <= *before)
    return;
  __atomic_fetch_add(counter, now - *before, __ATOMIC_RELAXED);
  *before = now;
}

void hd_status_report_costs(const struct hd_costs *costs)
{
  if (!status)
    return;
  if (reported.inherited)
    reported.samples = costs->samples;
  reported.inherited = false;
  report(&status->samples, costs->samples, &reported.samples);
  report(&status->recording_ns, costs->recording_ns, &reported.recording_ns);
  uint64_t most = __atomic_load_n(&status->memory, __ATOMIC_RELAXED);
  while (costs->memory > most &&
         !__atomic_compare_exchange_n(&status->memory, &most, costs->memory, false,
                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED))
    ;
}

void hd_status_forked(void)
{
  reported.recording_ns = 0;
  reported.inherited = true;
}
