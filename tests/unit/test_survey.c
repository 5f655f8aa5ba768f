/* The two ways to a series, profile by profile (fold.c) and from the contexts of all stacks
 * (survey.h), give the same rows in the same order with the same values, whatever the stacks,
 * the grouping and the filters are: made-up profiles of every odd shape, from fixed seeds. */
#include "analysis/survey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static uint64_t state;

/* 0 .. below - 1 (xorshift64*). */
static uint32_t draw(uint32_t below)
{
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)((state * 0x2545f4914f6cdd1du) >> 33) % below;
}

/* --- profiles ------------------------------------------------------------------------ */

enum { SNAPSHOTS = 4, LOCATIONS = 40, RECORDS = 120, DEEPEST = 9 };

static const char *const functions[] = {
    "main",   "run",    "parse", "fill", "operator new(unsigned long)",
    "malloc", "leak_a", "again", "",     "std::vector<int>::push_back(int const&)"};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static uint32_t text(struct hd_profile *profile, const char *value)
{
  uint32_t id;
  assert_true(hd_profile_string(profile, value, strlen(value), &id, NULL));
  return id;
}

/* Of one to four frames, the inner ones inlined; some without any name. */
static uint32_t add_location(struct hd_profile *profile, uint32_t module, uint32_t number)
{
  struct hd_frame frames[4] = {{0}};
  size_t count = number % 7 ? 1 + number % 4 : 0;
  uint32_t id;
  for (size_t i = 0; i < count; i++) {
    uint32_t function = (number * 5 + (uint32_t)i * 3) % FUNCTIONS;
    frames[i].function = text(profile, functions[function]);
    frames[i].file = text(profile, number % 5 ? "src/work.c" : "");
    frames[i].line = 1 + (number + (uint32_t)i) % 3;
  }
  assert_true(hd_profile_add_location(profile, number % 3 ? module : 0, 16 + 16 * number, frames,
                                      count, false, &id, NULL));
  return id;
}

static uint32_t add_stack(struct hd_profile *profile, const uint32_t *locations)
{
  uint32_t stack[DEEPEST], id, depth = draw(DEEPEST + 1);
  for (uint32_t i = 0; i < depth; i++)
    stack[i] = locations[i + 1 == depth ? 0 : draw(LOCATIONS)];
  assert_true(hd_profile_add_stack(profile, stack, depth, depth && draw(9) == 0, &id, NULL));
  return id;
}

static uint32_t add_labels(struct hd_profile *profile)
{
  static const char *const states[] = {"select", "chan receive", "IO wait"};
  struct hd_label label = {text(profile, "goroutine state"), text(profile, states[draw(3)]), 0, 0};
  uint32_t id;
  assert_true(hd_profile_add_labels(profile, &label, 1, &id, NULL));
  return id;
}

static void add_records(struct hd_profile *profile, const uint32_t *locations, bool goroutines)
{
  for (uint32_t i = 0; i < RECORDS; i++) {
    bool sampled = !goroutines && draw(3);
    struct hd_record record = {.stack = add_stack(profile, locations),
                               .size = sampled ? 16u << draw(3) : draw(2) * 8,
                               .rate = sampled ? 4096 : 1,
                               .weight = sampled ? 64 >> draw(2) : 1};
    double values[HD_MEASURES], count = 1 + draw(9);
    for (size_t k = 0; k < HD_MEASURES; k++)
      values[k] = count * (double)(k + 1) * record.weight;
    if (goroutines && draw(2))
      record.labels = add_labels(profile);
    assert_true(hd_profile_add_record(profile, record, values, NULL));
    if (!goroutines && draw(3) == 0)
      assert_true(hd_profile_add_age(
          profile, (struct hd_age){(uint32_t)profile->records.count, draw(20), 1 + draw(5)}, NULL));
  }
}

