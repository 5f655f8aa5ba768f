/* The massif reader: the tree, the series, real files, and every way in which a
 * file can be wrong. */
#include "valgrind_profiles.h"

#include <inttypes.h>

#define HEADER "desc: --time-unit=ms\ncmd: ./prog -x \"a b\"\ntime_unit: ms\n"
#define LINES(number, time, heap)                                                                  \
  "#-----------\nsnapshot=" number "\n#-----------\ntime=" time "\nmem_heap_B=" heap               \
  "\nmem_heap_extra_B=100\nmem_stacks_B=20\nheap_tree="
#define ROOT(n, bytes)                                                                             \
  "n" n ": " bytes " (heap allocation functions) malloc/new/new[], --alloc-fns, etc.\n"
/* Everything that a tree can hold: inlined frames, recursion, a node with bytes of
 * its own, places below the threshold, names with blanks and parentheses, none. */
#define TREE                                                                                       \
  ROOT("5", "2000")                                                                                \
  " n1: 900 0x10: inner (a.c:1)\n"                                                                 \
  "  n1: 900 0x10: outer (a.c:9)\n"                                                                \
  "   n2: 900 0x20: rec (b.c:2)\n"                                                                 \
  "    n1: 500 0x20: rec (b.c:2)\n"                                                                \
  "     n0: 500 0x30: main (my (old) file.c:3)\n"                                                  \
  "    n0: 300 0x30: main (my (old) file.c:3)\n"                                                   \
  " n0: 400 0x40: ns::f<a (*)(int)>::operator()(int) const (in /opt/lib (x86)/l.so)\n"             \
  " n0: 300 0xABC: ??? (in /lib/s.so)\n"                                                           \
  " n2: 250 0x50: operator new[](unsigned long)\n"                                                 \
  "  n0: 250 0x60: std::vector<A::B, int>::g(char const*) (v.cc:77)\n"                             \
  "  n0: 0 in 2 places, all below massif's threshold (1.00%)\n"                                    \
  " n0: 150 in 1 place, below massif's threshold (12.50%)\n"
#define TREE_TEXT                                                                                  \
  "500: inner a.c:1~outer a.c:9 < rec b.c:2 < rec b.c:2 < main my (old) file.c:3\n"                \
  "300: inner a.c:1~outer a.c:9 < rec b.c:2 < main my (old) file.c:3\n"                            \
  "100: inner a.c:1~outer a.c:9 < rec b.c:2\n"                                                     \
  "400: ns::f<a (*)(int)>::operator()(int) const (in /opt/lib (x86)/l.so)\n"                       \
  "300: 0xABC (in /lib/s.so)\n"                                                                    \
  "250: operator new[](unsigned long) < std::vector<A::B, int>::g(char const*) v.cc:77\n"          \
  "150\n"
#define TWO HEADER LINES("0", "0", "0") "empty\n" LINES("1", "15", "2000") "detailed\n" TREE
#define SMALL                                                                                      \
  LINES("4", "40", "64")                                                                           \
  "peak\n" ROOT("1", "64") " n1: 64 0x10: f (in /l.so)\n"                                          \
                           "  n0: 64 in 2 places, all below massif's threshold (50.00%)\n"

static bool read_text(const char *text, size_t length, struct profiles *profiles,
                      struct hd_error *error)
{
  return read_as("massif", text, length, profiles, error);
}

static void a_tree_and_a_series(void **state)
{
  (void)state;
  static const char text[] = TWO LINES("2", "20", "5") "empty\n" SMALL;
  struct profiles profiles;
  struct hd_error error;
  assert_true(read_text(text, sizeof text - 1, &profiles, &error));
  assert_int_equal(profiles.count, 2);
  struct hd_buffer out = HD_BUFFER_INIT;
  write_profile(&out, profiles.items[0]);
  assert_string_equal(out.data, TREE_TEXT);
  hd_buffer_clear(&out);
  write_profile(&out, profiles.items[1]);
  assert_string_equal(out.data, "64: f (in /l.so) < ...\n");
  hd_buffer_deinit(&out);
  const struct hd_meta *meta = &profiles.items[0]->meta;
  assert_string_equal(meta->kind, "heap");
  assert_string_equal(meta->program, "./prog");
  assert_string_equal(meta->command, "./prog -x \"a b\"");
  assert_int_equal(meta->rate, 1);
  assert_int_equal(meta->sequence, 1);
  assert_int_equal(meta->mono_ns, 15000001); /* 0 would be unknown, so all begin at 1 */
  assert_int_equal(meta->threshold, 265); /* 12.5% of 2000 + 100 + 20 */
  assert_null(meta->reason);
  assert_int_equal(profiles.items[1]->meta.sequence, 4);
  assert_string_equal(profiles.items[1]->meta.reason, "peak");
  for (int i = 0; i < HD_MEASURES; i++)
    assert_int_equal(profiles.items[0]->has[i], i == HD_INUSE_SPACE);
  drop_profiles(&profiles);
}

