/* Nanoseconds a frame, of the agent's unwinder and of libunwind's unw_backtrace, as
 * hooks meet stacks: each of some 40 frames is in both caches, from other stacks, and
 * the stack itself is a new one. Which function calls which is drawn at every level.
 *
 *   frames STACKS     for every 50 stacks a line: agent, agent where the last walk (from
 *                     another place of the same function) helps, libunwind; and the
 *                     number of frames that each saw
 */
#define UNW_LOCAL_ONLY
#include "alone.h"
#include "entry.h"

#include <libunwind.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { DEPTH = 36, PLACES = 4, A_LINE = 50, WARM_UP = 2000 };
enum { ANEW, HELPED, OTHERS, WAYS };

static struct {
  uint64_t cycles, frames;
} totals[WAYS];
static double ns_a_cycle;
static uint32_t random_state = 1;

static uint32_t draw(void)
{
  random_state = random_state * 1664525u + 1013904223u;
  return random_state >> 16;
}

static void add(int way, uint64_t began, uint64_t frames)
{
  totals[way].cycles += __builtin_ia32_rdtsc() - began;
  totals[way].frames += frames;
}

HD_ENTERED void walk_here(unsigned helped, const struct hd_entry *entry)
{
  struct hd_walk *walk = alone_walk(ALONE_HELPED);
  walk->reusable &= helped != 0;
  uint64_t began = __builtin_ia32_rdtsc();
  hd_walk_stack(walk, ALONE_FRAMES, entry);
  add(helped ? HELPED : ANEW, began, hd_walk_count(walk));
}

void hd_enter_walk_here(unsigned helped);
HD_ENTRY(walk_here, "rsi");

static __attribute__((noinline)) void walk_otherwise(void)
{
  void *buffer[ALONE_FRAMES];
  uint64_t began = __builtin_ia32_rdtsc();
  int count = unw_backtrace(buffer, ALONE_FRAMES);
  add(OTHERS, began, (uint64_t)count);
}

/* Each goes first in every other stack: the first one finds the stack's own memory and
 * the processor's guesses cold. */
static __attribute__((noinline)) void measure(void)
{
  static unsigned turn;
  if (turn++ % 2)
    walk_otherwise();
  hd_enter_walk_here(0);
  hd_enter_walk_here(1);
  if (turn % 2)
    walk_otherwise();
}

typedef unsigned function(int depth, unsigned value);
extern function *const functions[];

static inline unsigned go_on(int depth, unsigned value, unsigned own)
{
  if (depth > 0)
    return functions[(own * 5 + draw() % PLACES) % 24](depth - 1, value);
  measure();
  return value;
}

/* Functions of several shapes: with few and many registers to keep, with much on the
 * stack, and with a size that is known only when they run; each calls from a place that
 * is its own. */
#define PLAIN(n)                                                                                   \
  static __attribute__((noinline)) unsigned plain##n(int depth, unsigned value)                    \
  {                                                                                                \
    return go_on(depth, value + n, n) + 1;                                                         \
  }
#define MANY(n)                                                                                    \
  static __attribute__((noinline)) unsigned many##n(int depth, unsigned value)                     \
  {                                                                                                \
    unsigned a = value * 3, b = value ^ 5, c = value + 7, d = value >> 1;                          \
    return go_on(depth, a + b, n + 8) + a * b + c * d;                                             \
  }
#define ROOM(n)                                                                                    \
  static __attribute__((noinline)) unsigned room##n(int depth, unsigned value)                     \
  {                                                                                                \
    volatile char room[100 + 24 * n];                                                              \
    room[value % sizeof room] = n;                                                                 \
    return go_on(depth, value, n + 16) + (unsigned)room[0];                                        \
  }
#define VARIABLE(n)                                                                                \
  static __attribute__((noinline)) unsigned variable##n(int depth, unsigned value)                 \
  {                                                                                                \
    volatile char *room = __builtin_alloca(16 + value % 64);                                       \
    room[0] = n;                                                                                   \
    return go_on(depth, value + 1, n + 20) + (unsigned)room[0];                                    \
  }
#define FOUR(SHAPE, a) SHAPE(a) SHAPE(a##1) SHAPE(a##2) SHAPE(a##3)
FOUR(PLAIN, 1)
FOUR(PLAIN, 2) FOUR(MANY, 1) FOUR(MANY, 2) FOUR(ROOM, 1) FOUR(VARIABLE, 1)

#define NAMES(shape, a) shape##a, shape##a##1, shape##a##2, shape##a##3
    function *const functions[] = {NAMES(plain, 1), NAMES(plain, 2), NAMES(many, 1),
                                   NAMES(many, 2),  NAMES(room, 1),  NAMES(variable, 1)};

static double now_ns(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void measure_clock(void)
{
  double began = now_ns();
  uint64_t cycles = __builtin_ia32_rdtsc();
  while (now_ns() - began < 2e7)
    ;
  ns_a_cycle = (now_ns() - began) / (double)(__builtin_ia32_rdtsc() - cycles);
}

static void run(int stacks)
{
  for (int way = 0; way < WAYS; way++)
    totals[way].cycles = totals[way].frames = 0;
  for (int i = 0; i < stacks; i++)
    functions[draw() % 24](DEPTH, draw());
}

int main(int argc, char **argv)
{
  alone_start();
  measure_clock();
  run(WARM_UP);
  for (int i = argc > 1 ? atoi(argv[1]) : A_LINE; i > 0; i -= A_LINE) {
    run(A_LINE);
    for (int way = 0; way < WAYS; way++)
      printf("%.3f ", ns_a_cycle * (double)totals[way].cycles / (double)totals[way].frames);
    printf("%lu %lu\n", totals[ANEW].frames / A_LINE, totals[OTHERS].frames / A_LINE);
  }
  return 0;
}
