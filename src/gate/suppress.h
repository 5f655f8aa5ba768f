/* Suppressions: growth that is known and borne with.
 *
 * A file in LeakSanitizer's syntax, one pattern a line: "leak:PATTERN" hides stacks in
 * which a function, a source file or a module matches. A pattern is found anywhere in the
 * name, "*" stands for any text, "^" and "$" for the beginning and the end. "function:",
 * "file:" and "module:" look at one of the three alone; "stack:A;B;C" hides stacks in which
 * functions that match A, B and C call each other, innermost first ("..." between two:
 * others may come in between). A line that begins with "#" is a comment;
 * "# heapdiff: until=2026-12-31 reason=..." in front of a pattern says until when it holds
 * (that day included, UTC) and why. */
#ifndef HD_GATE_SUPPRESS_H
#define HD_GATE_SUPPRESS_H

#include "analysis/side.h"

enum hd_suppression_kind {
  HD_SUPPRESS_LEAK,
  HD_SUPPRESS_FUNCTION,
  HD_SUPPRESS_FILE,
  HD_SUPPRESS_MODULE,
  HD_SUPPRESS_STACK,
};

struct hd_suppression {
  enum hd_suppression_kind kind;
  const char *text;            /* the line as it stands */
  const char *const *patterns; /* of a STACK several; NULL: "..." */
  size_t count;
  const char *file; /* that it stands in */
  int64_t line;
  const char *until, *reason; /* NULL: none */
  bool expired;               /* hides nothing */
  bool used;
};

struct hd_suppressions {
  struct hd_arena arena;
  HD_VEC(struct hd_suppression) items;
};

/* Adds what a text says; `today` is "2026-11-25". An error names file and line. */
bool hd_suppressions_read(struct hd_suppressions *suppressions, const char *file, const char *text,
                          size_t length, const char *today, struct hd_error *error);
void hd_suppressions_deinit(struct hd_suppressions *suppressions);

/* An hd_side_hide; `context` is the suppressions. The first that matches, + 1. */
uint32_t hd_suppressions_hide(void *context, const struct hd_series *series, const uint32_t *labels,
                              const uint32_t *modules, size_t count);

/* Whether a pattern is found in a text. */
bool hd_pattern_found(const char *pattern, const char *text);

#endif
