/* From frames to the labels of rows: which fields a grouping tells apart. */
#include "analysis/labels.h"

#include <string.h>

static struct hd_label_key key_of(const struct hd_pool_frame *frame, enum hd_grouping by)
{
  struct hd_label_key key = {frame->function, frame->file, frame->line, frame->module,
                             frame->offset};
  bool named = frame->function || frame->file;
  switch (by) {
  case HD_BY_SITE:
  case HD_BY_STACK: break;
  case HD_BY_FUNCTION:
    key.file = frame->function ? 0 : key.file;
    key.line = 0;
    key.offset = 0;
    break;
  case HD_BY_LINE:
    key.function = frame->file ? 0 : key.function;
    break;
  case HD_BY_FILE:
    key.function = key.line = 0;
    key.offset = 0;
    break;
  case HD_BY_MODULE: return (struct hd_label_key){.module = frame->module};
  }
  /* Two builds of a program are two modules: names alone tell their lines apart,
   * the module only where there is no file. */
  if (named && (key.file || (by == HD_BY_FUNCTION && key.function)))
    key.module = 0;
  return key;
}

struct label_search {
  const struct hd_pool *pool;
  const struct hd_row *rows;
};

/* What a module is told by. For names its path: two builds of a library are one
 * row. For a bare address its build-id, wherever the file lies: the same offset is
 * another place in another build. */
static uint64_t module_of(const struct hd_pool *pool, const struct hd_label_key *key)
{
  if (!key->module)
    return 0;
  const struct hd_pool_module *module = &pool->modules.items[key->module - 1];
  return key->offset && module->build_id ? (uint64_t)1 << 32 | module->build_id : module->path;
}

static bool label_equal(const void *context, uint32_t id, const void *key)
{
  const struct label_search *search = context;
  const struct hd_label_key *have = &search->rows[id - 1].key, *want = key;
  return have->function == want->function && have->file == want->file &&
         have->line == want->line && have->offset == want->offset &&
         module_of(search->pool, have) == module_of(search->pool, want);
}

static uint64_t label_hash(const struct hd_pool *pool, const struct hd_label_key *key)
{
  uint64_t parts[5] = {key->function, key->file, key->line, module_of(pool, key),
                       key->offset};
  return hd_hash(parts, sizeof parts);
}

static uint32_t intern(struct hd_series *series, const struct hd_label_key *key)
{
  struct label_search search = {series->pool, series->labels.items};
  uint64_t hash = label_hash(series->pool, key);
  uint32_t id = hd_index_find(&series->label_index, hash, label_equal, &search, key);
  if (id)
    return id;
  if (!hd_vec_push(&series->labels, (struct hd_row){.key = *key}))
    return 0;
  id = (uint32_t)series->labels.count;
  return hd_index_add(&series->label_index, hash, id) ? id : 0;
}

uint32_t hd_label_of_frame(struct hd_series *series, uint32_t frame)
{
  if (series->frame_labels.count < series->pool->frames.count) {
    size_t more = series->pool->frames.count - series->frame_labels.count;
    if (!hd_vec_reserve(&series->frame_labels, more))
      return 0;
    memset(series->frame_labels.items + series->frame_labels.count, 0, more * sizeof(uint32_t));
    series->frame_labels.count += more;
  }
  uint32_t *label = &series->frame_labels.items[frame - 1];
  if (!*label) {
    const struct hd_pool_frame *source = hd_pool_frame(series->pool, frame);
    struct hd_label_key key = key_of(source, series->by);
    *label = intern(series, &key);
  }
  return *label;
}

uint32_t hd_label_of_nothing(struct hd_series *series)
{
  struct hd_label_key key = {0};
  return intern(series, &key);
}

/* What a label's first row is of: the line its function begins at is that frame's. */
static struct hd_row row_of(const struct hd_series *series, uint32_t label, uint32_t frame)
{
  struct hd_row row = series->labels.items[label - 1];
  if (frame && series->by != HD_BY_MODULE)
    row.start_line = hd_pool_frame(series->pool, frame)->start_line;
  return row;
}

uint32_t hd_row_of_label(struct hd_series *series, uint32_t label, uint32_t frame)
{
  if (series->label_rows.count < series->labels.count) {
    size_t more = series->labels.count - series->label_rows.count;
    if (!hd_vec_reserve(&series->label_rows, more))
      return 0;
    memset(series->label_rows.items + series->label_rows.count, 0, more * sizeof(uint32_t));
    series->label_rows.count += more;
  }
  uint32_t *row = &series->label_rows.items[label - 1];
  if (!*row && hd_vec_push(&series->rows, row_of(series, label, frame)))
    *row = (uint32_t)series->rows.count;
  return *row;
}

struct stack_key {
  const uint32_t *labels;
  size_t count;
};

static bool stack_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_series *series = context;
  const struct hd_row *have = &series->rows.items[id - 1];
  const struct stack_key *want = key;
  return have->count == want->count &&
         memcmp(series->stack_labels.items + have->first, want->labels,
                want->count * sizeof *want->labels) == 0;
}

uint32_t hd_row_of_stack(struct hd_series *series, const uint32_t *labels, size_t count,
                         uint32_t frame)
{
  struct stack_key key = {labels, count};
  uint64_t hash = hd_hash(labels, count * sizeof *labels);
  uint32_t id = hd_index_find(&series->stack_index, hash, stack_equal, series, &key);
  if (id)
    return id;
  struct hd_row row = row_of(series, labels[0], frame);
  row.first = (uint32_t)series->stack_labels.count;
  row.count = (uint32_t)count;
  if (!hd_vec_reserve(&series->stack_labels, count) || !hd_vec_push(&series->rows, row))
    return 0;
  memcpy(series->stack_labels.items + row.first, labels, count * sizeof *labels);
  series->stack_labels.count += count;
  id = (uint32_t)series->rows.count;
  return hd_index_add(&series->stack_index, hash, id) ? id : 0;
}

static bool edge_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_series *series = context;
  const struct hd_edge *have = &series->edges.items[id - 1], *want = key;
  return have->outer == want->outer && have->inner == want->inner;
}

uint32_t hd_edge_of(struct hd_series *series, uint32_t outer, uint32_t inner)
{
  struct hd_edge edge = {outer, inner};
  uint64_t hash = hd_hash(&edge, sizeof edge);
  uint32_t id = hd_index_find(&series->edge_index, hash, edge_equal, series, &edge);
  if (id)
    return id;
  if (!hd_vec_push(&series->edges, edge))
    return 0;
  id = (uint32_t)series->edges.count;
  return hd_index_add(&series->edge_index, hash, id) ? id : 0;
}
