/* What the goroutines of each row are doing: the texts of their label "goroutine state", with
 * how many have it. */
#ifndef HD_ANALYSIS_STATES_H
#define HD_ANALYSIS_STATES_H

#include "base/buffer.h"
#include "base/vec.h"
#include "model/pool.h"

struct hd_state {
  uint32_t text; /* string of the pool */
  uint32_t next; /* of the same row: its number in items, + 1 */
  double count;
};

/* Of one snapshot. */
struct hd_states {
  HD_VEC(struct hd_state) items;
  HD_VEC(uint32_t) first; /* [row] -> number in items, + 1 */
};

void hd_states_deinit(struct hd_states *states);

/* The state in a label set of a profile: a string of the profile, 0 none. */
uint32_t hd_state_of_labels(const struct hd_profile *profile, struct hd_span labels);

/* Counts some more of a row as in this state. False when memory is short. */
bool hd_states_add(struct hd_states *states, uint32_t row, uint32_t text, double count);

/* "chan receive", or "chan receive 980, select 20" with the most frequent first and at
 * most three; nothing where none is known. */
void hd_states_say(const struct hd_states *states, const struct hd_pool *pool, uint32_t row,
                   struct hd_buffer *out);

#endif
