#include "analysis/calls.h"

#include "analysis/names.h"
#include "analysis/pprof_labels.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_wanted(const struct hd_regex *wanted, const char *name)
{
  return !wanted || hd_regex_search(wanted, name, strlen(name));
}

static int64_t absolute(int64_t value)
{
  return value < 0 ? -value : value;
}

/* --- nodes -------------------------------------------------------------------------- */

static bool same_node(const void *context, uint32_t id, const void *key)
{
  const struct hd_calls *calls = context;
  const struct hd_label_key *have = &calls->nodes.items[id - 1].key, *want = key;
  return have->function == want->function && have->file == want->file &&
         have->module == want->module;
}

/* As rows by function are told apart, modules by their paths. */
static struct hd_label_key key_of(const struct hd_pool *pool, const struct hd_label_key *label)
{
  if (label->function)
    return (struct hd_label_key){.function = label->function};
  if (label->file)
    return (struct hd_label_key){.file = label->file};
  uint32_t module = label->module;
  return (struct hd_label_key){.module = module ? pool->modules.items[module - 1].path : 0};
}

static const char *name_of(struct hd_calls *calls, const struct hd_label_key *key)
{
  const struct hd_pool *pool = calls->series->pool;
  if (key->function || key->file) {
    const char *text = hd_pool_text(pool, key->function ? key->function : key->file);
    return hd_arena_copy(&calls->arena, text, strlen(text));
  }
  const char *path = hd_pool_text(pool, key->module);
  return hd_arena_printf(&calls->arena, "[%s]", path[0] ? hd_base_name(path) : "unknown");
}

/* The node of a label, + 1; 0 on want of memory. */
static uint32_t node_of(struct hd_calls *calls, const struct hd_label_key *label)
{
  struct hd_label_key key = key_of(calls->series->pool, label);
  uint32_t words[] = {key.function, key.file, key.module};
  uint64_t hash = hd_hash(words, sizeof words);
  uint32_t id = hd_index_find(&calls->node_index, hash, same_node, calls, &key);
  if (id)
    return id;
  struct hd_call_node node = {.key = key, .name = name_of(calls, &key), .kept = true};
  if (!node.name || !hd_vec_push(&calls->nodes, node))
    return 0;
  id = (uint32_t)calls->nodes.count;
  return hd_index_add(&calls->node_index, hash, id) ? id : 0;
}

static bool is_nowhere(const struct hd_label_key *key)
{
  return !key->function && !key->file && !key->module && !key->offset;
}

/* A stack without frames has no node, as nothing is known of it. */
static bool name_labels(struct hd_calls *calls)
{
  const struct hd_series *series = calls->series;
  calls->node_of_label = hd_alloc_zeroed(series->labels.count + 1, sizeof(uint32_t));
  if (!calls->node_of_label)
    return false;
  for (size_t i = 0; i < series->labels.count; i++) {
    const struct hd_label_key *key = &series->labels.items[i].key;
    if (is_nowhere(key))
      continue;
    calls->node_of_label[i + 1] = node_of(calls, key);
    if (!calls->node_of_label[i + 1])
      return false;
  }
  return true;
}

/* --- passes over all stacks ------------------------------------------------------------ */

/* A table of calls, as millions are looked up: open addressing, a power of two, at most
 * half full. */
struct call_table {
  uint32_t *slots; /* call number + 1; 0 free */
  size_t size;
};

struct pass {
  struct hd_calls *calls;
  uint32_t *node_seen;        /* [node] -> number of the row that was there last */
  HD_VEC(uint32_t) call_seen; /* [call] the same */
  struct call_table table;
  uint32_t row;
  bool wants_calls; /* else flat and cum alone */
};

static size_t slot_of(const struct call_table *table, const struct hd_call *calls, uint32_t caller,
                      uint32_t callee)
{
  uint64_t hash = ((uint64_t)caller << 32 | callee) * 0x9e3779b97f4a7c15u;
  size_t at = (size_t)(hash >> 20) & (table->size - 1);
  while (table->slots[at] && (calls[table->slots[at] - 1].caller != caller ||
                              calls[table->slots[at] - 1].callee != callee))
    at = (at + 1) & (table->size - 1);
  return at;
}

