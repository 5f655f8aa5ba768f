/* Completion scripts for shells, written from the tables. */
#ifndef HEAPDIFF_CLI_COMPLETION_H
#define HEAPDIFF_CLI_COMPLETION_H

#include "command.h"

/* Each prints a script to standard output. */
void completion_bash(void);
void completion_zsh(void);
void completion_fish(void);
/* One line a verb and option, for tests: verb, name, letter, metavar, separated
 * by tabs. */
void completion_rows(void);

#endif
