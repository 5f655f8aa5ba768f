/* Calls every entry point of the allocator and says what must have been counted:
 * a line a site, "name live_bytes live_objects alloc_bytes alloc_objects". */
#include "site.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile size_t huge = PTRDIFF_MAX - 4096;

SITE void *site_malloc(size_t n)
{
  void *p = malloc(n);
  KEEP(p);
  return p;
}
SITE void *site_calloc(size_t c, size_t n)
{
  void *p = calloc(c, n);
  KEEP(p);
  return p;
}
SITE void *site_realloc(void *q, size_t n)
{
  void *p = realloc(q, n);
  KEEP(p);
  return p;
}
SITE void *site_realloc_fails(void *q, size_t n)
{
  void *p = realloc(q, n);
  KEEP(p);
  return p;
}
SITE void *site_reallocarray(void *q, size_t c, size_t n)
{
  void *p = reallocarray(q, c, n);
  KEEP(p);
  return p;
}
SITE void *site_posix_memalign(size_t a, size_t n)
{
  void *p = NULL;
  int error = posix_memalign(&p, a, n);
  KEEP(p);
  return error ? NULL : p;
}
SITE void *site_aligned_alloc(size_t a, size_t n)
{
  void *p = aligned_alloc(a, n);
  KEEP(p);
  return p;
}
SITE void *site_memalign(size_t a, size_t n)
{
  void *p = memalign(a, n);
  KEEP(p);
  return p;
}
SITE void *site_valloc(size_t n)
{
  void *p = valloc(n);
  KEEP(p);
  return p;
}
SITE void *site_pvalloc(size_t n)
{
  void *p = pvalloc(n);
  KEEP(p);
  return p;
}
SITE char *site_strdup(const char *s)
{
  char *p = strdup(s);
  KEEP(p);
  return p;
}
SITE void *site_kept_after_failure(size_t n)
{
  void *p = malloc(n);
  KEEP(p);
  return p;
}
SITE void *site_freed(size_t n)
{
  void *p = malloc(n);
  KEEP(p);
  return p;
}

static void expect(const char *name, long live, long objects, long bytes, long allocated)
{
  printf("%s %ld %ld %ld %ld\n", name, live, objects, bytes, allocated);
}

static void many(void)
{
  long live = 0, objects = 0, bytes = 0;
  for (size_t i = 0; i < 2000; i++) {
    size_t n = i * 37 % 5000;
    void *p = site_malloc(n);
    bytes += (long)n;
    if (i % 3 == 0) {
      free(p);
    } else {
      live += (long)n;
      objects++;
    }
  }
  expect("site_malloc", live, objects, bytes, 2000);
}

static void reallocations(void)
{
  void *p = site_realloc(NULL, 100);
  p = site_realloc(p, 200);
  p = site_realloc(p, 300000);
  void *q = site_realloc(NULL, 77);
  free(site_realloc(p, 50));
  expect("site_realloc", 77, 1, 100 + 200 + 300000 + 77 + 50, 5);
  (void)q;

  void *gone = site_freed(10);
  if (realloc(gone, 0) != NULL)
    abort();
  free(site_freed(20));
  expect("site_freed", 0, 0, 30, 2);

  void *kept = site_kept_after_failure(123);
  if (site_realloc_fails(kept, huge) != NULL || errno != ENOMEM)
    abort();
  if (reallocarray(kept, SIZE_MAX / 2, 3) != NULL)
    abort();
  expect("site_kept_after_failure", 123, 1, 123, 1);
  expect("site_realloc_fails", 0, 0, 0, 0);

  void *array = site_reallocarray(NULL, 10, 24);
  array = site_reallocarray(array, 20, 24);
  expect("site_reallocarray", 480, 1, 240 + 480, 2);
}

static void alignments(void)
{
  void *p = site_posix_memalign(64, 1000);
  if (!p || (uintptr_t)p % 64 || site_posix_memalign(3, 10))
    abort();
  free(site_posix_memalign(4096, 5));
  expect("site_posix_memalign", 1000, 1, 1005, 2);
  if ((uintptr_t)site_aligned_alloc(256, 512) % 256)
    abort();
  expect("site_aligned_alloc", 512, 1, 512, 1);
  if ((uintptr_t)site_memalign(128, 31) % 128)
    abort();
  expect("site_memalign", 31, 1, 31, 1);
  if ((uintptr_t)site_valloc(41) % 4096)
    abort();
  expect("site_valloc", 41, 1, 41, 1);
  if ((uintptr_t)site_pvalloc(43) % 4096)
    abort();
  expect("site_pvalloc", 43, 1, 43, 1);
}

int main(void)
{
  KEEP(malloc); /* its address: in a program at a fixed address it is within the program */
  many();
  const unsigned char *zero = site_calloc(100, 7);
  for (int i = 0; i < 700; i++)
    if (zero[i])
      abort();
  if (calloc(SIZE_MAX / 2, 3) || malloc(SIZE_MAX) || malloc(huge))
    abort();
  expect("site_calloc", 700, 1, 700, 1);
  reallocations();
  alignments();
  if (malloc_usable_size(site_strdup("twelve chars")) < 13)
    abort();
  expect("site_strdup", 13, 1, 13, 1);
  free(NULL);
  return 0;
}
