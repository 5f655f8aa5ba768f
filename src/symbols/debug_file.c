#include "symbols/debug_file.h"

#include <elfutils/libdwelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static const char system_dir[] = "/usr/lib/debug";

static bool add_dir(struct hd_debug_dirs *dirs, const char *path)
{
  char *copy = hd_strdup(path);
  if (copy && hd_vec_push(&dirs->items, copy))
    return true;
  hd_free(copy);
  return false;
}

bool hd_debug_dirs_init(struct hd_debug_dirs *dirs, const char *const *paths, size_t count,
                        struct hd_error *error)
{
  *dirs = (struct hd_debug_dirs){{NULL, 0, 0}};
  bool fine = true;
  for (size_t i = 0; i < count && fine; i++)
    fine = !paths[i][0] || add_dir(dirs, paths[i]);
  if (fine && add_dir(dirs, system_dir))
    return true;
  hd_debug_dirs_deinit(dirs);
  return hd_fail_memory(error);
}

void hd_debug_dirs_deinit(struct hd_debug_dirs *dirs)
{
  for (size_t i = 0; i < dirs->items.count; i++)
    hd_free(dirs->items.items[i]);
  hd_vec_deinit(&dirs->items);
}

static bool has_code(const struct hd_elf_file *file)
{
  for (size_t i = 0; i < file->segments.count; i++)
    if (file->segments.items[i].executable && file->segments.items[i].file_size > 0)
      return true;
  return false;
}

/* Opens a candidate and keeps it if its build-id is the wanted one. */
static bool try_build_id(const char *path, const char *build_id, bool program,
                         struct hd_elf_file *file, bool *found, struct hd_error *error)
{
  char reason[HD_REASON];
  enum hd_elf_result result = hd_elf_open(path, program, file, reason);
  if (result == HD_ELF_NO_MEMORY)
    return hd_fail_memory(error);
  if (result != HD_ELF_OPENED)
    return true;
  *found = strcmp(file->build_id, build_id) == 0 && (!program || has_code(file));
  if (!*found)
    hd_elf_close(file);
  return true;
}

static bool is_hex(const char *text)
{
  return text[strspn(text, "0123456789abcdef")] == '\0';
}

bool hd_debug_find_build_id(const struct hd_debug_dirs *dirs, const char *build_id, bool program,
                            struct hd_elf_file *file, bool *found, struct hd_error *error)
{
  static const char *const endings[] = {".debug", ""};
  *found = false;
  size_t length = strlen(build_id);
  if (length < 4 || length >= HD_BUILD_ID_TEXT || !is_hex(build_id))
    return true;
  for (size_t i = 0; i < dirs->items.count; i++) {
    for (size_t j = 0; j < (program ? 2 : 1); j++) {
      char path[PATH_MAX];
      int size = snprintf(path, sizeof path, "%s/.build-id/%.2s/%s%s", dirs->items.items[i],
                          build_id, build_id + 2, endings[j]);
      if (size < 0 || (size_t)size >= sizeof path)
        continue;
      if (!try_build_id(path, build_id, program, file, found, error))
        return false;
      if (*found)
        return true;
    }
  }
  return true;
}

bool hd_debug_find_program(const struct hd_debug_dirs *dirs, const char *program_path,
                           const char *build_id, struct hd_elf_file *file, bool *found,
                           struct hd_error *error)
{
  const char *base = strrchr(program_path, '/');
  const char *const names[] = {base ? base : program_path, program_path};
  if (!hd_debug_find_build_id(dirs, build_id, true, file, found, error))
    return false;
  for (size_t i = 0; i < dirs->items.count; i++)
    for (size_t j = 0; !*found && j < sizeof names / sizeof *names; j++) {
      char path[PATH_MAX];
      int size = snprintf(path, sizeof path, "%s/%s", dirs->items.items[i], names[j]);
      if (size < 0 || (size_t)size >= sizeof path)
        continue;
      if (!try_build_id(path, build_id, true, file, found, error))
        return false;
    }
  return true;
}

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

static bool belongs(const struct hd_elf_file *program, const struct hd_elf_file *file,
                    uint32_t crc)
{
  if (file->identity.st_dev == program->identity.st_dev &&
      file->identity.st_ino == program->identity.st_ino)
    return false; /* a link that names the program itself */
  if (program->build_id[0] && file->build_id[0])
    return strcmp(program->build_id, file->build_id) == 0;
  return crc_fits(file->fd, crc);
}

