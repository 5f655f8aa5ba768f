/* Allocates on many stacks, each a little different from the one before: functions call
 * one another as they are drawn, some of them with and some without a frame pointer, and
 * allocate on the way down and on the way up. Then callers change places under a callee
 * that stays where it was, while what they left on the stack lies there still.
 *
 *   shapes STACKS
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { FUNCTIONS = 12, NEIGHBOURS = 4, DEEPEST = 24, TOGETHER = 1024, STEP = 64 };

static uint32_t state = 1;

static uint32_t draw(void)
{
  state = state * 1664525u + 1013904223u;
  return state >> 16;
}

typedef unsigned function(int depth, unsigned value);
extern function *const functions[];

static __attribute__((noinline)) void allocate(void)
{
  static void *volatile kept;
  kept = malloc(24);
  free(kept);
}

static void perhaps_allocate(void)
{
  if (draw() % 4 == 0)
    allocate();
}

static inline unsigned go_on(int depth, unsigned value, unsigned own)
{
  unsigned calls = depth > DEEPEST / 2 ? 1 : 1 + draw() % 3;
  for (unsigned i = 0; i < calls; i++) {
    perhaps_allocate();
    if (depth > 0)
      value += functions[(own * 5 + draw() % NEIGHBOURS) % FUNCTIONS](depth - 1 - (int)(draw() % 2),
                                                                      value);
    perhaps_allocate();
  }
  return value;
}

#define PLAIN(n)                                                                                   \
  static __attribute__((noinline)) unsigned plain##n(int depth, unsigned value)                    \
  {                                                                                                \
    return go_on(depth, value + n, n) + 1;                                                         \
  }
#define MANY(n)                                                                                    \
  static __attribute__((noinline)) unsigned many##n(int depth, unsigned value)                     \
  {                                                                                                \
    unsigned a = value * 3, b = value ^ 5, c = value + 7, d = value >> 1;                          \
    return go_on(depth, a + b, n + 4) + a * b + c * d;                                             \
  }
#define VARIABLE(n)                                                                                \
  static __attribute__((noinline)) unsigned variable##n(int depth, unsigned value)                 \
  {                                                                                                \
    volatile char *room = __builtin_alloca(16 + value % 64);                                       \
    room[0] = n;                                                                                   \
    return go_on(depth, value + 1, n + 8) + (unsigned)room[0];                                     \
  }
#define FOUR(SHAPE) SHAPE(0) SHAPE(1) SHAPE(2) SHAPE(3)
FOUR(PLAIN)
FOUR(MANY)
FOUR(VARIABLE)

#define NAMES(shape) shape##0, shape##1, shape##2, shape##3
function *const functions[FUNCTIONS] = {NAMES(plain), NAMES(many), NAMES(variable)};

/* The inner one's caller may have any size: its own makes up for it. */
static __attribute__((noinline)) int inner(unsigned outer_size)
{
  volatile char *room = __builtin_alloca(TOGETHER - outer_size);
  room[0] = 1;
  allocate();
  return room[0];
}

static __attribute__((noinline)) int one(unsigned size)
{
  volatile char *room = __builtin_alloca(size);
  room[0] = 2;
  return inner(size) + room[0];
}

static __attribute__((noinline)) int another(unsigned size)
{
  volatile char *room = __builtin_alloca(size);
  room[0] = 3;
  return inner(size) + room[0];
}

static __attribute__((noinline)) int deep(unsigned size)
{
  if (size > STEP)
    return deep(size - STEP) + 1;
  allocate();
  allocate();
  return 0;
}

/* All are called from one place: nothing but the frames tells who it is. */
static int change_places(void)
{
  static const struct {
    int (*called)(unsigned size);
    unsigned more; /* on the stack than when it was called first */
  } turns[] = {{deep, 3 * STEP}, {one, 0}, {another, 3 * STEP},
               {one, 0},         {one, 0}, {another, 2 * STEP}};
  int sum = 0;
  for (unsigned size = STEP; size + 4 * STEP < TOGETHER; size += STEP)
    for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++)
      sum += turns[i].called(size + turns[i].more);
  return sum;
}

int main(int argc, char **argv)
{
  unsigned value = 0;
  for (int i = argc > 1 ? atoi(argv[1]) : 1; i > 0; i--)
    value += functions[draw() % FUNCTIONS](DEEPEST / 3 + (int)(draw() % (DEEPEST * 2 / 3)), value);
  printf("%u %d\n", value, change_places());
  return 0;
}
