/* Asks for snapshots in all the ways there are: `triggers MODE`. Prints "ready"
 * when a signal may come. */
#include "site.h"
#include "taken.h"

#include <heapdiff/agent.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MB = 1024 * 1024 };

static SITE void *site_held(size_t n)
{
  void *p = malloc(n);
  KEEP(p);
  return p;
}

static int say(const char *text)
{
  puts(text);
  return fflush(stdout);
}

/* Before, between and after; a child asks, too. */
static int api_mode(void)
{
  printf("recording %d\n", heapdiff_recording());
  site_held(100);
  printf("first %d\n", heapdiff_snapshot("warm \"up\""));
  site_held(1000);
  printf("second %d\n", heapdiff_snapshot(NULL));
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    site_held(10);
    _exit(heapdiff_snapshot("child") ? 1 : 0);
  }
  int status;
  waitpid(child, &status, 0);
  child = vfork();
  if (child == 0)
    _exit(heapdiff_recording() ? 3 : 4);
  int vforked;
  waitpid(child, &vforked, 0);
  printf("child %d vfork %d\n", WEXITSTATUS(status), WEXITSTATUS(vforked));
  return 0;
}

static void *ask(void *unused)
{
  (void)unused;
  for (int i = 0; i < 20; i++)
    if (heapdiff_snapshot("many") != 0)
      abort();
  return NULL;
}

static int threads_mode(void)
{
  pthread_t threads[3];
  for (int i = 0; i < 3; i++)
    pthread_create(&threads[i], NULL, ask, NULL);
  for (int i = 0; i < 3; i++)
    pthread_join(threads[i], NULL);
  return 0;
}

static void *ask_on(void *unused)
{
  (void)unused;
  while (heapdiff_snapshot("many") == 0)
    ;
  return NULL;
}

static void *end(void *unused)
{
  (void)unused;
  _exit(0);
}

/* The program ends, in two threads at once, while others ask. */
static int end_mode(void)
{
  pthread_t threads[4];
  for (int i = 0; i < 3; i++)
    pthread_create(&threads[i], NULL, ask_on, NULL);
  usleep(30000);
  pthread_create(&threads[3], NULL, end, NULL);
  return 0;
}

static volatile sig_atomic_t handled;

static void own(int number)
{
  (void)number;
  handled++;
}

/* The program's view of the signal, before and after it takes it for itself. */
static int own_signal_mode(void)
{
  struct sigaction old;
  sigaction(SIGUSR2, NULL, &old);
  printf("default %d\n", old.sa_handler == SIG_DFL);
  printf("default %d\n", signal(SIGUSR2, own) == SIG_DFL);
  raise(SIGUSR2);
  printf("handled %d\n", (int)handled);
  sigaction(SIGUSR2, NULL, &old);
  printf("own %d\n", old.sa_handler == own);
  return 0;
}

/* A system call that is asked in the middle of goes on. */
static int signal_mode(void)
{
  char byte;
  site_held(100);
  say("ready");
  ssize_t got = read(0, &byte, 1);
  printf("read %zd\n", got);
  return 0;
}

/* More than there is room for, maybe. */
static int fill_mode(void)
{
  for (int i = 0; i < 20; i++)
    heapdiff_snapshot("many");
  return 0;
}

/* Grows to 58/60 of the limit that it was given, and waits for so many snapshots. */
static int limit_mode(int wanted)
{
  for (int i = 0; i < 58; i++) {
    void *block = site_held(10 * MB);
    if (!block) {
      say("full");
      break;
    }
    memset(block, 1, 4096);
    usleep(10000);
  }
  wait_until_taken(wanted);
  return 0;
}

/* Touches so many megabytes, slowly, in so many processes at once. Each waits where it has
 * `pause` of them until there are `wanted` snapshots of all. */
static int grow_mode(int megabytes, int processes, int pause, int wanted)
{
  for (int i = 1; i < processes; i++)
    if (fork() == 0)
      break;
  for (int i = 0; i < megabytes; i += 2) {
    void *block = site_held(2 * MB);
    if (block)
      memset(block, 1, 2 * MB);
    if (i + 2 == pause)
      wait_for_taken(wanted, 1);
    usleep(10000u * (unsigned)processes);
  }
  while (waitpid(-1, NULL, 0) > 0)
    continue;
  return 0;
}

int main(int argc, char **argv)
{
  const char *mode = argc > 1 ? argv[1] : "";
  setvbuf(stdout, NULL, _IONBF, 0);
  if (!strcmp(mode, "api"))
    return api_mode();
  if (!strcmp(mode, "threads"))
    return threads_mode();
  if (!strcmp(mode, "end"))
    return end_mode();
  if (!strcmp(mode, "own"))
    return own_signal_mode();
  if (!strcmp(mode, "signal"))
    return signal_mode();
  if (!strcmp(mode, "fill"))
    return fill_mode();
  if (!strcmp(mode, "limit"))
    return limit_mode(argc > 2 ? atoi(argv[2]) : 0);
  if (!strcmp(mode, "grow") && argc > 5)
    return grow_mode(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), atoi(argv[5]));
  return 2;
}
