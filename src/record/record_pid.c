#include <heapdiff/record_pid.h>

#include "attach/inject.h"
#include "record/agent_path.h"
#include "record/attach_check.h"
#include "record/control.h"
#include "record/detach.h"
#include "record/reach.h"
#include "record/result.h"
#include "record/settings.h"
#include "record/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
  ATTACH_TIMEOUT_MS = 10000,
  READY_MS = 60000, /* for the agent's thread, which has begun by then */
  RECORD_MS = 120000,
  LEAST_SLICE_MS = 10,
  SLICE_MS = 200
};

struct run {
  const struct hd_pid_options *options;
  struct hd_pid_result *result;
  pid_t pid;
  int pidfd;      /* -1: the kernel has none */
  uint64_t start; /* of the process: a pid alone may be another's by now */
  struct hd_process_status status;
  struct hd_control_client control;
  struct hd_reach reach;
  struct hd_output_directory directory;
  struct hd_watch watch;
  bool watching;
  struct hd_agent_status before;  /* the counters when the recording began */
  struct hd_agent_status counted; /* and the last ones seen */
  off_t logged_before;
  double cpu_before_s, cpu_s;
};

static int64_t now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_stopped(const struct run *run)
{
  const struct hd_pid_options *options = run->options;
  return options->stop && options->stop(options->stop_context);
}

/* --- getting the agent in ------------------------------------------------------------------ */

static bool inject(struct run *run, struct hd_attached *attached, struct hd_error *error)
{
  char agent[PATH_MAX];
  const struct hd_pid_options *options = run->options;
  struct hd_injected injected;
  uint64_t timeout_ms = options->attach_timeout_ms ? options->attach_timeout_ms : ATTACH_TIMEOUT_MS;
  if (!hd_agent_path(options->record.agent, agent, error) ||
      !hd_attach_check_code(run->pid, &run->status, agent, error) ||
      !hd_reach_agent(&run->reach, agent, error))
    return false;
  struct hd_injection injection = {
      .pid = run->pid,
      .library = run->reach.agent,
      .function = HD_ATTACH_FUNCTION,
      .timeout_ms = timeout_ms,
      .call_ms = timeout_ms,
      .stop = options->stop,
      .stop_context = options->stop_context,
  };
  bool good = hd_inject(&injection, &injected, error);
  hd_reach_forget_agent(&run->reach);
  attached->injected = true;
  attached->stopped_s = (double)injected.longest_ns * 1e-9;
  return good && hd_control_await(run->pid, READY_MS, &run->control, error) &&
         (run->control.shared ||
          hd_fail_input(error, "the agent is in it, but has no thread that could be talked to"));
}

static bool get_in(struct run *run, struct hd_attached *attached, struct hd_error *error)
{
  char directory[4096];
  if (!hd_control_open(run->pid, &run->control, error))
    return false;
  if (!run->control.shared)
    return inject(run, attached, error);
  if (!hd_control_is_recording(&run->control))
    return true;
  hd_control_directory(&run->control, directory);
  return hd_fail_input(error,
                       "is being recorded already, into %.300s: heapdiff snap %ld takes a "
                       "snapshot now, heapdiff record --pid %ld --detach ends it",
                       directory, (long)run->pid, (long)run->pid);
}

/* --- the recording ------------------------------------------------------------------------ */

static bool ask_to_record(struct run *run, const char *directory, int *why, struct hd_error *error)
{
  char text[sizeof run->control.shared->settings];
  struct hd_settings settings = hd_settings_of(&run->options->record);
  struct hd_control_answer answer;
  struct hd_control_request request = {
      .command = HD_COMMAND_RECORD, .settings = text, .timeout_ms = RECORD_MS};
  if (!hd_settings_text(&settings, directory, text, sizeof text))
    return hd_fail_usage(error, "the name of the output directory is too long, or has a line "
                                "break");
  run->before = hd_control_counters(&run->control);
  bool good = hd_control_ask(&run->control, &request, &answer, error);
  *why = answer.error;
  return good;
}

static bool is_about_the_directory(int why)
{
  return why == EACCES || why == EPERM || why == EROFS || why == ENOENT || why == ENOTDIR;
}

