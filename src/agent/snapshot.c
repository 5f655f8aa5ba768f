#include "snapshot.h"

#include "costs.h"
#include "exit.h"
#include "format.h"
#include "modules.h"
#include "files.h"
#include "lock.h"
#include "pprof.h"
#include "retention.h"
#include "protocol.h"
#include "state.h"
#include "status.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <string.h>

/* How long an exiting program waits for a snapshot that is being written, and how
 * many names are tried where another program image has the first. */
enum { WRITER_TIMEOUT_MS = 30000, ATTEMPTS = 10000, SEQUENCE_DIGITS = 6, FILE_MODE = 0644 };
enum { LABEL_BYTES = 256 };
#define HURRIED_RSS (UINT64_C(1) << 30)
#define MOMENT_NS UINT64_C(100000000)
enum { PATH_BYTES = HD_PATH_BYTES + HD_NAME_BYTES };

/* Only with the lock. One set of buffers: one snapshot is written at a time. */
static struct hd_lock writer_lock;
static struct {
  struct hd_capture capture, start;
  struct hd_circumstances circumstances;
  struct hd_output output;
  struct hd_scratch_text scratch;
  char label[LABEL_BYTES];
  char path[PATH_BYTES], temporary[PATH_BYTES];
  int start_error;
  bool begun, start_written, wrote;
} writer;
/* Whether the process's last one is waiting for its turn, when no other may begin, or has
 * been taken, which is set with the lock. */
enum { OPEN, CLOSING, CLOSED };
static _Atomic(int) series_state;

/* A signal handler must not run the program's code in the middle, and a write
 * past the limit of a file's size must be an error, not the program's end. */
struct signals {
  uint64_t old;
  bool had_xfsz;
};

static uint64_t pending_signals(void)
{
  uint64_t pending = 0;
  hd_sys2(SYS_rt_sigpending, &pending, HD_KERNEL_SIGSET_BYTES);
  return pending;
}

static const uint64_t xfsz_bit = UINT64_C(1) << (SIGXFSZ - 1);

static void block_signals(struct signals *signals)
{
  uint64_t all = ~UINT64_C(0);
  hd_sys4(SYS_rt_sigprocmask, SIG_BLOCK, &all, &signals->old, HD_KERNEL_SIGSET_BYTES);
  signals->had_xfsz = pending_signals() & xfsz_bit;
}

static void restore_signals(const struct signals *signals)
{
  const struct timespec now = {0, 0};
  if (!signals->had_xfsz && pending_signals() & xfsz_bit)
    hd_sys4(SYS_rt_sigtimedwait, &xfsz_bit, 0, &now, HD_KERNEL_SIGSET_BYTES);
  hd_sys4(SYS_rt_sigprocmask, SIG_SETMASK, &signals->old, 0, HD_KERNEL_SIGSET_BYTES);
}

static bool make_path(char *path, const char *prefix, uint64_t sequence, const char *suffix)
{
  struct hd_text text = {path, 0, PATH_BYTES, false};
  hd_text_add(&text, hd_config.directory);
  hd_text_add(&text, prefix);
  hd_text_add(&text, hd_series.name);
  hd_text_add(&text, ".");
  hd_text_number(&text, (uint64_t)hd_series.pid, 1);
  if (hd_series.attempt) {
    hd_text_add(&text, "-");
    hd_text_number(&text, hd_series.attempt + 1, 1);
  }
  hd_text_add(&text, ".");
  hd_text_number(&text, sequence, SEQUENCE_DIGITS);
  hd_text_add(&text,
              hd_config.set.format == HD_FORMAT_PPROF ? HD_PPROF_SUFFIX : HD_SNAPSHOT_SUFFIX);
  hd_text_add(&text, suffix);
  return !text.failed;
}

