/* For the tests of symbolization: a scratch folder, programs that are compiled
 * into it, and where a label of theirs is, read from the ELF file without the
 * library under test. */
#ifndef HD_TESTS_SYMBOLS_FIXTURE_H
#define HD_TESTS_SYMBOLS_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "symbols/symbols.h"

#include <elf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static char scratch[PATH_MAX];

static inline int make_scratch(void **state)
{
  (void)state;
  unsetenv("DEBUGINFOD_URLS"); /* no server has a say in a test */
  char template[] = "symbols-XXXXXX";
  return mkdtemp(template) && realpath(template, scratch) ? 0 : -1;
}

/* Runs a command of the shell in the scratch folder; false where it fails. */
__attribute__((format(printf, 1, 2))) static inline bool shell(const char *format, ...)
{
  char command[8192];
  int at = snprintf(command, sizeof command, "cd '%s' && { ", scratch);
  va_list args;
  va_start(args, format);
  at += vsnprintf(command + at, sizeof command - (size_t)at, format, args);
  va_end(args);
  snprintf(command + at, sizeof command - (size_t)at, "; } >log 2>&1");
  return system(command) == 0;
}

static inline int remove_scratch(void **state)
{
  (void)state;
  char command[PATH_MAX + 16];
  snprintf(command, sizeof command, "rm -rf '%s'", scratch);
  return system(command);
}

static inline bool have(const char *program)
{
  return shell("command -v %s", program);
}

