/* Grouping, wrappers, filters, growth and ranking, on small made-up profiles. */
#include "analysis/growth.h"
#include "analysis/series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
  struct hd_profile *profile;
  struct hd_pool *pool;
  struct hd_series series;
  struct hd_filters filters;
  struct hd_error error;
};

static uint32_t text(struct hd_profile *profile, const char *value)
{
  uint32_t id;
  assert_true(hd_profile_string(profile, value, strlen(value), &id, NULL));
  return id;
}

/* A location of frames "function file:line", innermost first, ended by NULL. */
static uint32_t location(struct hd_profile *profile, const char *const *frames)
{
  struct hd_frame made[8];
  size_t count = 0;
  for (; frames[count]; count++) {
    char function[128], file[128];
    unsigned line;
    assert_int_equal(sscanf(frames[count], "%127s %127[^:]:%u", function, file, &line), 3);
    made[count] = (struct hd_frame){.function = text(profile, function),
                                    .file = text(profile, file),
                                    .line = line};
  }
  uint32_t id;
  assert_true(hd_profile_add_location(profile, 0, 0, made, count, false, &id, NULL));
  return id;
}

#define LOCATION(profile, ...) location(profile, (const char *const[]){__VA_ARGS__, NULL})

static void record(struct hd_profile *profile, double bytes, double objects, size_t count,
                   const uint32_t *locations)
{
  double values[HD_MEASURES] = {0};
  uint32_t stack;
  values[HD_INUSE_SPACE] = bytes;
  values[HD_INUSE_OBJECTS] = objects;
  assert_true(hd_profile_add_stack(profile, locations, count, false, &stack, NULL));
  assert_true(hd_profile_add_record(profile, (struct hd_record){.stack = stack, .weight = 1},
                                    values, NULL));
}

#define RECORD(profile, bytes, objects, ...)                                                       \
  record(profile, bytes, objects, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t),            \
         (uint32_t[]){__VA_ARGS__})

static struct hd_profile *new_profile(void)
{
  struct hd_profile *profile;
  assert_true(hd_profile_create(&profile, NULL));
  hd_profile_declare(profile, HD_INUSE_SPACE);
  hd_profile_declare(profile, HD_INUSE_OBJECTS);
  return profile;
}

static void begin(struct fixture *f, enum hd_grouping by)
{
  memset(f, 0, sizeof *f);
  f->error = (struct hd_error)HD_ERROR_INIT;
  assert_true(hd_pool_create(&f->pool, &f->error));
  hd_series_init(&f->series, f->pool, &f->filters, by);
}

/* Folds a profile in and frees it. */
static void add(struct fixture *f, struct hd_profile *profile)
{
  struct hd_import import = {0};
  hd_profile_freeze(profile);
  assert_true(hd_pool_import(f->pool, profile, NULL, &import, &f->error));
  for (size_t i = 0; i < f->pool->locations.count; i++)
    if (!f->pool->locations.items[i].settled)
      assert_true(hd_pool_resolve(f->pool, (uint32_t)i + 1, NULL, 0, &f->error));
  struct hd_point point = {.path = "x"};
  assert_true(hd_series_add(&f->series, profile, import.locations, point, &f->error));
  hd_import_deinit(&import);
  hd_profile_destroy(profile);
}

static void end(struct fixture *f)
{
  hd_series_deinit(&f->series);
  hd_pool_destroy(f->pool);
}

/* The row of a function (and line, 0 any); -1 where there is none. */
static int row_of(const struct fixture *f, const char *function, uint32_t line)
{
  for (size_t i = 0; i < f->series.rows.count; i++) {
    const struct hd_label_key *key = &f->series.rows.items[i].key;
    if (strcmp(hd_pool_text(f->pool, key->function), function) == 0 &&
        (!line || key->line == line))
      return (int)i;
  }
  return -1;
}

