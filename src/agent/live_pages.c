#include "live_pages.h"

#include <string.h>

enum { FIRST_REGIONS = 16, GRANULE_BITS = 5, GRANULES = 1 << (HD_REGION_BITS - GRANULE_BITS) };
/* Regions that have become empty are kept up to this number. Memory for so many is
 * mapped at once: a process may have only some ten thousand mappings. */
enum { KEPT_REGIONS = 64, REGIONS_AT_ONCE = 16 };

/* A link to an entry: its number (1-based), where in the granule its block begins
 * (blocks are aligned to 8 bytes), and whether another one follows. So a block is
 * found, and taken out, without waiting for its entry, which is likely not in the
 * processor's cache: it is only called for, being the next to be used again. */
enum { POSITION_BITS = 2, MORE = 1 << POSITION_BITS, ID_SHIFT = POSITION_BITS + 1 };
enum { MAX_ENTRIES = (1 << (32 - ID_SHIFT)) - 1, ALIGN_BITS = 3, FIRST_FREE = 1024 };

struct node {
  struct hd_live live;
  uint32_t next; /* a link */
};

static struct node *node_of(const struct hd_live_pages *pages, uint32_t link)
{
  return hd_pool_at(&pages->entries, (link >> ID_SHIFT) - 1, sizeof(struct node));
}

static uint32_t position_of(uintptr_t address)
{
  return address >> ALIGN_BITS & (MORE - 1);
}

static bool is_aligned(uintptr_t address)
{
  return (address & ((1 << ALIGN_BITS) - 1)) == 0;
}

static uint64_t home_of(const struct hd_live_pages *pages, uint64_t key)
{
  return (key * UINT64_C(0x9e3779b97f4a7c15)) >> 32 & pages->region_mask;
}

/* The region's place or the empty one where it would be. */
static struct hd_region *look(const struct hd_live_pages *pages, uint64_t key)
{
  uint64_t i = home_of(pages, key);
  while (pages->regions[i].key && pages->regions[i].key != key)
    i = (i + 1) & pages->region_mask;
  return &pages->regions[i];
}

/* The old table is left to those who look without the lock: all old ones together
 * are smaller than the new one. */
static bool make_room(struct hd_live_pages *pages)
{
  uint64_t old_size = pages->regions ? pages->region_mask + 1 : 0;
  if (pages->region_count < old_size / 2)
    return true;
  uint64_t size = old_size ? old_size * 2 : FIRST_REGIONS;
  struct hd_region *old = pages->regions, *fresh = hd_map(size * sizeof *fresh);
  if (!fresh)
    return pages->region_count + 1 < old_size;
  pages->regions = fresh;
  pages->region_mask = size - 1;
  pages->last = NULL;
  for (uint64_t i = 0; i < old_size; i++)
    if (old[i].key)
      *look(pages, old[i].key) = old[i];
  return true;
}

static struct hd_region *find_region(struct hd_live_pages *pages, uint64_t key)
{
  if (pages->last && pages->last->key == key)
    return pages->last;
  if (!pages->regions)
    return NULL;
  struct hd_region *region = look(pages, key);
  if (!region->key)
    return NULL;
  return pages->last = region;
}

/* Zeroed, as those that are given back are but for the chain. */
static uint32_t *take_words(struct hd_live_pages *pages)
{
  void **spare = pages->spare_words;
  if (spare) {
    pages->spare_words = *spare;
    *spare = NULL;
    return (uint32_t *)spare;
  }
  if (!pages->fresh_left) {
    pages->fresh_words = hd_map_sparse(REGIONS_AT_ONCE * GRANULES * sizeof(uint32_t));
    if (!pages->fresh_words)
      return NULL;
    pages->fresh_left = REGIONS_AT_ONCE;
  }
  pages->fresh_left--;
  uint32_t *words = pages->fresh_words + (size_t)pages->fresh_left * GRANULES;
  return hd_count_mapped(GRANULES * sizeof *words, words);
}

static void give_words_back(struct hd_live_pages *pages, uint32_t *words)
{
  void **spare = (void **)words;
  *spare = pages->spare_words;
  pages->spare_words = spare;
}

static struct hd_region *add_region(struct hd_live_pages *pages, uint64_t key)
{
  uint32_t *words = make_room(pages) ? take_words(pages) : NULL;
  if (!words)
    return NULL;
  struct hd_region *region = look(pages, key);
  *region = (struct hd_region){key, words, 0};
  pages->region_count++;
  return pages->last = region;
}

/* Closes the gap that a removed region leaves: one behind it moves up unless that
 * would put it before its own place. */
static void drop_region(struct hd_live_pages *pages, struct hd_region *region)
{
  uint64_t mask = pages->region_mask, gap = (uint64_t)(region - pages->regions);
  give_words_back(pages, region->words);
  for (uint64_t i = (gap + 1) & mask; pages->regions[i].key; i = (i + 1) & mask) {
    uint64_t home = home_of(pages, pages->regions[i].key);
    if (((i - home) & mask) >= ((i - gap) & mask)) {
      pages->regions[gap] = pages->regions[i];
      gap = i;
    }
  }
  pages->regions[gap] = (struct hd_region){0, NULL, 0};
  pages->region_count--;
  pages->last = NULL;
}

static uint32_t *word_of(const struct hd_region *region, uintptr_t address)
{
  return &region->words[address >> GRANULE_BITS & (GRANULES - 1)];
}

