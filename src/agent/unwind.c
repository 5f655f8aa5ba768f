#include "unwind.h"

#include "cfi.h"
#include "elf_image.h"
#include "modules.h"
#include "quick.h"
#include "row_cache.h"
#include "stack_memory.h"
#include "state.h"

#include <sys/auxv.h>

#define KNOWN_AT_A_CALL                                                                            \
  (1u << HD_REG_RBX | 1u << HD_REG_RBP | 1u << HD_REG_RSP | 0xfu << HD_REG_R12 | 1u << HD_REG_RA)
/* The agent's own frames between the walker and its caller, at most. */
enum { OWN_FRAMES = 16 };

static uintptr_t own_start, own_end;

enum outcome { GO_ON, OUTERMOST, LOST };

void hd_unwind_start(void)
{
  struct dl_find_object self;
  if (_dl_find_object((void *)(uintptr_t)hd_unwind_start, &self) == 0) {
    own_start = (uintptr_t)self.dlfo_map_start;
    own_end = (uintptr_t)self.dlfo_map_end;
  }
}

static bool is_own(uintptr_t address)
{
  return address - own_start < own_end - own_start;
}

static bool recover(const struct hd_rule *rule, const struct hd_registers *old, uint64_t cfa,
                    uint64_t *value)
{
  uint64_t address;
  switch (rule->kind) {
  case HD_RULE_OFFSET: return hd_stack_read(cfa + (uint64_t)rule->value, value);
  case HD_RULE_VAL_OFFSET: *value = cfa + (uint64_t)rule->value; return true;
  case HD_RULE_REGISTER:
    if ((uint64_t)rule->value >= HD_REGS || !(old->known >> rule->value & 1))
      return false;
    *value = old->value[rule->value];
    return true;
  case HD_RULE_EXPRESSION:
    return hd_expression(rule, old, &cfa, hd_stack_read, &address) && hd_stack_read(address, value);
  case HD_RULE_VAL_EXPRESSION: return hd_expression(rule, old, &cfa, hd_stack_read, value);
  default: return false;
  }
}

static bool is_kept(unsigned reg)
{
  return reg == HD_REG_RBX || reg == HD_REG_RBP || (reg >= HD_REG_R12 && reg <= HD_REG_R15);
}

static bool find_cfa(const struct hd_cfi_row *row, const struct hd_registers *registers,
                     uint64_t *cfa)
{
  if (row->cfa.kind == HD_RULE_VAL_EXPRESSION)
    return hd_expression(&row->cfa, registers, NULL, hd_stack_read, cfa);
  if (row->cfa_register >= HD_REGS || !(registers->known >> row->cfa_register & 1))
    return false;
  *cfa = registers->value[row->cfa_register] + (uint64_t)row->cfa.value;
  return true;
}

/* A step by the full rules. Registers that a call need not keep are known only
 * across a signal frame, which saved them all. */
static enum outcome step_by_row(const struct hd_cfi_row *row, struct hd_registers *registers)
{
  struct hd_registers old = *registers;
  uint64_t cfa;
  if (row->rules[HD_REG_RA].kind == HD_RULE_UNDEFINED)
    return OUTERMOST;
  if (row->may_switch && old.value[HD_REG_RBP] == 0)
    return OUTERMOST;
  if (!find_cfa(row, &old, &cfa))
    return LOST;
  registers->known = 1u << HD_REG_RSP | 1u << HD_REG_RA;
  registers->value[HD_REG_RSP] = cfa;
  if (!recover(&row->rules[HD_REG_RA], &old, cfa, &registers->value[HD_REG_RA]))
    return LOST;
  for (unsigned reg = 0; reg < HD_REG_RA; reg++) {
    const struct hd_rule *rule = &row->rules[reg];
    if (rule->kind == HD_RULE_SAME) {
      if (is_kept(reg))
        registers->known |= old.known & 1u << reg;
    } else if (recover(rule, &old, cfa, &registers->value[reg])) {
      registers->known |= 1u << reg;
    }
  }
  return GO_ON;
}

