/* The folder of cache files: one a build-id and kind of look-up, written under a lock, replaced at once,
 * bounded in all. What cannot be written is not written, and no error. */
#ifndef HD_SYMBOLS_CACHE_DIR_H
#define HD_SYMBOLS_CACHE_DIR_H

#include "symbols/elf_file.h"
#include "symbols/symbols.h"

#include <limits.h>

/* Past this the files that were not used for longest go, until three quarters are
 * left. */
#define HD_CACHE_MOST_TOTAL ((uint64_t)256 << 20)

struct hd_cache_dir {
  char path[PATH_MAX - 2 * HD_BUILD_ID_TEXT]; /* "": nowhere, all finds and keeps nothing */
  uint64_t most_total;
};

/* $XDG_CACHE_HOME/heapdiff, else ~/.cache/heapdiff; nothing is made yet. */
void hd_cache_dir_init(struct hd_cache_dir *dir);

/* The bytes of the file of this name (for hd_free), NULL where there is none that
 * can be read. Marks it as used. */
void *hd_cache_dir_read(const struct hd_cache_dir *dir, const char *name, size_t *size);

/* Takes the lock, which all that write take; a descriptor to be closed, -1 where it
 * cannot be had, or not soon. Makes the folder. */
int hd_cache_dir_lock(const struct hd_cache_dir *dir);
/* To be called under the lock. */
bool hd_cache_dir_write(const struct hd_cache_dir *dir, const char *name, const void *data,
                        size_t size);
/* Removes what is too much, and what a process that was killed has left. Under the
 * lock. */
void hd_cache_dir_trim(const struct hd_cache_dir *dir);

#endif
