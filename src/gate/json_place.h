/* Where in a JSON text a value stands. */
#ifndef HD_GATE_JSON_PLACE_H
#define HD_GATE_JSON_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/* A step down: to a member of an object, or an item of an array. */
struct hd_json_step {
  const char *key; /* NULL: the item `index` */
  size_t index;
};

/* Line and column (in bytes), both from 1, of what the steps lead to in a text that is known
 * to be JSON: of a member, of its key with `at_key`, else of its value. False where there
 * is no such value. */
bool hd_json_place(const char *text, const struct hd_json_step *steps, size_t count, bool at_key,
                   int *line, int *column);

#endif