/* Only time in milliseconds is time. */
static void units_of_time(void **state)
{
  (void)state;
  static const char text[] = "desc: (none)\ncmd: a\nb\ntime_unit: i\n" SMALL;
  struct profiles profiles;
  struct hd_error error;
  assert_true(read_text(text, sizeof text - 1, &profiles, &error));
  assert_int_equal(profiles.items[0]->meta.mono_ns, 0);
  assert_int_equal(profiles.items[0]->meta.progress, 40);
  assert_int_equal(profiles.items[0]->meta.sequence, 4);
  assert_string_equal(profiles.items[0]->meta.command, "a");
  drop_profiles(&profiles);
}

static void who_it_is(void **state)
{
  (void)state;
  static const char text[] = "desc: --pages-as-heap=yes\ncmd: /bin/a b\ntime_unit: B\nrubbish";
  struct hd_stream stream = hd_stream_of(text, sizeof text - 1);
  struct hd_error error = HD_ERROR_INIT;
  struct hd_profile *profile;
  const struct hd_reader *reader = hd_reader_probe((const uint8_t *)text, sizeof text - 1);
  assert_string_equal(reader->name, "massif");
  assert_true(hd_profile_create(&profile, &error));
  assert_true(reader->peek(&stream, profile, &error));
  assert_string_equal(profile->meta.kind, "pages");
  assert_string_equal(profile->meta.program, "/bin/a");
  hd_profile_destroy(profile);
  assert_null(hd_reader_probe((const uint8_t *)"desc: x\ncmd - ", 14));
  assert_null(hd_reader_probe((const uint8_t *)"my desc: x\ncmd: a\ntime_unit: i\n", 31));
}

/* A cut file is an error, and what was whole before the cut stays. */
static void cut_at_every_byte(void **state)
{
  (void)state;
  static const char head[] = TWO, text[] = TWO LINES("2", "20", "5") "empty\n" SMALL;
  static const char with_empty[] = TWO LINES("2", "20", "5") "empty\n";
  struct profiles profiles;
  struct hd_error error;
  for (size_t cut = 1; cut < sizeof text - 1; cut++) {
    bool fine = read_text(text, cut, &profiles, &error);
    assert_int_equal(profiles.count, cut >= sizeof head - 1);
    if (profiles.count)
      assert_true(hd_profile_total(profiles.items[0], HD_INUSE_SPACE) == 2000);
    /* Between two snapshots nothing tells that more was to come. */
    assert_int_equal(fine, cut == sizeof head - 1 || cut == sizeof with_empty - 1);
    if (!fine) {
      assert_int_equal(error.kind, HD_ERROR_INPUT);
      assert_true(error.line > 0);
    }
    drop_profiles(&profiles);
  }
}

/* Whatever a byte is turned into: no crash, and what is taken adds up. */
static void flipped_bytes(void **state)
{
  (void)state;
  char text[] = TWO SMALL;
  static const char values[] = {0, '\n', ' ', '9', '-', 'n', ')', '(', '\x80'};
  struct profiles profiles;
  struct hd_error error;
  for (size_t at = 0; at < sizeof text - 1; at++) {
    char was = text[at];
    for (size_t i = 0; i < sizeof values; i++) {
      text[at] = values[i];
      if (!read_text(text, sizeof text - 1, &profiles, &error))
        assert_true(error.kind == HD_ERROR_INPUT && error.line > 0);
      for (size_t k = 0; k < profiles.count; k++) {
        double total = hd_profile_total(profiles.items[k], HD_INUSE_SPACE);
        assert_true(total == 2000 || total == 64);
      }
      drop_profiles(&profiles);
    }
    text[at] = was;
  }
}

