/* What the files of `watch` share. */
#ifndef HEAPDIFF_CLI_WATCH_H
#define HEAPDIFF_CLI_WATCH_H

#include "common_args.h"
#include "watch_feed.h"

#include <sys/types.h>

struct watch_args {
  struct duration every; /* 0: not given */
  int64_t count;
  const char *output; /* of what is recorded */
  struct duration interval, attach_timeout;
  uint64_t rate;
  const char *measure, *by, *sort;
  uint64_t limit;
  struct filter_args filter;
  struct input_args input;
  struct style_args style;
};

/* What is looked at: snapshots that come, and who makes them, where that is done here: a
 * process that records a program, or a feed. */
struct watch_source {
  const struct input_args *input;
  const char *measure;
  const char *shown; /* how it is named; NULL: as the first path */
  const char *const *paths;
  size_t path_count;
  hd_session *session; /* NULL before the first snapshot */
  int64_t seen_ns;     /* when what is named had last changed */
  int64_t looked_ns;   /* and when that was looked at */
  size_t said;         /* notes of the session */
  pid_t recorder;      /* 0: none, or it has ended */
  int exit_status;     /* of the program, once it has */
  struct watch_feed *feed; /* NULL none */
  struct watch_news news;  /* of the feed, when it was last looked at */
  bool ended;              /* no more snapshots will come */
  char *older;              /* a snapshot of an older recording in the program's directory,
                             * which the recorder moves aside; NULL: there is none */
  int failed;         /* exit code where the question has no answer, which is said; 0 it has */
  char trouble[1024]; /* why there is nothing new, "" nothing is wrong */
};

/* --- watch_source.c -------------------------------------------------------------------- */

/* Starts `heapdiff record` on a program; what the program prints goes to a file beside the
 * recording. False: said. */
bool watch_start_program(struct watch_source *source, const struct watch_args *args,
                         char *const *program, char **log);
/* How often to look. */
uint64_t watch_every(const struct watch_source *source, const struct watch_args *args);
/* The first kept snapshot of the life of the service that is shown, from 1 on; 0: any. */
int64_t watch_base(const struct watch_source *source);
/* Reads what is new. Returns how many snapshots; what goes wrong is in `trouble`. */
size_t watch_refresh(struct watch_source *source);
/* Ends the program that is recorded, or the feed, waits for its last snapshot, and closes
 * all. */
void watch_end(struct watch_source *source);

/* --- watch_screen.c -------------------------------------------------------------------- */

enum watch_screen { SCREEN_TOP, SCREEN_SOURCE, SCREEN_HELP };

/* Lines to be shown, any number. */
struct watch_text {
  char *data;
  size_t length, capacity;
  bool failed; /* for want of memory */
};
bool watch_text_write(void *context, const char *data, size_t length); /* an hd_write_fn */
void watch_text_printf(struct watch_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void watch_text_release(struct watch_text *text);

/* A size of standard output; 24x80 where it cannot be told. */
void watch_size(unsigned *rows, unsigned *columns);
/* From now on SIGINT, SIGTERM, SIGHUP and SIGQUIT are only noted. */
void watch_note_ends(void);
/* And from now on the next one ends a wait. */
void watch_let_ends_interrupt(void);
/* Takes the whole terminal: another screen, keys as they come, Ctrl-Z gives it back for a
 * while. Gives it back as it was. */
void watch_screen_enter(void);
void watch_screen_leave(void);
/* Waits for a key up to so many ms; 0: none came, or a signal did. Of keys with several bytes
 * one of the KEY_ below. */
int watch_key(int milliseconds);
enum { KEY_UP = 256, KEY_DOWN, KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_HOME, KEY_END, KEY_OTHER };
/* Whether the program is to end: by which signal, 0 not. */
int watch_ended_by(void);
/* Shows the text's lines from `first` on, cut to the terminal; `marked` is one of them, -1
 * none; the last line of the screen is `bottom`. */
void watch_draw(const struct watch_text *text, size_t first, int64_t marked, const char *bottom);

/* --- watch_query.c ---------------------------------------------------------------------- */

/* The words of --sort, --by and --measure in a ring: the one after `word` (NULL: the first),
 * or before it. */
const char *watch_next_word(const char *(*words)(size_t i), const char *word, int step);
/* Asks for the table, at most so many rows, and prints it into `text`. *view is to be
 * destroyed; NULL after an error. */
bool watch_ask(const struct watch_source *source, const struct watch_args *args, int64_t rows,
               unsigned width, bool terminal, hd_view **view, struct watch_text *text,
               struct hd_error *error);
/* An error as text. */
void watch_say(struct watch_text *text, const struct hd_error *error);
/* The source of a function, or why there is none. */
void watch_ask_source(const struct watch_source *source, const struct watch_args *args,
                      const char *function, unsigned width, struct watch_text *text);

/* --- watch_blocks.c --------------------------------------------------------------------- */

/* A table with each snapshot to standard output, which is no terminal, until it is over. */
void watch_blocks(struct watch_source *source, const struct watch_args *args);

/* --- watch_live.c ----------------------------------------------------------------------- */

/* The full screen where there is a terminal, else tables, until the user leaves. */
void watch_look(struct watch_source *source, struct watch_args *args);
bool watch_has_screen(void);
/* The same of what a feed, which is started with `run` and `context`, leaves in args->output;
 * `shown` is how it is named. Then the feed is ended. Returns the exit code of what went wrong
 * and was said: STATUS_INTERNAL where it was not started. */
int watch_look_at_feed(struct watch_feed *feed, void (*run)(struct watch_feed *feed), void *context,
                       struct watch_args *args, const char *shown);
/* The full screen. */
void watch_live(struct watch_source *source, struct watch_args *args);

/* --- watch_save.c ----------------------------------------------------------------------- */

/* Keeps the series in a new directory of its own; `said` tells where, or what went wrong. */
void watch_save(const hd_session *session, char *said, size_t size);

#endif
