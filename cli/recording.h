/* Recording a program on the way to a question about it: `check -- PROGRAM`. */
#ifndef HEAPDIFF_CLI_RECORDING_H
#define HEAPDIFF_CLI_RECORDING_H

#include "options.h"

struct recording_args {
  const char *directory;
  uint64_t rate;
  struct duration interval;
  int64_t max_frames;
};
extern const struct option_row recording_rows[];

struct recording {
  char directory[4096]; /* that the snapshots are in */
  const char *program;
  int exit_status;      /* the program's, 128+N where signal N ended it */
};

/* Where "--" stands in the arguments; `argc`: nowhere. */
int recording_split(int argc, char **argv);
/* Runs the program and says what was lost. Not 0: nothing was recorded, that is said, and
 * it is the exit code. */
int recording_run(const struct recording_args *args, char **program, struct recording *recording);
/* That the program failed, which is passed on. */
void recording_say_failure(const struct recording *recording);

#endif
