/* A heaptrack recording as it is read; used by heaptrack*.c alone.
 *
 * Its numbers of strings, code addresses ("i") and traces begin at 1, and 0 is none;
 * those of allocation infos ("a") begin at 0. */
#ifndef HD_READERS_HEAPTRACK_H
#define HD_READERS_HEAPTRACK_H

#include "base/stream.h"
#include "readers/reader.h"

/* heaptrack follows at most 64 frames, two of which are its own: a trace of as many
 * as are left was most likely cut. More than that it never writes. */
enum { HD_HEAPTRACK_CUT_DEPTH = 62, HD_HEAPTRACK_MOST_DEPTH = 256 };

/* Snapshots that a recording is cut into: at least half as many where it is long
 * enough, and the one at its end. Fewer, down to a quarter, where they would have more
 * call stacks than this together: time and memory go by those. */
enum { HD_HEAPTRACK_CUTS = 32, HD_HEAPTRACK_FEW_CUTS = 8, HD_HEAPTRACK_STACKS = 2 << 20 };

/* What is left of a line. */
struct hd_heaptrack_line {
  const char *at, *end;
};

struct hd_heaptrack_frame {
  uint32_t function, file, line; /* strings of the recording */
};

/* A code address: interpreted, of the process with its frames; raw, of the module's
 * ELF file. heaptrack has taken one off return addresses in both. */
struct hd_heaptrack_place {
  uint64_t address;
  uint32_t module;       /* string of the recording */
  uint32_t first, count; /* in frames[] */
};

/* A call stack: a place, and the trace of its callers. */
struct hd_heaptrack_trace {
  uint32_t place, parent;
  uint32_t site; /* 0: nothing was allocated there */
  uint32_t depth;
};

/* Blocks of one size from one stack. */
struct hd_heaptrack_info {
  uint64_t size, live, all; /* live, all: how many */
  uint32_t site;
};

struct hd_heaptrack_sum {
  double live_bytes, live_objects, all_bytes, all_objects;
};

/* The counts of a moment. */
struct hd_heaptrack_cut {
  int64_t stamp; /* ms since the recording began */
  int64_t rss;   /* bytes, -1 unknown */
  uint64_t events;
  struct hd_heaptrack_sum *sums; /* [site - 1] */
  size_t sites;
};

/* A mapped part of a module of a raw recording. */
struct hd_heaptrack_segment {
  uint64_t start, limit, base; /* addresses in the process; of the file's address 0 */
  uint32_t module;             /* string of the recording */
};

struct hd_heaptrack_block {
  uint64_t pointer;
  uint32_t info; /* plus 1; 0: the slot is free */
};

/* Blocks in use by their address: raw recordings free by address. */
struct hd_heaptrack_blocks {
  struct hd_heaptrack_block *slots;
  size_t count, capacity;
};

struct hd_heaptrack {
  struct hd_stream *stream;
  struct hd_profile *facts; /* meta data and bad rows, for all snapshots */
  uint32_t version;         /* of the file format; 0: no "v" line yet */
  bool raw;                 /* not yet interpreted by heaptrack_interpret */
  bool in_command;          /* its arguments may have newlines */
  bool attached;            /* not recorded from the start, perhaps not to the end */
  bool closed;              /* heaptrack_interpret's last lines were there */
  uint64_t page;            /* bytes; 0 unknown */
  struct hd_arena arena;    /* of the strings */
  HD_VEC(struct hd_string) strings;
  HD_VEC(struct hd_heaptrack_frame) frames;
  HD_VEC(struct hd_heaptrack_place) places;
  HD_VEC(struct hd_heaptrack_trace) traces;
  HD_VEC(struct hd_heaptrack_info) infos;
  HD_VEC(uint32_t) sites; /* [site - 1] -> trace, 0 the empty one */
  uint32_t empty_site;    /* of what has no stack */
  /* Raw recordings alone. */
  uint32_t program;                             /* string */
  HD_VEC(struct hd_heaptrack_segment) segments; /* sorted, unless `unsorted` */
  bool unsorted;
  struct hd_index place_index, info_index;
  struct hd_heaptrack_blocks blocks;
  /* The series. */
  int64_t stamp;
  uint64_t events, live, peak; /* live, peak: bytes of all */
  int64_t peak_stamp, rss, interval;
  HD_VEC(struct hd_heaptrack_cut) cuts;
};

