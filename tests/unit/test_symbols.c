/* Functions, lines and inlined chains, as compilers write them. */
#include "symbols_fixture.h"

static void check_variant(const char *compiler, const char *flags)
{
  uint64_t offsets[2];
  if (!shell("rm -f chain *.dwo && %s %s chain.c -o chain", compiler, flags))
    fail_msg("cannot build with %s %s", compiler, flags);
  chain_offsets("chain", offsets);
  struct hd_symbol_batch batch = symbolize(in_scratch("chain"), "", NULL, offsets, 2);
  print_message("  %s %s\n", compiler, flags);
  assert_chain(&batch, in_scratch("chain.c"));
  assert_false(batch.verified);
  assert_string_equal(batch.reason, "");
  hd_symbol_batch_deinit(&batch);
}

static void check_compiler(const char *compiler)
{
  static const char *const variants[] = {
      "-O0 -gdwarf-5",
      "-O2 -gdwarf-5",
      "-O0 -gdwarf-4",
      "-O2 -gdwarf-4",
      "-O2 -g -no-pie",
      "-O2 -g -shared -fPIC",
      "-O2 -g -gz=zlib",
      "-O2 -g -gsplit-dwarf",
      "-O2 -gdwarf-4 -gsplit-dwarf",
      "-O2 -g -ffunction-sections -Wl,--gc-sections",
      "-O2 -g -Wl,--build-id=none",
      "-O2 -gdwarf-3",
      "-O2 -gdwarf-2",
  };
  if (!have(compiler))
    skip();
  write_text("chain.c", chain_source);
  for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
    check_variant(compiler, variants[i]);
}

static void test_gcc(void **state)
{
  (void)state;
  check_compiler("gcc");
}

static void test_clang(void **state)
{
  (void)state;
  check_compiler("clang");
}

/* By address in the file's own terms, which some linkers let differ from the offset. */
static void test_addresses(void **state)
{
  (void)state;
  static const char *const variants[] = {"", "-no-pie", "-fuse-ld=lld"};
  write_text("chain.c", chain_source);
  for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
    uint64_t addresses[3] = {0, 0, UINT64_MAX};
    if (strstr(variants[i], "lld") && !have("ld.lld"))
      continue;
    assert_true(shell("gcc -O2 -g %s chain.c -o addressed", variants[i]));
    uint64_t offset = find_label("addressed", "probe_inner", &addresses[0]);
    find_label("addressed", "probe_second", &addresses[1]);
    assert_int_equal(offset == addresses[0], i == 0);
    struct hd_symbol_batch batch;
    struct hd_error error = HD_ERROR_INIT;
    struct hd_symbolizer *symbolizer = new_symbolizer(NULL);
    assert_true(hd_symbolize(symbolizer, in_scratch("addressed"), "", true, addresses, 3, &batch,
                             &error));
    assert_chain(&batch, in_scratch("chain.c"));
    assert_int_equal(batch.answers[2].count, 0);
    hd_symbol_batch_deinit(&batch);
    hd_symbolizer_destroy(symbolizer);
  }
}

/* A source that was named relative to another folder, with "./" in it. */
static void test_relative_names(void **state)
{
  (void)state;
  uint64_t offsets[2];
  static const char *const versions[] = {"4", "5"};
  assert_true(shell("mkdir -p sub"));
  write_text("sub/chain.c", chain_source);
  for (size_t i = 0; i < 2; i++) {
    assert_true(shell("gcc -O2 -gdwarf-%s ./sub/././chain.c -o chain", versions[i]));
    chain_offsets("chain", offsets);
    struct hd_symbol_batch batch = symbolize(in_scratch("chain"), "", NULL, offsets, 2);
    assert_chain(&batch, in_scratch("sub/chain.c"));
    hd_symbol_batch_deinit(&batch);
  }
}

/* Offsets come in any order, repeat, and lie where nothing is. */
static void test_batch(void **state)
{
  (void)state;
  uint64_t probe[2];
  write_text("chain.c", chain_source);
  assert_true(shell("gcc -O2 -g chain.c -o chain"));
  chain_offsets("chain", probe);
  uint64_t offsets[] = {probe[0], probe[1], UINT64_MAX, probe[0], 0, probe[1], 1u << 30};
  struct hd_symbol_batch batch = symbolize(in_scratch("chain"), "", NULL, offsets, 7);
  assert_chain(&batch, in_scratch("chain.c"));
  assert_memory_equal(&batch.answers[3], &batch.answers[0], sizeof *batch.answers);
  assert_memory_equal(&batch.answers[5], &batch.answers[1], sizeof *batch.answers);
  assert_int_equal(batch.answers[2].count, 0);
  assert_int_equal(batch.answers[4].count, 0);
  assert_int_equal(batch.answers[6].count, 0);
  assert_int_equal(batch.frame_count, 4);
  hd_symbol_batch_deinit(&batch);
  batch = symbolize(in_scratch("chain"), "", NULL, NULL, 0);
  assert_int_equal(batch.status, HD_SYMBOLS_DWARF);
  assert_int_equal(batch.frame_count, 0);
  hd_symbol_batch_deinit(&batch);
}

