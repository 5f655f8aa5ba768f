/* Go's profiles that count, as text (?debug=1): goroutine, goroutineleak and
 * threadcreate, and those of programs' own that look alike:
 *
 *   goroutine profile: total 1003
 *   1000 @ 0x43a3b6 0x4066d2 0x4a1f25 0x467a81
 *   # labels: {"job":"import"}
 *   #	0x4a1f24	main.worker+0x24	/src/worker.go:30
 *
 * (printCountProfile() in runtime/pprof/pprof.go; the form is taken from
 * google/pprof's profile/legacy_profile.go, too.) Rows, symbols and addresses are
 * those of the text heap profiles. */
#include "readers/heap_text.h"

#include <string.h>

static const char between[] = " profile: total ";

/* The profiles that are known. */
static const struct counted {
  const char *name;
  enum hd_measure measure;
} known[] = {
    {"goroutine", HD_GOROUTINES},
    {"goroutineleak", HD_GOROUTINES},
    {"threadcreate", HD_THREADS},
};

/* Those that look similar and are refused: what they begin with. */
static const struct refused {
  const char *begin, *name;
} others[] = {
    {"--- contention:", "block"},
    {"--- mutex:", "mutex"},
};

enum { KNOWN = sizeof known / sizeof *known, OTHERS = sizeof others / sizeof *others };

/* "name profile: total 12" */
static bool split_header(struct hd_scan line, struct hd_scan *name, int64_t *total)
{
  const char *at = memmem(line.at, hd_scan_left(&line), between, sizeof between - 1);
  if (!at || at == line.at)
    return false;
  *name = (struct hd_scan){line.at, at};
  line.at = at + sizeof between - 1;
  hd_scan_trim(&line);
  return hd_scan_int(&line, total) && line.at == line.end && *total >= 0;
}

bool hd_heap_text_is_counts(struct hd_scan line)
{
  struct hd_scan name;
  int64_t total;
  return split_header(line, &name, &total);
}

static bool read_header(struct hd_heap_text *text, struct hd_error *error)
{
  struct hd_meta *meta = &text->profile->meta;
  struct hd_scan name;
  int64_t total;
  if (!split_header(text->line, &name, &total))
    return hd_fail_line(error, hd_heap_text_line(text),
                        "this is not the header of a profile that counts (\"goroutine profile: "
                        "total 12\"): the file is damaged; take the snapshot again");
  meta->format = "go-counts";
  meta->rate = 1;
  text->expected = (double)total;
  for (int i = 0; i < KNOWN; i++) {
    struct hd_scan rest = name;
    if (!hd_scan_literal(&rest, known[i].name) || rest.at < rest.end)
      continue;
    meta->kind = known[i].name;
    text->counted = known[i].measure;
    hd_profile_declare(text->profile, text->counted);
    return true;
  }
  return hd_fail_line(error, hd_heap_text_line(text),
                      "this is a profile of \"%.*s\", which is not known: heapdiff reads "
                      "goroutine, goroutineleak and threadcreate",
                      (int)(hd_scan_left(&name) < 40 ? hd_scan_left(&name) : 40), name.at);
}

static bool read_row(struct hd_heap_text *text, struct hd_error *error)
{
  struct hd_scan line = text->line;
  int64_t counts[HD_HEAP_COUNTS] = {0};
  bool fine;
  if (!hd_heap_text_flush(text, error))
    return false;
  if (text->peeking)
    return true;
  if (!hd_scan_int(&line, &counts[HD_HEAP_LIVE]) || counts[HD_HEAP_LIVE] < 0 ||
      !hd_scan_mark(&line, '@'))
    return hd_heap_text_bad_row(text, "is no row", error);
  if (!hd_heap_text_stack(text, line, &fine, error))
    return false;
  if (!fine)
    return hd_heap_text_bad_row(text, "has no usable stack", error);
  return hd_heap_text_row(text, counts, error);
}

/* The rows add up to the total, which Go counts beforehand. */
static bool finish(struct hd_heap_text *text, struct hd_error *error)
{
  if (!hd_heap_text_flush(text, error))
    return false;
  bool short_of_rows = text->found < text->expected && !text->profile->bad_rows;
  if (!text->peeking && text->found > text->expected)
    return hd_fail_line(error, hd_heap_text_line(text),
                        "the rows add up to more than the total in the first line: the file is "
                        "damaged; take the snapshot again");
  if (!text->peeking && (short_of_rows || !text->whole) &&
      !hd_stream_cut(text->stream, error, hd_heap_text_line(text), -1,
                     short_of_rows ? "the rows do not add up to the total in the first line"
                                   : "the file is cut off here",
                     "the snapshot is incomplete; take it again"))
    return false;
  text->whole = true;
  text->expected = text->found;
  return hd_heap_text_finish(text, error);
}

bool hd_heap_text_counts(struct hd_heap_text *text, struct hd_error *error)
{
  if (!read_header(text, error))
    return false;
  for (;;) {
    if (!hd_heap_text_next(text, error))
      return false;
    bool fine = true;
    if (!text->line.at)
      return finish(text, error);
    if (text->line.at == text->line.end)
      continue;
    fine = *text->line.at == '#' ? hd_heap_text_go_line(text, error) : read_row(text, error);
    if (!fine)
      return false;
  }
}

static const struct refused *find_refused(const uint8_t *head, size_t length)
{
  for (int i = 0; i < OTHERS; i++) {
    struct hd_scan line = hd_heap_text_head(head, length);
    if (hd_scan_literal(&line, others[i].begin))
      return &others[i];
  }
  return NULL;
}

static int probe(const uint8_t *head, size_t length)
{
  return hd_heap_text_is_counts(hd_heap_text_head(head, length)) || find_refused(head, length)
             ? HD_PROBE_SURE
             : HD_PROBE_NO;
}

static bool read(struct hd_stream *stream, struct hd_sink *sink, struct hd_error *error)
{
  if (!hd_stream_peek(stream, HD_PROBE_BYTES, error))
    return false;
  const struct refused *other = find_refused(stream->data, stream->length);
  if (other)
    return hd_fail_input(error,
                         "this is a %s profile: it counts waiting; heapdiff compares memory "
                         "and goroutines: fetch /debug/pprof/heap or /debug/pprof/goroutine",
                         other->name);
  return hd_heap_text_read(stream, sink, error);
}

extern const struct hd_reader hd_reader_go_counts;
const struct hd_reader hd_reader_go_counts = {
    .name = "go-counts",
    .summary = "Go's goroutine, goroutineleak and threadcreate profiles with ?debug=1",
    .carries = "goroutines | threads",
    .probe = probe,
    .peek = hd_heap_text_peek,
    .read = read,
};
