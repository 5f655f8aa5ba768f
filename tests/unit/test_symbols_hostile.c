/* Damaged files: whatever is in them, an answer comes, in bounds and in time. */
#include "symbols_fixture.h"

#ifndef ROUNDS
enum { ROUNDS = 200 }; /* of each kind; the file's makers ran a thousand times as many */
#endif

enum { OFFSETS = 64, MAX_SECONDS = 2 };

static uint64_t seed = 88172645463325252u;

static uint64_t next_random(void)
{
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}

static void fill_offsets(const uint8_t *data, uint64_t offsets[OFFSETS])
{
  const Elf64_Ehdr *header = (const void *)data;
  const Elf64_Phdr *segments = (const void *)(data + header->e_phoff);
  for (unsigned i = 0; i < header->e_phnum; i++) {
    if (segments[i].p_type != PT_LOAD || !(segments[i].p_flags & PF_X))
      continue;
    for (size_t j = 0; j < OFFSETS; j++)
      offsets[j] = segments[i].p_offset + j * segments[i].p_filesz / OFFSETS;
  }
}

/* Reads every byte of the answer: a sanitizer sees what is wrong with it. */
static size_t touch(const struct hd_symbol_batch *batch)
{
  size_t sum = strlen(batch->reason) + strlen(batch->file) + strlen(batch->found_build_id);
  for (size_t i = 0; i < OFFSETS; i++) {
    assert_true(batch->answers[i].first <= batch->frame_count);
    assert_true(batch->answers[i].count <= batch->frame_count - batch->answers[i].first);
  }
  for (size_t i = 0; i < batch->frame_count; i++)
    sum += strlen(batch->frames[i].function) + strlen(batch->frames[i].file);
  return sum;
}

static void check_bytes(const uint8_t *data, size_t size, const uint64_t offsets[OFFSETS])
{
  write_bytes("hostile", data, size);
  double start = cpu_seconds();
  struct hd_symbol_batch batch = symbolize(in_scratch("hostile"), "", NULL, offsets, OFFSETS);
  touch(&batch);
  if (batch.status == HD_SYMBOLS_BAD_FILE)
    assert_int_not_equal(strlen(batch.reason), 0);
  hd_symbol_batch_deinit(&batch);
  assert_true(cpu_seconds() - start <= MAX_SECONDS);
}

/* Where a section lies; the whole file where there is none of the name. */
static void section_bounds(const uint8_t *data, size_t file_size, const char *name,
                           size_t *offset, size_t *size)
{
  const Elf64_Ehdr *header = (const void *)data;
  const Elf64_Shdr *sections = (const void *)(data + header->e_shoff);
  const char *names = (const char *)data + sections[header->e_shstrndx].sh_offset;
  *offset = 0;
  *size = file_size;
  for (unsigned i = 0; i < header->e_shnum; i++)
    if (strcmp(names + sections[i].sh_name, name) == 0 && sections[i].sh_size) {
      *offset = sections[i].sh_offset;
      *size = sections[i].sh_size;
    }
}

static uint8_t strange_byte(uint8_t old)
{
  static const uint8_t strange[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe};
  uint64_t choice = next_random() % 9;
  if (choice < sizeof strange)
    return strange[choice];
  return choice == 6 ? (uint8_t)next_random() : (uint8_t)(old ^ (1u << (next_random() % 8)));
}

static void flip(const uint8_t *intact, size_t size, const char *section,
                 const uint64_t offsets[OFFSETS])
{
  uint8_t *data = malloc(size);
  assert_non_null(data);
  memcpy(data, intact, size);
  size_t first, length;
  section_bounds(intact, size, section, &first, &length);
  for (uint64_t n = 1 + next_random() % 6; n > 0; n--) {
    size_t at = first + next_random() % length;
    data[at] = strange_byte(data[at]);
  }
  check_bytes(data, size, offsets);
  free(data);
}

