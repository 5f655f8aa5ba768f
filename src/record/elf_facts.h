/* The little that record must know of a binary before it starts it. */
#ifndef HD_RECORD_ELF_FACTS_H
#define HD_RECORD_ELF_FACTS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct hd_elf_facts {
  bool is_elf;
  bool native_layout; /* word size and byte order are this machine's; else only
                       * the fields up to `machine` are filled */
  uint8_t word_size;  /* EI_CLASS */
  uint8_t byte_order; /* EI_DATA */
  uint16_t machine;   /* e_machine */
  bool has_interpreter;
  char interpreter[PATH_MAX]; /* the dynamic loader, "" where there is none */
  bool go;                    /* has the note of Go's linker */
};

/* Reads headers only, whatever the file holds. False where it cannot be read;
 * errno says why. A file that is not ELF, or too damaged to say, is no failure:
 * the kernel has the last word on it. */
bool hd_elf_facts_read(int fd, struct hd_elf_facts *facts);

/* "x86-64", "aarch64", "32-bit i386"...; valid until the next call. */
const char *hd_elf_machine_name(const struct hd_elf_facts *facts, char *out, unsigned size);

#endif
