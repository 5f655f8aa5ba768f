/* A message is preceded by its length, which is reckoned before it is written: so
 * nothing is held in memory. */
#include "pprof.h"

#include "modules.h"
#include "sampling.h"
#include "stacks.h"
#include "unsample.h"

#include <string.h>

enum wire { VARINT = 0, BYTES = 2 };

/* Field numbers of profile.proto. */
enum {
  SAMPLE_TYPE = 1,
  SAMPLE = 2,
  MAPPING = 3,
  LOCATION = 4,
  STRING = 6,
  TIME = 9,
  DURATION = 10,
  PERIOD_TYPE = 11,
  PERIOD = 12,
  DEFAULT_TYPE = 14
};

/* The strings that every profile has, by their numbers; those of the modules, a
 * path and a build-id each, come behind. */
enum {
  NOTHING,
  MMAP_OBJECTS,
  MMAP_SPACE,
  ALLOC_OBJECTS,
  ALLOC_SPACE,
  INUSE_OBJECTS,
  INUSE_SPACE,
  COUNT_UNIT,
  BYTES_UNIT,
  SPACE,
  FIXED_STRINGS
};

static const char *const fixed[FIXED_STRINGS] = {
    "",           "mmap_objects", "mmap_space", "alloc_objects", "alloc_space", "inuse_objects",
    "inuse_space", "count",        "bytes",      "space"};

/* Values of a sample: the last one is what tools show first. Those of mappings are
 * left out where none are recorded. */
enum { VALUES = 6, MAPPED_VALUES = 2 };

static unsigned first_value(void)
{
  return hd_mappings_are_recorded() ? 0 : MAPPED_VALUES;
}

static size_t varint_length(uint64_t value)
{
  size_t length = 1;
  while (value >>= 7)
    length++;
  return length;
}

static void put_varint(struct hd_output *output, uint64_t value)
{
  char bytes[10];
  size_t length = 0;
  do
    bytes[length++] = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
  while (value >>= 7);
  hd_put_bytes(output, bytes, length);
}

/* All fields here have numbers below 16: their tags are of one byte. */
static void put_tag(struct hd_output *output, unsigned field, enum wire wire)
{
  put_varint(output, field << 3 | wire);
}

/* A number that is 0 is left out, as a reader takes it for that. */
static size_t number_length(uint64_t value)
{
  return value ? 1 + varint_length(value) : 0;
}

static void put_field(struct hd_output *output, unsigned field, uint64_t value)
{
  if (!value)
    return;
  put_tag(output, field, VARINT);
  put_varint(output, value);
}

static void put_bytes_field(struct hd_output *output, unsigned field, const char *bytes,
                            size_t length)
{
  put_tag(output, field, BYTES);
  put_varint(output, length);
  hd_put_bytes(output, bytes, length);
}

/* A message of numbers alone, fields 1 to count. */
static void put_message(struct hd_output *output, unsigned field, const uint64_t numbers[],
                        unsigned count)
{
  size_t length = 0;
  for (unsigned i = 0; i < count; i++)
    length += number_length(numbers[i]);
  put_tag(output, field, BYTES);
  put_varint(output, length);
  for (unsigned i = 0; i < count; i++)
    put_field(output, i + 1, numbers[i]);
}

static void put_types(struct hd_output *output)
{
  for (unsigned i = first_value(); i < VALUES; i++) {
    const uint64_t type[] = {MMAP_OBJECTS + i, i % 2 ? BYTES_UNIT : COUNT_UNIT};
    put_message(output, SAMPLE_TYPE, type, 2);
  }
}

static uint64_t string_of_path(uint32_t module)
{
  return FIXED_STRINGS + 2 * (uint64_t)module;
}

static void put_mapping(struct hd_output *output, uint32_t index)
{
  const struct hd_module *module = hd_module_at(index);
  uint64_t start = module->load + module->code_offset, path = string_of_path(index);
  const uint64_t numbers[] = {
      index + 1, start, start + module->code_size, module->code_offset, path, path + 1};
  put_message(output, MAPPING, numbers, 6);
}

/* The first mapping is taken for the program's: where nothing of the program is
 * known by address, one without addresses says its name. Its string is the last. */
static void put_mappings(struct hd_output *output, uint32_t modules, const char *program)
{
  uint32_t first = 0;
  while (first < modules && strcmp(hd_module_at(first)->path, program) != 0)
    first++;
  if (first < modules) {
    put_mapping(output, first);
  } else {
    const uint64_t numbers[] = {(uint64_t)modules + 1, 0, 0, 0, string_of_path(modules)};
    put_message(output, MAPPING, numbers, 5);
  }
  for (uint32_t i = 0; i < modules; i++)
    if (i != first)
      put_mapping(output, i);
}

