/* A snapshot format that is written: `src/writers/<format>.c` defines one constant
 * of this type and names it in writers.def.
 *
 * A writer gets a profile whose addresses have the names that could be found for
 * them already; it opens no file and looks nothing up. */
#ifndef HD_WRITERS_WRITER_H
#define HD_WRITERS_WRITER_H

#include "base/buffer.h"
#include "model/pool.h"
#include "writers/output.h"

struct hd_write_options {
  enum hd_measure measure; /* for a format that holds only one */
  hd_demangler demangle;   /* as hd_pool_import has it */
};

struct hd_writer {
  const char *name;
  const char *summary; /* one line for people */
  bool binary;         /* not for a terminal */
  bool compressed;     /* always gzip; the others where the user wants it */
  /* Writes all of the profile. What the format has no place for is named in `lost`,
   * for people: "comments, ages". An error is want of memory or that of the
   * output. */
  bool (*write)(const struct hd_profile *profile, const struct hd_write_options *options,
                struct hd_output *output, struct hd_buffer *lost, struct hd_error *error);
};

extern const struct hd_writer *const hd_writers[];
extern const size_t hd_writer_count;

/* By name, NULL where there is none. */
const struct hd_writer *hd_writer_find(const char *name);

/* Adds to what is lost; `count` 0 leaves the number out. */
void hd_lost(struct hd_buffer *lost, uint64_t count, const char *what);

/* Whole numbers out of estimates: what one value loses by rounding the next one of
 * the measure makes up for, so that the sum over all values is off by less than
 * one. Whole values stay as they are. Begins as {0}. */
struct hd_rounding {
  double carry[HD_MEASURES];
  bool rounded; /* something was not whole */
};
int64_t hd_round(struct hd_rounding *rounding, enum hd_measure measure, double value);

#endif
