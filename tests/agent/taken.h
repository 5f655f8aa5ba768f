/* Waiting for the agent's snapshots, however busy the machine is: their number tells, and no
 * clock. To be included once a program. */
#ifndef TAKEN_H
#define TAKEN_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TAKEN_PATIENCE_MS = 120000, TAKEN_PAUSE_MS = 5 };

/* The number behind the last point but one of NAME.PID.000001.heapdiff, and one: so many there
 * were, whichever of them were deleted since. 0: another process's, or a hidden one. */
static inline int taken_by_name(const char *name, const char *process)
{
  const char *suffix = strstr(name, ".heapdiff");
  if (name[0] == '.' || !suffix || !strstr(name, process))
    return 0;
  while (suffix > name && suffix[-1] != '.')
    suffix--;
  return atoi(suffix) + 1;
}

/* By this process, or, `all`, the number of files of every one. */
static inline int taken(const char *place, int all)
{
  char process[32];
  DIR *directory = opendir(place);
  int found = 0;
  snprintf(process, sizeof process, ".%d.", (int)getpid());
  for (struct dirent *entry; directory && (entry = readdir(directory));) {
    int number = taken_by_name(entry->d_name, process);
    if (all)
      found += entry->d_name[0] != '.';
    else if (number > found)
      found = number;
  }
  if (directory)
    closedir(directory);
  return found;
}

static inline void wait_for_taken(int wanted, int all)
{
  const char *place = getenv("HEAPDIFF_DIR"); /* NULL: without the agent */
  for (int ms = 0; place && taken(place, all) < wanted; ms += TAKEN_PAUSE_MS) {
    if (ms > TAKEN_PATIENCE_MS) {
      fprintf(stderr, "%d snapshots do not come\n", wanted);
      abort();
    }
    usleep(TAKEN_PAUSE_MS * 1000);
  }
}

/* Until the agent has written so many snapshots of this process. */
static inline void wait_until_taken(int wanted)
{
  wait_for_taken(wanted, 0);
}

#endif
