/* Where files are looked for beside the snapshot's own path, and whose are taken. */
#include "symbols_fixture.h"

#include "symbols/elf_file.h"

#include <sys/stat.h>

static char tree[PATH_MAX]; /* a --debug-dir */
static uint64_t offsets[2];
static char build_id[HD_BUILD_ID_TEXT];
static const char wrong_id[] = "00112233445566778899aabbccddeeff00112233";

static void build(void)
{
  snprintf(tree, sizeof tree, "%s", in_scratch("tree"));
  write_text("chain.c", chain_source);
  assert_true(
      shell("rm -rf root tree full* bare* common* && gcc -O2 -g -rdynamic chain.c -o full && "
            "strip full -o bare"));
  chain_offsets("full", offsets);
  build_id_of("full", build_id, sizeof build_id);
}

static void expect_chain(const struct hd_symbol_options *options, const char *path,
                         const char *file, const char *debug_file)
{
  struct hd_symbol_batch batch = symbolize_with(options, path, build_id, offsets, 2);
  assert_chain(&batch, in_scratch("chain.c"));
  assert_true(batch.verified);
  assert_false(batch.forced);
  assert_string_equal(batch.file, file);
  assert_string_equal(batch.debug_file, debug_file);
  assert_string_equal(batch.reason, "");
  hd_symbol_batch_deinit(&batch);
}

static void expect_refused(const struct hd_symbol_options *options, const char *path,
                           const char *id, enum hd_symbol_status status, const char *reason)
{
  struct hd_symbol_batch batch = symbolize_with(options, path, id, offsets, 2);
  assert_int_equal(batch.status, status);
  if (!strstr(batch.reason, reason))
    fail_msg("\"%s\" is not in \"%s\"", reason, batch.reason);
  assert_int_equal(batch.answers[0].count, 0);
  hd_symbol_batch_deinit(&batch);
}

/* The other system's root: program and debug file are below it, and this system's
 * files of the same paths are not looked at. */
static void test_sysroot(void **state)
{
  (void)state;
  build();
  assert_true(shell("mkdir -p root/opt/x root/usr/lib/debug/opt/x && "
                    "objcopy --only-keep-debug full root/usr/lib/debug/opt/x/p.debug && "
                    "cp bare root/opt/x/p && cd root/usr/lib/debug/opt/x && "
                    "objcopy --add-gnu-debuglink=p.debug '%s'/root/opt/x/p",
                    scratch));
  struct hd_symbol_options options = {.sysroot = in_scratch("root/")};
  expect_chain(&options, "/opt/x/p", in_scratch("root/opt/x/p"),
               in_scratch("root/usr/lib/debug/opt/x/p.debug"));
  expect_refused(&options, in_scratch("full"), build_id, HD_SYMBOLS_NO_FILE, "cannot be opened");
  expect_refused(&options, "/opt/x/p", wrong_id, HD_SYMBOLS_MISMATCH, in_scratch("root/opt/x/p"));
  assert_true(
      shell("mkdir -p root/usr/lib/debug/.build-id/%.2s && "
            "mv root/usr/lib/debug/opt/x/p.debug root/usr/lib/debug/.build-id/%.2s/%s.debug",
            build_id, build_id, build_id + 2));
  struct hd_symbol_batch batch = symbolize_with(&options, "/opt/x/p", build_id, offsets, 2);
  assert_chain(&batch, in_scratch("chain.c"));
  hd_symbol_batch_deinit(&batch);
}

/* A directory given by hand: build-id tree, path below it, name right in it; for
 * programs and for debug files, with a link and without. */
static void test_debug_dir(void **state)
{
  (void)state;
  char path[PATH_MAX + 512];
  const char *dirs[] = {"/nonexistent", tree};
  struct hd_symbol_options options = {.debug_dirs = dirs, .debug_dir_count = 2};
  build();
  assert_true(shell("mkdir -p tree/opt && cp full tree/p"));
  expect_chain(&options, "/opt/p", in_scratch("tree/p"), "");
  assert_true(shell("mv tree/p tree/opt/p"));
  expect_chain(&options, "/opt/p", in_scratch("tree/opt/p"), "");
  expect_chain(&options, "/opt/p (deleted)", in_scratch("tree/opt/p"), "");
  expect_refused(&options, "/opt/p", wrong_id, HD_SYMBOLS_NO_FILE, "cannot be opened");
  assert_true(shell("objcopy --only-keep-debug full tree/bare.debug"));
  expect_chain(&options, in_scratch("bare"), in_scratch("bare"), in_scratch("tree/bare.debug"));
  assert_true(shell("mkdir -p tree'%s' && mv tree/bare.debug tree'%s'", scratch, scratch));
  snprintf(path, sizeof path, "%s%s/bare.debug", in_scratch("tree"), scratch);
  expect_chain(&options, in_scratch("bare"), in_scratch("bare"), path);
  /* Under this name lies another build's: nothing but a build-id could tell. */
  assert_true(shell("gcc -O2 -g -rdynamic -include stdio.h chain.c -o other && "
                    "objcopy --only-keep-debug other '%s'",
                    path));
  struct hd_symbol_batch batch = symbolize_with(&options, in_scratch("bare"), build_id, offsets, 2);
  assert_int_equal(batch.status, HD_SYMBOLS_TABLE);
  hd_symbol_batch_deinit(&batch);
}

