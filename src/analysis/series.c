#include "analysis/series.h"

#include "analysis/labels.h"

#include <string.h>

const char *const hd_grouping_names[] = {
#define HD_GROUPING(id, name) name,
    HD_GROUPINGS(HD_GROUPING)
#undef HD_GROUPING
        NULL};

void hd_series_init(struct hd_series *series, struct hd_pool *pool,
                    const struct hd_filters *filters, enum hd_grouping by)
{
  *series = (struct hd_series){.pool = pool, .by = by};
  series->frames.pool = pool;
  series->frames.filters = filters;
}

static void point_deinit(struct hd_point *point)
{
  hd_vec_deinit(&point->flat);
  hd_vec_deinit(&point->cum);
  hd_vec_deinit(&point->edges);
  hd_states_deinit(&point->states);
  hd_class_point_deinit(&point->sampled);
}

void hd_series_drop(struct hd_series *series, size_t point)
{
  struct hd_point *items = series->points.items;
  if (!series->borrowed)
    point_deinit(&items[point]);
  memmove(items + point, items + point + 1, (--series->points.count - point) * sizeof *items);
}

bool hd_series_borrow(struct hd_series *series, const struct hd_series *from,
                      struct hd_error *error)
{
  size_t count = from->points.count;
  *series = *from;
  series->borrowed = true;
  series->points.items = NULL;
  series->points.count = series->points.capacity = 0;
  if (!hd_vec_reserve(&series->points, count))
    return hd_fail_memory(error);
  if (count)
    memcpy(series->points.items, from->points.items, count * sizeof *series->points.items);
  series->points.count = count;
  return true;
}

void hd_series_deinit(struct hd_series *series)
{
  if (series->borrowed) {
    hd_vec_deinit(&series->points);
    return;
  }
  for (size_t i = 0; i < series->points.count; i++)
    point_deinit(&series->points.items[i]);
  hd_vec_deinit(&series->points);
  hd_vec_deinit(&series->rows);
  hd_vec_deinit(&series->labels);
  hd_vec_deinit(&series->stack_labels);
  hd_vec_deinit(&series->edges);
  hd_vec_deinit(&series->frame_labels);
  hd_index_deinit(&series->row_index);
  hd_index_deinit(&series->label_index);
  hd_index_deinit(&series->edge_index);
  hd_classes_deinit(&series->classes);
  hd_frames_deinit(&series->frames);
  hd_vec_deinit(&series->targets);
  hd_vec_deinit(&series->target_cums);
  hd_vec_deinit(&series->target_edges);
}

/* [id] -> number of the stack that it was last in. */
struct marks {
  uint32_t *items;
  size_t count, capacity;
};

struct fold {
  struct hd_series *series;
  struct hd_point *point;
  const struct hd_profile *profile;
  const uint32_t *locations, *stacks;
  uint32_t *states; /* [label set id] -> string of the pool; NULL none */
  struct hd_walk walk;
  HD_VEC(uint32_t) scratch;
  struct marks row_marks, edge_marks;
  uint32_t stack_number; /* of the stack at hand */
  size_t next_age;
};

/* Whether an id is there for the first time in this stack: recursion counts once. Makes
 * room for its mark; false in *fine on want of memory. */
static bool is_first(struct fold *fold, struct marks *marks, uint32_t id, bool *fine)
{
  if (marks->count <= id) {
    size_t more = id + 1 - marks->count + 1024;
    if (!hd_vec_reserve(marks, more)) {
      *fine = false;
      return false;
    }
    memset(marks->items + marks->count, 0, more * sizeof *marks->items);
    marks->count += more;
  }
  bool first = marks->items[id] != fold->stack_number;
  marks->items[id] = fold->stack_number;
  return first;
}

static bool remember_cum(struct fold *fold, uint32_t row)
{
  bool fine = true;
  return !is_first(fold, &fold->row_marks, row, &fine)
             ? fine
             : hd_vec_push(&fold->series->target_cums, row);
}

static bool remember_edge(struct fold *fold, uint32_t edge)
{
  bool fine = true;
  return !is_first(fold, &fold->edge_marks, edge, &fine)
             ? fine
             : hd_vec_push(&fold->series->target_edges, edge);
}

/* The row of the site, and of what is below it where cum is wanted. */
static bool aim_frames(struct fold *fold, struct hd_target *target)
{
  struct hd_series *series = fold->series;
  struct hd_walk *walk = &fold->walk;
  uint32_t site_location = walk->frames.items[0].location;
  target->first_cum = (uint32_t)fold->series->target_cums.count;
  target->first_edge = (uint32_t)fold->series->target_edges.count;
  for (size_t i = 0; i < walk->frames.count; i++) {
    struct hd_walk_frame *item = &walk->frames.items[i];
    uint32_t row = hd_label_of_frame(series, item->frame, item->inlined);
    if (!row)
      return false;
    if (i == 0)
      target->row = row;
    if (item->inlined)
      series->rows.items[row - 1].inlined = true;
    else
      series->rows.items[row - 1].outlined = true;
    if (series->want_cum && !remember_cum(fold, row))
      return false;
    if (series->want_edges && i > 0 && item->location == site_location) {
      uint32_t edge = hd_edge_of(series, row - 1, target->row - 1);
      if (!edge || !remember_edge(fold, edge))
        return false;
    }
    if (!series->want_cum && !series->want_edges)
      break;
  }
  target->cums = (uint32_t)(fold->series->target_cums.count - target->first_cum);
  target->edges = (uint32_t)(fold->series->target_edges.count - target->first_edge);
  return true;
}

