#include "config.h"

#include "files.h"
#include "protocol.h"

#include <stddef.h>
#include <string.h>

#define RATE_MAX (UINT64_C(1) << 50)
#define INTERVAL_MAX (UINT64_C(1) << 40)

struct hd_config hd_config;

static const char *lookup(char *const *environment, const char *name)
{
  size_t length = strlen(name);
  for (; *environment; environment++)
    if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
      return *environment + length + 1;
  return "";
}

/* Digits alone, or the default. */
static uint64_t number(const char *text, uint64_t otherwise, uint64_t max)
{
  uint64_t value = 0;
  if (!*text)
    return otherwise;
  for (; *text; text++) {
    if (*text < '0' || *text > '9')
      return otherwise;
    value = value * 10 + (uint64_t)(*text - '0');
    if (value > max)
      return max;
  }
  return value;
}

void hd_config_read(char *const *environment)
{
  const char *directory = lookup(environment, HD_ENV_DIRECTORY);
  uint64_t frames =
      number(lookup(environment, HD_ENV_MAX_FRAMES), HD_DEFAULT_MAX_FRAMES, HD_MAX_MAX_FRAMES);
  if (directory[0] != '/' || !hd_text_copy(hd_config.directory, HD_PATH_BYTES, directory))
    hd_config.directory[0] = '\0';
  if (!hd_text_copy(hd_config.status, HD_PATH_BYTES, lookup(environment, HD_ENV_STATUS)))
    hd_config.status[0] = '\0';
  hd_config.rate = number(lookup(environment, HD_ENV_RATE), HD_DEFAULT_RATE, RATE_MAX);
  hd_config.interval_ms =
      number(lookup(environment, HD_ENV_INTERVAL), HD_DEFAULT_INTERVAL_MS, INTERVAL_MAX);
  hd_config.seed = number(lookup(environment, HD_ENV_SEED), 0, UINT64_MAX / 10 - 1);
  hd_config.max_frames = frames ? (uint32_t)frames : HD_DEFAULT_MAX_FRAMES;
}
