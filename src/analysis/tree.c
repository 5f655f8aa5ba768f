#include "analysis/tree.h"

#include "analysis/calls.h"
#include "analysis/headline.h"
#include "analysis/list.h"
#include "analysis/pprof_labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tree {
  const struct hd_tree_options *options;
  const struct hd_calls *calls;
  struct hd_view *view;
  struct hd_error *error;
  int64_t base; /* of the percentages */
  int64_t sum;  /* of the flats so far */
  /* Call numbers, those of a node together: [first[node] .. first[node + 1]). */
  uint32_t *into, *out_of;
  size_t *first_into, *first_out_of;
};

static struct hd_cell ratio(int64_t value, int64_t whole)
{
  double part = whole ? (double)value / (double)whole : 0;
  return (struct hd_cell){.kind = HD_CELL_PPROF_RATIO, .number = part};
}

static uint32_t end_of(const struct hd_call *call, bool callee)
{
  return callee ? call->callee : call->caller;
}

/* Numbers of the calls, by the node at one end, found by counting. */
static bool group(const struct hd_calls *calls, bool callee, uint32_t **items, size_t **first)
{
  size_t nodes = calls->nodes.count, count = calls->calls.count;
  *items = hd_alloc_zeroed(count + 1, sizeof **items);
  *first = hd_alloc_zeroed(nodes + 2, sizeof **first);
  if (!*items || !*first)
    return false;
  /* first[node + 1] runs from where the node begins to where the next one does. */
  for (size_t i = 0; i < count; i++)
    (*first)[end_of(&calls->calls.items[i], callee) + 2]++;
  for (size_t i = 2; i < nodes + 2; i++)
    (*first)[i] += (*first)[i - 1];
  for (size_t i = 0; i < count; i++)
    (*items)[(*first)[end_of(&calls->calls.items[i], callee) + 1]++] = (uint32_t)i;
  return true;
}

static int64_t absolute(int64_t value)
{
  return value < 0 ? -value : value;
}

/* By absolute weight, then by the names of both ends. */
static int by_weight(const void *left, const void *right, void *context)
{
  const struct hd_calls *calls = context;
  const struct hd_call *a = &calls->calls.items[*(const uint32_t *)left];
  const struct hd_call *b = &calls->calls.items[*(const uint32_t *)right];
  int64_t x = absolute(a->weight), y = absolute(b->weight);
  if (x != y)
    return (x < y) - (x > y);
  int callers = strcmp(calls->nodes.items[a->caller].name, calls->nodes.items[b->caller].name);
  return callers ? callers
                 : strcmp(calls->nodes.items[a->callee].name, calls->nodes.items[b->callee].name);
}

static bool add_callers(struct tree *tree, uint32_t *calls, size_t count, bool in, int64_t cum)
{
  if (count > 1)
    qsort_r(calls, count, sizeof *calls, by_weight, (void *)(uintptr_t)tree->calls);
  for (size_t i = 0; i < count; i++) {
    const struct hd_call *call = &tree->calls->calls.items[calls[i]];
    const struct hd_call_node *node = &tree->calls->nodes.items[in ? call->caller : call->callee];
    struct hd_caller made = {.name = hd_view_text(tree->view, node->name),
                             .inlined = call->inlined,
                             .weight = hd_measure_cell(tree->options->measure, call->weight, false),
                             .share = ratio(call->weight, cum)};
    if (!made.name || !hd_vec_push(&tree->view->callers, made))
      return false;
  }
  return true;
}

static bool add_function(struct tree *tree, uint32_t number)
{
  const struct hd_call_node *node = &tree->calls->nodes.items[number];
  enum hd_measure measure = tree->options->measure;
  tree->sum += node->flat;
  struct hd_function made = {.name = hd_view_text(tree->view, node->name),
                             .flat = hd_measure_cell(measure, node->flat, false),
                             .flat_share = ratio(node->flat, tree->base),
                             .sum_share = ratio(tree->sum, tree->base),
                             .cum = hd_measure_cell(measure, node->cum, false),
                             .cum_share = ratio(node->cum, tree->base)};
  size_t in = tree->first_into[number], out = tree->first_out_of[number];
  made.callers = tree->first_into[number + 1] - in;
  made.callees = tree->first_out_of[number + 1] - out;
  made.first_caller = tree->view->callers.count;
  made.first_callee = made.first_caller + made.callers;
  return made.name && add_callers(tree, tree->into + in, made.callers, true, node->cum) &&
         add_callers(tree, tree->out_of + out, made.callees, false, node->cum) &&
         hd_vec_push(&tree->view->tree, made);
}

