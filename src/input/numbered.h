/* "FILE@N": one snapshot of a file that holds a series, by its number there. */
#ifndef HD_INPUT_NUMBERED_H
#define HD_INPUT_NUMBERED_H

#include "input/source.h"

/* Whether a handle stands for one snapshot of its file; its number then. */
bool hd_handle_number(const struct hd_handle *handle, int64_t *number);

#endif
