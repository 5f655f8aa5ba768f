/* Nanoseconds a frame, of the agent's unwinder and of libunwind's unw_backtrace, on a
 * stack of 40 frames of several shapes, as hooks meet it: deep inside, again and again.
 *
 *   frames TURNS      a line a turn: agent, agent where the last walk helps, libunwind
 */
#define UNW_LOCAL_ONLY
#include "alone.h"
#include "entry.h"

#include <libunwind.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { DEPTH = 36, WALKS = 2000 };

static int turns;
static volatile unsigned sink;

HD_ENTERED void walk_here(unsigned walks, unsigned helped, const struct hd_entry *entry)
{
  struct hd_walk *walk = alone_walk();
  for (unsigned i = 0; i < walks; i++) {
    if (!helped)
      walk->reusable = false;
    hd_walk_stack(walk, 128, entry);
  }
  sink = walk->count;
}

void hd_enter_walk_here(unsigned walks, unsigned helped);
HD_ENTRY(walk_here, "rdx");

static double now_ns(void)
{
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static __attribute__((noinline)) void measure(void)
{
  void *buffer[128];
  unsigned frames[3] = {0};
  double times[4];
  times[0] = now_ns();
  hd_enter_walk_here(WALKS, 0);
  frames[0] = sink;
  times[1] = now_ns();
  hd_enter_walk_here(WALKS, 1);
  frames[1] = sink;
  times[2] = now_ns();
  for (int i = 0; i < WALKS; i++)
    frames[2] = (unsigned)unw_backtrace(buffer, 128);
  times[3] = now_ns();
  for (int i = 0; i < 3; i++)
    printf("%.3f ", (times[i + 1] - times[i]) / ((double)WALKS * frames[i]));
  printf("%u %u\n", frames[0], frames[2]);
}

static __attribute__((noinline)) unsigned plain(int depth, unsigned value);

static __attribute__((noinline)) unsigned many(int depth, unsigned value)
{
  unsigned a = value * 3, b = value ^ 5, c = value + 7, d = value >> 1;
  unsigned inner = plain(depth - 1, a + b);
  return inner + a * b + c * d;
}

static __attribute__((noinline)) unsigned with_room(int depth, unsigned value)
{
  volatile char room[300];
  room[value % sizeof room] = 1;
  return many(depth - 1, value) + (unsigned)room[0];
}

static __attribute__((noinline)) unsigned with_alloca(int depth, unsigned value)
{
  volatile char *room = __builtin_alloca(16 + value % 64);
  room[0] = (char)value;
  return with_room(depth - 1, value + 1) + (unsigned)room[0];
}

static __attribute__((noinline)) unsigned plain(int depth, unsigned value)
{
  if (depth <= 0) {
    for (int i = 0; i < turns; i++)
      measure();
    return value;
  }
  return (depth % 3 ? many(depth - 1, value) : with_alloca(depth - 1, value)) + 1;
}

int main(int argc, char **argv)
{
  turns = argc > 1 ? atoi(argv[1]) : 1;
  alone_start();
  return plain(DEPTH, 1) == 0;
}
