/* Split debug information: a skeleton unit in the program, the functions in a .dwo file,
 * which libdw finds. */
#include "symbols/dwarf.h"

#include <dwarf.h>

/* libdw's own DIE of the split unit; false where its file is not there. */
static bool find_body(const struct hd_dwarf *dwarf, const struct hd_unit *skeleton,
                      Dwarf_Die *body)
{
  Dwarf_Die die, first;
  Dwarf_Half version;
  uint8_t type;
  return dwarf_offdie(dwarf->handle, skeleton->die_offset, &die) &&
         dwarf_cu_info(die.cu, &version, &type, &first, body, NULL, NULL, NULL) == 0 &&
         type == DW_UT_skeleton && dwarf_tag(body) != DW_TAG_invalid;
}

bool hd_split_exists(const struct hd_dwarf *dwarf, const struct hd_unit *skeleton)
{
  Dwarf_Die body;
  return find_body(dwarf, skeleton, &body);
}

bool hd_split_open(const struct hd_dwarf *dwarf, struct hd_unit *skeleton, struct hd_split *split,
                   struct hd_error *error)
{
  Dwarf_Die body;
  *split = (struct hd_split){0};
  if (!find_body(dwarf, skeleton, &body))
    return true;
  hd_sections_load(&split->file.sections, dwarf_getelf(dwarf_cu_getdwarf(body.cu)), true);
  if (!hd_dwarf_file_index(&split->file))
    return hd_fail_memory(error);
  split->body = hd_dwarf_file_unit(&split->file, dwarf_dieoffset(&body));
  split->file.end = dwarf->main.end;
  if (split->body)
    split->body->skeleton = skeleton;
  return true;
}

void hd_split_close(struct hd_split *split)
{
  hd_dwarf_file_deinit(&split->file);
  split->body = NULL;
}
