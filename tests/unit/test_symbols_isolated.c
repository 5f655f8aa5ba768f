/* Files that elfutils is not trusted with: a child process reads them, gives the same answers
 * as this one would, and costs their symbols alone when it dies. */
#include "symbols_fixture.h"

#include "symbols/dwarf_die.h"
#include "symbols/elf_check.h"
#include "symbols/isolated.h"
#include "symbols/packed_batch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

enum { THREADS = 4, ROUNDS = 20 };

static uint64_t offsets[3]; /* of the chain's probes, and of nothing */

static int build(void **state)
{
  if (make_scratch(state))
    return -1;
  write_text("chain.c", chain_source);
  assert_true(shell("gcc -O2 -g chain.c -o chain && gcc -O2 -g -gz=zlib chain.c -o packed"));
  chain_offsets("chain", offsets);
  return 0;
}

static int restore(void **state)
{
  (void)state;
  hd_elf_trust_nothing = false;
  hd_isolated_hook = NULL;
  hd_isolated_seconds = HD_ISOLATED_SECONDS;
  return 0;
}

static struct hd_symbol_batch ask(const char *name, bool trust)
{
  hd_elf_trust_nothing = !trust;
  return symbolize(in_scratch(name), "", NULL, offsets, 3);
}

static void assert_same(const struct hd_symbol_batch *a, const struct hd_symbol_batch *b)
{
  assert_int_equal(a->status, b->status);
  assert_int_equal(a->verified, b->verified);
  assert_string_equal(a->file, b->file);
  assert_string_equal(a->debug_file, b->debug_file);
  assert_string_equal(a->found_build_id, b->found_build_id);
  assert_string_equal(a->reason, b->reason);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(a->answers[i].count, b->answers[i].count);
    for (size_t j = 0; j < a->answers[i].count; j++) {
      const struct hd_symbol_frame *frame = frame_of(b, i, j);
      assert_frame(a, i, j, frame->function, frame->file, frame->line, frame->start_line);
    }
  }
}

static size_t open_files(void)
{
  size_t count = 0;
  DIR *directory = opendir("/proc/self/fd");
  assert_non_null(directory);
  while (readdir(directory))
    count++;
  closedir(directory);
  return count;
}

static void assert_left_out(const char *reason)
{
  size_t files = open_files();
  struct hd_symbol_batch batch = ask("chain", false);
  assert_int_equal(batch.status, HD_SYMBOLS_BAD_FILE);
  assert_string_equal(batch.reason, reason);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(batch.answers[i].count, 0);
  hd_symbol_batch_deinit(&batch);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left to be waited for */
  assert_int_equal(errno, ECHILD);
  assert_int_equal(open_files(), files);
}

static void test_same_answers(void **state)
{
  (void)state;
  struct hd_symbol_batch here = ask("chain", true), there = ask("chain", false);
  assert_chain(&here, in_scratch("chain.c"));
  assert_chain(&there, in_scratch("chain.c"));
  assert_same(&here, &there);
  hd_symbol_batch_deinit(&here);
  hd_symbol_batch_deinit(&there);
  assert_true(shell("strip -o bare chain"));
  here = ask("bare", true);
  there = ask("bare", false);
  assert_same(&here, &there);
  hd_symbol_batch_deinit(&here);
  hd_symbol_batch_deinit(&there);
}

static void crash(int fd)
{
  (void)fd;
  raise(SIGSEGV);
}

static void crash_handler(int number)
{
  (void)number;
  _exit(99);
}

static void test_crash(void **state)
{
  (void)state;
  hd_isolated_hook = crash;
  assert_left_out("crashed the ELF library (signal 11): its symbols are left out");
  void (*before)(int) = signal(SIGSEGV, crash_handler); /* the program's own, not the child's */
  assert_left_out("crashed the ELF library (signal 11): its symbols are left out");
  signal(SIGSEGV, before);
  struct hd_symbol_batch batch = ask("chain", true);
  assert_chain(&batch, in_scratch("chain.c"));
  hd_symbol_batch_deinit(&batch);
}

static void hang(int fd)
{
  (void)fd;
  for (;;)
    pause();
}

static void test_hang(void **state)
{
  (void)state;
  hd_isolated_hook = hang;
  hd_isolated_seconds = 1;
  assert_left_out("kept the ELF library busy for 1 seconds: its symbols are left out");
}

static void put(int fd, const void *data, size_t size)
{
  if (write(fd, data, size) != (ssize_t)size)
    _exit(1);
}

static void garbage(int fd)
{
  static uint64_t words[4096];
  for (size_t i = 0; i < 4095; i++)
    words[i] = i * 0x9e3779b97f4a7c15;
  words[4095] = 4095 * sizeof *words; /* what says that it is whole */
  put(fd, words, sizeof words);
  _exit(0);
}

static void nothing(int fd)
{
  (void)fd;
  _exit(0);
}

/* Before the answer, which is whole. */
static void noise(int fd)
{
  put(fd, "noise", 5);
}

static void test_garbage(void **state)
{
  (void)state;
  void (*const hooks[])(int) = {garbage, nothing, noise};
  for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++) {
    hd_isolated_hook = hooks[i];
    assert_left_out("confused the ELF library: its symbols are left out");
  }
}