/* Straight into the output directory where the process can write there, else into one of its
 * own. */
static bool begin(struct run *run, struct hd_error *error)
{
  int why;
  if (hd_reach_sees(&run->reach, run->directory.absolute)) {
    struct hd_error own = HD_ERROR_INIT;
    if (ask_to_record(run, run->directory.absolute, &why, &own))
      return true;
    if (!is_about_the_directory(why)) {
      *error = own;
      return false;
    }
  }
  return hd_reach_make_apart(&run->reach, &run->directory, error) &&
         ask_to_record(run, run->reach.apart, &why, error);
}

static void watch_begin(struct run *run)
{
  const struct hd_record_options *record = &run->options->record;
  hd_watch_init(&run->watch, &run->directory, record->on_snapshot, record->context);
  run->watching = true;
}

/* What has come since the last time. */
static void take(struct run *run)
{
  run->counted = hd_control_counters(&run->control);
  uint64_t thinned = run->counted.thinned - run->before.thinned;
  run->result->fetch_errno = hd_reach_fetch(&run->reach, &run->directory, thinned) ? 0 : errno;
  if (run->watch.fd < 0)
    hd_watch_scan(&run->watch);
  else
    hd_watch_take(&run->watch);
  double cpu_s = hd_process_cpu_s(run->pid);
  run->cpu_s = cpu_s >= 0 && run->cpu_before_s >= 0 ? cpu_s - run->cpu_before_s : run->cpu_s;
}

static bool has_ended(struct run *run, int wait_ms)
{
  struct pollfd waiting[] = {{.fd = run->pidfd, .events = POLLIN},
                             {.fd = run->watch.fd, .events = POLLIN}};
  poll(waiting, 2, wait_ms);
  if (waiting[0].revents)
    return true;
  struct hd_process_status status;
  return run->pidfd < 0 && (!hd_process_status_read(run->pid, &status) ||
                            strchr("ZX", status.state) || hd_process_start(run->pid) != run->start);
}

/* The agent's thread may make room for another one, before an exec that then fails, say: there
 * is another control then. Without the agent's code it is another program. */
static bool is_talked_to(struct run *run)
{
  struct hd_control_client other = HD_CONTROL_CLIENT_INIT;
  struct hd_error ignored = HD_ERROR_INIT;
  if (hd_control_lives(&run->control))
    return true;
  if (hd_control_open(run->pid, &other, &ignored) && other.shared) {
    hd_control_close(&run->control);
    run->control = other;
    return true;
  }
  return hd_control_has_agent(run->pid);
}

static bool is_enough(const struct run *run, int64_t began_ms)
{
  const struct hd_pid_options *options = run->options;
  /* The last one is taken at the end. */
  uint64_t taken = run->counted.snapshots - run->before.snapshots;
  return (options->for_ms && now_ms() - began_ms >= (int64_t)options->for_ms) ||
         (options->count && taken + 1 >= options->count);
}

/* One that is ending has given up its memory a moment before it is known to have ended. */
static bool has_memory(const struct run *run)
{
  struct hd_process_status status;
  return hd_process_status_read(run->pid, &status) && !status.kernel && !strchr("ZX", status.state);
}

/* Short enough not to miss the end by a snapshot. */
static int slice(const struct run *run, int64_t began_ms)
{
  const struct hd_pid_options *options = run->options;
  int64_t most = SLICE_MS, left = INT64_MAX;
  if (options->count && options->record.interval_ms && options->record.interval_ms / 4 < SLICE_MS)
    most = (int64_t)options->record.interval_ms / 4;
  if (options->for_ms)
    left = (int64_t)options->for_ms - (now_ms() - began_ms);
  most = most < LEAST_SLICE_MS ? LEAST_SLICE_MS : most;
  return (int)(left < 0 ? 0 : left < most ? left : most);
}

static void follow(struct run *run)
{
  int64_t began_ms = now_ms();
  struct hd_pid_result *result = run->result;
  for (;;) {
    result->ended = has_ended(run, slice(run, began_ms));
    take(run);
    if (result->ended)
      return;
    if (!is_talked_to(run)) {
      if (!has_memory(run) && !is_stopped(run))
        continue;
      result->replaced = true;
      return;
    }
    if (!hd_control_is_recording(&run->control)) {
      result->taken_away = true;
      return;
    }
    if (is_stopped(run) || is_enough(run, began_ms))
      return;
  }
}

