/* Where a running process finds the agent, and where it writes its snapshots: a process may
 * have another view of the files (a container, a private /tmp, chroot), or be another
 * user's. */
#ifndef HD_RECORD_REACH_H
#define HD_RECORD_REACH_H

#include "attach/process.h"
#include "base/strings.h"
#include "record/output_directory.h"

/* In a directory of a process's own: the output directory into which its files are fetched. */
#define HD_REACH_MARK ".fetched-into"

struct hd_reach {
  pid_t pid;
  uid_t uid; /* that the process opens files as */
  gid_t gid;
  int root;             /* its root directory */
  char agent[PATH_MAX]; /* as the process sees it */
  /* A directory of the process's own, out of which the snapshots are fetched; where it
   * writes straight to the output directory `apart` is "". */
  char apart[64]; /* as the process sees it */
  char name[32];  /* in its parent */
  int parent_fd, apart_fd;
  bool copied;               /* the agent lies there, too */
  off_t logged;              /* bytes of the agent's log that were fetched */
  struct hd_strings fetched; /* names of snapshots */
  uint64_t thinned;          /* snapshots that were deleted again as the agent deleted them */
};

#define HD_REACH_INIT                                                                              \
  {                                                                                                \
    .root = -1, .parent_fd = -1, .apart_fd = -1                                                    \
  }

/* Opens its view of the files. */
bool hd_reach_open(pid_t pid, const struct hd_process_status *status, struct hd_reach *reach,
                   struct hd_error *error);
/* Fills `agent`: the file itself where the process can read it, else a copy. */
bool hd_reach_agent(struct hd_reach *reach, const char *agent, struct hd_error *error);
/* Removes the copy: what is mapped stays. */
void hd_reach_forget_agent(struct hd_reach *reach);

/* Whether the process sees the output directory under its name. */
bool hd_reach_sees(const struct hd_reach *reach, const char *path);
/* Makes the directory of its own, unless it is there already, and marks it. */
bool hd_reach_make_apart(struct hd_reach *reach, const struct hd_output_directory *directory,
                         struct hd_error *error);
/* Fetches what is finished there into the output directory. `thinned`: snapshots that the
 * agent says it has thinned out. False: a file could not be fetched, and stays where it is;
 * errno says why. */
bool hd_reach_fetch(struct hd_reach *reach, const struct hd_output_directory *directory,
                    uint64_t thinned);
/* Removes the directory, unless there is something left in it. */
void hd_reach_close(struct hd_reach *reach);

#endif
