#include "common_args.h"

#include "moments.h"
#include "progress.h"
#include "terminal.h"

#include <heapdiff/check.h>

#include <string.h>

const struct option_row input_rows[] = {
    {CHOICE_AT(struct input_args, format), .name = "input-format", .metavar = "NAME",
     .help = "what the snapshots are, where their content misleads", .words = hd_format_name},
    {NUMBER_AT(struct input_args, pid), .name = "pid", .metavar = "PID", .least = 1,
     .help = "of a directory's snapshots, those of this process"},
    {TEXT_AT(struct input_args, program), .name = "program", .metavar = "NAME",
     .help = "of a directory's snapshots, those of this program, by its name or its path"},
    {FLAG_AT(struct input_args, strict), .name = "strict",
     .help = "a row that cannot be read is an error"},
    {FLAG_AT(struct input_args, partial), .name = "partial",
     .help = "of a file that stops in the middle, use what comes before"},
    {NUMBER_AT(struct input_args, jobs), .name = "jobs", .metavar = "N", .least = 1,
     .help = "read so many snapshots, and look symbols up in so many programs, at a time"},
    {SIZE_AT(struct input_args, max_inflated), .name = "max-inflated", .metavar = "SIZE",
     .least = 1, .standard = "4GiB", .help = "refuse a compressed file that grows past this"},
    OPTION_ROWS_END,
};

const struct option_row symbol_rows[] = {
    {LIST_AT(struct symbol_args, debug_dirs), .name = "debug-dir", .metavar = "DIR", .path = true,
     .help = "look here for programs and debug files of the same build-id; may be repeated"},
    {TEXT_AT(struct symbol_args, sysroot), .name = "sysroot", .metavar = "DIR", .path = true,
     .help = "the root of the system that the snapshots are of: their paths are below it"},
    {FLAG_AT(struct symbol_args, force_symbols), .name = "force-symbols",
     .help = "use programs of another build-id than the snapshots', too: their names may be wrong"},
    {FLAG_AT(struct symbol_args, no_symbols), .name = "no-symbols",
     .help = "do not open the programs: only the names in the snapshots"},
    {FLAG_AT(struct symbol_args, no_cache), .name = "no-cache",
     .help = "neither take symbols from the cache nor keep them there"},
    {DURATION_AT(struct symbol_args, fetch_timeout), .name = "fetch-timeout", .metavar = "DURATION",
     .least = 1, .most = 86400000, .standard = "30s",
     .help = "how long a server, of a URL or of DEBUGINFOD_URLS, may stall before it is given up"},
    OPTION_ROWS_END,
};

const struct option_row wrapper_rows[] = {
    {LIST_AT(struct input_args, wrappers), .name = "wrapper", .metavar = "REGEX",
     .help = "functions that only pass allocations on: their callers are the call sites; may be "
             "repeated"},
    OPTION_ROWS_END,
};

struct hd_session_options input_options(const struct input_args *args)
{
  return (struct hd_session_options){
      .format = args->format,
      .strict = args->strict,
      .partial = args->partial,
      .debug_dirs = args->symbols.debug_dirs.items,
      .debug_dir_count = args->symbols.debug_dirs.count,
      .sysroot = args->symbols.sysroot,
      .no_symbols = args->symbols.no_symbols,
      .force_symbols = args->symbols.force_symbols,
      .cache = !args->symbols.no_cache,
      .fetch_timeout_ms = args->symbols.fetch_timeout.milliseconds,
      .progress = terminal_is_watched() ? progress_show : NULL,
      .max_inflated = args->max_inflated,
      .pid = args->pid,
      .program = args->program,
      .jobs = args->jobs > INT32_MAX ? INT32_MAX : (unsigned)args->jobs,
      .wrappers = args->wrappers.items,
      .wrapper_count = args->wrappers.count,
      .urls = url_options(&args->urls),
  };
}

const struct option_row filter_rows[] = {
    {TEXT_AT(struct filter_args, focus), .name = "focus", .metavar = "REGEX",
     .help = "only stacks with a frame that matches"},
    {TEXT_AT(struct filter_args, ignore), .name = "ignore", .metavar = "REGEX",
     .help = "no stacks with a frame that matches"},
    {TEXT_AT(struct filter_args, hide), .name = "hide", .metavar = "REGEX",
     .help = "take the frames that match out of their stacks"},
    {TEXT_AT(struct filter_args, show), .name = "show", .metavar = "REGEX",
     .help = "take all other frames out"},
    OPTION_ROWS_END,
};

