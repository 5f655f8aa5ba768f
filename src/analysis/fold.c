#include "analysis/fold_state.h"

#include "analysis/labels.h"

#include <string.h>

/* --- begin: what is known of each location ---------------------------------------- */

static bool add_place(struct hd_fold *fold, uint32_t location)
{
  size_t before = fold->at.frames.count;
  if (!hd_places_add(&fold->at, fold->series, location) || !hd_vec_push(&fold->only_rows, 0))
    return false;
  for (size_t i = before; i < fold->at.frames.count; i++)
    if (!hd_vec_push(&fold->frame_rows, 0))
      return false;
  return true;
}

static bool prepare(struct hd_fold *fold, const struct hd_profile *profile,
                    const uint32_t *locations)
{
  struct hd_series *series = fold->series;
  if (!hd_vec_reserve(&fold->at.places, profile->locations.count) ||
      !hd_vec_reserve(&fold->at.spans, profile->locations.count) ||
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
  made->site_alone =
      !made->every_frame && !made->want_cum && !made->want_edges && made->by != HD_BY_STACK;
  memcpy(made->has, profile->has, sizeof made->has);
  made->columns = hd_columns_of(profile->has);
  if (prepare(made, profile, locations))
    return true;
  hd_fold_destroy(made);
  *fold = NULL;
  return hd_fail_memory(error);
}

bool hd_fold_stopped(const struct hd_fold *fold)
{
  return fold->stopped;
}

void hd_fold_destroy(struct hd_fold *fold)
{
  if (!fold)
    return;
  hd_places_deinit(&fold->at);
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

/* --- one record ----------------------------------------------------------------------- */

/* The record at hand. */
struct item {
  const uint32_t *stack;
  uint32_t count;
  double values[HD_MEASURES]; /* by column */
  uint32_t location, frame;   /* of the call site: index in the stack, in its place */
  bool any;                   /* a frame is left */
  bool dropped;               /* by a filter */
};

static inline __attribute__((always_inline)) void
join(const struct hd_fold *fold, double *restrict entry, const double *restrict values)
{
  hd_columns_join(&fold->columns, entry, values);
}

/* The call site: the innermost frame that is no wrapper; the innermost of all where every
 * one is: then the stack ends inside a library, and nobody knows better. */
static void find_site(const struct hd_fold *fold, struct item *item)
{
  const struct hd_place *places = fold->at.places.items;
  uint8_t flags = fold->want_focus ? 0 : HD_FRAME_FOCUS;
  item->any = false;
  item->location = item->frame = 0;
  for (uint32_t i = 0; i < item->count; i++) {
    uint32_t site = places[item->stack[i] - 1].site;
    uint32_t count = fold->at.spans.items[item->stack[i] - 1].count;
    if (count && !item->any) {
      item->any = true;
      item->location = i;
    }
    if (site < count) {
      item->location = i;
      item->frame = site;
      break;
    }
  }
  for (uint32_t i = 0; fold->every_frame && i < item->count; i++)
    flags |= places[item->stack[i] - 1].flags;
  item->dropped =
      !(flags & HD_FRAME_FOCUS) || (flags & HD_FRAME_IGNORE) || (item->count && !item->any);
}

static uint32_t frame_at(const struct hd_fold *fold, const struct item *item)
{
  return fold->at.spans.items[item->stack[item->location] - 1].first + item->frame;
}

/* The row of a frame that is met for the first time. */
static uint32_t meet(struct hd_fold *fold, uint32_t at)
{
  const struct hd_place_frame *frame = &fold->at.frames.items[at];
  uint32_t row = hd_fold_label_row(fold, frame->label, frame->frame);
  if (!row)
    return 0;
  if (frame->flags & HD_PLACE_INLINED)
    fold->rows.items[row - 1].inlined = true;
  else
    fold->rows.items[row - 1].outlined = true;
  return fold->frame_rows.items[at] = row;
}

/* A row that the record passes through gets its values once: recursion counts once. */
static inline __attribute__((always_inline)) void pass(struct hd_fold *fold,
                                                       const struct item *item, uint32_t row)
{
  uint32_t *stamp = &fold->row_stamps.items[row - 1];
  if (*stamp == fold->stamp)
    return;
  *stamp = fold->stamp;
  join(fold, fold->cum.items + (size_t)(row - 1) * fold->columns.count, item->values);
}

static bool pass_edge(struct hd_fold *fold, const struct item *item, uint32_t outer, uint32_t inner)
{
  uint32_t edge = hd_fold_edge(fold, outer, inner);
  if (!edge)
    return false;
  uint32_t *stamp = &fold->edge_stamps.items[edge - 1];
  if (*stamp != fold->stamp) {
    *stamp = fold->stamp;
    join(fold, fold->edge_values.items + (size_t)(edge - 1) * fold->columns.count, item->values);
  }
  return true;
}

/* The frames of one location, from number j on. *site is 0 until its row is known. */
static bool pass_location(struct hd_fold *fold, const struct item *item, uint32_t i, uint32_t j,
                          uint32_t *site)
{
  uint32_t location = item->stack[i] - 1;
  struct hd_span span = fold->at.spans.items[location];
  for (; j < span.count; j++) {
    uint32_t row = fold->frame_rows.items[span.first + j];
    if (!row && !(row = meet(fold, span.first + j)))
      return false;
    if (span.count == 1)
      fold->only_rows.items[location] = row;
    if (!*site)
      *site = row;
    else if (fold->want_edges && i == item->location && !pass_edge(fold, item, row, *site))
      return false;
    if (fold->want_cum)
      pass(fold, item, row);
  }
  return true;
}

/* The locations that called that of the site. */
static bool pass_callers(struct hd_fold *fold, const struct item *item, uint32_t *site)
{
  enum { AHEAD = 6 };
  for (uint32_t i = item->location + 1; i < item->count; i++) {
    const uint32_t *rows = fold->only_rows.items;
    uint32_t row = rows[item->stack[i] - 1];
    if (i + AHEAD < item->count)
      __builtin_prefetch(fold->cum.items +
                         (size_t)rows[item->stack[i + AHEAD] - 1] * fold->columns.count);
    if (row)
      pass(fold, item, row);
    else if (!pass_location(fold, item, i, 0, site))
      return false;
  }
  return true;
}

/* The row of the site, and what is below it where cum is wanted. */
static uint32_t aim_frames(struct hd_fold *fold, const struct item *item)
{
  uint32_t site = 0;
  if (!fold->want_cum && !fold->want_edges) {
    uint32_t at = frame_at(fold, item), row = fold->frame_rows.items[at];
    return row ? row : meet(fold, at);
  }
  if (!pass_location(fold, item, item->location, item->frame, &site) ||
      (fold->want_cum && !pass_callers(fold, item, &site)))
    return 0;
  return site;
}

static uint32_t aim_stack(struct hd_fold *fold, const struct item *item)
{
  size_t first = fold->stack_labels.count;
  const struct hd_place_frame *site = &fold->at.frames.items[frame_at(fold, item)];
  for (uint32_t i = item->location, j = item->frame; i < item->count; i++, j = 0) {
    struct hd_span span = fold->at.spans.items[item->stack[i] - 1];
    for (; j < span.count; j++)
      if (!hd_vec_push(&fold->stack_labels, fold->at.frames.items[span.first + j].label))
        return 0;
  }
  uint32_t row = hd_fold_stack_row(fold, first, site->frame);
  if (row && !(site->flags & HD_PLACE_INLINED))
    fold->rows.items[row - 1].outlined = true;
  return row;
}

static uint32_t aim_nothing(struct hd_fold *fold)
{
  size_t first = fold->stack_labels.count;
  uint32_t row = 0;
  if (fold->by != HD_BY_STACK)
    row = hd_fold_label_row(fold, fold->nothing, 0);
  else if (hd_vec_push(&fold->stack_labels, fold->nothing))
    row = hd_fold_stack_row(fold, first, 0);
  if (row)
    fold->rows.items[row - 1].outlined = true;
  return row;
}

/* The row of the item; 0 on want of memory. */
static uint32_t aim(struct hd_fold *fold, const struct item *item)
{
  fold->stamp++;
  if (item->any && fold->by != HD_BY_STACK)
    return aim_frames(fold, item);
  uint32_t row = item->any ? aim_stack(fold, item) : aim_nothing(fold);
  if (row && fold->want_cum)
    join(fold, fold->cum.items + (size_t)(row - 1) * fold->columns.count, item->values);
  return row;
}

static bool add_state(struct hd_fold *fold, const struct hd_profile *profile, uint32_t labels,
                      const struct item *item, uint32_t row)
{
  if (!labels || !fold->columns.count)
    return true;
  while (fold->state_of_labels.count < profile->label_sets.count) {
    struct hd_span span = profile->label_sets.items[fold->state_of_labels.count];
    if (!hd_vec_push(&fold->state_of_labels, hd_state_of_labels(profile, span)))
      return false;
  }
  uint32_t text = fold->state_of_labels.items[labels - 1];
  return !text || hd_states_add(&fold->states, row - 1, text, item->values[0]);
}

static void read_item(const struct hd_fold *fold, const struct hd_profile *profile, size_t record,
                      struct item *item)
{
  uint32_t stack = profile->records.items[record].stack;
  const double *values = profile->values.items + record * profile->columns;
  struct hd_span span = stack ? profile->stacks.items[stack - 1] : (struct hd_span){0, 0};
  item->stack = span.count ? profile->stack_locations.items + span.first : NULL;
  item->count = span.count;
  for (size_t i = 0; i < fold->columns.count; i++)
    item->values[i] = values[profile->column[fold->columns.measures[i]]];
}

/* The row of the item, 0 where a filter drops it; what is not known is counted. */
static bool settle(struct hd_fold *fold, struct item *item, uint32_t *row)
{
  struct hd_place *leaf = item->count ? &fold->at.places.items[item->stack[0] - 1] : NULL;
  *row = leaf ? leaf->row : 0;
  if (*row)
    return true;
  find_site(fold, item);
  if (item->any && (fold->at.frames.items[frame_at(fold, item)].flags & HD_PLACE_UNNAMED))
    for (size_t i = 0; i < fold->columns.count; i++)
      fold->unnamed[i] += item->values[i];
  if (item->dropped)
    return true;
  *row = aim(fold, item);
  if (leaf && fold->site_alone && item->location == 0 &&
      leaf->site < fold->at.spans.items[item->stack[0] - 1].count &&
      !(leaf->site_flags & HD_PLACE_UNNAMED))
    leaf->row = *row;
  return *row != 0;
}

static bool fold_record(struct hd_fold *fold, const struct hd_profile *profile, size_t record,
                        size_t *next_age)
{
  const struct hd_record *from = &profile->records.items[record];
  struct item item;
  uint32_t row;
  read_item(fold, profile, record, &item);
  join(fold, fold->total, item.values);
  if (from->stack && profile->stack_truncated.items[from->stack - 1])
    for (size_t i = 0; i < fold->columns.count; i++)
      fold->cut[i] += item.values[i];
  if (!settle(fold, &item, &row))
    return false;
  if (!row)
    return true;
  if (fold->has[HD_GOROUTINES] && !add_state(fold, profile, from->labels, &item, row))
    return false;
  join(fold, fold->flat.items + (size_t)(row - 1) * fold->columns.count, item.values);
  return hd_classes_add(&fold->classes, &fold->sampled, profile, record, row - 1,
                        fold->rows.items[row - 1].recent, next_age);
}

static const struct hd_place *leaf_of(const struct hd_fold *fold, const struct hd_profile *profile,
                                      size_t record)
{
  uint32_t stack = record < profile->records.count ? profile->records.items[record].stack : 0;
  if (!stack)
    return NULL;
  uint32_t first = profile->stacks.items[stack - 1].first;
  return &fold->at.places.items[profile->stack_locations.items[first] - 1];
}

/* Records come in any order, and what each needs lies far apart in memory: it is asked for
 * some records ahead, one step of the way at a time. (Inlined by force, as gcc drops a call
 * of what does nothing but that.) */
static inline __attribute__((always_inline)) void
look_ahead(const struct hd_fold *fold, const struct hd_profile *profile, size_t record)
{
  enum { TO_PLACE = 24, TO_ROW = 16, TO_CLASS = 8 };
  const struct hd_place *place = leaf_of(fold, profile, record + TO_PLACE);
  if (place)
    __builtin_prefetch(place);
  place = leaf_of(fold, profile, record + TO_ROW);
  if (place && place->row) {
    __builtin_prefetch(&fold->rows.items[place->row - 1]);
    __builtin_prefetch(fold->flat.items + (size_t)(place->row - 1) * fold->columns.count);
  }
  place = leaf_of(fold, profile, record + TO_CLASS);
  uint32_t class = place && place->row ? fold->rows.items[place->row - 1].recent[0].class : 0;
  if (class) {
    __builtin_prefetch(&fold->classes.items.items[class - 1]);
    __builtin_prefetch(&fold->sampled.items[class - 1]);
  }
}

bool hd_fold_records(struct hd_fold *fold, const struct hd_profile *profile, struct hd_error *error)
{
  enum { A_WHILE = 4096 };
  size_t next_age = 0;
  for (size_t i = 0; i < profile->records.count; i++) {
    if (i % A_WHILE == 0 && hd_stop_came(&fold->series->stop)) {
      fold->stopped = true;
      return hd_fail_input(error, "interrupted");
    }
    look_ahead(fold, profile, i);
    if (!fold_record(fold, profile, i, &next_age))
      return hd_fail_memory(error);
  }
  fold->records += profile->records.count;
  return true;
}
