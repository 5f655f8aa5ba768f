/* Zstandard, by libzstd: RFC 8878, any number of frames, skippable ones among them. */
#include "input/inflate.h"

#include <zstd.h>
#include <zstd_errors.h>

/* How far back a frame may look, and so the memory it makes us take: 128 MiB, all
 * that zstd itself uses and undoes unless it is told --long or --memory. */
enum { MOST_WINDOW_LOG = 27 };

/* 4 bytes, little-endian. */
static const uint32_t frame_magic = 0xfd2fb528, skippable_magic = 0x184d2a50;

static bool begins(const uint8_t *head, size_t length)
{
  if (length < 4)
    return false;
  uint32_t magic = (uint32_t)head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 |
                   (uint32_t)head[3] << 24;
  return magic == frame_magic || (magic & ~(uint32_t)0xf) == skippable_magic;
}

static void *create(void)
{
  ZSTD_DStream *stream = ZSTD_createDStream();
  if (stream &&
      ZSTD_isError(ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, MOST_WINDOW_LOG))) {
    ZSTD_freeDStream(stream);
    return NULL;
  }
  return stream;
}

static void destroy(void *state)
{
  ZSTD_freeDStream(state);
}

static void restart(void *state)
{
  ZSTD_DCtx_reset(state, ZSTD_reset_session_only);
}

static enum hd_inflate_result run(void *state, struct hd_inflate_step *step, const char **why)
{
  ZSTD_inBuffer in = {step->in, step->in_left, 0};
  ZSTD_outBuffer out = {step->out, step->out_left, 0};
  size_t left = ZSTD_decompressStream(state, &out, &in);
  step->in += in.pos;
  step->in_left -= in.pos;
  step->out += out.pos;
  step->out_left -= out.pos;
  if (!ZSTD_isError(left))
    return left ? HD_INFLATE_GOES_ON : HD_INFLATE_PIECE_ENDED;
  *why = ZSTD_getErrorName(left);
  switch (ZSTD_getErrorCode(left)) {
  case ZSTD_error_memory_allocation: return HD_INFLATE_NO_MEMORY;
  case ZSTD_error_frameParameter_windowTooLarge: return HD_INFLATE_WINDOW;
  default: return HD_INFLATE_DAMAGED;
  }
}

extern const struct hd_inflate_method hd_inflate_zstd;
const struct hd_inflate_method hd_inflate_zstd = {
    .name = "zstd",
    .begins = begins,
    .create = create,
    .destroy = destroy,
    .restart = restart,
    .run = run,
    .at_once = false,
};
