#include "symbols/dwarf_abbrevs.h"

#include <dwarf.h>
#include <stdlib.h>

/* More of either in one table is damage. */
enum { MAX_ABBREVS = 1 << 18, MAX_ATTRIBUTES = 1 << 20 };

/* Of one DIE: compilers write two dozen. */
enum { MAX_ATTRIBUTES_EACH = 256 };

int hd_form_size(uint64_t form, struct hd_form_sizes sizes)
{
  switch (form) {
  case DW_FORM_implicit_const:
  case DW_FORM_flag_present: return 0;
  case DW_FORM_data1:
  case DW_FORM_ref1:
  case DW_FORM_flag:
  case DW_FORM_strx1:
  case DW_FORM_addrx1: return 1;
  case DW_FORM_data2:
  case DW_FORM_ref2:
  case DW_FORM_strx2:
  case DW_FORM_addrx2: return 2;
  case DW_FORM_strx3:
  case DW_FORM_addrx3: return 3;
  case DW_FORM_data4:
  case DW_FORM_ref4:
  case DW_FORM_strx4:
  case DW_FORM_addrx4:
  case DW_FORM_ref_sup4: return 4;
  case DW_FORM_data8:
  case DW_FORM_ref8:
  case DW_FORM_ref_sig8:
  case DW_FORM_ref_sup8: return 8;
  case DW_FORM_data16: return 16;
  case DW_FORM_addr: return sizes.address_size;
  case DW_FORM_ref_addr: return sizes.version < 3 ? sizes.address_size : sizes.offset_size;
  case DW_FORM_strp:
  case DW_FORM_line_strp:
  case DW_FORM_strp_sup:
  case DW_FORM_sec_offset:
  case DW_FORM_GNU_ref_alt:
  case DW_FORM_GNU_strp_alt: return sizes.offset_size;
  default: return -1;
  }
}

static enum hd_slot slot_of(uint64_t name)
{
  switch (name) {
  case DW_AT_sibling: return HD_SLOT_SIBLING;
  case DW_AT_low_pc: return HD_SLOT_LOW;
  case DW_AT_high_pc: return HD_SLOT_HIGH;
  case DW_AT_ranges: return HD_SLOT_RANGES;
  case DW_AT_name: return HD_SLOT_NAME;
  case DW_AT_linkage_name:
  case DW_AT_MIPS_linkage_name: return HD_SLOT_LINKAGE_NAME;
  case DW_AT_abstract_origin: return HD_SLOT_ORIGIN;
  case DW_AT_specification: return HD_SLOT_SPECIFICATION;
  case DW_AT_decl_line: return HD_SLOT_DECL_LINE;
  case DW_AT_call_file: return HD_SLOT_CALL_FILE;
  case DW_AT_call_line: return HD_SLOT_CALL_LINE;
  case DW_AT_language: return HD_SLOT_LANGUAGE;
  case DW_AT_stmt_list: return HD_SLOT_STMT_LIST;
  case DW_AT_comp_dir: return HD_SLOT_COMP_DIR;
  case DW_AT_str_offsets_base: return HD_SLOT_STR_BASE;
  case DW_AT_addr_base:
  case DW_AT_GNU_addr_base: return HD_SLOT_ADDR_BASE;
  case DW_AT_rnglists_base: return HD_SLOT_LISTS_BASE;
  case DW_AT_GNU_ranges_base: return HD_SLOT_GNU_RANGES_BASE;
  case DW_AT_dwo_name:
  case DW_AT_GNU_dwo_name: return HD_SLOT_DWO_NAME;
  default: return HD_SLOT_NONE;
  }
}

static enum hd_die_kind kind_of(uint64_t tag)
{
  switch (tag) {
  case DW_TAG_namespace:
  case DW_TAG_module: return HD_DIE_NAMESPACE;
  case DW_TAG_subprogram: return HD_DIE_FUNCTION;
  case DW_TAG_inlined_subroutine: return HD_DIE_INLINED;
  case DW_TAG_lexical_block:
  case DW_TAG_try_block:
  case DW_TAG_catch_block:
  case DW_TAG_with_stmt: return HD_DIE_BLOCK;
  default: return HD_DIE_OTHER;
  }
}

