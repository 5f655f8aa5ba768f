/* Recordings of heaptrack that hold everything, and reading one. */
#ifndef TESTS_HEAPTRACK_TEXTS_H
#define TESTS_HEAPTRACK_TEXTS_H

#include "valgrind_profiles.h"

#define HEAD "v 10400 3\nX ./prog -x y\nI 1000 100\n"
#define CLOSING(strings) "# strings: " strings "\n# ips: 0\n"
/* Strings 1 to 6; places: inlined frames, a function alone, an address in a module, one
 * of nowhere, a file without a function. */
#define CODE                                                                                       \
  "s 4 prog\ns 5 inner\ns 3 a.c\ns 5 outer\ns 4 main\ns 6 /l x.s\n"                                \
  "i 1100 1 2 3 7 4 3 9\ni 1200 1 5\ni 7f0000001000 6\ni 99 0\ni 1300 1 0 3 c\n"                   \
  "t 2 0\nt 1 1\nt 3 2\nt 4 1\nt 5 1\n"                                                            \
  "a 40 2\na 10 3\na 8 0\na 1 4\na 2 5\n"
#define EVENTS "c a\nR 2\n+ 0\n+ 0\n+ 1\n+ 2\nc 14\nR 3\n- 0\n+ 3\n+ 4\n+ 4\n- 4\nR 4\nc 1e\n- 1\n"
#define INTERPRETED HEAD CODE EVENTS CLOSING("6")

#define RAW_HEAD "v 10400 3\nx 9 /bin/prog\nX prog a\nI 1000 100\n"
#define RAW                                                                                        \
  RAW_HEAD                                                                                         \
  "m 1 -\nm 1 x 5000 0 800 1000 900 3000 10\nm 7 /l x.so 700000 0 5000\n"                          \
  "t 6010 0\nt 700123 1\nt 4fff 1\nt 5900 1\n"                                                     \
  "+ 40 2 f00\n+ 40 2 f40\n+ 8 3 f80\nc 5\n- f00\n- dead\n- f00\n+ 40 2 f00\n"                     \
  "m 1 -\nm 7 /l y.so 700000 0 5000\nt 700124 1\n+ 1 5 aaa0\n+ 2 0 bbb0\nc 6\n"

static inline bool read_text(const char *text, size_t length, struct profiles *profiles,
                      struct hd_error *error)
{
  return read_as("heaptrack", text, length, profiles, error);
}

static inline void read_good(const char *text, struct profiles *profiles)
{
  struct hd_error error;
  if (!read_text(text, strlen(text), profiles, &error))
    fail_msg("line %ld: %s", (long)error.line, error.text);
}

#endif
