#include "stacks.h"

#include "intern.h"
#include "memory.h"
#include "tables.h"

static struct hd_pool stacks = {.item_size = sizeof(struct hd_stack)};
static struct hd_pool records = {.item_size = sizeof(struct hd_record)};
static struct hd_intern stack_index, record_index;
static _Atomic(uint64_t) dropped;

struct record_key {
  uint32_t stack;
  uint64_t size, rate;
};

struct hd_record *hd_record_at(uint32_t index)
{
  return hd_pool_at(&records, index, sizeof(struct hd_record));
}

const struct hd_stack *hd_stack_at(uint32_t index)
{
  return hd_pool_at(&stacks, index, sizeof(struct hd_stack));
}

static bool stack_equal(uint32_t id, const void *key)
{
  const struct hd_stack *stack = hd_stack_at(id - 1);
  const struct hd_walk *walk = key;
  if (stack->count != hd_walk_count(walk) || stack->truncated != walk->truncated)
    return false;
  for (uint32_t i = 0; i < stack->count; i++)
    if (stack->frames[i] != hd_walk_frame(walk, i))
      return false;
  return true;
}

static bool record_equal(uint32_t id, const void *key)
{
  const struct hd_record *record = hd_record_at(id - 1);
  const struct record_key *wanted = key;
  return record->stack == wanted->stack && record->size == wanted->size &&
         record->rate == wanted->rate;
}

static struct hd_record *add_record(uint32_t stack, uint64_t size, uint64_t rate)
{
  struct hd_record *record = records.count < HD_RECORDS_MAX ? hd_pool_add(&records) : NULL;
  if (record) {
    record->stack = stack;
    record->size = size;
    record->rate = rate;
    atomic_store_explicit(&record->objects, 0, memory_order_relaxed);
    atomic_store_explicit(&record->bytes, 0, memory_order_relaxed);
  }
  return record;
}

bool hd_records_start(bool exact)
{
  bool enough = true;
  records.count = 0;
  hd_intern_clear(&record_index);
  atomic_store(&dropped, 0);
  for (uint32_t stack = 1; exact && enough && stack <= stacks.count; stack++)
    enough = add_record(stack, 0, 1);
  return enough;
}

/* With the tables' lock. A stack whose record finds no room is not added: when
 * recording exactly, both have one id. */
static uint32_t add_stack(const struct hd_walk *walk, uint64_t hash, bool exact)
{
  if (stacks.count >= HD_STACKS_MAX || !hd_intern_reserve(&stack_index))
    return 0;
  uint32_t count = hd_walk_count(walk);
  uint32_t *copy = hd_arena_take(count * sizeof *copy, sizeof *copy);
  struct hd_stack *stack = copy ? hd_pool_add(&stacks) : NULL;
  if (!stack)
    return 0;
  for (uint32_t i = 0; i < count; i++)
    copy[i] = hd_walk_frame(walk, i);
  *stack = (struct hd_stack){copy, count, walk->truncated};
  if (exact && !add_record(stacks.count, 0, 1)) {
    stacks.count--;
    return 0;
  }
  hd_intern_add(&stack_index, hash, stacks.count);
  return stacks.count;
}

uint32_t hd_stack_for(const struct hd_walk *walk, bool exact)
{
  uint64_t hash = hd_mix(walk->hash, 2 * hd_walk_count(walk) + walk->truncated);
  uint32_t id = hd_intern_find(&stack_index, hash, stack_equal, walk);
  if (id)
    return id;
  hd_lock_take(&hd_tables_lock);
  id = hd_intern_find(&stack_index, hash, stack_equal, walk);
  if (!id)
    id = add_stack(walk, hash, exact);
  hd_lock_release(&hd_tables_lock);
  if (!id)
    atomic_fetch_add(&dropped, 1);
  return id;
}

static uint32_t sampled_record(uint32_t stack, uint64_t size, uint64_t rate)
{
  struct record_key key = {stack, size, rate};
  uint64_t hash = hd_mix(hd_mix(hd_mix(2, stack), size), rate);
  hd_lock_take(&hd_tables_lock);
  uint32_t id = hd_intern_find(&record_index, hash, record_equal, &key);
  if (!id && hd_intern_reserve(&record_index) && add_record(stack, size, rate)) {
    id = records.count;
    hd_intern_add(&record_index, hash, id);
  }
  hd_lock_release(&hd_tables_lock);
  return id;
}

uint32_t hd_record_for(struct hd_walk *walk, bool exact, uint64_t size, uint64_t rate)
{
  if (walk->failed) {
    atomic_fetch_add(&dropped, 1);
    return 0;
  }
  if (!walk->stack)
    walk->stack = hd_stack_for(walk, exact);
  if (exact || !walk->stack)
    return walk->stack;
  return sampled_record(walk->stack, size, rate);
}

uint32_t hd_stacks_count(void)
{
  return stacks.count;
}

uint32_t hd_records_count(void)
{
  return records.count;
}

uint64_t hd_stacks_dropped(void)
{
  return atomic_load(&dropped);
}
