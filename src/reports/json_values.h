/* JSON values, made by jansson: for reports that print them. */
#ifndef HD_REPORTS_JSON_VALUES_H
#define HD_REPORTS_JSON_VALUES_H

#include "reports/report.h"

#include <jansson.h>

/* Both take over the value and give back what they were given; NULL where memory was short,
 * then and for all that follows. */
static inline json_t *put(json_t *object, const char *key, json_t *value)
{
  if (json_object_set_new(object, key, value) == 0)
    return object;
  json_decref(object);
  return NULL;
}

static inline json_t *add(json_t *list, json_t *value)
{
  if (json_array_append_new(list, value) == 0)
    return list;
  json_decref(list);
  return NULL;
}

/* jansson refuses text that is not UTF-8; hostile files have some. */
static inline json_t *text_value(const char *text)
{
  const unsigned char *at = (const unsigned char *)text;
  for (size_t length; *at && (length = hd_utf8_length(at)) > 0;)
    at += length;
  if (!*at)
    return json_string(text);
  struct hd_buffer clean = HD_BUFFER_INIT;
  for (const char *c = text; *c; c++)
    hd_buffer_append(&clean, (unsigned char)*c < 0x80 ? c : "?", 1);
  json_t *value = clean.failed ? NULL : json_string(hd_buffer_text(&clean));
  hd_buffer_deinit(&clean);
  return value;
}

static inline int dump_piece(const char *data, size_t length, void *context)
{
  struct hd_buffer *out = context;
  hd_buffer_append(out, data, length);
  return out->failed ? -1 : 0;
}

/* Prints and frees it; NULL fails the buffer. */
static inline void dump(json_t *value, struct hd_buffer *out)
{
  if (!value || json_dump_callback(value, dump_piece, out, JSON_INDENT(2)) != 0)
    out->failed = true;
  hd_buffer_puts(out, "\n");
  json_decref(value);
}

#endif
