/* Loses memory, for LeakSanitizer to find: nothing points to it any more. What it
 * lost at each line it knows (--truth). With --rounds N it loses more at some.
 *
 * Build with -O1 -fno-omit-frame-pointer -fno-optimize-sibling-calls: the sanitizers
 * follow frame pointers. */
#include "truth.h"

#include <stdlib.h>
#include <string.h>

#define LOST(call, bytes) (truth_expect(__func__, __LINE__, (bytes), 1), (call))

struct item {
  struct item *next;
  char *name;
  char data[48];
};

static void *volatile sink;

/* The first item is lost itself, the others and all names through it. */
static __attribute__((noinline)) struct item *make_list(long length)
{
  struct item *first = NULL;
  for (long i = 0; i < length; i++) {
    struct item *item = LOST(malloc(sizeof *item), sizeof *item);
    item->next = first;
    item->name = LOST(calloc(1, 24), 24);
    first = item;
  }
  return first;
}

static inline void *load_page(size_t size)
{
  return LOST(malloc(size), size);
}

/* Two callers of one line, which is inlined or not as the compiler likes. */
static __attribute__((noinline)) void load_index(void)
{
  sink = load_page(4096);
}

static __attribute__((noinline)) void load_table(void)
{
  sink = load_page(512);
}

static __attribute__((noinline)) void grow(void)
{
  void *block = malloc(16);
  sink = LOST(realloc(block, 1000), 1000);
}

/* Calls itself from one line: each frame has the same address. */
static __attribute__((noinline)) void descend(int depth)
{
  if (depth > 0)
    descend(depth - 1);
  else
    sink = LOST(malloc(40), 40);
  __asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void lose(long rounds)
{
  for (long i = 0; i < rounds; i++)
    sink = make_list(3);
  load_index();
  load_table();
  grow();
  descend(4);
  sink = NULL;
}

/* No pointer may be left over on the stack. */
static __attribute__((noinline)) void wipe(void)
{
  char waste[16384];
  memset(waste, 0, sizeof waste);
  sink = waste;
  sink = NULL;
}

int main(int argc, char **argv)
{
  long rounds = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--rounds") == 0)
      rounds = atol(argv[i + 1]);
    else if (strcmp(argv[i], "--truth") == 0 && truth_start(argv[i + 1]) != 0)
      return 3;
  }
  lose(rounds);
  wipe();
  return truth_finish() == 0 ? 0 : 3;
}
