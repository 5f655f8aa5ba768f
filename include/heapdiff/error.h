/* What went wrong, as a value: the library never prints and never exits.
 *
 * A function that can fail returns false and fills the caller's struct
 * hd_error. The first failure sticks: once `kind` is set, later calls to
 * hd_error_set leave it alone. */
#ifndef HEAPDIFF_ERROR_H
#define HEAPDIFF_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The values are the exit codes of the command line. */
enum hd_error_kind {
  HD_ERROR_NONE = 0,
  HD_ERROR_USAGE = 2,    /* the caller asked for something that does not exist */
  HD_ERROR_INPUT = 3,    /* a file or its contents */
  HD_ERROR_INTERNAL = 4, /* out of memory, a broken invariant */
};

struct hd_error {
  enum hd_error_kind kind;
  char source[512]; /* the file, "" where there is none */
  int64_t line;     /* 1-based line of a text format, 0 where unknown */
  int64_t offset;   /* byte offset of a binary format, -1 where unknown */
  char text[768];   /* lower case, says what to do next */
};

#define HD_ERROR_INIT {.kind = HD_ERROR_NONE, .line = 0, .offset = -1}

/* Writes "source: line 3: text" (or "source: at byte 18: text") into `out`,
 * always terminated, cut to `size`. */
void hd_error_format(const struct hd_error *error, char *out, size_t size);

#ifdef __cplusplus
}
#endif

#endif
