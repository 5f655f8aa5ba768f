/* The cache on disk: what goes in and comes out, and what never does. */
#include "symbols_fixture.h"

#include "symbols/cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const struct hd_symbol_options cached = {.cache = true};
static char build_id[HD_BUILD_ID_TEXT];
static uint64_t offsets[2];

/* The program chain and an empty cache. */
static void build(const char *flags)
{
  write_text("chain.c", chain_source);
  assert_true(shell("rm -rf cache *.dwo && gcc -O2 -g -rdynamic %s chain.c -o chain", flags));
  chain_offsets("chain", offsets);
  build_id_of("chain", build_id, sizeof build_id);
  assert_int_equal(setenv("XDG_CACHE_HOME", in_scratch("cache"), 1), 0);
}

static const char *cache_file(void)
{
  static char path[PATH_MAX + 512];
  snprintf(path, sizeof path, "%s/heapdiff/%s.symbols", in_scratch("cache"), build_id);
  return path;
}

/* A symbolizer of its own sees the file, and not what another one has in memory. The
 * answers' texts are the symbolizer's: what is to be looked at is asked inside. */
static enum hd_symbol_status ask(const char *id, size_t first, size_t count, bool found)
{
  struct hd_symbolizer *symbolizer;
  struct hd_symbol_batch batch;
  struct hd_error error = HD_ERROR_INIT;
  assert_true(hd_symbolizer_create(&cached, &symbolizer, &error));
  assert_true(hd_symbolize(symbolizer, in_scratch("chain"), id, HD_FILE_OFFSETS, offsets + first,
                           count, &batch, &error));
  if (found && count == 2)
    assert_chain(&batch, in_scratch("chain.c"));
  for (size_t i = 0; i < count; i++)
    assert_int_equal(batch.answers[i].count, found ? (first + i ? 1 : 3) : 0);
  enum hd_symbol_status status = batch.status;
  hd_symbol_batch_deinit(&batch);
  hd_symbolizer_destroy(symbolizer);
  return status;
}

static void test_second_run(void **state)
{
  (void)state;
  build("");
  assert_int_equal(ask(build_id, 0, 2, true), HD_SYMBOLS_DWARF);
  assert_int_equal(access(cache_file(), R_OK), 0);
  assert_true(shell("rm chain"));
  assert_int_equal(ask(build_id, 0, 2, true), HD_SYMBOLS_DWARF);
  struct hd_symbol_batch batch = symbolize(in_scratch("chain"), build_id, NULL, offsets, 2);
  assert_int_equal(batch.status, HD_SYMBOLS_NO_FILE); /* without the cache */
  hd_symbol_batch_deinit(&batch);
}

/* Addresses of which only one was asked for before; then the file holds both. */
static void test_merge(void **state)
{
  (void)state;
  build("");
  ask(build_id, 1, 1, true);
  ask(build_id, 0, 2, true);
  assert_true(shell("mv chain away"));
  ask(build_id, 0, 2, true);
  /* What the cache knows, it says, also where the rest cannot be known. */
  uint64_t more[] = {offsets[0], offsets[0] + 1};
  struct hd_symbolizer *symbolizer;
  struct hd_symbol_batch batch;
  struct hd_error error = HD_ERROR_INIT;
  assert_true(hd_symbolizer_create(&cached, &symbolizer, &error));
  assert_true(hd_symbolize(symbolizer, in_scratch("chain"), build_id, HD_FILE_OFFSETS, more, 2,
                           &batch, &error));
  assert_int_equal(batch.status, HD_SYMBOLS_NO_FILE);
  assert_int_equal(batch.answers[0].count, 3);
  assert_string_equal(frame_of(&batch, 0, 0)->function, "inner");
  assert_int_equal(batch.answers[1].count, 0);
  hd_symbol_batch_deinit(&batch);
  hd_symbolizer_destroy(symbolizer);
}

