#include "config.h"

#include "files.h"

#include <stddef.h>
#include <string.h>

#define SEED_MAX (UINT64_C(1) << 60)

struct hd_config hd_config;

static const char *lookup(char *const *environment, const char *name)
{
  size_t length = strlen(name);
  for (; *environment; environment++)
    if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
      return *environment + length + 1;
  return "";
}

/* The first one is kept, cut where it is long. */
static void misunderstand(const char *name, const char *value)
{
  char cut[128];
  size_t length = strnlen(value, sizeof cut - 1);
  struct hd_text text = {hd_config.misunderstood, 0, sizeof hd_config.misunderstood, false};
  if (hd_config.misunderstood[0])
    return;
  memcpy(cut, value, length);
  cut[length] = '\0';
  hd_text_add(&text, name);
  hd_text_add(&text, "=");
  hd_text_add(&text, cut);
}

/* Digits alone, in the range. */
static bool number(const char *text, uint64_t *out, uint64_t least, uint64_t most)
{
  uint64_t value = 0;
  if (!*text)
    return true;
  for (; *text; text++) {
    if (*text < '0' || *text > '9' || value > most / 10)
      return false;
    value = value * 10 + (uint64_t)(*text - '0');
  }
  *out = value;
  return value >= least && value <= most;
}

static void read_mode(const char *mode)
{
  hd_config.off = strcmp(mode, HD_MODE_OFF) == 0;
  if (*mode && !hd_config.off)
    misunderstand(HD_ENV_MODE, mode);
}

#define READ(field, name, standard, least, most)                                                   \
  if (!number(lookup(environment, name), &hd_config.set.field, least, most))                       \
    misunderstand(name, lookup(environment, name));

void hd_config_read(char *const *environment)
{
  const char *directory = lookup(environment, HD_ENV_DIRECTORY);
  if (directory[0] != '/' || !hd_text_copy(hd_config.directory, HD_PATH_BYTES, directory))
    hd_config.directory[0] = '\0';
  if (!hd_text_copy(hd_config.status, HD_PATH_BYTES, lookup(environment, HD_ENV_STATUS)))
    hd_config.status[0] = '\0';
  hd_config.set = (struct hd_settings)HD_SETTINGS_INIT;
  hd_config.seed = 0;
  hd_config.misunderstood[0] = '\0';
  read_mode(lookup(environment, HD_ENV_MODE));
  HD_SETTINGS(READ)
  if (!number(lookup(environment, HD_ENV_SEED), &hd_config.seed, 0, SEED_MAX))
    misunderstand(HD_ENV_SEED, lookup(environment, HD_ENV_SEED));
}

void hd_config_read_lines(char *text)
{
  enum { LINES = 64 };
  char *lines[LINES + 1], *end;
  size_t count = 0;
  for (; *text && count < LINES; text = end + 1) {
    end = strchr(text, '\n');
    lines[count++] = text;
    if (!end)
      break;
    *end = '\0';
  }
  lines[count] = NULL;
  hd_config_read(lines);
}