/* The program was replaced by another build, and its own is kept elsewhere. */
static void test_upgraded(void **state)
{
  (void)state;
  const char *dir = tree;
  struct hd_symbol_options options = {.debug_dirs = &dir, .debug_dir_count = 1};
  build();
  assert_true(shell("mkdir -p tree && mv full tree/full && "
                    "gcc -O2 -g -rdynamic -include stdio.h chain.c -o full"));
  expect_chain(&options, in_scratch("full"), in_scratch("tree/full"), "");
  char gone[PATH_MAX];
  snprintf(gone, sizeof gone, "%s (deleted)", in_scratch("full"));
  expect_chain(&options, gone, in_scratch("tree/full"), "");
  expect_refused(NULL, in_scratch("full"), build_id, HD_SYMBOLS_MISMATCH, build_id);
  options.force = true; /* what belongs is still preferred */
  expect_chain(&options, in_scratch("full"), in_scratch("tree/full"), "");
}

static void expect_forced(const char *path, const char *id)
{
  struct hd_symbol_options options = {.force = true};
  struct hd_symbol_batch batch = symbolize_with(&options, path, id, offsets, 2);
  assert_chain(&batch, in_scratch("chain.c"));
  assert_false(batch.verified);
  assert_int_equal(batch.forced, id[0] != '\0');
  if (id[0]) {
    assert_non_null(strstr(batch.reason, build_id));
    assert_non_null(strstr(batch.reason, id));
  }
  hd_symbol_batch_deinit(&batch);
}

static void test_forced(void **state)
{
  (void)state;
  char gone[PATH_MAX];
  struct hd_symbol_options options = {.force = true};
  build();
  expect_forced(in_scratch("full"), wrong_id);
  snprintf(gone, sizeof gone, "%s (deleted)", in_scratch("full"));
  expect_forced(gone, wrong_id);
  expect_forced(gone, "");
  expect_chain(&options, in_scratch("full"), in_scratch("full"), ""); /* nothing to force */
  expect_refused(&options, "/nonexistent/x", wrong_id, HD_SYMBOLS_NO_FILE, "cannot be opened");
}

/* dwz's common file: of another build it is refused, though libdw would take it; in a
 * copy of /usr/lib/debug it is found. */
static void test_dwz(void **state)
{
  (void)state;
  if (!have("dwz"))
    skip();
  build();
  assert_true(shell("gcc -O1 -g chain.c -o two && gcc -O0 -g chain.c -o three && mkdir -p .dwz && "
                    "dwz -m .dwz/common -M '%s'/.dwz/common full two three",
                    scratch));
  if (!shell("readelf -SW full | grep -q gnu_debugaltlink"))
    skip();
  expect_chain(NULL, in_scratch("full"), in_scratch("full"), "");
  assert_true(shell("mkdir -p tree/.dwz && mv .dwz/common tree/.dwz/common"));
  const char *dir = tree;
  struct hd_symbol_options options = {.debug_dirs = &dir, .debug_dir_count = 1};
  expect_chain(&options, in_scratch("full"), in_scratch("full"), "");
  assert_true(shell("gcc -g -O0 -include stdio.h chain.c -o four && "
                    "gcc -g -O1 -include stdio.h chain.c -o five && "
                    "gcc -g -O2 -include stdio.h chain.c -o six && "
                    "dwz -m .dwz/common -M '%s'/.dwz/common four five six",
                    scratch));
  struct hd_symbol_batch batch = symbolize(in_scratch("full"), build_id, NULL, offsets, 2);
  assert_int_equal(batch.status, HD_SYMBOLS_TABLE);
  assert_non_null(strstr(batch.reason, "another build"));
  assert_string_equal(frame_of(&batch, 1, 0)->function, "second");
  hd_symbol_batch_deinit(&batch);
}

/* A link section with anything in it: nothing is opened that does not belong. */
static void test_hostile_link(void **state)
{
  (void)state;
  static const char *const links[] = {"printf ''",
                                      "printf '\\0\\0\\0\\0'",
                                      "printf '../full\\0\\1\\2\\3\\4'",
                                      "printf 'full\\0\\0\\0\\0\\1\\2\\3\\4'",
                                      "printf 'no end'",
                                      "printf '/etc/passwd\\0\\1\\2\\3\\4'",
                                      "head -c 100000 /dev/zero | tr '\\0' x",
                                      "printf '.\\0\\0\\0\\1\\2\\3\\4'",
                                      "head -c 4096 /dev/urandom"};
  build();
  assert_true(shell("gcc -O2 -g -rdynamic -Wl,--build-id=none chain.c -o full && "
                    "strip full -o bare"));
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
    assert_true(
        shell("%s >link; objcopy --add-section .gnu_debuglink=link bare hostile", links[i]));
    struct hd_symbol_batch batch = symbolize(in_scratch("hostile"), "", NULL, offsets, 2);
    assert_int_equal(batch.status, HD_SYMBOLS_TABLE);
    assert_string_equal(batch.debug_file, "");
    hd_symbol_batch_deinit(&batch);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sysroot),  cmocka_unit_test(test_debug_dir),
      cmocka_unit_test(test_upgraded), cmocka_unit_test(test_forced),
      cmocka_unit_test(test_dwz),      cmocka_unit_test(test_hostile_link),
  };
  return cmocka_run_group_tests_name("symbols_search", tests, make_scratch, remove_scratch);
}
