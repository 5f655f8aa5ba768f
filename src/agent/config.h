/* The agent's settings, copied out of the environment before the program can
 * overwrite it (setproctitle does). */
#ifndef HD_AGENT_CONFIG_H
#define HD_AGENT_CONFIG_H

#include "protocol.h"

#include <stdbool.h>
#include <stdint.h>

enum { HD_PATH_BYTES = 4096 };

struct hd_config {
  char directory[HD_PATH_BYTES]; /* "" : the agent stays off */
  char status[HD_PATH_BYTES];    /* "" : none */
  struct hd_settings set;
  uint64_t seed; /* 0: none was given */
  bool off;      /* to be dormant */
  /* A variable that is not understood, with its value; "" all are. The agent stays
   * off then. */
  char misunderstood[256];
};

extern struct hd_config hd_config;

void hd_config_read(char *const *environment);
/* The same from a text with a variable a line, which is taken apart. */
void hd_config_read_lines(char *text);

#endif
