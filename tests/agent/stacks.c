/* Unusual stacks: `stacks MODE`. */
#include "site.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

SITE void *site_leaf(size_t n)
{
  void *p = malloc(n);
  KEEP(p);
  return p;
}

SITE int deep(int depth)
{
  volatile int result;
  if (depth == 0) {
    site_leaf(1);
    return 0;
  }
  result = deep(depth - 1) + 1;
  return result;
}

SITE int large_frames(int depth)
{
  volatile char room[100000];
  room[0] = 1;
  if (depth == 0) {
    site_leaf(1);
    return room[0];
  }
  room[1] = (char)large_frames(depth - 1);
  return room[0] + room[1];
}

static void on_signal(int number)
{
  (void)number;
  site_leaf(2);
}

SITE int interrupted(void)
{
  volatile int x = raise(SIGUSR1);
  return x;
}

static void signal_mode(void)
{
  stack_t alternate = {.ss_sp = malloc(65536), .ss_size = 65536};
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
  sigaltstack(&alternate, NULL);
  sigaction(SIGUSR1, &action, NULL);
  interrupted();
}

static ucontext_t outside, inside;

static void fiber_main(void)
{
  site_leaf(3);
}

/* Between guard pages: one read too far and the test dies. */
static void fiber_mode(void)
{
  enum { SIZE = 64 * 1024, GUARD = 4096 };
  for (int i = 0; i < 100; i++) {
    char *memory = mmap(NULL, SIZE + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(memory + GUARD, SIZE, PROT_READ | PROT_WRITE);
    getcontext(&inside);
    inside.uc_stack.ss_sp = memory + GUARD;
    inside.uc_stack.ss_size = SIZE;
    inside.uc_link = &outside;
    makecontext(&inside, fiber_main, 0);
    swapcontext(&outside, &inside);
    munmap(memory, SIZE + 2 * GUARD);
  }
}

/* Code without call frame information, and a frame pointer that leads nowhere. */
static void garbage_mode(void)
{
  static const unsigned char code[] = {
      0x55,                                     /* push %rbp */
      0x48, 0xc7, 0xc5, 0x08, 0x00, 0x00, 0x00, /* mov $8, %rbp */
      0xff, 0xd6,                               /* call *%rsi */
      0x5d,                                     /* pop %rbp */
      0xc3,                                     /* ret */
  };
  void *page =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(page, code, sizeof code);
  ((void (*)(size_t, void *(*)(size_t)))page)(4, site_leaf);
}

int main(int argc, char **argv)
{
  const char *mode = argc > 1 ? argv[1] : "";
  if (!strcmp(mode, "deep"))
    return deep(300) != 300;
  if (!strcmp(mode, "large"))
    return large_frames(50) == 0;
  if (!strcmp(mode, "signal"))
    signal_mode();
  else if (!strcmp(mode, "fiber"))
    fiber_mode();
  else if (!strcmp(mode, "garbage"))
    garbage_mode();
  else
    return 2;
  return 0;
}
