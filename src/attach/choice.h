/* Which threads of a process to stop, and in which order. */
#ifndef HD_ATTACH_CHOICE_H
#define HD_ATTACH_CHOICE_H

#include "base/vec.h"

#include <sys/types.h>

struct hd_choice {
  pid_t tid;
  int rank; /* lower: more likely to be at a safe point */
};

typedef HD_VEC(struct hd_choice) hd_choices;

/* Its threads, the likely ones first; those that cannot be stopped, or are no threads of
 * the program's own, are left out. False: memory is short. `round` turns the order of those
 * that are equally likely. */
bool hd_choices_read(pid_t pid, unsigned round, hd_choices *choices);

#endif
