/* Call sites of two builds: matched by lines, order, functions, likeness; summed by site;
 * and what only moved. */
#include "analysis/sites.h"
#include "analysis/stable_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
  struct hd_strings strings;
  struct hd_side_frames frames;
  struct hd_side before, after;
  struct hd_match match;
  struct hd_sites sites;
};

static void begin(struct fixture *f)
{
  bool has[HD_MEASURES] = {[HD_INUSE_SPACE] = true};
  memset(f, 0, sizeof *f);
  f->frames.strings = &f->strings;
  hd_side_init(&f->before, &f->frames);
  hd_side_init(&f->after, &f->frames);
  hd_side_set_measures(&f->before, has);
  hd_side_set_measures(&f->after, has);
}

static void end(struct fixture *f)
{
  hd_sites_deinit(&f->sites);
  hd_match_deinit(&f->match);
  hd_side_deinit(&f->before);
  hd_side_deinit(&f->after);
  hd_side_frames_deinit(&f->frames);
  hd_strings_deinit(&f->strings);
}

/* "leaf a.c 3 < main a.c 9": site first, lines inside the function, -1 unknown. */
static uint32_t row(struct fixture *f, struct hd_side *side, const char *text, double value,
                    double variance)
{
  uint32_t chain[64];
  size_t count = 0;
  for (const char *at = text; at; at = strstr(at, " < ") ? strstr(at, " < ") + 3 : NULL) {
    char function[64], file[64];
    int line;
    struct hd_side_frame frame = {0};
    assert_int_equal(sscanf(at, "%63s %63s %d", function, file, &line), 3);
    assert_true(hd_strings_intern(&f->strings, function, strlen(function), &frame.function));
    assert_true(hd_strings_intern(&f->strings, file, strlen(file), &frame.file));
    frame.line = line;
    assert_true(hd_side_frame_intern(&f->frames, &frame, &chain[count++]));
  }
  uint32_t id = hd_side_row_of(side, chain, count);
  assert_true(id > 0);
  side->amounts.items[id - 1] = (struct hd_side_amount){.value = value, .variance = variance};
  return id - 1;
}

static void match(struct fixture *f)
{
  assert_true(hd_match_sides(&f->before, &f->after, HD_INUSE_SPACE, &f->match, NULL));
  assert_true(hd_sites_build(&f->before, &f->after, &f->match, HD_INUSE_SPACE, &f->sites, NULL));
  assert_true(hd_sites_find_moved(&f->sites, NULL));
}

static const struct hd_site *site(const struct fixture *f, const char *function, int line)
{
  for (size_t i = 0; i < f->sites.items.count; i++) {
    const struct hd_side_frame *frame = hd_side_frame_at(&f->frames, f->sites.items.items[i].frame);
    if (strcmp(hd_strings_text(&f->strings, frame->function), function) == 0 &&
        frame->line == line)
      return &f->sites.items.items[i];
  }
  fail_msg("there is no site %s:+%d", function, line);
  return NULL;
}

