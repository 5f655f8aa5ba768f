/* Which allocations are recorded, and recording them. */
#ifndef HD_AGENT_SAMPLING_H
#define HD_AGENT_SAMPLING_H

#include "live.h"
#include "state.h"

#include <stddef.h>

/* Recording begins with this mean interval (1: everything). Called once. */
bool hd_sampling_start(uint64_t rate, uint32_t max_frames);
uint64_t hd_sampling_rate(void);
bool hd_sampling_is_exact(void);
/* Sampled allocations that found no room. */
uint64_t hd_sampling_dropped(void);
/* Milliseconds since recording began. */
uint64_t hd_sampling_clock(void);
/* In a child: intervals differ from the parent's. */
void hd_sampling_forked(void);

/* Takes an allocation of this size off the countdown. Most return at once. */
bool hd_sampling_due_slowly(size_t size);
static inline bool hd_sampling_due(size_t size)
{
  if (HD_LIKELY(hd_self.left > size)) {
    hd_self.left -= size + 1;
    return false;
  }
  return hd_sampling_due_slowly(size);
}

/* Records a block that was found due; takes NULL. Keeps errno. */
void hd_record_block(void *block, size_t size);
/* Forgets a block before it is freed; what was known of it goes into `entry`,
 * whose address is 0 where nothing was. Keeps errno. */
void hd_forget_block(void *block, struct hd_live *entry);
/* Puts one back that was not freed after all. */
void hd_remember_block(const struct hd_live *entry);

#endif
