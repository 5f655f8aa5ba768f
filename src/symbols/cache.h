/* Answers that outlive the run, by build-id. What is kept: answers from complete debug
 * information of a file whose build-id was compared, "nothing is known" among them;
 * never what a symbol table alone, a file of another build or one without build-id
 * gave. So what is in the cache is what the file itself would say, whatever lies at
 * its path by now. */
#ifndef HD_SYMBOLS_CACHE_H
#define HD_SYMBOLS_CACHE_H

#include "symbols/cache_dir.h"
#include "symbols/cache_file.h"

/* A build-id, and "-addr" behind it where answers go by address, not by file offset. */
enum { HD_CACHE_NAME = HD_BUILD_ID_TEXT + 5 };

struct hd_cache_module {
  char name[HD_CACHE_NAME];
  void *data; /* of `file`, NULL none */
  struct hd_cache_file file;
  struct hd_cache_set fresh; /* learnt in this run */
  size_t written;            /* that many of them are on disk */
  bool broken;               /* for want of memory: nothing more is learnt */
};

struct hd_cache {
  struct hd_cache_dir dir;
  HD_VEC(struct hd_cache_module *) modules;
};

/* `wanted` false: one that finds and keeps nothing. */
void hd_cache_init(struct hd_cache *cache, bool wanted);
/* Does not write. */
void hd_cache_deinit(struct hd_cache *cache);

/* What is known of a build, by file offset or by address; NULL where nothing can be kept
 * of it (no build-id, or a short one that may not be unique) or memory is short. Valid
 * until the cache's end. */
struct hd_cache_module *hd_cache_module(struct hd_cache *cache, const char *build_id,
                                        enum hd_symbol_places places);

struct hd_cache_hit {
  const struct hd_cache_file *file; /* NULL: in `set` */
  const struct hd_cache_set *set;
  uint32_t first, count;
};
bool hd_cache_find(const struct hd_cache_module *module, uint64_t offset, struct hd_cache_hit *hit);
/* The texts are the cache's. */
struct hd_symbol_frame hd_cache_frame(const struct hd_cache_hit *hit, uint32_t i);

/* Never fails: what there is no memory for is not kept. */
void hd_cache_add(struct hd_cache_module *module, uint64_t offset,
                  const struct hd_symbol_frame *frames, size_t count);
/* Writes what is new, merged with what other processes have written since. */
void hd_cache_write(struct hd_cache *cache);

#endif