/* Nothing at an address is an answer, too. */
static void test_nothing_there(void **state)
{
  (void)state;
  build("");
  uint64_t nowhere = 0x3fffffff;
  struct hd_symbol_batch batch =
      symbolize_with(&cached, in_scratch("chain"), build_id, &nowhere, 1);
  assert_int_equal(batch.answers[0].count, 0);
  hd_symbol_batch_deinit(&batch);
  assert_true(shell("rm chain"));
  batch = symbolize_with(&cached, in_scratch("chain"), build_id, &nowhere, 1);
  assert_int_equal(batch.status, HD_SYMBOLS_DWARF);
  assert_int_equal(batch.answers[0].count, 0);
  hd_symbol_batch_deinit(&batch);
}

static void expect_none_kept(const char *path, const char *id,
                             const struct hd_symbol_options *options)
{
  struct hd_symbol_batch batch = symbolize_with(options, path, id, offsets, 2);
  hd_symbol_batch_deinit(&batch);
  assert_true(shell("! ls cache/heapdiff/*.symbols"));
}

static void test_not_kept(void **state)
{
  (void)state;
  static const char wrong[] = "00112233445566778899aabbccddeeff00112233";
  struct hd_symbol_options force = {.cache = true, .force = true}, off = {.cache = false};
  build("");
  expect_none_kept(in_scratch("chain"), build_id, &off);
  expect_none_kept(in_scratch("chain"), "", &cached);
  expect_none_kept(in_scratch("chain"), wrong, &cached);
  expect_none_kept(in_scratch("chain"), wrong, &force);
  expect_none_kept(in_scratch("none"), build_id, &cached);
  assert_true(shell("objcopy --strip-debug chain thin"));
  expect_none_kept(in_scratch("thin"), build_id, &cached); /* a symbol table alone */
  build("-gsplit-dwarf");
  assert_true(shell("rm *.dwo"));
  expect_none_kept(in_scratch("chain"), build_id, &cached); /* incomplete */
  build("-Wl,--build-id=0x1234567890");
  expect_none_kept(in_scratch("chain"), build_id, &cached); /* chosen by hand */
  build("-Wl,--build-id=none");
  expect_none_kept(in_scratch("chain"), build_id, &cached);
}

/* A debug file that comes later is not hidden by what the symbol table gave. */
static void test_debug_file_comes_later(void **state)
{
  (void)state;
  build("");
  assert_true(shell("mv chain full && objcopy --only-keep-debug full chain.debug && "
                    "objcopy --strip-debug full chain"));
  assert_true(shell("mv chain.debug later"));
  struct hd_symbol_batch batch = symbolize_with(&cached, in_scratch("chain"), build_id, offsets, 2);
  assert_int_equal(batch.status, HD_SYMBOLS_TABLE);
  hd_symbol_batch_deinit(&batch);
  assert_true(shell("mv later chain.debug"));
  assert_int_equal(ask(build_id, 0, 2, true), HD_SYMBOLS_DWARF);
}

