#include "command.h"
#include "messages.h"
#include "numbers.h"

#include <heapdiff/record_pid.h>

#include <inttypes.h>

struct snap_args {
  uint64_t rate;
};

static const struct option_row rows[] = {
    {SIZE_AT(struct snap_args, rate), .name = "rate", .metavar = "SIZE", .least = 1,
     .most = INT64_C(1) << 50,
     .help = "from now on, a sample in so many bytes on average (default: as it is)"},
    OPTION_ROWS_END,
};

static const struct option_group groups[] = {
    {"options:", rows, 0},
    OPTION_GROUPS_END,
};

static int snap(const struct snap_args *args, int64_t pid)
{
  struct hd_snap_options options = {.pid = pid, .rate = args->rate};
  struct hd_error error = HD_ERROR_INIT;
  char path[4200], rate[NUMBER_TEXT];
  bool good = hd_snap(&options, path, &error);
  if (path[0])
    printf("%s\n", path);
  if (!good)
    return message_error(&error);
  if (args->rate) {
    format_size(rate, (int64_t)args->rate);
    message("a sample in %s on average from now on", rate);
  }
  return STATUS_FINE;
}

static int run(const struct command *command, int argc, char **argv)
{
  struct snap_args args = {0};
  int64_t pid;
  int status;
  if (!command_parse(command, &args, &argc, argv, &status))
    return status;
  if (argc != 1)
    return command_misused(command, argc ? "one process at a time"
                                         : "name the process: heapdiff "
                                           "snap PID");
  if (!parse_number(argv[0], &pid) || pid <= 0)
    return command_misused(command, "'%s' is no process id", argv[0]);
  return snap(&args, pid);
}

const struct command verb_snap = {
    .name = "snap",
    .summary = "take a snapshot of a process that is being recorded, now",
    .synopsis = {"[OPTION...] PID"},
    .about =
        "Has the agent in a process that heapdiff record records, started or attached to, take "
        "a snapshot now, and prints where it is.",
    .words = "process",
    .groups = groups,
    .usage_status = STATUS_USAGE,
    .run = run,
};
