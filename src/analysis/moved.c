/* Growth that is a loss elsewhere. */
#include "analysis/sites.h"

#include <math.h>
#include <stdlib.h>

static const double surely = 4, likely = 2; /* standard errors of the loss */
static const double most_of_it = .7;

/* So many gains are held against so many losses, the largest of either. */
enum { MOST_MOVES = 2000 };

/* Two functions one of which calls the other: ordered strings. */
struct pair {
  uint32_t low, high;
};

struct pairs {
  HD_VEC(struct pair) items;
  struct hd_index index;
};

static struct pair pair_of(uint32_t a, uint32_t b)
{
  return a < b ? (struct pair){a, b} : (struct pair){b, a};
}

static bool pair_equal(const void *context, uint32_t id, const void *key)
{
  const struct pair *have = &((const struct pair *)context)[id - 1], *want = key;
  return have->low == want->low && have->high == want->high;
}

static bool are_paired(const struct pairs *pairs, uint32_t a, uint32_t b)
{
  struct pair pair = pair_of(a, b);
  return a == b || hd_index_find(&pairs->index, hd_hash(&pair, sizeof pair), pair_equal,
                                 pairs->items.items, &pair) != 0;
}

static bool add_pair(struct pairs *pairs, uint32_t a, uint32_t b)
{
  struct pair pair = pair_of(a, b);
  return are_paired(pairs, a, b) ||
         (hd_vec_push(&pairs->items, pair) &&
          hd_index_add(&pairs->index, hd_hash(&pair, sizeof pair), (uint32_t)pairs->items.count));
}

static uint32_t function_at(const struct hd_side *side, uint32_t at)
{
  return hd_side_frame_at(side->frames, side->chain.items[at])->function;
}

/* The site's function with its caller; and, past functions that the other build has not,
 * with theirs. */
static bool pair_callers(struct pairs *pairs, const struct hd_side *side, const bool *elsewhere)
{
  for (size_t i = 0; i < side->rows.count; i++) {
    const struct hd_side_row *row = &side->rows.items[i];
    uint32_t leaf = function_at(side, row->first);
    for (uint32_t n = 1; n < row->count; n++) {
      uint32_t caller = function_at(side, row->first + n);
      if (!add_pair(pairs, leaf, caller))
        return false;
      if (elsewhere[caller])
        break;
    }
  }
  return true;
}

static bool *functions_of(const struct hd_side *side)
{
  bool *has = hd_alloc_zeroed(side->frames->strings->items.count + 1, sizeof *has);
  for (size_t i = 0; has && i < side->chain.count; i++)
    has[function_at(side, (uint32_t)i)] = true;
  return has;
}

struct ranked {
  uint32_t site;
  double growth;
};

static int by_growth(const void *left, const void *right)
{
  const struct ranked *a = left, *b = right;
  if (a->growth < b->growth || a->growth > b->growth)
    return a->growth < b->growth ? 1 : -1;
  return (a->site > b->site) - (a->site < b->site);
}

struct mover {
  struct hd_sites *sites;
  const struct pairs *pairs;
  const struct ranked *ranked; /* from the largest gain to the largest loss */
  size_t count;
};

static uint32_t function_of(const struct hd_sites *sites, uint32_t site)
{
  return hd_side_frame_at(sites->after->frames, sites->items.items[site].frame)->function;
}

static double error_of(const struct hd_site *site)
{
  return sqrt(site->before.variance + site->after.variance + site->before.spread);
}

/* How much of a site's loss is there to be had, by a gain of a related function. */
static double loss_of(const struct mover *mover, uint32_t gain, uint32_t site, double errors)
{
  const struct hd_site *item = &mover->sites->items.items[site];
  double whole = item->before.value - item->after.value;
  if (whole <= 0 || whole < errors * error_of(item) ||
      !are_paired(mover->pairs, function_of(mover->sites, gain), function_of(mover->sites, site)))
    return 0;
  return fmax(-hd_site_growth(item), 0);
}

static void move(struct hd_sites *sites, uint32_t from, uint32_t to, double amount)
{
  struct hd_site *giver = &sites->items.items[from], *taker = &sites->items.items[to];
  double share = giver->before.value > 0 ? amount / giver->before.value : 0;
  if (!taker->moved)
    taker->moved_site = from + 1;
  if (!giver->moved)
    giver->moved_site = to + 1;
  taker->moved += amount;
  giver->moved -= amount;
  taker->moved_sum.value += amount;
  taker->moved_sum.variance += giver->before.variance * share;
  taker->moved_sum.spread += giver->before.spread * share;
}

static void find_for(const struct mover *mover, uint32_t gain)
{
  double growth = hd_site_growth(&mover->sites->items.items[gain]), likely_losses = 0;
  size_t least = mover->count > MOST_MOVES ? mover->count - MOST_MOVES : 0;
  for (size_t i = mover->count; i-- > least && mover->ranked[i].growth < 0;)
    likely_losses += loss_of(mover, gain, mover->ranked[i].site, likely);
  double errors = likely_losses >= most_of_it * growth ? likely : surely;
  for (size_t i = mover->count; i-- > least && mover->ranked[i].growth < 0;) {
    uint32_t site = mover->ranked[i].site;
    double left = hd_site_growth(&mover->sites->items.items[gain]);
    double amount = fmin(loss_of(mover, gain, site, errors), left);
    if (amount > 0)
      move(mover->sites, site, gain, amount);
  }
}

bool hd_sites_find_moved(struct hd_sites *sites, struct hd_error *error)
{
  struct pairs pairs = {0};
  size_t count = sites->items.count;
  HD_SCOPED_FREE struct ranked *ranked = hd_alloc_zeroed(count, sizeof *ranked);
  HD_SCOPED_FREE bool *before = functions_of(sites->before);
  HD_SCOPED_FREE bool *after = functions_of(sites->after);
  bool fine = ranked && before && after && pair_callers(&pairs, sites->before, after) &&
              pair_callers(&pairs, sites->after, before);
  for (size_t i = 0; fine && i < count; i++)
    ranked[i] = (struct ranked){(uint32_t)i, hd_site_growth(&sites->items.items[i])};
  if (fine && count)
    qsort(ranked, count, sizeof *ranked, by_growth);
  struct mover mover = {sites, &pairs, ranked, count};
  for (size_t i = 0; fine && i < count && i < MOST_MOVES && ranked[i].growth > 0; i++)
    find_for(&mover, ranked[i].site);
  hd_vec_deinit(&pairs.items);
  hd_index_deinit(&pairs.index);
  return fine || hd_fail_memory(error);
}