static void wrong_files(void **state)
{
  (void)state;
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"cmd: a\n", "begins with"},
      {"desc: a\n", "ends in its header"},
      {"desc: a\ntime_unit: i\n", "no \"cmd:\""},
      {"desc: a\n#-----------\n", "begins with"},
      {HEADER, "no snapshot"},
      {HEADER "#-----------\n", "inside a snapshot"},
      {HEADER LINES("0", "1", "1") "empty\n", "none of the 1 snapshots has a call tree"},
      {HEADER LINES("0", "-1", "1") "empty\n", "\"time=\" is not followed by a whole number"},
      {HEADER LINES("0", "1", "-1") "empty\n", "mem_heap_B"},
      {HEADER LINES("0", "1", "18446744073709551616") "empty\n", "mem_heap_B"},
      {HEADER LINES("99999999999", "1", "1") "empty\n", "no usable number"},
      {HEADER LINES("0", "1", "1") "full\n", "none of empty, detailed and peak"},
      {HEADER "snapshot=1\nsnapshot=2\n", "twice"},
      {HEADER "snapshot=1\nwhat\n", "name=value"},
      {HEADER "snapshot=1\nheap_tree=empty\n", "no usable number"},
      {HEADER LINES("0", "1", "5") "peak\n", "ends inside a snapshot's call tree"},
      {HEADER LINES("0", "1", "5") "peak\nx1: 5 a\n", "a line of the call tree"},
      {HEADER LINES("0", "1", "5") "peak\nn-1: 5 a\n", "a line of the call tree"},
      {HEADER LINES("0", "1", "5") "peak\nn1: -5 a\n", "a line of the call tree"},
      {HEADER LINES("0", "1", "5") "peak\nn18446744073709551616: 5 a\n", "a line of the call"},
      {HEADER LINES("0", "1", "5") "peak\n" ROOT("18446744073709551615", "5") " n0: 5 f\n",
       "ends inside a snapshot's call tree"},
      {HEADER LINES("0", "1", "5") "peak\n" ROOT("1", "5") "  n0: 5 0x1: f (in /l)\n", "indented"},
      {HEADER LINES("0", "1", "5") "peak\n" ROOT("1", "5") " n0: 6 0x1: f (in /l)\n", "add up"},
      {HEADER LINES("0", "1", "5") "peak\n" ROOT("1", "5") " n0: 5 \n", "no function"},
      {HEADER LINES("0", "1", "5") "peak\n" ROOT("2", "5") " n0: 3 0x1: f (in /l)\n"
                                                           " n0: 3 0x2: g (in /l)\n",
       "add up"},
      {HEADER LINES("0", "1", "6") "peak\n" ROOT("1", "5") " n0: 5 0x1: f (in /l)\n",
       "do not agree"},
      {HEADER LINES("0", "1", "5") "peak\n" ROOT(
           "1", "5") " n2: 5 in 2 places, all below massif's threshold (1.00%)\n",
       "has callers"},
      {HEADER LINES("0", "1", "2000000000000000000") "peak\n" ROOT("0", "2000000000000000000"),
       "2^60"},
      {HEADER LINES("0", "1", "0") "peak\n" ROOT("0", "0") "more\n", "name=value"},
  };
  struct profiles profiles;
  struct hd_error error;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_false(read_text(cases[i].text, strlen(cases[i].text), &profiles, &error));
    assert_int_equal(error.kind, HD_ERROR_INPUT);
    assert_true(error.line > 0);
    if (!strstr(error.text, cases[i].message))
      fail_msg("case %zu: '%s' does not say '%s'", i, error.text, cases[i].message);
    drop_profiles(&profiles);
  }
}

static void a_deep_tree(void **state)
{
  (void)state;
  enum { LEVELS = 10000 };
  struct hd_buffer text = HD_BUFFER_INIT;
  struct profiles profiles;
  struct hd_error error;
  hd_buffer_puts(&text, HEADER LINES("0", "1", "7") "peak\n" ROOT("1", "7"));
  for (int level = 1; level <= LEVELS; level++) {
    hd_buffer_repeat(&text, ' ', (size_t)level);
    hd_buffer_printf(&text, "n%d: 7 0x%x: f%d (in /l)\n", level < LEVELS, level, level);
  }
  assert_false(text.failed);
  assert_true(read_text(text.data, text.length, &profiles, &error));
  assert_int_equal(profiles.items[0]->records.count, 1);
  assert_int_equal(profiles.items[0]->stacks.items[0].count, LEVELS);
  drop_profiles(&profiles);
  assert_false(read_text(text.data, text.length - LEVELS, &profiles, &error));
  assert_int_equal(error.line, 3 + 8 + 1 + LEVELS);
  hd_buffer_deinit(&text);
}

