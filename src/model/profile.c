#include "model/profile.h"

#include <math.h>
#include <string.h>

const char *const hd_resident_names[HD_RESIDENT_KINDS] = {
    [HD_RESIDENT_BRK] = "brk",       [HD_RESIDENT_ARENAS] = "arenas",
    [HD_RESIDENT_STACKS] = "stacks", [HD_RESIDENT_GO] = "go",
    [HD_RESIDENT_FILES] = "files",   [HD_RESIDENT_SHARED] = "shared",
    [HD_RESIDENT_OTHER] = "other",   [HD_RESIDENT_ANONYMOUS] = "anonymous",
};

bool hd_profile_create(struct hd_profile **profile, struct hd_error *error)
{
  struct hd_profile *made = hd_alloc_zeroed(1, sizeof *made);
  *profile = made;
  if (!made)
    return hd_fail_memory(error);
  for (int i = 0; i < HD_MEASURES; i++)
    made->column[i] = -1;
  made->meta.rss = made->meta.rss_peak = made->meta.threads = made->meta.sequence = -1;
  made->meta.system = made->meta.system_free = -1;
  return true;
}

void hd_profile_destroy(struct hd_profile *profile)
{
  if (!profile)
    return;
  hd_vec_deinit(&profile->modules);
  hd_vec_deinit(&profile->frames);
  hd_vec_deinit(&profile->locations);
  hd_vec_deinit(&profile->stacks);
  hd_vec_deinit(&profile->stack_locations);
  hd_vec_deinit(&profile->stack_truncated);
  hd_vec_deinit(&profile->label_sets);
  hd_vec_deinit(&profile->labels);
  hd_vec_deinit(&profile->records);
  hd_vec_deinit(&profile->values);
  hd_vec_deinit(&profile->ages);
  hd_vec_deinit(&profile->comments);
  hd_index_deinit(&profile->stack_index);
  hd_index_deinit(&profile->label_index);
  hd_strings_deinit(&profile->strings);
  hd_arena_deinit(&profile->arena);
  hd_free(profile);
}

static bool room(size_t count, const char *what, struct hd_error *error)
{
  if (count < HD_MAX_ITEMS)
    return true;
  return hd_fail_input(error, "more than %u %s", HD_MAX_ITEMS, what);
}

bool hd_profile_string(struct hd_profile *profile, const char *text, size_t length, uint32_t *id,
                       struct hd_error *error)
{
  return hd_strings_intern(&profile->strings, text, length, id) || hd_fail_memory(error);
}

const char *hd_profile_text(struct hd_profile *profile, const char *text, size_t length)
{
  return hd_arena_copy(&profile->arena, text, length);
}

void hd_profile_declare(struct hd_profile *profile, enum hd_measure measure)
{
  if (profile->has[measure])
    return;
  profile->has[measure] = true;
  profile->measures[profile->columns] = measure;
  profile->column[measure] = (int)profile->columns++;
}

bool hd_profile_add_module(struct hd_profile *profile, struct hd_module module, uint32_t *id,
                           struct hd_error *error)
{
  if (!room(profile->modules.count, "modules", error))
    return false;
  if (!hd_vec_push(&profile->modules, module))
    return hd_fail_memory(error);
  *id = (uint32_t)profile->modules.count;
  return true;
}

bool hd_profile_add_location(struct hd_profile *profile, uint32_t module, uint64_t offset,
                             const struct hd_frame *frames, size_t frame_count, bool folded,
                             uint32_t *id, struct hd_error *error)
{
  if (!room(profile->locations.count, "locations", error) ||
      !room(profile->frames.count + frame_count, "frames", error))
    return false;
  struct hd_location location = {
      .module = module,
      .offset = offset,
      .first_frame = (uint32_t)profile->frames.count,
      .frame_count = (uint32_t)frame_count,
      .folded = folded,
  };
  if (!hd_vec_reserve(&profile->frames, frame_count) || !hd_vec_push(&profile->locations, location))
    return hd_fail_memory(error);
  for (size_t i = 0; i < frame_count; i++)
    profile->frames.items[profile->frames.count++] = frames[i];
  *id = (uint32_t)profile->locations.count;
  return true;
}

struct stack_key {
  const uint32_t *locations;
  size_t count;
  bool truncated;
};

static bool stack_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_profile *profile = context;
  const struct stack_key *want = key;
  struct hd_span have = profile->stacks.items[id - 1];
  return have.count == want->count && profile->stack_truncated.items[id - 1] == want->truncated &&
         memcmp(profile->stack_locations.items + have.first, want->locations,
                want->count * sizeof *want->locations) == 0;
}

static bool stack_fits(size_t count, struct hd_error *error)
{
  return count <= HD_MAX_FRAMES_PER_STACK ||
         hd_fail_input(error, "a stack has %zu frames, more than %u", count,
                       HD_MAX_FRAMES_PER_STACK);
}

bool hd_profile_append_stack(struct hd_profile *profile, const uint32_t *locations, size_t count,
                             bool truncated, uint32_t *id, struct hd_error *error)
{
  *id = 0;
  if (!count)
    return true;
  if (!stack_fits(count, error) || !room(profile->stacks.count, "stacks", error) ||
      !room(profile->stack_locations.count + count, "frames in stacks", error))
    return false;
  struct hd_span span = {(uint32_t)profile->stack_locations.count, (uint32_t)count};
  if (!hd_vec_reserve(&profile->stack_locations, count) ||
      !hd_vec_reserve(&profile->stack_truncated, 1) || !hd_vec_push(&profile->stacks, span))
    return hd_fail_memory(error);
  memcpy(profile->stack_locations.items + span.first, locations, count * sizeof *locations);
  profile->stack_locations.count += count;
  profile->stack_truncated.items[profile->stack_truncated.count++] = truncated;
  *id = (uint32_t)profile->stacks.count;
  return true;
}

