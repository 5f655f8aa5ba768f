/* The heap profiles of gperftools and tcmalloc as text, and Go's with ?debug=1:
 *
 *   heap profile: n: b [N: B] @ heap_v2/524288
 *   n: b [N: B] @ 0x... 0x...
 *   MAPPED_LIBRARIES:
 *
 * The forms are those that google/pprof's profile/legacy_profile.go takes. */
#include "readers/heap_text.h"

#include <string.h>

static const char header[] = "heap profile:";

/* What stands behind the "@" of the header. */
static const struct tail {
  const char *name;
  bool prefix;          /* "growthz" is "growth", too */
  uint64_t divisor;     /* of the number that follows, to the sampling interval; 0 exact */
  const char *allocator;
  const char *kind;
  const char *comment;  /* what the figures are, where they are not live memory */
} tails[] = {
    {"heap_v2", false, 1, "tcmalloc", "heap", NULL},
    {"heapz_v2", false, 1, "tcmalloc", "heap", NULL},
    {"heapprofile", false, 0, "tcmalloc", "heap", NULL},
    {"heap", false, 2, NULL, "heap", NULL}, /* Go writes twice its interval */
    {"growth", true, 0, "tcmalloc", "growth",
     "a growth profile: where the allocator took memory from the system, whether it was freed "
     "since or not"},
    {"fragmentation", true, 0, "tcmalloc", "fragmentation",
     "a fragmentation profile: memory that is free, but not usable for others"},
};

enum { TAILS = sizeof tails / sizeof *tails, WORD_SHOWN = 40 };

static bool is_tail(const struct tail *tail, struct hd_scan word)
{
  return hd_scan_literal(&word, tail->name) &&
         (word.at == word.end ||
          (tail->prefix && hd_scan_literal(&word, "z") && word.at == word.end));
}

static const struct tail *find_tail(struct hd_scan word)
{
  for (int i = 0; i < TAILS; i++)
    if (is_tail(&tails[i], word))
      return &tails[i];
  return NULL;
}

static bool bad_header(const struct hd_heap_text *text, struct hd_error *error)
{
  return hd_fail_line(error, hd_heap_text_line(text),
                      "this is not the header of a heap profile (\"heap profile: n: bytes [n: "
                      "bytes] @ kind\"): the file is damaged; take the snapshot again");
}

/* "heap_v2/524288" */
static bool read_tail(struct hd_heap_text *text, struct hd_scan words, struct hd_error *error)
{
  struct hd_meta *meta = &text->profile->meta;
  struct hd_scan name, number;
  uint64_t interval = 0;
  if (!hd_scan_word(&words, &name))
    return bad_header(text, error);
  const char *slash = memchr(name.at, '/', hd_scan_left(&name));
  number = (struct hd_scan){slash ? slash + 1 : name.end, name.end};
  name.end = slash ? slash : name.end;
  const struct tail *tail = find_tail(name);
  if (!tail)
    return hd_fail_line(error, hd_heap_text_line(text),
                        "the header calls this a profile of kind \"%.*s\", which heapdiff does "
                        "not know: it reads heapprofile, heap, heap_v2, heapz_v2, growth and "
                        "fragmentation",
                        (int)(hd_scan_left(&name) < WORD_SHOWN ? hd_scan_left(&name) : WORD_SHOWN),
                        name.at);
  if (number.at < number.end && (!hd_scan_uint(&number, &interval) || number.at < number.end))
    return bad_header(text, error);
  meta->allocator = tail->allocator;
  meta->kind = tail->kind;
  text->complete = !tail->allocator;
  meta->rate = !tail->divisor ? 1 : interval / tail->divisor;
  /* An interval of 1 byte is every allocation; none at all is not known. */
  if (tail->divisor && interval && !meta->rate)
    meta->rate = 1;
  text->sampled = meta->rate > 1;
  uint32_t id;
  return !tail->comment || text->peeking ||
         (hd_profile_string(text->profile, tail->comment, strlen(tail->comment), &id, error) &&
          hd_profile_add_comment(text->profile, id, error));
}

static bool read_header(struct hd_heap_text *text, struct hd_error *error)
{
  struct hd_scan line = text->line;
  int64_t totals[HD_HEAP_COUNTS];
  text->profile->meta.format = "heap-text";
  if (!hd_scan_literal(&line, header) || !hd_scan_counts(&line, totals) ||
      !hd_scan_mark(&line, '@'))
    return bad_header(text, error);
  /* Writers that know no more than what lives repeat that. */
  bool alloc = (totals[HD_HEAP_ALLOC] && totals[HD_HEAP_ALLOC] != totals[HD_HEAP_LIVE]) ||
               (totals[HD_HEAP_ALLOC_BYTES] &&
                totals[HD_HEAP_ALLOC_BYTES] != totals[HD_HEAP_LIVE_BYTES]);
  text->expected = (double)totals[HD_HEAP_LIVE];
  hd_heap_text_measures(text, alloc);
  return read_tail(text, line, error);
}

/* "n: b [N: B] @ 0x1 0x2"; held back, as Go's symbols follow it. */
static bool read_row(struct hd_heap_text *text, struct hd_error *error)
{
  struct hd_scan line = text->line;
  int64_t counts[HD_HEAP_COUNTS];
  bool fine;
  if (!hd_heap_text_flush(text, error))
    return false;
  if (text->peeking)
    return true;
  if (!hd_scan_counts(&line, counts) || !hd_scan_mark(&line, '@'))
    return hd_heap_text_bad_row(text, "is no row", error);
  if (!hd_heap_text_stack(text, line, &fine, error))
    return false;
  if (!fine)
    return hd_heap_text_bad_row(text, "has no usable stack", error);
  return hd_heap_text_row(text, counts, error);
}

static bool read_line(struct hd_heap_text *text, struct hd_error *error)
{
  if (text->ends_in_maps)
    return hd_heap_text_map_line(text, error);
  if (text->line.at == text->line.end || *text->line.at == '%')
    return true;
  if (*text->line.at == '#')
    return hd_heap_text_go_line(text, error);
  text->ends_in_maps = hd_heap_text_is_map(text);
  return text->ends_in_maps ? hd_heap_text_flush(text, error) : read_row(text, error);
}

bool hd_heap_text_gperftools(struct hd_heap_text *text, struct hd_error *error)
{
  if (!read_header(text, error))
    return false;
  for (;;) {
    if (!hd_heap_text_next(text, error))
      return false;
    if (!text->line.at)
      return hd_heap_text_flush(text, error) && hd_heap_text_finish(text, error);
    if (!read_line(text, error))
      return false;
  }
}

static int probe(const uint8_t *head, size_t length)
{
  struct hd_scan line = hd_heap_text_head(head, length);
  if (hd_scan_literal(&line, header))
    return HD_PROBE_SURE;
  return hd_scan_literal(&line, "--- symbol") ? HD_PROBE_LIKELY : HD_PROBE_NO;
}

extern const struct hd_reader hd_reader_heap_text;
const struct hd_reader hd_reader_heap_text = {
    .name = "heap-text",
    .summary = "text heap profiles of gperftools and tcmalloc, and Go's with ?debug=1",
    .carries = "inuse, alloc",
    .probe = probe,
    .peek = hd_heap_text_peek,
    .read = hd_heap_text_read,
};