/* Tries "<root><directory><infix>/<link>". */
static bool try_link(const struct hd_elf_file *program, const char *root, const char *directory,
                     const char *infix, const char *link, uint32_t crc, struct hd_elf_file *file,
                     bool *found, struct hd_error *error)
{
  char path[PATH_MAX], reason[HD_REASON];
  int size = snprintf(path, sizeof path, "%s%s%s/%s", root, directory, infix, link);
  if (*found || size < 0 || (size_t)size >= sizeof path)
    return true;
  enum hd_elf_result result = hd_elf_open(path, false, file, reason);
  if (result == HD_ELF_NO_MEMORY)
    return hd_fail_memory(error);
  if (result != HD_ELF_OPENED)
    return true;
  *found = belongs(program, file, crc);
  if (!*found)
    hd_elf_close(file);
  return true;
}

static bool find_link(const struct hd_debug_dirs *dirs, const struct hd_elf_file *program,
                      const char *directory, const char *link, uint32_t crc,
                      struct hd_elf_file *file, bool *found, struct hd_error *error)
{
  if (!try_link(program, "", directory, "", link, crc, file, found, error) ||
      !try_link(program, "", directory, "/.debug", link, crc, file, found, error))
    return false;
  for (size_t i = 0; i < dirs->items.count && directory[0] == '/'; i++)
    if (!try_link(program, dirs->items.items[i], directory, "", link, crc, file, found, error))
      return false;
  for (size_t i = 0; i < dirs->items.count; i++)
    if (!try_link(program, dirs->items.items[i], "", "", link, crc, file, found, error))
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

bool hd_debug_find(const struct hd_debug_dirs *dirs, const struct hd_elf_file *program,
                   struct hd_elf_file *file, bool *found, struct hd_error *error)
{
  if (!hd_debug_find_build_id(dirs, program->build_id, false, file, found, error))
    return false;
  GElf_Word crc = 0;
  const char *link = *found ? NULL : dwelf_elf_gnu_debuglink(program->elf, &crc);
  if (!link || !link[0] || strchr(link, '/'))
    return true;
  char directory[PATH_MAX];
  int size = snprintf(directory, sizeof directory, "%s", program->path);
  if (size < 0 || (size_t)size >= sizeof directory)
    return true;
  cut_name(directory);
  if (!find_link(dirs, program, directory, link, crc, file, found, error))
    return false;
  /* Debian's /lib is a link to /usr/lib: the debug file lies under either. */
  if (*found || !realpath(program->path, directory))
    return true;
  cut_name(directory);
  return find_link(dirs, program, directory, link, crc, file, found, error);
}

/* A relative name counts from the directory of the file that has it. */
static bool find_alternate(const struct hd_debug_dirs *dirs, const char *from, const char *name,
                           const char *build_id, struct hd_elf_file *file, bool *found,
                           struct hd_error *error)
{
  char path[PATH_MAX], directory[PATH_MAX];
  if (!hd_debug_find_build_id(dirs, build_id, false, file, found, error))
    return false;
  if (*found || !realpath(from, directory))
    return true;
  cut_name(directory);
  int size = name[0] == '/' ? snprintf(path, sizeof path, "%s", name)
                            : snprintf(path, sizeof path, "%s/%s", directory, name);
  if (size < 0 || (size_t)size >= sizeof path)
    return true;
  return try_build_id(path, build_id, false, file, found, error);
}

bool hd_debug_find_alternate(const struct hd_debug_dirs *dirs, const char *path,
                             struct hd_dwarf *dwarf, struct hd_error *error)
{
  const char *name = NULL;
  const void *bits = NULL;
  ssize_t size = dwelf_dwarf_gnu_debugaltlink(dwarf->handle, &name, &bits);
  if (size <= 0 || size > HD_BUILD_ID_BYTES || !name)
    return true;
  char build_id[HD_BUILD_ID_TEXT];
  for (ssize_t i = 0; i < size; i++)
    snprintf(build_id + 2 * i, 3, "%02x", ((const uint8_t *)bits)[i]);
  bool found = false;
  if (!find_alternate(dirs, path, name, build_id, &dwarf->alternate, &found, error))
    return false;
  if (!found) {
    dwarf->alternate_missing = !dwarf_getalt(dwarf->handle);
    return true;
  }
  dwarf->alternate_handle = dwarf_begin_elf(dwarf->alternate.elf, DWARF_C_READ, NULL);
  dwarf->alternate_missing = !dwarf->alternate_handle;
  if (!dwarf->alternate_handle)
    return true;
  hd_dwarf_guard_handle(dwarf->alternate_handle);
  dwarf_setalt(dwarf->handle, dwarf->alternate_handle);
  return true;
}
