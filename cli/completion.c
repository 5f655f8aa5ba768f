#include "completion.h"

#include <string.h>

/* Whether the value is a word that cannot be guessed: neither one of a list nor a
 * file. */
static bool is_free(const struct option_row *row)
{
  return row->kind != OPTION_FLAG && !row->words && !row->path;
}

static bool takes_pid(const struct command *command)
{
  return strcmp(command->words, "process") == 0;
}

static void print_words(const struct option_row *row)
{
  for (size_t i = 0; row->words(i); i++)
    printf("%s%s", i ? " " : "", row->words(i));
}

static void print_verbs(const char *glue)
{
  bool first = true;
  for (size_t i = 0; command_at(i); i++) {
    if (command_at(i)->hidden)
      continue;
    printf("%s%s", first ? "" : glue, command_at(i)->name);
    first = false;
  }
}

/* `text` inside single quotes, for any of the three shells. */
static void print_quoted(const char *text, const char *escaped)
{
  for (; *text; text++) {
    if (*text == '\'')
      fputs("'\\''", stdout);
    else
      printf("%s%c", strchr(escaped, *text) ? "\\" : "", *text);
  }
}

static void bash_values(const struct command *command)
{
  struct option_walk walk = {command->groups, NULL};
  for (const struct option_row *row; (row = option_next(&walk));) {
    if (row->words) {
      printf("    %s:--%s) words='", command->name, row->name);
      print_words(row);
      printf("' ;;\n");
    } else if (row->process) {
      printf("    %s:--%s) words=$pids ;;\n", command->name, row->name);
    } else if (is_free(row)) {
      printf("    %s:--%s) compopt +o default; return ;;\n", command->name, row->name);
    }
  }
}

static void bash_options(const struct command *command)
{
  printf("    %s) words='", command->name);
  struct option_walk walk = {command->groups, NULL};
  for (const struct option_row *row; (row = option_next(&walk));)
    printf("--%s ", row->name);
  printf("--help' ;;\n");
}

void completion_bash(void)
{
  printf("# bash completion for heapdiff, from: heapdiff completion bash\n"
         "_heapdiff() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
         "  local verb=${COMP_WORDS[1]} words=\n"
         "  local pids; pids=$(cd /proc && echo [0-9]*)\n"
         "  COMPREPLY=()\n"
         "  if ((COMP_CWORD == 1)); then\n"
         "    mapfile -t COMPREPLY < <(compgen -W '");
  print_verbs(" ");
  printf(" --help --version' -- \"$current\")\n"
         "    return\n"
         "  fi\n"
         "  # Bash splits --name=value into three words.\n"
         "  if [[ $current == = ]]; then\n"
         "    current=\n"
         "  elif [[ $previous == = ]]; then\n"
         "    previous=${COMP_WORDS[COMP_CWORD-2]}\n"
         "  fi\n"
         "  case $verb:$previous in\n");
  for (size_t i = 0; command_at(i); i++)
    bash_values(command_at(i));
  printf("    help:help) words='");
  print_verbs(" ");
  printf("' ;;\n"
         "  esac\n"
         "  if [[ -z $words && $current == -* ]]; then\n"
         "    case $verb in\n");
  for (size_t i = 0; command_at(i); i++)
    bash_options(command_at(i));
  printf("    esac\n"
         "  fi\n");
  for (size_t i = 0; command_at(i); i++)
    if (takes_pid(command_at(i)))
      printf("  [[ -z $words && $verb == %s ]] && words=$pids\n", command_at(i)->name);
  printf("  [[ -n $words ]] && mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
         "}\n"
         "complete -o default -F _heapdiff heapdiff\n");
}

static void zsh_option(const struct option_row *row)
{
  const char *again = row->kind == OPTION_LIST ? "*" : "";
  bool flag = row->kind == OPTION_FLAG;
  if (row->letter)
    printf("    '(-%c --%s)'{-%c%s,--%s%s}'[", row->letter, row->name, row->letter, flag ? "" : "+",
           row->name, flag ? "" : "=");
  else
    printf("    '%s--%s%s[", again, row->name, flag ? "" : "=");
  print_quoted(row->help, "[]:\\");
  putchar(']');
  if (!flag) {
    putchar(':');
    print_quoted(row->metavar, ":\\");
    putchar(':');
  }
  if (row->words) {
    putchar('(');
    print_words(row);
    putchar(')');
  } else if (row->process) {
    fputs("_pids", stdout);
  } else if (row->path) {
    fputs("_files", stdout);
  }
  printf("' \\\n");
}

