#include "record/agent_path.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef HEAPDIFF_AGENT_INSTALLED
#define HEAPDIFF_AGENT_INSTALLED "/usr/local/lib/heapdiff/" HD_AGENT_FILE
#endif

static bool usable(const char *candidate, char path[PATH_MAX])
{
  struct stat info;
  if (!realpath(candidate, path) || stat(path, &info) != 0)
    return false;
  if (!S_ISREG(info.st_mode)) {
    errno = EINVAL;
    return false;
  }
  return access(path, R_OK) == 0;
}

static bool asked_for(const char *candidate, const char *how, char path[PATH_MAX],
                      struct hd_error *error)
{
  if (usable(candidate, path))
    return true;
  hd_fail_usage(error, "the agent that %s names cannot be used: %s", how, strerror(errno));
  return hd_error_in(error, candidate);
}

/* The first match of a pattern below the executable's directory. The directory
 * is a name and not part of the pattern, so its own special characters are
 * escaped. */
static bool beside(const char *directory, const char *pattern, char path[PATH_MAX])
{
  char full[2 * PATH_MAX + 128];
  size_t at = 0;
  for (const char *c = directory; *c; c++) {
    if (strchr("*?[]\\{}~", *c))
      full[at++] = '\\';
    full[at++] = *c;
  }
  snprintf(full + at, sizeof full - at, "/%s", pattern);
  glob_t found;
  if (glob(full, 0, NULL, &found) != 0)
    return false;
  bool good = false;
  for (size_t i = 0; i < found.gl_pathc && !good; i++)
    good = usable(found.gl_pathv[i], path);
  globfree(&found);
  return good;
}

static bool executable_directory(char out[PATH_MAX])
{
  ssize_t length = readlink("/proc/self/exe", out, PATH_MAX - 1);
  if (length <= 0)
    return false;
  out[length] = '\0';
  char *slash = strrchr(out, '/');
  if (!slash)
    return false;
  *slash = '\0';
  return true;
}

bool hd_agent_path(const char *wanted, char path[PATH_MAX], struct hd_error *error)
{
  static const char *const patterns[] = {
      "src/agent/" HD_AGENT_FILE,
      "../lib*/heapdiff/" HD_AGENT_FILE,
      "../lib/*-linux-*/heapdiff/" HD_AGENT_FILE,
  };
  if (wanted)
    return asked_for(wanted, "the caller", path, error);
  const char *environment = getenv("HEAPDIFF_AGENT");
  if (environment && environment[0])
    return asked_for(environment, "$HEAPDIFF_AGENT", path, error);
  char directory[PATH_MAX];
  if (executable_directory(directory))
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
      if (beside(directory, patterns[i], path))
        return true;
  if (usable(HEAPDIFF_AGENT_INSTALLED, path))
    return true;
  return hd_fail_usage(error, "the agent (" HD_AGENT_FILE ") was not found beside the program nor "
                              "at " HEAPDIFF_AGENT_INSTALLED ": install heapdiff whole, or set "
                              "HEAPDIFF_AGENT to its path");
}
