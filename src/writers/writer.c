#include "writers/writer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define HD_WRITER(symbol) extern const struct hd_writer symbol;
#include "writers/writers.def"
#undef HD_WRITER

const struct hd_writer *const hd_writers[] = {
#define HD_WRITER(symbol) &symbol,
#include "writers/writers.def"
#undef HD_WRITER
};

const size_t hd_writer_count = sizeof hd_writers / sizeof *hd_writers;

const struct hd_writer *hd_writer_find(const char *name)
{
  for (size_t i = 0; i < hd_writer_count; i++)
    if (strcmp(hd_writers[i]->name, name) == 0)
      return hd_writers[i];
  return NULL;
}

void hd_lost(struct hd_buffer *lost, uint64_t count, const char *what)
{
  hd_buffer_puts(lost, lost->length ? ", " : "");
  if (count)
    hd_buffer_printf(lost, "%" PRIu64 " ", count);
  hd_buffer_puts(lost, what);
}

int64_t hd_round(struct hd_rounding *rounding, enum hd_measure measure, double value)
{
  double whole = floor(value + rounding->carry[measure] + .5);
  rounding->carry[measure] += value - whole;
  rounding->rounded |= value - floor(value) > 0;
  return (int64_t)whole;
}
