#include "terminal.h"

#include "numbers.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDEST = 100000 };

unsigned terminal_width(void)
{
  const char *columns = getenv("COLUMNS");
  int64_t wanted;
  if (columns && parse_number(columns, &wanted) && wanted > 0 && wanted <= WIDEST)
    return (unsigned)wanted;
  struct winsize size;
  if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
    return 0;
  return size.ws_col;
}

bool terminal_has_color(void)
{
  const char *no_color = getenv("NO_COLOR");
  const char *term = getenv("TERM");
  if (no_color && *no_color)
    return false;
  return term && *term && strcmp(term, "dumb") != 0 && isatty(STDOUT_FILENO);
}

bool terminal_is_utf8(void)
{
  return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

bool terminal_is_watched(void)
{
  return isatty(STDERR_FILENO);
}
