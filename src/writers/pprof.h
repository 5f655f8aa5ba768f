/* Inside the pprof writer: pprof.c samples and the rest of a profile,
 * pprof_frames.c mappings, locations and functions. */
#ifndef HD_WRITERS_PPROF_H
#define HD_WRITERS_PPROF_H

#include "writers/pprof_encode.h"
#include "writers/writer.h"

/* Field numbers of message Profile. */
enum {
  HD_PPROF_W_SAMPLE_TYPE = 1,
  HD_PPROF_W_SAMPLE = 2,
  HD_PPROF_W_MAPPING = 3,
  HD_PPROF_W_LOCATION = 4,
  HD_PPROF_W_FUNCTION = 5,
  HD_PPROF_W_STRING = 6,
  HD_PPROF_W_TIME = 9,
  HD_PPROF_W_DURATION = 10,
  HD_PPROF_W_PERIOD_TYPE = 11,
  HD_PPROF_W_PERIOD = 12,
  HD_PPROF_W_COMMENT = 13,
  HD_PPROF_W_DEFAULT_TYPE = 14,
};

struct hd_pprof_writer {
  const struct hd_profile *profile;
  struct hd_output *output;
  struct hd_error *error;
  struct hd_strings strings;      /* of the file: an id is its number */
  uint32_t *numbers;              /* by the profile's string id; 0 not yet */
  struct hd_buffer message, part; /* scratch: a message, and one inside it */
  struct hd_buffer frame;         /* scratch of hd_pprof_writer_put */
  enum hd_measure measures[HD_MEASURES];
  size_t measure_count;
  struct hd_rounding rounding;
  uint64_t lost_labels, lost_places;
  bool failed; /* for want of memory */
};

extern const struct hd_writer hd_writer_pprof;

/* The number of a string of the profile; want of memory sets `failed`. */
uint64_t hd_pprof_writer_string(struct hd_pprof_writer *writer, uint32_t id);
/* One message or string of the top level. */
bool hd_pprof_writer_put(struct hd_pprof_writer *writer, uint32_t field, const void *data,
                         size_t length);
/* Mappings, locations and functions. */
bool hd_pprof_write_frames(struct hd_pprof_writer *writer);

#endif
