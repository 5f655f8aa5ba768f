#include "analysis/sites.h"

#include <math.h>
#include <string.h>

static bool site_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_site *items = context;
  return items[id - 1].frame == *(const uint32_t *)key;
}

/* The site's number + 1; 0 on want of memory. */
static uint32_t site_of(struct hd_sites *sites, uint32_t frame)
{
  uint64_t hash = hd_hash(&frame, sizeof frame);
  uint32_t id = hd_index_find(&sites->index, hash, site_equal, sites->items.items, &frame);
  if (id)
    return id;
  struct hd_site site = {.frame = frame, .is_new = true, .gone = true, .largest = -1};
  if (!hd_vec_push(&sites->items, site))
    return 0;
  id = (uint32_t)sites->items.count;
  return hd_index_add(&sites->index, hash, id) ? id : 0;
}

static uint32_t leaf_of(const struct hd_side *side, size_t row)
{
  return side->chain.items[side->rows.items[row].first];
}

static void add_amount(struct hd_site_sum *sum, double *hidden, struct hd_side_amount amount,
                       double share)
{
  double seen = 1 - share;
  sum->value += amount.value * seen;
  sum->variance += amount.variance * seen;
  sum->spread += amount.spread * seen;
  sum->turnover += amount.turnover * seen;
  *hidden += amount.value * share;
}

/* The chain that stands for the site: its largest one. */
static void represent(struct hd_site *site, const struct hd_side *side, size_t row, double value)
{
  const struct hd_side_row *item = &side->rows.items[row];
  if (value <= site->largest)
    return;
  site->largest = value;
  site->row = (uint32_t)row;
  site->path = item->path;
  site->place = item->place;
}

static bool add_after(struct hd_sites *sites, const struct hd_match *match, size_t row)
{
  uint32_t id = site_of(sites, leaf_of(sites->after, row)), old = match->before[row];
  double share = sites->after->rows.items[row].hidden;
  if (!id)
    return false;
  struct hd_site *site = &sites->items.items[id - 1];
  struct hd_side_amount amount = hd_side_amount_of(sites->after, row, sites->measure);
  site->gone = false;
  add_amount(&site->after, &site->hidden_after, amount, share);
  represent(site, sites->after, row, amount.value);
  if (!old)
    return true;
  struct hd_side_amount had = hd_side_amount_of(sites->before, old - 1, sites->measure);
  bool holds = amount.value > 0 || had.value > 0;
  site->is_new = false;
  add_amount(&site->before, &site->hidden_before, had, share);
  if (holds && match->level[row] > site->level)
    site->level = (enum hd_match_level)match->level[row];
  if (leaf_of(sites->before, old - 1) != site->frame && !site->was)
    site->was = leaf_of(sites->before, old - 1);
  return true;
}

/* Where the chains of an old site went that have found a partner: [frame of the old build]
 * -> frame of the new one, of the largest. NULL on want of memory. */
static uint32_t *successors(const struct hd_sites *sites, const struct hd_match *match)
{
  size_t frames = sites->before->frames->items.count + 1;
  uint32_t *next = hd_alloc_zeroed(frames, sizeof *next);
  HD_SCOPED_FREE double *most = hd_alloc_zeroed(frames, sizeof *most);
  if (!next || !most) {
    hd_free(next);
    return NULL;
  }
  for (size_t row = 0; row < sites->after->rows.count; row++) {
    uint32_t old = match->before[row];
    if (!old)
      continue;
    uint32_t frame = leaf_of(sites->before, old - 1);
    double value = hd_side_amount_of(sites->before, old - 1, sites->measure).value;
    if (!next[frame] || value > most[frame]) {
      next[frame] = leaf_of(sites->after, row);
      most[frame] = value;
    }
  }
  return next;
}

static bool add_gone(struct hd_sites *sites, size_t row, const uint32_t *next)
{
  uint32_t frame = leaf_of(sites->before, row);
  uint32_t id = site_of(sites, next[frame] ? next[frame] : frame);
  if (!id)
    return false;
  struct hd_site *site = &sites->items.items[id - 1];
  struct hd_side_amount had = hd_side_amount_of(sites->before, row, sites->measure);
  add_amount(&site->before, &site->hidden_before, had, sites->before->rows.items[row].hidden);
  site->is_new = false;
  if (site->gone)
    represent(site, sites->before, row, had.value);
  return true;
}

bool hd_sites_build(const struct hd_side *before, const struct hd_side *after,
                    const struct hd_match *match, enum hd_measure measure, struct hd_sites *sites,
                    struct hd_error *error)
{
  *sites = (struct hd_sites){.before = before, .after = after, .measure = measure};
  bool fine = true;
  for (size_t row = 0; fine && row < after->rows.count; row++)
    fine = add_after(sites, match, row);
  HD_SCOPED_FREE uint32_t *next = fine ? successors(sites, match) : NULL;
  fine = next != NULL;
  for (size_t row = 0; fine && row < before->rows.count; row++)
    if (!match->after[row])
      fine = add_gone(sites, row, next);
  for (size_t i = 0; fine && i < sites->items.count; i++)
    if (sites->items.items[i].is_new)
      sites->items.items[i].level = HD_MATCH_NONE;
  if (fine)
    return true;
  hd_sites_deinit(sites);
  return hd_fail_memory(error);
}

void hd_sites_deinit(struct hd_sites *sites)
{
  hd_vec_deinit(&sites->items);
  hd_index_deinit(&sites->index);
}

double hd_site_growth(const struct hd_site *site)
{
  return site->after.value - site->before.value - site->moved;
}
