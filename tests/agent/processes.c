/* Forks, execs and ends in all the ways there are: `processes MODE`. */
#include "site.h"
#include "taken.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

SITE void *site_parent(size_t n)
{
  void *p = malloc(n);
  KEEP(p);
  return p;
}
SITE void *site_child(size_t n)
{
  void *p = malloc(n);
  KEEP(p);
  return p;
}

static int wait_for(pid_t child)
{
  int status;
  if (waitpid(child, &status, 0) != child)
    return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int fork_mode(void)
{
  void *inherited = site_parent(1000);
  site_parent(500);
  pid_t child = fork();
  if (child == 0) {
    free(inherited);
    site_child(70);
    exit(7);
  }
  site_parent(1);
  return wait_for(child) == 7 ? 0 : 1;
}

/* A child that libc knows nothing of. */
static int clone_mode(void)
{
  site_parent(1000);
  long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    for (int i = 0; i < 1000; i++)
      site_child(70);
    _exit(7);
  }
  return wait_for((pid_t)child) == 7 ? 0 : 1;
}

static int exec_mode(const char *self)
{
  site_parent(300);
  execl("/nonexistent/program", "x", (char *)NULL);
  execlp("no-such-program-anywhere", "x", (char *)NULL);
  execl(self, self, "leaf", "two words", (char *)NULL);
  return 1;
}

/* An exec that fails: an argument is too long. */
static void *exec_in_vain(void *self)
{
  enum { TOO_LONG = 1 << 18 };
  char *argument = malloc(TOO_LONG);
  memset(argument, 'x', TOO_LONG - 1);
  argument[TOO_LONG - 1] = '\0';
  for (;;)
    execl(self, self, argument, (char *)NULL);
  return NULL;
}

/* Ends in one thread while others try, again and again, to become another program. */
static int exec_exit_mode(char *self)
{
  pthread_t threads[2];
  for (int i = 0; i < 2; i++)
    pthread_create(&threads[i], NULL, exec_in_vain, self);
  usleep(20000);
  return 0;
}

static int vfork_mode(const char *self)
{
  site_parent(300);
  for (int i = 0; i < 20; i++) {
    pid_t child = vfork();
    if (child == 0) {
      if (i % 2)
        execl(self, self, "leaf", (char *)NULL);
      _exit(0);
    }
    if (wait_for(child) != 0)
      return 1;
  }
  return 0;
}

static void *end_process(void *unused)
{
  (void)unused;
  site_child(10);
  usleep(50000); /* the agent's thread is up by then, and not counted */
  exit(5);
}

static int thread_exit_mode(void)
{
  pthread_t thread;
  site_parent(20);
  pthread_create(&thread, NULL, end_process, NULL);
  pause();
  return 1;
}

/* What setproctitle does: arguments and environment are one piece of memory. */
static int title_mode(char **argv, char **environment)
{
  char *end = argv[0];
  for (char **at = environment; *at; at++)
    end = *at + strlen(*at) + 1;
  site_parent(20);
  memset(argv[0], 'x', (size_t)(end - argv[0]) - 1);
  pid_t child = fork();
  if (child == 0) {
    site_child(10);
    exit(0);
  }
  return wait_for(child);
}

static int closed_mode(int wanted)
{
  for (int round = 0; round < 200; round++) {
    for (int fd = 3; fd < 64; fd++)
      if (close(fd) == 0)
        return 9; /* somebody else's file descriptor was to be seen */
    site_parent(10);
    usleep(1000);
  }
  wait_until_taken(wanted);
  return 0;
}

static volatile bool stop;

static void *churn(void *unused)
{
  (void)unused;
  void *blocks[64] = {0};
  for (unsigned i = 0; !stop; i = (i + 1) % 64) {
    free(blocks[i]);
    blocks[i] = site_parent(16 + i * 8);
  }
  for (unsigned i = 0; i < 64; i++)
    free(blocks[i]);
  return NULL;
}

static void *open_and_close(void *path)
{
  while (!stop) {
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
      abort();
    void *(*leak)(size_t) = (void *(*)(size_t))dlsym(handle, "plugin_alloc");
    free(leak(32));
    dlclose(handle);
  }
  return NULL;
}

/* `forks` forks, and so many snapshots, under three threads that allocate; with a plugin
 * a fourth opens and closes it all the time. */
static int storm_mode(int forks, int wanted, char *plugin)
{
  pthread_t threads[4];
  int count = 3;
  for (int i = 0; i < 3; i++)
    pthread_create(&threads[i], NULL, churn, NULL);
  if (plugin)
    pthread_create(&threads[count++], NULL, open_and_close, plugin);
  for (int i = 0; i < forks; i++) {
    pid_t child = fork();
    if (child == 0) {
      free(site_child(100));
      syscall(SYS_exit_group, 0);
    }
    if (wait_for(child) != 0)
      return 1;
  }
  wait_until_taken(wanted);
  stop = true;
  for (int i = 0; i < count; i++)
    pthread_join(threads[i], NULL);
  return 0;
}

static void *short_lived(void *unused)
{
  (void)unused;
  site_child(8);
  return NULL;
}

static int threads_mode(void)
{
  for (int i = 0; i < 2000; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, short_lived, NULL);
    pthread_join(thread, NULL);
  }
  return 0;
}

static int limit_mode(void)
{
  struct rlimit limit = {512, 512};
  for (int i = 0; i < 50; i++)
    for (int k = 0; k < 4; k++)
      site_parent((size_t)i);
  if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
    return 1;
  usleep(100000);
  return 0;
}

int main(int argc, char **argv, char **environment)
{
  const char *mode = argc > 1 ? argv[1] : "";
  if (!strcmp(mode, "fork"))
    return fork_mode();
  if (!strcmp(mode, "clone"))
    return clone_mode();
  if (!strcmp(mode, "exec"))
    return exec_mode(argv[0]);
  if (!strcmp(mode, "exec_exit"))
    return exec_exit_mode(argv[0]);
  if (!strcmp(mode, "vfork"))
    return vfork_mode(argv[0]);
  if (!strcmp(mode, "thread_exit"))
    return thread_exit_mode();
  if (!strcmp(mode, "title"))
    return title_mode(argv, environment);
  if (!strcmp(mode, "closed"))
    return closed_mode(argc > 2 ? atoi(argv[2]) : 0);
  if (!strcmp(mode, "storm") && argc > 3)
    return storm_mode(atoi(argv[2]), atoi(argv[3]), argc > 4 ? argv[4] : NULL);
  if (!strcmp(mode, "threads"))
    return threads_mode();
  if (!strcmp(mode, "limit"))
    return limit_mode();
  if (!strcmp(mode, "_exit")) {
    site_parent(11);
    _exit(3);
  }
  if (!strcmp(mode, "_Exit")) {
    site_parent(11);
    _Exit(3);
  }
  if (!strcmp(mode, "quick_exit")) {
    site_parent(11);
    quick_exit(3);
  }
  if (!strcmp(mode, "abort")) {
    site_parent(11);
    wait_until_taken(2);
    raise(SIGKILL);
  }
  if (!strcmp(mode, "leaf")) {
    site_child(40);
    return 0;
  }
  if (!strcmp(mode, "endless"))
    for (size_t i = 0;; i = (i + 1) % 4000)
      free(site_parent(i));
  return 2;
}
