/* Names that look like the one that was asked for. */
#include "analysis/list.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 64, WANTED = 3 };

/* Edits (insert, delete, replace) from one text to the other, case aside
 * (Levenshtein); texts are compared up to LONGEST characters. */
static size_t distance(const char *a, const char *b)
{
  size_t row[LONGEST + 1], length = strnlen(b, LONGEST);
  for (size_t j = 0; j <= length; j++)
    row[j] = j;
  for (size_t i = 0; a[i] && i < LONGEST; i++) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < length; j++) {
      size_t same = diagonal + (tolower((unsigned char)a[i]) != tolower((unsigned char)b[j]));
      diagonal = row[j + 1];
      size_t least = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;
      row[j + 1] = same < least ? same : least;
    }
  }
  return row[length];
}

struct candidate {
  const char *name;
  size_t score;
};

/* How far a name is from what was wanted: a part of it is near, whatever its
 * length. */
static size_t score(const char *name, const char *wanted)
{
  if (strcasestr(name, wanted))
    return 0;
  const char *last = strrchr(name, ':');
  const char *dot = strrchr(name, '.');
  if (dot > last)
    last = dot;
  size_t whole = distance(name, wanted);
  size_t tail = last && last[1] ? distance(last + 1, wanted) : whole;
  return 1 + (tail < whole ? tail : whole);
}

static void offer(struct candidate best[WANTED], struct candidate candidate)
{
  for (size_t i = 0; i < WANTED; i++) {
    if (best[i].name && strcmp(best[i].name, candidate.name) == 0)
      return;
    if (!best[i].name || candidate.score < best[i].score) {
      struct candidate moved = best[i];
      best[i] = candidate;
      if (!moved.name)
        return;
      candidate = moved;
    }
  }
}

static void consider(struct candidate best[WANTED], const char *name, const char *wanted)
{
  size_t limit = 1 + (strlen(wanted) > 6 ? strlen(wanted) / 2 : 3);
  size_t points = name[0] ? score(name, wanted) : SIZE_MAX;
  if (points <= limit)
    offer(best, (struct candidate){name, points});
}

void hd_list_nearest(const struct hd_series *series, const char *wanted, char *out, size_t size)
{
  struct candidate best[WANTED] = {0};
  for (size_t i = 0; i < series->rows.count; i++)
    consider(best, hd_pool_text(series->pool, series->rows.items[i].key.function), wanted);
  /* There the rows have the innermost functions alone. */
  for (size_t i = 0; series->by == HD_BY_FUNCTION && i < series->labels.count; i++)
    consider(best, hd_pool_text(series->pool, series->labels.items[i].key.function), wanted);
  size_t used = 0, count = 0;
  out[0] = '\0';
  while (count < WANTED && best[count].name && best[count].score <= best[0].score + 1)
    count++;
  for (size_t i = 0; i < count && used < size; i++) {
    const char *joint = !i ? "" : i + 1 == count ? " or " : ", ";
    int written = snprintf(out + used, size - used, "%s%s", joint, best[i].name);
    used += written > 0 ? (size_t)written : 0;
  }
}
