#include "readers/reader.h"

#include <string.h>

#define HD_READER(symbol) extern const struct hd_reader symbol;
#include "readers/readers.def"
#undef HD_READER

const struct hd_reader *const hd_readers[] = {
#define HD_READER(symbol) &symbol,
#include "readers/readers.def"
#undef HD_READER
};

const size_t hd_reader_count = sizeof hd_readers / sizeof *hd_readers;

const struct hd_reader *hd_reader_probe(const uint8_t *head, size_t length)
{
  const struct hd_reader *best = NULL;
  int best_score = HD_PROBE_NO;
  for (size_t i = 0; i < hd_reader_count; i++) {
    int score = hd_readers[i]->probe(head, length);
    if (score > best_score) {
      best_score = score;
      best = hd_readers[i];
    }
  }
  return best;
}

const struct hd_reader *hd_reader_find(const char *name)
{
  for (size_t i = 0; i < hd_reader_count; i++)
    if (strcmp(hd_readers[i]->name, name) == 0)
      return hd_readers[i];
  return NULL;
}
