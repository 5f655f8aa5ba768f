/* Ending a recording: in the process, and in the processes that it has started meanwhile. */
#ifndef HD_RECORD_DETACH_H
#define HD_RECORD_DETACH_H

#include "record/control.h"

/* Each gets a last snapshot. What a child says no with is its own matter: it may end just
 * then. */
bool hd_detach_all(const struct hd_control_client *client, struct hd_error *error);

#endif
