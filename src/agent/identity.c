/* Changing the user or group. libc makes the change in every thread and ends the
 * program where one thread cannot follow, as the agent's cannot once the program
 * has taken capabilities for its own thread alone: so that thread is ended first.
 * The next recorded allocation starts it again, as the new user. */
#include "hooks.h"
#include "next.h"
#include "ticker.h"

#include <errno.h>
#include <grp.h>
#include <unistd.h>

/* One hook a function, alike but for the parameters. */
#define HOOK(name, parameters, arguments)                                                          \
  HD_EXPORT int name parameters                                                                    \
  {                                                                                                \
    int(*next) parameters = (int(*) parameters)(uintptr_t)hd_next_find(#name);                     \
    hd_ticker_stop(false);                                                                         \
    int result = next ? next arguments : (errno = ENOSYS, -1);                                     \
    hd_ticker_resume();                                                                            \
    return result;                                                                                 \
  }

HOOK(setuid, (uid_t user), (user))
HOOK(setgid, (gid_t group), (group))
HOOK(seteuid, (uid_t user), (user))
HOOK(setegid, (gid_t group), (group))
HOOK(setreuid, (uid_t real, uid_t effective), (real, effective))
HOOK(setregid, (gid_t real, gid_t effective), (real, effective))
HOOK(setresuid, (uid_t real, uid_t effective, uid_t saved), (real, effective, saved))
HOOK(setresgid, (gid_t real, gid_t effective, gid_t saved), (real, effective, saved))
HOOK(setgroups, (size_t count, const gid_t *groups), (count, groups))
HOOK(initgroups, (const char *user, gid_t group), (user, group))
