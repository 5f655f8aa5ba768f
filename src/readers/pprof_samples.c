#include "readers/pprof.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* One sample, and the room that all of them use in turn. */
struct sample {
  uint64_t ordinal; /* 1-based, for errors */
  size_t offset;
  HD_VEC(uint32_t) stack; /* locations of the profile, leaf first */
  HD_VEC(struct hd_label) labels;
  int64_t values[HD_PPROF_MAX_SAMPLE_TYPES];
  size_t value_count;
  uint64_t size; /* from the label "bytes", 0 none */
};

/* The weight of a size, remembered: a recorder has few of them. */
enum { WEIGHTS = 256 };
struct weight {
  uint64_t size; /* 0: none yet */
  double weight;
};

/* What is passed on at a time: it stays in the processor's cache. */
enum { PART_RECORDS = 2048, PART_FRAMES = 64 * 1024, RELEASED = 1 << 20 };

struct job {
  struct hd_pprof_file *file;
  struct hd_profile *profile;
  const enum hd_measure *measures;
  const struct hd_parts *parts; /* NULL: all is kept */
  uint64_t rate;
  uint64_t size_key; /* the string "bytes", once it was met; 0 not yet */
  size_t released;   /* bytes of the file from the first sample on */
  struct weight weights[WEIGHTS];
  struct sample sample;
  struct hd_error *error;
};

static bool fail_sample(struct job *job, size_t offset, const char *text)
{
  return hd_fail_offset(job->error, (int64_t)offset, "sample %" PRIu64 " %s", job->sample.ordinal,
                        text);
}

static bool add_location(struct job *job, uint64_t id, size_t offset)
{
  struct sample *sample = &job->sample;
  uint32_t position = hd_pprof_ids_find(&job->file->location_ids, id);
  if (!position)
    return hd_fail_offset(job->error, (int64_t)offset,
                          "sample %" PRIu64 " is at location %" PRIu64
                          ", which is not in the file: it is incomplete or damaged",
                          sample->ordinal, id);
  if (sample->stack.count >= HD_MAX_FRAMES_PER_STACK)
    return hd_fail_offset(job->error, (int64_t)offset, "sample %" PRIu64 " has more than %u frames",
                          sample->ordinal, HD_MAX_FRAMES_PER_STACK);
  return hd_vec_push(&sample->stack, position) || hd_fail_memory(job->error);
}

static bool add_value(struct job *job, uint64_t value, size_t offset)
{
  (void)offset;
  struct sample *sample = &job->sample;
  if (sample->value_count < HD_PPROF_MAX_SAMPLE_TYPES)
    sample->values[sample->value_count] = (int64_t)value;
  sample->value_count++;
  return true;
}

/* A repeated number: packed into bytes, or one by one. */
static bool numbers(struct job *job, const struct hd_cursor *message,
                    const struct hd_wire_field *field,
                    bool (*add)(struct job *job, uint64_t value, size_t offset))
{
  size_t offset = hd_cursor_offset(message);
  if (field->type != HD_WIRE_BYTES)
    return hd_pprof_expect(message, field, HD_WIRE_VARINT, "sample", job->sample.ordinal,
                           job->error) &&
           add(job, field->value, offset);
  struct hd_cursor packed = hd_cursor_inside(message, field);
  while (!hd_cursor_done(&packed)) {
    uint64_t value;
    offset = hd_cursor_offset(&packed);
    if (!hd_cursor_varint(&packed, &value))
      return fail_sample(job, offset,
                         packed.fault == HD_CURSOR_SHORT
                             ? "is damaged: a list ends inside a number"
                             : "is damaged: a number has more than 64 bits");
    if (!add(job, value, offset))
      return false;
  }
  return true;
}

/* A packed list of locations as nearly all are: ids of at most three bytes, all in the
 * file, no more than a stack may have. Stops before the first that is not; returns where. */
