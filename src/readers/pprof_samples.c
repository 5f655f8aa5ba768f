#include "readers/pprof.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* One sample, and the room that all of them use in turn. */
struct sample {
  uint64_t ordinal; /* 1-based, for errors */
  size_t offset;
  HD_VEC(uint32_t) stack;  /* locations of the profile, leaf first */
  HD_VEC(uint8_t) dropped; /* beside stack, where the file drops frames */
  HD_VEC(struct hd_label) labels;
  int64_t values[HD_PPROF_MAX_SAMPLE_TYPES];
  size_t value_count;
  uint64_t size; /* from the label "bytes", 0 none */
};

struct job {
  struct hd_pprof_file *file;
  struct hd_profile *profile;
  const enum hd_measure *measures;
  uint64_t rate;
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
  if (job->file->dropped.count &&
      !hd_vec_push(&sample->dropped, job->file->dropped.items[position - 1]))
    return hd_fail_memory(job->error);
  return hd_vec_push(&sample->stack, job->file->location_of.items[position - 1]) ||
         hd_fail_memory(job->error);
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
  struct hd_pprof_text key;
  if (!hd_pprof_string(job->file, values[1], "a label's key", offset, &key, job->error))
    return false;
  int64_t number = (int64_t)values[3];
  if (!values[2] && is_size(key)) {
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
  sample->stack.count = sample->dropped.count = sample->labels.count = 0;
  sample->value_count = 0;
  sample->size = 0;
  while (!hd_cursor_done(&message)) {
    if (!hd_pprof_next(&message, &field, "sample", sample->ordinal, job->error))
      return false;
    if (field.number == 1 && !numbers(job, &message, &field, add_location))
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
static size_t kept_from(const struct sample *sample)
{
  bool kept_one = false;
  for (size_t i = sample->dropped.count; i > 0; i--) {
    uint8_t dropped = sample->dropped.items[i - 1];
    if (dropped == HD_PPROF_KEPT)
      kept_one = true;
    else if (kept_one)
      return dropped == HD_PPROF_DROP_WHOLE ? i : i - 1;
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
static double weight_of(uint64_t size, uint64_t rate)
{
  if (rate <= 1 || !size)
    return 1;
  return -1 / expm1(-(double)size / (double)rate);
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

static bool emit(struct job *job)
{
  struct sample *sample = &job->sample;
  double values[HD_MEASURES] = {0};
  if (!values_of(job, values))
    return true;
  uint64_t size = sample->size ? sample->size : mean_size(values, job->profile);
  struct hd_record record = {.size = size, .rate = job->rate, .weight = weight_of(size, job->rate)};
  size_t leaf = kept_from(sample), count = sample->stack.count - leaf;
  const uint32_t *stack = sample->stack.items ? sample->stack.items + leaf : NULL;
  return (hd_profile_add_stack(job->profile, stack, count, false, &record.stack, job->error) &&
          hd_profile_add_labels(job->profile, sample->labels.items, sample->labels.count,
                                &record.labels, job->error) &&
          hd_profile_add_record(job->profile, record, values, job->error)) ||
         hd_error_at(job->error, 0, (int64_t)sample->offset);
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
    if (!parse_sample(job, hd_cursor_inside(&cursor, &field)) || !emit(job))
      return false;
  }
  return true;
}

bool hd_pprof_samples(struct hd_pprof_file *file, struct hd_profile *profile,
                      const enum hd_measure *measures, struct hd_error *error)
{
  struct job job = {.file = file,
                    .profile = profile,
                    .measures = measures,
                    .rate = profile->meta.rate,
                    .error = error};
  bool done = all_samples(&job);
  hd_vec_deinit(&job.sample.stack);
  hd_vec_deinit(&job.sample.dropped);
  hd_vec_deinit(&job.sample.labels);
  return done;
}
