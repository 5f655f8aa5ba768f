/* Which file was mapped where, and when: every captured address is bound to the
 * file that lay there at that moment, by (module, file offset).
 *
 * Objects are found by _dl_find_object, which takes no lock; dl_iterate_phdr
 * takes the loader's, and would deadlock in an allocation under dlopen. An object
 * whose code is on the calling thread's stack cannot go away, so its headers can
 * be read. */
#ifndef HD_AGENT_MODULES_H
#define HD_AGENT_MODULES_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HD_BUILD_ID_MAX = 64, HD_MODULE_SEGMENTS = 12, HD_MODULES_MAX = 65535 };

struct hd_segment {
  uint64_t address, size, offset; /* as linked, bytes in the file, where in the file */
};

struct hd_module {
  const void *link_map;
  uintptr_t start, end, bias;
  const char *path;
  uint8_t build_id[HD_BUILD_ID_MAX];
  uint32_t build_id_length, segment_count;
  struct hd_segment segments[HD_MODULE_SEGMENTS];
  uint64_t load, code_offset, code_size;
  uint32_t verified; /* the generation in which its identity was checked last */
  bool gone;
};

/* A captured address. */
struct hd_frame {
  uint32_t module; /* 1-based; 0: no known file, `offset` is the address */
  uint64_t offset; /* in the file */
};

/* Rises whenever an object may have been unmapped: what was learned about an
 * address in an earlier generation may no longer hold. */
uint32_t hd_modules_generation(void);
/* False while an object is being unmapped: nothing learned now may be kept. */
bool hd_modules_steady(void);
void hd_modules_closing(void);
void hd_modules_closed(void);
void hd_modules_expire(void);
/* In a forked child, where a dlclose of another thread never ends. */
void hd_modules_forked(void);

/* The id (1-based) of the frame for an address; `object` is NULL where nothing
 * is mapped there. 0 when memory is short. Takes the tables' lock. */
uint32_t hd_frame_for(const struct dl_find_object *object, uintptr_t address);

/* With the tables' lock: how many there are. Items below stay readable without. */
uint32_t hd_modules_count(void);
uint32_t hd_frames_count(void);
const struct hd_module *hd_module_at(uint32_t index);
const struct hd_frame *hd_frame_at(uint32_t index);
/* Notes which modules are no longer mapped. With the tables' lock. */
void hd_modules_note_gone(void);

#endif
