#include "analysis/rss_parts.h"

#include <math.h>

static const char *const titles[HD_RSS_PARTS] = {
    [HD_RSS_HEAP] = "heap, live",
    [HD_RSS_ALLOCATOR] = "allocator: free blocks and overhead",
    [HD_RSS_STACKS] = "stacks",
    [HD_RSS_GO] = "Go's heap",
    [HD_RSS_FILES] = "files",
    [HD_RSS_SHARED] = "shared memory",
    [HD_RSS_REST] = "rest",
};

const char *hd_rss_part_title(const struct hd_profile *profile, enum hd_rss_part part)
{
  if (part == HD_RSS_ALLOCATOR && profile->meta.attached)
    return "allocator: what was allocated before, free blocks and overhead";
  return titles[part];
}

static int64_t least(int64_t a, int64_t b)
{
  return a < b ? a : b;
}

/* What of the resident set the allocator may have: never more than the rest leaves. A
 * mapping that grows while /proc/self/smaps is read is listed twice there. */
static int64_t held_by_malloc(const struct hd_meta *meta)
{
  const uint64_t *resident = meta->resident.bytes;
  int64_t anonymous = (int64_t)resident[HD_RESIDENT_ANONYMOUS];
  int64_t mapped = meta->malloc.known ? least((int64_t)meta->malloc.mapped, anonymous) : anonymous;
  int64_t held = (int64_t)(resident[HD_RESIDENT_BRK] + resident[HD_RESIDENT_ARENAS]) + mapped;
  int64_t others = (int64_t)(resident[HD_RESIDENT_STACKS] + resident[HD_RESIDENT_GO] +
                             resident[HD_RESIDENT_FILES] + resident[HD_RESIDENT_SHARED]);
  return least(held, meta->rss > others ? meta->rss - others : 0);
}

bool hd_rss_parts(const struct hd_profile *profile, int64_t parts[HD_RSS_PARTS])
{
  const struct hd_meta *meta = &profile->meta;
  const uint64_t *resident = meta->resident.bytes;
  if (!meta->resident.known || meta->rss < 0 || !profile->has[HD_INUSE_SPACE])
    return false;
  int64_t held = held_by_malloc(meta);
  parts[HD_RSS_HEAP] = least(llround(hd_profile_total(profile, HD_INUSE_SPACE)), held);
  parts[HD_RSS_ALLOCATOR] = held - parts[HD_RSS_HEAP];
  parts[HD_RSS_STACKS] = (int64_t)resident[HD_RESIDENT_STACKS];
  parts[HD_RSS_GO] = (int64_t)resident[HD_RESIDENT_GO];
  parts[HD_RSS_FILES] = (int64_t)resident[HD_RESIDENT_FILES];
  parts[HD_RSS_SHARED] = (int64_t)resident[HD_RESIDENT_SHARED];
  parts[HD_RSS_REST] = meta->rss;
  for (int i = 0; i < HD_RSS_REST; i++)
    parts[HD_RSS_REST] -= parts[i];
  if (parts[HD_RSS_REST] < 0)
    parts[HD_RSS_REST] = 0;
  return true;
}
