/* The texts of one answer: each is copied once into the batch's arena. */
#ifndef HD_SYMBOLS_TEXTS_H
#define HD_SYMBOLS_TEXTS_H

#include "base/arena.h"
#include "base/index.h"
#include "base/vec.h"

struct hd_texts {
  struct hd_arena *arena;
  struct hd_index index;
  HD_VEC(const char *) items; /* items[id - 1] */
};

/* The arena's copy of a text, "" for NULL; NULL when memory is short. */
const char *hd_texts_keep(struct hd_texts *texts, const char *text);
/* The same for a file: made absolute with up to two directories, the outer one
 * first, each of which may be NULL, "" or relative; "." and empty components are
 * taken out, ".." is not (it would be wrong behind a symbolic link). */
const char *hd_texts_keep_path(struct hd_texts *texts, const char *outer, const char *inner,
                               const char *name);
void hd_texts_deinit(struct hd_texts *texts);

#endif