/* The later ones have other locations, too, and not all of them the same measures. */
static struct hd_profile *make_profile(uint32_t number, bool goroutines)
{
  static const enum hd_measure heap[] = {HD_INUSE_SPACE, HD_INUSE_OBJECTS, HD_ALLOC_SPACE,
                                         HD_ALLOC_OBJECTS};
  struct hd_profile *profile;
  uint32_t module, locations[LOCATIONS];
  assert_true(hd_profile_create(&profile, NULL));
  if (goroutines)
    hd_profile_declare(profile, HD_GOROUTINES);
  for (size_t i = 0; !goroutines && i < 4 - (size_t)(number == 2); i++)
    hd_profile_declare(profile, heap[i]);
  struct hd_module made = {.path = text(profile, "/srv/bin/server"),
                           .build_id = text(profile, "abcd")};
  assert_true(hd_profile_add_module(profile, made, &module, NULL));
  for (uint32_t i = 0; i < LOCATIONS; i++)
    locations[i] = add_location(profile, module, i ? i + 10 * number : 0);
  add_records(profile, locations, goroutines);
  hd_profile_freeze(profile);
  return profile;
}

/* --- both ways ------------------------------------------------------------------------ */

struct world {
  struct hd_pool *pool;
  struct hd_profile *profiles[SNAPSHOTS];
  struct hd_import imports[SNAPSHOTS];
  struct hd_contexts contexts;
  struct hd_tally tallies[SNAPSHOTS];
};

static void make_world(struct world *world, uint64_t seed, bool goroutines)
{
  struct hd_error error = HD_ERROR_INIT;
  state = seed;
  memset(world, 0, sizeof *world);
  assert_true(hd_pool_create(&world->pool, &error));
  assert_true(hd_contexts_init(&world->contexts));
  for (uint32_t i = 0; i < SNAPSHOTS; i++) {
    struct hd_profile *profile = world->profiles[i] = make_profile(i, goroutines);
    assert_true(hd_pool_import(world->pool, profile, NULL, &world->imports[i], &error));
    for (size_t k = 0; k < world->pool->locations.count; k++)
      if (!world->pool->locations.items[k].settled)
        assert_true(hd_pool_resolve(world->pool, (uint32_t)k + 1, NULL, 0, &error));
    assert_true(hd_tally_make(&world->tallies[i], &world->contexts, world->pool, profile,
                              world->imports[i].locations));
  }
}

static void free_world(struct world *world)
{
  for (uint32_t i = 0; i < SNAPSHOTS; i++) {
    hd_profile_destroy(world->profiles[i]);
    hd_import_deinit(&world->imports[i]);
    hd_tally_deinit(&world->tallies[i]);
  }
  hd_contexts_deinit(&world->contexts);
  hd_pool_destroy(world->pool);
}

static void prepare(struct hd_series *series, const struct world *world,
                    const struct hd_filters *filters, enum hd_grouping by, int wants)
{
  hd_series_init(series, world->pool, filters, by);
  series->want_cum = wants & 1;
  series->want_edges = (wants & 2) && by != HD_BY_STACK;
  series->tell_inlined = (wants & 2) && by == HD_BY_STACK;
}

static void fold(struct hd_series *series, struct world *world)
{
  struct hd_error error = HD_ERROR_INIT;
  for (uint32_t i = 0; i < SNAPSHOTS; i++)
    assert_true(hd_series_add(series, world->profiles[i], world->imports[i].locations,
                              (struct hd_point){.path = "x"}, &error));
}

static void survey(struct hd_series *series, struct world *world)
{
  struct hd_error error = HD_ERROR_INIT;
  struct hd_survey *made;
  struct hd_survey_sums sums = {0};
  bool stopped = false;
  assert_true(hd_contexts_order(&world->contexts, NULL, 0));
  assert_true(hd_survey_make(series, &world->contexts, &made, &stopped, &error));
  for (uint32_t i = 0; i < SNAPSHOTS; i++) {
    const struct hd_tally *tally = &world->tallies[i];
    struct hd_point point = {.path = "x"};
    hd_series_take_measures(series, tally->has);
    assert_true(hd_survey_add(made, tally, &sums, &point));
    if (point.sampled.count)
      series->classes.counts_allocs &= tally->has[HD_ALLOC_OBJECTS];
    assert_true(hd_vec_push(&series->points, point));
  }
  hd_survey_sums_deinit(&sums);
  hd_survey_destroy(made);
}

/* --- comparing ------------------------------------------------------------------------ */

