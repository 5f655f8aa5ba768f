/* The gate: every budget against every call site and the total, with one chance of a
 * false alarm for all of them together. */
#ifndef HD_GATE_GATE_H
#define HD_GATE_GATE_H

#include "analysis/sites.h"
#include "gate/budget.h"
#include "gate/chance.h"

/* Two sides of which one is to be no larger than the other: two builds, or one process at
 * two times. */
struct hd_comparison {
  struct hd_side before, after;
  struct hd_match match;
  struct hd_sites sites[HD_MEASURES]; /* where `has` */
  bool has[HD_MEASURES];
  bool one_process;
  double hours; /* between the two, of one process; 0 unknown */
  double room;  /* to the process's limit; for budgets of time */
};

/* Matches the sides and sums by site, for each measure that both have. */
bool hd_comparison_finish(struct hd_comparison *comparison, struct hd_error *error);
void hd_comparison_deinit(struct hd_comparison *comparison);

/* Call sites with budgets of their own; expressions that are NULL match all. */
struct hd_gate_exception {
  struct hd_regex *function, *file, *module;
  HD_VEC(struct hd_budget) budgets; /* of their rules these alone count */
  const char *reason;               /* NULL none */
};

enum hd_outcome { HD_GATE_PASS, HD_GATE_NOISE, HD_GATE_FAIL };

enum { HD_THE_TOTAL = UINT32_MAX };

struct hd_gate_check {
  struct hd_budget budget;
  const struct hd_gate_exception *exception; /* that the budget is of; NULL */
  const struct hd_comparison *comparison;
  const struct hd_sites *sites;
  uint32_t site;                 /* HD_THE_TOTAL */
  struct hd_level before, after; /* without what is hidden; what moved here is in `before` */
  struct hd_level went, came;    /* what chance is about: of one process its objects that came
                                  * and went, else the same as before and after */
  double growth, error, allowed; /* standard error; in the measure's unit */
  double p;
  enum hd_outcome outcome;
  uint64_t settle_rate; /* of a NOISE: sampling interval that would settle it; 0 none */
  size_t settle_runs;   /* how many runs of each side would; 0: too many */
};

struct hd_gate {
  const struct hd_budget *budgets;
  size_t budget_count;
  const struct hd_gate_exception *exceptions;
  size_t exception_count;
  double error;                        /* chance of a false alarm, over all checks */
  const struct hd_comparison *across;  /* what is gated */
  const struct hd_comparison *within;  /* for rates; NULL: there is no time */
  HD_VEC(struct hd_gate_check) checks; /* that are over their budget, or could be */
  double needed;                       /* p that the first of the checks needs */
};

bool hd_gate_run(struct hd_gate *gate, struct hd_error *error);
void hd_gate_deinit(struct hd_gate *gate);

/* What a growth that is hidden in a comparison comes to. */
double hd_hidden_growth(const struct hd_sites *sites);

#endif