static double flat(const struct fixture *f, size_t point, const char *function, uint32_t line)
{
  int row = row_of(f, function, line);
  return row < 0 ? -1 : hd_series_flat(&f->series, point, (size_t)row, HD_INUSE_SPACE);
}

static void the_site_is_the_users_line(void **state)
{
  (void)state;
  struct fixture f;
  begin(&f, HD_BY_SITE);
  struct hd_profile *p = new_profile();
  uint32_t push = LOCATION(p, "std::vector::_M_realloc_insert /usr/include/c++/12/vector.tcc:4",
                           "std::vector::push_back /usr/include/c++/12/stl_vector.h:9",
                           "fill app.cc:20");
  uint32_t start = LOCATION(p, "main app.cc:50");
  uint32_t new_ = LOCATION(p, "operator_new x:1");
  uint32_t dup = LOCATION(p, "strdup libc.c:3");
  uint32_t user = LOCATION(p, "save app.cc:30");
  RECORD(p, 100, 1, push, start);
  RECORD(p, 10, 1, dup, user, start);
  RECORD(p, 7, 1, new_, start);
  RECORD(p, 3, 1, dup); /* wrappers all the way: the innermost */
  add(&f, p);
  assert_true(flat(&f, 0, "fill", 20) == 100);
  assert_true(flat(&f, 0, "save", 30) == 10);
  assert_true(flat(&f, 0, "operator_new", 1) == 7); /* no wrapper by that name */
  assert_true(flat(&f, 0, "strdup", 3) == 3);
  assert_true(f.series.points.items[0].total[HD_INUSE_SPACE] == 120);
  end(&f);
}

static void allocators_of_runtimes_are_no_call_sites(void **state)
{
  (void)state;
  struct fixture f;
  begin(&f, HD_BY_SITE);
  struct hd_profile *p = new_profile();
  uint32_t pool = LOCATION(p, "new_arena ../Objects/obmalloc.c:1500",
                           "_PyObject_Malloc ../Objects/obmalloc.c:2003");
  uint32_t collected = LOCATION(p, "gc_alloc ../Modules/gcmodule.c:2283",
                                "_PyObject_GC_New ../Modules/gcmodule.c:2300");
  uint32_t list = LOCATION(p, "list_new_prealloc ../Objects/listobject.c:209");
  uint32_t cgo = LOCATION(p, "store._cgo_cmalloc _cgo_gotypes.x:74"); /* of a package not main */
  uint32_t keep = LOCATION(p, "store.Keep store.go:41");
  RECORD(p, 100, 1, pool, collected, list);
  RECORD(p, 10, 1, cgo, keep);
  add(&f, p);
  assert_true(flat(&f, 0, "list_new_prealloc", 209) == 100);
  assert_true(flat(&f, 0, "store.Keep", 41) == 10);
  end(&f);
}

static void names_that_only_rust_may_have(void **state)
{
  (void)state;
  struct fixture f;
  begin(&f, HD_BY_SITE);
  struct hd_profile *p = new_profile();
  uint32_t cxx = LOCATION(p, "core::Cache::put core/cache.cc:8");
  uint32_t rust = LOCATION(p, "alloc::vec::push /home/x/vec.rs:8");
  uint32_t user = LOCATION(p, "app::main src/main.rs:3");
  RECORD(p, 5, 1, cxx, user);
  RECORD(p, 6, 1, rust, user);
  add(&f, p);
  assert_true(flat(&f, 0, "core::Cache::put", 8) == 5);
  assert_true(flat(&f, 0, "app::main", 3) == 6);
  end(&f);
}

