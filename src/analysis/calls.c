#include "analysis/calls.h"

#include "analysis/names.h"
#include "analysis/pprof_labels.h"

#include <inttypes.h>
#include <math.h>
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

static const char *name_of(struct hd_calls *calls, const struct hd_label_key *key)
{
  const struct hd_pool *pool = calls->series->pool;
  if (key->function || key->file) {
    const char *text = hd_pool_text(pool, key->function ? key->function : key->file);
    return hd_arena_copy(&calls->arena, text, strlen(text));
  }
  uint32_t module = key->module ? pool->modules.items[key->module - 1].path : 0;
  const char *path = hd_pool_text(pool, module);
  return hd_arena_printf(&calls->arena, "[%s]", path[0] ? hd_base_name(path) : "unknown");
}

/* A label is a node: by function they are told apart as rows are. */
static bool name_labels(struct hd_calls *calls)
{
  const struct hd_series *series = calls->series;
  for (size_t i = 0; i < series->labels.count; i++) {
    struct hd_call_node node = {.name = name_of(calls, &series->labels.items[i].key), .kept = true};
    if (!node.name || !hd_vec_push(&calls->nodes, node))
      return false;
  }
  return true;
}

/* --- passes over all contexts ---------------------------------------------------------- */

/* A table of calls, as millions are looked up: open addressing, a power of two, at most
 * half full. */
struct call_table {
  uint32_t *slots; /* call number + 1; 0 free */
  size_t size;
};

struct pass {
  struct hd_calls *calls;
  const struct hd_survey *survey;
  double *value, *own; /* [context]: of what is allocated below it, and in it */
  bool *live;          /* [context]: there is anything in it or below */
  /* [node], [call]: up to which context what is there has been counted already, by one that
   * is called from there: recursion counts once. */
  uint32_t *node_covered;
  HD_VEC(uint32_t) call_covered;
  HD_VEC(double) weights; /* [call] */
  double *flat, *cum;     /* [node] */
  uint32_t *innermost;    /* [context]: the innermost kept node from the root, + 1 */
  struct call_table table;
};

static void pass_deinit(struct pass *pass)
{
  hd_free(pass->value);
  hd_free(pass->own);
  hd_free(pass->live);
  hd_free(pass->node_covered);
  hd_vec_deinit(&pass->call_covered);
  hd_vec_deinit(&pass->weights);
  hd_free(pass->flat);
  hd_free(pass->cum);
  hd_free(pass->innermost);
  hd_free(pass->table.slots);
}

static bool pass_init(struct pass *pass, struct hd_calls *calls, const struct hd_survey *survey)
{
  size_t contexts = survey->contexts->nodes.count, nodes = calls->nodes.count + 1;
  *pass = (struct pass){.calls = calls, .survey = survey};
  pass->value = hd_alloc_zeroed(contexts, sizeof *pass->value);
  pass->own = hd_alloc_zeroed(contexts, sizeof *pass->own);
  pass->live = hd_alloc_zeroed(contexts, sizeof *pass->live);
  pass->node_covered = hd_alloc_zeroed(nodes, sizeof *pass->node_covered);
  pass->flat = hd_alloc_zeroed(nodes, sizeof *pass->flat);
  pass->cum = hd_alloc_zeroed(nodes, sizeof *pass->cum);
  pass->innermost = hd_alloc_zeroed(contexts, sizeof *pass->innermost);
  return pass->value && pass->own && pass->live && pass->node_covered && pass->flat && pass->cum &&
         pass->innermost;
}

/* Adds a snapshot's values, or takes them off. */
static void add_tally(struct pass *pass, const struct hd_tally *tally, enum hd_measure measure,
                      double sign)
{
  const struct hd_survey *survey = pass->survey;
  size_t columns = tally->columns.count, column = 0;
  while (column < columns && tally->columns.measures[column] != measure)
    column++;
  for (size_t i = 0; column < columns && i < tally->buckets.count; i++) {
    uint32_t own = survey->aims[tally->buckets.items[i]].own;
    if (own)
      pass->own[survey->owns.items[own - 1].context] +=
          sign * tally->values.items[i * columns + column];
  }
}

/* The root is no function: nothing is known of a stack without frames. */
static void sum_up(struct pass *pass)
{
  const struct hd_context *nodes = pass->survey->contexts->nodes.items;
  for (size_t i = pass->survey->contexts->nodes.count; i-- > 1;) {
    bool own = pass->own[i] < 0 || pass->own[i] > 0;
    pass->live[i] |= own;
    pass->value[i] += pass->own[i];
    pass->value[nodes[i].parent] += pass->value[i];
    pass->live[nodes[i].parent] |= pass->live[i];
  }
}

/* The frames of a context, innermost first. */
static struct hd_span frames_of(const struct pass *pass, uint32_t context)
{
  return pass->survey->at.spans.items[hd_survey_place(pass->survey, context)];
}

