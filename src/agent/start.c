#include "start.h"

#include "config.h"
#include "deadly.h"
#include "exit.h"
#include "log.h"
#include "fork.h"
#include "next.h"
#include "recording.h"
#include "series.h"
#include "snapshot.h"
#include "ticker.h"
#include "trigger.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <sys/auxv.h>
#include <unistd.h>

static bool bring_up(void)
{
  hd_next_resolve();
  hd_config_read(environ);
  if (hd_config.misunderstood[0] && hd_config.directory[0])
    hd_log_line("not recorded, as this is not understood: ", hd_config.misunderstood);
  if (hd_config.misunderstood[0])
    return false;
  hd_recording_is_possible = hd_config.off;
  return !hd_config.off && hd_config.directory[0] && hd_recording_set_up();
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
void hd_start_look_for_allocator(void)
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

/* What is preloaded or linked comes before the loader in its list, what is opened
 * later comes behind. */
static bool is_own_module(const struct dl_phdr_info *info)
{
  for (size_t i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    uintptr_t start = info->dlpi_addr + header->p_vaddr;
    if (header->p_type == PT_LOAD && (uintptr_t)hd_start_early - start < header->p_memsz)
      return true;
  }
  return false;
}

static int find_place(struct dl_phdr_info *info, size_t size, void *context)
{
  bool *behind = context;
  (void)size;
  if (info->dlpi_addr == getauxval(AT_BASE))
    *behind = true;
  return is_own_module(info);
}

/* Where it is to be dormant, with a thread that waits to be asked. */
static void stay_out_of_the_way(void)
{
  uint64_t left = hd_mute();
  hd_recording_patch();
  if (hd_recording_is_possible) {
    hd_series_note_process();
    hd_fork_start();
    hd_ticker_start();
  }
  hd_unmute(left);
  hd_self.left = 0; /* the first allocation that is recorded draws */
}

__attribute__((constructor)) static void begin(void)
{
  dl_iterate_phdr(find_place, &hd_attached);
  if (hd_attached)
    return;
  if (!hd_start_early()) {
    stay_out_of_the_way();
    return;
  }
  uint64_t left = hd_mute();
  hd_start_look_for_allocator();
  hd_exit_start();
  hd_deadly_start();
  hd_unmute(left);
  hd_snapshot_begin();
  if (hd_trigger_needs_thread())
    hd_ticker_start();
  else
    hd_snapshot_write_start();
}
