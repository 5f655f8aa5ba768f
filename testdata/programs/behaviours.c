/* Twelve ways in which the memory of a call site goes up and down, and a small leak in
 * a site that churns, each in a function of its own with one line that allocates, all
 * by a clock of its own, which stands still where the machine holds the program up.
 * Functions that leak are named leak_*.
 *
 *   behaviours [MILLISECONDS [SNAPSHOTS]]
 *
 * So many snapshots are asked for, at regular moments of that time. Where the program was
 * held up for so long that its blocks are much older than they should be, it says so at
 * the end. */
#include <heapdiff/agent.h>

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 1024, MOST_BLOCKS = 16384 };
#define SITE __attribute__((noinline)) static

/* Blocks that are held: a ring or a heap, as its owner likes. */
struct held {
  void *blocks[MOST_BLOCKS];
  size_t count, next;
};

static int length = 4000; /* of the run, in ms */

/* Keeps the compiler from leaving allocations out. */
static void *touch(void *block)
{
  if (block)
    memset(block, 1, 16);
  __asm__ volatile("" : : "r"(block) : "memory");
  return block;
}

static void drop(struct held *held, size_t left)
{
  while (held->count > left)
    free(held->blocks[--held->count]);
}

SITE void leak_linear(int ms)
{
  (void)ms;
  for (int i = 0; i < 2; i++)
    touch(malloc(BLOCK));
}

SITE void leak_in_bursts(int ms)
{
  for (int i = 0; ms % 550 == 400 && i < 1500; i++)
    touch(malloc(BLOCK));
}

SITE void leak_from_thread(int ms)
{
  if (ms % 2 == 0)
    touch(malloc(BLOCK));
}

SITE void leak_slowly(int ms)
{
  if (ms % 4 == 0)
    touch(malloc(BLOCK));
}

SITE void warm_cache(int ms)
{
  static struct held cache;
  size_t wanted = (size_t)(4000 * (1 - exp(-ms / (.08 * length))));
  while (cache.count < wanted)
    cache.blocks[cache.count++] = touch(malloc(BLOCK));
}

SITE void replace_lru(int ms)
{
  static struct held lru;
  enum { ENTRIES = 2000 };
  for (int i = 0; i < (ms < 250 ? 8 : 2); i++) {
    free(lru.blocks[lru.next]);
    lru.blocks[lru.next] = touch(malloc(BLOCK));
    lru.next = (lru.next + 1) % ENTRIES;
  }
}

SITE void collect_batch(int ms)
{
  static struct held batch;
  if (ms % 470 == 469)
    drop(&batch, 0);
  for (int i = 0; i < 4; i++)
    batch.blocks[batch.count++] = touch(malloc(BLOCK));
}

SITE void churn(int ms)
{
  (void)ms;
  for (int i = 0; i < 20; i++)
    free(touch(malloc(BLOCK)));
}

SITE void grow_once(int ms)
{
  for (int i = 0; ms == length * 4 / 10 && i < 5000; i++)
    touch(malloc(BLOCK));
}

SITE void fill_pool(int ms)
{
  for (int i = 0; ms < 300 && i < 10; i++)
    touch(malloc(BLOCK));
}

SITE void follow_load(int ms)
{
  static struct held held;
  size_t wanted = (size_t)(2000 * (1 + .7 * sin(ms * 6.283185 / (.37 * length))));
  drop(&held, wanted);
  while (held.count < wanted)
    held.blocks[held.count++] = touch(malloc(BLOCK));
}

SITE void shrink(int ms)
{
  static struct held held;
  for (int i = 0; ms == 0 && i < 6000; i++)
    held.blocks[held.count++] = touch(malloc(BLOCK));
  drop(&held, (size_t)(6000 - 4000. * ms / length));
}

/* Most live for a tenth of a second, one in a hundred for ever. */
SITE void leak_in_churn(int ms)
{
  static struct held ring;
  enum { ENTRIES = 3000 };
  for (int i = 0; i < 30; i++) {
    if (ms % 4 || i)
      free(ring.blocks[ring.next]);
    ring.blocks[ring.next] = touch(malloc(BLOCK));
    ring.next = (ring.next + 1) % ENTRIES;
  }
}

static struct timespec now_is(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now;
}

/* The program's own time, in ms. */
static _Atomic(int) clock_ms;
static bool held_up;

/* Calls each of the functions once a millisecond, late ones at once, as far as it was not
 * held up. */
static void run(void (*const functions[])(int ms), size_t count, int snapshots)
{
  enum { HELD_UP_NS = 10000000, LONG_NS = 300000000 };
  int64_t own_ns = 0;
  struct timespec before = now_is();
  for (int ms = 0, taken = 0; ms < length; clock_ms = ms) {
    struct timespec now = now_is();
    int64_t passed_ns =
        (now.tv_sec - before.tv_sec) * INT64_C(1000000000) + now.tv_nsec - before.tv_nsec;
    own_ns += passed_ns < HELD_UP_NS ? passed_ns : HELD_UP_NS;
    before = now;
    held_up |= passed_ns > LONG_NS;
    for (; ms <= own_ns / 1000000 && ms < length; ms++) {
      for (size_t i = 0; i < count; i++)
        functions[i](ms);
      for (; taken < snapshots && ms >= (int64_t)length * (taken + 1) / (snapshots + 1); taken++)
        heapdiff_snapshot(NULL);
    }
    usleep(500);
  }
}

/* By the other one's time. */
static void *in_thread(void *unused)
{
  for (int ms = 0; ms < length; usleep(500))
    for (; ms < clock_ms; ms++)
      leak_from_thread(ms);
  return unused;
}

int main(int argc, char **argv)
{
  static void (*const functions[])(int ms) = {
      leak_linear, leak_in_bursts, leak_slowly, warm_cache,  replace_lru, collect_batch,
      churn,       grow_once,      fill_pool,   follow_load, shrink,      leak_in_churn,
  };
  pthread_t thread;
  if (argc > 1)
    length = atoi(argv[1]);
  if (length < 1000 || pthread_create(&thread, NULL, in_thread, NULL) != 0)
    return 1;
  run(functions, sizeof functions / sizeof *functions, argc > 2 ? atoi(argv[2]) : 0);
  pthread_join(thread, NULL);
  if (held_up)
    puts("held up");
  /* As one that is killed: nothing is freed. */
  fflush(NULL);
  _exit(0);
}
