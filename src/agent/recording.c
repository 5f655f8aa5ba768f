#include "recording.h"

#include "config.h"
#include "control.h"
#include "deadly.h"
#include "exit.h"
#include "fork.h"
#include "got.h"
#include "hook_table.h"
#include "loader.h"
#include "log.h"
#include "mappings.h"
#include "modules.h"
#include "next.h"
#include "pressure.h"
#include "regions.h"
#include "retention.h"
#include "sampling.h"
#include "series.h"
#include "snapshot.h"
#include "start.h"
#include "state.h"
#include "status.h"
#include "sys.h"
#include "ticker.h"
#include "unwind.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

/* How long a thread may be on its way out of the last recording. */
enum { IDLE_TRIES = 1000, IDLE_NS = 1000000 };

bool hd_recording_is_possible;
static _Atomic(uint64_t) patched;
static _Atomic(int) patched_to = -1;

uint64_t hd_recording_patched(void)
{
  return atomic_load(&patched);
}

void hd_recording_patch(void)
{
  enum hd_got_goal goal = hd_is_on()                 ? HD_GOT_HOOKS
                          : hd_recording_is_possible ? HD_GOT_DORMANT
                                                     : HD_GOT_OFF;
  atomic_store(&patched, hd_got_patch(goal));
  atomic_store(&patched_to, goal);
}

bool hd_recording_is_dormant(void)
{
  return atomic_load(&patched_to) == HD_GOT_DORMANT;
}

bool hd_recording_set_up(void)
{
  hd_unwind_start();
  hd_series_start();
  hd_status_open(hd_config.status, hd_control_counters());
  if (!hd_sampling_start(hd_config.set.rate, (uint32_t)hd_config.set.max_frames, hd_config.seed))
    return false;
  hd_status_count_process();
  hd_fork_start();
  hd_pressure_start();
  hd_mappings_start();
  hd_regions_start();
  return true;
}

static int say(struct hd_text *message, int error, const char *what, const char *more)
{
  hd_text_add(message, what);
  hd_text_add(message, more);
  return error;
}

static int check_directory(struct hd_text *message)
{
  const char *path = hd_config.directory;
  if (!path[0])
    return say(message, EINVAL, "no directory is given, or its path is not absolute", "");
  long fd = hd_sys4(SYS_openat, AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  long result = fd < 0 ? fd : hd_sys3(SYS_faccessat, AT_FDCWD, path, W_OK | X_OK);
  if (fd >= 0)
    hd_sys1(SYS_close, fd);
  if (result < 0)
    return say(message, (int)-result, "the process cannot write into ", path);
  return 0;
}

static int check(struct hd_text *message)
{
  if (hd_config.misunderstood[0])
    return say(message, EINVAL, "not understood: ", hd_config.misunderstood);
  if (hd_hook_allocator_is_inside())
    return say(message, ENOTSUP,
               "an allocator of its own is linked into the program, which cannot be recorded: "
               "link it dynamically",
               "");
  if (hd_hook_is_behind_another())
    return say(message, ENOTSUP,
               "another library that stands before malloc was loaded before the agent: name the "
               "agent first in LD_PRELOAD",
               "");
  if (hd_config.set.rate <= 1 && hd_sampling_has_drawn())
    return say(message, EINVAL,
               "this process was recorded in samples before, so that it cannot be recorded "
               "exactly any more: take a rate above 1, or start it anew",
               "");
  return check_directory(message);
}

static bool is_idle_soon(void)
{
  const struct timespec pause = {0, IDLE_NS};
  for (int i = 0; i < IDLE_TRIES; i++) {
    if (hd_sampling_is_idle())
      return true;
    hd_sys2(SYS_nanosleep, &pause, 0);
  }
  return false;
}

/* What the program closed while nothing was recorded nobody told. */
static void switch_on(void)
{
  hd_modules_expire();
  hd_exit_start();
  atomic_store_explicit(&hd_state, HD_ON, memory_order_release);
  hd_recording_patch();
  if (!hd_attached)
    hd_start_look_for_allocator();
  hd_deadly_start();
  hd_snapshot_begin();
  hd_snapshot_write_start();
  hd_ticker_begin();
  hd_loader_begin();
}

int hd_recording_begin(char *settings, struct hd_text *message)
{
  if (hd_is_on())
    return say(message, EBUSY, "it is being recorded already, into ", hd_config.directory);
  if (!is_idle_soon())
    return say(message, EBUSY, "a thread is still busy with the last recording: try again", "");
  hd_config_read_lines(settings);
  int error = check(message);
  if (error) {
    hd_config.directory[0] = '\0';
    return error;
  }
  hd_series.is_late = true;
  hd_retention_forked();
  if (!hd_recording_set_up())
    return say(message, ENOMEM,
               "memory is short, or one of its threads was stopped inside of the agent", "");
  switch_on();
  return 0;
}

static void switch_off(void)
{
  hd_deadly_stop();
  hd_mappings_stop();
  hd_sampling_stop();
}

int hd_recording_end(struct hd_text *message)
{
  if (!hd_is_on())
    return say(message, EINVAL, "it is not being recorded", "");
  int error = hd_snapshot_take_last("detach", switch_off);
  if (hd_is_on())
    return say(message, error, "a snapshot is being written all the time: try again", "");
  hd_recording_is_possible = true;
  hd_recording_patch();
  if (error)
    say(message, error, "the last snapshot could not be written; what was recorded before is there",
        "");
  return 0;
}

int hd_recording_snapshot(char *path, size_t capacity, struct hd_text *message)
{
  if (!hd_is_on())
    return say(message, EINVAL, "it is not being recorded", "");
  hd_malloc_ask();
  int error = hd_snapshot_take_named("request", NULL, path, capacity);
  if (error)
    say(message, error, "the snapshot could not be written into ", hd_config.directory);
  return error;
}

int hd_recording_change_rate(uint64_t rate, struct hd_text *message)
{
  const uint64_t most = UINT64_C(1) << 50;
  if (!hd_is_on())
    return say(message, EINVAL, "it is not being recorded", "");
  if (rate < 1 || rate > most)
    return say(message, EINVAL, "a rate is a number of bytes from 1 to 2^50", "");
  if ((rate == 1) != hd_sampling_is_exact())
    return say(message, EINVAL,
               "a recording cannot change between samples and all allocations: end it and begin "
               "another",
               "");
  if (!hd_sampling_change_rate(rate))
    return say(message, ENOSPC,
               "the rate was changed too often: end the recording and begin "
               "another in a new process",
               "");
  return 0;
}
