#include "gate/gate.h"

/* The match goes by what is gated first: the first measure that both have. */
bool hd_comparison_finish(struct hd_comparison *comparison, struct hd_error *error)
{
  struct hd_side *before = &comparison->before, *after = &comparison->after;
  bool matched = false;
  for (size_t i = 0; i < after->columns; i++) {
    enum hd_measure measure = after->measures[i];
    if (before->column[measure] < 0 || after->column[measure] < 0)
      continue;
    if (!matched && !hd_match_sides(before, after, measure, &comparison->match, error))
      return false;
    matched = true;
    comparison->has[measure] = true;
    if (!hd_sites_build(before, after, &comparison->match, measure, &comparison->sites[measure],
                        error) ||
        !hd_sites_find_moved(&comparison->sites[measure], error))
      return false;
  }
  return matched || hd_fail_input(error, "the two sides have no measure in common");
}

void hd_comparison_deinit(struct hd_comparison *comparison)
{
  for (int i = 0; i < HD_MEASURES; i++)
    hd_sites_deinit(&comparison->sites[i]);
  hd_match_deinit(&comparison->match);
  hd_side_deinit(&comparison->before);
  hd_side_deinit(&comparison->after);
}
