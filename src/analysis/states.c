#include "analysis/states.h"

#include <string.h>

enum { SHOWN = 3 };

void hd_states_deinit(struct hd_states *states)
{
  hd_vec_deinit(&states->items);
  hd_vec_deinit(&states->first);
}

uint32_t hd_state_of_labels(const struct hd_profile *profile, struct hd_span span)
{
  for (uint32_t i = 0; i < span.count; i++) {
    const struct hd_label *label = &profile->labels.items[span.first + i];
    if (label->text && strcmp(hd_strings_text(&profile->strings, label->key), "goroutine state") == 0)
      return label->text;
  }
  return 0;
}

bool hd_states_add(struct hd_states *states, uint32_t row, uint32_t text, double count)
{
  while (states->first.count <= row)
    if (!hd_vec_push(&states->first, 0))
      return false;
  uint32_t id = states->first.items[row];
  while (id && states->items.items[id - 1].text != text)
    id = states->items.items[id - 1].next;
  if (id) {
    states->items.items[id - 1].count += count;
    return true;
  }
  struct hd_state state = {text, states->first.items[row], count};
  if (!hd_vec_push(&states->items, state))
    return false;
  states->first.items[row] = (uint32_t)states->items.count;
  return true;
}

static bool comes_before(const struct hd_pool *pool, const struct hd_state *a,
                         const struct hd_state *b)
{
  if (a->count > b->count || a->count < b->count)
    return a->count > b->count;
  return strcmp(hd_pool_text(pool, a->text), hd_pool_text(pool, b->text)) < 0;
}

void hd_states_say(const struct hd_states *states, const struct hd_pool *pool, uint32_t row,
                   struct hd_buffer *out)
{
  const struct hd_state *best[SHOWN + 1] = {NULL};
  size_t count = 0;
  uint32_t id = row < states->first.count ? states->first.items[row] : 0;
  for (; id; id = states->items.items[id - 1].next, count++) {
    const struct hd_state *state = &states->items.items[id - 1];
    for (int i = 0; i < SHOWN; i++)
      if (!best[i] || comes_before(pool, state, best[i])) {
        memmove(best + i + 1, best + i, (SHOWN - (size_t)i) * sizeof *best);
        best[i] = state;
        break;
      }
  }
  if (count == 1) {
    hd_buffer_puts(out, hd_pool_text(pool, best[0]->text));
    return;
  }
  for (int i = 0; i < SHOWN && best[i]; i++)
    hd_buffer_printf(out, "%s%s %.0f", i ? ", " : "", hd_pool_text(pool, best[i]->text),
                     best[i]->count);
  hd_buffer_puts(out, count > SHOWN ? ", ..." : "");
}
