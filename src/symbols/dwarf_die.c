#include "symbols/dwarf_die.h"

#include <dwarf.h>

/* DIEs between two looks. */
enum { LOOK_AT_CLOCK = 1 << 16 };

bool hd_walker_start(struct hd_walker *walker, struct hd_unit *unit, uint64_t offset,
                     uint64_t work)
{
  const struct hd_sections *sections = &unit->file->sections;
  *walker = (struct hd_walker){.unit = unit, .work_left = work, .bytes = {.failed = true}};
  if (offset < unit->die_offset || offset >= unit->end || !hd_unit_load(unit))
    return false;
  walker->bytes = (struct hd_bytes){sections->info.data + offset, sections->info.data + unit->end,
                                    sections->big_endian, false};
  return true;
}

/* A reference within the unit, as an offset of .debug_info; 0 for any other. */
static uint64_t local_reference(const struct hd_unit *unit, const struct hd_raw *raw)
{
  switch (raw->form) {
  case DW_FORM_ref1:
  case DW_FORM_ref2:
  case DW_FORM_ref4:
  case DW_FORM_ref8:
  case DW_FORM_ref_udata:
    return raw->number < unit->end - unit->offset ? unit->offset + raw->number : 0;
  default: return 0;
  }
}

static void take(struct hd_die *die, const struct hd_step *step, const struct hd_raw *raw)
{
  switch (step->slot) {
  case HD_SLOT_SIBLING: die->sibling = local_reference(die->unit, raw); break;
  case HD_SLOT_LOW: die->low = *raw; break;
  case HD_SLOT_HIGH: die->high = *raw; break;
  case HD_SLOT_RANGES: die->ranges = *raw; break;
  default: break;
  }
}

static void run_steps(struct hd_walker *walker, struct hd_die *die)
{
  const struct hd_step *step = walker->unit->abbrevs->steps.items + die->abbrev->first_step;
  for (uint32_t left = die->abbrev->step_count; left > 0; left--, step++) {
    if (step->form == 0) {
      hd_bytes_skip(&walker->bytes, step->size);
      continue;
    }
    struct hd_raw raw = {.form = step->form};
    if (step->size && step->size <= 8)
      raw.number = hd_bytes_uint(&walker->bytes, step->size);
    else
      hd_form_read(walker->unit, &walker->bytes, step->form, step->constant, &raw);
    if (walker->bytes.failed)
      return;
    if (step->slot != HD_SLOT_NONE)
      take(die, step, &raw);
  }
}

bool hd_walker_next(struct hd_walker *walker, struct hd_die *die)
{
  struct hd_bytes *bytes = &walker->bytes;
  const uint8_t *start = bytes->at;
  if (start == bytes->end)
    return false; /* the list of the unit itself needs no terminator */
  uint64_t code = *start < 0x80 ? hd_bytes_u8(bytes) : hd_bytes_uleb(bytes);
  if (code == 0)
    return false;
  const struct hd_abbrev *abbrev = hd_abbrevs_find(walker->unit->abbrevs, code);
  bool late = walker->work_left % LOOK_AT_CLOCK == 0 && hd_dwarf_late(walker->unit->file);
  if (!abbrev || walker->work_left == 0 || late) {
    hd_bytes_fail(bytes);
    return false;
  }
  walker->work_left--;
  die->unit = walker->unit;
  die->abbrev = abbrev;
  die->offset = (uint64_t)(start - walker->unit->file->sections.info.data);
  die->attributes = bytes->at;
  die->sibling = 0;
  if (abbrev->has_code)
    die->low.form = die->high.form = die->ranges.form = 0;
  run_steps(walker, die);
  return !bytes->failed;
}

/* Only forwards: a damaged reference leads nowhere. */
static bool jump(struct hd_walker *walker, uint64_t offset)
{
  const uint8_t *info = walker->unit->file->sections.info.data;
  if (offset < (uint64_t)(walker->bytes.at - info) || offset > walker->unit->end)
    return false;
  walker->bytes.at = info + offset;
  return true;
}

void hd_walker_skip_children(struct hd_walker *walker, const struct hd_die *die)
{
  if (!die->abbrev->children || (die->sibling && jump(walker, die->sibling)))
    return;
  struct hd_die child;
  for (uint64_t depth = 1; depth > 0;) {
    if (!hd_walker_next(walker, &child)) {
      if (walker->bytes.failed || walker->bytes.at == walker->bytes.end)
        return;
      depth--;
    } else if (child.abbrev->children && !(child.sibling && jump(walker, child.sibling))) {
      depth++;
    }
  }
}

bool hd_die_at(struct hd_unit *unit, uint64_t offset, struct hd_die *die)
{
  struct hd_walker walker;
  return hd_walker_start(&walker, unit, offset, 1) && hd_walker_next(&walker, die);
}

void hd_die_read(const struct hd_die *die, struct hd_raw values[HD_SLOTS])
{
  const struct hd_unit *unit = die->unit;
  const struct hd_sections *sections = &unit->file->sections;
  memset(values, 0, HD_SLOTS * sizeof *values);
  if (!die->abbrev->attribute_count)
    return; /* no abbreviation of the unit may have any, and `items` be NULL */
  const struct hd_attribute *attribute =
      unit->abbrevs->attributes.items + die->abbrev->first_attribute;
  struct hd_bytes bytes = {die->attributes, sections->info.data + unit->end,
                           sections->big_endian, false};
  for (uint32_t left = die->abbrev->attribute_count; left > 0; left--, attribute++) {
    struct hd_raw raw = {0};
    hd_form_read(unit, &bytes, attribute->form, attribute->constant, &raw);
    if (bytes.failed)
      return;
    values[attribute->slot] = raw;
  }
}

bool hd_die_follow(const struct hd_unit *unit, const struct hd_raw *reference,
                   struct hd_die *die)
{
  struct hd_dwarf_file *file = unit->file;
  uint64_t offset = reference->number;
  struct hd_unit *target = NULL;
  switch (reference->form) {
  case DW_FORM_GNU_ref_alt:
  case DW_FORM_ref_sup4:
  case DW_FORM_ref_sup8: target = file->alternate ? hd_dwarf_file_unit(file->alternate, offset)
                                                  : NULL; break;
  case DW_FORM_ref_addr: target = hd_dwarf_file_unit(file, offset); break;
  default:
    offset = local_reference(unit, reference);
    target = offset ? (struct hd_unit *)(uintptr_t)unit : NULL;
    break;
  }
  return target && hd_die_at(target, offset, die);
}
