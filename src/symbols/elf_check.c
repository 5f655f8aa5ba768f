#include "symbols/elf_check.h"

#include "base/alloc.h"
#include "symbols/bytes.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Names take some hundred bytes where no compiler's object file is meant, and debug sections
 * shrink by 2 to 20. 32-bit offsets reach no further than 4 GiB. */
enum { MOST_NAMES = 1 << 20, MOST_GROWTH = 64, GROWTH_FLOOR = 1 << 16 };
#define MOST_BYTES ((uint64_t)4 << 30)

/* What the headers are read from. */
struct image {
  const struct hd_elf_source *source;
  bool wide, big_endian;
  uint64_t segments_at, sections_at;
  unsigned segment_count, section_count, names; /* names: the section that has them */
};

struct section {
  uint64_t name, type, flags, offset, size, link, align, entry;
};

struct extent {
  uint64_t start, end;
};

static bool read_at(const struct hd_elf_source *source, uint64_t at, void *to, size_t size)
{
  if (at > source->size || size > source->size - at)
    return false;
  if (source->data) {
    memcpy(to, source->data + at, size);
    return true;
  }
  for (size_t done = 0; done < size;) {
    ssize_t got = pread(source->fd, (char *)to + done, size - done, (off_t)(at + done));
    if (got == 0 || (got < 0 && errno != EINTR))
      return false;
    done += got > 0 ? (size_t)got : 0;
  }
  return true;
}

static bool inside(const struct image *image, uint64_t at, uint64_t size)
{
  return at <= image->source->size && size <= image->source->size - at;
}

static struct hd_bytes bytes_of(const struct image *image, const uint8_t *data, size_t size)
{
  return (struct hd_bytes){data, data + size, image->big_endian, false};
}

/* An address, offset or size, as wide as the file's class. */
static uint64_t word(const struct image *image, struct hd_bytes *bytes)
{
  return hd_bytes_uint(bytes, image->wide ? 8 : 4);
}

static bool is_power_of_two(uint64_t n)
{
  return (n & (n - 1)) == 0;
}

bool hd_elf_has_magic(const struct hd_elf_source *source)
{
  char start[SELFMAG];
  return source->size >= EI_NIDENT && read_at(source, 0, start, sizeof start) &&
         memcmp(start, ELFMAG, SELFMAG) == 0;
}

/* --- the three kinds of headers */

static bool read_header(struct image *image)
{
  uint8_t data[sizeof(Elf64_Ehdr)];
  size_t size = sizeof(Elf32_Ehdr);
  if (!read_at(image->source, 0, data, size) || memcmp(data, ELFMAG, SELFMAG) != 0)
    return false;
  image->wide = data[EI_CLASS] == ELFCLASS64;
  image->big_endian = data[EI_DATA] == ELFDATA2MSB;
  if ((!image->wide && data[EI_CLASS] != ELFCLASS32) ||
      (!image->big_endian && data[EI_DATA] != ELFDATA2LSB) || data[EI_VERSION] != EV_CURRENT)
    return false;
  size = image->wide ? sizeof(Elf64_Ehdr) : size;
  if (!read_at(image->source, 0, data, size))
    return false;
  struct hd_bytes bytes = bytes_of(image, data + EI_NIDENT, size - EI_NIDENT);
  hd_bytes_skip(&bytes, 4); /* type, machine */
  uint64_t version = hd_bytes_uint(&bytes, 4);
  word(image, &bytes); /* entry */
  image->segments_at = word(image, &bytes);
  image->sections_at = word(image, &bytes);
  hd_bytes_skip(&bytes, 4); /* flags */
  uint64_t own = hd_bytes_uint(&bytes, 2), segment = hd_bytes_uint(&bytes, 2);
  image->segment_count = (unsigned)hd_bytes_uint(&bytes, 2);
  uint64_t section = hd_bytes_uint(&bytes, 2);
  image->section_count = (unsigned)hd_bytes_uint(&bytes, 2);
  image->names = (unsigned)hd_bytes_uint(&bytes, 2);
  /* Numbers that do not fit lie elsewhere: no program has as many. */
  return version == EV_CURRENT && own == size && image->segment_count < PN_XNUM &&
         image->section_count < SHN_LORESERVE && !image->sections_at == !image->section_count &&
         (!image->segment_count ||
          segment == (image->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr))) &&
         (!image->section_count ||
          section == (image->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)));
}

