/* One snapshot file as a stream of plain bytes: a file, a pipe, standard input
 * ("-"); compression (inflate.def) is undone as it is read. */
#ifndef HD_INPUT_OPEN_H
#define HD_INPUT_OPEN_H

#include "base/stream.h"

/* A snapshot of 4 GiB of text is past anything seen; a bomb goes on for ever.
 * `--max-inflated` raises it. */
#define HD_MAX_INFLATED ((uint64_t)4 << 30)

/* Who reads several files at the same time has large ones inflated at once (inflate_whole.h)
 * in turns: each needs both sides of the file in memory. `take` waits for the turn, false
 * gives the file up. `pass` is called when so much of what was inflated has been used and
 * given back that a file like it has room to be read, or when it is clear that the file needs no turn; perhaps more than once. */
struct hd_inflate_turn {
  bool (*take)(void *context);
  void (*pass)(void *context);
  void *context;
};

struct hd_input_options {
  bool partial;          /* a file that stops in the middle is taken as far as it goes */
  uint64_t max_inflated; /* most bytes a compressed file may grow to; 0: HD_MAX_INFLATED */
  const struct hd_inflate_turn *turn; /* NULL: nobody waits */
};

struct hd_input;

/* Opens and looks at the first bytes. An empty file, a directory, a lack of
 * permission are errors that say so; `error` names the path. */
bool hd_input_open(const char *path, const struct hd_input_options *options,
                   struct hd_input **input, struct hd_error *error);
/* The same of an open file, from its beginning; `fd` stays the caller's, and is not to be
 * read in two inputs at once. */
bool hd_input_open_fd(int fd, const char *name, const struct hd_input_options *options,
                      struct hd_input **input, struct hd_error *error);
struct hd_stream *hd_input_stream(struct hd_input *input);
bool hd_input_compressed(const struct hd_input *input);
void hd_input_close(struct hd_input *input); /* takes NULL */

#endif
