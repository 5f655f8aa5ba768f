/* Where a writer's bytes go: through gzip, where it is wanted, to whoever takes
 * them. */
#ifndef HD_WRITERS_OUTPUT_H
#define HD_WRITERS_OUTPUT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct hd_gzip;

struct hd_output {
  /* False where the bytes could not be taken; it has filled `error`. */
  bool (*take)(void *context, const void *data, size_t length, struct hd_error *error);
  void *context;
  struct hd_gzip *gzip; /* NULL: plain */
};

/* From here on all is compressed, until hd_output_end. */
bool hd_output_compress(struct hd_output *output, struct hd_error *error);
bool hd_output_put(struct hd_output *output, const void *data, size_t length,
                   struct hd_error *error);
/* Writes the end of the compressed data; to be called once all is there. */
bool hd_output_end(struct hd_output *output, struct hd_error *error);
/* Frees, after a failure, too. */
void hd_output_deinit(struct hd_output *output);

#endif
