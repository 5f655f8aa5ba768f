/* A module's debug information, and the steps that answer one batch from it:
 * units (which unit holds an address), functions (its chain of inlined calls),
 * names, lines. libdw finds the files (alternate, split) and decompresses their
 * sections; what is in them is decoded here (dwarf_die.h). */
#ifndef HD_SYMBOLS_DWARF_H
#define HD_SYMBOLS_DWARF_H

#include "base/error.h"
#include "symbols/dwarf_die.h"
#include "symbols/elf_file.h"
#include "symbols/texts.h"

#include <elfutils/libdw.h>

/* A piece of code that a unit has. */
struct hd_unit_range {
  uint64_t start, end;
  uint64_t reach; /* the largest end of this and all earlier ranges */
  uint32_t unit;  /* in the file's units */
};

struct hd_dwarf {
  Dwarf *handle;
  const struct hd_elf_file *code; /* whose segments decide what is executable */
  struct hd_elf_file alternate;   /* dwz's, where it was found */
  Dwarf *alternate_handle;
  bool alternate_missing;
  bool alternate_wrong; /* of another build: nothing that is read may be trusted */
  size_t split_missing; /* units whose .dwo file is not there */
  struct hd_dwarf_file main, common; /* the file itself, dwz's */
  uint64_t unreleased; /* bytes of .debug_info read since the file's pages were given back */
  HD_VEC(struct hd_unit_range) ranges; /* by start */
};

/* One address that is asked for, in one unit. */
struct hd_wanted {
  uint64_t address;
  uint32_t unit;   /* in the main file's units, + 1; 0 none */
  uint32_t index;  /* in the batch's addresses */
  uint32_t scope;  /* innermost function, + 1, in hd_scopes; 0 none */
  uint32_t file;   /* of the unit's line table, as the table numbers them */
  uint32_t line;
  bool has_line;
};

/* A function, or one inlined copy of it. */
struct hd_scope {
  struct hd_die die;
  uint32_t parent; /* what it is inlined into, + 1; 0: it is not inlined */
  uint32_t start_line;
  bool linked;          /* it has a linkage name; these five are set by hd_dwarf_names */
  const char *function; /* "" unknown */
  uint32_t call_line;   /* where it is inlined, by its parent's table */
  uint64_t call_file;
};

struct hd_scopes {
  HD_VEC(struct hd_scope) items;
};

/* --- dwarf_units.c */

/* Opens the DWARF of an ELF file and indexes its units. *found is false where
 * there is none that can be used. `code` and `file` must outlive it. */
bool hd_dwarf_open(struct hd_dwarf *dwarf, const struct hd_elf_file *file,
                   const struct hd_elf_file *code, bool *found, struct hd_error *error);
/* To be called before a batch: takes dwz's common file in, if there is one. */
bool hd_dwarf_prepare(struct hd_dwarf *dwarf, struct hd_error *error);
void hd_dwarf_close(struct hd_dwarf *dwarf);
/* The unit that holds an address, + 1; 0 none. */
uint32_t hd_dwarf_find_unit(const struct hd_dwarf *dwarf, uint64_t address);
/* Frees what was loaded for a unit that is done with. */
void hd_dwarf_leave_unit(struct hd_dwarf *dwarf, const struct hd_unit *unit);

/* --- dwarf_split.c */

/* The .dwo file of a skeleton unit. `body` is the unit in it that has the functions, NULL
 * where there is none; all of it is gone with hd_split_close. */
struct hd_split {
  struct hd_dwarf_file file;
  struct hd_unit *body;
};
bool hd_split_open(const struct hd_dwarf *dwarf, struct hd_unit *skeleton, struct hd_split *split,
                   struct hd_error *error);
void hd_split_close(struct hd_split *split);
/* Whether the .dwo file of a skeleton unit is there. */
bool hd_split_exists(const struct hd_dwarf *dwarf, const struct hd_unit *skeleton);

/* --- dwarf_functions.c */

/* Sets `scope` of each address (of one unit, ascending), adding to `scopes`. */
bool hd_dwarf_functions(const struct hd_dwarf *dwarf, struct hd_unit *unit,
                        struct hd_wanted *wanted, size_t count, struct hd_scopes *scopes,
                        struct hd_error *error);

/* --- dwarf_names.c */

/* Sets what the DIEs of the scopes of a unit say; `as_written`: see symbols.h. */
bool hd_dwarf_names(struct hd_unit *unit, struct hd_scopes *scopes, struct hd_texts *texts,
                    bool as_written, struct hd_error *error);

/* --- dwarf_line_table.c, dwarf_lines.c */

struct hd_line_file {
  const char *name;
  uint64_t directory;
  const char *path; /* absolute, NULL until it was asked for */
};

/* A unit's line number program, DWARF 2 to 5. Texts point into the sections. */
struct hd_line_table {
  const struct hd_sections *sections;
  unsigned version, address_size, offset_size;
  unsigned min_instruction, max_operations, line_range, opcode_base;
  int line_base;
  const uint8_t *opcode_lengths; /* [opcode - 1] */
  const char *comp_dir;
  HD_VEC(const char *) directories; /* as the table numbers them, like the files */
  HD_VEC(struct hd_line_file) files;
  const uint8_t *program, *end;
};

/* Reads the header of the table at an offset of .debug_line of the unit's file. A damaged
 * or missing one gives an empty table, which answers nothing. */
bool hd_line_table_read(const struct hd_unit *unit, uint64_t offset, const char *comp_dir,
                        struct hd_line_table *table, struct hd_error *error);
void hd_line_table_deinit(struct hd_line_table *table);
/* Runs the program once and sets file and line of each address (ascending). */
bool hd_line_table_run(const struct hd_elf_file *code, struct hd_line_table *table,
                       struct hd_wanted *wanted, size_t count, struct hd_error *error);
/* The absolute path of a file by its number, "" where there is none; NULL when
 * memory is short. */
const char *hd_line_table_path(struct hd_line_table *table, uint64_t file,
                               struct hd_texts *texts);

/* --- dwarf_oom.c */

/* Runs `work`, which calls into libdw: where libdw finds memory short it would
 * end the process, and here false is returned instead. What libdw held then is
 * usable for nothing but closing it. Not to be nested in one thread. */
bool hd_dwarf_guarded(void (*work)(void *), void *context);
/* To be set on every handle. */
void hd_dwarf_guard_handle(Dwarf *handle);

#endif
