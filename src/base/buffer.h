/* A growable text. `data` is terminated whenever `length` > 0 or after any
 * successful append; a failed append sets `failed` and later ones do nothing,
 * so that a writer checks once at the end. */
#ifndef HD_BASE_BUFFER_H
#define HD_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct hd_buffer {
  char *data;
  size_t length, capacity;
  bool failed;
};

#define HD_BUFFER_INIT {NULL, 0, 0, false}

void hd_buffer_append(struct hd_buffer *buffer, const char *data, size_t length);
void hd_buffer_puts(struct hd_buffer *buffer, const char *text);
void hd_buffer_repeat(struct hd_buffer *buffer, char c, size_t count);
void hd_buffer_printf(struct hd_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The text so far, "" where there is none. */
const char *hd_buffer_text(const struct hd_buffer *buffer);
void hd_buffer_clear(struct hd_buffer *buffer);
void hd_buffer_deinit(struct hd_buffer *buffer);

#endif
