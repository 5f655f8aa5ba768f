/* The status memory of protocol.h, record's side. */
#ifndef HD_RECORD_STATUS_H
#define HD_RECORD_STATUS_H

#include "agent/protocol.h"
#include "base/error.h"

struct hd_status {
  int fd;
  struct hd_agent_status *shared; /* read the counters with hd_status_read */
  char path[64];                  /* under which the target opens it */
};

#define HD_STATUS_INIT                                                                             \
  {                                                                                                \
    -1, NULL, ""                                                                                   \
  }

bool hd_status_create(struct hd_status *status, struct hd_error *error);
/* A copy of the counters as they are now. */
struct hd_agent_status hd_counters_read(const struct hd_agent_status *shared);
struct hd_agent_status hd_status_read(const struct hd_status *status);
/* Processes that still have it mapped keep it. */
void hd_status_close(struct hd_status *status);

#endif
