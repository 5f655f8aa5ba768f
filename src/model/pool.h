/* The pool: what all snapshots of a session share, interned, so that equal
 * frames of two profiles have equal 32-bit ids. Ids are 1-based, 0 means none.
 *
 * A profile is imported location by location; the locations that came without
 * symbols wait until hd_pool_resolve gives them some. */
#ifndef HD_MODEL_POOL_H
#define HD_MODEL_POOL_H

#include "model/profile.h"

struct hd_pool_module {
  uint32_t path, build_id;  /* strings of the pool */
  bool by_address;          /* as in struct hd_module */
  uint32_t wanted, resolved; /* locations that came without symbols, and those that got some */
  /* What symbolization said of it, for `info`. */
  const char *status, *reason;
  bool asked, verified, mismatch, forced;
};

/* A source-level frame; one without a function is a bare address. */
struct hd_pool_frame {
  uint32_t function;     /* for people */
  uint32_t system_name;  /* 0: the same */
  uint32_t file, line, start_line;
  uint32_t module;
  uint64_t offset;       /* of a bare address, else 0 */
};

struct hd_pool_location {
  uint32_t module;
  uint64_t offset;
  uint32_t first, count; /* in location_frames; innermost first; at least 1 once settled */
  bool symbolized;
  bool settled;          /* has its frames; others wait for hd_pool_resolve */
};

struct hd_pool {
  struct hd_strings strings;
  HD_VEC(struct hd_pool_module) modules;
  HD_VEC(struct hd_pool_frame) frames;
  HD_VEC(struct hd_pool_location) locations;
  HD_VEC(uint32_t) location_frames;
  struct hd_index module_index, frame_index, location_index;
};

/* Where a profile's ids went. */
struct hd_import {
  uint32_t *locations; /* [profile location id] -> pool location id; [0] is 0 */
  uint32_t *modules;   /* [profile module id] -> pool module id; [0] is 0 */
};

bool hd_pool_create(struct hd_pool **pool, struct hd_error *error);
void hd_pool_destroy(struct hd_pool *pool); /* takes NULL */

/* Interns what a frozen profile refers to. `demangle` makes names for people out
 * of linkage names (NULL: they stay as they are). */
typedef const char *(*hd_demangler)(struct hd_arena *arena, const char *name);
bool hd_pool_import(struct hd_pool *pool, const struct hd_profile *profile, hd_demangler demangle,
                    struct hd_import *import, struct hd_error *error);
void hd_import_deinit(struct hd_import *import);

/* Gives a waiting location its frames (texts are copied); none leaves it a bare
 * address. */
struct hd_resolved_frame {
  const char *function, *system_name, *file;
  uint32_t line, start_line;
};
bool hd_pool_resolve(struct hd_pool *pool, uint32_t location,
                     const struct hd_resolved_frame *frames, size_t count, struct hd_error *error);

/* Shorthands; all take id 0. */
const char *hd_pool_text(const struct hd_pool *pool, uint32_t string);
const struct hd_pool_frame *hd_pool_frame(const struct hd_pool *pool, uint32_t frame);
/* Last component of a path. */
const char *hd_base_name(const char *path);

#endif
