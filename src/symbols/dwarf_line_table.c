/* The header of a line number program: DWARF 5, section 6.2.4, and its
 * forerunners. */
#include "symbols/bytes.h"
#include "symbols/dwarf.h"

#include <dwarf.h>

enum { MAX_FORMATS = 16 };

struct entry_format {
  uint64_t content, form;
};

/* A column of a DWARF 5 directory or file entry: text or number. */
struct entry_value {
  const char *text;
  uint64_t number;
};

/* A form that no line table has fails: its length is unknown. */
static struct entry_value read_value(const struct hd_sections *sections, struct hd_bytes *bytes,
                                     uint64_t form, unsigned offset_size)
{
  struct entry_value value = {NULL, 0};
  switch (form) {
  case DW_FORM_string: value.text = hd_bytes_text(bytes); break;
  case DW_FORM_line_strp:
    value.text = hd_section_text(sections->line_str, hd_bytes_uint(bytes, offset_size));
    break;
  case DW_FORM_strp:
    value.text = hd_section_text(sections->str, hd_bytes_uint(bytes, offset_size));
    break;
  case DW_FORM_strp_sup: hd_bytes_skip(bytes, offset_size); break;
  case DW_FORM_udata: value.number = hd_bytes_uleb(bytes); break;
  case DW_FORM_data1: value.number = hd_bytes_u8(bytes); break;
  case DW_FORM_data2: value.number = hd_bytes_uint(bytes, 2); break;
  case DW_FORM_data4: value.number = hd_bytes_uint(bytes, 4); break;
  case DW_FORM_data8: value.number = hd_bytes_uint(bytes, 8); break;
  case DW_FORM_data16: hd_bytes_skip(bytes, 16); break;
  case DW_FORM_block: hd_bytes_skip(bytes, hd_bytes_uleb(bytes)); break;
  default: hd_bytes_fail(bytes); break;
  }
  return value;
}

static size_t read_formats(struct hd_bytes *bytes, struct entry_format formats[MAX_FORMATS])
{
  size_t count = hd_bytes_u8(bytes);
  if (count > MAX_FORMATS)
    hd_bytes_fail(bytes);
  for (size_t i = 0; i < count && !bytes->failed; i++) {
    formats[i].content = hd_bytes_uleb(bytes);
    formats[i].form = hd_bytes_uleb(bytes);
  }
  return count;
}

/* The DWARF 5 list of directories or of files. */
static bool read_list(struct hd_bytes *bytes, struct hd_line_table *table, bool directories)
{
  struct entry_format formats[MAX_FORMATS];
  size_t columns = read_formats(bytes, formats);
  uint64_t count = hd_bytes_uleb(bytes);
  if (columns == 0 && count > 0)
    hd_bytes_fail(bytes);
  for (uint64_t i = 0; i < count && !bytes->failed; i++) {
    struct hd_line_file file = {NULL, 0, NULL};
    for (size_t j = 0; j < columns; j++) {
      struct entry_value value = read_value(table->sections, bytes, formats[j].form,
                                            table->offset_size);
      if (formats[j].content == DW_LNCT_path)
        file.name = value.text;
      else if (formats[j].content == DW_LNCT_directory_index)
        file.directory = value.number;
    }
    bool pushed = directories ? hd_vec_push(&table->directories, file.name)
                              : hd_vec_push(&table->files, file);
    if (!pushed)
      return false;
  }
  return true;
}

/* Before DWARF 5, number 0 is the compilation directory among the directories
 * and no file among the files. */
