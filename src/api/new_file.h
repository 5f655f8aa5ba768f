/* A file that is written: whole, or not at all. */
#ifndef HD_API_NEW_FILE_H
#define HD_API_NEW_FILE_H

#include "base/error.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* A regular file is written without a name, where the file system can do that, else under
 * one that begins with a dot, beside its place, and takes it when it is whole: a process
 * that is killed leaves nothing. A device or a pipe is written to at once. */
struct hd_new_file {
  char path[PATH_MAX];      /* where it is to be, symbolic links followed */
  char temporary[PATH_MAX]; /* "" where there is none yet, or none at all */
  bool nameless;            /* it has no name yet */
  int fd;                   /* -1: not open */
  bool replaces;            /* a file that must be there still */
};

/* Errors are of kind internal and do not name the file. With `replaces` a file that
 * is not there, or not there any more at the end, is an error: what somebody deleted
 * meanwhile does not come back. */
bool hd_new_file_create(struct hd_new_file *file, const char *path, bool replaces,
                        struct hd_error *error);
bool hd_new_file_write(struct hd_new_file *file, const void *data, size_t length,
                       struct hd_error *error);
bool hd_new_file_finish(struct hd_new_file *file, struct hd_error *error);
/* Removes what was not finished. */
void hd_new_file_drop(struct hd_new_file *file);

#endif
