/* A service that is watched: its series is recorded as by `record URL`. */
#ifndef HEAPDIFF_CLI_WATCH_URL_H
#define HEAPDIFF_CLI_WATCH_URL_H

#include "watch.h"

/* Returns the exit code. */
int watch_url(struct watch_args *args, const char *url);

#endif
