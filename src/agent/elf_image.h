/* A mapped ELF file's own headers: where its segments come from and which build
 * it is. */
#ifndef HD_AGENT_ELF_IMAGE_H
#define HD_AGENT_ELF_IMAGE_H

#include "modules.h"

/* Fills the module from the object, all but the path; what its headers do not say
 * stays empty. To be called while the object cannot be unmapped. */
void hd_image_describe(const struct dl_find_object *object, struct hd_module *module);
/* Whether the object is (still) this module: same path, same build. */
bool hd_image_is(const struct dl_find_object *object, const struct hd_module *module);
/* Whether the object was linked by Go's linker. */
bool hd_image_is_go(const struct dl_find_object *object);
/* The path of the file mapped at an object, in the caller's buffer; "" if unknown. */
void hd_image_path(const struct dl_find_object *object, char *path, size_t capacity);

#endif