/* "scratch/name", in one of a few buffers that take turns. */
static inline const char *in_scratch(const char *name)
{
  static char paths[8][PATH_MAX + 256];
  static unsigned turn;
  char *path = paths[turn++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", scratch, name);
  return path;
}

static inline void write_bytes(const char *name, const void *data, size_t size)
{
  FILE *file = fopen(in_scratch(name), "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static inline void write_text(const char *name, const char *text)
{
  write_bytes(name, text, strlen(text));
}

static inline uint8_t *read_bytes(const char *name, size_t *size)
{
  FILE *file = fopen(in_scratch(name), "rb");
  assert_non_null(file);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  *size = (size_t)ftell(file);
  rewind(file);
  uint8_t *data = malloc(*size + 1);
  assert_non_null(data);
  assert_int_equal(fread(data, 1, *size, file), *size);
  fclose(file);
  return data;
}

/* The line (from 1) of the only place where `mark` stands in a source text. */
static inline uint32_t line_of(const char *text, const char *mark)
{
  const char *at = strstr(text, mark);
  assert_non_null(at);
  assert_null(strstr(at + 1, mark));
  uint32_t line = 1;
  for (const char *c = text; c < at; c++)
    line += *c == '\n';
  return line;
}

static inline uint64_t to_offset(const uint8_t *data, uint64_t address)
{
  const Elf64_Ehdr *header = (const void *)data;
  const Elf64_Phdr *segments = (const void *)(data + header->e_phoff);
  for (unsigned i = 0; i < header->e_phnum; i++)
    if (segments[i].p_type == PT_LOAD && address >= segments[i].p_vaddr &&
        address - segments[i].p_vaddr < segments[i].p_filesz)
      return address - segments[i].p_vaddr + segments[i].p_offset;
  fail_msg("address %llx is in no segment", (unsigned long long)address);
  return 0;
}

/* The file offset of a label in the .symtab of an ELF file in the scratch folder,
 * 0 where it has no such label. */
static inline uint64_t offset_of(const char *name, const char *label)
{
  size_t size;
  uint8_t *data = read_bytes(name, &size);
  const Elf64_Ehdr *header = (const void *)data;
  const Elf64_Shdr *sections = (const void *)(data + header->e_shoff);
  uint64_t offset = 0;
  for (unsigned i = 0; i < header->e_shnum; i++) {
    if (sections[i].sh_type != SHT_SYMTAB)
      continue;
    const char *names = (const char *)data + sections[sections[i].sh_link].sh_offset;
    const Elf64_Sym *symbols = (const void *)(data + sections[i].sh_offset);
    for (size_t j = 0; j < sections[i].sh_size / sizeof *symbols; j++)
      if (strcmp(names + symbols[j].st_name, label) == 0)
        offset = to_offset(data, symbols[j].st_value);
  }
  free(data);
  return offset;
}

static inline void build_id_of(const char *name, char *id, size_t size)
{
  assert_true(shell("readelf -n '%s' | sed -n 's/.*Build ID: //p' >id", name));
  FILE *file = fopen(in_scratch("id"), "r");
  assert_non_null(file);
  if (!fgets(id, (int)size, file))
    id[0] = '\0';
  id[strcspn(id, "\n")] = '\0';
  fclose(file);
}

static inline struct hd_symbolizer *new_symbolizer(const char *debug_dir)
{
  struct hd_symbolizer *symbolizer;
  struct hd_error error = HD_ERROR_INIT;
  struct hd_symbol_options options = {.debug_dirs = &debug_dir,
                                      .debug_dir_count = debug_dir != NULL};
  assert_true(hd_symbolizer_create(&options, &symbolizer, &error));
  return symbolizer;
}

/* What this process has used, and the children that it has waited for: what the machine does
 * beside is none of it. */
static inline double cpu_seconds(void)
{
  struct rusage own, children;
  double sum = 0;
  getrusage(RUSAGE_SELF, &own);
  getrusage(RUSAGE_CHILDREN, &children);
  const struct timeval *const parts[] = {&own.ru_utime, &own.ru_stime, &children.ru_utime,
                                         &children.ru_stime};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    sum += (double)parts[i]->tv_sec + (double)parts[i]->tv_usec / 1e6;
  return sum;
}

/* One batch in a symbolizer of its own. */
static inline struct hd_symbol_batch symbolize_with(const struct hd_symbol_options *options,
                                                    const char *path, const char *build_id,
                                                    const uint64_t *offsets, size_t count)
{
  struct hd_symbol_batch batch;
  struct hd_error error = HD_ERROR_INIT;
  struct hd_symbolizer *symbolizer;
  assert_true(hd_symbolizer_create(options, &symbolizer, &error));
  assert_true(hd_symbolize(symbolizer, path, build_id, HD_FILE_OFFSETS, offsets, count, &batch,
                           &error));
  assert_int_equal(error.kind, HD_ERROR_NONE);
  hd_symbolizer_destroy(symbolizer);
  return batch;
}

static inline struct hd_symbol_batch symbolize(const char *path, const char *build_id,
                                               const char *debug_dir, const uint64_t *offsets,
                                               size_t count)
{
  struct hd_symbol_options options = {.debug_dirs = &debug_dir,
                                      .debug_dir_count = debug_dir != NULL};
  return symbolize_with(&options, path, build_id, offsets, count);
}

static inline const struct hd_symbol_frame *frame_of(const struct hd_symbol_batch *batch,
                                                     size_t answer, size_t i)
{
  assert_true(i < batch->answers[answer].count);
  assert_true(batch->answers[answer].first + i < batch->frame_count);
  return &batch->frames[batch->answers[answer].first + i];
}

static inline void assert_frame(const struct hd_symbol_batch *batch, size_t answer, size_t i,
                                const char *function, const char *file, uint32_t line,
                                uint32_t start_line)
{
  const struct hd_symbol_frame *frame = frame_of(batch, answer, i);
  assert_string_equal(frame->function, function);
  assert_string_equal(frame->file, file);
  assert_int_equal(frame->line, line);
  assert_int_equal(frame->start_line, start_line);
}

/* A chain of two inlined calls around the label probe_inner. */
static const char chain_source[] =
    "#define ALWAYS static inline __attribute__((always_inline))\n"
    "int counter;\n"
    "ALWAYS void inner(int x) /* inner starts */\n"
    "{\n"
    "  counter += x;\n"
    "  __asm__ volatile(\".globl probe_inner\\nprobe_inner: nop\"); /* in inner */\n"
    "}\n"
    "ALWAYS void middle(int x) /* middle starts */\n"
    "{\n"
    "  counter -= x;\n"
    "  inner(x + 1); /* in middle */\n"
    "}\n"
    "__attribute__((noinline)) void outer(int x) /* outer starts */\n"
    "{\n"
    "  counter *= x;\n"
    "  middle(x); /* in outer */\n"
    "  counter /= 3;\n"
    "}\n"
    "__attribute__((noinline)) int second(int x) /* second starts */\n"
    "{\n"
    "  __asm__ volatile(\".globl probe_second\\nprobe_second: nop\"); /* in second */\n"
    "  return x + counter;\n"
    "}\n"
    "int main(int argc, char **argv)\n"
    "{\n"
    "  (void)argv;\n"
    "  outer(argc);\n"
    "  return second(argc) == 12345;\n"
    "}\n";

/* Asserts that answers 0 and 1 are those of probe_inner and probe_second. */
static inline void assert_chain(const struct hd_symbol_batch *batch, const char *file)
{
  const char *text = chain_source;
  assert_int_equal(batch->status, HD_SYMBOLS_DWARF);
  assert_int_equal(batch->answers[0].count, 3);
  assert_frame(batch, 0, 0, "inner", file, line_of(text, "/* in inner"),
               line_of(text, "/* inner starts"));
  assert_frame(batch, 0, 1, "middle", file, line_of(text, "/* in middle"),
               line_of(text, "/* middle starts"));
  assert_frame(batch, 0, 2, "outer", file, line_of(text, "/* in outer"),
               line_of(text, "/* outer starts"));
  assert_int_equal(batch->answers[1].count, 1);
  assert_frame(batch, 1, 0, "second", file, line_of(text, "/* in second"),
               line_of(text, "/* second starts"));
}

static inline void chain_offsets(const char *name, uint64_t offsets[2])
{
  offsets[0] = offset_of(name, "probe_inner");
  offsets[1] = offset_of(name, "probe_second");
  assert_int_not_equal(offsets[0], 0);
  assert_int_not_equal(offsets[1], 0);
}

#endif
