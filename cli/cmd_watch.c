#include "command.h"
#include "watch.h"

#include "messages.h"
#include "record_words.h"
#include "watch_pid.h"
#include "watch_url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct option_row rows[] = {
    {DURATION_AT(struct watch_args, every), .name = "every", .metavar = "DURATION", .least = 50,
     .most = 86400000,
     .help = "how often to look for new snapshots (default: 1s; of a URL --interval where that is "
             "shorter)"},
    {NUMBER_AT(struct watch_args, count), .name = "count", .metavar = "N", .least = 1,
     .help = "where standard output is no terminal, end after so many tables"},
    {CHOICE_AT(struct watch_args, by), .name = "by", .metavar = "WHAT",
     .help = "what a row is; by default site", .words = hd_grouping_name},
    MEASURE_ROW(struct watch_args),
    {CHOICE_AT(struct watch_args, sort), .name = "sort", .metavar = "COLUMN",
     .help = "the order of the rows; by default score", .words = hd_sort_name},
    {SIZE_AT(struct watch_args, limit), .name = "limit", .metavar = "SIZE", .least = 1,
     .help = "say when the process reaches this; by default the limit it had, where known"},
    OPTION_ROWS_END,
};

static const struct option_row record_rows[] = {
    {TEXT_AT(struct watch_args, output), .letter = 'o', .name = "output", .metavar = "DIR",
     .path = true, .help = "where the snapshots go; what a program prints goes to DIR.log",
     .standard = "heapdiff.data"},
    {DURATION_AT(struct watch_args, interval), .letter = 'i', .name = "interval",
     .metavar = "DURATION", .least = 1, .standard = "5s", .help = "between two snapshots"},
    {SIZE_AT(struct watch_args, rate), .name = "rate", .metavar = "SIZE", .least = 1,
     .standard = STANDARD_RATE, .help = "mean number of bytes between samples; 1: every allocation"},
    {DURATION_AT(struct watch_args, attach_timeout), .name = "attach-timeout",
     .metavar = "DURATION", .least = 1, .most = 86400000, .standard = "10s",
     .help = "how long a moment is waited for in which a process can be attached to"},
    OPTION_ROWS_END,
};

static const struct option_group groups[] = {
    {"options:", rows, 0},
    {"a program, process or URL that is recorded:", record_rows, 0},
    {"URLs:", url_rows, offsetof(struct watch_args, input.urls)},
    {"which allocations:", filter_rows, offsetof(struct watch_args, filter)},
    {"call sites:", wrapper_rows, offsetof(struct watch_args, input)},
    {"reading:", input_rows, offsetof(struct watch_args, input)},
    {"symbols:", symbol_rows, offsetof(struct watch_args, input.symbols)},
    {"printing:", look_rows, offsetof(struct watch_args, style)},
    OPTION_GROUPS_END,
};

/* ---------------------------------------------------------------------------------------------- */

/* What a recording that failed at once has to say is in the log. */
static void print_log(const char *log)
{
  char line[1024];
  FILE *file = fopen(log, "re");
  while (file && fgets(line, sizeof line, file))
    fputs(line, stderr);
  if (file)
    fclose(file);
}

static int result_of(const struct watch_source *source, size_t snapshots, const char *log)
{
  if (!snapshots && log && source->ended) {
    print_log(log);
    return source->exit_status;
  }
  if (!snapshots && source->trouble[0])
    message("%s", source->trouble);
  if (watch_ended_by() && !log)
    return 128 + watch_ended_by();
  if (log && source->ended)
    return source->exit_status;
  return snapshots ? STATUS_FINE : HD_ERROR_INPUT;
}

static int watch(struct watch_source *source, struct watch_args *args, const char *log)
{
  watch_look(source, args);
  size_t snapshots = source->session ? hd_session_kept_count(source->session) : 0;
  if (snapshots)
    hd_session_remember(source->session);
  bool ended = source->ended;
  watch_end(source);
  int status = result_of(source, snapshots, log);
  if (snapshots && log) {
    message("%s snapshots of the program are in %s, what it printed in %s",
            ended ? "the"
                  : "it is "
                    "ended; the",
            source->paths[0], log);
    message("next: heapdiff top");
  }
  if (source->failed)
    return source->failed;
  return ended || !log ? status : STATUS_FINE;
}