/* One chain of either build: what its level is. */
static void one_chain(void **state)
{
  (void)state;
  static const struct {
    const char *before, *after;
    enum hd_match_level level;
  } cases[] = {
      {"f a.c 3 < main a.c 9", "f a.c 3 < main a.c 9", HD_MATCH_LINES},
      {"f a.c 3 < main a.c 9", "f a.c 5 < main a.c 12", HD_MATCH_ORDER},
      {"f a.c -1 < main a.c -1", "f a.c 5 < main a.c 12", HD_MATCH_ORDER},
      {"f a.c 3 < main a.c 9", "f b.c 3 < main main.c 9", HD_MATCH_FUNCTIONS},
      /* renamed: at the site, in the middle, at the root */
      {"f a.c 3 < main a.c 9", "g a.c 3 < main a.c 9", HD_MATCH_SIMILAR},
      {"f a.c 3 < old a.c 2 < main a.c 9", "f a.c 3 < new a.c 2 < main a.c 9", HD_MATCH_SIMILAR},
      {"f a.c 3 < main a.c 9", "f a.c 3 < run a.c 9", HD_MATCH_SIMILAR},
      /* a helper comes in, or goes */
      {"f a.c 3 < main a.c 9", "help a.c 1 < f a.c 3 < main a.c 9", HD_MATCH_SIMILAR},
      {"help a.c 1 < f a.c 3 < main a.c 9", "f a.c 3 < main a.c 9", HD_MATCH_SIMILAR},
      {"main a.c 9", "help a.c 1 < main a.c 9", HD_MATCH_SIMILAR},
      /* not the same: other files, too little in common */
      {"f a.c 3 < main a.c 9", "g b.c 3 < main a.c 9", HD_MATCH_NONE},
      {"f a.c 3 < p a.c 1 < q a.c 1 < main a.c 9", "g a.c 3 < r b.c 1 < main a.c 9",
       HD_MATCH_NONE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct fixture f;
    begin(&f);
    row(&f, &f.before, cases[i].before, 100, 0);
    uint32_t after = row(&f, &f.after, cases[i].after, 110, 0);
    match(&f);
    if (f.match.level[after] != cases[i].level)
      fail_msg("%s -> %s: level %s, not %s", cases[i].before, cases[i].after,
               hd_match_names[f.match.level[after]], hd_match_names[cases[i].level]);
    assert_int_equal(f.match.before[after], cases[i].level == HD_MATCH_NONE ? 0 : 1);
    assert_int_equal(f.match.after[0], cases[i].level == HD_MATCH_NONE ? 0 : after + 1);
    end(&f);
  }
}

/* Both functions live on in the new build: one is not the other renamed. */
static void a_function_that_stays_was_not_renamed(void **state)
{
  (void)state;
  struct fixture f;
  begin(&f);
  row(&f, &f.before, "f a.c 3 < main a.c 9", 100, 0);
  row(&f, &f.after, "g a.c 3 < main a.c 9", 100, 0);
  row(&f, &f.after, "g a.c 3 < f a.c 1 < x b.c 1 < y b.c 1 < z b.c 1 < main a.c 9", 1, 0);
  match(&f);
  assert_int_equal(f.match.level[0], HD_MATCH_NONE);
  end(&f);
}

/* What a caller has lost is no helper's that holds much more. */
static void a_leak_is_no_helper(void **state)
{
  (void)state;
  struct fixture f;
  begin(&f);
  row(&f, &f.before, "main a.c 9", 10, 0);
  row(&f, &f.after, "leak a.c 1 < main a.c 12", 1000, 0);
  match(&f);
  assert_int_equal(f.match.level[0], HD_MATCH_NONE);
  assert_true(site(&f, "leak", 1)->is_new);
  end(&f);
}

/* A leak that is put in above: the sites below are told by order and size, and the growth
 * is the new line's. */
static void a_line_put_in_above(void **state)
{
  (void)state;
  struct fixture f;
  begin(&f);
  row(&f, &f.before, "f a.c 3 < main a.c 9", 1000, 0);
  row(&f, &f.before, "f a.c 8 < main a.c 9", 10, 0);
  row(&f, &f.after, "f a.c 3 < main a.c 9", 200, 0);
  row(&f, &f.after, "f a.c 5 < main a.c 9", 1000, 0);
  row(&f, &f.after, "f a.c 10 < main a.c 9", 11, 0);
  match(&f);
  assert_true(hd_site_growth(site(&f, "f", 3)) == 200);
  assert_true(site(&f, "f", 3)->is_new);
  assert_true(hd_site_growth(site(&f, "f", 5)) == 0);
  assert_int_equal(site(&f, "f", 5)->level, HD_MATCH_ORDER);
  assert_true(hd_site_growth(site(&f, "f", 10)) == 1);
  end(&f);
}

static void equal_lines_stay_each_others(void **state)
{
  (void)state;
  struct fixture f;
  begin(&f);
  /* Swapped values: the lines are the same, and decide. */
  row(&f, &f.before, "f a.c 3 < main a.c 9", 1000, 0);
  row(&f, &f.before, "f a.c 8 < main a.c 9", 10, 0);
  row(&f, &f.after, "f a.c 8 < main a.c 9", 1000, 0);
  row(&f, &f.after, "f a.c 3 < main a.c 9", 10, 0);
  match(&f);
  assert_int_equal(f.match.before[0], 2);
  assert_int_equal(f.match.before[1], 1);
  assert_int_equal(f.match.level[0], HD_MATCH_LINES);
  end(&f);
}

/* Chains of one site are summed; a chain that is gone counts where its site went. */
static void chains_are_summed_by_site(void **state)
{
  (void)state;
  struct fixture f;
  begin(&f);
  row(&f, &f.before, "f a.c 3 < p a.c 1 < main a.c 9", 100, 4);
  row(&f, &f.before, "f a.c 3 < q a.c 1 < main a.c 9", 50, 2);
  row(&f, &f.before, "f a.c 3 < r b.c 1 < s b.c 2 < t b.c 3 < main a.c 9", 5, 1);
  row(&f, &f.after, "f a.c 4 < p a.c 1 < main a.c 9", 130, 5);
  row(&f, &f.after, "f a.c 4 < q a.c 1 < main a.c 9", 50, 2);
  match(&f);
  assert_int_equal(f.sites.items.count, 1);
  const struct hd_site *only = site(&f, "f", 4);
  assert_true(only->before.value == 155 && only->before.variance == 7);
  assert_true(only->after.value == 180 && only->after.variance == 7);
  assert_int_equal(only->level, HD_MATCH_ORDER);
  end(&f);
}

/* Growth here, the same loss there, of functions one of which calls the other. */
static void what_moves_is_no_growth(void **state)
{
  (void)state;
  struct fixture f;
  begin(&f);
  row(&f, &f.before, "f a.c 3 < main a.c 9", 1000, 0);
  row(&f, &f.after, "f a.c 3 < main a.c 9", 400, 0);
  row(&f, &f.after, "deep a.c 3 < help a.c 3 < f a.c 4 < main a.c 9", 650, 0);
  row(&f, &f.after, "other b.c 3 < main a.c 9", 300, 0);
  match(&f);
  assert_true(hd_site_growth(site(&f, "deep", 3)) == 50);
  assert_true(site(&f, "deep", 3)->moved == 600);
  assert_true(hd_site_growth(site(&f, "f", 3)) == 0);
  assert_true(hd_site_growth(site(&f, "other", 3)) == 300);
  end(&f);
}

static void no_loss_no_excuse(void **state)
{
  (void)state;
  struct fixture f;
  begin(&f);
  /* unrelated functions; and a loss that may be noise */
  row(&f, &f.before, "f a.c 3 < main a.c 9", 1000, 0);
  row(&f, &f.before, "g a.c 3 < x a.c 1 < main a.c 9", 1000, 10000);
  row(&f, &f.after, "g a.c 3 < x a.c 1 < main a.c 9", 850, 10000);
  row(&f, &f.after, "k b.c 3 < y b.c 1 < main a.c 9", 700, 0);
  row(&f, &f.after, "x a.c 4 < main a.c 9", 500, 0);
  match(&f);
  assert_true(hd_site_growth(site(&f, "k", 3)) == 700);
  assert_true(hd_site_growth(site(&f, "x", 4)) == 500);
  end(&f);
}

/* A group with more pairs of lines than a table may have: by equal lines, then in order. */
static void large_groups(void **state)
{
  (void)state;
  enum { LINES = 3000 };
  struct fixture f;
  begin(&f);
  for (int i = 0; i < LINES; i++) {
    char text[64];
    snprintf(text, sizeof text, "f a.c %d < main a.c 9", i);
    row(&f, &f.before, text, 10, 0);
    snprintf(text, sizeof text, "f a.c %d < main a.c 9", i + 1);
    row(&f, &f.after, text, 10, 0);
  }
  match(&f);
  double growth = 0;
  for (size_t i = 0; i < f.sites.items.count; i++)
    growth += hd_site_growth(&f.sites.items.items[i]);
  assert_true(growth == 0);
  assert_int_equal(f.match.level[0], HD_MATCH_LINES);
  end(&f);
}

static void names_that_outlive_a_build(void **state)
{
  (void)state;
  static const struct {
    const char *name, *stable;
  } cases[] = {
      {"cache_put", "cache_put"},
      {"f.constprop.0", "f"},
      {"f.part.0.isra.3", "f"},
      {"f.cold", "f"},
      {"ns::f(int) [clone .isra.0]", "ns::f(int)"},
      {"main.f.func12", "main.f.func"},
      {"main.f.func1.2.3", "main.f.func"},
      {"main.function1", "main.function1"},
      {"run()::{lambda(int)#2}::operator()(int)", "run()::{lambda(int)#}::operator()(int)"},
      {"app::run::{closure#0}", "app::run::{closure#}"},
      {"app::run::h0123456789abcdef", "app::run"},
      {"app::run::h0123456789abcdeg", "app::run::h0123456789abcdeg"},
      {"v2.cold_start", "v2.cold_start"},
      {"x.Part.go", "x.Part.go"},
      {"", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct hd_buffer out = HD_BUFFER_INIT;
    hd_stable_name(&out, cases[i].name);
    assert_string_equal(hd_buffer_text(&out), cases[i].stable);
    hd_buffer_deinit(&out);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_chain),
      cmocka_unit_test(a_function_that_stays_was_not_renamed),
      cmocka_unit_test(a_leak_is_no_helper),
      cmocka_unit_test(a_line_put_in_above),
      cmocka_unit_test(equal_lines_stay_each_others),
      cmocka_unit_test(chains_are_summed_by_site),
      cmocka_unit_test(what_moves_is_no_growth),
      cmocka_unit_test(no_loss_no_excuse),
      cmocka_unit_test(large_groups),
      cmocka_unit_test(names_that_outlive_a_build),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
