/* Where the agent is. */
#ifndef HD_RECORD_AGENT_PATH_H
#define HD_RECORD_AGENT_PATH_H

#include "base/error.h"

#include <limits.h>

#define HD_AGENT_FILE "libheapdiff-agent.so"

/* Fills `path` with the agent's absolute path: `wanted` if it is not NULL, else
 * $HEAPDIFF_AGENT, else beside the running executable (the build tree, then
 * ../lib* of an installation that was moved), else where it was installed. One
 * that was asked for by name is never replaced by another. */
bool hd_agent_path(const char *wanted, char path[PATH_MAX], struct hd_error *error);

#endif
