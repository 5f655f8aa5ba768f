#include "fault.h"

#include <heapdiff/error.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static void (*give_back)(void);

/* What follows runs in a signal's handler, wherever the program was: no stdio, no memory. */

static void say(const char *text)
{
  if (write(STDERR_FILENO, text, strlen(text)) < 0)
    return; /* nobody reads it */
}

static const char *hex(const char *text, uintptr_t *number)
{
  for (*number = 0;; text++) {
    if (*text >= '0' && *text <= '9')
      *number = *number * 16 + (uintptr_t)(*text - '0');
    else if (*text >= 'a' && *text <= 'f')
      *number = *number * 16 + (uintptr_t)(*text - 'a' + 10);
    else
      return text;
  }
}

/* Of a line of /proc/self/maps, "from-to rw-p offset device inode   path". */
static const char *path_at(const char *line, uintptr_t address)
{
  uintptr_t from, to;
  line = hex(line, &from);
  if (*line != '-')
    return NULL;
  hex(line + 1, &to);
  return address >= from && address < to ? strchr(line, '/') : NULL;
}

/* Into `line`, without the newline; what does not fit is cut. False: there is none. */
static bool next_line(int fd, char *line, size_t size)
{
  size_t length = 0;
  char byte;
  while (read(fd, &byte, 1) == 1) {
    if (byte == '\n') {
      line[length] = '\0';
      return true;
    }
    if (length + 1 < size)
      line[length++] = byte;
  }
  return false;
}

/* Other threads read the same file, and come here at the same time: one of them speaks. */
static void be_the_only_one(void)
{
  static bool taken;
  while (__atomic_exchange_n(&taken, true, __ATOMIC_ACQ_REL))
    pause();
}

static void on_fault(int number, siginfo_t *info, void *context)
{
  static char line[PATH_MAX + 128];
  be_the_only_one();
  int maps = info->si_code == BUS_ADRERR ? open("/proc/self/maps", O_RDONLY | O_CLOEXEC) : -1;
  (void)context;
  while (maps >= 0 && next_line(maps, line, sizeof line)) {
    const char *path = path_at(line, (uintptr_t)info->si_addr);
    if (!path)
      continue;
    if (give_back)
      give_back();
    say("heapdiff: ");
    say(path);
    say(": it became shorter while it was read, or its disk fails: run this again when it is "
        "whole\n");
    _exit(HD_ERROR_INPUT);
  }
  signal(number, SIG_DFL);
  if (info->si_code <= 0) /* somebody sent it; else it comes again from where it came */
    raise(number);
}

void fault_gives_back(void (*terminal)(void))
{
  give_back = terminal;
}

void fault_watch(void)
{
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, NULL);
}
