#include "symbols/debug_file.h"

#include "symbols/elf_inflate.h"

#include <elfutils/libdwelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* The checksum that objcopy --add-gnu-debuglink stores: CRC-32 of the file. */
static bool crc_fits(int fd, uint32_t wanted)
{
  uint8_t block[32768];
  uint32_t crc = 0;
  off_t at = 0;
  for (;;) {
    ssize_t size = pread(fd, block, sizeof block, at);
    if (size < 0)
      return false;
    if (size == 0)
      return crc == wanted;
    crc = (uint32_t)crc32(crc, block, (uInt)size);
    at += size;
  }
}

/* What is looked for under a name. */
struct wanted {
  const struct hd_search *search;
  const struct hd_elf_file *program;
  const char *name;
  bool has_crc; /* else only a build-id can tell */
  uint32_t crc;
  struct hd_elf_file *file;
  bool *found;
  struct hd_error *error;
};

static bool belongs(const struct wanted *wanted)
{
  const struct hd_elf_file *program = wanted->program, *file = wanted->file;
  if (file->identity.st_dev == program->identity.st_dev &&
      file->identity.st_ino == program->identity.st_ino)
    return false; /* a link that names the program itself */
  if (program->build_id[0] && file->build_id[0])
    return strcmp(program->build_id, file->build_id) == 0;
  return wanted->has_crc && crc_fits(file->fd, wanted->crc);
}

/* Tries "<root><directory><infix>/<name>". */
static bool try_name(const struct wanted *wanted, const char *root, const char *directory,
                     const char *infix)
{
  char path[PATH_MAX], reason[HD_REASON];
  int size = snprintf(path, sizeof path, "%s%s%s/%s", root, directory, infix, wanted->name);
  if (*wanted->found || size < 0 || (size_t)size >= sizeof path)
    return true;
  enum hd_elf_result result = hd_elf_open(path, false, wanted->file, reason);
  if (result == HD_ELF_NO_MEMORY)
    return hd_fail_memory(wanted->error);
  if (result != HD_ELF_OPENED)
    return true;
  *wanted->found = belongs(wanted);
  if (!*wanted->found)
    hd_elf_close(wanted->file);
  return true;
}

static bool find_in(const struct wanted *wanted, const char *directory)
{
  const struct hd_search *search = wanted->search;
  if (!try_name(wanted, "", directory, "") || !try_name(wanted, "", directory, "/.debug"))
    return false;
  const char *inner = hd_search_inner(search, directory);
  for (size_t i = 0; i < search->dirs.count && directory[0] == '/'; i++)
    if (!try_name(wanted, search->dirs.items[i], inner, ""))
      return false;
  for (size_t i = 0; i < search->dirs.count; i++)
    if (!try_name(wanted, search->dirs.items[i], "", ""))
      return false;
  return true;
}

/* The directory part; "." where there is none. */
static void cut_name(char *path)
{
  char *slash = strrchr(path, '/');
  if (!slash)
    snprintf(path, PATH_MAX, ".");
  else
    *slash = '\0'; /* "" for the root: a slash follows */
}

/* By the debug link; a program without one may have its debug file kept under its
 * own name, which only a build-id can confirm. */
static bool find_by_name(struct wanted *wanted)
{
  char directory[PATH_MAX], name[PATH_MAX];
  GElf_Word crc = 0;
  const char *link = dwelf_elf_gnu_debuglink(wanted->program->elf, &crc);
  wanted->has_crc = link && link[0] && !strchr(link, '/');
  wanted->crc = crc;
  const char *base = strrchr(wanted->program->path, '/');
  int size = snprintf(name, sizeof name, "%s.debug", base ? base + 1 : wanted->program->path);
  wanted->name = wanted->has_crc ? link : name;
  if ((!wanted->has_crc && !wanted->program->build_id[0]) || size < 0 ||
      (size_t)size >= sizeof name)
    return true;
  size = snprintf(directory, sizeof directory, "%s", wanted->program->path);
  if (size < 0 || (size_t)size >= sizeof directory)
    return true;
  cut_name(directory);
  if (!find_in(wanted, directory))
    return false;
  /* Debian's /lib is a link to /usr/lib: the debug file lies under either. */
  if (*wanted->found || !realpath(wanted->program->path, directory))
    return true;
  cut_name(directory);
  return find_in(wanted, directory);
}

