/* What is known of each frame once, whatever the number of stacks it is in:
 * which filters it matches, and whether it is a wrapper. */
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
  HD_VEC(uint8_t) flags; /* [frame id - 1] */
};

/* Finds them out, once. */
uint8_t hd_frame_flags_found(struct hd_frames *frames, uint32_t frame);

/* The flags of a frame; HD_FRAME_KNOWN is set unless memory is short. */
static inline uint8_t hd_frame_flags(struct hd_frames *frames, uint32_t frame)
{
  if (frame <= frames->flags.count && frames->flags.items[frame - 1])
    return frames->flags.items[frame - 1];
  return hd_frame_flags_found(frames, frame);
}

void hd_frames_deinit(struct hd_frames *frames);

/* A frame of a stack that is spread out. */
struct hd_walk_frame {
  uint32_t frame;    /* pool frame id */
  uint32_t location; /* index in the stack: frames of one location were inlined
                      * into its last one */
  bool inlined;
};

/* One stack from the call site on: innermost first, hidden ones left out. */
struct hd_walk {
  bool site_only;    /* nobody asks for what is below the site */
  HD_VEC(struct hd_walk_frame) frames; /* none of a stack that has none, or is dropped */
  uint32_t site;     /* the site's frame, of a dropped stack, too; 0 none */
  bool dropped;      /* by a filter */
};

/* Spreads a stack out; locations[stack[i]] are its locations in the pool. False on want of
 * memory. */
bool hd_walk_stack(struct hd_walk *walk, struct hd_frames *frames, const uint32_t *stack,
                   const uint32_t *locations, size_t count);
void hd_walk_deinit(struct hd_walk *walk);

#endif
