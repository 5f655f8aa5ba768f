/* A line of the shell, taken apart. Nothing here knows which commands or settings there
 * are.
 *
 *   list cache_put > out.txt      words "list" "cache_put", to_file "out.txt"
 *   top20 -cum foo | less -S      words "top20" "-cum" "foo", to_program "less -S"
 *   focus = a b  //: as pprof     name "focus", value "a b" beside the words
 *
 * Words are parted by blanks; '...' and "..." hold blanks and > and | together. ">" and "|"
 * count only where a word begins: "a->b" and "foo|bar" are words. */
#ifndef HEAPDIFF_CLI_SHELL_LINE_H
#define HEAPDIFF_CLI_SHELL_LINE_H

#include <stdbool.h>
#include <stddef.h>

enum { SHELL_WORDS = 64 };

struct shell_line {
  char *copy;                         /* holds all that follows */
  const char *words[SHELL_WORDS + 1]; /* NULL past the last one */
  size_t count;
  const char *to_file;    /* NULL: no ">" */
  const char *to_program; /* a command of sh; NULL: no "|" */
  /* Of a line with a "=" whose left side is one word: both sides; else NULL. */
  const char *name, *value;
};

/* False where the line cannot be read: *mistake then says why, in a constant text. Either
 * way shell_line_release is due. A line that is empty or a comment (#) has no words. */
bool shell_line_parse(struct shell_line *line, const char *text, const char **mistake);
void shell_line_release(struct shell_line *line);

/* Where the word begins that ends at text[end], and the quote that opens it (0: none);
 * `text` need not be a whole line. */
size_t shell_word_start(const char *text, size_t end, char *quote);

#endif
