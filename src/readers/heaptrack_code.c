/* The tables of a recording that say where code is: strings, places, traces. */
#include "readers/heaptrack.h"

#include <stdlib.h>
#include <string.h>

static bool room(const struct hd_heaptrack *heaptrack, size_t count, struct hd_error *error)
{
  return count < HD_MAX_ITEMS ||
         hd_heaptrack_fail(heaptrack, error, "there are more of these than any recording has");
}

/* --- strings */

static bool add_string(struct hd_heaptrack *heaptrack, const char *text, size_t length,
                       uint32_t *string, struct hd_error *error)
{
  struct hd_string made = {hd_arena_copy(&heaptrack->arena, text, length), length};
  if (!room(heaptrack, heaptrack->strings.count, error))
    return false;
  if (!made.text || !hd_vec_push(&heaptrack->strings, made))
    return hd_fail_memory(error);
  *string = (uint32_t)heaptrack->strings.count;
  return true;
}

bool hd_heaptrack_sized_string(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line *line,
                               uint32_t *string, struct hd_error *error)
{
  uint64_t length;
  if (!hd_heaptrack_hex(line, &length) || line->at == line->end || *line->at != ' ' ||
      length > hd_heaptrack_left(line) - 1)
    return hd_heaptrack_fail(heaptrack, error,
                             "a text and its length do not agree: the file is damaged");
  const char *text = line->at + 1;
  line->at = text + length;
  return add_string(heaptrack, text, length, string, error);
}

bool hd_heaptrack_string(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                         uint32_t *string, struct hd_error *error)
{
  /* Before version 3 of the format the text is the rest of the line. */
  if (heaptrack->version < 3 && line.at < line.end)
    return add_string(heaptrack, line.at + 1, hd_heaptrack_left(&line) - 1, string, error);
  if (!hd_heaptrack_sized_string(heaptrack, &line, string, error))
    return false;
  return line.at == line.end ||
         hd_heaptrack_fail(heaptrack, error,
                           "a text and its length do not agree: the file is damaged");
}

/* The number of a string that is there already, or 0. */
static bool take_string(const struct hd_heaptrack *heaptrack, struct hd_heaptrack_line *line,
                        uint32_t *string)
{
  uint64_t number;
  if (!hd_heaptrack_hex(line, &number) || number > heaptrack->strings.count)
    return false;
  *string = (uint32_t)number;
  return true;
}

/* --- places */

/* "function [file line]", then the functions it is inlined into, three numbers each. */
static bool take_frame(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line *line,
                       struct hd_heaptrack_frame *frame)
{
  uint64_t number;
  *frame = (struct hd_heaptrack_frame){0};
  if (!take_string(heaptrack, line, &frame->function))
    return false;
  if (line->at == line->end)
    return true;
  if (!take_string(heaptrack, line, &frame->file) || !hd_heaptrack_hex(line, &number))
    return false;
  frame->line = number <= INT32_MAX ? (uint32_t)number : 0;
  return true;
}

bool hd_heaptrack_place(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                        struct hd_error *error)
{
  struct hd_heaptrack_place place = {.first = (uint32_t)heaptrack->frames.count};
  struct hd_heaptrack_frame frame;
  bool good =
      hd_heaptrack_hex(&line, &place.address) && take_string(heaptrack, &line, &place.module);
  while (good && line.at < line.end) {
    good = take_frame(heaptrack, &line, &frame);
    if (!room(heaptrack, heaptrack->frames.count, error))
      return false;
    if (!hd_vec_push(&heaptrack->frames, frame))
      return hd_fail_memory(error);
  }
  if (!good)
    return hd_heaptrack_fail(heaptrack, error,
                             "no code address whose module, functions and files are texts "
                             "above: the file is damaged");
  place.count = (uint32_t)heaptrack->frames.count - place.first;
  if (!room(heaptrack, heaptrack->places.count, error))
    return false;
  return hd_vec_push(&heaptrack->places, place) || hd_fail_memory(error);
}

/* --- modules of raw recordings */

static int by_start(const void *left, const void *right)
{
  const struct hd_heaptrack_segment *a = left, *b = right;
  return (a->start > b->start) - (a->start < b->start);
}

