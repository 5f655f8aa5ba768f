#include "symbols/dwarf.h"

#include "symbols/elf_check.h"

#include <dwarf.h>
#include <stdlib.h>

/* Pages of the file stay until this much of .debug_info was read. */
enum { RELEASE_AFTER = 8 << 20 };

/* Abbreviation tables stay, for units that refer to each other, until they have this many
 * attributes together. */
enum { MOST_LOADED = 1 << 18 };

/* No two units share a range in what compilers write, so that the sections bound how
 * many there are. */
static size_t most_ranges(const struct hd_dwarf_file *file)
{
  const struct hd_sections *sections = &file->sections;
  return file->units.count + sections->ranges.size / 4 + sections->rnglists.size;
}

/* Code that the linker discarded keeps its ranges, moved to address 0 or to the
 * end: what does not begin in executable memory is dropped. */
static bool add_ranges(struct hd_dwarf *dwarf, const struct hd_unit *unit, size_t most,
                       struct hd_error *error)
{
  struct hd_ranges ranges;
  uint64_t start, end;
  uint32_t number = (uint32_t)(unit - dwarf->main.units.items);
  hd_ranges_start(&ranges, unit, &unit->low, &unit->high, &unit->ranges);
  while (hd_ranges_next(&ranges, &start, &end) && dwarf->ranges.count < most) {
    if (start >= end || !hd_elf_executable(dwarf->code, start))
      continue;
    struct hd_unit_range range = {start, end, 0, number};
    if (!hd_vec_push(&dwarf->ranges, range))
      return hd_fail_memory(error);
  }
  return true;
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

static bool is_program_unit(const struct hd_unit *unit)
{
  return unit->tag == DW_TAG_compile_unit || unit->tag == DW_TAG_skeleton_unit;
}

static bool index_units(struct hd_dwarf *dwarf, struct hd_error *error)
{
  struct hd_dwarf_file *file = &dwarf->main;
  if (!hd_dwarf_file_index(file))
    return hd_fail_memory(error);
  size_t most = most_ranges(file);
  for (size_t i = 0; i < file->units.count; i++) {
    const struct hd_unit *unit = &file->units.items[i];
    size_t before = dwarf->ranges.count;
    file->cut |= hd_dwarf_late(file);
    if (!is_program_unit(unit) || file->cut)
      continue;
    if (unit->has_dwo && hd_doubt()) /* libdw opens its file, and looks into it, by itself */
      break;
    if (!add_ranges(dwarf, unit, most, error))
      return false;
    if (unit->has_dwo && dwarf->ranges.count > before)
      dwarf->split_missing += !hd_split_exists(dwarf, unit);
  }
  sort_ranges(dwarf);
  hd_sections_release(&file->sections);
  return true;
}

bool hd_dwarf_open(struct hd_dwarf *dwarf, const struct hd_elf_file *file,
                   const struct hd_elf_file *code, bool *found, struct hd_error *error)
{
  *found = false;
  *dwarf = (struct hd_dwarf){.code = code, .alternate = HD_ELF_FILE_INIT};
  dwarf->handle = dwarf_begin_elf(file->elf, DWARF_C_READ, NULL);
  if (!dwarf->handle)
    return true;
  hd_dwarf_guard_handle(dwarf->handle);
  /* After dwarf_begin_elf, which decompresses the sections in place. */
  hd_sections_load(&dwarf->main.sections, file->elf, false);
  if (file->mapped)
    hd_sections_use_map(&dwarf->main.sections, file->elf);
  if (!index_units(dwarf, error))
    return false;
  *found = dwarf->main.units.count > 0;
  return true;
}

bool hd_dwarf_prepare(struct hd_dwarf *dwarf, struct hd_error *error)
{
  if (!dwarf->handle)
    return true;
  hd_dwarf_start_clock(&dwarf->main);
  hd_dwarf_start_clock(&dwarf->common);
  if (dwarf->main.alternate)
    return true;
  Dwarf *alternate = dwarf_getalt(dwarf->handle);
  if (!alternate)
    return true;
  hd_sections_load(&dwarf->common.sections, dwarf_getelf(alternate), false);
  if (dwarf->alternate_handle && dwarf->alternate.mapped)
    hd_sections_use_map(&dwarf->common.sections, dwarf->alternate.elf);
  dwarf->main.alternate = &dwarf->common;
  return hd_dwarf_file_index(&dwarf->common) || hd_fail_memory(error);
}

void hd_dwarf_close(struct hd_dwarf *dwarf)
{
  hd_dwarf_file_deinit(&dwarf->main);
  hd_dwarf_file_deinit(&dwarf->common);
  dwarf_end(dwarf->handle);
  dwarf_end(dwarf->alternate_handle);
  hd_elf_close(&dwarf->alternate);
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

void hd_dwarf_leave_unit(struct hd_dwarf *dwarf, const struct hd_unit *unit)
{
  if (dwarf->main.loaded_attributes + dwarf->common.loaded_attributes > MOST_LOADED) {
    hd_dwarf_file_unload(&dwarf->main);
    hd_dwarf_file_unload(&dwarf->common);
  }
  dwarf->unreleased += unit->end - unit->offset;
  if (dwarf->unreleased < RELEASE_AFTER)
    return;
  dwarf->unreleased = 0;
  hd_sections_release(&dwarf->main.sections);
  hd_sections_release(&dwarf->common.sections);
}
