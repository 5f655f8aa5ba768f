#include "symbols/dwarf.h"

#include <dwarf.h>
#include <stdlib.h>

/* A compilation unit has one range a function where the linker collects
 * garbage; more than this in one unit is damage. */
enum { MAX_UNIT_RANGES = 1 << 22 };

static struct hd_section section_of(Elf *elf, const char *name)
{
  Elf_Scn *section = hd_elf_section(elf, name);
  Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;
  if (!data || !data->d_buf)
    return (struct hd_section){NULL, 0};
  return (struct hd_section){data->d_buf, data->d_size};
}

/* Code that the linker discarded keeps its ranges, moved to address 0 or to the
 * end: what does not begin in executable memory is dropped. */
static bool add_ranges(struct hd_dwarf *dwarf, Dwarf_Die *die, uint32_t unit,
                       struct hd_error *error)
{
  ptrdiff_t at = 0;
  Dwarf_Addr base, start, end;
  for (unsigned i = 0; i < MAX_UNIT_RANGES; i++) {
    at = dwarf_ranges(die, at, &base, &start, &end);
    if (at <= 0)
      break;
    if (start >= end || !hd_elf_executable(dwarf->code, start))
      continue;
    struct hd_unit_range range = {start, end, 0, unit};
    if (!hd_vec_push(&dwarf->ranges, range))
      return hd_fail_memory(error);
  }
  return true;
}

static bool add_unit(struct hd_dwarf *dwarf, uint8_t type, Dwarf_Die *die, Dwarf_Die *split,
                     struct hd_error *error)
{
  struct hd_unit unit = {.die = *die, .body = *die, .offset = dwarf_dieoffset(die)};
  if (type == DW_UT_skeleton && dwarf_tag(split) != DW_TAG_invalid) {
    unit.body = *split;
    unit.split = true;
  }
  size_t before = dwarf->ranges.count;
  if (!add_ranges(dwarf, die, (uint32_t)dwarf->units.count, error))
    return false;
  if (dwarf->ranges.count == before)
    return true;
  dwarf->split_missing += type == DW_UT_skeleton && !unit.split;
  return hd_vec_push(&dwarf->units, unit) || hd_fail_memory(error);
}

static int by_start(const void *a, const void *b)
{
  const struct hd_unit_range *x = a, *y = b;
  if (x->start != y->start)
    return x->start < y->start ? -1 : 1;
  if (x->end != y->end)
    return x->end > y->end ? -1 : 1; /* the tighter one behind: it is found first */
  return x->unit > y->unit ? -1 : x->unit < y->unit;
}

static void sort_ranges(struct hd_dwarf *dwarf)
{
  if (dwarf->ranges.count)
    qsort(dwarf->ranges.items, dwarf->ranges.count, sizeof *dwarf->ranges.items, by_start);
  uint64_t reach = 0;
  for (size_t i = 0; i < dwarf->ranges.count; i++) {
    struct hd_unit_range *range = &dwarf->ranges.items[i];
    if (range->end > reach)
      reach = range->end;
    range->reach = reach;
  }
}

/* A DIE takes a byte at least, so a unit's bytes bound its DIEs. The units that
 * were left out between two others make the bound larger, not wrong; a split
 * unit is in a file of its own. */
static void bound_units(struct hd_dwarf *dwarf, uint64_t info_size)
{
  enum { MAX_SPLIT = 1 << 28 };
  for (size_t i = 0; i < dwarf->units.count; i++) {
    struct hd_unit *unit = &dwarf->units.items[i];
    uint64_t next = i + 1 < dwarf->units.count ? unit[1].offset : info_size;
    unit->size = unit->split ? MAX_SPLIT : next > unit->offset ? next - unit->offset : info_size;
  }
}

static bool index_units(struct hd_dwarf *dwarf, bool *found, struct hd_error *error)
{
  Dwarf_CU *unit = NULL;
  Dwarf_Half version;
  uint8_t type;
  Dwarf_Die die, split;
  while (dwarf_get_units(dwarf->handle, unit, &unit, &version, &type, &die, &split) == 0) {
    *found = true;
    if (type != DW_UT_compile && type != DW_UT_skeleton)
      continue;
    if (!add_unit(dwarf, type, &die, &split, error))
      return false;
  }
  sort_ranges(dwarf);
  return true;
}

bool hd_dwarf_open(struct hd_dwarf *dwarf, Elf *elf, const struct hd_elf_file *code, bool *found,
                   struct hd_error *error)
{
  *found = false;
  *dwarf = (struct hd_dwarf){.code = code, .alternate = HD_ELF_FILE_INIT,
                             .big_endian = code->big_endian};
  dwarf->handle = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
  if (!dwarf->handle)
    return true;
  hd_dwarf_guard_handle(dwarf->handle);
  /* After dwarf_begin_elf, which decompresses the sections in place. */
  dwarf->line = section_of(elf, ".debug_line");
  dwarf->line_str = section_of(elf, ".debug_line_str");
  dwarf->str = section_of(elf, ".debug_str");
  if (!index_units(dwarf, found, error))
    return false;
  bound_units(dwarf, section_of(elf, ".debug_info").size);
  return true;
}

void hd_dwarf_close(struct hd_dwarf *dwarf)
{
  dwarf_end(dwarf->handle);
  dwarf_end(dwarf->alternate_handle);
  hd_elf_close(&dwarf->alternate);
  hd_vec_deinit(&dwarf->units);
  hd_vec_deinit(&dwarf->ranges);
  *dwarf = (struct hd_dwarf){.alternate = HD_ELF_FILE_INIT};
}

uint32_t hd_dwarf_find_unit(const struct hd_dwarf *dwarf, uint64_t address)
{
  size_t low = 0, high = dwarf->ranges.count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (dwarf->ranges.items[middle].start <= address)
      low = middle + 1;
    else
      high = middle;
  }
  while (low > 0 && dwarf->ranges.items[low - 1].reach > address) {
    const struct hd_unit_range *range = &dwarf->ranges.items[--low];
    if (address < range->end)
      return range->unit + 1;
  }
  return 0;
}