bool hd_debug_find(const struct hd_search *search, const struct hd_elf_file *program,
                   struct hd_elf_file *file, bool *found, char *reason, struct hd_error *error)
{
  struct wanted wanted = {
      .search = search, .program = program, .file = file, .found = found, .error = error};
  if (!hd_search_build_id(search, program->build_id, false, file, found, error))
    return false;
  if (!*found && !find_by_name(&wanted))
    return false;
  return *found || hd_search_servers(search, program->build_id, false, file, found, reason, error);
}

/* A relative name counts from the directory of the file that has it. Distributions
 * write the absolute name of /usr/lib/debug/.dwz, of which a --debug-dir may be a
 * copy. */
static bool find_alternate(const struct hd_search *search, const char *from, const char *name,
                           const char *build_id, struct hd_elf_file *file, bool *found,
                           struct hd_error *error)
{
  char path[PATH_MAX], directory[PATH_MAX], reason[HD_REASON];
  if (!hd_search_build_id(search, build_id, false, file, found, error))
    return false;
  if (*found || !realpath(from, directory))
    return true;
  cut_name(directory);
  int size = snprintf(path, sizeof path, "%s/%s", directory, name);
  bool fits = name[0] == '/' ? hd_search_path(search, name, path, sizeof path)
                             : size >= 0 && (size_t)size < sizeof path;
  if (fits && !hd_search_try(path, build_id, false, file, found, error))
    return false;
  const char *tail = strstr(name, "/.dwz/");
  for (size_t i = 0; tail && !*found && i < search->dirs.count; i++) {
    size = snprintf(path, sizeof path, "%s%s", search->dirs.items[i], tail);
    if (size >= 0 && (size_t)size < sizeof path &&
        !hd_search_try(path, build_id, false, file, found, error))
      return false;
  }
  return *found || hd_search_servers(search, build_id, false, file, found, reason, error);
}

/* libdw looks in places of its own, and compares nothing: what it finds counts only
 * if it is of the wanted build. */
static void ask_libdw(struct hd_dwarf *dwarf, const void *wanted, ssize_t size)
{
  const void *bits = NULL;
  Dwarf *alternate = dwarf_getalt(dwarf->handle);
  dwarf->alternate_missing = !alternate;
  dwarf->alternate_wrong =
      alternate && (dwelf_elf_gnu_build_id(dwarf_getelf(alternate), &bits) != size ||
                    memcmp(bits, wanted, (size_t)size) != 0);
}

bool hd_debug_find_alternate(const struct hd_search *search, const char *path,
                             struct hd_dwarf *dwarf, struct hd_error *error)
{
  const char *name = NULL;
  const void *bits = NULL;
  ssize_t size = dwelf_dwarf_gnu_debugaltlink(dwarf->handle, &name, &bits);
  if (size <= 0 || size > HD_BUILD_ID_BYTES || !name)
    return true;
  char build_id[HD_BUILD_ID_TEXT], reason[HD_REASON];
  for (ssize_t i = 0; i < size; i++)
    snprintf(build_id + 2 * i, 3, "%02x", ((const uint8_t *)bits)[i]);
  bool found = false;
  if (!find_alternate(search, path, name, build_id, &dwarf->alternate, &found, error))
    return false;
  if (!found) {
    ask_libdw(dwarf, bits, size);
    return true;
  }
  if (hd_elf_inflate(&dwarf->alternate, reason) == HD_ELF_NO_MEMORY)
    return hd_fail_memory(error);
  dwarf->alternate_handle = dwarf_begin_elf(dwarf->alternate.elf, DWARF_C_READ, NULL);
  dwarf->alternate_missing = !dwarf->alternate_handle;
  if (!dwarf->alternate_handle)
    return true;
  hd_dwarf_guard_handle(dwarf->alternate_handle);
  dwarf_setalt(dwarf->handle, dwarf->alternate_handle);
  return true;
}
