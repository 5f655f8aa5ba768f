#include "base/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *const hd_byte_units[] = {"B", "kB", "MB", "GB", "TB", "PB", NULL};

enum { UNIT_AUTO = -1, UNIT_UNKNOWN = -2, UNIT_COUNT = 6 };

int hd_byte_unit_find(const char *name)
{
  if (strcmp(name, "auto") == 0)
    return UNIT_AUTO;
  for (int i = 0; hd_byte_units[i]; i++)
    if (strcmp(name, hd_byte_units[i]) == 0)
      return i;
  return UNIT_UNKNOWN;
}

int hd_byte_unit_of(int64_t bytes)
{
  int unit = 0;
  for (double value = fabs((double)bytes); value >= 1024 && unit < UNIT_COUNT - 1; value /= 1024)
    unit++;
  return unit;
}

/* "%.2f" without a ".00" behind it. */
static void two_decimals(char *out, size_t size, double value)
{
  snprintf(out, size, "%.2f", value);
  char *tail = strstr(out, ".00");
  if (tail)
    *tail = '\0';
}

void hd_format_bytes(char out[HD_UNITS_TEXT], int64_t bytes, int unit, bool sign)
{
  if (!bytes) {
    snprintf(out, HD_UNITS_TEXT, "0");
    return;
  }
  double value = (double)bytes;
  int chosen = unit == UNIT_AUTO ? hd_byte_unit_of(bytes) : unit;
  for (int i = 0; i < chosen; i++)
    value /= 1024;
  char number[32];
  two_decimals(number, sizeof number, value);
  /* An amount that rounds to nothing in a unit is no "-0": as pprof, "0". */
  if (strcmp(number, "0") == 0 || strcmp(number, "-0") == 0)
    snprintf(out, HD_UNITS_TEXT, "0");
  else
    snprintf(out, HD_UNITS_TEXT, "%s%s%s", sign && value > 0 ? "+" : "", number,
             hd_byte_units[chosen]);
}

void hd_format_count(char out[HD_UNITS_TEXT], int64_t count, bool sign)
{
  snprintf(out, HD_UNITS_TEXT, sign && count > 0 ? "+%" PRId64 : "%" PRId64, count);
}

void hd_format_percent(char out[HD_UNITS_TEXT], double ratio, bool sign)
{
  double percent = ratio * 100, times = 1 + ratio;
  if (fabs(percent) < .05)
    percent = 0;
  if (sign && percent >= 999.95)
    snprintf(out, HD_UNITS_TEXT, times < 99.95 ? "x%.1f" : times < 1e6 ? "x%.0f" : "x%.3g", times);
  else if (fabs(percent) >= 1e9)
    snprintf(out, HD_UNITS_TEXT, "%s%.3g%%", sign && percent > 0 ? "+" : "", percent);
  else
    snprintf(out, HD_UNITS_TEXT, "%s%.1f%%", sign && percent > 0 ? "+" : "", percent);
}

void hd_format_percent_pprof(char out[HD_UNITS_TEXT], double ratio)
{
  double percent = fabs(ratio) * 100;
  if (percent >= 99.95 && percent <= 100.05)
    snprintf(out, HD_UNITS_TEXT, "  100%%");
  else if (percent >= 1)
    snprintf(out, HD_UNITS_TEXT, "%5.2f%%", percent);
  else
    snprintf(out, HD_UNITS_TEXT, "%5.2g%%", percent);
}

void hd_format_duration(char out[HD_UNITS_TEXT], int64_t ns)
{
  static const struct {
    int64_t ns;
    const char *name;
  } units[] = {{86400000000000, "d"}, {3600000000000, "h"}, {60000000000, "min"}};
  int64_t left = ns < 0 ? (ns == INT64_MIN ? INT64_MAX : -ns) : ns;
  const char *sign = ns < 0 ? "-" : "";
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    if (left < units[i].ns)
      continue;
    bool last = i + 1 == sizeof units / sizeof *units;
    int64_t finer_ns = last ? 1000000000 : units[i + 1].ns;
    const char *finer = last ? "s" : units[i + 1].name;
    int64_t rest = left % units[i].ns / finer_ns;
    if (rest)
      snprintf(out, HD_UNITS_TEXT, "%s%" PRId64 " %s %" PRId64 " %s", sign, left / units[i].ns,
               units[i].name, rest, finer);
    else
      snprintf(out, HD_UNITS_TEXT, "%s%" PRId64 " %s", sign, left / units[i].ns, units[i].name);
    return;
  }
  if (left >= 10000000000)
    snprintf(out, HD_UNITS_TEXT, "%s%.0f s", sign, (double)left / 1e9);
  else if (left >= 1000000000)
    snprintf(out, HD_UNITS_TEXT, "%s%.3g s", sign, (double)left / 1e9);
  else
    snprintf(out, HD_UNITS_TEXT, "%s%.0f ms", sign, (double)left / 1e6);
}

void hd_format_time(char out[HD_UNITS_TEXT], int64_t ns)
{
  time_t seconds = (time_t)(ns / 1000000000);
  struct tm tm;
  if (!gmtime_r(&seconds, &tm) || !strftime(out, HD_UNITS_TEXT, "%Y-%m-%d %H:%M:%S UTC", &tm))
    snprintf(out, HD_UNITS_TEXT, "?");
}
