/* What is known of each frame once, whatever the number of stacks it is in:
 * which filters it matches, and whether it is a wrapper. Each pattern is tried once
 * a text, whatever the number of frames that have it. */
#ifndef HD_ANALYSIS_FRAMES_H
#define HD_ANALYSIS_FRAMES_H

#include "base/regex.h"
#include "model/pool.h"

enum {
  HD_FRAME_KNOWN = 1,
  HD_FRAME_FOCUS = 2,   /* matches --focus */
  HD_FRAME_IGNORE = 4,
  HD_FRAME_HIDDEN = 8,  /* by --hide, or not in --show */
  HD_FRAME_WRAPPER = 16,
};

/* Patterns as pprof has them; each is found in the function's name, the source
 * file's or the module's. NULL: not asked for. */
struct hd_filters {
  struct hd_regex *focus, *ignore, *hide, *show;
  struct hd_regex **wrappers;
  size_t wrapper_count;
  bool keep_wrappers; /* no frame counts as a wrapper */
};

struct hd_frames {
  const struct hd_pool *pool;
  const struct hd_filters *filters;
  /* Those of other filters, and the same wrappers; NULL, or all is known of the frames that it
   * has, and stays: what is a wrapper is taken from there. */
  const struct hd_frames *wrappers;
  HD_VEC(uint8_t) flags;  /* [frame id - 1] */
  HD_VEC(uint16_t) texts; /* [string id - 1]: what is known of a text */
};

/* The flags of a frame; HD_FRAME_KNOWN is set unless memory is short. */
uint8_t hd_frame_flags(struct hd_frames *frames, uint32_t frame);
void hd_frames_deinit(struct hd_frames *frames);

#endif
