/* Writing snapshots with their symbols: what `symbolize` and `record --symbolize`
 * share. */
#ifndef HEAPDIFF_CLI_SYMBOLIZING_H
#define HEAPDIFF_CLI_SYMBOLIZING_H

#include "common_args.h"

/* Symbolizes what `paths` name into `directory` (NULL: in place) and says what was done,
 * unless `quiet`. SIGINT, SIGTERM and SIGHUP end it between two snapshots. Returns the
 * exit code; 128+N where signal N ended it. */
int symbolizing(const struct input_args *input, const char *const *paths, int count,
                const char *directory, bool quiet);

#endif
