#include <heapdiff/record.h>

#include "agent/protocol.h"
#include "record/agent_path.h"
#include "record/output_directory.h"
#include "record/program.h"
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

/* 0 is the standard value where it has no meaning of its own. */
static struct hd_settings settings_of(const struct hd_record_options *options)
{
  struct hd_settings settings = HD_SETTINGS_INIT;
  settings.rate = options->rate ? options->rate : settings.rate;
  settings.max_frames = options->max_frames ? options->max_frames : settings.max_frames;
  settings.interval_ms = options->interval_ms;
  settings.keep = options->keep;
  settings.keep_bytes = options->keep_bytes;
  settings.every_bytes = options->every_bytes;
  settings.signal = (uint64_t)options->signal;
  settings.oom_percent = options->oom_percent;
  settings.mmap = options->mmap;
  settings.format = options->pprof ? HD_FORMAT_PPROF : HD_FORMAT_NATIVE;
  return settings;
}

/* Those that mean nothing by themselves, and that no program can be without. */
static bool signal_will_do(int number)
{
  return number == 0 || number == SIGUSR1 || number == SIGUSR2 ||
         (number >= SIGRTMIN && number <= SIGRTMAX);
}

static bool is_outside(uint64_t value, uint64_t least, uint64_t most)
{
  return value < least || value > most;
}

static bool check_settings(const struct hd_record_options *options, struct hd_error *error)
{
  struct hd_settings settings = settings_of(options);
  if (options->max_frames > HD_MAX_MAX_FRAMES)
    return hd_fail_usage(error, "a stack is recorded to %u frames at most", HD_MAX_MAX_FRAMES);
  if (options->keep == 1 || options->keep > HD_MAX_KEEP)
    return hd_fail_usage(error, "a process keeps 2 to %u snapshots, or all (0)", HD_MAX_KEEP);
  if (!signal_will_do(options->signal))
    return hd_fail_usage(error, "signal %d means something else to programs: use SIGUSR1, SIGUSR2 "
                                "or a real-time signal",
                         options->signal);
#define CHECK(field, name, standard, least, most)                                                  \
  if (is_outside(settings.field, least, most))                                                     \
    return hd_fail_usage(error, #field " is out of its range");
  HD_SETTINGS(CHECK)
#undef CHECK
  return true;
}

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
      .settings = settings_of(options),
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

static void fill_costs(const struct run *run, const struct hd_agent_status *counted,
                       struct hd_record_result *result)
{
  result->cpu_s = children_cpu_s() - run->cpu_before_s;
  result->samples = counted->samples;
  result->recording_s = (double)counted->recording_ns * 1e-9;
  result->writing_s = (double)counted->writing_ns * 1e-9;
  result->agent_memory = counted->memory;
}

/* Bytes of the agent's log, 0 where there is none. */
static off_t log_size(const struct hd_output_directory *directory)
{
  struct stat info;
  return fstatat(directory->fd, HD_LOG_NAME, &info, AT_SYMLINK_NOFOLLOW) == 0 ? info.st_size : 0;
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
  result->thinned = counted.thinned;
  result->near_limit = counted.pressed;
  result->signal_taken = counted.signal_taken != 0;
  result->logged = log_size(&run->directory) > run->logged_before;
  fill_costs(run, &counted, result);
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
  if (!check_settings(options, error))
    return false;
  if (!hd_agent_path(options->agent, run->agent, error) ||
      !hd_program_find(options->argv[0], run->agent, &run->program, exit_code, error))
    return false;
  *exit_code = HD_RECORD_FAILED;
  if (!hd_output_directory_open(options->directory, &run->directory, error))
    return false;
  run->logged_before = log_size(&run->directory);
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
