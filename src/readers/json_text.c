#include "readers/json_text.h"

#include <stdio.h>
#include <string.h>

/* At the place where jansson stopped. */
static bool fail_at(const json_error_t *wrong, bool by_line, const char *text,
                    struct hd_error *error)
{
  return by_line ? hd_fail_line(error, wrong->line, "%s", text)
                 : hd_fail_offset(error, wrong->position, "%s", text);
}

/* Brings all of the stream into the window. No JSON text holds a zero byte, and a file
 * that was never written to its end, or a device, may hold gigabytes of them. */
static bool read_text(struct hd_stream *stream, struct hd_error *error)
{
  size_t seen = 0;
  for (;;) {
    const uint8_t *zero =
        stream->length > seen ? memchr(stream->data + seen, 0, stream->length - seen) : NULL;
    if (zero)
      return hd_fail_offset(error, (int64_t)(stream->offset + (uint64_t)(zero - stream->data)),
                            "a zero byte is here: this is not JSON, or the file was not written "
                            "to its end; get it again");
    seen = stream->length;
    if (stream->ended || seen > HD_MAX_WHOLE)
      return hd_stream_slurp(stream, error); /* says what is wrong with the size */
    if (!hd_stream_peek(stream, seen + 1, error))
      return false;
  }
}

bool hd_json_text_read(struct hd_stream *stream, bool by_line, const char *too_deep,
                       json_t **root, struct hd_error *error)
{
  json_error_t wrong;
  char text[JSON_ERROR_TEXT_LENGTH + 96];
  if (!read_text(stream, error))
    return false;
  *root = json_loadb((const char *)stream->data, stream->length, JSON_REJECT_DUPLICATES, &wrong);
  if (*root)
    return true;
  /* jansson says nothing at all where memory is short in most places. */
  if (!wrong.text[0] || json_error_code(&wrong) == json_error_out_of_memory)
    return hd_fail_memory(error);
  if (json_error_code(&wrong) == json_error_premature_end_of_input)
    return fail_at(&wrong, by_line,
                   "the file is cut off here: what writes it has not finished, or it was copied "
                   "before; get it again",
                   error);
  if (json_error_code(&wrong) == json_error_stack_overflow)
    return fail_at(&wrong, by_line, too_deep, error);
  if (by_line)
    snprintf(text, sizeof text, "this is not JSON (column %d: %s): the file is damaged",
             wrong.column, wrong.text);
  else
    snprintf(text, sizeof text, "this is not JSON (%s): the file is damaged", wrong.text);
  return fail_at(&wrong, by_line, text, error);
}
