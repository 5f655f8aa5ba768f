/* A profile into a file, or to whoever takes its bytes. */
#ifndef HD_API_WRITE_SNAPSHOT_H
#define HD_API_WRITE_SNAPSHOT_H

#include "writers/writer.h"

#include <heapdiff/view.h>

struct hd_snapshot_target {
  const struct hd_writer *writer;
  enum hd_measure measure; /* for a format that holds only one */
  bool compress;           /* gzip, where the format does not have it anyway */
  const char *path;        /* NULL: through `write` */
  bool replaces;           /* the file at `path`, which must be there still */
  hd_write_fn write;
  void *context;
};

/* A file appears under its name when it is whole, and not before. What the format had
 * no place for is added to `lost`. A failed write is an error of kind internal. */
bool hd_write_snapshot(const struct hd_profile *profile, const struct hd_snapshot_target *target,
                       struct hd_buffer *lost, struct hd_error *error);

#endif
