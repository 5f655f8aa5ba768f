/* Source files for `list`, found the way pprof finds them. */
#ifndef HD_ANALYSIS_SOURCE_TEXT_H
#define HD_ANALYSIS_SOURCE_TEXT_H

#include "base/arena.h"
#include "base/error.h"
#include "base/vec.h"

struct hd_source_search {
  const char *const *paths; /* --source-path: directories; the working directory comes first */
  size_t path_count;
  const char *const *trims; /* --trim-path: prefixes to take off */
  size_t trim_count;
};

/* A source longer than this is no source. */
#define HD_MAX_SOURCE (64u << 20)

struct hd_source_text {
  char *data;
  HD_VEC(const char *) lines; /* terminated, without "\n" or "\r"; [number - 1] */
};

/* Loads a file, found as pprof finds it: a trimmed prefix taken off; where the
 * name of a search directory occurs in the path, what follows it there; a path
 * that is relative then is looked for below each search directory and its
 * parents. A file of the same name elsewhere is never taken for it. False with the reason in `why` (at most `size` bytes); true leaves a text
 * that hd_source_text_deinit frees. */
bool hd_source_load(const char *file, const struct hd_source_search *search,
                    struct hd_source_text *text, char *why, size_t size);
void hd_source_text_deinit(struct hd_source_text *text);

#endif
