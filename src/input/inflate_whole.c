#include "input/inflate_whole.h"

#include "base/alloc.h"

#include <errno.h>
#include <libdeflate.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  LEAST_FILE = 18, /* a member's header and trailer */
  TRAILER = 4,     /* its last bytes: how many it inflates to, modulo 2^32 */
  MOST_RATIO = 1032, /* that deflate can reach */
};

static bool read_at(int fd, uint8_t *into, size_t size, off_t offset)
{
  while (size) {
    ssize_t got = pread(fd, into, size, offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    into += got;
    size -= (size_t)got;
    offset += got;
  }
  return true;
}

/* What the file says that it inflates to; 0 where it is none for this. */
static size_t promised(int fd, off_t size, uint64_t limit)
{
  uint8_t tail[TRAILER];
  if (size < LEAST_FILE || !read_at(fd, tail, sizeof tail, size - TRAILER))
    return 0;
  uint32_t length = (uint32_t)tail[0] | (uint32_t)tail[1] << 8 | (uint32_t)tail[2] << 16 |
                    (uint32_t)tail[3] << 24;
  bool fits = length >= HD_WHOLE_LEAST && length <= HD_WHOLE_MOST && length <= limit &&
              length / MOST_RATIO <= (uint64_t)size;
  return fits ? length : 0;
}

static bool inflate(const uint8_t *packed, size_t size, uint8_t *data, size_t length)
{
  struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
  size_t used = 0, got = 0;
  bool fine = inflater && libdeflate_gzip_decompress_ex(inflater, packed, size, data, length, &used,
                                                        &got) == LIBDEFLATE_SUCCESS;
  libdeflate_free_decompressor(inflater);
  return fine && used == size && got == length;
}

static bool read_and_inflate(int fd, size_t size, uint8_t **data, size_t length,
                             struct hd_error *error)
{
  HD_SCOPED_FREE uint8_t *packed = hd_alloc(size);
  *data = hd_alloc(length);
  if (!packed || !*data) {
    hd_free(*data);
    *data = NULL;
    return hd_fail_memory(error);
  }
  if (read_at(fd, packed, size, 0) && inflate(packed, size, *data, length))
    return true;
  hd_free(*data);
  *data = NULL;
  return true;
}

bool hd_inflate_whole(int fd, uint64_t limit, uint8_t **data, size_t *length, size_t *packed,
                      struct hd_error *error)
{
  struct stat status;
  *data = NULL;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
    return true;
  *length = promised(fd, status.st_size, limit);
  *packed = (size_t)status.st_size;
  return !*length || read_and_inflate(fd, *packed, data, *length, error);
}
