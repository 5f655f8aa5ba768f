/* A byte stream that refills itself: what a reader reads from. Input makes one
 * from a file, a pipe or a buffer and hides compression; the reader sees plain
 * bytes and need not hold them all.
 *
 * The window is what is buffered: data[0 .. length-1], starting at byte
 * `offset` of the (decompressed) content. */
#ifndef HD_BASE_STREAM_H
#define HD_BASE_STREAM_H

#include "base/error.h"

#define HD_CUT_TEXT 512

struct hd_stream {
  const uint8_t *data;
  size_t length;
  uint64_t offset;
  bool ended;    /* nothing follows the window */
  bool partial;  /* the user takes what there is of a file that stops in the middle */
  char cut[HD_CUT_TEXT]; /* where it did, in words; "" for a whole file */
  uint64_t line; /* lines handed out by hd_stream_line so far */
  /* Makes the window longer by at least one byte, or sets `ended`; false on a
   * read or decompression failure. May move `data`. */
  bool (*refill)(struct hd_stream *stream, struct hd_error *error);
  /* Drops the first `count` bytes (count <= length). They stay readable until
   * the next refill. */
  void (*consume)(struct hd_stream *stream, size_t count);
  /* Says that bytes `from` to `to` of the window are not read again, though they stay in
   * it: their memory may be given back. NULL: that makes no difference. */
  void (*release)(struct hd_stream *stream, size_t from, size_t to);
};

/* Longest line a text reader takes: a record is never larger in practice. */
#define HD_MAX_LINE (64u << 20)

/* Tries to have at least `want` bytes in the window; it may hold fewer only at
 * the end of the stream. */
bool hd_stream_peek(struct hd_stream *stream, size_t want, struct hd_error *error);

/* The next line without its "\n" (a "\r" before it is dropped, too), not
 * terminated, valid until the next call on the stream. At the end of the stream
 * *line is NULL. A last line without "\n" is handed out like any other; *whole
 * says whether the newline was there. */
bool hd_stream_line(struct hd_stream *stream, const char **line, size_t *length, bool *whole,
                    struct hd_error *error);

/* Most that is held at once for a reader that needs the whole file: more is no
 * snapshot, but a device or a pipe without end. */
#define HD_MAX_WHOLE ((uint64_t)8 << 30)

/* Brings all that is left into the window; more than HD_MAX_WHOLE is an error. */
bool hd_stream_slurp(struct hd_stream *stream, struct hd_error *error);

/* The file stops in the middle, at this line or, where that is 0, byte offset. An input
 * failure that says what is missing and what to do; but where the user takes what there
 * is, true: then `what` is remembered in `cut`, and the reader ends with what it has. */
bool hd_stream_cut(struct hd_stream *stream, struct hd_error *error, int64_t line, int64_t offset,
                   const char *what, const char *remedy);

/* A stream over a buffer that the caller keeps. */
struct hd_stream hd_stream_of(const void *data, size_t length);

#endif
