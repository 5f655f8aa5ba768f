/* Writing JSON to a file through a buffer of fixed size. After a failure nothing
 * more is written; `error` says why. */
#ifndef HD_AGENT_OUTPUT_H
#define HD_AGENT_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

enum { HD_OUTPUT_BYTES = 64 * 1024 };

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

#endif