static void eat(int fd)
{
  (void)fd;
  void *volatile block = malloc(HD_ISOLATED_BYTES + (1 << 20));
  if (!block)
    _exit(3);
  free(block);
}

static void test_memory(void **state)
{
  (void)state;
#ifdef __SANITIZE_ADDRESS__
  skip(); /* it maps more than any limit allows */
#endif
  hd_isolated_hook = eat;
  assert_left_out("made the ELF library run out of memory: its symbols are left out");
}

/* A program that ignores SIGCHLD has its children reaped by the kernel. */
static void test_ignored_children(void **state)
{
  (void)state;
  void (*before)(int) = signal(SIGCHLD, SIG_IGN);
  struct hd_symbol_batch batch = ask("chain", false);
  assert_chain(&batch, in_scratch("chain.c"));
  hd_symbol_batch_deinit(&batch);
  assert_ptr_equal(signal(SIGCHLD, before), SIG_IGN);
}

static void *symbolize_often(void *context)
{
  struct hd_symbolizer *symbolizer = context;
  size_t good = 0;
  for (unsigned i = 0; i < ROUNDS; i++) {
    struct hd_symbol_batch batch;
    struct hd_error error = HD_ERROR_INIT;
    if (!hd_symbolize(symbolizer, in_scratch("packed"), "", HD_FILE_OFFSETS, offsets, 2, &batch,
                      &error))
      break;
    good += batch.status == HD_SYMBOLS_DWARF && batch.answers[0].count == 3;
    hd_symbol_batch_deinit(&batch);
  }
  return good == ROUNDS ? NULL : symbolizer;
}

static void test_threads(void **state)
{
  (void)state;
#ifdef __SANITIZE_ADDRESS__
  skip(); /* unlike glibc's, its allocator may be locked for ever in the child of a fork */
#endif
  pthread_t threads[THREADS];
  struct hd_symbolizer *symbolizers[THREADS];
  chain_offsets("packed", offsets);
  hd_elf_trust_nothing = true;
  hd_isolated_seconds = 20; /* a child that waits for a lock is found out soon */
  for (size_t i = 0; i < THREADS; i++) {
    symbolizers[i] = new_symbolizer(NULL);
    assert_int_equal(pthread_create(&threads[i], NULL, symbolize_often, symbolizers[i]), 0);
  }
  for (size_t i = 0; i < THREADS; i++) {
    void *failed;
    assert_int_equal(pthread_join(threads[i], &failed), 0);
    assert_null(failed);
    hd_symbolizer_destroy(symbolizers[i]);
  }
  chain_offsets("chain", offsets);
}

/* Whatever a byte of an answer is changed to, what is taken of it holds together. */
static void test_changed_answers(void **state)
{
  (void)state;
  struct hd_symbol_batch batch = ask("chain", true);
  struct hd_buffer bytes = HD_BUFFER_INIT;
  assert_true(hd_batch_pack(&batch, 3, &bytes));
  size_t taken = 0;
  for (size_t at = 0; at < bytes.length; at++) {
    struct hd_symbol_batch other = {.arena = HD_ARENA_INIT};
    bool fine;
    bytes.data[at] ^= 0x41;
    assert_true(hd_batch_unpack(&other, 3, &bytes, &fine));
    bytes.data[at] ^= 0x41;
    taken += fine;
    for (size_t i = 0; fine && i < 3; i++)
      assert_true(other.answers[i].first + other.answers[i].count <= other.frame_count);
    assert_true(!fine || strlen(other.reason) + strlen(other.file) < bytes.length);
    hd_symbol_batch_deinit(&other);
  }
  assert_true(taken > 0 && taken < bytes.length); /* paths may be any; the answers may not */
  bool fine;
  struct hd_symbol_batch other = {.arena = HD_ARENA_INIT};
  for (size_t count = 0; count < 5; count++) {
    assert_true(hd_batch_unpack(&other, count, &bytes, &fine));
    assert_int_equal(fine, count == 3);
  }
  hd_symbol_batch_deinit(&other);
  hd_symbol_batch_deinit(&batch);
  hd_buffer_deinit(&bytes);
}

static bool is_ordinary(const uint8_t *data, size_t size)
{
  struct hd_elf_source source = {.data = data, .size = size};
  return hd_elf_ordinary(&source);
}

/* Sets a field of the header, or of a section's header, and asserts that it is seen. */
#define ASSERT_ODD(field, value)                                                                   \
  do {                                                                                             \
    __typeof__(field) before = field;                                                              \
    field = (__typeof__(field))(value);                                                            \
    assert_false(is_ordinary(data, size));                                                         \
    write_bytes("odd", data, size);                                                                \
    field = before;                                                                                \
    struct hd_symbol_batch batch = ask("odd", true);                                               \
    hd_symbol_batch_deinit(&batch);                                                                \
  } while (0)

