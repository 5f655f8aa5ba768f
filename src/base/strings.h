/* Interned strings: equal texts have equal ids. Id 0 is the empty string. */
#ifndef HD_BASE_STRINGS_H
#define HD_BASE_STRINGS_H

#include "base/arena.h"
#include "base/index.h"
#include "base/vec.h"

struct hd_string {
  const char *text; /* terminated; may hold NUL bytes before `length` */
  size_t length;
};

struct hd_strings {
  struct hd_arena arena;
  HD_VEC(struct hd_string) items; /* items[id - 1] */
  struct hd_index index;
};

/* Finds or adds a text (copied); false when memory is short. */
bool hd_strings_intern(struct hd_strings *strings, const char *text, size_t length, uint32_t *id);
/* The id of a text that is there; 0: it is not, or it is empty. */
uint32_t hd_strings_find(const struct hd_strings *strings, const char *text, size_t length);
/* The text of an id; "" for 0. Valid until hd_strings_deinit. */
const char *hd_strings_text(const struct hd_strings *strings, uint32_t id);
size_t hd_strings_length(const struct hd_strings *strings, uint32_t id);
void hd_strings_deinit(struct hd_strings *strings);

#endif
