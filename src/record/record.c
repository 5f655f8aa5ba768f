#include <heapdiff/record.h>

#include "agent/protocol.h"
#include "record/agent_path.h"
#include "record/output_directory.h"
#include "record/program.h"
#include "record/result.h"
#include "record/settings.h"
#include "record/status.h"
#include "record/supervise.h"
#include "record/target.h"
#include "record/watch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
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
  off_t logged_before;
  double cpu_before_s; /* of children that were waited for */
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
      .settings = hd_settings_of(options),
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

static double seconds(struct timeval time)
{
  return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static double children_cpu_s(void)
{
  struct rusage usage = {0};
  getrusage(RUSAGE_CHILDREN, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

static void fill_result(const struct run *run, int status, struct hd_record_result *result)
{
  struct hd_agent_status counted = hd_status_read(&run->status);
  hd_result_fill(result, &counted, &run->directory, run->logged_before);
  result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  result->exit_status = result->signal ? 128 + result->signal : WEXITSTATUS(status);
  result->cpu_s = children_cpu_s() - run->cpu_before_s;
  result->go = run->program.go;
}

/* A new process would be refused only after older snapshots had been moved: so
 * everything that can be known beforehand is asked first. */
static bool prepare(struct run *run, int *exit_code, struct hd_error *error)
{
  const struct hd_record_options *options = run->options;
  if (!options->argv || !options->argv[0])
    return hd_fail_usage(error, "no program to record is named");
  if (!hd_settings_check(options, error))
    return false;
  if (!hd_agent_path(options->agent, run->agent, error) ||
      !hd_program_find(options->argv[0], run->agent, &run->program, exit_code, error))
    return false;
  *exit_code = HD_RECORD_FAILED;
  if (!hd_output_directory_open(options->directory, &run->directory, error))
    return false;
  run->logged_before = hd_output_log_size(&run->directory);
  return hd_status_create(&run->status, error);
}

bool hd_record(const struct hd_record_options *options, struct hd_record_result *result,
               int *exit_code, struct hd_error *error)
{
  struct run run = {
      .options = options, .directory = HD_OUTPUT_DIRECTORY_INIT, .status = HD_STATUS_INIT};
  int status = 0;
  memset(result, 0, sizeof *result);
  *exit_code = HD_RECORD_FAILED;
  run.cpu_before_s = children_cpu_s();
  bool good = prepare(&run, exit_code, error) && run_program(&run, &status, exit_code, error);
  if (good) {
    fill_result(&run, status, result);
    *exit_code = result->exit_status;
  }
  hd_status_close(&run.status);
  hd_output_directory_close(&run.directory);
  return good;
}
