/* What walking needs to know about an address, from the last time it was looked
 * up: the frame's id and the rule to its caller, in three words. Shared by all
 * threads without a lock: a torn entry fails its check and counts as absent. */
#ifndef HD_AGENT_ROW_CACHE_H
#define HD_AGENT_ROW_CACHE_H

#include "cfi.h"

/* Stands for a frame of the agent itself, which is not recorded. */
#define HD_OWN_FRAME UINT32_MAX

/* The registers that a function keeps for its caller. */
enum { HD_CACHED_REGISTERS = 6 };
extern const uint8_t hd_cached_registers[HD_CACHED_REGISTERS];

struct hd_cached_row {
  uint32_t frame;
  int32_t cfa_offset;
  uint8_t cfa_register : 6;
  bool outermost : 1, may_switch : 1;
  uint8_t saved[HD_CACHED_REGISTERS]; /* words below the CFA; 0: not saved */
};

/* False where the row is not of the plain kind: CFA from a register, the return
 * address just below it, the kept registers saved further below. */
bool hd_row_compress(const struct hd_cfi_row *row, uint32_t frame, struct hd_cached_row *cached);
bool hd_row_cache_get(uintptr_t lookup, uint32_t generation, struct hd_cached_row *row);
void hd_row_cache_put(uintptr_t lookup, uint32_t generation, const struct hd_cached_row *row);

#endif
