#include "moments.h"

#include "numbers.h"

#include <time.h>

int64_t duration_ns(uint64_t milliseconds)
{
  int64_t ns;
  return __builtin_mul_overflow(milliseconds, 1000000, &ns) ? INT64_MAX : ns;
}

bool parse_moment(const char *text, struct hd_moment *moment)
{
  static const char *const formats[] = {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
                                        "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
                                        "%Y-%m-%dT%H:%M:%SZ"};
  uint64_t milliseconds;
  if (parse_duration(text, &milliseconds)) {
    *moment = (struct hd_moment){HD_MOMENT_BEFORE_END, duration_ns(milliseconds)};
    return true;
  }
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    struct tm tm = {0};
    const char *end = strptime(text, formats[i], &tm);
    time_t seconds = end && !*end ? timegm(&tm) : -1;
    int64_t ns;
    if (seconds < 0 || __builtin_mul_overflow((int64_t)seconds, 1000000000, &ns))
      continue;
    *moment = (struct hd_moment){HD_MOMENT_AT, ns};
    return true;
  }
  return false;
}