static void cum_counts_recursion_once(void **state)
{
  (void)state;
  struct fixture f;
  begin(&f, HD_BY_FUNCTION);
  f.series.want_cum = true;
  struct hd_profile *p = new_profile();
  uint32_t leaf = LOCATION(p, "leaf a.c:1"), again = LOCATION(p, "walk a.c:2");
  uint32_t root = LOCATION(p, "main a.c:3");
  RECORD(p, 8, 1, leaf, again, again, again, root);
  add(&f, p);
  assert_true(hd_series_cum(&f.series, 0, (size_t)row_of(&f, "walk", 0), HD_INUSE_SPACE) == 8);
  assert_true(hd_series_cum(&f.series, 0, (size_t)row_of(&f, "main", 0), HD_INUSE_SPACE) == 8);
  assert_true(hd_series_flat(&f.series, 0, (size_t)row_of(&f, "main", 0), HD_INUSE_SPACE) == 0);
  end(&f);
}

static void filters_as_in_pprof(void **state)
{
  (void)state;
  static const struct {
    const char *focus, *ignore, *hide, *show;
    double left;          /* of all flat values */
    const char *site;     /* that must hold the 100 */
  } cases[] = {
      {"left", NULL, NULL, NULL, 100, "leaf"},  {"main\\.c", NULL, NULL, NULL, 110, "leaf"},
      {NULL, "left", NULL, NULL, 10, NULL},     {NULL, NULL, "leaf", NULL, 110, "left"},
      {NULL, NULL, NULL, "^left$", 100, "left"}, {"left", "leaf", NULL, NULL, 0, NULL},
      {"nothing", NULL, NULL, NULL, 0, NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct fixture f;
    begin(&f, HD_BY_SITE);
    const struct {
      const char *pattern;
      struct hd_regex **regex;
    } patterns[] = {{cases[i].focus, &f.filters.focus}, {cases[i].ignore, &f.filters.ignore},
                    {cases[i].hide, &f.filters.hide},   {cases[i].show, &f.filters.show}};
    for (size_t n = 0; n < 4; n++)
      if (patterns[n].pattern)
        assert_true(hd_regex_create(patterns[n].pattern, "x", patterns[n].regex, &f.error));
    struct hd_profile *p = new_profile();
    uint32_t leaf = LOCATION(p, "leaf leaf.c:1"), left = LOCATION(p, "left a.c:2");
    uint32_t right = LOCATION(p, "right a.c:3"), root = LOCATION(p, "main main.c:4");
    RECORD(p, 100, 1, leaf, left, root);
    RECORD(p, 10, 1, right, root);
    add(&f, p);
    double sum = 0;
    for (size_t row = 0; row < f.series.rows.count; row++)
      sum += hd_series_flat(&f.series, 0, row, HD_INUSE_SPACE);
    assert_true(sum == cases[i].left);
    if (cases[i].site)
      assert_true(flat(&f, 0, cases[i].site, 0) == 100);
    assert_true(f.series.points.items[0].total[HD_INUSE_SPACE] == 110);
    for (size_t n = 0; n < 4; n++)
      hd_regex_destroy(*patterns[n].regex);
    end(&f);
  }
}

static void rows_match_over_snapshots_and_add_up(void **state)
{
  (void)state;
  struct fixture f;
  begin(&f, HD_BY_SITE);
  for (unsigned i = 0; i < 2; i++) {
    struct hd_profile *p = new_profile();
    if (i) /* other ids in the second file */
      text(p, "something else first");
    uint32_t a = LOCATION(p, "grow a.c:1"), b = LOCATION(p, "shrink a.c:2");
    uint32_t c = LOCATION(p, "steady a.c:3"), d = LOCATION(p, "late a.c:4");
    RECORD(p, i ? 1000.4 : 100.4, i ? 10 : 1, a);
    RECORD(p, i ? 50.4 : 500.4, 5, b);
    RECORD(p, 70.4, 7, c);
    if (i)
      RECORD(p, 9.4, 1, d);
    else
      RECORD(p, 0, 0, d);
    add(&f, p);
  }
  struct hd_gains gains;
  assert_true(hd_gains_compute(&f.series, HD_INUSE_SPACE, &gains, &f.error));
  int64_t before = 0, after = 0;
  for (size_t i = 0; i < gains.items.count; i++) {
    before += gains.items.items[i].before;
    after += gains.items.items[i].after;
  }
  assert_int_equal(before, 671); /* 671.2 */
  assert_int_equal(after, 1131); /* 1130.6 */
  assert_int_equal(gains.total.growth, 460);
  /* The two that matter most are the gain and the loss, the gain first. */
  assert_true(hd_gains_rank(&gains, &f.series, HD_SORT_GROWTH, 2, &f.error));
  assert_int_equal(gains.items.count, 2);
  assert_int_equal(gains.items.items[0].row, row_of(&f, "grow", 0));
  assert_int_equal(gains.items.items[1].row, row_of(&f, "shrink", 0));
  assert_true(gains.items.items[0].growth > 0 && gains.items.items[1].growth < 0);
  hd_gains_deinit(&gains);
  /* Limited, what did not change is left out; unlimited it is there. */
  assert_true(hd_gains_compute(&f.series, HD_INUSE_SPACE, &gains, &f.error));
  assert_true(hd_gains_rank(&gains, &f.series, HD_SORT_GROWTH, 0, &f.error));
  assert_int_equal(gains.items.count, 4);
  hd_gains_deinit(&gains);
  end(&f);
}

static void stacks_and_modules(void **state)
{
  (void)state;
  struct fixture f;
  begin(&f, HD_BY_STACK);
  struct hd_profile *p = new_profile();
  uint32_t a = LOCATION(p, "f a.c:1"), b = LOCATION(p, "g a.c:2"), c = LOCATION(p, "h a.c:3");
  RECORD(p, 1, 1, a, b);
  RECORD(p, 2, 1, a, c);
  RECORD(p, 4, 1, a, b);
  double values[HD_MEASURES] = {[HD_INUSE_SPACE] = 8};
  assert_true(hd_profile_add_record(p, (struct hd_record){.weight = 1}, values, NULL));
  add(&f, p);
  assert_int_equal(f.series.rows.count, 3);
  assert_true(hd_series_flat(&f.series, 0, 0, HD_INUSE_SPACE) == 5);
  assert_true(hd_series_flat(&f.series, 0, 2, HD_INUSE_SPACE) == 8);
  end(&f);
}

/* Two bare addresses of a library, 100 and 200. */
static struct hd_profile *bare_profile(const char *path, const char *build_id)
{
  struct hd_profile *p = new_profile();
  struct hd_module module = {.path = text(p, path), .build_id = text(p, build_id)};
  uint32_t id, first, second;
  assert_true(hd_profile_add_module(p, module, &id, NULL));
  assert_true(hd_profile_add_location(p, id, 100, NULL, 0, false, &first, NULL));
  assert_true(hd_profile_add_location(p, id, 200, NULL, 0, false, &second, NULL));
  RECORD(p, 1, 1, first);
  RECORD(p, 2, 1, second);
  return p;
}

/* One library of two builds is one module row, but the same offset is another
 * place in it; one build is the same wherever it lies; without a build-id the path
 * must do. */
static void builds_of_a_module(void **state)
{
  (void)state;
  static const struct {
    const char *path, *first, *second;
    bool one_build;
  } cases[] = {
      {"/lib/x.so", "aa", "bb", false},
      {"/opt/x.so", "aa", "aa", true},
      {"/lib/x.so", "", "", true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int by = HD_BY_SITE; by <= HD_BY_STACK; by++) {
      struct fixture f;
      begin(&f, (enum hd_grouping)by);
      add(&f, bare_profile("/lib/x.so", cases[i].first));
      add(&f, bare_profile(cases[i].path, cases[i].second));
      if (by == HD_BY_SITE || by == HD_BY_LINE || by == HD_BY_STACK) {
        assert_int_equal(f.series.rows.count, cases[i].one_build ? 2 : 4);
        assert_true(hd_series_flat(&f.series, 1, 0, HD_INUSE_SPACE) == cases[i].one_build);
      } else if (strcmp(cases[i].path, "/lib/x.so") == 0) {
        assert_int_equal(f.series.rows.count, 1);
        assert_true(hd_series_flat(&f.series, 1, 0, HD_INUSE_SPACE) == 3);
      }
      end(&f);
    }
}

/* What did not change shows no growth, whatever rows with fractions stand before
 * it and in whatever order its records come. */
static void fractions_are_no_growth(void **state)
{
  (void)state;
  struct fixture f;
  begin(&f, HD_BY_SITE);
  for (unsigned i = 0; i < 2; i++) {
    struct hd_profile *p = new_profile();
    uint32_t grows = LOCATION(p, "grow a.c:1");
    RECORD(p, i ? 10.4 : .2, 1, grows);
    for (unsigned n = 0; n < 20; n++) {
      char name[32];
      snprintf(name, sizeof name, "steady a.c:%u", n + 2);
      uint32_t steady = LOCATION(p, name);
      RECORD(p, i ? .1 : .3, 1, steady);
      RECORD(p, .2, 1, steady);
      RECORD(p, i ? .3 : .1, 1, steady);
    }
    add(&f, p);
  }
  struct hd_gains gains;
  assert_true(hd_gains_compute(&f.series, HD_INUSE_SPACE, &gains, &f.error));
  for (size_t i = 1; i < gains.items.count; i++)
    assert_int_equal(gains.items.items[i].growth, 0);
  assert_int_equal(gains.total.before, 12); /* 12.2 */
  assert_int_equal(gains.total.after, 22);  /* 22.4 */
  assert_int_equal(gains.gross, gains.total.growth);
  hd_gains_deinit(&gains);
  end(&f);
}

/* Inlined recursion: one line is in one site's location more than once. */
static void edges_count_recursion_once(void **state)
{
  (void)state;
  struct fixture f;
  begin(&f, HD_BY_SITE);
  f.series.want_cum = f.series.want_edges = true;
  struct hd_profile *p = new_profile();
  uint32_t chain = LOCATION(p, "helper a.c:3", "walk a.c:9", "walk a.c:9", "main a.c:20");
  RECORD(p, 100, 1, chain);
  add(&f, p);
  for (size_t i = 0; i < f.series.edges.count; i++)
    assert_true(hd_series_edge(&f.series, 0, i, HD_INUSE_SPACE) == 100);
  assert_int_equal(f.series.edges.count, 2);
  end(&f);
}

/* A location that came with symbols which name nothing is still its address. */
static void symbols_that_name_nothing(void **state)
{
  (void)state;
  struct fixture f;
  begin(&f, HD_BY_SITE);
  struct hd_profile *p = new_profile();
  struct hd_frame none = {0};
  uint32_t id, first, second;
  assert_true(hd_profile_add_module(p, (struct hd_module){.path = text(p, "/x")}, &id, NULL));
  assert_true(hd_profile_add_location(p, id, 100, &none, 1, false, &first, NULL));
  assert_true(hd_profile_add_location(p, id, 200, &none, 1, false, &second, NULL));
  RECORD(p, 1, 1, first);
  RECORD(p, 2, 1, second);
  add(&f, p);
  assert_int_equal(f.series.rows.count, 2);
  assert_int_equal(f.series.rows.items[1].key.offset, 200);
  end(&f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_site_is_the_users_line),
      cmocka_unit_test(allocators_of_runtimes_are_no_call_sites),
      cmocka_unit_test(names_that_only_rust_may_have),
      cmocka_unit_test(cum_counts_recursion_once),
      cmocka_unit_test(filters_as_in_pprof),
      cmocka_unit_test(rows_match_over_snapshots_and_add_up),
      cmocka_unit_test(stacks_and_modules),
      cmocka_unit_test(builds_of_a_module),
      cmocka_unit_test(fractions_are_no_growth),
      cmocka_unit_test(edges_count_recursion_once),
      cmocka_unit_test(symbols_that_name_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
