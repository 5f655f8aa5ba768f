/* From cuts to profiles. */
#include "readers/heaptrack.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct builder {
  const struct hd_heaptrack *heaptrack;
  struct hd_profile *profile;
  uint32_t *modules;   /* [string of the recording] -> module of the profile, 0 not yet */
  uint32_t *locations; /* [place] -> location */
  HD_VEC(struct hd_frame) frames; /* scratch, as the next */
  HD_VEC(uint32_t) stack;
};

static bool text_of(struct builder *builder, uint32_t string, uint32_t *id, struct hd_error *error)
{
  *id = 0;
  if (!string)
    return true;
  struct hd_string text = builder->heaptrack->strings.items[string - 1];
  return hd_profile_string(builder->profile, text.text, text.length, id, error);
}

static bool module_of(struct builder *builder, uint32_t string, uint32_t *module,
                      struct hd_error *error)
{
  *module = builder->modules[string];
  if (*module || !string)
    return true;
  struct hd_module made = {.by_address = builder->heaptrack->raw};
  if (!text_of(builder, string, &made.path, error) ||
      !hd_profile_add_module(builder->profile, made, module, error))
    return false;
  builder->modules[string] = *module;
  return true;
}

/* Where heaptrack found no name, the address tells it apart: it is one of the process,
 * and nothing in an interpreted recording says where the module was. */
static bool name_by_address(struct builder *builder, uint64_t address, struct hd_frame *frame,
                            struct hd_error *error)
{
  char text[32];
  int length = snprintf(text, sizeof text, "0x%" PRIx64, address);
  return hd_profile_string(builder->profile, text, (size_t)length, &frame->function, error);
}

static bool frames_of(struct builder *builder, const struct hd_heaptrack_place *place,
                      struct hd_error *error)
{
  builder->frames.count = 0;
  for (uint32_t i = 0; i < place->count; i++) {
    const struct hd_heaptrack_frame *from = &builder->heaptrack->frames.items[place->first + i];
    struct hd_frame frame = {.line = from->line};
    if (!text_of(builder, from->function, &frame.function, error) ||
        !text_of(builder, from->file, &frame.file, error))
      return false;
    if (!frame.function && !frame.file && !name_by_address(builder, place->address, &frame, error))
      return false;
    if (!hd_vec_push(&builder->frames, frame))
      return hd_fail_memory(error);
  }
  if (place->count || builder->heaptrack->raw || !place->module)
    return true;
  struct hd_frame frame = {0};
  return name_by_address(builder, place->address, &frame, error) &&
         (hd_vec_push(&builder->frames, frame) || hd_fail_memory(error));
}

static bool location_of(struct builder *builder, uint32_t number, uint32_t *location,
                        struct hd_error *error)
{
  *location = builder->locations[number];
  if (*location)
    return true;
  const struct hd_heaptrack_place nowhere = {0};
  const struct hd_heaptrack_place *place =
      number ? &builder->heaptrack->places.items[number - 1] : &nowhere;
  bool named = place->count || !builder->heaptrack->raw;
  uint32_t module;
  if (!module_of(builder, place->module, &module, error) || !frames_of(builder, place, error))
    return false;
  uint64_t offset = named && builder->frames.count ? 0 : place->address;
  if (!hd_profile_add_location(builder->profile, module, offset, builder->frames.items,
                               builder->frames.count, false, location, error))
    return false;
  builder->locations[number] = *location;
  return true;
}

static bool stack_of(struct builder *builder, uint32_t trace, uint32_t *stack,
                     struct hd_error *error)
{
  const struct hd_heaptrack_trace *traces = builder->heaptrack->traces.items;
  bool cut = trace && traces[trace - 1].depth >= HD_HEAPTRACK_CUT_DEPTH;
  builder->stack.count = 0;
  for (; trace; trace = traces[trace - 1].parent) {
    uint32_t location;
    if (!location_of(builder, traces[trace - 1].place, &location, error))
      return false;
    if (!hd_vec_push(&builder->stack, location))
      return hd_fail_memory(error);
  }
  return hd_profile_add_stack(builder->profile, builder->stack.items, builder->stack.count, cut,
                              stack, error);
}

static bool add_records(struct builder *builder, const struct hd_heaptrack_cut *cut,
                        struct hd_error *error)
{
  for (size_t i = 0; i < cut->sites; i++) {
    const struct hd_heaptrack_sum *sum = &cut->sums[i];
    struct hd_record record = {.rate = 1, .weight = 1};
    double values[HD_MEASURES] = {
        [HD_INUSE_SPACE] = sum->live_bytes,
        [HD_INUSE_OBJECTS] = sum->live_objects,
        [HD_ALLOC_SPACE] = sum->all_bytes,
        [HD_ALLOC_OBJECTS] = sum->all_objects,
    };
    if (sum->all_objects > 0 &&
        (!stack_of(builder, builder->heaptrack->sites.items[i], &record.stack, error) ||
         !hd_profile_add_record(builder->profile, record, values, error)))
      return false;
  }
  return true;
}

