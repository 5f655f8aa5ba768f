/* Separate debug information: where it lies and whether it belongs. */
#ifndef HD_SYMBOLS_DEBUG_FILE_H
#define HD_SYMBOLS_DEBUG_FILE_H

#include "base/error.h"
#include "symbols/dwarf.h"
#include "symbols/elf_file.h"

/* Directories, in the order in which they are searched, /usr/lib/debug last. */
struct hd_debug_dirs {
  HD_VEC(char *) items;
};

bool hd_debug_dirs_init(struct hd_debug_dirs *dirs, const char *const *paths, size_t count,
                        struct hd_error *error);
void hd_debug_dirs_deinit(struct hd_debug_dirs *dirs);

/* Looks for a file of this build-id in the directories' .build-id trees. With
 * `program` it is the program itself that is wanted (or a debug file that was
 * never stripped of the code). *found says whether `file` was opened. */
bool hd_debug_find_build_id(const struct hd_debug_dirs *dirs, const char *build_id, bool program,
                            struct hd_elf_file *file, bool *found, struct hd_error *error);

/* Looks for a program that is not at its path (any more) by its build-id: in the
 * .build-id trees, then by its name right in the directories, then by its path
 * below them. */
bool hd_debug_find_program(const struct hd_debug_dirs *dirs, const char *program_path,
                           const char *build_id, struct hd_elf_file *file, bool *found,
                           struct hd_error *error);

/* Looks for the debug file of a program: by its build-id, then by its
 * .gnu_debuglink beside it, in .debug/ beside it and under the directories, where
 * the link's CRC (or the build-id, if both have one) must fit. */
bool hd_debug_find(const struct hd_debug_dirs *dirs, const struct hd_elf_file *program,
                   struct hd_elf_file *file, bool *found, struct hd_error *error);

/* Opens the file that dwz moved common debug information to, if `dwarf` (read
 * from the file at `path`) names one and it is there. Where it is not, libdw
 * tries its own places later. */
bool hd_debug_find_alternate(const struct hd_debug_dirs *dirs, const char *path,
                             struct hd_dwarf *dwarf, struct hd_error *error);

#endif
