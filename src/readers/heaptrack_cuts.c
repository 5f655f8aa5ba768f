/* The snapshots that a recording is cut into. How long it is shows at its end alone:
 * cuts are taken at an interval, and whenever there are too many every other one is
 * dropped and the interval doubled. */
#include "readers/heaptrack.h"

#include <string.h>

static bool take_cut(struct hd_heaptrack *heaptrack, struct hd_error *error)
{
  struct hd_heaptrack_cut cut = {heaptrack->stamp, heaptrack->rss, heaptrack->events, NULL,
                                 heaptrack->sites.count};
  if (cut.sites) {
    cut.sums = hd_alloc_zeroed(cut.sites, sizeof *cut.sums);
    if (!cut.sums)
      return hd_fail_memory(error);
  }
  for (size_t i = 0; i < heaptrack->infos.count; i++) {
    const struct hd_heaptrack_info *info = &heaptrack->infos.items[i];
    struct hd_heaptrack_sum *sum = &cut.sums[info->site - 1];
    sum->live_bytes += (double)info->live * (double)info->size;
    sum->live_objects += (double)info->live;
    sum->all_bytes += (double)info->all * (double)info->size;
    sum->all_objects += (double)info->all;
  }
  if (hd_vec_push(&heaptrack->cuts, cut))
    return true;
  hd_free(cut.sums);
  return hd_fail_memory(error);
}

/* The first one stays: what came after it is growth. */
static void thin(struct hd_heaptrack *heaptrack)
{
  struct hd_heaptrack_cut *cuts = heaptrack->cuts.items;
  size_t kept = 0;
  for (size_t i = 0; i < heaptrack->cuts.count; i++)
    if (i % 2)
      hd_free(cuts[i].sums);
    else
      cuts[kept++] = cuts[i];
  heaptrack->cuts.count = kept;
  heaptrack->interval *= 2;
}

static bool are_too_many(const struct hd_heaptrack *heaptrack)
{
  size_t stacks = heaptrack->sites.count;
  for (size_t i = 0; i < heaptrack->cuts.count; i++)
    stacks += heaptrack->cuts.items[i].sites;
  return heaptrack->cuts.count >= HD_HEAPTRACK_CUTS ||
         (heaptrack->cuts.count > HD_HEAPTRACK_FEW_CUTS && stacks > HD_HEAPTRACK_STACKS);
}

static bool is_due(const struct hd_heaptrack *heaptrack)
{
  if (!heaptrack->cuts.count)
    return true;
  int64_t first = heaptrack->cuts.items[0].stamp, interval = heaptrack->interval;
  int64_t last = heaptrack->cuts.items[heaptrack->cuts.count - 1].stamp;
  /* In another step of the interval than the last one was. */
  return (heaptrack->stamp - first) / interval > (last - first) / interval;
}

bool hd_heaptrack_time(struct hd_heaptrack *heaptrack, int64_t stamp, struct hd_error *error)
{
  heaptrack->stamp = stamp;
  if (!heaptrack->interval)
    heaptrack->interval = 1;
  if (!is_due(heaptrack))
    return true;
  while (are_too_many(heaptrack))
    thin(heaptrack);
  return !is_due(heaptrack) || take_cut(heaptrack, error);
}

/* heaptrack writes it behind the time that it is of. */
void hd_heaptrack_rss(struct hd_heaptrack *heaptrack, int64_t bytes)
{
  heaptrack->rss = bytes;
  if (!heaptrack->cuts.count)
    return;
  struct hd_heaptrack_cut *last = &heaptrack->cuts.items[heaptrack->cuts.count - 1];
  if (last->stamp == heaptrack->stamp && last->events == heaptrack->events)
    last->rss = bytes;
}

/* Nothing tells when the events after the last timestamp were: they are of that time. A
 * cut shortly before the end is dropped: it would show a program half torn down. */
bool hd_heaptrack_end(struct hd_heaptrack *heaptrack, struct hd_error *error)
{
  size_t count = heaptrack->cuts.count;
  struct hd_heaptrack_cut *last = count ? &heaptrack->cuts.items[count - 1] : NULL;
  if (last && last->events == heaptrack->events) {
    last->stamp = heaptrack->stamp;
    last->rss = heaptrack->rss;
    return true;
  }
  if (count > 1 && heaptrack->stamp - last->stamp < heaptrack->interval / 2) {
    hd_free(last->sums);
    heaptrack->cuts.count--;
  }
  return take_cut(heaptrack, error);
}
