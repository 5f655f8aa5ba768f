/* Units and DIEs, decoded from the bytes with every read checked (DWARF 5, section 7.5,
 * and its forerunners down to DWARF 2).
 *
 * libdw gives the same, slower and keeping more: tests hold the two against each other. */
#ifndef HD_SYMBOLS_DWARF_DIE_H
#define HD_SYMBOLS_DWARF_DIE_H

#include "symbols/dwarf_abbrevs.h"

struct hd_unit;

struct hd_dwarf_file {
  struct hd_sections sections;
  HD_VEC(struct hd_unit) units;       /* by offset */
  HD_VEC(struct hd_unit *) loaded;    /* those whose abbreviations are there */
  size_t loaded_attributes;           /* in them */
  struct hd_dwarf_file *alternate;    /* dwz's common file, NULL none */
  bool no_memory;                     /* it was short, in what says nothing of it itself */
  int64_t end;                        /* when to stop, by hd_dwarf_clock */
  bool cut;                           /* the index stopped there */
};

/* The largest files that there are take two seconds: one that takes longer than this was
 * built to. Then walks fail, and what was found so far is kept. */
enum { HD_DWARF_SECONDS = 60 };

/* Seconds of a clock that never goes back; a test may put another in its place. */
extern int64_t (*hd_dwarf_clock)(void);
/* Begins the time of an index or of a batch; says whether it is over. */
void hd_dwarf_start_clock(struct hd_dwarf_file *file);
bool hd_dwarf_late(const struct hd_dwarf_file *file);

/* The undecoded value of an attribute. */
struct hd_raw {
  uint16_t form; /* 0: there is none */
  uint64_t number;
  const char *text; /* DW_FORM_string's */
};

struct hd_unit {
  struct hd_dwarf_file *file;
  uint64_t offset, die_offset, end; /* header, first DIE and end, in .debug_info */
  uint64_t abbrevs_at;
  struct hd_form_sizes sizes;
  uint8_t type; /* DW_UT_... */
  uint16_t tag; /* of the first DIE, 0: it cannot be read; like all that follows */
  bool cxx;
  bool has_dwo; /* it names a file of split debug information */
  struct hd_raw low, high, ranges;
  uint64_t base; /* of ranges: the address that `low` is, 0 none */
  uint64_t str_base, addr_base, lists_base, gnu_ranges_base;
  uint64_t stmt_list; /* UINT64_MAX: it has no line table */
  struct hd_raw comp_dir;
  const struct hd_unit *skeleton; /* of a split unit */
  struct hd_abbrevs *abbrevs;     /* NULL: not loaded */
};

struct hd_die {
  const struct hd_unit *unit;
  const struct hd_abbrev *abbrev;
  uint64_t offset;           /* in .debug_info */
  const uint8_t *attributes; /* their first byte */
  uint64_t sibling;          /* where it is, 0 unknown */
  struct hd_raw low, high, ranges; /* set where abbrev->has_code */
};

/* Goes from DIE to DIE in the order of the bytes. */
struct hd_walker {
  const struct hd_unit *unit;
  struct hd_bytes bytes;
  uint64_t work_left; /* DIEs that may yet be read: the walk fails past them */
};

/* --- files and units (dwarf_file.c) */

/* Reads the headers of all units, and of each the attributes of its first DIE. False when
 * memory is short. */
bool hd_dwarf_file_index(struct hd_dwarf_file *file);
void hd_dwarf_file_deinit(struct hd_dwarf_file *file);
/* Frees the abbreviation tables that were loaded. */
void hd_dwarf_file_unload(struct hd_dwarf_file *file);
/* The unit that holds an offset of .debug_info, NULL where there is none. */
struct hd_unit *hd_dwarf_file_unit(const struct hd_dwarf_file *file, uint64_t offset);
/* Loads the unit's abbreviations; false (and file->no_memory) when memory is short. */
bool hd_unit_load(struct hd_unit *unit);

/* --- DIEs (dwarf_die.c) */

/* Sets the walker to the DIE at an offset; what is there is read by hd_walker_next. */
bool hd_walker_start(struct hd_walker *walker, struct hd_unit *unit, uint64_t offset,
                     uint64_t work);
/* The next DIE: false at the end of a list of children (behind which the walker then is)
 * and where the unit is damaged (walker->bytes.failed). Its children, if it has some, are
 * next. */
bool hd_walker_next(struct hd_walker *walker, struct hd_die *die);
/* Goes behind the children of the DIE that was just read. */
void hd_walker_skip_children(struct hd_walker *walker, const struct hd_die *die);

/* The DIE at an offset; false where there is none. */
bool hd_die_at(struct hd_unit *unit, uint64_t offset, struct hd_die *die);
/* All attributes that have a slot. */
void hd_die_read(const struct hd_die *die, struct hd_raw values[HD_SLOTS]);
/* The DIE that an attribute refers to. */
bool hd_die_follow(const struct hd_unit *unit, const struct hd_raw *reference,
                   struct hd_die *die);

/* --- values (dwarf_form.c) */

void hd_form_read(const struct hd_unit *unit, struct hd_bytes *bytes, uint64_t form,
                  int64_t constant, struct hd_raw *raw);
/* NULL where the value is no text, or an empty one. */
const char *hd_raw_text(const struct hd_unit *unit, const struct hd_raw *raw);
/* False where the value is no address. */
bool hd_raw_address(const struct hd_unit *unit, const struct hd_raw *raw, uint64_t *address);
/* A constant that fits a line number; 0 where there is none. */
uint32_t hd_raw_line(const struct hd_raw *raw);
bool hd_raw_constant(const struct hd_raw *raw);

/* --- ranges (dwarf_ranges.c) */

struct hd_ranges {
  const struct hd_unit *unit;
  struct hd_bytes bytes;
  uint64_t base;
  bool single, entries; /* one pair, the list of DWARF 5 */
  uint64_t low, high;
};

/* The ranges of code of a DIE of these attributes. */
void hd_ranges_start(struct hd_ranges *ranges, const struct hd_unit *unit,
                     const struct hd_raw *low, const struct hd_raw *high,
                     const struct hd_raw *list);
bool hd_ranges_next(struct hd_ranges *ranges, uint64_t *start, uint64_t *end);

#endif
