/* Snapshots that carry their symbols: what is written needs neither the programs nor
 * their debug files any more. */
#ifndef HEAPDIFF_SYMBOLIZE_H
#define HEAPDIFF_SYMBOLIZE_H

#include <heapdiff/session.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hd_symbolize_options {
  const char *directory; /* where the new files go, made where it is not there; NULL: each
                          * takes the place of the old one */
  /* Asked before a snapshot is read and before it is written; true ends the work there.
   * NULL: it is not. */
  bool (*stop)(void *context);
  void *context;
};

struct hd_symbolize_result {
  uint64_t snapshots;        /* written */
  uint64_t addresses, named; /* different ones in them, and those of them with a name */
  bool stopped;
};

/* Reads every snapshot that is named (of directories all, of every series; none named:
 * as hd_session_select) and writes each with the names of its addresses, whole or not
 * at all. A native or pprof snapshot keeps its format and name; one in another format
 * becomes a native one with ".heapdiff" behind its name, which in place is refused.
 * `result` says what was done, also where the work failed. */
bool hd_symbolize_snapshots(hd_session *session, const char *const *paths, size_t count,
                            const struct hd_symbolize_options *options,
                            struct hd_symbolize_result *result, struct hd_error *error);

#ifdef __cplusplus
}
#endif

#endif
