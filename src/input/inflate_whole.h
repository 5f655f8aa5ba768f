/* A large gzip file at once, by libdeflate, which takes well under half of zlib's time for
 * it but needs both sides of it in memory. */
#ifndef HD_INPUT_INFLATE_WHOLE_H
#define HD_INPUT_INFLATE_WHOLE_H

#include "base/error.h"

/* What a file inflates to by its own word: below the first number a stream is as good,
 * past the second it is what memory has room for. */
#define HD_WHOLE_LEAST (1u << 20)
#define HD_WHOLE_MOST (1u << 30)

/* Inflates the regular file `fd`, whose position is left alone. *data is NULL where it must
 * be streamed: it is too small or too large, of several members, goes on behind them, or is
 * damaged, of which the stream says what. False on want of memory alone. *data is to be
 * freed; *packed is the size of the file. */
bool hd_inflate_whole(int fd, uint64_t limit, uint8_t **data, size_t *length, size_t *packed,
                      struct hd_error *error);

#endif
