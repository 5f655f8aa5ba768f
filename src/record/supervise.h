/* Standing between the recorded process and whoever started record. */
#ifndef HD_RECORD_SUPERVISE_H
#define HD_RECORD_SUPERVISE_H

#include "base/error.h"
#include "record/watch.h"

#include <signal.h>
#include <sys/types.h>

/* The signals of the calling thread while a program is recorded. */
struct hd_signals {
  int fd;                        /* signalfd */
  sigset_t set;                  /* what is blocked and read from it */
  sigset_t mask;                 /* as they were before */
  struct sigaction child_action; /* of SIGCHLD, as it was before */
};

/* Blocks every signal that is to be passed on, before the program starts, so
 * that none is lost. The caller's dispositions are not touched, except SIGCHLD's
 * while recording (an ignored one would hide how the program ended). */
bool hd_signals_begin(struct hd_signals *signals, struct hd_error *error);
/* Puts everything back; a pending signal that was read already is not delivered
 * again. */
void hd_signals_end(struct hd_signals *signals);

/* Waits until `pid` has ended and is reaped; passes signals on meanwhile, and
 * serves the watch. *status is as waitpid gives it.
 *
 * A signal that a process sent to record alone goes on to the program. One from
 * the terminal (SIGINT, SIGQUIT, SIGHUP, SIGWINCH, SIGTSTP) reached the whole
 * foreground group, so the program has it already; nor is one sent back that the
 * program itself sent. On SIGTSTP record stops, too, so that the shell's job
 * control sees the job stopped. */
bool hd_supervise(pid_t pid, struct hd_signals *signals, struct hd_watch *watch, int *status,
                  struct hd_error *error);

#endif
