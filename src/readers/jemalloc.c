/* jemalloc's heap profiles:
 *
 *   heap_v2/524288
 *     t*: n: b [N: B]              all threads
 *     t0: n: b [N: B] name
 *   @ 0x... 0x...
 *     t*: n: b [N: B]              of this stack
 *     t0: n: b [N: B]
 *
 *   MAPPED_LIBRARIES:
 *
 * jemalloc (prof_data.c, prof_unbias) distorts each row so that unsampling it by
 * the mean size of its objects gives the right value: rows of single threads do
 * not add up to the one of all, which is what is taken, as jeprof does. */
#include "readers/heap_text.h"

static const char header[] = "heap_v2/";

/* "t*: n: b [N: B]" */
static bool totals_of(struct hd_scan line, int64_t counts[HD_HEAP_COUNTS])
{
  return hd_scan_literal(&line, "t*:") && hd_scan_counts(&line, counts);
}

/* "t3: ..." */
static bool is_thread(struct hd_scan line)
{
  uint64_t number;
  return hd_scan_literal(&line, "t") && line.at < line.end && *line.at != ' ' &&
         hd_scan_uint(&line, &number) && hd_scan_literal(&line, ":");
}

static bool read_header(struct hd_heap_text *text, struct hd_error *error)
{
  struct hd_meta *meta = &text->profile->meta;
  struct hd_scan line = text->line;
  int64_t totals[HD_HEAP_COUNTS];
  meta->format = "jemalloc";
  meta->kind = "heap";
  meta->allocator = "jemalloc";
  hd_scan_literal(&line, header);
  if (!hd_scan_uint(&line, &meta->rate) || line.at != line.end)
    return hd_fail_line(error, hd_heap_text_line(text),
                        "\"heap_v2/\" is not followed by the sampling interval in bytes: the file "
                        "is damaged; take the snapshot again");
  text->sampled = meta->rate > 1;
  if (!hd_heap_text_next(text, error))
    return false;
  if (!text->line.at || !totals_of(text->line, totals))
    return hd_fail_line(error, hd_heap_text_line(text),
                        "the totals (\"t*: n: bytes [n: bytes]\") do not follow the header: the "
                        "file is damaged; take the snapshot again");
  /* Without prof_accum:true jemalloc does not count what was freed. */
  hd_heap_text_measures(text, totals[HD_HEAP_ALLOC] || totals[HD_HEAP_ALLOC_BYTES]);
  return true;
}

/* Counts take the stack above them; a stack is used once. */
static bool read_counts(struct hd_heap_text *text, bool *stack_open, struct hd_error *error)
{
  int64_t counts[HD_HEAP_COUNTS];
  if (is_thread(text->line))
    return true;
  if (!totals_of(text->line, counts))
    return hd_heap_text_bad_row(text, "is no row", error);
  if (!*stack_open)
    return hd_heap_text_bad_row(text, "has no stack above it", error);
  *stack_open = false;
  return hd_heap_text_row(text, counts, error) && hd_heap_text_flush(text, error);
}

static bool read_stack(struct hd_heap_text *text, bool *stack_open, struct hd_error *error)
{
  struct hd_scan line = text->line;
  bool fine;
  hd_scan_literal(&line, "@");
  if (!hd_heap_text_stack(text, line, &fine, error))
    return false;
  *stack_open = fine;
  return fine || hd_heap_text_bad_row(text, "has no usable stack", error);
}

/* The rows do not add up to the totals, as each is distorted by itself; but what
 * ends them is always written. */
static bool finish(struct hd_heap_text *text, struct hd_error *error)
{
  if (!text->ends_in_maps && !hd_stream_cut(text->stream, error, hd_heap_text_line(text), -1,
                                            "the file ends before its list of MAPPED_LIBRARIES",
                                            "the snapshot is incomplete; take it again"))
    return false;
  return hd_heap_text_finish(text, error);
}

bool hd_heap_text_jemalloc(struct hd_heap_text *text, struct hd_error *error)
{
  bool stack_open = false;
  if (!read_header(text, error))
    return false;
  for (;;) {
    if (!hd_heap_text_next(text, error))
      return false;
    struct hd_scan line = text->line;
    bool fine = true;
    if (!line.at)
      return finish(text, error);
    if (text->ends_in_maps)
      fine = hd_heap_text_map_line(text, error);
    else if (hd_heap_text_is_map(text))
      text->ends_in_maps = true;
    else if (line.at == line.end || text->peeking)
      continue;
    else if (*line.at == '@')
      fine = read_stack(text, &stack_open, error);
    else
      fine = read_counts(text, &stack_open, error);
    if (!fine)
      return false;
  }
}

static int probe(const uint8_t *head, size_t length)
{
  struct hd_scan line = hd_heap_text_head(head, length), all;
  all = hd_scan_of((const char *)head, length);
  if (hd_scan_literal(&line, header))
    return HD_PROBE_SURE;
  return hd_scan_literal(&line, "--- symbol") && hd_scan_holds(&all, "\nheap_v2/") ? HD_PROBE_SURE
                                                                                   : HD_PROBE_NO;
}

extern const struct hd_reader hd_reader_jemalloc;
const struct hd_reader hd_reader_jemalloc = {
    .name = "jemalloc",
    .summary = "jemalloc's heap profiles (prof:true), threads added up",
    .carries = "inuse, alloc (prof_accum)",
    .probe = probe,
    .peek = hd_heap_text_peek,
    .read = hd_heap_text_read,
};
