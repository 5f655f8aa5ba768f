#include "analysis/side.h"

#include "analysis/stable_name.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- the table of frames ----------------------------------------------------------- */

static bool frame_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_side_frame *have = hd_side_frame_at(context, id), *want = key;
  return have->function == want->function && have->file == want->file && have->line == want->line &&
         have->lowest == want->lowest;
}

bool hd_side_frame_intern(struct hd_side_frames *frames, const struct hd_side_frame *frame,
                          uint32_t *id)
{
  uint32_t parts[4] = {frame->function, frame->file, (uint32_t)frame->line, frame->lowest};
  uint64_t hash = hd_hash(parts, sizeof parts);
  *id = hd_index_find(&frames->index, hash, frame_equal, frames, frame);
  if (*id)
    return true;
  if (!hd_vec_push(&frames->items, *frame))
    return false;
  *id = (uint32_t)frames->items.count;
  return hd_index_add(&frames->index, hash, *id);
}

const struct hd_side_frame *hd_side_frame_at(const struct hd_side_frames *frames, uint32_t id)
{
  return &frames->items.items[id - 1];
}

void hd_side_frames_deinit(struct hd_side_frames *frames)
{
  hd_vec_deinit(&frames->items);
  hd_index_deinit(&frames->index);
}

/* --- rows --------------------------------------------------------------------------- */

void hd_side_init(struct hd_side *side, struct hd_side_frames *frames)
{
  *side = (struct hd_side){.frames = frames};
  for (int i = 0; i < HD_MEASURES; i++)
    side->column[i] = -1;
}

void hd_side_deinit(struct hd_side *side)
{
  hd_vec_deinit(&side->rows);
  hd_vec_deinit(&side->chain);
  hd_vec_deinit(&side->amounts);
  hd_vec_deinit(&side->run_totals);
  hd_vec_deinit(&side->run_values);
  hd_index_deinit(&side->index);
}

void hd_side_set_measures(struct hd_side *side, const bool has[HD_MEASURES])
{
  for (int i = 0; i < HD_MEASURES; i++) {
    bool kept = has[i] && hd_measures[i].merge == HD_MERGE_SUM;
    side->column[i] = kept ? (int)side->columns : -1;
    if (kept)
      side->measures[side->columns++] = (enum hd_measure)i;
  }
}

struct chain_key {
  const uint32_t *frames;
  size_t count;
};

static bool row_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_side *side = context;
  const struct hd_side_row *have = &side->rows.items[id - 1];
  const struct chain_key *want = key;
  return have->count == want->count &&
         memcmp(side->chain.items + have->first, want->frames, want->count * sizeof(uint32_t)) == 0;
}

uint32_t hd_side_row_of(struct hd_side *side, const uint32_t *frames, size_t count)
{
  struct chain_key key = {frames, count};
  uint64_t hash = hd_hash(frames, count * sizeof *frames);
  uint32_t id = hd_index_find(&side->index, hash, row_equal, side, &key);
  if (id)
    return id;
  struct hd_side_row row = {.first = (uint32_t)side->chain.count, .count = (uint32_t)count};
  if (side->rows.count >= HD_MAX_ITEMS || side->chain.count + count > UINT32_MAX ||
      !hd_vec_reserve(&side->chain, count) || !hd_vec_reserve(&side->amounts, side->columns) ||
      !hd_vec_push(&side->rows, row))
    return 0;
  memcpy(side->chain.items + row.first, frames, count * sizeof *frames);
  side->chain.count += count;
  memset(side->amounts.items + side->amounts.count, 0, side->columns * sizeof *side->amounts.items);
  side->amounts.count += side->columns;
  id = (uint32_t)side->rows.count;
  return hd_index_add(&side->index, hash, id) ? id : 0;
}

const char *hd_side_name(const struct hd_side *side, size_t row)
{
  const struct hd_side_row *item = &side->rows.items[row];
  uint32_t own = hd_side_frame_at(side->frames, side->chain.items[item->first])->function;
  return hd_strings_text(side->frames->strings, item->name ? item->name : own);
}

struct hd_side_amount hd_side_amount_of(const struct hd_side *side, size_t row,
                                        enum hd_measure measure)
{
  int column = side->column[measure];
  return column < 0 ? (struct hd_side_amount){0}
                    : side->amounts.items[row * side->columns + (size_t)column];
}

