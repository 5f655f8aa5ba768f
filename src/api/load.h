/* Reading what was chosen for who keeps it, and which of it counts. */
#ifndef HD_API_LOAD_H
#define HD_API_LOAD_H

#include "analysis/settle.h"
#include "api/session.h"

/* What all snapshots of a question are held against: the first one. Empty to begin
 * with; the texts are the session's. */
struct hd_first {
  const char *kind, *build_id;
  const char *program; /* NULL unknown */
};

/* Who keeps snapshots. All but `has` is called in the order of the files, one at a time. */
struct hd_keeper {
  /* Takes over a profile, after an error, too; `point` has its facts. */
  bool (*keep)(void *context, const struct hd_handle *handle, struct hd_profile *profile,
               struct hd_point point, struct hd_error *error);
  /* Whether a file need not be read again: then `retain` is called in its place. Asked
   * before any is read. */
  bool (*has)(void *context, const struct hd_handle *handle);
  void (*retain)(void *context, const struct hd_handle *handle);
  void *context;
};

/* --- load_files.c ------------------------------------------------------------------- */

/* Reads every chosen snapshot, in the manner of hd_session_load_files. */
bool hd_session_keep_files(struct hd_session *session, struct hd_first *first,
                           const struct hd_keeper *keeper, struct hd_error *error);

/* --- load.c ------------------------------------------------------------------------ */

/* How the session's snapshots are settled in a window. */
struct hd_settling hd_session_settling(const struct hd_session *session,
                                       const struct hd_window *window);
/* Takes the points out that do not count, and notes what is to be known of the rest. */
bool hd_session_settle(struct hd_session *session, const struct hd_window *window,
                       struct hd_series *series, struct hd_error *error);
/* Where less than most was freed by the snapshot at exit, so that it stays: what it hides of
 * what the program held. For who can be asked with --until. */
void hd_session_note_partly_freed(struct hd_session *session, const struct hd_series *series);

#endif
