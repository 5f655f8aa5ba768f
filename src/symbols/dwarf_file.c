/* The units of a .debug_info: their headers (DWARF 5, section 7.5.1) and what their first
 * DIEs say. */
#include "symbols/dwarf_die.h"

#include <dwarf.h>
#include <time.h>

/* Browsers have some ten thousand units, and dwz makes some ten thousand partial ones. */
enum { MAX_UNITS = 1 << 20 };

/* Attributes of all tables that are loaded at once: a unit that refers to more others than
 * have these is not followed there. */
enum { MAX_LOADED = 1 << 21 };

static int64_t monotonic_seconds(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

int64_t (*hd_dwarf_clock)(void) = monotonic_seconds;

void hd_dwarf_start_clock(struct hd_dwarf_file *file)
{
  file->end = hd_dwarf_clock() + HD_DWARF_SECONDS;
}

bool hd_dwarf_late(const struct hd_dwarf_file *file)
{
  return hd_dwarf_clock() >= file->end;
}

/* Length, version and the rest, up to the first DIE. Where the length can be read but the
 * unit cannot, `usable` is false, and the next one follows. */
static bool read_header(const struct hd_dwarf_file *file, uint64_t offset, struct hd_unit *unit,
                        bool *usable)
{
  struct hd_bytes bytes = hd_section_bytes(&file->sections, file->sections.info, offset);
  uint64_t length = hd_bytes_uint(&bytes, 4);
  unit->sizes.offset_size = 4;
  if (length == 0xffffffff) {
    unit->sizes.offset_size = 8;
    length = hd_bytes_uint(&bytes, 8);
  }
  if (bytes.failed || length > hd_bytes_left(&bytes))
    return false;
  bytes.end = bytes.at + length;
  unit->offset = offset;
  unit->end = (uint64_t)(bytes.end - file->sections.info.data);
  uint64_t version = hd_bytes_uint(&bytes, 2);
  unit->sizes.version = (uint8_t)version;
  unit->type = version >= 5 ? hd_bytes_u8(&bytes) : DW_UT_compile;
  if (version >= 5)
    unit->sizes.address_size = hd_bytes_u8(&bytes);
  unit->abbrevs_at = hd_bytes_uint(&bytes, unit->sizes.offset_size);
  if (version < 5)
    unit->sizes.address_size = hd_bytes_u8(&bytes);
  if (unit->type == DW_UT_skeleton || unit->type == DW_UT_split_compile)
    hd_bytes_skip(&bytes, 8); /* the id of the pair */
  else if (unit->type == DW_UT_type || unit->type == DW_UT_split_type)
    hd_bytes_skip(&bytes, 8 + unit->sizes.offset_size);
  unit->die_offset = (uint64_t)(bytes.at - file->sections.info.data);
  *usable = !bytes.failed && version >= 2 && version <= 5 &&
            (unit->sizes.address_size == 4 || unit->sizes.address_size == 8);
  return true;
}

static bool is_cxx(uint64_t language)
{
  switch (language) {
  case DW_LANG_C_plus_plus:
  case DW_LANG_C_plus_plus_03:
  case DW_LANG_C_plus_plus_11:
  case DW_LANG_C_plus_plus_14:
  case 0x2b: /* C++17 and C++20, in headers newer than this libdw's */
  case 0x2c:
  case DW_LANG_ObjC_plus_plus: return true;
  default: return false;
  }
}

static uint64_t offset_value(const struct hd_raw *raw, uint64_t otherwise)
{
  bool offset = raw->form == DW_FORM_sec_offset || raw->form == DW_FORM_data4 ||
                raw->form == DW_FORM_data8;
  return offset ? raw->number : otherwise;
}

/* What counts where the unit names no base: right behind a section's first header, which
 * is where the only table of a .dwo file begins. */
static void set_bases(struct hd_unit *unit, const struct hd_raw values[HD_SLOTS])
{
  bool wide = unit->sizes.offset_size == 8, five = unit->sizes.version >= 5;
  unit->str_base = offset_value(&values[HD_SLOT_STR_BASE], !five ? 0 : wide ? 16 : 8);
  unit->addr_base = offset_value(&values[HD_SLOT_ADDR_BASE], !five ? 0 : wide ? 16 : 8);
  unit->lists_base = offset_value(&values[HD_SLOT_LISTS_BASE], wide ? 20 : 12);
  unit->gnu_ranges_base = offset_value(&values[HD_SLOT_GNU_RANGES_BASE], 0);
}

static bool read_first_die(struct hd_unit *unit)
{
  struct hd_raw values[HD_SLOTS];
  const struct hd_sections *sections = &unit->file->sections;
  struct hd_bytes bytes = hd_section_bytes(sections, sections->info, unit->die_offset);
  struct hd_abbrevs abbrevs;
  uint64_t code = hd_bytes_uleb(&bytes);
  bool fine = hd_abbrevs_read(sections, unit->abbrevs_at, unit->sizes, code ? code : 1, &abbrevs);
  struct hd_die die = {.unit = unit, .abbrev = hd_abbrevs_find(&abbrevs, code),
                       .attributes = bytes.at};
  if (fine && die.abbrev && !bytes.failed) {
    unit->abbrevs = &abbrevs;
    hd_die_read(&die, values);
    unit->abbrevs = NULL;
    set_bases(unit, values);
    unit->tag = die.abbrev->tag;
    unit->stmt_list = offset_value(&values[HD_SLOT_STMT_LIST], UINT64_MAX);
    unit->comp_dir = values[HD_SLOT_COMP_DIR];
    unit->cxx = hd_raw_constant(&values[HD_SLOT_LANGUAGE]) &&
                is_cxx(values[HD_SLOT_LANGUAGE].number);
    unit->has_dwo = values[HD_SLOT_DWO_NAME].form != 0;
    unit->low = values[HD_SLOT_LOW];
    unit->high = values[HD_SLOT_HIGH];
    unit->ranges = values[HD_SLOT_RANGES];
    if (!hd_raw_address(unit, &unit->low, &unit->base))
      unit->base = 0;
  }
  hd_abbrevs_deinit(&abbrevs);
  return fine;
}

bool hd_dwarf_file_index(struct hd_dwarf_file *file)
{
  uint64_t offset = 0;
  hd_dwarf_start_clock(file);
  while (offset < file->sections.info.size && file->units.count < MAX_UNITS) {
    struct hd_unit unit = {.file = file, .stmt_list = UINT64_MAX};
    bool usable = false;
    file->cut = hd_dwarf_late(file);
    if (file->cut || !read_header(file, offset, &unit, &usable))
      break;
    if (usable && !read_first_die(&unit))
      return false;
    if (unit.tag && !hd_vec_push(&file->units, unit))
      return false;
    offset = unit.end;
  }
  return true;
}

void hd_dwarf_file_unload(struct hd_dwarf_file *file)
{
  for (size_t i = 0; i < file->loaded.count; i++) {
    struct hd_unit *unit = file->loaded.items[i];
    hd_abbrevs_deinit(unit->abbrevs);
    hd_free(unit->abbrevs);
    unit->abbrevs = NULL;
  }
  file->loaded.count = file->loaded_attributes = 0;
}

void hd_dwarf_file_deinit(struct hd_dwarf_file *file)
{
  hd_dwarf_file_unload(file);
  hd_vec_deinit(&file->loaded);
  hd_vec_deinit(&file->units);
  *file = (struct hd_dwarf_file){0};
}

struct hd_unit *hd_dwarf_file_unit(const struct hd_dwarf_file *file, uint64_t offset)
{
  size_t low = 0, high = file->units.count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (file->units.items[middle].offset <= offset)
      low = middle + 1;
    else
      high = middle;
  }
  return low > 0 && offset < file->units.items[low - 1].end ? &file->units.items[low - 1] : NULL;
}

bool hd_unit_load(struct hd_unit *unit)
{
  struct hd_dwarf_file *file = unit->file;
  if (unit->abbrevs)
    return true;
  if (file->loaded_attributes > MAX_LOADED)
    return false;
  struct hd_abbrevs *abbrevs = hd_alloc(sizeof *abbrevs);
  if (abbrevs && hd_abbrevs_read(&file->sections, unit->abbrevs_at, unit->sizes, 0, abbrevs) &&
      hd_vec_push(&file->loaded, unit)) {
    unit->abbrevs = abbrevs;
    file->loaded_attributes += abbrevs->attributes.count;
    return true;
  }
  file->no_memory = true;
  if (abbrevs)
    hd_abbrevs_deinit(abbrevs);
  hd_free(abbrevs);
  return false;
}