static const char classes_source[] =
    "#define PROBE(name) __asm__ volatile(\".globl \" #name \"\\n\" #name \": nop\")\n"
    "int counter;\n"
    "namespace ns {\n"
    "template <class T> struct Box {\n"
    "  T value;\n"
    "  __attribute__((always_inline)) inline void put(T x) /* put starts */\n"
    "  {\n"
    "    value = x;\n"
    "    PROBE(probe_put); /* in put */\n"
    "  }\n"
    "};\n"
    "}\n"
    "namespace {\n"
    "struct Hidden {\n"
    "  __attribute__((noinline)) void work(int x)\n"
    "  {\n"
    "    counter += x;\n"
    "    auto add = [&](int y) __attribute__((always_inline)) {\n"
    "      counter += y;\n"
    "      PROBE(probe_lambda); /* in lambda */\n"
    "    };\n"
    "    add(x); /* in work */\n"
    "  }\n"
    "};\n"
    "template <class T> __attribute__((noinline)) void hidden_template(T x)\n"
    "{\n"
    "  counter += x;\n"
    "  PROBE(probe_template);\n"
    "}\n"
    "}\n"
    "extern \"C\" __attribute__((noinline)) void plain_c(int x)\n"
    "{\n"
    "  counter += x;\n"
    "  PROBE(probe_plain);\n"
    "}\n"
    "int main(int argc, char **)\n"
    "{\n"
    "  ns::Box<int> box;\n"
    "  box.put(argc); /* in main */\n"
    "  Hidden hidden;\n"
    "  hidden.work(argc);\n"
    "  hidden_template(argc);\n"
    "  plain_c(argc);\n"
    "  return box.value == 12345;\n"
    "}\n";

/* The short name of a frame, less a lambda's parameters and number, which only
 * mangled names have. */
static void assert_short_name(const struct hd_symbol_batch *batch, size_t answer, size_t i,
                              const char *wanted)
{
  struct hd_arena arena = HD_ARENA_INIT;
  const char *name = hd_demangle(&arena, frame_of(batch, answer, i)->function, false);
  assert_non_null(name);
  char text[256];
  snprintf(text, sizeof text, "%s", name);
  char *lambda = strstr(text, "{lambda"), *end = lambda ? strchr(lambda, '}') : NULL;
  if (end)
    memmove(lambda + strlen("{lambda"), end, strlen(end) + 1);
  assert_string_equal(text, wanted);
  hd_arena_deinit(&arena);
}

static void check_classes(const char *compiler, const char *flags)
{
  if (!have(compiler))
    skip();
  write_text("classes.cc", classes_source);
  if (!shell("%s %s classes.cc -o classes", compiler, flags))
    fail_msg("cannot build with %s %s", compiler, flags);
  uint64_t offsets[] = {offset_of("classes", "probe_put"), offset_of("classes", "probe_lambda"),
                        offset_of("classes", "probe_template"),
                        offset_of("classes", "probe_plain")};
  struct hd_symbol_batch batch = symbolize(in_scratch("classes"), "", NULL, offsets, 4);
  assert_int_equal(batch.answers[0].count, 2);
  assert_short_name(&batch, 0, 0, "ns::Box::put");
  assert_int_equal(frame_of(&batch, 0, 0)->line, line_of(classes_source, "/* in put"));
  assert_int_equal(frame_of(&batch, 0, 0)->start_line, line_of(classes_source, "/* put starts"));
  assert_string_equal(frame_of(&batch, 0, 1)->function, "main");
  assert_int_equal(frame_of(&batch, 0, 1)->line, line_of(classes_source, "/* in main"));
  assert_int_equal(batch.answers[1].count, 2);
  assert_short_name(&batch, 1, 0,
                    "(anonymous namespace)::Hidden::work::{lambda}::operator()");
  assert_short_name(&batch, 1, 1, "(anonymous namespace)::Hidden::work");
  assert_int_equal(frame_of(&batch, 1, 1)->line, line_of(classes_source, "/* in work"));
  assert_short_name(&batch, 2, 0, "(anonymous namespace)::hidden_template");
  assert_string_equal(frame_of(&batch, 3, 0)->function, "plain_c");
  hd_symbol_batch_deinit(&batch);
}

