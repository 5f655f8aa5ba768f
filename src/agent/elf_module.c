#include "elf_module.h"

#include <elf.h>
#include <string.h>

enum { PAGE = 4096, CHAIN_MAX = 1 << 20, HIDDEN = 0x8000 };

bool hd_elf_has(const struct hd_elf_module *module, uintptr_t address, size_t size, unsigned flags)
{
  uintptr_t linked = address - module->bias;
  for (size_t i = 0; i < module->header_count; i++) {
    const ElfW(Phdr) *header = &module->headers[i];
    if (header->p_type == PT_LOAD && (header->p_flags & flags) == flags &&
        linked >= header->p_vaddr && linked - header->p_vaddr <= header->p_memsz &&
        size <= header->p_memsz - (linked - header->p_vaddr))
      return true;
  }
  return false;
}

/* The loader writes addresses over the offsets of most objects, not of all. */
static uintptr_t place(const struct hd_elf_module *module, ElfW(Addr) pointer)
{
  return pointer < module->bias ? module->bias + pointer : pointer;
}

/* A table of so many bytes, NULL where it does not lie in the module. */
static const void *table(const struct hd_elf_module *module, ElfW(Addr) pointer, size_t size)
{
  uintptr_t at = place(module, pointer);
  return pointer && at % sizeof(uint32_t) == 0 && hd_elf_has(module, at, size, PF_R)
             ? (const void *)at
             : NULL;
}

static void note_header(struct hd_elf_module *module, const ElfW(Phdr) * header)
{
  uintptr_t start = module->bias + header->p_vaddr;
  if (header->p_type != PT_GNU_RELRO)
    return;
  module->relro_start = start & -(uintptr_t)PAGE;
  module->relro_end = (start + header->p_memsz) & -(uintptr_t)PAGE;
}

struct wanted {
  ElfW(Addr) symbols, strings, calls, data, gnu_hash, hash, versions;
  size_t strings_size, calls_size, data_size;
  bool others; /* relocations of another form */
};

static void read_entry(struct hd_elf_module *module, struct wanted *wanted, const ElfW(Dyn) * entry)
{
  switch (entry->d_tag) {
  case DT_SYMTAB: wanted->symbols = entry->d_un.d_ptr; break;
  case DT_STRTAB: wanted->strings = entry->d_un.d_ptr; break;
  case DT_STRSZ: wanted->strings_size = entry->d_un.d_val; break;
  case DT_JMPREL: wanted->calls = entry->d_un.d_ptr; break;
  case DT_PLTRELSZ: wanted->calls_size = entry->d_un.d_val; break;
  case DT_RELA: wanted->data = entry->d_un.d_ptr; break;
  case DT_RELASZ: wanted->data_size = entry->d_un.d_val; break;
  case DT_GNU_HASH: wanted->gnu_hash = entry->d_un.d_ptr; break;
  case DT_HASH: wanted->hash = entry->d_un.d_ptr; break;
  case DT_VERSYM: wanted->versions = entry->d_un.d_ptr; break;
  case DT_SYMBOLIC: module->symbolic = true; break;
  case DT_FLAGS: module->symbolic |= (entry->d_un.d_val & DF_SYMBOLIC) != 0; break;
  case DT_PLTREL: wanted->others |= entry->d_un.d_val != DT_RELA; break;
  case DT_RELAENT: wanted->others |= entry->d_un.d_val != sizeof(ElfW(Rela)); break;
  case DT_SYMENT: wanted->others |= entry->d_un.d_val != sizeof(ElfW(Sym)); break;
  default: break;
  }
}

