/* Rows of counts and return addresses, and what becomes of them. */
#include "readers/heap_text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

struct hd_heap_text hd_heap_text_of(struct hd_stream *stream, struct hd_profile *profile)
{
  return (struct hd_heap_text){.stream = stream,
                               .profile = profile,
                               .counted = HD_MEASURES,
                               .map = {.profile = profile},
                               .memory = {-1, -1, -1}};
}

void hd_heap_text_deinit(struct hd_heap_text *text)
{
  hd_vec_deinit(&text->addresses);
  hd_index_deinit(&text->address_index);
  hd_vec_deinit(&text->symbols);
  hd_index_deinit(&text->symbol_index);
  hd_vec_deinit(&text->frames);
  hd_memory_map_deinit(&text->map);
  hd_vec_deinit(&text->stack);
  hd_vec_deinit(&text->go);
  hd_vec_deinit(&text->ids);
}

int64_t hd_heap_text_line(const struct hd_heap_text *text)
{
  return (int64_t)text->stream->line;
}

void hd_heap_text_measures(struct hd_heap_text *text, bool alloc)
{
  text->has_alloc = alloc;
  hd_profile_declare(text->profile, HD_INUSE_SPACE);
  hd_profile_declare(text->profile, HD_INUSE_OBJECTS);
  if (!alloc)
    return;
  hd_profile_declare(text->profile, HD_ALLOC_SPACE);
  hd_profile_declare(text->profile, HD_ALLOC_OBJECTS);
}

bool hd_heap_text_bad_row(struct hd_heap_text *text, const char *why, struct hd_error *error)
{
  return hd_reader_bad_row(text->profile, hd_heap_text_line(text), why, text->line.at,
                           (size_t)(text->line.end - text->line.at), error);
}

/* --- stacks ------------------------------------------------------------------- */

bool hd_heap_text_stack(struct hd_heap_text *text, struct hd_scan list, bool *fine,
                        struct hd_error *error)
{
  text->stack.count = text->go.count = 0;
  *fine = true;
  while (!hd_scan_blanks(&list)) {
    uint64_t address;
    if (!hd_scan_hex(&list, &address) ||
        (list.at < list.end && *list.at != ' ' && *list.at != '\t') ||
        text->stack.count == HD_MAX_FRAMES_PER_STACK) {
      *fine = false;
      return true;
    }
    /* No code lies at 0, and less one it would wrap around. */
    if (address && !hd_vec_push(&text->stack, address))
      return hd_fail_memory(error);
  }
  return true;
}

static bool address_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_heap_text *text = context;
  return text->addresses.items[id - 1].address == *(const uint64_t *)key;
}

bool hd_heap_text_address(struct hd_heap_text *text, uint64_t address, uint32_t *id,
                          struct hd_error *error)
{
  uint64_t hash = hd_hash(&address, sizeof address);
  struct hd_heap_address made = {.address = address};
  *id = hd_index_find(&text->address_index, hash, address_equal, text, &address);
  if (*id)
    return true;
  if (text->addresses.count >= HD_MAX_ITEMS)
    return hd_fail_line(error, hd_heap_text_line(text), "more than %u addresses", HD_MAX_ITEMS);
  if (!hd_vec_push(&text->addresses, made) ||
      !hd_index_add(&text->address_index, hash, (uint32_t)text->addresses.count))
    return hd_fail_memory(error);
  *id = (uint32_t)text->addresses.count;
  return true;
}

static bool stack_id(struct hd_heap_text *text, uint32_t *id, struct hd_error *error)
{
  text->ids.count = 0;
  for (size_t i = 0; i < text->stack.count; i++) {
    uint32_t address;
    if (!hd_heap_text_address(text, text->stack.items[i], &address, error))
      return false;
    if (!hd_vec_push(&text->ids, address))
      return hd_fail_memory(error);
  }
  return hd_profile_add_stack(text->profile, text->ids.items, text->ids.count, false, id, error);
}

/* --- counts ------------------------------------------------------------------- */

/* One sampled object stands for 1 / (1 - exp(-size / rate)), the mean size of the
 * row's objects being all that is known of them; a row by itself, as the sum over
 * rows of other sizes would be biased (google/pprof, legacy_profile.go). False
 * where the pair cannot be. */
static bool estimate(const struct hd_heap_text *text, int64_t objects, int64_t bytes,
                     struct hd_heap_estimate *out)
{
  *out = (struct hd_heap_estimate){(double)objects, (double)bytes, 1, 0};
  if (!objects)
    return !bytes;
  out->size = out->bytes / out->objects;
  if (text->sampled) {
    if (out->size < 0)
      return false;
    out->weight = bytes ? -1 / expm1(-out->size / (double)text->profile->meta.rate) : 0;
    out->objects *= out->weight;
    out->bytes *= out->weight;
  }
  return fabs(out->objects) <= HD_MAX_SUM && fabs(out->bytes) <= HD_MAX_SUM;
}

