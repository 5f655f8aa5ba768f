/* The protobuf wire format, written: https://protobuf.dev/programming-guides/encoding/
 * A failed append sticks in the buffer (base/buffer.h). */
#ifndef HD_WRITERS_PPROF_ENCODE_H
#define HD_WRITERS_PPROF_ENCODE_H

#include "base/buffer.h"

#include <stdint.h>

void hd_encode_varint(struct hd_buffer *out, uint64_t value);
/* A varint field; 0 is the default and is left out. */
void hd_encode_number(struct hd_buffer *out, uint32_t field, uint64_t value);
/* A length-delimited field: text, a message, or packed numbers. */
void hd_encode_bytes(struct hd_buffer *out, uint32_t field, const void *data, size_t length);

#endif