struct hd_side_amount hd_side_total(const struct hd_side *side, enum hd_measure measure)
{
  struct hd_side_amount sum = {0};
  double squares = 0, mean = 0, runs = (double)side->runs;
  if (side->column[measure] < 0)
    return sum;
  for (size_t i = 0; i < side->rows.count; i++) {
    struct hd_side_amount amount = hd_side_amount_of(side, i, measure);
    sum.value += amount.value;
    sum.variance += amount.variance;
  }
  for (size_t i = (size_t)side->column[measure]; i < side->run_totals.count; i += side->columns)
    mean += side->run_totals.items[i] / runs;
  for (size_t i = (size_t)side->column[measure]; i < side->run_totals.count; i += side->columns)
    squares += pow(side->run_totals.items[i] - mean, 2);
  sum.spread = side->runs > 1 ? squares / (runs - 1) : 0;
  return sum;
}

void hd_side_set_difference(struct hd_side *before, struct hd_side *after,
                            const struct hd_series *series, enum hd_measure measure,
                            const struct hd_row_noise *noise, const uint32_t *before_rows,
                            const uint32_t *after_rows)
{
  int x = before->column[measure], y = after->column[measure];
  if (x < 0 || y < 0)
    return;
  for (size_t i = 0; i < before->rows.count; i++)
    before->amounts.items[i * before->columns + (size_t)x].variance = 0;
  for (size_t i = 0; i < after->rows.count; i++)
    after->amounts.items[i * after->columns + (size_t)y].variance = 0;
  for (size_t i = 0; i < series->rows.count; i++) {
    uint32_t to = after_rows[i] ? after_rows[i] : before_rows[i];
    struct hd_side *side = after_rows[i] ? after : before;
    size_t column = (size_t)(after_rows[i] ? y : x);
    if (!to)
      continue;
    struct hd_side_amount *amount = &side->amounts.items[(to - 1) * side->columns + column];
    amount->variance += noise[i].variance;
    amount->turnover += noise[i].moved;
  }
}

void hd_side_finish(struct hd_side *side)
{
  double runs = (double)side->runs;
  for (size_t i = 0; side->runs && i < side->amounts.count; i++) {
    struct hd_side_amount *amount = &side->amounts.items[i];
    double mean = amount->value / runs;
    double spread = side->runs > 1 ? (amount->spread - runs * mean * mean) / (runs - 1) : 0;
    *amount = (struct hd_side_amount){
        .value = mean, .variance = amount->variance / runs, .spread = spread > 0 ? spread : 0};
  }
}

/* --- from a series ------------------------------------------------------------------- */

/* Of a label of the series: what a chain says of it. */
struct label {
  uint32_t frame;  /* 0: not made yet */
  uint32_t module; /* of the pool */
  bool wrapper, named;
};

struct run {
  struct hd_side *side;
  const struct hd_series *series;
  const struct hd_side_options *options;
  struct label *labels; /* [label number] */
  uint32_t *lowest;     /* [label number]: lowest line of its function */
  uint32_t *modules;    /* of one stack */
  uint32_t *chain;
};

static bool look_at_frames(struct run *run)
{
  const struct hd_series *series = run->series;
  const struct hd_filters filters = {.wrappers = run->options->wrappers,
                                     .wrapper_count = run->options->wrapper_count};
  struct hd_frames frames = {.pool = series->pool, .filters = &filters};
  bool fine = true;
  for (size_t i = 0; fine && i < series->frame_labels.count; i++) {
    uint32_t id = series->frame_labels.items[i];
    if (!id)
      continue;
    const struct hd_pool_frame *frame = hd_pool_frame(series->pool, (uint32_t)i + 1);
    uint8_t flags = hd_frame_flags(&frames, (uint32_t)i + 1);
    struct label *label = &run->labels[id - 1];
    label->module = frame->module;
    label->named = frame->function != 0;
    label->wrapper |= (flags & HD_FRAME_WRAPPER) != 0;
    fine = flags != 0;
  }
  hd_frames_deinit(&frames);
  return fine;
}

struct function_key {
  uint32_t function, file;
};

static bool function_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_row *have = &((const struct hd_row *)context)[id - 1];
  const struct function_key *want = key;
  return have->key.function == want->function && have->key.file == want->file;
}

/* The lowest line of each function, kept at its first label. */
static bool find_lowest(struct run *run)
{
  const struct hd_row *labels = run->series->labels.items;
  struct hd_index index = {0};
  bool fine = true;
  for (int pass = 0; fine && pass < 2; pass++)
    for (size_t i = 0; fine && i < run->series->labels.count; i++) {
      struct function_key key = {labels[i].key.function, labels[i].key.file};
      uint64_t hash = hd_hash(&key, sizeof key);
      uint32_t id = hd_index_find(&index, hash, function_equal, labels, &key);
      if (!id) {
        id = (uint32_t)i + 1;
        fine = hd_index_add(&index, hash, id);
      }
      uint32_t *lowest = &run->lowest[id - 1], line = labels[i].key.line;
      if (pass)
        run->lowest[i] = *lowest;
      else if (line && (!*lowest || line < *lowest))
        *lowest = line;
    }
  hd_index_deinit(&index);
  return fine;
}

