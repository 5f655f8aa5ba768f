/* Inside the pprof reader: what its files share.
 *
 *   pprof_probe.c   is this a profile.proto message?
 *   pprof_scan.c    one pass over the top level: tables, and where samples lie
 *   pprof_ids.c     the file's 64-bit ids to positions
 *   pprof_frames.c  mappings, functions, locations; drop_frames and keep_frames
 *   pprof_samples.c the second pass: samples to records
 *   pprof.c         the reader: measures, meta data, refusals
 *
 * The format: https://github.com/google/pprof/blob/main/proto/profile.proto */
#ifndef HD_READERS_PPROF_H
#define HD_READERS_PPROF_H

#include "base/cursor.h"
#include "readers/reader.h"

/* Field numbers of message Profile. */
enum hd_pprof_field {
  HD_PPROF_SAMPLE_TYPE = 1,
  HD_PPROF_SAMPLE = 2,
  HD_PPROF_MAPPING = 3,
  HD_PPROF_LOCATION = 4,
  HD_PPROF_FUNCTION = 5,
  HD_PPROF_STRING = 6,
  HD_PPROF_DROP_FRAMES = 7,
  HD_PPROF_KEEP_FRAMES = 8,
  HD_PPROF_TIME = 9,
  HD_PPROF_DURATION = 10,
  HD_PPROF_PERIOD_TYPE = 11,
  HD_PPROF_PERIOD = 12,
  HD_PPROF_COMMENT = 13,
  HD_PPROF_DEFAULT_TYPE = 14,
  HD_PPROF_DOC_URL = 15,
};

enum {
  HD_PPROF_MAX_SAMPLE_TYPES = 64, /* writers have at most six */
  HD_PPROF_MAX_LABELS = 1024,     /* different ones on one sample */
  HD_PPROF_MAX_INLINED = 4096,    /* lines of one location */
};

/* The file's ids (any 64-bit numbers but 0) to 1-based positions in a table: ids
 * are pushed in the table's order, then built once, then looked up. Ids that are
 * not much larger than the table is long, as nearly all writers have them, are
 * looked up in an array. */
struct hd_pprof_ids {
  HD_VEC(uint64_t) ids;  /* by position - 1 */
  HD_VEC(size_t) places; /* beside ids: offset of the item's tag in the file */
  uint32_t *dense;       /* position by id */
  uint64_t dense_count;
  bool in_order; /* id n is at position n, as most writers have it */
  struct hd_index sparse;
};

/* False when memory is short. */
bool hd_pprof_ids_push(struct hd_pprof_ids *ids, uint64_t id, size_t place);
/* False when memory is short. *duplicate is the position of the first item whose
 * id an earlier one has, 0 where there is none. */
bool hd_pprof_ids_build(struct hd_pprof_ids *ids, uint32_t *duplicate);
uint32_t hd_pprof_ids_find_sparse(const struct hd_pprof_ids *ids, uint64_t id);
void hd_pprof_ids_deinit(struct hd_pprof_ids *ids);

/* The position of an id, 0 where the table has none such. */
static inline uint32_t hd_pprof_ids_find(const struct hd_pprof_ids *ids, uint64_t id)
{
  return id < ids->dense_count ? ids->dense[id] : hd_pprof_ids_find_sparse(ids, id);
}

struct hd_pprof_type {
  uint64_t type, unit; /* string numbers */
};

struct hd_pprof_mapping {
  uint64_t start, limit, offset;
  uint64_t filename, build_id; /* string numbers */
};

struct hd_pprof_function {
  uint64_t name, system_name, filename; /* string numbers */
  int64_t start_line;
};

/* What the first pass leaves. `data` is the caller's and must stay. */
struct hd_pprof_file {
  const uint8_t *data;
  size_t length;
  struct hd_stream *stream; /* that `data` is the window of, NULL none */

  HD_VEC(size_t) strings;    /* offset of each string's tag */
  HD_VEC(uint32_t) interned; /* beside strings: id in the profile, 0 not yet */
  HD_VEC(struct hd_pprof_type) types;
  HD_VEC(struct hd_pprof_mapping) mappings;
  HD_VEC(struct hd_pprof_function) functions;
  HD_VEC(uint64_t) comments;
  struct hd_pprof_ids mapping_ids, function_ids; /* beside mappings and functions */
  struct hd_pprof_ids location_ids;              /* its places: all that is kept of them */
  uint64_t sample_count;
  size_t first_sample, samples_end; /* all of them lie between these offsets */
  bool samples_mixed;               /* and something else, too */

  uint64_t drop_frames, keep_frames, default_type; /* string numbers */
  int64_t time_ns, duration_ns, period;
  struct hd_pprof_type period_type;

  /* Set by hd_pprof_frames, by position - 1 of a location, which is its id in the profile,
   * too. */
  HD_VEC(uint8_t) dropped;      /* enum hd_pprof_dropped; empty: nothing is dropped */
};

enum hd_pprof_dropped { HD_PPROF_KEPT, HD_PPROF_DROP_BENEATH, HD_PPROF_DROP_WHOLE };

/* The text of string `number`, not terminated. */
struct hd_pprof_text {
  const char *text;
  size_t length;
};

int hd_pprof_probe(const uint8_t *head, size_t length);

/* Reads everything but locations and samples, whose places it notes, and checks
 * the wire format and the ids of tables. An error has the offset. */
bool hd_pprof_scan(struct hd_pprof_file *file, const uint8_t *data, size_t length,
                   struct hd_error *error);
void hd_pprof_file_deinit(struct hd_pprof_file *file);

/* The message whose tag is at `offset`, where the scan has seen a sound one. */
struct hd_cursor hd_pprof_message(const struct hd_pprof_file *file, size_t offset);

/* The next field of `what` number `ordinal` (1-based, 0: there is but one). */
bool hd_pprof_next(struct hd_cursor *cursor, struct hd_wire_field *field, const char *what,
                   uint64_t ordinal, struct hd_error *error);
/* Reads a message whose known fields 1 .. count-1 are all varints: values[number],
 * 0 where absent. */
bool hd_pprof_varints(struct hd_cursor cursor, const char *what, uint64_t ordinal, uint64_t *values,
                      size_t count, struct hd_error *error);
/* Fails where a field does not have the wire type that the format gives it. */
bool hd_pprof_expect(const struct hd_cursor *cursor, const struct hd_wire_field *field,
                     enum hd_wire_type type, const char *what, uint64_t ordinal,
                     struct hd_error *error);

/* Where the file does not say where a string was named. */
#define HD_PPROF_NOWHERE ((size_t)-1)

/* The text of a string; an error names `what` and `offset`. */
bool hd_pprof_string(const struct hd_pprof_file *file, uint64_t number, const char *what,
                     size_t offset, struct hd_pprof_text *text, struct hd_error *error);
/* Its id in the profile. */
bool hd_pprof_intern(struct hd_pprof_file *file, struct hd_profile *profile, uint64_t number,
                     const char *what, size_t offset, uint32_t *id, struct hd_error *error);

/* Fills the profile's modules and locations, and the file's dropped. */
bool hd_pprof_frames(struct hd_pprof_file *file, struct hd_profile *profile,
                     struct hd_error *error);

/* Fills the records, `parts` of them at a time where that is not NULL. `measures` has one
 * entry a sample type: the measure, or HD_MEASURES where the type is none of ours. */
bool hd_pprof_samples(struct hd_pprof_file *file, struct hd_profile *profile,
                      const enum hd_measure *measures, const struct hd_parts *parts,
                      struct hd_error *error);

#endif