static void same_rows(const struct hd_series *a, const struct hd_series *b)
{
  assert_int_equal(a->rows.count, b->rows.count);
  for (size_t i = 0; i < a->rows.count; i++) {
    const struct hd_row *x = &a->rows.items[i], *y = &b->rows.items[i];
    assert_memory_equal(&x->key, &y->key, offsetof(struct hd_label_key, inlined));
    assert_int_equal(x->outlined, y->outlined);
    assert_int_equal(x->inlined, y->inlined);
    assert_int_equal(x->count, y->count);
  }
}

static const struct hd_edge *find_edge(const struct hd_series *series, struct hd_edge wanted,
                                       size_t *number)
{
  for (*number = 0; *number < series->edges.count; ++*number) {
    const struct hd_edge *have = &series->edges.items[*number];
    if (have->outer == wanted.outer && have->inner == wanted.inner)
      return have;
  }
  return NULL;
}

static void same_values(const struct hd_series *a, const struct hd_series *b, size_t point,
                        enum hd_measure measure)
{
  for (size_t row = 0; row < a->rows.count; row++) {
    assert_float_equal(hd_series_flat(a, point, row, measure),
                       hd_series_flat(b, point, row, measure), 1e-6);
    assert_float_equal(hd_series_cum(a, point, row, measure), hd_series_cum(b, point, row, measure),
                       1e-6);
  }
  assert_int_equal(a->edges.count, b->edges.count);
  for (size_t i = 0; i < a->edges.count; i++) {
    size_t other;
    assert_non_null(find_edge(b, a->edges.items[i], &other));
    assert_float_equal(hd_series_edge(a, point, i, measure),
                       hd_series_edge(b, point, other, measure), 1e-6);
  }
  const struct hd_point *x = &a->points.items[point], *y = &b->points.items[point];
  assert_float_equal(x->total[measure], y->total[measure], 1e-6);
  assert_float_equal(x->cut[measure], y->cut[measure], 1e-6);
  assert_float_equal(x->unnamed[measure], y->unnamed[measure], 1e-6);
}

static size_t find_class(const struct hd_series *series, const struct hd_class *wanted)
{
  for (size_t i = 0; i < series->classes.items.count; i++) {
    const struct hd_class *have = &series->classes.items.items[i];
    if (have->row == wanted->row && have->size == wanted->size && have->rate == wanted->rate)
      return i;
  }
  fail_msg("a class is missing");
  return 0;
}

static void same_classes(const struct hd_series *a, const struct hd_series *b, size_t point)
{
  const struct hd_class_point *x = &a->points.items[point].sampled;
  const struct hd_class_point *y = &b->points.items[point].sampled;
  assert_int_equal(a->classes.items.count, b->classes.items.count);
  if (a->classes.items.count)
    assert_int_equal(a->classes.counts_allocs, b->classes.counts_allocs);
  for (size_t i = 0; i < a->classes.items.count; i++) {
    size_t other = find_class(b, &a->classes.items.items[i]);
    struct hd_class_counts left = hd_class_counts_at(x, i), right = hd_class_counts_at(y, other);
    assert_int_equal(left.live, right.live);
    assert_int_equal(left.alloc, right.alloc);
  }
  assert_int_equal(x->ages.count, y->ages.count);
  for (size_t i = 0; i < x->ages.count; i++) {
    const struct hd_age_band *left = &x->ages.items[i], *right = &y->ages.items[i];
    assert_int_equal(left->row, right->row);
    assert_int_equal(left->log2, right->log2);
    assert_int_equal(left->count, right->count);
    assert_int_equal(!left->class, !right->class);
    assert_float_equal(left->bytes, right->bytes, 1e-6);
  }
}

static void same_states(const struct hd_series *a, const struct hd_series *b, size_t point)
{
  struct hd_buffer x = {0}, y = {0};
  for (uint32_t row = 0; row < a->rows.count; row++) {
    hd_states_say(&a->points.items[point].states, a->pool, row, &x);
    hd_states_say(&b->points.items[point].states, b->pool, row, &y);
  }
  assert_string_equal(hd_buffer_text(&x), hd_buffer_text(&y));
  hd_buffer_deinit(&x);
  hd_buffer_deinit(&y);
}

