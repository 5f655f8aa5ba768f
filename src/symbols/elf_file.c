#include "symbols/elf_file.h"

#include "symbols/elf_check.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Up to this size a file is read and not mapped: where another process truncates a mapped
 * one, the next look at it is a SIGBUS, which a library cannot take from its program (cli/fault.c
 * does). For a larger one that would cost more memory and time than it is worth: debug files
 * are replaced, hardly ever cut. */
enum { MOST_READ = 4 << 20 };

static enum hd_elf_result bad(char reason[HD_REASON], const char *text)
{
  snprintf(reason, HD_REASON, "%s", text);
  return HD_ELF_BAD_FILE;
}

/* O_NONBLOCK: a path from a snapshot may be a FIFO that nobody writes to. */
static enum hd_elf_result open_regular(const char *path, struct hd_elf_file *file,
                                       char reason[HD_REASON])
{
  file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file->fd < 0 || fstat(file->fd, &file->identity) != 0) {
    snprintf(reason, HD_REASON, "cannot be opened: %s", strerror(errno));
    return HD_ELF_NO_FILE;
  }
  if (!S_ISREG(file->identity.st_mode))
    return bad(reason, "is not a regular file");
  return HD_ELF_OPENED;
}

/* Sizes that no segment of an intact file has. */
static bool segment_fits(const struct hd_elf_file *file, const GElf_Phdr *header, bool whole)
{
  uint64_t size = (uint64_t)file->identity.st_size;
  if (header->p_memsz > UINT64_MAX - header->p_vaddr ||
      header->p_filesz > UINT64_MAX - header->p_offset || header->p_filesz > header->p_memsz)
    return false;
  return !whole || (header->p_offset <= size && header->p_filesz <= size - header->p_offset);
}

static enum hd_elf_result read_segments(struct hd_elf_file *file, bool whole,
                                        char reason[HD_REASON])
{
  size_t count;
  if (elf_getphdrnum(file->elf, &count) != 0)
    return bad(reason, "has damaged program headers");
  for (size_t i = 0; i < count; i++) {
    GElf_Phdr header;
    if (!gelf_getphdr(file->elf, (int)i, &header))
      return bad(reason, "is truncated or damaged: its program headers cannot be read");
    if (header.p_type != PT_LOAD)
      continue;
    if (!segment_fits(file, &header, whole))
      return bad(reason, "is truncated or damaged: a segment lies outside the file");
    struct hd_segment segment = {header.p_offset, header.p_filesz, header.p_vaddr,
                                 header.p_memsz, header.p_flags & PF_X};
    if (!hd_vec_push(&file->segments, segment))
      return HD_ELF_NO_MEMORY;
  }
  return HD_ELF_OPENED;
}

static enum hd_elf_result read_header(struct hd_elf_file *file, bool whole,
                                      char reason[HD_REASON])
{
  GElf_Ehdr header;
  if (elf_kind(file->elf) != ELF_K_ELF)
    return bad(reason, "is not an ELF file");
  if (!gelf_getehdr(file->elf, &header))
    return bad(reason, "is truncated or damaged: its ELF header cannot be read");
  /* dwz writes its common file as ET_REL. */
  bool program = header.e_type == ET_EXEC || header.e_type == ET_DYN;
  if (!program && (whole || header.e_type != ET_REL))
    return bad(reason, "is neither a program nor a shared library");
  size_t sections = 0;
  uint64_t size = (uint64_t)file->identity.st_size;
  bool fine = elf_getshdrnum(file->elf, &sections) == 0;
  if (sections < header.e_shnum)
    sections = header.e_shnum; /* libelf says none where the table is cut */
  if (!fine || header.e_shoff > size ||
      (header.e_shoff && sections * (uint64_t)header.e_shentsize > size - header.e_shoff))
    return bad(reason, "is truncated or damaged: its section headers lie outside the file");
  file->machine = header.e_machine;
  return HD_ELF_OPENED;
}

