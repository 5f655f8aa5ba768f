/* gzip, by zlib: RFC 1952, any number of members. */
#include "input/inflate.h"

#include "base/alloc.h"

#include <limits.h>
#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16 };

static bool begins(const uint8_t *head, size_t length)
{
  return length >= 2 && head[0] == 0x1f && head[1] == 0x8b;
}

static void *create(void)
{
  z_stream *zip = hd_alloc_zeroed(1, sizeof *zip);
  if (zip && inflateInit2(zip, GZIP_WINDOW) != Z_OK) {
    hd_free(zip);
    return NULL;
  }
  return zip;
}

static void destroy(void *state)
{
  inflateEnd(state);
  hd_free(state);
}

static void restart(void *state)
{
  inflateReset(state);
}

static uInt at_most(size_t size)
{
  return size < UINT_MAX ? (uInt)size : UINT_MAX;
}

static enum hd_inflate_result run(void *state, struct hd_inflate_step *step, const char **why)
{
  z_stream *zip = state;
  uInt in = at_most(step->in_left), out = at_most(step->out_left);
  zip->next_in = (Bytef *)step->in;
  zip->avail_in = in;
  zip->next_out = step->out;
  zip->avail_out = out;
  int status = inflate(zip, Z_NO_FLUSH);
  step->in += in - zip->avail_in;
  step->in_left -= in - zip->avail_in;
  step->out += out - zip->avail_out;
  step->out_left -= out - zip->avail_out;
  if (status == Z_STREAM_END)
    return HD_INFLATE_PIECE_ENDED;
  if (status == Z_OK || status == Z_BUF_ERROR)
    return HD_INFLATE_GOES_ON;
  *why = zip->msg ? zip->msg : "unknown block";
  return status == Z_MEM_ERROR ? HD_INFLATE_NO_MEMORY : HD_INFLATE_DAMAGED;
}

extern const struct hd_inflate_method hd_inflate_gzip;
const struct hd_inflate_method hd_inflate_gzip = {
    .name = "gzip",
    .begins = begins,
    .create = create,
    .destroy = destroy,
    .restart = restart,
    .run = run,
    .at_once = true,
};
