/* What a program sees of its signals, and how it ends by them: one mode a run.
 * Prints "ready" when the signal may come. */
#include "site.h"

#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static SITE void *site_held(void)
{
  return malloc(1000);
}

static int say(const char *text)
{
  puts(text);
  return fflush(stdout);
}

/* The program's view: default, and default again after it was set. */
static void look(int number)
{
  struct sigaction action = {.sa_handler = SIG_IGN}, old;
  int seen = sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_DFL;
  seen += sigaction(number, &action, &old) == 0 && old.sa_handler == SIG_DFL;
  seen += signal(number, SIG_DFL) == SIG_IGN;
  seen += signal(number, SIG_DFL) == SIG_DFL;
  printf("%d\n", seen);
}

static void on_signal(int number)
{
  _exit(number == SIGTERM ? 7 : 8);
}

/* As a daemon does that keeps capabilities: libc would end it where another thread
 * cannot change its group any more. */
static int give_up_root(void)
{
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  if (getuid() != 0)
    return say("not root");
  if (prctl(PR_SET_KEEPCAPS, 1) != 0 || setgroups(0, NULL) != 0 || setresuid(65534, 65534, 65534) ||
      syscall(SYS_capget, &header, data) != 0)
    return 1;
  data[0].effective = data[0].permitted;
  if (syscall(SYS_capset, &header, data) != 0 || setresgid(65534, 65534, 65534) != 0)
    return 1;
  return say("changed");
}

int main(int argc, char **argv)
{
  const char *mode = argc > 1 ? argv[1] : "";
  for (int i = 0; i < 50; i++)
    KEEP(site_held());
  if (strcmp(mode, "identity") == 0)
    return give_up_root();
  if (strcmp(mode, "look") == 0) {
    look(SIGTERM);
    look(SIGINT);
    look(SIGHUP);
  }
  if (strcmp(mode, "own") == 0)
    signal(SIGTERM, on_signal);
  if (strcmp(mode, "ignored") == 0)
    signal(SIGTERM, SIG_IGN);
  say("ready");
  if (strcmp(mode, "ignored") == 0) {
    usleep(200000);
    return 0;
  }
  while (strcmp(mode, "busy") == 0)
    free(malloc(100));
  for (;;)
    pause();
}