/* Where the look-up address lay, or would have lain. */
static void put_location(struct hd_output *output, uint32_t index)
{
  const struct hd_frame *frame = hd_frame_at(index);
  uint64_t load = frame->module ? hd_module_at(frame->module - 1)->load : 0;
  const uint64_t numbers[] = {index + 1, frame->module, load + frame->offset};
  put_message(output, LOCATION, numbers, 3);
}

static void put_sample(struct hd_output *output, const struct hd_stack *stack,
                       const uint64_t values[VALUES], uint64_t size)
{
  enum { LOCATIONS = 1, VALUE = 2, LABEL = 3, KEY = 1, NUMBER = 3 };
  size_t frames = 0, numbers = 0, label = size ? number_length(BYTES_UNIT) + number_length(size) : 0;
  for (uint32_t i = 0; i < stack->count; i++)
    frames += varint_length(stack->frames[i]);
  for (unsigned i = first_value(); i < VALUES; i++)
    numbers += varint_length(values[i]);
  put_tag(output, SAMPLE, BYTES);
  put_varint(output, 1 + varint_length(frames) + frames + 1 + varint_length(numbers) + numbers +
                         (label ? 1 + varint_length(label) + label : 0));
  put_tag(output, LOCATIONS, BYTES);
  put_varint(output, frames);
  for (uint32_t i = 0; i < stack->count; i++)
    put_varint(output, stack->frames[i]);
  put_tag(output, VALUE, BYTES);
  put_varint(output, numbers);
  for (unsigned i = first_value(); i < VALUES; i++)
    put_varint(output, values[i]);
  if (!label)
    return;
  put_tag(output, LABEL, BYTES);
  put_varint(output, label);
  put_field(output, KEY, BYTES_UNIT);
  put_field(output, NUMBER, size);
}

/* To the nearest. */
static uint64_t scaled(uint64_t count, double factor)
{
  return (uint64_t)((double)count * factor + .5);
}

static void put_record(struct hd_output *output, const struct hd_capture *capture, uint32_t id)
{
  const struct hd_totals *totals = &capture->totals[id - 1];
  const struct hd_record *record = hd_record_at(id - 1);
  uint64_t values[VALUES] = {0, 0, totals->objects, totals->bytes, totals->live_objects,
                             totals->live_bytes};
  uint64_t size = hd_sampling_is_exact() ? 0 : record->size;
  if (!hd_sampling_is_exact()) {
    double weight = 1 / hd_sampled_share(record->size, record->rate);
    for (unsigned i = MAPPED_VALUES; i < VALUES; i++)
      values[i] = scaled(values[i], weight);
  }
  if (values[2])
    put_sample(output, hd_stack_at(record->stack - 1), values, size);
}

static void put_samples(struct hd_output *output, const struct hd_capture *capture)
{
  for (uint32_t id = 1; id <= capture->records && !output->error; id++)
    put_record(output, capture, id);
  for (uint32_t id = 1; capture->mapped && id <= capture->stacks && !output->error; id++) {
    const struct hd_mapped *mapped = &capture->mapped[id];
    const uint64_t values[VALUES] = {mapped->objects, mapped->bytes};
    if (mapped->objects)
      put_sample(output, hd_stack_at(id - 1), values, 0);
  }
}

static void put_strings(struct hd_output *output, uint32_t modules, const char *program)
{
  static const char digits[] = "0123456789abcdef";
  for (unsigned i = 0; i < FIXED_STRINGS; i++)
    put_bytes_field(output, STRING, fixed[i], strlen(fixed[i]));
  for (uint32_t i = 0; i < modules; i++) {
    const struct hd_module *module = hd_module_at(i);
    char id[2 * HD_BUILD_ID_MAX];
    for (uint32_t k = 0; k < module->build_id_length; k++) {
      id[2 * k] = digits[module->build_id[k] >> 4];
      id[2 * k + 1] = digits[module->build_id[k] & 15];
    }
    put_bytes_field(output, STRING, module->path, strlen(module->path));
    put_bytes_field(output, STRING, id, 2 * (size_t)module->build_id_length);
  }
  put_bytes_field(output, STRING, program, strlen(program));
}

void hd_pprof_snapshot(struct hd_output *output, const struct hd_capture *capture,
                       const struct hd_series *series)
{
  static const uint64_t period_type[] = {SPACE, BYTES_UNIT};
  put_types(output);
  put_samples(output, capture);
  put_mappings(output, capture->modules, series->program);
  for (uint32_t i = 0; i < capture->frames && !output->error; i++)
    put_location(output, i);
  put_strings(output, capture->modules, series->program);
  put_field(output, TIME, capture->time_ns);
  if (capture->mono_ns > series->image_ns)
    put_field(output, DURATION, capture->mono_ns - series->image_ns);
  put_message(output, PERIOD_TYPE, period_type, 2);
  put_field(output, PERIOD, hd_sampling_rate());
  put_field(output, DEFAULT_TYPE, INUSE_SPACE);
  hd_output_flush(output);
}
