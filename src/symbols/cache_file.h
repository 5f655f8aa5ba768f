/* The bytes of a cache file: what was resolved in one module, in the byte order of
 * the machine.
 *
 *   header     struct hd_cache_header
 *   answers    struct hd_cache_answer, by offset
 *   frames     struct hd_cache_frame, whose texts are where they begin in the texts
 *   texts      a NUL, which is no text, then each with its NUL; none is there twice
 *
 * The checksum is over the whole file with itself as 0, so that no byte of it can
 * change unseen; and what it vouches for is checked all the same before it is used. */
#ifndef HD_SYMBOLS_CACHE_FILE_H
#define HD_SYMBOLS_CACHE_FILE_H

#include "base/buffer.h"
#include "symbols/cache_set.h"
#include "symbols/elf_file.h"

enum {
  HD_CACHE_FORMAT = 2,
  /* To be raised with every change that makes the same debug file give other
   * answers, or a name be shown in another way: what is in the cache then is asked for
   * anew. */
  HD_CACHE_ANSWERS = 1,
  HD_CACHE_MOST_FILE = 64 << 20, /* bytes; about a million addresses */
};

struct hd_cache_header {
  char magic[8];
  uint32_t format, answers_version;
  uint64_t checksum, size;
  uint32_t answers, frames, text_bytes, zero;
  char name[HD_BUILD_ID_TEXT + 7]; /* of the file: what its answers are of; the rest NUL */
};

enum { HD_CACHE_GUIDES = 1 << 14 };

/* A file in memory that was found intact; it points into the bytes. Its answers are
 * spread about evenly: those of a part of the offsets lie between two guides. */
struct hd_cache_file {
  const struct hd_cache_answer *answers;
  const struct hd_cache_frame *frames;
  const char *texts;
  size_t answer_count;
  unsigned shift; /* a part has 2^shift offsets, the first one begins at the first answer */
  uint32_t guides[HD_CACHE_GUIDES + 1];
};

/* False where the bytes are not an intact cache file of this version and of this
 * name. `data` must be aligned for uint64_t and outlive the file. */
bool hd_cache_file_open(struct hd_cache_file *file, const void *data, size_t size,
                        const char *name);
/* NULL where there is none. */
/* Asks the processor for the answer's memory, if there is one: long lists wait for that. */
void hd_cache_file_expect(const struct hd_cache_file *file, uint64_t offset);
const struct hd_cache_answer *hd_cache_file_find(const struct hd_cache_file *file, uint64_t offset);
struct hd_symbol_frame hd_cache_file_frame(const struct hd_cache_file *file, uint32_t i);
/* The number of answers that the bytes at the beginning of a file claim; 0 where they
 * are not of this version. */
uint32_t hd_cache_file_answers(const struct hd_cache_header *header);

/* Appends the file of a set, which is sorted by it and of no other use any more.
 * `failed` of the buffer says that memory was short. */
void hd_cache_file_make(struct hd_cache_set *set, const char *name, struct hd_buffer *out);

#endif