static inline size_t hd_heaptrack_left(const struct hd_heaptrack_line *line)
{
  return (size_t)(line->end - line->at);
}

extern const uint8_t hd_heaptrack_digits[256]; /* of hexadecimal digits, plus 1; 0: it is none */

/* Takes a blank and a hexadecimal number off the front; false, and the line as it was,
 * where there is none or one past 64 bits. Here for speed: there are millions. */
static inline bool hd_heaptrack_hex(struct hd_heaptrack_line *line, uint64_t *number)
{
  const char *at = line->at, *first;
  uint64_t value = 0;
  if (at == line->end || *at != ' ')
    return false;
  first = ++at;
  for (unsigned digit; at < line->end && (digit = hd_heaptrack_digits[(uint8_t)*at]); at++)
    value = value << 4 | (digit - 1);
  if (at == first || at - first > 16)
    return false;
  *number = value;
  line->at = at;
  return true;
}

/* Fails naming the line at hand. */
bool hd_heaptrack_fail(const struct hd_heaptrack *heaptrack, struct hd_error *error,
                       const char *what);
/* Counts the line at hand as a row that is not usable. */
bool hd_heaptrack_bad_row(struct hd_heaptrack *heaptrack, const char *why,
                          struct hd_heaptrack_line line, struct hd_error *error);

/* heaptrack_code.c: "s", "i", "t" and, in raw recordings, "m". `line` begins behind
 * the letter. A line of these that is damaged is an error: it would shift all numbers
 * that follow. */
bool hd_heaptrack_string(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                         uint32_t *string, struct hd_error *error);
bool hd_heaptrack_sized_string(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line *line,
                               uint32_t *string, struct hd_error *error);
bool hd_heaptrack_place(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                        struct hd_error *error);
bool hd_heaptrack_trace(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                        struct hd_error *error);
bool hd_heaptrack_module(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                         struct hd_error *error);

/* heaptrack_counts.c: "a", "+", "-". */
bool hd_heaptrack_info(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                       struct hd_error *error);
bool hd_heaptrack_allocation(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                             struct hd_error *error);
bool hd_heaptrack_free(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                       struct hd_error *error);
/* Takes the events of an interpreted recording off the front of what the stream holds,
 * up to the first that is not whole or not good or is something else: most lines are
 * events, and this takes no call for each. */
void hd_heaptrack_events(struct hd_heaptrack *heaptrack);

/* heaptrack_blocks.c: which block is at an address. Adding replaces; false on want of
 * memory. Taking out gives info + 1, or 0. */
bool hd_heaptrack_blocks_add(struct hd_heaptrack_blocks *blocks, uint64_t pointer, uint32_t info);
uint32_t hd_heaptrack_blocks_take(struct hd_heaptrack_blocks *blocks, uint64_t pointer);

/* heaptrack_cuts.c: the time has come to `stamp` (never back); the end. */
bool hd_heaptrack_time(struct hd_heaptrack *heaptrack, int64_t stamp, struct hd_error *error);
void hd_heaptrack_rss(struct hd_heaptrack *heaptrack, int64_t bytes);
bool hd_heaptrack_end(struct hd_heaptrack *heaptrack, struct hd_error *error);

/* heaptrack_profiles.c: a profile a cut, in order. */
bool hd_heaptrack_emit(struct hd_heaptrack *heaptrack, struct hd_sink *sink,
                       struct hd_error *error);

#endif
