/* What is said of a service that is followed: by `record URL` and by `watch URL`. */
#ifndef HEAPDIFF_CLI_RECORD_URL_SAID_H
#define HEAPDIFF_CLI_RECORD_URL_SAID_H

#include <heapdiff/record_url.h>

/* A line for what happens, nothing for a snapshot that came. */
void record_url_say_event(const struct hd_url_event *event);
/* The end: what was lost, what came (not where `quiet`), where it is. `fine` and `error` are
 * what hd_record_url gave. Remembers the directory; returns the exit code. */
int record_url_say_end(const struct hd_url_record_result *result, bool fine,
                       const struct hd_error *error, bool quiet);

#endif
