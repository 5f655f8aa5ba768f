/* Values of attributes: DWARF 5, section 7.5.5, and the GNU forms for split and for
 * shared debug information. */
#include "symbols/dwarf_die.h"

#include <dwarf.h>

/* A block is skipped: no attribute with a slot has one. */
static void skip_block(struct hd_bytes *bytes, uint64_t form)
{
  uint64_t size = form == DW_FORM_block1   ? hd_bytes_u8(bytes)
                  : form == DW_FORM_block2 ? hd_bytes_uint(bytes, 2)
                  : form == DW_FORM_block4 ? hd_bytes_uint(bytes, 4)
                                           : hd_bytes_uleb(bytes);
  hd_bytes_skip(bytes, size);
}

static void read_sized(struct hd_bytes *bytes, uint64_t form, struct hd_form_sizes sizes,
                       struct hd_raw *raw)
{
  int size = hd_form_size(form, sizes);
  if (size < 0)
    hd_bytes_fail(bytes);
  else if (size > 8)
    hd_bytes_skip(bytes, (uint64_t)size);
  else
    raw->number = hd_bytes_uint(bytes, (size_t)size);
}

void hd_form_read(const struct hd_unit *unit, struct hd_bytes *bytes, uint64_t form,
                  int64_t constant, struct hd_raw *raw)
{
  enum { MAX_INDIRECT = 4 };
  for (unsigned i = 0; form == DW_FORM_indirect; i++) {
    form = hd_bytes_uleb(bytes);
    if (i == MAX_INDIRECT)
      hd_bytes_fail(bytes);
    if (bytes->failed)
      return;
    if (form == DW_FORM_implicit_const)
      constant = hd_bytes_sleb(bytes);
  }
  *raw = (struct hd_raw){.form = form <= UINT16_MAX ? (uint16_t)form : 0};
  switch (form) {
  case DW_FORM_implicit_const: raw->number = (uint64_t)constant; break;
  case DW_FORM_flag_present: raw->number = 1; break;
  case DW_FORM_sdata: raw->number = (uint64_t)hd_bytes_sleb(bytes); break;
  case DW_FORM_udata:
  case DW_FORM_ref_udata:
  case DW_FORM_strx:
  case DW_FORM_addrx:
  case DW_FORM_loclistx:
  case DW_FORM_rnglistx:
  case DW_FORM_GNU_addr_index:
  case DW_FORM_GNU_str_index: raw->number = hd_bytes_uleb(bytes); break;
  case DW_FORM_string: raw->text = hd_bytes_text(bytes); break;
  case DW_FORM_block1:
  case DW_FORM_block2:
  case DW_FORM_block4:
  case DW_FORM_block:
  case DW_FORM_exprloc: skip_block(bytes, form); break;
  default: read_sized(bytes, form, unit->sizes, raw); break;
  }
  if (bytes->failed)
    raw->form = 0;
}

/* Entry `index` of a table of numbers at `base` of a section. */
static bool table_entry(const struct hd_sections *sections, struct hd_section section,
                        uint64_t base, uint64_t index, size_t width, uint64_t *value)
{
  if (index >= section.size || base > section.size)
    return false;
  struct hd_bytes bytes = hd_section_bytes(sections, section, base + index * width);
  *value = hd_bytes_uint(&bytes, width);
  return !bytes.failed;
}

static const char *indexed_text(const struct hd_unit *unit, uint64_t index)
{
  const struct hd_sections *sections = &unit->file->sections;
  uint64_t offset;
  if (!table_entry(sections, sections->str_offsets, unit->str_base, index,
                   unit->sizes.offset_size, &offset))
    return NULL;
  return hd_section_text(sections->str, offset);
}

const char *hd_raw_text(const struct hd_unit *unit, const struct hd_raw *raw)
{
  const struct hd_sections *sections = &unit->file->sections;
  const struct hd_dwarf_file *alternate = unit->file->alternate;
  const char *text = NULL;
  switch (raw->form) {
  case DW_FORM_string: text = raw->text; break;
  case DW_FORM_strp: text = hd_section_text(sections->str, raw->number); break;
  case DW_FORM_line_strp: text = hd_section_text(sections->line_str, raw->number); break;
  case DW_FORM_strp_sup:
  case DW_FORM_GNU_strp_alt:
    text = alternate ? hd_section_text(alternate->sections.str, raw->number) : NULL;
    break;
  case DW_FORM_strx:
  case DW_FORM_strx1:
  case DW_FORM_strx2:
  case DW_FORM_strx3:
  case DW_FORM_strx4:
  case DW_FORM_GNU_str_index: text = indexed_text(unit, raw->number); break;
  default: break;
  }
  return text && text[0] ? text : NULL;
}

/* A split unit's addresses are in the file that names it. */
bool hd_raw_address(const struct hd_unit *unit, const struct hd_raw *raw, uint64_t *address)
{
  const struct hd_unit *owner = unit->skeleton ? unit->skeleton : unit;
  const struct hd_sections *sections = &owner->file->sections;
  switch (raw->form) {
  case DW_FORM_addr: *address = raw->number; return true;
  case DW_FORM_addrx:
  case DW_FORM_addrx1:
  case DW_FORM_addrx2:
  case DW_FORM_addrx3:
  case DW_FORM_addrx4:
  case DW_FORM_GNU_addr_index:
    return table_entry(sections, sections->addr, owner->addr_base, raw->number,
                       unit->sizes.address_size, address);
  default: return false;
  }
}

bool hd_raw_constant(const struct hd_raw *raw)
{
  switch (raw->form) {
  case DW_FORM_data1:
  case DW_FORM_data2:
  case DW_FORM_data4:
  case DW_FORM_data8:
  case DW_FORM_udata:
  case DW_FORM_sdata:
  case DW_FORM_implicit_const: return true;
  default: return false;
  }
}

uint32_t hd_raw_line(const struct hd_raw *raw)
{
  return hd_raw_constant(raw) && raw->number <= INT32_MAX ? (uint32_t)raw->number : 0;
}
