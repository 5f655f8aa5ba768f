#ifndef HD_RECORD_COPY_FILE_H
#define HD_RECORD_COPY_FILE_H

#include <stdbool.h>
#include <sys/types.h>

/* Copies what there is left to read of `from` to a file `name` in a directory, which appears
 * when it is whole. False: errno says why. */
bool hd_copy_file(int from, int directory, const char *name, mode_t mode);

#endif