static int watch_program(struct watch_args *args, char **program)
{
  char *log = NULL;
  const char *paths[] = {args->output};
  struct watch_source source = {
      .input = &args->input, .measure = args->measure, .paths = paths, .path_count = 1};
  int status = STATUS_INTERNAL;
  if (watch_start_program(&source, args, program, &log))
    status = watch(&source, args, log);
  free(log);
  return status;
}

static int watch_paths(struct watch_args *args, char **paths, int count)
{
  static const char *const standard[] = {"heapdiff.data"};
  struct watch_source source = {.input = &args->input, .measure = args->measure};
  source.paths = count ? (const char *const *)paths : standard;
  source.path_count = count ? (size_t)count : 1;
  for (size_t i = 0; i < source.path_count; i++)
    if (access(source.paths[i], R_OK) != 0) {
      message("%s: %s%s", source.paths[i], strerror(errno),
              count ? ""
                    : ": name a directory of snapshots, or record a program: heapdiff watch "
                      "-- PROGRAM");
      return HD_ERROR_INPUT;
    }
  return watch(&source, args, NULL);
}

/* Whether anything could be read so: else it is said before something is recorded. */
static bool is_readable(const struct watch_args *args, int *status)
{
  struct hd_session_options options = input_options(&args->input);
  struct hd_error error = HD_ERROR_INIT;
  hd_session *session = NULL;
  options.measure = args->measure;
  bool fine = hd_session_create(&options, &session, &error);
  hd_session_destroy(session);
  *status = fine ? STATUS_FINE : message_error(&error);
  return fine;
}

static int watch_words(struct watch_args *args, char **words, int count, bool url)
{
  int64_t pid;
  if (url)
    return watch_url(args, words[0]);
  if (count == 1 && watch_is_pid(words[0], &pid))
    return watch_pid(args, pid);
  return watch_paths(args, words, count);
}

/* What stands behind "--" is a program, also where no option comes before it. */
static int run(const struct command *command, int argc, char **argv)
{
  struct watch_args args = {0};
  int status, own = 0;
  while (own < argc && strcmp(argv[own], "--") != 0)
    own++;
  char **program = own < argc ? argv + own + 1 : NULL;
  int words = own, urls = 0;
  argv[own] = NULL;
  if (!command_parse(command, &args, &words, argv, &status))
    return status;
  args.style.format = "text";
  for (int i = 0; i < words; i++)
    urls += hd_is_url(argv[i]);
  if (program && !program[0])
    status = command_misused(command, "name the program to run: heapdiff watch -- PROGRAM "
                                      "[ARGUMENT...]");
  else if (program && words)
    status = command_misused(command, "'%s' and a program: one of them is watched", argv[0]);
  else if (urls && words > 1)
    status = command_misused(command, "a URL is watched alone: '%s' and '%s'", argv[0], argv[1]);
  else if (is_readable(&args, &status))
    status = program ? watch_program(&args, program) : watch_words(&args, argv, words, urls);
  options_release(command->groups, &args);
  return status;
}

const struct command verb_watch = {
    .name = "watch",
    .summary = "show live which call sites grow",
    .synopsis = {"[OPTION...] [SNAPSHOT...]", "[OPTION...] URL", "[OPTION...] PID",
                 "[OPTION...] -- PROGRAM [ARGUMENT...]"},
    .about =
        "Shows the table of top, full-screen and anew with every snapshot that comes: of a "
        "directory that a recording fills (by default heapdiff.data/), of a service that gives "
        "them at a URL, of a process that runs, which is attached to, or of a program that is "
        "recorded on the fly. '?' explains the keys. Where standard input or output is no "
        "terminal, a table is printed with each snapshot.",
    .words = "snapshot",
    .groups = groups,
    .usage_status = STATUS_USAGE,
    .run = run,
};
