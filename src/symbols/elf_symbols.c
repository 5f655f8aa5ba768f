#include "symbols/elf_symbols.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SYMBOLS = 1 << 26 };

static Elf_Scn *table_of(Elf *elf, bool dynamic, GElf_Shdr *header)
{
  Elf_Scn *section = NULL;
  while ((section = elf_nextscn(elf, section)) != NULL)
    if (gelf_getshdr(section, header) &&
        header->sh_type == (dynamic ? SHT_DYNSYM : SHT_SYMTAB))
      return section;
  return NULL;
}

/* Global before weak before local; functions before labels. */
static uint8_t rank_of(const GElf_Sym *symbol)
{
  unsigned bind = GELF_ST_BIND(symbol->st_info), type = GELF_ST_TYPE(symbol->st_info);
  uint8_t rank = bind == STB_GLOBAL ? 0 : bind == STB_WEAK ? 1 : 2;
  return type == STT_NOTYPE ? rank + 3 : rank;
}

static bool usable(const GElf_Sym *symbol, const char *name)
{
  unsigned type = GELF_ST_TYPE(symbol->st_info);
  if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
    return false;
  if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_ABS || !name || !name[0])
    return false;
  /* ARM's and RISC-V's mapping symbols, and labels the assembler left. */
  return name[0] != '$' && strncmp(name, ".L", 2) != 0;
}

static uint64_t add_clamped(uint64_t a, uint64_t b)
{
  return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

/* An unsized symbol goes on to the end of its section; hd_elf_symbols_finish
 * ends it at the next one. */
static uint64_t end_of(Elf *elf, const GElf_Sym *symbol)
{
  if (symbol->st_size)
    return add_clamped(symbol->st_value, symbol->st_size);
  GElf_Shdr header;
  Elf_Scn *section = elf_getscn(elf, symbol->st_shndx);
  if (symbol->st_shndx >= SHN_LORESERVE || !section || !gelf_getshdr(section, &header))
    return symbol->st_value;
  return add_clamped(header.sh_addr, header.sh_size);
}

bool hd_elf_symbols_add(struct hd_elf_symbols *symbols, Elf *elf, const struct hd_elf_file *code,
                        bool dynamic, struct hd_error *error)
{
  GElf_Shdr header;
  Elf_Scn *section = table_of(elf, dynamic, &header);
  Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
  size_t count = data && data->d_buf && header.sh_entsize ? data->d_size / header.sh_entsize : 0;
  for (size_t i = 0; i < count && i < MAX_SYMBOLS; i++) {
    GElf_Sym symbol;
    if (!gelf_getsym(data, (int)i, &symbol))
      break;
    const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);
    if (!usable(&symbol, name))
      continue;
    if (code->machine == EM_ARM)
      symbol.st_value &= ~(uint64_t)1; /* the Thumb bit */
    if (!hd_elf_executable(code, symbol.st_value))
      continue;
    struct hd_elf_symbol item = {symbol.st_value, end_of(elf, &symbol), 0, name,
                                 rank_of(&symbol), symbol.st_size != 0};
    if (item.end > item.start && !hd_vec_push(&symbols->items, item))
      return hd_fail_memory(error);
  }
  return true;
}

/* Ends with the best name of an address: hd_elf_symbols_find goes backwards. */
static int by_start(const void *a, const void *b)
{
  const struct hd_elf_symbol *x = a, *y = b;
  if (x->start != y->start)
    return x->start < y->start ? -1 : 1;
  if (x->sized != y->sized)
    return x->sized ? 1 : -1;
  if (x->rank != y->rank)
    return x->rank > y->rank ? -1 : 1;
  return -strcmp(x->name, y->name);
}

void hd_elf_symbols_finish(struct hd_elf_symbols *symbols)
{
  size_t count = symbols->items.count;
  struct hd_elf_symbol *items = symbols->items.items;
  if (count)
    qsort(items, count, sizeof *items, by_start);
  uint64_t following = UINT64_MAX;
  for (size_t i = count; i-- > 0;) {
    if (!items[i].sized && items[i].end > following)
      items[i].end = following;
    if (i > 0 && items[i - 1].start != items[i].start)
      following = items[i].start;
  }
  uint64_t reach = 0;
  for (size_t i = 0; i < count; i++) {
    if (items[i].end > reach)
      reach = items[i].end;
    items[i].reach = reach;
  }
}

const char *hd_elf_symbols_find(const struct hd_elf_symbols *symbols, uint64_t address)
{
  const struct hd_elf_symbol *items = symbols->items.items;
  size_t low = 0, high = symbols->items.count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (items[middle].start <= address)
      low = middle + 1;
    else
      high = middle;
  }
  const struct hd_elf_symbol *label = NULL;
  while (low > 0 && items[low - 1].reach > address) {
    const struct hd_elf_symbol *symbol = &items[--low];
    if (address >= symbol->end)
      continue;
    if (symbol->sized)
      return symbol->name;
    if (!label)
      label = symbol;
  }
  return label ? label->name : NULL;
}

void hd_elf_symbols_deinit(struct hd_elf_symbols *symbols)
{
  hd_vec_deinit(&symbols->items);
}
