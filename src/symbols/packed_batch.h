/* A batch as bytes: what a child process answers with. */
#ifndef HD_SYMBOLS_PACKED_BATCH_H
#define HD_SYMBOLS_PACKED_BATCH_H

#include "base/buffer.h"
#include "symbols/symbols.h"

/* Appends a batch of `count` answers to an empty buffer. False: want of memory. */
bool hd_batch_pack(const struct hd_symbol_batch *batch, size_t count, struct hd_buffer *out);
/* Fills a batch that has nothing but its arena, from bytes that may be anything. *fine is
 * false where they are no batch of `count` answers; what follows them is checked to the
 * last number. False: want of memory. */
bool hd_batch_unpack(struct hd_symbol_batch *batch, size_t count, const struct hd_buffer *bytes,
                     bool *fine);

#endif