static bool aim_stack(struct fold *fold, struct hd_target *target)
{
  struct hd_walk *walk = &fold->walk;
  fold->scratch.count = 0;
  for (size_t i = 0; i < walk->frames.count; i++) {
    const struct hd_walk_frame *item = &walk->frames.items[i];
    uint32_t label = hd_label_of_frame(fold->series, item->frame, item->inlined);
    if (!label || !hd_vec_push(&fold->scratch, label))
      return false;
  }
  target->row = hd_row_of_stack(fold->series, fold->scratch.items, fold->scratch.count);
  if (!target->row)
    return false;
  if (!walk->frames.items[0].inlined)
    fold->series->rows.items[target->row - 1].outlined = true;
  target->first_cum = (uint32_t)fold->series->target_cums.count;
  target->cums = 1;
  return hd_vec_push(&fold->series->target_cums, target->row);
}

static bool aim_nothing(struct fold *fold, struct hd_target *target)
{
  uint32_t label = hd_label_of_nothing(fold->series);
  target->row =
      label && fold->series->by == HD_BY_STACK ? hd_row_of_stack(fold->series, &label, 1) : label;
  if (!target->row)
    return false;
  fold->series->rows.items[target->row - 1].outlined = true;
  target->first_cum = (uint32_t)fold->series->target_cums.count;
  target->cums = 1;
  return hd_vec_push(&fold->series->target_cums, target->row);
}

static bool is_unnamed(const struct fold *fold)
{
  const struct hd_walk *walk = &fold->walk;
  if (!walk->site)
    return false;
  const struct hd_pool_frame *site = hd_pool_frame(fold->series->pool, walk->site);
  return !site->function && !site->file;
}

static bool aim(struct fold *fold, uint32_t stack, struct hd_target *target)
{
  struct hd_span span = {0};
  if (stack)
    span = fold->profile->stacks.items[stack - 1];
  target->known = true;
  fold->stack_number++;
  if (!hd_walk_stack(&fold->walk, &fold->series->frames,
                     span.count ? fold->profile->stack_locations.items + span.first : NULL,
                     fold->locations, span.count))
    return false;
  target->cut = stack && fold->profile->stack_truncated.items[stack - 1];
  target->unnamed = is_unnamed(fold);
  if (fold->walk.dropped)
    return true;
  if (!fold->walk.frames.count)
    return aim_nothing(fold, target);
  return fold->series->by == HD_BY_STACK ? aim_stack(fold, target) : aim_frames(fold, target);
}

/* Makes room for so many entries of a value array, 0 to begin with. */
static bool make_room(const struct hd_series *series, struct hd_values *values, size_t entries)
{
  size_t end = entries * series->columns;
  if (values->count >= end)
    return true;
  if (!hd_vec_reserve(values, end - values->count))
    return false;
  memset(values->items + values->count, 0, (end - values->count) * sizeof(double));
  values->count = end;
  return true;
}

/* A record's values, in the order of the series' columns. */
static void values_of(const struct hd_series *series, const struct hd_profile *profile,
                      size_t record, double out[HD_MEASURES])
{
  for (size_t i = 0; i < series->columns; i++)
    out[i] = hd_profile_value(profile, record, series->measures[i]);
}

/* Adds them to an entry that there is room for. */
static void add_values(const struct hd_series *series, struct hd_values *values, uint32_t at,
                       const double add[HD_MEASURES])
{
  double *entry = values->items + (size_t)at * series->columns;
  for (size_t i = 0; i < series->columns; i++)
    entry[i] = hd_measure_join(series->measures[i], entry[i], add[i]);
}

/* What is at or below the rows of a stack, and inlined into its site's line. */
static bool add_cums(struct hd_series *series, struct hd_point *point,
                     const struct hd_target *target, const double add[HD_MEASURES])
{
  if (series->want_cum && !make_room(series, &point->cum, series->rows.count))
    return false;
  for (uint32_t i = 0; series->want_cum && i < target->cums; i++)
    add_values(series, &point->cum, series->target_cums.items[target->first_cum + i] - 1, add);
  if (target->edges && !make_room(series, &point->edges, series->edges.count))
    return false;
  for (uint32_t i = 0; i < target->edges; i++)
    add_values(series, &point->edges, series->target_edges.items[target->first_edge + i] - 1, add);
  return true;
}

