#include "analysis/classes.h"

#include <math.h>
#include <string.h>

static bool same_class(const void *context, uint32_t id, const void *key)
{
  const struct hd_classes *classes = context;
  const struct hd_class *have = &classes->items.items[id - 1], *wanted = key;
  return have->row == wanted->row && have->size == wanted->size && have->rate == wanted->rate;
}

/* The number of a class, + 1; 0 on want of memory. */
static uint32_t intern(struct hd_classes *classes, const struct hd_class *key)
{
  uint64_t words[] = {key->row, key->size, key->rate};
  uint64_t hash = hd_hash(words, sizeof words);
  uint32_t id = hd_index_find(&classes->index, hash, same_class, classes, key);
  if (id)
    return id;
  if (classes->items.count >= HD_MAX_ITEMS || !hd_vec_push(&classes->items, *key))
    return 0;
  id = (uint32_t)classes->items.count;
  return hd_index_add(&classes->index, hash, id) ? id : 0;
}

uint32_t hd_class_of(struct hd_classes *classes, const struct hd_class *key,
                     struct hd_recent_class recent[HD_RECENT_CLASSES])
{
  for (int i = 0; i < HD_RECENT_CLASSES; i++)
    if (recent[i].size == key->size && recent[i].class &&
        classes->items.items[recent[i].class - 1].rate == key->rate)
      return recent[i].class;
  uint32_t class = intern(classes, key);
  if (class && key->size <= UINT32_MAX) {
    memmove(recent + 1, recent, (HD_RECENT_CLASSES - 1) * sizeof *recent);
    recent[0] = (struct hd_recent_class){(uint32_t)key->size, class};
  }
  return class;
}

