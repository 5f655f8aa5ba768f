#include "analysis/frames.h"

#include "analysis/wrappers.h"

#include <string.h>

/* What is known of a text, beside what wrappers.h says of it. */
enum {
  FILTERED = HD_WRAPPER_FACTS, /* the filters have been tried */
  FOCUS = FILTERED << 1,
  IGNORE = FILTERED << 2,
  HIDE = FILTERED << 3,
  SHOW = FILTERED << 4,
};

static bool grow(struct hd_frames *frames)
{
  size_t frame_count = frames->pool->frames.count, text_count = frames->pool->strings.items.count;
  size_t more = frame_count - frames->flags.count, texts = text_count - frames->texts.count;
  if (!hd_vec_reserve(&frames->flags, more) || !hd_vec_reserve(&frames->texts, texts))
    return false;
  if (more)
    memset(frames->flags.items + frames->flags.count, 0, more);
  if (texts)
    memset(frames->texts.items + frames->texts.count, 0, texts * sizeof *frames->texts.items);
  frames->flags.count = frame_count;
  frames->texts.count = text_count;
  return true;
}

static bool found(const struct hd_regex *regex, const struct hd_pool *pool, uint32_t text)
{
  const char *have = hd_pool_text(pool, text);
  return regex && hd_regex_search(regex, have, strlen(have));
}

/* The filters that a text matches; the empty one matches none. */
static unsigned filters_of(struct hd_frames *frames, uint32_t text)
{
  const struct hd_filters *filters = frames->filters;
  const struct hd_pool *pool = frames->pool;
  if (!text)
    return 0;
  uint16_t *known = &frames->texts.items[text - 1];
  if (*known & FILTERED)
    return *known;
  *known |= FILTERED;
  if (found(filters->focus, pool, text))
    *known |= FOCUS;
  if (found(filters->ignore, pool, text))
    *known |= IGNORE;
  if (found(filters->hide, pool, text))
    *known |= HIDE;
  if (found(filters->show, pool, text))
    *known |= SHOW;
  return *known;
}

/* What wrappers.h says of a text in a role. */
static unsigned facts_of(struct hd_frames *frames, uint32_t text, enum hd_wrapper_role role)
{
  const struct hd_filters *filters = frames->filters;
  if (!text)
    return hd_wrapper_facts("", role, filters->wrappers, filters->wrapper_count);
  uint16_t *known = &frames->texts.items[text - 1];
  if (!(*known & role))
    *known |= (uint16_t)(role | hd_wrapper_facts(hd_pool_text(frames->pool, text), role,
                                                 filters->wrappers, filters->wrapper_count));
  return *known;
}

static bool is_wrapper(struct hd_frames *frames, const struct hd_pool_frame *frame, uint32_t path)
{
  unsigned name = facts_of(frames, frame->function, HD_WRAPPER_AS_NAME);
  if (name & HD_WRAPPER_NAME)
    return true;
  unsigned file = facts_of(frames, frame->file, HD_WRAPPER_AS_FILE);
  if (file & HD_WRAPPER_FILE)
    return true;
  if ((name & HD_WRAPPER_RUST_NAME) &&
      ((file & HD_WRAPPER_IS_RUST) ||
       (facts_of(frames, frame->system_name, HD_WRAPPER_AS_LINKAGE) & HD_WRAPPER_RUST_LINKAGE)))
    return true;
  return frame->module && (facts_of(frames, path, HD_WRAPPER_AS_MODULE) & HD_WRAPPER_MODULE);
}

static uint8_t compute(struct hd_frames *frames, uint32_t id)
{
  const struct hd_filters *filters = frames->filters;
  const struct hd_pool_frame *frame = hd_pool_frame(frames->pool, id);
  uint32_t path = frame->module ? frames->pool->modules.items[frame->module - 1].path : 0;
  unsigned match = 0;
  uint8_t flags = HD_FRAME_KNOWN;
  if (filters->focus || filters->ignore || filters->hide || filters->show)
    match = filters_of(frames, frame->function) | filters_of(frames, frame->file) |
            filters_of(frames, path);
  if (match & FOCUS)
    flags |= HD_FRAME_FOCUS;
  if (match & IGNORE)
    flags |= HD_FRAME_IGNORE;
  if ((match & HIDE) || (filters->show && !(match & SHOW)))
    flags |= HD_FRAME_HIDDEN;
  const struct hd_frames *known = frames->wrappers;
  if (filters->keep_wrappers)
    return flags;
  if (known && id <= known->flags.count)
    flags |= known->flags.items[id - 1] & HD_FRAME_WRAPPER;
  else if (is_wrapper(frames, frame, path))
    flags |= HD_FRAME_WRAPPER;
  return flags;
}

uint8_t hd_frame_flags(struct hd_frames *frames, uint32_t frame)
{
  if (frames->flags.count < frames->pool->frames.count && !grow(frames))
    return 0;
  uint8_t *flags = &frames->flags.items[frame - 1];
  if (!*flags)
    *flags = compute(frames, frame);
  return *flags;
}

void hd_frames_deinit(struct hd_frames *frames)
{
  hd_vec_deinit(&frames->flags);
  hd_vec_deinit(&frames->texts);
}
