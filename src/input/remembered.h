/* The set of snapshots that was named last in a working directory, kept below
 * XDG_STATE_HOME (else ~/.local/state), so that `heapdiff top a b` followed by
 * `heapdiff list f` works. */
#ifndef HD_INPUT_REMEMBERED_H
#define HD_INPUT_REMEMBERED_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hd_remembered {
  const char **paths; /* absolute */
  size_t count;
  int64_t pid;        /* that was chosen with them, 0 none */
};

/* Remembers; what cannot be written is not remembered, and that is no error. */
void hd_remember(const char *const *paths, size_t count, int64_t pid);
/* What was remembered for this directory, if all of it is still there. */
bool hd_recall(struct hd_arena *arena, struct hd_remembered *remembered);

#endif
