#include "command.h"
#include "common_args.h"
#include "messages.h"
#include "numbers.h"
#include "output.h"
#include "scoped.h"

#include <heapdiff/cache.h>

#include <inttypes.h>

struct cache_args {
  bool clear;
  struct style_args style;
};

static const struct option_row rows[] = {
    {FLAG_AT(struct cache_args, clear), .name = "clear", .help = "remove all that is in it"},
    OPTION_ROWS_END,
};

static const struct option_group groups[] = {
    {"options:", rows, 0},
    {"printing:", style_rows, offsetof(struct cache_args, style)},
    OPTION_GROUPS_END,
};

static int clear(void)
{
  struct hd_cache_usage removed;
  struct hd_error error = HD_ERROR_INIT;
  char size[NUMBER_TEXT];
  if (!hd_cache_clear(&removed, &error))
    return message_error(&error);
  format_size(size, (int64_t)removed.bytes);
  message("removed %" PRIu64 " file%s, %s, from %s", removed.files, removed.files == 1 ? "" : "s",
          size, removed.path);
  return STATUS_FINE;
}

static int print(const struct style_args *style)
{
  SCOPED(end_view) hd_view *view = NULL;
  struct hd_error error = HD_ERROR_INIT;
  struct hd_style looks = style_of(style);
  if (hd_cache_info(&view, &error) && hd_report(view, &looks, output_write, NULL, &error))
    return STATUS_FINE;
  return output_failed() ? STATUS_INTERNAL : message_error(&error);
}

static int run(const struct command *command, int argc, char **argv)
{
  struct cache_args args = {0};
  int status;
  if (!command_parse(command, &args, &argc, argv, &status))
    return status;
  if (argc)
    status = command_misused(command, "'%s': cache takes no words", argv[0]);
  else
    status = args.clear ? clear() : print(&args.style);
  options_release(command->groups, &args);
  return status;
}

const struct command verb_cache = {
    .name = "cache",
    .summary = "say what the cache of symbols holds, or clear it",
    .synopsis = {"[OPTION...]"},
    .about = "Names of functions and lines that were once looked up in debug information are kept "
             "by build-id, so that the next run need not open it. Says where, and how much that "
             "is.",
    .words = "",
    .groups = groups,
    .usage_status = STATUS_USAGE,
    .run = run,
};
