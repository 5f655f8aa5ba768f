/* The list of mapped files at the end of a text snapshot: addresses become a
 * module and an offset in its file, and where the program was loaded plays no
 * part any more.
 *
 * Lines are those of /proc/PID/maps, or short ones:
 *
 *   start-end perm offset dev inode path[ (deleted)]
 *   start-end[:] [perm] [offset] path [(@offset)] [build-id]
 *   name=value            "$name" in later lines stands for the value
 *
 * (the forms that google/pprof's profile/legacy_profile.go takes). */
#ifndef HD_READERS_MEMORY_MAP_H
#define HD_READERS_MEMORY_MAP_H

#include "model/profile.h"

struct hd_mapping {
  uint64_t start, limit, offset;
  uint32_t path, build_id; /* strings of the profile */
  uint32_t module;         /* of the profile, 0 until an address needs it */
};

struct hd_map_variable {
  const char *name, *value; /* name with its "$", in the profile's arena */
};

struct hd_memory_map {
  struct hd_profile *profile;
  HD_VEC(struct hd_mapping) items;
  HD_VEC(struct hd_map_variable) variables;
  struct hd_index module_index; /* (path, build-id) -> module */
  uint32_t program; /* string: the first that is no library, as pprof guesses it */
};

/* Takes a line; one that is of no known form is passed over, as are mappings that
 * cannot be run. False when memory is short. */
bool hd_memory_map_line(struct hd_memory_map *map, const char *line, size_t length,
                        struct hd_error *error);
/* After the last line: sorts, and joins what lies side by side. */
void hd_memory_map_finish(struct hd_memory_map *map);
/* The module (added to the profile when first met) and file offset of an address;
 * module 0 and the address itself where no file is mapped there. */
bool hd_memory_map_place(struct hd_memory_map *map, uint64_t address, uint32_t *module,
                         uint64_t *offset, struct hd_error *error);
void hd_memory_map_deinit(struct hd_memory_map *map);

#endif
