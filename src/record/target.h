/* The recorded process: its environment and its start. */
#ifndef HD_RECORD_TARGET_H
#define HD_RECORD_TARGET_H

#include "agent/protocol.h"
#include "base/error.h"

#include <signal.h>
#include <sys/types.h>

struct hd_target {
  const char *path; /* to execute */
  char *const *argv;
  bool shell;            /* run by /bin/sh where the kernel does not know the format */
  const char *agent;     /* absolute */
  const char *directory; /* absolute; NULL: the agent is to be dormant */
  const char *status;    /* path of the status memory */
  struct hd_settings settings;
  /* What the process gets back, whatever record changed for itself; NULL: nothing. */
  const sigset_t *mask;
  const struct sigaction *child_action; /* of SIGCHLD */
};

/* Starts it and waits until it has become the program: when this returns true,
 * execve has succeeded. On failure *exit_code is 125, 126 or 127. */
bool hd_target_start(const struct hd_target *target, pid_t *pid, int *exit_code,
                     struct hd_error *error);

/* Becomes it, and returns, false, only where that fails. */
bool hd_target_become(const struct hd_target *target, int *exit_code, struct hd_error *error);

#endif
