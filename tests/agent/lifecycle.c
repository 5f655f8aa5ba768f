/* What services do with their processes: `lifecycle MODE [PATH]`. */
#include "site.h"
#include "taken.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534, FDS = 256 };

static SITE void *site_early(size_t n)
{
  void *p = malloc(n);
  KEEP(p);
  return p;
}

static SITE void *site_late(size_t n)
{
  void *p = malloc(n);
  KEEP(p);
  return p;
}

static void allocate(void *(*site)(size_t))
{
  for (int i = 0; i < 10; i++)
    site(100);
}

static int give_up_root(void)
{
  if (getuid() != 0)
    return 0;
  return setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY);
}

/* As daemon(7) has it: two forks, a session, no descriptors, the root directory,
 * another user. It ends itself after a while. */
static int daemon_mode(void)
{
  allocate(site_early);
  pid_t child = fork();
  if (child != 0) {
    int status;
    return waitpid(child, &status, 0) != child || status != 0;
  }
  if (setsid() < 0)
    _exit(1);
  if (fork() != 0)
    _exit(0);
  for (int fd = 0; fd < FDS; fd++)
    close(fd);
  umask(0);
  if (chdir("/") != 0 || give_up_root() != 0)
    _exit(1);
  int null = open("/dev/null", O_RDWR);
  if (null != 0 || dup(null) != 1 || dup(null) != 2)
    _exit(1); /* a descriptor of somebody else's was in the way */
  allocate(site_late);
  for (int i = 0; i < 50; i++) {
    free(site_early(10));
    usleep(10000);
  }
  exit(0);
}

static int chroot_mode(const char *directory)
{
  allocate(site_early);
  wait_until_taken(4);
  if (chroot(directory) != 0 || chdir("/") != 0)
    return 3;
  allocate(site_late);
  usleep(200000);
  return puts("served") < 0;
}

/* What system(3) and popen(3) do, too: neither fork's handlers nor execve's hook
 * is called. */
static int spawn_mode(const char *self)
{
  char *const arguments[] = {(char *)self, (char *)"users", NULL};
  allocate(site_early);
  for (int i = 0; i < 10; i++) {
    pid_t child;
    int status;
    if (posix_spawn(&child, self, NULL, NULL, arguments, environ) != 0 ||
        waitpid(child, &status, 0) != child || status != 0)
      return 1;
  }
  allocate(site_late);
  return system("exit 3") == 3 << 8 ? 0 : 1;
}

static int abort_mode(void)
{
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  allocate(site_early);
  wait_until_taken(4);
  abort();
}

static int users_mode(void)
{
  allocate(site_early);
  printf("%d %d\n", (int)getuid(), (int)geteuid());
  return 0;
}

int main(int argc, char **argv)
{
  const char *mode = argc > 1 ? argv[1] : "";
  if (!strcmp(mode, "daemon"))
    return daemon_mode();
  if (!strcmp(mode, "chroot") && argc > 2)
    return chroot_mode(argv[2]);
  if (!strcmp(mode, "spawn"))
    return spawn_mode(argv[0]);
  if (!strcmp(mode, "abort"))
    return abort_mode();
  if (!strcmp(mode, "users"))
    return users_mode();
  return 2;
}
