/* What is compressed inside an ELF file: debug sections (zlib, zstd) and MiniDebugInfo
 * (xz); intact, damaged and lying. */
#include "symbols_fixture.h"

#include <zstd.h>

enum { ELFCOMPRESS_IS_ZSTD = 2, MAX_SECONDS = 4 };

static uint64_t offsets[2];

static void build(const char *flags)
{
  write_text("chain.c", chain_source);
  assert_true(shell("rm -f victim* && gcc -O2 -g -rdynamic %s chain.c -o victim", flags));
  chain_offsets("victim", offsets);
}

/* A file in memory whose .debug_* sections are being compressed. */
struct packing {
  uint8_t *data;
  size_t size;
};

static void append(struct packing *packing, const void *bytes, size_t size)
{
  packing->data = realloc(packing->data, packing->size + size + 8);
  assert_non_null(packing->data);
  memcpy(packing->data + packing->size, bytes, size);
  packing->size += size;
  while (packing->size % 8)
    packing->data[packing->size++] = 0;
}

static Elf64_Shdr *section_at(const struct packing *packing, unsigned i)
{
  const Elf64_Ehdr *header = (const void *)packing->data;
  return (Elf64_Shdr *)(void *)(packing->data + header->e_shoff) + i;
}

static void pack_section(struct packing *packing, unsigned i, bool streamed)
{
  Elf64_Shdr *section = section_at(packing, i);
  Elf64_Chdr header = {.ch_type = ELFCOMPRESS_IS_ZSTD,
                       .ch_size = section->sh_size,
                       .ch_addralign = section->sh_addralign};
  size_t room = ZSTD_compressBound(section->sh_size);
  uint8_t *packed = malloc(sizeof header + room);
  assert_non_null(packed);
  memcpy(packed, &header, sizeof header);
  ZSTD_CCtx *context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, !streamed);
  size_t size = ZSTD_compress2(context, packed + sizeof header, room,
                               packing->data + section->sh_offset, section->sh_size);
  ZSTD_freeCCtx(context);
  assert_false(ZSTD_isError(size));
  memset(packing->data + section->sh_offset, 0, section->sh_size);
  size_t at = packing->size;
  append(packing, packed, sizeof header + size);
  free(packed);
  section = section_at(packing, i);
  section->sh_offset = at;
  section->sh_size = sizeof header + size;
  section->sh_flags |= SHF_COMPRESSED;
  section->sh_addralign = 8;
}

/* binutils 2.40 has no zstd: what gcc -gz=zstd would make, made here. Returns the
 * section header of .debug_info. `streamed`: frames that do not know their size. */
static Elf64_Shdr *pack(struct packing *packing, bool streamed)
{
  unsigned info = 0;
  *packing = (struct packing){.data = NULL};
  packing->data = read_bytes("victim", &packing->size);
  while (packing->size % 8)
    append(packing, "", 1);
  const Elf64_Ehdr *header = (const void *)packing->data;
  unsigned count = header->e_shnum, names_index = header->e_shstrndx;
  for (unsigned i = 0; i < count; i++) {
    const char *names = (const char *)packing->data + section_at(packing, names_index)->sh_offset;
    const char *name = names + section_at(packing, i)->sh_name;
    info = strcmp(name, ".debug_info") == 0 ? i : info;
    if (strncmp(name, ".debug_", 7) == 0)
      pack_section(packing, i, streamed);
  }
  assert_int_not_equal(info, 0);
  return section_at(packing, info);
}

static void test_zlib(void **state)
{
  (void)state;
  static const char *const kinds[] = {"-gz=zlib", "-gz=zlib -gdwarf-4", "-gz=zlib-gnu"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    build(kinds[i]);
    struct hd_symbol_batch batch = symbolize(in_scratch("victim"), "", NULL, offsets, 2);
    assert_chain(&batch, in_scratch("chain.c"));
    hd_symbol_batch_deinit(&batch);
  }
}