bool hd_heap_text_row(struct hd_heap_text *text, const int64_t counts[HD_HEAP_COUNTS],
                      struct hd_error *error)
{
  text->alloc = (struct hd_heap_estimate){0};
  text->labels = 0;
  text->pending = estimate(text, counts[HD_HEAP_LIVE], counts[HD_HEAP_LIVE_BYTES], &text->live) &&
                  (!text->has_alloc || estimate(text, counts[HD_HEAP_ALLOC],
                                                counts[HD_HEAP_ALLOC_BYTES], &text->alloc));
  if (!text->pending)
    return hd_heap_text_bad_row(text, "has counts that cannot be", error);
  text->row_line = hd_heap_text_line(text);
  text->found += (double)counts[HD_HEAP_LIVE];
  return true;
}

static bool add_row(struct hd_heap_text *text, struct hd_error *error)
{
  const struct hd_heap_estimate *live = &text->live, *alloc = &text->alloc;
  const struct hd_heap_estimate *of = live->size > 0 ? live : alloc;
  struct hd_record record = {
      .labels = text->labels,
      .size = of->size > 0 && of->size < HD_MAX_SUM ? (uint64_t)llround(of->size) : 0,
      .rate = text->profile->meta.rate,
      .weight = of->weight > 0 ? of->weight : 1,
  };
  double values[HD_MEASURES] = {0};
  if (text->counted < HD_MEASURES)
    values[text->counted] = live->objects;
  values[HD_INUSE_SPACE] = live->bytes;
  values[HD_INUSE_OBJECTS] = live->objects;
  values[HD_ALLOC_SPACE] = alloc->bytes;
  values[HD_ALLOC_OBJECTS] = alloc->objects;
  return stack_id(text, &record.stack, error) &&
         hd_profile_add_record(text->profile, record, values, error);
}

bool hd_heap_text_flush(struct hd_heap_text *text, struct hd_error *error)
{
  if (!text->pending)
    return true;
  text->pending = false;
  if (!hd_heap_text_go_stack(text, error) || !add_row(text, error))
    return hd_error_at(error, text->row_line, -1);
  return true;
}

/* --- the end ------------------------------------------------------------------ */

bool hd_heap_text_is_map(const struct hd_heap_text *text)
{
  /* Rows of addresses have no such letter, and are long. */
  return memchr(text->line.at, 'M', hd_scan_left(&text->line)) &&
         (hd_scan_holds(&text->line, "MAPPED_LIBRARIES:") ||
          hd_scan_holds(&text->line, "--- Memory map: ---"));
}

bool hd_heap_text_map_line(struct hd_heap_text *text, struct hd_error *error)
{
  return hd_memory_map_line(&text->map, text->line.at, hd_scan_left(&text->line), error);
}

static bool add_locations(struct hd_heap_text *text, struct hd_error *error)
{
  for (size_t i = 0; i < text->addresses.count; i++) {
    const struct hd_heap_address *from = &text->addresses.items[i];
    struct hd_span frames =
        from->frames.count ? from->frames : hd_heap_text_symbol(text, from->address);
    uint32_t module, id;
    uint64_t offset;
    if (!hd_memory_map_place(&text->map, from->address - 1, &module, &offset, error) ||
        !hd_profile_add_location(text->profile, module, offset,
                                 frames.count ? text->frames.items + frames.first : NULL,
                                 frames.count, false, &id, error))
      return false;
  }
  return true;
}

static bool set_program(struct hd_heap_text *text, struct hd_error *error)
{
  struct hd_meta *meta = &text->profile->meta;
  const char *name = text->binary;
  if (!name && text->map.program)
    name = hd_strings_text(&text->profile->strings, text->map.program);
  if (!name || !name[0])
    return true;
  meta->program = hd_profile_text(text->profile, name, strlen(name));
  return meta->program || hd_fail_memory(error);
}

/* Writers end every line: one that has no end was cut off. That does not matter
 * behind the rows, where there are as many as the header promises. */
static bool check_end(struct hd_heap_text *text, double missing, struct hd_error *error)
{
  bool in_row = text->row_line == hd_heap_text_line(text);
  if (text->whole && text->complete && missing > 0 && !text->profile->bad_rows)
    return hd_stream_cut(text->stream, error, hd_heap_text_line(text), -1,
                         "the rows do not add up to the header's objects",
                         "the snapshot is incomplete; take it again");
  if (text->whole || (!text->ends_in_maps && !in_row && missing <= 0))
    return true;
  if (text->profile->bad_rows > 1 && !text->stream->partial) /* one is the row that was cut */
    return hd_fail_line(error, hd_heap_text_line(text),
                        "the file ends here, and %" PRIu64 " of its rows could not be read: it is "
                        "damaged; take the snapshot again",
                        text->profile->bad_rows);
  return hd_stream_cut(text->stream, error, hd_heap_text_line(text), -1, "the file is cut off here",
                       "the snapshot is incomplete; take it again");
}

bool hd_heap_text_finish(struct hd_heap_text *text, struct hd_error *error)
{
  double missing = text->expected - text->found;
  hd_memory_map_finish(&text->map);
  if (!set_program(text, error))
    return false;
  if (text->peeking)
    return true;
  if (!check_end(text, missing, error) || !add_locations(text, error))
    return false;
  /* gperftools writes to a buffer of fixed size, and leaves out what it has no
   * room for; the header counts it. */
  if (missing > 0 && !text->profile->bad_rows)
    text->profile->meta.dropped_allocations = (uint64_t)missing;
  return true;
}
