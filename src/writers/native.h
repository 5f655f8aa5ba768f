/* Inside the native writer: native.c has the lines, native_record.c what is on
 * them: the header, records, strings as JSON has them. */
#ifndef HD_WRITERS_NATIVE_H
#define HD_WRITERS_NATIVE_H

#include "writers/writer.h"

enum {
  HD_NATIVE_MAX_INLINED = 1024, /* as the reader has it */
  HD_NATIVE_MAX_LABELS = 64,
};

struct hd_native_writer {
  const struct hd_profile *profile;
  const struct hd_write_options *options;
  struct hd_output *output;
  struct hd_error *error;
  struct hd_buffer line;
  uint32_t *numbers; /* by string id: number in the file + 1 */
  uint32_t *names;   /* beside frames: the string that is written as function */
  uint32_t strings;
  size_t stacks, next_age;
  struct hd_rounding rounding;
  uint64_t lost_names, lost_labels, lost_places, lost_inlined, lost_bytes;
};

/* Ends the line and writes it. */
bool hd_native_flush(struct hd_native_writer *writer);

/* These append to the line. */
void hd_native_put_header(struct hd_native_writer *writer);
/* To be called for one record after the other. */
void hd_native_record(struct hd_native_writer *writer, size_t index);
/* A string of the profile in quotes; what is not UTF-8, and NUL, becomes "?". */
void hd_native_string(struct hd_native_writer *writer, uint32_t id);

#endif