static void test_gxx(void **state)
{
  (void)state;
  check_classes("g++", "-O2 -g");
  check_classes("g++", "-O2 -gdwarf-4");
  check_classes("g++", "-O2 -g -gsplit-dwarf");
}

static void test_clangxx(void **state)
{
  (void)state;
  check_classes("clang++", "-O2 -g");
  check_classes("clang++", "-O1 -gdwarf-4");
}

/* Code without DWARF beside code that has it: a name, and no place. */
static void test_assembly(void **state)
{
  (void)state;
  write_text("chain.c", chain_source);
  write_text("plain.S", ".text\n.globl bare\n.type bare, @function\nbare:\n nop\n"
                        ".globl probe_bare\nprobe_bare:\n nop\n ret\n.size bare, .-bare\n"
                        ".globl label\nlabel:\n nop\nlabel_after:\n nop\n"
                        ".section .note.GNU-stack,\"\",@progbits\n");
  assert_true(shell("gcc -c plain.S && gcc -O2 -g chain.c plain.o -o mixed"));
  uint64_t offsets[] = {offset_of("mixed", "probe_bare"), offset_of("mixed", "label")};
  struct hd_symbol_batch batch = symbolize(in_scratch("mixed"), "", NULL, offsets, 2);
  assert_int_equal(batch.status, HD_SYMBOLS_DWARF);
  assert_int_equal(batch.answers[0].count, 1);
  assert_frame(&batch, 0, 0, "bare", "", 0, 0);
  assert_frame(&batch, 1, 0, "label", "", 0, 0);
  hd_symbol_batch_deinit(&batch);
  /* With debug information the assembler knows lines, but no functions. */
  assert_true(shell("gcc -g -c plain.S && gcc -O2 -g chain.c plain.o -o mixed"));
  offsets[0] = offset_of("mixed", "probe_bare");
  batch = symbolize(in_scratch("mixed"), "", NULL, offsets, 1);
  assert_frame(&batch, 0, 0, "bare", in_scratch("plain.S"), 8, 0);
  hd_symbol_batch_deinit(&batch);
}

/* A GNU C nested function is inside another one's DIE, not inside its code; and
 * the part that GCC splits off as unlikely belongs to the function. */
static void test_nested_and_cold(void **state)
{
  (void)state;
  write_text("nested.c",
             "void abort(void);\n"
             "int counter;\n"
             "__attribute__((noinline)) static int call(int (*f)(int)) { return f(3); }\n"
             "__attribute__((noinline)) int holder(int x)\n"
             "{\n"
             "  __attribute__((noinline)) int inside(int y)\n"
             "  {\n"
             "    counter += x + y;\n"
             "    __asm__ volatile(\".globl probe_nested\\nprobe_nested: nop\");\n"
             "    return counter;\n"
             "  }\n"
             "  return call(inside);\n"
             "}\n"
             "__attribute__((cold, noinline)) static void report(int x) { counter -= x; }\n"
             "__attribute__((noinline)) int splits(int x)\n"
             "{\n"
             "  if (__builtin_expect(x > 1000, 0)) {\n"
             "    report(x);\n"
             "    __asm__ volatile(\".globl probe_cold\\nprobe_cold: nop\");\n"
             "    abort();\n"
             "  }\n"
             "  return counter += x;\n"
             "}\n"
             "int main(int argc, char **argv)\n"
             "{\n"
             "  (void)argv;\n"
             "  return holder(argc) + splits(argc) == 0;\n"
             "}\n");
  assert_true(shell("gcc -O2 -g nested.c -o nested"));
  uint64_t offsets[] = {offset_of("nested", "probe_nested"), offset_of("nested", "probe_cold")};
  struct hd_symbol_batch batch = symbolize(in_scratch("nested"), "", NULL, offsets, 2);
  assert_frame(&batch, 0, 0, "inside", in_scratch("nested.c"), 9, 6);
  assert_frame(&batch, 1, 0, "splits", in_scratch("nested.c"), 19, 15);
  hd_symbol_batch_deinit(&batch);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_gcc),     cmocka_unit_test(test_clang),
      cmocka_unit_test(test_batch),   cmocka_unit_test(test_relative_names),
      cmocka_unit_test(test_gxx),     cmocka_unit_test(test_clangxx),
      cmocka_unit_test(test_assembly), cmocka_unit_test(test_nested_and_cold),
      cmocka_unit_test(test_addresses),
  };
  return cmocka_run_group_tests_name("symbols", tests, make_scratch, remove_scratch);
}
