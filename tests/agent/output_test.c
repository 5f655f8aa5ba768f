/* What is written to a file through the buffer: numbers of every length, beside printf,
 * in pieces and one by one, far beyond what the buffer holds at once. */
#include "output.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

enum { ROUNDS = 3000 };

static struct hd_output output;

/* The ends of every length, and what lies between. */
static uint64_t number_at(unsigned i)
{
  static const uint64_t ends[] = {0, 9, 10, 11};
  uint64_t power = 1;
  if (i % 7 == 0)
    return UINT64_MAX - i;
  for (unsigned k = i / 4 % 20; k > 0; k--)
    power *= 10;
  return i % 3 ? power - 1 + ends[i % 4] : i * UINT64_C(0x9e3779b97f4a7c15) >> i % 64;
}

static void put(unsigned i)
{
  char *at;
  switch (i % 3) {
  case 0: hd_put_number(&output, number_at(i)); break;
  case 1:
    at = hd_output_room(&output);
    hd_output_filled(&output, hd_write_number(at, number_at(i)));
    break;
  default: /* a piece as long as there may be */
    at = hd_output_room(&output);
    for (int left = HD_PIECE_BYTES - HD_NUMBER_BYTES; left > 0; left--)
      *at++ = 'x';
    hd_output_filled(&output, hd_write_number(at, number_at(i)));
  }
  hd_put(&output, ";\n");
}

/* Whether the file goes on with this. */
static bool expect(FILE *file, unsigned i)
{
  char text[HD_NUMBER_BYTES + 3];
  for (int left = HD_PIECE_BYTES - HD_NUMBER_BYTES; i % 3 == 2 && left > 0; left--)
    if (fgetc(file) != 'x')
      return false;
  int length = snprintf(text, sizeof text, "%lu;\n", number_at(i));
  for (int k = 0; k < length; k++)
    if (fgetc(file) != text[k])
      return false;
  return true;
}

int main(void)
{
  FILE *file = tmpfile();
  if (!file)
    return 1;
  hd_output_open(&output, fileno(file));
  for (unsigned i = 0; i < ROUNDS; i++)
    put(i);
  hd_output_flush(&output);
  rewind(file);
  for (unsigned i = 0; i < ROUNDS; i++) {
    if (!expect(file, i)) {
      printf("not what was written: %lu, at %ld\n", number_at(i), ftell(file));
      return 1;
    }
  }
  if (fgetc(file) != EOF || output.error || output.written != (uint64_t)ftell(file)) {
    puts("more or less than was written");
    return 1;
  }
  return 0;
}