static int write_temporary(const struct hd_capture *capture)
{
  if (!make_path(writer.temporary, "/.", hd_series.sequence, HD_TEMPORARY_SUFFIX))
    return ENAMETOOLONG;
  long fd = hd_sys4(SYS_openat, AT_FDCWD, writer.temporary,
                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
  if (fd < 0)
    return (int)-fd;
  hd_output_open(&writer.output, (int)fd);
  if (hd_config.set.format == HD_FORMAT_PPROF)
    hd_pprof_snapshot(&writer.output, capture, &hd_series);
  else
    hd_format_snapshot(&writer.output, capture, &hd_series, &writer.circumstances);
  int error = writer.output.error;
  long result = error ? 0 : hd_sys1(SYS_fsync, fd);
  /* Some files cannot be synchronized; they are whole all the same. */
  if (result < 0 && result != -EINVAL && result != -EROFS)
    error = (int)-result;
  result = hd_sys1(SYS_close, fd);
  return error ? error : (int)-result;
}

/* Never over a file that is there. */
static int rename_new(void)
{
  long result =
      hd_sys5(SYS_renameat2, AT_FDCWD, writer.temporary, AT_FDCWD, writer.path, RENAME_NOREPLACE);
  if (result != -EINVAL && result != -ENOSYS)
    return (int)-result;
  if (hd_sys3(SYS_faccessat, AT_FDCWD, writer.path, 0) == 0)
    return EEXIST;
  return (int)-hd_sys4(SYS_renameat, AT_FDCWD, writer.temporary, AT_FDCWD, writer.path);
}

/* Another image under this pid may have left a series: the first snapshot of this
 * one looks for a name that is free. */
static int publish(void)
{
  for (int i = 0; i < ATTEMPTS; i++) {
    if (!make_path(writer.path, "/", hd_series.sequence, ""))
      return ENAMETOOLONG;
    int error = rename_new();
    if (error != EEXIST || hd_series.sequence > 0)
      return error;
    hd_series.attempt++;
  }
  return EEXIST;
}

static void fail(int error)
{
  hd_series.failed++;
  hd_status_count_failure(error);
}

/* Deletes what there is too much of. */
static void thin_out(void)
{
  uint64_t sequence;
  while (hd_retention_next(&sequence))
    if (make_path(writer.temporary, "/", sequence, "") &&
        hd_sys3(SYS_unlinkat, AT_FDCWD, writer.temporary, 0) == 0)
      hd_status_count_thinned();
}

/* Programs that live for a moment, such as those of a script, must cost little, and
 * one that ends must not wait until the kernel has looked through very much. */
static bool is_leisurely(const struct hd_capture *capture)
{
  static const char *const hurried[] = {"exit", "exec", "signal"};
  if (capture->mono_ns - hd_series.image_ns < MOMENT_NS)
    return false;
  for (size_t i = 0; i < sizeof hurried / sizeof *hurried; i++)
    if (strcmp(capture->reason, hurried[i]) == 0)
      return capture->usage.rss < HURRIED_RSS;
  return true;
}

static void look_around(const struct hd_capture *capture)
{
  struct hd_circumstances *now = &writer.circumstances;
  now->label = writer.label;
  now->costs = hd_costs_now();
  for (uint32_t i = 0; i < capture->records; i++)
    now->costs.samples += capture->totals[i].objects;
  hd_process_limits(&now->limits, &writer.scratch);
  hd_malloc_figures(&now->malloc);
  now->regions.known = false;
  if (hd_config.set.format == HD_FORMAT_NATIVE && is_leisurely(capture))
    hd_regions_look(&now->regions, &writer.scratch);
  hd_status_report_costs(&now->costs);
}

/* An error number, 0 when it is on the disk. */
static int write_capture(struct hd_capture *capture)
{
  uint64_t moment = capture->mono_ns;
  bool asked = strcmp(capture->reason, "request") == 0 || strcmp(capture->reason, "oom") == 0;
  if (!hd_series.start_ns)
    hd_series.start_ns = hd_process_start_ns(&writer.scratch);
  look_around(capture);
  int error = write_temporary(capture);
  bool pressed = !error && strcmp(capture->reason, "oom") == 0;
  /* Whoever sees the file finds it counted: the process may be killed the moment after. */
  if (pressed)
    hd_status_count_pressed(1);
  if (!error)
    error = publish();
  if (error && pressed)
    hd_status_count_pressed(-1);
  writer.wrote = !error;
  hd_capture_drop(capture);
  if (error) {
    hd_sys3(SYS_unlinkat, AT_FDCWD, writer.temporary, 0);
    fail(error);
    return error;
  }
  hd_retention_add(hd_series.sequence, moment, writer.output.written, asked);
  hd_series.sequence++;
  hd_status_count_snapshot();
  thin_out();
  return 0;
}

static void begin(void)
{
  if (writer.begun)
    return;
  writer.begun = true;
  writer.start_error = hd_capture_take(&writer.start, "start", &writer.scratch);
}

static void write_start(void)
{
  begin();
  if (writer.start_written)
    return;
  writer.start_written = true;
  writer.label[0] = '\0';
  if (writer.start_error)
    fail(writer.start_error);
  else
    write_capture(&writer.start);
}

struct visit {
  struct signals signals;
  uint64_t began_ns;
};

/* Inside, the thread counts as busy: what it frees or allocates is not looked at
 * while it holds the locks. */
static bool enter_even_closed(struct visit *visit)
{
  if (hd_self.busy)
    return false;
  block_signals(&visit->signals);
  hd_self.busy = true;
  visit->began_ns = hd_cost_thread_ns();
  if (hd_lock_take_within(&writer_lock, WRITER_TIMEOUT_MS))
    return true;
  hd_self.busy = false;
  restore_signals(&visit->signals);
  return false;
}

static void leave(const struct visit *visit)
{
  uint64_t ns = hd_cost_thread_ns() - visit->began_ns;
  hd_cost_add_writing(ns);
  hd_status_count_writing(ns);
  hd_lock_release(&writer_lock);
  hd_self.busy = false;
  restore_signals(&visit->signals);
}

static bool is_open(void)
{
  return hd_is_on() && atomic_load(&series_state) == OPEN;
}

/* Who comes when the last one is due does not even ask for the lock, so that those who
 * ask all the time cannot keep the end of the program waiting. */
static bool enter(struct visit *visit)
{
  if (!is_open() || !enter_even_closed(visit))
    return false;
  if (is_open())
    return true;
  leave(visit); /* the recording or the program was ended meanwhile */
  return false;
}

void hd_snapshot_begin(void)
{
  struct visit visit;
  if (!enter(&visit))
    return;
  begin();
  leave(&visit);
}

void hd_snapshot_write_start(void)
{
  struct visit visit;
  if (!enter(&visit))
    return;
  write_start();
  leave(&visit);
}

static void set_label(const char *label)
{
  size_t length = label ? strnlen(label, LABEL_BYTES - 1) : 0;
  memcpy(writer.label, label ? label : "", length);
  writer.label[length] = '\0';
}

/* With the lock. */
static int take(const char *reason, const char *label)
{
  write_start();
  set_label(label);
  writer.wrote = false;
  int error = hd_capture_take(&writer.capture, reason, &writer.scratch);
  if (error)
    fail(error);
  else
    error = write_capture(&writer.capture);
  return error;
}

static int refuse(void)
{
  if (!is_open())
    return ENOSYS;
  fail(EBUSY);
  return EBUSY;
}

int hd_snapshot_take_named(const char *reason, const char *label, char *path, size_t capacity)
{
  struct visit visit;
  if (capacity)
    path[0] = '\0';
  if (!enter(&visit))
    return refuse();
  int error = take(reason, label);
  if (!error && capacity)
    hd_text_copy(path, capacity, writer.path);
  leave(&visit);
  return error;
}

int hd_snapshot_take(const char *reason, const char *label)
{
  return hd_snapshot_take_named(reason, label, NULL, 0);
}

bool hd_snapshot_close(const char *reason, bool only_if_begun)
{
  struct visit visit;
  int open = OPEN;
  bool closes = atomic_compare_exchange_strong(&series_state, &open, CLOSING);
  if (!enter_even_closed(&visit)) {
    fail(EBUSY);
    return closes;
  }
  /* Also where an exec of another thread has failed, and has opened it again meanwhile. */
  closes = atomic_load(&series_state) != CLOSED;
  if (closes)
    writer.wrote = false;
  if (closes && hd_is_on() && (writer.begun || !only_if_begun))
    take(reason, NULL);
  atomic_store(&series_state, CLOSED);
  leave(&visit);
  return closes;
}

int hd_snapshot_take_last(const char *reason, void (*end)(void))
{
  struct visit visit;
  if (!enter(&visit))
    return refuse();
  int error = take(reason, NULL);
  end();
  writer.begun = writer.start_written = writer.wrote = false;
  leave(&visit);
  return error;
}

void hd_snapshot_reopen(void)
{
  struct visit visit;
  bool entered = !hd_exit_has_begun() && enter_even_closed(&visit);
  bool ends = hd_exit_has_begun(); /* in another thread: what was taken is the last one */
  if (!ends)
    atomic_store(&series_state, OPEN);
  if (!entered)
    return;
  if (!ends && writer.wrote && hd_is_on()) {
    writer.wrote = false;
    hd_series.sequence--;
    hd_retention_undo();
    hd_sys3(SYS_unlinkat, AT_FDCWD, writer.path, 0);
  }
  leave(&visit);
}

/* What the parent was about to write stays the parent's. */
void hd_snapshot_forked(void)
{
  hd_lock_reset(&writer_lock);
  atomic_store(&series_state, OPEN);
  hd_capture_drop(&writer.capture);
  hd_capture_drop(&writer.start);
  writer.begun = writer.start_written = writer.wrote = false;
}
