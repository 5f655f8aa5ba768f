/* Mappings, locations and functions of a pprof file. Ids are the profile's own
 * (1-based); of functions, the places in a table of different ones. */
#include "writers/pprof.h"

#include <string.h>

enum { PAGE = 4096 };

/* How the file offsets of a module become addresses. */
struct mapping {
  uint64_t start, limit, offset;
  bool used, named;         /* by a location; by one that has a function */
  uint64_t lowest, highest; /* file offsets of its locations */
  bool apart;               /* one of them lies outside what is said to be mapped */
};

struct frames {
  struct hd_pprof_writer *writer;
  struct mapping *mappings;          /* [module id] */
  HD_VEC(struct hd_frame) functions; /* different ones; their line is not looked at */
  struct hd_index function_index;
};

/* --- mappings --------------------------------------------------------------------
 * The address of a file offset is start + (offset - mapping's offset), and readers
 * go back the same way. Where the module does not say what was mapped, or an
 * address lies outside of it, addresses are made up: the file offsets themselves. */

static bool within(const struct mapping *mapping, uint64_t offset)
{
  return mapping->limit > mapping->start && offset >= mapping->offset &&
         offset - mapping->offset < mapping->limit - mapping->start;
}

/* Readers keep the address of a location with symbols as it is where it lies in no
 * mapping; without symbols it would belong to none. */
static bool stands_apart(const struct mapping *mapping, const struct hd_location *location)
{
  return location->frame_count &&
         (location->offset < mapping->start || location->offset >= mapping->limit);
}

/* What is not known as a file offset would be taken for one: it goes without its
 * module. With a name nobody looks it up. */
static bool is_homeless(const struct frames *frames, const struct hd_location *location)
{
  return location->module && !location->frame_count &&
         frames->writer->profile->modules.items[location->module - 1].by_address;
}

static void look_at(struct frames *frames, const struct hd_location *location)
{
  struct mapping *mapping = &frames->mappings[location->module];
  if (!mapping->used || location->offset < mapping->lowest)
    mapping->lowest = location->offset;
  if (!mapping->used || location->offset > mapping->highest)
    mapping->highest = location->offset;
  mapping->used = true;
  const struct hd_frame *first = frames->writer->profile->frames.items + location->first_frame;
  mapping->named |= location->frame_count && first->function;
  mapping->apart |= !within(mapping, location->offset) && !stands_apart(mapping, location);
}

static void lay_out(struct frames *frames)
{
  const struct hd_profile *profile = frames->writer->profile;
  for (size_t i = 0; i < profile->modules.count; i++) {
    const struct hd_module *module = &profile->modules.items[i];
    frames->mappings[i + 1] =
        (struct mapping){.start = module->start, .limit = module->limit, .offset = module->offset};
  }
  for (size_t i = 0; i < profile->locations.count; i++)
    if (profile->locations.items[i].module && !is_homeless(frames, &profile->locations.items[i]))
      look_at(frames, &profile->locations.items[i]);
  for (size_t i = 1; i <= profile->modules.count; i++) {
    struct mapping *mapping = &frames->mappings[i];
    if (!mapping->apart)
      continue;
    mapping->start = mapping->offset = mapping->lowest - mapping->lowest % PAGE;
    mapping->limit = mapping->highest < UINT64_MAX - PAGE
                         ? mapping->highest - mapping->highest % PAGE + PAGE
                         : UINT64_MAX;
  }
}

static bool put_mapping(struct frames *frames, uint64_t id, const struct mapping *mapping,
                        uint64_t path, uint64_t build_id)
{
  struct hd_buffer *out = &frames->writer->message;
  hd_buffer_clear(out);
  hd_encode_number(out, 1, id);
  hd_encode_number(out, 2, mapping->start);
  hd_encode_number(out, 3, mapping->limit);
  hd_encode_number(out, 4, mapping->offset);
  hd_encode_number(out, 5, path);
  hd_encode_number(out, 6, build_id);
  /* has_functions, has_filenames, has_line_numbers, has_inline_frames: no tool is
   * to look for symbols again, which may find others. */
  for (uint32_t field = 7; field <= 10; field++)
    hd_encode_number(out, field, mapping->named);
  frames->writer->failed |= out->failed;
  return hd_pprof_writer_put(frames->writer, HD_PPROF_W_MAPPING, out->data, out->length);
}

static bool put_module(struct frames *frames, size_t index)
{
  struct hd_pprof_writer *writer = frames->writer;
  const struct hd_module *module = &writer->profile->modules.items[index];
  return put_mapping(frames, index + 1, &frames->mappings[index + 1],
                     hd_pprof_writer_string(writer, module->path),
                     hd_pprof_writer_string(writer, module->build_id));
}

/* The index of the module that is the program, the count where there is none. */
static size_t main_module(const struct hd_profile *profile)
{
  size_t i = 0;
  while (i < profile->modules.count &&
         strcmp(hd_strings_text(&profile->strings, profile->modules.items[i].path),
                profile->meta.program) != 0)
    i++;
  return i;
}

