#include "symbolizing.h"

#include "command.h"
#include "ending.h"
#include "messages.h"
#include "progress.h"
#include "scoped.h"
#include "terminal.h"

#include <heapdiff/symbolize.h>

#include <inttypes.h>

enum { STATUS_SIGNAL = 128 };

/* What is waited for may take longer than who interrupts will wait. */
static bool on_progress(void *context, const char *what, uint64_t done, uint64_t total)
{
  return (!terminal_is_watched() || progress_show(context, what, done, total)) &&
         !ending_came(NULL);
}

static void say_result(const struct hd_symbolize_result *result, const char *directory)
{
  const char *plural = result->snapshots == 1 ? "" : "s";
  if (result->stopped)
    message("interrupted: %" PRIu64 " snapshot%s written, the others are as they were",
            result->snapshots, plural);
  else
    message("%" PRIu64 " snapshot%s %s%s, with names for %" PRIu64 " of %" PRIu64 " addresses",
            result->snapshots, plural, directory ? "written to " : "rewritten",
            directory ? directory : "", result->named, result->addresses);
}

int symbolizing(const struct input_args *input, const char *const *paths, int count,
                const char *directory, bool quiet)
{
  SCOPED(end_session) hd_session *session = NULL;
  struct hd_error error = HD_ERROR_INIT;
  struct hd_session_options options = input_options(input);
  struct hd_symbolize_options work = {.directory = directory, .stop = ending_came};
  struct hd_symbolize_result result;
  options.progress = on_progress;
  ending_watch();
  if (!hd_session_create(&options, &session, &error))
    return message_error(&error);
  bool fine = hd_symbolize_snapshots(session, paths, (size_t)count, &work, &result, &error);
  if (!quiet)
    message_notes(session, 0);
  if (!fine)
    return message_error(&error);
  if (!quiet || result.stopped)
    say_result(&result, directory);
  return result.stopped ? STATUS_SIGNAL + ending_signal() : STATUS_FINE;
}
