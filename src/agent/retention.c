/* The list holds what is on the disk, oldest first. One goes when there are more
 * than `keep` of them or more bytes than `keep_bytes`: that between whose
 * neighbours the least time lies, the oldest such. So the gaps stay of about one
 * length, however old the recording gets and however its snapshots were triggered:
 * at most twice the mean, one and a half times as a rule.
 *
 * With three kept, the one in the middle would stay at the start for ever; it goes
 * once the youngest gap, taken half as long again, is no longer the least. */
#include "retention.h"

#include "config.h"

#include <stddef.h>
#include <string.h>

static struct kept {
  uint64_t sequence, moment_ns, bytes;
  bool asked;
} kept[HD_MAX_KEEP + 1];
static size_t count;
static uint64_t total;

void hd_retention_add(uint64_t sequence, uint64_t moment_ns, uint64_t bytes, bool asked)
{
  if (!hd_config.set.keep && !hd_config.set.keep_bytes)
    return;
  kept[count++] = (struct kept){sequence, moment_ns, bytes, asked};
  total += bytes;
}

void hd_retention_undo(void)
{
  if (!count)
    return;
  total -= kept[--count].bytes;
}

static bool is_too_much(void)
{
  uint64_t most = hd_config.set.keep ? hd_config.set.keep : HD_MAX_KEEP;
  return count > 2 && (count > most || (hd_config.set.keep_bytes && total > hd_config.set.keep_bytes));
}

/* The one between whose neighbours are closest, of those that nobody asked for or
 * of all; 0: there is none. */
static size_t closest(bool of_all)
{
  size_t victim = 0;
  uint64_t least = UINT64_MAX;
  for (size_t i = 1; i + 1 < count; i++) {
    uint64_t gap = kept[i + 1].moment_ns - kept[i - 1].moment_ns;
    if (count == 4 && i == 2)
      gap += gap / 2;
    if (gap < least && (of_all || !kept[i].asked)) {
      least = gap;
      victim = i;
    }
  }
  return victim;
}

bool hd_retention_next(uint64_t *sequence)
{
  if (!is_too_much())
    return false;
  size_t victim = closest(false);
  if (!victim)
    victim = closest(true);
  *sequence = kept[victim].sequence;
  total -= kept[victim].bytes;
  memmove(&kept[victim], &kept[victim + 1], (count - victim - 1) * sizeof kept[0]);
  count--;
  return true;
}

void hd_retention_forked(void)
{
  count = 0;
  total = 0;
}
