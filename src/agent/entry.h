/* How a hook that records goes into the agent: through a few instructions that
 * put by what its caller had in the registers that a call keeps. Walking the stack
 * then begins at the caller, not at the agent's own frames.
 *
 * A hook jumps there as its last act, so the stack is as the caller left it. Were
 * the compiler to call instead of jump, the walk would begin in the hook and skip
 * it: slower, not wrong. */
#ifndef HD_AGENT_ENTRY_H
#define HD_AGENT_ENTRY_H

#include <stdint.h>

/* In the order in which they lie on the stack; the caller's stack begins above. */
struct hd_entry {
  uint64_t rbx, rbp, r12, r13, r14, r15, return_address;
};

static inline uint64_t hd_entry_sp(const struct hd_entry *entry)
{
  return (uint64_t)(uintptr_t)(entry + 1);
}

/* Defines hd_enter_NAME: it calls NAME with its own arguments and, in `reg`, the
 * entry. An exception may pass through. */
#define HD_ENTRY(name, reg)                                                                        \
  __asm__(".pushsection .text\n\t"                                                                 \
          ".globl hd_enter_" #name "\n\t"                                                          \
          ".hidden hd_enter_" #name "\n\t"                                                         \
          ".type hd_enter_" #name ", @function\n"                                                  \
          "hd_enter_" #name ":\n\t"                                                                \
          ".cfi_startproc\n\t" HD_ENTRY_PUSH("r15") HD_ENTRY_PUSH("r14") HD_ENTRY_PUSH("r13")      \
              HD_ENTRY_PUSH("r12") HD_ENTRY_PUSH("rbp") HD_ENTRY_PUSH(                             \
                  "rbx") "mov %rsp, %" reg "\n\t"                                                  \
                         "sub $8, %rsp\n\t"                                                        \
                         ".cfi_adjust_cfa_offset 8\n\t"                                            \
                         "call " #name "\n\t"                                                      \
                         "add $8, %rsp\n\t"                                                        \
                         ".cfi_adjust_cfa_offset -8\n\t" HD_ENTRY_POP("rbx") HD_ENTRY_POP("rbp")   \
                             HD_ENTRY_POP("r12") HD_ENTRY_POP("r13") HD_ENTRY_POP("r14")           \
                                 HD_ENTRY_POP("r15") "ret\n\t"                                     \
                                                     ".cfi_endproc\n\t"                            \
                                                     ".size hd_enter_" #name                       \
                                                     ", . - hd_enter_" #name "\n\t"                \
                                                     ".popsection")

#define HD_ENTRY_PUSH(reg)                                                                         \
  "push %" reg "\n\t.cfi_adjust_cfa_offset 8\n\t.cfi_rel_offset %" reg ", 0\n\t"
#define HD_ENTRY_POP(reg) "pop %" reg "\n\t.cfi_adjust_cfa_offset -8\n\t.cfi_restore %" reg "\n\t"

/* What such a stub calls: by name from assembly, and never taken apart. */
#if defined __has_attribute && __has_attribute(noipa)
#define HD_ENTERED static __attribute__((used, noipa))
#else
#define HD_ENTERED static __attribute__((used, noinline))
#endif

#endif
