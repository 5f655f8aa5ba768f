/* The call frame information of this very program, read as it is and then damaged
 * in many ways: from a copy that ends where its memory ends, so that a sanitizer
 * sees one byte too many. */
#include "cfi.h"
#include "random.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 300000 };

static struct {
  const uint8_t *start, *contents;
  size_t size, offset, header; /* of what holds .eh_frame_hdr, in the file, and where in it */
} segment;

static bool read_noise(uint64_t address, uint64_t *value)
{
  *value = hd_scramble(address);
  return address % 16 != 0;
}

static int find_segment(struct dl_phdr_info *info, size_t size, void *unused)
{
  const ElfW(Phdr) *header = NULL;
  (void)size;
  (void)unused;
  for (int i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME)
      header = &info->dlpi_phdr[i];
  for (int i = 0; header && i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *load = &info->dlpi_phdr[i];
    if (load->p_type == PT_LOAD && header->p_vaddr >= load->p_vaddr &&
        header->p_vaddr < load->p_vaddr + load->p_filesz) {
      segment.start = (const uint8_t *)info->dlpi_addr + load->p_vaddr;
      segment.size = load->p_filesz;
      segment.offset = load->p_offset;
      segment.header = header->p_vaddr - load->p_vaddr;
    }
  }
  return 1; /* the program itself comes first */
}

/* At a function's first instruction nothing is saved but the return address. */
static int check_entry(struct dl_find_object *object, uint8_t *copy)
{
  struct hd_cfi_row row;
  uintptr_t address = (uintptr_t)copy + ((uintptr_t)find_segment - (uintptr_t)segment.start);
  if (!hd_cfi_find(object, address, &row))
    return 0;
  return row.cfa.kind == HD_RULE_VAL_OFFSET && row.cfa_register == HD_REG_RSP &&
         row.cfa.value == 8 && row.rules[HD_REG_RA].kind == HD_RULE_OFFSET &&
         row.rules[HD_REG_RA].value == -8 && row.rules[HD_REG_RBP].kind == HD_RULE_SAME;
}

static void try_expressions(const struct hd_cfi_row *row)
{
  struct hd_registers registers = {.known = 0xff};
  uint64_t value;
  if (row->cfa.kind == HD_RULE_VAL_EXPRESSION)
    hd_expression(&row->cfa, &registers, NULL, read_noise, &value);
  for (unsigned i = 0; i < HD_REGS; i++)
    if (row->rules[i].kind >= HD_RULE_EXPRESSION)
      hd_expression(&row->rules[i], &registers, &value, read_noise, &value);
}

static long damage(struct dl_find_object *object, uint8_t *copy)
{
  uint64_t state = 7;
  long found = 0;
  for (int round = 0; round < ROUNDS; round++) {
    size_t at[4], count = 1 + hd_random(&state) % 4;
    for (size_t i = 0; i < count; i++) {
      at[i] = segment.header + hd_random(&state) % (segment.size - segment.header);
      copy[at[i]] = (uint8_t)hd_random(&state);
    }
    struct hd_cfi_row row;
    int32_t spread = (int32_t)(hd_random(&state) % (4 * segment.size));
    uintptr_t address = (uintptr_t)copy + segment.header - (uintptr_t)spread;
    if (hd_cfi_find(object, address, &row)) {
      found++;
      try_expressions(&row);
    }
    for (size_t i = 0; i < count; i++)
      copy[at[i]] = segment.contents[at[i]];
  }
  return found;
}

/* From the file: in memory there are a sanitizer's guards between the constants. */
static uint8_t *read_segment(void)
{
  FILE *file = fopen("/proc/self/exe", "rb");
  uint8_t *contents = malloc(segment.size);
  if (!file || !contents || fseek(file, (long)segment.offset, SEEK_SET) != 0 ||
      fread(contents, 1, segment.size, file) != segment.size)
    exit(1);
  fclose(file);
  return contents;
}

int main(void)
{
  dl_iterate_phdr(find_segment, NULL);
  if (!segment.start)
    return 1;
  uint8_t *contents = read_segment(), *copy = read_segment();
  segment.contents = contents;
  struct dl_find_object object = {.dlfo_map_start = copy,
                                  .dlfo_map_end = copy + segment.size,
                                  .dlfo_eh_frame = copy + segment.header};
  int right = check_entry(&object, copy);
  long found = damage(&object, copy);
  printf("first row %s; %ld rows found in damaged tables\n", right ? "right" : "WRONG", found);
  free(copy);
  free(contents);
  return right && found > 0 ? 0 : 1;
}
