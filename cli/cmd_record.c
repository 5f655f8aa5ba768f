#include "command.h"
#include "messages.h"
#include "numbers.h"
#include "record_pid.h"
#include "record_said.h"
#include "record_url.h"
#include "record_words.h"
#include "symbolizing.h"
#include "symbolizing_early.h"
#include "terminal.h"

#include <heapdiff/record.h>
#include <heapdiff/session.h>

#include <inttypes.h>
#include <signal.h>
#include <string.h>

enum { MOST_FRAMES = 1024, MOST_KEPT = 4096 };
#define MOST_INTERVAL_MS (1000 * INT64_C(86400000))

struct record_args {
  const char *output;
  struct duration interval;
  uint64_t rate;
  int64_t max_frames, keep;
  uint64_t max_size, every_bytes;
  const char *signal, *oom_at, *format;
  bool mmap, symbolize, quiet, verbose;
  struct record_pid_args pid;
  struct record_url_args url;
};

static const struct option_row rows[] = {
    {TEXT_AT(struct record_args, output), .letter = 'o', .name = "output", .metavar = "DIR",
     .path = true, .help = "where the snapshots go", .standard = "heapdiff.data"},
    {DURATION_AT(struct record_args, interval), .letter = 'i', .name = "interval",
     .metavar = "DURATION", .most = MOST_INTERVAL_MS, .standard = "10s",
     .help = "between two snapshots; 0: only at the start and at the end"},
    {SIZE_AT(struct record_args, every_bytes), .name = "every-bytes", .metavar = "SIZE",
     .most = INT64_C(1) << 60, .standard = "0",
     .help = "a snapshot each time so many bytes were allocated; 0: none"},
    {TEXT_AT(struct record_args, signal), .name = "signal", .metavar = "NAME",
     .words = signal_words,
     .help = "a snapshot when the program gets this signal: USR1, USR2, RTMIN+N"},
    {TEXT_AT(struct record_args, oom_at), .name = "oom-at", .metavar = "PERCENT",
     .standard = STANDARD_OOM_AT,
     .help = "a snapshot once memory passes so much of its limit; off: none"},
    {NUMBER_AT(struct record_args, keep), .name = "keep", .metavar = "N", .most = MOST_KEPT,
     .standard = STANDARD_KEEP,
     .help = "snapshots that a process, or a URL, keeps, thinned out evenly, the first and the "
             "last always; 0: all"},
    {SIZE_AT(struct record_args, max_size), .name = "max-size", .metavar = "SIZE",
     .most = INT64_C(1) << 60, .standard = STANDARD_MAX_SIZE,
     .help = "what a process's snapshots may take, thinned out likewise; 0: any"},
    {SIZE_AT(struct record_args, rate), .name = "rate", .metavar = "SIZE", .least = 1,
     .standard = STANDARD_RATE,
     .help = "mean number of bytes between samples; 1: every allocation"},
    {NUMBER_AT(struct record_args, max_frames), .name = "max-frames", .metavar = "N", .least = 1,
     .most = MOST_FRAMES, .standard = "128", .help = "how deep call stacks are followed"},
    {CHOICE_AT(struct record_args, format), .name = "snapshot-format", .metavar = "NAME",
     .words = format_words, .standard = "native",
     .help = "of the snapshots: heapdiff's own, or pprof's, which go tool pprof opens"},
    {FLAG_AT(struct record_args, mmap), .name = "mmap",
     .help = "record anonymous memory that the program maps itself, too: mmap_space"},
    {FLAG_AT(struct record_args, symbolize), .name = "symbolize",
     .help = "write the program's symbols into the snapshots as they come, to be read where it is "
             "not"},
    {FLAG_AT(struct record_args, quiet), .letter = 'q', .name = "quiet",
     .help = "say nothing but errors and losses"},
    {FLAG_AT(struct record_args, verbose), .letter = 'v', .name = "verbose",
     .help = "print a line a snapshot, also where standard error is no terminal"},
    OPTION_ROWS_END,
};

static const struct option_group groups[] = {
    {"options:", rows, 0},
    {"of a process that runs:", record_pid_rows, offsetof(struct record_args, pid)},
    {"of a URL, or of a process that runs:", record_url_rows, offsetof(struct record_args, url)},
    {"URLs:", url_rows, offsetof(struct record_args, url.urls)},
    OPTION_GROUPS_END,
};

