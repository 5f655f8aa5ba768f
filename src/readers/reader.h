/* A snapshot format: `src/readers/<format>.c` defines one constant of this type
 * and names it in readers.def. */
#ifndef HD_READERS_READER_H
#define HD_READERS_READER_H

#include "base/stream.h"
#include "model/profile.h"

/* Takes the profiles of a file, in order; most formats hold one. It owns the
 * profile from then on, also when it returns false. */
struct hd_sink {
  bool (*take)(void *context, struct hd_profile *profile, struct hd_error *error);
  void *context;
};

/* Takes a snapshot in parts, so that its records are never held all at once. `begin` gets
 * the profile with its meta data, measures, modules and locations; `add` the next records,
 * with their stacks, which are forgotten afterwards. The last of them are still there when
 * the sink takes the profile. What is wrong behind what was taken already is an error of
 * the reader as ever: then the sink takes nothing. */
struct hd_parts {
  bool (*begin)(void *context, struct hd_profile *profile, struct hd_error *error);
  bool (*add)(void *context, const struct hd_profile *profile, struct hd_error *error);
  void *context;
};

/* How sure a probe is. */
enum { HD_PROBE_NO = 0, HD_PROBE_MAYBE = 30, HD_PROBE_LIKELY = 60, HD_PROBE_SURE = 100 };

/* At least this much of the file is shown to the probe (less only when the file
 * is shorter). */
#define HD_PROBE_BYTES 4096u
/* How far a text file is searched for marks. */
#define HD_SEARCH_BYTES (64u << 20)

struct hd_reader {
  const char *name;    /* for --format and `info` */
  const char *summary; /* one line for people */
  const char *carries; /* what is in it, in a few words: "inuse" and "alloc" are bytes and
                        * objects of both */
  /* Looks at the first bytes (decompressed) only. */
  int (*probe)(const uint8_t *head, size_t length);
  /* Of a format that comes in a log with other output before it: texts one of which
   * it has. A text file that no probe takes is searched for them. Shorter than 128 bytes. */
  const char *marks[3];
  /* Fills only the meta data that tells series apart (kind, host, pid, start,
   * image, program, time, sequence) from as little of the stream as the format
   * allows. NULL: the format needs a full read. */
  bool (*peek)(struct hd_stream *stream, struct hd_profile *profile, struct hd_error *error);
  /* Reads the whole stream. An error is final and says what is wrong with this
   * format at which line or offset; profiles taken before it stay with the sink. */
  bool (*read)(struct hd_stream *stream, struct hd_sink *sink, struct hd_error *error);
  /* The same in parts, of a file that holds one snapshot. NULL: the format has its records
   * before what they refer to, or is never large. */
  bool (*read_parts)(struct hd_stream *stream, const struct hd_parts *parts, struct hd_sink *sink,
                     struct hd_error *error);
};

/* Counts a row that cannot be used, and keeps what is said of the first one. False
 * on want of memory. */
bool hd_reader_bad(struct hd_profile *profile, struct hd_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same of a text format's: "line 12 is no row: <its text>". */
bool hd_reader_bad_row(struct hd_profile *profile, int64_t number, const char *why,
                       const char *line, size_t length, struct hd_error *error);

extern const struct hd_reader *const hd_readers[];
extern const size_t hd_reader_count;

/* The reader that is surest of these bytes, NULL where none takes them. */
const struct hd_reader *hd_reader_probe(const uint8_t *head, size_t length);
/* The reader that has a mark in the stream's first HD_SEARCH_BYTES, which stay in its
 * window; *reader is NULL where none has, or where the file does not begin as text. */
bool hd_reader_search(struct hd_stream *stream, const struct hd_reader **reader,
                      struct hd_error *error);
/* By name, NULL where there is none. */
const struct hd_reader *hd_reader_find(const char *name);

#endif
