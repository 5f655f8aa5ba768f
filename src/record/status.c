#include "record/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool hd_status_create(struct hd_status *status, struct hd_error *error)
{
  *status = (struct hd_status)HD_STATUS_INIT;
  /* Sealed in size: a target that shrank it would crash the reader. */
  status->fd = memfd_create("heapdiff-status", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (status->fd < 0 || ftruncate(status->fd, sizeof *status->shared) != 0)
    goto fail;
  void *memory =
      mmap(NULL, sizeof *status->shared, PROT_READ | PROT_WRITE, MAP_SHARED, status->fd, 0);
  if (memory == MAP_FAILED)
    goto fail;
  status->shared = memory;
  fcntl(status->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  status->shared->magic = HD_STATUS_MAGIC;
  status->shared->version = HD_STATUS_VERSION;
  snprintf(status->path, sizeof status->path, "/proc/%ld/fd/%d", (long)getpid(), status->fd);
  return true;
fail:
  hd_fail_internal(error, "no shared memory for the agent's counters: %s", strerror(errno));
  hd_status_close(status);
  return false;
}

struct hd_agent_status hd_counters_read(const struct hd_agent_status *shared)
{
  struct hd_agent_status copy = {.magic = HD_STATUS_MAGIC, .version = HD_STATUS_VERSION};
  copy.processes = __atomic_load_n(&shared->processes, __ATOMIC_ACQUIRE);
  copy.snapshots = __atomic_load_n(&shared->snapshots, __ATOMIC_ACQUIRE);
  copy.failed = __atomic_load_n(&shared->failed, __ATOMIC_ACQUIRE);
  copy.failed_errno = __atomic_load_n(&shared->failed_errno, __ATOMIC_ACQUIRE);
  copy.signal_taken = __atomic_load_n(&shared->signal_taken, __ATOMIC_ACQUIRE);
  copy.thinned = __atomic_load_n(&shared->thinned, __ATOMIC_ACQUIRE);
  copy.samples = __atomic_load_n(&shared->samples, __ATOMIC_ACQUIRE);
  copy.recording_ns = __atomic_load_n(&shared->recording_ns, __ATOMIC_ACQUIRE);
  copy.writing_ns = __atomic_load_n(&shared->writing_ns, __ATOMIC_ACQUIRE);
  copy.memory = __atomic_load_n(&shared->memory, __ATOMIC_ACQUIRE);
  copy.pressed = __atomic_load_n(&shared->pressed, __ATOMIC_ACQUIRE);
  copy.dropped = __atomic_load_n(&shared->dropped, __ATOMIC_ACQUIRE);
  return copy;
}

struct hd_agent_status hd_status_read(const struct hd_status *status)
{
  return hd_counters_read(status->shared);
}

void hd_status_close(struct hd_status *status)
{
  if (status->shared)
    munmap(status->shared, sizeof *status->shared);
  if (status->fd >= 0)
    close(status->fd);
  *status = (struct hd_status)HD_STATUS_INIT;
}
