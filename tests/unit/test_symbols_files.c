/* Which file is used for a module, and which is refused. */
#include "symbols_fixture.h"

#include "base/alloc.h"

#include <sys/stat.h>

/* The program chain with debug information, and the same stripped of it. */
static void build_chain(const char *flags, uint64_t offsets[2])
{
  write_text("chain.c", chain_source);
  assert_true(shell("gcc -O2 -g -rdynamic %s chain.c -o full", flags));
  chain_offsets("full", offsets);
  assert_true(shell("rm -rf lib.debug .debug tree && objcopy --only-keep-debug full lib.debug && "
                    "objcopy --strip-debug full thin && strip full -o bare"));
}

static void assert_table(const struct hd_symbol_batch *batch)
{
  assert_int_equal(batch->status, HD_SYMBOLS_TABLE);
  assert_int_equal(batch->answers[1].count, 1);
  assert_string_equal(frame_of(batch, 1, 0)->file, "");
  assert_int_equal(frame_of(batch, 1, 0)->line, 0);
  assert_non_null(strstr(batch->reason, "has no debug information"));
  assert_string_equal(batch->debug_file, "");
}

static void test_symbol_tables(void **state)
{
  (void)state;
  uint64_t offsets[2];
  build_chain("", offsets);
  struct hd_symbol_batch batch = symbolize(in_scratch("thin"), "", NULL, offsets, 2);
  assert_table(&batch);
  assert_string_equal(frame_of(&batch, 1, 0)->function, "second");
  assert_string_equal(frame_of(&batch, 0, 0)->function, "outer");
  hd_symbol_batch_deinit(&batch);
  batch = symbolize(in_scratch("bare"), "", NULL, offsets, 2); /* .dynsym alone */
  assert_table(&batch);
  assert_string_equal(frame_of(&batch, 1, 0)->function, "second");
  hd_symbol_batch_deinit(&batch);
  assert_true(shell("gcc -O2 -static-pie chain.c -o nothing && strip nothing"));
  batch = symbolize(in_scratch("nothing"), "", NULL, offsets, 2);
  assert_int_equal(batch.status, HD_SYMBOLS_NONE);
  assert_int_equal(batch.answers[0].count, 0);
  assert_non_null(strstr(batch.reason, "no symbol table"));
  hd_symbol_batch_deinit(&batch);
}

static void expect_debug_file(const char *program, const char *debug_dir, const char *debug_file,
                              const uint64_t offsets[2])
{
  struct hd_symbol_batch batch = symbolize(in_scratch(program), "", debug_dir, offsets, 2);
  assert_chain(&batch, in_scratch("chain.c"));
  assert_string_equal(batch.debug_file, debug_file);
  assert_string_equal(batch.file, in_scratch(program));
  hd_symbol_batch_deinit(&batch);
}

static void check_debuglink(const char *flags)
{
  uint64_t offsets[2];
  build_chain(flags, offsets);
  assert_true(shell("cp bare linked && objcopy --add-gnu-debuglink=lib.debug linked"));
  expect_debug_file("linked", NULL, in_scratch("lib.debug"), offsets);
  assert_true(shell("mkdir .debug && mv lib.debug .debug"));
  expect_debug_file("linked", NULL, in_scratch(".debug/lib.debug"), offsets);
  assert_true(shell("mkdir -p tree/'%s' && mv .debug/lib.debug tree/'%s'", scratch, scratch));
  char path[2 * PATH_MAX];
  snprintf(path, sizeof path, "%s%s/lib.debug", in_scratch("tree"), scratch);
  expect_debug_file("linked", in_scratch("tree"), path, offsets);
  assert_true(shell("mv tree/'%s'/lib.debug tree", scratch));
  expect_debug_file("linked", in_scratch("tree"), in_scratch("tree/lib.debug"), offsets);
  assert_true(shell("rm -rf tree"));
  struct hd_symbol_batch batch = symbolize(in_scratch("linked"), "", NULL, offsets, 2);
  assert_table(&batch);
  hd_symbol_batch_deinit(&batch);
}

static void test_debuglink(void **state)
{
  (void)state;
  check_debuglink("");
  check_debuglink("-Wl,--build-id=none");
}

