/* Allocates many blocks of many sizes, keeps some, and says how many of each:
 * the truth to measure the estimates by. `sizes SEED` */
#include "site.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define EACH(DO)                                                                                   \
  DO(0, 40000)                                                                                     \
  DO(1, 40000)                                                                                     \
  DO(16, 40000) DO(64, 40000) DO(1000, 20000) DO(4096, 10000) DO(65536, 2000) DO(1048576, 200)     \
      DO(4194304, 60)

#define DEFINE(size, count)                                                                        \
  SITE void *site_##size(void)                                                                     \
  {                                                                                                \
    void *p = malloc(size);                                                                        \
    KEEP(p);                                                                                       \
    return p;                                                                                      \
  }
EACH(DEFINE)

/* Both a small and a large size from one place. */
SITE void *site_mixed(size_t n)
{
  void *p = malloc(n);
  KEEP(p);
  return p;
}

int main(int argc, char **argv)
{
  uint64_t state = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
  long live;
#define RUN(size, count)                                                                           \
  live = 0;                                                                                        \
  for (int i = 0; i < count; i++) {                                                                \
    void *p = site_##size();                                                                       \
    state = state * 6364136223846793005u + 1442695040888963407u;                                   \
    if (state >> 63)                                                                               \
      free(p);                                                                                     \
    else                                                                                           \
      live++;                                                                                      \
  }                                                                                                \
  printf("site_" #size " %ld %ld %d\n", live *(long)size, live, count);
  EACH(RUN)
  live = 0;
  for (int i = 0; i < 4000; i++) {
    size_t n = i % 40 ? 64 : 1048576;
    site_mixed(n);
    live += (long)n;
  }
  printf("site_mixed %ld %d %d\n", live, 4000, 4000);
  return 0;
}
