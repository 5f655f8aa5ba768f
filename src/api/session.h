/* The session behind the public header: wires input, readers, symbols and
 * analysis together. */
#ifndef HD_API_SESSION_H
#define HD_API_SESSION_H

#include "analysis/series.h"
#include "analysis/view.h"
#include "analysis/window.h"
#include "input/source.h"
#include "model/pool.h"
#include "readers/reader.h"
#include "symbols/symbols.h"

#include <heapdiff/query.h>
#include <heapdiff/session.h>

/* What stood on the command line, or a handle that came from a URL. */
struct hd_named {
  const char *path; /* NULL: the handle */
  size_t handle;
};

struct hd_session {
  struct hd_arena arena;
  struct hd_session_options options; /* its texts are copied into the arena */
  struct hd_input_options input;
  const struct hd_reader *reader;    /* --format, NULL: by content */
  struct hd_symbolizer *symbolizer;
  HD_VEC(struct hd_symbolizer *) helpers; /* of further threads */
  struct hd_handles handles;         /* that were named, directories spread out */
  HD_VEC(struct hd_handle) chosen;   /* in order */
  size_t named;                      /* how many words named them */
  HD_VEC(struct hd_named) remember;  /* what to remember */
  HD_VEC(struct hd_note) notes;
  bool notes_lost;                   /* for want of memory */
  struct hd_kept_set *kept;              /* NULL: each question reads anew */
};

/* Adds a note once: the same text again is left out. Want of memory drops it, and
 * hd_session_give_notes says so. */
void hd_session_add_note(struct hd_session *session, enum hd_note_level level, const char *code,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Gives a view the notes so far; false where one was dropped, too. */
bool hd_session_give_notes(const struct hd_session *session, struct hd_view *view,
                           struct hd_error *error);

/* The handles of what was named (nothing: what was remembered): the first half of
 * hd_session_select. */
bool hd_session_expand(struct hd_session *session, const char *const *paths, size_t count,
                       struct hd_error *error);

/* Chooses once more from what is there now, by the same names. */
bool hd_session_select_again(struct hd_session *session, struct hd_error *error);
/* Tells who waits what is being done; the texts are joined. */
void hd_session_say(const struct hd_session *session, const char *doing, const char *what);

/* --- read.c ----------------------------------------------------------------------- */

/* Opens a snapshot, finds its reader and reads it; errors name the file. */
bool hd_session_read(struct hd_session *session, const struct hd_handle *handle,
                     struct hd_sink *sink, struct hd_error *error);
/* The same in parts, where `parts` is not NULL and the format can; `cut` gets in words where
 * a file that is used in part stops, "" of a whole one. Of the session only options are
 * looked at: files may be read at the same time. */
bool hd_session_read_parts(const struct hd_session *session, const struct hd_handle *handle,
                           const struct hd_inflate_turn *turn, const struct hd_parts *parts,
                           struct hd_sink *sink, char cut[HD_CUT_TEXT], struct hd_error *error);
void hd_session_note_cut(struct hd_session *session, const struct hd_handle *handle,
                         const char *cut);
/* Only what tells series apart, from as little of the file as its format allows.
 * *profile is NULL where nothing reads the file (`why` then says so); an error
 * is one of a file that a reader took. */
bool hd_session_peek(struct hd_session *session, const struct hd_handle *handle,
                     struct hd_profile **profile, struct hd_error *error);

/* --- choose.c ---------------------------------------------------------------------- */

/* From the handles of directories, the snapshots of one series. */
bool hd_session_choose(struct hd_session *session, struct hd_error *error);

/* As they were asked for; the texts are the session's. */
struct hd_symbol_options hd_session_symbol_options(const struct hd_session *session);

/* --- symbolize.c ------------------------------------------------------------------- */

/* A batch of one module: a question, and room for the answer. */
struct hd_symbol_job {
  const char *path, *build_id;
  enum hd_symbol_places places;
  uint64_t *offsets;
  size_t count;
  struct hd_symbol_batch batch; /* if `fine` */
  bool fine;
  struct hd_error error;
};

/* Answers all of them, several at a time where that pays (symbol_jobs.c). False where one
 * failed: `error` is that of the first. */
bool hd_session_run_jobs(struct hd_session *session, struct hd_symbol_job *jobs, size_t count,
                         struct hd_error *error);

/* Settles every location of the pool that waits, through DWARF where it can be. */
bool hd_session_symbolize(struct hd_session *session, struct hd_pool *pool,
                          struct hd_error *error);
/* Says once which modules could not be trusted and, where `unnamed` call sites
 * matter, where names are missing, and why. */
void hd_session_note_symbols(struct hd_session *session, const struct hd_pool *pool,
                             bool unnamed);
const char *hd_session_demangle(struct hd_arena *arena, const char *name);

/* --- name_profile.c ---------------------------------------------------------------- */

/* Gives a profile the names of its addresses: those it came with, made for people, and
 * those that symbolization finds. The pool may have been used for others before:
 * what is in it already is not looked up again. */
bool hd_session_name_profile(struct hd_session *session, struct hd_pool *pool,
                             struct hd_profile *profile, struct hd_error *error);

/* --- load.c ------------------------------------------------------------------------ */

/* Reads a chosen snapshot. A damaged file of a directory is left out and said; one
 * that was named is an error. */
bool hd_session_read_chosen(struct hd_session *session, const struct hd_handle *handle,
                            struct hd_sink *sink, struct hd_error *error);
/* Whether a failure to read it leaves it out; then it is said. */
bool hd_session_leave_out(struct hd_session *session, const struct hd_handle *handle,
                          const struct hd_error *error);
/* What a snapshot says that it lost belongs to its numbers. */
void hd_session_note_losses(struct hd_session *session, const char *name,
                            const struct hd_profile *profile);
/* Whether the chosen snapshots belong together. */
bool hd_session_is_one_series(const struct hd_session *session);

/* Reads the chosen snapshots into a series, symbolized; those outside the window are
 * left out. */
bool hd_session_load(struct hd_session *session, const struct hd_window *window,
                     struct hd_series *series, struct hd_error *error);

/* --- load_files.c ------------------------------------------------------------------- */

/* The first half of it: every chosen snapshot becomes a point, in their order. Large files
 * are read several at a time; what comes out, notes and errors included, does not depend
 * on how many. */
bool hd_session_load_files(struct hd_session *session, struct hd_series *series,
                           struct hd_error *error);
/* How many snapshots are worked on at the same time, where they are large. */
unsigned hd_session_jobs(const struct hd_session *session);

#endif
