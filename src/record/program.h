/* The program to be recorded: found as execvp(3) finds it, and looked at before
 * it starts, so that a program in which the agent cannot work is refused with
 * the reason instead of running unrecorded. */
#ifndef HD_RECORD_PROGRAM_H
#define HD_RECORD_PROGRAM_H

#include "base/error.h"

#include <limits.h>

struct hd_program {
  char path[PATH_MAX]; /* what to execute */
  bool go;             /* written in Go, with a heap of its own that the agent does not see */
  bool shell;          /* no "#!" and not ELF: a script for /bin/sh if the kernel refuses it */
};

/* Finds `name` along PATH (one with a slash is taken as it is) and checks that
 * the agent at `agent` can be loaded into it: dynamically linked with glibc, of
 * the agent's architecture, not run with more privileges than the caller's. Of a
 * script the interpreter is checked. On failure *exit_code is 126 (it cannot be
 * run or recorded) or 127 (not found), and `error` says what to do. */
bool hd_program_find(const char *name, const char *agent, struct hd_program *program,
                     int *exit_code, struct hd_error *error);

#endif
