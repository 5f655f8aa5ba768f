/* What may grow, and by how much: "1MiB", "5%", "10MB/h". */
#ifndef HD_GATE_BUDGET_H
#define HD_GATE_BUDGET_H

#include "base/error.h"
#include "model/measure.h"

enum hd_rule {
#define HD_RULE(id, ...) HD_RULE_##id,
#include "gate/rules.def"
#undef HD_RULE
  HD_RULES
};

struct hd_rule_info {
  const char *name;
  enum hd_measure measure;
  bool sites, total;
};

extern const struct hd_rule_info hd_rules[HD_RULES];

/* HD_RULES where there is none of that name; '_' counts as '-'. */
enum hd_rule hd_rule_find(const char *name);

enum hd_budget_kind { HD_BUDGET_AMOUNT, HD_BUDGET_SHARE, HD_BUDGET_RATE, HD_BUDGET_TIME };

struct hd_budget {
  enum hd_rule rule;
  enum hd_budget_kind kind;
  double amount;    /* bytes or objects; of a SHARE a ratio; of a RATE an hour; of
                     * a TIME hours */
  const char *text; /* as it was written; the caller's */
};

/* Sizes have the suffixes k, M, G, T (kB, KiB, ...; 1024-based), counts have none; "%"
 * makes a share, "/s", "/min", "/h" or "/d" a rate. MIN_TIME_TO_LIMIT takes a time ("24h").
 * False: `wrong` says what is wanted. */
bool hd_budget_parse(enum hd_rule rule, const char *text, struct hd_budget *budget,
                     const char **wrong);

/* Whether it needs to know how long a process ran. */
bool hd_budget_is_timed(const struct hd_budget *budget);

#endif
