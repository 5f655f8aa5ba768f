/* Line by line to the header, and the reading that both formats share. */
#include "readers/heap_text.h"

#include <string.h>

/* Rows of two profiles must not be added up, nor the second one be taken for part of
 * the list of mapped files. */
static bool begins_another(struct hd_scan line)
{
  return hd_scan_literal(&line, "heap profile:") || hd_scan_literal(&line, "heap_v2/") ||
         hd_heap_text_is_counts(line);
}

bool hd_heap_text_next(struct hd_heap_text *text, struct hd_error *error)
{
  const char *line;
  size_t length;
  bool whole;
  if (!hd_stream_line(text->stream, &line, &length, &whole, error))
    return false;
  text->line = (struct hd_scan){0};
  if (!line)
    return true;
  text->whole = whole;
  text->line = hd_scan_of(line, length);
  hd_scan_trim(&text->line);
  hd_scan_drop_log_prefix(&text->line);
  if (text->begun && begins_another(text->line))
    return hd_fail_line(error, hd_heap_text_line(text),
                        "another profile begins here: give each a file of its own");
  return true;
}

/* "%warn what" by the server that a profile was fetched from; other words behind a
 * "%" are not for us. */
static bool keep_warning(struct hd_heap_text *text, struct hd_error *error)
{
  struct hd_scan line = text->line;
  uint32_t id;
  if (text->peeking || !hd_scan_literal(&line, "%warn"))
    return true;
  hd_scan_trim(&line);
  return hd_profile_string(text->profile, line.at, hd_scan_left(&line), &id, error) &&
         hd_profile_add_comment(text->profile, id, error);
}

bool hd_heap_text_open(struct hd_heap_text *text, struct hd_error *error)
{
  for (;;) {
    if (!hd_heap_text_next(text, error))
      return false;
    struct hd_scan line = text->line;
    if (!line.at)
      return hd_fail_line(error, hd_heap_text_line(text),
                          "the file ends before its header: it is incomplete; take the snapshot "
                          "again");
    if (line.at == line.end)
      continue;
    if (*line.at == '%') {
      if (!keep_warning(text, error))
        return false;
    } else if (hd_scan_literal(&line, "--- symbol")) {
      if (!hd_heap_text_symbols(text, error))
        return false;
    } else if (!hd_scan_literal(&line, "---")) {
      return true;
    }
  }
}

struct hd_scan hd_heap_text_head(const uint8_t *head, size_t length)
{
  struct hd_scan rest = hd_scan_of((const char *)head, length);
  while (rest.at < rest.end) {
    const char *end = memchr(rest.at, '\n', hd_scan_left(&rest));
    struct hd_scan line = {rest.at, end ? end : rest.end};
    rest.at = end ? end + 1 : rest.end;
    hd_scan_trim(&line);
    hd_scan_drop_log_prefix(&line);
    if (line.at < line.end && *line.at != '%')
      return line;
  }
  return rest;
}

/* A symbol table may be in front of each. */
static bool read_body(struct hd_heap_text *text, struct hd_error *error)
{
  if (!hd_heap_text_open(text, error))
    return false;
  struct hd_scan line = text->line;
  text->begun = true;
  if (hd_heap_text_is_counts(line))
    return hd_heap_text_counts(text, error);
  return hd_scan_literal(&line, "heap_v2/") ? hd_heap_text_jemalloc(text, error)
                                            : hd_heap_text_gperftools(text, error);
}

bool hd_heap_text_peek(struct hd_stream *stream, struct hd_profile *profile,
                       struct hd_error *error)
{
  struct hd_heap_text text = hd_heap_text_of(stream, profile);
  text.peeking = true;
  bool fine = read_body(&text, error);
  hd_heap_text_deinit(&text);
  return fine;
}

bool hd_heap_text_read(struct hd_stream *stream, struct hd_sink *sink, struct hd_error *error)
{
  struct hd_profile *profile;
  if (!hd_profile_create(&profile, error))
    return false;
  struct hd_heap_text text = hd_heap_text_of(stream, profile);
  bool fine = read_body(&text, error);
  hd_heap_text_deinit(&text);
  if (!fine) {
    hd_profile_destroy(profile);
    return false;
  }
  hd_profile_freeze(profile);
  return sink->take(sink->context, profile, error);
}