/* A file of debug information has segments whose contents are elsewhere: where they end is
 * for the one to see who needs them. */
static bool check_segments(const struct image *image, struct extent *table)
{
  size_t each = image->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
  *table = (struct extent){image->segments_at, image->segments_at + image->segment_count * each};
  if (!image->segment_count)
    return true;
  if (!inside(image, image->segments_at, image->segment_count * each))
    return false;
  for (unsigned i = 0; i < image->segment_count; i++) {
    uint8_t data[sizeof(Elf64_Phdr)];
    if (!read_at(image->source, image->segments_at + i * each, data, each))
      return false;
    struct hd_bytes bytes = bytes_of(image, data, each);
    hd_bytes_skip(&bytes, image->wide ? 8 : 4); /* type, flags */
    uint64_t offset = word(image, &bytes), address = word(image, &bytes);
    word(image, &bytes); /* physical address */
    uint64_t file_size = word(image, &bytes), size = word(image, &bytes);
    if (file_size > UINT64_MAX - offset || size > UINT64_MAX - address)
      return false;
  }
  return true;
}

static struct section section_at(const struct image *image, const uint8_t *table, unsigned i)
{
  size_t each = image->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
  struct hd_bytes bytes = bytes_of(image, table + i * each, each);
  struct section section;
  section.name = hd_bytes_uint(&bytes, 4);
  section.type = hd_bytes_uint(&bytes, 4);
  section.flags = word(image, &bytes);
  word(image, &bytes); /* address */
  section.offset = word(image, &bytes);
  section.size = word(image, &bytes);
  section.link = hd_bytes_uint(&bytes, 4);
  hd_bytes_skip(&bytes, 4); /* info */
  section.align = word(image, &bytes);
  section.entry = word(image, &bytes);
  return section;
}

/* --- a section */

static bool growth_is_sane(uint64_t plain, uint64_t packed)
{
  return plain <= MOST_BYTES && plain / MOST_GROWTH <= packed + GROWTH_FLOOR;
}

static bool check_compressed(const struct image *image, const struct section *section)
{
  uint8_t data[sizeof(Elf64_Chdr)];
  size_t size = image->wide ? sizeof(Elf64_Chdr) : sizeof(Elf32_Chdr);
  if ((section->flags & SHF_ALLOC) || section->type == SHT_NOBITS || section->size < size ||
      !read_at(image->source, section->offset, data, size))
    return false;
  struct hd_bytes bytes = bytes_of(image, data, size);
  uint64_t method = hd_bytes_uint(&bytes, 4);
  if (image->wide)
    hd_bytes_skip(&bytes, 4);
  uint64_t plain = word(image, &bytes), align = word(image, &bytes);
  return (method == 1 || method == 2) && is_power_of_two(align) && /* zlib, zstd */
         growth_is_sane(plain, section->size - size);
}

/* "ZLIB", and the size in big-endian order: what compressed before there was a flag. */
static bool check_old_compressed(const struct image *image, const struct section *section)
{
  uint8_t data[12];
  if (section->type == SHT_NOBITS || section->size < sizeof data)
    return true;
  if (!read_at(image->source, section->offset, data, sizeof data))
    return false;
  struct hd_bytes bytes = {data + 4, data + sizeof data, true, false};
  return memcmp(data, "ZLIB", 4) != 0 ||
         growth_is_sane(hd_bytes_uint(&bytes, 8), section->size - sizeof data);
}

