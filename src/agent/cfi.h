/* Call frame information: how to get from a function's frame to its caller's,
 * from .eh_frame as the compiler wrote it (DWARF 5, section 6.4; the LSB's
 * "Exception Frames" for .eh_frame_hdr and the encodings).
 *
 * Nothing here locks or allocates: objects are found by _dl_find_object. */
#ifndef HD_AGENT_CFI_H
#define HD_AGENT_CFI_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* DWARF's numbers of the registers (System V ABI, AMD64, figure 3.36). */
enum {
  HD_REG_RBX = 3,
  HD_REG_RBP = 6,
  HD_REG_RSP = 7,
  HD_REG_R12 = 12,
  HD_REG_R15 = 15,
  HD_REG_RA = 16,
  HD_REGS
};

/* Bounded reading of bytes; past the end it reads zeros and says so. */
struct hd_bytes {
  const uint8_t *at, *end;
  bool failed;
};

uint64_t hd_bytes_unsigned(struct hd_bytes *bytes, unsigned size);
int64_t hd_bytes_signed(struct hd_bytes *bytes, unsigned size);
uint64_t hd_bytes_uleb(struct hd_bytes *bytes);
int64_t hd_bytes_sleb(struct hd_bytes *bytes);
/* `length` bytes as bytes of their own. */
struct hd_bytes hd_bytes_take(struct hd_bytes *bytes, uint64_t length);

enum hd_rule_kind {
  HD_RULE_SAME, /* or not mentioned */
  HD_RULE_UNDEFINED,
  HD_RULE_OFFSET,     /* saved at CFA + value */
  HD_RULE_VAL_OFFSET, /* is CFA + value */
  HD_RULE_REGISTER,   /* is in another register */
  HD_RULE_EXPRESSION, /* saved at the expression's address */
  HD_RULE_VAL_EXPRESSION
};

/* Small: a few rows lie on the stack of whatever thread allocates. */
struct hd_rule {
  uint8_t kind;
  uint32_t length; /* of the expression */
  union {
    int64_t value; /* an offset or a register */
    const uint8_t *code;
  };
};

/* What holds at one address. */
struct hd_cfi_row {
  bool is_signal_frame; /* the frame above it was interrupted, not calling */
  bool may_switch;      /* the caller's frame may be on another stack */
  uint64_t cfa_register;
  struct hd_rule cfa; /* HD_RULE_VAL_OFFSET from the register, or an expression */
  struct hd_rule rules[HD_REGS];
};

/* The row for a look-up address inside `object`. False where there is none or it
 * cannot be understood. */
bool hd_cfi_find(const struct dl_find_object *object, uintptr_t address, struct hd_cfi_row *row);

/* The row of a function that keeps a frame pointer: for Go's code, which comes
 * without .eh_frame. The way from a C function called by Go leads off the thread's
 * stack onto the goroutine's. */
void hd_cfi_by_frame_pointer(struct hd_cfi_row *row);

/* Registers while walking; `known` has a bit for each that is. */
struct hd_registers {
  uint64_t value[HD_REGS];
  uint32_t known;
};

/* Reads a word of the stack; false where that is not safe. */
typedef bool (*hd_read_word)(uint64_t address, uint64_t *value);

/* Evaluates a rule's DWARF expression; `initial` is pushed first where it is not NULL. */
bool hd_expression(const struct hd_rule *rule, const struct hd_registers *registers,
                   const uint64_t *initial, hd_read_word read, uint64_t *result);

#endif
