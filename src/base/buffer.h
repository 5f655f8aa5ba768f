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
  /* Where there is one, hd_buffer_drain hands it what was appended. It returns false to end
   * the output; then `failed` and `refused` are set. */
  bool (*sink)(void *context, const char *data, size_t length);
  void *sink_context;
  bool refused;
};

#define HD_BUFFER_INIT {NULL, 0, 0, false, NULL, NULL, false}

/* Room for `most` more bytes behind what is there, to be written to at once; NULL on want of
 * memory. hd_buffer_wrote says how many were. */
char *hd_buffer_room(struct hd_buffer *buffer, size_t most);
void hd_buffer_wrote(struct hd_buffer *buffer, size_t count);
void hd_buffer_append(struct hd_buffer *buffer, const char *data, size_t length);
void hd_buffer_puts(struct hd_buffer *buffer, const char *text);
void hd_buffer_repeat(struct hd_buffer *buffer, char c, size_t count);
void hd_buffer_printf(struct hd_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Gives what is there to the sink once it has come to HD_BUFFER_DRAIN bytes: to be called
 * between the pieces of a long output, which then never lies in memory as a whole. */
enum { HD_BUFFER_DRAIN = 64 << 10 };
void hd_buffer_drain(struct hd_buffer *buffer);
/* Gives it the rest. False where the buffer failed, before or by this. */
bool hd_buffer_finish(struct hd_buffer *buffer);
/* The text so far, "" where there is none. */
const char *hd_buffer_text(const struct hd_buffer *buffer);
void hd_buffer_clear(struct hd_buffer *buffer);
void hd_buffer_deinit(struct hd_buffer *buffer);

#endif
