#include "record_words.h"

#include "numbers.h"

#include <signal.h>
#include <string.h>
#include <strings.h>

const char *signal_words(size_t i)
{
  static const char *const words[] = {"USR1", "USR2"};
  return i < sizeof words / sizeof *words ? words[i] : NULL;
}

const char *format_words(size_t i)
{
  static const char *const words[] = {"native", "pprof"};
  return i < sizeof words / sizeof *words ? words[i] : NULL;
}

static bool is_real_time(int64_t number)
{
  return number >= SIGRTMIN && number <= SIGRTMAX;
}

bool parse_signal(const char *text, int *number)
{
  int64_t value;
  if (strncasecmp(text, "SIG", 3) == 0)
    text += 3;
  if (strcasecmp(text, "USR1") == 0)
    value = SIGUSR1;
  else if (strcasecmp(text, "USR2") == 0)
    value = SIGUSR2;
  else if (strncasecmp(text, "RTMIN+", 6) == 0 && parse_number(text + 6, &value) && value >= 0 &&
           value <= SIGRTMAX)
    value += SIGRTMIN;
  else if (!parse_number(text, &value))
    return false;
  if (value != SIGUSR1 && value != SIGUSR2 && !is_real_time(value))
    return false;
  *number = (int)value;
  return true;
}

bool parse_percent(const char *text, uint32_t *percent)
{
  char digits[8];
  size_t length = strlen(text);
  int64_t value;
  if (strcasecmp(text, "off") == 0) {
    *percent = 0;
    return true;
  }
  if (length && text[length - 1] == '%')
    length--;
  if (length >= sizeof digits)
    return false;
  memcpy(digits, text, length);
  digits[length] = '\0';
  if (!parse_number(digits, &value) || value < 0 || value > 100)
    return false;
  *percent = (uint32_t)value;
  return true;
}

struct record_standards record_standards(void)
{
  struct record_standards standards = {0};
  parse_number(STANDARD_KEEP, &standards.keep);
  parse_size(STANDARD_MAX_SIZE, &standards.max_size);
  parse_percent(STANDARD_OOM_AT, &standards.oom_percent);
  return standards;
}
