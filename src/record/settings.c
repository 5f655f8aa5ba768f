#include "record/settings.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct hd_settings hd_settings_of(const struct hd_record_options *options)
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

bool hd_settings_check(const struct hd_record_options *options, struct hd_error *error)
{
  struct hd_settings settings = hd_settings_of(options);
  if (options->max_frames > HD_MAX_MAX_FRAMES)
    return hd_fail_usage(error, "a stack is recorded to %u frames at most", HD_MAX_MAX_FRAMES);
  if (options->keep == 1 || options->keep > HD_MAX_KEEP)
    return hd_fail_usage(error, "a process keeps 2 to %u snapshots, or all (0)", HD_MAX_KEEP);
  if (!signal_will_do(options->signal))
    return hd_fail_usage(error,
                         "signal %d means something else to programs: use SIGUSR1, SIGUSR2 "
                         "or a real-time signal",
                         options->signal);
#define CHECK(field, name, standard, least, most)                                                  \
  if (is_outside(settings.field, least, most))                                                     \
    return hd_fail_usage(error, #field " is out of its range");
  HD_SETTINGS(CHECK)
#undef CHECK
  return true;
}

bool hd_settings_text(const struct hd_settings *settings, const char *directory, char *out,
                      size_t size)
{
  int used = strchr(directory, '\n') ? 0 : snprintf(out, size, HD_ENV_DIRECTORY "=%s\n", directory);
#define LINE(field, name, standard, least, most)                                                   \
  if (used > 0 && (size_t)used < size)                                                             \
    used += snprintf(out + used, size - (size_t)used, name "=%" PRIu64 "\n", settings->field);
  HD_SETTINGS(LINE)
#undef LINE
  return used > 0 && (size_t)used < size;
}
