/* What a resident set is made of: the recorded heap beside what the kernel and the
 * allocator say. All of it estimates. */
#ifndef HD_ANALYSIS_RSS_PARTS_H
#define HD_ANALYSIS_RSS_PARTS_H

#include "model/profile.h"

enum hd_rss_part {
  HD_RSS_HEAP,      /* live blocks, as recorded, at most what is resident */
  HD_RSS_ALLOCATOR, /* what the allocator holds besides: free blocks, overhead, what was
                     * allocated before the recording began */
  HD_RSS_STACKS,
  HD_RSS_GO,
  HD_RSS_FILES,
  HD_RSS_SHARED,
  HD_RSS_REST, /* mapped by the program itself, and what nobody accounts for */
  HD_RSS_PARTS
};

/* For people. */
const char *hd_rss_part_title(const struct hd_profile *profile, enum hd_rss_part part);

/* The parts in bytes, which add up to the resident set unless those that are no heap are
 * more than it (its counters lag behind). False where the snapshot does not say enough.
 *
 * Where libc's malloc did not say how much it has in mappings of its own, or the
 * allocator is another one, all anonymous memory counts as the allocator's. */
bool hd_rss_parts(const struct hd_profile *profile, int64_t parts[HD_RSS_PARTS]);

#endif