static bool grow_table(struct call_table *table, const struct hd_call *calls, size_t count)
{
  struct call_table grown = {NULL, table->size ? 2 * table->size : 1024};
  grown.slots = hd_alloc_zeroed(grown.size, sizeof *grown.slots);
  if (!grown.slots)
    return false;
  for (size_t i = 0; i < count; i++)
    grown.slots[slot_of(&grown, calls, calls[i].caller, calls[i].callee)] = (uint32_t)i + 1;
  hd_free(table->slots);
  *table = grown;
  return true;
}

static bool add_call(struct pass *pass, uint32_t caller, uint32_t callee, bool inlined,
                     int64_t value)
{
  struct hd_calls *calls = pass->calls;
  if (2 * calls->calls.count >= pass->table.size &&
      !grow_table(&pass->table, calls->calls.items, calls->calls.count))
    return false;
  size_t slot = slot_of(&pass->table, calls->calls.items, caller, callee);
  if (!pass->table.slots[slot]) {
    struct hd_call made = {caller, callee, 0, inlined};
    if (!hd_vec_push(&calls->calls, made) || !hd_vec_push(&pass->call_seen, 0))
      return false;
    pass->table.slots[slot] = (uint32_t)calls->calls.count;
  }
  size_t at = pass->table.slots[slot] - 1;
  if (pass->call_seen.items[at] == pass->row)
    return true;
  pass->call_seen.items[at] = pass->row;
  calls->calls.items[at].weight += value;
  calls->calls.items[at].inlined &= inlined;
  return true;
}

/* From the root on; recursion counts once. */
static bool add_stack(struct pass *pass, const struct hd_row *row, int64_t value)
{
  struct hd_calls *calls = pass->calls;
  const uint32_t *labels = calls->series->stack_labels.items + row->first;
  uint32_t parent = 0;
  bool gap = false;
  for (uint32_t i = row->count; i-- > 0;) {
    uint32_t id = calls->node_of_label[labels[i]];
    if (!id || !calls->nodes.items[id - 1].kept) {
      gap = true;
      continue;
    }
    if (pass->node_seen[id - 1] != pass->row) {
      pass->node_seen[id - 1] = pass->row;
      calls->nodes.items[id - 1].cum += value;
    }
    bool wanted = pass->wants_calls && parent && parent != id &&
                  (calls->nodes.items[id - 1].wanted || calls->nodes.items[parent - 1].wanted);
    if (wanted && !add_call(pass, parent - 1, id - 1,
                            calls->series->labels.items[labels[i] - 1].key.inlined, value))
      return false;
    parent = id;
    gap = false;
  }
  if (parent && !gap)
    calls->nodes.items[parent - 1].flat += value;
  return true;
}

static bool add_stacks(struct hd_calls *calls, bool wants_calls)
{
  struct pass pass = {.calls = calls, .wants_calls = wants_calls};
  bool fine = true;
  for (size_t i = 0; i < calls->nodes.count; i++)
    calls->nodes.items[i].flat = calls->nodes.items[i].cum = 0;
  pass.node_seen = hd_alloc_zeroed(calls->nodes.count + 1, sizeof *pass.node_seen);
  for (size_t i = 0; pass.node_seen && fine && i < calls->gains->items.count; i++) {
    const struct hd_gain *gain = &calls->gains->items.items[i];
    pass.row = (uint32_t)i + 1;
    if (gain->growth)
      fine = add_stack(&pass, &calls->series->rows.items[gain->row], gain->growth);
  }
  fine &= pass.node_seen != NULL;
  hd_free(pass.node_seen);
  hd_vec_deinit(&pass.call_seen);
  hd_free(pass.table.slots);
  return fine;
}

/* --- trimming ------------------------------------------------------------------------- */

struct sorting {
  const struct hd_calls *calls;
  bool cum;
};