/* The segment that holds an address, NULL where none does. */
static const struct hd_heaptrack_segment *segment_of(struct hd_heaptrack *heaptrack,
                                                     uint64_t address)
{
  struct hd_heaptrack_segment *items = heaptrack->segments.items;
  size_t low = 0, high = heaptrack->segments.count;
  if (heaptrack->unsorted && high > 1)
    qsort(items, high, sizeof *items, by_start);
  heaptrack->unsorted = false;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (items[middle].start <= address)
      low = middle + 1;
    else
      high = middle;
  }
  return low && address < items[low - 1].limit ? &items[low - 1] : NULL;
}

/* Its loaded segments: "base" and pairs of address in the file, size. */
static bool add_segments(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                         uint32_t module, struct hd_error *error)
{
  uint64_t base = 0, address, size;
  bool good = hd_heaptrack_hex(&line, &base);
  while (good && line.at < line.end) {
    struct hd_heaptrack_segment segment = {.base = base, .module = module};
    good = hd_heaptrack_hex(&line, &address) && hd_heaptrack_hex(&line, &size) &&
           !__builtin_add_overflow(base, address, &segment.start) &&
           !__builtin_add_overflow(segment.start, size, &segment.limit);
    if (!room(heaptrack, heaptrack->segments.count, error))
      return false;
    if (good && !hd_vec_push(&heaptrack->segments, segment))
      return hd_fail_memory(error);
  }
  heaptrack->unsorted = true;
  return good || hd_heaptrack_fail(heaptrack, error,
                                   "no module with the addresses it is at: the file is damaged");
}

/* "-" begins a new list of all modules; "x" stands for the program. */
bool hd_heaptrack_module(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                         struct hd_error *error)
{
  uint32_t module;
  if (!hd_heaptrack_sized_string(heaptrack, &line, &module, error))
    return false;
  struct hd_string name = heaptrack->strings.items[module - 1];
  if (name.length == 1 && name.text[0] == '-') {
    heaptrack->segments.count = 0;
    return true;
  }
  if (name.length == 1 && name.text[0] == 'x' && heaptrack->program)
    module = heaptrack->program;
  return add_segments(heaptrack, line, module, error);
}

/* --- traces */

static bool place_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_heaptrack *heaptrack = context;
  const struct hd_heaptrack_place *have = &heaptrack->places.items[id - 1], *want = key;
  return have->address == want->address && have->module == want->module;
}

/* The place of an address of the process, as modules are mapped now. */
static bool raw_place(struct hd_heaptrack *heaptrack, uint64_t address, uint32_t *place,
                      struct hd_error *error)
{
  const struct hd_heaptrack_segment *segment = segment_of(heaptrack, address);
  struct hd_heaptrack_place made = {.address = address};
  if (segment) {
    made.address -= segment->base;
    made.module = segment->module;
  }
  uint64_t parts[2] = {made.address, made.module}, hash = hd_hash(parts, sizeof parts);
  *place = hd_index_find(&heaptrack->place_index, hash, place_equal, heaptrack, &made);
  if (*place)
    return true;
  if (!room(heaptrack, heaptrack->places.count, error))
    return false;
  if (!hd_vec_push(&heaptrack->places, made))
    return hd_fail_memory(error);
  *place = (uint32_t)heaptrack->places.count;
  return hd_index_add(&heaptrack->place_index, hash, *place) || hd_fail_memory(error);
}

bool hd_heaptrack_trace(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                        struct hd_error *error)
{
  uint64_t code, parent;
  struct hd_heaptrack_trace trace = {0};
  if (!hd_heaptrack_hex(&line, &code) || !hd_heaptrack_hex(&line, &parent) || line.at != line.end ||
      parent > heaptrack->traces.count)
    return hd_heaptrack_fail(heaptrack, error,
                             "no code address and trace of its callers above: the file is "
                             "damaged");
  if (heaptrack->raw && !raw_place(heaptrack, code, &trace.place, error))
    return false;
  if (!heaptrack->raw && code > heaptrack->places.count)
    return hd_heaptrack_fail(heaptrack, error,
                             "the trace has a code address that is not there: the file is "
                             "damaged");
  if (!heaptrack->raw)
    trace.place = (uint32_t)code;
  trace.parent = (uint32_t)parent;
  trace.depth = parent ? heaptrack->traces.items[parent - 1].depth + 1 : 1;
  if (trace.depth > HD_HEAPTRACK_MOST_DEPTH)
    return hd_heaptrack_fail(heaptrack, error,
                             "the stack is deeper than heaptrack follows any: the file is "
                             "damaged");
  if (!room(heaptrack, heaptrack->traces.count, error))
    return false;
  return hd_vec_push(&heaptrack->traces, trace) || hd_fail_memory(error);
}
