/* Abbreviation tables (DWARF 5, section 7.5.3), compiled: what a walk over the tree
 * needs of a DIE is a few steps, between which whole runs of attributes are skipped
 * at once. */
#ifndef HD_SYMBOLS_DWARF_ABBREVS_H
#define HD_SYMBOLS_DWARF_ABBREVS_H

#include "base/vec.h"
#include "symbols/dwarf_sections.h"

/* The attributes that anybody asks for. */
enum hd_slot {
  HD_SLOT_NONE,
  HD_SLOT_SIBLING, /* the first four are what a walk reads */
  HD_SLOT_LOW,
  HD_SLOT_HIGH,
  HD_SLOT_RANGES,
  HD_SLOT_NAME,
  HD_SLOT_LINKAGE_NAME,
  HD_SLOT_ORIGIN,
  HD_SLOT_SPECIFICATION,
  HD_SLOT_DECL_LINE,
  HD_SLOT_CALL_FILE,
  HD_SLOT_CALL_LINE,
  HD_SLOT_LANGUAGE,
  HD_SLOT_STMT_LIST,
  HD_SLOT_COMP_DIR,
  HD_SLOT_STR_BASE,
  HD_SLOT_ADDR_BASE,
  HD_SLOT_LISTS_BASE,      /* DW_AT_rnglists_base */
  HD_SLOT_GNU_RANGES_BASE,
  HD_SLOT_DWO_NAME,
  HD_SLOTS,
};

enum hd_die_kind {
  HD_DIE_OTHER,
  HD_DIE_NAMESPACE,
  HD_DIE_FUNCTION,
  HD_DIE_INLINED,
  HD_DIE_BLOCK,
};

struct hd_attribute {
  uint16_t form;
  uint8_t slot;
  int64_t constant; /* DW_FORM_implicit_const's value */
};

struct hd_step {
  uint8_t slot;  /* HD_SLOT_NONE: skip */
  uint16_t form; /* 0: none, skip `size` bytes */
  uint32_t size; /* that the form takes, 0 where that is in the data */
  int64_t constant;
};

struct hd_abbrev {
  uint64_t code;
  size_t first_attribute, first_step; /* in the table's lists */
  uint32_t attribute_count, step_count;
  uint16_t tag;
  uint8_t kind;
  bool children;
  bool has_code; /* an address or ranges */
};

/* What the sizes of forms depend on. */
struct hd_form_sizes {
  uint8_t version, address_size, offset_size;
};

struct hd_abbrevs {
  HD_VEC(struct hd_abbrev) items; /* by code */
  HD_VEC(struct hd_attribute) attributes;
  HD_VEC(struct hd_step) steps;
  bool dense; /* items[code - 1] */
};

/* Reads the table at an offset of .debug_abbrev: all of it or, with `only` (not 0), up to
 * that code. A damaged one ends where the damage is. False when memory is short. */
bool hd_abbrevs_read(const struct hd_sections *sections, uint64_t offset,
                     struct hd_form_sizes sizes, uint64_t only, struct hd_abbrevs *abbrevs);
void hd_abbrevs_deinit(struct hd_abbrevs *abbrevs);
const struct hd_abbrev *hd_abbrevs_search(const struct hd_abbrevs *abbrevs, uint64_t code);

/* NULL where there is none of this code. */
static inline const struct hd_abbrev *hd_abbrevs_find(const struct hd_abbrevs *abbrevs,
                                                      uint64_t code)
{
  if (!abbrevs->dense)
    return hd_abbrevs_search(abbrevs, code);
  return code - 1 < abbrevs->items.count ? &abbrevs->items.items[code - 1] : NULL;
}

/* The bytes that a form takes; -1 where that depends on what is there, or where the
 * form is not known. */
int hd_form_size(uint64_t form, struct hd_form_sizes sizes);

#endif
