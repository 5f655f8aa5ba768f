/* Maps, unmaps and remaps anonymous memory: `mappings`. Prints what each function
 * holds at the end: bytes and mappings. */
#include "site.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MB ((size_t)1 << 20)

static void *map(size_t size, int protection, int flags)
{
  void *p = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  if (p == MAP_FAILED)
    abort();
  return p;
}

static SITE void *site_plain(size_t size)
{
  void *p = map(size, PROT_READ | PROT_WRITE, 0);
  KEEP(p);
  return p;
}

static SITE void *site_cut(size_t size)
{
  void *p = map(size, PROT_READ | PROT_WRITE, 0);
  KEEP(p);
  return p;
}

static SITE void *site_reserved(size_t size)
{
  void *p = map(size, PROT_NONE, MAP_NORESERVE);
  KEEP(p);
  return p;
}

/* Not by map: its own place. */
static SITE void *site_over(void *at, size_t size)
{
  void *p = mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  KEEP(p);
  return p;
}

static SITE void *site_file(void *at, size_t size)
{
  int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  void *p = mmap(at, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
  close(fd);
  KEEP(p);
  return p;
}

static SITE void *site_grown(void *old, size_t old_size, size_t size)
{
  void *p = mremap(old, old_size, size, MREMAP_MAYMOVE);
  KEEP(p);
  return p;
}

static SITE void *site_small(size_t size)
{
  void *p = map(size, PROT_READ | PROT_WRITE, 0);
  KEEP(p);
  return p;
}

static SITE void *site_thread(size_t size)
{
  void *p = map(size, PROT_READ | PROT_WRITE, 0);
  KEEP(p);
  return p;
}

static void *churn(void *unused)
{
  (void)unused;
  for (int i = 0; i < 2000; i++)
    munmap(site_thread(2 * MB), 2 * MB);
  site_thread(3 * MB);
  return NULL;
}

static void *allocate(void *unused)
{
  (void)unused;
  for (int i = 0; i < 20; i++)
    KEEP(malloc(100));
  return NULL;
}

/* Threads map and unmap while the process forks. */
static void storm(void)
{
  pthread_t threads[4];
  for (int i = 0; i < 3; i++)
    pthread_create(&threads[i], NULL, churn, NULL);
  pthread_create(&threads[3], NULL, allocate, NULL);
  for (int i = 0; i < 50; i++) {
    pid_t child = fork();
    if (child == 0) {
      munmap(site_thread(2 * MB), 2 * MB);
      _exit(0);
    }
    int status;
    if (waitpid(child, &status, 0) != child || status != 0)
      abort();
  }
  for (int i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
}

int main(void)
{
  site_plain(5 * MB);
  munmap(site_plain(7 * MB), 7 * MB);
  char *cut = site_cut(10 * MB);
  munmap(cut + 2 * MB, MB);         /* two parts */
  munmap(cut + 8 * MB + 1, MB);     /* refused: not at a page */
  munmap(cut + 9 * MB, 4096 + 100); /* whole pages: two go */
  site_reserved(64 * MB);
  site_over(cut, 2 * MB);
  site_file(cut + 4 * MB, MB); /* takes a part away */
  site_grown(site_plain(2 * MB), 2 * MB, 6 * MB);
  site_grown(site_small(MB / 2), MB / 2, 4 * MB);
  if (mremap(site_plain(MB), MB, 2 * MB, 64) != MAP_FAILED || errno != EINVAL)
    return 3;
  if (mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED || errno != EINVAL)
    return 4;
  errno = 0;
  if (mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, -1, 1) != MAP_FAILED || errno != EINVAL)
    return 5;
  if (munmap((void *)(uintptr_t)1, 4096) != -1 || errno != EINVAL)
    return 6;
  storm();
  printf("site_plain %zu 2\n", 6 * MB);
  printf("site_cut %zu 3\n", 10 * MB - MB - 8192 - 2 * MB - MB);
  printf("site_over %zu 1\n", 2 * MB);
  printf("site_grown %zu 2\n", 10 * MB);
  printf("site_thread %zu 3\n", 9 * MB);
  return 0;
}
