/* --help, printed from the tables. */
#include "command.h"

#include <string.h>

enum {
  HELP_WIDTH = 80,
  HELP_COLUMN = 28, /* where the texts beside the names begin */
  HELP_TEXT = 512,
};

/* Prints words, wrapped at HELP_WIDTH; the cursor stands at `column`, and lines
 * after the first begin at `indent`. A newline in the text begins a new line. */
static void wrapped(FILE *stream, const char *text, int column, int indent)
{
  bool first = true;
  while (*text) {
    int length = (int)strcspn(text, " \n");
    if (!first && column + 1 + length > HELP_WIDTH) {
      fprintf(stream, "\n%*s", indent, "");
      column = indent;
      first = true;
    }
    column += fprintf(stream, "%s%.*s", first ? "" : " ", length, text);
    first = false;
    text += length;
    if (*text == '\n') {
      fprintf(stream, "\n%*s", text[1] == '\n' ? 0 : indent, "");
      column = indent;
      first = true;
    }
    text += *text != '\0';
  }
  putc('\n', stream);
}

/* A name at the left and its text beside it. */
static void entry(FILE *stream, const char *name, const char *text)
{
  int column = fprintf(stream, "%s", name);
  if (column + 2 > HELP_COLUMN) {
    putc('\n', stream);
    column = 0;
  }
  fprintf(stream, "%*s", HELP_COLUMN - column, "");
  wrapped(stream, text, HELP_COLUMN, HELP_COLUMN);
}

static void row_help(const struct option_row *row)
{
  char name[96], words[256] = "", text[HELP_TEXT];
  char letter[] = {row->letter ? '-' : ' ', row->letter ? row->letter : ' ',
                   row->letter ? ',' : ' ', '\0'};
  snprintf(name, sizeof name, "  %s --%s%s%s", letter, row->name, row->metavar ? " " : "",
           row->metavar ? row->metavar : "");
  if (row->words)
    option_words_text(row, words, sizeof words);
  bool more = row->words || row->standard;
  snprintf(text, sizeof text, "%s%s%s%s%s%s%s", row->help, more ? " (" : "", words,
           row->words && row->standard ? "; " : "", row->standard ? "default: " : "",
           row->standard ? row->standard : "", more ? ")" : "");
  entry(stdout, name, text);
}

void command_help(const struct command *command)
{
  for (size_t i = 0; i < SYNOPSES && command->synopsis[i]; i++)
    printf("%s heapdiff %s %s\n", i == 0 ? "usage:" : "      ", command->name,
           command->synopsis[i]);
  putchar('\n');
  wrapped(stdout, command->about, 0, 0);
  const struct option_group *group = NULL;
  struct option_walk walk = {command->groups, NULL};
  for (const struct option_row *row; (row = option_next(&walk));) {
    if (walk.group != group)
      printf("\n%s\n", walk.group->title);
    group = walk.group;
    row_help(row);
  }
  if (!command->hidden)
    printf("\n'man heapdiff-%s' says more.\n", command->name);
}

void command_overview(FILE *stream)
{
  fputs("usage: heapdiff VERB [OPTION...] [ARGUMENT...]\n\n", stream);
  wrapped(stream,
          "Says where a program's memory went: compares heap snapshots and ranks the call "
          "sites by the live memory that they gained.",
          0, 0);
  fputs("\nverbs:\n", stream);
  for (size_t i = 0; command_at(i); i++) {
    if (command_at(i)->hidden)
      continue;
    fprintf(stream, "  %-10s ", command_at(i)->name);
    wrapped(stream, command_at(i)->summary, 13, 13);
  }
  fputs("\nstart with:\n"
        "  heapdiff record -- ./server   run it; snapshots go to heapdiff.data/\n"
        "  heapdiff top                  which call sites grew\n"
        "  heapdiff list FUNCTION        their source lines\n\n"
        "'heapdiff help VERB' explains one of them, 'man heapdiff' has the rest.\n"
        "'heapdiff --version' says which version this is.\n",
        stream);
}