static const uint8_t *plain_locations(struct job *job, const uint8_t *at, const uint8_t *end)
{
  const struct hd_pprof_ids *ids = &job->file->location_ids;
  uint32_t *stack = job->sample.stack.items;
  size_t count = job->sample.stack.count, most = job->sample.stack.capacity;
  uint32_t last = ids->in_order ? (uint32_t)ids->ids.count : 0;
  if (most > HD_MAX_FRAMES_PER_STACK)
    most = HD_MAX_FRAMES_PER_STACK;
  while (at < end && count < most) {
    uint32_t id = *at;
    size_t size = 1;
    if (id >= 0x80) {
      if (end - at < 2)
        break;
      id = (id & 0x7f) | (uint32_t)(at[1] & 0x7f) << 7;
      size = 2;
      if (at[1] >= 0x80) {
        if (end - at < 3 || at[2] >= 0x80)
          break;
        id |= (uint32_t)at[2] << 14;
        size = 3;
      }
    }
    uint32_t position = id <= last ? id : id < ids->dense_count ? ids->dense[id] : 0;
    if (!position)
      break;
    stack[count++] = position;
    at += size;
  }
  job->sample.stack.count = count;
  return at;
}

static bool locations(struct job *job, const struct hd_cursor *message,
                      const struct hd_wire_field *field)
{
  struct hd_wire_field rest = *field;
  if (field->type != HD_WIRE_BYTES)
    return numbers(job, message, field, add_location);
  size_t most = field->value < HD_MAX_FRAMES_PER_STACK ? field->value : HD_MAX_FRAMES_PER_STACK;
  if (!hd_vec_reserve(&job->sample.stack, most))
    return hd_fail_memory(job->error);
  rest.data = plain_locations(job, field->data, field->data + field->value);
  rest.value -= (uint64_t)(rest.data - field->data);
  return !rest.value || numbers(job, message, &rest, add_location);
}

/* --- labels ------------------------------------------------------------------ */

static int compare_texts(const struct hd_strings *strings, uint32_t a, uint32_t b)
{
  if (a == b)
    return 0;
  size_t la = hd_strings_length(strings, a), lb = hd_strings_length(strings, b);
  int order = memcmp(hd_strings_text(strings, a), hd_strings_text(strings, b), la < lb ? la : lb);
  return order ? order : (la > lb) - (la < lb);
}

static int compare_labels(const struct hd_strings *strings, const struct hd_label *a,
                          const struct hd_label *b)
{
  int order = compare_texts(strings, a->key, b->key);
  if (!order)
    order = compare_texts(strings, a->text, b->text);
  if (!order)
    order = (a->number > b->number) - (a->number < b->number);
  return order ? order : compare_texts(strings, a->unit, b->unit);
}

/* Kept in order and each once, so that a writer's order or its repeating a label
 * for each frame (jemalloc_pprof does) does not tell two samples apart. */
static bool insert_label(struct job *job, struct hd_label label)
{
  struct sample *sample = &job->sample;
  size_t low = 0, high = sample->labels.count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = compare_labels(&job->profile->strings, &sample->labels.items[middle], &label);
    if (!order)
      return true;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  if (sample->labels.count >= HD_PPROF_MAX_LABELS)
    return hd_fail_offset(job->error, (int64_t)sample->offset,
                          "sample %" PRIu64 " has more than %d labels", sample->ordinal,
                          HD_PPROF_MAX_LABELS);
  if (!hd_vec_push(&sample->labels, label))
    return hd_fail_memory(job->error);
  struct hd_label *place = sample->labels.items + low;
  memmove(place + 1, place, (sample->labels.count - 1 - low) * sizeof *place);
  *place = label;
  return true;
}

/* The number under "bytes" is the size of the sample's objects: a bucket of the
 * recorder, no label that somebody put there. */
static bool is_size(struct hd_pprof_text key)
{
  return key.length == 5 && memcmp(key.text, "bytes", 5) == 0;
}

