#include "command.h"
#include "common_args.h"
#include "messages.h"
#include "output.h"
#include "scoped.h"

#include <heapdiff/convert.h>

struct formats_args {
  struct style_args style;
};

static const struct option_row rows[] = {
    {CHOICE_AT(struct formats_args, style.format), .name = "format", .metavar = "NAME",
     .help = "the output", .words = hd_report_name, .standard = "text"},
    OPTION_ROWS_END,
};

static const struct option_group groups[] = {
    {"printing:", rows, 0},
    OPTION_GROUPS_END,
};

static int print(const struct style_args *style)
{
  SCOPED(end_view) hd_view *view = NULL;
  struct hd_error error = HD_ERROR_INIT;
  struct hd_style looks = style_of(style);
  if (hd_formats(&view, &error) && hd_report(view, &looks, output_write, NULL, &error))
    return STATUS_FINE;
  return output_failed() ? STATUS_INTERNAL : message_error(&error);
}

static int run(const struct command *command, int argc, char **argv)
{
  struct formats_args args = {.style = {.unit = "auto", .color = "never"}};
  int status;
  if (!command_parse(command, &args, &argc, argv, &status))
    return status;
  status = argc ? command_misused(command, "'%s': formats takes no words", argv[0])
                : print(&args.style);
  options_release(command->groups, &args);
  return status;
}

const struct command verb_formats = {
    .name = "formats",
    .summary = "list the snapshot formats that are read and written",
    .synopsis = {"[OPTION...]"},
    .about = "Lists the formats of snapshots: which are read (their names are what --input-format "
             "takes), which are written by `heapdiff convert`, and what each is.",
    .words = "",
    .groups = groups,
    .usage_status = STATUS_USAGE,
    .run = run,
};
