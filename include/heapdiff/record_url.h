/* A series of snapshots of a service that gives them over HTTP. */
#ifndef HEAPDIFF_RECORD_URL_H
#define HEAPDIFF_RECORD_URL_H

#include <heapdiff/url.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What was fetched at one moment. */
struct hd_url_point {
  int64_t elapsed_ns;  /* since the recording began */
  int64_t heap;        /* inuse_space; -1: there is no heap profile */
  int64_t goroutines;  /* -1: there is no goroutine profile */
};

/* What happens meanwhile. Texts are valid during the call. */
struct hd_url_event {
  enum {
    HD_URL_SNAPSHOT,
    HD_URL_AWAY,      /* it could not be fetched: it is tried again, `text` says why */
    HD_URL_BACK,      /* `missed` snapshots lie in the gap, which was gap_ns long */
    HD_URL_RESTARTED, /* `text` says by what that is known */
    HD_URL_INCOMPLETE, /* one of the two profiles did not come: `text` says why */
  } kind;
  struct hd_url_point point; /* of a snapshot */
  const char *file;          /* its name in the directory, of both the heap's; NULL: it could
                              * not be written */
  const char *text;
  uint64_t missed;
  int64_t gap_ns;
};

struct hd_url_record_options {
  const char *url;
  const char *directory;  /* NULL: heapdiff.data */
  const char *measure;    /* of a URL that names no page only the profile that has this; NULL:
                           * Go's heap and goroutines together */
  uint64_t interval_ms;   /* between two moments */
  uint64_t count;         /* of moments; 0: any number */
  uint64_t for_ms;        /* how long; 0: until it is stopped */
  uint64_t keep;          /* moments that are kept, the older ones thinned out evenly, the first
                           * and the last never: 2 and more; 0: all */
  uint64_t keep_bytes;    /* that the files may take, thinned out likewise; 0: any */
  struct hd_url_options urls; /* its every_ms and for_ms do not count; `stop` ends the recording */
  void (*on_event)(void *context, const struct hd_url_event *event); /* NULL: none */
  void *context;
};

struct hd_url_record_result {
  uint64_t moments;        /* of which something was written */
  uint64_t thinned;        /* of them, deleted again: see `keep` */
  uint64_t gaps, missed;   /* times the service was away, and moments that fell into them */
  uint64_t restarts;       /* of the service, as far as its profiles show them */
  uint64_t failed;         /* files that could not be written */
  int failed_errno;        /* why, the last time */
  struct hd_url_point first, last; /* since the service started last */
  char moved_to[4160];     /* where an older recording went; "": there was none */
  bool stopped;            /* by urls.stop */
  bool unchecked;          /* over https, with urls.insecure */
  char directory[4096];
};

/* Fetches until count, for_ms or urls.stop ends it. Where the URL names no page, Go's heap
 * and goroutine profiles are fetched together. What is written is what the service sent,
 * compressed; a file appears when it is whole. The first snapshot has to come, else it
 * fails; a service that is away later is tried again, less and less often, until it is
 * back. A full disk loses snapshots and is counted. */
bool hd_record_url(const struct hd_url_record_options *options,
                   struct hd_url_record_result *result, struct hd_error *error);

#ifdef __cplusplus
}
#endif

#endif