static void test_odd_headers(void **state)
{
  (void)state;
  size_t size;
  uint8_t *data = read_bytes("packed", &size);
  Elf64_Ehdr *header = (void *)data;
  Elf64_Shdr *sections = (void *)(data + header->e_shoff), *packed = NULL, *symbols = NULL;
  for (unsigned i = 0; i < header->e_shnum; i++) {
    if (sections[i].sh_flags & SHF_COMPRESSED)
      packed = &sections[i];
    if (sections[i].sh_type == SHT_SYMTAB)
      symbols = &sections[i];
  }
  assert_true(packed && symbols);
  Elf64_Chdr *chunk = (void *)(data + packed->sh_offset);
  assert_true(is_ordinary(data, size));
  ASSERT_ODD(header->e_ident[EI_CLASS], ELFCLASS32);
  ASSERT_ODD(header->e_ident[EI_DATA], ELFDATA2MSB);
  ASSERT_ODD(header->e_ehsize, 52);
  ASSERT_ODD(header->e_phentsize, 1);
  ASSERT_ODD(header->e_phnum, PN_XNUM);
  ASSERT_ODD(header->e_phoff, size - 8);
  ASSERT_ODD(header->e_phoff, 8);
  ASSERT_ODD(header->e_shentsize, 63);
  ASSERT_ODD(header->e_shnum, 0);
  ASSERT_ODD(header->e_shnum, SHN_LORESERVE);
  ASSERT_ODD(header->e_shoff, UINT64_MAX - 63);
  ASSERT_ODD(header->e_shstrndx, SHN_XINDEX);
  ASSERT_ODD(sections[header->e_shstrndx].sh_size, 0);
  ASSERT_ODD(sections[1].sh_offset, 0);
  ASSERT_ODD(sections[1].sh_offset, sections[2].sh_offset);
  ASSERT_ODD(sections[1].sh_size, UINT64_MAX);
  ASSERT_ODD(sections[1].sh_name, UINT32_MAX);
  ASSERT_ODD(sections[1].sh_link, header->e_shnum);
  ASSERT_ODD(sections[1].sh_addralign, 3);
  ASSERT_ODD(symbols->sh_entsize, 0);
  ASSERT_ODD(symbols->sh_link, 1);
  ASSERT_ODD(packed->sh_size, 8);
  ASSERT_ODD(chunk->ch_type, 77);
  ASSERT_ODD(chunk->ch_size, (uint64_t)1 << 40);
  ASSERT_ODD(chunk->ch_size, (uint64_t)1 << 31);
  ASSERT_ODD(chunk->ch_addralign, 3);
  for (size_t length = 0; length < size; length += 13)
    assert_false(is_ordinary(data, length));
  free(data);
}

/* An odd file that has all that it should have is of use all the same: two sections without
 * meaning overlap. */
static void test_odd_but_readable(void **state)
{
  (void)state;
  size_t size;
  uint8_t *data = read_bytes("chain", &size);
  Elf64_Ehdr *header = (void *)data;
  Elf64_Shdr *sections = (void *)(data + header->e_shoff);
  const char *names = (const char *)data + sections[header->e_shstrndx].sh_offset;
  for (unsigned i = 0; i < header->e_shnum; i++)
    if (strcmp(names + sections[i].sh_name, ".comment") == 0)
      sections[i].sh_offset = sections[header->e_shstrndx].sh_offset;
  assert_false(is_ordinary(data, size));
  write_bytes("overlap", data, size);
  free(data);
  struct hd_symbol_batch batch = ask("overlap", true);
  assert_chain(&batch, in_scratch("chain.c"));
  hd_symbol_batch_deinit(&batch);
  hd_isolated_hook = crash;
  batch = ask("overlap", true);
  assert_int_equal(batch.status, HD_SYMBOLS_BAD_FILE);
  hd_symbol_batch_deinit(&batch);
}

static int64_t truncating_clock(void)
{
  assert_int_equal(truncate(in_scratch("cut"), 0), 0);
  return 0;
}

/* Another process cuts the file short between its opening and the look-up. */
static void test_cut_meanwhile(void **state)
{
  (void)state;
  assert_true(shell("cp chain cut"));
  int64_t (*clock)(void) = hd_dwarf_clock;
  hd_dwarf_clock = truncating_clock;
  struct hd_symbol_batch batch = ask("cut", true);
  hd_dwarf_clock = clock;
  assert_true(batch.frame_count <= 4);
  hd_symbol_batch_deinit(&batch);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(test_same_answers, restore),
      cmocka_unit_test_teardown(test_crash, restore),
      cmocka_unit_test_teardown(test_hang, restore),
      cmocka_unit_test_teardown(test_garbage, restore),
      cmocka_unit_test_teardown(test_memory, restore),
      cmocka_unit_test_teardown(test_ignored_children, restore),
      cmocka_unit_test_teardown(test_threads, restore),
      cmocka_unit_test_teardown(test_changed_answers, restore),
      cmocka_unit_test_teardown(test_odd_headers, restore),
      cmocka_unit_test_teardown(test_odd_but_readable, restore),
      cmocka_unit_test_teardown(test_cut_meanwhile, restore),
  };
  return cmocka_run_group_tests_name("symbols_isolated", tests, build, remove_scratch);
}