static bool read_old_lists(struct hd_bytes *bytes, struct hd_line_table *table)
{
  struct hd_line_file none = {NULL, 0, NULL};
  if (!hd_vec_push(&table->directories, NULL) || !hd_vec_push(&table->files, none))
    return false;
  for (;;) {
    const char *name = hd_bytes_text(bytes);
    if (!name || !name[0])
      break;
    if (!hd_vec_push(&table->directories, name))
      return false;
  }
  for (;;) {
    struct hd_line_file file = {hd_bytes_text(bytes), 0, NULL};
    if (!file.name || !file.name[0])
      return true;
    file.directory = hd_bytes_uleb(bytes);
    hd_bytes_uleb(bytes); /* time of change */
    hd_bytes_uleb(bytes); /* length */
    if (!hd_vec_push(&table->files, file))
      return false;
  }
}

/* Unit length, version, header length: leaves `bytes` limited to the header and
 * the table's program set. */
static void read_lengths(struct hd_bytes *bytes, struct hd_line_table *table)
{
  uint64_t length = hd_bytes_uint(bytes, 4);
  table->offset_size = 4;
  if (length == 0xffffffff) {
    table->offset_size = 8;
    length = hd_bytes_uint(bytes, 8);
  }
  if (length > hd_bytes_left(bytes))
    hd_bytes_fail(bytes);
  else
    bytes->end = bytes->at + length;
  table->version = (unsigned)hd_bytes_uint(bytes, 2);
  if (table->version < 2 || table->version > 5)
    hd_bytes_fail(bytes);
  if (table->version >= 5) {
    table->address_size = hd_bytes_u8(bytes);
    hd_bytes_u8(bytes); /* size of a segment selector */
  }
  uint64_t header = hd_bytes_uint(bytes, table->offset_size);
  if (header > hd_bytes_left(bytes))
    hd_bytes_fail(bytes);
  table->end = bytes->end;
  if (!bytes->failed)
    bytes->end = bytes->at + header;
  table->program = bytes->end;
}

static bool read_header(struct hd_bytes *bytes, struct hd_line_table *table)
{
  read_lengths(bytes, table);
  table->min_instruction = hd_bytes_u8(bytes);
  table->max_operations = table->version >= 4 ? hd_bytes_u8(bytes) : 1;
  hd_bytes_u8(bytes); /* whether rows are statements at first */
  table->line_base = (int8_t)hd_bytes_u8(bytes);
  table->line_range = hd_bytes_u8(bytes);
  table->opcode_base = hd_bytes_u8(bytes);
  table->opcode_lengths = bytes->at;
  hd_bytes_skip(bytes, table->opcode_base ? table->opcode_base - 1 : 0);
  if (table->line_range == 0 || table->opcode_base == 0)
    hd_bytes_fail(bytes);
  if (bytes->failed)
    return true;
  if (table->version < 5)
    return read_old_lists(bytes, table);
  return read_list(bytes, table, true) && read_list(bytes, table, false);
}

bool hd_line_table_read(const struct hd_unit *unit, uint64_t offset, const char *comp_dir,
                        struct hd_line_table *table, struct hd_error *error)
{
  const struct hd_sections *sections = &unit->file->sections;
  *table = (struct hd_line_table){.sections = sections, .comp_dir = comp_dir,
                                  .address_size = unit->sizes.address_size};
  struct hd_bytes bytes = hd_section_bytes(sections, sections->line, offset);
  if (bytes.failed)
    return true;
  if (!read_header(&bytes, table))
    return hd_fail_memory(error);
  if (bytes.failed)
    hd_line_table_deinit(table);
  return true;
}

void hd_line_table_deinit(struct hd_line_table *table)
{
  hd_vec_deinit(&table->directories);
  hd_vec_deinit(&table->files);
  *table = (struct hd_line_table){0};
}

const char *hd_line_table_path(struct hd_line_table *table, uint64_t file, struct hd_texts *texts)
{
  if (file >= table->files.count)
    return "";
  struct hd_line_file *entry = &table->files.items[file];
  if (!entry->path) {
    const char *directory = entry->directory < table->directories.count
                                ? table->directories.items[entry->directory] : NULL;
    entry->path = hd_texts_keep_path(texts, table->comp_dir, directory, entry->name);
  }
  return entry->path;
}