/* The same for the rows that nearly all functions have. */
static enum outcome step_by_cache(struct hd_cached_row row, struct hd_registers *registers)
{
  unsigned flags = hd_row_flags(row), reg = hd_row_cfa_register(row);
  if ((flags & HD_ROW_OUTERMOST) ||
      ((flags & HD_ROW_MAY_SWITCH) && registers->value[HD_REG_RBP] == 0))
    return OUTERMOST;
  if (!(registers->known >> reg & 1))
    return LOST;
  uint64_t base = registers->value[reg], cfa = base + hd_row_cfa_offset(row), below = cfa;
  if (flags & HD_ROW_REALIGNED) {
    below = base + 8;
    if (!hd_stack_read(cfa, &cfa))
      return LOST;
  }
  if (!hd_stack_read(cfa - 8, &registers->value[HD_REG_RA]))
    return LOST;
  for (unsigned i = 0; i < HD_CACHED_REGISTERS; i++) {
    uint64_t *value = &registers->value[hd_cached_registers[i]];
    int64_t saved = hd_row_saved(row, i);
    if (saved && !hd_stack_read(below + (uint64_t)(8 * saved), value))
      return LOST;
    if (saved)
      registers->known |= 1u << hd_cached_registers[i];
  }
  registers->value[HD_REG_RSP] = cfa;
  return GO_ON;
}

/* How a step was made. */
struct manner {
  bool interrupted; /* the caller is where a signal struck */
  bool may_switch;  /* the caller may be on another stack */
};

/* The loader's entry, under every constructor, is the only code of its that comes
 * without unwind information. */
static bool is_loader(const struct dl_find_object *object)
{
  return (uintptr_t)object->dlfo_map_start == getauxval(AT_BASE);
}

static bool find_row(const struct dl_find_object *object, uintptr_t lookup, struct hd_cfi_row *row)
{
  if (hd_cfi_find(object, lookup, row))
    return true;
  if (!hd_image_is_go(object))
    return false;
  hd_cfi_by_frame_pointer(row);
  return true;
}

/* Steps from a frame whose row is not in the cache, and puts it there where it
 * fits. */
static enum outcome step_slowly(uintptr_t lookup, uint32_t generation,
                                struct hd_registers *registers, struct manner *manner,
                                uint32_t *frame)
{
  struct dl_find_object object;
  struct hd_cfi_row row;
  bool found = _dl_find_object((void *)lookup, &object) == 0;
  *frame = is_own(lookup) ? HD_OWN_FRAME : hd_frame_for(found ? &object : NULL, lookup);
  *manner = (struct manner){false, false};
  if (!found || !find_row(&object, lookup, &row))
    return found && is_loader(&object) ? OUTERMOST : LOST;
  *manner = (struct manner){row.is_signal_frame, row.is_signal_frame || row.may_switch};
  struct hd_cached_row cached;
  if (*frame && hd_modules_steady() && hd_row_compress(&row, *frame, &cached))
    hd_row_cache_put(lookup, generation, cached);
  return step_by_row(&row, registers);
}

static enum outcome step(uintptr_t lookup, uint32_t generation, struct hd_registers *registers,
                         struct manner *manner, uint32_t *frame)
{
  struct hd_cached_row row;
  if (!hd_modules_steady() || !hd_row_cache_get(hd_row_cache_now(), lookup, generation, &row))
    return step_slowly(lookup, generation, registers, manner, frame);
  *manner = (struct manner){false, hd_row_flags(row) & HD_ROW_MAY_SWITCH};
  *frame = hd_row_frame(row);
  return step_by_cache(row, registers);
}

