#include "elf_image.h"

#include "files.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

enum { PAGE = 4096, HEADERS_MAX = 64 };

struct image {
  const ElfW(Phdr) * headers;
  size_t count;
  uintptr_t start, end, bias;
};

/* The program headers lie in the first page, or at least in the first segment,
 * of every object that the usual linkers make. */
static bool open_image(const struct dl_find_object *object, struct image *image)
{
  const ElfW(Ehdr) *header = object->dlfo_map_start;
  image->start = (uintptr_t)object->dlfo_map_start;
  image->end = (uintptr_t)object->dlfo_map_end;
  image->bias = object->dlfo_link_map->l_addr;
  if (image->end - image->start < sizeof *header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_phentsize != sizeof(ElfW(Phdr)) || header->e_phnum > HEADERS_MAX)
    return false;
  size_t size = header->e_phnum * sizeof(ElfW(Phdr));
  if (header->e_phoff > PAGE - size)
    return false;
  image->headers = (const ElfW(Phdr) *)((const char *)header + header->e_phoff);
  image->count = header->e_phnum;
  return true;
}

/* The description of the first note of this name and type among some, NULL where
 * there is none. `name_size` counts the terminating zero. */
static const uint8_t *search_notes(const uint8_t *at, size_t size, const char *name,
                                   size_t name_size, uint32_t type, uint32_t *length)
{
  while (size >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    memcpy(&note, at, sizeof note);
    size_t title = ((size_t)note.n_namesz + 3) & ~(size_t)3;
    size_t description = ((size_t)note.n_descsz + 3) & ~(size_t)3;
    if (title > size - sizeof note || description > size - sizeof note - title)
      return NULL;
    const uint8_t *text = at + sizeof note;
    if (note.n_type == type && note.n_namesz == name_size && memcmp(text, name, name_size) == 0) {
      *length = note.n_descsz;
      return text + title;
    }
    at += sizeof note + title + description;
    size -= sizeof note + title + description;
  }
  return NULL;
}

static const uint8_t *find_note(const struct image *image, const char *name, size_t name_size,
                                uint32_t type, uint32_t *length)
{
  *length = 0;
  for (size_t i = 0; i < image->count; i++) {
    const ElfW(Phdr) *header = &image->headers[i];
    uintptr_t at = image->bias + header->p_vaddr;
    if (header->p_type != PT_NOTE || at < image->start || at > image->end ||
        header->p_memsz > image->end - at)
      continue;
    const uint8_t *found =
        search_notes((const uint8_t *)at, header->p_memsz, name, name_size, type, length);
    if (found)
      return found;
  }
  return NULL;
}

static const uint8_t *find_build_id(const struct image *image, uint32_t *length)
{
  const uint8_t *id = find_note(image, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU, NT_GNU_BUILD_ID, length);
  if (id && *length <= HD_BUILD_ID_MAX)
    return id;
  *length = 0;
  return NULL;
}

/* Go's linker leaves a note of its own, "Go" with two zeros, of type 4
 * (cmd/link's ELF_NOTE_GOBUILDID_TAG). */
bool hd_image_is_go(const struct dl_find_object *object)
{
  static const char name[4] = "Go";
  struct image image;
  uint32_t length;
  return open_image(object, &image) && find_note(&image, name, sizeof name, 4, &length);
}

static bool is_vdso(uintptr_t start)
{
  return start == getauxval(AT_SYSINFO_EHDR);
}

/* The loader's name for an object may be relative to a working directory of long
 * ago; the kernel's is not. */
void hd_image_path(const struct dl_find_object *object, char *path, size_t capacity)
{
  const char *name = object->dlfo_link_map->l_name;
  path[0] = '\0';
  if (is_vdso((uintptr_t)object->dlfo_map_start))
    hd_text_copy(path, capacity, "[vdso]");
  else if (name && name[0] == '/')
    hd_text_copy(path, capacity, name);
  else if (!name || !name[0])
    hd_read_link("/proc/self/exe", path, capacity);
  else if (!hd_mapped_path((uintptr_t)object->dlfo_map_start, path, capacity))
    hd_text_copy(path, capacity, name);
}

static void describe_segments(const struct image *image, struct hd_module *module)
{
  bool first = true, code = false;
  for (size_t i = 0; i < image->count; i++) {
    const ElfW(Phdr) *header = &image->headers[i];
    if (header->p_type != PT_LOAD)
      continue;
    if (first)
      module->load = image->bias + header->p_vaddr - header->p_offset;
    first = false;
    if (header->p_flags & PF_X && !code) {
      module->code_offset = header->p_offset;
      module->code_size = header->p_filesz;
      code = true;
    }
    if (module->segment_count < HD_MODULE_SEGMENTS)
      module->segments[module->segment_count++] =
          (struct hd_segment){header->p_vaddr, header->p_filesz, header->p_offset};
  }
}

void hd_image_describe(const struct dl_find_object *object, struct hd_module *module)
{
  struct image image;
  module->link_map = object->dlfo_link_map;
  module->start = (uintptr_t)object->dlfo_map_start;
  module->end = (uintptr_t)object->dlfo_map_end;
  module->bias = object->dlfo_link_map->l_addr;
  module->load = module->start;
  if (open_image(object, &image)) {
    describe_segments(&image, module);
    const uint8_t *id = find_build_id(&image, &module->build_id_length);
    if (id)
      memcpy(module->build_id, id, module->build_id_length);
  }
}

static bool same_name(const struct dl_find_object *object, const struct hd_module *module)
{
  const char *name = object->dlfo_link_map->l_name;
  return !name || name[0] != '/' || strcmp(name, module->path) == 0;
}

bool hd_image_is(const struct dl_find_object *object, const struct hd_module *module)
{
  struct image image;
  uint32_t length = 0;
  if (is_vdso(module->start))
    return true;
  if (!same_name(object, module))
    return false;
  if (!open_image(object, &image))
    return module->segment_count == 0;
  const uint8_t *id = find_build_id(&image, &length);
  return length == module->build_id_length && (!id || memcmp(id, module->build_id, length) == 0);
}
