/* A loaded module's dynamic section, as dl_iterate_phdr describes the module: where
 * it looks up what it calls, and what it defines. Every table is looked at only
 * inside of the module's own segments: one that is damaged has nothing. */
#ifndef HD_AGENT_ELF_MODULE_H
#define HD_AGENT_ELF_MODULE_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hd_elf_module {
  uintptr_t bias;
  const ElfW(Phdr) * headers;
  size_t header_count;
  uintptr_t relro_start, relro_end; /* whole pages that the loader made read-only */
  const ElfW(Sym) * symbols;
  const char *strings;
  size_t strings_size;
  const ElfW(Rela) * calls, *data; /* of the procedure linkage table, and the rest */
  size_t call_count, data_count;
  const uint32_t *gnu_hash, *hash;
  const uint16_t *versions; /* beside the symbols; NULL: there are none */
  bool symbolic;            /* finds itself before any other */
};

/* False where the module has no dynamic section that can be used. To be called while
 * the module cannot be unmapped, as all of these. */
bool hd_elf_open(struct hd_elf_module *module, const struct dl_phdr_info *info);
/* Whether [address, address + size) lies in one segment that has all of the flags. */
bool hd_elf_has(const struct hd_elf_module *module, uintptr_t address, size_t size, unsigned flags);
/* A symbol by its index; NULL where there is none. */
const ElfW(Sym) * hd_elf_symbol(const struct hd_elf_module *module, size_t index);
/* A symbol's name, "" where it has none. */
const char *hd_elf_name(const struct hd_elf_module *module, const ElfW(Sym) * symbol);
/* The function that the module defines by this name for others, of several versions the
 * standard one; NULL: none. */
void *hd_elf_function(const struct hd_elf_module *module, const char *name);
/* Calls `visit` for every function that the module defines for others. */
void hd_elf_each_function(const struct hd_elf_module *module,
                          void (*visit)(const char *name, void *function, void *context),
                          void *context);

#endif
