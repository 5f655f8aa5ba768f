#include "analysis/contexts.h"

#include <string.h>

/* --- life --------------------------------------------------------------------------- */

bool hd_contexts_init(struct hd_contexts *contexts)
{
  *contexts = (struct hd_contexts){0};
  return hd_vec_push(&contexts->nodes, (struct hd_context){0, 0}) &&
         hd_contexts_order(contexts, NULL, 0);
}

void hd_contexts_deinit(struct hd_contexts *contexts)
{
  hd_vec_deinit(&contexts->nodes);
  hd_vec_deinit(&contexts->buckets);
  hd_free(contexts->children);
  hd_free(contexts->ends);
  hd_index_deinit(&contexts->stacks);
  hd_index_deinit(&contexts->bucket_index);
  *contexts = (struct hd_contexts){0};
}

/* --- children: open addressing, at most half full, as millions are looked up ----------- */

static size_t hash_slot(const struct hd_contexts *contexts, uint32_t parent, uint32_t location)
{
  uint64_t hash = ((uint64_t)parent << 32 | location) * 0x9e3779b97f4a7c15u;
  return (size_t)(hash >> 24) & (contexts->children_size - 1);
}

static struct hd_child *slot_of(const struct hd_contexts *contexts, uint32_t parent,
                                uint32_t location)
{
  size_t at = hash_slot(contexts, parent, location), mask = contexts->children_size - 1;
  while (contexts->children[at].node &&
         (contexts->children[at].parent != parent || contexts->children[at].location != location))
    at = (at + 1) & mask;
  return &contexts->children[at];
}

static void fill_table(struct hd_contexts *contexts)
{
  for (uint32_t i = 1; i < contexts->nodes.count; i++) {
    const struct hd_context *node = &contexts->nodes.items[i];
    *slot_of(contexts, node->parent, node->location) =
        (struct hd_child){node->parent, node->location, i};
  }
}

static bool grow_table(struct hd_contexts *contexts)
{
  size_t size = contexts->children_size ? 2 * contexts->children_size : 1024;
  struct hd_child *table = hd_alloc_zeroed(size, sizeof *table);
  if (!table)
    return false;
  hd_free(contexts->children);
  contexts->children = table;
  contexts->children_size = size;
  fill_table(contexts);
  return true;
}

static bool child_of(struct hd_contexts *contexts, uint32_t parent, uint32_t location,
                     uint32_t *child)
{
  if (2 * contexts->nodes.count >= contexts->children_size && !grow_table(contexts))
    return false;
  struct hd_child *slot = slot_of(contexts, parent, location);
  if (!slot->node) {
    struct hd_context made = {parent, location};
    if (contexts->nodes.count >= HD_MAX_ITEMS || !hd_vec_push(&contexts->nodes, made))
      return false;
    *slot = (struct hd_child){parent, location, (uint32_t)contexts->nodes.count - 1};
    contexts->version++;
  }
  *child = slot->node;
  return true;
}

/* --- whole stacks: most of a snapshot's were in the one before -------------------------- */

static bool same_stack(const void *context, uint32_t id, const void *key)
{
  const struct hd_context *nodes = context;
  const struct hd_stack *want = key;
  uint32_t node = id - 1;
  for (uint32_t i = 0; i < want->count; i++) {
    if (!node || nodes[node].location != want->locations[i])
      return false;
    node = nodes[node].parent;
  }
  return !node;
}

/* A new stack, on its way from the root to its context. */
struct climb {
  struct hd_stack *stack;
  uint64_t hash;
  uint32_t left; /* locations */
};

/* Some at the same time, a location each in turn: what the next step of one looks at comes
 * from memory while the others make theirs. */
enum { ROPE = 8 };

static bool climb_all(struct hd_contexts *contexts, struct climb *climbs, size_t count)
{
  for (bool going = true; going;) {
    going = false;
    for (size_t i = 0; i < count; i++) {
      struct climb *climb = &climbs[i];
      struct hd_stack *stack = climb->stack;
      if (!climb->left)
        continue;
      if (!child_of(contexts, stack->context, stack->locations[--climb->left], &stack->context))
        return false;
      if (!climb->left)
        continue;
      going = true;
      __builtin_prefetch(&contexts->children[hash_slot(contexts, stack->context,
                                                       stack->locations[climb->left - 1])]);
    }
  }
  for (size_t i = 0; i < count; i++)
    if (!hd_index_add(&contexts->stacks, climbs[i].hash, climbs[i].stack->context + 1))
      return false;
  return true;
}

bool hd_contexts_stacks(struct hd_contexts *contexts, struct hd_stack *stacks, size_t count)
{
  struct climb climbs[ROPE];
  size_t climbing = 0;
  for (size_t i = 0; i < count; i++) {
    struct hd_stack *stack = &stacks[i];
    stack->context = 0;
    if (!stack->count)
      continue;
    uint64_t hash = hd_hash(stack->locations, stack->count * sizeof *stack->locations);
    uint32_t id = hd_index_find(&contexts->stacks, hash, same_stack, contexts->nodes.items, stack);
    if (id)
      stack->context = id - 1;
    else
      climbs[climbing++] = (struct climb){stack, hash, stack->count};
    if (climbing < ROPE)
      continue;
    if (!climb_all(contexts, climbs, climbing))
      return false;
    climbing = 0;
  }
  return climb_all(contexts, climbs, climbing);
}

