/* One profile of a service: fetched, and read once to see that it is one, and what it
 * says of the process. */
#ifndef HD_RECORD_FETCH_SNAPSHOT_H
#define HD_RECORD_FETCH_SNAPSHOT_H

#include "input/url_fetch.h"

enum { HD_BUILD_TEXT = 64 };

struct hd_fetched {
  struct hd_answer answer;
  int64_t time_ns;      /* when it was fetched, since 1970 */
  bool has_heap, has_goroutines;
  int64_t heap, goroutines;
  double allocated;     /* objects, since the process began; -1 unknown */
  char program[256], build_id[HD_BUILD_TEXT]; /* "" unknown */
  bool compressed;      /* as it was sent */
};

/* False where none came; the error names the page. To be closed in either case. */
bool hd_fetch_snapshot(struct hd_http *http, const char *url, enum hd_url_kind kind,
                       struct hd_fetched *fetched, struct hd_error *error);

/* Whether the process began anew between two snapshots of one kind: NULL or why that is
 * known. */
const char *hd_fetched_restarted(const struct hd_fetched *before, const struct hd_fetched *now);

#endif
