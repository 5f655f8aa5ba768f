/* Reading what was chosen, and which of it counts. */
#ifndef HD_API_LOAD_H
#define HD_API_LOAD_H

#include "api/session.h"

/* What all snapshots of a question are held against: the first one. Empty to begin
 * with; the texts are the session's. */
struct hd_first {
  const char *kind, *build_id;
  const char *program; /* NULL unknown */
};

/* Who is given the snapshots. */
struct hd_consumer {
  /* Takes over a profile; `facts` has no values yet. */
  bool (*take)(void *context, struct hd_profile *profile, const struct hd_point *facts,
               struct hd_error *error);
  /* Whether a file need not be read; NULL: all must. */
  bool (*has)(void *context, const struct hd_handle *handle);
  void *context;
};

/* Reads every chosen snapshot, in order. */
bool hd_session_read_all(struct hd_session *session, struct hd_first *first,
                         const struct hd_consumer *consumer, struct hd_error *error);

/* Takes the points out that do not count, and notes what is to be known of the rest. */
bool hd_session_settle(struct hd_session *session, const struct hd_window *window,
                       struct hd_series *series, struct hd_error *error);

#endif
