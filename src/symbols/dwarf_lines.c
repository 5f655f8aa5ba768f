/* Running a line number program against sorted addresses, keeping no rows
 * (DWARF 5, section 6.2.5). */
#include "symbols/bytes.h"
#include "symbols/dwarf.h"

#include <dwarf.h>

struct row {
  uint64_t address, file, line;
};

struct machine {
  const struct hd_elf_file *code;
  struct hd_line_table *table;
  struct hd_wanted *wanted;
  size_t count;
  size_t next; /* first address not below the previous row's */

  struct row row; /* the registers */
  unsigned operation;
  struct row previous;
  bool in_sequence;
  bool discarded; /* the sequence at hand: its function is not in the program */
};

static size_t first_from(const struct machine *machine, uint64_t address)
{
  size_t low = 0, high = machine->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (machine->wanted[middle].address < address)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void reset(struct machine *machine)
{
  machine->row = (struct row){0, 1, 1};
  machine->operation = 0;
  machine->in_sequence = machine->discarded = false;
}

/* The previous row holds up to the address of this one. Of two sequences that
 * claim an address the first has it. */
static void give(struct machine *machine)
{
  while (machine->next < machine->count) {
    struct hd_wanted *wanted = &machine->wanted[machine->next];
    if (wanted->address >= machine->row.address)
      return;
    if (!wanted->has_line) {
      wanted->has_line = true;
      wanted->file = machine->previous.file > UINT32_MAX ? UINT32_MAX
                                                         : (uint32_t)machine->previous.file;
      wanted->line = machine->previous.line > INT32_MAX ? 0 : (uint32_t)machine->previous.line;
    }
    machine->next++;
  }
}

static void append_row(struct machine *machine)
{
  if (machine->discarded)
    return;
  if (!machine->in_sequence) {
    machine->in_sequence = true;
    machine->discarded = !hd_elf_executable(machine->code, machine->row.address);
    machine->next = first_from(machine, machine->row.address);
  } else if (machine->row.address >= machine->previous.address) {
    give(machine);
  } else {
    machine->next = first_from(machine, machine->row.address);
  }
  machine->previous = machine->row;
}

static void advance(struct machine *machine, uint64_t operations)
{
  const struct hd_line_table *table = machine->table;
  if (table->max_operations > 1) {
    operations += machine->operation;
    machine->operation = (unsigned)(operations % table->max_operations);
    operations /= table->max_operations;
  }
  machine->row.address += operations * table->min_instruction;
}

static bool define_file(struct machine *machine, struct hd_bytes *bytes)
{
  struct hd_line_file file = {hd_bytes_text(bytes), 0, NULL};
  file.directory = hd_bytes_uleb(bytes);
  return bytes->failed || hd_vec_push(&machine->table->files, file);
}

static bool run_extended(struct machine *machine, struct hd_bytes *bytes)
{
  uint64_t length = hd_bytes_uleb(bytes);
  if (length == 0 || length > hd_bytes_left(bytes)) {
    hd_bytes_fail(bytes);
    return true;
  }
  struct hd_bytes inner = *bytes;
  inner.end = inner.at + length;
  hd_bytes_skip(bytes, length);
  switch (hd_bytes_u8(&inner)) {
  case DW_LNE_end_sequence:
    append_row(machine);
    reset(machine);
    break;
  case DW_LNE_set_address:
    machine->row.address = hd_bytes_uint(&inner, hd_bytes_left(&inner));
    machine->operation = 0;
    break;
  case DW_LNE_define_file: return define_file(machine, &inner);
  default: break;
  }
  return true;
}

static void skip_operands(const struct machine *machine, struct hd_bytes *bytes, uint8_t opcode)
{
  for (unsigned i = machine->table->opcode_lengths[opcode - 1]; i > 0; i--)
    hd_bytes_uleb(bytes);
}

static void run_standard(struct machine *machine, struct hd_bytes *bytes, uint8_t opcode)
{
  const struct hd_line_table *table = machine->table;
  switch (opcode) {
  case DW_LNS_copy: append_row(machine); break;
  case DW_LNS_advance_pc: advance(machine, hd_bytes_uleb(bytes)); break;
  case DW_LNS_advance_line: machine->row.line += (uint64_t)hd_bytes_sleb(bytes); break;
  case DW_LNS_set_file: machine->row.file = hd_bytes_uleb(bytes); break;
  case DW_LNS_const_add_pc:
    advance(machine, (255u - table->opcode_base) / table->line_range);
    break;
  case DW_LNS_fixed_advance_pc:
    machine->row.address += hd_bytes_uint(bytes, 2);
    machine->operation = 0;
    break;
  default: skip_operands(machine, bytes, opcode); break;
  }
}

static void run_special(struct machine *machine, uint8_t opcode)
{
  const struct hd_line_table *table = machine->table;
  unsigned adjusted = opcode - table->opcode_base;
  advance(machine, adjusted / table->line_range);
  machine->row.line += (uint64_t)(int64_t)(table->line_base + (int)(adjusted % table->line_range));
  append_row(machine);
}

bool hd_line_table_run(const struct hd_elf_file *code, struct hd_line_table *table,
                       struct hd_wanted *wanted, size_t count, struct hd_error *error)
{
  struct machine machine = {.code = code, .table = table, .wanted = wanted, .count = count};
  struct hd_bytes bytes = {table->program, table->end, false, false};
  if (table->sections)
    bytes.big_endian = table->sections->big_endian;
  reset(&machine);
  while (hd_bytes_left(&bytes) > 0) {
    uint8_t opcode = hd_bytes_u8(&bytes);
    if (opcode >= table->opcode_base)
      run_special(&machine, opcode);
    else if (opcode != 0)
      run_standard(&machine, &bytes, opcode);
    else if (!run_extended(&machine, &bytes))
      return hd_fail_memory(error);
  }
  return true;
}