/* As in pprof, an empty expression is none. */
static const char *expression(const char *text)
{
  return text && *text ? text : NULL;
}

void filter_query(const struct filter_args *args, struct hd_query *query)
{
  query->focus = expression(args->focus);
  query->ignore = expression(args->ignore);
  query->hide = expression(args->hide);
  query->show = expression(args->show);
}

const struct option_row window_rows[] = {
    {DURATION_AT(struct window_args, skip_warmup), .name = "skip-warmup", .metavar = "DURATION",
     .help = "leave the first part of the process's life out"},
    {TEXT_AT(struct window_args, since), .name = "since", .metavar = "TIME",
     .help = "only snapshots from then on: a time (UTC), or how long before the last one"},
    {TEXT_AT(struct window_args, until), .name = "until", .metavar = "TIME",
     .help = "only snapshots up to then"},
    {NUMBER_AT(struct window_args, last), .name = "last", .metavar = "N", .least = 1,
     .help = "only the last N snapshots"},
    OPTION_ROWS_END,
};

static bool take_moment(const struct command *command, const char *option, const char *text,
                        struct hd_moment *moment, int *status)
{
  if (!text || parse_moment(text, moment))
    return true;
  *status = command_misused(command, "%s wants a time like '2026-03-01 15:04' (UTC), or how "
                                     "long before the last snapshot, like 2h", option);
  return false;
}

bool window_query(const struct command *command, const struct window_args *args,
                  struct hd_query *query, int *status)
{
  query->window.skip_warmup_ns = duration_ns(args->skip_warmup.milliseconds);
  query->window.last = args->last;
  return take_moment(command, "--since", args->since, &query->window.since, status) &&
         take_moment(command, "--until", args->until, &query->window.until, status);
}

static const char *color_word(size_t i)
{
  static const char *const words[] = {"auto", "always", "never", NULL};
  return words[i];
}

/* What is no table has no columns. */
static const char *nested_format(size_t i)
{
  static const char *const words[] = {"text", "json", NULL};
  return words[i];
}

#define FORMAT_ROW(names)                                                                          \
  {CHOICE_AT(struct style_args, format), .name = "format", .metavar = "NAME",                      \
   .help = "the output", .words = names, .standard = "text"}
#define LOOK_ROWS                                                                                  \
  {CHOICE_AT(struct style_args, unit), .name = "unit", .metavar = "UNIT", .help = "of sizes",      \
   .words = hd_unit_name, .standard = "auto"},                                                     \
  {FLAG_AT(struct style_args, bytes), .name = "bytes", .help = "print sizes in whole bytes"},      \
  {CHOICE_AT(struct style_args, color), .name = "color", .metavar = "WHEN",                        \
   .help = "color growth", .words = color_word, .standard = "auto"},                               \
  {FLAG_AT(struct style_args, ascii), .name = "ascii", .help = "print no characters past ASCII"}

const struct option_row style_rows[] = {
    FORMAT_ROW(hd_report_name),
    LOOK_ROWS,
    OPTION_ROWS_END,
};

const struct option_row nested_style_rows[] = {
    FORMAT_ROW(nested_format),
    LOOK_ROWS,
    OPTION_ROWS_END,
};

const struct option_row finding_style_rows[] = {
    FORMAT_ROW(hd_finding_format_name),
    LOOK_ROWS,
    OPTION_ROWS_END,
};

const struct option_row look_rows[] = {
    LOOK_ROWS,
    OPTION_ROWS_END,
};

static bool is_text(const struct style_args *args)
{
  return strcmp(args->format, "text") == 0;
}

struct hd_style style_of(const struct style_args *args)
{
  bool asked = strcmp(args->color, "auto") != 0;
  return (struct hd_style){
      .format = args->format,
      .unit = args->unit,
      .bytes = args->bytes,
      .color = asked ? strcmp(args->color, "always") == 0 : is_text(args) && terminal_has_color(),
      /* A file for programs is the same in every locale. */
      .ascii = args->ascii || (is_text(args) && !terminal_is_utf8()),
      .width = is_text(args) ? terminal_width() : 0,
  };
}

bool style_for_programs(const struct style_args *args)
{
  return strcmp(args->format, "json") == 0 || strcmp(args->format, "csv") == 0;
}

int64_t rows_to_print(int64_t nodecount, int64_t few, const struct style_args *args)
{
  if (nodecount != NOT_GIVEN)
    return nodecount;
  return style_for_programs(args) ? 0 : few;
}
