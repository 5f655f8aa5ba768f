#include "analysis/tally.h"

#include "analysis/states.h"

#include <string.h>

struct making {
  struct hd_tally *tally;
  struct hd_contexts *contexts;
  struct hd_pool *pool;
  const struct hd_profile *profile;
  uint32_t *locations;       /* of the pool: the profile's stack_locations */
  struct hd_stack *stacks;   /* [stack id]; that of 0 is empty */
  uint32_t *order;           /* records, by context */
  uint32_t *buckets;         /* [record] */
  HD_VEC(uint32_t) state_of; /* [label set - 1]: string of the pool */
  HD_VEC(uint32_t) entries;  /* [bucket]: entry + 1, 0 none */
};

/* The stacks in locations of the pool. */
static bool copy_stacks(struct making *making, const uint32_t *locations)
{
  const struct hd_profile *profile = making->profile;
  making->locations = hd_alloc((profile->stack_locations.count + 1) * sizeof(uint32_t));
  making->stacks = hd_alloc_zeroed(profile->stacks.count + 1, sizeof *making->stacks);
  if (!making->locations || !making->stacks)
    return false;
  for (size_t i = 0; i < profile->stack_locations.count; i++)
    making->locations[i] = locations[profile->stack_locations.items[i]];
  for (size_t i = 0; i < profile->stacks.count; i++) {
    struct hd_span span = profile->stacks.items[i];
    making->stacks[i + 1] = (struct hd_stack){making->locations + span.first, span.count, 0};
  }
  return true;
}

static bool map_stacks(struct making *making)
{
  struct hd_contexts *contexts = making->contexts;
  size_t count = making->profile->stacks.count + 1, before = contexts->in_order;
  if (!hd_contexts_stacks(contexts, making->stacks, count))
    return false;
  if (contexts->nodes.count - before <= before / 4) /* where so few are matters little */
    return true;
  return hd_contexts_order(contexts, making->stacks, count);
}

/* Records whose contexts are near to each other have buckets that are, whatever their order in
 * the file: what is done bucket by bucket then finds its memory in the cache. */
static bool order_records(struct making *making)
{
  const struct hd_profile *profile = making->profile;
  size_t contexts = making->contexts->nodes.count, count = profile->records.count;
  HD_SCOPED_FREE uint32_t *first = hd_alloc_zeroed(contexts + 1, sizeof *first);
  making->order = hd_alloc_zeroed(count + 1, sizeof *making->order);
  if (!first || !making->order)
    return false;
  for (size_t i = 0; i < count; i++)
    first[making->stacks[profile->records.items[i].stack].context + 1]++;
  for (size_t i = 1; i <= contexts; i++)
    first[i] += first[i - 1];
  for (size_t i = 0; i < count; i++)
    making->order[first[making->stacks[profile->records.items[i].stack].context]++] = (uint32_t)i;
  return true;
}

static bool state_of(struct making *making, uint32_t labels, uint32_t *state)
{
  const struct hd_profile *profile = making->profile;
  while (making->state_of.count < labels) {
    uint32_t text = hd_state_of_labels(profile, profile->label_sets.items[making->state_of.count]);
    uint32_t id = 0;
    if (text && !hd_strings_intern(&making->pool->strings, hd_strings_text(&profile->strings, text),
                                   hd_strings_length(&profile->strings, text), &id))
      return false;
    if (!hd_vec_push(&making->state_of, id))
      return false;
  }
  *state = labels ? making->state_of.items[labels - 1] : 0;
  return true;
}

static bool bucket_of(struct making *making, size_t number, uint32_t *bucket)
{
  const struct hd_profile *profile = making->profile;
  const struct hd_record *record = &profile->records.items[number];
  struct hd_bucket like = {.context = making->stacks[record->stack].context,
                           .size = record->size,
                           .rate = record->rate,
                           .weight = record->weight,
                           .met = making->contexts->records + number};
  like.cut = record->stack && profile->stack_truncated.items[record->stack - 1];
  return (!profile->has[HD_GOROUTINES] || state_of(making, record->labels, &like.state)) &&
         hd_contexts_bucket(making->contexts, &like, bucket);
}