static void test_zstd(void **state)
{
  (void)state;
  struct packing packing;
  char id[256];
  for (int streamed = 0; streamed < 2; streamed++) {
    build("");
    build_id_of("victim", id, sizeof id);
    pack(&packing, streamed);
    write_bytes("victim", packing.data, packing.size);
    free(packing.data);
    struct hd_symbol_batch batch = symbolize(in_scratch("victim"), id, NULL, offsets, 2);
    assert_chain(&batch, in_scratch("chain.c"));
    assert_string_equal(batch.reason, "");
    assert_true(batch.verified);
    hd_symbol_batch_deinit(&batch);
    /* As a separate debug file, too. */
    assert_true(shell("mv victim victim.debug && gcc -O2 -g -rdynamic chain.c -o victim && "
                      "strip victim"));
    batch = symbolize(in_scratch("victim"), id, NULL, offsets, 2);
    assert_chain(&batch, in_scratch("chain.c"));
    assert_string_equal(batch.debug_file, in_scratch("victim.debug"));
    hd_symbol_batch_deinit(&batch);
  }
}

static void expect_table(const char *reason)
{
  struct hd_symbol_batch batch = symbolize(in_scratch("victim"), "", NULL, offsets, 2);
  assert_int_equal(batch.status, HD_SYMBOLS_TABLE);
  assert_string_equal(frame_of(&batch, 1, 0)->function, "second");
  if (!strstr(batch.reason, reason))
    fail_msg("\"%s\" is not in \"%s\"", reason, batch.reason);
  hd_symbol_batch_deinit(&batch);
}

/* Sizes that are not those of the contents: too large for memory, larger, smaller. */
static void test_zstd_lies(void **state)
{
  (void)state;
  struct packing packing;
  build("");
  size_t plain = 0;
  for (unsigned i = 0; i < 5; i++) {
    Elf64_Shdr *info = pack(&packing, i == 4);
    Elf64_Chdr *header = (void *)(packing.data + info->sh_offset);
    plain = plain ? plain : header->ch_size;
    uint64_t sizes[] = {(uint64_t)1 << 62, (uint64_t)1 << 40, plain + 1, plain - 1, plain + 1};
    header->ch_size = sizes[i];
    write_bytes("victim", packing.data, packing.size);
    free(packing.data);
    expect_table(i < 2 ? "claims more than it can hold" : "is damaged");
    assert_true(shell("gcc -O2 -g -rdynamic chain.c -o victim"));
  }
}

static uint64_t seed = 2463534242u;

static uint64_t next_random(void)
{
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}

/* Changes bytes of data[first .. first+length-1] and asks: the names, where there are
 * any, are right, or those of damage that no checksum is there to find. */
static void flip(const char *name, uint8_t *data, size_t size, size_t first, size_t length)
{
  enum { ROUNDS = 300 };
  assert_true(length > 0);
  for (unsigned round = 0; round < ROUNDS; round++) {
    size_t at = first + next_random() % length;
    uint8_t old = data[at];
    data[at] = (uint8_t)next_random();
    write_bytes(name, data, size);
    double start = cpu_seconds();
    struct hd_symbol_batch batch = symbolize(in_scratch(name), "", NULL, offsets, 2);
    for (size_t i = 0; i < batch.frame_count; i++)
      assert_true(strlen(batch.frames[i].function) < 4096);
    hd_symbol_batch_deinit(&batch);
    assert_true(cpu_seconds() - start <= MAX_SECONDS);
    data[at] = old;
  }
}

static void test_zstd_flipped(void **state)
{
  (void)state;
  struct packing packing;
  build("");
  Elf64_Shdr *info = pack(&packing, false);
  flip("hostile", packing.data, packing.size, info->sh_offset, info->sh_size);
  const Elf64_Ehdr *header = (const void *)packing.data;
  flip("hostile", packing.data, packing.size, header->e_shoff,
       header->e_shnum * sizeof(Elf64_Shdr));
  free(packing.data);
}

/* --- MiniDebugInfo ------------------------------------------------------------------ */

