/* MiniDebugInfo: a symbol table of the functions that .dynsym leaves out, as an ELF
 * file that is compressed with xz into .gnu_debugdata. */
#ifndef HD_SYMBOLS_MINI_DEBUG_H
#define HD_SYMBOLS_MINI_DEBUG_H

#include "base/error.h"

#include <libelf.h>

struct hd_mini_debug {
  void *data;
  Elf *elf; /* NULL: there is none */
};

/* Opens that of `elf`. One that is damaged or too large is as none. */
bool hd_mini_debug_open(struct hd_mini_debug *mini, Elf *elf, struct hd_error *error);
void hd_mini_debug_close(struct hd_mini_debug *mini);

#endif