static bool read_dynamic(struct hd_elf_module *module, const ElfW(Phdr) * header)
{
  struct wanted wanted = {.symbols = 0};
  uintptr_t at = module->bias + header->p_vaddr;
  if (at % sizeof(ElfW(Addr)) || !hd_elf_has(module, at, header->p_memsz, PF_R))
    return false;
  const ElfW(Dyn) *entry = (const ElfW(Dyn) *)at;
  for (size_t i = 0; i < header->p_memsz / sizeof *entry && entry[i].d_tag != DT_NULL; i++)
    read_entry(module, &wanted, &entry[i]);
  module->symbols = table(module, wanted.symbols, sizeof *module->symbols);
  module->strings = (const char *)place(module, wanted.strings);
  module->strings_size = wanted.strings_size;
  if (wanted.others || !module->symbols || !wanted.strings || !wanted.strings_size ||
      !hd_elf_has(module, (uintptr_t)module->strings, wanted.strings_size, PF_R) ||
      module->strings[wanted.strings_size - 1])
    return false;
  module->calls = table(module, wanted.calls, wanted.calls_size);
  module->call_count = module->calls ? wanted.calls_size / sizeof *module->calls : 0;
  module->data = table(module, wanted.data, wanted.data_size);
  module->data_count = module->data ? wanted.data_size / sizeof *module->data : 0;
  module->gnu_hash = table(module, wanted.gnu_hash, 4 * sizeof(uint32_t));
  module->hash = table(module, wanted.hash, 2 * sizeof(uint32_t));
  module->versions = wanted.versions ? (const uint16_t *)place(module, wanted.versions) : NULL;
  return true;
}

bool hd_elf_open(struct hd_elf_module *module, const struct dl_phdr_info *info)
{
  const ElfW(Phdr) *dynamic = NULL;
  *module = (struct hd_elf_module){
      .bias = info->dlpi_addr, .headers = info->dlpi_phdr, .header_count = info->dlpi_phnum};
  for (size_t i = 0; i < module->header_count; i++) {
    note_header(module, &module->headers[i]);
    if (module->headers[i].p_type == PT_DYNAMIC)
      dynamic = &module->headers[i];
  }
  return dynamic && read_dynamic(module, dynamic);
}

const ElfW(Sym) * hd_elf_symbol(const struct hd_elf_module *module, size_t index)
{
  const ElfW(Sym) *symbol = module->symbols + index;
  if (index > UINT32_MAX || !hd_elf_has(module, (uintptr_t)symbol, sizeof *symbol, PF_R))
    return NULL;
  return symbol;
}

const char *hd_elf_name(const struct hd_elf_module *module, const ElfW(Sym) * symbol)
{
  return symbol->st_name < module->strings_size ? module->strings + symbol->st_name : "";
}

static void *function_of(const struct hd_elf_module *module, const ElfW(Sym) * symbol)
{
  unsigned binding = ELF64_ST_BIND(symbol->st_info), type = ELF64_ST_TYPE(symbol->st_info);
  unsigned visibility = ELF64_ST_VISIBILITY(symbol->st_other);
  uintptr_t at = module->bias + symbol->st_value;
  bool others = visibility == STV_DEFAULT || visibility == STV_PROTECTED;
  if (symbol->st_shndx == SHN_UNDEF || !others || type != STT_FUNC ||
      (binding != STB_GLOBAL && binding != STB_WEAK) || !hd_elf_has(module, at, 1, PF_X))
    return NULL;
  return (void *)at;
}

/* One that only programs of old are bound to. */
static bool is_hidden(const struct hd_elf_module *module, size_t index)
{
  const uint16_t *version = module->versions + index;
  return module->versions && hd_elf_has(module, (uintptr_t)version, sizeof *version, PF_R) &&
         *version & HIDDEN;
}

static bool has_name(const struct hd_elf_module *module, size_t index, const char *name,
                     void **function)
{
  const ElfW(Sym) *symbol = hd_elf_symbol(module, index);
  if (!symbol || is_hidden(module, index) || strcmp(hd_elf_name(module, symbol), name) != 0)
    return false;
  *function = function_of(module, symbol);
  return *function;
}

/* The table of GNU's linker: number of buckets, first symbol in it, words of a Bloom
 * filter and its shift; those words (of 64 bits), the buckets, and for every symbol
 * its hash, whose lowest bit ends a bucket. */
