/* "Did you mean ...?" */
#ifndef HEAPDIFF_CLI_NEAREST_H
#define HEAPDIFF_CLI_NEAREST_H

#include <stddef.h>

/* A search over names that are shown one by one. */
struct nearest {
  const char *typed;
  const char *best; /* NULL: nothing is near */
  size_t distance;
};

struct nearest nearest_to(const char *typed);
/* Keeps `name` where it is nearer than what was seen before: by the number of
 * letters to change, or because `typed` is how it begins. */
void nearest_offer(struct nearest *nearest, const char *name);

#endif
