#include "cfi.h"

#include <string.h>

uint64_t hd_bytes_unsigned(struct hd_bytes *bytes, unsigned size)
{
  uint64_t value = 0;
  if (size > sizeof value || (size_t)(bytes->end - bytes->at) < size) {
    bytes->failed = true;
    bytes->at = bytes->end;
    return 0;
  }
  memcpy(&value, bytes->at, size);
  bytes->at += size;
  return value;
}

int64_t hd_bytes_signed(struct hd_bytes *bytes, unsigned size)
{
  unsigned shift = 64 - 8 * size;
  return (int64_t)(hd_bytes_unsigned(bytes, size) << shift) >> shift;
}

static uint64_t leb(struct hd_bytes *bytes, unsigned *bits, bool *negative)
{
  uint64_t value = 0;
  *bits = 0;
  uint64_t byte;
  do {
    byte = hd_bytes_unsigned(bytes, 1);
    if (*bits < 64)
      value |= (byte & 0x7f) << *bits;
    *bits += 7;
  } while (byte & 0x80 && *bits < 128);
  *negative = byte & 0x40;
  return value;
}

uint64_t hd_bytes_uleb(struct hd_bytes *bytes)
{
  unsigned bits;
  bool negative;
  return leb(bytes, &bits, &negative);
}

int64_t hd_bytes_sleb(struct hd_bytes *bytes)
{
  unsigned bits;
  bool negative;
  uint64_t value = leb(bytes, &bits, &negative);
  if (negative && bits < 64)
    value |= ~UINT64_C(0) << bits;
  return (int64_t)value;
}

struct hd_bytes hd_bytes_take(struct hd_bytes *bytes, uint64_t length)
{
  struct hd_bytes part = {bytes->at, bytes->at, false};
  if ((uint64_t)(bytes->end - bytes->at) < length) {
    bytes->failed = part.failed = true;
    bytes->at = bytes->end;
    return part;
  }
  bytes->at += length;
  part.end = bytes->at;
  return part;
}
