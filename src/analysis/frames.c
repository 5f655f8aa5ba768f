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

/* Where a frame stands: the location's index in the stack, and the frame's in it. */
struct place {
  size_t location;
  uint32_t at;
};

/* Looks for the site, the innermost frame that is seen and no wrapper; the innermost of all
 * where every one is: then the stack ends inside a library, and nobody knows better. With
 * nothing to focus on or to ignore the rest of the stack says nothing more. */
static bool look(struct hd_walk *walk, struct hd_frames *frames, const uint32_t *stack,
                 const uint32_t *locations, size_t count, struct place *site)
{
  const struct hd_pool *pool = frames->pool;
  bool focused = !frames->filters->focus, ignored = false, any = false, found = false;
  bool filtered = frames->filters->focus || frames->filters->ignore;
  walk->site = 0;
  for (size_t i = 0; i < count && (filtered || !found); i++) {
    const struct hd_pool_location *location = &pool->locations.items[locations[stack[i]] - 1];
    for (uint32_t j = 0; j < location->count; j++) {
      uint32_t frame = pool->location_frames.items[location->first + j];
      uint8_t flags = hd_frame_flags(frames, frame);
      if (!flags)
        return false;
      any = true;
      focused |= (flags & HD_FRAME_FOCUS) != 0;
      ignored |= (flags & HD_FRAME_IGNORE) != 0;
      bool better =
          !found && !(flags & HD_FRAME_HIDDEN) && (!walk->site || !(flags & HD_FRAME_WRAPPER));
      found |= !(flags & (HD_FRAME_HIDDEN | HD_FRAME_WRAPPER));
      if (!better)
        continue;
      walk->site = frame;
      *site = (struct place){i, j};
    }
  }
  walk->dropped = !focused || ignored || (any && !walk->site);
  return true;
}

static bool collect(struct hd_walk *walk, struct hd_frames *frames, const uint32_t *stack,
                    const uint32_t *locations, size_t count, struct place site)
{
  const struct hd_pool *pool = frames->pool;
  for (size_t i = site.location; i < count; i++) {
    const struct hd_pool_location *location = &pool->locations.items[locations[stack[i]] - 1];
    if (!hd_vec_reserve(&walk->frames, location->count))
      return false;
    for (uint32_t j = i == site.location ? site.at : 0; j < location->count; j++) {
      uint32_t frame = pool->location_frames.items[location->first + j];
      uint8_t flags = hd_frame_flags(frames, frame);
      if (!flags)
        return false;
      if (!(flags & HD_FRAME_HIDDEN))
        walk->frames.items[walk->frames.count++] =
            (struct hd_walk_frame){frame, (uint32_t)i, j + 1 < location->count};
      if (walk->site_only)
        return true;
    }
  }
  return true;
}

bool hd_walk_stack(struct hd_walk *walk, struct hd_frames *frames, const uint32_t *stack,
                   const uint32_t *locations, size_t count)
{
  struct place site = {0, 0};
  walk->frames.count = 0;
  if (!look(walk, frames, stack, locations, count, &site))
    return false;
  return walk->dropped || !walk->site || collect(walk, frames, stack, locations, count, site);
}

void hd_walk_deinit(struct hd_walk *walk)
{
  hd_vec_deinit(&walk->frames);
}
