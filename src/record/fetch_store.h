/* The files of a service's series: HOST-PORT.KIND.TIME.heapdiff, each what the service
 * sent, compressed. */
#ifndef HD_RECORD_FETCH_STORE_H
#define HD_RECORD_FETCH_STORE_H

#include "base/vec.h"
#include "record/fetch_snapshot.h"
#include "record/output_directory.h"

enum { HD_STORED_KINDS = 2 };

/* What was written at one moment. */
struct hd_stored {
  int64_t time_ns;
  char *names[HD_STORED_KINDS]; /* in the directory; NULL: none */
  uint64_t bytes;               /* of both files */
};

struct hd_store {
  const struct hd_output_directory *directory;
  struct hd_buffer stem;
  uint64_t keep;          /* moments; 0: all */
  uint64_t keep_bytes;    /* 0: any */
  uint64_t bytes;         /* of all that is kept */
  HD_VEC(struct hd_stored) moments;
  uint64_t thinned, failed;
  int failed_errno;
};

void hd_store_init(struct hd_store *store, const struct hd_output_directory *directory,
                   const char *url, uint64_t keep, uint64_t keep_bytes);
void hd_store_deinit(struct hd_store *store);

/* Writes the profiles of one moment (NULL: none of that kind), and thins out the older
 * ones where there are too many. A file that cannot be written is counted, and no
 * failure: that is only want of memory. */
bool hd_store_add(struct hd_store *store, const struct hd_fetched *fetched[HD_STORED_KINDS],
                  struct hd_error *error);

/* Which of `count` moments (3 and more, rising) is to go, so that the gaps stay as even as
 * they can: the one between whose neighbours the least time lies, the oldest of equals;
 * never the first nor the last. */
size_t hd_store_least(const struct hd_stored *moments, size_t count);

#endif
