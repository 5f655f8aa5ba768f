#include "base/stream.h"

#include <string.h>

bool hd_stream_peek(struct hd_stream *stream, size_t want, struct hd_error *error)
{
  while (stream->length < want && !stream->ended)
    if (!stream->refill(stream, error))
      return false;
  return true;
}

bool hd_stream_line(struct hd_stream *stream, const char **line, size_t *length, bool *whole,
                    struct hd_error *error)
{
  size_t searched = 0;
  const uint8_t *end = NULL;
  for (;;) {
    if (stream->length > searched)
      end = memchr(stream->data + searched, '\n', stream->length - searched);
    if (end || stream->ended)
      break;
    searched = stream->length;
    if (searched > HD_MAX_LINE)
      return hd_fail_line(error, (int64_t)stream->line + 1,
                          "the line is longer than %u MiB: this is not a text snapshot",
                          HD_MAX_LINE >> 20);
    if (!stream->refill(stream, error))
      return false;
  }
  *line = NULL;
  *length = 0;
  *whole = end != NULL;
  if (!end && !stream->length)
    return true;
  size_t taken = end ? (size_t)(end - stream->data) : stream->length;
  *line = (const char *)stream->data;
  *length = taken;
  if (taken && stream->data[taken - 1] == '\r')
    --*length;
  stream->line++;
  /* consume() must not overwrite the consumed bytes before the next refill. */
  stream->consume(stream, taken + (end ? 1 : 0));
  return true;
}

bool hd_stream_slurp(struct hd_stream *stream, struct hd_error *error)
{
  while (!stream->ended) {
    if (stream->length > HD_MAX_WHOLE)
      return hd_fail_offset(error, (int64_t)(stream->offset + stream->length),
                            "the file goes on past %u GiB: this is no snapshot",
                            (unsigned)(HD_MAX_WHOLE >> 30));
    if (!stream->refill(stream, error))
      return false;
  }
  return true;
}

bool hd_stream_cut(struct hd_stream *stream, struct hd_error *error, int64_t line, int64_t offset,
                   const char *what, const char *remedy)
{
  struct hd_error cut = HD_ERROR_INIT;
  if (!stream->partial)
    return line ? hd_fail_line(error, line, "%s: %s, or use what there is with --partial", what,
                               remedy)
                : hd_fail_offset(error, offset, "%s: %s", what, remedy);
  if (line)
    hd_fail_line(&cut, line, "%s", what);
  else
    hd_fail_offset(&cut, offset, "%s", what);
  if (!stream->cut[0])
    hd_error_format(&cut, stream->cut, sizeof stream->cut);
  return true;
}

static bool refill_nothing(struct hd_stream *stream, struct hd_error *error)
{
  (void)error;
  stream->ended = true;
  return true;
}

static void consume_window(struct hd_stream *stream, size_t count)
{
  stream->data += count;
  stream->length -= count;
  stream->offset += count;
}

struct hd_stream hd_stream_of(const void *data, size_t length)
{
  return (struct hd_stream){
      .data = data,
      .length = length,
      .ended = true,
      .refill = refill_nothing,
      .consume = consume_window,
  };
}
