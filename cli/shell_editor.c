/* The prompt: libedit, loaded when it is needed, so that no other verb waits for it. */
#include "shell.h"

#include "interrupt.h"
#include "messages.h"
#include "shell_history.h"
#include "terminal.h"

#include <dlfcn.h>
#include <errno.h>
#include <histedit.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

enum { LISTED = 100 };

/* The functions of the library that are used. */
struct library {
  void *handle;
  __typeof__(el_init) *init;
  __typeof__(el_set) *set;
  __typeof__(el_gets) *gets;
  __typeof__(el_line) *line;
  __typeof__(el_insertstr) *insertstr;
  __typeof__(el_deletestr) *deletestr;
  struct history_library lines;
};

/* libedit's callbacks for the prompt get nothing of ours. */
static struct editing {
  struct library library;
  struct shell *shell;
  EditLine *editor;
  History *history;
  HistEvent event;
  char path[PATH_MAX]; /* of the history; "" none */
} editing;

static bool load(struct library *library)
{
  library->handle = dlopen("libedit.so.2", RTLD_NOW | RTLD_LOCAL);
  if (!library->handle)
    return false;
  const struct {
    const char *name;
    void **store;
  } wanted[] = {
      {"el_init", (void **)&library->init},
      {"el_set", (void **)&library->set},
      {"el_gets", (void **)&library->gets},
      {"el_line", (void **)&library->line},
      {"history", (void **)&library->lines.history},
      {"el_insertstr", (void **)&library->insertstr},
      {"el_deletestr", (void **)&library->deletestr},
      {"history_init", (void **)&library->lines.init},
      {"history_end", (void **)&library->lines.end},
  };
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
    if (!(*wanted[i].store = dlsym(library->handle, wanted[i].name)))
      return false;
  return true;
}

/* --- completion ------------------------------------------------------------------------- */

/* How many bytes all words begin alike with. */
static size_t common(const struct text_list *words)
{
  size_t length = strlen(words->items[0]);
  for (size_t i = 1; i < words->count; i++) {
    size_t same = 0;
    while (same < length && words->items[i][same] == words->items[0][same])
      same++;
    length = same;
  }
  /* Not in the middle of a character. */
  while (length && (words->items[0][length] & 0xc0) == 0x80)
    length--;
  return length;
}

static void list_words(const struct text_list *words)
{
  putc('\n', stdout);
  for (size_t i = 0; i < words->count && i < LISTED; i++)
    printf("%s\n", words->items[i]);
  if (words->count > LISTED)
    printf("and %zu more\n", words->count - LISTED);
}

/* Characters, as the editor counts them. */
static int characters(const char *text, size_t length)
{
  char *copy = strndup(text, length);
  size_t count = copy ? mbstowcs(NULL, copy, 0) : (size_t)-1;
  free(copy);
  return count == (size_t)-1 ? (int)length : (int)count;
}

/* In quotes where blanks and the like would part it. */
static bool replace(const char *typed, size_t length, const char *text, size_t wanted, bool whole,
                    char tail)
{
  char made[4096];
  char *copy = strndup(text, wanted);
  const char *quote = !copy || !copy[strcspn(copy, " \t'\">|")] ? ""
                      : strchr(copy, '\'')                      ? "\""
                                                                : "'";
  char end[] = {whole ? tail : '\0', '\0'};
  int size =
      snprintf(made, sizeof made, "%s%s%s%s", quote, copy ? copy : "", whole ? quote : "", end);
  free(copy);
  if (size < 0 || size >= (int)sizeof made)
    return false;
  if ((size_t)size == length && strncmp(made, typed, length) == 0)
    return false;
  editing.library.deletestr(editing.editor, characters(typed, length));
  return editing.library.insertstr(editing.editor, made) == 0;
}

static unsigned char on_tab(EditLine *editor, int key)
{
  (void)key;
  const LineInfo *line = editing.library.line(editor);
  size_t cursor = (size_t)(line->cursor - line->buffer);
  char *text = strndup(line->buffer, (size_t)(line->lastchar - line->buffer));
  struct completion completion = {0};
  unsigned char result = CC_ERROR;
  if (text)
    shell_complete(editing.shell, text, cursor, &completion);
  const struct text_list *words = &completion.words;
  if (words->count) {
    size_t wanted = common(words), typed = cursor - completion.from;
    bool whole = words->count == 1;
    char tail = words->items[0][wanted ? wanted - 1 : 0] == '=' ? '\0' : completion.tail;
    if (wanted && (whole || wanted >= typed) &&
        replace(text + completion.from, typed, words->items[0], wanted, whole, tail)) {
      result = CC_REFRESH;
    } else if (!whole) {
      list_words(words);
      result = CC_REDISPLAY;
    }
  }
  shell_completion_release(&completion);
  free(text);
  return result;
}

/* --- lines -------------------------------------------------------------------------------- */

static char *prompt(EditLine *editor)
{
  static char text[] = "(heapdiff) ";
  (void)editor;
  return text;
}

static void start(void)
{
  struct library *library = &editing.library;
  EditLine *editor = editing.editor;
  library->set(editor, EL_PROMPT, prompt);
  library->set(editor, EL_EDITOR, "emacs");
  library->set(editor, EL_SIGNAL, 1);
  library->set(editor, EL_ADDFN, "heapdiff-complete", "complete", on_tab);
  library->set(editor, EL_BIND, "^I", "heapdiff-complete", NULL);
  library->set(editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
  editing.history = library->lines.init();
  if (!editing.history)
    return;
  library->lines.history(editing.history, &editing.event, H_SETSIZE, SHELL_KEPT_LINES);
  library->lines.history(editing.history, &editing.event, H_SETUNIQUE, 1);
  library->set(editor, EL_HIST, library->lines.history, editing.history);
  if (shell_history_path(editing.path, sizeof editing.path))
    library->lines.history(editing.history, &editing.event, H_LOAD, editing.path);
  else
    editing.path[0] = '\0';
}

static void remember(const char *line)
{
  if (!editing.history || !line[strspn(line, " \t\r\n")])
    return;
  editing.library.lines.history(editing.history, &editing.event, H_ENTER, line);
  if (editing.path[0])
    shell_history_keep(&editing.library.lines, editing.path, line);
}

static void read_lines(struct shell *shell)
{
  while (!shell->done) {
    int count = 0;
    interrupt_clear();
    interrupt_insist(true);
    const char *line = editing.library.gets(editing.editor, &count);
    interrupt_insist(false);
    /* A signal that comes while the editor draws makes that fail, and is no fault of answers. */
    clearerr(stdout);
    if (!line && (errno == EINTR || interrupt_came())) {
      putc('\n', stdout);
      fflush(stdout);
      continue;
    }
    if (!line || count <= 0) {
      putc('\n', stdout);
      return;
    }
    interrupt_clear(); /* from here on it is meant for the command */
    remember(line);
    shell_run(shell, line);
  }
}

bool shell_edit(struct shell *shell)
{
  struct termios terminal;
  editing = (struct editing){.shell = shell};
  if (!load(&editing.library) || tcgetattr(STDIN_FILENO, &terminal) != 0)
    return false;
  editing.editor = editing.library.init("heapdiff", stdin, stdout, stderr);
  if (!editing.editor)
    return false;
  start();
  read_lines(shell);
  /* el_end does that, too, but loses what it knows of our key: the editor stays. */
  tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal);
  return true;
}