struct gnu_hash {
  uint32_t buckets, first;
  const uint32_t *bucket, *chain;
};

static bool open_gnu_hash(const struct hd_elf_module *module, struct gnu_hash *table)
{
  const uint32_t *head = module->gnu_hash;
  if (!head || !head[0] || head[2] > CHAIN_MAX || head[0] > CHAIN_MAX)
    return false;
  table->buckets = head[0];
  table->first = head[1];
  table->bucket = head + 4 + 2 * (size_t)head[2];
  table->chain = table->bucket + table->buckets;
  return hd_elf_has(module, (uintptr_t)table->bucket, table->buckets * sizeof(uint32_t), PF_R);
}

static const uint32_t *chain_at(const struct hd_elf_module *module, const struct gnu_hash *table,
                                uint32_t index)
{
  const uint32_t *link = table->chain + (index - table->first);
  if (index < table->first || !hd_elf_has(module, (uintptr_t)link, sizeof *link, PF_R))
    return NULL;
  return link;
}

static void *find_by_gnu_hash(const struct hd_elf_module *module, const char *name)
{
  struct gnu_hash table;
  uint32_t hash = 5381;
  void *found;
  for (const char *c = name; *c; c++)
    hash = hash * 33 + (unsigned char)*c;
  if (!open_gnu_hash(module, &table))
    return NULL;
  for (uint32_t i = table.bucket[hash % table.buckets]; i; i++) {
    const uint32_t *link = chain_at(module, &table, i);
    if (!link)
      return NULL;
    if ((*link | 1) == (hash | 1) && has_name(module, i, name, &found))
      return found;
    if (*link & 1)
      return NULL;
  }
  return NULL;
}

static void *find_by_hash(const struct hd_elf_module *module, const char *name)
{
  uint32_t buckets = module->hash[0], symbols = module->hash[1], hash = 0;
  const uint32_t *bucket = module->hash + 2, *chain = bucket + buckets;
  void *found;
  for (const char *c = name; *c; c++) {
    hash = (hash << 4) + (unsigned char)*c;
    hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
  }
  if (!buckets || buckets > CHAIN_MAX || symbols > CHAIN_MAX ||
      !hd_elf_has(module, (uintptr_t)bucket, (buckets + symbols) * sizeof(uint32_t), PF_R))
    return NULL;
  uint32_t i = bucket[hash % buckets];
  for (uint32_t steps = 0; i && i < symbols && steps < symbols; steps++, i = chain[i])
    if (has_name(module, i, name, &found))
      return found;
  return NULL;
}

void *hd_elf_function(const struct hd_elf_module *module, const char *name)
{
  if (module->gnu_hash)
    return find_by_gnu_hash(module, name);
  return module->hash ? find_by_hash(module, name) : NULL;
}

static void visit_symbol(const struct hd_elf_module *module, size_t index,
                         void (*visit)(const char *name, void *function, void *context),
                         void *context)
{
  const ElfW(Sym) *symbol = hd_elf_symbol(module, index);
  void *function = symbol ? function_of(module, symbol) : NULL;
  if (function)
    visit(hd_elf_name(module, symbol), function, context);
}

void hd_elf_each_function(const struct hd_elf_module *module,
                          void (*visit)(const char *name, void *function, void *context),
                          void *context)
{
  struct gnu_hash table;
  if (!module->gnu_hash) {
    for (uint32_t i = 0; module->hash && i < module->hash[1] && i < CHAIN_MAX; i++)
      visit_symbol(module, i, visit, context);
    return;
  }
  if (!open_gnu_hash(module, &table))
    return;
  for (uint32_t bucket = 0; bucket < table.buckets; bucket++) {
    const uint32_t *link = NULL;
    for (uint32_t i = table.bucket[bucket]; i && !(link && *link & 1); i++) {
      link = chain_at(module, &table, i);
      if (!link)
        break;
      visit_symbol(module, i, visit, context);
    }
  }
}
