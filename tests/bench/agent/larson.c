/* A server in small, after P. Larson and M. Krishnan, "Memory allocation for
 * long-running server applications" (1998): each thread replaces random blocks of an
 * array by new ones of random size; when it ends, a new thread goes on with the array.
 *
 *   larson THREADS GENERATIONS REPLACEMENTS
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 5000, SMALLEST = 8, LARGEST = 1000, MAX_THREADS = 64 };

static long replacements;

struct array {
  void *blocks[BLOCKS];
  uint32_t random;
};

static uint32_t draw(struct array *array)
{
  array->random = array->random * 1664525u + 1013904223u;
  return array->random >> 8;
}

static void *serve(struct array *array, size_t size)
{
  (void)array;
  char *block = malloc(size);
  if (block) {
    block[0] = 1;
    block[size - 1] = 1;
  }
  return block;
}

static void *run(void *context)
{
  struct array *array = context;
  for (long i = 0; i < replacements; i++) {
    uint32_t victim = draw(array) % BLOCKS;
    free(array->blocks[victim]);
    array->blocks[victim] = serve(array, SMALLEST + draw(array) % (LARGEST - SMALLEST));
  }
  return NULL;
}

int main(int argc, char **argv)
{
  if (argc < 4)
    return 2;
  int threads = atoi(argv[1]), generations = atoi(argv[2]);
  if (threads > MAX_THREADS)
    return 2;
  replacements = atol(argv[3]);
  struct array *arrays = calloc((size_t)threads, sizeof *arrays);
  pthread_t ids[MAX_THREADS];
  for (int g = 0; g < generations; g++) {
    for (int i = 0; i < threads; i++) {
      if (!g)
        arrays[i].random = (uint32_t)i + 1;
      pthread_create(&ids[i], NULL, run, &arrays[i]);
    }
    for (int i = 0; i < threads; i++)
      pthread_join(ids[i], NULL);
  }
  for (int i = 0; i < threads; i++)
    for (int k = 0; k < BLOCKS; k++)
      free(arrays[i].blocks[k]);
  free(arrays);
  return 0;
}
