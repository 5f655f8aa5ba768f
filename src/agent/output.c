#include "output.h"

#include "sys.h"

#include <errno.h>

void hd_output_open(struct hd_output *output, int fd)
{
  output->fd = fd;
  output->error = 0;
  output->used = 0;
  output->written = 0;
}

void hd_output_flush(struct hd_output *output)
{
  size_t done = 0;
  while (done < output->used && !output->error) {
    long wrote = hd_sys3(SYS_write, output->fd, output->data + done, output->used - done);
    if (wrote > 0)
      done += (size_t)wrote;
    else if (wrote != -EINTR)
      output->error = wrote < 0 ? (int)-wrote : EIO;
  }
  output->written += done;
  output->used = 0;
}

void hd_put_bytes(struct hd_output *output, const char *bytes, size_t length)
{
  while (length > 0) {
    size_t room = HD_OUTPUT_BYTES - output->used;
    size_t part = length < room ? length : room;
    memcpy(output->data + output->used, bytes, part);
    output->used += part;
    bytes += part;
    length -= part;
    if (output->used == HD_OUTPUT_BYTES)
      hd_output_flush(output);
  }
}

void hd_put(struct hd_output *output, const char *text)
{
  hd_put_bytes(output, text, strlen(text));
}

static uint32_t count_digits(uint64_t number)
{
  uint32_t digits = 1;
  for (; number >= 10000; number /= 10000)
    digits += 4;
  return digits + (number >= 10) + (number >= 100) + (number >= 1000);
}

/* Two digits at a time, from the last. */
char *hd_write_large_number(char *at, uint64_t number)
{
  static const char pairs[] = "0001020304050607080910111213141516171819"
                              "2021222324252627282930313233343536373839"
                              "4041424344454647484950515253545556575859"
                              "6061626364656667686970717273747576777879"
                              "8081828384858687888990919293949596979899";
  char *end = at + count_digits(number), *to = end;
  for (; number >= 100; number /= 100) {
    to -= 2;
    memcpy(to, &pairs[number % 100 * 2], 2);
  }
  if (number >= 10)
    memcpy(to - 2, &pairs[number * 2], 2);
  else
    to[-1] = (char)('0' + number);
  return end;
}

void hd_put_number(struct hd_output *output, uint64_t number)
{
  hd_output_filled(output, hd_write_number(hd_output_room(output), number));
}

void hd_put_hex(struct hd_output *output, const uint8_t *bytes, size_t length)
{
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < length; i++) {
    char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
    hd_put_bytes(output, pair, sizeof pair);
  }
}

/* The length of the well-formed UTF-8 sequence at the start of a terminated text
 * (Unicode 15, table 3-7), 0 where there is none. */
static size_t sequence_length(const uint8_t *text)
{
  uint8_t first = text[0], low = 0x80, high = 0xbf;
  size_t length;
  if (first < 0x80)
    return 1;
  if (first >= 0xc2 && first <= 0xdf)
    length = 2;
  else if (first >= 0xe0 && first <= 0xef)
    length = 3;
  else if (first >= 0xf0 && first <= 0xf4)
    length = 4;
  else
    return 0;
  if (first == 0xe0)
    low = 0xa0;
  else if (first == 0xed)
    high = 0x9f;
  else if (first == 0xf0)
    low = 0x90;
  else if (first == 0xf4)
    high = 0x8f;
  if (text[1] < low || text[1] > high)
    return 0;
  for (size_t i = 2; i < length; i++)
    if (text[i] < 0x80 || text[i] > 0xbf)
      return 0;
  return length;
}

static void put_escape(struct hd_output *output, uint8_t c)
{
  hd_put(output, "\\u00");
  hd_put_hex(output, &c, 1);
}

void hd_put_string(struct hd_output *output, const char *text)
{
  const uint8_t *at = (const uint8_t *)text;
  hd_put(output, "\"");
  while (*at) {
    size_t length = sequence_length(at);
    if (!length) {
      hd_put(output, "\xef\xbf\xbd");
      length = 1;
    } else if (*at == '"' || *at == '\\' || *at < 0x20 || *at == 0x7f) {
      put_escape(output, *at);
    } else {
      hd_put_bytes(output, (const char *)at, length);
    }
    at += length;
  }
  hd_put(output, "\"");
}

static void put_name(struct hd_output *output, const char *name)
{
  hd_put(output, ",\"");
  hd_put(output, name);
  hd_put(output, "\":");
}

void hd_put_member(struct hd_output *output, const char *name, uint64_t number)
{
  put_name(output, name);
  hd_put_number(output, number);
}

void hd_put_text_member(struct hd_output *output, const char *name, const char *text)
{
  put_name(output, name);
  hd_put_string(output, text);
}
