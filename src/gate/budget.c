#include "gate/budget.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct hd_rule_info hd_rules[HD_RULES] = {
#define HD_RULE(id, name, measure, sites, total) {name, HD_##measure, sites, total},
#include "gate/rules.def"
#undef HD_RULE
};

static bool same_word(const char *name, const char *typed)
{
  for (; *name && (*name == *typed || (*name == '-' && *typed == '_')); name++)
    typed++;
  return !*name && !*typed;
}

enum hd_rule hd_rule_find(const char *name)
{
  int rule = 0;
  while (rule < HD_RULES && !same_word(hd_rules[rule].name, name))
    rule++;
  return (enum hd_rule)rule;
}

/* Digits, and at most one point among them: less than strtod takes. */
static bool take_number(const char **at, double *value)
{
  size_t whole = strspn(*at, "0123456789"), part = 0;
  char digits[32];
  if ((*at)[whole] == '.')
    part = 1 + strspn(*at + whole + 1, "0123456789");
  if (!whole || whole + part >= sizeof digits)
    return false;
  memcpy(digits, *at, whole + part);
  digits[whole + part] = '\0';
  *value = strtod(digits, NULL);
  *at += whole + part;
  return true;
}

static double take_factor(const char **at)
{
  static const char prefixes[] = "kmgt";
  const char *prefix = **at ? strchr(prefixes, **at | 0x20) : NULL;
  double factor = prefix ? pow(1024, (double)(prefix - prefixes + 1)) : 1;
  *at += prefix != NULL;
  if (prefix && strncasecmp(*at, "iB", 2) == 0)
    *at += 2;
  else if (**at == 'B' || **at == 'b')
    *at += 1;
  return factor;
}

/* What a unit of time is of an hour; 0: it is none. */
static double an_hour(const char *unit)
{
  static const struct {
    const char *name;
    double times;
  } units[] = {{"s", 3600}, {"sec", 3600}, {"m", 60},      {"min", 60},
               {"h", 1},    {"hour", 1},   {"d", 1 / 24.}, {"day", 1 / 24.}};
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (strcmp(unit, units[i].name) == 0)
      return units[i].times;
  return 0;
}

static bool parse_time(const char *text, struct hd_budget *budget, const char **wrong)
{
  const char *at = text;
  double value = 0;
  *wrong = "a time such as 90min, 24h or 7d";
  if (!take_number(&at, &value) || an_hour(at) <= 0)
    return false;
  *budget =
      (struct hd_budget){HD_RULE_MIN_TIME_TO_LIMIT, HD_BUDGET_TIME, value / an_hour(at), text};
  return true;
}

bool hd_budget_is_timed(const struct hd_budget *budget)
{
  return budget->kind == HD_BUDGET_RATE || budget->kind == HD_BUDGET_TIME;
}

bool hd_budget_parse(enum hd_rule rule, const char *text, struct hd_budget *budget,
                     const char **wrong)
{
  if (rule == HD_RULE_MIN_TIME_TO_LIMIT)
    return parse_time(text, budget, wrong);
  bool bytes = hd_measures[hd_rules[rule].measure].unit == HD_UNIT_BYTES;
  const char *at = text;
  double value = 0;
  *wrong = bytes ? "a size such as 512k or 1MiB, a share such as 5%, or a rate such as 10MB/h"
                 : "a number, a share such as 5%, or a rate such as 100/h";
  if (!take_number(&at, &value))
    return false;
  *budget = (struct hd_budget){rule, HD_BUDGET_AMOUNT, value, text};
  if (strcmp(at, "%") == 0) {
    budget->kind = HD_BUDGET_SHARE;
    budget->amount = value / 100;
    return true;
  }
  if (bytes)
    budget->amount *= take_factor(&at);
  if (*at == '/') {
    budget->kind = HD_BUDGET_RATE;
    double times = an_hour(at + 1);
    budget->amount *= times;
    return times > 0;
  }
  return !*at;
}
