/* One side of a comparison of two builds: call chains in names that outlive a build
 * (functions, files, lines counted inside the function), each with its values. A side
 * is made of the snapshots of one or more runs, or read from a baseline.
 *
 * Both sides of a comparison share one table of frames, so that equal frames have equal
 * ids. Frames past the last one that has a name of its own (the C library's start of a
 * program or thread) are left out: they differ from machine to machine. */
#ifndef HD_ANALYSIS_SIDE_H
#define HD_ANALYSIS_SIDE_H

#include "analysis/noise.h"
#include "analysis/series.h"

enum { HD_NO_LINE = -1 };

struct hd_side_frame {
  uint32_t function; /* string: a stable name (stable_name.h); "[module]" where the code
                      * has none */
  uint32_t file;     /* base name of the source file, 0 unknown */
  int32_t line;      /* from the function's first line, which is 0; HD_NO_LINE */
  bool lowest;       /* where the function begins is not known: the line counts from the
                      * lowest one of it that is */
};

/* What both sides share; the strings are a pool's. */
struct hd_side_frames {
  struct hd_strings *strings;
  HD_VEC(struct hd_side_frame) items; /* [id - 1] */
  struct hd_index index;
};

bool hd_side_frame_intern(struct hd_side_frames *frames, const struct hd_side_frame *frame,
                          uint32_t *id);
const struct hd_side_frame *hd_side_frame_at(const struct hd_side_frames *frames, uint32_t id);
void hd_side_frames_deinit(struct hd_side_frames *frames);

/* A value of a row, of all runs. */
struct hd_side_amount {
  double value;    /* mean of the runs */
  double variance; /* of one run, by the sampling */
  double spread;   /* variance between the runs; 0 with one */
  double turnover; /* of a difference of one process: what its sampled objects that came or
                    * went stand for, by whichever side has the row */
  double run;      /* while runs are added: of the one at hand */
};

struct hd_side_row {
  uint32_t first, count; /* frame ids in `chain`, the call site first; at least one */
  uint32_t path, place;  /* source file (string) and line of the site; 0 unknown */
  uint32_t module;       /* path of the site's (string); 0 unknown */
  uint32_t name;         /* of the site's function, as the build has it; 0: as its frame's */
  uint32_t suppression;  /* that hides some of it, as the caller numbers them; 0 none */
  double hidden;         /* share of it that is hidden, 0 to 1 */
};

/* A row's value in one of several runs. */
struct hd_side_run_value {
  uint32_t row;
  uint16_t column, run;
  double value;
};

/* More runs prove nothing that these do not. */
enum { HD_MOST_RUNS = 1000 };

struct hd_side {
  struct hd_side_frames *frames;
  HD_VEC(struct hd_side_row) rows;
  HD_VEC(uint32_t) chain;
  HD_VEC(struct hd_side_amount) amounts; /* [row * columns + column] */
  struct hd_index index;
  enum hd_measure measures[HD_MEASURES];
  size_t columns;
  int column[HD_MEASURES]; /* -1: not there */
  size_t runs;
  HD_VEC(double) run_totals; /* [run * columns + column] */
  HD_VEC(struct hd_side_run_value) run_values; /* where they are kept: what is not 0 */
  bool keep_runs;
  uint64_t rate;           /* mean sampling interval, the largest; 0 unknown, 1 exact */
  bool sampled;            /* something in it is an estimate */
  uint32_t program;        /* of a baseline file: whose it is; string of the frames, 0 unknown */
};

void hd_side_init(struct hd_side *side, struct hd_side_frames *frames);
void hd_side_deinit(struct hd_side *side);

/* Which suppression hides a stack of `series` (labels of a row, innermost first); 0 none. */
typedef uint32_t (*hd_side_hide)(void *context, const struct hd_series *series,
                                 const uint32_t *labels, const uint32_t *modules, size_t count);

struct hd_side_options {
  struct hd_regex **wrappers; /* the user's own */
  size_t wrapper_count;
  hd_side_hide hide;  /* NULL: nothing is hidden */
  void *context;
};

/* The measures that a side has: those of the series that are sums. To be called before
 * its first row is added, unless that is done here by the first run. */
void hd_side_set_measures(struct hd_side *side, const bool has[HD_MEASURES]);

/* Adds a run, which is one snapshot of a series by stack that has kept its wrappers. The
 * first run says which measures count. `rows` (one a row of the series, may be NULL)
 * says where each went, + 1. */
bool hd_side_add_run(struct hd_side *side, const struct hd_series *series, size_t point,
                     const struct hd_side_options *options, uint32_t *rows,
                     struct hd_error *error);
/* Ends the adding of runs: sums become means. */
void hd_side_finish(struct hd_side *side);

/* The two sides are snapshots of one process, and `noise` (one a row of the series that
 * they were made of, which `before_rows` and `after_rows` say the way of) is that of the
 * difference: objects that are in both are no noise. */
void hd_side_set_difference(struct hd_side *before, struct hd_side *after,
                            const struct hd_series *series, enum hd_measure measure,
                            const struct hd_row_noise *noise, const uint32_t *before_rows,
                            const uint32_t *after_rows);

/* The name of a row's site. */
const char *hd_side_name(const struct hd_side *side, size_t row);

/* Finds or adds a row by its chain; its number + 1, 0 on want of memory. */
uint32_t hd_side_row_of(struct hd_side *side, const uint32_t *frames, size_t count);

/* The amount of a row; one of nothing where the side lacks the measure. */
struct hd_side_amount hd_side_amount_of(const struct hd_side *side, size_t row,
                                        enum hd_measure measure);
/* The sum of all rows, with the spread of the sums of the runs. */
struct hd_side_amount hd_side_total(const struct hd_side *side, enum hd_measure measure);

#endif
