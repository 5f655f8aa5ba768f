/* What the files of kept snapshots share. */
#ifndef HD_API_KEPT_STATE_H
#define HD_API_KEPT_STATE_H

#include "analysis/judged.h"
#include "analysis/survey.h"
#include "api/kept.h"
#include "base/parallel.h"
#include "base/stop.h"

#include <sys/stat.h>

/* Which contents of a file were read: an equal one need not be read again. */
struct version {
  bool known;
  dev_t device;
  ino_t inode;
  off_t size;
  struct timespec changed;
};

struct kept_snapshot {
  const char *name; /* of the file; the session's */
  uint64_t reading; /* the same of all that one reading of the file gave */
  size_t claim;     /* while others are read: number of the file that has it, from 1 on */
  struct version version;
  uint64_t serial; /* of this reading of this snapshot; 0: moved away */
  struct hd_tally tally;
  struct hd_point facts;
};

struct kept_fold {
  struct hd_fold_spec spec; /* its texts are copies of this */
  char *texts[4];
  struct hd_filters filters;
  struct hd_series series;
  struct hd_survey *survey; /* NULL: not yet */
  struct hd_judged judged;  /* of the series */
  uint64_t used;            /* when, by a count of questions */
  bool failed;              /* for want of memory: it is to be made anew */
};

/* A few questions in turn, of a list and a top for instance, do not push each other out. */
enum { MAX_FOLDS = 8 };

typedef HD_VEC(struct kept_snapshot) snapshot_list;

/* Who folds, in some threads: one at a time. */
struct folder {
  unsigned jobs;
  struct hd_survey_sums sums[HD_MOST_PARTS];
};

void hd_folder_deinit(struct folder *folder);

struct hd_ahead;

struct hd_kept_set {
  struct hd_pool *pool;
  struct hd_first first;
  struct hd_contexts contexts; /* of all snapshots */
  struct hd_filters no_filters;
  struct hd_frames frames; /* with these: of all frames of the pool */
  snapshot_list snapshots;
  struct kept_fold *folds[MAX_FOLDS];
  struct folder folder;   /* when somebody asks */
  struct hd_ahead *ahead; /* NULL: nothing was prepared */
  uint64_t questions, readings, serials;
  HD_VEC(uint32_t) names; /* strings of the pool: the functions, by name */
  size_t frames_named;    /* of the pool, when `names` was made */
};

/* --- kept_folds.c ------------------------------------------------------------------- */

/* The fold that is wanted, found or made; NULL on error. */
struct kept_fold *hd_kept_fold(struct hd_session *session, const struct hd_fold_spec *spec,
                               struct hd_error *error);
/* Whether all snapshots are in it. */
bool hd_kept_fold_done(const struct hd_kept_set *kept, const struct kept_fold *fold);
/* Folds the snapshots that are not in it yet, some at the same time; touches nothing but the
 * fold. Where it is stopped (*stopped) what is in it is good, and it can go on later; after
 * an error it has failed. */
bool hd_kept_fold_on(const struct hd_kept_set *kept, struct kept_fold *fold, struct folder *folder,
                     const struct hd_stop *stop, bool *stopped, struct hd_error *error);
/* Judges a fold that is done, unless it is judged so already. Where it fails or is stopped
 * the question that needs it does so again, and tells. */
void hd_kept_fold_judge(struct kept_fold *fold, const struct hd_kept_judging *judging,
                        const struct hd_stop *stop);
/* All of them; nobody works on one. */
void hd_kept_folds_drop(struct hd_kept_set *kept);

/* --- kept_ahead.c: folding in the background ---------------------------------------- */

/* In the background, after what was wanted before. */
bool hd_ahead_want(struct hd_session *session, struct kept_fold *fold,
                   const struct hd_kept_judging *judging);
/* From now on the caller alone works on this fold, and others are left, until
 * hd_ahead_go_on. What is being done on it is waited for, unless `stop` ends that: false. */
bool hd_ahead_take(struct hd_kept_set *kept, struct kept_fold *fold, const struct hd_stop *stop);
/* The fold is wanted no more, and nobody works on it. */
void hd_ahead_drop(struct hd_kept_set *kept, struct kept_fold *fold);
void hd_ahead_go_on(struct hd_kept_set *kept);
/* Nothing is wanted any more, and nobody works. */
void hd_ahead_stop(struct hd_kept_set *kept);
void hd_ahead_destroy(struct hd_kept_set *kept);

#endif