/* --- buckets -------------------------------------------------------------------------- */

static bool same_bucket(const void *context, uint32_t id, const void *key)
{
  const struct hd_bucket *a = (const struct hd_bucket *)context + (id - 1), *b = key;
  return a->context == b->context && a->size == b->size && a->rate == b->rate &&
         a->state == b->state && a->cut == b->cut &&
         memcmp(&a->weight, &b->weight, sizeof a->weight) == 0;
}

static uint64_t hash_of(const struct hd_bucket *bucket)
{
  uint64_t words[4] = {(uint64_t)bucket->context << 32 | bucket->state, bucket->size,
                       bucket->rate << 1 | bucket->cut, 0};
  memcpy(&words[3], &bucket->weight, sizeof bucket->weight);
  return hd_hash(words, sizeof words);
}

bool hd_contexts_bucket(struct hd_contexts *contexts, const struct hd_bucket *like,
                        uint32_t *bucket)
{
  uint64_t hash = hash_of(like);
  uint32_t id =
      hd_index_find(&contexts->bucket_index, hash, same_bucket, contexts->buckets.items, like);
  if (!id) {
    if (contexts->buckets.count >= HD_MAX_ITEMS || !hd_vec_push(&contexts->buckets, *like))
      return false;
    id = (uint32_t)contexts->buckets.count;
    contexts->version++;
    if (!hd_index_add(&contexts->bucket_index, hash, id))
      return false;
  }
  *bucket = id - 1;
  return true;
}

/* --- order -------------------------------------------------------------------------- */

/* The contexts in their new order. */
struct ordered {
  struct hd_context *nodes;
  uint32_t *ends;
};

/* number[old] is the new one: a subtree begins where those of its older siblings end. */
static void number_anew(const struct hd_contexts *contexts, uint32_t *size, uint32_t *number,
                        struct ordered *made)
{
  const struct hd_context *nodes = contexts->nodes.items;
  size_t count = contexts->nodes.count;
  for (size_t i = count; i-- > 1;)
    size[nodes[i].parent] += ++size[i];
  size[0]++;
  made->ends[0] = (uint32_t)count;
  uint32_t *next = size; /* of a context that has its number: that of its next child */
  for (size_t i = 0; i < count; i++) {
    uint32_t parent = nodes[i].parent, its = size[i];
    if (i) {
      number[i] = next[parent];
      next[parent] += its;
    }
    made->nodes[number[i]] = (struct hd_context){number[parent], nodes[i].location};
    made->ends[number[i]] = number[i] + its;
    next[i] = number[i] + 1;
  }
}

static bool renumber_buckets(struct hd_contexts *contexts, const uint32_t *number)
{
  struct hd_index index = {0};
  for (size_t i = 0; i < contexts->buckets.count; i++) {
    struct hd_bucket bucket = contexts->buckets.items[i];
    bucket.context = number[bucket.context];
    if (!hd_index_add(&index, hash_of(&bucket), (uint32_t)i + 1)) {
      hd_index_deinit(&index);
      return false;
    }
  }
  for (size_t i = 0; i < contexts->buckets.count; i++)
    contexts->buckets.items[i].context = number[contexts->buckets.items[i].context];
  hd_index_deinit(&contexts->bucket_index);
  contexts->bucket_index = index;
  return true;
}

static void take_nodes(struct hd_contexts *contexts, const uint32_t *number,
                       const struct ordered *made)
{
  hd_free(contexts->nodes.items);
  hd_free(contexts->ends);
  contexts->nodes.items = made->nodes;
  contexts->nodes.capacity = contexts->nodes.count;
  contexts->ends = made->ends;
  for (size_t i = 0; i < contexts->stacks.capacity; i++)
    if (contexts->stacks.slots[i].id)
      contexts->stacks.slots[i].id = number[contexts->stacks.slots[i].id - 1] + 1;
  if (contexts->children_size)
    memset(contexts->children, 0, contexts->children_size * sizeof *contexts->children);
  fill_table(contexts);
  contexts->in_order = contexts->nodes.count;
  contexts->version++;
}

bool hd_contexts_order(struct hd_contexts *contexts, struct hd_stack *stacks, size_t count)
{
  size_t nodes = contexts->nodes.count;
  struct ordered made;
  if (contexts->in_order == nodes)
    return true;
  HD_SCOPED_FREE uint32_t *number = hd_alloc_zeroed(nodes, sizeof *number);
  HD_SCOPED_FREE uint32_t *size = hd_alloc_zeroed(nodes, sizeof *size);
  made.nodes = hd_alloc(nodes * sizeof *made.nodes);
  made.ends = hd_alloc(nodes * sizeof *made.ends);
  bool fine = number && size && made.nodes && made.ends;
  if (fine) {
    number_anew(contexts, size, number, &made);
    fine = renumber_buckets(contexts, number);
  }
  if (!fine) {
    hd_free(made.nodes);
    hd_free(made.ends);
    return false;
  }
  take_nodes(contexts, number, &made);
  for (size_t i = 0; i < count; i++)
    stacks[i].context = number[stacks[i].context];
  return true;
}