static bool add_label(struct job *job, struct hd_cursor message)
{
  struct sample *sample = &job->sample;
  uint64_t values[5];
  size_t offset = hd_cursor_offset(&message);
  if (!hd_pprof_varints(message, "a label of sample", sample->ordinal, values, 5, job->error))
    return false;
  bool sized = job->size_key && values[1] == job->size_key;
  if (!sized) {
    struct hd_pprof_text key;
    if (!hd_pprof_string(job->file, values[1], "a label's key", offset, &key, job->error))
      return false;
    sized = is_size(key);
    job->size_key = sized ? values[1] : job->size_key;
  }
  int64_t number = (int64_t)values[3];
  if (!values[2] && sized) {
    if (number > 0 && !sample->size)
      sample->size = (uint64_t)number;
    return true;
  }
  /* Neither text nor number: pprof takes it for absent, too. */
  if (!values[2] && !number && !values[4])
    return true;
  struct hd_label label = {.number = values[2] ? 0 : number};
  return hd_pprof_intern(job->file, job->profile, values[1], "a label's key", offset, &label.key,
                         job->error) &&
         hd_pprof_intern(job->file, job->profile, values[2], "a label's text", offset, &label.text,
                         job->error) &&
         hd_pprof_intern(job->file, job->profile, values[4], "a label's unit", offset, &label.unit,
                         job->error) &&
         insert_label(job, label);
}

/* --- samples ----------------------------------------------------------------- */

static bool parse_sample(struct job *job, struct hd_cursor message)
{
  struct sample *sample = &job->sample;
  struct hd_wire_field field;
  sample->stack.count = sample->labels.count = 0;
  sample->value_count = 0;
  sample->size = 0;
  while (!hd_cursor_done(&message)) {
    if (!hd_pprof_next(&message, &field, "sample", sample->ordinal, job->error))
      return false;
    if (field.number == 1 && !locations(job, &message, &field))
      return false;
    if (field.number == 2 && !numbers(job, &message, &field, add_value))
      return false;
    if (field.number != 3)
      continue;
    if (!hd_pprof_expect(&message, &field, HD_WIRE_BYTES, "sample", sample->ordinal, job->error) ||
        !add_label(job, hd_cursor_inside(&message, &field)))
      return false;
  }
  if (sample->value_count == job->file->types.count)
    return true;
  return hd_fail_offset(job->error, (int64_t)sample->offset,
                        "sample %" PRIu64 " has %zu values, but the file has %zu sample types: it "
                        "is damaged",
                        sample->ordinal, sample->value_count, job->file->types.count);
}

/* The leaf of what drop_frames leaves. From the root on, frames that are dropped
 * stay until the first one that is not, lest all of a stack goes; below that one
 * the first that is dropped ends the stack. (pprof's Prune.) */
static size_t kept_from(const struct job *job)
{
  const uint8_t *dropped = job->file->dropped.items;
  const struct sample *sample = &job->sample;
  bool kept_one = false;
  for (size_t i = job->file->dropped.count ? sample->stack.count : 0; i > 0; i--) {
    uint8_t how = dropped[sample->stack.items[i - 1] - 1];
    if (how == HD_PPROF_KEPT)
      kept_one = true;
    else if (kept_one)
      return how == HD_PPROF_DROP_WHOLE ? i : i - 1;
  }
  return 0;
}

/* Bytes an object, rounded, where no label has it: from what is in use, else from
 * what was allocated; 0 where neither has objects. */
static uint64_t mean_size(const double values[HD_MEASURES], const struct hd_profile *profile)
{
  for (int i = 0; i < HD_MEASURES; i++) {
    enum hd_measure objects = hd_measures[i].sibling;
    if (hd_measures[i].unit != HD_UNIT_BYTES || !profile->has[i] || !profile->has[objects])
      continue;
    if (values[objects] > 0 && values[i] > 0)
      return (uint64_t)(values[i] / values[objects] + .5);
  }
  return 0;
}

/* Values are unsampled already; this is how many objects one sampled object of
 * this size stands for: 1/(1-exp(-size/rate)), as Go's runtime and pprof scale. */