/* The first mapping is taken for the program. */
static bool put_mappings(struct frames *frames)
{
  struct hd_pprof_writer *writer = frames->writer;
  const struct hd_profile *profile = writer->profile;
  size_t count = profile->modules.count, first = count;
  if (profile->meta.program && profile->meta.program[0]) {
    first = main_module(profile);
    uint32_t path;
    struct mapping none = {0};
    if (first < count) {
      if (!put_module(frames, first))
        return false;
    } else if (!hd_strings_intern(&writer->strings, profile->meta.program,
                                  strlen(profile->meta.program), &path)) {
      return hd_fail_memory(writer->error);
    } else if (!put_mapping(frames, count + 1, &none, path, 0)) {
      return false;
    }
  }
  for (size_t i = 0; i < count; i++)
    if (i != first && !put_module(frames, i))
      return false;
  return true;
}

/* --- functions and locations ------------------------------------------------------ */

static bool same_function(const void *context, uint32_t id, const void *key)
{
  const struct frames *frames = context;
  const struct hd_frame *have = &frames->functions.items[id - 1], *want = key;
  return have->function == want->function && have->system_name == want->system_name &&
         have->file == want->file && have->start_line == want->start_line;
}

/* 0 on want of memory. */
static uint32_t function_of(struct frames *frames, const struct hd_frame *frame)
{
  uint32_t parts[4] = {frame->function, frame->system_name, frame->file, frame->start_line};
  uint64_t hash = hd_hash(parts, sizeof parts);
  uint32_t id = hd_index_find(&frames->function_index, hash, same_function, frames, frame);
  if (id)
    return id;
  if (!hd_vec_push(&frames->functions, *frame) ||
      !hd_index_add(&frames->function_index, hash, (uint32_t)frames->functions.count))
    return 0;
  return (uint32_t)frames->functions.count;
}

static uint64_t address_of(const struct frames *frames, const struct hd_location *location)
{
  const struct mapping *mapping = &frames->mappings[location->module];
  if (!location->module || is_homeless(frames, location) || !within(mapping, location->offset))
    return location->offset;
  return mapping->start + (location->offset - mapping->offset);
}

static bool put_location(struct frames *frames, size_t index)
{
  struct hd_pprof_writer *writer = frames->writer;
  const struct hd_location *location = &writer->profile->locations.items[index];
  struct hd_buffer *out = &writer->message, *line = &writer->part;
  hd_buffer_clear(out);
  hd_encode_number(out, 1, index + 1);
  bool homeless = is_homeless(frames, location);
  writer->lost_places += homeless;
  hd_encode_number(out, 2, homeless ? 0 : location->module);
  hd_encode_number(out, 3, address_of(frames, location));
  for (uint32_t i = 0; i < location->frame_count; i++) {
    const struct hd_frame *frame = &writer->profile->frames.items[location->first_frame + i];
    uint32_t function = function_of(frames, frame);
    writer->failed |= !function;
    hd_buffer_clear(line);
    hd_encode_number(line, 1, function);
    hd_encode_number(line, 2, frame->line);
    writer->failed |= line->failed;
    hd_encode_bytes(out, 4, line->data, line->length);
  }
  hd_encode_number(out, 5, location->folded);
  writer->failed |= out->failed;
  return hd_pprof_writer_put(writer, HD_PPROF_W_LOCATION, out->data, out->length);
}

static bool put_function(struct frames *frames, size_t index)
{
  struct hd_pprof_writer *writer = frames->writer;
  const struct hd_frame *frame = &frames->functions.items[index];
  struct hd_buffer *out = &writer->message;
  hd_buffer_clear(out);
  hd_encode_number(out, 1, index + 1);
  hd_encode_number(out, 2, hd_pprof_writer_string(writer, frame->function));
  hd_encode_number(out, 3, hd_pprof_writer_string(writer, frame->system_name));
  hd_encode_number(out, 4, hd_pprof_writer_string(writer, frame->file));
  hd_encode_number(out, 5, frame->start_line);
  writer->failed |= out->failed;
  return hd_pprof_writer_put(writer, HD_PPROF_W_FUNCTION, out->data, out->length);
}

static bool put_all(struct frames *frames)
{
  lay_out(frames);
  if (!put_mappings(frames))
    return false;
  for (size_t i = 0; i < frames->writer->profile->locations.count; i++)
    if (!put_location(frames, i))
      return false;
  for (size_t i = 0; i < frames->functions.count; i++)
    if (!put_function(frames, i))
      return false;
  return true;
}

bool hd_pprof_write_frames(struct hd_pprof_writer *writer)
{
  struct frames frames = {.writer = writer};
  frames.mappings = hd_alloc_zeroed(writer->profile->modules.count + 1, sizeof *frames.mappings);
  bool fine = frames.mappings ? put_all(&frames) : hd_fail_memory(writer->error);
  hd_free(frames.mappings);
  hd_vec_deinit(&frames.functions);
  hd_index_deinit(&frames.function_index);
  return fine;
}
