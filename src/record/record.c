#include <heapdiff/record.h>

#include "agent/protocol.h"
#include "record/agent_path.h"
#include "record/output_directory.h"
#include "record/program.h"
#include "record/status.h"
#include "record/supervise.h"
#include "record/target.h"
#include "record/watch.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* What a run holds, in the order in which it is made. */
struct run {
  const struct hd_record_options *options;
  char agent[PATH_MAX];
  struct hd_program program;
  struct hd_output_directory directory;
  struct hd_status status;
  struct hd_signals signals;
  struct hd_watch watch;
};

static bool start(struct run *run, pid_t *pid, int *exit_code, struct hd_error *error)
{
  const struct hd_record_options *options = run->options;
  struct hd_target target = {
      .path = run->program.path,
      .argv = options->argv,
      .shell = run->program.shell,
      .agent = run->agent,
      .directory = run->directory.absolute,
      .status = run->status.path,
      .rate = options->rate ? options->rate : HD_DEFAULT_RATE,
      .interval_ms = options->interval_ms,
      .max_frames = options->max_frames ? options->max_frames : HD_DEFAULT_MAX_FRAMES,
      .mask = &run->signals.mask,
      .child_action = &run->signals.child_action,
  };
  return hd_target_start(&target, pid, exit_code, error);
}

static bool run_program(struct run *run, int *status, int *exit_code, struct hd_error *error)
{
  pid_t pid;
  if (!hd_signals_begin(&run->signals, error))
    return false;
  hd_watch_init(&run->watch, &run->directory, run->options->on_snapshot, run->options->context);
  bool good = start(run, &pid, exit_code, error) &&
              hd_supervise(pid, &run->signals, &run->watch, status, error);
  hd_watch_deinit(&run->watch);
  hd_signals_end(&run->signals);
  return good;
}

static void fill_result(const struct run *run, int status, struct hd_record_result *result)
{
  struct hd_agent_status counted = hd_status_read(&run->status);
  uint64_t snapshots, series;
  hd_watch_count(&run->directory, &snapshots, &series);
  result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  result->exit_status = result->signal ? 128 + result->signal : WEXITSTATUS(status);
  /* A process that could not map the counters (another user's, another pid
   * namespace's) shows by its files alone. */
  result->snapshots = counted.snapshots > snapshots ? counted.snapshots : snapshots;
  result->processes = counted.processes > series ? counted.processes : series;
  result->failed = counted.failed;
  result->failed_errno = counted.failed_errno;
  result->dropped = counted.dropped;
  result->go = run->program.go;
  snprintf(result->moved_to, sizeof result->moved_to, "%s", run->directory.moved_to);
  snprintf(result->directory, sizeof result->directory, "%s", run->directory.name);
}

/* A new process would be refused only after older snapshots had been moved: so
 * everything that can be known beforehand is asked first. */
static bool prepare(struct run *run, int *exit_code, struct hd_error *error)
{
  const struct hd_record_options *options = run->options;
  if (!options->argv || !options->argv[0])
    return hd_fail_usage(error, "no program to record is named");
  if (options->max_frames > HD_MAX_MAX_FRAMES)
    return hd_fail_usage(error, "a stack is recorded to %u frames at most", HD_MAX_MAX_FRAMES);
  if (!hd_agent_path(options->agent, run->agent, error) ||
      !hd_program_find(options->argv[0], run->agent, &run->program, exit_code, error))
    return false;
  *exit_code = HD_RECORD_FAILED;
  return hd_output_directory_open(options->directory, &run->directory, error) &&
         hd_status_create(&run->status, error);
}

bool hd_record(const struct hd_record_options *options, struct hd_record_result *result,
               int *exit_code, struct hd_error *error)
{
  struct run run = {
      .options = options, .directory = HD_OUTPUT_DIRECTORY_INIT, .status = HD_STATUS_INIT};
  int status = 0;
  memset(result, 0, sizeof *result);
  *exit_code = HD_RECORD_FAILED;
  bool good = prepare(&run, exit_code, error) && run_program(&run, &status, exit_code, error);
  if (good) {
    fill_result(&run, status, result);
    *exit_code = result->exit_status;
  }
  hd_status_close(&run.status);
  hd_output_directory_close(&run.directory);
  return good;
}