/* A debug file that does not belong: by its CRC, and by its build-id. */
static void test_wrong_debuglink(void **state)
{
  (void)state;
  uint64_t offsets[2];
  static const char *const flags[] = {"-Wl,--build-id=none", ""};
  for (size_t i = 0; i < 2; i++) {
    build_chain(flags[i], offsets);
    assert_true(shell("cp bare linked && objcopy --add-gnu-debuglink=lib.debug linked && "
                      "gcc -O2 -g -rdynamic -DOTHER -include stdio.h %s chain.c -o other && "
                      "objcopy --only-keep-debug other lib.debug", flags[i]));
    struct hd_symbol_batch batch = symbolize(in_scratch("linked"), "", NULL, offsets, 2);
    assert_table(&batch);
    hd_symbol_batch_deinit(&batch);
  }
}

static void test_build_id_tree(void **state)
{
  (void)state;
  uint64_t offsets[2];
  char id[256], path[PATH_MAX + 512];
  build_chain("", offsets);
  build_id_of("bare", id, sizeof id);
  assert_true(shell("mkdir -p tree/.build-id/%.2s && mv lib.debug tree/.build-id/%.2s/%s.debug",
                    id, id, id + 2));
  snprintf(path, sizeof path, "%s/.build-id/%.2s/%s.debug", in_scratch("tree"), id, id + 2);
  expect_debug_file("bare", in_scratch("tree"), path, offsets);
  /* Another build's file under this name is not taken. */
  assert_true(shell("gcc -O2 -g -rdynamic -include stdio.h chain.c -o other && "
                    "objcopy --only-keep-debug other '%s'", path));
  struct hd_symbol_batch batch = symbolize(in_scratch("bare"), id, in_scratch("tree"), offsets, 2);
  assert_table(&batch);
  assert_true(batch.verified);
  hd_symbol_batch_deinit(&batch);
  /* The program is gone from its path, and a copy is in the tree. */
  assert_true(shell("cp full '%s'", path));
  batch = symbolize("/nonexistent/chain", id, in_scratch("tree"), offsets, 2);
  assert_chain(&batch, in_scratch("chain.c"));
  assert_true(batch.verified);
  assert_string_equal(batch.file, path);
  hd_symbol_batch_deinit(&batch);
}

static void expect_status(const char *path, const char *build_id, enum hd_symbol_status status,
                          const char *reason)
{
  uint64_t offsets[] = {0x1000, 0};
  struct hd_symbol_batch batch = symbolize(path, build_id, NULL, offsets, 2);
  assert_int_equal(batch.status, status);
  if (!strstr(batch.reason, reason))
    fail_msg("\"%s\" is not in \"%s\"", reason, batch.reason);
  assert_int_equal(batch.answers[0].count, 0);
  assert_int_equal(batch.frame_count, 0);
  assert_false(batch.verified);
  hd_symbol_batch_deinit(&batch);
}

static void test_build_id(void **state)
{
  (void)state;
  uint64_t offsets[2];
  char id[256];
  static const char wrong[] = "00112233445566778899aabbccddeeff00112233";
  build_chain("", offsets);
  build_id_of("full", id, sizeof id);
  struct hd_symbol_batch batch = symbolize(in_scratch("full"), id, NULL, offsets, 2);
  assert_chain(&batch, in_scratch("chain.c"));
  assert_true(batch.verified);
  assert_string_equal(batch.found_build_id, id);
  hd_symbol_batch_deinit(&batch);
  batch = symbolize(in_scratch("full"), wrong, NULL, offsets, 2);
  assert_int_equal(batch.status, HD_SYMBOLS_MISMATCH);
  assert_false(batch.verified);
  assert_string_equal(batch.found_build_id, id);
  assert_non_null(strstr(batch.reason, id));
  assert_non_null(strstr(batch.reason, wrong));
  assert_int_equal(batch.frame_count, 0);
  hd_symbol_batch_deinit(&batch);
  build_chain("-Wl,--build-id=none", offsets);
  expect_status(in_scratch("full"), wrong, HD_SYMBOLS_MISMATCH, "no build-id");
  expect_status(in_scratch("full"), "../../../../etc/x", HD_SYMBOLS_MISMATCH, "no build-id");
}