static uint32_t raw_count(double objects, double weight)
{
  double count = round(objects / weight);
  return count <= 0 ? 0 : count >= UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

static uint32_t saturated(uint32_t a, uint32_t b)
{
  uint32_t sum;
  return __builtin_add_overflow(a, b, &sum) ? UINT32_MAX : sum;
}

bool hd_is_sampled(uint64_t size, double weight)
{
  return weight > 1 && size > 0;
}

struct hd_class_counts hd_class_counts_of(const struct hd_profile *profile, size_t record)
{
  const struct hd_record *item = &profile->records.items[record];
  double live = profile->has[HD_INUSE_OBJECTS]
                    ? hd_profile_value(profile, record, HD_INUSE_OBJECTS)
                    : hd_profile_value(profile, record, HD_INUSE_SPACE) / (double)item->size;
  return (struct hd_class_counts){
      raw_count(live, item->weight),
      raw_count(hd_profile_value(profile, record, HD_ALLOC_OBJECTS), item->weight)};
}

void hd_class_count(struct hd_class_counts *counts, struct hd_class_counts more)
{
  counts->live = saturated(counts->live, more.live);
  counts->alloc = saturated(counts->alloc, more.alloc);
}

bool hd_class_point_grow(struct hd_class_point *point, size_t count)
{
  if (point->count >= count)
    return true;
  if (!hd_vec_reserve(point, count - point->count))
    return false;
  memset(point->items + point->count, 0, (count - point->count) * sizeof *point->items);
  point->count = count;
  return true;
}

static bool add_counts(struct hd_classes *classes, struct hd_class_point *point,
                       const struct hd_profile *profile, size_t record, uint32_t class)
{
  if (!hd_class_point_grow(point, class))
    return false;
  hd_class_count(&point->items[class - 1], hd_class_counts_of(profile, record));
  classes->counts_allocs &= profile->has[HD_ALLOC_OBJECTS];
  return true;
}

struct hd_age_band hd_age_band_of(uint32_t log2, uint64_t raw, uint64_t size, double weight)
{
  double objects = (double)raw * weight;
  return (struct hd_age_band){.log2 = log2,
                              .count = raw_count((double)raw, 1),
                              .bytes = objects * (double)size,
                              .objects = objects};
}

/* The ages of a record, which follow those of the records before it. */
static bool add_ages(struct hd_class_point *point, const struct hd_profile *profile, size_t record,
                     uint32_t row, uint32_t class, size_t *next)
{
  const struct hd_record *item = &profile->records.items[record];
  while (*next < profile->ages.count && profile->ages.items[*next].record <= record)
    ++*next;
  for (; *next < profile->ages.count && profile->ages.items[*next].record == record + 1; ++*next) {
    const struct hd_age *age = &profile->ages.items[*next];
    struct hd_age_band band = hd_age_band_of(age->log2, age->count, item->size, item->weight);
    band.row = row;
    band.class = class;
    if (!hd_vec_push(&point->ages, band))
      return false;
  }
  return true;
}

bool hd_classes_add(struct hd_classes *classes, struct hd_class_point *point,
                    const struct hd_profile *profile, size_t record, uint32_t row,
                    struct hd_recent_class recent[HD_RECENT_CLASSES], size_t *next_age)
{
  const struct hd_record *item = &profile->records.items[record];
  uint32_t class = 0;
  if (!classes->items.count)
    classes->counts_allocs = true;
  if (hd_is_sampled(item->size, item->weight)) {
    struct hd_class key = {row, item->size, item->rate, item->weight};
    class = hd_class_of(classes, &key, recent);
    if (!class || !add_counts(classes, point, profile, record, class))
      return false;
  }
  return !profile->ages.count || add_ages(point, profile, record, row, class, next_age);
}

static bool merge_ages(struct hd_class_point *point, const struct hd_class_point *counts,
                       const uint32_t *rows, const uint32_t *classes)
{
  if (!hd_vec_reserve(&point->ages, counts->ages.count))
    return false;
  for (size_t i = 0; i < counts->ages.count; i++) {
    struct hd_age_band band = counts->ages.items[i];
    band.row = rows[band.row];
    band.class = band.class ? classes[band.class - 1] : 0;
    point->ages.items[point->ages.count++] = band;
  }
  return true;
}

static bool merge_counts(struct hd_class_point *point, const struct hd_class_point *counts,
                         const uint32_t *classes, size_t count)
{
  uint32_t most = 0;
  for (size_t i = 0; i < count; i++)
    most = classes[i] > most ? classes[i] : most;
  if (!hd_class_point_grow(point, most))
    return false;
  for (size_t i = 0; i < count; i++)
    point->items[classes[i] - 1] = counts->items[i];
  return true;
}

bool hd_classes_merge(struct hd_classes *classes, struct hd_class_point *point,
                      const struct hd_classes *other, const struct hd_class_point *counts,
                      const uint32_t *rows, bool counted)
{
  size_t count = other->items.count;
  if (!classes->items.count && counted)
    classes->counts_allocs = true;
  if (count)
    classes->counts_allocs &= other->counts_allocs;
  HD_SCOPED_FREE uint32_t *ids = hd_alloc((count + 1) * sizeof *ids);
  if (!ids)
    return false;
  for (size_t i = 0; i < count; i++) {
    struct hd_class key = other->items.items[i];
    key.row = rows[key.row];
    ids[i] = intern(classes, &key);
    if (!ids[i])
      return false;
  }
  return merge_counts(point, counts, ids, count) && merge_ages(point, counts, rows, ids);
}

void hd_classes_deinit(struct hd_classes *classes)
{
  hd_vec_deinit(&classes->items);
  hd_index_deinit(&classes->index);
}

void hd_class_point_deinit(struct hd_class_point *point)
{
  hd_vec_deinit(point);
  hd_vec_deinit(&point->ages);
}

struct hd_class_counts hd_class_counts_at(const struct hd_class_point *point, size_t class)
{
  return class < point->count ? point->items[class] : (struct hd_class_counts)
  {
    0, 0
  };
}
