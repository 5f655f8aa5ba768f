#include "gate_args.h"

#include "messages.h"

#include <stdlib.h>

const struct option_row gate_rows[] = {
    {LIST_AT(struct gate_args, baselines), .name = "baseline", .metavar = "FILE", .path = true,
     .help = "what to compare with: a baseline file, or a run's snapshots; may be repeated, a run "
             "each"},
    {LIST_AT(struct gate_args, max_growth), .name = "max-growth", .metavar = "BUDGET",
     .help = "what a call site, and all of them together, may gain: 1MiB, 5% (of the base's "
             "total), 10MB/h; may be repeated, as all budgets (default: 1MiB, where there is no "
             "other)"},
    {LIST_AT(struct gate_args, max_total_growth), .name = "max-total-growth", .metavar = "BUDGET",
     .help = "the same of all call sites together, where that is another"},
    {LIST_AT(struct gate_args, max_objects), .name = "max-objects", .metavar = "BUDGET",
     .help = "the same in objects: 1000, 5%, 100/h"},
    {LIST_AT(struct gate_args, max_churn), .name = "max-churn", .metavar = "BUDGET",
     .help = "the same of all that was ever allocated"},
    {LIST_AT(struct gate_args, max_goroutines), .name = "max-goroutines", .metavar = "BUDGET",
     .help = "the same in goroutines (default: 10, of goroutine profiles)"},
    {LIST_AT(struct gate_args, max_leaked), .name = "max-leaked", .metavar = "BUDGET",
     .help = "the same of bytes in a report of leaks, which may stand alone (default: 0)"},
    {TEXT_AT(struct gate_args, min_time_to_limit), .name = "min-time-to-limit", .metavar = "TIME",
     .help = "how far off the process's limit is to be at the rate of growth: 24h, 7d"},
    {SIZE_AT(struct gate_args, limit), .name = "limit", .metavar = "SIZE", .least = 1,
     .help = "that limit; by default the one that the process had, where known"},
    {LIST_AT(struct gate_args, fail_on), .name = "fail-on", .metavar = "VERDICT",
     .help = "fail on call sites of this verdict, too; needs five snapshots of a process",
     .words = hd_verdict_name},
    {TEXT_AT(struct gate_args, confidence), .name = "confidence", .metavar = "NUMBER",
     .help = "how sure a regression is to be, over all that is checked (default: 0.999)"},
    {LIST_AT(struct gate_args, suppressions), .name = "suppressions", .metavar = "FILE",
     .path = true, .help = "growth that is known, as LeakSanitizer has it; may be repeated"},
    {TEXT_AT(struct gate_args, config), .name = "config", .metavar = "FILE", .path = true,
     .help = "budgets and more as JSON; by default heapdiff.json, where there is one"},
    {FLAG_AT(struct gate_args, no_config), .name = "no-config",
     .help = "do not read heapdiff.json"},
    OPTION_ROWS_END,
};

enum { LISTS = 6 };

static bool take_confidence(const char *text, double *confidence)
{
  char *end;
  *confidence = strtod(text, &end);
  return end != text && !*end && *confidence >= .5 && *confidence < 1;
}

bool gate_options(const struct gate_args *args, struct hd_check_options *options,
                  struct gate_budgets *budgets)
{
  const struct {
    const char *rule;
    const struct text_list *list;
  } lists[LISTS] = {{"max-growth", &args->max_growth},
                    {"max-total-growth", &args->max_total_growth},
                    {"max-objects", &args->max_objects},
                    {"max-churn", &args->max_churn},
                    {"max-goroutines", &args->max_goroutines},
                    {"max-leaked", &args->max_leaked}};
  size_t count = args->min_time_to_limit != NULL;
  *budgets = (struct gate_budgets){NULL};
  *options = (struct hd_check_options){
      .config = args->config,
      .no_config = args->no_config,
      .baselines = args->baselines.items,
      .baseline_count = args->baselines.count,
      .fail_on = args->fail_on.items,
      .fail_on_count = args->fail_on.count,
      .suppressions = args->suppressions.items,
      .suppression_count = args->suppressions.count,
      .limit = (int64_t)args->limit,
  };
  if (args->confidence && !take_confidence(args->confidence, &options->confidence)) {
    message_of("check", "--confidence takes a number from 0.5 to below 1, such as 0.999, not '%s'",
               args->confidence);
    return false;
  }
  for (size_t i = 0; i < LISTS; i++)
    count += lists[i].list->count;
  budgets->items = calloc(count ? count : 1, sizeof *budgets->items);
  if (!budgets->items) {
    message("out of memory");
    return false;
  }
  options->budgets = budgets->items;
  for (size_t i = 0; i < LISTS; i++)
    for (size_t n = 0; n < lists[i].list->count; n++)
      budgets->items[options->budget_count++] =
          (struct hd_check_budget){lists[i].rule, lists[i].list->items[n]};
  if (args->min_time_to_limit)
    budgets->items[options->budget_count++] =
        (struct hd_check_budget){"min-time-to-limit", args->min_time_to_limit};
  return true;
}

void gate_options_release(struct gate_budgets *budgets)
{
  free(budgets->items);
}
