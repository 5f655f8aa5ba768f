/* Before a program gives its process to another, a last snapshot of it. */
#include "hooks.h"
#include "next.h"
#include "series.h"
#include "snapshot.h"
#include "state.h"
#include "sys.h"

#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

enum { MAX_ARGUMENTS = 1 << 20 };

#define NEXT(name) ((__typeof__(&name))(uintptr_t)hd_next_find(#name))

/* Whether the series was closed. A vfork's child is still in its parent's memory and
 * has no heap of its own; a forked child that did nothing yet has nothing to tell, but
 * its thread may be about to. An exec that is sure to fail is let through. */
static bool close_before(const char *path)
{
  if (!hd_is_on() || hd_self.busy || !hd_series_is_own_process())
    return false;
  if (path && hd_sys3(SYS_faccessat, AT_FDCWD, path, X_OK) != 0)
    return false;
  return hd_snapshot_close("exec", true);
}

/* It came back: it failed. */
static int settle(bool closed, int result)
{
  int saved = errno;
  if (closed)
    hd_snapshot_reopen();
  errno = saved;
  return result;
}

static int no_function(void)
{
  errno = ENOSYS;
  return -1;
}

static int run(const char *path, char *const arguments[], char *const environment[])
{
  int (*next)(const char *, char *const[], char *const[]) = NEXT(execve);
  if (!next)
    return no_function();
  bool closed = close_before(path);
  return settle(closed, next(path, arguments, environment));
}

static int run_searched(const char *file, char *const arguments[], char *const environment[])
{
  int (*next)(const char *, char *const[], char *const[]) = NEXT(execvpe);
  if (!next)
    return no_function();
  bool closed = close_before(NULL);
  return settle(closed, next(file, arguments, environment));
}

HD_EXPORT int execve(const char *path, char *const arguments[], char *const environment[])
{
  return run(path, arguments, environment);
}

HD_EXPORT int execv(const char *path, char *const arguments[])
{
  return run(path, arguments, environ);
}

HD_EXPORT int execvp(const char *file, char *const arguments[])
{
  return run_searched(file, arguments, environ);
}

HD_EXPORT int execvpe(const char *file, char *const arguments[], char *const environment[])
{
  return run_searched(file, arguments, environment);
}

HD_EXPORT int fexecve(int fd, char *const arguments[], char *const environment[])
{
  int (*next)(int, char *const[], char *const[]) = NEXT(fexecve);
  if (!next)
    return no_function();
  bool closed = close_before(NULL);
  return settle(closed, next(fd, arguments, environment));
}

HD_EXPORT int execveat(int fd, const char *path, char *const arguments[], char *const environment[],
                       int flags)
{
  int (*next)(int, const char *, char *const[], char *const[], int) = NEXT(execveat);
  if (!next)
    return no_function();
  bool closed = close_before(NULL);
  return settle(closed, next(fd, path, arguments, environment, flags));
}

/* The arguments of execl and its kin as an array on this stack, which the caller
 * leaves by the exec or by a failure. */
#define COUNT_ARGUMENTS(first, count)                                                              \
  do {                                                                                             \
    va_list list;                                                                                  \
    va_start(list, first);                                                                         \
    for (count = 1; count < MAX_ARGUMENTS && va_arg(list, char *); count++)                        \
      ;                                                                                            \
    va_end(list);                                                                                  \
  } while (0)

#define FILL_ARGUMENTS(list, first, array, count)                                                  \
  do {                                                                                             \
    array[0] = (char *)(uintptr_t)first;                                                           \
    for (size_t i = 1; i <= count; i++)                                                            \
      array[i] = i < count ? va_arg(list, char *) : NULL;                                          \
  } while (0)

HD_EXPORT int execl(const char *path, const char *first, ...)
{
  size_t count;
  COUNT_ARGUMENTS(first, count);
  char **arguments = alloca((count + 1) * sizeof *arguments);
  va_list list;
  va_start(list, first);
  FILL_ARGUMENTS(list, first, arguments, count);
  va_end(list);
  return run(path, arguments, environ);
}

HD_EXPORT int execlp(const char *file, const char *first, ...)
{
  size_t count;
  COUNT_ARGUMENTS(first, count);
  char **arguments = alloca((count + 1) * sizeof *arguments);
  va_list list;
  va_start(list, first);
  FILL_ARGUMENTS(list, first, arguments, count);
  va_end(list);
  return run_searched(file, arguments, environ);
}

HD_EXPORT int execle(const char *path, const char *first, ...)
{
  size_t count;
  COUNT_ARGUMENTS(first, count);
  char **arguments = alloca((count + 1) * sizeof *arguments);
  va_list list;
  va_start(list, first);
  FILL_ARGUMENTS(list, first, arguments, count);
  va_arg(list, char *); /* the NULL */
  char *const *environment = va_arg(list, char *const *);
  va_end(list);
  return run(path, arguments, environment);
}
