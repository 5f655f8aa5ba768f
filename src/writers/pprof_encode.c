#include "writers/pprof_encode.h"

enum { VARINT = 0, BYTES = 2, LONGEST = 10 };

void hd_encode_varint(struct hd_buffer *out, uint64_t value)
{
  char bytes[LONGEST];
  size_t length = 0;
  for (; value >= 0x80; value >>= 7)
    bytes[length++] = (char)(value | 0x80);
  bytes[length++] = (char)value;
  hd_buffer_append(out, bytes, length);
}

void hd_encode_number(struct hd_buffer *out, uint32_t field, uint64_t value)
{
  if (!value)
    return;
  hd_encode_varint(out, (uint64_t)field << 3 | VARINT);
  hd_encode_varint(out, value);
}

void hd_encode_bytes(struct hd_buffer *out, uint32_t field, const void *data, size_t length)
{
  hd_encode_varint(out, (uint64_t)field << 3 | BYTES);
  hd_encode_varint(out, length);
  hd_buffer_append(out, data, length);
}