bool hd_profile_add_stack(struct hd_profile *profile, const uint32_t *locations, size_t count,
                          bool truncated, uint32_t *id, struct hd_error *error)
{
  *id = 0;
  if (!count)
    return true;
  if (!stack_fits(count, error))
    return false;
  struct stack_key key = {locations, count, truncated};
  uint64_t hash = hd_hash(locations, count * sizeof *locations);
  *id = hd_index_find(&profile->stack_index, hash, stack_equal, profile, &key);
  if (*id)
    return true;
  return hd_profile_append_stack(profile, locations, count, truncated, id, error) &&
         (hd_index_add(&profile->stack_index, hash, *id) || hd_fail_memory(error));
}

struct label_key {
  const struct hd_label *labels;
  size_t count;
};

static bool label_same(const struct hd_label *a, const struct hd_label *b)
{
  return a->key == b->key && a->text == b->text && a->number == b->number && a->unit == b->unit;
}

static bool labels_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_profile *profile = context;
  const struct label_key *want = key;
  struct hd_span have = profile->label_sets.items[id - 1];
  if (have.count != want->count)
    return false;
  for (size_t i = 0; i < want->count; i++)
    if (!label_same(&profile->labels.items[have.first + i], &want->labels[i]))
      return false;
  return true;
}

bool hd_profile_add_labels(struct hd_profile *profile, const struct hd_label *labels, size_t count,
                           uint32_t *id, struct hd_error *error)
{
  *id = 0;
  if (!count)
    return true;
  struct label_key key = {labels, count};
  uint64_t hash = count;
  for (size_t i = 0; i < count; i++) {
    uint64_t parts[5] = {hash, labels[i].key, labels[i].text, (uint64_t)labels[i].number,
                         labels[i].unit};
    hash = hd_hash(parts, sizeof parts);
  }
  *id = hd_index_find(&profile->label_index, hash, labels_equal, profile, &key);
  if (*id)
    return true;
  if (!room(profile->label_sets.count, "label sets", error) ||
      !room(profile->labels.count + count, "labels", error))
    return false;
  struct hd_span span = {(uint32_t)profile->labels.count, (uint32_t)count};
  if (!hd_vec_reserve(&profile->labels, count) || !hd_vec_push(&profile->label_sets, span))
    return hd_fail_memory(error);
  memcpy(profile->labels.items + span.first, labels, count * sizeof *labels);
  profile->labels.count += count;
  *id = (uint32_t)profile->label_sets.count;
  return hd_index_add(&profile->label_index, hash, *id) || hd_fail_memory(error);
}

static bool in_range(struct hd_profile *profile, const double values[HD_MEASURES],
                     struct hd_error *error)
{
  for (size_t i = 0; i < profile->columns; i++) {
    enum hd_measure measure = profile->measures[i];
    double *magnitude = &profile->magnitude[measure], value = fabs(values[measure]);
    *magnitude = hd_measures[measure].merge == HD_MERGE_SUM
                     ? *magnitude + value
                     : hd_measure_join(measure, *magnitude, value);
    if (!(*magnitude <= HD_MAX_SUM))
      return hd_fail_input(error, "%s adds up to more than 2^60 here: no program has so much, the "
                                  "file is damaged; take the snapshot again",
                           hd_measures[measure].name);
  }
  return true;
}

bool hd_profile_add_record(struct hd_profile *profile, struct hd_record record,
                           const double values[HD_MEASURES], struct hd_error *error)
{
  if (!room(profile->records.count, "records", error) || !in_range(profile, values, error))
    return false;
  if (!hd_vec_reserve(&profile->values, profile->columns) ||
      !hd_vec_push(&profile->records, record))
    return hd_fail_memory(error);
  bool negative = false;
  double *row = profile->values.items + profile->values.count;
  for (size_t i = 0; i < profile->columns; i++) {
    row[i] = values[profile->measures[i]];
    negative |= row[i] < 0;
  }
  profile->values.count += profile->columns;
  profile->negative_values += negative;
  return true;
}

bool hd_profile_add_age(struct hd_profile *profile, struct hd_age age, struct hd_error *error)
{
  return hd_vec_push(&profile->ages, age) || hd_fail_memory(error);
}

bool hd_profile_add_comment(struct hd_profile *profile, uint32_t text, struct hd_error *error)
{
  return hd_vec_push(&profile->comments, text) || hd_fail_memory(error);
}

void hd_profile_forget_records(struct hd_profile *profile)
{
  profile->stacks.count = profile->stack_locations.count = profile->stack_truncated.count = 0;
  profile->records.count = profile->values.count = profile->ages.count = 0;
}

void hd_profile_freeze(struct hd_profile *profile)
{
  hd_index_deinit(&profile->stack_index);
  hd_index_deinit(&profile->label_index);
  profile->frozen = true;
}

double hd_profile_value(const struct hd_profile *profile, size_t record, enum hd_measure measure)
{
  int column = profile->column[measure];
  return column < 0 ? 0 : profile->values.items[record * profile->columns + (size_t)column];
}

double hd_profile_total(const struct hd_profile *profile, enum hd_measure measure)
{
  double total = 0;
  for (size_t i = 0; i < profile->records.count; i++)
    total = hd_measure_join(measure, total, hd_profile_value(profile, i, measure));
  return total;
}
