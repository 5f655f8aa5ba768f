/* A session: the snapshots of one question, and what they share. */
#ifndef HEAPDIFF_SESSION_H
#define HEAPDIFF_SESSION_H

#include <heapdiff/error.h>
#include <heapdiff/url.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hd_session hd_session;
struct hd_query; /* heapdiff/query.h */

/* Called when something begins that may take its time, and now and then meanwhile: "reading
 * a.pb.gz", "fetching http://...": `done` of `total` bytes (0: unknown). `what` is NULL when
 * it is over and nothing follows at once. False gives up what is fetched. Where symbols are
 * looked up in several programs at the same time, several threads call it. */
typedef bool (*hd_progress_fn)(void *context, const char *what, uint64_t done, uint64_t total);

struct hd_session_options {
  const char *format;              /* a reader's name; NULL: by content */
  const char *const *debug_dirs;   /* searched before /usr/lib/debug */
  size_t debug_dir_count;
  const char *sysroot;             /* the snapshots' paths are below it; NULL: of this system */
  bool no_symbols;                 /* do not open binaries */
  bool strict;                     /* a row that cannot be read is an error */
  bool partial;                    /* of a file that stops in the middle, what comes before */
  bool force_symbols;              /* use a binary of another build than the snapshot's, too */
  bool cache;                      /* keep answers on disk, and take them from there */
  uint64_t fetch_timeout_ms;       /* how long a server may stall; 0: the default */
  hd_progress_fn progress;         /* NULL: nobody waits */
  void *progress_context;
  uint64_t max_inflated;           /* most bytes a compressed file may grow to; 0: the default */
  int64_t pid;                     /* of a directory's series, only this process; 0: any */
  const char *program;             /* of a directory's series, only this program's, by its name or
                                    * its path; NULL: any */
  const char *preferred_program;   /* the same, where there is one of it */
  const char *measure;             /* of a directory's series, only those that have it; NULL:
                                    * of the heap where there is one */
  bool newest;                     /* of a directory the series with the last snapshot, instead of
                                    * that of the largest process */
  /* Asked while a question is computed, by any thread: true ends it with an error. NULL: it
   * is not asked. */
  bool (*stop)(void *context);
  void *stop_context;
  unsigned jobs;                   /* snapshots that are read, and modules that are symbolized, at
                                    * the same time; 0: as many as there are processors, of the
                                    * former four at most. What comes out is the same */
  const char *const *wrappers;     /* more functions that only pass allocations on (regex) */
  size_t wrapper_count;
  struct hd_url_options urls;      /* how URLs are fetched; its time-out is fetch_timeout_ms */
};

/* An error of kind usage names an option that nothing can be read with: a format or a measure
 * that there is not. */
bool hd_session_create(const struct hd_session_options *options, hd_session **session,
                       struct hd_error *error);
void hd_session_destroy(hd_session *session); /* takes NULL */

/* Chooses the snapshots: files, directories, URLs (which are fetched by it), "-" for
 * standard input. With none,
 * the set that was remembered for this working directory, else heapdiff.data/.
 * Directories are searched for series; the largest one of the kind that is wanted is taken. */
bool hd_session_select(hd_session *session, const char *const *paths, size_t count,
                       struct hd_error *error);

/* Reads what was selected and keeps it in memory: all questions from now on are
 * answered from there, each as it would be if the files were read for it. */
bool hd_session_keep(hd_session *session, struct hd_error *error);
/* Chooses once more from what is there now, by the same names, and reads what is new or
 * has changed; *read says how many snapshots. The session must keep. After an error the
 * next refresh sets it right. */
bool hd_session_refresh(hd_session *session, size_t *read, struct hd_error *error);
size_t hd_session_kept_count(const hd_session *session);
/* The file that a kept snapshot was read from, in their order; several may be of one. Valid
 * until the session is destroyed. */
const char *hd_session_kept_path(const hd_session *session, size_t i);
/* Begins in the background what top, list and tree need where they are asked this next;
 * returns at once. The session must keep, and what was prepared is a matter of time alone. */
void hd_session_prepare(hd_session *session, const struct hd_query *query);
/* The functions that the kept snapshots name, in the order of their names: NULL past the
 * last one. Valid until the next refresh. */
const char *hd_session_function(hd_session *session, size_t i);

/* Remembers the chosen set for this working directory, so that a later
 * hd_session_select without paths takes it. Failure is no error: nothing is
 * remembered. */
void hd_session_remember(hd_session *session);
/* The same for a directory that record has just filled. */
void hd_remember_paths(const char *const *paths, size_t count);

/* What the user should know: once each, in the order in which they arose. */
enum hd_note_level { HD_NOTE_INFO, HD_NOTE_WARNING };
struct hd_note {
  enum hd_note_level level;
  const char *code; /* for programs: "build-id-mismatch", ... */
  const char *text; /* for people */
};
size_t hd_session_note_count(const hd_session *session);
/* Valid until the session is destroyed. */
struct hd_note hd_session_note(const hd_session *session, size_t i);

#ifdef __cplusplus
}
#endif

#endif
