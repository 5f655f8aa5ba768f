#include "symbols/search.h"

#include "symbols/elf_check.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char system_dir[] = "/usr/lib/debug";

static bool add_dir(struct hd_search *search, const char *root, const char *path)
{
  size_t size = strlen(root) + strlen(path) + 1;
  char *copy = hd_alloc(size);
  if (copy)
    snprintf(copy, size, "%s%s", root, path);
  if (copy && hd_vec_push(&search->dirs, copy))
    return true;
  hd_free(copy);
  return false;
}

static bool set_sysroot(struct hd_search *search, const char *path)
{
  size_t length = strlen(path);
  while (length > 0 && path[length - 1] == '/')
    length--;
  if (length == 0)
    return true;
  search->sysroot = hd_strdup(path);
  if (search->sysroot)
    search->sysroot[length] = '\0';
  return search->sysroot && add_dir(search, search->sysroot, system_dir);
}

bool hd_search_init(struct hd_search *search, const struct hd_symbol_options *options,
                    struct hd_error *error)
{
  *search = (struct hd_search){.sysroot = NULL};
  bool fine = true;
  for (size_t i = 0; options && i < options->debug_dir_count && fine; i++)
    fine = !options->debug_dirs[i][0] || add_dir(search, "", options->debug_dirs[i]);
  if (options && options->sysroot)
    fine = fine && set_sysroot(search, options->sysroot);
  fine = fine && add_dir(search, "", system_dir);
  if (options && fine) {
    search->force = options->force;
    fine = hd_fetch_create(&search->fetch, options);
  }
  if (fine)
    return true;
  hd_search_deinit(search);
  return hd_fail_memory(error);
}

void hd_search_deinit(struct hd_search *search)
{
  for (size_t i = 0; i < search->dirs.count; i++)
    hd_free(search->dirs.items[i]);
  hd_vec_deinit(&search->dirs);
  hd_free(search->sysroot);
  hd_fetch_destroy(search->fetch);
  search->sysroot = NULL;
  search->fetch = NULL;
}

static bool has_code(const struct hd_elf_file *file)
{
  for (size_t i = 0; i < file->segments.count; i++)
    if (file->segments.items[i].executable && file->segments.items[i].file_size > 0)
      return true;
  return false;
}

bool hd_search_try(const char *path, const char *build_id, bool program, struct hd_elf_file *file,
                   bool *found, struct hd_error *error)
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

bool hd_search_build_id(const struct hd_search *search, const char *build_id, bool program,
                        struct hd_elf_file *file, bool *found, struct hd_error *error)
{
  static const char *const endings[] = {".debug", ""};
  *found = false;
  size_t length = strlen(build_id);
  if (length < 4 || length >= HD_BUILD_ID_TEXT || !is_hex(build_id))
    return true;
  for (size_t i = 0; i < search->dirs.count; i++) {
    for (size_t j = 0; j < (program ? 2 : 1); j++) {
      char path[PATH_MAX];
      int size = snprintf(path, sizeof path, "%s/.build-id/%.2s/%s%s", search->dirs.items[i],
                          build_id, build_id + 2, endings[j]);
      if (size < 0 || (size_t)size >= sizeof path)
        continue;
      if (!hd_search_try(path, build_id, program, file, found, error))
        return false;
      if (*found)
        return true;
    }
  }
  return true;
}

bool hd_search_servers(const struct hd_search *search, const char *build_id, bool program,
                       struct hd_elf_file *file, bool *found, char *reason, struct hd_error *error)
{
  char path[PATH_MAX];
  *found = false;
  size_t length = strlen(build_id);
  if (hd_doubted()) /* a child process will look for it all anew */
    return true;
  if (!search->fetch || length < 4 || length >= HD_BUILD_ID_TEXT || !is_hex(build_id) ||
      !hd_fetch(search->fetch, build_id, program, path, reason))
    return true;
  if (!hd_search_try(path, build_id, program, file, found, error))
    return false;
  if (!*found)
    snprintf(reason, HD_REASON, "the debuginfod server sent a file of another build-id");
  return true;
}

bool hd_search_program(const struct hd_search *search, const char *program_path,
                       const char *build_id, struct hd_elf_file *file, bool *found, char *reason,
                       struct hd_error *error)
{
  const char *base = strrchr(program_path, '/');
  const char *const names[] = {base ? base + 1 : program_path,
                               program_path + strspn(program_path, "/")};
  if (!hd_search_build_id(search, build_id, true, file, found, error))
    return false;
  for (size_t i = 0; i < search->dirs.count; i++)
    for (size_t j = 0; !*found && j < sizeof names / sizeof *names; j++) {
      char path[PATH_MAX];
      int size = snprintf(path, sizeof path, "%s/%s", search->dirs.items[i], names[j]);
      if (size < 0 || (size_t)size >= sizeof path)
        continue;
      if (!hd_search_try(path, build_id, true, file, found, error))
        return false;
    }
  return *found || hd_search_servers(search, build_id, true, file, found, reason, error);
}

bool hd_search_path(const struct hd_search *search, const char *path, char *out, size_t size)
{
  int length = search->sysroot && path[0] == '/'
                   ? snprintf(out, size, "%s%s", search->sysroot, path)
                   : snprintf(out, size, "%s", path);
  return length >= 0 && (size_t)length < size;
}

const char *hd_search_inner(const struct hd_search *search, const char *path)
{
  size_t length = search->sysroot ? strlen(search->sysroot) : 0;
  bool inside = length && strncmp(path, search->sysroot, length) == 0 && path[length] == '/';
  return inside ? path + length : path;
}
