#include "base/buffer.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static char *extend(struct hd_buffer *buffer, size_t more)
{
  if (buffer->failed)
    return NULL;
  if (more >= buffer->capacity - buffer->length) {
    size_t wanted = buffer->capacity * 2;
    if (wanted < buffer->length + more + 1)
      wanted = buffer->length + more + 1;
    if (wanted < 64)
      wanted = 64;
    char *grown = more < SIZE_MAX / 4 ? hd_realloc(buffer->data, wanted) : NULL;
    if (!grown) {
      buffer->failed = true;
      return NULL;
    }
    buffer->data = grown;
    buffer->capacity = wanted;
  }
  return buffer->data + buffer->length;
}

char *hd_buffer_room(struct hd_buffer *buffer, size_t most)
{
  return extend(buffer, most);
}

void hd_buffer_wrote(struct hd_buffer *buffer, size_t count)
{
  buffer->length += count;
  buffer->data[buffer->length] = '\0';
}

void hd_buffer_append(struct hd_buffer *buffer, const char *data, size_t length)
{
  char *end = extend(buffer, length);
  if (!end)
    return;
  if (length)
    memcpy(end, data, length);
  buffer->length += length;
  buffer->data[buffer->length] = '\0';
}

void hd_buffer_puts(struct hd_buffer *buffer, const char *text)
{
  hd_buffer_append(buffer, text, strlen(text));
}

void hd_buffer_repeat(struct hd_buffer *buffer, char c, size_t count)
{
  char *end = extend(buffer, count);
  if (!end)
    return;
  memset(end, c, count);
  buffer->length += count;
  buffer->data[buffer->length] = '\0';
}

void hd_buffer_printf(struct hd_buffer *buffer, const char *format, ...)
{
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int length = vsnprintf(NULL, 0, format, args);
  va_end(args);
  char *end = length < 0 ? NULL : extend(buffer, (size_t)length);
  if (end) {
    vsnprintf(end, (size_t)length + 1, format, again);
    buffer->length += (size_t)length;
  }
  va_end(again);
}

bool hd_buffer_finish(struct hd_buffer *buffer)
{
  if (!buffer->failed && buffer->sink && buffer->length) {
    buffer->refused = !buffer->sink(buffer->sink_context, buffer->data, buffer->length);
    buffer->failed = buffer->refused;
    hd_buffer_clear(buffer);
  }
  return !buffer->failed;
}

void hd_buffer_drain(struct hd_buffer *buffer)
{
  if (buffer->length >= HD_BUFFER_DRAIN)
    hd_buffer_finish(buffer);
}

const char *hd_buffer_text(const struct hd_buffer *buffer)
{
  return buffer->data ? buffer->data : "";
}

void hd_buffer_clear(struct hd_buffer *buffer)
{
  buffer->length = 0;
  if (buffer->data)
    buffer->data[0] = '\0';
}

void hd_buffer_deinit(struct hd_buffer *buffer)
{
  hd_free(buffer->data);
  *buffer = (struct hd_buffer)HD_BUFFER_INIT;
}
