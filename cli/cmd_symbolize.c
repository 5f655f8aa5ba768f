#include "command.h"
#include "symbolizing.h"

struct symbolize_args {
  const char *output;
  bool in_place;
  struct input_args input;
};

static const struct option_row rows[] = {
    {TEXT_AT(struct symbolize_args, output), .letter = 'o', .name = "output", .metavar = "DIR",
     .path = true, .help = "write the snapshots into this directory, under their names"},
    {FLAG_AT(struct symbolize_args, in_place), .name = "in-place",
     .help = "replace each snapshot by the one with symbols"},
    OPTION_ROWS_END,
};

static const struct option_group groups[] = {
    {"writing:", rows, 0},
    {"reading:", input_rows, offsetof(struct symbolize_args, input)},
    {"URLs:", url_rows, offsetof(struct symbolize_args, input.urls)},
    {"symbols:", symbol_rows, offsetof(struct symbolize_args, input.symbols)},
    OPTION_GROUPS_END,
};

static int run(const struct command *command, int argc, char **argv)
{
  struct symbolize_args args = {0};
  int status;
  if (!command_parse(command, &args, &argc, argv, &status))
    return status;
  if (!args.output == !args.in_place)
    status = command_misused(command, "say where to: -o DIR, or --in-place");
  else if (args.input.symbols.no_symbols)
    status = command_misused(command, "--no-symbols leaves nothing to do");
  else
    status = symbolizing(&args.input, (const char *const *)argv, argc, args.output, false);
  options_release(command->groups, &args);
  return status;
}

const struct command verb_symbolize = {
    .name = "symbolize",
    .summary = "write snapshots with their symbols, to be read elsewhere",
    .synopsis = {"-o DIR [OPTION...] [SNAPSHOT...]", "--in-place [OPTION...] [SNAPSHOT...]"},
    .about = "Looks up the addresses of snapshots and writes the snapshots again with the names of "
             "functions, files and lines in them, inlined calls included, so that they can be "
             "analysed where neither the programs nor their debug files are. Of a directory every "
             "snapshot is taken. Each appears whole or not at all.",
    .words = "snapshot",
    .groups = groups,
    .usage_status = STATUS_USAGE,
    .run = run,
};
