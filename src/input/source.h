/* A source: a kind of thing that a user can name where snapshots are wanted.
 * `src/input/<kind>.c` defines one constant and names it in sources.def. */
#ifndef HD_INPUT_SOURCE_H
#define HD_INPUT_SOURCE_H

#include "base/arena.h"
#include "base/vec.h"
#include "input/open.h"
#include "input/url.h"

/* One snapshot that may be read: nothing of it has been opened yet. */
struct hd_handle {
  const struct hd_source *source;
  const char *name;   /* for people and for `open`; lives in the list's arena */
  uint32_t group;     /* handles of one directory share it: a set of series to choose from.
                       * 0: named by the user, taken as it is */
  int fetched;        /* the descriptor of what came from a URL, + 1; 0: nothing did */
};

struct hd_http;

struct hd_handles {
  HD_VEC(struct hd_handle) items;
  struct hd_arena arena;
  uint32_t groups;
  /* How URLs are fetched; to be set before the first is expanded. */
  const struct hd_url_options *urls;
  enum hd_url_kind url_kind; /* where the user names no page */
  bool (*progress)(void *context, const char *what, uint64_t done, uint64_t total);
  void *progress_context;
  struct hd_http *http;      /* made with the first URL */
  size_t gaps;               /* snapshots of a series that could not be fetched */
  struct hd_error first_gap;
};

struct hd_source {
  const char *name;
  /* Whether this argument of the command line is meant for this source. The
   * first row of sources.def that says yes takes it. */
  bool (*accepts)(const char *argument);
  /* Adds the handles that the argument stands for. */
  bool (*expand)(const struct hd_source *self, const char *argument, struct hd_handles *handles,
                 struct hd_error *error);
  bool (*open)(const struct hd_handle *handle, const struct hd_input_options *options,
               struct hd_input **input, struct hd_error *error);
};

/* Opens the file of the handle's name, "-" standard input: the `open` of most. */
bool hd_source_open_file(const struct hd_handle *handle, const struct hd_input_options *options,
                         struct hd_input **input, struct hd_error *error);

/* Expands one argument by the first source that accepts it. */
bool hd_source_expand(const char *argument, struct hd_handles *handles, struct hd_error *error);
void hd_handles_deinit(struct hd_handles *handles);

#endif