static void compare(struct world *world, const struct hd_filters *filters, enum hd_grouping by,
                    int wants)
{
  struct hd_series folded, surveyed;
  prepare(&folded, world, filters, by, wants);
  prepare(&surveyed, world, filters, by, wants);
  fold(&folded, world);
  survey(&surveyed, world);
  same_rows(&folded, &surveyed);
  assert_memory_equal(folded.has, surveyed.has, sizeof folded.has);
  for (size_t point = 0; point < SNAPSHOTS; point++) {
    for (int measure = 0; measure < HD_MEASURES; measure++)
      same_values(&folded, &surveyed, point, (enum hd_measure)measure);
    same_classes(&folded, &surveyed, point);
    same_states(&folded, &surveyed, point);
  }
  hd_series_deinit(&folded);
  hd_series_deinit(&surveyed);
}

/* --- tests --------------------------------------------------------------------------- */

static struct hd_regex *regex(const char *pattern)
{
  struct hd_error error = HD_ERROR_INIT;
  struct hd_regex *made = NULL;
  assert_true(!pattern || hd_regex_create_or_text(pattern, &made, &error));
  return made;
}

static void compare_all(struct world *world, const char *const patterns[4], bool keep_wrappers)
{
  struct hd_filters filters = {
      regex(patterns[0]), regex(patterns[1]), regex(patterns[2]), regex(patterns[3]), NULL, 0,
      keep_wrappers};
  for (int by = 0; hd_grouping_names[by]; by++)
    for (int wants = 0; wants < 4; wants++)
      compare(world, &filters, (enum hd_grouping)by, wants);
  hd_regex_destroy(filters.focus);
  hd_regex_destroy(filters.ignore);
  hd_regex_destroy(filters.hide);
  hd_regex_destroy(filters.show);
}

static void same_series(void **unused)
{
  static const char *const patterns[][4] = {
      {NULL, NULL, NULL, NULL},          {"leak|fill", NULL, NULL, NULL},
      {NULL, "parse", NULL, NULL},       {NULL, NULL, "run|again", NULL},
      {NULL, NULL, NULL, "main|malloc"}, {"main", "again", "fill", NULL},
      {"nowhere", NULL, NULL, NULL},     {NULL, NULL, "work|server|e|a", NULL}};
  (void)unused;
  for (uint64_t seed = 1; seed <= 3; seed++)
    for (int goroutines = 0; goroutines < 2; goroutines++) {
      struct world world;
      make_world(&world, seed, goroutines);
      for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        compare_all(&world, patterns[i], i % 2);
      free_world(&world);
    }
}

/* Contexts are numbered anew when more come: each subtree is in one row, and a stack finds
 * its context again. */
static void order_holds(void **unused)
{
  struct world world;
  (void)unused;
  make_world(&world, 7, false);
  assert_true(hd_contexts_order(&world.contexts, NULL, 0));
  const struct hd_contexts *contexts = &world.contexts;
  for (uint32_t i = 1; i < contexts->nodes.count; i++) {
    uint32_t parent = contexts->nodes.items[i].parent;
    assert_true(parent < i && i < contexts->ends[i] && contexts->ends[i] <= contexts->ends[parent]);
  }
  size_t nodes = contexts->nodes.count;
  for (uint32_t i = 0; i < nodes; i++) {
    uint32_t below = 1;
    for (uint32_t k = i + 1; k < nodes; k++)
      below += (contexts->nodes.items[k].parent == i) * (contexts->ends[k] - k);
    assert_int_equal(contexts->ends[i] - i, below);
  }
  for (uint32_t i = 1; i < nodes; i++) {
    uint32_t stack[DEEPEST], count = 0;
    for (uint32_t at = i; at; at = contexts->nodes.items[at].parent)
      stack[count++] = contexts->nodes.items[at].location;
    struct hd_stack wanted = {stack, count, 0};
    assert_true(hd_contexts_stacks(&world.contexts, &wanted, 1));
    assert_int_equal(wanted.context, i);
  }
  assert_int_equal(contexts->nodes.count, nodes);
  free_world(&world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_series),
      cmocka_unit_test(order_holds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
