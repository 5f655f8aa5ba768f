/* Separate debug information: where it lies and whether it belongs. */
#ifndef HD_SYMBOLS_DEBUG_FILE_H
#define HD_SYMBOLS_DEBUG_FILE_H

#include "base/error.h"
#include "symbols/dwarf.h"
#include "symbols/search.h"

/* Looks for the debug file of a program: by its build-id, then by its
 * .gnu_debuglink beside it, in .debug/ beside it and under the directories, where
 * the link's CRC (or the build-id, if both have one) must fit; then at the
 * debuginfod servers. `reason` as in hd_search_program. */
bool hd_debug_find(const struct hd_search *search, const struct hd_elf_file *program,
                   struct hd_elf_file *file, bool *found, char *reason, struct hd_error *error);

/* Opens the file that dwz moved common debug information to, if `dwarf` (read
 * from the file at `path`) names one and it is there. Where it is not, libdw
 * tries its own places later. */
bool hd_debug_find_alternate(const struct hd_search *search, const char *path,
                             struct hd_dwarf *dwarf, struct hd_error *error);

#endif