/* Whether the step led to where a caller can be: up, unless to another stack. */
static enum outcome check(enum outcome outcome, const struct hd_registers *registers,
                          uint64_t old_sp, bool may_switch)
{
  if (outcome != GO_ON)
    return outcome;
  uint64_t pc = registers->value[HD_REG_RA], sp = registers->value[HD_REG_RSP];
  if (pc == 0)
    return OUTERMOST;
  if (pc >= HD_ADDRESS_LIMIT || sp >= HD_ADDRESS_LIMIT || (!may_switch && (sp <= old_sp || sp % 8)))
    return LOST;
  return GO_ON;
}

/* A walk by whatever rules there are. */
static void walk_fully(struct hd_registers *registers, bool interrupted, struct hd_walk *walk,
                       uint32_t limit)
{
  struct manner manner = {interrupted, false};
  enum outcome outcome = GO_ON;
  struct hd_step *fresh = walk->fresh + limit;
  uint32_t count = 0;
  uint64_t hash = 0;
  for (uint32_t steps = 0; outcome == GO_ON && steps < limit + OWN_FRAMES; steps++) {
    uint64_t old_sp = registers->value[HD_REG_RSP];
    uintptr_t lookup = registers->value[HD_REG_RA] - (manner.interrupted ? 0 : 1);
    uint32_t frame;
    if (count == limit)
      break;
    outcome = step(lookup, walk->generation, registers, &manner, &frame);
    if (!frame)
      walk->failed = true;
    if (frame != HD_OWN_FRAME) {
      fresh[count++].row = (struct hd_cached_row){frame, 0};
      hash = hd_walk_mix(hash, frame);
    }
    outcome = check(outcome, registers, old_sp, manner.may_switch);
  }
  walk->truncated = outcome != OUTERMOST;
  hd_walk_renew(walk, limit, count, hash);
}

static void walk_from_here(struct hd_walk *walk, uint32_t limit)
{
  struct hd_registers registers = {.known = 0};
  __asm__ volatile("lea 0(%%rip), %%rax\n\t"
                   "mov %%rax, 128(%0)\n\t"
                   "mov %%rsp, 56(%0)\n\t"
                   "mov %%rbx, 24(%0)\n\t"
                   "mov %%rbp, 48(%0)\n\t"
                   "mov %%r12, 96(%0)\n\t"
                   "mov %%r13, 104(%0)\n\t"
                   "mov %%r14, 112(%0)\n\t"
                   "mov %%r15, 120(%0)\n\t"
                   :
                   : "r"(registers.value)
                   : "rax", "memory");
  registers.known = KNOWN_AT_A_CALL;
  hd_stack_enter(registers.value[HD_REG_RSP]);
  walk_fully(&registers, true, walk, limit);
}

static void walk_from(const struct hd_entry *entry, struct hd_walk *walk, uint32_t limit)
{
  struct hd_registers registers = {.known = KNOWN_AT_A_CALL};
  registers.value[HD_REG_RBX] = entry->rbx;
  registers.value[HD_REG_RBP] = entry->rbp;
  registers.value[HD_REG_RSP] = hd_entry_sp(entry);
  registers.value[HD_REG_R12] = entry->r12;
  registers.value[13] = entry->r13;
  registers.value[14] = entry->r14;
  registers.value[HD_REG_R15] = entry->r15;
  registers.value[HD_REG_RA] = entry->return_address;
  walk_fully(&registers, false, walk, limit);
}

/* The generation is read once nothing is being unmapped: code on this stack is not
 * unmapped later. */
__attribute__((noinline)) void hd_walk_stack(struct hd_walk *walk, uint32_t limit,
                                             const struct hd_entry *entry)
{
  bool steady = hd_modules_steady();
  uint32_t generation = hd_modules_generation();
  if (entry) {
    hd_stack_enter(hd_entry_sp(entry));
    if (steady && hd_walk_quickly(walk, limit, entry, generation))
      return;
  }
  walk->failed = walk->reusable = false;
  walk->stack = 0;
  walk->generation = generation;
  if (entry)
    walk_from(entry, walk, limit);
  else
    walk_from_here(walk, limit);
}