static void read_build_id(struct hd_elf_file *file)
{
  const void *bits = NULL;
  ssize_t size = dwelf_elf_gnu_build_id(file->elf, &bits);
  if (size <= 0 || size > HD_BUILD_ID_BYTES)
    return;
  for (ssize_t i = 0; i < size; i++)
    snprintf(file->build_id + 2 * i, 3, "%02x", ((const uint8_t *)bits)[i]);
}

static enum hd_elf_result open_elf(const char *path, bool whole, struct hd_elf_file *file,
                                   char reason[HD_REASON])
{
  enum hd_elf_result result = open_regular(path, file, reason);
  if (result != HD_ELF_OPENED)
    return result;
  file->path = hd_strdup(path);
  if (!file->path)
    return HD_ELF_NO_MEMORY;
  struct hd_elf_source source = {.fd = file->fd, .size = (uint64_t)file->identity.st_size};
  if (!hd_elf_has_magic(&source))
    return bad(reason, "is not an ELF file");
  if (!hd_elf_trusted(&source))
    return bad(reason, "is no ordinary ELF file");
  file->mapped = source.size > MOST_READ;
  file->elf = elf_begin(file->fd, file->mapped ? ELF_C_READ_MMAP : ELF_C_READ, NULL);
  if (!file->elf)
    return bad(reason, "cannot be read as an ELF file");
  result = read_header(file, whole, reason);
  if (result == HD_ELF_OPENED)
    result = read_segments(file, whole, reason);
  if (result == HD_ELF_OPENED)
    read_build_id(file);
  return result;
}

enum hd_elf_result hd_elf_open(const char *path, bool whole, struct hd_elf_file *file,
                               char reason[HD_REASON])
{
  *file = (struct hd_elf_file)HD_ELF_FILE_INIT;
  reason[0] = '\0';
  enum hd_elf_result result = open_elf(path, whole, file, reason);
  if (result != HD_ELF_OPENED)
    hd_elf_close(file);
  return result;
}

void hd_elf_close(struct hd_elf_file *file)
{
  elf_end(file->elf);
  if (file->fd >= 0)
    close(file->fd);
  hd_free(file->path);
  hd_vec_deinit(&file->segments);
  *file = (struct hd_elf_file)HD_ELF_FILE_INIT;
}

bool hd_elf_address(const struct hd_elf_file *file, uint64_t offset, uint64_t *address)
{
  const struct hd_segment *found = NULL;
  for (size_t i = 0; i < file->segments.count; i++) {
    const struct hd_segment *segment = &file->segments.items[i];
    bool holds = offset >= segment->offset && offset - segment->offset < segment->file_size;
    if (holds && (!found || (segment->executable && !found->executable)))
      found = segment;
  }
  if (!found)
    return false;
  *address = found->address + (offset - found->offset);
  return true;
}

bool hd_elf_executable(const struct hd_elf_file *file, uint64_t address)
{
  for (size_t i = 0; i < file->segments.count; i++) {
    const struct hd_segment *segment = &file->segments.items[i];
    if (segment->executable && address >= segment->address &&
        address - segment->address < segment->memory_size)
      return true;
  }
  return false;
}

static bool name_is(const char *name, const char *wanted)
{
  if (strcmp(name, wanted) == 0)
    return true;
  return strncmp(name, ".z", 2) == 0 && wanted[0] == '.' && strcmp(name + 2, wanted + 1) == 0;
}

Elf_Scn *hd_elf_section(Elf *elf, const char *name)
{
  size_t names;
  if (elf_getshdrstrndx(elf, &names) != 0)
    return NULL;
  for (Elf_Scn *section = elf_nextscn(elf, NULL); section; section = elf_nextscn(elf, section)) {
    GElf_Shdr header;
    const char *found = gelf_getshdr(section, &header)
                            ? elf_strptr(elf, names, header.sh_name) : NULL;
    if (found && name_is(found, name))
      return section;
  }
  return NULL;
}
