/* A small file of the user's, whole. */
#ifndef HD_API_READ_TEXT_H
#define HD_API_READ_TEXT_H

#include "base/error.h"

#include <stddef.h>

/* Terminated; the caller frees *text. One that cannot be read, or is larger than `most`
 * bytes, is an error of kind usage that names it. */
bool hd_read_text(const char *path, size_t most, char **text, size_t *length,
                  struct hd_error *error);
/* The same of a file that begins with `beginning`, which may be a pipe; of another, which
 * may be of any kind and not be there, *text is NULL, and it is no error. */
bool hd_read_text_of(const char *path, const char *beginning, size_t most, char **text,
                     size_t *length, struct hd_error *error);

#endif
