/* The cache of rows: what is put there is found as it was, by its address and in its
 * generation alone, and while others write a reader never gets half of one row and half
 * of another. */
#include "row_cache.h"

#include <pthread.h>
#include <stdio.h>

enum { ADDRESSES = 96, READS = 4000000, WRITES = 400000, WRITERS = 2, FAR = 1 << 21 };

/* Half of a row tells what the other half must be. */
static struct hd_cached_row row_of(uintptr_t address)
{
  return (struct hd_cached_row){address * 3, address * 5};
}

static bool is_row_of(uintptr_t address, struct hd_cached_row row)
{
  return row.first == address * 3 && row.second == address * 5;
}

/* They all share a few entries: apart by whole tables. */
static uintptr_t address_at(unsigned i)
{
  return 0x7f0000001233 + (uintptr_t)(i % 3) * 4 + (uintptr_t)(i / 3) * FAR;
}

static _Atomic(bool) ended;
static _Atomic(unsigned long) written;

static void *write_rows(void *seed)
{
  unsigned state = (unsigned)(uintptr_t)seed;
  while (!atomic_load(&ended)) {
    state = state * 1664525u + 1013904223u;
    uintptr_t address = address_at((state >> 16) % ADDRESSES);
    hd_row_cache_put(address, 7, row_of(address));
    atomic_fetch_add(&written, 1);
  }
  return NULL;
}

/* The number of rows that were found; 0 where one was wrong. */
static unsigned long read_while_written(void)
{
  unsigned long found = 0;
  for (unsigned long i = 0; i < READS || atomic_load(&written) < WRITES; i++) {
    struct hd_cached_row row;
    uintptr_t address = address_at((unsigned)(i % ADDRESSES));
    if (!hd_row_cache_get(hd_row_cache_now(), address, 7, &row))
      continue;
    found++;
    if (!is_row_of(address, row))
      return 0;
  }
  return found;
}

static const char *check_alone(void)
{
  struct hd_cached_row row;
  uintptr_t one = address_at(0), two = one + FAR;
  hd_row_cache_put(one, 1, row_of(one));
  hd_row_cache_put(two, 1, row_of(two));
  if (!hd_row_cache_get(hd_row_cache_now(), one, 1, &row) || !is_row_of(one, row) ||
      !hd_row_cache_get(hd_row_cache_now(), two, 1, &row) || !is_row_of(two, row))
    return "two addresses of one line are not both found";
  if (hd_row_cache_get(hd_row_cache_now(), one, 2, &row) ||
      hd_row_cache_get(hd_row_cache_now(), one + 1, 1, &row))
    return "a row is found by another generation or address";
  hd_row_cache_put(one, 2, row_of(one));
  if (!hd_row_cache_get(hd_row_cache_now(), one, 2, &row) || !is_row_of(one, row))
    return "a row of a new generation is not found";
  struct hd_row_cache small = hd_row_cache_now();
  if (!hd_row_cache_start(false) || hd_row_cache_now().words != small.words)
    return "a cache that is large enough was left";
  return NULL;
}

/* Registers that are saved where functions save them, and the farthest that there is
 * room for. */
static const char *check_saved(void)
{
  for (int words = 3; words <= 129; words++) {
    struct hd_cfi_row row = {.cfa_register = HD_REG_RSP,
                             .cfa = {.kind = HD_RULE_VAL_OFFSET, .value = 8 * words + 64}};
    struct hd_cached_row cached;
    row.rules[HD_REG_RA] = (struct hd_rule){.kind = HD_RULE_OFFSET, .value = -8};
    for (unsigned i = 0; i < HD_CACHED_REGISTERS; i++)
      row.rules[hd_cached_registers[i]] =
          (struct hd_rule){.kind = HD_RULE_OFFSET, .value = -8 * (words - (int)(i & 1))};
    row.rules[HD_REG_RBX].value = -8 * words;
    bool fits = hd_row_compress(&row, 77, &cached);
    if (fits != (words <= 128))
      return "a register that is saved too far away is not turned down";
    for (unsigned i = 0; fits && i < HD_CACHED_REGISTERS; i++)
      if (8 * hd_row_saved(cached, i) != row.rules[hd_cached_registers[i]].value)
        return "a saved register is somewhere else";
    if (fits && (hd_row_frame(cached) != 77 || !hd_row_is_plain(cached) ||
                 hd_row_cfa_offset(cached) != (uint64_t)(8 * words + 64) ||
                 hd_row_cfa_register(cached) != HD_REG_RSP))
      return "a row is not what it was made of";
  }
  return NULL;
}

int main(void)
{
  pthread_t writers[WRITERS];
  const char *wrong = hd_row_cache_start(true) ? check_alone() : "no memory";
  if (!wrong)
    wrong = check_saved();
  for (uintptr_t i = 0; !wrong && i < WRITERS; i++)
    if (pthread_create(&writers[i], NULL, write_rows, (void *)(i + 1)))
      wrong = "no thread";
  if (wrong) {
    puts(wrong);
    return 1;
  }
  unsigned long found = read_while_written();
  atomic_store(&ended, true);
  for (int i = 0; i < WRITERS; i++)
    pthread_join(writers[i], NULL);
  printf("%lu rows\n", found);
  return found ? 0 : 1;
}
