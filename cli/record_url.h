/* `heapdiff record URL`: options, messages and the closing summary. */
#ifndef HEAPDIFF_CLI_RECORD_URL_H
#define HEAPDIFF_CLI_RECORD_URL_H

#include "url_args.h"

/* Options that only a URL has. */
struct record_url_args {
  struct url_args urls;
  int64_t count;
  struct duration lasting, fetch_timeout;
};
extern const struct option_row record_url_rows[];

/* Those that it shares with a program. */
struct record_url_common {
  const char *directory;
  uint64_t interval_ms;
  int64_t keep;
  uint64_t keep_bytes;
  bool quiet, lines;
};

/* Records argv[0]; returns the exit code. */
int record_url(const struct command *command, const struct record_url_args *args,
               const struct record_url_common *common, int argc, char **argv);

#endif