/* Out of the way again. What it says no with then is a last snapshot that did not come, or
 * that it has ended meanwhile. */
static bool end(struct run *run, struct hd_error *error)
{
  struct hd_pid_result *result = run->result;
  if (result->ended || result->replaced || result->taken_away)
    return true;
  struct hd_error own = HD_ERROR_INIT;
  if (hd_detach_all(&run->control, &own))
    return true;
  result->ended = has_ended(run, 0) || !hd_control_lives(&run->control);
  if (result->ended || !hd_control_is_recording(&run->control))
    return true;
  *error = own;
  return false;
}

/* Since `before`: a process may have been recorded before. */
static struct hd_agent_status since(struct hd_agent_status counted,
                                    const struct hd_agent_status *before)
{
  counted.snapshots -= before->snapshots;
  counted.failed -= before->failed;
  counted.dropped -= before->dropped;
  counted.thinned -= before->thinned;
  counted.samples -= before->samples;
  counted.recording_ns -= before->recording_ns;
  counted.writing_ns -= before->writing_ns;
  counted.pressed -= before->pressed;
  counted.processes -= before->processes;
  return counted;
}

static void fill_result(struct run *run)
{
  struct hd_pid_result *result = run->result;
  struct hd_agent_status counted = since(hd_control_counters(&run->control), &run->before);
  hd_result_fill(&result->record, &counted, &run->directory, run->logged_before);
  result->record.cpu_s = run->cpu_s;
  result->record.go = hd_attach_is_go(run->pid);
  if (result->fetch_errno)
    snprintf(result->left, sizeof result->left, "/proc/%ld/root%s", (long)run->pid,
             run->reach.apart);
}

static bool record(struct run *run, struct hd_attached *attached, struct hd_error *error)
{
  const struct hd_pid_options *options = run->options;
  if (!hd_output_directory_open(options->record.directory, &run->directory, error))
    return false;
  run->logged_before = hd_output_log_size(&run->directory);
  run->cpu_before_s = hd_process_cpu_s(run->pid);
  watch_begin(run);
  if (!begin(run, error))
    return false;
  run->result->attached = true;
  if (options->on_attached)
    options->on_attached(options->record.context, attached);
  follow(run);
  bool good = end(run, error);
  take(run);
  hd_watch_scan(&run->watch);
  fill_result(run);
  return good;
}

static void close_all(struct run *run)
{
  if (run->watching)
    hd_watch_deinit(&run->watch);
  hd_control_close(&run->control);
  hd_reach_close(&run->reach);
  hd_output_directory_close(&run->directory);
  if (run->pidfd >= 0)
    close(run->pidfd);
}

static bool open_process(struct run *run, struct hd_error *error)
{
  int64_t pid = run->options->pid;
  if (!hd_attach_check_process(pid, &run->status, error))
    return false;
  run->pid = (pid_t)pid;
  run->start = hd_process_start(run->pid);
  run->pidfd = (int)syscall(SYS_pidfd_open, run->pid, 0);
  return hd_reach_open(run->pid, &run->status, &run->reach, error);
}

bool hd_record_pid(const struct hd_pid_options *options, struct hd_pid_result *result,
                   struct hd_error *error)
{
  struct run run = {.options = options,
                    .result = result,
                    .pidfd = -1,
                    .control = HD_CONTROL_CLIENT_INIT,
                    .reach = HD_REACH_INIT,
                    .directory = HD_OUTPUT_DIRECTORY_INIT};
  char source[64];
  memset(result, 0, sizeof *result);
  snprintf(source, sizeof source, "process %" PRId64, options->pid);
  struct hd_attached attached = {.pid = options->pid, .program = run.status.name};
  bool good = hd_settings_check(&options->record, error);
  if (good) {
    good = open_process(&run, error) && get_in(&run, &attached, error);
    good = good || hd_error_in(error, source);
  }
  if (good)
    good = record(&run, &attached, error) || hd_error_in(error, source);
  close_all(&run);
  return good;
}
