/* The beginning of a fold: what is known of each location; and its end of life. */
#include "analysis/fold_state.h"

#include "analysis/labels.h"

static bool add_place(struct hd_fold *fold, uint32_t location)
{
  struct hd_series *series = fold->series;
  const struct hd_pool_location *from = &series->pool->locations.items[location - 1];
  struct hd_span span = {(uint32_t)fold->frames.count, 0};
  struct hd_fold_place place = {0};
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
    struct hd_fold_frame made = {.label = hd_label_of_frame(series, id, inlined), .frame = id};
    if (inlined)
      made.flags |= HD_FOLD_INLINED;
    if (flags & HD_FRAME_WRAPPER)
      made.flags |= HD_FOLD_WRAPPER;
    if (!frame->function && !frame->file)
      made.flags |= HD_FOLD_UNNAMED;
    if (!found && !(made.flags & HD_FOLD_WRAPPER)) {
      found = true;
      place.site = span.count;
      place.site_flags = made.flags;
    }
    if (!made.label || !hd_vec_push(&fold->frames, made) || !hd_vec_push(&fold->frame_rows, 0))
      return false;
    span.count++;
  }
  if (!found)
    place.site = span.count;
  return hd_vec_push(&fold->places, place) && hd_vec_push(&fold->spans, span) &&
         hd_vec_push(&fold->only_rows, 0);
}

static bool prepare(struct hd_fold *fold, const struct hd_profile *profile,
                    const uint32_t *locations)
{
  struct hd_series *series = fold->series;
  if (!hd_vec_reserve(&fold->places, profile->locations.count) ||
      !hd_vec_reserve(&fold->spans, profile->locations.count) ||
      !hd_vec_reserve(&fold->only_rows, profile->locations.count))
    return false;
  for (size_t i = 0; i < profile->locations.count; i++)
    if (!add_place(fold, locations[i + 1]))
      return false;
  fold->nothing = hd_label_of_nothing(series);
  fold->row_of_label = hd_alloc_zeroed(series->labels.count, sizeof *fold->row_of_label);
  return fold->nothing && fold->row_of_label;
}

bool hd_fold_begin(struct hd_series *series, const struct hd_profile *profile,
                   const uint32_t *locations, struct hd_fold **fold, struct hd_error *error)
{
  struct hd_fold *made = *fold = hd_alloc_zeroed(1, sizeof **fold);
  if (!made)
    return hd_fail_memory(error);
  made->series = series;
  made->by = series->by;
  made->want_cum = series->want_cum;
  made->want_edges = series->want_edges;
  made->want_focus = series->frames.filters->focus != NULL;
  made->every_frame = made->want_focus || series->frames.filters->ignore;
  made->site_alone = !made->every_frame && !made->want_cum && !made->want_edges &&
                     made->by != HD_BY_STACK;
  made->all_add_up = true;
  for (int i = 0; i < HD_MEASURES; i++) {
    made->has[i] = profile->has[i];
    if (!profile->has[i])
      continue;
    made->measures[made->columns++] = (enum hd_measure)i;
    made->all_add_up &= hd_measures[i].merge == HD_MERGE_SUM;
  }
  if (prepare(made, profile, locations))
    return true;
  hd_fold_destroy(made);
  *fold = NULL;
  return hd_fail_memory(error);
}

void hd_fold_destroy(struct hd_fold *fold)
{
  if (!fold)
    return;
  hd_vec_deinit(&fold->places);
  hd_vec_deinit(&fold->spans);
  hd_vec_deinit(&fold->frames);
  hd_vec_deinit(&fold->frame_rows);
  hd_vec_deinit(&fold->only_rows);
  hd_free(fold->row_of_label);
  hd_vec_deinit(&fold->rows);
  hd_vec_deinit(&fold->row_stamps);
  hd_vec_deinit(&fold->edge_stamps);
  hd_vec_deinit(&fold->stack_labels);
  hd_index_deinit(&fold->stack_index);
  hd_vec_deinit(&fold->edges);
  hd_index_deinit(&fold->edge_index);
  hd_vec_deinit(&fold->flat);
  hd_vec_deinit(&fold->cum);
  hd_vec_deinit(&fold->edge_values);
  hd_classes_deinit(&fold->classes);
  hd_class_point_deinit(&fold->sampled);
  hd_states_deinit(&fold->states);
  hd_vec_deinit(&fold->state_of_labels);
  hd_free(fold);
}
