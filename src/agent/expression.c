/* DWARF expressions, as far as call frame information uses them: procedure
 * linkage tables, signal frames and functions that realign their stack. */
#include "cfi.h"

enum { STACK_SIZE = 16, MAX_STEPS = 256 };

struct evaluation {
  struct hd_bytes code;
  const struct hd_registers *registers;
  hd_read_word read;
  uint64_t stack[STACK_SIZE];
  unsigned depth;
  bool failed;
};

static void push(struct evaluation *e, uint64_t value)
{
  if (e->depth == STACK_SIZE)
    e->failed = true;
  else
    e->stack[e->depth++] = value;
}

static uint64_t pop(struct evaluation *e)
{
  if (e->depth == 0) {
    e->failed = true;
    return 0;
  }
  return e->stack[--e->depth];
}

static void push_register(struct evaluation *e, uint64_t reg, int64_t offset)
{
  if (reg >= HD_REGS || !(e->registers->known >> reg & 1))
    e->failed = true;
  else
    push(e, e->registers->value[reg] + (uint64_t)offset);
}

static void binary(struct evaluation *e, uint8_t op)
{
  uint64_t b = pop(e), a = pop(e);
  int64_t sa = (int64_t)a, sb = (int64_t)b;
  switch (op) {
  case 0x1a: push(e, a & b); break;
  case 0x1c: push(e, a - b); break;
  case 0x1e: push(e, a * b); break;
  case 0x21: push(e, a | b); break;
  case 0x22: push(e, a + b); break;
  case 0x24: push(e, b < 64 ? a << b : 0); break;
  case 0x25: push(e, b < 64 ? a >> b : 0); break;
  case 0x27: push(e, a ^ b); break;
  case 0x29: push(e, sa == sb); break;
  case 0x2a: push(e, sa >= sb); break;
  case 0x2b: push(e, sa > sb); break;
  case 0x2c: push(e, sa <= sb); break;
  case 0x2d: push(e, sa < sb); break;
  case 0x2e: push(e, sa != sb); break;
  default: e->failed = true;
  }
}

static void dereference(struct evaluation *e)
{
  uint64_t value = 0;
  if (!e->read(pop(e), &value))
    e->failed = true;
  push(e, value);
}

static void step(struct evaluation *e)
{
  uint8_t op = (uint8_t)hd_bytes_unsigned(&e->code, 1);
  if (op >= 0x30 && op <= 0x4f) { /* DW_OP_lit0 .. 31 */
    push(e, op - 0x30u);
  } else if (op >= 0x70 && op <= 0x8f) { /* DW_OP_breg0 .. 31 */
    push_register(e, op - 0x70u, hd_bytes_sleb(&e->code));
  } else if (op >= 0x08 && op <= 0x0f) { /* DW_OP_const1u .. const8s */
    unsigned size = 1u << ((op - 0x08) / 2);
    push(e, op & 1 ? (uint64_t)hd_bytes_signed(&e->code, size) : hd_bytes_unsigned(&e->code, size));
  } else {
    switch (op) {
    case 0x06: dereference(e); break;
    case 0x10: push(e, hd_bytes_uleb(&e->code)); break;
    case 0x11: push(e, (uint64_t)hd_bytes_sleb(&e->code)); break;
    case 0x12: {
      uint64_t top = pop(e);
      push(e, top);
      push(e, top);
      break;
    }
    case 0x13: pop(e); break;
    case 0x23: push(e, pop(e) + hd_bytes_uleb(&e->code)); break;
    case 0x92: {
      uint64_t reg = hd_bytes_uleb(&e->code);
      push_register(e, reg, hd_bytes_sleb(&e->code));
      break;
    }
    case 0x96: break;
    default: binary(e, op);
    }
  }
}

bool hd_expression(const struct hd_rule *rule, const struct hd_registers *registers,
                   const uint64_t *initial, hd_read_word read, uint64_t *result)
{
  struct evaluation e = {
      .code = {rule->code, rule->code + rule->length, false}, .registers = registers, .read = read};
  if (initial)
    push(&e, *initial);
  for (unsigned steps = 0; e.code.at < e.code.end && !e.failed && !e.code.failed; steps++) {
    if (steps == MAX_STEPS)
      return false;
    step(&e);
  }
  *result = pop(&e);
  return !e.failed && !e.code.failed;
}
