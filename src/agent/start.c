#include "start.h"

#include "config.h"
#include "deadly.h"
#include "exit.h"
#include "fork.h"
#include "log.h"
#include "mappings.h"
#include "next.h"
#include "pressure.h"
#include "regions.h"
#include "sampling.h"
#include "series.h"
#include "snapshot.h"
#include "status.h"
#include "ticker.h"
#include "trigger.h"
#include "unwind.h"

#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

static bool bring_up(void)
{
  hd_next_resolve();
  hd_config_read(environ);
  if (!hd_config.directory[0])
    return false;
  if (hd_config.misunderstood[0]) {
    hd_log_line("not recorded, as this is not understood: ", hd_config.misunderstood);
    return false;
  }
  hd_unwind_start();
  hd_series_start();
  hd_status_open(hd_config.status);
  if (!hd_sampling_start(hd_config.set.rate, (uint32_t)hd_config.set.max_frames, hd_config.seed))
    return false;
  hd_status_count_process();
  hd_fork_start();
  hd_pressure_start();
  hd_mappings_start();
  hd_regions_start();
  return true;
}

/* The first allocation is made before there is a second thread. */
bool hd_start_early(void)
{
  int state = atomic_load(&hd_state);
  if (state != HD_UNDECIDED || !environ || hd_self.busy)
    return state == HD_ON;
  int saved = errno;
  hd_self.busy = true;
  uint64_t left = hd_mute();
  bool on = bring_up();
  hd_unmute(left);
  hd_self.busy = false;
  errno = saved;
  atomic_store_explicit(&hd_state, on ? HD_ON : HD_OFF, memory_order_release);
  return on;
}

/* Symbols of the program itself come before those of a preloaded library: an
 * allocator that was linked into it statically calls none of the hooks. Where the
 * symbol lies tells nothing, as it may only lead to the hook: so it is called. */
static void look_for_inner_allocator(void)
{
  void *(*allocate)(size_t) = (void *(*)(size_t))(uintptr_t)dlsym(RTLD_DEFAULT, "malloc");
  void (*release)(void *) = (void (*)(void *))(uintptr_t)dlsym(RTLD_DEFAULT, "free");
  uint64_t left = hd_self.left;
  if (!allocate || !release)
    return;
  release(allocate(1));
  if (hd_self.left == left)
    hd_log_line("an allocator of its own is linked into the program: what it allocates is not "
                "recorded; link it dynamically",
                "");
}

__attribute__((constructor)) static void begin(void)
{
  if (!hd_start_early())
    return;
  uint64_t left = hd_mute();
  look_for_inner_allocator();
  hd_exit_start();
  hd_deadly_start();
  hd_unmute(left);
  hd_snapshot_begin();
  if (hd_trigger_needs_thread())
    hd_ticker_start();
  else
    hd_snapshot_write_start();
}