static uint32_t node_at(const struct pass *pass, uint32_t frame)
{
  return pass->survey->at.frames.items[frame].label - 1;
}

static void sum_nodes(struct pass *pass)
{
  struct hd_calls *calls = pass->calls;
  const struct hd_contexts *contexts = pass->survey->contexts;
  for (uint32_t i = 1; i < contexts->nodes.count; i++) {
    if (!pass->live[i])
      continue;
    struct hd_span span = frames_of(pass, i);
    for (uint32_t j = span.count; j-- > 0;) {
      uint32_t node = node_at(pass, span.first + j);
      if (i < pass->node_covered[node])
        continue;
      pass->node_covered[node] = contexts->ends[i];
      pass->cum[node] += pass->value[i];
    }
    if (span.count)
      pass->flat[node_at(pass, span.first)] += pass->own[i];
  }
  for (size_t i = 0; i < calls->nodes.count; i++) {
    calls->nodes.items[i].flat = llround(pass->flat[i]);
    calls->nodes.items[i].cum = llround(pass->cum[i]);
  }
}

/* --- calls -------------------------------------------------------------------------- */

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

static bool add_call(struct pass *pass, uint32_t caller, uint32_t callee, uint32_t context,
                     bool inlined)
{
  struct hd_calls *calls = pass->calls;
  if (2 * calls->calls.count >= pass->table.size &&
      !grow_table(&pass->table, calls->calls.items, calls->calls.count))
    return false;
  size_t slot = slot_of(&pass->table, calls->calls.items, caller, callee);
  if (!pass->table.slots[slot]) {
    struct hd_call made = {caller, callee, 0, inlined};
    if (!hd_vec_push(&calls->calls, made) || !hd_vec_push(&pass->call_covered, 0) ||
        !hd_vec_push(&pass->weights, 0))
      return false;
    pass->table.slots[slot] = (uint32_t)calls->calls.count;
  }
  size_t at = pass->table.slots[slot] - 1;
  if (context < pass->call_covered.items[at])
    return true;
  pass->call_covered.items[at] = pass->survey->contexts->ends[context];
  pass->weights.items[at] += pass->value[context];
  calls->calls.items[at].inlined &= inlined;
  return true;
}

/* Calls within a context and into it, from the outermost frame on. */
static bool add_calls_at(struct pass *pass, uint32_t context)
{
  const struct hd_survey *survey = pass->survey;
  const struct hd_call_node *nodes = pass->calls->nodes.items;
  struct hd_span span = frames_of(pass, context);
  uint32_t caller = pass->innermost[survey->contexts->nodes.items[context].parent];
  for (uint32_t j = span.count; j-- > 0;) {
    uint32_t node = node_at(pass, span.first + j);
    if (!nodes[node].kept)
      continue;
    bool wanted = caller && caller - 1 != node && (nodes[node].wanted || nodes[caller - 1].wanted);
    bool inlined = survey->at.frames.items[span.first + j].flags & HD_PLACE_INLINED;
    if (wanted && !add_call(pass, caller - 1, node, context, inlined))
      return false;
    caller = node + 1;
  }
  pass->innermost[context] = caller;
  return true;
}

static bool add_calls(struct pass *pass)
{
  struct hd_calls *calls = pass->calls;
  for (uint32_t i = 1; i < pass->survey->contexts->nodes.count; i++)
    if (pass->live[i] && !add_calls_at(pass, i))
      return false;
  for (size_t i = 0; i < calls->calls.count; i++)
    calls->calls.items[i].weight = llround(pass->weights.items[i]);
  return true;
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
static bool build(struct pass *pass, const struct hd_calls_options *options)
{
  struct hd_calls *calls = pass->calls;
  int64_t sum = 0;
  sum_up(pass);
  sum_nodes(pass);
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
  if (!add_calls(pass))
    return false;
  drop_calls(calls, (int64_t)(whole * HD_PPROF_EDGE_FRACTION));
  return true;
}

bool hd_calls_init(struct hd_calls *calls, const struct hd_calls_source *source,
                   const struct hd_calls_options *options, struct hd_error *error)
{
  struct pass pass = {0};
  *calls = (struct hd_calls){.series = source->series, .diff = source->before != NULL};
  bool fine = name_labels(calls) && pass_init(&pass, calls, source->survey);
  if (fine) {
    add_tally(&pass, source->after, source->measure, 1);
    if (source->before)
      add_tally(&pass, source->before, source->measure, -1);
    fine = build(&pass, options);
  }
  pass_deinit(&pass);
  return fine || hd_fail_memory(error);
}

void hd_calls_deinit(struct hd_calls *calls)
{
  hd_vec_deinit(&calls->nodes);
  hd_vec_deinit(&calls->calls);
  hd_vec_deinit(&calls->sorted);
  hd_arena_deinit(&calls->arena);
}
