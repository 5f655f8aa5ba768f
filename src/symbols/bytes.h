/* Reading DWARF's own encodings from a section, bounds-checked: a read past the
 * end gives 0 and sets `failed`, so that a caller checks once after a group. */
#ifndef HD_SYMBOLS_BYTES_H
#define HD_SYMBOLS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct hd_bytes {
  const uint8_t *at, *end;
  bool big_endian;
  bool failed;
};

static inline size_t hd_bytes_left(const struct hd_bytes *bytes)
{
  return (size_t)(bytes->end - bytes->at);
}

/* Fails, and goes to the end, so that a loop until the end stops. */
static inline void hd_bytes_fail(struct hd_bytes *bytes)
{
  bytes->failed = true;
  bytes->at = bytes->end;
}

static inline void hd_bytes_skip(struct hd_bytes *bytes, uint64_t count)
{
  if (count > hd_bytes_left(bytes))
    hd_bytes_fail(bytes);
  else
    bytes->at += count;
}

static inline uint8_t hd_bytes_u8(struct hd_bytes *bytes)
{
  if (bytes->at >= bytes->end) {
    hd_bytes_fail(bytes);
    return 0;
  }
  return *bytes->at++;
}

/* An unsigned number of `width` <= 8 bytes in the file's byte order. */
static inline uint64_t hd_bytes_uint(struct hd_bytes *bytes, size_t width)
{
  if (width > 8 || width > hd_bytes_left(bytes)) {
    hd_bytes_fail(bytes);
    return 0;
  }
  uint64_t value = 0;
  if (width == 4 && !bytes->big_endian) { /* by far the most, and one load so */
    const uint8_t *at = bytes->at;
    bytes->at += width;
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
  }
  for (size_t i = 0; i < width; i++)
    value |= (uint64_t)bytes->at[bytes->big_endian ? width - 1 - i : i] << (8 * i);
  bytes->at += width;
  return value;
}

/* LEB128; bits past the 64th are dropped, as every producer pads with zeros. */
static inline uint64_t hd_bytes_uleb(struct hd_bytes *bytes)
{
  uint64_t value = 0;
  unsigned shift = 0;
  uint8_t byte;
  do {
    byte = hd_bytes_u8(bytes);
    if (shift < 64)
      value |= (uint64_t)(byte & 0x7f) << shift;
    shift += shift < 64 ? 7 : 0;
  } while (byte & 0x80);
  return value;
}

static inline int64_t hd_bytes_sleb(struct hd_bytes *bytes)
{
  uint64_t value = 0;
  unsigned shift = 0;
  uint8_t byte;
  do {
    byte = hd_bytes_u8(bytes);
    if (shift < 64)
      value |= (uint64_t)(byte & 0x7f) << shift;
    shift += shift < 64 ? 7 : 0;
  } while (byte & 0x80);
  if (shift < 64 && (byte & 0x40))
    value |= ~(uint64_t)0 << shift;
  return (int64_t)value;
}

/* A terminated text, NULL (and failed) where the section ends before it does. */
static inline const char *hd_bytes_text(struct hd_bytes *bytes)
{
  const uint8_t *text = bytes->at;
  const uint8_t *nul = hd_bytes_left(bytes) ? memchr(text, 0, hd_bytes_left(bytes)) : NULL;
  if (!nul) {
    hd_bytes_fail(bytes);
    return NULL;
  }
  bytes->at = nul + 1;
  return (const char *)text;
}

#endif