static void test_no_file(void **state)
{
  (void)state;
  static const char *const names[] = {"", "[vdso]", "[heap]", "//anon", "/memfd:x (deleted)",
                                      "/dev/zero (deleted)", "/SYSV00000000 (deleted)",
                                      "linux-vdso.so.1"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    expect_status(names[i], "", HD_SYMBOLS_NOT_A_FILE, "not a file");
  expect_status("/nonexistent/x", "", HD_SYMBOLS_NO_FILE, "No such file");
  expect_status("/nonexistent/x", "aabbcc", HD_SYMBOLS_NO_FILE, "No such file");
  expect_status(scratch, "", HD_SYMBOLS_BAD_FILE, "not a regular file");
  assert_int_equal(mkfifo(in_scratch("fifo"), 0600), 0);
  expect_status(in_scratch("fifo"), "", HD_SYMBOLS_BAD_FILE, "not a regular file");
  write_text("empty", "");
  expect_status(in_scratch("empty"), "", HD_SYMBOLS_BAD_FILE, "");
  write_text("text", "#!/bin/sh\necho a script is not ELF, whatever it starts\n");
  expect_status(in_scratch("text"), "", HD_SYMBOLS_BAD_FILE, "not an ELF file");
  write_text("chain.c", chain_source);
  assert_true(shell("gcc -g -c chain.c -o object.o && ar rc archive.a object.o"));
  expect_status(in_scratch("object.o"), "", HD_SYMBOLS_BAD_FILE, "neither a program");
  expect_status(in_scratch("archive.a"), "", HD_SYMBOLS_BAD_FILE, "not an ELF file");
}

static void test_deleted(void **state)
{
  (void)state;
  uint64_t offsets[2];
  char id[256], path[PATH_MAX + 512];
  build_chain("", offsets);
  build_id_of("full", id, sizeof id);
  snprintf(path, sizeof path, "%s (deleted)", in_scratch("full"));
  expect_status(path, "", HD_SYMBOLS_NO_FILE, "deleted or replaced");
  expect_status(path, "0011223344", HD_SYMBOLS_MISMATCH, id);
  struct hd_symbol_batch batch = symbolize(path, id, NULL, offsets, 2);
  assert_chain(&batch, in_scratch("chain.c"));
  assert_true(batch.verified);
  hd_symbol_batch_deinit(&batch);
}

/* One symbolizer, several batches; a file that is replaced between two of them is
 * opened anew. */
static void test_open_modules(void **state)
{
  (void)state;
  uint64_t offsets[2];
  struct hd_error error = HD_ERROR_INIT;
  struct hd_symbol_batch batch;
  struct hd_symbolizer *symbolizer = new_symbolizer(NULL);
  const char *flags[] = {"", "", "-DPAD=1 -no-pie"};
  for (size_t i = 0; i < 3; i++) {
    if (i != 1) {
      build_chain(flags[i], offsets);
      assert_true(shell("mv full program"));
    }
    assert_true(hd_symbolize(symbolizer, in_scratch("program"), "", HD_FILE_OFFSETS, offsets, 2,
                             &batch, &error));
    assert_chain(&batch, in_scratch("chain.c"));
    hd_symbol_batch_deinit(&batch);
  }
  for (unsigned i = 0; i < 70; i++) { /* more than are kept open */
    char name[32];
    snprintf(name, sizeof name, "copy%u", i);
    assert_true(shell("ln -f program %s", name));
    assert_true(hd_symbolize(symbolizer, in_scratch(name), "", HD_FILE_OFFSETS, offsets, 2, &batch,
                             &error));
    assert_int_equal(batch.answers[0].count, 3);
    hd_symbol_batch_deinit(&batch);
  }
  hd_symbolizer_destroy(symbolizer);
}

static void test_dwz(void **state)
{
  (void)state;
  if (!have("dwz"))
    skip();
  uint64_t offsets[2];
  write_text("chain.c", chain_source);
  assert_true(shell("gcc -O2 -g chain.c -o one && gcc -O1 -g chain.c -o two && "
                    "gcc -O0 -g chain.c -o three && dwz -m common -M common one two three"));
  chain_offsets("one", offsets);
  if (!shell("readelf -SW one | grep -q gnu_debugaltlink"))
    skip(); /* there was nothing to share */
  struct hd_symbol_batch batch = symbolize(in_scratch("one"), "", NULL, offsets, 2);
  assert_chain(&batch, in_scratch("chain.c"));
  assert_string_equal(batch.reason, "");
  hd_symbol_batch_deinit(&batch);
  assert_true(shell("rm common"));
  batch = symbolize(in_scratch("one"), "", NULL, offsets, 2);
  assert_non_null(strstr(batch.reason, "dwz"));
  hd_symbol_batch_deinit(&batch);
}

static void test_missing_dwo(void **state)
{
  (void)state;
  uint64_t offsets[2];
  write_text("chain.c", chain_source);
  assert_true(shell("gcc -O2 -g -gsplit-dwarf chain.c -o split && rm *.dwo"));
  chain_offsets("split", offsets);
  struct hd_symbol_batch batch = symbolize(in_scratch("split"), "", NULL, offsets, 2);
  assert_int_equal(batch.status, HD_SYMBOLS_DWARF);
  assert_non_null(strstr(batch.reason, ".dwo"));
  assert_frame(&batch, 1, 0, "second", in_scratch("chain.c"),
               line_of(chain_source, "/* in second"), 0);
  hd_symbol_batch_deinit(&batch);
}

/* Where libdw knows zstd the answer is whole, else it is said why not. */
static void test_zstd_dwo(void **state)
{
  (void)state;
  uint64_t offsets[2];
  write_text("chain.c", chain_source);
  if (!shell("gcc -O2 -g -gsplit-dwarf chain.c -o packed && "
             "for dwo in *packed*.dwo chain.dwo; do test ! -e $dwo || "
             "objcopy --compress-debug-sections=zstd $dwo; done 2>/dev/null"))
    skip();
  chain_offsets("packed", offsets);
  struct hd_symbol_batch batch = symbolize(in_scratch("packed"), "", NULL, offsets, 2);
  assert_int_equal(batch.status, HD_SYMBOLS_DWARF);
  if (batch.reason[0])
    assert_non_null(strstr(batch.reason, "zstd"));
  else
    assert_chain(&batch, in_scratch("chain.c"));
  hd_symbol_batch_deinit(&batch);
}

static long allowed;

static bool allow_some(void)
{
  return allowed-- > 0;
}

/* Every allocation fails once: an error each time, and nothing is lost. */
static void test_no_memory(void **state)
{
  (void)state;
  uint64_t offsets[2];
  build_chain("", offsets);
  bool done = false;
  for (long n = 0; !done; n++) {
    struct hd_error error = HD_ERROR_INIT;
    struct hd_symbolizer *symbolizer = NULL;
    struct hd_symbol_batch batch;
    allowed = n;
    hd_alloc_set_hook(allow_some);
    done = hd_symbolizer_create(NULL, &symbolizer, &error) &&
           hd_symbolize(symbolizer, in_scratch("full"), "", HD_FILE_OFFSETS, offsets, 2, &batch,
                        &error);
    hd_alloc_set_hook(NULL);
    if (done) {
      assert_chain(&batch, in_scratch("chain.c"));
      hd_symbol_batch_deinit(&batch);
    } else {
      assert_int_equal(error.kind, HD_ERROR_INTERNAL);
    }
    hd_symbolizer_destroy(symbolizer);
    assert_true(n < 10000);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_symbol_tables),   cmocka_unit_test(test_debuglink),
      cmocka_unit_test(test_wrong_debuglink), cmocka_unit_test(test_build_id_tree),
      cmocka_unit_test(test_build_id),        cmocka_unit_test(test_no_file),
      cmocka_unit_test(test_deleted),         cmocka_unit_test(test_open_modules),
      cmocka_unit_test(test_dwz),             cmocka_unit_test(test_missing_dwo),
      cmocka_unit_test(test_zstd_dwo),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests_name("symbols_files", tests, make_scratch, remove_scratch);
}
