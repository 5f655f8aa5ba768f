/* The tables of live blocks and the filter before them, against a plain array: blocks
 * that begin 8, 16 and 32 bytes apart and far apart, put in and taken out at random. */
#include "filter.h"
#include "live_hash.h"
#include "live_pages.h"
#include "next.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 6000, STEPS = 600000 };

__thread struct hd_thread hd_self;

/* The agent's own blocks are counted in by next.c, of which there are none here. */
void hd_boot_count_in(struct hd_filter *filter)
{
  (void)filter;
}

static struct hd_live model[PLACES];
static uintptr_t addresses[PLACES];
static uint32_t state = 1;

static uint32_t draw(uint32_t below)
{
  state = state * 1664525u + 1013904223u;
  return (uint32_t)((uint64_t)state * below >> 32);
}

/* Dense ones, dense but aligned to 32, and single ones in regions of their own: many
 * more than are kept. */
static void choose_addresses(void)
{
  for (uintptr_t i = 0; i < PLACES; i++) {
    if (i < PLACES / 3)
      addresses[i] = 0x7f0000000000 + i * 8;
    else if (i < 2 * PLACES / 3)
      addresses[i] = 0x550000001000 + i * 32;
    else
      addresses[i] = 0x100000000000 + i * 0x30000 + i % 7 * 16;
  }
}

/* What the two tables have in common. */
struct table {
  const char *name;
  struct hd_live_pages pages;
  struct hd_live_hash hash;
  bool is_hash;
  uint64_t used;
};

static bool put(struct table *table, const struct hd_live *entry)
{
  bool fresh, done = table->is_hash ? hd_live_hash_put(&table->hash, table->used, entry, &fresh)
                                    : hd_live_pages_put(&table->pages, entry, &fresh);
  table->used += fresh;
  return done;
}

static bool take(struct table *table, uintptr_t address, struct hd_live *entry)
{
  bool found = table->is_hash ? hd_live_hash_take(&table->hash, address, entry)
                              : hd_live_pages_take(&table->pages, address, entry);
  table->used -= found;
  return found;
}

struct sums {
  uint64_t blocks, bytes, addresses;
};

static void add_up(const struct hd_live *entry, void *context)
{
  struct sums *sums = context;
  sums->blocks++;
  sums->bytes += entry->size;
  sums->addresses += entry->address * entry->record;
}

static bool check_all(struct table *table)
{
  struct sums want = {0}, got = {0};
  for (int i = 0; i < PLACES; i++)
    if (model[i].address)
      add_up(&model[i], &want);
  if (table->is_hash)
    hd_live_hash_visit(&table->hash, add_up, &got);
  else
    hd_live_pages_visit(&table->pages, add_up, &got);
  return memcmp(&want, &got, sizeof want) == 0 && table->used == want.blocks;
}

static int fail(const struct table *table, const char *what, int step)
{
  printf("%s: %s at step %d\n", table->name, what, step);
  return 1;
}

static int run(struct table *table)
{
  memset(model, 0, sizeof model);
  for (int step = 0; step < STEPS; step++) {
    uint32_t i = draw(PLACES);
    struct hd_live entry = {addresses[i], draw(1000), draw(1000) + 1, draw(1 << 20)}, old = {0};
    bool filling = step / 50000 % 2 == 0;
    hd_live_pages_call_for(&table->pages, addresses[draw(PLACES)]);
    if (draw(4) < (filling ? 3u : 1u)) {
      if (!put(table, &entry))
        return fail(table, "no room", step);
      if (!model[i].address)
        hd_filter_count(entry.address);
      model[i] = entry;
    } else {
      if (model[i].address && !hd_filter_maybe((void *)addresses[i]))
        return fail(table, "the filter lost one", step);
      bool found = take(table, addresses[i], draw(2) ? &old : NULL);
      if (found != (model[i].address != 0))
        return fail(table, found ? "found what is not there" : "lost one", step);
      if (old.address && memcmp(&old, &model[i], sizeof old) != 0)
        return fail(table, "another entry", step);
      if (found)
        hd_filter_discount(addresses[i]);
      model[i].address = 0;
    }
    if (step % 20000 == 0 && !check_all(table))
      return fail(table, "the sums differ", step);
  }
  for (int i = 0; i < PLACES; i++) {
    if (take(table, addresses[i], NULL))
      hd_filter_discount(addresses[i]);
    model[i].address = 0;
  }
  return check_all(table) ? 0 : fail(table, "not empty", STEPS);
}

int main(void)
{
  static struct table pages = {.name = "pages"}, hash = {.name = "hash", .is_hash = true};
  struct hd_live odd = {0x7f0000000004, 1, 1, 1};
  bool fresh;
  choose_addresses();
  if (run(&pages) || run(&hash))
    return 1;
  if (hd_live_pages_put(&pages.pages, &odd, &fresh) ||
      hd_live_pages_take(&pages.pages, odd.address, NULL)) {
    puts("pages: took a block that no allocator hands out");
    return 1;
  }
  unsigned noise = 0;
  for (int i = 0; i < PLACES; i++)
    noise += hd_filter_maybe((void *)addresses[i]);
  printf("the filter still stops %u of %d\n", noise, PLACES);
  return 0;
}