/* What the lines that were printed were about, and what is done with each snapshot. */
struct progress {
  bool lines;
  struct symbolizing_early *early; /* NULL: nothing */
  int64_t pid;                     /* of the first snapshot, 0 before it */
  bool verbose;                    /* lines for the processes that it starts, too */
  bool several;
};

/* The program goes on, and so must its parent, when nobody reads our messages any
 * more. Not to be called before the program is started: it would inherit this. */
static void outlive_readers(void)
{
  signal(SIGPIPE, SIG_IGN);
}

/* A line a snapshot: of the process that was started, or of all; then with the
 * process from the first one on that is of another. */
static void print_line(struct progress *progress, const struct hd_record_event *event)
{
  if (progress->pid && progress->pid != event->pid)
    progress->several = true;
  progress->pid = progress->pid ? progress->pid : event->pid;
  if (progress->pid != event->pid && !progress->verbose)
    return;
  char elapsed[NUMBER_TEXT], live[NUMBER_TEXT], rss[NUMBER_TEXT] = "?", process[96] = "";
  format_elapsed(elapsed, event->elapsed_ns);
  format_size(live, event->live_bytes);
  if (event->rss >= 0)
    format_size(rss, event->rss);
  if (progress->several && progress->verbose)
    snprintf(process, sizeof process, "   %.64s (pid %" PRId64 ")",
             event->program ? basename(event->program) : "?", event->pid);
  message("%7s   heap %9s   rss %9s%s", elapsed, live, rss, process);
}

static void on_snapshot(void *context, const struct hd_record_event *event)
{
  struct progress *progress = context;
  outlive_readers();
  if (progress->lines)
    print_line(progress, event);
  if (progress->early && event->live_bytes >= 0)
    symbolizing_early_add(progress->early, event->path);
}

static void say_result(const struct hd_record_result *result)
{
  if (result->signal)
    message("the program was ended by signal %d (%s)", result->signal, strsignal(result->signal));
  if (result->near_limit)
    message("note: memory came near its limit, and a snapshot was taken then%s",
            result->signal == SIGKILL ? ": what filled it is in the last ones" : "");
  if (!result->snapshots)
    return;
  record_say_go(result);
  record_say_summary(result, NULL);
}

static int run_url(const struct command *command, struct record_args *args, int argc, char **argv)
{
  struct record_url_common common = {
      .directory = args->output,
      .interval_ms = args->interval.milliseconds,
      .keep = args->keep,
      .keep_bytes = args->max_size,
      .quiet = args->quiet,
      .lines = args->verbose || (!args->quiet && terminal_is_watched()),
  };
  if (args->symbolize || args->mmap || args->signal)
    return command_misused(command, "--symbolize, --mmap and --signal are for programs: of a URL "
                                    "what the service sends is kept as it is");
  return record_url(command, &args->url, &common, argc, argv);
}

/* What all that is not a URL has in common. False: said, and *status is the exit code. */
static bool take_options(const struct command *command, const struct record_args *args,
                         struct progress *progress, struct hd_record_options *options, int *status)
{
  *options = (struct hd_record_options){
      .directory = args->output,
      .interval_ms = args->interval.milliseconds,
      .rate = args->rate,
      .max_frames = (uint32_t)args->max_frames,
      .keep = (uint64_t)args->keep,
      .keep_bytes = args->max_size,
      .every_bytes = args->every_bytes,
      .mmap = args->mmap,
      .pprof = strcmp(args->format, "pprof") == 0,
      .on_snapshot = progress->lines || progress->early ? on_snapshot : NULL,
      .context = progress,
  };
  if (args->signal && !parse_signal(args->signal, &options->signal))
    *status = command_misused(command, "--signal takes USR1, USR2, RTMIN+N or a number of one of "
                                       "these: others mean something else to programs");
  else if (!parse_percent(args->oom_at, &options->oom_percent))
    *status = command_misused(command, "--oom-at takes a percentage up to 100%%, or off");
  else if (args->keep == 1)
    *status = command_misused(command, "--keep takes 2 or more, as the first and the last snapshot "
                                       "are always kept, or 0 for all");
  else
    return true;
  return false;
}

/* Symbols that were not written on the way, and the set that is remembered. */
static void finish(const struct record_args *args, const struct hd_record_result *result)
{
  const char *directory = result->directory;
  if (args->symbolize && result->snapshots)
    symbolizing(&(struct input_args){0}, &directory, 1, NULL, args->quiet);
}

static void remember(const struct hd_record_result *result)
{
  const char *directory = result->directory;
  hd_remember_paths(&directory, 1);
}

