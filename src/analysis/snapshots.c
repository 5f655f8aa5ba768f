#include "analysis/snapshots.h"

#include "analysis/headline.h"

#include <math.h>

enum column { NUMBER, USED, TIME, SINCE, TOTAL, GROWTH, RSS, FILE_NAME, COLUMNS };

static const struct hd_column columns[COLUMNS] = {
    [NUMBER] = {"number", "#", HD_FOR_ALL, false, 0},
    [USED] = {"used", "USED", HD_FOR_ALL, true, 0},
    [TIME] = {"time_ns", "TIME", HD_FOR_ALL, true, 2},
    [SINCE] = {"since_first_ns", "SINCE 1", HD_FOR_ALL, false, 1},
    [TOTAL] = {"total", "TOTAL", HD_FOR_ALL, false, 0},
    [GROWTH] = {"growth", "GROWTH", HD_FOR_ALL, false, 0},
    [RSS] = {"rss", "RSS", HD_FOR_ALL, false, 3},
    [FILE_NAME] = {"path", "SNAPSHOT", HD_FOR_ALL, true, 0},
};

/* Where the series begins and ends, and what counts between. */
static const char *use_of(const struct hd_series *used, size_t number)
{
  size_t count = used->points.count;
  for (size_t i = 0; i < count; i++)
    if (used->points.items[i].number == number)
      return count == 1 ? "only" : !i ? "base" : i + 1 == count ? "end" : "yes";
  return "no";
}

bool hd_snapshots_build(const struct hd_series *all, const struct hd_series *used,
                        enum hd_measure measure, struct hd_view *view, struct hd_error *error)
{
  for (size_t i = 0; i < COLUMNS; i++)
    if (!hd_vec_push(&view->grid.columns, columns[i]))
      return hd_fail_memory(error);
  int64_t before = 0;
  for (size_t i = 0; i < all->points.count; i++) {
    const struct hd_point *point = &all->points.items[i];
    int64_t total = llround(point->total[measure]);
    struct hd_cell *cells = hd_grid_add_row(view, HD_TONE_PLAIN);
    const char *path = hd_view_text(view, point->path);
    if (!cells || !path)
      return hd_fail_memory(error);
    cells[NUMBER] = hd_cell_count((int64_t)i + 1, false);
    cells[USED] = hd_cell_text(use_of(used, i + 1));
    if (point->time_ns)
      cells[TIME] = hd_cell_of(HD_CELL_TIME, point->time_ns);
    int64_t since = hd_points_elapsed(&all->points.items[0], point);
    if (since)
      cells[SINCE] = hd_cell_of(HD_CELL_DURATION, since);
    cells[TOTAL] = hd_measure_cell(measure, total, false);
    if (i)
      cells[GROWTH] = hd_measure_cell(measure, total - before, true);
    if (point->rss >= 0)
      cells[RSS] = hd_cell_bytes(point->rss, false);
    cells[FILE_NAME] = hd_cell_text(path);
    before = total;
  }
  return true;
}
