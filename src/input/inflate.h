/* Undoing compression as a file is read. A method is `src/input/inflate_<method>.c`
 * with one constant and a line in inflate.def; inflate.c has what they share: where
 * one compressed piece ends and the next begins, the limit, the faults. */
#ifndef HD_INPUT_INFLATE_H
#define HD_INPUT_INFLATE_H

#include "base/error.h"

/* At least this much of the file is needed to know a method by. */
enum { HD_INFLATE_HEAD = 4 };

/* Compressed bytes to take and room for what they grow to; run() moves both on. */
struct hd_inflate_step {
  const uint8_t *in;
  size_t in_left;
  uint8_t *out;
  size_t out_left;
};

enum hd_inflate_result {
  HD_INFLATE_GOES_ON,
  HD_INFLATE_PIECE_ENDED, /* a gzip member, a zstd frame: another may follow */
  HD_INFLATE_DAMAGED,
  HD_INFLATE_WINDOW, /* it looks back further than is allowed: that much memory it needs */
  HD_INFLATE_NO_MEMORY,
};

struct hd_inflate_method {
  const char *name; /* for messages */
  bool (*begins)(const uint8_t *head, size_t length);
  void *(*create)(void); /* NULL when memory is short */
  void (*destroy)(void *state);
  /* Before each piece but the first. */
  void (*restart)(void *state);
  /* Goes on until the input is used up, the room is, or the piece ends. Of damage *why
   * is a few words, valid until the next call. */
  enum hd_inflate_result (*run)(void *state, struct hd_inflate_step *step, const char **why);
  bool at_once; /* large files may be tried by inflate_whole.h first */
};

/* The method that these first bytes of a file are of, NULL where it is plain. */
const struct hd_inflate_method *hd_inflate_find(const uint8_t *head, size_t length);

/* Where the compressed bytes come from. */
struct hd_inflate_source {
  /* *got is 0 at the end. */
  bool (*read)(void *context, uint8_t *into, size_t room, size_t *got, struct hd_error *error);
  /* The file ends inside a piece, at this offset: a failure that says so, or true where
   * what there is is taken for all. */
  bool (*cut)(void *context, int64_t offset, const char *what, struct hd_error *error);
  void *context;
};

struct hd_inflation;

/* `head` was taken from the source already (it is copied); what it all grows to may
 * be `limit` bytes. */
bool hd_inflation_create(const struct hd_inflate_method *method, struct hd_inflate_source source,
                         const uint8_t *head, size_t length, uint64_t limit,
                         struct hd_inflation **inflation, struct hd_error *error);
/* At least one byte into `into`; *got is 0 at the end of the file. Damage and what is
 * past the limit are errors of the input that name the place in the compressed file. */
bool hd_inflation_read(struct hd_inflation *inflation, uint8_t *into, size_t room, size_t *got,
                       struct hd_error *error);
void hd_inflation_destroy(struct hd_inflation *inflation); /* takes NULL */

#endif
