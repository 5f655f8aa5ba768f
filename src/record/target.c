#include "record/target.h"

#include "base/arena.h"
#include "base/vec.h"

#include <heapdiff/record.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Everything that the child needs, made before the fork: between fork and exec
 * only async-signal-safe calls are allowed. */
struct launch {
  struct hd_arena arena;
  HD_VEC(char *) environment;
  HD_VEC(char *) shell_argv; /* sh, the script, its arguments */
  int agent_fd;
  int report[2]; /* read and write end of a pipe: errno of a failed exec */
};

static bool is_variable(const char *entry, const char *name)
{
  size_t length = strlen(name);
  return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

static bool is_replaced(const char *entry)
{
#define NAME(field, name, standard, least, most) name,
  static const char *const names[] = {"LD_PRELOAD", HD_ENV_MODE, HD_ENV_DIRECTORY, HD_ENV_STATUS,
                                      HD_SETTINGS(NAME)};
#undef NAME
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (is_variable(entry, names[i]))
      return true;
  return false;
}

/* LD_PRELOAD is split at blanks and colons and knows no escape (ld.so(8)): an
 * agent whose path has one is named by a descriptor of this process instead. */
static const char *preload_path(const struct hd_target *target, struct launch *launch)
{
  if (!strpbrk(target->agent, " \t\n:"))
    return target->agent;
  launch->agent_fd = open(target->agent, O_RDONLY | O_CLOEXEC);
  if (launch->agent_fd < 0)
    return NULL;
  return hd_arena_printf(&launch->arena, "/proc/%ld/fd/%d", (long)getpid(), launch->agent_fd);
}

static bool add(struct launch *launch, char *entry)
{
  return entry && hd_vec_push(&launch->environment, entry);
}

/* How it is recorded, or that it is not yet. */
static bool add_settings(const struct hd_target *target, struct launch *launch)
{
  struct hd_arena *arena = &launch->arena;
  if (!target->directory)
    return add(launch, hd_arena_printf(arena, HD_ENV_MODE "=" HD_MODE_OFF));
#define ENTRY(field, name, standard, least, most)                                                  \
  &&add(launch, hd_arena_printf(arena, name "=%" PRIu64, target->settings.field))
  return add(launch, hd_arena_printf(arena, HD_ENV_DIRECTORY "=%s", target->directory)) &&
         add(launch, hd_arena_printf(arena, HD_ENV_STATUS "=%s", target->status))
             HD_SETTINGS(ENTRY);
#undef ENTRY
}

static bool build_environment(const struct hd_target *target, struct launch *launch)
{
  const char *older = NULL;
  const char *preload = preload_path(target, launch);
  for (char **entry = environ; entry && *entry; entry++) {
    if (is_variable(*entry, "LD_PRELOAD"))
      older = strchr(*entry, '=') + 1;
    if (!is_replaced(*entry) && !add(launch, *entry))
      return false;
  }
  return preload &&
         add(launch, hd_arena_printf(&launch->arena, "LD_PRELOAD=%s%s%s", preload,
                                     older && *older ? ":" : "", older ? older : "")) &&
         add_settings(target, launch) && hd_vec_push(&launch->environment, NULL);
}

static bool build_shell_argv(const struct hd_target *target, struct launch *launch)
{
  char *path = hd_arena_copy(&launch->arena, target->path, strlen(target->path));
  char *shell = hd_arena_copy(&launch->arena, "/bin/sh", strlen("/bin/sh"));
  if (!path || !shell || !hd_vec_push(&launch->shell_argv, shell) ||
      !hd_vec_push(&launch->shell_argv, path))
    return false;
  for (char *const *argument = target->argv + 1; *argument; argument++)
    if (!hd_vec_push(&launch->shell_argv, *argument))
      return false;
  return hd_vec_push(&launch->shell_argv, NULL);
}

static void launch_deinit(struct launch *launch)
{
  hd_vec_deinit(&launch->environment);
  hd_vec_deinit(&launch->shell_argv);
  hd_arena_deinit(&launch->arena);
  for (int i = 0; i < 2; i++)
    if (launch->report[i] >= 0)
      close(launch->report[i]);
}

/* Returns only the errno of a failure. */
static int become(const struct hd_target *target, const struct launch *launch)
{
  if (target->child_action)
    sigaction(SIGCHLD, target->child_action, NULL);
  if (target->mask)
    pthread_sigmask(SIG_SETMASK, target->mask, NULL);
  execve(target->path, target->argv, launch->environment.items);
  if (errno == ENOEXEC && target->shell)
    execve("/bin/sh", launch->shell_argv.items, launch->environment.items);
  return errno;
}

/* 0 once the child has become the program (its end of the pipe closes on exec),
 * else the errno that it sent. */
static int await_exec(int fd)
{
  int why = 0;
  ssize_t got;
  do
    got = read(fd, &why, sizeof why);
  while (got < 0 && errno == EINTR);
  return got == (ssize_t)sizeof why ? why : 0;
}

static void reap(pid_t pid)
{
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
    continue;
}

static bool cannot_run(const struct hd_target *target, int why, int *exit_code,
                       struct hd_error *error)
{
  *exit_code = why == ENOENT ? HD_RECORD_NOT_FOUND : HD_RECORD_CANNOT_RUN;
  hd_fail_usage(error, "cannot be run: %s", strerror(why));
  return hd_error_in(error, target->path);
}

static bool start(const struct hd_target *target, struct launch *launch, pid_t *pid, int *exit_code,
                  struct hd_error *error)
{
  if (pipe2(launch->report, O_CLOEXEC) != 0)
    return hd_fail_internal(error, "no pipe to the new process: %s", strerror(errno));
  *pid = fork();
  if (*pid < 0)
    return hd_fail_internal(error, "no new process: %s", strerror(errno));
  if (*pid == 0) {
    int why = become(target, launch);
    ssize_t sent = write(launch->report[1], &why, sizeof why);
    _exit(sent == (ssize_t)sizeof why ? HD_RECORD_CANNOT_RUN : HD_RECORD_FAILED);
  }
  close(launch->report[1]);
  launch->report[1] = -1;
  int why = await_exec(launch->report[0]);
  if (!why)
    return true;
  reap(*pid);
  return cannot_run(target, why, exit_code, error);
}

/* A path that LD_PRELOAD cannot hold would need a descriptor that stays open, in the program
 * and in all that it starts. */
static bool has_plain_path(const struct hd_target *target, struct hd_error *error)
{
  if (!strpbrk(target->agent, " \t\n:"))
    return true;
  hd_fail_usage(error, "the agent's path has a blank or a colon, which LD_PRELOAD cannot hold: "
                       "install heapdiff elsewhere");
  return hd_error_in(error, target->agent);
}

bool hd_target_become(const struct hd_target *target, int *exit_code, struct hd_error *error)
{
  struct launch launch = {.agent_fd = -1, .report = {-1, -1}};
  *exit_code = HD_RECORD_FAILED;
  bool good = has_plain_path(target, error) &&
              ((build_environment(target, &launch) && build_shell_argv(target, &launch)) ||
               hd_fail_memory(error));
  if (good)
    cannot_run(target, become(target, &launch), exit_code, error);
  launch_deinit(&launch);
  return false;
}

bool hd_target_start(const struct hd_target *target, pid_t *pid, int *exit_code,
                     struct hd_error *error)
{
  struct launch launch = {.agent_fd = -1, .report = {-1, -1}};
  *exit_code = HD_RECORD_FAILED;
  bool good = (build_environment(target, &launch) && build_shell_argv(target, &launch)) ||
              hd_fail_memory(error);
  good = good && start(target, &launch, pid, exit_code, error);
  /* agent_fd stays open: processes that the target starts later need it. */
  if (!good && launch.agent_fd >= 0)
    close(launch.agent_fd);
  launch_deinit(&launch);
  return good;
}
