/* Small files, links and texts, without stdio. */
#ifndef HD_AGENT_FILES_H
#define HD_AGENT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies a text that fits; false (and "") where it does not. */
bool hd_text_copy(char *out, size_t capacity, const char *text);

/* A text that is put together in a buffer; `failed` once it did not fit. */
struct hd_text {
  char *data;
  size_t length, capacity;
  bool failed;
};

void hd_text_add(struct hd_text *text, const char *more);
/* With leading zeros up to `digits`. */
void hd_text_number(struct hd_text *text, uint64_t number, unsigned digits);

/* Reads a number in hexadecimal; returns what is behind it. */
const char *hd_hexadecimal(const char *text, uintptr_t *value);

/* The start of a file, terminated; its length, 0 where it cannot be read. */
size_t hd_read_file(const char *path, char *out, size_t capacity);
/* Where a symbolic link points; "" where it cannot be read. */
bool hd_read_link(const char *path, char *out, size_t capacity);
/* The kernel's name of the file that is mapped at an address. */
bool hd_mapped_path(uintptr_t address, char *out, size_t capacity);

#endif
