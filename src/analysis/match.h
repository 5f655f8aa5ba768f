/* Which call chain of one build is which of another, where addresses, lines and inlining
 * differ. Levels are tried in order, each on what the ones before left over:
 *
 *   lines      the same functions, files and lines; a line counts from its function's first
 *   order      the same functions and files: told apart by the order of their lines
 *   functions  the same functions, in files of other names
 *   similar    mutual best match by the longest common subsequence of the chains, from
 *              HD_LEAST_SIMILARITY on; a function that only the old build has, where the new
 *              one has another in the same place of the same file, was renamed
 *
 * Where a function has other lines than before, its sites are aligned in their order so
 * that the least is left to explain: of all alignments the one with the least sum of
 * sqrt(|difference|), which has one site grow rather than each a bit. */
#ifndef HD_ANALYSIS_MATCH_H
#define HD_ANALYSIS_MATCH_H

#include "analysis/side.h"

#define HD_LEAST_SIMILARITY .8

enum hd_match_level {
  HD_MATCH_LINES,
  HD_MATCH_ORDER,
  HD_MATCH_FUNCTIONS,
  HD_MATCH_SIMILAR,
  HD_MATCH_NONE,
};

extern const char *const hd_match_names[];

struct hd_match {
  uint32_t *before; /* [row of `after`]: row of `before` + 1; 0 it is new */
  uint32_t *after;  /* [row of `before`]: row of `after` + 1; 0 it is gone */
  uint8_t *level;   /* [row of `after`]: an hd_match_level */
};

/* Both sides have the measure and share their frames. */
bool hd_match_sides(const struct hd_side *before, const struct hd_side *after,
                    enum hd_measure measure, struct hd_match *match, struct hd_error *error);
void hd_match_deinit(struct hd_match *match);

/* --- for the files of matching ------------------------------------------------------- */

/* Some rows of either side that may be each other's, in the order of their lines. */
struct hd_match_rows {
  const uint32_t *before, *after; /* row numbers */
  size_t befores, afters;
};

struct hd_matching {
  const struct hd_side *before, *after;
  enum hd_measure measure;
  struct hd_match *match;
};

void hd_match_pair(const struct hd_matching *matching, uint32_t before, uint32_t after,
                   enum hd_match_level level);
/* match_lines.c: aligns them; what finds no partner stays without. */
bool hd_match_align(const struct hd_matching *matching, const struct hd_match_rows *rows,
                    enum hd_match_level level);
/* match_similar.c: of what is left over. */
bool hd_match_similar(const struct hd_matching *matching);

#endif
