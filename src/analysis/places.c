#include "analysis/places.h"

#include "analysis/labels.h"

bool hd_places_add(struct hd_places *at, struct hd_series *series, uint32_t location)
{
  const struct hd_pool_location *from = &series->pool->locations.items[location - 1];
  struct hd_span span = {(uint32_t)at->frames.count, 0};
  struct hd_place place = {0};
  bool found = false;
  for (uint32_t i = 0; i < from->count; i++) {
    uint32_t id = series->pool->location_frames.items[from->first + i];
    uint8_t flags = hd_frame_flags(&series->frames, id);
    if (!flags)
      return false;
    place.flags |= flags & (HD_FRAME_FOCUS | HD_FRAME_IGNORE);
    if (flags & HD_FRAME_HIDDEN)
      continue;
    const struct hd_pool_frame *frame = hd_pool_frame(series->pool, id);
    bool inlined = i + 1 < from->count;
    struct hd_place_frame made = {.label = hd_label_of_frame(series, id, inlined), .frame = id};
    if (inlined)
      made.flags |= HD_PLACE_INLINED;
    if (flags & HD_FRAME_WRAPPER)
      made.flags |= HD_PLACE_WRAPPER;
    if (!frame->function && !frame->file)
      made.flags |= HD_PLACE_UNNAMED;
    if (!found && !(made.flags & HD_PLACE_WRAPPER)) {
      found = true;
      place.site = span.count;
      place.site_flags = made.flags;
    }
    if (!made.label || !hd_vec_push(&at->frames, made))
      return false;
    span.count++;
  }
  if (!found)
    place.site = span.count;
  return hd_vec_push(&at->places, place) && hd_vec_push(&at->spans, span);
}

void hd_places_deinit(struct hd_places *at)
{
  hd_vec_deinit(&at->places);
  hd_vec_deinit(&at->spans);
  hd_vec_deinit(&at->frames);
}