static void zsh_verb(const struct command *command)
{
  printf("_heapdiff_%s() {\n  _arguments -s -S \\\n", command->name);
  struct option_walk walk = {command->groups, NULL};
  for (const struct option_row *row; (row = option_next(&walk));)
    zsh_option(row);
  printf("    '(- *)--help[say what the verb takes]' \\\n");
  if (command->program_follows)
    printf("    '(-)1:program:_command_names -e' '*::argument:_normal'\n}\n");
  else if (strcmp(command->words, "snapshot") == 0 || strcmp(command->words, "file") == 0)
    printf("    '*:%s:_files'\n}\n", command->words);
  else if (takes_pid(command))
    printf("    '1:process:_pids'\n}\n");
  else if (!command->words[0])
    printf("    '*: :()'\n}\n");
  else {
    printf("    '1:%s:(", command->words);
    print_verbs(" ");
    printf(")'\n}\n");
  }
}

void completion_zsh(void)
{
  printf("#compdef heapdiff\n# zsh completion for heapdiff, from: heapdiff completion zsh\n");
  for (size_t i = 0; command_at(i); i++)
    if (!command_at(i)->hidden)
      zsh_verb(command_at(i));
  printf("_heapdiff() {\n  local -a verbs=(\n");
  for (size_t i = 0; command_at(i); i++) {
    if (command_at(i)->hidden)
      continue;
    printf("    '%s:", command_at(i)->name);
    print_quoted(command_at(i)->summary, ":\\");
    printf("'\n");
  }
  printf("  )\n"
         "  if ((CURRENT == 2)); then\n"
         "    _describe verb verbs\n"
         "    return\n"
         "  fi\n"
         "  local verb=$words[2]\n"
         "  shift words\n"
         "  ((CURRENT--))\n"
         "  (( $+functions[_heapdiff_$verb] )) && _heapdiff_$verb\n"
         "}\n"
         "# As a file of $fpath this is the body of _heapdiff, else it is sourced.\n"
         "if [[ $funcstack[1] == _heapdiff ]]; then\n"
         "  _heapdiff \"$@\"\n"
         "else\n"
         "  compdef _heapdiff heapdiff\n"
         "fi\n");
}

static void fish_option(const struct command *command, const struct option_row *row)
{
  printf("complete -c heapdiff -n '__fish_seen_subcommand_from %s' -l %s", command->name,
         row->name);
  if (row->letter)
    printf(" -s %c", row->letter);
  if (row->words) {
    printf(" -x -a '");
    print_words(row);
    printf("'");
  } else if (row->process) {
    printf(" -x -a '(__fish_complete_pids)'");
  } else if (row->kind != OPTION_FLAG) {
    printf(row->path ? " -r -F" : " -x");
  }
  printf(" -d '");
  for (const char *at = row->help; *at; at++)
    printf("%s%c", *at == '\'' || *at == '\\' ? "\\" : "", *at);
  printf("'\n");
}

void completion_fish(void)
{
  printf("# fish completion for heapdiff, from: heapdiff completion fish\n");
  for (size_t i = 0; command_at(i); i++) {
    const struct command *command = command_at(i);
    if (command->hidden)
      continue;
    printf("complete -c heapdiff -n __fish_use_subcommand -f -a %s -d '", command->name);
    print_quoted(command->summary, "\\");
    printf("'\n");
    struct option_walk walk = {command->groups, NULL};
    for (const struct option_row *row; (row = option_next(&walk));)
      fish_option(command, row);
    if (takes_pid(command))
      printf("complete -c heapdiff -n '__fish_seen_subcommand_from %s' -f -a "
             "'(__fish_complete_pids)'\n",
             command->name);
  }
  printf("complete -c heapdiff -n '__fish_seen_subcommand_from help' -f -a '");
  print_verbs(" ");
  printf("'\n");
}

void completion_rows(void)
{
  for (size_t i = 0; command_at(i); i++) {
    const struct command *command = command_at(i);
    struct option_walk walk = {command->groups, NULL};
    printf("%s\n", command->name);
    for (const struct option_row *row; (row = option_next(&walk));)
      printf("%s\t%s\t%c\t%s\n", command->name, row->name, row->letter ? row->letter : '-',
             row->metavar ? row->metavar : "-");
  }
}
