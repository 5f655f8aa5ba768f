/* Snapshots that a service gives over HTTP: how they are asked for. */
#ifndef HEAPDIFF_URL_H
#define HEAPDIFF_URL_H

#include <heapdiff/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A text is a URL where it begins with "http://" or "https://", or is HOST:PORT, with
 * a path or without, and no file of that name is there. Where it names no page, that
 * of Go's net/http/pprof is looked for, then that of gperftools. */
bool hd_is_url(const char *text);

/* Writes a URL as messages show it, without its secrets, into `out`, terminated, cut to
 * `size`. */
void hd_url_show(const char *url, char *out, size_t size);

struct hd_url_options {
  const char *user;              /* "NAME:PASSWORD"; NULL: as the URL or ~/.netrc has it */
  const char *const *headers;    /* "Name: value" */
  size_t header_count;
  const char *ca_cert;           /* a PEM file to trust; NULL: what the system trusts */
  bool insecure;                 /* take any certificate; a note says so */
  bool gc;                       /* ask a Go service to collect its garbage first (?gc=1) */
  uint64_t timeout_ms;           /* how long a server may stall; 0: 30 s */
  uint64_t max_body;             /* most bytes of an answer; 0: 256 MiB */
  uint64_t every_ms, for_ms;     /* a series: so often, for so long; both 0: one snapshot. One
                                  * of them alone: two snapshots, so far apart */
  /* Asked while a series is waited for: true ends it with what there is. NULL: never. */
  bool (*stop)(void *context);
  void *stop_context;
};

#ifdef __cplusplus
}
#endif

#endif