/* Functions that match and are not shown: they are there, and nothing was gained or lost in
 * them or below them. Returns how many; *name is one of them. */
static size_t idle_matches(const struct tree *tree, const char **name)
{
  size_t count = 0;
  for (size_t i = 0; i < tree->calls->nodes.count; i++) {
    const char *own = tree->calls->nodes.items[i].name;
    if (!hd_regex_search(tree->options->pattern, own, strlen(own)))
      continue;
    *name = count++ ? *name : own;
  }
  return count;
}

/* Says of so many functions, one of them `name`, that there is nothing to show. */
static bool say_idle(const struct tree *tree, size_t count, const char *name)
{
  bool several = count > 1;
  const char *filters = tree->options->filters, *are = several ? "are" : "is";
  const char *with = filters[0] ? " with " : "";
  char others[64] = "";
  if (several)
    snprintf(others, sizeof others, " and %zu more that match", count - 1);
  if (tree->calls->diff)
    return hd_fail_usage(tree->error,
                         "%s%s %s in the snapshots, but gained or lost nothing%s%s; a single "
                         "snapshot shows what %s",
                         name, others, are, with, filters, several ? "they hold" : "it holds");
  return hd_fail_usage(tree->error, "%s%s %s in the snapshot, but without any %s%s%s", name, others,
                       are, hd_measures[tree->options->measure].name, with, filters);
}

static bool nothing_matches(const struct tree *tree)
{
  char nearest[512];
  const char *idle = "";
  size_t idles = idle_matches(tree, &idle);
  if (idles)
    return say_idle(tree, idles, idle);
  hd_list_nearest(tree->calls->series, tree->options->pattern_text, nearest, sizeof nearest);
  return hd_fail_usage(tree->error, "no function %s matches '%s'%s%s%s",
                       tree->calls->diff ? "that gained or lost memory"
                                                : "with memory in it",
                       tree->options->pattern_text, nearest[0] ? ": did you mean " : "", nearest,
                       nearest[0] ? "?" : "");
}

static bool fill(struct tree *tree)
{
  const struct hd_calls *calls = tree->calls;
  struct hd_pprof_labels labels = {.measure = tree->options->measure,
                                   .diff = calls->diff,
                                   .base = tree->base,
                                   .filters = tree->options->filters,
                                   .dropped = calls->dropped,
                                   .shown = calls->sorted.count,
                                   .nodes = calls->left};
  int64_t least = 0;
  for (size_t i = 0; i < calls->sorted.count; i++) {
    const struct hd_call_node *node = &calls->nodes.items[calls->sorted.items[i]];
    labels.sum += node->flat;
    least = hd_pprof_least(least, node->flat, node->cum);
  }
  tree->view->unit = hd_pprof_unit(least, tree->base);
  if (!hd_pprof_labels_build(calls->series, &labels, tree->view, tree->error))
    return false;
  if (!group(calls, true, &tree->into, &tree->first_into) ||
      !group(calls, false, &tree->out_of, &tree->first_out_of))
    return hd_fail_memory(tree->error);
  for (size_t i = 0; i < calls->sorted.count; i++) {
    if (calls->nodes.items[calls->sorted.items[i]].wanted &&
        !add_function(tree, calls->sorted.items[i]))
      return hd_fail_memory(tree->error);
  }
  return !tree->options->pattern || tree->view->tree.count || nothing_matches(tree);
}

/* Of a difference the sum of all functions that grew, shown or not, as in top. */
static int64_t base_of(const struct hd_calls *calls, const struct hd_tree_options *options)
{
  if (calls->diff)
    return calls->gross;
  return hd_pprof_base(calls->series, options->measure, options->filters, calls->total);
}

bool hd_tree_build(const struct hd_calls_source *source, const struct hd_tree_options *options,
                   struct hd_view *view, struct hd_error *error)
{
  struct hd_calls calls;
  struct hd_calls_options trimming = {options->keep, options->cum,
                                      !options->pattern && !options->keep_small, options->pattern};
  bool fine = hd_calls_init(&calls, source, &trimming, error);
  struct tree tree = {.options = options, .calls = &calls, .view = view, .error = error};
  tree.base = fine ? base_of(&calls, options) : 0;
  fine = fine && fill(&tree);
  hd_free(tree.into);
  hd_free(tree.out_of);
  hd_free(tree.first_into);
  hd_free(tree.first_out_of);
  hd_calls_deinit(&calls);
  return fine;
}
