/* What a program knows of its own allocations, per call site: the known answer
 * that a recording is held against. It allocates nothing through malloc itself,
 * and costs a compare where it was not started. Not thread-safe, except
 * truth_expect after the threads have ended. */
#ifndef TRUTH_H
#define TRUTH_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* From here on allocations are counted; truth_finish writes them to `path` as
 * JSON: {"sites":[{"function":"cache_put","line":118,"bytes":...,"objects":...,
 * "alloc_bytes":...,"alloc_objects":...},...]}, the last two only where each block
 * was followed. Returns -1 where memory is short. */
int truth_start(const char *path);
/* 0 where all is well or nothing was started, -1 where the file cannot be
 * written or a table was full: the counts would be wrong, so none are written. */
int truth_finish(void);

/* Counts a block of `bytes` for a call site, and returns it. */
void *truth_alloc(const char *function, int line, size_t bytes, void *block);
/* Takes a block out of its site's live counts. */
void truth_forget(const void *block);
/* Counts what is known without following each block. */
void truth_expect(const char *function, int line, size_t bytes, size_t objects);

/* `p = COUNTED(malloc(n), n);` counts for this function and line. */
#define COUNTED(call, bytes) truth_alloc(__func__, __LINE__, (bytes), (call))
#define COUNTED_FREE(block)                                                                        \
  do {                                                                                             \
    truth_forget(block);                                                                           \
    free(block);                                                                                   \
  } while (0)

#ifdef __cplusplus
}
#endif

#endif
