#include "analysis/frames.h"

#include "analysis/wrappers.h"

#include <string.h>

static bool found(const struct hd_regex *regex, const char *text)
{
  return text[0] && hd_regex_search(regex, text, strlen(text));
}

static bool matches(const struct hd_pool *pool, const struct hd_pool_frame *frame,
                    const struct hd_regex *regex)
{
  return found(regex, hd_pool_text(pool, frame->function)) ||
         found(regex, hd_pool_text(pool, frame->file)) ||
         (frame->module &&
          found(regex, hd_pool_text(pool, pool->modules.items[frame->module - 1].path)));
}

static uint8_t compute(const struct hd_frames *frames, uint32_t id)
{
  const struct hd_filters *filters = frames->filters;
  const struct hd_pool *pool = frames->pool;
  const struct hd_pool_frame *frame = hd_pool_frame(pool, id);
  uint8_t flags = HD_FRAME_KNOWN;
  if (filters->focus && matches(pool, frame, filters->focus))
    flags |= HD_FRAME_FOCUS;
  if (filters->ignore && matches(pool, frame, filters->ignore))
    flags |= HD_FRAME_IGNORE;
  if ((filters->hide && matches(pool, frame, filters->hide)) ||
      (filters->show && !matches(pool, frame, filters->show)))
    flags |= HD_FRAME_HIDDEN;
  if (!filters->keep_wrappers &&
      hd_wrapper_is(pool, frame, filters->wrappers, filters->wrapper_count))
    flags |= HD_FRAME_WRAPPER;
  return flags;
}

uint8_t hd_frame_flags_found(struct hd_frames *frames, uint32_t frame)
{
  if (frames->flags.count < frames->pool->frames.count) {
    size_t more = frames->pool->frames.count - frames->flags.count;
    if (!hd_vec_reserve(&frames->flags, more))
      return 0;
    memset(frames->flags.items + frames->flags.count, 0, more);
    frames->flags.count += more;
  }
  uint8_t *flags = &frames->flags.items[frame - 1];
  if (!*flags)
    *flags = compute(frames, frame);
  return *flags;
}

void hd_frames_deinit(struct hd_frames *frames)
{
  hd_vec_deinit(&frames->flags);
}

/* The innermost frame that is no wrapper; the innermost of all where every one
 * is: then the stack ends inside a library, and nobody knows better. */
static size_t find_site(struct hd_walk *walk, struct hd_frames *frames)
{
  for (size_t i = 0; i < walk->frames.count; i++)
    if (!(hd_frame_flags(frames, walk->frames.items[i].frame) & HD_FRAME_WRAPPER))
      return i;
  return 0;
}

bool hd_walk_stack(struct hd_walk *walk, struct hd_frames *frames, const uint32_t *locations,
                   size_t count)
{
  const struct hd_pool *pool = frames->pool;
  bool focused = !frames->filters->focus, ignored = false, any = false;
  walk->frames.count = 0;
  for (size_t i = 0; i < count; i++) {
    const struct hd_pool_location *place = &pool->locations.items[locations[i] - 1];
    for (uint32_t j = 0; j < place->count; j++) {
      struct hd_walk_frame item = {pool->location_frames.items[place->first + j], (uint32_t)i,
                                   j + 1 < place->count};
      uint8_t flags = hd_frame_flags(frames, item.frame);
      if (!flags)
        return false;
      any = true;
      focused |= (flags & HD_FRAME_FOCUS) != 0;
      ignored |= (flags & HD_FRAME_IGNORE) != 0;
      if (!(flags & HD_FRAME_HIDDEN) && !hd_vec_push(&walk->frames, item))
        return false;
    }
  }
  walk->dropped = !focused || ignored || (any && !walk->frames.count);
  walk->site = find_site(walk, frames);
  return true;
}

void hd_walk_deinit(struct hd_walk *walk)
{
  hd_vec_deinit(&walk->frames);
}