/* The functions that .dynsym does not have, as distributions pack them. */
static void build_mini(void)
{
  assert_true(shell("gcc -O2 -g chain.c -o victim"));
  chain_offsets("victim", offsets);
  assert_true(shell("nm victim --format=posix --defined-only | awk '$2 ~ /^[tT]$/ {print $1}' "
                    ">keep && objcopy --only-keep-debug victim mini && "
                    "objcopy -S --keep-symbols=keep mini && strip victim -o bare && rm -f mini.xz "
                    "&& xz mini && objcopy --add-section .gnu_debugdata=mini.xz bare victim"));
}

static void test_mini_debug(void **state)
{
  (void)state;
  if (!have("xz"))
    skip();
  build("");
  build_mini();
  struct hd_symbol_batch batch = symbolize(in_scratch("bare"), "", NULL, offsets, 2);
  assert_int_equal(batch.answers[1].count, 0); /* without it there is nothing */
  hd_symbol_batch_deinit(&batch);
  expect_table("MiniDebugInfo");
}

static size_t debugdata_of(const uint8_t *data, size_t *length)
{
  const Elf64_Ehdr *header = (const void *)data;
  const Elf64_Shdr *sections = (const void *)(data + header->e_shoff);
  const char *names = (const char *)data + sections[header->e_shstrndx].sh_offset;
  for (unsigned i = 0; i < header->e_shnum; i++)
    if (strcmp(names + sections[i].sh_name, ".gnu_debugdata") == 0) {
      *length = sections[i].sh_size;
      return sections[i].sh_offset;
    }
  fail_msg("no .gnu_debugdata");
  return 0;
}

/* Every byte: xz has checksums, so that what is left of the names is right. */
static void test_mini_debug_damaged(void **state)
{
  (void)state;
  size_t size, length;
  if (!have("xz"))
    skip();
  build("");
  build_mini();
  uint8_t *data = read_bytes("victim", &size);
  size_t first = debugdata_of(data, &length);
  for (size_t i = 0; i < length; i++) {
    data[first + i] ^= (uint8_t)(1u << (i % 8));
    write_bytes("hostile", data, size);
    struct hd_symbol_batch batch = symbolize(in_scratch("hostile"), "", NULL, offsets, 2);
    if (batch.answers[1].count)
      assert_string_equal(frame_of(&batch, 1, 0)->function, "second");
    hd_symbol_batch_deinit(&batch);
    data[first + i] ^= (uint8_t)(1u << (i % 8));
  }
  free(data);
}

/* A hundred megabytes of zeros in a few kilobytes, and a dictionary that wants a gigabyte. */
static void test_mini_debug_bomb(void **state)
{
  (void)state;
  static const char *const bombs[] = {"head -c 100M /dev/zero | xz -0 >bomb",
                                      "xz -c --lzma2=dict=1GiB victim >bomb"};
  if (!have("xz"))
    skip();
  build("");
  for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
    assert_true(shell("%s && strip victim -o bare && objcopy --add-section "
                      ".gnu_debugdata=bomb bare hostile",
                      bombs[i]));
    double start = cpu_seconds();
    struct hd_symbol_batch batch = symbolize(in_scratch("hostile"), "", NULL, offsets, 2);
    assert_string_equal(frame_of(&batch, 1, 0)->function, "second"); /* from .dynsym */
    assert_null(strstr(batch.reason, "MiniDebugInfo"));
    hd_symbol_batch_deinit(&batch);
    assert_true(cpu_seconds() - start <= MAX_SECONDS);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_zlib),
      cmocka_unit_test(test_zstd),
      cmocka_unit_test(test_zstd_lies),
      cmocka_unit_test(test_zstd_flipped),
      cmocka_unit_test(test_mini_debug),
      cmocka_unit_test(test_mini_debug_damaged),
      cmocka_unit_test(test_mini_debug_bomb),
  };
  return cmocka_run_group_tests_name("symbols_packed", tests, make_scratch, remove_scratch);
}