static void short_of_memory(void **state)
{
  (void)state;
  static const char text[] = TWO SMALL;
  without_memory("massif", text, sizeof text - 1);
}

/* --- real files */

static void a_real_service(void **state)
{
  (void)state;
  struct profiles profiles;
  read_file("massif", TESTDATA "/massif/service.massif", &profiles);
  assert_int_equal(profiles.count, 13);
  const struct hd_profile *first = profiles.items[0], *last = profiles.items[12];
  assert_string_equal(last->meta.reason, "peak");
  assert_true(last->meta.mono_ns > first->meta.mono_ns);
  assert_true(last->meta.threshold > 0);
  /* The leak is what grew most; a page of the index has 32 KiB. */
  assert_true(sum_at(first, HD_INUSE_SPACE, "cache.c", 52) == 1073280);
  assert_true(sum_at(last, HD_INUSE_SPACE, "cache.c", 52) == 6201920);
  assert_true((long)sum_at(last, HD_INUSE_SPACE, "index.c", 17) % 32768 == 0);
  drop_profiles(&profiles);
}

/* Every site's bytes in the last tree, as the program counts them itself. */
static void real_containers(void **state)
{
  (void)state;
  static const struct {
    uint32_t line;
    double bytes;
  } truth[] = {{46, 24}, {49, 524288}, {55, 32}, {58, 1966081}, {64, 48},    {67, 144000},
               {74, 56}, {77, 112696}, {87, 24}, {89, 16000},   {92, 80000}, {38, 44800}};
  struct profiles profiles;
  read_file("massif", TESTDATA "/massif/containers.massif", &profiles);
  const struct hd_profile *last = profiles.items[profiles.count - 1];
  assert_int_equal(last->meta.threshold, 0);
  for (size_t i = 0; i < sizeof truth / sizeof *truth; i++)
    assert_true(sum_at(last, HD_INUSE_SPACE, "containers.cc", truth[i].line) == truth[i].bytes);
  drop_profiles(&profiles);
}

static void pages_and_xtree(void **state)
{
  (void)state;
  struct profiles profiles;
  read_file("massif", TESTDATA "/massif/pages.massif", &profiles);
  assert_int_equal(profiles.count, 3);
  assert_string_equal(profiles.items[0]->meta.kind, "pages");
  drop_profiles(&profiles);
  /* Six trees: bytes and blocks in use, allocated, freed. One is a heap. */
  read_file("massif", TESTDATA "/massif/xtree.ms", &profiles);
  assert_int_equal(profiles.count, 1);
  assert_string_equal(profiles.items[0]->meta.kind, "heap");
  assert_true(sum_at(profiles.items[0], HD_INUSE_SPACE, "cache.c", 52) == 2000 * 1040);
  assert_true(sum_at(profiles.items[0], HD_INUSE_SPACE, "index.c", 17) == 20 * 32768);
  drop_profiles(&profiles);
}

/* --- against ms_print */

/* A number with commas; `at` moves behind it. */
static double grouped(const char **at)
{
  double value = 0;
  while (**at == ' ')
    ++*at;
  for (; (**at >= '0' && **at <= '9') || **at == ','; ++*at)
    if (**at != ',')
      value = value * 10 + (**at - '0');
  return value;
}

/* What the records whose innermost frame reads so add up to. */
static double sum_of(const struct hd_profile *profile, const char *frame)
{
  struct hd_buffer name = HD_BUFFER_INIT;
  double sum = 0;
  for (size_t i = 0; i < profile->records.count; i++) {
    uint32_t stack = profile->records.items[i].stack;
    if (!stack)
      continue;
    uint32_t leaf = profile->stack_locations.items[profile->stacks.items[stack - 1].first];
    hd_buffer_clear(&name);
    write_frame(&name, profile, &profile->locations.items[leaf - 1], 0);
    if (strcmp(hd_buffer_text(&name), frame) == 0)
      sum += hd_profile_value(profile, i, HD_INUSE_SPACE);
  }
  hd_buffer_deinit(&name);
  return sum;
}

