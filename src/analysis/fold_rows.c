/* The rows of a snapshot, and pairs of them that were inlined. */
#include "analysis/fold_state.h"

#include <string.h>

/* Makes room for one more set of values, of zeros. */
static bool add_zeros(const struct hd_fold *fold, struct hd_values *values)
{
  if (!hd_vec_reserve(values, fold->columns.count))
    return false;
  for (size_t i = 0; i < fold->columns.count; i++)
    values->items[values->count++] = 0;
  return true;
}

static uint32_t new_row(struct hd_fold *fold, struct hd_fold_row row)
{
  if (!add_zeros(fold, &fold->flat) || !hd_vec_push(&fold->row_stamps, 0) ||
      (fold->want_cum && !add_zeros(fold, &fold->cum)) || !hd_vec_push(&fold->rows, row))
    return 0;
  return (uint32_t)fold->rows.count;
}

uint32_t hd_fold_label_row(struct hd_fold *fold, uint32_t label, uint32_t frame)
{
  uint32_t *row = &fold->row_of_label[label - 1];
  if (!*row)
    *row = new_row(fold, (struct hd_fold_row){.label = label, .frame = frame});
  return *row;
}

struct stack_key {
  const uint32_t *labels;
  size_t count;
};

static bool stack_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_fold *fold = context;
  const struct hd_fold_row *have = &fold->rows.items[id - 1];
  const struct stack_key *want = key;
  return have->count == want->count && memcmp(fold->stack_labels.items + have->first, want->labels,
                                              want->count * sizeof *want->labels) == 0;
}

uint32_t hd_fold_stack_row(struct hd_fold *fold, size_t first, uint32_t frame)
{
  struct stack_key key = {fold->stack_labels.items + first, fold->stack_labels.count - first};
  uint64_t hash = hd_hash(key.labels, key.count * sizeof *key.labels);
  uint32_t id = hd_index_find(&fold->stack_index, hash, stack_equal, fold, &key);
  if (id) {
    fold->stack_labels.count = first;
    return id;
  }
  struct hd_fold_row row = {.label = key.labels[0],
                            .frame = frame,
                            .first = (uint32_t)first,
                            .count = (uint32_t)key.count};
  id = new_row(fold, row);
  return id && hd_index_add(&fold->stack_index, hash, id) ? id : 0;
}

static bool edge_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_fold *fold = context;
  const struct hd_edge *have = &fold->edges.items[id - 1], *want = key;
  return have->outer == want->outer && have->inner == want->inner;
}

uint32_t hd_fold_edge(struct hd_fold *fold, uint32_t outer, uint32_t inner)
{
  struct hd_edge edge = {outer - 1, inner - 1};
  uint64_t hash = hd_hash(&edge, sizeof edge);
  uint32_t id = hd_index_find(&fold->edge_index, hash, edge_equal, fold, &edge);
  if (id)
    return id;
  if (!add_zeros(fold, &fold->edge_values) || !hd_vec_push(&fold->edge_stamps, 0) ||
      !hd_vec_push(&fold->edges, edge))
    return 0;
  id = (uint32_t)fold->edges.count;
  return hd_index_add(&fold->edge_index, hash, id) ? id : 0;
}
