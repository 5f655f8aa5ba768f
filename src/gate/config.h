/* heapdiff.json: what is gated, kept beside the program. heapdiff-check(5) has it. */
#ifndef HD_GATE_CONFIG_H
#define HD_GATE_CONFIG_H

#include "gate/gate.h"

struct hd_texts {
  const char **items;
  size_t count, capacity;
};

struct hd_gate_config {
  struct hd_arena arena; /* all texts */
  HD_VEC(struct hd_budget) budgets;
  HD_VEC(struct hd_gate_exception) exceptions;
  struct hd_texts fail_on;
  struct hd_texts baselines, suppressions; /* names of files, as they are to be opened */
  double confidence;                       /* 0: not given */
  int64_t limit;
};

/* Reads a config; `path` says where it lies: names of files in it are relative to that. A
 * mistake is an error of kind usage with its line and column. */
bool hd_gate_config_read(struct hd_gate_config *config, const char *path, const char *text,
                         size_t length, struct hd_error *error);
void hd_gate_config_deinit(struct hd_gate_config *config);

#endif
