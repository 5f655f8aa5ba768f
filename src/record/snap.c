/* What is asked of a recording from outside: a snapshot, another rate, its end. */
#include <heapdiff/record_pid.h>

#include "record/attach_check.h"
#include "record/control.h"
#include "record/detach.h"
#include "record/reach.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MS = 120000, FETCH_TRIES = 500 };

/* Its control, where it is being recorded. */
static bool open_recording(int64_t pid, struct hd_control_client *client, struct hd_error *error)
{
  struct hd_process_status status;
  *client = (struct hd_control_client)HD_CONTROL_CLIENT_INIT;
  if (!hd_attach_check_process(pid, &status, error) || !hd_control_open((pid_t)pid, client, error))
    return false;
  if (!client->shared && hd_control_has_agent((pid_t)pid))
    return hd_fail_input(error, "the agent in it listens to nobody, as it is recorded with neither "
                                "an interval nor anything else that asks for snapshots: record it "
                                "with --interval");
  if (!client->shared)
    return hd_fail_input(
        error, "is not being recorded: heapdiff record --pid %" PRId64 " attaches to it", pid);
  if (hd_control_is_recording(client))
    return true;
  hd_control_close(client);
  return hd_fail_input(
      error, "is not being recorded: heapdiff record --pid %" PRId64 " wakes the agent in it", pid);
}

static bool in_process(int64_t pid, struct hd_error *error)
{
  char source[64];
  snprintf(source, sizeof source, "process %" PRId64, pid);
  return hd_error_in(error, source);
}

/* Where a heapdiff that fetches the snapshots has put it, or will have in a moment; false:
 * nobody fetches it. */
static bool is_fetched(int64_t pid, const char *path, char *out, size_t size)
{
  char name[PATH_MAX + 64], directory[PATH_MAX];
  const char *slash = strrchr(path, '/');
  struct timespec pause = {0, 10000000};
  snprintf(name, sizeof name, "/proc/%" PRId64 "/root%.*s/" HD_REACH_MARK, pid, (int)(slash - path),
           path);
  /* The process's user can put anything there. */
  int mark = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  ssize_t length = mark < 0 ? 0 : read(mark, directory, sizeof directory - 1);
  if (mark >= 0)
    close(mark);
  directory[length > 0 ? length : 0] = '\0';
  snprintf(out, size, "%s%s", directory, slash);
  for (int i = 0; length > 0 && i < FETCH_TRIES; i++) {
    if (access(out, F_OK) == 0)
      return true;
    nanosleep(&pause, NULL);
  }
  return false;
}

/* The name under which this process finds what that one calls `path`. */
static void as_seen_here(int64_t pid, const char *path, char *out, size_t size)
{
  char inside[PATH_MAX + 64];
  struct stat here, there;
  if (path[0] != '/' || is_fetched(pid, path, out, size))
    return;
  snprintf(inside, sizeof inside, "/proc/%" PRId64 "/root%s", pid, path);
  bool same = stat(path, &here) == 0 && stat(inside, &there) == 0 && here.st_dev == there.st_dev &&
              here.st_ino == there.st_ino;
  snprintf(out, size, "%s", same ? path : inside);
}

bool hd_snap(const struct hd_snap_options *options, char path[4200], struct hd_error *error)
{
  struct hd_control_client client;
  struct hd_control_answer answer;
  struct hd_control_request snapshot = {.command = HD_COMMAND_SNAPSHOT, .timeout_ms = ANSWER_MS};
  struct hd_control_request rate = {
      .command = HD_COMMAND_RATE, .rate = options->rate, .timeout_ms = ANSWER_MS};
  path[0] = '\0';
  if (!open_recording(options->pid, &client, error))
    return in_process(options->pid, error);
  bool good = hd_control_ask(&client, &snapshot, &answer, error);
  if (good)
    as_seen_here(options->pid, answer.snapshot, path, 4200);
  good = good && (!options->rate || hd_control_ask(&client, &rate, &answer, error));
  hd_control_close(&client);
  return good || in_process(options->pid, error);
}

bool hd_detach(int64_t pid, char directory[4096], struct hd_error *error)
{
  struct hd_control_client client;
  directory[0] = '\0';
  if (!open_recording(pid, &client, error))
    return in_process(pid, error);
  hd_control_directory(&client, directory);
  bool good = hd_detach_all(&client, error);
  hd_control_close(&client);
  return good || in_process(pid, error);
}
