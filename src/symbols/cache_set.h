/* Answers by file offset, with names and files once each: what a run has learnt of
 * one module, and what a cache file is written from. */
#ifndef HD_SYMBOLS_CACHE_SET_H
#define HD_SYMBOLS_CACHE_SET_H

#include "base/index.h"
#include "base/strings.h"
#include "base/vec.h"
#include "symbols/symbols.h"

struct hd_cache_answer {
  uint64_t offset;
  uint32_t first, count; /* in frames; count 0: it is known that nothing is known */
};

/* Texts are numbers: of a set's texts, or of bytes in a file's. 0 is none; `shown` 0: it
 * is not known how the function is shown. */
struct hd_cache_frame {
  uint32_t function, shown, file, line, start_line;
};

struct hd_cache_set {
  HD_VEC(struct hd_cache_answer) answers; /* as they came */
  HD_VEC(struct hd_cache_frame) frames;
  struct hd_strings texts;
  struct hd_index index; /* of answers, by offset */
};

/* Adds an answer unless the set has one for this offset. False: want of memory. */
bool hd_cache_set_add(struct hd_cache_set *set, uint64_t offset,
                      const struct hd_symbol_frame *frames, size_t count);
/* NULL where there is none; valid until the next add. */
const struct hd_cache_answer *hd_cache_set_find(const struct hd_cache_set *set, uint64_t offset);
/* What was added. The texts are the set's. */
struct hd_symbol_frame hd_cache_set_frame(const struct hd_cache_set *set, uint32_t i);
void hd_cache_set_deinit(struct hd_cache_set *set);

#endif
