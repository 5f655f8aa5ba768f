#include "cfi.h"

#include <string.h>

/* Encodings of pointers (DW_EH_PE_*). */
enum {
  PE_FORMAT = 0x0f,
  PE_RELATION = 0x70,
  PE_PCREL = 0x10,
  PE_OMIT = 0xff,
  PE_TABLE = 0x3b /* datarel, sdata4: what every linker writes into the header's table */
};

enum { REMEMBERED_ROWS = 4, MAX_RECORD = 1 << 24 };

struct entry {
  uintptr_t start, end;
  uint64_t code_align;
  int64_t data_align;
  uint64_t return_register;
  uint8_t pointer_encoding;
  bool has_augmentation, is_signal_frame;
  struct hd_bytes common_code, code;
};

struct machine {
  const struct entry *entry;
  struct hd_cfi_row *row;
  struct hd_rule initial[HD_REGS];
  uintptr_t location, target;
  uint32_t depth;
};

struct remembered {
  struct hd_cfi_row rows[REMEMBERED_ROWS];
};

static uint64_t read_pointer(struct hd_bytes *bytes, uint8_t encoding)
{
  uint64_t base = (uintptr_t)bytes->at, value;
  switch (encoding & PE_FORMAT) {
  case 0x0:
  case 0x4:
  case 0xc: value = hd_bytes_unsigned(bytes, 8); break;
  case 0x1: value = hd_bytes_uleb(bytes); break;
  case 0x2: value = hd_bytes_unsigned(bytes, 2); break;
  case 0x3: value = hd_bytes_unsigned(bytes, 4); break;
  case 0x9: value = (uint64_t)hd_bytes_sleb(bytes); break;
  case 0xa: value = (uint64_t)hd_bytes_signed(bytes, 2); break;
  case 0xb: value = (uint64_t)hd_bytes_signed(bytes, 4); break;
  default: bytes->failed = true; return 0;
  }
  switch (encoding & PE_RELATION) {
  case 0: return value;
  case PE_PCREL: return value + base;
  default: bytes->failed = true; return 0;
  }
}

/* The bytes of a length-prefixed record at `at`, which must end before `limit`. */
static struct hd_bytes record_at(uintptr_t at, uintptr_t limit)
{
  struct hd_bytes bytes = {(const uint8_t *)at, (const uint8_t *)at, true};
  if (at > limit || limit - at < 8)
    return bytes;
  uint32_t length;
  memcpy(&length, bytes.at, sizeof length);
  if (length == 0 || length > MAX_RECORD || length > limit - at - 4)
    return bytes;
  bytes.at += 4;
  bytes.end = bytes.at + length;
  bytes.failed = false;
  return bytes;
}

static bool parse_augmentation(struct hd_bytes *bytes, const char *text, struct entry *entry)
{
  if (*text == '\0')
    return true;
  if (*text++ != 'z')
    return false;
  entry->has_augmentation = true;
  struct hd_bytes data = hd_bytes_take(bytes, hd_bytes_uleb(bytes));
  for (; *text; text++) {
    switch (*text) {
    case 'R': entry->pointer_encoding = (uint8_t)hd_bytes_unsigned(&data, 1); break;
    case 'L': hd_bytes_unsigned(&data, 1); break;
    case 'P': {
      uint8_t encoding = (uint8_t)hd_bytes_unsigned(&data, 1);
      read_pointer(&data, encoding & PE_FORMAT); /* only skipped */
      break;
    }
    case 'S': entry->is_signal_frame = true; break;
    case 'B': break;
    default: return false;
    }
  }
  return !data.failed && !bytes->failed;
}

static bool parse_common(uintptr_t at, uintptr_t limit, struct entry *entry)
{
  struct hd_bytes bytes = record_at(at, limit);
  if (bytes.failed || hd_bytes_unsigned(&bytes, 4) != 0)
    return false;
  uint64_t version = hd_bytes_unsigned(&bytes, 1);
  const char *augmentation = (const char *)bytes.at;
  const uint8_t *nul = memchr(bytes.at, '\0', (size_t)(bytes.end - bytes.at));
  if (!nul || (version != 1 && version != 3))
    return false;
  bytes.at = nul + 1;
  entry->code_align = hd_bytes_uleb(&bytes);
  entry->data_align = hd_bytes_sleb(&bytes);
  entry->return_register = version == 1 ? hd_bytes_unsigned(&bytes, 1) : hd_bytes_uleb(&bytes);
  if (!parse_augmentation(&bytes, augmentation, entry))
    return false;
  entry->common_code = bytes;
  return !bytes.failed && entry->return_register == HD_REG_RA;
}

