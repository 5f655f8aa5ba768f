/* What folding needs to know of a location, found out once, whatever the number of stacks
 * that it is in: what its frames are called under the series' grouping, which of them is the
 * call site, and which filters they match. */
#ifndef HD_ANALYSIS_PLACES_H
#define HD_ANALYSIS_PLACES_H

#include "analysis/series.h"

enum {
  HD_PLACE_INLINED = 1,
  HD_PLACE_WRAPPER = 2,
  HD_PLACE_UNNAMED = 4, /* neither function nor file is known */
};

/* A frame that is not hidden. */
struct hd_place_frame {
  uint32_t label, frame; /* of the series, of the pool: numbers + 1 */
  uint8_t flags;
};

struct hd_place {
  uint32_t site;      /* of its frames, the first that is no wrapper; their count: none */
  uint32_t row;       /* fold.c: of its site, once it is known that no more need be asked */
  uint8_t flags;      /* of all of its frames, hidden or not: HD_FRAME_FOCUS and _IGNORE */
  uint8_t site_flags; /* HD_PLACE_* of the site */
};

/* What is looked at most lies apart from the rest. */
struct hd_places {
  HD_VEC(struct hd_place) places;
  HD_VEC(struct hd_span) spans; /* beside places: in frames, innermost first */
  HD_VEC(struct hd_place_frame) frames;
};

/* Adds a location of the series' pool, which is settled, as the next place. False on want of
 * memory. */
bool hd_places_add(struct hd_places *at, struct hd_series *series, uint32_t location);
void hd_places_deinit(struct hd_places *at);

#endif
