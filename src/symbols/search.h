/* Where the files of a module are looked for: the order is that of the section
 * SYMBOLS in heapdiff(1). */
#ifndef HD_SYMBOLS_SEARCH_H
#define HD_SYMBOLS_SEARCH_H

#include "base/error.h"
#include "symbols/elf_file.h"
#include "symbols/fetch.h"
#include "symbols/symbols.h"

struct hd_search {
  HD_VEC(char *)
  dirs;                   /* --debug-dir in their order, then /usr/lib/debug below the sysroot,
                           * then the host's */
  char *sysroot;          /* without a slash at its end; NULL: the host's root */
  bool force;             /* take a program of another build-id, too */
  struct hd_fetch *fetch; /* NULL: no server is to be asked */
};

bool hd_search_init(struct hd_search *search, const struct hd_symbol_options *options,
                    struct hd_error *error);
void hd_search_deinit(struct hd_search *search);

/* Opens a candidate and keeps it if its build-id is the wanted one. With `program`
 * it is the program itself that is wanted (or a debug file that was never stripped
 * of the code). *found says whether `file` was opened. */
bool hd_search_try(const char *path, const char *build_id, bool program, struct hd_elf_file *file,
                   bool *found, struct hd_error *error);
/* Looks for a file of this build-id in the directories' .build-id trees. */
bool hd_search_build_id(const struct hd_search *search, const char *build_id, bool program,
                        struct hd_elf_file *file, bool *found, struct hd_error *error);
/* Looks for a program that is not at its path (any more) by its build-id: in the
 * .build-id trees, then by its name right in the directories, then by its path
 * below them, then at the debuginfod servers. Where these failed, `reason` (of
 * HD_REASON) says why; else it is left alone. */
bool hd_search_program(const struct hd_search *search, const char *program_path,
                       const char *build_id, struct hd_elf_file *file, bool *found, char *reason,
                       struct hd_error *error);
/* Asks the debuginfod servers alone. */
bool hd_search_servers(const struct hd_search *search, const char *build_id, bool program,
                       struct hd_elf_file *file, bool *found, char *reason, struct hd_error *error);

/* A path of the snapshot's system where it is here: below the sysroot. False where
 * it is too long. */
bool hd_search_path(const struct hd_search *search, const char *path, char *out, size_t size);
/* The other way round: what `path`, which was opened here, is on that system. */
const char *hd_search_inner(const struct hd_search *search, const char *path);

#endif