/* pprof's order: by absolute value, then by name, then by the other value. */
static int by_value(const void *left, const void *right, void *context)
{
  const struct sorting *sorting = context;
  const struct hd_call_node *a = &sorting->calls->nodes.items[*(const uint32_t *)left];
  const struct hd_call_node *b = &sorting->calls->nodes.items[*(const uint32_t *)right];
  int64_t x = absolute(sorting->cum ? a->cum : a->flat);
  int64_t y = absolute(sorting->cum ? b->cum : b->flat);
  if (x != y)
    return (x < y) - (x > y);
  int names = strcmp(a->name, b->name);
  if (names)
    return names;
  x = absolute(sorting->cum ? a->flat : a->cum);
  y = absolute(sorting->cum ? b->flat : b->cum);
  return (x < y) - (x > y);
}

/* The kept nodes in order; those with nothing in them are none. */
static bool sort(struct hd_calls *calls, bool cum)
{
  struct sorting sorting = {calls, cum};
  calls->sorted.count = 0;
  for (uint32_t i = 0; i < calls->nodes.count; i++) {
    struct hd_call_node *node = &calls->nodes.items[i];
    node->kept &= node->flat || node->cum;
    if (node->kept && !hd_vec_push(&calls->sorted, i))
      return false;
  }
  if (calls->sorted.count > 1)
    qsort_r(calls->sorted.items, calls->sorted.count, sizeof *calls->sorted.items, by_value,
            &sorting);
  return true;
}

static void drop_small(struct hd_calls *calls)
{
  for (size_t i = 0; i < calls->nodes.count; i++) {
    struct hd_call_node *node = &calls->nodes.items[i];
    if ((!node->flat && !node->cum) || absolute(node->cum) >= calls->node_cutoff)
      continue;
    node->kept = false;
    calls->dropped++;
  }
}

static void drop_calls(struct hd_calls *calls, int64_t cutoff)
{
  size_t kept = 0;
  for (size_t i = 0; i < calls->calls.count; i++)
    if (absolute(calls->calls.items[i].weight) >= cutoff)
      calls->calls.items[kept++] = calls->calls.items[i];
  calls->calls.count = kept;
}

/* What newTrimmedGraph of pprof's report.go gives: which nodes go is known by their flat and
 * cum alone, which the others' going does not change; calls then pass over them. */
static bool build(struct hd_calls *calls, const struct hd_calls_options *options)
{
  int64_t sum = 0;
  if (!name_labels(calls) || !add_stacks(calls, false))
    return false;
  for (size_t i = 0; i < calls->nodes.count; i++) {
    sum += calls->nodes.items[i].flat;
    calls->total += absolute(calls->nodes.items[i].flat);
    calls->gross += calls->nodes.items[i].flat > 0 ? calls->nodes.items[i].flat : 0;
  }
  double whole = options->trim ? (double)absolute(sum) : 0;
  calls->node_cutoff = (int64_t)(whole * HD_PPROF_NODE_FRACTION);
  drop_small(calls);
  if (!sort(calls, options->cum))
    return false;
  calls->left = calls->sorted.count;
  if (options->keep && options->keep < calls->sorted.count) {
    for (size_t i = options->keep; i < calls->sorted.count; i++)
      calls->nodes.items[calls->sorted.items[i]].kept = false;
    calls->sorted.count = options->keep;
  }
  for (size_t i = 0; i < calls->nodes.count; i++)
    calls->nodes.items[i].wanted = is_wanted(options->wanted, calls->nodes.items[i].name);
  if (!add_stacks(calls, true))
    return false;
  drop_calls(calls, (int64_t)(whole * HD_PPROF_EDGE_FRACTION));
  return true;
}

bool hd_calls_init(struct hd_calls *calls, const struct hd_series *series,
                   const struct hd_gains *gains, const struct hd_calls_options *options,
                   struct hd_error *error)
{
  *calls = (struct hd_calls){.series = series, .gains = gains};
  return build(calls, options) || hd_fail_memory(error);
}

void hd_calls_deinit(struct hd_calls *calls)
{
  hd_vec_deinit(&calls->nodes);
  hd_vec_deinit(&calls->calls);
  hd_vec_deinit(&calls->sorted);
  hd_free(calls->node_of_label);
  hd_index_deinit(&calls->node_index);
  hd_arena_deinit(&calls->arena);
}
