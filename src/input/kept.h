/* What was fetched from URLs, kept as files, so that the next command asks about the
 * same snapshots and not the service again. Of each working directory only the last
 * set is kept. */
#ifndef HD_INPUT_KEPT_H
#define HD_INPUT_KEPT_H

#include "input/source.h"

struct hd_kept {
  struct hd_arena arena;
  HD_VEC(const char *) paths; /* absolute */
};

/* Writes what the handle fetched to a file and adds its path. Failure is no error: then
 * nothing is kept. */
bool hd_keep(struct hd_kept *kept, const struct hd_handle *handle);
/* Deletes what was kept before. */
void hd_kept_settle(const struct hd_kept *kept);
void hd_kept_deinit(struct hd_kept *kept);

#endif
