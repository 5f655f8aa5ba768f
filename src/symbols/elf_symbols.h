/* Function names from an ELF symbol table, for code that DWARF does not cover. */
#ifndef HD_SYMBOLS_ELF_SYMBOLS_H
#define HD_SYMBOLS_ELF_SYMBOLS_H

#include "base/error.h"
#include "symbols/elf_file.h"

struct hd_elf_symbol {
  uint64_t start, end;
  uint64_t reach; /* the largest end of this and all earlier symbols */
  const char *name; /* in the ELF file */
  uint8_t rank; /* lower is better, among symbols of one address */
  bool sized;
};

struct hd_elf_symbols {
  HD_VEC(struct hd_elf_symbol) items; /* by start */
};

/* Adds the functions of `elf`'s .symtab (or of its .dynsym, where `dynamic`), if
 * it has one. `code` says what is executable. */
bool hd_elf_symbols_add(struct hd_elf_symbols *symbols, Elf *elf, const struct hd_elf_file *code,
                        bool dynamic, struct hd_error *error);
/* To be called once all are added. */
void hd_elf_symbols_finish(struct hd_elf_symbols *symbols);
/* The best name of the function at an address, NULL where there is none. */
const char *hd_elf_symbols_find(const struct hd_elf_symbols *symbols, uint64_t address);
void hd_elf_symbols_deinit(struct hd_elf_symbols *symbols);

#endif
