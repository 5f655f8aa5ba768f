#include "symbols/elf_inflate.h"

#include <gelf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

/* In the gABI since 2022, and not in this libelf's headers. */
enum { COMPRESSED_ZSTD = 2 };

/* Debug sections shrink by 2 to 20; a section of 4 GiB is past any that 32-bit
 * offsets reach. */
enum { MOST_GROWTH = 64, GROWTH_FLOOR = 1 << 16 };
#define MOST_BYTES ((uint64_t)4 << 30)

/* The sections that were decompressed, to be freed when the copy is written. */
struct inflated {
  HD_VEC(void *) blocks;
  bool no_memory;
};

static bool is_zstd(Elf_Scn *section, GElf_Chdr *header)
{
  GElf_Shdr shape;
  return gelf_getshdr(section, &shape) && (shape.sh_flags & SHF_COMPRESSED) &&
         shape.sh_type != SHT_NOBITS && gelf_getchdr(section, header) &&
         header->ch_type == COMPRESSED_ZSTD;
}

static bool has_zstd(Elf *elf)
{
  GElf_Chdr header;
  for (Elf_Scn *section = elf_nextscn(elf, NULL); section; section = elf_nextscn(elf, section))
    if (is_zstd(section, &header))
      return true;
  return false;
}

/* The plain contents, NULL where they are damaged or memory is short (`reason` is ""
 * then). The size that the section's header claims is what comes out, to the byte;
 * a frame that knows its own size is held against it before memory is taken. */
static void *decompress(Elf *elf, Elf_Scn *section, const GElf_Chdr *header, char reason[HD_REASON])
{
  Elf_Data *raw = elf_rawdata(section, NULL);
  size_t skip = gelf_fsize(elf, ELF_T_CHDR, 1, EV_CURRENT);
  reason[0] = '\0';
  if (!raw || !raw->d_buf || raw->d_size < skip) {
    snprintf(reason, HD_REASON, "%s", "is truncated");
    return NULL;
  }
  size_t size = raw->d_size - skip;
  if (header->ch_size > MOST_BYTES || header->ch_size / MOST_GROWTH > size + GROWTH_FLOOR) {
    snprintf(reason, HD_REASON, "%s", "claims more than it can hold");
    return NULL;
  }
  const char *frame = (const char *)raw->d_buf + skip;
  unsigned long long known = ZSTD_getFrameContentSize(frame, size);
  if (known == ZSTD_CONTENTSIZE_ERROR ||
      (known != ZSTD_CONTENTSIZE_UNKNOWN && known > header->ch_size)) {
    snprintf(reason, HD_REASON, "%s", "is damaged");
    return NULL;
  }
  void *plain = hd_alloc(header->ch_size ? header->ch_size : 1);
  if (!plain)
    return NULL;
  size_t got = ZSTD_decompress(plain, header->ch_size, frame, size);
  if (!ZSTD_isError(got) && got == header->ch_size)
    return plain;
  hd_free(plain);
  snprintf(reason, HD_REASON, "%s", "is damaged");
  return NULL;
}

static bool out_of_memory(struct inflated *inflated, void *block)
{
  hd_free(block);
  inflated->no_memory = true;
  return false;
}

static void make_plain(GElf_Shdr *shape, Elf_Data *data, const GElf_Chdr *header, void *plain)
{
  data->d_buf = plain;
  data->d_size = header->ch_size;
  shape->sh_size = header->ch_size;
  shape->sh_addralign = header->ch_addralign ? header->ch_addralign : 1;
  shape->sh_flags &= ~(GElf_Xword)SHF_COMPRESSED;
}

static bool copy_section(Elf *from, Elf_Scn *section, Elf *to, struct inflated *inflated,
                         char reason[HD_REASON])
{
  GElf_Shdr shape;
  GElf_Chdr header;
  Elf_Scn *copy = elf_newscn(to);
  Elf_Data *data = copy ? elf_newdata(copy) : NULL;
  Elf_Data *raw = elf_rawdata(section, NULL);
  if (!data || !gelf_getshdr(section, &shape))
    return false;
  *data = (Elf_Data){.d_type = ELF_T_BYTE, .d_version = EV_CURRENT, .d_align = 1};
  if (raw) {
    data->d_buf = shape.sh_type == SHT_NOBITS ? NULL : raw->d_buf;
    data->d_size = shape.sh_type == SHT_NOBITS ? shape.sh_size : raw->d_size;
  }
  if (is_zstd(section, &header)) {
    char why[HD_REASON];
    void *plain = decompress(from, section, &header, why);
    if (!plain && why[0])
      snprintf(reason, HD_REASON, "has a debug section in zstd that %.64s", why);
    else if (!plain || !hd_vec_push(&inflated->blocks, plain))
      return out_of_memory(inflated, plain);
    else
      make_plain(&shape, data, &header, plain);
  }
  return gelf_update_shdr(copy, &shape);
}

/* Bytes are copied as they are, whatever their order; libelf lays them out anew. */
static bool copy_file(Elf *from, Elf *to, struct inflated *inflated, char reason[HD_REASON])
{
  GElf_Ehdr header;
  size_t names;
  if (!gelf_getehdr(from, &header) || elf_getshdrstrndx(from, &names) != 0 ||
      !gelf_newehdr(to, gelf_getclass(from)))
    return false;
  header.e_phnum = 0;
  header.e_phoff = 0;
  header.e_shstrndx = names < SHN_LORESERVE ? (GElf_Half)names : 0;
  if (!gelf_update_ehdr(to, &header))
    return false;
  elf_flagelf(to, ELF_C_SET, ELF_F_PERMISSIVE);
  for (Elf_Scn *section = elf_nextscn(from, NULL); section; section = elf_nextscn(from, section))
    if (!copy_section(from, section, to, inflated, reason))
      return false;
  return elf_update(to, ELF_C_WRITE_MMAP) >= 0;
}

enum hd_elf_result hd_elf_inflate(struct hd_elf_file *file, char reason[HD_REASON])
{
  struct inflated inflated = {.no_memory = false};
  reason[0] = '\0';
  if (!file->elf || !has_zstd(file->elf))
    return HD_ELF_OPENED;
  int fd = memfd_create("heapdiff-elf", MFD_CLOEXEC);
  Elf *copy = fd < 0 ? NULL : elf_begin(fd, ELF_C_WRITE_MMAP, NULL);
  bool fine = copy && copy_file(file->elf, copy, &inflated, reason);
  elf_end(copy);
  for (size_t i = 0; i < inflated.blocks.count; i++)
    hd_free(inflated.blocks.items[i]);
  hd_vec_deinit(&inflated.blocks);
  Elf *plain = fine ? elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;
  if (!plain) {
    if (fd >= 0)
      close(fd);
    snprintf(reason, HD_REASON, "%s", "has debug sections in zstd that cannot be decompressed");
    return inflated.no_memory ? HD_ELF_NO_MEMORY : HD_ELF_OPENED;
  }
  elf_end(file->elf);
  close(file->fd);
  file->elf = plain;
  file->fd = fd;
  file->mapped = true;
  return HD_ELF_OPENED;
}