/* With the program away, the cache alone can answer: a changed file must not. */
static void expect_ignored(const uint8_t *data, size_t size)
{
  FILE *file = fopen(cache_file(), "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(ask(build_id, 0, 2, false), HD_SYMBOLS_NO_FILE);
}

static void test_damaged(void **state)
{
  (void)state;
  size_t size;
  char name[512];
  build("");
  ask(build_id, 0, 2, true);
  assert_true(shell("rm chain"));
  snprintf(name, sizeof name, "cache/heapdiff/%s.symbols", build_id);
  uint8_t *data = read_bytes(name, &size);
  for (size_t i = 0; i < size; i++) {
    data[i] ^= (uint8_t)(1u << (i % 8));
    expect_ignored(data, size);
    data[i] ^= (uint8_t)(1u << (i % 8));
  }
  for (size_t i = 0; i < size; i++)
    expect_ignored(data, i);
  data = realloc(data, size + 8);
  assert_non_null(data);
  memset(data + size, 0, 8);
  expect_ignored(data, size + 8);
  write_bytes(name, data, size); /* the test itself: intact, it answers */
  assert_int_equal(ask(build_id, 0, 2, true), HD_SYMBOLS_DWARF);
  free(data);
}

/* A file of another version is written anew, and one of another build is none. */
static void test_another_version(void **state)
{
  (void)state;
  char name[512];
  size_t size;
  build("");
  ask(build_id, 0, 2, true);
  snprintf(name, sizeof name, "cache/heapdiff/%s.symbols", build_id);
  uint8_t *data = read_bytes(name, &size);
  struct hd_cache_file file;
  assert_true(hd_cache_file_open(&file, data, size, build_id));
  assert_false(hd_cache_file_open(&file, data, size, "00112233445566778899aabbccddeeff00112233"));
  ((struct hd_cache_header *)(void *)data)->answers_version++;
  write_bytes(name, data, size);
  free(data);
  ask(build_id, 0, 2, true);
  assert_true(shell("mv chain away"));
  ask(build_id, 0, 2, true);
}

enum { PROCESSES = 8, EACH = 20 };

/* Several processes learn different things of one program at once: nothing is lost. */
static void test_several_processes(void **state)
{
  (void)state;
  pid_t children[PROCESSES];
  uint64_t wanted[PROCESSES * EACH];
  build("");
  for (size_t i = 0; i < PROCESSES * EACH; i++)
    wanted[i] = offsets[0] - i;
  for (size_t i = 0; i < PROCESSES; i++) {
    children[i] = fork();
    assert_true(children[i] >= 0);
    if (children[i] == 0) {
      struct hd_symbol_batch batch =
          symbolize_with(&cached, in_scratch("chain"), build_id, wanted + i * EACH, EACH);
      _exit(batch.status != HD_SYMBOLS_DWARF);
    }
  }
  for (size_t i = 0; i < PROCESSES; i++) {
    int status;
    assert_int_equal(waitpid(children[i], &status, 0), children[i]);
    assert_int_equal(status, 0);
  }
  struct hd_cache cache;
  struct hd_cache_hit hit;
  hd_cache_init(&cache, true);
  struct hd_cache_module *module = hd_cache_module(&cache, build_id, HD_FILE_OFFSETS);
  assert_non_null(module);
  for (size_t i = 0; i < PROCESSES * EACH; i++)
    assert_true(hd_cache_find(module, wanted[i], &hit));
  hd_cache_deinit(&cache);
}

/* Where nothing can be written, nothing is kept, and nobody is bothered. */
static void test_no_place(void **state)
{
  (void)state;
  build("");
  write_text("cache", "a file in the way\n");
  ask(build_id, 0, 2, true);
  assert_int_equal(setenv("XDG_CACHE_HOME", "relative", 1), 0);
  assert_int_equal(setenv("HOME", in_scratch("home"), 1), 0);
  ask(build_id, 0, 2, true);
  assert_true(shell("rm cache && test -d home/.cache/heapdiff && ! test -e relative"));
  assert_int_equal(unsetenv("HOME"), 0);
  ask(build_id, 0, 2, true);
  struct hd_symbol_cache_usage usage;
  struct hd_error error = HD_ERROR_INIT;
  assert_true(hd_symbol_cache_ask(&usage, &error));
  assert_string_equal(usage.path, "");
}

/* Another process has the lock and does not let go. */
static void test_locked(void **state)
{
  (void)state;
  struct hd_cache_dir dir;
  build("");
  hd_cache_dir_init(&dir);
  int lock = hd_cache_dir_lock(&dir);
  assert_true(lock >= 0);
  ask(build_id, 0, 2, true);
  assert_int_not_equal(access(cache_file(), F_OK), 0);
  close(lock);
  ask(build_id, 0, 2, true);
  assert_int_equal(access(cache_file(), F_OK), 0);
}

/* Past the bound the least recently used go, and what a killed process left. */
static void test_bounded(void **state)
{
  (void)state;
  struct hd_cache_dir dir;
  static const uint8_t block[1000];
  char id[HD_BUILD_ID_TEXT], command[256];
  build("");
  hd_cache_dir_init(&dir);
  dir.most_total = 10000;
  int lock = hd_cache_dir_lock(&dir);
  assert_true(lock >= 0);
  for (unsigned i = 0; i < 12; i++) {
    snprintf(id, sizeof id, "%032x", i);
    assert_true(hd_cache_dir_write(&dir, id, block, sizeof block));
    snprintf(command, sizeof command, "touch -d '2020-01-%02d' cache/heapdiff/%s.symbols", i + 1,
             id);
    assert_true(shell("%s", command));
  }
  assert_true(shell("echo x >cache/heapdiff/aa.new"));
  size_t size;
  snprintf(id, sizeof id, "%032x", 1);
  hd_free(hd_cache_dir_read(&dir, id, &size)); /* used: it stays */
  hd_cache_dir_trim(&dir);
  close(lock);
  assert_true(shell("test $(ls cache/heapdiff/*.symbols | wc -l) = 7 && "
                    "ls cache/heapdiff/*1.symbols && ! ls cache/heapdiff/*.new && "
                    "ls cache/heapdiff/*b.symbols && ! ls cache/heapdiff/*04.symbols"));
}

static void test_usage(void **state)
{
  (void)state;
  struct hd_symbol_cache_usage usage;
  struct hd_error error = HD_ERROR_INIT;
  build("");
  assert_true(hd_symbol_cache_ask(&usage, &error));
  assert_int_equal(usage.files, 0);
  ask(build_id, 0, 2, true);
  assert_true(hd_symbol_cache_ask(&usage, &error));
  assert_int_equal(usage.files, 1);
  assert_int_equal(usage.addresses, 2);
  assert_true(usage.bytes > 200);
  assert_true(hd_symbol_cache_clear(&usage, &error));
  assert_int_equal(usage.files, 1);
  assert_int_not_equal(access(cache_file(), F_OK), 0);
  assert_true(hd_symbol_cache_clear(&usage, &error));
  assert_int_equal(usage.files, 0);
}

static long allowed;

static bool allow_some(void)
{
  return allowed-- > 0;
}

/* Every allocation fails once, on the run that fills the cache and on the one that
 * reads it: an error, or the right answer. */
static void test_no_memory(void **state)
{
  (void)state;
  build("");
  for (int run = 0; run < 2; run++) {
    bool done = false;
    for (long n = 0; !done; n++) {
      struct hd_error error = HD_ERROR_INIT;
      struct hd_symbolizer *symbolizer = NULL;
      struct hd_symbol_batch batch;
      if (run == 0)
        assert_true(shell("rm -rf cache"));
      allowed = n;
      hd_alloc_set_hook(allow_some);
      bool fine = hd_symbolizer_create(&cached, &symbolizer, &error) &&
                  hd_symbolize(symbolizer, in_scratch("chain"), build_id, HD_FILE_OFFSETS, offsets,
                               2, &batch, &error);
      if (fine)
        hd_symbolizer_keep(symbolizer);
      done = fine && allowed > 0;
      hd_alloc_set_hook(NULL);
      if (fine) {
        assert_chain(&batch, in_scratch("chain.c"));
        hd_symbol_batch_deinit(&batch);
      } else {
        assert_int_equal(error.kind, HD_ERROR_INTERNAL);
      }
      hd_symbolizer_destroy(symbolizer);
      assert_true(n < 10000);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_second_run),
      cmocka_unit_test(test_merge),
      cmocka_unit_test(test_nothing_there),
      cmocka_unit_test(test_not_kept),
      cmocka_unit_test(test_debug_file_comes_later),
      cmocka_unit_test(test_damaged),
      cmocka_unit_test(test_another_version),
      cmocka_unit_test(test_several_processes),
      cmocka_unit_test(test_no_place),
      cmocka_unit_test(test_locked),
      cmocka_unit_test(test_bounded),
      cmocka_unit_test(test_usage),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests_name("symbols_cache", tests, make_scratch, remove_scratch);
}
