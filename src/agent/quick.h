/* Walking by cached rows alone, with the three registers that nearly all code can
 * be walked by, and only as far as the last walk has not been. */
#ifndef HD_AGENT_QUICK_H
#define HD_AGENT_QUICK_H

#include "unwind.h"

/* User addresses end here on x86-64 with four-level page tables. */
#define HD_ADDRESS_LIMIT (UINT64_C(1) << 47)

/* Fills the walk from the caller that the entry stands for, in the present
 * generation of modules. False, with the walk's contents lost, where that takes more than
 * this: a row that is not in the cache or not plain, a register that is not
 * followed, a stack that does not lead upwards. */
bool hd_walk_quickly(struct hd_walk *walk, uint32_t limit, const struct hd_entry *entry,
                     uint32_t generation);

/* Makes a walk of the `count` steps that were written into the fresh room from `limit`
 * on; their hash. */
void hd_walk_renew(struct hd_walk *walk, uint32_t limit, uint32_t count, uint64_t hash);

#endif
