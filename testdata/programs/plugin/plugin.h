/* What a plug-in gives to the program that opens it. */
#ifndef PLUGIN_H
#define PLUGIN_H

#include <stddef.h>

struct plugin_answer {
  const char *function; /* where the leak is */
  int line;
  size_t bytes, objects;
};

/* Leaks, and says what. The strings live in the caller. */
typedef void (*plugin_run)(struct plugin_answer *answer, char *name, size_t size);
#define PLUGIN_RUN "plugin_main"
void plugin_main(struct plugin_answer *answer, char *name, size_t size);

#endif
