#include "readers/reader.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define HD_READER(symbol) extern const struct hd_reader symbol;
#include "readers/readers.def"
#undef HD_READER

const struct hd_reader *const hd_readers[] = {
#define HD_READER(symbol) &symbol,
#include "readers/readers.def"
#undef HD_READER
};

const size_t hd_reader_count = sizeof hd_readers / sizeof *hd_readers;

const struct hd_reader *hd_reader_probe(const uint8_t *head, size_t length)
{
  const struct hd_reader *best = NULL;
  int best_score = HD_PROBE_NO;
  for (size_t i = 0; i < hd_reader_count; i++) {
    int score = hd_readers[i]->probe(head, length);
    if (score > best_score) {
      best_score = score;
      best = hd_readers[i];
    }
  }
  return best;
}

static const struct hd_reader *marked(const uint8_t *data, size_t length)
{
  for (size_t i = 0; i < hd_reader_count; i++)
    for (size_t k = 0; k < sizeof hd_readers[i]->marks / sizeof *hd_readers[i]->marks; k++) {
      const char *mark = hd_readers[i]->marks[k];
      if (mark && memmem(data, length, mark, strlen(mark)))
        return hd_readers[i];
    }
  return NULL;
}

bool hd_reader_search(struct hd_stream *stream, const struct hd_reader **reader,
                      struct hd_error *error)
{
  enum { LONGEST_MARK = 128 };
  size_t searched = 0, head = stream->length < HD_PROBE_BYTES ? stream->length : HD_PROBE_BYTES;
  *reader = NULL;
  if (!head || memchr(stream->data, '\0', head))
    return true;
  for (;;) {
    size_t from = searched > LONGEST_MARK ? searched - LONGEST_MARK : 0;
    *reader = marked(stream->data + from, stream->length - from);
    searched = stream->length;
    if (*reader || stream->ended || searched >= HD_SEARCH_BYTES)
      return true;
    if (!stream->refill(stream, error))
      return false;
  }
}

const struct hd_reader *hd_reader_find(const char *name)
{
  for (size_t i = 0; i < hd_reader_count; i++)
    if (strcmp(hd_readers[i]->name, name) == 0)
      return hd_readers[i];
  return NULL;
}

bool hd_reader_bad(struct hd_profile *profile, struct hd_error *error, const char *format, ...)
{
  va_list args;
  if (profile->bad_rows++)
    return true;
  va_start(args, format);
  profile->first_bad = hd_arena_vprintf(&profile->arena, format, args);
  va_end(args);
  return profile->first_bad || hd_fail_memory(error);
}

bool hd_reader_bad_row(struct hd_profile *profile, int64_t number, const char *why,
                       const char *line, size_t length, struct hd_error *error)
{
  enum { QUOTED = 80 };
  char quoted[QUOTED + 1] = "";
  for (size_t i = 0; i < length && i < QUOTED; i++) {
    unsigned char c = (unsigned char)line[i];
    quoted[i] = c < ' ' || c >= 0x7f ? '?' : line[i];
  }
  return hd_reader_bad(profile, error, "line %" PRId64 " %s: %s", number, why, quoted);
}
