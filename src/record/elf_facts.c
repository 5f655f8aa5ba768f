#include "record/elf_facts.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of program headers and of one note segment: linkers write a dozen headers and
 * some hundred bytes of notes. */
enum { MAX_HEADERS = 512, MAX_NOTES = 4096 };

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { NATIVE_ORDER = ELFDATA2LSB };
#else
enum { NATIVE_ORDER = ELFDATA2MSB };
#endif
enum { NATIVE_CLASS = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32 };

/* Fills as much of `out` as the file has at `offset`; -1 on failure. */
static ssize_t read_at(int fd, void *out, size_t size, uint64_t offset)
{
  if (offset > INT64_MAX - size)
    return 0;
  size_t done = 0;
  while (done < size) {
    ssize_t got = pread(fd, (char *)out + done, size - done, (off_t)(offset + done));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return -1;
    if (got == 0)
      break;
    done += (size_t)got;
  }
  return (ssize_t)done;
}

static size_t aligned(size_t size)
{
  return (size + 3) & ~(size_t)3;
}

/* Go's linker leaves a note of owner "Go", type 4 (its build id). */
static bool has_go_note(int fd, const ElfW(Phdr) * header)
{
  char notes[MAX_NOTES];
  size_t wanted = header->p_filesz < sizeof notes ? (size_t)header->p_filesz : sizeof notes;
  ssize_t got = read_at(fd, notes, wanted, header->p_offset);
  size_t size = got > 0 ? (size_t)got : 0;
  for (size_t at = 0; size - at >= sizeof(ElfW(Nhdr));) {
    ElfW(Nhdr) note;
    memcpy(&note, notes + at, sizeof note);
    at += sizeof note;
    if (note.n_namesz > MAX_NOTES || note.n_descsz > MAX_NOTES)
      return false;
    size_t length = aligned(note.n_namesz) + aligned(note.n_descsz);
    if (length > size - at)
      return false;
    if (note.n_namesz >= 2 && memcmp(notes + at, "Go", note.n_namesz == 2 ? 2 : 3) == 0)
      return true;
    at += length;
  }
  return false;
}

static void read_interpreter(int fd, const ElfW(Phdr) * header, struct hd_elf_facts *facts)
{
  facts->has_interpreter = true;
  size_t size = header->p_filesz < sizeof facts->interpreter ? (size_t)header->p_filesz : 0;
  ssize_t got = read_at(fd, facts->interpreter, size, header->p_offset);
  facts->interpreter[got > 0 ? (size_t)got : 0] = '\0';
}

static void read_headers(int fd, const ElfW(Ehdr) * head, struct hd_elf_facts *facts)
{
  if (head->e_phentsize != sizeof(ElfW(Phdr)))
    return;
  size_t count = head->e_phnum < MAX_HEADERS ? head->e_phnum : MAX_HEADERS;
  for (size_t i = 0; i < count; i++) {
    ElfW(Phdr) header;
    if (head->e_phoff > INT64_MAX / 2 ||
        read_at(fd, &header, sizeof header, head->e_phoff + i * sizeof header) !=
            (ssize_t)sizeof header)
      return;
    if (header.p_type == PT_INTERP && !facts->has_interpreter)
      read_interpreter(fd, &header, facts);
    else if (header.p_type == PT_NOTE && !facts->go)
      facts->go = has_go_note(fd, &header);
  }
}

bool hd_elf_facts_read(int fd, struct hd_elf_facts *facts)
{
  memset(facts, 0, sizeof *facts);
  ElfW(Ehdr) head;
  memset(&head, 0, sizeof head);
  ssize_t got = read_at(fd, &head, sizeof head, 0);
  if (got < 0)
    return false;
  if ((size_t)got < EI_NIDENT + sizeof(uint16_t) * 2 || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
    return true;
  facts->is_elf = true;
  facts->word_size = head.e_ident[EI_CLASS];
  facts->byte_order = head.e_ident[EI_DATA];
  bool swapped = facts->byte_order != NATIVE_ORDER;
  facts->machine = swapped ? __builtin_bswap16(head.e_machine) : head.e_machine;
  facts->native_layout = !swapped && facts->word_size == NATIVE_CLASS;
  if (facts->native_layout && (size_t)got == sizeof head)
    read_headers(fd, &head, facts);
  return true;
}

const char *hd_elf_machine_name(const struct hd_elf_facts *facts, char *out, unsigned size)
{
  static const struct {
    uint16_t machine;
    const char *name;
  } names[] = {
      {EM_X86_64, "x86-64"}, {EM_386, "i386"},    {EM_AARCH64, "aarch64"}, {EM_ARM, "arm"},
      {EM_RISCV, "risc-v"},  {EM_PPC64, "ppc64"}, {EM_S390, "s390"},
  };
  const char *bits = facts->word_size == ELFCLASS32 ? "32-bit " : "";
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].machine == facts->machine) {
      snprintf(out, size, "%s%s", bits, names[i].name);
      return out;
    }
  snprintf(out, size, "%smachine %u", bits, facts->machine);
  return out;
}
