#include "watch.h"

#include "messages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* --- the program that is recorded ------------------------------------------------------- */

/* heapdiff record -q -o DIR -i INTERVAL --rate RATE -- PROGRAM... */
static char **record_words(const struct watch_args *args, char *const *program, char *own,
                           char numbers[2][48])
{
  size_t count = 0;
  while (program[count])
    count++;
  snprintf(numbers[0], sizeof numbers[0], "%llums",
           (unsigned long long)args->interval.milliseconds);
  snprintf(numbers[1], sizeof numbers[1], "%llu", (unsigned long long)args->rate);
  char *const before[] = {own,
                          (char *)"record",
                          (char *)"--quiet",
                          (char *)"--output",
                          (char *)(uintptr_t)args->output,
                          (char *)"--interval",
                          numbers[0],
                          (char *)"--rate",
                          numbers[1],
                          (char *)"--"};
  size_t words = sizeof before / sizeof *before;
  char **all = calloc(words + count + 1, sizeof *all);
  if (!all)
    return NULL;
  memcpy(all, before, sizeof before);
  memcpy(all + words, program, count * sizeof *all);
  return all;
}

/* The screen is not the program's: it reads nothing, and prints into the log. */
static int spawn(pid_t *pid, const char *own, char *const *words, const char *log)
{
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  /* Ctrl-C ends the watch, which then ends the program. */
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  int failed = posix_spawn(pid, own, &files, &attributes, words, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return failed;
}

static void note_older(struct watch_source *source, const char *path)
{
  DIR *directory = opendir(path);
  for (struct dirent *entry; directory && !source->older && (entry = readdir(directory));)
    if (strstr(entry->d_name, ".heapdiff") &&
        asprintf(&source->older, "%s/%s", path, entry->d_name) < 0)
      source->older = NULL;
  if (directory)
    closedir(directory);
}

/* Whether what is there is the older recording still. */
static bool is_older(struct watch_source *source)
{
  if (source->older && access(source->older, F_OK) == 0)
    return true;
  free(source->older);
  source->older = NULL;
  return false;
}

/* The log's name: the directory's with .log behind it. */
static char *log_name(const char *directory)
{
  size_t length = strlen(directory);
  char *name;
  while (length > 1 && directory[length - 1] == '/')
    length--;
  return asprintf(&name, "%.*s.log", (int)length, directory) < 0 ? NULL : name;
}

bool watch_start_program(struct watch_source *source, const struct watch_args *args,
                         char *const *program, char **log)
{
  char own[PATH_MAX], numbers[2][48];
  ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
  if (length < 0) {
    message_of("watch", "cannot find its own program: %s", strerror(errno));
    return false;
  }
  own[length] = '\0';
  char **words = record_words(args, program, own, numbers);
  *log = log_name(args->output);
  if (!words || !*log) {
    free(words);
    message_of("watch", "out of memory");
    return false;
  }
  note_older(source, args->output);
  int failed = spawn(&source->recorder, own, words, *log);
  free(words);
  if (failed)
    message_of("watch", "cannot start the recording: %s", strerror(failed));
  return !failed;
}

/* Notes the end of who makes the snapshots. */
static void look_for_end(struct watch_source *source, bool wait)
{
  int status;
  if (source->feed) {
    watch_feed_ask(source->feed, &source->news);
    source->ended |= source->news.ended;
    return;
  }
  pid_t pid = source->recorder ? waitpid(source->recorder, &status, wait ? 0 : WNOHANG) : 0;
  if (pid != source->recorder || !pid)
    return;
  source->recorder = 0;
  source->ended = true;
  source->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

uint64_t watch_every(const struct watch_source *source, const struct watch_args *args)
{
  enum { LEAST_MS = 50, USUAL_MS = 1000 };
  uint64_t interval = source->feed ? args->interval.milliseconds : USUAL_MS;
  if (args->every.milliseconds)
    return args->every.milliseconds;
  return interval > USUAL_MS ? USUAL_MS : interval < LEAST_MS ? LEAST_MS : interval;
}

/* Files of a series are named by the time: those of earlier lives come before. */
int64_t watch_base(const struct watch_source *source)
{
  size_t count = source->session ? hd_session_kept_count(source->session) : 0;
  if (!source->news.since_restart[0])
    return 0;
  for (size_t i = 0; i < count; i++) {
    const char *path = hd_session_kept_path(source->session, i), *base = strrchr(path, '/');
    if (strcmp(base ? base + 1 : path, source->news.since_restart) >= 0)
      return (int64_t)i + 1;
  }
  return 0;
}

/* --- snapshots ---------------------------------------------------------------------------- */

static int64_t ns_of(struct timespec time)
{
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Whether something that is named has changed since it was read. A directory's time is as
 * coarse as the kernel's clock tick: what was recent when it was last read is looked at again. */
static bool has_changed(struct watch_source *source)
{
  enum { RECENT_NS = 2000000000 };
  struct timespec now;
  int64_t newest = 0, looked_ns = source->looked_ns;
  clock_gettime(CLOCK_REALTIME, &now);
  source->looked_ns = ns_of(now);
  for (size_t i = 0; i < source->path_count; i++) {
    struct stat status;
    if (stat(source->paths[i], &status) == 0 && ns_of(status.st_mtim) > newest)
      newest = ns_of(status.st_mtim);
  }
  bool changed = !newest || newest != source->seen_ns || looked_ns - newest < RECENT_NS;
  source->seen_ns = newest;
  return changed;
}

/* The session that keeps what there is; an error that is its end leaves none. */
static bool open_session(struct watch_source *source, struct hd_error *error)
{
  struct hd_session_options options = input_options(source->input);
  options.measure = source->measure;
  options.newest = source->feed != NULL; /* of a service that restarts what it is now */
  options.progress = NULL;
  if (!hd_session_create(&options, &source->session, error))
    return false;
  if (hd_session_select(source->session, source->paths, source->path_count, error) &&
      hd_session_keep(source->session, error))
    return true;
  hd_session_destroy(source->session);
  source->session = NULL;
  return false;
}

size_t watch_refresh(struct watch_source *source)
{
  struct hd_error error = HD_ERROR_INIT;
  size_t read = 0;
  bool ending = !source->ended;
  look_for_end(source, false);
  ending &= source->ended;
  if (!ending && source->session && !has_changed(source))
    return 0;
  source->trouble[0] = '\0';
  if (is_older(source) || (source->feed && !source->news.snapshots))
    return 0;
  if (!source->session) {
    has_changed(source);
    if (open_session(source, &error))
      return hd_session_kept_count(source->session);
  } else if (hd_session_refresh(source->session, &read, &error)) {
    return read;
  }
  hd_error_format(&error, source->trouble, sizeof source->trouble);
  return 0;
}

void watch_end(struct watch_source *source)
{
  if (source->recorder) {
    kill(source->recorder, SIGTERM);
    watch_let_ends_interrupt(); /* a program that does not end is left by another Ctrl-C */
    look_for_end(source, true);
  }
  if (source->feed)
    watch_feed_end(source->feed);
  hd_session_destroy(source->session);
  source->session = NULL;
  free(source->older);
}
