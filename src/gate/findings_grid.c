/* The table of what was checked. */
#include "gate/findings.h"

#include "analysis/headline.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static const struct hd_column columns[] = {
    {"result", "RESULT", HD_FOR_ALL, true, 0},     {"growth", "GROWTH", HD_FOR_ALL, false, 0},
    {"interval", "", HD_FOR_ALL, true, 0},         {"before", "BEFORE", HD_FOR_ALL, false, 3},
    {"after", "AFTER", HD_FOR_ALL, false, 4},      {"allowed", "ALLOWED", HD_FOR_ALL, false, 0},
    {"rule", "BUDGET", HD_FOR_ALL, true, 2},       {"matched", "MATCHED BY", HD_FOR_ALL, true, 1},
    {"site", "CALL SITE", HD_FOR_PEOPLE, true, 0}, {"function", "", HD_FOR_PROGRAMS, true, 0},
    {"file", "", HD_FOR_PROGRAMS, true, 0},        {"line", "", HD_FOR_PROGRAMS, true, 0},
    {"moved", "", HD_FOR_PROGRAMS, false, 0},      {"suppressed", "", HD_FOR_PROGRAMS, false, 0},
    {"p", "", HD_FOR_PROGRAMS, false, 0},
};

enum { COLUMNS = sizeof columns / sizeof *columns };

static const char *const outcomes[] = {
    [HD_GATE_PASS] = "ok", [HD_GATE_NOISE] = "noise", [HD_GATE_FAIL] = "FAIL"};

static struct hd_cell text_or_nothing(const char *text)
{
  return text ? hd_cell_text(text) : (struct hd_cell){0};
}

/* By outcome, the worst first; then by growth, totals after sites. */
static int by_outcome(const void *left, const void *right)
{
  const struct hd_gate_check *a = *(const struct hd_gate_check *const *)left;
  const struct hd_gate_check *b = *(const struct hd_gate_check *const *)right;
  bool x = a->site == HD_THE_TOTAL, y = b->site == HD_THE_TOTAL;
  if (a->outcome != b->outcome)
    return a->outcome > b->outcome ? -1 : 1;
  if (x != y)
    return x ? 1 : -1;
  if (a->growth < b->growth || a->growth > b->growth)
    return a->growth < b->growth ? 1 : -1;
  return (a > b) - (a < b);
}

static bool fill_site(struct hd_findings *findings, const struct hd_gate_check *check,
                      struct hd_cell *cells)
{
  struct hd_finding place = {0};
  if (!hd_finding_place(findings, check->sites, check->site, &place))
    return false;
  cells[8] = hd_cell_text(place.name);
  cells[8].tail = hd_finding_where(findings->view, &place);
  cells[9] = hd_cell_text(place.name);
  cells[10] = text_or_nothing(place.file);
  cells[11] = place.line ? hd_cell_count(place.line, false) : (struct hd_cell){0};
  if (!cells[8].tail)
    return hd_fail_memory(findings->error);
  if (check->site == HD_THE_TOTAL)
    return true;
  const struct hd_site *site = &check->sites->items.items[check->site];
  bool alone = check->comparison->one_process || !check->comparison->before.rows.count;
  cells[7] = alone ? (struct hd_cell){0}
                   : hd_cell_text(site->is_new ? "new" : hd_match_names[site->level]);
  cells[12] = hd_amount_cell(check->sites->measure, site->moved, false);
  cells[13] = hd_amount_cell(check->sites->measure, site->hidden_after, false);
  return true;
}

static bool add_row(struct hd_findings *findings, const struct hd_gate_check *check)
{
  enum hd_measure measure = check->sites->measure;
  enum hd_tone tone = check->outcome == HD_GATE_FAIL ? HD_TONE_GREW : HD_TONE_PLAIN;
  struct hd_cell *cells = hd_grid_add_row(findings->view, tone);
  if (!cells)
    return hd_fail_memory(findings->error);
  cells[0] = hd_cell_text(outcomes[check->outcome]);
  cells[1] = hd_amount_cell(measure, check->growth, true);
  if (check->error > 0) {
    cells[2] = hd_amount_cell(measure, HD_NORMAL_95 * check->error, false);
    cells[2].interval = true;
  }
  cells[3] = hd_amount_cell(measure, check->before.value, false);
  cells[4] = hd_amount_cell(measure, check->after.value, false);
  cells[5] = isfinite(check->allowed) ? hd_amount_cell(measure, check->allowed, false)
                                      : (struct hd_cell){0};
  cells[6] = hd_cell_text(hd_rules[check->budget.rule].name);
  cells[14] = (struct hd_cell){.kind = HD_CELL_NUMBER, .number = check->p};
  return fill_site(findings, check, cells);
}

bool hd_findings_grid(struct hd_findings *findings)
{
  const struct hd_gate *gate = findings->options->gate;
  size_t count = gate->checks.count, passed = 0;
  HD_SCOPED_FREE const struct hd_gate_check **order = hd_alloc_zeroed(count, sizeof *order);
  if (!order)
    return hd_fail_memory(findings->error);
  for (size_t i = 0; i < COLUMNS; i++)
    if (!hd_vec_push(&findings->view->grid.columns, columns[i]))
      return hd_fail_memory(findings->error);
  for (size_t i = 0; i < count; i++)
    order[i] = &gate->checks.items[i];
  if (count)
    qsort(order, count, sizeof *order, by_outcome);
  for (size_t i = 0; i < count; i++) {
    bool ok = order[i]->outcome == HD_GATE_PASS;
    if (ok && findings->options->keep && order[i]->site != HD_THE_TOTAL &&
        passed++ >= findings->options->keep)
      continue;
    if (!add_row(findings, order[i]))
      return false;
  }
  return true;
}