static bool parse_entry(uintptr_t at, uintptr_t low, uintptr_t limit, struct entry *entry)
{
  struct hd_bytes bytes = record_at(at, limit);
  uintptr_t pointer_at = (uintptr_t)bytes.at;
  uint64_t back = hd_bytes_unsigned(&bytes, 4);
  if (bytes.failed || back == 0 || back > pointer_at - low)
    return false;
  if (!parse_common(pointer_at - back, limit, entry))
    return false;
  entry->start = read_pointer(&bytes, entry->pointer_encoding);
  entry->end = entry->start + read_pointer(&bytes, entry->pointer_encoding & PE_FORMAT);
  if (entry->has_augmentation)
    hd_bytes_take(&bytes, hd_bytes_uleb(&bytes));
  entry->code = bytes;
  return !bytes.failed;
}

/* Finds the entry by the header's sorted table of (function, entry) pairs, both
 * relative to the header. */
static uintptr_t search_table(const struct dl_find_object *object, uintptr_t address)
{
  uintptr_t header = (uintptr_t)object->dlfo_eh_frame, limit = (uintptr_t)object->dlfo_map_end;
  if (!header || limit < header || limit - header < 16)
    return 0;
  struct hd_bytes bytes = {(const uint8_t *)header, (const uint8_t *)limit, false};
  uint64_t version = hd_bytes_unsigned(&bytes, 1);
  uint8_t frame_encoding = (uint8_t)hd_bytes_unsigned(&bytes, 1);
  uint8_t count_encoding = (uint8_t)hd_bytes_unsigned(&bytes, 1);
  uint8_t table_encoding = (uint8_t)hd_bytes_unsigned(&bytes, 1);
  if (version != 1 || count_encoding == PE_OMIT || table_encoding != PE_TABLE)
    return 0;
  read_pointer(&bytes, frame_encoding);
  uint64_t count = read_pointer(&bytes, count_encoding);
  if (bytes.failed || count == 0 || count > (uint64_t)(bytes.end - bytes.at) / 8)
    return 0;
  int64_t wanted = (int64_t)(address - header);
  const uint8_t *table = bytes.at;
  uint64_t low = 0, high = count;
  while (high - low > 1) {
    uint64_t middle = low + (high - low) / 2;
    int32_t start;
    memcpy(&start, table + middle * 8, sizeof start);
    if (start <= wanted)
      low = middle;
    else
      high = middle;
  }
  int32_t pair[2];
  memcpy(pair, table + low * 8, sizeof pair);
  return pair[0] <= wanted ? header + (uintptr_t)(intptr_t)pair[1] : 0;
}

/* A factored operand; whatever a damaged one overflows to is checked when used. */
static int64_t scaled(uint64_t operand, int64_t factor)
{
  return (int64_t)(operand * (uint64_t)factor);
}

static void set_rule(struct machine *machine, uint64_t reg, uint8_t kind, int64_t value)
{
  if (reg < HD_REGS) {
    machine->row->rules[reg].kind = kind;
    machine->row->rules[reg].value = value;
  }
}

static struct hd_rule expression_rule(struct hd_bytes *code, uint8_t kind)
{
  struct hd_bytes part = hd_bytes_take(code, hd_bytes_uleb(code));
  return (struct hd_rule){.kind = kind, .length = (uint32_t)(part.end - part.at), .code = part.at};
}

static void set_expression(struct machine *machine, struct hd_bytes *code, uint8_t kind)
{
  uint64_t reg = hd_bytes_uleb(code);
  struct hd_rule rule = expression_rule(code, kind);
  if (reg < HD_REGS)
    machine->row->rules[reg] = rule;
}

static void set_cfa(struct machine *machine, uint64_t reg, int64_t offset)
{
  machine->row->cfa_register = reg;
  machine->row->cfa = (struct hd_rule){.kind = HD_RULE_VAL_OFFSET, .value = offset};
}

static void restore_rule(struct machine *machine, uint64_t reg)
{
  if (reg < HD_REGS)
    machine->row->rules[reg] = machine->initial[reg];
}

