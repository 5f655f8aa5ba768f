#include "nearest.h"

#include <string.h>

enum {
  LONGEST = 40, /* longer words are no slips of the finger for a name of ours */
  SHORTEST_BEGINNING = 2,
};

static size_t least(size_t a, size_t b)
{
  return a < b ? a : b;
}

/* Insertions, deletions, changes and swaps of neighbours that turn one word into
 * the other (optimal string alignment). */
static size_t distance_between(const char *a, size_t a_length, const char *b, size_t b_length)
{
  size_t rows[3][LONGEST + 1];
  size_t *before = rows[0], *last = rows[1], *now = rows[2];
  for (size_t j = 0; j <= b_length; j++)
    last[j] = j;
  for (size_t i = 1; i <= a_length; i++) {
    now[0] = i;
    for (size_t j = 1; j <= b_length; j++) {
      size_t change = last[j - 1] + (a[i - 1] != b[j - 1]);
      now[j] = least(change, 1 + least(last[j], now[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = least(now[j], before[j - 2] + 1);
    }
    size_t *spare = before;
    before = last;
    last = now;
    now = spare;
  }
  return last[b_length];
}

struct nearest nearest_to(const char *typed)
{
  size_t third = strlen(typed) / 3;
  /* One past the greatest distance that still is near. */
  return (struct nearest){.typed = typed, .distance = (third ? third : 1) + 1};
}

void nearest_offer(struct nearest *nearest, const char *name)
{
  size_t typed_length = strlen(nearest->typed), length = strlen(name);
  if (!typed_length || typed_length > LONGEST || length > LONGEST)
    return;
  size_t distance = distance_between(nearest->typed, typed_length, name, length);
  if (typed_length >= SHORTEST_BEGINNING && strncmp(name, nearest->typed, typed_length) == 0)
    distance = least(distance, 1);
  /* With two letters, one changed is another word. */
  if (distance >= nearest->distance || distance >= typed_length)
    return;
  nearest->distance = distance;
  nearest->best = name;
}