/* What is read may be of any time, but neither tables nor words are ever unmapped. */
void hd_live_pages_call_for(const struct hd_live_pages *pages, uintptr_t address)
{
  const struct hd_region *last = __atomic_load_n(&pages->last, __ATOMIC_RELAXED);
  if (!last || __atomic_load_n(&last->key, __ATOMIC_RELAXED) != address >> HD_REGION_BITS)
    return;
  const uint32_t *words = __atomic_load_n(&last->words, __ATOMIC_RELAXED);
  __builtin_prefetch(words + (address >> GRANULE_BITS & (GRANULES - 1)), 1);
}

/* So that a number can always be given back. */
static bool make_free_room(struct hd_live_pages *pages)
{
  if (pages->entries.count < pages->free_size)
    return true;
  uint32_t size = pages->free_size ? pages->free_size * 2 : FIRST_FREE;
  uint32_t *fresh = hd_map(size * sizeof *fresh);
  if (!fresh)
    return false;
  for (uint32_t i = 0; i < pages->free_count; i++)
    fresh[i] = pages->free[i];
  hd_unmap(pages->free, pages->free_size * sizeof *fresh);
  pages->free = fresh;
  pages->free_size = size;
  return true;
}

static uint32_t new_id(struct hd_live_pages *pages)
{
  if (pages->free_count)
    return pages->free[--pages->free_count];
  pages->entries.item_size = sizeof(struct node);
  if (pages->entries.count >= MAX_ENTRIES || !make_free_room(pages))
    return 0;
  return hd_pool_add(&pages->entries) ? pages->entries.count : 0;
}

/* The link to the block in its granule, where that is kept; NULL where there is none. */
static uint32_t *find_link(const struct hd_live_pages *pages, const struct hd_region *region,
                           uintptr_t address)
{
  uint32_t *link = word_of(region, address);
  while (*link) {
    if ((*link & (MORE - 1)) == position_of(address))
      return link;
    if (!(*link & MORE))
      return NULL;
    link = &node_of(pages, *link)->next;
  }
  return NULL;
}

bool hd_live_pages_put(struct hd_live_pages *pages, const struct hd_live *entry, bool *fresh)
{
  uint64_t key = entry->address >> HD_REGION_BITS;
  struct hd_region *region = find_region(pages, key);
  *fresh = false;
  if (!is_aligned(entry->address) || (!region && !(region = add_region(pages, key))))
    return false;
  uint32_t *there = find_link(pages, region, entry->address);
  if (there) {
    hd_live_copy(&node_of(pages, *there)->live, entry);
    return true;
  }
  uint32_t id = new_id(pages), *word = word_of(region, entry->address);
  if (!id)
    return false;
  uint32_t link = id << ID_SHIFT | (*word ? MORE : 0) | position_of(entry->address);
  struct node *node = node_of(pages, link);
  hd_live_copy(&node->live, entry);
  node->next = *word;
  *word = link;
  region->blocks++;
  *fresh = true;
  return true;
}

/* The one behind takes the link's place; the one before it learns when it was the
 * last. */
static void unlink_from(struct hd_live_pages *pages, uint32_t *word, uint32_t *link)
{
  uint32_t behind = *link & MORE ? node_of(pages, *link)->next : 0;
  if (!behind && link != word) {
    uint32_t *before = word;
    while (&node_of(pages, *before)->next != link)
      before = &node_of(pages, *before)->next;
    *before &= ~(uint32_t)MORE;
  }
  *link = behind;
}

bool hd_live_pages_take(struct hd_live_pages *pages, uintptr_t address, struct hd_live *entry)
{
  struct hd_region *region = find_region(pages, address >> HD_REGION_BITS);
  uint32_t *link = region && is_aligned(address) ? find_link(pages, region, address) : NULL;
  if (!link)
    return false;
  const struct node *node = node_of(pages, *link);
  __builtin_prefetch(node, 1);
  pages->free[pages->free_count++] = *link >> ID_SHIFT;
  if (entry)
    *entry = node->live;
  unlink_from(pages, word_of(region, address), link);
  if (--region->blocks == 0 && pages->region_count > KEPT_REGIONS)
    drop_region(pages, region);
  return true;
}

void hd_live_pages_empty(struct hd_live_pages *pages)
{
  for (uint64_t i = 0; pages->regions && i <= pages->region_mask; i++) {
    struct hd_region *region = &pages->regions[i];
    if (!region->key)
      continue;
    memset(region->words, 0, GRANULES * sizeof *region->words);
    give_words_back(pages, region->words);
    *region = (struct hd_region){0, NULL, 0};
  }
  pages->region_count = 0;
  pages->last = NULL;
  pages->entries.count = pages->free_count = 0;
}

static void visit_region(const struct hd_live_pages *pages, const struct hd_region *region,
                         void (*visit)(const struct hd_live *entry, void *context), void *context)
{
  uint32_t left = region->blocks;
  for (uint32_t i = 0; left > 0 && i < GRANULES; i++) {
    for (uint32_t link = region->words[i]; link; left--) {
      const struct node *node = node_of(pages, link);
      visit(&node->live, context);
      link = link & MORE ? node->next : 0;
    }
  }
}

/* By the links: an entry does not know whether it is in use. */
void hd_live_pages_visit(const struct hd_live_pages *pages,
                         void (*visit)(const struct hd_live *entry, void *context), void *context)
{
  for (uint64_t i = 0; pages->regions && i <= pages->region_mask; i++)
    if (pages->regions[i].key)
      visit_region(pages, &pages->regions[i], visit, context);
}
