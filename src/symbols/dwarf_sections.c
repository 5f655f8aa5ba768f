#include "symbols/dwarf_sections.h"

#include "symbols/elf_file.h"

#include <gelf.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static struct hd_section section_of(Elf *elf, const char *name, bool split)
{
  char text[32];
  snprintf(text, sizeof text, "%s%s", name, split ? ".dwo" : "");
  Elf_Scn *section = hd_elf_section(elf, text);
  Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;
  if (!data || !data->d_buf)
    return (struct hd_section){NULL, 0};
  return (struct hd_section){data->d_buf, data->d_size};
}

/* libelf maps a file where it can; there is no other way to tell than where a section
 * without compression lies. */
static struct hd_section map_of(Elf *elf, struct hd_section info)
{
  size_t size = 0;
  const char *file = elf_rawfile(elf, &size);
  const uint8_t *start = (const uint8_t *)file;
  bool page = start && (uintptr_t)start % (size_t)sysconf(_SC_PAGESIZE) == 0;
  if (!page || !info.data || info.data < start || info.data >= start + size)
    return (struct hd_section){NULL, 0};
  return (struct hd_section){start, size};
}

void hd_sections_load(struct hd_sections *sections, Elf *elf, bool split)
{
  GElf_Ehdr header;
  sections->big_endian = gelf_getehdr(elf, &header) && header.e_ident[EI_DATA] == ELFDATA2MSB;
  sections->info = section_of(elf, ".debug_info", split);
  sections->abbrev = section_of(elf, ".debug_abbrev", split);
  sections->str = section_of(elf, ".debug_str", split);
  sections->str_offsets = section_of(elf, ".debug_str_offsets", split);
  sections->line = section_of(elf, ".debug_line", split);
  sections->line_str = section_of(elf, ".debug_line_str", false);
  sections->ranges = section_of(elf, ".debug_ranges", false);
  sections->rnglists = section_of(elf, ".debug_rnglists", split);
  sections->addr = section_of(elf, ".debug_addr", false);
  sections->map = (struct hd_section){NULL, 0};
}

void hd_sections_use_map(struct hd_sections *sections, Elf *elf)
{
  sections->map = map_of(elf, sections->info);
}

void hd_sections_release(const struct hd_sections *sections)
{
  if (sections->map.size)
    madvise((void *)(uintptr_t)sections->map.data, sections->map.size, MADV_DONTNEED);
}

struct hd_bytes hd_section_bytes(const struct hd_sections *sections, struct hd_section section,
                                 uint64_t offset)
{
  struct hd_bytes bytes = {section.data, section.data, sections->big_endian, false};
  if (offset >= section.size) {
    hd_bytes_fail(&bytes);
    return bytes;
  }
  bytes.at += offset;
  bytes.end += section.size;
  return bytes;
}

const char *hd_section_text(struct hd_section section, uint64_t offset)
{
  if (offset >= section.size || !memchr(section.data + offset, 0, section.size - offset))
    return NULL;
  return (const char *)section.data + offset;
}
