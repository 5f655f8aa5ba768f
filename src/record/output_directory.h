/* The directory that a recording goes to. */
#ifndef HD_RECORD_OUTPUT_DIRECTORY_H
#define HD_RECORD_OUTPUT_DIRECTORY_H

#include "base/error.h"

#include <limits.h>
#include <sys/types.h>

#define HD_DEFAULT_DIRECTORY "heapdiff.data"

struct hd_output_directory {
  int fd;                  /* locked: two recordings never share a directory */
  char name[PATH_MAX];     /* as the user has it, without slashes at the end */
  char absolute[PATH_MAX]; /* resolved */
  char moved_to[PATH_MAX + 24]; /* where older snapshots went, "" there were none */
};

#define HD_OUTPUT_DIRECTORY_INIT                                                                   \
  {                                                                                                \
    .fd = -1                                                                                       \
  }

/* Makes the directory, or takes one that is there. Snapshots in it are moved to
 * DIR.old or, where that is there already, to the first of DIR.old.2, DIR.old.3...
 * that is not. Nothing is deleted or replaced, and other files in DIR stay. A DIR
 * that is a file, is not writable, or is being recorded to is an error. */
bool hd_output_directory_open(const char *name, struct hd_output_directory *directory,
                              struct hd_error *error);
void hd_output_directory_close(struct hd_output_directory *directory);

/* Bytes of the agent's log there, 0 where there is none. */
off_t hd_output_log_size(const struct hd_output_directory *directory);

/* Whether a file of this name is a finished snapshot of an agent. */
bool hd_snapshot_name(const char *name);

#endif
