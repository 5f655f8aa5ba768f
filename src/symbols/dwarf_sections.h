/* The sections of one file of debug information, as the decoders read them. */
#ifndef HD_SYMBOLS_DWARF_SECTIONS_H
#define HD_SYMBOLS_DWARF_SECTIONS_H

#include "symbols/bytes.h"

#include <libelf.h>

struct hd_section {
  const uint8_t *data;
  size_t size;
};

struct hd_sections {
  struct hd_section info, abbrev, str, str_offsets, line, line_str, ranges, rnglists, addr;
  struct hd_section map; /* the file, where its pages may be given back */
  bool big_endian;
};

/* Finds the sections; their data are the Elf's. Compressed ones must have been
 * decompressed in place. `split`: those that a .dwo file has (".debug_info.dwo"). */
void hd_sections_load(struct hd_sections *sections, Elf *elf, bool split);

/* To be called where the Elf was to be mapped (libelf reads one that was not, as a whole,
 * and leaks what it had of it): its pages can be given back from then on. */
void hd_sections_use_map(struct hd_sections *sections, Elf *elf);

/* Gives the pages of the mapped file back to the system: they are read again from
 * the file when they are needed again. */
void hd_sections_release(const struct hd_sections *sections);

/* A reader from `offset` to the end; failed where the offset is outside. */
struct hd_bytes hd_section_bytes(const struct hd_sections *sections, struct hd_section section,
                                 uint64_t offset);
/* A terminated text, NULL where the section has none there. */
const char *hd_section_text(struct hd_section section, uint64_t offset);

#endif
