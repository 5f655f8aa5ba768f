/* A verb: one constant entry, verb_<name>, in cmd_<name>.c, named in
 * commands.def. */
#ifndef HEAPDIFF_CLI_COMMAND_H
#define HEAPDIFF_CLI_COMMAND_H

#include "options.h"

#include <stdio.h>

enum { SYNOPSES = 4 };

/* Exit codes that are not a struct hd_error's kind. */
enum { STATUS_FINE = 0, STATUS_USAGE = 2, STATUS_INTERNAL = 4 };

struct command {
  const char *name;
  const char *summary;            /* a line of the overview */
  const char *synopsis[SYNOPSES]; /* what follows "heapdiff NAME ", a line each */
  const char *about;              /* for --help: paragraphs, wrapped when printed */
  const char *words;              /* what its words are, for completion: "snapshot", "file" */
  const struct option_group *groups;
  bool program_follows; /* the first word and all after it are a program's */
  bool hidden;          /* from the overview */
  int usage_status;     /* the exit code of a usage error */
  /* argv[0 .. argc-1] follow the verb; argv[argc] is NULL. Returns the exit code. */
  int (*run)(const struct command *command, int argc, char **argv);
};

/* All verbs, in the order of commands.def: NULL past the last one. */
const struct command *command_at(size_t i);
const struct command *command_find(const char *name);

/* Fills `values` from the arguments. Where it returns false the verb is done:
 * help was printed or the mistake named, and *status is the exit code; the values
 * have been released. */
bool command_parse(const struct command *command, void *values, int *argc, char **argv,
                   int *status);

/* Names a mistake in how the verb was called ("heapdiff top: ..."); returns the
 * exit code. */
int command_misused(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Says that there is no such verb, and which is nearest; returns the exit code. */
int command_unknown(const char *name);

/* What a verb takes, to standard output. */
void command_help(const struct command *command);
/* What heapdiff is and its verbs. */
void command_overview(FILE *stream);

#endif
