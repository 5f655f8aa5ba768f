#include "record/attach_check.h"

#include "record/elf_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The kernel lets its memory map be read by whoever may look into it. */
static bool check_access(pid_t pid, const struct hd_process_status *status, struct hd_error *error)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/maps", (long)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    close(fd);
    return true;
  }
  if (errno != EACCES && errno != EPERM)
    return hd_fail_input(error, "the process has ended");
  const struct passwd *user = getpwuid(status->uid);
  if (status->uid != geteuid())
    return hd_fail_input(error,
                         "belongs to user %s%s(%ld): run heapdiff as root (sudo), or as that "
                         "user",
                         user ? user->pw_name : "", user ? " " : "", (long)status->uid);
  return hd_fail_input(error,
                       "the kernel does not let you look into it, though it is yours: it has "
                       "privileges of its own, or has given some up (prctl(2), "
                       "PR_SET_DUMPABLE): run heapdiff as root (sudo)");
}

bool hd_attach_check_process(int64_t pid, struct hd_process_status *status, struct hd_error *error)
{
  if (pid <= 0 || pid > INT32_MAX)
    return hd_fail_usage(error, "%" PRId64 " is no process id", pid);
  if (!hd_process_status_read((pid_t)pid, status))
    return hd_fail_input(error, "there is no such process%s",
                         errno == EACCES || errno == EPERM ? " that you may look at" : "");
  if (status->process == getpid())
    return hd_fail_usage(error, "that is heapdiff itself");
  if (status->process != pid)
    return hd_fail_input(error, "is a thread of process %ld: name that", (long)status->process);
  if (status->state == 'Z' || status->state == 'X')
    return hd_fail_input(error, "has ended, and waits for its parent to take notice (a zombie)");
  if (status->kernel)
    return hd_fail_input(error, "is a thread of the kernel, which has no heap of the kind");
  if (status->state == 'T')
    return hd_fail_input(error,
                         "is stopped (SIGSTOP, or Ctrl-Z in its shell): let it go on with "
                         "kill -CONT %" PRId64 " first",
                         pid);
  return check_access((pid_t)pid, status, error);
}

static bool fail_tracer(pid_t tracer, struct hd_error *error)
{
  struct hd_process_status status;
  bool known = hd_process_status_read(tracer, &status);
  return hd_fail_input(error,
                       "is traced by %s (process %ld) already, a debugger or strace, and the "
                       "kernel allows one at a time: end that first",
                       known ? status.name : "another process", (long)tracer);
}

static bool read_facts(const char *path, struct hd_elf_facts *facts)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool good = fd >= 0 && hd_elf_facts_read(fd, facts);
  if (fd >= 0)
    close(fd);
  return good;
}

static bool program_facts(pid_t pid, struct hd_elf_facts *facts)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/exe", (long)pid);
  return read_facts(path, facts);
}

bool hd_attach_is_go(pid_t pid)
{
  struct hd_elf_facts facts;
  return program_facts(pid, &facts) && facts.go;
}

enum { START_LOOKS = 50, START_LOOK_NS = 10000000 };
enum libc { NO_LIBC, GLIBC, MUSL };

static enum libc find_libc(pid_t pid)
{
  struct hd_maps maps;
  struct hd_error ignored = HD_ERROR_INIT;
  enum libc found = NO_LIBC;
  if (!hd_maps_read(pid, &maps, &ignored))
    return NO_LIBC;
  for (size_t i = 0; i < maps.items.count && found != GLIBC; i++) {
    const char *slash = strrchr(maps.items.items[i].path, '/');
    if (!slash)
      continue;
    if (strcmp(slash, "/libc.so.6") == 0 || strncmp(slash, "/libc-2.", 8) == 0)
      found = GLIBC;
    else if (strstr(slash, "ld-musl") || strstr(slash, "libc.musl"))
      found = MUSL;
  }
  hd_maps_deinit(&maps);
  return found;
}

/* A program that was started just now has none yet. */
static enum libc await_libc(pid_t pid, const struct hd_elf_facts *program)
{
  struct timespec pause = {0, START_LOOK_NS};
  enum libc libc = find_libc(pid);
  for (int i = 0; i < START_LOOKS && libc == NO_LIBC && program->has_interpreter; i++) {
    nanosleep(&pause, NULL);
    libc = find_libc(pid);
  }
  return libc;
}

static bool check_libc(pid_t pid, const struct hd_elf_facts *program, struct hd_error *error)
{
  enum libc libc = await_libc(pid, program);
  if (libc == GLIBC)
    return true;
  if (program->go)
    return hd_fail_input(error, "is a Go program without a C library, so that no agent can be put "
                                "into it; its own heap is in its net/http/pprof: heapdiff record "
                                "HOST:PORT");
  if (libc == MUSL || strstr(program->interpreter, "ld-musl"))
    return hd_fail_input(error, "is linked with musl, the agent with glibc: no agent can be put "
                                "into it; link it with glibc to record it");
  if (program->has_interpreter)
    return hd_fail_input(error, "has no C library (libc.so.6) in it, so that no agent can be put "
                                "into it");
  return hd_fail_input(error, "is statically linked, so that no agent can be put into it: link it "
                              "dynamically (without -static) to record it");
}

bool hd_attach_check_code(pid_t pid, const struct hd_process_status *status, const char *agent,
                          struct hd_error *error)
{
  struct hd_elf_facts program, own;
  char mine[64], theirs[64];
  if (status->tracer)
    return fail_tracer(status->tracer, error);
  if (status->ignored >> (SIGTRAP - 1) & 1)
    return hd_fail_input(error,
                         "ignores SIGTRAP, by which a thread of it would be led: start it with "
                         "heapdiff record --dormant to wake the agent in it later");
  if (!program_facts(pid, &program))
    return hd_fail_input(error, "its program cannot be read: %s", strerror(errno));
  if (!read_facts(agent, &own) || !own.is_elf)
    return hd_fail_input(error, "the agent (%.400s) cannot be read: %s", agent, strerror(errno));
  if (program.machine != own.machine || program.word_size != own.word_size)
    return hd_fail_input(error,
                         "runs a program for %s, the agent is for %s: use a heapdiff that was "
                         "built for the program's architecture",
                         hd_elf_machine_name(&program, theirs, sizeof theirs),
                         hd_elf_machine_name(&own, mine, sizeof mine));
  return check_libc(pid, &program, error);
}
