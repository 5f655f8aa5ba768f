/* The client may be anybody who may look into the process, and it may end in the
 * middle: what it wrote is copied before it is looked at, and nothing is waited for. */
#include "control.h"

#include "clock.h"
#include "config.h"
#include "files.h"
#include "log.h"
#include "next.h"
#include "recording.h"
#include "sampling.h"
#include "series.h"
#include "snapshot.h"
#include "state.h"
#include "status.h"
#include "sys.h"
#include "trigger.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/memfd.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

static struct hd_control *control;
static char settings[sizeof control->settings + 1];

/* A client that cut the file would end this process with SIGBUS. */
static struct hd_control *map_sealed(long fd)
{
  const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (hd_sys2(SYS_ftruncate, fd, sizeof *control) != 0 ||
      hd_sys3(SYS_fcntl, fd, F_ADD_SEALS, seals) != 0)
    return NULL;
  long memory = hd_sys6(SYS_mmap, 0, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return memory < 0 && memory > -4096 ? NULL : (struct hd_control *)memory;
}

static void fill(struct hd_control *fresh)
{
  fresh->version = HD_CONTROL_VERSION;
  fresh->pid = hd_series.pid;
  fresh->attached = hd_attached;
  fresh->counters.magic = HD_STATUS_MAGIC;
  fresh->counters.version = HD_STATUS_VERSION;
}

/* With an answer, and before there can be a question: else it is the client's, which may be
 * about to ask. */
static void tell_rate(void)
{
  control->rate = hd_is_on() ? hd_sampling_rate() : 0;
}

/* The file stays open until it is closed or the thread ends: clients find it there. */
static long control_fd;

void hd_control_open(bool own_files)
{
  if (!own_files) {
    if (hd_config.directory[0])
      hd_log_line("this process cannot be talked to: its kernel is older than 5.9", "");
    return;
  }
  static struct hd_control *last;
  long fd = hd_sys2(SYS_memfd_create, HD_CONTROL_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  struct hd_control *fresh = fd >= 0 ? map_sealed(fd) : NULL;
  if (!fresh) {
    if (fd >= 0)
      hd_sys1(SYS_close, fd);
    return; /* memory is short, or files may not be that long */
  }
  fill(fresh);
  if (last && last->pid == hd_series.pid)
    hd_status_move(&last->counters, &fresh->counters);
  control = last = fresh;
  control_fd = fd;
  hd_control_tell(hd_recording_patched());
  tell_rate();
  hd_trigger_move((_Atomic(uint32_t) *)&fresh->events);
  __atomic_store_n(&fresh->magic, HD_CONTROL_MAGIC, __ATOMIC_RELEASE);
}

void hd_control_close(void)
{
  if (!control)
    return;
  __atomic_store_n(&control->magic, 0, __ATOMIC_RELEASE);
  hd_trigger_move(NULL);
  hd_sys1(SYS_close, control_fd);
  control = NULL;
}

void hd_control_forked(void)
{
  control = NULL;
}

struct hd_agent_status *hd_control_counters(void)
{
  return control ? &control->counters : NULL;
}

void hd_control_tell(uint64_t patched)
{
  if (!control)
    return;
  bool on = hd_is_on();
  control->patched = patched;
  control->since_ns = on ? hd_series.image_ns : 0;
  hd_text_copy(control->directory, sizeof control->directory, on ? hd_config.directory : "");
  __atomic_store_n(&control->state, on ? HD_CONTROL_RECORDING : HD_CONTROL_DORMANT,
                   __ATOMIC_RELEASE);
}

static int run(struct hd_text *message)
{
  switch (control->command) {
  case HD_COMMAND_RECORD:
    memcpy(settings, control->settings, sizeof control->settings);
    return hd_recording_begin(settings, message);
  case HD_COMMAND_STOP: return hd_recording_end(message);
  case HD_COMMAND_SNAPSHOT:
    return hd_recording_snapshot(control->snapshot, sizeof control->snapshot, message);
  case HD_COMMAND_RATE: return hd_recording_change_rate(control->rate, message);
  default: hd_text_add(message, "the agent does not know this command"); return EINVAL;
  }
}

void hd_control_serve(void)
{
  if (!control || !(hd_trigger_take(HD_EVENT_CONTROL)))
    return;
  uint32_t asked = __atomic_load_n(&control->asked, __ATOMIC_ACQUIRE);
  if (asked == control->answered)
    return;
  char words[sizeof control->message] = "";
  struct hd_text message = {words, 0, sizeof words, false};
  int error = run(&message);
  hd_control_tell(hd_recording_patched());
  tell_rate();
  memcpy(control->message, words, sizeof words);
  control->error = error;
  __atomic_store_n(&control->answered, asked, __ATOMIC_RELEASE);
  hd_sys3(SYS_futex, &control->answered, FUTEX_WAKE, INT_MAX);
}
