/* A line of the shell, taken apart. */
#include "shell_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The words joined by commas, then the redirection. */
static void expect(const char *text, const char *words, const char *file, const char *program)
{
  struct shell_line line;
  const char *mistake;
  char joined[256] = "";
  assert_true(shell_line_parse(&line, text, &mistake));
  for (size_t i = 0; i < line.count; i++) {
    strcat(joined, i ? "," : "");
    strcat(joined, line.words[i]);
  }
  assert_null(line.words[line.count]);
  assert_string_equal(joined, words);
  assert_string_equal(line.to_file ? line.to_file : "-", file ? file : "-");
  assert_string_equal(line.to_program ? line.to_program : "-", program ? program : "-");
  shell_line_release(&line);
}

static void expect_sides(const char *text, const char *name, const char *value)
{
  struct shell_line line;
  const char *mistake;
  assert_true(shell_line_parse(&line, text, &mistake));
  assert_string_equal(line.name ? line.name : "-", name ? name : "-");
  assert_string_equal(line.value ? line.value : "-", value ? value : "-");
  shell_line_release(&line);
}

static void expect_mistake(const char *text, const char *why)
{
  struct shell_line line;
  const char *mistake;
  assert_false(shell_line_parse(&line, text, &mistake));
  assert_string_equal(mistake, why);
  shell_line_release(&line);
}

static void test_words(void **state)
{
  (void)state;
  expect("", "", NULL, NULL);
  expect(" \t\n", "", NULL, NULL);
  expect("# top > x", "", NULL, NULL);
  expect("top\n", "top", NULL, NULL);
  expect("  top  20\t-cum ", "top,20,-cum", NULL, NULL);
  expect("list 'operator new(unsigned long)'", "list,operator new(unsigned long)", NULL, NULL);
  expect("list \"a'b\" c'd e'f", "list,a'b,cd ef", NULL, NULL);
  expect("list ''", "list,", NULL, NULL);
  expect("list main.(*Cache).put", "list,main.(*Cache).put", NULL, NULL);
}

static void test_redirection(void **state)
{
  (void)state;
  expect("top > out.txt", "top", "out.txt", NULL);
  expect("top >out.txt\n", "top", "out.txt", NULL);
  expect("top > 'a b' 5", "top,5", "a b", NULL);
  expect("top | less -S 'x y'", "top", NULL, "less -S 'x y'");
  expect("top |wc -l | cat > x\n", "top", NULL, "wc -l | cat > x");
  expect("top a->b foo|bar x>y", "top,a->b,foo|bar,x>y", NULL, NULL);
  expect("top '>' '|'", "top,>,|", NULL, NULL);
}

static void test_mistakes(void **state)
{
  (void)state;
  expect_mistake("list 'a b", "a quote is not closed");
  expect_mistake("top > 'a", "a quote is not closed");
  expect_mistake("top >", "the name of a file is missing after >");
  expect_mistake("top > | cat", "the name of a file is missing after >");
  expect_mistake("top >> x", "there is no >>: a file is written anew, by >");
  expect_mistake("top |  ", "a command is missing after |");
  expect_mistake("top > x | cat", "the output goes to a file or to a command, not to both");
  char many[3 * SHELL_WORDS] = "";
  for (int i = 0; i <= SHELL_WORDS; i++)
    strcat(many, "a ");
  expect_mistake(many, "these are too many words");
}

static void test_sides(void **state)
{
  (void)state;
  expect_sides("focus=cache", "focus", "cache");
  expect_sides(" focus = a b \n", "focus", "a b");
  expect_sides("focus=", "focus", "");
  expect_sides("focus=\"\"", "focus", "");
  expect_sides("focus='a b'", "focus", "a b");
  expect_sides("focus='a' | 'b'", "focus", "'a' | 'b'");
  expect_sides("sort = cum //: [cum | flat]", "sort", "cum");
  expect_sides("focus=a=b", "focus", "a=b");
  expect_sides("list a=b", NULL, NULL);
  expect_sides("top", NULL, NULL);
  expect_sides("=x", NULL, NULL);
}

static void test_word_start(void **state)
{
  char quote;
  (void)state;
  assert_int_equal(shell_word_start("top foo", 7, &quote), 4);
  assert_int_equal(quote, 0);
  assert_int_equal(shell_word_start("top ", 4, &quote), 4);
  assert_int_equal(shell_word_start("to", 2, &quote), 0);
  assert_int_equal(shell_word_start("focus=ma", 8, &quote), 6);
  assert_int_equal(shell_word_start("list 'operator ne", 17, &quote), 5);
  assert_int_equal(quote, '\'');
  assert_int_equal(shell_word_start("list 'a' b", 10, &quote), 9);
  assert_int_equal(quote, 0);
  assert_int_equal(shell_word_start("top >fi", 7, &quote), 5);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_words),      cmocka_unit_test(test_redirection),
      cmocka_unit_test(test_mistakes),   cmocka_unit_test(test_sides),
      cmocka_unit_test(test_word_start),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
