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

/* A fiber whose call frame information leads above the top of its stack: the
 * second time there is no memory any more. */
static void *outer_sp, *fiber_sp;
void switch_stacks(void **save, void *to);
__asm__(".text\n.globl switch_stacks\n.type switch_stacks,@function\nswitch_stacks:\n"
        "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
        "mov %rsp,(%rdi)\nmov %rsi,%rsp\n"
        "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n"
        ".size switch_stacks,.-switch_stacks\n"
        ".globl bare_entry\n.type bare_entry,@function\nbare_entry:\n"
        ".cfi_startproc\n.cfi_def_cfa_offset 64\n"
        "push $0\ncall bare_main\n.cfi_endproc\n"
        ".size bare_entry,.-bare_entry\n");
void bare_entry(void);
void bare_main(void);

SITE void bare_main(void)
{
  site_leaf(5);
  switch_stacks(&fiber_sp, outer_sp);
  abort();
}

static void bare_mode(void)
{
  enum { SIZE = 64 * 1024, PAGE = 4096 };
  char *low = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 2; i++) {
    void **sp = (void **)(void *)(low + SIZE - PAGE - 8);
    *--sp = (void *)bare_entry;
    for (int k = 0; k < 6; k++)
      *--sp = NULL;
    switch_stacks(&outer_sp, sp);
    mprotect(low + SIZE - PAGE, PAGE, PROT_NONE);
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
  else if (!strcmp(mode, "bare"))
    bare_mode();
  else if (!strcmp(mode, "garbage"))
    garbage_mode();
  else
    return 2;
  return 0;
}
