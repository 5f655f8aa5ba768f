/* `--fail-on leaking`: call sites of a series by their verdict. */
#ifndef HD_GATE_VERDICTS_H
#define HD_GATE_VERDICTS_H

#include "analysis/judge.h"

struct hd_gate_verdict {
  uint32_t row;
  struct hd_judgement judgement;
  double before, after;
  uint32_t suppression; /* that hides the site; 0 none */
};

struct hd_gate_verdicts {
  const struct hd_series *series; /* by site, of five points or more; NULL: none are asked for */
  enum hd_measure measure;
  unsigned wanted; /* a bit for each enum hd_verdict */
  HD_VEC(struct hd_gate_verdict) found;
};

/* Those of the wanted verdicts whose growth is no chance either: with this error over all
 * rows at once (Bonferroni). Growth by old objects alone has passed a test of its own. */
bool hd_gate_verdicts_find(struct hd_gate_verdicts *verdicts, double error_rate,
                           struct hd_error *error);
void hd_gate_verdicts_deinit(struct hd_gate_verdicts *verdicts);

#endif
