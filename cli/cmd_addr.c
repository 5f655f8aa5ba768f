#include "command.h"
#include "common_args.h"
#include "messages.h"
#include "output.h"
#include "scoped.h"

#include <heapdiff/symbols.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct addr_args {
  struct text_list debug_dirs;
  bool mangled, no_cache;
  struct style_args style;
};

/* A chain of calls is no row of a table for people. */
static const char *format_name(size_t i)
{
  static const char *const words[] = {"text", "json", "csv", NULL};
  return words[i];
}

static const struct option_row rows[] = {
    {LIST_AT(struct addr_args, debug_dirs), .name = "debug-dir", .metavar = "DIR", .path = true,
     .help = "look here for debug files of the same build-id; may be repeated"},
    {FLAG_AT(struct addr_args, mangled), .name = "mangled",
     .help = "print names as the compiler wrote them"},
    {FLAG_AT(struct addr_args, no_cache), .name = "no-cache",
     .help = "neither take symbols from the cache nor keep them there"},
    {CHOICE_AT(struct addr_args, style.format), .name = "format", .metavar = "NAME",
     .help = "the output", .words = format_name, .standard = "text"},
    OPTION_ROWS_END,
};

static const struct option_group groups[] = {
    {"options:", rows, 0},
    OPTION_GROUPS_END,
};

/* --- the addresses */

struct addresses {
  uint64_t *items;
  size_t count, capacity;
};

static bool push(struct addresses *list, uint64_t address)
{
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? list->capacity * 2 : 64;
    uint64_t *items = realloc(list->items, capacity * sizeof *items);
    if (!items)
      return false;
    list->items = items;
    list->capacity = capacity;
  }
  list->items[list->count++] = address;
  return true;
}

static bool is_blank(char c)
{
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static char *past_blanks(const char *text)
{
  while (is_blank(*text))
    text++;
  return (char *)text;
}

/* -1: none. */
static int digit_of(char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  c = (char)(c | ('a' ^ 'A'));
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hexadecimal, with 0x or without, and blanks behind it. Lists are long, and no function of
 * the C library's does it at once. */
static bool parse_address(const char *text, uint64_t *address)
{
  int digit;
  if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
    text += 2;
  const char *first = text;
  *address = 0;
  for (; (digit = digit_of(*text)) >= 0; text++) {
    if (*address >> 60)
      return false;
    *address = *address << 4 | (unsigned)digit;
  }
  return text > first && *past_blanks(text) == '\0';
}

static void trim(char *line)
{
  size_t length = strlen(line);
  while (length && is_blank(line[length - 1]))
    line[--length] = '\0';
}

/* Standard input, an address a line; empty lines are passed over. */
static int read_list(struct addresses *list)
{
  char line[256];
  uint64_t address;
  int status = STATUS_FINE;
  for (unsigned long number = 1; !status && fgets(line, sizeof line, stdin); number++) {
    char *text = past_blanks(line);
    if (!*text)
      continue;
    if (!parse_address(text, &address)) {
      trim(text);
      message("standard input: line %lu: '%.40s' is no hexadecimal address", number, text);
      status = HD_ERROR_INPUT;
    } else if (!push(list, address)) {
      message("out of memory");
      status = STATUS_INTERNAL;
    }
  }
  if (!status && ferror(stdin)) {
    message("standard input: %s", strerror(errno));
    status = HD_ERROR_INPUT;
  }
  return status;
}

static int collect(const struct command *command, char **words, int count, struct addresses *list)
{
  uint64_t address;
  for (int i = 0; i < count; i++) {
    if (strcmp(words[i], "-") == 0) {
      int status = read_list(list);
      if (status)
        return status;
    } else if (!parse_address(words[i], &address)) {
      return command_misused(command, "'%s' is no hexadecimal address", words[i]);
    } else if (!push(list, address)) {
      message("out of memory");
      return STATUS_INTERNAL;
    }
  }
  return STATUS_FINE;
}

/* --- the verb */

static int look_up(const struct addr_args *args, const struct hd_addr_query *query)
{
  SCOPED(end_session) hd_session *session = NULL;
  SCOPED(end_view) hd_view *view = NULL;
  struct hd_error error = HD_ERROR_INIT;
  struct hd_session_options options = {.debug_dirs = args->debug_dirs.items,
                                       .debug_dir_count = args->debug_dirs.count,
                                       .cache = !args->no_cache};
  struct hd_style looks = style_of(&args->style);
  if (!hd_session_create(&options, &session, &error) || !hd_addr(session, query, &view, &error))
    return message_error(&error);
  message_notes(session, 0);
  if (hd_report(view, &looks, output_write, NULL, &error))
    return STATUS_FINE;
  return output_failed() ? STATUS_INTERNAL : message_error(&error);
}

static int run(const struct command *command, int argc, char **argv)
{
  struct addr_args args = {.style = {.unit = "auto", .color = "never"}};
  struct addresses list = {0};
  int status;
  if (!command_parse(command, &args, &argc, argv, &status))
    return status;
  if (argc < 2)
    status = command_misused(command, "name a program or library, and addresses in it");
  else
    status = collect(command, argv + 1, argc - 1, &list);
  if (!status) {
    struct hd_addr_query query = {.module = argv[0], .addresses = list.items,
                                  .count = list.count, .mangled = args.mangled};
    status = look_up(&args, &query);
  }
  free(list.items);
  options_release(command->groups, &args);
  return status;
}

const struct command verb_addr = {
    .name = "addr",
    .summary = "say which functions and lines are at addresses of a program",
    .synopsis = {"[OPTION...] MODULE ADDR...", "[OPTION...] MODULE - <LIST"},
    .about = "Prints for each address the function that it is in, its file and line, below those "
             "that are inlined there, innermost first. MODULE is a program, a library or a "
             "debug file. An address is hexadecimal, as nm(1) prints it: of the file, not of a "
             "process. With - they are read from standard input, one a line; a hundred thousand "
             "take about a second.",
    .words = "file",
    .groups = groups,
    .usage_status = STATUS_USAGE,
    .run = run,
};