static double weight_of(struct job *job, uint64_t size)
{
  if (job->rate <= 1 || !size)
    return 1;
  struct weight *known = &job->weights[(size ^ size >> 8) % WEIGHTS];
  if (known->size != size)
    *known = (struct weight){size, -1 / expm1(-(double)size / (double)job->rate)};
  return known->weight;
}

/* Whether any measure of ours is not zero. Go writes the stacks of all that it
 * has ever sampled; one with nothing in it says nothing (pprof drops it, too). */
static bool values_of(const struct job *job, double values[HD_MEASURES])
{
  bool any = false;
  for (size_t i = 0; i < job->file->types.count; i++) {
    if (job->measures[i] == HD_MEASURES)
      continue;
    values[job->measures[i]] = (double)job->sample.values[i];
    any |= job->sample.values[i] != 0;
  }
  return any;
}

static bool add_stack(struct job *job, uint32_t *id)
{
  const struct sample *sample = &job->sample;
  size_t leaf = kept_from(job), count = sample->stack.count - leaf;
  const uint32_t *stack = sample->stack.items ? sample->stack.items + leaf : NULL;
  return (job->parts ? hd_profile_append_stack : hd_profile_add_stack)(job->profile, stack, count,
                                                                       false, id, job->error);
}

static bool emit(struct job *job)
{
  struct sample *sample = &job->sample;
  double values[HD_MEASURES] = {0};
  if (!values_of(job, values))
    return true;
  uint64_t size = sample->size ? sample->size : mean_size(values, job->profile);
  struct hd_record record = {.size = size, .rate = job->rate, .weight = weight_of(job, size)};
  return (add_stack(job, &record.stack) &&
          hd_profile_add_labels(job->profile, sample->labels.items, sample->labels.count,
                                &record.labels, job->error) &&
          hd_profile_add_record(job->profile, record, values, job->error)) ||
         hd_error_at(job->error, 0, (int64_t)sample->offset);
}

/* Passes on what there is, once it is worth it; and what was read of the file can go. */
static bool pass_part(struct job *job)
{
  struct hd_profile *profile = job->profile;
  const struct hd_pprof_file *file = job->file;
  if (!job->parts || (profile->records.count < PART_RECORDS &&
                      profile->stack_locations.count < PART_FRAMES))
    return true;
  if (!job->parts->add(job->parts->context, profile, job->error))
    return false;
  hd_profile_forget_records(profile);
  size_t at = job->sample.offset, from = file->first_sample + job->released;
  if (!file->samples_mixed && file->stream && file->stream->release && at - from >= RELEASED) {
    file->stream->release(file->stream, from, at);
    job->released = at - file->first_sample;
  }
  return true;
}

static bool all_samples(struct job *job)
{
  const struct hd_pprof_file *file = job->file;
  struct hd_cursor cursor = hd_cursor_of(file->data, file->samples_end);
  cursor.at += file->first_sample;
  while (!hd_cursor_done(&cursor)) {
    struct hd_wire_field field;
    job->sample.offset = hd_cursor_offset(&cursor);
    if (!hd_pprof_next(&cursor, &field, "the file", 0, job->error))
      return false;
    if (field.number != HD_PPROF_SAMPLE)
      continue;
    job->sample.ordinal++;
    if (!parse_sample(job, hd_cursor_inside(&cursor, &field)) || !emit(job) || !pass_part(job))
      return false;
  }
  return true;
}

bool hd_pprof_samples(struct hd_pprof_file *file, struct hd_profile *profile,
                      const enum hd_measure *measures, const struct hd_parts *parts,
                      struct hd_error *error)
{
  struct job job = {.file = file,
                    .profile = profile,
                    .measures = measures,
                    .parts = parts,
                    .rate = profile->meta.rate,
                    .error = error};
  bool done = all_samples(&job);
  hd_vec_deinit(&job.sample.stack);
  hd_vec_deinit(&job.sample.labels);
  return done;
}