static int run_pid(const struct record_args *args, const struct hd_record_options *record,
                   struct symbolizing_early *early)
{
  struct hd_pid_options options = {.record = *record,
                                   .count = (uint64_t)args->url.count,
                                   .for_ms = args->url.lasting.milliseconds};
  struct hd_pid_result result;
  int status = record_pid(&options, &args->pid, args->quiet, &result);
  symbolizing_early_end(early);
  if (!result.attached)
    return status;
  finish(args, &result.record);
  record_pid_say(&args->pid, &result, args->quiet);
  remember(&result.record);
  return status;
}

static int run_program(const struct record_args *args, struct hd_record_options *options,
                       struct symbolizing_early *early, char **argv)
{
  struct hd_record_result result = {0};
  struct hd_error error = HD_ERROR_INIT;
  int exit_code = 0;
  options->argv = argv;
  bool recorded = hd_record(options, &result, &exit_code, &error);
  symbolizing_early_end(early);
  if (!recorded)
    return record_own_failure(exit_code, &error);
  outlive_readers();
  record_say_losses(&result);
  finish(args, &result);
  if (!args->quiet)
    say_result(&result);
  remember(&result);
  return result.exit_status;
}

static int run_dormant(char **argv)
{
  struct hd_error error = HD_ERROR_INIT;
  int exit_code;
  hd_exec_dormant(argv, NULL, &exit_code, &error);
  return record_own_failure(exit_code, &error);
}

/* The ways to say what is recorded exclude each other. */
static const char *misuse(const struct record_args *args, int argc)
{
  const struct record_pid_args *pid = &args->pid;
  if (pid->pid && argc > 0)
    return "--pid is of a process that runs: no program or URL is named with it";
  if (pid->pid && pid->dormant)
    return "--dormant starts a program that --pid can wake later: they do not go together";
  if (pid->detach && !pid->pid)
    return "--detach needs to know from which process: --pid PID --detach";
  if (pid->pid && url_args_given(&args->url.urls))
    return "--user, --header, --ca-cert, --insecure and --gc are for URLs";
  if (!pid->pid && argc == 0)
    return "name what to record: heapdiff record -- PROGRAM [ARGUMENT...], a URL, or --pid PID";
  return NULL;
}

static int run_parsed(const struct command *command, struct record_args *args, int argc,
                      char **argv)
{
  int status;
  const char *wrong = misuse(args, argc);
  if (wrong)
    return command_misused(command, "%s", wrong);
  if (args->pid.detach)
    return record_detach(&args->pid, args->quiet);
  if (args->pid.dormant)
    return run_dormant(argv);
  if (argc && hd_is_url(argv[0]))
    return run_url(command, args, argc, argv);
  struct symbolizing_early early = {.started = false};
  struct progress progress = {.verbose = args->verbose,
                              .lines = args->verbose || (!args->quiet && terminal_is_watched()),
                              .early = args->symbolize ? &early : NULL};
  struct hd_record_options options;
  if (!take_options(command, args, &progress, &options, &status))
    return status;
  return args->pid.pid ? run_pid(args, &options, &early)
                       : run_program(args, &options, &early, argv);
}

static int run(const struct command *command, int argc, char **argv)
{
  struct record_args args = {0};
  int status;
  if (!command_parse(command, &args, &argc, argv, &status))
    return status;
  status = run_parsed(command, &args, argc, argv);
  options_release(command->groups, &args);
  return status;
}

const struct command verb_record = {
    .name = "record",
    .summary = "write snapshots of the heap of a program, a process or a service",
    .synopsis = {"[OPTION...] [--] PROGRAM [ARGUMENT...]", "[OPTION...] --pid PID",
                 "[OPTION...] URL"},
    .about = "Runs a program, which needs no recompilation, and writes a snapshot of its heap at "
             "the start, at every interval and at the end. The exit status is the program's; 125, "
             "126 and 127 say that record failed, or that the program cannot be run or was not "
             "found.\nWith --pid it attaches to a process that runs, until Ctrl-C, --for or "
             "--count ends it or the process ends; what that allocated before is not known.\nOf a "
             "URL, or "
             "HOST:PORT, it fetches the heap profile that the service there gives, and of a Go "
             "service its goroutines with it, at every interval until Ctrl-C, --for or --count "
             "ends it.",
    .words = "program",
    .groups = groups,
    .program_follows = true,
    .usage_status = HD_RECORD_FAILED,
    .run = run,
};
