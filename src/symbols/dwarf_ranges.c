/* The ranges of code of a DIE: DWARF 5, sections 2.17 and 7.25; the older list of pairs;
 * GNU's split form of that. */
#include "symbols/dwarf_die.h"

#include <dwarf.h>

/* Where an indexed list begins: the table of offsets is at the base, and counts from
 * there. */
static bool indexed_list(const struct hd_unit *unit, uint64_t index, uint64_t *offset)
{
  const struct hd_sections *sections = &unit->file->sections;
  size_t width = unit->sizes.offset_size;
  if (index >= sections->rnglists.size || unit->lists_base > sections->rnglists.size)
    return false;
  struct hd_bytes bytes =
      hd_section_bytes(sections, sections->rnglists, unit->lists_base + index * width);
  *offset = unit->lists_base + hd_bytes_uint(&bytes, width);
  return !bytes.failed;
}

static void start_list(struct hd_ranges *ranges, const struct hd_raw *list)
{
  const struct hd_unit *unit = ranges->unit;
  uint64_t offset = list->number;
  switch (list->form) {
  case DW_FORM_sec_offset:
  case DW_FORM_data4:
  case DW_FORM_data8: break;
  case DW_FORM_rnglistx:
    if (indexed_list(unit, list->number, &offset))
      break;
    return;
  default: return;
  }
  ranges->entries = unit->sizes.version >= 5;
  if (ranges->entries) {
    ranges->bytes =
        hd_section_bytes(&unit->file->sections, unit->file->sections.rnglists, offset);
    return;
  }
  const struct hd_unit *owner = unit->skeleton ? unit->skeleton : unit;
  if (unit->skeleton)
    offset += owner->gnu_ranges_base;
  ranges->bytes = hd_section_bytes(&owner->file->sections, owner->file->sections.ranges, offset);
}

void hd_ranges_start(struct hd_ranges *ranges, const struct hd_unit *unit,
                     const struct hd_raw *low, const struct hd_raw *high,
                     const struct hd_raw *list)
{
  *ranges = (struct hd_ranges){.unit = unit, .bytes = {.failed = true}};
  ranges->base = unit->skeleton ? unit->skeleton->base : unit->base;
  if (high->form && hd_raw_address(unit, low, &ranges->low)) {
    ranges->single = true;
    if (hd_raw_constant(high))
      ranges->high = ranges->low + high->number;
    else
      ranges->single = hd_raw_address(unit, high, &ranges->high);
    return;
  }
  if (list->form)
    start_list(ranges, list);
}

static bool next_pair(struct hd_ranges *ranges, uint64_t *start, uint64_t *end)
{
  size_t width = ranges->unit->sizes.address_size;
  uint64_t all_ones = width < 8 ? ((uint64_t)1 << (8 * width)) - 1 : UINT64_MAX;
  while (!ranges->bytes.failed) {
    uint64_t low = hd_bytes_uint(&ranges->bytes, width);
    uint64_t high = hd_bytes_uint(&ranges->bytes, width);
    if (ranges->bytes.failed || (low == 0 && high == 0))
      return false;
    if (low == all_ones) {
      ranges->base = high;
      continue;
    }
    *start = ranges->base + low;
    *end = ranges->base + high;
    return true;
  }
  return false;
}

static uint64_t indexed_address(struct hd_ranges *ranges)
{
  struct hd_raw raw = {.form = DW_FORM_addrx, .number = hd_bytes_uleb(&ranges->bytes)};
  uint64_t address = 0;
  if (!hd_raw_address(ranges->unit, &raw, &address))
    hd_bytes_fail(&ranges->bytes);
  return address;
}

static bool next_entry(struct hd_ranges *ranges, uint64_t *start, uint64_t *end)
{
  struct hd_bytes *bytes = &ranges->bytes;
  size_t width = ranges->unit->sizes.address_size;
  while (!bytes->failed) {
    switch (hd_bytes_u8(bytes)) {
    case DW_RLE_base_addressx: ranges->base = indexed_address(ranges); continue;
    case DW_RLE_base_address: ranges->base = hd_bytes_uint(bytes, width); continue;
    case DW_RLE_startx_endx:
      *start = indexed_address(ranges);
      *end = indexed_address(ranges);
      break;
    case DW_RLE_startx_length:
      *start = indexed_address(ranges);
      *end = *start + hd_bytes_uleb(bytes);
      break;
    case DW_RLE_offset_pair:
      *start = ranges->base + hd_bytes_uleb(bytes);
      *end = ranges->base + hd_bytes_uleb(bytes);
      break;
    case DW_RLE_start_end:
      *start = hd_bytes_uint(bytes, width);
      *end = hd_bytes_uint(bytes, width);
      break;
    case DW_RLE_start_length:
      *start = hd_bytes_uint(bytes, width);
      *end = *start + hd_bytes_uleb(bytes);
      break;
    default: return false; /* the end of the list, or damage */
    }
    return !bytes->failed;
  }
  return false;
}

bool hd_ranges_next(struct hd_ranges *ranges, uint64_t *start, uint64_t *end)
{
  if (ranges->single) {
    ranges->single = false;
    *start = ranges->low;
    *end = ranges->high;
    return true;
  }
  if (ranges->bytes.failed)
    return false;
  return ranges->entries ? next_entry(ranges, start, end) : next_pair(ranges, start, end);
}
