/* A module that is open for symbolization. */
#ifndef HD_SYMBOLS_MODULE_H
#define HD_SYMBOLS_MODULE_H

#include "symbols/debug_file.h"
#include "symbols/dwarf.h"
#include "symbols/elf_symbols.h"
#include "symbols/mini_debug.h"
#include "symbols/symbols.h"

struct hd_symbol_module {
  char *path, *build_id; /* as they were asked for */
  bool debug_alone;       /* a file of debug information without code will do */
  enum hd_symbol_status status;
  char reason[HD_REASON];
  bool verified;
  bool forced; /* of another build, and used all the same */
  char found_build_id[HD_BUILD_ID_TEXT];
  char server[HD_REASON];   /* why the debuginfod servers gave nothing, "" not asked */
  char inflation[HD_REASON]; /* what was wrong with compressed sections */
  struct hd_elf_file program, debug;
  struct hd_dwarf dwarf;          /* of either */
  bool dwarf_in_debug;
  bool alternate_wrong;           /* dwz's is of another build: the DWARF is not used */
  struct hd_mini_debug mini;
  struct hd_elf_symbols symbols;
  uint64_t used; /* for the symbolizer: when last */
};

/* Opens what there is: `status` and `reason` say what was found. The module is
 * to be closed in any case. */
bool hd_symbol_module_open(struct hd_symbol_module *module, const struct hd_search *search,
                           const char *path, const char *build_id, bool debug_alone,
                           struct hd_error *error);
void hd_symbol_module_close(struct hd_symbol_module *module);
/* Whether there is something to look names up in. */
bool hd_symbol_module_usable(const struct hd_symbol_module *module);
/* Whether the file that was opened is still the one at its path. */
bool hd_symbol_module_current(const struct hd_symbol_module *module);

/* Fills the answers and frames of a batch from an open module (resolve.c). */
bool hd_symbol_module_resolve(struct hd_symbol_module *module, enum hd_symbol_places kind,
                              const uint64_t *offsets, size_t count, bool as_written,
                              struct hd_symbol_batch *batch, struct hd_error *error);

#endif
