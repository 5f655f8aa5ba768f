/* Whether libelf and libdw can be trusted with a file: a look of our own at its headers,
 * before they see it. What is not ordinary is opened by a child process (isolated.h). */
#ifndef HD_SYMBOLS_ELF_CHECK_H
#define HD_SYMBOLS_ELF_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/* Where the bytes are: in memory, or (data NULL) behind a descriptor. */
struct hd_elf_source {
  const uint8_t *data;
  int fd;
  uint64_t size;
};

/* True where header, program headers and sections have the sizes that the format gives
 * them, lie in the file and apart from each other, and refer to what is there; and where
 * no compressed section claims more than it can hold. It reads the headers alone, by a few
 * calls of pread. False on want of memory, too. */
bool hd_elf_ordinary(const struct hd_elf_source *source);
/* False where not even libelf would take the file for ELF. */
bool hd_elf_has_magic(const struct hd_elf_source *source);

/* --- doubt: what a thread has met while it opened the files of a module */

/* From here on, what is not ordinary is not opened in this thread, but leaves a doubt. */
void hd_doubt_begin(void);
/* Files are opened whatever they are from here on. Whether there was a doubt. */
bool hd_doubt_end(void);
/* Something that elfutils is not to be trusted with: false where it is to be done all the
 * same, since no doubt is wanted. */
bool hd_doubt(void);
/* hd_elf_ordinary as far as this thread cares: true where no doubt is wanted; what is not
 * ordinary leaves a doubt. */
bool hd_elf_trusted(const struct hd_elf_source *source);
bool hd_doubted(void);

/* For tests: nothing is trusted. */
extern bool hd_elf_trust_nothing;

#endif