static uint32_t module_path(const struct run *run, uint32_t module)
{
  return module ? run->series->pool->modules.items[module - 1].path : 0;
}

/* "[libc.so.6]": code without a name is told by where it is, not by its address. */
static bool name_of_module(struct run *run, uint32_t module, uint32_t *function)
{
  const struct hd_pool *pool = run->series->pool;
  const char *path = module ? hd_pool_text(pool, pool->modules.items[module - 1].path) : "";
  char text[300];
  int length = snprintf(text, sizeof text, "[%.250s]", path[0] ? hd_base_name(path) : "unknown");
  return hd_strings_intern(run->side->frames->strings, text, (size_t)length, function);
}

static bool stable_function(struct run *run, uint32_t name, uint32_t *function)
{
  struct hd_buffer text = HD_BUFFER_INIT;
  hd_stable_name(&text, hd_pool_text(run->series->pool, name));
  bool fine = !text.failed && hd_strings_intern(run->side->frames->strings, hd_buffer_text(&text),
                                                text.length, function);
  hd_buffer_deinit(&text);
  return fine;
}

static bool make_frame(struct run *run, uint32_t id)
{
  const struct hd_series *series = run->series;
  const struct hd_row *item = &series->labels.items[id - 1];
  struct label *label = &run->labels[id - 1];
  struct hd_side_frame frame = {.line = HD_NO_LINE};
  const char *file = hd_base_name(hd_pool_text(series->pool, item->key.file));
  uint32_t start = item->start_line;
  if (!hd_strings_intern(run->side->frames->strings, file, strlen(file), &frame.file) ||
      !stable_function(run, item->key.function, &frame.function))
    return false;
  if (!frame.function && !frame.file && !name_of_module(run, label->module, &frame.function))
    return false;
  if (!start || start > item->key.line) {
    start = run->lowest[id - 1];
    frame.lowest = true;
  }
  if (item->key.line && start && frame.function)
    frame.line = (int32_t)(item->key.line - start);
  else
    frame.lowest = false;
  return hd_side_frame_intern(run->side->frames, &frame, &label->frame);
}

/* What begins a program, a thread or a goroutine, where it has a name. */
static bool is_start(const char *function)
{
  static const char *const starts[] = {"_start",
                                       "__libc_start_main",
                                       "__libc_start_main_impl",
                                       "__libc_start_call_main",
                                       "start_thread",
                                       "clone",
                                       "clone3",
                                       "__clone3",
                                       "runtime.main",
                                       "runtime.goexit"};
  for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
    if (strcmp(function, starts[i]) == 0)
      return true;
  return false;
}

/* The chain of a row, from its site on, in run->chain: recursion counts once. The label
 * of the site in *site. 0 on want of memory. */
static size_t chain_of(struct run *run, const uint32_t *ids, size_t count, uint32_t *site)
{
  size_t from = 0, to = count, made = 0;
  while (from < count && run->labels[ids[from] - 1].wrapper)
    from++;
  from = from < count ? from : 0;
  while (to > from + 1) {
    uint32_t last = ids[to - 1] - 1;
    const char *name =
        hd_pool_text(run->series->pool, run->series->labels.items[last].key.function);
    if (run->labels[last].named && !is_start(name))
      break;
    to--;
  }
  for (size_t i = from; i < to; i++) {
    struct label *label = &run->labels[ids[i] - 1];
    if (!label->frame && !make_frame(run, ids[i]))
      return 0;
    if (!made || run->chain[made - 1] != label->frame)
      run->chain[made++] = label->frame;
  }
  *site = ids[from];
  return made;
}

static uint32_t hidden_by(struct run *run, const uint32_t *ids, size_t count)
{
  if (!run->options->hide)
    return 0;
  for (size_t i = 0; i < count; i++)
    run->modules[i] = run->labels[ids[i] - 1].module;
  return run->options->hide(run->options->context, run->series, ids, run->modules, count);
}