/* The facts of the file, for one of its snapshots, which has to own its texts. */
static bool copy_facts(const struct hd_profile *facts, struct hd_profile *profile,
                       struct hd_error *error)
{
  struct hd_meta *meta = &profile->meta;
  const char **const texts[] = {&meta->program, &meta->command, &meta->called, &meta->recorder,
                                &profile->first_bad};
  *meta = facts->meta;
  profile->bad_rows = facts->bad_rows;
  profile->first_bad = facts->first_bad;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    const char *text = *texts[i];
    *texts[i] = text ? hd_profile_text(profile, text, strlen(text)) : NULL;
    if (text && !*texts[i])
      return hd_fail_memory(error);
  }
  for (size_t i = 0; i < facts->comments.count; i++) {
    uint32_t from = facts->comments.items[i], to;
    if (!hd_profile_string(profile, hd_strings_text(&facts->strings, from),
                           hd_strings_length(&facts->strings, from), &to, error) ||
        !hd_profile_add_comment(profile, to, error))
      return false;
  }
  return true;
}

static bool add_peak(const struct hd_heaptrack *heaptrack, struct hd_profile *profile,
                     struct hd_error *error)
{
  char text[96];
  uint32_t id;
  int length =
      snprintf(text, sizeof text, "the most in use at once were %" PRIu64 " bytes, after %.3f s",
               heaptrack->peak, (double)heaptrack->peak_stamp / 1e3);
  return hd_profile_string(profile, text, (size_t)length, &id, error) &&
         hd_profile_add_comment(profile, id, error);
}

static bool fill_meta(const struct hd_heaptrack *heaptrack, size_t number,
                      struct hd_profile *profile, struct hd_error *error)
{
  enum { NS_A_MS = 1000000 };
  const struct hd_heaptrack_cut *cut = &heaptrack->cuts.items[number];
  struct hd_meta *meta = &profile->meta;
  if (!copy_facts(heaptrack->facts, profile, error))
    return false;
  meta->sequence = (int64_t)number;
  meta->mono_ns = cut->stamp ? cut->stamp * NS_A_MS : 1; /* 0 is unknown */
  meta->rss = cut->rss;
  bool last = number + 1 == heaptrack->cuts.count;
  /* A recording that was attached to a process may end before it does. */
  if (!heaptrack->attached)
    meta->reason = number == 0 ? "start" : last && !heaptrack->stream->cut[0] ? "exit" : NULL;
  return !last || add_peak(heaptrack, profile, error);
}

static bool build(struct builder *builder, size_t number, struct hd_error *error)
{
  static const enum hd_measure measures[] = {HD_INUSE_SPACE, HD_INUSE_OBJECTS, HD_ALLOC_SPACE,
                                             HD_ALLOC_OBJECTS};
  const struct hd_heaptrack *heaptrack = builder->heaptrack;
  for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
    hd_profile_declare(builder->profile, measures[i]);
  builder->modules = hd_alloc_zeroed(heaptrack->strings.count + 1, sizeof *builder->modules);
  builder->locations = hd_alloc_zeroed(heaptrack->places.count + 1, sizeof *builder->locations);
  if (!builder->modules || !builder->locations)
    return hd_fail_memory(error);
  return fill_meta(heaptrack, number, builder->profile, error) &&
         add_records(builder, &heaptrack->cuts.items[number], error);
}

static bool emit(const struct hd_heaptrack *heaptrack, size_t number, struct hd_sink *sink,
                 struct hd_error *error)
{
  struct builder builder = {.heaptrack = heaptrack};
  if (!hd_profile_create(&builder.profile, error))
    return false;
  bool fine = build(&builder, number, error);
  hd_free(builder.modules);
  hd_free(builder.locations);
  hd_vec_deinit(&builder.frames);
  hd_vec_deinit(&builder.stack);
  if (!fine) {
    hd_profile_destroy(builder.profile);
    return false;
  }
  hd_profile_freeze(builder.profile);
  return sink->take(sink->context, builder.profile, error);
}

bool hd_heaptrack_emit(struct hd_heaptrack *heaptrack, struct hd_sink *sink, struct hd_error *error)
{
  for (size_t i = 0; i < heaptrack->cuts.count; i++) {
    if (!emit(heaptrack, i, sink, error))
      return false;
    hd_free(heaptrack->cuts.items[i].sums); /* done with: profiles may need the memory */
    heaptrack->cuts.items[i].sums = NULL;
  }
  return true;
}
