#include "recording.h"

#include "command.h"
#include "messages.h"
#include "record_said.h"

#include <heapdiff/record.h>
#include <heapdiff/session.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { MOST_FRAMES = 1024, SIGNALLED = 128 };
#define MOST_INTERVAL_MS (1000 * INT64_C(86400000))

const struct option_row recording_rows[] = {
    {SIZE_AT(struct recording_args, rate), .name = "rate", .metavar = "SIZE", .least = 1,
     .standard = "4k", .help = "mean number of bytes between samples; 1: every allocation"},
    {DURATION_AT(struct recording_args, interval), .letter = 'i', .name = "interval",
     .metavar = "DURATION", .most = MOST_INTERVAL_MS, .standard = "0",
     .help = "between two snapshots; 0: only at the start and at the end"},
    {TEXT_AT(struct recording_args, directory), .name = "directory", .metavar = "DIR", .path = true,
     .standard = "heapdiff.data", .help = "where the snapshots go"},
    {NUMBER_AT(struct recording_args, max_frames), .name = "max-frames", .metavar = "N", .least = 1,
     .most = MOST_FRAMES, .standard = "128", .help = "how deep call stacks are followed"},
    OPTION_ROWS_END,
};

int recording_split(int argc, char **argv)
{
  int i = 0;
  while (i < argc && strcmp(argv[i], "--") != 0)
    i++;
  return i;
}

int recording_run(const struct recording_args *args, char **program, struct recording *recording)
{
  struct hd_record_options options = {
      .directory = args->directory,
      .interval_ms = args->interval.milliseconds,
      .rate = args->rate,
      .max_frames = (uint32_t)args->max_frames,
      .argv = program,
  };
  struct hd_record_result result = {0};
  struct hd_error error = HD_ERROR_INIT;
  int exit_code = 0;
  if (!hd_record(&options, &result, &exit_code, &error))
    return record_own_failure(exit_code, &error);
  record_say_losses(&result);
  if (result.snapshots)
    record_say_go(&result);
  recording->program = program[0];
  recording->exit_status = result.exit_status;
  snprintf(recording->directory, sizeof recording->directory, "%s", result.directory);
  const char *directory = recording->directory;
  hd_remember_paths(&directory, 1);
  if (result.snapshots)
    return 0;
  if (result.exit_status)
    recording_say_failure(recording);
  return result.exit_status ? result.exit_status : HD_ERROR_INPUT;
}

void recording_say_failure(const struct recording *recording)
{
  int status = recording->exit_status, number = status - SIGNALLED;
  if (number > 0 && number < NSIG && sigabbrev_np(number))
    message("%s was ended by signal %d (%s): passed on as %d", recording->program, number,
            strsignal(number), status);
  else
    message("%s ended with status %d, which is passed on", recording->program, status);
}