/* "->10.56% (317,637B) 0x6F675AB: QByteArray::resize(int) (in /usr/lib/x.so)" of the
 * first level; one function may have several such lines. */
struct branch {
  char frame[400];
  double bytes;
};

static size_t add_branch(struct branch *branches, size_t count, const char *line)
{
  const char *at = strchr(line, '(') + 1;
  double bytes = grouped(&at);
  const char *frame = strstr(at, "0x"), *name;
  size_t i = 0;
  if (!frame || frame - at > 4)
    return count; /* what is below a threshold */
  name = strstr(frame, ": ") + 2;
  struct branch made = {.bytes = bytes};
  if (strncmp(name, "???", 3) == 0)
    snprintf(made.frame, sizeof made.frame, "%.*s%s", (int)(name - 2 - frame), frame, name + 3);
  else
    snprintf(made.frame, sizeof made.frame, "%s", name);
  char *place = strrchr(made.frame, '(');
  if (place && strncmp(place, "(in ", 4) != 0) { /* write_frame() has no parentheses here */
    memmove(place, place + 1, strlen(place));
    made.frame[strlen(made.frame) - 1] = '\0';
  }
  while (i < count && strcmp(branches[i].frame, made.frame) != 0)
    i++;
  branches[i].bytes = i < count ? branches[i].bytes + bytes : bytes;
  memcpy(branches[i].frame, made.frame, sizeof made.frame);
  return i < count ? count : count + 1;
}

static const struct hd_profile *by_number(const struct profiles *profiles, long number)
{
  for (size_t i = 0; i < profiles->count; i++)
    if (profiles->items[i]->meta.sequence == number)
      return profiles->items[i];
  return NULL;
}

/* Each row of ms_print's tables, and each branch of the first level below it. */
static size_t compare_with_print(const struct profiles *profiles, char *print)
{
  enum { BRANCHES = 200 };
  static struct branch branches[BRANCHES];
  const struct hd_profile *profile = NULL;
  size_t compared = 0, count = 0;
  for (char *line = strtok(print, "\n"); line; line = strtok(NULL, "\n")) {
    long number, time;
    int behind = 0;
    if (strncmp(line, "->", 2) == 0 && profile) {
      assert_true(count < BRANCHES);
      count = add_branch(branches, count, line);
    } else if (sscanf(line, " %ld %ld%n", &number, &time, &behind) == 2 && line[0] == ' ') {
      for (; count > 0; count--, compared++)
        if (sum_of(profile, branches[count - 1].frame) != branches[count - 1].bytes)
          fail_msg("snapshot %ld: %s: %.0f, ms_print has %.0f", (long)profile->meta.sequence,
                   branches[count - 1].frame, sum_of(profile, branches[count - 1].frame),
                   branches[count - 1].bytes);
      const char *at = line;
      grouped(&at), grouped(&at), grouped(&at);
      double useful = grouped(&at);
      profile = by_number(profiles, number);
      if (profile) {
        assert_true(hd_profile_total(profile, HD_INUSE_SPACE) == useful);
        compared++;
      }
    }
  }
  return compared;
}

static void as_ms_print_shows_it(void **state)
{
  (void)state;
  static const char path[] = SOURCE_DIR "/../shared/conformance/massif/massif.out.kate";
  struct profiles profiles;
  size_t length;
  char *print =
      file_text(SOURCE_DIR "/../shared/conformance/massif/massif.out.kate.print", &length);
  if (!print) {
    print_message("skipped: there is no ../shared/conformance\n");
    skip();
  }
  read_file("massif", path, &profiles);
  assert_int_equal(profiles.count, 36);
  size_t compared = compare_with_print(&profiles, print);
  print_message("%zu values as ms_print has them\n", compared);
  assert_true(compared > 300);
  free(print);
  drop_profiles(&profiles);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_tree_and_a_series), cmocka_unit_test(units_of_time),
      cmocka_unit_test(who_it_is),           cmocka_unit_test(cut_at_every_byte),
      cmocka_unit_test(flipped_bytes),       cmocka_unit_test(wrong_files),
      cmocka_unit_test(a_deep_tree),         cmocka_unit_test(short_of_memory),
      cmocka_unit_test(a_real_service),      cmocka_unit_test(real_containers),
      cmocka_unit_test(pages_and_xtree),     cmocka_unit_test(as_ms_print_shows_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