/* One byte of the ELF header, the program headers or the section headers. */
static void flip_header(const uint8_t *intact, size_t size, const uint64_t offsets[OFFSETS])
{
  uint8_t *data = malloc(size);
  assert_non_null(data);
  memcpy(data, intact, size);
  const Elf64_Ehdr *header = (const void *)intact;
  size_t tables[] = {0, header->e_phoff, header->e_shoff};
  size_t at = (tables[next_random() % 3] + next_random() % 512) % size;
  data[at] = strange_byte(data[at]);
  check_bytes(data, size, offsets);
  free(data);
}

static void check_program(const char *command)
{
  static const char *const sections[] = {"(the whole file)", ".debug_info", ".debug_abbrev",
                                         ".debug_line", ".debug_rnglists", ".debug_line_str",
                                         ".debug_str", ".symtab", ".strtab", ".debug_ranges"};
  uint64_t offsets[OFFSETS] = {0};
  size_t size;
  if (!shell("%s", command))
    skip();
  uint8_t *data = read_bytes("victim", &size);
  fill_offsets(data, offsets);
  for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
    for (unsigned round = 0; round < ROUNDS; round++)
      flip(data, size, sections[i], offsets);
  for (unsigned round = 0; round < ROUNDS; round++)
    flip_header(data, size, offsets);
  free(data);
}

static void test_flipped_c(void **state)
{
  (void)state;
  write_text("chain.c", chain_source);
  check_program("gcc -O2 -gdwarf-5 chain.c -o victim");
}

static void test_flipped_dwarf4(void **state)
{
  (void)state;
  write_text("chain.c", chain_source);
  check_program("gcc -O2 -gdwarf-4 -ffunction-sections chain.c -o victim");
}

static void test_flipped_clang(void **state)
{
  (void)state;
  write_text("chain.c", chain_source);
  check_program("clang -O2 -g chain.c -o victim");
}

static void test_flipped_cxx(void **state)
{
  (void)state;
  write_text("names.cc",
             "#define NOP __asm__ volatile(\"nop\")\n"
             "namespace { struct A { template <class T> __attribute__((noinline)) T f(T x) {\n"
             "  struct L { __attribute__((noinline)) int m(int y) { NOP; return y; } };\n"
             "  auto l = [x](int y) { NOP; return x + L().m(y); };\n"
             "  return l(3) + l(4); } }; }\n"
             "int main(int argc, char **) { return A().f(argc) + (int)A().f((long)argc); }\n");
  check_program("g++ -O2 -g names.cc -o victim");
}

static void test_flipped_compressed(void **state)
{
  (void)state;
  write_text("chain.c", chain_source);
  check_program("gcc -O2 -g -gz=zlib chain.c -o victim");
}

static void test_cut(void **state)
{
  (void)state;
  uint64_t offsets[OFFSETS] = {0};
  size_t size;
  write_text("chain.c", chain_source);
  assert_true(shell("gcc -O2 -g chain.c -o victim"));
  uint8_t *data = read_bytes("victim", &size);
  fill_offsets(data, offsets);
  for (size_t length = 0; length < size; length += length < 4096 ? 7 : 61) {
    write_bytes("cut", data, length);
    struct hd_symbol_batch batch = symbolize(in_scratch("cut"), "", NULL, offsets, OFFSETS);
    if (batch.status != HD_SYMBOLS_BAD_FILE ||
        (length >= sizeof(Elf64_Ehdr) && !strstr(batch.reason, "truncated or damaged")))
      fail_msg("%zu of %zu bytes: %s", length, size, batch.reason);
    hd_symbol_batch_deinit(&batch);
  }
  free(data);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_flipped_c),          cmocka_unit_test(test_flipped_dwarf4),
      cmocka_unit_test(test_flipped_clang),      cmocka_unit_test(test_flipped_cxx),
      cmocka_unit_test(test_flipped_compressed), cmocka_unit_test(test_cut),
  };
  return cmocka_run_group_tests_name("symbols_hostile", tests, make_scratch, remove_scratch);
}