/* Adds a stack to its row. What is hidden of a row is a share by its first measure. */
static bool add_stack(struct run *run, size_t point, size_t row, struct hd_row_noise *const *noise,
                      uint32_t *where)
{
  struct hd_side *side = run->side;
  const struct hd_row *item = &run->series->rows.items[row];
  const uint32_t *ids = run->series->stack_labels.items + item->first;
  uint32_t site = 0;
  bool any = false;
  for (size_t c = 0; c < side->columns; c++)
    any |= hd_series_flat(run->series, point, row, side->measures[c]) != 0;
  if (!any)
    return true;
  size_t count = chain_of(run, ids, item->count, &site);
  uint32_t id = count ? hd_side_row_of(side, run->chain, count) : 0;
  if (!id)
    return false;
  *where = id;
  struct hd_side_row *to = &side->rows.items[id - 1];
  struct hd_side_amount *amounts = &side->amounts.items[(id - 1) * side->columns];
  const struct hd_label_key *key = &run->series->labels.items[site - 1].key;
  uint32_t suppression = hidden_by(run, ids, item->count);
  double had = amounts->value + amounts->run, more = 0;
  to->path = key->file;
  to->place = key->line;
  to->name = key->function;
  to->module = module_path(run, run->labels[site - 1].module);
  for (size_t c = 0; c < side->columns; c++) {
    double value = hd_series_flat(run->series, point, row, side->measures[c]);
    amounts[c].run += value;
    amounts[c].variance += noise[c][row].variance;
    side->sampled |= noise[c][row].variance > 0;
    more = c ? more : value;
  }
  if (suppression)
    to->suppression = suppression;
  if (had + more > 0)
    to->hidden = (to->hidden * had + (suppression ? more : 0)) / (had + more);
  return true;
}

static bool end_run(struct hd_side *side)
{
  size_t totals = side->run_totals.count;
  if (!hd_vec_reserve(&side->run_totals, side->columns))
    return false;
  memset(side->run_totals.items + totals, 0, side->columns * sizeof(double));
  side->run_totals.count += side->columns;
  for (size_t i = 0; i < side->amounts.count; i++) {
    struct hd_side_amount *amount = &side->amounts.items[i];
    struct hd_side_run_value value = {(uint32_t)(i / side->columns), (uint16_t)(i % side->columns),
                                      (uint16_t)side->runs, amount->run};
    if (side->keep_runs && amount->run != 0 && !hd_vec_push(&side->run_values, value))
      return false;
    side->run_totals.items[totals + i % side->columns] += amount->run;
    amount->value += amount->run;
    amount->spread += amount->run * amount->run;
    amount->run = 0;
  }
  side->runs++;
  return true;
}

static size_t deepest(const struct hd_series *series)
{
  size_t most = 1;
  for (size_t i = 0; i < series->rows.count; i++)
    if (series->rows.items[i].count > most)
      most = series->rows.items[i].count;
  return most;
}

static bool add_stacks(struct run *run, size_t point, uint32_t *rows, struct hd_error *error)
{
  struct hd_side *side = run->side;
  struct hd_row_noise *noise[HD_MEASURES] = {NULL};
  size_t count = run->series->rows.count;
  bool fine = true;
  for (size_t c = 0; fine && c < side->columns; c++) {
    noise[c] = hd_alloc_zeroed(count, sizeof *noise[c]);
    fine = noise[c] != NULL;
    if (fine)
      hd_noise_at(run->series, side->measures[c], point, noise[c]);
  }
  for (size_t row = 0; fine && row < count; row++) {
    uint32_t where = 0;
    fine = add_stack(run, point, row, noise, &where);
    if (rows)
      rows[row] = where;
  }
  for (size_t c = 0; c < side->columns; c++)
    hd_free(noise[c]);
  return fine || hd_fail_memory(error);
}

bool hd_side_add_run(struct hd_side *side, const struct hd_series *series, size_t point,
                     const struct hd_side_options *options, uint32_t *rows, struct hd_error *error)
{
  size_t labels = series->labels.count, depth = deepest(series);
  if (side->runs >= HD_MOST_RUNS)
    return hd_fail_usage(error, "there are more than %d runs", HD_MOST_RUNS);
  if (!side->columns)
    hd_side_set_measures(side, series->has);
  /* What one run lacks, none has: absent is not zero. */
  for (size_t c = 0; c < side->columns; c++)
    if (!series->has[side->measures[c]])
      side->column[side->measures[c]] = -1;
  struct run run = {.side = side, .series = series, .options = options};
  run.labels = hd_alloc_zeroed(labels, sizeof *run.labels);
  run.lowest = hd_alloc_zeroed(labels, sizeof *run.lowest);
  run.modules = hd_alloc_zeroed(depth, sizeof *run.modules);
  run.chain = hd_alloc_zeroed(depth, sizeof *run.chain);
  bool fine = run.labels && run.lowest && run.modules && run.chain;
  fine = (fine && look_at_frames(&run) && find_lowest(&run)) || hd_fail_memory(error);
  fine = fine && add_stacks(&run, point, rows, error);
  if (fine) {
    uint64_t rate = series->points.items[point].rate;
    side->rate = rate > side->rate ? rate : side->rate;
    fine = end_run(side) || hd_fail_memory(error);
  }
  hd_free(run.labels);
  hd_free(run.lowest);
  hd_free(run.modules);
  hd_free(run.chain);
  return fine;
}
