#include "symbols/isolated.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Past any answer: a million addresses make some 100 MB. */
#define MOST_ANSWER ((uint64_t)1 << 30)

/* Exit statuses of the child. */
enum { FINE = 0, NO_MEMORY = 3 };

int hd_isolated_seconds = HD_ISOLATED_SECONDS;
void (*hd_isolated_hook)(int fd);

/* --- in the child */

/* RLIMIT_DATA counts what a process can write and shares with nobody, so that a large file
 * may still be mapped; what the parent has of it is added. A sanitizer maps terabytes. */
static void limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
  char text[256];
  unsigned long pages = 0;
  int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  if (fd >= 0)
    close(fd);
  text[size > 0 ? size : 0] = '\0';
  if (sscanf(text, "%*u %*u %*u %*u %*u %lu", &pages) != 1)
    return;
  rlim_t most = pages * (rlim_t)sysconf(_SC_PAGESIZE) + HD_ISOLATED_BYTES;
  struct rlimit limit;
  if (getrlimit(RLIMIT_DATA, &limit) != 0 || limit.rlim_cur <= most)
    return;
  limit.rlim_cur = most;
  setrlimit(RLIMIT_DATA, &limit);
#endif
}

static void prepare(pid_t parent)
{
  static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
    signal(crashes[i], SIG_DFL);
  prctl(PR_SET_DUMPABLE, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(FINE);
  limit_memory();
}

static bool write_all(int fd, const void *data, size_t size)
{
  for (size_t done = 0; done < size;) {
    ssize_t put = write(fd, (const char *)data + done, size - done);
    if (put < 0 && errno != EINTR)
      return false;
    done += put > 0 ? (size_t)put : 0;
  }
  return true;
}

__attribute__((noreturn)) static void be_child(int fd, bool (*work)(void *, struct hd_buffer *),
                                               void *context)
{
  struct hd_buffer answer = HD_BUFFER_INIT;
  if (hd_isolated_hook)
    hd_isolated_hook(fd);
  if (!work(context, &answer) || answer.failed)
    _exit(NO_MEMORY);
  uint64_t size = answer.length;
  write_all(fd, answer.data, answer.length);
  write_all(fd, &size, sizeof size); /* last: what lacks it is not whole */
  _exit(FINE);
}

void hd_isolated_start(struct hd_isolated *child,
                       bool (*work)(void *context, struct hd_buffer *answer), void *context)
{
  int ends[2];
  pid_t parent = getpid();
  *child = (struct hd_isolated){.pid = -1, .fd = -1};
  if (pipe2(ends, O_CLOEXEC) != 0) {
    child->error = errno;
    return;
  }
  child->pid = fork();
  child->error = errno;
  if (child->pid == 0) {
    prepare(parent);
    be_child(ends[1], work, context);
  }
  close(ends[1]);
  child->fd = ends[0];
}

/* --- in the parent */

static int64_t now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum reading { READ_ALL, TOO_LATE, TOO_MUCH, NO_SPACE };

static enum reading read_answer(int fd, struct hd_buffer *answer)
{
  char block[1 << 16];
  int64_t end = now_ms() + (int64_t)hd_isolated_seconds * 1000;
  for (;;) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int64_t left = end - now_ms();
    if (left <= 0)
      return TOO_LATE;
    if (poll(&ready, 1, (int)left) <= 0)
      continue;
    ssize_t got = read(fd, block, sizeof block);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return READ_ALL;
    hd_buffer_append(answer, block, (size_t)got);
    if (answer->failed)
      return NO_SPACE;
    if (answer->length > MOST_ANSWER)
      return TOO_MUCH;
  }
}

static bool is_whole(struct hd_buffer *answer)
{
  uint64_t size;
  if (answer->length < sizeof size)
    return false;
  memcpy(&size, answer->data + answer->length - sizeof size, sizeof size);
  if (size != answer->length - sizeof size)
    return false;
  answer->length = size;
  return true;
}

/* -1 where somebody else has reaped it: a program may ignore SIGCHLD. */
static int wait_for(pid_t pid)
{
  int status;
  pid_t got;
  do {
    got = waitpid(pid, &status, 0);
  } while (got < 0 && errno == EINTR);
  return got == pid ? status : -1;
}

static void say_end(enum reading reading, int status, char reason[HD_REASON])
{
  char how[64] = "";
  if (reading == TOO_LATE)
    snprintf(how, sizeof how, "kept the ELF library busy for %d seconds", hd_isolated_seconds);
  else if (status >= 0 && WIFSIGNALED(status) && reading == READ_ALL)
    snprintf(how, sizeof how, "crashed the ELF library (signal %d)", WTERMSIG(status));
  else if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == NO_MEMORY)
    snprintf(how, sizeof how, "made the ELF library run out of memory");
  else
    snprintf(how, sizeof how, "confused the ELF library");
  snprintf(reason, HD_REASON, "%s: its symbols are left out", how);
}

bool hd_isolated_finish(struct hd_isolated *child, struct hd_buffer *answer, char reason[HD_REASON])
{
  *answer = (struct hd_buffer)HD_BUFFER_INIT;
  reason[0] = '\0';
  if (child->pid < 0) {
    snprintf(reason, HD_REASON,
             "is no ordinary ELF file, and no process can be started that "
             "reads it: %s",
             strerror(child->error));
    if (child->fd >= 0)
      close(child->fd);
    return false;
  }
  enum reading reading = read_answer(child->fd, answer);
  if (reading != READ_ALL) /* it has the pipe, and so its number, still */
    kill(child->pid, SIGKILL);
  int status = wait_for(child->pid);
  close(child->fd);
  if (reading == NO_SPACE)
    return false;
  if (reading == READ_ALL && is_whole(answer))
    return true;
  say_end(reading, status, reason);
  return false;
}
