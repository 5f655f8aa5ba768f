/* The cache of symbols on disk. */
#ifndef HEAPDIFF_CACHE_H
#define HEAPDIFF_CACHE_H

#include <heapdiff/error.h>
#include <heapdiff/view.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hd_cache_usage {
  char path[4096]; /* "": the environment names no place for it */
  uint64_t files, bytes;
  uint64_t addresses; /* whose symbols are known, in the files of this version */
};

/* Where it is and what it holds. */
bool hd_cache_info(hd_view **view, struct hd_error *error);
/* Removes all that is in it and says what that was. */
bool hd_cache_clear(struct hd_cache_usage *removed, struct hd_error *error);

#ifdef __cplusplus
}
#endif

#endif
