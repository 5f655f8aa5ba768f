/* The directory that a recording goes to. */
#ifndef HD_RECORD_OUTPUT_DIRECTORY_H
#define HD_RECORD_OUTPUT_DIRECTORY_H

#include "base/error.h"

#include <limits.h>

#define HD_DEFAULT_DIRECTORY "heapdiff.data"

struct hd_output_directory {
  int fd;                  /* locked: two recordings never share a directory */
  char name[PATH_MAX];     /* as the user has it, without slashes at the end */
  char absolute[PATH_MAX]; /* resolved */
  bool moved_aside;        /* older snapshots went to `absolute`.old */
};

#define HD_OUTPUT_DIRECTORY_INIT                                                                   \
  {                                                                                                \
    .fd = -1                                                                                       \
  }

/* Makes the directory, or takes one that is there. Snapshots in it are moved to
 * DIR.old, whose own older snapshots are deleted first. Nothing else is touched:
 * other files in DIR stay, and a DIR.old that holds anything but snapshots is an
 * error, as are a DIR that is a file, is not writable, or is being recorded to. */
bool hd_output_directory_open(const char *name, struct hd_output_directory *directory,
                              struct hd_error *error);
void hd_output_directory_close(struct hd_output_directory *directory);

/* Whether a file of this name is a finished snapshot of an agent. */
bool hd_snapshot_name(const char *name);

#endif