/* The number of the bucket's entry, of zeros where it is new. */
static bool entry_of(struct making *making, uint32_t bucket, size_t *entry)
{
  struct hd_tally *tally = making->tally;
  while (making->entries.count <= bucket)
    if (!hd_vec_push(&making->entries, 0))
      return false;
  if (!making->entries.items[bucket]) {
    if (!hd_vec_reserve(&tally->values, tally->columns.count) ||
        !hd_vec_push(&tally->buckets, bucket))
      return false;
    for (size_t i = 0; i < tally->columns.count; i++)
      tally->values.items[tally->values.count++] = 0;
    making->entries.items[bucket] = (uint32_t)tally->buckets.count;
  }
  *entry = making->entries.items[bucket] - 1;
  return true;
}

static bool count_objects(struct making *making, size_t record, size_t entry)
{
  struct hd_tally *tally = making->tally;
  const struct hd_class_counts none = {0, 0};
  const struct hd_record *from = &making->profile->records.items[record];
  if (!hd_is_sampled(from->size, from->weight))
    return true;
  while (tally->counts.count <= entry)
    if (!hd_vec_push(&tally->counts, none))
      return false;
  hd_class_count(&tally->counts.items[entry], hd_class_counts_of(making->profile, record));
  return true;
}

static bool add_record(struct making *making, size_t record)
{
  struct hd_tally *tally = making->tally;
  const struct hd_profile *profile = making->profile;
  uint32_t bucket;
  size_t entry;
  if (!bucket_of(making, record, &bucket) || !entry_of(making, bucket, &entry))
    return false;
  /* A profile's columns are in the order of its measures' declaration, not of their numbers. */
  double values[HD_MEASURES];
  for (size_t i = 0; i < tally->columns.count; i++)
    values[i] =
        profile->values
            .items[record * profile->columns + (size_t)profile->column[tally->columns.measures[i]]];
  hd_columns_join(&tally->columns, tally->values.items + entry * tally->columns.count, values);
  making->buckets[record] = bucket;
  return count_objects(making, record, entry);
}

/* Records that are next to each other here lie far apart in the profile. (Inlined by force, as
 * gcc drops a call of what does nothing but that.) */
static inline __attribute__((always_inline)) void look_ahead(const struct making *making, size_t i)
{
  enum { AHEAD = 8 };
  const struct hd_profile *profile = making->profile;
  if (i + AHEAD >= profile->records.count)
    return;
  uint32_t record = making->order[i + AHEAD];
  __builtin_prefetch(&profile->records.items[record]);
  __builtin_prefetch(&profile->values.items[record * profile->columns]);
}

static bool add_records(struct making *making)
{
  const struct hd_profile *profile = making->profile;
  struct hd_tally *tally = making->tally;
  size_t count = profile->records.count;
  making->buckets = hd_alloc_zeroed(count + 1, sizeof *making->buckets);
  if (!making->buckets || !hd_vec_reserve(&tally->buckets, count) ||
      !hd_vec_reserve(&tally->values, count * tally->columns.count))
    return false;
  for (size_t i = 0; i < count; i++) {
    look_ahead(making, i);
    if (!add_record(making, making->order[i]))
      return false;
  }
  making->contexts->records += profile->records.count;
  return true;
}

static bool add_ages(struct making *making)
{
  const struct hd_profile *profile = making->profile;
  for (size_t i = 0; i < profile->ages.count; i++) {
    const struct hd_age *age = &profile->ages.items[i];
    if (!age->record || age->record > profile->records.count)
      continue;
    struct hd_tally_age made = {making->buckets[age->record - 1], age->log2, age->count};
    if (!hd_vec_push(&making->tally->ages, made))
      return false;
  }
  return true;
}

bool hd_tally_make(struct hd_tally *tally, struct hd_contexts *contexts, struct hd_pool *pool,
                   const struct hd_profile *profile, const uint32_t *locations)
{
  struct making making = {.tally = tally, .contexts = contexts, .pool = pool, .profile = profile};
  *tally = (struct hd_tally){0};
  memcpy(tally->has, profile->has, sizeof tally->has);
  tally->columns = hd_columns_of(profile->has);
  bool fine = copy_stacks(&making, locations) && map_stacks(&making) && order_records(&making) &&
              add_records(&making) && add_ages(&making);
  hd_free(making.locations);
  hd_free(making.stacks);
  hd_free(making.order);
  hd_free(making.buckets);
  hd_vec_deinit(&making.state_of);
  hd_vec_deinit(&making.entries);
  if (!fine)
    hd_tally_deinit(tally);
  return fine;
}

void hd_tally_deinit(struct hd_tally *tally)
{
  hd_vec_deinit(&tally->buckets);
  hd_vec_deinit(&tally->values);
  hd_vec_deinit(&tally->counts);
  hd_vec_deinit(&tally->ages);
  *tally = (struct hd_tally){0};
}
