/* Fills memory of every kind by known amounts, and waits to be looked at. */
#include "site.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MB ((size_t)1 << 20)
enum { BLOCK = 1000, BLOCKS = 40000, THREADS = 3 };

static void *blocks[BLOCKS];
static pthread_barrier_t filled;

static SITE void *site_block(void)
{
  return memset(malloc(BLOCK), 1, BLOCK);
}

/* 2 MB of stack each, and 8 MB in an arena of its own. */
static void *thread(void *unused)
{
  (void)unused;
  volatile char stack[2 * MB];
  for (size_t i = 0; i < sizeof stack; i += 512)
    stack[i] = 1;
  for (size_t i = 0; i < 8 * MB / 1024; i++)
    KEEP(site_block());
  pthread_barrier_wait(&filled);
  pause();
  return NULL;
}

int main(void)
{
  pthread_t threads[THREADS];
  pthread_barrier_init(&filled, NULL, THREADS + 1);
  for (int i = 0; i < BLOCKS; i++)
    blocks[i] = site_block();
  for (int i = 0; i < BLOCKS; i += 2) /* what is free lies between */
    free(blocks[i]);
  void *large = malloc(30 * MB);
  memset(large, 1, 30 * MB);
  KEEP(large);
  void *own = mmap(NULL, 20 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(own, 1, 20 * MB);
  void *shared = mmap(NULL, 5 * MB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  memset(shared, 1, 5 * MB);
  for (int i = 0; i < THREADS; i++)
    pthread_create(&threads[i], NULL, thread, NULL);
  pthread_barrier_wait(&filled);
  puts("ready");
  fflush(stdout);
  for (;;)
    pause();
}
