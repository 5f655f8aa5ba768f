/* An agent that records nothing: it writes two snapshots of known content where
 * record told it to, one at once and one at exit, and counts them in the status
 * memory. What record does around an agent is tested with it, without one.
 *
 * FAKE_AGENT_FAIL in the environment makes it report a failed snapshot (ENOSPC)
 * instead of writing the second one. */
#include "agent/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct hd_agent_status *status;

static void map_status(void)
{
  const char *path = getenv(HD_ENV_STATUS);
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0)
    return;
  void *memory = mmap(NULL, sizeof *status, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (memory == MAP_FAILED)
    return;
  status = memory;
  if (status->magic != HD_STATUS_MAGIC)
    status = NULL;
}

/* One stack with `live` objects of 64 bytes, exact. */
static void write_snapshot(int sequence, int live)
{
  const char *directory = getenv(HD_ENV_DIRECTORY);
  char name[64], temporary[4200], final[4200];
  struct timespec now;
  if (!directory)
    return;
  clock_gettime(CLOCK_MONOTONIC, &now);
  snprintf(name, sizeof name, "fake.%ld.%06d" HD_SNAPSHOT_SUFFIX, (long)getpid(), sequence);
  snprintf(temporary, sizeof temporary, "%s/.%s" HD_TEMPORARY_SUFFIX, directory, name);
  snprintf(final, sizeof final, "%s/%s", directory, name);
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0)
    return;
  dprintf(fd,
          "{\"heapdiff\":1,\"kind\":\"heap\",\"pid\":%ld,\"program\":\"/usr/bin/fake\","
          "\"sequence\":%d,\"mono_ns\":%lld,\"rate\":1,\"rss\":4096,"
          "\"measures\":[\"inuse_space\",\"inuse_objects\"]}\n",
          (long)getpid(), sequence, (long long)now.tv_sec * 1000000000 + now.tv_nsec);
  dprintf(fd, "{\"frames\":[[null,4096]]}\n{\"stack\":[0],\"records\":[{\"values\":[%d,%d]}]}\n",
          live * 64, live);
  dprintf(fd, "{\"end\":{\"strings\":0,\"modules\":0,\"frames\":1,\"stacks\":1,\"records\":1}}\n");
  close(fd);
  if (rename(temporary, final) == 0 && status)
    __atomic_fetch_add(&status->snapshots, 1, __ATOMIC_RELAXED);
}

static __attribute__((constructor)) void begin(void)
{
  map_status();
  if (status)
    __atomic_fetch_add(&status->processes, 1, __ATOMIC_RELAXED);
  write_snapshot(0, 10);
}

static __attribute__((destructor)) void end(void)
{
  if (!getenv("FAKE_AGENT_FAIL")) {
    write_snapshot(1, 30);
  } else if (status) {
    __atomic_store_n(&status->failed_errno, ENOSPC, __ATOMIC_RELAXED);
    __atomic_fetch_add(&status->failed, 1, __ATOMIC_RELAXED);
  }
}
