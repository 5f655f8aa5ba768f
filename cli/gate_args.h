/* What `check` gates by. */
#ifndef HEAPDIFF_CLI_GATE_ARGS_H
#define HEAPDIFF_CLI_GATE_ARGS_H

#include "options.h"

#include <heapdiff/check.h>

struct gate_args {
  struct text_list baselines, fail_on, suppressions;
  struct text_list max_growth, max_total_growth, max_objects, max_churn, max_goroutines,
      max_leaked;
  const char *min_time_to_limit, *config, *confidence;
  bool no_config;
  uint64_t limit;
};
extern const struct option_row gate_rows[];

/* The budgets as the library takes them. */
struct gate_budgets {
  struct hd_check_budget *items;
};

/* Points into `args`; to be released after use. False where a value is wrong, which has
 * been said. */
bool gate_options(const struct gate_args *args, struct hd_check_options *options,
                  struct gate_budgets *budgets);
void gate_options_release(struct gate_budgets *budgets);

#endif