/* The instructions that set a register's rule or the CFA; false for others. */
static bool run_rule(struct machine *machine, uint8_t op, struct hd_bytes *code)
{
  const int64_t align = machine->entry->data_align;
  struct hd_cfi_row *row = machine->row;
  uint64_t reg;
  switch (op) {
  case 0x05:
    reg = hd_bytes_uleb(code);
    set_rule(machine, reg, HD_RULE_OFFSET, scaled(hd_bytes_uleb(code), align));
    return true;
  case 0x06: restore_rule(machine, hd_bytes_uleb(code)); return true;
  case 0x07: set_rule(machine, hd_bytes_uleb(code), HD_RULE_UNDEFINED, 0); return true;
  case 0x08: set_rule(machine, hd_bytes_uleb(code), HD_RULE_SAME, 0); return true;
  case 0x09:
    reg = hd_bytes_uleb(code);
    set_rule(machine, reg, HD_RULE_REGISTER, (int64_t)hd_bytes_uleb(code));
    return true;
  case 0x0c:
    reg = hd_bytes_uleb(code);
    set_cfa(machine, reg, (int64_t)hd_bytes_uleb(code));
    return true;
  case 0x0d: set_cfa(machine, hd_bytes_uleb(code), row->cfa.value); return true;
  case 0x0e: set_cfa(machine, row->cfa_register, (int64_t)hd_bytes_uleb(code)); return true;
  case 0x0f: row->cfa = expression_rule(code, HD_RULE_VAL_EXPRESSION); return true;
  case 0x10: set_expression(machine, code, HD_RULE_EXPRESSION); return true;
  case 0x11:
    reg = hd_bytes_uleb(code);
    set_rule(machine, reg, HD_RULE_OFFSET, scaled((uint64_t)hd_bytes_sleb(code), align));
    return true;
  case 0x12:
    reg = hd_bytes_uleb(code);
    set_cfa(machine, reg, scaled((uint64_t)hd_bytes_sleb(code), align));
    return true;
  case 0x13:
    set_cfa(machine, row->cfa_register, scaled((uint64_t)hd_bytes_sleb(code), align));
    return true;
  case 0x14:
    reg = hd_bytes_uleb(code);
    set_rule(machine, reg, HD_RULE_VAL_OFFSET, scaled(hd_bytes_uleb(code), align));
    return true;
  case 0x15:
    reg = hd_bytes_uleb(code);
    set_rule(machine, reg, HD_RULE_VAL_OFFSET, scaled((uint64_t)hd_bytes_sleb(code), align));
    return true;
  case 0x16: set_expression(machine, code, HD_RULE_VAL_EXPRESSION); return true;
  case 0x2f:
    reg = hd_bytes_uleb(code); /* DW_CFA_GNU_negative_offset_extended */
    set_rule(machine, reg, HD_RULE_OFFSET, scaled(-hd_bytes_uleb(code), align));
    return true;
  default: return false;
  }
}

/* How far an instruction moves the location; false where it does not. */
static bool run_advance(const struct machine *machine, uint8_t op, struct hd_bytes *code,
                        uintptr_t *location)
{
  uint64_t delta;
  if (op >> 6 == 1)
    delta = op & 0x3f;
  else if (op >= 0x02 && op <= 0x04)
    delta = hd_bytes_unsigned(code, 1u << (op - 2));
  else if (op == 0x01) {
    *location = read_pointer(code, machine->entry->pointer_encoding);
    return true;
  } else
    return false;
  *location = machine->location + delta * machine->entry->code_align;
  return true;
}

static bool run(struct machine *machine, struct hd_bytes code, struct remembered *memory)
{
  while (code.at < code.end && !code.failed) {
    uint8_t op = (uint8_t)hd_bytes_unsigned(&code, 1);
    uintptr_t location;
    if (run_advance(machine, op, &code, &location)) {
      if (location > machine->target)
        return !code.failed;
      machine->location = location;
    } else if (op >> 6 == 2) {
      set_rule(machine, op & 0x3f, HD_RULE_OFFSET,
               scaled(hd_bytes_uleb(&code), machine->entry->data_align));
    } else if (op >> 6 == 3) {
      restore_rule(machine, op & 0x3f);
    } else if (op == 0x0a) {
      if (machine->depth == REMEMBERED_ROWS)
        return false;
      memory->rows[machine->depth++] = *machine->row;
    } else if (op == 0x0b) {
      if (machine->depth == 0)
        return false;
      *machine->row = memory->rows[--machine->depth];
    } else if (op == 0x2e) { /* DW_CFA_GNU_args_size */
      hd_bytes_uleb(&code);
    } else if (op != 0 && !run_rule(machine, op, &code)) {
      return false;
    }
  }
  return !code.failed;
}

bool hd_cfi_find(const struct dl_find_object *object, uintptr_t address, struct hd_cfi_row *row)
{
  struct entry entry = {0};
  struct remembered memory;
  uintptr_t at = search_table(object, address), limit = (uintptr_t)object->dlfo_map_end;
  uintptr_t low = (uintptr_t)object->dlfo_map_start;
  if (at < low || !parse_entry(at, low, limit, &entry))
    return false;
  if (address < entry.start || address >= entry.end)
    return false;
  memset(row, 0, sizeof *row);
  row->is_signal_frame = entry.is_signal_frame;
  struct machine machine = {
      .entry = &entry, .row = row, .location = entry.start, .target = UINTPTR_MAX};
  if (!run(&machine, entry.common_code, &memory))
    return false;
  memcpy(machine.initial, row->rules, sizeof machine.initial);
  machine.location = entry.start;
  machine.target = address;
  return run(&machine, entry.code, &memory);
}

void hd_cfi_by_frame_pointer(struct hd_cfi_row *row)
{
  memset(row, 0, sizeof *row);
  row->may_switch = true;
  row->cfa_register = HD_REG_RBP;
  row->cfa = (struct hd_rule){.kind = HD_RULE_VAL_OFFSET, .value = 16};
  row->rules[HD_REG_RA] = (struct hd_rule){.kind = HD_RULE_OFFSET, .value = -8};
  row->rules[HD_REG_RBP] = (struct hd_rule){.kind = HD_RULE_OFFSET, .value = -16};
}
