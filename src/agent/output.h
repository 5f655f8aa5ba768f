/* Writing JSON to a file through a buffer of fixed size. After a failure nothing
 * more is written; `error` says why. */
#ifndef HD_AGENT_OUTPUT_H
#define HD_AGENT_OUTPUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* How many bytes there may be room for at once, and the longest number has. */
enum { HD_OUTPUT_BYTES = 64 * 1024, HD_PIECE_BYTES = 4096, HD_NUMBER_BYTES = 20 };

struct hd_output {
  int fd;
  int error; /* an error number, 0 while all is well */
  size_t used;
  uint64_t written; /* bytes so far */
  char data[HD_OUTPUT_BYTES];
};

void hd_output_open(struct hd_output *output, int fd);
void hd_put(struct hd_output *output, const char *text);
void hd_put_bytes(struct hd_output *output, const char *bytes, size_t length);
void hd_put_number(struct hd_output *output, uint64_t number);
void hd_put_hex(struct hd_output *output, const uint8_t *bytes, size_t length);
/* A quoted string; what is not UTF-8 becomes U+FFFD. */
void hd_put_string(struct hd_output *output, const char *text);
/* `,"name":` and a number or a string. */
void hd_put_member(struct hd_output *output, const char *name, uint64_t number);
void hd_put_text_member(struct hd_output *output, const char *name, const char *text);
void hd_output_flush(struct hd_output *output);

/* What there is very much of is written piece by piece: room for at most HD_PIECE_BYTES
 * is asked for, filled from its start on, and its end told. */
static inline char *hd_output_room(struct hd_output *output)
{
  if (output->used > HD_OUTPUT_BYTES - HD_PIECE_BYTES)
    hd_output_flush(output);
  return output->data + output->used;
}

static inline void hd_output_filled(struct hd_output *output, const char *end)
{
  output->used = (size_t)(end - output->data);
}

/* These write to `at` and return where to go on. */
char *hd_write_large_number(char *at, uint64_t number);

static inline char *hd_write_number(char *at, uint64_t number)
{
  if (number >= 10)
    return hd_write_large_number(at, number);
  *at = (char)('0' + number);
  return at + 1;
}

static inline char *hd_write(char *at, const char *text)
{
  size_t length = strlen(text);
  memcpy(at, text, length);
  return at + length;
}

#endif
