#include "writers/output.h"

#include "base/alloc.h"

#include <string.h>
#include <zlib.h>

enum { ROOM = 64 * 1024, GZIP_WINDOW = 15 + 16, MEMORY_LEVEL = 8, LEVEL = 6 };

/* Most that zlib is given at once: its count is no wider than this. */
static const size_t most = 1u << 30;

struct hd_gzip {
  z_stream zip;
  unsigned char room[ROOM];
};

static voidpf zip_alloc(voidpf context, uInt count, uInt size)
{
  (void)context;
  return hd_alloc_zeroed(count, size);
}

static void zip_free(voidpf context, voidpf block)
{
  (void)context;
  hd_free(block);
}

bool hd_output_compress(struct hd_output *output, struct hd_error *error)
{
  struct hd_gzip *gzip = hd_alloc_zeroed(1, sizeof *gzip);
  if (!gzip)
    return hd_fail_memory(error);
  gzip->zip.zalloc = zip_alloc;
  gzip->zip.zfree = zip_free;
  if (deflateInit2(&gzip->zip, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    hd_free(gzip);
    return hd_fail_memory(error);
  }
  output->gzip = gzip;
  return true;
}

/* Compresses what zlib has been given; hands on what comes out. */
static bool squeeze(struct hd_output *output, int flush, struct hd_error *error)
{
  struct hd_gzip *gzip = output->gzip;
  do {
    gzip->zip.next_out = gzip->room;
    gzip->zip.avail_out = ROOM;
    if (deflate(&gzip->zip, flush) == Z_STREAM_ERROR)
      return hd_fail_internal(error, "zlib is in disorder");
    size_t made = ROOM - gzip->zip.avail_out;
    if (made && !output->take(output->context, gzip->room, made, error))
      return false;
  } while (!gzip->zip.avail_out);
  return true;
}

bool hd_output_put(struct hd_output *output, const void *data, size_t length,
                   struct hd_error *error)
{
  if (!output->gzip)
    return output->take(output->context, data, length, error);
  const unsigned char *at = data;
  while (length) {
    size_t some = length < most ? length : most;
    output->gzip->zip.next_in = (unsigned char *)(uintptr_t)at;
    output->gzip->zip.avail_in = (uInt)some;
    if (!squeeze(output, Z_NO_FLUSH, error))
      return false;
    at += some;
    length -= some;
  }
  return true;
}

bool hd_output_end(struct hd_output *output, struct hd_error *error)
{
  return !output->gzip || squeeze(output, Z_FINISH, error);
}

void hd_output_deinit(struct hd_output *output)
{
  if (!output->gzip)
    return;
  deflateEnd(&output->gzip->zip);
  hd_free(output->gzip);
  output->gzip = NULL;
}
