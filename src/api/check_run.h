/* What a check needs while it runs, and what its files share. */
#ifndef HD_API_CHECK_RUN_H
#define HD_API_CHECK_RUN_H

#include "api/session.h"
#include "gate/gate.h"
#include "gate/suppress.h"

#include <heapdiff/check.h>

/* A run of a program: its snapshots by stack, wrappers kept. */
struct hd_check_series {
  hd_session *session; /* of its own; NULL: the caller's */
  struct hd_series series;
  const char *name;    /* as it was named */
};

struct hd_check_run {
  struct hd_session *session;
  struct hd_filters filters;
  struct hd_pool *pool;
  struct hd_side_frames frames;
  struct hd_suppressions suppressions;
  HD_VEC(struct hd_check_series) runs; /* the base's, then what is gated */
  size_t bases;                        /* of them */
  struct hd_comparison across, within;
  bool has_within;
  const char *baseline;                /* the file that the base is from; NULL: from runs */
  const char *before, *after;          /* in words */
  const char *measure;                 /* that is asked for first; NULL none */
  int64_t pid;                         /* of what is gated, 0 any */
  const char *program;                 /* of the first that was read, by name; NULL unknown: of
                                        * several others in a directory that one is taken */
};

bool hd_check_run_init(struct hd_check_run *run, struct hd_session *session,
                       struct hd_error *error);
void hd_check_run_deinit(struct hd_check_run *run);

/* Reads a run: one path, or several of one series; none: what was remembered. */
bool hd_check_load_run(struct hd_check_run *run, const char *const *paths, size_t count,
                       struct hd_error *error);

/* A baseline file into an empty side; errors name it. */
bool hd_check_read_baseline(struct hd_side *side, const char *path, struct hd_error *error);

/* Whose a baseline file is; NULL unknown. */
const char *hd_check_program(const struct hd_side *side);

/* Fills the comparisons. `wants_within`: rates are asked for. */
bool hd_check_load(struct hd_check_run *run, const char *const *paths, size_t count,
                   const char *const *baselines, size_t baseline_count, bool wants_within,
                   struct hd_error *error);

/* The last run's series. */
const struct hd_series *hd_check_newest(const struct hd_check_run *run);

#endif