static bool check_section(const struct image *image, const uint8_t *table, const char *names,
                          uint64_t names_size, const struct section *section)
{
  bool symbols = section->type == SHT_SYMTAB || section->type == SHT_DYNSYM;
  if (section->name >= names_size || section->link >= image->section_count ||
      !is_power_of_two(section->align) ||
      (section->type != SHT_NOBITS && !inside(image, section->offset, section->size)))
    return false;
  if (symbols && (section_at(image, table, (unsigned)section->link).type != SHT_STRTAB ||
                  section->entry != (image->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym))))
    return false;
  if (section->flags & SHF_COMPRESSED)
    return check_compressed(image, section);
  return strncmp(names + section->name, ".zdebug", 7) != 0 || check_old_compressed(image, section);
}

/* --- all of them */

static int by_start(const void *a, const void *b)
{
  const struct extent *x = a, *y = b;
  return x->start != y->start ? (x->start < y->start ? -1 : 1)
                              : (x->end > y->end) - (x->end < y->end);
}

static bool are_apart(struct extent *extents, size_t count)
{
  qsort(extents, count, sizeof *extents, by_start);
  for (size_t i = 1; i < count; i++)
    if (extents[i].start < extents[i - 1].end)
      return false;
  return true;
}

/* A block of the file, to be freed; NULL where it is not there or memory is short. */
static void *load(const struct image *image, uint64_t at, uint64_t size)
{
  void *block = inside(image, at, size) ? hd_alloc(size) : NULL;
  if (!block || read_at(image->source, at, block, size))
    return block;
  hd_free(block);
  return NULL;
}

/* `extents` has room for three more than there are sections; two are in it. */
static bool check_sections(const struct image *image, const uint8_t *table, struct extent *extents,
                           size_t used)
{
  struct section names = section_at(image, table, image->names);
  if (names.type != SHT_STRTAB || !names.size || names.size > MOST_NAMES ||
      (names.flags & SHF_COMPRESSED))
    return false;
  HD_SCOPED_FREE char *text = load(image, names.offset, names.size);
  if (!text || text[names.size - 1])
    return false;
  if (section_at(image, table, 0).type != SHT_NULL)
    return false;
  for (unsigned i = 1; i < image->section_count; i++) {
    struct section section = section_at(image, table, i);
    if (section.type == SHT_NULL)
      continue;
    if (!check_section(image, table, text, names.size, &section))
      return false;
    if (section.type != SHT_NOBITS && section.size)
      extents[used++] = (struct extent){section.offset, section.offset + section.size};
  }
  return are_apart(extents, used);
}

bool hd_elf_ordinary(const struct hd_elf_source *source)
{
  struct image image = {.source = source};
  struct extent segments;
  if (!read_header(&image) || !check_segments(&image, &segments))
    return false;
  struct extent own = {0, image.wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)};
  if (image.segment_count && segments.start < own.end)
    return false;
  if (!image.section_count)
    return true;
  size_t size = image.section_count * (image.wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));
  HD_SCOPED_FREE uint8_t *table = load(&image, image.sections_at, size);
  HD_SCOPED_FREE struct extent *extents =
      hd_alloc_zeroed((size_t)image.section_count + 3, sizeof *extents);
  if (!table || !extents || image.names >= image.section_count)
    return false;
  size_t used = 0;
  extents[used++] = own;
  extents[used++] = (struct extent){image.sections_at, image.sections_at + size};
  if (image.segment_count)
    extents[used++] = segments;
  return check_sections(&image, table, extents, used);
}

/* --- doubt */

bool hd_elf_trust_nothing;

static _Thread_local bool wanted, doubted;

void hd_doubt_begin(void)
{
  wanted = true;
  doubted = false;
}

bool hd_doubt_end(void)
{
  wanted = false;
  return doubted;
}

bool hd_doubt(void)
{
  doubted |= wanted;
  return wanted;
}

bool hd_elf_trusted(const struct hd_elf_source *source)
{
  return !wanted || (!hd_elf_trust_nothing && hd_elf_ordinary(source)) || !hd_doubt();
}

bool hd_doubted(void)
{
  return wanted && doubted;
}
