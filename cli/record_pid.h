/* `heapdiff record --pid PID`: messages and the closing summary. */
#ifndef HEAPDIFF_CLI_RECORD_PID_H
#define HEAPDIFF_CLI_RECORD_PID_H

#include "command.h"

#include <heapdiff/record_pid.h>

/* Options of a running process, and of a program to be attached to later. */
struct record_pid_args {
  int64_t pid; /* 0: none */
  bool detach, dormant;
  struct duration attach_timeout;
};
extern const struct option_row record_pid_rows[];

/* Records the process; the rest of `options` is what the other options of record say.
 * Returns the exit code; what is wrong is said. */
int record_pid(struct hd_pid_options *options, const struct record_pid_args *args, bool quiet,
               struct hd_pid_result *result);
/* That it has begun. */
void record_pid_say_attached(const struct hd_attached *attached);
/* The closing summary. */
void record_pid_say(const struct record_pid_args *args, const struct hd_pid_result *result,
                    bool quiet);
/* `--detach` */
int record_detach(const struct record_pid_args *args, bool quiet);

#endif
