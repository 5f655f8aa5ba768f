#include "symbols/module.h"

#include "symbols/elf_inflate.h"

#include <gelf.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set(struct hd_symbol_module *module, enum hd_symbol_status status,
                const char *format, ...) __attribute__((format(printf, 3, 4)));

static void set(struct hd_symbol_module *module, enum hd_symbol_status status,
                const char *format, ...)
{
  va_list args;
  va_start(args, format);
  module->status = status;
  vsnprintf(module->reason, sizeof module->reason, format, args);
  va_end(args);
}

static bool starts(const char *text, const char *prefix)
{
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Names that the kernel and the loader give to what no file is behind. */
static bool names_no_file(const char *path)
{
  static const char *const prefixes[] = {"[", "//anon", "/memfd:", "/SYSV", "anon_inode:",
                                         "/dev/zero", "linux-vdso", "linux-gate"};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
    if (starts(path, prefixes[i]))
      return true;
  return !path[0];
}

static void set_failure(struct hd_symbol_module *module, enum hd_elf_result result,
                        const char *why)
{
  set(module, result == HD_ELF_NO_FILE ? HD_SYMBOLS_NO_FILE : HD_SYMBOLS_BAD_FILE, "%s", why);
}

static void set_mismatch(struct hd_symbol_module *module, enum hd_symbol_status status,
                         const char *path)
{
  set(module, status, "is another build than the snapshot's: %.512s has %s%s, the snapshot %s",
      strcmp(path, module->path) != 0 ? path : "it",
      module->found_build_id[0] ? "build-id " : "no build-id", module->found_build_id,
      module->build_id);
}

/* Opens a path and compares the build-ids. The module's status is DWARF where
 * the program is the wanted one, as far as anyone can say. */
static bool try_program(struct hd_symbol_module *module, const struct hd_search *search,
                        const char *path, struct hd_error *error)
{
  char reason[HD_REASON], here[PATH_MAX];
  if (!hd_search_path(search, path, here, sizeof here)) {
    set(module, HD_SYMBOLS_NO_FILE, "%s", "cannot be opened: its path is too long");
    return true;
  }
  enum hd_elf_result result = hd_elf_open(here, true, &module->program, reason);
  if (result == HD_ELF_BAD_FILE && module->debug_alone) {
    char again[HD_REASON];
    if (hd_elf_open(here, false, &module->program, again) == HD_ELF_OPENED)
      result = HD_ELF_OPENED;
  }
  if (result == HD_ELF_NO_MEMORY)
    return hd_fail_memory(error);
  if (result != HD_ELF_OPENED) {
    set_failure(module, result, reason);
    return true;
  }
  memcpy(module->found_build_id, module->program.build_id, sizeof module->found_build_id);
  if (module->build_id[0] && strcmp(module->build_id, module->found_build_id) != 0) {
    set_mismatch(module, HD_SYMBOLS_MISMATCH, here);
    hd_elf_close(&module->program);
    return true;
  }
  module->verified = module->build_id[0] != '\0';
  set(module, HD_SYMBOLS_DWARF, "%s", "");
  return true;
}

static const char deleted_mark[] = " (deleted)";

/* The path without the mark that Linux adds where a mapped file is gone; false where
 * there is none. */
static bool was_deleted(const struct hd_symbol_module *module, char path[PATH_MAX])
{
  size_t length = strlen(module->path), tail = sizeof deleted_mark - 1;
  if (length <= tail || length >= PATH_MAX ||
      strcmp(module->path + length - tail, deleted_mark) != 0)
    return false;
  snprintf(path, PATH_MAX, "%.*s", (int)(length - tail), module->path);
  return true;
}

/* What is at the path of a deleted file now is most likely another one: only a
 * build-id can tell. */
static bool try_deleted(struct hd_symbol_module *module, const struct hd_search *search,
                        struct hd_error *error)
{
  char path[PATH_MAX];
  if (module->status != HD_SYMBOLS_NO_FILE || !was_deleted(module, path))
    return true;
  if (module->build_id[0] || search->force)
    return try_program(module, search, path, error);
  set(module, HD_SYMBOLS_NO_FILE, "%s",
      "was deleted or replaced while the program ran, and the snapshot has no build-id "
      "to check its successor by");
  return true;
}

/* A file of this build may be kept elsewhere, whatever is at the path. */
static bool try_elsewhere(struct hd_symbol_module *module, const struct hd_search *search,
                          struct hd_error *error)
{
  bool found = false;
  char path[PATH_MAX];
  const char *name = was_deleted(module, path) ? path : module->path;
  if (module->status == HD_SYMBOLS_DWARF || !module->build_id[0])
    return true;
  if (!hd_search_program(search, name, module->build_id, &module->program, &found,
                         module->server, error))
    return false;
  if (!found)
    return true;
  memcpy(module->found_build_id, module->program.build_id, sizeof module->found_build_id);
  module->verified = true;
  set(module, HD_SYMBOLS_DWARF, "%s", "");
  return true;
}

/* Takes the program of another build that was found at the path: the last thing to
 * try, on the user's word alone. */
static bool try_forced(struct hd_symbol_module *module, const struct hd_search *search,
                       struct hd_error *error)
{
  char path[PATH_MAX], here[PATH_MAX], reason[HD_REASON];
  if (module->status != HD_SYMBOLS_MISMATCH || !search->force)
    return true;
  if (!hd_search_path(search, module->path, here, sizeof here))
    return true;
  enum hd_elf_result result = hd_elf_open(here, true, &module->program, reason);
  if (result == HD_ELF_NO_FILE && was_deleted(module, path) &&
      hd_search_path(search, path, here, sizeof here))
    result = hd_elf_open(here, true, &module->program, reason);
  if (result == HD_ELF_NO_MEMORY)
    return hd_fail_memory(error);
  module->forced = result == HD_ELF_OPENED;
  if (module->forced)
    set(module, HD_SYMBOLS_DWARF, "%s", "");
  return true;
}

static bool inflate(struct hd_symbol_module *module, struct hd_elf_file *file,
                    struct hd_error *error)
{
  return hd_elf_inflate(file, module->inflation) != HD_ELF_NO_MEMORY || hd_fail_memory(error);
}

static bool open_dwarf(struct hd_symbol_module *module, const struct hd_search *search,
                       bool *found, struct hd_error *error)
{
  if (!inflate(module, &module->program, error) ||
      !hd_dwarf_open(&module->dwarf, &module->program, &module->program, found, error))
    return false;
  const char *path = module->program.path;
  if (!*found) {
    bool there = false;
    hd_dwarf_close(&module->dwarf);
    if (!hd_debug_find(search, &module->program, &module->debug, &there, module->server, error))
      return false;
    if (!there)
      return true;
    if (!inflate(module, &module->debug, error) ||
        !hd_dwarf_open(&module->dwarf, &module->debug, &module->program, found, error))
      return false;
    path = module->debug.path;
    module->dwarf_in_debug = *found;
  }
  if (*found && !hd_debug_find_alternate(search, path, &module->dwarf, error))
    return false;
  module->alternate_wrong = module->dwarf.alternate_wrong;
  if (module->alternate_wrong) {
    hd_dwarf_close(&module->dwarf);
    *found = false;
  }
  return true;
}

/* .symtab of either file; else .dynsym and what MiniDebugInfo adds to it. */
static bool open_symbols(struct hd_symbol_module *module, struct hd_error *error)
{
  struct hd_elf_symbols *symbols = &module->symbols;
  const struct hd_elf_file *code = &module->program;
  if (!hd_elf_symbols_add(symbols, code->elf, code, false, error))
    return false;
  if (symbols->items.count == 0 && module->debug.elf &&
      !hd_elf_symbols_add(symbols, module->debug.elf, code, false, error))
    return false;
  if (symbols->items.count == 0) {
    if (!hd_elf_symbols_add(symbols, code->elf, code, true, error) ||
        !hd_mini_debug_open(&module->mini, code->elf, error))
      return false;
    if (module->mini.elf && !hd_elf_symbols_add(symbols, module->mini.elf, code, false, error))
      return false;
  }
  hd_elf_symbols_finish(symbols);
  return true;
}

/* Debug sections that this libelf could not decompress are not visible to libdw
 * at all: the user should not be told that there are none. */
static bool has_unreadable_sections(Elf *elf)
{
  Elf_Scn *section = elf ? hd_elf_section(elf, ".debug_info") : NULL;
  GElf_Shdr header;
  return section && gelf_getshdr(section, &header) && (header.sh_flags & SHF_COMPRESSED);
}

/* What there is instead of debug information, half a sentence. */
static const char *lack_of(const struct hd_symbol_module *module)
{
  if (module->alternate_wrong)
    return "has debug information that refers to a dwz file (.gnu_debugaltlink) of which only "
           "another build is there";
  if (module->inflation[0])
    return module->inflation;
  if (has_unreadable_sections(module->program.elf) || has_unreadable_sections(module->debug.elf))
    return "has debug information in a compression that cannot be read (decompress it with "
           "objcopy --decompress-debug-sections)";
  return "has no debug information";
}

/* Why a server could not help belongs to what is missing. */
static void add_server(struct hd_symbol_module *module)
{
  size_t used = strlen(module->reason);
  if (used && module->server[0])
    snprintf(module->reason + used, sizeof module->reason - used, " (%s)", module->server);
}

static void describe(struct hd_symbol_module *module, bool dwarf)
{
  const char *table = module->mini.elf ? "the symbol table and MiniDebugInfo" : "the symbol table";
  if (dwarf && module->dwarf.alternate_missing)
    set(module, HD_SYMBOLS_DWARF, "%s", "has debug information that refers to a dwz file "
        "(.gnu_debugaltlink) that is not there: many functions have no name");
  else if (dwarf && module->dwarf.main.cut)
    set(module, HD_SYMBOLS_DWARF, "has debug information that takes more than %d seconds to "
        "index: a part of its functions have no lines", HD_DWARF_SECONDS);
  else if (dwarf && module->dwarf.split_missing)
    set(module, HD_SYMBOLS_DWARF, "has debug information of which %zu .dwo files are not there, "
        "of another build or compressed by zstd: their inlined calls are not known", module->dwarf.split_missing);
  else if (dwarf)
    set(module, HD_SYMBOLS_DWARF, "%s", module->inflation);
  else if (module->symbols.items.count > 0)
    set(module, HD_SYMBOLS_TABLE, "%s: its functions are named by %s alone, "
        "without lines and inlined calls", lack_of(module), table);
  else
    set(module, HD_SYMBOLS_NONE, "%s and no symbol table", lack_of(module));
  add_server(module);
  if (module->forced) {
    char rest[HD_REASON];
    memcpy(rest, module->reason, sizeof rest);
    set_mismatch(module, module->status, module->program.path);
    size_t used = strlen(module->reason);
    if (rest[0])
      snprintf(module->reason + used, sizeof module->reason - used, "; it %s", rest);
  }
}

bool hd_symbol_module_open(struct hd_symbol_module *module, const struct hd_search *search,
                           const char *path, const char *build_id, bool debug_alone,
                           struct hd_error *error)
{
  *module = (struct hd_symbol_module){.program = HD_ELF_FILE_INIT, .debug = HD_ELF_FILE_INIT,
                                      .dwarf = {.alternate = HD_ELF_FILE_INIT}};
  module->debug_alone = debug_alone;
  module->path = hd_strdup(path);
  module->build_id = hd_strdup(build_id);
  if (!module->path || !module->build_id)
    return hd_fail_memory(error);
  if (names_no_file(path)) {
    set(module, HD_SYMBOLS_NOT_A_FILE, "%s", "is not a file");
    return true;
  }
  if (!try_program(module, search, path, error) || !try_deleted(module, search, error) ||
      !try_elsewhere(module, search, error) || !try_forced(module, search, error))
    return false;
  if (module->status != HD_SYMBOLS_DWARF) {
    add_server(module);
    return true;
  }
  module->server[0] = '\0';
  bool dwarf = false;
  if (!open_dwarf(module, search, &dwarf, error) || !open_symbols(module, error))
    return false;
  describe(module, dwarf);
  return true;
}

void hd_symbol_module_close(struct hd_symbol_module *module)
{
  hd_elf_symbols_deinit(&module->symbols);
  hd_mini_debug_close(&module->mini);
  hd_dwarf_close(&module->dwarf);
  hd_elf_close(&module->debug);
  hd_elf_close(&module->program);
  hd_free(module->path);
  hd_free(module->build_id);
  module->path = module->build_id = NULL;
}

bool hd_symbol_module_usable(const struct hd_symbol_module *module)
{
  return module->status == HD_SYMBOLS_DWARF || module->status == HD_SYMBOLS_TABLE;
}

bool hd_symbol_module_current(const struct hd_symbol_module *module)
{
  struct stat now;
  const struct stat *then = &module->program.identity;
  return module->program.path && stat(module->program.path, &now) == 0 &&
         now.st_dev == then->st_dev && now.st_ino == then->st_ino &&
         now.st_size == then->st_size && now.st_mtim.tv_sec == then->st_mtim.tv_sec &&
         now.st_mtim.tv_nsec == then->st_mtim.tv_nsec;
}