static bool fold_record(struct fold *fold, size_t record)
{
  uint32_t stack = fold->profile->records.items[record].stack;
  struct hd_target *target =
      &fold->series->targets.items[fold->stacks ? fold->stacks[stack] : stack];
  if (!target->known && !aim(fold, stack, target))
    return false;
  double add[HD_MEASURES];
  values_of(fold->series, fold->profile, record, add);
  for (size_t i = 0; i < fold->series->columns; i++) {
    enum hd_measure m = fold->series->measures[i];
    fold->point->total[m] = hd_measure_join(m, fold->point->total[m], add[i]);
    fold->point->cut[m] += target->cut ? add[i] : 0;
    fold->point->unnamed[m] += target->unnamed ? add[i] : 0;
  }
  if (!target->row)
    return true;
  uint32_t labels = fold->profile->records.items[record].labels;
  if (fold->states && fold->states[labels] &&
      !hd_states_add(&fold->point->states, target->row - 1, fold->states[labels],
                     hd_profile_value(fold->profile, record, fold->series->measures[0])))
    return false;
  if (!make_room(fold->series, &fold->point->flat, target->row))
    return false;
  add_values(fold->series, &fold->point->flat, target->row - 1, add);
  if (!hd_classes_add(&fold->series->classes, &fold->point->sampled, fold->profile, record,
                      target->row - 1, &fold->next_age))
    return false;
  return fold->series->cums_later || add_cums(fold->series, fold->point, target, add);
}

bool hd_series_add_cums(struct hd_series *series, size_t point, const struct hd_profile *profile,
                        const uint32_t *stacks, struct hd_error *error)
{
  struct hd_point *at = &series->points.items[point];
  if (at->has_cums || !(series->want_cum || series->want_edges))
    return true;
  for (size_t i = 0; i < profile->records.count; i++) {
    const struct hd_target *target =
        &series->targets.items[stacks[profile->records.items[i].stack]];
    double add[HD_MEASURES];
    values_of(series, profile, i, add);
    if (target->row && !add_cums(series, at, target, add))
      return hd_fail_memory(error);
  }
  at->has_cums = true;
  return true;
}

/* Those of the first snapshot: what it lacks is not in every one. */
static void take_measures(struct hd_series *series, const struct hd_profile *profile)
{
  for (int i = 0; i < HD_MEASURES; i++) {
    series->has[i] = profile->has[i];
    series->column[i] = profile->has[i] ? (int)series->columns : -1;
    if (profile->has[i])
      series->measures[series->columns++] = (enum hd_measure)i;
  }
}

/* Room for a target of each stack. */
static bool make_targets(struct hd_series *series, const struct hd_profile *profile,
                         const uint32_t *stacks)
{
  size_t wanted = profile->stacks.count + 1;
  if (!stacks)
    series->targets.count = series->target_cums.count = series->target_edges.count = 0;
  for (size_t i = 0; stacks && i <= profile->stacks.count; i++)
    if (stacks[i] >= wanted)
      wanted = (size_t)stacks[i] + 1;
  if (wanted <= series->targets.count)
    return true;
  size_t more = wanted - series->targets.count;
  if (!hd_vec_reserve(&series->targets, more))
    return false;
  memset(series->targets.items + series->targets.count, 0, more * sizeof *series->targets.items);
  series->targets.count = wanted;
  return true;
}

bool hd_series_add(struct hd_series *series, const struct hd_profile *profile,
                   const uint32_t *locations, const uint32_t *stacks, struct hd_point point,
                   struct hd_error *error)
{
  if (!series->points.count)
    take_measures(series, profile);
  for (int i = 0; i < HD_MEASURES; i++)
    series->has[i] &= profile->has[i];
  if (!hd_vec_push(&series->points, point))
    return hd_fail_memory(error);
  struct fold fold = {.series = series,
                      .point = &series->points.items[series->points.count - 1],
                      .profile = profile,
                      .locations = locations,
                      .stacks = stacks};
  fold.walk.site_only = series->by != HD_BY_STACK && !series->want_cum && !series->want_edges;
  bool fine =
      make_targets(series, profile, stacks) &&
      (!profile->has[HD_GOROUTINES] || hd_states_of_labels(profile, series->pool, &fold.states));
  for (size_t i = 0; fine && i < profile->records.count; i++)
    fine = fold_record(&fold, i);
  hd_free(fold.states);
  hd_walk_deinit(&fold.walk);
  hd_vec_deinit(&fold.row_marks);
  hd_vec_deinit(&fold.edge_marks);
  hd_vec_deinit(&fold.scratch);
  return fine || hd_fail_memory(error);
}

static double value(const struct hd_series *series, const struct hd_values *values, size_t at,
                    enum hd_measure measure)
{
  int column = series->column[measure];
  size_t index = at * series->columns + (size_t)column;
  return column >= 0 && index < values->count ? values->items[index] : 0;
}

double hd_series_flat(const struct hd_series *series, size_t point, size_t row,
                      enum hd_measure measure)
{
  return value(series, &series->points.items[point].flat, row, measure);
}

double hd_series_cum(const struct hd_series *series, size_t point, size_t row,
                     enum hd_measure measure)
{
  return value(series, &series->points.items[point].cum, row, measure);
}

double hd_series_edge(const struct hd_series *series, size_t point, size_t edge,
                      enum hd_measure measure)
{
  return value(series, &series->points.items[point].edges, edge, measure);
}