/* Adds an attribute to the steps of the abbreviation at hand, its skips joined. */
static bool add_step(struct hd_abbrevs *abbrevs, struct hd_abbrev *abbrev,
                     const struct hd_attribute *attribute, struct hd_form_sizes sizes)
{
  bool wanted = attribute->slot != HD_SLOT_NONE && attribute->slot <= HD_SLOT_RANGES;
  int size = hd_form_size(attribute->form, sizes);
  if (!wanted && size >= 0) {
    struct hd_step *last = abbrev->step_count
                               ? &abbrevs->steps.items[abbrevs->steps.count - 1] : NULL;
    if (last && last->form == 0) {
      last->size += (uint32_t)size; /* of few attributes */
      return true;
    }
    if (size == 0)
      return true;
  }
  struct hd_step step = {.size = size >= 0 ? (uint32_t)size : 0, .constant = attribute->constant};
  step.slot = wanted ? attribute->slot : HD_SLOT_NONE;
  step.form = wanted || size < 0 ? attribute->form : 0;
  abbrev->step_count++;
  return hd_vec_push(&abbrevs->steps, step);
}

static bool read_attributes(struct hd_bytes *bytes, struct hd_form_sizes sizes,
                            struct hd_abbrevs *abbrevs, struct hd_abbrev *abbrev)
{
  for (;;) {
    uint64_t name = hd_bytes_uleb(bytes), form = hd_bytes_uleb(bytes);
    struct hd_attribute attribute = {.slot = (uint8_t)slot_of(name)};
    if (form == DW_FORM_implicit_const)
      attribute.constant = hd_bytes_sleb(bytes);
    if (bytes->failed || (name == 0 && form == 0))
      return true;
    if (form == 0 || form > UINT16_MAX || abbrevs->attributes.count >= MAX_ATTRIBUTES ||
        abbrev->attribute_count >= MAX_ATTRIBUTES_EACH) {
      hd_bytes_fail(bytes);
      return true;
    }
    attribute.form = (uint16_t)form;
    abbrev->has_code |= attribute.slot == HD_SLOT_LOW || attribute.slot == HD_SLOT_RANGES;
    abbrev->attribute_count++;
    if (!hd_vec_push(&abbrevs->attributes, attribute) ||
        !add_step(abbrevs, abbrev, &attribute, sizes))
      return false;
  }
}

static int by_code(const void *a, const void *b)
{
  const struct hd_abbrev *x = a, *y = b;
  return x->code < y->code ? -1 : x->code > y->code;
}

bool hd_abbrevs_read(const struct hd_sections *sections, uint64_t offset,
                     struct hd_form_sizes sizes, uint64_t only, struct hd_abbrevs *abbrevs)
{
  *abbrevs = (struct hd_abbrevs){.dense = true};
  struct hd_bytes bytes = hd_section_bytes(sections, sections->abbrev, offset);
  while (abbrevs->items.count < MAX_ABBREVS) {
    struct hd_abbrev abbrev = {.code = hd_bytes_uleb(&bytes)};
    uint64_t tag = hd_bytes_uleb(&bytes);
    abbrev.tag = tag <= UINT16_MAX ? (uint16_t)tag : 0;
    abbrev.kind = (uint8_t)kind_of(tag);
    abbrev.children = hd_bytes_u8(&bytes) == DW_CHILDREN_yes;
    if (bytes.failed || abbrev.code == 0)
      break;
    abbrev.first_attribute = abbrevs->attributes.count;
    abbrev.first_step = abbrevs->steps.count;
    if (!read_attributes(&bytes, sizes, abbrevs, &abbrev))
      return false;
    if (bytes.failed)
      break;
    abbrevs->dense &= abbrev.code == abbrevs->items.count + 1;
    if (!hd_vec_push(&abbrevs->items, abbrev))
      return false;
    if (abbrev.code == only)
      break;
  }
  if (!abbrevs->dense)
    qsort(abbrevs->items.items, abbrevs->items.count, sizeof *abbrevs->items.items, by_code);
  return true;
}

void hd_abbrevs_deinit(struct hd_abbrevs *abbrevs)
{
  hd_vec_deinit(&abbrevs->items);
  hd_vec_deinit(&abbrevs->attributes);
  hd_vec_deinit(&abbrevs->steps);
}

const struct hd_abbrev *hd_abbrevs_search(const struct hd_abbrevs *abbrevs, uint64_t code)
{
  size_t low = 0, high = abbrevs->items.count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (abbrevs->items.items[middle].code < code)
      low = middle + 1;
    else
      high = middle;
  }
  bool found = low < abbrevs->items.count && abbrevs->items.items[low].code == code;
  return found ? &abbrevs->items.items[low] : NULL;
}
